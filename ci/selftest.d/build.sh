#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# build - lost configuration, interruptions and a full disk, on a toy kernel
#
# Usage and exit codes: see ci/selftest.  The full disk needs root.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../lib/selftest.sh
. "$(dirname "$(readlink -f "$0")")/../lib/selftest.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/selftest-tree.sh
. "$TOP/ci/lib/selftest-tree.sh"

toy_build() {
	try toy_env CONFIG_DIR="$WORK/config" "$TOP/ci/build" "$@"
}

# said_last STATUS WORDS - progress may come before the one line that counts
said_last() {
	rc_is "$1" && printf '%s\n' "$STDERR" | tail -n 1 | grep -qF -- "$2"
}

last_line() {
	said_last 1 "$1"
}

bad_input() {
	toy_build riscv64 base base
	check "an unknown architecture" refused 2 "unknown architecture 'riscv64'"
	toy_build x86_64 turbo base
	check "an unknown variant" refused 2 "unknown variant 'turbo'"
	toy_build s390x rt base
	check "a variant of another architecture" refused 2 \
		"unknown variant 'rt' (s390x has: base debug kcsan)"
	toy_build x86_64 base 0123456
	check "an unknown commit" said_last 2 "no commit '0123456'"
	check "nothing was built" test ! -e "$WORK/cache/smp-series/build"
}

config_lines() {
	echo "CONFIG_NO_SUCH=y" >>"$WORK/config/debug.config"
	toy_build x86_64 debug base
	check "a line that is lost" last_line \
		"configuration of x86_64 debug base lost: CONFIG_NO_SUCH=y"
	cp "$TOP/config/debug.config" "$WORK/config/"
	echo "# CONFIG_SMP is not set" >>"$WORK/config/debug.config"
	toy_build x86_64 debug base
	check "a symbol that two fragments want" refused 1 "wanted twice: CONFIG_SMP"
	cp "$TOP/config/debug.config" "$WORK/config/"
	echo "CONFIG_NO_SUCH_2=y" >"$WORK/config/series.config"
	toy_build x86_64 debug series
	check "a symbol of the series" last_line "lost: CONFIG_NO_SUCH_2=y"
	toy_build x86_64 debug base
	check "the base is built without it" rc_is 0
	cp "$TOP/config/series.config" "$WORK/config/"
}

# tree_clean - the kernel tree of the cache is as it was checked out
tree_clean() {
	[ -z "$(git -C "$WORK"/cache/smp-series/linux/git-* status --porcelain)" ]
}

has_products() {
	local f

	for f in kernel config System.map release id bench-module/smp_bench.ko; do
		[ -s "$1/$f" ] || return 1
	done
}

good_builds() {
	local base series

	: >"$WORK/config/series.config"
	toy_build x86_64 base base
	base=$STDOUT
	check "the products of the base are there" has_products "$base"
	toy_build x86_64 base series
	series=$STDOUT
	check "the kernel with the series is another one" grep -q "a20 = 1" "$series/kernel"
	check "the base has nothing of the series" test -z "$(grep "a20 = 1" "$base/kernel")"
	check "the tree is clean after a build" tree_clean
	rm "$WORK"/cache/smp-series/build/*-x86_64-base/started
	toy_build x86_64 base base
	check "the same kernel is not built again" test "$STDOUT" = "$base" -a \
		! -e "$(echo "$WORK"/cache/smp-series/build/*-x86_64-base)/started"
}

# whole_products - every folder among the products is complete
whole_products() {
	local dir

	while read -r dir; do
		has_products "$dir" || return 1
	done < <(find "$WORK/cache/smp-series/kernels" -mindepth 1 -maxdepth 1)
}

# interrupted SIGNAL FILE CMD... - send SIGNAL as soon as FILE is there
interrupted() {
	local signal=$1 file=$2 pid
	shift 2

	setsid env --default-signal=INT XDG_CACHE_HOME="$WORK/cache" LINUX="$TOY" \
		SLOW=300 "$@" >"$WORK/stdout" 2>"$WORK/stderr" </dev/null &
	pid=$!
	within 60 test -e "$file" || echo "# nothing to interrupt"
	kill "-$signal" "$pid"
	RC=0
	# The shell would report a job that was killed.
	{ wait "$pid" || RC=$?; } 2>/dev/null
	STDERR=$(cat "$WORK/stderr")
	[ "$signal" != KILL ] || kill -KILL -- "-$pid" || echo "# no process was left"
}

interruptions() {
	local obj before

	before=$(toy_state)
	obj=$(echo "$WORK"/cache/smp-series/build/*-x86_64-debug)
	rm "$obj/started"
	echo "# another" >>"$WORK/config/debug.config"
	interrupted INT "$obj/started" env CONFIG_DIR="$WORK/config" \
		"$TOP/ci/build" x86_64 debug base
	check "SIGINT in the middle of a build" last_line "interrupted by SIGINT"
	check "no process is left" nothing_left "$WORK/cache"
	check "no half product is left" whole_products
	check "the tree is clean" tree_clean

	rm "$obj/started"
	interrupted KILL "$obj/started" env CONFIG_DIR="$WORK/config" \
		"$TOP/ci/build" x86_64 debug base
	toy_build x86_64 debug base
	check "a build after one that was killed starts from nothing" \
		grep -q "was killed, starting from nothing" "$WORK/stderr"
	check "and works" has_products "$STDOUT"
	check "the tree of the user is as it was" test "$(toy_state)" = "$before"

	echo "int mine;" >>"$(echo "$WORK"/cache/smp-series/linux/git-*)/kernel/a.c"
	toy_build s390x base base
	check "a kernel tree with local changes" last_line "has local changes"
}

# slow_unpack - SIGINT while ci/source unpacks a package
slow_unpack() {
	local deb=$WORK/cache/smp-series/dl/linux-source-7.3_7.3.4-1_all.deb

	mkdir -p "$WORK/bin" "$(dirname "$deb")"
	echo package >"$deb"
	sed -i "s/^# SHA256 .*/# SHA256 $(sha256sum <"$deb" | cut -d' ' -f1)/" "$SERIES_FILE"
	printf '%s\n' '#!/bin/sh' "cd $WORK/cache && : >$WORK/unpacking" \
		'sleep 300' >"$WORK/bin/dpkg-deb"
	chmod +x "$WORK/bin/dpkg-deb"
	interrupted INT "$WORK/unpacking" env LINUX= PATH="$WORK/bin:$PATH" "$TOP/ci/source"
	check "SIGINT while a package is unpacked" last_line "interrupted by SIGINT"
	check "no process of it is left" nothing_left "$WORK/cache"
	check "no half tree is left" test -z "$(find "$WORK/cache/smp-series/linux" \
		-mindepth 1 -maxdepth 1 ! -name '.lock-*' ! -name 'git-*')"
}

