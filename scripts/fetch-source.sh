#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: scripts/fetch-source.sh [VERSION]
#
# Unpacks Debian's Linux source VERSION (x.y or newest, see kernels.sh) as
# build/linux-X.Y and prints that path. Into the newest, which is the default, it
# links this tree as drivers/vmbkmcl, for the checks that need a whole kernel tree
# (KUnit, sparse, checkpatch). Prepare once, reuse after that.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

exec {out}>&1 >&2
find_source "${1:-newest}" || die "$reason"
VERSION=$found
TREE=$BUILD/linux-$VERSION

unpack()
{
	local deb

	need_packages xz-utils
	say "fetching the Linux $VERSION source package (160 MB)"
	apt_root "$suite" "$suite-backports"
	deb=$(apt_debs "linux-source-$VERSION")

	say "unpacking it to $TREE (1.8 GB)"
	rm -rf "$TREE.new"
	mkdir "$TREE.new"
	dpkg-deb --fsys-tarfile "$deb" |
		tar -xO "./usr/src/linux-source-$VERSION.tar.xz" |
		tar -xJ -C "$TREE.new" --strip-components=1
	touch "$TREE.new/.unpacked"
	keep "$TREE.new" "$TREE"
}

# add_line FILE LINE: append, or put before "endmenu" if the file has that.
add_line()
{
	! grep -qxF -e "$2" "$1" || return 0
	awk -v line="$2" '
		/^endmenu/ { print line "\n"; done = 1 }
		{ print }
		END { if (!done) print line }' "$1" >"$1.new"
	mv "$1.new" "$1"
}

link()
{
	[ "$(readlink "$TREE/drivers/vmbkmcl")" = "$TOP" ] ||
		ln -sfn "$TOP" "$TREE/drivers/vmbkmcl"
	# shellcheck disable=SC2016 # make expands it
	add_line "$TREE/drivers/Makefile" 'obj-$(CONFIG_VMBKMCL) += vmbkmcl/'
	add_line "$TREE/drivers/Kconfig" 'source "drivers/vmbkmcl/Kconfig"'
}

exec {lock}>"$BUILD/.linux-$VERSION.lock"
flock "$lock"
[ -e "$TREE/.unpacked" ] || unpack
[ "${1:-newest}" != newest ] || link
printf '%s\n' "$TREE" >&"$out"
