#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# CPUs that come online as a set, and are idle, are balanced for.
#
# Another CPU lets the scheduler use them, maybe when they are idle already. They have
# to enter nohz.idle_cpus_mask nevertheless, like a CPU that comes alone.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_hotplug.sh
. "$DIR"/smp_hotplug.sh

SETS=$SMP_CPUS/hotplug
INSTANCE=$SMP_TRACEFS/instances/smp_test
GROUP=smp_test_idle
FUNC=nohz_balance_enter_idle
# A CPU can be woken up by something else, and then enters as well
ROUNDS=8
CONTROL_ROUNDS=3

# Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	[ ! -d "$INSTANCE" ] || rmdir "$INSTANCE"
	for probe in enter rebuilt; do
		[ ! -d "$SMP_TRACEFS"/events/$GROUP/$probe ] ||
			echo "-:$GROUP/$probe" >>"$SMP_TRACEFS"/kprobe_events
	done
}

# missing - the CPUs that have not entered the mask since they became active. They can
# do so since the scheduling domains were rebuilt. Fails if not all were seen
missing() {
	awk -v step="$active" -v n="$(echo "$SMP_CAN_GO" | wc -w)" '
	/ cpuhp_enter: / {
		for (i = 1; i < NF; i++)
			if ($i == "cpu:")
				cpu = $(i + 1) + 0
			else if ($i == "step:" && $(i + 1) == step)
				next_ones[cpu] = 1
	}
	/ rebuilt: / {
		for (cpu in next_ones) {
			waits[cpu] = 1
			seen[cpu] = 1
			delete next_ones[cpu]
		}
	}
	/ enter: / {
		sub(".*cpu=", "")
		delete waits[$0 + 0]
	}
	END {
		for (cpu in waits)
			print cpu
		for (cpu in seen)
			n--
		exit n != 0
	}' "$INSTANCE"/trace
}

probes_on() {
	# Left by a run that was killed
	[ ! -d "$INSTANCE" ] || rmdir "$INSTANCE"
	# shellcheck disable=SC2016 # for the kernel
	{
		echo "p:$GROUP/enter $FUNC cpu=\$arg1:u32" >>"$SMP_TRACEFS"/kprobe_events &&
		echo "r:$GROUP/rebuilt partition_sched_domains" >>"$SMP_TRACEFS"/kprobe_events
	} 2>/dev/null &&
		mkdir "$INSTANCE" &&
		echo 1 >"$INSTANCE"/events/$GROUP/enable &&
		echo 1 >"$INSTANCE"/events/cpuhp/cpuhp_enter/enable
}

one_by_one() {
	for cpu in $SMP_CAN_GO; do
		echo 1 >"$SMP_CPUS"/cpu"$cpu"/online || return
	done
}

as_a_set() {
	echo "$list" >"$SETS"/online
}

# idle WAY ROUNDS - bring them online, and leave them alone; prints those that are missing
idle() {
	round=0
	while [ $round -lt "$2" ]; do
		round=$((round + 1))
		echo "$list" >"$SETS"/offline || return
		# Until nothing is left to be done that would wake them up
		sleep 1
		echo >"$INSTANCE"/trace
		"$1" || return
		sleep 0.5
		missing || return
	done
}

smp_need_root
smp_need_tracefs
smp_hotplug_setup
[ -f "$SETS"/online ] || smp_skip_all "no $SETS/online"
smp_leave_one
active=$(smp_state sched:active)
list=$(echo "$SMP_CAN_GO" | tr ' ' ,)
[ "$list" != "${list#*,}" ] || smp_skip_all "needs two CPUs that can go"
[ -f "$SMP_TRACEFS"/kprobe_events ] || smp_skip_all "no kprobe events in this kernel"
smp_need_function $FUNC
smp_setup 1
if ! probes_on; then
	ktap_test_skip "idle CPUs of a set are balanced for: no probe"
	ktap_finished
fi
if ! control=$(idle one_by_one $CONTROL_ROUNDS) || [ -n "$control" ]; then
	ktap_test_skip "idle CPUs of a set are balanced for: not alone, either:" \
		"$(echo "$control" | xargs)"
	ktap_finished
fi
set=$(idle as_a_set $ROUNDS)
result=$?
[ -z "$set" ] || ktap_print_msg "missing in $ROUNDS rounds: $(echo "$set" | xargs)"
[ "$result" = 0 ] && [ -z "$set" ]
smp_check $? "idle CPUs of a set are balanced for"
ktap_finished
