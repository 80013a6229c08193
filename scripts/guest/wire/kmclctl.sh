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

kmclctl_list()
{
	local dev ours=vmbkmcl-$WIRE_CLASS

	offer a echo
	expect "a is there" within 5 driver_is a none
	dev=$(device_of a)
	expect "it has no driver" shows list "^$dev +- +- +closed +0$"
	client a "$(instance $((offers - 1)))"
	expect "enable" ctl a enable
	expect "a is open" within 10 state a Active
	expect "it has ours" shows list "^$dev +- +$ours +open +0$"
	expect "and the GUIDs" shows "list --long" "open +0 +$WIRE_CLASS +$dev +-$"
	expect "as JSON" shows "--json list" "\"driver\": \"$ours\""
	rescind a
	closed a
	expect "it is in no list" refused shows list "^$dev "
	expect "and said not to be there" \
		ends 3 "^kmclctl: $dev: .*no such device" unbind "$dev"
	reoffer a
	again a
	expect "it is in the list again" shows list "^$dev +- +$ours +open +0$"
}

# As in get_from(), with kmclctl
kmclctl_bind()
{
	local WIRE_CLASS=$OTHER_CLASS dev

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
	expect "a guest" ends 0 '^Hyper-V +ok ' doctor
	expect "its VMBus" ends 0 "^VMBus version +ok +$protocol *$" doctor
	expect "the library" ends 0 '^vmbkmcl +ok +loaded' doctor
	expect "the transport" ends 0 '^vmbkmcl_hv +ok +loaded' doctor
}

kmclctl_all()
{
	scenario "kmclctl lists devices that come and go" kmclctl_list
	scenario "kmclctl binds devices" kmclctl_bind
	scenario "kmclctl says what a guest has" kmclctl_doctor
}
