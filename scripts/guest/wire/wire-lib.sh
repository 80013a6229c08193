# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For the scenarios that run in a guest of tools/vmbhost (busybox' sh). Each has
# its own offers and channels, named by a letter; what it expects is asked of
# both ends, the channel's counters and the host's.
#
# A scenario is one test: it is "ok" if all that it expected came true, and if,
# at its end, for every channel that it used
#   - accepted == completed + queued + in flight, and nothing is lost in between,
#   - no callback came in a wrong order or context,
#   - the host saw each packet once, in order and intact, and all that were sent
#     but those that it had not read when the ring was closed,
#   - closing the channel completes what is left.

# shellcheck disable=SC2154,SC2034 # note() sets c_* and h_*; eval uses the rest

# shellcheck source=scripts/guest/lib.sh
. /lib.sh

TRAFFIC=/sys/kernel/debug/kmcl_traffic
KMEMLEAK=/sys/kernel/debug/kmemleak
KCSAN=/sys/kernel/debug/kcsan
WIRE_CLASS=6b6d636c-7472-4166-8669-630000000000

# The scenario's channels, and those that live through many of them
channels=
bad=0
# Offers are counted by the host; every one of ours is one more.
offers=0
# Those that an earlier round of a scenario has made: what number N was is $words_N
added=0
only=${only:-}
# How often each scenario is done, or for how long
rounds=${rounds:-1}
seconds=${seconds:-}

# random N: a number below N in $random, by the minimal standard generator
seed=${seed:-1}
random_state=$((seed % 2147483646 + 1))
random()
{
	random_state=$((random_state * 16807 % 2147483647))
	random=$((random_state / 7 % $1))
}

host()
{
	vmbhostctl "$*"
}

# host_total NAME: what it has counted of all channels together
host_total()
{
	host stats | sed -n "s/^$1 //p"
}

instance()
{
	printf '6b6d636c-0000-4000-8000-%012x' "$1"
}

# number CHANNEL: the number of its offer, in $number; "" if it has none
number()
{
	eval "number=\${offer_$1:-}"
}

# note CHANNEL: its counters as variables c_NAME, the host's as h_NAME.
note()
{
	local name value

	while read -r name value; do
		eval "c_$name=\$value"
	done <"$TRAFFIC/$1/counters"
	host_note "$1"
}

# host_note CHANNEL: the host's alone, which it has when the channel is no more
host_note()
{
	local name number value

	number "$1"
	host stats "$number" >/tmp/stats
	while read -r name value; do
		eval "h_$name=\$value"
	done </tmp/stats
}

# expect WHAT COMMAND...: part of a scenario
expect()
{
	local what=$1

	shift
	"$@" && return 0
	printf '|           not so: %s (%s)\n' "$what" "$*"
	bad=1
}

# counts CHANNEL NAME OPERATOR NUMBER, read anew each time
counts()
{
	local name value

	while read -r name value; do
		[ "$name" = "$2" ] || continue
		test "$value" "$3" "$4"
		return
	done <"$TRAFFIC/$1/counters"
	return 1
}

# host_counts CHANNEL NAME OPERATOR NUMBER
host_counts()
{
	host_note "$1"
	eval "test \"\$h_$2\" $3 $4"
}

# host_state CHANNEL STATE: absent, offered, opening, open or rescinded
host_state()
{
	local number

	number "$1"
	[ "$(host state "$number")" = "ok $2" ]
}

state()
{
	local state

	read -r state <"$TRAFFIC/$1/state"
	[ "$state" = "$2" ]
}

blocked()
{
	grep -q "^blocked.* $2\\b" "$TRAFFIC/$1/counters"
}

# ctl CHANNEL WORDS
ctl()
{
	local channel=$1

	shift
	echo "$*" >"$TRAFFIC/$channel/control"
}

# traffic WORDS: open or close a channel
traffic()
{
	echo "$*" >$TRAFFIC/control
}

# Whether the last command in the background still runs
waits()
{
	kill -0 $! 2>/dev/null
}

