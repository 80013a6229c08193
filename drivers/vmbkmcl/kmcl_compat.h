/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Replacements for what some supported kernels lack.
 */
#ifndef _KMCL_COMPAT_H
#define _KMCL_COMPAT_H

#include <linux/slab.h>

#ifndef kzalloc_obj
#define kzalloc_obj(object)	kzalloc(sizeof(object), GFP_KERNEL)
#endif

#endif
