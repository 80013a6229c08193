// SPDX-License-Identifier: GPL-2.0
/*
 * The host of an integration service. When the channel is open it offers its
 * versions, and then it sends the requests of its service, each after the answer to
 * the last one. Until there is an answer it waits, however long that takes: what a
 * guest does that has hung up is for the test to see.
 *
 * An answer repeats the header of its request, with the flags of an answer, and is as
 * long as the request; anything else is a protocol error.
 *
 * On the worker's thread, serialised by vm->lock.
 */
#include <string.h>

#include "ic.h"

#define VERSIONS	2u

/* What a service has of its own. */
static const struct service {
	enum ic_type type;
	uint32_t version[VERSIONS];
	uint32_t (*make)(struct channel *channel, uint8_t *body);
	void (*answered)(struct channel *channel, const uint8_t *body,
			 uint32_t bytes);
} services[] = {
	[BEHAVE_HEARTBEAT] = {
		.type = IC_HEARTBEAT,
		.version = { IC_VERSION(3, 0), IC_VERSION(1, 0) },
		.make = heartbeat_make,
		.answered = heartbeat_answered,
	},
	[BEHAVE_FCOPY] = {
		.type = IC_FCOPY,
		.version = { IC_VERSION(1, 1), IC_VERSION(1, 0) },
		.make = fcopy_make,
		.answered = fcopy_answered,
	},
};

static const uint32_t frameworks[VERSIONS] = {
	IC_VERSION(3, 0), IC_VERSION(1, 0),
};

static const struct service *service_of(const struct channel *channel)
{
	return &services[channel->behaviour.kind];
}

/**
 * ic_speaks() - whether the channel's behaviour is that of such a service
 */
bool ic_speaks(const struct channel *channel)
{
	return channel->behaviour.kind < ARRAY_SIZE(services) &&
	       service_of(channel)->make;
}

/**
 * ic_behave() - what the service does begins anew, on the same connection
 */
void ic_behave(struct channel *channel)
{
	struct ic *ic = &channel->ic;

	fcopy_begin(channel);
	ic->done = 0;
	ic->refused = false;
	ic->due = vm_now(channel->bus->vm);
	if (ic->waits) {
		ic->due += channel->behaviour.delay;
		ic->stale = ic->negotiated;
	}
}

/**
 * ic_started() - the channel was opened
 */
void ic_started(struct channel *channel)
{
	channel->ic.negotiated = false;
	channel->ic.refused = false;
	channel->ic.waits = false;
	channel->ic.stale = false;
	channel->ic.done = 0;
	channel->ic.due = vm_now(channel->bus->vm);
	if (channel->ic.fcopy.step != FCOPY_DONE)
		fcopy_begin(channel);
}

static uint32_t make_negotiation(struct channel *channel, uint8_t *body)
{
	const struct behaviour *b = &channel->behaviour;
	struct ic_negotiate negotiate = {
		.frameworks = VERSIONS, .versions = VERSIONS,
	};
	uint32_t version[2 * VERSIONS];
	unsigned int i;

	memcpy(version, frameworks, sizeof(frameworks));
	memcpy(version + VERSIONS, service_of(channel)->version,
	       sizeof(service_of(channel)->version));
	/* Of a time when no guest of today is left */
	if (b->fault == FAULT_VERSIONS)
		for (i = 0; i < ARRAY_SIZE(version); i++)
			version[i] = IC_VERSION(900 + i, 0);
	if (b->fault == FAULT_COUNTS)
		memset(&negotiate, UINT8_MAX, sizeof(negotiate.frameworks) +
		       sizeof(negotiate.versions));
	memcpy(body, &negotiate, sizeof(negotiate));
	memcpy(body + sizeof(negotiate), version, sizeof(version));
	return sizeof(negotiate) + sizeof(version);
}

/* Whether it is one of those that were offered */
static bool offered(const uint32_t *list, uint32_t version)
{
	unsigned int i;

	for (i = 0; i < VERSIONS; i++)
		if (list[i] == version)
			return true;
	return false;
}

static void negotiated(struct channel *channel, const uint8_t *body,
		       uint32_t bytes)
{
	struct ic_negotiate negotiate;
	uint32_t version[2];
	struct ic *ic = &channel->ic;

	if (bytes < sizeof(negotiate) + sizeof(version)) {
		bus_error(channel->bus, channel,
			  "versions in a message of %u bytes", bytes);
		ic->refused = true;
		return;
	}
	memcpy(&negotiate, body, sizeof(negotiate));
	memcpy(version, body + sizeof(negotiate), sizeof(version));
	if (!negotiate.frameworks && !negotiate.versions) {
		ic->refused = true;
		channel->count.ic_refused++;
		return;
	}
	if (negotiate.frameworks != 1 || negotiate.versions != 1 ||
	    channel->behaviour.fault == FAULT_VERSIONS ||
	    channel->behaviour.fault == FAULT_COUNTS ||
	    !offered(frameworks, version[0]) ||
	    !offered(service_of(channel)->version, version[1])) {
		bus_error(channel->bus, channel,
			  "%u and %u versions chosen, the first %#x and %#x",
			  negotiate.frameworks, negotiate.versions, version[0],
			  version[1]);
		/* Once more would be no better. */
		ic->refused = true;
		return;
	}
	ic->negotiated = true;
	ic->framework = version[0];
	ic->version = version[1];
}

