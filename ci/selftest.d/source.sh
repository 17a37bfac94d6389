#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# source - kernels that cannot be used are refused, and nothing is half made
#
# Usage and exit codes: see ci/selftest

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../lib/selftest.sh
. "$(dirname "$(readlink -f "$0")")/../lib/selftest.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/selftest-tree.sh
. "$TOP/ci/lib/selftest-tree.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/linux.sh
. "$TOP/ci/lib/linux.sh"

untouched() {
	[ "$(toy_state)" = "$STATE" ]
}

refused_untouched() {
	refused "$1" "$2" && untouched
}

own_tree() {
	STATE=$(toy_state)
	try toy_env "$TOP/ci/source"
	check "LINUX: a git tree is used and not touched" untouched
	check "LINUX: the series is in the tree that is printed" test \
		"$(git -C "$STDOUT" log --oneline base..series | wc -l)" = 3

	try toy_env LINUX="$WORK/nowhere" "$TOP/ci/source"
	check "LINUX: no such folder" refused 2 "no such folder"
	try toy_env LINUX="$WORK" "$TOP/ci/source"
	check "LINUX: not a git tree" refused 2 "is not a git tree"
	try toy_env LINUX="$TOP" "$TOP/ci/source"
	check "LINUX: not a kernel" refused 2 "is not"
	echo "int mine;" >>"$TOY/kernel/a.c"
	STATE=$(toy_state)
	try toy_env "$TOP/ci/source"
	check "LINUX: local changes are refused and kept" refused_untouched 2 "has local changes"
	toy_git "$TOY" commit -q -a -m "Mine"
	sed -i 's/int a20;/int a20 = 7;/' "$TOY/kernel/a.c"
	toy_git "$TOY" commit -q -a -m "In the way of the series"
	STATE=$(toy_state)
	try toy_env "$TOP/ci/source"
	check "LINUX: a base that the series does not apply to" last_line \
		"patch does not apply: one/a-Set-a20"
	check "and it is not touched" untouched
	toy_git "$TOY" reset -q --hard HEAD~2
}

# last_line WORDS - failed, and the last line says why
last_line() {
	rc_is 1 && printf '%s\n' "$STDERR" | tail -n 1 | grep -qF -- "$1"
}

bad_series() {
	cp -r "$PATCHES_DIR" "$WORK/good"
	cp "$SERIES_FILE" "$WORK/good.series"
	rm "$PATCHES_DIR"/one/a-*
	try toy_env "$TOP/ci/tree"
	check "a patch that is listed but missing" refused 1 "is listed but missing"
	rm -r "$PATCHES_DIR"
	cp -r "$WORK/good" "$PATCHES_DIR"
	cp "$PATCHES_DIR"/one/a-* "$PATCHES_DIR/one/unlisted.patch"
	try toy_env "$TOP/ci/tree"
	check "a patch that is not listed" refused 1 "one/unlisted.patch is not listed"
	rm "$PATCHES_DIR/one/unlisted.patch"
	# The context is wrong by one line: patch(1) would apply it with fuzz.
	sed -i 's/^ int a17;/ int b17;/' "$PATCHES_DIR"/one/a-*
	try toy_env "$TOP/ci/tree" "$WORK/new"
	check "a patch that would need fuzz" last_line "patch does not apply: one/a-Set-a20"
	check "no tree is made" test ! -e "$WORK/new"
	rm -r "$PATCHES_DIR"
	cp -r "$WORK/good" "$PATCHES_DIR"
	try toy_env "$TOP/ci/tree" "$WORK/new"
	check "the good series applies after all that" rc_is 0
}

base_line() {
	[[ "$(linux_base_line "$WORK/cache/smp-series/linux/"debian-*)" == *"$1" ]]
}

# debian_package - a .deb of the toy, found in the cache by its checksum
debian_package() {
	local deb=$WORK/cache/smp-series/dl/linux-source-7.3_7.3.4-1_all.deb

	mkdir -p "$WORK/pkg/DEBIAN" "$WORK/pkg/usr/src" "$(dirname "$deb")"
	printf '%s\n' "Package: linux-source-7.3" "Version: 7.3.4-1" \
		"Architecture: all" "Maintainer: x <x@y>" "Description: toy" \
		>"$WORK/pkg/DEBIAN/control"
	toy_git "$TOY" archive --prefix=linux-source-7.3/ HEAD >"$WORK/src.tar"
	mkdir "$WORK/linux-source-7.3"
	printf '%s\n' '*.o' '# Debian packaging: ignore everything at the top' '/*' \
		>"$WORK/linux-source-7.3/.gitignore"
	tar -rf "$WORK/src.tar" -C "$WORK" linux-source-7.3
	xz -0 -c "$WORK/src.tar" >"$WORK/pkg/usr/src/linux-source-7.3.tar.xz"
	dpkg-deb --root-owner-group -Znone -b "$WORK/pkg" "$deb" >/dev/null
	sed -i "s/^# SHA256 .*/# SHA256 $(sha256sum <"$deb" | cut -d' ' -f1)/" "$SERIES_FILE"

	try toy_env LINUX= "$TOP/ci/source"
	check "Debian: the package that was tested is found by its checksum" rc_is 0
	check "Debian: no file is ignored" test \
		"$(git -C "$STDOUT" ls-files | sort)" = "$(printf '%s\n' .gitignore Kbuild \
			MAINTAINERS Makefile kernel/a.c kernel/b.c \
			tools/testing/selftests/Makefile)"
	check "Debian: the report names the tested one" base_line ", the tested one"
	sed -i 's/^# TESTED .*/# TESTED 7.3.5-1/' "$SERIES_FILE"
	check "Debian: the report says when it is another one" base_line ", NOT the tested 7.3.5-1"
	sed -i 's/^# TESTED .*/# TESTED 7.3.4-1/' "$SERIES_FILE"
	rm -rf "$WORK/cache/smp-series/linux"
	mkdir "$WORK/bin"
	printf '%s\n' '#!/bin/sh' '/usr/bin/tar "$@"' 'exit 2' >"$WORK/bin/tar"
	chmod +x "$WORK/bin/tar"
	try toy_env PATH="$WORK/bin:$PATH" LINUX= "$TOP/ci/source"
	check "Debian: a package that is not unpacked to its end is not used" rc_is 1
	check "Debian: no tree of it is left" test -z \
		"$(find "$WORK/cache/smp-series/linux" -mindepth 1 ! -name '.lock-*')"
	truncate -s 1000 "$deb"
	try toy_env LINUX= DEBIAN_MIRROR="file://$WORK/nowhere" "$TOP/ci/source"
	check "Debian: a package that was cut off is not used" rc_is 1
	check "Debian: no half tree is left" test -z \
		"$(find "$WORK/cache/smp-series/linux" -mindepth 1 ! -name '.lock-*')"
}

main() {
	selftest_begin 21
	toy_kernel
	toy_series
	own_tree
	bad_series
	debian_package
	selftest_end
}

main "$@"
