# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# GPADLs of a device that the host takes away: one that is being made, one that
# is being deleted, and those that are there. And of one that the guest closes: a
# host before 4.0 wants them deleted first, see left_at_close(). And those that the
# host does not give back, the rings among them. And the rings of a guest whose
# memory is fragmented.
#
# shellcheck disable=SC2154,SC2034 # note() sets c_* and h_*; scenario() uses channels

# How often the library said that GPADLs of so many bytes were left by a channel
left_said()
{
	dmesg | grep -c " $1: GPADL 0x[0-9a-f]* of $2 bytes was left"
}

# The host has nothing of the guest's any more
host_has_none()
{
	expect "the guest has released $1" within 5 host_state "$1" absent
	note "$1"
	expect "the host has no GPADL" [ "$h_gpadls_live" -eq 0 ]
}

# The host cannot be told: it goes on using the memory. 1100 pages are memory of
# vmalloc() and more than one message, 1 page is memory of kmalloc()
gpadls_not_given_back()
{
	local rings

	allow gpadls_left
	channel a echo
	note a
	rings=$h_gpadls_live
	expect "a buffer is shared" ctl a share 1100 0
	host refuse teardown 1 >/dev/null
	expect "deleting it ends" ctl a unshare
	note a
	expect "the host still has it" [ "$h_gpadls_live" -eq $((rings + 1)) ]
	expect "its memory is kept" [ "$c_gpadls_kept $c_kept_bytes" = "1 4505600" ]
	expect "and the log says so" \
		kept_said "a: the host did not give back .* its 4505600 bytes"
	expect "a small one is shared" ctl a share 1 0
	host refuse teardown 2 >/dev/null
	expect "deleting it ends" ctl a unshare
	note a
	expect "when the host has given it back" \
		[ "$h_gpadls_live" -eq $((rings + 1)) ]
	expect "that had to be asked for again" [ "$h_gpadls_torn" -eq 1 ]
	expect "it is not kept" [ "$c_gpadls_kept $c_kept_bytes" = "1 4505600" ]
	host refuse body 1 >/dev/null
	expect "half a GPADL is none" refused ctl a share 1100 0
	note a
	expect "but the host knows the memory" \
		[ "$c_gpadls_kept $c_kept_bytes" = "2 9011200" ]
	expect "and the log says so" \
		kept_said "a: making a GPADL failed .* its 4505600 bytes"
	expect "the next one" ctl a share 64 4
	expect "taken back" ctl a unshare
	note a
	expect "is not kept" [ "$c_gpadls $c_gpadls_kept" = "0 2" ]
}

RING_BYTES=262144	# of both rings; that is more than one message

# rings_kept COUNT: so often
rings_kept()
{
	note a
	expect "rings were kept $1 times" \
		[ "$c_rings_kept $c_kept_bytes" = "$1 $(($1 * RING_BYTES))" ]
}

# At a close, without a close, and when opening fails: before the host knows all,
# and after
rings_not_given_back()
{
	local rings

	allow gpadls_left
	channel a echo ring=131072
	note a
	rings=$h_gpadls_live
	host refuse teardown 1 >/dev/null
	expect "disable" ctl a disable
	rings_kept 1
	expect "the host still has them" [ "$h_gpadls_live" -eq "$rings" ]
	expect "and the log says so" kept_said \
		"a: the host did not give back the rings; their $RING_BYTES bytes"
	again a
	expect "the next ones" ctl a disable
	rings_kept 1
	expect "are not kept" [ "$h_gpadls_live" -eq "$rings" ]

	host refuse open 1 >/dev/null
	host refuse teardown 1 >/dev/null
	expect "enable" ctl a enable
	closed a
	rings_kept 2
	expect "the host still has them" [ "$h_gpadls_live" -eq $((rings + 1)) ]
	host refuse body 1 >/dev/null
	expect "enable" ctl a enable
	closed a
	rings_kept 3
	host refuse gpadl 1 >/dev/null
	expect "enable" ctl a enable
	closed a
	rings_kept 3
	again a

	host refuse close 1 >/dev/null
	expect "disable" ctl a disable
	rings_kept 4
	expect "the host has it open" host_state a open
	rescind a
	back a
	rescind a
	after_rescind a
	rings_kept 4
	back a
}

