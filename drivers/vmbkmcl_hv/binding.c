// SPDX-License-Identifier: GPL-2.0
/*
 * The hv_vmbus transport of vmbkmcl: bindings.
 *
 * A binding connects one hv_device with one offer of the library. There are two
 * kinds. A device of a watched class is bound from our probe() until our
 * remove(). An adopted device has a driver of its own, whose probe() made it
 * the parent of a channel; it is bound from adopt until disown, which that
 * driver's remove() calls through the library.
 *
 * After a rescind, exactly one vmbus_device_unregister() has to follow: the
 * host offers the device again only when the last reference to the hv_device
 * has been dropped. Who calls it depends on what hv_vmbus finds on the channel:
 *
 *  - No rescind callback: hv_vmbus calls it, and remove() runs inside.
 *  - Our callback: this file has to call it. The callback sets
 *    @must_unregister, and whoever clears that flag makes the call. As a rule
 *    that is kmcl_hv_release(), when the library has released the offer;
 *    remove() then runs inside. A work item makes the call if remove() by
 *    unbind or module unload came first, since release() finds no binding then;
 *    and for an adopted device, since its driver's remove() waits for the very
 *    channel work that calls release().
 *  - A callback of an adopted device's driver: that driver calls it, and
 *    remove() runs inside. Such a device is not adopted, since its channel would
 *    not hear of a rescind. If the driver sets its callback after that, this
 *    file leaves it alone.
 *
 * Races, where remove() stands for disown as well:
 *
 *  - Rescind and probe(). If hv_vmbus reads the callback before it is set, it
 *    unregisters the device itself; that waits for probe() (device lock) and
 *    then runs remove(). If it reads the callback afterwards, the binding is
 *    complete: @offer and the callback are set in one critical section, and the
 *    callback takes the same lock. A device that is adopted after that read is
 *    removed as well. The library releases no offer before the callback has
 *    reported its rescind, so release() needs @offer no earlier.
 *  - Rescind and remove(). remove() clears the callback, but hv_vmbus may have
 *    read it just before. hv_vmbus sets channel->rescind with interrupts off
 *    (an RCU read section) before it reads the callback. So who sees no rescind
 *    a grace period after the callback was cleared knows that it cannot run any
 *    more. remove() does not wait for that: the binding stays in the list, with
 *    its reference to the device, and the work item looks. If it sees a rescind,
 *    either hv_vmbus found no callback and unregisters the device, or the
 *    callback has run or will run: it polls until it knows which.
 *  - That callback and probe(), which may bind the device again meanwhile, unless
 *    it sees that the device is rescinded. The callback, which knows the channel
 *    only, then finds both bindings and takes the new one. If that has no offer
 *    yet, probe() reports the rescind. If there will be none, the work item does
 *    the rest for it.
 *  - release() and remove() by unbind. release() finds the binding by its offer.
 *    remove() clears @offer, under the lock, before it drops the reference to
 *    the offer. So an @offer that is not NULL is alive: no other offer can have
 *    its address, and the offer of a binding that is leaving cannot be mistaken
 *    for a new one. If release() comes first, it clears @must_unregister under
 *    the lock, and has to wait for remove(), in the driver core. If remove()
 *    comes first, release() does nothing, and remove() queues the work item.
 *  - give_back() and probe() or remove(). The library may call it as soon as
 *    kmcl_offer_claim() has made the offer known, before that has returned and
 *    @offer is set. So it finds the binding by the offer's private data, not by
 *    @offer; kmcl_offer_gone() waits for it, so the binding is there. The work
 *    item that it queues waits for probe(), in the driver core, and leaves a
 *    binding alone that is @leaving.
 *  - The work item and remove() of an adopted device. While the work item is
 *    queued or running (@finishing), it is the one that frees the binding.
 *  - Module unload and any of these. remove() has run for every device, and
 *    kmcl_hv_bindings_exit() waits for the work items. They end when hv_vmbus
 *    calls no callback any more: a grace period after remove() or, if the device
 *    is rescinded, when it is unregistered. That may take as long as another
 *    driver likes, so the wait is idle.
 *
 * Contexts: everything here runs in process context; hv_vmbus calls the rescind
 * callback from a workqueue that serves all devices.
 *
 * Locks: kmcl_hv_bindings_lock is a spinlock and nests outside the locks that
 * kmcl_offer_rescind() takes. No lock of ours is held across
 * vmbus_device_unregister() and kmcl_offer_gone(), which wait for remove() or
 * for channels.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "kmcl_compat_hv.h"
#include "hv.h"

/* Gives a device back, see kmcl_hv_give_back() */
struct kmcl_hv_back {
	struct work_struct work;
	struct device *dev;		/* a reference, while queued */
};

