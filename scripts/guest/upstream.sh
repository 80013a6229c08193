# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Runs in a guest of tools/vmbhost that has nothing of this tree: one fault of hv_vmbus,
# the word fault= of the command line, is there.

# shellcheck source=scripts/guest/lib.sh
. /lib.sh

# No driver of the kernel has it
CLASS=6b6d636c-7570-4000-8000-000000000000
INSTANCE=6b6d636c-7570-4000-8000-000000000001

host()
{
	vmbhostctl "$*" >/dev/null
}

# device INSTANCE
device()
{
	grep -qs "$1" /sys/bus/vmbus/devices/*/device_id
}

no_device()
{
	! device "$1"
}

load()
{
	[ ! -e /modules/hv_vmbus.ko ] || insmod /modules/hv_vmbus.ko
}

not()
{
	! "$@"
}

hibernate()
{
	echo core >/sys/power/pm_test
	echo disk >/sys/power/state
}

# A host that offers a device which is there already: the kernel warns, and
# panic_on_warn ends it
offer_twice()
{
	check "a device is offered" host add $CLASS $INSTANCE sink
	check "it is there" within 10 device $INSTANCE
	check "it is offered once more" host add $CLASS $INSTANCE sink
	check "the kernel warns" within 10 logged 'WARNING: .*vmbus_onoffer' 1
}

# A host that offers a device with confidential external memory, but rings that are
# not: nothing is rescinded after that
external_memory()
{
	check "a device is offered" host add $CLASS $INSTANCE sink
	check "it is there" within 10 device $INSTANCE
	check "another one, with flag 4" host add $CLASS flags=0x4 sink
	check "it is refused" within 10 logged "the ring buffer isn't encrypted" 1
	check "the first one is rescinded" host rescind 0
	check "it is still there 20 seconds later" not within 20 no_device $INSTANCE
}

# A guest with no device that hibernates: the kernel waits ten seconds for what was
# never there, and warns
nothing_to_resume()
{
	local began

	now
	began=$now
	check "the machine hibernates, as far as a test goes" hibernate
	now
	check "the kernel warns" logged 'WARNING: .*vmbus' 1
	echo "$((now - began)) seconds" | show
}

# A guest that hibernates a second time after a device was not offered any more
missing_device()
{
	check "a device is offered" host add $CLASS $INSTANCE sink
	check "and another one" host add $CLASS sink
	check "it is there" within 10 device $INSTANCE
	check "the host forgets the first one" host forget 0
	check "the machine hibernates, as far as a test goes" hibernate
	check "the kernel says that one is missing" logged 'not present|missing' 1
	case $(uname -r) in
	6.*)
		check "the machine does not hibernate again" not hibernate
		check "the kernel says why" \
			logged 'Can not suspend due to a previous failed resuming' 1
		return ;;
	esac
	check "the kernel does not warn" not logged 'WARNING:'
	check "the machine hibernates again" hibernate
	check "the kernel warns" logged 'WARNING: .*vmbus_channel_unmap_relid' 1
}

check "hv_vmbus is loaded" load
# shellcheck disable=SC2154 # a word of the kernel's command line
"$fault"
