#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run all checks, also those after one that fails; print what failed, the sum of the
# tallies, and which five parts took the longest. Each part's output is kept in
# build/check/.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

mkdir -p "$BUILD/check"

# part NAME COMMAND...: run it, and count it
part()
{
	local name=$1 status=0 start=$SECONDS

	shift
	say "$name"
	"$@" </dev/null 2>&1 | tee "$BUILD/check/$name.log" || status=$?
	times+=("$((SECONDS - start)) $name")
	count "$name" "$status"
}

# begin NAME COMMAND...: run it in the background until "finish NAME", which shows
# its output. A guest keeps one processor busy, and there are two.
begin()
{
	local name=$1 start=$SECONDS

	shift
	say "$name begins"
	{
		status=0
		"$@" </dev/null >"$BUILD/check/$name.log" 2>&1 || status=$?
		echo "$((SECONDS - start)) $name" >"$BUILD/check/$name.time"
		exit $status
	} &
	jobs[$name]=$!
}

finish()
{
	local status=0

	wait "${jobs[$1]}" || status=$?
	say "$1"
	cat "$BUILD/check/$1.log"
	times+=("$(cat "$BUILD/check/$1.time")")
	count "$1" "$status"
}

# count NAME STATUS: add the tally in its last line. A part without a tally has
# failed, and so has one whose status does not match its tally.
count()
{
	local name=$1 log=$BUILD/check/$1.log status=$2 last p f s

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

declare -A jobs
summary=()
failures=()
times=()
begin checkpatch scripts/checkpatch.sh
part shellcheck scripts/shellcheck.sh
part symbols scripts/symbols.sh
part docs scripts/docs.sh
finish checkpatch
part sparse scripts/sparse.sh
part layers scripts/layers.sh
begin packagestest scripts/packages-test.sh
part script-test scripts/script-test.sh
part fetch-test scripts/fetch-test.sh
finish packagestest
part build-test scripts/build-test.sh
part kunit scripts/kunit.sh
part kmcl-coverage scripts/kmcl-coverage.sh --check
begin model scripts/model.sh
part fuzz scripts/fuzz.sh
part vmbhost-test scripts/vmbhost-test.sh
part tools-test scripts/tools-test.sh
finish model
begin vmtest-6.1 env KERNEL=6.1 scripts/vmtest.sh
begin vmtest-6.12 env KERNEL=6.12 scripts/vmtest.sh
finish vmtest-6.1
finish vmtest-6.12
newest=$(find_kernel newest && echo "$found") || newest=newest
if [ "$newest" = 6.12 ]; then
	skip "vmtest on the newest Linux, which is 6.12"
else
	begin "vmtest-$newest" env KERNEL=newest scripts/vmtest.sh
fi
begin soak env KERNEL=6.12 ROW=2 COUNT=1000 scripts/wire.sh soak
[ "$newest" = 6.12 ] || finish "vmtest-$newest"
begin arm64test env KERNEL=6.12 scripts/arm64.sh
finish soak
begin trace-test env KERNEL=6.12 scripts/trace-test.sh
finish arm64test
begin kexectest env KERNEL=6.12 scripts/kexec.sh
finish trace-test
finish kexectest
all="6.1 6.12 newest"
part wiretest env KERNEL="$all" scripts/wire.sh scenarios
part garbletest env KERNEL="$all" scripts/wire.sh garble
# It counts instructions, and does not mind that the machine is busy
begin bench-check scripts/bench-check.sh
part dkmstest scripts/dkms-test.sh
finish bench-check

say "took $((SECONDS / 60)) min $((SECONDS % 60)) s"
[ ${#failures[@]} -eq 0 ] || printf '%s\n' "${failures[@]}"
printf '%s\n' "${summary[@]}"
echo "the longest: $(printf '%s\n' "${times[@]}" | sort -rn | head -n 5 |
	awk '{ printf "%s%s %d s", sep, $2, $1; sep = ", " }')"
tally
