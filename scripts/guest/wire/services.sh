# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Hyper-V's integration services, whose host vmbhost is: first with drivers and programs
# that are the kernel's own, which shows that the host is right, then with ours.
#
# shellcheck disable=SC2154,SC2034 # host_note() sets h_*; offer() uses WIRE_CLASS

E_FAIL=$((0x80004005))
EXISTS=$((0x80070050))
FULL=$((0x80070070))
CONFIG=/sys/kernel/config/kmcl
FCOPY=34d14be3-dee4-41c8-9ae7-6b174977c192
# The kernel's daemon knows its device by this one
FCOPY_INSTANCE=eb765408-105f-49b6-b4aa-c123b64d17d4
FCOPY_DEVICE=/sys/bus/vmbus/devices/$FCOPY_INSTANCE

# service CHANNEL BEHAVIOUR DRIVER: an offer that the kernel's driver takes
service()
{
	offer "$1" "$2"
	taken "$1" "$3"
}

# ic_answered CHANNEL COUNT: so many requests have an answer
ic_answered()
{
	expect "$1: $2 answers" within 10 host_counts "$1" ic_answers -eq "$2"
}

# The kernel's own hv_utils answers the heartbeat, also after the device was away
heartbeat_of_stock()
{
	local WIRE_CLASS=$HEARTBEAT

	expect "insmod hv_utils" insmod /modules/hv_utils.ko
	service a "ic-heartbeat ms=20,count=5" hv_utils
	ic_answered a 6
	expect "version 3.0 of both" host_counts a ic_version -eq 3
	expect "version 3.0 of both" host_counts a ic_framework -eq 3
	away a
	reoffer a
	ic_answered a 12
	# How many were late depends on the machine
	expect "each was asked once" host_counts a ic_requests -eq 12
	left a
	expect "rmmod hv_utils" rmmod hv_utils
}

# What it says to a host that is wrong
heartbeat_faults_of_stock()
{
	local WIRE_CLASS=$HEARTBEAT

	expect "insmod hv_utils" insmod /modules/hv_utils.ko
	service a "ic-heartbeat ms=20,fault=versions" hv_utils
	expect "it has none of the versions" within 10 host_counts a ic_refused -eq 1
	away a
	at a behave "ic-heartbeat ms=20,fault=counts"
	reoffer a
	expect "it counts the versions" within 10 host_counts a ic_refused -eq 2
	away a
	at a behave "ic-heartbeat ms=20,fault=type"
	reoffer a
	expect "it does not know the message" within 10 host_counts a ic_status -eq "$E_FAIL"
	left a
	expect "rmmod hv_utils" rmmod hv_utils
}

# copier CHANNEL BEHAVIOUR: the device that hosts copy files with
copier()
{
	local number=$offers

	offers=$((offers + 1))
	eval "offer_$1=$number"
	expect "offer $number is added" \
		[ "$(host add "$FCOPY" "$FCOPY_INSTANCE" "$2")" = "ok $number" ]
}

# copied FILE CHANNEL: it is what the host has sent last
copied()
{
	local crc

	host_note "$2"
	crc=$(crc32 "$1") && [ "${crc%% *}" = "$(printf %08x "$h_file_crc")" ]
}

# sent CHANNEL COUNT: so many files are complete, in the guest's words as well
sent()
{
	expect "$2 files are there" within 60 host_counts "$1" files_sent -eq "$2"
	expect "without an error" host_counts "$1" file_status -eq 0
}

# ic_after CHANNEL COUNT COMMAND: the host does it once the guest has sent so many packets
# more; $h_then is their number then
ic_after()
{
	local number

	number "$1"
	host_note "$1"
	h_then=$((h_rx_packets + $2))
	host "on rx:$h_then $number $3 $number" >/dev/null
}

# uio_new_id CLASS: it takes devices of that class as well
uio_new_id()
{
	echo "$1" >/sys/bus/vmbus/drivers/uio_hv_generic/new_id
}

# uio_ready INSTANCE: it can be opened, and its rings have their size. Before that its
# driver shares much memory with the host
uio_ready()
{
	local device=/sys/bus/vmbus/devices/$1 node

	node=$(echo "$device"/uio/uio*)
	[ -c "/dev/${node##*/}" ] && [ -e "$(echo "$device"/channels/*/ring)" ]
}

