// SPDX-License-Identifier: GPL-2.0
/*
 * External data: client memory that a packet describes and does not carry.
 *
 * The client's side: the ranges are written behind the payload's room in the
 * packet, as the wire has them, when the packet is sent; only an idle packet's,
 * which belongs to the caller. From then on they go with the packet, queued or
 * not, and the driver's description is not looked at again. No locks, and
 * nothing sleeps.
 */
#include <linux/export.h>
#include <linux/scatterlist.h>

#include "ext_wire.h"

/* A header that is being written; @ret tells why it cannot be */
struct ext_writer {
	struct kmcl_channel *ch;
	u8 *buf;
	u32 len;
	u32 room;
	u32 ranges;
	u64 bytes;
};

/* Frames that ranges within the limits can have, at most */
static u64 max_frames(const struct kmcl_channel *ch)
{
	return DIV_ROUND_UP_ULL((u64)ch->ext_data, KMCL_PFN_SIZE) +
	       2 * (u64)ch->ext_chain - 1;
}

/*
 * Bytes of the largest header between descriptor and payload that a client
 * sends or a server accepts; the other directions have none.
 */
static u64 max_header(const struct kmcl_channel *ch)
{
	u64 len = sizeof(struct ext_head) + 8 * max_frames(ch) +
		  sizeof(struct ext_range) * (u64)ch->ext_chain;

	return min_t(u64, len, KMCL_MAX_PACKET_SIZE);
}

u32 kmcl_ext_tx_room(const struct kmcl_channel *ch)
{
	return ch->server || ch->pipe ? 0 : max_header(ch);
}

u32 kmcl_ext_rx_header(const struct kmcl_channel *ch)
{
	return ch->server && !ch->pipe ? max_header(ch) : 0;
}

/**
 * __kmcl_set_max_external() - limits for external data
 *	(VmbChannelInitSetMaximumExternalData)
 * @ch: the channel, disabled, without packets
 * @bytes: most bytes with one packet; 128 KiB if never set
 * @pieces: most pieces of a chain, and so ranges of a packet; 32 if never set
 *
 * For what a client sends and what a server accepts; the server drops and
 * counts what is more. A packet with its ranges can have as many bytes as the
 * wire's length field can say, whatever the limits are.
 *
 * Context: may sleep.
 * Return: 0, -EBUSY (argument 1): not disabled, or packets exist; -EINVAL
 * (arguments 2, 3): 0.
 */
int __kmcl_set_max_external(struct kmcl_channel *ch, u32 bytes, u32 pieces)
{
	if (!kmcl_settable(ch))
		return KMCL_ERR(EBUSY, 1);
	if (!bytes)
		return KMCL_ERR(EINVAL, 2);
	if (!pieces)
		return KMCL_ERR(EINVAL, 3);
	if (ch->sized)
		return KMCL_ERR(EBUSY, 1);
	ch->ext_data = bytes;
	ch->ext_chain = pieces;
	return 0;
}
EXPORT_SYMBOL_GPL(__kmcl_set_max_external);

static void writer_begin(struct ext_writer *w, struct kmcl_packet *pkt)
{
	*w = (struct ext_writer) {
		.ch = pkt->ch,
		.buf = kmcl_packet_header(pkt),
		.len = sizeof(struct ext_head),
		.room = kmcl_ext_tx_room(pkt->ch),
	};
}

/* The next range, its frame numbers still to be filled in; NULL: no room. */
static struct ext_range *writer_range(struct ext_writer *w, u32 offset,
				      u32 bytes)
{
	u64 len = sizeof(struct ext_range) + 8ULL * kmcl_mdl_frames(offset, bytes);
	struct ext_range *range = (struct ext_range *)(w->buf + w->len);

	w->bytes += bytes;
	if (w->ranges == w->ch->ext_chain || w->bytes > w->ch->ext_data ||
	    len > w->room - w->len)
		return NULL;
	range->bytes = cpu_to_le32(bytes);
	range->offset = cpu_to_le32(offset);
	w->ranges++;
	w->len += len;
	return range;
}

