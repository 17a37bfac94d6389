# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0
#
# set_offon.sh - half of the CPUs off and on, as a list where the kernel takes one
#
# Figures: set_off set_on (ns), counts and shares of the same; set_expedited_off
# Archs: x86_64 s390x
# Cpus: 8 32
#
# The upper half of the CPUs, by hotplug/offline and hotplug/online, or by the files
# online of these CPUs.  Once more with all grace periods expedited, which is what
# was proposed instead.

EXPEDITED=/sys/kernel/rcu_expedited

main() {
	local n half i

	cpus_need 4
	n=$(cpus_present)
	half=$((n / 2))
	i=$half
	LIST=$i
	while [ "$i" -lt $((n - 1)) ]; do
		i=$((i + 1))
		LIST=$LIST,$i
	done
	offon_figures set "$((n - half))" set_off set_on 3
	echo 1 >"$EXPEDITED" || fail "grace periods cannot be expedited"
	offon_figures set_expedited "$((n - half))" set_off set_on 3
	echo 0 >"$EXPEDITED"
}

set_off() {
	cpus_set_list offline "$LIST"
}

set_on() {
	cpus_set_list online "$LIST"
}

main
