#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# An object can be freed after smp_queue_sync(), or by the function when each
# call that has queued a run leaves a reference to it. KASAN finds what the magic
# numbers of the test do not.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh

EXPEDITED=/sys/kernel/rcu_expedited
expedited=

# Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	if [ -n "$expedited" ]; then
		echo "$expedited" >"$EXPEDITED"
	fi
}

smp_need_function smp_queue_function_single
smp_setup 3
smp_case "free after smp_queue_sync()" queue_free_sync
# A grace period that is shorter than an interrupt takes: the wait for a pending
# run is what counts then
expedited=$(cat "$EXPEDITED" 2>/dev/null)
if [ -n "$expedited" ]; then
	echo 1 >"$EXPEDITED"
	smp_case "free after smp_queue_sync(), expedited" queue_free_sync
	echo "$expedited" >"$EXPEDITED"
else
	ktap_test_skip "free after smp_queue_sync(), expedited: no rcu_expedited"
fi
smp_case "free in the function" queue_free_ref
ktap_finished
