#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Storm: kthreads are created, bound, parked, unparked and stopped while CPUs go
# and come. Each does what it was told, and returns what it has to return.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh

smp_setup 1
smp_case "kthreads and CPU hotplug for $SMP_STORM_SECONDS s" \
	storm_kthread "$SMP_STORM_SECONDS"
ktap_finished
