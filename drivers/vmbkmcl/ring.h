/* SPDX-License-Identifier: GPL-2.0 */
/*
 * VMBus ring, producer and consumer, for either endpoint.
 *
 * A ring has one producer and one consumer; each side is one struct kmcl_ring
 * with a private index, so that an index read back from shared memory is
 * never trusted. There are no locks: the owner of a side serialises the calls
 * (in struct kmcl_channel: tx.lock for the producer, the right to deliver for
 * the consumer). Nothing here sleeps, allocates or prints.
 */
#ifndef _KMCL_RING_H
#define _KMCL_RING_H

#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/string.h>
#include <linux/types.h>

#include <asm/barrier.h>
#include <asm/byteorder.h>

#include "ring_wire.h"

#define KMCL_RING_WORDS		128U	/* see kmcl_ring_fill() */

/* Errors that kmcl_ring_peek() finds, for counters and messages */
enum kmcl_ring_error {
	KMCL_RING_OK,
	KMCL_RING_BAD_WRITE_INDEX,	/* outside the ring, or not 8-aligned */
	KMCL_RING_SHORT,		/* data below descriptor and trailer */
	KMCL_RING_BAD_OFFSET,		/* offset8 inside the descriptor, */
					/* or beyond len8 */
	KMCL_RING_BAD_LENGTH,		/* len8 and trailer beyond the data */
	KMCL_RING_NERRORS
};

/**
 * struct kmcl_ring - one side's view of one ring
 * @ctl: the shared control page
 * @data: the data area, mapped twice in a row
 * @size: bytes of the data area, a multiple of 4096
 * @index: producer: next byte to write, committed or not;
 *	consumer: next byte to read, released or not
 * @shared: @index as the peer last saw it
 * @known: from @index on, as of the last time that the peer's index was read;
 *	producer: free bytes; consumer: bytes of packets
 * @pending: producer: the size stored by kmcl_ring_want_space(), 0 if none
 * @broken: producer: nothing is accepted, see kmcl_ring_break()
 * @signals: signals that this side decided to send
 * @full: number of times that the producer found no room
 */
struct kmcl_ring {
	struct kmcl_ring_ctl *ctl;
	u8 *data;
	u32 size;
	u32 index;
	u32 shared;
	u32 known;
	u32 pending;
	bool broken;
	u64 signals;
	u64 full;
};

/**
 * struct kmcl_ring_packet - a packet found by kmcl_ring_peek()
 * @type: packet type, see enum kmcl_wire_type
 * @flags: descriptor flags
 * @trans_id: transaction id
 * @header_len: bytes between the descriptor and the payload
 * @header: type-specific header, in shared memory: read each byte once
 * @payload_len: bytes of payload, a multiple of 8
 * @payload: payload, in shared memory: copy it before reading it
 * @total: bytes that the packet takes in the ring, trailer included
 * @len8: length field of the descriptor, for traces
 * @offset8: offset field of the descriptor, for traces
 *
 * All fields are copies that were checked, except for what the two pointers
 * point to. After KMCL_RING_BAD_OFFSET and KMCL_RING_BAD_LENGTH only @type,
 * @len8 and @offset8 are valid, as the peer wrote them.
 */
struct kmcl_ring_packet {
	u16 type;
	u16 flags;
	u64 trans_id;
	u32 header_len;
	const u8 *header;
	u32 payload_len;
	const u8 *payload;
	u32 total;
	u16 len8;
	u16 offset8;
};

void kmcl_ring_init(struct kmcl_ring *ring, void *ctl, void *data, u32 size);

/* Producer */
int kmcl_ring_refill(struct kmcl_ring *ring, u32 bytes);
void *kmcl_ring_reserve(struct kmcl_ring *ring, u32 bytes);
int kmcl_ring_put(struct kmcl_ring *ring, u16 type, u16 flags, u64 trans_id,
		  const void *header, u32 header_len,
		  const void *payload, u32 payload_len);
int kmcl_ring_put_prefixed(struct kmcl_ring *ring, u64 trans_id,
			   const void *prefix, u32 prefix_len,
			   const void *payload, u32 payload_len);
