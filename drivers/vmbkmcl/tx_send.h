/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Outgoing direction: sending packets, for tx_send.c and tx_many.c. ch->tx.lock is
 * held where it says so, and nothing sleeps.
 */
#ifndef _KMCL_TX_SEND_H
#define _KMCL_TX_SEND_H

#include "channel.h"
#include "tx_put.h"

/* tx_send.c */
int kmcl_send_other(struct kmcl_packet *pkt, const void *buf, u32 len, int ret,
		    bool may_queue, u32 *after, unsigned long irq);
void kmcl_end_written(struct kmcl_packet *pkt);
void kmcl_finish_more(struct kmcl_channel *ch, unsigned long irq, u32 after)
	__releases(&ch->tx.lock);

/* Check what all sends require; @most: bytes of payload */
static __always_inline int kmcl_check_payload(const struct kmcl_packet *pkt,
					      const void *buf, u32 len,
					      u32 most)
{
	if (unlikely(!pkt->done && !pkt->own_memory))
		return -ENOENT;
	if (unlikely(!buf && len))
		return -EINVAL;
	return likely(len <= most) ? 0 : -EMSGSIZE;
}

/* The flags with which a channel's packets can be sent */
static inline u32 kmcl_send_flags(const struct kmcl_channel *ch)
{
	return ch->cfg.pipe ? KMCL_SEND_FLAGS & ~KMCL_SEND_WAIT :
		KMCL_SEND_FLAGS;
}

/*
 * Does the channel send packets now, or queue them? If so, the completions that
 * delivery has made before are written.
 */
static inline bool kmcl_sends_now(struct kmcl_channel *ch)
	__must_hold(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	return ch->tx.open && list_empty(&ch->tx.queue) &&
	       (likely(!kmcl_comps_wait(&ch->tx.made)) || !kmcl_put_made(ch));
}

/* An idle packet is to be sent. */
static __always_inline void kmcl_begin_send(struct kmcl_packet *pkt,
					    u32 ext_len, u32 flags)
	__must_hold(&pkt->ch->tx.lock)
{
	lockdep_assert_held(&pkt->ch->tx.lock);
	pkt->wait = flags & KMCL_SEND_WAIT;
	pkt->trans_id = 0;
	pkt->ext_len = ext_len;
}

/*
 * Write a packet into the ring, not yet visible to the peer, or queue it. Returns
 * 1: written, 0: queued, or a negative errno: not accepted. Adds to *@after what
 * kmcl_tx_finish() has to do. @now: kmcl_sends_now(); @plain: see kmcl_put_first();
 * @irq: of spin_lock_irqsave(), see kmcl_send_other().
 */
static __always_inline int kmcl_send_one(struct kmcl_channel *ch,
					 struct kmcl_packet *pkt,
					 const void *buf, u32 len, u32 ext_len,
					 u32 flags, bool now, bool plain,
					 bool may_queue, u32 *after,
					 unsigned long irq)
	__must_hold(&ch->tx.lock)
{
	int ret = 0;

	lockdep_assert_held(&ch->tx.lock);
	if (unlikely(READ_ONCE(pkt->state) != KMCL_PKT_IDLE))
		return -EBUSY;
	if (unlikely(ext_len && ch->tx.private))
		return -EOPNOTSUPP;
	kmcl_begin_send(pkt, ext_len, flags);
	if (likely(now)) {
		ret = kmcl_put_first(ch, pkt, buf, len, plain, KMCL_TX_AT_ONCE);
		if (likely(!ret))
			return 1;
	}
	return kmcl_send_other(pkt, buf, len, ret, may_queue, after, irq);
}

#endif
