// SPDX-License-Identifier: GPL-2.0
/*
 * GPADLs: client memory that is shared for longer than one packet.
 *
 * ch->gpadl.list has the GPADLs that the client's driver has created and not
 * deleted. ch->gpadl.lock protects it and the numbers of calls in progress. A
 * call is counted before it calls the transport, without the lock, and closing
 * waits for it: for calls that create or map before the link is taken down, for
 * calls that delete or unmap before the offer is unbound. What is left when the
 * closed callback has returned is deleted here. Calls that delete or unmap use
 * the channel after that, too, so freeing it waits for them (kmcl_call_begin()).
 *
 * A description is copied when a GPADL is made of it; the memory still belongs
 * to its owner. The library holds references on the pages until the peer has
 * given them back. If it does not, the references are never dropped: what the
 * owner frees then is not reused. Where references cannot do that, deleting
 * waits and tries again. Everything here may sleep.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/sched.h>

#include "channel.h"
#include "mdl.h"
#include "trace.h"

/*
 * The header of a GPADL message counts the bytes of all ranges, each with 8
 * bytes in front of its frame numbers, in 16 bits.
 */
#define MAX_RANGE_BYTES		65528U
#define MAX_PIECES		(MAX_RANGE_BYTES / 16)

#define DESTROY_AGAIN		(HZ / 4)

void kmcl_gpadl_init(struct kmcl_channel *ch)
{
	spin_lock_init(&ch->gpadl.lock);
	INIT_LIST_HEAD(&ch->gpadl.list);
}

/* Allow GPADLs to be made, or mapped; before the opened callback. */
void kmcl_gpadl_admit(struct kmcl_channel *ch)
{
	spin_lock_irq(&ch->gpadl.lock);
	ch->gpadl.open = true;
	ch->gpadl.up = ch->server;
	spin_unlock_irq(&ch->gpadl.lock);
}

static bool none_made(struct kmcl_channel *ch)
{
	bool none;

	spin_lock_irq(&ch->gpadl.lock);
	none = !ch->gpadl.making;
	spin_unlock_irq(&ch->gpadl.lock);
	return none;
}

/* Allow no more to be made, and wait for calls that make one. Sleeps. */
void kmcl_gpadl_shut(struct kmcl_channel *ch)
{
	spin_lock_irq(&ch->gpadl.lock);
	ch->gpadl.open = false;
	spin_unlock_irq(&ch->gpadl.lock);
	kmcl_wait(ch, "calls that make a GPADL", none_made);
}

/* Keep the link connected until end_making(). Returns 0 or a negative errno */
static int begin_making(struct kmcl_channel *ch)
{
	int ret = 0;

	spin_lock_irq(&ch->gpadl.lock);
	if (READ_ONCE(ch->sm.in.dead))
		ret = -ENODEV;
	else if (!ch->gpadl.open)
		ret = -ENOTCONN;
	else
		ch->gpadl.making++;
	spin_unlock_irq(&ch->gpadl.lock);
	return ret;
}

static void end_making(struct kmcl_channel *ch, struct kmcl_gpadl *made)
{
	spin_lock_irq(&ch->gpadl.lock);
	if (made) {
		list_add_tail(&made->node, &ch->gpadl.list);
		ch->gpadl.count++;
	}
	ch->gpadl.making--;
	/* Under the lock: after that the channel may be freed */
	wake_up_all(&ch->wait);
	spin_unlock_irq(&ch->gpadl.lock);
}

static void gpadl_free(struct kmcl_gpadl *gpadl)
{
	if (gpadl->held)
		kmcl_mdl_release(gpadl->mdl);
	kmcl_mdl_free_chain(gpadl->mdl);
	kfree(gpadl);
}

/* Never drop the references: the peer may still use the pages */
static void keep_pages(struct kmcl_channel *ch, struct kmcl_gpadl *gpadl)
{
	gpadl->held = false;
	spin_lock_irq(&ch->gpadl.lock);
	ch->gpadl.kept++;
	ch->gpadl.kept_bytes += gpadl->bytes;
	spin_unlock_irq(&ch->gpadl.lock);
}

