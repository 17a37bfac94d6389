# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# debian.sh - a Debian root file system for guests, of any architecture
#
# Usage: source it after common.sh, apt.sh and guest.sh and after arch_load, then
#   debian_root          print the folder of the one for ARCH_NAME
#
# mmdebstrap unpacks the packages of ci/guest/debian.packages and those that they
# depend on.  Nothing of the foreign architecture is run, so what their scripts
# would have set up is done here.  Needs neither root nor an emulator for programs.

DEBIAN_PACKAGES=${DEBIAN_PACKAGES:-$TOP/ci/guest/debian.packages}

# debian_packages - their names
debian_packages() {
	sed 's/#.*//; s/[[:space:]]*$//; /^$/d' "$DEBIAN_PACKAGES"
}

# debian_fetch DIR - unpack the packages into DIR/debian
#
# A guest holds it in memory, hence nothing that only people read.
debian_fetch() {
	local dir=$1 path excludes=()

	for path in doc info lintian locale man bash-completion zoneinfo; do
		excludes+=(--dpkgopt="path-exclude=/usr/share/$path/*")
	done
	excludes+=(--dpkgopt='path-exclude=/usr/lib/*/gconv/*')
	mmdebstrap --variant=extract --architectures="$DEBARCH" \
		--include="$(debian_packages | paste -sd,)" "${excludes[@]}" \
		--hook-dir=/usr/share/mmdebstrap/hooks/maybe-merged-usr \
		"$GUEST_SUITE" "$dir/root.tar" \
		"deb [signed-by=$APT_KEYRING] $(apt_archive) $GUEST_SUITE main" || return 1
	# Devices are those of the guest, and making them takes root.
	mkdir "$dir/debian" || return 1
	tar -x -C "$dir/debian" --exclude='./dev/*' -f "$dir/root.tar" || return 1
	rm "$dir/root.tar"
}

# debian_link TARGET PATH - a link that a script of a package would have made
debian_link() {
	[ -e "$2" ] || [ -L "$2" ] || ln -s "$1" "$2"
}

# debian_configure ROOT - what the scripts of the packages would do
debian_configure() {
	debian_link dash "$1/bin/sh" &&
		debian_link mawk "$1/usr/bin/awk" &&
		echo 'root:x:0:0:root:/root:/bin/bash' >"$1/etc/passwd" &&
		echo 'root:x:0:' >"$1/etc/group"
}

# debian_make DIR - make it; the folder has its name when it is complete
#
# Each step says what a failure is: errexit is off in what "||" looks at.
debian_make() {
	local tmp

	need_space "$(dirname "$1")" 500
	tmp=$(mktemp -d "$(dirname "$1")/.debian-XXXXXX") || return 1
	if step_run "Debian root file system for $ARCH_NAME" "$1.log" debian_fetch "$tmp" &&
		debian_configure "$tmp/debian"; then
		mv "$tmp" "$1"
	fi
	rm -rf "$tmp"
	[ -d "$1" ]
}

# debian_root - print the path, whose last part is "debian", making what is not there
debian_root() {
	local id dir

	need mmdebstrap tar flock
	[ -r "$DEBIAN_PACKAGES" ] || die "no list $DEBIAN_PACKAGES"
	[ -f "$APT_KEYRING" ] || die "no $APT_KEYRING: this needs Debian's archive keys"
	id=$({ debian_packages; echo "$GUEST_SUITE"; cat "$TOP/ci/lib/debian.sh"; } |
		sha256sum | cut -c 1-12)
	dir=$CACHE/guest/$ARCH_NAME/debian-$id
	mkdir -p "$(dirname "$dir")" || die "cannot create $(dirname "$dir")"
	(
		# Two commands may want the same one at the same time.
		flock 9
		[ -d "$dir" ] || debian_make "$dir" || exit 1
	) 9>"$dir.lock" || die "no Debian root file system, see $dir.log"
	echo "$dir/debian"
}
