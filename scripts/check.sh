#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Run all checks, also those after one that fails, as many at a time as there are
# processors, but four at most; print what failed, the tally of each part and the seconds
# that it took, their sum, and which five parts took the longest. Each part's output is
# kept in build/check/, and shown when it ends.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

at_a_time=$((JOBS < 4 ? JOBS : 4))
export JOBS=$((JOBS / at_a_time))

mkdir -p "$BUILD/check"
# Each part is a process group, which can be ended
set -m
trap stop INT TERM

stop()
{
	local groups=("${!names[@]}")

	[ ${#groups[@]} -eq 0 ] || kill -TERM -- "${groups[@]/#/-}"
	exit 130
}

# begin NAME COMMAND...: as soon as there is a processor for it
begin()
{
	local name=$1 start

	shift
	[ ${#names[@]} -lt "$at_a_time" ] || finish
	say "$name begins"
	start=$SECONDS
	{
		status=0
		"$@" </dev/null >"$BUILD/check/$name.log" 2>&1 || status=$?
		echo "$((SECONDS - start)) $name" >"$BUILD/check/$name.time"
		exit $status
	} &
	names[$!]=$name
}

# finish: wait until one of them ends, show its output, and count it
finish()
{
	local pid status=0 name

	wait -n -p pid "${!names[@]}" || status=$?
	name=${names[$pid]}
	unset "names[$pid]"
	ended+=" $name "
	say "$name"
	cat "$BUILD/check/$name.log"
	times+=("$(cat "$BUILD/check/$name.time")")
	count "$name" "$status"
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
	summary+=("$(printf '%-14s %5s s  %s passed, %s failed, %s skipped' \
		"$name" "${times[-1]%% *}" "$p" "$f" "$s")")
}

names=()
ended=
summary=()
failures=()
times=()
newest=$(find_kernel newest && echo "$found") || newest=newest
kernels=(6.1 6.12)
if [ "$newest" = 6.12 ]; then
	skip "the newest Linux, which is 6.12"
else
	kernels+=("$newest")
fi
# The longest come first, so that no processor is without work at the end
for kernel in "${kernels[@]}"; do
	begin "wiretest-$kernel" env KERNEL="$kernel" scripts/wire.sh scenarios
	[ "$kernel" != 6.1 ] || begin kunit scripts/kunit.sh
done
begin dkmstest scripts/dkms-test.sh
begin soak env KERNEL=6.12 ROW=2 COUNT=1000 scripts/wire.sh soak
begin checkpatch scripts/checkpatch.sh
for kernel in "${kernels[@]}"; do
	begin "vmtest-$kernel" env KERNEL="$kernel" scripts/vmtest.sh
done
begin build-test scripts/build-test.sh
begin packagestest scripts/packages-test.sh
begin arm64test env KERNEL=6.12 scripts/arm64.sh
begin model scripts/model.sh
begin demo env KERNEL=6.12 scripts/demo.sh
begin trace-test env KERNEL=6.12 scripts/trace-test.sh
begin bench-check scripts/bench-check.sh
begin kexectest env KERNEL=6.12 scripts/kexec.sh
for kernel in "${kernels[@]}"; do
	begin "garbletest-$kernel" env KERNEL="$kernel" scripts/wire.sh garble
done
begin sparse scripts/sparse.sh
begin export scripts/export-kernel-patch.sh
# The short form of row 7 of the table of faults is a minute
begin fuzz env LIMIT=60 scripts/fuzz.sh
begin script-test scripts/script-test.sh
begin fetch-test scripts/fetch-test.sh
begin docs scripts/docs.sh
begin layers scripts/layers.sh
begin tools-test scripts/tools-test.sh
begin vmbhost-test scripts/vmbhost-test.sh
begin shellcheck scripts/shellcheck.sh
begin symbols scripts/symbols.sh
until [[ $ended = *" kunit "* ]]; do
	finish
done
begin kmcl-coverage scripts/kmcl-coverage.sh --check
while [ ${#names[@]} -gt 0 ]; do
	finish
done

say "took $((SECONDS / 60)) min $((SECONDS % 60)) s"
[ ${#failures[@]} -eq 0 ] || printf '%s\n' "${failures[@]}"
printf '%s\n' "${summary[@]}"
echo "the longest: $(printf '%s\n' "${times[@]}" | sort -rn | head -n 5 |
	awk '{ printf "%s%s %d s", sep, $2, $1; sep = ", " }')"
tally
