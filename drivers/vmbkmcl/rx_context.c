// SPDX-License-Identifier: GPL-2.0
/*
 * Contexts of incoming packets: allocation, cache, release, and limits.
 *
 * ch->rx.lock protects the cache and the numbers, but see rx.h for delivery.
 * Freeing a context resumes a delivery that waits for one. Everything here is
 * atomic, except that ctx_new() allocates as @gfp says, and kmcl_ctx_prepare()
 * and kmcl_ctx_refill() sleep.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "channel.h"
#include "ext_wire.h"
#include "trace.h"

#define REFILL		8U		/* contexts at a time */
#define REFILL_DELAY	DIV_ROUND_UP(HZ, 10)	/* until the next attempt */

static u32 ctx_bytes(const struct kmcl_channel *ch)
{
	return sizeof(struct kmcl_context) + ch->cfg.max_packet +
	       ALIGN(ch->cfg.context_size, 8) + kmcl_ext_rx_room(ch);
}

static struct kmcl_context *ctx_new(struct kmcl_channel *ch, gfp_t gfp)
{
	u32 bytes = ctx_bytes(ch);
	struct kmcl_context *ctx = kmcl_item_alloc(bytes, gfp);

	if (!ctx)
		return NULL;
	ctx->held = NULL;
	ctx->queued = false;
	INIT_LIST_HEAD(&ctx->item.node);
	ctx->ch = ch;
	ctx->bytes = bytes;
	ctx->context = ctx->buf + ch->cfg.max_packet;
	return ctx;
}

/* Would one more context be within the limit, as far as @used bytes go? */
static bool fits(const struct kmcl_channel *ch, u64 used)
	__must_hold(&ch->rx.lock)
{
	lockdep_assert_held(&ch->rx.lock);
	return !used || used + ch->rx.ctx_bytes <= ch->rx.memory_limit;
}

/*
 * May one more packet be delivered? Not beyond the driver's quota, and not
 * beyond the limit of memory: for outstanding packets, and for completions that
 * wait in the queue, since the peer sends and does not read. One packet always
 * may.
 *
 * Two endpoints whose completions wait must not wait for each other forever,
 * with rings full of requests that neither reads. So at the limit completions
 * overtake packets (kmcl_tx_flush()), and if nothing but completions is in the
 * way, as many bytes of the ring may be read beyond the limit as a full ring
 * has: ch->rx.overrun counts them. Of two endpoints that stop after that, let
 * the one that came to its limit first be A. It has written only completions
 * since then, and the other one has read a whole ring, so what it finds there
 * now is a completion, which needs no memory.
 */
bool kmcl_ctx_allowed(const struct kmcl_channel *ch)
	__must_hold(&ch->rx.lock)
{
	u64 comps = atomic64_read(&ch->rx.comps_bytes);
	u64 held = kmcl_rx_held(&ch->rx);

	lockdep_assert_held(&ch->rx.lock);
	if (ch->rx.quota && kmcl_rx_outstanding(&ch->rx) >= ch->rx.quota)
		return false;
	if (likely(fits(ch, held + comps)))
		return true;
	return !fits(ch, comps) && fits(ch, held) &&
	       ch->rx.overrun < ch->rx.ring.size;
}

/* Count what delivery stops for. */
static int stopped(struct kmcl_channel *ch)
	__must_hold(&ch->rx.lock)
{
	u64 comps = atomic64_read(&ch->rx.comps_bytes);
	u32 outstanding = kmcl_rx_outstanding(&ch->rx);

	lockdep_assert_held(&ch->rx.lock);
	if (ch->rx.quota && outstanding >= ch->rx.quota) {
		ch->rx.n.quota_stops++;
		trace_kmcl_quota(ch, outstanding, ch->rx.quota);
		return -EAGAIN;
	}
	ch->rx.n.limit_stops++;
	trace_kmcl_limit(ch, kmcl_rx_held(&ch->rx), comps,
			 ch->rx.memory_limit);
	return -ENOBUFS;
}

/*
 * Add to @n what delivery has counted since the last time, with the lock or as
 * delivery. One packet at a time is what kmcl_ctx_get() was not asked about.
 */
void kmcl_rx_count(const struct kmcl_rx *rx, struct kmcl_rx_counters *n)
{
	u32 delivered = READ_ONCE(rx->delivered);

	n->batches += READ_ONCE(rx->batches);
	if (!delivered)
		return;
	n->delivered += delivered;
	n->outstanding_peak = max(n->outstanding_peak, 1U);
	n->memory_peak = max_t(u64, n->memory_peak, rx->ctx_bytes);
}

/*
 * Delivery gets a context for a packet that takes @ring_bytes in the ring, as
 * ch->rx.own. Returns 0; -EAGAIN: not allowed by the quota, -ENOBUFS: nor by the
 * limit of memory; -ENOMEM. If no packet is outstanding, and no completion waits,
 * what delivery has is allowed without this.
 */
