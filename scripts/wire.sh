#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: [KERNEL=VERSION] [ONLY=FUNCTION] [SEED=N] scripts/wire.sh WHAT
#
# The stock hv_vmbus and tools/vmbhost, where the host does what it likes. WHAT:
#   scenarios  scripts/guest/wire, with two processors and VMBus 5.3, and with one
#              and 4.0, both at the same time. ONLY runs one of them.
#   garble     COUNT (1,000,000) packets from a host that lies
#   soak       the device comes and goes under traffic, CYCLES (1,000) times or
#              for MINUTES
# RUNS, "PROCESSORS:PROTOCOL ...", chooses other guests. What is random comes from
# SEED, which is printed.

# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

what=${1:-scenarios}
SEED=${SEED:-$(date +%s)}
case $what in
scenarios)
	script=wire
	runs=${RUNS:-2:5.3 1:4.0}
	words=${ONLY:+only=$ONLY}
	limit=600 ;;
garble)
	script=garble
	runs=${RUNS:-2:5.3}
	words="seed=$SEED count=${COUNT:-1000000} ${ONLY:+only=$ONLY}"
	limit=600 ;;
soak)
	script=soak
	runs=${RUNS:-2:5.3}
	words="seed=$SEED cycles=${CYCLES:-1000} minutes=${MINUTES:-0}"
	limit=$((600 + ${MINUTES:-0} * 60)) ;;
*)
	die "no $what: choose scenarios, garble or soak" ;;
esac
declare -A jobs

log_of()
{
	printf '%s\n' "$BUILD/vm/$what-$KERNEL-${1/:/-}.log"
}

run()
{
	local file files=()

	for file in scripts/guest/lib.sh scripts/guest/wire/*.sh; do
		files+=(--file "$file")
	done
	scripts/vm-run.sh --kernel "$KERNEL" --host vmbhost --cpus "${1%:*}" \
		--protocol "${1#*:}" --modules "$BUILD/modules/$KERNEL" \
		--script "scripts/guest/wire/$script.sh" "${files[@]}" \
		--append "$words" --seed "$SEED" --timeout "${LIMIT:-$limit}" \
		--log "$(log_of "$1")" >"$(log_of "$1").out" 2>&1
}

mkdir -p "$BUILD/vm"
check "modules for $KERNEL build" scripts/build-modules.sh "$KERNEL"
if [ "$failed" -eq 0 ]; then
	say "Linux $KERNEL, $what, seed $SEED"
	for guest in $runs; do
		rm -f "$(log_of "$guest")"
		run "$guest" &
		jobs[$guest]=$!
	done
	for guest in $runs; do
		name="$KERNEL, ${guest%:*} processors, VMBus ${guest#*:}"
		status=0
		wait "${jobs[$guest]}" || status=$?
		say "$name"
		cat "$(log_of "$guest").out"
		[ ! -e "$(log_of "$guest")" ] || count_guest "$(log_of "$guest")"
		check "$name: the guest ran to its end, kernel log clean" \
			[ "$status" -eq 0 ]
	done
fi
tally
