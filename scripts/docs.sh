#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# docs.sh: the guides and the driver API as HTML in build/docs, made by Sphinx and
# the kernel's own kernel-doc. Any warning is a failure, and so is a function
# that no page has. What failed is left in build/docs.new.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_packages python3-sphinx python3-myst-parser graphviz gcc libc6-dev
SOURCE=$("$TOP/scripts/fetch-source.sh")

# Files of an earlier run would hide warnings.
OUT=$BUILD/docs.new
LOG=$BUILD/docs.log
PYTHON=/usr/bin/python3
export srctree=$SOURCE PYTHONDONTWRITEBYTECODE=1

exec {lock}>"$BUILD/.docs.lock"
flock "$lock"
rm -rf "$OUT"

# comments FILE...: kernel-doc reports nothing.
comments()
{
	local out

	out=$("$PYTHON" "$SOURCE/scripts/kernel-doc" -none -Wall "$@" 2>&1) &&
		[ -z "$out" ] && return 0
	printf '%s\n' "$out"
	return 1
}

pages()
{
	"$PYTHON" -m sphinx -q -W --keep-going -j "$JOBS" -b html \
		-d "$OUT/.doctrees" Documentation "$OUT" >"$LOG" 2>&1
}

# missing NAME...: those that no page documents.
missing()
{
	local name

	for name; do
		grep -qxF "$name" "$OUT/.names" || echo "$name is in no page"
	done
}

