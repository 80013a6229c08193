#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: [ONLY=CELL,...] scripts/matrix.sh [--check | --page]
#
# Builds all modules with W=1, any warning of which is a failure, for each kernel that
# Debian 12 and 13 have with their backports, in each flavour and for both machines, and
# for kernels that are configured here, from Debian's source and with Debian's
# configuration, but for one option. Writes Documentation/compatibility.md.
#
# A cell whose sources and kernel have not changed is not built again; ONLY builds these
# alone, and writes nothing. --page writes the document of what was built; --check says
# whether it is that of these sources, and of the kernels that there are today.
#
# A configured kernel is not built: "make modules_prepare" makes what modules need, and
# the symbols are those of Debian's kernel of the same version, and what exports() adds.
# PREEMPT_RT is a flavour of Debian's.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

PAGE=Documentation/compatibility.md
OUT=$BUILD/matrix
FLAVOURS=(amd64 cloud rt arm64 arm64-16k cloud-arm64 rt-arm64)

# Name, version, machine, tools, what is another than Debian's, in words, and the
# options. VMBus is HYPERV, and from Linux 6.18 on HYPERV_VMBUS.
own_cells()
{
	local newest

	newest=$(versions source | tail -n 1)
	cat <<-END
	hyperv-y|6.12|amd64|build|VMBus is not a module|CONFIG_HYPERV=y
	hyperv-m|$newest|amd64|build|VMBus is a module|CONFIG_HYPERV_VMBUS=m
	no-debugfs|$newest|amd64|build|no debugfs|CONFIG_DEBUG_FS=n
	no-tracing|$newest|amd64|build|no tracing|CONFIG_TRACING=n CONFIG_TRACEPOINTS=n
	no-smp|$newest|amd64|build|one processor|CONFIG_SMP=n
	64k|$newest|arm64|build|pages of 64 KiB|CONFIG_ARM64_64K_PAGES=y
	cfi|$newest|amd64|clang|kCFI|CONFIG_CFI=y
	cfi|6.12|amd64|clang|kCFI|CONFIG_CFI_CLANG=y
	cfi|$newest|arm64|clang|kCFI|CONFIG_CFI=y
	END
}

# What has to be switched off, or chosen, for an option to be as it is
others()
{
	case $1 in
	CONFIG_DEBUG_FS=n)
		echo CONFIG_BLK_DEV_IO_TRACE=n CONFIG_NOTIFIER_ERROR_INJECTION=n \
			CONFIG_SUNRPC_DEBUG=n ;;
	CONFIG_TRACING=n)
		echo CONFIG_FTRACE=n CONFIG_RV=n ;;
	CONFIG_ARM64_64K_PAGES=y)
		echo CONFIG_ARM64_4K_PAGES=n ;;
	esac
}

# What a kernel with an option exports, and Debian's does not
exports()
{
	case $1 in
	CONFIG_SMP=n)
		echo __stack_chk_guard ;;
	esac
}

# What the modules are made of; "make" alone does not build the others
sources()
{
	kbuild_sources | grep -E '^(Kbuild$|drivers/|include/)' |
		grep -v '^drivers/bench/' | xargs cat | sha256sum | cut -c 1-12
}

# chosen CELL: ONLY allows it
chosen()
{
	[[ -z "${ONLY:-}" || ",$ONLY," = *",$1,"* ]]
}

# result CELL: sets stamp, status (ok, failed or none), modules, compiler and text
result()
{
	stamp='' status='' modules='' compiler='' text=''
	[ ! -e "$OUT/$1.result" ] ||
		IFS='|' read -r stamp status modules compiler text <"$OUT/$1.result"
}

# record CELL STATUS [TEXT]: what the last build of it was
record()
{
	local dir=$BUILD/w1/$1 n=0 by=''

	if [ "$2" = ok ]; then
		n=$(find "$dir" -name '*.ko' | wc -l)
		by=$(compiled_by "$dir")
	fi
	printf '%s|%s|%s|%s|%s\n' "$(sources) $release" "$2" "$n" "$by" \
		"${3:-}" >"$OUT/$1.result.new"
	mv "$OUT/$1.result.new" "$OUT/$1.result"
}

# compiled_by DIRECTORY: the compiler, as it names itself in the modules
compiled_by()
{
	local module

	module=$(find "$1" -name vmbkmcl.o | head -n 1)
	readelf -p .comment "$module" |
		sed -nE 's/.*\] *(GCC: \([^)]*\) |.*clang version )([0-9.]+).*/\1\2/p' |
		sed -E 's/GCC: \(.*\) /gcc /; s/.*clang version /clang /' | head -n 1
}

# why LOG: the first error, or warning, in one line
why()
{
	grep -v '^error: the build failed' "$1" |
		grep -E -m 1 'error:|ERROR:|: warning: |^WARNING: |not found|\*\*\*' |
		sed -E "s,$BUILD/[^ ]*/,,g; s/[|\`]/ /g"
}

