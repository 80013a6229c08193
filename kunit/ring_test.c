// SPDX-License-Identifier: GPL-2.0
/*
 * The VMBus ring: what fits, when to signal, and what a hostile peer can
 * write. Most cases put both sides of one ring at chosen places and compare
 * with a rule written down a second time here; the last ones run a producer
 * and a consumer against each other that sleep until they are signalled.
 */
#include <kunit/resource.h>
#include <kunit/test.h>

#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/gfp.h>
#include <linux/jhash.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>

#include "ring.h"

#define SMALLEST	24U	/* descriptor and trailer */
#define POISON		0xa5

struct ring_fixture {
	struct kmcl_ring_ctl *ctl;
	struct kmcl_ring tx;
	struct kmcl_ring rx;
	struct page **pages;
	u8 *data;
	u32 size;
	u32 npages;
};

static void fixture_free(void *data)
{
	struct ring_fixture *f = data;
	u32 i;

	vunmap(f->data);
	for (i = 0; i < f->npages; i++)
		if (f->pages[i])
			__free_page(f->pages[i]);
}

static struct ring_fixture *fixture_new(struct kunit *test, u32 bytes)
{
	u32 npages = DIV_ROUND_UP(bytes, PAGE_SIZE);
	struct ring_fixture *f;
	u32 i;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->ctl = kunit_kzalloc(test, KMCL_PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->ctl);
	f->pages = kunit_kcalloc(test, 2 * npages, sizeof(*f->pages), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->pages);
	f->npages = npages;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, fixture_free, f));

	for (i = 0; i < npages; i++) {
		f->pages[i] = alloc_page(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, f->pages[i]);
		f->pages[npages + i] = f->pages[i];
	}
	f->data = vmap(f->pages, 2 * npages, VM_MAP, PAGE_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->data);

	f->size = npages * PAGE_SIZE;
	memset(f->data, POISON, f->size);
	f->ctl->feature_bits = KMCL_RING_FEATURE_PENDING_SEND_SZ;
	kmcl_ring_init(&f->tx, f->ctl, f->data, f->size);
	kmcl_ring_init(&f->rx, f->ctl, f->data, f->size);
	return f;
}

static int ring_test_init(struct kunit *test)
{
	test->priv = fixture_new(test, KMCL_PAGE_SIZE);
	return 0;
}

/* As if packets up to @write had been put, and those up to @read consumed */
static void ring_at(struct ring_fixture *f, u32 read, u32 write)
{
	f->ctl->read_index = read;
	f->ctl->write_index = write;
	f->ctl->interrupt_mask = 0;
	f->ctl->pending_send_sz = 0;
	kmcl_ring_init(&f->tx, f->ctl, f->data, f->size);
	kmcl_ring_init(&f->rx, f->ctl, f->data, f->size);
	f->tx.index = write;
	f->tx.shared = write;
	f->rx.index = read;
	f->rx.shared = read;
}

static u32 wrap(const struct ring_fixture *f, u32 index)
{
	return index % f->size;
}

/* A packet that takes @bytes of the ring */
static int put_bytes(struct ring_fixture *f, u32 bytes)
{
	static const u8 zeroes[2 * PAGE_SIZE];

	return kmcl_ring_put(&f->tx, KMCL_WIRE_DATA_INBAND, 0, 1, NULL, 0,
			     zeroes, bytes - SMALLEST);
}

/* Consume one packet; its size, or 0 if there is none */
static u32 take(struct kunit *test, struct ring_fixture *f)
{
	struct kmcl_ring_packet pkt;

	KUNIT_ASSERT_EQ(test, kmcl_ring_peek(&f->rx, &pkt), KMCL_RING_OK);
	if (pkt.total)
		kmcl_ring_consume(&f->rx, &pkt);
	return pkt.total;
}

static void pattern(u8 *p, u32 len, u32 seed)
{
	struct rnd_state rnd;

	prandom_seed_state(&rnd, seed);
	prandom_bytes_state(&rnd, p, len);
}

/* What is there and what comes out */

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

	KUNIT_ASSERT_EQ(test, put_bytes(f, 32), 0);
	KUNIT_EXPECT_EQ(test, f->ctl->write_index, 0);
	KUNIT_EXPECT_EQ(test, take(test, f), 0);
	KUNIT_EXPECT_EQ(test, kmcl_ring_space(&f->tx), f->size - 32);

	KUNIT_EXPECT_TRUE(test, kmcl_ring_commit(&f->tx));
	KUNIT_EXPECT_EQ(test, f->ctl->write_index, 32);
	KUNIT_EXPECT_EQ(test, take(test, f), 32);
	KUNIT_EXPECT_EQ(test, take(test, f), 0);
}

static void space_is_given_back_only_by_the_release(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, put_bytes(f, 32), 0);
	kmcl_ring_commit(&f->tx);
	KUNIT_EXPECT_EQ(test, take(test, f), 32);
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

		KUNIT_ASSERT_EQ(test, put_bytes(f, 40), 0);
		trailer = (const __le64 *)(f->data + wrap(f, at + 32));
		KUNIT_EXPECT_EQ(test, le64_to_cpu(*trailer), (u64)at << 32);
		at = wrap(f, at + 40);
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
		pattern(header, sizeof(header), ~at);
		pattern(payload, len, at);
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
		KUNIT_ASSERT_EQ(test, take(test, f), 0);
	}
}

/* What fits */

