// SPDX-License-Identifier: GPL-2.0
/*
 * What the host does with the packets of an open channel.
 *
 * The host works on a channel when the guest has signalled, when a time has
 * come, and when it was told to; never by looking whether there is something.
 * A guest that forgets a signal hangs.
 *
 * A packet is read only when its answer has room: a guest that does not read
 * finds its own ring full in the end, as with a real host.
 *
 * On the worker's thread, serialised by vm->lock.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ic.h"
#include "random.h"

/* Packets at a time, so that the guest's processors get the lock, too. */
#define BATCH		256u
/* Delayed answers, when the host stops reading until some are sent. */
#define PENDING_MAX	65536u
/* How long completions are held back to be mixed, if no more come. */
#define MIX_TIME	(5 * MSEC)
/* Delay of the right completion: a mutation with its id may come first. */
#define ANSWER_DELAY	(50 * MSEC)
/* Microseconds in which a guest that waits for room should wake up. */
#define WAKEUP_US	10000u

/* The guest's first signal since the ring is read again */
static void woken(struct channel *channel)
{
	uint64_t us = (vm_now(channel->bus->vm) - channel->unstalled) / 1000;

	channel->unstalled = 0;
	channel->count.wakeups++;
	channel->count.wakeups_late += us > WAKEUP_US;
	channel->count.wakeup_us += us;
}

/**
 * behaviour_signal() - the guest has signalled
 */
void behaviour_signal(struct channel *channel)
{
	struct packet packet;

	if (channel->state != CHANNEL_OPEN) {
		/* It was on its way when the channel was closed. */
		channel->count.signals_late++;
		return;
	}
	channel->count.signals_in++;
	if (channel->unstalled)
		woken(channel);
	if (ring_read(&channel->rx, channel->bus->packet, &packet) == RING_NONE)
		channel->count.signals_empty++;
	if (channel->allowance) {
		channel->allowance--;
	} else {
		channel->count.signals_wrong++;
		bus_error(channel->bus, channel,
			  "signal though nothing was asked for");
	}
	channel->ready = true;
}

static void mask(struct channel *channel)
{
	if (!channel->masked)
		ring_mask(&channel->rx);
	channel->masked = true;
}

/* All is read. Return: false if there is more by now. */
static bool unmask(struct channel *channel)
{
	if (!channel->masked)
		return true;
	channel->masked = false;
	channel->allowance++;
	return !ring_unmask(&channel->rx);
}

static void wake(struct channel *channel, uint64_t when)
{
	if (when < channel->due)
		channel->due = when;
}

static int enqueue(struct channel *channel, const struct packet *packet,
		   uint16_t type, uint32_t bytes, uint64_t due)
{
	struct pending_packet *pending = malloc(sizeof(*pending) + bytes);

	if (!pending)
		return -1;
	pending->next = NULL;
	pending->due = due;
	pending->desc = (struct descriptor){ .type = type,
					     .trans = packet->trans };
	pending->bytes = bytes;
	pending->answered = false;
	memcpy(pending->payload, packet->payload, bytes);
	*channel->pending_end = pending;
	channel->pending_end = &pending->next;
	channel->pending_count++;
	return 0;
}

static void dequeue(struct channel *channel)
{
	struct pending_packet *pending = channel->pending;

	channel->pending = pending->next;
	if (!channel->pending)
		channel->pending_end = &channel->pending;
	channel->pending_count--;
	free(pending);
}

/* Mix what is held back, and let it go. */
static void mix(struct channel *channel, uint64_t now)
{
	struct pending_packet *left = channel->pending;
	uint32_t count = channel->pending_count, i;

	channel->pending = NULL;
	channel->pending_end = &channel->pending;
	while (count) {
		struct pending_packet **p = &left, *one;

		/* Never the first while there is another. */
		i = count == 1 ? 0 : 1 + random_next(&channel->garble_state) %
					 (count - 1);
		while (i--)
			p = &(*p)->next;
		one = *p;
		*p = one->next;
		one->next = NULL;
		one->due = now;
		*channel->pending_end = one;
		channel->pending_end = &one->next;
		count--;
	}
}

