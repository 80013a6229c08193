// SPDX-License-Identifier: GPL-2.0
/*
 * The host's end of the rings, alone: what it believes, what it writes, and
 * when a signal is due. The rings are arrays; one thread.
 */
#include <stdlib.h>
#include <string.h>

#include "../ring.h"
#include "test.h"

#define PAGES	3u
#define SIZE	((PAGES - 1) * VMBUS_PAGE)

static uint8_t memory[PAGES][VMBUS_PAGE] __attribute__((aligned(VMBUS_PAGE)));
static uint8_t *pages[PAGES], buffer[PACKET_MAX];
static struct ring ring;
static struct ring_header *header;

static void start(void)
{
	memset(memory, 0, sizeof(memory));
	/* The data pages the wrong way round. */
	pages[0] = memory[1];
	pages[1] = memory[2];
	pages[2] = memory[0];
	ring_init(&ring, pages, PAGES);
	header = (struct ring_header *)pages[0];
	header->features = RING_PENDING_SEND_SZ;
}

/* As if the guest had put these words at @index. */
static void poke(uint32_t index, const struct descriptor *d)
{
	ring_store(&ring, index % SIZE, d, sizeof(*d));
}

static enum ring_result put(uint32_t bytes, bool *signal)
{
	static uint8_t payload[PACKET_MAX];
	struct descriptor d = { .type = PKT_INBAND, .trans = 5 };
	uint32_t i;

	for (i = 0; i < bytes; i++)
		payload[i] = i * 7;
	return ring_write(&ring, &d, NULL, 0, payload, bytes, signal);
}

static void empty(void **state)
{
	struct packet packet;

	start();
	assert_int_equal(ring.size, SIZE);
	assert_int_equal(ring_read(&ring, buffer, &packet), RING_NONE);
	assert_false(ring_unmask(&ring));
}

/* What one end writes the other end reads, round and round. */
static void round_and_round(void **state)
{
	struct ring reader;
	struct packet packet;
	unsigned int i, j;
	bool signal;

	start();
	reader = ring;
	for (i = 0; i < 300; i++) {
		uint32_t bytes = i * 13 % 3000, start = ring.index;

		assert_int_equal(put(bytes, &signal), RING_OK);
		/* Each packet finds the ring empty. */
		assert_true(signal);
		assert_int_equal(ring_read(&reader, buffer, &packet), RING_OK);
		assert_true(packet.type == PKT_INBAND && packet.trans == 5);
		assert_true(packet.trailer == (uint64_t)start << 32);
		assert_int_equal(packet.header_bytes, 0);
		assert_true(packet.payload_bytes == ((bytes + 7) & ~7u));
		for (j = 0; j < bytes; j++)
			if (packet.payload[j] != (uint8_t)(j * 7))
				break;
		assert_int_equal(j, bytes);
		assert_false(ring_consume(&reader, packet.total));
		assert_int_equal(ring_read(&reader, buffer, &packet), RING_NONE);
	}
}

static void full(void **state)
{
	uint32_t space;
	bool signal;

	start();
	assert_int_equal(put(SIZE - 24 - 8, &signal), RING_OK);
	assert_true(ring_free(&ring, &space) == RING_OK && space == 8);
	assert_int_equal(put(0, &signal), RING_NONE);
	/* A packet as large as the ring never fits. */
	assert_int_equal(put(SIZE - 24, &signal), RING_BROKEN);
	/* 24 bytes more, and 24 must stay less than what is free. */
	header->read_index = 16;
	assert_int_equal(put(0, &signal), RING_NONE);
	header->read_index = 24;
	assert_int_equal(put(0, &signal), RING_OK);
	assert_false(signal);
	assert_true(header->write_index == 16);
}

static void signals_a_reader(void **state)
{
	bool signal;

	start();
	assert_true(put(8, &signal) == RING_OK && signal);
	/* It was not empty. */
	assert_true(put(8, &signal) == RING_OK && !signal);
	header->read_index = header->write_index;
	header->interrupt_mask = 1;
	assert_true(put(8, &signal) == RING_OK && !signal);
	header->interrupt_mask = 0;
	header->read_index = header->write_index;
	assert_true(put(8, &signal) == RING_OK && signal);
}

