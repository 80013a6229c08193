#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: scripts/debug-kernel.sh [debug|tracer|kcsan]
#
# Builds the guest kernel of make vmtest-debug, that of make irqsoff, or that of make
# soak ROW=13, once: Linux 6.12 as Debian has it, configured by scripts/guest.config and
# debug.config, tracer.config or kcsan.config. It takes four minutes on two idle cores,
# and is put beside the kernels of fetch-kernel.sh, as build/kernels/debug, tracer or
# kcsan.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/roots.sh
. "$TOP/scripts/roots.sh"

name=${1:-debug}
case $name in
debug)	what="every checker" ;;
tracer)	what="the tracer of sections with interrupts off" ;;
kcsan)	what="a detector of data races" ;;
*)	die "no kernel $name: choose debug, tracer or kcsan" ;;
esac
dir=$BUILD/kernels/$name
out=$dir/build
configs=("$TOP/scripts/guest.config" "$TOP/scripts/$name.config")

stamp()
{
	cat "${configs[@]}" | sha256sum
	echo "$dir"
}

ready()
{
	[ "$(cat "$dir/place" 2>/dev/null)" = "$(stamp)" ]
}

build()
{
	make -C "$source" ARCH=x86_64 O="$out" -j"$JOBS" "$@" </dev/null
}

# Each line of the fragments is in the configuration unchanged.
complete()
{
	local line lost=0

	while read -r line; do
		case $line in
		CONFIG_*=*)	grep -qxF "$line" "$out/.config" ;;
		'# CONFIG_'*)	! grep -qE "^${line:2:-11}=" "$out/.config" ;;
		esac && continue
		echo "not so: $line"
		lost=1
	done < <(grep -hE '^(CONFIG_|# CONFIG_.* is not set)' "${configs[@]}")
	return "$lost"
}

configure()
{
	build -s tinyconfig &&
		(cd "$out" && "$source/scripts/kconfig/merge_config.sh" -m \
			-O "$out" "$out/.config" "${configs[@]}") &&
		build -s olddefconfig &&
		complete
}

need_packages gcc libc6-dev make flex bison bc perl libelf-dev libssl-dev xz-utils
ready && exit 0
alone "kernel-$name"
ready && exit 0
source=$("$TOP/scripts/fetch-source.sh" 6.12)

rm -rf "$dir"
mkdir -p "$out"
log=$dir/build.log
say "building a 6.12 kernel with $what, about four minutes"
configure >"$log" 2>&1 || die "the configuration failed: $(tail -n 5 "$log")"
{ build bzImage && build modules; } >>"$log" 2>&1 ||
	die "the build failed, see $log"
ln -sfn "$out" "$dir/headers"
ln -sfn "$out" "$dir/modules"
ln -sfn "$out/arch/x86/boot/bzImage" "$dir/vmlinuz"
cp "$out/include/config/kernel.release" "$dir/release"
echo native >"$dir/suite"
stamp >"$dir/place.new"
mv "$dir/place.new" "$dir/place"
