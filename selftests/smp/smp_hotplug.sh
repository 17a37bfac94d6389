# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# smp_hotplug.sh - for tests that move CPUs between hotplug states: sourced after
# smp_lib.sh, not run
#
#   SMP_CAN_GO          the CPUs that were online at first and can go offline, by
#                       number
#   SMP_STATE_ONLINE    the number of the last state
#   SMP_STATE_INACTIVE  the last one before sched:active in which a CPU can be
#                       held: it is online there, but not active
#
# All CPUs are moved back when the script ends. A script that moves some and has a
# smp_test_cleanup of its own calls smp_move_back in it.

smp_moved=

# smp_expand LIST - the CPUs of a list like 0,2-4, one a line
smp_expand() {
	for smp_range in $(echo "$1" | tr ',' ' '); do
		smp_first=${smp_range%-*}
		while [ "$smp_first" -le "${smp_range#*-}" ]; do
			echo "$smp_first"
			smp_first=$((smp_first + 1))
		done
	done
}

# smp_state NAME - its number
smp_state() {
	sed -n "s|^ *\([0-9]*\): *$1\$|\1|p" "$SMP_CPUS"/hotplug/states
}

# smp_state_below NUMBER - the last state before it in which a CPU can be held
smp_state_below() {
	[ -n "$1" ] || return
	awk -v n="$1" '$1 + 0 < n { last = $1 + 0 } END { print last }' \
		"$SMP_CPUS"/hotplug/states
}

SMP_STATE_ONLINE=
SMP_STATE_INACTIVE=
if [ -f "$SMP_CPUS"/hotplug/states ]; then
	SMP_STATE_ONLINE=$(smp_state online)
	SMP_STATE_INACTIVE=$(smp_state_below "$(smp_state sched:active)")
fi

SMP_CAN_GO=
for smp_cpu in $(smp_expand "$(smp_online_cpus)"); do
	if [ -f "$SMP_CPUS/cpu$smp_cpu/online" ]; then
		SMP_CAN_GO="$SMP_CAN_GO${SMP_CAN_GO:+ }$smp_cpu"
	fi
done

