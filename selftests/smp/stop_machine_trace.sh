#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The stop_machine events: each CPU that goes down is one stop_machine(), and
# each other CPU tells once how long it had interrupts off.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_hotplug.sh
. "$DIR"/smp_hotplug.sh

INSTANCE=$SMP_TRACEFS/instances/smp_test

# Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	smp_move_back
	[ ! -d "$INSTANCE" ] || rmdir "$INSTANCE"
}

# Of the operations of take_cpu_down: how many there were, and how many of them
# were not told of by all CPUs but the one that went, once each
digest() {
	awk '
	!/: stop_machine_.*func=take_cpu_down / {
		next
	}
	{
		for (i = 1; i <= NF; i++) {
			if (split($i, kv, "=") == 2)
				f[kv[1]] = kv[2]
		}
	}
	/: stop_machine_begin:/ {
		split("", told)
		n = 0
		twice = 0
		begun = 1
		threads = f["threads"]
	}
	/: stop_machine_irqs_off:/ {
		match($0, /\[[0-9]+\]/)
		twice += told[substr($0, RSTART, RLENGTH)]++
		n++
		if (f["duration"] + 0 < 1)
			twice++
		if (f["duration"] + 0 > max)
			max = f["duration"] + 0
	}
	/: stop_machine_end:/ {
		ops++
		bad += !begun || twice || n != threads - 1 || f["threads"] != threads
		begun = 0
	}
	END {
		print ops + 0, bad + 0, int(max / 1000)
	}' "$INSTANCE"/trace
}

smp_need_tracefs
[ -d "$SMP_TRACEFS"/events/stop_machine ] ||
	smp_skip_all "no stop_machine events in this kernel"
smp_hotplug_setup
[ -n "$(smp_last_cpu)" ] || smp_skip_all "no CPU that can go down"
smp_setup 2

[ ! -d "$INSTANCE" ] || rmdir "$INSTANCE"
mkdir "$INSTANCE"
# In the order of what happens on different CPUs
echo global >"$INSTANCE"/trace_clock
echo 1 >"$INSTANCE"/events/stop_machine/enable
want=0
for cpu in $SMP_CAN_GO; do
	smp_move "$cpu" 0 && smp_move "$cpu" "$SMP_STATE_ONLINE" && want=$((want + 1))
done
echo 0 >"$INSTANCE"/events/stop_machine/enable

# shellcheck disable=SC2046
set -- $(digest)
ktap_print_msg "went down: $want, operations: $1, incomplete: $2, longest: $3 us"
[ "$1" = "$want" ]
smp_check $? "each CPU that goes down is one operation"
[ "$2" = 0 ]
smp_check $? "each other CPU tells once how long interrupts were off"
ktap_finished
