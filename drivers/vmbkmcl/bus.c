// SPDX-License-Identifier: GPL-2.0
/*
 * The bus: offers, the channels that wait for one, and their binding.
 *
 * kmcl_bus_lock protects the lists and the binding of a channel to an offer.
 * kmcl_watch_mutex protects the transport and which channels watch a class.
 * kmcl_adopt_mutex protects which channels have adopted their parent. Each is
 * held across the transport's operations for that, except in
 * kmcl_transport_unregister(). There are two because a driver's probe() and
 * remove(), which adopt and disown, run with the device locked, and watching a
 * class locks devices.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "channel.h"

DEFINE_SPINLOCK(kmcl_bus_lock);

static DEFINE_MUTEX(kmcl_watch_mutex);
static const struct kmcl_transport_ops *kmcl_transport;
static bool kmcl_transport_going;	/* no new watches */
static DEFINE_MUTEX(kmcl_adopt_mutex);
static const struct kmcl_transport_ops *kmcl_adopter;
static const struct kmcl_server_ops *kmcl_server_bus;
static LIST_HEAD(kmcl_offers);
static LIST_HEAD(kmcl_channels);

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
		if (IS_ERR(offer))
			ret = PTR_ERR(offer);
		else
			ch->link.adopted = offer;
	}
	mutex_unlock(&kmcl_adopt_mutex);
	return ret;
}

/*
 * Make the transport report the offers for a client that is being enabled:
 * watch its class or, if it has no target, adopt its parent. Sleeps.
 */
int kmcl_watch(struct kmcl_channel *ch)
{
	int ret = 0;

	if (!ch->cfg.have_target)
		return adopt_parent(ch);
	/* It has been given a target since */
	disown_parent(ch);

	mutex_lock(&kmcl_watch_mutex);
	/* A transport that is registered later watches the class then */
	ch->link.wants_watch = true;
	if (kmcl_transport && ch->link.watching &&
	    !guid_equal(&ch->link.watched, &ch->cfg.type)) {
		kmcl_transport->unwatch(&ch->link.watched);
		ch->link.watching = false;
	}
	if (kmcl_transport && !kmcl_transport_going && !ch->link.watching) {
		ret = kmcl_transport->watch(&ch->cfg.type);
		ch->link.watching = !ret;
		ch->link.watched = ch->cfg.type;
	}
	mutex_unlock(&kmcl_watch_mutex);
	return ret;
}

void kmcl_unwatch(struct kmcl_channel *ch)
{
	disown_parent(ch);
	/* A driver's remove() must not wait for kmcl_watch_mutex, see above */
	if (!ch->link.wants_watch)
		return;
	mutex_lock(&kmcl_watch_mutex);
	if (kmcl_transport && ch->link.watching)
		kmcl_transport->unwatch(&ch->link.watched);
	ch->link.watching = false;
	ch->link.wants_watch = false;
	mutex_unlock(&kmcl_watch_mutex);
}

static void offer_release(struct kref *ref)
{
	kfree(container_of(ref, struct kmcl_offer, ref));
}

static void offer_put(struct kmcl_offer *offer)
{
	kref_put(&offer->ref, offer_release);
}

static bool wants(const struct kmcl_channel *ch, const struct kmcl_offer *offer)
	__must_hold(&kmcl_bus_lock)
{
	lockdep_assert_held(&kmcl_bus_lock);
	if (ch->server || ch->link.offer ||
	    offer->dead || offer->broken || offer->ch)
		return false;
	/* Only its owner can bind to an adopted device */
	if (offer->owner || !ch->cfg.have_target)
		return offer->owner == ch && !ch->cfg.have_target;
	return guid_equal(&ch->cfg.type, &offer->type) &&
	       (ch->cfg.any_instance ||
		guid_equal(&ch->cfg.instance, &offer->instance));
}

/* Bind @ch to @offer; both are free, and they match. */
static void bind(struct kmcl_channel *ch, struct kmcl_offer *offer)
	__must_hold(&kmcl_bus_lock)
{
	lockdep_assert_held(&kmcl_bus_lock);
	kref_get(&offer->ref);
	kmcl_channel_get(ch);
	ch->link.offer = offer;
	ch->cfg.type = offer->type;
	ch->link.bound_instance = offer->instance;
	WRITE_ONCE(offer->ch, ch);
	kmcl_link_up(ch);
}

/*
 * Channels get offers in the order in which they were enabled, whether their
 * work item has run or not.
 */
static void match_offer(struct kmcl_offer *offer)
	__must_hold(&kmcl_bus_lock)
{
	struct kmcl_channel *ch;
	bool waits;

	lockdep_assert_held(&kmcl_bus_lock);
	list_for_each_entry(ch, &kmcl_channels, link.node) {
		spin_lock(&ch->sm.lock);
		waits = ch->link.waiting && ch->sm.in.enabled &&
			!ch->sm.in.disable && !ch->sm.in.dead;
		spin_unlock(&ch->sm.lock);
		if (waits && wants(ch, offer)) {
			bind(ch, offer);
			return;
		}
	}
}

