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
#include <linux/kmemleak.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

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

/* Memory of single pages, except for what fits into one */
static u8 *external_alloc(u32 size)
{
	return size > PAGE_SIZE ? vmalloc(size) : kmalloc(size, GFP_KERNEL);
}

/*
 * A request was given up, and the peer may still use its memory. The library keeps
 * pages from being reused, so they are freed, and one of them is watched. Memory of
 * kmalloc() it cannot keep: that is not freed.
 */
static void give_up(struct tr *tr, u8 *buf)
{
	struct page *page;

	if (!is_vmalloc_addr(buf)) {
		kmemleak_not_leak(buf);
		return;
	}
	page = vmalloc_to_page(buf + TR_OFFSET);
	spin_lock_irq(&tr->lock);
	if (tr->given_up < TR_GIVEN_UP_MAX) {
		get_page(page);
		tr->pages[tr->given_up++] = page;
	}
	spin_unlock_irq(&tr->lock);
	vfree(buf);
}

/* How many of these pages somebody else has a reference on, the library */
unsigned int tr_pages_held(struct tr *tr)
{
	unsigned int i, held = 0;

	spin_lock_irq(&tr->lock);
	for (i = 0; i < tr->given_up; i++)
		held += page_count(tr->pages[i]) > 1;
	spin_unlock_irq(&tr->lock);
	return held;
}

/*
 * Send a synchronous request with @size bytes of external data in @pieces
 * ranges, filled like a payload with the same sequence number.
 */
int tr_external(struct tr *tr, u32 size, u32 pieces, s64 timeout_ns)
{
	u8 *buf = external_alloc(TR_OFFSET + size);
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
	if (ret == -ECANCELED || ret == -ENODEV) {
		give_up(tr, buf);
		buf = NULL;
	}
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
	while (tr->given_up)
		put_page(tr->pages[--tr->given_up]);
	kvfree(tr->shared);
}
