#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: scripts/fetch-kernel.sh [VERSION [headers]]
#
# Downloads Debian's kernel VERSION (x.y, newest or x.y-FLAVOUR, see kernels.sh) and
# its headers and unpacks them below build/kernels/X.Y, without touching the machine:
#   vmlinuz   the kernel              headers   the directory for KDIR=
#   modules   its module directory    release   its `uname -r`
#   suite     the Debian release it was built for
# With "headers", only these, below build/headers/X.Y, which has no vmlinuz and no
# modules. What was unpacked before is not changed.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

find_kernel "${1:-$KERNEL}" || die "$reason"
kind=${2:-kernels}
[[ $kind =~ ^(kernels|headers)$ ]] || die "what is $kind?"
dir=$BUILD/$kind/$found

kernel_ready "$found" "$kind" && exit 0
alone "kernel-$found"
kernel_ready "$found" "$kind" && exit 0

case $found in
*arm64*) export APT_ARCH=arm64 ;;
esac
apt_root "$suite" "$suite-backports"
packages=("linux-headers-$release")
size=15 what=
[ "$kind" = headers ] || packages+=("linux-image-$release") size=100
# Newer images are several packages; headers always are.
more=$(apt_cache depends "${packages[@]}" |
	sed -nE 's/^ +Depends: (linux-(headers|kbuild|binary|modules)-.*)/\1/p')
[ -n "$more" ] || die "apt does not know what ${packages[*]} need"
mapfile -t -O ${#packages[@]} packages <<<"$more"

# What refers to the place refers to the one that it gets in the end.
new=$dir.new
rm -rf "$new"
mkdir -p "$new"
[ "$kind" = kernels ] || what="headers of "
say "downloading ${what}kernel $release from Debian $suite (about $size MB)"
# The programs of kbuild are for the machine that builds.
own=()
for i in "${!packages[@]}"; do
	[[ -n ${APT_ARCH:-} && ${packages[i]} = linux-kbuild-* ]] || continue
	own+=("${packages[i]}")
	unset "packages[i]"
done
debs_into "$new" "${packages[@]}"
[ ${#own[@]} -eq 0 ] || (
	unset APT_ARCH
	apt_root "$suite" "$suite-backports"
	debs_into "$new" "${own[@]}"
)

headers=$new/usr/src/linux-headers-$release
say "unpacked kernel $release"
# Debian's headers expect to be in /usr/src; change their paths.
grep -rlIE '/usr/(src|lib)/linux-' "$headers" --include=Makefile \
	--include=.kernelvariables --include='*.mk' |
	xargs -r sed -i -E "s,(^|[^[:alnum:]_/])/usr/(src|lib)/linux-,\1$dir/usr/\2/linux-,g"
modules=$new/lib/modules/$release
[ -d "$modules" ] || modules=$new/usr/lib/modules/$release
image=$new/boot/vmlinuz-$release
[ -e "$image" ] || image=$modules/vmlinuz
[ "$kind" = kernels ] || image='' modules=''
# Headers include those that all flavours of the kernel share.
for file in "$headers/Makefile" ${image:+"$image" "$modules/kernel"} \
	"$new"/usr/src/linux-headers-*-common*/Makefile \
	"$new"/usr/lib/linux-kbuild-*/scripts; do
	[ -e "$file" ] || die "the packages ${packages[*]} lack ${file#"$new"}"
done
ln -s "$dir${headers#"$new"}" "$new/headers"
if [ -n "$image" ]; then
	ln -s "$dir${modules#"$new"}" "$new/modules"
	ln -s "$dir${image#"$new"}" "$new/vmlinuz"
fi
printf '%s\n' "$release" >"$new/release"
printf '%s\n' "$suite" >"$new/suite"
printf '%s\n' "$dir" >"$new/place"
keep "$new" "$dir"
