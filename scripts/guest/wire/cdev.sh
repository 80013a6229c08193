# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Channels for programs: /dev/kmcl/NAME. What a program sees is tested by
# tools/cdev-test, which controls the host itself; here is what an administrator does.
#
# shellcheck disable=SC2154,SC2034 # offer() sets offer_*; scenario() uses channels

CDEV=/sys/kernel/config/kmcl

# cdev_is NAME STATE
cdev_is()
{
	[ "$(cat "$CDEV/$1/state")" = "$2" ]
}

# cdev_set NAME ATTRIBUTE WORD: false where it is refused
cdev_set()
{
	echo "$3" 2>/dev/null >"$CDEV/$1/$2"
}

# cdev_device NAME [BEHAVIOUR]: an offer, and a device for it, which is active
cdev_device()
{
	offer "$1" "${2:-echo}"
	expect "mkdir" mkdir "$CDEV/$1"
	expect "the node is there" [ -c "/dev/kmcl/$1" ]
	expect "class" cdev_set "$1" class "$WIRE_CLASS"
	expect "instance" cdev_set "$1" instance "{$(instance $((offers - 1)))}"
	expect "enabled" cdev_set "$1" enabled 1
	expect "the channel opens" within 10 cdev_is "$1" active
}

# cdev_remove NAME: nothing is left of it
cdev_remove()
{
	[ ! -d "$CDEV/$1" ] || expect "rmdir" rmdir "$CDEV/$1"
	expect "the node is gone" [ ! -e "/dev/kmcl/$1" ]
	at "$1" rescind 2>/dev/null
	expect "the guest has released it" within 5 host_state "$1" absent
	host_note "$1"
	host_consistent "$1"
	expect "the host has no GPADL" [ "$h_gpadls_live" -eq 0 ]
}

# cdev_test TEST: a test of tools/cdev-test, on a device of its own. The host does not
# know these messages.
cdev_test()
{
	allow rx_foreign rx_missing
	cdev_device p
	OFFER=$offer_p COUNT=${times:-} SEED=$seed cdev-test /dev/kmcl/p "$1" >/tmp/cdev 2>&1
	expect "$1 passes" [ $? -eq 0 ]
	expect "the plan is there" grep -q '^ok 1\.\.' /tmp/cdev
	grep '^#' /tmp/cdev | show
	[ "$bad" -eq 0 ] || show </tmp/cdev
	cdev_remove p
}

cdev_messages() { cdev_test messages; }
cdev_poll() { cdev_test poll; }
cdev_uring() { cdev_test uring; }
cdev_waits() { cdev_test waits; }
cdev_rescind() { cdev_test rescind; }
cdev_control() { cdev_test control; }
cdev_events() { cdev_test events; }
cdev_limits() { cdev_test limits; }
cdev_requests() { cdev_test requests; }
cdev_uring_requests() { cdev_test uring-requests; }
cdev_killed() { cdev_test killed; }
cdev_removed() { cdev_test removed; }

# What programs do while the device goes
cdev_across()
{
	local times

	often 200
	cdev_test across
}

cdev_32_bits()
{
	allow rx_foreign rx_missing
	cdev_device p
	cdev-test32 /dev/kmcl/p
	expect "each step passes" [ $? -eq 0 ]
	cdev_remove p
}

# The same for commands of io_uring; the host answers them, or never does
cdev_uring_32_bits()
{
	local test step

	allow rx_foreign rx_missing
	cdev_device p
	for test in uring silent uring; do
		case $test in
		uring)	at p behave echo ;;
		silent)	at p behave complete-never ;;
		esac
		cdev-test32 /dev/kmcl/p "$test"
		step=$?
		expect "$test: each step passes, not $step" [ "$step" -eq 0 ]
	done
	expect "nothing is left in flight" within 5 \
		sh -c 'kmclctl --json info p | grep -q "\"queued\": 0\b"'
	cdev_remove p
}

# What configfs refuses
cdev_attributes()
{
	local words

	allow rx_foreign rx_missing
	for words in '.hidden' 'a b' 'a!b' "$(printf '%032d' 0)"; do
		expect "no device is named $words" refused mkdir "$CDEV/$words"
	done
	expect "mkdir" mkdir "$CDEV/q"
	expect "without a class it is not enabled" refused cdev_set q enabled 1
	for words in 'class x' 'class 00000000-0000-0000-0000-000000000000' \
		'instance 1' 'mode pipes' 'packet_bytes 0' 'packet_bytes 524265' \
		'ring_bytes 1073741825' 'queue_bytes 0' 'queue_bytes 1073741825' \
		'queue_packets 0' 'queue_packets 65537' 'reopen maybe' 'keep some' \
		'enabled 2'; do
		# shellcheck disable=SC2086 # two words
		expect "no $words" refused cdev_set q $words
	done
	expect "rmdir" rmdir "$CDEV/q"

	cdev_device p
	for words in "class $WIRE_CLASS" 'instance' 'mode raw' 'packet_bytes 100' \
		'ring_bytes 0' 'queue_bytes 100' 'queue_packets 1' \
		'keep none'; do
		# shellcheck disable=SC2086 # two words
		expect "no $words while it is enabled" refused cdev_set p $words
	done
	expect "reopen at any time" cdev_set p reopen manual
	expect "enabled again" cdev_set p enabled 1
	expect "off" cdev_set p enabled 0
	expect "it is off" cdev_is p off
	expect "a smaller message" cdev_set p packet_bytes 8
	expect "on" cdev_set p enabled 1
	expect "the channel opens" within 10 cdev_is p active
	expect "it is sent" [ "$(echo 1234567 >/dev/kmcl/p && head -c 8 /dev/kmcl/p)" = 1234567 ]
	expect "a longer one is not" refused sh -c 'echo 12345678 >/dev/kmcl/p'
	cdev_remove p
}

