// SPDX-License-Identifier: GPL-2.0
/*
 * The link of a channel: the rings, from connecting to disconnecting them, and
 * what becomes of it when the other side ends it.
 *
 * kmcl_link_up() and kmcl_link_dead() are for transports and the bus, from any
 * context, with kmcl_bus_lock held or not; they record what happened and queue
 * the channel's work. The rest is for that work alone, and may sleep.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/rcupdate.h>

#include "kmcl_internal.h"

/* An offer is bound, or a client wants to open. Atomic. */
void kmcl_link_up(struct kmcl_channel *ch)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	ch->in.link = true;
	spin_unlock_irqrestore(&ch->lock, flags);
	kmcl_kick(ch);
}

/*
 * Whoever hosts the rings may still use the memory that packets describe, until
 * they are disconnected: it has not said that it let go.
 */
bool kmcl_memory_in_use(struct kmcl_channel *ch)
{
	return !ch->server && READ_ONCE(ch->connected) &&
	       !READ_ONCE(ch->offer->rescinded);
}

/*
 * The other side ended the link. What waits for traffic is woken here and
 * not by the work: a callback on the work may be what waits. Atomic.
 */
void kmcl_link_dead(struct kmcl_channel *ch)
{
	bool remove = false;
	unsigned long flags;

	spin_lock_irqsave(&ch->lock, flags);
	if (!ch->in.dead) {
		ch->in.dead = true;
		ch->in.dead_first = !ch->in.disable;
		/*
		 * Nothing keeps the work from it while the channel is paused, but
		 * for a save callback, under which no packet is to end.
		 */
		remove = ch->in.dead_first && ch->state != KMCL_ST_PAUSED;
		ch->dead_keeps = kmcl_memory_in_use(ch);
	}
	spin_unlock_irqrestore(&ch->lock, flags);
	kmcl_tx_dead(ch);
	/* Without a link nothing was waiting for it: only the search goes on */
	if (READ_ONCE(ch->connected)) {
		kmcl_sync_abort(ch);
		if (remove)
			tasklet_schedule(&ch->dead_tasklet);
	}
	kmcl_kick(ch);
}

/*
 * What is in flight on a dead link ends at once: see kmcl_link_dead(), which has
 * looked at the offer. That may be gone by now.
 */
static void dead_tasklet(struct tasklet_struct *t)
{
	struct kmcl_channel *ch = container_of(t, struct kmcl_channel,
					       dead_tasklet);

	kmcl_tx_fail_in_flight(ch, -ENODEV, READ_ONCE(ch->dead_keeps));
}

/* Server: tell the client that opens, accepted or not, how that went. Atomic. */
void kmcl_answer(struct kmcl_channel *ch, int result)
{
	ch->offer->ops->server->answer(ch->offer, result);
}

static void set_mmio(struct kmcl_channel *ch, u64 start, u64 size)
{
	spin_lock_irq(&ch->lock);
	ch->mmio_start = start;
	ch->mmio_size = size;
	spin_unlock_irq(&ch->lock);
}

/* The driver may have it mapped until its closed callback has returned */
void kmcl_mmio_free(struct kmcl_channel *ch)
{
	if (!ch->mmio_size)
		return;
	set_mmio(ch, 0, 0);
	ch->offer->ops->mmio_free(ch->offer);
}

int kmcl_connect(struct kmcl_channel *ch)
{
	const struct kmcl_transport_ops *ops;
	u64 start = 0, size = 0;
	int ret;

	if (ch->server)
		return ch->offer->ops->server->accept(ch->offer, &ch->tx,
						      &ch->rx);
	/* Both sides frame alike, or neither understands the other */
	if (ch->pipe != !!(ch->offer->flags & KMCL_WIRE_OFFER_PIPE))
		return -EPROTO;
	ops = ch->offer->ops;
	ret = ops->open(ch->offer, ch->tx_pages * KMCL_PAGE_SIZE,
			ch->rx_pages * KMCL_PAGE_SIZE, &ch->tx, &ch->rx);
	if (!ret && ops->mmio) {
		ops->mmio(ch->offer, &start, &size);
		set_mmio(ch, start, size);
	}
	return ret;
}

void kmcl_disconnect(struct kmcl_channel *ch)
{
	if (!ch->connected)
		return;
	kmcl_tx_dead(ch);
	/* A sender, or a delivery, may be about to signal */
	synchronize_rcu();
	WRITE_ONCE(ch->connected, false);
	if (ch->server)
		ch->offer->ops->server->disconnect(ch->offer);
	else
		ch->offer->ops->close(ch->offer);
	kmcl_rx_detach(ch);
	/* Nothing of this link's is to end what is sent on the next one */
	if (ch->server)
		tasklet_kill(&ch->dead_tasklet);
}

void kmcl_link_init(struct kmcl_channel *ch)
{
	tasklet_setup(&ch->dead_tasklet, dead_tasklet);
}