static LIST_HEAD(kmcl_hv_bindings);
static DEFINE_SPINLOCK(kmcl_hv_bindings_lock);
static unsigned int kmcl_hv_works;	/* queued or running; with the lock */
static DECLARE_WAIT_QUEUE_HEAD(kmcl_hv_works_wait);	/* for none of them */
static struct workqueue_struct *kmcl_hv_wq;
static const struct kmcl_transport_ops *kmcl_hv_transport;

static void kmcl_hv_queue(struct work_struct *work)
	__must_hold(&kmcl_hv_bindings_lock)
{
	lockdep_assert_held(&kmcl_hv_bindings_lock);
	kmcl_hv_works++;
	queue_work(kmcl_hv_wq, work);
}

static void kmcl_hv_work_done(void)
{
	spin_lock(&kmcl_hv_bindings_lock);
	if (!--kmcl_hv_works)
		wake_up_all(&kmcl_hv_works_wait);
	spin_unlock(&kmcl_hv_bindings_lock);
}

static bool kmcl_hv_works_done(void)
{
	bool done;

	spin_lock(&kmcl_hv_bindings_lock);
	done = !kmcl_hv_works;
	spin_unlock(&kmcl_hv_bindings_lock);
	return done;
}

/* If this returns true, the caller has to unregister the device */
static bool kmcl_hv_claim_unregister(struct kmcl_hv_binding *binding)
	__must_hold(&kmcl_hv_bindings_lock)
{
	bool claimed = binding->must_unregister;

	lockdep_assert_held(&kmcl_hv_bindings_lock);
	binding->must_unregister = false;
	return claimed;
}

/*
 * The rescind callback. It finds the binding by the channel, not by the
 * device's driver data: the device may have got another driver since hv_vmbus
 * read the callback.
 *
 * Module unload waits for an RCU grace period before it frees the code; the
 * outer read section covers all of this function but its return.
 */
static void kmcl_hv_rescinded(struct vmbus_channel *channel)
{
	struct kmcl_hv_binding *binding, *last = NULL;

	rcu_read_lock();
	spin_lock(&kmcl_hv_bindings_lock);
	/* Before it there may be some that are gone */
	list_for_each_entry(binding, &kmcl_hv_bindings, link)
		if (binding->channel == channel)
			last = binding;
	if (last) {
		last->rescinded = true;
		last->must_unregister = true;
		if (last->offer)
			kmcl_offer_rescind(last->offer);
	}
	spin_unlock(&kmcl_hv_bindings_lock);
	rcu_read_unlock();
}

/*
 * Free a binding that is not in the list. Its device reference keeps the host
 * from offering the device again, so it is dropped as soon as possible.
 */
static void kmcl_hv_binding_free(struct kmcl_hv_binding *binding)
{
	put_device(&binding->hdev->device);
	kfree(binding->back);
	kfree(binding);
}

/*
 * Finish the rescind of a device that release() does not unregister: call
 * vmbus_device_unregister(), or wait until hv_vmbus has. After remove() there may
 * be no rescind, see above.
 */
static void kmcl_hv_finish(struct work_struct *work)
{
	struct kmcl_hv_binding *binding =
		container_of(to_rcu_work(work), struct kmcl_hv_binding, finish);
	struct hv_device *hdev = binding->hdev;
	bool claimed, gone;

	for (;;) {
		spin_lock(&kmcl_hv_bindings_lock);
		claimed = kmcl_hv_claim_unregister(binding);
		spin_unlock(&kmcl_hv_bindings_lock);

		if (claimed)
			vmbus_device_unregister(hdev);
		if (claimed || !READ_ONCE(binding->channel->rescind) ||
		    !device_is_registered(&hdev->device))
			break;
		msleep(KMCL_HV_POLL_MS);
	}

	spin_lock(&kmcl_hv_bindings_lock);
	binding->finishing = false;
	/* If it is not, an adopted device was not disowned yet */
	gone = binding->gone;
	if (gone)
		list_del(&binding->link);
	spin_unlock(&kmcl_hv_bindings_lock);
	if (gone)
		kmcl_hv_binding_free(binding);
	kmcl_hv_work_done();
}

