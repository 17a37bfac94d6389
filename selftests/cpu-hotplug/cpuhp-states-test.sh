#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A CPU that comes up goes through the states in the order of hotplug/states,
# and one that goes down through the same states in the opposite order: each
# callback is called once, by the CPU and the thread that it is for.
#
# Not each state has two callbacks. Where one is missing this is a hole, and
# cpuhp_holes has to say why if it is a state of kernel/cpu.c itself; of others the
# test tells. The states are read from the events and the file of the kernel that
# runs, so that the test does not depend on its options.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=cpuhp_lib.sh
. "$DIR"/cpuhp_lib.sh
# shellcheck source=cpuhp_machine.sh
. "$DIR"/cpuhp_machine.sh
cpuhp_options "Takes all CPUs down and up in any case." "$@"
cpuhp_setup
cpuhp_need_states
# shellcheck source=cpuhp_trace.sh
. "$DIR"/cpuhp_trace.sh

# Called when the script ends
# shellcheck disable=SC2317
cpuhp_test_cleanup() {
	cpuhp_trace_cleanup
}

# cycle CPU - down and up, with the digests in files
cycle() {
	cpuhp_trace_begin
	cpuhp_step "$1" 0 || cpuhp_fail "CPU $1 does not go offline: $cpuhp_error"
	cpuhp_trace_digest "$1" >"$cpuhp_tmp/down.$1"
	cpuhp_trace_begin
	cpuhp_step "$1" 1 || cpuhp_fail "CPU $1 does not come online: $cpuhp_error"
	cpuhp_trace_digest "$1" >"$cpuhp_tmp/up.$1"
}

# thread NAME CPU - PID of a thread of a CPU
thread() {
	grep -lx "$1/$2" /proc/[0-9]*/comm 2>/dev/null | cut -d/ -f3
}

# check DIRECTION PROGRAM - awk over the digests of a direction, its output is
# what is wrong
#
# The program knows the names of the states, where the section with interrupts
# disabled begins and ends, the state that is handled by the control CPU, and the
# threads of the CPU.
check() {
	for cpu in $cpuhp_cpus; do
		wrong=$(awk -v want="$1" -v cpu="$cpu" \
			-v begin="$cpuhp_section_begin" -v end="$cpuhp_section_end" \
			-v teardown="$(cpuhp_number cpu:teardown)" \
			-v hotplug="$(thread cpuhp "$cpu")" \
			-v stopper="$(thread migration "$cpu")" \
			'NR == FNR {
				name[$1] = substr($0, length($1) + 2)
				next
			}
			'"$2" "$cpuhp_tmp"/states "$cpuhp_tmp/$1.$cpu")
		[ -z "$wrong" ] || cpuhp_fail "CPU $cpu $1: $(echo "$wrong" | head -n 3)"
	done
}

# shellcheck disable=SC2016
ORDER='
$1 == "bad:" {
	print
	next
}
$1 != want {
	print "callback of the other direction in state " $2
}
!($2 in name) {
	print "callback in state " $2 ", which has no name"
}
$5 != 0 {
	print name[$2] " returned " $5
}
# Instances of a state come one after the other
seen && (want == "up" ? $2 < before : $2 > before) ||
seen && $2 == before && $4 != "multi" {
	print name[$2] " after " name[before]
}
{
	before = $2
	seen++
}
END {
	if (!seen)
		print "no callback seen"
}'

# shellcheck disable=SC2016
PLACE='
$2 < begin || $2 == teardown {
	if ($3 == "CPU")
		print name[$2] " ran on the CPU itself"
	if (control != "" && control != $6)
		print name[$2] " ran in thread " $6 ", not in " control
	control = $6
	next
}
$3 != "CPU" {
	print name[$2] " ran on another CPU"
}
$6 != ($2 >= end ? hotplug : want == "up" ? 0 : stopper) {
	print name[$2] " ran in thread " $6
}'

# States of one direction, with names
steps() {
	awk 'NR == FNR {
		name[$1] = substr($0, length($1) + 2)
		next
	}
	$2 in name && !($2 in seen) {
		seen[$2] = 1
		print name[$2]
	}' "$cpuhp_tmp"/states "$cpuhp_tmp/$1" | sort
}

# holes DIRECTION CPU - print what has a callback in this direction only
holes() {
	if [ "$1" = up ]; then
		other=down
	else
		other=up
	fi
	steps "$1.$2" >"$cpuhp_tmp"/one
	steps "$other.$2" >"$cpuhp_tmp"/other
	grep -vxF -f "$cpuhp_tmp"/other "$cpuhp_tmp"/one
}

# The third field of the line of cpuhp_holes that begins with $1 and $2
listed() {
	awk -F '\t+' -v kind="$1" -v name="$2" \
		'$1 == kind && $2 == name { print $3 }' "$DIR"/cpuhp_holes
}

# Each hole, with its reason
check_holes() {
	for dir in up down; do
		holes $dir "$1" >"$cpuhp_tmp"/holes
		while read -r name; do
			reason=$(listed $dir "$name")
			if [ -n "$reason" ]; then
				ktap_print_msg "$dir only: $name: $reason"
			elif [ -n "$(listed core "$name")" ]; then
				cpuhp_fail "$dir only: $name: not in cpuhp_holes"
			else
				ktap_print_msg "$dir only: $name: is that right?"
			fi
		done <"$cpuhp_tmp"/holes
	done
}

# What differs from the first CPU
check_same() {
	for cpu in $cpuhp_cpus; do
		for dir in up down; do
			cut -d' ' -f 1-3 "$cpuhp_tmp/$dir.$cpu" >"$cpuhp_tmp"/this
			cut -d' ' -f 1-3 "$cpuhp_tmp/$dir.$1" >"$cpuhp_tmp"/first
			cmp -s "$cpuhp_tmp"/this "$cpuhp_tmp"/first ||
				cpuhp_fail "CPU $cpu goes $dir in another way than CPU $1"
		done
	done
}

cpuhp_trace_setup
cpuhp_begin 7
cpuhp_states >"$cpuhp_tmp"/states
machine_keep before
for cpu in $cpuhp_cpus; do
	cycle "$cpu"
done
cpuhp_verdict "each CPU goes down and up"
check up "$ORDER"
cpuhp_verdict "startup in the order of the states"
check down "$ORDER"
cpuhp_verdict "teardown in the opposite order"
check up "$PLACE"
cpuhp_verdict "startup on the CPU and in the thread that it is for"
check down "$PLACE"
cpuhp_verdict "teardown on the CPU and in the thread that it is for"
first=$(echo "$cpuhp_cpus" | sed -n 1p)
check_same "$first"
check_holes "$first"
cpuhp_verdict "the same states up and down, and on each CPU"
machine_check before
cpuhp_verdict "all as it was before"
ktap_finished