none_missing()
{
	local out

	[ $# -gt 0 ] || return
	out=$(missing "$@")
	[ -z "$out" ] && return 0
	printf '%s\n' "$out"
	return 1
}

# page RST: it was made without a warning, and has each name that it lists;
# kernel-doc does not report a name that it does not find.
page()
{
	local html name names

	html=${1#Documentation/}
	html=$OUT/${html%.rst}.html
	[ -s "$html" ] || return
	# A warning about a source has the page's name without its suffix
	! sed "s,^$TOP/,," "$LOG" | grep -E "^${1%.rst}(\.rst)?:" || return
	read -ra names <<<"$(sed -n 's/^ *:functions: *//p' "$1" | tr '\n' ' ')"
	for name in "${names[@]}"; do
		grep -qF "id=\"c.$name\"" "$html" || {
			echo "$1: there is no $name"
			return 1
		}
	done
}

# described ABI NAME...: the file has each of them
described()
{
	local abi=$1 name

	shift
	for name; do
		grep -qw "$name" "$abi" || {
			echo "$abi: there is no $name"
			return 1
		}
	done
}

# the_states: the picture of a channel's states is the one of state.c
the_states()
{
	gcc -std=gnu11 -Itools/model/include -Idrivers/vmbkmcl -o "$OUT/.table" \
		tools/model/table.c drivers/vmbkmcl/state.c &&
		"$OUT/.table" dot | diff -u Documentation/channel-states.dot -
}

# named_there PAGE...: files of this tree that the pages name are there, unless a build
# makes them, and so is what "make" makes
named_there()
{
	local name names dirs='scripts|tools|drivers|include|kunit|Documentation' bad=

	# shellcheck disable=SC2016 # a quote of reStructuredText
	mapfile -t names < <(grep -ohE '``('"$dirs"')/[a-zA-Z0-9_./-]+``' "$@" |
		tr -d '`' | sort -u)
	for name in "${names[@]}"; do
		compgen -G "${name%.ko}*" >/dev/null || [ -e "$SOURCE/$name" ] ||
			bad+=" $name"
	done
	# shellcheck disable=SC2016 # the same
	mapfile -t names < <(grep -ohE '(^   |``)make [a-z][a-z0-9-]+' "$@" |
		sed 's/.*make //' | sort -u)
	for name in "${names[@]}"; do
		grep -qE "(^|[[:space:]])$name([[:space:]:]|$)" Makefile ||
			bad+=" make $name"
	done
	[ -z "$bad" ] || echo "not there:$bad"
	[ -z "$bad" ]
}

# linked WINDOWS...: each has a link to a Linux name, and that one a link back
linked()
{
	"$PYTHON" Documentation/windows_names.py "$OUT/driver-api" "$@"
}

# named_tests FILE: it has no test's name that is not one: a suite and its case, or, in a
# line's list of scenarios, a function of scripts/guest/wire
named_tests()
{
	local name file names bad=

	# shellcheck disable=SC2016 # a quote of Markdown
	mapfile -t names < <(grep -oE '`kmcl_[a-z_0-9]+\.[a-z_0-9]+`' "$1" |
		tr -d '`' | grep -v '\.c$')
	[ ${#names[@]} -gt 0 ] || return
	for name in "${names[@]}"; do
		file=$(grep -lF "\"${name%.*}\"" kunit/*.c) &&
			grep -qwF "${name#*.}" "$file" || bad+=" $name"
	done
	# shellcheck disable=SC2016 # the same
	for name in $(grep -oE 'scenarios? (`[a-z_0-9]+`(, )?)+' "$1" |
		grep -oE '`[a-z_0-9]+`' | tr -d '`'); do
		grep -qE "^$name\(\)" scripts/guest/wire/*.sh || bad+=" $name"
	done
	[ -z "$bad" ] || echo "$1: no test is named$bad"
	[ -z "$bad" ]
}

# ported PERCENT FILE: less than that many of the lines of each of the two differ
ported()
{
	local old=Documentation/porting/windows/$2 new=Documentation/porting/linux/$2
	local removed added lines

	removed=$(diff "$old" "$new" | grep -c '^<') || true
	added=$(diff "$old" "$new" | grep -c '^>') || true
	lines="$(wc -l <"$old") $(wc -l <"$new")"
	[ $((removed + added)) -gt 0 ] &&
		[ $((removed * 100)) -lt $((${lines% *} * $1)) ] &&
		[ $((added * 100)) -lt $((${lines#* } * $1)) ] && return 0
	echo "$2: $removed and $added lines of $lines differ"
	return 1
}

# The messages that users see
mapfile -t talking < <(find drivers/vmbkmcl drivers/vmbkmcl_hv drivers/clients/kmcl_cdev* \
	-name '*.c' ! -name '*.mod.c' | sort)
mapfile -t sources < <(c_files include drivers)
mapfile -t texts < <(find Documentation -name '*.rst' | sort)
mapfile -t exported < <(sed -n 's/^EXPORT_SYMBOL_GPL(\(.*\));$/\1/p' \
	drivers/vmbkmcl/*.c)
mapfile -t windows < <(awk '$1 == "function" { print $2 }' \
	Documentation/kmcl-symbols.txt)
mapfile -t counters < <(sed -n 's/^\tCOUNTER(\(.*\)),$/\1/p
	s/^\tBAD("\(.*\)",.*/bad_\1/p' drivers/vmbkmcl/sysfs.c)

say "making the pages"
status=0
pages || status=$?
grep -rhoE --include='*.html' 'id="c\.[A-Za-z_0-9]+"' "$OUT" |
	sed 's/.*c\.\(.*\)"/\1/' | sort -u >"$OUT/.names" || true
check "kernel-doc comments of ${#sources[@]} files" comments "${sources[@]}"
for text in "${texts[@]}"; do
	check "$text" page "$text"
done
check "no warning, see $LOG" [ "$status" -eq 0 ]
[ "$status" -eq 0 ] || cat "$LOG"
check "each of ${#exported[@]} exported functions is in a page" \
	none_missing "${exported[@]}"
check "each of ${#windows[@]} functions of KMCL is in a page" \
	none_missing "${windows[@]}"
check "each of ${#counters[@]} counters in sysfs is described" \
	described Documentation/ABI/testing/sysfs-kernel-kmcl "${counters[@]}"
check "the port of vault.c differs in less than 15 % of the lines" ported 15 vault.c
check "each message of ${#talking[@]} sources is explained" "$PYTHON" scripts/messages.py \
	Documentation/troubleshooting.rst "${talking[@]}"
check "the picture of a channel's states is that of state.c" the_states
check "the classes that isolated guests have" "$PYTHON" scripts/isolated.py "$SOURCE" \
	Documentation/devices.rst
check "Windows' names and Linux' have links to each other" linked "${windows[@]}"
check "what the pages name is there" named_there "${texts[@]}"
check "the tests that SECURITY.md names are there" named_tests SECURITY.md
[ "$failed" -gt 0 ] || keep "$OUT" "$BUILD/docs"
tally
