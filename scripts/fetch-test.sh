#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The scripts that download and unpack, on machines that are not like the one they were
# written on, and interrupted at each of their steps. Nothing is downloaded: the
# archive is a stand-in, with packages of a few bytes.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/roots.sh
. "$TOP/scripts/roots.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bin=$work/bin
pool=$work/pool
release=6.12.1-amd64
case $(host_suite) in
bookworm)	own=bookworm other=trixie ;;
*)		own=trixie other=bookworm ;;
esac
mkdir -p "$bin" "$pool"

# program NAME <SCRIPT: take this instead of the machine's
program()
{
	{ echo '#!/bin/bash'; cat; } >"$bin/$1"
	chmod +x "$bin/$1"
}

# package NAME [DIRECTORY]: pack it for the archive
package()
{
	mkdir -p "$work/empty"
	tar -cf "$pool/$1.deb" -C "${2:-$work/empty}" .
}

# kernel SUITE: the archive has kernel 6.12 there, in the same packages as Debian
kernel()
{
	local d=$work/package

	rm -rf "$d"
	mkdir -p "$d"/image/{boot,lib/modules/"$release"/kernel} \
		"$d/headers/usr/src/linux-headers-$release/include/config" \
		"$d/common/usr/src/linux-headers-6.12.1-common" \
		"$d/kbuild/usr/lib/linux-kbuild-6.12.1/scripts"
	echo kernel >"$d/image/boot/vmlinuz-$release"
	echo module >"$d/image/lib/modules/$release/kernel/hv_vmbus.ko"
	# Debian's includes the common one in the same way.
	echo "include /usr/src/linux-headers-6.12.1-common/Makefile" \
		>"$d/headers/usr/src/linux-headers-$release/Makefile"
	: >"$d/headers/usr/src/linux-headers-$release/include/config/auto.conf"
	# shellcheck disable=SC2016 # make expands it
	echo 'modules: ; echo made >$(M)/drivers/vmbkmcl/vmbkmcl.ko' \
		>"$d/common/usr/src/linux-headers-6.12.1-common/Makefile"
	package "linux-image-$release" "$d/image"
	package "linux-headers-$release" "$d/headers"
	package linux-headers-6.12.1-common "$d/common"
	package linux-kbuild-6.12.1 "$d/kbuild"
	echo "$1" >"$pool/linux-suite"
}

# The source: what debug-kernel.sh uses of it
source_package()
{
	local d=$work/package

	rm -rf "$d"
	mkdir -p "$d/linux/scripts/kconfig" "$d/linux/drivers" "$d/deb/usr/src"
	: >"$d/linux/drivers/Makefile"
	echo endmenu >"$d/linux/drivers/Kconfig"
	# merge_config.sh -m -O DIRECTORY CONFIG FRAGMENT
	# shellcheck disable=SC2016
	printf '#!/bin/sh\ncat "$5" >>"$4"\n' >"$d/linux/scripts/kconfig/merge_config.sh"
	chmod +x "$d/linux/scripts/kconfig/merge_config.sh"
	tar -cJf "$d/deb/usr/src/linux-source-6.12.tar.xz" -C "$d" linux
	package linux-source-6.12 "$d/deb"
}

# In German, as gettext chooses the language.
program apt-cache <<'END'
root=$2
case "$*" in
*' pkgnames '*)
	[[ $root != *"/$(cat "$POOL/linux-suite")+"* ]] || ls "$POOL" | sed -n 's/\.deb$//p' ;;
*' depends '*)
	depends='H\303\244ngt ab von'
	case ${LC_ALL:-C} in
	C|POSIX) depends=Depends ;;
	*)	[ -n "${LANGUAGE:-}" ] || depends=Depends ;;
	esac
	for name in "${@:4}"; do
		echo "$name"
		case $name in
		linux-headers-*)
			printf "  $depends: linux-headers-6.12.1-common\n"
			printf "  $depends: linux-kbuild-6.12.1\n" ;;
		esac
	done ;;
esac
END

# apt-get [-c FILE] [-q] [-s] COMMAND ARGUMENT...
program apt-get <<'END'
uris=
words=()
while [ $# -gt 0 ]; do
	case $1 in
	-c | -o | --format) shift ;;
	--print-uris) uris=1 ;;
	-s | -q) ;;
	*) words+=("$1") ;;
	esac
	shift
done
set -- "${words[@]}"
case $1 in
indextargets)
	echo "stable http://archive/debian /archive.gpg" ;;
install)
	printf 'Inst %s (1 some:where)\n' "${@:2}" ;;
