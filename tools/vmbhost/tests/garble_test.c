// SPDX-License-Identifier: GPL-2.0
/*
 * The garbling host: the same mutations for the same seed, as many as were
 * asked for, and correct behaviour afterwards. The guest consists of functions:
 * see guest.h. One thread.
 */
#include <time.h>

#include "guest.h"

static struct endpoint e;

/* Read everything that is there, whatever it is. */
static void swallow(void)
{
	uint32_t write = rx_header(&e)->write_index;

	if (write < RING_BYTES && !(write & 7))
		rx_header(&e)->read_index = write;
}

static uint32_t fingerprint(const char *behaviour)
{
	uint32_t crc = 0;
	unsigned int i, page;

	begin_with(&e, behaviour);
	for (i = 0; i < 50; i++) {
		for (page = RING_PAGES + 1; page < 2 * RING_PAGES; page++)
			crc = crc32(crc, e.page[page], VMBUS_PAGE);
		swallow();
		sleep_ns(2 * MSEC);
	}
	end();
	return crc;
}

static void reproducible(void **state)
{
	uint32_t one = fingerprint("garble seed=1,count=100000");

	assert_int_equal(one, fingerprint("garble seed=1,count=100000"));
	assert_true(one != fingerprint("garble seed=2,count=100000"));
	assert_true(one != fingerprint("garble seed=1,count=100000,what=fields"));
}

/* Take a packet whose framing has to hold. Return: false if there is none */
static bool take(struct descriptor *d)
{
	uint32_t write = rx_header(&e)->write_index, i;

	assert_true(write < RING_BYTES && !(write & 7));
	if (e.read == write)
		return false;
	for (i = 0; i < sizeof(*d); i++)
		((uint8_t *)d)[i] = *ring_byte(&e, RING_PAGES, e.read + i);
	assert_true(d->offset8 >= 2 && d->offset8 <= d->len8);
	assert_true(d->len8 * 8u + 8 <= (write + RING_BYTES - e.read) % RING_BYTES);
	e.read = (e.read + d->len8 * 8u + 8) % RING_BYTES;
	return true;
}

/* What "fields" makes has a framing that holds. */
static void framing(void **state)
{
	unsigned int packets = 0, types = 0, offsets = 0, i;
	uint64_t seen = 0;

	begin_with(&e, "garble seed=3,count=20000,what=fields");
	for (i = 0; i < 100000 && packets < 20000; i++) {
		struct descriptor d;

		while (take(&d)) {
			if (d.type < 64)
				seen |= 1ull << d.type;
			offsets += d.offset8 > 2;
			packets++;
		}
		rx_header(&e)->read_index = e.read;
		sleep_ns(2 * MSEC);
	}
	assert_int_equal(packets, 20000);
	for (i = 0; i < 64; i++)
		types += seen >> i & 1;
	assert_true(types > 14 && offsets > 1000);
	assert_int_equal(count("garbled"), 20000);
	/* No more of it: it only reads now. */
	sleep_ns(SEC);
	assert_true(rx_header(&e)->write_index == e.read);
	end();
}

#define LIVE_IDS	0x77000000u
#define LIVE_MAX	65536u

/* What a guest that believes its transaction ids makes of completions. */
struct live {
	bool open[LIVE_MAX];
	unsigned int sent, in_flight;
	unsigned int answers, data, again, others;
};

/* Send requests until @most are in flight. */
static void live_send(struct live *live, unsigned int most)
{
	while (live->in_flight < most && live->sent < LIVE_MAX &&
	       send_packet(&e, PKT_INBAND, PKT_COMPLETION_REQUESTED,
			   LIVE_IDS + live->sent, "request", 8)) {
		live->open[live->sent++] = true;
		live->in_flight++;
	}
}

static void live_receive(struct live *live)
{
	struct descriptor d;

	while (take(&d)) {
		uint64_t number = d.trans - LIVE_IDS;

		if (d.type != PKT_COMPLETION || number >= live->sent) {
			live->others++;
		} else if (!live->open[number]) {
			live->again++;
		} else {
			live->open[number] = false;
			live->in_flight--;
			live->answers++;
			live->data += d.len8 > d.offset8;
		}
	}
	rx_header(&e)->read_index = e.read;
	if (rx_header(&e)->pending_send_sz)
		assert_false(vmbus_signal_event(bus, e.connection, 0));
}

