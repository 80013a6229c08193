// SPDX-License-Identifier: GPL-2.0
/*
 * The bus: offers, the channels that wait for one, and their binding.
 *
 * kmcl_bus_lock protects all of it. No function here takes a mutex; a transport's
 * operations are called with no lock held.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/slab.h>

#include "channel.h"

static const struct kmcl_server_ops *kmcl_server_bus;
static LIST_HEAD(kmcl_transport_calls);
static DECLARE_WAIT_QUEUE_HEAD(kmcl_transport_wait);	/* for none of them */
/* For an offer that nobody uses: seldom, and one for each would cost all of them */
static DECLARE_WAIT_QUEUE_HEAD(kmcl_offer_wait);

static void offer_release(struct kref *ref)
{
	kfree(container_of(ref, struct kmcl_offer, ref));
}

/**
 * kmcl_offer_get() - get a reference to an offer
 * @offer: the offer, which is not gone
 *
 * The offer can be gone nevertheless. Then no channel uses it any more.
 *
 * Context: any.
 */
void kmcl_offer_get(struct kmcl_offer *offer)
{
	kref_get(&offer->ref);
}
EXPORT_SYMBOL_GPL(kmcl_offer_get);

/**
 * kmcl_offer_put() - drop a reference of kmcl_offer_get()
 * @offer: the offer
 *
 * Context: any.
 */
void kmcl_offer_put(struct kmcl_offer *offer)
{
	kref_put(&offer->ref, offer_release);
}
EXPORT_SYMBOL_GPL(kmcl_offer_put);

