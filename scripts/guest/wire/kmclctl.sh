# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# kmclctl, on devices that come and go: what it shows and does is compared with what
# sysfs and the host say.
#
# shellcheck disable=SC2154,SC2034 # note() sets c_* and h_*; scenario() uses channels

# shows COMMAND PATTERN: a line of what "kmclctl COMMAND" prints matches
shows()
{
	# shellcheck disable=SC2086 # several words
	kmclctl $1 >/tmp/shown 2>&1
	grep -qE -e "$2" /tmp/shown
}

# ends STATUS PATTERN WORD...: kmclctl ends with that status, and a line of what it
# prints matches
ends()
{
	local status=0 wanted=$1 pattern=$2

	shift 2
	kmclctl "$@" >/tmp/shown 2>&1 || status=$?
	[ "$status" -eq "$wanted" ] && grep -qE -e "$pattern" /tmp/shown && return 0
	show </tmp/shown
	return 1
}

# does WORD...: kmclctl ends with 0 and prints nothing
does()
{
	local status=0

	kmclctl "$@" >/tmp/shown 2>&1 || status=$?
	[ "$status" -eq 0 ] && [ ! -s /tmp/shown ] && return 0
	show </tmp/shown
	return 1
}

channels_load()
{
	[ -d /sys/kernel/config ] || insmod /modules/configfs.ko || return
	grep -q ' /sys/kernel/config ' /proc/mounts ||
		mount -t configfs configfs /sys/kernel/config || return
	loaded kmcl_cdev || insmod /modules/kmcl_cdev.ko
}

kmclctl_list()
{
	local dev ours=vmbkmcl-$WIRE_CLASS

	offer a echo
	expect "a is there" within 5 driver_is a none
	dev=$(device_of a)
	expect "it has no driver" shows list "^$dev +- +- +closed +0 +-\$"
	client a "$(instance $((offers - 1)))"
	expect "enable" ctl a enable
	expect "a is open" within 10 state a Active
	expect "it has ours" shows list "^$dev +- +$ours +open +0 +-\$"
	expect "and the GUIDs" shows "list --long" "open +0 +- +$WIRE_CLASS +$dev +-\$"
	expect "as JSON" shows "--json list" "\"driver\": \"$ours\""
	rescind a
	closed a
	expect "it is in no list" refused shows list "^$dev "
	expect "and said not to be there" \
		ends 3 "^kmclctl: $dev: .*no such device" unbind "$dev"
	reoffer a
	again a
	expect "it is in the list again" shows list "^$dev +- +$ours +open +0 +-\$"
}

# As in get_from(), with kmclctl
kmclctl_bind()
{
	local WIRE_CLASS=$OTHER_CLASS dev

	expect "kmcl_cdev is loaded" channels_load
	another_first s
	dev=$(device_of s)
	expect "doctor says who has it" \
		ends 0 "^Device $dev +note .*kmcl_traffic_driver has it +kmclctl bind $dev" \
		doctor "$dev"
	expect "bind" does bind "$dev"
	expect "s is open" within 10 state s Active
	expect "s is ours" ours s
	expect "it is chosen" override_is s "vmbkmcl-$WIRE_CLASS"
	expect "doctor says so" ends 0 "^Device $dev +ok .*belongs to vmbkmcl" \
		doctor "$dev"
	drained s
	rescind s
	closed s
	reoffer s
	again s
	expect "s is ours again" ours s
	# Bound to ours while no channel wants it
	ctl s disable
	expect "give it to the other one" does bind "$dev" kmcl_traffic_driver
	expect "it has it" driver_is s kmcl_traffic_driver
	expect "no channel wants it" ends 1 "^kmclctl: $dev: .*no channel" bind "$dev"
	expect "it has none" driver_is s none
	again s
	expect "s is ours" ours s
	expect "unbind" does unbind "$dev"
	closed s
	expect "it is the other driver's" driver_is s kmcl_traffic_driver
	expect "nothing is chosen" override_is s '(null)'
	expect "unbind" does unbind --no-probe "$dev"
	expect "it has none" driver_is s none
	expect "unbind without a driver" does unbind "$dev"
	expect "it is the other driver's" driver_is s kmcl_traffic_driver
	expect "no such driver" ends 3 "^kmclctl: $dev: there is no driver none_such" \
		bind "$dev" none_such
	expect "it is still the other driver's" driver_is s kmcl_traffic_driver
	another_last s
}

