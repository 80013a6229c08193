#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: [ONLY=CASE,...] scripts/irqsoff.sh
#
# For how long the library has interrupts off, at most, with thousands of packets
# waiting: in a guest with the tracer kernel of debug-kernel.sh, in which a
# nanosecond is an instruction.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

log=$BUILD/vm/irqsoff.log
mkdir -p "$BUILD/vm"
rm -f "$log"

check "a kernel with a tracer" scripts/debug-kernel.sh tracer
check "modules for it build" scripts/build-modules.sh tracer
if [ "$failed" -eq 0 ]; then
	check "the guest ran to its end, kernel log clean" \
		scripts/vm-run.sh --kernel tracer --icount --host vmbhost \
		--memory 1024 --modules "$BUILD/modules/tracer" \
		--script scripts/guest/wire/irqsoff.sh \
		--file scripts/guest/lib.sh --file scripts/guest/wire/wire-lib.sh \
		${ONLY:+--append "only=$ONLY"} --timeout 900 --log "$log"
fi
[ ! -e "$log" ] || tr -d '\r' <"$log" | sed -n 's/^|      //p'
[ ! -e "$log" ] || count_guest "$log"
tally