static void create_failed(struct kmcl_channel *ch, struct kmcl_gpadl *gpadl,
			  int ret)
{
	if (!gpadl->known)
		return;
	if (gpadl->held) {
		keep_pages(ch, gpadl);
		pr_err("%s: making a GPADL failed (%d) when the host may have known its %u bytes of memory; they are not used again, even if they are freed\n",
		       kmcl_name(ch), ret, gpadl->bytes);
	} else {
		pr_err("%s: making a GPADL failed (%d) when the host may have known its %u bytes of memory, which must not be freed: it is memory of kmalloc(), or blocks of pages without __GFP_COMP, which cannot be kept from being reused\n",
		       kmcl_name(ch), ret, gpadl->bytes);
	}
}

/* Create a GPADL. Takes ownership of @mdl, also when it fails. */
static int create(struct kmcl_channel *ch, u32 flags, struct kmcl_mdl *mdl,
		  void *buffer, u32 bytes, u32 *handle)
{
	struct kmcl_gpadl *gpadl = kzalloc_obj(*gpadl);
	const struct kmcl_transport_ops *ops;
	int ret;

	if (!gpadl) {
		kmcl_mdl_free_chain(mdl);
		return -ENOMEM;
	}
	gpadl->mdl = mdl;
	gpadl->buffer = buffer;
	gpadl->bytes = bytes;
	gpadl->read_only = flags & KMCL_GPADL_READ_ONLY;
	gpadl->held = kmcl_mdl_hold(mdl);

	ret = begin_making(ch);
	if (ret)
		goto free;
	ops = ch->link.offer->ops;
	ret = ops->gpadl_create ? ops->gpadl_create(ch->link.offer, gpadl) :
		-EOPNOTSUPP;
	if (!ret)
		*handle = gpadl->handle;
	trace_kmcl_gpadl(ch, KMCL_GPADL_CREATE, gpadl->handle, bytes, ret);
	if (ret)
		create_failed(ch, gpadl, ret);
	end_making(ch, ret ? NULL : gpadl);
	if (!ret)
		return 0;
free:
	gpadl_free(gpadl);
	return ret;
}

/* Bytes of the ranges on the wire */
static u32 range_bytes(const struct kmcl_mdl *mdl)
{
	u32 bytes = 0;

	for (; mdl; mdl = mdl->next)
		bytes += 8 + 8 * mdl->npfns;
	return bytes;
}

/**
 * kmcl_gpadl_create() - share a buffer (VmbChannelCreateGpadlFromBuffer)
 * @ch: the client's channel, from its opened callback on until it closes
 * @flags: KMCL_GPADL_READ_ONLY: the server may only read it
 * @buf: kernel memory, see kmcl_mdl_build(); it must stay in place until the
 *	GPADL is deleted
 * @bytes: its size; at most 8190 page frames of 4 KiB
 * @handle: set to the handle, never 0, which the driver sends to the server
 *	in a packet
 *
 * The server may map it as soon as this returns. Only whole frames of 4 KiB can be
 * shared with a host (hv_vmbus). Where memory is encrypted, it becomes accessible to
 * the host, so that only memory made for that purpose may be passed, and only whole
 * pages of the kernel. The host does not learn of the flag.
 *
 * Context: may sleep; waits for the peer.
 * Return: 0; -ENOTCONN: not open; -ENODEV: the link is dead; -ENOMEM: no
 * memory, or the host refused; -EOPNOTSUPP: a server, or not whole frames;
 * -EINVAL: no channel, unknown flags, no @buf, 0 bytes, or no @handle; -E2BIG:
 * too many bytes; -EFAULT: there is no such memory.
 */
