# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Runs in the guest: the benchmark, whose numbers are in the kernel log.

# shellcheck source=scripts/guest/lib.sh
. /lib.sh

step "vmbus_sendpacket() and VmbPacketSend(), 64 bytes"
if [ -e /modules/hv_vmbus.ko ]; then
	check "insmod hv_vmbus" insmod /modules/hv_vmbus.ko
fi
check "insmod vmbkmcl" insmod /modules/vmbkmcl.ko
check "insmod vmbkmcl_hv" insmod /modules/vmbkmcl_hv.ko
check "the benchmark ran" insmod /modules/kmcl_bench.ko
check "numbers" logged 'kmcl_bench: .* per packet' 6
for module in kmcl_bench vmbkmcl_hv vmbkmcl; do
	check "rmmod $module" rmmod "$module"
done
