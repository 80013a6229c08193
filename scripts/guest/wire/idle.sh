# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The machine suspends to idle: programs are frozen, devices are suspended, Linux'
# interrupts are off but for those that wake it, and the processors wait. Nothing of that
# concerns VMBus: its vector is no interrupt of Linux', and hv_vmbus' works and ours are
# not freezable. So channels go on, and the machine sleeps on. What wakes it is a key
# that the host types at the console, or a driver that asks for it.
#
# shellcheck disable=SC2154,SC2034 # note() sets c_* and h_*; scenario() uses channels

CONSOLE=/sys/class/tty/ttyS0

to_idle()
{
	echo freeze >/sys/power/state
}

# As far as the kernel's tests of it go: the processor waits for a second
suspend_idle()
{
	local delay=/sys/module/suspend/parameters/pm_test_delay level received

	channel a echo
	channel b "source rate=2000,size=64,completion=1"
	ctl a run 1000 64
	echo 1 >$delay
	for level in freezer devices platform; do
		echo $level >/sys/power/pm_test
		received=$(counted b received)
		expect "the machine suspends to idle, $level" to_idle
		for name in a b; do
			expect "$name: it is open" state $name Active
			note $name
			expect "$name: it was all the time" [ "$c_opened" -eq 1 ]
		done
		expect "b: packets arrive" within 10 counts b received -gt \
			$((received + 200))
	done
	echo none >/sys/power/pm_test
	echo 5 >$delay
	ctl a run off
	drained a
}

# idle_until COMMAND...: until the host has done this, which it is told last, so that the
# machine sleeps by then. A key that comes before the console can wake the machine does
# not, and the shell may be slow beside traffic: there is another one 15 s from now.
idle_until()
{
	local ret

	echo enabled >$CONSOLE/power/wakeup
	host after 15s type >/dev/null
	host "$@" >/dev/null
	to_idle
	ret=$?
	host cancel after >/dev/null
	echo disabled >$CONSOLE/power/wakeup
	return $ret
}

# It was the console's interrupt
woken_by_key()
{
	[ "$(cat /sys/power/pm_wakeup_irq 2>/dev/null)" = "$(cat $CONSOLE/irq)" ]
}

# The host sends all the time, and more while the machine sleeps; none of that wakes it
idle_traffic()
{
	local number round=0

	channel a echo
	channel b complete-never
	channel c sink
	channel d "source rate=1000,size=64,completion=1"
	ctl a run 1000 8
	in_flight b 50 128
	expect "traffic" within 10 counts a received -gt 200
	while [ $((round += 1)) -le 3 ] && [ "$bad" -eq 0 ]; do
		number c
		host after 2s behave "$number" source count=500,rate=0,size=64 >/dev/null
		expect "the machine suspends to idle, round $round" \
			idle_until after 3s type
		expect "a key has woken it" woken_by_key
		expect "c: what came meanwhile is there" within 10 \
			counts c received -eq $((500 * round))
		for name in a b c d; do
			expect "$name: it is open" state $name Active
			note $name
			expect "$name: it was all the time" [ "$c_opened" -eq 1 ]
			expect "$name: the host has seen nothing of it" [ "$h_opens" -eq 1 ]
			expect "$name: no number is missing" [ "$c_gaps" -eq 0 ]
		done
		for name in a d; do
			note $name
			expect "$name: there is traffic" within 10 counts $name received \
				-gt $((c_received + 200))
		done
	done
	expect "b: all are in flight still" counts b in_flight -eq 50
	ctl a run off
	drained a
}

# A driver lets a packet wake it: no interrupt of Linux' has done that
idle_packet()
{
	local number

	channel a sink
	ctl a hook process wake
	number a
	expect "the machine suspends to idle" \
		idle_until after 3s behave "$number" source count=500,rate=0,size=64
	expect "no key has woken it" refused woken_by_key
	note a
	expect "the driver has" [ "$c_hooked" -eq 1 ]
	expect "all packets are there" within 10 counts a received -eq 500
}

# The host takes devices away while it sleeps; one of them is back before it wakes.
# Whoever is to drive that is asked when the machine is awake.
idle_rescind()
{
	local number

	# What is sent before the guest knows of the rescind
	allow rx_missing
	channel a echo
	channel b echo
	for name in a b; do
		ctl $name reopen on
		ctl $name run 1000 8
		expect "$name: traffic" within 10 counts $name received -gt 200
	done
	for name in a b; do
		number $name
		host after 3s rescind "$number" >/dev/null
	done
	number a
	host after 3500ms offer "$number" >/dev/null
	expect "the machine suspends to idle" idle_until after 4s type
	expect "a key has woken it" woken_by_key
	dmesg | grep 'should not be sleeping' | tail -n 1 | show
	expect "a: it opens by itself" within 10 state a Active
	expect "b: it waits" within 10 state b Enabled
	reoffer b
	expect "b: it opens when the device comes" within 10 state b Active
	for name in a b; do
		received=$(counted $name received)
		expect "$name: there is traffic" within 10 counts $name received \
			-gt $((received + 200))
		ctl $name run off
		ctl $name reopen off
		note $name
		expect "$name: one rescind" [ "$c_rescinds" -eq 1 ]
		expect "$name: closed once" [ "$c_closed" -eq 1 ]
		expect "$name: opened twice" [ "$c_opened" -eq 2 ]
		drained $name
	done
}

idle_all()
{
	if [ -e /sys/power/pm_test ]; then
		scenario "the tests of suspend to idle" suspend_idle
	fi
	if [ -e $CONSOLE/power/wakeup ] && [ -e /sys/power/pm_wakeup_irq ]; then
		scenario "the machine suspends to idle under traffic" idle_traffic
		scenario "a packet wakes it" idle_packet
		scenario "devices go and come while it sleeps" idle_rescind
	else
		skipped "the machine suspends to idle under traffic" idle_traffic
	fi
}
