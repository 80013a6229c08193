#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# coverage.sh [FILTER]: the KUnit suites (those of FILTER) in a User Mode Linux
# kernel that counts, with gcov, which lines and branches of drivers/vmbkmcl/
# they execute; gcovr prints both per file, and what was not executed. At least
# COVERAGE_LINES percent (95) of the lines must be.
#
# It has a build directory of its own, build/coverage: about 5 minutes the first
# time. Each line with its number is in build/coverage/gcov/index.html.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

OUT=$BUILD/coverage
OBJECTS=$OUT/drivers/vmbkmcl/drivers/vmbkmcl
COUNTS=$OUT/gcov
NOTES=Documentation/coverage.md
LEAST=${COVERAGE_LINES:-95}

need_packages gcovr jq
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

report()
{
	gcovr --root "$TOP" --filter "$TOP/drivers/vmbkmcl/" --print-summary --txt \
		--html-details "$COUNTS/index.html" --fail-under-line "$LEAST" "$OBJECTS"
}

# Each function with a line that no test reaches has a comment why. An inline function of
# a header is in several objects.
explained()
{
	local entry missing=0

	gcov --json-format --stdout "${counted[@]}" 2>"$COUNTS/gcov.log" |
		jq -rs '[.[].files[] | select(.file | contains("vmbkmcl/drivers/vmbkmcl/")) |
			.file as $file | .lines[] |
			{ at: "\($file):\(.line_number)", count, function_name }] |
			group_by(.at)[] | select((map(.count) | add) == 0) |
			select(.[0].function_name) |
			"\(.[0].function_name)()"' | sort -u >"$COUNTS/open"
	[ -s "$COUNTS/open" ] || return
	while read -r entry; do
		grep -qF "\`$entry\`" "$NOTES" || {
			echo "not explained: $entry"
			missing=1
		}
	done <"$COUNTS/open"
	return $missing
}

check "at least $LEAST % of the lines" report
[ $# -gt 0 ] || check "$NOTES explains what is not covered" explained
tally
