# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# smp_hotplug.sh - for tests that move CPUs between hotplug states: sourced after
# smp_lib.sh, not run
#
#   SMP_CAN_GO          the CPUs that were online at first and can go offline, by
#                       number
#   SMP_STATE_ONLINE    the number of the last state
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

SMP_STATE_ONLINE=
if [ -f "$SMP_CPUS"/hotplug/states ]; then
	SMP_STATE_ONLINE=$(smp_state online)
fi

SMP_CAN_GO=
for smp_cpu in $(smp_expand "$(smp_online_cpus)"); do
	if [ -f "$SMP_CPUS/cpu$smp_cpu/online" ]; then
		SMP_CAN_GO="$SMP_CAN_GO${SMP_CAN_GO:+ }$smp_cpu"
	fi
done

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
	if ! smp_error=$({ echo "$*" >"$SMP_RUN"; } 2>&1); then
		ktap_print_msg "$* cannot be run: $smp_error"
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
	if [ -z "$smp_cpu" ] || [ ! -f "$SMP_CPUS"/cpu"$smp_cpu"/hotplug/fail ]; then
		ktap_test_skip "$1: no CPU can go offline"
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
