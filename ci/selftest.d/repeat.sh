#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# repeat - ci/test repeats a guest that died of a known fault of the emulator
#
# The guests are played by a stub: the lines of WORK/deaths are how the next
# ones die, those after them pass.
#
# Usage and exit codes: see ci/selftest

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../lib/selftest.sh
. "$(dirname "$(readlink -f "$0")")/../lib/selftest.sh"

stubs() {
	mkdir "$WORK/ci"
	cat >"$WORK/ci/build" <<-'END'
		#!/bin/bash
		echo /nonexistent
	END
	cat >"$WORK/ci/boot" <<-END
		#!/bin/bash
		set -eu
		dir=\$RESULTS/guest-\$1-\$(date +%N)
		mkdir -p "\$dir"
		echo "SMPCI: start" >"\$dir/console.log"
		echo "boot \$1" >>"$WORK/calls"
		death=\$(sed -n 1p "$WORK/deaths")
		sed -i 1d "$WORK/deaths"
		case "\$death" in
		"") printf '%s\n' "TAP version 13" 1..1 "ok 1 selftests: smp: x.sh" >>"\$dir/console.log" ;;
		*) echo "\$death" >>"\$dir/console.log" ;;
		esac
		echo "\$dir"
		[ -z "\$death" ] || { echo panic >"\$dir/verdict"; exit 4; }
	END
	chmod +x "$WORK"/ci/*
}

# mainline DEATH... - the stage with two guests per architecture
mainline() {
	: >"$WORK/calls"
	[ $# -eq 0 ] || printf '%s\n' "$@" >"$WORK/deaths"
	[ $# -ne 0 ] || : >"$WORK/deaths"
	try env COMMANDS="$WORK/ci" "$TOP/ci/test" --only mainline
}

# ended STATUS LINE GUESTS - how ci/test ended, and how many guests there were
ended() {
	rc_is "$1" && [ "$(tail -n 1 "$WORK/stdout")" = "$2" ] &&
		[ "$(wc -l <"$WORK/calls")" -eq "$3" ]
}

main() {
	local i oops=()

	for i in 1 2 3 4 5; do
		oops+=("Oops: int3: 0000 [#$i] SMP")
	done
	selftest_begin 6
	stubs
	mainline
	check "no death, no repetition" ended 0 "10 passed, 0 failed, 0 skipped" 4
	mainline "Oops: int3: 0000 [#1] SMP"
	check "a known fault: repeated" ended 0 "10 passed, 0 failed, 0 skipped" 5
	check "... and said" grep -q "^# s390x mainline: flaky, repeated (1 of 4)" "$WORK/stdout"
	mainline "${oops[@]:0:4}"
	check "... four times" ended 0 "10 passed, 0 failed, 0 skipped" 8
	mainline "${oops[@]}"
	check "... but not more often" ended 1 "8 passed, 2 failed, 0 skipped" 8
	mainline "Oops: 0002 [#1] SMP"
	check "another death is not repeated" ended 1 "8 passed, 2 failed, 0 skipped" 4
	selftest_end
}

main "$@"