static bool wants(const struct kmcl_channel *ch, const struct kmcl_offer *offer)
	__must_hold(&kmcl_bus_lock)
{
	lockdep_assert_held(&kmcl_bus_lock);
	if (ch->server || ch->link.offer || !kmcl_offer_live(offer) || offer->ch)
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
	ch->link.had_instance = offer->instance;
	WRITE_ONCE(offer->ch, ch);
	if (offer->suspended)
		kmcl_link_freeze(ch, true);
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

/* Step: bind @ch to a free offer, unless another channel was enabled before. */
void kmcl_seek(struct kmcl_channel *ch)
{
	struct kmcl_offer *offer;

	spin_lock_irq(&kmcl_bus_lock);
	ch->link.waiting = true;
	/* Its device may have been unbound before it was open */
	spin_lock(&ch->sm.lock);
	if (ch->cfg.have_target && !ch->sm.in.disable)
		ch->link.claims = true;
	spin_unlock(&ch->sm.lock);
	list_for_each_entry(offer, &kmcl_offers, node) {
		if (ch->link.offer)
			break;
		if (wants(ch, offer))
			match_offer(offer);
	}
	spin_unlock_irq(&kmcl_bus_lock);
}

/*
 * Keep the transport from being unregistered. The caller has a proof that it is
 * registered: kmcl_watch_mutex, or an offer that is not gone under kmcl_bus_lock.
 */
static void transport_begin(struct kmcl_transport_call *call)
	__must_hold(&kmcl_bus_lock)
{
	lockdep_assert_held(&kmcl_bus_lock);
	list_add_tail(&call->node, &kmcl_transport_calls);
}

void kmcl_transport_begin(struct kmcl_transport_call *call)
{
	spin_lock_irq(&kmcl_bus_lock);
	transport_begin(call);
	spin_unlock_irq(&kmcl_bus_lock);
}

void kmcl_transport_end(struct kmcl_transport_call *call)
{
	spin_lock_irq(&kmcl_bus_lock);
	list_del(&call->node);
	if (list_empty(&kmcl_transport_calls))
		wake_up_all(&kmcl_transport_wait);
	spin_unlock_irq(&kmcl_bus_lock);
}

static bool no_calls(struct kmcl_transport_call *first)
{
	const struct kmcl_transport_call *call;

	spin_lock_irq(&kmcl_bus_lock);
	call = list_first_entry_or_null(&kmcl_transport_calls,
					struct kmcl_transport_call, node);
	if (call)
		*first = *call;
	spin_unlock_irq(&kmcl_bus_lock);
	return !call;
}

/* They may wait for drivers, in the driver core: see kmcl_slow. Sleeps. */
void kmcl_transport_wait_ended(const struct kmcl_transport_ops *ops)
{
	struct kmcl_transport_call call;
	unsigned long slow = kmcl_slow;

	while (!wait_event_idle_timeout(kmcl_transport_wait, no_calls(&call),
					slow)) {
		if (guid_is_null(&call.instance))
			pr_warn("%s: still waiting for the devices of class %pUl to be left: a driver may have locked one\n",
				ops->name, &call.type);
		else
			pr_warn("%s: still waiting for device %pUl of class %pUl to be released: a driver may have locked it\n",
				ops->name, &call.instance, &call.type);
		slow = 2 * kmcl_slow;
	}
}

/* Release an offer that was rescinded and unbound, or bind another channel */
static void release_or_match(struct kmcl_offer *offer)
{
	struct kmcl_transport_call call = {
		.type = offer->type,
		.instance = offer->instance,
	};
	bool release;

	spin_lock_irq(&kmcl_bus_lock);
	release = offer->dead && !offer->gone && !offer->released && !offer->ch;
	if (release) {
		offer->released = true;
		transport_begin(&call);
	} else {
		match_offer(offer);
	}
	spin_unlock_irq(&kmcl_bus_lock);
	if (!release)
		return;
	offer->ops->release(offer);
	kmcl_transport_end(&call);
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
	wake_up_all(&kmcl_offer_wait);
	release_or_match(offer);
	kmcl_offer_put(offer);
	kmcl_channel_put(ch);
}

static void release_work(struct work_struct *work)
{
	struct kmcl_offer *offer = container_of(work, struct kmcl_offer,
						release_work);

	release_or_match(offer);
	kmcl_offer_put(offer);
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

static struct kmcl_offer *offer_new(const struct kmcl_transport_ops *ops,
				    const guid_t *type, const guid_t *instance,
				    const struct kmcl_channel *owner, void *priv)
{
	struct kmcl_offer *offer = kzalloc_obj(*offer);

	if (!offer)
		return NULL;
	kref_init(&offer->ref);
	offer->ops = ops;
	offer->type = *type;
	offer->instance = *instance;
	offer->owner = owner;
	offer->priv = priv;
	if (ops->flags)
		offer->flags = ops->flags(offer);
	INIT_WORK(&offer->release_work, release_work);
	return offer;
}

static void publish_offer(struct kmcl_offer *offer)
	__must_hold(&kmcl_bus_lock)
{
	lockdep_assert_held(&kmcl_bus_lock);
	list_add_tail(&offer->node, &kmcl_offers);
	/* As it would be if it had been there: see suspend.c */
	offer->suspended = kmcl_hibernating;
	match_offer(offer);
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
	struct kmcl_offer *offer = offer_new(ops, type, instance, owner, priv);

	if (!offer)
		return ERR_PTR(-ENOMEM);
	spin_lock_irq(&kmcl_bus_lock);
	publish_offer(offer);
	spin_unlock_irq(&kmcl_bus_lock);
	return offer;
}
EXPORT_SYMBOL_GPL(kmcl_offer_add);

/**
 * kmcl_offer_claim() - report a device that others may use as well
 * @ops: the transport's operations
 * @type: class GUID
 * @instance: instance GUID
 * @priv: private data of the transport, see kmcl_offer_priv()
 *
 * The same as kmcl_offer_add() if a channel claims the device, and nothing if
 * none does.
 *
 * Context: may sleep.
 * Return: the offer, whose reference kmcl_offer_gone() drops, or an ERR_PTR:
 * -ENODEV: leave the device to others; -ENOMEM.
 */
struct kmcl_offer *kmcl_offer_claim(const struct kmcl_transport_ops *ops,
				    const guid_t *type, const guid_t *instance,
				    void *priv)
{
	struct kmcl_offer *offer = offer_new(ops, type, instance, NULL, priv);
	bool wanted;

	if (!offer)
		return ERR_PTR(-ENOMEM);
	spin_lock_irq(&kmcl_bus_lock);
	wanted = kmcl_claimed(type, instance, NULL);
	if (wanted)
		publish_offer(offer);
	spin_unlock_irq(&kmcl_bus_lock);
	if (wanted)
		return offer;
	kmcl_offer_put(offer);
	return ERR_PTR(-ENODEV);
}
EXPORT_SYMBOL_GPL(kmcl_offer_claim);

/* Take the offer that @ch had last, if no channel uses or claims it. */
static struct kmcl_offer *take_idle(struct kmcl_channel *ch)
{
	struct kmcl_offer *offer, *found = NULL;

	spin_lock_irq(&kmcl_bus_lock);
	list_for_each_entry(offer, &kmcl_offers, node) {
		if (offer->ch || offer->owner || !kmcl_offer_live(offer) ||
		    !offer->ops->give_back ||
		    !guid_equal(&offer->type, &ch->link.claimed_type) ||
		    !guid_equal(&offer->instance, &ch->link.had_instance) ||
		    kmcl_claimed(&offer->type, &offer->instance, offer))
			continue;
		/* From here on no channel can bind to it, and it stays there */
		offer->broken = true;
		offer->giving_back = true;
		kref_get(&offer->ref);
		found = offer;
		break;
	}
	spin_unlock_irq(&kmcl_bus_lock);
	return found;
}

/*
 * Give the device that @ch had last back to the kernel's other drivers, if that
 * was asked for. The channel is disabled. Sleeps, but does not wait for drivers.
 */
void kmcl_give_back(struct kmcl_channel *ch)
{
	struct kmcl_offer *offer;

	if (!(ch->cfg.flags & KMCL_INIT_GIVE_BACK))
		return;
	offer = take_idle(ch);
	if (!offer)
		return;
	offer->ops->give_back(offer);
	/* All use of the transport before; pairs with offer_unused() */
	smp_store_release(&offer->giving_back, false);
	wake_up_all(&kmcl_offer_wait);
	kmcl_offer_put(offer);
}

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
	if (smp_load_acquire(&offer->ch))	/* pairs with kmcl_unbind() */
		return false;
	/* Pairs with kmcl_give_back() */
	return !smp_load_acquire(&offer->giving_back);
}

/* The transport waits for the channel that uses an offer */
static void say_who_uses(struct kmcl_offer *offer)
{
	struct kmcl_channel *ch;

	spin_lock_irq(&kmcl_bus_lock);
	ch = offer->ch;
	if (ch)
		kmcl_channel_get(ch);
	spin_unlock_irq(&kmcl_bus_lock);
	if (!ch)
		return;
	kmcl_still_waiting(ch, "it to leave its device, which is going");
	kmcl_channel_put(ch);
}

/**
 * kmcl_offer_gone() - report that the transport drops an offer
 * @offer: the offer; it must not be used afterwards
 *
 * If it was not rescinded before, the channel that uses it claims the device no
 * more, until it is enabled again.
 *
 * Waits until the channel that uses the offer has closed, and so for its driver
 * to complete the outstanding packets. Inside the release operation no channel
 * uses the offer any more, so it does not wait for one. Also waits until the
 * give_back operation has returned.
 *
 * Context: may sleep.
 */
void kmcl_offer_gone(struct kmcl_offer *offer)
{
	spin_lock_irq(&kmcl_bus_lock);
	offer->gone = true;
	offer->dead = true;
	list_del_init(&offer->node);
	if (offer->ch) {
		if (!offer->rescinded)
			offer->ch->link.claims = false;
		kmcl_link_dead(offer->ch);
	}
	spin_unlock_irq(&kmcl_bus_lock);
	while (!wait_event_idle_timeout(kmcl_offer_wait, offer_unused(offer),
					kmcl_slow))
		say_who_uses(offer);
	kmcl_offer_put(offer);
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
