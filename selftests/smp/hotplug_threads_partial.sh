#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Hotplug threads that are registered while a CPU is on its way: hotplug/target
# has stopped it in a state where it has gone past the creation of the threads
# and is offline, or is online and past the parking of the threads.
#
# A kernel that gets this wrong dies of it, when the CPU moves on or a thread is
# woken. The script sees it coming, and stops before that.
#
# SMP_PARTIAL_CRASH  "created" or "parked": go on in the tests of that

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_hotplug.sh
. "$DIR"/smp_hotplug.sh

SMP_PARTIAL_CRASH=${SMP_PARTIAL_CRASH:-}
# A bitmap: with all callbacks, and with none that is optional
SETS=5
registered=

# Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	smp_move_back
	if [ -n "$registered" ]; then
		echo threads_unregister >"$SMP_RUN"
	fi
}

to() {
	smp_move "$CPU" "$1"
}

# The first state after the creation of the threads that a CPU can stop in
state_created() {
	first=$(smp_state threads:prepare)
	awk -F: '{ print $1 + 0 }' "$SMP_CPUS"/hotplug/states | while read -r state; do
		if [ "$state" -gt "$first" ] && to "$state" 2>/dev/null; then
			printf '%s\n' "$state"
			break
		fi
	done
}

register() {
	smp_step threads_register "$SETS" || return 1
	registered=1
}

unregister() {
	registered=
	smp_step threads_unregister
}

# created FROM STATE - threads are there when the CPU comes up
created() {
	to "$1"
	to "$2"
	register || return 1
	if ! smp_step threads_exist "$CPU" && [ "$SMP_PARTIAL_CRASH" != created ]; then
		unregister
		return 1
	fi
	to "$SMP_STATE_ONLINE" && smp_step threads_settle && unregister
}

# parked FROM STATE - threads are parked when the CPU is offline
parked() {
	parked_ok=true
	to "$1"
	to "$2"
	register || return 1
	to 0
	smp_step threads_parked "$CPU" || parked_ok=false
	if [ "$SMP_PARTIAL_CRASH" = parked ]; then
		smp_step threads_wake "$CPU"
	fi
	to "$SMP_STATE_ONLINE"
	smp_step threads_settle || parked_ok=false
	unregister || parked_ok=false
	"$parked_ok"
}

# unregistered FROM STATE - threads end wherever the CPU is
unregistered() {
	to "$SMP_STATE_ONLINE"
	register && smp_step threads_settle || return 1
	to "$1"
	to "$2"
	unregister
}

# result DESCRIPTION FUNCTION FROM STATE
result() {
	"$2" "$3" "$4"
	smp_check $? "$1"
	to "$SMP_STATE_ONLINE"
}

smp_setup 8
CPU=$(smp_last_cpu)
waits=$(smp_state sched:waitempty)
[ -z "$CPU" ] || created=$(state_created)
if [ -z "$CPU" ] || [ -z "$waits" ] || [ -z "$created" ]; then
	smp_skip_tests "1 2 3 4 5 6 7 8" "no CPU can stop on its way"
	ktap_finished
fi
to "$SMP_STATE_ONLINE"
ktap_print_msg "CPU $CPU stops at $created and $waits"
result "register, going up, offline" created 0 "$created"
result "register, going down, offline" created "$SMP_STATE_ONLINE" "$created"
result "register, going up, online" parked 0 "$waits"
result "register, going down, online" parked "$SMP_STATE_ONLINE" "$waits"
result "unregister, going up, offline" unregistered 0 "$created"
result "unregister, going down, offline" unregistered "$SMP_STATE_ONLINE" "$created"
result "unregister, going up, online" unregistered 0 "$waits"
result "unregister, going down, online" unregistered "$SMP_STATE_ONLINE" "$waits"
ktap_finished
