// SPDX-License-Identifier: GPL-2.0
/*
 * Outgoing direction: the queue, and the gate.
 *
 * ch->tx.lock protects all of it. Packets and the driver's completions share
 * one queue and are written to the ring in order, except that completions
 * overtake packets while the gate is closed, and at the limit of memory. Large
 * ones are copied without the lock, see tx_copy.c: one that is copied stays in the
 * queue until it is in the ring. Everything here is atomic, except for
 * kmcl_tx_wait_signalled(), which sleeps. Packets end in tx_done.c.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>

#include "channel.h"
#include "trace.h"
#include "tx_done.h"
#include "tx_put.h"

/* Signal without tx.lock, and take it again. */
static void signal_unlocked(struct kmcl_channel *ch, unsigned long *flags)
	__must_hold(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	ch->tx.signalling++;
	spin_unlock_irqrestore(&ch->tx.lock, *flags);
	kmcl_signal(ch);
	spin_lock_irqsave(&ch->tx.lock, *flags);
	kmcl_tx_signalled(ch);
}

static bool signalled(struct kmcl_channel *ch)
{
	bool none;

	spin_lock_irq(&ch->tx.lock);
	none = !ch->tx.signalling && kmcl_done_ended(ch);
	spin_unlock_irq(&ch->tx.lock);
	return none;
}

/* After kmcl_tx_dead(): wait until nobody signals any more. Sleeps. */
void kmcl_tx_wait_signalled(struct kmcl_channel *ch)
{
	kmcl_wait(ch, "a signal to be sent", signalled);
}

/* As kmcl_put_first(), where speed does not depend on it */
int kmcl_put_packet(struct kmcl_packet *pkt, const void *buf, u32 len)
	__must_hold(&pkt->ch->tx.lock)
{
	lockdep_assert_held(&pkt->ch->tx.lock);
	return kmcl_put_first(pkt->ch, pkt, buf, len, false,
			      KMCL_MAX_PACKET_SIZE);
}

/*
 * Write a completion into the ring, not yet visible to the peer. The lock is dropped
 * if it is large; then also -ECANCELED: it was taken off the queue, and -ENODEV.
 */
static int put_comp(struct kmcl_context *ctx, const void *buf, u32 len,
		    unsigned long irq)
	__must_hold(&ctx->ch->tx.lock)
{
	const struct kmcl_parts parts = { .buf = buf, .len = len };
	struct kmcl_channel *ch = ctx->ch;
	u64 trans_id = ctx->trans_id;
	int ret;

	lockdep_assert_held(&ch->tx.lock);
	if (unlikely(kmcl_is_large(len))) {
		buf = kmcl_copy_large(ch, &ctx->item, &parts, irq);
		if (IS_ERR(buf))
			return PTR_ERR(buf);
		if (!ch->tx.linked)
			return -ENODEV;
	}
	ret = kmcl_ring_put(&ch->tx.ring, KMCL_WIRE_COMP, 0, trans_id, NULL, 0,
			    buf, len);
	if (ret)
		return ret;
	ch->tx.n.comps_sent++;
	ch->tx.full = false;
	trace_kmcl_send(ch, trans_id, true, len, false, ch->tx.n.queued);
	return 0;
}

/*
 * Write the completions that delivery has made, of which there are few: to be
 * called before anything else is written. Returns 0, or why some are left: see
 * kmcl_ring_put(), or -EBUSY while something is copied.
 */
int kmcl_put_made(struct kmcl_channel *ch)
	__must_hold(&ch->tx.lock)
{
	const u32 bytes = kmcl_ring_bytes(0, 0);
	struct kmcl_comps *made = &ch->tx.made;
	struct kmcl_ring *ring = &ch->tx.ring;
	u32 taken = made->taken;
	u32 added, i, n;
	int ret = 0;

	lockdep_assert_held(&ch->tx.lock);
	if (unlikely(!ch->tx.linked)) {
		kmcl_tx_drop_made(ch);
		return 0;
	}
	if (unlikely(ch->tx.copying))
		return -EBUSY;
	/* Pairs with kmcl_tx_add_comp(): the ids */
	added = smp_load_acquire(&made->added);
	for (; taken != added; taken += n) {
		/* A packet takes less than there is */
		if (unlikely(ring->known <= bytes)) {
			ret = kmcl_ring_refill(ring, bytes);
			if (ret)
				break;
		}
		n = min(added - taken, (ring->known - 1) / bytes);
		kmcl_ring_put_empty(ring, made->ids, KMCL_COMPS, taken, n);
		if (trace_kmcl_send_enabled())
			for (i = taken; i != taken + n; i++)
				trace_kmcl_send(ch, made->ids[i % KMCL_COMPS],
						true, 0, false, ch->tx.n.queued);
	}
	if (taken == made->taken)
		return ret;
	ch->tx.n.comps_sent += taken - made->taken;
	ch->tx.full = false;
	/* Pairs with kmcl_tx_add_comp(), which writes there again */
	smp_store_release(&made->taken, taken);
	return ret;
}

