#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kselftest-run - the kernel's own test runner works in the guests
#
# A small collection with the runner of the kernel tree: its exit status, its
# nested output and the verdict over each, in the guest of each architecture.
# "unfinished" ends with 0 before its plan is complete, which the runner calls
# a pass.
#
# Usage and exit codes: see ci/selftest

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../lib/selftest.sh
. "$(dirname "$(readlink -f "$0")")/../lib/selftest.sh"

# collection DIR - an installed collection with four tests
collection() {
	local dir=$1 tree name

	tree=$(linux_tree)/tools/testing/selftests
	mkdir -p "$dir/mini"
	cp -r "$tree/kselftest" "$tree/run_kselftest.sh" "$dir/"
	for name in good skipped bad unfinished; do
		cat >"$dir/mini/$name.sh" <<-'END'
			#!/bin/sh
			. ../kselftest/ktap_helpers.sh
			ktap_print_header
		END
		echo "mini:$name.sh" >>"$dir/kselftest-list.txt"
	done
	echo 'ktap_set_plan 2; ktap_test_pass one; ktap_test_skip two; ktap_finished' \
		>>"$dir/mini/good.sh"
	echo 'ktap_skip_all "nothing to test here"; exit 4' >>"$dir/mini/skipped.sh"
	echo 'ktap_set_plan 1; ktap_test_fail one; ktap_finished' >>"$dir/mini/bad.sh"
	echo 'ktap_set_plan 2; ktap_test_pass one' >>"$dir/mini/unfinished.sh"
	chmod +x "$dir"/mini/*.sh
}

run() {
	local arch=$1 tests=$2

	try "$TOP/ci/boot" "$arch" "$(kernel_of "$arch")" --smp 2 --expect-ktap \
		--payload "$WORK/collection" -- \
		"/payload/collection/run_kselftest.sh $tests"
}

said() {
	rc_is "$1" && printf '%s\n' "$STDERR" | grep -qF -- "$2"
}

main() {
	local arch

	selftest_begin 8
	collection "$WORK/collection"
	for arch in $(arch_list); do
		run "$arch" "-t mini:good.sh -t mini:skipped.sh"
		check "$arch: tests pass" said 0 "1 passed, 0 failed, 2 skipped"
		run "$arch" "-t mini:bad.sh"
		check "$arch: a test fails" said 1 "KTAP: failed: not ok 1 one"
		run "$arch" "-t mini:unfinished.sh"
		check "$arch: a test stops early" said 1 "KTAP: plan of 2, 1 results, level 2"
		run "$arch" "-t mini:nonesuch.sh"
		check "$arch: no test was run" said 1 "KTAP: no KTAP output"
	done
	selftest_end
}

main "$@"