static void kmcl_hv_queue_finish(struct kmcl_hv_binding *binding)
	__must_hold(&kmcl_hv_bindings_lock)
{
	lockdep_assert_held(&kmcl_hv_bindings_lock);
	binding->finishing = true;
	kmcl_hv_queue(&binding->finish.work);
}

/* The same, after a grace period. This is no code of ours before the work runs. */
static void kmcl_hv_queue_finish_rcu(struct kmcl_hv_binding *binding)
	__must_hold(&kmcl_hv_bindings_lock)
{
	lockdep_assert_held(&kmcl_hv_bindings_lock);
	binding->finishing = true;
	kmcl_hv_works++;
	queue_rcu_work(kmcl_hv_wq, &binding->finish);
}

/* Add the binding to the list, unless the device is bound already */
static bool kmcl_hv_binding_add(struct kmcl_hv_binding *binding)
{
	struct kmcl_hv_binding *other;
	bool added = true;

	spin_lock(&kmcl_hv_bindings_lock);
	list_for_each_entry(other, &kmcl_hv_bindings, link)
		if (other->channel == binding->channel && !other->gone)
			added = false;
	if (added)
		list_add_tail(&binding->link, &kmcl_hv_bindings);
	spin_unlock(&kmcl_hv_bindings_lock);
	return added;
}

/* No channel wants the device; it may have been rescinded meanwhile */
static void kmcl_hv_binding_undo(struct kmcl_hv_binding *binding)
{
	bool finish;

	spin_lock(&kmcl_hv_bindings_lock);
	binding->leaving = true;
	binding->gone = true;
	finish = binding->must_unregister;
	if (finish)
		kmcl_hv_queue_finish(binding);
	else
		list_del(&binding->link);
	spin_unlock(&kmcl_hv_bindings_lock);
	if (!finish)
		kmcl_hv_binding_free(binding);
}

/* Is the device bound to one of our class drivers, and to stay bound? */
static bool kmcl_hv_is_bound(const struct device *dev)
{
	struct kmcl_hv_binding *binding;
	bool bound = false;

	spin_lock(&kmcl_hv_bindings_lock);
	list_for_each_entry(binding, &kmcl_hv_bindings, link)
		if (&binding->hdev->device == dev && !binding->leaving)
			bound = !binding->adopted;
	spin_unlock(&kmcl_hv_bindings_lock);
	return bound;
}

/*
 * Let the device's other drivers have it. Our own is asked before them, in case
 * a channel claims the device again.
 */
static void kmcl_hv_back_work(struct work_struct *work)
{
	struct kmcl_hv_back *back = container_of(work, struct kmcl_hv_back,
						 work);
	int ret;

	/* The class's driver may have been unregistered meanwhile */
	if (kmcl_hv_is_bound(back->dev))
		ret = device_reprobe(back->dev);
	else
		ret = device_attach(back->dev);
	if (ret < 0)
		dev_dbg(back->dev, "no other driver: %d\n", ret);
	put_device(back->dev);
	kfree(back);
	kmcl_hv_work_done();
}

static struct kmcl_hv_back *kmcl_hv_back_new(void)
{
	struct kmcl_hv_back *back = kzalloc_obj(*back);

	if (back)
		INIT_WORK(&back->work, kmcl_hv_back_work);
	return back;
}

/* The library's object: for the owner only, or for a channel that claims it */
static struct kmcl_offer *kmcl_hv_offer(struct kmcl_hv_binding *binding,
					const struct kmcl_channel *owner)
{
	const struct hv_device *hdev = binding->hdev;

	if (owner)
		return kmcl_offer_add(kmcl_hv_transport, &hdev->dev_type,
				      &hdev->dev_instance, owner, binding);
	binding->back = kmcl_hv_back_new();
	if (!binding->back)
		return ERR_PTR(-ENOMEM);
	return kmcl_offer_claim(kmcl_hv_transport, &hdev->dev_type,
				&hdev->dev_instance, binding);
}

