#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A CPU that does not run the function and is held up while it is stopped, by an
# NMI or a hypervisor, does not keep those stopped that run it.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh

smp_setup 1 stop
smp_case "only CPUs that run the function are waited for" stop_bystander
ktap_finished
