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

/*
 * Can a mapping have frame @pfn after frame @last? The kernel maps pages, here of
 * @per_page frames, a power of two, each at a multiple of its size. So within a page
 * a frame comes after its neighbour, and after the last one of a page the first one
 * of any page. With one frame per page, any frame comes after any.
 */
static inline bool kmcl_frame_follows(unsigned long last, unsigned long pfn,
				      u32 per_page)
{
	if (pfn & (per_page - 1))
		return pfn == last + 1;
	return !((last + 1) & (per_page - 1));
}

/* How many of @n frames, from the first one on, one mapping can have in this order */
static inline u32 kmcl_frames_run(const unsigned long *pfns, u32 n, u32 per_page)
{
	u32 i;

	for (i = 1; i < n; i++)
		if (!kmcl_frame_follows(pfns[i - 1], pfns[i], per_page))
			return i;
	return n;
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
			       u64 bytes, u32 per_page);

#endif
