# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# check.sh - the checks of ci/check, one function per column of its table
#
# Usage: source it after common.sh, linux.sh and kernel.sh; SRC is the worker's
# kernel tree, MAIN the one that was built, WORK the worker's scratch folder, in
# one of all.  Each function prints its result (ok, FAIL or "-") in the first
# line and what is wrong below.

ALLOW=$TOP/ci/check.d/checkpatch.allow
# A warning in a header shows in each file that includes it
MAX_USERS=16

# verdict - turn a list of complaints on stdin into a result
verdict() {
	local text

	text=$(cat)
	if [ -n "$text" ]; then
		printf 'FAIL\n%s\n' "$text"
	else
		echo ok
	fi
}

check_tags() {
	# No match is status 1 of grep, and what is wanted.
	{
		grep -inE '^[a-z-]*(signed-off|reviewed|acked|tested|co-developed)-by:' "$1" ||
			[ $? -eq 1 ]
	} | verdict
}

# check_allow_list - each entry: TYPE, patch pattern, message pattern, reason
check_allow_list() {
	local bad

	[ -f "$ALLOW" ] || die "no $ALLOW"
	bad=$(sed '/^#/d; /^$/d' "$ALLOW" | awk -F '\t+' 'NF != 4 || $4 == ""')
	[ -z "$bad" ] || die "checkpatch.allow: not TYPE, patch, message, reason: $bad"
}

