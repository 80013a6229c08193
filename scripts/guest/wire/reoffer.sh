# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The device comes back: when, as what, and beside which others.
#
# shellcheck disable=SC2154,SC2034 # note() sets c_* and h_*; scenario() uses channels

reoffer_at_once()
{
	channel a echo
	at a stall
	ctl a send 100 256
	rescind a
	reoffer a
	at a unstall
	closed a
	again a
}

reoffer_late()
{
	channel a echo
	rescind a
	closed a
	ctl a send 10 64
	expect "enable without a device" ctl a enable
	sleep 10
	expect "the channel waits" state a Enabled
	note a
	expect "and keeps its packets" [ "$c_queued" -eq 10 ]
	reoffer a
	expect "it opens when the device comes" within 10 state a Active
	drained a
}

reoffer_never()
{
	channel a echo
	rescind a
	closed a
	ctl a send 10 64
	ctl a enable
	usleep 300000
	expect "disable of a channel that waits" ctl a disable
	expect "Disabled" state a Disabled
	expect "without another Closed" counts a closed -eq 1
	note a
	expect "the packets are kept" [ "$c_queued" -eq 10 ]
}

reoffer_other_relid()
{
	local relid

	channel a echo
	ctl a send 10 64
	drained a
	relid=$h_relid
	expect "it has a relid" [ "$relid" -ne 0 ]
	rescind a
	closed a
	expect "the guest has released it" within 5 host_counts a relid -eq 0
	# Something else takes the number that was free
	offer b echo
	reoffer a
	again a
	note a
	expect "it has another one" [ "$h_relid" -ne "$relid" ]
	expect "the host saw all packets" [ "$h_rx_packets" -eq 10 ]
	at b rescind
}

reoffer_inside_closed()
{
	channel a echo
	ctl a hook closed block
	rescind a
	expect "Closed has begun" within 5 blocked a closed
	reoffer a
	ctl a send 10 64
	expect "enable from elsewhere is refused" refused ctl a enable
	usleep 300000
	# Until then the host keeps the offer
	expect "the guest keeps the device that Closed is about" \
		host_state a rescinded
	ctl a release
	closed a
	again a
}

has_driver()
{
	[ -e "/sys/bus/vmbus/devices/$(device_of "$1")/driver" ]
}

# A channel that takes any instance, and another one comes while Closed runs
other_offer_inside_closed()
{
	offer a echo
	client a
	ctl a enable
	expect "the channel opens" within 10 state a Active
	ctl a hook closed block
	rescind a
	expect "Closed has begun" within 5 blocked a closed
	offer b echo
	expect "the other device is there, and ours" within 5 has_driver b
	ctl a send 10 64
	expect "enable from elsewhere is refused" refused ctl a enable
	usleep 300000
	expect "nothing opens" counts a opened -eq 1
	ctl a release
	closed a
	usleep 300000
	expect "still Disabled" state a Disabled
	expect "and nothing opens" counts a opened -eq 1
	expect "as the host sees it, too" host_counts b opens -eq 0
	# The channel's offer is the other one from here on
	expect "the first one is released" host_state a absent
	offer_a=$offer_b offer_b=
	again a
	note a
	expect "it opened there" [ "$h_opens" -eq 1 ]
	expect "and sent what was queued" [ "$h_rx_packets" -eq 10 ]
}

enable_inside_closed()
{
	channel a echo
	ctl a hook closed enable
	rescind a
	closed a
	expect "enable from Closed is refused" counts a hook_result -eq -16
	reoffer a
	again a
}

send_inside_closed()
{
	channel a echo
	ctl a hook closed send 7
	rescind a
	closed a
	expect "sends from Closed are queued" counts a queued -eq 7
	reoffer a
	again a
}

# When the queue moves: after Started has returned, before PostStarted is called
queue_and_callbacks()
{
	channel a echo
	ctl a disable
	ctl a send 20 64
	ctl a hook started block
	ctl a enable
	expect "Started has begun" within 5 blocked a started
	note a
	expect "nothing is sent in Started" [ "$c_sent" -eq 0 ]
	ctl a hook post_started block
	ctl a release
	expect "PostStarted has begun" within 5 blocked a post_started
	note a
	expect "everything is sent before PostStarted" [ "$c_sent" -eq 20 ]
	ctl a release
	expect "each comes back" within 10 counts a received -eq 20
}

# What was asked for at the time of sending holds when the packet goes out
queue_with_completions()
{
	channel a echo
	ctl a disable
	ctl a send 20 64 completion
	note a
	expect "20 are queued" [ "$c_queued" -eq 20 ]
	again a
	note a
	expect "the host was asked for 20 completions" [ "$h_rx_requests" -eq 20 ]
	expect "and each came" [ "$c_replies" -eq 20 ]
}

two_instances()
{
	channel a echo
	channel b echo
	ctl a send 20 64
	ctl b send 30 64
	drained a
	drained b
	rescind a
	closed a
	expect "the other one runs" state b Active
	ctl b send 5 64
	drained b
	reoffer a
	again a
	note a
	expect "the host saw a's packets at a" [ "$h_rx_packets" -eq 20 ]
	note b
	expect "and b's at b" [ "$h_rx_packets" -eq 35 ]
}

any_instance()
{
	offer a echo
	client a
	expect "enable for any instance" ctl a enable
	expect "it opens" within 10 state a Active
	ctl a send 5 24
	drained a
}

# 64 channels, of which half are rescinded
sixty_four()
{
	local i

	i=0
	while [ "$i" -lt 64 ]; do
		offer "m$i" echo
		client "m$i" "$(instance $((offers - 1)))" ring=8192 packet=512
		ctl "m$i" enable
		i=$((i + 1))
	done
	for i in $channels; do
		expect "$i opens" within 20 state "$i" Active
	done
	for i in $channels; do
		ctl "$i" send 10 64
	done
	i=0
	while [ "$i" -lt 64 ]; do
		at "m$i" rescind
		i=$((i + 2))
	done
	for i in $channels; do
		ctl "$i" send 10 64
	done
	i=0
	while [ "$i" -lt 64 ]; do
		expect "m$i is closed" within 20 state "m$i" Disabled
		expect "m$((i + 1)) is not" state "m$((i + 1))" Active
		at "m$i" offer
		ctl "m$i" enable
		i=$((i + 2))
	done
	for i in $channels; do
		expect "$i is open" within 20 state "$i" Active
		drained "$i"
	done
}

reoffer_all()
{
	scenario "re-offer at once" reoffer_at_once
	scenario "re-offer after 10 s" reoffer_late
	scenario "no re-offer" reoffer_never
	scenario "re-offer under another relid" reoffer_other_relid
	scenario "re-offer while Closed runs" reoffer_inside_closed
	scenario "another offer while Closed runs" other_offer_inside_closed
	scenario "enable inside Closed" enable_inside_closed
	scenario "send inside Closed" send_inside_closed
	scenario "the queue moves between Started and PostStarted" \
		queue_and_callbacks
	scenario "completions of packets that were queued" queue_with_completions
	scenario "two instances of one class" two_instances
	scenario "a channel for any instance" any_instance
	scenario "64 channels, half of them rescinded" sixty_four
}
