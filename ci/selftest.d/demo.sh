#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# demo - selftest of ci/demo, with stubs for all that it calls
#
# Usage and exit codes: see ci/selftest

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../lib/selftest.sh
. "$(dirname "$(readlink -f "$0")")/../lib/selftest.sh"

# stub NAME COMMANDS - a command that notes its call and runs COMMANDS
stub() {
	cat >"$WORK/ci/$1" <<-END
		#!/bin/bash
		echo "$1 \$*" >>"$WORK/calls"
		$2
	END
	chmod +x "$WORK/ci/$1"
}

stubs() {
	local name

	rm -rf "$WORK/ci"
	mkdir "$WORK/ci"
	for name in setup source tree build; do
		stub "$name" "exit 0"
	done
	stub bench "echo table; exit 0"
}

# demo ARG... - status in RC, calls in $WORK/calls
demo() {
	: >"$WORK/calls"
	try env COMMANDS="$WORK/ci" "$TOP/ci/demo" --results "$WORK/r" "$@"
}

check_order() {
	stubs
	demo --quick
	rc_is 0 || return 1
	sed "s, --results $WORK/r/demo,," "$WORK/calls" >"$WORK/got"
	diff -u - "$WORK/got" <<-END
		setup --yes
		source 
		tree 
		build x86_64 base base
		build x86_64 base series
		build s390x base base
		build s390x base series
		bench --arch x86_64 --smp 16 --pairs 1 --quick --storm 10/x86_64 base series
		bench --arch s390x --smp 8 --pairs 1 --quick --storm 10/s390x base series
	END
}

check_result_names_doubt() {
	grep -q "from 1 boot(s)" "$WORK/stdout" && grep -q "ci/bench base series" "$WORK/stdout" &&
		grep -q "every guest passed" "$WORK/stdout"
}

# Both architectures are still measured when the first has a failed guest
check_failed_guest() {
	stubs
	# shellcheck disable=SC2016 # the stub expands it
	stub bench 'echo "table $2"; [ "$2" = s390x ]'
	demo
	rc_is 1 && grep -qx "table s390x" "$WORK/stdout" &&
		grep -q "NOT every guest passed on: x86_64$" "$WORK/stdout"
}

check_failed_step() {
	local step

	for step in setup source tree build; do
		stubs
		stub "$step" "exit 1"
		demo
		rc_is 1 || return 1
		! grep -q "^bench" "$WORK/calls" || return 1
	done
}

check_usage() {
	local args

	stubs
	rm -rf "$WORK/r"
	for args in "x" "--pairs 0" "--pairs" "--nope"; do
		# shellcheck disable=SC2086 # a list of arguments
		demo $args
		refused 2 "" && [ ! -s "$WORK/calls" ] && [ ! -e "$WORK/r" ] || return 1
	done
}

# A signal ends what the demo has started
check_signal() {
	local pid n

	stubs
	stub bench 'echo $$ >'"$WORK"'/child; trap "exit 1" TERM; sleep 60 & wait'
	rm -f "$WORK/child"
	COMMANDS=$WORK/ci "$TOP/ci/demo" --results "$WORK/r" >"$WORK/stdout" 2>"$WORK/stderr" </dev/null &
	pid=$!
	for n in {1..100}; do
		[ ! -s "$WORK/child" ] || break
		sleep 0.1
	done
	kill -TERM "$pid"
	RC=0
	wait "$pid" || RC=$?
	[ "$RC" -ne 0 ] && [ "$n" -lt 100 ] && ! kill -0 "$(cat "$WORK/child")" 2>/dev/null &&
		grep -q interrupted "$WORK/stderr"
}

main() {
	selftest_begin 6
	check "demo: every step in order" check_order
	check "demo: the result says how little one boot proves" check_result_names_doubt
	check "demo: a failed guest fails the demo and names the architecture" check_failed_guest
	check "demo: a failed step ends the demo" check_failed_step
	check "demo: bad usage is one line and changes nothing" check_usage
	check "demo: a signal leaves nothing behind" check_signal
	selftest_end
}

main "$@"
