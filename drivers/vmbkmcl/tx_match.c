// SPDX-License-Identifier: GPL-2.0
/*
 * Outgoing direction: completions from the peer, for requests in flight.
 *
 * Delivery, which owns the incoming ring, calls this when it meets one. All that
 * follow it, up to a limit, are matched under one ch->tx.lock, and the completion
 * routines run after that under no lock, as in tx_done.c. Everything is atomic.
 */
#include "channel.h"
#include "trace.h"
#include "tx_done.h"

/* Packets that have ended, in the order of their completions */
struct ended {
	struct kmcl_packet *first;
	struct kmcl_packet **end;	/* of the chain, see struct kmcl_item */
	u32 n;
};

/*
 * End a packet whose completion is copied without tx.lock: it is large, or the reply
 * to a synchronous request, which can be as long as the ring, and which its caller
 * wants elsewhere. The packet is on no list meanwhile, so that nobody else can end
 * it, and delivery goes on only after that.
 */
static void take_reply(struct kmcl_packet *pkt, const void *payload, u32 len,
		       unsigned long *flags)
	__must_hold(&pkt->ch->tx.lock)
{
	struct kmcl_channel *ch = pkt->ch;
	struct kmcl_sync *sync = pkt->sync;
	void *to = pkt->buf;
	u32 bytes = len;
	int status = 0;

	lockdep_assert_held(&ch->tx.lock);
	list_del(&pkt->item.node);
	if (sync) {
		to = sync->reply;
		bytes = min(len, sync->room);
	} else if (len > ch->cfg.max_packet) {
		ch->tx.n.comps_too_long++;
		status = -EMSGSIZE;
		bytes = 0;
		len = 0;
	} else if (len > pkt->room) {
		pkt->reply = ch->rx.reply;
		ch->rx.reply = NULL;
		to = pkt->reply->buf;
	}
	if (to && bytes) {
		pkt->state = KMCL_PKT_DONE;
		spin_unlock_irqrestore(&ch->tx.lock, *flags);
		trace_kmcl_copy(ch, bytes);
		memcpy(to, payload, bytes);
		spin_lock_irqsave(&ch->tx.lock, *flags);
	}
	kmcl_done_add(pkt, status, len);
	ch->tx.n.in_flight--;
}

/* End a packet; the payload is shared memory, and there is room for it. */
static __always_inline void end_matched(struct kmcl_packet *pkt,
					const u8 *payload, u32 len,
					struct ended *ended)
	__must_hold(&pkt->ch->tx.lock)
{
	lockdep_assert_held(&pkt->ch->tx.lock);
	kmcl_flight_del(pkt);
	hlist_del_init(&pkt->hashed);
	pkt->state = KMCL_PKT_DONE;
	pkt->len = len;
	kmcl_ring_copy((u64 *)pkt->buf, payload, len);
	*ended->end = pkt;
	ended->end = &pkt->item.next;
	ended->n++;
}

/* Is there no room in the packet for the data of its completion? */
static bool needs_memory(const struct kmcl_packet *pkt, u32 len)
{
	return !pkt->sync && len > pkt->room && len <= pkt->ch->cfg.max_packet;
}

/* The first word of the descriptor of most completions, without @len8 and @flags */
#define PLAIN_DESC	(KMCL_WIRE_COMP | KMCL_RING_DESC / 8 << 16)

/*
 * Match the completions that are next in the ring, at most @most, as far as they are
 * like most of them, and take them out of it.
 */
static __always_inline void match(struct kmcl_channel *ch, u32 most,
				  struct ended *ended)
	__must_hold(&ch->tx.lock)
{
	const u32 room = min(ch->tx.room, KMCL_TX_AT_ONCE);
	struct kmcl_ring *ring = &ch->rx.ring;
	u32 index = ring->index, known = ring->known;
	u32 bytes = 0;

	lockdep_assert_held(&ch->tx.lock);
	while (ended->n < most && bytes < KMCL_TX_BURST_BYTES &&
	       known >= KMCL_RING_DESC + KMCL_RING_TRAILER) {
		const u8 *desc = ring->data + index;
		struct kmcl_packet *pkt;
		u64 fields, id;
		u32 len, total;

		/* Each word once: the peer may change it at any time */
		fields = le64_to_cpu(READ_ONCE(*(const __le64 *)desc));
		if (unlikely((u32)fields != PLAIN_DESC))
			break;
		total = (fields >> 32 & U16_MAX) * 8 + KMCL_RING_TRAILER;
		/* Wraps, if there is not even a descriptor */
		len = total - KMCL_RING_TRAILER - KMCL_RING_DESC;
		if (unlikely(len > room || total > known))
			break;
		id = le64_to_cpu(READ_ONCE(((const __le64 *)desc)[1]));
		pkt = kmcl_trans_find(&ch->tx, id);
		if (unlikely(!pkt || pkt->sync))
			break;
		end_matched(pkt, desc + KMCL_RING_DESC, len, ended);
		trace_kmcl_fetch(ch, id, true, len, false);
		bytes += len;
		known -= total;
		index = kmcl_ring_advance(ring, index, total);
	}
	ring->known = known;
	ring->index = index;
	*ended->end = NULL;
	ch->tx.n.completed += ended->n;
	ch->tx.n.in_flight -= ended->n;
}

