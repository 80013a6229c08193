/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VMBus Kernel Mode Client Library under Windows' names.
 *
 * Inline functions that call those of <linux/kmcl.h>. Handles are the library's
 * pointers, and callbacks have its prototypes: only status codes and time
 * limits are converted.
 *
 * They are for modules with a licence that is compatible with the GPL: say so
 * with MODULE_LICENSE(), or the module does not link with the library.
 *
 * PASSIVE means that a function may sleep and is called in process context
 * only. DISPATCH means that it never sleeps and may also be called from softirq
 * context. The functions Vmb...InitSet...() are for a channel that is disabled,
 * else they return STATUS_INVALID_PARAMETER_1.
 */
#ifndef _VMBUSKERNELMODECLIENTLIBAPI_H
#define _VMBUSKERNELMODECLIENTLIBAPI_H

#include "vmb_types.h"
#include "vmb_channel.h"
#include "vmb_settings.h"
#include "vmb_packet.h"
#include "vmb_memory.h"
#include "vmb_sync.h"
#include "kmclserver.h"
#include "vmb_interface.h"

#endif
