# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A device that has a driver of its own, kmcl_traffic_driver, which gives it to
# its channel as the parent: no GUID names it. The driver's probe() makes the
# channel, its remove() ends it; or, with devm=1, the library when the driver is
# detached.
#
# shellcheck disable=SC2154,SC2034 # note() sets c_* and h_*; WIRE_CLASS is offer()'s

OWN_CLASS=6b6d636c-7472-4166-8669-630000000001

# What the driver is loaded with
own_words=

# own BEHAVIOUR: a device of that class, and its driver; $own is the channel
own()
{
	own_disabled "$1"
	opened_by_driver
}

# The same, and the channel is Disabled
own_disabled()
{
	local WIRE_CLASS=$OWN_CLASS

	offer own "$1"
	number own
	own=own$number
	eval "offer_$own=$number"
	# shellcheck disable=SC2086 # words, or none
	expect "insmod kmcl_traffic_driver" \
		insmod /modules/kmcl_traffic_driver.ko class=$OWN_CLASS $own_words
	made_by_driver
}

# Its driver has made the channel; nobody has to tell it what its device is
made_by_driver()
{
	expect "probe() has made a channel" within 10 [ -e "$TRAFFIC/$own/state" ]
}

opened_by_driver()
{
	made_by_driver
	# It numbers its packets anew
	at own reset
	expect "enable" ctl "$own" enable
	expect "it opens" within 10 state "$own" Active
}

