// SPDX-License-Identifier: GPL-2.0
/*
 * GPADLs, the rings that are opened with them, and the answers that the host
 * refuses or keeps back. The guest is made of functions: see guest.h. One
 * thread.
 */
#include "../channel.h"
#include "guest.h"

static void begin(void)
{
	start();
	assert_true(did("add " CLASS));
	connect();
}

/* 26 frames and one more: header and body. */
static void long_gpadl(void **state)
{
	struct {
		struct msg_gpadl_header m;
		uint32_t bytes, offset;
		uint64_t frame[26];
	} __attribute__((packed)) header = {
		.m.h.type = MSG_GPADL_HEADER, .m.gpadl = 5, .m.ranges = 1,
		.m.range_bytes = 8 + 8 * 30, .bytes = 30 * VMBUS_PAGE,
	};
	struct {
		struct msg_gpadl_body m;
		uint64_t frame[4];
	} __attribute__((packed)) body = {
		.m.h.type = MSG_GPADL_BODY, .m.gpadl = 5,
	};
	const struct msg_gpadl_created *created;
	uint8_t **pages;
	uint32_t count, i;

	begin();
	header.m.relid = 1;
	for (i = 0; i < 26; i++)
		header.frame[i] = 30 - i;
	for (i = 0; i < 4; i++)
		body.frame[i] = 40 + i;
	assert_int_equal(sizeof(header), 236);
	post(&header, sizeof(header));
	assert_false(received(MSG_GPADL_CREATED));
	post(&body, sizeof(body));
	created = received(MSG_GPADL_CREATED);
	assert_true(created && !created->status && created->gpadl == 5);
	pages = gpadl_pages(bus, gpadl_find(bus, 5), &count);
	assert_true(pages && count == 30);
	if (pages)
		assert_true(pages[0] == memory + 30 * VMBUS_PAGE &&
			    pages[29] == memory + 43 * VMBUS_PAGE);
	free(pages);
	/* Not twice, and no more of it. */
	post(&header, sizeof(header));
	created = received(MSG_GPADL_CREATED);
	assert_true(created->status);
	inbox_count = 0;
	post(&body, sizeof(body));
	assert_true(bus->errors == 2 && !received(MSG_GPADL_CREATED));
	end();
}

static void wrong_gpadls(void **state)
{
	struct {
		struct msg_gpadl_header m;
		uint32_t bytes, offset;
		uint64_t frame[2];
	} __attribute__((packed)) m = {
		.m.h.type = MSG_GPADL_HEADER, .m.relid = 1, .m.ranges = 1,
		.m.range_bytes = 24, .bytes = 2 * VMBUS_PAGE,
		.frame = { 5, 6 },
	}, wrong;
	unsigned int errors = 0;

#define WRONG(change) do {						\
	const struct msg_gpadl_created *created;			\
									\
	wrong = m;							\
	wrong.m.gpadl = 100 + errors;					\
	change;								\
	inbox_count = 0;						\
	post(&wrong, sizeof(wrong));					\
	created = received(MSG_GPADL_CREATED);				\
	assert_true(created && created->status &&				\
		    created->gpadl == wrong.m.gpadl);			\
	assert_true(bus->errors == ++errors);				\
} while (0)
	begin();
	WRONG(wrong.m.ranges = 2);
	WRONG(wrong.m.ranges = 0);
	WRONG(wrong.bytes = 3 * VMBUS_PAGE);
	WRONG(wrong.bytes = VMBUS_PAGE);
	WRONG(wrong.bytes = UINT32_MAX);
	WRONG(wrong.offset = VMBUS_PAGE);
	WRONG(wrong.offset = VMBUS_PAGE; wrong.bytes = VMBUS_PAGE);
	WRONG(wrong.bytes = 0);
	WRONG(wrong.m.range_bytes = 8);
	WRONG(wrong.m.range_bytes = 20);
	/* Longer than it said: the error is counted, what it said is right. */
	wrong = m;
	wrong.m.gpadl = 10;
	wrong.m.range_bytes = 16;
	wrong.bytes = VMBUS_PAGE;
	post(&wrong, sizeof(wrong));
	assert_true(bus->errors == ++errors);
	assert_int_equal(stat_of("stats", "gpadls_live"), 1);
	end();
}

