// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of a channel's rings, for transports that need it as one block.
 *
 * A large block is there while the system starts, and often not when a device
 * comes back. So the block belongs to the channel and not to the device: it is
 * allocated for the first opening, and kept until the channel is freed. If there
 * is none of that size, the rings are smaller.
 *
 * Everything here runs in the channel's work item, inside the transport's
 * operations, or when the channel is freed, which waits for the work item. Only
 * these change the block. ch->link.lock is for what queries read. May sleep.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/sizes.h>

#include "channel.h"

/* A GPADL has less than 32 MiB, since a message counts the bytes of its frames */
#define MAX_ORDER_OF_BLOCK						\
	min(ilog2(MAX_ORDER_NR_PAGES), ilog2(SZ_16M >> PAGE_SHIFT))

/* Pages of a ring that has @pages of the protocol's, with the control page */
static u32 whole_pages(u32 pages)
{
	return 1 + DIV_ROUND_UP(pages - 1, PAGE_SIZE / KMCL_PAGE_SIZE);
}

/*
 * Share the pages of a block of @order, in the proportion that was asked for,
 * but so that each ring has its smallest size.
 */
static bool share(const struct kmcl_channel *ch, unsigned int order,
		  struct kmcl_ring_block *rings)
{
	u32 tx_least = whole_pages(ch->cfg.tx_pages_least);
	u32 rx_least = whole_pages(ch->cfg.rx_pages_least);
	u32 pages = 1U << order;

	rings->tx_pages = whole_pages(ch->cfg.tx_pages);
	rings->rx_pages = whole_pages(ch->cfg.rx_pages);
	if (rings->tx_pages + rings->rx_pages <= pages)
		return true;
	if (tx_least + rx_least > pages)
		return false;
	rings->tx_pages = clamp(pages * rings->tx_pages /
				(rings->tx_pages + rings->rx_pages),
				tx_least, pages - rx_least);
	rings->rx_pages = pages - rings->tx_pages;
	return true;
}

/*
 * The kernel is to try hard, but to kill nothing, as long as something smaller will
 * do. The channel may have that already.
 */
static struct page *allocate(const struct kmcl_channel *ch, int node,
			     unsigned int order)
{
	gfp_t gfp = GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN;
	struct kmcl_ring_block less;

	if (ch->link.block.page)
		gfp |= __GFP_NORETRY;
	else if (order && share(ch, order - 1, &less))
		gfp |= __GFP_RETRY_MAYFAIL;
	return alloc_pages_node(node, gfp, order);
}

static void set_block(struct kmcl_channel *ch,
		      const struct kmcl_ring_block *rings)
{
	spin_lock_irq(&ch->link.lock);
	ch->link.block = *rings;
	spin_unlock_irq(&ch->link.lock);
}

/* The last run of the work item is over, or it is this one. */
void kmcl_rings_free(struct kmcl_channel *ch)
{
	struct kmcl_ring_block old = ch->link.block;

	if (!old.page)
		return;
	set_block(ch, &(struct kmcl_ring_block) {});
	__free_pages(old.page, old.order);
}

static u32 data_bytes(u32 pages)
{
	return (pages - 1) << PAGE_SHIFT;
}

/* Count rings that are smaller than was asked for; say so if they are @new. */
static void note_small(struct kmcl_channel *ch, bool new)
{
	const struct kmcl_ring_block *rings = &ch->link.block;
	u32 tx = whole_pages(ch->cfg.tx_pages);
	u32 rx = whole_pages(ch->cfg.rx_pages);

	if (rings->tx_pages == tx && rings->rx_pages == rx)
		return;
	spin_lock_irq(&ch->link.lock);
	ch->link.small_rings++;
	spin_unlock_irq(&ch->link.lock);
	if (new)
		pr_warn("%s: there is no block of memory for rings of %u bytes out and %u in; they have %u and %u\n",
			kmcl_name(ch), data_bytes(tx), data_bytes(rx),
			data_bytes(rings->tx_pages),
			data_bytes(rings->rx_pages));
}

/**
 * kmcl_offer_rings() - get the memory for the rings
 * @offer: the offer, which is being opened
 * @node: where to allocate it, or NUMA_NO_NODE
 *
 * Context: process context, inside @open of the transport; may sleep.
 * Return: the block, which belongs to the channel; its pages have zeroes. NULL:
 * no memory.
 */
const struct kmcl_ring_block *kmcl_offer_rings(struct kmcl_offer *offer,
					       int node)
{
	struct kmcl_ring_block rings = {};
	struct kmcl_channel *ch = offer->ch;
	const struct kmcl_ring_block *had = &ch->link.block;
	unsigned int most;
	bool new;

	most = order_base_2(whole_pages(ch->cfg.tx_pages) +
			    whole_pages(ch->cfg.rx_pages));
	most = min_t(unsigned int, most, MAX_ORDER_OF_BLOCK);
	/* The settings have changed: it is too large, or too small */
	if (had->page &&
	    (had->order > most || !share(ch, had->order, &rings)))
		kmcl_rings_free(ch);

	for (rings.order = most; share(ch, rings.order, &rings);
	     rings.order--) {
		if (had->page && had->order == rings.order)
			rings.page = had->page;
		else
			rings.page = allocate(ch, node, rings.order);
		if (rings.page || !rings.order)
			break;
	}
	if (!rings.page) {
		pr_err("%s: there is no block of memory for rings, even if they have only %u bytes out and %u in\n",
		       kmcl_name(ch),
		       data_bytes(whole_pages(ch->cfg.tx_pages_least)),
		       data_bytes(whole_pages(ch->cfg.rx_pages_least)));
		return NULL;
	}

	new = rings.page != had->page;
	if (new)
		kmcl_rings_free(ch);
	else
		memset(page_address(rings.page), 0, PAGE_SIZE << rings.order);
	set_block(ch, &rings);
	note_small(ch, new);
	return had;
}
EXPORT_SYMBOL_GPL(kmcl_offer_rings);

/**
 * kmcl_offer_rings_kept() - report that memory of rings is never used again
 * @offer: the offer, which is being opened or closed, after kmcl_offer_rings()
 *
 * Context: process context, inside @open or @close of the transport.
 */
void kmcl_offer_rings_kept(struct kmcl_offer *offer)
{
	struct kmcl_channel *ch = offer->ch;
	unsigned long bytes = PAGE_SIZE << ch->link.block.order;

	set_block(ch, &(struct kmcl_ring_block) {});
	spin_lock_irq(&ch->gpadl.lock);
	ch->gpadl.rings_kept++;
	ch->gpadl.kept_bytes += bytes;
	spin_unlock_irq(&ch->gpadl.lock);
	/* So it may also go on using what packets describe */
	WRITE_ONCE(ch->link.kept, true);
	pr_err("%s: the host did not give back the rings; their %lu bytes of memory are not used again\n",
	       kmcl_name(ch), bytes);
}
EXPORT_SYMBOL_GPL(kmcl_offer_rings_kept);
