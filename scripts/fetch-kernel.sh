#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: scripts/fetch-kernel.sh [VERSION]
#
# Downloads Debian's amd64 kernel VERSION (x.y or newest, see kernels.sh) and its
# headers and unpacks them below build/kernels/X.Y, without touching the machine:
#   vmlinuz   the kernel              headers   the directory for KDIR=
#   modules   its module directory    release   its `uname -r`
#   suite     the Debian release it was built for
# What was unpacked before is not changed.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

find_kernel "${1:-$KERNEL}" || die "$reason"
dir=$BUILD/kernels/$found

kernel_ready "$found" && exit 0
alone "kernel-$found"
kernel_ready "$found" && exit 0
rm -rf "$dir"
mkdir -p "$dir"

apt_root "$suite" "$suite-backports"
# Newer images are several packages; headers always are.
mapfile -t packages < <(
	apt_cache depends \
		"linux-image-$release" "linux-headers-$release" |
		sed -nE 's/^ +Depends: (linux-(headers|kbuild|binary|modules)-.*)/\1/p')
packages+=("linux-image-$release" "linux-headers-$release")

say "downloading kernel $release from Debian $suite (about 100 MB)"
debs_into "$dir" "${packages[@]}"

headers=$dir/usr/src/linux-headers-$release
say "unpacked kernel $release"
# Debian's headers expect to be in /usr/src; change their paths.
grep -rlIE '/usr/(src|lib)/linux-' "$headers" --include=Makefile \
	--include=.kernelvariables --include='*.mk' |
	xargs -r sed -i -E "s,(^|[^[:alnum:]_/])/usr/(src|lib)/linux-,\1$dir/usr/\2/linux-,g"
modules=$dir/lib/modules/$release
[ -d "$modules" ] || modules=$dir/usr/lib/modules/$release
image=$dir/boot/vmlinuz-$release
[ -e "$image" ] || image=$modules/vmlinuz
ln -sfn "$headers" "$dir/headers"
ln -sfn "$modules" "$dir/modules"
ln -sfn "$image" "$dir/vmlinuz"
printf '%s\n' "$release" >"$dir/release"
printf '%s\n' "$suite" >"$dir/suite"
printf '%s\n' "$dir" >"$dir/place"
