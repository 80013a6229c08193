// SPDX-License-Identifier: GPL-2.0
/*
 * Transaction slots: the channel's table of what a completion may name.
 *
 * A packet of the library's has a slot as long as it lives. One in memory of the
 * driver's is lent one while it is in flight: its memory can go without a word, and
 * a driver may have as many such packets as it has requests. Where there is no
 * memory for another slot the packet waits in the queue until one comes back.
 *
 * ch->tx_lock covers the slots that are lent and those that are to be; the table
 * has its own lock, inside of it. Everything is atomic.
 */
#include <linux/slab.h>

#include "kmcl_internal.h"

struct kmcl_slot *kmcl_slot_new(struct kmcl_channel *ch, gfp_t gfp)
{
	struct kmcl_slot *slot = kzalloc(sizeof(*slot), gfp);
	unsigned long flags;
	int ret;

	if (!slot)
		return NULL;
	xa_lock_irqsave(&ch->slots, flags);
	/* The lock is held: the allocation must not sleep whatever gfp says */
	ret = __xa_alloc(&ch->slots, &slot->index, slot, xa_limit_31b,
			 GFP_ATOMIC);
	xa_unlock_irqrestore(&ch->slots, flags);
	if (ret) {
		kfree(slot);
		return NULL;
	}
	return slot;
}

void kmcl_slot_free(struct kmcl_channel *ch, struct kmcl_slot *slot)
{
	unsigned long flags;

	xa_lock_irqsave(&ch->slots, flags);
	__xa_erase(&ch->slots, slot->index);
	xa_unlock_irqrestore(&ch->slots, flags);
	/* A late completion may be looking at it */
	kfree_rcu(slot, rcu);
}

/* All of them; nothing is in flight, and no packet is left. */
void kmcl_slots_free(struct kmcl_channel *ch)
{
	struct kmcl_slot *slot;
	unsigned long index;

	INIT_LIST_HEAD(&ch->slots_spare);
	ch->slots_spares = 0;
	ch->slots_lendable = false;
	xa_for_each(&ch->slots, index, slot)
		kfree(slot);
	xa_destroy(&ch->slots);
}

static void keep(struct kmcl_channel *ch, struct kmcl_slot *slot)
{
	list_add(&slot->spare, &ch->slots_spare);
	ch->slots_spares++;
}

/*
 * Let there be one that can be lent: where that is out, a packet ends that gives
 * it back. 0 or -ENOMEM.
 */
int kmcl_slot_reserve(struct kmcl_channel *ch)
{
	struct kmcl_slot *slot;

	lockdep_assert_held(&ch->tx_lock);
	if (ch->slots_lendable)
		return 0;
	slot = kmcl_slot_new(ch, GFP_ATOMIC);
	if (!slot)
		return -ENOMEM;
	keep(ch, slot);
	ch->slots_lendable = true;
	return 0;
}

struct kmcl_slot *kmcl_slot_lend(struct kmcl_channel *ch)
{
	struct kmcl_slot *slot;

	lockdep_assert_held(&ch->tx_lock);
	slot = list_first_entry_or_null(&ch->slots_spare, struct kmcl_slot,
					spare);
	if (slot) {
		list_del(&slot->spare);
		ch->slots_spares--;
		return slot;
	}
	slot = kmcl_slot_new(ch, GFP_ATOMIC);
	if (!slot)
		ch->slots_short = true;
	return slot;
}

void kmcl_slot_return(struct kmcl_channel *ch, struct kmcl_slot *slot)
{
	lockdep_assert_held(&ch->tx_lock);
	if (ch->slots_spares < KMCL_CACHED)
		keep(ch, slot);
	else
		kmcl_slot_free(ch, slot);
	if (!ch->slots_short)
		return;
	ch->slots_short = false;
	/* It looks at the queue too. Once the link is dead it must not run again */
	if (ch->tx_link)
		tasklet_schedule(&ch->rx_tasklet);
}

/* Have @slot, which is not in flight, answer to the id that the peer knows. */
int kmcl_slot_take_index(struct kmcl_channel *ch, struct kmcl_slot *slot,
			 u32 index)
{
	struct xarray *slots = &ch->slots;
	struct kmcl_slot *other;
	int ret = 0;

	lockdep_assert_held(&ch->tx_lock);
	xa_lock(slots);
	other = xa_load(slots, index);
	if (other == slot)
		goto unlock;
	if (other && other->pkt) {
		/* Two packets of one id */
		ret = KMCL_ERR(EINVAL, 2);
	} else if (other) {
		/* Both places are there: neither store allocates */
		__xa_store(slots, index, slot, GFP_ATOMIC);
		__xa_store(slots, slot->index, other, GFP_ATOMIC);
		other->index = slot->index;
		slot->index = index;
	} else {
		ret = __xa_insert(slots, index, slot, GFP_ATOMIC);
		if (!ret) {
			__xa_erase(slots, slot->index);
			slot->index = index;
		}
	}
unlock:
	xa_unlock(slots);
	return ret;
}
