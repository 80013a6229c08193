// SPDX-License-Identifier: GPL-2.0
/*
 * The machine hibernates, and wakes up: a transport suspends and resumes its offers.
 *
 * A channel that uses a suspended offer is closed as if it had been disabled, but
 * stays enabled and bound to the offer. So its queue is kept, no other channel can
 * take the device, and resuming the offer opens the channel again.
 *
 * The devices are also resumed between the snapshot of the memory and the moment in
 * which the machine is off, so that the image can be written. What a channel did then,
 * the kernel that is restored would not know: it would send the same packets again,
 * and lack those that had come. So offers stay suspended until the kernel says that
 * all is over: it was restored, or it does not hibernate after all.
 *
 * The work item of the channel does the work, which is possible because the
 * library's workqueues are not freezable. Everything here runs in process context,
 * in the task that suspends or resumes the devices; kmcl_bus_lock protects
 * kmcl_hibernating and offer->suspended, and is held while that is handed to the
 * channel.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/notifier.h>
#include <linux/suspend.h>

#include "channel.h"

/* How long a channel may take, in jiffies; only tests change it */
unsigned long kmcl_suspend_limit = 10 * HZ;

/* The channel that uses @offer, with a reference, or NULL. */
static struct kmcl_channel *user_of(struct kmcl_offer *offer)
	__must_hold(&kmcl_bus_lock)
{
	lockdep_assert_held(&kmcl_bus_lock);
	if (offer->ch)
		kmcl_channel_get(offer->ch);
	return offer->ch;
}

/* Ask the driver of the channel that uses @offer. Sleeps. */
static int ask(struct kmcl_offer *offer)
{
	struct kmcl_channel *ch;
	int ret = 0;

	spin_lock_irq(&kmcl_bus_lock);
	/* From here on no channel that binds to it is opened */
	offer->suspended = true;
	ch = user_of(offer);
	spin_unlock_irq(&kmcl_bus_lock);
	if (!ch)
		return 0;
	if (ch->cfg.ops.hibernate)
		ret = ch->cfg.ops.hibernate(ch);
	if (ret)
		pr_err("%s: the machine does not hibernate: the channel's driver, with %ps, refuses (%d)\n",
		       kmcl_name(ch), ch->cfg.ops.hibernate, ret);
	kmcl_channel_put(ch);
	return ret;
}

static bool has_run(struct kmcl_channel *ch, u64 idle_runs)
{
	bool yes;

	spin_lock_irq(&ch->sm.lock);
	yes = ch->sm.idle_runs != idle_runs;
	spin_unlock_irq(&ch->sm.lock);
	return yes;
}

/* Close the channel that uses @offer. Sleeps. */
static int close_channel(struct kmcl_offer *offer)
{
	struct kmcl_channel *ch;
	u64 idle_runs = 0;
	int ret = 0;

	spin_lock_irq(&kmcl_bus_lock);
	ch = user_of(offer);
	if (ch)
		idle_runs = kmcl_link_freeze(ch, true);
	spin_unlock_irq(&kmcl_bus_lock);
	if (!ch)
		return 0;
	if (!wait_event_timeout(ch->wait, has_run(ch, idle_runs),
				kmcl_suspend_limit)) {
		kmcl_still_waiting(ch, "it to close, and the machine does not hibernate therefore");
		ret = -EBUSY;
	}
	kmcl_channel_put(ch);
	return ret;
}

/**
 * kmcl_offer_suspend() - close an offer before the machine hibernates
 * @offer: the offer
 *
 * Context: may sleep, for as long as the driver may take to complete the packets
 *	that it has; then that is told in the kernel's log.
 * Return: 0: the device is not used; -EBUSY: it is, the channel does not close in
 * time; or what the driver's hibernate callback has returned. After an error the
 * offer is resumed.
 */
int kmcl_offer_suspend(struct kmcl_offer *offer)
{
	int ret = ask(offer) ?: close_channel(offer);

	if (ret)
		kmcl_offer_resume(offer);
	return ret;
}
EXPORT_SYMBOL_GPL(kmcl_offer_suspend);

