# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0
#
# secondary_boot.sh - how long the secondary CPUs took to come up at boot
#
# Figures: secondary_boot (ns)
# Archs: x86_64 s390x
# Cpus: 2 8 32
# Host-begin: smp: Bringing up secondary CPUs
# Host-end: smp: Brought up
#
# Nothing to do in the guest: ci/bench takes the time on the host between the
# two messages of smp_init() on the console.  The clock of the guest itself
# cannot be trusted that early.
