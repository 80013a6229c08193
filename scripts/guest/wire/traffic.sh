# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The channel stays, and the host is slow, full, out of order, or refuses.
#
# shellcheck disable=SC2154,SC2034 # note() sets c_* and h_*; scenario() uses channels

echoes()
{
	channel a echo
	ctl a send 200 1000
	drained a
	expect "each comes back" within 10 counts a received -eq 200
	note a
	expect "in order" [ "$c_gaps" -eq 0 ]
}

# A system call's buffer is passed on, and one that is not there. Where the
# processor has it, SMAP keeps the kernel from reading user space just so
payloads_of_user_space()
{
	local size file=$TRAFFIC/a/payload

	allow syncs
	channel a sink
	expect "SMAP is on" grep -qw smap /proc/cpuinfo
	for size in 24 500 4096; do
		expect "$size bytes are sent" \
			dd if="$file" of="$file" bs="$size" count=1 2>/dev/null
	done
	expect "the host has 3" within 5 host_counts a rx_packets -eq 3
	expect "what is not there is refused" refused ctl a fault 64
	expect "with the right error" fault_said
	note a
	expect "and was never accepted" [ "$c_accepted" -eq 3 ]
	ctl a send 1 64
	expect "the next one goes out" within 5 host_counts a rx_packets -eq 4
}

fault_said()
{
	ctl a fault 64 2>&1 | grep -q 'Bad address'
}

sources()
{
	channel a "source count=500,size=300"
	expect "500 arrive" within 20 counts a received -eq 500
	note a
	expect "none is missing" [ "$c_gaps" -eq 0 ]
}

source_with_quota()
{
	channel a sink
	ctl a quota 4
	ctl a hold on
	at a behave source rate=0,count=200,completion=1
	expect "4 are outstanding" within 5 counts a outstanding -eq 4
	usleep 200000
	note a
	expect "and stay 4" [ "$c_outstanding" -eq 4 ]
	expect "no more were delivered" [ "$c_received" -eq 4 ]
	expect "because of the quota" [ "$c_quota_stops" -gt 0 ]
	expect "though the host has sent more" [ "$h_tx_packets" -gt 4 ]
	ctl a hold off
	expect "200 arrive" within 20 counts a received -eq 200
	expect "the host has each completion" within 5 \
		host_counts a rx_completions -eq 200
	note a
	expect "none is missing" [ "$c_gaps" -eq 0 ]
}

# The host writes into shared memory, and says where
ranges()
{
	channel a sink
	expect "memory is shared" ctl a share 16 0
	at a behave source rate=0,count=500,size=200,ranges=5
	expect "500 arrive" within 20 counts a received -eq 500
	expect "the host has each completion" within 5 \
		host_counts a rx_completions -eq 500
	note a
	expect "none is missing" [ "$c_gaps" -eq 0 ]
	expect "each has 5 ranges, with what the host put there" \
		[ "$c_ranges" -eq 2500 ]
	expect "none is bad" [ "$c_bad_packets" -eq 0 ]

	# Room for 64 packets' ranges in 64 KiB
	ctl a hold on
	at a behave source rate=0,count=200,size=200,ranges=5
	expect "64 are outstanding" within 5 counts a outstanding -eq 64
	usleep 200000
	expect "and stay 64: the host has no other memory" \
		counts a outstanding -eq 64
	ctl a hold off
	expect "700 have arrived" within 20 counts a received -eq 700
	expect "with their ranges" counts a ranges -eq 3500
	expect "the host has each completion" within 5 \
		host_counts a rx_completions -eq 700
	at a behave sink
	expect "taken back" ctl a unshare
}

# The client still holds packets with ranges when the device is taken away
ranges_and_rescind()
{
	channel a sink
	expect "memory is shared" ctl a share 16 0
	ctl a hook closed unshare
	ctl a hold on
	at a behave source rate=0,size=200,ranges=5
	expect "64 are outstanding" within 5 counts a outstanding -eq 64
	rescind a
	expect "Suspend has returned" within 5 counts a suspend -eq 1
	usleep 200000
	expect "Closed waits for them" counts a closed -eq 0
	at a behave sink
	ctl a hold off
	closed a
	expect "Closed has deleted the GPADL" counts a hook_result -eq 0
	note a
	expect "all ranges were right" [ "$c_ranges" -eq 320 ]
	expect "no completion was sent" [ "$c_comps_sent" -eq 0 ]
	reoffer a
	again a
	expect "memory is shared again" ctl a share 16 0
	at a behave source rate=0,count=100,size=200,ranges=5
	expect "100 arrive" within 20 counts a received -eq 164
	expect "with their ranges" counts a ranges -eq 820
	at a behave sink
	expect "taken back" ctl a unshare
}

