# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# cpuhp_machine.sh - what the tests of the state machine share: sourced after
# cpuhp_lib.sh
#
#   cpuhp_states          the states, one "NUMBER NAME" per line
#   cpuhp_sample          those of them that are tested
#   cpuhp_number NAME     number of a state, nothing if there is none
#   cpuhp_need_states     skip all if nothing can be tested, after cpuhp_setup; takes
#                         the CPUs that may not go out of cpuhp_cpus
#   cpuhp_fail REASON     the test that runs has failed
#   cpuhp_verdict TEXT    the result of that test
#   cpuhp_next            whose turn is it? Sets cpuhp_turn
#   cpuhp_rescue CPU      if the test has failed, bring the CPU back for the next
#   machine_keep NAME     remember the state of all CPUs under this name
#   machine_check NAME    is it the one of this name? Calls cpuhp_fail if not
#
# CPUHP_EVERY  test only every Nth state, where time is short (default 1: all)

SCHEDSTAT=/proc/schedstat
CPUHP_EVERY=${CPUHP_EVERY:-1}
cpuhp_bad=
cpuhp_last=
cpuhp_sleeper=
cpuhp_taint=
cpuhp_threads=
cpuhp_tmp=
cpuhp_turn=

cpuhp_states() {
	sed -n 's/^ *\([0-9]*\): /\1 /p' "$CPUS"/hotplug/states
}

cpuhp_sample() {
	cpuhp_states | awk -v every="$CPUHP_EVERY" 'NR % every == 0'
}

cpuhp_number() {
	sed -n "s|^ *\([0-9]*\): $1\$|\1|p" "$CPUS"/hotplug/states
}

cpuhp_need_states() {
	case $CPUHP_EVERY in
	*[!0-9]* | 0*)
		ktap_print_header
		ktap_exit_fail_msg "CPUHP_EVERY is '$CPUHP_EVERY', not a number above 0"
		;;
	esac
	[ -r "$CPUS"/hotplug/states ] || cpuhp_skip_all "no hotplug/states"
	[ -n "$cpuhp_cpus" ] || cpuhp_skip_all "no CPU that is online can go offline"
	cpuhp_last=$(cpuhp_states | sed -n '$s/ .*//p')
	for cpuhp_it in $cpuhp_cpus; do
		cpuhp_is "$cpuhp_it" hotplug/state "$cpuhp_last" ||
			cpuhp_skip_all "CPU $cpuhp_it is in state $cpuhp_value, not $cpuhp_last"
	done
	machine_setup
	cpuhp_try_cpus
}

# Some CPUs may not go: the one that keeps the time, the last one for housekeeping,
# all in some machines. What else goes wrong is a failure: it may do so only once,
# and not again in the tests.
#
# cpuhp_lib.sh sets cpuhp_error
# shellcheck disable=SC2154
cpuhp_try_cpus() {
	machine_keep start
	cpuhp_can=$cpuhp_cpus
	for cpuhp_one in $cpuhp_cpus; do
		if cpuhp_try "$cpuhp_one" 0; then
			cpuhp_try "$cpuhp_one" 1 && continue
		elif [ "$cpuhp_error" = EBUSY ] || [ "$cpuhp_error" = EOPNOTSUPP ]; then
			ktap_print_msg "CPU $cpuhp_one is left out: $cpuhp_error"
			cpuhp_can=$(echo "$cpuhp_can" | grep -vx "$cpuhp_one")
			continue
		fi
		cpuhp_fail "CPU $cpuhp_one does not go offline and come back: $cpuhp_error"
	done
	machine_check start
	# Who refuses all without a reason that can be seen is wrong
	if [ -z "$cpuhp_can" ] && [ "$cpuhp_error" = EBUSY ] &&
	   [ "$(cpuhp_list "$(cat "$CPUS"/online)" | wc -l)" -gt 1 ] &&
	   [ -z "$(cat "$CPUS"/isolated "$CPUS"/nohz_full 2>/dev/null)" ]; then
		cpuhp_fail "no CPU may go offline: EBUSY"
	fi
	if [ -n "$cpuhp_bad" ]; then
		ktap_print_header
		ktap_exit_fail_msg "CPUs do not go offline and come back as they were"
	fi
	cpuhp_cpus=$cpuhp_can
	[ -n "$cpuhp_cpus" ] || cpuhp_skip_all "no CPU may go offline: $cpuhp_error"
}

cpuhp_verdict() {
	if [ -z "$cpuhp_bad" ]; then
		ktap_test_pass "$1"
	else
		ktap_test_fail "$1"
	fi
	cpuhp_bad=
}

cpuhp_fail() {
	ktap_print_msg "$*"
	cpuhp_bad=1
}

