/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Described memory: what a packet or a GPADL shares with the other side.
 *
 * Nothing is locked here: a description belongs to one owner at a time, and is
 * only read while a packet or a GPADL uses it.
 */
#ifndef _LINUX_KMCL_MDL_H
#define _LINUX_KMCL_MDL_H

#include <linux/bits.h>
#include <linux/gfp_types.h>
#include <linux/types.h>

struct page;

#define KMCL_PFN_SHIFT		12	/* frames have 4 KiB on every kernel */
#define KMCL_PFN_SIZE		BIT(KMCL_PFN_SHIFT)

/* Flags of a description */
#define KMCL_MDL_READ_ONLY	BIT(0)	/* read-only, by convention */

/**
 * struct kmcl_mdl - memory, described by the page frames that hold it
 * @next: the next piece of a chain, or NULL
 * @va: where its first byte is, for memory that the kernel has mapped, or NULL
 * @map: the mapping that kmcl_mdl_map() made, or NULL
 * @pfns: page frame numbers, in units of 4 KiB
 * @npfns: how many; 0 until kmcl_mdl_build()
 * @offset: of the first byte in the first frame, below 4096
 * @bytes: how many bytes, in at most @npfns frames
 * @flags: KMCL_MDL_*
 *
 * The memory itself is its owner's, who keeps it where it is for as long as
 * anybody uses the description.
 */
struct kmcl_mdl {
	struct kmcl_mdl *next;
	void *va;
	void *map;
	unsigned long *pfns;
	u32 npfns;
	u32 offset;
	u32 bytes;
	u32 flags;
};

struct kmcl_mdl *kmcl_mdl_alloc(const void *va, u32 bytes, gfp_t gfp);
int kmcl_mdl_build(struct kmcl_mdl *mdl);
struct kmcl_mdl *kmcl_mdl_from_buffer(const void *va, u32 bytes, gfp_t gfp);
struct kmcl_mdl *kmcl_mdl_from_pages(struct page *const *pages, u32 offset,
				     u32 bytes, gfp_t gfp);
void kmcl_mdl_free(struct kmcl_mdl *mdl);

u64 kmcl_mdl_total(const struct kmcl_mdl *mdl);
int kmcl_mdl_read(const struct kmcl_mdl *mdl, u64 offset, void *buf, u32 len);
int kmcl_mdl_write(const struct kmcl_mdl *mdl, u64 offset, const void *buf,
		   u32 len);
void *kmcl_mdl_map(struct kmcl_mdl *mdl);
void kmcl_mdl_unmap(struct kmcl_mdl *mdl);

/* Frames that @bytes bytes from @offset in the first one on touch */
static inline u32 kmcl_mdl_frames(u32 offset, u32 bytes)
{
	return ((u64)offset + bytes + KMCL_PFN_SIZE - 1) >> KMCL_PFN_SHIFT;
}

#endif