static void a_full_ring_refuses_until_space_is_released(struct kunit *test)
{
	struct ring_fixture *f = test->priv;
	u32 fit = (f->size - 8) / 32, i;

	for (i = 0; i < fit; i++)
		KUNIT_ASSERT_EQ(test, put_bytes(f, 32), 0);
	KUNIT_EXPECT_EQ(test, f->tx.full, 0);
	KUNIT_EXPECT_EQ(test, put_bytes(f, 32), -EAGAIN);
	KUNIT_EXPECT_EQ(test, put_bytes(f, 32), -EAGAIN);
	KUNIT_EXPECT_EQ(test, f->tx.full, 2);
	kmcl_ring_commit(&f->tx);

	KUNIT_EXPECT_EQ(test, take(test, f), 32);
	KUNIT_EXPECT_EQ(test, put_bytes(f, 32), -EAGAIN);
	kmcl_ring_release(&f->rx);
	KUNIT_EXPECT_EQ(test, put_bytes(f, 32), 0);
	KUNIT_EXPECT_EQ(test, put_bytes(f, 32), -EAGAIN);
	kmcl_ring_commit(&f->tx);

	for (i = 0; i < fit; i++)
		KUNIT_ASSERT_EQ(test, take(test, f), 32);
	KUNIT_EXPECT_EQ(test, take(test, f), 0);
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
			KUNIT_ASSERT_EQ(test, put_bytes(f, free), -EAGAIN);
			KUNIT_ASSERT_EQ(test, f->tx.index, write);
			bytes = free - 8;
			if (bytes < SMALLEST)
				continue;

			/* A unit is taken by its first byte */
			KUNIT_ASSERT_EQ(test, put_bytes(f, bytes + 1), -EAGAIN);
			KUNIT_ASSERT_EQ(test, f->tx.full, 2);
			KUNIT_ASSERT_EQ(test, put_bytes(f, bytes), 0);
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

	KUNIT_EXPECT_EQ(test, put_bytes(f, f->size), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, put_bytes(f, f->size + 8), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, f->tx.full, 0);
	KUNIT_EXPECT_EQ(test, f->tx.index, 0);
	KUNIT_EXPECT_EQ(test, put_bytes(f, f->size - 8), 0);
}

static void len8_does_not_overflow(struct kunit *test)
{
	struct ring_fixture *f = fixture_new(test, 0x101000);
	u32 max = KMCL_MAX_PACKET_SIZE, i;
	struct kmcl_ring_packet pkt;
	u8 *payload;

	static const struct {
		u32 header_len;
		u32 payload_len;
		int ret;
	} cases[] = {
		{ 0, KMCL_MAX_PACKET_SIZE + 1, -EMSGSIZE },
		{ 8, KMCL_MAX_PACKET_SIZE - 7, -EMSGSIZE },
		{ KMCL_MAX_PACKET_SIZE, 1, -EMSGSIZE },
		{ KMCL_MAX_PACKET_SIZE + 8, 0, -EMSGSIZE },
		{ 0, U32_MAX, -EMSGSIZE },
		{ 0, U32_MAX - 22, -EMSGSIZE },
		{ U32_MAX - 7, 8, -EMSGSIZE },
		{ U32_MAX - 7, U32_MAX, -EMSGSIZE },
		{ U32_MAX - 15, 0, -EMSGSIZE },
		{ 1, 0, -EINVAL },
		{ 12, 8, -EINVAL },
	};

	payload = kunit_kmalloc(test, max, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, payload);
	pattern(payload, max, 1);

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, cases[i].ret,
				    kmcl_ring_put(&f->tx, 6, 0, 1, payload,
						  cases[i].header_len, payload,
						  cases[i].payload_len),
				    "case %u", i);
	KUNIT_EXPECT_EQ(test, f->tx.index, 0);
	KUNIT_EXPECT_FALSE(test, kmcl_ring_commit(&f->tx));

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

/* Signals of new packets */

static void a_signal_goes_out_only_if_unmasked_and_from_empty(struct kunit *test)
{
	static const u32 masks[] = { 0, 1, 2, 0x80000000, U32_MAX };
	struct ring_fixture *f = test->priv;
	u32 m, read, used, burst, i;

	for (m = 0; m < ARRAY_SIZE(masks); m++) {
		for (read = 0; read < f->size; read += 8) {
			for (used = 0; used <= 64; used += 8) {
				u32 write = wrap(f, read + used);
				bool want = !masks[m] && !used;

				burst = 1 + (read / 8 + used / 8) % 3;
				ring_at(f, read, write);
				f->ctl->interrupt_mask = masks[m];
				for (i = 0; i < burst; i++)
					KUNIT_ASSERT_EQ(test, put_bytes(f, 32), 0);
				KUNIT_ASSERT_EQ(test, f->ctl->write_index, write);
				KUNIT_ASSERT_EQ(test, kmcl_ring_commit(&f->tx), want);
				KUNIT_ASSERT_EQ(test, f->tx.signals, want);
				KUNIT_ASSERT_EQ(test, f->ctl->write_index,
						wrap(f, write + burst * 32));

				/* Until the peer has caught up it needs no other */
				KUNIT_ASSERT_EQ(test, put_bytes(f, 32), 0);
				KUNIT_ASSERT_FALSE(test, kmcl_ring_commit(&f->tx));
				KUNIT_ASSERT_EQ(test, f->tx.signals, want);
			}
		}
	}
}