int kmcl_ctx_get(struct kmcl_channel *ch, u32 ring_bytes)
{
	struct kmcl_context *ctx = ch->rx.own;
	struct kmcl_rx *rx = &ch->rx;
	unsigned long flags;
	u32 outstanding;
	u64 used;

	spin_lock_irqsave(&rx->lock, flags);
	if (unlikely(!kmcl_ctx_allowed(ch))) {
		int ret = stopped(ch);

		spin_unlock_irqrestore(&rx->lock, flags);
		return ret;
	}
	if (!ctx) {
		ctx = list_first_entry_or_null(&rx->cache, struct kmcl_context,
					       item.node);
		if (likely(ctx)) {
			list_del(&ctx->item.node);
			rx->cached--;
		}
	}
	outstanding = kmcl_rx_outstanding(rx);
	used = kmcl_rx_held(rx) + atomic64_read(&rx->comps_bytes);
	if (unlikely(!fits(ch, used)))
		WRITE_ONCE(rx->overrun, rx->overrun + ring_bytes);
	rx->n.outstanding_peak = max(rx->n.outstanding_peak, outstanding + 1);
	rx->n.memory_peak = max(rx->n.memory_peak, used + rx->ctx_bytes);
	spin_unlock_irqrestore(&rx->lock, flags);
	if (unlikely(!ctx))
		ctx = ctx_new(ch, GFP_ATOMIC);
	WRITE_ONCE(rx->own, ctx);
	return likely(ctx) ? 0 : -ENOMEM;
}

/*
 * The completion with @len bytes at @buf, which may be in the context, has to
 * wait for room in the ring. Returns the context to put into the queue: a copy
 * that has no more memory than it needs, or @ctx itself. Atomic.
 */
struct kmcl_context *kmcl_ctx_queued(struct kmcl_context *ctx, const void *buf,
				     u32 len)
{
	u32 bytes = struct_size(ctx, buf, len);
	struct kmcl_context *copy = NULL;

	if (bytes <= ctx->bytes / 2)
		copy = kmalloc(bytes, GFP_ATOMIC | __GFP_NOWARN);
	if (copy) {
		copy->ch = ctx->ch;
		copy->trans_id = ctx->trans_id;
		copy->bytes = bytes;
		ctx = copy;
	}
	if (len)
		memmove(ctx->buf, buf, len);
	ctx->len = len;
	ctx->queued = true;
	ctx->item.kind = KMCL_ITEM_COMP;
	atomic64_add(ctx->bytes, &ctx->ch->rx.comps_bytes);
	return ctx;
}

/* Schedule a delivery, in process context if @passive. */
void kmcl_rx_schedule(struct kmcl_channel *ch, bool passive)
{
	if (passive)
		queue_work(kmcl_rx_wq, &ch->rx.work);
	else
		tasklet_schedule(&ch->rx.tasklet);
}

/*
 * Memory was given back: resume a delivery that waits for it, and let packets
 * into the ring again, if they have waited for completions.
 */
static void resume(struct kmcl_channel *ch)
	__must_hold(&ch->rx.lock)
{
	u64 comps;

	lockdep_assert_held(&ch->rx.lock);
	if (unlikely(ch->rx.overrun)) {
		comps = atomic64_read(&ch->rx.comps_bytes);
		if (!comps || fits(ch, kmcl_rx_held(&ch->rx) + comps)) {
			WRITE_ONCE(ch->rx.overrun, 0);
			/* The tasklet writes the queue, too */
			if (kmcl_rx_is(&ch->rx, KMCL_RX_OPEN))
				kmcl_rx_schedule(ch, false);
		}
	}
	if (!ch->rx.stalled)
		return;
	ch->rx.stalled = false;
	if (kmcl_rx_is(&ch->rx, KMCL_RX_OPEN))
		kmcl_rx_schedule(ch, kmcl_rx_is(&ch->rx, KMCL_RX_PASSIVE |
						     KMCL_RX_ONCE));
}

/* Put a context into the cache; false: there are enough, free it. */
static bool keep(struct kmcl_channel *ch, struct kmcl_context *ctx)
	__must_hold(&ch->rx.lock)
{
	lockdep_assert_held(&ch->rx.lock);
	/* Delivery may have one, too */
	if (ctx->bytes != ch->rx.ctx_bytes ||
	    ch->rx.cached + !!READ_ONCE(ch->rx.own) >= ch->rx.cached_most)
		return false;
	list_add(&ctx->item.node, &ch->rx.cache);
	ch->rx.cached++;
	return true;
}

/* Free a context, and resume a delivery that waits for one. */
void kmcl_ctx_free(struct kmcl_context *ctx)
{
	struct kmcl_channel *ch = ctx->ch;
	unsigned long flags;
	bool kept;

	if (ctx->queued) {
		ctx->queued = false;
		atomic64_sub(ctx->bytes, &ch->rx.comps_bytes);
	}
	spin_lock_irqsave(&ch->rx.lock, flags);
	kept = keep(ch, ctx);
	resume(ch);
	spin_unlock_irqrestore(&ch->rx.lock, flags);
	if (!kept)
		kmcl_item_free(&ctx->item);
}

