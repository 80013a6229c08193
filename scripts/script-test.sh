#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The Makefile, Kbuild and dkms.conf, and what the scripts have in common, on machines
# that are not like the one they were written on. Nothing is compiled and nothing is
# downloaded: stand-ins for kernels and compilers tell how they were called.

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
	src := $(M)/drivers/clients
	include $(src)/Kbuild
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

loopback='drivers/vmbkmcl/ drivers/clients/ kmcl_echo.o kmcl_share.o kmcl_cdev.o'
every='drivers/vmbkmcl/ drivers/vmbkmcl_hv/ drivers/clients/ kmcl_echo.o kmcl_share.o'
every+=' kmcl_cdev.o kmcl_services.o kmcl_dynmem.o kmcl_traffic.o kmcl_traffic_driver.o'
without=', without vmbkmcl_hv, kmcl_services, kmcl_dynmem, kmcl_traffic'

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
		said 'vmbkmcl kmcl_echo kmcl_share kmcl_cdev vmbkmcl_hv kmcl_dynmem' \
			echo "$names" && said '' echo "$out" ;;
	*)
		said 'vmbkmcl kmcl_echo kmcl_share kmcl_cdev' echo "$names" &&
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

# program NAME <SCRIPT: a stand-in
program()
{
	{ echo '#!/bin/bash'; cat; } >"$work/bin/$1"
	chmod +x "$work/bin/$1"
}

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
# What is missing, on each distribution; the kernel of each is called as there

# distribution ID RELEASE
distribution()
{
	printf 'NAME="%s"\nID=%s\nID_LIKE="%s other"\n' "$1" "$1" "$1" >"$work/os-release"
	rm "$work/bin/uname"
	program uname <<-END
	echo $2
	END
}

# lacks PATTERN COMMAND...: with this distribution's file
lacks()
{
	told "$1" env OS_RELEASE="$work/os-release" "${@:2}"
}

# vmbhost_without_libc: a compiler that knows no static C library
vmbhost_without_libc()
{
	program cc <<-'END'
	case $* in
	-print-file-name=*)	echo "${1#*=}" ;;
	*)			exit 1 ;;
	esac
	END
	lacks "$1" make -s -C tools/vmbhost O="$work/vmbhost" CC="$work/bin/cc"
}

vmbhost_without_iasl()
{
	lacks "$1" make -s -C tools/vmbhost O="$work/vmbhost" IASL="$work/bin/iasl" \
		"$work/vmbhost/dsdt.hex"
}

# dkms_install: on a machine with neither apt nor DKMS
dkms_install()
{
	lacks "$1" env -i PATH="$work/bin" OS_RELEASE="$work/os-release" \
		BUILD="$work/dkms" "$(command -v bash)" scripts/dkms.sh install
}

rm "$work/kernel/Makefile"
while read -r id release headers dkms libc iasl; do
	programs
	for name in bash dirname id mkdir nproc; do
		ln -s "$(command -v "$name")" "$work/bin/$name"
	done
	distribution "$id" "$release"
	check "$id: no headers of the kernel" told "${headers/_/ }" make_for \
		OS_RELEASE="$work/os-release"
	if [ "$(id -u)" -eq 0 ]; then
		check "$id: no DKMS" dkms_install "${dkms/_/ }"
	else
		skip "$id: no DKMS: only root installs with it"
	fi
	check "$id: no static C library for vmbhost" vmbhost_without_libc "${libc/_/ }"
	check "$id: no iasl for vmbhost" vmbhost_without_iasl "${iasl/_/ }"
done <<-'END'
	debian 6.12.1-amd64 install_linux-headers-6.12.1-amd64, install_dkms, install_libc6-dev, install_acpica-tools,
	ubuntu 6.8.0-31-generic install_linux-headers-6.8.0-31-generic, install_dkms, install_libc6-dev, install_acpica-tools,
	fedora 6.9.5-200.fc40.x86_64 install_kernel-devel-6.9.5-200.fc40.x86_64, install_dkms, install_glibc-static, install_acpica-tools,
	rhel 6.12.0-55.el10.x86_64 install_kernel-devel-6.12.0-55.el10.x86_64, install_dkms, install_glibc-static, install_acpica-tools,
	opensuse-leap 6.4.0-150600.21-default install_kernel-default-devel, install_dkms, install_glibc-devel-static, install_acpica,
	arch 6.9.1-arch1-1 pacman.-S_linux-headers, pacman.-S_dkms, pacman.-S_glibc, pacman.-S_acpica,
	arch 6.6.32-1-lts pacman.-S_linux-lts-headers, pacman.-S_dkms, pacman.-S_glibc, pacman.-S_acpica,
	other 6.9.1 kernel-devel-6.9.1_.Fedora dkms_.Fedora glibc-static_.Fedora acpica-tools_.Fedora
END

# Places

# copy DIRECTORY: this tree as an archive has it, for nobody but its owner
copy()
{
	mkdir -p "$1"
	tar -cf - --mode=go= .gitignore Documentation Kbuild Kconfig Makefile README.md \
		COPYING dkms.conf drivers include kunit scripts tools |
		tar -xf - -C "$1"
}

# placed DIRECTORY COMMAND...: run it there, with the usual build directory
placed()
{
	(cd "$1" && env -u BUILD -u TOP -u KDIR "${@:2}")
}

kernel HYPERV=m
blank="$work/my drivers/vmbkmcl"
copy "$blank"
check 'make below a path with a blank' told 'has a blank' placed "$blank" make -s \
	KDIR="$work/kernel"
check 'make for a kernel below such a path' told 'has a blank' make -s \
	KDIR="$work/my kernel"