/*
 * Mutations with ids of requests in flight: each request is answered all the
 * same, and the host counts the mutations that look like the answer.
 */
static void live_requests(void **state)
{
	static struct live live;
	unsigned int i;

	memset(&live, 0, sizeof(live));
	begin_with(&e, "garble seed=9,count=50000,what=fields");
	for (i = 0; i < 100000 && count("garbled") < 50000; i++) {
		live_send(&live, 16);
		live_receive(&live);
		sleep_ns(MSEC);
	}
	/* The right answers to the last ones are on their way. */
	for (i = 0; i < 60; i++) {
		live_receive(&live);
		sleep_ns(MSEC);
	}
	assert_true(count("garbled") == 50000 && !live.in_flight);
	assert_true(live.sent > 200 && live.sent < LIVE_MAX);
	assert_int_equal(live.answers, live.sent);
	assert_int_equal(count("rx_requests"), live.sent);
	assert_int_equal(count("tx_completions"), live.sent);
	assert_int_equal(live.answers + live.again + live.others, 50000 + live.sent);

	/* A right answer has no payload. */
	assert_true(live.data > 100 && count("garble_answers") == live.data);
	assert_true(live.again > live.data);

	/* When no mutations are left, the answer is not delayed. */
	live_send(&live, 1);
	work();
	live_receive(&live);
	assert_true(!live.in_flight && count("garble_answers") == live.data);
	assert_false(bus->errors);
	end();
}

/* A host that is honest from now on gives the answers that it has put off. */
static void owed_answers(void **state)
{
	static struct live live;
	unsigned int data;

	memset(&live, 0, sizeof(live));
	begin_with(&e, "garble count=1000000,what=fields");
	live_send(&live, 1);
	work();
	assert_true(count("rx_requests") == 1 && !count("tx_completions"));
	assert_true(did("behave 0 echo"));
	live_receive(&live);
	work();
	live_receive(&live);
	assert_true(count("tx_completions") == 1 && !live.in_flight);

	data = live.data;
	live_send(&live, 1);
	work();
	live_receive(&live);
	assert_true(!live.in_flight && live.data == data + 1);
	assert_false(bus->errors);
	end();
}

/* Each kind does what it says, and nothing else. */
static void kinds(void **state)
{
	bool odd_write = false, odd_read = false, broken = false;
	uint32_t honest = 0;
	unsigned int i, stands = 0;

	begin_with(&e, "sink");
	for (i = 0; i < 600; i++) {
		char line[80];

		snprintf(line, sizeof(line),
			 "behave 0 garble seed=%u,count=1,what=indices", i);
		assert_true(did(line));
		odd_write |= rx_header(&e)->write_index >= RING_BYTES;
		odd_read |= tx_header(&e)->read_index >= RING_BYTES;
		/* What the guest signals does not make it shorter. */
		vmbus_signal_event(bus, e.connection, 0);
		sleep_ns(MSEC / 2);
		stands += rx_header(&e)->write_index ||
			  tx_header(&e)->read_index;
		sleep_ns(MSEC);
		assert_true(!rx_header(&e)->write_index &&
			    !tx_header(&e)->read_index);
	}
	assert_true(stands > 500);
	assert_int_equal(count("garbled"), 600);
	assert_true(odd_write && odd_read);
	end();

	begin_with(&e, "garble seed=5,count=1000,what=lengths");
	for (i = 0; i < 200; i++) {
		struct descriptor d;

		memcpy(&d, ring_byte(&e, RING_PAGES, honest), sizeof(d));
		broken |= d.offset8 < 2 || d.offset8 > d.len8 ||
			  d.len8 * 8u >= RING_BYTES;
		honest = rx_header(&e)->write_index % RING_BYTES & ~15u;
		swallow();
		sleep_ns(2 * MSEC);
	}
	assert_true(broken && count("garbled") == 1000);
	end();

	begin_with(&e, "sink");
	interrupts = 0;
	assert_true(did("behave 0 garble count=300,what=signals"));
	assert_int_equal(interrupts, 300);
	assert_true(rx_header(&e)->write_index == 0);
	inbox_count = 0;
	assert_true(did("behave 0 garble count=300,what=offers"));
	assert_true(inbox_count == 300 && interrupts == 300);
	assert_false(received(MSG_OFFER));
	assert_true(count("garble_messages") == 300 && !count("garble_offers"));
	end();
}

