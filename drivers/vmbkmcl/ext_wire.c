// SPDX-License-Identifier: GPL-2.0
/*
 * External data, the server's side: the ranges are read from the ring once,
 * checked, and kept in the completion context as a chain of descriptions.
 *
 * Until the driver has completed the packet it holds the connection, so that
 * the client's close waits: the client's driver may free the memory after it.
 * A completion context is its owner's, first the delivery's and then the
 * driver's; there are no locks here, and nothing sleeps.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>

#include "ext_wire.h"

/* What a header of @len bytes can have: each range at least one frame */
static u32 max_ranges(const struct kmcl_channel *ch, u32 len)
{
	return min(ch->ext_chain, len / (sizeof(struct ext_range) + 8));
}

/* Room in a completion context, and where it begins there */
u32 kmcl_ext_rx_room(const struct kmcl_channel *ch)
{
	u32 len = kmcl_ext_rx_header(ch);

	if (!len)
		return 0;
	return max_ranges(ch, len) * sizeof(struct kmcl_mdl) +
	       len / 8 * sizeof(unsigned long);
}

static struct kmcl_mdl *rx_mdls(const struct kmcl_context *ctx)
{
	return ctx->context + ALIGN(ctx->ch->context_size, 8);
}

/* One range of the wire as a description; false: it cannot be true. */
static bool read_range(const u8 *p, u32 left, struct kmcl_mdl *mdl,
		       unsigned long *pfns, u32 *used)
{
	const struct ext_range *range = (const struct ext_range *)p;
	u64 pfn;
	u32 i;

	if (left < sizeof(*range))
		return false;
	*mdl = (struct kmcl_mdl) {
		.bytes = le32_to_cpu(READ_ONCE(range->bytes)),
		.offset = le32_to_cpu(READ_ONCE(range->offset)),
		.pfns = pfns,
	};
	if (!mdl->bytes || mdl->offset >= KMCL_PFN_SIZE)
		return false;
	mdl->npfns = kmcl_mdl_frames(mdl->offset, mdl->bytes);
	if (mdl->npfns > (left - sizeof(*range)) / 8)
		return false;
	for (i = 0; i < mdl->npfns; i++) {
		pfn = le64_to_cpu(READ_ONCE(range->pfns[i]));
		if (!kmcl_pfn_ok(pfn))
			return false;
		pfns[i] = pfn;
	}
	*used = sizeof(*range) + 8 * mdl->npfns;
	return true;
}

/**
 * kmcl_ext_take() - the ranges of an incoming packet
 * @ctx: the server's context of the packet, where they go
 * @pkt: the packet, in the ring
 *
 * Context: atomic.
 * Return: whether they are well formed, within the limits, and the client is
 * still there; if so the context holds the client until kmcl_ext_release().
 */
bool kmcl_ext_take(struct kmcl_context *ctx,
		   const struct kmcl_ring_packet *pkt)
{
	struct kmcl_channel *ch = ctx->ch;
	u32 i, n, used, at = sizeof(struct ext_head);
	u32 most = max_ranges(ch, kmcl_ext_rx_header(ch));
	const struct ext_head *head = (const void *)pkt->header;
	struct kmcl_mdl *mdls = rx_mdls(ctx);
	unsigned long *pfns = (unsigned long *)(mdls + most);
	u64 bytes = 0;

	if (pkt->header_len < at || pkt->header_len > kmcl_ext_rx_header(ch))
		return false;
	n = le32_to_cpu(READ_ONCE(head->ranges));
	if (!n || n > most)
		return false;
	for (i = 0; i < n; i++) {
		if (!read_range(pkt->header + at, pkt->header_len - at,
				&mdls[i], pfns, &used))
			return false;
		at += used;
		pfns += mdls[i].npfns;
		bytes += mdls[i].bytes;
		if (i)
			mdls[i - 1].next = &mdls[i];
	}
	if (at != pkt->header_len || bytes > ch->ext_data)
		return false;
	ctx->held = kmcl_loopback_hold(ch);
	if (!ctx->held)
		return false;
	ctx->ranges = n;
	return true;
}

/* The driver, or the library, is done with an incoming packet. Atomic. */
void kmcl_ext_release(struct kmcl_context *ctx)
{
	struct kmcl_mdl *mdl = rx_mdls(ctx);

	if (!ctx->held)
		return;
	for (; ctx->ranges; ctx->ranges--, mdl++)
		if (mdl->map)
			pr_err_ratelimited("%s: external data was not unmapped before its packet was completed; the mapping is lost\n",
					   kmcl_name(ctx->ch));
	kmcl_loopback_unhold(ctx->held);
	ctx->held = NULL;
}

/**
 * __kmcl_packet_external() - the client's memory that comes with a packet
 *	(VmbChannelPacketGetExternalData)
 * @ctx: what the process callback was given, with KMCL_PACKET_EXTERNAL, inside
 *	that callback
 * @flags: KMCL_EXTERNAL_READ_ONLY: only to be read; the first call counts
 * @mdl: where the chain goes; the library's, valid until the packet is
 *	completed; what was mapped is unmapped before that
 *
 * Context: atomic.
 * Return: 0, the same chain each time; -EINPROGRESS: return from the callback
 * and leave the packet alone, it is called again; -EINVAL, argument 1: no
 * external data, 2: flags, 3: no @mdl.
 */
int __kmcl_packet_external(struct kmcl_context *ctx, u32 flags,
			   struct kmcl_mdl **mdl)
{
	u32 i;

	if (!ctx || !ctx->ranges)
		return KMCL_ERR(EINVAL, 1);
	if (flags & ~KMCL_EXTERNAL_READ_ONLY)
		return KMCL_ERR(EINVAL, 2);
	if (!mdl)
		return KMCL_ERR(EINVAL, 3);
	if (ctx->ch->ext_pending) {
		ctx->ch->ext_pending--;
		kmcl_packet_defer(ctx);
		return -EINPROGRESS;
	}
	*mdl = rx_mdls(ctx);
	for (i = 0; i < ctx->ranges && !ctx->ext_given; i++)
		if (flags & KMCL_EXTERNAL_READ_ONLY)
			(*mdl)[i].flags |= KMCL_MDL_READ_ONLY;
	ctx->ext_given = true;
	return 0;
}
EXPORT_SYMBOL_GPL(__kmcl_packet_external);
