#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# usage: scripts/model.sh [NAME]...
#
# SPIN goes through all that a channel can do, see tools/model/model.pml and
# Documentation/testing.rst; the table is state.c's. Each search has a part of what
# there is, since one for all of it would take hours. Then SPIN has to find faults that
# are planted in copies of the model or of state.c. NAME: only these searches, or
# "planted".

# shellcheck source=scripts/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

WORK=$BUILD/model
MODEL=$TOP/tools/model

# What there is in each search: see model.pml
declare -A searches=(
	[packets]='OFFERS=1 PACKETS=3 HELD=1 SLEEP=1 STEPS=1 PAUSES=1 FREES=1 TROUBLE=1'
	[old-peer]='OFFERS=1 PACKETS=1 OLD=1 SLEEP=1 STEPS=1 PAUSES=1 FREES=1 TROUBLE=1'
	[suspend]='OFFERS=1 PACKETS=1 MACHINES=1 SLEEP=1 STEPS=1 PAUSES=1 FREES=1 TROUBLE=1'
	[suspend-old]='OFFERS=1 MACHINES=1 OLD=1 SLEEP=1 PAUSES=1 FREES=1 TROUBLE=1'
	[hibernate]='OFFERS=1 MACHINES=1 HIBERNATES=1 SLEEP=1 FREES=1 TROUBLE=1'
	[offers]='OFFERS=2 FREES=1 TROUBLE=1'
	[clients]='CLIENTS=2 OFFERS=1'
	[planted]='OFFERS=1 PACKETS=2 SLEEP=1 STEPS=1 PAUSES=1 FREES=1 TROUBLE=1'
	[planted-image]='OFFERS=1 MACHINES=1 HIBERNATES=1 SLEEP=1'
)

# prepare DIRECTORY: copies of the sources, to be changed
prepare()
{
	rm -rf "$1"
	mkdir -p "$1"
	cp "$MODEL/model.pml" drivers/vmbkmcl/state.c "$1"
}

# search DIRECTORY OPTIMISE SETTING...: what was found is left there
search()
{
	local dir=$1 optimise=$2 setting
	local defines=()

	shift 2
	for setting in CLIENTS=1 PACKETS=0 HELD=0 MACHINES=0 HIBERNATES=0 OLD=0 SLEEP=0 STEPS=0 \
		PAUSES=0 FREES=0 TROUBLE=0 "$@"; do
		defines+=("-U${setting%%=*}" "-D$setting")
	done
	(
		cd "$dir" &&
			gcc -std=gnu11 -Wall -Wextra -Werror -O2 -I"$MODEL/include" \
				-I"$TOP/drivers/vmbkmcl" -o table "$MODEL/table.c" \
				state.c &&
			./table >table.pml &&
			gcc -E -P -x c "${defines[@]}" -o all.pml model.pml &&
			spin -a all.pml &&
			gcc "$optimise" -w -DSAFETY -DVECTORSZ=1024 -DMEMLIM=4096 \
				-o pan pan.c &&
			./pan -m3000000 -w24 >found
	) >"$dir/log" 2>&1 || true
}

# The search was complete, and has found nothing.
complete()
{
	local dir=$WORK/$1

	if grep -q 'errors: 0$' "$dir/found" 2>/dev/null &&
		! grep -qE 'not completed|too small|error:|out of memory' \
			"$dir/found" "$dir/log"; then
		awk '/states, stored/ { n = $1 } /elapsed time/ { t = $4 }
			END { print "        " n " states, " t " s" }' "$dir/found"
		return 0
	fi
	tail -n 20 "$dir/log"
	grep -aE '^pan|errors:|error:' "$dir/found"
	[ ! -e "$dir/all.pml.trail" ] ||
		(cd "$dir" && spin -t -p -g all.pml | cut -c 1-150 | tail -n 120)
	return 1
}

# Each row of the table was used in one of these searches. SPIN lists what it has not
# reached, a row twice, since the model looks for it in two places.
rows()
{
	local name

	for name; do
		awk 'FNR == NR { if (/^ *:: from == /) row[FNR] = $0; next }
			match($0, /all.pml:[0-9]+, state [0-9]+, "row = /) {
				split(substr($0, RSTART + 8), part, ",")
				seen[part[1]]++
			}
			END { for (line in row) if (seen[line] < 2) print row[line] }' \
			"$WORK/$name/all.pml" "$WORK/$name/found"
	done | sort -u >"$WORK/used"
	! grep -E '^ *:: from == ' "$WORK/$1/all.pml" | sort -u | comm -23 - "$WORK/used" |
		grep .
}

