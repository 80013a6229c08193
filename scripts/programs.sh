#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Builds the programs that guests run, in build/programs/: those of each directory
# tools/NAME that has a Makefile, except for vmbhost and bench, with
# O=build/programs/NAME and the packages in its file "packages", one a line; and the
# kernel's own daemon for file copies, from the sources of the newest kernel. What is
# executable there is a program. jq and python3 are this machine's, the latter with the
# modules of its library in python.zip that a program needs which imports os and struct.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need=(gcc libc6-dev make python3 jq)
dirs=()
for makefile in tools/*/Makefile; do
	dir=${makefile%/Makefile}
	case $dir in
	tools/vmbhost | tools/bench) continue ;;
	esac
	dirs+=("$dir")
	[ ! -e "$dir/packages" ] || mapfile -t -O ${#need[@]} need <"$dir/packages"
done
need_packages "${need[@]}"
mkdir -p "$BUILD/programs/python"
cp -L /usr/bin/python3 "$BUILD/programs/python/"
/usr/bin/python3 - "$BUILD/programs/python/python.zip" <<'END'
import os, pathlib, sys, zipfile
library = pathlib.Path(os.__file__).parent
names = ["_collections_abc", "_sitebuiltins", "abc", "codecs", "encodings/__init__",
         "encodings/aliases", "encodings/utf_8", "genericpath", "io", "os", "posixpath",
         "site", "stat", "struct"]
with zipfile.ZipFile(sys.argv[1], "w") as made:
    for name in names:
        made.write(library / f"{name}.py", f"{name}.py")
END

# Its code for rings and its daemon exist for x86 only.
tree=$(scripts/fetch-source.sh)
for dir in "${dirs[@]}"; do
	make --no-print-directory -C "$dir" O="$BUILD/programs/${dir#tools/}" LINUX="$tree"
done
mkdir -p "$BUILD/programs/hv"
make --no-print-directory -C "$tree/tools/hv" ARCH=x86_64 OUTPUT="$BUILD/programs/hv/" \
	"$BUILD/programs/hv/hv_fcopy_uio_daemon"