/* Send what is due. Return: false if there is no room */
static bool send_pending(struct channel *channel, uint64_t now)
{
	while (channel->pending) {
		struct pending_packet *pending = channel->pending;

		if (pending->due == NEVER) {
			if (channel->pending_count < channel->behaviour.depth &&
			    now < channel->source_next) {
				wake(channel, channel->source_next);
				return true;
			}
			mix(channel, now);
			continue;
		}
		if (pending->due > now) {
			wake(channel, pending->due);
			return true;
		}
		if (channel_write(channel, &pending->desc, pending->payload,
				  pending->bytes) != RING_OK)
			return false;
		dequeue(channel);
	}
	return true;
}

static void send_source(struct channel *channel, uint64_t now)
{
	struct behaviour *b = &channel->behaviour;
	struct vmbus *bus = channel->bus;
	unsigned int sent;

	for (sent = 0; sent < BATCH; sent++) {
		struct descriptor desc = { .type = PKT_INBAND };
		struct ranges_header ranges;
		uint32_t bytes, header_bytes = 0;

		if (b->count && channel->source_sent >= b->count)
			return;
		if (channel->source_next > now) {
			wake(channel, channel->source_next);
			return;
		}
		if (b->completion) {
			desc.flags = PKT_COMPLETION_REQUESTED;
			desc.trans = channel->tx_trans + 1;
		}
		if (b->ranges) {
			desc.type = PKT_XFER_PAGES;
			header_bytes = ranges_fill(channel, desc.trans, &ranges);
			if (!header_bytes)
				return;
		}
		bytes = traffic_make(channel, bus->scratch,
				     b->ranges ? 0 : b->size,
				     channel->tx_sequence);
		if (channel_write_ranges(channel, &desc, &ranges, header_bytes,
					 bus->scratch, bytes) != RING_OK)
			return;
		if (b->completion) {
			channel->tx_trans++;
			channel->count.tx_outstanding++;
			channel->outstanding[desc.trans % SEQUENCE_WINDOW] =
				desc.trans;
		}
		channel->tx_sequence++;
		channel->source_sent++;
		/* After a delay, catch up with the rate. */
		if (b->rate)
			channel->source_next += SEC / b->rate;
	}
	channel->ready = true;
}

static void on_completion(struct channel *channel, const struct packet *packet)
{
	uint64_t *slot = &channel->outstanding[packet->trans % SEQUENCE_WINDOW];

	channel->count.rx_completions++;
	if (!packet->trans || *slot != packet->trans) {
		channel->count.completions_unknown++;
		bus_error(channel->bus, channel,
			  "completion of %#llx, which is not outstanding",
			  (unsigned long long)packet->trans);
		return;
	}
	*slot = 0;
	channel->count.tx_outstanding--;
	/* A part of the guest's memory can be written again. */
	if (channel->behaviour.ranges)
		channel->ready = true;
}

/*
 * Make the payload, which is in bus->packet, longer: zeroes after it, up to @size
 * bytes. What is left of the packet there is not needed any more.
 */
static uint32_t pad(struct channel *channel, const struct packet *packet,
		    uint32_t size)
{
	uint8_t *buffer = channel->bus->packet;
	uint32_t start = packet->payload - buffer;
	uint32_t bytes = packet->payload_bytes;

	if (size > PACKET_MAX - start)
		size = PACKET_MAX - start;
	if (size <= bytes)
		return bytes;
	memset(buffer + start + bytes, 0, size - bytes);
	return size;
}

/*
 * Answer a packet.
 * Return: false if there is no room for the answer: the packet stays unread
 */
