#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mutant - selftest of ci/mutant: its changes apply, and its table
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

check_apply() {
	try "$TOP/ci/mutant" --check
	rc_is 0
}

# A copy of the tool with a change that no kernel has room for
check_rot() {
	cp -r "$TOP/ci" "$TOP/patches" "$TOP/series" "$WORK"
	cat >"$WORK/ci/mutant.d/rotten.patch" <<-END
		Breaks: nothing
		Test: storm_all.sh
		diff --git a/kernel/cpu.c b/kernel/cpu.c
		--- a/kernel/cpu.c
		+++ b/kernel/cpu.c
		@@ -1,1 +1,1 @@
		-no such line
		+another
	END
	try "$WORK/ci/mutant" --check
	refused 1 "does not apply to the series: rotten"
}

main() {
	selftest_begin 5
	check "mutant: the last run of each mutant, and those that did not run" check_table
	check "mutant: the table is one" check_columns
	check "mutant: bad results are one line" check_bad
	check "mutant: all changes apply to the series" check_apply
	check "mutant: one that does not is named" check_rot
	selftest_end
}

main "$@"