/* Enable: put the channel last among those that wait for an offer. */
void kmcl_wait_begin(struct kmcl_channel *ch)
{
	spin_lock_irq(&kmcl_bus_lock);
	ch->link.waiting = true;
	list_move_tail(&ch->link.node, &kmcl_channels);
	spin_unlock_irq(&kmcl_bus_lock);
}

/* Step: bind @ch to a free offer, unless another channel was enabled before. */
void kmcl_seek(struct kmcl_channel *ch)
{
	struct kmcl_offer *offer;

	spin_lock_irq(&kmcl_bus_lock);
	ch->link.waiting = true;
	list_for_each_entry(offer, &kmcl_offers, node) {
		if (ch->link.offer)
			break;
		if (wants(ch, offer))
			match_offer(offer);
	}
	spin_unlock_irq(&kmcl_bus_lock);
}

/* Release an offer that was rescinded and unbound, or bind another channel */
static void release_or_match(struct kmcl_offer *offer)
{
	bool release;

	spin_lock_irq(&kmcl_bus_lock);
	release = offer->dead && !offer->gone && !offer->released && !offer->ch;
	if (release)
		offer->released = true;
	else
		match_offer(offer);
	spin_unlock_irq(&kmcl_bus_lock);
	if (release)
		offer->ops->release(offer);
}

/* Step: keep the instance, for kmcl_get_instance() after the channel closes */
void kmcl_bus_opened(struct kmcl_channel *ch)
{
	spin_lock_irq(&kmcl_bus_lock);
	ch->link.last_instance = ch->link.bound_instance;
	spin_unlock_irq(&kmcl_bus_lock);
}

/* Step: an open found the offer rescinded: let no channel bind to it. */
void kmcl_bus_broken(struct kmcl_channel *ch)
{
	spin_lock_irq(&kmcl_bus_lock);
	ch->link.offer->broken = true;
	spin_unlock_irq(&kmcl_bus_lock);
}

/* Step: unbind the offer, and release it if it was rescinded. */
void kmcl_unbind(struct kmcl_channel *ch)
{
	struct kmcl_offer *offer;

	spin_lock_irq(&kmcl_bus_lock);
	offer = ch->link.offer;
	ch->link.offer = NULL;
	ch->link.bound_instance = ch->link.last_instance;
	ch->link.waiting = false;
	if (offer) {
		/* All use of the transport before; pairs with offer_unused() */
		smp_store_release(&offer->ch, NULL);
	}
	spin_unlock_irq(&kmcl_bus_lock);
	if (!offer)
		return;
	wake_up_all(&offer->wait);
	release_or_match(offer);
	offer_put(offer);
	kmcl_channel_put(ch);
}

static void release_work(struct work_struct *work)
{
	struct kmcl_offer *offer = container_of(work, struct kmcl_offer,
						release_work);

	release_or_match(offer);
	offer_put(offer);
}

static struct kmcl_offer *find_offer(const guid_t *type, const guid_t *instance)
	__must_hold(&kmcl_bus_lock)
{
	struct kmcl_offer *offer;

	lockdep_assert_held(&kmcl_bus_lock);
	list_for_each_entry(offer, &kmcl_offers, node)
		if (!offer->dead && guid_equal(&offer->type, type) &&
		    guid_equal(&offer->instance, instance))
			return offer;
	return NULL;
}

bool kmcl_offer_exists(const guid_t *type, const guid_t *instance)
{
	bool found;

	spin_lock_irq(&kmcl_bus_lock);
	found = find_offer(type, instance);
	spin_unlock_irq(&kmcl_bus_lock);
	return found;
}

/**
 * kmcl_offer_add() - report that a device is offered
 * @ops: the transport's operations
 * @type: class GUID
 * @instance: instance GUID
 * @owner: the only channel that may bind to it, or NULL
 * @priv: private data of the transport, see kmcl_offer_priv()
 *
 * Binds a channel that waits for it.
 *
 * Context: may sleep.
 * Return: the offer, whose reference kmcl_offer_gone() drops, or an ERR_PTR:
 * -ENOMEM.
 */
struct kmcl_offer *kmcl_offer_add(const struct kmcl_transport_ops *ops,
				  const guid_t *type, const guid_t *instance,
				  const struct kmcl_channel *owner, void *priv)
{
	struct kmcl_offer *offer = kzalloc_obj(*offer);

	if (!offer)
		return ERR_PTR(-ENOMEM);
	kref_init(&offer->ref);
	offer->ops = ops;
	offer->type = *type;
	offer->instance = *instance;
	offer->owner = owner;
	offer->priv = priv;
	if (ops->flags)
		offer->flags = ops->flags(offer);
	INIT_WORK(&offer->release_work, release_work);
	init_waitqueue_head(&offer->wait);

	spin_lock_irq(&kmcl_bus_lock);
	list_add_tail(&offer->node, &kmcl_offers);
	match_offer(offer);
	spin_unlock_irq(&kmcl_bus_lock);
	return offer;
}
EXPORT_SYMBOL_GPL(kmcl_offer_add);

