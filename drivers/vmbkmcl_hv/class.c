// SPDX-License-Identifier: GPL-2.0
/*
 * The hv_vmbus transport of vmbkmcl: device classes.
 *
 * hv_vmbus matches devices with drivers by the GUID of the device's class, and
 * reads a driver's id_table only then. So the transport registers a driver at
 * run time for each class that a channel names, for as long as the class is
 * watched. Its probe() is asked before those of the kernel's own drivers, which
 * are probed asynchronously; it takes a device that a channel claims, and leaves
 * all others to them.
 *
 * Each class has a work item, which alone registers its driver, looks for
 * devices, and unregisters it. These take device locks, which other drivers hold
 * while they probe, for as long as that takes; so one class cannot hold up
 * another one, nor a caller of the library.
 *
 * Each class also has a notifier on the bus. It tells in the log when another
 * driver gets a device that a channel claims, whenever that is. And it makes the
 * user's choice last: driver_override goes with the hv_device, of which hv_vmbus
 * makes a new one for each offer. What is remembered is at most one entry for
 * each device that the user has chosen and that is away, and only while the class
 * is watched. A device that is there has its driver_override, as the user sees it
 * and may change it. The notifier takes no device lock: a driver may wait for the
 * notifier chain with its device locked.
 *
 * kmcl_hv_classes_lock is a spinlock: the list of classes, what the work items
 * are asked for, and what the notifiers remember. It is not held with another
 * lock of ours. Everything here runs in process context.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/list.h>
#include <linux/ratelimit.h>
#include <linux/notifier.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "kmcl_compat_hv.h"
#include "hv.h"

#define KMCL_HV_NAME_LEN	(sizeof("vmbkmcl-") + UUID_STRING_LEN)
/* Interval of looking for a device that another driver had locked */
#define KMCL_HV_LOOK		(HZ / 10)
/* Limit of kmcl_hv_settle() for one class */
#define KMCL_HV_SETTLE		(2 * HZ)

/* A device that is away, and that the user has chosen for the class's driver */
struct kmcl_hv_chosen {
	struct list_head link;
	guid_t instance;
};

/**
 * struct kmcl_hv_class - a watched device class
 * @link: entry in kmcl_hv_classes; with the next five, protected by
 *	kmcl_hv_classes_lock
 * @users: number of watches
 * @asked: a channel of the class was enabled since the work item looked
 * @untold: a device was locked when it was asked whose it is
 * @registered: the driver is registered; written by the work item
 * @chosen: the devices that are away; see struct kmcl_hv_chosen
 * @notifier: the notifier, kmcl_hv_notify(), while the driver is registered
 * @work: the work item, kmcl_hv_class_work(); the rest is its own
 * @held_up: a device was locked when it was looked at
 * @hints: how often hints may come, has a lock of its own
 * @ids: the class, and the end of the table
 * @name: name of the driver in sysfs
 * @hv: the driver
 */
struct kmcl_hv_class {
	struct list_head link;
	unsigned int users;
	bool asked;
	bool untold;
	bool registered;
	struct list_head chosen;
	struct notifier_block notifier;
	struct delayed_work work;
	bool held_up;
	struct ratelimit_state hints;
	struct hv_vmbus_device_id ids[2];
	char name[KMCL_HV_NAME_LEN];
	struct hv_driver hv;
};

static LIST_HEAD(kmcl_hv_classes);
static DEFINE_SPINLOCK(kmcl_hv_classes_lock);
static DECLARE_WAIT_QUEUE_HEAD(kmcl_hv_classes_wait);	/* for one to go */
static struct workqueue_struct *kmcl_hv_class_wq;

#ifndef KMCL_IN_TREE
static int __maybe_unused kmcl_hv_remove_int(struct hv_device *hdev)
{
	kmcl_hv_remove(hdev);
	return 0;
}
#endif

/* Is it a device of the class that a channel claims and does not have? */
static bool kmcl_hv_wanted(const struct kmcl_hv_class *class,
			   const struct hv_device *hdev)
{
	return guid_equal(&hdev->dev_type, &class->ids[0].guid) &&
	       kmcl_offer_claimed(&hdev->dev_type, &hdev->dev_instance);
}

/*
 * Called for each device on the bus: bind it if it is wanted and free. If it is
 * locked, another driver is probing or being removed, which may take any time.
 */
