/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernels that the library is built for do not all have.
 */
#ifndef _KMCL_COMPAT_H
#define _KMCL_COMPAT_H

#include <linux/slab.h>

#ifndef kzalloc_obj
#define kzalloc_obj(object)	kzalloc(sizeof(object), GFP_KERNEL)
#endif

#endif