refused()
{
	! "$@" 2>/dev/null
}

# offer CHANNEL BEHAVIOUR: a new offer, and its number. Where an earlier round of the
# scenario has made this one, it is offered again, and counts anew.
offer()
{
	local number=$offers words

	offers=$((offers + 1))
	eval "offer_$1=$number"
	if [ "$number" -lt "$added" ]; then
		eval "words=\$words_$number"
		expect "offer $number is as before" [ "$words" = "$WIRE_CLASS $2" ]
		expect "the guest has released it" within 10 host_state "$1" absent
		host reset "$number" >/dev/null
		# Without what is no behaviour
		host behave "$number" "${2##*monitor }" >/dev/null
		host unstall "$number" >/dev/null
		expect "it is offered again" [ "$(host offer "$number")" = ok ]
		return
	fi
	eval "words_$number=\"$WIRE_CLASS \$2\""
	expect "offer $number is added" \
		[ "$(host add "$WIRE_CLASS" "$(instance "$number")" "$2")" = "ok $number" ]
}

# channel CHANNEL BEHAVIOUR [OPTION]...: an offer and a channel on it, Active
channel()
{
	offered "$@"
	expect "enable" ctl "$1" enable
	expect "the channel opens" within 10 state "$1" Active
}

# offered CHANNEL BEHAVIOUR [OPTION]...: the same, and the channel is Disabled
offered()
{
	local name=$1 behaviour=$2

	shift 2
	offer "$name" "$behaviour"
	client "$name" "$(instance $((offers - 1)))" "$@"
}

# in_flight CHANNEL COUNT BYTES: requests that the host has not completed
in_flight()
{
	expect "send $2" ctl "$1" send "$2" "$3" completion
	expect "$2 are in flight" within 5 counts "$1" in_flight -eq "$2"
}

# client CHANNEL [INSTANCE] [OPTION]...: a channel, disabled
client()
{
	local name=$1

	shift
	channels="$channels $name"
	expect "open" traffic open "$name" "$WIRE_CLASS" "$@"
}

# at CHANNEL COMMAND [WORD]...: a command of the host's that begins with the number
at()
{
	local channel=$1 command=$2 number

	shift 2
	number "$channel"
	host "$command" "$number" "$@" >/dev/null
}

