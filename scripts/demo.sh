#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: [KERNEL=VERSION] [HOST=vmbhost|qemu] scripts/demo.sh
#
# A channel from enable to free on a real VMBus host, step by step: on tools/vmbhost,
# which rescinds the device and offers it again, by scripts/guest/wire/story.sh; or
# on QEMU's, by scripts/guest/story.sh. The whole run is kept in
# build/demo-VERSION.log.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

kernel_or_die

# story HOST SCRIPT [OPTION]...: one guest, shown while it runs
story()
{
	local guest=$BUILD/vm/demo-$KERNEL-$1.log vm

	mkdir -p "${guest%/*}"
	: >"$guest"
	scripts/vm-run.sh --kernel "$KERNEL" --modules "$BUILD/modules/$KERNEL" \
		--host "$1" --script "$2" --file scripts/guest/lib.sh \
		--timeout 240 --log "$guest" "${@:3}" &
	vm=$!
	tail -n +1 -F -s 0.2 --pid="$vm" "$guest" 2>/dev/null |
		sed -un 's/\r//g; /^| [0-9]* checks$/d; s/^| \?//p'
	echo
	check "the guest ran to its end and its kernel log is clean" wait "$vm"
	count_guest "$guest" >/dev/null
}

tell()
{
	say "vmbkmcl on Linux $KERNEL (the first time downloads about 350 MB into build/)"
	check "modules for $KERNEL build" scripts/build-modules.sh "$KERNEL"
	[ "$failed" -eq 0 ] || { tally; return; }

	case ${HOST:-vmbhost} in
	vmbhost)
		say "on tools/vmbhost, which rescinds"
		story vmbhost scripts/guest/wire/story.sh \
			--file scripts/guest/wire/wire-lib.sh \
			--scenario scripts/guest/wire/story.scenario ;;
	qemu)
		say "on QEMU's VMBus host"
		story qemu scripts/guest/story.sh ;;
	*)
		die "no host $HOST: choose vmbhost or qemu" ;;
	esac
	tally
}

tell 2>&1 | tee "$BUILD/demo-$KERNEL.log"
