# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Runs in a guest for arm64, which has no VMBus: the library, devices for programs, and
# services whose host is kmcl_services.ko, all over the loopback bus.

# shellcheck source=scripts/guest/lib.sh
. /lib.sh

# parameter MODULE NAME OPERATOR NUMBER
parameter()
{
	test "$(cat "/sys/module/$1/parameters/$2")" "$3" "$4"
}

# services_are WORD: whether the host offers its devices
services_are()
{
	echo "$1" >/sys/module/kmcl_services/parameters/offered
}

# channel_state NAME STATE
channel_state()
{
	kmclctl info "$1" | grep -q "^STATE *$2\$"
}

channel_listed()
{
	kmclctl list | grep -q "active .* $1\$"
}

# heartbeat_by COMMAND...: a program answers, also after the device was away
heartbeat_by()
{
	local program before

	before=$(cat /sys/module/kmcl_services/parameters/answered)
	"$@" /dev/kmcl/heartbeat &
	program=$!
	within 20 parameter kmcl_services answered -eq $((before + 10)) &&
		services_are 0 && within 10 channel_state heartbeat waiting &&
		services_are 1 &&
		within 20 parameter kmcl_services answered -eq $((before + 20))
	result=$?
	kill "$program" 2>/dev/null || result=1
	wait "$program"
	# The next program begins with a connection of its own
	kmclctl disable heartbeat && kmclctl enable heartbeat || result=1
	return $result
}

# share "PARAMETERS" PIECES: how the client shares its memory, and the server maps it
share()
{
	# shellcheck disable=SC2086 # parameters are words
	check "insmod kmcl_share${1:+ $1}" insmod /modules/kmcl_share.ko $1
	check "memory was shared" parameter kmcl_share right -eq 16
	check "none is wrong" parameter kmcl_share wrong -eq 0
	check "it was mapped in pieces: $2" parameter kmcl_share pieces -eq "$2"
	check "rmmod kmcl_share" rmmod kmcl_share
}

step "The library: a client and a server in one module"
uname -srm | show
# The kernel gives the words of its command line to its first program
# shellcheck disable=SC2154
check "pages of $page_size bytes" [ "$(awk '/^KernelPageSize/ { print $2 * 1024; exit }' \
	/proc/self/smaps)" = "$page_size" ]
check "insmod vmbkmcl" insmod /modules/vmbkmcl.ko
check "insmod kmcl_echo" insmod /modules/kmcl_echo.ko
check "1000 messages came back" parameter kmcl_echo echoed -eq 1000
check "none is wrong" parameter kmcl_echo wrong -eq 0
check "rmmod kmcl_echo" rmmod kmcl_echo
share "" 1
share skip=1 1
share skip=15 1
# In pages of 4 KiB frames can be mapped in any order, in larger ones each by itself
pieces=16
[ "$page_size" -gt 4096 ] || pieces=1
share scatter=1 $pieces
share "scatter=1 skip=3" $pieces

step "Devices for programs"
[ ! -e /modules/configfs.ko ] || check "insmod configfs" insmod /modules/configfs.ko
check "configfs is mounted" mount -t configfs configfs /sys/kernel/config
check "insmod kmcl_cdev" insmod /modules/kmcl_cdev.ko
check "insmod kmcl_services" insmod /modules/kmcl_services.ko path=/tmp/in
check "kmclctl create heartbeat" \
	kmclctl create heartbeat --class=heartbeat --pipe --drop
check "it is active" within 10 channel_state heartbeat active
kmclctl list | show
check "kmclctl list has it" channel_listed heartbeat

step "The heartbeat"
check "the example in C answers" heartbeat_by /bin/heartbeat
check "the example in Python answers" heartbeat_by python3 /heartbeat.py
check "no answer was wrong" parameter kmcl_services wrong -eq 0
check "kmclctl delete heartbeat" kmclctl delete heartbeat

step "File copy"
mkdir -p /tmp/in
chown 1000 /tmp/in
awk 'BEGIN { for (i = 1; i <= 2000; i++) printf "%07d\n", i }' >/tmp/numbers
check "kmclctl create fcopy" kmclctl create fcopy --class=fcopy --pipe --drop \
	--packet-bytes=8192
kmcl-fcopyd --user=1000 --directory=/tmp/in --keep-free=1 2>/tmp/fcopyd.log &
daemon=$!
check "a file was copied" within 20 parameter kmcl_services copied -eq 1
check "it is right" cmp /tmp/numbers /tmp/in/numbers
check "it belongs to the user" [ "$(stat -c %u:%a /tmp/in/numbers)" = 1000:644 ]
rm -f /tmp/in/numbers
check "the device goes" services_are 0
check "and comes back" services_are 1
check "it was copied again" within 20 parameter kmcl_services copied -eq 2
check "it is right" cmp /tmp/numbers /tmp/in/numbers
check "no answer was wrong" parameter kmcl_services wrong -eq 0
check "the daemon still runs" kill "$daemon"
wait "$daemon"
show </tmp/fcopyd.log
check "kmclctl delete fcopy" kmclctl delete fcopy

step "Everything is unloaded"
check "umount" umount /sys/kernel/config
check "rmmod" rmmod kmcl_services kmcl_cdev vmbkmcl
