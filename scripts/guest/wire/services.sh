# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Hyper-V's integration services, whose host vmbhost is: first with drivers and programs
# that are the kernel's own, which shows that the host is right, then with ours.
#
# shellcheck disable=SC2154,SC2034 # host_note() sets h_*; offer() uses WIRE_CLASS

E_FAIL=$((0x80004005))
EXISTS=$((0x80070050))
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
	expect "none was missed" host_counts a ic_missed -eq 0
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
	expect "$2 files are there" within 10 host_counts "$1" files_sent -eq "$2"
	expect "without an error" host_counts "$1" file_status -eq 0
}

# rescind_after CHANNEL COUNT: once the guest has sent so many packets more
rescind_after()
{
	local number

	number "$1"
	host_note "$1"
	host "on rx:$((h_rx_packets + $2)) $number rescind $number" >/dev/null
}

# The kernel's own daemon, over its own driver, receives files
fcopy_of_stock()
{
	local daemon

	mkdir -p /tmp/stock
	[ ! -e /modules/uio.ko ] || expect "insmod uio" insmod /modules/uio.ko
	expect "insmod uio_hv_generic" insmod /modules/uio_hv_generic.ko
	copier a "ic-fcopy path=/tmp/stock/new/,name=one,create=1,bytes=100000,seed=5"
	expect "uio_hv_generic has it" within 5 [ -e "$FCOPY_DEVICE/driver" ]
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
	rescind_after a 10
	at a behave "ic-fcopy path=/tmp/stock/,name=half,bytes=600000"
	expect "the daemon has ended" within 10 returned "$daemon"
	expect "the guest has released a" within 5 host_state a absent
	expect "half of a file is there" [ -s /tmp/stock/half ]
	expect "not all of it" [ "$(wc -c </tmp/stock/half)" -lt 600000 ]
	reoffer a
	expect "uio_hv_generic has it again" within 5 [ -e "$FCOPY_DEVICE/driver" ]
	expect "nobody opens it" host_state a offered
	expect "two files are there" host_counts a files_sent -eq 2
	left a
	expect "rmmod uio_hv_generic" rmmod uio_hv_generic
	[ ! -e /modules/uio.ko ] || expect "rmmod uio" rmmod uio
}

services_all()
{
	scenario "hv_utils answers the heartbeat" heartbeat_of_stock
	scenario "hv_utils and a wrong heartbeat" heartbeat_faults_of_stock
	case $(uname -r) in
	6.*)	skipped "hv_fcopy_uio_daemon: this uio_hv_generic does not know the device" \
			fcopy_of_stock ;;
	*)	scenario "hv_fcopy_uio_daemon receives files" fcopy_of_stock ;;
	esac
}
