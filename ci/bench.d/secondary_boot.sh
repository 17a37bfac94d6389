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
# Guest-clock: s390x
#
# Nothing to do in the guest: ci/bench takes the time between the two messages of
# smp_init() on the console.  The clock of an x86_64 guest cannot be trusted that
# early, so it is the host's.  On s390x it can, and the console comes in blocks.
