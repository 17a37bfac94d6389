#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The scheduling domains of NUMA nodes and their masks of CPUs are right, and the
# kernel is alive, after CPUs of a node were online without being active, alone
# and together. Meanwhile they can be found by their distance, and call other CPUs
# and be called.
#
# Needs a node with two CPUs that can all go offline, and one more CPU elsewhere.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_hotplug.sh
. "$DIR"/smp_hotplug.sh

NODE=
NUMBER=
OTHER=
OTHERS=

# node STATE - all CPUs of the node
node() {
	for cpu in $NODE; do
		smp_move "$cpu" "$1" || return 1
	done
}

# others STATE - all CPUs that can go of the node of the other CPU
others() {
	for cpu in $OTHERS; do
		smp_move "$cpu" "$1" || return 1
	done
}

# The other CPU goes down and up while the node is as it is
bounce_other() {
	smp_move "$OTHER" 0 && smp_move "$OTHER" "$SMP_STATE_ONLINE"
}

# same_domains DESCRIPTION - all CPUs are up, everything is as in the beginning
same_domains() {
	now=$(smp_domains)
	[ "$now" = "$domains" ] || ktap_print_msg "domains: $now"
	[ "$now" = "$domains" ] && [ "$(smp_warnings)" -le "$warnings" ]
	smp_check $? "$1"
}

smp_need_domains
smp_hotplug_setup
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
if [ -z "$NODE" ] || [ -z "$OTHER" ]; then
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
smp_move "${NODE%%[!0-9]*}" "$SMP_STATE_INACTIVE"
smp_case "CPUs are found while the first one of a node is on its way" \
	topology_nearest "$NUMBER"
bounce_other
node "$SMP_STATE_ONLINE"
same_domains "a CPU becomes active while the first one of a node is on its way"

node 0
node "$SMP_STATE_INACTIVE"
smp_case "CPUs are found while those of a node come up together" \
	topology_nearest "$NUMBER"
node "$SMP_STATE_ONLINE"
same_domains "the CPUs of a node come up together"

smp_move "${NODE%%[!0-9]*}" "$SMP_STATE_INACTIVE"
smp_case "CPUs are found while one of a node is not active" topology_nearest "$NUMBER"
node "$SMP_STATE_INACTIVE"
smp_case "CPUs are found while none of a node is active any more" \
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
node "$SMP_STATE_INACTIVE"
others "$SMP_STATE_INACTIVE"
others "$SMP_STATE_ONLINE"
smp_case "only nodes with active CPUs have masks" topology_masks
node "$SMP_STATE_ONLINE"
same_domains "the CPUs of two nodes cease to be active, and come back"

# The masks are built anew when the node comes up
smp_move "$OTHER" "$SMP_STATE_INACTIVE"
node 0
node "$SMP_STATE_ONLINE"
smp_case "a CPU that is not active is in no mask" topology_masks
smp_move "$OTHER" 0
smp_move "$OTHER" "$SMP_STATE_ONLINE"
smp_case "the masks are right when it is back" topology_masks
ktap_finished