# What the host sends stays in the ring while the guest has no more memory for it
source_with_limit()
{
	channel a sink
	ctl a memory 40000
	ctl a hold on
	at a behave source rate=0,count=200,completion=1
	expect "delivery stops at the limit" within 5 counts a limit_stops -gt 0
	usleep 200000
	note a
	expect "it was used" [ "$c_memory" -gt 30000 ]
	expect "not more than that" [ "$c_memory_peak" -le 40000 ]
	expect "though the host has sent more" [ "$h_tx_packets" -gt "$c_received" ]
	expect "there is no quota" [ "$c_quota_stops" -eq 0 ]
	ctl a hold off
	expect "200 arrive" within 20 counts a received -eq 200
	expect "the host has each completion" within 5 \
		host_counts a rx_completions -eq 200
	note a
	expect "none is missing" [ "$c_gaps" -eq 0 ]
	expect "the memory is free" [ "$c_memory" -eq 0 ]
}

# The host sends requests and does not read the completions
answers_unread()
{
	channel a sink
	ctl a memory 20000
	at a stall
	at a behave source rate=0,count=20000,completion=1
	expect "delivery stops at the limit" within 10 counts a limit_stops -gt 0
	usleep 300000
	note a
	# 16384 bytes of ring have room for 409 packets of 40 bytes
	expect "a ring full more at most" [ "$c_memory_peak" -le $((20000 + 409 * 200)) ]
	expect "the driver has none" [ "$c_outstanding" -eq 0 ]
	at a unstall
	expect "20000 arrive" within 30 counts a received -eq 20000
	expect "the host has each completion" within 5 \
		host_counts a rx_completions -eq 20000
}

source_and_pause()
{
	channel a "source count=1000,size=64"
	expect "some arrive" within 10 counts a received -gt 100
	expect "pause" ctl a pause
	note a
	usleep 300000
	expect "none while paused" counts a received -eq "$c_received"
	expect "start" ctl a start
	expect "1000 arrive" within 20 counts a received -eq 1000
	note a
	expect "none is missing" [ "$c_gaps" -eq 0 ]
}

deferred()
{
	channel a echo
	ctl a hook process defer
	ctl a send 50 64
	expect "each comes back" within 10 counts a received -eq 50
	note a
	expect "one was asked for twice" [ "$c_process" -eq 51 ]
}

passive()
{
	channel a echo
	ctl a passive on
	ctl a hook process sleep 50
	ctl a send 50 64
	expect "each comes back" within 10 counts a received -eq 50
	expect "one callback slept" counts a hooked -eq 1
	ctl a passive off
	ctl a send 50 64
	expect "each comes back" within 10 counts a received -eq 100
}

open_refused()
{
	offer a echo
	client a
	ctl a send 5 64
	host refuse open 1 >/dev/null
	ctl a enable
	expect "PnpFailure" within 10 counts a pnp_failure -eq 1
	expect "with ECONNREFUSED" counts a pnp_status -eq -111
	expect "Disabled" within 5 state a Disabled
	note a
	expect "neither Opened nor Closed" [ $((c_opened + c_closed)) -eq 0 ]
	again a
	host refuse gpadl 1 >/dev/null
	ctl a disable
	ctl a enable
	expect "PnpFailure" within 10 counts a pnp_failure -eq 2
	expect "with ENOMEM" counts a pnp_status -eq -12
	again a
}

opened_refuses()
{
	offer a echo
	client a
	ctl a send 5 64
	ctl a hook opened fail
	ctl a enable
	expect "Opened has refused" within 5 counts a hooked -eq 1
	expect "Disabled" within 5 state a Disabled
	note a
	expect "no other callback" \
		[ $((c_started + c_suspend + c_closed + c_pnp_failure)) -eq 0 ]
	expect "nothing was sent" [ "$c_sent" -eq 0 ]
	expect "the host's channel is closed" host_counts a closes -eq 1
	again a
}

# A ring that is always full: each packet of the queue waits for a signal
full_ring()
{
	channel a slow ring=16384
	ctl a send 500 1000
	note a
	expect "the ring was full" [ "$c_full" -gt 0 ]
	expect "the queue is empty" within 60 counts a queued -eq 0
	drained a
}

# rings DATA SIZE: echoes of that size, in rings with so many bytes of data, which
# ring= has the control page on top of
rings()
{
	channel a echo "ring=$(($1 + 4096))" "packet=$2"
	note a
	expect "the ring to the host has $1 bytes of data" [ "$h_rx_ring" -eq "$1" ]
	expect "and so has the ring from it" [ "$h_tx_ring" -eq "$1" ]
	ctl a send 700 "$2"
	drained a
	expect "each comes back" within 10 counts a received -eq 700
	note a
	expect "in order" [ "$c_gaps" -eq 0 ]
}

# The library wants room for two of the largest packets, each with 16 bytes of
# descriptor, 1024 of ranges of external data, and 8 of trailer
ring_4k()
{
	rings 4096 992
}

ring_16k()
{
	rings 16384 4000
}

ring_1m()
{
	rings 1048576 4096
}

