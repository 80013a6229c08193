// SPDX-License-Identifier: GPL-2.0
/*
 * The host's end of the two rings of a channel, strictly by the protocol.
 *
 * A ring is a control page and data pages, wherever the guest has put them.
 * The guest's processors run meanwhile and write what they like: each field is
 * read once, checked, and used from the copy. Each side believes only the index
 * that is the other's to write.
 *
 * Who signals whom, and nothing else is ever signalled:
 * - The writer, when it made an empty ring non-empty and the reader's
 *   interrupt_mask was clear. The reader sets the mask while it reads, reads
 *   until the ring is empty, clears the mask and looks once more.
 * - The reader, when the writer has said in pending_send_sz how much room it
 *   waits for, and reading made it: free space beyond that, which was not there
 *   before.
 *
 * Serialised by vm->lock.
 */
#include <string.h>

#include "ring.h"

static uint32_t load(const uint32_t *field)
{
	return __atomic_load_n(field, __ATOMIC_ACQUIRE);
}

static void store(uint32_t *field, uint32_t value)
{
	__atomic_store_n(field, value, __ATOMIC_RELEASE);
}

static void full_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Bytes from @from forward to @to. */
static uint32_t distance(const struct ring *ring, uint32_t from, uint32_t to)
{
	return to >= from ? to - from : ring->size - from + to;
}

static uint32_t advance(const struct ring *ring, uint32_t index, uint32_t bytes)
{
	uint64_t sum = (uint64_t)index + bytes;

	return sum >= ring->size ? sum - ring->size : sum;
}

static bool valid(const struct ring *ring, uint32_t index)
{
	return index < ring->size && !(index & 7);
}

static void copy_from(const struct ring *ring, uint32_t index, void *to,
		      uint32_t bytes)
{
	uint8_t *p = to;

	while (bytes) {
		uint32_t inside = index % VMBUS_PAGE;
		uint32_t part = VMBUS_PAGE - inside;

		if (part > bytes)
			part = bytes;
		memcpy(p, ring->pages[index / VMBUS_PAGE] + inside, part);
		p += part;
		bytes -= part;
		index = advance(ring, index, part);
	}
}

/**
 * ring_store() - write bytes into the data area, round its end
 * @index:	where, less than the ring's size
 * @bytes:	at most the ring's size
 */
void ring_store(struct ring *ring, uint32_t index, const void *from,
		uint32_t bytes)
{
	const uint8_t *p = from;

	while (bytes) {
		uint32_t inside = index % VMBUS_PAGE;
		uint32_t part = VMBUS_PAGE - inside;

		if (part > bytes)
			part = bytes;
		memcpy(ring->pages[index / VMBUS_PAGE] + inside, p, part);
		p += part;
		bytes -= part;
		index = advance(ring, index, part);
	}
}

/**
 * ring_init() - take over a ring that the guest has just opened: both indices 0
 * @pages:	control page and data pages; stays the caller's
 * @page_count:	of them, at least 2
 */
void ring_init(struct ring *ring, uint8_t **pages, uint32_t page_count)
{
	memset(ring, 0, sizeof(*ring));
	ring->header = (struct ring_header *)pages[0];
	ring->pages = pages + 1;
	ring->size = (page_count - 1) * VMBUS_PAGE;
}

/**
 * ring_read() - copy the next packet out; it stays in the ring
 * @buffer:	PACKET_MAX bytes, what @packet points into
 *
 * Return: RING_NONE if the ring is empty, RING_BROKEN if it makes no sense
 */
enum ring_result ring_read(struct ring *ring, uint8_t *buffer,
			   struct packet *packet)
{
	uint32_t write = load(&ring->header->write_index);
	uint32_t there, bytes, offset;
	struct descriptor desc;

	/* The guest cannot take back what it has shown. */
	if (!valid(ring, write) ||
	    distance(ring, ring->index, ring->peer) >
	    distance(ring, ring->index, write))
		return RING_BROKEN;
	ring->peer = write;
	there = distance(ring, ring->index, write);
	if (!there)
		return RING_NONE;
	if (there < sizeof(desc) + RING_TRAILER)
		return RING_BROKEN;

	copy_from(ring, ring->index, &desc, sizeof(desc));
	bytes = desc.len8 * 8u;
	offset = desc.offset8 * 8u;
	if (offset < sizeof(desc) || offset > bytes ||
	    bytes + RING_TRAILER > there)
		return RING_BROKEN;

	copy_from(ring, ring->index, buffer, bytes + RING_TRAILER);
	packet->type = desc.type;
	packet->flags = desc.flags;
	packet->trans = desc.trans;
	packet->header = buffer + sizeof(desc);
	packet->header_bytes = offset - sizeof(desc);
	packet->payload = buffer + offset;
	packet->payload_bytes = bytes - offset;
	packet->total = bytes + RING_TRAILER;
	memcpy(&packet->trailer, buffer + bytes, sizeof(packet->trailer));
	return RING_OK;
}

