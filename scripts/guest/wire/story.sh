# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Runs in a guest of tools/vmbhost: a device that its host stalls, takes away and
# offers again, step by step, each with evidence from both ends. make demo shows
# it.

# shellcheck disable=SC2154,SC2034 # note() sets c_* and h_*; number() reads offer_*

# shellcheck source=scripts/guest/wire/wire-lib.sh
. /wire-lib.sh

devices()
{
	grep -l "$WIRE_CLASS" /sys/bus/vmbus/devices/*/class_id 2>/dev/null
}

no_devices()
{
	! devices
}

# both CHANNEL: what the two ends say
both()
{
	note "$1"
	printf 'the channel: accepted %d, sent %d, completed %d, queued %d\n' \
		"$c_accepted" "$c_sent" "$c_completed" "$c_queued" | show
	printf 'the host:    received %d, out of order %d, twice %d, damaged %d\n' \
		"$h_rx_packets" "$h_rx_order_errors" "$h_rx_duplicates" \
		"$h_rx_checksum_errors" | show
}

intact()
{
	note "$1"
	[ $((h_rx_order_errors + h_rx_duplicates + h_rx_checksum_errors +
		h_rx_missing)) -eq 0 ]
}

step "A stock kernel, its own hv_vmbus, and a host that can take devices away"
uname -sr | show
check "hv_vmbus and the modules are loaded" wire_load
check "VMBus version negotiated" logged 'Vmbus version:' 1
check "the host answers" host stats

step "The host offers a device, and a client's channel opens"
# By story.scenario, before the guest was there
offer_a=0
check "the device is there" within 10 devices
check "a channel for it, disabled" traffic open a "$WIRE_CLASS" "$(instance 0)"
check "enable" ctl a enable
check "channel is Active" within 10 state a Active
check "Opened, Started and PostStarted ran once" \
	[ "$(grep -cE '^(opened|started|post_started) 1$' $TRAFFIC/a/counters)" -eq 3 ]

step "100 packets, each completed by the host"
check "send 100" ctl a send 100 256 completion
check "the host has completed all" within 10 counts a done_ok -eq 100
both a
check "the host saw each once, in order, intact" intact a

step "The host stops reading: what does not fit into the ring is queued"
check "the host stalls" host behave 0 stall
check "send 1000" ctl a send 1000 500
both a
check "the ring is full, the others wait" counts a queued -gt 0
check "the host reads again" host behave 0 unstall
check "everything has arrived" within 20 host_has_all a
both a
check "each once, in order, intact" intact a

step "The host takes the device away: Suspend, then EvtVmbChannelClosed"
check "the host rescinds" host rescind 0
check "channel is Disabled" within 10 state a Disabled
check "Suspend ran once" counts a suspend -eq 1
check "EvtVmbChannelClosed ran once" counts a closed -eq 1
check "each callback ran in process context, on the library's workqueue" \
	counts a bad_context -eq 0
check "the device is gone" within 10 no_devices

step "100 packets sent to a device that is not there are accepted and queued"
note a
sent=$c_sent
check "send 100" ctl a send 100 256
both a
check "100 are queued" counts a queued -eq 100
check "none was sent" counts a sent -eq "$sent"

step "The host offers the device again"
check "the host offers" host offer 0
check "the device is back" within 10 devices
check "the channel stays Disabled until it is enabled" state a Disabled
check "enable" ctl a enable
check "channel is Active again" within 10 state a Active
check "everything has arrived" within 10 host_has_all a
both a
check "each once, in order, intact" intact a
check "every accepted packet was completed" \
	[ "$c_accepted" -eq "$c_completed" ]

step "Everything is unloaded"
check "close" traffic close a
wire_unload
