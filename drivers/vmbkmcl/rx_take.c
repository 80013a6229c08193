// SPDX-License-Identifier: GPL-2.0
/*
 * Incoming direction: taking one packet out of the ring, whatever it looks like.
 *
 * Delivery (rx_deliver.c), which owns the ring and what is its own in ch->rx, calls
 * this for a packet that is not like most; ch->rx.lock is taken for counters only. The
 * peer may change shared memory at any time, so a packet is copied out of the ring
 * once, before it is checked. Everything here is atomic.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/errno.h>
#include <linux/printk.h>

#include "channel.h"
#include "ext_wire.h"
#include "trace.h"

/* @pkt: NULL if there is not even a descriptor */
static void bad_packet(struct kmcl_channel *ch, enum kmcl_bad kind,
		       const struct kmcl_ring_packet *pkt)
{
	unsigned long flags;

	trace_kmcl_bad_packet(ch, kind, pkt ? pkt->len8 : 0,
			      pkt ? pkt->offset8 : 0, pkt ? pkt->type : 0);
	spin_lock_irqsave(&ch->rx.lock, flags);
	ch->rx.n.bad_packets++;
	ch->rx.n.bad[kind]++;
	spin_unlock_irqrestore(&ch->rx.lock, flags);
}

/* Packet boundaries are lost: read no more from this ring. */
static void ring_broken(struct kmcl_channel *ch, enum kmcl_ring_error err,
			const struct kmcl_ring_packet *pkt)
{
	bool described = err == KMCL_RING_BAD_OFFSET ||
			 err == KMCL_RING_BAD_LENGTH;
	static const enum kmcl_bad kind[] = {
		[KMCL_RING_BAD_WRITE_INDEX] = KMCL_BAD_WRITE_INDEX,
		[KMCL_RING_SHORT] = KMCL_BAD_SHORT,
		[KMCL_RING_BAD_OFFSET] = KMCL_BAD_OFFSET,
		[KMCL_RING_BAD_LENGTH] = KMCL_BAD_LENGTH,
	};
	static const char * const what[] = {
		[KMCL_RING_BAD_WRITE_INDEX] = "write index outside the ring",
		[KMCL_RING_SHORT] = "less data than a packet header",
		[KMCL_RING_BAD_OFFSET] = "data offset (offset8) outside the packet",
		[KMCL_RING_BAD_LENGTH] = "length (len8) beyond the data in the ring",
	};

	bad_packet(ch, kind[err], described ? pkt : NULL);
	pr_warn_ratelimited("%s: the other side wrote a bad packet: %s; nothing more is received until the channel is opened again, and requests end with -EPROTO\n",
			    kmcl_name(ch), what[err]);
}

/* Go on with the deferred packet. */
static void own_deferred(struct kmcl_channel *ch)
{
	struct kmcl_context *own = ch->rx.own;

	/* Others count it as one that is kept */
	WRITE_ONCE(ch->rx.own, NULL);
	if (own)
		kmcl_ctx_free(own);
	ch->rx.quick = NULL;
	WRITE_ONCE(ch->rx.own, ch->rx.deferred);
	WRITE_ONCE(ch->rx.own_bytes, ch->rx.own->bytes);
	WRITE_ONCE(ch->rx.deferred, NULL);
}

/*
 * The kind of context that a packet needs. A large one has room for the longest
 * completion, since completing cannot fail, and for ranges.
 */
static struct kmcl_ctx_kind *kind_for(struct kmcl_channel *ch,
				      const struct kmcl_ring_packet *pkt,
				      u32 len)
{
	struct kmcl_rx *rx = &ch->rx;

	return likely(pkt->type == KMCL_WIRE_DATA_INBAND &&
		      len <= rx->small.room &&
		      (rx->small.room >= ch->cfg.max_packet || ch->cfg.pipe ||
		       !(pkt->flags & KMCL_WIRE_FLAG_COMPLETION_REQUESTED))) ?
		&rx->small : &rx->large;
}

/*
 * The next packets can be taken by take_quick() in rx_deliver.c, if each ends inside its callback.
 * Not with a small context, if there must be room for a completion.
 */
static void set_quick(struct kmcl_channel *ch, struct kmcl_context *ctx)
{
	struct kmcl_rx *rx = &ch->rx;

	rx->quick = ctx;
	rx->quick_room = ctx->kind->room;
	rx->quick_mask = U32_MAX;
	if (rx->quick_room < ch->cfg.max_packet)
		rx->quick_mask |= (u64)KMCL_WIRE_FLAG_COMPLETION_REQUESTED << 48;
}

/*
 * Copy the packet out of the ring, into ch->rx.own. Returns 0; -EAGAIN,
 * -ENOBUFS, -ENOMEM: no context, the packet stays in the ring; -EPROTO:
 * malformed, the packet was dropped.
 */
