// SPDX-License-Identifier: GPL-2.0
/*
 * The hv_vmbus transport of vmbkmcl: GPADLs.
 *
 * hv_vmbus makes a GPADL only from whole frames of 4 KiB that are contiguous in
 * the kernel's address space. It looks up the number of each frame, also where the
 * kernel's pages are larger. Memory that is given as a chain of struct kmcl_mdl is
 * therefore mapped first.
 *
 * Everything here runs in process context and may sleep. A rescind wakes only
 * one call per channel that waits for a message from the host. So there may be
 * only one such call at a time, closing included: each holds the binding's
 * @request_mutex.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/kmcl_mdl.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "kmcl_compat_hv.h"
#include "hv.h"
#include "mdl.h"

/*
 * As many frame numbers as hv_vmbus puts into the first message about a GPADL;
 * more of them follow in messages of their own
 */
#define KMCL_HV_FIRST_FRAMES						\
	((HV_MESSAGE_PAYLOAD_BYTE_COUNT -				\
	  sizeof(struct vmbus_channel_gpadl_header) -			\
	  sizeof(struct gpa_range)) / sizeof(u64))

/**
 * struct kmcl_hv_gpadl - a GPADL
 * @gpadl: hv_vmbus' object
 * @mdl: describes the memory, and has it mapped; NULL if it was given as a kernel
 *	buffer
 */
struct kmcl_hv_gpadl {
	struct vmbus_gpadl gpadl;
	struct kmcl_mdl *mdl;
};

/* Are all pieces of the chain made of whole frames? */
static bool kmcl_hv_whole(const struct kmcl_mdl *mdl)
{
	for (; mdl; mdl = mdl->next)
		if (mdl->offset || mdl->bytes % KMCL_PFN_SIZE)
			return false;
	return true;
}

/*
 * Describe the memory of a chain in one piece, which can be mapped. Returns NULL for
 * no memory, an ERR_PTR() for what cannot be mapped.
 */
static struct kmcl_mdl *kmcl_hv_one_piece(const struct kmcl_hv_binding *binding,
					  const struct kmcl_gpadl *gpadl)
{
	const struct kmcl_mdl *piece;
	struct kmcl_mdl *mdl;
	u32 n;

	if (!kmcl_hv_whole(gpadl->mdl))
		return ERR_PTR(-EOPNOTSUPP);
	mdl = kmcl_mdl_alloc(NULL, gpadl->bytes, GFP_KERNEL);
	if (!mdl)
		return NULL;
	for (piece = gpadl->mdl; piece; piece = piece->next) {
		n = piece->bytes >> KMCL_PFN_SHIFT;
		memcpy(mdl->pfns + mdl->npfns, piece->pfns, n * sizeof(*mdl->pfns));
		mdl->npfns += n;
	}
	n = kmcl_frames_run(mdl->pfns, mdl->npfns, FRAMES_PER_PAGE);
	if (n == mdl->npfns)
		return mdl;
	dev_err(&binding->hdev->device,
		"no GPADL of memory that cannot be mapped: frame %u of %u does not follow the one before it in pages of %lu bytes\n",
		n, mdl->npfns, PAGE_SIZE);
	kmcl_mdl_free(mdl);
	return ERR_PTR(-EOPNOTSUPP);
}

/* Map the memory. Returns 0, -EOPNOTSUPP if it cannot be, or -ENOMEM */
static int kmcl_hv_map(const struct kmcl_hv_binding *binding,
		       const struct kmcl_gpadl *gpadl, struct kmcl_hv_gpadl *hv,
		       void **buffer)
{
	struct kmcl_mdl *mdl = kmcl_hv_one_piece(binding, gpadl);

	if (IS_ERR_OR_NULL(mdl))
		return mdl ? PTR_ERR(mdl) : -ENOMEM;
	*buffer = kmcl_mdl_map(mdl);
	if (!*buffer) {
		kmcl_mdl_free(mdl);
		return -ENOMEM;
	}
	hv->mdl = mdl;
	return 0;
}

/* Can a kernel buffer be shared, in pages of @size bytes? */
static bool kmcl_hv_aligned(const struct kmcl_gpadl *gpadl, unsigned long size)
{
	return IS_ALIGNED((unsigned long)gpadl->buffer | gpadl->bytes, size);
}

/**
 * kmcl_hv_host_knows() - tell whether the host may know a GPADL that failed
 * @bytes: size of its memory
 * @gpadl: hv_vmbus' object
 * @ret: what making it returned, -ENODEV if the device is rescinded
 *
 * It does not if it refused the GPADL (-EDQUOT), rescinded the device, or did
 * not take the first message; but it may if that was not the only one. The
 * errors of vmbus_post_msg() do not tell which message failed.
 *
 * Context: Any.
 * Return: true if the memory must be kept.
 */