kmclctl_doctor()
{
	expect "kmcl_cdev is loaded" channels_load
	expect "a guest" ends 0 '^Hyper-V +ok ' doctor
	expect "its VMBus" ends 0 "^VMBus version +ok +$protocol *$" doctor
	expect "the library" ends 0 '^vmbkmcl +ok +loaded' doctor
	expect "the transport" ends 0 '^vmbkmcl_hv +ok +loaded' doctor
	expect "the devices" ends 0 '^kmcl_cdev +ok +loaded' doctor
	expect "their configuration" ends 0 '^configfs +ok ' doctor
}

# channel_is NAME STATE: of a channel for programs
channel_is()
{
	shows "info $1" "^STATE +$2\$"
}

# counter_of NAME COUNTER NUMBER
counter_of()
{
	shows "info $1" "^$2 +$3\$"
}

# for_programs NAME BEHAVIOUR: an offer, and a channel for programs on it
for_programs()
{
	expect "kmcl_cdev is loaded" channels_load
	offer "$1" "$2"
	expect "create" does create "$1" --class="$WIRE_CLASS" \
		--instance="$(instance $((offers - 1)))"
	expect "$1 is active" within 10 channel_is "$1" active
}

kmclctl_messages()
{
	local dev

	for_programs a echo
	dev=$(device_of a)
	expect "the list has it" shows list "^$dev .* open +0 a\$"
	expect "not twice" ends 1 'kmclctl delete a' create a --class="$WIRE_CLASS"
	expect "send" does send a message1
	expect "it comes back" ends 0 '^message1$' recv -t 5 a
	expect "nothing more" ends 5 '^kmclctl: a: .*time limit' recv -t 0.1 a
	expect "send two" does send --wait a message2 message3
	expect "both come back" ends 0 '^message2message3$' recv -t 5 -n 2 a
	expect "in hex" does send -x a '00 01 02 03 ff fe 0a 0d'
	expect "both ways" ends 0 '^00010203fffe0a0d$' recv -x -t 5 a
	expect "as JSON" ends 0 '"messages": 1' --json send a message4
	expect "both ways" ends 0 '"hex": "6d65737361676534"' --json recv -t 5 a
	echo -n message5 >/tmp/input
	expect "from a file" kmclctl send a </tmp/input
	expect "it comes back, as a line" ends 0 '^message5$' recv -l -t 5 a
	expect "a request" ends 0 '^question$' request -t 5 a question
	expect "too long" refused eval "head -c 5000 /dev/zero | kmclctl send a"
	expect "which says" eval "head -c 5000 /dev/zero | kmclctl send a 2>&1 |
		grep -q 'a: sending: .*kmclctl info a'"
	expect "pause" does pause a
	expect "it is paused" channel_is a paused
	expect "send" does send a message6
	expect "it waits" counter_of a QUEUED 1
	expect "start" does start a
	expect "it comes back" ends 0 '^message6$' recv -t 5 a
	expect "disable" ends 0 '"state": "disabled"' --json disable a
	expect "send" does send a message7
	expect "a request waits" ends 5 'a: request: .*time limit' \
		request -t 0.2 a question
	expect "doctor says so" ends 0 '^Channel a +note +it is disabled' doctor
	expect "enable" does enable a
	expect "it comes back" ends 0 '^message7$' recv -t 5 a
	expect "delete" does delete a
	expect "it is gone" ends 3 'there is no /dev/kmcl/a' info a
	away a
	offer_a=
}

