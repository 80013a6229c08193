#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kmcl-coverage.sh [--check]: make Documentation/kmcl-coverage.md, the table of
# KMCL's symbols and their tests, from the last complete run of make kunit; or
# see that it is what would be made.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

TABLE=Documentation/kmcl-coverage.md
RESULT=$BUILD/kunit/result.json
NEW=$BUILD/kmcl-coverage.md

[ -s "$RESULT" ] || die "no result in $RESULT: first run make kunit"
make_table()
{
	/usr/bin/python3 scripts/kmcl-coverage.py "$RESULT" >"$NEW"
}
check "each function and callback has a test that ran" make_table
if [ "${1:-}" = --check ]; then
	check "$TABLE is up to date" diff -u "$TABLE" "$NEW"
elif [ "$failed" -eq 0 ]; then
	cp "$NEW" "$TABLE"
fi
tally
