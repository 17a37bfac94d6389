# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0
#
# guest-bench.sh - what the figure files in ci/bench.d share, inside the guest
#
# Usage: sourced by guest-bench-run.sh, which then runs a figure file in a
# subshell.  Runs under busybox ash; needs proc, sysfs, debugfs and tracefs.
#
# A figure file prints with "figure NAME VALUE UNIT" and ends with "skip
# REASON" when the kernel or the machine lacks what it measures.

CPU_DIR=/sys/devices/system/cpu
SMP_BENCH=/sys/kernel/debug/smp_bench
TRACING=/sys/kernel/tracing
# Comes with the stop_machine topic; the other events of that group stay off
STOP_EVENT=$TRACING/events/stop_machine/stop_machine_end
WORK=/tmp/bench

figure() {
	echo "FIGURE $1 $2 $3"
}

# skip REASON - end this figure file without a value
skip() {
	echo "FIGURE-SKIP $FIGURE_FILE $*"
	exit 4
}

fail() {
	echo "FIGURE-FAIL $FIGURE_FILE $*"
	exit 1
}

quick() {
	[ "${BENCH_QUICK:-0}" = 1 ]
}

# read_now - NOW becomes the monotonic clock in ns, without a fork
#
# /proc/uptime has steps of 10 ms; the header of timer_list has the clock
# itself, and only the header is formatted when a single line is read.
read_now() {
	local a b c

	NOW=
	while read -r a b c _; do
		if [ "$a $b" = "now at" ]; then
			NOW=$c
			break
		fi
	done </proc/timer_list
	[ -n "$NOW" ] || fail "no clock in /proc/timer_list"
}

# timed CMD... - ELAPSED becomes the time in ns that CMD took
timed() {
	local start

	read_now
	start=$NOW
	"$@" || fail "'$*' failed"
	read_now
	ELAPSED=$((NOW - start))
}

# median FILE - the middle value (the lower one of two) of one per line
median() {
	sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# cpus_need N - skip on a guest with fewer CPUs
cpus_need() {
	[ "$(cpus_present)" -ge "$1" ] || skip "needs $1 CPUs"
}

cpus_present() {
	set -- "$CPU_DIR"/cpu[0-9]*
	echo "$#"
}

# cpus_set 0|1 CPU... - put CPUs offline or online, one after the other
cpus_set() {
	local to=$1 cpu
	shift

	for cpu; do
		echo "$to" >"$CPU_DIR/cpu$cpu/online" || return 1
	done
}

# cpus_set_list offline|online LIST - the same in one request, where the kernel takes one
cpus_set_list() {
	local to=1

	if [ -f "$CPU_DIR/hotplug/$1" ]; then
		echo "$2" >"$CPU_DIR/hotplug/$1"
		return
	fi
	[ "$1" = online ] || to=0
	# shellcheck disable=SC2046 # a list of CPUs
	cpus_set "$to" $(echo "$2" | tr , ' ')
}

module_need() {
	[ -f "$SMP_BENCH/run" ] || skip "the benchmark module is not loaded"
}

# module_run WORD... - give the benchmark module a command, print its result
#
# The command runs on CPU 0: a call to the highest CPU must not come from there.
module_run() {
	# shellcheck disable=SC2016 # the inner shell expands it
	taskset 1 sh -c 'echo "$1" >"$2"' sh "$*" "$SMP_BENCH/run" ||
		fail "the benchmark module refused '$*'"
	cat "$SMP_BENCH/result"
}

# module_figures PREFIX WORD... - every result line becomes a figure
module_figures() {
	local prefix=$1 out name value unit
	shift

	module_need
	out=$(module_run "$@") || exit 1
	[ -n "$out" ] || fail "the benchmark module gave no result for '$*'"
	echo "$out" | while read -r name value unit; do
		figure "$prefix$name" "$value" "${unit:-count}"
	done
}

# ipis_now - interrupts between CPUs so far, on the CPUs that are online
#
# The CPUs that are offline have no column in /proc/interrupts, so compare
# only values that were read with the same CPUs online.
ipis_now() {
	awk '$1 ~ /^(RES|CAL|EXC|EMS):$/ {
		for (i = 2; i <= NF && $i ~ /^[0-9]+$/; i++)
			sum += $i
	} END { print sum + 0 }' /proc/interrupts
}

# counts_now - remember the counters: C_ctxt, and with the benchmark module the
# normal and the expedited grace periods in C_gp and C_gp_exp
counts_now() {
	C_ctxt=$(awk '$1 == "ctxt" { print $2 }' /proc/stat)
	C_gp=
	C_gp_exp=
	if [ -f "$SMP_BENCH/run" ]; then
		module_run counts >"$WORK/counts"
		C_gp=$(awk '$1 == "gp" { print $2 }' "$WORK/counts")
		C_gp_exp=$(awk '$1 == "gp_exp" { print $2 }' "$WORK/counts")
	fi
}

# periods BEFORE AFTER - RCU keeps two of 64 bits for itself and begins 300 grace
# periods before the rest of them overflows
periods() {
	local n=$(($2 - $1))

	[ "$n" -ge 0 ] || n=$((n + (1 << 62)))
	echo "$n"
}

trace_need() {
	[ -d "$TRACING/events/cpuhp" ] || skip "no cpuhp trace events"
}

