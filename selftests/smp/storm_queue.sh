#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Storm of smp_call_function_single_async(): one producer, two, and one per CPU (16
# at most) for the same targets, with interrupts on and off, first on CPUs that
# stay and then on CPUs that come and go. No run is lost or doubled, and each
# accepted call is seen, in the strict storms before its producer makes the next
# one. Calls to a CPU that is offline are all refused.
#
# SMP_STORM_UNSAFE=1  also on a kernel where callers have to be serialized, which
#                     may hang

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh

smp_setup 9 storm queue
unsafe=${SMP_STORM_UNSAFE:-0}
# There are nine cases
seconds=$(((SMP_STORM_SECONDS + 1) / 2))
for hotplug in 0 1; do
	with=
	[ $hotplug = 0 ] || with=", CPUs come and go"
	smp_case "one producer$with" storm_queue "$seconds" 1 0 $hotplug "$unsafe"
	smp_case "a producer per CPU$with" storm_queue "$seconds" 0 0 $hotplug "$unsafe"
	smp_case "each call is seen, two producers$with" \
		storm_queue "$seconds" 2 1 $hotplug "$unsafe"
	smp_case "each call is seen, one per CPU$with" \
		storm_queue "$seconds" 0 1 $hotplug "$unsafe"
done
smp_case "a producer per CPU, the CPU is offline" \
	storm_queue "$seconds" 0 0 2 "$unsafe"
ktap_finished