static void a_signal_follows_each_time_the_peer_caught_up(struct kunit *test)
{
	struct ring_fixture *f = test->priv;
	u32 i;

	for (i = 1; i <= 1000; i++) {
		KUNIT_ASSERT_EQ(test, put_bytes(f, 40), 0);
		KUNIT_ASSERT_TRUE(test, kmcl_ring_commit(&f->tx));
		KUNIT_ASSERT_EQ(test, f->tx.signals, i);
		KUNIT_ASSERT_EQ(test, put_bytes(f, 40), 0);
		KUNIT_ASSERT_FALSE(test, kmcl_ring_commit(&f->tx));

		/* Half-way is not caught up */
		KUNIT_ASSERT_EQ(test, take(test, f), 40);
		kmcl_ring_release(&f->rx);
		KUNIT_ASSERT_EQ(test, put_bytes(f, 40), 0);
		KUNIT_ASSERT_FALSE(test, kmcl_ring_commit(&f->tx));

		KUNIT_ASSERT_EQ(test, take(test, f), 40);
		KUNIT_ASSERT_EQ(test, take(test, f), 40);
		KUNIT_ASSERT_EQ(test, take(test, f), 0);
		kmcl_ring_release(&f->rx);
	}
}

static void a_commit_of_nothing_does_nothing(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	f->ctl->write_index = 0xdeadbeef;
	KUNIT_EXPECT_FALSE(test, kmcl_ring_commit(&f->tx));
	KUNIT_EXPECT_EQ(test, f->ctl->write_index, 0xdeadbeef);
	KUNIT_EXPECT_EQ(test, put_bytes(f, 4096 + 1000000), -EMSGSIZE);
	KUNIT_EXPECT_FALSE(test, kmcl_ring_commit(&f->tx));
	KUNIT_EXPECT_EQ(test, f->ctl->write_index, 0xdeadbeef);

	KUNIT_EXPECT_EQ(test, put_bytes(f, 64), 0);
	KUNIT_EXPECT_TRUE(test, kmcl_ring_commit(&f->tx));
	KUNIT_EXPECT_EQ(test, f->ctl->write_index, 64);
	f->ctl->write_index = 0xdeadbeef;
	KUNIT_EXPECT_FALSE(test, kmcl_ring_commit(&f->tx));
	KUNIT_EXPECT_EQ(test, f->ctl->write_index, 0xdeadbeef);
	KUNIT_EXPECT_EQ(test, f->tx.signals, 1);
}

static void unmask_finds_what_came_while_masked(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	kmcl_ring_mask(&f->rx);
	KUNIT_EXPECT_EQ(test, f->ctl->interrupt_mask, 1);
	KUNIT_EXPECT_EQ(test, take(test, f), 0);
	KUNIT_EXPECT_EQ(test, put_bytes(f, 32), 0);
	KUNIT_EXPECT_FALSE(test, kmcl_ring_commit(&f->tx));
	KUNIT_EXPECT_TRUE(test, kmcl_ring_unmask(&f->rx));
	KUNIT_EXPECT_EQ(test, f->ctl->interrupt_mask, 0);

	kmcl_ring_mask(&f->rx);
	KUNIT_EXPECT_EQ(test, take(test, f), 32);
	kmcl_ring_release(&f->rx);
	KUNIT_EXPECT_FALSE(test, kmcl_ring_unmask(&f->rx));
	KUNIT_EXPECT_EQ(test, f->ctl->interrupt_mask, 0);
	KUNIT_EXPECT_EQ(test, put_bytes(f, 32), 0);
	KUNIT_EXPECT_TRUE(test, kmcl_ring_commit(&f->tx));
}

/* Signals of new space */

static void release_signals_when_enough_space_appears(struct kunit *test)
{
	struct ring_fixture *f = test->priv;
	u32 old, free, start, i;

	for (old = 8; old < f->size; old += 8) {
		for (free = old + 8; free <= f->size; free += 8) {
			const u32 pending[] = {
				0, 1, old - 8, old - 1, old, old + 1, old + 8,
				free - 8, free - 1, free, free + 1, free + 8,
				f->size - 8, f->size, U32_MAX,
			};

			start = wrap(f, free * 40);
			for (i = 0; i < ARRAY_SIZE(pending); i++) {
				u32 size = pending[i];
				struct kmcl_ring_packet pkt = { .total = free - old };
				bool want = size && old <= size && free > size;

				ring_at(f, start, wrap(f, start + f->size - old));
				f->rx.known = f->size - old;
				f->ctl->pending_send_sz = size;
				kmcl_ring_consume(&f->rx, &pkt);
				if (kmcl_ring_release(&f->rx) != want)
					KUNIT_FAIL_AND_ABORT(test, "free %u to %u, pending %u",
							     old, free, size);
				KUNIT_ASSERT_EQ(test, f->rx.signals, want);
				KUNIT_ASSERT_EQ(test, f->ctl->read_index,
						wrap(f, start + free - old));
			}
		}
	}
}

static void release_of_nothing_does_nothing(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	ring_at(f, 8, 8 + 64);
	f->ctl->pending_send_sz = f->size - 64;
	f->ctl->read_index = 0xdeadbeef;
	KUNIT_EXPECT_FALSE(test, kmcl_ring_release(&f->rx));
	KUNIT_EXPECT_EQ(test, f->ctl->read_index, 0xdeadbeef);
	KUNIT_EXPECT_EQ(test, f->rx.signals, 0);
}

