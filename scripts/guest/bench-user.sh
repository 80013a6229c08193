# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Runs in the guest: messages to a host that echoes them, from a program, through
# uio_hv_generic and through kmcl_cdev. The host offers both a device.

# shellcheck source=scripts/guest/lib.sh
. /lib.sh

ECHO_CLASS=6b6d636c-6265-6e63-6800-00000000000
CONFIG=/sys/kernel/config/kmcl/echo

step "From a program, beside uio_hv_generic"
for module in hv_vmbus uio uio_hv_generic; do
	[ ! -e "/modules/$module.ko" ] ||
		check "insmod $module" insmod "/modules/$module.ko"
done
echo "${ECHO_CLASS}0" >/sys/bus/vmbus/drivers/uio_hv_generic/new_id
for module in configfs vmbkmcl vmbkmcl_hv kmcl_cdev; do
	[ ! -e "/modules/$module.ko" ] ||
		check "insmod $module" insmod "/modules/$module.ko"
done
mount -t configfs config /sys/kernel/config
mkdir "$CONFIG"
echo "${ECHO_CLASS}1" >"$CONFIG/class"
# uio_hv_generic has two rings of this size
echo 2097152 >"$CONFIG/ring_bytes"
check "a device for each" sh -c "echo 1 >$CONFIG/enabled && [ -e /dev/uio0 ]"
check "messages were echoed" sh -c \
	"kmcl_echo_bench /dev/uio0 /dev/kmcl/echo >/tmp/results"
echo "kmcl_bench: with Linux $(uname -r)"
cat /tmp/results
check "numbers" [ "$(wc -l </tmp/results)" = 2 ]
rmdir "$CONFIG"
check "the host saw no error" [ "$(vmbhostctl stats |
	sed -n 's/^protocol_errors //p')" = 0 ]