/**
 * kmcl_offer_rescind() - report that the peer rescinded an offer
 * @offer: the offer
 *
 * Context: atomic. The transport's release operation is called from a
 * workqueue once the channel that used the offer has closed.
 */
void kmcl_offer_rescind(struct kmcl_offer *offer)
{
	struct kmcl_channel *ch;
	unsigned long flags;

	spin_lock_irqsave(&kmcl_bus_lock, flags);
	WRITE_ONCE(offer->rescinded, true);
	if (!offer->dead) {
		offer->dead = true;
		ch = offer->ch;
		if (ch) {
			kmcl_link_dead(ch);
		} else {
			kref_get(&offer->ref);
			queue_work(kmcl_wq, &offer->release_work);
		}
	}
	spin_unlock_irqrestore(&kmcl_bus_lock, flags);
}
EXPORT_SYMBOL_GPL(kmcl_offer_rescind);

/* The transport may free what it has for the offer */
static bool offer_unused(struct kmcl_offer *offer)
{
	return !smp_load_acquire(&offer->ch);	/* pairs with kmcl_unbind() */
}

/**
 * kmcl_offer_gone() - report that the transport drops an offer
 * @offer: the offer; it must not be used afterwards
 *
 * Waits until the channel that uses the offer has closed, and so for its driver
 * to complete the outstanding packets. Inside the release operation no channel
 * uses the offer any more, so it does not wait.
 *
 * Context: may sleep.
 */
void kmcl_offer_gone(struct kmcl_offer *offer)
{
	spin_lock_irq(&kmcl_bus_lock);
	offer->gone = true;
	offer->dead = true;
	list_del_init(&offer->node);
	if (offer->ch)
		kmcl_link_dead(offer->ch);
	spin_unlock_irq(&kmcl_bus_lock);
	wait_event(offer->wait, offer_unused(offer));
	offer_put(offer);
}
EXPORT_SYMBOL_GPL(kmcl_offer_gone);

/**
 * kmcl_offer_signalled() - report a signal of the peer
 * @offer: the offer, open
 *
 * Context: softirq, or with bottom halves disabled.
 */
void kmcl_offer_signalled(struct kmcl_offer *offer)
{
	struct kmcl_channel *ch = READ_ONCE(offer->ch);

	if (ch && READ_ONCE(ch->link.connected))
		kmcl_rx_signalled(ch);
}
EXPORT_SYMBOL_GPL(kmcl_offer_signalled);

/**
 * kmcl_offer_priv() - get the transport's private data
 * @offer: the offer
 *
 * Context: any.
 * Return: what kmcl_offer_add() was given.
 */
void *kmcl_offer_priv(const struct kmcl_offer *offer)
{
	return offer->priv;
}
EXPORT_SYMBOL_GPL(kmcl_offer_priv);

/**
 * kmcl_server_bus_set() - set the transport that servers are offered on
 * @ops: its operations for servers; NULL: there is no such transport
 *
 * Context: before the first channel is made, and after the last one.
 */
void kmcl_server_bus_set(const struct kmcl_server_ops *ops)
{
	kmcl_server_bus = ops;
}

static void set_server_offer(struct kmcl_channel *ch, struct kmcl_offer *offer)
{
	spin_lock_irq(&kmcl_bus_lock);
	ch->link.offer = offer;
	spin_unlock_irq(&kmcl_bus_lock);
}

/* Server: offer the channel on the bus. Sleeps. */
int kmcl_publish(struct kmcl_channel *ch)
{
	struct kmcl_offer *offer = kmcl_server_bus->publish(ch);

	if (IS_ERR(offer))
		return PTR_ERR(offer);
	set_server_offer(ch, offer);
	return 0;
}

/* Step, server: wait until the client has unbound the offer. Sleeps. */
void kmcl_retire(struct kmcl_channel *ch)
{
	struct kmcl_offer *offer = ch->link.offer;

	set_server_offer(ch, NULL);
	offer->ops->server->retire(offer);
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
		ret = ops->watch(&ch->link.watched);
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
	/* Without the mutex: this waits for callbacks, which may enable */
	while (take_watch(&type)) {
		mutex_unlock(&kmcl_watch_mutex);
		ops->unwatch(&type);
		mutex_lock(&kmcl_watch_mutex);
	}
	mutex_unlock(&kmcl_watch_mutex);
	disown_all();
	mutex_lock(&kmcl_watch_mutex);
	kmcl_transport = NULL;
	kmcl_transport_going = false;
	mutex_unlock(&kmcl_watch_mutex);
	/* A release operation may still be running in the transport */
	flush_workqueue(kmcl_wq);
}
EXPORT_SYMBOL_GPL(kmcl_transport_unregister);