static void signals_a_writer(void **state)
{
	struct descriptor d = { .type = PKT_INBAND, .offset8 = 2, .len8 = 2 };
	struct packet packet;
	unsigned int i;

	start();
	/* The guest has filled the ring, but for 8 bytes, with 341 packets. */
	for (i = 0; i < 341; i++)
		poke(i * 24, &d);
	header->write_index = 341 * 24;
	header->pending_send_sz = 56;
	for (i = 0; i < 341; i++) {
		assert_int_equal(ring_read(&ring, buffer, &packet), RING_OK);
		/* Free: 8, 32, 56 (not more than it waits for), 80. */
		assert_int_equal(ring_consume(&ring, packet.total), (i == 2));
	}
	assert_int_equal(ring_read(&ring, buffer, &packet), RING_NONE);

	/* Without the feature it polls. */
	start();
	poke(0, &d);
	header->write_index = 24;
	header->features = 0;
	header->pending_send_sz = SIZE - 8;
	assert_int_equal(ring_read(&ring, buffer, &packet), RING_OK);
	assert_false(ring_consume(&ring, packet.total));
}

static void waits_for_room(void **state)
{
	bool signal;

	start();
	assert_int_equal(put(SIZE - 24 - 8, &signal), RING_OK);
	assert_false(ring_want(&ring, 64));
	assert_true(header->pending_send_sz == 64);
	/* Something smaller does not answer it. */
	header->read_index = 40;
	assert_int_equal(put(0, &signal), RING_OK);
	assert_true(header->pending_send_sz == 64);
	header->read_index = 120;
	assert_true(ring_want(&ring, 64));
	assert_int_equal(put(40, &signal), RING_OK);
	assert_true(header->pending_send_sz == 0);
}

static void lies_to_a_reader(void **state)
{
	static const uint32_t indices[] = {
		SIZE, UINT32_MAX, 4, 12, SIZE - 1, 8, 16,
	};
	static const struct descriptor descriptors[] = {
		{ .offset8 = 2, .len8 = 1 },
		{ .offset8 = 1, .len8 = 4 },
		{ .offset8 = 0, .len8 = 4 },
		{ .offset8 = 5, .len8 = 4 },
		{ .offset8 = 2, .len8 = 5 },	/* 48 bytes, 40 are there */
		{ .offset8 = 0xffff, .len8 = 0xffff },
		{ .offset8 = 2, .len8 = 0xffff },
	};
	struct packet packet;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(indices); i++) {
		start();
		header->write_index = indices[i];
		assert_int_equal(ring_read(&ring, buffer, &packet), RING_BROKEN);
	}
	for (i = 0; i < ARRAY_SIZE(descriptors); i++) {
		start();
		poke(0, &descriptors[i]);
		header->write_index = 40;
		assert_int_equal(ring_read(&ring, buffer, &packet), RING_BROKEN);
	}
	/* What was shown cannot be taken back. */
	start();
	poke(0, &(struct descriptor){ .offset8 = 2, .len8 = 2 });
	header->write_index = 48;
	assert_int_equal(ring_read(&ring, buffer, &packet), RING_OK);
	header->write_index = 24;
	assert_int_equal(ring_read(&ring, buffer, &packet), RING_BROKEN);
}

static void lies_to_a_writer(void **state)
{
	static const uint32_t indices[] = { SIZE, UINT32_MAX, 4, 48, SIZE - 8 };
	uint32_t space;
	size_t i;
	bool signal;

	for (i = 0; i < ARRAY_SIZE(indices); i++) {
		start();
		assert_int_equal(put(0, &signal), RING_OK);
		header->read_index = indices[i];
		assert_int_equal(ring_free(&ring, &space), RING_BROKEN);
		assert_int_equal(put(0, &signal), RING_BROKEN);
	}
	/* Nor what was read. */
	start();
	assert_int_equal(put(8, &signal), RING_OK);
	header->read_index = 32;
	assert_true(ring_free(&ring, &space) == RING_OK && space == SIZE);
	header->read_index = 24;
	assert_int_equal(ring_free(&ring, &space), RING_BROKEN);
}

/* Between the last look and the cleared mask something came. */
static void race_at_the_end(void **state)
{
	start();
	ring_mask(&ring);
	assert_true(header->interrupt_mask == 1);
	header->write_index = 24;
	assert_true(ring_unmask(&ring));
	assert_true(header->interrupt_mask == 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),
		cmocka_unit_test(round_and_round),
		cmocka_unit_test(full),
		cmocka_unit_test(signals_a_reader),
		cmocka_unit_test(signals_a_writer),
		cmocka_unit_test(waits_for_room),
		cmocka_unit_test(lies_to_a_reader),
		cmocka_unit_test(lies_to_a_writer),
		cmocka_unit_test(race_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