# Faults: the name, what SPIN says, the file, the change, and the search if it is not
# "planted"
faults=(
	'lost wake-up: the work item is queued, and takes that back when it ends|violated handled|model.pml|s/ch\[c\].pending -> ch\[c\].pending = 0; ch\[c\].running = 1/ch[c].pending -> ch[c].running = 1/; s/-> ch\[c\].running = 0; break/-> ch[c].running = 0; ch[c].pending = 0; break/'
	'lost wake-up: who waits is not woken up|end state|model.pml|/^inline wake/,/^}/s/ch\[c\].asleep\[DRIVER\] = 0;/skip;/'
	'lost input: disable does not queue the work item|violated handled|model.pml|/^inline disable/,/^}/s/atomic { kick(c) }/skip/'
	'lost input: a pause is not looked at|violated .*state|state.c|s/return in->run ? KMCL_EV_NONE : KMCL_EV_PAUSE;/return KMCL_EV_NONE;/'
	'deadlock: the work item waits for itself|violated handled|model.pml|s/!ch\[c\].sync$/!ch[c].running/'
	'Closed is called twice|violated|state.c|s/S(WAIT_DONE), S(CB_CLOSED), S(GPADL_END)/S(CB_CLOSED), S(CB_CLOSED), S(GPADL_END)/'
	'Closed is not called|violated|state.c|s/ROW(CLOSED, DONE_DEAD, DISABLED, S(WAIT_DONE), S(CB_CLOSED),/ROW(CLOSED, DONE_DEAD, DISABLED, S(WAIT_DONE),/'
	'a packet ends twice: who completes it has looked before|violated|model.pml|/peer completes one/,/ended(c, ch\[c\].pkt1)/{s/:: atomic {/::/;s/pkt1) }/pkt1)/;s/pkt0) }/pkt0)/}'
	'a packet does not end: not cancelled when disabled|violated|state.c|/ROW(ACTIVE, DISABLE, CLOSED/{n;s/, S(CANCEL)//}'
	'open while the image is written: a device that is resumed|violated .*image|model.pml|s/:: !hibernating -> resume(o, c)/:: resume(o, c)/|planted-image'
	'open while the image is written: a device that is new|violated .*image|model.pml|s/suspended = hibernating;/suspended = 0;/|planted-image'
)

# plant NUMBER: search with that fault
plant()
{
	local dir=$WORK/fault-$1 name said file change from settings

	IFS='|' read -r name said file change from <<<"${faults[$1]}"
	prepare "$dir"
	sed -i "$change" "$dir/$file"
	read -r -a settings <<<"${searches[${from:-planted}]}"
	search "$dir" -O0 "${settings[@]}"
}

# found NUMBER: SPIN has found it
found()
{
	local dir=$WORK/fault-$1 name said file change from

	IFS='|' read -r name said file change from <<<"${faults[$1]}"
	grep -qE "^pan:1: .*$said" "$dir/found" && return
	tail -n 5 "$dir/log" "$dir/found"
	return 1
}

need_packages spin gcc libc6-dev
mkdir -p "$WORK"
names=("$@")
[ $# -gt 0 ] || names=(clients suspend packets offers old-peer suspend-old hibernate planted)
for name in "${names[@]}"; do
	[ -n "${searches[$name]:-}" ] || die "there is no search for $name"
	if [ "$name" = planted ]; then
		for fault in "${!faults[@]}"; do
			background plant "$fault"
		done
		continue
	fi
	prepare "$WORK/$name"
	read -r -a settings <<<"${searches[$name]}"
	background search "$WORK/$name" -O2 "${settings[@]}"
done
wait
whole=()
for name in "${names[@]}"; do
	if [ "$name" = planted ]; then
		for fault in "${!faults[@]}"; do
			check "planted: ${faults[$fault]%%|*}" found "$fault"
		done
	else
		check "$name" complete "$name"
		whole+=("$name")
	fi
done
[ $# -gt 0 ] || check 'each row of the table is used' rows "${whole[@]}"
tally
