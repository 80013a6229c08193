# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Which kernels, and which kernel sources, Debian has today. Source it after
# lib.sh.
#
# Scripts name a kernel as "x.y", for the last x.y.z of it, or as "newest", for
# the highest x.y. The package lists of bookworm and trixie, each with its
# backports, say what there is; on bookworm a kernel that both have is bookworm's.
# The result is kept in build/apt/kernels as long as the package lists. If a suite
# cannot be read, its last result is used, or else what was unpacked in build/.
#
#   find_kernel NAME   sets found (x.y), release (its `uname -r`) and suite; where
#                      no suite has it, sets reason and fails.
#                      "debug", "tracer" and "kcsan" are those of debug-kernel.sh,
#                      "x.y-rt", "x.y-cloud" are other flavours of it, and
#                      "x.y-arm64", "x.y-arm64-16k" those for another machine.
#   own_kernel NAME    it is one of these three
#   find_source NAME   the same for the package linux-source-x.y
#   find_kernels NAME...  sets kernels to the x.y of each, and skips the others
#   kernel_or_skip     makes $KERNEL an x.y, or ends the suite with a skip
#   kernel_or_die      makes $KERNEL an x.y, or fails
#   kernel_ready X.Y [headers]  it, or its headers alone, was unpacked by
#                      fetch-kernel.sh, and still exists
#   versions KIND      each x.y of "kernel" or "source", the newest last, after
#                      need_table
#   source_changed DIRECTORY SOURCE  empties a build directory of another source

# shellcheck source=scripts/apt-root.sh
. "$TOP/scripts/apt-root.sh"
# shellcheck source=scripts/roots.sh
. "$TOP/scripts/roots.sh"

# Lines "kernel X.Y RELEASE SUITE", "source X.Y PACKAGE SUITE", "unread SUITE".
KERNEL_TABLE=$BUILD/apt/kernels
# The same for flavours, lines "X.Y-FLAVOUR RELEASE SUITE"; made when one is asked for.
FLAVOUR_TABLE=$BUILD/apt/flavours

# Debian's headers refer to their place by absolute path, so that a tree that was
# moved needs them again.
kernel_ready()
{
	local dir=$BUILD/${2:-kernels}/$1

	[ "$(cat "$dir/place" 2>/dev/null)" = "$dir" ]
}

# ask_suite SUITE: its lines, from the archive's current package lists.
ask_suite()
{
	apt_root "$1" "$1-backports" >&2
	apt_cache pkgnames linux- | awk -v suite="$1" '
		{ there[$0] }
		END {
			for (name in there) {
				release = name
				sub(/^linux-[a-z]+-/, "", release)
				split(release, part, ".")
				version = part[1] "." part[2]
				if (name ~ /^linux-source-[0-9]+\.[0-9]+$/)
					print "source", version, name, suite
				if (name ~ /^linux-headers-[0-9]+\.[0-9]+\.[0-9.]+([+-][a-z0-9.]+)?-amd64$/ &&
				    name !~ /-(cloud|rt)-/ &&
				    ("linux-image-" release) in there)
					print "kernel", version, release, suite
			}
		}'
}

