#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The last housekeeping CPU that is active cannot go offline, nor can all of them at
# once: nothing would be left to build a scheduling domain of.
#
# Needs isolated CPUs. CPU 0 must be one of them because it can often not go
# offline anyway. All parts run with four CPUs and isolcpus=0-1.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh
# shellcheck source=smp_hotplug.sh
. "$DIR"/smp_hotplug.sh

go() {
	{ echo "$2" >"$SMP_CPUS"/cpu"$1"/online; } 2>/dev/null
}

# stays CPU DESCRIPTION - CPU cannot go offline
#
# If it is let go, an injected failure brings it back before it has done harm, and
# is used up.
stays() {
	smp_fail_at "$1" "$active"
	if go "$1" 0; then
		ktap_print_msg "CPU $1 is offline"
	fi
	fail=$(cat "$SMP_CPUS"/cpu"$1"/hotplug/fail)
	smp_fail_at "$1" -1
	[ "$fail" = "$active" ] || ktap_print_msg "CPU $1 was let go"
	[ "$fail" = "$active" ] && [ "$(cat "$SMP_CPUS"/cpu"$1"/online)" = 1 ]
	smp_check $? "$2"
}

# together CPU... - they do not go as a set; see stays()
together() {
	smp_fail_at "$1" "$active"
	list=$(echo "$*" | tr ' ' ,)
	{ echo "$list" >"$SMP_CPUS"/hotplug/offline; } 2>/dev/null
	fail=$(cat "$SMP_CPUS"/cpu"$1"/hotplug/fail)
	smp_fail_at "$1" -1
	[ "$fail" = "$active" ] && [ "$(smp_online_cpus)" = "$before" ]
	smp_check $? "housekeeping CPUs $* stay when all of them shall go"
}

# goes CPU DESCRIPTION - CPU can go offline and come back
goes() {
	go "$1" 0 && go "$1" 1
	smp_check $? "$2"
}

isolated=" $(smp_expand "$(cat "$SMP_CPUS"/isolated)" | tr '\n' ' ')"
case "$isolated" in
*" 0 "*) ;;
*) smp_skip_all "CPU 0 is not isolated: boot with isolcpus=" ;;
esac
for cpu in $(smp_expand "$(smp_online_cpus)"); do
	case "$isolated" in
	*" $cpu "*) ;;
	*) smp_can_go "$cpu" || smp_skip_all "housekeeping CPU $cpu cannot go offline" ;;
	esac
done
active=$(smp_state sched:active)
[ -n "$active" ] || smp_skip_all "no state sched:active"
smp_setup 6
before=$(smp_online_cpus)
housekeeping=
other=
for cpu in $SMP_CAN_GO; do
	case "$isolated" in
	*" $cpu "*) [ "$cpu" = 0 ] || other=$cpu ;;
	*) housekeeping="$housekeeping $cpu" ;;
	esac
done
# shellcheck disable=SC2086
set -- $housekeeping
[ $# -ge 1 ] || ktap_exit_fail_msg "no housekeeping CPU"
last=$1
shift
ktap_print_msg "isolated:$isolated, housekeeping: $last $*"

if [ $# -ge 1 ]; then
	goes "$1" "one of several housekeeping CPUs can go"
else
	ktap_test_skip "one of several housekeeping CPUs can go: there is one only"
fi
for cpu in "$@"; do
	go "$cpu" 0 || ktap_exit_fail_msg "CPU $cpu does not go offline"
done
if [ -n "$other" ]; then
	goes "$other" "an isolated CPU can go when one housekeeping CPU is left"
else
	ktap_test_skip "an isolated CPU can go: there is none that can go"
fi
for cpu in "$@"; do
	go "$cpu" 1
done

# Online, but not active
if [ $# -lt 1 ]; then
	ktap_test_skip "a CPU that is not active: there is one only"
elif ! smp_move "$1" "$SMP_STATE_INACTIVE" 2>/dev/null; then
	ktap_test_skip "a CPU that is not active: CPU $1 cannot be held so"
else
	held=$1
	shift
	for cpu in "$@"; do
		go "$cpu" 0
	done
	stays "$last" "a housekeeping CPU that is not active does not count"
	smp_move "$held" "$SMP_STATE_ONLINE"
	for cpu in "$@"; do
		go "$cpu" 1
	done
fi

if [ -f "$SMP_CPUS"/hotplug/offline ]; then
	# shellcheck disable=SC2086
	together $housekeeping
else
	ktap_test_skip "all housekeeping CPUs: no hotplug/offline"
fi

for cpu in $housekeeping; do
	[ "$cpu" = "$last" ] || go "$cpu" 0
done
stays "$last" "the last housekeeping CPU stays"
for cpu in $housekeeping; do
	[ "$cpu" = "$last" ] || go "$cpu" 1
done
[ "$(smp_online_cpus)" = "$before" ]
smp_check $? "all CPUs are back"
ktap_finished
