#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A hotplug state has several instances, and one of them fails: when it is added,
# or when a CPU comes up or goes down. The others are undone on that CPU, and the
# CPU stays as it was.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh

states() {
	cat "$SMP_CPUS"/online "$SMP_CPUS"/cpu[0-9]*/hotplug/state
}

smp_setup 6 states
before=$(states)
smp_case "instance that fails is not added" instances_add 0
smp_case "instance that fails is not added to a prepare state" instances_add 1
smp_case "CPU does not come up when an instance fails" instances_up 0
smp_case "CPU does not come up when an instance of a prepare state fails" instances_up 1
smp_case "CPU does not go down when an instance fails" instances_down
after=$(states)
if [ "$after" = "$before" ]; then
	ktap_test_pass "CPUs are in the states they were in"
else
	ktap_print_msg "before: $(echo "$before" | tr '\n' ' ')"
	ktap_print_msg "after: $(echo "$after" | tr '\n' ' ')"
	ktap_test_fail "CPUs are in the states they were in"
fi
ktap_finished
