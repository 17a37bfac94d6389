#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Contract of stop_machine(): on which CPUs the function runs, how often, with
# what off, and what is returned.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh

smp_setup 6 stop

smp_case "function runs once on each CPU of the mask, nowhere else" stop_masks
smp_case "CPUs that are offline are left out" stop_offline
smp_case "return value is that of a CPU that ran" stop_return
smp_case "interrupts stay away from all CPUs" stop_irqs
smp_case "all CPUs meet in one call with a result for each" stop_sync
smp_case "stop_core_cpuslocked() runs on the siblings" stop_core

ktap_finished