# external_then_close BYTES REFUSALS: a request with so much external data is in
# flight when the channel closes, of which the host may not learn
external_then_close()
{
	ctl a external "$1" 1 2>/tmp/request &
	expect "the host has it" within 5 counts a in_flight -eq 1
	[ "$2" = 0 ] || host refuse close "$2" >/dev/null
	expect "disable" ctl a disable
	wait
	expect "the request ended: the device is gone" \
		grep -q 'No such device$' /tmp/request
}

# external_kept COUNT BYTES HELD: so many packets' external data, and so much in
# all; of so many requests the pages are still held
external_kept()
{
	note a
	expect "$1 packets with external data were kept" [ "$c_packets_kept" -eq "$1" ]
	expect "$2 bytes in all" [ "$c_kept_bytes" -eq "$2" ]
	expect "pages of $3 requests are held" [ "$c_pages_held" -eq "$3" ]
}

# Its owner has freed the memory. That of kmalloc(), 100 bytes, nobody can keep
external_data_not_given_back()
{
	local kept=$((RING_BYTES + 100000))

	allow syncs rx_missing
	channel a complete-never ring=131072
	external_then_close 100000 0
	expect "its memory was freed" counts a given_up -eq 1
	external_kept 0 0 0
	again a

	external_then_close 100000 1
	expect "its memory was freed" counts a given_up -eq 2
	external_kept 1 $kept 1
	expect "and the log says so" kept_said \
		"a: the host did not close the channel; 100000 bytes of external data are not used again, even if they are freed"
	expect "the host has it open" host_state a open
	rescind a
	back a
	external_kept 1 $kept 1

	external_then_close 100 1
	expect "another one is not freed" counts a given_up -eq 2
	external_kept 1 $((kept + RING_BYTES)) 1
	expect "and the log says so" kept_said \
		"a: the host did not close the channel; it may still use 100 bytes of external data, which must not be freed: .*"
	rescind a
	back a
	external_then_close 100000 0
	external_kept 1 $((kept + RING_BYTES)) 1
	again a
}

# Is there a free block of 16 pages, or a larger one, that a driver can have? Not of
# those that are kept for allocations that may not wait. Of each zone and type, the
# fields from the 11th on are the numbers of blocks of 16, 32... pages
large_blocks()
{
	awk '$5 == "type" && $6 ~ /^(Unmovable|Movable|Reclaimable)$/ {
			for (i = 11; i <= NF; i++)
				sum += $i
		}
		END { exit !sum }' /proc/pagetypeinfo
}

# Leave no block of 16 pages, and none that the kernel could make: it gives up looking
# for one when it has failed before, and looks everywhere when it is told to. Others
# may free some meanwhile
fragment()
{
	local round=0

	while [ "$round" -lt 3 ] || large_blocks; do
		[ "$round" -lt 20 ] || { show </proc/pagetypeinfo; return 1; }
		traffic fragment 4 || return
		echo 1 >/proc/sys/vm/compact_memory
		traffic fragment 4 || return
		round=$((round + 1))
	done
}

# has_small_rings CHANNEL OPTION...: it opens, and there is no memory for its rings.
# Somebody may free a block while it does: a channel whose rings are as large as it
# asked for had one. It keeps them until it is freed, so it is made anew
has_small_rings()
{
	local name=$1 round=1

	shift
	while :; do
		fragment || return
		ctl "$name" enable
		within 10 state "$name" Active || return
		counts "$name" small_rings -eq 0 || return 0
		show </proc/pagetypeinfo
		[ "$round" -lt 5 ] || return
		ctl "$name" disable
		within 10 state "$name" Disabled && traffic close "$name" || return
		number "$name"
		traffic open "$name" "$WIRE_CLASS" "$(instance "$number")" "$@"
		round=$((round + 1))
	done
}