# The kernel's own daemon, over its own driver, receives files
fcopy_of_stock()
{
	local daemon

	mkdir -p /tmp/stock
	[ ! -e /modules/uio.ko ] || expect "insmod uio" insmod /modules/uio.ko
	expect "insmod uio_hv_generic" insmod /modules/uio_hv_generic.ko
	# Only newer ones know the device by themselves
	expect "new_id" uio_new_id "$FCOPY"
	copier a "ic-fcopy path=/tmp/stock/new/,name=one,create=1,bytes=100000,seed=5"
	expect "uio_hv_generic has it" within 10 uio_ready "$FCOPY_INSTANCE"
	hv_fcopy_uio_daemon -n &
	daemon=$!
	sent a 1
	expect "version 1.1" host_counts a ic_version -eq 1
	expect "it is right" copied /tmp/stock/new/one a
	expect "all bytes" host_counts a file_bytes -eq 100000
	at a behave "ic-fcopy path=/tmp/stock/,file=/proc/self/exe,name=exe"
	sent a 2
	expect "a file of the host is right" copied /tmp/stock/exe a
	at a behave "ic-fcopy path=/tmp/stock/,name=exe,bytes=10"
	expect "it does not overwrite" within 5 host_counts a file_status -eq "$EXISTS"
	# In the middle of a file it ends, and what it has of the file stays
	ic_after a 10 rescind
	at a behave "ic-fcopy path=/tmp/stock/,name=half,bytes=600000"
	expect "the daemon has ended" within 10 returned "$daemon"
	expect "the guest has released a" within 5 host_state a absent
	expect "half of a file is there" [ -s /tmp/stock/half ]
	expect "not all of it" [ "$(wc -c </tmp/stock/half)" -lt 600000 ]
	reoffer a
	expect "uio_hv_generic has it again" within 10 uio_ready "$FCOPY_INSTANCE"
	expect "nobody opens it" host_state a offered
	expect "two files are there" host_counts a files_sent -eq 2
	left a
	expect "rmmod uio_hv_generic" rmmod uio_hv_generic
	[ ! -e /modules/uio.ko ] || expect "rmmod uio" rmmod uio
}

# cdev_loaded: devices for user space can be made
cdev_loaded()
{
	loaded configfs || [ ! -e /modules/configfs.ko ] ||
		expect "insmod configfs" insmod /modules/configfs.ko
	grep -q " /sys/kernel/config " /proc/mounts ||
		expect "configfs is mounted" mount -t configfs configfs /sys/kernel/config
	expect "insmod kmcl_cdev" insmod /modules/kmcl_cdev.ko
}

# user_channel NAME CLASS: /dev/kmcl/NAME, a pipe
user_channel()
{
	local dir=$CONFIG/$1

	expect "mkdir $1" mkdir "$dir"
	echo "$2" >"$dir/class"
	echo pipe >"$dir/mode"
	echo none >"$dir/keep"
	echo 8192 >"$dir/packet_bytes"
	expect "enable" eval "echo 1 >$dir/enabled"
}

# cdev_unloaded NAME PROGRAM: the program ends, and its device with kmcl_cdev
cdev_unloaded()
{
	expect "the program still runs" kill "$2"
	wait "$2"
	expect "rmdir $1" rmdir "$CONFIG/$1"
	expect "umount" umount /sys/kernel/config
	expect "rmmod kmcl_cdev" rmmod kmcl_cdev
}

# heartbeat_example COMMAND...: with its channel a program answers, also after the device
# was away, and has no version that there is not
heartbeat_example()
{
	local WIRE_CLASS=$HEARTBEAT program

	"$@" &
	program=$!
	offer a "ic-heartbeat ms=20,count=5"
	ic_answered a 6
	expect "version 3.0 of both" host_counts a ic_version -eq 3
	away a
	reoffer a
	ic_answered a 12
	away a
	at a behave "ic-heartbeat ms=20,fault=versions"
	reoffer a
	expect "it has none of the versions" within 10 host_counts a ic_refused -eq 1
	away a
	at a behave "ic-heartbeat ms=20,fault=counts"
	reoffer a
	ic_answered a 14
	away a
	at a behave "ic-heartbeat ms=20,fault=type"
	reoffer a
	expect "it does not know the message" within 10 host_counts a ic_status -eq "$E_FAIL"
	left a
	cdev_unloaded heartbeat "$program"
}

heartbeat_in_c()
{
	cdev_loaded
	user_channel heartbeat "$HEARTBEAT"
	heartbeat_example /bin/heartbeat /dev/kmcl/heartbeat
}

# page_channel NUMBER: with the commands of a page
page_channel()
{
	# busybox' would look for its module in /lib/modules
	# shellcheck disable=SC2016 # the guest's shell expands it
	expect "the channel" sh -ec 'modprobe() { [ -d "/sys/module/$1" ]; }; . "$0"' \
		"/tmp/page/$1"
}

