#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What smt/control does when it cannot do what is written: while CPU hotplug is
# disabled it fails and changes nothing, and when a CPU fails halfway it fails,
# too, and says that SMT is on. Both times the same can be written again afterwards,
# and is done then.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_hotplug.sh
. "$DIR"/smp_hotplug.sh

CONTROL=$SMP_CPUS/smt/control
sibling=

# Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	if [ -f "$SMP_RUN" ]; then
		echo block_release >"$SMP_RUN"
	fi
	if [ -n "$sibling" ]; then
		smp_fail_at "$sibling" -1
	fi
	if [ "$(cat "$CONTROL")" != on ]; then
		echo on >"$CONTROL"
	fi
}

state() {
	echo "$(cat "$CONTROL"), CPUs $(smp_online_cpus)"
}

# blocked VALUE - a write of VALUE fails and changes nothing
blocked() {
	before=$(state)
	echo block_hotplug >"$SMP_RUN"
	if { echo "$1" >"$CONTROL"; } 2>/dev/null; then
		written="succeeded"
	else
		written="failed"
	fi
	after=$(state)
	echo block_release >"$SMP_RUN"
	ktap_print_msg "'$1' $written: from $before to $after"
	[ $written = failed ]
	smp_check $? "'$1' fails while hotplug is disabled"
	[ "$before" = "$after" ]
	smp_check $? "'$1' that failed has changed nothing"
}

# again VALUE CPUS - a write of VALUE works now, and these CPUs are online
again() {
	if ! { echo "$1" >"$CONTROL"; } 2>/dev/null; then
		ktap_test_fail "'$1' works afterwards"
		return
	fi
	ktap_print_msg "'$1' written again: $(state)"
	[ "$(state)" = "$1, CPUs $2" ]
	smp_check $? "'$1' works afterwards"
}

# halfway VALUE - a write of VALUE fails at the last sibling
halfway() {
	smp_fail_at "$sibling" "$(smp_state sched:active)"
	! { echo "$1" >"$CONTROL"; } 2>/dev/null
	smp_check $? "'$1' fails when CPU $sibling does"
	smp_fail_at "$sibling" -1
	ktap_print_msg "'$1' failed halfway: $(state)"
	[ "$(cat "$CONTROL")" = on ]
	smp_check $? "SMT is on after '$1' failed halfway"
}

[ -f "$CONTROL" ] || smp_skip_all "no smt/control"
[ "$(cat "$CONTROL")" = on ] || smp_skip_all "smt/control is $(cat "$CONTROL"), not on"
[ "$(cat "$SMP_CPUS"/smt/active)" = 1 ] || smp_skip_all "no SMT siblings are online"
[ "$(smp_online_cpus)" = "$(cat "$SMP_CPUS"/present)" ] ||
	smp_skip_all "CPUs are offline that 'on' may bring up"
smp_setup 15 block
all=$(smp_online_cpus)
if ! { echo off >"$CONTROL" && cpus=$(smp_online_cpus) && echo on >"$CONTROL"; }; then
	ktap_exit_fail_msg "SMT cannot be turned off and on"
fi

for cpu in $(smp_expand "$all"); do
	case " $(smp_expand "$cpus" | tr '\n' ' ')" in
	*" $cpu "*) ;;
	*) sibling=$cpu ;;
	esac
done

blocked off
again off "$cpus"
blocked on
again on "$all"
halfway off
again off "$cpus"
halfway on
again on "$all"
halfway off
again on "$all"
ktap_finished
