# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What others can see of a channel: hv_vmbus' counters and the library's files in
# sysfs, and the library's tracepoints. They have to agree with what the library,
# the client and the host have counted.
#
# shellcheck disable=SC2154,SC2034 # note() sets c_* and h_*, shown() s_*;
# scenario() uses channels

TRACING=/sys/kernel/tracing
TRACE=/tmp/trace

# shown CHANNEL: as note, and the bus' counters of it as variables s_NAME
shown()
{
	local name value

	note "$1"
	for name in out_full_first out_full_total intr_in_full intr_out_empty \
		interrupts events; do
		value=
		read -r value <"/sys/bus/vmbus/devices/$(device_of "$1")/channels/$h_relid/$name"
		eval "s_$name=\$value"
	done
}

# both_have CHANNEL NUMBER: so many echoes are back, and the host looks no more
both_have()
{
	note "$1"
	[ "$h_rx_packets" -eq "$2" ] && [ "$c_received" -eq "$2" ]
}

# one_by_one CHANNEL FROM TO: each packet finds the ring empty, and unmasked
one_by_one()
{
	local n=$2

	while [ "$n" -lt "$3" ]; do
		n=$((n + 1))
		ctl "$1" send 1 64
		within 5 both_have "$1" "$n" || break
	done
}

# sends_shown NUMBER: all were sent to a host that had read the one before
sends_shown()
{
	shown a
	expect "each has come back" [ "$c_received" -eq "$1" ]
	expect "a signal for each" [ "$s_intr_out_empty" -eq "$1" ]
	expect "none because of room" [ "$s_intr_in_full" -eq 0 ]
	expect "the bus has sent as many" [ "$s_events" -eq "$1" ]
	expect "the host has seen as many" [ "$h_signals_in" -eq "$1" ]
	expect "each of the host's came" [ "$s_interrupts" -eq "$h_signals_out" ]
	expect "the ring was never full" \
		[ $((s_out_full_first + s_out_full_total + c_full)) -eq 0 ]
}

signals_of_sends()
{
	channel a echo
	one_by_one a 0 20
	sends_shown 20
	# They are the device's: closing it does not begin them anew
	ctl a disable
	sends_shown 20
	ctl a enable
	expect "the channel opens again" within 10 state a Active
	one_by_one a 20 30
	sends_shown 30
}

signals_of_a_full_ring()
{
	channel a sink ring=16384
	at a stall
	ctl a send 200 500
	shown a
	expect "the ring is full" [ "$c_queued" -gt 100 ]
	expect "for the first time" [ "$s_out_full_first" -eq 1 ]
	expect "and the only one" [ "$s_out_full_total" -eq 1 ]
	expect "the library says so, too" [ "$c_full" -eq 1 ]
	expect "one signal, for the first packet" [ "$s_intr_out_empty" -eq 1 ]
	expect "which the host has seen" [ "$h_signals_in" -eq 1 ]
	# Signals that make no room: it is tried in vain, and still the same time
	at a behave source rate=0,size=64,count=10
	expect "10 arrive" within 10 counts a received -eq 10
	shown a
	expect "it was tried again" [ "$s_out_full_total" -gt 1 ]
	expect "as often as the library says" \
		[ "$s_out_full_total" -eq "$c_full" ]
	expect "and is not full anew" [ "$s_out_full_first" -eq 1 ]
	at a behave sink
	at a unstall
	drained a
	at a stall
	ctl a send 200 500
	shown a
	expect "it is full again" [ "$s_out_full_first" -gt 1 ]
	at a unstall
	drained a
	shown a
	expect "as often as the library says" \
		[ "$s_out_full_total" -eq "$c_full" ]
	expect "and not more often anew" \
		[ "$s_out_full_first" -lt "$s_out_full_total" ]
	expect "the host has seen what the bus has sent" \
		[ $((h_signals_in + h_signals_late)) -eq "$s_events" ]
	expect "which is for packets" [ "$s_intr_out_empty" -ge "$s_events" ]
	expect "and not for room" [ "$s_intr_in_full" -eq 0 ]
}

