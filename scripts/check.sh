#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Everything that can be checked, all parts even if one fails, what failed, and
# the sum of their tallies. Each part's output is kept in build/check/.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

mkdir -p "$BUILD/check"

# part NAME COMMAND...: run it, and add the tally in its last line. A part
# without one has failed, and so has one that fails without saying so.
part()
{
	local name=$1 log=$BUILD/check/$1.log status=0 last p f s

	shift
	say "$name"
	"$@" </dev/null 2>&1 | tee "$log" || status=$?
	last=$(tail -n 1 "$log")
	if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
		p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]} s=${BASH_REMATCH[3]}
	else
		p=0 f=1 s=0
		echo "FAILED  $name did not get to its tally (status $status)"
	fi
	[ "$status" -eq 0 ] || [ "$f" -gt 0 ] || f=1
	[ "$f" -eq 0 ] || failures+=("$(printf '%s:\n' "$name"
		grep -aE -m 3 -B 40 -A 2 '^FAILED' "$log" || tail -n 25 "$log")")
	passed=$((passed + p))
	failed=$((failed + f))
	skipped=$((skipped + s))
	summary+=("$(printf '%-14s %s passed, %s failed, %s skipped' \
		"$name" "$p" "$f" "$s")")
}

summary=()
failures=()
part checkpatch scripts/checkpatch.sh
part shellcheck scripts/shellcheck.sh
part symbols scripts/symbols.sh
part sparse scripts/sparse.sh
part build-test scripts/build-test.sh
part kunit scripts/kunit.sh
part kmcl-coverage scripts/kmcl-coverage.sh --check
part vmbhost-test scripts/vmbhost-test.sh
for version in 6.1 6.12 7.3; do
	part "vmtest-$version" env KERNEL="$version" scripts/vmtest.sh
done
all="6.1 6.12 7.3"
part wiretest env KERNEL="$all" scripts/wire.sh scenarios
part garbletest env KERNEL="$all" scripts/wire.sh garble
part soak env KERNEL=6.12 CYCLES=1000 scripts/wire.sh soak
part dkmstest scripts/dkms-test.sh

say "took $((SECONDS / 60)) min $((SECONDS % 60)) s"
[ ${#failures[@]} -eq 0 ] || printf '%s\n' "${failures[@]}"
printf '%s\n' "${summary[@]}"
tally