full_disk() {
	mkdir "$WORK/disk"
	if ! mount -t tmpfs -o size=8m tmpfs "$WORK/disk" 2>"$WORK/mount"; then
		selftest_skip "a full disk: $(cat "$WORK/mount")"
		selftest_skip "nothing is left on it"
		return
	fi
	try env XDG_CACHE_HOME="$WORK/disk" LINUX="$TOY" "$TOP/ci/build" x86_64 base
	check "a full disk" refused 1 "not enough space in $WORK/disk"
	check "nothing is left on it" test -z \
		"$(find "$WORK/disk" -type f ! -name '.lock-*')"
}

# real_lines - the kernel's own Kconfig, and the fragments as they are
real_lines() {
	local arch variant tree VARIANTS

	tree=$(env -u LINUX -u SERIES_FILE -u PATCHES_DIR "$TOP/ci/source" 2>"$WORK/stderr")
	for arch in x86_64 s390x; do
		arch_load "$arch"
		for variant in $VARIANTS; do
			try real_config "$tree" "$arch" "$variant" "$TOP/config"
			check "$arch $variant: no line is lost" rc_is 0
		done
	done
	rm "$WORK/obj-$arch/config.log"
	try real_config "$tree" "$arch" "$variant" "$TOP/config"
	check "the same is not configured again" test "$RC" = 0 -a ! -e "$WORK/obj-$arch/config.log"
	echo "# CONFIG_SMP is not set" >>"$WORK/obj-$arch/.config"
	try real_config "$tree" "$arch" "$variant" "$TOP/config"
	check "what was changed is" test "$RC" = 0 -a -e "$WORK/obj-$arch/config.log"
	cp -r "$TOP/config" "$WORK/lossy"
	# One that is unknown, one that depends on what is not set, one forced on
	printf '%s\n' "CONFIG_NO_SUCH=y" "CONFIG_NUMA_BALANCING_DEFAULT_ENABLED=y" \
		"# CONFIG_TRACEPOINTS is not set" >>"$WORK/lossy/x86_64.config"
	try real_config "$tree" x86_64 base "$WORK/lossy"
	check "lines that Kconfig drops are named" last_line "lost: CONFIG_NO_SUCH=y;\
 CONFIG_NUMA_BALANCING_DEFAULT_ENABLED=y; # CONFIG_TRACEPOINTS is not set"
}

# real_config TREE ARCH VARIANT CONFIG_DIR - in a shell that may die
real_config() {
	# shellcheck disable=SC2016 # for the inner shell
	env CONFIG_DIR="$4" bash -euc '
		. "$0/common.sh"; . "$0/linux.sh"; . "$0/kernel.sh"
		git_neutral
		arch_load "$2"
		SRC=$1 OBJ=$4
		mkdir -p "$OBJ"
		kernel_wanted "$3" base base >"$OBJ/wanted"
		kernel_config "$OBJ/wanted" "$2 $3"' \
		"$TOP/ci/lib" "$1" "$2" "$3" "$WORK/obj-$2"
}

main() {
	selftest_begin 38
	toy_kernel
	toy_series
	cp -r "$TOP/config" "$WORK/config"
	bad_input
	config_lines
	good_builds
	interruptions
	slow_unpack
	full_disk
	real_lines
	selftest_end
}

main "$@"
