#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# model - selftest of ci/model, with models that were made up
#
# Usage and exit codes: see ci/selftest

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../lib/selftest.sh
. "$(dirname "$(readlink -f "$0")")/../lib/selftest.sh"

# model VALUE TWIN - VALUE is what x must not be; the twin makes it 1
model() {
	cat >"$WORK/m.pml" <<-END
	/*
	 * Twin: ${2:-ONE}
	 */
	byte x;
	active proctype p()
	{
	#ifdef ONE
		x = 1
	#endif
		assert(x != $1)
	}
	END
	sed -i 's/x = 1$/x = 1;/' "$WORK/m.pml"
	try "$TOP/ci/model" "$WORK/m.pml"
}

says() {
	grep -q "^$1" "$WORK/stdout" || { sed 's/^/# /' "$WORK/stdout"; return 1; }
}

check_good() {
	model 1
	rc_is 0 && says 'ok 1 m: .* states, no error' && says 'ok 2 m ONE: refuted' && says '1\.\.2'
}

check_error() {
	model 0
	rc_is 1 && says 'not ok 1 m: 1'
}

check_twin() {
	model 1 OTHER
	rc_is 1 && says 'ok 1 m: ' && says 'not ok 2 m OTHER: 0, an error was expected'
}

# What the model before has left must not be searched again
check_syntax() {
	model 'what'
	rc_is 1 && says 'not ok 1 m: no answer' && says 'not ok 2 m ONE: no answer'
}

check_usage() {
	try "$TOP/ci/model" /nowhere.pml
	refused 2 "no model '/nowhere.pml'" || return 1
	try "$TOP/ci/model" --nonsense
	refused 2 "unknown option '--nonsense'"
}

main() {
	selftest_begin 5
	check "model: a model without an error, a twin with one" check_good
	check "model: a model with an error" check_error
	check "model: a twin without an error" check_twin
	check "model: a model that is none" check_syntax
	check "model: bad usage" check_usage
	selftest_end
}

main "$@"
