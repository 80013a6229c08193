// SPDX-License-Identifier: GPL-2.0
/*
 * Saving packets with which the driver has nothing to save, in more than one
 * chunk, and beginning again after a failure.
 */
#include <linux/string.h>

#include "save_harness.h"

/* For these values the save callback has no data, see save_harness.c */
#define NOTHING(i)	(5 * (i))
#define PACKETS		6
#define BYTES		2000

static u32 bad_payloads;

static void check_payload(struct kmcl_channel *ch, struct kmcl_context *ctx,
			  void *buf, u32 len, u32 flags)
{
	struct end *e = loop_end(ch);
	u64 *word = buf;
	u32 i;

	bad_payloads += len != BYTES || word[0] != NOTHING(e->ngot);
	for (i = 1; i < len / 8; i++)
		bad_payloads += word[i] != word[0];
	kmcl_complete(ctx, NULL, 0);
	WRITE_ONCE(e->ngot, e->ngot + 1);
	wake_up_all(&e->wait);
}

static void open_with_packets(struct loop *loop)
{
	struct kunit *test = loop->test;
	u32 i;

	bad_payloads = 0;
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_process(loop->client.ch,
						  check_payload, NULL));
	image_open_paused(loop);
	for (i = 0; i < PACKETS; i++)
		loop_send_long(&loop->server, NOTHING(i), BYTES, 0);
}

/* Chunks with room for two of them, until all are saved */
static void save_in_chunks(struct loop *loop)
{
	struct kunit *test = loop->test;
	u32 required, chunks = 0;
	int ret;

	KUNIT_ASSERT_EQ(test, 0, kmcl_save_begin(loop->server.ch));
	do {
		ret = image_save_chunk(loop->server.ch, 2 * BYTES + 200,
				       &required);
		chunks++;
	} while (ret == -EMSGSIZE && chunks < MAX_CHUNKS);
	KUNIT_ASSERT_EQ(test, ret, 0);
	kmcl_save_end(loop->server.ch);
	KUNIT_EXPECT_EQ(test, image->chunks, PACKETS / 2);
	/* Success at once: the driver has no data */
	KUNIT_EXPECT_EQ(test, image->asked, PACKETS);
	KUNIT_EXPECT_EQ(test, image->saved, 0);
}

static void restore_and_expect_all(struct loop *loop)
{
	struct kunit *test = loop->test;
	u32 i;

	image_replace_server(loop, 0);
	for (i = 0; i < image->chunks; i++)
		KUNIT_EXPECT_EQ(test, image_restore_chunk(loop, i),
				i + 1 < image->chunks);
	KUNIT_EXPECT_EQ(test, image->restored, PACKETS);
	kmcl_channel_start(loop->server.ch);
	loop_wait(&loop->client, loop_got(&loop->client) == PACKETS);
	KUNIT_EXPECT_EQ(test, bad_payloads, 0);
	loop_wait(&loop->server, READ_ONCE(image->ndone) == PACKETS);
}

static void payloads_without_a_drivers_data_in_chunks(struct kunit *test)
{
	struct loop *loop = test->priv;

	open_with_packets(loop);
	save_in_chunks(loop);
	restore_and_expect_all(loop);
}

static void saving_begins_again_after_a_failure(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->server.ch;
	u32 required, filled;

	open_with_packets(loop);
	KUNIT_ASSERT_EQ(test, 0, kmcl_save_begin(ch));
	KUNIT_EXPECT_EQ(test, -EMSGSIZE,
			image_save_chunk(ch, 2 * BYTES + 200, &required));
	/* The next packet's callback fails: the image is of no use */
	image->fail = true;
	filled = 77;
	KUNIT_EXPECT_EQ(test, -EIO,
			kmcl_save_continue(ch, image->image + image->bytes,
					   2 * BYTES + 200, &filled,
					   &required));
	KUNIT_EXPECT_EQ(test, filled, 0);
	kmcl_save_end(ch);
	/* Nothing was begun any more, and nothing is missing */
	KUNIT_EXPECT_EQ(test, -EBUSY,
			kmcl_save_continue(ch, image->image, IMAGE_BYTES,
					   &filled, NULL));
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).queued, PACKETS);

	image->fail = false;
	image->bytes = 0;
	image->chunks = 0;
	image->asked = 0;
	save_in_chunks(loop);
	restore_and_expect_all(loop);
}

static struct kunit_case contract_save_cases[] = {
	/* KMCL: VmbChannelSaveContinue EVT_VMB_CHANNEL_SAVE_PACKET */
	KUNIT_CASE(payloads_without_a_drivers_data_in_chunks),
	/* KMCL: VmbChannelSaveBegin VmbChannelSaveEnd */
	KUNIT_CASE(saving_begins_again_after_a_failure),
	{}
};

static struct kunit_suite contract_save_suite = {
	.name = "kmcl_contract_save",
	.init = image_init,
	.exit = image_exit,
	.test_cases = contract_save_cases,
};

kunit_test_suite(contract_save_suite);

MODULE_DESCRIPTION("KUnit tests of saving KMCL's packets in chunks");
MODULE_LICENSE("GPL");
