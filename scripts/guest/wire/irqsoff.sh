# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Runs in a guest of tools/vmbhost whose kernel traces when interrupts are switched
# off and on: for how long the library has them off while thousands of packets wait.
# The clock is the processor's, in which a unit is an instruction (--icount).
#
# What the outer guest executes when it interrupts this one is counted, too. It can
# only make a section longer, and never the same one each time. So each case is done
# RUNS times, and for each place where the library switches interrupts off the
# longest section counts that was the shortest in these runs.
#
# shellcheck disable=SC2154,SC2034 # note() sets c_* and h_*; scenario() uses channels

# shellcheck source=scripts/guest/wire/wire-lib.sh
. /wire-lib.sh

TRACING=/sys/kernel/tracing
LIMIT=100000
PACKETS=2000
DEVICES=40
RUNS=3

# Lines "LONGEST NUMBER PLACE" of this run's sections, from the events:
#
#   TASK [CPU] FLAGS TIME: irq_disable: caller=FUNCTION [MODULE] parent=FUNCTION [MODULE]
#
# without a module for the kernel's own functions; the caller of a lock is the
# lock's function, and its parent who takes it. Fields and no patterns, for speed.
sections_of_run()
{
	awk '
	$5 == "irq_disable:" {
		began = 0
		place = ""
		if ($7 == "[vmbkmcl]" || $7 == "[vmbkmcl_hv]")
			place = substr($6, 8) " " $7
		else if ($NF == "[vmbkmcl]" || $NF == "[vmbkmcl_hv]")
			place = substr($(NF - 1), 8) " " $NF
		if (place != "")
			began = $4 + 0
	}
	$5 == "irq_enable:" && began {
		long = $4 - began
		if (long > most[place])
			most[place] = long
		number[place]++
		began = 0
	}
	END {
		for (place in most)
			print most[place], number[place], place
	}' $TRACING/trace
}

# Of each place the shortest of the runs, the longest first
sections()
{
	cat /tmp/run.* | awk '
	{
		name = $3 " " $4
		if (!(name in least) || $1 < least[name])
			least[name] = $1
		number[name] += $2
	}
	END {
		for (name in least)
			print least[name], number[name], name
	}' | sort -rn
}

none_lost_in_trace()
{
	! grep -hE '^(overrun|commit overrun|dropped events): [1-9]' \
		$TRACING/per_cpu/cpu*/stats
}

trace_start()
{
	echo >$TRACING/trace
	echo 1 >$TRACING/tracing_on
}

trace_stop()
{
	echo 0 >$TRACING/tracing_on
}

# measure FUNCTION: it begins the trace when what it measures begins
measure()
{
	local run most

	rm -f /tmp/run.*
	for run in $(seq $RUNS); do
		channels=
		"$1"
		trace_stop
		expect "the trace is complete" none_lost_in_trace
		sections_of_run >"/tmp/run.$run"
		for name in $channels; do
			consistent "$name"
			finish "$name"
		done
		channels=
	done
	sections >/tmp/sections
	awk -v what="$1" '{ sum += $2 } END { print what ":", sum, "sections, the longest:" }' \
		/tmp/sections | show
	head -n 3 /tmp/sections | show
	read -r most _ </tmp/sections
	expect "the library has switched interrupts off" [ "${most:-0}" -gt 0 ]
	expect "no section is longer than $LIMIT" [ "${most:-0}" -le "$LIMIT" ]
}

# queue_then_open COUNT BYTES OPTION...: a queue for which the ring has room
queue_then_open()
{
	local count=$1 bytes=$2

	shift 2
	offered a sink "$@"
	expect "send" ctl a send "$count" "$bytes"
	trace_start
	expect "enable" ctl a enable
	expect "the channel opens" within 20 state a Active
	expect "the queue is empty" within 20 counts a queued -eq 0
}

opening()
{
	queue_then_open $PACKETS 64 ring=1048576
}

opening_large()
{
	queue_then_open 15 131072 ring=2097152 packet=131072
}

# Into the queue, from there into the ring, and into the ring at once
opening_largest()
{
	offered a sink ring=2097152 packet=524264
	trace_start
	expect "send" ctl a send 3 524264
	expect "enable" ctl a enable
	expect "the channel opens" within 20 state a Active
	expect "the queue is empty" within 20 counts a queued -eq 0
	expect "send" ctl a send 2 524264
	expect "the queue is empty" within 20 counts a queued -eq 0
}

# Nobody answers the requests
closing()
{
	channel a complete-never ring=1048576
	in_flight a $PACKETS 64
	trace_start
	expect "disable" ctl a disable
	expect "none is in flight" counts a in_flight -eq 0
}

