// SPDX-License-Identifier: GPL-2.0
/*
 * The hv_vmbus transport of vmbkmcl: devices that are bound to it.
 *
 * A binding ties one hv_device to one offer of the library. There are two kinds.
 * The device of a class that is watched is bound from probe() until remove(),
 * which are ours. A device that is adopted has a driver of its own, whose probe()
 * has given it to a channel as its parent; it is bound from adopt until disown,
 * which that driver's remove() ends in.
 *
 * The difficult part is the end of a device. The host takes it away
 * (rescind), and offers it anew only when the last reference to the hv_device
 * was dropped, so once a device is rescinded exactly one vmbus_device_unregister()
 * has to follow. There are two that can do it:
 *
 *  - hv_vmbus, if it finds no rescind callback on the channel: remove() then
 *    runs inside;
 *  - this file, if it finds ours. Then the device is *owed*, and the debt is
 *    paid by whoever clears @owed: kmcl_hv_release() when the library has let
 *    go of the offer (remove() runs inside), or else a work item of ours: when
 *    remove() by unbind or module unload comes first and so release() never
 *    does, and for a device that was adopted, whose driver waits in its remove()
 *    for the channel that calls release().
 *
 * What can overlap, with "remove()" for disown as well:
 *
 *  - Rescind and probe(). If hv_vmbus looked for the callback before it was set,
 *    it unregisters the device itself, which waits for probe() (device lock)
 *    and ends in remove(). If it looked afterwards, the binding is complete. A
 *    device that is adopted after that look is removed all the same.
 *  - Rescind and remove(). remove() takes the callback back, but hv_vmbus may
 *    just have read it. hv_vmbus sets channel->rescind in a section with
 *    interrupts off (a reader, to RCU) before it reads the callback, and
 *    remove() waits for a grace period between taking the callback back and
 *    reading channel->rescind. So if remove() finds no rescind, the callback
 *    cannot come any more. If it does, either hv_vmbus found no callback and
 *    unregisters the device, or the callback came or is about to come: the
 *    binding stays in the list for it, and the work item looks until it knows
 *    which. Nobody can bind to a rescinded device meanwhile: probe() refuses.
 *  - release() and remove() by unbind. Both look the binding up in the list and
 *    clear @owed under the lock; the one that comes second finds no debt, or
 *    no binding. If it was release(), it waits in the driver core for remove().
 *  - The work item and remove() of a device that was adopted. While the work
 *    item is under way (@settling) the binding is its to free.
 *  - Module unload and any of these. remove() has run for every device, and
 *    kmcl_hv_bindings_exit() waits for the work items; those end when the device
 *    is unregistered, that is when no callback can be on its way.
 *
 * Contexts: everything here runs in process context; hv_vmbus calls the rescind
 * callback from a workqueue that serves all devices.
 *
 * Locks: kmcl_hv_bindings_lock is a spinlock, and nests outside the locks that
 * kmcl_offer_rescind() takes. No lock of ours is held around
 * vmbus_device_unregister() and kmcl_offer_gone(): they wait for remove(), or for
 * channels.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "compat.h"
#include "hv.h"

static LIST_HEAD(kmcl_hv_bindings);
static DEFINE_SPINLOCK(kmcl_hv_bindings_lock);
static struct workqueue_struct *kmcl_hv_wq;
static const struct kmcl_transport_ops *kmcl_hv_transport;

/* The debt, if there is one, passes to the caller */
static bool kmcl_hv_take_debt(struct kmcl_hv_binding *binding)
{
	bool owed = binding->owed;

	lockdep_assert_held(&kmcl_hv_bindings_lock);
	binding->owed = false;
	return owed;
}

/*
 * The host took the device away. The channel is all there is to find the
 * binding with: the device may have had another driver since hv_vmbus read the
 * callback, so its driver data is not for us to look at.
 *
 * The outer read section leaves no more than the return for the grace period
 * that a module's memory waits for.
 */
static void kmcl_hv_rescinded(struct vmbus_channel *channel)
{
	struct kmcl_hv_binding *binding;

	rcu_read_lock();
	spin_lock(&kmcl_hv_bindings_lock);
	list_for_each_entry(binding, &kmcl_hv_bindings, link) {
		if (binding->channel != channel)
			continue;
		binding->rescinded = true;
		binding->owed = true;
		if (!binding->leaving)
			kmcl_offer_rescind(binding->offer);
		break;
	}
	spin_unlock(&kmcl_hv_bindings_lock);
	rcu_read_unlock();
}

/*
 * The end of a binding, which is out of the list. Its reference to the device
 * keeps the host from offering the device again: not a moment longer than needed.
 */
