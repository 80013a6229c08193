#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: scripts/dkms.sh install|remove|deb|copy DIRECTORY
#
#   install  adds this tree to DKMS, which builds and installs the modules for
#            the running kernel (KVER=... for another) and for later ones
#   remove   undoes that
#   deb      builds the Debian package vmbkmcl-dkms, which does the same, out of
#            a clean copy; it is left in build/
#   copy     copies to DIRECTORY what install copies to /usr/src
#
# Either way /usr/src/vmbkmcl refers to the source, whose include/ client
# modules use, and /var/lib/dkms/vmbkmcl/kernel-<release>-<arch>/Module.symvers
# has the versions of the library's symbols.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

name=vmbkmcl
version=$(sed -n 's/^VERSION := //p' Makefile)
source=/usr/src/$name-$version

# What DKMS builds from, as it is in the working tree, committed or not: neither the
# unit tests nor the benchmark.
sources()
{
	local files=(dkms.conf README.md scripts/dkms-symvers.sh)

	[ ! -e COPYING ] || files+=(COPYING)
	printf '%s\n' "${files[@]}"
	kbuild_sources | grep -vE '^(kunit|drivers/bench)/'
}

# copy_to DIRECTORY [FILE...]: these, and the sources, which everybody may read, though
# perhaps not here.
copy_to()
{
	local dir=$1

	shift
	rm -rf "$dir.new"
	mkdir -p "$dir.new"
	{ sources; [ $# -eq 0 ] || printf '%s\n' "$@"; } |
		tar -cf - --owner=0 --group=0 --mode=u+rw,go=rX -T - |
		tar -xf - -C "$dir.new"
	keep "$dir.new" "$dir"
}

as_root()
{
	[ "$(id -u)" -eq 0 ] || die "only root can do that"
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$name-dkms" 2>/dev/null)" \
		!= installed ] || die "the package $name-dkms is installed: remove it"
}

registered()
{
	[ -n "$(dkms status -m "$name" -v "$version")" ]
}

install_tree()
{
	local release=${KVER:-$(uname -r)}

	as_root
	need_packages dkms
	[ -e "/lib/modules/$release/build/Makefile" ] ||
		die "no headers of this kernel: apt-get install linux-headers-$release"
	# DKMS would only say where its log is.
	sh scripts/compiler.sh "/lib/modules/$release/build" >/dev/null || exit
	! registered || dkms remove "$name/$version" --all
	copy_to "$source"
	ln -sfn "$name-$version" "/usr/src/$name"
	dkms add "$name/$version"
	dkms install "$name/$version" -k "$release"
	sed -n 's/^vmbkmcl: //p' \
		"/var/lib/dkms/$name/$version/$release"/*/log/make.log
	say "the modules are installed for $release, modprobe finds them"
}

remove_tree()
{
	as_root
	command -v dkms >/dev/null || die "DKMS is not installed"
	! registered || dkms remove "$name/$version" --all
	rm -rf "$source"
	rm -f "/usr/src/$name"
	say "$name $version is removed; modules in use stay until rmmod"
}

build_deb()
{
	local work=$BUILD/deb log=$BUILD/deb.log
	local deb=${name}-dkms_${version}_all.deb

	grep -qx "PACKAGE_VERSION=\"$version\"" dkms.conf ||
		die "dkms.conf has another version than the Makefile's $version"
	head -n 1 debian/changelog | grep -qF "$name ($version) " ||
		die "debian/changelog has another version than the Makefile's $version"
	need_packages build-essential dpkg-dev debhelper dh-dkms
	rm -rf "$work"
	copy_to "$work/$name-$version" debian/{changelog,control,copyright,rules} \
		debian/source/format debian/vmbkmcl-dkms.{dkms,install,links,docs}
	(cd "$work/$name-$version" && dpkg-buildpackage -us -uc -b) \
		</dev/null >"$log" 2>&1 || {
		tail -n 20 "$log"
		die "dpkg-buildpackage failed, see $log"
	}
	mv "$work/$deb" "$BUILD/$deb"
	say "built ${BUILD#"$TOP/"}/$deb"
}

case ${1:-} in
install)	install_tree ;;
remove)		remove_tree ;;
deb)		build_deb ;;
copy)		copy_to "${2:?where to?}" ;;
*)		die "usage: $0 install|remove|deb|copy DIRECTORY" ;;
esac
