#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The csd events tell how a call went: one csd_queue_cpu and one
# csd_function_entry per run, and csd_queue_merged for each call that was merged.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh

INSTANCE=$SMP_TRACEFS/instances/smp_test
# Of the test: 1000 calls while the target is held, the first of which is a run
MERGED=999

# Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	[ ! -d "$INSTANCE" ] || rmdir "$INSTANCE"
}

# count EVENT - how often it was for the function of the test
count() {
	grep -c " $1: .*queue_object_fn" "$INSTANCE"/trace
}

smp_need_tracefs
[ -d "$SMP_TRACEFS"/events/csd/csd_queue_merged ] ||
	smp_skip_all "no csd_queue_merged event in this kernel"
smp_setup 3
smp_test_cleanup
mkdir "$INSTANCE"
echo 4096 >"$INSTANCE"/buffer_size_kb
echo 1 >"$INSTANCE"/events/csd/enable
smp_case "calls are merged while a run is pending" queue_merged
echo 0 >"$INSTANCE"/events/csd/enable
if [ "${smp_first%% *}" = skip ]; then
	ktap_test_skip "merged calls: ${smp_first#skip }"
	ktap_test_skip "runs: ${smp_first#skip }"
	ktap_finished
fi

if cat "$INSTANCE"/per_cpu/cpu*/stats | grep -q '^overrun: [1-9]'; then
	ktap_test_skip "merged calls: too many CPUs for the buffer"
	ktap_test_skip "runs: too many CPUs for the buffer"
	ktap_finished
fi

targets=$(count csd_queue_cpu)
want=$((targets * MERGED))
have=$(count csd_queue_merged)
if [ "$targets" -gt 0 ] && [ "$have" -eq $want ]; then
	ktap_test_pass "each merged call is an event"
else
	ktap_print_msg "$targets targets, $have csd_queue_merged events, not $want"
	ktap_test_fail "each merged call is an event"
fi
have=$(count csd_function_entry)
if [ "$have" -eq "$targets" ]; then
	ktap_test_pass "each run is one event"
else
	ktap_print_msg "$targets runs were queued, $have have begun"
	ktap_test_fail "each run is one event"
fi
ktap_finished