mapfile -t scripts < <(grep -lE '^\. .*/lib\.sh"' scripts/*.sh)
for script in "${scripts[@]}"; do
	check "$script below such a path" told 'a blank' placed "$blank" "$script"
done
check 'a build directory below such a path' told 'a blank' \
	env BUILD="$work/a b" scripts/symbols.sh
check 'nothing has been made there' [ ! -e "$blank/build" ]
check 'a build directory that cannot be made' told 'set BUILD=' \
	env BUILD=/proc/vmbkmcl scripts/symbols.sh

# vmbhost in another build directory, by a compiler that compiles nothing
elsewhere()
{
	local tree=$work/tree out=$work/elsewhere

	program cc <<-'END'
	while [ $# -gt 1 ]; do
		[ "$1" != -o ] || echo made >"$2"
		shift
	done
	END
	placed "$tree" env CC="$work/bin/cc" BUILD="$out" scripts/vmbhost.sh \
		>"$work/out" 2>&1 || {
		tail -n 5 "$work/out"
		return 1
	}
	[ -e "$out/vmbhost/vmbhost" ] && [ -e "$out/vmbhost/vmbhostctl" ] &&
		[ ! -e "$tree/build" ]
}

# The same when it is ended while it compiles: nothing looks made
ended()
{
	local tree=$work/tree out=$work/ended

	program cc <<-'END'
	while [ $# -gt 1 ]; do
		[ "$1" != -o ] || { echo half >"$2"; kill -KILL $PPID; exit 1; }
		shift
	done
	END
	! placed "$tree" env CC="$work/bin/cc" BUILD="$out" scripts/vmbhost.sh \
		>"$work/out" 2>&1 || return
	[ -e "$out/vmbhost" ] && [ -z "$(find "$out/vmbhost" -name '*.o')" ]
}

copy "$work/tree"
check 'vmbhost in another build directory' elsewhere
check 'vmbhost, interrupted' ended

# race NAME FIRST SECOND: a log with a report of KCSAN on two functions
race()
{
	cat >"$work/$1" <<-END
	[    0.000000] Linux version 6.12
	[    1.000000] BUG: KCSAN: data-race in $2 / $3
	[    1.000001]
	[    1.000002] write to 0xffff888001 of 4 bytes by task 5 on cpu 1:
	[    1.000003]  ${2/ /+0x10/0x20 }
	[    1.000004]  open_device+0x10/0x20 [vmbkmcl_hv]
	[    1.000005]
	[    1.000006] read to 0xffff888001 of 4 bytes by interrupt on cpu 0:
	[    1.000007]  ${3/ /+0x10/0x20 }
	[    1.000008]
	[    1.000009] Reported by Kernel Concurrency Sanitizer on:
	END
}

# Those of the modules fail, and so does a log that has lost its beginning
races()
{
	race others 'vmbus_open [hv_vmbus]' 'vmbus_isr [hv_vmbus]'
	race first 'kmcl_send [vmbkmcl]' 'vmbus_isr [hv_vmbus]'
	race second 'vmbus_isr [hv_vmbus]' 'kmcl_send [vmbkmcl]'
	sed 1d "$work/others" >"$work/short"
	said "not of the modules, 1 times: data-race in vmbus_open [hv_vmbus]\
 / vmbus_isr [hv_vmbus], above open_device
KCSAN: 0 races in the modules, 1 elsewhere" scripts/kcsan.sh "$work/others" &&
		told '1 races in the modules, 0 elsewhere' scripts/kcsan.sh "$work/first" &&
		told '1 races in the modules, 0 elsewhere' scripts/kcsan.sh "$work/second" &&
		told 'no beginning' scripts/kcsan.sh "$work/short"
}
check 'data races in a log' races

# read_by SCRIPT: it, and all that it and what it reads source, in a guest
read_by()
{
	local file

	echo "$1"
	sed -n 's,^\. /,,p' "$1" | while read -r file; do
		[ ! -e "scripts/guest/wire/$file" ] || read_by "scripts/guest/wire/$file"
		[ ! -e "scripts/guest/$file" ] || read_by "scripts/guest/$file"
	done
}

# A function that another file has as well would be replaced
defined_once()
{
	local script files twice

	for script in scripts/guest/wire/*.sh; do
		mapfile -t files < <(read_by "$script" | sort -u)
		twice=$(grep -hoE '^[a-z_0-9]+\(\)' "${files[@]}" | sort | uniq -d)
		[ -z "$twice" ] || echo "$script has twice: ${twice//$'\n'/ }"
		[ -z "$twice" ] || return
	done
}
check 'the functions of a guest are defined once' defined_once

# The files of a tree without git, and of no build directory in it
files()
{
	mkdir -p "$work/tree/out/linux/drivers"
	: >"$work/tree/out/linux/drivers/other.c"
	: >"$work/tree/drivers/vmbkmcl/vmbkmcl.mod.c"
	# shellcheck disable=SC2016
	placed "$work/tree" env BUILD=out bash -c '. scripts/lib.sh &&
		c_files Documentation drivers include kunit tools' >"$work/files"
	rm "$work/tree/drivers/vmbkmcl/vmbkmcl.mod.c"
	grep -qx drivers/vmbkmcl/ring.c "$work/files" && ! grep -E 'other|mod\.c' "$work/files"
}
check 'the C files of a tree without git' files

# Whoever may read what is installed
readable()
{
	(umask 077 && placed "$work/tree" scripts/dkms.sh copy "$work/usr-src") &&
		[ -e "$work/usr-src/include/linux/kmcl.h" ] &&
		[ -x "$work/usr-src/scripts/dkms-symvers.sh" ] &&
		! find "$work/usr-src" \( -type f ! -perm -044 -o -type d ! -perm -055 \) |
		grep .
}
check "what DKMS installs, whatever the umask" readable
tally
