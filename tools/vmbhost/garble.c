// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile host: everything that the host writes, written wrong.
 *
 * Each step is one mutation, chosen by a random sequence that its seed repeats:
 *
 * fields	a packet whose framing is right, with any type, flags and
 *		transaction id (in flight, stale, used twice, invented), an odd
 *		offset, and random bytes where a header and a payload should be
 * lengths	a descriptor whose length or offset breaks the framing
 * indices	a write index, or the read index of the other ring, out of range,
 *		unaligned, backwards or too far
 * signals	a signal without data, or data without its signal
 * offers	offers with odd contents, results that nothing waits for, rescinds
 *		of devices that do not exist
 *
 * A guest may stop reading a ring after "lengths" and "indices", so that it
 * sees nothing more until it opens the channel again. So if "fields" or
 * "signals" is among the kinds, only one mutation in rare=K is of another kind.
 *
 * A packet that wants a completion gets the right one, without a payload, some
 * time later. So a mutation with its transaction id, with or without a payload,
 * may come before or after it.
 *
 * What makes the kernel of a correct guest warn is left out: a relid that is
 * out of range or in use, and the same instance twice.
 *
 * From the first mutation until the guest opens the channel again, what it does
 * with the rings is no protocol error: see bus_error().
 *
 * On the worker's thread, serialised by vm->lock.
 */
#include <string.h>

#include "packets.h"
#include "random.h"

/* Mutations at a time. */
#define BATCH		512u
/* A guest that stopped reading sends no signal when there is room. */
#define LOOK_AGAIN	MSEC
/* How long a wrong index stays, so that the guest sees it. */
#define INDEX_STANDS	MSEC

static uint64_t pick(struct channel *channel, uint64_t below)
{
	return random_next(&channel->garble_state) % below;
}

static uint32_t odd_index(struct channel *channel, const struct ring *ring)
{
	uint64_t any = random_next(&channel->garble_state);

	switch (pick(channel, 6)) {
	case 0:
		return UINT32_MAX;
	case 1:
		return ring->size;
	case 2:
		return ring->size + (uint32_t)(any % ring->size & ~7ull);
	case 3:
		return (any % ring->size) | 1;
	case 4:		/* backwards */
		return (ring->index + ring->size - 8 - (any % 512 & ~7ull)) %
		       ring->size;
	default:	/* anywhere */
		return any % ring->size & ~7ull;
	}
}

/* Free bytes; what a confused guest has made of its index is taken as it is. */
static enum ring_result free_bytes(struct ring *ring, uint32_t *bytes)
{
	uint32_t read;

	if (ring_free(ring, bytes) == RING_OK)
		return RING_OK;
	read = __atomic_load_n(&ring->header->read_index, __ATOMIC_ACQUIRE);
	if (read >= ring->size || read & 7)
		return RING_BROKEN;
	ring->peer = read;
	return ring_free(ring, bytes);
}

static uint64_t odd_trans(struct channel *channel)
{
	uint64_t any = random_next(&channel->garble_state);
	uint64_t ids = channel->garble_requests < GARBLE_IDS ?
		       channel->garble_requests : GARBLE_IDS;

	switch (pick(channel, 8)) {
	case 0:
		return channel->garble_last_trans;
	case 1:
		return 0;
	case 2:
		return UINT64_MAX - any % 8;
	case 3:		/* what a guest may have used */
		return any % 4096;
	case 4:		/* what looks like one of its pointers */
		return 0xffff888000000000ull | any >> 24;
	case 5:
	case 6:		/* what it has used, and may still wait for */
		return ids ? channel->garble_ids[any % ids] : any;
	default:
		return any;
	}
}

/*
 * Ranges that could be right, or all but one of them.
 * Return: the words that they take, of @words
 */
