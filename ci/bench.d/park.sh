# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0
#
# park.sh - what the hotplug threads of a CPU add to taking it down and up
#
# Figures: park_N_off park_N_on (ns), park_N_off_sleeps park_N_on_sleeps (how
#	   often the CPU's hotplug thread, and the writer, went to sleep per
#	   10 changes), for N = 0 and 5 more kinds of thread; park_register (ns)
# Archs: x86_64 s390x
# Cpus: 8 64
#
# The five kinds stand for those that a kernel with PREEMPT_RT has.

main() {
	local last

	cpus_need 2
	module_need
	last=$(($(cpus_present) - 1))
	pid=$(hotplug_thread "$last")
	# Not $$, which is the shell around this one
	read -r self _ </proc/self/stat
	park_figures 0
	module_run bench_threads 5 >"$WORK/threads"
	figure park_register "$(awk '{ print $2 }' "$WORK/threads")" ns
	park_figures 5
	module_run bench_threads 0 >/dev/null
}

# hotplug_thread CPU - its pid
hotplug_thread() {
	grep -lx "cpuhp/$1" /proc/[0-9]*/comm | sed 's,/proc/,,; s,/comm,,'
}

# sleeps_now - of the hotplug thread and of the shell that writes
sleeps_now() {
	cat "/proc/$pid/status" "/proc/$self/status" |
		awk '/^voluntary_ctxt_switches/ { n += $2 } END { print n }'
}

park_figures() {
	local i=0 rounds=10 before off_sleeps=0 on_sleeps=0

	! quick || rounds=3
	: >"$WORK/off"
	: >"$WORK/on"
	while [ "$i" -lt "$rounds" ]; do
		before=$(sleeps_now)
		timed cpus_set 0 "$last"
		echo "$ELAPSED" >>"$WORK/off"
		off_sleeps=$((off_sleeps + $(sleeps_now) - before))
		before=$(sleeps_now)
		timed cpus_set 1 "$last"
		echo "$ELAPSED" >>"$WORK/on"
		on_sleeps=$((on_sleeps + $(sleeps_now) - before))
		i=$((i + 1))
	done
	figure "park_$1_off" "$(median "$WORK/off")" ns
	figure "park_$1_on" "$(median "$WORK/on")" ns
	figure "park_$1_off_sleeps" $((off_sleeps * 10 / rounds)) count
	figure "park_$1_on_sleeps" $((on_sleeps * 10 / rounds)) count
}

main