static void release_ignores_a_size_without_the_feature(struct kunit *test)
{
	struct ring_fixture *f = test->priv;
	struct kmcl_ring_packet pkt = { .total = 64 };
	u32 bit;

	for (bit = 0; bit < 33; bit++) {
		ring_at(f, 0, 64);
		f->rx.known = 64;
		f->ctl->pending_send_sz = f->size - 64;
		f->ctl->feature_bits = bit < 32 ? BIT(bit) : 0;
		kmcl_ring_consume(&f->rx, &pkt);
		KUNIT_EXPECT_EQ(test, kmcl_ring_release(&f->rx), bit == 0);
		KUNIT_EXPECT_EQ(test, f->ctl->read_index, 64);
	}
}

static void release_survives_any_write_index(struct kunit *test)
{
	struct ring_fixture *f = test->priv;
	struct kmcl_ring_packet pkt = { .total = 64 };
	u32 write;

	for (write = 0; write < 3 * f->size; write++) {
		ring_at(f, 0, 64);
		f->rx.known = 64;
		f->ctl->pending_send_sz = f->size - 64;
		f->ctl->write_index = write;
		kmcl_ring_consume(&f->rx, &pkt);
		KUNIT_ASSERT_EQ(test, kmcl_ring_release(&f->rx),
				write >= 64 && write < 128 && write % 8 == 0);
		KUNIT_ASSERT_EQ(test, f->ctl->read_index, 64);
	}
}

static void want_space_asks_for_a_signal_if_there_is_no_room(struct kunit *test)
{
	struct ring_fixture *f = test->priv;
	u32 free, bytes;

	for (free = 8; free <= f->size; free += 8) {
		for (bytes = SMALLEST; bytes <= f->size; bytes += 8) {
			bool want = free > bytes;

			ring_at(f, 512, wrap(f, 512 + f->size - free));
			KUNIT_ASSERT_EQ(test, kmcl_ring_want_space(&f->tx, bytes), want);
			KUNIT_ASSERT_EQ(test, f->ctl->pending_send_sz, want ? 0 : bytes);
		}
	}
}

/* The consumer was faster than the request: nobody would signal it */
static void want_space_sees_room_made_after_the_refusal(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, put_bytes(f, f->size - 8), 0);
	kmcl_ring_commit(&f->tx);
	KUNIT_EXPECT_EQ(test, put_bytes(f, 64), -EAGAIN);
	KUNIT_EXPECT_EQ(test, take(test, f), f->size - 8);
	KUNIT_EXPECT_FALSE(test, kmcl_ring_release(&f->rx));

	KUNIT_EXPECT_TRUE(test, kmcl_ring_want_space(&f->tx, 64));
	KUNIT_EXPECT_EQ(test, f->ctl->pending_send_sz, 0);
	KUNIT_EXPECT_EQ(test, put_bytes(f, 64), 0);
}

static void the_request_for_space_ends_when_the_packet_is_put(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, put_bytes(f, f->size - 64), 0);
	kmcl_ring_commit(&f->tx);
	KUNIT_EXPECT_FALSE(test, kmcl_ring_want_space(&f->tx, 128));
	KUNIT_EXPECT_EQ(test, f->ctl->pending_send_sz, 128);

	/* A smaller one that fits does not end it, nor one that does not */
	KUNIT_EXPECT_EQ(test, put_bytes(f, 32), 0);
	KUNIT_EXPECT_EQ(test, put_bytes(f, 128), -EAGAIN);
	kmcl_ring_commit(&f->tx);
	KUNIT_EXPECT_EQ(test, f->ctl->pending_send_sz, 128);

	KUNIT_EXPECT_EQ(test, take(test, f), f->size - 64);
	KUNIT_EXPECT_TRUE(test, kmcl_ring_release(&f->rx));
	KUNIT_EXPECT_EQ(test, put_bytes(f, 32), 0);
	KUNIT_EXPECT_EQ(test, f->ctl->pending_send_sz, 128);
	KUNIT_EXPECT_EQ(test, put_bytes(f, 128), 0);
	KUNIT_EXPECT_EQ(test, f->ctl->pending_send_sz, 0);
}

/* A peer that lies */

static const u32 wild_indices[] = {
	0x10000, 0x7ffffff8, 0x80000000, 0xdeadbee8, 0xfffff000, 0xfffffff8, U32_MAX,
};

static void check_read_index(struct kunit *test, struct ring_fixture *f,
			     u32 read, bool good)
{
	u32 index = f->tx.index;
	int ret;

	f->ctl->read_index = read;
	f->tx.known = 0;
	ret = put_bytes(f, 32);
	if (good && (ret == 0 || ret == -EAGAIN))
		return;
	KUNIT_ASSERT_EQ_MSG(test, ret, -EPROTO, "read index %#x", read);
	KUNIT_ASSERT_FALSE(test, good);
	KUNIT_ASSERT_EQ(test, f->tx.index, index);
	KUNIT_ASSERT_EQ(test, f->tx.full, 0);
	KUNIT_ASSERT_EQ(test, kmcl_ring_space(&f->tx), 0);
	KUNIT_ASSERT_FALSE(test, kmcl_ring_want_space(&f->tx, 32));
	KUNIT_ASSERT_NULL(test, memchr_inv(f->data, POISON, f->size));
}

static void a_wild_read_index_writes_nothing(struct kunit *test)
{
	struct ring_fixture *f = test->priv;
	u32 read, i;

	for (read = 0; read < 4 * f->size; read++) {
		bool good = read < f->size && read % 8 == 0;

		ring_at(f, 0, 1024);
		check_read_index(test, f, read, good);
		if (good)
			memset(f->data, POISON, f->size);
	}
	for (i = 0; i < ARRAY_SIZE(wild_indices); i++) {
		ring_at(f, 0, 1024);
		check_read_index(test, f, wild_indices[i], false);
	}

	/* Nothing is broken for good */
	ring_at(f, 0, 1024);
	check_read_index(test, f, 4, false);
	f->ctl->read_index = 0;
	KUNIT_EXPECT_EQ(test, put_bytes(f, 32), 0);
}

