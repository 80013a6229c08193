#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: [KERNEL=VERSION] scripts/vmtest.sh
#
# The modules on a real VMBus host: builds them for the kernel, boots it and
# counts what scripts/guest/vmtest.sh found there.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

kernel_or_skip
log=$BUILD/vm/vmtest-$KERNEL.log
rm -f "$log"

# kmod_files: the real modprobe for the guest, whose busybox has one that knows no
# soft dependencies: the program, its libraries, and what starts it
kmod_files()
{
	local suite root

	suite=$(cat "$BUILD/kernels/$KERNEL/suite")
	root=$(tools_root "$suite")
	mapfile -t kmod < <(in_tools "$suite" \
		/lib64/ld-linux-x86-64.so.2 --list /usr/bin/kmod |
		grep -o '/[^ ]*' | sed "s|^|$root|")
	[ ${#kmod[@]} -gt 1 ] && kmod+=("$root/usr/bin/kmod")
}

check "modules for $KERNEL build" scripts/build-modules.sh "$KERNEL"
check "clients outside the tree build for $KERNEL" scripts/outside.sh "$KERNEL"
check "kmod for the guest" kmod_files
if [ "$failed" -eq 0 ]; then
	files=()
	for file in "${kmod[@]}" "$BUILD/outside/$KERNEL"/{kmcl_hello,vault}.ko; do
		files+=(--file "$file")
	done
	check "guest with $KERNEL ran to its end, kernel log clean" \
		scripts/vm-run.sh --kernel "$KERNEL" \
		--modules "$BUILD/modules/$KERNEL" \
		--script scripts/guest/vmtest.sh --file scripts/guest/lib.sh \
		--file scripts/guest/story.sh \
		"${files[@]}" --timeout 1200 --log "$log"
fi
[ ! -e "$log" ] || count_guest "$log"
tally
