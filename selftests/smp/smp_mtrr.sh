# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# smp_mtrr.sh - for tests that change an MTRR: sourced after smp_lib.sh, not run
#
# A script that calls smp_mtrr_add calls smp_mtrr_del in its smp_test_cleanup.

smp_mtrr=

# smp_mtrr_add - set one on all CPUs that are online, and have each CPU that comes
# up be given it
#
# The last page below 4 GiB belongs to the firmware, and no test reads it. Where
# another MTRR has it uncacheable, that wins. Where something is write-combining
# already, the kernel may count a user of that instead of setting another.
smp_mtrr_add() {
	[ -f /proc/mtrr ] || return
	! grep -q write-combining /proc/mtrr || return
	echo "base=0xfffff000 size=0x1000 type=write-combining" 2>/dev/null \
		>/proc/mtrr || return
	smp_mtrr=$(sed -n 's/^reg0*\([0-9][0-9]*\): .*write-combining$/\1/p' /proc/mtrr)
	[ -n "$smp_mtrr" ]
}

# smp_mtrr_del - take it away again, if it is there
smp_mtrr_del() {
	[ -n "$smp_mtrr" ] || return 0
	echo "disable=$smp_mtrr" >/proc/mtrr
	smp_mtrr=
}
