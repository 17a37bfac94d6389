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

[ "$(id -u)" = 0 ] || smp_skip_all "must be run as root"
if [ ! -d "$SMP_DEBUGFS"/kunit ]; then
	mount -t debugfs none "$SMP_DEBUGFS" 2>/dev/null
fi
[ -f "$KUNIT"/run ] || smp_skip_all "kernel without the KUnit suite $SUITE"

# The suite prints its results as kernel messages, too. On a console that also
# shows this test they would be mistaken for results of it. The level counts when
# a message reaches the console, which may be a moment later.
printk=$(cat /proc/sys/kernel/printk)
echo 5 >/proc/sys/kernel/printk
echo 1 >"$KUNIT"/run
sleep 2
echo "$printk" >/proc/sys/kernel/printk

ktap_print_header
ktap_set_plan 1
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
