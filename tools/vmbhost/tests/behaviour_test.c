// SPDX-License-Identifier: GPL-2.0
/*
 * What the host does with packets, and what it counts; source_test.c is about those
 * that it sends by itself. The guest is made of functions: see guest.h. One thread.
 */
#include "../random.h"
#include "guest.h"

static struct endpoint e;
static struct incoming in;

static void echo(void **state)
{
	unsigned int i;

	begin_with(&e, "echo");
	for (i = 0; i < 200; i++) {
		bool request = i & 1;

		assert_true(send_traffic(&e, i, 24 + i * 5, request));
		work();
		assert_int_equal(interrupts, i + 1);
		assert_true(read_packet(&e, &in));
		assert_int_equal(in.d.type, (request ? PKT_COMPLETION : PKT_INBAND));
		assert_true(!request || in.d.trans == 1000 + i);
		assert_int_equal(in.d.flags, 0);
		assert_true(is_traffic(&in, i, 24 + i * 5));
		assert_false(read_packet(&e, &in));
	}
	assert_int_equal(count("rx_packets"), 200);
	assert_int_equal(count("rx_requests"), 100);
	assert_int_equal(count("tx_packets"), 100);
	assert_int_equal(count("tx_completions"), 100);
	assert_int_equal(count("signals_in"), 200);
	assert_true(count("rx_order_errors") + count("rx_checksum_errors") +
		    count("rx_length_errors") + count("rx_pattern_errors") +
		    count("rx_duplicates") + count("rx_missing") +
		    count("rx_foreign") == 0);
	assert_false(bus->errors);
	end();
}

/* Many packets with one signal; the host unmasks at the end. */
static void one_signal(void **state)
{
	unsigned int i;

	begin_with(&e, "sink");
	for (i = 0; i < 50; i++)
		assert_true(send_traffic(&e, i, 24, false));
	assert_int_equal(count("signals_in"), 1);
	assert_int_equal(count("rx_packets"), 50);
	assert_true(tx_header(&e)->interrupt_mask == 0);
	assert_true(tx_header(&e)->read_index == e.write);
	assert_false(interrupts);
	/* No look without a signal: it is the guest's to give. */
	tx_header(&e)->interrupt_mask = 1;
	assert_true(send_traffic(&e, 50, 24, false));
	sleep_ns(10 * SEC);
	assert_int_equal(count("rx_packets"), 50);
	assert_false(bus->errors);
	end();
}

static void wrong_signals(void **state)
{
	begin_with(&e, "sink");
	/* One may be late: the ring was empty and unmasked. */
	assert_false(vmbus_signal_event(bus, e.connection, 0));
	work();
	assert_true(count("signals_empty") == 1 && count("signals_wrong") == 0);
	assert_false(vmbus_signal_event(bus, e.connection, 0));
	work();
	assert_int_equal(count("signals_wrong"), 1);
	assert_int_equal(count("protocol_errors"), 1);
	assert_true(vmbus_signal_event(bus, e.connection + 1, 0) ==
		    HV_STATUS_INVALID_CONNECTION_ID);
	assert_true(vmbus_signal_event(bus, 2, 0) ==
		    HV_STATUS_INVALID_CONNECTION_ID);
	assert_true(bus->errors == 2);
	end();
}

/* Descriptors that no correct guest writes. */
static void wrong_packets(void **state)
{
	struct descriptor *d;

	begin_with(&e, "sink");
	send_packet(&e, 3, 0, 0, "", 0);
	work();
	assert_true(bus->errors == 1);
	send_packet(&e, PKT_INBAND, 2, 0, "", 0);
	work();
	assert_true(bus->errors == 2);
	/* Nothing is outstanding. */
	send_packet(&e, PKT_COMPLETION, 0, 7, "", 0);
	work();
	assert_true(bus->errors == 3 && count("completions_unknown") == 1);
	/* A trailer that points elsewhere. */
	tx_header(&e)->interrupt_mask = 1;
	send_packet(&e, PKT_INBAND, 0, 0, "", 0);
	*ring_byte(&e, 0, e.write - 4) ^= 8;
	vmbus_signal_event(bus, e.connection, 0);
	work();
	assert_true(bus->errors == 4);
	/* A length beyond the write index: the ring is lost. */
	d = (struct descriptor *)ring_byte(&e, 0, e.write);
	tx_header(&e)->interrupt_mask = 1;
	send_packet(&e, PKT_INBAND, 0, 0, "", 0);
	d->len8 = 900;
	vmbus_signal_event(bus, e.connection, 0);
	work();
	assert_true(bus->errors == 5);
	end();
}

