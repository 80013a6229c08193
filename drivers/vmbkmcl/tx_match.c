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
	struct kmcl_packet *pkts[KMCL_MATCHES];
	u32 n;
	u32 bytes;			/* of their completions */
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

/* End a packet with its completion, whose payload is shared memory. */
static __always_inline void end_matched(struct kmcl_packet *pkt,
					const struct kmcl_ring_packet *comp)
	__must_hold(&pkt->ch->tx.lock)
{
	struct kmcl_channel *ch = pkt->ch;
	u32 len = comp->payload_len;

	lockdep_assert_held(&ch->tx.lock);
	list_del(&pkt->item.node);
	kmcl_trans_end(pkt);
	pkt->state = KMCL_PKT_DONE;
	pkt->status = 0;
	if (unlikely(len > ch->cfg.max_packet)) {
		ch->tx.n.comps_too_long++;
		pkt->status = -EMSGSIZE;
		len = 0;
	}
	pkt->len = len;
	kmcl_ring_copy((u64 *)pkt->buf, comp->payload, len);
}

/*
 * Match @comp, and the completions that follow it in the ring, at most @most, and
 * take them out of the ring. What take_reply() is for is handled alone, and its
 * packet is on the done list then. Returns how many were taken.
 */
static u32 match(struct kmcl_channel *ch, struct kmcl_ring_packet *comp,
		 u32 most, struct ended *ended, unsigned long *flags)
	__must_hold(&ch->tx.lock)
{
	struct kmcl_packet *pkt;
	bool alone = false;
	u32 taken = 0;

	lockdep_assert_held(&ch->tx.lock);
	do {
		pkt = kmcl_trans_find(&ch->tx, comp->trans_id);
		if (unlikely(!pkt)) {
			/* On a dead link the library may have ended it */
			if (ch->tx.linked)
				ch->tx.n.comps_stale++;
		} else if (unlikely(pkt->sync ||
				    kmcl_is_large(comp->payload_len))) {
			if (taken)
				break;
			take_reply(pkt, comp->payload, comp->payload_len, flags);
			alone = true;
		} else {
			end_matched(pkt, comp);
			ended->pkts[ended->n++] = pkt;
			ended->bytes += comp->payload_len;
		}
		trace_kmcl_fetch(ch, comp->trans_id, true, comp->payload_len,
				 false);
		kmcl_ring_consume(&ch->rx.ring, comp);
		taken++;
	} while (!alone && taken < most && ended->bytes < KMCL_TX_BURST_BYTES &&
		 kmcl_rx_is(&ch->rx, KMCL_RX_OPEN) &&
		 kmcl_ring_peek(&ch->rx.ring, comp) == KMCL_RING_OK &&
		 comp->total && comp->type == KMCL_WIRE_COMP);
	ch->tx.n.completed += ended->n;
	ch->tx.n.in_flight -= ended->n;
	return taken;
}

/* Keep the packets that have no routine for the next allocations. */
static noinline void recycle(struct kmcl_channel *ch, struct kmcl_packet **pkts,
			     u32 n)
{
	unsigned long flags;
	u32 i, rest = 0;

	spin_lock_irqsave(&ch->tx.lock, flags);
	for (i = 0; i < n; i++)
		if (!kmcl_packet_recycle(pkts[i]))
			pkts[rest++] = pkts[i];
	spin_unlock_irqrestore(&ch->tx.lock, flags);
	while (rest)
		kmcl_packet_destroy(pkts[--rest]);
}

/*
 * Run the routines, without the done list; the caller has claimed that. Each packet
 * belongs to the driver again when its routine is called.
 */
static void run_ended(struct kmcl_channel *ch, struct ended *ended)
{
	struct kmcl_packet *pkt;
	u32 i, unused = 0;

	for (i = 0; i < ended->n; i++) {
		kmcl_done_fn done;
		u32 len;

		pkt = ended->pkts[i];
		done = pkt->done;
		len = pkt->len;
		trace_kmcl_complete(ch, pkt, pkt->status);
		if (unlikely(!done)) {
			ended->pkts[unused++] = pkt;
			continue;
		}
		WRITE_ONCE(pkt->state, KMCL_PKT_IDLE);
		done(pkt, pkt->status, len ? pkt->buf : NULL, len);
	}
	if (unused)
		recycle(ch, ended->pkts, unused);
}

/*
 * Handle the peer's completion @comp, which kmcl_ring_peek() has found, and those
 * that follow it, @most in all; the caller owns the incoming ring. Returns how many
 * were consumed; @comp is not valid any more then.
 *
 * A completion ends the packet with its id, whatever it looks like: more data than
 * the packet has room for are dropped, and the status says so. If no packet in flight
 * has the id it is only counted.
 */
u32 kmcl_tx_matched(struct kmcl_channel *ch, struct kmcl_ring_packet *comp,
		    u32 most)
{
	struct ended ended;
	unsigned long flags;
	u32 i, taken;

	ended.n = 0;
	ended.bytes = 0;
	spin_lock_irqsave(&ch->tx.lock, flags);
	taken = match(ch, comp, min(most, KMCL_MATCHES), &ended, &flags);
	/* On PREEMPT_RT they run one by one, see tx_done.h */
	if (likely(ended.n && !IS_ENABLED(CONFIG_PREEMPT_RT) &&
		   kmcl_done_direct(ch, flags))) {
		kmcl_done_begin(ch, flags);
		run_ended(ch, &ended);
		kmcl_done_end(ch);
		return taken;
	}
	for (i = 0; i < ended.n; i++)
		list_add_tail(&ended.pkts[i]->item.node, &ch->tx.done);
	kmcl_done_run(ch, flags);
	return taken;
}
