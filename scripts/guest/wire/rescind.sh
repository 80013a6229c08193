# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The host takes the device away, at every moment it can choose. What follows
# is always the same: Suspend if it ran, then EvtVmbChannelClosed, once; from
# then on packets are queued; enabling delivers them to the next offer.
#
# shellcheck disable=SC2154,SC2034 # note() sets c_* and h_*; scenario() uses channels

# The pieces that most of these share: after the close, and the way back
after_rescind()
{
	closed "$1"
	note "$1"
	expect "$1: nothing is in flight" [ "$c_in_flight" -eq 0 ]
	expect "$1: closed as often as opened" [ "$c_closed" -eq "$c_opens" ]
	expect "$1: suspended as often as started" \
		[ "$c_suspend" -eq "$c_started" ]
	sent=$c_sent queued=$c_queued done=$c_done
	expect "$1: packets are accepted" ctl "$1" send 10 100
	note "$1"
	expect "$1: and queued" [ "$c_queued" -eq $((queued + 10)) ]
	expect "$1: and not sent" [ "$c_sent" -eq "$sent" ]
	expect "$1: and not completed" [ "$c_done" -eq "$done" ]
}

back()
{
	reoffer "$1"
	again "$1"
}

rescind_idle()
{
	channel a echo
	ctl a send 5 24
	drained a
	rescind a
	after_rescind a
	expect "Closed once" counts a closed -eq 1
	expect "disable has nothing to do" ctl a disable
	expect "Closed is not called again" counts a closed -eq 1
	reoffer a
	usleep 300000
	expect "an offer alone opens nothing" state a Disabled
	note a
	expect "the host saw one open" [ "$h_opens" -eq 1 ]
	again a
	expect "Opened again" counts a opened -eq 2
}

rescind_full_ring()
{
	channel a sink ring=16384
	at a stall
	expect "send 1000" ctl a send 1000 500
	note a
	expect "some are in the ring" [ "$c_sent" -gt 20 ]
	expect "the others wait" [ "$c_queued" -gt 900 ]
	rescind a
	closed a
	note a
	expect "they still wait" [ "$c_queued" -eq $((1000 - c_sent)) ]
	after_rescind a
	at a unstall
	back a
	note a
	expect "the host read all that were queued" \
		[ "$h_rx_packets" -eq $((1010 - h_rx_left)) ]
}

rescind_in_flight()
{
	channel a complete-never
	# While the first routine runs, the link is taken down up to Closed
	ctl a hook "done" spin 100
	in_flight a 50 128
	rescind a
	after_rescind a
	note a
	expect "each ended as removed" [ "$c_done_removed" -eq 50 ]
	expect "in order" [ "$c_done_order" -eq 0 ]
	expect "with nothing in its buffer" [ $((c_replies + c_replies_bad)) -eq 0 ]
	back a
}

rescind_held()
{
	channel a "source rate=2000,size=64,completion=1"
	ctl a hold on
	expect "packets are outstanding" within 5 counts a outstanding -gt 10
	rescind a
	expect "Suspend comes" within 5 counts a suspend -eq 1
	usleep 300000
	expect "Closed waits for them" counts a closed -eq 0
	ctl a hold off
	after_rescind a
	note a
	expect "their completions went nowhere" [ "$c_comps_dropped" -gt 0 ]
	back a
}

# inside CALLBACK: it sleeps while the host rescinds
inside()
{
	expect "$1 has begun" within 5 blocked a "$1"
	rescind a
	usleep 200000
	expect "Closed waits for $1" counts a closed -eq 0
	ctl a release
}

rescind_inside_opened()
{
	offer a echo
	client a
	ctl a hook opened block
	ctl a enable
	inside opened
	after_rescind a
	note a
	expect "Closed once" [ "$c_closed" -eq 1 ]
	expect "neither Started nor Suspend" [ $((c_started + c_suspend)) -eq 0 ]
	back a
}

rescind_inside_started()
{
	offer a echo
	client a
	ctl a hook started block
	ctl a enable
	inside started
	after_rescind a
	note a
	expect "no PostStarted" [ "$c_post_started" -eq 0 ]
	expect "Suspend, since it was started" [ "$c_suspend" -eq 1 ]
	back a
}

rescind_inside_post_started()
{
	offer a echo
	client a
	ctl a hook post_started block
	ctl a enable
	inside post_started
	after_rescind a
	back a
}

