# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What an offer brings besides its rings: memory-mapped I/O, a monitor, sub-channels;
# and what kind of channel it is: a pipe, a socket.
#
# shellcheck disable=SC2154,SC2034 # note() sets c_* and h_*; scenario() uses channels

# instead CHANNEL WORDS: another offer of the same instance, when the first has
# gone; a second one at a time would be a sub-channel to hv_vmbus
instead()
{
	local id

	number "$1"
	id=$(instance "$number")
	rescind "$1"
	expect "the guest has released $1" within 5 host_state "$1" absent
	eval "offer_$1=$offers"
	offers=$((offers + 1))
	host add "$WIRE_CLASS" "$id" "$2" >/dev/null
}

# Whether the kernel has this range, for that device
reserved()
{
	grep -q "$(printf '%08x-%08x : %s$' "$1" $(($1 + $2 - 1)) "$3")" /proc/iomem
}

# mmio_told CHANNEL MIB: as much, where vmbhost has its windows (machine.h), and
# nobody else's
mmio_told()
{
	note "$1"
	expect "$1: $2 MiB" [ "$c_mmio_size" -eq $(($2 << 20)) ]
	expect "$1: in one of the bus' windows" [ $(((c_mmio >= 0xe0000000 &&
		c_mmio + c_mmio_size - 1 <= 0xfebfffff) ||
		(c_mmio >= 32 << 30 && c_mmio + c_mmio_size <= 36 << 30))) -eq 1 ]
	expect "$1: Opened was told" [ "$c_opened_mmio" -eq "$c_mmio" ]
	expect "$1: the kernel has reserved it" \
		reserved "$c_mmio" "$c_mmio_size" "$(device_of "$1")"
}

no_mmio_told()
{
	note "$1"
	expect "$1: no memory-mapped I/O" [ $((c_mmio + c_mmio_size)) -eq 0 ]
}

# iomem_is TEXT: what others have is where it was before
iomem_is()
{
	[ "$(cat /proc/iomem)" = "$1" ]
}

mmio()
{
	local before alone

	before=$(cat /proc/iomem)
	offer a "mmio=8 echo"
	client a "$(instance $((offers - 1)))"
	no_mmio_told a
	expect "enable" ctl a enable
	expect "the channel opens" within 10 state a Active
	mmio_told a 8
	alone=$(cat /proc/iomem)
	channel b "mmio=16 echo"
	mmio_told b 16
	mmio_told a 8
	expect "pause" ctl a pause
	mmio_told a 8
	expect "disable" ctl a disable
	no_mmio_told a
	mmio_told b 16
	expect "disable" ctl b disable
	expect "all is given back" iomem_is "$before"
	again a
	mmio_told a 8
	expect "where it was" iomem_is "$alone"
}

mmio_and_rescind()
{
	local before

	before=$(cat /proc/iomem)
	channel a "mmio=8 echo"
	mmio_told a 8
	ctl a hook closed block
	rescind a
	# The link is taken down after it, so that it can still use the addresses
	expect "Closed has begun" within 5 blocked a closed
	mmio_told a 8
	ctl a release
	closed a
	no_mmio_told a
	expect "all is given back" within 5 iomem_is "$before"
	reoffer a
	again a
	mmio_told a 8
	expect "unbind" bound a unbind
	closed a
	expect "given back" iomem_is "$before"
	ctl a hook opened fail
	ctl a enable
	expect "Opened has refused" within 5 counts a hooked -eq 2
	closed a
	expect "given back" iomem_is "$before"
	expect "though it was told" [ "$c_opened_mmio" -ne 0 ]
	no_mmio_told a
}

mmio_none()
{
	local before

	before=$(cat /proc/iomem)
	channel a echo
	no_mmio_told a
	expect "no range is reserved" iomem_is "$before"
	# More than the windows have: the device works without
	channel b "mmio=8192 echo"
	no_mmio_told b
	expect "no range is reserved" iomem_is "$before"
	expect "the kernel's log says so" \
		eval "dmesg | grep -q 'no room for 8192 MiB'"
	ctl b send 5 64
	drained b
}

# mismatched OFFER RIGHT-OFFER [OPTION]: the channel and its offer are not both
# pipes; and then they are
mismatched()
{
	offer a "$1"
	client a "$(instance $((offers - 1)))" "$3"
	ctl a send 5 101
	ctl a enable
	expect "PnpFailure" within 10 counts a pnp_failure -eq 1
	expect "for an error of the protocol" counts a pnp_status -eq -71
	expect "Disabled" within 5 state a Disabled
	note a
	expect "neither Opened nor Closed" [ $((c_opened + c_closed)) -eq 0 ]
	expect "nothing was sent" [ "$c_sent" -eq 0 ]
	expect "nor completed" [ "$c_done_ok" -eq 0 ]
	expect "the packets wait" [ "$c_queued" -eq 5 ]
	expect "the host saw no open" [ $((h_opens + h_opens_refused)) -eq 0 ]
	expect "and no rings" [ "$h_gpadls_created" -eq 0 ]
	ctl a enable
	expect "PnpFailure again" within 10 counts a pnp_failure -eq 2
	closed a
	instead a "$2"
	again a
	expect "the 5 come back" within 5 counts a received -eq 5
}

pipe_mismatch()
{
	mismatched "flags=0x11 echo" echo
}

