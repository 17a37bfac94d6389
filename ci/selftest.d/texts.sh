#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# texts - selftest of ci/texts: on this repository, and on one with mistakes
#
# Usage and exit codes: see ci/selftest

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../lib/selftest.sh
. "$(dirname "$(readlink -f "$0")")/../lib/selftest.sh"

# toy - a repository with one patch, one test and one mutant
toy() {
	T=$WORK/toy
	rm -rf "$T"
	mkdir -p "$T/ci/mutant.d" "$T/Documentation" "$T/selftests/smp" "$T/patches/one"
	printf 'Subject: [PATCH 1/2] one: Do what nobody else\n does (yet)\n\n' >"$T/patches/one/a.patch"
	echo "one/a.patch" >"$T/series"
	printf 'TEST_PROGS := \\\n\ta.sh \\\n\tb.sh\nTEST_FILES := lib.sh\n' >"$T/selftests/smp/Makefile"
	printf 'Breaks: it\nTest: a.sh\n' >"$T/ci/mutant.d/a-gone.patch"
	printf '.\tb.sh\t"Do what nobody ..."\n' >"$T/ci/fail.expected"
	printf '%s\n' "    topic  patches  what" "    -----  -------  ----" "    one    1        it" "" >"$T/README"
	printf '%s\n' "Topics" "======" "" "one" "---" "" "one: Do what nobody else does (yet)" \
		"  because it is good" >"$T/Documentation/topics.rst"
	printf '%s\n' "===== ==== ======" "who   test mutant" "===== ==== ======" \
		"it    a.sh a-gone" "more  b.sh" "===== ==== ======" >"$T/Documentation/contract.rst"
	printf '%s\n' "====== ====" "mutant what" "====== ====" "a-gone it" "====== ====" \
		>"$T/Documentation/mutants.rst"
}

texts() {
	try "$TOP/ci/texts" --top "$T"
}

# says LINE - this mistake, and no other
says() {
	texts
	if rc_is 1 && [ "$STDOUT" = "$1" ]; then
		return
	fi
	echo "# said: $STDOUT"
	return 1
}

check_right() {
	toy
	texts
	rc_is 0 && [ "$STDOUT" = "1 patches in 1 topics, 2 tests, 1 mutants" ]
}

check_topics() {
	toy
	sed -i 's/nobody/anybody/' "$T/Documentation/topics.rst"
	says "topics.rst: one: no line for: one: Do what nobody else does (yet)
topics.rst: one: not in the series: one: Do what anybody else does (yet)" || return 1
	toy
	sed -i '/because/d' "$T/Documentation/topics.rst"
	says "topics.rst: one: no line for: one: Do what nobody else does (yet)"
}

check_readme() {
	toy
	sed -i 's/one    1/one    2/' "$T/README"
	says "README: one has 1 patches, the table says 2" || return 1
	sed -i '/topic/d' "$T/README"
	says "README: 0 tables of topics"
}

check_contract() {
	toy
	sed -i 's/^more  b.sh/more  c.sh/' "$T/Documentation/contract.rst"
	says "contract.rst: 'more': no test c.sh
contract.rst: no row names the test b.sh" || return 1
	toy
	sed -i 's/ a-gone//; s/b.sh/b.sh a-gone/' "$T/Documentation/contract.rst"
	says "contract.rst: 'more': a-gone is noticed by a.sh" || return 1
	toy
	sed -i 's/^more/    /' "$T/Documentation/contract.rst"
	texts
	rc_is 0
}

check_mutants() {
	toy
	rm "$T/ci/mutant.d/a-gone.patch"
	says "contract.rst: 'it': no mutant a-gone
mutants.rst: there is no mutant a-gone" || return 1
	toy
	printf 'Test: cpu-hotplug:x.sh\n' >"$T/ci/mutant.d/new.patch"
	says "contract.rst: no row names the mutant new
ci/mutant.d/new.patch: no test 'x.sh'
mutants.rst: no row for new" || return 1
	toy
	rm "$T/Documentation/mutants.rst"
	says "mutants.rst: missing, make it with ci/mutant --table"
}

check_lists() {
	toy
	printf '.\tsmp:x.sh\t"Undo it"\n' >"$T/ci/x.leave-out"
	says 'x.leave-out:1: no patch "Undo it"
x.leave-out:1: no test smp:x.sh' || return 1
	toy
	printf '.\t(a|c).sh|no reason\twhy\n' >>"$T/ci/fail.expected"
	says 'fail.expected:2: no test matches c.sh'
}

check_usage() {
	toy
	try "$TOP/ci/texts" --top /nowhere
	refused 2 "no folder '/nowhere'" || return 1
	rm "$T/patches/one/a.patch"
	texts
	refused 1 "no patch" || return 1
	toy
	rm "$T/Documentation/topics.rst"
	texts
	refused 1 "cannot read $T/Documentation/topics.rst"
}

# What this repository says, in the output if it is wrong
check_here() {
	try "$TOP/ci/texts"
	rc_is 0 || { sed 's/^/# /' "$WORK/stdout"; return 1; }
}

main() {
	selftest_begin 8
	check "texts: a repository without a mistake" check_right
	check "texts: each patch has its line" check_topics
	check "texts: the table of topics counts" check_readme
	check "texts: the contract names tests and mutants that exist" check_contract
	check "texts: each mutant is in the contract" check_mutants
	check "texts: the lists of expectations name what is there" check_lists
	check "texts: bad input is one line" check_usage
	check "texts: this repository" check_here
	selftest_end
}

main "$@"
