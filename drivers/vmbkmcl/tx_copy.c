// SPDX-License-Identifier: GPL-2.0
/*
 * Outgoing direction: copying a large packet, or completion, into the ring without
 * ch->tx.lock, so that interrupts are on meanwhile. A packet whose payload or ranges
 * are in fragments is copied here, too, however short that is.
 *
 * One is copied at a time. While it is, ch->tx.mark is the first entry of the queue:
 * so the queue is not empty, and whoever sends adds to it. Nobody else writes into
 * the ring, since kmcl_put_made(), which comes first, refuses. Who has copied has
 * tx.lock again, and decides what becomes of the packet: until then nothing of it
 * exists but bytes in a part of the ring that the peer does not look at. If the
 * channel was paused or has lost its link, the packet is not sent, but stays in the
 * queue, or is added to it; if it was taken off the queue, it ends. After that he
 * writes the queue.
 *
 * Who copies is counted in ch->tx.signalling, for which disconnecting the rings
 * waits. Preemption is off: packets of other tasks wait for the copy, which must not
 * depend on the priority of this one. Interrupts and softirqs are let in. On
 * PREEMPT_RT the lock leaves interrupts on, and nothing is copied here.
 *
 * Everything is atomic.
 */
#include <linux/err.h>
#include <linux/preempt.h>
#include <linux/string.h>

#include "channel.h"
#include "ext_wire.h"
#include "trace.h"
#include "tx_put.h"

/*
 * Copy what is large to where kmcl_ring_put() wants it. @irq: of
 * spin_lock_irqsave(); the lock is dropped meanwhile, and the caller looks again at
 * whether it may send. He has to write the queue then, also after an error.
 *
 * Returns where the payload is, or an error pointer: -EAGAIN, -EPROTO: see
 * kmcl_ring_put(); -ECANCELED: @item was taken off the queue.
 */
const void *kmcl_copy_large(struct kmcl_channel *ch,
			    const struct kmcl_item *item,
			    const struct kmcl_parts *parts, unsigned long irq)
	__must_hold(&ch->tx.lock)
{
	u8 *to;

	lockdep_assert_held(&ch->tx.lock);
	to = kmcl_ring_reserve(&ch->tx.ring, kmcl_ring_bytes(parts->header_len,
							     parts->len));
	if (IS_ERR(to))
		return to;
	ch->tx.copying = item;
	ch->tx.taken = false;
	list_add(&ch->tx.mark.node, &ch->tx.queue);
	ch->tx.signalling++;
	preempt_disable();
	spin_unlock_irqrestore(&ch->tx.lock, irq);

	trace_kmcl_copy(ch, parts->header_len + parts->len);
	if (parts->header)
		memcpy(to, parts->header, parts->header_len);
	else if (parts->header_len)
		kmcl_ext_load(parts->pkt, to);
	to += parts->header_len;
	if (parts->pkt && kmcl_in_frags(parts->pkt, parts->buf, parts->len))
		kmcl_packet_load(parts->pkt, to, parts->len);
	else
		memcpy(to, parts->buf, parts->len);
	memset(to + parts->len, 0, -parts->len & 7);

	spin_lock_irqsave(&ch->tx.lock, irq);
	preempt_enable();
	/* Who waits for this does not see it before the caller drops the lock */
	kmcl_tx_signalled(ch);
	list_del(&ch->tx.mark.node);
	ch->tx.copying = NULL;
	return ch->tx.taken ? ERR_PTR(-ECANCELED) : to;
}

/* The same for a packet: it may be sent if the gate is open then */
const void *kmcl_copy_packet(struct kmcl_packet *pkt, const void *buf, u32 len,
			     unsigned long irq)
	__must_hold(&pkt->ch->tx.lock)
{
	const __le64 message = kmcl_pipe_header(len);
	struct kmcl_parts parts = {
		.pkt = pkt,
		.header_len = pkt->ext_len,
		.buf = buf,
		.len = len,
	};

	lockdep_assert_held(&pkt->ch->tx.lock);
	if (pkt->ch->cfg.pipe) {
		parts.header = &message;
		parts.header_len = sizeof(message);
	}
	return kmcl_copy_large(pkt->ch, &pkt->item, &parts, irq);
}

/*
 * An entry was taken off the queue. Is it being copied? Then it belongs to whoever
 * copies it, who ends it.
 */
bool kmcl_copy_take(struct kmcl_channel *ch, const struct kmcl_item *item)
	__must_hold(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	if (likely(item != ch->tx.copying))
		return false;
	ch->tx.taken = true;
	return true;
}
