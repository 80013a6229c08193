// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptions of memory: making them, and accessing the memory.
 *
 * No locks: each description has one owner. Only mapping and unmapping may
 * sleep.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "mdl.h"

/* Offset of frame @pfn in its page: 0 if pages have 4 KiB */
static u32 frame_offset(unsigned long pfn)
{
	return (pfn % FRAMES_PER_PAGE) << KMCL_PFN_SHIFT;
}

/* Does the frame number refer to memory? */
bool kmcl_pfn_ok(u64 pfn)
{
	unsigned long page = pfn / FRAMES_PER_PAGE;

	return page == pfn / FRAMES_PER_PAGE && pfn_valid(page);
}

/* Check one piece of a chain. Returns 0 or -EINVAL */
int kmcl_mdl_check(const struct kmcl_mdl *mdl)
{
	if (mdl->offset >= KMCL_PFN_SIZE ||
	    kmcl_mdl_frames(mdl->offset, mdl->bytes) > mdl->npfns ||
	    (mdl->npfns && !mdl->pfns))
		return -EINVAL;
	return 0;
}

/* Bytes of a description with room for @frames frames */
size_t kmcl_mdl_size(u32 frames)
{
	return sizeof(struct kmcl_mdl) +
	       array_size(frames, sizeof(unsigned long));
}

/* Make kmcl_mdl_size() bytes at @mdl a description of nothing */
void kmcl_mdl_init(struct kmcl_mdl *mdl, const void *va, u32 bytes)
{
	*mdl = (struct kmcl_mdl) {
		.va = (void *)va,
		.pfns = (unsigned long *)(mdl + 1),
		.offset = (unsigned long)va & (KMCL_PFN_SIZE - 1),
		.bytes = bytes,
	};
}

/* Describe what is in @pages, from frame @first of the first one on */
void kmcl_mdl_set_pages(struct kmcl_mdl *mdl, struct page *const *pages,
			u32 first)
{
	u32 i;

	mdl->npfns = kmcl_mdl_frames(mdl->offset, mdl->bytes);
	for (i = 0; i < mdl->npfns; i++) {
		u32 frame = first + i;

		mdl->pfns[i] = page_to_pfn(pages[frame / FRAMES_PER_PAGE]) *
				FRAMES_PER_PAGE + frame % FRAMES_PER_PAGE;
	}
}

/**
 * kmcl_mdl_alloc() - allocate a description with room for a buffer's frames
 * @va: address of the buffer; not accessed
 * @bytes: its size
 * @gfp: how to allocate
 *
 * Describes nothing until kmcl_mdl_build() or kmcl_mdl_pin_user().
 *
 * Context: as @gfp says.
 * Return: the description, which kmcl_mdl_free() frees, or NULL.
 */
struct kmcl_mdl *kmcl_mdl_alloc(const void *va, u32 bytes, gfp_t gfp)
{
	u32 offset = (unsigned long)va & (KMCL_PFN_SIZE - 1);
	size_t size = kmcl_mdl_size(kmcl_mdl_frames(offset, bytes));
	struct kmcl_mdl *mdl;

	/* What is allocated in atomic context may be freed there: no vfree() */
	if (gfpflags_allow_blocking(gfp))
		mdl = kvmalloc(size, gfp);
	else
		mdl = kmalloc(size, gfp | __GFP_NOWARN);
	if (mdl)
		kmcl_mdl_init(mdl, va, bytes);
	return mdl;
}
EXPORT_SYMBOL_GPL(kmcl_mdl_alloc);

/**
 * kmcl_mdl_build() - look up the frames of a kernel buffer
 * @mdl: from kmcl_mdl_alloc(); its buffer must be memory of the page or slab
 *	allocators or of vmalloc(), and must stay in place
 *
 * Context: atomic.
 * Return: 0; -EFAULT: there is no such memory, nothing is described.
 */
int kmcl_mdl_build(struct kmcl_mdl *mdl)
{
	u32 i, frames = kmcl_mdl_frames(mdl->offset, mdl->bytes);
	const void *va = mdl->va - mdl->offset;
	struct page *page;

	mdl->npfns = 0;
	for (i = 0; i < frames; i++, va += KMCL_PFN_SIZE) {
		page = NULL;
		if (is_vmalloc_addr(va))
			page = vmalloc_to_page(va);
		else if (virt_addr_valid(va))
			page = virt_to_page(va);
		if (!page)
			return -EFAULT;
		mdl->pfns[i] = page_to_pfn(page) * FRAMES_PER_PAGE +
			       (offset_in_page(va) >> KMCL_PFN_SHIFT);
	}
	mdl->npfns = frames;
	return 0;
}
EXPORT_SYMBOL_GPL(kmcl_mdl_build);