# Its driver is unbound while it is open: the channel is enabled again, which takes
# the device, unless that is left to the administrator
cdev_unbound()
{
	local device

	allow rx_foreign rx_missing
	cdev_device p
	exec 4<>/dev/kmcl/p
	device=$(device_of p)
	expect "unbind" bound p unbind
	expect "it opens" within 10 cdev_is p active
	expect "it is sent" [ "$(echo 1234567 >&4; head -c 8 <&4)" = 1234567 ]
	expect "by hand from now on" cdev_set p reopen manual
	expect "unbind" bound p unbind
	expect "it stays disabled" within 10 cdev_is p disabled
	expect "it has no driver" [ ! -e "/sys/bus/vmbus/devices/$device/driver" ]
	expect "what is written is queued" sh -c 'echo 7654321 >&4'
	expect "off" cdev_set p enabled 0
	exec 4>&-
	cdev_remove p
}

# Without keeping messages: an open file belongs to the connection that it has read from
cdev_keeps_none()
{
	allow rx_foreign rx_missing
	offer p echo
	expect "mkdir" mkdir "$CDEV/p"
	expect "class" cdev_set p class "$WIRE_CLASS"
	expect "instance" cdev_set p instance "$(instance $((offers - 1)))"
	expect "keep none" cdev_set p keep none
	expect "enabled" cdev_set p enabled 1
	expect "the channel opens" within 10 cdev_is p active
	exec 4<>/dev/kmcl/p 5<>/dev/kmcl/p
	expect "it is sent" [ "$(echo 1234567 >&4; head -c 8 <&4)" = 1234567 ]
	at p rescind
	expect "the channel waits" within 10 cdev_is p waiting
	expect "nothing is queued" refused sh -c 'echo 7654321 >&5'
	expect "the guest has released it" within 5 host_state p absent
	at p offer
	expect "the channel opens again" within 10 cdev_is p active
	expect "what answers to the last one is not sent" refused sh -c 'echo 7654321 >&4'
	expect "a new one is" [ "$(echo 1111111 >&5; head -c 8 <&5)" = 1111111 ]
	exec 4>&- 5>&-
	cdev_remove p
}

# Eight processes make random calls, while the device goes and comes back
cdev_random()
{
	local calls=10000 cycles=0

	allow rx_foreign rx_missing
	cdev_device p
	kmcl_random /dev/kmcl/p "$calls" 8 "${seed:-1}" >/tmp/random 2>&1 &
	while waits; do
		at p rescind
		expect "the guest has released it" within 60 host_state p absent
		at p offer
		cycles=$((cycles + 1))
	done
	wait $!
	expect "all calls end as documented" [ $? -eq 0 ]
	expect "the device went several times" [ "$cycles" -ge 5 ]
	echo "$cycles rescinds" >>/tmp/random
	tail -n 2 /tmp/random | show
	[ "$bad" -eq 0 ] || show </tmp/random
	cdev_remove p
}

# cdev_received NAME COUNT: messages that have arrived
cdev_received()
{
	library_of "$1"
	grep -q "^delivered $2\$" "$library_dir/counters"
}

# A message that was not read, and one that is written for an open file, survive it
cdev_hibernate()
{
	allow rx_foreign rx_missing
	cdev_device p
	exec 4<>/dev/kmcl/p
	echo 1234567 >&4
	expect "its echo has arrived" within 10 cdev_received p 1
	expect "the machine hibernates" hibernate
	echo 7654321 >&4
	expect "it opens by itself" within 10 cdev_is p active
	expect "the first one is there" [ "$(head -c 8 <&4)" = 1234567 ]
	expect "and the second one" [ "$(head -c 8 <&4)" = 7654321 ]
	exec 4>&-
	cdev_remove p
}

