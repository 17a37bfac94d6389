#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Sets of CPUs that go down and come up by hotplug/offline and hotplug/online.
#
# A batch of CPUs waits for one grace period on the way down and for none on the way
# up, and rebuilds the scheduling domains once. Tasks with a deadline keep room, which
# is a matter of all CPUs that leave, and the servers that leave with them need none.
# Partitions end as if the CPUs had gone one by one. Random sets go and come while
# tasks run on all CPUs.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_hotplug.sh
. "$DIR"/smp_hotplug.sh

SETS=$SMP_CPUS/hotplug
INSTANCE=$SMP_TRACEFS/instances/smp_test
GROUP=smp_test_sets
PROBES="synchronize_rcu partition_sched_domains sched_cpus_deactivate sched_cpus_activate"
SERVERS=$SMP_DEBUGFS/sched/fair_server
PARTITION=smp_test
# Hundredths of a second
SLOW=30
root=
enabled=
old_servers=
hogs=
holder=

hogs_stop() {
	for pid in $hogs $holder; do
		kill "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
	done
	hogs=
	holder=
}

servers_restore() {
	for server in $old_servers; do
		echo "${server#*=}" >"$SERVERS/${server%%=*}"/runtime
	done
	old_servers=
}

# Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	hogs_stop
	smp_move_back
	servers_restore
	[ ! -d "$INSTANCE" ] || rmdir "$INSTANCE"
	for probe in $PROBES; do
		[ ! -d "$SMP_TRACEFS"/events/$GROUP/"$probe" ] ||
			echo "-:$GROUP/$probe" >>"$SMP_TRACEFS"/kprobe_events
	done
	if [ -n "$root" ]; then
		[ ! -d "$root"/$PARTITION ] || rmdir "$root"/$PARTITION
		[ -z "$enabled" ] || echo -cpuset >"$root"/cgroup.subtree_control
		umount "$root"
		rmdir "$root"
	fi
}

# list CPU... - with commas
list() {
	echo "$*" | tr ' ' ,
}

# set_write offline|online CPU...
set_write() {
	file=$SETS/$1
	shift
	wanted=$(list "$@")
	# By this script, whose PID tells its events
	{ echo "$wanted" >"$file"; } 2>/dev/null
}

# now - the uptime in hundredths of a second
now() {
	tr -d . </proc/uptime | cut -d' ' -f1
}

# are CPUS STATE - each of them
are() {
	for one in $1; do
		[ "$(smp_cpu_is_at "$one")" = "$2" ] || return
	done
}

probes_on() {
	for probe in $PROBES; do
		grep -q " $probe\$" /proc/kallsyms &&
			echo "p:$GROUP/$probe $probe" >>"$SMP_TRACEFS"/kprobe_events ||
			return
	done
	# Left by a run that was killed
	[ ! -d "$INSTANCE" ] || rmdir "$INSTANCE"
	mkdir "$INSTANCE" && echo 1 >"$INSTANCE"/events/$GROUP/enable
}

# count EVENT - how often this script has met it
count() {
	grep -c -- "-$$ .*: $1: " "$INSTANCE"/trace 2>/dev/null
}

# counted DIRECTION EVENT WAITS - the batches, the waits but for one of the lock, the
# rebuilds
counted() {
	batches=$(count "$2")
	waits=$(count synchronize_rcu)
	rebuilds=$(count partition_sched_domains)
	n=$(echo "$few" | wc -w)
	ktap_print_msg "$n CPUs $1 in $((took * 10)) ms: $batches batches," \
		"$waits grace periods, $rebuilds rebuilds"
	smp_figure "sets_$1_batches" "$batches" count
	smp_figure "sets_$1_grace_periods" "$waits" count
	smp_figure "sets_$1_rebuilds" "$rebuilds" count
	# Smaller batches if that takes long
	[ "$batches" -ge 1 ] && { [ "$batches" -lt "$n" ] || [ "$took" -gt $SLOW ]; }
	smp_check $? "$n CPUs $1 in batches"
	[ "$waits" -ge $((batches * $3)) ] && [ "$waits" -le $((batches * $3 + 1)) ]
	smp_check $? "$1: $3 grace periods for a batch"
	[ "$rebuilds" = "$batches" ]
	smp_check $? "$1: one rebuild for a batch"
}