/*
 * Delivery has stopped, because no memory could be had in its context: allocate
 * contexts where that may sleep, and resume. Sleeps.
 */
void kmcl_ctx_refill(struct work_struct *work)
{
	struct kmcl_channel *ch = container_of(to_delayed_work(work),
					       struct kmcl_channel, rx.refill);
	struct kmcl_context *ctx;
	bool more = false;

	do {
		ctx = ctx_new(ch, GFP_KERNEL);
		spin_lock_irq(&ch->rx.lock);
		if (ctx && ch->rx.cached < ch->rx.cached_most) {
			list_add(&ctx->item.node, &ch->rx.cache);
			ch->rx.cached++;
			more = ch->rx.cached < min(ch->rx.cached_most, REFILL);
			ctx = NULL;
			resume(ch);
		} else if (!ctx && ch->rx.stalled) {
			more = false;
			queue_delayed_work(kmcl_wq, &ch->rx.refill,
					   REFILL_DELAY);
		} else {
			more = false;
		}
		spin_unlock_irq(&ch->rx.lock);
	} while (more);
	if (ctx)
		kmcl_item_free(&ctx->item);
}

/*
 * A packet is not outstanding any more, and did not end inside its callback. Free
 * its context, unless that is NULL because it is used for something else.
 */
void kmcl_ctx_return(struct kmcl_channel *ch, struct kmcl_context *ctx,
		     bool external)
{
	bool kept = true;
	unsigned long flags;

	spin_lock_irqsave(&ch->rx.lock, flags);
	if (ctx)
		kept = keep(ch, ctx);
	WRITE_ONCE(ch->rx.returned, ch->rx.returned + 1);
	ch->rx.returned_external += external;
	/* Under the lock: after that the channel may be freed */
	if (!kmcl_rx_outstanding(&ch->rx) && !kmcl_rx_is(&ch->rx, KMCL_RX_OPEN))
		wake_up_all(&ch->wait);
	resume(ch);
	spin_unlock_irqrestore(&ch->rx.lock, flags);
	if (!kept)
		kmcl_item_free(&ctx->item);
}

/*
 * The same for one for which kmcl_rx_inside() is true, whose context stays with
 * delivery. Nobody waits for that before delivery has ended.
 */
void kmcl_ctx_ended_inside(struct kmcl_channel *ch, bool external)
{
	unsigned long flags;

	if (unlikely(external))
		WRITE_ONCE(ch->rx.given_external, ch->rx.given_external - 1);
	WRITE_ONCE(ch->rx.inside, 0);
	if (unlikely(READ_ONCE(ch->rx.overrun))) {
		spin_lock_irqsave(&ch->rx.lock, flags);
		resume(ch);
		spin_unlock_irqrestore(&ch->rx.lock, flags);
	}
}

/**
 * kmcl_set_memory_limit() - limit the memory that incoming packets use
 * @ch: the channel
 * @bytes: most bytes; 0: the default, 16 MiB
 *
 * Counts what the library allocates for incoming packets, the driver's memory
 * and the ranges of external data included: for each packet until the driver
 * has completed it, and for its completion until that is in the ring. At the
 * limit, packets stay in the ring until memory is given back. One packet is
 * always delivered. Takes effect at once.
 *
 * Two endpoints with completions that wait could wait for each other, so while
 * these alone have used up the limit, they overtake packets in the queue, and
 * packets for as many bytes as the incoming ring has are delivered beyond it.
 *
 * Context: atomic.
 */
void kmcl_set_memory_limit(struct kmcl_channel *ch, u32 bytes)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->rx.lock, flags);
	WRITE_ONCE(ch->rx.memory_limit, bytes ?: KMCL_DEFAULT_MEMORY_LIMIT);
	resume(ch);
	spin_unlock_irqrestore(&ch->rx.lock, flags);
}
EXPORT_SYMBOL_GPL(kmcl_set_memory_limit);

/*
 * Before the rings are connected: allocate a context, so that delivery makes
 * progress without memory. Sleeps.
 */
int kmcl_ctx_prepare(struct kmcl_channel *ch)
{
	struct kmcl_context *ctx = ctx_new(ch, GFP_KERNEL);

	if (!ctx)
		return -ENOMEM;
	spin_lock_irq(&ch->rx.lock);
	ch->rx.ctx_bytes = ctx->bytes;
	ch->rx.cached_most = kmcl_cached_most(ctx->bytes);
	ch->rx.overrun = 0;
	list_add(&ctx->item.node, &ch->rx.cache);
	ch->rx.cached++;
	spin_unlock_irq(&ch->rx.lock);
	return 0;
}
