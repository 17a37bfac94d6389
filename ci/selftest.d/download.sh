#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# download - a package that was cut off is noticed and fetched again
#
# Usage and exit codes: see ci/selftest.  Fetches about 1 MB.

set -euo pipefail

# shellcheck source-path=SCRIPTDIR source=../lib/selftest.sh
. "$(dirname "$(readlink -f "$0")")/../lib/selftest.sh"
# shellcheck source-path=SCRIPTDIR source=../lib/apt.sh
. "$TOP/ci/lib/apt.sh"

# fetch - in a shell of its own: die must not end the test
fetch() {
	bash -euc '. "$0/common.sh"; . "$0/apt.sh"; CACHE=$1; apt_fetch "${@:2}"' \
		"$TOP/ci/lib" "$WORK/cache" "$@"
}

# fetch_bad_once - the first time something else arrives
fetch_bad_once() {
	bash -euc '. "$0/common.sh"; . "$0/apt.sh"; CACHE=$1
		apt_download() {
			cp "$CACHE/../whole.deb" "$1.deb"
			[ -e "$CACHE/second" ] || echo >>"$1.deb"
			touch "$CACHE/second"
		}
		apt_fetch "${@:2}"' "$TOP/ci/lib" "$WORK/cache" "$@"
}

main() {
	local deb

	selftest_begin 8
	# The lists of earlier runs, so that only the package itself is fetched
	mkdir -p "$WORK/cache"
	[ ! -d "$CACHE/apt" ] || cp -r "$CACHE/apt" "$WORK/cache/"
	rm -f "$WORK"/cache/apt/*/lists/lock

	try fetch bookworm s390x busybox-static
	deb=$STDOUT
	check "a package of another architecture is fetched" rc_is 0
	truncate -s 1000 "$deb"
	try fetch bookworm s390x busybox-static
	check "a package that was cut off is named" one_of_them "is damaged, fetching it again"
	check "and is whole afterwards" whole "$deb"
	try fetch bookworm s390x busybox-static
	check "a whole package is not fetched again" test -z "$STDERR"
	cp "$deb" "$WORK/whole.deb"
	rm "$deb"
	try fetch_bad_once bookworm s390x busybox-static
	check "a package that does not arrive whole is fetched again" one_of_them \
		"did not arrive whole"
	check "and is whole then" whole "$deb"
	try fetch bookworm s390x no-such-package
	check "a package that does not exist" refused 1 "no package no-such-package for s390x"
	check "nothing half-done is left" test -z "$(find "$WORK/cache/dl" -name '.part*')"
	selftest_end
}

whole() {
	dpkg-deb --fsys-tarfile "$1" >/dev/null 2>&1
}

# one_of_them WORDS - a line of STDERR contains WORDS, and all went well
one_of_them() {
	rc_is 0 && printf '%s\n' "$STDERR" | grep -qF -- "$1"
}

main "$@"
