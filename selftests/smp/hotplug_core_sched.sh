#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The threads of a core agree on the run queue that leads it for core scheduling,
# and that of an offline CPU leads nobody, also when threads were online without
# being active.
#
# The kernel checks that when a thread comes up. Meanwhile tasks with cookies run,
# come and go on all CPUs.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_hotplug.sh
. "$DIR"/smp_hotplug.sh

A=
B=
hog=

# Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	smp_move_back
	if [ -n "$hog" ]; then
		kill "$hog" 2>/dev/null
		wait "$hog"
	fi
}

# go CPU STATE [CPU STATE]... - one after the other
go() {
	while [ $# -ge 2 ]; do
		smp_move "$1" "$2" || return 1
		shift 2
	done
}

# quiet DESCRIPTION STATUS
quiet() {
	now=$(smp_warnings)
	[ "$now" -le "$warnings" ] || ktap_print_msg "$((now - warnings)) warnings"
	[ "$now" -le "$warnings" ] && [ "$2" = 0 ]
	smp_check $? "$1"
	warnings=$now
}

smp_need_root
smp_hotplug_setup
lists=$(cat "$SMP_CPUS"/cpu[0-9]*/topology/thread_siblings_list | sort -u)
for list in $lists; do
	# shellcheck disable=SC2046
	set -- $(smp_expand "$list")
	if [ $# -ge 2 ] && smp_can_go "$1" && smp_can_go "$2"; then
		A=$1
		B=$2
	fi
done
[ -n "$B" ] || smp_skip_all "needs a core with two threads that can go offline"
[ "$(smp_expand "$(smp_online_cpus)" | wc -w)" -ge 3 ] ||
	smp_skip_all "needs a CPU that stays when both threads of a core are offline"
[ -z "$(cat "$SMP_CPUS"/isolated)" ] ||
	smp_skip_all "there are isolated CPUs, and the last other one stays active"
smp_need_control "$A"
"$DIR"/core_hog 1 1 1
[ $? != 4 ] || smp_skip_all "no core scheduling in this kernel"
smp_setup 4
ktap_print_msg "threads of a core: $A and $B"
warnings=$(smp_warnings)
# Longer than the timeout in the file settings: until it is killed
"$DIR"/core_hog 10000 "$(smp_expand "$(smp_online_cpus)" | wc -w)" 100 &
hog=$!

# Either thread may lead at first
go "$A" 0 "$B" 0 "$A" "$SMP_STATE_INACTIVE" "$B" "$SMP_STATE_ONLINE" "$A" 0
sleep 1
go "$A" "$SMP_STATE_ONLINE"
quiet "the first thread of a core goes offline without having been active" $?

for one in "$A $B" "$B $A"; do
	first=${one% *}
	second=${one#* }
	go "$first" "$SMP_STATE_INACTIVE" "$second" "$SMP_STATE_INACTIVE" \
		"$first" 0 "$second" "$SMP_STATE_ONLINE"
	sleep 1
	go "$first" "$SMP_STATE_ONLINE"
	quiet "CPU $first goes offline while no thread of its core is active" $?
done

kill "$hog" 2>/dev/null
wait "$hog"
status=$?
hog=
if [ $status = 4 ]; then
	ktap_test_skip "tasks with cookies came and went: no other core has SMT"
else
	# SIGTERM: it has not ended before
	[ $status = 143 ]
	quiet "tasks with cookies came and went meanwhile" $?
fi
ktap_finished
