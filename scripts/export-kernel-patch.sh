#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# export-kernel-patch.sh: write the library, the transport, kmcl_cdev and their tests as a
# series of patches for the newest kernel source, into build/export/patches, and check it.
# The API with Windows' names, samples, and what older kernels need are not in it. What
# the patches have is in scripts/export: series, left-out, in-tree.sed, and files of the
# kernel's tree that this one does not have.
#
# The author is git's user.name and user.email.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need_packages git perl python3 unifdef
SOURCE=$("$TOP/scripts/fetch-source.sh")
PYTHON=/usr/bin/python3
DATA=$TOP/scripts/export
EXPORT=$BUILD/export
TREE=$EXPORT/tree		# of the kernel's, what the series changes
PATCHES=$EXPORT/patches
KMCL=drivers/hv/kmcl
# Of the kernel's own files, those that the series changes
CHANGED=(Documentation/driver-api/index.rst MAINTAINERS drivers/Makefile drivers/hv/Kconfig)
NAME=$(git config user.name || echo 'The vmbkmcl authors')
EMAIL=$(git config user.email || echo "root@$(hostname)")
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null

mkdir -p "$EXPORT"
exec {lock}>"$EXPORT/.lock"
flock "$lock"

# in_git DIRECTORY COMMAND...: git there, as the author
in_git()
{
	git -C "$1" -c user.name="$NAME" -c user.email="$EMAIL" -c gc.auto=0 \
		-c init.defaultBranch=main -c advice.detachedHead=false "${@:2}"
}

# base DIRECTORY: a repository with the kernel's files as they are, without what
# fetch-source.sh has added
base()
{
	local file

	rm -rf "$1"
	mkdir -p "$1"
	for file in "${CHANGED[@]}"; do
		mkdir -p "$(dirname "$1/$file")"
		grep -vE 'VMBKMCL|drivers/vmbkmcl' "$SOURCE/$file" >"$1/$file"
	done
	in_git "$1" init -q
	in_git "$1" add -A
	in_git "$1" commit -q -m "Linux $(basename "$SOURCE")"
}

# place_of FILE: where it is in the kernel's tree, in $place
place_of()
{
	local name=${1##*/}

	case $1 in
	drivers/vmbkmcl/*)	place=$KMCL/$name ;;
	drivers/vmbkmcl_hv/*)	place=$KMCL/vmbus/$name ;;
	drivers/compat/kmcl_compat_hv.h) place=$KMCL/vmbus/hv_device.h ;;
	drivers/clients/*)	place=$KMCL/cdev/$name ;;
	kunit/.kunitconfig)	place=$KMCL/.kunitconfig ;;
	kunit/*)		place=$KMCL/tests/$name ;;
	Documentation/driver-api/*) place=Documentation/driver-api/kmcl/$name ;;
	include/linux/* | include/uapi/* | Documentation/ABI/*) place=$1 ;;
	*)			die "$1 has no place in a kernel tree" ;;
	esac
}

# matches FILE PATTERN...
matches()
{
	local file=$1 pattern

	shift
	for pattern; do
		# shellcheck disable=SC2053 # a pattern
		[[ $file != $pattern ]] || return 0
	done
	return 1
}

# add FILE: write it in its in-tree form
add()
{
	local file=$1 more=()

	place_of "$file"
	case $file in
	drivers/vmbkmcl_hv/main.c | drivers/clients/kmcl_cdev_main.c)
		more=(-e '/^MODULE_LICENSE/a MODULE_IMPORT_NS("VMBKMCL");') ;;
	drivers/clients/kmcl_cdev_uring.c)
		more=(-e '/^#include <linux\/mm\.h>$/i #include <linux/io_uring/cmd.h>') ;;
	Documentation/driver-api/index.rst)
		more=(-e 's/^Driver API$/VMBus Kernel Mode Client Library/'
			-e 's/^=+$/================================/'
			-e 's/^(the driver back\.) The README.*/\1/'
			-e '/^``drivers\/clients\/kmcl_echo/d'
			-e '/^   (windows|ntcompat)$/d') ;;
	esac
	mkdir -p "$TREE/${place%/*}"
	case $file in
	*.[ch])	unifdef -x 2 -k -DKMCL_IN_TREE -UKMCL_HV_OWN_OVERRIDE \
			-DVMBUS_CHANNEL_CONFIDENTIAL_EXTERNAL_MEMORY "$file" ;;
	*)	cat "$file" ;;
	esac | sed -E -f "$DATA/in-tree.sed" "${more[@]}" | cat -s >"$TREE/$place"
	exported+=("$file")
}

# insert FILE BEFORE TEXT: put TEXT before the first line that is BEFORE
insert()
{
	grep -qxF -e "$2" "$TREE/$1" || die "$1 of the kernel has no line '$2'"
	awk -v before="$2" -v text="$3" '
		$0 == before && !done { print text; done = 1 }
		{ print }' "$TREE/$1" >"$TREE/$1.new"
	mv "$TREE/$1.new" "$TREE/$1"
}

