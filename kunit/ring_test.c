// SPDX-License-Identifier: GPL-2.0
/*
 * Packets in a VMBus ring: what is there, what comes out, and what fits. Both
 * sides of one ring are put at chosen places and compared with a rule written
 * down a second time here.
 */
#include <kunit/test.h>

#include <linux/jhash.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "ring_fixture.h"

static void an_empty_ring_has_no_packet(struct kunit *test)
{
	struct ring_fixture *f = test->priv;
	u32 at;

	for (at = 0; at < f->size; at += 8) {
		struct kmcl_ring_packet pkt = { .total = 1 };

		ring_at(f, at, at);
		KUNIT_ASSERT_EQ(test, kmcl_ring_peek(&f->rx, &pkt), KMCL_RING_OK);
		KUNIT_ASSERT_EQ(test, pkt.total, 0);
		KUNIT_ASSERT_EQ(test, kmcl_ring_space(&f->tx), f->size);
		KUNIT_ASSERT_FALSE(test, kmcl_ring_unmask(&f->rx));
	}
}

static void a_packet_is_seen_only_after_the_commit(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, ring_put_bytes(f, 32), 0);
	KUNIT_EXPECT_EQ(test, f->ctl->write_index, 0);
	KUNIT_EXPECT_EQ(test, ring_take(test, f), 0);
	KUNIT_EXPECT_EQ(test, kmcl_ring_space(&f->tx), f->size - 32);

	KUNIT_EXPECT_TRUE(test, kmcl_ring_commit(&f->tx));
	KUNIT_EXPECT_EQ(test, f->ctl->write_index, 32);
	KUNIT_EXPECT_EQ(test, ring_take(test, f), 32);
	KUNIT_EXPECT_EQ(test, ring_take(test, f), 0);
}

static void space_is_given_back_only_by_the_release(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, ring_put_bytes(f, 32), 0);
	kmcl_ring_commit(&f->tx);
	KUNIT_EXPECT_EQ(test, ring_take(test, f), 32);
	KUNIT_EXPECT_EQ(test, f->ctl->read_index, 0);
	KUNIT_EXPECT_EQ(test, kmcl_ring_space(&f->tx), f->size - 32);

	kmcl_ring_release(&f->rx);
	KUNIT_EXPECT_EQ(test, f->ctl->read_index, 32);
	KUNIT_EXPECT_EQ(test, kmcl_ring_space(&f->tx), f->size);
}

/* The bytes of the wire, little-endian on any machine */
static void a_packet_has_the_layout_of_the_wire(struct kunit *test)
{
	static const u8 header[8] = { 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17 };
	static const u8 payload[11] = "hello ring";
	static const u8 wire[] = {
		0x09, 0x00, 0x03, 0x00, 0x05, 0x00, 0x01, 0x00,
		0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01,
		0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
		'h', 'e', 'l', 'l', 'o', ' ', 'r', 'i',
		'n', 'g', 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0x40, 0, 0, 0,
		POISON,
	};
	struct ring_fixture *f = test->priv;
	struct kmcl_ring_packet pkt;

	ring_at(f, 0x40, 0x40);
	KUNIT_ASSERT_EQ(test, 0,
			kmcl_ring_put(&f->tx, KMCL_WIRE_DATA_GPA_DIRECT,
				      KMCL_WIRE_FLAG_COMPLETION_REQUESTED,
				      0x0102030405060708, header, sizeof(header),
				      payload, sizeof(payload)));
	KUNIT_EXPECT_MEMEQ(test, f->data + 0x40, wire, sizeof(wire));
	KUNIT_EXPECT_EQ(test, kmcl_ring_bytes(8, 11), sizeof(wire) - 1);
	kmcl_ring_commit(&f->tx);

	KUNIT_ASSERT_EQ(test, kmcl_ring_peek(&f->rx, &pkt), KMCL_RING_OK);
	KUNIT_EXPECT_EQ(test, pkt.type, KMCL_WIRE_DATA_GPA_DIRECT);
	KUNIT_EXPECT_EQ(test, pkt.flags, KMCL_WIRE_FLAG_COMPLETION_REQUESTED);
	KUNIT_EXPECT_EQ(test, pkt.trans_id, 0x0102030405060708);
	KUNIT_EXPECT_EQ(test, pkt.header_len, 8);
	KUNIT_EXPECT_PTR_EQ(test, pkt.header, f->data + 0x40 + 16);
	KUNIT_EXPECT_EQ(test, pkt.payload_len, 16);
	KUNIT_EXPECT_PTR_EQ(test, pkt.payload, f->data + 0x40 + 24);
	KUNIT_EXPECT_EQ(test, pkt.total, sizeof(wire) - 1);
}

