#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The stop_machine events tell what happened: each operation is queued, has gone
# through PREPARE, DISABLE_IRQ and RUN when it is over, and ends. Only CPUs that
# run the function acknowledge RUN.
#
# Takes CPUs down and up while the events are on, as each CPU that goes down is
# one stop_machine(), and calls it with a function that does nothing. Prints how
# long it took to stop the CPUs, how long interrupts were off, and who was waited
# for.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_trace.sh
. "$DIR"/smp_trace.sh

CYCLES=5
CALLS=200

# Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	smp_trace_cleanup
}

# CPUs that are online now and can go down
victims() {
	for cpu in $smp_was_online; do
		cpu=${cpu%/online}
		echo "${cpu##*cpu}"
	done
}

run_storm() {
	i=0
	while [ $i -lt $CYCLES ]; do
		for cpu in $VICTIMS; do
			echo 0 >"$SMP_CPUS"/cpu"$cpu"/online || return 1
			echo 1 >"$SMP_CPUS"/cpu"$cpu"/online || return 1
		done
		i=$((i + 1))
	done
}

smp_trace_exists || smp_skip_all "no stop_machine events in this kernel"
smp_setup 4
VICTIMS=$(victims)
if [ -z "$VICTIMS" ]; then
	for name in hotplug operations states acknowledge; do
		ktap_test_skip "$name: no CPU that can go down"
	done
	ktap_finished
fi

smp_trace_begin
if run_storm; then
	ktap_test_pass "CPUs down and up with the events enabled"
else
	ktap_test_fail "CPUs down and up with the events enabled"
fi
called=true
{ echo "bench_stop $CALLS" >"$SMP_RUN"; } 2>/dev/null || called=false
smp_trace_end

want=0
for cpu in $VICTIMS; do
	want=$((want + CYCLES))
done
have=$(smp_trace_ops take_cpu_down | wc -l)
if [ "$have" -eq $want ]; then
	ktap_test_pass "each CPU down is one complete operation"
else
	ktap_print_msg "$want CPUs went down, $have operations seen"
	ktap_test_fail "each CPU down is one complete operation"
fi

if smp_trace_bad >/dev/null; then
	smp_trace_bad | head -n 5 | while read -r line; do
		ktap_print_msg "$line"
	done
	ktap_test_fail "states in order"
else
	ktap_test_pass "states in order"
fi

# Without a mask, the first CPU that is online runs the function, which is over
# at once: of many calls, another CPU would be the last one in some if it had to
# acknowledge RUN.
runner=$(smp_online_cpus | sed 's/[-,].*//')
seen=$(smp_trace_ops bench_stop_fn | cut -d' ' -f5 | sort | uniq -c |
	awk '{ printf "%s%d CPU%d", (NR > 1 ? ", " : ""), $1, $2 }')
if $called && [ "$seen" = "$CALLS CPU$runner" ]; then
	ktap_test_pass "only the CPU that runs the function acknowledges RUN"
else
	ktap_print_msg "last to acknowledge RUN in $CALLS calls on CPU$runner: $seen"
	ktap_test_fail "only the CPU that runs the function acknowledges RUN"
fi

smp_trace_report take_cpu_down
ktap_finished
