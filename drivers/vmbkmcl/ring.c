// SPDX-License-Identifier: GPL-2.0
/*
 * VMBus ring, producer and consumer, for either endpoint.
 *
 * The data area is mapped twice in a row, so nothing here splits a copy at
 * the end of the ring. Indices count bytes and are always multiples of 8.
 * They are equal when the ring is empty, so a writer never fills it up: a
 * packet needs strictly more free bytes than it takes.
 *
 * No locks, and nothing sleeps; see ring.h.
 *
 * Barriers. Each pairs with the one of the same letter in the peer, whose code
 * need not be this one. They are virt_*(), because a peer outside this kernel
 * runs on another CPU even if this kernel has only one.
 *
 * [A] commit: packets, then write_index.      peek: write_index, then packets.
 *     No packet is read before it is complete.
 * [B] release: reads of packets, then read_index. put: read_index, then
 *     (a control dependency) writes into the space that it freed.
 *     No packet is overwritten before it was read.
 * [C] commit: write_index, then interrupt_mask. unmask: interrupt_mask = 0,
 *     then write_index. Either the producer sees that a signal is wanted, or
 *     the consumer sees that there is data.
 * [D] commit: interrupt_mask, then read_index. unmask: read_index (released
 *     earlier), then interrupt_mask = 0. A producer that sees the mask
 *     cleared also sees the ring emptied.
 * [E] want_space: pending_send_sz, then read_index. release: read_index, then
 *     pending_send_sz. Either the producer sees the space, or the consumer
 *     sees that a signal is wanted.
 * [F] release: pending_send_sz, then write_index. commit (its release [A])
 *     and want_space: write_index, then pending_send_sz. A consumer that sees
 *     the size also sees all that was in the ring when the producer gave up.
 */
#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include <asm/barrier.h>
#include <asm/byteorder.h>

#include "ring.h"

/**
 * kmcl_ring_init() - initialise one end of an empty ring
 * @ring: the side
 * @ctl: the ring's control page, with both indices 0
 * @data: the data area, mapped twice in a row
 * @size: bytes of the data area, mapped once; a multiple of 4096
 *
 * Writes nothing to the shared memory: whoever provides it clears the control
 * page and sets the feature bits.
 */
void kmcl_ring_init(struct kmcl_ring *ring, void *ctl, void *data, u32 size)
{
	BUILD_BUG_ON(sizeof(struct kmcl_wire_desc) != 16);
	BUILD_BUG_ON(offsetof(struct kmcl_ring_ctl, feature_bits) != 64);
	/* Where kmcl_ring_peek() finds them in the first 64 bits */
	BUILD_BUG_ON(offsetof(struct kmcl_wire_desc, offset8) != 2);
	BUILD_BUG_ON(offsetof(struct kmcl_wire_desc, len8) != 4);
	BUILD_BUG_ON(offsetof(struct kmcl_wire_desc, flags) != 6);
	BUILD_BUG_ON(offsetof(struct kmcl_wire_desc, trans_id) != 8);

	memset(ring, 0, sizeof(*ring));
	ring->ctl = ctl;
	ring->data = data;
	ring->size = size;
}
EXPORT_SYMBOL_GPL(kmcl_ring_init);

/*
 * Free bytes as of now, or 0 if the peer's read_index is invalid or the ring is
 * broken. Valid are values from its last one to what was committed: the peer
 * can neither reclaim space nor free what it has not been shown.
 */
static u32 kmcl_ring_free(const struct kmcl_ring *ring)
{
	u32 read = READ_ONCE(ring->ctl->read_index);
	u32 private, free;

	if (ring->broken || !kmcl_ring_index_valid(ring, read))
		return 0;

	private = kmcl_ring_distance(ring, ring->shared, ring->index);
	free = ring->size - kmcl_ring_distance(ring, read, ring->index);
	if (free < ring->known || free > ring->size - private)
		return 0;

	return free;
}

/**
 * kmcl_ring_refill() - read the peer's index again, to find room
 * @ring: producer side, for which the space that is known is not enough
 * @bytes: what the next packet takes, see kmcl_ring_bytes()
 *
 * Context: any, serialised by the owner.
 * Return: 0, or -EAGAIN, -EMSGSIZE or -EPROTO, see kmcl_ring_put().
 */
int kmcl_ring_refill(struct kmcl_ring *ring, u32 bytes)
{
	u32 free;

	if (bytes >= ring->size)
		return -EMSGSIZE;

	free = kmcl_ring_free(ring);
	if (!free)
		return -EPROTO;

	ring->known = free;
	if (free <= bytes) {
		ring->full++;
		return -EAGAIN;
	}

	/* Smaller than the packet that waits: read the index again for that */
	if (bytes < ring->pending) {
		ring->known = min(free, ring->pending);
		return 0;
	}

	/* There is now the space that kmcl_ring_want_space() asked for */
	if (ring->pending) {
		WRITE_ONCE(ring->pending, 0);
		WRITE_ONCE(ring->ctl->pending_send_sz, 0);
	}
	return 0;
}

/**
 * kmcl_ring_reserve() - find out where the next packet's contents go
 * @ring: producer side
 * @bytes: what the packet takes, see kmcl_ring_bytes()
 *
 * For a packet that is so large that the owner does not want to copy it under its
 * lock. It copies header and payload, one right behind the other, to where this
 * says, with zeroes up to a multiple of 8, while nothing else is put, and then calls
 * kmcl_ring_put() with the copy as payload. Until then nothing has changed, so it
 * need not do so.
 *
 * Context: any, serialised by the owner.
 * Return: the place, or an error pointer, see kmcl_ring_put().
 */
