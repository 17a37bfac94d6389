#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Contract of smp_call_function_single_async(): what it returns, how often and
# where the function runs, which calls are merged, and what happens with the own
# CPU, CPUs that are offline and bad arguments. That several CPUs may call at once
# is what storm_queue.sh is for.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh

smp_setup 12 storm queue
smp_case "a call runs once, there, with interrupts off" queue_runs
smp_case "calls are merged while a run is pending" queue_merged
smp_case "a call while the function runs queues a new run" queue_again
smp_case "a pending run stays on its CPU" queue_other_cpu
smp_case "no CPU, while a run is pending" queue_refused
smp_case "own CPU: on the spot" queue_self
smp_case "own CPU: merged while a run is pending" queue_back
smp_case "from hard and soft interrupts and from functions" queue_contexts
smp_case "from inside of stop_machine()" queue_stopped
smp_case "bad arguments" queue_bad
smp_case "a CPU that is offline and comes back" queue_offline
smp_case "a CPU that dies runs what is pending" queue_dying
ktap_finished