/* The same, and ask for a signal when there is room for more, if that is why */
static int put_made_or_wait(struct kmcl_channel *ch, bool *signal)
	__must_hold(&ch->tx.lock)
{
	int ret = kmcl_put_made(ch);

	lockdep_assert_held(&ch->tx.lock);
	if (ret != -EAGAIN)
		return ret;
	kmcl_tx_full(ch);
	/* The peer frees only the space of packets it sees */
	*signal |= kmcl_ring_commit(&ch->tx.ring);
	if (!kmcl_ring_want_space(&ch->tx.ring, kmcl_ring_bytes(0, 0)))
		return ret;
	return kmcl_put_made(ch);
}

/* Count that the ring has no room */
void kmcl_tx_full(struct kmcl_channel *ch)
	__must_hold(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	ch->tx.n.full++;
	if (!ch->server && ch->link.offer->ops->full)
		ch->link.offer->ops->full(ch->link.offer, !ch->tx.full);
	ch->tx.full = true;
}

/*
 * The peer's read index is invalid: send nothing more on this link, even if the
 * index becomes valid again. The next link has a new ring. True: the caller
 * calls kmcl_tx_warn_broken() without the lock, for which this takes a reference.
 */
bool kmcl_tx_broken(struct kmcl_channel *ch)
	__must_hold(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	if (ch->tx.ring.broken)
		return false;
	kmcl_ring_break(&ch->tx.ring);
	ch->tx.n.broken++;
	kmcl_channel_get(ch);
	return true;
}

/* A console may send this message on the same channel, so no lock is held */
void kmcl_tx_warn_broken(struct kmcl_channel *ch)
{
	pr_warn_ratelimited("%s: the other side wrote a bad read index; packets are queued until the channel is opened again: disable and enable it, or have its device offered anew\n",
			    kmcl_name(ch));
	kmcl_channel_put(ch);
}

/*
 * Write a packet that is in the queue, and take it off, or off only if it is not to
 * be sent. If it is large the lock is dropped, and it may stay in the queue.
 */
static int put_queued(struct kmcl_packet *pkt, unsigned long irq)
	__must_hold(&pkt->ch->tx.lock)
{
	struct kmcl_channel *ch = pkt->ch;
	const void *buf = pkt->buf;
	struct list_head *prev;
	int ret;

	lockdep_assert_held(&ch->tx.lock);
	if ((kmcl_is_large(pkt->ext_len + pkt->len) ||
	     kmcl_in_parts(pkt, pkt->ext_len, buf, pkt->len)) &&
	    !kmcl_unanswered(pkt)) {
		buf = kmcl_copy_packet(pkt, buf, pkt->len, irq);
		if (buf == ERR_PTR(-ECANCELED)) {
			kmcl_done_add(pkt, pkt->status, 0);
			return 0;
		}
		if (IS_ERR(buf))
			return PTR_ERR(buf);
		if (!ch->tx.open)
			return 0;
	}
	/* Off the queue first, since kmcl_put_packet() may add it to another list */
	prev = pkt->item.node.prev;
	list_del(&pkt->item.node);
	ret = kmcl_put_packet(pkt, buf, pkt->len);
	if (ret && !kmcl_unanswered(pkt)) {
		list_add(&pkt->item.node, prev);
		return ret;
	}
	kmcl_tx_unqueued(&ch->tx, pkt);
	if (ret)
		kmcl_done_add(pkt, ret, 0);
	else if (!pkt->wait)
		kmcl_done_written(pkt);
	return 0;
}

