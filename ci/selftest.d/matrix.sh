#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# matrix - selftest of ci/matrix, with consoles that were made up
#
# Usage and exit codes: see ci/selftest

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../lib/selftest.sh
. "$(dirname "$(readlink -f "$0")")/../lib/selftest.sh"

# guest FOLDER WHICH SERIES VERDICT LINE... - what ci/boot leaves of a guest
guest() {
	local dir=$WORK/run/$1 which=$2 series=$3 verdict=$4
	shift 4

	mkdir -p "$dir"
	echo "$which c0ffee series $series $(basename "${dir%%-*}") base gcc" >"$dir/series-hash"
	printf '%s\n' "$verdict" "a reason" >"$dir/verdict"
	: >"$dir/splats"
	printf '[   12.345678] %s\r\n' "$@" >"$dir/console.log"
}

matrix() {
	try "$TOP/ci/matrix" "$@"
}

has_line() {
	grep -qxE -- "$1" "$WORK/stdout" || { sed 's/^/# /' "$WORK/stdout"; return 1; }
}

runs() {
	rm -rf "$WORK/run"
	guest x86_64-mainline-x86_64-4 base none fail \
		"# selftests: smp: good.sh" "ok 1 selftests: smp: good.sh" \
		"# selftests: smp: bad.sh" "not ok 2 selftests: smp: bad.sh # exit=1" \
		"# selftests: smp: new.sh" "ok 3 selftests: smp: new.sh # SKIP"
	guest x86_64-warn-x86_64-4 base none splat \
		"# selftests: smp: warn.sh" "WARNING: CPU: 1 PID: 2" "ok 1 selftests: smp: warn.sh" \
		"# selftests: smp: good.sh" "ok 2 selftests: smp: good.sh"
	echo "2: WARNING: CPU: 1 PID: 2" >"$WORK/run/x86_64-warn-x86_64-4/splats"
	guest x86_64-die-x86_64-4 base none panic "# selftests: smp: die.sh"
	guest x86_64-hang-x86_64-4 base none hang "# selftests: smp: hang.sh"
	guest x86_64-lost-x86_64-4 base none harness-error "# selftests: smp: lost.sh"
	guest x86_64-base-x86_64-4 series abc pass \
		"# selftests: smp: bad.sh" "ok 1 selftests: smp: bad.sh" \
		"# selftests: smp: new.sh" "ok 2 selftests: smp: new.sh" \
		"# selftests: smp: good.sh" "ok 3 selftests: smp: good.sh # SKIP"
	guest x86_64-debug-x86_64-4 series abc fail "# selftests: smp: good.sh" \
		"not ok 1 selftests: smp: good.sh # exit=1"
	guest x86_64-debug-again-1-x86_64-4 series abc pass "# selftests: smp: good.sh" \
		"ok 1 selftests: smp: good.sh" "# selftests: smp: new.sh" \
		"ok 2 selftests: smp: new.sh # SKIP"
	guest s390x-base-s390x-4 series abc pass "# selftests: smp: bad.sh" \
		"ok 1 selftests: smp: bad.sh"
}

check_words() {
	runs
	matrix "$WORK/run"
	rc_is 0 && has_line 'test +x86_64 mainline +x86_64 patched +s390x mainline +s390x patched' &&
		has_line 'bad.sh +FAIL +ok +- +ok' && has_line 'warn.sh +warns +- +- +-' &&
		has_line 'die.sh +dies +- +- +-' && has_line 'hang.sh +hangs +- +- +-' &&
		has_line 'new.sh +skip +ok +- +-' && ! grep -q lost "$WORK/stdout"
}

# The guest that was repeated does not count, nor a skip where another guest ran it
check_repeated() {
	has_line 'good.sh +ok +ok +- +-'
}

check_order() {
	[ "$(sed -n '3,8s/\.sh.*//p' "$WORK/stdout" | xargs)" = "bad die hang warn good new" ]
}

check_counts() {
	has_line 'x86_64 mainline: 1 skip, 1 ok, 1 FAIL, 1 warns, 1 hangs, 1 dies' &&
		has_line 'x86_64 patched: 3 ok' && has_line 's390x mainline: nothing was run' && has_line 'base c0ffee, series abc'
}

