#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: [KERNEL=VERSION] scripts/vmtest.sh
#
# The modules on a real VMBus host: builds them for the kernel, boots it and
# counts what scripts/guest/vmtest.sh found there.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

kernel_or_skip
log=$BUILD/vm/vmtest-$KERNEL.log
rm -f "$log"

check "modules for $KERNEL build" scripts/build-modules.sh "$KERNEL"
check "clients outside the tree build for $KERNEL" scripts/outside.sh "$KERNEL"
if [ "$failed" -eq 0 ]; then
	check "guest with $KERNEL ran to its end, kernel log clean" \
		scripts/vm-run.sh --kernel "$KERNEL" \
		--modules "$BUILD/modules/$KERNEL" \
		--script scripts/guest/vmtest.sh --file scripts/guest/lib.sh \
		--file scripts/guest/story.sh \
		--file "$BUILD/outside/$KERNEL/kmcl_hello.ko" --timeout 600 --log "$log"
fi
[ ! -e "$log" ] || count_guest "$log"
tally
