// SPDX-License-Identifier: GPL-2.0
/*
 * The hv_vmbus transport of vmbkmcl: hibernation.
 *
 * hv_vmbus calls both functions in the task that suspends or resumes the devices,
 * with no lock. A work item of its own may remove the device meanwhile, so that the
 * offer is looked up, and a reference held. Between the two calls hv_vmbus has
 * unloaded VMBus, and the device may have another relid afterwards.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>

#include "hv.h"

/**
 * kmcl_hv_suspend() - close a device of a watched class before hibernation
 * @hdev: the device
 *
 * Its channel stays bound to it. Suspend to RAM or to idle does not concern VMBus,
 * and this is not called for it.
 *
 * Context: Process context, device not locked, device interrupts off; those of
 *	VMBus stay on.
 * Return: 0, or a negative errno: the machine does not hibernate.
 */
int kmcl_hv_suspend(struct hv_device *hdev)
{
	struct kmcl_offer *offer = kmcl_hv_offer_get(hdev);
	int ret;

	if (!offer)
		return 0;
	ret = kmcl_offer_suspend(offer);
	kmcl_offer_put(offer);
	return ret;
}

/**
 * kmcl_hv_resume() - let a device be opened again
 * @hdev: the device
 *
 * hv_vmbus has found it among the devices that the host offers now, or has written
 * to the kernel's log that it has not. While the image is being written, the library
 * waits for the end of that.
 *
 * Context: as for kmcl_hv_suspend(); does not wait for the channel.
 * Return: 0.
 */
int kmcl_hv_resume(struct hv_device *hdev)
{
	struct kmcl_offer *offer = kmcl_hv_offer_get(hdev);

	if (!offer)
		return 0;
	if (hdev->channel->offermsg.child_relid == INVALID_RELID) {
		pr_warn("%s: the host does not offer it any more; if it is back later, unbind it from its driver, and bind it again\n",
			dev_name(&hdev->device));
		kmcl_offer_rescind(offer);
	}
	kmcl_offer_resume(offer);
	kmcl_offer_put(offer);
	return 0;
}
