// SPDX-License-Identifier: GPL-2.0
/*
 * The ranges of a packet with external data, in the format of the wire.
 *
 * The server reads them from the ring, once, checks them, and keeps them in the
 * packet's context as a chain of descriptions. Until the driver has completed
 * the packet, it holds the connection, so that the client's close waits, after
 * which the client's driver may free the memory. The client writes them into an
 * idle packet, which belongs to the caller; they can be in more than one place there.
 *
 * The client reads those of a transfer page packet, in the same way. They have
 * no frames: they are parts of memory that the client has shared before, and
 * for which its protocol has agreed on the id of a set. How large that memory
 * is only the driver knows.
 *
 * There are no locks here. Everything is atomic, but releasing the external
 * data of a deferred packet that is dropped may sleep.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "ext_wire.h"
#include "mdl.h"

/* Most ranges in a header of @len bytes: a server's have at least one frame */
static u32 max_ranges(const struct kmcl_channel *ch, u32 len)
{
	u32 one = ch->server ? sizeof(struct ext_range) + 8 :
		sizeof(struct ext_set_range);

	return min(ch->cfg.ext_chain, len / one);
}

/*
 * Bytes for the ranges in a context. A server's are the descriptions, then the
 * frame numbers.
 */
u32 kmcl_ext_rx_room(const struct kmcl_channel *ch)
{
	u32 len = kmcl_ext_rx_header(ch);

	if (!len)
		return 0;
	if (!ch->server)
		return max_ranges(ch, len) * sizeof(struct kmcl_range);
	return max_ranges(ch, len) * sizeof(struct kmcl_mdl) +
	       len / 8 * sizeof(unsigned long);
}

/* Convert a range of the wire to a description; false: it is invalid. */
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

/* Read the ranges of a GPA-direct packet, and have the client's close wait. */
static bool take_frames(struct kmcl_context *ctx,
			const struct kmcl_ring_packet *pkt)
{
	struct kmcl_channel *ch = ctx->ch;
	u32 i, n, used, at = sizeof(struct ext_head);
	u32 most = max_ranges(ch, kmcl_ext_rx_header(ch));
	const struct ext_head *head = (const void *)pkt->header;
	struct kmcl_mdl *mdls = kmcl_ext_mdls(ctx);
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
	if (at != pkt->header_len || bytes > ch->cfg.ext_data)
		return false;
	ctx->held = ch->link.offer->ops->server->hold(ch->link.offer);
	if (!ctx->held)
		return false;
	ctx->ranges = n;
	return true;
}

/* Read the ranges of a transfer page packet. */
static bool take_ranges(struct kmcl_context *ctx,
			const struct kmcl_ring_packet *pkt)
{
	const struct ext_set_head *head = (const void *)pkt->header;
	const struct ext_set_range *from = (const void *)(head + 1);
	struct kmcl_range *range = kmcl_ext_ranges(ctx);
	struct kmcl_channel *ch = ctx->ch;
	u64 bytes = 0;
	u32 i, n;

	if (pkt->header_len < sizeof(*head))
		return false;
	n = le32_to_cpu(READ_ONCE(head->ranges));
	if (!n || n > max_ranges(ch, kmcl_ext_rx_header(ch)) ||
	    n > (pkt->header_len - sizeof(*head)) / sizeof(*from))
		return false;
	for (i = 0; i < n; i++, from++, range++) {
		*range = (struct kmcl_range) {
			.bytes = le32_to_cpu(READ_ONCE(from->bytes)),
			.offset = le32_to_cpu(READ_ONCE(from->offset)),
		};
		if (!range->bytes || range->bytes > U32_MAX - range->offset)
			return false;
		bytes += range->bytes;
	}
	if (bytes > ch->cfg.ext_data)
		return false;
	ctx->set = le16_to_cpu(READ_ONCE(head->set));
	ctx->ranges = n;
	return true;
}

/**
 * kmcl_ext_take() - read the ranges of an incoming packet
 * @ctx: the context of the packet, in which they are stored
 * @pkt: the packet, in the ring
 *
 * Context: atomic.
 * Return: whether they are well formed and within the limits, and, for a
 * server, the client is not closing; if so its close waits until
 * kmcl_ext_release().
 */
bool kmcl_ext_take(struct kmcl_context *ctx,
		   const struct kmcl_ring_packet *pkt)
{
	return ctx->ch->server ? take_frames(ctx, pkt) : take_ranges(ctx, pkt);
}

/* Release the external data of a packet: completed, failed or dropped. */
void kmcl_ext_release(struct kmcl_context *ctx)
{
	struct kmcl_mdl *mdl = kmcl_ext_mdls(ctx);

	if (!ctx->held)
		return;
	for (; ctx->ranges; ctx->ranges--, mdl++)
		if (mdl->map)
			pr_err_ratelimited("%s: external data was not unmapped before its packet was completed; the mapping is lost\n",
					   kmcl_name(ctx->ch));
	ctx->ch->link.offer->ops->server->unhold(ctx->held);
	ctx->held = NULL;
}