/**
 * ring_consume() - give the space of a packet that was read to the guest
 * @total:	what ring_read() said
 *
 * Return: true if the guest waits for that space and must be signalled
 */
bool ring_consume(struct ring *ring, uint32_t total)
{
	uint32_t pending, write, before, after;

	ring->index = advance(ring, ring->index, total);
	store(&ring->header->read_index, ring->index);
	if (!(load(&ring->header->features) & RING_PENDING_SEND_SZ))
		return false;

	full_barrier();
	pending = load(&ring->header->pending_send_sz);
	if (!pending)
		return false;
	write = load(&ring->header->write_index);
	if (!valid(ring, write))
		return false;
	after = ring->size - distance(ring, ring->index, write);
	before = after - total;
	return before <= pending && after > pending;
}

/* Tell the guest that we read anyway. */
void ring_mask(struct ring *ring)
{
	store(&ring->header->interrupt_mask, 1);
}

/**
 * ring_unmask() - tell the guest that we read no more
 * Return: true if there is something to read that it may not signal
 */
bool ring_unmask(struct ring *ring)
{
	store(&ring->header->interrupt_mask, 0);
	full_barrier();
	return load(&ring->header->write_index) != ring->index;
}

/**
 * ring_bytes() - what a packet takes in a ring
 */
uint32_t ring_bytes(uint32_t header_bytes, uint32_t payload_bytes)
{
	return sizeof(struct descriptor) + header_bytes +
	       ((payload_bytes + 7) & ~7u) + RING_TRAILER;
}

/**
 * ring_free() - bytes that can be written: a packet must take less than that
 */
enum ring_result ring_free(struct ring *ring, uint32_t *bytes)
{
	uint32_t read = load(&ring->header->read_index);

	/* The guest reads forward, and nothing that was not written. */
	if (!valid(ring, read) ||
	    distance(ring, ring->peer, read) >
	    distance(ring, ring->peer, ring->index))
		return RING_BROKEN;
	ring->peer = read;
	*bytes = ring->size - distance(ring, read, ring->index);
	return RING_OK;
}

/**
 * ring_want() - ask the guest to signal when a packet of @bytes fits
 * Return: true if it fits by now: no signal may come
 */
bool ring_want(struct ring *ring, uint32_t bytes)
{
	uint32_t space;

	ring->pending = bytes;
	store(&ring->header->pending_send_sz, bytes);
	full_barrier();
	return ring_free(ring, &space) == RING_OK && space > bytes;
}

/**
 * ring_publish() - show the guest everything up to @index
 * Return: true if the guest must be signalled
 */
bool ring_publish(struct ring *ring, uint32_t index)
{
	uint32_t old = ring->index;

	ring->index = index;
	store(&ring->header->write_index, index);
	full_barrier();
	if (load(&ring->header->interrupt_mask))
		return false;
	return load(&ring->header->read_index) == old;
}

/**
 * ring_write() - write a packet and show it
 * @desc:	type, flags and transaction id; the lengths are set here
 * @header_bytes: a multiple of 8
 * @signal:	set if the guest must be signalled
 *
 * Return: RING_NONE if there is no room (see ring_want()), RING_BROKEN if the
 * guest's index makes no sense or the packet can never fit
 */
enum ring_result ring_write(struct ring *ring, const struct descriptor *desc,
			    const void *header, uint32_t header_bytes,
			    const void *payload, uint32_t payload_bytes,
			    bool *signal)
{
	uint32_t total = ring_bytes(header_bytes, payload_bytes);
	uint64_t trailer = (uint64_t)ring->index << 32;
	struct descriptor d = *desc;
	static const uint64_t zero;
	uint32_t at = ring->index, space;

	*signal = false;
	if (total > PACKET_MAX || total >= ring->size ||
	    ring_free(ring, &space) != RING_OK)
		return RING_BROKEN;
	if (space <= total)
		return RING_NONE;

	d.offset8 = (sizeof(d) + header_bytes) / 8;
	d.len8 = (total - RING_TRAILER) / 8;
	ring_store(ring, at, &d, sizeof(d));
	at = advance(ring, at, sizeof(d));
	ring_store(ring, at, header, header_bytes);
	at = advance(ring, at, header_bytes);
	ring_store(ring, at, payload, payload_bytes);
	at = advance(ring, at, payload_bytes);
	ring_store(ring, at, &zero, -payload_bytes & 7);
	at = advance(ring, at, -payload_bytes & 7);
	ring_store(ring, at, &trailer, sizeof(trailer));
	at = advance(ring, at, sizeof(trailer));

	/* First the request: reading this packet must not answer it once more. */
	if (ring->pending && total >= ring->pending) {
		ring->pending = 0;
		store(&ring->header->pending_send_sz, 0);
	}
	*signal = ring_publish(ring, at);
	return RING_OK;
}
