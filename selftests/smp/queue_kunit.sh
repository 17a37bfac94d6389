#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The KUnit suite of smp_queue_function_single(), which also covers the warnings of
# CONFIG_DEBUG_CSD: they can be suppressed there.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_kunit.sh
. "$DIR"/smp_kunit.sh

smp_kunit smp_queue
