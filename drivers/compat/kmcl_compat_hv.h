/* SPDX-License-Identifier: GPL-2.0 */
#ifdef KMCL_IN_TREE
/* What the transport asks about a device of hv_vmbus. The locks are hv_vmbus' own. */
#else
/*
 * hv_vmbus: what differs between the kernels that the transport is built for, and what
 * hv_vmbus exports without a public prototype. The locks are hv_vmbus' own.
 */
#endif
#ifndef _KMCL_COMPAT_HV_H
#define _KMCL_COMPAT_HV_H

#include <asm/mshyperv.h>
#include <linux/compiler.h>
#include <linux/device.h>
#include <linux/hyperv.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

#ifdef KMCL_IN_TREE
#include "hyperv_vmbus.h"
#else
#include "kmcl_compat.h"

/*
 * Exported for drivers that set a rescind callback and so have to finish the
 * rescind themselves, but declared only in a private header of drivers/hv.
 */
void vmbus_device_unregister(struct hv_device *device_obj);
#endif

/*
 * Is the guest's memory private to it, as far as this channel is concerned?
 * Newer hosts may offer channels whose other side is in the same guest's trust.
 */
static inline bool kmcl_hv_isolated(const struct vmbus_channel *channel)
{
#ifdef VMBUS_CHANNEL_CONFIDENTIAL_EXTERNAL_MEMORY
	if (channel->co_external_memory)
		return false;
#endif
	return hv_is_isolation_supported();
}

#ifndef KMCL_IN_TREE
/*
 * In older kernels driver_override is a string of hv_vmbus', and Kbuild.probes defines
 * KMCL_HV_OWN_OVERRIDE: hv_vmbus does not free it, and the device's lock protects it.
 * In newer ones it is the driver core's.
 */
#endif

/*
 * driver_override says which driver alone may have a device.
 *
 * kmcl_hv_take_override() is for a device that is removed, which nobody can write
 * to any more, and returns whether it was @drv's.
 */
static inline bool kmcl_hv_take_override(struct hv_device *hdev,
					 const struct device_driver *drv)
{
#ifdef KMCL_HV_OWN_OVERRIDE
	if (!hdev->driver_override || strcmp(hdev->driver_override, drv->name))
		return false;
	kfree(hdev->driver_override);
	hdev->driver_override = NULL;
	return true;
#elif defined(KMCL_IN_TREE)
	return device_match_driver_override(&hdev->device, drv) > 0;
#else
	bool found = device_match_driver_override(&hdev->device, drv) > 0;

	/* For sparse, which does not know where a guard ends */
	__release(&hdev->device.driver_override.lock);
	return found;
#endif
}

static inline int kmcl_hv_set_override(struct hv_device *hdev,
				       const struct device_driver *drv)
{
#ifdef KMCL_HV_OWN_OVERRIDE
	const char *name = kstrdup(drv->name, GFP_KERNEL);

	if (!name)
		return -ENOMEM;
	if (!device_trylock(&hdev->device)) {
		kfree(name);
		return -EBUSY;
	}
	__acquire(&hdev->device.mutex);
	swap(hdev->driver_override, name);
	device_unlock(&hdev->device);
	kfree(name);
	return 0;
#else
	return device_set_driver_override(&hdev->device, drv->name);
#endif
}

#ifndef KMCL_IN_TREE
/* Older kernels have an int as the return type, which hv_vmbus ignores */
#define KMCL_HV_REMOVE_RETURNS_INT					\
	__same_type(((struct hv_driver *)NULL)->remove,			\
		    int (*)(struct hv_device *))
#endif

#endif
