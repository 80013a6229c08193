# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Runs in the guest: the story, and what a story would not tell.

# shellcheck source=scripts/guest/story.sh
. /story.sh

# Everything loaded, and the channel open.
load()
{
	insmod /modules/vmbkmcl.ko && insmod /modules/vmbkmcl_hv.ko &&
		insmod /modules/kmcl_dynmem.ko && within 10 state_is Active
}

unload()
{
	rmmod kmcl_dynmem && rmmod vmbkmcl_hv && rmmod vmbkmcl
}

cycle()
{
	load && control send 10 && within 5 counter_is queued -eq 0 &&
		control disable && counter_is closed -eq 1 && unload
}

# The kernel's free pages in kB, with those that wait in each processor's own
# lists: those are no part of MemFree, and go up and down by 15 MB.
free_memory()
{
	echo 3 >/proc/sys/vm/drop_caches
	awk '$1 == "MemFree:" { kb = $2 } $1 == "count:" { kb += 4 * $2 }
		END { print kb }' /proc/meminfo /proc/zoneinfo
}

step "A channel that is in use is unloaded"
check "load again" load
check "unload while Active" unload

step "The client is loaded before the transport"
check "insmod vmbkmcl" insmod /modules/vmbkmcl.ko
check "insmod kmcl_dynmem without a transport" insmod /modules/kmcl_dynmem.ko
check "channel waits for an offer: Enabled" within 5 state_is Enabled
check "Opened has not run" counter_is opened -eq 0
check "insmod vmbkmcl_hv" insmod /modules/vmbkmcl_hv.ko
check "channel is Active when the offer is there" within 10 state_is Active
check "unload" unload

step "The device is unbound and bound again"
check "load again" load
driver=$(basename "$(readlink "/sys/bus/vmbus/devices/$device/driver")")
unbind()
{
	echo "$device" >"/sys/bus/vmbus/drivers/$driver/$1"
}
check "unbind" unbind unbind
check "EvtVmbChannelClosed ran once" within 5 counter_is closed -eq 1
check "channel is Disabled" within 5 state_is Disabled
not_bound()
{
	! unbind bind 2>/dev/null && [ ! -e "/sys/bus/vmbus/devices/$device/driver" ]
}
check "bind is refused: no channel wants the device" not_bound
check "enable" control enable
check "the channel finds the device: Active again" within 10 state_is Active
check "unload" unload

step "Pause and start"
check "load again" load
check "pause" control pause
check "channel is Paused" within 5 state_is Paused
check "start" control start
check "channel is Active again" within 5 state_is Active
check "EvtVmbChannelClosed has not run" counter_is closed -eq 0
check "unload" unload

step "The README's client, built outside the tree"
check "insmod vmbkmcl" insmod /modules/vmbkmcl.ko
check "insmod vmbkmcl_hv" insmod /modules/vmbkmcl_hv.ko
check "insmod kmcl_hello" insmod /kmcl_hello.ko
check "it prints the host's answer" within 10 logged 'hello: ' 1
check "rmmod kmcl_hello" rmmod kmcl_hello

