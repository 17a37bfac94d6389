#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Contract of stop_machine(): on which CPUs the function runs, how often, with
# what off, and what is returned.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh

smp_setup 13

smp_case "function runs once on a single CPU" stop_single
smp_case "function runs once on each of several CPUs" stop_several
smp_case "function runs once on each of all CPUs" stop_all
smp_case "function runs on exactly one CPU without a mask" stop_null
smp_case "empty mask runs nothing and returns 0" stop_empty
smp_case "CPUs that are offline are left out" stop_offline
smp_case "return value is that of a CPU that ran" stop_return
smp_case "calls, timers stay away from all CPUs" stop_irqs
smp_case "threads stay away from all CPUs" stop_threads
smp_case "concurrent callers come one after the other" stop_serial
smp_case "all CPUs meet in one call with a result for each" stop_sync
smp_case "stop_core_cpuslocked() runs on the siblings" stop_core
smp_case "masks and CPUs that come and go" stop_hotplug 3

ktap_finished
