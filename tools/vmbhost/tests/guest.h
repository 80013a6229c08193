/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A guest for the tests of the VMBus host: an array is its memory, and these
 * functions do what its drivers would. It stands in for the machine, too: time
 * stands still until a test moves it, and the worker runs when a test says so.
 *
 * One thread.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdlib.h>
#include <string.h>

#include "../packets.h"
#include "test.h"

#define CPUS		2u
#define PAGES		64u
#define MESSAGES	600u
#define CLASS		"11112222-3333-4444-5555-666677778888"

/* Each ring of the channel under test: a control page and three of data. */
#define RING_PAGES	4u
#define RING_BYTES	((RING_PAGES - 1) * VMBUS_PAGE)

struct message {
	size_t length;
	uint8_t payload[VMBUS_MESSAGE_MAX];
};

static uint8_t memory[PAGES * VMBUS_PAGE] __attribute__((aligned(VMBUS_PAGE)));
static uint64_t now, wake = NEVER;
static int stopped = -1;
static bool started_again;
static char typed[64];
static struct message inbox[MESSAGES];
static unsigned int inbox_count, interrupts, last_vcpu, last_flag, last_sint;
static struct vmbus *bus;
static uint32_t connection, next_handle = 0xe1e10;

void *guest_memory(struct vm *vm, uint64_t gpa, uint64_t length)
{
	(void)vm;
	return gpa < sizeof(memory) && length <= sizeof(memory) - gpa ?
	       memory + gpa : NULL;
}

uint64_t vm_now(struct vm *vm)
{
	(void)vm;
	return now;
}

void vm_wake_at(struct vm *vm, uint64_t when)
{
	(void)vm;
	if (when < wake)
		wake = when;
}

void vm_stop(struct vm *vm, int status)
{
	(void)vm;
	stopped = status;
}

void vm_start_again(struct vm *vm)
{
	(void)vm;
	started_again = true;
}

int vm_type(struct vm *vm, const char *bytes, size_t length)
{
	(void)vm;
	if (length >= sizeof(typed) - strlen(typed))
		return -1;
	strncat(typed, bytes, length);
	return 0;
}

unsigned int vm_cpus(struct vm *vm)
{
	(void)vm;
	return CPUS;
}

int synic_post_message(struct vm *vm, unsigned int vcpu, unsigned int sint,
		       uint32_t type, const void *payload, size_t length)
{
	(void)vm;
	if (inbox_count == MESSAGES || length > VMBUS_MESSAGE_MAX)
		abort();
	assert_true(vcpu < CPUS && sint < 16 && type == VMBUS_MESSAGE_TYPE);
	last_sint = sint;
	inbox[inbox_count].length = length;
	memcpy(inbox[inbox_count++].payload, payload, length);
	return 0;
}

int synic_signal_event(struct vm *vm, unsigned int vcpu, unsigned int sint,
		       unsigned int flag)
{
	(void)vm;
	assert_true(vcpu < CPUS && sint < 16 && flag < VMBUS_RELIDS);
	last_sint = sint;
	interrupts++;
	last_vcpu = vcpu;
	last_flag = flag;
	return 0;
}

/* Let the worker work until there is nothing to do at this time. */
static inline void work(void)
{
	unsigned int limit = 1000000;

	while (wake <= now && --limit) {
		wake = NEVER;
		vmbus_work(bus);
	}
	assert_true(limit);
}

static inline void sleep_ns(uint64_t ns)
{
	uint64_t end = now + ns;

	work();
	while (wake <= end) {
		now = wake;
		work();
	}
	now = end;
}

static inline uint16_t post(const void *message, size_t length)
{
	/* Exactly as long as it says, for the address sanitizer. */
	void *copy = malloc(length ? length : 1);
	uint16_t status;

	memcpy(copy, message, length);
	status = vmbus_post_message(bus, connection, VMBUS_MESSAGE_TYPE, copy,
				    length);
	free(copy);
	return status;
}

#define POST(kind, structure, ...) do {					\
	struct structure message_ = { .h.type = kind, __VA_ARGS__ };	\
	assert_true(post(&message_, sizeof(message_)) == HV_STATUS_SUCCESS);	\
} while (0)

/* The last message of the host of this type since the inbox was emptied. */
static inline const void *received(uint32_t type)
{
	unsigned int i = inbox_count;
	uint32_t is;

	while (i--) {
		memcpy(&is, inbox[i].payload, sizeof(is));
		if (is == type)
			return inbox[i].payload;
	}
	return NULL;
}

static inline unsigned int received_count(uint32_t type)
{
	unsigned int i, count = 0;
	uint32_t is;

	for (i = 0; i < inbox_count; i++) {
		memcpy(&is, inbox[i].payload, sizeof(is));
		count += is == type;
	}
	return count;
}

