# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# selftest-tree.sh - a toy kernel and a toy series for the files in selftest.d
#
# Usage: source it after selftest.sh and call selftest_begin first, then
#   toy_kernel          git tree TOY, which "make" builds in a moment
#   toy_series          SERIES_FILE and PATCHES_DIR: two topics, three patches
#   toy_env CMD...      run CMD with its own cache, on the toy kernel and series
#   toy_state           print a sum over TOY, to see that nothing changed it
# The toy kernel takes SLOW seconds to build.

# For the files in selftest.d
TOY=

# toy_git DIR ARG... - git in DIR as a person, without hooks and signatures
toy_git() {
	git -C "$1" -c user.name="A Person" -c user.email=a@example.org \
		-c commit.gpgSign=false -c core.hooksPath=/dev/null -c gc.auto=0 "${@:2}"
}

# toy_makefile - the targets that ci/build asks for
#
# allnoconfig takes over the wanted lines except those of unknown symbols.
toy_makefile() {
	cat <<'END'
O ?= .
allnoconfig:
	mkdir -p $(O)/include/config
	cp $(KCONFIG_ALLCONFIG) $(O)/.config
	sed -i '/NO_SUCH/d' $(O)/.config
	echo 7.3.4 >$(O)/include/config/kernel.release
olddefconfig: ;
modules:
	if [ -n "$(M)" ]; then echo module >$(M)/smp_bench.ko; fi
modules_install:
	mkdir -p $(INSTALL_MOD_PATH)/lib/modules/7.3.4
bzImage:
	mkdir -p $(O)/arch/$(ARCH)/boot
	echo started >$(O)/started
	echo half >$(O)/arch/$(ARCH)/boot/bzImage
	sleep $${SLOW:-0}
	cat kernel/a.c kernel/b.c >$(O)/arch/$(ARCH)/boot/bzImage
	echo map >$(O)/System.map
kselftest-install:
	mkdir -p $(KSFT_INSTALL_PATH)
	cp -r tools/testing/selftests/smp $(KSFT_INSTALL_PATH)/
END
}

toy_kernel() {
	TOY=$WORK/toy
	mkdir -p "$TOY/kernel" "$TOY/tools/testing/selftests"
	: >"$TOY/Kbuild"
	: >"$TOY/MAINTAINERS"
	: >"$TOY/tools/testing/selftests/Makefile"
	toy_makefile >"$TOY/Makefile"
	seq -f 'int a%g;' 40 >"$TOY/kernel/a.c"
	seq -f 'int b%g;' 40 >"$TOY/kernel/b.c"
	git init -q "$TOY"
	toy_git "$TOY" add -A
	toy_git "$TOY" commit -q -m "Toy kernel"
}

# toy_series - made with ci/export from commits that have what is tricky
toy_series() {
	export SERIES_FILE=$WORK/series PATCHES_DIR=$WORK/patches
	local dev=$WORK/dev

	mkdir -p "$PATCHES_DIR/one"
	echo "The cover letter" >"$PATCHES_DIR/one/0000-cover-letter.patch"
	printf '%s\n' "# A toy series" "#" "# BASE v7.3" "# TESTED 7.3.4-1" \
		"# SHA256 0" >"$SERIES_FILE"
	git clone -q "$TOY" "$dev"
	toy_git "$dev" checkout -q -b base
	toy_git "$dev" checkout -q -b series
	sed -i 's/int a20;/int a20 = 1;/' "$dev/kernel/a.c"
	toy_git "$dev" commit -q -a -m "a: Set a20 to one, with a subject that is so long that it is folded in the mail" \
		-m "The body has an umlaut: ä"
	toy_git "$dev" notes --ref=topic add -m one
	sed -i 's/int b2;/int b2 = 1;/' "$dev/kernel/b.c"
	toy_git "$dev" commit -q -a --author "Ä Person <b@example.org>" \
		--date "2020-02-02T02:02:02+0530" -m "[b] Set b2: \"quoted\", ü"
	toy_git "$dev" notes --ref=topic add -m one
	printf '#!/bin/sh\n' >"$dev/tool.sh"
	chmod +x "$dev/tool.sh"
	toy_git "$dev" mv kernel/b.c kernel/c.c
	toy_git "$dev" mv kernel/c.c kernel/b.c
	toy_git "$dev" add tool.sh
	toy_git "$dev" commit -q -m "tool: Add a script"
	"$TOP/ci/export" --topic two "$dev" 2>"$WORK/export.log"
}

toy_env() {
	env XDG_CACHE_HOME="$WORK/cache" LINUX="$TOY" "$@"
}

# toy_state - files with their dates, and what git knows
toy_state() {
	(cd "$TOY" && find . -type f -printf '%p %T@ %m\n' | sort | sha256sum)
}

# sums DIR... - the content of all files, in a fixed order
sums() {
	find "$@" -type f -exec sha256sum {} + | sort -k 2
}