/**
 * kmcl_mdl_from_buffer() - describe a kernel buffer
 * @va: see kmcl_mdl_build()
 * @bytes: its size
 * @gfp: how to allocate
 *
 * Context: as @gfp says.
 * Return: the description, which kmcl_mdl_free() frees; NULL: no memory, or
 * no such buffer.
 */
struct kmcl_mdl *kmcl_mdl_from_buffer(const void *va, u32 bytes, gfp_t gfp)
{
	struct kmcl_mdl *mdl = kmcl_mdl_alloc(va, bytes, gfp);

	if (mdl && kmcl_mdl_build(mdl)) {
		kmcl_mdl_free(mdl);
		return NULL;
	}
	return mdl;
}
EXPORT_SYMBOL_GPL(kmcl_mdl_from_buffer);

/**
 * kmcl_mdl_from_pages() - describe pages
 * @pages: as many as @offset and @bytes need; no reference is taken
 * @offset: of the first byte in the first page, below PAGE_SIZE
 * @bytes: how many bytes
 * @gfp: how to allocate
 *
 * Context: as @gfp says.
 * Return: the description, which kmcl_mdl_free() frees, or NULL.
 */
struct kmcl_mdl *kmcl_mdl_from_pages(struct page *const *pages, u32 offset,
				     u32 bytes, gfp_t gfp)
{
	struct kmcl_mdl *mdl;

	/* kmcl_mdl_alloc() takes the offset in a frame from the address */
	mdl = kmcl_mdl_alloc((void *)(unsigned long)offset, bytes, gfp);
	if (!mdl)
		return NULL;
	mdl->va = NULL;
	kmcl_mdl_set_pages(mdl, pages, offset >> KMCL_PFN_SHIFT);
	return mdl;
}
EXPORT_SYMBOL_GPL(kmcl_mdl_from_pages);

/**
 * kmcl_mdl_free() - free one description
 * @mdl: from kmcl_mdl_alloc() or the functions that use it, not pinned; NULL is
 *	fine; not the rest of its chain
 *
 * Context: may sleep. Atomic if the description was allocated with flags that do
 * not sleep, unless kmcl_mdl_map() had to map the memory and kmcl_mdl_unmap()
 * was not called.
 */
void kmcl_mdl_free(struct kmcl_mdl *mdl)
{
	if (!mdl)
		return;
	kmcl_mdl_unmap(mdl);
	kvfree(mdl);
}
EXPORT_SYMBOL_GPL(kmcl_mdl_free);

void kmcl_mdl_free_chain(struct kmcl_mdl *mdl)
{
	struct kmcl_mdl *next;

	for (; mdl; mdl = next) {
		next = mdl->next;
		kmcl_mdl_free(mdl);
	}
}

/*
 * Keep the page of a frame from being reused, even when its owner frees it.
 * Returns false where no reference can do that: for kmalloc() memory, which the
 * slab allocator reuses whatever the page's count, and for a block of pages that
 * is not compound, whose pages but the first have no count of their own.
 */
bool kmcl_frame_hold(unsigned long pfn)
{
	struct folio *folio;

	if (!kmcl_pfn_ok(pfn))
		return false;
	folio = page_folio(frame_page(pfn));
	return !folio_test_slab(folio) && folio_try_get(folio);
}

/* Undo kmcl_frame_hold() */
void kmcl_frame_release(unsigned long pfn)
{
	folio_put(page_folio(frame_page(pfn)));
}

/* Release @count frames of a chain */
static void release(const struct kmcl_mdl *mdl, u64 count)
{
	u32 i;

	for (; mdl; mdl = mdl->next) {
		for (i = 0; i < mdl->npfns; i++) {
			if (!count--)
				return;
			kmcl_frame_release(mdl->pfns[i]);
		}
	}
}

/*
 * Hold references on all pages of a chain; false: none are held, since some
 * cannot be. Atomic.
 */
