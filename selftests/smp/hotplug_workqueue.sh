#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The share of max_active of an unbound workqueue that a NUMA node gets: that of
# its CPUs among those that workqueues use. A CPU can be online and not be one
# of those, on its way down or up.
#
# Needs two nodes, CPU 0 in one and two CPUs that can go in the other.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_hotplug.sh
. "$DIR"/smp_hotplug.sh

MAX_ACTIVE=48
MIN_ACTIVE=8
NODE=$(basename "$SMP_CPUS"/cpu0/node*)
SCOPE=/sys/module/workqueue/parameters/default_affinity_scope
scope=

# Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	smp_move_back
	[ -z "$scope" ] || echo "$scope" >"$SCOPE"
}

# share TOTAL [CPUS] - what CPUS ($here) of TOTAL CPUs get
share() {
	n=$(((MAX_ACTIVE * ${2:-$here} + $1 - 1) / $1))
	[ "$n" -ge "$MIN_ACTIVE" ] || n=$MIN_ACTIVE
	echo "$n"
}

smp_need_root
[ -d "$SMP_CPUS"/cpu0/"$NODE" ] || smp_skip_all "no NUMA nodes in this kernel"
# Hexadecimal
mask=$(tr -d , </sys/devices/virtual/workqueue/cpumask)
[ -n "$mask" ] || smp_skip_all "no mask of unbound workqueues"
for cpu in $(smp_expand "$(smp_online_cpus)"); do
	digit=$(echo "$mask" | cut -c $((${#mask} - cpu / 4)))
	[ $(((0x$digit >> cpu % 4) & 1)) = 1 ] ||
		smp_skip_all "unbound workqueues do not use CPU $cpu"
done
[ -f "$SCOPE" ] || smp_skip_all "no affinity scopes of workqueues"
state=$(smp_state_below "$(smp_state workqueue:online)")
[ -n "$state" ] || smp_skip_all "no state workqueue:online"
smp_setup 5 workqueue
here=0
total=0
far=
for dir in "$SMP_CPUS"/cpu[0-9]*; do
	cpu=${dir##*cpu}
	[ ! -f "$dir"/online ] || [ "$(cat "$dir"/online)" = 1 ] || continue
	total=$((total + 1))
	if [ -d "$dir"/"$NODE" ]; then
		here=$((here + 1))
	elif [ -f "$dir"/online ]; then
		far="$far $cpu"
	fi
done
# shellcheck disable=SC2086
set -- $far
if [ $# -lt 2 ]; then
	smp_skip_tests "online offline one far two" \
		"needs two CPUs that can go on another node than CPU 0"
	ktap_finished
fi
node=${NODE#node}
# One CPU must make a difference
if [ "$(share "$total")" = "$(share $((total - 1)))" ]; then
	smp_skip_tests "online offline one far two" \
		"$here CPUs have the same share of $total and of $((total - 1))"
	ktap_finished
fi
# With other scopes, the pool of a CPU can be one that belongs to no node
scope=$(cat "$SCOPE")
echo numa >"$SCOPE" || ktap_exit_fail_msg "the affinity scope cannot be set"

smp_case "all CPUs online: $here of $total" \
	wq_node "$node" $MAX_ACTIVE "$(share "$total")"
echo 0 >"$SMP_CPUS"/cpu"$1"/online
smp_case "CPU $1 offline: $here of $((total - 1))" \
	wq_node "$node" $MAX_ACTIVE "$(share $((total - 1)))"
echo 1 >"$SMP_CPUS"/cpu"$1"/online

if ! smp_move "$1" "$state" 2>/dev/null; then
	smp_skip_tests "one its-node two" "CPU $1 cannot be held in state $state"
	ktap_finished
fi
smp_case "CPU $1 online, but not for workqueues: $here of $((total - 1))" \
	wq_node "$node" $MAX_ACTIVE "$(share $((total - 1)))"
far_node=$(basename "$SMP_CPUS/cpu$1"/node*)
rest=0
for cpu; do
	[ ! -d "$SMP_CPUS/cpu$cpu/$far_node" ] || rest=$((rest + 1))
done
rest=$((rest - 1))
if [ "$rest" -gt 0 ] &&
   [ "$(share $((total - 1)) $rest)" != "$(share "$total" $((rest + 1)))" ]; then
	smp_case "CPU $1 online, but not for workqueues, its node: $rest of $((total - 1))" \
		wq_node "${far_node#node}" $MAX_ACTIVE "$(share $((total - 1)) $rest)"
else
	ktap_test_skip "its node: no other CPU there, or too many to make a difference"
fi
smp_move "$2" "$state"
smp_case "CPUs $1 and $2 online, but not for workqueues: $here of $((total - 2))" \
	wq_node "$node" $MAX_ACTIVE "$(share $((total - 2)))"
ktap_finished