# The commands of heartbeat.rst: the channel, its device, the program in Python, the
# host's offer, and what that has counted
heartbeat_page()
{
	local number program words

	mkdir -p /tree/tools/examples
	ln -sf /heartbeat.py /tree/tools/examples/heartbeat.py
	commands_of /heartbeat.rst
	expect "there are five" [ "$(find /tmp/page -type f | wc -l)" -eq 5 ]
	expect "one is a program" [ "$(wc -l </tmp/page/03)" -eq 1 ]
	cdev_loaded
	page_channel 01
	# shellcheck disable=SC2016 # the guest's shell expands it
	heartbeat_example sh -ec 'cd /tree && export PYTHONPATH=/python.zip &&
		exec $(cat /tmp/page/03)'
	# "add" has the words of --offer
	words=$(sed -n "s/^vmbhost --offer='\(.*\)' \.\.\.\$/\1/p" /tmp/page/04)
	number=$offers
	offers=$((offers + 1))
	offer_a=$number
	expect "the host's offer" [ "$(host add "$words")" = "ok $number" ]
	cdev_loaded
	page_channel 01
	expect "its device" within 5 sh -e /tmp/page/02
	/bin/heartbeat /dev/kmcl/heartbeat &
	program=$!
	expect "answers" within 10 host_counts a ic_answers -gt 3
	sed -i "s/0/$number/" /tmp/page/05
	sh -e /tmp/page/05 >/tmp/stats
	expect "their number" grep -q '^ic_answers [1-9]' /tmp/stats
	expect "that of the others" grep -q '^ic_missed [0-9]' /tmp/stats
	left a
	cdev_unloaded heartbeat "$program"
	rm -rf /tmp/page /tree
}

# fcopyd_runs: as a user who may write to /tmp/in; its process is $daemon
fcopyd_runs()
{
	mkdir -p /tmp/in /tmp/out
	chown 1000 /tmp/in /tmp/out
	kmcl-fcopyd --user=1000 --directory=/tmp/in --keep-free=1 2>>/tmp/fcopyd.log &
	daemon=$!
}

fcopyd_begins()
{
	: >/tmp/fcopyd.log
	cdev_loaded
	commands_of /kmcl-fcopyd.8
	page_channel 01
	rm -rf /tmp/page
	fcopyd_runs
}

fcopyd_ends()
{
	left a
	cdev_unloaded fcopy "$daemon"
	[ "$bad" -eq 0 ] || show </tmp/fcopyd.log
	rm -r /tmp/in /tmp/out
}

