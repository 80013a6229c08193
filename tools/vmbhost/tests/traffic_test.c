// SPDX-License-Identifier: GPL-2.0
/*
 * What the host finds out about the payloads that it reads. The guest is made
 * of functions: see guest.h. One thread.
 */
#include "guest.h"

static struct endpoint e;
static struct incoming in;

/* zlib's value of the usual check string. */
static void checksum(void **state)
{
	assert_int_equal(crc32(0, "123456789", 9), 0xcbf43926u);
	assert_true(crc32(crc32(0, "1234", 4), "56789", 5) == 0xcbf43926u);
	assert_int_equal(crc32(0, "", 0), 0);
}

static void sequences(void **state)
{
	static const uint64_t order[] = { 0, 1, 4, 2, 2, 5, 5, 0, 6, 100000 };
	size_t i;

	begin_with(&e, "sink");
	for (i = 0; i < ARRAY_SIZE(order); i++)
		assert_true(send_traffic(&e, order[i], 32, false));
	/* Missing: 3, and 7 to 99999; 2 came late; 2, 5 and 0 came twice. */
	assert_int_equal(count("rx_missing"), 1 + 99993);
	assert_int_equal(count("rx_order_errors"), 1);
	assert_int_equal(count("rx_duplicates"), 3);
	assert_true(did("reset 0"));
	assert_true(send_traffic(&e, 0, 32, false));
	assert_true(count("rx_packets") == 1 && count("rx_missing") == 0);
	assert_false(bus->errors);
	end();
}

/* Each of several senders has an order of its own. */
static void senders(void **state)
{
	const uint64_t second = 1ull << KMCL_TRAFFIC_SENDER_SHIFT;
	const uint64_t fourth = 3 * second;

	begin_with(&e, "sink");
	assert_true(send_traffic(&e, 0, 32, false));
	assert_true(send_traffic(&e, second, 32, false));
	assert_true(send_traffic(&e, fourth, 32, false));
	assert_true(send_traffic(&e, second + 1, 32, false));
	assert_true(send_traffic(&e, 1, 32, false));
	assert_true(send_traffic(&e, second + 2, 32, false));
	assert_true(send_traffic(&e, fourth + 1, 32, false));
	assert_true(count("rx_missing") + count("rx_order_errors") +
		    count("rx_duplicates") == 0);
	assert_true(send_traffic(&e, second + 5, 32, false));
	assert_true(send_traffic(&e, 1, 32, false));
	assert_true(send_traffic(&e, second + 4, 32, false));
	assert_true(count("rx_missing") == 1 && count("rx_duplicates") == 1);
	assert_int_equal(count("rx_order_errors"), 1);
	assert_false(bus->errors);
	end();
}

static void damage(void **state)
{
	struct {
		uint32_t magic, checksum;
		uint64_t sequence;
		uint32_t length, kind;
		uint8_t pattern[40];
	} p;

	begin_with(&e, "sink");
	traffic_fill((uint8_t *)&p, sizeof(p), 0);
	p.pattern[7] ^= 1;
	send_packet(&e, PKT_INBAND, 0, 0, &p, sizeof(p));
	assert_int_equal(count("rx_checksum_errors"), 1);
	/* The right checksum of the wrong bytes. */
	p.checksum = crc32(0, &p.sequence, sizeof(p) - 8);
	send_packet(&e, PKT_INBAND, 0, 0, &p, sizeof(p));
	assert_int_equal(count("rx_pattern_errors"), 1);
	traffic_fill((uint8_t *)&p, sizeof(p), 0);
	p.length += 1;
	send_packet(&e, PKT_INBAND, 0, 0, &p, sizeof(p));
	assert_int_equal(count("rx_length_errors"), 1);
	p.length = sizeof(p) - 8;
	send_packet(&e, PKT_INBAND, 0, 0, &p, sizeof(p));
	assert_int_equal(count("rx_length_errors"), 2);
	send_packet(&e, PKT_INBAND, 0, 0, "hello", 5);
	assert_int_equal(count("rx_foreign"), 1);
	assert_int_equal(count("rx_packets"), 5);
	assert_false(bus->errors);
	end();
}