# It was taken away: the channel has ended, and a new probe() makes one
own_returns()
{
	expect "the channel has ended" within 10 gone "$own"
	expect "the guest has released the device" within 5 host_state own absent
	at own offer
	[ $# -eq 0 ] || at own behave "$1"
	opened_by_driver
}

own_bound()
{
	device_of own >"/sys/bus/vmbus/drivers/kmcl_traffic_driver/$1"
}

own_done()
{
	consistent "$own"
	expect "rmmod kmcl_traffic_driver" rmmod kmcl_traffic_driver
	expect "the channel has ended" gone "$own"
	expect "the host saw it close" host_state own offered
	at own rescind
	expect "the guest has released the device" within 5 host_state own absent
}

parent()
{
	own echo
	ctl "$own" send 100 500
	drained "$own"
	expect "it is not opened twice" refused ctl "$own" enable
	expect "disable" ctl "$own" disable
	expect "Closed once" counts "$own" closed -eq 1
	expect "packets are accepted" ctl "$own" send 10 100
	expect "enable" ctl "$own" enable
	expect "it opens again" within 10 state "$own" Active
	drained "$own"
	own_done
}

# Somebody who names its class waits: the device is its driver's
parent_is_nobody_elses()
{
	own echo
	expect "open another channel" traffic open other $OWN_CLASS
	expect "enable" ctl other enable
	ctl "$own" send 10 100
	drained "$own"
	expect "disable" ctl "$own" disable
	expect "the other one still waits" state other Enabled
	expect "enable again" ctl "$own" enable
	expect "it opens again" within 10 state "$own" Active
	expect "close the other one" traffic close other
	own_done
}

# remove() waits for the channel, and the rescind for remove()
parent_and_rescind()
{
	local round=0

	own complete-never
	while [ "$round" -lt 5 ]; do
		ctl "$own" send 20 64 completion
		expect "20 are in flight" within 5 counts "$own" in_flight -eq 20
		at own rescind
		own_returns
		round=$((round + 1))
	done
	expect "disable" ctl "$own" disable
	expect "rescinded while it is disabled" at own rescind
	own_returns echo
	ctl "$own" send 20 64
	drained "$own"
	own_done
}

# Unbinding and a rescind at the same time
parent_unbound()
{
	local round=0

	own echo
	ctl "$own" run 1000 64
	expect "traffic" within 10 counts "$own" received -gt 200
	expect "unbind" own_bound unbind
	expect "the channel is gone" gone "$own"
	expect "bind" own_bound bind
	opened_by_driver
	while [ "$round" -lt 5 ]; do
		ctl "$own" send 20 64
		own_bound unbind &
		at own rescind
		wait
		own_returns
		round=$((round + 1))
	done
	drained "$own"
	own_done
}

# The transport goes, under the driver
parent_without_transport()
{
	own echo
	ctl "$own" run 1000 64
	expect "traffic" within 10 counts "$own" received -gt 200
	expect "rmmod vmbkmcl_hv" rmmod vmbkmcl_hv
	closed "$own"
	expect "Closed once" counts "$own" closed -eq 1
	ctl "$own" run off
	expect "enable finds no VMBus" refused ctl "$own" enable
	expect "insmod vmbkmcl_hv" insmod /modules/vmbkmcl_hv.ko
	expect "enable" ctl "$own" enable
	expect "it opens again" within 10 state "$own" Active
	drained "$own"
	own_done
}

managed()
{
	local own_words=devm=1

	"$@"
}

managed_parent()
{
	managed parent
}

managed_and_rescind()
{
	managed parent_and_rescind
}

managed_unbound()
{
	managed parent_unbound
}

managed_without_transport()
{
	managed parent_without_transport
}

# cleaned_up CHANNEL: the library had to say that it was freed while it was enabled
cleaned_up()
{
	dmesg | grep -q " $1: cleanup of a channel that is enabled"
}

# Packets of all kinds are there when the driver goes, and only it ends the channel
managed_under_traffic()
{
	local own_words=devm=1

	own complete-never
	expect "only the driver closes it" refused traffic close "$own"
	in_flight "$own" 20 64
	at "$own" stall
	ctl "$own" send 500 1000
	expect "some are queued" counts "$own" queued -gt 100
	expect "a buffer is shared" ctl "$own" share 3 0
	own_done
	expect "it was disabled before it was freed" refused cleaned_up "$own"
	host_note own
	host_consistent own
	expect "the host has no GPADL" [ "$h_gpadls_live" -eq 0 ]
	left_at_close own 1
}

# parameter_is NAME VALUE: one of the driver's parameters
parameter_is()
{
	[ "$(cat "/sys/module/kmcl_traffic_driver/parameters/$1")" = "$2" ]
}

driver_set()
{
	echo "$2" >"/sys/module/kmcl_traffic_driver/parameters/$1"
}

# The driver has opened the device with vmbus_open(), and uses it: the channel does
# not open it, and leaves the driver's rings, callback and read mode as they are
parent_opens_it_itself()
{
	local own_words=raw=1

	allow rx_foreign
	own_disabled echo
	expect "the driver sends" driver_set ping 1
	expect "and gets it back" within 5 parameter_is received 1
	expect "enable" ctl "$own" enable
	expect "it cannot open" within 5 counts "$own" open_failures -eq 1
	closed "$own"
	expect "the driver sends again" driver_set ping 1
	expect "and gets it back" within 5 parameter_is received 2
	expect "enable once more" ctl "$own" enable
	expect "it cannot open" within 5 counts "$own" open_failures -eq 2
	closed "$own"
	expect "the driver sends for the last time" driver_set ping 1
	expect "and gets it back" within 5 parameter_is received 3
	expect "the host saw one open" host_counts own opens -eq 1
	expect "unbind" own_bound unbind
	expect "nothing of the driver's was changed" parameter_is kept Y
	expect "bind" own_bound bind
	made_by_driver
	own_done
}

# The driver's rescind callback was there first: it is the one that is called
parent_has_rescind_callback()
{
	local own_words=own_rescind=1

	own_disabled echo
	expect "it is not enabled" refused ctl "$own" enable
	at own rescind
	expect "the channel has ended" within 10 gone "$own"
	expect "the driver was told" parameter_is rescinds 1
	expect "its callback was still there" parameter_is kept Y
	expect "the guest has released the device" within 5 host_state own absent
	at own offer
	made_by_driver
	own_done
}

# Or it comes later, while the channel uses the device
parent_sets_rescind_callback()
{
	own echo
	expect "the driver sets its callback" driver_set own_rescind 1
	expect "unbind" own_bound unbind
	expect "its callback was still there" parameter_is kept Y
	driver_set own_rescind 0
	expect "bind" own_bound bind
	opened_by_driver
	expect "the driver sets its callback" driver_set own_rescind 1
	ctl "$own" send 100 500
	at own rescind
	expect "the channel has ended" within 10 gone "$own"
	expect "the driver was told" parameter_is rescinds 1
	driver_set own_rescind 0
	expect "the guest has released the device" within 5 host_state own absent
	at own offer
	opened_by_driver
	drained "$own"
	own_done
}

# another CHANNEL: one more device of that class, and the driver's channel is open
another()
{
	local WIRE_CLASS=$OWN_CLASS number

	offer "$1" echo
	number "$1"
	expect "probe() has made a channel" within 10 [ -e "$TRAFFIC/own$number/state" ]
	expect "enable" ctl "own$number" enable
	expect "it opens" within 10 state "own$number" Active
}

# The channels have ended, and their driver's remove() takes its time: the library
# still has the devices to give back, but not their offers, whose memory may be that of
# other devices' offers by now
parent_removing()
{
	local i others='' removed=own

	own echo
	for i in $(seq 7); do
		another "s$i"
		removed="$removed s$i"
	done
	driver_set removing 1
	for i in $removed; do
		at "$i" rescind
	done
	for i in $removed; do
		number "$i"
		expect "the channel of $i has ended" within 10 gone "own$number"
	done
	for i in $(seq 24); do
		channel "r$i" sink ring=8192 packet=512
		others="$others r$i"
	done
	for i in $others; do
		at "$i" rescind
	done
	for i in $others; do
		closed "$i"
		expect "$i is released" within 5 host_state "$i" absent
	done
	for i in $removed; do
		expect "$i is not" host_state "$i" rescinded
	done
	driver_set removing 0
	for i in $removed; do
		expect "the guest has released $i" within 5 host_state "$i" absent
	done
	own_returns
	own_done
}

parent_all()
{
	scenario "a driver's own device" parent
	scenario "it is nobody else's" parent_is_nobody_elses
	scenario "it is rescinded" parent_and_rescind
	scenario "it is unbound, and rescinded meanwhile" parent_unbound
	scenario "the transport goes first" parent_without_transport
	scenario "the library ends its channel" managed_parent
	scenario "which is full of packets" managed_under_traffic
	scenario "which is rescinded" managed_and_rescind
	scenario "which is unbound, and rescinded meanwhile" managed_unbound
	scenario "and the transport goes first" managed_without_transport
	scenario "its driver's remove() takes long" parent_removing
	scenario "its driver has opened it" parent_opens_it_itself
	scenario "its driver has a rescind callback" parent_has_rescind_callback
	scenario "or sets one later" parent_sets_rescind_callback
}
