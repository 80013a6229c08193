/* SPDX-License-Identifier: GPL-2.0 */
/* Functions on descriptions of memory for the library only. */
#ifndef _KMCL_MDL_INTERNAL_H
#define _KMCL_MDL_INTERNAL_H

#include <linux/kmcl_mdl.h>
#include <linux/mm.h>
#include <linux/types.h>

#define FRAMES_PER_PAGE	(PAGE_SIZE >> KMCL_PFN_SHIFT)

static inline struct page *frame_page(unsigned long pfn)
{
	return pfn_to_page(pfn / FRAMES_PER_PAGE);
}

bool kmcl_pfn_ok(u64 pfn);
size_t kmcl_mdl_size(u32 frames);
void kmcl_mdl_init(struct kmcl_mdl *mdl, const void *va, u32 bytes);
void kmcl_mdl_set_pages(struct kmcl_mdl *mdl, struct page *const *pages,
			u32 first);
int kmcl_mdl_check(const struct kmcl_mdl *mdl);
void kmcl_mdl_free_chain(struct kmcl_mdl *mdl);
bool kmcl_frame_hold(unsigned long pfn);
void kmcl_frame_release(unsigned long pfn);
bool kmcl_mdl_hold(const struct kmcl_mdl *mdl);
void kmcl_mdl_release(const struct kmcl_mdl *mdl);
struct kmcl_mdl *kmcl_mdl_part(const struct kmcl_mdl *mdl, u64 offset,
			       u64 bytes);

#endif
