#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The KUnit suite of kthreads, which covers what is not exported to modules.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_kunit.sh
. "$DIR"/smp_kunit.sh

smp_kunit kthread
