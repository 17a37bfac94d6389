# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0
#
# queue.sh - coalesced calls to another CPU: five ways side by side
#
# Figures: queue_flag_per_s queue_irqwork_per_s queue_nowait_per_s
#	   queue_wait_per_s queue_queue_per_s (1/s), the same with _p50 and _p99
#	   (ns), _ipis (interrupts per 1000 bursts), _runs (per 1000000 requests)
#	   and _lost, and for those that merge _merge (ps per request)
# Archs: x86_64 s390x
# Cpus: 2 8
#
# All ways run in the same guest, one after the other, so that the ratio between
# them does not depend on the boot. With more than one producer queue_queue_* needs the
# series.

main() {
	local rounds=20000 cpus

	cpus_need 2
	cpus=$(cpus_present)
	! quick || rounds=$((rounds / 10))
	# One producer, and one per CPU that is left
	module_figures one_ bench_queue "$rounds" $((cpus - 1)) 1
	[ "$cpus" -le 2 ] ||
		module_figures all_ bench_queue "$rounds" $((cpus - 1)) $((cpus - 1))
}

main
