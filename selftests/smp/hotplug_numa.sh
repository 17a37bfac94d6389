#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The scheduling domains of NUMA nodes and their masks of CPUs are right, and the
# kernel is alive, after CPUs of a node were online without being active, alone
# and together. Meanwhile they can be found by their distance, and call other CPUs
# and be called.
#
# Needs a node with two CPUs that can all go offline, and two more CPUs elsewhere,
# one of which can. One CPU must stay active all the time.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_hotplug.sh
. "$DIR"/smp_hotplug.sh

NODE=
NUMBER=
OTHER=
OTHERS=
failed=

# move CPU STATE
move() {
	if ! smp_move "$1" "$2"; then
		ktap_print_msg "CPU $1 cannot be moved to state $2"
		failed=1
	fi
}

# node STATE - all CPUs of the node
node() {
	for cpu in $NODE; do
		move "$cpu" "$1"
	done
}

# others STATE - all CPUs that can go of the node of the other CPU
others() {
	for cpu in $OTHERS; do
		move "$cpu" "$1"
	done
}

# The other CPU goes down and up while the node is as it is
bounce_other() {
	move "$OTHER" 0
	move "$OTHER" "$SMP_STATE_ONLINE"
}

# moved_case DESCRIPTION TEST [NUMBER] - like smp_case, fails if a CPU was not moved
moved_case() {
	if [ -n "$failed" ]; then
		ktap_test_fail "$1"
	else
		smp_case "$@"
	fi
}

# same_domains DESCRIPTION - all CPUs are up, everything is as in the beginning
same_domains() {
	now=$(smp_domains)
	[ "$now" = "$domains" ] || ktap_print_msg "domains: $now"
	[ "$now" = "$domains" ] && [ "$(smp_warnings)" -le "$warnings" ] &&
		[ -z "$failed" ]
	smp_check $? "$1"
}

smp_need_domains
smp_hotplug_setup
[ -z "$(cat "$SMP_CPUS"/isolated)" ] ||
	smp_skip_all "there are isolated CPUs, and the last other one stays active"
[ -z "$(cat "$SMP_CPUS"/nohz_full 2>/dev/null)" ] ||
	smp_skip_all "nohz_full: the CPU that keeps the time does not go"
for dir in /sys/devices/system/node/node[0-9]*; do
	[ -d "$dir" ] || continue
	cpus=$(smp_expand "$(cat "$dir"/cpulist)")
	first=
	can_go=
	count=0
	all=1
	for cpu in $cpus; do
		count=$((count + 1))
		if smp_can_go "$cpu"; then
			first=${first:-$cpu}
			can_go="$can_go $cpu"
		else
			all=
		fi
	done
	if [ -z "$NODE" ] && [ -n "$all" ] && [ $count -ge 2 ]; then
		NODE=$cpus
		NUMBER=${dir##*node}
	elif [ -n "$first" ]; then
		OTHER=$first
		OTHERS=$can_go
	fi
done
elsewhere=$(($(smp_expand "$(smp_online_cpus)" | wc -w) - $(echo "$NODE" | wc -w)))
if [ -z "$NODE" ] || [ -z "$OTHER" ] || [ $elsewhere -lt 2 ]; then
	smp_skip_all "needs two nodes with two CPUs"
fi
smp_need_control "$OTHER"
smp_setup 12 topology
ktap_print_msg "node $NUMBER with CPUs $NODE, other CPU $OTHER"
domains=$(smp_domains)
warnings=$(smp_warnings)
ktap_print_msg "domains: $domains"

# N_CPU is set for the node, and it has no masks
node 0
move "${NODE%%[!0-9]*}" "$SMP_STATE_INACTIVE"
moved_case "CPUs are found while the first one of a node is on its way" \
	topology_nearest "$NUMBER"
bounce_other
node "$SMP_STATE_ONLINE"
same_domains "a CPU becomes active while the first one of a node is on its way"

node 0
node "$SMP_STATE_INACTIVE"
moved_case "CPUs are found while those of a node come up together" \
	topology_nearest "$NUMBER"
node "$SMP_STATE_ONLINE"
same_domains "the CPUs of a node come up together"

move "${NODE%%[!0-9]*}" "$SMP_STATE_INACTIVE"
moved_case "CPUs are found while one of a node is not active" topology_nearest "$NUMBER"
node "$SMP_STATE_INACTIVE"
moved_case "CPUs are found while none of a node is active any more" \
	topology_nearest "$NUMBER"
bounce_other
node "$SMP_STATE_ONLINE"
same_domains "a CPU becomes active while none of a node is"

node "$SMP_STATE_INACTIVE"
node 0
bounce_other
node "$SMP_STATE_ONLINE"
same_domains "the CPUs of a node go down together"

# Two nodes: the one that comes up first does not find the other one
if [ $elsewhere -gt "$(echo "$OTHERS" | wc -w)" ]; then
	node "$SMP_STATE_INACTIVE"
	others "$SMP_STATE_INACTIVE"
	others "$SMP_STATE_ONLINE"
	moved_case "only nodes with active CPUs have masks" topology_masks
	node "$SMP_STATE_ONLINE"
	same_domains "the CPUs of two nodes cease to be active, and come back"
else
	smp_skip_tests "masks domains" "two nodes cease to be active: no other CPU stays"
fi

# The masks are built anew when the node comes up
move "$OTHER" "$SMP_STATE_INACTIVE"
node 0
node "$SMP_STATE_ONLINE"
moved_case "a CPU that is not active is in no mask" topology_masks
bounce_other
moved_case "the masks are right when it is back" topology_masks
ktap_finished
