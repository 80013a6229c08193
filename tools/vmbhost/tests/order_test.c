// SPDX-License-Identifier: GPL-2.0
/*
 * Delayed answers, and the signals that a guest has to send when there is room.
 * The guest consists of functions: see guest.h. One thread.
 */
#include "guest.h"

static struct endpoint e;
static struct incoming in;

/* Late completions are due when the host is told to be quick. */
static void hurried(void)
{
	begin_with(&e, "complete-late ms=1000");
	expect(send_traffic(&e, 0, 24, true));
	work();
	expect(!read_packet(&e, &in));
	expect(did("behave 0 echo"));
	expect(read_packet(&e, &in) && in.d.trans == 1000);
	end();
}

/* A quick answer that has room does not overtake a late one that has none. */
static void no_overtaking(void)
{
	unsigned int i, sent = 15;

	begin_with(&e, "complete-late ms=5");
	for (i = 0; i < sent; i++) {
		expect(send_traffic(&e, i, 1000, true));
		work();
	}
	sleep_ns(10 * MSEC);
	expect(stat_of("stats 0", "tx_completions") == 11);
	expect(did("behave 0 echo"));
	expect(send_traffic(&e, sent++, 24, true));
	work();
	for (i = 0; i < sent; i++) {
		expect(read_packet(&e, &in) && in.d.trans == 1000 + i);
		work();
	}
	expect(!read_packet(&e, &in));
	expect(!bus->errors);
	end();
}

/*
 * The host waits for room for 1024 bytes. The guest makes it, and is about to
 * signal; before it does, the host writes something smaller, so that the guest
 * makes the same room again. Both signals are right.
 */
static void two_signals(void)
{
	struct descriptor d = { .type = PKT_INBAND };
	struct channel *channel;
	unsigned int i;

	begin_with(&e, "source rate=0,size=1000,count=12");
	channel = bus->channels[0];
	expect(rx_header(&e)->pending_send_sz == 1024);
	channel->allowance--;	/* none for the other ring */
	/* 1024 bytes were free; with these it is 2048. */
	rx_header(&e)->read_index = 1024;
	for (i = 0; i < 43; i++)
		expect(channel_write(channel, &d, NULL, 0) == RING_OK);
	/* Now 1016 are. */
	expect(rx_header(&e)->pending_send_sz == 1024);
	rx_header(&e)->read_index = 2048;
	channel->stalled = true;
	expect(!vmbus_signal_event(bus, e.connection, 0));
	expect(!vmbus_signal_event(bus, e.connection, 0));
	expect(stat_of("stats 0", "signals_wrong") == 0);
	end();
}

/* But one room is one signal. */
static void one_signal(void)
{
	begin_with(&e, "source rate=0,size=1000,count=12");
	expect(rx_header(&e)->pending_send_sz == 1024);
	bus->channels[0]->allowance--;	/* none for the other ring */
	rx_header(&e)->read_index = 2048;
	expect(!vmbus_signal_event(bus, e.connection, 0));
	work();
	expect(stat_of("stats 0", "signals_wrong") == 0);
	expect(rx_header(&e)->pending_send_sz == 0);
	expect(!vmbus_signal_event(bus, e.connection, 0));
	expect(stat_of("stats 0", "signals_wrong") == 1);
	end();
}

int main(void)
{
	run(hurried);
	run(no_overtaking);
	run(two_signals);
	run(one_signal);
	return test_end();
}
