#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Storm: random CPUs go offline and come back. Each callback of a hotplug state
# runs once per change, on the right CPU.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh

smp_setup 1 storm
smp_case "hotplug storm of $SMP_STORM_SECONDS s" storm_hotplug "$SMP_STORM_SECONDS"
smp_figure storm_hotplug_ops "$(smp_value hotplug_off)" count
ktap_finished
