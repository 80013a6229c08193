# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Packets that are sent together: with one call, or each but the last of a series with
# KMCL_SEND_MORE, which the host sees only when it is shown them.
#
# shellcheck disable=SC2154,SC2034 # note() sets c_* and h_*; scenario() uses channels

# signals CHANNEL NUMBER: so many more came since this was called last
signals()
{
	host_note "$1"
	expect "$1: $2 signals" [ $((h_signals_in - signals)) -eq "$2" ]
	signals=$h_signals_in
}

batch()
{
	local signals=0

	channel a sink ring=131072
	ctl a send 1 64
	drained a
	signals a 1
	ctl a many 60 1000
	drained a
	signals a 1
	ctl a many 60 1000 completion
	drained a
	note a
	expect "each has ended" [ "$c_done_ok" -eq 121 ]
	signals a 1
}

# With answers that have the packet's data
batch_of_requests()
{
	channel a echo ring=131072
	ctl a many 200 500 completion
	drained a
	note a
	expect "each was completed by the host" [ "$c_done_ok" -eq 200 ]
	expect "with its own data" [ "$c_replies" -eq 200 ]
}

# More than the ring has room for, while nothing is read, and while it is
batch_and_full_ring()
{
	channel a sink ring=16384
	at a stall
	ctl a many 500 1000
	note a
	expect "some are in the ring" [ "$c_sent" -gt 20 ]
	expect "the others wait" [ "$c_queued" -eq $((500 - c_sent)) ]
	at a unstall
	drained a
	at a behave slow us=200
	ctl a many 500 1000 completion
	drained a
	note a
	expect "the ring was full" [ "$c_full" -gt 1 ]
	expect "each has ended" [ "$c_done_ok" -eq 1000 ]
}

# unseen CHANNEL READ: the host has read so many packets, and reads no more of those
# sent; nor has a completion routine been called for them
unseen()
{
	usleep 200000
	note "$1"
	expect "$1: the host has read $2" [ "$h_rx_packets" -eq "$2" ]
	expect "$1: $2 have ended" [ "$c_done_ok" -eq "$2" ]
}

more_and_flush()
{
	local signals=0

	channel a sink
	ctl a send 10 64 more
	unseen a 0
	signals a 0
	ctl a flush
	drained a
	signals a 1
	ctl a flush
	ctl a send 10 64 more
	ctl a many 10 64 more
	unseen a 10
	signals a 0
	ctl a send 1 64
	drained a
	signals a 1
	note a
	expect "each has ended" [ "$c_done_ok" -eq 31 ]
	expect "those that wait for a completion, too" ctl a send 10 64 completion more
	unseen a 31
	ctl a flush
	drained a
	expect "with all the others" counts a done_ok -eq 41
}

# The host frees the space of what it sees, so it is shown a full ring
more_and_full_ring()
{
	channel a sink ring=16384
	ctl a send 100 1000 more
	ctl a flush
	drained a
	note a
	expect "the ring was full" [ "$c_full" -gt 0 ]
	expect "each has ended" [ "$c_done_ok" -eq 100 ]
}

# What is queued when the channel opens needs no call
more_and_pause()
{
	offered a sink
	ctl a send 10 64 more
	again a
	ctl a send 10 64 more
	unseen a 10
	expect "pause" ctl a pause
	drained a
	ctl a send 10 64 more
	expect "start" ctl a start
	drained a
	expect "each has ended" counts a done_ok -eq 30
}

more_and_disable()
{
	channel a sink
	ctl a send 10 64 more
	expect "disable" ctl a disable
	note a
	expect "each has ended" [ "$c_done_ok" -eq 10 ]
	expect "the host was shown them" [ $((h_rx_packets + h_rx_left)) -eq 10 ]
	ctl a send 10 64 more
	again a
	expect "each has ended" counts a done_ok -eq 20
}

# Nobody reads that ring any more
more_and_rescind()
{
	allow rx_missing
	channel a sink
	ctl a send 10 64 more
	ctl a many 10 64 completion more
	rescind a
	after_rescind a
	note a
	expect "those that need no completion have ended" [ "$c_done_ok" -eq 10 ]
	expect "the others as removed" [ "$c_done_removed" -eq 10 ]
	expect "in order" [ "$c_done_order" -eq 0 ]
	back a
	note a
	expect "the host has read what was queued" [ "$h_rx_packets" -eq 10 ]
}