/* The header's length; 0: nothing was described, or too much with @payload */
static u32 writer_end(struct ext_writer *w, u32 payload)
{
	struct ext_head *head = (struct ext_head *)w->buf;

	if (!w->ranges || kmcl_round8(payload) > KMCL_MAX_PACKET_SIZE - w->len)
		return 0;
	head->reserved = 0;
	head->ranges = cpu_to_le32(w->ranges);
	return w->len;
}

/* @bytes bytes of one piece from @from on, which are within its frames. */
static bool write_piece(struct ext_writer *w, const struct kmcl_mdl *mdl,
			u32 from, u32 bytes)
{
	u32 first = ((u64)mdl->offset + from) >> KMCL_PFN_SHIFT;
	u32 offset = (mdl->offset + from) & (KMCL_PFN_SIZE - 1);
	struct ext_range *range = writer_range(w, offset, bytes);
	u32 i, n = kmcl_mdl_frames(offset, bytes);

	for (i = 0; range && i < n; i++)
		range->pfns[i] = cpu_to_le64(mdl->pfns[first + i]);
	return range;
}

/*
 * @bytes bytes of a chain from @offset on. The walk ends after as many pieces
 * as a chain may have: it may be a ring. Returns false when the chain is beyond
 * the limits or no description.
 */
static bool write_chain(struct ext_writer *w, const struct kmcl_mdl *mdl,
			u64 offset, u64 bytes)
{
	u32 pieces, n;

	for (pieces = 0; mdl && bytes; mdl = mdl->next) {
		if (pieces++ == w->ch->ext_chain)
			return false;
		if (offset >= mdl->bytes) {
			offset -= mdl->bytes;
			continue;
		}
		if (kmcl_mdl_check(mdl))
			return false;
		n = min_t(u64, bytes, mdl->bytes - offset);
		if (!write_piece(w, mdl, offset, n))
			return false;
		bytes -= n;
		offset = 0;
	}
	return true;
}

/* Bytes of a chain; false: more pieces than allowed. */
static bool chain_bytes(const struct kmcl_channel *ch,
			const struct kmcl_mdl *mdl, u64 *bytes)
{
	u32 pieces = 0;

	for (*bytes = 0; mdl; mdl = mdl->next) {
		if (pieces++ == ch->ext_chain)
			return false;
		*bytes += mdl->bytes;
	}
	return true;
}

/* What all sends check first; @arg: the number of the flags' argument. */
static int check_send(struct kmcl_packet *pkt, const void *buf, u32 len,
		      u32 flags, u32 allowed, unsigned int arg)
{
	int ret = kmcl_check_send(pkt, buf, len);

	if (ret)
		return ret;
	if (pkt->ch->pipe)
		return KMCL_ERR(EINVAL, 4);
	if (flags & ~allowed || !(flags & KMCL_SEND_WAIT))
		return KMCL_ERR(EINVAL, arg);
	if (pkt->ch->server)
		return -EOPNOTSUPP;
	/* Under the lock once more: here, so that its ranges stay as they are */
	if (READ_ONCE(pkt->state) != KMCL_PKT_IDLE)
		return KMCL_ERR(EINVAL, 1);
	return 0;
}

/*
 * The ranges of a chain, in an idle packet. Returns their length, or -EINVAL
 * (argument 4).
 */
int kmcl_ext_from_mdl(struct kmcl_packet *pkt, const struct kmcl_mdl *mdl,
		      u32 payload)
{
	struct ext_writer w;
	u64 bytes;
	u32 len = 0;

	writer_begin(&w, pkt);
	if (chain_bytes(pkt->ch, mdl, &bytes) && write_chain(&w, mdl, 0, bytes))
		len = writer_end(&w, payload);
	return len ? len : KMCL_ERR(EINVAL, 4);
}

/**
 * __kmcl_send_mdl() - send a packet with described memory (VmbPacketSend)
 * @pkt: the client's packet, see __kmcl_send()
 * @buf: payload
 * @len: bytes of payload
 * @mdl: chain of descriptions, at most as the channel's limits say, pieces
 *	without bytes count; NULL: as __kmcl_send(). Not looked at after the call
 * @flags: as for __kmcl_send(); with @mdl KMCL_SEND_WAIT must be set
 *
 * The described memory stays valid and where it is until the completion
 * routine; the peer reads and writes it until then.
 *
 * Context: as __kmcl_send().
 * Return: as __kmcl_send(); -EINVAL, argument 4: more bytes, pieces or frames
 * than allowed, none, frames missing, or pipe mode; argument 5: also without
 * KMCL_SEND_WAIT; -EOPNOTSUPP: a server.
 */
