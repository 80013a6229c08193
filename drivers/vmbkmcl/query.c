// SPDX-License-Identifier: GPL-2.0
/*
 * What can be asked of a channel at any time: counters, state, instance, memory.
 *
 * Each is copied under the lock that it is written under. All of it is atomic.
 */
#include <linux/export.h>
#include <linux/string.h>

#include "kmcl_internal.h"

/**
 * kmcl_get_counters() - a snapshot of a channel's counters
 * @ch: the channel
 * @c: where it goes; the fields about sending are of one instant, so are the
 *	ones about incoming packets
 *
 * Context: atomic.
 */
void kmcl_get_counters(struct kmcl_channel *ch, struct kmcl_counters *c)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->tx_lock, flags);
	*c = ch->n;
	spin_unlock_irqrestore(&ch->tx_lock, flags);
	c->gpadls = READ_ONCE(ch->gpadl_count);
	c->gpadls_left = READ_ONCE(ch->gpadls_left);
	spin_lock_irqsave(&ch->rx_lock, flags);
	c->delivered = ch->delivered;
	c->outstanding = ch->outstanding;
	c->outstanding_peak = ch->outstanding_peak;
	c->external = ch->external;
	c->deferred = ch->deferred;
	c->failed = ch->failed;
	c->batches = ch->batches;
	c->bad_packets = ch->bad_packets;
	memcpy(c->bad, ch->bad, sizeof(c->bad));
	c->quota_stops = ch->quota_stops;
	c->budget_stops = ch->budget_stops;
	spin_unlock_irqrestore(&ch->rx_lock, flags);
}
EXPORT_SYMBOL_GPL(kmcl_get_counters);

/**
 * kmcl_channel_state_name() - the state, for people
 * @ch: the channel
 *
 * Context: atomic.
 * Return: the name that KMCL uses, such as "Active".
 */
const char *kmcl_channel_state_name(struct kmcl_channel *ch)
{
	unsigned long flags;
	const char *name;

	spin_lock_irqsave(&ch->lock, flags);
	name = kmcl_state_text(ch->server, ch->state, &ch->in);
	spin_unlock_irqrestore(&ch->lock, flags);
	return name;
}
EXPORT_SYMBOL_GPL(kmcl_channel_state_name);

/**
 * kmcl_get_instance() - instance GUID in use (VmbChannelGetInterfaceInstance)
 * @ch: the channel
 * @instance: where it goes: the null GUID for a channel that takes any
 *	instance, is not bound and was never open; the last one after it closed
 *
 * Context: atomic.
 */
void kmcl_get_instance(struct kmcl_channel *ch, guid_t *instance)
{
	unsigned long flags;

	spin_lock_irqsave(&kmcl_bus_lock, flags);
	*instance = ch->bound_instance;
	spin_unlock_irqrestore(&kmcl_bus_lock, flags);
}
EXPORT_SYMBOL_GPL(kmcl_get_instance);

/**
 * kmcl_get_mmio() - memory-mapped I/O that the device has
 *	(VmbChannelGetMmioSpace)
 * @ch: the channel
 * @start: guest physical address; 0 if there is none, on the loopback bus, on
 *	a server, and while the channel is not open
 * @size: its bytes, or 0
 *
 * Context: atomic.
 */
void kmcl_get_mmio(struct kmcl_channel *ch, u64 *start, u64 *size)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	*start = ch->mmio_start;
	*size = ch->mmio_size;
	spin_unlock_irqrestore(&ch->lock, flags);
}
EXPORT_SYMBOL_GPL(kmcl_get_mmio);
