// SPDX-License-Identifier: GPL-2.0
/*
 * The transport besides loopback: which classes it watches for channels, and
 * which parents they have adopted.
 *
 * kmcl_watch_mutex protects the transport and which channels watch a class. It
 * is held across @watch, @unwatch and @look, which only record what is asked
 * for: so no channel waits behind the device of another one.
 * kmcl_adopt_mutex protects which channels have adopted their parent, and is
 * held across @adopt and @disown. There are two because a driver's probe() and
 * remove(), which adopt and disown, run with the device locked.
 * Operations that wait for devices or drivers are called with neither, see
 * kmcl_transport_begin().
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/mutex.h>

#include "channel.h"

static DEFINE_MUTEX(kmcl_watch_mutex);
static const struct kmcl_transport_ops *kmcl_transport;
static bool kmcl_transport_going;	/* no new watches */
static DEFINE_MUTEX(kmcl_adopt_mutex);
static const struct kmcl_transport_ops *kmcl_adopter;

/*
 * Take the adopted offer of @ch, or of any channel if @ch is NULL, for the
 * caller to disown. From here on no channel can bind to it.
 */
static struct kmcl_offer *take_adopted(struct kmcl_channel *ch)
	__must_hold(&kmcl_adopt_mutex)
{
	struct kmcl_offer *offer = NULL;
	struct kmcl_channel *pos;

	lockdep_assert_held(&kmcl_adopt_mutex);
	spin_lock_irq(&kmcl_bus_lock);
	list_for_each_entry(pos, &kmcl_channels, link.node) {
		if (!pos->link.adopted || (ch && pos != ch))
			continue;
		offer = pos->link.adopted;
		pos->link.adopted = NULL;
		offer->broken = true;
		break;
	}
	spin_unlock_irq(&kmcl_bus_lock);
	return offer;
}

/* Disown the parent. The channel is disabled, so this waits for nobody. */
static void disown_parent(struct kmcl_channel *ch)
{
	struct kmcl_offer *offer;

	mutex_lock(&kmcl_adopt_mutex);
	offer = take_adopted(ch);
	if (offer)
		offer->ops->disown(offer);
	mutex_unlock(&kmcl_adopt_mutex);
}

/* Adopt the parent of a client that has no target. Sleeps. */
static int adopt_parent(struct kmcl_channel *ch)
{
	struct kmcl_offer *offer;
	int ret = 0;

	mutex_lock(&kmcl_adopt_mutex);
	if (!kmcl_adopter) {
		ret = -ENXIO;
	} else if (!ch->link.adopted) {
		offer = kmcl_adopter->adopt(ch->parent, ch);
		if (IS_ERR(offer)) {
			ret = PTR_ERR(offer);
		} else {
			/* Read with this lock alone by adopted(), suspend.c */
			spin_lock_irq(&kmcl_bus_lock);
			ch->link.adopted = offer;
			spin_unlock_irq(&kmcl_bus_lock);
		}
	}
	mutex_unlock(&kmcl_adopt_mutex);
	return ret;
}

/* Watch the target's class, or look for its devices again if it is watched */
static int watch_target(struct kmcl_channel *ch)
	__must_hold(&kmcl_watch_mutex)
{
	bool look;
	int ret;

	lockdep_assert_held(&kmcl_watch_mutex);
	/* A transport that is registered later watches the class then */
	ch->link.wants_watch = true;
	if (!kmcl_transport || kmcl_transport_going)
		return 0;
	/* Not for a device that is reported already */
	look = !kmcl_covered(ch);
	if (ch->link.watching &&
	    guid_equal(&ch->link.watched, &ch->cfg.type)) {
		if (look && kmcl_transport->look)
			kmcl_transport->look(&ch->link.watched);
		return 0;
	}
	if (ch->link.watching)
		kmcl_transport->unwatch(&ch->link.watched);
	ret = kmcl_transport->watch(&ch->cfg.type, look);
	ch->link.watching = !ret;
	ch->link.watched = ch->cfg.type;
	return ret;
}

/*
 * Make the transport report the offers for a client that is being enabled:
 * watch its class or, if it has no target, adopt its parent. Sleeps.
 */
int kmcl_watch(struct kmcl_channel *ch)
{
	int ret;

	if (!ch->cfg.have_target)
		return adopt_parent(ch);
	/* It has been given a target since */
	disown_parent(ch);

	mutex_lock(&kmcl_watch_mutex);
	ret = watch_target(ch);
	mutex_unlock(&kmcl_watch_mutex);
	return ret;
}

/*
 * Free: watch no class any more. Waits until the transport has let go of its
 * devices, if no other channel watches it, but not without limit. Sleeps.
 */