static struct kmcl_hv_binding *kmcl_hv_bind(struct hv_device *hdev,
					    const struct kmcl_channel *owner)
{
	struct kmcl_hv_binding *binding;
	struct kmcl_offer *offer;

	/* hv_vmbus or kmcl_hv_finish() is about to unregister it */
	if (READ_ONCE(hdev->channel->rescind))
		return ERR_PTR(-ENODEV);
	/*
	 * An adopted device's driver handles rescinds itself, or the device is
	 * adopted already. On a device of a watched class, a callback is one
	 * that an earlier driver has left behind (uio_hv_generic does).
	 */
	if (owner && READ_ONCE(hdev->channel->chn_rescind_callback)) {
		pr_warn_ratelimited("%s: a channel cannot use it: it has one, or its driver has set a rescind callback\n",
				    dev_name(&hdev->device));
		return ERR_PTR(-EBUSY);
	}

	binding = kzalloc_obj(*binding);
	if (!binding)
		return ERR_PTR(-ENOMEM);

	get_device(&hdev->device);
	binding->hdev = hdev;
	binding->channel = hdev->channel;
	binding->adopted = owner;
	mutex_init(&binding->request_mutex);
	INIT_RCU_WORK(&binding->finish, kmcl_hv_finish);
	if (!kmcl_hv_binding_add(binding)) {
		kmcl_hv_binding_free(binding);
		return ERR_PTR(-EBUSY);
	}

	/* From here on the library may open the offer */
	offer = kmcl_hv_offer(binding, owner);
	if (IS_ERR(offer)) {
		kmcl_hv_binding_undo(binding);
		return ERR_CAST(offer);
	}

	/* From here on, this file unregisters the device after a rescind */
	spin_lock(&kmcl_hv_bindings_lock);
	binding->offer = offer;
	/* By a callback that an earlier binding has set */
	if (binding->rescinded)
		kmcl_offer_rescind(offer);
	vmbus_set_chn_rescind_callback(binding->channel, kmcl_hv_rescinded);
	spin_unlock(&kmcl_hv_bindings_lock);
	return binding;
}

static void kmcl_hv_unbind(struct kmcl_hv_binding *binding)
{
	struct vmbus_channel *channel = binding->channel;
	struct kmcl_offer *offer;
	bool rescinded, free = false;

	/* An adopted device's driver may have set its own since */
	if (READ_ONCE(channel->chn_rescind_callback) == kmcl_hv_rescinded)
		vmbus_set_chn_rescind_callback(channel, NULL);

	spin_lock(&kmcl_hv_bindings_lock);
	offer = binding->offer;
	binding->offer = NULL;
	binding->leaving = true;
	spin_unlock(&kmcl_hv_bindings_lock);

	/* So that the channel keeps its claim on the device that comes back */
	if (READ_ONCE(channel->rescind))
		kmcl_offer_rescind(offer);
	kmcl_offer_gone(offer);

	spin_lock(&kmcl_hv_bindings_lock);
	binding->gone = true;
	/*
	 * Leave the binding to the work item if the device is rescinded and
	 * still has to be unregistered, if the callback may still run, or if
	 * that is not known yet: see above.
	 */
	rescinded = READ_ONCE(channel->rescind);
	if (!binding->finishing) {
		if (!rescinded)
			kmcl_hv_queue_finish_rcu(binding);
		else if (binding->must_unregister || !binding->rescinded)
			kmcl_hv_queue_finish(binding);
		else
			free = true;
	}
	if (free)
		list_del(&binding->link);
	spin_unlock(&kmcl_hv_bindings_lock);

	if (free)
		kmcl_hv_binding_free(binding);
}

/**
 * kmcl_hv_probe() - bind a device of a watched class
 * @hdev: the device
 * @id: the matching entry of the id table
 *
 * Context: Process context, device locked; from the class's work item, a write
 *	to sysfs, or hv_vmbus' work item for an offer.
 * Return: 0; -ENODEV if no channel claims the device: the driver core goes on to
 *	the next driver; or another negative errno.
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
 * kmcl_hv_remove() - unbind a device of a watched class
 * @hdev: the device
 *
 * Waits until the library has closed what it opened.
 *
 * Context: Process context, device locked; from the class's work item, a write
 *	to sysfs, hv_vmbus' work item for a rescind, or
 *	vmbus_device_unregister() in kmcl_hv_release().
 */
void kmcl_hv_remove(struct hv_device *hdev)
{
	kmcl_hv_unbind(hv_get_drvdata(hdev));
}

/**
 * kmcl_hv_offer_get() - get the offer of a device
 * @hdev: the device
 *
 * Context: Process context.
 * Return: the offer, with a reference for kmcl_offer_put(), or NULL: the device is
 *	being unbound.
 */
