# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Runs in a guest of tools/vmbhost: a hostile host, see its garble.c. seed=NUMBER
# and count=NUMBER on the kernel's command line are the seed and the number of
# mutations. First only mutations that leave the framing intact: each packet is
# accounted for. Then a tenth as many of all kinds: a channel whose ring is
# unusable is closed and opened again. Meanwhile the client keeps requests in
# flight, and some mutations have the ids of these.
#
# shellcheck disable=SC2154,SC2034 # note() sets c_* and h_*; scenario() uses allowed

# shellcheck source=scripts/guest/wire/wire-lib.sh
. /wire-lib.sh

seed=${seed:-1}
count=${count:-1000000}

# Errors that mutations cause at either end. A packet that completes twice, or
# never, is not among them.
ALLOWED="malformed checksum_errors order_errors range_errors gaps replies_bad comps_stale
	bad_packets broken rx_missing rx_order_errors rx_duplicates completions_unknown
	signals_wrong rx_foreign rx_length_errors rx_checksum_errors
	rx_pattern_errors done_order"

# The library's counters; there is only one channel at a time here
LIBRARY=/sys/kernel/kmcl

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

# mutate WINDOW WORDS: the client sends, and the host starts to write mutations
mutate()
{
	expect "the client sends" ctl a run 512 "$1" completion
	expect "some are answered" within 10 counts a done_ok -gt "$1"
	expect "the host garbles" at a behave "garble seed=$seed,$2"
}

# (What the host reads while its own indices are wrong is undefined.)
nothing_open()
{
	counts a queued -eq 0 && counts a in_flight -eq 0
}

# Afterwards the channel works again
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

# The host has read all that the client sent, and answered it correctly
all_answered()
{
	note a
	[ "$h_rx_requests" -eq "$c_sent" ] &&
		[ "$h_tx_completions" -eq "$h_rx_requests" ] &&
		[ "$c_in_flight" -eq 0 ]
}

# What the host has written: mutations and right answers
accounted_for()
{
	note a
	[ $((c_delivered + c_comps_stale + c_bad_packets + c_done_ok)) -eq \
		$((h_garbled + h_tx_completions)) ]
}

framed()
{
	local library='' rx_broken=0 tx_broken=0 bad_sum=0

	# shellcheck disable=SC2086 # words
	allow $ALLOWED
	channel a sink ring=262144 packet=8192
	mutate 16 "count=$count,what=fields"
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
	expect "the host wrote $count mutations" [ "$h_garbled" -eq "$count" ]
	printf 'delivered %d, stale completions %d, bad packets %d of %d mutations and %d answers\n' \
		"$c_delivered" "$c_comps_stale" "$c_bad_packets" "$count" \
		"$h_tx_completions" | show
	printf '%d requests: %d were answered by a mutation with data\n' \
		"$c_accepted" "$h_garble_answers" | show
	expect "each request was answered once" [ "$c_done_ok" -eq "$c_accepted" ]
	# A right answer has no data, and a mutation never those of the request
	expect "data came with the mutations that were first, and no others" \
		[ "$c_replies" -eq "$h_garble_answers" ]
	expect "and were wrong" [ "$c_replies_bad" -eq "$c_replies" ]
	library=$(echo "$LIBRARY"/*/counters)
	found
	# Each with a set that is not there
	printf 'delivered with ranges: %d\n' "$c_range_errors" | show
	expect "some of them with ranges" [ "$c_range_errors" -gt 0 ]
	expect "and some of those were bad" [ "$bad_external" -gt 0 ]
	expect "there were some of each" [ $((c_delivered > 0 && c_comps_stale > 0 &&
		c_bad_packets > 0 && h_garble_answers > 0)) -eq 1 ]
	recovers
}

# found: read the library's counters: each kind of bad packet into $bad_KIND, their
# sum into $bad_sum, how many of them broke a ring from the host into $rx_broken,
# and how many rings to it were broken into $tx_broken.
found()
{
	local name value

	rx_broken=0 bad_sum=0
	while read -r name value; do
		case $name in
		broken)
			tx_broken=$value
			continue ;;
		bad_packets)
			continue ;;
		bad_write_index | bad_short | bad_offset8 | bad_len8)
			rx_broken=$((rx_broken + value)) ;;
		bad_*)	;;
		gpadls)	break ;;
		*)	continue ;;
		esac
		eval "$name=\$value"
		bad_sum=$((bad_sum + value))
	done <"$library"
}

# The channel is opened again whenever the library has found a ring to be
# unusable, even if the host is still writing. The rings are small, because what
# the host writes after that is lost. With few mutations, a larger part of them is
# of the kinds that break a ring; with a million, that would take too long.
unframed()
{
	local library='' rx_broken=0 tx_broken=0 bad_sum=0 rounds=0 idle=0 rare=64 end now
	local old_rx=0 old_tx=0

	# shellcheck disable=SC2086 # words
	allow $ALLOWED done_other
	count=$((count / 10))
	channel a sink ring=16384 packet=1024
	library=$(echo "$LIBRARY"/*/counters)
	[ "$count" -le 50000 ] || rare=250
	# More than its ring has room for: it looks where the host has read to
	mutate 100 "count=$count,what=all,rare=$rare"
	now
	end=$((now + 300))
	while [ "$now" -lt "$end" ]; do
		found
		if [ $((rx_broken + tx_broken)) -gt $((old_rx + old_tx)) ]; then
			rounds=$((rounds + 1))
			expect "disable" ctl a disable
			found
			expect "nothing was read after that" \
				[ $((rx_broken - old_rx)) -le 1 ]
			expect "a bad read index is counted once" \
				[ $((tx_broken - old_tx)) -le 1 ]
			old_rx=$rx_broken old_tx=$tx_broken
			expect "enable" ctl a enable
			idle=0
		elif [ $((idle += 1)) -gt 5 ] && garbled "$count"; then
			break
		fi
		now
	done
	expect "the host wrote $count mutations" [ "$h_garbled" -eq "$count" ]
	expect "the client stops" ctl a run off
	note a
	expect "requests ended with an error if their answer was too long, or not read" \
		[ "$c_done_other" -eq $((c_comps_too_long + c_unanswered)) ]
	expect "some were not read" [ "$c_unanswered" -gt 0 ]
	found
	printf 'opened %d times, bad packets %d, of %d mutations\n' \
		"$c_opens" "$c_bad_packets" "$count" | show
	printf 'write index %d, short %d, offset %d, length %d; type %d, size %d\n' \
		"$bad_write_index" "$bad_short" "$bad_offset8" "$bad_len8" \
		"$bad_type" "$bad_size" | show
	expect "the channel was opened once for each" \
		[ "$c_opens" -eq $((rounds + 1)) ]
	expect "many made the ring useless" [ "$rx_broken" -ge $((count / 1000)) ]
	expect "of each kind" [ $((rx_broken < 100 || (bad_write_index > 0 &&
		bad_offset8 > 0 && bad_len8 > 0))) -eq 1 ]
	# No certainty: it looks there only when it needs room
	printf 'bad read indices that were found: %d\n' "$tx_broken" | show
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

step "Mutations, from seed $seed"
check "insmod" wire_load
scenario "$count packets with wrong contents" framed
scenario "$((count / 10)) mutations of all kinds" unframed
scenario "20 odd offers" offers
wire_unload
