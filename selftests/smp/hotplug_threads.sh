#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Hotplug threads, those of struct smp_hotplug_thread: the callbacks of threads
# of the test module are recorded and replayed against what the core promises,
# while CPUs go and come, and while there are CPUs that never come up.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_hotplug.sh
. "$DIR"/smp_hotplug.sh
# shellcheck source=smp_objects.sh
. "$DIR"/smp_objects.sh

ORDER=$SMP_TRACEFS/instances/smp_order
# A bitmap: with all callbacks, once more, with none that is optional
SETS=7
registered=

# Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	smp_move_back
	smp_objects_cleanup
	if [ -n "$registered" ]; then
		echo threads_unregister >"$SMP_RUN"
	fi
	if [ -d "$ORDER" ]; then
		rmdir "$ORDER"
	fi
}

# The order in which the CPU itself wakes our threads
woken() {
	sed -n 's/^.*cpuhp\/.*sched_waking: comm=smp_hpt\([0-9]\).*/\1/p' "$ORDER"/trace |
		awk '!seen[$0]++' | tr '\n' ' '
}

# Park and unpark wake the thread, so this is the order of the requests; in
# which order they come true is up to the threads
requests() {
	smp_step threads_register "$SETS" || return 1
	registered=1
	smp_step threads_settle || return 1
	sleep 0.1
	echo 'comm ~ "smp_hpt*"' >"$ORDER"/events/sched/sched_waking/filter
	echo 1 >"$ORDER"/events/sched/sched_waking/enable
	echo 0 >"$SMP_CPUS"/cpu"$1"/online
	parked=$(woken)
	echo >"$ORDER"/trace
	echo 1 >"$SMP_CPUS"/cpu"$1"/online
	unparked=$(woken)
	smp_step threads_settle || return 1
	registered=
	smp_step threads_unregister
}

order() {
	if [ ! -d "$SMP_TRACEFS"/events/sched/sched_waking ]; then
		ktap_test_skip "$1: no sched_waking event"
		return
	fi
	if [ -z "$(smp_last_cpu)" ]; then
		ktap_test_skip "$1: no CPU can go offline"
		return
	fi
	mkdir "$ORDER"
	if requests "$(smp_last_cpu)"; then
		reverse=$(printf '%s' "$parked" | tr ' ' '\n' | sed '1!G;h;$!d' | tr '\n' ' ')
		ktap_print_msg "parked=$parked unparked=$unparked"
		if [ "$(printf '%s' "$parked" | wc -w)" = 3 ] && [ "$reverse" = "$unparked" ]; then
			ktap_test_pass "$1"
		else
			ktap_test_fail "$1"
		fi
	else
		ktap_test_fail "$1"
	fi
	rmdir "$ORDER"
}

smp_need_tracefs
smp_setup 11
smp_objects_begin '[a-z_]*smpboot_[a-z_.0-9]*'
smp_case "register and unregister" threads_plain
smp_case "CPUs go offline and come back" threads_hotplug
smp_case "unregister while CPUs are offline" threads_unregister_offline
smp_case "register while CPUs are offline" threads_register_offline
smp_never_up "a CPU that does not start" cpu:bringup threads_never_up
smp_never_up "a CPU that fails before the threads run" smpboot/threads:online threads_never_up
smp_never_up "a CPU that fails after the threads ran" sched:active threads_never_up
smp_objects_end "what was allocated for threads is freed"
order "threads are asked to park in the reverse order"
if grep -q ' kthread_park_wait$' /proc/kallsyms; then
	smp_case "all threads are asked to park before the first is awaited" threads_together
else
	smp_skip_tests together "threads are parked one after the other in this kernel"
fi
smp_case "register and unregister during hotplug for $SMP_STORM_SECONDS s" \
	threads_storm "$SMP_STORM_SECONDS"
ktap_finished
