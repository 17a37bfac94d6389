#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# judge - saved consoles get the verdicts written beside them
#
# Each folder in selftest.d/judge is a case: console.log; expected, with the
# verdict and words of its reason; if present status and qemu.log, as ci/boot
# leaves them; args for ci/judge; and lists in judge.d that take the place of
# the real ones (NAME.missing takes one away).  A case whose name does not
# begin with "harness" and which has no status is judged as a bare console.
#
# Usage and exit codes: see ci/selftest

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../lib/selftest.sh
. "$(dirname "$(readlink -f "$0")")/../lib/selftest.sh"

CASES=$TOP/ci/selftest.d/judge

said() {
	case "$STDOUT" in
	"verdict: $1 ("*"$2"*) return 0 ;;
	*) echo "# $STDOUT"; return 1 ;;
	esac
}

run_case() {
	local name=$1 dir=$WORK/$1 what args=() f

	cp -r "$CASES/$name" "$dir"
	cp -r "$TOP/ci/judge.d" "$WORK/lists"
	for f in "$dir"/judge.d/*; do
		case "$f" in
		*.missing) rm "$WORK/lists/$(basename "$f" .missing)" ;;
		*/\*) ;;
		*) cp "$f" "$WORK/lists/" ;;
		esac
	done
	[ ! -f "$dir/args" ] || read -ra args <"$dir/args"
	what=$dir
	[ -f "$dir/status" ] || [ "${name#harness}" != "$name" ] || what=$dir/console.log
	try env JUDGE_D="$WORK/lists" "$TOP/ci/judge" ${args[@]+"${args[@]}"} "$what"
	check "$name" said "$(sed -n 1p "$dir/expected")" "$(sed -n 2p "$dir/expected")"
	rm -rf "$WORK/lists"
}

# junit_valid - a run with KTAP leaves a file that other tools can read
junit_valid() {
	python3 -c 'import sys, xml.etree.ElementTree as e
cases = e.parse(sys.argv[1]).findall(".//testcase")
sys.exit(len(cases) < 3)' "$WORK/pass-ktap/junit.xml"
}

main() {
	local names

	mapfile -t names < <(ls "$CASES")
	selftest_begin $((${#names[@]} + 2))
	for name in "${names[@]}"; do
		run_case "$name"
	done
	check "the JUnit file names the tests" junit_valid
	try env CACHE= XDG_CACHE_HOME="$WORK/none" LINUX_TREE= \
		"$TOP/ci/judge" "$CASES/pass-ktap/console.log"
	check "KTAP without a kernel tree for its parser" \
		said harness-error "no kernel tree for kunit.py"
	selftest_end
}

main "$@"