/* As Hyper-V: a request with id 0 is read, and nothing comes back. */
static void a_request_with_id_0(void **state)
{
	static const char * const behaviours[] = {
		"echo", "sink", "complete-late ms=1", "complete-out-of-order"
	};
	unsigned int i;

	for (i = 0; i < sizeof(behaviours) / sizeof(behaviours[0]); i++) {
		begin_with(&e, behaviours[i]);
		send_packet(&e, PKT_INBAND, PKT_COMPLETION_REQUESTED, 0, "", 0);
		work();
		sleep_ns(10 * SEC);
		assert_int_equal(count("rx_requests"), 1);
		assert_false(read_packet(&e, &in));
		assert_true(bus->errors == 1);
		send_packet(&e, PKT_INBAND, PKT_COMPLETION_REQUESTED, 1, "", 0);
		work();
		sleep_ns(10 * SEC);
		assert_true(read_packet(&e, &in));
		assert_true(in.d.type == PKT_COMPLETION && in.d.trans == 1);
		assert_true(bus->errors == 1);
		end();
	}
}

/* An echo that cannot be answered is not read: the guest's ring fills. */
static void echo_into_a_full_ring(void **state)
{
	uint64_t sent = 0, got = 0;

	begin_with(&e, "echo");
	while (send_traffic(&e, sent, 1000, true) && ++sent)
		work();
	/* Both rings are full: as many as fit in each, with their echoes. */
	assert_true(sent == 2 * (RING_BYTES / 1024) ||
		    sent == 2 * ((RING_BYTES - 1) / 1024));
	assert_true(rx_header(&e)->pending_send_sz != 0);
	assert_true(count("tx_blocked") > 0);
	while (got < sent) {
		assert_true(read_packet(&e, &in));
		assert_true(in.d.trans == 1000 + got && is_traffic(&in, got, 1000));
		got++;
		work();
	}
	assert_false(read_packet(&e, &in));
	assert_true(rx_header(&e)->pending_send_sz == 0);
	assert_int_equal(count("rx_packets"), (long long)sent);
	assert_false(bus->errors);
	end();
}

/* A guest that waits for room is signalled once it is there. */
static void guest_waits_for_room(void **state)
{
	uint64_t sent = 0;

	begin_with(&e, "sink");
	assert_true(did("stall 0"));
	while (send_traffic(&e, sent, 1000, false))
		sent++;
	assert_int_equal(sent, (RING_BYTES - 1) / 1024);
	work();
	assert_int_equal(count("rx_packets"), 0);
	tx_header(&e)->pending_send_sz = 3000;
	assert_true(did("behave 0 unstall"));
	assert_int_equal(count("rx_packets"), (long long)sent);
	assert_int_equal(interrupts, 1);
	assert_int_equal(count("wakeups"), 0);
	assert_true(send_traffic(&e, sent, 1000, false));
	work();
	assert_true(count("wakeups") == 1 && count("wakeups_late") == 0);
	assert_true(did("stall 0") && did("unstall 0"));
	sleep_ns(11 * MSEC);
	assert_true(send_traffic(&e, sent + 1, 1000, false));
	assert_true(send_traffic(&e, sent + 2, 1000, false));
	work();
	assert_true(count("wakeups") == 2 && count("wakeups_late") == 1);
	assert_true(count("wakeup_us") >= 11000);
	assert_false(bus->errors);
	end();
}

static void slow_behaviour(void **state)
{
	unsigned int i;

	begin_with(&e, "slow us=2000");
	for (i = 0; i < 5; i++)
		assert_true(send_traffic(&e, i, 24, true));
	work();
	assert_int_equal(count("rx_packets"), 1);
	/* The host is at it, and needs no more signals. */
	assert_true(tx_header(&e)->interrupt_mask == 1);
	sleep_ns(5 * MSEC);
	assert_int_equal(count("rx_packets"), 3);
	sleep_ns(5 * MSEC);
	assert_true(count("rx_packets") == 5 && count("tx_completions") == 5);
	assert_false(bus->errors);
	end();
}

