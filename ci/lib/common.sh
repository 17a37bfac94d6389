# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# common.sh - what every command in ci/ shares
#
# Usage: . "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lib/common.sh"
#
# Sets TOP (the repository) and CACHE (everything that is kept outside of it).
# Defines messages, checks of the environment, the
# reader of the series file and the loader of the architecture files.
#
# Exit codes used by all commands: 0 done, 1 failed, 2 bad usage or bad input.
# boot and judge add 3 splat, 4 panic, 5 hang, 6 harness error.

TOP=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../.." && pwd)
CMD_NAME=$(basename "$0")
CACHE=${XDG_CACHE_HOME:-${HOME:-}/.cache}/smp-series
START_SECONDS=$SECONDS
# Sorting, matching and messages must not depend on the user's locale.
export LC_ALL=C.UTF-8

# Tests hand in a series of their own; everything else uses the real one.
PATCHES_DIR=${PATCHES_DIR:-$TOP/patches}
SERIES_FILE=${SERIES_FILE:-$TOP/series}

die() {
	printf '%s: %s\n' "$CMD_NAME" "$*" >&2
	exit 1
}

usage_die() {
	printf '%s: %s\n' "$CMD_NAME" "$*" >&2
	exit 2
}

note() {
	printf '[%4ds] %s\n' "$((SECONDS - START_SECONDS))" "$*" >&2
}

# The kernel's makefiles cannot handle a space in a path.
case "$CACHE" in
/.cache/*) die "neither HOME nor XDG_CACHE_HOME is set" ;;
*[[:space:]]*) die "a space in '$CACHE': set XDG_CACHE_HOME to another folder" ;;
esac

# usage_from_header - print the comment block at the top of the calling script
usage_from_header() {
	sed -n '3,/^[^#]/{/^#/!q;s/^# \{0,1\}//p}' "$0"
}

need() {
	local tool missing=""

	for tool; do
		command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
	done
	[ -z "$missing" ] || die "missing:$missing (run ci/setup)"
}

# need_space DIR MIB - stop early instead of in the middle of a build
need_space() {
	local dir=$1 want=$2 have

	mkdir -p "$dir" 2>/dev/null || die "cannot create $dir"
	have=$(df -Pm "$dir" | awk 'NR == 2 { print $4 }')
	[ "$have" -ge "$want" ] ||
		die "not enough space in $dir: $have MiB free, $want MiB needed"
}

# run_setup COMMAND - install what is missing; on a terminal it asks first
run_setup() {
	local args=()

	[ -t 0 ] || args=(--yes)
	"$1" ${args[@]+"${args[@]}"} >&2 || die "the set-up failed"
}

# step_run LABEL LOGFILE CMD... - run CMD with its output in LOGFILE
#
# Shows what runs and for how long: a line that is rewritten on a terminal,
# one plain line at the start and one at the end in a log.
step_run() {
	local label=$1 log=$2 rc=0 pid start=$SECONDS
	shift 2

	mkdir -p "$(dirname "$log")"
	note "$label ..."
	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	# For the cleanup traps of the callers
	# shellcheck disable=SC2034
	STEP_PID=$pid
	if [ -t 2 ]; then
		while kill -0 "$pid" 2>/dev/null; do
			printf '\r\033[K[%4ds] %s: %ds, %d lines: %.50s' \
				"$((SECONDS - START_SECONDS))" "$label" \
				"$((SECONDS - start))" "$(wc -l <"$log")" \
				"$(tail -n 1 "$log" | tr -d '\r\033')" >&2
			sleep 1
		done
		printf '\r\033[K' >&2
	fi
	wait "$pid" || rc=$?
	# shellcheck disable=SC2034
	STEP_PID=
	if [ "$rc" -ne 0 ]; then
		note "$label: failed with status $rc after $((SECONDS - start)) s, log $log, its end:"
		tail -n 20 "$log" | sed 's/^/    /' >&2
		return "$rc"
	fi
	note "$label: done in $((SECONDS - start)) s"
}

# kill_tree PID - end a process that this script started, and its children
#
# Each is stopped before its children are looked up, so that a make cannot
# start one more in between.
kill_tree() {
	local pid=$1 child

	[ -n "$pid" ] || return 0
	kill -STOP "$pid" 2>/dev/null || return 0
	for child in $(ps -o pid= --ppid "$pid"); do
		kill_tree "$child"
	done
	kill -TERM "$pid" 2>/dev/null || return 0
	kill -CONT "$pid" 2>/dev/null || return 0
}

arch_list() {
	local f

	for f in "$TOP"/ci/arch/*.conf; do
		basename "$f" .conf
	done
}

# arch_load ARCH - set the variables of ci/arch/ARCH.conf
arch_load() {
	local arch=$1

	case "$arch" in
	*[!a-z0-9_]*|"")
		usage_die "unknown architecture '$arch' (have: $(arch_list | xargs))" ;;
	esac
	[ -f "$TOP/ci/arch/$arch.conf" ] ||
		usage_die "unknown architecture '$arch' (have: $(arch_list | xargs))"
	# shellcheck source=/dev/null
	. "$TOP/ci/arch/$arch.conf"
}

# variant_check VARIANT - one of those that the loaded architecture has
variant_check() {
	case " $VARIANTS " in
	*" $1 "*) ;;
	*) usage_die "unknown variant '$1' ($ARCH_NAME has: $VARIANTS)" ;;
	esac
}

# series_field NAME - BASE, TESTED or SHA256 as the series file states it
series_field() {
	local name=$1 value

	[ -f "$SERIES_FILE" ] || die "no series file $SERIES_FILE"
	# One word: "# TESTED is the version that ..." is prose.
	value=$(sed -n "s/^# $name \([^ ]*\)\$/\1/p" "$SERIES_FILE")
	[ -n "$value" ] || die "the series file does not state $name"
	echo "$value"
}

# series_patches - the patches in order, relative to the patches folder
series_patches() {
	[ -f "$SERIES_FILE" ] || die "no series file $SERIES_FILE"
	sed 's/#.*//; s/[[:space:]]*$//; /^$/d' "$SERIES_FILE"
}

