#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The tasks that are pushed from a CPU that goes offline do not all land on the
# same CPU, and none of them on an isolated one: be it one of an isolated cpuset
# partition, which the last test makes, or one of isolcpus=.
#
# SMP_FALLBACK_TASKS  number of tasks per CPU (default 4)

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_hotplug.sh
. "$DIR"/smp_hotplug.sh

INSTANCE=$SMP_TRACEFS/instances/smp_test
EVENT=events/sched/sched_migrate_task
PARTITION=smp_test
BOUND="that are bound to the CPU that goes offline"
ISOLATED=$(smp_expand "$(cat "$SMP_CPUS"/isolated 2>/dev/null)")
tasks=
root=
enabled=

# Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	# shellcheck disable=SC2086
	[ -z "$tasks" ] || kill $tasks
	smp_move_back
	[ ! -d "$INSTANCE" ] || rmdir "$INSTANCE"
	remove_partition
}

# remove_partition - and the mount that it was made in
remove_partition() {
	[ -n "$root" ] || return 0
	[ ! -d "$root"/$PARTITION ] || rmdir "$root"/$PARTITION
	[ -z "$enabled" ] || echo -cpuset >"$root"/cgroup.subtree_control
	umount "$root"
	rmdir "$root"
	root=
}

# isolate CPU - by a cpuset partition
isolate() {
	root=$(mktemp -d)
	if ! mount -t cgroup2 none "$root" 2>/dev/null; then
		rmdir "$root"
		root=
		return 1
	fi
	if ! grep -qw cpuset "$root"/cgroup.subtree_control; then
		{ echo +cpuset >"$root"/cgroup.subtree_control; } 2>/dev/null || return
		enabled=1
	fi
	mkdir "$root"/$PARTITION
	echo "$1" >"$root"/$PARTITION/cpuset.cpus
	echo isolated >"$root"/$PARTITION/cpuset.cpus.partition
	[ "$(cat "$root"/$PARTITION/cpuset.cpus.partition)" = isolated ]
}

# on_isolated - how many tasks the stopper of the CPU sent to isolated CPUs
on_isolated() {
	for smp_cpu in $ISOLATED; do
		pushed "$cpu" | awk -v cpu="$smp_cpu" '$2 == cpu { print $1 }'
	done | awk '{ sum += $1 } END { print sum + 0 }'
}

# start NUMBER [COMMAND...] - tasks that are always running
start() {
	number=$1
	shift
	while [ "$number" -gt 0 ]; do
		"$@" sh -c 'while :; do :; done' &
		tasks="$tasks $!"
		number=$((number - 1))
	done
	# Until the scheduler has spread them
	sleep 2
}

# Where the stopper of CPU $1 sent tasks: "COUNT CPU" lines
pushed() {
	sed -n "s|^ *migration/$1-.*sched_migrate_task:.* orig_cpu=$1 dest_cpu=||p" \
		"$INSTANCE"/trace | sort -n | uniq -c
}

# offline DESCRIPTION - where do the tasks of the CPU go?
offline() {
	echo >"$INSTANCE"/trace
	echo 1 >"$INSTANCE/$EVENT"/enable
	echo 0 >"$SMP_CPUS/cpu$cpu"/online
	echo 0 >"$INSTANCE/$EVENT"/enable
	# shellcheck disable=SC2086
	kill $tasks
	tasks=
	pushed "$cpu" | sed "s|^ *\([0-9]*\) \([0-9]*\)|# \1 tasks from CPU $cpu to CPU \2|"
	count=$(pushed "$cpu" | awk '{ sum += $1 } END { print sum + 0 }')
	targets=$(pushed "$cpu" | wc -l)
	if [ "$count" -lt 2 ]; then
		ktap_test_skip "$1: the stopper of CPU $cpu pushed $count tasks"
	else
		[ "$targets" -ge 2 ] && [ "$(on_isolated)" = 0 ]
		smp_check $? "$1"
	fi
	echo 1 >"$SMP_CPUS/cpu$cpu"/online
}

# bound DESCRIPTION NUMBER - where do tasks go that are bound to the CPU?
bound() {
	if echo "$ISOLATED" | grep -qx "$first"; then
		# It decides where all of them go
		ktap_test_skip "$1: the first CPU, $first, is isolated"
		return
	fi
	start "$2" taskset -c "$cpu"
	offline "$1"
}

smp_need_debugfs
smp_need_tracefs
[ -d "$SMP_TRACEFS/$EVENT" ] || smp_skip_all "no trace event sched_migrate_task"
smp_hotplug_setup
cpu=
last=
online=0
for other in $(smp_expand "$(smp_online_cpus)"); do
	! echo "$ISOLATED" | grep -qx "$other" || continue
	online=$((online + 1))
	if [ -z "$cpu" ] && smp_can_go "$other"; then
		cpu=$other
	else
		last=$other
	fi
done
if [ -z "$cpu" ] || [ "$online" -lt 3 ]; then
	smp_skip_all "needs three CPUs that are not isolated, one of them hotpluggable"
fi
first=$(smp_expand "$(smp_online_cpus)" | grep -vx "$cpu" | head -n 1)
SMP_FALLBACK_TASKS=${SMP_FALLBACK_TASKS:-4}
smp_number SMP_FALLBACK_TASKS
smp_setup 3
# Left by a run that was killed
[ ! -d "$INSTANCE" ] || rmdir "$INSTANCE"
mkdir "$INSTANCE"

start $((SMP_FALLBACK_TASKS * online))
offline "tasks of CPU $cpu that may run anywhere do not all land on one CPU"
bound "tasks $BOUND do not all land on one CPU" "$SMP_FALLBACK_TASKS"

what="tasks $BOUND do not land on an isolated one"
if [ "$online" -lt 4 ]; then
	ktap_test_skip "$what: needs four CPUs that are not isolated"
elif ! isolate "$last"; then
	ktap_test_skip "$what: no isolated partition of cpusets with cgroup v2"
else
	ISOLATED="$ISOLATED
$last"
	# One for each CPU and more
	bound "$what" $((SMP_FALLBACK_TASKS * online))
fi
ktap_finished
