#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: [KERNEL="VERSION ..."] [ONLY=NAME,...] [SEED=N] scripts/wire.sh WHAT
#
# Tests the stock hv_vmbus on tools/vmbhost, a host that the tests control. WHAT:
#   scenarios  scripts/guest/wire, with two processors and VMBus 5.3, and with one
#              and 4.0; for Linux 6.12 the other way round. Those two guests share
#              the scenarios, as the seed decides, and both run those about closing.
#              On 6.1 the first one runs all of them, and the others, and those
#              with 3.0, which 6.1 and 6.12 speak, the ones about closing.
#              ONLY=NAME,NAME runs some of them, and RUNS all.
#   garble     COUNT (1,000,000) packets from a hostile host
#   soak       the device is rescinded and offered under traffic, CYCLES (1,000)
#              times or for MINUTES; ROW=N: the long form of a row of the table of
#              faults instead, with COUNT of what is counted there, see rows.sh
# HIBERNATIONS is how often guests hibernate under traffic without an image (1), and
# IMAGES how often with one and the machine off meanwhile: if it is not given, once for
# Linux 6.12 on two processors, and nowhere else.
# RUNS, "PROCESSORS:PROTOCOL ...", chooses other guests. There is one for each
# kernel and run, JOBS of them (as many as there are processors) at the same time.
# SEED, which is printed, determines the random numbers.

asked=${KERNEL:-}
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=scripts/kernels.sh
. "$TOP/scripts/kernels.sh"

# shellcheck source=scripts/rows.sh
. "$TOP/scripts/rows.sh"

what=${1:-scenarios}
SEED=${SEED:-$(date +%s)}
case $what${ROW:+:row} in
soak:row)
	row "$ROW" || die "no row $ROW, see Documentation/faults.rst"
	KERNEL=${asked:-$kernel}
	runs=${RUNS:-2:5.3}
	words="seed=$SEED $words"
	say "row $ROW of the table of faults: $words"
	limit=86400 ;;
scenarios)
	script=wire
	runs=${RUNS:-}
	words="seed=$SEED ${ONLY:+only=$ONLY} ${HIBERNATIONS:+hibernations=$HIBERNATIONS}"
	limit=$((2400 + ${HIBERNATIONS:-0} * 20 + ${IMAGES:-0} * 60)) ;;
garble)
	script=garble
	runs=${RUNS:-2:5.3}
	words="seed=$SEED count=${COUNT:-1000000} ${ONLY:+only=$ONLY}"
	limit=2400 ;;
soak)
	script=wire
	runs=${RUNS:-2:5.3}
	words="seed=$SEED cycles=${CYCLES:-1000} minutes=${MINUTES:-0} only=soak"
	limit=$((2400 + ${MINUTES:-0} * 60)) ;;
*)
	die "no $what: choose scenarios, garble or soak" ;;
esac
declare -A jobs

# Before 4.0 GPADLs are deleted before the channel is closed: every way to close
closing=gpadls,gpadls_at_disable,gpadl_and_opened_refuses,gpadl_left_at_unbind
closing+=,gpadl_create_and_rescind,gpadl_delete_and_rescind
closing+=,gpadl_deleted_in_closed,gpadl_left_at_rescind
closing+=,open_refused,opened_refuses,disable_while_opening
closing+=,disable_inside_opened,disable_inside_started,disable_inside_post_started
closing+=,disable_inside_closed,disable_inside_rescind,rescind_inside_disable
closing+=,paused_disable,rescind_in_flight,rescind_while_disabling
closing+=,unbind_under_traffic,unbind_then_rescind,unload_transport

# usual KERNEL: each has one and two processors, and the oldest and the newest
# protocol; all of them together have every pair. The hv_vmbus of 6.1 and 6.12 also
# speaks 3.0, that of 7.3 does not. The oldest kernel does all of it once: what differs
# there is the kernel's
usual()
{
	case $1 in
	6.1)	echo 2:5.3 1:4.0 2:3.0 ;;
	6.12)	echo 2:4.0 1:5.3 1:3.0 ;;
	*)	echo 2:5.3 1:4.0 ;;
	esac
}

# A guest is named KERNEL:PROCESSORS:PROTOCOL.
log_of()
{
	printf '%s\n' "$BUILD/vm/$what-${1//:/-}.log"
}

