#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# full-disk - a disk without space gives one clear line, before anything starts
#
# Usage and exit codes: see ci/selftest.  Needs root for a small tmpfs.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../lib/selftest.sh
. "$(dirname "$(readlink -f "$0")")/../lib/selftest.sh"

main() {
	local disk

	selftest_begin 4
	disk=$WORK/disk
	mkdir "$disk"
	if ! mount -t tmpfs -o size=8m tmpfs "$disk" 2>"$WORK/mount"; then
		echo "# $(cat "$WORK/mount")"
		for _ in 1 2 3 4; do
			selftest_skip "no small tmpfs can be mounted here"
		done
		selftest_end
	fi
	: >"$WORK/image"
	try env RESULTS="$disk/results" "$TOP/ci/boot" x86_64 "$WORK/image"
	check "no space for results" refused 1 "not enough space in $disk/results"
	check "no guest is left" nothing_left "$disk"

	# The package cache is elsewhere than the results.
	try env XDG_CACHE_HOME="$disk" "$TOP/ci/boot" x86_64 "$WORK/image"
	check "no space for packages" refused 1 "not enough space in $disk/smp-series"
	check "no package is left" test ! -e "$disk/smp-series/dl"
	selftest_end
}

main "$@"
