#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A CPU that is online but not active is stopped, too, when another CPU comes
# up and calls stop_machine_from_inactive_cpu().
#
# The only user is the cache control of x86. Its function runs on all CPUs that
# are online, so a probe on it shows which CPUs were stopped. One CPU is held
# in a state between online and active by means of hotplug/target.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh

FUNC=cache_rendezvous_handler
INSTANCE=$SMP_TRACEFS/instances/smp_test
GROUP=smp_test_inactive
HELD=
COMING=

smp_test_cleanup() {
	smp_final=$(sed -n 's/^ *\([0-9]*\): *online$/\1/p' "$SMP_CPUS"/hotplug/states)
	if [ -n "$HELD" ]; then
		echo "$smp_final" >"$SMP_CPUS"/cpu"$HELD"/hotplug/target
	fi
	[ ! -d "$INSTANCE" ] || rmdir "$INSTANCE"
	if [ -d "$SMP_TRACEFS"/events/$GROUP ]; then
		echo "-:$GROUP/rendezvous" >>"$SMP_TRACEFS"/kprobe_events
	fi
}

# The last named state before sched:active
state_before_active() {
	awk '/: sched:active$/ { print last; exit } { last = $1 + 0 }' "$SMP_CPUS"/hotplug/states
}

# CPUs that the function ran on since the trace was cleared, without CPU $1
ran_on() {
	sed -n 's/^.*\[0*\([0-9][0-9]*\)\].*rendezvous:.*/\1/p' "$INSTANCE"/trace |
		sort -un | grep -vx "$1" | tr '\n' ' '
}

smp_need_tracefs
[ -f "$SMP_TRACEFS"/kprobe_events ] || smp_skip_all "no kprobe events in this kernel"
grep -q " $FUNC\$" /proc/kallsyms ||
	smp_skip_all "nothing here calls stop_machine_from_inactive_cpu()"
state=$(state_before_active)
[ -n "$state" ] || smp_skip_all "no state sched:active"
smp_setup 2
for cpu in $smp_was_online; do
	cpu=${cpu%/online}
	HELD=$COMING
	COMING=${cpu##*cpu}
done
if [ -z "$HELD" ]; then
	ktap_test_skip "coming up: needs two CPUs that can go down"
	ktap_test_skip "stopped: needs two CPUs that can go down"
	ktap_finished
fi
if ! { echo "$state" >"$SMP_CPUS"/cpu"$HELD"/hotplug/target; } 2>/dev/null; then
	ktap_test_skip "coming up: no CONFIG_CPU_HOTPLUG_STATE_CONTROL"
	ktap_test_skip "stopped: no CONFIG_CPU_HOTPLUG_STATE_CONTROL"
	ktap_finished
fi

echo "p:$GROUP/rendezvous $FUNC" >>"$SMP_TRACEFS"/kprobe_events
mkdir "$INSTANCE"
echo 1 >"$INSTANCE"/events/$GROUP/enable

# Down and up, with all others active but one
echo 0 >"$SMP_CPUS"/cpu"$COMING"/online
echo >"$INSTANCE"/trace
if echo 1 >"$SMP_CPUS"/cpu"$COMING"/online; then
	ktap_test_pass "CPU $COMING comes up while CPU $HELD is online and not active"
else
	ktap_test_fail "CPU $COMING comes up while CPU $HELD is online and not active"
fi

stopped=$(ran_on "$COMING")
if [ -z "$stopped" ]; then
	ktap_test_skip "CPU $HELD is stopped: this machine needs no cache control"
else
	ktap_print_msg "stopped CPUs: $stopped"
	case " $stopped" in
	*" $HELD "*) ktap_test_pass "CPU $HELD is stopped" ;;
	*) ktap_test_fail "CPU $HELD is stopped" ;;
	esac
fi
ktap_finished
