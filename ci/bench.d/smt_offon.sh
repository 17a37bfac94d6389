# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0
#
# smt_offon.sh - SMT off and on: half of the CPUs in one request
#
# Figures: smt_off smt_on (ns), counts and shares of the same; smt_expedited_off
# Archs: x86_64
# Cpus: 8 32
#
# Through /sys/devices/system/cpu/smt/control, in a guest with two threads per
# core.  Once more with all grace periods expedited, which is what was proposed
# instead.

EXPEDITED=/sys/kernel/rcu_expedited

main() {
	local half

	SMT=$CPU_DIR/smt/control
	[ "$(cat "$SMT")" = on ] || skip "smt/control is '$(cat "$SMT")', not on"
	half=$(($(cpus_present) / 2))
	offon_figures smt "$half" smt_off smt_on 3
	echo 1 >"$EXPEDITED" || fail "grace periods cannot be expedited"
	offon_figures smt_expedited "$half" smt_off smt_on 3
	echo 0 >"$EXPEDITED"
}

smt_off() {
	echo off >"$SMT"
}

smt_on() {
	echo on >"$SMT"
}

main