run()
{
	local file files=() kernel cpus protocol given
	local some=$words tools_cpus=1

	IFS=: read -r kernel cpus protocol <<<"$1"
	case $what:${RUNS:-}${ONLY:-}:$kernel:$protocol in
	scenarios::*:3.* | scenarios::6.1:4.0)
		some="seed=$SEED only=$closing" ;;
	esac
	# The properties that the guest checks. (The kernel itself uses the words
	# debug and kmemleak.)
	given="$some cpus=$cpus protocol=$protocol"
	case $kernel in
	debug)	given+=" slow=1 checkers=1" ;;
	kcsan)	given+=" slow=1 races=1" ;;
	esac
	# One of the guests with two processors keeps one of them free of all that can
	# run elsewhere
	[ "$kernel:$cpus" != 6.12:2 ] ||
		given+=" isolated=1 isolcpus=managed_irq,domain,1 nohz_full=1"
	# One with one processor has a kernel that copies what devices access by DMA
	[ "$kernel:$cpus:${protocol%.*}" != 6.12:1:5 ] || given+=" bounce=1 swiotlb=force"
	# What runs with one processor on one kernel runs with two on the next
	case $what:${RUNS:-}${ONLY:-}:$kernel:$protocol in
	scenarios::6.1:* | *:3.*)	;;
	scenarios::6.12:*)		given+=" share=$((cpus - 1)) both=$closing" ;;
	scenarios::*)			given+=" share=$((2 - cpus)) both=$closing" ;;
	esac
	# Once for each kernel, in the guest that has less to do
	[ "$kernel" != 6.1 ] || tools_cpus=2
	if [ "$cpus" -eq $tools_cpus ] || [ -n "${RUNS:-}" ]; then
		given+=" tools=1"
	fi
	# Once
	if [ "$kernel:$cpus" = 6.12:2 ] || [ -n "${RUNS:-}" ]; then
		given+=" faults=1"
	fi
	for file in scripts/guest/lib.sh scripts/guest/wire/*.sh \
		Documentation/{devices,heartbeat,troubleshooting,uring,userspace}.rst \
		tools/kmclctl/kmclctl.8 tools/fcopyd/kmcl-fcopyd.8 \
		tools/examples/heartbeat.py "$BUILD/programs/python/python.zip"; do
		files+=(--file "$file")
	done
	while read -r file; do
		files+=(--program "$file")
	done < <(find "$BUILD/programs" -type f -executable)
	files+=(--program "$(command -v jq)")
	[ "$what" != scenarios ] || files+=(--resume --file "$BUILD/outside/$kernel/vault.ko")
	case $what:$kernel:$cpus:${IMAGES:-} in
	scenarios:6.12:2: | scenarios:*:*:[1-9]*)
		given+=" images=${IMAGES:-1} hibernate=nocompress"
		for file in libnvdimm nfit nd_btt nd_pmem; do
			files+=(--stock "$file")
		done
		files+=(--disk 256) ;;
	esac
	scripts/vm-run.sh --kernel "$kernel" --host vmbhost --cpus "$cpus" \
		--memory "$([ "$kernel" = debug ] && echo 1024 || echo 512)" \
		--protocol "$protocol" --modules "$BUILD/modules/$kernel" \
		--script "scripts/guest/wire/$script.sh" "${files[@]}" \
		--stock hv_utils --stock uio --stock uio_hv_generic --stock configfs \
		--append "$given" --seed "$SEED" --timeout "${LIMIT:-$limit}" \
		--log "$(log_of "$1")" >"$(log_of "$1").out" 2>&1
}

start()
{
	rm -f "$(log_of "$1")"
	run "$1" &
	jobs[$1]=$!
	[ "$what" = soak ] || return 0
	tail -n +1 -F -s 1 --pid="${jobs[$1]}" "$(log_of "$1")" 2>/dev/null |
		sed -un "s/\r//g; s/^|  *\([0-9]* cycles, .* errors\)$/$1: \1/p" &
}

finish()
{
	local status=0 name

	wait "${jobs[$1]}" || status=$?
	name=$(printf 'Linux %s, %s processors, VMBus %s' "${1%%:*}" \
		"$(cut -d : -f 2 <<<"$1")" "${1##*:}")
	say "$name"
	cat "$(log_of "$1").out"
	[ ! -e "$(log_of "$1")" ] || count_guest "$(log_of "$1")"
	check "$name: the guest ran to its end, kernel log clean" \
		[ "$status" -eq 0 ]
}

mkdir -p "$BUILD/vm"
guests=()
# shellcheck disable=SC2086 # several names
find_kernels $KERNEL
for kernel in "${kernels[@]}"; do
	check "modules for $kernel build" scripts/build-modules.sh "$kernel"
	[ "$what" != scenarios ] ||
		check "clients outside the tree build for $kernel" \
			scripts/outside.sh "$kernel"
	for guest in ${runs:-$(usual "$kernel")}; do
		guests+=("$kernel:$guest")
	done
done
mkdir -p "$BUILD/programs"
check "programs for the guests build" scripts/programs.sh
if [ "$failed" -eq 0 ]; then
	say "$what, seed $SEED"
	for i in "${!guests[@]}"; do
		[ "$i" -lt "$JOBS" ] || finish "${guests[i - JOBS]}"
		start "${guests[i]}"
	done
	for ((i = ${#guests[@]} > JOBS ? ${#guests[@]} - JOBS : 0; i < ${#guests[@]}; i++)); do
		finish "${guests[i]}"
	done
fi
tally
