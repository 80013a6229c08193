# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What may wait for what, and for how long.
#
# shellcheck disable=SC2154,SC2034 # note() sets c_* and h_*; scenario() uses channels

# A driver waits for ordinary work of its own in each callback, as drivers do when
# their device goes. The kernel warns if the library's workqueue may not wait for
# it, and a warning fails the run.
flush_in_callbacks()
{
	local callback

	offered a "source rate=100,size=64"
	ctl a passive on
	for callback in opened started post_started process suspend closed; do
		ctl a hook "$callback" flush 50
	done
	expect "enable" ctl a enable
	expect "four callbacks have waited for work" within 10 counts a hooked -eq 4
	rescind a
	closed a
	note a
	expect "and two more" [ "$c_hooked" -eq 6 ]
	expect "Closed once" [ "$c_closed" -eq 1 ]
	ctl a passive off
}

flush_in_pnp_failure()
{
	offered a echo
	host refuse open 1 >/dev/null
	ctl a hook pnp_failure flush 50
	expect "enable" ctl a enable
	expect "pnp_failure has waited for work" within 10 counts a hooked -eq 1
}

# A driver keeps incoming packets for more than a minute, while the host takes the
# device away, and another one while its channel is being disabled. The kernel must
# not report a hung task, which fails the run; other scenarios run meanwhile.
held_begin()
{
	local name

	allow rx_missing gaps
	for name in held kept; do
		channel "$name" "source rate=0,size=64"
		ctl "$name" quota 16
		ctl "$name" hold on
		expect "$name: packets are held" within 10 \
			counts "$name" outstanding -eq 16
		at "$name" behave sink
	done
	rescind held
	# Not a job of this shell, which others wait for
	(ctl kept disable &)
	now
	held=$now
	channels=''
}

# told CHANNEL: how often the log named its device in the meantime
told()
{
	number "$1"
	dmesg | grep -c "still waiting for .* 16 packets not completed by the driver; device $(instance "$number") .*driver with tr_"
}

held_end()
{
	local left name now times

	allow rx_missing gaps
	channels="held kept"
	now
	left=$((65 - now + held))
	[ "$left" -le 0 ] || sleep "$left"
	for name in held kept; do
		times=$(told "$name")
		now
		expect "$name: the log says who is waited for" [ "$times" -ge 1 ]
		expect "$name: at most once a minute" \
			[ "$times" -le $(((now - held + 30) / 60)) ]
		expect "$name: Closed waits" counts "$name" closed -eq 0
		ctl "$name" hold off
		closed "$name"
	done
	reoffer held
	again held
	again kept
}

suspend_test()
{
	echo freeze >/sys/power/state
}

# All tasks are frozen and thawed, as at the begin of a suspend. (The program that
# waits holds a lock of the file system's, of which lockdep warns here.)
suspend_during_request()
{
	local delay=/sys/module/suspend/parameters/pm_test_delay

	allow syncs rx_missing
	channel a complete-never
	ctl a sync 64 60000 2>/tmp/sync &
	expect "the request is out" within 5 counts a in_flight -eq 1
	echo freezer >/sys/power/pm_test
	echo 3000 >/sys/power/pm_freeze_timeout
	echo 1 >$delay
	expect "the system can be suspended" suspend_test
	echo none >/sys/power/pm_test
	expect "the request waits on" waits
	expect "and is still out" counts a in_flight -eq 1
	rescind a
	wait
	expect "the request ended: the device is gone" \
		grep -q 'No such device$' /tmp/sync
	closed a
}

# turn_clock SECONDS: forward, or back if negative
turn_clock()
{
	date -s "@$(($(date +%s) + $1))" >/dev/null
}

# A time limit an hour ahead has come when the clock is set forward; one that is a
# time from now, and one that is later, have not
clock_is_set()
{
	allow syncs rx_missing
	channel a complete-never
	channel b complete-never
	(ctl b sync 64 3600000 2>/tmp/later &)
	ctl a until 64 3600000 2>/tmp/sync &
	expect "a request is out" within 5 counts a in_flight -eq 1
	expect "another one is" within 5 counts b in_flight -eq 1
	turn_clock -7200
	turn_clock 7200
	usleep 300000
	expect "it waits while the hour is not over" waits
	turn_clock 7200
	wait
	turn_clock -7200
	expect "the request's time is over" grep -q 'Operation canceled$' /tmp/sync
	expect "the other one's is not" counts b in_flight -eq 1
	rescind b
	closed b
}

waits_all()
{
	scenario "the clock is set while requests wait" clock_is_set
	scenario "callbacks wait for ordinary work" flush_in_callbacks
	scenario "so does pnp_failure" flush_in_pnp_failure
}

# While nothing else waits: only requests can be frozen
suspend_all()
{
	if [ -e /sys/power/pm_test ] && [ "${checkers:-0}" -eq 0 ]; then
		scenario "a suspend while a request waits" suspend_during_request
	else
		skipped "a suspend while a request waits" suspend_during_request
	fi
}
