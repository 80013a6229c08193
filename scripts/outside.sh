#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: scripts/outside.sh [VERSION]
#
# Builds clients from a directory outside this tree, as a driver of another
# project would, into build/outside/X.Y: the README's example, exactly as it is
# shown there, the ported driver of Documentation/porting, and copies of the samples.
# They use only Module.symvers and the two include directories. Skipped if nothing has
# changed.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

find_kernel "${1:-$KERNEL}" || die "$reason"
version=$found
"$TOP/scripts/build-modules.sh" "$version"
alone "outside-$version"
kernel=$BUILD/kernels/$version
tree=$BUILD/modules/$version
result=$BUILD/outside/$version
files=(drivers/clients/kmcl_dynmem*.[ch] drivers/clients/kmcl_echo.c
	drivers/clients/kmcl_share.c Documentation/porting/linux/vault.c)
stamp=$(cat "$tree/.stamp" "$0" README.md "${files[@]}" | sha256sum)
if [ "$(cat "$result/.stamp" 2>/dev/null)" = "$stamp" ]; then
	exit 0
fi
place=$(mktemp -d)
tools=()
dir=$place
if ! own_kernel "$version"; then
	# The compiler's root has this tree at the same path, but not this directory.
	suite=$(cat "$kernel/suite")
	tools=(in_tools "$suite")
	in_tools "$suite" true
	dir=$(tools_root "$suite")$place
fi
trap 'rm -rf "$place" "$dir"' EXIT

rm -rf "$result" "$result.new"
mkdir -p "$dir" "$result.new"
awk '/^```/ { on = 0 } on; /^<!-- example: kmcl_hello.c -->/ { seen = 1 }
	/^```c/ && seen { on = 1; seen = 0 }' README.md >"$dir/kmcl_hello.c"
[ -s "$dir/kmcl_hello.c" ] || die "found no example in README.md"
cp "${files[@]}" "$dir/"
cat >"$dir/Kbuild" <<END
ccflags-y := -I$tree/include -I$tree/include/kmcl
obj-m := kmcl_hello.o kmcl_dynmem.o kmcl_echo.o kmcl_share.o vault.o
kmcl_dynmem-y := kmcl_dynmem_main.o kmcl_dynmem_sysfs.o
END

say "building clients outside the tree for $(cat "$kernel/release")"
"${tools[@]}" make -C "$(readlink "$kernel/headers")" M="$place" \
	KBUILD_EXTRA_SYMBOLS="$tree/Module.symvers" -j "$JOBS" \
	CONFIG_DEBUG_INFO_BTF_MODULES= W=1 modules >"$result.log" 2>&1 || {
	grep -E -A 5 'error|ERROR|Error' "$result.log" | head -n 40
	die "the build failed, see $result.log"
}
if grep -A 5 ': warning: ' "$result.log"; then
	die "warnings, see $result.log"
fi
cp "$dir"/*.ko "$result.new/"
printf '%s\n' "$stamp" >"$result.new/.stamp"
keep "$result.new" "$result"
