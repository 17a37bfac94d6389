#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Grace periods of RCU that a CPU waits for on its way down and up.
#
# Counts, with probes, the calls of the hotplug thread of the CPU and of the
# writer of its online file. These are the grace periods to wait for:
#
#   down	cpus_write_lock() unless it was taken a moment ago, and
#		sched_cpu_deactivate()
#   up		cpus_write_lock() unless it was taken a moment ago
#
# A cpuidle driver that pauses cpuidle on all CPUs adds one for each callback. It
# also wakes all idle CPUs, which tells it apart from other grace periods.
#
# cpufreq and its drivers wait for grace periods, too. Where the callers are known
# (x86_64 and s390x), those of cpufreq are shown and do not count, nor do those of
# padata, resctrl and perf.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_hotplug.sh
. "$DIR"/smp_hotplug.sh

INSTANCE=$SMP_TRACEFS/instances/smp_test
GROUP=smp_test_grace
ROUNDS=3
DOWN_MAX=2
UP_MAX=1
PROBES="synchronize_rcu wake_up_all_idle_cpus"
# In cpufreq.c, intel_pstate.c, and the governors; padata, resctrl, and perf
OTHERS="intel_pstate_|cpufreq_|gov_|sugov_|padata_|domain_remove_cpu_|perf_pmu_migrate_"
counts=
callers=
now=

# Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	[ -z "$now" ] || rm -f "$counts" "$callers" "$now"
	[ ! -d "$INSTANCE" ] || rmdir "$INSTANCE"
	for probe in $PROBES; do
		if [ -d "$SMP_TRACEFS"/events/$GROUP/"$probe" ]; then
			echo "-:$GROUP/$probe" >>"$SMP_TRACEFS"/kprobe_events
		fi
	done
}

# The last CPU that can go and is not the last one of its NUMA node
choose_cpu() {
	for one in $SMP_CAN_GO; do
		case "$(cat "$SMP_CPUS"/cpu"$one"/node*/cpulist 2>/dev/null)" in
		"$one") ;;
		*) echo "$one" ;;
		esac
	done | tail -1
}

thread_of() {
	for comm in /proc/[0-9]*/comm; do
		if [ "$(cat "$comm" 2>/dev/null)" = "cpuhp/$1" ]; then
			dir=${comm%/comm}
			echo "${dir##*/}"
		fi
	done
}

# count EVENT - how often the two tasks have met it since the trace was cleared
count() {
	awk -v event=": $1:" -v writer=$$ -v thread="$thread" '
	index($0, event) {
		task = $0
		sub(/ +\[[0-9]+\].*/, "", task)
		sub(/.*-/, "", task)
		if (task == writer || task == thread)
			n++
	}
	END { print n + 0 }' "$INSTANCE"/trace
}

# note WAY - keep what was counted
note() {
	for event in $PROBES ipi_send_cpu; do
		echo "$1 $event $(count "$event")" >>"$counts"
	done
	sed -n "s/.*-\($$\|$thread\) .*: synchronize_rcu: .*caller=\(.*\)/# $1: \2/p" \
		"$INSTANCE"/trace >"$now"
	cat "$now" >>"$callers"
	users=$(grep -cE ": ($OTHERS)" "$now")
	echo "$1 users $users" >>"$counts"
	echo "$1 hotplug $(($(count synchronize_rcu) - users))" >>"$counts"
}

# most WAY EVENT - the largest number that was counted
most() {
	sed -n "s/^$1 $2 //p" "$counts" | sort -n | tail -1
}

# figures WAY - what was counted for WAY
figures() {
	smp_figure "hotplug_$1_grace_periods" "$(most "$1" synchronize_rcu)" count
	smp_figure "hotplug_$1_idle_wakes" "$(most "$1" wake_up_all_idle_cpus)" count
	smp_figure "hotplug_$1_ipis" "$(most "$1" ipi_send_cpu)" count
}