void *kmcl_ring_reserve(struct kmcl_ring *ring, u32 bytes)
{
	int ret;

	/* [B] The branch orders reading read_index before what the caller writes */
	if (bytes >= ring->known) {
		ret = kmcl_ring_refill(ring, bytes);
		if (ret)
			return ERR_PTR(ret);
	}
	return ring->data + ring->index + KMCL_RING_DESC;
}

/**
 * kmcl_ring_put() - write a packet that the peer cannot see yet
 * @ring: producer side
 * @type: packet type, see enum kmcl_wire_type
 * @flags: descriptor flags
 * @trans_id: transaction id
 * @header: type-specific header between descriptor and payload
 * @header_len: its bytes, a multiple of 8, 0 for none
 * @payload: payload; if it is where it belongs, see kmcl_ring_reserve(), nothing is
 *	copied or padded, nor is @header copied
 * @payload_len: its bytes; padded with zeroes to a multiple of 8
 *
 * kmcl_ring_commit() shows the peer all packets put since the last commit.
 *
 * Context: any, serialised by the owner.
 * Return: 0, -EAGAIN if there is no room now, -EMSGSIZE if the packet is too
 * long for its descriptor or can never fit into this ring, -EINVAL if
 * @header_len is no multiple of 8, -EPROTO if the peer's read index is invalid
 * or the ring is broken, see kmcl_ring_break().
 */
int kmcl_ring_put(struct kmcl_ring *ring, u16 type, u16 flags, u64 trans_id,
		  const void *header, u32 header_len,
		  const void *payload, u32 payload_len)
{
	return kmcl_ring_write(ring, type, flags, trans_id, header, header_len,
			       payload, payload_len,
			       sizeof(struct kmcl_wire_desc) + header_len,
			       KMCL_MAX_PACKET_SIZE);
}
EXPORT_SYMBOL_GPL(kmcl_ring_put);

/**
 * kmcl_ring_put_prefixed() - write an in-band packet, payload in two parts
 * @ring: producer side
 * @trans_id: transaction id
 * @prefix: the payload's first bytes
 * @prefix_len: their number, a multiple of 8
 * @payload: the rest of it
 * @payload_len: its bytes; padded with zeroes to a multiple of 8
 *
 * Context: any, serialised by the owner.
 * Return: as kmcl_ring_put().
 */
int kmcl_ring_put_prefixed(struct kmcl_ring *ring, u64 trans_id,
			   const void *prefix, u32 prefix_len,
			   const void *payload, u32 payload_len)
{
	return kmcl_ring_write(ring, KMCL_WIRE_DATA_INBAND, 0, trans_id, prefix,
			       prefix_len, payload, payload_len,
			       sizeof(struct kmcl_wire_desc),
			       KMCL_MAX_PACKET_SIZE);
}

/**
 * kmcl_ring_break() - accept nothing more until kmcl_ring_init()
 * @ring: producer side, whose peer wrote an invalid read index
 *
 * The peer's read index is ignored from here on. Packets that were put before
 * can be committed.
 *
 * Context: any, serialised by the owner.
 */
void kmcl_ring_break(struct kmcl_ring *ring)
{
	ring->broken = true;
	ring->known = 0;
}

/**
 * kmcl_ring_want_space() - ask the peer to signal when there is room
 * @ring: producer side, everything committed
 * @bytes: what the next packet takes, see kmcl_ring_bytes()
 *
 * The request stays in effect until this is called again and returns true, or
 * until a packet of at least @bytes was put. @ring->pending says so, also without
 * the owner's lock: it is set before the peer can see the request.
 *
 * Context: any, serialised by the owner.
 * Return: true if there is room already: no signal will come. False if the
 * peer will signal, or if its read index is invalid.
 */
bool kmcl_ring_want_space(struct kmcl_ring *ring, u32 bytes)
{
	u32 free;

	WRITE_ONCE(ring->pending, bytes);
	virt_store_release(&ring->ctl->pending_send_sz, bytes); /* [F] */

	virt_mb(); /* [E] */
	free = kmcl_ring_free(ring);
	if (free)
		ring->known = free;
	if (free <= bytes)
		return false;

	WRITE_ONCE(ring->pending, 0);
	WRITE_ONCE(ring->ctl->pending_send_sz, 0);
	return true;
}

/**
 * kmcl_ring_space() - get the number of free bytes
 * @ring: producer side
 *
 * Context: any, serialised by the owner.
 * Return: the free bytes as of now; a packet fits if it takes less. 0 if the
 * peer's read index is invalid.
 */
u32 kmcl_ring_space(const struct kmcl_ring *ring)
{
	return kmcl_ring_free(ring);
}

/* Everything that is known was consumed: read the peer's index again */
enum kmcl_ring_error kmcl_ring_look(struct kmcl_ring *ring)
{
	u32 write = virt_load_acquire(&ring->ctl->write_index); /* [A] */

	return kmcl_ring_known(ring, write);
}

/*
 * The end of kmcl_ring_release(): the peer waits for @pending bytes. Was there too
 * little before, from @old on, and is enough now?
 */
bool kmcl_ring_has_room(struct kmcl_ring *ring, u32 old, u32 pending)
{
	u32 consumed, free, write;

	virt_rmb(); /* [F] */
	write = READ_ONCE(ring->ctl->write_index);
	if (!kmcl_ring_index_valid(ring, write))
		return false;

	consumed = kmcl_ring_distance(ring, old, ring->index);
	free = ring->size - kmcl_ring_distance(ring, ring->index, write);
	if (free <= pending || free - consumed > pending)
		return false;

	ring->signals++;
	return true;
}