# The host refuses the open, and takes the device away while the driver is told
rescind_inside_pnp_failure()
{
	offered a echo
	ctl a send 5 64
	host refuse open 1 >/dev/null
	ctl a hook pnp_failure block
	ctl a enable
	expect "pnp_failure has begun" within 5 blocked a pnp_failure
	rescind a
	usleep 200000
	expect "the channel waits for it" blocked a pnp_failure
	ctl a release
	closed a
	note a
	expect "PnpFailure once" [ "$c_pnp_failure" -eq 1 ]
	expect "with ECONNREFUSED" [ "$c_pnp_status" -eq -111 ]
	expect "neither Opened nor Closed" [ $((c_opened + c_closed)) -eq 0 ]
	expect "the packets wait" [ "$c_queued" -eq 5 ]
	expect "the guest has released the device" within 5 host_state a absent
	after_rescind a
	reoffer a
	usleep 200000
	expect "an offer alone opens nothing" state a Disabled
	again a
	note a
	expect "Opened once" [ "$c_opened" -eq 1 ]
	expect "the host has all" [ "$h_rx_packets" -eq 15 ]
}

rescind_inside_suspend()
{
	channel a echo
	ctl a hook suspend block
	ctl a pause &
	inside suspend
	wait
	after_rescind a
	expect "Suspend once" counts a suspend -eq 1
	back a
}

rescind_inside_closed()
{
	channel a echo
	ctl a hook closed block
	ctl a disable &
	expect "closed has begun" within 5 blocked a closed
	rescind a
	usleep 200000
	expect "disable waits for Closed" waits
	expect "which is the only one" counts a closed -eq 1
	ctl a release
	wait
	after_rescind a
	expect "Closed once" counts a closed -eq 1
	back a
}

rescind_inside_process()
{
	channel a echo
	ctl a passive on
	ctl a hook process block
	ctl a send 20 64
	inside process
	after_rescind a
	back a
	ctl a passive off
}

rescind_inside_processed()
{
	channel a echo
	ctl a passive on
	ctl a hook processed block
	ctl a send 20 64
	inside processed
	after_rescind a
	back a
}

# Most packets are written when the host looks no more, and does not know them
rescind_inside_done()
{
	allow rx_missing done_order
	channel a echo
	number a
	host on rx:1 "$number" rescind "$number" >/dev/null
	ctl a hook "done" spin 200
	ctl a send 20 64 completion
	after_rescind a
	expect "the completion routine was long" counts a hooked -eq 1
	back a
	note a
	expect "what the host never saw ended as removed" \
		[ "$h_rx_missing" -le "$c_done_removed" ]
}

# request_ends_at_once CHANNEL: it is closed; nothing is sent, nor waited for
request_ends_at_once()
{
	local before start

	note "$1"
	before=$c_accepted
	now
	start=$now
	ctl "$1" sync 64 20000 2>/tmp/sync
	now
	expect "$1: a request ends: the device is gone" \
		grep -q 'No such device$' /tmp/sync
	expect "$1: at once" [ $((now - start)) -le 4 ]
	note "$1"
	expect "$1: and was not accepted" [ "$c_accepted" -eq "$before" ]
}

rescind_inside_sync()
{
	local start now

	allow syncs rx_missing
	channel a complete-never
	ctl a sync 64 20000 2>/tmp/sync &
	expect "the request is out" within 5 counts a in_flight -eq 1
	now
	start=$now
	rescind a
	wait
	now
	expect "the request ended: the device is gone" \
		grep -q 'No such device$' /tmp/sync
	expect "at once" [ $((now - start)) -le 4 ]
	closed a
	request_ends_at_once a
	after_rescind a
	reoffer a
	usleep 200000
	request_ends_at_once a
	again a
	expect "the closed channel had no request" \
		[ "$h_rx_requests" -eq 1 ]
}

rescind_sync_in_post_started()
{
	allow syncs rx_missing
	offer a complete-never
	client a
	ctl a hook post_started sync
	ctl a enable
	expect "the request is out" within 5 counts a in_flight -eq 1
	rescind a
	after_rescind a
	expect "the request ended: the device is gone" counts a hook_result -eq -19
	back a
}