static void each_payload_length_is_padded_with_zeroes(struct kunit *test)
{
	struct ring_fixture *f = test->priv;
	u8 payload[64];
	u32 len, i;

	memset(payload, 0x5a, sizeof(payload));
	for (len = 0; len <= sizeof(payload); len++) {
		struct kmcl_ring_packet pkt;

		ring_at(f, 0, 0);
		memset(f->data, POISON, f->size);
		KUNIT_ASSERT_EQ(test, 0,
				kmcl_ring_put(&f->tx, KMCL_WIRE_DATA_INBAND, 0, 1,
					      NULL, 0, payload, len));
		kmcl_ring_commit(&f->tx);
		KUNIT_ASSERT_EQ(test, kmcl_ring_peek(&f->rx, &pkt), KMCL_RING_OK);
		KUNIT_ASSERT_EQ(test, pkt.payload_len, ALIGN(len, 8));
		KUNIT_ASSERT_EQ(test, pkt.total, kmcl_ring_bytes(0, len));
		for (i = 0; i < pkt.payload_len; i++)
			KUNIT_ASSERT_EQ(test, pkt.payload[i], i < len ? 0x5a : 0);
		KUNIT_ASSERT_EQ(test, f->data[pkt.total], POISON);
	}
}

/* Also in a batch, where it is not the committed index */
static void a_trailer_says_where_its_packet_starts(struct kunit *test)
{
	struct ring_fixture *f = test->priv;
	u32 at = f->size - 64, i;

	ring_at(f, at, at);
	for (i = 0; i < 4; i++) {
		const __le64 *trailer;

		KUNIT_ASSERT_EQ(test, ring_put_bytes(f, 40), 0);
		trailer = (const __le64 *)(f->data + wrap(f, at + 32));
		KUNIT_EXPECT_EQ(test, le64_to_cpu(*trailer), (u64)at << 32);
		at = wrap(f, at + 40);
	}
}

/* Each as kmcl_ring_put() writes one, and nothing behind the last; also where it wraps */
static void empty_completions_are_written_together(struct kunit *test)
{
	static const u64 ids[4] = { 1, 0x0102030405060708, 3, U64_MAX };
	const u32 bytes = 5 * SMALLEST;
	struct ring_fixture *f = test->priv;
	u8 *image = kunit_kzalloc(test, f->size, GFP_KERNEL);
	u32 from[] = { 0, f->size - 40 }, i, j;

	KUNIT_ASSERT_NOT_NULL(test, image);
	for (i = 0; i < ARRAY_SIZE(from); i++) {
		ring_at(f, from[i], from[i]);
		memset(f->data, POISON, f->size);
		for (j = 3; j < 3 + 5; j++)
			KUNIT_ASSERT_EQ(test, 0,
					kmcl_ring_put(&f->tx, KMCL_WIRE_COMP, 0,
						      ids[j % 4], NULL, 0, NULL, 0));
		memcpy(image, f->data, f->size);

		ring_at(f, from[i], from[i]);
		memset(f->data, POISON, f->size);
		KUNIT_ASSERT_EQ(test, 0, kmcl_ring_refill(&f->tx, bytes));
		kmcl_ring_put_empty(&f->tx, ids, 4, 3, 5);
		KUNIT_EXPECT_MEMEQ(test, f->data, image, f->size);
		KUNIT_EXPECT_EQ(test, f->tx.index, wrap(f, from[i] + bytes));
		KUNIT_EXPECT_EQ(test, kmcl_ring_space(&f->tx), f->size - bytes);
	}
}

