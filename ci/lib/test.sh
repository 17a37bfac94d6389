# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# test.sh - what ci/test runs in a guest and expects of it, as the lists beside it
# say
#
# Usage: source it after common.sh

# Those that can be done with one CPU
# shellcheck disable=SC2034 # used by ci/test
ONE_CPU_TESTS="-t smp:hotplug_threads.sh -t smp:kthread_contract.sh \
-t smp:queue_contract.sh -t smp:stop_machine_contract.sh -t smp:stop_machine_kunit.sh \
-t cpu-hotplug:cpu-on-off-test.sh"

# must_fail LABEL TEST - true for a test that fail.expected lists
must_fail() {
	awk -F '\t+' -v label="$1" -v name="$2" '
		/^#/ || !NF { next }
		label ~ $1 && name ~ $2 { found = 1 }
		END { exit !found }' "$TOP/ci/fail.expected"
}

# unexpected_skips LABEL KTAP - skipped tests and subtests that nobody expects
unexpected_skips() {
	local label=$1 log=$2

	sed -nE 's/^(# )*ok [0-9]+ *-? *(.*# SKIP.*)$/\2/p' "$log" |
		awk -F '\t+' -v label="$label" -v list="$TOP/ci/skip.expected" '
		BEGIN {
			while ((getline line < list) > 0) {
				split(line, f, /\t+/)
				if (line !~ /^#/ && line != "" && label ~ f[1])
					expected[f[2]]
			}
		}
		{
			for (e in expected)
				if ($0 ~ e)
					next
			print
		}'
}

# left_out ARCH VARIANT - how to tell the runner what not to run there
left_out() {
	local list=$TOP/ci/$2.leave-out

	[ -f "$list" ] || return 0
	[ "$2" != debug ] || [ -z "${ALL:-}" ] || return 0
	awk -F '\t+' -v arch="$1" '
		/^#/ || !NF { next }
		arch ~ $1 { printf "-S %s ", $2 }' "$list"
}

# every VARIANT - how to tell the tests to make a choice where time is short
every() {
	case "$1${ALL:+ all}" in
	debug|debian) echo CPUHP_EVERY=32 ;;
	debug*|debian*|rt*) echo CPUHP_EVERY=4 ;;
	esac
}

# run_all CALLS ARG... - the command that runs kselftests
#
# Ten thousand calls take minutes where the host has fewer CPUs than the guest,
# so that many are for a guest of their own with two CPUs.
run_all() {
	local calls=$1
	shift

	echo "SMP_STORM_SECONDS=${SMP_STORM_SECONDS:-5} SMP_STOP_CALLS=$calls" \
		"/kselftest/run_kselftest.sh $*"
}
