# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A device could have several drivers: which one gets it, at first and whenever it
# is offered again. The others are hv_utils, which kernels have, for heartbeat
# devices, and kmcl_traffic_driver for a class of its own.
#
# shellcheck disable=SC2154,SC2034 # note() sets c_* and h_*; scenario() uses channels

HEARTBEAT=57164f39-9115-4e78-ab55-382f3bd5422d
OTHER_CLASS=6b6d636c-7472-4166-8669-630000000002
PROBING=/sys/module/kmcl_traffic_driver/parameters/probing

# driver_is CHANNEL NAME: of its device; "none" if it has none
driver_is()
{
	local dev name=none

	dev=/sys/bus/vmbus/devices/$(device_of "$1")
	[ ! -e "$dev/driver" ] || name=$(basename "$(readlink "$dev/driver")")
	[ -e "$dev/device_id" ] && [ "$name" = "$2" ]
}

ours()
{
	driver_is "$1" "vmbkmcl-$WIRE_CLASS"
}

# taken CHANNEL NAME: by the kernel's driver
taken()
{
	expect "$1 is the device of $2" within 5 driver_is "$1" "$2"
}

# away CHANNEL: the host has taken back an offer
away()
{
	rescind "$1"
	expect "the guest has released $1" within 5 host_state "$1" absent
}

# The next two offers: a channel for the first, and the second for hv_utils. Never
# do both get to hv_utils, which would free its buffer twice.
one_of_two()
{
	offer a echo
	offer b echo
	expect "a is open" within 10 state a Active
	expect "a is ours" ours a
	taken b hv_utils
	drained a
	rescind b
	rescind a
	closed a
	expect "the guest has released b" within 5 host_state b absent
	# It is kept for a channel that its driver has not enabled yet
	reoffer b
	taken b hv_utils
	reoffer a
	expect "a is ours, though its channel is disabled" within 5 ours a
	ctl a send 10 64
	again a
	# And so soon after Closed that nothing but the order of things decides
	ctl a reopen on
	rescind a
	reoffer a
	expect "a opens again" within 10 counts a opens -eq 3
	ctl a reopen off
	expect "a is ours" ours a
	expect "b is hv_utils'" driver_is b hv_utils
	drained a
}

# The stock driver is there first
claim_after_stock()
{
	local WIRE_CLASS=$HEARTBEAT

	expect "insmod hv_utils" insmod /modules/hv_utils.ko
	client a "$(instance "$offers")"
	expect "enable" ctl a enable
	one_of_two
	away b
	expect "rmmod hv_utils" rmmod hv_utils
}

# It comes later, at first for devices that are there
claim_before_stock()
{
	local WIRE_CLASS=$HEARTBEAT

	offered c echo
	offer d echo
	expect "enable" ctl c enable
	expect "c is open" within 10 state c Active
	expect "d has no driver" driver_is d none
	expect "insmod hv_utils" insmod /modules/hv_utils.ko
	taken d hv_utils
	expect "c is ours" ours c
	away d
	client a "$(instance "$offers")"
	expect "enable" ctl a enable
	one_of_two
	away b
	expect "rmmod hv_utils" rmmod hv_utils
}

# One device for each channel, and the rest for hv_utils
claim_any()
{
	local WIRE_CLASS=$HEARTBEAT round=0

	expect "insmod hv_utils" insmod /modules/hv_utils.ko
	client a
	expect "enable for any instance" ctl a enable
	offer a echo
	expect "it opens" within 10 state a Active
	while [ "$round" -lt 3 ]; do
		offer b echo
		taken b hv_utils
		away b
		rescind a
		closed a
		reoffer a
		expect "a is kept for it" within 5 ours a
		again a
		round=$((round + 1))
	done
	expect "rmmod hv_utils" rmmod hv_utils
}

# heartbeat CHANNEL [OPTION]: hv_utils is there, and the channel has a device
heartbeat()
{
	expect "insmod hv_utils" insmod /modules/hv_utils.ko
	client "$1" "$(instance "$offers")" "$2"
	expect "enable" ctl "$1" enable
	offer "$1" echo
	expect "it opens" within 10 state "$1" Active
}

# The log has said, since it was cleared, how to get the device
hinted()
{
	dmesg | grep -q "device $(device_of "$1") belongs to driver $2;"
}

