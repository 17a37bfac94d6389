#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# stop_machine() neither allocates nor fails: many calls while each allocation
# of the caller and of the stopper threads fails.
#
# The failures are counted, so that also an attempt would be seen that has
# another way out when it fails.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh

SLAB=$SMP_DEBUGFS/failslab
PAGE=$SMP_DEBUGFS/fail_page_alloc
# So many that they do not run out, unlike -1 (no limit) this is counted down
TIMES=2000000000
# The filter is first in the list, so that no other task ever fails
SETTINGS="task-filter interval times space verbose ignore-gfp-wait
	ignore-gfp-highmem min-order cache-filter probability"
PART=500
marked=
calls_ok=true
slab_ok=true
page_ok=true

set_faults() {
	for dir in "$SLAB" "$PAGE"; do
		for name in $SETTINGS; do
			case "$name" in
			task-filter) value=Y ;;
			interval) value=1 ;;
			times) value=$TIMES ;;
			probability) value=100 ;;
			ignore-gfp-wait | ignore-gfp-highmem | cache-filter) value=N ;;
			*) value=0 ;;
			esac
			smp_fault_set "$dir/$name" "$value" || return 1
		done
	done
}

stoppers() {
	for comm in /proc/[0-9]*/comm; do
		case "$(cat "$comm" 2>/dev/null)" in
		migration/*) dirname "$comm" ;;
		esac
	done
}

mark_stoppers() {
	for task in $(stoppers); do
		echo 1 >"$task"/make-it-fail || return 1
		marked="$marked $task"
	done
	[ -n "$marked" ]
}

# Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	smp_faults_restore
	for task in $marked; do
		echo 0 >"$task"/make-it-fail
	done
}

# field NAME - of the lines that fault_run has printed
field() {
	printf '%s\n' "$counts" | sed -n "s/^$1 \([0-9]*\) .*/\1/p"
}

# check_tried KIND - the control has tried to allocate, nothing else
check_tried() {
	tried=$(field "tried_$1")
	denied=$(smp_value "denied_$1")
	[ -n "$tried" ] && [ "$tried" = "$denied" ] && return
	ktap_print_msg "$1: tried=$tried by_control=$denied"
	return 1
}

# skip_tests REASON - all of the plan, and end
skip_tests() {
	for name in calls objects pages; do
		ktap_test_skip "$name: $1"
	done
	ktap_finished
}

# some_calls N - verdicts go to calls_ok, slab_ok and page_ok
some_calls() {
	if ! counts=$("$DIR"/fault_run stop_noalloc "$1" 2>&1); then
		ktap_print_msg "$counts"
		calls_ok=false
	else
		first=$(sed -n 1p "$SMP_RESULT")
		case "$first" in
		ok) ;;
		"skip "*) skip_tests "${first#skip }" ;;
		*)
			ktap_print_msg "${first#not ok }"
			calls_ok=false
			;;
		esac
	fi
	check_tried slab || slab_ok=false
	check_tried page || page_ok=false
}

# all_calls - in parts: a slow machine is busy with them for minutes, and what
# is not heard from for that long is taken for dead
all_calls() {
	made=0
	while [ "$made" -lt "$SMP_STOP_CALLS" ]; do
		part=$((SMP_STOP_CALLS - made))
		[ "$part" -le "$PART" ] || part=$PART
		some_calls "$part"
		made=$((made + part))
		ktap_print_msg "calls=$made tried_slab=$(field tried_slab)" \
			"tried_page=$(field tried_page)"
		if ! "$calls_ok" || ! "$slab_ok" || ! "$page_ok"; then
			break
		fi
	done
}

[ -f /proc/self/make-it-fail ] || smp_skip_all "kernel without CONFIG_FAULT_INJECTION"
smp_setup 3 stop
if [ ! -d "$SLAB" ] || [ ! -d "$PAGE" ]; then
	skip_tests "kernel without FAILSLAB, FAIL_PAGE_ALLOC and their debugfs"
fi
set_faults || ktap_exit_fail_msg "fault injection cannot be set up"
mark_stoppers || ktap_exit_fail_msg "the stopper threads cannot be marked"

all_calls
ktap_test_result "$SMP_STOP_CALLS calls succeed with all allocations failing" "$calls_ok"
ktap_test_result "no attempt to allocate an object but that of the control" "$slab_ok"
ktap_test_result "no attempt to allocate a page but that of the control" "$page_ok"
ktap_finished