# A guest has no large blocks of memory left when its device comes back: the channel
# has kept its own. One that opens for the first time has smaller rings, until there
# is memory again
rings_in_fragmented_memory()
{
	channel a echo ring=131072
	note a
	expect "it has its rings" \
		[ "$c_ring_memory $c_ring_out" = "$RING_BYTES 126976" ]
	rescind a
	after_rescind a
	expect "memory is fragmented" fragment
	back a
	note a
	expect "it has them again" [ "$c_ring_memory $c_ring_in $c_small_rings" = \
		"$RING_BYTES 126976 0" ]

	offered b echo ring=131072
	expect "another one has smaller rings" has_small_rings b ring=131072
	note b
	expect "it counts them" [ "$c_small_rings" -eq 1 ]
	expect "of a smaller block" [ "$c_ring_memory" -lt "$RING_BYTES" ]
	expect "for two packets" [ "$c_ring_out" -ge 12288 ]
	expect "and the log says so" kept_said \
		"b: there is no block of memory for rings of 126976 bytes out and 126976 in; they have $c_ring_out and $c_ring_in"
	expect "packets of all sizes" ctl b send 50 4096 completion
	drained b
	rescind b
	after_rescind b
	expect "memory is whole" traffic fragment 0
	back b
	note b
	expect "its rings are larger" [ "$c_ring_memory $c_ring_out $c_small_rings" = \
		"$RING_BYTES 126976 1" ]
}

# Packets of 128 KiB go out, wait, and come back, where there are no such blocks
packets_in_fragmented_memory()
{
	channel a echo packet=131072
	expect "memory is fragmented" fragment
	ctl a send 20 131072 completion
	drained a
	ctl a expect 20
	at a stall
	expect "those are queued" ctl a send 10 131072
	at a unstall
	drained a
	expect "they come back" within 20 counts a received -eq 10
	note a
	expect "none is missing" [ "$c_gaps" -eq 0 ]
	expect "memory is whole" traffic fragment 0
}

# Packets that may have so many ranges that these take a hundred pages; the host looks
# at each byte. What is sent without external data has room for them, too
ranges_in_fragmented_memory()
{
	allow syncs rx_missing
	channel a echo external=1048576
	expect "memory is fragmented" fragment
	ctl a send 20 64 completion
	drained a
	expect "one page of ranges" ctl a external 500000 1
	expect "two pages" ctl a external 500000 400
	expect "many pages" ctl a external 500000 4096
	ctl a expect 23
	at a stall
	expect "the ring is full" ctl a send 5000 64
	ctl a external 400000 2500 2>/tmp/request &
	expect "one more is queued" within 5 counts a queued -gt 0
	at a unstall
	wait
	expect "it was sent" [ ! -s /tmp/request ]
	drained a
	note a
	expect "the host saw each range" \
		[ "$h_gpa_ranges" -eq $((1 + 400 + 4096 + 2500)) ]
	expect "and each byte" [ "$h_gpa_bytes" -eq $((3 * 500000 + 400000)) ]
	expect "memory is whole" traffic fragment 0
}

kept_said()
{
	dmesg | grep -q " $1\( \|$\)"
}

gpadl_create_and_rescind()
{
	local rings

	channel a echo
	note a
	rings=$h_gpadls_live
	host withhold gpadl >/dev/null
	ctl a share 3 0 2>/tmp/share &
	expect "the host was asked" within 5 host_counts a gpadls_live -eq $((rings + 1))
	usleep 200000
	expect "creating waits for its answer" waits
	rescind a
	wait
	expect "it ended: the device is gone" grep -q 'No such device$' /tmp/share
	host release gpadl >/dev/null
	after_rescind a
	note a
	expect "there is none" [ $((c_gpadls + c_gpadls_left)) -eq 0 ]
	host_has_none a
	expect "none can be made now" refused ctl a share 3 0
	back a
	expect "but now" ctl a share 3 0
	expect "taken back" ctl a unshare
}

