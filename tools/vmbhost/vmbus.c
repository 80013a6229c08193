// SPDX-License-Identifier: GPL-2.0
/*
 * The VMBus control protocol: what the guest posts, and the connection. Offers
 * and channels are in channel.c, GPADLs in gpadl.c.
 *
 * Versions 3.0, 4.0, 4.1 and 5.0 to 5.3 are spoken. From 5.0 on the guest posts
 * InitiateContact to another connection than before (an older host does not
 * have it), names the interrupt source for the replies, and is told where to
 * post everything else. Before 4.0 it has to tear down a channel's GPADLs before
 * it closes the channel: see channel_on_close().
 *
 * A message is at most 240 bytes, was copied out of guest memory by the machine
 * and is as long as the guest says: each length is checked here.
 *
 * Serialised by vm->lock.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "control.h"
#include "packets.h"

static const uint32_t versions[] = {
	VMBUS_VERSION(3, 0), VMBUS_VERSION(4, 0), VMBUS_VERSION(4, 1),
	VMBUS_VERSION(5, 0), VMBUS_VERSION(5, 1), VMBUS_VERSION(5, 2),
	VMBUS_VERSION(5, 3),
};

#define NEWEST	versions[ARRAY_SIZE(versions) - 1]

static bool known_version(const struct vmbus *bus, uint32_t version)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(versions); i++)
		if (versions[i] == version)
			return version <= bus->newest;
	return false;
}

static void disconnect(struct vmbus *bus)
{
	channel_reset_all(bus);
	bus->connected = false;
	bus->requested = false;
}

static void on_contact(struct vmbus *bus, uint32_t connection,
		       const struct msg_contact *msg)
{
	bool modern = msg->version >= VMBUS_VERSION(5, 0);
	struct msg_version reply = { 0 };
	int i;

	disconnect(bus);
	if (msg->vp >= vm_cpus(bus->vm)) {
		bus_error(bus, NULL, "contact for processor %u", msg->vp);
		return;
	}
	if (modern && (msg->sint < 1 || msg->sint > 15 || msg->vtl)) {
		bus_error(bus, NULL, "contact for source %u of VTL %u",
			  msg->sint, msg->vtl);
		return;
	}
	if (connection != (modern ? VMBUS_CONNECTION_NEW :
				     VMBUS_CONNECTION_OLD))
		bus_error(bus, NULL, "contact for version %#x on connection %u",
			  msg->version, connection);

	bus->vp = msg->vp;
	bus->sint = modern ? msg->sint : VMBUS_SINT;
	if (known_version(bus, msg->version)) {
		for (i = 0; i < 2; i++) {
			bus->monitor_page[i] = msg->monitor_page[i];
			if (msg->monitor_page[i] % VMBUS_PAGE ||
			    !guest_memory(bus->vm, msg->monitor_page[i],
					  VMBUS_PAGE)) {
				bus->monitor_page[i] = UINT64_MAX;
				bus_error(bus, NULL, "monitor page at %#llx",
					  (unsigned long long)
					  msg->monitor_page[i]);
			}
		}
		bus->version = msg->version;
		bus->connected = true;
		bus->connection = modern ? VMBUS_CONNECTION_NEW :
					   VMBUS_CONNECTION_OLD;
		reply.supported = 1;
		reply.connection = bus->connection;
	}
	bus_send(bus, &reply, MSG_VERSION_RESPONSE, sizeof(reply));
}

static void on_request_offers(struct vmbus *bus)
{
	struct msg_header reply;

	if (bus->requested) {
		bus_error(bus, NULL, "offers requested again");
		return;
	}
	bus->requested = true;
	channel_offer_all(bus);
	bus_send(bus, &reply, MSG_ALL_OFFERS, sizeof(reply));
}

static void on_unload(struct vmbus *bus)
{
	struct msg_header reply;

	bus->unloads++;
	disconnect(bus);
	bus_send(bus, &reply, MSG_UNLOAD_RESPONSE, sizeof(reply));
}

/* Bytes that a message has at least; 0: the guest does not send it. */
static const uint8_t least[MSG_COUNT] = {
	[MSG_REQUEST_OFFERS]	= sizeof(struct msg_header),
	[MSG_OPEN]		= sizeof(struct msg_open),
	[MSG_CLOSE]		= sizeof(struct msg_relid),
	[MSG_GPADL_HEADER]	= sizeof(struct msg_gpadl_header),
	[MSG_GPADL_BODY]	= sizeof(struct msg_gpadl_body),
	[MSG_GPADL_TEARDOWN]	= sizeof(struct msg_gpadl_teardown),
	[MSG_RELID_RELEASED]	= sizeof(struct msg_relid),
	[MSG_INITIATE_CONTACT]	= sizeof(struct msg_contact),
	[MSG_UNLOAD]		= sizeof(struct msg_header),
	[MSG_TL_CONNECT]	= sizeof(struct msg_header) + 32,
	[MSG_MODIFY]		= sizeof(struct msg_modify),
};

