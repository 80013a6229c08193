// SPDX-License-Identifier: GPL-2.0
/*
 * The heartbeat: the guest answers each number with the next one, and so the host
 * knows that it is alive.
 *
 * On the worker's thread, serialised by vm->lock.
 */
#include <string.h>

#include "ic.h"

/**
 * heartbeat_make() - the next request
 * Return: its bytes; 0 if that was all
 */
uint32_t heartbeat_make(struct channel *channel, uint8_t *body)
{
	const struct behaviour *b = &channel->behaviour;
	struct ic_heartbeat beat = { .sequence = channel->ic.sequence };

	if (b->count && channel->ic.done >= b->count)
		return 0;
	memcpy(body, &beat, sizeof(beat));
	return sizeof(beat);
}

void heartbeat_answered(struct channel *channel, const uint8_t *body,
			uint32_t bytes)
{
	struct ic_heartbeat beat = { 0 };

	if (bytes == sizeof(beat))
		memcpy(&beat, body, sizeof(beat));
	if (beat.sequence != channel->ic.sequence + 1)
		bus_error(channel->bus, channel,
			  "heartbeat %llu answered with %llu, in %u bytes",
			  (unsigned long long)channel->ic.sequence,
			  (unsigned long long)beat.sequence, bytes);
	/* As Hyper-V: on with the number after the answer's */
	channel->ic.sequence += 2;
	channel->ic.done++;
}
