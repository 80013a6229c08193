# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What a client's channel does with each call and each event in each state, as
# far as the other files do not come by there on their way: latches that are set
# before there is anything to run, calls that come while a callback runs, calls
# that change nothing. A pause that waits until the channel has come to rest
# comes after calls that do not wait, so that nothing of theirs is still to come.
#
# shellcheck disable=SC2154,SC2034 # note() sets c_* and h_*; scenario() uses channels

# called CHANNEL OPENED STARTED POST_STARTED SUSPEND CLOSED: how often, until now
called()
{
	note "$1"
	expect "$1: opened, started, post_started, suspend, closed: $2 $3 $4 $5 $6" \
		[ "$c_opened $c_started $c_post_started $c_suspend $c_closed" = \
			"$2 $3 $4 $5 $6" ]
}

# fails ERROR COMMAND...: with this error, as the shell words it at the end
fails()
{
	local error=$1 line=

	shift
	"$@" 2>/tmp/fails && return 1
	read -r line </tmp/fails
	[ "$line" != "${line%"$error"}" ]
}

# still_waits: the command in the background does not return yet
still_waits()
{
	usleep 100000
	expect "the call waits" waits
}

# returns: it does now
returns()
{
	ctl "$1" release
	wait
}

# running CHANNEL [TIMES]: PostStarted, the last step, has come so often
running()
{
	expect "$1: the channel runs" within 10 state "$1" Active
	expect "$1: PostStarted has come" within 5 counts "$1" post_started -ge "${2:-1}"
}

# waiting CHANNEL: a client whose device does not exist yet; offer() makes it
waiting()
{
	client "$1" "$(instance "$offers")"
	expect "enable without a device" ctl "$1" enable
	expect "the channel waits" state "$1" Enabled
}

# Pause while Disabled is remembered for one opening
disabled_pause()
{
	offered a echo
	expect "pause" ctl a pause
	expect "the channel is Disabled" state a Disabled
	ctl a send 5 64
	expect "enable" ctl a enable
	expect "it opens as Paused" within 10 state a Paused
	called a 1 0 0 0 0
	expect "the host's channel is open" host_state a open
	expect "nothing was sent" [ "$c_sent" -eq 0 ]
	expect "start" ctl a start
	running a
	called a 1 1 1 0 0
	drained a
	expect "disable" ctl a disable
	called a 1 1 1 1 1
	expect "enable" ctl a enable
	# The pause is forgotten
	running a 2
	called a 2 2 2 1 1

	expect "disable" ctl a disable
	expect "pause" ctl a pause
	expect "start undoes it" ctl a start
	expect "the channel is Disabled" state a Disabled
	expect "enable" ctl a enable
	running a 3
	called a 3 3 3 2 2
}

enabled_pause()
{
	waiting a
	expect "a second enable is refused" fails busy ctl a enable
	expect "pause" ctl a pause
	expect "which is for later" state a Enabled
	ctl a send 5 64
	offer a echo
	expect "the channel opens as Paused" within 10 state a Paused
	called a 1 0 0 0 0
	expect "nothing was sent" [ "$c_sent" -eq 0 ]
	expect "an enable is refused" fails busy ctl a enable
	expect "start" ctl a start
	running a
	expect "an enable is refused" fails busy ctl a enable
	called a 1 1 1 0 0
	drained a
}

enabled_pause_start()
{
	waiting a
	expect "pause" ctl a pause
	expect "start" ctl a start
	expect "the channel waits" state a Enabled
	offer a echo
	running a
	called a 1 1 1 0 0
}

# What has begun is finished, and undone
disable_while_opening()
{
	offered a echo
	ctl a send 5 64
	host withhold open >/dev/null
	ctl a enable
	expect "the open is on its way" within 5 host_state a opening
	expect "the channel is Enabled" state a Enabled
	ctl a disable &
	still_waits
	expect "it is Enabled until the host has answered" state a Enabled
	called a 0 0 0 0 0
	host release open >/dev/null
	wait
	expect "disable returned with the channel Disabled" state a Disabled
	note a
	expect "neither Started, PostStarted nor Suspend" \
		[ $((c_started + c_post_started + c_suspend)) -eq 0 ]
	expect "Closed if there was Opened" [ "$c_closed" -eq "$c_opened" ]
	expect "no PnpFailure" [ "$c_pnp_failure" -eq 0 ]
	expect "nothing was sent" [ "$c_sent" -eq 0 ]
	expect "the host saw one open" [ "$h_opens" -eq 1 ]
	expect "and one close" [ "$h_closes" -eq 1 ]
	again a
}

