#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bad-input - boot, kexec and judge refuse nonsense with one line and change nothing
#
# Usage and exit codes: see ci/selftest

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../lib/selftest.sh
. "$(dirname "$(readlink -f "$0")")/../lib/selftest.sh"

refuses() {
	local words=$1
	shift

	try "$@"
	check "refused: $words" refused 2 "$words"
}

main() {
	local image

	selftest_begin 14
	image=$WORK/image
	: >"$image"
	cd "$TOP"
	refuses "unknown architecture 'riscv64' (have: s390x x86_64)" ci/boot riscv64 "$image"
	refuses "unknown architecture '../x86_64'" ci/boot ../x86_64 "$image"
	refuses "wants an architecture and a kernel" ci/boot x86_64
	refuses "no kernel '/nowhere'" ci/boot x86_64 /nowhere
	refuses "no kernel in" ci/boot x86_64 "$WORK"
	refuses "--smp wants a number above 0" ci/boot x86_64 "$image" --smp none
	refuses "unknown option '--cpus'" ci/boot x86_64 "$image" --cpus 4
	refuses "s390x guests have one thread per core" ci/boot s390x "$image" --threads 2
	refuses "--smp 5 is no multiple of --threads 2" \
		ci/boot x86_64 "$image" --smp 5 --threads 2
	refuses "no folder '/nowhere'" ci/boot x86_64 "$image" --payload /nowhere
	refuses "--accel wants" ci/boot x86_64 "$image" --accel magic
	refuses "no target 'nothing'; there are: arm64 powerpc" ci/kexec nothing
	refuses "wants one result folder or console" ci/judge
	check "nothing was written" test ! -e "$RESULTS"
	selftest_end
}

main "$@"