static void kmcl_hv_binding_free(struct kmcl_hv_binding *binding)
{
	put_device(&binding->hdev->device);
	kfree(binding);
}

/*
 * For a device that is rescinded, and that nobody else unregisters: do it, or
 * see it unregistered by hv_vmbus.
 */
static void kmcl_hv_settle(struct work_struct *work)
{
	struct kmcl_hv_binding *binding =
		container_of(work, struct kmcl_hv_binding, settle);
	struct hv_device *hdev = binding->hdev;
	bool owed, gone;

	for (;;) {
		spin_lock(&kmcl_hv_bindings_lock);
		owed = kmcl_hv_take_debt(binding);
		spin_unlock(&kmcl_hv_bindings_lock);

		if (owed)
			vmbus_device_unregister(hdev);
		if (owed || !device_is_registered(&hdev->device))
			break;
		msleep(KMCL_HV_SETTLE_MS);
	}

	spin_lock(&kmcl_hv_bindings_lock);
	binding->settling = false;
	/* If not, it was adopted, and its driver's remove() has not let go yet */
	gone = !binding->offer;
	if (gone)
		list_del(&binding->link);
	spin_unlock(&kmcl_hv_bindings_lock);
	if (gone)
		kmcl_hv_binding_free(binding);
}

static void kmcl_hv_settle_later(struct kmcl_hv_binding *binding)
{
	lockdep_assert_held(&kmcl_hv_bindings_lock);
	binding->settling = true;
	queue_work(kmcl_hv_wq, &binding->settle);
}

/* Into the list, unless the device is bound already */
static bool kmcl_hv_binding_add(struct kmcl_hv_binding *binding)
{
	struct kmcl_hv_binding *other;
	bool added = true;

	spin_lock(&kmcl_hv_bindings_lock);
	list_for_each_entry(other, &kmcl_hv_bindings, link)
		if (other->channel == binding->channel)
			added = false;
	if (added)
		list_add_tail(&binding->link, &kmcl_hv_bindings);
	spin_unlock(&kmcl_hv_bindings_lock);
	return added;
}

static void kmcl_hv_binding_del(struct kmcl_hv_binding *binding)
{
	spin_lock(&kmcl_hv_bindings_lock);
	list_del(&binding->link);
	spin_unlock(&kmcl_hv_bindings_lock);
}

static struct kmcl_hv_binding *kmcl_hv_bind(struct hv_device *hdev,
					    const struct kmcl_channel *owner)
{
	struct kmcl_hv_binding *binding;
	struct kmcl_offer *offer;

	/* On its way out, and maybe still known to kmcl_hv_settle() */
	if (READ_ONCE(hdev->channel->rescind))
		return ERR_PTR(-ENODEV);

	binding = kzalloc_obj(*binding);
	if (!binding)
		return ERR_PTR(-ENOMEM);

	get_device(&hdev->device);
	binding->hdev = hdev;
	binding->channel = hdev->channel;
	binding->adopted = owner;
	mutex_init(&binding->talk);
	INIT_WORK(&binding->settle, kmcl_hv_settle);
	if (!kmcl_hv_binding_add(binding)) {
		kmcl_hv_binding_free(binding);
		return ERR_PTR(-EBUSY);
	}

	/* From here on the library may open the offer */
	offer = kmcl_offer_add(kmcl_hv_transport, &hdev->dev_type,
			       &hdev->dev_instance, owner, binding);
	if (IS_ERR(offer)) {
		kmcl_hv_binding_del(binding);
		kmcl_hv_binding_free(binding);
		return ERR_CAST(offer);
	}
	binding->offer = offer;

	/* From here on a rescind is ours to finish */
	vmbus_set_chn_rescind_callback(binding->channel, kmcl_hv_rescinded);
	return binding;
}

static void kmcl_hv_unbind(struct kmcl_hv_binding *binding)
{
	struct vmbus_channel *channel = binding->channel;
	bool settle;

	vmbus_set_chn_rescind_callback(channel, NULL);
	/*
	 * Was it in time? See above. With the device rescinded already, time
	 * does not tell; there is no need to spend it on hv_vmbus' workqueue.
	 */
	if (!READ_ONCE(channel->rescind))
		synchronize_rcu();

	spin_lock(&kmcl_hv_bindings_lock);
	binding->leaving = true;
	spin_unlock(&kmcl_hv_bindings_lock);

	kmcl_offer_gone(binding->offer);

	spin_lock(&kmcl_hv_bindings_lock);
	binding->offer = NULL;
	/*
	 * Rescinded, and neither paid for by the release() that we are called
	 * from (or that waits for us), nor known to be the callback's: stay in
	 * the list. channel->rescind may have become true since the grace
	 * period, and the callback not be able to come: then it is hv_vmbus
	 * that settles it, and all we do is watch.
	 */
	settle = binding->settling || binding->owed ||
		 (READ_ONCE(channel->rescind) && !binding->rescinded);
	if (!settle)
		list_del(&binding->link);
	else if (!binding->settling)
		kmcl_hv_settle_later(binding);
	spin_unlock(&kmcl_hv_bindings_lock);

	if (!settle)
		kmcl_hv_binding_free(binding);
}

