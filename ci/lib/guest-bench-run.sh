#!/bin/sh
# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0
#
# guest-bench-run.sh - run figure files inside the guest
#
# Usage: BENCH_QUICK=0|1 sh guest-bench-run.sh FILE...
#
# Runs every FILE in a subshell and prints its lines:
#   FIGURE-RUN file             it starts
#   FIGURE name value unit
#   FIGURE-SKIP file reason
#   FIGURE-FAIL file reason
#   FIGURE-TIME file seconds
#   FIGURE-CLOCK ns             at the start and at the end
#   FIGURES-END count           the number of FIGURE lines, for the host to check
# Exit codes: 0 all ran or were skipped, 1 a file failed, 2 bad usage.

HERE=$(dirname "$0")
# shellcheck source-path=SCRIPTDIR source=guest-bench.sh
. "$HERE/guest-bench.sh"

prepare() {
	local module=/payload/bench-module/smp_bench.ko

	mkdir -p "$WORK"
	[ -d /sys/kernel/debug/tracing ] || [ -e /sys/kernel/debug/sched ] ||
		mount -t debugfs none /sys/kernel/debug
	[ -d "$TRACING/events" ] || mount -t tracefs none "$TRACING"
	if [ ! -f "$SMP_BENCH/run" ] && [ -f "$module" ]; then
		insmod "$module" || return 1
	fi
	[ -r /proc/timer_list ]
}

# clock - for the host, which compares it with its own
clock() {
	read_now
	echo "FIGURE-CLOCK $NOW"
}

run_one() {
	local file=$1 rc=0 begin took

	FIGURE_FILE=$(basename "$file" .sh)
	echo "FIGURE-RUN $FIGURE_FILE"
	read_now
	begin=$NOW
	# The subshell keeps a skip, a failure or a variable inside
	# shellcheck disable=SC1090
	(. "$file") >"$WORK/out" 2>&1 || rc=$?
	read_now
	took=$(((NOW - begin) / 1000000000))
	cat "$WORK/out"
	count=$((count + $(grep -c '^FIGURE ' "$WORK/out")))
	case "$rc" in
	0|4) ;;
	*)
		grep -q '^FIGURE-FAIL ' "$WORK/out" ||
			echo "FIGURE-FAIL $FIGURE_FILE status $rc"
		failed=1
		;;
	esac
	echo "FIGURE-TIME $FIGURE_FILE $took"
}

main() {
	local file failed=0 count=0

	if [ "$#" -eq 0 ]; then
		echo "usage: guest-bench-run.sh FILE..." >&2
		exit 2
	fi
	prepare || fail "cannot prepare the guest"
	clock
	for file; do
		run_one "$file"
	done
	clock
	echo "FIGURES-END $count"
	return "$failed"
}

FIGURE_FILE=guest
main "$@"