static uint32_t put_ranges(struct channel *channel, uint8_t *to, uint32_t words)
{
	uint32_t most = words - 1 < 8 ? words - 1 : 8, i;
	struct ranges_header header = {
		.set = random_next(&channel->garble_state),
		.count = 1 + pick(channel, most),
	};

	for (i = 0; i < header.count; i++) {
		header.range[i].bytes = 1 + pick(channel, VMBUS_PAGE);
		header.range[i].offset = pick(channel, 65536);
	}
	i = pick(channel, header.count);
	switch (pick(channel, 8)) {
	case 0:
		header.range[i].bytes = 0;
		break;
	case 1:		/* its end is one byte beyond what has a number */
		header.range[i].offset = -header.range[i].bytes;
		break;
	}
	i = 1 + header.count;
	memcpy(to, &header, 8 * i);
	return i;
}

/*
 * Make a packet in bus->scratch.
 * Return: the bytes that it takes, whatever its descriptor says
 */
static uint32_t make_packet(struct channel *channel, bool broken)
{
	static const uint16_t types[] = {
		PKT_INBAND, PKT_INBAND, PKT_COMPLETION, PKT_GPA_DIRECT,
		PKT_XFER_PAGES, 0, 1, 2, 3, 4, 5, 8, 10, 12, 13, 14,
	};
	uint8_t *to = channel->bus->scratch;
	uint32_t body = pick(channel, 16) ? pick(channel, 33) * 8 :
					    pick(channel, 257) * 8;
	uint32_t room = channel->tx.size / 4;
	struct descriptor d = { .offset8 = 2 };
	uint64_t trailer = (uint64_t)channel->tx.index << 32, any;
	uint32_t i;

	if (body > room)
		body = room & ~7u;
	d.len8 = 2 + body / 8;
	d.type = types[pick(channel, ARRAY_SIZE(types))];
	d.flags = pick(channel, 4) ? pick(channel, 2) : pick(channel, 65536);
	d.trans = odd_trans(channel);
	channel->garble_last_trans = d.trans;
	if (!pick(channel, 16))
		d.type = pick(channel, 65536);
	if (body && !pick(channel, 3))
		d.offset8 += pick(channel, body / 8 + 1);

	for (i = 0; i < body; i += 8) {
		any = random_next(&channel->garble_state);
		/* Small numbers are taken for counts and lengths. */
		if (i < 32 && any & 1)
			any &= 0x0000001f0000001full;
		memcpy(to + sizeof(d) + i, &any, sizeof(any));
	}
	if (d.type == PKT_XFER_PAGES && body >= 16 && !pick(channel, 4))
		d.offset8 = 2 + put_ranges(channel, to + sizeof(d), body / 8);
	/* One that looks right until its checksum. */
	if (body >= 24 && !pick(channel, 8))
		traffic_fill(to + d.offset8 * 8u,
			     body + 16 - d.offset8 * 8u >= 24 ?
			     body + 16 - d.offset8 * 8u : 0, any);
	if (!pick(channel, 16))
		trailer = random_next(&channel->garble_state);

	if (broken) {
		switch (pick(channel, 7)) {
		case 0:
			d.len8 = pick(channel, 2);
			break;
		case 1:
			d.len8 = 0xffff;
			break;
		case 2:
			d.len8 += 1 + pick(channel, 64);
			break;
		case 3:
			d.len8 = pick(channel, 65536);
			break;
		case 4:
			d.offset8 = pick(channel, 2);
			break;
		case 5:
			d.offset8 = d.len8 + 1 + pick(channel, 16);
			break;
		default:
			d.offset8 = 0xffff;
			break;
		}
	}
	memcpy(to, &d, sizeof(d));
	memcpy(to + sizeof(d) + body, &trailer, sizeof(trailer));
	return sizeof(d) + body + sizeof(trailer);
}

/*
 * If the mutation is a completion for a request that has none yet, the guest
 * cannot tell it from the right one, which is stale when it comes.
 */