int kmcl_gpadl_create(struct kmcl_channel *ch, u32 flags, void *buf,
		      u32 bytes, u32 *handle)
{
	u32 offset = (unsigned long)buf & (KMCL_PFN_SIZE - 1);
	struct kmcl_mdl *mdl;

	if (!ch || flags & ~KMCL_GPADL_READ_ONLY || !buf || !bytes)
		return -EINVAL;
	if (kmcl_mdl_frames(offset, bytes) > MAX_RANGE_BYTES / 8 - 1)
		return -E2BIG;
	if (!handle)
		return -EINVAL;
	if (ch->server)
		return -EOPNOTSUPP;
	might_sleep();

	mdl = kmcl_mdl_alloc(buf, bytes, GFP_KERNEL);
	if (!mdl)
		return -ENOMEM;
	if (kmcl_mdl_build(mdl)) {
		kmcl_mdl_free(mdl);
		return -EFAULT;
	}
	return create(ch, flags, mdl, buf, bytes, handle);
}
EXPORT_SYMBOL_GPL(kmcl_gpadl_create);

/**
 * kmcl_gpadl_create_mdl() - share described memory
 *	(VmbChannelCreateGpadlFromMdl)
 * @ch: the client's channel, from its opened callback on until it closes
 * @flags: KMCL_GPADL_READ_ONLY: the server may only read it
 * @mdl: chain of descriptions; copied. The memory still belongs to its owner,
 *	and must stay in place until the GPADL is deleted
 * @offset: where to begin, in bytes from the first one described
 * @bytes: how many; 0: to the end
 * @handle: set to the handle, never 0, which the driver sends to the server
 *	in a packet
 *
 * As kmcl_gpadl_create(). For a host (hv_vmbus) each piece of the chain must
 * consist of whole frames, too, and the kernel must be able to map all of them in
 * order: see Documentation/driver-api/memory.rst.
 *
 * Context: may sleep; waits for the peer.
 * Return: as kmcl_gpadl_create(), but -EFAULT: nothing is described, frames
 * are missing, or there are more pieces than a GPADL can have; -ENXIO: @offset
 * is not in the chain; -ERANGE: its end is not.
 */
int kmcl_gpadl_create_mdl(struct kmcl_channel *ch, u32 flags,
			  const struct kmcl_mdl *mdl, u32 offset, u32 bytes,
			  u32 *handle)
{
	const struct kmcl_mdl *piece;
	struct kmcl_mdl *part;
	u32 pieces = 0;
	u64 total = 0;

	if (!ch || flags & ~KMCL_GPADL_READ_ONLY)
		return -EINVAL;
	for (piece = mdl; piece; piece = piece->next) {
		/* The chain may be circular */
		if (pieces++ == MAX_PIECES ||
		    (piece->bytes && kmcl_mdl_check(piece)))
			return -EFAULT;
		total += piece->bytes;
	}
	if (!total)
		return -EFAULT;
	if (offset >= total)
		return -ENXIO;
	total -= offset;
	if (bytes > total)
		return -ERANGE;
	if (bytes)
		total = bytes;
	if (total > MAX_RANGE_BYTES / 8 * KMCL_PFN_SIZE)
		return -E2BIG;
	if (!handle)
		return -EINVAL;
	if (ch->server)
		return -EOPNOTSUPP;
	might_sleep();

	part = kmcl_mdl_part(mdl, offset, total, 1);
	if (!part)
		return -ENOMEM;
	if (range_bytes(part) > MAX_RANGE_BYTES) {
		kmcl_mdl_free_chain(part);
		return -E2BIG;
	}
	return create(ch, flags, part, NULL, total, handle);
}
EXPORT_SYMBOL_GPL(kmcl_gpadl_create_mdl);

static struct kmcl_gpadl *take(struct kmcl_channel *ch, u32 handle, bool any)
{
	struct kmcl_gpadl *gpadl, *found = NULL;

	spin_lock_irq(&ch->gpadl.lock);
	list_for_each_entry(gpadl, &ch->gpadl.list, node) {
		if (any || gpadl->handle == handle) {
			list_del(&gpadl->node);
			ch->gpadl.count--;
			ch->gpadl.deleting++;
			found = gpadl;
			break;
		}
	}
	spin_unlock_irq(&ch->gpadl.lock);
	return found;
}

static void end_deleting(struct kmcl_channel *ch)
{
	spin_lock_irq(&ch->gpadl.lock);
	ch->gpadl.deleting--;
	/* Under the lock: after that the channel may be freed */
	wake_up_all(&ch->wait);
	spin_unlock_irq(&ch->gpadl.lock);
}