static void gpa_direct(void **state)
{
	struct {
		struct descriptor d;
		uint32_t reserved, ranges;
		uint32_t bytes, offset;
		uint64_t frame[2];
		uint8_t payload[24];
		uint64_t trailer;
	} __attribute__((packed)) p = {
		.d = { .type = PKT_GPA_DIRECT, .offset8 = 6, .len8 = 9 },
		.ranges = 1, .bytes = 200, .offset = 4000,
		.frame = { 50, 44 },
	};
	uint8_t buffer[200];
	unsigned int round;

	begin_with(&e, "sink");
	for (round = 0; round < 6; round++) {
		traffic_fill(p.payload, sizeof(p.payload), round);
		traffic_fill(buffer, sizeof(buffer), round + (round == 2));
		memcpy(memory + 50 * VMBUS_PAGE + 4000, buffer, 96);
		memcpy(memory + 44 * VMBUS_PAGE, buffer + 96, 104);
		if (round == 1)
			memory[44 * VMBUS_PAGE + 7] ^= 1;
		if (round >= 3)
			p.frame[1] = round == 3 ? PAGES : 46;
		if (round == 5)
			p.frame[0] = 46;
		p.trailer = (uint64_t)e.write << 32;
		memcpy(ring_byte(&e, 0, e.write), &p, sizeof(p));
		e.write += sizeof(p);
		tx_header(&e)->write_index = e.write;
		assert_false(vmbus_signal_event(bus, e.connection, 0));
		work();
		/*
		 * A flipped bit; another packet's; memory that is not there; a
		 * wrong frame, as the second and as the first.
		 */
		assert_true(count("gpa_checksum_errors") ==
			    (round < 3 ? round : round < 4 ? 2 : 3));
		assert_int_equal(count("gpa_foreign"), (round < 3 ? 0 : round < 5 ? 1 : 2));
		assert_true(bus->errors == (round >= 3));
	}
	assert_true(count("gpa_ranges") == 6 && count("gpa_bytes") == 1200);
	assert_true(count("rx_packets") == 6 && count("rx_missing") == 0);
	end();
}

/* A pipe's messages are as long as they say, and echoed with their header. */
static void pipes(void **state)
{
	uint8_t p[8 + 104] = { 0 };
	uint32_t bytes;

	begin_with(&e, "flags=0x11 echo");
	for (bytes = 24; bytes < 100; bytes++) {
		uint32_t padded = 8 + ((bytes + 7) & ~7u);

		memset(p, 0, sizeof(p));
		assert_true(traffic_make(bus->channels[0], p, bytes, bytes - 24) ==
			    8 + bytes);
		assert_true(send_packet(&e, PKT_INBAND, 0, 0, p, 8 + bytes));
		work();
		assert_true(read_packet(&e, &in) && in.d.type == PKT_INBAND);
		assert_true(in.bytes == padded && !memcmp(in.payload, p, padded));
	}
	assert_int_equal(count("rx_packets"), 76);
	assert_true(count("rx_missing") + count("rx_foreign") +
		    count("rx_length_errors") + count("rx_checksum_errors") == 0);
	assert_false(bus->errors);
	/* One byte less than the payload says, and one more. */
	traffic_make(bus->channels[0], p, 50, 76);
	p[4]--;
	assert_true(send_packet(&e, PKT_INBAND, 0, 0, p, 58));
	assert_true(count("rx_length_errors") == 1 && !bus->errors);
	p[4] += 2;
	assert_true(send_packet(&e, PKT_INBAND, 0, 0, p, 58));
	assert_true(count("rx_length_errors") == 2 && !bus->errors);
	end();
}

/* What is no message of a pipe's. */
static void bad_pipes(void **state)
{
	struct {
		struct pipe_header header;
		uint8_t message[32];
	} p;
	unsigned int i;

	begin_with(&e, "flags=0x11 sink");
	for (i = 0; i < 6; i++) {
		traffic_make(bus->channels[0], (uint8_t *)&p, 32, i);
		p.header.type += i == 0;
		p.header.bytes += i == 1 ? 1 : i == 2 ? (uint32_t)-8 : 0;
		assert_true(send_packet(&e, i == 3 ? PKT_COMPLETION : PKT_INBAND,
					i == 4, i, &p, i == 5 ? 0 : sizeof(p)));
		work();
		/* A completion of nothing is an error of its own. */
		assert_true(bus->errors == i + 1 + (i >= 3));
	}
	p.header.bytes = UINT32_MAX;
	assert_true(send_packet(&e, PKT_INBAND, 0, 0, &p, sizeof(p)));
	work();
	assert_true(bus->errors == 8);
	assert_true(count("rx_packets") == 6 && count("rx_completions") == 1);
	end();
}

static void pipe_source(void **state)
{
	uint8_t expected[120] = { 0 };

	begin_with(&e, "flags=0x11 source rate=0,size=101,count=1");
	traffic_fill(expected + 8, 101, 0);
	expected[0] = PIPE_DATA;
	expected[4] = 101;
	assert_true(read_packet(&e, &in) && in.d.type == PKT_INBAND);
	assert_true(in.bytes == 112 && !memcmp(in.payload, expected, 112));
	assert_false(read_packet(&e, &in));
	end();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksum),
		cmocka_unit_test(sequences),
		cmocka_unit_test(senders),
		cmocka_unit_test(damage),
		cmocka_unit_test(gpa_direct),
		cmocka_unit_test(pipes),
		cmocka_unit_test(bad_pipes),
		cmocka_unit_test(pipe_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
