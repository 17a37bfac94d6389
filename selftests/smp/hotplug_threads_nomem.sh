#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Hotplug threads without memory: whichever allocation fails, the registration fails
# with ENOMEM and leaves nothing.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh

SLAB=$SMP_DEBUGFS/failslab
PAGE=$SMP_DEBUGFS/fail_page_alloc
# Whose allocations fail
CALLER=0
KTHREADD=1

# Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	smp_faults_restore
}

# The module counts down to the allocation that fails, so all have to count, and
# none fails otherwise
set_faults() {
	for dir in "$SLAB" "$PAGE"; do
		for name in probability verbose min-order; do
			smp_fault_set "$dir/$name" 0 || return
		done
		for name in ignore-gfp-wait ignore-gfp-highmem cache-filter; do
			smp_fault_set "$dir/$name" N || return
		done
	done
}

smp_need_debugfs
for file in /proc/self/fail-nth "$SLAB"/probability "$PAGE"/probability; do
	[ -f "$file" ] || smp_skip_all "no $file"
done
smp_setup 2 storm threads
set_faults || ktap_exit_fail_msg "fault injection cannot be set up"
smp_case "registration, allocations of the caller fail" threads_nomem "$CALLER"
smp_case "registration, allocations of kthreadd fail" threads_nomem "$KTHREADD"
ktap_finished
