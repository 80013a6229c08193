#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: scripts/fuzz.sh
#
# libFuzzer on what reads a ring, see tools/fuzz/fuzz.c and Documentation/testing.rst.
# First it has to find bounds that are taken out of copies of the sources.
#
# LIMIT=15	seconds, in JOBS processes
# RUNS=N	end after so many inputs in each process instead
# SEED=N	of the first process, 0: random; it is printed
# MERGE=1	add what was found to tools/fuzz/corpus, and take out what is not needed

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

WORK=$BUILD/fuzz
CORPUS=$TOP/tools/fuzz/corpus
LIMIT=${LIMIT:-15}
SEED=${SEED:-$RANDOM}
SOURCES=(ring.c rx_take.c rx_context.c ext_wire.c pipe.c)

# prepare DIRECTORY: copies of the sources, to be changed, and stand-ins for the
# kernel's headers that they include
prepare()
{
	local dir=$1 header

	rm -rf "$dir"
	mkdir -p "$dir/src" "$dir/include"/{linux,asm,trace}
	cp drivers/{compat/kmcl_compat,vmbkmcl/*}.h "${SOURCES[@]/#/drivers/vmbkmcl/}" "$dir/src"
	while read -r header; do
		# The C library's own errno.h includes that
		[ -e "include/$header" ] || [ "$header" = linux/errno.h ] ||
			echo '#include "fuzz_kernel.h"' >"$dir/include/$header"
	done < <(cat drivers/{compat/kmcl_compat.h,vmbkmcl/*.[ch]} include/linux/*.h |
		sed -nE 's,^#include <((linux|asm|trace)/[a-z0-9_]+\.h)>.*,\1,p' | sort -u)
}

# build DIRECTORY: the fuzzer. Only of the sources it is of interest what has run: the
# rest is faster without.
build()
{
	local dir=$1 flags sanitize=address,undefined

	flags=(-g -O2 -fno-sanitize-recover=all
		-Wall -Wextra -Werror -Wno-unused-parameter -Wno-unused-function
		-Wno-sign-compare -D__KERNEL__ -D_GNU_SOURCE "-I$dir/src"
		-Itools/fuzz "-I$dir/include" -Iinclude -Iinclude/uapi)
	{
		clang "${flags[@]}" "-fsanitize=$sanitize" -c -o "$dir/fuzz.o" \
			tools/fuzz/fuzz.c &&
			clang "${flags[@]}" "-fsanitize=fuzzer,$sanitize" \
				-o "$dir/fuzz" "$dir/fuzz.o" \
				"${SOURCES[@]/#/$dir/src/}"
	} >"$dir/log" 2>&1
}

# Bounds that are taken out: the name, what is said then, the file, and the change
faults=(
	'the length of a packet@not so@ring.h@s/len + KMCL_RING_TRAILER > ring->known/len > 65536/'
	'the size of a packet@heap-buffer-overflow@rx_take.c@s/return \*len <= ch->cfg.max_packet ?/return true ?/'
	'the number of ranges of a set@heap-buffer-overflow@ext_wire.c@s/n > max_ranges(ch, kmcl_ext_rx_header(ch)) ||/false ||/'
	'the frames of a range@not so@ext_wire.c@s/mdl->npfns > (left - sizeof(\*range)) \/ 8/mdl->npfns > 64/'
	'a length is read twice@not so: fuzz.read@pipe.c@s/\*len = bytes;/*len = le32_to_cpu(READ_ONCE(header->bytes));/'
	'the write index@not so|ERROR: AddressSanitizer@ring.h@s/return index < ring->size \&\& !(index \& 7);/return !(index \& 7);/'
)

# plant NUMBER: fuzz without that bound
plant()
{
	local dir=$WORK/fault-$1 name said file change

	IFS=@ read -r name said file change <<<"${faults[$1]}"
	prepare "$dir"
	sed -i "$change" "$dir/src/$file"
	! cmp -s "$dir/src/$file" "drivers/vmbkmcl/$file" || return
	build "$dir" || return
	mkdir -p "$dir/corpus"
	"$dir/fuzz" -max_total_time=30 -seed="$SEED" -artifact_prefix="$dir/" \
		-max_len=5000 "$dir/corpus" "$CORPUS" >"$dir/found" 2>&1
}

# found NUMBER: it was found
found()
{
	local dir=$WORK/fault-$1 name said file change

	IFS=@ read -r name said file change <<<"${faults[$1]}"
	grep -qaE "$said" "$dir/found" && return
	tail -n 5 "$dir/log" "$dir/found"
	return 1
}

# run NUMBER: one process
run()
{
	local dir=$WORK/run-$1 limit=(-max_total_time="$LIMIT")

	[ -z "${RUNS:-}" ] || limit=(-runs="$RUNS")
	rm -rf "$dir"
	mkdir -p "$dir"
	"$WORK/whole/fuzz" "${limit[@]}" -seed=$((SEED + $1)) -max_len=5000 \
		-print_final_stats=1 -artifact_prefix="$WORK/" "$dir" \
		"$CORPUS" >"$dir.log" 2>&1
}

# clean NUMBER: it has found nothing
clean()
{
	local log=$WORK/run-$1.log

	grep -a 'executed_units' "$log" && grep -qa '^Done' "$log" && return
	tail -n 60 "$log"
	return 1
}

need_packages clang libclang-rt-dev
mkdir -p "$WORK" "$CORPUS"
rm -f "$WORK"/crash-*
say "seed $SEED"
for fault in "${!faults[@]}"; do
	background plant "$fault"
done
prepare "$WORK/whole"
build "$WORK/whole" || {
	cat "$WORK/whole/log"
	die "the fuzzer could not be built"
}
wait
for fault in "${!faults[@]}"; do
	check "taken out: ${faults[$fault]%%@*}" found "$fault"
done
for ((i = 0; i < JOBS; i++)); do
	background run "$i"
done
wait
for ((i = 0; i < JOBS; i++)); do
	check "process $i, seed $((SEED + i))" clean "$i"
done
if [ -n "${MERGE:-}" ]; then
	rm -rf "$WORK/corpus"
	mkdir -p "$WORK/corpus"
	"$WORK/whole/fuzz" -merge=1 -use_counters=0 "$WORK/corpus" "$CORPUS" "$WORK"/run-*/ \
		>"$WORK/merge.log" 2>&1
	rm -rf "$CORPUS"
	mv "$WORK/corpus" "$CORPUS"
fi
tally
