#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: [KERNEL=VERSION] scripts/trace-test.sh
#
# Runs the commands of Documentation/tracing.rst in a guest, with the tools that they
# name, and looks at what they print.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

kernel_or_skip
log=$BUILD/vm/trace-$KERNEL.log
rm -f "$log"
need_packages trace-cmd linux-perf bpftrace
programs=()
for name in trace-cmd perf bpftrace; do
	programs+=(--program "$(command -v "$name")")
done

check "modules for $KERNEL build" scripts/build-modules.sh "$KERNEL"
if [ "$failed" -eq 0 ]; then
	# bpftrace needs LLVM, which is 200 MB
	check "guest with $KERNEL ran to its end, kernel log clean" \
		scripts/vm-run.sh --kernel "$KERNEL" --host vmbhost --memory 1536 \
		--modules "$BUILD/modules/$KERNEL" "${programs[@]}" \
		--script scripts/guest/trace.sh --file scripts/guest/lib.sh \
		--file Documentation/tracing.rst --timeout 800 --log "$log"
fi
[ ! -e "$log" ] || count_guest "$log"
tally
