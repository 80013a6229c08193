# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Runs in a guest of tools/vmbhost: a host that lies, see its garble.c. The words
# seed=NUMBER and count=NUMBER of the kernel's command line say from where and
# how long. First only lies that leave the framing intact: each packet is
# accounted for. Then, a tenth as many, all kinds: a channel whose ring makes no
# sense any more is closed and opened again.
#
# shellcheck disable=SC2154,SC2034 # note() sets c_* and h_*; scenario() uses allowed

# shellcheck source=scripts/guest/wire/wire-lib.sh
. /wire-lib.sh

seed=${seed:-1}
count=${count:-1000000}

# What the client and the host find wrong with such packets is no fault here
ALLOWED="malformed checksum_errors order_errors gaps replies_bad comps_stale
	bad_packets rx_missing rx_order_errors rx_duplicates completions_unknown
	signals_wrong rx_foreign rx_length_errors rx_checksum_errors
	rx_pattern_errors"

garbled()
{
	note a
	[ "$h_garbled" -ge "$1" ]
}

# Afterwards the channel works as if nothing had been
recovers()
{
	at a behave echo
	expect "disable" ctl a disable
	expect "enable" ctl a enable
	expect "the channel opens" within 10 state a Active
	note a
	before=$c_received
	ctl a expect "$c_next_sequence"
	expect "100 packets are sent" ctl a send 100 1000
	expect "and come back intact" within 20 counts a received -eq $((before + 100))
	expect "nothing is in flight" within 5 counts a in_flight -eq 0
}

framed()
{
	# shellcheck disable=SC2086 # words
	allow $ALLOWED
	channel a "garble seed=$seed,count=$count,what=fields" ring=262144 packet=8192
	within $((count / 2000 + 60)) garbled "$count"
	expect "the channel is still Active" state a Active
	sleep 1
	note a
	expect "the host wrote $count" [ "$h_garbled" -eq "$count" ]
	printf 'delivered %d, stale completions %d, bad packets %d of %d\n' \
		"$c_delivered" "$c_comps_stale" "$c_bad_packets" "$count" | show
	expect "each is accounted for" \
		[ $((c_delivered + c_comps_stale + c_bad_packets)) -eq "$count" ]
	expect "there were some of each" \
		[ $((c_delivered > 0 && c_comps_stale > 0 && c_bad_packets > 0)) -eq 1 ]
	recovers
}

# The channel is opened again whenever the host has not got any further. About a
# hundred of all lies make the ring useless: with few, the host may have finished
# before its ring is full, and nothing would show.
unframed()
{
	local last=-1 end now rounds=0

	# shellcheck disable=SC2086 # words
	allow $ALLOWED
	count=$((count / 10))
	channel a "garble seed=$seed,count=$count,what=all,rare=$((count / 100 + 1))" ring=262144 packet=8192
	now
	end=$((now + 300))
	note a
	while [ "$h_garbled" -lt "$count" ] && [ "$now" -lt "$end" ]; do
		if [ "$h_garbled" -eq "$last" ]; then
			expect "disable" ctl a disable
			expect "enable" ctl a enable
			expect "the channel opens" within 10 state a Active
			rounds=$((rounds + 1))
		fi
		last=$h_garbled
		usleep 20000
		note a
		now
	done
	expect "the host wrote $count" [ "$h_garbled" -eq "$count" ]
	printf 'opened %d times, bad packets %d, of %d lies\n' \
		"$c_opens" "$c_bad_packets" "$count" | show
	expect "some made the ring useless" [ "$rounds" -gt 0 ]
	recovers
}

# Offers and results with odd contents, while the channel comes and goes
offers()
{
	local round=0

	# shellcheck disable=SC2086 # words
	allow $ALLOWED
	channel a "garble seed=$seed,count=100000000,what=offers+fields"
	while [ "$round" -lt 20 ]; do
		rescind a
		closed a
		reoffer a
		expect "enable" ctl a enable
		expect "the channel opens" within 10 state a Active
		round=$((round + 1))
	done
	recovers
}

step "Lies, from seed $seed"
check "insmod" wire_load
scenario "$count packets with wrong contents" framed
scenario "$((count / 10)) lies of all kinds" unframed
scenario "20 odd offers" offers
wire_unload