static void destroy(struct kmcl_channel *ch, struct kmcl_gpadl *gpadl)
{
	struct kmcl_offer *offer = ch->link.offer;
	unsigned long say = jiffies;
	int ret;

	ret = offer->ops->gpadl_destroy(offer, gpadl);
	/* Memory that references do not protect is protected by its owner */
	while (ret && !gpadl->held) {
		if (time_after_eq(jiffies, say)) {
			say = jiffies + kmcl_slow;
			pr_err("%s: the host does not give back GPADL 0x%x of %u bytes (%d); deleting it waits, since memory of kmalloc(), or of blocks of pages without __GFP_COMP, cannot be kept from being reused\n",
			       kmcl_name(ch), gpadl->handle, gpadl->bytes, ret);
		}
		schedule_timeout_idle(DESTROY_AGAIN);
		ret = offer->ops->gpadl_destroy(offer, gpadl);
	}
	trace_kmcl_gpadl(ch, KMCL_GPADL_DELETE, gpadl->handle, gpadl->bytes,
			 ret);
	if (ret) {
		keep_pages(ch, gpadl);
		pr_err("%s: the host did not give back GPADL 0x%x (%d); its %u bytes of memory are not used again, even if they are freed\n",
		       kmcl_name(ch), gpadl->handle, ret, gpadl->bytes);
	}
	gpadl_free(gpadl);
	end_deleting(ch);
}

/**
 * kmcl_gpadl_delete() - stop sharing memory (VmbChannelDeleteGpadl)
 * @ch: the client's channel, until its closed callback returns
 * @handle: of a GPADL of this channel; another one is ignored, with a warning
 *
 * When it returns, the memory may be freed. Waits while the server has the GPADL
 * mapped; a loopback server must unmap it when it closes, after a rescind as
 * well. Does not wait for a host that rescinded the device.
 *
 * If the host does not confirm that it has given the memory back, the library
 * keeps references on its pages for good, so that they are not reused when they
 * are freed: a message says so, and &kmcl_counters.gpadls_kept counts it.
 * References keep vmalloc() memory, single pages and compound pages
 * (%__GFP_COMP). For memory of kmalloc(), or blocks of pages that are not
 * compound, this waits instead, and tries again, until the host has confirmed
 * it or has rescinded the device.
 *
 * Context: may sleep.
 * Return: 0; -ENOENT: no such handle; -EINVAL: no channel.
 */
int kmcl_gpadl_delete(struct kmcl_channel *ch, u32 handle)
{
	struct kmcl_gpadl *gpadl;

	if (!ch)
		return -EINVAL;
	might_sleep();
	kmcl_call_begin(ch);
	gpadl = take(ch, handle, false);
	if (gpadl)
		destroy(ch, gpadl);
	else
		pr_warn_ratelimited("%s: there is no GPADL 0x%x to delete\n",
				    kmcl_name(ch), handle);
	kmcl_call_end(ch);
	return gpadl ? 0 : -ENOENT;
}
EXPORT_SYMBOL_GPL(kmcl_gpadl_delete);

/**
 * kmcl_gpadl_map() - map a client's memory (VmbChannelMapGpadl)
 * @ch: the server's channel, from its opened callback on until it closes
 * @flags: KMCL_GPADL_READ_ONLY: only to read it; must be set if the client set
 *	it
 * @handle: the client's handle
 * @mdl: set to the chain of descriptions, which the library owns; valid until
 *	kmcl_gpadl_unmap()
 *
 * Each piece of the chain is one that kmcl_mdl_map() can map. There may be more pieces
 * than the client has described, where the kernel's pages are larger than 4 KiB.
 *
 * Context: may sleep.
 * Return: 0; -ENOENT: the client has no such GPADL; -EBUSY: it is mapped
 * already; -EACCES: it may only be read; -ENODEV: the link is dead;
 * -ENOTCONN: not open; -ENOMEM; -EOPNOTSUPP: a client; -EINVAL: no channel,
 * unknown flags, or no @mdl.
 */
