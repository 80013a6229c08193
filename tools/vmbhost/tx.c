// SPDX-License-Identifier: GPL-2.0
/*
 * Packets to the guest: into the ring of an open channel, and the signal.
 *
 * On the worker's thread, serialised by vm->lock.
 */
#include "packets.h"

void channel_signal_guest(struct channel *channel)
{
	channel->count.signals_out++;
	synic_signal_event(channel->bus->vm, channel->vp, channel->bus->sint,
			   channel->relid);
}

/**
 * channel_write() - send a packet, or ask for a signal when there is room
 */
enum ring_result channel_write(struct channel *channel,
			       const struct descriptor *desc,
			       const void *payload, uint32_t bytes)
{
	return channel_write_ranges(channel, desc, NULL, 0, payload, bytes);
}

/**
 * channel_write_ranges() - the same, with a header in front of the payload
 * @header_bytes: a multiple of 8
 */
enum ring_result channel_write_ranges(struct channel *channel,
				      const struct descriptor *desc,
				      const void *header, uint32_t header_bytes,
				      const void *payload, uint32_t bytes)
{
	uint32_t total = ring_bytes(header_bytes, bytes);
	enum ring_result result;
	bool signal, again;

	do {
		again = false;
		result = ring_write(&channel->tx, desc, header, header_bytes,
				    payload, bytes, &signal);
		if (result != RING_NONE)
			break;
		/* Each time room can come anew the guest may signal once. */
		if (channel->dirty || channel->tx.pending != total) {
			channel->dirty = false;
			channel->allowance++;
			channel->count.tx_blocked++;
			again = ring_want(&channel->tx, total);
		}
	} while (again);

	if (result == RING_BROKEN)
		bus_error(channel->bus, channel,
			  "read index %#x, or a packet of %u bytes that never fits",
			  channel->tx.header->read_index, total);
	if (result != RING_OK)
		return result;
	/* A request for more room than this packet took still stands. */
	if (channel->tx.pending)
		channel->allowance++;
	channel->dirty = true;
	if (desc->type == PKT_COMPLETION)
		channel->count.tx_completions++;
	else
		channel->count.tx_packets++;
	channel->count.tx_bytes += bytes;
	if (signal)
		channel_signal_guest(channel);
	return RING_OK;
}
