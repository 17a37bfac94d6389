# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0
#
# offon_single.sh - one single CPU off and on
#
# Figures: single_off single_on (ns), counts and shares of the same
# Archs: x86_64 s390x
# Cpus: 2 8 32
#
# The median of several rounds; the CPU is the highest one.

main() {
	cpus_need 2
	last=$(($(cpus_present) - 1))
	offon_figures single 1 single_off single_on 9
}

single_off() {
	cpus_set 0 "$last"
}

single_on() {
	cpus_set 1 "$last"
}

main
