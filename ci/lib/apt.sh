# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# apt.sh - verified packages from any Debian suite and architecture
#
# Usage: source it after common.sh, then
#   apt_private SUITE ARCH           bring the package lists up to date
#   apt_fetch SUITE ARCH PACKAGE [VERSION]
#                                    print the path of a verified .deb
#
# apt runs with lists, cache and sources of its own below $CACHE/apt, so
# neither the sources nor the foreign architectures of the machine change and
# nothing needs root.  The archive is the one the machine already uses;
# DEBIAN_MIRROR names another one.

APT_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
# A package list older than this many minutes is read again.
APT_MAX_AGE=1440

# apt_archive - the address of the Debian archive this machine uses
apt_archive() {
	local uri

	if [ -n "${DEBIAN_MIRROR:-}" ]; then
		echo "${DEBIAN_MIRROR%/}/"
		return
	fi
	# The format fields are apt's, not the shell's
	# shellcheck disable=SC2016
	uri=$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' \
		'Created-By: Packages' 2>/dev/null | sed -n 's/^Debian \([^ ]*\)$/\1/p' | sed -n 1p)
	# indextargets knows nothing before the first "apt-get update".
	[ -n "$uri" ] || uri=$(apt-get update --print-uris 2>/dev/null |
		sed -n "/security/d; s,^'\(.*/\)dists/[^ ]*InRelease' .*,\1,p" | sed -n 1p)
	[ -n "$uri" ] ||
		die "apt names no Debian archive; set DEBIAN_MIRROR=ADDRESS"
	echo "$uri"
}

# apt_options SUITE ARCH - set APT_OPTS and APT_HOME for the private set-up
apt_options() {
	local suite=$1 arch=$2

	APT_HOME=$CACHE/apt/$suite-$arch
	APT_OPTS=(
		-q -oAPT::Architecture="$arch" -oAPT::Architectures::="$arch"
		-oDir::State="$APT_HOME/state" -oDir::State::status=/dev/null
		-oDir::State::lists="$APT_HOME/lists" -oDir::Cache="$APT_HOME/cache"
		-oDir::Etc::sourcelist="$APT_HOME/sources.list"
		-oDir::Etc::sourceparts=/dev/null -oDir::Etc::preferencesparts=/dev/null
		# Root fetches into folders that the user _apt cannot enter.
		-oAPT::Sandbox::User=root
		-oAcquire::Languages=none -oAcquire::Retries=3
	)
}

# apt_update - read the lists again; the old ones stay when that fails
apt_update() {
	local log=$APT_HOME/update.log

	# apt-get update reports success after a failed download unless told not to.
	if apt-get "${APT_OPTS[@]}" -oAPT::Update::Error-Mode=any update \
		>"$log" 2>&1; then
		touch "$APT_HOME/stamp"
	elif [ -f "$APT_HOME/stamp" ]; then
		note "the archive does not answer, going on with the old package lists ($log)"
	else
		die "cannot read the package lists: $(tail -n 1 "$log") (log: $log)"
	fi
}

# apt_private SUITE ARCH - package lists of SUITE for ARCH, at most a day old
apt_private() {
	local suite=$1 arch=$2 uri

	need apt-get apt-cache flock
	need_space "$CACHE" 200
	[ -f "$APT_KEYRING" ] || die "no $APT_KEYRING: this needs Debian's archive keys"
	apt_options "$suite" "$arch"
	mkdir -p "$APT_HOME"/{state,lists/partial,cache/archives/partial} ||
		die "cannot create $APT_HOME"
	uri=$(apt_archive)
	(
		# Two commands may want the same lists at the same time.
		flock 9
		echo "deb [signed-by=$APT_KEYRING] $uri $suite main" \
			>"$APT_HOME/sources.list.part"
		if ! cmp -s "$APT_HOME"/sources.list{.part,}; then
			mv "$APT_HOME"/sources.list{.part,}
			rm -f "$APT_HOME/stamp"
		fi
		[ -n "$(find "$APT_HOME" -maxdepth 1 -name stamp \
			-mmin "-$APT_MAX_AGE")" ] || apt_update
	) 9>"$APT_HOME/lock" || exit 1
}

# apt_field PACKAGE[=VERSION] FIELD - a field of that or the newest version
apt_field() {
	apt-cache "${APT_OPTS[@]}" show --no-all-versions "$1" 2>/dev/null |
		sed -n "s/^$2: //p" | sed -n 1p
}

# sha256_is FILE SUM
sha256_is() {
	[ -f "$1" ] && [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$2" ]
}

# apt_download PACKAGE VERSION - fetch the .deb into the current folder
apt_download() {
	apt-get "${APT_OPTS[@]}" download "$1=$2" >download.log 2>&1
}

# apt_fetch SUITE ARCH PACKAGE [VERSION] - a .deb that matches its checksum
#
# Prints its path.  It is VERSION if the archive has that, else the newest.
# A file that was cut off is noticed by its checksum and fetched again.
apt_fetch() {
	local suite=$1 arch=$2 pkg=$3 ref=$3 version sum deb part again

	apt_private "$suite" "$arch" || exit 1
	if [ -n "${4:-}" ] && [ -n "$(apt_field "$pkg=$4" Version)" ]; then
		ref=$pkg=$4
	fi
	version=$(apt_field "$ref" Version)
	[ -n "$version" ] || die "no package $pkg for $arch in $suite"
	sum=$(apt_field "$ref" SHA256)
	deb=$CACHE/dl/${pkg}_${version//:/%3a}_$(apt_field "$ref" Architecture).deb
	if ! sha256_is "$deb" "$sum"; then
		[ ! -e "$deb" ] || note "$(basename "$deb") is damaged, fetching it again"
		need_space "$CACHE/dl" $(($(apt_field "$ref" Size) / 1048576 + 16))
		note "fetching $pkg $version ($arch)"
		# A folder of its own: apt-get goes on with the end of whatever
		# file has the right name.
		find "$CACHE/dl" -maxdepth 1 -name '.part-*' -mmin +120 -exec rm -rf {} +
		part=$(mktemp -d "$CACHE/dl/.part-XXXXXX")
		for again in 1 0; do
			if ! (cd "$part" && apt_download "$pkg" "$version"); then
				rm -f "$APT_HOME/stamp"
				die "cannot fetch $pkg: $(sed -n '/^E: /{p;q}' "$part/download.log")$(rm -rf "$part")"
			fi
			! sha256_is "$(echo "$part"/*.deb)" "$sum" || break
			rm -f "$part"/*.deb
			if [ "$again" = 0 ]; then
				rm -rf "$part"
				die "$pkg: the checksum of what was fetched is wrong"
			fi
			note "$pkg did not arrive whole, fetching it again"
		done
		mv "$part"/*.deb "$deb"
		rm -rf "$part"
	fi
	echo "$deb"
}
