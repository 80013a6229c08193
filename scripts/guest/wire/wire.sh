# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Runs in a guest of tools/vmbhost: all scenarios, or those whose functions the word
# only=FUNCTION,... of the kernel's command line names.

# shellcheck source=scripts/guest/wire/wire-lib.sh
. /wire-lib.sh
# shellcheck source=scripts/guest/wire/rescind.sh
. /rescind.sh
# shellcheck source=scripts/guest/wire/reoffer.sh
. /reoffer.sh
# shellcheck source=scripts/guest/wire/states.sh
. /states.sh
# shellcheck source=scripts/guest/wire/traffic.sh
. /traffic.sh
# shellcheck source=scripts/guest/wire/answers.sh
. /answers.sh
# shellcheck source=scripts/guest/wire/batches.sh
. /batches.sh
# shellcheck source=scripts/guest/wire/unload.sh
. /unload.sh
# shellcheck source=scripts/guest/wire/device.sh
. /device.sh
# shellcheck source=scripts/guest/wire/memory.sh
. /memory.sh
# shellcheck source=scripts/guest/wire/watch.sh
. /watch.sh
# shellcheck source=scripts/guest/wire/parent.sh
. /parent.sh
# shellcheck source=scripts/guest/wire/ported.sh
. /ported.sh
# shellcheck source=scripts/guest/wire/waits.sh
. /waits.sh
# shellcheck source=scripts/guest/wire/pm.sh
. /pm.sh
# shellcheck source=scripts/guest/wire/idle.sh
. /idle.sh
# shellcheck source=scripts/guest/wire/cpus.sh
. /cpus.sh
# shellcheck source=scripts/guest/wire/image.sh
. /image.sh
# shellcheck source=scripts/guest/wire/claim.sh
. /claim.sh
# shellcheck source=scripts/guest/wire/faults.sh
. /faults.sh
# shellcheck source=scripts/guest/wire/soak.sh
. /soak.sh
# shellcheck source=scripts/guest/wire/kmclctl.sh
. /kmclctl.sh
# shellcheck source=scripts/guest/wire/services.sh
. /services.sh
# shellcheck source=scripts/guest/wire/cdev.sh
. /cdev.sh

defined()
{
	command -v "$1" >/dev/null
}

restore
step "The modules are loaded, and the host answers"
check "insmod" wire_load
check "vmbhostctl" host "stats"
for name in $(echo "$only" | tr , ' '); do
	check "$name is a scenario" defined "$name"
done
as_asked
[ -z "${isolated:-}" ] || for name in isolated nohz_full; do
	check "processor $isolated: $name" \
		[ "$(cat /sys/devices/system/cpu/$name)" = "$isolated" ]
done
[ -z "${bounce:-}" ] || check "swiotlb is in force" \
	sh -c 'dmesg | grep -q "software IO TLB: area num"'
logged 'Vmbus version:' 1
scenario "30 seconds in which the host reads nothing begin" stall_begin
scenario "a minute in which drivers keep packets begins" held_begin
# Early: only the first 128 offers can have a monitor
step "What kinds of devices there are"
device_all
uio_all
step "The host takes the device away"
rescind_all
step "It comes back"
reoffer_all
step "The states"
states_all
step "It stays"
traffic_all
answers_all
batches_all
scenario "30 seconds in which the host reads nothing" stall_end
# Before anything that removes the transport, which would wait for the packets
scenario "a minute in which drivers keep packets" held_end
step "How long it may take"
waits_all
suspend_all
step "Processors go and come"
unshared cpus_all
step "The machine sleeps"
idle_all
step "The machine hibernates"
hibernate_all
step "What a device has of the guest"
memory_all
parent_all
ported_all
step "What others see of it"
watch_all
step "It leaves for other reasons"
unload_all
step "Which driver gets it"
claim_all
step "Many faults, one after the other"
unshared faults_all
if [ "${tools:-0}" -eq 1 ]; then
	step "What the tools show"
	unshared kmclctl_all
	step "Services of the host"
	unshared services_all
fi
step "Programs"
cdev_all
wire_unload
