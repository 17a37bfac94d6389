#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What a CPU hands over when it goes down goes to a CPU that stays: not to one
# that is online but was itself stopped on its way down.
#
# By means of hotplug/target one CPU is held below sched:active while another
# one goes down. Looks at what cpuhp_any_survivor() chooses for the callback of
# a hotplug state, and at the readers of PMUs: one for all CPUs, one per core.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_hotplug.sh
. "$DIR"/smp_hotplug.sh

MODULE="$DIR"/test_modules/smp_test_survivor.ko
PARAMETERS=/sys/module/smp_test_survivor/parameters
PMUS=/sys/bus/event_source/devices
HELPER_TESTS="helper-active helper-first helper-left helper-inactive helper-offline"
PMU_TESTS="pmu-all pmu-core-left pmu-core-inactive"
survivor_loaded=

smp_test_cleanup() {
	smp_move_back
	if [ -n "$survivor_loaded" ] && ! rmmod smp_test_survivor; then
		echo "# smp_test_survivor cannot be unloaded"
		smp_status=$KSFT_FAIL
	fi
}

# readers PMU CPUS - those of the CPUs that read it
readers() {
	for reader in $(smp_expand "$(cat "$PMUS/$1"/cpumask)"); do
		for cpu in $2; do
			[ "$cpu" != "$reader" ] || printf ' %s' "$cpu"
		done
	done
}

# same WHAT GOT EXPECTED - clears $ok if they differ
same() {
	[ "$2" = "$3" ] && return
	ktap_print_msg "$1: got '$2', not '$3'"
	ok=false
}

# verdict DESCRIPTION - by $ok, after all CPUs are up
verdict() {
	smp_move_back
	$ok
	smp_check $? "$1"
}

# picked MASK STATE EXPECTED - when $A goes down while $B is held in STATE
picked() {
	ok=true
	echo "$1" >"$PARAMETERS"/mask
	smp_move "$B" "$2" && smp_move "$A" "$(smp_state_below "$OURS")" || ok=false
	same "successor" "$(cat "$PARAMETERS"/picked)" "$3"
}

test_helper() {
	OURS=$(cat "$PARAMETERS"/state)
	if [ "$OURS" = -1 ]; then
		smp_skip_tests "$HELPER_TESTS" "no cpuhp_any_survivor() in this kernel"
		return
	elif [ -z "$C" ]; then
		smp_skip_tests "$HELPER_TESTS" "needs three CPUs that can go down"
		return
	fi
	below=$(smp_state_below "$OURS")
	picked "$A,$B,$C" "$below" "$C"
	verdict "helper-active: an active CPU, not the first one"
	picked "$A,$B,$C" "$OURS" "$C"
	verdict "helper-first: an active CPU rather than an inactive one"
	picked "$A,$B" "$below" -1
	verdict "helper-left: not a CPU that has left the state"
	picked "$A,$B" "$OURS" "$B"
	verdict "helper-inactive: else one that has not left the state"
	picked "$A,$B" 0 -1
	verdict "helper-offline: not a CPU that is offline"
}

# The first CPU is the one that would be chosen for being online
test_pmu_sys() {
	online=$(smp_expand "$(smp_online_cpus)")
	first=$(echo "$online" | head -n 1)
	if [ "$(echo "$online" | wc -l)" -lt 3 ]; then
		smp_skip_tests pmu-all "needs three CPUs"
		return
	fi
	if ! smp_move "$first" "$LEFT" 2>/dev/null; then
		smp_skip_tests pmu-all "CPU $first cannot be stopped"
		return
	fi
	ok=true
	reader=$(readers smp_test_sys "$online")
	ktap_print_msg "CPU $first is stopped, the reader is$reader"
	smp_move "${reader# }" "$LEFT" || ok=false
	after=$(readers smp_test_sys "$online")
	case "$after" in
	"" | " $first" | "$reader" | " "*" "*) same "reader" "$after" "an active CPU" ;;
	esac
	verdict "pmu-all: an active CPU takes over"
}

# A core with two threads or more that can all go, in $core
find_core() {
	for core in "$SMP_CPUS"/cpu[0-9]*/topology/core_cpus_list; do
		core=$(smp_expand "$(cat "$core" 2>/dev/null)")
		[ "$(echo "$core" | wc -l)" -gt 1 ] || continue
		for cpu in $core; do
			[ -f "$SMP_CPUS"/cpu"$cpu"/online ] || continue 2
		done
		return
	done
	core=
}

# Without the further threads of $core
core_of_two() {
	for cpu in $(echo "$core" | tail -n +3); do
		smp_move "$cpu" 0 || ok=false
	done
}

test_pmu_core() {
	find_core
	if [ -z "$core" ]; then
		smp_skip_tests "pmu-core-left pmu-core-inactive" \
			"no core of two CPUs that can go down"
		return
	fi
	ok=true
	core_of_two
	a=$(readers smp_test_core "$core")
	b=" $(echo "$core" | head -n 2 | grep -vx "${a# }" | head -n 1)"
	smp_move "${b# }" "$LEFT" && smp_move "${a# }" 0 || ok=false
	same "reader, CPU$b is stopped" "$(readers smp_test_core "$core")" ""
	smp_move "${b# }" 0 && smp_move "${a# }" "$SMP_STATE_ONLINE" || ok=false
	same "reader, CPU$a is back" "$(readers smp_test_core "$core")" "$a"
	smp_move "${b# }" "$SMP_STATE_ONLINE" || ok=false
	same "reader, CPU$b is back" "$(readers smp_test_core "$core")" "$a"
	verdict "pmu-core-left: nobody takes over from the last CPU"

	ok=true
	core_of_two
	smp_move "${b# }" "$PERF" && smp_move "${a# }" 0 || ok=false
	same "reader, CPU$b is stopped" "$(readers smp_test_core "$core")" "$b"
	smp_move "${b# }" "$SMP_STATE_ONLINE" && smp_move "${a# }" "$SMP_STATE_ONLINE" || ok=false
	same "reader, both are back" "$(readers smp_test_core "$core")" "$b"
	verdict "pmu-core-inactive: else one that has not left the state"
}

smp_need_root
smp_hotplug_setup
[ -f "$MODULE" ] || smp_skip_all "test_modules/smp_test_survivor.ko was not built"
smp_setup 8

# B comes before A and C
# shellcheck disable=SC2086
set -- $SMP_CAN_GO
[ "$1" != 0 ] || shift
B=$1
A=$2
C=$3
if [ -z "$B" ]; then
	smp_skip_tests "$HELPER_TESTS $PMU_TESTS" "no CPU can go offline"
	ktap_finished
fi
if ! smp_move "$B" "$SMP_STATE_INACTIVE" 2>/dev/null; then
	smp_skip_tests "$HELPER_TESTS $PMU_TESTS" "no CONFIG_CPU_HOTPLUG_STATE_CONTROL"
	ktap_finished
fi
smp_move_back

survivor_loaded=1
if ! error=$(insmod "$MODULE" 2>&1); then
	survivor_loaded=
	ktap_exit_fail_msg "smp_test_survivor.ko cannot be loaded: $error"
fi

test_helper
if [ -d "$PMUS"/smp_test_sys ]; then
	PERF=$(smp_state perf:online)
	LEFT=$(smp_state_below "$PERF")
	test_pmu_sys
	test_pmu_core
else
	smp_skip_tests "$PMU_TESTS" "no perf events in this kernel"
fi
ktap_finished