/*
 * Write a queued completion, and take it off. One that is off the queue and not in
 * it any more goes to @written.
 */
static int put_queued_comp(struct kmcl_context *ctx, struct list_head *written,
			   unsigned long irq)
	__must_hold(&ctx->ch->tx.lock)
{
	int ret;

	lockdep_assert_held(&ctx->ch->tx.lock);
	ret = put_comp(ctx, ctx->buf, ctx->len, irq);
	if (ret == -ECANCELED) {
		list_add_tail(&ctx->item.node, written);
		return 0;
	}
	if (!ret) {
		list_del(&ctx->comp);
		list_move_tail(&ctx->item.node, written);
	}
	return ret;
}

static int put_item(struct kmcl_channel *ch, struct kmcl_item *item,
		    struct list_head *written, unsigned long irq)
	__must_hold(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	return item->kind == KMCL_ITEM_PACKET ?
		put_queued(container_of(item, struct kmcl_packet, item), irq) :
		put_queued_comp(container_of(item, struct kmcl_context, item),
				written, irq);
}

static u32 item_bytes(const struct kmcl_channel *ch,
		      const struct kmcl_item *item)
	__must_hold(&ch->tx.lock)
{
	const struct kmcl_packet *pkt;

	lockdep_assert_held(&ch->tx.lock);
	if (item->kind == KMCL_ITEM_PACKET) {
		pkt = container_of(item, struct kmcl_packet, item);
		return kmcl_packet_bytes(ch, pkt->ext_len, pkt->len);
	}
	return kmcl_ring_bytes(0, container_of(item, struct kmcl_context,
					       item)->len);
}

/* Is it copied without the lock, see tx_copy.c? @need: its bytes in the ring */
static bool is_alone(const struct kmcl_item *item, u32 need)
{
	const struct kmcl_packet *pkt = container_of(item, struct kmcl_packet,
						     item);

	return kmcl_is_large(need) || (item->kind == KMCL_ITEM_PACKET &&
				       kmcl_in_parts(pkt, pkt->ext_len, pkt->buf,
						     pkt->len));
}

/*
 * The next entry that may be written now; see kmcl_ctx_allowed() for overrun. Not
 * called while one is copied: kmcl_put_made() has failed then.
 */
static struct kmcl_item *next_item(struct kmcl_channel *ch)
	__must_hold(&ch->tx.lock)
{
	struct kmcl_context *ctx;

	lockdep_assert_held(&ch->tx.lock);
	if (!ch->tx.linked)
		return NULL;
	if (ch->tx.open && !READ_ONCE(ch->rx.overrun))
		return list_first_entry_or_null(&ch->tx.queue, struct kmcl_item,
						node);
	ctx = list_first_entry_or_null(&ch->tx.comps, struct kmcl_context, comp);
	return ctx ? &ctx->item : NULL;
}

/*
 * Write a part of the queue, and move the completions among it to @written.
 * Sets *@signal if the peer must be signalled, and *@broken if kmcl_tx_warn_broken() is
 * due. A large entry comes first or not at all, for which the lock is dropped: it
 * is a part of its own. @irq: of spin_lock_irqsave(). True: there may be more to
 * write.
 */
static bool flush_burst(struct kmcl_channel *ch, struct list_head *written,
			bool *signal, bool *broken, unsigned long irq)
	__must_hold(&ch->tx.lock)
{
	struct kmcl_item *item;
	u32 n, run, bytes = 0, need;
	int ret;

	lockdep_assert_held(&ch->tx.lock);
	*signal = false;
	ret = put_made_or_wait(ch, signal);
	if (ret == -EPROTO)
		*broken = kmcl_tx_broken(ch);
	for (n = 0; !ret && n < KMCL_TX_BURST && bytes < KMCL_TX_BURST_BYTES; n++) {
		item = next_item(ch);
		if (!item)
			break;
		if (item->kind == KMCL_ITEM_PACKET) {
			run = kmcl_put_run(ch, KMCL_TX_BURST - n, &bytes);
			if (run) {
				n += run - 1;
				continue;
			}
		}
		need = item_bytes(ch, item);
		if (n && is_alone(item, need))
			break;
		bytes += need;
		ret = put_item(ch, item, written, irq);
		if (ret == -EAGAIN) {
			kmcl_tx_full(ch);
			/* The peer frees only the space of packets it sees */
			*signal |= kmcl_ring_commit(&ch->tx.ring);
			if (kmcl_ring_want_space(&ch->tx.ring, need))
				ret = put_item(ch, item, written, irq);
		}
		if (ret == -EPROTO)
			*broken = kmcl_tx_broken(ch);
		if (ret)
			break;
	}
	*signal |= kmcl_ring_commit(&ch->tx.ring);
	/* There was room again before a signal was asked for */
	if (ret)
		return ret == -EAGAIN && !ch->tx.ring.pending;
	return next_item(ch);
}

