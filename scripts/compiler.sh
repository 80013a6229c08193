#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# usage: scripts/compiler.sh KDIR
#
# A kernel that clang compiled has flags that gcc does not know, so its modules need
# clang as well. Prints the variables that kbuild needs for that, as LLVM=1; nothing
# for a kernel that gcc compiled. Takes a clang of the kernel's version where there is
# one, or else any. Run by make, also where DKMS calls it.

conf=$1/include/config/auto.conf
[ -e "$conf" ] || conf=$1/.config

config()
{
	sed -n "s/^CONFIG_$1=//p" "$conf" 2>/dev/null | tr -d '"'
}

# there LLVM: these programs are, named as kbuild does
there()
{
	prefix='' suffix=''
	case $1 in
	*/)	prefix=$1 ;;
	-*)	suffix=$1 ;;
	esac
	for program in $programs; do
		command -v "$prefix$program$suffix" >/dev/null || return
	done
}

# major: the version of the clang that "there" has just found
major()
{
	"${prefix}clang$suffix" -dumpversion 2>/dev/null | cut -d . -f 1
}

# choose: set llvm
choose()
{
	llvm=1
	if there 1 && { [ "$version" = 0 ] || [ "$(major)" = "$version" ]; }; then
		return
	fi
	for llvm in "-$version" "/usr/lib/llvm-$version/bin/" \
		"/usr/lib/llvm$version/bin/" "/usr/lib64/llvm$version/bin/" \
		"/usr/lib/llvm/$version/bin/" 1; do
		! there "$llvm" || return 0
	done
	# Any other, the newest first
	for llvm in $(IFS=: && for dir in $PATH; do
			find "$dir/" -maxdepth 1 -name 'clang-[0-9]*' 2>/dev/null
		done | sed -n 's/.*\/clang\(-[0-9][0-9]*\)$/\1/p' |
		sort -t - -k 2 -nru); do
		! there "$llvm" || return 0
	done
	return 1
}

[ "$(config CC_IS_CLANG)" = y ] || exit 0
version=$(config CLANG_VERSION)
version=$((${version:-0} / 10000))
# GNU's linker, if it linked the kernel
programs=clang
[ "$(config LD_IS_BFD)" = y ] || programs="clang ld.lld llvm-ar llvm-nm llvm-objcopy"
choose || {
	made_by=$(config CC_VERSION_TEXT)
	echo "error: this kernel was compiled by ${made_by:-clang}, and its modules have to be" \
		"as well. Install clang, lld and llvm, or set LLVM=" >&2
	exit 1
}
if [ "$programs" = clang ]; then
	echo "CC=${prefix}clang$suffix"
elif [ "$(config AS_IS_GNU)" = y ]; then
	echo "LLVM=$llvm LLVM_IAS=0"
else
	echo "LLVM=$llvm"
fi
