# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Runs in a guest of tools/vmbhost: a host that lies, see its garble.c. The words
# seed=NUMBER and count=NUMBER of the kernel's command line say from where and
# how long. First only lies that leave the framing intact: each packet is
# accounted for. Then, a tenth as many, all kinds: a channel whose ring makes no
# sense any more is closed and opened again. Meanwhile the client keeps requests
# in flight, and some of the lies are about these.
#
# shellcheck disable=SC2154,SC2034 # note() sets c_* and h_*; scenario() uses allowed

# shellcheck source=scripts/guest/wire/wire-lib.sh
. /wire-lib.sh

seed=${seed:-1}
count=${count:-1000000}

# What the client and the host find wrong with such packets is no fault here. That
# a packet completes twice, or never, would be one.
ALLOWED="malformed checksum_errors order_errors gaps replies_bad comps_stale
	bad_packets rx_missing rx_order_errors rx_duplicates completions_unknown
	signals_wrong rx_foreign rx_length_errors rx_checksum_errors
	rx_pattern_errors done_order"

# What the library says of its channels; there is but one at a time here
LIBRARY=/sys/kernel/debug/vmbkmcl

garbled()
{
	note a
	[ "$h_garbled" -ge "$1" ]
}

# The client has seen about as many. (To ask the host takes ten times as long, and
# time from it)
seen()
{
	local name value sum=0

	while read -r name value; do
		case $name in
		delivered | comps_stale | bad_packets)
			sum=$((sum + value)) ;;
		esac
	done <"$TRAFFIC/a/counters"
	[ "$sum" -ge "$1" ] || ! usleep 200000
}

# lies WINDOW WORDS: the client sends, and the host begins to lie
lies()
{
	expect "the client sends" ctl a run 512 "$1" completion
	expect "some are answered" within 10 counts a done_ok -gt "$1"
	expect "the host lies" at a behave "garble seed=$seed,$2"
}

# (What the host has read while its own indices were wrong is anybody's guess.)
nothing_open()
{
	counts a queued -eq 0 && counts a in_flight -eq 0
}

# Afterwards the channel works as if nothing had been
recovers()
{
	at a behave echo
	state a Disabled || expect "disable" ctl a disable
	expect "enable" ctl a enable
	expect "the channel opens" within 10 state a Active
	expect "what was queued is answered" within 20 nothing_open
	note a
	before=$c_received
	ctl a expect "$c_next_sequence"
	expect "100 packets are sent" ctl a send 100 1000
	expect "and come back intact" within 20 counts a received -eq $((before + 100))
	before=$c_replies
	expect "100 requests are sent" ctl a send 100 1000 completion
	expect "and are answered" within 20 counts a replies -eq $((before + 100))
	expect "with what was in them" counts a replies_bad -eq "$c_replies_bad"
	expect "nothing is in flight" within 5 nothing_open
}

# All that the client has sent was read, and answered rightly in the end
all_answered()
{
	note a
	[ "$h_rx_requests" -eq "$c_sent" ] &&
		[ "$h_tx_completions" -eq "$h_rx_requests" ] &&
		[ "$c_in_flight" -eq 0 ]
}

# What the host has written: lies and right answers
accounted_for()
{
	note a
	[ $((c_delivered + c_comps_stale + c_bad_packets + c_done_ok)) -eq \
		$((h_garbled + h_tx_completions)) ]
}

framed()
{
	# shellcheck disable=SC2086 # words
	allow $ALLOWED
	channel a sink ring=262144 packet=8192
	lies 16 "count=$count,what=fields"
	within $((count / 2000 + 60)) seen "$count"
	within 20 garbled "$count"
	expect "the channel is still Active" state a Active
	expect "the client stops" ctl a run off
	expect "each request is answered" within 20 all_answered
	expect "each packet arrives" within 20 accounted_for
	# After that nothing more can come
	expect "disable" ctl a disable
	expect "each packet is accounted for, once" accounted_for
	expect "the client has read all of them" [ "$h_tx_left" -eq 0 ]
	expect "the host told $count lies" [ "$h_garbled" -eq "$count" ]
	printf 'delivered %d, stale completions %d, bad packets %d of %d lies and %d answers\n' \
		"$c_delivered" "$c_comps_stale" "$c_bad_packets" "$count" \
		"$h_tx_completions" | show
	printf '%d requests: %d were answered by a lie with data\n' \
		"$c_accepted" "$h_garble_answers" | show
	expect "each request was answered once" [ "$c_done_ok" -eq "$c_accepted" ]
	# A right answer has no data, and a lie never those of the request
	expect "data came with the lies that were first, and no others" \
		[ "$c_replies" -eq "$h_garble_answers" ]
	expect "and were wrong" [ "$c_replies_bad" -eq "$c_replies" ]
	expect "there were some of each" [ $((c_delivered > 0 && c_comps_stale > 0 &&
		c_bad_packets > 0 && h_garble_answers > 0)) -eq 1 ]
	recovers
}

