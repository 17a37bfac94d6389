#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Storm by scftorture, all kinds of calls at once, first on CPUs that stay and
# then on CPUs that come and go: it finds no call that was lost, has run twice
# or has not seen its data.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh

MARK="smp: scftorture"
WEIGHT=/sys/module/scftorture/parameters/weight_async
loaded=

# Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	if [ -n "$loaded" ]; then
		modprobe -r scftorture
	fi
}

# messages - what the kernel has said since the last mark
messages() {
	dmesg | sed 's/^\(\[[^]]*\] *\)*//' | awk -v mark="$MARK" '
		index($0, mark) { text = ""; next }
		/^scftorture: / { text = text $0 "\n" }
		END { printf "%s", text }'
}

# torture DESCRIPTION PARAMETER... - one run of the module
torture() {
	description=$1
	shift
	echo "$MARK" >/dev/kmsg
	if ! error=$(modprobe scftorture weight_resched=0 stutter=0 "$@" 2>&1); then
		ktap_print_msg "modprobe: $error"
		ktap_test_fail "$description"
		return
	fi
	loaded=1
	if [ ! -e "$WEIGHT" ]; then
		modprobe -r scftorture
		loaded=
		ktap_test_skip "$description: this scftorture does not look for lost runs"
		return
	fi
	sleep "$SMP_STORM_SECONDS"
	modprobe -r scftorture
	loaded=
	totals=$(messages | sed -n 's/^scftorture: *\(!!! \)*scf_invoked_count VER: //p' |
		tail -n 1)
	ktap_print_msg "$totals"
	queued=$(printf '%s\n' "$totals" | sed -n 's|.* async: \([0-9]*\)/.*|\1|p')
	gone=$(printf '%s\n' "$totals" | sed -n 's|.* onoff: [^:]*:\([0-9]*\)/.*|\1|p')
	if ! messages | grep -q '^scftorture: *--- End of test: SUCCESS:'; then
		messages | grep -v ' VER: ' | sed 's/^/# /'
		ktap_test_fail "$description"
	elif [ "${queued:-0}" -eq 0 ]; then
		ktap_print_msg "no call was queued"
		ktap_test_fail "$description"
	elif [ $# -gt 0 ] && [ "${gone:-0}" -eq 0 ]; then
		ktap_test_skip "$description: no CPU went offline"
	else
		ktap_test_pass "$description"
	fi
}

smp_need_root
modprobe -D scftorture >/dev/null 2>/dev/null || smp_skip_all "there is no module scftorture"
[ ! -d /sys/module/scftorture ] || smp_skip_all "scftorture is loaded or built in"
smp_setup 2
torture "CPUs stay"
# Threads are bound to CPUs at the start, which must be online then.
torture "CPUs come and go" onoff_holdoff=2 onoff_interval=10
ktap_finished
