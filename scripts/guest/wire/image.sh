# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The machine hibernates in earnest: the kernel writes its image to a disk and turns
# the machine off; the host turns it on again, with other relids, and a second kernel
# runs this script from its beginning and restores the first one.
#
# The disk is persistent memory, and most of it is swap. The last MiB tells the second
# kernel whether it is to load hv_vmbus before it restores the first. images=NUMBER, a
# word of the kernel's command line, is how often; without it there is no disk.

# shellcheck disable=SC2154 # note() sets c_* and h_*

DISK=/dev/pmem0

disk_load()
{
	local name

	for name in libnvdimm nfit nd_btt nd_pmem; do
		[ ! -e "/modules/$name.ko" ] || insmod "/modules/$name.ko" ||
			return 1
	done
	within 5 [ -b $DISK ]
}

# KiB of it that are swap
swap_size()
{
	echo $(($(cat /sys/block/pmem0/size) / 2 - 1024))
}

# The first kernel leaves a word to the second
leave_word()
{
	printf '%-16s' "$1" | dd of=$DISK bs=1k seek="$(swap_size)" conv=notrunc \
		2>/dev/null
}

left_word()
{
	dd if=$DISK bs=1k skip="$(swap_size)" count=1 2>/dev/null |
		head -c 16 | tr -d ' '
}

# What a swap area has at the end of its first page
signature()
{
	dd if=$DISK bs=1 skip=4086 count=10 2>/dev/null | tr -d '\0'
}

# Before anything else: go on where the first kernel was, if there was one. It is as
# if to_disk() had returned there.
restore()
{
	local word

	[ "${images:-0}" -gt 0 ] || return 0
	disk_load
	if [ -z "$(signature)" ]; then
		check "there is a disk" [ -b $DISK ]
		return
	fi
	# The first kernel counts the checks
	word=$(left_word)
	echo "|           on again, with \"$word\", and $(signature)"
	if [ "$word" = loaded ] && [ -e /modules/hv_vmbus.ko ]; then
		insmod /modules/hv_vmbus.ko
	fi
	cat /sys/block/pmem0/dev >/sys/power/resume
	check "the second kernel restores the first" false
	dmesg | tail -n 50 | show
	exit 1
}

# swap_on WORD: nobody may write to what is swap, so the word comes first
swap_on()
{
	leave_word "$1" && mkswap $DISK "$(swap_size)" >/dev/null &&
		swapon $DISK
}

# To the image, off, on, and back to here in another kernel
off_and_on()
{
	local before ret

	before=$(host_total restarts)
	echo shutdown >/sys/power/disk
	host restart >/dev/null
	to_disk
	ret=$?
	expect "the machine was off" [ "$(host_total restarts)" -eq $((before + 1)) ]
	return $ret
}

# The kernel that restores it has loaded hv_vmbus, and unloads VMBus, too
hibernate_off()
{
	expect "there is swap" swap_on loaded
	hibernate_rounds $(((images + 1) / 2)) 2 off_and_on
	expect "swap is off" swapoff $DISK
}

hibernate_off_plain()
{
	expect "there is swap" swap_on plain
	hibernate_rounds $((images / 2)) 1 off_and_on
	expect "swap is off" swapoff $DISK
}
