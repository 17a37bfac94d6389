# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# cpuhp_lib.sh - what the tests of this collection share: sourced, not run
#
# cpuhp_setup notes in which state each CPU is. At the end of the script, also
# of one that was interrupted, the CPUs are put back there, and no injected
# failure stays behind.
#
# Sets:
#   CPUS             /sys/devices/system/cpu
#   cpuhp_cpus       CPUs that can go offline and are online at the beginning
#   cpuhp_offline    CPUs that can come online and are offline at the beginning
#   cpuhp_all        set by "-a": do it to each CPU instead of taking turns

# shellcheck source=/dev/null
. "$DIR"/../kselftest/ktap_helpers.sh

CPUS=/sys/devices/system/cpu
# "make run_full_test" says where it was built
CPUHP_WRITE=${CPUHP_WRITE:-$DIR/cpuhp_write}
# Seconds to wait, in all, for others who have disabled CPU hotplug for a moment
cpuhp_patience=5
cpuhp_all=
cpuhp_cpus=
cpuhp_offline=
cpuhp_before=
cpuhp_error=

# cpuhp_skip_all REASON - end the script: nothing of it can be tested here
cpuhp_skip_all() {
	ktap_print_header
	ktap_skip_all "$*"
	exit "$KSFT_SKIP"
}

# cpuhp_options TEXT ARGUMENT... - the options that all scripts have
cpuhp_options() {
	cpuhp_text=$1
	shift
	while getopts ah cpuhp_opt; do
		case $cpuhp_opt in
		a)
			# The scripts read it
			# shellcheck disable=SC2034
			cpuhp_all=1
			;;
		h)
			echo "Usage: $0 [-a]"
			echo "$cpuhp_text"
			exit 0
			;;
		*)
			exit "$KSFT_FAIL"
			;;
		esac
	done
}

# cpuhp_write VALUE FILE - like echo, with the name of the error in cpuhp_error if
# that fails
cpuhp_write() {
	cpuhp_error=$("$CPUHP_WRITE" "$2" "$1")
}

# cpuhp_read FILE
cpuhp_read() {
	cpuhp_value=
	# Also true without a newline at the end
	read -r cpuhp_value <"$1" || [ -n "$cpuhp_value" ]
}

# cpuhp_is CPU FILE VALUE - does a file below cpuN have this value?
cpuhp_is() {
	cpuhp_read "$CPUS/cpu$1/$2" && [ "$cpuhp_value" = "$3" ]
}

# cpuhp_list LIST - the numbers of a list like "0-3,5"
cpuhp_list() {
	for cpuhp_range in $(echo "$1" | tr , ' '); do
		seq "${cpuhp_range%-*}" "${cpuhp_range#*-}"
	done
}

# cpuhp_is_online CPU - is it in the list of CPUs that are online?
cpuhp_is_online() {
	cpuhp_read "$CPUS"/online
	for cpuhp_range in $(echo "$cpuhp_value" | tr , ' '); do
		if [ "$1" -ge "${cpuhp_range%-*}" ] && [ "$1" -le "${cpuhp_range#*-}" ]; then
			return 0
		fi
	done
	return 1
}

# cpuhp_step CPU 0|1 - offline or online, and sysfs says so
#
# Its file tells what the driver core knows, the list what the kernel does.
cpuhp_step() {
	cpuhp_write "$2" "$CPUS/cpu$1"/online || return
	cpuhp_now=0
	! cpuhp_is_online "$1" || cpuhp_now=1
	cpuhp_is "$1" online "$2" && [ $cpuhp_now = "$2" ] && return
	cpuhp_error="online is $cpuhp_value, and $cpuhp_now by the list, after $2 was written"
	return 1
}

# cpuhp_try CPU 0|1 - the same, waits for others who have disabled CPU hotplug for a
# moment
cpuhp_try() {
	until cpuhp_step "$1" "$2"; do
		[ "$cpuhp_error" = EBUSY ] && [ $cpuhp_patience -gt 0 ] || return
		sleep 1
		cpuhp_patience=$((cpuhp_patience - 1))
	done
}

# The CPUs of which a test can tell what becomes of them
cpuhp_note_cpus() {
	for cpuhp_dir in "$CPUS"/cpu[0-9]*; do
		[ -f "$cpuhp_dir"/online ] || continue
		cpuhp_read "$cpuhp_dir"/online
		if [ "$cpuhp_value" = 1 ]; then
			cpuhp_cpus="$cpuhp_cpus ${cpuhp_dir##*cpu}"
		else
			cpuhp_offline="$cpuhp_offline ${cpuhp_dir##*cpu}"
		fi
		cpuhp_state=-
		if cpuhp_read "$cpuhp_dir"/hotplug/state 2>/dev/null; then
			cpuhp_state=$cpuhp_value
		fi
		cpuhp_read "$cpuhp_dir"/online
		cpuhp_before="$cpuhp_before ${cpuhp_dir##*cpu}:$cpuhp_value:$cpuhp_state"
	done
	# By number, as the shell has sorted by name
	# shellcheck disable=SC2086
	cpuhp_cpus=$(printf '%s\n' $cpuhp_cpus | sort -n)
	# shellcheck disable=SC2086
	cpuhp_offline=$(printf '%s\n' $cpuhp_offline | sort -n)
}

# cpuhp_put_back CPU ONLINE STATE - false if that does not work
cpuhp_put_back() {
	cpuhp_hp=$CPUS/cpu$1/hotplug
	if [ -f "$cpuhp_hp"/fail ]; then
		cpuhp_write -1 "$cpuhp_hp"/fail || return
	fi
	cpuhp_is "$1" online "$2" || cpuhp_write "$2" "$CPUS/cpu$1"/online || return
	[ "$3" = - ] && return
	cpuhp_is "$1" hotplug/state "$3" || cpuhp_write "$3" "$cpuhp_hp"/target
}

# cpuhp_cleanup - run when the script ends, keeps its exit status
cpuhp_cleanup() {
	cpuhp_status=$?
	trap - EXIT
	trap '' HUP INT TERM
	for cpuhp_it in $cpuhp_before; do
		cpuhp_cpu=${cpuhp_it%%:*}
		cpuhp_it=${cpuhp_it#*:}
		cpuhp_put_back "$cpuhp_cpu" "${cpuhp_it%:*}" "${cpuhp_it#*:}" && continue
		ktap_print_msg "CPU $cpuhp_cpu cannot be put back: $cpuhp_error"
		cpuhp_status=$KSFT_FAIL
	done
	for cpuhp_it in cpuhp_test_cleanup machine_cleanup; do
		[ ! "$(command -v $cpuhp_it)" ] || $cpuhp_it
	done
	exit "$cpuhp_status"
}

# cpuhp_setup - what can go down, and what must be put back
cpuhp_setup() {
	[ "$(id -u)" = 0 ] || cpuhp_skip_all "must be run as root"
	[ -x "$CPUHP_WRITE" ] || cpuhp_skip_all "cpuhp_write was not built"
	[ -d "$CPUS" ] || cpuhp_skip_all "no $CPUS"
	cpuhp_note_cpus
	[ -n "$cpuhp_cpus$cpuhp_offline" ] || cpuhp_skip_all "no CPU can go offline"
	trap cpuhp_cleanup EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

# cpuhp_begin N - print the header and a plan of N tests
cpuhp_begin() {
	ktap_print_header
	ktap_set_plan "$1"
	cpuhp_read "$CPUS"/online
	ktap_print_msg "CPUs online: $cpuhp_value"
}
