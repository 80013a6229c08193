#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# export-test.sh [build|kunit|docs]...: what the series of export-kernel-patch.sh is in a
# kernel tree, the newest source that Debian has. Without an argument all of these:
#
#   build   with each patch in turn, the directory compiles with W=1 and C=1 without a
#           warning; then a small x86-64 kernel with the series, built-in and as modules
#   kunit   the suites under User Mode Linux, with the series' own .kunitconfig
#   docs    kernel-doc -Werror, and the pages that the series adds

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

need_packages bc bison flex gcc libc6-dev libelf-dev libssl-dev make patch perl python3 \
	python3-sphinx sparse
SOURCE=$("$TOP/scripts/fetch-source.sh")
PYTHON=/usr/bin/python3
DATA=$TOP/scripts/export
EXPORT=$BUILD/export
PATCHES=$EXPORT/patches
LINUX=$EXPORT/linux		# the kernel's source, with the series
OUT=$EXPORT/x86_64
KMCL=drivers/hv/kmcl
OPTIONS=(VMBKMCL VMBKMCL_HV VMBKMCL_CDEV VMBKMCL_KUNIT_TEST)

[ -d "$PATCHES" ] || die "there is no series: scripts/export-kernel-patch.sh makes it"
mkdir -p "$EXPORT"
exec {lock}>"$EXPORT/.test.lock"
flock "$lock"

# pristine: the kernel's source as it is without the series and this tree
pristine()
{
	local file

	mkdir -p "$EXPORT/applied"
	[ "$LINUX/.unpacked" -nt "$SOURCE/.unpacked" ] || {
		say "copying the kernel's source"
		rm -rf "$LINUX" "$LINUX.new"
		cp -a --reflink=auto "$SOURCE" "$LINUX.new"
		rm -f "$LINUX.new/drivers/vmbkmcl"
		touch "$LINUX.new/.unpacked"
		mv "$LINUX.new" "$LINUX"
	}
	while read -r file; do
		if [ -e "$SOURCE/$file" ]; then
			grep -vE 'VMBKMCL|drivers/vmbkmcl' "$SOURCE/$file" |
				replace "$LINUX/$file"
		else
			rm -f "$LINUX/$file"
		fi
	done < <(echo drivers/Kconfig
		find "$PATCHES" "$EXPORT/applied" -name '*.patch' -exec cat {} + |
			sed -n 's,^+++ b/,,p' | sort -u)
	rm -rf "${LINUX:?}/$KMCL" "$EXPORT/applied"
	mkdir "$EXPORT/applied"
}

# replace FILE: by the standard input, if that differs: make looks at its time
replace()
{
	cat >"$1.new"
	if cmp -s "$1.new" "$1"; then
		rm "$1.new"
	else
		mv "$1.new" "$1"
	fi
}

# apply PATCH
apply()
{
	cp "$1" "$EXPORT/applied/"
	patch -d "$LINUX" -p1 -s --no-backup-if-mismatch -F0 <"$1"
}

in_linux()
{
	make -C "$LINUX" ARCH=x86_64 O="$OUT" -j"$JOBS" "$@" </dev/null
}

