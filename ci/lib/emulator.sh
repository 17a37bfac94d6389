# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# emulator.sh - a QEMU that runs these guests, and what is known to go wrong
#
# Usage: source it after common.sh and apt.sh and after arch_load, then
#   emulator_find             set EMULATOR to the program and its options
#   emulator_trouble DIR      did the guest of DIR die of a known fault of QEMU
#
# QEMU 7.2, the one of Debian 12, runs a breakpoint that another CPU has
# patched into the text of an x86_64 kernel and out again: it translates the
# code without a lock against the write, and keeps the stale translation.
# Static keys are switched like that, so any kernel dies sooner or later of
# "Oops: int3".  Version 10 has the lock, so an older one is passed over for the
# one of Debian's backports, which is unpacked below $CACHE.  Its libraries are
# those of the installed package.  ci/selftest.d/emulator.sh shows the fault.
# What is left in version 10: notdirty_write() drops the translations of a page
# before the byte is written, so a CPU that translates it in between keeps the
# old one.  It was seen in one of some hundred guests, one that took CPUs down and
# up, which switches sched_smt_present.
#
# QEMU=system takes the one that is installed, whatever its version.

EMULATOR_MIN=10
EMULATOR_SUITE=bookworm-backports
EMULATOR_PACKAGES="qemu-system-x86 qemu-system-s390x qemu-system-data seabios"
EMULATOR=()

# emulator_major PROGRAM - the first number of its version
emulator_major() {
	"$1" --version 2>/dev/null | sed -n '1s/.* version \([0-9][0-9]*\).*/\1/p'
}

# emulator_fetch DIR - Debian's newer one for all architectures, unpacked
#
# The folder appears under its name when it is complete.  Each step says what a
# failure is: errexit is off in what "||" looks at.
emulator_fetch() {
	local dir=$1 pkg deb

	need dpkg-deb
	need_space "$CACHE" 200
	rm -rf "$dir.part"
	mkdir "$dir.part" || return 1
	for pkg in $EMULATOR_PACKAGES; do
		deb=$(apt_fetch "$EMULATOR_SUITE" "$(dpkg --print-architecture)" "$pkg") || return 1
		dpkg-deb -x "$deb" "$dir.part" || return 1
	done
	mv "$dir.part" "$dir"
}

# emulator_find - set EMULATOR for the architecture that is loaded
emulator_find() {
	local dir=$CACHE/emulator/$EMULATOR_SUITE major

	need "$QEMU_BIN"
	# shellcheck disable=SC2034 # used by the callers
	EMULATOR=("$QEMU_BIN")
	major=$(emulator_major "$QEMU_BIN")
	case "${QEMU:-}" in
	system) return ;;
	"") ;;
	*) usage_die "QEMU can be set to system, not to '$QEMU'" ;;
	esac
	[ "${major:-0}" -lt "$EMULATOR_MIN" ] || return 0
	if [ ! -f "$APT_KEYRING" ]; then
		note "$QEMU_BIN is older than version $EMULATOR_MIN and may kill guests, see ci/judge.d/emulator.known"
		return
	fi
	mkdir -p "$CACHE/emulator" 2>/dev/null || die "cannot create $CACHE/emulator"
	(
		# Two guests may start at the same time.
		flock 9
		[ -d "$dir" ] || emulator_fetch "$dir" || exit 1
	) 9>"$CACHE/emulator/lock" || exit 1
	EMULATOR=("$dir/usr/bin/$QEMU_BIN" -L "$dir/usr/share/qemu"
		-L "$dir/usr/share/seabios")
	"${EMULATOR[@]}" --version >/dev/null 2>&1 ||
		die "${EMULATOR[0]} does not run (QEMU=system takes the installed one): $("${EMULATOR[@]}" --version 2>&1 | sed -n 1p)"
}

# emulator_trouble DIR - true if the guest died of a known fault of QEMU
#
# Seen on the console, or in where its CPUs were when a time limit struck.
emulator_trouble() {
	grep -qsE -f <(sed '/^#/d; /^$/d; s/\t.*//' \
		"$TOP/ci/judge.d/emulator.known") "$1/console.log" "$1/cpus"
}
