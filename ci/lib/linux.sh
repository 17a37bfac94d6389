# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# linux.sh - the cached kernel tree and the branch with the series on it
#
# Usage: source it after common.sh, then
#   git_neutral                no setting of the user changes what git does
#   linux_source               set SRC to what ci/source prints
#   linux_lock ID              one command at a time works on a tree
#   linux_series TREE          make the branch "series", print its commit
#
# A tree lies in $CACHE/linux/<id>.  Its branch "base" is the kernel as it
# came, "series" the same with one commit per patch.  Commit ids depend on the
# kernel and the patches alone, so two machines have the same ones.

# A step that fails inside $(...) must not be passed over.
shopt -s inherit_errexit

# The tree that this command has locked
LINUX_LOCKED=

# git_neutral - settings of the user and of the tree must not change results
git_neutral() {
	local setting n=0

	unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY \
		GIT_TEMPLATE_DIR GIT_EXTERNAL_DIFF GIT_DIFF_OPTS GIT_AUTHOR_DATE
	export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_ATTR_NOSYSTEM=1
	# These win over the configuration of a tree.  Twelve digits keep the
	# index lines the same, however many objects a tree has.
	for setting in core.abbrev=12 core.autocrlf=false core.hooksPath=/dev/null \
		core.quotePath=true core.attributesFile=/dev/null core.fsync=none \
		core.commentChar='#' advice.detachedHead=false safe.directory='*' \
		gc.auto=0 maintenance.auto=false init.defaultBranch=base \
		am.threeWay=false am.keepcr=false am.messageid=false \
		mailinfo.scissors=false apply.whitespace=nowarn \
		apply.ignoreWhitespace=no commit.gpgSign=false \
		i18n.commitEncoding=UTF-8 i18n.logOutputEncoding=UTF-8 \
		diff.algorithm=myers diff.context=3 diff.interHunkContext=0 \
		diff.indentHeuristic=true diff.mnemonicPrefix=false \
		diff.noprefix=false diff.orderFile=/dev/null diff.renames=true \
		diff.suppressBlankEmpty=false diff.statGraphWidth=0 diff.external= \
		format.attach= format.coverLetter=false format.encodeEmailHeaders=true \
		format.filenameMaxLength=64 format.from=false \
		format.notes=false format.numbered=false format.signOff=false \
		format.subjectPrefix=PATCH format.thread=false \
		format.useAutoBase=false log.showSignature=false; do
		export "GIT_CONFIG_KEY_$n=${setting%%=*}" "GIT_CONFIG_VALUE_$n=${setting#*=}"
		n=$((n + 1))
	done
	export GIT_CONFIG_COUNT=$n
	export GIT_COMMITTER_NAME=smp-series GIT_COMMITTER_EMAIL=smp-series@localhost
}

# linux_source - set SRC to the tree that ci/source prints
#
# In the background: a shell that waits for a foreground command does not act
# on a signal before the command ends.
linux_source() {
	local rc=0

	exec 7< <("$TOP/ci/source")
	STEP_PID=$!
	wait "$STEP_PID" || rc=$?
	STEP_PID=
	[ "$rc" = 0 ] || exit "$rc"
	# shellcheck disable=SC2034 # for the caller
	read -r SRC <&7
	exec 7<&-
}

# step_end - for cleanup traps: nothing that runs now survives this command
step_end() {
	[ -n "${STEP_PID:-}" ] || return 0
	kill_tree "$STEP_PID"
	wait "$STEP_PID" || :
}

# linux_lock ID - wait until nobody else works on this tree
#
# The lock is held until the last process of this command is gone.
linux_lock() {
	[ "$LINUX_LOCKED" != "$1" ] || return 0
	mkdir -p "$CACHE/linux" || die "cannot create $CACHE/linux"
	exec 8>"$CACHE/linux/.lock-$1"
	if ! flock -n 8; then
		note "another command works on the tree $1, waiting for it"
		flock 8
	fi
	LINUX_LOCKED=$1
}