# Without configfs: the parameter
cdev_parameter()
{
	allow rx_foreign rx_missing
	offer p echo
	expect "rmmod" rmmod kmcl_cdev
	expect "a wrong word is refused" refused insmod /modules/kmcl_cdev.ko \
		"devices=p:$WIRE_CLASS:pipes"
	expect "nothing is left" [ ! -e /dev/kmcl/p ]
	expect "insmod" insmod /modules/kmcl_cdev.ko \
		"devices=p:$WIRE_CLASS:$(instance $((offers - 1)))"
	expect "the node is there" [ -c /dev/kmcl/p ]
	expect "its name is taken" refused mkdir "$CDEV/p"
	expect "it is sent" [ "$(echo 1234567 >/dev/kmcl/p && head -c 8 /dev/kmcl/p)" = 1234567 ]
	expect "rmmod" rmmod kmcl_cdev
	cdev_remove p
	expect "insmod" insmod /modules/kmcl_cdev.ko
}

# The same through uio_hv_generic. That of Linux 6.1 wants a device with a monitor, by
# which the program itself signals
uio_beside()
{
	local WIRE_CLASS=6b6d636c-7569-4f62-8573-696465000000 monitor='' device id node
	local MONITOR=

	allow rx_foreign rx_missing
	[ ! -e /modules/uio.ko ] || expect "insmod uio" insmod /modules/uio.ko
	expect "insmod uio_hv_generic" insmod /modules/uio_hv_generic.ko
	case $(uname -r) in
	6.1.*)	monitor="monitor " ;;
	esac
	offer u "${monitor}echo"
	id=$(instance "$offer_u")
	device=/sys/bus/vmbus/devices/$id
	# That one warns if the channel's directory is made after its own file there
	expect "the bus has it" within 5 [ -d "$device/channels" ]
	expect "new_id" uio_new_id "$WIRE_CLASS"
	expect "uio_hv_generic has it" within 10 uio_ready "$id"
	node=$(echo "$device"/uio/uio*)
	expect "kmcl_cdev is loaded" cdev_load
	WIRE_CLASS=6b6d636c-7472-4166-8669-630000000000
	cdev_device p
	[ -z "$monitor" ] || MONITOR=$(cat "$device/monitor_id")
	MONITOR=$MONITOR OFFER=$offer_p UIO_OFFER=$offer_u \
		uio-echo "/dev/${node##*/}" /dev/kmcl/p >/tmp/cdev 2>&1
	expect "both are the same" [ $? -eq 0 ]
	expect "the plan is there" grep -q '^ok 1\.\.' /tmp/cdev
	[ "$bad" -eq 0 ] || show </tmp/cdev
	cdev_remove p
	expect "rmmod kmcl_cdev" rmmod kmcl_cdev
	left u
	expect "rmmod uio_hv_generic" rmmod uio_hv_generic
	[ ! -e /modules/uio.ko ] || expect "rmmod uio" rmmod uio
}

uio_all()
{
	cdev_possible || {
		skipped "uio_hv_generic beside kmcl_cdev: this kernel has no configfs" uio_beside
		return 0
	}
	scenario "uio_hv_generic beside kmcl_cdev" uio_beside
}

# cdev_possible: this kernel has configfs
cdev_possible()
{
	[ -e /modules/configfs.ko ] || [ -d /sys/kernel/config ]
}

# configfs stays, and stays mounted
cdev_load()
{
	[ -d /sys/kernel/config ] || insmod /modules/configfs.ko || return
	grep -q ' /sys/kernel/config ' /proc/mounts ||
		mount -t configfs configfs /sys/kernel/config || return
	insmod /modules/kmcl_cdev.ko
}

cdev_all()
{
	cdev_possible || {
		skipped "programs: this kernel has no configfs" cdev_messages
		return 0
	}
	check "kmcl_cdev is loaded" cdev_load
	scenario "messages of a program" cdev_messages
	scenario "poll and epoll" cdev_poll
	scenario "io_uring" cdev_uring
	scenario "what ends a wait" cdev_waits
	scenario "a rescind below open files" cdev_rescind
	scenario "a program controls its channel" cdev_control
	scenario "events" cdev_events
	scenario "limits, and who sets them" cdev_limits
	scenario "requests of a program" cdev_requests
	scenario "requests by io_uring" cdev_uring_requests
	scenario "a program is killed" cdev_killed
	scenario "32-bit programs" cdev_32_bits
	scenario "32-bit programs by io_uring" cdev_uring_32_bits
	scenario "what configfs refuses" cdev_attributes
	scenario "a driver is unbound below an open file" cdev_unbound
	scenario "a channel that keeps no messages" cdev_keeps_none
	scenario "the directory is removed below open files" cdev_removed
	scenario "processes end in all ways while the device goes" cdev_across
	hibernate_if_quick "the machine hibernates below an open file" cdev_hibernate
	scenario "10,000 random calls beside rescinds" cdev_random
	scenario "devices of the module's parameter" cdev_parameter
	check "rmmod kmcl_cdev" rmmod kmcl_cdev
}
