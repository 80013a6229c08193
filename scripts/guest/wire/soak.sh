# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The device comes and goes under traffic, as fast as it can, CYCLES times or for
# MINUTES (words of the kernel's command line: cycles=N or minutes=N, and seed=N), if
# only= has its name. What happens in a cycle is random, the same for the same seed.
# What must hold is checked all the time. With senders=4 there are four senders on one
# channel, and half of what they send comes back as packets; else there is one, whose
# packets are completed.
#
# shellcheck disable=SC2154,SC2034 # note() sets c_* and h_*; scenario() uses allowed

cycles=${cycles:-1000}
minutes=${minutes:-0}
senders=${senders:-1}
SENDING=/tmp/sending

over()
{
	local now

	if [ "$minutes" -gt 0 ]; then
		now
		[ "$now" -ge "$end" ]
	else
		[ "$cycle" -ge "$cycles" ]
	fi
}

# What must hold at any moment, with everything running
invariants()
{
	local name

	note a
	for name in bad_context bad_order open_at_closed block_timeouts \
		done_other done_bad replies_bad malformed checksum_errors \
		order_errors bad_packets comps_stale broken; do
		eval "expect 'cycle $cycle: $name = 0' [ \"\$c_$name\" -eq 0 ]"
	done
	for name in rx_order_errors rx_duplicates rx_checksum_errors \
		rx_length_errors rx_pattern_errors gpadls_left signals_wrong \
		protocol_errors; do
		eval "expect 'cycle $cycle: host: $name = 0' [ \"\$h_$name\" -eq 0 ]"
	done
	expect "cycle $cycle: accepted = completed + queued + in flight" \
		[ "$c_accepted" -eq $((c_completed + c_queued + c_in_flight)) ]
	expect "cycle $cycle: opens and closes" [ "$c_closed" -le "$c_opens" ]
}

behave()
{
	expect "cycle $cycle: behave $*" at a behave "$@"
}

# The device goes and comes; sometimes with something else at the same time
one_cycle()
{
	local random pause

	random 14
	case $random in
	0)	at a stall ;;
	1)	ctl a pause &
		pause=$! ;;
	2)	ctl a passive on ;;
	3)	ctl a hook closed sleep 5 ;;
	4)	ctl a hook opened sleep 5 ;;
	5)	ctl a hook suspend sleep 5 ;;
	6)	ctl a hook post_started sleep 5 ;;
	7)	behave complete-late ms=5 ;;
	8)	behave complete-out-of-order depth=8 ;;
	9)	behave complete-never ;;
	esac
	at a rescind
	case $random in
	0)	at a unstall ;;
	1)	wait "$pause"; ctl a start ;;
	2)	ctl a passive off ;;
	7|8|9)	behave echo ;;
	# Refused if the guest has released it already
	10)	at a rescind again 2>/dev/null ;;
	esac
	at a offer
	# Until then there is nothing to rescind
	expect "cycle $cycle: the channel opens again" within 20 open_again
}

open_again()
{
	counts a opens -gt "$cycle"
}

# few_queued: not too many for a device that is away
few_queued()
{
	[ ! -e "$SENDING" ] || counts a queued -lt 2000
}

# Until $SENDING is no more
keep_sending()
{
	while [ -e "$SENDING" ]; do
		ctl a race 50 2000 completion
		within 60 few_queued
		ctl a race 50 2000
		within 60 few_queued
	done
}

begin_sending()
{
	if [ "$senders" -eq 1 ]; then
		ctl a run 2000 64 completion
	else
		: >"$SENDING"
		keep_sending &
		sending=$!
	fi
}

# After that the host knows of each sender what it has not got
end_sending()
{
	if [ "$senders" -eq 1 ]; then
		ctl a run off
	else
		rm "$SENDING"
		wait "$sending"
		expect "one more of each" ctl a race 1 64
	fi
}

soak()
{
	local now end sending

	allow rx_missing done_order gaps
	channel a echo ring=65536
	ctl a reopen on
	begin_sending
	now
	end=$((now + minutes * 60))
	cycle=0
	until over || [ "$bad" -ne 0 ]; do
		cycle=$((cycle + 1))
		one_cycle
		[ $((cycle % 25)) -eq 0 ] || continue
		invariants
		if [ $((cycle % 100)) -eq 0 ]; then
			printf '%d cycles, %d packets, %d errors\n' "$cycle" \
				"$c_accepted" "$bad" | show
		fi
	done
	end_sending
	ctl a reopen off
	expect "the channel is open" within 20 state a Active
	drained a
	invariants
	printf '%d cycles, %d packets accepted, %d sent, %d completed by the host, %d errors\n' \
		"$cycle" "$c_accepted" "$c_sent" "$c_done_ok" "$bad" | show
	expect "rescinds" [ "$h_rescinds" -eq "$cycle" ]
	expect "closed as often as rescinded" [ "$c_closed" -eq "$h_rescinds" ]
	expect "packets" [ "$c_accepted" -gt "$cycle" ]
}
