#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A CPU that does not come up when the system resumes is taken out of the
# cpusets, and gets into them and into a scheduling domain when it comes up
# later. Those behind it come up. Partitions have their own scheduling domains after
# each resume, and a task with a deadline in one does not keep the system from
# suspending.
#
# The system is suspended only as far as the CPUs (pm_test). The CPU fails at a
# state that does nothing on the way down, which would use up the failure.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_hotplug.sh
. "$DIR"/smp_hotplug.sh

PM_TEST=/sys/power/pm_test
MEM_SLEEP=/sys/power/mem_sleep
DELAY=/sys/module/suspend/parameters/pm_test_delay
PARTITION=smp_test
FAILS=
ALONE=
root=
enabled=
holder=
pm_test=
mem_sleep=
delay=

# Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	smp_move_back
	[ -z "$holder" ] || kill "$holder"
	if [ -n "$root" ]; then
		[ ! -d "$root"/$PARTITION ] || rmdir "$root"/$PARTITION
		[ -z "$enabled" ] || echo -cpuset >"$root"/cgroup.subtree_control
		umount "$root"
		rmdir "$root"
	fi
	[ -z "$delay" ] || echo "$delay" >"$DELAY"
	[ -z "$mem_sleep" ] || echo "$mem_sleep" >"$MEM_SLEEP"
	[ -z "$pm_test" ] || echo "$pm_test" >"$PM_TEST"
}

# chosen FILE - the word in brackets
chosen() {
	sed -n 's/.*\[\(.*\)\].*/\1/p' "$1"
}

# online_but [CPU] - the CPUs that are online, without CPU
online_but() {
	for cpu in $(smp_expand "$(smp_online_cpus)"); do
		[ "$cpu" = "$1" ] || echo "$cpu"
	done
}

# cpuset_follows DESCRIPTION - the CPUs of the root cpuset are those that are online
cpuset_follows() {
	have=$(smp_expand "$(cat "$root"/cpuset.cpus.effective)")
	want=$(online_but)
	[ "$have" = "$want" ] || ktap_print_msg "in the cpuset: $have, online: $want"
	[ "$have" = "$want" ]
	smp_check $? "$1"
}

# domains_are DESCRIPTION CPUS - the CPUs that are in a scheduling domain
domains_are() {
	now=$(smp_domains)
	have=$(for word in $now; do
		[ -z "${word#*:}" ] || echo "${word%%:*}" | sed 's/cpu//'
	done | sort -n)
	[ "$have" = "$2" ] || ktap_print_msg "domains of CPUs $have, not $2: $now"
	[ "$have" = "$2" ]
	smp_check $? "$1"
}

# resume_without CPU - suspend and resume, and CPU fails to come up
resume_without() {
	smp_fail_at "$1" "$state"
	echo mem >/sys/power/state && [ "$(smp_cpu_is_at "$1")" = 0 ]
}

smp_need_domains
smp_hotplug_setup
[ -z "$(cat "$SMP_CPUS"/isolated)" ] || smp_skip_all "isolated CPUs are in no domain"
[ -f "$PM_TEST" ] || smp_skip_all "no suspend, or no CONFIG_PM_DEBUG"
grep -q deep "$MEM_SLEEP" || smp_skip_all "no suspend that takes CPUs down"
state=$(smp_state random:online)
[ -n "$state" ] || smp_skip_all "no state random:online"
both=$(smp_state RCU/tree:online)
[ -n "$both" ] || smp_skip_all "no state RCU/tree:online"
# The last two
for cpu in $SMP_CAN_GO; do
	ALONE=$FAILS
	FAILS=$cpu
done
if [ -z "$ALONE" ] || [ "$(online_but "$ALONE" | wc -w)" -lt 3 ]; then
	smp_skip_all "needs four CPUs, two of them hotpluggable"
fi
root=$(mktemp -d)
if ! mount -t cgroup2 none "$root"; then
	rmdir "$root"
	root=
	smp_skip_all "cgroup v2 cannot be mounted"
fi
if ! grep -qw cpuset "$root"/cgroup.subtree_control; then
	{ echo +cpuset >"$root"/cgroup.subtree_control; } 2>/dev/null ||
		smp_skip_all "cpusets cannot be enabled in cgroup v2"
	enabled=1
fi
pm_test=$(chosen "$PM_TEST")
mem_sleep=$(chosen "$MEM_SLEEP")
echo processors >"$PM_TEST"
# Without that the machine would not wake up
[ "$(chosen "$PM_TEST")" = processors ] || smp_skip_all "suspend has no test of processors"
echo deep >"$MEM_SLEEP"
if [ -f "$DELAY" ]; then
	delay=$(cat "$DELAY")
	echo 0 >"$DELAY"
fi
smp_setup 12
ktap_print_msg "CPU $FAILS fails, domains: $(smp_domains)"

resume_without "$FAILS"
smp_check $? "CPU $FAILS does not come up"
cpuset_follows "the root cpuset knows it"
smp_move_back
cpuset_follows "CPU $FAILS comes up later, and is in the root cpuset"
domains_are "it is in a scheduling domain" "$(online_but)"

resume_without "$ALONE" && [ "$(smp_cpu_is_at "$FAILS")" = "$SMP_STATE_ONLINE" ]
smp_check $? "CPU $ALONE does not come up, but CPU $FAILS does"
smp_move_back

mkdir "$root"/$PARTITION
echo "$ALONE" >"$root"/$PARTITION/cpuset.cpus
echo root >"$root"/$PARTITION/cpuset.cpus.partition
domains_are "CPU $ALONE is a partition, without a domain" "$(online_but "$ALONE")"
if echo mem >/sys/power/state; then
	domains_are "so it is after suspend and resume" "$(online_but "$ALONE")"
else
	ktap_test_fail "so it is after suspend and resume: there is no suspend"
fi
# With so much runtime that it is not throttled when it is frozen: its replenishment
# would find no CPU, and warn
sh -c 'echo $$ >"$1"/cgroup.procs; exec "$2"/deadline_hold 20000 100000' sh \
	"$root"/$PARTITION "$DIR" >/dev/null 2>&1 &
holder=$!
sleep 1
if ! kill -0 "$holder" 2>/dev/null; then
	ktap_test_skip "suspend with a deadline task in a partition: there is none"
else
	if echo mem >/sys/power/state; then
		ktap_test_pass "suspend with a deadline task in a partition"
	else
		ktap_test_fail "suspend with a deadline task in a partition"
	fi
	kill "$holder"
	wait "$holder" 2>/dev/null
fi
holder=
resume_without "$FAILS"
smp_check $? "CPU $FAILS does not come up again"
domains_are "CPU $ALONE has its partition nevertheless" "$(online_but "$ALONE")"
smp_move_back

# The CPU that goes down first comes back after it was inactive
smp_fail_at "$FAILS" "$both"
! { echo mem >/sys/power/state; } 2>/dev/null
smp_check $? "CPU $FAILS fails on its way down, there is no suspend"
domains_are "CPU $ALONE has its partition" "$(online_but "$ALONE")"
ktap_finished
