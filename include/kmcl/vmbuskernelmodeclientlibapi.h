/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VMBus Kernel Mode Client Library under Windows' names.
 *
 * Thin wrappers over <linux/kmcl.h>. Handles are the library's own pointers
 * and callbacks have its own prototypes, so that nothing is translated but
 * status codes and time limits.
 *
 * PASSIVE means process context, may sleep. DISPATCH means that the function
 * may also be called from softirq context, and never sleeps. The init
 * functions (Vmb...InitSet...) are for a channel that is disabled, else they
 * return STATUS_INVALID_PARAMETER_1.
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
