// SPDX-License-Identifier: GPL-2.0
/*
 * Outstanding packets: completing, deferring and failing them, and their quota.
 *
 * ch->rx.lock protects the numbers, but see rx.h for packets that end inside their
 * callback. The driver completes packets in any context and order; delivery
 * (rx_deliver.c) or a step of the state machine may be waiting for that.
 * Everything here is atomic.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>

#include "channel.h"
#include "ext_wire.h"
#include "trace.h"

/* There is a completion to send, or the packet did not end inside, or else */
static noinline void complete_packet(struct kmcl_context *ctx, const void *buf,
				     u32 len)
{
	struct kmcl_channel *ch = ctx->ch;
	bool inside = kmcl_rx_inside(&ch->rx, ctx);
	bool external = ctx->ranges;
	u32 bytes = ctx->bytes;
	bool queued = false;

	if (unlikely(len > ch->cfg.max_payload)) {
		pr_warn_ratelimited("%s: completion data of %u bytes was cut to the packet size, %u\n",
				    kmcl_name(ch), len, ch->cfg.max_payload);
		len = ch->cfg.max_payload;
	}
	if (!buf)
		len = 0;
	if (unlikely(external))
		kmcl_ext_release(ctx);
	if (ctx->wanted)
		queued = kmcl_tx_comp(ch, ctx, buf, len);
	if (likely(inside)) {
		if (queued)
			WRITE_ONCE(ch->rx.own, NULL);
		kmcl_ctx_ended_inside(ch, external);
	} else {
		kmcl_ctx_return(ch, queued ? NULL : ctx, bytes, external);
	}
}

/**
 * kmcl_complete() - complete an incoming packet
 *	(VmbChannelPacketComplete)
 * @ctx: the packet's context; it must not be used afterwards
 * @buf: data for the sender; copied; may be the packet's own buffer
 * @len: its bytes, at most the channel's packet size; 0: none
 *
 * Sends a completion if the sender asked for one. Must be called exactly once
 * per packet, unless that is failed, in any context and order. Completions without
 * data that are made inside the process callback, but not in process context, are
 * shown to the peer together, when the batch ends or the next tick has come; what
 * is sent later comes after them all the same.
 *
 * Context: atomic.
 */
void kmcl_complete(struct kmcl_context *ctx, const void *buf, u32 len)
{
	struct kmcl_channel *ch = ctx->ch;
	struct kmcl_rx *rx = &ch->rx;

	/* Short, since most packets end here: see kmcl_ctx_ended_inside() */
	if (likely(READ_ONCE(rx->inside) == ((unsigned long)ctx | KMCL_RX_QUICK) &&
		   READ_ONCE(rx->here) == kmcl_here() &&
		   (ctx->wanted ? (!len || !buf) &&
				  kmcl_tx_add_comp(&ch->tx, ctx->trans_id) :
				  len <= ch->cfg.max_payload)))
		WRITE_ONCE(rx->inside, KMCL_RX_ENDED);
	else
		complete_packet(ctx, buf, len);
}
EXPORT_SYMBOL_GPL(kmcl_complete);

/**
 * kmcl_packet_defer() - deliver the packet again, in process context
 *	(VmbChannelPacketDeferToPassive)
 * @ctx: the packet's context, inside the process callback
 *
 * No later packet is delivered before it. It is dropped if the channel closes
 * first.
 *
 * Context: atomic.
 */
void kmcl_packet_defer(struct kmcl_context *ctx)
{
	struct kmcl_channel *ch = ctx->ch;
	bool external = ctx->ranges;
	unsigned long flags;

	spin_lock_irqsave(&ch->rx.lock, flags);
	WRITE_ONCE(ch->rx.deferred, ctx);
	ch->rx.n.deferred++;
	spin_unlock_irqrestore(&ch->rx.lock, flags);
	trace_kmcl_defer(ch, ctx->trans_id);
	if (likely(kmcl_rx_inside(&ch->rx, ctx))) {
		WRITE_ONCE(ch->rx.own, NULL);
		kmcl_ctx_ended_inside(ch, external);
	} else {
		kmcl_ctx_return(ch, NULL, ctx->bytes, external);
	}
}
EXPORT_SYMBOL_GPL(kmcl_packet_defer);

/**
 * kmcl_packet_fail() - fail a malformed packet and stop delivery
 *	(VmbChannelPacketFail)
 * @ctx: the packet's context, inside the process callback; it must not be used
 *	afterwards
 *
 * No completion is sent, and nothing more is received until the channel is
 * opened again: requests of this end that are in flight end with -EPROTO, see
 * kmcl_send().
 *
 * Context: atomic.
 */
void kmcl_packet_fail(struct kmcl_context *ctx)
{
	struct kmcl_channel *ch = ctx->ch;
	bool external = ctx->ranges;
	unsigned long flags;

	trace_kmcl_fail(ch, ctx->trans_id);
	spin_lock_irqsave(&ch->rx.lock, flags);
	atomic_or(KMCL_RX_FAILED, &ch->rx.state);
	ch->rx.n.failed++;
	ch->rx.n.bad_packets++;
	ch->rx.n.bad[KMCL_BAD_DRIVER]++;
	spin_unlock_irqrestore(&ch->rx.lock, flags);
	kmcl_ext_release(ctx);
	if (likely(kmcl_rx_inside(&ch->rx, ctx)))
		kmcl_ctx_ended_inside(ch, external);
	else
		kmcl_ctx_return(ch, ctx, ctx->bytes, external);
}
EXPORT_SYMBOL_GPL(kmcl_packet_fail);

