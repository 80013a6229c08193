# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The device leaves without a rescind: unbound through sysfs, or by unloading a
# module, while packets go both ways.
#
# shellcheck disable=SC2154,SC2034 # note() sets c_* and h_*; scenario() uses channels

unbind_under_traffic()
{
	channel a echo
	ctl a run 1000 64
	expect "traffic" within 10 counts a received -gt 200
	expect "unbind" bound a unbind
	closed a
	expect "Closed once" counts a closed -eq 1
	ctl a run off
	expect "no channel claims it now" refused bound a bind
	expect "enable" ctl a enable
	expect "it opens" within 10 state a Active
	drained a
}

# The device is unbound, and rescinded before it is bound again
unbind_then_rescind()
{
	channel a echo
	expect "unbind" bound a unbind
	closed a
	rescind a
	usleep 200000
	ctl a send 10 64
	reoffer a
	again a
}

# The host rescinds while unbinding is under way
unbind_and_rescind()
{
	local round=0

	channel a echo
	while [ "$round" -lt 10 ]; do
		ctl a send 20 64
		bound a unbind &
		at a rescind
		wait
		closed a
		reoffer a
		ctl a enable
		expect "the channel opens again" within 10 state a Active
		round=$((round + 1))
	done
	drained a
}

unload_client()
{
	channel a echo
	ctl a run 1000 64 completion
	expect "traffic" within 10 counts a replies -gt 100
	expect "rmmod kmcl_traffic" rmmod kmcl_traffic
	channels=''
	left a
	expect "insmod kmcl_traffic" insmod /modules/kmcl_traffic.ko
	channel b echo
	ctl b send 10 64
	drained b
}

unload_transport()
{
	channel a echo
	ctl a run 1000 64 completion
	expect "traffic" within 10 counts a replies -gt 100
	expect "rmmod vmbkmcl_hv" rmmod vmbkmcl_hv
	closed a
	ctl a run off
	note a
	expect "Closed once" [ "$c_closed" -eq 1 ]
	expect "enable without a transport" ctl a enable
	expect "the channel waits" state a Enabled
	expect "insmod vmbkmcl_hv" insmod /modules/vmbkmcl_hv.ko
	expect "it opens" within 10 state a Active
	drained a
}

# The host has rescinded, and Closed is not over, when the transport goes
unload_transport_inside_closed()
{
	channel a echo
	ctl a hook closed block
	rescind a
	expect "Closed has begun" within 5 blocked a closed
	rmmod vmbkmcl_hv &
	usleep 300000
	ctl a release
	wait
	closed a
	reoffer a
	expect "insmod vmbkmcl_hv" insmod /modules/vmbkmcl_hv.ko
	again a
}

unload_library()
{
	channel a echo
	ctl a run 1000 64
	expect "traffic" within 10 counts a received -gt 100
	expect "rmmod vmbkmcl is refused" refused rmmod vmbkmcl
	expect "rmmod vmbkmcl_hv" rmmod vmbkmcl_hv
	expect "rmmod vmbkmcl is refused" refused rmmod vmbkmcl
	expect "rmmod kmcl_traffic" rmmod kmcl_traffic
	channels=''
	expect "rmmod vmbkmcl" rmmod vmbkmcl
	left a
	expect "insmod all" wire_load
	channel b echo
	ctl b send 10 64
	drained b
}

# client, transport, library, as one does it, with packets both ways
unload_everything()
{
	channel a echo
	channel b "source rate=2000,size=64,completion=1"
	ctl a run 1000 64 completion
	expect "traffic" within 10 counts a replies -gt 100
	expect "also from the host" within 10 counts b received -gt 100
	expect "rmmod kmcl_traffic" rmmod kmcl_traffic
	channels=''
	expect "rmmod vmbkmcl_hv" rmmod vmbkmcl_hv
	expect "rmmod vmbkmcl" rmmod vmbkmcl
	left a
	left b
	expect "insmod all" wire_load
	channel c echo
	ctl c send 10 64
	drained c
}

# The host takes the device away while its driver goes
unload_and_rescind()
{
	local round=0

	while [ "$round" -lt 5 ]; do
		channel a echo
		ctl a send 20 64 completion
		rmmod kmcl_traffic &
		at a rescind
		wait
		channels=''
		expect "kmcl_traffic is gone" unloaded kmcl_traffic
		left a
		expect "insmod kmcl_traffic" insmod /modules/kmcl_traffic.ko
		round=$((round + 1))
	done
}

unload_all()
{
	scenario "unbind and bind under traffic" unbind_under_traffic
	scenario "unbind, then rescind" unbind_then_rescind
	scenario "unbind and rescind at the same time, 10 times" unbind_and_rescind
	scenario "rmmod of the client under traffic" unload_client
	scenario "rmmod of the transport under traffic" unload_transport
	scenario "rmmod of the transport while Closed runs" \
		unload_transport_inside_closed
	scenario "rmmod of the library, which is refused while it is used" \
		unload_library
	scenario "rmmod of client, transport and library under traffic" \
		unload_everything
	scenario "rmmod and rescind at the same time, 5 times" unload_and_rescind
}
