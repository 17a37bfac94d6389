#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# CPUs go offline and come back. Without -a only the last one that is online,
# and the last one that is offline comes online and goes back.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=cpuhp_lib.sh
. "$DIR"/cpuhp_lib.sh

# Was a step refused that nobody promises? Others have disabled CPU hotplug, or the
# CPU is the last one; the machine cannot do it; smt/control does not permit it
refused() {
	case $cpuhp_error in
	EBUSY | EOPNOTSUPP | EPERM)
		return 0
		;;
	esac
	return 1
}

# test_step CPU 0|1 - one test: offline or online
test_step() {
	if [ "$2" = 0 ]; then
		what="CPU $1 offline"
	else
		what="CPU $1 online"
	fi
	if cpuhp_is "$1" online "$2"; then
		# The step before was refused, or failed
		ktap_test_skip "$what: it is already"
	elif cpuhp_try "$1" "$2"; then
		ktap_test_pass "$what"
	elif refused; then
		ktap_test_skip "$what: refused with $cpuhp_error"
	else
		ktap_print_msg "$cpuhp_error"
		ktap_test_fail "$what"
	fi
}

last() {
	echo "$1" | tail -n 1
}

# One CPU must stay. Others than those that can go are online in most machines.
leave_one() {
	cpuhp_read "$CPUS"/online
	for it in $(cpuhp_list "$cpuhp_value"); do
		if [ ! -f "$CPUS/cpu$it"/online ]; then
			echo "$1"
			return
		fi
	done
	echo "$1" | sed '$d'
}

count() {
	echo "$1" | grep -c .
}

cpuhp_options "Takes one CPU offline and back, with -a all that can go." "$@"
cpuhp_setup

if [ -z "$cpuhp_all" ]; then
	down=$(last "$(leave_one "$cpuhp_cpus")")
	up=$(last "$cpuhp_offline")
	[ -n "$down$up" ] || cpuhp_skip_all "only one CPU"
	cpuhp_begin $((2 * $(count "$down") + 2 * $(count "$up")))
	for cpu in $down; do
		test_step "$cpu" 0
		test_step "$cpu" 1
	done
	for cpu in $up; do
		test_step "$cpu" 1
		test_step "$cpu" 0
	done
	ktap_finished
fi

every=$(printf '%s\n' "$cpuhp_cpus" "$cpuhp_offline" | grep . | sort -n)
down=$(leave_one "$every")
[ -n "$down$cpuhp_offline" ] || cpuhp_skip_all "only one CPU"
cpuhp_begin $(($(count "$cpuhp_offline") + 2 * $(count "$down")))
for cpu in $cpuhp_offline; do
	test_step "$cpu" 1
done
for cpu in $down; do
	test_step "$cpu" 0
done
for cpu in $down; do
	test_step "$cpu" 1
done
ktap_finished
