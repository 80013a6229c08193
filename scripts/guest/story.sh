# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Runs in the guest: a channel from enable to free on a real VMBus host, step by step,
# each with its evidence. make demo shows it, make vmtest counts it.

# shellcheck source=scripts/guest/lib.sh
. /lib.sh

step "A stock kernel finds itself on Hyper-V"
uname -sr | show
check "hypervisor detected: Microsoft Hyper-V" \
	logged 'Hypervisor detected: Microsoft Hyper-V'

step "Its own hv_vmbus finds the VMBus host and the Dynamic Memory device"
if [ -e /modules/hv_vmbus.ko ]; then
	check "insmod hv_vmbus" insmod /modules/hv_vmbus.ko
fi
check "VMBus version negotiated" within 10 logged 'Vmbus version:' 1
device=$(grep -l "$CLASS" /sys/bus/vmbus/devices/*/class_id | head -n 1)
[ -z "$device" ] || show <"$device"
check "device class $CLASS offered" [ -n "$device" ]
device=$(basename "$(dirname "$device")")
check "the host's monitor answers" qmp_open
check "it answers" host_answers

step "The library, the transport and the client are loaded"
for module in vmbkmcl vmbkmcl_hv kmcl_dynmem; do
	check "insmod $module" insmod "/modules/$module.ko"
done
lsmod | grep -E 'kmcl|Module' | show

step "The client's channel opens"
check "channel is Active" within 10 state_is Active
check "Opened ran once" within 5 counter_is opened -eq 1
check "Started ran once" within 5 counter_is started -eq 1
check "PostStarted ran once" within 5 counter_is post_started -eq 1
show_counters opened started post_started opened_context post_started_context

step "Client and host agree on a protocol version"
negotiated()
{
	[ $(($(counter negotiated_version))) -gt 0 ]
}
check "Dynamic Memory version is negotiated" within 10 negotiated
show_counters negotiated_version

step "A status report arrives at the host"
check "the host has a status report" within 10 host_has_report
report=$(cat /tmp/view)
echo "$report" | show
grep -E 'MemTotal|MemAvailable' /proc/meminfo | show
total=$(($(sed -nE 's/^MemTotal: *([0-9]+) kB/\1/p' /proc/meminfo) * 1024))
available=$(echo "$report" | sed -nE 's/.*"available": ([0-9]+).*/\1/p')
check "it is plausible: 0 < available < total memory" \
	[ "${available:-0}" -gt 0 -a "${available:-0}" -lt "$total" ]
check "reports are sent every second" within 5 counter_is reports_sent -ge 3

step "Disable: Suspend, then EvtVmbChannelClosed, in process context"
check "disable" control disable
check "channel is Disabled" within 5 state_is Disabled
check "Suspend ran once" counter_is suspend -eq 1
check "EvtVmbChannelClosed ran once" counter_is closed -eq 1
show_counters suspend_context closed_context
closed_context=$(counter closed_context)
check "EvtVmbChannelClosed ran in process context" \
	[ "${closed_context%% *}" = process ]
case $closed_context in
"process kworker/"*kmcl*)	on_workqueue=yes ;;
*)				on_workqueue=no ;;
esac
check "EvtVmbChannelClosed ran on the library's workqueue" \
	[ "$on_workqueue" = yes ]
check "nothing is in flight" counter_is in_flight -eq 0

step "100 packets sent to the closed channel are accepted and queued"
# The host forgets the report when it has seen the channel close.
check "the host has no report any more" within 10 host_has_no_report
echo "the host's view before: $(cat /tmp/view)" | show
# Use memory, so that every report from now on differs from the last one.
dd if=/dev/zero of=/tmp/ballast bs=1M count=64 2>/dev/null
accepted=$(counter accepted)
queued=$(counter queued)
sent=$(counter sent)
check "send 100" control send 100
show_counters accepted queued sent
check "100 more accepted" counter_is accepted -ge $((accepted + 100))
check "100 more queued" counter_is queued -ge $((queued + 100))
check "none sent" counter_is sent -eq "$sent"
sleep 3
check "the host's view is unchanged" host_has_no_report
echo "the host's view three seconds later: $(cat /tmp/view)" | show

step "Enable: the channel opens again and delivers what was queued"
check "enable" control enable
check "channel is Active again" within 10 state_is Active
check "Opened ran again" within 5 counter_is opened -eq 2
check "the queue is empty" within 10 counter_is queued -eq 0
check "all 100 were sent" counter_is sent -ge $((sent + 100))
check "the host has a new report" within 10 host_has_another_report "$report"
check "completions came in the order of sending" counter_is order_errors -eq 0
show_counters accepted queued sent opened completions_in_order order_errors
echo "the host's view now: $(cat /tmp/view)" | show
rm -f /tmp/ballast

step "Everything is unloaded"
check "disable again" control disable
check "EvtVmbChannelClosed ran twice" within 5 counter_is closed -eq 2
check "nothing is in flight" counter_is in_flight -eq 0
check "every accepted packet was completed or is queued" \
	[ "$(counter accepted)" -eq $(($(counter completed) + $(counter queued))) ]
show_counters accepted completed cancelled queued
for module in kmcl_dynmem vmbkmcl_hv vmbkmcl; do
	check "rmmod $module" rmmod "$module"
	check "$module is gone" unloaded "$module"
done
check "the directory of its files is gone" [ ! -e "$DYNMEM" ]