void kmcl_ring_break(struct kmcl_ring *ring);
bool kmcl_ring_want_space(struct kmcl_ring *ring, u32 bytes);
u32 kmcl_ring_space(const struct kmcl_ring *ring);

/* Consumer */
enum kmcl_ring_error kmcl_ring_look(struct kmcl_ring *ring);
bool kmcl_ring_has_room(struct kmcl_ring *ring, u32 old, u32 pending);

/* Bytes in the ring for a packet of @header_len and @payload_len bytes */
static inline u32 kmcl_ring_bytes(u32 header_len, u32 payload_len)
{
	return sizeof(struct kmcl_wire_desc) + header_len +
	       ((payload_len + 7) & ~7U) + KMCL_RING_TRAILER;
}

static inline u32 kmcl_ring_advance(const struct kmcl_ring *ring, u32 index,
				    u32 bytes)
{
	index += bytes;
	return index >= ring->size ? index - ring->size : index;
}

/* Bytes from @from forward to @to: 0 to size - 8 */
static inline u32 kmcl_ring_distance(const struct kmcl_ring *ring, u32 from,
				     u32 to)
{
	return to >= from ? to - from : ring->size - from + to;
}

static inline bool kmcl_ring_index_valid(const struct kmcl_ring *ring,
					 u32 index)
{
	return index < ring->size && !(index & 7);
}

/* Consumer: the peer's write index is @write. Returns KMCL_RING_OK, or an error. */
static inline enum kmcl_ring_error kmcl_ring_known(struct kmcl_ring *ring,
						   u32 write)
{
	u32 avail;

	if (unlikely(!kmcl_ring_index_valid(ring, write)))
		return KMCL_RING_BAD_WRITE_INDEX;

	/* The peer must not have written over what was not released */
	avail = kmcl_ring_distance(ring, ring->index, write);
	if (unlikely(ring->shared != ring->index) &&
	    unlikely(avail + kmcl_ring_distance(ring, ring->shared,
						ring->index) >= ring->size))
		return KMCL_RING_BAD_WRITE_INDEX;

	ring->known = avail;
	return KMCL_RING_OK;
}

/* A word of a driver's buffer, which need not be aligned */
static __always_inline u64 kmcl_ring_word(const u8 *src)
{
	u64 word;

	memcpy(&word, src, sizeof(word));
	return word;
}

static __always_inline void kmcl_ring_fill4(u64 *dst, const u8 *src)
{
	WRITE_ONCE(dst[0], kmcl_ring_word(src));
	WRITE_ONCE(dst[1], kmcl_ring_word(src + 8));
	WRITE_ONCE(dst[2], kmcl_ring_word(src + 16));
	WRITE_ONCE(dst[3], kmcl_ring_word(src + 24));
}

/*
 * Copy a payload into the ring, unless it is there already, see
 * kmcl_ring_reserve(). A short one is copied here, word by word, without a loop:
 * calling memcpy() would cost more than the copy.
 */
static __always_inline void kmcl_ring_fill(u64 *dst, const u8 *src, u32 len)
{
	if (unlikely(len >= KMCL_RING_WORDS)) {
		if ((u8 *)dst != src)
			memcpy(dst, src, len);
		return;
	}
	if (len & 64) {
		kmcl_ring_fill4(dst, src);
		kmcl_ring_fill4(dst + 4, src + 32);
		dst += 8;
		src += 64;
	}
	if (len & 32) {
		kmcl_ring_fill4(dst, src);
		dst += 4;
		src += 32;
	}
	if (len & 16) {
		WRITE_ONCE(dst[0], kmcl_ring_word(src));
		WRITE_ONCE(dst[1], kmcl_ring_word(src + 8));
		dst += 2;
		src += 16;
	}
	if (len & 8) {
		WRITE_ONCE(*dst++, kmcl_ring_word(src));
		src += 8;
	}
	if (len & 7)
		memcpy(dst, src, len & 7);
}

/*
 * See kmcl_ring_put(): the same, inline for where the speed of sending depends on
 * it. The descriptor says that the payload begins at @start. @most: bytes of header
 * and payload above which it is -EMSGSIZE.
 */
