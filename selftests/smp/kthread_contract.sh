#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What kthread_create() promises and what the functions that stop, park and bind a
# kthread do, also when its CPU never comes up, and whoever asks for it.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_hotplug.sh
. "$DIR"/smp_hotplug.sh

# The writer is killed by the test
killed() {
	sh -c "echo kthread_killed >$SMP_RUN" 2>/dev/null
	smp_verdict "$1"
}

smp_setup 8 storm kthread
smp_case "stop before the first run" kthread_stop_first
smp_case "park before the first run" kthread_park_first
smp_case "park, unpark and stop" kthread_cycle
killed "the caller is killed"
smp_never_up "a CPU that does not start" cpu:bringup kthread_never_up
smp_never_up "a CPU that fails late" sched:active kthread_never_up
smp_case "from a strange environment" kthread_env
smp_case "kthreads during hotplug for $SMP_STORM_SECONDS s" kthread_storm "$SMP_STORM_SECONDS"
ktap_finished
