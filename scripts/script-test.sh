#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The Makefile, Kbuild and dkms.conf, and what the scripts have in common, for
# machines that are not like the one they were written on. Nothing is compiled and
# nothing is downloaded: stand-ins for kernels and compilers tell how they were called.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# said TEXT COMMAND...: the command prints TEXT, and nothing else
said()
{
	diff <(printf '%s\n' "$1") <("${@:2}" 2>&1)
}

# told PATTERN COMMAND...: the command fails and says this
told()
{
	local out

	if out=$("${@:2}" 2>&1); then
		printf 'it did not fail: %s\n' "$out"
		return 1
	fi
	grep -qE "$1" <<<"$out" || {
		printf '%s\n' "$out"
		return 1
	}
}

# kernel [NAME=VALUE]... [symbol]...: a stand-in for the directory of a kernel with
# this configuration, which exports these symbols
kernel()
{
	local word

	rm -rf "$work/kernel"
	mkdir -p "$work/kernel/include/config"
	cat >"$work/kernel/Makefile" <<-'END'
	objtree := .
	KBUILD_EXTMOD := $(M)
	need-modorder := 1
	include include/config/auto.conf
	include $(M)/Kbuild
	include $(M)/drivers/clients/Kbuild
	modules: compiler objects
	compiler: ; @echo LLVM=$(LLVM) CC=$(CC) IAS=$(LLVM_IAS) >$@
	objects: ; @echo $(obj-m) >$@
	END
	: >"$work/kernel/include/config/auto.conf"
	for word; do
		case $word in
		*=*)	echo "CONFIG_$word" >>"$work/kernel/include/config/auto.conf" ;;
		*)	printf '0x0\t%s\tsome/module\tEXPORT_SYMBOL\n' "$word" \
				>>"$work/kernel/Module.symvers" ;;
		esac
	done
}

# make_for [ARGUMENT]...: make in this tree, in an environment that has only these
# and the programs in bin/
make_for()
{
	env -i PATH="$work/bin" MAKE="$work/bin/make" "$work/bin/make" -s -C "$TOP" \
		KDIR="$work/kernel" "$@"
}

# Objects of kernels with and without VMBus

loopback='drivers/vmbkmcl/ drivers/clients/ kmcl_echo.o kmcl_share.o'
every='drivers/vmbkmcl/ drivers/vmbkmcl_hv/ drivers/clients/ kmcl_echo.o kmcl_share.o'
every+=' kmcl_dynmem.o kmcl_traffic.o kmcl_traffic_driver.o'
without=', without vmbkmcl_hv, kmcl_dynmem, kmcl_traffic'

# builds OBJECTS: make has kbuild build these, and DKMS expects the same
builds()
{
	local out names

	out=$(make_for) || {
		printf '%s\n' "$out"
		return 1
	}
	said "$1" cat "$work/kernel/objects" || return
	# shellcheck disable=SC2034,SC2154 # DKMS sets one and reads the other
	names=$(kernel_source_dir=$work/kernel dkms_tree='' kernelver='' arch=''
		. "$TOP/dkms.conf" && echo "${BUILT_MODULE_NAME[*]}")
	case $1 in
	"$every")
		said 'vmbkmcl kmcl_echo kmcl_share vmbkmcl_hv kmcl_dynmem' \
			echo "$names" && said '' echo "$out" ;;
	*)
		said 'vmbkmcl kmcl_echo kmcl_share' echo "$names" &&
			grep -qF "CONFIG_$2 is not set" <<<"$out" &&
			grep -qF "$without" <<<"$out" ;;
	esac
}