# Files without a name that the daemon has open
nothing_begun()
{
	local fd

	for fd in "/proc/$daemon/fd"/*; do
		case $(readlink "$fd") in
		*'(deleted)')	return 1 ;;
		esac
	done
}

# kmcl-fcopyd receives what the kernel's daemon does
fcopyd_receives()
{
	local daemon

	fcopyd_begins
	copier a "ic-fcopy path=/tmp/in/new,name=one,create=1,bytes=100000,seed=5"
	sent a 1
	expect "version 1.1" host_counts a ic_version -eq 1
	expect "it is right" copied /tmp/in/new/one a
	expect "it belongs to the user" [ "$(stat -c %u:%a /tmp/in/new/one)" = 1000:644 ]
	at a behave "ic-fcopy path=/tmp/in,file=/proc/self/exe,name=a\\u0020\\u20ac"
	sent a 2
	expect "a file of the host is right" copied "/tmp/in/a $(printf '\342\202\254')" a
	at a behave "ic-fcopy path=new,name=one,bytes=10"
	expect "it does not overwrite" within 5 host_counts a file_status -eq "$EXISTS"
	at a behave "ic-fcopy path=new,name=one,bytes=10,overwrite=1"
	sent a 3
	expect "it does" copied /tmp/in/new/one a
	at a behave "ic-fcopy path=new,name=two,bytes=100000,cancel=3"
	expect "it is cancelled" within 5 host_counts a files_cancelled -eq 1
	expect "and not there" [ ! -e /tmp/in/new/two ]
	expect "nor open" within 5 nothing_begun
	fcopyd_ends
}

# A rescind in the middle of a file, at many places: nothing is left of it, and the
# daemon has it when the host has begun anew
fcopyd_goes_on()
{
	local daemon round=0

	fcopyd_begins
	copier a "ic-fcopy path=/tmp/in,name=0,bytes=10"
	sent a 1
	while [ "$round" -lt 8 ]; do
		round=$((round + 1))
		ic_after a "$round" rescind
		at a behave "ic-fcopy path=/tmp/in,name=$round,bytes=60000,seed=$round"
		expect "the guest has released a" within 5 host_state a absent
		expect "nothing is open" within 5 nothing_begun
		expect "nor there" [ ! -e "/tmp/in/$round" ]
		reoffer a
		sent a $((round + 1))
		expect "file $round is right" copied "/tmp/in/$round" a
	done
	expect "it has said so" grep -q "dropped after .*: the host has closed" /tmp/fcopyd.log
	# Killed, while the host stands still, and started again on the open channel
	ic_after a 50 stall
	at a behave "ic-fcopy path=/tmp/in,name=killed,bytes=600000"
	expect "a part has come" within 10 host_counts a rx_packets -ge "$h_then"
	expect "it is open, without a name" refused nothing_begun
	expect "and not there" [ ! -e /tmp/in/killed ]
	kill -9 "$daemon"
	wait "$daemon"
	expect "nothing is there" [ ! -e /tmp/in/killed ]
	fcopyd_runs
	at a unstall
	sent a $((round + 2))
	expect "the file is right" copied /tmp/in/killed a
	fcopyd_ends
}

# fcopyd_refuses PARAMETERS STATUS: and nothing is made
fcopyd_refuses()
{
	refusals=$((refusals + 1))
	at a behave "ic-fcopy $1"
	expect "$1: refused" within 5 host_counts a files_failed -eq "$refusals"
	expect "$1: with $2" host_counts a file_status -eq "$2"
	expect "$1: nothing is there" [ -z "$(ls -A /tmp/in)" ]
}

# A host that means harm
fcopyd_refuses_all()
{
	local daemon refusals=0 words long

	fcopyd_begins
	copier a "ic-fcopy fault=operation"
	expect "an unknown operation" within 5 host_counts a files_failed -eq 1
	refusals=1
	long=$(printf '%0260d' 0)
	for words in path=/tmp/out path=/tmp/in/../out path=../out path=/ path=/etc \
		'path=C:\in' 'path=\\host\in' name=../out/x name=/tmp/out/x name=.. \
		'name=a\b' 'name=a\ud800' 'name=a\u000a' "name=$long" "path=$long" \
		"path=/tmp/in,name=$long" path=/tmp/in/nowhere; do
		fcopyd_refuses "$words,create=0" "$E_FAIL"
	done
	for words in data-first complete-first cut short long beyond far overlap hole \
		fragment; do
		fcopyd_refuses "path=/tmp/in,bytes=20000,fault=$words" "$E_FAIL"
		expect "$words: nothing is open" within 5 nothing_begun
	done
	fcopyd_refuses "path=/tmp/in,fault=huge" "$FULL"
	fcopyd_refuses "path=/tmp/in,bytes=4000000000" "$FULL"
	ln -s ../out /tmp/in/link
	at a behave "ic-fcopy path=/tmp/in/link,create=1,name=x"
	expect "a link is not followed" within 5 host_counts a files_failed -eq $((refusals + 1))
	rm /tmp/in/link
	expect "nothing is elsewhere" [ -z "$(ls -A /tmp/out)" ]
	# A right one after all that
	at a behave "ic-fcopy path=/tmp/in,bytes=20000,fault=twice"
	sent a 1
	expect "it is right" copied /tmp/in/file a
	fcopyd_ends
}

services_all()
{
	if [ -e /modules/hv_utils.ko ]; then
		scenario "hv_utils answers the heartbeat" heartbeat_of_stock
		scenario "hv_utils and a wrong heartbeat" heartbeat_faults_of_stock
	else
		skipped "the kernel's heartbeat, which this kernel does not have" \
			heartbeat_of_stock
	fi
	case $(uname -r) in
	6.1.*)	skipped "hv_fcopy_uio_daemon, which does not signal as this uio_hv_generic wants" \
			fcopy_of_stock ;;
	*)	scenario "hv_fcopy_uio_daemon receives files" fcopy_of_stock ;;
	esac
	if cdev_possible; then
		scenario "an example in C answers the heartbeat" heartbeat_in_c
		scenario "the commands of heartbeat.rst" heartbeat_page
		scenario "kmcl-fcopyd receives files" fcopyd_receives
		scenario "kmcl-fcopyd goes on after rescinds" fcopyd_goes_on
		scenario "kmcl-fcopyd and a hostile host" fcopyd_refuses_all
	else
		skipped "services of programs: this kernel has no configfs" heartbeat_in_c
	fi
}
