#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# verdicts - five tiny guests give five different verdicts on each architecture,
# an idle one passes, and one whose emulator stands still hangs
#
# The warning comes from lkdtm, so that no test code is needed in the kernel.
# It also sets a taint flag; the verdict must name the splat nevertheless.
#
# Usage and exit codes: see ci/selftest

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../lib/selftest.sh
. "$(dirname "$(readlink -f "$0")")/../lib/selftest.sh"

# guest ARCH CPUS NAME STATUS VERDICT COMMAND [OPTION...]
guest() {
	local arch=$1 cpus=$2 name=$3 status=$4 verdict=$5 command=$6
	shift 6

	try "$TOP/ci/boot" "$arch" "$(kernel_of "$arch")" --smp "$cpus" \
		--name "$name" "$@" -- "$command"
	check "$arch: $name gives $verdict" verdict_is "$status" "$verdict"
}

verdict_is() {
	rc_is "$1" && [ "$(sed -n 1p "$STDOUT/verdict")" = "$2" ]
}

# located ARCH CPUS - the hang's folder tells in which function each CPU was, in
# three looks, and that some did not wait
located() {
	[ "$(grep -cE '^CPU [0-9]+: [^,]+, [^,]+, [^,]+$' "$RESULTS/hang-$1-$2/cpus")" = "$2" ] &&
		grep -qE '^CPU [0-9]+: .*[a-z_]+\+0x' "$RESULTS/hang-$1-$2/cpus" &&
		grep -qE '^silence-limit, not waiting:( [0-9]){1,3}$' "$RESULTS/hang-$1-$2/cpus"
}

# A saved run, without the verdict, run and judged once more from its folder
repeat() {
	local arch=$1 dir=$RESULTS/pass-$1-2

	rm -f "$dir/console.log" "$dir/verdict"
	try timeout -k 5 120 "$dir/qemu-cmd" file:console.log
	try "$TOP/ci/judge" "$dir"
	check "$arch: a saved run is repeated from its folder" rc_is 0
}

# stopped ARCH - an emulator that stands still is a hang long before the limits
stopped() {
	local arch=$1 boot pid n=60

	STANDSTILL=5 "$TOP/ci/boot" "$arch" "$(kernel_of "$arch")" --smp 2 \
		--name "stopped-$arch" -- 'sleep 300' >"$WORK/stopped" 2>&1 &
	boot=$!
	while [ "$n" -gt 0 ] && ! grep -qs 'SMPCI: start' \
		"$RESULTS/"*"stopped-$arch"*/console.log; do
		n=$((n - 1))
		sleep 1
	done
	pid=$(pgrep -P "$boot" -f qemu-system) || pid=
	[ -z "$pid" ] || kill -STOP "$pid"
	RC=0
	wait "$boot" || RC=$?
	STDERR=$(cat "$WORK/stopped")
	[ -n "$pid" ] && rc_is 5 &&
		grep -q 'ended-by standstill' "$RESULTS/"*"stopped-$arch"*/status
}

main() {
	local arch

	selftest_begin 18
	for arch in $(arch_list); do
		guest "$arch" 2 pass 0 pass true
		guest "$arch" 4 fail 1 fail 'echo before the end; false'
		guest "$arch" 4 splat 3 splat \
			'echo WARNING >/sys/kernel/debug/provoke-crash/DIRECT'
		guest "$arch" 2 panic 4 panic 'echo c >/proc/sysrq-trigger'
		guest "$arch" 4 hang 5 hang 'while :; do :; done' --silence-limit 5
		check "$arch: the folder of a hang tells where the CPUs were" located "$arch" 4
		repeat "$arch"
		STANDSTILL=5 guest "$arch" 2 idle 0 pass 'sleep 8'
		check "$arch: an emulator that stands still is a hang" stopped "$arch"
	done
	selftest_end
}

main "$@"
