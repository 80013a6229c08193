# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# kmclctl, built with the sanitizers, on a /sys that umockdev makes of
# guest.umockdev. What is expected is what kmclctl(8) says.
#
# shellcheck disable=SC2016,SC2154 # words for other shells; tools-test.sh sets work

tests=$TOP/tools/kmclctl/tests
kmclctl=$BUILD/kmclctl-sanitize/kmclctl
# The library of umockdev comes first
export ASAN_OPTIONS=verify_asan_link_order=0 UBSAN_OPTIONS=print_stacktrace=1
first=11111111-0000-4000-8000-00000000000

kmclctl_builds()
{
	make --no-print-directory -C tools/kmclctl "$@" >"$work/make.log" 2>&1 ||
		{ cat "$work/make.log"; return 1; }
}

# in_guest COMMAND...: in a guest of Hyper-V
in_guest()
{
	umockdev-run -d "$tests/guest.umockdev" -- "$tests/tree.sh" "$@"
}

# with_channels COMMAND...: where kmcl_cdev is loaded, too
with_channels()
{
	MODULES="vmbkmcl vmbkmcl_hv kmcl_cdev" CONFIG=1 \
		umockdev-run -d "$tests/guest.umockdev" \
		-d "$tests/channels.umockdev" -- "$tests/tree.sh" "$@"
}

# elsewhere COMMAND...: on a machine without devices
elsewhere()
{
	: >"$work/nothing.umockdev"
	umockdev-run -d "$work/nothing.umockdev" -- "$tests/tree.sh" "$@"
}

# lines TEXT: with the newline at the end, if there is any text
lines()
{
	printf '%s' "$1${1:+$'\n'}"
}

# prints STATUS TEXT COMMAND...: it prints that, errors included, and nothing else.
# Blanks at the end of a line do not count.
prints()
{
	local status=0

	"${@:3}" >"$work/out" 2>&1 || status=$?
	sed -i 's/[ \r]*$//' "$work/out"
	[ "$status" -eq "$1" ] || {
		echo "status $status, and not $1"
		cat "$work/out"
		return 1
	}
	diff <(lines "$2") "$work/out"
}

# says STATUS PATTERN COMMAND...: a line of what it prints matches
says()
{
	local status=0

	"${@:3}" >"$work/out" 2>&1 || status=$?
	[ "$status" -eq "$1" ] && grep -qE -e "$2" "$work/out" && return 0
	echo "status $status, and this:"
	cat "$work/out"
	return 1
}

