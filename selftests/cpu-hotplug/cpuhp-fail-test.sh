#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A CPU that cannot go down stays as it was, and so does one that cannot come
# up: for each state that hotplug/fail takes, once in each direction.
#
# What was done is undone in the opposite order and nothing else is, hotplug/fail
# is used up, all that user space can see of the CPUs is as before, and the CPU
# then goes down and up as always. If a state has no callback in a direction then
# nothing fails there. Without -a the CPUs take turns.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=cpuhp_lib.sh
. "$DIR"/cpuhp_lib.sh
# shellcheck source=cpuhp_machine.sh
. "$DIR"/cpuhp_machine.sh
cpuhp_options "Lets each state of a CPU fail, with -a on each CPU." "$@"
cpuhp_setup
cpuhp_need_states
# shellcheck source=cpuhp_trace.sh
. "$DIR"/cpuhp_trace.sh

# Called when the script ends
# shellcheck disable=SC2317
cpuhp_test_cleanup() {
	cpuhp_trace_cleanup
}

# go CPU 0|1 - must work
go() {
	cpuhp_step "$1" "$2" && return
	cpuhp_fail "CPU $1 to online=$2: $cpuhp_error"
	return 1
}

# The ways down and up without failures, and what is seen at both ends
learn() {
	machine_keep on
	for cpu in $cpuhp_cpus; do
		# As when it is compared: to look at all CPUs for each takes long
		[ -n "$cpuhp_all" ] || cpuhp_turn=$cpu
		cpuhp_trace_begin
		go "$cpu" 0
		cpuhp_trace_path "$cpu" >"$cpuhp_tmp/down.$cpu"
		machine_keep "off.$cpu"
		[ -f "$cpuhp_tmp"/taken.up ] || ask "$cpu" up
		cpuhp_trace_begin
		go "$cpu" 1
		cpuhp_trace_path "$cpu" >"$cpuhp_tmp/up.$cpu"
	done
	cpuhp_turn=
	ask "$cpu" down
	machine_check on
}

# has CPU DIRECTION STATE - is there a callback?
has() {
	grep -qw "$2:$3" "$cpuhp_tmp/$2.$1"
}

# The way of CPU $1 in direction $2 until state $3 fails, and back
path() {
	if [ "$2" = up ]; then
		back=down
	else
		back=up
	fi
	awk -v dir="$2" -v state="$3" '
	{
		for (i = 1; i <= NF; i++) {
			number = substr($i, index($i, ":") + 1) + 0
			if (dir == "up" ? number < state : number > state)
				printf "%s%s", n++ ? " " : "", $i
		}
	}' "$cpuhp_tmp/$2.$1" "$cpuhp_tmp/$back.$1"
}

# differ HAVE WANT - where two ways part
differ() {
	[ "$1" = "$2" ] && return
	printf '%s\n' "$1" "$2" | awk '
	NR == 1 {
		n = split($0, have)
	}
	NR == 2 {
		split($0, want)
		for (i = 1; i < n && have[i] == want[i]; i++)
			;
		print "step " i " is " have[i] ", not " want[i] ", of " $0
	}'
}

# ask CPU DIRECTION - for which states hotplug/fail can be set
ask() {
	fail=$CPUS/cpu$1/hotplug/fail
	while read -r state name <&3; do
		if cpuhp_write "$state" "$fail"; then
			echo "$state"
		fi
	done 3<"$cpuhp_tmp"/states >"$cpuhp_tmp/taken.$2"
	cpuhp_write -1 "$fail"
}

# try CPU DIRECTION STATE - sets done to what became of it
#
# A state that has callbacks, but no instances, is not seen in the events, and
# can fail all the same: for those the kernel decides.
try() {
	if ! grep -qx "$3" "$cpuhp_tmp/taken.$2"; then
		done=refused
		return
	fi
	if [ "$2" = up ]; then
		value=1
		start=off.$1
	else
		value=0
		start=on
	fi
	fail=$CPUS/cpu$1/hotplug/fail
	cpuhp_write "$3" "$fail" || cpuhp_fail "$2: $3 to hotplug/fail: $cpuhp_error"
	cpuhp_trace_begin
	if cpuhp_step "$1" $value; then
		done=passed
		cpuhp_is "$1" hotplug/fail "$3" ||
			cpuhp_fail "$2: nothing failed, and hotplug/fail is $cpuhp_value"
		cpuhp_write -1 "$fail"
		go "$1" $((1 - value))
		return
	fi
	done=failed
	want=$(path "$1" "$2" "$3")
	have=$(cpuhp_trace_path "$1")
	way=$(differ "$have" "$want")
	[ -z "$way" ] || cpuhp_fail "$2: $way"
	[ "$cpuhp_error" = EAGAIN ] ||
		cpuhp_fail "$2: $cpuhp_error"
	cpuhp_is "$1" hotplug/fail -1 ||
		cpuhp_fail "$2: hotplug/fail is $cpuhp_value after it failed"
	machine_check "$start"
}

# judge CPU DIRECTION STATE - was that right? The callbacks decide.
judge() {
	section=
	if [ "$3" -ge "$cpuhp_section_begin" ] && [ "$3" -lt "$cpuhp_section_end" ]; then
		section=1
	fi
	case $done in
	failed)
		[ -z "$section" ] || cpuhp_fail "$2: failed with interrupts disabled"
		if [ "$2" = down ] && [ "$3" -lt "$cpuhp_section_begin" ]; then
			cpuhp_fail "down: failed after the CPU was dead"
		fi
		;;
	passed)
		! has "$1" "$2" "$3" || cpuhp_fail "$2: has a callback, did not fail"
		# It would hit the CPU when it is dead
		if [ "$2" = up ] && [ "$3" -lt "$cpuhp_section_begin" ]; then
			cpuhp_fail "up: hotplug/fail takes a state without startup"
		fi
		;;
	refused)
		if has "$1" "$2" "$3" && [ -z "$section" ] &&
		   { [ "$2" = up ] || [ "$3" -ge "$cpuhp_section_end" ]; }; then
			cpuhp_fail "$2: has a callback, hotplug/fail refuses it"
		fi
		;;
	esac
}

# one CPU STATE - both directions; up is also what a CPU needs that did not go
# down
one() {
	try "$1" down "$2"
	judge "$1" down "$2"
	story="down $done"
	if grep -qx "$2" "$cpuhp_tmp"/taken.up; then
		go "$1" 0 || return
	fi
	try "$1" up "$2"
	judge "$1" up "$2"
	story="$story, up $done"
	if [ "$done" != refused ]; then
		go "$1" 1 || return
		machine_check on
	fi
}

cpuhp_trace_setup
cpuhp_states >"$cpuhp_tmp"/states
cpuhp_sample >"$cpuhp_tmp"/sample
cpuhp_begin $(($(grep -c . "$cpuhp_tmp"/sample) + 1))
learn
cpuhp_verdict "each CPU goes down and up"

# Not the standard input: "one" must not read the list
while read -r state name <&3; do
	cpuhp_next
	for cpu in $cpuhp_turn; do
		one "$cpu" "$state"
		cpuhp_rescue "$cpu"
	done
	cpuhp_verdict "$name ($state): $story on CPU $(echo "$cpuhp_turn" | tr '\n' ' ')"
done 3<"$cpuhp_tmp"/sample
ktap_finished
