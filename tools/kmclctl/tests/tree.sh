#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tree.sh COMMAND...: runs in umockdev-run, which shows it and what it runs a /sys of
# its own. Adds to that what umockdev's descriptions of devices cannot have: the
# files of drivers, of modules and of the kernel, as the variables say. Then it runs
# the command.

bus=/sys/bus/vmbus
if [ -d $bus ]; then
	: >$bus/drivers_probe
	for driver in hv_utils hv_netvsc uio_hv_generic \
		vmbkmcl-525074dc-8985-46e2-8057-a307dc18a502; do
		mkdir -p $bus/drivers/$driver
		: >$bus/drivers/$driver/unbind
	done
fi
# driverctl asks for it
mkdir -p /sys/module/uio_hv_generic
for module in ${MODULES:-}; do
	mkdir -p "/sys/module/$module"
	echo 0.1 >"/sys/module/$module/version"
	echo "${TAINT:-}" >"/sys/module/$module/taint"
done
if [ "${LOCKDOWN:-}" ]; then
	mkdir -p /sys/kernel/security
	if [ "$LOCKDOWN" = no ]; then
		: >/sys/kernel/security/lsm
	else
		echo "$LOCKDOWN" >/sys/kernel/security/lockdown
	fi
fi
# The variables of the firmware, of which SECURE_BOOT is one
if [ "${EFI:-}" ]; then
	mkdir -p /sys/firmware/efi/efivars
	[ "$EFI" = empty ] ||
		: >/sys/firmware/efi/efivars/Lang-8be4df61-93ca-11d2-aa0d-00e098032b8c
	[ -z "${SECURE_BOOT:-}" ] || printf '%b' "$SECURE_BOOT" \
		>/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
fi
if [ "${ENFORCE:-}" ]; then
	mkdir -p /sys/module/module/parameters
	echo "$ENFORCE" >/sys/module/module/parameters/sig_enforce
fi
case ${CONFIG:-} in
1)	mkdir -p /sys/kernel/config/kmcl ;;
empty)	mkdir -p /sys/kernel/config ;;
esac
if [ "${VENDOR:-}" ]; then
	mkdir -p /sys/class/dmi/id
	echo "$VENDOR" >/sys/class/dmi/id/sys_vendor
	echo "$PRODUCT" >/sys/class/dmi/id/product_name
fi
mkdir -p "$UMOCKDEV_DIR/dev"
printf '%b' "${KMSG:-}" >"$UMOCKDEV_DIR/dev/kmsg"
exec "$@"