check_formats() {
	matrix --format md "$WORK/run"
	rc_is 0 && has_line '\| bad.sh \| FAIL \| ok \| - \| ok \|' || return 1
	matrix --format rst "$WORK/run"
	rc_is 0 && [ "$(grep -c '^====' "$WORK/stdout")" = 3 ]
}

# Into a text, twice: nothing around it changes
check_into() {
	printf '%s\n' "before" "" "    test   x mainline" "    -----  ---" "    old" "" \
		"    test   y mainline" "after" >"$WORK/text"
	matrix --into "$WORK/text" "$WORK/run"
	rc_is 0 || return 1
	cp "$WORK/text" "$WORK/once"
	matrix --into "$WORK/text" "$WORK/run"
	diff "$WORK/once" "$WORK/text" && grep -q '^    bad.sh ' "$WORK/text" &&
		! grep -q old "$WORK/text" && [ "$(sed -n '1p;$p' "$WORK/text" | xargs)" = "before after" ]
}

check_bad_into() {
	echo "no table" >"$WORK/text"
	matrix --into "$WORK/text" "$WORK/run"
	refused 1 "has 0 tables" && [ "$(cat "$WORK/text")" = "no table" ]
}

check_mixed() {
	guest x86_64-other-x86_64-4 series def pass "# selftests: smp: bad.sh"
	matrix "$WORK/run"
	refused 1 "are of different kernels (patched): abc, def"
}

# The newest of ci/test; that of ci/demo only if it is of the same series
check_newest() {
	local results=$WORK/cache/smp-series/results

	runs
	mkdir -p "$results"
	rm -rf "${results:?}"/*
	mv "$WORK/run" "$results/20260102T000000Z-1-test"
	guest x86_64-new-x86_64-4 series abc pass "# selftests: smp: demo.sh" \
		"ok 1 selftests: smp: demo.sh"
	mv "$WORK/run" "$results/20260103T000000Z-1-demo"
	guest x86_64-old-x86_64-4 series def pass "# selftests: smp: old.sh" \
		"ok 1 selftests: smp: old.sh"
	mv "$WORK/run" "$results/20260101T000000Z-1-test"
	try env XDG_CACHE_HOME="$WORK/cache" "$TOP/ci/matrix"
	rc_is 0 && has_line 'demo.sh +- +ok.*' && has_line 'bad.sh .*' &&
		! grep -q old.sh "$WORK/stdout" || return 1
	sed -i 's/abc/def/' "$results"/*-demo/*/series-hash
	try env XDG_CACHE_HOME="$WORK/cache" "$TOP/ci/matrix"
	rc_is 0 && grep -q "of another series, left out: .*-demo" "$WORK/stderr" &&
		has_line 'bad.sh .*' && ! grep -q demo.sh "$WORK/stdout"
}

check_usage() {
	matrix /nowhere
	refused 2 "no folder '/nowhere'" || return 1
	mkdir -p "$WORK/empty"
	matrix "$WORK/empty"
	refused 1 "no guest with a console" || return 1
	runs
	matrix --format html "$WORK/run"
	refused 2 "html" || return 1
	try env XDG_CACHE_HOME="$WORK/empty" "$TOP/ci/matrix"
	refused 1 "no results of ci/test or ci/demo"
}

main() {
	selftest_begin 10
	check "matrix: a word for each way a test can end" check_words
	check "matrix: a repeated guest replaces the first, a run counts more than a skip" check_repeated
	check "matrix: what mainline does not pass comes first" check_order
	check "matrix: counts, and what the kernels were" check_counts
	check "matrix: Markdown and reStructuredText" check_formats
	check "matrix: --into replaces the table and nothing else" check_into
	check "matrix: a text without a table stays as it is" check_bad_into
	check "matrix: results of two series are refused" check_mixed
	check "matrix: the newest results, if nothing is named" check_newest
	check "matrix: bad input is one line" check_usage
	selftest_end
}

main "$@"
