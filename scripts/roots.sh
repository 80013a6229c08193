# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Debian packages unpacked below build/, not installed: kernels, compilers,
# QEMU. Source it after lib.sh and apt-root.sh. The exits are explicit because
# the caller may be inside an "if", where "set -e" does nothing.

enter=()

# The release this machine runs: bookworm, trixie, ...
host_suite()
{
	# shellcheck disable=SC1091 # a file of the system
	(. /etc/os-release && printf '%s\n' "${VERSION_CODENAME:-unknown}")
}

# alone NAME: wait until no other script that runs at the same time holds this
# name; it is held until the script ends, or to the end of a subshell.
alone()
{
	local lock

	exec {lock}>"$BUILD/.$1.lock"
	flock "$lock"
}

# debs_into DIRECTORY PACKAGE...: unpack exactly these.
debs_into()
{
	local dir=$1 debs deb

	shift
	debs=$(apt_debs "$@") || exit
	mkdir -p "$dir"
	for deb in $debs; do
		# tar, because dpkg-deb -x replaces links by directories.
		dpkg-deb --fsys-tarfile "$deb" |
			tar -x --keep-directory-symlink -C "$dir" || exit
	done
}

# root_into DIRECTORY PACKAGE...: unpack these and all they depend on. Nothing
# is configured: enough to run programs in it, and quick to make. The file "ready" in
# it says that it is complete.
root_into()
{
	local to=$1 dir=$1.new packages d

	shift
	packages=$(apt_private -s install "$@" |
		sed -nE 's/^Inst ([^ ]+) \(([^ ]+) .*/\1=\2/p')
	[ -n "$packages" ] || die "apt finds no way to install: $*"
	rm -rf "$dir"
	mkdir -p "$dir"/{dev,proc,sys,tmp,run,usr/{bin,sbin,lib,lib64}} || exit
	for d in bin sbin lib lib64; do
		ln -s "usr/$d" "$dir/$d" || exit
	done
	# shellcheck disable=SC2086 # one word per package
	debs_into "$dir" $packages
	if [ -e "$dir/usr/bin/mawk" ]; then
		ln -sf mawk "$dir/usr/bin/awk" || exit
		ln -sf dash "$dir/usr/bin/sh" || exit
	fi
	cp -a /dev/null "$dir/dev/" 2>/dev/null || : >"$dir/dev/null"
	touch "$dir/ready" || exit
	keep "$dir" "$to" || exit
}

# namespaces: whether in_tools can enter a root here, and how: a container may not have
# CAP_SYS_ADMIN, and then perhaps a user namespace has it.
namespaces()
{
	local user

	[ ${#enter[@]} -eq 0 ] || return 0
	for user in '' --map-root-user; do
		enter=(--mount ${user:+"$user"})
		# shellcheck disable=SC2016
		unshare "${enter[@]}" sh -c 'mount --bind "$1" "$1" && chroot / true' \
			sh "$BUILD" >/dev/null 2>&1 && return 0
	done
	enter=()
	return 1
}

# tools_suite NAME: the Debian release that the root of this name is of
tools_suite()
{
	case $1 in
	arm64 | build | clang)	echo trixie ;;
	arm64-bookworm)	echo bookworm ;;
	*)	echo "$1" ;;
	esac
}

# tools_for KERNEL SUITE: the name of the root that builds for a kernel of that release
tools_for()
{
	case $1,$2 in
	*arm64*,bookworm)	echo arm64-bookworm ;;
	*arm64*)	echo arm64 ;;
	*)	echo "$2" ;;
	esac
}

# need_tools NAME: see that in_tools will work, before anything is downloaded for it
need_tools()
{
	local suite

	suite=$(tools_suite "$1")
	namespaces || [ "$suite" = "$(host_suite)" ] ||
		die "a compiler of Debian $suite is needed, and this container may not" \
			"mount, to run one (it has no CAP_SYS_ADMIN). Allow it that, as" \
			"with docker run --privileged, or run Debian $suite in it"
}

# tools_root SUITE: the root of in_tools; nothing if it runs commands without one
tools_root()
{
	! namespaces || printf '%s' "$BUILD/tools/$1"
}

# in_tools NAME COMMAND...: run it in a root with the compiler and make of the Debian
# release NAME, in which the build directory has the same name as outside. Others are
# "arm64", trixie's for that, "arm64-bookworm", and "build" and "clang", with what
# configuring a kernel needs as well, and gcc for both machines or clang. The kernel's
# build programs in Debian's header packages need exactly that C library; with W=1 they
# run kernel-doc, which in Linux 6.12 is written in Perl. Where no root can be entered, a
# machine that runs this release has all of it itself.
in_tools()
{
	local name=$1 root=$BUILD/tools/$1 suite
	local packages=(make libc6-dev mawk bash coreutils dash diffutils findutils
		grep kmod perl sed)

	shift
	suite=$(tools_suite "$name")
	case $name in
	bookworm)
		packages+=(gcc-12 libelf1) ;;
	arm64)
		packages+=(gcc-14-aarch64-linux-gnu libelf1t64 pkgconf) ;;
	arm64-bookworm)
		packages+=(gcc-12-aarch64-linux-gnu libelf1) ;;
	build)
		packages+=(bc bison flex gcc gcc-aarch64-linux-gnu libelf-dev
			libssl-dev python3) ;;
	clang)
		packages+=(bc bison clang flex libelf-dev libssl-dev lld llvm python3) ;;
	*)
		packages+=(gcc-14 libelf1t64 python3) ;;
	esac
	need_tools "$name"
	if ! namespaces; then
		need_packages "${packages[@]}"
		env -i PATH=/usr/bin:/usr/sbin:/bin:/sbin LC_ALL=C "$@"
		return
	fi
	[ -e "$root/ready" ] || (
		alone "tools-$name"
		[ ! -e "$root/ready" ] || exit 0
		say "unpacking the compiler of Debian $suite (about 80 MB): $name"
		apt_root "$suite" "$suite-backports"
		root_into "$root" "${packages[@]}"
	) || exit
	# shellcheck disable=SC2016
	unshare "${enter[@]}" sh -c '
		root=$1; build=$2; shift 2
		mkdir -p "$root$build" && mount --bind "$build" "$root$build" || exit
		mount -t proc proc "$root/proc" 2>/dev/null
		exec chroot "$root" env -i PATH=/usr/bin:/usr/sbin:/bin:/sbin \
			LC_ALL=C "$@"' sh "$root" "$BUILD" "$@"
}
