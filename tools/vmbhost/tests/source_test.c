// SPDX-License-Identifier: GPL-2.0
/*
 * Packets that the host sends by itself: when, how many, and with which ranges of
 * the guest's memory. The guest is made of functions: see guest.h. One thread.
 */
#include "guest.h"

static struct endpoint e;
static struct incoming in;

static void source_behaviour(void **state)
{
	unsigned int i;

	begin_with(&e, "source rate=1000,size=100,count=50");
	/* The first at once, then one each millisecond. */
	assert_true(read_packet(&e, &in) && is_traffic(&in, 0, 100));
	assert_true(in.d.type == PKT_INBAND && in.d.flags == 0);
	assert_false(read_packet(&e, &in));
	sleep_ns(10 * MSEC);
	for (i = 1; i <= 10; i++)
		assert_true(read_packet(&e, &in) && is_traffic(&in, i, 100));
	assert_false(read_packet(&e, &in));
	/* A worker that runs late catches up. */
	now += 10 * MSEC;
	work();
	for (; i <= 20; i++)
		assert_true(read_packet(&e, &in) && is_traffic(&in, i, 100));
	assert_false(read_packet(&e, &in));
	sleep_ns(SEC);
	for (; i < 50; i++)
		assert_true(read_packet(&e, &in) && is_traffic(&in, i, 100));
	assert_false(read_packet(&e, &in));
	assert_int_equal(count("tx_packets"), 50);
	assert_false(bus->errors);
	end();
}

static void flood(void **state)
{
	unsigned int i = 0;

	begin_with(&e, "source rate=0,size=500,count=1000");
	while (read_packet(&e, &in)) {
		assert_true(is_traffic(&in, i, 500));
		i++;
		work();
	}
	assert_int_equal(i, 1000);
	assert_true(count("tx_blocked") > 10);
	assert_false(bus->errors);
	end();
}

static void source_wants_completions(void **state)
{
	begin_with(&e, "source rate=0,completion=1,count=3");
	assert_true(read_packet(&e, &in));
	assert_int_equal(in.d.flags, PKT_COMPLETION_REQUESTED);
	assert_int_equal(count("tx_outstanding"), 3);
	send_packet(&e, PKT_COMPLETION, 0, in.d.trans, "", 0);
	work();
	assert_true(count("rx_completions") == 1 && !bus->errors);
	assert_int_equal(count("tx_outstanding"), 2);
	/* Twice is once too often. */
	send_packet(&e, PKT_COMPLETION, 0, in.d.trans, "", 0);
	work();
	assert_true(count("completions_unknown") == 1 && bus->errors == 1);
	end();
}

/* Pages of the guest that are not next to each other */
static const uint8_t shared_page[] = { 50, 45, 48 };

static uint8_t *shared_byte(uint32_t at)
{
	return memory + shared_page[at / VMBUS_PAGE] * VMBUS_PAGE +
	       at % VMBUS_PAGE;
}

/* A packet whose ranges have its sequence number, with so many bytes each */
static void expect_ranges(uint64_t sequence, uint32_t ranges, uint32_t bytes)
{
	static uint8_t want[8192];
	struct ranges_header header;
	uint32_t i, at;

	assert_true(read_packet(&e, &in));
	assert_true(in.d.type == PKT_XFER_PAGES &&
		    in.d.flags == PKT_COMPLETION_REQUESTED);
	assert_true(is_traffic(&in, sequence, 24));
	assert_int_equal(in.header_bytes, 8 + 8 * ranges);
	memcpy(&header, in.header, in.header_bytes);
	assert_true(header.set == 0xcafe && header.count == ranges);
	traffic_fill(want, bytes, sequence);
	for (i = 0; i < ranges; i++) {
		assert_int_equal(header.range[i].bytes, bytes);
		assert_true(header.range[i].offset + bytes <= 3 * VMBUS_PAGE);
		for (at = 0; at < bytes; at++)
			if (*shared_byte(header.range[i].offset + at) != want[at])
				break;
		assert_int_equal(at, bytes);
	}
}

static void complete_with_nothing(uint64_t trans)
{
	assert_true(send_packet(&e, PKT_COMPLETION, 0, trans, "", 0));
	work();
}

static void source_with_ranges(void **state)
{
	uint64_t trans[4];
	uint32_t handle, i;

	begin_with(&e, "source rate=0,ranges=3,size=1000,count=6");
	/* The rings are no memory for that. */
	assert_false(read_packet(&e, &in));
	memset(shared_byte(0), 0, VMBUS_PAGE);
	handle = make_gpadl(e.relid, shared_page, 3);
	work();
	/* Four parts fit, and each is the host's until it is completed. */
	for (i = 0; i < 4; i++) {
		expect_ranges(i, 3, 1000);
		trans[i] = in.d.trans;
	}
	sleep_ns(SEC);
	assert_true(!read_packet(&e, &in) && count("tx_outstanding") == 4);
	/* Not the one that is next. */
	complete_with_nothing(trans[1]);
	assert_false(read_packet(&e, &in));
	complete_with_nothing(trans[0]);
	expect_ranges(4, 3, 1000);
	expect_ranges(5, 3, 1000);
	complete_with_nothing(trans[2]);
	complete_with_nothing(trans[3]);
	assert_true(!read_packet(&e, &in) && count("tx_packets") == 6);
	/* Without the memory nothing is sent any more. */
	assert_true(did("reset 0"));
	POST(MSG_GPADL_TEARDOWN, msg_gpadl_teardown, .relid = e.relid,
	     .gpadl = handle);
	assert_true(did("behave 0 source rate=0,ranges=1,count=1"));
	sleep_ns(SEC);
	assert_true(!read_packet(&e, &in) && !bus->errors);
	end();
}

/* More than there is memory for */
static void source_with_too_many_ranges(void **state)
{
	begin_with(&e, "source rate=0,ranges=64,size=200,count=1");
	make_gpadl(e.relid, shared_page, 3);
	sleep_ns(SEC);
	assert_true(!read_packet(&e, &in) && !bus->errors);
	assert_true(did("behave 0 source rate=0,ranges=60,size=200,count=1"));
	expect_ranges(0, 60, 200);
	end();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(source_behaviour),
		cmocka_unit_test(flood),
		cmocka_unit_test(source_wants_completions),
		cmocka_unit_test(source_with_ranges),
		cmocka_unit_test(source_with_too_many_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
