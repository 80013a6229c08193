// SPDX-License-Identifier: GPL-2.0
/*
 * GPADLs: lists of guest pages, which come in a header message and as many body
 * messages as it takes.
 *
 * Each frame number is looked up in the guest's memory before it is used.
 *
 * Serialised by vm->lock.
 */
#include <stdlib.h>
#include <string.h>

#include "host.h"

/* The least bytes of one range: its length, its offset, one page. */
#define RANGE_LEAST	16u

struct gpadl *gpadl_find(struct vmbus *bus, uint32_t handle)
{
	struct gpadl *gpadl = bus->gpadls;

	while (gpadl && gpadl->handle != handle)
		gpadl = gpadl->next;
	return gpadl;
}

/**
 * gpadl_shared() - the last one that the guest made for anything but the rings
 * Return: NULL if there is none
 */
struct gpadl *gpadl_shared(const struct channel *channel)
{
	struct gpadl *gpadl = channel->bus->gpadls;

	while (gpadl && (gpadl->channel != channel || !gpadl->complete ||
			 gpadl->ring))
		gpadl = gpadl->next;
	return gpadl;
}

static void drop(struct vmbus *bus, struct gpadl *gpadl)
{
	struct gpadl **p = &bus->gpadls;

	while (*p != gpadl)
		p = &(*p)->next;
	*p = gpadl->next;
	if (gpadl->complete)
		gpadl->channel->count.gpadls_live--;
	free(gpadl->data);
	free(gpadl);
}

/**
 * gpadl_drop_all() - forget the GPADLs of a channel that the guest released
 * @left:	it should have torn them down
 */
void gpadl_drop_all(struct channel *channel, bool left)
{
	struct vmbus *bus = channel->bus;
	struct gpadl *gpadl, *next;

	for (gpadl = bus->gpadls; gpadl; gpadl = next) {
		next = gpadl->next;
		if (gpadl->channel != channel)
			continue;
		if (left && gpadl->complete)
			channel->count.gpadls_left++;
		drop(bus, gpadl);
	}
}

/**
 * gpadl_pages() - where the pages of a GPADL are, if it is whole pages of RAM
 * Return: an array to free; NULL if it is something else
 */
uint8_t **gpadl_pages(struct vmbus *bus, const struct gpadl *gpadl,
		      uint32_t *count)
{
	uint32_t at = 0, n = 0, i;
	uint8_t **pages = calloc(gpadl->bytes / 8 + 1, sizeof(*pages));

	if (!pages)
		return NULL;
	while (gpadl->bytes - at >= RANGE_LEAST) {
		uint32_t bytes, offset;

		memcpy(&bytes, gpadl->data + at, sizeof(bytes));
		memcpy(&offset, gpadl->data + at + 4, sizeof(offset));
		at += 8;
		if (offset || !bytes || bytes % VMBUS_PAGE ||
		    bytes / VMBUS_PAGE > (gpadl->bytes - at) / 8)
			goto wrong;
		for (i = 0; i < bytes / VMBUS_PAGE; i++, at += 8) {
			uint64_t frame;

			memcpy(&frame, gpadl->data + at, sizeof(frame));
			if (frame > UINT64_MAX / VMBUS_PAGE)
				goto wrong;
			pages[n] = guest_memory(bus->vm, frame * VMBUS_PAGE,
						VMBUS_PAGE);
			if (!pages[n++])
				goto wrong;
		}
	}
	*count = n;
	if (at == gpadl->bytes && n)
		return pages;
wrong:
	free(pages);
	return NULL;
}

/* As many ranges as were said, and as many pages as their lengths span. */
static bool ranges_add_up(const struct gpadl *gpadl)
{
	uint32_t at = 0, i;

	for (i = 0; i < gpadl->ranges; i++) {
		uint32_t bytes, offset;
		uint64_t pages;

		if (gpadl->bytes - at < RANGE_LEAST)
			return false;
		memcpy(&bytes, gpadl->data + at, sizeof(bytes));
		memcpy(&offset, gpadl->data + at + 4, sizeof(offset));
		at += 8;
		if (offset >= VMBUS_PAGE || !bytes)
			return false;
		pages = ((uint64_t)offset + bytes + VMBUS_PAGE - 1) / VMBUS_PAGE;
		if (pages > (gpadl->bytes - at) / 8)
			return false;
		at += pages * 8;
	}
	return at == gpadl->bytes;
}

static void send_created(struct channel *channel, uint32_t handle,
			 uint32_t status)
{
	struct msg_gpadl_created msg = {
		.relid = channel->relid, .gpadl = handle, .status = status,
	};

	bus_send(channel->bus, &msg, MSG_GPADL_CREATED, sizeof(msg));
	if (!status)
		event_happened(channel, EVENT_GPADL,
			       channel->count.gpadls_created);
}

