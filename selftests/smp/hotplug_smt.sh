#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# smt/active says whether a core has two threads that are active, also when
# threads are online, but not active.
#
# All cores but one go through such states by means of hotplug/target. The one
# that is left alone has two active threads until the last test.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_hotplug.sh
. "$DIR"/smp_hotplug.sh

ACTIVE=$SMP_CPUS/smt/active
MOVING=
SECONDARY=
cores=0
failed=

# move CPUS STATE - CPUS with commas or spaces between them
move() {
	for cpu in $(echo "$1" | tr ',' ' '); do
		smp_move "$cpu" "$2" || failed=1
	done
}

# secondaries 0|1 - all but the first thread of each core offline or online
secondaries() {
	for cpu in $SECONDARY; do
		echo "$1" >"$SMP_CPUS/cpu$cpu/online" || failed=1
	done
}

# active_is VALUE DESCRIPTION
active_is() {
	active=$(cat "$ACTIVE")
	[ "$active" = "$1" ] || ktap_print_msg "smt/active says $active"
	[ "$active" = "$1" ] && [ -z "$failed" ]
	smp_check $? "$2"
}

smp_need_root
smp_hotplug_setup
[ "$(cat "$ACTIVE" 2>/dev/null)" = 1 ] || smp_skip_all "no SMT here, or it is off"
[ -z "$(cat "$SMP_CPUS"/isolated)" ] ||
	smp_skip_all "there are isolated CPUs, and the last other one stays active"
lists=$(cat "$SMP_CPUS"/cpu[0-9]*/topology/thread_siblings_list | sort -u)
for list in $lists; do
	siblings=$(smp_expand "$list")
	# shellcheck disable=SC2086
	set -- $siblings
	[ $# -ge 2 ] || continue
	cores=$((cores + 1))
	shift
	for cpu; do
		smp_can_go "$cpu" || smp_skip_all "CPU $cpu cannot go offline"
	done
	SECONDARY="$SECONDARY $*"
	[ $cores = 1 ] || MOVING="$MOVING $(echo "$siblings" | tr '\n' ',' | sed 's/,$//')"
done
[ $cores -ge 2 ] || smp_skip_all "needs two cores with two threads"
for cpu in $(echo "$MOVING" | tr ',' ' '); do
	smp_can_go "$cpu" || smp_skip_all "CPU $cpu cannot go offline"
done
smp_need_control "${SECONDARY##* }"
smp_setup 4
ktap_print_msg "$cores cores with SMT, CPUs that move:$MOVING"

# What is lost with each core must add up: one after the other
for core in $MOVING; do
	for state in "$SMP_STATE_INACTIVE" 0 "$SMP_STATE_ONLINE"; do
		move "$core" "$state"
	done
done
move "$MOVING" 0
active_is 1 "SMT is active after the threads of each other core went down together"
move "$MOVING" "$SMP_STATE_ONLINE"

move "$MOVING" "$SMP_STATE_INACTIVE"
active_is 1 "SMT is active with one core active"
move "$MOVING" "$SMP_STATE_ONLINE"

move "$MOVING" 0
move "$MOVING" "$SMP_STATE_INACTIVE"
move "$MOVING" "$SMP_STATE_ONLINE"
secondaries 0
active_is 0 "SMT is not active after all threads of a core came up together"
secondaries 1
active_is 1 "SMT is active again"
ktap_finished
