// SPDX-License-Identifier: GPL-2.0
/*
 * Monitored signals. For a channel that has a monitor the guest does not signal
 * with a hypercall but sets a bit in a page that it told when it connected, and
 * the hypervisor looks there from time to time: later, but for less. Everything
 * else is as with any signal.
 *
 * The page: 4 bytes of state, 4 reserved, then four groups of 4 bytes of pending
 * bits and 4 of armed ones.
 *
 * On the worker's thread, serialised by vm->lock.
 */
#include "packets.h"

/* How often the hypervisor looks. */
#define LATENCY		100000u
#define GROUPS_AT	8u
#define GROUP_BYTES	8u

/**
 * monitor_look() - whether the guest has signalled an open channel
 * Return: when to look again
 */
uint64_t monitor_look(struct channel *channel)
{
	struct vmbus *bus = channel->bus;
	uint32_t bit = 1u << channel->number % 32;
	uint32_t *pending;
	uint8_t *page;

	page = guest_memory(bus->vm, bus->monitor_page[1], VMBUS_PAGE);
	if (!page)
		return NEVER;
	pending = (uint32_t *)(page + GROUPS_AT +
			       channel->number / 32 * GROUP_BYTES);
	if (__atomic_fetch_and(pending, ~bit, __ATOMIC_ACQ_REL) & bit)
		behaviour_signal(channel);
	return vm_now(bus->vm) + LATENCY;
}
