# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# qemu.sh - the command line, the limits and the end of a guest
#
# Usage: source it after common.sh and after arch_load, which sets the names
# in capitals.  Every guest has three limits: for reaching its init, for silence
# on the console and for the whole run.  A fourth one is for an emulator that
# stands still: even an idle guest has timers, so not one nanosecond in STANDSTILL
# seconds is a deadlock in QEMU.  SIGKILL comes behind each of them: an emulator
# was seen to ignore SIGTERM.  The exit status of QEMU says nothing about the
# guest (a panic ends it with 0), so it is only noted down.

# shellcheck disable=SC2153 # CONSOLE and others are set by arch_load

QEMU_PID=
STANDSTILL=${STANDSTILL:-20}

# smp_topology CPUS THREADS - the argument of -smp
smp_topology() {
	local cpus=$1 threads=$2

	if [ "$threads" -eq 1 ]; then
		echo "$cpus"
	else
		echo "$cpus,sockets=1,cores=$((cpus / threads)),threads=$threads"
	fi
}

# guest_cmdline - the kernel arguments every guest gets
#
# panic=-1 with -no-reboot ends QEMU at a panic.  An oops is made a panic: the
# results of a kernel after it would mean nothing.  A warning is not: it has a
# verdict of its own.
guest_cmdline() {
	echo "console=$CONSOLE $CMDLINE panic=-1 oops=panic loglevel=8" \
		"printk.devkmsg=on log_buf_len=4M smpci.end=$GUEST_END" \
		"smpci.pin=$GUEST_PIN"
}

# qemu_args ACCEL CPUS THREADS MEM - the arguments, one a line
qemu_args() {
	local accel=$1 cpus=$2 threads=$3 mem=$4 cpu=$QEMU_CPU

	# One argument a line, so that none is split or joined on the way
	printf '%s\n' "${EMULATOR[@]}"
	# shellcheck disable=SC2086 # QEMU_MACHINE is a list of words
	printf '%s\n' $QEMU_MACHINE
	case "$accel" in
	tcg) printf '%s\n' -accel tcg,thread=multi ;;
	*) printf '%s\n' -accel "$accel"; cpu=max ;;
	esac
	printf '%s\n' -cpu "$cpu" -smp "$(smp_topology "$cpus" "$threads")" \
		-m "$mem" -nodefaults -display none -no-reboot
}

# limit_scale CPUS CONFIG - factor for the default limits
#
# More guest CPUs than host CPUs make everything slower, and so do KASAN and
# lockdep.  LIMIT_FACTOR is for machines that are slow themselves.
limit_scale() {
	local cpus=$1 config=$2 factor=$((TIMEOUT_FACTOR * ${LIMIT_FACTOR:-1}))

	[ "$cpus" -le 8 ] || factor=$((factor * (cpus + 7) / 8))
	if [ -f "$config" ] && grep -qxE 'CONFIG_(KASAN|PROVE_LOCKING)=y' "$config"; then
		factor=$((factor * 3))
	fi
	echo "$factor"
}

# qemu_kill - end the emulator that this script started
qemu_kill() {
	local n=10

	[ -n "$QEMU_PID" ] || return 0
	if kill -TERM "$QEMU_PID" 2>/dev/null; then
		while [ "$n" -gt 0 ] && kill -0 "$QEMU_PID" 2>/dev/null; do
			n=$((n - 1))
			sleep 0.2
		done
		[ "$n" -gt 0 ] || kill -KILL "$QEMU_PID" 2>/dev/null || n=0
	fi
	# Only to collect it: the status of a process that was killed tells nothing
	wait "$QEMU_PID" 2>/dev/null || n=0
	QEMU_PID=
}

# standing_still - whether all threads but the main one have not run for long
#
# Uses and updates the variables of qemu_watch.  A kernel that does not count
# the time of threads knows nothing of this.
standing_still() {
	local now=$SECONDS used="" task time

	[ "$now" -ge "$next_look" ] || return 1
	next_look=$((now + 5))
	for task in "/proc/$QEMU_PID/task/"*; do
		[ "${task##*/}" != "$QEMU_PID" ] || continue
		# The thread may have ended.
		read -r time _ 2>/dev/null <"$task/schedstat" || continue
		used="$used $time"
	done
	if [ -z "$used" ] || [ "$used" != "$last_used" ]; then
		last_used=$used
		last_run=$now
	fi
	[ $((now - last_run)) -ge "$STANDSTILL" ]
}