static void a_packet_wraps_at_every_offset(struct kunit *test)
{
	struct ring_fixture *f = test->priv;
	u8 *image, *payload;
	u32 at, len, i;

	image = kunit_kmalloc(test, f->size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, image);
	payload = kunit_kmalloc(test, f->size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, payload);

	for (at = 0; at < f->size; at += 8) {
		struct kmcl_ring_packet pkt;
		u8 header[16];

		/* Many lengths, among them the longest that fits */
		len = at % 64 ? at * 7 % (f->size - 48) : f->size - 48;
		ring_pattern(header, sizeof(header), ~at);
		ring_pattern(payload, len, at);
		ring_at(f, at, at);
		memset(f->data, POISON, f->size);

		KUNIT_ASSERT_EQ(test, 0,
				kmcl_ring_put(&f->tx, KMCL_WIRE_DATA_INBAND, 0, at + 1,
					      header, sizeof(header), payload, len));
		KUNIT_ASSERT_TRUE(test, kmcl_ring_commit(&f->tx));
		KUNIT_ASSERT_EQ(test, f->ctl->write_index,
				wrap(f, at + kmcl_ring_bytes(16, len)));

		KUNIT_ASSERT_EQ(test, kmcl_ring_peek(&f->rx, &pkt), KMCL_RING_OK);
		KUNIT_ASSERT_EQ(test, pkt.trans_id, at + 1);
		KUNIT_ASSERT_EQ(test, pkt.header_len, sizeof(header));
		KUNIT_ASSERT_EQ(test, pkt.payload_len, ALIGN(len, 8));
		KUNIT_ASSERT_EQ(test, jhash(pkt.header, sizeof(header), 1),
				jhash(header, sizeof(header), 1));
		KUNIT_ASSERT_EQ(test, jhash(pkt.payload, len, 2),
				jhash(payload, len, 2));

		/* Nothing else was touched */
		memcpy(image, f->data, f->size);
		for (i = pkt.total; i < f->size; i++)
			KUNIT_ASSERT_EQ(test, image[wrap(f, at + i)], POISON);

		kmcl_ring_consume(&f->rx, &pkt);
		kmcl_ring_release(&f->rx);
		KUNIT_ASSERT_EQ(test, f->ctl->read_index, f->ctl->write_index);
		KUNIT_ASSERT_EQ(test, ring_take(test, f), 0);
	}
}

/* What fits */

static void a_full_ring_refuses_until_space_is_released(struct kunit *test)
{
	struct ring_fixture *f = test->priv;
	u32 fit = (f->size - 8) / 32, i;

	for (i = 0; i < fit; i++)
		KUNIT_ASSERT_EQ(test, ring_put_bytes(f, 32), 0);
	KUNIT_EXPECT_EQ(test, f->tx.full, 0);
	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, 32), -EAGAIN);
	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, 32), -EAGAIN);
	KUNIT_EXPECT_EQ(test, f->tx.full, 2);
	kmcl_ring_commit(&f->tx);

	KUNIT_EXPECT_EQ(test, ring_take(test, f), 32);
	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, 32), -EAGAIN);
	kmcl_ring_release(&f->rx);
	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, 32), 0);
	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, 32), -EAGAIN);
	kmcl_ring_commit(&f->tx);

	for (i = 0; i < fit; i++)
		KUNIT_ASSERT_EQ(test, ring_take(test, f), 32);
	KUNIT_EXPECT_EQ(test, ring_take(test, f), 0);
}