static int kmcl_hv_take(struct device *dev, void *data)
{
	struct kmcl_hv_class *class = data;
	struct device_driver *drv = &class->hv.driver;
	bool free;
	int ret;

	if (!kmcl_hv_wanted(class, device_to_hv_device(dev)))
		return 0;
	if (!device_trylock(dev)) {
		class->held_up = true;
		return 0;
	}
	/* For sparse, which does not know of locks taken on a condition */
	__acquire(&dev->mutex);
	/* No match: a socket, or the user has reserved it for another driver */
	free = !dev->driver && drv->bus->match(dev, drv);
	device_unlock(dev);
	if (!free)
		return 0;

	/* hv_vmbus reports errors of probe() */
	ret = device_driver_attach(drv, dev);
	if (ret)
		dev_dbg(dev, "not bound to %s: %d\n", class->name, ret);
	return 0;
}

/* Tell how to get a device from its driver. The device is locked. */
static void kmcl_hv_hint(struct kmcl_hv_class *class, const struct device *dev)
{
	/* A host that offers the devices of one class hides no hint of another */
	if (!__ratelimit(&class->hints))
		return;
	pr_warn("device %s belongs to driver %s; to get it, write %s to /sys/bus/vmbus/drivers/%s/unbind, then to /sys/bus/vmbus/drivers/%s/bind; to get it whenever it is offered, write %s to /sys/bus/vmbus/devices/%s/driver_override before\n",
		dev_name(dev), dev->driver->name, dev_name(dev),
		dev->driver->name, class->name, class->name, dev_name(dev));
}

static void kmcl_hv_set_untold(struct kmcl_hv_class *class, bool untold)
{
	spin_lock(&kmcl_hv_classes_lock);
	class->untold = untold;
	spin_unlock(&kmcl_hv_classes_lock);
}

/* Called for each device on the bus: tell if it belongs to another driver. */
static int kmcl_hv_report_owner(struct device *dev, void *data)
{
	struct kmcl_hv_class *class = data;

	if (!kmcl_hv_wanted(class, device_to_hv_device(dev)))
		return 0;
	if (!device_trylock(dev)) {
		kmcl_hv_set_untold(class, true);
		return 0;
	}
	__acquire(&dev->mutex);
	if (dev->driver && dev->driver != &class->hv.driver)
		kmcl_hv_hint(class, dev);
	device_unlock(dev);
	return 0;
}

static struct kmcl_hv_chosen *kmcl_hv_find_chosen(struct kmcl_hv_class *class,
						  const guid_t *instance)
	__must_hold(&kmcl_hv_classes_lock)
{
	struct kmcl_hv_chosen *chosen;

	lockdep_assert_held(&kmcl_hv_classes_lock);
	list_for_each_entry(chosen, &class->chosen, link)
		if (guid_equal(&chosen->instance, instance))
			return chosen;
	return NULL;
}

/* The device is gone: remember it, if the user has chosen it for the class */
static void kmcl_hv_keep_choice(struct kmcl_hv_class *class,
				struct hv_device *hdev)
{
	struct kmcl_hv_chosen *chosen;

	if (!kmcl_hv_take_override(hdev, &class->hv.driver))
		return;
	chosen = kzalloc_obj(*chosen);
	if (!chosen) {
		pr_warn_ratelimited("device %s: no memory to keep its driver_override\n",
				    dev_name(&hdev->device));
		return;
	}
	guid_copy(&chosen->instance, &hdev->dev_instance);
	spin_lock(&kmcl_hv_classes_lock);
	if (!kmcl_hv_find_chosen(class, &chosen->instance)) {
		list_add_tail(&chosen->link, &class->chosen);
		chosen = NULL;
	}
	spin_unlock(&kmcl_hv_classes_lock);
	kfree(chosen);
}

/* A device is new, and not matched yet: choose it again if the user had */
static void kmcl_hv_choose_again(struct kmcl_hv_class *class,
				 struct hv_device *hdev)
{
	struct kmcl_hv_chosen *chosen;
	int ret;

	spin_lock(&kmcl_hv_classes_lock);
	chosen = kmcl_hv_find_chosen(class, &hdev->dev_instance);
	if (chosen)
		list_del(&chosen->link);
	spin_unlock(&kmcl_hv_classes_lock);
	if (!chosen)
		return;
	kfree(chosen);
	ret = kmcl_hv_set_override(hdev, &class->hv.driver);
	if (ret)
		pr_warn_ratelimited("device %s: setting its driver_override again gives error %d\n",
				    dev_name(&hdev->device), ret);
}

