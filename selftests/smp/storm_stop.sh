#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Storm: several callers of stop_machine() with random masks. The function runs
# as often on each CPU as it was called for.
#
# A kernel with the stop_machine events also tells how long the CPUs took to
# stop, and who was waited for.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_trace.sh
. "$DIR"/smp_trace.sh

# Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	smp_trace_cleanup
}

smp_setup 1
traced=
if smp_trace_exists; then
	smp_trace_begin
	traced=1
fi
smp_case "stop_machine storm of $SMP_STORM_SECONDS s" storm_stop "$SMP_STORM_SECONDS"
smp_figure storm_stop_calls "$(smp_value stop_calls)" count
if [ -n "$traced" ]; then
	smp_trace_end
	smp_trace_report ""
fi
ktap_finished
