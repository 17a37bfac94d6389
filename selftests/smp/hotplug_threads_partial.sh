#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Hotplug threads that are registered while a CPU is on its way: hotplug/target
# has stopped it in a state where it has gone past the creation of the threads
# and is offline, or is online and past the parking of the threads.
#
# A kernel that gets this wrong dies of it when the CPU moves on or a thread is
# woken. The script sees it coming, and stops before that.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_hotplug.sh
. "$DIR"/smp_hotplug.sh

to() {
	smp_move "$CPU" "$1"
}

# created FROM STATE - threads are there when the CPU comes up
created() {
	to "$1" && to "$2" && smp_step threads_register || return
	if ! smp_step threads_parked "$CPU"; then
		smp_step threads_unregister
		return 1
	fi
	to "$SMP_STATE_ONLINE" && smp_step threads_settle && smp_step threads_unregister
}

# parked FROM STATE - threads are parked when the CPU is offline
parked() {
	to "$1" && to "$2" && smp_step threads_register || return
	parked_status=0
	to 0 && smp_step threads_parked "$CPU" || parked_status=1
	to "$SMP_STATE_ONLINE" && smp_step threads_settle || parked_status=1
	smp_step threads_unregister && return "$parked_status"
}

# result DESCRIPTION FUNCTION FROM STATE
result() {
	"$2" "$3" "$4"
	smp_check $? "$1"
	to "$SMP_STATE_ONLINE"
}

smp_hotplug_setup
CPU=$(smp_last_cpu)
[ -n "$CPU" ] || smp_skip_all "no CPU can go offline"
smp_need_control "$CPU"
smp_setup 4 storm threads
# The first state after the creation of the threads
created=$(awk -v n="$(smp_state threads:prepare)" '$1 + 0 > n { print $1 + 0; exit }' \
	"$SMP_CPUS"/hotplug/states)
waits=$(smp_state sched:waitempty)
ktap_print_msg "CPU $CPU stops at $created and $waits"
result "register, going up, offline" created 0 "$created"
result "register, going down, offline" created "$SMP_STATE_ONLINE" "$created"
result "register, going up, online" parked 0 "$waits"
result "register, going down, online" parked "$SMP_STATE_ONLINE" "$waits"
ktap_finished
