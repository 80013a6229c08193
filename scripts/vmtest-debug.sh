#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The scenarios, and a hostile host, on a 6.12 kernel with KASAN, lockdep,
# DEBUG_OBJECTS, kmemleak and the others of scripts/debug.config. Any report of
# theirs fails it. ONLY and SEED as in wire.sh.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

export KERNEL=debug RUNS=2:5.3 LIMIT=${LIMIT:-3000}

mkdir -p "$BUILD/vm"
check "a kernel with every checker" scripts/debug-kernel.sh
for what in scenarios garble; do
	[ "$failed" -eq 0 ] || break
	log=$BUILD/vm/debug-$what.out
	COUNT=${COUNT:-50000} scripts/wire.sh "$what" 2>&1 | tee "$log" || :
	last=$(tail -n 1 "$log")
	if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
		passed=$((passed + BASH_REMATCH[1]))
		failed=$((failed + BASH_REMATCH[2]))
		skipped=$((skipped + BASH_REMATCH[3]))
	else
		check "$what gets to its tally" false
	fi
done
tally
