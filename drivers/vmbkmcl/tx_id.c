// SPDX-License-Identifier: GPL-2.0
/*
 * Transactions: which packet in flight a completion names.
 *
 * A packet of the library's has a slot as long as it lives, and the slot's index in
 * the low half of its ids. One in memory of the driver's has none: that memory can
 * go without a word, and a driver may have as many of them as it has requests. Its
 * ids have a low half of 0, and while it is in flight it stands in a hash table, by
 * the generation in the high half. So does one that was restored, whose id somebody
 * else has chosen. Nothing here allocates but a new packet's slot.
 *
 * All of it is atomic, and but for making and freeing slots under ch->tx.lock;
 * the table of slots has its own lock, inside of it.
 */
#include <linux/slab.h>

#include "channel.h"

struct kmcl_slot *kmcl_slot_new(struct kmcl_channel *ch, gfp_t gfp)
{
	struct kmcl_slot *slot = kzalloc(sizeof(*slot), gfp);
	unsigned long flags;
	int ret;

	if (!slot)
		return NULL;
	xa_lock_irqsave(&ch->tx.slots, flags);
	/* The lock is held: the allocation must not sleep whatever gfp says */
	ret = __xa_alloc(&ch->tx.slots, &slot->index, slot, xa_limit_31b,
			 GFP_ATOMIC);
	xa_unlock_irqrestore(&ch->tx.slots, flags);
	if (ret) {
		kfree(slot);
		return NULL;
	}
	return slot;
}

void kmcl_slot_free(struct kmcl_channel *ch, struct kmcl_slot *slot)
{
	unsigned long flags;

	xa_lock_irqsave(&ch->tx.slots, flags);
	__xa_erase(&ch->tx.slots, slot->index);
	xa_unlock_irqrestore(&ch->tx.slots, flags);
	/* A late completion may be looking at it */
	kfree_rcu(slot, rcu);
}

static u32 generation(u64 trans_id)
{
	return trans_id >> 32;
}

/* A packet without a slot, or with an id of somebody else's, is in flight. */
void kmcl_trans_add(struct kmcl_packet *pkt, u64 trans_id)
	__must_hold(&pkt->ch->tx.lock)
{
	struct kmcl_channel *ch = pkt->ch;

	lockdep_assert_held(&ch->tx.lock);
	pkt->trans_id = trans_id;
	hash_add(ch->tx.slotless, &pkt->slotless, generation(trans_id));
}

/* Keep new ids apart from one that was made elsewhere. */
void kmcl_trans_skip(struct kmcl_channel *ch, u64 trans_id)
	__must_hold(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	if ((s32)(generation(trans_id) - ch->tx.generation) > 0)
		ch->tx.generation = generation(trans_id);
}

/* The packet in flight with that id, or NULL. */
struct kmcl_packet *kmcl_trans_find(struct kmcl_channel *ch, u64 trans_id)
	__must_hold(&ch->tx.lock)
{
	struct kmcl_packet *pkt;
	struct kmcl_slot *slot;

	lockdep_assert_held(&ch->tx.lock);
	slot = xa_load(&ch->tx.slots, (u32)trans_id);
	if (likely(slot && slot->pkt && slot->trans_id == trans_id))
		return slot->pkt;
	hash_for_each_possible(ch->tx.slotless, pkt, slotless,
			       generation(trans_id))
		if (pkt->trans_id == trans_id)
			return pkt;
	return NULL;
}

/* What it is called by, in flight or last; before the first time 0. */
u64 kmcl_trans_id(const struct kmcl_packet *pkt)
{
	return pkt->slot && pkt->slot->pkt == pkt ? pkt->slot->trans_id :
		pkt->trans_id;
}

/* It is not in flight any more. */
void kmcl_trans_end(struct kmcl_packet *pkt)
	__must_hold(&pkt->ch->tx.lock)
{
	struct kmcl_slot *slot = pkt->slot;

	lockdep_assert_held(&pkt->ch->tx.lock);
	if (likely(slot && slot->pkt)) {
		slot->pkt = NULL;
		slot->trans_id = 0;
	} else if (!hlist_unhashed(&pkt->slotless)) {
		hash_del(&pkt->slotless);
	}
}
