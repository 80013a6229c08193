#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: [KERNEL=VERSION] [FLAVOUR=arm64-16k] scripts/arm64.sh
#
# arm64: builds the modules for Debian's kernel VERSION, by default its flavour with
# pages of 16 KiB, and the programs; boots it in QEMU, which emulates the machine, and
# counts what scripts/guest/arm64.sh found there, over the loopback bus.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"
# shellcheck source=scripts/initramfs.sh
. "$TOP/scripts/initramfs.sh"

FLAVOUR=${FLAVOUR:-arm64-16k}
LIMIT=${LIMIT:-600}
kernel_or_skip
KERNEL+=-$FLAVOUR
kernel_or_skip
log=$BUILD/vm/$KERNEL.log
qemu=$BUILD/qemu-arm
# For programs: libraries and headers, and what else the guest has of Debian
libs=$BUILD/tools/arm64-libs
busybox=$qemu/usr/bin/busybox
programs=$BUILD/programs-arm64
work=$(mktemp -d "$BUILD/arm64.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$BUILD/vm"
rm -f "$log"

# has DIRECTORY PACKAGE...: it was made of these
has()
{
	[ "$(cat "$1/packages" 2>/dev/null)" = "${*:2}" ]
}

# fetch DIRECTORY ARCHITECTURE PACKAGE...: of trixie
fetch()
{
	has "$1" "${@:3}" || (
		alone "${1##*/}"
		! has "$1" "${@:3}" || exit 0
		say "unpacking $3 for $2 (about ${SIZE:-20} MB)"
		[ "$2" = amd64 ] || export APT_ARCH=$2
		apt_root trixie trixie-backports
		root_into "$1" "${@:3}"
		echo "${*:3}" >"$1/packages"
	)
}

roots()
{
	SIZE=60 fetch "$qemu" amd64 qemu-system-arm busybox-static &&
		fetch "$libs" arm64 busybox-static libc6-dev libkeyutils-dev \
			libkmod-dev libsmartcols-dev libudev-dev libunistring-dev \
			liburing-dev python3-minimal uuid-dev
}

# compile NAME: a directory of tools/
compile()
{
	in_tools arm64 env PKG_CONFIG_SYSROOT_DIR="$libs" \
		PKG_CONFIG_LIBDIR="$libs/usr/lib/aarch64-linux-gnu/pkgconfig:$libs/usr/share/pkgconfig" \
		make -s -C "$programs/tree/tools/$1" O="$programs/$1" \
		CC="aarch64-linux-gnu-gcc-14 --sysroot=$libs"
}

# The tools' root sees the build directory, and nothing else of this tree
compile_all()
{
	local name

	rm -rf "$programs/tree"
	mkdir -p "$programs/tree/include"
	cp -R include/uapi "$programs/tree/include/" &&
		cp -R --preserve=timestamps tools "$programs/tree/" || return
	for name in kmclctl fcopyd examples; do
		compile "$name" >"$programs/$name.log" 2>&1 || {
			tail -n 20 "$programs/$name.log"
			return 1
		}
	done
}

# needed FILE...: the libraries that they need, and those that these need
needed()
{
	local file name all=" "

	while [ $# -gt 0 ]; do
		file=$1
		shift
		for name in $(readelf -d "$file" |
			sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
			[[ $all != *" $name "* ]] || continue
			all+="$name "
			set -- "$@" "$libs/usr/lib/aarch64-linux-gnu/$name"
		done
	done
	printf '%s\n' "$all"
}

# The guest's initramfs, from which alone it runs
pack()
{
	local root=$work/root name file
	local ours=("$programs"/{kmclctl/kmclctl,fcopyd/kmcl-fcopyd,examples/heartbeat})

	plain_root "$root" "$libs/usr/bin/busybox"
	cp scripts/guest/l2-init "$root/init"
	chmod +x "$root/init"
	cp scripts/guest/arm64.sh "$root/test.sh"
	cp scripts/guest/lib.sh tools/examples/heartbeat.py "$root/"
	copy_module "$KERNEL" configfs "$root/modules"
	find "$BUILD/modules/$KERNEL" -name '*.ko' -exec cp {} "$root/modules/" \;
	cp "${ours[@]}" "$root/bin/"
	mkdir -p "$root/lib" "$root/usr/lib"
	cp -L "$libs/usr/bin/python3" "$root/bin/"
	cp -R "$libs"/usr/lib/python3* "$root/usr/lib/"
	for name in ld-linux-aarch64.so.1 $(needed "${ours[@]}" "$root/bin/python3"); do
		cp -L "$libs/usr/lib/aarch64-linux-gnu/$name" "$root/lib/"
	done
	into_cpio "$root" >"$work/initrd"
	rm -rf "$root"
}

# pages: what the flavour has
pages()
{
	case $FLAVOUR in
	*16k)	echo 16384 ;;
	*)	echo 4096 ;;
	esac
}

# A processor that has pages of every size. Nothing is emulated but it and a console.
boot()
{
	local qemu_libs=$qemu/usr/lib/x86_64-linux-gnu start=$SECONDS status=0

	say "booting Linux $KERNEL in an emulated machine"
	timeout "$LIMIT" "$qemu/lib64/ld-linux-x86-64.so.2" --library-path "$qemu_libs" \
		"$qemu/usr/bin/qemu-system-aarch64" -nodefaults -no-user-config \
		-display none -no-reboot -L "$qemu/usr/share/qemu" \
		-M virt -cpu neoverse-n1 -accel tcg,thread=multi -smp 2 -m 768 \
		-kernel "$BUILD/kernels/$KERNEL/vmlinuz" -initrd "$work/initrd" \
		-append "console=ttyAMA0 loglevel=5 mitigations=off panic=-1 limit=$((LIMIT - 30)) page_size=$(pages)" \
		-serial "file:$log" 2>"$log.host" || status=$?
	say "the guest ran for $((SECONDS - start)) s, log: ${log#"$TOP/"}"
	if [ "$status" -ne 0 ]; then
		tail -n 20 "$log" "$log.host"
		return 1
	fi
	! grep -nE -m 8 "$GUEST_WARNINGS" "$log" &&
		grep -q '^vmbkmcl-guest: ended with status 0' <(tr -d '\r' <"$log")
}

check "packages for arm64" roots
check "modules for $KERNEL build" scripts/build-modules.sh "$KERNEL"
if [ "$failed" -eq 0 ]; then
	check "programs for arm64 build" compile_all
fi
if [ "$failed" -eq 0 ]; then
	pack
	check "guest with $KERNEL ran to its end, kernel log clean" boot
fi
[ ! -e "$log" ] || count_guest "$log"
tally
