#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# demo - selftest of ci/demo, with stubs for all that it calls
#
# Usage and exit codes: see ci/selftest

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../lib/selftest.sh
. "$(dirname "$(readlink -f "$0")")/../lib/selftest.sh"

FIGURES=stop_latency,stop_irqsoff,offon_counts,set_offon,smt_offon,offon_single,ipi

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

	rm -rf "$WORK/ci" "$WORK/r"
	mkdir "$WORK/ci"
	for name in setup source tree matrix report; do
		stub "$name" "exit 0"
	done
	# shellcheck disable=SC2016 # the stubs expand it
	stub build 'echo "/kernel/$1-$3"'
	# shellcheck disable=SC2016
	stub boot 'mkdir -p "$RESULTS/guest"; echo "$RESULTS/guest"'
	# shellcheck disable=SC2016
	stub bench 'while [ "$1" != --results ]; do shift; done; mkdir -p "$2/bench"
		touch "$2/bench/figures.csv"'
}

# demo ARG... - status in RC, calls in $WORK/calls; what it remembers is in a cache
# of its own
demo() {
	: >"$WORK/calls"
	try env COMMANDS="$WORK/ci" XDG_CACHE_HOME="$WORK/cache" "$TOP/ci/demo" \
		--results "$WORK/r" "$@"
}

# boots KERNEL - the tests that were booted with it, a guest a line
boots() {
	sed -n "s/^boot [a-z0-9_]* \/kernel\/$1 .*run_kselftest.sh *//p" "$WORK/calls"
}

check_order() {
	stubs
	demo --pairs 2
	rc_is 0 || return 1
	sed "s,$WORK/r/demo,OUT,; s/^boot \([^ ]* [^ ]*\) .*/boot \1/" "$WORK/calls" |
		uniq >"$WORK/got"
	diff -u - "$WORK/got" <<-END
		setup --yes
		source 
		tree 
		build x86_64 base base
		build x86_64 base series
		build s390x base base
		build s390x base series
		boot x86_64 /kernel/x86_64-base
		boot x86_64 /kernel/x86_64-series
		boot s390x /kernel/s390x-base
		boot s390x /kernel/s390x-series
		bench --arch x86_64 --smp 8 --pairs 2 --quick --figures $FIGURES --results OUT/x86_64 base series
		bench --arch s390x --smp 8 --pairs 2 --quick --figures $FIGURES --results OUT/s390x base series
		matrix --why OUT
		report --summary OUT/x86_64/bench
		report --summary OUT/s390x/bench
	END
}

# What takes mainline down has a guest of its own there, and only there; both
# kernels run the same tests
check_tests() {
	local arch alone

	for arch in x86_64 s390x; do
		alone=$(sed -n 's/^[^ ]* \(.*\) alone$/-t \1/p' "$WORK/r/demo/$arch.tests")
		[ -n "$alone" ] || return 1
		diff <(echo "$alone" | sort) \
			<(boots "$arch-base" | grep -xF -e "$alone" | sort) &&
			! boots "$arch-base" | grep -vxF -e "$alone" | grep -qF -e "$alone" &&
			diff <(boots "$arch-base" | xargs -n 2 | sort) \
				<(boots "$arch-series" | xargs -n 2 | sort) || return 1
	done
}

# The plan comes first and names how it knows; the second time it remembers
check_plan() {
	stubs
	rm -rf "$WORK/cache"
	demo --plan
	rc_is 0 && [ ! -s "$WORK/calls" ] && [ ! -e "$WORK/r" ] || return 1
	grep -q "build x86_64 mainline .*20 min  estimate" "$WORK/stdout" &&
		grep -q "^Together about [0-9]* min (the estimates" "$WORK/stdout" || return 1
	demo --pairs 1
	demo --plan --pairs 1
	grep -q "tests on x86_64 mainline .*  last time" "$WORK/stdout" &&
		grep -q "figures on s390x, 1 boot(s) .* last time" "$WORK/stdout" || return 1
	echo "build-x86_64-base a lot" >"$WORK/cache/smp-series/demo.seconds"
	demo --plan
	grep -q "build x86_64 mainline .*20 min  estimate" "$WORK/stdout"
}