int kmcl_gpadl_map(struct kmcl_channel *ch, u32 flags, u32 handle,
		   struct kmcl_mdl **mdl)
{
	int ret;

	if (!ch || flags & ~KMCL_GPADL_READ_ONLY || !mdl)
		return -EINVAL;
	if (!ch->server)
		return -EOPNOTSUPP;
	might_sleep();
	ret = begin_making(ch);
	if (ret)
		return ret;
	ret = ch->link.offer->ops->server->gpadl_map(ch->link.offer,
						flags & KMCL_GPADL_READ_ONLY,
						handle, mdl);
	trace_kmcl_gpadl(ch, KMCL_GPADL_MAP, handle, 0, ret);
	end_making(ch, NULL);
	return ret;
}
EXPORT_SYMBOL_GPL(kmcl_gpadl_map);

/* Counted like a call that deletes, so that the offer stays bound */
static int unmap(struct kmcl_channel *ch, u32 handle)
{
	int ret = -ENOENT;

	spin_lock_irq(&ch->gpadl.lock);
	if (ch->gpadl.up) {
		ch->gpadl.deleting++;
		ret = 0;
	}
	spin_unlock_irq(&ch->gpadl.lock);
	if (ret)
		return ret;
	ret = ch->link.offer->ops->server->gpadl_unmap(ch->link.offer, handle);
	end_deleting(ch);
	return ret;
}

/**
 * kmcl_gpadl_unmap() - unmap a client's memory (VmbChannelUnmapGpadl)
 * @ch: the server's channel, until its closed callback returns
 * @handle: of a GPADL that is mapped; another one is ignored, with a warning
 *
 * Undoes kmcl_mdl_map() of each piece of the chain. The memory must not be used
 * any more.
 *
 * Context: may sleep.
 * Return: 0; -ENOENT: it is not mapped; -EINVAL: no channel, or a client's.
 */
int kmcl_gpadl_unmap(struct kmcl_channel *ch, u32 handle)
{
	int ret;

	if (!ch || !ch->server)
		return -EINVAL;
	might_sleep();
	kmcl_call_begin(ch);
	ret = unmap(ch, handle);
	trace_kmcl_gpadl(ch, KMCL_GPADL_UNMAP, handle, 0, ret);
	if (ret)
		pr_warn_ratelimited("%s: GPADL 0x%x is not mapped\n",
				    kmcl_name(ch), handle);
	kmcl_call_end(ch);
	return ret;
}
EXPORT_SYMBOL_GPL(kmcl_gpadl_unmap);

static void count_left(struct kmcl_channel *ch)
{
	spin_lock_irq(&ch->gpadl.lock);
	ch->gpadl.left++;
	spin_unlock_irq(&ch->gpadl.lock);
}

/* Allow no more to be unmapped; does no call delete or unmap one? */
static bool none_deleted(struct kmcl_channel *ch)
{
	bool none;

	spin_lock_irq(&ch->gpadl.lock);
	ch->gpadl.up = false;
	none = !ch->gpadl.deleting;
	spin_unlock_irq(&ch->gpadl.lock);
	return none;
}

/*
 * Step: the closed callback has returned, or will not be called. Delete what
 * the driver has left. Sleeps.
 */
void kmcl_gpadl_cleanup(struct kmcl_channel *ch)
{
	struct kmcl_offer *offer = ch->link.offer;
	const struct kmcl_server_ops *server;
	struct kmcl_gpadl *gpadl;
	u32 handle;

	server = ch->server ? offer->ops->server : NULL;

	while ((gpadl = take(ch, 0, true))) {
		pr_warn("%s: GPADL 0x%x of %u bytes was left when the channel closed; it is deleted now\n",
			kmcl_name(ch), gpadl->handle, gpadl->bytes);
		count_left(ch);
		destroy(ch, gpadl);
	}
	while (server && server->gpadl_mapped(offer, &handle)) {
		pr_warn("%s: GPADL 0x%x was left mapped when the channel closed; it is unmapped now\n",
			kmcl_name(ch), handle);
		count_left(ch);
		server->gpadl_unmap(offer, handle);
	}
	kmcl_wait(ch, "calls that delete a GPADL", none_deleted);
}