# come_and_go CHANNEL TIMES: its device, while packets are sent
come_and_go()
{
	local round=0

	while [ "$round" -lt "$2" ]; do
		usleep 50000
		rescind "$1"
		closed "$1"
		reoffer "$1"
		expect "enable again" ctl "$1" enable
		expect "the channel opens again" within 10 state "$1" Active
		round=$((round + 1))
	done
}

batches_and_rescinds()
{
	local removed

	allow rx_missing
	channel a sink ring=65536
	ctl a run 500 300 many
	come_and_go a 5
	ctl a run off
	drained a
	ctl a run 500 300 completion more many
	come_and_go a 5
	ctl a run off
	drained a
	# Requests that the host has not answered
	at a stall
	note a
	removed=$c_done_removed
	ctl a many 40 300 completion
	come_and_go a 1
	at a unstall
	note a
	expect "these ended as removed" [ $((c_done_removed - removed)) -eq 40 ]
	expect "in order" [ "$c_done_order" -eq 0 ]
}

# Each sender's packets keep their order, whether they find room in the ring or not
four_senders()
{
	channel a echo ring=65536
	ctl a race 500 200 completion
	drained a
	note a
	expect "each was completed by the host" [ "$c_done_ok" -eq 2000 ]
	expect "with its own data" [ "$c_replies" -eq 2000 ]
	channel b sink ring=16384
	ctl b race 1000 500
	drained b
	note b
	expect "the ring was full" [ "$c_full" -gt 0 ]
	expect "each has ended" [ "$c_done_ok" -eq 4000 ]
}

four_senders_and_rescind()
{
	allow rx_missing
	channel a sink ring=65536
	ctl a race 1000 500 2>/tmp/race &
	come_and_go a 2
	wait
	expect "all were accepted" [ ! -s /tmp/race ]
	# After which the host knows of each sender what it has not got
	expect "one more of each" ctl a race 1 64
	ctl a flush
	drained a
	note a
	expect "each has ended" [ "$c_done_ok" -eq 4004 ]
}

# Each completion routine sends the next request
requests_in_routines()
{
	channel a echo ring=65536
	ctl a chain 5000 16
	note a
	expect "each was completed by the host" [ "$c_done_ok" -eq 5016 ]
	expect "with its own data" [ "$c_replies" -eq 5016 ]
	expect "in order" [ "$c_done_order" -eq 0 ]
	# One at a time: no signal may be missed, by either side
	channel c echo ring=16384
	ctl c chain 3000 1
	note c
	expect "each one at a time" [ "$c_done_ok" -eq 3001 ]
	# And as many as the ring has room for
	channel b echo ring=16384
	at b stall
	ctl b many 500 1000
	ctl b chain 200 16 &
	at b unstall
	wait
	drained b
	expect "each has ended" counts b done_ok -eq 716
}

requests_in_routines_and_rescind()
{
	allow rx_missing
	channel a echo ring=65536
	ctl a chain 1000000 16 &
	come_and_go a 1
	wait
	note a
	expect "some were completed by the host" [ "$c_done_ok" -gt 16 ]
	expect "the others ended as removed" [ "$c_done_removed" -gt 0 ]
	expect "in order" [ "$c_done_order" -eq 0 ]
	# Without the numbers that the host has not got
	ctl a chain 100 16
	drained a
}

batches_all()
{
	scenario "60 packets with one call, and one signal" batch
	scenario "200 requests with one call" batch_of_requests
	scenario "more packets with one call than the ring has room for" \
		batch_and_full_ring
	scenario "packets of which more follow, and a flush" more_and_flush
	scenario "packets of which more follow, and a full ring" more_and_full_ring
	scenario "packets of which more follow, and a pause" more_and_pause
	scenario "packets of which more follow, and a disable" more_and_disable
	scenario "packets of which more follow, and a rescind" more_and_rescind
	scenario "batches and rescinds, 10 times" batches_and_rescinds
	scenario "requests that completion routines send" requests_in_routines
	scenario "requests that completion routines send, and a rescind" \
		requests_in_routines_and_rescind
	scenario "four senders, two of them of batches" four_senders
	scenario "four senders and rescinds" four_senders_and_rescind
}