# What the hint says, to get a device from its driver
get_from()
{
	local dev

	dev=$(device_of "$1")
	expect "unbind from $2" eval "echo $dev >/sys/bus/vmbus/drivers/$2/unbind"
	# If the channel was enabled just now, its search may find the free device
	expect "bind to ours" eval "bound $1 bind 2>/dev/null || within 5 ours $1"
	expect "the channel opens" within 10 state "$1" Active
}

# The channel is disabled: its device stays, until somebody gives it back by hand
give_back_by_hand()
{
	local WIRE_CLASS=$HEARTBEAT dev

	heartbeat a
	dev=$(device_of a)
	ctl a disable
	expect "a is still ours" ours a
	again a
	ctl a disable
	expect "unbind" bound a unbind
	expect "it has no driver" driver_is a none
	expect "probe" eval "echo $dev >/sys/bus/vmbus/drivers_probe"
	taken a hv_utils
	dmesg -c >/dev/null
	expect "enable" ctl a enable
	expect "the log says how to get it" within 5 hinted a hv_utils
	expect "the channel waits" state a Enabled
	get_from a hv_utils
	drained a
	expect "rmmod hv_utils" rmmod hv_utils
}

# The channel's driver has asked for that
give_back_on_request()
{
	local WIRE_CLASS=$HEARTBEAT round=0

	heartbeat a giveback
	ctl a disable
	taken a hv_utils
	expect "enable" ctl a enable
	expect "the channel waits" state a Enabled
	get_from a hv_utils
	# Enabled again at once: it is one's or the other's, and nothing is lost
	while [ "$round" -lt 10 ]; do
		ctl a send 5 64
		ctl a disable
		ctl a enable
		within 5 driver_is a hv_utils && get_from a hv_utils
		expect "the channel is open" within 10 state a Active
		drained a
		round=$((round + 1))
	done
	expect "close" traffic close a
	channels=''
	taken a hv_utils
	away a
	offer_a=
	expect "rmmod hv_utils" rmmod hv_utils
}

# Freed without that request, it has no driver, and can be had by any at once
claim_ends_with_channel()
{
	local WIRE_CLASS=$HEARTBEAT round=0

	while [ "$round" -lt 3 ]; do
		offered a echo
		expect "enable" ctl a enable
		expect "it opens" within 10 state a Active
		expect "close" traffic close a
		channels=''
		expect "a has no driver" driver_is a none
		expect "the class has none" \
			[ ! -e "/sys/bus/vmbus/drivers/vmbkmcl-$WIRE_CLASS" ]
		expect "insmod hv_utils" insmod /modules/hv_utils.ko
		taken a hv_utils
		away a
		offer_a=
		expect "rmmod hv_utils" rmmod hv_utils
		round=$((round + 1))
	done
}

# returned PID: a command in the background has ended
returned()
{
	! kill -0 "$1" 2>/dev/null
}

# probing_begins CHANNEL...: devices of another class, and the probe() of the first
# one's driver does not end
probing_begins()
{
	local WIRE_CLASS=$OTHER_CLASS name

	for name; do
		offer "$name" echo
	done
	for name; do
		expect "$name is there" within 5 driver_is "$name" none
	done
	insmod /modules/kmcl_traffic_driver.ko class=$OTHER_CLASS probing=wait &
	insmod_pid=$!
	expect "its driver probes" within 5 driver_is "$1" kmcl_traffic_driver
}

# probing_ends HOW: wait for that
probing_ends()
{
	expect "the probe ends" eval "echo $1 >$PROBING"
	expect "insmod returns" within 10 returned "$insmod_pid"
}

# Meanwhile nobody waits: neither the channels of that class nor all others
device_that_is_probed()
{
	local WIRE_CLASS=$WIRE_CLASS pid insmod_pid

	offered a echo
	probing_begins s d
	WIRE_CLASS=$OTHER_CLASS
	client c "$(instance "$((offers - 2))")"
	client d "$(instance "$((offers - 1))")"
	ctl c enable &
	pid=$!
	expect "enabling returns" within 2 returned $pid
	ctl a enable &
	pid=$!
	expect "that of another class, too" within 2 returned $pid
	expect "which opens" within 5 state a Active
	ctl d enable &
	pid=$!
	expect "that of another device, too" within 2 returned $pid
	expect "which opens" within 5 state d Active
	drained a
	drained d
	ctl c disable &
	pid=$!
	expect "disabling returns" within 2 returned $pid
	traffic close c &
	pid=$!
	expect "freeing returns" within 4 returned $pid
	traffic close d &
	pid=$!
	expect "that of the class's last one, too" within 4 returned $pid
	channels=' a'
	expect "the driver still probes" waits_for_probe
	probing_ends succeed
	taken s kmcl_traffic_driver
	expect "rmmod kmcl_traffic_driver" rmmod kmcl_traffic_driver
	away d
	away s
	offer_d='' offer_s=''
}