static void late_behaviour(void **state)
{
	begin_with(&e, "complete-late ms=30");
	assert_true(send_traffic(&e, 0, 24, true));
	sleep_ns(10 * MSEC);
	assert_true(send_traffic(&e, 1, 24, true));
	assert_int_equal(count("rx_packets"), 2);
	sleep_ns(19 * MSEC);
	assert_false(read_packet(&e, &in));
	sleep_ns(2 * MSEC);
	assert_true(read_packet(&e, &in) && in.d.trans == 1000);
	assert_false(read_packet(&e, &in));
	sleep_ns(10 * MSEC);
	assert_true(read_packet(&e, &in) && in.d.trans == 1001);
	assert_false(bus->errors);
	end();
}

/* The guest releases the channel and opens it when it is offered again. */
static void new_life(void)
{
	POST(MSG_RELID_RELEASED, msg_relid, .relid = e.relid);
	work();
	open_channel(&e);
}

/* Late completions when the channel was closed: none, or, with "keep", later */
static void late_and_closed(void **state)
{
	begin_with(&e, "complete-late ms=30");
	assert_true(send_traffic(&e, 0, 24, true));
	work();
	assert_int_equal(count("rx_requests"), 1);
	close_channel(&e);
	open_channel(&e);
	sleep_ns(SEC);
	assert_false(read_packet(&e, &in));

	assert_true(did("behave 0 complete-late ms=30,keep=1"));
	assert_true(send_traffic(&e, 1, 24, true));
	assert_true(send_traffic(&e, 2, 32, true));
	sleep_ns(10 * MSEC);
	assert_int_equal(count("rx_requests"), 3);
	assert_true(did("rescind 0") && did("offer 0"));
	sleep_ns(SEC);
	assert_int_equal(count("tx_completions"), 0);
	new_life();
	assert_true(send_traffic(&e, 3, 40, true));
	sleep_ns(29 * MSEC);
	assert_false(read_packet(&e, &in));
	sleep_ns(2 * MSEC);
	assert_true(read_packet(&e, &in) && in.d.type == PKT_COMPLETION);
	assert_true(in.d.trans == 1001 && is_traffic(&in, 1, 24));
	assert_true(read_packet(&e, &in) && in.d.trans == 1002 && is_traffic(&in, 2, 32));
	assert_true(read_packet(&e, &in) && in.d.trans == 1003 && is_traffic(&in, 3, 40));
	sleep_ns(SEC);
	assert_false(read_packet(&e, &in));

	/* What was kept comes however the host behaves by then, and first. */
	assert_true(send_traffic(&e, 4, 24, true));
	work();
	assert_true(did("rescind 0") && did("offer 0"));
	assert_true(did("behave 0 echo"));
	new_life();
	assert_true(send_traffic(&e, 5, 24, true));
	sleep_ns(SEC);
	assert_true(read_packet(&e, &in) && in.d.trans == 1004);
	assert_true(read_packet(&e, &in) && in.d.trans == 1005);
	assert_false(read_packet(&e, &in));
	assert_false(bus->errors);
	end();

	/* The host's end leaves nothing behind. */
	begin_with(&e, "complete-late ms=30,keep=1");
	assert_true(send_traffic(&e, 0, 24, true));
	work();
	close_channel(&e);
	end();
}

static void ring_sizes(void **state)
{
	begin_with(&e, "echo");
	assert_true(count("rx_ring") == RING_BYTES && count("tx_ring") == RING_BYTES);
	close_channel(&e);
	assert_true(count("rx_ring") == 0 && count("tx_ring") == 0);
	/* Three pages for the guest's ring, and five for the host's. */
	take_offer(&e);
	POST(MSG_OPEN, msg_open, .relid = e.relid, .open_id = 77,
	     .gpadl = e.handle, .vp = 1, .downstream_page = 3);
	assert_int_equal(count("rx_ring"), 2 * VMBUS_PAGE);
	assert_int_equal(count("tx_ring"), 4 * VMBUS_PAGE);
	assert_true(did("rescind 0"));
	assert_true(count("rx_ring") == 0 && count("tx_ring") == 0);
	assert_false(bus->errors);
	end();
}