static void kmcl_hv_forget_choices(struct kmcl_hv_class *class)
{
	struct kmcl_hv_chosen *chosen, *next;

	list_for_each_entry_safe(chosen, next, &class->chosen, link)
		kfree(chosen);
	INIT_LIST_HEAD(&class->chosen);
}

static int kmcl_hv_notify(struct notifier_block *nb, unsigned long event,
			  void *data)
{
	struct kmcl_hv_class *class = container_of(nb, struct kmcl_hv_class,
						   notifier);
	struct device *dev = data;
	struct hv_device *hdev = device_to_hv_device(dev);

	if (!guid_equal(&hdev->dev_type, &class->ids[0].guid))
		return NOTIFY_DONE;
	switch (event) {
	case BUS_NOTIFY_ADD_DEVICE:
		kmcl_hv_choose_again(class, hdev);
		break;
	case BUS_NOTIFY_REMOVED_DEVICE:
		kmcl_hv_keep_choice(class, hdev);
		break;
	case BUS_NOTIFY_BOUND_DRIVER:
		/* The device is locked, by whoever has bound it */
		if (dev->driver == &class->hv.driver ||
		    !kmcl_hv_wanted(class, hdev))
			break;
		kmcl_hv_hint(class, dev);
		kmcl_hv_set_untold(class, false);
		break;
	}
	return NOTIFY_DONE;
}

/*
 * The user can make a driver match devices of any class, with new_id or with
 * driver_override. But such a device would stay with the wrong class's channels:
 * it would be unbound, and looked for, together with them.
 */
static int kmcl_hv_class_probe(struct hv_device *hdev,
			       const struct hv_vmbus_device_id *id)
{
	const struct device_driver *drv = hdev->device.driver;
	const struct kmcl_hv_class *class =
		container_of(drv, struct kmcl_hv_class, hv.driver);

	if (guid_equal(&hdev->dev_type, &class->ids[0].guid))
		return kmcl_hv_probe(hdev, id);
	pr_warn_ratelimited("device %s has class %pUl and is not for driver %s: a channel of its class gets it without new_id; undo it with remove_id, or clear the device's driver_override\n",
			    dev_name(&hdev->device), &hdev->dev_type,
			    class->name);
	return -ENODEV;
}

static void kmcl_hv_set_registered(struct kmcl_hv_class *class, bool registered)
{
	spin_lock(&kmcl_hv_classes_lock);
	class->registered = registered;
	spin_unlock(&kmcl_hv_classes_lock);
}

static void kmcl_hv_class_register(struct kmcl_hv_class *class)
{
	struct hv_driver *hv = &class->hv;
	int ret;

	/* An hv_driver that was registered before cannot be reused as it is */
	memset(hv, 0, sizeof(*hv));
	hv->name = class->name;
	hv->probe = kmcl_hv_class_probe;
#ifdef KMCL_IN_TREE
	hv->remove = kmcl_hv_remove;
#else
	hv->remove = __builtin_choose_expr(KMCL_HV_REMOVE_RETURNS_INT,
					   kmcl_hv_remove_int, kmcl_hv_remove);
#endif
	/* To be asked before the kernel's own drivers, see above */
	hv->driver.probe_type = PROBE_FORCE_SYNCHRONOUS;
	hv->suspend = kmcl_hv_suspend;
	hv->resume = kmcl_hv_resume;

	ret = vmbus_driver_register(hv);
	if (!ret) {
		ret = bus_register_notifier(hv->driver.bus, &class->notifier);
		if (ret)
			vmbus_driver_unregister(hv);
	}
	if (ret) {
		pr_err_ratelimited("cannot watch class %pUl: registering driver %s gives error %d; disable a channel of the class and enable it again to retry\n",
				   &class->ids[0].guid, class->name, ret);
		return;
	}
	/*
	 * Not before: with an id_table, registering probes the devices of the
	 * class, and waits for the lock of each. hv_vmbus takes no table for an
	 * empty one. A device that is added from here on is probed by itself.
	 */
	WRITE_ONCE(hv->id_table, class->ids);
	kmcl_hv_set_registered(class, true);
}

