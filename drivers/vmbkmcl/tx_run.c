// SPDX-License-Identifier: GPL-2.0
/*
 * Outgoing direction: writing many packets of the queue one after the other, for
 * tx_queue.c, on which the speed of writing a long queue depends.
 *
 * ch->tx.lock protects all of it. Everything is atomic.
 */
#include <linux/list.h>

#include "channel.h"
#include "trace.h"
#include "tx_put.h"

/*
 * Write a packet of the queue; false: it is something else, or no room is known for
 * it. A request leaves the queue, another one does not.
 */
static __always_inline bool put_one(struct kmcl_channel *ch,
				    struct kmcl_packet *pkt)
	__must_hold(&ch->tx.lock)
{
	struct list_head *prev = pkt->item.node.prev;

	lockdep_assert_held(&ch->tx.lock);
	if (pkt->item.kind != KMCL_ITEM_PACKET || pkt->ext_len ||
	    kmcl_in_frags(pkt, pkt->buf, pkt->len) ||
	    kmcl_ring_bytes(0, pkt->len) >= ch->tx.ring.known)
		return false;
	/* Before it gets into the list of packets in flight */
	if (pkt->wait)
		kmcl_flight_del(pkt);
	if (likely(!kmcl_put_first(ch, pkt, pkt->buf, pkt->len, true,
				   KMCL_TX_AT_ONCE)))
		return true;
	if (pkt->wait)
		list_add(&pkt->item.node, prev);
	return false;
}

/*
 * Write the packets at the beginning of the queue, up to one that is not plain, or
 * for which no room is known; at most @most of them, and no more when *@bytes is a
 * burst. The gate is open. The routines of those that need no completion are due
 * then. Returns how many, and adds the size of their payloads to *@bytes.
 */
u32 kmcl_put_run(struct kmcl_channel *ch, u32 most, u32 *bytes)
	__must_hold(&ch->tx.lock)
{
	struct kmcl_tx *tx = &ch->tx;
	struct list_head *node, *next;
	u32 n, requests = 0;
	LIST_HEAD(run);

	lockdep_assert_held(&tx->lock);
	if (unlikely(ch->cfg.pipe))
		return 0;
	for (n = 0, node = tx->queue.next; n < most && node != &tx->queue &&
	     *bytes < KMCL_TX_BURST_BYTES; n++, node = next) {
		struct kmcl_packet *pkt = list_entry(node, struct kmcl_packet,
						     item.node);

		next = node->next;
		if (!put_one(ch, pkt))
			break;
		*bytes += pkt->len;
		kmcl_tx_unqueued(tx, pkt);
		if (pkt->wait) {
			requests++;
			continue;
		}
		pkt->state = KMCL_PKT_DONE;
		pkt->status = 0;
		pkt->len = 0;
	}
	if (n == requests)
		return n;
	tx->n.completed += n - requests;
	/* These are still linked as they were in the queue */
	list_cut_position(&run, &tx->queue, node->prev);
	list_splice_tail(&run, &tx->done);
	return n;
}
