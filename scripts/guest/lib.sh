# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For the scripts that run in the guest (busybox' sh). What is meant for a
# reader starts with "| ", because the kernel's messages share the console.

DYNMEM=/sys/devices/kmcl_dynmem
# shellcheck disable=SC2034 # used by what sources this
CLASS=525074dc-8985-46e2-8057-a307dc18a502

step()
{
	printf '|\n| %s. %s\n' "$((steps += 1))" "$*"
}

show()
{
	sed 's/^/|      /'
}

# check NAME COMMAND...: the host counts these lines, and compares with the
# number that it is told at the end, with those of an earlier boot, see vm-run.sh.
checks=$(cat /checked 2>/dev/null || echo 0)
trap 'echo "| $checks checks"' EXIT
check()
{
	local name=$1

	shift
	checks=$((checks + 1))
	if "$@"; then
		printf '|   ok      %s\n' "$name"
	else
		printf '|   FAILED  %s\n' "$name"
		printf '|           (%s)\n' "$*"
	fi
}

# The guest's time in seconds. (Programs are slow to start here: no date.)
now()
{
	local seconds

	read -r seconds _ </proc/uptime
	now=${seconds%.*}
}

# within SECONDS COMMAND...: it has that long to become true.
within()
{
	local end now

	now
	end=$((now + 1 + $1))
	shift
	until "$@"; do
		now
		[ "$now" -lt "$end" ] || return 1
		usleep 20000
	done
}

# The kernel log's lines about something.
logged()
{
	dmesg | grep -E "$1" | tail -n "${2:-3}" | show
	dmesg | grep -qE "$1"
}

# A counter of kmcl_dynmem; a missing one is no number and fails every test.
counter()
{
	sed -n "s/^$1 //p" "$DYNMEM/counters"
}

# counter_is NAME OPERATOR NUMBER
counter_is()
{
	test "$(counter "$1")" "$2" "$3"
}

state_is()
{
	[ "$(cat "$DYNMEM/state")" = "$1" ]
}

control()
{
	echo "$*" >"$DYNMEM/control"
}

show_counters()
{
	local name

	for name; do
		printf '%s = %s\n' "$name" "$(counter "$name")"
	done | show
}

loaded()
{
	[ -d "/sys/module/$1" ]
}

unloaded()
{
	[ ! -d "/sys/module/$1" ]
}

# The host's side: QEMU's QMP monitor is at the other end of a virtio-serial
# port. qmp COMMAND prints its reply; the id tells it from events.
qmp_number=0
qmp()
{
	local line end

	qmp_number=$((qmp_number + 1))
	end=$(($(date +%s) + 5))
	printf '{"execute": "%s", "id": "n%d"}\n' "$1" "$qmp_number" >&3
	while [ "$(date +%s)" -lt "$end" ]; do
		read -t 2 -r line <&3 || continue
		case $line in
		*"\"id\": \"n$qmp_number\""*)
			printf '%s\n' "$line" | tr -d '\r'
			return 0 ;;
		esac
	done
	return 1
}

# The node is there a moment before the port can be opened. ("command": a failure
# would end the shell.)
qmp_connect()
{
	[ -c /dev/vport0p1 ] && command exec 3<>/dev/vport0p1
} 2>/dev/null

qmp_open()
{
	local name

	# Virtio drivers are built in, or here in the order of their needs.
	for name in virtio virtio_ring virtio_pci_legacy_dev \
		virtio_pci_modern_dev virtio_pci virtio_console; do
		[ ! -e "/modules/$name.ko" ] || loaded "$name" ||
			insmod "/modules/$name.ko" || return 1
	done
	within 10 qmp_connect || return 1
	qmp qmp_capabilities >/dev/null
}

host_answers()
{
	qmp query-status >/dev/null
}

# What the host last heard from the guest, in its own words: a report, or that
# there is none.
host_view()
{
	qmp query-hv-balloon-status-report |
		sed -E 's/, "id": "n[0-9]+"|"id": "n[0-9]+", //' | tee /tmp/view
}

host_has_report()
{
	host_view | grep -q '"return": .*"available": [0-9]'
}

host_has_no_report()
{
	host_view | grep -q '"error": .*no guest memory status report'
}

host_has_another_report()
{
	host_has_report && [ "$(cat /tmp/view)" != "$1" ]
}