/* Opens that cannot be, and what they leave behind: nothing. */
static void wrong_opens(void **state)
{
	struct endpoint e;
	const struct msg_open_result *result;
	uint32_t outside;
	uint8_t frames[4] = { 1, 2, 3, 200 };

	begin();
	take_offer(&e);
	outside = make_gpadl(e.relid, frames, 4);
#define REFUSED(...) do {						\
	uint64_t errors = bus->errors;					\
									\
	inbox_count = 0;						\
	POST(MSG_OPEN, msg_open, .relid = e.relid, .open_id = 3,	\
	     __VA_ARGS__);						\
	result = received(MSG_OPEN_RESULT);				\
	assert_true(result && result->status && result->open_id == 3);	\
	assert_true(bus->errors == errors + 1);				\
} while (0)
	REFUSED(.gpadl = 12345, .downstream_page = 4);
	REFUSED(.gpadl = e.handle, .downstream_page = 0);
	REFUSED(.gpadl = e.handle, .downstream_page = 1);
	REFUSED(.gpadl = e.handle, .downstream_page = 7);
	REFUSED(.gpadl = e.handle, .downstream_page = UINT32_MAX);
	REFUSED(.gpadl = e.handle, .downstream_page = 4, .vp = CPUS);
	REFUSED(.gpadl = outside, .downstream_page = 2);
	/* Another channel's. */
	assert_true(did("add " CLASS));
	frames[3] = 4;
	outside = make_gpadl(e.relid + 1, frames, 4);
	REFUSED(.gpadl = outside, .downstream_page = 2);
	post_open(&e);
	result = received(MSG_OPEN_RESULT);
	assert_true(result && !result->status);
	/* Twice is once too often. */
	inbox_count = 0;
	post_open(&e);
	assert_false(received(MSG_OPEN_RESULT));
	end();
}

static void left_behind(void **state)
{
	struct endpoint e;

	begin();
	take_offer(&e);
	POST(MSG_RELID_RELEASED, msg_relid, .relid = e.relid);
	assert_int_equal(stat_of("stats 0", "gpadls_left"), 1);
	/* The guest gave it up of itself: it is not offered again unasked. */
	inbox_count = 0;
	sleep_ns(SEC);
	assert_false(received(MSG_OFFER));
	assert_false(bus->errors);
	/* Teardown under the host's feet is an error. */
	assert_true(did("offer 0"));
	open_channel(&e);
	POST(MSG_GPADL_TEARDOWN, msg_gpadl_teardown, .relid = e.relid,
	     .gpadl = e.handle);
	assert_true(bus->errors == 1);
	end();
}

static void refusals(void **state)
{
	const struct msg_open_result *result;
	const struct msg_gpadl_created *created;
	struct endpoint e;

	begin();
	assert_true(did("refuse open 1"));
	take_offer(&e);
	post_open(&e);
	result = received(MSG_OPEN_RESULT);
	assert_true(result && result->status);
	post_open(&e);
	result = received(MSG_OPEN_RESULT);
	assert_true(result && !result->status);
	assert_int_equal(stat_of("stats 0", "opens_refused"), 1);
	close_channel(&e);
	assert_true(did("refuse gpadl 1"));
	take_offer(&e);
	created = received(MSG_GPADL_CREATED);
	assert_true(created && created->status);
	open_channel(&e);
	assert_false(bus->errors);
	end();
}

/* The host does not take these messages, and goes on as if they never came. */
static void not_taken(void **state)
{
	static const uint8_t frames[] = { 1, 2, 3, 4 };
	struct msg_gpadl_teardown teardown = {
		.h.type = MSG_GPADL_TEARDOWN,
	};
	struct msg_relid close = { .h.type = MSG_CLOSE };
	struct msg_gpadl_body body = { .h.type = MSG_GPADL_BODY };
	struct endpoint e;

	begin();
	open_channel(&e);
	teardown.relid = e.relid;
	teardown.gpadl = make_gpadl(e.relid, frames, 4);
	close.relid = e.relid;
	assert_true(did("refuse teardown 1"));
	assert_true(did("refuse close 1"));
	assert_true(did("refuse body 1"));
	assert_true(post(&teardown, sizeof(teardown)) == HV_STATUS_INVALID_PARAMETER);
	assert_false(received(MSG_GPADL_TORNDOWN));
	assert_int_equal(stat_of("stats 0", "gpadls_live"), 2);
	assert_true(post(&close, sizeof(close)) == HV_STATUS_INVALID_PARAMETER);
	assert_string_equal(command("state 0"), "ok open\n");
	assert_true(post(&body, sizeof(body)) == HV_STATUS_INVALID_PARAMETER);
	assert_false(bus->errors);
	/* Once each */
	assert_true(!post(&teardown, sizeof(teardown)));
	assert_true(received(MSG_GPADL_TORNDOWN));
	assert_int_equal(stat_of("stats 0", "gpadls_live"), 1);
	close_channel(&e);
	assert_string_equal(command("state 0"), "ok offered\n");
	assert_true(!post(&body, sizeof(body)));
	assert_true(bus->errors == 1);
	assert_false(did("refuse nothing 1"));
	assert_false(did("withhold close"));
	end();
}

