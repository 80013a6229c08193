// SPDX-License-Identifier: GPL-2.0
/*
 * Channels: offered, opened, closed, rescinded, released, and offered again.
 *
 * A channel has a number, which stays, and while the guest knows it a relid,
 * which is another one each time it is offered. As a real host does, this one
 * offers an instance again only when the guest has released the relid that it
 * had before. The host stops touching the rings of a channel before it tells
 * the guest that it rescinds it.
 *
 * Serialised by vm->lock.
 */
#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "packets.h"

/**
 * channel_add() - one more channel, wanted but not offered yet
 * Return: NULL if there are too many or there is no memory
 */
struct channel *channel_add(struct vmbus *bus, const struct guid *class,
			    const struct guid *instance)
{
	struct channel *channel;

	if (bus->channel_count == MAX_CHANNELS)
		return NULL;
	channel = calloc(1, sizeof(*channel));
	if (!channel)
		return NULL;
	channel->outstanding = calloc(SEQUENCE_WINDOW, sizeof(uint64_t));
	if (!channel->outstanding) {
		free(channel);
		return NULL;
	}
	channel->bus = bus;
	channel->class = *class;
	channel->instance = *instance;
	channel->flags = OFFER_ENUMERATE;
	channel->wanted = true;
	channel->due = NEVER;
	channel->pending_end = &channel->pending;
	channel->number = bus->channel_count;
	bus->channels[bus->channel_count++] = channel;
	return channel;
}

void channel_reset_counters(struct channel *channel)
{
	uint64_t live = channel->count.gpadls_live;

	memset(&channel->count, 0, sizeof(channel->count));
	memset(&channel->rx_sequence, 0, sizeof(channel->rx_sequence));
	channel->count.gpadls_live = live;
	channel->tx_sequence = 0;
	channel->source_sent = 0;
}

/* Relids go round, so that one that was released is not used again soon. */
static uint32_t new_relid(struct vmbus *bus)
{
	uint32_t i, relid = bus->last_relid;

	for (i = 0; i < VMBUS_RELIDS; i++) {
		relid = relid + 1 < VMBUS_RELIDS ? relid + 1 : 1;
		if (!bus->by_relid[relid]) {
			bus->last_relid = relid;
			return relid;
		}
	}
	return 0;
}

/* The message that offers the channel, without its header. */
static void fill_offer(const struct channel *channel, struct msg_offer *offer)
{
	memset(offer, 0, sizeof(*offer));
	offer->class = channel->class;
	offer->instance = channel->instance;
	offer->flags = channel->flags;
	offer->mmio_mib = channel->mmio_mib;
	memcpy(offer->user, channel->user, sizeof(offer->user));
	offer->sub_index = channel->sub_index;
	offer->relid = channel->relid;
	offer->monitor = channel->monitored ? channel->number : 0;
	offer->monitor_allocated = channel->monitored;
	offer->dedicated_interrupt = 1;
	offer->connection = CONNECTION_BASE + channel->relid;
}

static bool offered(const struct channel *channel)
{
	return channel->state >= CHANNEL_OFFERED &&
	       channel->state <= CHANNEL_OPEN;
}

/* Offer a channel if it is wanted and the guest can hear of it. */
static void try_offer(struct channel *channel)
{
	struct vmbus *bus = channel->bus;
	struct msg_offer offer;

	if (!channel->wanted || channel->state != CHANNEL_ABSENT ||
	    !bus->requested ||
	    (channel->primary && !offered(channel->primary)))
		return;
	channel->relid = new_relid(bus);
	if (!channel->relid)
		return;
	bus->by_relid[channel->relid] = channel;
	channel->state = CHANNEL_OFFERED;
	channel->count.offers++;
	fill_offer(channel, &offer);
	garble_offer(channel, &offer);
	bus_send(bus, &offer, MSG_OFFER, sizeof(offer));
	event_happened(channel, EVENT_OFFER, channel->count.offers);
}

/**
 * channel_offer() - offer the channel as soon as that is possible
 * Return: 0; -1 if the guest has it already
 */
int channel_offer(struct channel *channel)
{
	if (offered(channel))
		return -1;
	channel->wanted = true;
	try_offer(channel);
	return 0;
}

/* The guest has asked for the offers. */
void channel_offer_all(struct vmbus *bus)
{
	unsigned int i;

	for (i = 0; i < bus->channel_count; i++)
		try_offer(bus->channels[i]);
}