# known SUITE: its lines without the archive, from the last result or from build/.
known()
{
	local dir

	if grep -E "^(kernel|source) .* $1\$" "$KERNEL_TABLE" 2>/dev/null; then
		return
	fi
	for dir in "$BUILD"/kernels/[0-9]*; do
		[[ ${dir##*/} = *-* ]] || ! kernel_ready "${dir##*/}" ||
			[ "$(cat "$dir/suite")" != "$1" ] ||
			echo "kernel ${dir##*/} $(cat "$dir/release") $1"
	done
	for dir in "$BUILD"/linux-[0-9]*; do
		[ -e "$dir/.unpacked" ] &&
			echo "source ${dir##*-} linux-source-${dir##*-} $1"
	done
	return 0
}

# The table is as new as the package lists, and they are not older than a day.
table_fresh()
{
	local suite updated

	for suite in bookworm trixie; do
		updated=$BUILD/apt/$suite+$suite-backports/updated
		[ "$KERNEL_TABLE" -nt "$updated" ] &&
			[ -n "$(find "$updated" -mtime -1 2>/dev/null)" ] || return
	done
}

make_table()
{
	local suite new=$KERNEL_TABLE.new

	alone kernels
	! table_fresh || return 0
	mkdir -p "${KERNEL_TABLE%/*}"
	: >"$new"
	for suite in bookworm trixie; do
		(ask_suite "$suite") >"$new.$suite" || {
			say "Debian $suite cannot be asked: what is known of it has to do" >&2
			known "$suite" >"$new.$suite"
			echo "unread $suite" >>"$new"
		}
		cat "$new.$suite" >>"$new"
		rm "$new.$suite"
	done
	mv "$new" "$KERNEL_TABLE"
}

need_table()
{
	table_fresh || (make_table) || exit
}

# versions KIND: each x.y, the newest last
versions()
{
	awk -v kind="$1" '$1 == kind { print $2 }' "$KERNEL_TABLE" | sort -uV
}

# find_in_table KIND NAME SUITE...: in the first of the suites that has it
find_in_table()
{
	local kind=$1 name=$2 suites there sure=1

	shift 2
	suites=$*
	[[ $name =~ ^([0-9]+\.[0-9]+|newest)$ ]] ||
		die "no kernel $name: choose x.y or newest"
	need_table
	for suite; do
		grep -qxF "unread $suite" "$KERNEL_TABLE" || continue
		# It may have a newer one than the others.
		[ "$name" != newest ] ||
			grep -qE "^$kind .* $suite\$" "$KERNEL_TABLE" ||
			die "which $kind is the newest? Debian $suite cannot be asked"
		sure=
	done

	found=$name
	[ "$name" != newest ] || found=$(versions "$kind" | tail -n 1)
	for suite; do
		release=$(awk -v key="$kind $found" -v suite="$suite" \
			'$1 " " $2 == key && $4 == suite { print $3 }' \
			"$KERNEL_TABLE" | sort -V | tail -n 1)
		[ -z "$release" ] || return 0
	done
	there=$(versions "$kind" | paste -sd ' ')
	reason="there is no Linux $kind ${name/newest/at all}"
	reason+=" in Debian ${suites// / or } with backports; available: ${there:-none}"
	[ -n "$sure" ] || die "$reason, but not every suite could be asked"
	return 1
}

# flavours_of SUITE MACHINE: lines "NAME RELEASE SUITE", the newest release last
flavours_of()
{
	[ "$2" = amd64 ] || export APT_ARCH=$2
	apt_root "$1" "$1-backports" >&2
	# 6.1.0-50-rt-amd64, 6.12.117+deb13-rt-amd64
	apt_cache pkgnames linux-headers- | sort -V | sed -nE '
		s/^linux-headers-(([0-9]+\.[0-9]+)\.[0-9.]+(-[0-9]+|\+[a-z0-9.]+)?-((cloud-|rt-)?(amd64|arm64)(-16k)?))$/\2-\4 \1 '"$1"'/
		T
		s/-amd64 / /
		/^[0-9.]* /!p'
}

make_flavours()
{
	local suite machine

	alone flavours
	! flavours_fresh || return 0
	mkdir -p "${FLAVOUR_TABLE%/*}"
	for suite in trixie bookworm; do
		for machine in amd64 arm64; do
			(flavours_of "$suite" "$machine") || return
		done
	done >"$FLAVOUR_TABLE.new"
	mv "$FLAVOUR_TABLE.new" "$FLAVOUR_TABLE"
}

flavours_fresh()
{
	[ -n "$(find "$FLAVOUR_TABLE" -mtime -1 2>/dev/null)" ]
}

# find_flavour NAME: x.y-FLAVOUR; trixie's, where both suites have it
find_flavour()
{
	flavours_fresh || (make_flavours) || exit
	for suite in trixie bookworm; do
		release=$(awk -v name="$1" -v suite="$suite" \
			'$1 == name && $3 == suite { print $2 }' "$FLAVOUR_TABLE" |
			tail -n 1)
		[ -z "$release" ] || return 0
	done
	reason="there is no Linux ${1%%-*} for ${1#*-} in Debian trixie or bookworm with backports"
	return 1
}

own_kernel()
{
	case $1 in
	debug | tracer | kcsan) ;;
	*)	return 1 ;;
	esac
}

find_kernel()
{
	local order=(trixie bookworm)

	found=$1
	! own_kernel "$found" || return 0
	if [ "$found" != newest ] && kernel_ready "$found"; then
		release=$(cat "$BUILD/kernels/$found/release")
		suite=$(cat "$BUILD/kernels/$found/suite")
		return 0
	fi
	case $found in
	*-rt | *-cloud | *-*arm64*)
		find_flavour "$found"
		return ;;
	esac
	[ "$(host_suite)" != bookworm ] || order=(bookworm trixie)
	find_in_table kernel "$1" "${order[@]}"
}

find_source()
{
	found=$1
	[ ! -e "$BUILD/linux-$found/.unpacked" ] ||
		return 0
	find_in_table source "$1" trixie bookworm
}

find_kernels()
{
	local name

	kernels=()
	for name; do
		if ! find_kernel "$name"; then
			skip "$reason"
		elif [[ " ${kernels[*]} " == *" $found "* ]]; then
			skip "Linux $name is $found, which is there already"
		else
			kernels+=("$found")
		fi
	done
}

kernel_or_skip()
{
	find_kernel "$KERNEL" || {
		skip "$reason"
		tally
		exit
	}
	KERNEL=$found
}

kernel_or_die()
{
	find_kernel "$KERNEL" || die "$reason"
	KERNEL=$found
}

# A build directory has a link to the source that it was built from.
source_changed()
{
	[ -e "$1/source" ] && ! [ "$1/source" -ef "$2" ] || return 0
	say "emptying $1, which is of another kernel source"
	find "$1" -mindepth 1 -maxdepth 1 ! -name '*lock' ! -name '*.log' \
		-exec rm -rf {} +
}