gpadl_delete_and_rescind()
{
	channel a echo
	expect "a buffer is shared" ctl a share 3 1
	host withhold teardown >/dev/null
	ctl a unshare 2>/tmp/unshare &
	usleep 300000
	expect "deleting waits for the host" waits
	note a
	expect "which has not answered" [ "$h_gpadls_torn" -eq 0 ]
	rescind a
	wait
	expect "it ended without an error" [ ! -s /tmp/unshare ]
	after_rescind a
	note a
	expect "there is none" [ $((c_gpadls + c_gpadls_left)) -eq 0 ]
	expect "the host never answered" [ "$h_gpadls_torn" -eq 0 ]
	host_has_none a
	host release teardown >/dev/null
	back a
	expect "and another one" ctl a share 3 1
	expect "taken back" ctl a unshare
}

# In the closed callback, and while it runs from elsewhere
gpadl_deleted_in_closed()
{
	local said

	channel a echo
	said=$(left_said a 20480)
	expect "a buffer is shared" ctl a share 5 0
	ctl a hook closed unshare
	rescind a
	closed a
	expect "Closed has deleted it" counts a hook_result -eq 0
	expect "and had to" counts a hooked -eq 1
	note a
	expect "there is none" [ $((c_gpadls + c_gpadls_left)) -eq 0 ]
	host_has_none a
	back a

	expect "described memory is shared" ctl a share 5 1
	ctl a hook closed block
	rescind a
	expect "Closed has begun" within 5 blocked a closed
	expect "the GPADL is there" counts a gpadls -eq 1
	expect "and can be deleted" ctl a unshare
	expect "and none can be made" refused ctl a share 3 0
	note a
	expect "there is none" [ "$c_gpadls" -eq 0 ]
	ctl a release
	after_rescind a
	note a
	expect "none was left" [ "$c_gpadls_left" -eq 0 ]
	expect "nor said to be" [ "$(left_said a 20480)" -eq "$said" ]
	host_has_none a
	back a
}

gpadl_left_at_rescind()
{
	local said

	channel a echo
	said=$(left_said a 20480)
	expect "a buffer is shared" ctl a share 5 0
	ctl a hook closed block
	rescind a
	expect "Closed has begun" within 5 blocked a closed
	expect "the GPADL is there" counts a gpadls -eq 1
	ctl a release
	after_rescind a
	note a
	expect "the library deleted it" [ "$c_gpadls" -eq 0 ]
	expect "counted it" [ "$c_gpadls_left" -eq 1 ]
	expect "and said so" [ "$(left_said a 20480)" -eq $((said + 1)) ]
	host_has_none a
	expect "it is not there to delete" refused ctl a unshare
	back a
	expect "another one" ctl a share 5 1
	expect "taken back" ctl a unshare
}

# The client forgets the one that the library has deleted
none_to_delete()
{
	expect "there is none to delete" refused ctl a unshare
}

# From each state in which the link is up; what Closed does not delete is left
gpadls_at_disable()
{
	local callback left

	channel a echo
	expect "a buffer is shared" ctl a share 3 0
	ctl a hook closed unshare
	expect "disable" ctl a disable
	expect "Closed has deleted it" counts a hook_result -eq 0
	expect "and had to" counts a hooked -eq 1
	left_at_close a 1
	again a

	expect "a buffer is shared" ctl a share 3 0
	expect "pause" ctl a pause
	expect "disable" ctl a disable
	left_at_close a 2
	none_to_delete
	again a

	left=2
	for callback in opened started post_started; do
		expect "disable" ctl a disable
		ctl a hook $callback block
		ctl a enable
		expect "$callback has begun" within 10 blocked a $callback
		expect "a buffer is shared" ctl a share 3 0
		ctl a disable &
		usleep 100000
		ctl a release
		wait
		expect "Disabled" state a Disabled
		left=$((left + 1))
		left_at_close a $left
		none_to_delete
		again a
	done
	note a
	expect "four were left" [ "$c_gpadls_left" -eq 4 ]
	expect "there is none" [ "$c_gpadls" -eq 0 ]
	expect "Closed as often as Opened" [ "$c_closed" -eq $((c_opened - 1)) ]
}