# inside_begins CALLBACK: the channel a, with 5 packets queued, is in the callback
inside_begins()
{
	offered a echo
	ctl a send 5 64
	ctl a hook "$1" "${2:-block}"
	ctl a enable
	expect "$1 has begun" within 5 blocked a "$1"
}

pause_inside_opened()
{
	inside_begins opened
	expect "pause returns at once" ctl a pause
	expect "Opened still runs" blocked a opened
	expect "the channel is Enabled" state a Enabled
	ctl a release
	expect "the channel is Paused" within 5 state a Paused
	called a 1 0 0 0 0
	expect "nothing was sent" [ "$c_sent" -eq 0 ]
	ctl a start
	running a
	drained a
}

disable_inside_opened()
{
	inside_begins opened
	ctl a disable &
	still_waits
	expect "the channel is Enabled" state a Enabled
	called a 1 0 0 0 0
	returns a
	expect "disable returned with the channel Disabled" state a Disabled
	called a 1 0 0 0 1
	expect "nothing was sent" [ "$c_sent" -eq 0 ]
	expect "the host saw one open" [ "$h_opens" -eq 1 ]
	expect "and one close" [ "$h_closes" -eq 1 ]
	again a
}

# The device goes while Opened runs, and then Opened refuses as well
rescind_inside_opened_that_fails()
{
	inside_begins opened block-fail
	rescind a
	usleep 200000
	expect "the channel is Enabled" state a Enabled
	called a 1 0 0 0 0
	ctl a release
	closed a
	called a 1 0 0 0 0
	expect "Opened has refused" [ "$c_hook_result" -eq -5 ]
	expect "no PnpFailure" [ "$c_pnp_failure" -eq 0 ]
	expect "nothing was sent" [ "$c_sent" -eq 0 ]
	expect "the packets wait" [ "$c_queued" -eq 5 ]
	expect "the library has no opening to count" [ "$c_opens" -eq 0 ]
	expect "nor a close" [ "$c_closes" -eq 0 ]
	expect "the guest has released the device" within 5 host_state a absent
	reoffer a
	usleep 200000
	expect "an offer alone opens nothing" state a Disabled
	again a
	running a
	called a 2 1 1 0 0
}

# The way to Active is gone to its end, and then back
pause_inside_started()
{
	inside_begins started
	expect "the channel is Opened" state a Opened
	ctl a pause &
	still_waits
	called a 1 1 0 0 0
	returns a
	expect "the channel is Paused" state a Paused
	called a 1 1 1 1 0
	expect "what was queued had gone out" [ "$c_sent" -eq 5 ]
	ctl a send 5 64
	expect "what is sent now has not" counts a sent -eq 5
	ctl a start
	running a 2
	called a 1 2 2 1 0
	drained a
}

pause_inside_post_started()
{
	inside_begins post_started
	expect "the channel is Active" state a Active
	expect "the 5 come back while PostStarted runs" within 5 counts a received -eq 5
	ctl a pause &
	still_waits
	called a 1 1 1 0 0
	returns a
	expect "the channel is Paused" state a Paused
	called a 1 1 1 1 0
	ctl a send 5 64
	ctl a start
	running a 2
	called a 1 2 2 1 0
	drained a
}

# What is left of the way is not gone
disable_inside_started()
{
	inside_begins started
	expect "the channel is Opened" state a Opened
	ctl a disable &
	still_waits
	called a 1 1 0 0 0
	returns a
	expect "disable returned with the channel Disabled" state a Disabled
	called a 1 1 0 1 1
	expect "the gates were never opened" [ "$c_sent" -eq 0 ]
	expect "the host saw it close" [ "$h_closes" -eq 1 ]
	again a
}

disable_inside_post_started()
{
	inside_begins post_started
	expect "the channel is Active" state a Active
	drained a
	ctl a disable &
	still_waits
	called a 1 1 1 0 0
	expect "the host's channel is open" host_state a open
	returns a
	expect "disable returned with the channel Disabled" state a Disabled
	called a 1 1 1 1 1
	expect "the host saw it close" [ "$h_closes" -eq 1 ]
	ctl a send 5 64
	again a
}

