// SPDX-License-Identifier: GPL-2.0
/*
 * What a hostile peer can write into a VMBus ring: each index and each header
 * is compared with a rule written down a second time here.
 */
#include <kunit/test.h>

#include <linux/string.h>

#include "ring_fixture.h"

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
	ret = ring_put_bytes(f, 32);
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

static void a_bad_read_index_writes_nothing(struct kunit *test)
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

	/* A good index is accepted again */
	ring_at(f, 0, 1024);
	check_read_index(test, f, 4, false);
	f->ctl->read_index = 0;
	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, 32), 0);
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
			KUNIT_ASSERT_EQ(test, ring_put_bytes(f, index - shared), 0);
			f->ctl->read_index = wrap(f, read + turn);
			KUNIT_ASSERT_EQ(test, kmcl_ring_space(&f->tx),
					good ? f->size - (index - read) : 0);
			ret = ring_put_bytes(f, f->size - 8);
			KUNIT_ASSERT_EQ(test, ret, good ? -EAGAIN : -EPROTO);
		}
	}
}

static void a_read_index_is_not_read_while_there_is_room(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, 32), 0);
	f->ctl->read_index = 3;
	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, 32), 0);
	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, f->size - 72), 0);
	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, 24), -EPROTO);
}

/* What was put before can be shown, and nothing is put until the ring is new */
static void a_broken_ring_stays_broken(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, ring_put_bytes(f, 64), 0);
	kmcl_ring_break(&f->tx);
	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, 64), -EPROTO);
	KUNIT_EXPECT_EQ(test, kmcl_ring_space(&f->tx), 0);
	KUNIT_EXPECT_TRUE(test, kmcl_ring_commit(&f->tx));
	KUNIT_EXPECT_EQ(test, f->ctl->write_index, 64);
	KUNIT_EXPECT_EQ(test, ring_take(test, f), 64);
	kmcl_ring_release(&f->rx);
	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, 64), -EPROTO);
	KUNIT_EXPECT_FALSE(test, kmcl_ring_commit(&f->tx));

	ring_at(f, 64, 64);
	KUNIT_EXPECT_EQ(test, ring_put_bytes(f, 64), 0);
}

static void a_bad_write_index_is_refused(struct kunit *test)
{
	struct ring_fixture *f = test->priv;
	struct kmcl_ring_packet pkt;
	u32 write, i;

	for (write = 0; write < 4 * f->size; write++) {
		enum kmcl_ring_error want = KMCL_RING_BAD_WRITE_INDEX;
		u32 read = 1024, avail;

		if (write < f->size && write % 8 == 0) {
			avail = wrap(f, write + f->size - read);
			/* The data would be out of bounds as a descriptor */
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
			KUNIT_ASSERT_EQ(test, ring_put_bytes(f, 512), 0);
			kmcl_ring_commit(&f->tx);
			KUNIT_ASSERT_EQ(test, ring_take(test, f), 512);

			/* Only write indices from 512 to size - 8 are possible */
			good = write >= 512;
			f->ctl->write_index = wrap(f, start + write);
			if (write == 512)
				KUNIT_ASSERT_EQ(test, ring_take(test, f), 0);
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
		KUNIT_ASSERT_EQ(test, pkt.len8, (u16)len8);
		KUNIT_ASSERT_EQ(test, pkt.offset8, (u16)offset8);
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
		KUNIT_ASSERT_EQ(test, ring_take(test, f), 0);
}

/* All values of each field, against those of the other that matter */
static void every_header_a_peer_can_write_is_checked(struct kunit *test)
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

/* The packet behind a good one is checked, too */
static void a_bad_packet_behind_a_good_one_is_found(struct kunit *test)
{
	struct ring_fixture *f = test->priv;
	struct kmcl_ring_packet pkt;

	ring_at(f, 0, 64);
	write_desc(f, 0, 2, 4);
	write_desc(f, 40, 2, 3);
	KUNIT_EXPECT_EQ(test, ring_take(test, f), 40);
	KUNIT_EXPECT_EQ(test, kmcl_ring_peek(&f->rx, &pkt), KMCL_RING_BAD_LENGTH);
	KUNIT_EXPECT_EQ(test, pkt.total, 0);

	ring_at(f, 0, 56);
	KUNIT_EXPECT_EQ(test, ring_take(test, f), 40);
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
	KUNIT_EXPECT_EQ(test, ring_take(test, f), 0);
}

static struct kunit_case ring_hostile_test_cases[] = {
	KUNIT_CASE(a_bad_read_index_writes_nothing),
	KUNIT_CASE(a_read_index_moves_only_from_where_it_was_to_the_commit),
	KUNIT_CASE(a_read_index_is_not_read_while_there_is_room),
	KUNIT_CASE(a_broken_ring_stays_broken),
	KUNIT_CASE(a_bad_write_index_is_refused),
	KUNIT_CASE(a_writer_cannot_overrun_what_was_not_released),
	KUNIT_CASE(every_header_a_peer_can_write_is_checked),
	KUNIT_CASE(less_than_a_descriptor_and_trailer_is_short),
	KUNIT_CASE(a_bad_packet_behind_a_good_one_is_found),
	KUNIT_CASE(a_descriptor_that_changes_later_changes_nothing),
	{}
};

static struct kunit_suite ring_hostile_test_suite = {
	.name = "kmcl_ring_hostile",
	.init = ring_test_init,
	.test_cases = ring_hostile_test_cases,
};

kunit_test_suite(ring_hostile_test_suite);
