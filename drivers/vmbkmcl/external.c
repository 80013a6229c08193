// SPDX-License-Identifier: GPL-2.0
/*
 * External data: client memory that a packet describes and does not carry.
 *
 * The client's side: a send call writes the ranges into the packet, in the format
 * of the wire. The packet is idle and so belongs to the caller: there are no locks.
 * From then on the ranges are part of the packet, and the driver's description is
 * not used again. Nothing sleeps except where kmcl_send() may.
 */
#include <linux/export.h>

#include "ext_wire.h"

/* Check what all of these sends require. Returns 0 or a negative errno */
static int check_send(struct kmcl_packet *pkt, const void *buf, u32 len,
		      u32 flags, u32 allowed)
{
	int ret = kmcl_check_send(pkt, buf, len);

	if (ret)
		return ret;
	if (pkt->ch->cfg.pipe)
		return -EOPNOTSUPP;
	if (flags & ~allowed || !(flags & KMCL_SEND_WAIT))
		return -EINVAL;
	if (pkt->ch->server)
		return -EOPNOTSUPP;
	/* Checked again under the lock; here, not to overwrite the ranges */
	if (READ_ONCE(pkt->state) != KMCL_PKT_IDLE)
		return -EBUSY;
	return 0;
}

/**
 * kmcl_send_mdl() - send a packet with described memory (VmbPacketSend)
 * @pkt: the client's packet, see kmcl_send()
 * @buf: payload
 * @len: bytes of payload
 * @mdl: chain of descriptions, within the channel's limits, for which pieces
 *	without bytes count; not used after the call
 * @flags: as for kmcl_send(); KMCL_SEND_WAIT must be set
 *
 * The described memory must stay valid and in place until the completion
 * routine is called; the peer may read and write it until then. If the host does
 * not confirm that the channel is closed, it may even do so afterwards: the
 * library then keeps references on the pages for good, so that they are not
 * reused when they are freed, and &kmcl_counters.packets_kept counts it. Memory
 * of kmalloc(), or blocks of pages that are not compound, it cannot keep; a
 * message says that these must not be freed.
 *
 * Context: as kmcl_send().
 * Return: as kmcl_send(), -EINVAL also without KMCL_SEND_WAIT; -EFAULT also if
 * nothing is described, or frames are missing; -E2BIG: more bytes,
 * pieces or frames than the channel's limits allow; -EOPNOTSUPP: a server, pipe
 * mode, or a guest whose memory is private and that is isolated from its host.
 */
int kmcl_send_mdl(struct kmcl_packet *pkt, const void *buf, u32 len,
		  const struct kmcl_mdl *mdl, u32 flags)
{
	int ret;

	ret = check_send(pkt, buf, len, flags, KMCL_SEND_FLAGS);
	if (ret)
		return ret;
	ret = kmcl_ext_from_mdl(pkt, mdl, len);
	return ret < 0 ? ret : kmcl_submit(pkt, buf, len, ret, flags, true);
}
EXPORT_SYMBOL_GPL(kmcl_send_mdl);

/* Check the part of a chain that the caller wants; 0 or a negative errno. */
static int send_part(struct ext_writer *w, const struct kmcl_mdl *mdl,
		     u32 offset, u32 bytes, bool force)
{
	u64 total;

	if (force) {
		/* All of the last frame, but not the rest of the chain */
		if (mdl->offset >= KMCL_PFN_SIZE || (mdl->npfns && !mdl->pfns))
			return -EFAULT;
		total = (u64)mdl->npfns * KMCL_PFN_SIZE;
		total -= min_t(u64, total, mdl->offset);
	} else if (!kmcl_ext_chain_bytes(w->ch, mdl, &total)) {
		return -E2BIG;
	}
	if (offset >= total)
		return -ENXIO;
	total -= offset;
	if (bytes > total || (force && !bytes))
		return -ERANGE;
	if (bytes)
		total = bytes;
	return force ? kmcl_ext_piece(w, mdl, offset, total) :
		kmcl_ext_chain(w, mdl, offset, total);
}

/**
 * kmcl_send_mdl_part() - send a packet with a part of described memory
 *	(VmbPacketSendWithExternalMdl)
 * @pkt: the client's packet, see kmcl_send()
 * @buf: payload
 * @len: bytes of payload
 * @mdl: chain of descriptions; not used after the call
 * @offset: where the part begins, in bytes from the first one described
 * @bytes: its size; 0: to the end
 * @flags: KMCL_SEND_WAIT, which must be set, KMCL_SEND_PAGED, KMCL_SEND_MORE,
 *	KMCL_SEND_FORCE_LENGTH: the part may reach beyond the bytes of the first
 *	piece, up to the end of its last frame; other pieces are not used
 *
 * See kmcl_send_mdl().
 *
 * Context: as kmcl_send().
 * Return: as kmcl_send_mdl(), -EFAULT also without a chain; -ENXIO: @offset
 * is not in the chain; -ERANGE: the part ends behind it, or @bytes is 0 with
 * KMCL_SEND_FORCE_LENGTH.
 */
