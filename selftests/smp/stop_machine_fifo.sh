#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# stop_machine() while a task of the highest real-time priority spins on each
# CPU: the calls get through, and the hogs keep the CPUs otherwise.
#
# A round is short: with all CPUs hogged, RCU makes no progress, and complains
# after 21 seconds.
#
# SMP_FIFO_ROUNDS    number of rounds (default 5)
# SMP_FIFO_CALLS     number of calls in each (default 20)

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh

RUNTIME=/proc/sys/kernel/sched_rt_runtime_us
ROUND_SECONDS=18
SMP_FIFO_ROUNDS=${SMP_FIFO_ROUNDS:-5}
SMP_FIFO_CALLS=${SMP_FIFO_CALLS:-20}
runtime=

# Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	if [ -n "$runtime" ]; then
		echo "$runtime" >"$RUNTIME"
	fi
}

# one_round DESCRIPTION
one_round() {
	if ! numbers=$("$DIR"/fifo_hog "$ROUND_SECONDS" stop_calls "$SMP_FIFO_CALLS" 2>&1); then
		printf '%s\n' "$numbers" | sed 's/^/# /'
		ktap_test_fail "$1"
		return
	fi
	printf '%s\n' "$numbers" | sed 's/^\([^ ]*\) \([^ ]*\) \(.*\)/# \1=\2 \3/'
	smp_verdict "$1"
}

smp_number SMP_FIFO_ROUNDS
smp_number SMP_FIFO_CALLS
smp_setup "$SMP_FIFO_ROUNDS" stop
# Without throttling the hogs would leave 5 % of each second to others
if [ -f "$RUNTIME" ]; then
	runtime=$(cat "$RUNTIME")
	echo -1 >"$RUNTIME" || ktap_exit_fail_msg "throttling cannot be switched off"
fi

round=1
while [ "$round" -le "$SMP_FIFO_ROUNDS" ]; do
	one_round "round $round: $SMP_FIFO_CALLS calls with a SCHED_FIFO 99 hog per CPU"
	round=$((round + 1))
done
ktap_finished
