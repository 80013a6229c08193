#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The unit tests of tools/vmbhost, under the address and the undefined behaviour
# sanitizer. They need no KVM.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_packages acpica-tools gcc libc6-dev libcmocka-dev make perl
count_tap '' make --no-print-directory -C tools/vmbhost O="$BUILD/vmbhost-sanitize" \
	SANITIZE=1 test
tally
