#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The stop_machine events tell what happened: each operation is queued, has gone
# through PREPARE, DISABLE_IRQ and RUN when it is over, and ends. Only CPUs that
# run the function acknowledge RUN.
#
# Takes CPUs down and up while the events are on, as each CPU that goes down is
# one stop_machine() whose function runs on that CPU alone. Prints how long it
# took to stop the CPUs, how long interrupts were off, and who was waited for.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh

CYCLES=5
TRACEFS=/sys/kernel/tracing
LOG=
DIGEST=

smp_test_cleanup() {
	echo 0 >"$TRACEFS"/events/stop_machine/enable
	rm -f "$LOG" "$DIGEST"
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

# One line per complete operation of a CPU that went down: its CPU, who came
# last, the times. A line that starts with "bad" is a violation.
digest() {
	awk '
	BEGIN {
		split("PREPARE DISABLE_IRQ RUN none", order)
	}
	{
		delete f
		for (i = 1; i <= NF; i++) {
			if (split($i, kv, "=") == 2)
				f[kv[1]] = kv[2]
		}
		id = f["stop"]
	}
	/: stop_machine_queue:/ {
		if (id in step)
			print "bad: queued twice: " $0
		step[id] = 0
		func_name[id] = f["func"]
		threads[id] = f["threads"]
	}
	/: stop_machine_state:/ && id in step {
		step[id]++
		want = order[step[id]]
		if (f["state"] != want)
			print "bad: wanted " want ": " $0
		waited[id, step[id]] = f["waited"]
		last[id, step[id]] = f["cpu"]
	}
	/: stop_machine_end:/ && id in step {
		if (step[id] != 3)
			print "bad: ended after " step[id] " states: " $0
		if (func_name[id] == "take_cpu_down")
			print "stop", threads[id], waited[id, 1], \
				waited[id, 2] + waited[id, 3], \
				last[id, 1], last[id, 3], f["ret"]
		delete step[id]
	}' "$1"
}

# Median, 90th percentile and maximum of a column of the digest, in us
spread() {
	sed -n 's/^stop //p' "$1" | cut -d' ' -f"$2" | sort -n | awk '
		{ v[NR] = $1 / 1000 }
		END {
			printf "%d %d %d\n", v[int((NR + 1) / 2)],
				v[int((NR * 9 + 9) / 10)], v[NR]
		}'
}

[ -d "$TRACEFS"/events ] || TRACEFS=$SMP_DEBUGFS/tracing
[ -d "$TRACEFS"/events/stop_machine ] ||
	smp_skip_all "no stop_machine events in this kernel"
LOG=$(mktemp)
DIGEST=$(mktemp)
smp_setup 4
VICTIMS=$(victims)
if [ -z "$VICTIMS" ]; then
	for name in hotplug operations states acknowledge; do
		ktap_test_skip "$name: no CPU that can go down"
	done
	ktap_finished
fi

echo >"$TRACEFS"/trace
echo 1 >"$TRACEFS"/events/stop_machine/enable
if run_storm; then
	ktap_test_pass "CPUs down and up with the events enabled"
else
	ktap_test_fail "CPUs down and up with the events enabled"
fi
echo 0 >"$TRACEFS"/events/stop_machine/enable
grep ': stop_machine_' "$TRACEFS"/trace >"$LOG"
digest "$LOG" >"$DIGEST"

want=0
for cpu in $VICTIMS; do
	want=$((want + CYCLES))
done
have=$(grep -c '^stop ' "$DIGEST")
if [ "$have" -eq $want ]; then
	ktap_test_pass "each CPU down is one complete operation"
else
	ktap_print_msg "$want CPUs went down, $have operations seen"
	ktap_test_fail "each CPU down is one complete operation"
fi

if grep -q '^bad' "$DIGEST"; then
	grep '^bad' "$DIGEST" | head -n 5 | while read -r line; do
		ktap_print_msg "$line"
	done
	ktap_test_fail "states in order"
else
	ktap_test_pass "states in order"
fi

# The function of a CPU that goes down runs there and nowhere else. So does the
# last acknowledgment of RUN, unless CPUs that do not run it take part. The CPU
# that went down is not in the event, but the sequence of CPUs is known.
expect=$(i=0; while [ $i -lt $CYCLES ]; do
	for cpu in $VICTIMS; do echo "$cpu"; done
	i=$((i + 1))
done)
seen=$(sed -n 's/^stop //p' "$DIGEST" | cut -d' ' -f5)
if [ "$seen" = "$expect" ]; then
	ktap_test_pass "only the CPU that runs the function acknowledges RUN"
else
	ktap_print_msg "CPUs down:      $(echo "$expect" | tr '\n' ' ')"
	ktap_print_msg "last to finish: $(echo "$seen" | tr '\n' ' ')"
	ktap_test_fail "only the CPU that runs the function acknowledges RUN"
fi

ktap_print_msg "time to stop the CPUs, us (median, 90 %, max): $(spread "$DIGEST" 2)"
ktap_print_msg "time with interrupts off, us (median, 90 %, max): $(spread "$DIGEST" 3)"
ktap_print_msg "last CPU to arrive (times, CPU): $(sed -n 's/^stop //p' "$DIGEST" |
	cut -d' ' -f4 | sort | uniq -c |
	awk '{ printf "%s%d CPU%d", (NR > 1 ? ", " : ""), $1, $2 }')"
ktap_finished
