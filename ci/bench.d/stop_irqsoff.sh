# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0
#
# stop_irqsoff.sh - time with interrupts off on a bystander of stop_machine()
#
# Figures: irqsoff_p50 irqsoff_p99 irqsoff_noise (ns)
# Archs: x86_64 s390x
# Cpus: 2 8 32
#
# Measured by the benchmark module: the longest gap of a 100 us timer on the highest
# CPU around each call, so it needs nothing that only one of two kernels has.
# irqsoff_noise is the same without a call: what the machine itself adds.

main() {
	local n=50 cpus

	cpus_need 2
	cpus=$(cpus_present)
	if [ "$cpus" -le 2 ]; then
		n=500
	elif [ "$cpus" -le 8 ]; then
		n=100
	fi
	! quick || n=$((n / 5))
	module_figures "" bench_irqsoff "$n"
}

main