download)
	for name in "${@:2}"; do
		name=${name%%=*}
		file=$POOL/$name.deb
		[ -e "$file" ] || { echo "E: no package $name" >&2; exit 100; }
		if [ -n "$uris" ]; then
			echo "'http://archive/$name.deb' $name.deb 1 SHA256:$(sha256sum <"$file" | cut -d ' ' -f 1)"
		else
			cp "$file" .
		fi
	done ;;
esac
END

program dpkg-deb <<'END'
[ "$1" = --fsys-tarfile ] && exec cat "$2"
END
program dpkg-query <<'END'
echo installed
END
# A container, unless a test has another.
forbidden()
{
	program unshare <<-'END'
	echo 'unshare: unshare failed: Operation not permitted' >&2
	exit 1
	END
}
forbidden
export POOL=$pool

# run [NAME=VALUE]... SCRIPT [ARGUMENT]...: in an environment that has nothing else,
# with the build directory $build
run()
{
	env -i PATH="$bin:$PATH" POOL="$pool" BUILD="$build" "$@" >"$work/out" 2>&1
}

# works COMMAND...: run() succeeds
works()
{
	run "$@" || {
		cat "$work/out"
		return 1
	}
}

# told PATTERN COMMAND...: run() fails and says this
told()
{
	if run "${@:2}" || ! grep -qE "$1" "$work/out"; then
		cat "$work/out"
		return 1
	fi
}

another_build()
{
	build=$work/build.$((++builds))
}
builds=0

# whole [DIRECTORY]: the kernel in this build directory is complete, and refers to its
# own place
whole()
{
	local k=${1:-$build}/kernels/6.12

	[ "$(cat "$k/place")" = "$k" ] && [ "$(cat "$k/release")" = "$release" ] &&
		[ "$(cat "$k/vmlinuz")" = kernel ] &&
		[ "$(cat "$k/modules/kernel/hv_vmbus.ko")" = module ] &&
		[ -d "$k/usr/lib/linux-kbuild-6.12.1/scripts" ] &&
		grep -q "^include $k/usr/src/" "$k/headers/Makefile" &&
		[ -e "$(sed 's/include //' "$k/headers/Makefile")" ]
}

fetched()
{
	works "$@" scripts/fetch-kernel.sh 6.12 && whole
}

kernel "$own"
source_package
another_build
check 'a kernel is fetched' fetched
another_build
check 'where messages are in German' fetched LC_ALL=C.UTF-8 LANGUAGE=de
another_build
check 'with an unusual environment' fetched CDPATH="$TOP/..:/" POSIXLY_CORRECT=1 \
	TAR_OPTIONS=--verbose GREP_COLORS=mt=1 MAKEFLAGS=n
another_build
check 'with standard input closed' fetched <&-
another_build
check 'where files of others may not be read' fetched \
	bash -c 'umask 077; exec "$@"' umask
check 'others may read it all the same' [ -z "$(find "$build" ! -type l ! -perm -044 \
	! -name '*lock')" ]

# A link to the tree, and a relative build directory: one that stays where it is
linked()
{
	ln -s "$TOP" "$work/link"
	(cd "$work" && run BUILD=relative "$work/link/scripts/fetch-kernel.sh" 6.12) &&
		whole "$work/relative"
}
check 'through a link, into a relative directory' linked

another_build
package linux-kbuild-6.12.1
check 'a kernel that lacks something is refused' told 'lack /usr/lib/linux-kbuild' \
	scripts/fetch-kernel.sh 6.12
check 'and is not there' [ ! -e "$build/kernels/6.12" ]
kernel "$own"
check 'until the archive is right' fetched

# Containers

another_build
kernel "$other"
check "another release's compiler in a container: refused" told \
	'container may not mount' scripts/build-modules.sh 6.12
check 'before anything is downloaded' [ -z "$(find "$build" -name '*.deb' \
	-o -path "$build/kernels")" ]
if [ "$(host_suite)" = "$own" ]; then
	another_build
	kernel "$own"
	check "the machine's own release there: built" works scripts/build-modules.sh 6.12
	check 'with its own compiler' [ "$(cat "$build/modules/6.12/drivers/vmbkmcl/vmbkmcl.ko")" = made ]
else
	skip "modules built with the compiler of this machine, which is not Debian 12 or 13"
fi
# A container whose root may use user namespaces
user_namespaces()
{
	local enter=()

	program unshare <<-END
	case \$* in
	*--map-root-user*) exec $(command -v unshare) "\$@" ;;
	esac
	echo 'unshare: unshare failed: Operation not permitted' >&2
	exit 1
	END
	PATH=$bin:$PATH namespaces && said '--mount --map-root-user' echo "${enter[*]}"
}

