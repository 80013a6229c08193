// SPDX-License-Identifier: GPL-2.0
/*
 * The hv_vmbus transport of vmbkmcl: device classes.
 *
 * hv_vmbus matches devices with drivers by the GUID of the device's class, and
 * reads a driver's id_table only then. So the transport registers a driver at
 * run time for each class that a channel names, for as long as the class is
 * watched.
 *
 * Everything here runs in process context and may sleep. Two locks:
 *
 *	kmcl_hv_classes_lock	the list of classes and their @refs
 *	kmcl_hv_class.lock	one class: its @users, and the registration of
 *				its driver
 *
 * They are never held together. Each class has its own lock because it is held
 * while devices are probed and removed, and a remove waits for channels whose
 * callbacks may enable channels of other classes. Device locks nest inside;
 * probe() and remove() take neither lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat.h"
#include "hv.h"

#define KMCL_HV_NAME_LEN	(sizeof("vmbkmcl-") + UUID_STRING_LEN)

/**
 * struct kmcl_hv_class - a watched device class
 * @link: entry in kmcl_hv_classes
 * @refs: references, one per watch and one per call in progress; protected by
 *	kmcl_hv_classes_lock
 * @lock: protects @users, @hv, and the registration of @hv
 * @users: number of watches; the driver is registered while it is not 0
 * @ids: the class, and the end of the table
 * @name: name of the driver in sysfs
 * @hv: the driver
 */
struct kmcl_hv_class {
	struct list_head link;
	unsigned int refs;
	struct mutex lock;	/* @users, @hv, and @hv's registration */
	unsigned int users;
	struct hv_vmbus_device_id ids[2];
	char name[KMCL_HV_NAME_LEN];
	struct hv_driver hv;
};

static LIST_HEAD(kmcl_hv_classes);
static DEFINE_MUTEX(kmcl_hv_classes_lock);

static int __maybe_unused kmcl_hv_remove_int(struct hv_device *hdev)
{
	kmcl_hv_remove(hdev);
	return 0;
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

static struct kmcl_hv_class *kmcl_hv_class_get(const guid_t *type, bool create)
{
	struct kmcl_hv_class *class;

	mutex_lock(&kmcl_hv_classes_lock);
	class = kmcl_hv_class_find(type);
	if (!class && create) {
		class = kzalloc_obj(*class);
		if (class) {
			mutex_init(&class->lock);
			guid_copy(&class->ids[0].guid, type);
			snprintf(class->name, sizeof(class->name),
				 "vmbkmcl-%pUl", type);
			list_add_tail(&class->link, &kmcl_hv_classes);
		}
	}
	if (class)
		class->refs++;
	mutex_unlock(&kmcl_hv_classes_lock);
	return class;
}

static void kmcl_hv_class_put(struct kmcl_hv_class *class)
{
	mutex_lock(&kmcl_hv_classes_lock);
	if (--class->refs) {
		class = NULL;
	} else {
		list_del(&class->link);
		mutex_destroy(&class->lock);
	}
	mutex_unlock(&kmcl_hv_classes_lock);
	kfree(class);
}

/*
 * Called for each device on the bus. A device whose lock is taken is being
 * bound or unbound: its driver is about to change, and waiting for the lock
 * could mean waiting for one of our own callbacks.
 */
static int kmcl_hv_report_owner(struct device *dev, void *data)
{
	const struct kmcl_hv_class *class = data;
	struct hv_device *hdev = device_to_hv_device(dev);

	if (!guid_equal(&hdev->dev_type, &class->ids[0].guid))
		return 0;
	if (!device_trylock(dev))
		return 0;
	/* For sparse, which does not know of locks taken on a condition */
	__acquire(&dev->mutex);
	if (dev->driver && dev->driver != &class->hv.driver)
		pr_warn_ratelimited("device %s belongs to driver %s; to get it, write %s to /sys/bus/vmbus/drivers/%s/unbind, then to /sys/bus/vmbus/drivers/%s/bind\n",
				    dev_name(dev), dev->driver->name,
				    dev_name(dev), dev->driver->name,
				    class->name);
	device_unlock(dev);
	return 0;
}

static int kmcl_hv_class_register(struct kmcl_hv_class *class)
	__must_hold(&class->lock)
{
	struct hv_driver *hv = &class->hv;
	int ret;

	lockdep_assert_held(&class->lock);

	/* An hv_driver that was registered before cannot be reused as it is */
	memset(hv, 0, sizeof(*hv));
	hv->name = class->name;
	hv->id_table = class->ids;
	hv->probe = kmcl_hv_probe;
	hv->remove = __builtin_choose_expr(KMCL_HV_REMOVE_RETURNS_INT,
					   kmcl_hv_remove_int, kmcl_hv_remove);
	/* kmcl_hv_watch() must not return before present devices are bound */
	hv->driver.probe_type = PROBE_FORCE_SYNCHRONOUS;
	/*
	 * Without suspend and resume operations hv_vmbus refuses to hibernate
	 * while a device of the class is bound. They would have to close the
	 * channel while most of the machine is frozen, when the work item that
	 * runs the channel's callbacks may not run, and to restore the rings on
	 * the same hv_device. Refusing loses no packet. Suspend to RAM or to
	 * idle does not concern VMBus.
	 */

	ret = vmbus_driver_register(hv);
	if (ret) {
		pr_err_ratelimited("cannot watch class %pUl: registering driver %s gives error %d\n",
				   &class->ids[0].guid, class->name, ret);
		return ret;
	}

	bus_for_each_dev(hv->driver.bus, NULL, class, kmcl_hv_report_owner);
	return 0;
}

/**
 * kmcl_hv_watch() - bind to the present and future devices of a class
 * @type: GUID of the class
 *
 * Counted: each call that succeeds needs a kmcl_hv_unwatch(). A device that is
 * bound to another driver stays with it, and the kernel log says so.
 *
 * Context: Process context, may sleep. Runs kmcl_hv_probe().
 * Return: 0, or a negative errno.
 */
int kmcl_hv_watch(const guid_t *type)
{
	struct kmcl_hv_class *class;
	int ret = 0;

	/* The all-zero GUID ends an id_table */
	if (guid_is_null(type))
		return -EINVAL;

	class = kmcl_hv_class_get(type, true);
	if (!class)
		return -ENOMEM;

	mutex_lock(&class->lock);
	if (!class->users)
		ret = kmcl_hv_class_register(class);
	if (!ret)
		class->users++;
	mutex_unlock(&class->lock);

	/* On success the watch keeps the reference */
	if (ret)
		kmcl_hv_class_put(class);
	return ret;
}

/**
 * kmcl_hv_unwatch() - undo one kmcl_hv_watch()
 * @type: GUID of the class
 *
 * The last one unbinds the devices of the class: kmcl_offer_gone() has been
 * called for each when this returns. Must not be called from anything that
 * kmcl_offer_gone() waits for.
 *
 * Context: Process context, may sleep. Runs kmcl_hv_remove().
 */
void kmcl_hv_unwatch(const guid_t *type)
{
	struct kmcl_hv_class *class = kmcl_hv_class_get(type, false);
	bool watched;

	if (WARN_ON_ONCE(!class))
		return;

	mutex_lock(&class->lock);
	watched = !WARN_ON_ONCE(!class->users);
	if (watched && !--class->users)
		vmbus_driver_unregister(&class->hv);
	mutex_unlock(&class->lock);

	if (watched)
		kmcl_hv_class_put(class);
	kmcl_hv_class_put(class);
}
