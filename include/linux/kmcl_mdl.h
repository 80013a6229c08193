/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Described memory: what a client shares with its peer, with a packet or in a
 * GPADL.
 *
 * No locks: a description has one owner at a time, and the library only reads
 * it, during the call that it is passed to.
 */
#ifndef _LINUX_KMCL_MDL_H
#define _LINUX_KMCL_MDL_H

#include <linux/bits.h>
#include <linux/gfp_types.h>
#include <linux/types.h>

struct kmcl_pinned;
struct page;

/* A frame has 4 KiB, also where the kernel's pages are larger */
#define KMCL_PFN_SHIFT		12
#define KMCL_PFN_SIZE		BIT(KMCL_PFN_SHIFT)

/* Flags of a description */
#define KMCL_MDL_READ_ONLY	BIT(0)	/* read-only, by convention */
#define KMCL_MDL_OWNS_PAGES	BIT(1)	/* set by kmcl_mdl_alloc_pages() */

/**
 * struct kmcl_mdl - describe memory by the page frames that hold it
 * @next: next description of the chain, or NULL
 * @va: address of the first byte, if the kernel has mapped the memory, or NULL;
 *	for kmcl_mdl_pin_user() the address in user space
 * @map: the mapping that kmcl_mdl_map() made, or NULL
 * @pinned: what kmcl_mdl_pin_user() has pinned, or NULL
 * @pfns: page frame numbers, in units of 4 KiB
 * @npfns: length of @pfns; 0 until kmcl_mdl_build() or kmcl_mdl_pin_user()
 * @offset: offset of the first byte in the first frame, below 4096
 * @bytes: bytes described; they take at most @npfns frames
 * @flags: KMCL_MDL_*
 *
 * The memory must stay where it is until the peer no longer uses it: until the
 * packet has ended, or the GPADL is deleted.
 */
struct kmcl_mdl {
	struct kmcl_mdl *next;
	void *va;
	void *map;
	struct kmcl_pinned *pinned;
	unsigned long *pfns;
	u32 npfns;
	u32 offset;
	u32 bytes;
	u32 flags;
};

/**
 * struct kmcl_range - a part of memory that a client has shared before
 * @bytes: its size, not 0
 * @offset: where it begins, in bytes; @offset + @bytes is at most U32_MAX
 *
 * What a transfer page packet carries, see kmcl_packet_ranges().
 */
struct kmcl_range {
	u32 bytes;
	u32 offset;
};

/**
 * kmcl_range_ok() - check a range against the memory that it is a part of
 * @range: from the peer
 * @size: bytes of the memory
 *
 * Context: any.
 * Return: whether all of it is there.
 */
static inline bool kmcl_range_ok(const struct kmcl_range *range, u64 size)
{
	return (u64)range->offset + range->bytes <= size;
}

struct kmcl_mdl *kmcl_mdl_alloc(const void *va, u32 bytes, gfp_t gfp);
int kmcl_mdl_build(struct kmcl_mdl *mdl);
struct kmcl_mdl *kmcl_mdl_from_buffer(const void *va, u32 bytes, gfp_t gfp);
struct kmcl_mdl *kmcl_mdl_from_pages(struct page *const *pages, u32 offset,
				     u32 bytes, gfp_t gfp);
void kmcl_mdl_free(struct kmcl_mdl *mdl);

struct kmcl_mdl *kmcl_mdl_alloc_pages(u32 bytes, u32 least, gfp_t gfp);
void kmcl_mdl_free_pages(struct kmcl_mdl *mdl);
int kmcl_mdl_pin_user(struct kmcl_mdl *mdl, bool write);
void kmcl_mdl_unpin(struct kmcl_mdl *mdl);

u64 kmcl_mdl_total(const struct kmcl_mdl *mdl);
int kmcl_mdl_read(const struct kmcl_mdl *mdl, u64 offset, void *buf, u32 len);
int kmcl_mdl_write(const struct kmcl_mdl *mdl, u64 offset, const void *buf,
		   u32 len);
void *kmcl_mdl_map(struct kmcl_mdl *mdl);
void kmcl_mdl_unmap(struct kmcl_mdl *mdl);

/* Number of frames that hold @bytes bytes, from @offset in the first one on */
static inline u32 kmcl_mdl_frames(u32 offset, u32 bytes)
{
	return ((u64)offset + bytes + KMCL_PFN_SIZE - 1) >> KMCL_PFN_SHIFT;
}

#endif
