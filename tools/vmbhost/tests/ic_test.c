// SPDX-License-Identifier: GPL-2.0
/*
 * The host of the heartbeat, and what all integration services have in common: what it
 * sends and when, and which answers it takes. The guest is made of functions: see
 * guest.h. One thread.
 */
#include "../ic.h"
#include "guest.h"

static struct endpoint e;

/* A message of the host, as it came, and what the guest will answer. */
static struct incoming in;
static struct pipe_header pipe;
static struct ic_header header;
static uint8_t body[8192];

/* Read a request. Return: false if there is none */
static bool request(void)
{
	if (!read_packet(&e, &in))
		return false;
	memcpy(&pipe, in.payload, sizeof(pipe));
	memcpy(&header, in.payload + sizeof(pipe), sizeof(header));
	memcpy(body, in.payload + sizeof(pipe) + sizeof(header), header.bytes);
	assert_true(in.d.type == PKT_INBAND && !in.d.flags);
	assert_int_equal(pipe.type, PIPE_DATA);
	assert_int_equal(pipe.bytes, sizeof(header) + header.bytes);
	assert_true(in.bytes == sizeof(pipe) + ((pipe.bytes + 7) & ~7u));
	assert_int_equal(header.flags, (IC_TRANSACTION | IC_REQUEST));
	assert_true(!header.status && !header.reserved);
	return true;
}

/* Write pipe, header and body back. */
static void respond(uint16_t flags)
{
	static uint8_t payload[8192];

	memcpy(payload, &pipe, sizeof(pipe));
	memcpy(payload + sizeof(pipe), &header, sizeof(header));
	memcpy(payload + sizeof(pipe) + sizeof(header), body, sizeof(body) - 64);
	assert_true(send_packet(&e, PKT_INBAND, flags, 0, payload, in.bytes));
	work();
}

static void answer(void)
{
	header.flags = IC_TRANSACTION | IC_RESPONSE;
	respond(0);
}

/* Choose the versions, as Linux does: the answer's length is what is left. */
static void choose(uint16_t count, uint32_t framework, uint32_t version)
{
	struct ic_negotiate negotiate = { count, count, 0 };

	assert_true(request() && header.type == IC_NEGOTIATE);
	header.bytes = 16;
	memcpy(body, &negotiate, sizeof(negotiate));
	memcpy(body + 8, &framework, 4);
	memcpy(body + 12, &version, 4);
	answer();
}

static void negotiate(void)
{
	choose(1, IC_VERSION(3, 0), IC_VERSION(3, 0));
}

static uint64_t sequence(void)
{
	uint64_t number;

	memcpy(&number, body, sizeof(number));
	return number;
}

static void set_sequence(uint64_t number)
{
	memcpy(body, &number, sizeof(number));
}

/* The versions of framework and service, newest first */
static void versions_are_offered(void **state)
{
	static const uint32_t want[] = {
		2 | 2 << 16, 0, IC_VERSION(3, 0), IC_VERSION(1, 0),
		IC_VERSION(3, 0), IC_VERSION(1, 0),
	};
	const struct msg_offer *offer;

	begin_with(&e, "ic-heartbeat");
	offer = received(MSG_OFFER);
	assert_true(offer->flags == (OFFER_ENUMERATE | OFFER_PIPE));
	assert_true(offer->user[0] == PIPE_MESSAGES);
	assert_true(request() && header.type == IC_NEGOTIATE);
	assert_true(!header.framework && !header.version);
	assert_true(header.bytes == sizeof(want) && !memcmp(body, want, sizeof(want)));
	assert_false(request());
	assert_true(count("ic_requests") == 1 && count("ic_answers") == 0);
	end();
}

/* One at each time, with the next number but one */
static void heartbeats(void **state)
{
	unsigned int i;

	begin_with(&e, "ic-heartbeat ms=100,count=5");
	negotiate();
	for (i = 0; i < 5; i++) {
		assert_false(request());
		sleep_ns(100 * MSEC);
		assert_true(request() && header.type == IC_HEARTBEAT);
		assert_true(header.framework == IC_VERSION(3, 0) &&
			    header.version == IC_VERSION(3, 0));
		assert_int_equal(header.bytes, sizeof(struct ic_heartbeat));
		assert_int_equal(sequence(), 2 * i);
		set_sequence(sequence() + 1);
		answer();
	}
	sleep_ns(SEC);
	assert_false(request());
	assert_true(count("ic_requests") == 6 && count("ic_answers") == 6);
	assert_true(count("ic_missed") == 0 && !bus->errors);
	assert_true(count("ic_framework") == 3 && count("ic_version") == 3);
	/* It is told to go on, with the same versions. */
	assert_true(did("behave 0 ic-heartbeat ms=0,count=2"));
	assert_true(request() && header.type == IC_HEARTBEAT && sequence() == 10);
	set_sequence(11);
	answer();
	assert_true(request() && sequence() == 12);
	end();
}

