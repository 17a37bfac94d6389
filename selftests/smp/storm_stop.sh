#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Storm: several callers of stop_machine() with random masks. The function runs
# as often on each CPU as it was called for.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh

smp_setup 1 storm
smp_case "stop_machine storm of $SMP_STORM_SECONDS s" storm_stop "$SMP_STORM_SECONDS"
smp_figure storm_stop_calls "$(smp_value stop_calls)" count
ktap_finished