# The host's ring is full, and each time that there is room again it is told
signals_of_room()
{
	channel a sink ring=16384
	ctl a pause
	at a behave source rate=0,size=300,count=1000
	expect "the host waits for room" within 5 host_counts a tx_blocked -gt 0
	shown a
	expect "there is none yet" [ $((s_intr_in_full + s_events)) -eq 0 ]
	expect "start" ctl a start
	expect "1000 arrive" within 20 counts a received -eq 1000
	shown a
	expect "signals because of room" [ "$s_intr_in_full" -gt 0 ]
	expect "at most one for each time" \
		[ "$s_intr_in_full" -le "$h_tx_blocked" ]
	expect "none for packets" [ "$s_intr_out_empty" -eq 0 ]
	expect "the bus has sent them" [ "$s_events" -eq "$s_intr_in_full" ]
	expect "the host has seen them" [ "$h_signals_in" -eq "$s_events" ]
	expect "with nothing to read" [ "$h_signals_empty" -eq "$h_signals_in" ]
}

# The library's files in sysfs

LIBRARY_SYSFS=/sys/kernel/kmcl

# library_of CHANNEL: its directory, as $library_dir
library_of()
{
	library_dir=$(dirname "$(grep -lx "$1" $LIBRARY_SYSFS/*/name)")
}

# says FILE TEXT
says()
{
	local text=''

	read -r text <"$library_dir/$1"
	[ "$text" = "$2" ]
}

# Each counter that the client shows as well, whose names are the same
counters_agree()
{
	local name value shown=0

	note "$1"
	while read -r name value; do
		eval "[ \"\${c_$name-$value}\" = \"\$value\" ]" || return
		shown=$((shown + 1))
	done <"$library_dir/counters"
	[ "$shown" -gt 40 ]
}

shown_in_sysfs()
{
	allow done_order
	channel a echo
	number a
	library_of a
	expect "the class" says class "$WIRE_CLASS"
	expect "the instance" says instance "$(instance "$number")"
	expect "the driver's module" grep -q '\[kmcl_traffic\]$' "$library_dir/driver"
	expect "the state" says state Active
	ctl a pause
	expect "Paused" says state Paused
	ctl a start
	expect "Active again" within 5 says state Active
	ctl a send 20 64 completion
	ctl a send 20 64
	drained a
	expect "20 come back" within 5 counts a received -eq 20
	expect "the counters" within 5 counters_agree a

	ctl a hold on
	expect "the limit is lowered" eval "echo 1 >$library_dir/memory_limit"
	ctl a send 2 64
	expect "the limit is reached" within 5 counts a limit_stops -gt 0
	expect "it is no number" refused eval "echo x >$library_dir/memory_limit"
	expect "the limit is raised" eval "echo 0 >$library_dir/memory_limit"
	ctl a hold off
	expect "2 come back" within 5 counts a received -eq 22
	expect "the counters" within 5 counters_agree a

	rescind a
	closed a
	expect "Disabled" says state Disabled
	expect "the instance that it had" says instance "$(instance "$number")"
	reoffer a
	again a
	expect "it is the same channel" says state Active
	expect "and its counters" within 5 counters_agree a
}