nothing_to_do()
{
	channel a echo
	expect "start of a channel that is Active" ctl a start
	expect "and again" ctl a start
	running a
	expect "pause" ctl a pause
	expect "Paused" state a Paused
	called a 1 1 1 1 0
	expect "pause of a channel that is Paused" ctl a pause
	expect "Paused" state a Paused
	called a 1 1 1 1 0
	ctl a send 5 64
	ctl a start
	running a 2
	called a 1 2 2 1 0
	drained a
	expect "disable" ctl a disable
	expect "and again" ctl a disable
	called a 1 2 2 2 1
	expect "the host saw one open" [ "$h_opens" -eq 1 ]
	expect "and one close" [ "$h_closes" -eq 1 ]
}

# A pause leaves alone what is in flight; closing does not
paused_disable()
{
	channel a complete-never
	running a
	ctl a send 5 64 completion
	drained_by_host
	ctl a pause
	expect "5 are in flight" counts a in_flight -eq 5
	ctl a send 3 64
	expect "disable" ctl a disable
	expect "Disabled" state a Disabled
	called a 1 1 1 1 1
	expect "the 5 ended as cancelled" [ "$c_done_cancelled" -eq 5 ]
	expect "in order" [ "$c_done_order" -eq 0 ]
	expect "nothing else ended" [ "$c_done" -eq 5 ]
	expect "the 3 are queued" [ "$c_queued" -eq 3 ]
	again a
	expect "the host has them" [ "$h_rx_packets" -eq 8 ]
}

drained_by_host()
{
	expect "the host has the 5" within 5 host_counts a rx_packets -eq 5
}

# Disable from elsewhere waits for a Closed that it has not caused, and for one
# that another disable has
disable_inside_closed()
{
	channel a echo
	running a
	ctl a hook closed block
	rescind a
	expect "Closed has begun" within 5 blocked a closed
	expect "the channel is Closed" state a Closed
	ctl a disable &
	still_waits
	expect "the channel is Closed" state a Closed
	expect "an enable is refused" fails busy ctl a enable
	returns a
	expect "disable returned with the channel Disabled" state a Disabled
	called a 1 1 1 1 1
	expect "it was the host's close" [ "$c_rescinds" -eq 1 ]
	reoffer a
	again a
	running a

	ctl a hook closed block
	ctl a disable &
	expect "Closed has begun" within 5 blocked a closed
	ctl a disable &
	still_waits
	expect "the channel is Closed" state a Closed
	returns a
	expect "disable returned with the channel Disabled" state a Disabled
	called a 2 2 2 2 2
	expect "it was not the host's close" [ "$c_rescinds" -eq 1 ]
	again a
}

# closed_once HOW NOT: the disable of a rescinded channel with 20 packets in flight
# ends, and these ended HOW
closed_once()
{
	still_waits
	returns a
	expect "disable returned with the channel Disabled" state a Disabled
	after_rescind a
	note a
	expect "each ended as $1" counts a "done_$1" -eq 20
	expect "none as $2" counts a "done_$2" -eq 0
	expect "Closed once" [ "$c_closed" -eq 1 ]
	expect "Suspend once" [ "$c_suspend" -eq 1 ]
}

# Whichever of the two began first says how the packets end
disable_inside_rescind()
{
	channel a complete-never
	running a
	in_flight a 20 64
	ctl a hook suspend block
	rescind a
	expect "Suspend has begun" within 5 blocked a suspend
	expect "they have ended before it" counts a done_removed -eq 20
	ctl a disable &
	closed_once removed cancelled
	expect "it was the host's close" [ "$c_rescinds" -eq 1 ]
	back a
}

rescind_inside_disable()
{
	channel a complete-never
	running a
	in_flight a 20 64
	ctl a hook suspend block
	ctl a disable &
	expect "Suspend has begun" within 5 blocked a suspend
	expect "they are still in flight" counts a in_flight -eq 20
	rescind a
	closed_once cancelled removed
	expect "it was not the host's close" [ "$c_rescinds" -eq 0 ]
	back a
}

# Nothing can be set
settings_refused()
{
	local what

	for what in ops name flags process packet context "ring 65536" \
		"target $WIRE_CLASS $(instance 0)"; do
		# shellcheck disable=SC2086 # words
		expect "$1: $what is refused" fails busy ctl a set $what
	done
}

# For an echo that is stalled: how much of what is sent goes into the ring
ring_has_room()
{
	at a stall
	note a
	room=$c_sent
	ctl a send 140 500
	note a
	room=$((c_sent - room))
	expect "some wait" [ "$c_queued" -gt 0 ]
	at a unstall
	drained a
}

