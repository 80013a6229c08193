# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A guest that starts as one with Secure Boot does: UEFI firmware with Microsoft's keys,
# Debian's shim and GRUB, which start a kernel that Debian has signed, and no other.
# Source it after lib.sh, apt-root.sh and roots.sh.
#
# QEMU, where it emulates AMD's virtualisation, ends with "tcg_handle_interrupt: assertion
# failed: (bql_locked())" if CR8 is written while an interrupt waits. The firmware saves
# it in each interrupt, so none may come before the last one has ended: vm-run.sh counts
# instructions there instead of time.

# UEFI's name for owners of keys: any number, here the one of a Hyper-V guest's owner
MOK_OWNER=605dab50-e046-4300-abb6-3dd810dd8b23

# secure_boot CERTIFICATE DIRECTORY: put the firmware there, its variables, in which the
# certificate is that of a Machine Owner Key, and a boot partition with the kernel, the
# initramfs and the command line that are there. The owner of a machine enrols the key in
# shim's menu; the variable in which shim keeps it is written here.
secure_boot()
{
	local root=$BUILD/secure-boot parts=$BUILD/secure-boot.parts dir=$2 esp=$2/esp work

	[ -e "$root/ready" ] || (
		alone secure-boot
		[ ! -e "$root/ready" ] || exit 0
		say "unpacking UEFI firmware, shim and GRUB (about 40 MB)"
		apt_root trixie trixie-backports
		# The files of these are needed, and not what they depend on
		debs_into "$parts" ovmf shim-signed grub-efi-amd64-signed
		root_into "$root" python3-virt-firmware
	) || exit
	work=$(mktemp -d "$root/tmp/XXXXXX")
	cp "$1" "$parts/usr/share/OVMF/OVMF_VARS_4M.ms.fd" "$work/"
	chroot "$root" virt-fw-vars --loglevel WARNING \
		--input "/tmp/${work##*/}/OVMF_VARS_4M.ms.fd" \
		--output "/tmp/${work##*/}/variables" \
		--add-mok "$MOK_OWNER" "/tmp/${work##*/}/${1##*/}" || exit
	mv "$work/variables" "$dir/"
	rm -r "$work"
	cp "$parts/usr/share/OVMF/OVMF_CODE_4M.ms.fd" "$dir/firmware"

	mkdir -p "$esp"/EFI/{BOOT,debian}
	cp "$parts/usr/lib/shim/shimx64.efi.signed" "$esp/EFI/BOOT/BOOTX64.EFI"
	cp "$parts/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" \
		"$esp/EFI/BOOT/grubx64.efi"
	printf 'linux /vmlinuz %s\ninitrd /initrd\nboot\n' "$(cat "$dir/cmdline")" \
		>"$esp/EFI/debian/grub.cfg"
	mv "$dir/vmlinuz" "$dir/initrd" "$esp/"
}

# secure_boot_args DIRECTORY: add QEMU's arguments for that to the array host_args. Only code
# in system management mode may write to the variables.
secure_boot_args()
{
	host_args+=(-machine "smm=on"
		-global "driver=cfi.pflash01,property=secure,value=on"
		-drive "if=pflash,unit=0,format=raw,readonly=on,file=$1/firmware"
		-drive "if=pflash,unit=1,format=raw,file=$1/variables"
		-drive "if=none,id=esp,format=raw,readonly=on,file=fat:$1/esp"
		-device "virtio-blk-pci,drive=esp,bootindex=0")
}
