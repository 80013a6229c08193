#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: [KERNEL=VERSION] [CASES="NAME ..."] scripts/bench.sh
#
# Instructions per packet, raw VMBus API and KMCL in one run on tools/vmbhost.
# Only ratios of one run mean something; see Documentation/measurements.md. CASES
# are beginnings of the names of cases in drivers/bench/bench_main.c, such as
# receive; without it all are run.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

# The guest says every 5 seconds of its own that it is alive: 5,000 million instructions
export SILENCE=${SILENCE:-180}
kernel_or_die
log=$BUILD/vm/bench-$KERNEL.log
rm -f "$log"

# The classes of drivers/bench/bench.h, the raw driver's first
class=6b6d636c-6265-6e63-6800-00000000000
# shellcheck disable=SC2086 # several names
words=$(printf '%s,' ${CASES:-})

check "modules and benchmark for $KERNEL build" \
	env BENCH=1 scripts/build-modules.sh "$KERNEL"
if [ "$failed" -eq 0 ]; then
	check "guest with $KERNEL ran to its end, kernel log clean" \
		scripts/vm-run.sh --kernel "$KERNEL" --host vmbhost --icount \
		--offer "${class}0 sink" --offer "${class}1 sink" \
		--modules "$BUILD/bench/$KERNEL" --script scripts/guest/bench.sh \
		--file scripts/guest/lib.sh --append "cases=${words%,}" \
		--timeout 400 --log "$log"
fi
[ ! -e "$log" ] || tr -d '\r' <"$log" | sed -n 's/^\[.*kmcl_bench: \(.* kmcl=\)/\1/p'
[ ! -e "$log" ] || count_guest "$log"
tally