static bool answer(struct channel *channel, const struct packet *packet,
		   uint64_t now)
{
	const struct behaviour *b = &channel->behaviour;
	bool wanted = packet->flags & PKT_COMPLETION_REQUESTED;
	struct descriptor desc = { .trans = packet->trans };
	uint32_t bytes = packet->payload_bytes;

	/* Hyper-V does not answer a request with this id, either. */
	if (packet->type == PKT_COMPLETION || (wanted && !packet->trans))
		return true;
	desc.type = wanted ? PKT_COMPLETION : PKT_INBAND;
	switch (b->kind) {
	case BEHAVE_ECHO:
		if (wanted)
			bytes = pad(channel, packet, b->size);
		break;
	case BEHAVE_SLOW:
		break;
	case BEHAVE_SINK:
	case BEHAVE_SOURCE:
		if (!wanted)
			return true;
		bytes = 0;
		break;
	case BEHAVE_LATE:
	case BEHAVE_OUT_OF_ORDER:
	case BEHAVE_GARBLE:
		if (!wanted)
			return true;
		if (channel->pending_count >= PENDING_MAX)
			return false;
		if (b->kind == BEHAVE_GARBLE)
			return !enqueue(channel, packet, desc.type, 0,
					garble_request(channel, packet->trans) ?
					now + ANSWER_DELAY : now);
		if (b->kind == BEHAVE_LATE)
			return !enqueue(channel, packet, desc.type, bytes,
					now + b->delay);
		channel->source_next = now + MIX_TIME;
		return !enqueue(channel, packet, desc.type, bytes, NEVER);
	case BEHAVE_NEVER:
	case BEHAVE_HEARTBEAT:
	case BEHAVE_FCOPY:
		return true;
	}
	/* Answers that wait go first. */
	if (channel->pending)
		return false;
	return channel_write(channel, &desc, packet->payload, bytes) == RING_OK;
}

/* Whether the descriptor is one that a guest may send. */
static void check_descriptor(struct channel *channel,
			     const struct packet *packet)
{
	struct vmbus *bus = channel->bus;

	if (packet->trailer != (uint64_t)channel->rx.index << 32)
		bus_error(bus, channel, "trailer %#llx of the packet at %#x",
			  (unsigned long long)packet->trailer,
			  channel->rx.index);
	if (packet->type != PKT_INBAND && packet->type != PKT_GPA_DIRECT &&
	    packet->type != PKT_COMPLETION)
		bus_error(bus, channel, "packet of type %u", packet->type);
	if (packet->flags & ~PKT_COMPLETION_REQUESTED ||
	    (packet->flags && packet->type == PKT_COMPLETION))
		bus_error(bus, channel, "packet of type %u with flags %#x",
			  packet->type, packet->flags);
	if (packet->flags & PKT_COMPLETION_REQUESTED && !packet->trans)
		bus_error(bus, channel, "request with transaction id 0");
	if (packet->type != PKT_GPA_DIRECT && packet->header_bytes)
		bus_error(bus, channel, "packet of type %u with a header",
			  packet->type);
}

/* Read one packet. Return: false if that is it for now */
static bool receive(struct channel *channel, uint64_t now)
{
	struct vmbus *bus = channel->bus;
	struct packet packet;

	switch (ring_read(&channel->rx, bus->packet, &packet)) {
	case RING_NONE:
		return !unmask(channel);
	case RING_BROKEN:
		bus_error(bus, channel, "ring that makes no sense at %#x",
			  channel->rx.index);
		return false;
	case RING_OK:
		break;
	}
	mask(channel);
	if (packet.type == PKT_GPA_DIRECT)
		traffic_gather(channel, &packet);
	if (!answer(channel, &packet, now))
		return false;

	check_descriptor(channel, &packet);
	if (packet.type == PKT_COMPLETION) {
		on_completion(channel, &packet);
	} else {
		channel->count.rx_packets++;
		if (packet.flags & PKT_COMPLETION_REQUESTED)
			channel->count.rx_requests++;
	}
	if (ic_speaks(channel))
		ic_receive(channel, &packet);
	else
		traffic_check(channel, &packet);
	if (ring_consume(&channel->rx, packet.total))
		channel_signal_guest(channel);
	if (packet.type != PKT_COMPLETION)
		event_happened(channel, EVENT_RX, channel->count.rx_packets);
	return true;
}

/**
 * behaviour_work() - do what is to be done on an open channel
 */