bool kmcl_hv_host_knows(u64 bytes, const struct vmbus_gpadl *gpadl, int ret)
{
	/* Then nobody knows whether the host can read it */
	if (gpadl->decrypted)
		return true;
	if (ret == -ENODEV || ret == -ENOMEM || ret == -EDQUOT)
		return false;
	return bytes >> KMCL_PFN_SHIFT > KMCL_HV_FIRST_FRAMES;
}

/**
 * kmcl_hv_gpadl_create() - share memory with the host
 * @offer: the offer, open
 * @gpadl: the memory; its handle is filled in
 *
 * The host does not learn that it should only read: the protocol has no field
 * for it. Where memory is encrypted, hv_vmbus decrypts it, by the address at
 * which the kernel has mapped it: a buffer can be shared like that, but not
 * described memory, which stays private where else it is mapped, nor memory
 * that cannot be kept should encrypting it fail. If that fails
 * halfway, or the host took only some of the messages, @gpadl is marked as known.
 *
 * Context: Process context, may sleep; waits for the host.
 * Return: 0; -EOPNOTSUPP if the memory is not whole frames, or cannot be mapped
 *	in the kernel's pages, or if the guest is isolated and it cannot be shared;
 *	-ENODEV if the device was rescinded, -ENOMEM without memory or if the host
 *	refused, or another negative errno.
 */
int kmcl_hv_gpadl_create(struct kmcl_offer *offer, struct kmcl_gpadl *gpadl)
{
	struct kmcl_hv_binding *binding = kmcl_offer_priv(offer);
	struct vmbus_channel *channel = binding->channel;
	struct kmcl_hv_gpadl *hv;
	void *buffer = gpadl->buffer;
	int ret;

	if (!kmcl_hv_aligned(gpadl, KMCL_PFN_SIZE))
		return -EOPNOTSUPP;
	if (kmcl_hv_private(offer) &&
	    (!buffer || !gpadl->held || !kmcl_hv_aligned(gpadl, PAGE_SIZE))) {
		dev_err(&binding->hdev->device,
			"no GPADL of described memory, nor of memory of kmalloc() or parts of pages: the memory of this guest is private\n");
		return -EOPNOTSUPP;
	}
	hv = kzalloc_obj(*hv);
	if (!hv)
		return -ENOMEM;
	ret = buffer ? 0 : kmcl_hv_map(binding, gpadl, hv, &buffer);
	if (ret) {
		kfree(hv);
		return ret;
	}

	mutex_lock(&binding->request_mutex);
	ret = vmbus_establish_gpadl(channel, buffer, gpadl->bytes, &hv->gpadl);
	/* A rescind can also make sending the message fail */
	if (ret && READ_ONCE(channel->rescind))
		ret = -ENODEV;
	mutex_unlock(&binding->request_mutex);
	if (ret) {
		gpadl->known = kmcl_hv_host_knows(gpadl->bytes, &hv->gpadl, ret);
		kmcl_mdl_free(hv->mdl);
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
 * hv_vmbus returns 0 when the message could not be sent, as well. Whether the
 * host has answered shows in the handle, which is cleared then. A host that
 * rescinds the device has released the memory, and does not answer.
 *
 * Context: Process context, may sleep; waits until the host has released the
 *	memory, unless the device is rescinded.
 * Return: 0, or a negative errno if the host has not released the memory, or
 *	if it is unknown whether the host can still read it because encrypting
 *	it failed. The first may be tried again, and the second has no end.
 */
int kmcl_hv_gpadl_destroy(struct kmcl_offer *offer, struct kmcl_gpadl *gpadl)
{
	struct kmcl_hv_binding *binding = kmcl_offer_priv(offer);
	struct kmcl_hv_gpadl *hv = gpadl->priv;
	int ret = -EIO;

	mutex_lock(&binding->request_mutex);
	if (hv->gpadl.gpadl_handle)
		ret = vmbus_teardown_gpadl(binding->channel, &hv->gpadl);
	if (!ret && hv->gpadl.gpadl_handle &&
	    !READ_ONCE(binding->channel->rescind))
		ret = -EIO;
	mutex_unlock(&binding->request_mutex);
	/* Called again, unless the library keeps the memory */
	if (ret && !gpadl->held)
		return ret;
	kmcl_mdl_free(hv->mdl);
	kfree(hv);
	return ret;
}

/**
 * kmcl_hv_private() - tell whether the host cannot access the guest's memory
 * @offer: the offer
 *
 * Context: Any.
 * Return: true if it cannot access memory that is not shared with it.
 */
bool kmcl_hv_private(struct kmcl_offer *offer)
{
	struct kmcl_hv_binding *binding = kmcl_offer_priv(offer);

	return kmcl_hv_isolated(binding->channel);
}

/**
 * kmcl_hv_gpadls_first() - tell whether GPADLs are deleted before closing
 * @offer: the offer
 *
 * Hosts with a VMBus older than 4.0 require it.
 *
 * Context: Any.
 * Return: true if the GPADLs must be deleted before the channel is closed.
 */
bool kmcl_hv_gpadls_first(struct kmcl_offer *offer)
{
	return vmbus_proto_version < VERSION_WIN10;
}
