# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# bench-console.sh - what ci/bench reads from the console of a guest
#
# Usage: sourced by ci/bench, after common.sh and before bench.sh.  Rows go to
# OUT/figures.csv and OUT/skips.csv.

# console_clean FILE - the guest's lines without printk's time and KTAP's "# "
console_clean() {
	tr -d '\r' <"$1" |
		sed 's/^\(<[0-9]*>\)\{0,1\}\(\[[^]]*\] \{0,1\}\)*//; s/^\(# \)*//'
}

# console_problem FILE TIMES - why the figures of a guest cannot be used; prints
# nothing when they can
console_problem() {
	console_clean "$1" | awk '
	$1 == "FIGURE" && !ended {
		n++
		if (NF != 4 || $3 !~ /^-?[0-9]+(\.[0-9]+)?$/ || $2 !~ /^[A-Za-z0-9_]+$/)
			bad = $0
	}
	$1 == "FIGURE-FAIL" { failed = $0; sub(/^[^ ]* /, "", failed) }
	$1 == "FIGURES-END" { ended = 1; said = $2 }
	END {
		if (failed)
			print "figure failed: " failed
		else if (bad)
			print "bad line: " bad
		else if (!ended)
			print "the figures did not end"
		else if (said != n + 0)
			print n + 0 " figures arrived, the guest printed " said
	}'
	clock_problem "$2"
}

# console_collect FILE ARCH SMP PAIR ORDER KERNEL - append the rows of one guest
console_collect() {
	local file=$1 head="$2,$3,$4,$5,$6" skip="$2,$3,$6"

	console_clean "$file" | awk -v head="$head" -v skip="$skip" \
		-v figures="$OUT/figures.csv" -v skips="$OUT/skips.csv" '
	# A storm prints its own lines after the end of the figure files
	$1 == "FIGURE" && NF == 4 && $3 ~ /^-?[0-9]+(\.[0-9]+)?$/ {
		print head "," $2 "," $3 "," $4 >>figures
	}
	$1 == "FIGURE-SKIP" {
		name = $2
		sub(/^FIGURE-SKIP [^ ]+ */, "")
		gsub(/,/, ";")
		print skip "," name "," $0 >>skips
	}'
}

# console_watch FILE PID - until PID ends, the lines that matter, each with the host's clock in s
#
# The clock of an x86_64 guest counts ticks until the TSC takes over, and ticks
# get lost when the host has fewer CPUs than the guest: 60 s of boot were seen
# to be 6 s in there.  So figures of the boot use the host's clock, and the
# guest's clock is compared with it.
console_watch() {
	local line patterns=() name pattern

	for name in $(figure_list); do
		for pattern in "$(figure_field "$name" Host-begin)" \
			"$(figure_field "$name" Host-end)"; do
			[ -z "$pattern" ] || patterns+=("$pattern")
		done
	done
	# Looks every 20 ms where the file system has no notification
	tail -n +1 -s 0.02 --pid="$2" -F "$1" 2>/dev/null | while IFS= read -r line; do
		for pattern in "FIGURE-CLOCK " ${patterns[@]+"${patterns[@]}"}; do
			case "$line" in
			*"$pattern"*)
				printf '%s %s\n' "$EPOCHREALTIME" "${line//$'\r'/}"
				break ;;
			esac
		done
	done
	echo "$EPOCHREALTIME watch-end"
}

# console_watched TIMES - wait until console_watch has written all
console_watched() {
	local n

	for ((n = 0; n < 100; n++)); do
		! grep -qs ' watch-end$' "$1" || return 0
		sleep 0.1
	done
	return 1
}

# host_figures TIMES ARCH FIGURE... - "name ns ns" from the lines of console_watch
#
# By the host's clock, or by the kernel's time stamps where the figure says so.
host_figures() {
	local times=$1 arch=$2 name begin end stamp
	shift 2

	for name; do
		begin=$(figure_field "$name" Host-begin)
		end=$(figure_field "$name" Host-end)
		[ -n "$begin" ] || continue
		stamp=0
		! has_word "$(figure_field "$name" Guest-clock)" "$arch" || stamp=1
		awk -v name="$name" -v begin="$begin" -v end="$end" -v stamp="$stamp" '
		# "1700000000.123456 [    0.123456] text"
		{ now = stamp ? substr($0, index($0, "[") + 1) + 0 : $1 }
		!from && index($0, begin) { from = now }
		from && !to && index($0, end) { to = now }
		END { if (to) printf "%s %.0f ns\n", name, (to - from) * 1000000000 }
		' "$times"
	done
}

# clock_problem TIMES - why the guest's clock cannot be believed, if so
clock_problem() {
	awk '
	/FIGURE-CLOCK [0-9]+$/ {
		if (!n++) {
			host0 = $1
			guest0 = $NF
		}
		host = $1 - host0
		guest = ($NF - guest0) / 1000000000
	}
	END {
		off = guest > host ? guest - host : host - guest
		if (n < 2)
			print "no clock of the guest to compare with"
		else if (off > 0.5 && off > host / 20)
			printf "the clock of the guest is wrong: %.1f s there, %.1f s here\n",
				guest, host
	}' "$1"
}
