#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Storm: function calls to single, many and all CPUs, with and without waiting,
# and with interrupts off, first on CPUs that stay and then on CPUs that come and
# go. No call is lost, none runs twice.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh

smp_setup 2 storm
smp_case "call storm of $SMP_STORM_SECONDS s" storm_ipi "$SMP_STORM_SECONDS"
calls=0
for way in single single_wait many many_wait all all_wait async; do
	way_calls=$(smp_value "ipi_${way}_calls")
	calls=$((calls + ${way_calls:-0}))
done
smp_figure storm_ipi_calls "$calls" count
smp_case "calls to CPUs that come and go" ipi_hotplug 3
ktap_finished
