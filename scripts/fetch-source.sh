#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# fetch-source.sh: unpack Debian's Linux 7.3 source as build/linux-7.3, for the
# checks that need a whole kernel tree (KUnit, sparse, checkpatch).

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/apt-root.sh
. "$TOP/scripts/apt-root.sh"

VERSION=7.3
TREE=$BUILD/linux-$VERSION

exec {lock}>"$BUILD/.linux-$VERSION.lock"
flock "$lock"
[ ! -e "$TREE/.unpacked" ] || exit 0

need_packages xz-utils
say "fetching the Linux $VERSION source package (160 MB)"
apt_root trixie-backports
deb=$(apt_debs "linux-source-$VERSION")

say "unpacking it to ${TREE#"$TOP"/} (1.7 GB)"
rm -rf "$TREE" "$TREE.new"
mkdir "$TREE.new"
dpkg-deb --fsys-tarfile "$deb" |
	tar -xO "./usr/src/linux-source-$VERSION.tar.xz" |
	tar -xJ -C "$TREE.new" --strip-components=1
touch "$TREE.new/.unpacked"
mv "$TREE.new" "$TREE"
