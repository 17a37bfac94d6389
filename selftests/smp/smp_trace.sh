# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# smp_trace.sh - what the stop_machine events tell: sourced after smp_lib.sh
#
#   smp_trace_exists           false if this kernel has none
#   smp_trace_begin            enable them, in a trace instance of their own
#   smp_trace_end              disable them, read what they said
#   smp_trace_ops [FUNCTION]   the complete operations, of one function or all
#   smp_trace_bad              what must not have happened
#   smp_trace_report [FUNCTION]
#                              how long it took to stop the CPUs, how long
#                              interrupts were off, who was waited for

smp_digest=
smp_instance=

smp_trace_exists() {
	smp_need_tracefs
	[ -d "$SMP_TRACEFS"/events/stop_machine ]
}

smp_trace_begin() {
	smp_digest=$(mktemp)
	smp_instance=$SMP_TRACEFS/instances/smp_test
	# Left by a run that was killed
	[ ! -d "$smp_instance" ] || rmdir "$smp_instance"
	mkdir "$smp_instance"
	echo 1 >"$smp_instance"/events/stop_machine/enable
}

smp_trace_end() {
	echo 0 >"$smp_instance"/events/stop_machine/enable
	smp_trace_digest <"$smp_instance"/trace >"$smp_digest"
}

# For smp_test_cleanup
smp_trace_cleanup() {
	[ -z "$smp_instance" ] || rmdir "$smp_instance"
	[ -z "$smp_digest" ] || rm -f "$smp_digest"
}

# One line per complete operation: its function, threads, ns until the last CPU
# had come, ns with interrupts disabled, who came last, who finished last, the
# return value. A line that starts with "bad" is a violation. The ring buffer
# may have lost the begin of what was first.
smp_trace_digest() {
	awk '
	BEGIN {
		split("PREPARE DISABLE_IRQ RUN none", order)
	}
	!/: stop_machine_/ {
		next
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
		if (step[id] == 3)
			print "stop", func_name[id], threads[id], waited[id, 1], \
				waited[id, 2] + waited[id, 3], \
				last[id, 1], last[id, 3], f["ret"]
		# No RUN if no CPU of the mask is online, and stop_two_cpus() of
		# a CPU that has gone stops nothing: -ENOENT
		else if (f["ret"] != (step[id] == 2 ? 0 : -2) || step[id] == 1)
			print "bad: ended after " step[id] " states: " $0
		delete step[id]
	}'
}

smp_trace_bad() {
	grep '^bad' "$smp_digest"
}

# Threads, ns to stop, ns with interrupts disabled, last CPU to arrive, last CPU
# to finish, return value
smp_trace_ops() {
	sed -n "s/^stop ${1:-[^ ]*} //p" "$smp_digest"
}

# Median, 90th percentile and maximum of a column of numbers on stdin, in us
smp_trace_spread() {
	cut -d' ' -f"$1" | sort -n | awk '
		{ v[NR] = $1 / 1000 }
		END {
			printf "%d %d %d\n", v[int((NR + 1) / 2)],
				v[int((NR * 9 + 9) / 10)], v[NR]
		}'
}

smp_trace_report() {
	ktap_print_msg "operations: $(smp_trace_ops "${1:-}" | wc -l)"
	ktap_print_msg "time to stop the CPUs, us (median, 90 %, max):" \
		"$(smp_trace_ops "${1:-}" | smp_trace_spread 2)"
	ktap_print_msg "time with interrupts off, us (median, 90 %, max):" \
		"$(smp_trace_ops "${1:-}" | smp_trace_spread 3)"
	ktap_print_msg "last CPU to arrive (times, CPU):" \
		"$(smp_trace_ops "${1:-}" | cut -d' ' -f4 | sort | uniq -c |
			awk '{ printf "%s%d CPU%d", (NR > 1 ? ", " : ""), $1, $2 }')"
}
