/* SPDX-License-Identifier: GPL-2.0 */
/* The ranges of a packet with external data, in the format of the wire. */
#ifndef _KMCL_EXT_WIRE_H
#define _KMCL_EXT_WIRE_H

#include "channel.h"

struct scatterlist;

/* In front of the ranges */
struct ext_head {
	__le32 reserved;
	__le32 ranges;
};

/* A range: its bytes, offset in the first frame, and frame numbers */
struct ext_range {
	__le32 bytes;
	__le32 offset;
	__le64 pfns[];
};

/* In front of the ranges of a transfer page packet */
struct ext_set_head {
	__le16 set;
	u8 sender_owns;
	u8 reserved;
	__le32 ranges;
};

/* A range of that: its bytes, and where they are in the set's memory */
struct ext_set_range {
	__le32 bytes;
	__le32 offset;
};

/* A header that is being written */
struct ext_writer {
	struct kmcl_channel *ch;
	u8 *buf;
	u32 len;
	u32 room;
	u32 ranges;
	u64 bytes;
};

/* ext_wire.c */
u32 kmcl_ext_tx_room(const struct kmcl_channel *ch);
u32 kmcl_ext_rx_header(const struct kmcl_channel *ch);
u32 kmcl_ext_rx_room(const struct kmcl_channel *ch);
int kmcl_ext_from_mdl(struct kmcl_packet *pkt, const struct kmcl_mdl *mdl,
		      u32 payload);
bool kmcl_ext_take(struct kmcl_context *ctx,
		   const struct kmcl_ring_packet *pkt);
void kmcl_ext_release(struct kmcl_context *ctx);
u64 kmcl_ext_bytes(struct kmcl_packet *pkt);
bool kmcl_ext_hold(struct kmcl_packet *pkt);
void kmcl_ext_unhold(struct kmcl_packet *pkt);
void kmcl_ext_begin(struct ext_writer *w, struct kmcl_packet *pkt);
struct ext_range *kmcl_ext_range(struct ext_writer *w, u32 offset, u32 bytes);
__le64 *kmcl_ext_more(struct ext_writer *w, struct ext_range *range, u32 frames);
int kmcl_ext_end(struct ext_writer *w, u32 payload);
int kmcl_ext_piece(struct ext_writer *w, const struct kmcl_mdl *mdl, u32 from,
		   u32 bytes);
int kmcl_ext_chain(struct ext_writer *w, const struct kmcl_mdl *mdl, u64 offset,
		   u64 bytes);
bool kmcl_ext_chain_bytes(const struct kmcl_channel *ch,
			  const struct kmcl_mdl *mdl, u64 *bytes);

/* ext_sg.c */
int kmcl_ext_sg(struct ext_writer *w, struct scatterlist *sg, u32 nents);

/* Write frame numbers. */
static inline void kmcl_ext_pfns(__le64 *to, const unsigned long *from, u32 n)
{
	u32 i;

	if (sizeof(*from) == 8 && (__force u64)cpu_to_le64(1) == 1) {
		memcpy(to, from, 8 * (size_t)n);
		return;
	}
	for (i = 0; i < n; i++)
		to[i] = cpu_to_le64(from[i]);
}

/* Of an incoming packet, behind the driver's memory in its context: a chain */
static inline struct kmcl_mdl *kmcl_ext_mdls(const struct kmcl_context *ctx)
{
	return (void *)(ctx->area + ALIGN(ctx->ch->cfg.context_size, 8));
}

/* The same, of a client's packet: its ranges */
static inline struct kmcl_range *kmcl_ext_ranges(const struct kmcl_context *ctx)
{
	return (void *)(ctx->area + ALIGN(ctx->ch->cfg.context_size, 8));
}

#endif
