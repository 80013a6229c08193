/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The host's end of the two rings of a channel. See ring.c.
 */
#ifndef RING_H
#define RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

/* The longest packet that a descriptor can say, with its trailer. */
#define PACKET_MAX	(0xffffu * 8 + RING_TRAILER)

/**
 * struct ring - one ring
 * @header:	its control page, in guest memory
 * @pages:	its data pages, in guest memory; they are not in sequence
 * @size:	bytes of data
 * @index:	private copy of the index that the host writes
 * @peer:	the last valid index of the guest
 * @pending:	the value that the host wrote to pending_send_sz
 */
struct ring {
	struct ring_header *header;
	uint8_t **pages;
	uint32_t size, index, peer, pending;
};

/**
 * struct packet - a packet that was copied out of a ring
 * @header:	what is between the descriptor and the payload
 * @total:	bytes it takes in the ring
 * @trailer:	what was in its last eight bytes
 */
struct packet {
	uint16_t type, flags;
	uint64_t trans, trailer;
	const uint8_t *header, *payload;
	uint32_t header_bytes, payload_bytes, total;
};

enum ring_result {
	RING_OK,
	RING_NONE,	/* no packet, or no room */
	RING_BROKEN,	/* nothing a correct guest writes */
};

void ring_init(struct ring *ring, uint8_t **pages, uint32_t page_count);

enum ring_result ring_read(struct ring *ring, uint8_t *buffer,
			   struct packet *packet);
bool ring_consume(struct ring *ring, uint32_t total);
void ring_mask(struct ring *ring);
bool ring_unmask(struct ring *ring);

enum ring_result ring_write(struct ring *ring, const struct descriptor *desc,
			    const void *header, uint32_t header_bytes,
			    const void *payload, uint32_t payload_bytes,
			    bool *signal);
enum ring_result ring_free(struct ring *ring, uint32_t *bytes);
bool ring_want(struct ring *ring, uint32_t bytes);
uint32_t ring_bytes(uint32_t header_bytes, uint32_t payload_bytes);

/* For garble.c, which writes what ring_write() must not. */
void ring_store(struct ring *ring, uint32_t index, const void *from,
		uint32_t bytes);
bool ring_publish(struct ring *ring, uint32_t index);

#endif
