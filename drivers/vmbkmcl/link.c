// SPDX-License-Identifier: GPL-2.0
/*
 * The link of a channel: connecting and disconnecting the rings, and what
 * happens when the peer ends it.
 *
 * kmcl_link_up(), kmcl_link_freeze() and kmcl_link_dead() may be called in any
 * context, also with kmcl_bus_lock or lb_lock held; they record what happened,
 * under ch->sm.lock, and queue the channel's work item. Everything else is called by the work item
 * only and takes no lock, except for kmcl_memory_in_use(), which is atomic, and
 * for what is counted under a lock of the counter. If it sleeps, its comment
 * says so.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "channel.h"

/* An offer is bound, or a client wants to open. Atomic. */
void kmcl_link_up(struct kmcl_channel *ch)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->sm.lock, flags);
	ch->sm.in.link = true;
	spin_unlock_irqrestore(&ch->sm.lock, flags);
	kmcl_kick(ch);
}

/*
 * Client: the machine is being suspended, or has been resumed. Returns how often
 * the work item had found nothing to do: once it has again, the channel is not
 * open, and is not opened. Atomic.
 */
u64 kmcl_link_freeze(struct kmcl_channel *ch, bool frozen)
{
	unsigned long flags;
	u64 idle_runs;

	spin_lock_irqsave(&ch->sm.lock, flags);
	ch->sm.in.frozen = frozen;
	idle_runs = ch->sm.idle_runs;
	spin_unlock_irqrestore(&ch->sm.lock, flags);
	kmcl_kick(ch);
	return idle_runs;
}

/*
 * May the peer still use the memory that packets describe? It may until the
 * rings are disconnected, unless it has rescinded the offer.
 */
bool kmcl_memory_in_use(struct kmcl_channel *ch)
{
	return !ch->server && READ_ONCE(ch->link.connected) &&
	       !READ_ONCE(ch->link.offer->rescinded);
}

/*
 * Record that the peer ended the link; done nowhere else. Waits for traffic are
 * ended here and not by the work item, since a callback that the work item runs
 * may be what waits. Atomic.
 */
void kmcl_link_dead(struct kmcl_channel *ch)
{
	bool remove = false;
	unsigned long flags;

	spin_lock_irqsave(&ch->sm.lock, flags);
	if (!ch->sm.in.dead) {
		ch->sm.in.dead = true;
		ch->sm.in.dead_first = !ch->sm.in.disable;
		ch->sm.in.lost = kmcl_memory_in_use(ch);
		/*
		 * In Paused no callback delays the work item, except for a save
		 * callback, during which no packet may end.
		 */
		remove = ch->sm.in.dead_first && ch->sm.state != KMCL_ST_PAUSED;
	}
	spin_unlock_irqrestore(&ch->sm.lock, flags);
	kmcl_tx_dead(ch);
	/* Without a link there is no traffic that anything could wait for */
	if (READ_ONCE(ch->link.connected)) {
		kmcl_sync_abort(ch);
		if (remove)
			tasklet_schedule(&ch->link.dead_tasklet);
	}
	kmcl_kick(ch);
}

/*
 * End what is in flight on a dead link. kmcl_link_dead() has read the offer,
 * which may be freed by now.
 */
static void dead_tasklet(struct tasklet_struct *t)
{
	struct kmcl_channel *ch = container_of(t, struct kmcl_channel,
					       link.dead_tasklet);

	kmcl_tx_fail_in_flight(ch, -ENODEV, READ_ONCE(ch->sm.in.lost));
}

static void set_mmio(struct kmcl_channel *ch, u64 start, u64 size)
{
	spin_lock_irq(&ch->link.lock);
	ch->link.mmio_start = start;
	ch->link.mmio_size = size;
	spin_unlock_irq(&ch->link.lock);
}

/* Step, after the closed callback, which may have used the memory. Sleeps. */
void kmcl_mmio_free(struct kmcl_channel *ch)
{
	if (!ch->link.mmio_size)
		return;
	set_mmio(ch, 0, 0);
	ch->link.offer->ops->mmio_free(ch->link.offer);
}

/* Remember how large the rings are that are connected. */
static void set_rings(struct kmcl_channel *ch)
{
	spin_lock_irq(&ch->link.lock);
	ch->link.ring_in = ch->rx.ring.size;
	ch->link.ring_out = ch->tx.ring.size;
	spin_unlock_irq(&ch->link.lock);
}

/* Step: connect the rings. Returns what @open or @accept did. Sleeps. */
int kmcl_connect(struct kmcl_channel *ch)
{
	struct kmcl_offer *offer = ch->link.offer;
	u64 start = 0, size = 0;
	bool private;
	int ret;

	if (ch->server) {
		ret = offer->ops->server->accept(offer, &ch->tx.ring,
						 &ch->rx.ring);
		if (!ret)
			set_rings(ch);
		WRITE_ONCE(ch->link.connected, !ret);
		return ret;
	}
	/* Both ends must use the same framing */
	if (ch->cfg.pipe != !!(offer->flags & KMCL_WIRE_OFFER_PIPE))
		return -EPROTO;
	private = offer->ops->private && offer->ops->private(offer);
	ret = kmcl_tx_set_private(ch, private);
	if (ret) {
		pr_err("%s: packets with external data are queued, and cannot be sent: the memory of this guest is private\n",
		       kmcl_name(ch));
		return ret;
	}
	if (private)
		pr_info("%s: external data is refused: the memory of this guest is private\n",
			kmcl_name(ch));
	WRITE_ONCE(ch->link.kept, false);
	ret = offer->ops->open(offer, &ch->tx.ring, &ch->rx.ring);
	if (!ret)
		set_rings(ch);
	if (!ret && offer->ops->mmio) {
		offer->ops->mmio(offer, &start, &size);
		set_mmio(ch, start, size);
	}
	WRITE_ONCE(ch->link.connected, !ret);
	return ret;
}

/* Step: disconnect the rings, which are connected. Sleeps. */
void kmcl_disconnect(struct kmcl_channel *ch)
{
	kmcl_tx_dead(ch);
	/* Delivery has been stopped, but a sender may be about to signal */
	kmcl_tx_wait_signalled(ch);
	WRITE_ONCE(ch->link.connected, false);
	if (ch->server)
		ch->link.offer->ops->server->disconnect(ch->link.offer);
	else
		ch->link.offer->ops->close(ch->link.offer);
	kmcl_rx_detach(ch);
	/* The tasklet must not end packets that are sent on the next link */
	if (ch->server)
		tasklet_kill(&ch->link.dead_tasklet);
}

void kmcl_link_init(struct kmcl_channel *ch)
{
	spin_lock_init(&ch->link.lock);
	tasklet_setup(&ch->link.dead_tasklet, dead_tasklet);
}
