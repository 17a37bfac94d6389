# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# smp_kunit.sh - run a KUnit suite once more: sourced after smp_lib.sh
#
#   smp_kunit SUITE    the whole test: pass the result of the suite on

smp_kunit() {
	smp_kunit=$SMP_DEBUGFS/kunit/$1
	smp_need_debugfs
	[ -f "$smp_kunit"/run ] || smp_skip_all "kernel without the KUnit suite $1"

	# The suite prints its results as kernel messages, too. On a console that also
	# shows this test they would be mistaken for results of it. The level counts when
	# a message reaches the console, which may be a moment later.
	smp_printk=$(cat /proc/sys/kernel/printk)
	trap 'echo "$smp_printk" >/proc/sys/kernel/printk' EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	echo 5 >/proc/sys/kernel/printk
	if echo 1 >"$smp_kunit"/run; then
		smp_ran=1
	else
		smp_ran=
	fi
	sleep 2
	echo "$smp_printk" >/proc/sys/kernel/printk

	ktap_print_header
	ktap_set_plan 1
	# What is in the results is of the boot then.
	[ -n "$smp_ran" ] || ktap_exit_fail_msg "the suite cannot be run"
	# The file is a KTAP document of one suite: its result becomes that of the test
	# here, and what is in it is indented already, as a subtest has to be
	sed '/^KTAP version/d; /^1\.\.1$/d; /^ok /d; /^not ok /d' "$smp_kunit/results"
	smp_verdict=$(sed -n "s/^\(\(not \)*ok\) [0-9]* \(- \)*$1\( .*\)*$/\1\4/p" \
		"$smp_kunit/results")
	case "$smp_verdict" in
	*SKIP*)
		ktap_test_skip "$1"
		;;
	ok*)
		ktap_test_pass "$1"
		;;
	*)
		ktap_print_msg "no verdict of success in $smp_kunit/results"
		ktap_test_fail "$1"
		;;
	esac
	ktap_finished
}
