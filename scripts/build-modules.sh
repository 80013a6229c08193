#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: [BENCH=1] scripts/build-modules.sh [VERSION] [W=1]
#        TREE=DIRECTORY TOOLSET=NAME scripts/build-modules.sh NAME W=1 [VARIABLE=VALUE...]
#
# Builds this tree's modules for Debian's kernel VERSION (x.y, newest, x.y-arm64, debug,
# tracer or kcsan, see kernels.sh), out of a clean copy in build/modules/X.Y (with W=1:
# build/w1/X.Y, and any warning is a failure), with the compiler the kernel was built
# with. The plain build is skipped if nothing has changed. With BENCH=1 in the
# environment the benchmark is built too, in build/bench/X.Y. With TREE they are built
# for the kernel there (headers, release), with the tools of that name (roots.sh).

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

if [ -n "${TREE:-}" ]; then
	version=$1
else
	find_kernel "${1:-$KERNEL}" || die "$reason"
	version=$found
fi
warn=${2:-}
more=("${@:3}")
dir=$BUILD/modules/$version
[ -z "$warn" ] || dir=$BUILD/w1/$version
[ -z "${BENCH:-}" ] || dir=$BUILD/bench/$version
log=$dir.log

compiler=$(tools_for "$version" "${suite:-}")
kernel=$BUILD/kernels/$version
if [ -n "${TREE:-}" ]; then
	compiler=$TOOLSET
	kernel=$TREE
elif own_kernel "$version"; then
	"$TOP/scripts/debug-kernel.sh" "$version"
else
	need_tools "$compiler"
	"$TOP/scripts/fetch-kernel.sh" "$version"
fi
# Only newer headers know their own cross compiler.
[ "$compiler" != arm64-bookworm ] || more+=(ARCH=arm64 CROSS_COMPILE=aarch64-linux-gnu-)
alone "modules-$version$warn${BENCH:-}"
stamp=$(kbuild_sources | xargs cat "$kernel/release" | sha256sum)
if [ -z "$warn" ] && [ "$(cat "$dir/.stamp" 2>/dev/null)" = "$stamp" ]; then
	exit 0
fi

rm -rf "$dir"
mkdir -p "$dir"
kbuild_sources | tar -cf - -T - | tar -xf - -C "$dir"

say "building the modules for $(cat "$kernel/release")${warn:+ with $warn}"
tools=(in_tools "$compiler")
! own_kernel "$version" || tools=()
if ! "${tools[@]}" \
	make -C "$dir" KDIR="$(readlink "$kernel/headers")" -j "$JOBS" \
	CONFIG_DEBUG_INFO_BTF_MODULES= ${warn:+"$warn"} ${BENCH:+BENCH=1} "${more[@]}" \
	modules >"$log" 2>&1; then
	grep -E -A 5 'error|warning|ERROR|WARNING|Error' "$log" | head -n 40 || cat "$log"
	die "the build failed, see $log"
fi
# modpost's warnings start the line with WARNING:, a missing pahole does not count.
if [ -n "$warn" ] && grep -q -E ': warning: |^WARNING: ' "$log"; then
	grep -A 5 -E ': warning: |^WARNING: ' "$log" | head -n 40
	die "warnings, see $log"
fi
printf '%s\n' "$stamp" >"$dir/.stamp.new"
mv "$dir/.stamp.new" "$dir/.stamp"
