#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# verdicts - five tiny guests give five different verdicts on each architecture
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

# located ARCH CPUS - the hang's folder tells in which function each CPU was
located() {
	[ "$(grep -cE '^CPU [0-9]+: ' "$RESULTS/hang-$1-$2/cpus")" = "$2" ] &&
		grep -qE '^CPU [0-9]+: .*[a-z_]+\+0x' "$RESULTS/hang-$1-$2/cpus"
}

# A saved run, without the verdict, run and judged once more from its folder
repeat() {
	local arch=$1 dir=$RESULTS/pass-$1-2

	rm -f "$dir/console.log" "$dir/verdict"
	try timeout -k 5 120 "$dir/qemu-cmd" file:console.log
	try "$TOP/ci/judge" "$dir"
	check "$arch: a saved run is repeated from its folder" rc_is 0
}

main() {
	local arch

	selftest_begin 14
	for arch in $(arch_list); do
		guest "$arch" 2 pass 0 pass true
		guest "$arch" 4 fail 1 fail 'echo before the end; false'
		guest "$arch" 4 splat 3 splat \
			'echo WARNING >/sys/kernel/debug/provoke-crash/DIRECT'
		guest "$arch" 2 panic 4 panic 'echo c >/proc/sysrq-trigger'
		guest "$arch" 4 hang 5 hang 'while :; do :; done' --silence-limit 10
		check "$arch: the folder of a hang tells where the CPUs were" located "$arch" 4
		repeat "$arch"
	done
	selftest_end
}

main "$@"
