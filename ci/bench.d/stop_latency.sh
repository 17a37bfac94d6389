# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0
#
# stop_latency.sh - latency of a stop_machine() call that does nothing
#
# Figures: stop_p50 stop_p99 stop_max (ns)
# Archs: x86_64 s390x
# Cpus: 2 8 32
#
# Measured by the benchmark module around stop_machine(fn, NULL, NULL).  The number
# of calls depends on the CPUs only, never on how fast they are: a maximum grows
# with the number of tries, so both kernels must get the same.

main() {
	local n=100 cpus

	cpus=$(cpus_present)
	if [ "$cpus" -le 2 ]; then
		n=1000
	elif [ "$cpus" -le 8 ]; then
		n=200
	fi
	# With more CPUs than the host has, a call takes tens of milliseconds
	! quick || n=$((n / 5))
	module_figures "" bench_stop "$n"
}

main
