# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the host answers to requests, and when: late, in another order, too much, or
# never.
#
# shellcheck disable=SC2154,SC2034 # note() sets c_* and h_*; scenario() uses channels

completions()
{
	channel a echo
	ctl a send 200 64 completion
	drained a
	note a
	expect "each was completed by the host" [ "$c_done_ok" -eq 200 ]
	expect "in order" [ "$c_done_order" -eq 0 ]
}

completions_out_of_order()
{
	channel a complete-out-of-order
	allow done_order
	ctl a send 200 64 completion
	drained a
	note a
	expect "each was completed by the host" [ "$c_done_ok" -eq 200 ]
	expect "the host mixed them" [ "$c_done_order" -gt 0 ]
}

# The host answers with more than a packet has room for
completions_too_long()
{
	allow syncs done_other
	channel a "echo size=2000" packet=1024
	ctl a send 20 64 completion
	drained a
	note a
	expect "each has ended" [ "$c_done_other" -eq 20 ]
	expect "without data" [ $((c_replies + c_done_ok)) -eq 0 ]
	expect "each is counted" [ "$c_comps_too_long" -eq 20 ]
	ctl a sync 200 2>/tmp/sync
	expect "a synchronous request's buffer is too small" \
		grep -q 'No space left on device$' /tmp/sync
	at a behave echo
	ctl a send 20 64 completion
	drained a
	note a
	expect "each of the next 20 is completed" [ "$c_done_ok" -eq 20 ]
	expect "with its own data" [ "$c_replies" -eq 20 ]
	expect "no more were too long" [ "$c_comps_too_long" -eq 20 ]
}

# A length from the host cannot be true, so that nothing more is read
answers_unreadable()
{
	allow syncs done_other bad_packets
	channel a complete-never
	ctl a send 20 64 completion
	ctl a sync 64 60000 2>/tmp/sync &
	expect "the host has the requests" within 5 host_counts a rx_requests -eq 21
	note a
	expect "and answers none" [ "$c_in_flight" -eq 21 ]
	at a behave garble "seed=1,count=20,what=lengths"
	expect "each has ended" within 5 counts a done_other -eq 20
	wait $!
	expect "a synchronous one, too" grep -q 'Protocol error$' /tmp/sync
	note a
	expect "once" [ "$c_in_flight $c_unanswered $c_completed" = "0 21 21" ]
	ctl a send 1 64 completion 2>/tmp/send
	expect "another one is refused" grep -q 'Protocol error$' /tmp/send
	expect "what needs no answer is sent" ctl a send 10 64
	drained a
	note a
	expect "and has ended" [ "$c_done_ok" -eq 10 ]
	at a behave echo
	expect "disable" ctl a disable
	again a
	ctl a send 20 64 completion
	drained a
	note a
	expect "each of the next 20 is completed" [ "$c_done_ok" -eq 30 ]
	expect "no more were unanswered" [ "$c_unanswered" -eq 21 ]
}

# The host answers when the request was given up
completions_late()
{
	allow syncs rx_missing comps_stale
	channel a "complete-late ms=1000"
	ctl a sync 64 200 2>/tmp/sync
	expect "the request's time is over" grep -q 'Operation canceled$' /tmp/sync
	note a
	expect "it is in flight no more" [ "$c_in_flight" -eq 0 ]
	expect "the answer has not come" [ "$c_comps_stale" -eq 0 ]
	expect "it comes and is stale" within 5 counts a comps_stale -eq 1
	at a behave echo
	ctl a send 20 64 completion
	drained a
	note a
	expect "each of the next 20 is completed" [ "$c_done_ok" -eq 20 ]
	expect "by what the host answered" [ "$c_replies" -eq 20 ]
	expect "nothing else is stale" [ "$c_comps_stale" -eq 1 ]
}

# next_life COUNT END: it comes after that end; so many stale completions by then
next_life()
{
	# They wait for their completions when those from before the close come
	ctl a send 20 64 completion
	at a behave complete-late ms=200
	[ "$2" != rescind ] || reoffer a
	again a
	expect "20 stale completions more" within 5 counts a comps_stale -eq "$1"
	note a
	expect "each that was sent since is completed" [ "$c_done_ok" -eq "$1" ]
	expect "by its own answer" [ "$c_replies" -eq "$1" ]
	expect "none is in flight" [ "$c_in_flight" -eq 0 ]
}

# The host completes what was sent before the channel was closed and opened
completions_of_earlier_opening()
{
	local kept="complete-late ms=60000,keep=1"

	allow comps_stale done_order
	channel a "$kept"
	ctl a send 20 64 completion
	expect "the host has 20" within 5 host_counts a rx_requests -eq 20
	ctl a disable
	note a
	expect "each ended as cancelled" [ "$c_done_cancelled" -eq 20 ]
	next_life 20 disable
	# shellcheck disable=SC2086 # words
	at a behave $kept
	ctl a send 20 64 completion
	expect "the host has 20 more" within 5 host_counts a rx_requests -eq 60
	rescind a
	closed a
	note a
	expect "each ended as removed" [ "$c_done_removed" -eq 20 ]
	next_life 40 rescind
}

synchronous()
{
	allow syncs rx_missing
	channel a echo
	expect "a request is answered" ctl a sync 200
	ctl a send 10 64
	expect "and another one" ctl a sync 200
	drained a
}

sync_timeout()
{
	allow syncs rx_missing
	channel a complete-never
	expect "a request is given up" refused ctl a sync 64 300
	usleep 200000
}

disable_inside_sync()
{
	local start now

	allow syncs
	channel a complete-never
	ctl a sync 64 20000 2>/tmp/sync &
	expect "the request is out" within 5 counts a in_flight -eq 1
	now
	start=$now
	expect "disable" ctl a disable
	wait
	now
	expect "the request ended: the device is gone" \
		grep -q 'No such device$' /tmp/sync
	expect "at once" [ $((now - start)) -le 4 ]
	request_ends_at_once a
	again a
}

answers_all()
{
	scenario "completions" completions
	scenario "completions out of order" completions_out_of_order
	scenario "completions that are too long" completions_too_long
	scenario "answers that cannot be read" answers_unreadable
	scenario "completions after a time limit" completions_late
	scenario "completions of an earlier opening" completions_of_earlier_opening
	scenario "synchronous requests" synchronous
	scenario "a synchronous request that nobody answers" sync_timeout
	scenario "disable ends a synchronous request" disable_inside_sync
}
