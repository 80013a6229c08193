// SPDX-License-Identifier: GPL-2.0
/*
 * When a side of a VMBus ring signals the other: for new packets, and for new
 * space. Both sides are put at chosen places, one step at a time.
 */
#include <kunit/test.h>

#include "ring_fixture.h"

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
					KUNIT_ASSERT_EQ(test, ring_put_bytes(f, 32), 0);
				KUNIT_ASSERT_EQ(test, f->ctl->write_index, write);
				KUNIT_ASSERT_EQ(test, kmcl_ring_commit(&f->tx), want);
				KUNIT_ASSERT_EQ(test, f->tx.signals, want);
				KUNIT_ASSERT_EQ(test, f->ctl->write_index,
						wrap(f, write + burst * 32));

				/* Until the peer has caught up it needs no other */
				KUNIT_ASSERT_EQ(test, ring_put_bytes(f, 32), 0);
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
		KUNIT_ASSERT_EQ(test, ring_put_bytes(f, 40), 0);
		KUNIT_ASSERT_TRUE(test, kmcl_ring_commit(&f->tx));
		KUNIT_ASSERT_EQ(test, f->tx.signals, i);
		KUNIT_ASSERT_EQ(test, ring_put_bytes(f, 40), 0);
		KUNIT_ASSERT_FALSE(test, kmcl_ring_commit(&f->tx));

		/* Half-way is not caught up */
		KUNIT_ASSERT_EQ(test, ring_take(test, f), 40);
		kmcl_ring_release(&f->rx);
		KUNIT_ASSERT_EQ(test, ring_put_bytes(f, 40), 0);
		KUNIT_ASSERT_FALSE(test, kmcl_ring_commit(&f->tx));

		KUNIT_ASSERT_EQ(test, ring_take(test, f), 40);
		KUNIT_ASSERT_EQ(test, ring_take(test, f), 40);
		KUNIT_ASSERT_EQ(test, ring_take(test, f), 0);
		kmcl_ring_release(&f->rx);
	}
}

static void a_commit_of_nothing_does_nothing(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	f->ctl->write_index = 0xdeadbeef;
	KUNIT_EXPECT_FALSE(test, kmcl_ring_commit(&f->tx));
	KUNIT_EXPECT_EQ(test, f->ctl->write_index, 0xdeadbeef);
	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, 4096 + 1000000), -EMSGSIZE);
	KUNIT_EXPECT_FALSE(test, kmcl_ring_commit(&f->tx));
	KUNIT_EXPECT_EQ(test, f->ctl->write_index, 0xdeadbeef);

	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, 64), 0);
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
	KUNIT_EXPECT_EQ(test, ring_take(test, f), 0);
	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, 32), 0);
	KUNIT_EXPECT_FALSE(test, kmcl_ring_commit(&f->tx));
	KUNIT_EXPECT_TRUE(test, kmcl_ring_unmask(&f->rx));
	KUNIT_EXPECT_EQ(test, f->ctl->interrupt_mask, 0);

	kmcl_ring_mask(&f->rx);
	KUNIT_EXPECT_EQ(test, ring_take(test, f), 32);
	kmcl_ring_release(&f->rx);
	KUNIT_EXPECT_FALSE(test, kmcl_ring_unmask(&f->rx));
	KUNIT_EXPECT_EQ(test, f->ctl->interrupt_mask, 0);
	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, 32), 0);
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

	KUNIT_ASSERT_EQ(test, ring_put_bytes(f, f->size - 8), 0);
	kmcl_ring_commit(&f->tx);
	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, 64), -EAGAIN);
	KUNIT_EXPECT_EQ(test, ring_take(test, f), f->size - 8);
	KUNIT_EXPECT_FALSE(test, kmcl_ring_release(&f->rx));

	KUNIT_EXPECT_TRUE(test, kmcl_ring_want_space(&f->tx, 64));
	KUNIT_EXPECT_EQ(test, f->ctl->pending_send_sz, 0);
	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, 64), 0);
}

static void the_request_for_space_ends_when_the_packet_is_put(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, ring_put_bytes(f, f->size - 64), 0);
	kmcl_ring_commit(&f->tx);
	KUNIT_EXPECT_FALSE(test, kmcl_ring_want_space(&f->tx, 128));
	KUNIT_EXPECT_EQ(test, f->ctl->pending_send_sz, 128);

	/* A smaller one that fits does not end it, nor one that does not */
	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, 32), 0);
	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, 128), -EAGAIN);
	kmcl_ring_commit(&f->tx);
	KUNIT_EXPECT_EQ(test, f->ctl->pending_send_sz, 128);

	KUNIT_EXPECT_EQ(test, ring_take(test, f), f->size - 64);
	KUNIT_EXPECT_TRUE(test, kmcl_ring_release(&f->rx));
	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, 32), 0);
	KUNIT_EXPECT_EQ(test, f->ctl->pending_send_sz, 128);
	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, 128), 0);
	KUNIT_EXPECT_EQ(test, f->ctl->pending_send_sz, 0);
}

static struct kunit_case ring_signal_test_cases[] = {
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
	{}
};

static struct kunit_suite ring_signal_test_suite = {
	.name = "kmcl_ring_signal",
	.init = ring_test_init,
	.test_cases = ring_signal_test_cases,
};

kunit_test_suite(ring_signal_test_suite);