# build CELL TREE TOOLS [VARIABLE=VALUE...]: all modules for the kernel in TREE
build()
{
	local cell=$1 tree=$2 tools=$3
	local log=$OUT/$cell.log

	shift 3
	need_tools "$tools"
	if TREE=$tree TOOLSET=$tools scripts/build-modules.sh "$cell" W=1 "$@" \
		>"$log" 2>&1; then
		record "$cell" ok
	else
		record "$cell" failed "$(why "$log")"
		tail -n 20 "$log"
		return 1
	fi
}

debian_cell()
{
	kernel_ready "$1" headers || scripts/fetch-kernel.sh "$1" headers || return
	build "$1" "$BUILD/headers/$1" "$(tools_for "$1" "$suite")"
}

# as_asked CONFIG OPTION...: each of them is so in the configuration
as_asked()
{
	local option

	for option in "${@:2}"; do
		case $option in
		*=n)	! grep -q "^${option%n}" "$1" ;;
		*)	grep -qxF "$option" "$1" ;;
		esac && continue
		echo "this kernel cannot have $option"
		return 1
	done
}

# configure TREE SOURCE BASE OPTION... -- MAKE...: Debian's configuration of BASE,
# without what only takes time
configure()
{
	local tree=$1 source=$2 base=$3 options=() more=() option symbol

	shift 3
	while [ "$1" != -- ]; do
		options+=("$1")
		read -ra more <<<"${more[*]} $(others "$1")"
		shift
	done
	shift
	rm -rf "$tree/build"
	mkdir -p "$tree/build"
	cp "$base/.config" "$tree/build/.config"
	# A later line counts
	printf '%s\n' CONFIG_DEBUG_INFO_NONE=y CONFIG_MODVERSIONS=n \
		CONFIG_MODULE_SIG=n 'CONFIG_SYSTEM_TRUSTED_KEYS=""' \
		"${options[@]}" "${more[@]}" >>"$tree/build/.config"
	"$@" -C "$source" O="$tree/build" olddefconfig || return
	as_asked "$tree/build/.config" "${options[@]}" || return
	"$@" -C "$source" O="$tree/build" -j "$JOBS" modules_prepare || return
	cp "$base/Module.symvers" "$tree/build/"
	for symbol in $(for option in "${options[@]}"; do exports "$option"; done); do
		printf '0x00000000\t%s\tvmlinux\tEXPORT_SYMBOL\t\n' "$symbol"
	done >>"$tree/build/Module.symvers"
	ln -sfn "$tree/build" "$tree/headers"
	cp "$tree/build/include/config/kernel.release" "$tree/release"
}

# plain_source VERSION: Debian's source without the link to this tree that the newest
# has, since in_tools does not see this tree; a copy by links
plain_source()
{
	local source copy=$OUT/linux-$1

	source=$(scripts/fetch-source.sh "$1") || return
	if [ -L "$source/drivers/vmbkmcl" ] && [ ! -e "$copy/.unpacked" ]; then
		rm -rf "$copy.new"
		cp -al "$source" "$copy.new" || return
		rm "$copy.new/drivers/vmbkmcl"
		sed -i /vmbkmcl/d "$copy.new"/drivers/{Kconfig,Makefile}
		keep "$copy.new" "$copy"
	fi
	[ ! -L "$source/drivers/vmbkmcl" ] || source=$copy
	printf '%s\n' "$source"
}

# own_cell CELL VERSION MACHINE TOOLS OPTION...
own_cell()
{
	local cell=$1 version=$2 machine=$3 tools=$4 base=$2 tree=$OUT/$1 source
	local variables=(ARCH=x86_64)

	shift 4
	[ "$machine" = amd64 ] || base+=-$machine
	kernel_ready "$base" headers || scripts/fetch-kernel.sh "$base" headers || return
	source=$(plain_source "$version") || return
	[ "$machine" = amd64 ] ||
		variables=(ARCH="$machine" CROSS_COMPILE=aarch64-linux-gnu-)
	[ "$tools" != clang ] || variables+=(LLVM=1)
	need_tools "$tools"
	configure "$tree" "$source" "$BUILD/headers/$base/headers" "$@" -- \
		in_tools "$tools" make "${variables[@]}" >"$tree.configure.log" 2>&1 || {
		record "$cell" failed "$(tail -n 1 "$tree.configure.log")"
		tail -n 20 "$tree.configure.log"
		return 1
	}
	build "$cell" "$tree" "$tools" "${variables[@]}"
}

# Lines "CELL|FLAVOUR|RELEASE|SUITE" of all kernels that Debian has; without the last
# two for what it has not
debian_cells()
{
	local version flavour name found release suite

	for version in $(versions kernel); do
		for flavour in "${FLAVOURS[@]}"; do
			name=$version
			[ "$flavour" = amd64 ] || name+=-$flavour
			find_kernel "$name" || release='' suite=''
			printf '%s|%s|%s|%s\n' "$name" "$flavour" "$release" "$suite"
		done
	done
}