pipe_mismatch_other_way()
{
	mismatched echo "flags=0x11 echo" pipe
}

# A socket's channel, which hv_vmbus gives to hv_sock and to no other driver
socket()
{
	offer a "flags=0x2001 echo"
	client a "$(instance $((offers - 1)))"
	ctl a send 5 64
	expect "enable" ctl a enable
	usleep 500000
	expect "there is a device" [ -e "/sys/bus/vmbus/devices/$(device_of a)" ]
	expect "without a driver" \
		[ ! -e "/sys/bus/vmbus/devices/$(device_of a)/driver" ]
	expect "and none can be forced on it" refused bound a bind
	expect "the channel waits" state a Enabled
	note a
	expect "no callback came" [ $((c_opened + c_closed + c_pnp_failure)) -eq 0 ]
	expect "the packets wait" [ "$c_queued" -eq 5 ]
	expect "the host saw no open" [ $((h_opens + h_opens_refused)) -eq 0 ]
	expect "and no rings" [ "$h_gpadls_created" -eq 0 ]
	instead a echo
	expect "the channel opens with an offer of its own" within 10 state a Active
	drained a
}

# Every length comes back as it was, also from the host; behind a full ring too
pipe()
{
	local size=24

	channel a "flags=0x11 echo" pipe packet=16384
	while [ "$size" -lt 42 ]; do
		ctl a send 1 "$size"
		size=$((size + 1))
	done
	ctl a send 3 16383
	ctl a send 3 16384
	drained a
	expect "each comes back" within 10 counts a received -eq 24
	expect "no completions" refused ctl a send 1 64 completion
	expect "nor requests" refused ctl a sync 64
	ctl a run 1001 64
	expect "traffic" within 20 counts a received -gt 300
	ctl a run off
	drained a
	note a
	expect "each comes back" within 10 counts a received -eq "$c_accepted"
	at a stall
	ctl a send 500 501
	note a
	expect "some wait" [ "$c_queued" -gt 100 ]
	rescind a
	closed a
	at a unstall
	reoffer a
	again a
}

pipe_source()
{
	channel a "flags=0x11 source rate=0,count=500,size=301" pipe
	expect "500 arrive" within 20 counts a received -eq 500
	note a
	expect "none is missing" [ "$c_gaps" -eq 0 ]
}

# The guest sets bits in a page instead of asking the hypervisor; a full ring, too
monitored()
{
	channel a "monitor echo" ring=16384
	ctl a send 20 64
	drained a
	at a stall
	ctl a send 60 500
	note a
	expect "some wait" [ "$c_queued" -gt 20 ]
	at a unstall
	drained a
	expect "each comes back" within 10 counts a received -eq 80
	shown a
	expect "the host was signalled" [ "$h_signals_in" -gt 0 ]
	expect "the bus meant to" [ "$s_intr_out_empty" -gt 0 ]
	expect "and not by a hypercall" [ "$s_events" -eq 0 ]
	rescind a
	after_rescind a
	back a
	note a
	expect "the host saw all" [ "$h_rx_packets" -eq 90 ]
}

# sub_offered NAME: the guest knows it, and has not opened it
sub_offered()
{
	expect "sub-channel $1 is offered" within 5 host_state "$1" offered
	expect "the guest has it in sysfs" within 5 sub_in_sysfs "$1"
}

sub_in_sysfs()
{
	host_note "$1"
	[ "$h_relid" -ne 0 ] &&
		[ -e "/sys/bus/vmbus/devices/$(device_of a)/channels/$h_relid" ]
}

# hv_vmbus gives them to a driver that asks, and ours does not
subchannels()
{
	local first before name

	channel a echo
	ctl a run 1000 64
	expect "traffic" within 10 counts a received -gt 100
	number a
	first=$(host subchannels "$number" 2)
	first=${first#ok }
	offers=$((offers + 2))
	offer_b=$first offer_c=$((first + 1))
	sub_offered b
	sub_offered c
	note a
	before=$c_received
	expect "the traffic goes on" within 10 counts a received -gt $((before + 100))
	expect "one sub-channel is rescinded" at b rescind
	expect "the guest has released it" within 5 host_state b absent
	note a
	before=$c_received
	expect "the traffic goes on" within 10 counts a received -gt $((before + 100))
	ctl a run off
	drained a
	expect "each comes back" within 10 counts a received -eq "$c_accepted"
	rescind a
	after_rescind a
	for name in a b c; do
		expect "$name: the relid is released" within 5 host_state $name absent
	done
	for name in b c; do
		host_note $name
		host_consistent $name
		expect "$name: it was released once" [ "$h_released" -eq 1 ]
		expect "$name: nobody opened it" \
			[ $((h_opens + h_gpadls_created)) -eq 0 ]
	done
	back a
	offer_b='' offer_c=''
}

device_all()
{
	scenario "memory-mapped I/O of two devices" mmio
	scenario "memory-mapped I/O is given back" mmio_and_rescind
	scenario "no memory-mapped I/O, and too much" mmio_none
	scenario "a pipe is offered to a channel that is none" pipe_mismatch
	scenario "and the other way round" pipe_mismatch_other_way
	scenario "a socket is offered" socket
	scenario "a pipe's messages" pipe
	scenario "a pipe whose host sends" pipe_source
	scenario "a device whose signals are monitored" monitored
	scenario "a device with sub-channels" subchannels
}