# found: what the library has counted of each kind, in $bad_KIND, what is the
# end of a ring in $broken, and all of it in $bad_sum.
found()
{
	local name value

	broken=0 bad_sum=0
	while read -r name value; do
		case $name in
		bad_packets)
			continue ;;
		bad_write_index | bad_short | bad_offset8 | bad_len8)
			broken=$((broken + value)) ;;
		bad_*)	;;
		gpadls)	break ;;
		*)	continue ;;
		esac
		eval "$name=\$value"
		bad_sum=$((bad_sum + value))
	done <"$library"
}

# The channel is opened again whenever the client has found its ring to be of no
# use, which it says at once: it does not matter whether the host is still at it.
# The rings are small, because what the host writes after that is lost. With few
# lies more of them are of the kinds that do it; a million would take too long so.
unframed()
{
	local library='' broken=0 bad_sum=0 rounds=0 idle=0 rare=64 end now

	# shellcheck disable=SC2086 # words
	allow $ALLOWED
	count=$((count / 10))
	channel a sink ring=16384 packet=1024
	library=$(echo "$LIBRARY"/*/counters)
	[ "$count" -le 50000 ] || rare=250
	# More than its ring has room for: it looks where the host has read to
	lies 100 "count=$count,what=all,rare=$rare"
	now
	end=$((now + 300))
	while [ "$now" -lt "$end" ]; do
		found
		if [ "$broken" -gt "$rounds" ]; then
			rounds=$((rounds + 1))
			expect "nothing was read after that" [ "$broken" -eq "$rounds" ]
			expect "disable" ctl a disable
			expect "enable" ctl a enable
			idle=0
		elif [ $((idle += 1)) -gt 5 ] && garbled "$count"; then
			break
		fi
		now
	done
	expect "the host told $count lies" [ "$h_garbled" -eq "$count" ]
	expect "the client stops" ctl a run off
	note a
	found
	printf 'opened %d times, bad packets %d, of %d lies\n' \
		"$c_opens" "$c_bad_packets" "$count" | show
	printf 'write index %d, short %d, offset %d, length %d; type %d, size %d\n' \
		"$bad_write_index" "$bad_short" "$bad_offset8" "$bad_len8" \
		"$bad_type" "$bad_size" | show
	expect "the channel was opened once for each" \
		[ "$c_opens" -eq $((rounds + 1)) ]
	expect "many made the ring useless" [ "$rounds" -ge $((count / 1000)) ]
	expect "of each kind" [ $((rounds < 100 || (bad_write_index > 0 &&
		bad_offset8 > 0 && bad_len8 > 0))) -eq 1 ]
	# No certainty: it looks there only when it needs room
	printf 'bad read indices in the log: %d\n' \
		"$(dmesg | grep -c 'wrote a bad read index')" | show
	expect "the kinds add up" [ "$bad_sum" -eq "$c_bad_packets" ]
	recovers
}

# Offers and results with odd contents, while the channel comes and goes
offers()
{
	local round=0

	# shellcheck disable=SC2086 # words
	allow $ALLOWED
	channel a "garble seed=$seed,count=100000000,what=offers+fields,rare=512"
	expect "the client sends" ctl a run 512 16 completion
	while [ "$round" -lt 20 ]; do
		rescind a
		closed a
		reoffer a
		expect "enable" ctl a enable
		expect "the channel opens" within 10 state a Active
		round=$((round + 1))
	done
	expect "the client stops" ctl a run off
	note a
	printf 'of %d offers %d were odd, of %d results %d; %d other messages\n' \
		"$h_offers" "$h_garble_offers" "$h_opens" "$h_garble_results" \
		"$h_garble_messages" | show
	expect "21 offers" [ "$h_offers" -eq 21 ]
	expect "all of them were odd" [ "$h_garble_offers" -eq 21 ]
	expect "wrong results came before each right one" \
		[ "$h_garble_results" -eq "$h_opens" ]
	expect "and messages for nobody" [ "$h_garble_messages" -gt 0 ]
	# What the host offered by itself has no memory
	expect "the guest has seen odd offers" \
		logged 'no room for [0-9]+ MiB of memory-mapped I/O' 1
	recovers
}

step "Lies, from seed $seed"
check "insmod" wire_load
scenario "$count packets with wrong contents" framed
scenario "$((count / 10)) lies of all kinds" unframed
scenario "20 odd offers" offers
wire_unload