# watch_limit CONSOLE BOOT SILENCE TOTAL - the limit that is over, if any
#
# Uses and updates the variables of qemu_watch.
watch_limit() {
	local console=$1 boot=$2 silence=$3 total=$4 now=$SECONDS

	size=$(stat -c %s "$console")
	if [ "$size" != "$last_size" ]; then
		last_size=$size
		last_change=$now
		[ "$booted" = 1 ] || ! grep -q 'SMPCI: start' "$console" || booted=1
		# A machine that has panicked has nothing more to say.
		if [ "$dying" = 0 ] && grep -q 'Kernel panic - not syncing' "$console"; then
			dying=1
		fi
	fi
	if [ $((now - began)) -ge "$total" ]; then
		ended_by="total-limit"
	elif [ "$booted" = 0 ] && [ $((now - began)) -ge "$boot" ]; then
		ended_by="boot-limit"
	elif [ $((now - last_change)) -ge "$silence" ]; then
		ended_by="silence-limit"
	elif [ "$dying" = 1 ] && [ $((now - last_change)) -ge 15 ]; then
		ended_by="silence-limit"
	elif standing_still; then
		ended_by="standstill-limit"
	fi
}

# qemu_watch DIR BOOT SILENCE TOTAL - run DIR/qemu-cmd to its end
#
# Writes DIR/status: how the run ended, the status of QEMU and the seconds.
qemu_watch() {
	local dir=$1 boot=$2 silence=$3 total=$4 rc=0 began=$SECONDS
	local size last_size=0 last_change=$SECONDS booted=0 dying=0 ended_by=""
	local last_used="" last_run=$SECONDS next_look=0

	: >"$dir/console.log"
	rm -f "$dir/monitor"
	# It does not outlive this script, even if that is killed.
	setpriv --pdeathsig KILL "$dir/qemu-cmd" file:console.log -monitor unix:monitor,server=on,wait=off </dev/null >"$dir/qemu.log" 2>&1 &
	QEMU_PID=$!
	while kill -0 "$QEMU_PID" 2>/dev/null; do
		watch_limit "$dir/console.log" "$boot" "$silence" "$total"
		[ -z "$ended_by" ] || break
		sleep 0.2
	done
	if [ -n "$ended_by" ]; then
		# Where the CPUs are is all that can be learnt of a hang.
		timeout -k 2 20 python3 "$TOP/ci/lib/cpus.py" "$dir" "$ended_by" \
			>"$dir/cpus" 2>&1 ||
			note "the emulator does not tell where its CPUs are"
		qemu_kill
		rc=killed
	else
		wait "$QEMU_PID" || rc=$?
		QEMU_PID=
	fi
	rm -f "$dir/monitor"
	printf '%s\n' "ended-by ${ended_by:-guest}" "qemu-exit $rc" \
		"seconds $((SECONDS - began))" \
		"limits boot=$boot silence=$silence total=$total" >"$dir/status"
}

# kvm_works DIR - whether KVM runs the guest of DIR to its init within 20 s
#
# The device alone proves nothing: it may exist and stop at the guest's first
# instruction.
kvm_works() {
	local dir=$1 probe ok=1

	[ -w /dev/kvm ] || return 1
	probe=$(mktemp -d "$dir/probe-XXXXXX")
	sed 's/-accel tcg,thread=multi/-accel kvm/; s/-smp [^ ]*/-smp 1/; s/-cpu [^ ]*/-cpu max/' \
		"$dir/qemu-cmd" >"$probe/qemu-cmd"
	chmod +x "$probe/qemu-cmd"
	ln "$dir/kernel" "$dir/initrd" "$probe/"
	qemu_watch "$probe" 20 20 20
	grep -q 'SMPCI: start' "$probe/console.log" && ok=0
	rm -rf "$probe"
	return "$ok"
}
