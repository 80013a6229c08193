#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the programs that guests run, in build/programs/: those of each directory
# tools/NAME that has a Makefile, except for vmbhost, with O=build/programs/NAME and
# the packages in its file "packages", one a line. What is executable there is a
# program.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need=(gcc libc6-dev make)
dirs=()
for makefile in tools/*/Makefile; do
	dir=${makefile%/Makefile}
	[ "$dir" != tools/vmbhost ] || continue
	dirs+=("$dir")
	[ ! -e "$dir/packages" ] || mapfile -t -O ${#need[@]} need <"$dir/packages"
done
need_packages "${need[@]}"
for dir in "${dirs[@]}"; do
	make --no-print-directory -C "$dir" O="$BUILD/programs/${dir#tools/}"
done
