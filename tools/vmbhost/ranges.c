// SPDX-License-Identifier: GPL-2.0
/*
 * Transfer page packets: the host writes data into memory that the guest has
 * shared in a GPADL, as a network host does, and a packet says where.
 *
 * The memory is cut into parts, one for the ranges of a packet. A part is written
 * again when the packet that it was used for last has been completed.
 *
 * On the worker's thread, serialised by vm->lock.
 */
#include <stdlib.h>
#include <string.h>

#include "packets.h"

/* Bytes between two ranges: nothing is aligned. */
#define GAP	3u

static void put(uint8_t **pages, uint32_t offset, const uint8_t *from,
		uint32_t bytes)
{
	while (bytes) {
		uint32_t inside = offset % VMBUS_PAGE;
		uint32_t part = VMBUS_PAGE - inside;

		if (part > bytes)
			part = bytes;
		memcpy(pages[offset / VMBUS_PAGE] + inside, from, part);
		offset += part;
		from += part;
		bytes -= part;
	}
}

/**
 * ranges_fill() - write the data for the next packet of a source
 * @trans:	transaction id of the packet; they are numbered from 1 on
 * @header:	what the packet has in front of its payload
 *
 * Return: bytes of @header; 0 if no part of the memory is free, or there is none
 */
uint32_t ranges_fill(struct channel *channel, uint64_t trans,
		     struct ranges_header *header)
{
	const struct behaviour *b = &channel->behaviour;
	struct gpadl *gpadl = gpadl_shared(channel);
	uint8_t *data = channel->bus->scratch;
	uint32_t bytes = traffic_fill(data, b->size, channel->tx_sequence);
	uint64_t parts, part = (uint64_t)b->ranges * (GAP + bytes), last;
	uint32_t count, at, i;
	uint8_t **pages;

	pages = gpadl ? gpadl_pages(channel->bus, gpadl, &count) : NULL;
	if (!pages)
		return 0;
	parts = (uint64_t)count * VMBUS_PAGE / part;
	if (parts > SEQUENCE_WINDOW)
		parts = SEQUENCE_WINDOW;
	last = trans - parts;
	if (!parts || (trans > parts &&
		       channel->outstanding[last % SEQUENCE_WINDOW] == last)) {
		free(pages);
		return 0;
	}

	*header = (struct ranges_header){
		.set = KMCL_TRAFFIC_SET, .count = b->ranges,
	};
	at = trans % parts * part;
	for (i = 0; i < b->ranges; i++) {
		at += GAP;
		header->range[i].offset = at;
		header->range[i].bytes = bytes;
		put(pages, at, data, bytes);
		at += bytes;
	}
	free(pages);
	return 8 + 8 * b->ranges;
}
