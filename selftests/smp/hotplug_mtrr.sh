#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A CPU that comes up with the MTRRs and the PAT that it should have does not stop
# the others, and one that does not have them is given them.
#
# A probe on what x86 executes on all CPUs meanwhile shows whether they were
# stopped. /proc/mtrr shows the MTRRs of the CPU that reads it, the files msr the
# PAT.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_hotplug.sh
. "$DIR"/smp_hotplug.sh
# shellcheck source=smp_mtrr.sh
. "$DIR"/smp_mtrr.sh

FUNC=cache_rendezvous_handler
INSTANCE=$SMP_TRACEFS/instances/smp_test
GROUP=smp_test_mtrr
MSR_PAT=$((0x277))
QUIET="a CPU that has what it should have stops nobody"
CHANGED="an MTRR is there that was set meanwhile"
GONE="an MTRR is gone that was taken away meanwhile"
NEW="a CPU that was not up before has the PAT of the others"
was_off=

probe_del() {
	[ ! -d "$INSTANCE" ] || rmdir "$INSTANCE"
	if [ -d "$SMP_TRACEFS"/events/$GROUP ]; then
		echo "-:$GROUP/rendezvous" >>"$SMP_TRACEFS"/kprobe_events
	fi
}

# Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	smp_move_back
	[ -z "$was_off" ] || echo 0 >"$SMP_CPUS"/cpu"$was_off"/online
	smp_mtrr_del
	probe_del
}

# come_up - the CPU, with the number of CPUs that were stopped in $stopped
come_up() {
	echo >"$INSTANCE"/trace
	smp_move "$cpu" "$SMP_STATE_ONLINE" || return
	stopped=$(grep -c ' rendezvous: ' "$INSTANCE"/trace)
	ktap_print_msg "CPUs stopped: $stopped"
}

# mtrrs_same - the CPU has the same variable MTRRs as one that stayed
mtrrs_same() {
	here=$(taskset -c "$cpu" cat /proc/mtrr) || return
	there=$(taskset -c "$stays" cat /proc/mtrr) || return
	[ "$here" = "$there" ] && return
	ktap_print_msg "CPU $cpu: $here"
	ktap_print_msg "CPU $stays: $there"
	return 1
}

# pat CPU
pat() {
	dd if=/dev/cpu/"$1"/msr bs=8 count=1 iflag=skip_bytes skip="$MSR_PAT" \
		2>/dev/null | od -An -tx1
}

# A hypervisor may start a CPU with the MTRRs or the PAT of a reset. QEMU without
# KVM does so with the MTRRs, not with the PAT.
may_be_reset() {
	grep -q '^flags.* hypervisor' /proc/cpuinfo || return
	[ -f /proc/mtrr ] || ! grep -q '^model name.*QEMU TCG' /proc/cpuinfo
}

quiet() {
	if ! smp_move "$cpu" 0 || ! come_up; then
		ktap_test_fail "$QUIET"
	elif [ "$stopped" != 0 ] && may_be_reset; then
		ktap_test_skip "$QUIET: the hypervisor may have reset them"
	else
		smp_check "$stopped" "$QUIET"
	fi
}

# changed - two tests, with an MTRR that comes and goes
changed() {
	if ! taskset -c "$cpu" true || ! taskset -c "$stays" true; then
		why="a process cannot choose these CPUs"
	elif smp_move "$cpu" 0 && smp_mtrr_add; then
		why=
	else
		why="no MTRR can be set here"
	fi
	if [ -n "$why" ]; then
		smp_move "$cpu" "$SMP_STATE_ONLINE"
		ktap_test_skip "$CHANGED: $why"
		ktap_test_skip "$GONE: $why"
		return
	fi
	come_up && mtrrs_same
	smp_check $? "$CHANGED"

	smp_move "$cpu" 0 && smp_mtrr_del && come_up && mtrrs_same
	smp_check $? "$GONE"
}

# A CPU that is offline from boot on, with maxcpus=, was reset and not set up since
new() {
	for file in "$SMP_CPUS"/cpu[0-9]*/online; do
		[ "$(cat "$file")" = 1 ] || was_off=$(basename "$(dirname "$file")" | tr -d cpu)
	done
	if [ -z "$was_off" ]; then
		ktap_test_skip "$NEW: all CPUs are up"
	elif [ -z "$(pat "$stays")" ]; then
		ktap_test_skip "$NEW: no /dev/cpu/$stays/msr"
	else
		echo 1 >"$SMP_CPUS"/cpu"$was_off"/online
		here=$(pat "$was_off")
		there=$(pat "$stays")
		ktap_print_msg "PAT of CPU $was_off:$here, of CPU $stays:$there"
		[ "$here" = "$there" ]
		smp_check $? "$NEW"
	fi
}

smp_need_tracefs
[ -f "$SMP_TRACEFS"/kprobe_events ] || smp_skip_all "no kprobe events in this kernel"
smp_need_function "$FUNC"
smp_need_debugfs
[ -f /proc/mtrr ] || [ -f "$SMP_DEBUGFS"/x86/pat_memtype_list ] ||
	smp_skip_all "this kernel uses neither MTRRs nor PAT"
[ "$(cat "$SMP_DEBUGFS"/kprobes/enabled 2>/dev/null)" != 0 ] ||
	smp_skip_all "kprobes are disarmed"
smp_hotplug_setup
cpu=$(smp_last_cpu)
[ -n "$cpu" ] || smp_skip_all "no CPU can go offline"
stays=$(smp_expand "$(smp_online_cpus)" | grep -vx "$cpu" | sed -n 1p)
[ -n "$stays" ] || smp_skip_all "needs two CPUs"
probe_del
if ! echo "p:$GROUP/rendezvous $FUNC" >>"$SMP_TRACEFS"/kprobe_events; then
	smp_skip_all "no probe at $FUNC()"
fi
# From now on it has what it should have, also if an MTRR was taken away before
if ! smp_move "$cpu" 0 || ! smp_move "$cpu" "$SMP_STATE_ONLINE"; then
	smp_skip_all "CPU $cpu may not go"
fi
smp_setup 4
mkdir "$INSTANCE"
echo 1 >"$INSTANCE"/events/$GROUP/enable

quiet
changed
new
ktap_finished
