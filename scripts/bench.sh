#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: [KERNEL=VERSION] scripts/bench.sh
#
# Instructions per packet, raw VMBus API and KMCL in one run on a real VMBus
# host. Only ratios of one run mean something; see Documentation.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

kernel_or_die
log=$BUILD/vm/bench-$KERNEL.log
rm -f "$log"

check "modules and benchmark for $KERNEL build" \
	env BENCH=1 scripts/build-modules.sh "$KERNEL"
if [ "$failed" -eq 0 ]; then
	check "guest with $KERNEL ran to its end, kernel log clean" \
		scripts/vm-run.sh --kernel "$KERNEL" --icount \
		--modules "$BUILD/bench/$KERNEL" --script scripts/guest/bench.sh \
		--file scripts/guest/lib.sh --timeout 400 --log "$log"
fi
[ ! -e "$log" ] || grep -aE '^\[.*kmcl_bench: .* per packet' "$log" | tail -n 6
[ ! -e "$log" ] || count_guest "$log"
tally
