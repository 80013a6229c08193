#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: scripts/layers.sh [library|hv|clients|vmbhost]...
#
# The objects of each module and of vmbhost are listed lowest layer first,
# in drivers/*/Kbuild and in tools/vmbhost/Makefile. No object may refer to a
# function or to data of a later one; calls upwards are by function pointers. The
# modules are those for KERNEL.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

# upward OBJECT...: print which object refers to which symbol of a later one. A
# symbol belongs to the object that the linker takes it from: where it is weak
# everywhere, that is the first one. nm -g does not list static symbols.
upward()
{
	nm -A -P -g "$@" | awk '
		{ sub(/:$/, "", $1); sub(/.*\//, "", $1) }
		$2 ~ /^__(cfi|pfx)_/ { next }
		!($1 in layer) { layer[$1] = ++layers }
		$3 !~ /[Uvw]/ {
			weak = $3 ~ /[VW]/
			if (!($2 in owner) || replaceable[$2] && !weak) {
				owner[$2] = $1
				replaceable[$2] = weak
			}
		}
		$3 ~ /[UvwVW]/ { user[++uses] = $1; used[uses] = $2 }
		END {
			for (i = 1; i <= uses; i++)
				if (layer[owner[used[i]]] > layer[user[i]])
					print "layers: " user[i] " uses " used[i] \
						", which " owner[used[i]] \
						" above it defines"
		}'
}

# below OBJECT FOUND: OBJECT is not in FOUND, the output of upward()
below()
{
	! grep -F "layers: $1 uses " <<<"$2"
}

# layers SET OBJECT...: check each of them
layers()
{
	local set=$1 found object

	shift
	[ $# -gt 1 ] || die "$set has no list of objects"
	found=$(upward "$@")
	for object; do
		check "$set: ${object##*/}" below "${object##*/}" "$found"
	done
}

# modules DIRECTORY MODULE...: kbuild leaves the list of its objects in MODULE.mod
modules()
{
	local dir=drivers/$1 module objects

	shift
	find_kernel "$KERNEL" || {
		skip "$dir: $reason"
		return 0
	}
	"$TOP/scripts/build-modules.sh" "$found"
	dir=$BUILD/modules/$found/$dir
	for module; do
		mapfile -t objects <"$dir/$module.mod"
		layers "$module" "${objects[@]/#*\//"$dir/"}"
	done
}

vmbhost()
{
	local objects

	"$TOP/scripts/vmbhost.sh" >"$BUILD/vmbhost.log" 2>&1 || {
		cat "$BUILD/vmbhost.log"
		die "vmbhost could not be built"
	}
	mapfile -t objects < <(ar t "$BUILD/vmbhost/parts.a")
	layers vmbhost "${objects[@]/#/"$BUILD/vmbhost/"}" "$BUILD/vmbhost/main.o"
}

# said TEXT COMMAND...: the command prints TEXT
said()
{
	diff <(echo "$1") <("${@:2}")
}

# Objects in a wrong order, and in an order that looks wrong and is not.
planted()
{
	local dir=$BUILD/layers file

	rm -rf "$dir"
	mkdir -p "$dir"
	echo 'int kmcl_x(void); extern int kmcl_y;
		int a(void) { return kmcl_x() + kmcl_y; }' >"$dir/a.c"
	echo 'int kmcl_y = 1; int kmcl_x(void) { return kmcl_y; }' >"$dir/b.c"
	echo 'static int kmcl_y = 1; static int kmcl_x(void) { return kmcl_y; }
		int (*c)(void) = kmcl_x;' >"$dir/static.c"
	echo '__attribute__((weak)) int kmcl_x(void) { return 1; }' >"$dir/weak.c"
	for file in a b static weak; do
		gcc -c -o "$dir/$file.o" "$dir/$file.c"
	done
	check 'planted: a call and data of the layer above' said \
'layers: a.o uses kmcl_x, which b.o above it defines
layers: a.o uses kmcl_y, which b.o above it defines
FAILED  here: a.o
ok      here: b.o' layers here "$dir/a.o" "$dir/b.o"
	check 'planted: a weak function of the layer above' said \
'layers: a.o uses kmcl_x, which weak.o above it defines
FAILED  here: a.o
ok      here: weak.o' layers here "$dir/a.o" "$dir/weak.o"
	check 'planted: static and weak ones of the same name' said \
'ok      here: b.o
ok      here: a.o
ok      here: static.o
ok      here: weak.o' layers here "$dir"/{b,a,static,weak}.o
}

need_packages binutils gcc libc6-dev make
sets=("$@")
[ $# -gt 0 ] || sets=(library hv clients vmbhost)
planted
for set in "${sets[@]}"; do
	case $set in
	library) modules vmbkmcl vmbkmcl ;;
	hv) modules vmbkmcl_hv vmbkmcl_hv ;;
	clients) modules clients kmcl_cdev kmcl_dynmem kmcl_traffic ;;
	vmbhost) vmbhost ;;
	*) die "no such list of objects: $set" ;;
	esac
done
tally