/* A guest that does not answer, and one that then does */
static void missed(void **state)
{
	begin_with(&e, "ic-heartbeat ms=100");
	negotiate();
	sleep_ns(100 * MSEC);
	assert_true(request());
	sleep_ns(350 * MSEC);
	assert_true(!request() && count("ic_missed") == 3);
	set_sequence(1);
	answer();
	sleep_ns(100 * MSEC);
	assert_true(request() && sequence() == 2 && !bus->errors);
	/* Opened anew, it is a new connection. */
	close_channel(&e);
	open_channel(&e);
	assert_true(request() && header.type == IC_NEGOTIATE);
	end();
}

/* The older version of both */
static void older(void **state)
{
	begin_with(&e, "ic-heartbeat ms=0,count=1");
	choose(1, IC_VERSION(1, 0), IC_VERSION(1, 0));
	assert_true(request() && header.type == IC_HEARTBEAT);
	assert_true(header.framework == IC_VERSION(1, 0) &&
		    header.version == IC_VERSION(1, 0));
	assert_true(!bus->errors && count("ic_framework") == 1);
	end();
}

static void no_version_in_common(void **state)
{
	uint32_t first;

	begin_with(&e, "ic-heartbeat ms=1,fault=versions");
	choose(0, 0, 0);
	sleep_ns(SEC);
	assert_true(!request() && count("ic_refused") == 1 && !bus->errors);
	end();

	/* A guest that chooses one all the same */
	begin_with(&e, "ic-heartbeat ms=1,fault=versions");
	assert_true(request());
	memcpy(&first, body + 8, sizeof(first));
	assert_int_equal((first & 0xffff), 900);
	header.bytes = 16;
	body[0] = 1;
	body[2] = 1;
	answer();
	assert_true(bus->errors == 1);
	end();

	/* One that was not offered */
	begin_with(&e, "ic-heartbeat ms=1");
	choose(1, IC_VERSION(3, 0), IC_VERSION(2, 0));
	assert_true(bus->errors == 1);
	end();
	begin_with(&e, "ic-heartbeat ms=1");
	choose(2, IC_VERSION(3, 0), IC_VERSION(3, 0));
	assert_true(bus->errors == 1);
	/* It is not asked once more. */
	sleep_ns(SEC);
	assert_false(request());
	end();
}

static void too_many_versions(void **state)
{
	uint16_t counts[2];

	begin_with(&e, "ic-heartbeat ms=1,fault=counts");
	assert_true(request() && header.bytes == 24);
	memcpy(counts, body, sizeof(counts));
	assert_true(counts[0] == UINT16_MAX && counts[1] == UINT16_MAX);
	header.bytes = 16;
	memset(body, 0, 16);
	answer();
	sleep_ns(SEC);
	assert_true(!request() && count("ic_refused") == 1 && !bus->errors);
	end();
}

static void unknown_type(void **state)
{
	begin_with(&e, "ic-heartbeat ms=0,fault=type");
	negotiate();
	assert_true(request() && header.type == IC_UNKNOWN);
	header.status = 0x80004005;
	answer();
	sleep_ns(SEC);
	assert_true(!request() && count("ic_status") == 0x80004005 && !bus->errors);
	end();
}

/* A byte of a field, which is little-endian */
#define FIELD(structure, field)	\
	((uint8_t *)&(structure) + offsetof(__typeof__(structure), field))

/* Each in an answer that is right otherwise */
static void wrong_answers(void **state)
{
	static const struct {
		uint8_t *byte;
		int add;
	} wrong[] = {
		{ FIELD(header, flags), IC_REQUEST },
		{ FIELD(header, flags), -(int)IC_TRANSACTION },
		{ FIELD(header, transaction), 1 },
		{ FIELD(header, type), 1 },
		{ FIELD(header, framework), 1 },
		{ FIELD(header, version), -3 },
		{ FIELD(header, bytes), 1 },
		{ FIELD(header, bytes), -1 },
		{ FIELD(pipe, type), 1 },
		{ FIELD(pipe, bytes), -1 },
		{ FIELD(in, bytes), 8 },
		{ FIELD(in, bytes), -64 },
		{ &body[0], -1 },
		{ &body[7], 1 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		begin_with(&e, "ic-heartbeat ms=0");
		negotiate();
		assert_true(request());
		set_sequence(1);
		header.flags = IC_TRANSACTION | IC_RESPONSE;
		*wrong[i].byte += wrong[i].add;
		respond(0);
		assert_true(bus->errors == 1);
		end();
	}
	begin_with(&e, "ic-heartbeat ms=0");
	negotiate();
	assert_true(request());
	set_sequence(1);
	header.flags = IC_TRANSACTION | IC_RESPONSE;
	respond(PKT_COMPLETION_REQUESTED);
	assert_true(bus->errors);
	end();
	/* An answer to nothing */
	begin_with(&e, "ic-heartbeat ms=500");
	negotiate();
	answer();
	assert_true(bus->errors == 1 && count("ic_answers") == 1);
	end();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_are_offered),
		cmocka_unit_test(heartbeats),
		cmocka_unit_test(missed),
		cmocka_unit_test(older),
		cmocka_unit_test(no_version_in_common),
		cmocka_unit_test(too_many_versions),
		cmocka_unit_test(unknown_type),
		cmocka_unit_test(wrong_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