# writes TEXT COMMAND...: what the files of the bus have after it, whatever its status;
# only those that have something, or that were not empty before
writes()
{
	local files="bus/vmbus/drivers_probe bus/vmbus/drivers/*/unbind"
	local dump

	dump='cd /sys; "$@" >/dev/null 2>&1
		for file in '$files' bus/vmbus/devices/*/driver_override; do
			[ -s "$file" ] && echo "$file: $(head -n 1 "$file")"
		done'
	diff <(lines "$1") <(in_guest sh -c "$dump" sh "${@:2}" |
		sed "s,$first,,; s,.*vmbus/,,; / *(null)/d; /^devices.4/d; /^devices.8/d")
}

list="DEVICE                               WHAT            DRIVER                                       STATE   SUBCHANNELS CHANNEL
${first}1 Heartbeat       hv_utils                                     open              0 -
${first}2 Network adapter hv_netvsc                                    open              3 -
${first}3 Guest file copy -                                            closed            0 -
${first}4 Dynamic memory  vmbkmcl-525074dc-8985-46e2-8057-a307dc18a502 opening           0 balloon
${first}5 SCSI controller -                                            closed            0 -
${first}6 SCSI controller -                                            offered           0 -
${first}7 Socket, port 80 -                                            open              0 -
${first}8 -               -                                            7                 0 -
-                                    Heartbeat       -                                            waiting           - beat
-                                    -               -                                            waiting           - gone
-                                    -               -                                            waiting           - kept
-                                    -               -                                            off               - nothing"

# The device that is just going, without attributes, is in none of these
check "kmclctl builds with the sanitizers" kmclctl_builds SANITIZE=1
check "list" prints 0 "$list" with_channels "$kmclctl" list
check "list --json" with_channels sh -c '"$1" list --json | python3 -c "
import json, sys
rows = json.load(sys.stdin)[\"devices\"]
assert len(rows) == 12, rows
assert rows[1] == dict(device=\"'${first}2'\", what=\"Network adapter\",
	driver=\"hv_netvsc\", state=\"open\", subchannels=3, override=None, channel=None,
	**{\"class\": \"f8615163-df3e-46c5-913f-f2d2f965ed0e\",
	\"instance\": \"'${first}2'\"}), rows[1]
assert rows[7][\"what\"] is None and rows[7][\"driver\"] is None, rows[7]
assert rows[3][\"channel\"] == \"balloon\", rows[3]
assert rows[9][\"device\"] is None and rows[9][\"subchannels\"] is None, rows[9]
assert rows[9][\"instance\"] == \"22222222-0000-4000-8000-000000000000\", rows[9]
assert rows[7][\"override\"] == \"uio_hv_generic\", rows[7]
"' sh "$kmclctl"
check "list --long has the GUIDs" says 0 \
	"^${first}3 .* 34d14be3-dee4-41c8-9ae7-6b174977c192 ${first}3 -" \
	in_guest "$kmclctl" list --long
check "list without channels" says 0 "^${first}4 .* -$" in_guest "$kmclctl" list
check "list on a machine without VMBus" says 3 '^kmclctl: .*no VMBus.*doctor' \
	elsewhere "$kmclctl" list
check "list to a full disk" says 1 'writing the output: No space left' \
	in_guest sh -c "$kmclctl list >/dev/full"

check "a command that there is not" says 2 "there is no command 'lost'" \
	"$kmclctl" lost
check "no command" says 2 '^Usage: ' "$kmclctl"
check "bind without a device" says 2 '^Usage: kmclctl bind' "$kmclctl" bind
check "too many words" says 2 '' "$kmclctl" unbind a b

# How a device is named
check "a device that there is not" says 3 "^kmclctl: ${first}a: .*kmclctl list" \
	in_guest "$kmclctl" unbind "${first}a"
check "a class that no device has" says 3 '^kmclctl: kvp: .*no such device' \
	in_guest "$kmclctl" unbind kvp
check "a class that two have" says 1 '^kmclctl: scsi: there are 2 devices' \
	in_guest "$kmclctl" unbind scsi
for what in "${first}1" "{${first}1}" heartbeat \
	57164F39-9115-4E78-AB55-382F3BD5422D; do
	check "bind $what to a driver that there is not" says 3 \
		"^kmclctl: ${first}1: there is no driver none_such;.*modprobe" \
		in_guest "$kmclctl" bind "$what" none_such
done
check "it leaves all as it was" writes '' "$kmclctl" bind heartbeat none_such
check "bind to vmbkmcl without a channel" says 3 \
	"no channel wants.*kmclctl create NAME --class=57164f39" \
	in_guest "$kmclctl" bind heartbeat
check "bind to a driver with a strange name" says 2 'no name of a driver' \
	in_guest "$kmclctl" bind heartbeat ../hv_utils

# No kernel acts on what is written here
bound="drivers_probe: ${first}1
drivers/hv_utils/unbind: ${first}1
devices/1/driver_override: uio_hv_generic"
bound=${bound//$first/}
check "bind: what is written" writes "$bound" \
	"$kmclctl" bind heartbeat uio_hv_generic
check "driverctl does the same" writes "$bound" \
	driverctl -b vmbus --nosave set-override "${first}1" uio_hv_generic
check "driverctl shows what bind has set" says 0 "^${first}3 " in_guest sh -c '
	"$1" bind fcopy uio_hv_generic 2>/dev/null
	driverctl -b vmbus list-overrides' sh "$kmclctl"
check "bind: the driver does not get it" says 1 \
	"${first}1: driver hv_utils has it nonetheless" \
	in_guest "$kmclctl" bind heartbeat uio_hv_generic
check "bind: the driver refuses it" says 1 \
	"${first}3: driver uio_hv_generic has refused it.*unbind ${first}3" \
	in_guest "$kmclctl" bind fcopy uio_hv_generic
check "bind: it has it already" prints 0 '' in_guest "$kmclctl" bind dynmem
check "bind --json" says 0 '"driver": "vmbkmcl-525074dc-' \
	in_guest "$kmclctl" --json bind dynmem
check "unbind: what is written" writes "drivers_probe: 1
drivers/hv_utils/unbind: 1
devices/1/driver_override: " "$kmclctl" unbind heartbeat
check "unbind --no-probe: what is written" writes "drivers/hv_utils/unbind: 1
devices/1/driver_override: " \
	"$kmclctl" unbind --no-probe heartbeat
check "unbind: a channel takes it again" says 1 \
	"${first}4: a channel that is enabled.*kmclctl disable" \
	in_guest "$kmclctl" unbind dynmem
if [ "$(id -u)" -eq 0 ]; then
	check "bind as somebody else" says 4 \
		"${first}1: setting driver_override: this needs root: Permission" \
		in_guest sh -c 'chmod a+x "$UMOCKDEV_DIR"; exec setpriv --reuid 65534 \
			--regid 65534 --clear-groups "$1" bind heartbeat hv_netvsc' \
		sh "$kmclctl"
else
	skip "bind as somebody else than root: the tests do not run as root"
fi

# doctor [NAME=VALUE]... IN STATUS PATTERN
doctor()
{
	env "${@:1:$#-3}" bash -c '. "$0"; says "$2" "$3" "$1" "$kmclctl" doctor' \
		"$work/functions" "${@: -3}"
}

{
	declare -p tests kmclctl work
	declare -f in_guest with_channels elsewhere says
} >"$work/functions"
loaded=MODULES="vmbkmcl vmbkmcl_hv kmcl_cdev"
export CONFIG=1
check "doctor: elsewhere" doctor VENDOR=QEMU PRODUCT=q35 elsewhere 1 \
	'^Hyper-V +missing +this is no guest of Hyper-V, but QEMU q35'
check "doctor: a kernel without VMBus" doctor VENDOR="Microsoft Corporation" \
	PRODUCT="Virtual Machine" elsewhere 1 '^Hyper-V +missing +.*CONFIG_HYPERV'
check "doctor: a surface" doctor VENDOR="Microsoft Corporation" \
	PRODUCT="Surface Pro" elsewhere 1 '^Hyper-V +missing .* Surface Pro'
check "doctor: a guest" doctor "$loaded" in_guest 0 '^Hyper-V +ok '
check "doctor: the version of the VMBus" doctor "$loaded" \
	KMSG='6,1,0,-;Linux version 6.12\n6,2,9,-;hv_vmbus: Vmbus version:5.3\n' \
	in_guest 0 '^VMBus version +ok +5\.3 *$'
check "doctor: the log does not have it any more" doctor "$loaded" \
	in_guest 0 '^VMBus version +unknown .*journalctl'
check "doctor: no UEFI" doctor "$loaded" in_guest 0 \
	'^Secure Boot +ok +none: .*not started by UEFI'
check "doctor: Secure Boot" doctor "$loaded" EFI=1 SECURE_BOOT='\06\0\0\0\01' \
	in_guest 0 '^Secure Boot +note +on: .*signatures'
check "doctor: Secure Boot is off" doctor "$loaded" EFI=1 \
	SECURE_BOOT='\06\0\0\0\0' in_guest 0 '^Secure Boot +ok +off *$'
check "doctor: a firmware without it" doctor "$loaded" EFI=1 in_guest 0 \
	'^Secure Boot +ok +none: the firmware'
check "doctor: the firmware's variables are not there" doctor "$loaded" EFI=empty \
	in_guest 0 '^Secure Boot +unknown .*mount -t efivarfs'
check "doctor: a variable that is too short" doctor "$loaded" EFI=1 \
	SECURE_BOOT='\06\0\0\0' in_guest 0 '^Secure Boot +unknown .*mokutil --sb-state'
check "doctor: no lockdown" doctor LOCKDOWN='[none] integrity confidentiality' \
	"$loaded" in_guest 0 '^Lockdown +ok +none *$'
check "doctor: lockdown" doctor LOCKDOWN='none [integrity] confidentiality' \
	"$loaded" in_guest 0 '^Lockdown +note +integrity: .*writes to debugfs, and'
check "doctor: more of it" doctor LOCKDOWN='none integrity [confidentiality]' \
	"$loaded" in_guest 0 '^Lockdown +note +confidentiality: .* or reads tracefs, and'
check "doctor: a kernel that has no lockdown" doctor LOCKDOWN=no "$loaded" \
	in_guest 0 '^Lockdown +ok +none: the kernel does not have it'
check "doctor: securityfs is not mounted" doctor "$loaded" in_guest 0 \
	'^Lockdown +unknown .*mount -t securityfs'
check "doctor: lockdown needs signatures" doctor "$loaded" ENFORCE=N \
	LOCKDOWN='none [integrity] confidentiality' in_guest 0 \
	'^Signatures +note .*refused'
check "doctor: signatures are needed" doctor ENFORCE=Y "$loaded" in_guest 0 \
	'^Signatures +note .*refused'
check "doctor: signatures are not needed" doctor ENFORCE=N "$loaded" in_guest 0 \
	'^Signatures +ok .*loaded'
check "doctor: modules are loaded" doctor "$loaded" in_guest 0 \
	'^vmbkmcl_hv +ok +loaded, version 0.1'
check "doctor: modules are loaded without a signature" doctor "$loaded" TAINT=OE \
	in_guest 0 '^vmbkmcl_hv +ok +loaded, version 0.1, without a signature'
check "doctor: modules are not built" doctor MODULES=vmbkmcl in_guest 1 \
	'^vmbkmcl_hv +missing +not loaded, and not built .*make dkms-install'
check "doctor: who has a device" says 1 \
	"^Device ${first}2 +note +Network adapter; driver hv_netvsc has it +kmclctl bind ${first}2" \
	in_guest "$kmclctl" doctor network
check "doctor: a device of vmbkmcl" says 1 \
	"^Device ${first}4 +ok +Dynamic memory; it belongs to vmbkmcl" \
	in_guest "$kmclctl" doctor dynmem
check "doctor: a device that is kept for another driver" says 1 \
	"^Device ${first}8 +note .*kept for driver uio_hv_generic" \
	in_guest "$kmclctl" doctor "${first}8"

check "doctor: where channels are made" doctor "$loaded" in_guest 0 \
	'^configfs +ok +/sys/kernel/config/kmcl *$'
check "doctor: configfs is not mounted" doctor "$loaded" CONFIG=empty in_guest 1 \
	'^configfs +missing .*mount -t configfs none /sys/kernel/config'
check "doctor: no configfs" doctor "$loaded" CONFIG= in_guest 1 \
	'^configfs +missing .*modprobe configfs'
check "doctor: a channel that is active" says 1 '^Channel balloon +ok +active' \
	with_channels "$kmclctl" doctor
check "doctor: a channel whose device has another driver" says 1 \
	"^Channel beat +missing .*hv_utils has device ${first}1 +kmclctl bind ${first}1" \
	with_channels "$kmclctl" doctor
check "doctor: a channel whose device is kept for another driver" says 1 \
	"^Channel kept +missing .*kept for driver uio_hv_generic +kmclctl bind ${first}8" \
	with_channels "$kmclctl" doctor
check "doctor: a channel whose device is not offered" says 1 \
	'^Channel gone +note .*host does not offer' with_channels "$kmclctl" doctor
check "doctor: a channel that is off" says 1 '^Channel nothing +note +it has no class' \
	with_channels "$kmclctl" doctor

# Channels, as far as there is no kernel behind them
for name in info recv cat request enable disable pause start events; do
	check "$name: kmcl_cdev is not loaded" says 3 \
		'^kmclctl: x: kmcl_cdev is not loaded;.*doctor' \
		elsewhere "$kmclctl" "$name" x
	check "$name: no such channel" says 3 \
		'^kmclctl: x: there is no /dev/kmcl/x;.*create x --class=' \
		with_channels "$kmclctl" "$name" /dev/kmcl/x
	check "$name: no name of a channel" says 2 '^kmclctl: ../x: .*no name' \
		with_channels "$kmclctl" "$name" ../x
	check "$name: no word" says 2 "^Usage: kmclctl $name" "$kmclctl" "$name"
done
check "send: no such channel" says 3 'there is no /dev/kmcl/x' \
	with_channels "$kmclctl" send x hello
check "recv: a word too many" says 2 "'y' is one word too many" \
	with_channels "$kmclctl" recv x y
check "recv: no number" says 2 'one: this is no number' \
	with_channels "$kmclctl" recv x --count=one
check "recv: a negative number" says 2 '-1: this is no number' \
	with_channels "$kmclctl" recv x --count=-1
check "recv: no time" says 2 'nan: these are no seconds' \
	with_channels "$kmclctl" recv x --timeout=nan
check "watch: kmcl_cdev is not loaded" says 3 'kmcl_cdev is not loaded' \
	elsewhere "$kmclctl" watch
check "watch: no such channel" says 3 'there is no such channel' \
	with_channels "$kmclctl" watch x
check "delete: no such channel" says 3 '^kmclctl: x: there is no such channel' \
	with_channels "$kmclctl" delete x

without_config()
{
	CONFIG='' "$@"
}

check "create without a class" says 2 '--class is needed' \
	with_channels "$kmclctl" create x
check "create with a class that is none" says 2 'lost: this is no GUID, and no class' \
	with_channels "$kmclctl" create x --class=lost
check "create with an instance that is none" says 2 'heartbeat: this is no GUID$' \
	with_channels "$kmclctl" create x --class=kvp --instance=heartbeat
check "create with a name that is none" says 2 '.x: this is no name of a channel' \
	with_channels "$kmclctl" create .x --class=kvp
check "create without kmcl_cdev" says 3 '^kmclctl: x: .*modprobe kmcl_cdev' \
	without_config elsewhere "$kmclctl" create x --class=kvp
# Nothing makes the attributes here, and the first is refused
check "create: an attribute that cannot be set" says 3 \
	'^kmclctl: x: setting class to a9a0f4e7-5a45-4d96-b827-8a841e8c03e6: No such' \
	with_channels "$kmclctl" create x --class=kvp

# on_terminal COLUMNS COMMAND...
on_terminal()
{
	script -qec "stty cols $1; ${*:2}" /dev/null
}

# fits COLUMNS COMMAND...: on a terminal with so many no line is longer; elsewhere one
# is
fits()
{
	in_guest "${@:2}" >"$work/out"
	[ "$(wc -L <"$work/out")" -gt "$1" ] || { echo "nothing to wrap"; return 1; }
	in_guest bash -c '. "$0"; on_terminal "$@"' "$work/functions" "$@" |
		tr -d '\r' >"$work/out"
	[ ! -s "$work/out" ] || [ "$(wc -L <"$work/out")" -gt "$1" ] || return 0
	cat "$work/out"
	return 1
}

# rounds PATTERN COUNT COMMAND...: so many lines of "watch" have that
rounds()
{
	with_channels "${@:3}" >"$work/out" &&
		[ "$(grep -cE -e "$1" "$work/out")" -eq "$2" ] && return 0
	cat -v "$work/out"
	return 1
}

declare -f on_terminal >>"$work/functions"
watch=("$kmclctl" watch --count=3 --interval=0.05)
clear=$(printf '\033')
check "watch on a terminal starts anew each time" rounds "$clear" 1 \
	bash -c '. "$0"; on_terminal "$@"' "$work/functions" 80 "${watch[@]}"
check "watch in a pipe does not" rounds "$clear" 0 "${watch[@]}"
check "watch --json: an object for each round" rounds '^   "watch": \[' 3 \
	"${watch[@]}" --json
check "doctor on a terminal: long text is wrapped" fits 90 "$kmclctl" doctor

# A module of that name, with a signature as the kernel's sign-file makes it
module_tree()
{
	local lib

	lib=$work/lib/modules/$(uname -r)

	mkdir -p "$lib"
	printf '%s\n' 'static const char i[] __attribute__((section(".modinfo"), used))' \
		'= "name=vmbkmcl_hv\0license=GPL";' >"$work/m.c"
	gcc -c -o "$lib/vmbkmcl_hv.ko" "$work/m.c" &&
		touch "$lib/modules."{order,builtin,builtin.modinfo} && depmod -b "$work" &&
		openssl req -new -x509 -newkey rsa:2048 -nodes -batch -subj "/CN=$1" \
			-keyout "$work/key" -out "$work/cert" 2>"$work/openssl" &&
		openssl cms -sign -binary -noattr -nocerts -nosmimecap -outform DER \
			-in "$lib/vmbkmcl_hv.ko" -signer "$work/cert" \
			-inkey "$work/key" -out "$work/signature" ||
		return
	cp "$lib/vmbkmcl_hv.ko" "$work/unsigned.ko"
	# struct module_signature: PKCS#7, and the length of it
	{
		cat "$work/unsigned.ko" "$work/signature"
		printf '\0\0\2\0\0\0\0\0'
		printf '%08x' "$(stat -c %s "$work/signature")" | sed 's/../\\x&/g' |
			xargs -0 printf '%b'
		echo "~Module signature appended~"
	} >"$work/signed.ko"
}

# with_module FILE COMMAND...: in a namespace where the kernel has this file as its module
with_module()
{
	cp "$work/$1.ko" "$work/lib/modules/$(uname -r)/vmbkmcl_hv.ko"
	unshare "${enter[@]}" sh -c 'work=$1; shift
		mount -t overlay -o "lowerdir=$work/lib:/usr/lib" overlay /usr/lib || exit 99
		exec "$@"' sh "$work" "${@:2}"
}

# judges FILE KEYS PATTERN [NAME=VALUE...]: what doctor says of such a module, on a kernel
# that has these keys and needs signatures; no keys: of those nobody but root knows
judges()
{
	printf '%s' "${2:+$2$'\n'}" >"$work/keys"
	with_module "$1" env LD_PRELOAD="$work/keyutils.so" KEYS="${2:+$work/keys}" \
		MODULES=vmbkmcl ENFORCE=Y EFI=1 "${@:4}" \
		bash -c '. "$0"; says 1 "$1" in_guest "$kmclctl" doctor' \
		"$work/functions" "^vmbkmcl_hv +$3"
}

keyutils_builds()
{
	gcc -Wall -Wextra -Werror -shared -fPIC -o "$work/keyutils.so" "$tests/keyutils.c"
}

if module_tree "Example key" && namespaces && with_module unsigned true 2>/dev/null; then
	key='.builtin_trusted_keys Example key: 7c0a'
	other='.builtin_trusted_keys Build time key: 11'
	check "the kernel's keyrings for tests" keyutils_builds
	check "doctor: a module without signature, where none is needed" judges unsigned \
		"$key" 'missing .*vmbkmcl_hv.ko is there +modprobe vmbkmcl_hv$' ENFORCE=N
	check "doctor: a module without signature" judges unsigned "$key" \
		'missing .*has no signature, .*make dkms-install'
	check "doctor: a module whose key the kernel has" judges signed "$key" \
		'missing .*signed by .Example key., a key of this kernel +modprobe vmbkmcl_hv$'
	check "doctor: a module whose key is enrolled" judges signed \
		"$other"$'\n'".secondary_trusted_keys Example key: 7c0a" \
		'missing .*, a key of this kernel +modprobe vmbkmcl_hv$'
	check "doctor: a module whose key the firmware has" judges signed \
		"$other"$'\n'".platform Example key: 7c0a" \
		'missing .*, a key of the firmware, .* +modprobe vmbkmcl_hv$'
	check "doctor: a module whose key is not enrolled" judges signed \
		"$other"$'\n'".ima Example key: 7c0a" \
		'missing .*no key of this kernel +enrol.*mokutil --import /var/lib'
	check "doctor: a key with a longer name" judges signed \
		"$other"$'\n'".platform Example key of another: 7c0a" \
		'missing .*no key of this kernel +enrol'
	check "doctor: a key that cannot be enrolled" judges signed "$other" \
		'missing .*no key of this kernel +start the machine by UEFI' EFI=
	check "doctor: keys that only root sees" judges signed '' \
		'missing .*only root sees.* +run this as root'
	check "doctor: a signed module that is loaded" judges signed "$key" \
		"ok +loaded, version 0.1, signed by 'Example key' *$" \
		MODULES="vmbkmcl vmbkmcl_hv"
else
	skip "doctor with modules: this container may not mount"
fi

# What people read and type is complete
each_command()
{
	local name missing=0

	for name in $("$kmclctl" --help | sed -n 's/^  \([a-z]*\)  *[a-z].*/\1/p'); do
		grep -qE "^\.(B|BR|BI) $name\b" "$TOP/tools/kmclctl/kmclctl.8" &&
			grep -qw "$name" "$TOP/tools/kmclctl/completion/kmclctl" &&
			grep -q "'$name:" "$TOP/tools/kmclctl/completion/_kmclctl" &&
			"$kmclctl" "$name" --help | grep -qe --json &&
			continue
		echo "$name is missing somewhere"
		missing=1
	done
	[ "${name:-}" ] && [ "$missing" -eq 0 ]
}

