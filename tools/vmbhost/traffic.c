// SPDX-License-Identifier: GPL-2.0
/*
 * What is in the packets: the header of drivers/clients/kmcl_traffic_proto.h,
 * by which either end can tell whether each packet arrived once, in order and
 * intact. A payload without its magic is foreign, and no error.
 *
 * The ranges of a GPA-direct packet, one after the other, are checked like a
 * payload: if they begin with the magic, checksum, length and pattern must be
 * right, and the sequence must be that of the packet.
 *
 * On a pipe a payload begins with the pipe's header, and what is checked is the
 * message behind it, which has exactly the length that it was sent with.
 *
 * Works on copies of guest memory. Serialised by vm->lock.
 */
#include <string.h>

#include "packets.h"

static uint32_t crc_table[256];

static void make_crc_table(void)
{
	uint32_t i, bit;

	for (i = 0; i < 256; i++) {
		uint32_t crc = i;

		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
		crc_table[i] = crc;
	}
}

/**
 * crc32() - zlib's CRC-32
 * @crc:	of what came before, 0 at the start
 */
uint32_t crc32(uint32_t crc, const void *data, size_t length)
{
	const uint8_t *p = data;

	if (!crc_table[1])
		make_crc_table();
	crc = ~crc;
	while (length--)
		crc = crc >> 8 ^ crc_table[(crc ^ *p++) & 0xff];
	return ~crc;
}

enum verdict {
	FOREIGN,
	INTACT,
	BAD_LENGTH,
	BAD_CHECKSUM,
	BAD_PATTERN,
};

/* @slack: bytes that may follow, the padding of a packet */
static enum verdict verify(const uint8_t *payload, uint32_t bytes,
			   uint32_t slack, uint64_t *sequence)
{
	struct kmcl_traffic_header header;
	uint32_t i;

	if (bytes < sizeof(header))
		return FOREIGN;
	memcpy(&header, payload, sizeof(header));
	if (header.magic != KMCL_TRAFFIC_MAGIC)
		return FOREIGN;
	*sequence = header.sequence;
	if (header.length < sizeof(header) || header.length > bytes ||
	    bytes - header.length > slack)
		return BAD_LENGTH;
	i = offsetof(struct kmcl_traffic_header, sequence);
	if (crc32(0, payload + i, header.length - i) != header.checksum)
		return BAD_CHECKSUM;
	for (i = sizeof(header); i < header.length; i++)
		if (payload[i] != (uint8_t)(header.sequence + i))
			return BAD_PATTERN;
	return INTACT;
}

/**
 * traffic_fill() - make a payload
 * @payload:	@bytes of it
 * Return: the bytes, at least those of the header
 */
uint32_t traffic_fill(uint8_t *payload, uint32_t bytes, uint64_t sequence)
{
	struct kmcl_traffic_header header = {
		.magic = KMCL_TRAFFIC_MAGIC, .sequence = sequence,
	};
	const uint32_t start = offsetof(struct kmcl_traffic_header, sequence);
	uint32_t i;

	if (bytes < sizeof(header))
		bytes = sizeof(header);
	header.length = bytes;
	memcpy(payload, &header, sizeof(header));
	for (i = sizeof(header); i < bytes; i++)
		payload[i] = (uint8_t)(sequence + i);
	header.checksum = crc32(0, payload + start, bytes - start);
	memcpy(payload, &header, sizeof(header));
	return bytes;
}

static bool test_and_set(struct sequence *s, uint64_t sequence)
{
	uint8_t *byte = &s->seen[sequence % SEQUENCE_WINDOW / 8];
	uint8_t bit = 1u << sequence % 8;
	bool was = *byte & bit;

	*byte |= bit;
	return was;
}

static void clear(struct sequence *s, uint64_t sequence)
{
	s->seen[sequence % SEQUENCE_WINDOW / 8] &= ~(1u << sequence % 8);
}

/* Once, and in order? */
static void check_sequence(struct channel *channel, uint64_t sequence)
{
	uint64_t sender = sequence >> KMCL_TRAFFIC_SENDER_SHIFT, skipped;
	struct sequence *s = &channel->rx_sequence[sender % KMCL_TRAFFIC_SENDERS];
	struct counters *count = &channel->count;

	sequence -= sender << KMCL_TRAFFIC_SENDER_SHIFT;
	if (sequence >= s->next) {
		skipped = sequence - s->next;
		count->rx_missing += skipped;
		if (skipped >= SEQUENCE_WINDOW)
			memset(s->seen, 0, sizeof(s->seen));
		else
			while (s->next < sequence)
				clear(s, s->next++);
		s->next = sequence;
		clear(s, s->next++);
		test_and_set(s, sequence);
	} else if (s->next - sequence > SEQUENCE_WINDOW ||
		   test_and_set(s, sequence)) {
		count->rx_duplicates++;
	} else {
		/* It was missing, and now it comes after a later one. */
		count->rx_order_errors++;
		count->rx_missing--;
	}
}

/**
 * traffic_gather() - copy what a packet's ranges describe, into the bus' scratch
 *
 * For traffic_check(), and before the guest has an answer: then its memory is its
 * own again. Nothing is counted, as the packet may be looked at once more.
 */