/* The peer can only free what was committed, and take nothing back */
static void a_read_index_moves_only_from_where_it_was_to_the_commit(struct kunit *test)
{
	const u32 seen = 512, shared = 1024, index = 1056;
	struct ring_fixture *f = test->priv;
	u32 read, turn;

	for (turn = 0; turn < f->size; turn += 8) {
		for (read = 0; read < f->size; read += 8) {
			bool good = read >= seen && read <= shared;
			int ret;

			ring_at(f, wrap(f, seen + turn), wrap(f, shared + turn));
			KUNIT_ASSERT_EQ(test, put_bytes(f, index - shared), 0);
			f->ctl->read_index = wrap(f, read + turn);
			KUNIT_ASSERT_EQ(test, kmcl_ring_space(&f->tx),
					good ? f->size - (index - read) : 0);
			ret = put_bytes(f, f->size - 8);
			KUNIT_ASSERT_EQ(test, ret, good ? -EAGAIN : -EPROTO);
		}
	}
}

static void a_read_index_is_not_read_while_there_is_room(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, put_bytes(f, 32), 0);
	f->ctl->read_index = 3;
	KUNIT_EXPECT_EQ(test, put_bytes(f, 32), 0);
	KUNIT_EXPECT_EQ(test, put_bytes(f, f->size - 72), 0);
	KUNIT_EXPECT_EQ(test, put_bytes(f, 24), -EPROTO);
}

static void a_wild_write_index_is_refused(struct kunit *test)
{
	struct ring_fixture *f = test->priv;
	struct kmcl_ring_packet pkt;
	u32 write, i;

	for (write = 0; write < 4 * f->size; write++) {
		enum kmcl_ring_error want = KMCL_RING_BAD_WRITE_INDEX;
		u32 read = 1024, avail;

		if (write < f->size && write % 8 == 0) {
			avail = wrap(f, write + f->size - read);
			/* The data is poison: beyond bounds as a descriptor */
			want = !avail ? KMCL_RING_OK : avail < SMALLEST ?
				KMCL_RING_SHORT : KMCL_RING_BAD_LENGTH;
		}

		ring_at(f, read, write);
		KUNIT_ASSERT_EQ_MSG(test, kmcl_ring_peek(&f->rx, &pkt), want,
				    "write index %#x", write);
		KUNIT_ASSERT_EQ(test, pkt.total, 0);

		/* It is there again, and nothing moves */
		KUNIT_ASSERT_EQ(test, kmcl_ring_peek(&f->rx, &pkt), want);
		KUNIT_ASSERT_EQ(test, pkt.total, 0);
		KUNIT_ASSERT_EQ(test, f->rx.index, read);
		KUNIT_ASSERT_FALSE(test, kmcl_ring_release(&f->rx));
		KUNIT_ASSERT_EQ(test, kmcl_ring_unmask(&f->rx), write != read);
	}
	for (i = 0; i < ARRAY_SIZE(wild_indices); i++) {
		ring_at(f, 1024, wild_indices[i]);
		KUNIT_ASSERT_EQ(test, kmcl_ring_peek(&f->rx, &pkt),
				KMCL_RING_BAD_WRITE_INDEX);
		KUNIT_ASSERT_EQ(test, pkt.total, 0);
	}
}

static void a_writer_cannot_overrun_what_was_not_released(struct kunit *test)
{
	struct ring_fixture *f = test->priv;
	u32 start, write;

	for (start = 0; start < f->size; start += 8) {
		for (write = 0; write < f->size; write += 8) {
			struct kmcl_ring_packet pkt;
			bool good;

			ring_at(f, start, start);
			KUNIT_ASSERT_EQ(test, put_bytes(f, 512), 0);
			kmcl_ring_commit(&f->tx);
			KUNIT_ASSERT_EQ(test, take(test, f), 512);

			/* Only write indices from 512 to size - 8 can be true */
			good = write >= 512;
			f->ctl->write_index = wrap(f, start + write);
			if (write == 512)
				KUNIT_ASSERT_EQ(test, take(test, f), 0);
			else if (!good)
				KUNIT_ASSERT_EQ(test, kmcl_ring_peek(&f->rx, &pkt),
						KMCL_RING_BAD_WRITE_INDEX);
			else
				KUNIT_ASSERT_NE(test, kmcl_ring_peek(&f->rx, &pkt),
						KMCL_RING_BAD_WRITE_INDEX);
		}
	}
}

static void write_desc(struct ring_fixture *f, u32 at, u16 offset8, u16 len8)
{
	struct kmcl_wire_desc desc = {
		.type = cpu_to_le16(KMCL_WIRE_COMP),
		.offset8 = cpu_to_le16(offset8),
		.len8 = cpu_to_le16(len8),
		.flags = cpu_to_le16(0xffff),
		.trans_id = cpu_to_le64(U64_MAX),
	};

	memcpy(f->data + at, &desc, sizeof(desc));
}