# There is no Closed that could delete it
gpadl_and_opened_refuses()
{
	offered a echo
	ctl a hook opened block-fail
	ctl a enable
	expect "Opened has begun" within 10 blocked a opened
	expect "a buffer is shared" ctl a share 3 0
	ctl a release
	closed a
	note a
	expect "Closed was not called" [ "$c_closed" -eq 0 ]
	expect "the library deleted it" [ "$c_gpadls $c_gpadls_left" = "0 1" ]
	expect "the host saw it close" [ "$h_closes" -eq 1 ]
	left_at_close a 1
	again a
}

# The host is there, and is told of it all
gpadl_left_at_unbind()
{
	channel a echo
	expect "a buffer is shared" ctl a share 3 1
	expect "unbind" bound a unbind
	closed a
	note a
	expect "Closed once" [ "$c_closed" -eq 1 ]
	expect "the library deleted it" [ "$c_gpadls $c_gpadls_left" = "0 1" ]
	expect "the host saw it close" [ "$h_closes" -eq 1 ]
	expect "the host has no GPADL" [ "$h_gpadls_live" -eq 0 ]
	left_at_close a 1
	none_to_delete
	again a

	expect "a buffer is shared" ctl a share 3 1
	expect "rmmod vmbkmcl_hv" rmmod vmbkmcl_hv
	closed a
	note a
	expect "the library deleted it" [ "$c_gpadls $c_gpadls_left" = "0 2" ]
	left_at_close a 2
	expect "insmod vmbkmcl_hv" insmod /modules/vmbkmcl_hv.ko
	again a
}

# Whichever comes first: sharing and ending it, or the rescind
gpadls_and_rescinds()
{
	local round=0

	channel a echo
	while [ "$round" -lt 10 ]; do
		{
			ctl a share 3 $((round % 2))
			ctl a unshare
		} 2>/dev/null &
		at a rescind
		wait
		closed a
		ctl a unshare 2>/dev/null
		reoffer a
		again a
		round=$((round + 1))
	done
	note a
	expect "there is none" [ "$c_gpadls" -eq 0 ]
}

memory_all()
{
	scenario "rescind while a GPADL is made" gpadl_create_and_rescind
	scenario "GPADLs that the host does not give back" gpadls_not_given_back
	scenario "rings that the host does not give back" rings_not_given_back
	scenario "external data that the host does not give back" \
		external_data_not_given_back
	scenario "a device comes back when memory is fragmented" \
		rings_in_fragmented_memory
	scenario "packets of 128 KiB when memory is fragmented" \
		packets_in_fragmented_memory
	scenario "many ranges when memory is fragmented" \
		ranges_in_fragmented_memory
	scenario "rescind while a GPADL is deleted" gpadl_delete_and_rescind
	scenario "a GPADL is deleted in Closed, after a rescind" \
		gpadl_deleted_in_closed
	scenario "a GPADL is left at a rescind" gpadl_left_at_rescind
	scenario "GPADLs that are there at a disable" gpadls_at_disable
	scenario "a GPADL, and Opened refuses" gpadl_and_opened_refuses
	scenario "a GPADL is left at an unbind" gpadl_left_at_unbind
	scenario "GPADLs and rescinds at the same time, 10 times" \
		gpadls_and_rescinds
}