/* See kmcl_tx_flush(). Releases the lock. */
static void flush(struct kmcl_channel *ch, unsigned long flags)
	__releases(&ch->tx.lock)
{
	struct kmcl_item *item, *next;
	LIST_HEAD(written);
	bool signal, more, broken = false;

	lockdep_assert_held(&ch->tx.lock);
	/* Whatever ends meanwhile, the channel and its rings stay until then */
	ch->tx.signalling++;
	while (ch->tx.linked) {
		more = flush_burst(ch, &written, &signal, &broken, flags);
		if (signal) {
			signal_unlocked(ch, &flags);
		} else if (more) {
			spin_unlock_irqrestore(&ch->tx.lock, flags);
			spin_lock_irqsave(&ch->tx.lock, flags);
		}
		if (!more)
			break;
	}
	kmcl_tx_signalled(ch);
	kmcl_done_run(ch, flags);
	if (broken)
		kmcl_tx_warn_broken(ch);
	list_for_each_entry_safe(item, next, &written, node)
		kmcl_ctx_free(container_of(item, struct kmcl_context, item));
}

/**
 * kmcl_tx_flush() - write as much of the queue as gate and ring allow
 * @ch: the channel
 *
 * In bursts: what one of them writes becomes visible to the peer at once, with
 * at most one signal, unless the ring gets full. While the gate is closed, and at
 * the limit of memory (kmcl_ctx_allowed()), completions overtake packets.
 *
 * Context: atomic.
 */
void kmcl_tx_flush(struct kmcl_channel *ch)
{
	unsigned long flags;

	if (likely(!kmcl_tx_waits(&ch->tx)))
		return;
	spin_lock_irqsave(&ch->tx.lock, flags);
	flush(ch, flags);
}

/*
 * Release tx.lock, do what is left of sending, and run the completion routines
 * that are due. The channel may be freed then.
 */
void kmcl_tx_finish(struct kmcl_channel *ch, unsigned long flags, u32 after)
	__releases(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	if (after & KMCL_TX_SIGNAL)
		signal_unlocked(ch, &flags);
	if (after & KMCL_TX_FLUSH)
		flush(ch, flags);
	else
		kmcl_done_run(ch, flags);
	/* Has a reference */
	if (after & KMCL_TX_WARN)
		kmcl_tx_warn_broken(ch);
}

/* Add a packet that was accepted to the queue, with a copy of its payload */
void kmcl_enqueue(struct kmcl_packet *pkt, const void *buf, u32 len)
	__must_hold(&pkt->ch->tx.lock)
{
	struct kmcl_channel *ch = pkt->ch;

	lockdep_assert_held(&ch->tx.lock);
	/* A routine that sends again may send the data that it was given */
	if (buf != pkt->buf && len)
		kmcl_packet_store(pkt, buf, len);
	pkt->len = len;
	pkt->state = KMCL_PKT_QUEUED;
	ch->tx.n.accepted++;
	ch->tx.n.queued++;
	ch->tx.queued_ext += !!pkt->ext_len;
	ch->tx.n.queued_peak = max(ch->tx.n.queued_peak, ch->tx.n.queued);
	trace_kmcl_queue(ch, pkt, ch->tx.n.queued);
	list_add_tail(&pkt->item.node, &ch->tx.queue);
}

/*
 * Say whether the peer of the next link can access memory that packets describe.
 * Returns 0; -EOPNOTSUPP: it cannot, and such a packet is queued. Atomic.
 */