# linux_id_debian VERSION - the name of the tree of a Debian source package
linux_id_debian() {
	echo "debian-${1//[!A-Za-z0-9.-]/_}"
}

# linux_base_line TREE - what the series is applied to, for reports
linux_base_line() {
	local id tested

	id=$(basename "$1")
	tested=$(series_field TESTED)
	if [ "$id" = "$(linux_id_debian "$tested")" ]; then
		echo "base: $id, the tested one"
	else
		echo "base: $id, NOT the tested $tested"
	fi
}

# linux_tracked_clean TREE - true without changes to files git knows
linux_tracked_clean() {
	local out

	# Not even the index of the tree is to be written.
	out=$(GIT_OPTIONAL_LOCKS=0 git -C "$1" status --porcelain -uno) ||
		die "git status failed in $1"
	[ -z "$out" ]
}

# am_all PATCH... - in the current worktree, one commit per patch
#
# Plain "git am": no three-way merge and no fuzz, and it stops at the first
# patch that does not apply.  AM_LOG gets what git says.
am_all() {
	local patch

	for patch; do
		# A bracketed word that is not the [PATCH] tag stays in the subject.
		git am -q --keep-non-patch --no-3way --no-gpg-sign \
			--committer-date-is-author-date "$PATCHES_DIR/$patch" \
			>"$AM_LOG" 2>&1 || {
			echo "$patch"
			return 1
		}
	done
}

# linux_series_known TREE - print the commit of base plus series if it is there
linux_series_known() {
	local tree=$1 gitdir known

	gitdir=$(git -C "$tree" rev-parse --absolute-git-dir)
	known=$(cat "$gitdir/smp-series" 2>/dev/null || echo none)
	[ "${known% *}" = "$(git -C "$tree" rev-parse base) $(series_hash)" ] &&
		git -C "$tree" cat-file -e "${known##* }^{commit}" 2>/dev/null &&
		echo "${known##* }"
}

# linux_series TREE - print the commit of base plus series
#
# Nobody has to wait for a tree that is ready, only for one to be changed.
linux_series() {
	series_check_files
	linux_series_known "$1" && return
	linux_lock "$(basename "$1")"
	linux_series_known "$1" && return
	linux_series_make "$1"
}

# linux_series_make TREE - apply the series, print the commit
#
# Worked out in a worktree without files: git fetches just those it patches,
# and the files of the real worktree keep their dates, so that a build after a
# change of one patch compiles only what changed.
linux_series_make() {
	local tree=$1 gitdir tmp bad patches=() commit

	gitdir=$(git -C "$tree" rev-parse --absolute-git-dir)
	mapfile -t patches < <(series_patches)
	# What an interrupted run left; nobody else is here, see linux_lock.
	rm -rf "$gitdir"/smp-am-*
	git -C "$tree" worktree prune
	tmp=$gitdir/smp-am-$$
	git -C "$tree" worktree add -q --no-checkout --detach "$tmp" base >&2
	git -C "$tmp" read-tree HEAD
	AM_LOG=$gitdir/smp-am.log
	if ! bad=$(cd "$tmp" && am_all ${patches[@]+"${patches[@]}"}); then
		git -C "$tree" worktree remove --force "$tmp"
		die "patch does not apply: $bad ($(sed -n '/^error: /{s///p;q}' "$AM_LOG"))"
	fi
	commit=$(git -C "$tmp" rev-parse HEAD)
	git -C "$tree" worktree remove --force "$tmp"
	git -C "$tree" update-ref refs/heads/series "$commit"
	echo "$(git -C "$tree" rev-parse base) $(series_hash) $commit" \
		>"$gitdir/smp-series.part"
	mv "$gitdir/smp-series.part" "$gitdir/smp-series"
	echo "$commit"
}