# The bus' name of the device behind a channel
device_of()
{
	local id number

	number "$1"
	id=$(instance "$number")
	# A device that is just going has files that cannot be read
	basename "$(dirname "$(grep -ls "$id" /sys/bus/vmbus/devices/*/device_id)")"
}

# bound CHANNEL WORD: write to the driver's bind or unbind
bound()
{
	device_of "$1" >"/sys/bus/vmbus/drivers/vmbkmcl-$WIRE_CLASS/$2"
}

# The host takes the channel's device away, or offers it again
rescind()
{
	expect "the host rescinds" at "$1" rescind
}

reoffer()
{
	expect "the host offers" at "$1" offer
}

closed()
{
	expect "the channel is Disabled" within 10 state "$1" Disabled
}

# again CHANNEL: enable, and everything that was queued arrives
again()
{
	expect "enable again" ctl "$1" enable
	expect "the channel opens again" within 10 state "$1" Active
	drained "$1"
}

# drained CHANNEL: nothing waits any more, and the host has read it all
drained()
{
	expect "$1: the queue is empty, and the host has everything" \
		within 10 host_has_all "$1"
}

# What it has not read: those that it knows to have left in the ring when it
# closed it, or, where the guest wrote on after that, the gaps in the numbers.
host_has_all()
{
	note "$1"
	[ $((c_queued + c_in_flight)) -eq 0 ] &&
		{ [ $((h_rx_packets + h_rx_left)) -eq "$c_sent" ] ||
			[ $((h_rx_packets + h_rx_missing)) -eq "$c_sent" ]; }
}

# What has to hold at any time when no call is in progress
consistent()
{
	local name

	note "$1"
	expect "$1: accepted = completed + queued + in flight" \
		[ "$c_accepted" -eq $((c_completed + c_queued + c_in_flight)) ]
	[ "$allowed" != "${allowed#* syncs }" ] ||
		expect "$1: each accepted packet completes once" [ "$c_accepted" -eq \
			$((c_done_ok + c_done_cancelled + c_done_removed + c_done_other + c_open_sends)) ]
	for name in bad_context bad_order open_at_closed block_timeouts done_other \
		done_bad done_order replies_bad order_errors range_errors malformed \
		checksum_errors bad_packets comps_stale broken; do
		[ "$allowed" != "${allowed#* "$name" }" ] ||
			eval "expect '$1: $name = 0' [ \"\$c_$name\" -eq 0 ]"
	done
	host_consistent "$1"
}

# The host's half of it, as it was noted last; also for a channel whose client is
# gone
host_consistent()
{
	local name

	for name in rx_order_errors rx_duplicates rx_checksum_errors \
		rx_length_errors rx_pattern_errors rx_foreign gpa_foreign \
		gpa_checksum_errors gpadls_left signals_wrong \
		completions_unknown protocol_errors; do
		[ "$allowed" != "${allowed#* "$name" }" ] ||
			eval "expect '$1: host: $name = 0' [ \"\$h_$name\" -eq 0 ]"
	done
	[ "$allowed" != "${allowed#* rx_missing }" ] ||
		expect "$1: host: what is missing was left in the ring" \
			[ "$h_rx_missing" -le "$h_rx_left" ]
}

# left CHANNEL: its client is gone, and the host takes the offer back
left()
{
	at "$1" rescind 2>/dev/null
	expect "the guest has released $1" within 5 host_state "$1" absent
	host_note "$1"
	host_consistent "$1"
	expect "$1: the host has no GPADL" [ "$h_gpadls_live" -eq 0 ]
}

# allow COUNTER...: these may be other than 0 in this scenario; "syncs": it makes
# synchronous requests, or sends user space, without a completion routine
allow()
{
	allowed=" $* "
}

gone()
{
	[ ! -e "$TRAFFIC/$1" ]
}

# The end of a channel: its last packets are completed, its offer is gone
finish()
{
	expect "$1: close" traffic close "$1"
	expect "$1: gone" gone "$1"
	at "$1" rescind 2>/dev/null
	eval "offer_$1="
}

# Whether $only names no scenarios, with commas, or this one among others. Of two guests
# with share=0 and share=1 one runs it, as the seed decides, except for those about
# closing, and those that belong together, which run in both.
chosen()
{
	case ,${only:-$1}, in
	*",$1,"*)	;;
	*)		return 1 ;;
	esac
	[ -n "${share:-}" ] || return 0
	case $1:,$both, in
	*_begin:* | *_end:* | *",$1,"*)	return 0 ;;
	esac
	[ $(((${#1} + seed + share) % 2)) -eq 0 ]
}

# unshared COMMAND...: scenarios that only one of those guests can run
unshared()
{
	local share=

	"$@"
}

# left_to_do NAME FUNCTION: whether no earlier boot has done it, see vm-run.sh. What begins
# is done when its end is.
left_to_do()
{
	[ -e /done ] || return 0
	case $2 in
	*_begin)	! grep -q "^${2%begin}end " /done ;;
	*)		! grep -qxF "$2 $1" /done ;;
	esac
}

# skipped NAME FUNCTION: instead of a scenario
skipped()
{
	chosen "$2" && left_to_do "$@" || return 0
	checks=$((checks + 1))
	printf '|   skipped %s\n| done %s\n' "$1" "$2 $1"
}

# another_round: of the scenario that began at $began, after $turn of them
another_round()
{
	if [ -n "$seconds" ]; then
		now
		[ $((now - began)) -lt "$seconds" ]
	else
		[ "$turn" -lt "$rounds" ]
	fi
}

# scenario NAME FUNCTION: one test, if it is chosen
scenario()
{
	local now began title=$1 turn=0 first=$offers

	chosen "$2" && left_to_do "$@" || return 0
	checks=$((checks + 1))
	bad=0
	now
	began=$now
	while another_round && [ "$bad" -eq 0 ]; do
		turn=$((turn + 1))
		offers=$first
		one_round "$2"
		[ "$offers" -lt "$added" ] || added=$offers
		[ $((turn % 100)) -ne 0 ] || echo "$2: $turn times" | show
	done
	offers=$added
	[ "$turn" -eq 1 ] || title="$1, $turn times"
	if [ "$bad" -eq 0 ]; then
		now
		printf '|   ok      %s (%d s)\n' "$title" $((now - began))
	else
		printf '|   FAILED  %s (%s)\n' "$title" "$2"
	fi
	printf '| done %s\n' "$2 $1"
}

# one_round FUNCTION: of a scenario
one_round()
{
	local name

	channels='' allowed=''
	"$1"
	for name in $channels; do
		consistent "$name"
	done
	if [ "$bad" -ne 0 ]; then
		# Not of dozens of them
		for name in $(echo "$channels" | cut -d ' ' -f 1-4); do
			note "$name"
			echo "$name: $(cat "$TRAFFIC/$name/state")"
			tr '\n' ',' <"$TRAFFIC/$name/counters"
			echo
			tr '\n' ',' </tmp/stats
			echo
		done | show
	fi
	for name in $channels; do
		finish "$name"
	done
}

wire_load()
{
	[ ! -e /modules/hv_vmbus.ko ] || loaded hv_vmbus || insmod /modules/hv_vmbus.ko
	loaded vmbkmcl || insmod /modules/vmbkmcl.ko || return
	insmod /modules/vmbkmcl_hv.ko && insmod /modules/kmcl_traffic.ko
}

# The guest is the one that scripts/wire.sh meant: words of the kernel's command
# line
as_asked()
{
	check "$cpus processors" [ "$(grep -c ^processor /proc/cpuinfo)" -eq "$cpus" ]
	check "VMBus $protocol is spoken" \
		[ "$(host_total version)" = "$protocol" ]
}

# left_at_close CHANNEL NUMBER: the closes that the host saw left it so many GPADLs,
# of those that the library deletes; with a VMBus before 4.0 none: they go first
left_at_close()
{
	local left=$2

	case $protocol in
	[0-3].*)	left=0 ;;
	esac
	expect "$1: $left GPADLs were there at the close" \
		host_counts "$1" gpadls_at_close -eq "$left"
}

# Unload everything. A kernel with kmemleak must not miss any of its memory: it
# reports what it has not found twice, and is older than 5 seconds. Where it
# should be there (the word checkers=1) it has to be, and at work.
wire_unload()
{
	check "rmmod kmcl_traffic" rmmod kmcl_traffic
	check "rmmod vmbkmcl_hv" rmmod vmbkmcl_hv
	check "rmmod vmbkmcl" rmmod vmbkmcl
	check "closing completed every packet" none_lost
	[ "${races:-0}" -eq 0 ] || check "KCSAN has watched" watched
	[ "${checkers:-0}" -eq 0 ] || check "kmemleak is there" [ -e "$KMEMLEAK" ]
	[ -e "$KMEMLEAK" ] || return 0
	check "kmemleak looks" scan
	sleep 6
	check "kmemleak looks again" scan
	check "kmemleak has found nothing" no_leak
}

# A detector that is off finds nothing
watched()
{
	local name value

	show <"$KCSAN"
	while read -r name value; do
		[ "$name" != enabled: ] || [ "$value" -eq 1 ] || return
		[ "$name" != setup_watchpoints: ] || [ "$value" -gt 10000 ] || return
	done <"$KCSAN"
}

# Refused where it has switched itself off
scan()
{
	echo scan >"$KMEMLEAK"
}

# The client says so when a channel ends before its packets
none_lost()
{
	! dmesg | grep -e 'never completed' -e 'kmcl_traffic: .* at its end'
}

no_leak()
{
	cat $KMEMLEAK
	[ -z "$(head -c 1 $KMEMLEAK)" ]
}
