#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: [N=20] [SEED=N] [FILES="drivers/vmbkmcl/ring.c ..."] scripts/mutate.sh
#
# What the KUnit suites do not notice: N small changes to the library's sources, chosen
# by SEED, which is printed. All are built into one User Mode Linux kernel, in
# build/mutate/; each is then switched on in turn, and the cases that execute it run
# until one fails. mutations.py says what is changed, and mutate.py when a change counts
# as found.
#
#   JOBS=N    kernels at a time (1)
#   FROM=N    only the changes of the sample from number N on: the sample is the same,
#             so that FROM=200 and the first 199 of another run are all of it
#   KEEP=1    a change that was found counts as found still, when only the suites are
#             others now
#
# The kernel takes about 4 minutes the first time. A change that is found took 2 seconds
# in half of the cases, and one that survives up to 143. A command that was stopped goes
# on where it was, as long as no source has changed.
# Documentation/mutation.md explains survivors; others end this with an error.

JOBS=${JOBS:-1}
# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

N=${N:-20}
SEED=${SEED:-$(date +%s)}
here=$BUILD/mutate
read -ra files <<<"${FILES:-$(echo drivers/vmbkmcl/*.[ch])}"

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
mapfile -t sources < <(kbuild_sources; echo kunit/.kunitconfig)
mkdir -p "$here/tree"

say "$N changes, seed $SEED"
/usr/bin/python3 -B "$TOP/scripts/mutate.py" --top "$TOP" --source "$source" \
	--tree "$here/tree" --linux "$here/linux" --out "$here/out" --jobs "$JOBS" \
	--seed "$SEED" --number "$N" --first "${FROM:-1}" \
	--explained "$TOP/Documentation/mutation.md" --warnings "$UML_WARNINGS" \
	${KEEP:+--keep} --sources "${sources[@]}" \
	--files "${files[@]}"
