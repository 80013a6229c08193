/* SPDX-License-Identifier: GPL-2.0 */
/* Functions on descriptions of memory for the library only. */
#ifndef _KMCL_MDL_INTERNAL_H
#define _KMCL_MDL_INTERNAL_H

#include <linux/kmcl_mdl.h>
#include <linux/types.h>

bool kmcl_pfn_ok(u64 pfn);
int kmcl_mdl_check(const struct kmcl_mdl *mdl);
void kmcl_mdl_free_chain(struct kmcl_mdl *mdl);
bool kmcl_mdl_hold(const struct kmcl_mdl *mdl);
void kmcl_mdl_release(const struct kmcl_mdl *mdl);
struct kmcl_mdl *kmcl_mdl_part(const struct kmcl_mdl *mdl, u64 offset,
			       u64 bytes);

#endif