/* A command of the control language; the answer stays until the next one. */
static inline const char *command(const char *line)
{
	static char answer[CONTROL_REPLY];
	size_t i = 0;

	work();
	while (*line)
		vmbus_control_write(bus, *line++);
	vmbus_control_write(bus, '\n');
	do {
		answer[i] = vmbus_control_read(bus);
	} while (answer[i++]);
	work();
	return answer;
}

static inline bool did(const char *line)
{
	return !strncmp(command(line), "ok", 2);
}

/* A value that "stats" prints. */
static inline long long stat_of(const char *line, const char *name)
{
	const char *at = command(line);
	size_t length = strlen(name);

	for (; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (!strncmp(at, name, length) && at[length] == ' ')
			return atoll(at + length + 1);
	}
	return -1;
}

static inline void start(void)
{
	memset(memory, 0, sizeof(memory));
	now = 1000;
	wake = NEVER;
	stopped = -1;
	inbox_count = 0;
	interrupts = 0;
	typed[0] = 0;
	bus = vmbus_new(NULL);
	if (!bus)
		abort();
	bus->quiet = true;
}

static inline void end(void)
{
	vmbus_free(bus);
	bus = NULL;
}

static inline bool contact(unsigned int major, unsigned int minor)
{
	const struct msg_version *reply;

	connection = major >= 5 ? VMBUS_CONNECTION_NEW : VMBUS_CONNECTION_OLD;
	inbox_count = 0;
	POST(MSG_INITIATE_CONTACT, msg_contact,
	     .version = VMBUS_VERSION(major, minor),
	     .interrupt_page = major >= 5 ? VMBUS_SINT : VMBUS_PAGE,
	     .monitor_page = { 2 * VMBUS_PAGE, 3 * VMBUS_PAGE });
	reply = received(MSG_VERSION_RESPONSE);
	if (!reply || !reply->supported)
		return false;
	if (major >= 5)
		connection = reply->connection;
	return true;
}

/* Offers requested. */
static inline void connect(void)
{
	struct msg_header request = { .type = MSG_REQUEST_OFFERS };

	assert_true(contact(5, 3));
	assert_true(!post(&request, sizeof(request)));
	work();
}

/* The guest's end of a channel. */
struct endpoint {
	uint32_t relid, handle, connection;
	uint8_t *page[2 * RING_PAGES];
	uint32_t write, read;	/* our indices */
};

static inline struct ring_header *tx_header(const struct endpoint *e)
{
	return (struct ring_header *)e->page[0];
}

static inline struct ring_header *rx_header(const struct endpoint *e)
{
	return (struct ring_header *)e->page[RING_PAGES];
}

static inline uint32_t make_gpadl(uint32_t relid, const uint8_t *frame,
				  unsigned int count)
{
	struct {
		struct msg_gpadl_header m;
		uint32_t bytes, offset;
		uint64_t frame[26];
	} __attribute__((packed)) header = {
		.m.h.type = MSG_GPADL_HEADER, .m.relid = relid,
		.m.gpadl = next_handle++, .m.ranges = 1,
		.m.range_bytes = 8 + 8 * count, .bytes = count * VMBUS_PAGE,
	};
	unsigned int i;

	for (i = 0; i < count; i++)
		header.frame[i] = frame[i];
	post(&header, sizeof(header.m) + header.m.range_bytes);
	return header.m.gpadl;
}

/* The pages of the rings, last first, so that nothing is contiguous. */
static inline void take_offer(struct endpoint *e)
{
	const struct msg_offer *offer = received(MSG_OFFER);
	uint8_t frame[2 * RING_PAGES];
	unsigned int i;

	assert_true(offer);
	memset(e, 0, sizeof(*e));
	e->relid = offer->relid;
	e->connection = offer->connection;
	for (i = 0; i < 2 * RING_PAGES; i++) {
		frame[i] = 40 - 2 * i;
		e->page[i] = memory + frame[i] * VMBUS_PAGE;
		memset(e->page[i], 0, VMBUS_PAGE);
	}
	tx_header(e)->features = 1;
	rx_header(e)->features = 1;
	e->handle = make_gpadl(e->relid, frame, 2 * RING_PAGES);
}

static inline void post_open(struct endpoint *e)
{
	POST(MSG_OPEN, msg_open, .relid = e->relid, .open_id = 77,
	     .gpadl = e->handle, .vp = 1, .downstream_page = RING_PAGES);
}

/* Open the channel that was offered last. */
static inline void open_channel(struct endpoint *e)
{
	const struct msg_open_result *result;

	take_offer(e);
	post_open(e);
	result = received(MSG_OPEN_RESULT);
	assert_true(result && !result->status && result->relid == e->relid &&
		    result->open_id == 77);
	work();
}

/* A host with one offer of that behaviour, and its channel open */
static inline void begin_with(struct endpoint *e, const char *behaviour)
{
	char line[200];

	start();
	snprintf(line, sizeof(line), "add " CLASS " %s", behaviour);
	assert_true(did(line));
	connect();
	open_channel(e);
	interrupts = 0;
}

