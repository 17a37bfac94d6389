#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Hotplug threads, those of struct smp_hotplug_thread: the core calls what it
# promises to call, in that order, while CPUs go and come, and while there are CPUs
# that never come up.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_hotplug.sh
. "$DIR"/smp_hotplug.sh

smp_setup 7 storm threads
smp_case "register and unregister" threads_plain
smp_case "CPUs go offline and come back" threads_hotplug
smp_case "unregister and register while CPUs are offline" threads_offline
smp_never_up "a CPU that does not start" cpu:bringup threads_never_up
smp_never_up "a CPU that fails before the threads run" smpboot/threads:online threads_never_up
smp_never_up "a CPU that fails after the threads ran" sched:active threads_never_up
smp_case "register and unregister during hotplug for $SMP_STORM_SECONDS s" \
	threads_storm "$SMP_STORM_SECONDS"
ktap_finished