/* The host no longer touches the rings. */
static void stop(struct channel *channel)
{
	struct gpadl *ring = gpadl_find(channel->bus, channel->ring_gpadl);

	answer_drop(channel, false);
	if (channel->state == CHANNEL_OPEN)
		behaviour_stopped(channel);
	if (ring && ring->channel == channel)
		ring->ring = false;
	free(channel->pages);
	channel->pages = NULL;
}

/**
 * channel_rescind() - take the offer back
 * Return: 0; -1 if the guest does not have it
 */
int channel_rescind(struct channel *channel)
{
	struct vmbus *bus = channel->bus;
	struct msg_relid msg = { .relid = channel->relid };
	unsigned int i;

	/* It may be offered later, or is on its way out: not any more. */
	if (!offered(channel)) {
		bool was = channel->wanted;

		channel->wanted = false;
		return was && channel->state == CHANNEL_ABSENT ? 0 : -1;
	}
	for (i = 0; i < bus->channel_count; i++)
		if (bus->channels[i]->primary == channel &&
		    offered(bus->channels[i]))
			channel_rescind(bus->channels[i]);

	stop(channel);
	channel->wanted = false;
	channel->state = CHANNEL_RESCINDED;
	channel->count.rescinds++;
	bus_send(bus, &msg, MSG_RESCIND, sizeof(msg));
	return 0;
}

/**
 * channel_add_subs() - offer @count sub-channels more
 * Return: the first one's number, -1 if there are too many
 */
int channel_add_subs(struct channel *channel, unsigned int count)
{
	int first = channel->bus->channel_count;

	if (channel->primary || !count ||
	    count > MAX_CHANNELS - channel->bus->channel_count)
		return -1;
	while (count--) {
		struct channel *sub = channel_add(channel->bus, &channel->class,
						  &channel->instance);

		if (!sub)
			return -1;
		sub->primary = channel;
		sub->sub_index = ++channel->subs;
		sub->behaviour = channel->behaviour;
		sub->flags = channel->flags;
		try_offer(sub);
	}
	return first;
}

/* The guest no longer knows the channel. */
static void forget(struct channel *channel)
{
	bool rescinded = channel->state == CHANNEL_RESCINDED;

	if (channel->state == CHANNEL_ABSENT)
		return;
	if (!rescinded)
		stop(channel);
	answer_drop(channel, true);
	gpadl_drop_all(channel, !rescinded);
	channel->bus->by_relid[channel->relid] = NULL;
	channel->relid = 0;
	channel->state = CHANNEL_ABSENT;
}

/* There is no connection any more. */
void channel_reset_all(struct vmbus *bus)
{
	unsigned int i;

	for (i = 0; i < bus->channel_count; i++)
		forget(bus->channels[i]);
}

static void send_open_result(struct channel *channel, uint32_t open_id,
			     uint32_t status)
{
	struct msg_open_result msg = {
		.relid = channel->relid, .open_id = open_id, .status = status,
	};

	if (!status)
		garble_open_result(channel, &msg);
	bus_send(channel->bus, &msg, MSG_OPEN_RESULT, sizeof(msg));
}

/* The guest has closed it, or behaves as if it had. */
static void closed(struct channel *channel)
{
	stop(channel);
	channel->state = CHANNEL_OFFERED;
	channel->count.closes++;
	event_happened(channel, EVENT_CLOSE, channel->count.closes);
}

/* Why an open cannot be, or NULL. */
static const char *set_up_rings(struct channel *channel,
				const struct msg_open *msg)
{
	struct vmbus *bus = channel->bus;
	struct gpadl *gpadl = gpadl_find(bus, msg->gpadl);
	uint32_t pages;

	if (!gpadl || !gpadl->complete || gpadl->channel != channel)
		return "without a GPADL of its own";
	if (msg->vp >= vm_cpus(bus->vm))
		return "for a processor that is not there";
	channel->pages = gpadl_pages(bus, gpadl, &pages);
	if (!channel->pages)
		return "with a GPADL that is not whole pages of memory";
	if (pages < 4 || msg->downstream_page < 2 ||
	    msg->downstream_page > pages - 2) {
		free(channel->pages);
		channel->pages = NULL;
		return "with rings that have no data";
	}
	gpadl->ring = true;
	channel->ring_gpadl = msg->gpadl;
	channel->vp = msg->vp;
	channel->downstream = msg->downstream_page;
	ring_init(&channel->rx, channel->pages, msg->downstream_page);
	ring_init(&channel->tx, channel->pages + msg->downstream_page,
		  pages - msg->downstream_page);
	return NULL;
}

