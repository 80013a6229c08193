# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The driver of Documentation/porting, as it is after porting: two devices that it is
# loaded for, which it negotiates with, lends memory to and sends requests; and a host
# that does not answer them.
#
# shellcheck disable=SC2154,SC2034 # WIRE_CLASS is offer()'s, note() sets h_*

VAULT_CLASS=6b6d636c-7661-756c-7400-000000000000

# Lines of the log before the scenario
vault_lines=0

# vault_says COUNT WORDS: so many lines of it since then, of whatever device
vault_says()
{
	[ "$(dmesg | tail -n +$((vault_lines + 1)) |
		grep -cE "vault [0-9]+: $2\$")" -eq "$1" ]
}

# stored COUNT DEVICE...: they have done all their work, which is in the log COUNT times
stored()
{
	local count=$1 device

	shift
	expect "all records are stored" within 20 \
		vault_says "$count" "32 records stored, 0 failed"
	expect "and the host has repeated the notice" within 5 \
		vault_says "$count" "notice of 32 records"
	for device; do
		# Version, memory, 32 records and the notice
		expect "$device: 35 packets" host_counts "$device" rx_packets -eq 35
		expect "$device: its rings and its memory" [ "$h_gpadls_live" -eq 2 ]
	done
}

# vault_returned DEVICE...: the host has got everything back
vault_returned()
{
	local device

	for device; do
		expect "$device is closed" within 5 host_counts "$device" gpadls_live -eq 0
		expect "$device: no GPADL was left" \
			[ $((h_gpadls_left + h_protocol_errors)) -eq 0 ]
	done
}

ported()
{
	local WIRE_CLASS=$VAULT_CLASS

	vault_lines=$(dmesg | wc -l)
	offer a echo
	offer b echo
	expect "insmod vault" insmod /vault.ko
	stored 2 a b
	rescind a
	expect "the guest has released it" within 5 host_state a absent
	vault_returned a
	at a reset
	reoffer a
	stored 3 a
	expect "rmmod" rmmod vault
	vault_returned a b
	expect "nothing failed" vault_says 0 "not ready.*"
	at a rescind
	at b rescind
}

# It ends while the host has its requests, and gets none of them back
ported_unanswered()
{
	local WIRE_CLASS=$VAULT_CLASS

	vault_lines=$(dmesg | wc -l)
	offer a echo
	number a
	# Memory and version are answered
	host on rx:3 "$number" behave "$number" complete-never >/dev/null
	expect "insmod vault" insmod /vault.ko
	expect "the host has all requests" within 20 host_counts a rx_packets -eq 35
	expect "rmmod" rmmod vault
	expect "each request has ended" \
		vault_says 1 '[01] records stored, 3[12] failed'
	vault_returned a
	at a rescind
}

ported_all()
{
	scenario "a driver that was ported, two devices" ported
	scenario "a driver that was ported, and no answers" ported_unanswered
}
