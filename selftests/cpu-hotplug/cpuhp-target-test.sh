#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A CPU can stop in a state that is written to hotplug/target, on its way down
# and on its way up, and go on from there in both directions. It is online if
# that state is one of those that the CPU handles itself, and as always once it
# is back.
#
# In some states it must not stop, and they are refused. Which ones are tried
# first with only one CPU online: what would be done is refused there as well,
# but later and with another error. Without -a the CPUs take turns.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=cpuhp_lib.sh
. "$DIR"/cpuhp_lib.sh
# shellcheck source=cpuhp_machine.sh
. "$DIR"/cpuhp_machine.sh
cpuhp_options "Stops a CPU in each state, with -a each CPU." "$@"
cpuhp_setup
cpuhp_need_states

section_begin=$(cpuhp_number idle:dead)
section_end=$(cpuhp_number ap:online)

# move CPU STATE - must work, and end there
move() {
	if ! cpuhp_write "$2" "$CPUS/cpu$1"/hotplug/target; then
		cpuhp_read "$CPUS/cpu$1"/hotplug/state
		cpuhp_fail "CPU $1 from state $cpuhp_value to $2: $cpuhp_error"
		return 1
	fi
	cpuhp_is "$1" hotplug/state "$2" ||
		cpuhp_fail "CPU $1 is in state $cpuhp_value, not $2"
	cpuhp_is "$1" hotplug/target "$2" ||
		cpuhp_fail "CPU $1 has target $cpuhp_value in state $2"
	want=$online
	[ "$2" -gt "$section_end" ] || eval "want=\$online_without_$1"
	cpuhp_read "$CPUS"/online
	[ "$cpuhp_value" = "$want" ] ||
		cpuhp_fail "CPU $1 in state $2: CPUs online are $cpuhp_value, not $want"
}

# tour CPU STATE - stop there on all ways: down and back up, down and further,
# up and back down, up and further
tour() {
	move "$1" "$2" && move "$1" "$cpuhp_last" || return
	machine_check on
	move "$1" "$2" && move "$1" 0 || return
	machine_check "off.$1"
	move "$1" "$2" && move "$1" 0 || return
	move "$1" "$2" && move "$1" "$cpuhp_last" || return
	machine_check on
}

# Which states are refused? Leaves a file "STATE yes|no" behind; false if that
# cannot be found out because two CPUs stay online.
ask() {
	for cpu in $cpuhp_cpus; do
		cpuhp_read "$CPUS"/online
		[ "$cpuhp_value" != "$cpu" ] || break
		cpuhp_step "$cpu" 0 || break
	done
	cpuhp_read "$CPUS"/online
	case $cpuhp_value in
	*[!0-9]*)
		asked=
		;;
	*)
		asked=1
		ask_all "$CPUS/cpu$cpuhp_value"/hotplug/target >"$cpuhp_tmp"/answers
		;;
	esac
	for cpu in $cpuhp_cpus; do
		cpuhp_is "$cpu" online 1 || cpuhp_step "$cpu" 1
	done
	[ -n "$asked" ]
}

# ask_all FILE
ask_all() {
	state=-1
	while [ "$state" -le $((cpuhp_last + 1)) ]; do
		if cpuhp_write "$state" "$1"; then
			answer=yes
		else
			answer=$cpuhp_error
		fi
		case $answer in
		EBUSY)
			answer=yes
			;;
		EINVAL)
			answer=no
			;;
		esac
		echo "$state $answer"
		state=$((state + 1))
	done
}

# Can a CPU be told to go offline and online only?
only_ends() {
	! grep -vxqe '.* no' -e '0 yes' -e "$cpuhp_last yes" "$cpuhp_tmp"/answers
}

# try_stop CPU - false if it is refused in a state where each CPU can stop
try_stop() {
	if cpuhp_write "$(cpuhp_number sched:waitempty)" "$CPUS/cpu$1"/hotplug/target; then
		cpuhp_write "$cpuhp_last" "$CPUS/cpu$1"/hotplug/target
	else
		[ "$cpuhp_error" != EINVAL ]
	fi
}

no_control() {
	cpuhp_skip_all "stops are refused with EINVAL, as without CONFIG_CPU_HOTPLUG_STATE_CONTROL"
}

# Was it right to take a state, or to refuse it?
judge_answers() {
	while read -r state answer; do
		name=$(sed -n "s/^$state //p" "$cpuhp_tmp"/states)
		case $answer in
		yes)
			[ -n "$name" ] || cpuhp_fail "state $state, which has no name, is taken"
			;;
		no)
			# A CPU cannot rest in these: cant_stop in kernel/cpu.c
			case $name in
			"" | threads:prepare | cpu:kick_ap | cpu:bringup | cpu:teardown)
				;;
			*)
				in_section "$state" ||
					cpuhp_fail "state $state ($name) is refused"
				;;
			esac
			;;
		*)
			cpuhp_fail "state $state $name: $answer"
			;;
		esac
	done <"$cpuhp_tmp"/answers
}

# With interrupts disabled no CPU can wait for what comes next
judge_section() {
	while read -r state answer; do
		if [ "$answer" = yes ] && in_section "$state"; then
			cpuhp_fail "$(grep "^$state " "$cpuhp_tmp"/states) is taken"
		fi
	done <"$cpuhp_tmp"/answers
}

in_section() {
	[ "$1" -ge "$section_begin" ] && [ "$1" -le "$section_end" ]
}

learn() {
	machine_keep on
	cpuhp_read "$CPUS"/online
	online=$cpuhp_value
	for cpu in $cpuhp_cpus; do
		# As when it is compared: to look at all CPUs for each takes long
		[ -n "$cpuhp_all" ] || cpuhp_turn=$cpu
		cpuhp_step "$cpu" 0
		cpuhp_read "$CPUS"/online
		eval "online_without_$cpu=\$cpuhp_value"
		cpuhp_step "$cpu" 1
		move "$cpu" 0
		machine_keep "off.$cpu"
		move "$cpu" "$cpuhp_last"
	done
	cpuhp_turn=
	machine_check on
}

cpuhp_states >"$cpuhp_tmp"/states
cpuhp_sample >"$cpuhp_tmp"/sample
if ask; then
	! only_ends || no_control
else
	try_stop "$(echo "$cpuhp_cpus" | sed -n 1p)" || no_control
fi
cpuhp_begin $(($(grep -c . "$cpuhp_tmp"/sample) + 3))
learn
cpuhp_verdict "each CPU goes down and up"
if [ -n "$asked" ]; then
	judge_answers
	cpuhp_verdict "only states can be a target"
	judge_section
	cpuhp_verdict "no stop where interrupts are disabled"
else
	ktap_test_skip "only states can be a target: several CPUs stay online"
	ktap_test_skip "no stop where interrupts are disabled: several CPUs stay online"
fi

while read -r state name <&3; do
	cpuhp_next
	if [ -n "$asked" ] && grep -qx "$state no" "$cpuhp_tmp"/answers; then
		ktap_test_pass "$name ($state): refused"
	elif in_section "$state"; then
		ktap_test_skip "$name ($state): the CPU would not survive it"
	else
		for cpu in $cpuhp_turn; do
			tour "$cpu" "$state"
			cpuhp_rescue "$cpu"
		done
		cpuhp_verdict "$name ($state): CPU $(echo "$cpuhp_turn" | tr '\n' ' ')"
	fi
done 3<"$cpuhp_tmp"/sample
ktap_finished