# programs NAME...: the programs that make and scripts/compiler.sh use, and
# stand-ins for compilers
programs()
{
	local name version

	rm -rf "${work:?}/bin"
	mkdir "$work/bin"
	for name in cat cut echo env find grep make sed sh sort tr uname; do
		ln -s "$(command -v "$name")" "$work/bin/$name"
	done
	for name; do
		version=${name##*=}
		name=${name%=*}
		printf '#!/bin/sh\necho %s.1.0\n' "$version" >"$work/bin/$name"
		chmod +x "$work/bin/$name"
	done
}

# llvm SUFFIX VERSION: all programs of LLVM
llvm()
{
	local name

	for name in clang ld.lld llvm-ar llvm-nm llvm-objcopy; do
		echo "$name$1=$2"
	done
}

programs
kernel HYPERV=m
check 'a kernel with VMBus as a module' builds "$every"
kernel HYPERV=y vmbus_open
check 'a kernel with VMBus built in' builds "$every"
kernel HYPERV=y
check 'the same without a list of symbols' builds "$every"
kernel HYPERV=y HYPERV_VMBUS=m printk
check 'a kernel of 6.18 or later with VMBus as a module' builds "$every"
kernel HYPERV=y HYPERV_VMBUS=y
check 'the same with VMBus built in' builds "$every"
kernel HYPERV=y printk my_vmbus_open_too
check 'the same with Hyper-V but without VMBus' builds "$loopback" HYPERV_VMBUS
kernel SMP=y printk
check 'a kernel without Hyper-V' builds "$loopback" HYPERV

# Compilers

# compiles EXPECTED [ARGUMENT]...: kbuild is called like this
compiles()
{
	rm -f "$work/kernel/compiler"
	make_for "${@:2}" >"$work/out" 2>&1 || {
		cat "$work/out"
		return 1
	}
	said "$1" cat "$work/kernel/compiler"
}

clang_kernel()
{
	kernel HYPERV=m CC_IS_CLANG=y CLANG_VERSION=170006 \
		'CC_VERSION_TEXT=Some clang version 17.0.6' "$@"
}

# shellcheck disable=SC2046 # words
{
clang_kernel
programs $(llvm '' 17)
check 'a kernel of clang: the same clang' compiles 'LLVM=1 CC=cc IAS='
check 'with the LLVM of the caller' compiles 'LLVM=-15 CC=cc IAS=' LLVM=-15
check 'with the CC of the caller' compiles 'LLVM= CC=mycc IAS=' CC=mycc
check 'with gcc, if the caller wants that' compiles 'LLVM= CC=cc IAS=' LLVM=
check 'from DKMS' compiles 'LLVM=1 CC=clang IAS=' CALLED_BY_DKMS=1 CC=clang LD=ld.lld
programs $(llvm '' 14) $(llvm -17 17) $(llvm -18 18)
check 'of several clangs, the same' compiles 'LLVM=-17 CC=cc IAS='
check 'of several clangs, the same, from DKMS' compiles \
	'LLVM=-17 CC=cc IAS=' CALLED_BY_DKMS=1 LLVM=1
programs $(llvm '' 14) $(llvm -18 18) $(llvm -9 9)
check 'another version: the usual one' compiles 'LLVM=1 CC=cc IAS='
programs $(llvm -18 18) $(llvm -9 9) clang-20=20 clang=20
check 'another version: the newest with all programs' compiles 'LLVM=-18 CC=cc IAS='
programs clang=17
check 'a clang without a linker is not enough' \
	told 'compiled by Some clang version 17.0.6.*[Ii]nstall clang, lld' make_for
programs
check 'no clang' \
	told 'compiled by Some clang version 17.0.6.*[Ii]nstall clang, lld' make_for
clang_kernel LD_IS_BFD=y
programs $(llvm '' 14) clang-17=17
check "clang with GNU's linker" compiles 'LLVM= CC=clang-17 IAS='
clang_kernel AS_IS_GNU=y
programs $(llvm '' 17)
check "clang with GNU's assembler" compiles 'LLVM=1 CC=cc IAS=0'
kernel HYPERV=m CC_IS_GCC=y CLANG_VERSION=0
check 'a kernel of gcc' compiles 'LLVM= CC=cc IAS='
}
rm "$work/kernel/Makefile"
check 'no kernel there' told 'Install the headers' make_for
tally
