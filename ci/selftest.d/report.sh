#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# report - selftest of ci/bench and ci/report, without a real guest
#
# Usage and exit codes: see ci/selftest
#
# A known CSV must give a known table, a figure that one side lacks must be
# shown, and a guest that fails must fail the bench.  Guests are played by a
# stub that prints a prepared console.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../lib/selftest.sh
. "$(dirname "$(readlink -f "$0")")/../lib/selftest.sh"

same() {
	diff -u "$1" "$2"
}

has_line() {
	grep -qxE -- "$2" "$1" || { sed 's/^/# /' "$1"; return 1; }
}

# report_of CSVLINE... - the table that these rows give
report_of() {
	{
		echo "arch,smp,pair,order,kernel,figure,value,unit"
		printf '%s\n' "$@"
	} >"$WORK/in.csv"
	try "$TOP/ci/report" "$WORK/in.csv"
}

check_known_table() {
	report_of x86_64,8,1,1,A,stop_p50,1000000,ns x86_64,8,1,2,B,stop_p50,250000,ns \
		x86_64,8,2,2,A,stop_p50,3000000,ns x86_64,8,2,1,B,stop_p50,750000,ns \
		x86_64,8,3,1,A,stop_p50,2000000,ns x86_64,8,3,2,B,stop_p50,500000,ns \
		x86_64,8,1,1,A,windows,7,count x86_64,8,1,2,B,windows,7,count
	cat >"$WORK/want" <<-END
		x86_64, 8 CPUs: A against B

		figure    A        range        B         range          ratio  ranges  n
		--------  -------  -----------  --------  -------------  -----  ------  ---
		stop_p50  2 ms     1 - 3        0.500 ms  0.250 - 0.750  0.25   few     3/3
		windows   7        7 - 7        7         7 - 7          1.00   same    1/1
	END
	sed -n '1,6p' "$WORK/stdout" | sed 's/  */ /g' >"$WORK/got"
	sed 's/  */ /g; s/--* *//g' "$WORK/want" >"$WORK/want1"
	sed -i 's/--* *//g' "$WORK/got"
	same "$WORK/want1" "$WORK/got" &&
		grep -q "NOT FIT TO BE QUOTED: only 1 value" "$WORK/stdout"
}

check_missing_side() {
	report_of s390x,8,1,1,A,ctxt,5,count s390x,8,1,2,B,ctxt,6,count \
		s390x,8,1,2,B,stop_windows,7,count
	has_line "$WORK/stdout" 'stop_windows +missing +7 +- +0/1' &&
		has_line "$WORK/stdout" 'figure +A +B +ratio +n'
}

check_five_pairs_quotable() {
	local i rows=()

	for i in 1 2 3 4 5; do
		rows+=("x86_64,2,$i,1,A,f,1$i,ns" "x86_64,2,$i,2,B,f,1$i,ns"
			"x86_64,2,$i,1,A,g,1$i,ns" "x86_64,2,$i,2,B,g,2$i,ns")
	done
	report_of "${rows[@]}"
	! grep -q "NOT FIT" "$WORK/stdout" &&
		has_line "$WORK/stdout" 'f +13 ns +11 - 15 +13 ns +11 - 15 +1.00 +overlap +5/5' &&
		has_line "$WORK/stdout" 'g +13 ns +11 - 15 +23 ns +21 - 25 +1.77 +apart +5/5'
}

check_bad_csv() {
	report_of x86_64,8,1,1,A,f,12abc,ns
	refused 1 "not a number" || return 1
	report_of x86_64,8,1,1,A,f
	refused 1 "wrong number of fields"
}

# The summary: in words, without what it does not list, and no verdict that one value or
# ranges that overlap would give
check_summary() {
	report_of x86_64,8,1,1,A,stop_p50,100,ns x86_64,8,1,2,B,stop_p50,50,ns \
		x86_64,8,1,1,A,stop_p99,100,ns x86_64,8,1,2,B,stop_p99,50,ns
	try "$TOP/ci/report" --summary "$WORK/in.csv"
	rc_is 0 && has_line "$WORK/stdout" 'stop_machine\(\) that does nothing +100 ns +50 ns +undecided +1/1' &&
		! grep -q p99 "$WORK/stdout" || return 1
	report_of x86_64,8,1,1,A,smt_on,100,ns x86_64,8,2,2,A,smt_on,110,ns \
		x86_64,8,1,2,B,smt_on,50,ns x86_64,8,2,1,B,smt_on,60,ns \
		x86_64,8,1,1,A,smt_off,5,ns x86_64,8,2,2,A,smt_off,9,ns \
		x86_64,8,1,2,B,smt_off,7,ns x86_64,8,1,1,A,one_sided,7,ns
	try "$TOP/ci/report" --summary "$WORK/in.csv"
	has_line "$WORK/stdout" 'SMT on +105 ns \(100 - 110\) +55 ns \(50 - 60\) +less: 0.52 +2/2' &&
		has_line "$WORK/stdout" 'SMT off +7 ns \(5 - 9\) +7 ns +undecided +2/1' &&
		grep -q "for 1 of 3 figures with 2 boots" "$WORK/stdout"
}

