// SPDX-License-Identifier: GPL-2.0
/*
 * Contexts of incoming packets: their birth, their cache, their release, and
 * how many there may be.
 *
 * ch->rx_lock covers the free contexts and the numbers. A release may be what
 * delivery waits for: it is resumed here. All of it is atomic.
 */
#include <linux/err.h>
#include <linux/slab.h>

#include "kmcl_internal.h"
#include "trace.h"

struct kmcl_context *kmcl_ctx_new(struct kmcl_channel *ch, gfp_t gfp)
{
	struct kmcl_context *ctx;

	ctx = kmalloc(sizeof(*ctx) + ch->max_packet +
		       ALIGN(ch->context_size, 8) + kmcl_ext_rx_room(ch), gfp);
	if (!ctx)
		return NULL;
	ctx->held = NULL;
	ctx->queued = false;
	INIT_LIST_HEAD(&ctx->item.node);
	ctx->ch = ch;
	ctx->context = ctx->buf + ch->max_packet;
	return ctx;
}

/*
 * May the driver have one more packet? Not beyond its quota, and not if the peer
 * sends and sends, and leaves no room for what it is to be told: a context is
 * used until its completion is in the ring. Two endpoints that stop at that limit
 * would wait for one another for ever, so it is far from what either needs.
 */
bool kmcl_ctx_allowed(const struct kmcl_channel *ch)
{
	lockdep_assert_held(&ch->rx_lock);
	return (!ch->quota || ch->outstanding < ch->quota) &&
	       atomic_read(&ch->comps_queued) < max(ch->quota, KMCL_COMPS_QUEUED);
}

/* An ERR_PTR: -EAGAIN: not allowed, or -ENOMEM */
struct kmcl_context *kmcl_ctx_get(struct kmcl_channel *ch)
{
	struct kmcl_context *ctx = NULL;
	unsigned long flags;
	bool allowed;

	spin_lock_irqsave(&ch->rx_lock, flags);
	allowed = kmcl_ctx_allowed(ch);
	if (allowed)
		ctx = list_first_entry_or_null(&ch->ctx_cache,
						struct kmcl_context,
						item.node);
	if (ctx) {
		list_del(&ctx->item.node);
		ch->ctx_cached--;
	}
	if (!allowed) {
		ch->quota_stops++;
		trace_kmcl_quota(ch, ch->outstanding, ch->quota);
	}
	spin_unlock_irqrestore(&ch->rx_lock, flags);
	if (!allowed)
		return ERR_PTR(-EAGAIN);
	return ctx ?: kmcl_ctx_new(ch, GFP_ATOMIC) ?: ERR_PTR(-ENOMEM);
}

/* Room for an incoming packet again: resume if delivery waits for it. */
void kmcl_ctx_free(struct kmcl_context *ctx)
{
	struct kmcl_channel *ch = ctx->ch;
	bool resume = false, keep;
	unsigned long flags;

	if (ctx->queued) {
		ctx->queued = false;
		atomic_dec(&ch->comps_queued);
	}
	spin_lock_irqsave(&ch->rx_lock, flags);
	keep = ch->ctx_cached < KMCL_CACHED;
	if (keep) {
		list_add(&ctx->item.node, &ch->ctx_cache);
		ch->ctx_cached++;
	}
	if (ch->rx_stalled) {
		ch->rx_stalled = false;
		resume = ch->rx_open;
	}
	if (resume)
		kmcl_rx_schedule(ch, ch->rx_passive || ch->rx_once);
	spin_unlock_irqrestore(&ch->rx_lock, flags);
	if (!keep)
		kfree(ctx);
}

void kmcl_put_outstanding(struct kmcl_channel *ch, bool external)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->rx_lock, flags);
	ch->outstanding--;
	ch->external -= external;
	/* Under the lock: whoever waits may free the channel */
	if (!ch->outstanding && !ch->rx_open)
		wake_up_all(&ch->wait);
	if (ch->rx_stalled && ch->rx_open) {
		ch->rx_stalled = false;
		kmcl_rx_schedule(ch, ch->rx_passive || ch->rx_once);
	}
	spin_unlock_irqrestore(&ch->rx_lock, flags);
}