waits_for_probe()
{
	! returned "$insmod_pid"
}

# Its driver does not want it after all, or does
device_that_was_probed()
{
	local WIRE_CLASS=$WIRE_CLASS insmod_pid

	probing_begins s
	WIRE_CLASS=$OTHER_CLASS
	client s "$(instance "$((offers - 1))")"
	expect "enable" ctl s enable
	usleep 300000
	expect "the channel waits" state s Enabled
	probing_ends fail
	expect "the channel gets it" within 5 state s Active
	drained s
	expect "rmmod kmcl_traffic_driver" rmmod kmcl_traffic_driver
	expect "close" traffic close s
	channels=''
	away s

	probing_begins s
	client s "$(instance "$((offers - 1))")"
	expect "enable" ctl s enable
	dmesg -c >/dev/null
	probing_ends succeed
	expect "the log says how to get it" \
		within 5 hinted s kmcl_traffic_driver
	expect "the channel waits" state s Enabled
	get_from s kmcl_traffic_driver
	expect "rmmod kmcl_traffic_driver" rmmod kmcl_traffic_driver
}

# hints CHANNEL NAME NUMBER: as hinted, so many times
hints()
{
	[ "$(dmesg | grep -c "device $(device_of "$1") belongs to driver $2;")" -eq "$3" ]
}

# override CHANNEL WORD: of its device
override()
{
	echo "$2" >"/sys/bus/vmbus/devices/$(device_of "$1")/driver_override"
}

override_is()
{
	[ "$(cat "/sys/bus/vmbus/devices/$(device_of "$1")/driver_override")" = "$2" ]
}

# another_first CHANNEL: a driver is asked for each device before ours, and has one
another_first()
{
	expect "insmod kmcl_traffic_driver" \
		insmod /modules/kmcl_traffic_driver.ko class=$OTHER_CLASS
	offer "$1" echo
	taken "$1" kmcl_traffic_driver
	client "$1" "$(instance $((offers - 1)))"
	dmesg -c >/dev/null
	expect "enable" ctl "$1" enable
	expect "the log says how to get it" within 5 hinted "$1" kmcl_traffic_driver
	expect "the channel waits" state "$1" Enabled
}

# another_last CHANNEL: the other driver, which has it now, goes
another_last()
{
	expect "rmmod kmcl_traffic_driver" rmmod kmcl_traffic_driver
	away "$1"
}

# offered_to_another CHANNEL: again; the log says it of this offer, too
offered_to_another()
{
	dmesg -c >/dev/null
	reoffer "$1"
	taken "$1" kmcl_traffic_driver
	expect "the log says it once" \
		within 5 hints "$1" kmcl_traffic_driver "${2:-1}"
}

hint_for_each_offer()
{
	local WIRE_CLASS=$OTHER_CLASS round=0

	another_first s
	while [ "$round" -lt 3 ]; do
		away s
		offered_to_another s
		expect "the channel waits" state s Enabled
		round=$((round + 1))
	done
	# Its driver does not want it any more: nobody needs to know
	ctl s disable
	away s
	offered_to_another s 0
	another_last s
}

# The user's choice holds for each offer, until it is taken back
override_lasts()
{
	local WIRE_CLASS=$OTHER_CLASS round=0

	another_first s
	expect "choose" override s "vmbkmcl-$WIRE_CLASS"
	get_from s kmcl_traffic_driver
	while [ "$round" -lt 3 ]; do
		ctl s send 5 64
		drained s
		rescind s
		closed s
		reoffer s
		again s
		expect "it is ours" ours s
		expect "as is chosen" override_is s "vmbkmcl-$WIRE_CLASS"
		round=$((round + 1))
	done
	# Nobody's, as long as nobody of ours wants it
	ctl s disable
	away s
	reoffer s
	expect "it is there" within 5 driver_is s none
	again s
	expect "take back" override s ''
	rescind s
	closed s
	reoffer s
	taken s kmcl_traffic_driver
	expect "nothing is chosen" override_is s '(null)'
	another_last s
}