bool kmcl_mdl_hold(const struct kmcl_mdl *mdl)
{
	const struct kmcl_mdl *piece;
	u64 count = 0;
	u32 i;

	for (piece = mdl; piece; piece = piece->next) {
		for (i = 0; i < piece->npfns; i++, count++) {
			if (kmcl_frame_hold(piece->pfns[i]))
				continue;
			release(mdl, count);
			return false;
		}
	}
	return true;
}

/* Undo kmcl_mdl_hold(). Atomic. */
void kmcl_mdl_release(const struct kmcl_mdl *mdl)
{
	release(mdl, U64_MAX);
}

/*
 * Make a chain that describes @bytes bytes of another one, from @offset on.
 * Pieces without bytes are left out. Each piece is one that can be mapped where
 * pages have @per_page frames: what cannot be becomes several pieces, which with
 * one frame per page never happens. The caller has checked the other chain and
 * that it has as many bytes. NULL: no memory. Sleeps.
 */
struct kmcl_mdl *kmcl_mdl_part(const struct kmcl_mdl *mdl, u64 offset,
			       u64 bytes, u32 per_page)
{
	struct kmcl_mdl *first = NULL, **last = &first, *part;
	const unsigned long *pfns;
	u32 n, in_frame, frames;

	while (mdl && bytes) {
		if (offset >= mdl->bytes) {
			offset -= mdl->bytes;
			mdl = mdl->next;
			continue;
		}
		pfns = mdl->pfns + ((mdl->offset + offset) >> KMCL_PFN_SHIFT);
		in_frame = (mdl->offset + offset) & (KMCL_PFN_SIZE - 1);
		n = min_t(u64, bytes, mdl->bytes - offset);
		frames = kmcl_frames_run(pfns, kmcl_mdl_frames(in_frame, n),
					 per_page);
		n = min_t(u64, n, (u64)frames * KMCL_PFN_SIZE - in_frame);
		part = kmcl_mdl_alloc((void *)(unsigned long)in_frame, n,
				      GFP_KERNEL);
		if (!part) {
			kmcl_mdl_free_chain(first);
			return NULL;
		}
		part->va = NULL;
		part->npfns = frames;
		memcpy(part->pfns, pfns, frames * sizeof(*pfns));
		*last = part;
		last = &part->next;
		bytes -= n;
		offset += n;
	}
	return first;
}

/**
 * kmcl_mdl_total() - get the size of the memory that a chain describes
 * @mdl: its first piece, or NULL
 *
 * Context: atomic.
 * Return: bytes.
 */
u64 kmcl_mdl_total(const struct kmcl_mdl *mdl)
{
	u64 total = 0;

	for (; mdl; mdl = mdl->next)
		total += mdl->bytes;
	return total;
}
EXPORT_SYMBOL_GPL(kmcl_mdl_total);

static int copy(const struct kmcl_mdl *mdl, u64 offset, void *buf, u32 len,
		bool write)
{
	while (mdl && offset >= mdl->bytes) {
		offset -= mdl->bytes;
		mdl = mdl->next;
	}
	while (len) {
		u64 at;
		u32 n;
		unsigned long pfn;
		void *p;

		if (!mdl)
			return -EINVAL;
		if (offset >= mdl->bytes) {
			mdl = mdl->next;
			offset = 0;
			continue;
		}
		if (kmcl_mdl_check(mdl))
			return -EINVAL;
		if (write && mdl->flags & KMCL_MDL_READ_ONLY)
			return -EACCES;
		at = mdl->offset + offset;
		pfn = mdl->pfns[at >> KMCL_PFN_SHIFT];
		at &= KMCL_PFN_SIZE - 1;
		n = min_t(u64, len, min_t(u64, KMCL_PFN_SIZE - at,
					  mdl->bytes - offset));
		p = kmap_local_page(frame_page(pfn));
		if (write)
			memcpy(p + frame_offset(pfn) + at, buf, n);
		else
			memcpy(buf, p + frame_offset(pfn) + at, n);
		kunmap_local(p);
		buf += n;
		len -= n;
		offset += n;
	}
	return 0;
}

/**
 * kmcl_mdl_read() - copy out of described memory
 * @mdl: the first piece of a chain
 * @offset: where to begin, in bytes from the first one described
 * @buf: memory for the bytes
 * @len: how many
 *
 * Context: atomic.
 * Return: 0; -EINVAL: the chain is too short, or frames are missing; what comes
 * before that was copied.
 */
