#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: [N=20] [SEED=N] [FILES="drivers/vmbkmcl/ring.c ..."] scripts/mutate.sh
#
# What the KUnit suites do not notice: N small changes to the library's sources, chosen
# by SEED, which is printed; each of them is built into a User Mode Linux kernel of its
# own, in build/mutate/, and all suites run there until the first one fails. Changes that
# none of them found are in build/mutate/survivors. See mutate.py for what is changed.
# A change takes from 10 seconds to 2 minutes.

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

N=${N:-20}
SEED=${SEED:-$(date +%s)}
here=$BUILD/mutate
read -ra files <<<"${FILES:-$(echo drivers/vmbkmcl/*.c)}"

need_packages gcc libc6-dev make flex bison bc perl python3 libelf-dev libssl-dev
source=$("$TOP/scripts/fetch-source.sh")

mkdir -p "$here"
exec {lock}>"$here/.lock"
flock "$lock"
# A kernel tree whose link leads to the copy, not to this tree; its files are the same
if [ ! -e "$here/linux/.copied" ]; then
	say "copying the kernel source, by links"
	rm -rf "$here/linux"
	cp -al "$source" "$here/linux"
	ln -sfn "$here/tree" "$here/linux/drivers/vmbkmcl"
	touch "$here/linux/.copied"
fi
rm -rf "$here/tree"
mkdir "$here/tree"
kbuild_sources | tar -cf - -T - kunit/.kunitconfig | tar -xf - -C "$here/tree"

say "$N changes, seed $SEED"
/usr/bin/python3 "$TOP/scripts/mutate.py" --tree "$here/tree" --linux "$here/linux" \
	--out "$here/out" --jobs "$JOBS" --seed "$SEED" --number "$N" \
	--survivors "$here/survivors" --warnings "$UML_WARNINGS" "${files[@]}"