counts() {
	if ! [ -f "$SMP_TRACEFS"/kprobe_events ] || ! probes_on; then
		smp_skip_tests "d1 d2 d3 u1 u2 u3" "no probes"
		return
	fi
	for way in offline online; do
		# Longer than the lock remembers that it was taken
		sleep 1
		start=$(now)
		echo >"$INSTANCE"/trace
		# shellcheck disable=SC2086 # a list
		set_write $way $few
		took=$(($(now) - start))
		case $way in
		offline) counted down sched_cpus_deactivate 1 ;;
		online) counted up sched_cpus_activate 0 ;;
		esac
	done
}

# partition CPUS - a partition of its own, of these; the task $2 in it
partition() {
	mkdir "$root"/$PARTITION
	echo "$1" >"$root"/$PARTITION/cpuset.cpus
	echo root >"$root"/$PARTITION/cpuset.cpus.partition
	[ "$(cat "$root"/$PARTITION/cpuset.cpus.partition)" = root ]
}

partition_end() {
	if [ -n "$holder" ]; then
		kill "$holder"
		wait "$holder" 2>/dev/null
		holder=
	fi
	rmdir "$root"/$PARTITION
}

# cpusets - what they say
cpusets() {
	for file in "$root"/cpuset.cpus.effective "$root"/$PARTITION/cpuset.cpus.effective \
		"$root"/$PARTITION/cpuset.cpus.partition; do
		cat "$file"
	done | tr '\n' ' '
}

# A task with a deadline in a partition that would go as a whole
deadline_task() {
	both="$last_but_one $last"
	if [ -z "$root" ] || ! partition "$last_but_one,$last"; then
		smp_skip_tests "refused unchanged one gone" "no partition for the deadline task"
		[ -z "$root" ] || rmdir "$root"/$PARTITION
		return
	fi
	sh -c 'echo $$ >"$1"/cgroup.procs; exec "$2"/deadline_hold 1000 100000' sh \
		"$root"/$PARTITION "$DIR" >"$said" 2>&1 &
	holder=$!
	for try in 1 2 3 4 5 6 7 8 9 10; do
		[ ! -s "$said" ] || break
		sleep "0.$try"
	done
	if [ "$(cat "$said")" != deadline ]; then
		smp_skip_tests "refused unchanged one gone" "$(cat "$said")"
		partition_end
		return
	fi
	[ ! -d "$INSTANCE" ] || echo >"$INSTANCE"/trace
	# shellcheck disable=SC2086
	! set_write offline $both
	smp_check $? "a partition with a deadline task does not go as a whole"
	if [ "$(count sched_cpus_deactivate)" = 1 ]; then
		are "$both" "$SMP_STATE_ONLINE"
		smp_check $? "and its CPUs are as they were"
	else
		# The last one may go then
		ktap_test_skip "and its CPUs are as they were: no batch of both is seen"
	fi
	# shellcheck disable=SC2086
	set_write offline $last && are "$last" 0
	smp_check $? "one of its CPUs goes"
	set_write online "$last"
	kill "$holder"
	wait "$holder" 2>/dev/null
	holder=
	# The room that it had comes back later
	for try in 1 2 3 4 5 6 7 8 9 10; do
		# shellcheck disable=SC2086
		! set_write offline $both || break
		sleep 1
	done
	are "$both" 0
	smp_check $? "both go without that task"
	# shellcheck disable=SC2086
	set_write online $both
	partition_end
}

# Without other deadline tasks: the servers of all but one CPU leave with them
deadline_servers() {
	[ -d "$SERVERS" ] || {
		ktap_test_skip "servers that leave: no $SERVERS"
		return
	}
	for dir in "$SERVERS"/cpu*; do
		old_servers="$old_servers ${dir##*/}=$(cat "$dir"/runtime)"
		echo 400000000 >"$dir"/runtime
	done
	# shellcheck disable=SC2086
	set_write offline $SMP_CAN_GO && are "$SMP_CAN_GO" 0
	smp_check $? "servers that leave with their CPUs need no room"
	# shellcheck disable=SC2086
	set_write online $SMP_CAN_GO
	servers_restore
}

