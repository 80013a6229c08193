/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything that differs between the kernels this module is built for, or
 * that hv_vmbus exports without a public prototype.
 */
#ifndef _KMCL_HV_COMPAT_H
#define _KMCL_HV_COMPAT_H

#include <asm/mshyperv.h>
#include <linux/compiler.h>
#include <linux/hyperv.h>

#include "kmcl_compat.h"

/*
 * Exported for drivers that set a rescind callback and so have to finish the
 * rescind themselves, but declared only in a private header of drivers/hv.
 */
void vmbus_device_unregister(struct hv_device *device_obj);

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

/* Older kernels have an int as the return type, which hv_vmbus ignores */
#define KMCL_HV_REMOVE_RETURNS_INT					\
	__same_type(((struct hv_driver *)NULL)->remove,			\
		    int (*)(struct hv_device *))

#endif