static void a_packet_needs_strictly_more_space_than_it_takes(struct kunit *test)
{
	struct ring_fixture *f = test->priv;
	u32 free, bytes, read;

	for (free = SMALLEST; free < f->size; free += 8) {
		for (read = 0; read < f->size; read += f->size - 8) {
			u32 write = wrap(f, read + f->size - free);

			/* As long as the space, and one unit less */
			ring_at(f, read, write);
			KUNIT_ASSERT_EQ(test, kmcl_ring_space(&f->tx), free);
			KUNIT_ASSERT_EQ(test, ring_put_bytes(f, free), -EAGAIN);
			KUNIT_ASSERT_EQ(test, f->tx.index, write);
			bytes = free - 8;
			if (bytes < SMALLEST)
				continue;

			/* A unit is taken by its first byte */
			KUNIT_ASSERT_EQ(test, ring_put_bytes(f, bytes + 1), -EAGAIN);
			KUNIT_ASSERT_EQ(test, f->tx.full, 2);
			KUNIT_ASSERT_EQ(test, ring_put_bytes(f, bytes), 0);
			KUNIT_ASSERT_EQ(test, kmcl_ring_space(&f->tx), 8);
			KUNIT_ASSERT_NE(test, f->tx.index, read);

			/* The same with the header taking the space */
			ring_at(f, read, write);
			KUNIT_ASSERT_EQ(test, -EAGAIN,
					kmcl_ring_put(&f->tx, 6, 0, 1, f->ctl,
						      free - SMALLEST, NULL, 0));
			KUNIT_ASSERT_EQ(test, 0,
					kmcl_ring_put(&f->tx, 6, 0, 1, f->ctl,
						      bytes - SMALLEST, NULL, 0));
		}
	}
}

static void a_packet_that_never_fits_is_too_long(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, f->size), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, f->size + 8), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, f->tx.full, 0);
	KUNIT_EXPECT_EQ(test, f->tx.index, 0);
	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, f->size - 8), 0);
}