/* One of the host's counters of that offer */
static inline long long count(const char *name)
{
	return stat_of("stats 0", name);
}

static inline void close_channel(struct endpoint *e)
{
	POST(MSG_CLOSE, msg_relid, .relid = e->relid);
	POST(MSG_GPADL_TEARDOWN, msg_gpadl_teardown, .relid = e->relid,
	     .gpadl = e->handle);
}

static inline uint8_t *ring_byte(const struct endpoint *e, unsigned int first,
				 uint32_t index)
{
	index %= RING_BYTES;
	return e->page[first + 1 + index / VMBUS_PAGE] + index % VMBUS_PAGE;
}

/* Put a packet into the ring by the book. Return: false if it is full. */
static inline bool send_packet(struct endpoint *e, uint16_t type,
			       uint16_t flags, uint64_t trans,
			       const void *payload, uint32_t bytes)
{
	uint32_t body = (bytes + 7) & ~7u, i, old = e->write;
	uint32_t used = (e->write + RING_BYTES - tx_header(e)->read_index) %
			RING_BYTES;
	struct descriptor d = { .type = type, .flags = flags, .trans = trans,
				.offset8 = 2, .len8 = 2 + body / 8 };
	uint64_t trailer = (uint64_t)e->write << 32;
	uint8_t *packet;

	if (RING_BYTES - used <= 24 + body)
		return false;
	packet = calloc(1, 24 + body);
	memcpy(packet, &d, sizeof(d));
	memcpy(packet + 16, payload, bytes);
	memcpy(packet + 16 + body, &trailer, sizeof(trailer));
	for (i = 0; i < 24 + body; i++)
		*ring_byte(e, 0, e->write + i) = packet[i];
	free(packet);
	e->write = (e->write + 24 + body) % RING_BYTES;
	tx_header(e)->write_index = e->write;
	if (!tx_header(e)->interrupt_mask && tx_header(e)->read_index == old)
		assert_false(vmbus_signal_event(bus, e->connection, 0));
	return true;
}

/* A packet of the traffic protocol. */
static inline bool send_traffic(struct endpoint *e, uint64_t sequence,
				uint32_t bytes, bool request)
{
	static uint8_t payload[8192];

	traffic_fill(payload, bytes, sequence);
	return send_packet(e, PKT_INBAND, request, 1000 + sequence, payload,
			   bytes);
}

struct incoming {
	struct descriptor d;
	uint8_t header[512], payload[8192];
	uint32_t header_bytes, bytes;
};

/* Read a packet by the book. Return: false if there is none. */
static inline bool read_packet(struct endpoint *e, struct incoming *in)
{
	uint32_t write = rx_header(e)->write_index, i, total, pending, before;
	uint64_t trailer;

	if (write == e->read)
		return false;
	for (i = 0; i < sizeof(in->d); i++)
		((uint8_t *)&in->d)[i] = *ring_byte(e, RING_PAGES, e->read + i);
	assert_true(in->d.offset8 == 2 || in->d.type == PKT_XFER_PAGES);
	assert_true(in->d.offset8 >= 2 && in->d.len8 >= in->d.offset8);
	in->header_bytes = (in->d.offset8 - 2) * 8;
	in->bytes = (in->d.len8 - in->d.offset8) * 8;
	total = in->d.len8 * 8 + 8;
	assert_true(total <= (write + RING_BYTES - e->read) % RING_BYTES);
	for (i = 0; i < in->header_bytes; i++)
		in->header[i] = *ring_byte(e, RING_PAGES, e->read + 16 + i);
	for (i = 0; i < in->bytes; i++)
		in->payload[i] = *ring_byte(e, RING_PAGES, e->read +
					    in->d.offset8 * 8u + i);
	for (i = 0; i < 8; i++)
		((uint8_t *)&trailer)[i] =
			*ring_byte(e, RING_PAGES, e->read + total - 8 + i);
	assert_true(trailer == (uint64_t)e->read << 32);

	before = RING_BYTES - (write + RING_BYTES - e->read) % RING_BYTES;
	e->read = (e->read + total) % RING_BYTES;
	rx_header(e)->read_index = e->read;
	pending = rx_header(e)->pending_send_sz;
	if (pending && before <= pending && before + total > pending)
		assert_false(vmbus_signal_event(bus, e->connection, 0));
	return true;
}

/* Is it a packet of the traffic protocol with @bytes bytes? */
static inline bool is_traffic(const struct incoming *in, uint64_t sequence,
			      uint32_t bytes)
{
	static uint8_t payload[8192];

	traffic_fill(payload, bytes, sequence);
	return in->bytes == ((bytes + 7) & ~7u) &&
	       !memcmp(in->payload, payload, bytes);
}

#endif