check_csv() {
	mkdir -p "$WORK/kept"
	printf '%s\n' arch,smp,pair,order,kernel,figure,value,unit s390x,8,1,1,A,f,1.5,ns \
		s390x,8,1,2,B,f,3,ns s390x,8,1,2,B,g,4,count >"$WORK/kept/figures.csv"
	printf '%s\n' "s390x A: base c0ffeec0ffee00 series none s390x base gcc" \
		"s390x B: series beef series 0123456789abcdef s390x base gcc" >"$WORK/kept/info"
	try "$TOP/ci/report" --format csv "$WORK/kept"
	rc_is 0 && has_line "$WORK/stdout" 's390x,8,f,ns,c0ffeec0ffee,0123456789ab,1.5,1.5,1.5,1,3,3,3,1,2.00,few' &&
		has_line "$WORK/stdout" 's390x,8,g,count,c0ffeec0ffee,0123456789ab,,,,0,4,4,4,1,-,' || return 1
	try "$TOP/ci/report" --summary --format csv "$WORK/kept"
	refused 2 "exclude each other"
}

# make_kernel NAME STATUS LINE... - a product folder for the stub
make_kernel() {
	local dir=$WORK/$1

	mkdir -p "$dir"
	echo "$1" >"$dir/id"
	: >"$dir/kernel"
	echo "$2" >"$dir/status"
	echo 0.5 >"$dir/sleep"
	shift 2
	printf '[   12.345678] %s\r\n' "$@" >"$dir/console"
}

make_stub() {
	cat >"$WORK/boot" <<-'END'
		#!/bin/bash
		set -eu
		dir=$2 name=""
		[ "$1" = x86_64 ]
		while [ "$#" -gt 0 ]; do
			[ "$1" != --name ] || name=$2
			[ "$1" != --qemu-arg ] || echo "$2" >>"$RESULTS/../qemu"
			shift
		done
		name=$name-x86_64-8
		mkdir -p "$RESULTS/$name"
		# Two clock lines with half a second between them, by both clocks
		echo "[    1.0] FIGURE-CLOCK 1000000000" >"$RESULTS/$name/console.log"
		sleep "$(cat "$dir/sleep")"
		echo "[    1.5] FIGURE-CLOCK 1500000000" >>"$RESULTS/$name/console.log"
		if [ -s "$dir/faults" ]; then
			sed -i 1d "$dir/faults"
			echo "[    1.7] Oops: int3: 0000 [#1] SMP" >>"$RESULTS/$name/console.log"
			echo "$name" >>"$RESULTS/../order"
			echo "$RESULTS/$name"
			exit 4
		fi
		cat "$dir/console" >>"$RESULTS/$name/console.log"
		sleep 0.2
		echo "$name" >>"$RESULTS/../order"
		echo "$RESULTS/$name"
		exit "$(cat "$dir/status")"
	END
	chmod +x "$WORK/boot"
}

# bench_stub NAME A B - two pairs with the stub; status in RC
bench_stub() {
	try env BOOT="$WORK/boot" "$TOP/ci/bench" --arch x86_64 --smp 8 --pairs 2 \
		--qemu-arg -cpu --qemu-arg max --results "$WORK/$1" "$WORK/$2" "$WORK/$3"
}

check_bench_pass() {
	bench_stub r1 good1 good2
	rc_is 0 || return 1
	has_line "$WORK/stdout" 'stop_p50 +100 ns +100 - 100 +50 ns +50 - 50 +0.50 +few +2/2' &&
		has_line "$WORK/stdout" '\* skipped: smt_offon on x86_64, 8 CPUs \(A\): no; SMT' &&
		[ "$(sed 's/-x86.*//' "$WORK/r1/bench/order" | xargs)" = "1-A 1-B 2-B 2-A" ] &&
		[ "$(sed -n 1,2p "$WORK/r1/bench/qemu" | xargs)" = "-cpu max" ] &&
		grep -q "fewer than 5 pairs" "$WORK/stderr"
}

# A guest that fails: status 1, its figures are not used, its log is named
check_bench_failed_guest() {
	bench_stub r2 good1 panic
	rc_is 1 || return 1
	has_line "$WORK/stdout" 'stop_p50 +100 ns +100 - 100 +missing +- +2/0' &&
		grep -q "GUEST WITHOUT A PASS: .* panic" "$WORK/stdout" &&
		grep -q "verdict panic, its figures are not used; log: $WORK/r2/bench/.*console.log" \
			"$WORK/stderr"
}