void kmcl_unwatch(struct kmcl_channel *ch)
{
	const struct kmcl_transport_ops *ops = NULL;
	struct kmcl_transport_call call = {};

	disown_parent(ch);
	/* A driver's remove() must not wait for kmcl_watch_mutex, see above */
	if (!ch->link.wants_watch)
		return;
	mutex_lock(&kmcl_watch_mutex);
	if (ch->link.watching) {
		kmcl_transport->unwatch(&ch->link.watched);
		if (kmcl_transport->settle) {
			ops = kmcl_transport;
			call.type = ch->link.watched;
			kmcl_transport_begin(&call);
		}
	}
	ch->link.watching = false;
	ch->link.wants_watch = false;
	mutex_unlock(&kmcl_watch_mutex);
	if (!ops)
		return;
	ops->settle(&ch->link.watched);
	kmcl_transport_end(&call);
}

static void set_adopter(const struct kmcl_transport_ops *ops)
{
	mutex_lock(&kmcl_adopt_mutex);
	kmcl_adopter = ops;
	mutex_unlock(&kmcl_adopt_mutex);
}

/* Disown every adopted parent, and adopt no more. Sleeps. */
static void disown_all(void)
{
	struct kmcl_offer *offer;

	set_adopter(NULL);
	for (;;) {
		mutex_lock(&kmcl_adopt_mutex);
		offer = take_adopted(NULL);
		mutex_unlock(&kmcl_adopt_mutex);
		if (!offer)
			return;
		/* Without the mutex: waits for callbacks, which may enable */
		offer->ops->disown(offer);
	}
}

/**
 * kmcl_transport_register() - register a transport
 * @ops: its operations
 *
 * The classes of enabled channels are watched when it returns.
 *
 * Context: may sleep.
 * Return: 0, or -EBUSY: there is one already, besides loopback.
 */
int kmcl_transport_register(const struct kmcl_transport_ops *ops)
{
	struct kmcl_channel *ch;
	int ret;

	mutex_lock(&kmcl_watch_mutex);
	if (kmcl_transport) {
		mutex_unlock(&kmcl_watch_mutex);
		return -EBUSY;
	}
	kmcl_transport = ops;
	if (ops->adopt)
		set_adopter(ops);
again:
	spin_lock_irq(&kmcl_bus_lock);
	list_for_each_entry(ch, &kmcl_channels, link.node) {
		if (ch->link.watching || !ch->link.wants_watch)
			continue;
		kmcl_channel_get(ch);
		spin_unlock_irq(&kmcl_bus_lock);
		ch->link.watching = true;
		ch->link.watched = ch->cfg.type;
		/* A copy, since its driver may be changing the target */
		ret = ops->watch(&ch->link.watched, true);
		if (ret) {
			pr_warn("%s: %s cannot watch class %pUl (%d); enable the channel again\n",
				kmcl_name(ch), ops->name, &ch->link.watched, ret);
			ch->link.watching = false;
			ch->link.wants_watch = false;
		}
		kmcl_channel_put(ch);
		goto again;
	}
	spin_unlock_irq(&kmcl_bus_lock);
	mutex_unlock(&kmcl_watch_mutex);
	return 0;
}
EXPORT_SYMBOL_GPL(kmcl_transport_register);

/* Take one of the remaining watches, if any, for the caller to undo. */
static bool take_watch(guid_t *type)
	__must_hold(&kmcl_watch_mutex)
{
	struct kmcl_channel *ch;
	bool found = false;

	lockdep_assert_held(&kmcl_watch_mutex);
	spin_lock_irq(&kmcl_bus_lock);
	list_for_each_entry(ch, &kmcl_channels, link.node) {
		if (ch->link.watching) {
			ch->link.watching = false;
			*type = ch->link.watched;
			found = true;
			break;
		}
	}
	spin_unlock_irq(&kmcl_bus_lock);
	return found;
}

/**
 * kmcl_transport_unregister() - unregister a transport
 * @ops: its operations; another transport's are ignored
 *
 * Undoes every watch and adopt.
 *
 * Context: may sleep; waits for the channels that use its offers to close.
 */
void kmcl_transport_unregister(const struct kmcl_transport_ops *ops)
{
	guid_t type;

	mutex_lock(&kmcl_watch_mutex);
	if (kmcl_transport != ops) {
		mutex_unlock(&kmcl_watch_mutex);
		return;
	}
	kmcl_transport_going = true;
	while (take_watch(&type))
		ops->unwatch(&type);
	mutex_unlock(&kmcl_watch_mutex);
	/* Without the mutex: this waits for callbacks, which may enable */
	if (ops->settle)
		ops->settle(NULL);
	disown_all();
	/* The last of the release operations, too */
	kmcl_transport_wait_ended(ops);
	mutex_lock(&kmcl_watch_mutex);
	kmcl_transport = NULL;
	kmcl_transport_going = false;
	mutex_unlock(&kmcl_watch_mutex);
}
EXPORT_SYMBOL_GPL(kmcl_transport_unregister);