static void out_of_order(void **state)
{
	bool seen[20] = { false };
	unsigned int i, later = 0;
	uint64_t last = 0;

	begin_with(&e, "complete-out-of-order depth=4");
	for (i = 0; i < 18; i++)
		assert_true(send_traffic(&e, i, 24, true));
	sleep_ns(SEC);
	for (i = 0; i < 18; i++) {
		assert_true(read_packet(&e, &in));
		assert_int_equal(in.d.type, PKT_COMPLETION);
		assert_true(in.d.trans >= 1000 && in.d.trans < 1018);
		assert_true(!seen[in.d.trans - 1000]);
		seen[in.d.trans - 1000] = true;
		later += in.d.trans < last;
		last = in.d.trans;
	}
	assert_false(read_packet(&e, &in));
	assert_true(later > 0);
	assert_false(bus->errors);
	end();
}

/* Completions longer than what they are for; packets stay as they are */
static void padded_echo(void **state)
{
	uint32_t i;

	begin_with(&e, "echo size=100");
	assert_true(send_traffic(&e, 0, 24, true));
	assert_true(send_traffic(&e, 1, 200, true));
	assert_true(send_traffic(&e, 2, 24, false));
	work();
	assert_true(read_packet(&e, &in));
	assert_true(in.d.type == PKT_COMPLETION && in.bytes == 104);
	for (i = 24; i < in.bytes; i++)
		assert_false(in.payload[i]);
	assert_true(read_packet(&e, &in));
	assert_true(in.d.type == PKT_COMPLETION && is_traffic(&in, 1, 200));
	assert_true(read_packet(&e, &in));
	assert_true(in.d.type == PKT_INBAND && is_traffic(&in, 2, 24));
	assert_false(bus->errors);
	end();
}

static void never_behaviour(void **state)
{
	begin_with(&e, "complete-never");
	assert_true(send_traffic(&e, 0, 24, true));
	sleep_ns(10 * SEC);
	assert_int_equal(count("rx_requests"), 1);
	assert_true(!read_packet(&e, &in) && !interrupts);
	end();
}

/* What was in the rings when the channel was rescinded. */
static void left_in_the_rings(void **state)
{
	unsigned int i;

	begin_with(&e, "echo");
	for (i = 0; i < 3; i++)
		send_traffic(&e, i, 24, true);
	work();
	assert_true(read_packet(&e, &in));
	assert_true(did("stall 0"));
	for (; i < 8; i++)
		send_traffic(&e, i, 24, true);
	assert_true(did("rescind 0"));
	assert_int_equal(count("rx_left"), 5);
	assert_int_equal(count("tx_left"), 2);
	assert_int_equal(count("rx_packets"), 3);
	end();
}

/* Rings that the guest scribbles on, with every behaviour. */
static void anything(void **state)
{
	static const char *const behaviours[] = {
		"echo", "sink", "source rate=0,completion=1", "slow us=1",
		"complete-late us=10", "complete-out-of-order",
		"complete-never", "garble count=100000,rare=4",
	};
	uint64_t random = 7;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(behaviours); i++) {
		begin_with(&e, behaviours[i]);
		for (j = 0; j < 20000; j++) {
			uint32_t word = random_next(&random);
			uint32_t at = random_next(&random) % 8;
			uint8_t *page = e.page[random_next(&random) % 8];

			/* Indices, mostly plausible; then descriptors. */
			if (word & 1)
				word = (word >> 8) % (RING_BYTES + 16) & ~7u;
			memcpy(page + at * 4, &word, 4);
			inbox_count = 0;
			vmbus_signal_event(bus, e.connection, 0);
			now += 1000;
			if (j % 500 == 0) {
				close_channel(&e);
				inbox_count = 0;
				did("rescind 0");
				did("offer 0");
				POST(MSG_RELID_RELEASED, msg_relid,
				     .relid = e.relid);
				open_channel(&e);
			}
			wake = NEVER;
			vmbus_work(bus);
		}
		end();
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(echo),
		cmocka_unit_test(one_signal),
		cmocka_unit_test(wrong_signals),
		cmocka_unit_test(wrong_packets),
		cmocka_unit_test(a_request_with_id_0),
		cmocka_unit_test(echo_into_a_full_ring),
		cmocka_unit_test(guest_waits_for_room),
		cmocka_unit_test(slow_behaviour),
		cmocka_unit_test(late_behaviour),
		cmocka_unit_test(late_and_closed),
		cmocka_unit_test(ring_sizes),
		cmocka_unit_test(out_of_order),
		cmocka_unit_test(padded_echo),
		cmocka_unit_test(never_behaviour),
		cmocka_unit_test(left_in_the_rings),
		cmocka_unit_test(anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
