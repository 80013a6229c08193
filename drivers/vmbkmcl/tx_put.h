/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Outgoing direction: writing packets into the ring, for tx_run.c, tx_queue.c,
 * tx_send.c and tx_many.c. ch->tx.lock is held, and nothing sleeps.
 */
#ifndef _KMCL_TX_PUT_H
#define _KMCL_TX_PUT_H

#include <linux/bits.h>

#include "channel.h"
#include "trace.h"

/* A packet is in flight from here on, with an id that no other one has. */
static __always_inline void kmcl_trans_add(struct kmcl_packet *pkt, u64 trans_id)
	__must_hold(&pkt->ch->tx.lock)
{
	struct kmcl_channel *ch = pkt->ch;

	lockdep_assert_held(&ch->tx.lock);
	pkt->trans_id = trans_id;
	hlist_add_head(&pkt->hashed, kmcl_trans_bucket(&ch->tx, trans_id));
	if (unlikely(ch->tx.n.in_flight >= ch->tx.grow_at))
		kmcl_trans_crowded(ch);
}

/*
 * Write a packet into the ring, not yet visible to the peer. Inline for
 * tx_send.c and tx_run.c, on which the speed of sending depends; all others call
 * kmcl_put_packet(). @plain: there is no external data, and no pipe. @most: see
 * kmcl_ring_write(). Returns 0 or a negative errno, see kmcl_ring_put(); also
 * -EPROTO: see kmcl_unanswered().
 */
static __always_inline int kmcl_put_first(struct kmcl_channel *ch,
					  struct kmcl_packet *pkt,
					  const void *buf, u32 len, bool plain,
					  u32 most)
	__must_hold(&ch->tx.lock)
{
	u64 id;
	int ret;

	lockdep_assert_held(&ch->tx.lock);
	if (pkt->wait) {
		if (unlikely(ch->tx.number >= ch->tx.numbers_end)) {
			if (ch->tx.no_answers)
				return -EPROTO;
			kmcl_trans_wrap(ch);
		}
		id = (u64)(ch->tx.number + 1) << 32 | ch->tx.round;
	} else {
		id = pkt->serial;
	}
	if (plain)
		ret = kmcl_ring_write(&ch->tx.ring, KMCL_WIRE_DATA_INBAND,
				      pkt->wait ?
				      KMCL_WIRE_FLAG_COMPLETION_REQUESTED : 0,
				      id, NULL, 0, buf, len,
				      sizeof(struct kmcl_wire_desc), most);
	else if (unlikely(ch->cfg.pipe))
		ret = kmcl_pipe_put(ch, id, buf, len);
	else
		ret = kmcl_ring_write(&ch->tx.ring, pkt->ext_len ?
				      KMCL_WIRE_DATA_GPA_DIRECT :
				      KMCL_WIRE_DATA_INBAND, pkt->wait ?
				      KMCL_WIRE_FLAG_COMPLETION_REQUESTED : 0,
				      id, kmcl_packet_header(pkt), pkt->ext_len,
				      buf, len, sizeof(struct kmcl_wire_desc) +
				      pkt->ext_len, most);
	if (unlikely(ret))
		return ret;
	ch->tx.n.sent++;
	ch->tx.full = false;
	trace_kmcl_send(ch, id, false, len, pkt->wait, ch->tx.n.queued);
	if (!pkt->wait) {
		ch->tx.n.in_ring++;
	} else {
		ch->tx.number++;
		kmcl_trans_add(pkt, id);
		pkt->state = KMCL_PKT_IN_FLIGHT;
		ch->tx.n.in_flight++;
		ch->tx.n.in_flight_peak = max(ch->tx.n.in_flight_peak,
					      ch->tx.n.in_flight);
		kmcl_flight_add(&ch->tx, pkt);
	}
	return 0;
}

/* Bytes of a packet in the ring */
static inline u32 kmcl_packet_bytes(const struct kmcl_channel *ch, u32 ext_len,
				    u32 len)
{
	return kmcl_ring_bytes(ch->cfg.pipe ? KMCL_PIPE_HEADER : ext_len, len);
}

/* Is the packet a request that nobody will see the answer to? */
static inline bool kmcl_unanswered(const struct kmcl_packet *pkt)
	__must_hold(&pkt->ch->tx.lock)
{
	lockdep_assert_held(&pkt->ch->tx.lock);
	return pkt->wait && pkt->ch->tx.no_answers;
}

/* What a send leaves to do without tx.lock */
#define KMCL_TX_SIGNAL	BIT(0)	/* signal the peer */
#define KMCL_TX_WARN	BIT(1)	/* kmcl_tx_warn_broken() */
#define KMCL_TX_FLUSH	BIT(2)	/* write the queue */

/* Show the peer all that is in the ring. Returns KMCL_TX_SIGNAL or 0. */
static inline u32 kmcl_tx_show(struct kmcl_channel *ch)
	__must_hold(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	return ch->tx.linked && kmcl_ring_commit(&ch->tx.ring) ?
		KMCL_TX_SIGNAL : 0;
}

/* The caller, who is counted in ch->tx.signalling, does not use the rings any more. */
static inline void kmcl_tx_signalled(struct kmcl_channel *ch)
	__must_hold(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	/* No barrier: a waiter is queued, and checks under tx.lock */
	if (!--ch->tx.signalling && waitqueue_active(&ch->wait))
		wake_up_all(&ch->wait);
}

/* What a large packet or completion consists of */
struct kmcl_parts {
	struct kmcl_packet *pkt;	/* that is a packet, or NULL */
	const void *header;		/* NULL: the packet's ranges, if any */
	u32 header_len;
	const void *buf;
	u32 len;
};

/* tx_copy.c */
const void *kmcl_copy_large(struct kmcl_channel *ch,
			    const struct kmcl_item *item,
			    const struct kmcl_parts *parts, unsigned long irq);
const void *kmcl_copy_packet(struct kmcl_packet *pkt, const void *buf, u32 len,
			     unsigned long irq);

/* tx_run.c */
u32 kmcl_put_run(struct kmcl_channel *ch, u32 most, u32 *bytes);

/* tx_queue.c */
int kmcl_put_made(struct kmcl_channel *ch);
int kmcl_put_packet(struct kmcl_packet *pkt, const void *buf, u32 len);
void kmcl_tx_full(struct kmcl_channel *ch);
bool kmcl_tx_broken(struct kmcl_channel *ch);
void kmcl_tx_warn_broken(struct kmcl_channel *ch);
void kmcl_tx_finish(struct kmcl_channel *ch, unsigned long flags, u32 after)
	__releases(&ch->tx.lock);
void kmcl_enqueue(struct kmcl_packet *pkt, const void *buf, u32 len);

#endif
