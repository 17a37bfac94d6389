# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0
#
# offon_counts.sh - what half of the CPUs cost that go and come, in counts
#
# Figures: loop, set, smt, suspend: grace periods waited for, by caller, rebuilds and their ns, stop windows
# Archs: x86_64 s390x
# Cpus: 8 16
#
# Probes count on both kernels, whoever calls: synchronize_rcu() is a wait for a
# grace period, partition_sched_domains() a rebuild, and stop_machine_cpuslocked()
# and stop_machine_from_inactive_cpu() stop all CPUs.  The CPUs go through the files
# online one by one, as a list where the kernel takes one, by smt/control where
# there is SMT, and all but one for a test of suspend.  A caller that one of the
# kernels does not have is "missing" there: it counts 0.

GROUP=smp_bench
SUSPEND_DELAY=/sys/module/suspend/parameters/pm_test_delay

probes_on() {
	local f caller

	# shellcheck disable=SC2016 # for the kernel
	case "$(uname -m)" in
	x86_64) caller='caller=+0($stack):symbol' ;;
	*) caller='caller=%r14:symbol' ;;
	esac
	[ -f "$TRACING/kprobe_events" ] || skip "no kprobe events"
	for f in synchronize_rcu partition_sched_domains stop_machine_cpuslocked \
		stop_machine_from_inactive_cpu; do
		if ! grep -q " $f\$" /proc/kallsyms; then
			# s390 has no user of it
			[ "$f" = stop_machine_from_inactive_cpu ] || fail "no $f()"
			continue
		fi
		echo "p:$GROUP/$f $f $caller" >>"$TRACING/kprobe_events" ||
			fail "no probe at $f()"
	done
	echo "r:$GROUP/rebuilt partition_sched_domains" >>"$TRACING/kprobe_events" ||
		fail "no probe at the end of partition_sched_domains()"
	echo 1 >"$TRACING/events/$GROUP/enable"
}

probes_off() {
	echo 0 >"$TRACING/events/$GROUP/enable"
	echo >"$TRACING/kprobe_events"
}

hits() {
	awk -v event=" $1: " 'index($0, event) { n++ } END { print n + 0 }' "$WORK/trace"
}

# rebuilt - nanoseconds that were spent in rebuilds; one follows the other
rebuilt() {
	awk '{
		for (i = 1; i < NF && $i !~ /^[0-9]+\.[0-9]+:$/; i++)
			;
		ns = 1e9 * $i
	}
	$(i + 1) == "partition_sched_domains:" { start = ns }
	$(i + 1) == "rebuilt:" { sum += ns - start }
	END { printf "%.0f", sum }' "$WORK/trace"
}

# counted NAME CMD... - the counts of one command as figures
counted() {
	local name=$1 caller n
	shift

	# Longer than the hotplug lock remembers that it was taken
	sleep 1
	echo 512 >"$TRACING/buffer_size_kb"
	echo >"$TRACING/trace"
	echo 1 >"$TRACING/tracing_on"
	"$@" || fail "'$*' failed"
	trace_stop "$WORK/trace"
	echo 1 >"$TRACING/events/$GROUP/enable"
	figure "${name}_waits" "$(hits synchronize_rcu)" count
	figure "${name}_rebuilds" "$(hits partition_sched_domains)" count
	figure "${name}_rebuilds_ns" "$(rebuilt)" ns
	figure "${name}_windows_down" "$(hits stop_machine_cpuslocked)" count
	figure "${name}_windows_up" "$(hits stop_machine_from_inactive_cpu)" count
	sed -n 's/.* synchronize_rcu: .*caller=\([a-z0-9_]*\).*/\1/p' "$WORK/trace" |
		sort | uniq -c | while read -r n caller; do
		figure "${name}_waits_$caller" "$n" count
	done
}

write_smt() {
	echo "$1" >"$CPU_DIR/smt/control"
}

suspend() {
	echo mem >/sys/power/state
}

# suspend_setup - suspend is to end when the CPUs are down; fails where it cannot
suspend_setup() {
	[ -f /sys/power/pm_test ] || return 1
	echo processors >/sys/power/pm_test || return 1
	echo deep >/sys/power/mem_sleep || return 1
	if [ -f "$SUSPEND_DELAY" ]; then
		echo 0 >"$SUSPEND_DELAY"
	fi
}

main() {
	local n i=1 half="" list

	n=$(cpus_present)
	cpus_need 4
	while [ "$i" -lt "$n" ]; do
		half="$half $i"
		i=$((i + 2))
	done
	probes_on
	# shellcheck disable=SC2086 # a list of CPUs
	counted loop_off cpus_set 0 $half
	# shellcheck disable=SC2086 # a list of CPUs
	counted loop_on cpus_set 1 $half
	list=$(echo "$half" | sed 's/^ //; s/ /,/g')
	counted set_off cpus_set_list offline "$list"
	counted set_on cpus_set_list online "$list"
	if [ "$(cat "$CPU_DIR/smt/control" 2>/dev/null)" = on ]; then
		counted smt_off write_smt off
		counted smt_on write_smt on
	fi
	if suspend_setup; then
		counted suspend suspend
	fi
	probes_off
}

main
