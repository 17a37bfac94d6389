# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0
#
# ipi.sh - function calls between CPUs: round trip and throughput
#
# Figures: ipi_p50 ipi_p99 (ns), ipi_many_per_s ipi_async_per_s (1/s)
# Archs: x86_64 s390x
# Cpus: 2 8 32
#
# Measured by the benchmark module: smp_call_function_single() to the highest CPU
# with and without waiting, and smp_call_function_many() to all.

main() {
	local n=2000 many=5000 cpus last

	cpus_need 2
	cpus=$(cpus_present)
	last=$((cpus - 1))
	# Each of these calls waits for all CPUs
	[ "$cpus" -le 8 ] || many=500
	if quick; then
		n=$((n / 4))
		many=$((many / 5))
	fi
	module_figures "" bench_ipi "$n" "$last"
	module_figures "" bench_ipi_async "$n" "$last"
	module_figures "" bench_ipi_many "$many"
}

main
