// SPDX-License-Identifier: GPL-2.0
/*
 * Contexts of incoming packets: allocation, cache, release, and limits.
 *
 * There are two kinds. A small one is a part of a page, and can be allocated where
 * delivery runs. A large one has room for whatever the channel's settings allow: for
 * the largest packet, for the longest completion, and for ranges of external data.
 * Unless each of its parts fits into a page, it is allocated where that may sleep,
 * and delivery stops until then.
 *
 * ch->rx.lock protects the cache and the numbers, but see rx.h for delivery.
 * Freeing a context resumes a delivery that waits for one. Everything here is
 * atomic, except that ctx_new() allocates as @gfp says, and kmcl_ctx_prepare()
 * and kmcl_ctx_refill() sleep.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/overflow.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "channel.h"
#include "ext_wire.h"
#include "trace.h"

#define SMALL_BYTES	SZ_1K
#define SMALL_ROOM	SZ_256		/* of these, for payloads, at least */
#define REFILL		8U		/* contexts at a time */
#define REFILL_DELAY	DIV_ROUND_UP(HZ, 10)	/* until the next attempt */

/*
 * How much memory contexts have: @small as much as most packets need, @large as any
 * can. If not even the driver's memory fits into a page, all are large.
 */
static void set_kinds(const struct kmcl_channel *ch, struct kmcl_ctx_kind *small,
		      struct kmcl_ctx_kind *large)
{
	u32 head = sizeof(struct kmcl_context) + ALIGN(ch->cfg.context_size, 8);

	large->room = ch->cfg.max_packet;
	large->size = head + kmcl_ext_rx_room(ch);
	large->bytes = large->size + large->room;
	large->cached_most = kmcl_cached_most(large->bytes);

	small->bytes = max_t(u32, SMALL_BYTES,
			     kmalloc_size_roundup(head + SMALL_ROOM));
	small->bytes = min(small->bytes, head + large->room);
	small->size = small->bytes;
	small->room = small->bytes - head;
	if (small->bytes > PAGE_SIZE) {
		small->room = large->room;
		small->size = head;
		small->bytes = head + small->room;
	}
	small->cached_most = kmcl_cached_most(small->bytes);
}

/*
 * Delivery completes packets there: it is allocated before the first context, so that
 * who has one need not look.
 */
static bool comps_ready(struct kmcl_channel *ch, gfp_t gfp)
{
	struct kmcl_comps *made = &ch->tx.made;
	u64 *ids;

	if (likely(READ_ONCE(made->ids)))
		return true;
	ids = kmalloc_array(KMCL_COMPS, sizeof(*ids), gfp | __GFP_NOWARN);
	if (!ids)
		return false;
	/* Delivery, or kmcl_ctx_refill(), may have come before */
	if (cmpxchg(&made->ids, NULL, ids))
		kfree(ids);
	return true;
}

/* NULL also if it takes more than a page at a time, and @gfp does not let it wait */
static struct kmcl_context *ctx_new(struct kmcl_channel *ch,
				    struct kmcl_ctx_kind *kind, gfp_t gfp)
{
	u32 rest = kind->bytes - kind->size;
	struct kmcl_context *ctx;

	if (!gfpflags_allow_blocking(gfp) && max(kind->size, rest) > PAGE_SIZE)
		return NULL;
	if (!comps_ready(ch, gfp))
		return NULL;
	ctx = kmcl_item_alloc(kind->size, gfp);
	if (!ctx)
		return NULL;
	ctx->buf = ctx->area + ALIGN(ch->cfg.context_size, 8);
	ctx->data = NULL;
	if (rest) {
		ctx->data = kmcl_item_alloc(rest, gfp);
		if (!ctx->data) {
			kmcl_item_free(&ctx->item);
			return NULL;
		}
		ctx->buf = (u8 *)ctx->data;
	}
	ctx->held = NULL;
	ctx->queued = false;
	INIT_LIST_HEAD(&ctx->item.node);
	ctx->ch = ch;
	ctx->kind = kind;
	ctx->bytes = kind->bytes;
	return ctx;
}

