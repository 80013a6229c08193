// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptions of pages that are allocated for them, and of user space's memory,
 * whose pages are pinned.
 *
 * No locks: each description has one owner. Pinning sleeps. Unpinning does not:
 * completion routines unpin, but pages that were written to are marked dirty
 * under their locks, which sleeps. A work item does that.
 */
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "channel.h"
#include "mdl.h"

/**
 * struct kmcl_pinned - pinned pages
 * @work: unpins them, and frees this
 * @npages: how many
 * @write: they may have been written to
 * @pages: the pages
 */
struct kmcl_pinned {
	struct work_struct work;
	u32 npages;
	bool write;
	struct page *pages[];
};

/**
 * kmcl_mdl_alloc_pages() - allocate pages and describe them
 * @bytes: how many; rounded up to whole frames, of which U32_MAX / 4096 are
 *	possible
 * @least: how many there must be at least
 * @gfp: how to allocate each page, which is of its own; with __GFP_ZERO the pages
 *	are zeroed. No warning is logged.
 *
 * Describes as many pages as there are, see kmcl_mdl_total().
 *
 * Context: as @gfp says.
 * Return: the description, which kmcl_mdl_free() frees in any context, after
 * kmcl_mdl_free_pages(); NULL: no memory, or fewer bytes than @least, or none.
 */
struct kmcl_mdl *kmcl_mdl_alloc_pages(u32 bytes, u32 least, gfp_t gfp)
{
	u32 i, frames = kmcl_mdl_frames(0, bytes);
	struct kmcl_mdl *mdl;
	struct page *page;

	if (frames > U32_MAX / KMCL_PFN_SIZE)
		return NULL;
	gfp |= __GFP_NOWARN;
	/* No vmalloc(): may be freed in atomic context */
	mdl = kmalloc(kmcl_mdl_size(frames), gfp & ~(GFP_ZONEMASK | __GFP_ZERO |
						     __GFP_THISNODE));
	if (!mdl)
		return NULL;
	kmcl_mdl_init(mdl, NULL, 0);
	mdl->flags = KMCL_MDL_OWNS_PAGES;
	while (mdl->npfns < frames) {
		page = alloc_pages_node(NUMA_NO_NODE, gfp, 0);
		if (!page)
			break;
		for (i = 0; i < FRAMES_PER_PAGE && mdl->npfns < frames; i++)
			mdl->pfns[mdl->npfns++] =
				page_to_pfn(page) * FRAMES_PER_PAGE + i;
	}
	mdl->bytes = mdl->npfns * KMCL_PFN_SIZE;
	if (mdl->npfns && mdl->bytes >= least)
		return mdl;
	kmcl_mdl_free_pages(mdl);
	kmcl_mdl_free(mdl);
	return NULL;
}
EXPORT_SYMBOL_GPL(kmcl_mdl_alloc_pages);

/**
 * kmcl_mdl_free_pages() - free the pages of a description
 * @mdl: from kmcl_mdl_alloc_pages(), its memory no longer in use; unmapped if it
 *	was mapped
 *
 * The description describes nothing then. For one whose pages were not allocated
 * with it this does nothing.
 *
 * Context: atomic, but as kmcl_mdl_unmap() for mapped memory.
 */
void kmcl_mdl_free_pages(struct kmcl_mdl *mdl)
{
	u32 i;

	if (!(mdl->flags & KMCL_MDL_OWNS_PAGES))
		return;
	kmcl_mdl_unmap(mdl);
	for (i = 0; i < mdl->npfns; i += FRAMES_PER_PAGE)
		__free_page(frame_page(mdl->pfns[i]));
	mdl->flags &= ~KMCL_MDL_OWNS_PAGES;
	mdl->va = NULL;
	mdl->npfns = 0;
	mdl->bytes = 0;
}
EXPORT_SYMBOL_GPL(kmcl_mdl_free_pages);

static void unpin(struct work_struct *work)
{
	struct kmcl_pinned *pinned = container_of(work, struct kmcl_pinned, work);

	unpin_user_pages_dirty_lock(pinned->pages, pinned->npages, pinned->write);
	kvfree(pinned);
}