/* Make the next message in bus->scratch. Return: its bytes, 0 if there is none */
static uint32_t make(struct channel *channel, struct ic_header *header)
{
	const struct service *service = service_of(channel);
	struct ic *ic = &channel->ic;
	uint8_t *body = channel->bus->scratch + sizeof(struct pipe_header) +
			sizeof(*header);
	struct pipe_header pipe = { .type = PIPE_DATA };
	uint32_t bytes;

	*header = (struct ic_header){
		.transaction = ic->transaction + 1,
		.flags = IC_TRANSACTION | IC_REQUEST,
	};
	if (ic->negotiated) {
		header->type = channel->behaviour.fault == FAULT_TYPE ?
			       IC_UNKNOWN : service->type;
		header->framework = ic->framework;
		header->version = ic->version;
		bytes = service->make(channel, body);
	} else {
		header->type = IC_NEGOTIATE;
		bytes = make_negotiation(channel, body);
	}
	if (!bytes)
		return 0;
	header->bytes = bytes;
	pipe.bytes = sizeof(*header) + bytes;
	memcpy(body - sizeof(*header), header, sizeof(*header));
	memcpy(channel->bus->scratch, &pipe, sizeof(pipe));
	return sizeof(pipe) + pipe.bytes;
}

/**
 * ic_work() - send the next request, if it is time
 * Return: when to look again without a packet of the guest; NEVER
 */
uint64_t ic_work(struct channel *channel, uint64_t now)
{
	const struct descriptor desc = { .type = PKT_INBAND };
	struct ic *ic = &channel->ic;
	struct ic_header header;
	uint32_t bytes;

	if (ic->refused)
		return NEVER;
	if (ic->due > now)
		return ic->due;
	if (ic->waits) {
		if (channel->behaviour.kind != BEHAVE_HEARTBEAT ||
		    !channel->behaviour.delay)
			return NEVER;
		channel->count.ic_missed++;
		ic->due += channel->behaviour.delay;
		return ic->due;
	}
	bytes = make(channel, &header);
	/* When there is room the guest signals */
	if (!bytes || channel_write(channel, &desc, channel->bus->scratch,
				    bytes) != RING_OK)
		return NEVER;
	ic->transaction = header.transaction;
	ic->sent.framework = header.framework;
	ic->sent.version = header.version;
	ic->sent.type = header.type;
	ic->sent.bytes = header.bytes;
	ic->waits = true;
	ic->due = now + channel->behaviour.delay;
	channel->count.ic_requests++;
	return channel->behaviour.kind == BEHAVE_HEARTBEAT ? ic->due : NEVER;
}

/* Whether this is the answer to what was sent last */
static bool answers(struct channel *channel, const struct packet *packet,
		    const struct ic_header *header)
{
	const struct ic *ic = &channel->ic;
	struct pipe_header pipe = { 0 };
	uint32_t bytes = sizeof(*header) + ic->sent.bytes;

	if (packet->payload_bytes >= sizeof(pipe))
		memcpy(&pipe, packet->payload, sizeof(pipe));
	return ic->waits && packet->type == PKT_INBAND &&
	       !packet->flags && pipe.type == PIPE_DATA &&
	       pipe.bytes == bytes &&
	       packet->payload_bytes == sizeof(pipe) + ((bytes + 7) & ~7u) &&
	       header->flags == (IC_TRANSACTION | IC_RESPONSE) &&
	       header->type == ic->sent.type &&
	       header->transaction == ic->transaction &&
	       header->framework == ic->sent.framework &&
	       header->version == ic->sent.version &&
	       header->bytes <= ic->sent.bytes;
}

/**
 * ic_receive() - a packet of the guest
 */
void ic_receive(struct channel *channel, const struct packet *packet)
{
	const uint8_t *body = packet->payload + sizeof(struct pipe_header) +
			      sizeof(struct ic_header);
	struct ic_header header = { 0 };

	channel->count.rx_bytes += packet->payload_bytes;
	if (packet->payload_bytes >= sizeof(struct pipe_header) + sizeof(header))
		memcpy(&header, body - sizeof(header), sizeof(header));
	if (!answers(channel, packet, &header)) {
		bus_error(channel->bus, channel,
			  "packet of %u bytes, type %u, flags %#x, is no answer: message %u, transaction %u, flags %#x, %u bytes",
			  packet->payload_bytes, packet->type, packet->flags,
			  header.type, header.transaction, header.flags,
			  header.bytes);
		return;
	}
	channel->ic.waits = false;
	channel->ic.status = header.status;
	channel->count.ic_answers++;
	if (channel->ic.stale)
		channel->ic.stale = false;
	else if (header.type == IC_NEGOTIATE)
		negotiated(channel, body, header.bytes);
	else if (header.type == IC_UNKNOWN)
		channel->ic.refused = true;
	else
		service_of(channel)->answered(channel, body, header.bytes);
	channel->ready = true;
}