/* Free a context, and do not keep it. */
void kmcl_ctx_destroy(struct kmcl_context *ctx)
{
	if (ctx->data)
		kmcl_item_free(ctx->data);
	kmcl_item_free(&ctx->item);
}

/*
 * Would one more context be within the limit, as far as @used bytes go? One of the
 * kind that was asked for last.
 */
static bool fits(const struct kmcl_channel *ch, u64 used)
	__must_hold(&ch->rx.lock)
{
	lockdep_assert_held(&ch->rx.lock);
	return !used || used + ch->rx.need->bytes <= ch->rx.memory_limit;
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
}

/* Put a context into its cache; false: there are enough, free it. */
static bool keep(struct kmcl_channel *ch, struct kmcl_context *ctx)
	__must_hold(&ch->rx.lock)
{
	struct kmcl_ctx_kind *kind = ctx->kind;
	bool own;

	lockdep_assert_held(&ch->rx.lock);
	if (!kind || ctx->bytes != kind->bytes)
		return false;
	/* Delivery may have one, too */
	own = READ_ONCE(ch->rx.own) &&
	      READ_ONCE(ch->rx.own_bytes) == kind->bytes;
	if (kind->cached + own >= kind->cached_most)
		return false;
	list_add(&ctx->item.node, &kind->cache);
	kind->cached++;
	return true;
}

static struct kmcl_context *from_cache(struct kmcl_channel *ch,
				       struct kmcl_ctx_kind *kind)
	__must_hold(&ch->rx.lock)
{
	struct kmcl_context *ctx;

	lockdep_assert_held(&ch->rx.lock);
	ctx = list_first_entry_or_null(&kind->cache, struct kmcl_context,
				       item.node);
	if (likely(ctx)) {
		list_del(&ctx->item.node);
		kind->cached--;
	}
	return ctx;
}

/*
 * Delivery gets a context of @kind for a packet that takes @ring_bytes in the ring,
 * as ch->rx.own. Returns 0; -EAGAIN: not allowed by the quota, -ENOBUFS: nor by the
 * limit of memory; -ENOMEM. If no packet is outstanding, and no completion waits,
 * what delivery has is allowed without this.
 */
int kmcl_ctx_get(struct kmcl_channel *ch, struct kmcl_ctx_kind *kind,
		 u32 ring_bytes)
{
	struct kmcl_context *other = NULL, *ctx = ch->rx.own;
	struct kmcl_rx *rx = &ch->rx;
	unsigned long flags;
	u32 outstanding;
	u64 used;

	spin_lock_irqsave(&rx->lock, flags);
	rx->need = kind;
	if (unlikely(!kmcl_ctx_allowed(ch))) {
		int ret = stopped(ch);

		spin_unlock_irqrestore(&rx->lock, flags);
		return ret;
	}
	if (ctx && ctx->kind != kind) {
		WRITE_ONCE(rx->own, NULL);
		other = keep(ch, ctx) ? NULL : ctx;
		ctx = NULL;
	}
	if (!ctx)
		ctx = from_cache(ch, kind);
	outstanding = kmcl_rx_outstanding(rx);
	used = kmcl_rx_held(rx) + atomic64_read(&rx->comps_bytes);
	if (unlikely(!fits(ch, used)))
		WRITE_ONCE(rx->overrun, rx->overrun + ring_bytes);
	rx->n.outstanding_peak = max(rx->n.outstanding_peak, outstanding + 1);
	rx->n.memory_peak = max(rx->n.memory_peak, used + kind->bytes);
	spin_unlock_irqrestore(&rx->lock, flags);
	if (unlikely(other))
		kmcl_ctx_destroy(other);
	if (unlikely(!ctx))
		ctx = ctx_new(ch, kind, GFP_ATOMIC);
	WRITE_ONCE(rx->own_bytes, kind->bytes);
	WRITE_ONCE(rx->own, ctx);
	return likely(ctx) ? 0 : -ENOMEM;
}

/*
 * Delivery gets memory, as ch->rx.reply, for the data of a completion of the peer's,
 * of @len bytes, if there may be no room for it in the packet that it ends. The limit
 * does not count: completions must be read whatever else waits. Returns 0 or -ENOMEM.
 */