/* Pin @npages pages from @start on, in the task's memory. 0 or negative errno */
static int pin(struct kmcl_pinned *pinned, unsigned long start, u32 npages)
{
	/* A packet may be in flight for ever, and so may a GPADL be there */
	unsigned int flags = FOLL_LONGTERM | (pinned->write ? FOLL_WRITE : 0);
	int ret;

	while (pinned->npages < npages) {
		ret = pin_user_pages_fast(start + pinned->npages * PAGE_SIZE,
					  npages - pinned->npages, flags,
					  pinned->pages + pinned->npages);
		if (ret <= 0) {
			unpin_user_pages(pinned->pages, pinned->npages);
			return ret ?: -EFAULT;
		}
		pinned->npages += ret;
	}
	return 0;
}

/**
 * kmcl_mdl_pin_user() - pin the pages of a buffer in user space
 * @mdl: from kmcl_mdl_alloc(), with an address in the task's user space
 * @write: the peer or the driver will write to the buffer; without it the
 *	description is read-only
 *
 * The pages stay in memory, and what the description describes, until
 * kmcl_mdl_unpin(), even if the task unmaps them or ends. They do not count for
 * RLIMIT_MEMLOCK: see account_locked_vm(). @mdl->va remains the address in user
 * space; what kmcl_mdl_map() returns is in the kernel.
 *
 * Context: process context of the task; sleeps.
 * Return: 0; -EFAULT: not all of it is memory of the task that can be pinned,
 * and, with @write, written to; -ENOMEM; -EBUSY: @mdl describes memory; -EINTR:
 * the task is being killed; -EOPNOTSUPP: a file's, which cannot be pinned.
 * Nothing is described then.
 */
int kmcl_mdl_pin_user(struct kmcl_mdl *mdl, bool write)
{
	unsigned long va = (unsigned long)mdl->va;
	struct kmcl_pinned *pinned;
	u32 npages;
	int ret;

	if (mdl->npfns)
		return -EBUSY;
	if (!mdl->bytes || !current->mm ||
	    !access_ok((void __force __user *)mdl->va, mdl->bytes))
		return -EFAULT;
	might_sleep();
	npages = DIV_ROUND_UP_ULL((u64)offset_in_page(va) + mdl->bytes,
				  PAGE_SIZE);
	pinned = kvmalloc(struct_size(pinned, pages, npages), GFP_KERNEL);
	if (!pinned)
		return -ENOMEM;
	INIT_WORK(&pinned->work, unpin);
	pinned->npages = 0;
	pinned->write = write;
	ret = pin(pinned, va & PAGE_MASK, npages);
	if (ret) {
		kvfree(pinned);
		return ret == -EOVERFLOW ? -EFAULT : ret;
	}
	mdl->pinned = pinned;
	if (!write)
		mdl->flags |= KMCL_MDL_READ_ONLY;
	kmcl_mdl_set_pages(mdl, pinned->pages,
			   offset_in_page(va) >> KMCL_PFN_SHIFT);
	return 0;
}
EXPORT_SYMBOL_GPL(kmcl_mdl_pin_user);

/**
 * kmcl_mdl_unpin() - undo kmcl_mdl_pin_user()
 * @mdl: its memory no longer in use; unmapped if it was mapped
 *
 * The description describes nothing then, and may be freed, or pinned again.
 * The pages are unpinned soon afterwards. For one that is not pinned this does
 * nothing.
 *
 * Context: atomic, but as kmcl_mdl_unmap() for mapped memory.
 */
void kmcl_mdl_unpin(struct kmcl_mdl *mdl)
{
	struct kmcl_pinned *pinned = mdl->pinned;

	if (!pinned)
		return;
	kmcl_mdl_unmap(mdl);
	if (!pinned->write)
		mdl->flags &= ~KMCL_MDL_READ_ONLY;
	mdl->pinned = NULL;
	mdl->npfns = 0;
	queue_work(kmcl_wq, &pinned->work);
}
EXPORT_SYMBOL_GPL(kmcl_mdl_unpin);
