#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Sets of CPUs, by hotplug/offline and hotplug/online.
#
# A list that cannot be done is refused as a whole. A set leaves the machine as the
# same CPUs do that go and come one by one. When a CPU of a set fails, once for each
# state that hotplug/fail takes and in each direction, then it and those behind it
# are as before and those before it are not: a set goes down from its last CPU on and
# comes up from its first one on. None stays online without being active. Without -a
# the CPUs take turns to fail.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=cpuhp_lib.sh
. "$DIR"/cpuhp_lib.sh
# shellcheck source=cpuhp_machine.sh
. "$DIR"/cpuhp_machine.sh
cpuhp_options "Takes all CPUs down and up that can go, with -a lets each of them fail." "$@"
cpuhp_setup
[ -f "$CPUS"/hotplug/offline ] || cpuhp_skip_all "no hotplug/offline"
cpuhp_need_states
active=$(cpuhp_number sched:active)

# set_write offline|online [LIST] - all that can go by default; sets cpuhp_error
set_write() {
	cpuhp_write "${2-$set}" "$CPUS/hotplug/$1"
}

# go offline|online - must work
go() {
	set_write "$1" && return
	cpuhp_fail "CPUs $set to $1: $cpuhp_error"
	return 1
}

# refused FILE LIST ERROR
refused() {
	if set_write "$1" "$2"; then
		cpuhp_fail "'$2' in hotplug/$1 is taken"
	elif [ "$cpuhp_error" != "$3" ]; then
		cpuhp_fail "'$2' in hotplug/$1: $cpuhp_error, not $3"
	fi
}

# refused_lists - with and without CPUs that can go. Nothing may change.
refused_lists() {
	cpuhp_read "$CPUS"/present
	none=$((${cpuhp_value##*[,-]} + 1))
	for file in offline online; do
		for list in " " x "$first,x" 1- "$first-" 4-2 ,,-; do
			refused $file "$list" EINVAL
		done
		for list in 123456789 "$first,123456789"; do
			refused $file "$list" ERANGE
		done
		cpuhp_read "$CPUS"/possible
		[ "$none" -gt "${cpuhp_value##*[,-]}" ] || refused $file "$first,$none" EINVAL
	done
	cpuhp_read "$CPUS"/online
	all=$cpuhp_value
	for cpu in $(cpuhp_list "$all"); do
		if [ ! -f "$CPUS/cpu$cpu"/online ]; then
			refused offline "$cpu,$set" EPERM
			refused online "$cpu" EPERM
			return
		fi
	done
	refused offline "$all" EBUSY
}

# is_off CPU - as far as it goes
is_off() {
	! cpuhp_is_online "$1" && cpuhp_is "$1" hotplug/state 0 && cpuhp_is "$1" online 0
}

is_on() {
	cpuhp_is_online "$1" && cpuhp_is "$1" hotplug/state "$cpuhp_last" &&
		cpuhp_is "$1" online 1
}

# check_rest VICTIM DIRECTION STATE - what became of the CPUs of the set
#
# Those of a batch cease to be active together, so that some can be up yet that come
# before the one whose sched:active fails.
check_rest() {
	for cpu in $cpuhp_cpus; do
		if [ "$2" = up ] && [ "$cpu" -lt "$1" ]; then
			is_on "$cpu" || cpuhp_fail "up: CPU $cpu is not up, CPU $1 failed"
		elif [ "$2" = up ]; then
			is_off "$cpu" || cpuhp_fail "up: CPU $cpu is not down, CPU $1 failed"
		elif [ "$cpu" -le "$1" ]; then
			is_on "$cpu" || cpuhp_fail "down: CPU $cpu is not up, CPU $1 failed"
		elif [ "$3" = "$active" ]; then
			is_on "$cpu" || is_off "$cpu" || cpuhp_fail "down: CPU $cpu is halfway"
		else
			is_off "$cpu" || cpuhp_fail "down: CPU $cpu is not down, CPU $1 failed"
		fi
	done
	# Of all, whoever's turn it is
	turn=$cpuhp_turn
	cpuhp_turn=
	machine_active >"$cpuhp_tmp"/inactive
	cpuhp_turn=$turn
	while read -r line; do
		cpuhp_fail "$2: $line"
	done <"$cpuhp_tmp"/inactive
}

# try VICTIM DIRECTION STATE - sets done to what became of it
try() {
	if [ "$2" = up ]; then
		file=online
		back=offline
	else
		file=offline
		back=online
	fi
	fail=$CPUS/cpu$1/hotplug/fail
	if ! cpuhp_write "$3" "$fail"; then
		done=refused
		return
	fi
	if set_write $file; then
		done=passed
		[ "$3" != "$active" ] || cpuhp_fail "$2: sched:active did not fail"
		cpuhp_is "$1" hotplug/fail "$3" ||
			cpuhp_fail "$2: nothing failed, and hotplug/fail is $cpuhp_value"
		cpuhp_write -1 "$fail"
		go $back
		return
	fi
	done=failed
	[ "$cpuhp_error" = EAGAIN ] || cpuhp_fail "$2: $cpuhp_error"
	cpuhp_is "$1" hotplug/fail -1 ||
		cpuhp_fail "$2: hotplug/fail is $cpuhp_value after it failed"
	check_rest "$1" "$2" "$3"
	go $back
}

# one VICTIM STATE - both directions
one() {
	try "$1" down "$2"
	story="down $done"
	go offline || return
	try "$1" up "$2"
	story="$story, up $done"
	go online || return
	machine_check on
}

first=$(echo "$cpuhp_cpus" | sed -n 1p)
# shellcheck disable=SC2086 # one line
set=$(echo $cpuhp_cpus | tr ' ' ,)
[ "$set" != "$first" ] || cpuhp_skip_all "only one CPU can go"
cpuhp_sample >"$cpuhp_tmp"/sample
cpuhp_begin $(($(grep -c . "$cpuhp_tmp"/sample) + 3))
machine_keep on

refused_lists
machine_check on
cpuhp_verdict "a list that cannot be done is refused"

for cpu in $(echo "$cpuhp_cpus" | sort -rn); do
	cpuhp_step "$cpu" 0 || cpuhp_fail "CPU $cpu: $cpuhp_error"
done
machine_keep loop
go online
machine_check on
go offline
machine_check loop
for cpu in $cpuhp_cpus; do
	cpuhp_step "$cpu" 1 || cpuhp_fail "CPU $cpu: $cpuhp_error"
done
machine_check on
cpuhp_verdict "a set leaves the machine as the CPUs one by one"

cpuhp_step "$first" 0
go offline
machine_check loop
go offline
machine_check loop
cpuhp_step "$first" 1
go online
go online
machine_check on
cpuhp_verdict "CPUs that are there already are skipped"

# Not the standard input: "one" must not read the list
while read -r state name <&3; do
	cpuhp_next
	for victim in $cpuhp_turn; do
		one "$victim" "$state"
		if [ -n "$cpuhp_bad" ]; then
			for cpu in $cpuhp_cpus; do
				cpuhp_rescue "$cpu"
			done
		fi
	done
	cpuhp_verdict "$name ($state): $story of CPU $(echo "$cpuhp_turn" | tr '\n' ' ')"
done 3<"$cpuhp_tmp"/sample
ktap_finished