said()
{
	diff <(printf '%s\n' "$1") <("${@:2}")
}

if unshare --mount --map-root-user mount --bind "$work" "$work" 2>/dev/null; then
	check 'a container with user namespaces uses one' user_namespaces
	forbidden
else
	skip 'user namespaces, which this machine does not have'
fi

# Interruptions

# The commands that change something end the script at the n-th of them.
steps=(cp ln mkdir mv rm sed tar touch)
interrupted_at()
{
	local name n=$1

	mkdir -p "$work/steps"
	echo "$n" >"$work/left"
	for name in "${steps[@]}"; do
		cat >"$work/steps/$name" <<-END
		#!/bin/bash
		read -r left <$work/left
		echo \$((left - 1)) >$work/left
		[ "\$left" -ne 1 ] || kill -KILL 0
		exec $(command -v "$name") "\$@"
		END
		chmod +x "$work/steps/$name"
	done
	shift
	# shellcheck disable=SC2016 # its own process group, and nobody reports its end
	PATH=$work/steps:$PATH run setsid --wait "$@" 2>/dev/null
}

# interrupted READY WHOLE COMMAND...: end the command at its first step, at its second,
# and so on, each time with what the last one left. It is never ready without being
# whole, and both in the end.
interrupted()
{
	local ready=$1 whole=$2 n=0 status=137

	shift 2
	until [ "$status" -ne 137 ]; do
		[ $((++n)) -lt 200 ] || return
		status=0
		interrupted_at "$n" "$@" || status=$?
		if $ready && ! $whole; then
			echo "interrupted at step $n"
			return 1
		fi
	done
	printf '        %s steps\n' "$((n - 1))"
	[ "$n" -gt 5 ] && [ "$status" -eq 0 ] && $ready && $whole
}

kernel_ready()
{
	[ "$(cat "$build/kernels/6.12/place" 2>/dev/null)" = "$build/kernels/6.12" ]
}

source_ready()
{
	[ -e "$build/linux-6.12/.unpacked" ]
}

source_whole()
{
	grep -q endmenu "$build/linux-6.12/drivers/Kconfig" &&
		[ -x "$build/linux-6.12/scripts/kconfig/merge_config.sh" ]
}

root_ready()
{
	[ -e "$build/root/ready" ]
}

root_whole()
{
	[ -e "$build/root/usr/bin/gcc-12" ] && [ -e "$build/root/usr/bin/mawk" ] &&
		[ "$(readlink "$build/root/usr/bin/awk")" = mawk ]
}

modules_ready()
{
	[ -e "$build/modules/6.12/.stamp" ]
}

modules_whole()
{
	[ "$(cat "$build/modules/6.12/drivers/vmbkmcl/vmbkmcl.ko")" = made ]
}

another_build
mkdir -p "$build"
check 'fetch-kernel, interrupted anywhere' interrupted kernel_ready whole \
	scripts/fetch-kernel.sh 6.12
check 'fetch-source, interrupted anywhere' interrupted source_ready source_whole \
	scripts/fetch-source.sh 6.12
if [ "$(host_suite)" = "$own" ]; then
	check 'build-modules, interrupted anywhere' interrupted modules_ready \
		modules_whole scripts/build-modules.sh 6.12
fi
mkdir -p "$work/package/usr/bin"
for name in gcc-12 mawk; do
	rm -f "$work/package/usr/bin"/*
	echo "$name" >"$work/package/usr/bin/$name"
	package "$name" "$work/package"
done
# shellcheck disable=SC2016
check 'a root, interrupted anywhere' interrupted root_ready root_whole bash -c '
	. scripts/lib.sh
	. scripts/apt-root.sh
	. scripts/roots.sh
	[ -e "$BUILD/root/ready" ] || (
		apt_root trixie trixie-backports
		root_into "$BUILD/root" gcc-12 mawk
	) || exit'

# A step that fails

program make <<'END'
for word; do
	case $word in
	O=*)		out=${word#O=} ;;
	tinyconfig)
		mkdir -p "$out/include/config"
		echo 6.12.1 >"$out/include/config/kernel.release"
		: >"$out/.config" ;;
	"$FAIL")	exit 2 ;;
	esac
done
END
for target in olddefconfig bzImage modules; do
	rm -rf "$build/kernels/debug"
	check "debug-kernel, without $target" told 'failed' FAIL=$target \
		scripts/debug-kernel.sh
	check 'it is not taken for complete' [ ! -e "$build/kernels/debug/place" ]
done
tally
