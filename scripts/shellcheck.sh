#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs shellcheck on every script of the tree.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

need_packages shellcheck
for script in .ci/run scripts/*.sh scripts/guest/* scripts/guest/wire/*.sh \
	tools/*/tests/*.sh tools/kmclctl/completion/kmclctl; do
	[ -f "$script" ] || continue
	check "shellcheck $script" shellcheck -x "$script"
done
tally