static void check_header(struct kunit *test, struct ring_fixture *f, u32 at,
			 u32 avail, u32 offset8, u32 len8)
{
	enum kmcl_ring_error want = KMCL_RING_OK, error;
	struct kmcl_ring_packet pkt = { .total = 1 };

	if (offset8 < 2 || offset8 > len8)
		want = KMCL_RING_BAD_OFFSET;
	else if (len8 + 1 > avail / 8)
		want = KMCL_RING_BAD_LENGTH;

	ring_at(f, at, wrap(f, at + avail));
	write_desc(f, at, offset8, len8);
	error = kmcl_ring_peek(&f->rx, &pkt);
	if (error != want)
		KUNIT_FAIL_AND_ABORT(test, "%u bytes, offset8 %u, len8 %u: %d, not %d",
				     avail, offset8, len8, error, want);
	if (error) {
		KUNIT_ASSERT_EQ(test, pkt.total, 0);
		KUNIT_ASSERT_EQ(test, f->rx.index, at);
		return;
	}

	KUNIT_ASSERT_EQ(test, pkt.type, KMCL_WIRE_COMP);
	KUNIT_ASSERT_EQ(test, pkt.flags, 0xffff);
	KUNIT_ASSERT_EQ(test, pkt.trans_id, U64_MAX);
	KUNIT_ASSERT_EQ(test, pkt.total, len8 * 8 + 8);
	KUNIT_ASSERT_EQ(test, pkt.header_len, offset8 * 8 - 16);
	KUNIT_ASSERT_EQ(test, pkt.payload_len, (len8 - offset8) * 8);
	KUNIT_ASSERT_PTR_EQ(test, pkt.header, f->data + at + 16);
	KUNIT_ASSERT_PTR_EQ(test, pkt.payload, f->data + at + offset8 * 8);
	KUNIT_ASSERT_LE(test, pkt.total, avail);

	/* The last one leaves the ring empty, wherever it ends */
	kmcl_ring_consume(&f->rx, &pkt);
	KUNIT_ASSERT_EQ(test, f->rx.index, wrap(f, at + pkt.total));
	if (pkt.total == avail)
		KUNIT_ASSERT_EQ(test, take(test, f), 0);
}

/* All values of each field, against those of the other that matter */
static void every_header_a_peer_can_write_is_judged(struct kunit *test)
{
	struct ring_fixture *f = test->priv;
	const u32 avails[] = { 24, 32, 40, f->size / 2, f->size - 16, f->size - 8 };
	const u32 places[] = { 0, f->size - 16, f->size - 8 };
	u32 a, i, value;

	for (a = 0; a < ARRAY_SIZE(avails); a++) {
		u32 avail = avails[a], units = avail / 8;
		const u32 others[] = {
			0, 1, 2, 3, units - 2, units - 1, units, units + 1,
			0x1ffe, 0x1fff, 0x2000, 0x7fff, 0x8000, 0xfffe, 0xffff,
		};
		u32 at = places[a % ARRAY_SIZE(places)];

		for (value = 0; value <= U16_MAX; value++) {
			for (i = 0; i < ARRAY_SIZE(others); i++) {
				check_header(test, f, at, avail, others[i], value);
				check_header(test, f, at, avail, value, others[i]);
			}
			check_header(test, f, at, avail, value, value);
			if (value) {
				check_header(test, f, at, avail, value - 1, value);
				check_header(test, f, at, avail, value, value - 1);
			}
		}
	}
}

static void less_than_a_descriptor_and_trailer_is_short(struct kunit *test)
{
	struct ring_fixture *f = test->priv;
	struct kmcl_ring_packet pkt;
	u32 at, avail;

	for (at = 0; at < f->size; at += 8) {
		for (avail = 8; avail <= 24; avail += 8) {
			ring_at(f, at, wrap(f, at + avail));
			write_desc(f, at, 2, 2);
			KUNIT_ASSERT_EQ(test, kmcl_ring_peek(&f->rx, &pkt),
					avail < 24 ? KMCL_RING_SHORT : KMCL_RING_OK);
			KUNIT_ASSERT_EQ(test, pkt.total, avail < 24 ? 0 : 24);
		}
	}
}

/* A good packet does not vouch for the one behind it */
static void a_bad_packet_behind_a_good_one_is_found(struct kunit *test)
{
	struct ring_fixture *f = test->priv;
	struct kmcl_ring_packet pkt;

	ring_at(f, 0, 64);
	write_desc(f, 0, 2, 4);
	write_desc(f, 40, 2, 3);
	KUNIT_EXPECT_EQ(test, take(test, f), 40);
	KUNIT_EXPECT_EQ(test, kmcl_ring_peek(&f->rx, &pkt), KMCL_RING_BAD_LENGTH);
	KUNIT_EXPECT_EQ(test, pkt.total, 0);

	ring_at(f, 0, 56);
	KUNIT_EXPECT_EQ(test, take(test, f), 40);
	KUNIT_EXPECT_EQ(test, kmcl_ring_peek(&f->rx, &pkt), KMCL_RING_SHORT);
}

static void a_descriptor_that_changes_later_changes_nothing(struct kunit *test)
{
	struct ring_fixture *f = test->priv;
	struct kmcl_ring_packet pkt;

	ring_at(f, 0, 40);
	write_desc(f, 0, 2, 4);
	KUNIT_ASSERT_EQ(test, kmcl_ring_peek(&f->rx, &pkt), KMCL_RING_OK);
	memset(f->data, 0xff, 16);
	KUNIT_EXPECT_EQ(test, pkt.total, 40);
	kmcl_ring_consume(&f->rx, &pkt);
	KUNIT_EXPECT_EQ(test, f->rx.index, 40);
	KUNIT_EXPECT_EQ(test, take(test, f), 0);
}

/* Two processors */

