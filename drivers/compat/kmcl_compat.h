/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Replacements for what some supported kernels lack: for the library and for clients.
 * There are no locks here.
 */
#ifndef _KMCL_COMPAT_H
#define _KMCL_COMPAT_H

#include <linux/slab.h>

/* The flags may be left out */
#ifndef kzalloc_obj
#define kmcl_second(first, second, ...)	second
#define kzalloc_obj(object, ...)					\
	kzalloc(sizeof(object),						\
		kmcl_second(, ##__VA_ARGS__, GFP_KERNEL))
#endif

#endif