trace_start() {
	echo 0 >"$TRACING/tracing_on"
	echo mono >"$TRACING/trace_clock"
	echo 512 >"$TRACING/buffer_size_kb"
	echo >"$TRACING/trace"
	echo 1 >"$TRACING/events/cpuhp/enable" || return 1
	if [ -d "$STOP_EVENT" ]; then
		echo 1 >"$STOP_EVENT/enable" || return 1
	fi
	echo 1 >"$TRACING/tracing_on"
}

# trace_stop FILE - save the trace and make sure that nothing was lost
trace_stop() {
	local lost

	echo 0 >"$TRACING/tracing_on"
	echo 0 >"$TRACING/events/enable"
	cat "$TRACING/trace" >"$1"
	lost=$(cat "$TRACING"/per_cpu/cpu*/stats |
		awk '/overrun:|dropped events:/ { n += $NF } END { print n + 0 }')
	[ "$lost" = 0 ] || fail "the trace lost $lost events"
}

# trace_callbacks FILE - time per hotplug callback: "name count ns"
#
# An exit event has no function name, so it closes the newest open enter event
# of the same CPU and step (the walk over the steps and the first callback can
# have the same number).  The awk of busybox reads 0123 as octal, hence the 1
# in front of the digits behind the point.  What several CPUs of a set are in at the
# same time counts once.
trace_callbacks() {
	awk '
	function stamp(	i, t) {
		for (i = 1; i <= NF; i++)
			if ($i ~ /^[0-9]+\.[0-9]+:$/) {
				at = i
				split(substr($i, 1, length($i) - 1), t, ".")
				return (t[1] - 1) * 1000000000 + (1 substr(t[2] "000000000", 1, 9))
			}
		at = 0
		return 0
	}
	/cpuhp_(multi_)?enter: / || /cpuhp_exit: / {
		now = stamp()
		key = $(at + 3)
		for (i = at; i < NF; i++)
			if ($i == "step:")
				key = key " " $(i + 1)
		if ($0 ~ /enter: /) {
			name = $NF
			gsub(/[()]/, "", name)
			depth[key]++
			fn[key, depth[key]] = name
			if (!running[name]++)
				begin[name] = now
		} else if (depth[key] > 0) {
			name = fn[key, depth[key]]
			n[name]++
			if (!--running[name])
				sum[name] += now - begin[name]
			depth[key]--
		}
	}
	END { for (name in sum) printf "%s %d %.0f\n", name, n[name], sum[name] }
	' "$1" | sort
}

# callback_field FILE NAME FIELD - from the output of trace_callbacks
callback_field() {
	awk -v name="$2" -v field="$3" '
	$1 == name { v += $field } END { printf "%.0f\n", v + 0 }' "$1"
}

# stop_windows FILE - how often all CPUs were stopped, by the trace events
stop_windows() {
	awk '/ stop_machine_end: / { n++ } END { print n + 0 }' "$1"
}

# shares NAME CPUS WALL CALLBACKS - where the time of taking CPUs down went
#
# Callbacks of different CPUs may overlap, so shares may exceed 100 % together.
shares() {
	local gp down

	gp=$(callback_field "$4" sched_cpu_deactivate 3)
	down=$(callback_field "$4" takedown_cpu 3)
	figure "$1_off_share_grace_period" $((100 * gp / $3)) %
	figure "$1_off_share_takedown" $((100 * down / $3)) %
	figure "$1_off_grace_period_per_cpu" $((gp / $2)) ns
	figure "$1_off_takedown_per_cpu" $((down / $2)) ns
}

# offon_figures NAME CPUS OFF ON [ROUNDS] - time and counts of one way to take
# CPUS CPUs down and up again, OFF and ON being functions that do it
#
# The times come from rounds without tracing (the figure is their median); one
# more round with tracing gives the counts and the shares.
offon_figures() {
	local name=$1 cpus=$2 off=$3 on=$4 rounds=${5:-3} i=0
	local ipis gp gp_exp ctxt events

	trace_need
	! quick || rounds=1
	: >"$WORK/off"
	: >"$WORK/on"
	while [ "$i" -lt "$rounds" ]; do
		ipis=$(ipis_now)
		timed "$off"
		echo "$ELAPSED" >>"$WORK/off"
		timed "$on"
		echo "$ELAPSED" >>"$WORK/on"
		ipis=$(($(ipis_now) - ipis))
		i=$((i + 1))
	done
	figure "${name}_off" "$(median "$WORK/off")" ns
	figure "${name}_on" "$(median "$WORK/on")" ns
	figure "${name}_cycle_ipis" "$ipis" count

	trace_start || fail "cannot start tracing"
	counts_now
	gp=$C_gp
	gp_exp=$C_gp_exp
	ctxt=$C_ctxt
	timed "$off"
	counts_now
	trace_stop "$WORK/trace"
	"$on" || fail "'$on' failed"
	trace_callbacks "$WORK/trace" >"$WORK/callbacks"

	if [ -n "$gp" ]; then
		figure "${name}_off_grace_periods" "$(periods "$gp" "$C_gp")" count
		figure "${name}_off_expedited_grace_periods" \
			"$(periods "$gp_exp" "$C_gp_exp")" count
	fi
	figure "${name}_off_ctxt" $((C_ctxt - ctxt)) count
	figure "${name}_off_takedowns" \
		"$(callback_field "$WORK/callbacks" takedown_cpu 2)" count
	if [ -d "$STOP_EVENT" ]; then
		events=$(stop_windows "$WORK/trace")
		figure "${name}_off_stop_windows" "$events" count
	fi
	shares "$name" "$cpus" "$ELAPSED" "$WORK/callbacks"
}