/* Messages that the guest cannot post, since that was asked for. */
static bool not_taken(struct vmbus *bus, uint32_t type)
{
	switch (type) {
	case MSG_GPADL_BODY:
		return answer_refuse(bus, ANSWER_BODY);
	case MSG_GPADL_TEARDOWN:
		return answer_refuse(bus, ANSWER_TEARDOWN);
	case MSG_CLOSE:
		return answer_refuse(bus, ANSWER_CLOSE);
	default:
		return false;
	}
}

static void dispatch(struct vmbus *bus, uint32_t type, const void *payload,
		     size_t length)
{
	const struct msg_relid *relid = payload;

	switch (type) {
	case MSG_REQUEST_OFFERS:
		on_request_offers(bus);
		break;
	case MSG_OPEN:
		channel_on_open(bus, payload);
		break;
	case MSG_CLOSE:
		channel_on_close(bus, relid->relid);
		break;
	case MSG_GPADL_HEADER:
		gpadl_on_header(bus, payload, length);
		break;
	case MSG_GPADL_BODY:
		gpadl_on_body(bus, payload, length);
		break;
	case MSG_GPADL_TEARDOWN:
		channel_on_teardown(bus, payload);
		break;
	case MSG_RELID_RELEASED:
		channel_on_released(bus, relid->relid);
		break;
	case MSG_MODIFY:
		channel_on_modify(bus, payload);
		break;
	case MSG_UNLOAD:
		on_unload(bus);
		break;
	case MSG_TL_CONNECT:
		/* No service listens here, and nobody is told so. */
		break;
	}
}

uint16_t vmbus_post_message(struct vmbus *bus, uint32_t connection,
			    uint32_t type, const void *payload, size_t length)
{
	struct msg_header header;

	/* A host before 5.0 does not have the newer connection. */
	if (connection != VMBUS_CONNECTION_OLD &&
	    (connection != VMBUS_CONNECTION_NEW ||
	     bus->newest < VMBUS_VERSION(5, 0)))
		return HV_STATUS_INVALID_CONNECTION_ID;

	bus->messages++;
	if (type != VMBUS_MESSAGE_TYPE || length < sizeof(header) ||
	    length > VMBUS_MESSAGE_MAX) {
		bus_error(bus, NULL, "message of type %u and %zu bytes", type,
			  length);
		return HV_STATUS_INVALID_PARAMETER;
	}
	memcpy(&header, payload, sizeof(header));
	if (header.type >= MSG_COUNT || !least[header.type] ||
	    length < least[header.type]) {
		bus_error(bus, NULL, "control message %u of %zu bytes",
			  header.type, length);
		return HV_STATUS_SUCCESS;
	}
	if (not_taken(bus, header.type))
		return HV_STATUS_INVALID_PARAMETER;
	if (header.type == MSG_INITIATE_CONTACT) {
		on_contact(bus, connection, payload);
	} else if (!bus->connected && header.type != MSG_UNLOAD) {
		bus_error(bus, NULL, "control message %u without a connection",
			  header.type);
	} else {
		if (bus->connected && connection != bus->connection)
			bus_error(bus, NULL, "control message %u on connection %u",
				  header.type, connection);
		dispatch(bus, header.type, payload, length);
	}
	vm_wake_at(bus->vm, vm_now(bus->vm));
	return HV_STATUS_SUCCESS;
}

uint16_t vmbus_signal_event(struct vmbus *bus, uint32_t connection,
			    uint16_t flag)
{
	struct channel *channel;

	if (connection <= CONNECTION_BASE ||
	    connection - CONNECTION_BASE >= VMBUS_RELIDS || flag) {
		bus_error(bus, NULL, "signal on connection %#x, flag %u",
			  connection, flag);
		return HV_STATUS_INVALID_CONNECTION_ID;
	}
	channel = channel_find(bus, connection - CONNECTION_BASE);
	/* It may have been released while another processor was about to. */
	if (!channel)
		return HV_STATUS_INVALID_CONNECTION_ID;
	behaviour_signal(channel);
	vm_wake_at(bus->vm, vm_now(bus->vm));
	return HV_STATUS_SUCCESS;
}