static void resume(struct kmcl_offer *offer)
	__must_hold(&kmcl_bus_lock)
{
	lockdep_assert_held(&kmcl_bus_lock);
	offer->suspended = false;
	if (offer->ch)
		kmcl_link_freeze(offer->ch, false);
}

/**
 * kmcl_offer_resume() - let an offer be opened again
 * @offer: the offer
 *
 * Does not wait for the channel. While the machine hibernates, the offer is resumed
 * when that is over.
 *
 * Context: atomic.
 */
void kmcl_offer_resume(struct kmcl_offer *offer)
{
	unsigned long flags;

	spin_lock_irqsave(&kmcl_bus_lock, flags);
	if (!kmcl_hibernating)
		resume(offer);
	spin_unlock_irqrestore(&kmcl_bus_lock, flags);
}
EXPORT_SYMBOL_GPL(kmcl_offer_resume);

/* The machine begins to hibernate, or all of that is over. */
void kmcl_hibernation(bool begins)
{
	struct kmcl_offer *offer;

	spin_lock_irq(&kmcl_bus_lock);
	kmcl_hibernating = begins;
	if (!begins)
		list_for_each_entry(offer, &kmcl_offers, node)
			if (offer->suspended)
				resume(offer);
	spin_unlock_irq(&kmcl_bus_lock);
}

static int pm_event(struct notifier_block *nb, unsigned long event, void *data)
{
	if (event == PM_HIBERNATION_PREPARE)
		kmcl_hibernation(true);
	else if (event == PM_POST_HIBERNATION)
		kmcl_hibernation(false);
	return NOTIFY_DONE;
}

static struct notifier_block pm_notifier = { .notifier_call = pm_event };

int kmcl_suspend_init(void)
{
	return register_pm_notifier(&pm_notifier);
}

void kmcl_suspend_exit(void)
{
	unregister_pm_notifier(&pm_notifier);
}

/* The offer that @ch has adopted, with a reference, or NULL. */
static struct kmcl_offer *adopted(struct kmcl_channel *ch)
{
	struct kmcl_offer *offer;

	spin_lock_irq(&kmcl_bus_lock);
	offer = ch->link.adopted;
	if (offer)
		kmcl_offer_get(offer);
	spin_unlock_irq(&kmcl_bus_lock);
	return offer;
}

/**
 * kmcl_channel_suspend() - close a channel before the machine hibernates
 * @ch: a client without a target, in any state
 *
 * For the suspend operation of the driver of its parent, a &struct hv_driver. The
 * drivers of channels with a target need not do anything. Without a suspend
 * operation hv_vmbus refuses to hibernate while the driver has a device.
 *
 * Context: may sleep; not from a callback of this channel.
 * Return: 0: the channel is closed, or does not use the device; -EBUSY: it does not
 * close in time, which is told in the kernel's log; or what its hibernate callback
 * has returned; -EINVAL: no channel.
 */
int kmcl_channel_suspend(struct kmcl_channel *ch)
{
	struct kmcl_offer *offer;
	int ret;

	if (!ch)
		return -EINVAL;
	offer = adopted(ch);
	if (!offer)
		return 0;
	ret = kmcl_offer_suspend(offer);
	kmcl_offer_put(offer);
	return ret;
}
EXPORT_SYMBOL_GPL(kmcl_channel_suspend);

/**
 * kmcl_channel_resume() - open a channel after the machine has hibernated
 * @ch: as for kmcl_channel_suspend()
 *
 * For the resume operation of that driver. Does not wait for the channel, which is
 * opened when the machine has been restored, or does not hibernate after all: not
 * while the image is being written.
 *
 * Context: may sleep.
 * Return: 0; -EINVAL: no channel.
 */
int kmcl_channel_resume(struct kmcl_channel *ch)
{
	struct kmcl_offer *offer;

	if (!ch)
		return -EINVAL;
	offer = adopted(ch);
	if (!offer)
		return 0;
	kmcl_offer_resume(offer);
	kmcl_offer_put(offer);
	return 0;
}
EXPORT_SYMBOL_GPL(kmcl_channel_resume);
