# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Processors go and come, and hv_vmbus moves the interrupt of a channel to another
# one, while packets are on their way.
#
# shellcheck disable=SC2154 # note() sets c_* and h_*; cpus is of the command line

CPU1=/sys/devices/system/cpu/cpu1/online

# When a processor goes, Linux 6.12.117 stops the scheduler's server of it, for ordinary
# tasks beside those of real time, also if that is not active, and warns where
# CONFIG_SCHED_DEBUG is set. It is not active if no such task has run for a second. One
# that is given no time is not stopped; while this writes it a task runs there.
no_servers()
{
	local release cpu file

	read -r _ _ release _ </proc/version
	[ "$release" != "${release#6.12.}" ] || return 0
	for file in /sys/kernel/debug/sched/fair_server/cpu[1-9]*/runtime; do
		cpu=${file%/runtime} cpu=${cpu##*/cpu}
		[ ! -e "$file" ] || [ "$(cat "$file")" -eq 0 ] ||
			taskset -c "$cpu" sh -c "echo 0 >$file"
	done
}

# cpu_of CHANNEL: the file with the processor that the host interrupts for it
cpu_of()
{
	ls "/sys/bus/vmbus/devices/$(device_of "$1")"/channels/*/cpu
}

# move_to CPU FILE
move_to()
{
	echo "$1" >"$2"
}

# interrupts CHANNEL CPU: hv_vmbus moves the interrupt, and says so
interrupts()
{
	local file

	file=$(cpu_of "$1")
	move_to "$2" "$file" && [ "$(cat "$file")" -eq "$2" ]
}

# A host of before VMBus 4.1 has no such message
interrupts_move()
{
	case $protocol in
	[0-3].*|4.0)	return 1 ;;
	esac
}

# flows CHANNEL COUNTER: it grows from now on
flows()
{
	local value

	note "$1"
	eval "value=\$c_$2"
	within 10 counts "$1" "$2" -gt $((value + 50))
}

# cpu1 0|1: switch it. Others may hold it for a moment: hv_vmbus as long as an
# interrupt is pending there
cpu1()
{
	[ "$1" -eq 1 ] || no_servers
	{ echo "$1" >$CPU1; } 2>/dev/null && [ "$(cat $CPU1)" -eq "$1" ]
}

# Traffic in both directions, of all kinds
cpu_traffic()
{
	channel a echo
	channel b complete-never
	channel c "source rate=2000,size=64,completion=1"
	channel d echo
	ctl a run 64 16
	in_flight b 20 128
	ctl d run 64 16 completion
}

cpu_flows()
{
	expect "$1: a: answers arrive" flows a received
	expect "$1: c: packets arrive" flows c received
	expect "$1: d: requests are completed" flows d done_ok
}

cpu_traffic_ends()
{
	ctl a run off
	ctl d run off
	drained a
	drained d
	note b
	expect "b: its requests are still in flight" [ "$c_in_flight" -eq 20 ]
	for name in a b c d; do
		note "$name"
		expect "$name: opened once, never closed" \
			[ $((c_opened * 10 + c_closed)) -eq 10 ]
	done
}

# The processor on which a channel's work runs, or a sender, may be the one
cpu_off_and_on()
{
	cpu_traffic
	for round in 1 2; do
		expect "$round: processor 1 goes" within 10 cpu1 0
		cpu_flows "$round, one processor"
		expect "$round: it comes" within 10 cpu1 1
		cpu_flows "$round, two processors"
	done
	cpu_traffic_ends
}

# The one that a channel's interrupts go to: hv_vmbus refuses to switch it off, or
# moves them, as 7.3 does with VMBus 5.3
cpu_of_a_channel()
{
	cpu_traffic
	for name in a b c d; do
		expect "$name: interrupts move" interrupts "$name" 1
	done
	cpu_flows "interrupts at processor 1"
	if cpu1 0; then
		for name in a c; do
			expect "$name: its interrupts moved" \
				[ "$(cat "$(cpu_of "$name")")" -eq 0 ]
		done
		cpu_flows "it is off"
		expect "it comes" within 10 cpu1 1
	fi
	cpu_flows "both are on"
	for name in a b c d; do
		expect "$name: interrupts move back" interrupts "$name" 0
	done
	expect "processor 1 goes" within 10 cpu1 0
	cpu_flows "one processor"
	expect "processor 1 comes" within 10 cpu1 1
	cpu_traffic_ends
}

# To and fro under traffic, and while the host takes the device away
cpu_of_a_channel_moves()
{
	local n=0 file files

	cpu_traffic
	files="$(cpu_of a) $(cpu_of c) $(cpu_of d)"
	while [ $n -lt 10 ]; do
		n=$((n + 1))
		for file in $files; do
			expect "interrupts move" move_to $((n % 2)) "$file"
		done
	done
	cpu_flows "moved $n times"
	cpu_traffic_ends
	channel e "source rate=2000,size=64,completion=1"
	file=$(cpu_of e)
	while [ -e "$file" ]; do
		# It is refused from the moment on that the channel closes
		move_to 1 "$file" 2>/dev/null
		move_to 0 "$file" 2>/dev/null
		[ $n -ne 15 ] || rescind e
		n=$((n + 1))
		[ $n -lt 10000 ] || break
	done
	expect "the device goes" [ ! -e "$file" ]
	closed e
	reoffer e
	again e
	expect "packets arrive" flows e received
}

cpus_all()
{
	# One that is isolated with nohz_full cannot be switched off, says the kernel, and
	# hv_vmbus moves no interrupts to it
	if [ ! -e $CPU1 ] || [ -n "${isolated:-}" ]; then
		skipped "processors go and come under traffic" cpu_off_and_on
	else
		scenario "processors go and come under traffic" cpu_off_and_on
	fi
	if [ ! -e $CPU1 ] || [ -n "${isolated:-}" ] || ! interrupts_move; then
		skipped "a channel's interrupts are moved for that" cpu_of_a_channel
		skipped "they move to and fro" cpu_of_a_channel_moves
	else
		scenario "a channel's interrupts are moved for that" cpu_of_a_channel
		scenario "they move to and fro" cpu_of_a_channel_moves
	fi
}