static __always_inline int
kmcl_ring_write(struct kmcl_ring *ring, u16 type, u16 flags, u64 trans_id,
		const void *header, u32 header_len, const void *payload,
		u32 payload_len, u32 start, u32 most)
{
	u32 offset = KMCL_RING_DESC + header_len;
	struct kmcl_wire_desc *desc;
	u32 bytes, len;
	u8 *p;

	if (unlikely(header_len > most || payload_len > most - header_len))
		return -EMSGSIZE;
	if (unlikely(header_len & 7))
		return -EINVAL;

	len = offset + ((payload_len + 7) & ~7U);
	bytes = len + KMCL_RING_TRAILER;

	/* [B] The branch orders reading read_index before writing below */
	if (unlikely(bytes >= ring->known)) {
		int ret = kmcl_ring_refill(ring, bytes);

		if (ret)
			return ret;
	}

	p = ring->data + ring->index;
	desc = (struct kmcl_wire_desc *)p;
	desc->type = cpu_to_le16(type);
	desc->offset8 = cpu_to_le16(start / 8);
	desc->len8 = cpu_to_le16(len / 8);
	desc->flags = cpu_to_le16(flags);
	desc->trans_id = cpu_to_le64(trans_id);

	if (header_len && payload != p + offset)
		memcpy(p + sizeof(*desc), header, header_len);
	if (payload_len & 7 && payload != p + offset)
		*(__le64 *)(p + len - 8) = 0;
	kmcl_ring_fill((u64 *)(p + offset), payload, payload_len);

	/* The trailer: the index of this packet */
	*(__le64 *)(p + len) = cpu_to_le64((u64)ring->index << 32);

	ring->known -= bytes;
	ring->index = kmcl_ring_advance(ring, ring->index, bytes);
	return 0;
}

/*
 * The first part of kmcl_ring_commit(): make the packets written, of which there is
 * at least one, visible to the peer.
 */
static __always_inline void kmcl_ring_publish(struct kmcl_ring *ring)
{
	virt_store_release(&ring->ctl->write_index, ring->index); /* [A] */
	ring->shared = ring->index;
}

/*
 * The second part: does the peer want a signal? @old: what ring->shared was before
 * the first part. Only a full barrier between the two makes false certain [C]; the
 * caller may have it for something else as well, and then needs not be the owner.
 */
static __always_inline bool kmcl_ring_asks(const struct kmcl_ring *ring, u32 old)
{
	if (READ_ONCE(ring->ctl->interrupt_mask))
		return false;
	virt_rmb(); /* [D] */
	return READ_ONCE(ring->ctl->read_index) == old;
}

/**
 * kmcl_ring_commit() - make the packets written visible to the peer
 * @ring: producer side
 *
 * Context: any, serialised by the owner.
 * Return: true if the peer must be signalled, which may be done later and
 * without the owner's lock. An unnecessary signal is harmless, a missing one is
 * not.
 */
static inline bool kmcl_ring_commit(struct kmcl_ring *ring)
{
	u32 old = ring->shared;

	if (ring->index == old)
		return false;
	kmcl_ring_publish(ring);
	virt_mb(); /* [C] */
	if (!kmcl_ring_asks(ring, old))
		return false;
	ring->signals++;
	return true;
}

/*
 * Write an in-band packet at @index, where there is room that is known for its @bytes,
 * see kmcl_ring_bytes(); the caller goes on behind it.
 */
static __always_inline void kmcl_ring_store(const struct kmcl_ring *ring,
					    u32 index, u32 bytes, u64 trans_id,
					    const void *payload, u32 len)
{
	__le64 *p = (__le64 *)(ring->data + index);
	__le64 *trailer = p + bytes / 8 - 1;

	p[0] = cpu_to_le64(KMCL_WIRE_DATA_INBAND |
			   (u64)(KMCL_RING_DESC / 8) << 16 |
			   (u64)(bytes / 8 - KMCL_RING_TRAILER / 8) << 32);
	p[1] = cpu_to_le64(trans_id);
	if (len & 7)
		trailer[-1] = 0;
	kmcl_ring_fill((u64 *)(p + 2), payload, len);
	/* See kmcl_ring_write() */
	*trailer = cpu_to_le64((u64)index << 32);
}