/* Bind what can be bound, and tell why the rest cannot */
static void kmcl_hv_class_look(struct kmcl_hv_class *class, bool asked)
{
	const struct hv_driver *hv = &class->hv;

	class->held_up = false;
	bus_for_each_dev(hv->driver.bus, NULL, class, kmcl_hv_take);
	if (asked)
		bus_for_each_dev(hv->driver.bus, NULL, class,
				 kmcl_hv_report_owner);
}

static void kmcl_hv_class_work(struct work_struct *work)
{
	struct kmcl_hv_class *class = container_of(to_delayed_work(work),
						   struct kmcl_hv_class, work);
	bool watched, asked, gone;

	spin_lock(&kmcl_hv_classes_lock);
	watched = class->users;
	asked = class->asked || class->untold;
	class->asked = false;
	class->untold = false;
	spin_unlock(&kmcl_hv_classes_lock);

	if (watched && !class->registered)
		kmcl_hv_class_register(class);
	if (watched && class->registered) {
		kmcl_hv_class_look(class, asked);
	} else if (class->registered) {
		bus_unregister_notifier(class->hv.driver.bus, &class->notifier);
		vmbus_driver_unregister(&class->hv);
		kmcl_hv_forget_choices(class);
		kmcl_hv_set_registered(class, false);
		class->held_up = false;
	}

	/* Whoever changes what is asked for queues the work item again */
	spin_lock(&kmcl_hv_classes_lock);
	gone = !class->users && !class->registered &&
	       !delayed_work_pending(&class->work);
	if (gone)
		list_del(&class->link);
	else if (class->users && (class->held_up || class->untold))
		queue_delayed_work(kmcl_hv_class_wq, &class->work,
				   KMCL_HV_LOOK);
	spin_unlock(&kmcl_hv_classes_lock);
	if (!gone)
		return;
	kfree(class);
	wake_up_all(&kmcl_hv_classes_wait);
}

static struct kmcl_hv_class *kmcl_hv_class_find(const guid_t *type)
	__must_hold(&kmcl_hv_classes_lock)
{
	struct kmcl_hv_class *class;

	lockdep_assert_held(&kmcl_hv_classes_lock);
	list_for_each_entry(class, &kmcl_hv_classes, link)
		if (guid_equal(&class->ids[0].guid, type))
			return class;
	return NULL;
}

static void kmcl_hv_class_kick(struct kmcl_hv_class *class)
	__must_hold(&kmcl_hv_classes_lock)
{
	lockdep_assert_held(&kmcl_hv_classes_lock);
	mod_delayed_work(kmcl_hv_class_wq, &class->work, 0);
}

static struct kmcl_hv_class *kmcl_hv_class_new(const guid_t *type)
{
	struct kmcl_hv_class *class = kzalloc_obj(*class);

	if (!class)
		return NULL;
	INIT_LIST_HEAD(&class->chosen);
	class->notifier.notifier_call = kmcl_hv_notify;
	ratelimit_state_init(&class->hints, DEFAULT_RATELIMIT_INTERVAL,
			     DEFAULT_RATELIMIT_BURST);
	INIT_DELAYED_WORK(&class->work, kmcl_hv_class_work);
	guid_copy(&class->ids[0].guid, type);
	snprintf(class->name, sizeof(class->name), "vmbkmcl-%pUl", type);
	return class;
}

static void kmcl_hv_class_ask(struct kmcl_hv_class *class)
	__must_hold(&kmcl_hv_classes_lock)
{
	lockdep_assert_held(&kmcl_hv_classes_lock);
	class->asked = true;
	kmcl_hv_class_kick(class);
}

/**
 * kmcl_hv_watch() - bind to devices of a class, present and future, if claimed
 * @type: GUID of the class
 * @look: for present ones, too; otherwise only if that was not done before
 *
 * Counted: each call that succeeds needs a kmcl_hv_unwatch(). A claimed device
 * that is bound to another driver stays with it, and the kernel log says so. The
 * log also says if the class's driver cannot be registered.
 *
 * Context: Process context, may sleep; waits for nobody.
 * Return: 0, -EINVAL or -ENOMEM.
 */