rescind_while_opening()
{
	offer a echo
	client a
	ctl a send 3 24
	host withhold open >/dev/null
	ctl a enable
	expect "the open is on its way" within 5 host_state a opening
	rescind a
	usleep 300000
	expect "the channel waits for the next offer" state a Enabled
	note a
	expect "no callback came" [ $((c_opened + c_closed + c_pnp_failure)) -eq 0 ]
	host release open >/dev/null
	reoffer a
	expect "it opens with the next offer" within 10 state a Active
	drained a
}

rescind_while_making_rings()
{
	offer a echo
	client a
	host withhold gpadl >/dev/null
	ctl a enable
	expect "the host is asked" within 5 host_counts a gpadls_live -eq 1
	rescind a
	expect "the guest has released it" within 5 host_state a absent
	expect "the channel waits for the next offer" state a Enabled
	note a
	expect "no callback came" [ $((c_opened + c_closed + c_pnp_failure)) -eq 0 ]
	host release gpadl >/dev/null
	reoffer a
	expect "it opens with the next offer" within 10 state a Active
	drained a
}

rescind_while_disabling()
{
	channel a echo
	ctl a send 5 24
	drained a
	host withhold teardown >/dev/null
	ctl a disable &
	expect "the close is on its way" within 5 host_counts a closes -eq 1
	# hv_vmbus looks at no rescind before the close is over
	rescind a
	usleep 300000
	host release teardown >/dev/null
	wait
	after_rescind a
	expect "Closed once" counts a closed -eq 1
	back a
}

# The host takes each offer back as soon as it has made it. The channel may be
# Enabled, opening, open or closed when that happens, and what it writes into the
# ring then nobody ever sees.
rescind_before_probe()
{
	local round=0 number sent read

	allow rx_missing
	channel a echo
	number a
	rescind a
	closed a
	ctl a send 10 24
	while [ "$round" -lt 20 ]; do
		host on offer "$number" rescind "$number" >/dev/null
		ctl a enable 2>/dev/null
		host offer "$number" >/dev/null
		round=$((round + 1))
		expect "rescind $round" within 5 host_counts a rescinds -eq $((round + 1))
	done
	ctl a disable
	note a
	expect "closed as often as opened" [ "$c_closed" -eq "$c_opens" ]
	expect "offers that were gone before they were opened" \
		[ "$h_opens" -lt "$h_rescinds" ]
	# Nothing is sent now: what is from here on arrives
	sent=$c_sent read=$h_rx_packets
	reoffer a
	expect "enable again" ctl a enable
	expect "the channel opens again" within 10 state a Active
	expect "nothing is queued" within 10 counts a queued -eq 0
	ctl a send 10 64
	note a
	expect "as much is sent as was queued, and 10" \
		[ $((c_sent - sent)) -le 20 ]
	expect "and exactly that arrives" within 10 \
		host_counts a rx_packets -eq $((read + c_sent - sent))
}

rescind_twice()
{
	channel a echo
	rescind a
	closed a
	reoffer a
	usleep 200000
	rescind a
	usleep 200000
	expect "a channel that is not enabled does not mind" counts a closed -eq 1
	after_rescind a
	back a
	rescind a
	after_rescind a
	expect "Closed twice" counts a closed -eq 2
	back a
}

# The message comes twice
rescind_again_inside_closed()
{
	channel a echo
	ctl a hook closed block
	rescind a
	expect "Closed has begun" within 5 blocked a closed
	expect "the host says it once more" at a rescind again
	usleep 200000
	ctl a release
	after_rescind a
	note a
	expect "Closed once" [ "$c_closed" -eq 1 ]
	expect "the guest has released it" within 5 host_state a absent
	expect "once" host_counts a released -eq 1
	back a
	expect "the device is there" [ -n "$(device_of a)" ]
	expect "Closed was not called again" counts a closed -eq 1
}

rescind_paused()
{
	channel a echo
	ctl a pause
	expect "paused" state a Paused
	rescind a
	after_rescind a
	expect "Suspend only for the pause" counts a suspend -eq 1
	back a
}

rescind_and_disable()
{
	local round=0

	channel a echo
	while [ "$round" -lt 20 ]; do
		ctl a send 20 64 completion
		ctl a disable &
		at a rescind
		wait
		expect "disable returns with the channel Disabled" state a Disabled
		reoffer a
		ctl a enable
		expect "the channel opens again" within 10 state a Active
		round=$((round + 1))
	done
	drained a
	note a
	expect "Closed once for each opening" [ "$c_closed" -eq 20 ]
}