/*
 * The same for one completion, whatever it looks like; its packet is on the done list
 * then. Returns how many were taken out of the ring: 0, also if it needs memory, or 1.
 */
static noinline u32 match_any(struct kmcl_channel *ch, unsigned long *flags)
	__must_hold(&ch->tx.lock)
{
	struct kmcl_ring *ring = &ch->rx.ring;
	struct kmcl_ring_packet comp;
	struct kmcl_packet *pkt;

	lockdep_assert_held(&ch->tx.lock);
	if (kmcl_ring_peek(ring, &comp) != KMCL_RING_OK || !comp.total ||
	    comp.type != KMCL_WIRE_COMP)
		return 0;
	pkt = kmcl_trans_find(&ch->tx, comp.trans_id);
	if (pkt && needs_memory(pkt, comp.payload_len) && !ch->rx.reply)
		return 0;
	if (pkt)
		take_reply(pkt, comp.payload, comp.payload_len, flags);
	else if (ch->tx.linked)
		/* On a dead link the library may have ended it */
		ch->tx.n.comps_stale++;
	trace_kmcl_fetch(ch, comp.trans_id, true, comp.payload_len, false);
	kmcl_ring_consume(ring, &comp);
	return 1;
}

/* Keep packets, which have no routine, for the next allocations. */
static noinline void recycle(struct kmcl_channel *ch, struct kmcl_packet *pkt)
{
	struct kmcl_packet *next, *rest = NULL;
	unsigned long flags;

	spin_lock_irqsave(&ch->tx.lock, flags);
	for (; pkt; pkt = next) {
		next = pkt->item.next;
		if (kmcl_packet_recycle(pkt))
			continue;
		pkt->item.next = rest;
		rest = pkt;
	}
	spin_unlock_irqrestore(&ch->tx.lock, flags);
	for (; rest; rest = next) {
		next = rest->item.next;
		kmcl_packet_destroy(rest);
	}
}

/*
 * Run the routines of @pkt and of those that were ended after it, without the done
 * list; the caller has claimed that. Each packet belongs to the driver again when its
 * routine is called.
 */
static __always_inline void run_ended(struct kmcl_channel *ch,
				      struct kmcl_packet *pkt)
{
	struct kmcl_packet *next, *unused = NULL;

	for (; pkt; pkt = next) {
		kmcl_done_fn done = pkt->done;
		u32 len = pkt->len;

		next = pkt->item.next;
		trace_kmcl_complete(ch, pkt, 0);
		if (unlikely(!done)) {
			pkt->item.next = unused;
			unused = pkt;
			continue;
		}
		WRITE_ONCE(pkt->state, KMCL_PKT_IDLE);
		done(pkt, 0, len ? pkt->buf : NULL, len);
	}
	if (unlikely(unused))
		recycle(ch, unused);
}

/* Run them with the others that are due. */
static void add_ended(struct kmcl_channel *ch, struct kmcl_packet *pkt)
	__must_hold(&ch->tx.lock)
{
	struct kmcl_packet *next;

	lockdep_assert_held(&ch->tx.lock);
	for (; pkt; pkt = next) {
		next = pkt->item.next;
		pkt->status = 0;
		list_add_tail(&pkt->item.node, &ch->tx.done);
	}
}

/*
 * Handle the peer's completion that was seen to be next in the ring, and those that
 * follow it, @most in all; the caller owns the incoming ring. Returns how many were
 * taken out of it: none if there is something else now.
 *
 * A completion ends the packet with its id, whatever it looks like: more data than
 * the packet has room for are dropped, and the status says so. If no packet in flight
 * has the id it is only counted.
 */
u32 kmcl_tx_matched(struct kmcl_channel *ch, u32 most)
{
	struct ended ended = { .end = &ended.first };
	/* Not off yet if delivery may sleep */
	bool bh = !ch->tx.made.most;
	unsigned long flags;
	u32 taken;

	spin_lock_irqsave(&ch->tx.lock, flags);
	match(ch, min(most, KMCL_MATCHES), &ended);
	taken = ended.n;
	if (unlikely(!taken))
		taken = match_any(ch, &flags);
	/* On PREEMPT_RT they run one by one, see tx_done.h */
	if (likely(ended.n && !IS_ENABLED(CONFIG_PREEMPT_RT) &&
		   kmcl_done_direct(ch, flags))) {
		kmcl_done_begin(ch, flags, bh);
		run_ended(ch, ended.first);
		kmcl_done_end(ch, bh, false, 0);
		return taken;
	}
	add_ended(ch, ended.first);
	kmcl_done_run(ch, flags);
	return taken;
}
