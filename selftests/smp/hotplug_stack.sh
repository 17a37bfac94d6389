#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The stack of a CPU that died is clean when the CPU comes up again, whether it was
# offline or was held in a state above that. Needs KASAN, which tells.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_hotplug.sh
. "$DIR"/smp_hotplug.sh

# stack DESCRIPTION STATE - the CPU comes up from there
stack() {
	if smp_step stack_learn "$CPU" && smp_move "$CPU" "$2" && smp_step stack_poison &&
	   smp_move "$CPU" "$SMP_STATE_ONLINE"; then
		smp_case "$1" stack_check
	else
		ktap_test_fail "$1"
	fi
}

smp_hotplug_setup
CPU=$(smp_last_cpu)
[ -n "$CPU" ] || smp_skip_all "no CPU can go offline"
# Those of the generic mode of KASAN, and of stacks
smp_need_function __asan_set_shadow_f3
smp_need_function kasan_unpoison_task_stack
smp_need_control "$CPU"
smp_setup 3 stack
# No CPU can stop in the very first state
first=$(awk -v n="$(smp_state threads:prepare)" '$1 + 0 > n { print $1 + 0; exit }' \
	"$SMP_CPUS"/hotplug/states)
kick=$(smp_state cpu:kick_ap)
stack "the CPU was offline" 0
stack "the CPU was in the first state above" "$first"
stack "the CPU was in the last state before it is started" \
	"$(smp_state_below "${kick:-$(smp_state cpu:bringup)}")"
ktap_finished
