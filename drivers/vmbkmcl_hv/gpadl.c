// SPDX-License-Identifier: GPL-2.0
/*
 * The hv_vmbus transport of vmbkmcl: GPADLs.
 *
 * hv_vmbus makes a GPADL of whole pages that follow one another in the kernel's
 * address space: one range, from offset 0 on. Memory that is described is
 * mapped that way first.
 *
 * Everything here runs in process context and sleeps. A rescind wakes one of
 * the calls that wait for a message from the host, per channel, and no more; so
 * there is one at a time: kmcl_hv_talk(), which closing takes, too.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/kmcl_mdl.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "hv.h"

#define KMCL_HV_FRAMES	(PAGE_SIZE >> KMCL_PFN_SHIFT)

/**
 * struct kmcl_hv_gpadl - a GPADL, as hv_vmbus knows it
 * @gpadl: its
 * @map: our mapping of memory that was described, else NULL
 */
struct kmcl_hv_gpadl {
	struct vmbus_gpadl gpadl;
	void *map;
};

/*
 * The pages of a chain whose pieces are whole pages of the machine; their
 * number, or 0. @pages: room for them all.
 */
static unsigned int kmcl_hv_pages(const struct kmcl_mdl *mdl,
				  struct page **pages)
{
	unsigned int n = 0;
	u32 i;

	for (; mdl; mdl = mdl->next) {
		if (mdl->offset || !PAGE_ALIGNED(mdl->bytes))
			return 0;
		for (i = 0; i < mdl->bytes >> KMCL_PFN_SHIFT; i++) {
			u32 part = i % KMCL_HV_FRAMES;

			if (mdl->pfns[i] % KMCL_HV_FRAMES != part ||
			    (part && mdl->pfns[i] != mdl->pfns[i - 1] + 1))
				return 0;
			if (!part)
				pages[n++] = pfn_to_page(mdl->pfns[i] /
							 KMCL_HV_FRAMES);
		}
	}
	return n;
}

/* The memory in a row; NULL: no memory; an ERR_PTR: not whole pages */
static void *kmcl_hv_map(const struct kmcl_gpadl *gpadl)
{
	struct page **pages;
	void *map = ERR_PTR(-EOPNOTSUPP);
	unsigned int n;

	pages = kvcalloc(DIV_ROUND_UP(gpadl->bytes, PAGE_SIZE), sizeof(*pages),
			 GFP_KERNEL);
	if (!pages)
		return NULL;
	n = kmcl_hv_pages(gpadl->mdl, pages);
	if (n)
		map = vmap(pages, n, VM_MAP, PAGE_KERNEL);
	kvfree(pages);
	return map;
}

/**
 * kmcl_hv_gpadl_create() - share memory with the host
 * @offer: the offer, open
 * @gpadl: what to share; its handle is filled in
 *
 * The host is not told that it should only read: its message cannot say so.
 * Where memory is encrypted, hv_vmbus shares it with the host; if that fails
 * half way the state of the memory is unknown and a message says so.
 *
 * Context: Process context, may sleep; waits for the host.
 * Return: 0; -EOPNOTSUPP if it is not whole pages, -ENODEV if the device was
 *	rescinded, -ENOMEM also if the host refused, or another negative errno.
 */
int kmcl_hv_gpadl_create(struct kmcl_offer *offer, struct kmcl_gpadl *gpadl)
{
	struct kmcl_hv_gpadl *hv;
	struct vmbus_channel *channel;
	void *buffer = gpadl->buffer;
	int ret;

	if (!PAGE_ALIGNED(gpadl->bytes) || !PAGE_ALIGNED(buffer))
		return -EOPNOTSUPP;
	hv = kzalloc_obj(*hv);
	if (!hv)
		return -ENOMEM;
	if (!buffer) {
		hv->map = kmcl_hv_map(gpadl);
		buffer = hv->map;
	}
	if (IS_ERR_OR_NULL(buffer)) {
		ret = buffer ? PTR_ERR(buffer) : -ENOMEM;
		kfree(hv);
		return ret;
	}

	channel = kmcl_hv_talk(offer);
	ret = vmbus_establish_gpadl(channel, buffer, gpadl->bytes, &hv->gpadl);
	/* Also when the message could not be sent any more */
	if (ret && READ_ONCE(channel->rescind))
		ret = -ENODEV;
	kmcl_hv_talked(offer);
	if (ret) {
		if (hv->gpadl.decrypted)
			pr_err("%u bytes of memory may be shared with the host for good: their GPADL failed (%d)\n",
			       gpadl->bytes, ret);
		vunmap(hv->map);
		kfree(hv);
		return ret == -EDQUOT || ret == -ENOBUFS ? -ENOMEM : ret;
	}
	gpadl->handle = hv->gpadl.gpadl_handle;
	gpadl->priv = hv;
	return 0;
}

/**
 * kmcl_hv_gpadl_destroy() - stop sharing memory with the host
 * @offer: the offer
 * @gpadl: from kmcl_hv_gpadl_create()
 *
 * Context: Process context, may sleep; waits until the host has let go of the
 *	memory, unless the device is rescinded.
 */
void kmcl_hv_gpadl_destroy(struct kmcl_offer *offer, struct kmcl_gpadl *gpadl)
{
	struct kmcl_hv_gpadl *hv = gpadl->priv;
	int ret;

	ret = vmbus_teardown_gpadl(kmcl_hv_talk(offer), &hv->gpadl);
	kmcl_hv_talked(offer);
	if (ret)
		pr_err("GPADL 0x%x: taking it back from the host failed (%d); the host may still see its %u bytes\n",
		       gpadl->handle, ret, gpadl->bytes);
	vunmap(hv->map);
	kfree(hv);
}

/**
 * kmcl_hv_gpadls_first() - do GPADLs end before their channel closes?
 * @offer: the offer
 *
 * Hosts that speak VMBus older than 4.0 want that.
 *
 * Context: Any.
 * Return: whether they do.
 */
bool kmcl_hv_gpadls_first(struct kmcl_offer *offer)
{
	return vmbus_proto_version < VERSION_WIN10;
}