/**
 * kmcl_ring_peek() - find the next packet
 * @ring: consumer side
 * @pkt: filled in; @pkt->total is 0 if there is none
 *
 * write_index is read again only when all that was seen last time has been
 * consumed: a peer publishes whole packets.
 *
 * Context: any, serialised by the owner.
 * Return: KMCL_RING_OK with a packet or, if the ring is empty, without one;
 * else what the peer did wrong. An error changes nothing: the next call returns
 * it again, and the rest of the ring is unusable.
 */
static inline enum kmcl_ring_error
kmcl_ring_peek(struct kmcl_ring *ring, struct kmcl_ring_packet *pkt)
{
	const u8 *desc = ring->data + ring->index;
	u32 len, offset;
	u64 fields;

	pkt->total = 0;
	if (unlikely(!ring->known)) {
		enum kmcl_ring_error error = kmcl_ring_look(ring);

		if (error || !ring->known)
			return error;
	}

	if (unlikely(ring->known < KMCL_RING_DESC + KMCL_RING_TRAILER))
		return KMCL_RING_SHORT;

	/* Each word once: the peer may change it at any time */
	fields = le64_to_cpu(READ_ONCE(*(const __le64 *)desc));
	pkt->type = fields;
	pkt->offset8 = fields >> 16;
	pkt->len8 = fields >> 32;
	offset = pkt->offset8 * 8;
	len = pkt->len8 * 8;

	if (unlikely(offset < KMCL_RING_DESC || offset > len))
		return KMCL_RING_BAD_OFFSET;
	if (unlikely(len + KMCL_RING_TRAILER > ring->known))
		return KMCL_RING_BAD_LENGTH;

	pkt->flags = fields >> 48;
	pkt->trans_id = le64_to_cpu(READ_ONCE(((const __le64 *)desc)[1]));
	pkt->header = desc + KMCL_RING_DESC;
	pkt->header_len = offset - KMCL_RING_DESC;
	pkt->payload = desc + offset;
	pkt->payload_len = len - offset;
	pkt->total = len + KMCL_RING_TRAILER;
	return KMCL_RING_OK;
}

/**
 * kmcl_ring_consume() - go on to the next packet
 * @ring: consumer side
 * @pkt: what kmcl_ring_peek() found; its pointers stay valid until
 *	kmcl_ring_release()
 *
 * Context: any, serialised by the owner.
 */
static inline void kmcl_ring_consume(struct kmcl_ring *ring,
				     const struct kmcl_ring_packet *pkt)
{
	ring->known -= pkt->total;
	ring->index = kmcl_ring_advance(ring, ring->index, pkt->total);
}

static __always_inline void kmcl_ring_copy4(u64 *dst, const u64 *src)
{
	dst[0] = READ_ONCE(src[0]);
	dst[1] = READ_ONCE(src[1]);
	dst[2] = READ_ONCE(src[2]);
	dst[3] = READ_ONCE(src[3]);
}

/*
 * Copy out of the ring, each word once; @len is a multiple of 8. What is short is
 * copied here, see kmcl_ring_fill(), without a loop.
 */
static __always_inline void kmcl_ring_copy(u64 *dst, const u8 *data, u32 len)
{
	const u64 *src = (const u64 *)data;

	if (unlikely(len >= KMCL_RING_WORDS)) {
		memcpy(dst, src, len);
		return;
	}
	if (len & 64) {
		kmcl_ring_copy4(dst, src);
		kmcl_ring_copy4(dst + 4, src + 4);
		dst += 8;
		src += 8;
	}
	if (len & 32) {
		kmcl_ring_copy4(dst, src);
		dst += 4;
		src += 4;
	}
	if (len & 16) {
		*dst++ = READ_ONCE(*src++);
		*dst++ = READ_ONCE(*src++);
	}
	if (len & 8)
		*dst = READ_ONCE(*src);
}

/*
 * Write completions without payload, for which there is room that is known: @count
 * of the @size ids at @ids, a power of two, from @first on.
 */
