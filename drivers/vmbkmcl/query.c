// SPDX-License-Identifier: GPL-2.0
/*
 * Queries that are allowed at any time: counters, state, instance, MMIO.
 *
 * Each value is copied under the lock that protects it; whether a channel is a
 * server or a pipe needs none. Everything here is atomic.
 */
#include <linux/export.h>

#include "channel.h"

/**
 * kmcl_get_counters() - get a snapshot of a channel's counters
 * @ch: the channel
 * @c: filled in; the counters of one direction are consistent with each other,
 *	but those of incoming packets can change meanwhile, if some are
 *	delivered
 *
 * Context: atomic.
 */
void kmcl_get_counters(struct kmcl_channel *ch, struct kmcl_counters *c)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->tx.lock, flags);
	c->tx = ch->tx.n;
	spin_unlock_irqrestore(&ch->tx.lock, flags);

	spin_lock_irqsave(&ch->rx.lock, flags);
	c->outstanding = kmcl_rx_outstanding(&ch->rx);
	c->external = kmcl_rx_external(&ch->rx);
	c->memory = kmcl_rx_held(&ch->rx) +
		    atomic64_read(&ch->rx.comps_bytes);
	c->rx = ch->rx.n;
	kmcl_rx_count(&ch->rx, &c->rx);
	spin_unlock_irqrestore(&ch->rx.lock, flags);

	spin_lock_irqsave(&ch->sm.lock, flags);
	c->sm = ch->sm.n;
	spin_unlock_irqrestore(&ch->sm.lock, flags);

	spin_lock_irqsave(&ch->gpadl.lock, flags);
	c->gpadls = ch->gpadl.count;
	c->gpadls_left = ch->gpadl.left;
	c->gpadls_kept = ch->gpadl.kept;
	c->rings_kept = ch->gpadl.rings_kept;
	c->packets_kept = ch->gpadl.packets_kept;
	c->kept_bytes = ch->gpadl.kept_bytes;
	spin_unlock_irqrestore(&ch->gpadl.lock, flags);

	spin_lock_irqsave(&ch->link.lock, flags);
	c->ring_in = ch->link.ring_in;
	c->ring_out = ch->link.ring_out;
	c->ring_memory = ch->link.block.page ?
		PAGE_SIZE << ch->link.block.order : 0;
	c->small_rings = ch->link.small_rings;
	spin_unlock_irqrestore(&ch->link.lock, flags);
}
EXPORT_SYMBOL_GPL(kmcl_get_counters);

/**
 * kmcl_channel_state_name() - get the name of the channel's state
 * @ch: the channel
 *
 * Context: atomic.
 * Return: the name that KMCL uses, such as "Active".
 */
const char *kmcl_channel_state_name(struct kmcl_channel *ch)
{
	unsigned long flags;
	const char *name;

	spin_lock_irqsave(&ch->sm.lock, flags);
	name = kmcl_state_text(ch->server, ch->sm.state, &ch->sm.in);
	spin_unlock_irqrestore(&ch->sm.lock, flags);
	return name;
}
EXPORT_SYMBOL_GPL(kmcl_channel_state_name);

/**
 * kmcl_get_close_cause() - ask why the channel was closed last
 * @ch: the channel
 *
 * Most useful inside the closed callback.
 *
 * Context: atomic.
 * Return: the cause.
 */
enum kmcl_close_cause kmcl_get_close_cause(struct kmcl_channel *ch)
{
	enum kmcl_close_cause cause;
	unsigned long flags;

	spin_lock_irqsave(&ch->sm.lock, flags);
	cause = ch->sm.cause;
	spin_unlock_irqrestore(&ch->sm.lock, flags);
	return cause;
}
EXPORT_SYMBOL_GPL(kmcl_get_close_cause);

/**
 * kmcl_channel_is_server() - ask which endpoint a channel is
 * @ch: the channel, or NULL
 *
 * Context: atomic.
 * Return: whether it is a server's.
 */
bool kmcl_channel_is_server(const struct kmcl_channel *ch)
{
	return ch && ch->server;
}
EXPORT_SYMBOL_GPL(kmcl_channel_is_server);

/**
 * kmcl_channel_is_pipe() - ask whether a channel is in pipe mode
 * @ch: the channel; the answer is final once it has a packet
 *
 * Context: atomic.
 * Return: whether it is, see kmcl_set_flags() and kmcl_server_set_flags().
 */
bool kmcl_channel_is_pipe(const struct kmcl_channel *ch)
{
	return ch->cfg.pipe;
}
EXPORT_SYMBOL_GPL(kmcl_channel_is_pipe);

/**
 * kmcl_get_instance() - get the instance GUID (VmbChannelGetInterfaceInstance)
 * @ch: the channel
 * @instance: set to the instance in the target, if it has one; else to that of
 *	the offer that is bound; without one, also while the channel waits
 *	again, to the one that was open last, or to the null GUID if none was
 *
 * An offer that was bound and could not be opened, or that the opened callback
 * refused, was not open. Setting a target begins anew.
 *
 * Context: atomic.
 */
void kmcl_get_instance(struct kmcl_channel *ch, guid_t *instance)
{
	unsigned long flags;

	spin_lock_irqsave(&kmcl_bus_lock, flags);
	*instance = ch->link.bound_instance;
	spin_unlock_irqrestore(&kmcl_bus_lock, flags);
}
EXPORT_SYMBOL_GPL(kmcl_get_instance);

/**
 * kmcl_get_mmio() - get the device's memory-mapped I/O
 *	(VmbChannelGetMmioSpace)
 * @ch: the channel
 * @start: set to the guest physical address, or to 0 if there is none, which is
 *	always so on the loopback bus and while the channel is not open
 * @size: set to the size in bytes, or to 0
 *
 * Context: atomic.
 */
void kmcl_get_mmio(struct kmcl_channel *ch, u64 *start, u64 *size)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->link.lock, flags);
	*start = ch->link.mmio_start;
	*size = ch->link.mmio_size;
	spin_unlock_irqrestore(&ch->link.lock, flags);
}
EXPORT_SYMBOL_GPL(kmcl_get_mmio);