int kmcl_ctx_for_reply(struct kmcl_channel *ch, u32 len)
{
	struct kmcl_rx *rx = &ch->rx;
	struct kmcl_context *ctx;
	unsigned long flags;

	if (rx->reply || len <= ch->tx.room || len > ch->cfg.max_packet)
		return 0;
	spin_lock_irqsave(&rx->lock, flags);
	rx->need = &rx->large;
	ctx = from_cache(ch, rx->need);
	spin_unlock_irqrestore(&rx->lock, flags);
	rx->reply = ctx ?: ctx_new(ch, rx->need, GFP_ATOMIC);
	return rx->reply ? 0 : -ENOMEM;
}

/*
 * The completion with @len bytes at @buf, which may be in the context, has to
 * wait for room in the ring. Returns the context to put into the queue: a copy
 * that has no more memory than it needs, if that is a page at most, or @ctx itself,
 * which has room for it. Atomic.
 */
struct kmcl_context *kmcl_ctx_queued(struct kmcl_context *ctx, const void *buf,
				     u32 len)
{
	u32 bytes = struct_size(ctx, area, len);
	struct kmcl_context *copy = NULL;

	if (bytes <= min_t(u32, ctx->bytes / 2, PAGE_SIZE))
		copy = kmcl_item_alloc(bytes, GFP_ATOMIC);
	if (copy) {
		copy->ch = ctx->ch;
		copy->kind = NULL;
		copy->data = NULL;
		copy->buf = copy->area;
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
		kmcl_ctx_destroy(ctx);
}

/*
 * Delivery has stopped, because no memory could be had in its context: allocate
 * contexts where that may sleep, and resume. Sleeps.
 */
void kmcl_ctx_refill(struct work_struct *work)
{
	struct kmcl_channel *ch = container_of(to_delayed_work(work),
					       struct kmcl_channel, rx.refill);
	struct kmcl_ctx_kind *kind = READ_ONCE(ch->rx.need);
	struct kmcl_context *ctx;
	bool more = false;

	do {
		ctx = ctx_new(ch, kind, GFP_KERNEL);
		spin_lock_irq(&ch->rx.lock);
		if (ctx && kind->cached < kind->cached_most) {
			list_add(&ctx->item.node, &kind->cache);
			kind->cached++;
			more = kind->cached < min(kind->cached_most, REFILL);
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
		kmcl_ctx_destroy(ctx);
}

/*
 * A packet is not outstanding any more, and did not end inside its callback. Free
 * its context, of @bytes bytes, unless that is NULL because it is used for something
 * else.
 */
void kmcl_ctx_return(struct kmcl_channel *ch, struct kmcl_context *ctx,
		     u32 bytes, bool external)
{
	bool kept = true;
	unsigned long flags;

	spin_lock_irqsave(&ch->rx.lock, flags);
	if (ctx)
		kept = keep(ch, ctx);
	WRITE_ONCE(ch->rx.returned, ch->rx.returned + 1);
	WRITE_ONCE(ch->rx.returned_bytes, ch->rx.returned_bytes + bytes);
	ch->rx.returned_external += external;
	/* Under the lock: after that the channel may be freed */
	if (!kmcl_rx_outstanding(&ch->rx) && !kmcl_rx_is(&ch->rx, KMCL_RX_OPEN))
		wake_up_all(&ch->wait);
	resume(ch);
	spin_unlock_irqrestore(&ch->rx.lock, flags);
	if (!kept)
		kmcl_ctx_destroy(ctx);
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
 * Before the rings are connected: set how large contexts are. The first packet gets
 * the first one, so that a channel on which nothing arrives has none.
 */
void kmcl_ctx_prepare(struct kmcl_channel *ch)
{
	struct kmcl_rx *rx = &ch->rx;

	spin_lock_irq(&rx->lock);
	set_kinds(ch, &rx->small, &rx->large);
	rx->need = &rx->small;
	rx->overrun = 0;
	spin_unlock_irq(&rx->lock);
}
