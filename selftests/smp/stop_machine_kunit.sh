#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The KUnit suite of stop_machine, which covers what is not exported to modules:
# run it once more and pass its result on.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh

SUITE=stop_machine
KUNIT=$SMP_DEBUGFS/kunit/$SUITE
RESULTS=$KUNIT/results

smp_need_debugfs
[ -f "$KUNIT"/run ] || smp_skip_all "kernel without the KUnit suite $SUITE"

# The suite prints its results as kernel messages, too. On a console that also
# shows this test they would be mistaken for results of it. The level counts when
# a message reaches the console, which may be a moment later.
printk=$(cat /proc/sys/kernel/printk)
trap 'echo "$printk" >/proc/sys/kernel/printk' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
echo 5 >/proc/sys/kernel/printk
if echo 1 >"$KUNIT"/run; then
	ran=1
else
	ran=
fi
sleep 2
echo "$printk" >/proc/sys/kernel/printk

ktap_print_header
ktap_set_plan 1
# What is in the results is of the boot then.
[ -n "$ran" ] || ktap_exit_fail_msg "the suite cannot be run"
# The file is a KTAP document of one suite: its result becomes that of the test
# here, and what is in it is indented already, as a subtest has to be
sed '/^KTAP version/d; /^1\.\.1$/d; /^ok /d; /^not ok /d' "$RESULTS"
verdict=$(sed -n "s/^\(\(not \)*ok\) [0-9]* \(- \)*$SUITE\( .*\)*$/\1\4/p" "$RESULTS")
case "$verdict" in
*SKIP*)
	ktap_test_skip "$SUITE"
	;;
ok*)
	ktap_test_pass "$SUITE"
	;;
*)
	ktap_print_msg "no verdict of success in $RESULTS"
	ktap_test_fail "$SUITE"
	;;
esac
ktap_finished
