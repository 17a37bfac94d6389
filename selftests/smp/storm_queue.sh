#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Storm of smp_queue_function_single(): one producer, two, and one per CPU (16 at
# most) for the same targets, with interrupts on and off, first on CPUs that stay
# and then on CPUs that come and go. No run is lost or doubled, and each accepted
# call is seen, in the strict storms before its producer makes the next one.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh

smp_need_function smp_queue_function_single
smp_setup 8
# There are eight cases
seconds=$(((SMP_STORM_SECONDS + 1) / 2))
for hotplug in 0 1; do
	with=
	[ $hotplug = 0 ] || with=", CPUs come and go"
	smp_case "one producer$with" storm_queue "$seconds" 1 0 $hotplug
	smp_case "a producer per CPU$with" storm_queue "$seconds" 0 0 $hotplug
	smp_figure "storm_queue_calls_$hotplug" "$(smp_value queue_calls)" count
	smp_case "each call is seen, two producers$with" \
		storm_queue "$seconds" 2 1 $hotplug
	smp_case "each call is seen, one per CPU$with" \
		storm_queue "$seconds" 0 1 $hotplug
done
ktap_finished
