#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: scripts/dkms.sh install|remove|deb|copy DIRECTORY
#
#   install  adds this tree to DKMS, which builds and installs the modules for
#            the running kernel (KVER=... for another) and for later ones
#   remove   undoes that
#   deb      builds the Debian packages out of a clean copy, and leaves them in
#            build/packages; vmbkmcl-dkms does what install does
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
	! command -v dpkg-query >/dev/null || need_packages dkms
	command -v dkms >/dev/null || { sh scripts/missing.sh dkms; exit 1; }
	[ -e "/lib/modules/$release/build/Makefile" ] || {
		sh scripts/missing.sh headers "/lib/modules/$release/build"
		exit 1
	}
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

# Debian's packages, from a clean copy of the tree; the tools' own tests are other parts
# of make check.
build_deb()
{
	local work=$BUILD/deb log=$BUILD/deb.log need stamp
	local dir=$work/$name-$version

	grep -qx "PACKAGE_VERSION=\"$version\"" dkms.conf ||
		die "dkms.conf has another version than the Makefile's $version"
	head -n 1 debian/changelog | grep -qF "$name ($version-" ||
		die "debian/changelog has another version than the Makefile's $version"
	mapfile -t need < <(sed -nE '/^Build-Depends/,/^[S-]/s/^(Build-[A-Za-z-]+:)? ?([a-z0-9-]+).*/\2/p' \
		debian/control | sed 's/^debhelper-compat$/debhelper/
		s/^dh-sequence-dkms$/dh-dkms/; /^dh-sequence-/d
		s/^linux-headers-generic$/linux-headers-amd64/')
	need_packages build-essential dpkg-dev "${need[@]}"
	exec {lock}>"$BUILD/.deb.lock"
	flock "$lock"
	rm -rf "$work"
	mkdir -p "$dir"
	tar -cf - --owner=0 --group=0 --mode=u+rw,go=rX --exclude-vcs \
		--exclude-vcs-ignores --exclude=./build --exclude="./${BUILD#"$TOP/"}" . |
		tar -xf - -C "$dir"
	stamp=$(cd "$dir" && find . -type f | sort | xargs sha256sum | sha256sum)
	if [ "$(cat "$BUILD/packages/stamp" 2>/dev/null)" = "$stamp" ]; then
		rm -rf "$work"
		return
	fi
	tar -C "$work" -cJf "$work/${name}_$version.orig.tar.xz" \
		--exclude="$name-$version/debian" "$name-$version"
	(cd "$dir" && DEB_BUILD_OPTIONS="nocheck parallel=$JOBS" \
		dpkg-buildpackage -us -uc) </dev/null >"$log" 2>&1 || {
		tail -n 20 "$log"
		die "dpkg-buildpackage failed, see $log"
	}
	rm -rf "$dir"
	printf '%s\n' "$stamp" >"$work/stamp"
	keep "$work" "$BUILD/packages"
	say "built in ${BUILD#"$TOP/"}/packages:"
	(cd "$BUILD/packages" && ls ./*.deb)
}

case ${1:-} in
install)	install_tree ;;
remove)		remove_tree ;;
deb)		build_deb ;;
copy)		copy_to "${2:?where to?}" ;;
*)		die "usage: $0 install|remove|deb|copy DIRECTORY" ;;
esac
