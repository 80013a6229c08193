# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What udev and systemd are given: udev's rules, on devices that umockdev shows it and
# with a /dev of their own; the unit, users and configurations at boot.
#
# shellcheck disable=SC2154 # tools-test.sh sets work, roots.sh enter

udev=$work/udev

# The unit names the program that is installed there
udev_prepare()
{
	mkdir -p "$udev"/{rules,dev,run/udev} &&
		cp tools/udev/*.rules tools/fcopyd/*.rules "$udev/rules" &&
		{ cat /etc/group && echo kmcl:x:4711:; } >"$udev/group" &&
		: >"$udev/dev/null" &&
		make --no-print-directory -C tools/fcopyd O="$BUILD/fcopyd" install \
			prefix="$udev/usr" >"$udev/log" 2>&1 && return
	cat "$udev/log"
	return 1
}

# udev_device NAME [VARIABLE]...: what the kernel tells of it
udev_device()
{
	printf 'P: /devices/virtual/kmcl/%s\n' "$1"
	printf 'E: %s\n' SUBSYSTEM=kmcl "DEVNAME=/dev/kmcl/$1" MAJOR=240 MINOR=1 \
		"${@:2}"
}

# udev_reads ACTION NAME [VARIABLE]...: what the rules make of it
udev_reads()
{
	local action=$1 name=$2

	udev_device "${@:2}" >"$udev/device"
	# shellcheck disable=SC2016 # for the inner shell
	unshare "${enter[@]}" sh -c '
		cd "$1" && mount --bind /dev/null dev/null && mount --rbind dev /dev &&
			mount --bind rules /usr/lib/udev/rules.d &&
			mount --bind group /etc/group && mount --bind run /run &&
			exec umockdev-run -d device -- \
				udevadm test --action="$2" "/sys/devices/virtual/kmcl/$3"' \
		sh "$udev" "$action" "$name" >"$udev/out" 2>&1
}

# udev_says LINE...: each is in what it says, and nothing of wrong rules
udev_says()
{
	local line

	for line; do
		grep -qE "$line" "$udev/out" && continue
		echo "not there: $line"
		cat "$udev/out"
		return 1
	done
	! grep -E 'rules:[0-9]+ .*(nvalid|nknown|gnor|xpect)|rules.*syntax' "$udev/out"
}

udev_says_nothing_of()
{
	! grep -E "$1" "$udev/out"
}

udev_verifies()
{
	udevadm verify --no-summary "$udev"/rules/*.rules
}

unit_verifies()
{
	systemd-analyze verify --man=no \
		"$udev/usr/lib/systemd/system/kmcl-fcopyd.service" >"$udev/out" 2>&1 &&
		[ ! -s "$udev/out" ] && return
	cat "$udev/out"
	return 1
}

users_verify()
{
	systemd-sysusers --dry-run "$udev/usr/lib/sysusers.d/kmcl-fcopyd.conf" \
		>"$udev/out" 2>&1 && udev_says "'?kmcl'?( |$)" "kmcl-fcopyd"
}

# As if it were not a comment, below a directory that is like configfs
tmpfiles_verify()
{
	local dir=$udev/root/sys/kernel/config/kmcl/heartbeat

	mkdir -p "$dir" && touch "$dir"/{class,mode,enabled} &&
		sed 's/^#\([dw] \)/\1/' tools/udev/kmcl-tmpfiles.conf >"$udev/tmpfiles.conf" &&
		systemd-tmpfiles --create --root="$udev/root" "$udev/tmpfiles.conf" &&
		[ "$(cat "$dir/class")" = 57164f39-9115-4e78-ab55-382f3bd5422d ] &&
		[ "$(cat "$dir/mode")" = pipe ] && [ "$(cat "$dir/enabled")" = 1 ]
}

modprobe_verifies()
{
	mkdir -p "$udev/modprobe.d" &&
		sed 's/^#options/options/' tools/udev/kmcl-modprobe.conf \
			>"$udev/modprobe.d/kmcl.conf" &&
		modprobe -C "$udev/modprobe.d" --showconfig >"$udev/out" 2>&1 &&
		udev_says '^options kmcl_cdev devices=heartbeat:57164f39-'
}

FCOPY_CLASS=34d14be3-dee4-41c8-9ae7-6b174977c192
FCOPY_ID=eb765408-105f-49b6-b4aa-c123b64d17d4

check "udev: what is tested is there" udev_prepare
if namespaces; then
	check "udev: a device for file copies" udev_reads add fcopy KMCL_STATE=active \
		"KMCL_CLASS=$FCOPY_CLASS" "KMCL_INSTANCE=$FCOPY_ID"
	check "udev: it is the group's" udev_says 'GROUP 4711' 'MODE 0660'
	check "udev: its names" udev_says "LINK 'kmcl/by-class/$FCOPY_CLASS'" \
		"LINK 'kmcl/by-instance/$FCOPY_ID'"
	check "udev: it starts the daemon" udev_says '^SYSTEMD_WANTS=kmcl-fcopyd.service$' \
		'^CURRENT_TAGS=:systemd:$'
	check "udev: a change" udev_reads change fcopy KMCL_STATE=waiting \
		"KMCL_CLASS=$FCOPY_CLASS"
	check "udev: it keeps its name" udev_says "LINK 'kmcl/by-class/$FCOPY_CLASS'"
	check "udev: it has no instance" udev_says_nothing_of "LINK 'kmcl/by-instance"
	check "udev: another of that name" udev_reads add fcopy KMCL_STATE=active \
		"KMCL_CLASS=57164f39-9115-4e78-ab55-382f3bd5422d"
	check "udev: it starts nothing" udev_says_nothing_of SYSTEMD_WANTS
	check "udev: one without a class" udev_reads add plain KMCL_STATE=off
	check "udev: it is the group's, too" udev_says 'GROUP 4711' 'MODE 0660'
	check "udev: it has no other name" udev_says_nothing_of "LINK 'kmcl/by-class"
	check "udev: one is removed" udev_reads remove plain KMCL_STATE=off
	check "udev: nothing is done to it" udev_says_nothing_of 'GROUP|LINK'
else
	skip "udev's rules: no mount namespace here"
fi
if udevadm verify --help >/dev/null 2>&1; then
	check "udev: udevadm verify" udev_verifies
else
	skip "udevadm verify, which this systemd does not have"
fi
check "udev: the unit" unit_verifies
check "udev: the users" users_verify
check "udev: devices at boot by configfs" tmpfiles_verify
check "udev: devices at boot by the parameter" modprobe_verifies
