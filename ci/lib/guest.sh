# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# guest.sh - the initramfs of the test guests, made without root
#
# Usage: source it after common.sh and apt.sh and after arch_load, then
#   guest_initrd OUT COMMANDFILE [NAME=DIR]...
#
# Each NAME=DIR is a folder that appears as /NAME in the guest.

# All guests use the busybox of one suite, whatever the machine runs.
GUEST_SUITE=${GUEST_SUITE:-bookworm}

# pack OUT - the current folder as a cpio archive, all files owned by root
#
# Not compressed: unpacking in an emulated guest takes longer than reading.
# The kernel's built-in initramfs has /dev/console, so no device is needed.
pack() {
	find . -mindepth 1 | sort | cpio -o -H newc -R +0:+0 --quiet >"$1"
}

# guest_deb - print the path of the verified busybox package of ARCH_NAME
#
# The archive is asked once; later runs compare with the sum noted then, so
# that they need neither the network nor the second that apt takes.
guest_deb() {
	local known=$CACHE/guest/$ARCH_NAME/busybox.sha256 deb

	if ! sha256sum --status -c "$known" 2>/dev/null; then
		deb=$(apt_fetch "$GUEST_SUITE" "$DEBARCH" busybox-static)
		mkdir -p "$(dirname "$known")"
		sha256sum "$deb" >"$known.part"
		mv "$known.part" "$known"
	fi
	sed 's/^[^ ]* .//' "$known"
}

# guest_base - print the path of the part that all guests of ARCH_NAME share
guest_base() {
	local deb id base tmp

	need cpio dpkg-deb
	deb=$(guest_deb)
	id=$(cat "$deb" "$TOP/ci/guest/init" "$TOP/ci/lib/guest.sh" | sha256sum | cut -c 1-12)
	base=$CACHE/guest/$ARCH_NAME/base-$id.cpio
	if [ ! -f "$base" ]; then
		mkdir -p "$(dirname "$base")"
		tmp=$(mktemp -d "$(dirname "$base")/.tmp-XXXXXX")
		dpkg-deb -x "$deb" "$tmp/deb"
		mkdir -p "$tmp/root"/{bin,usr}
		cp "$tmp/deb/bin/busybox" "$tmp/root/bin/busybox"
		cp "$TOP/ci/guest/init" "$tmp/root/init"
		ln -s busybox "$tmp/root/bin/sh"
		ln -s bin "$tmp/root/sbin"
		ln -s ../bin "$tmp/root/usr/bin"
		ln -s ../bin "$tmp/root/usr/sbin"
		(cd "$tmp/root" && pack "$tmp/base.cpio")
		mv "$tmp/base.cpio" "$base"
		basename "$deb" >"${base%.cpio}.version"
		rm -rf "$tmp"
	fi
	echo "$base"
}

# guest_initrd OUT COMMANDFILE [NAME=DIR]... - the initramfs of one run
guest_initrd() {
	local out=$1 command=$2 base tmp arg
	shift 2

	base=$(guest_base)
	tmp=$(mktemp -d "$out.tmp-XXXXXX")
	mkdir "$tmp/root"
	cp "$command" "$tmp/root/command"
	for arg; do
		mkdir -p "$(dirname "$tmp/root/${arg%%=*}")"
		cp -a "${arg#*=}" "$tmp/root/${arg%%=*}"
	done
	(cd "$tmp/root" && pack "$tmp/run.cpio")
	# The kernel unpacks archives that follow each other.
	cat "$base" "$tmp/run.cpio" >"$out"
	rm -rf "$tmp"
}
