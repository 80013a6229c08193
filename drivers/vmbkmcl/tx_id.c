// SPDX-License-Identifier: GPL-2.0
/*
 * Transaction ids: finding the packet in flight that a completion is for.
 *
 * Packets in flight are in a hash table by their ids, whoever has allocated them:
 * the entry is in the packet. So nothing is allocated for a packet, and nothing of
 * one that is not in flight is left, whose memory the driver may free without a
 * call of the library.
 *
 * The high half of an id is a number that each request increases, and which is the
 * key of the table: the next request is in the next bucket. It is never 0, which
 * packets without a completion have there. The low half is the round, increased
 * when the numbers begin again: ids are not used twice in 2^62 requests, so that
 * none is 0 and no two packets in flight have the same one, without looking. A
 * restored packet has the id that it was saved with; the rounds after it are
 * above that.
 *
 * The table grows with the packets in flight, in a work item: no bucket has many
 * of them, in whatever order the peer completes them. It moves them in bursts,
 * between which they are in either table.
 *
 * ch->tx.lock is held, except where a work item or its end is concerned, which
 * sleep; everything else is atomic.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "channel.h"

#define GROWTH		8U
#define MOST_BUCKETS	BIT(17)

/* Do not use the round of a restored id, nor any before it, for new packets. */
void kmcl_trans_skip(struct kmcl_channel *ch, u64 trans_id)
	__must_hold(&ch->tx.lock)
{
	u32 round = (u32)trans_id;

	lockdep_assert_held(&ch->tx.lock);
	if (round < KMCL_ROUNDS && round >= ch->tx.round)
		ch->tx.round = round + 1;
}

/* Begin the numbers again, if they have come to their end. */
void kmcl_trans_wrap(struct kmcl_channel *ch)
	__must_hold(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	if (ch->tx.number != U32_MAX)
		return;
	ch->tx.number = 0;
	ch->tx.round++;
}

/* As kmcl_trans_find(), among the packets that have not been moved yet */
struct kmcl_packet *kmcl_trans_find_old(const struct kmcl_tx *tx, u64 trans_id)
	__must_hold(&tx->lock)
{
	u32 bucket = (trans_id >> 32) & tx->old_mask;
	struct kmcl_packet *pkt;

	lockdep_assert_held(&tx->lock);
	hlist_for_each_entry(pkt, &tx->old[bucket], hashed)
		if (pkt->trans_id == trans_id)
			return pkt;
	return NULL;
}

/* There are more packets in flight than the table is for. */
void kmcl_trans_crowded(struct kmcl_channel *ch)
	__must_hold(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	/* Not again before the work has run */
	ch->tx.grow_at = U64_MAX;
	queue_work(kmcl_wq, &ch->tx.grow);
}

/* Called after each step of a long loop, see tx.h. */
static void end_step(struct kmcl_channel *ch, u32 n, unsigned long *flags)
	__must_hold(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	if (n % KMCL_TX_BURST)
		return;
	spin_unlock_irqrestore(&ch->tx.lock, *flags);
	spin_lock_irqsave(&ch->tx.lock, *flags);
}

/* Move the packets of ch->tx.old to the new table. */
static void move(struct kmcl_channel *ch, unsigned long *flags)
	__must_hold(&ch->tx.lock)
{
	struct hlist_head *bucket, *end = ch->tx.old + ch->tx.old_mask + 1;
	struct kmcl_packet *pkt;
	u32 n = 0;

	lockdep_assert_held(&ch->tx.lock);
	for (bucket = ch->tx.old; bucket < end; bucket++) {
		while (!hlist_empty(bucket)) {
			pkt = hlist_entry(bucket->first, struct kmcl_packet,
					  hashed);
			hlist_del(&pkt->hashed);
			hlist_add_head(&pkt->hashed,
				       kmcl_trans_bucket(&ch->tx,
							 pkt->trans_id));
			end_step(ch, ++n, flags);
		}
		end_step(ch, ++n, flags);
	}
	ch->tx.old = NULL;
}

static void grow(struct work_struct *work)
{
	struct kmcl_channel *ch = container_of(work, struct kmcl_channel,
					       tx.grow);
	/* Only this changes it */
	u32 count = GROWTH * (ch->tx.mask + 1);
	struct hlist_head *old = ch->tx.buckets, *buckets;
	unsigned long flags;

	buckets = kvcalloc(count, sizeof(*buckets), GFP_KERNEL | __GFP_NOWARN);
	spin_lock_irqsave(&ch->tx.lock, flags);
	if (!buckets) {
		/* Try again with twice as many packets */
		ch->tx.grow_at = 2 * max_t(u64, ch->tx.n.in_flight,
					   ch->tx.mask + 1);
		spin_unlock_irqrestore(&ch->tx.lock, flags);
		return;
	}
	ch->tx.old = old;
	ch->tx.old_mask = ch->tx.mask;
	ch->tx.buckets = buckets;
	ch->tx.mask = count - 1;
	move(ch, &flags);
	ch->tx.grow_at = count < MOST_BUCKETS ? count : U64_MAX;
	spin_unlock_irqrestore(&ch->tx.lock, flags);
	if (old != ch->tx.first_buckets)
		kvfree(old);
}

void kmcl_trans_init(struct kmcl_channel *ch)
{
	ch->tx.numbers_end = U32_MAX;
	ch->tx.buckets = ch->tx.first_buckets;
	ch->tx.mask = KMCL_FIRST_BUCKETS - 1;
	ch->tx.grow_at = KMCL_FIRST_BUCKETS;
	INIT_WORK(&ch->tx.grow, grow);
}

/* The channel is freed, and nothing is in flight. Sleeps. */
void kmcl_trans_free(struct kmcl_channel *ch)
{
	cancel_work_sync(&ch->tx.grow);
	if (ch->tx.buckets != ch->tx.first_buckets)
		kvfree(ch->tx.buckets);
}