int kmcl_send_mdl_part(struct kmcl_packet *pkt, const void *buf, u32 len,
		       const struct kmcl_mdl *mdl, u32 offset, u32 bytes,
		       u32 flags)
{
	bool force = flags & KMCL_SEND_FORCE_LENGTH;
	struct ext_writer w;
	int ret;

	ret = check_send(pkt, buf, len, flags,
			 KMCL_SEND_FLAGS | KMCL_SEND_FORCE_LENGTH);
	if (ret)
		return ret;
	if (!mdl)
		return -EFAULT;
	kmcl_ext_begin(&w, pkt);
	ret = send_part(&w, mdl, offset, bytes, force);
	if (!ret)
		ret = kmcl_ext_end(&w, len);
	return ret < 0 ? ret : kmcl_submit(pkt, buf, len, ret, flags, true);
}
EXPORT_SYMBOL_GPL(kmcl_send_mdl_part);

/**
 * kmcl_send_pfns() - send a packet with whole frames
 *	(VmbPacketSendWithExternalPfns)
 * @pkt: the client's packet, see kmcl_send()
 * @buf: payload
 * @len: bytes of payload
 * @pfns: page frame numbers, in units of 4 KiB; copied
 * @count: how many; they are one range of @count * 4096 bytes
 * @flags: KMCL_SEND_WAIT, which must be set, KMCL_SEND_PAGED, KMCL_SEND_MORE
 *
 * See kmcl_send_mdl().
 *
 * Context: as kmcl_send().
 * Return: as kmcl_send_mdl(), -EFAULT: no @pfns; -ERANGE: @count is 0.
 */
int kmcl_send_pfns(struct kmcl_packet *pkt, const void *buf, u32 len,
		   const unsigned long *pfns, u32 count, u32 flags)
{
	struct ext_writer w;
	int ret;

	ret = check_send(pkt, buf, len, flags, KMCL_SEND_FLAGS);
	if (ret)
		return ret;
	if (!count)
		return -ERANGE;
	if (!pfns)
		return -EFAULT;
	kmcl_ext_begin(&w, pkt);
	if (count > U32_MAX / KMCL_PFN_SIZE ||
	    !kmcl_ext_range(&w, 0, count * KMCL_PFN_SIZE))
		return -E2BIG;
	kmcl_ext_pfns(&w, pfns, count);
	ret = kmcl_ext_end(&w, len);
	return ret < 0 ? ret : kmcl_submit(pkt, buf, len, ret, flags, true);
}
EXPORT_SYMBOL_GPL(kmcl_send_pfns);

/**
 * kmcl_send_sg() - send a packet with the memory of a scatter list
 * @pkt: the client's packet, see kmcl_send()
 * @buf: payload
 * @len: bytes of payload
 * @sg: the list, which need not be mapped for DMA; each entry is one range, but
 *	entries of whole frames that follow each other are one together; not
 *	used after the call
 * @nents: number of its entries
 * @flags: KMCL_SEND_WAIT, which must be set, KMCL_SEND_PAGED, KMCL_SEND_MORE
 *
 * See kmcl_send_mdl(). For Linux only; KMCL has no such function.
 *
 * Context: as kmcl_send().
 * Return: as kmcl_send_mdl(), -EFAULT: no list, one that is shorter than
 * @nents, or an entry without bytes; -ERANGE: @nents is 0.
 */
int kmcl_send_sg(struct kmcl_packet *pkt, const void *buf, u32 len,
		 struct scatterlist *sg, unsigned int nents, u32 flags)
{
	struct ext_writer w;
	int ret;

	ret = check_send(pkt, buf, len, flags, KMCL_SEND_FLAGS);
	if (ret)
		return ret;
	if (!sg)
		return -EFAULT;
	if (!nents)
		return -ERANGE;
	kmcl_ext_begin(&w, pkt);
	ret = kmcl_ext_sg(&w, sg, nents);
	if (!ret)
		ret = kmcl_ext_end(&w, len);
	return ret < 0 ? ret : kmcl_submit(pkt, buf, len, ret, flags, true);
}
EXPORT_SYMBOL_GPL(kmcl_send_sg);