series_topics() {
	series_patches | sed 's,/.*,,' | uniq
}

# series_hash - the name of this series: sha256 over the sums of its patches
series_hash() {
	local p

	series_patches | while read -r p; do
		sha256sum <"$PATCHES_DIR/$p" | cut -d' ' -f1
	done | sha256sum | cut -d' ' -f1
}

# series_check_files - series and patches/ must name the same files
series_check_files() {
	local diff

	diff=$(diff <(series_patches | sort) \
		<(cd "$PATCHES_DIR" && find . -name '*.patch' ! -name '0000-*' |
			sed 's,^\./,,' | sort)) ||
		die "series and patches/ disagree: $(echo "$diff" |
			sed -n 's/^< \(.*\)/\1 is listed but missing;/p
				s/^> \(.*\)/\1 is not listed;/p' | xargs)"
}

# results_dir NAME - a new folder for what a run leaves behind
results_dir() {
	local dir

	if [ -n "${RESULTS:-}" ]; then
		dir=$RESULTS/$1
	else
		dir=$CACHE/results/$(date -u +%Y%m%dT%H%M%SZ)-$$-$1
	fi
	mkdir -p "$dir" 2>/dev/null || die "cannot create $dir"
	echo "$dir"
}

# linux_tree - a kernel tree whose tools can be used
linux_tree() {
	local tree

	for tree in "${LINUX_TREE:-}" "$CACHE"/linux/*; do
		if [ -n "$tree" ] && [ -f "$tree/tools/testing/kunit/kunit.py" ]; then
			readlink -f "$tree"
			return
		fi
	done
}
