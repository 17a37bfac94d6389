# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# smp_objects.sh - is everything freed that some functions have allocated?
# Sourced after smp_lib.sh
#
# The kmem events tell each allocation and each free. Those who free an object
# may be anybody and may take a while. Others create kthreads, too, workqueues
# above all: what such a thread holds while it lives does not count.
#
# A script that uses it calls smp_objects_cleanup at its end.

SMP_OBJECTS=$SMP_TRACEFS/instances/smp_objects
SMP_OBJECTS_KB=8192
smp_objects_on=
smp_objects_old=

# smp_objects_filter REGEX - those functions of this kernel that match
smp_objects_filter() {
	sed -n "s/^[^ ]* [tT] \($1\)\$/call_site.function == \1/p" /proc/kallsyms |
		sort -u | sed '$!s/$/ ||/' | tr '\n' ' '
}

# smp_objects_kthreads - the pids of all kthreads
smp_objects_kthreads() {
	for smp_stat in /proc/[0-9]*/stat; do
		# It may have ended meanwhile
		sed -n 's/^\([0-9]*\) (.*) [^ ]* 2 .*/\1/p' "$smp_stat" 2>/dev/null
	done
}

# smp_objects_new - how many kthreads there are that somebody else has created
smp_objects_new() {
	smp_objects_kthreads | grep -cvxF "$smp_objects_old"
}

# smp_objects_begin REGEX - watch what the functions allocate
smp_objects_begin() {
	smp_need_tracefs
	[ -f "$SMP_TRACEFS"/events/kmem/kfree/enable ] || return 0
	mkdir "$SMP_OBJECTS" || return 0
	smp_objects_on=1
	echo "$SMP_OBJECTS_KB" >"$SMP_OBJECTS"/buffer_size_kb
	smp_objects_old=$(smp_objects_kthreads)
	smp_objects_filter "$1" >"$SMP_OBJECTS"/events/kmem/kmalloc/filter
	echo 1 >"$SMP_OBJECTS"/events/kmem/kfree/enable
	echo 1 >"$SMP_OBJECTS"/events/kmem/kmalloc/enable
}

# smp_objects_left NEW - what was allocated and not freed, but for what belongs
# to NEW other kthreads; "seen N" is how many were allocated
smp_objects_left() {
	awk -v new="$1" '
	function pointer() {
		match($0, /ptr=[0-9a-fx]+/)
		return substr($0, RSTART + 4, RLENGTH - 4)
	}
	/ kmalloc: / {
		p = pointer()
		if (p ~ /[1-9a-f]/) {
			match($0, /call_site=[^+ ]*/)
			site[p] = substr($0, RSTART + 10, RLENGTH - 10)
			seen++
		}
	}
	/ kfree: / { delete site[pointer()] }
	END {
		for (p in site)
			left[site[p]]++
		for (s in left) {
			if (left[s] > new)
				print left[s], s
		}
		print "seen", seen + 0
	}' "$SMP_OBJECTS"/trace
}

# smp_objects_end DESCRIPTION - the result
smp_objects_end() {
	if [ -z "$smp_objects_on" ]; then
		ktap_test_skip "$1: no kmem events"
		return
	fi
	for smp_try in 1 2 3 4 5; do
		sleep 1
		smp_new=$(smp_objects_new)
		smp_left=$(smp_objects_left "$smp_new")
		[ "$(printf '%s\n' "$smp_left" | wc -l)" -gt 1 ] || break
	done
	smp_lost=$(cat "$SMP_OBJECTS"/per_cpu/cpu*/stats |
		awk '/^overrun:/ || /^dropped events:/ { n += $NF } END { print n + 0 }')
	smp_objects_cleanup
	smp_text=$(printf '%s\n' "$smp_left" | tr '\n' ' ')
	ktap_print_msg "objects: ${smp_text}try=$smp_try new=$smp_new"
	case "$smp_left" in
	"seen 0")
		ktap_print_msg "no allocation was seen"
		ktap_test_fail "$1"
		;;
	"seen "*)
		ktap_test_pass "$1"
		;;
	*)
		if [ "$smp_lost" -gt 0 ]; then
			ktap_test_skip "$1: $smp_lost events were lost"
		else
			ktap_test_fail "$1"
		fi
		;;
	esac
}

smp_objects_cleanup() {
	if [ -n "$smp_objects_on" ]; then
		smp_objects_on=
		rmdir "$SMP_OBJECTS"
	fi
}
