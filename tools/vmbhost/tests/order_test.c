// SPDX-License-Identifier: GPL-2.0
/*
 * Delayed answers, and the signals that a guest has to send when there is room.
 * The guest consists of functions: see guest.h. One thread.
 */
#include "guest.h"

static struct endpoint e;
static struct incoming in;

/* Late completions are due when the host is told to be quick. */
static void hurried(void **state)
{
	begin_with(&e, "complete-late ms=1000");
	assert_true(send_traffic(&e, 0, 24, true));
	work();
	assert_false(read_packet(&e, &in));
	assert_true(did("behave 0 echo"));
	assert_true(read_packet(&e, &in) && in.d.trans == 1000);
	end();
}

/* A quick answer that has room does not overtake a late one that has none. */
static void no_overtaking(void **state)
{
	unsigned int i, sent = 15;

	begin_with(&e, "complete-late ms=5");
	for (i = 0; i < sent; i++) {
		assert_true(send_traffic(&e, i, 1000, true));
		work();
	}
	sleep_ns(10 * MSEC);
	assert_int_equal(stat_of("stats 0", "tx_completions"), 11);
	assert_true(did("behave 0 echo"));
	assert_true(send_traffic(&e, sent++, 24, true));
	work();
	for (i = 0; i < sent; i++) {
		assert_true(read_packet(&e, &in) && in.d.trans == 1000 + i);
		work();
	}
	assert_false(read_packet(&e, &in));
	assert_false(bus->errors);
	end();
}

/*
 * The host waits for room for 1024 bytes. The guest makes it, and is about to
 * signal; before it does, the host writes something smaller, so that the guest
 * makes the same room again. Both signals are right.
 */
static void two_signals(void **state)
{
	struct descriptor d = { .type = PKT_INBAND };
	struct channel *channel;
	unsigned int i;

	begin_with(&e, "source rate=0,size=1000,count=12");
	channel = bus->channels[0];
	assert_true(rx_header(&e)->pending_send_sz == 1024);
	channel->allowance--;	/* none for the other ring */
	/* 1024 bytes were free; with these it is 2048. */
	rx_header(&e)->read_index = 1024;
	for (i = 0; i < 43; i++)
		assert_int_equal(channel_write(channel, &d, NULL, 0), RING_OK);
	/* Now 1016 are. */
	assert_true(rx_header(&e)->pending_send_sz == 1024);
	rx_header(&e)->read_index = 2048;
	channel->stalled = true;
	assert_false(vmbus_signal_event(bus, e.connection, 0));
	assert_false(vmbus_signal_event(bus, e.connection, 0));
	assert_int_equal(stat_of("stats 0", "signals_wrong"), 0);
	end();
}

/* But one room is one signal. */
static void one_signal(void **state)
{
	begin_with(&e, "source rate=0,size=1000,count=12");
	assert_true(rx_header(&e)->pending_send_sz == 1024);
	bus->channels[0]->allowance--;	/* none for the other ring */
	rx_header(&e)->read_index = 2048;
	assert_false(vmbus_signal_event(bus, e.connection, 0));
	work();
	assert_int_equal(stat_of("stats 0", "signals_wrong"), 0);
	assert_true(rx_header(&e)->pending_send_sz == 0);
	assert_false(vmbus_signal_event(bus, e.connection, 0));
	assert_int_equal(stat_of("stats 0", "signals_wrong"), 1);
	end();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(hurried),
		cmocka_unit_test(no_overtaking),
		cmocka_unit_test(two_signals),
		cmocka_unit_test(one_signal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