static const struct bad_lengths {
	const char *name;
	u32 header_len;
	u32 payload_len;
	int ret;
} bad_lengths[] = {
	{ "a payload too long", 0, KMCL_MAX_PACKET_SIZE + 1, -EMSGSIZE },
	{ "too long with the header", 8, KMCL_MAX_PACKET_SIZE - 7, -EMSGSIZE },
	{ "too long by a byte", KMCL_MAX_PACKET_SIZE, 1, -EMSGSIZE },
	{ "a header too long", KMCL_MAX_PACKET_SIZE + 8, 0, -EMSGSIZE },
	{ "the longest payload", 0, U32_MAX, -EMSGSIZE },
	{ "a sum that wraps with descriptor and trailer", 0, U32_MAX - 22,
	  -EMSGSIZE },
	{ "a sum that wraps to 0", U32_MAX - 7, 8, -EMSGSIZE },
	{ "a sum that wraps", U32_MAX - 7, U32_MAX, -EMSGSIZE },
	{ "the longest header", U32_MAX - 15, 0, -EMSGSIZE },
	{ "a header of no whole units", 1, 0, -EINVAL },
	{ "a header of no whole units, and a payload", 12, 8, -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(bad_lengths, bad_lengths, name);

static void lengths_that_cannot_be_are_refused(struct kunit *test)
{
	const struct bad_lengths *bad = test->param_value;
	struct ring_fixture *f = ring_fixture_new(test, 0x101000);
	u32 max = KMCL_MAX_PACKET_SIZE;
	u8 *payload;

	payload = kunit_kzalloc(test, max, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, payload);
	KUNIT_EXPECT_EQ(test, bad->ret,
			kmcl_ring_put(&f->tx, 6, 0, 1, payload, bad->header_len,
				      payload, bad->payload_len));
	KUNIT_EXPECT_EQ(test, f->tx.index, 0);
	KUNIT_EXPECT_FALSE(test, kmcl_ring_commit(&f->tx));
	/* It does not block others */
	KUNIT_EXPECT_EQ(test, 0,
			kmcl_ring_put(&f->tx, 6, 0, 1, NULL, 0, payload, max));
}

static void len8_does_not_overflow(struct kunit *test)
{
	struct ring_fixture *f = ring_fixture_new(test, 0x101000);
	u32 max = KMCL_MAX_PACKET_SIZE;
	struct kmcl_ring_packet pkt;
	u8 *payload;

	payload = kunit_kmalloc(test, max, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, payload);
	ring_pattern(payload, max, 1);

	KUNIT_ASSERT_EQ(test, 0,
			kmcl_ring_put(&f->tx, 6, 0, 1, NULL, 0, payload, max));
	KUNIT_ASSERT_EQ(test, 0,
			kmcl_ring_put(&f->tx, 6, 0, 2, payload, max - 8, payload, 1));
	kmcl_ring_commit(&f->tx);

	KUNIT_ASSERT_EQ(test, kmcl_ring_peek(&f->rx, &pkt), KMCL_RING_OK);
	KUNIT_EXPECT_EQ(test, pkt.payload_len, max);
	KUNIT_EXPECT_EQ(test, pkt.total, 0xffff * 8 + 8);
	KUNIT_EXPECT_MEMEQ(test, pkt.payload, payload, max);
	kmcl_ring_consume(&f->rx, &pkt);

	KUNIT_ASSERT_EQ(test, kmcl_ring_peek(&f->rx, &pkt), KMCL_RING_OK);
	KUNIT_EXPECT_EQ(test, pkt.header_len, max - 8);
	KUNIT_EXPECT_EQ(test, pkt.payload_len, 8);
	KUNIT_EXPECT_MEMEQ(test, pkt.header, payload, max - 8);
}

/* The short way to write a packet leaves the same in the ring, at any place in it */
static void a_short_packet_looks_like_any_other(struct kunit *test)
{
	struct ring_fixture *f = test->priv;
	struct ring_fixture *g = ring_fixture_new(test, f->size);
	u8 payload[KMCL_RING_WORDS];
	u32 len, at, bytes;

	for (len = 0; len < KMCL_RING_WORDS; len++) {
		ring_pattern(payload, sizeof(payload), len);
		bytes = kmcl_ring_bytes(0, len);
		for (at = f->size - bytes - 8; at < f->size; at += 8) {
			memset(f->data, POISON, f->size);
			memset(g->data, POISON, g->size);
			ring_at(f, at, at);
			ring_at(g, at, at);
			KUNIT_ASSERT_EQ(test, 0,
					kmcl_ring_put(&f->tx, KMCL_WIRE_DATA_INBAND,
						      0, 7 + len, NULL, 0,
						      payload, len));
			kmcl_ring_store(&g->tx, at, bytes, 7 + len, payload,
					len);
			KUNIT_ASSERT_MEMEQ(test, f->data, g->data, f->size);
		}
	}
}

static struct kunit_case ring_test_cases[] = {
	KUNIT_CASE(an_empty_ring_has_no_packet),
	KUNIT_CASE(a_packet_is_seen_only_after_the_commit),
	KUNIT_CASE(space_is_given_back_only_by_the_release),
	KUNIT_CASE(a_packet_has_the_layout_of_the_wire),
	KUNIT_CASE(each_payload_length_is_padded_with_zeroes),
	KUNIT_CASE(a_short_packet_looks_like_any_other),
	KUNIT_CASE(a_trailer_says_where_its_packet_starts),
	KUNIT_CASE(empty_completions_are_written_together),
	KUNIT_CASE(a_packet_wraps_at_every_offset),
	KUNIT_CASE(a_full_ring_refuses_until_space_is_released),
	KUNIT_CASE(a_packet_needs_strictly_more_space_than_it_takes),
	KUNIT_CASE(a_packet_that_never_fits_is_too_long),
	KUNIT_CASE_PARAM(lengths_that_cannot_be_are_refused,
			 bad_lengths_gen_params),
	KUNIT_CASE(len8_does_not_overflow),
	{}
};

static struct kunit_suite ring_test_suite = {
	.name = "kmcl_ring",
	.init = ring_test_init,
	.test_cases = ring_test_cases,
};

kunit_test_suite(ring_test_suite);