check_quick() {
	stubs
	demo --quick
	rc_is 0 && grep -q ^boot "$WORK/calls" && ! grep -q ^bench "$WORK/calls" &&
		grep -q "every guest with the series passed" "$WORK/stdout"
}

# That mainline fails is the point; that the series does is a failure, and what comes
# after it is still done
check_failed_guest() {
	stubs
	# shellcheck disable=SC2016 # the stub expands it
	stub boot 'mkdir -p "$RESULTS/guest"; echo "$RESULTS/guest"
		case "$2" in *-base) exit 4 ;; esac'
	demo --quick
	rc_is 0 || return 1
	# shellcheck disable=SC2016
	stub boot 'case "$2" in */x86_64-series) exit 1 ;; esac'
	demo --pairs 1
	rc_is 1 && grep -q "^bench --arch s390x" "$WORK/calls" &&
		grep -q "NOT every guest passed on: x86_64$" "$WORK/stdout"
}

# A guest that dies in its first test: the others run in another one, in order
check_rest() {
	local first

	stubs
	# shellcheck disable=SC2016 # the stub expands it
	stub boot 'mkdir -p "$RESULTS/guest"
		: >"$RESULTS/guest/console.log"
		for test in $(echo "${@: -1}" | grep -o "[a-z-]*:[^ ]*sh"); do
			[ "$test" = smp:hotplug_threads.sh ] && echo "$RESULTS/guest" && exit 4
			echo "ok 1 selftests: ${test/:/: }" >>"$RESULTS/guest/console.log"
		done
		echo "$RESULTS/guest"'
	demo --quick
	rc_is 1 || return 1
	first=$(boots s390x-series | sed -n '1s/.*-t smp:hotplug_threads.sh *//p')
	[ -n "$first" ] && [ "$(boots s390x-series | sed -n 2p)" = "$first" ] &&
		[ "$(boots s390x-series | wc -l)" = 2 ] &&
		grep -q "NOT every guest passed on: s390x x86_64$" "$WORK/stdout"
}

check_failed_bench() {
	stubs
	stub bench "exit 1"
	demo --pairs 1
	rc_is 1 && [ "$(grep -c ^bench "$WORK/calls")" = 2 ] && grep -q ^matrix "$WORK/calls" &&
		! grep -q ^report "$WORK/calls"
}

check_failed_step() {
	local step

	for step in setup source tree build; do
		stubs
		stub "$step" "exit 1"
		demo
		rc_is 1 || return 1
		! grep -qE "^(boot|bench)" "$WORK/calls" || return 1
	done
}

check_usage() {
	local args

	stubs
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
	stub boot 'echo $$ >'"$WORK"'/child; trap "exit 1" TERM; sleep 60 & wait'
	rm -f "$WORK/child"
	COMMANDS=$WORK/ci XDG_CACHE_HOME=$WORK/cache "$TOP/ci/demo" --results "$WORK/r" >"$WORK/stdout" 2>"$WORK/stderr" </dev/null &
	pid=$!
	for n in {1..400}; do
		[ ! -s "$WORK/child" ] || break
		sleep 0.1
	done
	kill -TERM "$pid"
	RC=0
	wait "$pid" || RC=$?
	[ "$RC" -ne 0 ] && [ "$n" -lt 400 ] && ! kill -0 "$(cat "$WORK/child")" 2>/dev/null &&
		grep -q interrupted "$WORK/stderr"
}

main() {
	selftest_begin 10
	check "demo: every step in order" check_order
	check "demo: what takes mainline down runs alone, both kernels run the same" check_tests
	check "demo: the plan says how long it takes, and learns" check_plan
	check "demo: --quick measures nothing" check_quick
	check "demo: a guest that fails with the series fails the demo" check_failed_guest
	check "demo: what a guest did not get to runs in another one" check_rest
	check "demo: figures that fail fail the demo, the tests are shown" check_failed_bench
	check "demo: a failed step ends the demo" check_failed_step
	check "demo: bad usage is one line and changes nothing" check_usage
	check "demo: a signal leaves nothing behind" check_signal
	selftest_end
}

main "$@"
