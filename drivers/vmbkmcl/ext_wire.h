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

/*
 * A range: its bytes, offset in the first frame, and frame numbers. These need not
 * follow in an outgoing packet, see struct ext_place.
 */
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

/*
 * A place in the header of an outgoing packet, which consists of 64-bit words: head,
 * and of each range what leads it, and its frame numbers. It begins in the packet, and
 * goes on in fragments if there is no room for all of it.
 */
struct ext_place {
	__le64 *words;
	u32 left;			/* words here */
	struct kmcl_frag *next;		/* where the others are */
};

/* A header that is being written */
struct ext_writer {
	struct kmcl_channel *ch;
	struct ext_head *head;
	struct ext_place at;
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
void kmcl_ext_load(struct kmcl_packet *pkt, void *to);
u64 kmcl_ext_bytes(struct kmcl_packet *pkt);
bool kmcl_ext_hold(struct kmcl_packet *pkt);
void kmcl_ext_unhold(struct kmcl_packet *pkt);
void kmcl_ext_begin(struct ext_writer *w, struct kmcl_packet *pkt);
struct ext_range *kmcl_ext_range(struct ext_writer *w, u32 offset, u32 bytes);
bool kmcl_ext_more(struct ext_writer *w, struct ext_range *range, u32 frames);
void kmcl_ext_pfns_apart(struct ext_writer *w, const unsigned long *pfns, u32 n);
int kmcl_ext_end(struct ext_writer *w, u32 payload);
int kmcl_ext_piece(struct ext_writer *w, const struct kmcl_mdl *mdl, u32 from,
		   u32 bytes);
int kmcl_ext_chain(struct ext_writer *w, const struct kmcl_mdl *mdl, u64 offset,
		   u64 bytes);
bool kmcl_ext_chain_bytes(const struct kmcl_channel *ch,
			  const struct kmcl_mdl *mdl, u64 *bytes);

/* ext_sg.c */
int kmcl_ext_sg(struct ext_writer *w, struct scatterlist *sg, u32 nents);

/* Begin with the header of a packet; returns its head, which is the first word. */
static inline void *kmcl_ext_first(struct ext_place *at, struct kmcl_packet *pkt)
{
	__le64 *words = (__le64 *)kmcl_packet_header(pkt);

	at->words = words + 1;
	at->left = pkt->ext_room / sizeof(__le64) - 1;
	at->next = pkt->ext_frags;
	return words;
}

/* All words here are used: go on to the next fragment, if there is one. */
static inline void kmcl_ext_go_on(struct ext_place *at)
{
	if (likely(at->left) || !at->next)
		return;
	at->words = (__le64 *)at->next->bytes;
	at->left = KMCL_FRAG_ROOM / sizeof(__le64);
	at->next = at->next->next;
}

/*
 * Get the next *@n words, for which there is room, and go on to the one behind them;
 * fewer if these are not in one place, but at least one.
 */
static inline __le64 *kmcl_ext_words(struct ext_place *at, u32 *n)
{
	__le64 *words;

	kmcl_ext_go_on(at);
	words = at->words;
	*n = min(*n, at->left);
	at->words += *n;
	at->left -= *n;
	return words;
}

/* The same for one word */
static inline void *kmcl_ext_word(struct ext_place *at)
{
	kmcl_ext_go_on(at);
	at->left--;
	return at->words++;
}

/* Write frame numbers, for which there is room. */
static __always_inline void kmcl_ext_pfns(struct ext_writer *w,
					  const unsigned long *pfns, u32 n)
{
	if (likely(n <= w->at.left) && sizeof(*pfns) == sizeof(__le64) &&
	    (__force u64)cpu_to_le64(1) == 1)
		memcpy(kmcl_ext_words(&w->at, &n), pfns, sizeof(*pfns) * (size_t)n);
	else
		kmcl_ext_pfns_apart(w, pfns, n);
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
