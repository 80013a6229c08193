#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# coverage.sh [FILTER]: the KUnit suites (those of FILTER) in a User Mode Linux
# kernel that counts, with gcov, which lines and branches of drivers/vmbkmcl/
# they execute; prints both per file, and what was not executed. At least
# COVERAGE_LINES percent (95) of the lines must be.
#
# It has a build directory of its own, build/coverage: about 5 minutes the first
# time. The number of each line is in build/coverage/gcov/.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

OUT=$BUILD/coverage
OBJECTS=$OUT/drivers/vmbkmcl/drivers/vmbkmcl
COUNTS=$OUT/gcov
NOTES=Documentation/coverage.md

mkdir -p "$OUT"
exec {lock}>"$OUT/.coverage-lock"
flock "$lock"

# A run adds its counts to existing ones.
if [ -d "$OBJECTS" ]; then
	find "$OBJECTS" -name '*.gcda' -delete
fi
# Only this library is instrumented (drivers/vmbkmcl/Kbuild): the options
# for the whole kernel only add gcov's own library. The linker reads that before
# the objects that need it, so name the symbols that they need.
gcov=-Wl,-u,__gcov_init,-u,__gcov_exit,-u,__gcov_merge_add,-u,__gcov_dump,-lgcov
options=(--kconfig_add=CONFIG_DEBUG_INFO_DWARF_TOOLCHAIN_DEFAULT=y
	--kconfig_add=CONFIG_GCOV=y --kconfig_add=CONFIG_VMBKMCL_GCOV=y
	--make_options="UM_GCOV_OPT=$gcov")
check "all tests pass, see $OUT/kunit.log" \
	env KUNIT_OUT="$OUT" KUNIT_ARGS="${options[*]}" \
	KUNIT_TIMEOUT="${KUNIT_TIMEOUT:-600}" \
	scripts/kunit.sh "$@" >"$OUT/kunit.log" 2>&1

rm -rf "$COUNTS"
mkdir -p "$COUNTS"
shopt -s nullglob
counted=("$OBJECTS"/*.gcda)
[ ${#counted[@]} -gt 0 ] || die "the kernel left no counts in $OBJECTS"
(
	cd "$COUNTS"
	gcov --branch-probabilities --json-format --stdout "${counted[@]}" \
		>"$COUNTS/counts.json"
	gcov --branch-probabilities --branch-counts "${counted[@]}" \
		>"$COUNTS/gcov.log" 2>&1
)
check "at least ${COVERAGE_LINES:-95} % of the lines" \
	/usr/bin/python3 scripts/coverage.py "$COUNTS/counts.json" \
	"${COVERAGE_LINES:-95}"
if [ $# -eq 0 ]; then
	# Each function with a line that no test reaches has a comment why.
	check "$NOTES explains what is not covered" \
		/usr/bin/python3 scripts/coverage.py "$COUNTS/counts.json" 0 "$NOTES"
fi
tally
