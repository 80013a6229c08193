// SPDX-License-Identifier: GPL-2.0
/*
 * What every file of the VMBus host uses: control messages to the guest, errors
 * of the guest, the channel that a relid names.
 *
 * Serialised by vm->lock.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host.h"

/* More errors than that are counted, and not printed. */
#define PRINT_ERRORS	64

/**
 * bus_error() - count something that no correct guest does
 * @channel:	where, or NULL
 */
void bus_error(struct vmbus *bus, struct channel *channel, const char *format,
	       ...)
{
	va_list args;

	/* What a guest does with rings that made no sense is its affair. */
	if (channel && channel->tainted) {
		channel->count.garble_errors++;
		return;
	}
	bus->errors++;
	if (channel)
		channel->count.protocol_errors++;
	if (bus->quiet || bus->errors > PRINT_ERRORS)
		return;

	fprintf(stderr, "vmbhost: protocol error: ");
	if (channel)
		fprintf(stderr, "channel %u: ", channel->number);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/**
 * bus_send() - send a control message to the guest
 * @message:	begins with a struct msg_header, which is filled in here
 */
void bus_send(struct vmbus *bus, void *message, uint32_t type, size_t length)
{
	struct msg_header header = { .type = type };

	memcpy(message, &header, sizeof(header));
	if (synic_post_message(bus->vm, bus->vp, bus->sint, VMBUS_MESSAGE_TYPE,
			       message, length) && !bus->quiet)
		fprintf(stderr, "vmbhost: the guest has no place for message %u\n",
			type);
}

struct channel *channel_find(struct vmbus *bus, uint32_t relid)
{
	return relid < VMBUS_RELIDS ? bus->by_relid[relid] : NULL;
}