/* Most frames of ranges that are within the limits */
static u64 max_frames(const struct kmcl_channel *ch)
{
	return DIV_ROUND_UP_ULL((u64)ch->cfg.ext_data, KMCL_PFN_SIZE) +
	       2 * (u64)ch->cfg.ext_chain - 1;
}

/*
 * Bytes of the largest header, between descriptor and payload, that a client
 * sends and a server receives.
 */
static u32 max_header(const struct kmcl_channel *ch)
{
	u64 len = sizeof(struct ext_head) + 8 * max_frames(ch) +
		  sizeof(struct ext_range) * (u64)ch->cfg.ext_chain;

	return min_t(u64, len, KMCL_MAX_PACKET_SIZE);
}

u32 kmcl_ext_tx_room(const struct kmcl_channel *ch)
{
	return ch->server || ch->cfg.pipe ? 0 : max_header(ch);
}

/* The same, for what either receives: a client gets ranges of a set. */
u32 kmcl_ext_rx_header(const struct kmcl_channel *ch)
{
	u64 len = sizeof(struct ext_set_head) +
		  sizeof(struct ext_set_range) * (u64)ch->cfg.ext_chain;

	if (ch->cfg.pipe)
		return 0;
	return ch->server ? max_header(ch) :
		min_t(u64, len, KMCL_MAX_PACKET_SIZE);
}

void kmcl_ext_begin(struct ext_writer *w, struct kmcl_packet *pkt)
{
	w->ch = pkt->ch;
	w->head = kmcl_ext_first(&w->at, pkt);
	w->len = sizeof(struct ext_head);
	w->room = kmcl_ext_tx_room(pkt->ch);
	w->ranges = 0;
	w->bytes = 0;
}

/*
 * Add a range, for which the caller writes the frame numbers. Returns what leads it,
 * or NULL: no room.
 */
struct ext_range *kmcl_ext_range(struct ext_writer *w, u32 offset, u32 bytes)
{
	u64 len = sizeof(struct ext_range) +
		  8ULL * kmcl_mdl_frames(offset, bytes);
	struct ext_range *range;

	w->bytes += bytes;
	if (w->ranges == w->ch->cfg.ext_chain ||
	    w->bytes > w->ch->cfg.ext_data || len > w->room - w->len)
		return NULL;
	range = kmcl_ext_word(&w->at);
	range->bytes = cpu_to_le32(bytes);
	range->offset = cpu_to_le32(offset);
	w->ranges++;
	w->len += len;
	return range;
}

/* Make the last range longer by @frames whole frames; false: no room. */
bool kmcl_ext_more(struct ext_writer *w, struct ext_range *range, u32 frames)
{
	u32 bytes = frames * KMCL_PFN_SIZE;

	w->bytes += bytes;
	if (w->bytes > w->ch->cfg.ext_data || 8ULL * frames > w->room - w->len)
		return false;
	range->bytes = cpu_to_le32(le32_to_cpu(range->bytes) + bytes);
	w->len += 8 * frames;
	return true;
}

/* See kmcl_ext_pfns(): in more than one place, or converted */
void kmcl_ext_pfns_apart(struct ext_writer *w, const unsigned long *pfns, u32 n)
{
	__le64 *pfn;

	for (; n; n--) {
		pfn = kmcl_ext_word(&w->at);
		*pfn = cpu_to_le64(*pfns++);
	}
}

/*
 * Finish the header. Returns its length; -EFAULT: there are no ranges; -E2BIG:
 * it is too long for a packet with @payload bytes.
 */
int kmcl_ext_end(struct ext_writer *w, u32 payload)
{
	if (!w->ranges)
		return -EFAULT;
	if (kmcl_round8(payload) > KMCL_MAX_PACKET_SIZE - w->len)
		return -E2BIG;
	w->head->reserved = 0;
	w->head->ranges = cpu_to_le32(w->ranges);
	return w->len;
}

/*
 * Add a range for @bytes bytes of one piece, from @from on, which are within
 * its frames. Returns 0 or -E2BIG: beyond the limits.
 */
int kmcl_ext_piece(struct ext_writer *w, const struct kmcl_mdl *mdl, u32 from,
		   u32 bytes)
{
	u32 first = ((u64)mdl->offset + from) >> KMCL_PFN_SHIFT;
	u32 offset = (mdl->offset + from) & (KMCL_PFN_SIZE - 1);

	if (!kmcl_ext_range(w, offset, bytes))
		return -E2BIG;
	kmcl_ext_pfns(w, mdl->pfns + first, kmcl_mdl_frames(offset, bytes));
	return 0;
}

/*
 * Add ranges for @bytes bytes of a chain, from @offset on. Since the chain may
 * be circular, it ends at the limit of pieces. Returns 0; -E2BIG: beyond the
 * limits; -EFAULT: frames are missing.
 */
int kmcl_ext_chain(struct ext_writer *w, const struct kmcl_mdl *mdl, u64 offset,
		   u64 bytes)
{
	u32 pieces, n;
	int ret;

	for (pieces = 0; mdl && bytes; mdl = mdl->next) {
		if (pieces++ == w->ch->cfg.ext_chain)
			return -E2BIG;
		if (offset >= mdl->bytes) {
			offset -= mdl->bytes;
			continue;
		}
		if (kmcl_mdl_check(mdl))
			return -EFAULT;
		n = min_t(u64, bytes, mdl->bytes - offset);
		ret = kmcl_ext_piece(w, mdl, offset, n);
		if (ret)
			return ret;
		bytes -= n;
		offset = 0;
	}
	return 0;
}