# kconfig SYMBOL: add its part to Kconfig, and Kconfig to the kernel's, if it is the first
kconfig()
{
	local file=$TREE/$KMCL/Kconfig

	[ -e "$file" ] || {
		echo '# SPDX-License-Identifier: GPL-2.0' >"$file"
		insert drivers/hv/Kconfig endmenu "source \"$KMCL/Kconfig\""$'\n'
	}
	awk -v symbol="$1" '/^config / { on = $2 == symbol } on' "$DATA/Kconfig" |
		{ echo; cat; } | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' >>"$file"
}

# makefiles: those of the directories that are there
makefiles()
{
	local kbuild dir

	while read -r kbuild dir; do
		[ ! -d "$TREE/$dir" ] ||
			"$PYTHON" "$DATA/makefile.py" "$kbuild" "$TREE/$dir" \
				>"$TREE/$dir/Makefile"
	done <<-END
		drivers/vmbkmcl/Kbuild $KMCL
		drivers/vmbkmcl_hv/Kbuild $KMCL/vmbus
		drivers/clients/Kbuild $KMCL/cdev
		kunit/Kbuild $KMCL/tests
	END
	grep -q VMBKMCL "$TREE/drivers/Makefile" || sed -i \
		$'/^obj-$(CONFIG_HYPERV)/a obj-$(CONFIG_VMBKMCL)\t\t+= hv/kmcl/' \
		"$TREE/drivers/Makefile"
}

# item NAME: what a line of the series names
item()
{
	local file files

	case $1 in
	MAINTAINERS)
		insert MAINTAINERS 'HYPERBUS SUPPORT' "$(sed -e "s/@NAME@/$NAME/" \
			-e "s/@EMAIL@/$EMAIL/" "$DATA/MAINTAINERS")"$'\n' ;;
	VMBKMCL*)
		kconfig "$1" ;;
	*)
		mapfile -t files < <(compgen -G "$1" | sort)
		[ ${#files[@]} -gt 0 ] || die "scripts/export/series: no $1"
		for file in "${files[@]}"; do
			matches "$file" "${left_out[@]}" "${exported[@]}" || add "$file"
		done ;;
	esac
}

# finish SUBJECT BODY: the patch that has begun, if any
finish()
{
	[ -n "$1" ] || return 0
	makefiles
	if [ -e "$TREE/Documentation/driver-api/kmcl" ] &&
	   ! grep -q kmcl "$TREE/Documentation/driver-api/index.rst"; then
		insert Documentation/driver-api/index.rst '   libata' '   kmcl/index'
	fi
	in_git "$TREE" add -A
	{ printf '%s\n\n' "$1"; fmt -w 72 <<<"$2"; } | in_git "$TREE" commit -q -s -F -
}

# series: all of them
series()
{
	local line subject='' body='' name names

	while IFS= read -r line; do
		case $line in
		'#'*)	;;
		'== '*)	finish "$subject" "$body"
			subject=${line#== } body='' ;;
		'-- '*)	read -ra names <<<"${line#-- }"
			for name in "${names[@]}"; do
				item "$name"
			done ;;
		*)	body+=${body:+$'\n'}$line ;;
		esac
	done <"$DATA/series"
	finish "$subject" "$body"
}

# read_left_out: the patterns of scripts/export/left-out
read_left_out()
{
	mapfile -t left_out < <(grep -vE '^(#|$)' "$DATA/left-out")
}

# ---- what the result must be

# applies: git am takes the patches, for the same tree
applies()
{
	local dir=$EXPORT/am

	base "$dir"
	in_git "$dir" am -q "$PATCHES"/0*.patch >"$EXPORT/am.log" 2>&1 || {
		cat "$EXPORT/am.log"
		return 1
	}
	diff -r -x .git "$TREE" "$dir"
}

# style PATCH: checkpatch --strict reports nothing. MAINTAINERS has all files: covered()
style()
{
	local ignore=FILE_PATH_CHANGES out status=0

	# What checkpatch.sh overlooks in these, and why
	case $1 in
	*-add-the-states-*)
		ignore+=,COMPLEX_MACRO,BRACKET_SPACE,MACRO_ARG_REUSE,MACRO_ARG_UNUSED ;;
	*-add-tracepoints*)
		ignore+=,SPACING,COMPLEX_MACRO,MACRO_ARG_REUSE,MACRO_ARG_UNUSED
		ignore+=,PARENTHESIS_ALIGNMENT,TRAILING_SEMICOLON ;;
	esac
	out=$(cd "$EXPORT/am" && HOME=$EXPORT perl "$SOURCE/scripts/checkpatch.pl" \
		--strict --no-tree --root="$SOURCE" --no-summary --terse --show-types \
		--ignore "$ignore" "$1" 2>&1) || status=$?
	[ -z "$out" ] || printf '%s\n' "$out"
	[ "$status" -eq 0 ] && [ -z "$out" ]
}