# A program that looks at all there is, while it comes and goes
read_in_sysfs()
{
	local reader dir round=0

	(while :; do cat $LIBRARY_SYSFS/*/* >/dev/null 2>&1; done) &
	reader=$!
	while [ $((round += 1)) -le 5 ]; do
		channel a echo
		ctl a send 20 64
		drained a
		rescind a
		closed a
		expect "close" traffic close a
		channels=
	done
	channel a echo
	library_of a
	dir=$library_dir
	exec 5<"$dir/counters"
	expect "rmmod kmcl_traffic" rmmod kmcl_traffic
	channels=
	expect "the channel's directory is gone" [ ! -e "$dir" ]
	expect "what was open gives an error" refused cat <&5
	kill "$reader"
	expect "rmmod vmbkmcl_hv" rmmod vmbkmcl_hv
	expect "rmmod vmbkmcl" rmmod vmbkmcl
	expect "all is gone" [ ! -e $LIBRARY_SYSFS ]
	exec 5<&-
	left a
	expect "insmod all" wire_load
}

# Tracepoints

trace_on()
{
	: >$TRACING/trace
	expect "the tracepoints can be switched on" \
		eval "echo 1 >$TRACING/events/kmcl/enable"
}

# What there is up to now
trace_read()
{
	grep ' kmcl_[a-z_]*: ' $TRACING/trace >$TRACE
}

trace_off()
{
	expect "the tracepoints can be switched off" \
		eval "echo 0 >$TRACING/events/kmcl/enable"
	trace_read
}

# traced CHANNEL EVENT [FIELDS]: how many lines of that channel's; a pattern of
# all fields from the first one on
traced()
{
	number "$1"
	grep -c " kmcl_$2: channel=[^ ]* instance=$(instance "$number") $3" $TRACE
}

# lines CHANNEL NUMBER EVENT [FIELDS]: exactly as many
lines()
{
	expect "$1: $2 lines of kmcl_$3 $4" \
		[ "$(traced "$1" "$3" "$4")" -eq "$2" ]
}

# field EVENT FIELD [WITH]: its values in the trace, in order
field()
{
	sed -n "s/.* kmcl_$1:.* $2=\([^ ]*\).*/\1 &/p" $TRACE | grep " ${3:-kmcl}" |
		cut -d ' ' -f 1
}

sum()
{
	local total=0 n

	while read -r n; do
		total=$((total + n))
	done
	echo $total
}

# The slots of packets: a transaction id's lower half
slots()
{
	local id

	while read -r id; do
		echo $((id & 0xffffffff))
	done | sort
}

# Each state is the one that the line before led to
states_follow()
{
	sed -n 's/.* kmcl_state: .* from=\(.*\) event=.* to=\(.*\)/\1 \2/p' $TRACE |
		awk -v last=Disabled '$1 != last { exit 1 } { last = $2 }'
}

# Traffic that reaches every tracepoint but that of bad packets
traced_traffic()
{
	ctl a send 10 64 completion
	ctl a send 5 100
	drained a
	expect "5 come back" within 5 counts a received -eq 5
	expect "a request is answered" ctl a sync 200
	expect "a buffer is shared" ctl a share 3 0
	expect "and no more" ctl a unshare
	# Three that wait for the channel to open
	ctl a disable
	ctl a send 3 80
	again a
	expect "3 come back" within 5 counts a received -eq 8
	ctl a quota 4
	ctl a hold on
	ctl a send 9 64
	expect "the quota is reached" within 5 counts a quota_stops -gt 0
	ctl a quota 1000
	ctl a memory 1
	expect "the limit is reached" within 5 counts a limit_stops -gt 0
	ctl a memory 0
	ctl a hold off
	expect "9 come back" within 5 counts a received -eq 17
	ctl a hook process defer
	ctl a send 1 64
	expect "1 comes back" within 5 counts a received -eq 18
	expect "pause" ctl a pause
	ctl a expect 0
	at a behave source rate=0,size=24,count=300,completion=1
	expect "the host has sent 300" within 5 host_counts a tx_packets -ge 318
	expect "start" ctl a start
	expect "300 arrive" within 20 counts a received -eq 318
	expect "and are completed" within 5 host_counts a tx_outstanding -eq 0
	at a behave complete-never
	ctl a send 5 64 completion
	expect "5 are in flight" within 5 counts a in_flight -eq 5
	rescind a
	closed a
	# An open that the host refuses
	host refuse open 1 >/dev/null
	reoffer a
	ctl a enable
	expect "PnpFailure" within 5 counts a pnp_failure -eq 1
	closed a
	at a behave echo
	again a
	ctl a hook process fail
	ctl a send 1 64
	expect "1 is failed" within 5 counts a failed -eq 1
	ctl a disable
}

sending_traced()
{
	local id='trans_id=0x[0-9a-f]*'

	lines a "$c_sent" send "$id is_completion=0 "
	lines a 15 send "$id is_completion=0 len=64 wait=1 queued_before=0$"
	lines a 5 send "$id is_completion=0 len=100 wait=0 queued_before=0$"
	lines a 1 send "$id is_completion=0 len=200 wait=1 queued_before=0$"
	for depth in 1 2 3; do
		lines a 1 send "$id is_completion=0 len=80 wait=0 queued_before=$depth$"
		lines a 1 queue "$id depth=$depth$"
	done
	lines a 3 queue
	lines a "$c_comps_sent" send "$id is_completion=1 len=0 wait=0 queued_before=0$"
	expect "the host has these completions" \
		[ "$c_comps_sent" -eq "$h_rx_completions" ]
	lines a "$c_completed" complete
	lines a "$c_removed" complete "packet=[^ ]* $id status=-19$"
	lines a $((c_completed - c_removed)) complete "packet=[^ ]* $id status=0$"
	expect "each packet was completed" \
		[ "$(field send trans_id is_completion=0 | slots)" = \
			"$(field complete trans_id | slots)" ]
	lines a 1 sync "timeout=10000000000 status=0$"
}

receiving_traced()
{
	local id='trans_id=[0-9a-fx]*'

	lines a "$c_delivered" fetch "$id is_completion=0 "
	lines a 5 fetch "$id is_completion=0 len=104 external=0$"
	lines a 300 fetch "$id is_completion=0 len=24 external=0$"
	lines a 11 fetch "$id is_completion=1 "
	lines a 10 fetch "$id is_completion=1 len=64 external=0$"
	lines a 1 fetch "$id is_completion=1 len=200 external=0$"
	expect "with the ids of what they complete" \
		[ "$(field fetch trans_id is_completion=1)" = \
			"$(field send trans_id wait=1 | head -n 11)" ]
	expect "the batches have all that was delivered" \
		[ "$(field fetch_done packets | sum)" -eq "$c_delivered" ]
	lines a "$c_quota_stops" quota "outstanding=4 quota=4$"
	lines a "$c_quota_stops" fetch_done "packets=[0-9]* reason=QUOTA$"
	lines a "$c_limit_stops" limit "held=[1-9][0-9]* comps=0 limit=1$"
	lines a "$c_limit_stops" fetch_done "packets=0 reason=LIMIT$"
	expect "the time limit was reached" [ "$c_budget_stops" -ge 1 ]
	# 256 packets, in one batch or in several
	lines a "$c_budget_stops" budget "packets=[0-9]* ns=[1-9][0-9]*$"
	lines a "$c_budget_stops" fetch_done "packets=[0-9]* reason=BUDGET$"
	lines a 1 defer "$id$"
	lines a 1 fetch_done "packets=0 reason=DEFER$"
	lines a 1 fail "$id$"
	lines a 1 fetch_done "packets=1 reason=FAILED$"
}

states_traced()
{
	local name calls

	expect "each state follows the one before" states_follow
	lines a "$c_rescinds" state "from=Active event=DEAD to=Closed$"
	lines a "$c_opens" state "from=Enabled event=OPEN_OK to=Opened$"
	lines a "$c_open_failures" state "from=Enabled event=OPEN_REFUSED to=Disabled$"
	lines a "$c_rescinds" state "from=Closed event=DONE_DEAD to=Disabled$"
	for name in OPEN:opened CB_STARTED:started CB_POST:post_started \
		CB_SUSPEND:suspend CB_CLOSED:closed; do
		eval "calls=\$c_${name#*:}"
		expect "${name#*:} was called" [ "$calls" -gt 0 ]
		lines a "$calls" callback "which=${name%:*} enter status=0$"
		lines a "$calls" callback "which=${name%:*} exit status=0$"
	done
	lines a 1 callback "which=CB_FAILURE enter status=-111$"
	lines a 1 gpadl "op=create handle=0x[0-9a-f]* bytes=12288 status=0$"
	lines a 1 gpadl "op=delete handle=0x[0-9a-f]* bytes=12288 status=0$"
	expect "with the same handle" \
		[ "$(field gpadl handle | sort -u | grep -c .)" -eq 1 ]
}

tracepoints()
{
	local event

	allow syncs rx_missing bad_packets done_order
	trace_on
	channel a echo ring=65536
	traced_traffic
	trace_read
	note a
	sending_traced
	receiving_traced
	states_traced
	expect "all are of one channel" \
		[ "$(field '[a-z_]*' channel | sort -u | grep -c .)" -eq 1 ]

	# Packets that make no sense
	cp $TRACE /tmp/trace-a
	: >$TRACING/trace
	allow syncs rx_missing bad_packets done_order comps_stale malformed checksum_errors \
		order_errors range_errors rx_foreign signals_wrong completions_unknown
	channel b "garble seed=1,count=300,what=fields" ring=65536
	expect "the host has written them" within 20 host_counts b garbled -eq 300
	usleep 300000
	trace_off
	note b
	expect "some were bad" [ "$c_bad_packets" -gt 0 ]
	lines b "$c_bad_packets" bad_packet "reason=[A-Z]* len8=[0-9]* offset8=[0-9]* type=[0-9]*$"
	lines b "$c_comps_stale" fetch "trans_id=[0-9a-fx]* is_completion=1 "
	lines b "$c_delivered" fetch "trans_id=[0-9a-fx]* is_completion=0 "

	cat /tmp/trace-a >>$TRACE
	for event in "$TRACING"/events/kmcl/kmcl_*; do
		expect "${event##*/} was reached" grep -q " ${event##*/}: " $TRACE
	done
	: >$TRACING/trace
	ctl a enable
	expect "the channel opens" within 10 state a Active
	ctl a send 5 64
	drained a
	trace_read
	expect "and is traced no more" [ ! -s $TRACE ]
}

# Modules go and come while they are traced
tracepoints_and_modules()
{
	trace_on
	channel a echo
	ctl a run 1000 64
	expect "traffic" within 10 counts a received -gt 100
	expect "rmmod kmcl_traffic" rmmod kmcl_traffic
	channels=''
	expect "rmmod vmbkmcl_hv" rmmod vmbkmcl_hv
	expect "rmmod vmbkmcl" rmmod vmbkmcl
	expect "there are no tracepoints" [ ! -e $TRACING/events/kmcl ]
	left a
	expect "nothing is left of them" eval "! grep -q ' kmcl_' $TRACING/trace"
	expect "insmod all" wire_load
	expect "they are off" grep -q '^0' $TRACING/events/kmcl/enable
	trace_on
	channel b echo
	ctl b send 10 64
	drained b
	trace_off
	lines b 10 send "trans_id=0x[0-9a-f]* is_completion=0 len=64 wait=0 queued_before=0$"
}

# A kernel may have been built without
has_tracing()
{
	[ -d $TRACING/events ] || mount -t tracefs tracefs $TRACING 2>/dev/null
	[ -d $TRACING/events/kmcl ]
}

watch_all()
{
	scenario "sends as the bus counts them" signals_of_sends
	scenario "a full ring as the bus counts it" signals_of_a_full_ring
	scenario "room for the host as the bus counts it" signals_of_room
	scenario "what sysfs shows of a channel" shown_in_sysfs
	scenario "who reads while channels and modules go" read_in_sysfs
	if has_tracing; then
		scenario "tracepoints" tracepoints
		scenario "tracepoints of modules that go" tracepoints_and_modules
	else
		skipped "tracepoints, which this kernel does not have" tracepoints
	fi
}
