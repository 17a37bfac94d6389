# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# demo.sh - how long the steps of ci/demo take, and which tests it runs where
#
# Usage: source it after common.sh, linux.sh and test.sh
#
# How long a step took is kept in $CACHE/demo.seconds: lines "STEP SECONDS".

DEMO_SECONDS=$CACHE/demo.seconds
# What a step takes that was never done here, on 2 slow CPUs, in seconds.  The
# second kernel of an architecture is incremental.
declare -A DEMO_GUESS=([source]=300 [tree]=30 [build-base]=1200 [build-series]=420
	[test-base]=40 [test-series]=30 [figures]=110)
# What is there already
DEMO_THERE=5

# step_seconds STEP KIND - how long it will take, and how that is known
step_seconds() {
	local last=

	[ ! -f "$DEMO_SECONDS" ] ||
		last=$(sed -n "s/^$1 \([0-9][0-9]*\)\$/\1/p" "$DEMO_SECONDS" | tail -n 1)
	if [ -n "$last" ]; then
		echo "$last last time"
	else
		echo "${DEMO_GUESS[$2]} estimate"
	fi
}

# step_took STEP SECONDS - remember it; a failure to do so costs nothing
#
# Not of a kernel that turned out to be there.
step_took() {
	local rest

	case "$1" in
	build-*) [ "$2" -ge 20 ] || return 0 ;;
	esac

	mkdir -p "$CACHE" 2>/dev/null || return 0
	rest=$(grep -v "^$1 " "$DEMO_SECONDS" 2>/dev/null) || :
	if printf '%s\n' ${rest:+"$rest"} "$1 $2" >"$DEMO_SECONDS.part" 2>/dev/null; then
		mv "$DEMO_SECONDS.part" "$DEMO_SECONDS"
	fi
}

# kernel_there ARCH base|series - is this kernel built already
#
# As far as one can tell at a glance: not if something that goes into it is newer.
kernel_there() {
	local hash=none id

	: "${DEMO_HASH:=$(series_hash)}"
	[ "$2" = base ] || hash=$DEMO_HASH
	for id in "$CACHE/kernels/$1-base-$2-"*/id; do
		if grep -qs " series $hash $1 base " "$id" && [ -z "$(find "$TOP/selftests" \
			"$TOP/config" "$TOP/ci/build" "$TOP/ci/lib/kernel.sh" \
			"$TOP/ci/bench.d/module" -newer "$id" 2>/dev/null)" ]; then
			return
		fi
	done
	return 1
}

# duration SECONDS - for people
duration() {
	if [ "$1" -ge 90 ]; then
		echo "$((($1 + 30) / 60)) min"
	else
		echo "$1 s"
	fi
}

# plan_line TEXT SECONDS HOW - one line of the plan; adds to PLAN_TOTAL
plan_line() {
	PLAN_TOTAL=$((PLAN_TOTAL + $2))
	[ "$3" != estimate ] || PLAN_GUESSED=1
	printf '    %-44s %8s  %s\n' "$1" "$(duration "$2")" "$3"
}

# plan ARCHS PAIRS - what will be done and how long that takes
#
# PAIRS=0: no figures.  DEMO_TESTS has the output of demo_tests per architecture.
plan() {
	local archs=$1 pairs=$2 arch which seconds how
	local PLAN_TOTAL=0 PLAN_GUESSED=

	echo "What will be done:"
	if linux_tree_there; then
		plan_line "the kernel source, the series on it" "$DEMO_THERE" "there already"
	else
		read -r seconds how <<<"$(step_seconds source source)"
		plan_line "fetch the kernel source" "$seconds" "$how"
		read -r seconds how <<<"$(step_seconds tree tree)"
		plan_line "apply the series" "$seconds" "$how"
	fi
	for arch in $archs; do
		for which in base series; do
			if kernel_there "$arch" "$which"; then
				seconds=$DEMO_THERE how="there already"
			else
				read -r seconds how <<<"$(step_seconds "build-$arch-$which" "build-$which")"
			fi
			plan_line "build $arch $(kernel_name "$which")" "$seconds" "$how"
		done
	done
	for arch in $archs; do
		for which in base series; do
			read -r seconds how <<<"$(step_seconds "test-$arch-$which" "test-$which")"
			[ "$how" != estimate ] ||
				seconds=$((seconds * $(wc -l <<<"${DEMO_TESTS[$arch]}")))
			plan_line "tests on $arch $(kernel_name "$which")" "$seconds" "$how"
		done
	done
	for arch in $archs; do
		[ "$pairs" -gt 0 ] || break
		read -r seconds how <<<"$(step_seconds "figures-$arch" figures)"
		plan_line "figures on $arch, $pairs boot(s) of each kernel" \
			"$((seconds * pairs))" "$how"
	done
	echo "Together about $(duration "$PLAN_TOTAL")${PLAN_GUESSED:+ (the estimates are for 2 slow CPUs)}."
}

# kernel_name base|series - as a reader knows it
kernel_name() {
	[ "$1" = base ] && echo mainline || echo patched
}

# linux_tree_there - is the tree of this series there
linux_tree_there() {
	[ -z "${LINUX:-}" ] &&
		linux_series_known "$CACHE/linux/$(linux_id_debian "$(series_field TESTED)")" \
			>/dev/null 2>&1
}

# demo_kind ARCH TEST - the guest that a test wants: "default" or one of test.d
demo_kind() {
	# shellcheck disable=SC2034 # set by the file
	local file GUEST_TESTS GUEST_OPTIONS GUEST_TABLE

	for file in "$TOP/ci/test.d/$1"-*; do
		[ -f "$file" ] || continue
		# shellcheck disable=SC1090
		OUT='' . "$file"
		case " $GUEST_TESTS " in
		*" -t $2 "*) echo "${file##*/"$1"-}"; return ;;
		esac
	done
	echo default
}

# demo_tests ARCH - lines "KIND TEST together|alone"
#
# Those that mainline fails or does not survive, and those that want a guest of
# their own.  Without the tests that the architecture can only skip.
demo_tests() {
	local arch=$1 test kind how alone

	alone=" $(left_out "$arch" mainline)"
	for test in $(ksft_names); do
		kind=$(demo_kind "$arch" "$test")
		how=together
		case "$alone" in
		*" -S $test "*) how=alone ;;
		*)
			if [ "$kind" = default ] && ! must_fail "$arch mainline" "${test/:/: }"; then
				continue
			fi ;;
		esac
		if [ "$kind" = default ] && only_skips "$arch" "$test"; then
			continue
		fi
		echo "$kind $test $how"
	done
}

# only_skips ARCH TEST - is it expected that the guests of ARCH skip this test
only_skips() {
	[ -z "$(unexpected_skips "$1 base" <(echo "ok 1 - ${2/:/: } # SKIP"))" ]
}

# ksft_names - the kselftests of this repository, as the runner names them
ksft_names() {
	local dir

	for dir in "$TOP"/selftests/*/; do
		dir=${dir%/}
		sed -n '/^TEST_PROGS *[:+]*=/,/[^\\]$/p' "$dir/Makefile" | tr -s ' \t' '\n' |
			sed -n "s/^[^ ]*\.sh\$/${dir##*/}:&/p"
	done
}
