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

to_disk()
{
	no_servers
	echo disk >/sys/power/state
}

# hibernate [LEVEL]: one of /sys/power/pm_test
hibernate()
{
	local ret

	[ ! -e $PM_DELAY ] || echo 0 >$PM_DELAY
	echo "${1:-core}" >/sys/power/pm_test
	to_disk
	ret=$?
	echo none >/sys/power/pm_test
	return $ret
}

# counted CHANNEL NAME: a counter
counted()
{
	note "$1"
	eval "echo \$c_$2"
}

# hibernate_rounds ROUNDS UNLOADS COMMAND...: under traffic, that often. Nothing is lost
# or comes twice, each channel is open again, and one that was paused is paused. Each
# time VMBus is unloaded UNLOADS times.
hibernate_rounds()
{
	local before rounds=$1 unloads=$2 round=0

	shift 2
	before=$(host_total unloads)
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
	while [ $((round += 1)) -le "$rounds" ] && [ "$bad" -eq 0 ]; do
		expect "the machine hibernates, round $round" "$@"
		expect "a: it opens by itself" within 10 state a Active
		expect "b: it opens by itself" within 10 state b Active
		expect "c: it is paused" within 10 state c Paused
		expect "d: it opens by itself" within 10 state d Active
		expect "e: it is disabled" state e Disabled
		for name in a b c d; do
			note "$name"
			expect "$name: it is closed in each round" \
				[ "$c_closed" -eq $round ]
			expect "$name: it is opened in each round" \
				[ "$c_opened" -eq $((round + 1)) ]
			expect "$name: the host has seen no more of them" \
				[ "$h_opens" -eq $((round + 1)) ]
			expect "$name: that was no rescind" [ "$c_rescinds" -eq 0 ]
		done
		received=$(counted a received)
		expect "there is traffic" within 10 counts a received -gt \
			$((received + 200))
	done
	expect "VMBus was unloaded" \
		[ "$(host_total unloads)" -eq $((before + rounds * unloads)) ]
	note b
	expect "what was in flight ended" [ "$c_done_cancelled" -eq 50 ]
	note c
	expect "what was queued is" [ "$c_queued" -eq 10 ]
	expect "start" ctl c start
	expect "it is active" within 5 state c Active
	drained c
	ctl a run off
	drained a
	note d
	expect "packets arrive" within 10 counts d received -gt $((c_received + 10))
	note e
	expect "nothing was called" [ $((c_opened + c_closed)) -eq 0 ]
	expect "enable" ctl e enable
	expect "it opens" within 10 state e Active
}

hibernate_traffic()
{
	hibernate_rounds "${hibernations:-1}" 1 hibernate
	[ "${hibernations:-1}" -le 1 ] || echo "|           $hibernations rounds, $(counted a received) packets"
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

# The tests that go less far: VMBus is there all the time up to devices
hibernate_levels()
{
	local before closed=0 level

	channel a echo
	channel b "source rate=2000,size=64,completion=1"
	ctl a run 1000 64
	for level in freezer devices platform processors; do
		before=$(counted a received)
		expect "$level" hibernate $level
		case $level in
		p*)	closed=$((closed + 1)) ;;
		esac
		for name in a b; do
			expect "$name: it is open after $level" within 10 state $name Active
			note $name
			expect "$name: closed by $level" [ "$c_closed" -eq $closed ]
		done
		expect "there is traffic" within 10 counts a received -gt \
			$((before + 200))
	done
	ctl a run off
	drained a
}

# Devices that are bound to the driver, and not open, or have none
hibernate_idle()
{
	local before

	offer unused echo
	channel a echo
	ctl a disable
	expect "a: it is disabled" state a Disabled
	before=$(host_total unloads)
	expect "the machine hibernates" hibernate platform
	expect "VMBus was unloaded" [ "$(host_total unloads)" -eq $((before + 1)) ]
	expect "a: it is disabled still" state a Disabled
	note a
	expect "a: nothing was called" [ $((c_opened + c_closed)) -eq 2 ]
	expect "enable" ctl a enable
	expect "it opens" within 10 state a Active
	ctl a send 10 64
	drained a
	at unused rescind
}

# The host does not offer a device any more. Its channel stays closed, and waits; the
# others go on. When the device is back, hv_vmbus makes no new one of it, and tells no
# driver.
hibernate_missing()
{
	channel a echo
	channel b echo
	ctl a run 1000 64
	ctl b run 1000 64
	expect "the host forgets it" at a forget
	expect "the machine hibernates" hibernate platform
	expect "a: it waits" within 10 state a Enabled
	logged 'the host does not offer it any more' 1
	ctl a run off
	note a
	expect "a: closed once" [ "$c_closed" -eq 1 ]
	expect "b: it is open again" within 10 state b Active
	note b
	expect "b: there is traffic" within 10 counts b received -gt $((c_received + 200))
	ctl b run off
	drained b
	expect "unbind" bound a unbind
	expect "the host offers it" at a offer
	expect "a: it waits still" state a Enabled
	expect "bind" within 10 bound a bind
	expect "a: it opens by itself" within 10 state a Active
	drained a
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
	if [ "${images:-0}" -ge 1 ]; then
		unshared scenario "the machine is off meanwhile" hibernate_off
	fi
	# A kernel that has hv_vmbus built in always unloads it
	if [ "${images:-0}" -ge 2 ] && [ -e /modules/hv_vmbus.ko ]; then
		unshared scenario "a kernel without VMBus restores it" \
			hibernate_off_plain
	fi
	hibernate_if_quick "the tests that go less far" hibernate_levels
	hibernate_if_quick "with devices that are not open" hibernate_idle
	hibernate_if_quick "a device is gone afterwards" hibernate_missing
	hibernate_if_quick "a driver that keeps packets keeps it awake" hibernate_refused
}