#define STALL	(20 * HZ)

struct race {
	struct ring_fixture *f;
	u32 packets;		/* to send */
	u32 max_payload;
	u32 burst;		/* packets per commit, at most */
	u32 batch;		/* packets per release, at most */
	bool mask;		/* the consumer masks while it reads */
	wait_queue_head_t tx_wait;
	wait_queue_head_t rx_wait;
	bool tx_signalled;
	bool rx_signalled;
	u64 tx_sleeps;
	u64 rx_sleeps;
	const char *tx_error;
	const char *rx_error;
	u32 received;
	u8 *tx_buf;
	u8 *rx_buf;
	struct completion tx_done;
	struct completion rx_done;
};

/* The interrupt: the only thing that wakes a sleeper */
static void race_signal(wait_queue_head_t *wait, bool *signalled)
{
	/* Pairs with the xchg() of race_sleep(): as ordered as an interrupt */
	smp_store_release(signalled, true);
	wake_up(wait);
}

static bool race_sleep(wait_queue_head_t *wait, bool *signalled)
{
	return wait_event_timeout(*wait, xchg(signalled, false), STALL) != 0;
}

static bool race_flush(struct race *r)
{
	bool signal = kmcl_ring_commit(&r->f->tx);

	if (signal)
		race_signal(&r->rx_wait, &r->rx_signalled);
	return signal;
}

static int race_producer(void *data)
{
	struct race *r = data;
	struct rnd_state rnd;
	u32 i, len, put = 0, burst = 1;
	u32 header[4];
	int ret;

	prandom_seed_state(&rnd, 7);
	for (i = 0; i < r->packets && !r->tx_error; i++) {
		len = prandom_u32_state(&rnd) % (r->max_payload + 1);
		prandom_bytes_state(&rnd, r->tx_buf, len);
		header[0] = i;
		header[1] = len;
		header[2] = jhash(r->tx_buf, len, i);
		header[3] = ~i;

		for (;;) {
			ret = kmcl_ring_put(&r->f->tx, KMCL_WIRE_DATA_INBAND, 0, i + 1,
					    header, sizeof(header), r->tx_buf, len);
			if (ret != -EAGAIN)
				break;
			race_flush(r);
			put = 0;
			if (kmcl_ring_want_space(&r->f->tx, kmcl_ring_bytes(16, len)))
				continue;
			r->tx_sleeps++;
			if (!race_sleep(&r->tx_wait, &r->tx_signalled)) {
				r->tx_error = "no signal of space";
				break;
			}
		}
		if (ret && !r->tx_error)
			r->tx_error = "put failed";
		if (++put >= burst) {
			race_flush(r);
			put = 0;
			burst = 1 + prandom_u32_state(&rnd) % r->burst;
		}
	}
	race_flush(r);
	complete(&r->tx_done);
	return 0;
}

/* Check a packet; what is wrong with it, or NULL */
static const char *race_check(struct race *r, const struct kmcl_ring_packet *pkt)
{
	u32 i = r->received;
	u32 header[4];

	if (pkt->header_len != sizeof(header))
		return "wrong header length";
	memcpy(header, pkt->header, sizeof(header));
	if (pkt->type != KMCL_WIRE_DATA_INBAND || pkt->flags ||
	    pkt->trans_id != i + 1 || header[0] != i || header[3] != ~i)
		return "not the next packet";
	if (header[1] > r->max_payload || pkt->payload_len != ALIGN(header[1], 8))
		return "wrong payload length";
	memcpy(r->rx_buf, pkt->payload, header[1]);
	if (jhash(r->rx_buf, header[1], i) != header[2])
		return "wrong checksum";
	return NULL;
}

static void race_release(struct race *r)
{
	if (kmcl_ring_release(&r->f->rx))
		race_signal(&r->tx_wait, &r->tx_signalled);
}

static int race_consumer(void *data)
{
	struct race *r = data;
	struct kmcl_ring_packet pkt;
	u32 batch = 0;

	while (r->received < r->packets && !r->rx_error) {
		if (r->mask && !batch)
			kmcl_ring_mask(&r->f->rx);
		if (kmcl_ring_peek(&r->f->rx, &pkt) != KMCL_RING_OK) {
			r->rx_error = "malformed packet";
			break;
		}
		if (pkt.total) {
			r->rx_error = race_check(r, &pkt);
			r->received++;
			kmcl_ring_consume(&r->f->rx, &pkt);
			if (++batch >= r->batch) {
				race_release(r);
				batch = 0;
			}
			continue;
		}

		race_release(r);
		batch = 0;
		if (kmcl_ring_unmask(&r->f->rx))
			continue;
		r->rx_sleeps++;
		if (!race_sleep(&r->rx_wait, &r->rx_signalled))
			r->rx_error = "no signal of data";
	}
	race_release(r);
	complete(&r->rx_done);
	return 0;
}

static struct task_struct *race_thread(int (*fn)(void *), struct race *r,
				       const char *name, unsigned int cpu)
{
	struct task_struct *task = kthread_create(fn, r, "%s", name);

	if (!IS_ERR(task) && num_online_cpus() > 1)
		kthread_bind(task, cpu);
	return task;
}

