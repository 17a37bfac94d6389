# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# bench.sh - the parts of ci/bench that deal with figure files and guests
#
# Usage: sourced by ci/bench, after common.sh and bench-console.sh.  Uses its
# OUT, TMP, STORM, QEMU_ARGS and GUEST_NR; the rows go to OUT/figures.csv, OUT/skips.csv and
# OUT/runs.csv.

FIGURES_DIR=${FIGURES_DIR:-$TOP/ci/bench.d}
# The selftest puts its own in the place of these two
BOOT=${BOOT:-$TOP/ci/boot}
BUILD=${BUILD:-$TOP/ci/build}

# figure_field NAME FIELD - a field of the header of one figure file
figure_field() {
	sed -n "s/^# $2: *//p" "$FIGURES_DIR/$1.sh" | head -n 1
}

figure_list() {
	local f

	for f in "$FIGURES_DIR"/*.sh; do
		[ -f "$f" ] || usage_die "no figure files in $FIGURES_DIR"
		basename "$f" .sh
	done
}

# figure_check NAME - the header must say where the figure is for
figure_check() {
	local name=$1 field word

	[ -f "$FIGURES_DIR/$name.sh" ] ||
		usage_die "unknown figure '$name' (have: $(figure_list | xargs))"
	for field in Figures Archs Cpus; do
		[ -n "$(figure_field "$name" "$field")" ] ||
			usage_die "$FIGURES_DIR/$name.sh: no '# $field:' line in the header"
	done
	for word in $(figure_field "$name" Archs); do
		has_word "$(arch_list | xargs)" "$word" ||
			usage_die "$FIGURES_DIR/$name.sh: unknown architecture '$word'"
	done
	for word in $(figure_field "$name" Cpus); do
		case "$word" in
		*[!0-9]*) usage_die "$FIGURES_DIR/$name.sh: bad CPU count '$word'" ;;
		esac
	done
}

figure_describe() {
	local name

	for name; do
		figure_check "$name"
		printf '%-16s %s\n' "$name" \
			"$(sed -n "s/^# $name\\.sh - //p" "$FIGURES_DIR/$name.sh")"
		printf '%-16s   prints %s; on %s; at %s CPUs\n' "" \
			"$(figure_field "$name" Figures)" \
			"$(figure_field "$name" Archs)" "$(figure_field "$name" Cpus)"
	done
}

has_word() {
	case " $1 " in
	*" $2 "*) return 0 ;;
	esac
	return 1
}

# figures_for ARCH SMP FORCED NAME... - those of NAME that run in such a guest
#
# FORCED=1: the user gave the CPU counts, so those of the header do not count
# (a figure that cannot run with so few CPUs skips itself in the guest).
figures_for() {
	local arch=$1 smp=$2 forced=$3 name
	shift 3

	for name; do
		has_word "$(figure_field "$name" Archs)" "$arch" || continue
		[ "$forced" = 1 ] ||
			has_word "$(figure_field "$name" Cpus)" "$smp" || continue
		echo "$name"
	done
}

# payload_make DIR - what the guest needs; DIR's last part names it in there
payload_make() {
	mkdir -p "$1/figures"
	cp "$TOP/ci/lib/guest-bench.sh" "$TOP/ci/lib/guest-bench-run.sh" "$1/"
	cp "$FIGURES_DIR"/*.sh "$1/figures/"
}

# guest_command QUICK STORM_SECONDS FIGURE... - what the guest's shell runs
#
# The figures come before the storms, so that they see a fresh kernel and the
# boot messages.
guest_command() {
	local quick=$1 storm=$2 name cmd="rc=0"
	shift 2

	if [ "$#" -gt 0 ]; then
		cmd="$cmd; BENCH_QUICK=$quick sh /payload/bench/guest-bench-run.sh"
		for name; do
			cmd="$cmd /payload/bench/figures/$name.sh"
		done
		cmd="$cmd || rc=1"
	fi
	if [ "$storm" -gt 0 ]; then
		cmd="$cmd; cd /kselftest || exit 1"
		cmd="$cmd; export SMP_STORM_SECONDS=$storm"
		# One minute of test must not meet the default limit of 45 s
		cmd="$cmd; ./run_kselftest.sh -o $((storm * 4 + 60)) -t $STORM_TEST || rc=1"
	fi
	echo "$cmd; exit \$rc"
}

# boot_guest CONSOLE TIMES DIRFILE ARG... - boot, the result folder in DIRFILE
boot_guest() {
	local console=$1 times=$2 dirfile=$3 me=$BASHPID
	shift 3

	# The folder is there first: tail can then wait for the file
	mkdir -p "$(dirname "$console")"
	rm -f "$console"
	console_watch "$console" "$me" >"$times" &
	# In the place of the subshell, so that ending it ends the guest
	exec "$BOOT" "$@" >"$dirfile"
}

# guest_run ARCH SMP PAIR ORDER KERNEL DIR COMMAND FIGURE...
#
# KERNEL is A or B, DIR the product folder to boot.
# Boots one guest, and once more if it died of a known fault of the emulator;
# both are in runs.csv then.  Returns 1 if it did not pass.
guest_run() {
	GUEST_NR=$((GUEST_NR + 1))
	guest_once "" "$@" && return
	[ "$GUEST_KNOWN" = 1 ] || return 1
	note "flaky: a known fault of the emulator, the guest is repeated once"
	guest_once -again "$@"
}

# guest_once SUFFIX ARGUMENT... - one boot, ARGUMENTs as for guest_run
#
# Its rows are kept only if its verdict is pass.  Returns 1 and names the log if
# not; GUEST_KNOWN=1 if it died of a known fault of the emulator.
guest_once() {
	local suffix=$1 arch=$2 smp=$3 pair=$4 order=$5 kernel=$6 dir=$7 cmd=$8
	local name rc=0 start=$SECONDS result="" verdict problem="" log times
	local args=(${QEMU_ARGS[@]+"${QEMU_ARGS[@]}"})
	shift 8

	GUEST_KNOWN=0
	arch_load "$arch"
	if [ "$HAS_SMT" = 1 ] && [ $((smp % 2)) -eq 0 ]; then
		args+=(--threads 2)
	fi
	[ ! -d "$dir/bench-module" ] || args+=(--payload "$dir/bench-module")
	name=$arch-$smp-$pair-$kernel$suffix
	times=$OUT/guests/$name.times
	rm -f "$TMP/dir" "$times"
	RESULTS=$OUT/guests step_run "$(guest_label "$arch" "$smp" "$pair" "$kernel")" \
		"$OUT/guests/$name.log" boot_guest \
		"$OUT/guests/$pair-$kernel$suffix-$arch-$smp/console.log" "$times" "$TMP/dir" \
		"$arch" "$dir" --smp "$smp" "${args[@]}" --name "$pair-$kernel$suffix" \
		--payload "$TMP/bench" --boot-limit 180 --silence-limit 420 \
		--total-limit 1500 -- "$cmd" || rc=$?
	[ ! -f "$TMP/dir" ] || result=$(tail -n 1 "$TMP/dir")
	log=$OUT/guests/$name.log
	[ ! -f "$result/console.log" ] || log=$result/console.log
	case "$rc" in
	0) verdict=pass ;;
	1) verdict=fail ;;
	3) verdict=splat ;;
	4) verdict=panic ;;
	5) verdict=hang ;;
	*) verdict=harness-error ;;
	esac
	console_watched "$times" || note "$name: the console was not read to its end"
	[ "$#" -eq 0 ] || problem=$(console_problem "$log" "$times" | head -n 1)
	# A storm that skips itself is a pass of the guest
	# shellcheck disable=SC2153 # set by ci/bench
	if [ -z "$problem" ] && [ "$STORM" -gt 0 ] &&
		! grep -q 'FIGURE storm_all_stop_calls [0-9]' "$log"; then
		problem="the storm did not run"
	fi
	if [ -n "$problem" ] && [ "$verdict" = pass ]; then
		verdict=harness-error
	fi
	[ -z "$problem" ] || note "$name: $problem"
	if [ "$verdict" != pass ] && emulator_trouble "$result"; then
		GUEST_KNOWN=1
		verdict="$verdict (known fault of QEMU)"
	fi
	echo "$arch,$smp,$pair,$order,$kernel,$verdict,$((SECONDS - start)),$log" >>"$OUT/runs.csv"
	if [ "$verdict" != pass ]; then
		printf '%s: guest %s: verdict %s, its figures are not used; log: %s\n' \
			"$CMD_NAME" "$name" "$verdict" "$log" >&2
		return 1
	fi
	host_figures "$times" "$arch" "$@" |
		sed "s/^/$arch,$smp,$pair,$order,$kernel,/; s/ /,/g" >>"$OUT/figures.csv"
	console_collect "$log" "$arch" "$smp" "$pair" "$order" "$kernel"
}

guest_label() {
	echo "guest $GUEST_NR of $GUEST_TOTAL: $1, $2 CPUs, pair $3, $(kernel_label "$4")"
}
