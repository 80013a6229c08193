#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The modules with every warning (W=1) on Linux 6.1, 6.12 and the newest that Debian
# has, each with the compiler the kernel was built with, and clients outside the
# tree. A plain make for a kernel without VMBus.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

# without_vmbus VERSION CONFIG: a plain make for the kernel as it is without CONFIG.
# Its headers are a copy of the links to the real ones.
without_vmbus()
{
	local config=$2 dir=$BUILD/without-vmbus/$1 file from headers tree
	local changed=(Makefile Module.symvers .config include/config/auto.conf
		include/generated/autoconf.h)

	from=$(readlink "$BUILD/kernels/$1/headers")
	headers=$dir/headers
	tree=$dir/tree
	rm -rf "$dir"
	mkdir -p "$tree"
	cp -as "$from" "$headers"
	for file in "${changed[@]}"; do
		rm "$headers/$file"
		cp "$from/$file" "$headers/$file"
	done
	# Some of Debian's have their place in it
	sed -i "s,^KBUILD_OUTPUT=.*,KBUILD_OUTPUT=$headers," "$headers/Makefile"
	sed -i '/\tvmbus_/d' "$headers/Module.symvers"
	sed -i -E "/CONFIG_$config(_MODULE)?[ =]/d" \
		"${changed[@]/#/"$headers/"}"
	kbuild_sources | tar -cf - -T - | tar -xf - -C "$tree"

	in_tools "$(cat "$BUILD/kernels/$1/suite")" make -C "$tree" \
		KDIR="$headers" -j "$JOBS" CONFIG_DEBUG_INFO_BTF_MODULES= \
		>"$dir/log" 2>&1 || {
		tail -n 20 "$dir/log"
		return 1
	}
	[ "$(grep -c "no VMBus.*CONFIG_$config is not set" "$dir/log")" -eq 1 ] || return
	diff <(cd "$tree" && find . -name '*.ko' | sort) - <<-'END'
	./drivers/clients/kmcl_cdev.ko
	./drivers/clients/kmcl_echo.ko
	./drivers/clients/kmcl_share.ko
	./drivers/vmbkmcl/vmbkmcl.ko
	END
}

find_kernels 6.1 6.12 newest
for version in "${kernels[@]}"; do
	check "W=1 build for $version, no warning" \
		scripts/build-modules.sh "$version" W=1
	check "clients outside the tree build for $version" \
		scripts/outside.sh "$version"
done
# VMBus is HYPERV, and from Linux 6.18 on HYPERV_VMBUS.
for version in "${kernels[@]}"; do
	config=HYPERV
	! grep -q '^CONFIG_HYPERV_VMBUS=' \
		"$BUILD/kernels/$version/headers/include/config/auto.conf" ||
		config=HYPERV_VMBUS
	[ "$version" = 6.1 ] || check "plain make for $version without $config" \
		without_vmbus "$version" "$config"
done
tally
