#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A CPU that is online but not active is stopped, too, when another CPU comes
# up and calls stop_machine_from_inactive_cpu().
#
# The only user is the cache control of x86. Its function runs on all CPUs that
# are online, so a probe on it shows which CPUs were stopped. An MTRR that is set
# while the CPU is away is a reason to stop them.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_hotplug.sh
. "$DIR"/smp_hotplug.sh
# shellcheck source=smp_mtrr.sh
. "$DIR"/smp_mtrr.sh

FUNC=cache_rendezvous_handler
INSTANCE=$SMP_TRACEFS/instances/smp_test
GROUP=smp_test_inactive

# Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	smp_move_back
	smp_mtrr_del
	[ ! -d "$INSTANCE" ] || rmdir "$INSTANCE"
	if [ -d "$SMP_TRACEFS"/events/$GROUP ]; then
		echo "-:$GROUP/rendezvous" >>"$SMP_TRACEFS"/kprobe_events
	fi
}

# CPUs that the function ran on since the trace was cleared, without CPU $1
ran_on() {
	sed -n 's/^.*\[0*\([0-9][0-9]*\)\].*rendezvous:.*/\1/p' "$INSTANCE"/trace |
		sort -un | grep -vx "$1" | tr '\n' ' '
}

smp_need_tracefs
[ -f "$SMP_TRACEFS"/kprobe_events ] || smp_skip_all "no kprobe events in this kernel"
smp_need_function "$FUNC"
smp_hotplug_setup
coming=$(smp_last_cpu)
for cpu in $SMP_CAN_GO; do
	[ "$cpu" = "$coming" ] || held=$cpu
done
[ -n "${held:-}" ] || smp_skip_all "needs two CPUs that can go down"
smp_need_control "$held"
smp_setup 2

echo "p:$GROUP/rendezvous $FUNC" >>"$SMP_TRACEFS"/kprobe_events
mkdir "$INSTANCE"
echo 1 >"$INSTANCE"/events/$GROUP/enable

smp_move "$held" "$SMP_STATE_INACTIVE"
smp_move "$coming" 0
smp_mtrr_add
echo >"$INSTANCE"/trace
smp_move "$coming" "$SMP_STATE_ONLINE"
smp_check $? "CPU $coming comes up while CPU $held is online and not active"

stopped=$(ran_on "$coming")
if [ -z "$stopped" ]; then
	ktap_test_skip "CPU $held is stopped: CPU $coming had its MTRRs and its PAT"
else
	ktap_print_msg "stopped CPUs: $stopped"
	case " $stopped" in
	*" $held "*) ktap_test_pass "CPU $held is stopped" ;;
	*) ktap_test_fail "CPU $held is stopped" ;;
	esac
fi
ktap_finished