# The words in the file of events, of the column EVENT
events_were()
{
	awk 'NR > 1 { printf "%s ", $4 }' /tmp/events | grep -qE -e "$1"
}

has_line()
{
	grep -q "^$2\$" "$1"
}

kmclctl_reopened()
{
	local cat events status=0

	for_programs a echo
	mkfifo /tmp/lines
	# For both, so that opening it waits for nobody
	exec 8<>/tmp/lines
	kmclctl events a >/tmp/events &
	events=$!
	kmclctl cat --lines a </tmp/lines >/tmp/output 2>&1 &
	cat=$!
	echo message1 >&8
	expect "it comes back" within 5 has_line /tmp/output message1
	rescind a
	expect "a waits" within 5 channel_is a waiting
	expect "doctor says why" ends 0 '^Channel a +note .*does not offer' doctor
	expect "the list has it" shows list '^- .* waiting +- a$'
	echo message2 >&8
	expect "it waits" within 5 counter_of a QUEUED 1
	reoffer a
	expect "it comes back" within 10 has_line /tmp/output message2
	echo message3 >&8
	expect "the next, too" within 5 has_line /tmp/output message3
	expect "watch" ends 0 '^a +active +0 +0 +0 +0 +0 +0 +1$' \
		watch -n 2 -i 0.2 a
	expect "delete" does delete a
	wait $cat || status=$?
	expect "cat ends" [ "$status" -eq 3 ]
	expect "and says why" grep -q '^kmclctl: a: .*removed' /tmp/output
	expect "and so do the events" wait $events
	expect "suspended, closed, opened and started again, and removed" events_were \
		'suspended closed (enabled )?opened started .*removed $'
	expect "closed by the device" grep -qE 'closed +[a-z]+ +device' /tmp/events
	exec 8>&-
	rm -f /tmp/lines
	away a
	offer_a=
}