static void finish_open(struct channel *channel, uint32_t open_id)
{
	channel->state = CHANNEL_OPEN;
	channel->count.opens++;
	behaviour_started(channel);
	send_open_result(channel, open_id, STATUS_SUCCESS);
	event_happened(channel, EVENT_OPEN, channel->count.opens);
}

void channel_on_open(struct vmbus *bus, const struct msg_open *msg)
{
	struct channel *channel = channel_find(bus, msg->relid);
	const char *wrong;

	if (!channel) {
		bus_error(bus, NULL, "open of relid %u", msg->relid);
		return;
	}
	/* The guest may not have heard of the rescind yet. */
	if (channel->state == CHANNEL_RESCINDED) {
		send_open_result(channel, msg->open_id, STATUS_UNSUCCESSFUL);
		return;
	}
	if (channel->state != CHANNEL_OFFERED) {
		bus_error(bus, channel, "open of an open channel");
		return;
	}
	if (answer_refuse(bus, ANSWER_OPEN)) {
		channel->count.opens_refused++;
		send_open_result(channel, msg->open_id, STATUS_UNSUCCESSFUL);
		return;
	}
	channel->tainted = false;
	wrong = set_up_rings(channel, msg);
	if (wrong) {
		bus_error(bus, channel, "open %s", wrong);
		send_open_result(channel, msg->open_id, STATUS_UNSUCCESSFUL);
		return;
	}
	channel->state = CHANNEL_OPENING;
	answer_give(channel, ANSWER_OPEN, msg->open_id, finish_open);
}

void channel_on_close(struct vmbus *bus, uint32_t relid)
{
	struct channel *channel = channel_find(bus, relid);
	counter left;

	if (!channel) {
		bus_error(bus, NULL, "close of relid %u", relid);
		return;
	}
	/* The guest closes after a rescind, too. */
	if (channel->state == CHANNEL_RESCINDED)
		return;
	if (channel->state != CHANNEL_OPEN) {
		bus_error(bus, channel, "close of a channel that is not open");
		return;
	}
	/* All that is left, but for the rings' */
	left = channel->count.gpadls_live - 1;
	channel->count.gpadls_at_close += left;
	if (left && bus->version < VMBUS_VERSION(4, 0))
		bus_error(bus, channel, "close with %llu GPADLs", left);
	closed(channel);
}

void channel_on_teardown(struct vmbus *bus,
			 const struct msg_gpadl_teardown *msg)
{
	struct channel *channel = channel_find(bus, msg->relid);
	struct gpadl *gpadl = gpadl_find(bus, msg->gpadl);

	if (!channel || !gpadl || gpadl->channel != channel) {
		bus_error(bus, channel, "teardown of GPADL %#x of relid %u",
			  msg->gpadl, msg->relid);
		return;
	}
	/* The pages would be the guest's again while the host writes there. */
	if (gpadl->ring) {
		bus_error(bus, channel, "teardown of the rings' GPADL %#x",
			  msg->gpadl);
		closed(channel);
	}
	gpadl_teardown(gpadl);
}

void channel_on_released(struct vmbus *bus, uint32_t relid)
{
	struct channel *channel = channel_find(bus, relid);
	bool rescinded;

	if (!channel) {
		bus_error(bus, NULL, "release of relid %u", relid);
		return;
	}
	rescinded = channel->state == CHANNEL_RESCINDED;
	if (!rescinded && channel->state != CHANNEL_OFFERED)
		bus_error(bus, channel, "release of an open channel");
	forget(channel);
	channel->count.released++;
	/* What the guest gave up of itself it can have when it connects anew. */
	if (rescinded)
		try_offer(channel);
	event_happened(channel, EVENT_RELEASE, channel->count.released);
}

void channel_on_modify(struct vmbus *bus, const struct msg_modify *msg)
{
	struct channel *channel = channel_find(bus, msg->relid);
	struct msg_modify_response reply = { .relid = msg->relid };

	if (!channel || bus->version < VMBUS_VERSION(4, 1)) {
		bus_error(bus, channel, "modify of relid %u in version %#x",
			  msg->relid, bus->version);
		return;
	}
	if (channel->state == CHANNEL_OPEN && msg->vp < vm_cpus(bus->vm)) {
		channel->vp = msg->vp;
		channel->count.modifies++;
	} else {
		if (channel->state != CHANNEL_RESCINDED)
			bus_error(bus, channel, "modify to processor %u",
				  msg->vp);
		reply.status = STATUS_UNSUCCESSFUL;
	}
	if (bus->version >= VMBUS_VERSION(5, 3))
		bus_send(bus, &reply, MSG_MODIFY_RESPONSE, sizeof(reply));
}