# configure VALUE OPTION...: the small kernel, where these options have that value
configure()
{
	local value=$1 option line bad=''

	shift
	rm -f "$OUT/.config"
	in_linux -s KCONFIG_ALLCONFIG="$DATA/x86_64.config" allnoconfig || return
	for option; do
		"$LINUX/scripts/config" --file "$OUT/.config" --set-val "$option" "$value"
	done
	in_linux -s olddefconfig || return
	while read -r line; do
		grep -qxF "$line" "$OUT/.config" || bad+=" $line"
	done < <(grep '^CONFIG' "$DATA/x86_64.config"
		[ $# -eq 0 ] || printf "CONFIG_%s=$value\n" "$@")
	[ -z "$bad" ] || echo "these did not take effect:$bad"
	[ -z "$bad" ]
}

# quiet LOG: no compiler has warned of a file of the series, and neither sparse, kernel-doc
# nor modpost. The kernel's own files have warnings of their own.
quiet()
{
	! grep -nE "(^|/)($KMCL|include/(uapi/)?linux/kmcl)[^:]*:[0-9:]+ .*(warning|error)" "$1" &&
		! grep -nE '^(WARNING|ERROR|Warning|Error): |\*\*\* ' "$1"
}

# as_it_is LOG COMMAND...: it succeeds without a warning
as_it_is()
{
	local log=$1

	shift
	"$@" >"$log" 2>&1 || {
		tail -n 20 "$log"
		return 1
	}
	quiet "$log"
}

# compiled LOG: the directory, with W=1 and sparse. No patch before the last one of the
# library has it in Kconfig.
compiled()
{
	local options=() option

	for option in "${OPTIONS[@]}"; do
		options+=("CONFIG_$option=y")
	done
	as_it_is "$1" in_linux W=1 C=1 CF="-D__CHECK_ENDIAN__ -include $EXPORT/sparse.h" \
		"${options[@]}" "$KMCL/"
}

# defined: nothing refers to a function or data of the series that no patch has yet
defined()
{
	local objects

	mapfile -t objects < <(find "$OUT/$KMCL" -name '*.o' ! -name '.*')
	[ ${#objects[@]} -gt 0 ] || return
	nm -u "${objects[@]}" | awk '$1 == "U" && $2 ~ /^(kmcl|kc)_/ { print $2 }' |
		sort -u >"$EXPORT/used"
	nm -g --defined-only "${objects[@]}" 2>/dev/null | awk 'NF == 3 { print $3 }' |
		sort -u >"$EXPORT/defined"
	! comm -23 "$EXPORT/used" "$EXPORT/defined" | grep .
}

# checked: sparse and the compiler have seen each source of the series
checked()
{
	local file bad=''

	cat "$EXPORT"/build-*.log >"$EXPORT/build.log"
	while read -r file; do
		grep -qE "^  CHECK +(.*/)?$file\$" "$EXPORT/build.log" || bad+=" $file"
	done < <(cd "$LINUX" && find "$KMCL" -name '*.c')
	[ -z "$bad" ] || echo "not checked:$bad"
	[ -z "$bad" ]
}

# has: the kernel that was built has the functions of each part
has()
{
	local symbol

	for symbol in kmcl_client_create kmcl_hv_class_probe kc_uring_cmd paged_suite; do
		grep -qw "$symbol" "$OUT/System.map" || {
			echo "the kernel has no $symbol"
			return 1
		}
	done
}

# are_modules: each is one, and says whose symbols it uses
are_modules()
{
	local module

	for module in vmbkmcl vmbus/vmbkmcl_hv cdev/kmcl_cdev; do
		[ -s "$OUT/$KMCL/$module.ko" ] || {
			echo "there is no $module.ko"
			return 1
		}
		[ "$module" = vmbkmcl ] ||
			[ "$(modinfo -F import_ns "$OUT/$KMCL/$module.ko")" = VMBKMCL ] || {
			echo "$module.ko does not import the namespace"
			return 1
		}
	done
}

build_series()
{
	local patch n=0

	pristine
	source_changed "$OUT" "$LINUX"
	mkdir -p "$OUT"
	sparse_builtins >"$EXPORT/sparse.h"
	rm -f "$EXPORT"/build-*.log
	rm -rf "${OUT:?}/$KMCL"
	say "configuring a small x86-64 kernel"
	check "the configuration" configure y
	as_it_is "$EXPORT/prepare.log" in_linux -s prepare modules_prepare ||
		die "the kernel's source cannot be prepared, see $EXPORT/prepare.log"
	say "compiling the series, patch by patch"
	for patch in "$PATCHES"/0*.patch; do
		n=$((n + 1))
		check "applies: ${patch##*/}" apply "$patch"
		check "compiles with W=1 C=1: ${patch##*/}" \
			compiled "$EXPORT/build-$n.log"
		check "needs no later patch: ${patch##*/}" defined
	done
	check "sparse has checked each source" checked
	say "building the kernel with it"
	check "the configuration, built-in" configure y "${OPTIONS[@]}"
	check "built-in, see $EXPORT/vmlinux.log" \
		as_it_is "$EXPORT/vmlinux.log" in_linux vmlinux
	check "the kernel has all parts" has
	say "building modules"
	check "the configuration, modules" configure m "${OPTIONS[@]:0:3}"
	check "as modules, see $EXPORT/modules.log" \
		as_it_is "$EXPORT/modules.log" in_linux vmlinux modules
	check "the modules are there" are_modules
}

apply_series()
{
	local patch

	if ! diff -q <(cat "$EXPORT"/applied/*.patch 2>/dev/null) \
		<(cat "$PATCHES"/0*.patch) >/dev/null; then
		pristine
		for patch in "$PATCHES"/0*.patch; do
			apply "$patch" || die "${patch##*/} does not apply"
		done
	fi
}

# kunit: its own numbers
kunit()
{
	local line status=0

	apply_series
	KUNIT_SOURCE=$LINUX KUNIT_OUT=$EXPORT/uml \
		KUNIT_CONFIG=$LINUX/$KMCL/.kunitconfig \
		"$TOP/scripts/kunit.sh" >"$EXPORT/kunit.log" 2>&1 || status=$?
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$EXPORT/kunit.log") || {
		tail -n 20 "$EXPORT/kunit.log"
		check "kunit.py run" false
		return
	}
	[ "$status" -eq 0 ] || grep -E 'FAILED|not ok|error' "$EXPORT/kunit.log" || true
	read -r line _ status _ _ _ <<<"${line//,/}"
	passed=$((passed + line))
	failed=$((failed + status))
	say "kunit.py run: $line passed, $status failed, see $EXPORT/kunit.log"
}

# comments: kernel-doc has nothing to say about the sources
comments()
{
	local out files

	mapfile -t files < <(cd "$LINUX" && find "$KMCL" include/linux/kmcl*.h \
		include/uapi/linux/kmcl.h -name '*.[ch]')
	out=$(cd "$LINUX" && "$PYTHON" scripts/kernel-doc -none -Wall -Werror \
		"${files[@]}" 2>&1) && [ -z "$out" ] && return 0
	printf '%s\n' "$out"
	return 1
}

docs()
{
	apply_series
	check "kernel-doc -Werror" comments
	check "the pages, see $EXPORT/pages.log" as_it_is "$EXPORT/pages.log" \
		make -C "$LINUX" O="$EXPORT/docs" SPHINXDIRS=driver-api/kmcl \
		SPHINXOPTS="-W --keep-going" htmldocs
	check "the pages have the functions" grep -q 'id="c.kmcl_channel_enable"' \
		"$EXPORT/docs/Documentation/output/driver-api/kmcl/channels.html"
}

[ $# -gt 0 ] || set -- build kunit docs
for part; do
	case $part in
	build)	build_series ;;
	kunit)	kunit ;;
	docs)	docs ;;
	*)	die "usage: scripts/export-test.sh [build|kunit|docs]..." ;;
	esac
done
tally
