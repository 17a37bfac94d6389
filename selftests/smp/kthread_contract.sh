#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What kthread_create() promises and what the functions that stop, park and
# bind a kthread do, also when its CPU never comes up, and whoever asks for it.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_hotplug.sh
. "$DIR"/smp_hotplug.sh
# shellcheck source=smp_objects.sh
. "$DIR"/smp_objects.sh

# Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	smp_move_back
	smp_objects_cleanup
}

# The writer is killed by the test
killed() {
	sh -c "echo kthread_killed >$SMP_RUN" 2>/dev/null
	smp_verdict "$1"
}

# environment DESCRIPTION [OPTION]
environment() {
	if smp_error=$("$DIR"/kthread_env ${2:+"$2"} 2>&1); then
		smp_verdict "$1"
	else
		ktap_print_msg "$smp_error"
		ktap_test_fail "$1"
	fi
}

smp_need_tracefs
smp_setup 12
smp_objects_begin '\(__kthread_create_[a-z_.0-9]*\|set_kthread_struct\)'
smp_case "stop before the first run" kthread_stop_first
smp_case "park before the first run" kthread_park_first
smp_case "park, unpark and stop" kthread_cycle
smp_case "stop after the end" kthread_ended
killed "the caller is killed"
smp_never_up "a CPU that does not start" cpu:bringup kthread_never_up
smp_never_up "a CPU that fails early" smpboot/threads:online kthread_never_up
smp_never_up "a CPU that fails late" sched:active kthread_never_up
environment "from a strange environment"
environment "from a strange environment, kthreadd in another scheduling class" -p
smp_objects_end "what was allocated for kthreads is freed"
smp_case "the preferred CPU goes offline and comes back" kthread_preferred
ktap_finished
