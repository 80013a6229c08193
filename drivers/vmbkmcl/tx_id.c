// SPDX-License-Identifier: GPL-2.0
/*
 * Transaction ids: finding the packet in flight that a completion is for.
 *
 * A packet that the library allocated has a slot until it is freed, and the
 * slot's index in the low half of its ids. A packet in the driver's memory has
 * none, since the driver may free that memory without a call of the library.
 * The low half of its ids is KMCL_NO_SLOT, and while it is in flight it is in a
 * hash table, by the generation in the high half. A restored packet in flight
 * is in that table, too, since its id was not chosen here.
 *
 * The generation of a packet in flight is never 0, which is that of packets
 * without a completion, and a new one is none that is in the table. So, after
 * the generations have wrapped as well, no id is 0, which Hyper-V would not
 * answer, and no two packets in flight have the same one: a slot has one
 * packet. Sending does not search the table: ch->tx.unused_end says how far
 * that is known.
 *
 * Everything here is atomic, except that kmcl_slot_new() allocates as @gfp
 * says. ch->tx.lock is held except for making and freeing slots; the table of
 * slots has its own lock, which nests inside.
 */
#include <linux/slab.h>

#include "channel.h"

#define MOST_UNUSED	BIT(30)

struct kmcl_slot *kmcl_slot_new(struct kmcl_channel *ch, gfp_t gfp)
{
	struct kmcl_slot *slot = kzalloc(sizeof(*slot), gfp | __GFP_NOWARN);
	unsigned long flags;
	int ret;

	if (!slot)
		return NULL;
	xa_lock_irqsave(&ch->tx.slots, flags);
	/*
	 * The lock is held: the allocation must not sleep whatever gfp says,
	 * and not print, since a console may send the message on this channel.
	 */
	ret = __xa_alloc(&ch->tx.slots, &slot->index, slot, xa_limit_31b,
			 GFP_ATOMIC | __GFP_NOWARN);
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
	/* A late completion may still be using it */
	kfree_rcu(slot, rcu);
}

static u32 generation(u64 trans_id)
{
	return trans_id >> 32;
}

/* Add a packet without a slot, or with a restored id, that is now in flight. */
void kmcl_trans_add(struct kmcl_packet *pkt, u64 trans_id)
	__must_hold(&pkt->ch->tx.lock)
{
	struct kmcl_channel *ch = pkt->ch;

	lockdep_assert_held(&ch->tx.lock);
	pkt->trans_id = trans_id;
	hash_add(ch->tx.slotless, &pkt->slotless, generation(trans_id));
}

/* Do not reuse a restored id for new packets. */
void kmcl_trans_skip(struct kmcl_channel *ch, u64 trans_id)
	__must_hold(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	if ((s32)(generation(trans_id) - ch->tx.generation) > 0)
		ch->tx.generation = generation(trans_id);
	/* If it is far away it is met after a wrap: know of none */
	ch->tx.unused_end = ch->tx.generation + 1;
}

static bool generation_used(struct kmcl_channel *ch, u32 value)
	__must_hold(&ch->tx.lock)
{
	struct kmcl_packet *pkt;

	lockdep_assert_held(&ch->tx.lock);
	hash_for_each_possible(ch->tx.slotless, pkt, slotless, value)
		if (generation(pkt->trans_id) == value)
			return true;
	return false;
}

/*
 * Make ch->tx.generation the one before the next unused one, and find out how
 * many are unused from there on. Called at least once in MOST_UNUSED sends, so that a
 * packet that is in flight for longer than that is seen.
 */
void kmcl_trans_find_unused(struct kmcl_channel *ch)
	__must_hold(&ch->tx.lock)
{
	u32 next = ch->tx.generation + 1, count;
	struct kmcl_packet *pkt;
	int bucket;

	lockdep_assert_held(&ch->tx.lock);
	while (!next || generation_used(ch, next))
		next++;
	/* Up to 0, or to the first one that is in use */
	count = min_t(u32, MOST_UNUSED, -next);
	hash_for_each(ch->tx.slotless, bucket, pkt, slotless)
		count = min(count, generation(pkt->trans_id) - next);
	ch->tx.generation = next - 1;
	ch->tx.unused_end = next + count;
}

/* Find the packet in flight with that id, or NULL. */
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

/* The id of a packet in flight */
u64 kmcl_trans_id(const struct kmcl_packet *pkt)
{
	return pkt->slot && pkt->slot->pkt == pkt ? pkt->slot->trans_id :
		pkt->trans_id;
}

/* The packet is not in flight any more, or never was: end its id. */
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