# current CELL: it was built for this release, with these sources
current()
{
	result "$1"
	[ "$stamp" = "$SOURCES $release" ] && [ "$status" = ok ]
}

# of_source VERSION: what is configured here is Debian's release of this version, or
# what of it is unpacked
of_source()
{
	find_source "$1" && release=linux-source-$1
}

build_all()
{
	local name flavour version machine tools words options cell

	while IFS='|' read -r name flavour release suite <&3; do
		if [ -z "$release" ] || ! chosen "$name"; then
			continue
		fi
		if current "$name"; then
			check "$name, as built before" true
		else
			check "$name" debian_cell "$name"
		fi
	done 3< <(debian_cells)
	while IFS='|' read -r name version machine tools words options <&3; do
		cell=$version-$machine-$name
		chosen "$cell" || continue
		of_source "$version"
		if current "$cell"; then
			check "$cell, as built before" true
		else
			# shellcheck disable=SC2086 # a list
			check "$cell: $words" own_cell "$cell" "$version" \
				"$machine" "$tools" $options
		fi
	done 3< <(own_cells)
}

# outcome CELL: what became of it, and the compiler: its row without the first two columns
outcome()
{
	result "$1"
	[[ $stamp = "$SOURCES "* ]] || status=''
	case $status in
	ok)	printf '%s | %s' "$modules" "$compiler" ;;
	failed)	printf 'not possible: %s |' "$text" ;;
	*)	printf 'not built |' ;;
	esac
}

page()
{
	local name flavour version machine tools words options suite release

	cat <<-END
	# Kernels

	<!-- Made by make matrix; sources $(sources). -->

	This page is the result of \`make matrix\`: all modules of this tree, \`kmcl_bench\`
	excepted, are built with \`W=1\` for each kernel below. A number is that of the modules
	that were built, without a warning; what is not built is not known. \`scripts/matrix.sh
	--check\` says whether the page is of the present sources and kernels.

	That a module builds does not say that it works. What is tested, in guests, are 6.1,
	6.12 and the newest kernel, for amd64, and the one with pages of 16 KiB for arm64:
	\`testing.rst\`.

	No version number decides what the modules use: \`drivers/compat\` asks the kernel's
	headers for what differs.

	## Debian's kernels

	Those of Debian 12 and 13 with their backports.

	| Cell | Kernel | Modules | Compiler |
	| --- | --- | --- | --- |
	END
	while IFS='|' read -r name flavour release suite; do
		if [ -n "$release" ]; then
			printf "| \`%s\` | %s | %s |\n" "$name" "$release" "$(outcome "$name")"
		else
			printf "| \`%s\` | | Debian has none | |\n" "$name"
		fi
	done < <(debian_cells)
	cat <<-END

	## Other configurations

	Debian's configuration of the same version, but for what the second column says. Of
	these kernels only what modules need is made (\`make modules_prepare\`); the symbols
	that they are linked with are those of Debian's kernel, and, for one processor, one more.

	| Cell | What is different | Modules | Compiler |
	| --- | --- | --- | --- |
	END
	while IFS='|' read -r name version machine tools words options; do
		printf "| \`%s\` | %s | %s |\n" "$version-$machine-$name" "$words" \
			"$(outcome "$version-$machine-$name")"
	done < <(own_cells)
	cat <<-'END'

	## Linux 5.14 and 5.15

	RHEL 9 has 5.14 and Ubuntu 22.04 has 5.15. Of Debian, the archive still has bullseye, with
	5.10 and 6.1, and what is newer: neither headers nor sources of these two. So nothing is
	built for them here, and `dkms.conf` leaves out what is older than 6.1.

	The headers of an unchanged 5.15 lack folios, `kmalloc_size_roundup()`,
	`wait_event_state()`, `TASK_FREEZABLE` and the commands of io_uring, which can be
	replaced or left out; and `struct vmbus_gpadl`, which cannot: hv_vmbus tells in it
	whether the host has given memory back. What RHEL's and Ubuntu's own kernels have of
	these was not looked at.
	END
}

write_page()
{
	page >"$OUT/page"
	cp "$OUT/page" "$PAGE"
}

# has ROW: it begins a row of the page
has()
{
	grep -qF -e "$1" "$PAGE"
}

check_page()
{
	local name flavour release suite version rest

	check "it is of these sources" has "sources $(sources)."
	while IFS='|' read -r name flavour release suite; do
		check "$name is ${release:-not there}" has "| \`$name\` | $release${release:+ }|"
	done < <(debian_cells)
	while IFS='|' read -r name version flavour rest; do
		check "$version-$flavour-$name is there" has "| \`$version-$flavour-$name\` |"
	done < <(own_cells)
}

mkdir -p "$OUT"
need_packages binutils
need_table
SOURCES=$(sources)
case ${1:-} in
--check)
	check_page ;;
--page)
	write_page ;;
'')
	build_all
	[ -n "${ONLY:-}" ] || write_page ;;
*)
	die "usage: [ONLY=CELL,...] scripts/matrix.sh [--check | --page]" ;;
esac
tally