static void race_run(struct kunit *test, struct race *r)
{
	struct task_struct *producer, *consumer;

	r->f = fixture_new(test, KMCL_PAGE_SIZE);
	r->tx_buf = kunit_kzalloc(test, r->max_payload + 8, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, r->tx_buf);
	r->rx_buf = kunit_kzalloc(test, r->max_payload + 8, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, r->rx_buf);
	init_waitqueue_head(&r->tx_wait);
	init_waitqueue_head(&r->rx_wait);
	init_completion(&r->tx_done);
	init_completion(&r->rx_done);

	producer = race_thread(race_producer, r, "ring_producer",
			       cpumask_first(cpu_online_mask));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, producer);
	consumer = race_thread(race_consumer, r, "ring_consumer",
			       cpumask_last(cpu_online_mask));
	if (IS_ERR(consumer)) {
		kthread_stop(producer);
		KUNIT_FAIL_AND_ABORT(test, "no thread for the consumer");
	}

	/* Both end by themselves: a sleeper gives up after STALL */
	wake_up_process(consumer);
	wake_up_process(producer);
	wait_for_completion(&r->tx_done);
	wait_for_completion(&r->rx_done);

	kunit_info(test, "%u packets, %u CPUs; slept %llu + %llu times, signalled %llu + %llu times\n",
		   r->received, num_online_cpus(), r->tx_sleeps, r->rx_sleeps,
		   r->f->tx.signals, r->f->rx.signals);
	KUNIT_EXPECT_STREQ(test, r->tx_error ?: "", "");
	KUNIT_EXPECT_STREQ(test, r->rx_error ?: "", "");
	KUNIT_EXPECT_EQ(test, r->received, r->packets);
	KUNIT_EXPECT_EQ(test, r->f->ctl->read_index, r->f->ctl->write_index);
	KUNIT_EXPECT_EQ(test, r->f->ctl->pending_send_sz, 0);
}

static void two_cpus_with_small_packets_one_by_one(struct kunit *test)
{
	struct race r = {
		.packets = 50000, .max_payload = 64, .burst = 1, .batch = 1,
		.mask = true,
	};

	race_run(test, &r);
}

static void two_cpus_without_masking(struct kunit *test)
{
	struct race r = {
		.packets = 20000, .max_payload = 16, .burst = 1, .batch = 1000,
	};

	race_run(test, &r);
}

static void two_cpus_with_bursts_and_batches(struct kunit *test)
{
	struct race r = {
		.packets = 5000, .max_payload = 256, .burst = 32, .batch = 16,
		.mask = true,
	};

	race_run(test, &r);
}

static void two_cpus_with_packets_that_fill_the_ring(struct kunit *test)
{
	struct race r = {
		.packets = 2000, .max_payload = KMCL_PAGE_SIZE - 8 - 40,
		.burst = 2, .batch = 2, .mask = true,
	};

	race_run(test, &r);
}

static struct kunit_case ring_test_cases[] = {
	KUNIT_CASE(an_empty_ring_has_no_packet),
	KUNIT_CASE(a_packet_is_seen_only_after_the_commit),
	KUNIT_CASE(space_is_given_back_only_by_the_release),
	KUNIT_CASE(a_packet_has_the_layout_of_the_wire),
	KUNIT_CASE(each_payload_length_is_padded_with_zeroes),
	KUNIT_CASE(a_trailer_says_where_its_packet_starts),
	KUNIT_CASE(a_packet_wraps_at_every_offset),
	KUNIT_CASE(a_full_ring_refuses_until_space_is_released),
	KUNIT_CASE(a_packet_needs_strictly_more_space_than_it_takes),
	KUNIT_CASE(a_packet_that_never_fits_is_too_long),
	KUNIT_CASE(len8_does_not_overflow),
	KUNIT_CASE(a_signal_goes_out_only_if_unmasked_and_from_empty),
	KUNIT_CASE(a_signal_follows_each_time_the_peer_caught_up),
	KUNIT_CASE(a_commit_of_nothing_does_nothing),
	KUNIT_CASE(unmask_finds_what_came_while_masked),
	KUNIT_CASE(release_signals_when_enough_space_appears),
	KUNIT_CASE(release_of_nothing_does_nothing),
	KUNIT_CASE(release_ignores_a_size_without_the_feature),
	KUNIT_CASE(release_survives_any_write_index),
	KUNIT_CASE(want_space_asks_for_a_signal_if_there_is_no_room),
	KUNIT_CASE(want_space_sees_room_made_after_the_refusal),
	KUNIT_CASE(the_request_for_space_ends_when_the_packet_is_put),
	KUNIT_CASE(a_wild_read_index_writes_nothing),
	KUNIT_CASE(a_read_index_moves_only_from_where_it_was_to_the_commit),
	KUNIT_CASE(a_read_index_is_not_read_while_there_is_room),
	KUNIT_CASE(a_wild_write_index_is_refused),
	KUNIT_CASE(a_writer_cannot_overrun_what_was_not_released),
	KUNIT_CASE(every_header_a_peer_can_write_is_judged),
	KUNIT_CASE(less_than_a_descriptor_and_trailer_is_short),
	KUNIT_CASE(a_bad_packet_behind_a_good_one_is_found),
	KUNIT_CASE(a_descriptor_that_changes_later_changes_nothing),
	KUNIT_CASE_SLOW(two_cpus_with_small_packets_one_by_one),
	KUNIT_CASE_SLOW(two_cpus_without_masking),
	KUNIT_CASE_SLOW(two_cpus_with_bursts_and_batches),
	KUNIT_CASE_SLOW(two_cpus_with_packets_that_fill_the_ring),
	{}
};

static struct kunit_suite ring_test_suite = {
	.name = "kmcl_ring",
	.init = ring_test_init,
	.test_cases = ring_test_cases,
};

kunit_test_suite(ring_test_suite);
