# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Hyper-V's integration services, whose host vmbhost is: first with drivers and programs
# that are the kernel's own, which shows that the host is right, then with ours.
#
# shellcheck disable=SC2154,SC2034 # host_note() sets h_*; offer() uses WIRE_CLASS

E_FAIL=$((0x80004005))

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

services_all()
{
	scenario "hv_utils answers the heartbeat" heartbeat_of_stock
	scenario "hv_utils and a wrong heartbeat" heartbeat_faults_of_stock
}