void behaviour_work(struct channel *channel)
{
	const struct behaviour *b = &channel->behaviour;
	uint64_t now = vm_now(channel->bus->vm);
	unsigned int n;

	channel->ready = false;
	if (channel->due <= now)
		channel->due = NEVER;
	if (garble_waits(channel, now))
		return;
	send_pending(channel, now);
	if (b->kind == BEHAVE_SOURCE)
		send_source(channel, now);
	else if (b->kind == BEHAVE_GARBLE)
		garble_work(channel);
	else if (ic_speaks(channel))
		wake(channel, ic_work(channel, now));
	if (garble_waits(channel, now))
		return;

	for (n = 0; n < BATCH && !channel->bus->urgent; n++) {
		if (channel->stalled)
			return;
		if (b->kind == BEHAVE_SLOW && channel->source_next > now) {
			wake(channel, channel->source_next);
			return;
		}
		if (!receive(channel, now))
			break;
		if (b->kind == BEHAVE_SLOW)
			channel->source_next = now + b->delay;
	}
	if (n == BATCH || channel->bus->urgent)
		channel->ready = true;
	/* What was just put off, and what is not yet held long enough. */
	if (channel->pending)
		send_pending(channel, now);
}

void behaviour_started(struct channel *channel)
{
	struct pending_packet *pending;

	channel->masked = false;
	channel->dirty = true;
	channel->garble_until = 0;
	channel->allowance = 1;
	channel->unstalled = 0;
	channel->source_next = vm_now(channel->bus->vm);
	/* A source begins of itself; what the guest sends it signals. */
	channel->ready = channel->behaviour.kind == BEHAVE_SOURCE ||
			 channel->behaviour.kind == BEHAVE_GARBLE ||
			 ic_speaks(channel);
	ic_started(channel);
	channel->due = NEVER;
	/* Completions kept from before the close wait as long once more. */
	for (pending = channel->pending; pending; pending = pending->next)
		pending->due = channel->source_next + channel->behaviour.delay;
	if (channel->pending)
		channel->due = channel->pending->due;
	/* Both ends use pending_send_sz. */
	channel->tx.header->features |= RING_PENDING_SEND_SZ;
}

static uint64_t count_left(struct ring ring, uint8_t *buffer)
{
	struct packet packet;
	uint64_t left = 0;

	while (ring_read(&ring, buffer, &packet) == RING_OK) {
		left++;
		ring.index = (ring.index + packet.total) % ring.size;
	}
	return left;
}

/**
 * behaviour_forget() - drop what waits for its time or for room
 */
void behaviour_forget(struct channel *channel)
{
	while (channel->pending)
		dequeue(channel);
}

/**
 * behaviour_stopped() - stop when the channel was closed or rescinded
 */
void behaviour_stopped(struct channel *channel)
{
	struct ring tx = channel->tx;
	uint32_t space;

	if (!channel->bus->freeing) {
		channel->count.rx_left += count_left(channel->rx,
						     channel->bus->packet);
		/* What the guest has not read: from its index to ours. */
		if (ring_free(&tx, &space) == RING_OK) {
			tx.index = tx.peer;
			tx.peer = channel->tx.index;
			channel->count.tx_left +=
				count_left(tx, channel->bus->packet);
		}
	}
	if (!channel->behaviour.keep)
		behaviour_forget(channel);
	memset(channel->outstanding, 0,
	       SEQUENCE_WINDOW * sizeof(*channel->outstanding));
	channel->count.tx_outstanding = 0;
	channel->ready = false;
	channel->due = NEVER;
}

/**
 * behaviour_set() - behave otherwise from now on
 */
void behaviour_set(struct channel *channel, const struct behaviour *behaviour)
{
	struct pending_packet *pending;
	bool spoke = ic_speaks(channel);

	channel->behaviour = *behaviour;
	if (!spoke)
		ic_started(channel);
	if (ic_speaks(channel))
		ic_behave(channel);
	channel->garble_state = behaviour->seed;
	channel->source_next = vm_now(channel->bus->vm);
	channel->source_sent = 0;
	/* Completions that were put off are due. */
	for (pending = channel->pending; pending; pending = pending->next)
		pending->due = channel->source_next;
	channel->ready = true;
}
