#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# series - patches become commits and commits become the same patches
#
# On a toy kernel with a toy series, then on the real ones.
#
# Usage and exit codes: see ci/selftest

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../lib/selftest.sh
. "$(dirname "$(readlink -f "$0")")/../lib/selftest.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/selftest-tree.sh
. "$TOP/ci/lib/selftest-tree.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/linux.sh
. "$TOP/ci/lib/linux.sh"

unchanged() {
	rc_is 0 && diff "$WORK/before" <(sums "$SERIES_FILE" "$PATCHES_DIR") >&2
}

round_trip() {
	sums "$SERIES_FILE" "$PATCHES_DIR" >"$WORK/before"
	try "$TOP/ci/export" "$WORK/dev"
	check "exporting twice changes no byte" unchanged
	check "a patch is what git format-patch writes" plain "$WORK/dev"
	try toy_env "$TOP/ci/tree" "$WORK/again"
	check "ci/tree makes a tree" rc_is 0
	try "$TOP/ci/export" "$WORK/again"
	check "import and export are the identity" unchanged
	check "the tree is the one that was exported" same_tree \
		"$WORK/dev" HEAD "$WORK/again" HEAD
	try toy_env "$TOP/ci/tree" "$WORK/again"
	check "a folder with something in it" refused 2 "is not an empty folder"
}

# plain TREE - the last patch, without the settings of ci/export
plain() {
	env -i PATH="$PATH" HOME="$WORK" git -C "$1" -c core.abbrev=12 format-patch -1 \
		--zero-commit --no-signature --stdout >"$WORK/plain"
	diff "$WORK/plain" "$PATCHES_DIR/$(series_patches | tail -n 1)" >&2
}

same_tree() {
	[ "$(git -C "$1" rev-parse "$2^{tree}")" = "$(git -C "$3" rev-parse "$4^{tree}")" ]
}

# user_settings - settings of a person that change what format-patch prints
user_settings() {
	cat >"$WORK/gitconfig" <<-END
		[user]
			name = Other
			email = other@example.org
		[format]
			signOff = true
			numbered = true
			subjectPrefix = RFC
			pretty = fuller
			noprefix = true
			headers = "X-Mine: yes\\n"
		[diff]
			noprefix = true
			algorithm = patience
			context = 9
		[core]
			abbrev = 40
	END
	try env GIT_CONFIG_GLOBAL="$WORK/gitconfig" "$TOP/ci/export" "$WORK/dev"
	check "settings of the user change no byte" unchanged
	rm -rf "$WORK/cache"
	try env GIT_CONFIG_GLOBAL="$WORK/gitconfig" XDG_CACHE_HOME="$WORK/cache" \
		LINUX="$TOY" "$TOP/ci/tree" "$WORK/third"
	check "commit ids are the same on every machine" test \
		"$(git -C "$WORK/again" rev-parse HEAD)" = "$(git -C "$WORK/third" rev-parse HEAD)"
}

# the_list - order, topics and what happens to patches without a commit
the_list() {
	local before

	check "topics come from notes and --topic" test "$(series_topics | xargs)" = "one two"
	git -C "$WORK/third" reset -q --hard HEAD~1
	try "$TOP/ci/export" "$WORK/third"
	check "a patch without a commit is removed" test \
		"$(find "$PATCHES_DIR" -name '*.patch' | wc -l)" = 3
	before=$(sums "$SERIES_FILE" "$PATCHES_DIR")
	toy_git "$WORK/third" fetch -q "$WORK/again" series
	toy_git "$WORK/third" merge -q --no-ff -m merge FETCH_HEAD
	try "$TOP/ci/export" "$WORK/third"
	check "a merge" refused 2 "has merge commits"
	echo "int c;" >>"$WORK/again/kernel/a.c"
	try "$TOP/ci/export" "$WORK/again"
	check "local changes" refused 2 "has local changes"
	toy_git "$WORK/again" commit -q -a -m "a: Something new"
	try "$TOP/ci/export" "$WORK/again"
	check "a commit without a topic" refused 2 'no topic for'
	check "none of these changed anything" test \
		"$(sums "$SERIES_FILE" "$PATCHES_DIR")" = "$before"
}

# three_ways TREE - quiltimport and quilt give the tree that git am gave
#
# In a copy that has only the files the patches touch, whatever the kernel.
three_ways() {
	local tree=$1 dir=$WORK/ways base want

	base=$(git -C "$tree" rev-parse base)
	want=$(git -C "$tree" rev-parse 'series^{tree}')
	git clone -q --shared --no-checkout "$tree" "$dir"
	git -C "$dir" update-ref --no-deref HEAD "$base"
	git -C "$dir" read-tree HEAD
	try git -C "$dir" -c user.name=x -c user.email=x@y quiltimport \
		--patches "$PATCHES_DIR" --series "$SERIES_FILE"
	check "git quiltimport gives the tree of git am" test \
		"$(git -C "$dir" rev-parse 'HEAD^{tree}')" = "$want"

	mkdir "$WORK/quilt"
	git -C "$tree" diff --name-only base series >"$WORK/touched"
	git -C "$tree" diff --name-only --diff-filter=MD base series |
		xargs -r git -C "$tree" archive base -- | tar -x -C "$WORK/quilt"
	try env -C "$WORK/quilt" QUILT_PATCHES="$PATCHES_DIR" QUILT_SERIES="$SERIES_FILE" \
		QUILT_PC="$WORK/pc" QUILT_PATCH_OPTS=--fuzz=0 quilt --quiltrc=- push -a
	git -C "$dir" read-tree "$base"
	git -C "$dir" --work-tree="$WORK/quilt" update-index --add --remove \
		--stdin <"$WORK/touched"
	check "quilt push -a as well" test "$(git -C "$dir" write-tree)" = "$want"
	rm -rf "$dir" "$WORK/quilt" "$WORK/pc"
}

# real_series - the round trip of what is in the repository
real_series() {
	local tree=$1 dir=$WORK/real

	git clone -q --shared --no-checkout "$tree" "$dir"
	git -C "$dir" update-ref refs/heads/base origin/base
	git -C "$dir" update-ref refs/heads/series origin/series
	git -C "$dir" symbolic-ref HEAD refs/heads/series
	# Nothing but the files at the top: the rest is not needed for this.
	git -C "$dir" sparse-checkout set
	git -C "$dir" checkout -q series
	cp -r "$TOP/patches" "$WORK/real-patches"
	cp "$TOP/series" "$WORK/real-list"
	export SERIES_FILE=$WORK/real-list PATCHES_DIR=$WORK/real-patches
	sums "$SERIES_FILE" "$PATCHES_DIR" >"$WORK/before"
	try "$TOP/ci/export" "$dir"
	check "the real series: import and export are the identity" unchanged
	three_ways "$tree"
}

main() {
	local tree

	selftest_begin 19
	toy_kernel
	toy_series
	git_neutral
	round_trip
	user_settings
	three_ways "$(toy_env "$TOP/ci/tree" 2>/dev/null)"
	the_list
	unset SERIES_FILE PATCHES_DIR LINUX
	tree=$("$TOP/ci/tree" 2>"$WORK/stderr")
	real_series "$tree"
	selftest_end
}

main "$@"