void traffic_gather(struct channel *channel, const struct packet *packet)
{
	struct vmbus *bus = channel->bus;
	struct gathered *g = &bus->gathered;
	const uint32_t size = sizeof(bus->scratch);
	uint32_t i, ranges, at = 8, total = 0;

	*g = (struct gathered){ .wrong = true };
	if (packet->header_bytes < 8)
		return;
	memcpy(&ranges, packet->header + 4, sizeof(ranges));
	for (i = 0; i < ranges; i++) {
		uint32_t bytes, offset;

		if (packet->header_bytes - at < 8)
			return;
		memcpy(&bytes, packet->header + at, sizeof(bytes));
		memcpy(&offset, packet->header + at + 4, sizeof(offset));
		at += 8;
		if (offset >= VMBUS_PAGE)
			return;
		g->ranges++;
		g->range_bytes += bytes;
		while (bytes) {
			uint32_t part = VMBUS_PAGE - offset;
			const uint8_t *page;
			uint64_t frame;

			if (part > bytes)
				part = bytes;
			if (packet->header_bytes - at < 8)
				return;
			memcpy(&frame, packet->header + at, sizeof(frame));
			at += 8;
			page = frame > UINT64_MAX / VMBUS_PAGE ? NULL :
			       guest_memory(bus->vm, frame * VMBUS_PAGE,
					    VMBUS_PAGE);
			if (!page)
				return;
			/* What is longer than a scratch buffer is foreign. */
			if (total + part <= size)
				memcpy(bus->scratch + total, page + offset, part);
			total += part;
			bytes -= part;
			offset = 0;
		}
	}
	if (at != packet->header_bytes)
		return;
	g->bytes = total <= size ? total : 0;
	g->wrong = false;
}

static void check_ranges(struct channel *channel, const struct packet *packet,
			 bool has_sequence, uint64_t wanted)
{
	struct vmbus *bus = channel->bus;
	const struct gathered *g = &bus->gathered;
	uint64_t sequence = 0;

	channel->count.gpa_ranges += g->ranges;
	channel->count.gpa_bytes += g->range_bytes;
	if (g->wrong)
		bus_error(bus, channel, "GPA-direct packet with %u bytes of ranges",
			  packet->header_bytes);
	switch (verify(bus->scratch, g->bytes, UINT32_MAX, &sequence)) {
	case FOREIGN:
		channel->count.gpa_foreign++;
		break;
	case INTACT:
		if (has_sequence && sequence != wanted)
			channel->count.gpa_checksum_errors++;
		break;
	default:
		channel->count.gpa_checksum_errors++;
		break;
	}
}

static bool is_pipe(const struct channel *channel)
{
	return channel->flags & OFFER_PIPE;
}

/**
 * traffic_make() - make a payload as this channel has it
 * @payload:	@bytes of it, and room for a pipe's header
 * Return: the bytes, with that header
 */
uint32_t traffic_make(const struct channel *channel, uint8_t *payload,
		      uint32_t bytes, uint64_t sequence)
{
	struct pipe_header header = { .type = PIPE_DATA };

	if (!is_pipe(channel))
		return traffic_fill(payload, bytes, sequence);
	header.bytes = traffic_fill(payload + sizeof(header), bytes, sequence);
	memcpy(payload, &header, sizeof(header));
	return sizeof(header) + header.bytes;
}

/*
 * The message in a packet on a pipe; it is padded to 8 bytes, and no more.
 * Return: false if it is something else, which no guest sends
 */
static bool pipe_message(struct channel *channel, const struct packet *packet,
			 const uint8_t **payload, uint32_t *bytes)
{
	struct pipe_header header = { 0 };

	if (*bytes >= sizeof(header))
		memcpy(&header, *payload, sizeof(header));
	if (packet->type == PKT_INBAND && !packet->flags &&
	    header.type == PIPE_DATA && header.bytes <= *bytes &&
	    sizeof(header) + ((header.bytes + 7) & ~7u) == *bytes) {
		*payload += sizeof(header);
		*bytes = header.bytes;
		return true;
	}
	bus_error(channel->bus, channel,
		  "packet of type %u, flags %#x, %u bytes on a pipe, with the header %u, %u",
		  packet->type, packet->flags, *bytes, header.type,
		  header.bytes);
	return false;
}

/**
 * traffic_check() - count a packet that the guest sent, and what is in it
 */
void traffic_check(struct channel *channel, const struct packet *packet)
{
	struct counters *count = &channel->count;
	const uint8_t *payload = packet->payload;
	uint32_t bytes = packet->payload_bytes, slack = 7;
	uint64_t sequence = 0;
	enum verdict verdict;

	count->rx_bytes += bytes;
	if (is_pipe(channel)) {
		if (!pipe_message(channel, packet, &payload, &bytes))
			return;
		slack = 0;
	}
	verdict = verify(payload, bytes, slack, &sequence);
	switch (verdict) {
	case FOREIGN:
		/* A completion need not have a payload. */
		if (packet->type != PKT_COMPLETION || packet->payload_bytes)
			count->rx_foreign++;
		break;
	case BAD_LENGTH:
		count->rx_length_errors++;
		break;
	case BAD_CHECKSUM:
		count->rx_checksum_errors++;
		break;
	case BAD_PATTERN:
		count->rx_pattern_errors++;
		break;
	case INTACT:
		/* A completion has the sequence of what it completes. */
		if (packet->type != PKT_COMPLETION)
			check_sequence(channel, sequence);
		break;
	}
	if (packet->type == PKT_GPA_DIRECT)
		check_ranges(channel, packet, verdict == INTACT, sequence);
}