static void give_created(struct channel *channel, uint32_t handle)
{
	send_created(channel, handle, STATUS_SUCCESS);
}

/* More of the ranges has come; the answer when it is all. */
static void add(struct vmbus *bus, struct gpadl *gpadl, const uint8_t *data,
		size_t bytes)
{
	struct channel *channel = gpadl->channel;
	uint32_t handle = gpadl->handle;

	if (bytes > gpadl->bytes - gpadl->got) {
		bus_error(bus, channel, "GPADL %#x is longer than it said",
			  handle);
		bytes = gpadl->bytes - gpadl->got;
	}
	memcpy(gpadl->data + gpadl->got, data, bytes);
	gpadl->got += bytes;
	if (gpadl->got < gpadl->bytes)
		return;

	if (!ranges_add_up(gpadl)) {
		bus_error(bus, channel,
			  "GPADL %#x with other ranges than it said", handle);
		drop(bus, gpadl);
		send_created(channel, handle, STATUS_UNSUCCESSFUL);
		return;
	}
	if (channel->state == CHANNEL_RESCINDED ||
	    answer_refuse(bus, ANSWER_GPADL)) {
		channel->count.gpadls_refused++;
		drop(bus, gpadl);
		send_created(channel, handle, STATUS_UNSUCCESSFUL);
		return;
	}
	gpadl->complete = true;
	/* A source may have waited for it. */
	channel->ready = true;
	channel->count.gpadls_created++;
	channel->count.gpadls_live++;
	answer_give(channel, ANSWER_GPADL, handle, give_created);
}

void gpadl_on_header(struct vmbus *bus, const void *payload, size_t length)
{
	struct msg_gpadl_header msg;
	struct channel *channel;
	struct gpadl *gpadl;

	memcpy(&msg, payload, sizeof(msg));
	channel = channel_find(bus, msg.relid);
	if (!channel) {
		bus_error(bus, NULL, "GPADL for relid %u", msg.relid);
		return;
	}
	if (gpadl_find(bus, msg.gpadl) || msg.range_bytes % 8 ||
	    msg.range_bytes < RANGE_LEAST || !msg.ranges) {
		bus_error(bus, channel, "GPADL %#x with %u ranges of %u bytes",
			  msg.gpadl, msg.ranges, msg.range_bytes);
		send_created(channel, msg.gpadl, STATUS_UNSUCCESSFUL);
		return;
	}
	gpadl = calloc(1, sizeof(*gpadl));
	if (gpadl)
		gpadl->data = malloc(msg.range_bytes);
	if (!gpadl || !gpadl->data) {
		free(gpadl);
		send_created(channel, msg.gpadl, STATUS_UNSUCCESSFUL);
		return;
	}
	gpadl->channel = channel;
	gpadl->handle = msg.gpadl;
	gpadl->bytes = msg.range_bytes;
	gpadl->ranges = msg.ranges;
	gpadl->next = bus->gpadls;
	bus->gpadls = gpadl;
	add(bus, gpadl, (const uint8_t *)payload + sizeof(msg),
	    length - sizeof(msg));
}

void gpadl_on_body(struct vmbus *bus, const void *payload, size_t length)
{
	struct msg_gpadl_body msg;
	struct gpadl *gpadl;

	memcpy(&msg, payload, sizeof(msg));
	gpadl = gpadl_find(bus, msg.gpadl);
	if (!gpadl || gpadl->complete) {
		bus_error(bus, gpadl ? gpadl->channel : NULL,
			  "more of GPADL %#x", msg.gpadl);
		return;
	}
	add(bus, gpadl, (const uint8_t *)payload + sizeof(msg),
	    length - sizeof(msg));
}

static void finish_teardown(struct channel *channel, uint32_t handle)
{
	struct vmbus *bus = channel->bus;
	struct gpadl *gpadl = gpadl_find(bus, handle);
	struct msg_gpadl_torndown msg = { .gpadl = handle };

	if (!gpadl)
		return;
	channel->count.gpadls_torn++;
	drop(bus, gpadl);
	bus_send(bus, &msg, MSG_GPADL_TORNDOWN, sizeof(msg));
	event_happened(channel, EVENT_TEARDOWN, channel->count.gpadls_torn);
}

/**
 * gpadl_teardown() - the host no longer uses the pages, and says so
 */
void gpadl_teardown(struct gpadl *gpadl)
{
	answer_give(gpadl->channel, ANSWER_TEARDOWN, gpadl->handle,
		    finish_teardown);
}
