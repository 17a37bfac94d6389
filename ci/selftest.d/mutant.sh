#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mutant - selftest of the table that ci/mutant makes of its runs
#
# Usage and exit codes: see ci/selftest

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../lib/selftest.sh
. "$(dirname "$(readlink -f "$0")")/../lib/selftest.sh"

# run NAME LINE... - a results folder
run() {
	mkdir -p "$WORK/$1"
	printf '%s\n' "${@:2}" | tr '|' '\t' >"$WORK/$1/mutants.tsv"
}

check_table() {
	local first second

	first=$("$TOP/ci/mutant" --list | sed -n '1s/ .*//p')
	second=$("$TOP/ci/mutant" --list | sed -n '2s/ .*//p')
	run one "$first|a thing|a.sh|x86_64|base|missed|0123456789ab" \
		"$second|another|b.sh|s390x|debug|noticed|0123456789ab" \
		"gone|no more|c.sh|x86_64|base|noticed|0123456789ab"
	run two "$first|a thing|a.sh|x86_64|base|noticed|ba9876543210"
	try "$TOP/ci/mutant" --table "$WORK/one" "$WORK/two"
	rc_is 0 && grep -qE "^$first +a thing +a.sh +x86_64 +noticed +ba9876543210$" "$WORK/stdout" &&
		grep -qE "^$second +another +b.sh +s390x debug +noticed +0123456789ab$" "$WORK/stdout" &&
		! grep -q ^gone "$WORK/stdout" && grep -qE '^[^ ]+ .* +not run +-$' "$WORK/stdout"
}

# Every cell begins below its column
check_columns() {
	local rule widths

	rule=$(grep -m 1 '^===* =' "$WORK/stdout")
	widths=$(tr ' ' '\n' <<<"$rule" | wc -l)
	[ "$(grep -cxF -- "$rule" "$WORK/stdout")" = 3 ] && [ "$widths" = 6 ]
}

check_bad() {
	try "$TOP/ci/mutant" --table "$WORK/nowhere"
	refused 2 "no folder '$WORK/nowhere'" || return 1
	mkdir -p "$WORK/empty"
	try "$TOP/ci/mutant" --table "$WORK/empty"
	refused 1 "no mutants.tsv" || return 1
	run bad "half|a line"
	try "$TOP/ci/mutant" --table "$WORK/bad"
	refused 1 "a line without 7 fields"
}

main() {
	selftest_begin 3
	check "mutant: the last run of each mutant, and those that did not run" check_table
	check "mutant: the table is one" check_columns
	check "mutant: bad results are one line" check_bad
	selftest_end
}

main "$@"