# verdict WAY MAX - no more grace periods than that, without those of others
verdict() {
	grace=$(most "$1" synchronize_rcu)
	if [ "$(most "$1" users)" != 0 ]; then
		ktap_print_msg "$1: $(most "$1" users) of $grace are of cpufreq and others"
		grace=$(most "$1" hotplug)
	fi
	if [ "$(cat /sys/kernel/rcu_expedited)" != 0 ]; then
		ktap_test_skip "$1: grace periods are expedited"
	elif [ "$grace" -le "$2" ]; then
		ktap_test_pass "$1: at most $2 grace periods"
	elif [ -z "$caller" ] && [ -d "$SMP_CPUS/cpu$cpu/cpufreq" ]; then
		ktap_test_skip "$1: $grace grace periods, which can be cpufreq's"
	else
		sort "$callers" | uniq -c | sed 's/^ *\([0-9]*\) # /# \1 times /'
		ktap_test_fail "$1: $grace grace periods, not $2"
	fi
}

# skip_refused - skip all tests if the CPU may not go; false if it is another error
#
# Only some shells tell the error of echo, so dd tries again.
skip_refused() {
	refused=$(echo 0 | LC_ALL=C dd of="$SMP_CPUS"/cpu"$cpu"/online 2>&1 |
		grep -i -e busy -e "not supported") || return
	smp_skip_tests "pauses down up" "CPU $cpu may not go: ${refused##*: }"
	ktap_finished
}

smp_need_tracefs
[ -f "$SMP_TRACEFS"/kprobe_events ] || smp_skip_all "no kprobe events in this kernel"
smp_need_function synchronize_rcu
smp_setup 3
cpu=$(choose_cpu)
if [ -z "$cpu" ]; then
	smp_skip_tests "pauses down up" "no CPU that can go, or each the last of its node"
	ktap_finished
fi
thread=$(thread_of "$cpu")
counts=$(mktemp)
callers=$(mktemp)
now=$(mktemp)
# shellcheck disable=SC2016
case "$(uname -m)" in
x86_64) caller='caller=+0($stack):symbol' ;;
s390x) caller='caller=%r14:symbol' ;;
*) caller= ;;
esac
for probe in $PROBES; do
	if grep -q " $probe\$" /proc/kallsyms; then
		echo "p:$GROUP/$probe $probe $caller" >>"$SMP_TRACEFS"/kprobe_events ||
			ktap_exit_fail_msg "no probe at $probe()"
	fi
done
# Left by a run that was killed
[ ! -d "$INSTANCE" ] || rmdir "$INSTANCE"
mkdir "$INSTANCE"
echo 1 >"$INSTANCE"/events/$GROUP/enable
[ ! -d "$INSTANCE"/events/ipi ] || echo 1 >"$INSTANCE"/events/ipi/enable

round=0
while [ "$round" -lt "$ROUNDS" ]; do
	for way in down up; do
		# Longer than the lock remembers that it was taken
		sleep 1
		echo >"$INSTANCE"/trace
		case $way in
		down) echo 0 >"$SMP_CPUS"/cpu"$cpu"/online || skip_refused ;;
		up) echo 1 >"$SMP_CPUS"/cpu"$cpu"/online ;;
		esac || ktap_exit_fail_msg "CPU $cpu does not go $way"
		note $way
	done
	round=$((round + 1))
done

# sched_cpu_deactivate() waits in any case
if [ "$(most down synchronize_rcu)" = 0 ]; then
	smp_skip_tests "pauses down up" \
		"probes count nothing: kprobes are off, or PIDs are of another namespace"
	ktap_finished
fi
driver=$(cat "$SMP_CPUS"/cpuidle/current_driver 2>/dev/null)
ktap_print_msg "CPU $cpu, cpuidle driver: ${driver:-none}"
figures down
figures up
pauses=$(($(most down wake_up_all_idle_cpus) + $(most up wake_up_all_idle_cpus)))
case "$driver" in
"" | none)
	ktap_test_skip "nothing pauses cpuidle on all CPUs: no cpuidle driver"
	;;
*)
	if [ ! -d "$SMP_TRACEFS"/events/$GROUP/wake_up_all_idle_cpus ]; then
		ktap_test_skip "pauses of cpuidle: no wake_up_all_idle_cpus() in this kernel"
	elif [ "$pauses" = 0 ]; then
		ktap_test_pass "nothing pauses cpuidle on all CPUs"
	else
		ktap_test_fail "cpuidle is paused on all CPUs, $pauses times for a CPU"
	fi
	;;
esac
verdict down $DOWN_MAX
verdict up $UP_MAX
ktap_finished