int kmcl_tx_set_private(struct kmcl_channel *ch, bool private)
{
	bool queued;

	spin_lock_irq(&ch->tx.lock);
	ch->tx.private = private;
	queued = ch->tx.queued_ext;
	spin_unlock_irq(&ch->tx.lock);
	return private && queued ? -EOPNOTSUPP : 0;
}

/* The rings are connected: allow completions to be sent. */
void kmcl_tx_attach(struct kmcl_channel *ch)
{
	spin_lock_irq(&ch->tx.lock);
	ch->tx.linked = !READ_ONCE(ch->sm.in.dead);
	ch->tx.no_answers = false;
	ch->tx.numbers_end = U32_MAX;
	if (ch->server)
		ch->tx.sync_closed = false;
	spin_unlock_irq(&ch->tx.lock);
}

/*
 * Let packets be sent, or only be queued from here on. What was written before is
 * shown to the peer.
 */
void kmcl_tx_gate(struct kmcl_channel *ch, bool open)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->tx.lock, flags);
	ch->tx.open = open && ch->tx.linked;
	kmcl_tx_finish(ch, flags, kmcl_tx_show(ch));
}

/* Send nothing more on this link. Atomic. */
void kmcl_tx_dead(struct kmcl_channel *ch)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->tx.lock, flags);
	ch->tx.linked = false;
	ch->tx.open = false;
	spin_unlock_irqrestore(&ch->tx.lock, flags);
}

/*
 * Delivery: write the completions that it has made, and show them to the peer, and
 * the requests that its callbacks have sent.
 */
void kmcl_tx_show_comps(struct kmcl_channel *ch)
{
	struct kmcl_comps *made = &ch->tx.made;
	unsigned long flags;
	bool signal = false;
	int ret;

	spin_lock_irqsave(&ch->tx.lock, flags);
	made->shown = made->added;
	made->held = 0;
	ret = kmcl_put_made(ch);
	if (ch->tx.linked)
		signal = kmcl_ring_commit(&ch->tx.ring);
	spin_unlock_irqrestore(&ch->tx.lock, flags);
	if (signal)
		kmcl_signal(ch);
	if (unlikely(ret))
		kmcl_tx_flush(ch);
}

/*
 * Queue a completion for which there was no room, or entries before it. Copied
 * without the lock, since there can be much. The same result as kmcl_tx_comp().
 */
static noinline bool queue_comp(struct kmcl_channel *ch,
				struct kmcl_context *ctx, const void *buf,
				u32 len)
{
	struct kmcl_context *queued = kmcl_ctx_queued(ctx, buf, len);
	unsigned long flags;
	bool linked;

	spin_lock_irqsave(&ch->tx.lock, flags);
	linked = ch->tx.linked;
	if (linked) {
		list_add_tail(&queued->item.node, &ch->tx.queue);
		list_add_tail(&queued->comp, &ch->tx.comps);
	} else {
		ch->tx.n.comps_dropped++;
	}
	spin_unlock_irqrestore(&ch->tx.lock, flags);
	if (linked)
		kmcl_tx_flush(ch);
	else
		kmcl_ctx_free(queued);
	return queued == ctx;
}

/*
 * Send the driver's completion of an incoming packet. True: @ctx itself waits in
 * the queue, and is freed when it has left that, which may be now. Atomic.
 */
bool kmcl_tx_comp(struct kmcl_channel *ch, struct kmcl_context *ctx,
		  const void *buf, u32 len)
{
	unsigned long flags;
	bool waits = false;
	int ret = -EAGAIN;

	spin_lock_irqsave(&ch->tx.lock, flags);
	if (ch->tx.linked && list_empty(&ch->tx.queue))
		ret = kmcl_put_made(ch);
	if (!ret)
		ret = put_comp(ctx, buf, len, flags);
	if (!ret) {
		if (kmcl_ring_commit(&ch->tx.ring))
			signal_unlocked(ch, &flags);
	} else if (ch->tx.linked) {
		waits = true;
	} else {
		ch->tx.n.comps_dropped++;
	}
	spin_unlock_irqrestore(&ch->tx.lock, flags);
	if (waits)
		return queue_comp(ch, ctx, buf, len);
	/* What was sent during the copy */
	if (unlikely(kmcl_is_large(len)))
		kmcl_tx_flush(ch);
	return false;
}
