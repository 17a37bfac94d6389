#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# emulator - the faults of QEMU that are known do not happen in these guests
#
# The kernel is the one without the series, so a death here is not its doing.
# On x86_64 all static keys of the events are switched while all CPUs use them:
# with QEMU=system on Debian 12 this dies of "Oops: int3" within seconds.  On
# s390x CPUs come up while processes are made and ended: with GUEST_PIN=0 in
# ci/arch/s390x.conf QEMU hangs after some ten CPUs.
#
# Usage and exit codes: see ci/selftest

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../lib/selftest.sh
. "$(dirname "$(readlink -f "$0")")/../lib/selftest.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/emulator.sh
. "$TOP/ci/lib/emulator.sh"

# Busy processes, then the static keys of the events on and off.  Each round says
# that it begins, as a guest that is slow is not one that hangs.
# The shell of the guest expands them
# shellcheck disable=SC2016
KEYS='for i in 1 2 3 4; do (while :; do /bin/true; done) & done
cd /sys/kernel/tracing || exit 1
for i in $(seq 12); do
	echo "round $i"
	for e in sched irq timer; do echo 1 >events/$e/enable; done
	echo 0 >events/enable
done'

# shellcheck disable=SC2016
CPUS='for i in 1 2 3 4; do (while :; do /bin/true; done) & done
cd /sys/devices/system/cpu || exit 1
for i in $(seq 40); do
	echo "round $i"
	for c in 1 2 3; do echo 0 >cpu$c/online; echo 1 >cpu$c/online; done
done'

# run ARCH NAME COMMAND - in a guest without the series
run() {
	local kernel

	kernel=$("$TOP/ci/build" "$1" base base | tail -n 1)
	try "$TOP/ci/boot" "$1" "$kernel" --smp 4 --name "$2" \
		--silence-limit 60 -- "$3"
}

# recognised LINE FILE - such a line in FILE of a folder is known trouble
recognised() {
	mkdir "$WORK/saved"
	echo "$1" >"$WORK/saved/$2"
	RC=0
	emulator_trouble "$WORK/saved" || RC=$?
	rm -r "$WORK/saved"
	rc_is 0
}

not_recognised() {
	! recognised "$@"
}

# aborted - an emulator that closes its monitor, as the log says why
aborted() {
	mkdir "$WORK/saved"
	echo "ERROR:target/s390x/tcg/cc_helper.c:128:cc_calc_addu: assertion failed: (carry_out <= 1)" \
		>"$WORK/saved/qemu.log"
	: >"$WORK/saved/System.map"
	: >"$WORK/saved/config"
	try python3 "$TOP/ci/lib/cpus.py" "$WORK/saved" standstill-limit
	echo "$STDOUT" >"$WORK/saved/cpus"
	emulator_trouble "$WORK/saved" && rm -r "$WORK/saved"
}

# half_fetched - the first package arrives, the second does not
half_fetched() {
	bash -euc '. "$0/common.sh"; . "$0/apt.sh"; . "$0/emulator.sh"; CACHE=$1
		emulator_major() { echo 7; }
		apt_fetch() { [ "$3" = qemu-system-x86 ] || exit 1; echo "$3"; }
		dpkg-deb() { mkdir -p "$3/usr/bin"; }
		QEMU_BIN=true
		emulator_find' "$TOP/ci/lib" "$WORK/cache"
}

main() {
	selftest_begin 10
	run x86_64 keys "$KEYS"
	check "x86_64: text that another CPU patches runs right" rc_is 0
	run s390x cpus "$CPUS"
	check "s390x: CPUs come up while processes end" rc_is 0
	check "the oops of a stale breakpoint is known" recognised \
		"[    9.8] Oops: int3: 0000 [#1] SMP" console.log
	check "a deadlock of the emulator is known" recognised \
		"standstill-limit, not waiting: 0 1 3" cpus
	check "... of which it dies when it is asked, too" aborted
	check "a guest that waits for ever is not known trouble" not_recognised \
		"standstill-limit, not waiting:" cpus
	check "a CPU that spins is not known trouble" not_recognised \
		"silence-limit, not waiting: 1" cpus
	check "another oops is not known trouble" not_recognised \
		"[    9.8] Oops: 0002 [#1] SMP" console.log
	try half_fetched
	check "an emulator that cannot be fetched whole" rc_is 1
	check "is not there afterwards" test ! -e "$WORK/cache/emulator/$EMULATOR_SUITE"
	selftest_end
}

main "$@"