static void mark_answered(struct channel *channel)
{
	struct pending_packet *pending = channel->pending;
	struct descriptor d;

	memcpy(&d, channel->bus->scratch, sizeof(d));
	if (d.type != PKT_COMPLETION)
		return;
	while (pending && (pending->answered || pending->desc.trans != d.trans))
		pending = pending->next;
	if (!pending)
		return;
	pending->answered = true;
	channel->count.garble_answers += d.len8 > d.offset8;
}

/* Return: false if there is no room */
static bool put_packet(struct channel *channel, bool broken, bool *signal_due)
{
	struct ring *ring = &channel->tx;
	/* If there is no room, the same packet is made again later. */
	uint64_t state = channel->garble_state;
	uint64_t last = channel->garble_last_trans;
	uint32_t total = make_packet(channel, broken), space;
	bool silent = channel->behaviour.mutate & GARBLE_SIGNALS &&
		      !pick(channel, 16);

	if (free_bytes(ring, &space) != RING_OK || space <= total) {
		channel->garble_state = state;
		channel->garble_last_trans = last;
		return false;
	}
	if (!broken)
		mark_answered(channel);
	ring_store(ring, ring->index, channel->bus->scratch, total);
	if (!ring_publish(ring, (ring->index + total) % ring->size))
		return true;
	if (silent)
		*signal_due = true;
	else
		channel_signal_guest(channel);
	return true;
}

static void put_index(struct channel *channel)
{
	struct ring *ring = &channel->tx;
	uint32_t index = ring->index;

	if (pick(channel, 4)) {
		ring_publish(ring, odd_index(channel, ring));
		ring->index = index;
	} else {
		ring = &channel->rx;
		__atomic_store_n(&ring->header->read_index,
				 odd_index(channel, ring), __ATOMIC_RELEASE);
	}
	channel_signal_guest(channel);
	channel->garble_until = vm_now(channel->bus->vm) + INDEX_STANDS;
}

/**
 * garble_waits() - whether an odd index stands; if it has for long enough it is
 * set right
 */
bool garble_waits(struct channel *channel, uint64_t now)
{
	struct ring *tx = &channel->tx, *rx = &channel->rx;

	if (!channel->garble_until)
		return false;
	if (channel->garble_until > now) {
		if (channel->garble_until < channel->due)
			channel->due = channel->garble_until;
		return true;
	}
	channel->garble_until = 0;
	ring_publish(tx, tx->index);
	__atomic_store_n(&rx->header->read_index, rx->index, __ATOMIC_RELEASE);
	channel_signal_guest(channel);
	return false;
}

static void put_message(struct channel *channel)
{
	struct vmbus *bus = channel->bus;
	uint64_t any = random_next(&channel->garble_state);
	union {
		struct msg_relid rescind;
		struct msg_open_result open;
		struct msg_gpadl_created created;
		struct msg_gpadl_torndown torndown;
	} msg;
	uint32_t relid;

	memset(&msg, 0, sizeof(msg));
	/* One that no channel has. */
	relid = VMBUS_RELIDS - 1 - any % 64;
	while (channel_find(bus, relid))
		relid--;
	switch (pick(channel, 4)) {
	case 0:
		msg.rescind.relid = relid;
		bus_send(bus, &msg, MSG_RESCIND, sizeof(msg.rescind));
		break;
	case 1:
		msg.open.relid = any >> 32;
		msg.open.open_id = any;
		msg.open.status = any >> 16;
		bus_send(bus, &msg, MSG_OPEN_RESULT, sizeof(msg.open));
		break;
	case 2:
		msg.created.relid = relid;
		msg.created.gpadl = any;
		msg.created.status = any >> 32;
		bus_send(bus, &msg, MSG_GPADL_CREATED, sizeof(msg.created));
		break;
	default:
		/* The handles that Linux uses begin at 0xe1e10. */
		msg.torndown.gpadl = any | 0x80000000u;
		bus_send(bus, &msg, MSG_GPADL_TORNDOWN, sizeof(msg.torndown));
		break;
	}
	channel->count.garble_messages++;
}

