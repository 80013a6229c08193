#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# symbols.sh: each symbol of Documentation/kmcl-symbols.txt has a line of its kind
# in kunit/symbols_test.c, where the compiler checks its type or value.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

LIST=Documentation/kmcl-symbols.txt
TEST=kunit/symbols_test.c

# A multi-line use of these macros has the name in its first line.
while read -r kind name _; do
	case $kind in
	function) macro='FUNCTION|UNTYPED' ;;
	callback) macro=CALLBACK ;;
	struct)   macro='STRUCT|HANDLE_TYPE' ;;
	macro)    macro='VALUE|OWN_VALUE' ;;
	flag)     macro=VALUE ;;
	*)        die "$LIST: unknown kind $kind" ;;
	esac
	check "$name" grep -qE "^($macro)\(${name}[,)]" "$TEST"
done <"$LIST"
[ $((passed + failed)) -gt 0 ] || die "$LIST is empty"
tally