int kmcl_hv_watch(const guid_t *type, bool look)
{
	struct kmcl_hv_class *class, *new = NULL;

	/* The all-zero GUID ends an id_table */
	if (guid_is_null(type))
		return -EINVAL;

	spin_lock(&kmcl_hv_classes_lock);
	class = kmcl_hv_class_find(type);
	if (!class) {
		spin_unlock(&kmcl_hv_classes_lock);
		new = kmcl_hv_class_new(type);
		if (!new)
			return -ENOMEM;
		spin_lock(&kmcl_hv_classes_lock);
		/* Or another caller has come before */
		class = kmcl_hv_class_find(type);
		if (!class) {
			class = new;
			new = NULL;
			list_add_tail(&class->link, &kmcl_hv_classes);
		}
	}
	/* Without a user, the driver is about to be unregistered */
	if (look || !class->users || !class->registered)
		kmcl_hv_class_ask(class);
	class->users++;
	spin_unlock(&kmcl_hv_classes_lock);
	kfree(new);
	return 0;
}

/**
 * kmcl_hv_unwatch() - undo one kmcl_hv_watch()
 * @type: GUID of the class
 *
 * After the last one the devices of the class are unbound, see kmcl_hv_settle().
 *
 * Context: Process context; waits for nobody.
 */
void kmcl_hv_unwatch(const guid_t *type)
{
	struct kmcl_hv_class *class;

	spin_lock(&kmcl_hv_classes_lock);
	class = kmcl_hv_class_find(type);
	/* The channels that are left have been looked for */
	if (!WARN_ON_ONCE(!class || !class->users) && !--class->users)
		kmcl_hv_class_kick(class);
	spin_unlock(&kmcl_hv_classes_lock);
}

/**
 * kmcl_hv_look() - look for devices that a newly enabled channel claims
 * @type: GUID of a class that is watched
 *
 * Context: Process context; waits for nobody.
 */
void kmcl_hv_look(const guid_t *type)
{
	struct kmcl_hv_class *class;

	spin_lock(&kmcl_hv_classes_lock);
	class = kmcl_hv_class_find(type);
	if (!WARN_ON_ONCE(!class))
		kmcl_hv_class_ask(class);
	spin_unlock(&kmcl_hv_classes_lock);
}

static bool kmcl_hv_settled(const guid_t *type)
{
	struct kmcl_hv_class *class;
	bool settled;

	spin_lock(&kmcl_hv_classes_lock);
	class = type ? kmcl_hv_class_find(type) : NULL;
	settled = type ? !class || class->users : list_empty(&kmcl_hv_classes);
	spin_unlock(&kmcl_hv_classes_lock);
	return settled;
}

static void kmcl_hv_say_unsettled(void)
{
	const struct kmcl_hv_class *class;
	guid_t type = {};

	spin_lock(&kmcl_hv_classes_lock);
	class = list_first_entry_or_null(&kmcl_hv_classes, struct kmcl_hv_class,
					 link);
	if (class)
		guid_copy(&type, &class->ids[0].guid);
	spin_unlock(&kmcl_hv_classes_lock);
	if (class)
		pr_warn("still waiting for the devices of class %pUl to be left: a driver may have locked one\n",
			&type);
}

/**
 * kmcl_hv_settle() - wait until the driver of an unwatched class is gone
 * @type: GUID of the class: waits 2 seconds at most, since another driver may
 *	have locked one of its devices; NULL: all classes, without limit
 *
 * Context: Process context, may sleep. Must not be called from anything that
 *	kmcl_offer_gone() waits for.
 */
void kmcl_hv_settle(const guid_t *type)
{
	if (type)
		wait_event_idle_timeout(kmcl_hv_classes_wait,
					kmcl_hv_settled(type), KMCL_HV_SETTLE);
	else
		while (!wait_event_idle_timeout(kmcl_hv_classes_wait,
						kmcl_hv_settled(NULL),
						KMCL_HV_SLOW))
			kmcl_hv_say_unsettled();
}

/* Called before the first kmcl_hv_watch() */
int kmcl_hv_classes_init(void)
{
	kmcl_hv_class_wq = alloc_workqueue("vmbkmcl_class", WQ_UNBOUND, 0);
	return kmcl_hv_class_wq ? 0 : -ENOMEM;
}

/* Called after the last kmcl_hv_settle(); waits for the work items to return */
void kmcl_hv_classes_exit(void)
{
	destroy_workqueue(kmcl_hv_class_wq);
	WARN_ON_ONCE(!list_empty(&kmcl_hv_classes));
}