void vmbus_work(struct vmbus *bus)
{
	uint64_t now = vm_now(bus->vm), next = NEVER, when;
	unsigned int i;

	scenario_run(bus, now);
	for (i = 0; i < bus->channel_count && !bus->urgent; i++) {
		struct channel *channel = bus->channels[i];

		if (channel->state != CHANNEL_OPEN)
			continue;
		if (channel->monitored) {
			when = monitor_look(channel);
			next = when < next ? when : next;
		}
		if (channel->ready || channel->due <= now)
			behaviour_work(channel);
	}

	when = bus->urgent ? now : event_next(bus);
	next = when < next ? when : next;
	bus->urgent = false;
	for (i = 0; i < bus->channel_count; i++) {
		const struct channel *channel = bus->channels[i];

		if (channel->state != CHANNEL_OPEN)
			continue;
		if (channel->ready)
			next = now;
		else if (channel->due < next)
			next = channel->due;
	}
	if (next != NEVER)
		vm_wake_at(bus->vm, next);
}

void vmbus_disconnect(struct vmbus *bus)
{
	bus->restarts++;
	disconnect(bus);
}

struct vmbus *vmbus_new(struct vm *vm)
{
	struct vmbus *bus = calloc(1, sizeof(*bus));

	if (!bus)
		return NULL;
	bus->vm = vm;
	bus->newest = NEWEST;
	bus->sint = VMBUS_SINT;
	bus->seed = 1;
	bus->withheld_end = &bus->withheld;
	bus->rules_end = &bus->rules;
	return bus;
}

void vmbus_free(struct vmbus *bus)
{
	unsigned int i;

	if (!bus)
		return;
	/* The guest's memory is gone. */
	bus->freeing = true;
	channel_reset_all(bus);
	event_free_all(bus);
	for (i = 0; i < bus->channel_count; i++) {
		behaviour_forget(bus->channels[i]);
		free(bus->channels[i]->outstanding);
		free(bus->channels[i]);
	}
	free(bus);
}

static int set_protocol(struct vmbus *bus, const char *value)
{
	unsigned int major, minor;
	uint32_t version;
	char rest;

	if (sscanf(value, "%u.%u%c", &major, &minor, &rest) != 2)
		return -1;
	version = VMBUS_VERSION(major, minor & 0xffff);
	bus->newest = NEWEST;
	if (!known_version(bus, version))
		return -1;
	bus->newest = version;
	return 0;
}

int vmbus_option(struct vmbus *bus, const char *name, const char *value)
{
	char reply[256] = "too long\n", line[CONTROL_LINE];
	char *end;

	if (!strcmp(name, "protocol")) {
		if (!set_protocol(bus, value))
			return 0;
		fprintf(stderr, "vmbhost: %s is none of the protocols 3.0, 4.0, 4.1, 5.0 to 5.3\n",
			value);
		return -1;
	}
	if (!strcmp(name, "seed")) {
		uint64_t old = bus->seed;
		unsigned int i;

		bus->seed = strtoull(value, &end, 0);
		/* For the offers that came before it, too. */
		for (i = 0; i < bus->channel_count; i++) {
			struct channel *channel = bus->channels[i];

			if (channel->behaviour.seed == old) {
				channel->behaviour.seed = bus->seed;
				channel->garble_state = bus->seed;
			}
		}
		if (*value && !*end)
			return 0;
		fprintf(stderr, "vmbhost: %s is no number\n", value);
		return -1;
	}
	if (!strcmp(name, "scenario"))
		return scenario_load(bus, value);
	if (!strcmp(name, "offer")) {
		/* A comma is as good as a blank, and needs no quotes. */
		int n = snprintf(line, sizeof(line), "add %s", value);

		for (end = line; (end = strchr(end, ',')); )
			*end = ' ';
		if (n < (int)sizeof(line) &&
		    !control_run(bus, line, reply, sizeof(reply)))
			return 0;
		fprintf(stderr, "vmbhost: offer %s: %s", value, reply);
		return -1;
	}
	fprintf(stderr, "vmbhost: the VMBus host has no option %s\n", name);
	return -1;
}