/* Get the size of the memory of a chain; false: more pieces than allowed. */
bool kmcl_ext_chain_bytes(const struct kmcl_channel *ch,
			  const struct kmcl_mdl *mdl, u64 *bytes)
{
	u32 pieces = 0;

	for (*bytes = 0; mdl; mdl = mdl->next) {
		if (pieces++ == ch->cfg.ext_chain)
			return false;
		*bytes += mdl->bytes;
	}
	return true;
}

/*
 * Write the ranges of a whole chain into an idle packet. Returns the length of
 * the header, -EFAULT or -E2BIG.
 */
int kmcl_ext_from_mdl(struct kmcl_packet *pkt, const struct kmcl_mdl *mdl,
		      u32 payload)
{
	struct ext_writer w;
	u64 bytes;
	int ret;

	kmcl_ext_begin(&w, pkt);
	if (!kmcl_ext_chain_bytes(pkt->ch, mdl, &bytes))
		return -E2BIG;
	ret = kmcl_ext_chain(&w, mdl, 0, bytes);
	return ret ? ret : kmcl_ext_end(&w, payload);
}

/* Copy the header out of an accepted packet. */
void kmcl_ext_load(struct kmcl_packet *pkt, void *to)
{
	u32 left = pkt->ext_len - sizeof(struct ext_head), n;
	const __le64 *words;
	struct ext_place at;

	memcpy(to, kmcl_ext_first(&at, pkt), sizeof(struct ext_head));
	to += sizeof(struct ext_head);
	for (; left; left -= n, to += n) {
		n = left / sizeof(*words);
		words = kmcl_ext_words(&at, &n);
		n *= sizeof(*words);
		memcpy(to, words, n);
	}
}

/* Begin to read an accepted packet's header; returns the number of ranges. */
static u32 read_head(struct ext_place *at, struct kmcl_packet *pkt)
{
	const struct ext_head *head = kmcl_ext_first(at, pkt);

	return le32_to_cpu(head->ranges);
}

/* Read what leads a range; returns the number of frames that follow. */
static u32 read_lead(struct ext_place *at, u32 *bytes)
{
	const struct ext_range *range = kmcl_ext_word(at);

	*bytes = le32_to_cpu(range->bytes);
	return kmcl_mdl_frames(le32_to_cpu(range->offset), *bytes);
}

/* Bytes of the memory that an accepted packet describes */
u64 kmcl_ext_bytes(struct kmcl_packet *pkt)
{
	u32 n, here, left, bytes;
	struct ext_place at;
	u64 total = 0;

	for (n = read_head(&at, pkt); n; n--) {
		for (left = read_lead(&at, &bytes); left; left -= here) {
			here = left;
			kmcl_ext_words(&at, &here);
		}
		total += bytes;
	}
	return total;
}

/* Hold or release frames, at most @most; fewer if one cannot be held. */
static u32 hold_frames(const __le64 *pfns, u32 n, bool hold, u64 most)
{
	u32 i;

	for (i = 0; i < n && i < most; i++)
		if (!hold)
			kmcl_frame_release(le64_to_cpu(pfns[i]));
		else if (!kmcl_frame_hold(le64_to_cpu(pfns[i])))
			break;
	return i;
}

/*
 * Hold the frames of a packet, or release the first @most of them. Returns how
 * many; fewer than there are if one cannot be held.
 */
static u64 each_frame(struct kmcl_packet *pkt, bool hold, u64 most, u64 *all)
{
	u32 n, left, here, bytes, done;
	const __le64 *pfns;
	struct ext_place at;
	u64 total = 0;

	n = read_head(&at, pkt);
	*all = (pkt->ext_len - sizeof(struct ext_head) -
		n * sizeof(struct ext_range)) / sizeof(*pfns);
	for (; n; n--) {
		for (left = read_lead(&at, &bytes); left; left -= here) {
			here = left;
			pfns = kmcl_ext_words(&at, &here);
			done = hold_frames(pfns, here, hold, most - total);
			total += done;
			if (done < here)
				return total;
		}
	}
	return total;
}

/*
 * The peer may use the memory that an accepted packet describes for longer than
 * its owner waits: keep the pages from being reused when they are freed. Nobody
 * else ends the packet meanwhile, or its owner still waits. False: none is held,
 * since some cannot be, see kmcl_frame_hold().
 */
bool kmcl_ext_hold(struct kmcl_packet *pkt)
{
	u64 all, held = each_frame(pkt, true, U64_MAX, &all);

	if (held == all)
		return true;
	each_frame(pkt, false, held, &all);
	return false;
}

/* Undo kmcl_ext_hold(). Atomic. */
void kmcl_ext_unhold(struct kmcl_packet *pkt)
{
	u64 all;

	each_frame(pkt, false, U64_MAX, &all);
}