int __kmcl_send_mdl(struct kmcl_packet *pkt, const void *buf, u32 len,
		    const struct kmcl_mdl *mdl, u32 flags)
{
	int ret;

	if (!mdl)
		return __kmcl_send(pkt, buf, len, flags);
	ret = check_send(pkt, buf, len, flags, KMCL_SEND_WAIT | KMCL_SEND_PAGED,
			 5);
	if (ret)
		return ret;
	ret = kmcl_ext_from_mdl(pkt, mdl, len);
	return ret < 0 ? ret : kmcl_submit(pkt, buf, len, ret, flags, true);
}
EXPORT_SYMBOL_GPL(__kmcl_send_mdl);

/* The part of a chain that a caller means; 0, or what is wrong with it. */
static int send_part(struct ext_writer *w, const struct kmcl_mdl *mdl,
		     u32 offset, u32 bytes, bool force)
{
	u64 total;

	if (force) {
		/* The rest of the last frame counts, the rest of the chain not */
		if (mdl->offset >= KMCL_PFN_SIZE || (mdl->npfns && !mdl->pfns))
			return KMCL_ERR(EINVAL, 4);
		total = (u64)mdl->npfns * KMCL_PFN_SIZE;
		total -= min_t(u64, total, mdl->offset);
	} else if (!chain_bytes(w->ch, mdl, &total)) {
		return KMCL_ERR(EINVAL, 4);
	}
	if (offset >= total)
		return KMCL_ERR(EINVAL, 5);
	total -= offset;
	if (bytes > total || (force && !bytes))
		return KMCL_ERR(EINVAL, 6);
	if (bytes)
		total = bytes;
	if (!(force ? write_piece(w, mdl, offset, total) :
		      write_chain(w, mdl, offset, total)))
		return KMCL_ERR(EINVAL, 4);
	return 0;
}

/**
 * __kmcl_send_mdl_part() - send a packet with a part of described memory
 *	(VmbPacketSendWithExternalMdl)
 * @pkt: the client's packet, see __kmcl_send()
 * @buf: payload
 * @len: bytes of payload
 * @mdl: chain of descriptions. Not looked at after the call
 * @offset: where the part begins, in bytes from the first one described
 * @bytes: its size; 0: to the end
 * @flags: KMCL_SEND_WAIT, which must be set, KMCL_SEND_PAGED,
 *	KMCL_SEND_FORCE_LENGTH: the part may reach beyond the bytes of the first
 *	piece, up to the end of its last frame; the rest of the chain is not used
 *
 * See __kmcl_send_mdl().
 *
 * Context: as __kmcl_send().
 * Return: 0; -EINVAL, arguments 1 to 3: as __kmcl_send(); 4: no chain, or
 * beyond the channel's limits; 5: @offset is not in the chain; 6: the part ends
 * behind it, or is 0 with KMCL_SEND_FORCE_LENGTH; 7: flags; -EOPNOTSUPP: a
 * server.
 */
int __kmcl_send_mdl_part(struct kmcl_packet *pkt, const void *buf, u32 len,
			 const struct kmcl_mdl *mdl, u32 offset, u32 bytes,
			 u32 flags)
{
	bool force = flags & KMCL_SEND_FORCE_LENGTH;
	struct ext_writer w;
	u32 head;
	int ret;

	ret = check_send(pkt, buf, len, flags, KMCL_SEND_WAIT |
			 KMCL_SEND_PAGED | KMCL_SEND_FORCE_LENGTH, 7);
	if (ret)
		return ret;
	if (!mdl)
		return KMCL_ERR(EINVAL, 4);
	writer_begin(&w, pkt);
	ret = send_part(&w, mdl, offset, bytes, force);
	if (ret)
		return ret;
	head = writer_end(&w, len);
	if (!head)
		return KMCL_ERR(EINVAL, 4);
	return kmcl_submit(pkt, buf, len, head, flags, true);
}
EXPORT_SYMBOL_GPL(__kmcl_send_mdl_part);

