// SPDX-License-Identifier: GPL-2.0
/*
 * Contexts of incoming packets: allocation, cache, release, and limits.
 *
 * ch->rx.lock protects the cache and the numbers. Freeing a context resumes a
 * delivery that waits for one. Everything here is atomic, except that
 * kmcl_ctx_new() allocates as @gfp says.
 */
#include <linux/err.h>
#include <linux/slab.h>

#include "channel.h"
#include "ext_wire.h"
#include "trace.h"

struct kmcl_context *kmcl_ctx_new(struct kmcl_channel *ch, gfp_t gfp)
{
	struct kmcl_context *ctx;

	ctx = kmalloc(sizeof(*ctx) + ch->cfg.max_packet +
		      ALIGN(ch->cfg.context_size, 8) + kmcl_ext_rx_room(ch),
		      gfp);
	if (!ctx)
		return NULL;
	ctx->held = NULL;
	ctx->queued = false;
	INIT_LIST_HEAD(&ctx->item.node);
	ctx->ch = ch;
	ctx->context = ctx->buf + ch->cfg.max_packet;
	return ctx;
}

/*
 * May one more packet be delivered? Not beyond the driver's quota, and not if
 * too many completions are queued, because the peer sends and does not read: a
 * context is in use until its completion is in the ring. Two endpoints at that
 * limit would wait for each other forever, so it is far above what either
 * needs.
 */
bool kmcl_ctx_allowed(const struct kmcl_channel *ch)
	__must_hold(&ch->rx.lock)
{
	lockdep_assert_held(&ch->rx.lock);
	return (!ch->rx.quota || ch->rx.outstanding < ch->rx.quota) &&
	       atomic_read(&ch->rx.comps_queued) <
	       max(ch->rx.quota, KMCL_COMPS_QUEUED);
}

/* Get a context, or an ERR_PTR(): -EAGAIN: not allowed; -ENOMEM */
struct kmcl_context *kmcl_ctx_get(struct kmcl_channel *ch)
{
	struct kmcl_context *ctx = NULL;
	unsigned long flags;
	bool allowed;

	spin_lock_irqsave(&ch->rx.lock, flags);
	allowed = kmcl_ctx_allowed(ch);
	if (allowed)
		ctx = list_first_entry_or_null(&ch->rx.cache,
					       struct kmcl_context, item.node);
	if (ctx) {
		list_del(&ctx->item.node);
		ch->rx.cached--;
	}
	if (!allowed) {
		ch->rx.n.quota_stops++;
		trace_kmcl_quota(ch, ch->rx.outstanding, ch->rx.quota);
	}
	spin_unlock_irqrestore(&ch->rx.lock, flags);
	if (!allowed)
		return ERR_PTR(-EAGAIN);
	return ctx ?: kmcl_ctx_new(ch, GFP_ATOMIC) ?: ERR_PTR(-ENOMEM);
}

/* Schedule a delivery, in process context if @passive. */
void kmcl_rx_schedule(struct kmcl_channel *ch, bool passive)
{
	if (passive)
		queue_work(kmcl_rx_wq, &ch->rx.work);
	else
		tasklet_schedule(&ch->rx.tasklet);
}

/* Resume a delivery that waits for a context. */
static void resume(struct kmcl_channel *ch)
	__must_hold(&ch->rx.lock)
{
	lockdep_assert_held(&ch->rx.lock);
	if (!ch->rx.stalled)
		return;
	ch->rx.stalled = false;
	if (ch->rx.open)
		kmcl_rx_schedule(ch, ch->rx.passive || ch->rx.once);
}

/* Free a context, and resume a delivery that waits for one. */
void kmcl_ctx_free(struct kmcl_context *ctx)
{
	struct kmcl_channel *ch = ctx->ch;
	bool keep;
	unsigned long flags;

	if (ctx->queued) {
		ctx->queued = false;
		atomic_dec(&ch->rx.comps_queued);
	}
	spin_lock_irqsave(&ch->rx.lock, flags);
	keep = ch->rx.cached < KMCL_CACHED;
	if (keep) {
		list_add(&ctx->item.node, &ch->rx.cache);
		ch->rx.cached++;
	}
	resume(ch);
	spin_unlock_irqrestore(&ch->rx.lock, flags);
	if (!keep)
		kfree(ctx);
}

/* A packet is not outstanding any more. */
void kmcl_put_outstanding(struct kmcl_channel *ch, bool external)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->rx.lock, flags);
	ch->rx.outstanding--;
	ch->rx.external -= external;
	/* Under the lock: after that the channel may be freed */
	if (!ch->rx.outstanding && !ch->rx.open)
		wake_up_all(&ch->wait);
	resume(ch);
	spin_unlock_irqrestore(&ch->rx.lock, flags);
}