# A known fault of the emulator: the guest is repeated, both runs are shown
check_bench_emulator_fault() {
	echo one >"$WORK/good2/faults"
	bench_stub r7 good1 good2
	rc_is 0 || return 1
	has_line "$WORK/stdout" 'stop_p50 +100 ns +100 - 100 +50 ns +50 - 50 +0.50 +few +2/2' &&
		has_line "$WORK/stdout" 'x86_64 +8 +1 +B +panic \(known fault of QEMU\) .*' &&
		[ "$(sed 's/-x86.*//' "$WORK/r7/bench/order" | xargs)" = "1-A 1-B 1-B-again 2-B 2-A" ]
}

# Twice in a row: nothing is repeated for ever
check_bench_emulator_fault_again() {
	printf '%s\n' one two >"$WORK/good2/faults"
	bench_stub r8 good1 good2
	rc_is 1 && has_line "$WORK/stdout" 'stop_p50 +100 ns +100 - 100 +50 ns +50 - 50 +0.50 +few +2/1' &&
		[ "$(sed 's/-x86.*//' "$WORK/r8/bench/order" | xargs)" = "1-A 1-B 1-B-again 2-B 2-A" ]
}

# Lines that got lost on the console, and a figure file that failed
check_bench_lost_lines() {
	bench_stub r3 good1 short
	rc_is 1 && grep -q "1 figures arrived, the guest printed 2" "$WORK/stderr" || return 1
	bench_stub r4 good1 figfail
	rc_is 1 && grep -q "figure failed: stop_latency broken" "$WORK/stderr"
}

# A guest whose clock lost time, and a figure that is timed on the host
check_bench_clock() {
	echo 1.5 >"$WORK/good2/sleep"
	bench_stub r5 good1 good2
	echo 0.5 >"$WORK/good2/sleep"
	rc_is 1 && grep -q "the clock of the guest is wrong: 0.5 s there, 1.[0-9] s here" \
		"$WORK/stderr" || return 1
	bench_stub r6 good1 booted
	rc_is 0 && has_line "$WORK/stdout" 'secondary_boot +missing +[0-9.]+ [mun]s .* 0/2'
}

check_bench_usage() {
	local args

	for args in "" "base" "--arch mips base series" "--figures nope base series" \
		"--pairs x base series" "/nonexistent base" "--pairs"; do
		# shellcheck disable=SC2086 # a list of arguments
		try env BOOT="$WORK/boot" "$TOP/ci/bench" --results "$WORK/none" $args
		refused 2 "" && [ ! -e "$WORK/none" ] || return 1
	done
}

# What reads the consoles must end with the guests
check_nothing_left() {
	local f n=0

	for f in "$WORK"/r*/bench/guests/*.times; do
		grep -q 'watch-end$' "$f" || return 1
		n=$((n + 1))
	done
	[ "$n" -ge 4 ] && ! pgrep -f "tail.*$WORK/" >/dev/null
}

# Every figure file must have the header that ci/bench needs
check_figure_headers() {
	local f

	try "$TOP/ci/bench" --list
	for f in "$TOP"/ci/bench.d/*.sh; do
		grep -q "^$(basename "$f" .sh) .*[a-z]" "$WORK/stdout" || return 1
	done
}

main() {
	selftest_begin 15
	# Not the real series: this test is about neither its state nor its hash
	export SERIES_FILE=$WORK/series PATCHES_DIR=$WORK
	: >"$SERIES_FILE"
	make_stub
	make_kernel good1 0 "FIGURE-RUN x" "FIGURE stop_p50 100 ns" \
		"FIGURE-SKIP smt_offon no, SMT" "FIGURES-END 1" "# # FIGURE storm_ops 5 count"
	make_kernel good2 0 "FIGURE stop_p50 50 ns" "FIGURES-END 1"
	make_kernel booted 0 "smp: Bringing up secondary CPUs ..." \
		"smp: Brought up 1 node, 8 CPUs" "FIGURES-END 0"
	make_kernel panic 4 "FIGURE stop_p50 50 ns"
	make_kernel short 0 "FIGURE stop_p50 50 ns" "FIGURES-END 2"
	make_kernel figfail 0 "FIGURE-FAIL stop_latency broken" "FIGURES-END 0"

	check "a known CSV gives the known table" check_known_table
	check "a figure that one side lacks is shown as missing" check_missing_side
	check "five pairs carry no warning" check_five_pairs_quotable
	check "the summary decides nothing that the values do not" check_summary
	check "the CSV says which kernels it is of" check_csv
	check "a malformed CSV is refused in one line" check_bad_csv
	check "bench: two good kernels, order swapped every pair" check_bench_pass
	check "bench: a failed guest fails the bench" check_bench_failed_guest
	check "bench: a known fault of the emulator: repeated, and shown" check_bench_emulator_fault
	check "bench: repeated once only" check_bench_emulator_fault_again
	check "bench: lost lines and failed figures are noticed" check_bench_lost_lines
	check "bench: the guest's clock and the host's clock" check_bench_clock
	check "bench: bad usage is one line and changes nothing" check_bench_usage
	check "bench: nothing is left running" check_nothing_left
	check "every figure file has its header" check_figure_headers
	selftest_end
}

main "$@"