# One CPU after the other, or all
cpuhp_next() {
	if [ -n "$cpuhp_all" ]; then
		cpuhp_turn=$cpuhp_cpus
		return
	fi
	cpuhp_turn=$(echo "$cpuhp_cpus" | grep -x -A 1 "${cpuhp_turn:-x}" | sed -n 2p)
	[ -n "$cpuhp_turn" ] || cpuhp_turn=$(echo "$cpuhp_cpus" | sed -n 1p)
}

# By force, as the driver core may have another idea of what is online
cpuhp_rescue() {
	[ -n "$cpuhp_bad" ] || return
	cpuhp_write -1 "$CPUS/cpu$1"/hotplug/fail
	if ! cpuhp_is "$1" hotplug/state "$cpuhp_last"; then
		cpuhp_write 0 "$CPUS/cpu$1"/hotplug/target
		cpuhp_write "$cpuhp_last" "$CPUS/cpu$1"/hotplug/target
	fi
	cpuhp_write 1 "$CPUS/cpu$1"/online
	cpuhp_is "$1" hotplug/state "$cpuhp_last" || cpuhp_fail "CPU $1 is lost"
}

# What machine_state looks at: the threads of one CPU, without the workers, which
# come and go, and a thread that never runs, to ask the scheduler about
machine_setup() {
	cpuhp_taint=$(cat /proc/sys/kernel/tainted)
	cpuhp_threads=$(grep -E '^[^/]+/[0-9]+$' /proc/[0-9]*/comm 2>/dev/null |
		sed -n '/:kworker/!s|/comm:.*|/status|p')
	cpuhp_read "$CPUS"/online
	cpuhp_list=$cpuhp_value
	cpuhp_tmp=$(mktemp -d)
	sleep 86400 >/dev/null 2>&1 &
	cpuhp_sleeper=$!
}

# For cpuhp_cleanup
machine_cleanup() {
	[ -z "$cpuhp_sleeper" ] || kill "$cpuhp_sleeper"
	[ -z "$cpuhp_tmp" ] || rm -rf "$cpuhp_tmp"
}

# Those of the CPUs whose turn it is that are online, but not active for the
# scheduler, or the reverse: may a thread be sent there?
#
# For a thread that sleeps this is only a number, it does not run there.
machine_active() {
	[ "$(command -v taskset)" ] || return
	for cpuhp_it in ${cpuhp_turn:-$cpuhp_cpus}; do
		if taskset -p -c "$cpuhp_it" "$cpuhp_sleeper" >/dev/null 2>&1; then
			cpuhp_is_online "$cpuhp_it" ||
				echo "CPU $cpuhp_it is active, but offline"
		elif cpuhp_is_online "$cpuhp_it"; then
			echo "CPU $cpuhp_it is online, but not active"
		fi
	done
	# Not on a CPU that will go away
	taskset -p -c "$cpuhp_list" "$cpuhp_sleeper" >/dev/null
}

# Threads of one CPU
machine_threads() {
	# shellcheck disable=SC2086
	cat $cpuhp_threads | awk '
	$1 == "Name:" {
		name = $2
	}
	$1 == "State:" {
		state = $2 == "P" ? "parked" : "not parked"
	}
	$1 == "Cpus_allowed_list:" {
		print "thread " name " " state " CPUs " $2
	}'
}

# machine_state - all that user space can see of the state of the CPUs
machine_state() {
	(cd "$CPUS" && grep -s "" online offline present smt/control smt/active \
		cpu[0-9]*/online cpu[0-9]*/hotplug/[sft]* cpu[0-9]*/topology/*_list \
		../node/node[0-9]*/cpulist)
	machine_active
	if [ -r "$SCHEDSTAT" ]; then
		awk '/^cpu/ { cpu = $1 } /^domain/ { print cpu, $1, $2, $3 }' "$SCHEDSTAT"
	fi
	machine_threads
}

machine_keep() {
	machine_state >"$cpuhp_tmp/$1"
}

# The scheduler may need a moment for its domains. A kernel that warns is not as
# before, either.
machine_check() {
	cpuhp_value=$(cat /proc/sys/kernel/tainted)
	if [ "$cpuhp_value" != "$cpuhp_taint" ]; then
		cpuhp_fail "taint of the kernel is $cpuhp_value, was $cpuhp_taint"
		cpuhp_taint=$cpuhp_value
	fi
	for cpuhp_try in 1 2 3 4 5; do
		machine_state >"$cpuhp_tmp"/now
		cmp -s "$cpuhp_tmp/$1" "$cpuhp_tmp"/now && return
		sleep "0.$cpuhp_try"
	done
	diff "$cpuhp_tmp/$1" "$cpuhp_tmp"/now | grep '^[-+<>][^-+]' | head -n 10 |
		while read -r cpuhp_line; do
			ktap_print_msg "$cpuhp_line"
		done
	cpuhp_fail "not as before"
}
