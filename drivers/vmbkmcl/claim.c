// SPDX-License-Identifier: GPL-2.0
/*
 * The channels, the offers, and which devices the channels claim, so that a
 * transport takes no others.
 *
 * A channel claims a device of its target from the moment it is enabled until
 * its driver disables or frees it. So the claim outlasts a rescind: the device
 * that comes back is kept for the channel, whose work item may still be closing
 * it, or whose driver may not have enabled it again yet. It ends when the device
 * is taken away by unbinding it, which is somebody's wish.
 *
 * kmcl_bus_lock protects the two lists and the claims. No function here sleeps.
 */
#include <linux/export.h>

#include "channel.h"

DEFINE_SPINLOCK(kmcl_bus_lock);
LIST_HEAD(kmcl_channels);
LIST_HEAD(kmcl_offers);
bool kmcl_hibernating;

void kmcl_bus_add_channel(struct kmcl_channel *ch)
{
	spin_lock_irq(&kmcl_bus_lock);
	list_add_tail(&ch->link.node, &kmcl_channels);
	spin_unlock_irq(&kmcl_bus_lock);
}

void kmcl_bus_del_channel(struct kmcl_channel *ch)
{
	spin_lock_irq(&kmcl_bus_lock);
	list_del_init(&ch->link.node);
	spin_unlock_irq(&kmcl_bus_lock);
}

/*
 * Find a channel that claims such a device and is not covered; one that claims
 * this instance comes before one that claims any.
 */
static struct kmcl_channel *claimant(const guid_t *type, const guid_t *instance)
	__must_hold(&kmcl_bus_lock)
{
	struct kmcl_channel *ch, *any = NULL;

	lockdep_assert_held(&kmcl_bus_lock);
	list_for_each_entry(ch, &kmcl_channels, link.node) {
		if (!ch->link.claims || ch->link.covered ||
		    !guid_equal(&ch->link.claimed_type, type))
			continue;
		if (ch->link.claims_any)
			any = any ?: ch;
		else if (guid_equal(&ch->link.claimed_instance, instance))
			return ch;
	}
	return any;
}

/*
 * Mark the channels that have a device, and, of those that claim one of the class,
 * those for which one is there. @except: an offer that is not to count.
 */
static void cover(const guid_t *type, const struct kmcl_offer *except)
	__must_hold(&kmcl_bus_lock)
{
	struct kmcl_offer *offer;
	struct kmcl_channel *ch;

	lockdep_assert_held(&kmcl_bus_lock);
	list_for_each_entry(ch, &kmcl_channels, link.node)
		ch->link.covered = ch->link.offer && kmcl_offer_live(ch->link.offer);
	list_for_each_entry(offer, &kmcl_offers, node) {
		if (offer == except || offer->owner || offer->ch ||
		    !kmcl_offer_live(offer) || !guid_equal(&offer->type, type))
			continue;
		ch = claimant(&offer->type, &offer->instance);
		if (ch)
			ch->link.covered = true;
	}
}

/* Does a channel claim such a device that is not covered? See cover() */
bool kmcl_claimed(const guid_t *type, const guid_t *instance,
		  const struct kmcl_offer *except)
	__must_hold(&kmcl_bus_lock)
{
	lockdep_assert_held(&kmcl_bus_lock);
	cover(type, except);
	return claimant(type, instance);
}

/* Does the channel, which claims a device, have one, or is one there for it? */
bool kmcl_covered(const struct kmcl_channel *ch)
{
	bool covered;

	spin_lock_irq(&kmcl_bus_lock);
	cover(&ch->link.claimed_type, NULL);
	covered = ch->link.covered;
	spin_unlock_irq(&kmcl_bus_lock);
	return covered;
}

/*
 * Enable: put the channel last among those that wait for an offer. With a
 * target, it claims a device of that from here on.
 */
void kmcl_wait_begin(struct kmcl_channel *ch)
{
	spin_lock_irq(&kmcl_bus_lock);
	ch->link.waiting = true;
	ch->link.claims = !ch->server && ch->cfg.have_target;
	ch->link.claims_any = ch->cfg.any_instance;
	ch->link.claimed_type = ch->cfg.type;
	ch->link.claimed_instance = ch->cfg.instance;
	list_move_tail(&ch->link.node, &kmcl_channels);
	spin_unlock_irq(&kmcl_bus_lock);
}

/*
 * The driver wants no device: it has disabled, as is recorded, or frees. If it has
 * enabled again by now, it wants one.
 */
void kmcl_claim_end(struct kmcl_channel *ch)
{
	spin_lock_irq(&kmcl_bus_lock);
	spin_lock(&ch->sm.lock);
	if (!ch->sm.enabling && (!ch->sm.in.enabled || ch->sm.in.disable))
		ch->link.claims = false;
	spin_unlock(&ch->sm.lock);
	spin_unlock_irq(&kmcl_bus_lock);
}

/**
 * kmcl_offer_claimed() - tell whether a device is claimed that is not reported
 * @type: class GUID
 * @instance: instance GUID
 *
 * Context: may sleep.
 * Return: whether kmcl_offer_claim() would take it.
 */
bool kmcl_offer_claimed(const guid_t *type, const guid_t *instance)
{
	bool wanted;

	spin_lock_irq(&kmcl_bus_lock);
	wanted = kmcl_claimed(type, instance, NULL);
	spin_unlock_irq(&kmcl_bus_lock);
	return wanted;
}
EXPORT_SYMBOL_GPL(kmcl_offer_claimed);