step "modprobe, which on a distribution loads them"
# kmod PROGRAM ARGUMENT...: modprobe and so on, not busybox'
kmod()
{
	local program=$1

	shift
	/ld-linux-x86-64.so.2 --library-path / --argv0 "$program" /kmod "$@"
}
none_loaded()
{
	unloaded kmcl_hello && unloaded vmbkmcl_hv && unloaded vmbkmcl
}
alias_of()
{
	[ "$(kmod modinfo -F alias "$1")" = "$2" ]
}
check "unload" rmmod vmbkmcl_hv vmbkmcl
place=/lib/modules/$(uname -r)
mkdir -p "$place" /etc/modprobe.d
cp /modules/*.ko /kmcl_hello.ko /vault.ko "$place"
# Of the kernel's own build: depmod warns where they are missing
touch "$place/modules.order" "$place/modules.builtin" \
	"$place/modules.builtin.modinfo"
check "depmod" kmod depmod
check "modprobe kmcl_hello" kmod modprobe kmcl_hello
check "the transport is there, too" [ -d /sys/module/vmbkmcl_hv ]
check "it prints the host's answer" within 10 logged 'hello: ' 1
check "rmmod" rmmod kmcl_hello vmbkmcl_hv vmbkmcl
echo 'install vmbkmcl_hv false' >/etc/modprobe.d/test.conf
check "modprobe kmcl_hello, and the transport cannot be loaded" \
	kmod modprobe kmcl_hello
check "it cannot" unloaded vmbkmcl_hv
check "the client is there, and waits" [ -d /sys/module/kmcl_hello ]
rm /etc/modprobe.d/test.conf
check "rmmod" rmmod kmcl_hello vmbkmcl
check "modprobe kmcl_echo" kmod modprobe kmcl_echo
check "the loopback bus needs no transport" unloaded vmbkmcl_hv
check "rmmod" rmmod kmcl_echo vmbkmcl
check "nothing is loaded" none_loaded
# The GUID's first three fields are little-endian there
check "an alias for the class, as udev asks for it" \
	alias_of vault vmbus:6c636d6b61766c757400000000000000
check "which modprobe finds" [ "$(kmod modprobe -R \
	vmbus:6c636d6b61766c757400000000000000)" = vault ]
device_class=$(cat "/sys/bus/vmbus/devices/$device/modalias")
check "hv_balloon's devices are not taken from it" \
	[ -z "$(kmod modprobe -R "$device_class" | grep kmcl)" ]
check "insmod vmbkmcl" insmod /modules/vmbkmcl.ko
check "insmod vmbkmcl_hv" insmod /modules/vmbkmcl_hv.ko

step "A client and a server in one module, over the loopback bus"
echoed()
{
	[ "$(cat /sys/module/kmcl_echo/parameters/echoed)" -eq 1000 ] &&
		[ "$(cat /sys/module/kmcl_echo/parameters/wrong)" -eq 0 ]
}
check "insmod kmcl_echo" insmod /modules/kmcl_echo.ko
check "1000 messages came back as they were sent" within 10 echoed
check "rmmod kmcl_echo" rmmod kmcl_echo
check "its channel was closed" logged 'kmcl_echo: closed, 1000 of 1000' 1

step "Memory that a client lends to a server, over the loopback bus"
shared()
{
	[ "$(cat /sys/module/kmcl_share/parameters/right)" -eq 16 ] &&
		[ "$(cat /sys/module/kmcl_share/parameters/wrong)" -eq 0 ]
}
check "insmod kmcl_share" insmod /modules/kmcl_share.ko
check "16 times data went there and back" within 10 shared
check "rmmod kmcl_share" rmmod kmcl_share
check "its GPADL was deleted" logged 'kmcl_share: closed, 16 right, 0 wrong' 1

step "Bad parameters are refused, and nothing stays behind"
# refused ERROR MESSAGE PARAMETER: insmod says ERROR, the log MESSAGE
refused()
{
	insmod /modules/kmcl_dynmem.ko "$3" 2>&1 | grep -q "$1" &&
		logged "kmcl_dynmem: .*$2" 1 && [ ! -e "$DYNMEM" ] &&
		unloaded kmcl_dynmem
}
again()
{
	insmod /modules/kmcl_dynmem.ko 2>&1 | grep -q 'File exists'
}
form='xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, in braces or not'
check "a malformed GUID" refused 'Invalid argument' "GUID: $form" \
	instance=525074dc
check "a GUID with one brace" refused 'Invalid argument' "GUID: $form" \
	"instance={$CLASS"
check "a GUID with text behind it" refused 'Invalid argument' GUID \
	"instance=${CLASS}x"
check "a ring of 0 bytes" refused 'Invalid argument' ring ring_size=0
check "a ring of 3 GiB" refused 'Invalid argument' ring ring_size=3221225472
check "an interval of 0 ms" refused 'Invalid argument' interval interval_ms=0
check "another instance is waited for" insmod /modules/kmcl_dynmem.ko \
	instance=00000000-1111-2222-3333-444444444444
check "its channel stays Enabled" state_is Enabled
shown=$(cat "/sys/bus/vmbus/devices/$device/device_id")
check "the module is not loaded twice" again
check "what is loaded is not disturbed" state_is Enabled
wrong_word()
{
	! control "$@" 2>/dev/null
}
check "control refuses a wrong word" wrong_word nonsense
check "control refuses to send -1" wrong_word send -1
check "control refuses to send 0" wrong_word send 0
check "unload" unload

takes()
{
	insmod /modules/vmbkmcl.ko && insmod /modules/vmbkmcl_hv.ko &&
		insmod /modules/kmcl_dynmem.ko "instance=$1" &&
		within 10 state_is Active && unload
}
step "A GUID as other programs show it"
for form in "$shown" "$(echo "$shown" | tr a-f A-F)" \
	"$(echo "$shown" | tr -d '{}')"; do
	check "$form" takes "$form"
done

step "Again and again"
cycle
before=$(free_memory)
rounds=0
while [ "$rounds" -lt "${ROUNDS:-100}" ] && cycle; do
	rounds=$((rounds + 1))
done
check "${ROUNDS:-100} rounds of load, traffic, disable, unload" \
	[ "$rounds" -eq "${ROUNDS:-100}" ]
after=$(free_memory)
echo "free memory before $before kB, after $after kB" | show
check "memory is as before (within 1 MB)" [ $((before - after)) -lt 1024 ]
