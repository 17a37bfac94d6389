# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# test.sh - what ci/test expects of a guest, as the lists beside it say
#
# Usage: source it after common.sh.

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