# commands_of FILE: what a page tells to type, as files in /tmp/page, in order: literal
# blocks, and words in a sentence that begin with "kmclctl" or "vmbhostctl"; of a manual
# page, the examples
commands_of()
{
	rm -rf /tmp/page
	mkdir /tmp/page
	case $1 in
	*.8)	awk '/^\.nf$/ { name = sprintf("/tmp/page/%02d", ++n); on = 1; next }
			/^\.fi$/ { on = 0 }
			/^\./ { next }
			on { gsub(/\\-/, "-"); gsub(/\\\(aq/, "\047"); print >name }' "$1" ;;
	# Such a block follows "::" and is indented; what is not ends it
	*)	awk '/::$/ && !/^\.\./ { name = sprintf("/tmp/page/%02d", ++n); on = 1; next }
			/^[^ ]/ { on = 0 }
			on { if (/^   /) print substr($0, 4) >name; next }
			{ while (match($0, /``(kmclctl|vmbhostctl) [^`]*``/)) {
				name = sprintf("/tmp/page/%02d", ++n)
				print substr($0, RSTART + 2, RLENGTH - 4) >name
				$0 = substr($0, RSTART + RLENGTH)
			} }' "$1" ;;
	esac
}

# page_runs FILE FIRST CHANNEL: the commands of a page, piece by piece from number FIRST
# on, each with a line to read; standard input has what each prints among others, or "-".
# DEVICE is the one of the channel
page_runs()
{
	local block pattern dev number=0

	dev=$(device_of "$3")
	expect "the device is there" [ -n "$dev" ]
	commands_of "/$1"
	sed "s/DEVICE/$dev/" >/tmp/page/expected
	# busybox' would look for its module in /lib/modules. "cat" would go on for ever
	cat >/tmp/page/before <<-'END'
	modprobe()
	{
		[ "$1" != uio_hv_generic ] || [ ! -e /modules/uio.ko ] || modprobe uio
		[ -d "/sys/module/$1" ] || insmod "/modules/$1.ko"
	}

	kmclctl()
	{
		[ "$1" != cat ] || set -- "$@" --quit=1
		command kmclctl "$@"
	}
	END
	expect "kmcl_cdev is loaded" channels_load
	while read -r pattern; do
		number=$((number + 1))
		block=/tmp/page/$(printf %02d $((number + $2 - 1)))
		sed -i "s/DEVICE/$dev/" "$block"
		expect "$(head -n 1 "$block")" eval \
			"echo message3 | sh -ec '. /tmp/page/before; . $block' >$block.out 2>&1"
		[ "$pattern" = - ] ||
			expect "it prints that" grep -qE -e "$pattern" "$block.out"
		[ "$bad" -eq 0 ] || show <"$block.out"
	done </tmp/page/expected
	expect "each was looked at" [ "$(find /tmp/page -name '[0-9][0-9]' | wc -l)" -eq \
		$((number + $2 - 1)) ]
	rm -rf /tmp/page
}

# page_of_channel FILE FIRST: with an echoing host
page_of_channel()
{
	offer a echo
	expect "a is there" within 5 driver_is a none
	page_runs "$1" "$2" a
	away a
	offer_a=
}

# page_of_mine FILE: with a channel for programs, mine, on such a host
page_of_mine()
{
	for_programs mine echo
	page_runs "$1" 1 mine
	expect "delete" does delete mine
	away mine
	offer_mine=
}

kmclctl_page()
{
	page_of_channel userspace.rst 1 <<-END
	$WIRE_CLASS
	active
	^Channel mine +ok
	-
	^message1\$
	^message\$
	^message3\$
	^question\$
	^message2\$
	started +active
	^mine +active +0 +0 +0 +0 +0 +0 +0\$
	"state": "active"
	-
	-
	^10\$
	END
}

# The first block is run where the program is built, see tools/examples/tests
kmclctl_uring_page()
{
	page_of_channel uring.rst 2 <<-END
	^answer: question
	END
}

# What the table says is compared in tools/kmclctl/tests
kmclctl_devices_page()
{
	page_of_mine devices.rst <<-END
	^DEVICE
	^heartbeat +57164f39-
	^DEVICE
	-
	-
	-
	END
}

kmclctl_troubleshooting_page()
{
	page_of_mine troubleshooting.rst <<-END
	^Active\$
	^Channel mine +ok +active
	open +0 +mine +$WIRE_CLASS +DEVICE
	-
	-
	active
	END
}

# The examples: of two devices of a class the channel has one
kmclctl_manual()
{
	copier a sink
	offer b echo
	offer c echo
	expect "b is there" within 5 driver_is b none
	expect "c is there" within 5 driver_is c none
	page_runs kmclctl.8 1 b <<-END
	-
	^message3\$
	^6b6d636c-0000-
	END
	expect "delete" does delete mine
	away c
	away b
	away a
	expect "rmmod uio_hv_generic" rmmod uio_hv_generic
	[ ! -e /modules/uio.ko ] || expect "rmmod uio" rmmod uio
	offer_a='' offer_b='' offer_c=''
}

kmclctl_all()
{
	scenario "kmclctl lists devices that come and go" kmclctl_list
	scenario "kmclctl binds devices" kmclctl_bind
	scenario "kmclctl says what a guest has" kmclctl_doctor
	scenario "kmclctl sends and receives" kmclctl_messages
	scenario "kmclctl goes on when the device is offered again" kmclctl_reopened
	scenario "the commands of userspace.rst" kmclctl_page
	scenario "the commands of uring.rst" kmclctl_uring_page
	scenario "the commands of devices.rst" kmclctl_devices_page
	scenario "the commands of troubleshooting.rst" kmclctl_troubleshooting_page
	# uio_hv_generic of Linux 6.1 wants a device with a monitor, of which there are few
	case $(uname -r) in
	6.1.*)	skipped "the examples of kmclctl.8" kmclctl_manual ;;
	*)	scenario "the examples of kmclctl.8" kmclctl_manual ;;
	esac
	unloaded kmcl_cdev || check "rmmod kmcl_cdev" rmmod kmcl_cdev
}