/* One of the kinds in @kinds, which is not empty. */
static uint32_t pick_kind(struct channel *channel, uint32_t kinds)
{
	uint32_t kind;

	do {
		kind = 1u << pick(channel, 5);
	} while (!(kinds & kind));
	return kind;
}

static bool mutations_left(const struct channel *channel)
{
	return channel->source_sent < channel->behaviour.count;
}

/**
 * garble_request() - note a packet that wants a completion
 * Return: false if no mutations are left that could use its id
 */
bool garble_request(struct channel *channel, uint64_t trans)
{
	channel->garble_ids[channel->garble_requests++ % GARBLE_IDS] = trans;
	return mutations_left(channel);
}

/**
 * garble_work() - write as many mutations as there is room for
 */
void garble_work(struct channel *channel)
{
	const uint32_t harmless = GARBLE_FIELDS | GARBLE_SIGNALS;
	const struct behaviour *b = &channel->behaviour;
	bool signal_due = false, room = true;
	unsigned int n;

	for (n = 0; room && !channel->garble_until && n < BATCH; n++) {
		uint64_t state = channel->garble_state;
		uint32_t kinds = b->mutate, kind;

		if (!mutations_left(channel))
			break;
		channel->tainted = true;
		if (kinds & harmless && kinds & ~harmless)
			kinds &= pick(channel, b->rare) ? harmless : ~harmless;
		kind = pick_kind(channel, kinds);
		/* A signal without data, now and then: each is an interrupt. */
		if (kind == GARBLE_SIGNALS && kinds & GARBLE_FIELDS &&
		    pick(channel, 16))
			kind = GARBLE_FIELDS;
		switch (kind) {
		case GARBLE_FIELDS:
		case GARBLE_LENGTHS:
			room = put_packet(channel, kind == GARBLE_LENGTHS,
					  &signal_due);
			break;
		case GARBLE_INDICES:
			put_index(channel);
			break;
		case GARBLE_SIGNALS:
			channel_signal_guest(channel);
			break;
		case GARBLE_OFFERS:
			put_message(channel);
			break;
		}
		if (room) {
			channel->source_sent++;
			channel->count.garbled++;
		} else {
			channel->garble_state = state;
		}
	}
	/* The last data are not left without a signal. */
	if (signal_due)
		channel_signal_guest(channel);
	if (!room)
		channel->due = vm_now(channel->bus->vm) + LOOK_AGAIN;
	if (room && n == BATCH)
		channel->ready = true;
}

static bool garbles_offers(const struct channel *channel)
{
	return channel->behaviour.kind == BEHAVE_GARBLE &&
	       channel->behaviour.mutate & GARBLE_OFFERS && mutations_left(channel);
}

/**
 * garble_offer() - odd contents for an offer, if that is what is wanted
 */
void garble_offer(struct channel *channel, struct msg_offer *offer)
{
	size_t i;

	if (!garbles_offers(channel))
		return;
	for (i = 0; i < sizeof(offer->user); i++)
		offer->user[i] = random_next(&channel->garble_state);
	offer->mmio_mib = random_next(&channel->garble_state);
	offer->reserved1 = random_next(&channel->garble_state);
	offer->reserved2 = random_next(&channel->garble_state);
	offer->reserved3 = random_next(&channel->garble_state);
	channel->count.garble_offers++;
}

/**
 * garble_open_result() - results for nobody before the real one
 */
void garble_open_result(struct channel *channel, struct msg_open_result *msg)
{
	struct msg_open_result wrong = *msg;

	if (!garbles_offers(channel))
		return;
	wrong.open_id = ~msg->open_id;
	wrong.status = random_next(&channel->garble_state);
	bus_send(channel->bus, &wrong, MSG_OPEN_RESULT, sizeof(wrong));
	wrong = *msg;
	wrong.relid = ~msg->relid;
	bus_send(channel->bus, &wrong, MSG_OPEN_RESULT, sizeof(wrong));
	channel->count.garble_results++;
}
