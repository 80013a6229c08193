#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds tools/vmbhost: vmbhost and vmbhostctl, in build/vmbhost/.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_packages acpica-tools gcc libc6-dev make
make --no-print-directory -C tools/vmbhost O="$BUILD/vmbhost"
