#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# interrupt - a boot that is interrupted, and emulators that do not end
#
# Usage and exit codes: see ci/selftest

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../lib/selftest.sh
. "$(dirname "$(readlink -f "$0")")/../lib/selftest.sh"

gone() {
	! kill -0 "$1" 2>/dev/null
}

# interrupted ARCH TARGET - SIGINT to the script, or to its group as Ctrl-C
interrupted() {
	local arch=$1 target=$2 dir=$RESULTS/int-$1-2 pid kernel

	kernel=$(kernel_of "$arch")
	# A shell starts background jobs with SIGINT ignored.
	setsid env --default-signal=INT "$TOP/ci/boot" "$arch" "$kernel" --smp 2 \
		--name int -- 'while :; do :; done' >"$WORK/stdout" 2>"$WORK/stderr" &
	pid=$!
	if ! within 90 grep -qs 'SMPCI: start' "$dir/console.log"; then
		echo "# $arch: no start, the end of the console:"
		tail -n 5 "$dir/console.log" "$WORK/stderr" | sed 's/^/# /'
	fi
	case "$target" in
	group) kill -INT -- "-$pid" || echo "# $arch: it has ended already" ;;
	*) kill -INT "$pid" || echo "# $arch: it has ended already" ;;
	esac
	within 20 gone "$pid" || kill -KILL -- "-$pid"
	RC=0
	wait "$pid" || RC=$?
	STDERR=$(cat "$WORK/stderr")
	check "$arch: SIGINT to the $target: one line" refused 1 "interrupted by SIGINT"
	check "$arch: no process is left" nothing_left "$dir"
	try "$TOP/ci/judge" "$dir"
	check "$arch: a run that was interrupted is a harness error" rc_is 6
}

# killed - SIGKILL to the script leaves it no time to end the guest
killed() {
	local dir=$RESULTS/killed-x86_64-2 pid kernel

	kernel=$(kernel_of x86_64)
	"$TOP/ci/boot" x86_64 "$kernel" --smp 2 --name killed -- 'sleep 60' \
		>"$WORK/stdout" 2>"$WORK/stderr" </dev/null &
	pid=$!
	within 90 grep -qs 'SMPCI: start' "$dir/console.log" || echo "# no start"
	kill -KILL "$pid"
	RC=0
	{ wait "$pid" || RC=$?; } 2>/dev/null
	check "SIGKILL to the script: the emulator ends as well" \
		within 10 nothing_left "$dir"
}

# stubborn - an emulator that prints nothing and ignores SIGTERM
stubborn() {
	local dir=$RESULTS/stubborn-x86_64-4

	mkdir "$WORK/bin"
	cat >"$WORK/bin/qemu-system-x86_64" <<-'END'
		#!/bin/bash
		[ "$1" != --version ] || { echo "QEMU emulator version 99.0"; exit; }
		trap '' TERM
		exec 3<> <(:)
		while :; do read -r -t 1 -u 3 || :; done
	END
	chmod +x "$WORK/bin/qemu-system-x86_64"
	echo image >"$WORK/image"
	try env PATH="$WORK/bin:$PATH" "$TOP/ci/boot" x86_64 "$WORK/image" \
		--name stubborn --boot-limit 2
	# Nothing on the console is the fault of the harness, not of a kernel.
	check "an emulator that prints nothing is a harness error" rc_is 6
	check "an emulator that ignores SIGTERM is killed" nothing_left "$dir"
}

# refused_by_qemu - QEMU itself fails
refused_by_qemu() {
	echo image >"$WORK/image"
	try "$TOP/ci/boot" s390x "$WORK/image" --name bad --qemu-arg -nonsense
	check "an emulator that does not start is a harness error" rc_is 6
}

main() {
	selftest_begin 10
	interrupted x86_64 script
	interrupted s390x group
	killed
	stubborn
	refused_by_qemu
	selftest_end
}

main "$@"