# As if they had gone one by one
partitions() {
	both="$last_but_one $last"
	if [ -z "$root" ] || ! partition "$last_but_one,$last"; then
		smp_skip_tests "off on" "no partition"
		[ -z "$root" ] || rmdir "$root"/$PARTITION
		return
	fi
	on=$(cpusets)
	for cpu in $last $last_but_one; do
		echo 0 >"$SMP_CPUS"/cpu"$cpu"/online
	done
	off=$(cpusets)
	for cpu in $both; do
		echo 1 >"$SMP_CPUS"/cpu"$cpu"/online
	done
	# Of a partition that was empty
	again=$(cpusets)
	# shellcheck disable=SC2086
	set_write offline $both
	now=$(cpusets)
	[ "$now" = "$off" ] || ktap_print_msg "'$now', one by one it was '$off'"
	[ "$now" = "$off" ]
	smp_check $? "a partition that goes as a whole ends as CPU by CPU"
	# shellcheck disable=SC2086
	set_write online $both
	now=$(cpusets)
	[ "$now" = "$again" ] || ktap_print_msg "'$now', one by one it was '$again' ($on)"
	[ "$now" = "$again" ]
	smp_check $? "a partition that comes back as a whole ends as CPU by CPU"
	partition_end
}

# random_set - some of the CPUs that can go, not none
random_set() {
	awk -v cpus="$SMP_CAN_GO" -v seed="$1" 'BEGIN {
		srand(seed)
		n = split(cpus, cpu, " ")
		while (!some)
			for (i = 1; i <= n; i++)
				if (rand() < 0.5) {
					printf "%s%s", some++ ? " " : "", cpu[i]
				}
	}'
}

# With hogs, one of which only wants the last CPU
storm() {
	for cpu in 0 $SMP_CAN_GO; do
		while :; do :; done &
		hogs="$hogs $!"
	done
	if [ "$(command -v taskset)" ]; then
		taskset -c "$last" sh -c 'while :; do :; done' &
		hogs="$hogs $!"
	fi
	before=$(smp_warnings)
	end=$(($(date +%s) + SMP_STORM_SECONDS))
	ops=0
	bad=
	while [ "$(date +%s)" -lt $end ] && [ -z "$bad" ]; do
		ops=$((ops + 1))
		cpus=$(random_set $ops)
		# shellcheck disable=SC2086
		set_write offline $cpus && are "$cpus" 0 || bad="down: $cpus"
		cpus=$(random_set "$ops.5")
		# shellcheck disable=SC2086
		set_write online $cpus && are "$cpus" "$SMP_STATE_ONLINE" || bad="up: $cpus"
	done
	hogs_stop
	# shellcheck disable=SC2086
	set_write online $SMP_CAN_GO
	smp_figure sets_storm_ops $((ops * 2)) count
	[ -z "$bad" ] || ktap_print_msg "operation $ops, $bad"
	[ "$(smp_warnings)" = "$before" ] || bad=warning
	[ -z "$bad" ]
	smp_check $? "random sets for $SMP_STORM_SECONDS s"
}

cgroup_setup() {
	root=$(mktemp -d)
	if ! mount -t cgroup2 none "$root"; then
		rmdir "$root"
		root=
		return
	fi
	grep -qw cpuset "$root"/cgroup.subtree_control && return
	if { echo +cpuset >"$root"/cgroup.subtree_control; } 2>/dev/null; then
		enabled=1
		return
	fi
	umount "$root"
	rmdir "$root"
	root=
}

smp_need_root
smp_need_tracefs
smp_hotplug_setup
[ -f "$SETS"/offline ] || smp_skip_all "no $SETS/offline"
smp_leave_one
last=
last_but_one=
few=
for cpu in $SMP_CAN_GO; do
	last_but_one=$last
	last=$cpu
	case "$few" in
	*" "*" "*) ;;
	*) few="$few${few:+ }$cpu" ;;
	esac
done
[ -n "$last_but_one" ] || smp_skip_all "needs two CPUs that can go"
smp_need_control "$last"
smp_setup 14
# shellcheck disable=SC2086
if ! set_write offline $SMP_CAN_GO || ! set_write online $SMP_CAN_GO; then
	smp_skip_tests "1 2 3 4 5 6 7 8 9 10 11 12 13 14" "these CPUs do not go together"
	ktap_finished
fi
said=$(mktemp)
cgroup_setup
counts
deadline_task
deadline_servers
partitions
storm
rm -f "$said"
ktap_finished
