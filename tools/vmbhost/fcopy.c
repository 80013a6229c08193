// SPDX-License-Identifier: GPL-2.0
/*
 * Copying a file to the guest: what Hyper-V's Copy-VMFile makes of it. START has name,
 * path, flags and size, WRITE a fragment and where it belongs, COMPLETE is the end;
 * the guest answers each with a status. When that is an error the host gives up, and
 * sends CANCEL if the guest has begun. A copy that a rescind has interrupted begins
 * anew when the channel is open again: the protocol has no way to go on.
 *
 * Faults are those of a host that lies, see enum fault.
 *
 * On the worker's thread, serialised by vm->lock.
 */
#include <stdio.h>
#include <string.h>

#include "ic.h"

#define UNKNOWN_OPERATION	99u

/**
 * fcopy_begin() - a copy is to be made, from its beginning
 */
void fcopy_begin(struct channel *channel)
{
	const struct ic *ic = &channel->ic;
	struct fcopy *f = &channel->ic.fcopy;

	/* Perhaps it takes the START that it has not answered. */
	if (ic->waits && ic->sent.type == IC_FCOPY)
		f->begun = true;
	if (!ic->negotiated)
		f->begun = false;
	f->twice = false;
	f->again = f->begun;
	f->offset = 0;
	f->fragments = 0;
	f->crc = 0;
	if (f->begun)
		f->step = FCOPY_CANCEL;
	else if (channel->behaviour.fault == FAULT_DATA_FIRST)
		f->step = FCOPY_DATA;
	else if (channel->behaviour.fault == FAULT_COMPLETE_FIRST)
		f->step = FCOPY_COMPLETE;
	else
		f->step = FCOPY_START;
}

/* It could be read when the behaviour was set. */
static void give_up(struct channel *channel)
{
	if (!channel->bus->quiet)
		fprintf(stderr, "vmbhost: cannot read %s any more\n",
			channel->behaviour.file);
	channel->ic.fcopy.step = FCOPY_DONE;
	channel->count.files_failed++;
}

static uint32_t make_start(struct channel *channel, uint8_t *body)
{
	const struct behaviour *b = &channel->behaviour;
	struct fcopy_start start = {
		.h.operation = FCOPY_START, .flags = b->copy_flags,
	};
	struct fcopy *f = &channel->ic.fcopy;

	if (file_bytes(b, &f->bytes)) {
		give_up(channel);
		return 0;
	}
	start.bytes = f->bytes;
	if (b->fault == FAULT_SHORT)
		start.bytes++;
	if (b->fault == FAULT_LONG && start.bytes)
		start.bytes--;
	if (b->fault == FAULT_HUGE)
		start.bytes = UINT64_MAX;
	memcpy(start.name, b->name, sizeof(start.name));
	memcpy(start.path, b->path, sizeof(start.path));
	memcpy(body, &start, sizeof(start));
	return b->fault == FAULT_CUT ? offsetof(struct fcopy_start, path) :
				       sizeof(start);
}

static uint32_t make_data(struct channel *channel, uint8_t *body)
{
	const struct behaviour *b = &channel->behaviour;
	struct fcopy *f = &channel->ic.fcopy;
	struct fcopy_data data = { .h.operation = FCOPY_DATA };
	uint64_t left = f->bytes - f->offset;

	data.offset = f->offset;
	data.bytes = left < b->size ? left : b->size;
	if (b->fault == FAULT_DATA_FIRST) {
		data.bytes = b->size;
		memset(body + sizeof(data), 0, data.bytes);
	} else if (file_read(b, f->offset, body + sizeof(data), data.bytes)) {
		give_up(channel);
		return 0;
	}
	f->sent = data.bytes;
	f->sent_crc = crc32(f->crc, body + sizeof(data), data.bytes);
	switch (b->fault) {
	case FAULT_BEYOND:
		data.offset = f->bytes;
		break;
	case FAULT_FAR:
		data.offset = UINT64_MAX - data.bytes / 2;
		break;
	case FAULT_OVERLAP:
		data.offset -= data.offset ? 1 : 0;
		break;
	case FAULT_HOLE:
		data.offset += f->offset ? 1 : 0;
		break;
	case FAULT_FRAGMENT:
		data.bytes++;
		break;
	default:
		break;
	}
	memcpy(body, &data, sizeof(data));
	return sizeof(data) + f->sent;
}

/**
 * fcopy_make() - the next request
 * Return: its bytes; 0 if there is nothing to do
 */
uint32_t fcopy_make(struct channel *channel, uint8_t *body)
{
	struct fcopy_header header = { .operation = channel->ic.fcopy.step };

	switch (channel->ic.fcopy.step) {
	case FCOPY_START:
		if (channel->behaviour.fault == FAULT_OPERATION)
			header.operation = UNKNOWN_OPERATION;
		else
			return make_start(channel, body);
		break;
	case FCOPY_DATA:
		return make_data(channel, body);
	case FCOPY_COMPLETE:
	case FCOPY_CANCEL:
		break;
	case FCOPY_DONE:
		return 0;
	}
	memcpy(body, &header, sizeof(header));
	return sizeof(header);
}

static void failed(struct channel *channel)
{
	struct fcopy *f = &channel->ic.fcopy;

	channel->count.files_failed++;
	f->status = channel->ic.status;
	f->step = f->begun ? FCOPY_CANCEL : FCOPY_DONE;
}

/* What comes after a fragment that the guest has taken */
static enum fcopy_step after(const struct channel *channel)
{
	const struct behaviour *b = &channel->behaviour;
	const struct fcopy *f = &channel->ic.fcopy;

	if (b->fault == FAULT_TWICE && !f->twice)
		return FCOPY_START;
	if (b->cancel && f->fragments >= b->cancel)
		return FCOPY_CANCEL;
	return f->offset < f->bytes ? FCOPY_DATA : FCOPY_COMPLETE;
}

/**
 * fcopy_answered() - the guest's status is in channel->ic
 */
void fcopy_answered(struct channel *channel, const uint8_t *body,
		    uint32_t bytes)
{
	struct fcopy *f = &channel->ic.fcopy;

	(void)body;
	(void)bytes;
	if (f->step == FCOPY_CANCEL) {
		f->begun = false;
		f->step = f->again ? FCOPY_START : FCOPY_DONE;
		f->again = false;
		channel->count.files_cancelled++;
		return;
	}
	if (channel->ic.status) {
		failed(channel);
		return;
	}
	switch (f->step) {
	case FCOPY_START:
		f->begun = true;
		f->offset = 0;
		f->crc = 0;
		f->step = f->bytes ? FCOPY_DATA : FCOPY_COMPLETE;
		break;
	case FCOPY_DATA:
		f->offset += f->sent;
		f->crc = f->sent_crc;
		f->fragments++;
		channel->count.file_bytes += f->sent;
		f->step = after(channel);
		f->twice = f->twice || f->step == FCOPY_START;
		break;
	default:
		f->begun = false;
		f->status = 0;
		f->step = FCOPY_DONE;
		channel->count.files_sent++;
		break;
	}
}
