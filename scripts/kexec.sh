#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: [KERNEL="VERSION ..."] scripts/kexec.sh
#
# A guest of tools/vmbhost starts another kernel (kexec) with channels open, and that
# one crashes with channels open, and starts its crash kernel: each finds VMBus as
# hv_vmbus left it, and opens channels of the devices that had some.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

run()
{
	local log=$BUILD/vm/kexec-$1.log

	rm -f "$log"
	check "modules for $1 build" scripts/build-modules.sh "$1"
	[ "$failed" -eq 0 ] || return 0
	check "Linux $1: three kernels ran, and the last one to its end" \
		scripts/vm-run.sh --kernel "$1" --host vmbhost --memory 1024 \
		--modules "$BUILD/modules/$1" --script scripts/guest/kexec.sh \
		--file scripts/guest/lib.sh --file scripts/guest/wire/wire-lib.sh \
		--file "$BUILD/kernels/$1/vmlinuz" --program "$BUILD/programs/kexec/kexec_next" \
		--append "crashkernel=256M watchdog_thresh=20" --timeout 600 --log "$log"
	[ ! -e "$log" ] || count_guest "$log"
}

check "programs for the guest build" scripts/programs.sh
# shellcheck disable=SC2086 # several names
find_kernels $KERNEL
for kernel in "${kernels[@]}"; do
	[ "$failed" -gt 0 ] || run "$kernel"
done
tally
