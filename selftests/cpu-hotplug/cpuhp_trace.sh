# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# cpuhp_trace.sh - which callbacks were called: sourced after cpuhp_lib.sh
#
#   cpuhp_trace_setup          enable the cpuhp events, in a trace instance of
#                              their own; false if that does not work
#   cpuhp_trace_begin          forget what has happened so far
#   cpuhp_trace_digest CPU     one line per call of a callback for this CPU:
#                              "up|down STATE CPU|else one|multi RETURN PID",
#                              where CPU means that it ran on that CPU, multi
#                              that it was for one of several instances; on
#                              lines that start with "bad:", what is wrong
#   cpuhp_trace_path CPU       the states alone: "up:1 up:10 ... down:234 ..."
#
# Events are not recorded on a CPU that is not online, which leaves out the
# states with interrupts disabled, from idle:dead to ap:online. A probe of
# cpuhp_invoke_callback() sees them; without it they are left out.

TRACEFS=/sys/kernel/tracing
cpuhp_instance=
cpuhp_mark=0

# The section with interrupts disabled: first state, first state after it
cpuhp_section_begin=$(cpuhp_number idle:dead)
cpuhp_section_end=$(cpuhp_number ap:online)

cpuhp_trace_mount() {
	[ -d "$TRACEFS" ] || cpuhp_skip_all "no $TRACEFS"
	[ -d "$TRACEFS"/events ] || mount -t tracefs none "$TRACEFS" ||
		cpuhp_skip_all "tracefs cannot be mounted"
	[ -d "$TRACEFS"/events/cpuhp ] || cpuhp_skip_all "no $TRACEFS/events/cpuhp"
}

cpuhp_trace_probe() {
	[ -f "$TRACEFS"/kprobe_events ] || return
	grep -q ' cpuhp_invoke_callback$' /proc/kallsyms || return
	# shellcheck disable=SC2016
	cpuhp_probe='cpu=$arg1:u32 state=$arg2:s32 up=$arg3:u8'
	{ echo "p:cpuhp_test/invoke cpuhp_invoke_callback $cpuhp_probe" \
		>>"$TRACEFS"/kprobe_events; } 2>/dev/null || return
	echo "state >= $cpuhp_section_begin && state < $cpuhp_section_end" \
		>"$cpuhp_instance"/events/cpuhp_test/invoke/filter
	echo 1 >"$cpuhp_instance"/events/cpuhp_test/invoke/enable
}

cpuhp_trace_setup() {
	cpuhp_trace_mount
	cpuhp_instance=$TRACEFS/instances/cpuhp_test
	cpuhp_trace_cleanup
	if ! mkdir "$cpuhp_instance"; then
		ktap_print_header
		ktap_exit_fail_msg "$cpuhp_instance cannot be made"
	fi
	# The clock has to order events of different CPUs
	echo counter >"$cpuhp_instance"/trace_clock
	echo 1024 >"$cpuhp_instance"/buffer_size_kb
	echo 1 >"$cpuhp_instance"/events/cpuhp/enable
	cpuhp_trace_probe ||
		echo "# states from idle:dead to ap:online are not seen: no probe can be set"
}

# Also what a run that was killed has left
cpuhp_trace_cleanup() {
	[ -d "$cpuhp_instance" ] || return
	[ ! -d "$cpuhp_instance"/events/cpuhp_test ] ||
		echo 0 >"$cpuhp_instance"/events/cpuhp_test/enable
	rmdir "$cpuhp_instance"
	! grep -q cpuhp_test/invoke "$TRACEFS"/kprobe_events 2>/dev/null ||
		echo -:cpuhp_test/invoke >>"$TRACEFS"/kprobe_events
}

# The buffers of CPUs that are offline cannot be emptied, so there is a mark
cpuhp_trace_begin() {
	cpuhp_mark=$((cpuhp_mark + 1))
	: >"$cpuhp_instance"/trace
	echo "cpuhp_mark $cpuhp_mark" >"$cpuhp_instance"/trace_marker
}

# A line is "THREAD-PID [CPU] FLAGS TIME: EVENT: VALUES...", where the name of the
# thread can have blanks in it
# shellcheck disable=SC2016
CPUHP_PARSE='
{
	for (e = 5; e < NF && $e !~ /^(cpuhp_(multi_)?e|invoke:)/; e++)
		;
	event = $e
	state = event == "invoke:" ? substr($(e + 3), 7) + 0 : $(e + 6) + 0
}
# These are no states: the whole work of the thread of the CPU
e >= NF || state == last || (event == "invoke:" ? $(e + 2) != "cpu=" cpu : $(e + 2) + 0 != cpu) {
	next
}
event == "invoke:" {
	dir = $(e + 4) == "up=1" ? "up" : "down"
}
event ~ /enter:/ {
	dir = $(e + 4) + 0 < state ? "down" : "up"
}'

cpuhp_trace_awk() {
	# cpuhp_machine.sh sets cpuhp_last
	# shellcheck disable=SC2154
	sed "1,/: cpuhp_mark $cpuhp_mark\$/d" "$cpuhp_instance"/trace |
		awk -v cpu="$1" -v last="$cpuhp_last" "$CPUHP_PARSE$2"
}

cpuhp_trace_digest() {
	cpuhp_trace_awk "$1" '
	{
		pid = $(e - 4)
		sub(/.*-/, "", pid)
		where = substr($(e - 3), 2) + 0 == cpu ? "CPU" : "else"
	}
	event == "cpuhp_exit:" {
		# That of cpu:bringup comes after those of all later states
		if (!depth || at[depth] != state) {
			print "bad: exit without enter: " $0
			next
		}
		out[order[depth]] = line[depth] " " $(e + 8) " " thread[depth]
		depth--
		next
	}
	event == "invoke:" {
		out[++calls] = dir " " state " " where " multi 0 " pid
		next
	}
	{
		depth++
		at[depth] = state
		line[depth] = dir " " state " " where " " \
			(event == "cpuhp_enter:" ? "one" : "multi")
		thread[depth] = pid
		order[depth] = ++calls
	}
	END {
		for (i = 1; i <= calls; i++) {
			if (i in out)
				print out[i]
		}
		for (; depth; depth--)
			print "bad: enter without exit: " line[depth]
	}'
}

# Instances of a state come one after the other
cpuhp_trace_path() {
	cpuhp_trace_awk "$1" '
	event != "cpuhp_exit:" {
		now = dir ":" state
		if (now != before)
			printf "%s%s", before == "" ? "" : " ", now
		before = now
	}'
}
