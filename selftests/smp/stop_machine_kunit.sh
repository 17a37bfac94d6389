#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The KUnit suite of stop_machine, which covers what modules cannot reach

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_kunit.sh
. "$DIR"/smp_kunit.sh

smp_kunit stop_machine