/**
 * kmcl_context_priv() - get the driver's memory of an incoming packet
 * @ctx: the packet's context
 *
 * Context: atomic.
 * Return: the memory, of the size that kmcl_set_context_size() was given, valid
 * until the packet is completed.
 */
void *kmcl_context_priv(struct kmcl_context *ctx)
{
	return ctx->area;
}
EXPORT_SYMBOL_GPL(kmcl_context_priv);

/**
 * kmcl_set_quota() - limit the number of outstanding packets
 *	(VmbChannelSetTransactionQuota)
 * @ch: the channel
 * @quota: how many; 0 is ignored, with a warning. There is no limit if it was
 *	never set
 *
 * At the limit packets stay in the ring. If delivery has stopped there, a
 * higher limit takes effect when the next packet is completed.
 *
 * Context: atomic.
 */
void kmcl_set_quota(struct kmcl_channel *ch, u32 quota)
{
	unsigned long flags;

	if (!quota) {
		pr_warn_ratelimited("%s: a transaction quota of 0 was ignored\n",
				    kmcl_name(ch));
		return;
	}
	spin_lock_irqsave(&ch->rx.lock, flags);
	ch->rx.quota = quota;
	spin_unlock_irqrestore(&ch->rx.lock, flags);
}
EXPORT_SYMBOL_GPL(kmcl_set_quota);

/**
 * kmcl_set_process_context() - choose the context of delivery
 *	(VmbChannelSetIncomingProcessingAtPassive)
 * @ch: the channel
 * @required: true: deliver in process context only, from the next batch on
 *
 * Context: atomic.
 */
void kmcl_set_process_context(struct kmcl_channel *ch, bool required)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->rx.lock, flags);
	if (required)
		atomic_or(KMCL_RX_PASSIVE, &ch->rx.state);
	else
		atomic_andnot(KMCL_RX_PASSIVE, &ch->rx.state);
	spin_unlock_irqrestore(&ch->rx.lock, flags);
}
EXPORT_SYMBOL_GPL(kmcl_set_process_context);

/**
 * kmcl_packet_external() - get the external data of a packet
 *	(VmbChannelPacketGetExternalData)
 * @ctx: the packet's context, inside the process callback
 * @flags: KMCL_EXTERNAL_READ_ONLY: the memory is only read; later calls ignore
 *	it
 * @mdl: set to the chain of descriptions, which the library owns; valid until
 *	the packet is completed. What the driver has mapped it must unmap before
 *	that
 *
 * Context: atomic.
 * Return: 0, with the same chain each time; -EINPROGRESS: the packet was
 * deferred: return from the callback and do nothing else with it; -ENODATA: no
 * external data (no KMCL_PACKET_EXTERNAL); -EOPNOTSUPP: a client, whose packet
 * has ranges, see kmcl_packet_ranges(); -EINVAL: unknown flags, or no @mdl.
 */
int kmcl_packet_external(struct kmcl_context *ctx, u32 flags,
			 struct kmcl_mdl **mdl)
{
	int (*present)(void *held);
	u32 i;

	if (!ctx || !ctx->ranges)
		return -ENODATA;
	if (flags & ~KMCL_EXTERNAL_READ_ONLY || !mdl)
		return -EINVAL;
	if (!ctx->ch->server)
		return -EOPNOTSUPP;
	present = ctx->ch->link.offer->ops->server->present;
	if (present && present(ctx->held) == -EINPROGRESS) {
		kmcl_packet_defer(ctx);
		return -EINPROGRESS;
	}
	*mdl = kmcl_ext_mdls(ctx);
	for (i = 0; i < ctx->ranges && !ctx->ext_given; i++)
		if (flags & KMCL_EXTERNAL_READ_ONLY)
			(*mdl)[i].flags |= KMCL_MDL_READ_ONLY;
	ctx->ext_given = true;
	return 0;
}
EXPORT_SYMBOL_GPL(kmcl_packet_external);

/**
 * kmcl_packet_ranges() - get the ranges of a transfer page packet
 * @ctx: the packet's context
 * @set: set to the id of the transfer page set, or NULL
 * @ranges: set to the ranges, which the library owns; valid until the packet is
 *	completed
 *
 * A host sends such a packet to a client (KMCL_PACKET_EXTERNAL) when it has put
 * data into memory that the client has shared with it, in a GPADL. Which memory
 * belongs to which id is a matter of the protocol that is spoken on the channel.
 * The host may use a range again once the packet is completed.
 *
 * The library checks what it can: that there are not more ranges, nor bytes in
 * them, than kmcl_set_max_external() allows; that the header has them all; that
 * none is empty; and that no end is beyond U32_MAX. The driver checks the id, and
 * each range against the size of its memory, with kmcl_range_ok(). The memory
 * itself the host can change at any time.
 *
 * Context: atomic.
 * Return: the number of ranges, at least 1; -ENODATA: the packet has none;
 * -EINVAL: no @ranges.
 */
int kmcl_packet_ranges(const struct kmcl_context *ctx, u16 *set,
		       const struct kmcl_range **ranges)
{
	if (!ctx || !ctx->ranges || ctx->ch->server)
		return -ENODATA;
	if (!ranges)
		return -EINVAL;
	if (set)
		*set = ctx->set;
	*ranges = kmcl_ext_ranges(ctx);
	return ctx->ranges;
}
EXPORT_SYMBOL_GPL(kmcl_packet_ranges);
