# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# test-guest.sh - the guests of ci/test: boot them and take over their results
#
# Usage: source it after common.sh, test.sh, guest.sh and debian.sh.  Uses result,
# results_of, OUT and COMMANDS of ci/test.

# How often a guest that died of a known fault of the emulator is repeated. Of
# 96 guests of s390x 9 did, 7 of them among 21 of mainline, three in a row.
MAX_REPEATS=4

# boot_guest LABEL ARGUMENTS - ci/boot, sets BOOT_DIR
#
# The runner shows what a test printed when the test is over, so silence says
# nothing before that.
boot_guest() {
	local name=${1// /-} label=$1 rc=0
	shift

	RESULTS=$OUT step_run "$label" "$OUT/$name.log" "$COMMANDS/boot" "$1" "$2" \
		--name "$name" --silence-limit 420 --total-limit 1800 "${@:3}" || rc=$?
	BOOT_DIR=$(tail -n 1 "$OUT/$name.log")
	return "$rc"
}

# guest LABEL ARCH KERNEL CPUS COMMAND [OPTION]... - run kselftests, take their
# results
#
# The options are for ci/boot; without any, the guest has SMT where there is any.
guest() {
	local label=$1 arch=$2 kernel=$3 cpus=$4 command=$5 rc=0 again=0 dir skip
	shift 5

	arch_load "$arch"
	if [ $# -eq 0 ] && [ "$HAS_SMT" = 1 ]; then
		set -- --threads 2
	fi
	boot_guest "$label" "$arch" "$kernel" --smp "$cpus" "$@" -- "$command" || rc=$?
	while [ "$again" -lt "$MAX_REPEATS" ] && emulator_trouble "$BOOT_DIR"; do
		again=$((again + 1))
		echo "# $label: flaky, repeated ($again of $MAX_REPEATS), that run in $BOOT_DIR"
		rc=0
		boot_guest "$label again $again" "$arch" "$kernel" --smp "$cpus" \
			"$@" -- "$command" || rc=$?
	done
	dir=$BOOT_DIR
	if [ ! -f "$dir/console.log" ]; then
		result "not ok" "$label" "no console, see $OUT/${label// /-}.log"
		return
	fi
	sed -E 's/^\[ *[0-9]+\.[0-9]+\] //' "$dir/console.log" | tr -d '\r' >"$dir/ktap.log"
	# Results of single tests; KUnit and their own points lie deeper.
	sed -n '/^SMPCI: start/,$p' "$dir/ktap.log" >"$dir/kselftest.log"
	results_of "$label" "$dir/kselftest.log"
	while read -r skip; do
		result "not ok" "$label: unexpected skip" "$skip"
	done < <(unexpected_skips "$label" "$dir/kselftest.log")
	if [ "$rc" -eq 0 ] || [ "$rc$FAILED_AS_EXPECTED" = 11 ]; then
		result ok "$label: verdict"
	else
		result "not ok" "$label: verdict" "$(paste -sd: "$dir/verdict"), in $dir"
	fi
}

# collections ARCH VARIANT KERNEL - in guests of their own, which die and are repeated
# alone if the emulator fails
collections() {
	local left_out

	left_out=$(left_out "$1" "$2")
	guest "$1 $2" "$1" "$3" 4 "$(every "$2") $(run_all 500 -c smp "$left_out")"
	# Where the tests are left out, so is the guest for them
	case "$left_out" in
	*cpu-hotplug:cpuhp-states-test.sh*) return ;;
	esac
	guest "$1 $2 states" "$1" "$3" 4 \
		"$(every "$2") $(run_all 500 -c cpu-hotplug "$left_out")"
}

# guest_load ARCH NAME - set GUEST_OPTIONS and GUEST_TESTS from a file of test.d
guest_load() {
	GUEST_TABLE=
	# shellcheck disable=SC1090
	. "$TOP/ci/test.d/$1-$2" || return 1
	[ -n "$GUEST_TABLE" ] || return 0
	iasl -p "$OUT/$GUEST_TABLE" "$TOP/ci/test.d/$GUEST_TABLE.dsl" \
		>"$OUT/$GUEST_TABLE.log" 2>&1 && return
	echo "$CMD_NAME: iasl fails, see $OUT/$GUEST_TABLE.log" >&2
	return 1
}

# special_guests ARCH KERNEL - the guests of test.d, for tests that want others
special_guests() {
	local file name GUEST_TABLE GUEST_OPTIONS GUEST_TESTS

	for file in "$TOP/ci/test.d/$1"-*; do
		[ -f "$file" ] || continue
		name=${file##*/"$1"-}
		if guest_load "$1" "$name"; then
			guest "$1 $name" "$1" "$2" 4 "$(run_all 500 "$GUEST_TESTS")" \
				"${GUEST_OPTIONS[@]}"
		else
			result "not ok" "$1 $name" "the guest cannot be set up"
		fi
	done
}

# debian_guest ARCH KERNEL - the kselftests on a Debian root file system
debian_guest() {
	local root options=()

	arch_load "$1"
	if ! root=$(debian_root); then
		result "not ok" "$1 debian" "no root file system"
		return
	fi
	options=(--payload "$TOP/ci/guest" --payload "$root")
	[ "$HAS_SMT" = 0 ] || options+=(--threads 2)
	guest "$1 debian" "$1" "$2" 4 \
		"sh /payload/guest/debian-run '$(every debian) $(run_all 500)'" "${options[@]}"
}
