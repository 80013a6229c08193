# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The machine hibernates, as far as the kernel's own tests of it go: all devices are
# suspended, VMBus is unloaded, the other processors are off; and all is resumed. The
# host offers its devices anew. No image is written.
#
# shellcheck disable=SC2154,SC2034 # note() sets c_* and h_*; scenario() uses channels

# Older kernels wait five seconds in each test, whatever is said
PM_DELAY=/sys/module/hibernate/parameters/pm_test_delay

# Times that the guest has unloaded VMBus
unloads()
{
	host stats | sed -n 's/^unloads //p'
}

to_disk()
{
	echo disk >/sys/power/state
}

hibernate()
{
	local ret

	[ ! -e $PM_DELAY ] || echo 0 >$PM_DELAY
	echo core >/sys/power/pm_test
	to_disk
	ret=$?
	echo none >/sys/power/pm_test
	return $ret
}

# Under traffic: nothing is lost, each channel is open again, and one that was paused
# is paused
hibernate_traffic()
{
	local before

	before=$(unloads)
	channel a echo
	channel b complete-never
	channel c echo
	channel d "source rate=2000,size=64,completion=1"
	offered e echo
	ctl a run 1000 64
	in_flight b 50 128
	expect "pause" ctl c pause
	expect "it is paused" within 5 state c Paused
	ctl c send 10 100
	expect "traffic" within 10 counts a received -gt 200
	expect "the machine hibernates" hibernate
	expect "VMBus was unloaded" [ "$(unloads)" -eq $((before + 1)) ]
	expect "a: it opens by itself" within 10 state a Active
	expect "b: it opens by itself" within 10 state b Active
	expect "c: it is paused" within 10 state c Paused
	expect "d: it opens by itself" within 10 state d Active
	expect "e: it is disabled" state e Disabled
	for name in a b c d; do
		note "$name"
		expect "$name: closed once" [ "$c_closed" -eq 1 ]
		expect "$name: opened twice" [ "$c_opened" -eq 2 ]
		expect "$name: that was no rescind" [ "$c_rescinds" -eq 0 ]
	done
	note b
	expect "what was in flight ended" [ "$c_done_cancelled" -eq 50 ]
	note c
	expect "what was queued is" [ "$c_queued" -eq 10 ]
	expect "start" ctl c start
	expect "it is active" within 5 state c Active
	drained c
	received=$c_received
	expect "more traffic" within 10 counts a received -gt $((received + 200))
	ctl a run off
	drained a
	note d
	expect "packets arrive" within 10 counts d received -gt $((c_received + 10))
	note e
	expect "nothing was called" [ $((c_opened + c_closed)) -eq 0 ]
	expect "enable" ctl e enable
	expect "it opens" within 10 state e Active
}

# A driver that keeps packets for too long keeps the machine awake
hibernate_refused()
{
	channel a "source rate=2000,size=64,completion=1"
	channel b echo
	ctl a hold on
	expect "packets are outstanding" within 5 counts a outstanding -gt 10
	expect "the machine does not hibernate" refused hibernate
	logged 'and the machine does not hibernate therefore'
	expect "b: it is open" within 10 state b Active
	ctl b send 10 64
	drained b
	ctl a hold off
	expect "a: it is open again" within 10 state a Active
	note a
	expect "closed as often as opened, but once" [ "$c_opens" -eq $((c_closed + 1)) ]
	expect "packets arrive" within 10 counts a received -gt $((c_received + 10))
}

# hibernate_if_possible WHAT SCENARIO
hibernate_if_possible()
{
	if [ -e /sys/power/pm_test ] && [ -e /sys/power/disk ]; then
		scenario "$@"
	else
		skipped "$@"
	fi
}

# hibernate_if_quick WHAT SCENARIO: or if it is asked for by name
hibernate_if_quick()
{
	if [ -e $PM_DELAY ] || [ -n "$only" ]; then
		hibernate_if_possible "$@"
	fi
}

hibernate_all()
{
	hibernate_if_possible "the machine hibernates under traffic" hibernate_traffic
	hibernate_if_quick "a driver that keeps packets keeps it awake" hibernate_refused
}