int kmcl_mdl_read(const struct kmcl_mdl *mdl, u64 offset, void *buf, u32 len)
{
	return copy(mdl, offset, buf, len, false);
}
EXPORT_SYMBOL_GPL(kmcl_mdl_read);

/**
 * kmcl_mdl_write() - copy into described memory
 * @mdl: the first piece of a chain
 * @offset: where to begin, in bytes from the first one described
 * @buf: the bytes
 * @len: how many
 *
 * Context: atomic.
 * Return: 0; -EINVAL: the chain is too short, or frames are missing; -EACCES: a
 * piece is read-only. What comes before that was copied.
 */
int kmcl_mdl_write(const struct kmcl_mdl *mdl, u64 offset, const void *buf,
		   u32 len)
{
	return copy(mdl, offset, (void *)buf, len, true);
}
EXPORT_SYMBOL_GPL(kmcl_mdl_write);

/* Map the pages that have the frames, which kmcl_frames_run() has checked. */
static void *map_pages(const struct kmcl_mdl *mdl)
{
	bool read_only = mdl->flags & KMCL_MDL_READ_ONLY;
	struct page **pages;
	u32 i, n = 0;
	void *map;

	pages = kvmalloc_array(mdl->npfns, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return NULL;
	for (i = 0; i < mdl->npfns; i++)
		if (!i || !(mdl->pfns[i] % FRAMES_PER_PAGE))
			pages[n++] = frame_page(mdl->pfns[i]);
	map = vmap(pages, n, VM_MAP, read_only ? PAGE_KERNEL_RO : PAGE_KERNEL);
	kvfree(pages);
	return map;
}

static bool contiguous(const struct kmcl_mdl *mdl)
{
	u32 i;

	for (i = 0; i < mdl->npfns; i++)
		if (mdl->pfns[i] != mdl->pfns[0] + i ||
		    PageHighMem(frame_page(mdl->pfns[i])))
			return false;
	return true;
}

/* The address of the first byte, if its page is at @page */
static void *mapped(struct kmcl_mdl *mdl, void *page)
{
	void *va = page + frame_offset(mdl->pfns[0]) + mdl->offset;

	if (!mdl->pinned)
		mdl->va = va;
	return va;
}

/**
 * kmcl_mdl_map() - map the memory of one piece of a chain
 * @mdl: the piece; the rest of its chain is not mapped
 *
 * Returns the same address each time until kmcl_mdl_unmap().
 *
 * Where the kernel's pages have 16 or 64 KiB, not all orders of frames can be mapped,
 * since a page is mapped as a whole: see Documentation/driver-api/memory.rst. Then a
 * message is logged. kmcl_mdl_read() and kmcl_mdl_write() work with any.
 *
 * Context: may sleep; atomic if the memory is a buffer that the kernel has
 * mapped, or physically contiguous.
 * Return: the address of the first byte; NULL: nothing is described, no
 * memory, or frames that cannot be mapped in this order.
 */
void *kmcl_mdl_map(struct kmcl_mdl *mdl)
{
	u32 n;

	if (!mdl->npfns)
		return NULL;
	if (mdl->map)
		return mapped(mdl, mdl->map);
	/* Where pages are pinned it is the address in user space */
	if (mdl->va && !mdl->pinned)
		return mdl->va;
	if (contiguous(mdl))
		return mapped(mdl, page_address(frame_page(mdl->pfns[0])));
	might_sleep();
	n = kmcl_frames_run(mdl->pfns, mdl->npfns, FRAMES_PER_PAGE);
	if (n < mdl->npfns) {
		pr_err_ratelimited("described memory cannot be mapped: frame %u of %u does not follow the one before it in pages of %lu bytes\n",
				   n, mdl->npfns, PAGE_SIZE);
		return NULL;
	}
	mdl->map = map_pages(mdl);
	return mdl->map ? mapped(mdl, mdl->map) : NULL;
}
EXPORT_SYMBOL_GPL(kmcl_mdl_map);

/**
 * kmcl_mdl_unmap() - undo kmcl_mdl_map()
 * @mdl: the piece
 *
 * Context: may sleep if kmcl_mdl_map() had to map the memory, else atomic.
 */
void kmcl_mdl_unmap(struct kmcl_mdl *mdl)
{
	if (!mdl->map)
		return;
	vunmap(mdl->map);
	mdl->map = NULL;
	if (!mdl->pinned)
		mdl->va = NULL;
}
EXPORT_SYMBOL_GPL(kmcl_mdl_unmap);
