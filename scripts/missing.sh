#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# usage: scripts/missing.sh headers KDIR|dkms|libc.a|iasl
#
# Says that this is missing, and how this machine's distribution installs it, by its
# /etc/os-release (or $OS_RELEASE). Run by make, also where DKMS calls it.

ids=$(sed -n 's/^ID=//p; s/^ID_LIKE=//p' "${OS_RELEASE:-/etc/os-release}" 2>/dev/null |
	tr -d "\"'" | tr '\n' ' ')
release=$(uname -r)
flavour=${release##*-}

# Debian's, Fedora's, openSUSE's, and Arch's names
case $1 in
headers)
	what="$2 is not where a kernel was built"
	or="or set KDIR="
	debian="linux-headers-$release" fedora="kernel-devel-$release"
	suse="kernel-$flavour-devel" arch=linux-headers
	case $flavour in
	lts | zen | hardened | rt) arch=linux-$flavour-headers ;;
	esac ;;
dkms)
	what="DKMS is not installed"
	or="or build with 'make' and 'make modules_install'"
	debian=dkms fedora=dkms suse=dkms arch=dkms ;;
libc.a)
	what="there is no static C library"
	or="or set CC="
	debian=libc6-dev fedora=glibc-static suse=glibc-devel-static arch=glibc ;;
iasl)
	what="there is no iasl, which compiles ACPI tables"
	or="or set IASL="
	debian=acpica-tools fedora=acpica-tools suse=acpica arch=acpica ;;
esac
case " $ids" in
*" debian "* | *" ubuntu "*)
	how="apt-get install $debian" ;;
*" fedora "* | *" rhel "* | *" centos "*)
	how="dnf install $fedora" ;;
*" suse "* | *" opensuse"*)
	how="zypper install $suse" ;;
*" arch "*)
	how="pacman -S $arch" ;;
*)
	how="install $debian (Debian, Ubuntu), $fedora (Fedora, RHEL), $suse"
	how="$how (openSUSE), $arch (Arch)" ;;
esac
echo "error: $what: $how, $or" >&2
