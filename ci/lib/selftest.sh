# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# selftest.sh - what the files in selftest.d share
#
# Usage: source it, then
#   selftest_begin N          the plan; WORK is then an empty folder
#   try CMD...                run CMD; sets RC, STDOUT and STDERR
#   check DESC CMD...         a test point, passed when CMD succeeds
#   selftest_skip DESC        a test point that cannot be tested here
#   kernel_of ARCH            print the folder of a base kernel
#   one_line WORDS            STDERR is one line that contains WORDS
#   selftest_end              totals and exit status
# The points are printed by the kernel's own ktap_helpers.sh.

# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/common.sh"

WORK=
# For the files in selftest.d
# shellcheck disable=SC2034
RC=0 STDOUT='' STDERR=''

# shellcheck disable=SC2317 # called by a trap
selftest_cleanup() {
	local mount

	[ -n "$WORK" ] || return 0
	while read -r mount; do
		umount "$mount"
	done < <(awk -v w="$WORK/" 'index($2, w) == 1 { print $2 }' /proc/mounts)
	rm -rf "$WORK"
}

selftest_begin() {
	local tree

	tree=$(linux_tree)
	[ -n "$tree" ] || die "no kernel tree with ktap_helpers.sh: run ci/source or set LINUX_TREE"
	# shellcheck source=/dev/null
	. "$tree/tools/testing/selftests/kselftest/ktap_helpers.sh"
	trap selftest_cleanup EXIT
	trap 'exit 1' INT TERM HUP
	WORK=$(mktemp -d)
	# Not among the results of real runs
	export RESULTS=$WORK/results
	ktap_print_header
	ktap_set_plan "$1"
}

try() {
	RC=0
	"$@" >"$WORK/stdout" 2>"$WORK/stderr" </dev/null || RC=$?
	# shellcheck disable=SC2034
	STDOUT=$(cat "$WORK/stdout")
	STDERR=$(cat "$WORK/stderr")
}

# check DESC CMD... - on failure also tell what the last command said
check() {
	local desc=$1
	shift

	if "$@"; then
		ktap_test_pass "$desc"
	else
		echo "# status $RC, expected: $*"
		printf '%s\n' "$STDERR" | tail -n 5 | sed 's/^/# stderr: /'
		ktap_test_fail "$desc"
	fi
}

selftest_skip() {
	ktap_test_skip "$1"
}

# rc_is N - the status of the last command
rc_is() {
	[ "$RC" -eq "$1" ]
}

one_line() {
	[ "$(printf '%s\n' "$STDERR" | wc -l)" -eq 1 ] &&
		printf '%s\n' "$STDERR" | grep -qF -- "$1"
}

# refused STATUS WORDS - the last command ended so, with one line about WORDS
refused() {
	rc_is "$1" && one_line "$2"
}

# nothing_left DIR - no process works in DIR
nothing_left() {
	! find /proc/[0-9]*/cwd -maxdepth 0 -lname "$1*" 2>/dev/null | grep -q .
}

kernel_of() {
	local given=SELFTEST_KERNEL_$1

	if [ -n "${!given:-}" ]; then
		echo "${!given}"
	else
		"$TOP/ci/build" "$1" base | tail -n 1
	fi
}

selftest_end() {
	ktap_finished
}

# within SECONDS CMD... - wait until CMD succeeds
within() {
	local n=$(($1 * 10))
	shift

	until "$@"; do
		n=$((n - 1))
		[ "$n" -gt 0 ] || return 1
		sleep 0.1
	done
}
