#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Storm by scftorture, all kinds of calls at once, first on CPUs that stay, then
# on CPUs that come and go, one by one and in sets: it finds no call that was lost,
# has run twice or has not seen its data.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=smp_lib.sh
. "$DIR"/smp_lib.sh

MARK="smp: scftorture"
WEIGHT=/sys/module/scftorture/parameters/weight_async
loaded=
SETS=

# Called when the script ends
# shellcheck disable=SC2317
smp_test_cleanup() {
	if [ -n "$loaded" ]; then
		unload
	fi
}

unload() {
	modprobe -r scftorture
	# It may have gone with scftorture
	if [ -n "$SETS" ] && [ -d /sys/module/torture ]; then
		modprobe -r torture
	fi
	loaded=
}

# messages - what the kernel has said since the last mark
messages() {
	dmesg | sed 's/^\(\[[^]]*\] *\)*//' | awk -v mark="$MARK" '
		index($0, mark) { text = ""; next }
		/^scftorture/ { text = text $0 "\n" }
		END { printf "%s", text }'
}

# sets_gone - how many sets of more than one CPU have gone offline since the last mark
sets_gone() {
	messages | grep -c 'torture_onoff task: offlined .*[-,]'
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
		unload
		ktap_test_skip "$description: this scftorture does not look for lost runs"
		return
	fi
	rounds=0
	while sleep "$SMP_STORM_SECONDS"; do
		rounds=$((rounds + 1))
		# Sets are random, many have one CPU only
		[ -n "$SETS" ] || break
		sets=$(sets_gone)
		if [ "$sets" -gt 0 ] || [ $rounds -eq 5 ]; then
			break
		fi
	done
	unload
	totals=$(messages | sed -n 's/^scftorture: *\(!!! \)*scf_invoked_count VER: //p' |
		tail -n 1)
	ktap_print_msg "$totals"
	queued=$(printf '%s\n' "$totals" | sed -n 's|.* async: \([0-9]*\)/.*|\1|p')
	gone=$(printf '%s\n' "$totals" | sed -n 's|.* onoff: [^:]*:\([0-9]*\)/.*|\1|p')
	if ! messages | grep -q '^scftorture: *--- End of test: SUCCESS:'; then
		messages | grep -v ' VER: \|task: o' | sed 's/^/# /'
		ktap_test_fail "$description"
	elif [ "${queued:-0}" -eq 0 ]; then
		ktap_print_msg "no call was queued"
		ktap_test_fail "$description"
	elif [ $# -gt 0 ] && [ "${gone:-0}" -eq 0 ]; then
		ktap_test_skip "$description: no CPU went offline"
	elif [ -n "$SETS" ] && [ "$sets" -eq 0 ] && [ "$gone" -lt 20 ]; then
		# One of three is a set
		ktap_test_skip "$description: few went offline, and no set"
	elif [ -n "$SETS" ] && [ "$sets" -eq 0 ]; then
		ktap_print_msg "no set of CPUs went offline"
		ktap_test_fail "$description"
	else
		ktap_test_pass "$description"
	fi
}

smp_need_root
modprobe -D scftorture >/dev/null 2>/dev/null || smp_skip_all "there is no module scftorture"
[ ! -d /sys/module/scftorture ] || smp_skip_all "scftorture is loaded or built in"
smp_setup 3
torture "CPUs stay"
# Threads are bound to CPUs at the start, which must be online then.
torture "CPUs come and go" onoff_holdoff=2 onoff_interval=10
can_go=$(cat "$SMP_CPUS"/cpu[0-9]*/online | grep -c 1)
if [ -d /sys/module/torture ] || [ "$can_go" -lt 3 ]; then
	ktap_test_skip "sets of CPUs come and go: torture is in use, or too few CPUs can go"
	ktap_finished
fi
SETS=/sys/module/torture/parameters/onoff_max_cpus
loaded=1
if modprobe torture onoff_max_cpus=4 && [ -e "$SETS" ]; then
	torture "sets of CPUs come and go" onoff_holdoff=2 onoff_interval=10 verbose=2
else
	ktap_test_skip "sets of CPUs come and go: this torture knows no sets"
fi
ktap_finished
