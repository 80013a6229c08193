# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Shared by all scripts: the environment, messages, package installation, the test
# tally. Source it; it changes to the top of the tree and sets TOP and BUILD.

set -euo pipefail

# The same on every machine: what other programs print is parsed, and what is made
# here is for other users, too.
export LC_ALL=C
umask 022
unset LANGUAGE CDPATH TAR_OPTIONS POSIXLY_CORRECT KBUILD_OUTPUT
unset MAKEFLAGS MFLAGS MAKELEVEL
exec </dev/null

# die TEXT...
die()
{
	printf 'error: %s\n' "$*" >&2
	exit 1
}

# usable DIRECTORY: neither kbuild nor the scripts quote paths well enough for all.
usable()
{
	local bad=$'[][:space:]:;,"\'`\\\\$&#%*?(){}<>|!^[]'

	[[ ! $1 =~ $bad ]] ||
		die "'$1': nothing can be built below a path with a blank or a special" \
			"character. Move the tree, or set BUILD= for the build directory"
}

# Without symbolic links: some of what is built has its place in it.
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
BUILD=${BUILD:-$TOP/build}
[[ $BUILD = /* ]] || BUILD=$PWD/$BUILD
usable "$TOP"
usable "$BUILD"
if ! mkdir -p "$BUILD" 2>/dev/null || [ ! -w "$BUILD" ]; then
	die "$BUILD cannot be written: set BUILD= to another build directory"
fi
BUILD=$(cd "$BUILD" && pwd -P)
usable "$BUILD"
KERNEL=${KERNEL:-6.12}
JOBS=${JOBS:-$(nproc)}
cd "$TOP"
export TOP BUILD KERNEL JOBS

# say TEXT...: print what is done next.
say()
{
	printf '==> %s\n' "$*"
}

# keep NEW DIRECTORY: what was made as NEW is complete, so give it its name, in place of
# what had that name. Whatever interrupts this, nothing incomplete ever has it.
keep()
{
	rm -rf "$2.old" &&
		{ [ ! -e "$2" ] || mv -T "$2" "$2.old"; } &&
		mv -T "$1" "$2" &&
		rm -rf "$2.old"
}

# sparse_builtins: a header with two built-ins that the kernel's headers use since 7.0 and
# Debian's sparse 0.6.4 does not have. Without the first the kernel does not run it at all,
# and without the second each MODULE_LICENSE() is an error. These are enough for its checks.
sparse_builtins()
{
	cat <<-'END'
	#define __typeof_unqual__ __typeof__
	#define __builtin_strlen(s) (sizeof(s) - 1)
	END
}

# c_files DIRECTORY...: the C files there, committed or not, but none that is generated
c_files()
{
	find "$@" -type f -name '*.[ch]' ! -name '*.mod.c' | sort
}

# missing_of PACKAGE...: those that are not installed, in $missing
missing_of()
{
	local p

	missing=()
	for p; do
		dpkg-query -W -f '${db:Status-Status}\n' "$p" 2>/dev/null |
			grep -qx installed || missing+=("$p")
	done
}

# need_packages PACKAGE...: install those that are missing, with a message; one script at
# a time, since apt-get fails where another one is running.
need_packages()
{
	local missing lock

	command -v dpkg-query >/dev/null || {
		say "this is not Debian: taking for granted what its packages $* have"
		return
	}
	missing_of "$@"
	[ ${#missing[@]} -eq 0 ] && return 0
	[ "$(id -u)" -eq 0 ] ||
		die "these packages are needed; as root: apt-get install ${missing[*]}"
	exec {lock}>"$BUILD/.apt-install.lock"
	flock "$lock"
	missing_of "$@"
	[ ${#missing[@]} -eq 0 ] || {
		say "installing with apt-get: ${missing[*]}"
		{
			apt-get -q update
			DEBIAN_FRONTEND=noninteractive apt-get -q -y \
				--no-install-recommends install "${missing[@]}"
		} </dev/null >"$BUILD/apt-install.log" 2>&1
	} || die "apt-get failed, see $BUILD/apt-install.log"
	exec {lock}>&-
}

# kbuild_sources: what an external build of the modules reads, as it is in the working
# tree, committed or not.
kbuild_sources()
{
	printf 'scripts/%s\n' compiler.sh missing.sh
	find Kbuild Kconfig Makefile drivers include kunit -type f \
		\( -name '*.[chS]' -o -name 'K*' -o -name 'Makefile*' \) \
		! -name '*.mod.c' | sort
}

# What the kernel's log must not have: where suites run in User Mode Linux with its
# checkers, and in a guest
UML_WARNINGS='BUG:|WARNING:|possible (circular|recursive) locking'
UML_WARNINGS+='|inconsistent lock state|suspicious RCU|scheduling while atomic'
UML_WARNINGS+='|sleeping function called|KASAN:|UBSAN:|list_(add|del) corruption'
UML_WARNINGS+='|blocked for more than|self-detected stall|Kernel panic'
GUEST_WARNINGS='BUG:|WARNING:|KASAN|blocked for more than|possible circular locking'
GUEST_WARNINGS+='|suspicious RCU|leaked|Oops|Call [Tt]race'

# background COMMAND...: run it there, JOBS of them at a time
background()
{
	while [ "$(jobs -rp | wc -l)" -ge "$JOBS" ]; do
		wait -n || true
	done
	"$@" &
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

# count_tap PREFIX COMMAND...: run it, and count the tests that it shows as TAP, the Test
# Anything Protocol, as prove --verbose does
count_tap()
{
	local prefix=$1 line before=$failed

	shift
	while IFS= read -r line; do
		if [[ $line =~ ^(not\ )?ok\ [0-9]+\ -\ (.*)$ ]]; then
			check "$prefix${BASH_REMATCH[2]}" [ -z "${BASH_REMATCH[1]}" ]
		else
			printf '%s\n' "$line"
		fi
	done < <("$@" 2>&1)
	wait $! || [ "$failed" -gt "$before" ] || check "$prefix$* ends well" false
}

# The last line of every suite; its exit status is the suite's.
tally()
{
	printf '%d passed, %d failed, %d skipped\n' \
		"$passed" "$failed" "$skipped"
	[ "$failed" -eq 0 ]
}

# count_guest LOG: add the checks that a guest printed there, and show them, with what
# was not so in one that failed. A guest that ended without printing their number has
# failed one. Boots that failed by a fault of the emulator are skipped, see vm-run.sh.
count_guest()
{
	local line counted=$((passed + failed + skipped)) told=none

	while IFS= read -r line; do
		case $line in
		'|   ok '*)	passed=$((passed + 1)) ;;
		'|   FAILED '*)	failed=$((failed + 1)) ;;
		'|   skipped '*) skipped=$((skipped + 1)) ;;
		'| '*' checks')	told=${line#| } told=${told% checks}; continue ;;
		'| '[0-9]* | *' not so: '*) ;;
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
