// SPDX-License-Identifier: GPL-2.0
/*
 * Incoming direction: delivery in the context of somebody who sends.
 *
 * The caller has the right to deliver meanwhile, so that nobody else does; see rx.h.
 * Everything here is atomic, with bottom halves off in between.
 */
#include <linux/bottom_half.h>
#include <linux/export.h>

#include "channel.h"

/**
 * kmcl_poll_begin() - receive what the peer answers without an interrupt
 * @ch: the channel
 *
 * Until kmcl_poll_end() the peer is asked not to signal, and nothing is delivered.
 * A peer that answers as soon as it is signalled, or runs on the same processor as
 * this guest, has answered when the call that has sent returns: its interrupt, and
 * the softirq, are saved. With a peer that takes longer it is as without this.
 *
 * If true, bottom halves are off until kmcl_poll_end(), which has to follow soon, in
 * the same context, and before the channel is freed. If false, delivery runs
 * elsewhere, or is in process context, or the channel is not open: there is nothing
 * to end.
 *
 * Context: atomic, but no hard interrupt.
 * Return: true: the caller delivers, in kmcl_poll_end().
 */
bool kmcl_poll_begin(struct kmcl_channel *ch)
{
	struct kmcl_rx *rx = &ch->rx;

	local_bh_disable();
	if (atomic_read(&rx->state) != KMCL_RX_OPEN ||
	    atomic_cmpxchg(&rx->running, KMCL_RX_FREE, KMCL_RX_RUNNING) !=
	    KMCL_RX_FREE) {
		local_bh_enable();
		return false;
	}
	/* Again: the barrier of that pairs with kmcl_rx_stop() */
	if (unlikely(atomic_read(&rx->state) != KMCL_RX_OPEN)) {
		if (kmcl_rx_give_back(ch) & KMCL_RX_OPEN)
			kmcl_rx_schedule(ch, false);
		local_bh_enable();
		return false;
	}
	kmcl_ring_mask(&rx->ring);
	return true;
}
EXPORT_SYMBOL_GPL(kmcl_poll_begin);

/**
 * kmcl_poll_end() - deliver what has come since kmcl_poll_begin()
 * @ch: the channel
 *
 * The client's callbacks run in this call, so that no lock may be held which they
 * take. The channel is not freed meanwhile.
 *
 * Context: atomic, but no hard interrupt.
 */
void kmcl_poll_end(struct kmcl_channel *ch)
{
	/* The ring stays masked: whoever delivers next unmasks it */
	kmcl_rx_give_back(ch);
	kmcl_rx_signalled(ch);
	local_bh_enable();
}
EXPORT_SYMBOL_GPL(kmcl_poll_end);
