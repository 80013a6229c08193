#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: [KERNEL="VERSION ..."] scripts/upstream.sh [NAME ...]
#
# Shows the faults of hv_vmbus in Documentation/upstream-notes.md, by NAME, on
# tools/vmbhost: without the library. A check passes if the fault is there. When a
# kernel has been corrected it fails, and the note can go.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

names=("$@")
[ $# -gt 0 ] || names=(offer_twice external_memory nothing_to_resume missing_device)

# Kernels that have it
has()
{
	case $1:$2 in
	offer_twice:* | missing_device:*) ;;
	external_memory:6.*)		return 1 ;;
	external_memory:*)		;;
	nothing_to_resume:6.*)		;;
	nothing_to_resume:*)		return 1 ;;
	*)	die "no fault $1: see the functions of scripts/guest/upstream.sh" ;;
	esac
}

# The guest's kernel complains, and so does vm-run.sh: that is what is looked for
show_fault()
{
	local log=$BUILD/vm/upstream-$1-$2.log

	rm -f "$log"
	scripts/vm-run.sh --kernel "$2" --host vmbhost --script scripts/guest/upstream.sh \
		--file scripts/guest/lib.sh --append "panic_on_warn=0 fault=$1" \
		--timeout 120 --log "$log" >"$log.out" 2>&1 || :
	grep -v '^error: the guest.s kernel complained' "$log.out" || :
	[ ! -e "$log" ] || count_guest "$log"
}

# shellcheck disable=SC2086 # several names
find_kernels $KERNEL
for kernel in "${kernels[@]}"; do
	for name in "${names[@]}"; do
		if has "$name" "$kernel"; then
			show_fault "$name" "$kernel"
		else
			skip "$name: not in Linux $kernel"
		fi
	done
done
tally
