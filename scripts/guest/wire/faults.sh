# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# One fault many times, in a random order from the seed: so many as the word count=N of
# the kernel's command line says, else as many as take some seconds. What the table
# Documentation/faults.rst requires and the other scenarios do not have.
#
# shellcheck disable=SC2154,SC2034 # note() sets c_* and h_*; scenario() uses channels

INJECT=/sys/kernel/debug/failslab

# often NUMBER: so often, or as count=N says, or a tenth on a slow kernel; in $times
often()
{
	times=$1
	[ "${slow:-0}" -eq 0 ] || times=$((times / 10))
	times=${count:-$times}
}

# tenth DONE: says so at each tenth
tenth()
{
	[ "$times" -lt 10 ] || [ $(($1 % (times / 10))) -ne 0 ] ||
		echo "$1 of $times" | show
}

# host_has_read CHANNEL COUNT
host_has_read()
{
	host_counts "$1" rx_packets -eq "$2"
}

# The host does not read for up to 5 seconds, at 50 channels at a time: their rings are
# full, and the queues go on when it reads again
stalls()
{
	local times random i name round=0 sum=0 late=0 wakeups=0

	often 100
	i=0
	while [ "$i" -lt 50 ]; do
		channel "st$i" sink ring=16384
		i=$((i + 1))
	done
	while [ $((round * 50)) -lt "$times" ]; do
		for name in $channels; do
			at "$name" stall
			ctl "$name" send 40 1000
			random 5000
			number "$name"
			host after "${random}ms" unstall "$number" >/dev/null
		done
		round=$((round + 1))
		for name in $channels; do
			expect "$name: the host has all" within 20 \
				host_has_read "$name" $((round * 40))
		done
		[ "$bad" -eq 0 ] || break
		tenth $((round * 50))
	done
	for name in $channels; do
		note "$name"
		expect "$name: its ring was full each time" \
			[ "$c_full" -ge "$round" ]
		expect "$name: it woke up each time" [ "$h_wakeups" -eq "$round" ]
		wakeups=$((wakeups + h_wakeups)) late=$((late + h_wakeups_late))
		sum=$((sum + h_wakeup_us))
	done
	echo "$wakeups stalls, $((sum / wakeups)) us until it goes on, $late took more than 10 ms" |
		show
	# Where the machine has other work, as in make check, some take longer
	if [ "${alone:-0}" -eq 1 ]; then
		expect "each wakes up within 10 ms" [ "$late" -eq 0 ]
	else
		expect "most wake up within 10 ms" [ $((late * 2)) -lt "$wakeups" ]
	fi
}

# ask CHANNEL COUNT: requests whose time is over about when the answer comes; how many
# were answered is in a file
ask()
{
	local done=0 answered=0 unit=1

	# With every checker an answer takes longer
	[ "${checkers:-0}" -eq 0 ] || unit=4
	while [ "$done" -lt "$2" ]; do
		done=$((done + 1))
		! ctl "$1" sync 64 $(((done % 13 + 1) * unit)) 2>/dev/null ||
			answered=$((answered + 1))
	done
	echo "$answered" >"/tmp/answered-$1"
}

# Each answer belongs to a request that waits, or is stale
answered()
{
	note "$1"
	[ "$h_tx_completions" -eq "$h_rx_requests" ] &&
		[ $((answered + c_comps_stale)) -eq "$h_tx_completions" ]
}

# Four requests at a time, which end because they are answered, or by their time limit.
# What is in the ring then is still answered.
sync_races()
{
	local times name answered sum=0 asking=''

	often 10000
	allow syncs comps_stale
	for name in a b c d; do
		channel "$name" "complete-late us=3000"
		ask "$name" $((times / 4)) &
		asking="$asking $!"
	done
	# shellcheck disable=SC2086 # words
	wait $asking
	for name in a b c d; do
		read -r answered <"/tmp/answered-$name"
		expect "$name: each answer came to its request, or was stale" \
			within 10 answered "$name"
		note "$name"
		expect "$name: none is in flight" [ "$c_in_flight" -eq 0 ]
		expect "$name: some were answered" [ "$answered" -gt $((times / 100)) ]
		expect "$name: some were not" [ "$answered" -lt $((times / 4 - times / 100)) ]
		sum=$((sum + answered))
	done
	echo "$sum of $times were answered in time" | show
}

