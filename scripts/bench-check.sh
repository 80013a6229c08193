#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: [UPDATE=1] scripts/bench-check.sh
#
# Measures the cases of Documentation/measurements/baseline.json again. Each number
# may differ from it by 3 %. UPDATE=1 writes the new ones there: for a change that
# is meant to make something faster, or for another kernel package or compiler.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

baseline=Documentation/measurements/baseline.json
results=$BUILD/bench-check.json
need_packages python3

# the kernels that it has, or the cases of one
names()
{
	/usr/bin/python3 scripts/bench.py names "$baseline" "$@"
}

rm -f "$results"
kernel=$(names)
if KERNEL=$kernel CASES=$(names "$kernel") RESULTS=$results STEPPED=0 \
	scripts/bench.sh >"$results.log" 2>&1; then
	[ -z "${UPDATE:-}" ] || /usr/bin/python3 scripts/bench.py update "$results" "$baseline"
	while IFS= read -r line; do
		printf '%s\n' "$line"
		case $line in
		'ok '*)		passed=$((passed + 1)) ;;
		'FAILED '*)	failed=$((failed + 1)) ;;
		esac
	done < <(/usr/bin/python3 scripts/bench.py check "$results" "$baseline")
	[ "$passed" -gt 0 ] || check "numbers were compared" false
	[ "$failed" -eq 0 ] ||
		say "if that is meant: UPDATE=1 make bench-check, and commit $baseline"
else
	cat "$results.log"
	check "the benchmark ran" false
fi
tally