# complete: each file is in the series or left out, and not both; each pattern of the
# latter has files
complete()
{
	local bad='' file pattern

	while read -r file; do
		if matches "$file" "${left_out[@]}"; then
			! matches "$file" "${exported[@]}" || bad+=" $file"
		else
			matches "$file" "${exported[@]}" || bad+=" $file"
		fi
	done < <(git ls-files drivers include kunit Documentation/driver-api \
		Documentation/ABI)
	for pattern in "${left_out[@]}"; do
		compgen -G "$pattern" >/dev/null || bad+=" $pattern"
	done
	[ -z "$bad" ] || echo "neither in the series nor left out, or both:$bad"
	[ -z "$bad" ]
}

# none WORDS: no file of the series has that
none()
{
	! grep -rnE --exclude-dir=.git "$1" "$TREE/$KMCL" "$TREE"/include \
		"$TREE"/Documentation/{ABI,driver-api/kmcl}
}

# built: each C file is in a Makefile
built()
{
	local file bad=''

	while read -r file; do
		grep -qw "$(basename "$file" .c)\.o" "$(dirname "$file")/Makefile" ||
			bad+=" ${file#"$TREE/"}"
	done < <(find "$TREE/$KMCL" -name '*.c')
	[ -z "$bad" ] || echo "in no Makefile:$bad"
	[ -z "$bad" ]
}

# covered: each file that the series adds is in the entry of MAINTAINERS, and
# get_maintainer reads that
covered()
{
	local file pattern bad='' patterns=()

	while read -r pattern; do
		[[ $pattern != */ ]] || pattern+='*'
		patterns+=("$pattern")
	done < <(sed -n 's/^F:\t//p' "$DATA/MAINTAINERS")
	while read -r file; do
		matches "$file" "${patterns[@]}" || bad+=" $file"
	done < <(in_git "$TREE" diff --name-only --diff-filter=A "$(first)" HEAD)
	[ -z "$bad" ] || echo "without a maintainer:$bad"
	[ -z "$bad" ] &&
		(cd "$EXPORT/am" && perl "$SOURCE/scripts/get_maintainer.pl" --no-tree \
			--no-git --no-git-fallback --sections -f "$KMCL/main.c" 2>&1) |
		grep -x 'HYPER-V KERNEL MODE CLIENT LIBRARY'
}

first()
{
	in_git "$TREE" rev-list --max-parents=0 HEAD
}

# namespaces: what is exported, and which modules import it
namespaces()
{
	local n

	n=$(grep -rE '^EXPORT_SYMBOL_NS_GPL\(\w+, "VMBKMCL"\);$' "$TREE/$KMCL" | wc -l)
	[ "$n" -eq "$(cat "${exported[@]}" | grep -c '^EXPORT_SYMBOL_GPL')" ] || {
		echo "$n symbols have the namespace"
		return 1
	}
	[ "$(grep -rl '^MODULE_IMPORT_NS("VMBKMCL");$' "$TREE/$KMCL" | wc -l)" -eq 2 ]
}

# lengths: no line is longer than a mail takes, and no patch is empty
lengths()
{
	local patch bad=''

	for patch in "$PATCHES"/0*.patch; do
		[ "$(wc -c <"$patch")" -gt 500 ] || bad+=" $patch"
		[ "$(awk '{ print length }' "$patch" | sort -n | tail -n 1)" -lt 998 ] ||
			bad+=" $patch"
	done
	[ -z "$bad" ] || echo "$bad"
	[ -z "$bad" ]
}

say "making the series"
read_left_out
exported=()
base "$TREE"
series
rm -rf "$PATCHES"
in_git "$TREE" format-patch -q -o "$PATCHES" --no-signature "$(first)"

check "the series applies with git am, for the same tree" applies
for patch in "$PATCHES"/0*.patch; do
	check "checkpatch --strict: ${patch##*/}" style "$patch"
done
# The words, not Windows itself, which comments compare Linux with
words='\bVmb[A-Z]|\b(EVT|PFN|FN)_VMB|VMBCHANNEL|VMBPACKET|\bNT_?STATUS|\bSTATUS_[A-Z]'
words+='|[Nn]tcompat|\bNT_SUCCESS|KmclQuery|\b(P?MDLs?|P?ULONG|PVOID|P?UINT(8|16|32|64)|BOOLEAN)\b'
check "no name of Windows' is left" none "$words"
check "nothing for older kernels, or for this tree, is left" none \
	'KMCL_IN_TREE|[Kk]mcl_?[Cc]ompat|KMCL_HV_OWN|KBUILD_EXTMOD|drivers/vmbkmcl|[^<]kunit/|LINUX_VERSION'
check "each file is in the series or left out" complete
check "each source is in a Makefile" built
check "each file has its entry in MAINTAINERS" covered
check "the symbols' namespace" namespaces
check "the patches can be mailed" lengths
say "the series is in ${PATCHES#"$TOP/"}"
tally
