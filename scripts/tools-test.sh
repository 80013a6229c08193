#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: scripts/tools-test.sh [NAME]...
#
# The tests of the programs in tools/ that need no guest: tools/NAME/tests/test.sh,
# which is read by this script and calls check(). What they need is in the files
# "packages" of the program and of its tests, one a line.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/apt-root.sh
. "$TOP/scripts/apt-root.sh"
# shellcheck source=scripts/roots.sh
. "$TOP/scripts/roots.sh"

names=("$@")
if [ $# -eq 0 ]; then
	for tests in tools/*/tests/test.sh; do
		tests=${tests#tools/}
		names+=("${tests%%/*}")
	done
fi
need=(gcc libc6-dev make)
for name in "${names[@]}"; do
	[ -e "tools/$name/tests/test.sh" ] || die "tools/$name has no tests for this"
	for list in "tools/$name/packages" "tools/$name/tests/packages"; do
		[ ! -e "$list" ] || mapfile -t -O ${#need[@]} need <"$list"
	done
done
need_packages "${need[@]}"
work=$(mktemp -d "$BUILD/tools-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
for name in "${names[@]}"; do
	say "$name"
	# shellcheck source=/dev/null
	. "tools/$name/tests/test.sh"
done
tally