# check_checkpatch PATCH - complaints of checkpatch that nobody has excused
check_checkpatch() {
	local patch=$1 out=$WORK/checkpatch

	# The system's python3: spdxcheck needs its modules.  The status says
	# no more than the messages do.
	(cd "$SRC" && PATH=/usr/bin:/bin:$PATH perl scripts/checkpatch.pl --strict \
		--no-signoff --show-types --terse --showfile --no-summary \
		--root="$SRC" --color=never "$PATCHES_DIR/$patch") >"$out" 2>"$out.err" || :
	[ ! -s "$out.err" ] || sed 's/^/stderr: /' "$out.err" >>"$out"
	awk -F '\t+' -v patch="$patch" -v allow="$ALLOW" '
		BEGIN {
			while ((getline line < allow) > 0) {
				if (line ~ /^#/ || line == "")
					continue
				split(line, f, /\t+/)
				if (patch ~ f[2])
					excuse[f[1] "\t" f[3]] = f[4]
			}
		}
		{
			for (e in excuse) {
				split(e, f, "\t")
				if (index($0, ":" f[1] ":") && $0 ~ f[2])
					next
			}
			sub(/^.*patches\//, "")
			print
		}' "$out" | verdict
}

# touched COMMIT PATTERN... - the files it touches, that exist after it
touched() {
	local commit=$1
	shift

	git -C "$SRC" diff --name-only --diff-filter=d "$commit^" "$commit" -- "$@"
}

# sources_of COMMIT BUILT - the compiled files that a commit touches
#
# A header or an included file stands for files that include it, as far as the
# configuration builds them: not more than MAX_USERS, from all over the tree,
# because ci/boot-each builds all of them.
sources_of() {
	local commit=$1 built=$2 f name

	touched "$commit" '*.c' '*.h' | grep -v '^tools/' | while read -r f; do
		if [ -f "$built/${f%.c}.o" ] && [ "$f" != "${f%.c}" ]; then
			echo "$f"
			continue
		fi
		name=${f#include/}
		name=${name#arch/*/include/}
		# 1: nobody includes it
		{ git -C "$SRC" grep -lE "#[ \t]*include [<\"](.*/)?${name##kernel/}[>\"]" \
			"$commit" -- '*.c' || [ $? = 1 ]; } | sed 's/^[^:]*://' | while read -r name; do
			[ ! -f "$built/${name%.c}.o" ] || echo "$name"
		done | sort -u | awk -v max="$MAX_USERS" '
			{ name[NR] = $0 }
			END {
				step = NR > max ? NR / max : 1
				for (i = 1; i <= NR; i += step)
					print name[int(i)]
			}'
	done | sort -u
}

# warnings COMMIT LOG FILE... - compile, print the warnings without line numbers
#
# Uses the variable built of check_objects.
warnings() {
	local commit=$1 log=$2 f objects=()
	shift 2

	git -C "$SRC" checkout -q --detach "$commit" || return 1
	# A tree that does not know a symbol yet drops it from the configuration.
	cmp -s "$built/.config" "$OBJ/.config" || cp "$built/.config" "$OBJ/.config" ||
		return 1
	for f; do
		[ -f "$SRC/$f" ] || continue
		rm -f "$OBJ/${f%.c}.o"
		objects+=("${f%.c}.o")
	done
	[ ${#objects[@]} -gt 0 ] || return 0
	kernel_make -j "$(nproc)" W=1 "${objects[@]}" >"$log" 2>&1 || return 1
	for f in "${objects[@]}"; do
		[ -f "$OBJ/$f" ] || { echo "$f was not made" >>"$log"; return 1; }
	done
	sed -nE '/warning:/s/:[0-9]+(:[0-9]+)?:/:/p' "$log" | sort -u
}

# check_objects ARCH COMMIT - new warnings and errors with W=1
check_objects() {
	local arch=$1 commit=$2 built files=() tests=() log=$WORK/make.log

	arch_load "$arch"
	built=$CACHE/build/$(basename "$MAIN")-$arch-base
	OBJ=$CACHE/build/$(basename "$SRC")-$arch-check
	mapfile -t files < <(sources_of "$commit" "$built")
	mapfile -t tests < <(ksft_paths)
	if [ ${#files[@]} -eq 0 ] && [ -z "$(touched "$commit" "${tests[@]}")" ]; then
		echo -
		return
	fi
	mkdir -p "$OBJ"
	{
		if [ ${#files[@]} -gt 0 ]; then
			if ! warnings "$commit" "$log" "${files[@]}" >"$WORK/after" ||
				{ [ -s "$WORK/after" ] &&
				! warnings "$commit^" "$log" "${files[@]}" >"$WORK/before"; }; then
				echo "does not compile:"
				tail -n 20 "$log"
			elif [ -s "$WORK/after" ]; then
				comm -13 "$WORK/before" "$WORK/after"
			fi
		fi
		[ -z "$(touched "$commit" "${tests[@]}")" ] || check_ksft "$commit" "$built" "$log"
	} | verdict
}

# check_ksft COMMIT BUILT LOG - the kselftests of this commit build
#
# In the tree that BUILT was made from, one worker at a time.
check_ksft() {
	local commit=$1 built=$2 log=$3 SRC=$MAIN

	exec 7>"$WORK/../ksft.lock"
	flock 7
	git -C "$SRC" checkout -q --detach "$commit"
	if ! (OBJ=$built && kernel_ksft_make "$WORK/ksft" -j "$(nproc)" W=1 \
		KDIR="$built") >"$log" 2>&1; then
		echo "the kselftests do not build:"
		tail -n 20 "$log"
	fi
	sed -nE "/($(ksft_collections | paste -sd '|'))\/.*warning:/p" "$log" | sort -u
	ksft_clean
	exec 7>&-
}

# check_kernel_doc COMMIT - new warnings in the files it touches
check_kernel_doc() {
	local commit=$1 files=() rev

	mapfile -t files < <(touched "$commit" '*.c' '*.h' | grep -v '^tools/')
	if [ ${#files[@]} -eq 0 ]; then
		echo -
		return
	fi
	for rev in "$commit^" "$commit"; do
		git -C "$SRC" checkout -q --detach "$rev"
		# The status counts the warnings, which are compared below.
		(cd "$SRC" && for f in "${files[@]}"; do
			[ ! -f "$f" ] || PYTHONDONTWRITEBYTECODE=1 \
				python3 tools/docs/kernel-doc -none -Wall "$f"
		done) 2>&1 | sed -E 's/:[0-9]+/:/' | sort >"$WORK/doc.${rev#"$commit"}"
	done
	{
		# A tool that does not run says the same before and after.
		grep -hE "Traceback|can't open file|No such file" "$WORK/doc." ||
			[ $? -eq 1 ]
		comm -13 "$WORK/doc.^" "$WORK/doc."
	} | verdict
}

# check_end DIR - the last row: the tree holds what this repository holds
check_end() {
	local dir=$1 column paths=()

	for column in $COLUMNS_ALL; do
		echo - >"$dir/$column"
	done
	mkdir "$WORK/end"
	mapfile -t paths < <(ksft_paths)
	git -C "$SRC" archive series "${paths[@]}" MAINTAINERS | tar -x -C "$WORK/end"
	{
		(cd "$TOP/selftests" && git ls-files -co --exclude-standard .) |
			sort >"$WORK/end.ours"
		(cd "$WORK/end/$KSFT" && find . -type f | sed 's,^\./,,' | sort) >"$WORK/end.tree"
		comm -23 "$WORK/end.ours" "$WORK/end.tree" | sed 's/^/not in the tree: /'
		comm -13 "$WORK/end.ours" "$WORK/end.tree" | sed 's/^/not in selftests: /'
		comm -12 "$WORK/end.ours" "$WORK/end.tree" | while read -r f; do
			cmp -s "$TOP/selftests/$f" "$WORK/end/$KSFT/$f" || echo "differs: $f"
		done
		awk 'NR == FNR { tree = tree $0 "\n"; next } { ours = ours $0 "\n" }
			END { if (!index(tree, ours)) print "MAINTAINERS.snippet is not in MAINTAINERS" }' \
			"$WORK/end/MAINTAINERS" "$TOP/MAINTAINERS.snippet"
	} | verdict >"$dir/apply"
}
