#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The packages, of Debian and as RPM: that they are built, and what lintian of Debian 12
# and 13 and rpmlint say. scripts/dkms-test.sh installs them.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/apt-root.sh
. "$TOP/scripts/apt-root.sh"
# shellcheck source=scripts/roots.sh
. "$TOP/scripts/roots.sh"

# lint_root SUITE PACKAGE...: a root with these, in $BUILD/lint/SUITE
lint_root()
{
	local suite=$1 root=$BUILD/lint/$1

	shift
	[ ! -e "$root/ready" ] || return 0
	say "unpacking lintian of Debian $suite (about 80 MB)"
	apt_root "$suite"
	root_into "$root" "$@"
	# A package that is always there and that nothing depends on has it
	mkdir -p "$root/etc/dpkg/origins"
	echo 'Vendor: Debian' >"$root/etc/dpkg/origins/default"
}

# lint SUITE: lintian of that release has nothing to say, down to what is for information.
# Where the other release has built them, its debhelper has decided where files are, and
# an override may be for its lintian.
lint()
{
	local root=$BUILD/lint/$1 log=$BUILD/lint/lintian-$1.log but=

	[ "$1" = "$(host_suite)" ] || but=aliased-location,alien-tag
	but+=${but:+,out-of-date-standards-version}
	# shellcheck disable=SC2016
	unshare "${enter[@]}" sh -c '
		cd "$1" && mkdir -p packages && mount --bind "$2" packages &&
		mount -t proc proc proc &&
		exec chroot "$1" env -i PATH=/usr/bin:/usr/sbin LC_ALL=C HOME=/tmp \
			lintian --allow-root -i -I --fail-on error,warning,info \
			${3:+"--suppress-tags=$3"} packages/*.changes' \
		sh "$root" "$BUILD/packages" "$but" >"$log" 2>&1 &&
		[ ! -s "$log" ] && return
	grep -v '^N:' "$log"
	return 1
}

# rpm_build: all but the documentation, where this is no system of RPMs: it has no database
# of packages, and not the directories that systemd-rpm-macros name
rpm_build()
{
	local top=$BUILD/rpm log=$BUILD/rpm.log

	rm -rf "$top"
	mkdir -p "$top/SOURCES"
	cp "$BUILD"/packages/vmbkmcl_*.orig.tar.xz "$top/SOURCES/vmbkmcl-$version.tar.xz"
	rpmbuild -bb --nodeps --nocheck --define "_topdir $top" \
		--define "_unitdir /usr/lib/systemd/system" \
		--define "_udevrulesdir /usr/lib/udev/rules.d" \
		--define "_sysusersdir /usr/lib/sysusers.d" \
		vmbkmcl.spec >"$log" 2>&1 && return
	tail -n 20 "$log"
	return 1
}

# rpm_lint FILTERS FILE...: rpmlint has nothing to say
rpm_lint()
{
	local out

	[ -e "$2" ] || return
	out=$(/usr/bin/rpmlint -r "$@" 2>&1) || true
	grep -q ' 0 errors, 0 warnings' <<<"$out" && return
	printf '%s\n' "$out"
	return 1
}

# versions: everything names the same one
versions()
{
	local file told

	while read -r file told; do
		[ "$told" = "$version" ] && continue
		echo "$file: '$told', and the Makefile has $version"
		return 1
	done < <(
		sed -n 's/^PACKAGE_VERSION="\(.*\)"/dkms.conf \1/p' dkms.conf
		sed -nE '1s/^vmbkmcl \((.*)-.*/changelog \1/p' debian/changelog
		sed -nE 's/^Version: +(.*)/spec \1/p' vmbkmcl.spec
		sed -nE 's/^#define KMCL_VERSION +"(.*)"/kmcl.h \1/p' include/linux/kmcl.h
		sed -nE 's/^\.TH.* "vmbkmcl (.*)" .*/manual \1/p' tools/*/*.8
		sed -nE 's/^## \[([0-9.]+)\].*/CHANGELOG.md \1/p' CHANGELOG.md | head -n 1
	)
}

version=$(sed -n 's/^VERSION := //p' Makefile)
check "everything has version $version" versions
check "make deb builds the packages" scripts/dkms.sh deb
[ "$failed" -eq 0 ] || { tally; exit; }
if ! namespaces; then
	skip "lintian: this container may not mount (no CAP_SYS_ADMIN)"
else
	for suite in bookworm trixie; do
		check "lintian of Debian $suite is there" lint_root "$suite" lintian \
			bash coreutils dash diffutils findutils grep gzip libc-bin \
			mawk sed tar xz-utils
		check "lintian of Debian $suite is silent" lint "$suite"
	done
fi
need_packages rpm rpmlint
check "rpmlint is silent about the spec file" rpm_lint scripts/rpmlint-spec vmbkmcl.spec
check "rpmbuild builds the packages" rpm_build
check "rpmlint is silent about them" rpm_lint scripts/rpmlint-packages \
	"$BUILD"/rpm/RPMS/*/*.rpm
tally