static __always_inline void kmcl_ring_put_empty(struct kmcl_ring *ring,
						const u64 *ids, u32 size,
						u32 first, u32 count)
{
	const u32 bytes = KMCL_RING_DESC + KMCL_RING_TRAILER;
	u32 index = ring->index;
	u32 i;

	for (i = first; i != first + count; i++) {
		__le64 *p = (__le64 *)(ring->data + index);

		p[0] = cpu_to_le64(KMCL_WIRE_COMP |
				   (u64)(KMCL_RING_DESC / 8) << 16 |
				   (u64)(KMCL_RING_DESC / 8) << 32);
		p[1] = cpu_to_le64(ids[i & (size - 1)]);
		/* The trailer, see kmcl_ring_write() */
		p[2] = cpu_to_le64((u64)index << 32);
		index = kmcl_ring_advance(ring, index, bytes);
	}
	ring->index = index;
	ring->known -= count * bytes;
}

/*
 * Is the ring empty, of which everything known was consumed? If not, the rest is
 * known now, unless the peer's index is invalid: see kmcl_ring_look().
 */
static inline bool kmcl_ring_is_empty(struct kmcl_ring *ring)
{
	u32 write = virt_load_acquire(&ring->ctl->write_index); /* [A] */

	if (write == ring->index)
		return true;
	kmcl_ring_known(ring, write);
	return false;
}

/* The first part of kmcl_ring_release(): free the space. */
static __always_inline void kmcl_ring_show_read(struct kmcl_ring *ring)
{
	virt_store_release(&ring->ctl->read_index, ring->index); /* [B] */
	ring->shared = ring->index;
}

/*
 * The second part: must the peer be signalled, since there was too little space when
 * ring->shared was @old? Only a full barrier between the two makes false certain [E];
 * the caller may have it for something else as well.
 */
static __always_inline bool kmcl_ring_wanted(struct kmcl_ring *ring, u32 old)
{
	u32 pending = READ_ONCE(ring->ctl->pending_send_sz);

	/* A peer without the feature polls, and expects no signal */
	return unlikely(pending) &&
	       READ_ONCE(ring->ctl->feature_bits) &
	       KMCL_RING_FEATURE_PENDING_SEND_SZ &&
	       kmcl_ring_has_room(ring, old, pending);
}

/**
 * kmcl_ring_release() - free the space of all consumed packets for the peer
 * @ring: consumer side
 *
 * Context: any, serialised by the owner.
 * Return: true if the peer must be signalled, because it waits for space and
 * this release has made enough.
 */
static inline bool kmcl_ring_release(struct kmcl_ring *ring)
{
	u32 old = ring->shared;

	if (ring->index == old)
		return false;
	kmcl_ring_show_read(ring);
	virt_mb(); /* [E] */
	return kmcl_ring_wanted(ring, old);
}

/**
 * kmcl_ring_mask() - tell the peer not to signal new packets
 * @ring: consumer side
 *
 * A producer that has not seen it yet may still signal.
 *
 * Context: any, serialised by the owner.
 */
static inline void kmcl_ring_mask(struct kmcl_ring *ring)
{
	WRITE_ONCE(ring->ctl->interrupt_mask, 1);
}

/* The first part of kmcl_ring_unmask(): ask for a signal. */
static __always_inline void kmcl_ring_ask(struct kmcl_ring *ring)
{
	virt_store_release(&ring->ctl->interrupt_mask, 0); /* [D] */
}

/*
 * The second part, which needs a full barrier after the first one [C]: is there
 * something already?
 */
static __always_inline bool kmcl_ring_has_more(const struct kmcl_ring *ring)
{
	return READ_ONCE(ring->ctl->write_index) != ring->index;
}

/**
 * kmcl_ring_unmask() - tell the peer to signal new packets
 * @ring: consumer side, everything consumed released
 *
 * Context: any, serialised by the owner.
 * Return: true if there is data already, or the peer's write index is invalid:
 * no signal will come for it, and kmcl_ring_peek() tells which it is.
 */
static inline bool kmcl_ring_unmask(struct kmcl_ring *ring)
{
	kmcl_ring_ask(ring);
	virt_mb(); /* [C] */
	return kmcl_ring_has_more(ring);
}

#endif