/**
 * kmcl_hv_probe() - a device of a class that is watched is there
 * @hdev: the device
 * @id: what matched
 *
 * Context: Process context, device locked; from kmcl_hv_watch(), a write to
 *	sysfs, or hv_vmbus' work on an offer.
 * Return: 0, or a negative errno.
 */
int kmcl_hv_probe(struct hv_device *hdev, const struct hv_vmbus_device_id *id)
{
	struct kmcl_hv_binding *binding = kmcl_hv_bind(hdev, NULL);

	if (IS_ERR(binding))
		return PTR_ERR(binding);
	hv_set_drvdata(hdev, binding);
	return 0;
}

/**
 * kmcl_hv_remove() - the device goes, or is taken from us
 * @hdev: the device
 *
 * Waits until the library has closed what it opened.
 *
 * Context: Process context, device locked; from kmcl_hv_unwatch(), a write to
 *	sysfs, hv_vmbus' work on a rescind, or vmbus_device_unregister() in
 *	kmcl_hv_release().
 */
void kmcl_hv_remove(struct hv_device *hdev)
{
	kmcl_hv_unbind(hv_get_drvdata(hdev));
}

/**
 * kmcl_hv_adopt() - a device that another driver has is a channel's from now on
 * @parent: the device, which the caller holds
 * @owner: the channel
 *
 * Context: Process context, may sleep; @parent may be locked.
 * Return: an offer for this channel alone, which kmcl_hv_disown() ends, or an
 *	ERR_PTR: -EBUSY: a channel has it; -ENODEV: it is rescinded; -ENOMEM.
 */
struct kmcl_offer *kmcl_hv_adopt(struct device *parent,
				 const struct kmcl_channel *owner)
{
	struct kmcl_hv_binding *binding;

	binding = kmcl_hv_bind(device_to_hv_device(parent), owner);
	return IS_ERR(binding) ? ERR_CAST(binding) : binding->offer;
}

/**
 * kmcl_hv_disown() - the channel lets go of its parent
 * @offer: the offer; not to be used afterwards
 *
 * Context: Process context, may sleep; the device may be locked.
 */
void kmcl_hv_disown(struct kmcl_offer *offer)
{
	kmcl_hv_unbind(kmcl_offer_priv(offer));
}

/**
 * kmcl_hv_release() - let the host offer a rescinded device again
 * @offer: the offer, which the library has let go of
 *
 * By the offer, not by its private data: remove() may have come first, and
 * then the binding is no more.
 *
 * Context: Process context, may sleep. Runs kmcl_hv_remove(), but not the remove
 *	function of the driver that has a device that was adopted.
 */
void kmcl_hv_release(struct kmcl_offer *offer)
{
	struct kmcl_hv_binding *binding;
	struct hv_device *hdev = NULL;

	spin_lock(&kmcl_hv_bindings_lock);
	list_for_each_entry(binding, &kmcl_hv_bindings, link) {
		if (binding->offer != offer)
			continue;
		if (!binding->owed)
			break;
		if (binding->adopted)
			kmcl_hv_settle_later(binding);
		else if (kmcl_hv_take_debt(binding))
			hdev = binding->hdev;
		break;
	}
	spin_unlock(&kmcl_hv_bindings_lock);

	if (hdev)
		vmbus_device_unregister(hdev);
}

/* Before the first kmcl_hv_watch(); @ops are those of every offer */
int kmcl_hv_bindings_init(const struct kmcl_transport_ops *ops)
{
	kmcl_hv_transport = ops;
	kmcl_hv_wq = alloc_workqueue("vmbkmcl_hv", WQ_UNBOUND, 0);
	return kmcl_hv_wq ? 0 : -ENOMEM;
}

/* After the last kmcl_hv_remove(); waits for debts to be paid */
void kmcl_hv_bindings_exit(void)
{
	destroy_workqueue(kmcl_hv_wq);
	WARN_ON_ONCE(!list_empty(&kmcl_hv_bindings));
}