# The table in the documentation, whose rows begin with the word for the class: its
# first, third and fourth columns, and the GUID
class_table()
{
	awk '/^   \* - / { if (row) print row; row = $0; next }
		/^     - / { row = row "|" $0 }
		END { print row }' Documentation/devices.rst |
		sed 's/   \* - \|     - //g; s/``//g' | sort
}

# Those of systemd's hardware database, which has neither a word for each nor its driver
systemd_classes()
{
	local list=/usr/lib/udev/hwdb.d/20-vmbus-class.hwdb

	[ -s $list ] && "$kmclctl" classes --json | python3 -c '
import json, re, sys, uuid
known = {row["class"] for row in json.load(sys.stdin)["classes"]}
found = re.findall("^vmbus:([0-9a-f]{32})$", open(sys.argv[1]).read(), re.MULTILINE)
missing = {str(uuid.UUID(bytes_le=bytes.fromhex(hex))) for hex in found} - known
sys.exit(", ".join(missing) or not found)
' $list
}

same_classes()
{
	diff <("$kmclctl" classes --json | python3 -c '
import json, sys
for row in json.load(sys.stdin)["classes"]:
    print(row["name"], row["class"], row["device"], row["driver"] or "none",
          row["hosts"], sep="|")' | sort) \
		<(class_table | cut -d '|' -f 1-5 | grep -v '^Word|')
}

# completes WORDS... EXPECTED: after these words on the command line
completes()
{
	local words=("${@:1:$#-1}")

	diff <(tr ' ' '\n' <<<"${*: -1}" | sort) <(with_channels bash -c '
		PATH=${0%/*}:$PATH
		. "$1"
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_kmclctl
		printf "%s\n" "${COMPREPLY[@]}"' "$kmclctl" \
		"$TOP/tools/kmclctl/completion/kmclctl" kmclctl "${words[@]}" | sort)
}

installed()
{
	kmclctl_builds SANITIZE=1 DESTDIR="$work/root" prefix=/usr install &&
		[ -x "$work/root/usr/sbin/kmclctl" ] &&
		[ -s "$work/root/usr/share/man/man8/kmclctl.8" ] &&
		[ -s "$work/root/usr/share/bash-completion/completions/kmclctl" ] &&
		[ -s "$work/root/usr/share/zsh/vendor-completions/_kmclctl" ]
}

check "the man page is well-formed" prints 0 '' \
	mandoc -T lint -W warning tools/kmclctl/kmclctl.8
check "each command has help, manual and completion" each_command
check "Documentation/devices.rst has the same classes" same_classes
check "there is each class that systemd knows" systemd_classes
check "bash completes a command" completes b bind
check "bash completes a device" completes bind sc scsi
check "bash completes a device of the bus" completes unbind "${first}3" "${first}3"
check "bash completes a driver" completes bind heartbeat hv_u hv_utils
check "bash completes an option" completes list --l --long
check "bash completes the options of create" completes create x --pa \
	--packet-bytes=
check "bash completes a class" completes create x --class = f "fcopy fc"
check "bash completes after --json" completes --json unbind --no --no-probe
check "bash completes a channel after an option" \
	completes recv --count = 3 ba balloon
check "bash completes a channel" completes send b "balloon beat"
check "zsh reads its completion" zsh -n tools/kmclctl/completion/_kmclctl
check "make install" installed