# A driver need not have a closed callback: all is as with one
rescind_without_closed()
{
	channel a complete-never noclosed
	expect "PostStarted has come" within 5 counts a post_started -eq 1
	in_flight a 20 64
	rescind a
	closed a
	note a
	expect "each ended as removed" [ "$c_done_removed" -eq 20 ]
	expect "nothing is in flight" [ "$c_in_flight" -eq 0 ]
	expect "Suspend once" [ "$c_suspend" -eq 1 ]
	expect "the library counts a close" [ "$c_closes" -eq 1 ]
	expect "packets are accepted" ctl a send 10 100
	note a
	expect "and queued" [ "$c_queued" -eq 10 ]
	expect "and not sent" [ "$c_sent" -eq 20 ]
	reoffer a
	usleep 200000
	expect "an offer alone opens nothing" state a Disabled
	again a
	expect "PostStarted has come" within 5 counts a post_started -eq 2
	ctl a send 20 64 completion
	expect "20 are in flight" within 5 counts a in_flight -eq 20
	expect "disable" ctl a disable
	expect "Disabled" state a Disabled
	note a
	expect "each ended as cancelled" [ "$c_done_cancelled" -eq 20 ]
	expect "the host saw it close" [ "$h_closes" -eq 1 ]
	expect "there was no closed callback" [ "$c_closed" -eq 0 ]
	ctl a send 5 64
	again a
}

# MiB of memory that nobody has
free_memory()
{
	local name value

	while read -r name value _; do
		[ "$name" = MemFree: ] || continue
		free=$((value / 1024))
		return
	done </proc/meminfo
}

# has_returned MIB: but for what the library keeps for the next packets. KASAN keeps
# what was freed, so that kmemleak alone can tell there.
has_returned()
{
	[ "${checkers:-0}" -eq 0 ] || return 0
	free_memory
	[ "$free" -ge "$1" ]
}

# Packets that nobody waits for, of 64 KiB each: 400 of them are 25 MiB, which
# have to come back, however the packets end. The library keeps some for later.
rescind_without_routine()
{
	local free before

	# Like these they have no routine of the client's to be counted by
	allow syncs
	channel a complete-never packet=60000
	free_memory
	before=$free
	expect "send 400" ctl a send 400 64 completion default
	expect "400 are in flight" within 10 counts a in_flight -eq 400
	free_memory
	expect "which takes memory" [ $((before - free)) -ge 20 ]
	rescind a
	closed a
	note a
	expect "each ended as removed" [ "$c_removed" -eq 400 ]
	expect "without a routine" [ "$c_done" -eq 0 ]
	expect "the memory is back" within 5 has_returned $((before - 10))

	expect "send 400" ctl a send 400 64 default
	note a
	expect "400 are queued" [ "$c_queued" -eq 400 ]
	free_memory
	expect "which takes memory" [ $((before - free)) -ge 20 ]
	back a
	expect "the memory is back" within 5 has_returned $((before - 10))

	expect "disable" ctl a disable
	expect "send 400" ctl a send 400 64 completion default
	free_memory
	expect "which takes memory" [ $((before - free)) -ge 20 ]
	consistent a
	channels=''
	finish a
	expect "the memory is back" within 5 has_returned $((before - 10))
}

rescind_all()
{
	scenario "rescind of an idle channel" rescind_idle
	scenario "rescind with 1,000 packets and a full ring" rescind_full_ring
	scenario "rescind with transactions in flight" rescind_in_flight
	scenario "rescind with incoming packets held by the client" rescind_held
	for callback in opened started post_started pnp_failure suspend closed \
		process processed "done"; do
		scenario "rescind inside $callback" "rescind_inside_$callback"
	done
	scenario "rescind ends a synchronous request" rescind_inside_sync
	scenario "rescind ends a request in PostStarted" \
		rescind_sync_in_post_started
	scenario "rescind while the open is not answered" rescind_while_opening
	scenario "rescind while the rings are made" rescind_while_making_rings
	scenario "rescind while the close is not answered" rescind_while_disabling
	scenario "rescind before probe has finished, 20 times" rescind_before_probe
	scenario "rescind twice" rescind_twice
	scenario "the message of a rescind comes twice" \
		rescind_again_inside_closed
	scenario "rescind of a paused channel" rescind_paused
	scenario "rescind and disable at the same time, 20 times" \
		rescind_and_disable
	scenario "rescind of a channel without a closed callback" \
		rescind_without_closed
	scenario "rescind with packets that have no routine" \
		rescind_without_routine
}
