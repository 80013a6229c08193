#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The modules with every warning (W=1) on Linux 6.1, 6.12 and the newest that Debian
# has, each with the compiler the kernel was built with, and clients outside the
# tree.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

find_kernels 6.1 6.12 newest
for version in "${kernels[@]}"; do
	check "W=1 build for $version, no warning" \
		scripts/build-modules.sh "$version" W=1
	check "clients outside the tree build for $version" \
		scripts/outside.sh "$version"
done
tally
