#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: [KERNEL="VERSION ..."] [CASES="NAME ..."] [STEPPED=1|2] [TRACED="FUNCTION ..."]
#	[PLOT=1] scripts/bench.sh
#
# Instructions per packet, hv_vmbus' own calls and the library in one run on
# tools/vmbhost; see Documentation/measurements.md. CASES are beginnings of the
# names of cases in drivers/bench/bench_main.c, such as receive, or "user", what
# programs do in another guest; without it all are run. With STEPPED=1 locked
# operations are counted as well; with STEPPED=2, the library's instructions in each
# function. With TRACED the cases run again with the
# kernel's function_graph tracer; what it says of these functions is at the end of
# build/vm/bench-VERSION.log. A microsecond is 1000 instructions there, of which the
# tracer has about 1500 for each call. The results are in build/bench.json, or in the
# file RESULTS; PLOT=1 draws them into Documentation/measurements/.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

results=${RESULTS:-$BUILD/bench.json}
# The classes of drivers/bench/bench.h, the raw driver's first
class=6b6d636c-6265-6e63-6800-00000000000
words=
kernel_part=
user_part=
# shellcheck disable=SC2086 # several names
for name in ${CASES:-}; do
	case $name in
	user*)	user_part=1 ;;
	*)	kernel_part=1 words+=$name, ;;
	esac
done
[ -n "${CASES:-}" ] || kernel_part=1 user_part=1
# shellcheck disable=SC2086 # several names
traced=$(printf '%s,' ${TRACED:-})
need_packages python3

# Linux with one processor replaces locked instructions by plain ones: noreplace-smp
run()
{
	local log=$BUILD/vm/bench-$1.log

	rm -f "$log"
	check "modules and benchmark for $1 build" \
		env BENCH=1 scripts/build-modules.sh "$1"
	[ "$failed" -eq 0 ] || return 0
	check "guest with $1 ran to its end, kernel log clean" \
		scripts/vm-run.sh --kernel "$1" --host vmbhost --icount \
		--offer "${class}0 sink" --offer "${class}1 sink" \
		--modules "$BUILD/bench/$1" --script scripts/guest/bench.sh \
		--file scripts/guest/lib.sh --timeout 1000 --log "$log" \
		--append "cases=${words%,} stepped=${STEPPED:-0} traced=${traced%,} noreplace-smp"
	[ ! -e "$log" ] || count_guest "$log"
	logs+=("$log")
}

# A program's messages, in a guest of its own
user()
{
	local log=$BUILD/vm/bench-user-$1.log

	if [ "$1" = 6.1 ]; then
		skip "programs: uio_hv_generic of Linux 6.1 needs a monitor page"
		return
	fi
	rm -f "$log"
	check "modules for $1 build" scripts/build-modules.sh "$1"
	[ "$failed" -eq 0 ] || return 0
	check "guest with $1 ran programs to the end, kernel log clean" \
		scripts/vm-run.sh --kernel "$1" --host vmbhost --icount \
		--offer "${class}0 echo" --offer "${class}1 echo" \
		--modules "$BUILD/modules/$1" --stock configfs --stock uio \
		--stock uio_hv_generic --program "$BUILD/bench-user/kmcl_echo_bench" \
		--script scripts/guest/bench-user.sh --file scripts/guest/lib.sh \
		--timeout 500 --log "$log"
	[ ! -e "$log" ] || count_guest "$log"
	logs+=("$log")
}

build_user()
{
	local linux packages

	# One a line
	mapfile -t packages <tools/bench/packages
	need_packages gcc libc6-dev make "${packages[@]}"
	linux=$(scripts/fetch-source.sh)
	make --no-print-directory -C tools/bench O="$BUILD/bench-user" LINUX="$linux"
}

logs=()
[ -z "$user_part" ] || check "the program builds" build_user
# shellcheck disable=SC2086 # several names
find_kernels $KERNEL
for kernel in "${kernels[@]}"; do
	[ -z "$kernel_part" ] || run "$kernel"
	[ -z "$user_part" ] || user "$kernel"
done
if [ "$failed" -eq 0 ]; then
	check "results in ${results#"$TOP/"}" \
		/usr/bin/python3 scripts/bench.py collect "$results" "${logs[@]}"
	/usr/bin/python3 scripts/bench.py table "$results"
fi
if [ "$failed" -eq 0 ] && [ "${PLOT:-0}" != 0 ]; then
	need_packages python3-matplotlib
	check "plots in Documentation/measurements" \
		/usr/bin/python3 scripts/bench.py plot "$results" Documentation/measurements
fi
tally