static void withheld(void **state)
{
	struct endpoint e;

	begin();
	assert_true(did("withhold gpadl"));
	assert_true(did("withhold open"));
	assert_true(did("withhold teardown"));
	take_offer(&e);
	assert_false(received(MSG_GPADL_CREATED));
	assert_true(did("release gpadl"));
	assert_true(received(MSG_GPADL_CREATED));
	post_open(&e);
	assert_false(received(MSG_OPEN_RESULT));
	assert_string_equal(command("state 0"), "ok opening\n");
	assert_true(did("release open"));
	assert_true(received(MSG_OPEN_RESULT));
	close_channel(&e);
	assert_false(received(MSG_GPADL_TORNDOWN));
	assert_int_equal(stat_of("stats 0", "gpadls_live"), 1);
	assert_true(did("release teardown"));
	assert_true(received(MSG_GPADL_TORNDOWN));
	assert_int_equal(stat_of("stats 0", "gpadls_live"), 0);

	/* A teardown is answered after a rescind, too; not after a release. */
	open_channel(&e);
	assert_true(did("withhold teardown"));
	close_channel(&e);
	assert_true(did("rescind 0"));
	inbox_count = 0;
	assert_true(did("release teardown"));
	assert_true(received(MSG_GPADL_TORNDOWN));
	assert_true(did("offer 0"));
	POST(MSG_RELID_RELEASED, msg_relid, .relid = e.relid);
	open_channel(&e);
	assert_true(did("withhold teardown"));
	close_channel(&e);
	assert_true(did("rescind 0"));
	assert_true(did("offer 0"));
	POST(MSG_RELID_RELEASED, msg_relid, .relid = e.relid);
	/* The guest has begun to count its handles anew. */
	next_handle = e.handle;
	take_offer(&e);
	inbox_count = 0;
	assert_true(did("release teardown"));
	assert_false(received(MSG_GPADL_TORNDOWN));
	assert_int_equal(stat_of("stats 0", "gpadls_live"), 1);
	POST(MSG_GPADL_TEARDOWN, msg_gpadl_teardown, .relid = e.relid,
	     .gpadl = e.handle);

	/* An open that is never answered, because the channel goes. */
	assert_true(did("rescind 0"));
	assert_true(did("offer 0"));
	POST(MSG_RELID_RELEASED, msg_relid, .relid = e.relid);
	take_offer(&e);
	assert_true(did("withhold open"));
	inbox_count = 0;
	post_open(&e);
	assert_true(did("rescind 0"));
	assert_true(did("release open"));
	assert_false(received(MSG_OPEN_RESULT));
	assert_false(bus->errors);
	end();
}

/* A close with a GPADL besides the rings' is wrong, but only before 4.0. */
static void left_at_close(void **state)
{
	static const uint8_t frames[] = { 1, 2, 3, 4 };
	struct msg_header request = { .type = MSG_REQUEST_OFFERS };
	unsigned int version;
	struct endpoint e;

	for (version = 3; version <= 5; version++) {
		uint32_t handle;

		start();
		assert_true(did("add " CLASS));
		assert_true(contact(version, 0));
		post(&request, sizeof(request));
		open_channel(&e);
		handle = make_gpadl(e.relid, frames, 4);
		POST(MSG_GPADL_TEARDOWN, msg_gpadl_teardown, .relid = e.relid,
		     .gpadl = handle);
		close_channel(&e);
		assert_int_equal(stat_of("stats 0", "gpadls_at_close"), 0);
		assert_false(bus->errors);

		open_channel(&e);
		handle = make_gpadl(e.relid, frames, 4);
		close_channel(&e);
		assert_int_equal(stat_of("stats 0", "closes"), 2);
		assert_int_equal(stat_of("stats 0", "gpadls_at_close"), 1);
		assert_true(bus->errors == (version < 4));
		POST(MSG_GPADL_TEARDOWN, msg_gpadl_teardown, .relid = e.relid,
		     .gpadl = handle);
		assert_int_equal(stat_of("stats 0", "gpadls_live"), 0);

		/* After a rescind it is the host that has closed. */
		open_channel(&e);
		make_gpadl(e.relid, frames, 4);
		assert_true(did("rescind 0"));
		POST(MSG_CLOSE, msg_relid, .relid = e.relid);
		assert_int_equal(stat_of("stats 0", "gpadls_at_close"), 1);
		assert_true(bus->errors == (version < 4));
		end();
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(long_gpadl),
		cmocka_unit_test(wrong_gpadls),
		cmocka_unit_test(wrong_opens),
		cmocka_unit_test(left_behind),
		cmocka_unit_test(left_at_close),
		cmocka_unit_test(refusals),
		cmocka_unit_test(not_taken),
		cmocka_unit_test(withheld),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