struct kmcl_offer *kmcl_hv_offer_get(const struct hv_device *hdev)
{
	struct kmcl_hv_binding *binding;
	struct kmcl_offer *offer = NULL;

	spin_lock(&kmcl_hv_bindings_lock);
	list_for_each_entry(binding, &kmcl_hv_bindings, link)
		if (binding->hdev == hdev && binding->offer)
			offer = binding->offer;
	if (offer)
		kmcl_offer_get(offer);
	spin_unlock(&kmcl_hv_bindings_lock);
	return offer;
}

/**
 * kmcl_hv_adopt() - bind a device that another driver is bound to
 * @parent: the device; the caller holds a reference
 * @owner: the channel
 *
 * Context: Process context, may sleep; @parent may be locked.
 * Return: an offer that only @owner can bind to, for kmcl_hv_disown(), or an
 *	ERR_PTR(): -EBUSY if a channel has the device or its driver has set a
 *	rescind callback, -ENODEV if it is rescinded, -ENOMEM.
 */
struct kmcl_offer *kmcl_hv_adopt(struct device *parent,
				 const struct kmcl_channel *owner)
{
	struct kmcl_hv_binding *binding;

	binding = kmcl_hv_bind(device_to_hv_device(parent), owner);
	return IS_ERR(binding) ? ERR_CAST(binding) : binding->offer;
}

/**
 * kmcl_hv_disown() - undo kmcl_hv_adopt()
 * @offer: the offer; it must not be used afterwards
 *
 * Context: Process context, may sleep; the device may be locked.
 */
void kmcl_hv_disown(struct kmcl_offer *offer)
{
	kmcl_hv_unbind(kmcl_offer_priv(offer));
}

/**
 * kmcl_hv_release() - let the host offer a rescinded device again
 * @offer: the offer; the library does not use its device any more
 *
 * Looks the binding up by the offer, which the caller holds a reference to, and
 * does not use the offer's private data: remove() may have come first and freed
 * the binding.
 *
 * Context: Process context, may sleep. Runs kmcl_hv_remove(), but not the
 *	remove() of an adopted device's driver.
 */
void kmcl_hv_release(struct kmcl_offer *offer)
{
	struct kmcl_hv_binding *binding;
	struct hv_device *hdev = NULL;

	spin_lock(&kmcl_hv_bindings_lock);
	list_for_each_entry(binding, &kmcl_hv_bindings, link) {
		if (binding->offer != offer)
			continue;
		if (!binding->must_unregister)
			break;
		if (binding->adopted)
			kmcl_hv_queue_finish(binding);
		else if (kmcl_hv_claim_unregister(binding))
			hdev = binding->hdev;
		break;
	}
	spin_unlock(&kmcl_hv_bindings_lock);

	if (hdev)
		vmbus_device_unregister(hdev);
}

/**
 * kmcl_hv_give_back() - give a device back to the kernel's other drivers
 * @offer: the offer, which no channel uses; it is not gone until this returns
 *
 * Context: Process context; waits for nobody.
 */
void kmcl_hv_give_back(struct kmcl_offer *offer)
{
	struct kmcl_hv_binding *binding = kmcl_offer_priv(offer);
	struct kmcl_hv_back *back;

	spin_lock(&kmcl_hv_bindings_lock);
	back = binding->back;
	binding->back = NULL;
	if (back) {
		back->dev = get_device(&binding->hdev->device);
		kmcl_hv_queue(&back->work);
	}
	spin_unlock(&kmcl_hv_bindings_lock);
}

/* Called before the first kmcl_hv_watch(); every offer gets @ops */
int kmcl_hv_bindings_init(const struct kmcl_transport_ops *ops)
{
	kmcl_hv_transport = ops;
	/* Its works sleep; main.c of vmbkmcl says how workqueues are chosen */
	kmcl_hv_wq = alloc_workqueue("vmbkmcl_hv", WQ_UNBOUND, 0);
	return kmcl_hv_wq ? 0 : -ENOMEM;
}

/* Called after the last kmcl_hv_remove(); waits for unfinished rescinds */
void kmcl_hv_bindings_exit(void)
{
	while (!wait_event_idle_timeout(kmcl_hv_works_wait,
					kmcl_hv_works_done(), KMCL_HV_SLOW))
		pr_warn("still waiting for devices to be left or given back: another driver may have locked one\n");
	destroy_workqueue(kmcl_hv_wq);
	WARN_ON_ONCE(!list_empty(&kmcl_hv_bindings));
}
