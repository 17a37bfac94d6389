# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# smp_lib.sh - what the tests of this collection share: sourced, not run
#
# smp_setup loads the modules of a test and remembers which CPUs are online; at
# the end of the script the modules are unloaded and the CPUs are put back. A
# script that looks for something in debugfs before that calls smp_need_debugfs.
#
# SMP_STORM_SECONDS  how long each storm lasts (default 10)
# SMP_STOP_CALLS     number of calls of the tests that count (default 10000)

# shellcheck source=/dev/null
. "$DIR"/../kselftest/ktap_helpers.sh

SMP_DEBUGFS=/sys/kernel/debug
SMP_TRACEFS=/sys/kernel/tracing
SMP_CPUS=/sys/devices/system/cpu
SMP_MODULES="$DIR"/test_modules
SMP_RUN=$SMP_DEBUGFS/smp_test/run
SMP_RESULT=$SMP_DEBUGFS/smp_test/result

SMP_STORM_SECONDS=${SMP_STORM_SECONDS:-10}
SMP_STOP_CALLS=${SMP_STOP_CALLS:-10000}
smp_loaded=
smp_was_online=
smp_plan=
smp_faults=

# smp_skip_all REASON - end the script: nothing of it can be tested here
smp_skip_all() {
	if [ -n "$smp_plan" ]; then
		ktap_exit_fail_msg "$*"
	fi
	ktap_print_header
	ktap_skip_all "$*"
	exit "$KSFT_SKIP"
}

# smp_number NAME - the variable NAME must be a number above 0
smp_number() {
	eval "set -- \"$1\" \"\$$1\""
	case "$2" in
	"" | *[!0-9]* | 0*)
		ktap_print_header
		ktap_exit_fail_msg "$1 is '$2', not a number above 0"
		;;
	esac
}

smp_online_cpus() {
	cat "$SMP_CPUS"/online
}

# smp_restore_cpus - put back what a test that was interrupted left offline
smp_restore_cpus() {
	for smp_cpu in $smp_was_online; do
		if [ "$(cat "$smp_cpu")" != 1 ]; then
			echo 1 >"$smp_cpu"
		fi
	done
}

# smp_cleanup - run when the script ends, keeps its exit status
smp_cleanup() {
	smp_status=$?
	trap - EXIT
	trap '' HUP INT TERM
	if [ "$(command -v smp_test_cleanup)" ]; then
		smp_test_cleanup
	fi
	smp_restore_cpus
	# The last one that was loaded is the first one
	for smp_module in $smp_loaded; do
		if ! rmmod "$smp_module"; then
			echo "# $smp_module cannot be unloaded"
			smp_status=$KSFT_FAIL
		fi
	done
	exit "$smp_status"
}

smp_need_root() {
	[ "$(id -u)" = 0 ] || smp_skip_all "must be run as root"
}

# smp_need_debugfs - mount it if nobody has
smp_need_debugfs() {
	smp_need_root
	if ! grep -q " $SMP_DEBUGFS debugfs " /proc/mounts; then
		mount -t debugfs none "$SMP_DEBUGFS" 2>/dev/null ||
			smp_skip_all "debugfs cannot be mounted"
	fi
}

# smp_need_tracefs - mount it if nobody has and this kernel has it
smp_need_tracefs() {
	smp_need_root
	if [ -d "$SMP_TRACEFS" ] && [ ! -d "$SMP_TRACEFS"/events ]; then
		mount -t tracefs none "$SMP_TRACEFS"
	fi
}

# smp_need_function NAME - skip all if this kernel does not have it
smp_need_function() {
	grep -q " $1\$" /proc/kallsyms || smp_skip_all "no $1() in this kernel"
}

# smp_load NAME - load a module, if nobody has
smp_load() {
	[ ! -d /sys/module/"$1" ] || return 0
	[ -f "$SMP_MODULES/$1.ko" ] || smp_skip_all "test_modules/$1.ko was not built"
	smp_error=$(insmod "$SMP_MODULES/$1.ko" 2>&1) ||
		smp_skip_all "$1.ko cannot be loaded: $smp_error"
	smp_loaded="$1 $smp_loaded"
}

# smp_setup N NAME... - load smp_test and each smp_test_NAME, print the header and
# a plan of N tests
smp_setup() {
	smp_plan_of=$1
	shift
	smp_number SMP_STORM_SECONDS
	smp_number SMP_STOP_CALLS
	smp_need_debugfs
	trap smp_cleanup EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	smp_load smp_test
	for smp_name; do
		smp_load "smp_test_$smp_name"
	done
	for smp_cpu in "$SMP_CPUS"/cpu[0-9]*/online; do
		if [ -f "$smp_cpu" ] && [ "$(cat "$smp_cpu")" = 1 ]; then
			smp_was_online="$smp_was_online $smp_cpu"
		fi
	done
	ktap_print_header
	ktap_set_plan "$smp_plan_of"
	smp_plan=$smp_plan_of
	ktap_print_msg "CPUs online: $(smp_online_cpus)"
}

# smp_verdict DESCRIPTION - the result of the module as a KTAP result
#
# Its numbers become diagnostic lines.
smp_verdict() {
	if ! smp_text=$(cat "$SMP_RESULT" 2>&1); then
		ktap_print_msg "no result: $smp_text"
		ktap_test_fail "$1"
		return
	fi
	smp_first=$(printf '%s\n' "$smp_text" | sed -n 1p)
	printf '%s\n' "$smp_text" | sed -n '2,$s/^\([^ ]*\) \([^ ]*\) \(.*\)/# \1=\2 \3/p'
	case "$smp_first" in
	ok)
		ktap_test_pass "$1"
		;;
	"skip "*)
		ktap_test_skip "$1: ${smp_first#skip }"
		;;
	*)
		ktap_print_msg "${smp_first#not ok }"
		ktap_test_fail "$1"
		;;
	esac
}

# smp_case DESCRIPTION TEST [NUMBER]... - one test of the module
smp_case() {
	smp_description=$1
	shift
	if ! echo "$*" >"$SMP_RUN"; then
		ktap_print_msg "$* cannot be run"
		ktap_test_fail "$smp_description"
		return
	fi
	smp_verdict "$smp_description"
}

# smp_fault_set FILE VALUE - a setting of fault injection, if this kernel has the
# file; the old value is kept
smp_fault_set() {
	[ -f "$1" ] || return 0
	smp_faults="$1=$(cat "$1") $smp_faults"
	echo "$2" >"$1"
}

# smp_faults_restore - a script that sets some calls it in its smp_test_cleanup
smp_faults_restore() {
	for smp_fault in $smp_faults; do
		echo "${smp_fault#*=}" >"${smp_fault%%=*}"
	done
	smp_faults=
}

# smp_value NAME - a number of the last result
smp_value() {
	sed -n "s/^$1 \([0-9]*\) .*/\1/p" "$SMP_RESULT"
}

# smp_figure NAME VALUE UNIT - a diagnostic line that benchmarks look for
smp_figure() {
	if [ -n "$2" ]; then
		ktap_print_msg "FIGURE $1 $2 $3"
	fi
}