/**
 * __kmcl_send_pfns() - send a packet with whole frames
 *	(VmbPacketSendWithExternalPfns)
 * @pkt: the client's packet, see __kmcl_send()
 * @buf: payload
 * @len: bytes of payload
 * @pfns: page frame numbers, in units of 4 KiB; copied
 * @count: how many; they are one range of @count * 4096 bytes
 * @flags: KMCL_SEND_WAIT, which must be set, KMCL_SEND_PAGED
 *
 * See __kmcl_send_mdl().
 *
 * Context: as __kmcl_send().
 * Return: 0; -EINVAL, arguments 1 to 3: as __kmcl_send(); 4: no @pfns; 5: 0,
 * or beyond the channel's limits; 6: flags; -EOPNOTSUPP: a server.
 */
int __kmcl_send_pfns(struct kmcl_packet *pkt, const void *buf, u32 len,
		     const unsigned long *pfns, u32 count, u32 flags)
{
	struct ext_range *range = NULL;
	struct ext_writer w;
	u32 i, head;
	int ret;

	ret = check_send(pkt, buf, len, flags, KMCL_SEND_WAIT | KMCL_SEND_PAGED,
			 6);
	if (ret)
		return ret;
	if (!pfns && count)
		return KMCL_ERR(EINVAL, 4);
	writer_begin(&w, pkt);
	if (count && count <= U32_MAX / KMCL_PFN_SIZE)
		range = writer_range(&w, 0, count * KMCL_PFN_SIZE);
	if (!range)
		return KMCL_ERR(EINVAL, 5);
	for (i = 0; i < count; i++)
		range->pfns[i] = cpu_to_le64(pfns[i]);
	head = writer_end(&w, len);
	if (!head)
		return KMCL_ERR(EINVAL, 5);
	return kmcl_submit(pkt, buf, len, head, flags, true);
}
EXPORT_SYMBOL_GPL(__kmcl_send_pfns);

/**
 * __kmcl_send_sg() - send a packet with the memory of a scatter list
 * @pkt: the client's packet, see __kmcl_send()
 * @buf: payload
 * @len: bytes of payload
 * @sg: the list, which need not be mapped for DMA; each entry is one range. Not
 *	looked at after the call
 * @nents: its entries
 * @flags: KMCL_SEND_WAIT, which must be set, KMCL_SEND_PAGED
 *
 * __kmcl_send_mdl() with the memory described as Linux does it.
 *
 * Context: as __kmcl_send().
 * Return: 0; -EINVAL, arguments 1 to 3: as __kmcl_send(); 4: no list, a chain
 * that is shorter than @nents, or beyond the channel's limits; 5: @nents is 0;
 * 6: flags; -EOPNOTSUPP: a server.
 */
int __kmcl_send_sg(struct kmcl_packet *pkt, const void *buf, u32 len,
		   struct scatterlist *sg, unsigned int nents, u32 flags)
{
	struct ext_writer w;
	u32 head, i;
	int ret;

	ret = check_send(pkt, buf, len, flags, KMCL_SEND_WAIT | KMCL_SEND_PAGED,
			 6);
	if (ret)
		return ret;
	if (!sg)
		return KMCL_ERR(EINVAL, 4);
	if (!nents)
		return KMCL_ERR(EINVAL, 5);
	writer_begin(&w, pkt);
	for (; nents; nents--, sg = sg_next(sg)) {
		phys_addr_t at;
		struct ext_range *range;

		if (!sg)
			return KMCL_ERR(EINVAL, 4);
		at = sg_phys(sg);
		range = writer_range(&w, at & (KMCL_PFN_SIZE - 1), sg->length);
		if (!range || !sg->length)
			return KMCL_ERR(EINVAL, 4);
		for (i = 0; i < kmcl_mdl_frames(at & (KMCL_PFN_SIZE - 1),
						sg->length); i++)
			range->pfns[i] = cpu_to_le64((at >> KMCL_PFN_SHIFT) + i);
	}
	head = writer_end(&w, len);
	if (!head)
		return KMCL_ERR(EINVAL, 4);
	return kmcl_submit(pkt, buf, len, head, flags, true);
}
EXPORT_SYMBOL_GPL(__kmcl_send_sg);