# smp_leave_one - for tests of sets: if all online CPUs can go, not the first one
smp_leave_one() {
	[ "$(echo "$SMP_CAN_GO" | wc -w)" -lt "$(smp_expand "$(smp_online_cpus)" | wc -l)" ] ||
		SMP_CAN_GO=${SMP_CAN_GO#* }
}

# smp_hotplug_setup - before smp_setup: skip all if CPUs cannot be moved here, and
# have them moved back from now on
smp_hotplug_setup() {
	[ -n "$SMP_STATE_ONLINE" ] || smp_skip_all "no $SMP_CPUS/hotplug/states"
	[ -n "$SMP_STATE_INACTIVE" ] || smp_skip_all "no state sched:active"
	trap smp_cleanup EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

# smp_need_control CPU - skip all if it cannot be held inactive
smp_need_control() {
	smp_move "$1" "$SMP_STATE_INACTIVE" 2>/dev/null ||
		smp_skip_all "CPU $1 cannot be held in state $SMP_STATE_INACTIVE"
	smp_move "$1" "$SMP_STATE_ONLINE"
}

# smp_can_go CPU
smp_can_go() {
	case " $SMP_CAN_GO " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

# smp_last_cpu - the last CPU that can go offline, nothing if none can
smp_last_cpu() {
	smp_last=${SMP_CAN_GO##* }
	[ "$smp_last" = 0 ] || printf '%s\n' "$smp_last"
}

# smp_cpu_is_at CPU - the state that it is in
smp_cpu_is_at() {
	cat "$SMP_CPUS"/cpu"$1"/hotplug/state
}

# smp_move CPU STATE - unless it is there
smp_move() {
	case " $smp_moved" in
	*" $1 "*) ;;
	*) smp_moved="$1 $smp_moved" ;;
	esac
	[ "$(smp_cpu_is_at "$1")" = "$2" ] || echo "$2" >"$SMP_CPUS"/cpu"$1"/hotplug/target
}

# smp_fail_at CPU STATE - the next time it goes through STATE; -1 disarms that
smp_fail_at() {
	echo "$2" >"$SMP_CPUS"/cpu"$1"/hotplug/fail
}

# smp_move_back - all CPUs up again, what was moved last first, and no failure armed
#
# The files online do not know what was done with the files target, nor which
# CPUs have not come back from a suspend.
smp_move_back() {
	for smp_cpu in $smp_moved $SMP_CAN_GO; do
		smp_fail_at "$smp_cpu" -1
		if [ "$(cat "$SMP_CPUS"/cpu"$smp_cpu"/online 2>/dev/null)" = 0 ]; then
			echo 1 >"$SMP_CPUS"/cpu"$smp_cpu"/online
		fi
		smp_move "$smp_cpu" "$SMP_STATE_ONLINE"
	done
	smp_moved=
}

# Of scripts that have no other. Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	smp_move_back
}

# smp_check STATUS DESCRIPTION - a result by the status of a command
smp_check() {
	if [ "$1" = 0 ]; then
		ktap_test_pass "$2"
	else
		ktap_test_fail "$2"
	fi
}

# smp_skip_tests NAMES REASON - skip some of the tests
smp_skip_tests() {
	for smp_name in $1; do
		ktap_test_skip "$smp_name: $2"
	done
}

# smp_step TEST [NUMBER]... - part of a test that does not have a result of its own
smp_step() {
	if ! echo "$*" >"$SMP_RUN"; then
		ktap_print_msg "$* cannot be run"
		return 1
	fi
	smp_first=$(sed -n 1p "$SMP_RESULT")
	[ "$smp_first" = ok ] && return
	ktap_print_msg "$*: $smp_first"
	return 1
}

# smp_never_up DESCRIPTION STATE TEST - run TEST CPU with a CPU that is offline
# and whose bring-up fails at STATE
smp_never_up() {
	smp_cpu=$(smp_last_cpu)
	if [ -z "$smp_cpu" ]; then
		ktap_test_skip "$1: no CPU can go offline"
		return
	fi
	if [ ! -f "$SMP_CPUS"/cpu"$smp_cpu"/hotplug/fail ]; then
		ktap_test_skip "$1: no file hotplug/fail"
		return
	fi
	smp_at=$(smp_state "$2")
	if [ -z "$smp_at" ]; then
		ktap_test_skip "$1: no state $2"
		return
	fi
	echo 0 >"$SMP_CPUS"/cpu"$smp_cpu"/online
	if ! smp_fail_at "$smp_cpu" "$smp_at"; then
		ktap_test_fail "$1"
		return
	fi
	smp_case "$1" "$3" "$smp_cpu"
	smp_fail_at "$smp_cpu" -1
	if [ "$(smp_cpu_is_at "$smp_cpu")" != 0 ]; then
		ktap_print_msg "CPU $smp_cpu is at state $(smp_cpu_is_at "$smp_cpu")"
	fi
	echo 1 >"$SMP_CPUS"/cpu"$smp_cpu"/online
}

# smp_need_domains - skip all if the scheduling domains cannot be seen
smp_need_domains() {
	smp_need_debugfs
	[ -f "$SMP_DEBUGFS"/sched/verbose ] || smp_skip_all "no scheduling domains in debugfs"
}

# smp_domains - the names of the scheduling domains of each CPU, in one line
#
# They are there while the scheduler is verbose, and it writes a lot then.
smp_domains() {
	smp_verbose=$(cat "$SMP_DEBUGFS"/sched/verbose)
	echo Y >"$SMP_DEBUGFS"/sched/verbose
	for smp_dir in "$SMP_DEBUGFS"/sched/domains/cpu*; do
		[ -d "$smp_dir" ] || continue
		printf '%s:' "${smp_dir##*/}"
		cat "$smp_dir"/domain*/name 2>/dev/null | tr '\n' ','
		printf ' '
	done
	echo "$smp_verbose" >"$SMP_DEBUGFS"/sched/verbose
}

# smp_warnings - how many the kernel has written so far
#
# From then on it also repeats those that it writes only once.
smp_warnings() {
	if [ -f "$SMP_DEBUGFS"/clear_warn_once ]; then
		echo 1 >"$SMP_DEBUGFS"/clear_warn_once
	fi
	dmesg | grep -c -e 'WARNING: ' -e 'BUG: '
}