# Chosen for a driver of ours that goes with the last channel of the class
override_ends_with_class()
{
	local WIRE_CLASS=$OTHER_CLASS

	another_first s
	expect "choose" override s "vmbkmcl-$WIRE_CLASS"
	get_from s kmcl_traffic_driver
	away s
	expect "close" traffic close s
	channels=
	expect "the class has no driver of ours" \
		[ ! -e "/sys/bus/vmbus/drivers/vmbkmcl-$WIRE_CLASS" ]
	reoffer s
	taken s kmcl_traffic_driver
	expect "nothing is chosen" override_is s '(null)'
	another_last s
}

# new_id CLASS: write it to that of our driver of $WIRE_CLASS
new_id()
{
	echo "$1" >"/sys/bus/vmbus/drivers/vmbkmcl-$WIRE_CLASS/new_id"
}

# not_for_it CHANNEL: the log has said that its device is not for that driver
not_for_it()
{
	dmesg | grep -q "device $(device_of "$1") has class $OTHER_CLASS and is not for driver vmbkmcl-$WIRE_CLASS:"
}

# of_other_class CHANNEL: it is open, and its device is where it belongs
of_other_class()
{
	expect "$1 is open" within 5 state "$1" Active
	expect "$1 is ours" driver_is "$1" "vmbkmcl-$OTHER_CLASS"
	ctl "$1" send 5 64
	drained "$1"
}

# Our drivers take no device of another class, and their own as before
new_ids()
{
	local dev

	channel a echo
	expect "its own class" new_id "$WIRE_CLASS"
	expect "not twice" refused new_id "$WIRE_CLASS"
	expect "another class" new_id $OTHER_CLASS
	expect "not twice, either" refused new_id $OTHER_CLASS
	dmesg -c >/dev/null
	WIRE_CLASS=$OTHER_CLASS offer s echo
	expect "the log says that it is wrong" within 5 not_for_it s
	expect "the device has no driver" driver_is s none
	WIRE_CLASS=$OTHER_CLASS client s "$(instance $((offers - 1)))"
	expect "enable" ctl s enable
	of_other_class s
	# Both drivers match it now, the wrong one first
	rescind s
	closed s
	reoffer s
	expect "enable again" ctl s enable
	of_other_class s
	# By hand
	dev=$(device_of s)
	ctl s disable
	expect "unbind" eval "echo $dev >/sys/bus/vmbus/drivers/vmbkmcl-$OTHER_CLASS/unbind"
	expect "choose" override s "vmbkmcl-$WIRE_CLASS"
	ctl s enable
	expect "binding is refused" refused bound s bind
	expect "the device has no driver" driver_is s none
	expect "take back" override s ''
	ctl s disable
	expect "enable again" ctl s enable
	of_other_class s
	expect "a is ours" ours a
	drained a
	# The class goes, and does not take the device along
	exec 9>"/sys/bus/vmbus/drivers/vmbkmcl-$WIRE_CLASS/new_id"
	expect "close" traffic close a
	channels=" s"
	expect "the class has no driver of ours" \
		[ ! -e "/sys/bus/vmbus/drivers/vmbkmcl-$WIRE_CLASS" ]
	expect "it takes no id any more" refused eval "echo $OTHER_CLASS >&9"
	exec 9>&-
	of_other_class s
	away a
	channel b echo
	expect "the class is new: its own" new_id "$WIRE_CLASS"
	rescind s
	closed s
	reoffer s
	expect "enable again" ctl s enable
	of_other_class s
	drained b
}

claim_all()
{
	if [ -e /modules/hv_utils.ko ]; then
		scenario "one of two devices, whose stock driver is there first" \
			claim_after_stock
		scenario "one of two devices, whose stock driver comes later" \
			claim_before_stock
		scenario "any device, and the stock driver gets the others" \
			claim_any
		scenario "a device is given back by hand" give_back_by_hand
		scenario "a device is given back on request" \
			give_back_on_request
		scenario "a device without a channel" claim_ends_with_channel
	else
		skipped "devices with a stock driver, which this kernel does not have" \
			claim_after_stock
	fi
	scenario "a device whose driver does not end its probe" \
		device_that_is_probed
	scenario "a device whose driver was probing" device_that_was_probed
	scenario "another driver gets the device at each offer" hint_for_each_offer
	scenario "driver_override holds for each offer" override_lasts
	scenario "driver_override of a class that is left" override_ends_with_class
	scenario "a driver of ours is given another class" new_ids
}
