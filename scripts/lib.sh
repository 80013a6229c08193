# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Shared by all scripts: messages, package installation, the test tally.
# Source it; it changes to the top of the tree and sets TOP and BUILD.

set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=${BUILD:-$TOP/build}
KERNEL=${KERNEL:-6.12}
JOBS=${JOBS:-$(nproc)}
cd "$TOP"
mkdir -p "$BUILD"
export TOP BUILD KERNEL JOBS

# say TEXT...: print what is done next.
say()
{
	printf '==> %s\n' "$*"
}

die()
{
	printf 'error: %s\n' "$*" >&2
	exit 1
}

# need_packages PACKAGE...: install those that are missing, with a message.
need_packages()
{
	local missing=() p

	for p; do
		dpkg-query -W -f '${db:Status-Status}\n' "$p" 2>/dev/null |
			grep -qx installed || missing+=("$p")
	done
	[ ${#missing[@]} -eq 0 ] && return 0
	[ "$(id -u)" -eq 0 ] ||
		die "these packages are needed; as root: apt-get install ${missing[*]}"
	say "installing with apt-get: ${missing[*]}"
	{
		apt-get -q update
		DEBIAN_FRONTEND=noninteractive apt-get -q -y \
			--no-install-recommends install "${missing[@]}"
	} </dev/null >"$BUILD/apt-install.log" 2>&1 ||
		die "apt-get failed, see $BUILD/apt-install.log"
}

# kbuild_sources: what an external build of the modules reads, as it is in the working
# tree, committed or not.
kbuild_sources()
{
	echo scripts/compiler.sh
	find Kbuild Kconfig Makefile drivers include kunit -type f \
		\( -name '*.[chS]' -o -name 'K*' -o -name 'Makefile*' \) \
		! -name '*.mod.c' | LC_ALL=C sort
}

passed=0
failed=0
skipped=0

# check NAME COMMAND...: run one test, count it, show what went wrong.
check()
{
	local name=$1

	shift
	if "$@"; then
		printf 'ok      %s\n' "$name"
		passed=$((passed + 1))
	else
		printf 'FAILED  %s\n' "$name"
		failed=$((failed + 1))
	fi
}

skip()
{
	printf 'skipped %s\n' "$*"
	skipped=$((skipped + 1))
}

# The last line of every suite; its exit status is the suite's.
tally()
{
	printf '%d passed, %d failed, %d skipped\n' \
		"$passed" "$failed" "$skipped"
	[ "$failed" -eq 0 ]
}

# count_guest LOG: add the checks that a guest printed there, and show them. A
# guest that ended without printing their number has failed one. Boots that failed
# by a fault of the emulator are skipped, see vm-run.sh.
count_guest()
{
	local line counted=$((passed + failed + skipped)) told=none

	while IFS= read -r line; do
		case $line in
		'|   ok '*)	passed=$((passed + 1)) ;;
		'|   FAILED '*)	failed=$((failed + 1)) ;;
		'|   skipped '*) skipped=$((skipped + 1)) ;;
		'| '*' checks')	told=${line#| } told=${told% checks}; continue ;;
		'| '[0-9]*)	;;
		*)		continue ;;
		esac
		printf '%s\n' "${line#|   }"
	done < <(tr -d '\r' <"$1")
	[ ! -e "$1.boots" ] || while IFS= read -r line; do
		skip "$line"
		counted=$((counted + 1))
	done <"$1.boots"
	counted=$((passed + failed + skipped - counted))
	[ "$counted" = "$told" ] ||
		check "the guest made $told checks, and $counted are in its log" false >&2
}