# What Init* calls set, and when they may: also after Closed, whatever its cause
settings()
{
	local what small

	waiting a
	settings_refused Enabled
	expect "disable" ctl a disable
	for what in ops name flags process packet context "ring 16384"; do
		# shellcheck disable=SC2086 # words
		expect "Disabled: $what is set" ctl a set $what
	done
	offer a echo
	expect "enable" ctl a enable
	running a
	settings_refused Active
	ring_has_room
	small=$room
	ctl a pause
	settings_refused Paused
	ctl a hook closed block
	rescind a
	expect "Closed has begun" within 5 blocked a closed
	settings_refused Closed
	ctl a release
	closed a
	for what in ops name flags process context "ring 65536"; do
		# shellcheck disable=SC2086 # words
		expect "after Closed: $what is set" ctl a set $what
	done
	expect "the packets' size is settled" fails busy ctl a set packet
	reoffer a
	again a
	ring_has_room
	expect "the ring has more room, $room packets instead of $small" \
		[ "$room" -gt $((small * 2)) ]
	expect "disable" ctl a disable
	expect "after a disable, too" ctl a set ring 16384
	again a
}

# A channel that was given another target takes its queue there
settings_other_target()
{
	channel a echo
	drained a
	rescind a
	closed a
	offer b echo
	ctl a send 10 64
	expect "another target" \
		ctl a set target "$WIRE_CLASS" "$(instance $((offers - 1)))"
	eval "offer_a=$((offers - 1))"
	again a
	expect "the other device has them" [ "$h_rx_packets" -eq 10 ]
}

# closing_said: how often the library had to disable a channel that was freed
closing_said()
{
	dmesg | grep -c ' a: cleanup of a channel that is enabled'
}

# ended: what the host has counted for a channel that is no more
ended()
{
	number a
	host stats "$number" >/tmp/stats
	sed -n "s/^$1 //p" /tmp/stats
}

# lost_said: how often the client had to say that a channel's end was wrong
lost_said()
{
	dmesg | grep -c -e 'never completed' -e 'at its end'
}

# Cleanup of a channel that is not disabled: that comes first, with a warning.
# What is in flight and what is queued ends as cancelled, in order, before the
# client's own end: see free_channel() in kmcl_traffic_main.c
cleanup()
{
	local said lost

	channel a complete-never ring=16384
	ctl a send 5 64 completion
	drained_by_host
	at a stall
	ctl a send 100 500
	note a
	expect "5 are in flight" [ "$c_in_flight" -eq 5 ]
	expect "and some are queued" [ "$c_queued" -gt 50 ]
	consistent a
	said=$(closing_said)
	lost=$(lost_said)
	expect "close without disable" traffic close a enabled
	expect "gone" gone a
	expect "the library said what is wrong" [ "$(closing_said)" -eq $((said + 1)) ]
	expect "it suspended, closed, and cancelled" [ "$(lost_said)" -eq "$lost" ]
	expect "the host saw it close" [ "$(ended closes)" -eq 1 ]
	expect "the host has no GPADL" [ "$(ended gpadls_live)" -eq 0 ]
	at a rescind
	eval "offer_a="
	channels=''
}

states_all()
{
	scenario "pause, and start, of a Disabled channel" disabled_pause
	scenario "pause of a channel without a device" enabled_pause
	scenario "pause and start of a channel without a device" \
		enabled_pause_start
	scenario "disable while the open is not answered" disable_while_opening
	scenario "pause inside Opened" pause_inside_opened
	scenario "pause inside Started" pause_inside_started
	scenario "pause inside PostStarted" pause_inside_post_started
	scenario "disable inside Opened" disable_inside_opened
	scenario "disable inside Started" disable_inside_started
	scenario "disable inside PostStarted" disable_inside_post_started
	scenario "disable while Closed runs" disable_inside_closed
	scenario "disable while a rescind is under way" disable_inside_rescind
	scenario "rescind while a disable is under way" rescind_inside_disable
	scenario "rescind inside an Opened that refuses" \
		rescind_inside_opened_that_fails
	scenario "calls that change nothing" nothing_to_do
	scenario "disable of a Paused channel" paused_disable
	scenario "what is set, and when" settings
	scenario "another target after Closed" settings_other_target
	scenario "cleanup of a channel that is enabled" cleanup
}