static int take(struct kmcl_channel *ch, const struct kmcl_ring_packet *pkt,
		u32 skip, u32 len)
{
	struct kmcl_ctx_kind *kind = kind_for(ch, pkt, len);
	struct kmcl_rx *rx = &ch->rx;
	struct kmcl_context *ctx;
	int ret = 0;

	/* If nothing else is outstanding, a large one is used for a small packet */
	if (unlikely(!rx->own || (rx->own->kind != kind && kind == &rx->large) ||
		     kmcl_rx_outstanding(rx) ||
		     atomic64_read(&rx->comps_bytes))) {
		ret = kmcl_ctx_get(ch, kind, pkt->total);
		if (ret)
			return ret;
	}
	ctx = rx->own;
	memcpy(ctx->buf, pkt->payload + skip, len);
	if (ch->cfg.context_size)
		memset(ctx->area, 0, ch->cfg.context_size);
	ctx->trans_id = pkt->trans_id;
	ctx->len = len;
	ctx->wanted = pkt->flags & KMCL_WIRE_FLAG_COMPLETION_REQUESTED &&
		       !ch->cfg.pipe;
	ctx->ranges = 0;
	if (unlikely(pkt->type != KMCL_WIRE_DATA_INBAND)) {
		ctx->ext_given = false;
		if (!kmcl_ext_take(ctx, pkt))
			ret = -EPROTO;
	}
	rx->quick = NULL;
	/* That stays so while each packet ends inside its callback */
	if (!ctx->ranges && !ch->cfg.pipe && !kmcl_rx_outstanding(rx) &&
	    !atomic64_read(&rx->comps_bytes) && !rx->overrun)
		set_quick(ch, ctx);
	if (likely(!ret)) {
		WRITE_ONCE(rx->delivered, rx->delivered + 1);
		trace_kmcl_fetch(ch, pkt->trans_id, false, len, ctx->ranges);
	}
	kmcl_ring_consume(&rx->ring, pkt);
	return ret;
}

/*
 * Is the type allowed? External data are a client's memory: it names the frames
 * to a server, which names ranges of a set to it. A pipe has none.
 */
static bool known_type(const struct kmcl_channel *ch, u16 type)
{
	return type == KMCL_WIRE_DATA_INBAND ||
	       (!ch->cfg.pipe && type == (ch->server ?
					  KMCL_WIRE_DATA_GPA_DIRECT :
					  KMCL_WIRE_DATA_XFER_PAGES));
}

/*
 * Check a packet, and find the driver's bytes in its payload: @len of them,
 * after @skip. Returns KMCL_BAD_COUNT, or why the packet must be dropped.
 */
static enum kmcl_bad inspect(struct kmcl_channel *ch,
			     const struct kmcl_ring_packet *pkt, u32 *skip,
			     u32 *len)
{
	*skip = 0;
	*len = pkt->payload_len;
	if (likely(pkt->type == KMCL_WIRE_DATA_INBAND && !ch->cfg.pipe &&
		   *len <= ch->cfg.max_packet))
		return KMCL_BAD_COUNT;
	if (unlikely(!known_type(ch, pkt->type)))
		return KMCL_BAD_TYPE;
	if (unlikely(ch->cfg.pipe)) {
		*skip = KMCL_PIPE_HEADER;
		return kmcl_pipe_parse(ch, pkt, len) ? KMCL_BAD_COUNT :
			KMCL_BAD_PIPE;
	}
	return *len <= ch->cfg.max_packet ? KMCL_BAD_COUNT : KMCL_BAD_SIZE;
}

/*
 * Delivery takes the next packet, which is deferred or in the ring, for the process
 * callback. Returns KMCL_RX_TAKEN: it is in ch->rx.own, KMCL_RX_DROPPED: look again, or a
 * reason to stop.
 */
int kmcl_rx_take(struct kmcl_channel *ch)
{
	struct kmcl_rx *rx = &ch->rx;
	struct kmcl_ring_packet pkt;
	enum kmcl_ring_error err;
	enum kmcl_bad bad;
	u32 skip, len;
	int ret;

	if (unlikely(READ_ONCE(rx->deferred))) {
		own_deferred(ch);
		goto taken;
	}
	err = kmcl_ring_peek(&rx->ring, &pkt);
	if (err != KMCL_RING_OK) {
		ring_broken(ch, err, &pkt);
		return KMCL_STOP_FAILED;
	}
	if (!pkt.total)
		return KMCL_STOP_EMPTY;
	/* Since the caller has looked, or for lack of memory: it looks again */
	if (unlikely(pkt.type == KMCL_WIRE_COMP))
		return kmcl_ctx_for_reply(ch, pkt.payload_len) ?
			KMCL_STOP_MEMORY : KMCL_RX_DROPPED;
	bad = inspect(ch, &pkt, &skip, &len);
	if (unlikely(bad != KMCL_BAD_COUNT)) {
		bad_packet(ch, bad, &pkt);
		kmcl_ring_consume(&rx->ring, &pkt);
		return KMCL_RX_DROPPED;
	}
	ret = take(ch, &pkt, skip, len);
	if (ret == -EPROTO) {
		bad_packet(ch, KMCL_BAD_EXTERNAL, &pkt);
		return KMCL_RX_DROPPED;
	}
	if (ret == -EAGAIN)
		return KMCL_STOP_QUOTA;
	if (ret == -ENOBUFS)
		return KMCL_STOP_LIMIT;
	if (ret)
		return KMCL_STOP_MEMORY;
taken:
	if (unlikely(rx->own->ranges))
		WRITE_ONCE(rx->given_external, rx->given_external + 1);
	WRITE_ONCE(rx->inside, (unsigned long)rx->own |
			       (rx->quick ? KMCL_RX_QUICK : 0));
	return KMCL_RX_TAKEN;
}
