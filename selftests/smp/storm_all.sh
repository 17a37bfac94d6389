#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Storm: hotplug, stop_machine() and function calls at the same time.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh

smp_setup 1 storm
smp_case "all storms at once for $SMP_STORM_SECONDS s" storm_all "$SMP_STORM_SECONDS"
smp_figure storm_all_hotplug_ops "$(smp_value hotplug_off)" count
smp_figure storm_all_stop_calls "$(smp_value stop_calls)" count
ktap_finished
