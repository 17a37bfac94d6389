#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Hotplug threads without memory: when an allocation fails, whichever it is, the
# registration fails and leaves nothing, and so does the bring-up of a CPU.
#
# SMP_NOMEM_EVERY  let only every Nth allocation of a bring-up fail, where time
#                  is short (default 1: all)

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_hotplug.sh
. "$DIR"/smp_hotplug.sh
# shellcheck source=smp_objects.sh
. "$DIR"/smp_objects.sh

SLAB=$SMP_DEBUGFS/failslab
PAGE=$SMP_DEBUGFS/fail_page_alloc
# Whose allocations fail
CALLER=0
KTHREADD=1
LIMIT=1000
SMP_NOMEM_EVERY=${SMP_NOMEM_EVERY:-1}
armed=
odd=0

# Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	smp_objects_cleanup
	if [ -n "$armed" ]; then
		echo "nomem_again $armed" >"$SMP_RUN"
	fi
	smp_faults_restore
}

# The module counts down to the allocation that fails, so all have to count, and
# none fails otherwise
set_faults() {
	for dir in "$SLAB" "$PAGE"; do
		for name in probability verbose min-order; do
			smp_fault_set "$dir/$name" 0
		done
		for name in ignore-gfp-wait ignore-gfp-highmem cache-filter; do
			smp_fault_set "$dir/$name" N
		done
	done
}

# register DESCRIPTION WHO
register() {
	smp_case "$1" nomem_register "$2"
	odd_now=$(smp_value odd 2>/dev/null)
	odd=$((odd + ${odd_now:-0}))
}

# one_add_cpu CPU WHO NTH - a bring-up with a failure, and one without
one_add_cpu() {
	armed=$1
	smp_step nomem_add_cpu "$1" "$2" "$3" || return 1
	left=$(smp_value left)
	odd=$((odd + $(smp_value odd)))
	error=$(smp_value error)
	if [ "$error" != 0 ]; then
		errors=$((errors + 1))
		if [ "$(smp_cpu_is_at "$1")" != 0 ]; then
			ktap_print_msg "$3: the CPU is at state $(smp_cpu_is_at "$1")"
			return 1
		fi
	fi
	armed=
	smp_step nomem_again "$1"
}

# all_add_cpu CPU WHO - the first allocation fails, then the second, and so on
all_add_cpu() {
	nth=1
	errors=0
	while [ "$nth" -le "$LIMIT" ]; do
		one_add_cpu "$1" "$2" "$nth" || return 1
		[ "$left" = 0 ] || break
		nth=$((nth + SMP_NOMEM_EVERY))
	done
	ktap_print_msg "tries=$(((nth - 1) / SMP_NOMEM_EVERY)) errors=$errors odd=$odd"
	[ "$errors" -gt 0 ] && [ "$nth" -le "$LIMIT" ]
}

# add_cpu DESCRIPTION WHO
add_cpu() {
	cpu=$(smp_last_cpu)
	if [ -z "$cpu" ]; then
		ktap_test_skip "$1: no CPU can go offline"
		return
	fi
	echo 0 >"$SMP_CPUS"/cpu"$cpu"/online
	if all_add_cpu "$cpu" "$2"; then
		ktap_test_pass "$1"
	else
		ktap_test_fail "$1"
	fi
	echo 1 >"$SMP_CPUS"/cpu"$cpu"/online
}

[ -f /proc/self/fail-nth ] || smp_skip_all "kernel without CONFIG_FAULT_INJECTION"
smp_need_debugfs
if [ ! -d "$SLAB" ] || [ ! -d "$PAGE" ]; then
	smp_skip_all "kernel without FAILSLAB, FAIL_PAGE_ALLOC and their debugfs"
fi
smp_number SMP_NOMEM_EVERY
smp_setup 6
set_faults || ktap_exit_fail_msg "fault injection cannot be set up"
smp_objects_begin '\([a-z_]*smpboot_[a-z_.0-9]*\|__kthread_create_[a-z_.0-9]*\|set_kthread_struct\)'
register "registration, allocations of the caller fail" "$CALLER"
register "registration, allocations of kthreadd fail" "$KTHREADD"
smp_objects_end "what was allocated for threads is freed"
add_cpu "bring-up, allocations of the caller fail" "$CALLER"
add_cpu "bring-up, allocations of kthreadd fail" "$KTHREADD"
if [ "$odd" = 0 ]; then
	ktap_test_pass "each of the errors is ENOMEM"
else
	ktap_print_msg "$odd errors are others"
	ktap_test_fail "each of the errors is ENOMEM"
fi
ktap_finished