/* Afterwards it is a host like any other, once the channel was reopened. */
static void recovery(void **state)
{
	static struct incoming in;
	unsigned int i;

	begin_with(&e, "garble seed=6,count=5000,rare=20");
	for (i = 0; i < 20000 && count("garbled") < 5000; i++) {
		swallow();
		/* What the guest does meanwhile is not held against it. */
		vmbus_signal_event(bus, e.connection, 0);
		sleep_ns(2 * MSEC);
	}
	assert_int_equal(count("garbled"), 5000);
	assert_true(count("garble_errors") > 0 && !bus->errors);
	assert_true(did("behave 0 echo"));
	close_channel(&e);
	inbox_count = 0;
	assert_true(did("rescind 0"));
	assert_true(did("offer 0"));
	POST(MSG_RELID_RELEASED, msg_relid, .relid = e.relid);
	open_channel(&e);
	assert_true(did("reset 0"));
	for (i = 0; i < 100; i++) {
		assert_true(send_traffic(&e, i, 100, true));
		work();
		assert_true(read_packet(&e, &in) && in.d.trans == 1000 + i);
	}
	assert_true(count("rx_packets") == 100 && !bus->errors);
	/* And a strict one. */
	assert_false(vmbus_signal_event(bus, e.connection, 0));
	assert_false(vmbus_signal_event(bus, e.connection, 0));
	assert_true(bus->errors == 1);
	end();
}

/* Offers that are odd but not wrong, and results for nobody. */
static void odd_offers(void **state)
{
	const struct msg_offer *offer;
	unsigned int i, odd = 0;

	start();
	assert_true(did("add " CLASS " garble what=offers,count=1000000000"));
	connect();
	offer = received(MSG_OFFER);
	assert_true(offer->relid == 1 && offer->dedicated_interrupt == 1);
	assert_memory_equal(&offer->class, &bus->channels[0]->class, 16);
	for (i = 0; i < sizeof(offer->user); i++)
		odd += offer->user[i] != 0;
	assert_true(odd > 100);
	take_offer(&e);
	inbox_count = 0;
	post_open(&e);
	assert_int_equal(received_count(MSG_OPEN_RESULT), 3);
	assert_true(bus->channels[0]->count.garble_offers == 1);
	assert_true(bus->channels[0]->count.garble_results == 1);
	end();

	/* Not without being told. */
	begin_with(&e, "garble what=fields,count=1000000000");
	assert_true(!count("garble_offers") && !count("garble_results"));
	end();
}

/* Data without its signal is not all that there is. */
static void no_silence(void **state)
{
	unsigned int i;

	begin_with(&e, "sink");
	for (i = 0; i < 300; i++) {
		char line[80];

		swallow();
		interrupts = 0;
		snprintf(line, sizeof(line),
			 "behave 0 garble seed=%u,count=1,what=fields+signals",
			 i);
		assert_true(did(line));
		assert_true(interrupts);
	}
	end();
}

static void a_million(void **state)
{
	struct timespec from, to;
	double seconds;

	begin_with(&e, "garble seed=7,count=1000000,rare=4000000000");
	clock_gettime(CLOCK_MONOTONIC, &from);
	while (bus->channels[0]->source_sent < 1000000) {
		swallow();
		now += 2 * MSEC;
		inbox_count = 0;
		work();
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	seconds = to.tv_sec - from.tv_sec + (to.tv_nsec - from.tv_nsec) / 1e9;
	printf("a million mutations in %.1f s\n", seconds);
	assert_int_equal(count("garbled"), 1000000);
	end();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reproducible),
		cmocka_unit_test(framing),
		cmocka_unit_test(live_requests),
		cmocka_unit_test(owed_answers),
		cmocka_unit_test(kinds),
		cmocka_unit_test(recovery),
		cmocka_unit_test(odd_offers),
		cmocka_unit_test(no_silence),
		cmocka_unit_test(a_million),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
