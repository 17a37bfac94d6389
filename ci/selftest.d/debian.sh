#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# debian - the Debian root file system: bad input, and when it is made again
#
# mmdebstrap is played by a stub, which packs one file.
#
# Usage and exit codes: see ci/selftest

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../lib/selftest.sh
. "$(dirname "$(readlink -f "$0")")/../lib/selftest.sh"

# root ARCH - what ci/lib/debian.sh prints
root() {
	# shellcheck disable=SC2016 # for the inner shell
	try env XDG_CACHE_HOME="$WORK/cache" DEBIAN_MIRROR=http://example.org/debian \
		DEBIAN_PACKAGES="$WORK/packages" PATH="$WORK/bin:$PATH" bash -euc '
		. "$0/common.sh"; . "$0/apt.sh"; . "$0/guest.sh"; . "$0/debian.sh"
		arch_load "$1"
		debian_root' "$TOP/ci/lib" "$1"
}

stub() {
	mkdir "$WORK/bin"
	cat >"$WORK/bin/mmdebstrap" <<-END
		#!/bin/bash
		set -eu
		echo "\$*" >>"$WORK/calls"
		[ ! -e "$WORK/broken" ] || { echo "E: no package"; exit 25; }
		for arg; do
			case "\$arg" in
			*.tar) out=\$arg ;;
			esac
		done
		mkdir -p "$WORK/tree/usr/bin" "$WORK/tree/etc" "$WORK/tree/dev"
		ln -sfn usr/bin "$WORK/tree/bin"
		: >"$WORK/tree/dev/null"
		tar -C "$WORK/tree" -cf "\$out" .
	END
	chmod +x "$WORK/bin/mmdebstrap"
	: >"$WORK/calls"
	printf '%s\n' "# a list" "" "dash" "perl-base  # for the runner" >"$WORK/packages"
}

calls() {
	[ "$(wc -l <"$WORK/calls")" -eq "$1" ]
}

# last_said STATUS WORDS - progress may come before the line that counts
last_said() {
	rc_is "$1" && printf '%s\n' "$STDERR" | tail -n 1 | grep -qF -- "$2"
}

missing_tool() {
	local tool

	mkdir "$WORK/few"
	for tool in bash readlink dirname basename sed; do
		ln -s "$(command -v "$tool")" "$WORK/few/"
	done
	# shellcheck disable=SC2016 # for the inner shell
	try env PATH="$WORK/few" XDG_CACHE_HOME="$WORK/cache" bash -euc '
		. "$0/common.sh"; . "$0/apt.sh"; . "$0/guest.sh"; . "$0/debian.sh"
		arch_load s390x
		debian_root' "$TOP/ci/lib"
	check "no mmdebstrap" refused 1 "missing: mmdebstrap"
}

main() {
	local first

	selftest_begin 10
	missing_tool
	stub
	root s390x
	first=$STDOUT
	check "it is made" test -d "$first/etc" -a "$(basename "$first")" = debian
	check "for the architecture, of these packages" grep -q -- \
		"--architectures=s390x --include=dash,perl-base " "$WORK/calls"
	check "with the links of a shell and awk, without devices" test \
		-L "$first/bin/sh" -a -L "$first/usr/bin/awk" -a ! -e "$first/dev/null"
	root s390x
	check "it is not made again" test "$STDOUT" = "$first" -a "$(wc -l <"$WORK/calls")" = 1
	echo diffutils >>"$WORK/packages"
	root s390x
	check "another list makes another one" test "$STDOUT" != "$first"
	root x86_64
	check "and another architecture" calls 3
	: >"$WORK/broken"
	echo no-such-package >>"$WORK/packages"
	root s390x
	check "a package that there is not" last_said 1 "no Debian root file system, see"
	check "nothing half is left" test -z \
		"$(find "$WORK/cache" -name '.debian-*')" -a \
		"$(find "$WORK/cache/smp-series/guest/s390x" -maxdepth 1 -type d \
			-name 'debian-*' | wc -l)" = 2
	rm "$WORK/packages"
	root s390x
	check "no list" last_said 1 "no list $WORK/packages"
	selftest_end
}

main "$@"