rescinded()
{
	channel a complete-never ring=1048576
	in_flight a $PACKETS 64
	trace_start
	rescind a
	closed a
	trace_stop
	expect "none is in flight" counts a in_flight -eq 0
}

# The gate is shut, and packets wait
completing()
{
	channel a sink ring=1048576
	ctl a hold on
	at a behave source rate=0,count=200,completion=1
	expect "200 are outstanding" within 10 counts a outstanding -eq 200
	ctl a pause &
	expect "the channel is pausing" within 10 counts a suspend -eq 1
	expect "send" ctl a send $PACKETS 64
	trace_start
	ctl a hold off
	wait
	expect "none is outstanding" counts a outstanding -eq 0
	expect "they have passed the packets" counts a queued -eq $PACKETS
	expect "start" ctl a start
	expect "the queue is empty" within 20 counts a queued -eq 0
}

# The ring from the host is full of its packets
receiving()
{
	channel a sink ring=524288
	expect "pause" ctl a pause
	at a behave source rate=0,count=$PACKETS
	expect "the host has sent them" within 10 host_counts a tx_packets -eq $PACKETS
	trace_start
	expect "start" ctl a start
	expect "they arrive" within 20 counts a received -eq $PACKETS
}

# The ring from the host is full of its completions
answered()
{
	channel a echo ring=1048576
	at a stall
	in_flight a $PACKETS 64
	expect "pause" ctl a pause
	at a unstall
	expect "the host has answered" within 10 host_counts a tx_completions -eq $PACKETS
	trace_start
	expect "start" ctl a start
	expect "none is in flight" within 20 counts a in_flight -eq 0
}

answered_largest()
{
	channel a echo ring=2097152 packet=524264
	at a stall
	in_flight a 2 524264
	expect "pause" ctl a pause
	at a unstall
	expect "the host has answered" within 20 host_counts a tx_completions -eq 2
	trace_start
	expect "start" ctl a start
	expect "none is in flight" within 20 counts a in_flight -eq 0
}

# With and without a completion routine
freeing()
{
	allow syncs
	offered a sink
	expect "send" ctl a send $((PACKETS / 2)) 64
	expect "send" ctl a send $((PACKETS / 2)) 64 default
	consistent a
	channels=
	trace_start
	finish a
}

refused_open()
{
	offered a sink
	expect "send" ctl a send $PACKETS 64
	host refuse open 1 >/dev/null
	trace_start
	ctl a enable
	expect "it was refused" within 10 counts a pnp_failure -eq 1
	expect "Disabled" within 5 state a Disabled
}

# A list of channels and one of offers are searched
devices()
{
	local i

	trace_start
	for i in $(seq $DEVICES); do
		offered "d$i" sink ring=8192 packet=512
		ctl "d$i" enable
	done
	for i in $channels; do
		expect "$i opens" within 20 state "$i" Active
	done
	for i in $channels; do
		at "$i" rescind
	done
	for i in $channels; do
		closed "$i"
	done
}

# Each of them three times
opening_case()		{ measure opening; }
opening_largest_case()	{ measure opening_largest; }
opening_large_case()	{ measure opening_large; }
closing_case()		{ measure closing; }
rescinded_case()	{ measure rescinded; }
completing_case()	{ measure completing; }
receiving_case()	{ measure receiving; }
answered_case()		{ measure answered; }
answered_largest_case()	{ measure answered_largest; }
freeing_case()		{ measure freeing; }
refused_open_case()	{ measure refused_open; }
devices_case()		{ measure devices; }

# As many events as 30 MB have room for
trace_on()
{
	mount -t tracefs none $TRACING &&
		echo 0 >$TRACING/tracing_on &&
		echo x86-tsc >$TRACING/trace_clock &&
		echo 30000 >$TRACING/buffer_size_kb &&
		echo 1 >$TRACING/events/preemptirq/irq_disable/enable &&
		echo 1 >$TRACING/events/preemptirq/irq_enable/enable
}

step "For how long interrupts are off, in instructions"
check "insmod" wire_load
check "interrupts are traced" trace_on
scenario "$PACKETS packets are sent when a channel opens" opening_case
scenario "15 packets of 128 KiB are sent when a channel opens" opening_large_case
scenario "packets of 512 KiB are queued, and sent" opening_largest_case
scenario "$PACKETS requests end when a channel closes" closing_case
scenario "$PACKETS requests end when its device goes" rescinded_case
scenario "200 completions pass $PACKETS packets" completing_case
scenario "$PACKETS packets are received" receiving_case
scenario "$PACKETS requests are answered" answered_case
scenario "2 requests of 512 KiB are answered" answered_largest_case
scenario "$PACKETS packets end with their channel" freeing_case
scenario "an open is refused" refused_open_case
scenario "$DEVICES devices come and go" devices_case
wire_unload
