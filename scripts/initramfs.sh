# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What an initramfs for a guest is made of. Source it after lib.sh, and set busybox:
# one that runs here.

# shellcheck disable=SC2154 # busybox

# into_cpio DIRECTORY: an uncompressed initramfs, the quickest to unpack.
into_cpio()
{
	(cd "$1" && find . | "$busybox" cpio -o -H newc 2>/dev/null)
}

# copy_module VERSION NAME DIRECTORY: uncompressed; nothing if it is built in.
copy_module()
{
	local found

	found=$(find "$BUILD/kernels/$1/modules/" -name "$2.ko*")
	case $found in
	'')	;;
	*.xz)	"$busybox" xz -dc "$found" >"$3/$2.ko" ;;
	*)	cp "$found" "$3/$2.ko" ;;
	esac
}

# plain_root DIRECTORY [BUSYBOX]: what every initramfs starts with; the guest's busybox is
# the same one, or that of another machine
plain_root()
{
	local name

	mkdir -p "$1"/{bin,dev,proc,sys,tmp,modules}
	cp "${2:-$busybox}" "$1/bin/busybox"
	for name in $("$busybox" --list); do
		[ "$name" = busybox ] || ln -s busybox "$1/bin/$name"
	done
}
