// SPDX-License-Identifier: GPL-2.0
/*
 * Images that this library did not save: restoring checks every field.
 */
#include "save_harness.h"

/* One byte of an image, its new value, and the result of restoring that */
struct mutation {
	const char *name;
	u32 at;
	u8 value;
	int ret;
};

/* Where the fields are: chunk 16 bytes, record 8, packet 24 */
static const struct mutation packet_mutations[] = {
	{ "magic", 24, 0, -EBADMSG },
	{ "in flight is 0 or 1", 28, 2, -EBADMSG },
	{ "in flight without an id", 28, 1, -EBADMSG },
	{ "wait is 0 or 1", 29, 2, -EBADMSG },
	{ "zero behind wait", 30, 1, -EBADMSG },
	{ "an id, and queued", 32, 1, -EBADMSG },
	{ "no length", 40, 0, -ENODATA },
	{ "a length beyond the packet", 40, 9, -ENODATA },
	{ "a length of 65544 bytes", 42, 1, -EBADMSG },
	{ "zero behind the length", 44, 1, -EBADMSG },
};

KUNIT_ARRAY_PARAM_DESC(packet_mutation, packet_mutations, name);

static void mutated_packets_are_refused(struct kunit *test)
{
	const struct mutation *mutation = test->param_value;
	struct loop *loop = test->priv;
	u8 old;

	image_open_paused(loop);
	loop_send(&loop->server, 0, 0);
	image_save(loop);
	image_replace_server(loop, 0);
	old = image->image[mutation->at];
	image->packet_ret = 1;
	image->image[mutation->at] = mutation->value;
	KUNIT_EXPECT_EQ(test, image_restore_chunk(loop, 0), -EIO);
	KUNIT_EXPECT_EQ(test, image->packet_ret, mutation->ret);
	image->image[mutation->at] = old;
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).accepted, 0);
	KUNIT_EXPECT_EQ(test, image_restore_chunk(loop, 0), 0);
}

static void an_id_is_not_given_twice(struct kunit *test)
{
	struct loop *loop = test->priv;
	u64 ids[2] = {};

	image_leave_in_flight(loop, ids);
	image_replace_server(loop, 0);
	/* The second packet's record: 16, then 32 and 8 of data for value 1 */
	memcpy(image->image + 16 + 40 + 16, image->image + 16 + 16, 8);
	KUNIT_EXPECT_EQ(test, image_restore_chunk(loop, 0), -EIO);
	KUNIT_EXPECT_EQ(test, image->packet_ret, -EEXIST);
	KUNIT_EXPECT_EQ(test, image->restored, 1);
	loop_expect_balance(&loop->server);
}

/* Nobody reads the answer of what was in flight, so that it ends at once */
static void a_failed_queue_answers_nothing(struct kunit *test)
{
	struct loop *loop = test->priv;
	u64 ids[2] = {};

	image_leave_in_flight(loop, ids);
	image_replace_server(loop, 0);
	kmcl_tx_no_answers(loop->server.ch);
	KUNIT_EXPECT_EQ(test, image_restore_chunk(loop, 0), 0);
	KUNIT_EXPECT_EQ(test, image->restored, 3);
	KUNIT_EXPECT_EQ(test, image->ndone, 2);
	KUNIT_EXPECT_EQ(test, image->status[0], -EPROTO);
	KUNIT_EXPECT_EQ(test, image->status[1], -EPROTO);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).queued, 1);
	loop_expect_balance(&loop->server);
}

static const struct mutation chunk_mutations[] = {
	{ "magic", 0, 0, -EBADMSG },
	{ "version", 4, 2, -EBADMSG },
	{ "flags", 6, 3, -EBADMSG },
	{ "number", 8, 1, -EBADMSG },
	{ "fewer bytes than its header", 12, 15, -EBADMSG },
	{ "bytes of no whole units", 12, 17, -EBADMSG },
	{ "more bytes than there are", 12, 255, -ENODATA },
	{ "far more bytes", 15, 255, -ENODATA },
	{ "a record's size", 16, 255, -EBADMSG },
	{ "a record's size, in the last byte", 19, 255, -EBADMSG },
	{ "the size of a driver's data", 23, 255, -EBADMSG },
};

KUNIT_ARRAY_PARAM_DESC(chunk_mutation, chunk_mutations, name);

static void mutated_chunks_restore_nothing(struct kunit *test)
{
	const struct mutation *mutation = test->param_value;
	struct loop *loop = test->priv;
	u8 old;
	u32 i;

	image_open_paused(loop);
	loop_send(&loop->server, 1, 0);
	image_save(loop);
	image_replace_server(loop, 0);
	KUNIT_EXPECT_EQ(test, kmcl_restore(loop->server.ch, NULL, 100),
			-EINVAL);
	for (i = 0; i < image->bytes; i++)
		KUNIT_EXPECT_EQ(test, -ENODATA,
				kmcl_restore(loop->server.ch, image->image, i));
	old = image->image[mutation->at];
	image->image[mutation->at] = mutation->value;
	KUNIT_EXPECT_EQ(test, image_restore_chunk(loop, 0), mutation->ret);
	image->image[mutation->at] = old;
	KUNIT_EXPECT_EQ(test, image->restored, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).accepted, 0);
	KUNIT_EXPECT_EQ(test, image_restore_chunk(loop, 0), 0);
	KUNIT_EXPECT_EQ(test, image->restored, 1);
}

/* Whatever is in the image, the channel and its counters stay consistent */
static void every_byte_may_be_mutated(struct kunit *test)
{
	static const u8 values[] = { 0, 1, 7, 8, 0x7f, 0x80, 0xff };
	struct loop *loop = test->priv;
	u64 ids[2] = {};
	u32 at, i, restored = 0;
	int ret;

	image_leave_in_flight(loop, ids);
	image_replace_server(loop, 0);
	for (at = 0; at < image->bytes; at++) {
		u8 old = image->image[at];

		for (i = 0; i < ARRAY_SIZE(values); i++) {
			image->image[at] = values[i];
			image->restored = 0;
			ret = image_restore_chunk(loop, 0);
			KUNIT_ASSERT_LE(test, ret, 1);
			restored += image->restored;
			if (loop_counters(&loop->server).accepted > 1000) {
				kmcl_channel_disable(loop->server.ch);
				loop_wait_state(&loop->client, "Disabled");
				image_open_paused(loop);
			}
		}
		image->image[at] = old;
	}
	KUNIT_EXPECT_GT(test, restored, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).accepted, restored);
	loop_expect_balance(&loop->server);
}

static struct kunit_case restore_cases[] = {
	/* KMCL: VmbPacketRestore */
	KUNIT_CASE_PARAM(mutated_packets_are_refused, packet_mutation_gen_params),
	KUNIT_CASE(an_id_is_not_given_twice),
	KUNIT_CASE(a_failed_queue_answers_nothing),
	/* KMCL: VmbChannelRestoreFromBuffer */
	KUNIT_CASE_PARAM(mutated_chunks_restore_nothing, chunk_mutation_gen_params),
	/* KMCL: VmbChannelRestoreFromBuffer */
	KUNIT_CASE(every_byte_may_be_mutated),
	{}
};

static struct kunit_suite restore_suite = {
	.name = "kmcl_restore",
	.init = image_init,
	.exit = image_exit,
	.test_cases = restore_cases,
};

kunit_test_suite(restore_suite);
