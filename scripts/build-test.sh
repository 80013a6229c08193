#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The modules with every warning (W=1) on three kernels, each with the compiler
# the kernel was built with, and clients outside the tree.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

for version in 6.1 6.12 7.3; do
	check "W=1 build for $version, no warning" \
		scripts/build-modules.sh "$version" W=1
	check "clients outside the tree build for $version" \
		scripts/outside.sh "$version"
done
tally
