#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# checkpatch.sh [FILE...]: the kernel's checkpatch --strict on every C file of
# this tree, committed or not yet, or on these (paths from the top).

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_packages perl
SOURCE=$("$TOP/scripts/fetch-source.sh")
# checkpatch leaves a cache in its directory, and reads names and options from a
# .git, an include/ or a .checkpatch.conf there: run it in an empty one.
WORK=$BUILD/checkpatch
mkdir -p "$WORK"

# The types that the API declares, so that "GUID *x" is not a multiplication.
sed -nE '/^(typedef|\})/p' include/kmcl/*.h | grep -oE '\b[A-Z][A-Z0-9_]{2,}\b' |
	sort -u >"$WORK/typedefs"

# clean FILE: checkpatch reports nothing.
clean()
{
	local file=$1 ignore='' args out status=0

	case $file in
	include/kmcl/vmb_interface.h)
		# The same, and lists of names.
		ignore=CAMELCASE,NEW_TYPEDEFS,COMPLEX_MACRO,TRAILING_SEMICOLON
		ignore+=,MULTISTATEMENT_MACRO_USE_DO_WHILE
		ignore+=,MACRO_ARG_REUSE,MACRO_ARG_UNUSED,MACRO_ARG_PRECEDENCE ;;
	include/kmcl/ntcompat_types.h)
		# The same, and a name for two keywords.
		ignore=CAMELCASE,NEW_TYPEDEFS,COMPLEX_MACRO ;;
	include/kmcl/ntcompat_interlocked.h | kunit/ntcompat_lock_test.c)
		# The same, with its prototypes' volatile.
		ignore=CAMELCASE,NEW_TYPEDEFS,VOLATILE ;;
	include/kmcl/*)
		# Windows' API, under Windows' names and types.
		ignore=CAMELCASE,NEW_TYPEDEFS ;;
	drivers/clients/kmcl_dynmem* | kunit/dynmem_* | \
	kunit/ntcompat_* | kunit/paged_test.c | kunit/save_test.c | kunit/win*)
		# Written with those names, as a ported driver is.
		ignore=CAMELCASE ;;
	Documentation/porting/*)
		# The same, for any kernel, with structures and constants as Windows has
		# them.
		ignore=CAMELCASE,NEW_TYPEDEFS,ALLOC_WITH_SIZEOF,COMPLEX_MACRO ;;
	kunit/symbols_test.c)
		# Lists of names and types.
		ignore=CAMELCASE,FUNCTION_ARGUMENTS,MACRO_ARG_REUSE
		ignore+=,MULTISTATEMENT_MACRO_USE_DO_WHILE ;;
	drivers/compat/kmcl_compat.h)
		# An argument that may be left out is found by its place.
		ignore=MACRO_ARG_UNUSED ;;
	kunit/gcov.c)
		# libgcov's, of which the kernel has no header.
		ignore=AVOID_EXTERNS ;;
	drivers/vmbkmcl/trace.h)
		# The macros that declare trace events are not calls, and the word SHORT
		# of a list is not the type of include/kmcl/ntcompat.h.
		ignore=SPACING,COMPLEX_MACRO,MACRO_ARG_REUSE,MACRO_ARG_UNUSED
		ignore+=,PARENTHESIS_ALIGNMENT,TRAILING_SEMICOLON ;;
	drivers/vmbkmcl/state.[ch])
		# Lists of names and rows of a table: not expressions.
		ignore=COMPLEX_MACRO,BRACKET_SPACE,MACRO_ARG_REUSE,MACRO_ARG_UNUSED ;;
	tools/vmbhost/host.h | tools/vmbhost/control.c)
		# The same, and a list of names.
		ignore=BIT_MACRO,PREFER_DEFINED_ATTRIBUTE_MACRO,COMPLEX_MACRO
		ignore+=,MACRO_ARG_REUSE,TRAILING_SEMICOLON,NEW_TYPEDEFS
		ignore+=,MULTISTATEMENT_MACRO_USE_DO_WHILE ;;
	tools/model/*)
		# User space, and lists of names.
		ignore=ARRAY_SIZE,COMPLEX_MACRO,MACRO_ARG_REUSE,MACRO_ARG_UNUSED ;;
	tools/fuzz/*)
		# Definitions of what the kernel has, and of no more than is needed.
		ignore=ARRAY_SIZE,NEW_TYPEDEFS,MACRO_ARG_REUSE,MACRO_ARG_UNUSED
		ignore+=,COMPLEX_MACRO,PREFER_DEFINED_ATTRIBUTE_MACRO,BIT_MACRO
		ignore+=,EMBEDDED_FUNCTION_NAME,MINMAX,TRAILING_SEMICOLON
		ignore+=,VOLATILE,EXPORT_SYMBOL,IS_ENABLED_CONFIG,MEMORY_BARRIER
		ignore+=,MACRO_ARG_PRECEDENCE,CAMELCASE ;;
	tools/kmclctl/*)
		# User space, and messages that are not the kernel's.
		ignore=ARRAY_SIZE,BIT_MACRO,PREFER_DEFINED_ATTRIBUTE_MACRO
		ignore+=,EMBEDDED_FUNCTION_NAME,LONG_LINE_STRING ;;
	tools/fcopyd/*)
		# User space: sig_atomic_t, and inttypes.h.
		ignore=ARRAY_SIZE,BIT_MACRO,PREFER_DEFINED_ATTRIBUTE_MACRO
		ignore+=,EMBEDDED_FUNCTION_NAME,VOLATILE,CAMELCASE ;;
	tools/*)
		# User space, which has no such macros.
		ignore=ARRAY_SIZE,BIT_MACRO,PREFER_DEFINED_ATTRIBUTE_MACRO
		# The names of commands, which functions have as well.
		ignore+=,EMBEDDED_FUNCTION_NAME
		# cmocka's struct CMUnitTest.
		[[ $file != */tests/* ]] || ignore+=,CAMELCASE ;;
	esac
	args=(--strict --no-tree --root="$SOURCE" --no-summary --terse
		--show-types --typedefsfile="$WORK/typedefs")
	[ -z "$ignore" ] || args+=(--ignore "$ignore")
	out=$(cd "$WORK" && HOME=$WORK perl "$SOURCE/scripts/checkpatch.pl" \
		"${args[@]}" -f "$TOP/$file" 2>&1 </dev/null) || status=$?
	[ -z "$out" ] || printf '%s\n' "${out//"$TOP/"/}"
	[ "$status" -eq 0 ] && [ -z "$out" ]
}

if [ $# -gt 0 ]; then
	files=("$@")
else
	mapfile -t files < <(c_files Documentation drivers include kunit tools)
fi
[ ${#files[@]} -gt 0 ] || die "there is no C file here"
for file in "${files[@]}"; do
	check "$file" clean "$file"
done
tally
