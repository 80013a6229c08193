#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: KERNEL=VERSION scripts/demo.sh
#
# A channel's whole life on a real VMBus host, told step by step by
# scripts/guest/story.sh. The whole run is kept in build/demo-VERSION.log.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

guest=$BUILD/vm/demo-$KERNEL.log

tell()
{
	local vm

	say "vmbkmcl on Linux $KERNEL (the first time downloads about 350 MB into build/)"
	check "modules for $KERNEL build" scripts/build-modules.sh "$KERNEL"
	[ "$failed" -eq 0 ] || { tally; return; }

	mkdir -p "${guest%/*}"
	: >"$guest"
	scripts/vm-run.sh --kernel "$KERNEL" --modules "$BUILD/modules/$KERNEL" \
		--script scripts/guest/story.sh --file scripts/guest/lib.sh \
		--timeout 240 --log "$guest" &
	vm=$!
	tail -n +1 -F -s 0.2 --pid="$vm" "$guest" 2>/dev/null |
		sed -un 's/\r//g; s/^| \?//p'
	echo
	check "the guest ran to its end and its kernel log is clean" wait "$vm"
	count_guest "$guest" >/dev/null
	tally
}

tell 2>&1 | tee "$BUILD/demo-$KERNEL.log"