# offers_are NUMBER: all of the channels together, and those that nobody takes
offers_are()
{
	local name sum=0

	for name in a b c d u v w x; do
		host_note "$name"
		sum=$((sum + h_offers))
	done
	[ "$sum" -ge "$1" ]
}

# The host takes each device back soon after it was opened, or offered if nobody opens
# it, and offers it again as soon as it can
offers_come_and_go()
{
	local times name

	often 1000
	allow rx_missing gaps
	for name in a b c d; do
		channel "$name" echo
		ctl "$name" reopen on
		ctl "$name" run 512 16 completion
	done
	for name in u v w x; do
		WIRE_CLASS=6b6d636c-6e6f-4f62-8f64-790000000000 offer "$name" echo
	done
	for name in a b c d u v w x; do
		number "$name"
		case $name in
		[a-d])	host every open "$number" after 4ms rescind "$number" >/dev/null ;;
		*)	host every offer "$number" after 2ms rescind "$number" >/dev/null ;;
		esac
		host every release "$number" offer "$number" >/dev/null
		at "$name" rescind
	done
	expect "$times offers" within $((60 + times / 10)) offers_are "$times"
	for name in a b c d u v w x; do
		at "$name" cancel
	done
	for name in u v w x; do
		# It may just be offered again
		until host_state "$name" absent; do
			at "$name" rescind 2>/dev/null
			usleep 50000
		done
	done
	for name in a b c d; do
		at "$name" offer 2>/dev/null
		ctl "$name" run off
		expect "$name: it is open" within 20 state "$name" Active
		ctl "$name" reopen off
		# One that needs no completion would end before those in flight
		ctl "$name" send 1 64 completion
		drained "$name"
		note "$name"
		echo "$name: $h_offers offers, opened $c_opens times" | show
		expect "$name: closed as often as its device went" \
			[ "$c_closed" -eq $((c_opens - 1)) ]
	done
}

# One channel of each kind, with packets both ways
removal_begin()
{
	expect "open" traffic open a "$WIRE_CLASS" "$instance_a"
	expect "open" traffic open b "$WIRE_CLASS" "$instance_b"
	expect "enable" ctl a enable
	expect "enable" ctl b enable
	expect "it opens" within 10 state a Active
	expect "it opens" within 10 state b Active
	ctl a run 1000 64 completion
	expect "traffic" within 10 counts a replies -gt 20
	expect "also from the host" within 10 counts b received -gt 20
}

# What the host has counted until the modules were gone
removal_end()
{
	local name

	for name in a b; do
		host_note "$name"
		host_consistent "$name"
		expect "$name: the host has no GPADL" [ "$h_gpadls_live" -eq 0 ]
		at "$name" reset
	done
}

# The modules go in any order, at the same time, while the device goes, or after its
# driver was unbound and bound again
removals()
{
	local times done=0 random name instance_a instance_b

	often 100
	offer a echo
	instance_a=$(instance "$offer_a")
	offer b "source rate=2000,size=64,completion=1"
	instance_b=$(instance "$offer_b")
	while [ "$done" -lt "$times" ] && [ "$bad" -eq 0 ]; do
		done=$((done + 1))
		# RCU's grace periods are most of what rmmod takes; with and without them
		echo $((done % 4 > 0)) >/sys/kernel/rcu_expedited
		removal_begin
		random 6
		case $random in
		0)	expect "client" rmmod kmcl_traffic
			expect "transport" rmmod vmbkmcl_hv ;;
		1)	expect "transport" rmmod vmbkmcl_hv
			expect "client" rmmod kmcl_traffic ;;
		2)	expect "the library is refused" refused rmmod vmbkmcl
			expect "transport" rmmod vmbkmcl_hv
			expect "the library is refused" refused rmmod vmbkmcl
			expect "client" rmmod kmcl_traffic ;;
		3)	rmmod kmcl_traffic &
			rmmod vmbkmcl_hv
			wait $! ;;
		4)	rmmod kmcl_traffic &
			at a rescind
			at b rescind
			wait $!
			expect "the guest has released a" within 5 host_state a absent
			expect "and b" within 5 host_state b absent
			at a offer
			at b offer
			expect "transport" rmmod vmbkmcl_hv ;;
		5)	ctl a reopen on
			expect "unbind" bound a unbind
			expect "it opens again" within 10 counts a opens -eq 2
			expect "client" rmmod kmcl_traffic
			expect "transport" rmmod vmbkmcl_hv ;;
		esac
		for name in kmcl_traffic vmbkmcl_hv; do
			expect "$name is gone" unloaded "$name"
		done
		# When both are gone it does not matter which was the first
		random 4
		[ "$random" -ne 0 ] || expect "library" rmmod vmbkmcl
		removal_end
		expect "insmod all" wire_load
		tenth "$done"
	done
	echo 0 >/sys/kernel/rcu_expedited
	left a
	left b
}

