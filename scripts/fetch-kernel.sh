#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: scripts/fetch-kernel.sh [VERSION]
#
# Downloads Debian's amd64 kernel VERSION (6.1, 6.12 or 7.3) and its headers
# and unpacks them below build/kernels/VERSION, without touching the machine:
#   vmlinuz   the kernel              headers   what KDIR= wants
#   modules   its module directory    release   its `uname -r`
#   suite     the Debian release it was built for
# What is there already is left alone.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/apt-root.sh
. "$TOP/scripts/apt-root.sh"
# shellcheck source=scripts/roots.sh
. "$TOP/scripts/roots.sh"

version=${1:-$KERNEL}
dir=$BUILD/kernels/$version

case $version in
6.1)
	suite=bookworm ;;
6.12)
	suite=trixie
	[ "$(host_suite)" != bookworm ] || suite=bookworm ;;
7.3)
	suite=trixie ;;
*)
	die "no kernel $version: choose 6.1, 6.12 or 7.3" ;;
esac

# The headers refer to their place by absolute path, so that a tree that was
# moved needs them again.
ready()
{
	[ "$(cat "$dir/place" 2>/dev/null)" = "$dir" ]
}

ready && exit 0
alone "kernel-$version"
ready && exit 0
rm -rf "$dir"
mkdir -p "$dir"

apt_root "$suite" "$suite-backports"
pattern="linux-headers-${version//./\\.}\.[0-9.]+([+-][a-z0-9.]+)?-amd64"
release=$(apt_cache pkgnames linux-headers- |
	grep -xE "$pattern" | sed 's/^linux-headers-//' | sort -V | tail -n 1)
[ -n "$release" ] || die "Debian $suite has no kernel $version"
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
# Debian's headers expect to live in /usr/src; let them live here.
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
