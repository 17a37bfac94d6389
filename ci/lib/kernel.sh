# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# kernel.sh - how a kernel is configured and compiled
#
# Usage: source it after common.sh and arch_load, set SRC (the kernel tree) and
# OBJ (the build folder), then
#   kernel_wanted VARIANT WHICH COMMIT
#                                  print the wanted configuration
#   kernel_config WANTED LABEL     OBJ/.config from it, every line asserted
#   kernel_make TARGET...          make with this project's settings
#   kernel_ksft_make DIR ARG...    install the kselftest collections in DIR
#   ksft_collections               their names
#   ksft_paths                     their folders in the kernel tree
#   ksft_clean                     remove what a build left there

CONFIG_DIR=${CONFIG_DIR:-$TOP/config}
# Where a kernel tree has its kselftests, and this repository the same files
KSFT=tools/testing/selftests

# kernel_cc - the compiler, through ccache where that is installed
kernel_cc() {
	if command -v ccache >/dev/null 2>&1; then
		echo "ccache ${CROSS_COMPILE}gcc"
	else
		echo "${CROSS_COMPILE}gcc"
	fi
}

# kernel_toolchain - what compiles, in one line
kernel_toolchain() {
	printf '%s; %s\n' "$("${CROSS_COMPILE}gcc" --version | sed -n 1p)" \
		"$("${CROSS_COMPILE}ld" --version | sed -n 1p)"
}

# kernel_make ARG... - make, with everything fixed that would differ by
# machine or by day
kernel_make() {
	make -C "$SRC" O="$OBJ" ARCH="$KARCH" CROSS_COMPILE="$CROSS_COMPILE" \
		CC="$(kernel_cc)" LOCALVERSION= KBUILD_BUILD_VERSION=1 \
		KBUILD_BUILD_TIMESTAMP='Sat Jan  1 00:00:00 UTC 2000' \
		KBUILD_BUILD_USER=smp KBUILD_BUILD_HOST=smp "$@"
}

# kernel_series_fragments VARIANT - the files with symbols that the series brings
kernel_series_fragments() {
	echo "$CONFIG_DIR/series.config"
	[ ! -f "$CONFIG_DIR/series.$1.config" ] || echo "$CONFIG_DIR/series.$1.config"
}

# kernel_series_lines VARIANT WHICH COMMIT - the symbols that the series brings
#
# All of them are wanted with the whole series, none without it, and halfway
# those that exist by then.
kernel_series_lines() {
	local line sym

	[ "$2" != base ] || return 0
	while read -r line; do
		sym=$(echo "$line" | sed -n 's/^\(# \)\{0,1\}CONFIG_\([A-Za-z0-9_]*\).*/\2/p')
		[ -n "$sym" ] || continue
		if [ "$2" = series ] || git -C "$SRC" grep -qE \
			"^(menu)?config $sym\$" "$3" -- '*Kconfig*'; then
			echo "$line"
		fi
	done < <(kernel_series_fragments "$1" | xargs -d '\n' cat)
}

# kernel_wanted VARIANT WHICH COMMIT - the lines of all fragments
#
# A variant may have a part for one architecture.  Two fragments that want
# something of the same symbol are a mistake.
kernel_wanted() {
	local name clash fragments=() brought=()

	for name in common "$ARCH_NAME" "$1" series; do
		[ -f "$CONFIG_DIR/$name.config" ] || die "no $CONFIG_DIR/$name.config"
		[ "$name" = series ] || fragments+=("$CONFIG_DIR/$name.config")
	done
	[ ! -f "$CONFIG_DIR/$1.$ARCH_NAME.config" ] ||
		fragments+=("$CONFIG_DIR/$1.$ARCH_NAME.config")
	mapfile -t brought < <(kernel_series_fragments "$1")
	clash=$(sed -n 's/^# \(CONFIG_[A-Z0-9a-z_]*\) is not set$/\1/p
		s/^\(CONFIG_[A-Z0-9a-z_]*\)=.*/\1/p' "${fragments[@]}" \
		"${brought[@]}" | sort | uniq -d)
	[ -z "$clash" ] || die "configuration: wanted twice: $(echo "$clash" | xargs)"
	cat "${fragments[@]}"
	kernel_series_lines "$1" "$2" "$3"
}

# kernel_lost WANTED CONFIG - the wanted lines that CONFIG does not have
#
# An option that does not exist at all counts as "is not set".
kernel_lost() {
	awk -v config="$2" '
		BEGIN {
			while ((getline line < config) > 0) {
				have[line] = 1
				if (line ~ /^CONFIG_/)
					set[substr(line, 1, index(line, "=") - 1)] = 1
			}
		}
		/^# CONFIG_[A-Za-z0-9_]* is not set$/ { if ($2 in set) print; next }
		/^CONFIG_/ && !($0 in have)' "$1"
}

# kernel_config_key WANTED - what OBJ/.config was made of, and itself
kernel_config_key() {
	{ kernel_toolchain; cat "$1"; cat "$OBJ/.config" 2>/dev/null
	git -C "$SRC" ls-files -s -- '*Kconfig*'; } | sha256sum
}

# kernel_config WANTED LABEL - allnoconfig plus the wanted lines
#
# Kconfig asks the compiler many questions, so it is not run for the same again.
kernel_config() {
	local wanted=$1 label=$2 lost

	[ "$(kernel_config_key "$wanted")" != "$(cat "$OBJ/config.key" 2>/dev/null)" ] || return 0
	step_run "configure $label" "$OBJ/config.log" \
		kernel_make KCONFIG_ALLCONFIG="$wanted" allnoconfig olddefconfig ||
		die "$label cannot be configured"
	lost=$(kernel_lost "$wanted" "$OBJ/.config")
	[ -z "$lost" ] ||
		die "configuration of $label lost: $(echo "$lost" | paste -sd ';' | sed 's/;/; /g')"
	kernel_config_key "$wanted" >"$OBJ/config.key"
}

# ksft_collections - those that this repository holds
ksft_collections() {
	(cd "$TOP/selftests" && printf '%s\n' *)
}

# ksft_paths - their folders, for git
ksft_paths() {
	ksft_collections | sed "s,^,$KSFT/,"
}

# ksft_clean - no file of ours stays in the kernel tree
ksft_clean() {
	ksft_paths | xargs git -C "$SRC" clean -fdxq --
}

# kernel_ksft_make DIR ARG... - install the collections that the tree has in DIR
#
# The guests have no dynamic linker.
kernel_ksft_make() {
	local dir=$1 targets=() name
	shift

	for name in $(ksft_collections); do
		[ ! -d "$SRC/$KSFT/$name" ] || targets+=("$name")
	done
	kernel_make "$@" TARGETS="${targets[*]}" FORCE_TARGETS=1 \
		USERLDFLAGS=-static KSFT_INSTALL_PATH="$dir" kselftest-install
}