# text MODULE: where its functions are, in $first_MODULE and $last_MODULE. (All symbols
# take long to read on a kernel with every checker.)
text()
{
	# shellcheck disable=SC2046 # two words
	set -- "$1" $(grep "\[$1\]$" /proc/kallsyms | grep -i ' t ' |
		cut -d ' ' -f 1 | sort | sed -n '1p;$p')
	eval "first_$1=0x$2 last_$1=0x$3"
}

# inject MODULE BYTES: let an allocation in a function of the module fail, once, after
# so many bytes
inject()
{
	eval "echo \$first_$1" >$INJECT/require-start
	eval "echo \$last_$1" >$INJECT/require-end
	echo "$2" >$INJECT/space
	echo 1 >$INJECT/times
	echo 100 >$INJECT/probability
}

# Sets $injected to whether one has failed
inject_off()
{
	local times

	echo 0 >$INJECT/probability
	read -r times <$INJECT/times
	injected=$((1 - times))
}

# Any one allocation of the library or its transport fails, while a channel is opened,
# sends, receives, shares memory, and loses its device. What was accepted ends, what
# arrives is delivered, and afterwards it works.
allocations_fail()
{
	local times done=0 random module injected total=0

	often 200
	allow syncs rx_missing gaps
	echo N >$INJECT/ignore-gfp-wait
	echo 0 >$INJECT/verbose
	text vmbkmcl
	text vmbkmcl_hv
	channel a echo ring=65536
	while [ "$done" -lt "$times" ] && [ "$bad" -eq 0 ]; do
		done=$((done + 1))
		random 2
		module=vmbkmcl
		[ "$random" -eq 0 ] || module=vmbkmcl_hv
		random 5000
		inject "$module" "$random"
		random 6
		case $random in
		0)	ctl a disable
			ctl a enable 2>/dev/null
			within 1 state a Active ;;
		1)	ctl a send 40 500 completion 2>/dev/null ;;
		2)	ctl a many 40 500 completion 2>/dev/null ;;
		3)	ctl a sync 64 1000 2>/dev/null
			ctl a sync 2000 1000 2>/dev/null ;;
		4)	ctl a share 16 1 2>/dev/null && ctl a unshare ;;
		5)	at a rescind
			at a offer
			within 5 state a Disabled
			ctl a enable 2>/dev/null
			within 1 state a Active ;;
		esac
		inject_off
		total=$((total + injected))
		# The device is offered anew: the bus does not probe it again
		state a Active || {
			ctl a disable
			at a rescind 2>/dev/null
			expect "the guest has released it" within 5 host_state a absent
			at a offer
			expect "enable" ctl a enable
			expect "it opens" within 10 state a Active
		}
		ctl a send 10 500
		drained a
		tenth "$done"
	done
	echo "$total of $done allocations failed" | show
	expect "enough of them" [ "$total" -ge $((done / 4)) ]
}

# Once, with two processors
faults_all()
{
	if [ "${faults:-0}" -eq 1 ] || [ -n "$only" ]; then
		scenario "the host does not read for up to 5 seconds" stalls
		scenario "requests whose time ends when the answer comes" sync_races
		scenario "offers that are taken back at once" offers_come_and_go
		scenario "the modules go under traffic, in any order" removals
	fi
	[ -z "$only" ] || scenario "rescind and re-offer under traffic" soak
	if [ -d "$INJECT" ]; then
		scenario "any one allocation fails" allocations_fail
	else
		skipped "any one allocation fails: not a kernel that can do that" \
			allocations_fail
	fi
}
