# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0
#
# offon_7.sh - seven CPUs off and on, one by one
#
# Figures: seven_off seven_on (ns), counts and shares of the same
# Archs: x86_64 s390x
# Cpus: 8
#
# CPUs 1 to 7, whatever the number of CPUs in the guest.

main() {
	cpus_need 8
	offon_figures seven 7 seven_off seven_on 3
}

seven_off() {
	cpus_set 0 1 2 3 4 5 6 7
}

seven_on() {
	cpus_set 1 1 2 3 4 5 6 7
}

main
