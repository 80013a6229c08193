// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that kmcl_traffic shares with its peer: external data, and one GPADL.
 * And memory that it fragments.
 *
 * Everything here runs in process context. What a channel shares takes
 * tr->send_mutex; tr->lock protects what packet callbacks look at.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "kmcl_traffic.h"

/* Offset of the data in their buffer: odd, so that nothing is aligned */
#define TR_OFFSET	1001U

static DEFINE_MUTEX(tr_pages_mutex);	/* tr_pages */
static LIST_HEAD(tr_pages);

static void free_chain(struct kmcl_mdl *mdl)
{
	struct kmcl_mdl *next;

	for (; mdl; mdl = next) {
		next = mdl->next;
		kmcl_mdl_free(mdl);
	}
}

/* Describe @size bytes at @buf as @pieces elements; NULL: no memory */
static struct kmcl_mdl *describe(u8 *buf, u32 size, u32 pieces)
{
	struct kmcl_mdl *first = NULL, **last = &first;
	u32 bytes;

	for (; pieces; pieces--) {
		bytes = pieces == 1 ? size : size / pieces;
		*last = kmcl_mdl_from_buffer(buf, bytes, GFP_KERNEL);
		if (!*last) {
			free_chain(first);
			return NULL;
		}
		last = &(*last)->next;
		buf += bytes;
		size -= bytes;
	}
	return first;
}

/*
 * Send a synchronous request with @size bytes of external data in @pieces
 * ranges, filled like a payload with the same sequence number.
 */
int tr_external(struct tr *tr, u32 size, u32 pieces, s64 timeout_ns)
{
	u8 *buf = kvmalloc(TR_OFFSET + size, GFP_KERNEL);
	struct kmcl_mdl *mdl = NULL;
	int ret = -ENOMEM;

	if (buf)
		mdl = describe(buf + TR_OFFSET, size, pieces);
	if (!mdl)
		goto free;
	mutex_lock(&tr->send_mutex);
	tr_fill(tr->buf, tr->seq, TR_HEADER);
	tr_fill(buf + TR_OFFSET, tr->seq, size);
	atomic64_inc(&tr->no_routine);
	ret = kmcl_send_sync_mdl(tr->ch, tr->buf, TR_HEADER, mdl,
				 KMCL_SEND_WAIT, NULL, NULL, timeout_ns);
	/* A request that was refused has not used its number */
	if (!tr_refused(ret))
		tr->seq++;
	mutex_unlock(&tr->send_mutex);
	/* The peer may still use the memory if the request was cancelled: leak it */
	if (ret == -ECANCELED || ret == -ENODEV)
		buf = NULL;
free:
	free_chain(mdl);
	kvfree(buf);
	return ret;
}

/* Let packet callbacks look at the shared memory, or at none. */
static void show(struct tr *tr, const u8 *at, u32 bytes)
{
	spin_lock_irq(&tr->lock);
	tr->visible = at;
	tr->visible_bytes = bytes;
	spin_unlock_irq(&tr->lock);
}

/* Delete the GPADL, if there is one, and free its memory */
int tr_unshare(struct tr *tr)
{
	int ret = 0;

	mutex_lock(&tr->send_mutex);
	if (tr->gpadl)
		ret = kmcl_gpadl_delete(tr->ch, tr->gpadl);
	tr->gpadl = 0;
	show(tr, NULL, 0);
	kvfree(tr->shared);
	tr->shared = NULL;
	mutex_unlock(&tr->send_mutex);
	return ret;
}

/* Make a GPADL of @pages pages, from @pieces descriptions; 0: from a buffer */
int tr_share(struct tr *tr, u32 pages, u32 pieces)
{
	struct kmcl_mdl *mdl = NULL;
	int ret = -EBUSY;

	mutex_lock(&tr->send_mutex);
	if (tr->shared)
		goto unlock;
	ret = -ENOMEM;
	tr->shared = kvzalloc((size_t)pages * PAGE_SIZE, GFP_KERNEL);
	if (!tr->shared)
		goto unlock;
	/* The host can use it before the call has returned */
	show(tr, tr->shared, pages * PAGE_SIZE);
	if (pieces)
		mdl = describe(tr->shared, pages * PAGE_SIZE, pieces);
	if (mdl)
		ret = kmcl_gpadl_create_mdl(tr->ch, 0, mdl, 0, 0, &tr->gpadl);
	else if (!pieces)
		ret = kmcl_gpadl_create(tr->ch, 0, tr->shared,
					pages * PAGE_SIZE, &tr->gpadl);
	free_chain(mdl);
	if (ret) {
		show(tr, NULL, 0);
		kvfree(tr->shared);
		tr->shared = NULL;
	}
unlock:
	mutex_unlock(&tr->send_mutex);
	return ret;
}

/* Split a block, and free all of it but one page, which stays where it is */
static struct page *keep_one_page(struct page *block, unsigned int order)
{
	unsigned int i;

	split_page(block, order);
	for (i = 1; i < 1U << order; i++)
		__free_page(block + i);
	return block;
}

/*
 * Leave no free block of @order or more, as long uptime does; 0: undo that. The
 * kernel moves what it can to make more of them, until a page of ours is in each.
 */
int tr_fragment(unsigned int order)
{
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN | __GFP_RETRY_MAYFAIL;
	struct page *page, *next;

	if (order > get_order(SZ_1M))
		return -EINVAL;
	mutex_lock(&tr_pages_mutex);
	while (order && !fatal_signal_pending(current)) {
		page = alloc_pages(gfp, order);
		if (!page)
			break;
		list_add(&keep_one_page(page, order)->lru, &tr_pages);
	}
	if (!order) {
		list_for_each_entry_safe(page, next, &tr_pages, lru)
			__free_page(page);
		INIT_LIST_HEAD(&tr_pages);
	}
	mutex_unlock(&tr_pages_mutex);
	return 0;
}

/* Called after the channel was freed, which deletes a GPADL that is left */
void tr_memory_free(struct tr *tr)
{
	kvfree(tr->shared);
}