largest_packets()
{
	channel a echo packet=524264
	ctl a send 5 524264
	ctl a send 5 524263
	drained a
	expect "each comes back" within 20 counts a received -eq 10
	# Interrupts are on while they are copied: the host's packets are completed
	ctl a expect 0
	at a behave source rate=0,size=24,count=3000,completion=1
	ctl a send 20 524264
	drained a
	expect "the host has sent 3000" within 20 host_counts a tx_packets -ge 3010
	expect "all are completed" within 20 host_counts a tx_outstanding -eq 0
}

# Begun early and ended late: 30 seconds in which the host reads nothing
stall_begin()
{
	channel stall sink ring=16384
	at stall stall
	ctl stall send 200 500
	now
	stalled=$now
	channels=''
}

stall_end()
{
	local left now

	now
	left=$((30 - now + stalled))

	channels=stall
	[ "$left" -le 0 ] || sleep "$left"
	note stall
	expect "packets wait" [ "$c_queued" -gt 0 ]
	expect "pause and start of a full channel" ctl stall pause
	expect "start" ctl stall start
	at stall unstall
	drained stall
	note stall
	expect "all arrived" [ "$h_rx_packets" -eq 200 ]
}

# The host looks at what the ranges describe, as at a payload, and counts it as
# foreign if a frame is wrong where its header should be, as damaged otherwise
external_data()
{
	allow syncs rx_missing
	channel a echo
	expect "one range" ctl a external 100 1
	expect "over many pages" ctl a external 100000 1
	expect "in many ranges" ctl a external 77777 30
	expect "as much as is allowed" ctl a external 131072 1
	expect "more bytes are refused" refused ctl a external 131073 1
	expect "more ranges are refused" refused ctl a external 77777 33
	ctl a send 10 64
	drained a
	note a
	expect "the host saw each range" [ "$h_gpa_ranges" -eq 33 ]
	expect "and each byte" \
		[ "$h_gpa_bytes" -eq $((100 + 100000 + 77777 + 131072)) ]
}

# Requests of a channel that is paused, or not yet open, wait with what is queued:
# also the memory that they describe
requests_queued()
{
	allow syncs
	waiting a
	ctl a external 77777 30 2>/tmp/request &
	usleep 200000
	expect "the request waits for the device" waits
	offer a echo
	wait
	expect "it was answered" [ ! -s /tmp/request ]
	note a
	expect "the host saw what it describes" \
		[ "$h_gpa_ranges $h_gpa_bytes" = "30 77777" ]
	expect "pause" ctl a pause
	ctl a send 5 64
	ctl a external 5000 2 2>/tmp/request &
	usleep 200000
	expect "the request waits for start" waits
	note a
	expect "it is queued" [ "$c_queued" -eq 6 ]
	expect "start" ctl a start
	wait
	expect "it was answered" [ ! -s /tmp/request ]
	note a
	expect "the host saw what it describes" \
		[ "$h_gpa_ranges $h_gpa_bytes" = "32 82777" ]
	drained a
}

gpadls()
{
	channel a echo
	note a
	local rings=$h_gpadls_live

	expect "a buffer is shared" ctl a share 3 0
	note a
	expect "the host has it" [ "$h_gpadls_live" -eq $((rings + 1)) ]
	expect "and has it no more" ctl a unshare
	note a
	expect "taken back" [ "$h_gpadls_live" -eq "$rings" ]
	expect "described memory" ctl a share 64 4
	expect "taken back" ctl a unshare
	expect "in pieces that are not pages" refused ctl a share 3 2
	expect "as much as one can have" ctl a share 8190 0
	expect "taken back" ctl a unshare
	expect "more is refused" refused ctl a share 8191 0
	host refuse gpadl 1 >/dev/null
	expect "the host refuses one" refused ctl a share 3 0
	expect "one is left at close" ctl a share 5 0
	ctl a disable
	note a
	expect "the library took it back" [ "$c_gpadls_left" -eq 1 ]
	expect "there is none" [ "$c_gpadls" -eq 0 ]
	expect "nor one to delete" refused ctl a unshare
	left_at_close a 1
	again a
	expect "after that, another one" ctl a share 5 1
	expect "taken back" ctl a unshare
}

traffic_all()
{
	scenario "echo" echoes
	scenario "a host that sends" sources
	scenario "a host that sends, and a quota" source_with_quota
	scenario "a host that sends, and a limit of memory" source_with_limit
	scenario "a host that sends, and does not read" answers_unread
	scenario "a host that sends, and a pause" source_and_pause
	scenario "ranges of shared memory" ranges
	scenario "ranges of shared memory, and a rescind" ranges_and_rescind
	scenario "a deferred packet" deferred
	scenario "process context" passive
	scenario "payloads of user space" payloads_of_user_space
	scenario "external data" external_data
	scenario "requests that are queued, with external data" requests_queued
	scenario "GPADLs" gpadls
	scenario "the host refuses an open, and a GPADL" open_refused
	scenario "Opened refuses" opened_refuses
	scenario "a slow host and a full ring" full_ring
	scenario "rings of 4 KiB of data" ring_4k
	scenario "rings of 16 KiB of data" ring_16k
	scenario "rings of 1 MiB of data" ring_1m
	scenario "packets of the largest size" largest_packets
}
