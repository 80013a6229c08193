#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kunit.sh [FILTER]: build this tree into a User Mode Linux kernel with two
# processors and lockdep, and run its KUnit suites there with the kernel's own
# tool. FILTER is kunit.py's: a suite, or suite.test, with wildcards. (User Mode
# Linux has more than one processor only where it uses seccomp.)
#
#   KUNIT_ARGS     more arguments for kunit.py run, for example
#                  --kconfig_add=CONFIG_KASAN=y
#   KUNIT_OUT      where to build (build/kunit)
#   KUNIT_SOURCE   another kernel source, and its configuration:
#   KUNIT_CONFIG   see export-test.sh
#   KUNIT_TIMEOUT  seconds that all tests together may take (600)

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

OUT=${KUNIT_OUT:-$BUILD/kunit}
LOG=$OUT/test.log
RESULT=$OUT/result.json
PYTHON=/usr/bin/python3

[ $# -le 1 ] || die "usage: scripts/kunit.sh [FILTER]"
read -ra more <<<"${KUNIT_ARGS:-}"
for arg in "${more[@]}"; do
	case $arg in
	--run_isolated*|--raw_output*)
		# The first keeps only the last kernel's log, the second writes
		# no result.
		die "$arg cannot be used here; see scripts/kunit.sh" ;;
	esac
done

need_packages gcc libc6-dev make flex bison bc perl python3 libelf-dev libssl-dev
SOURCE=${KUNIT_SOURCE:-$("$TOP/scripts/fetch-source.sh")}

mkdir -p "$OUT"
exec {lock}>"$OUT/.lock"
flock "$lock"
source_changed "$OUT" "$SOURCE"
rm -f "$LOG" "$RESULT" "$RESULT.new"

[ -e "$OUT/linux" ] ||
	say "building a User Mode Linux kernel, about 4 minutes the first time"
status=0
(
	cd "$SOURCE"
	exec "$PYTHON" tools/testing/kunit/kunit.py run \
		--kunitconfig="${KUNIT_CONFIG:-$TOP/kunit/.kunitconfig}" \
		--build_dir="$OUT" --jobs="$JOBS" \
		--timeout="${KUNIT_TIMEOUT:-600}" \
		--kernel_args=seccomp=on --kernel_args=ncpus=2 \
		--json="$RESULT.new" "${more[@]}" "$@"
) </dev/null || status=$?
[ ! -s "$RESULT.new" ] || mv "$RESULT.new" "$RESULT"

# The numbers are the tool's own; the checks below are counted only when they
# fail.
must()
{
	local name=$1

	shift
	"$@" || check "$name" false
}

quiet()
{
	! grep -nE "$UML_WARNINGS" "$LOG"
}

if [ -s "$RESULT" ]; then
	read -r passed failed skipped < <("$PYTHON" - "$RESULT" <<-'END'
	import json, sys
	n = json.load(open(sys.argv[1]))["misc"]
	# An error is not a test: the log is malformed, or has no test.
	failed = n["failed"] + n["crashed"] or n["errors"]
	print(n["passed"], failed, n["skipped"])
	END
	)
	must "some test was executed" [ "$((passed + failed))" -gt 0 ]
	[ "$failed" -gt 0 ] ||
		must "kunit.py ends well (status $status)" [ "$status" -eq 0 ]
	must "two processors, see $LOG" grep -q 'smp:.* 2 CPUs' "$LOG"
	must "no warning in the kernel's log, $LOG" quiet
else
	must "the kernel was built and its tests ran" false
fi
tally
