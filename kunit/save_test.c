// SPDX-License-Identifier: GPL-2.0
/*
 * Saving the packets of a paused server, and restoring them into another
 * channel.
 */
#include <linux/slab.h>
#ifndef KMCL_IN_TREE
#include <kmcl/vmbuskernelmodeclientlibapi.h>
#endif

#include "save_harness.h"

static void queued_packets_come_back_in_order(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	image_open_paused(loop);
	for (i = 0; i < 10; i++)
		loop_send(&loop->server, i, i % 2 ? KMCL_SEND_WAIT : 0);
	image_save(loop);
	KUNIT_EXPECT_EQ(test, image->asked, 10);
	KUNIT_EXPECT_EQ(test, image->saved, 8);
	/* Saving moves nothing */
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).queued, 10);
	KUNIT_EXPECT_EQ(test, loop_done(&loop->server), 0);

	image_replace_server(loop, 0);
	KUNIT_EXPECT_EQ(test, loop_done(&loop->server), 10);
	KUNIT_ASSERT_EQ(test, image_restore_chunk(loop, 0), 0);
	KUNIT_EXPECT_EQ(test, image->restored, 10);
	KUNIT_EXPECT_EQ(test, image->wrong_data, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).queued, 10);
	loop_expect_balance(&loop->server);
	loop_send(&loop->server, 10, 0);
	kmcl_channel_start(loop->server.ch);
	loop_wait(&loop->client, loop_got(&loop->client) == 11);
	for (i = 0; i < 11; i++)
		KUNIT_EXPECT_EQ(test, loop->client.got[i], i);
	loop_wait(&loop->server, image->ndone == 10);
	for (i = 0; i < 10; i++) {
		KUNIT_EXPECT_EQ(test, image->status[i], 0);
		/* Only those that waited have the client's completion data */
		KUNIT_EXPECT_EQ(test, image->len[i], i % 2 ? 8 : 0);
		KUNIT_EXPECT_EQ(test, image->reply[i], i % 2 ? i : 0);
	}
}

static void an_image_in_pieces(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 required = 0, filled, i;
	int ret;

	image_open_paused(loop);
	for (i = 0; i < 10; i++)
		loop_send_long(&loop->server, i, 8 + 40 * i, 0);
	KUNIT_ASSERT_EQ(test, 0, kmcl_save_begin(loop->server.ch));
	for (;;) {
		/* No room for a byte, then one too few, then just enough */
		filled = 77;
		ret = kmcl_save_continue(loop->server.ch, NULL, 0, &filled,
					 &required);
		KUNIT_ASSERT_EQ(test, ret, -ENOSPC);
		KUNIT_EXPECT_EQ(test, filled, 0);
		KUNIT_ASSERT_GT(test, required, 16);
		KUNIT_ASSERT_EQ(test, -ENOSPC,
				image_save_chunk(loop->server.ch, required - 1, NULL));
		ret = image_save_chunk(loop->server.ch, required, &required);
		if (ret != -EMSGSIZE)
			break;
	}
	KUNIT_ASSERT_EQ(test, ret, 0);
	kmcl_save_end(loop->server.ch);
	KUNIT_EXPECT_EQ(test, image->chunks, 10);
	/* The size was asked for once for each */
	KUNIT_EXPECT_EQ(test, image->asked, 10);

	image_replace_server(loop, 0);
	KUNIT_EXPECT_EQ(test, image_restore_chunk(loop, 1), -EBADMSG);
	for (i = 0; i < 9; i++) {
		KUNIT_EXPECT_EQ(test, image_restore_chunk(loop, i), 1);
		KUNIT_EXPECT_EQ(test, image->restored, i + 1);
	}
	KUNIT_EXPECT_EQ(test, image_restore_chunk(loop, 9), 0);
	kmcl_channel_start(loop->server.ch);
	loop_wait(&loop->client, loop_got(&loop->client) == 10);
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, loop->client.got[i], i);
	KUNIT_EXPECT_EQ(test, loop->client.got_len, 8 + 40 * 9);
}

#ifndef KMCL_IN_TREE
static void the_same_under_windows_names(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBCHANNEL ch = loop->server.ch;
	u8 *buf = image->image;
	ULONG filled, required;

	image_open_paused(loop);
	KUNIT_EXPECT_EQ(test, VmbChannelSaveContinue(ch, buf, 16, &filled,
						     &required),
			STATUS_INVALID_DEVICE_STATE);
	loop_send(&loop->server, 1, 0);
	loop_send(&loop->server, 2, 0);
	KUNIT_ASSERT_EQ(test, VmbChannelSaveBegin(ch), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, VmbChannelSaveContinue(ch, buf, 15, &filled,
						     &required),
			STATUS_BUFFER_TOO_SMALL);
	KUNIT_ASSERT_EQ(test, VmbChannelSaveContinue(ch, buf, required, &filled,
						     &required),
			STATUS_BUFFER_OVERFLOW);
	image->bytes = filled;
	KUNIT_ASSERT_EQ(test, VmbChannelSaveContinue(ch, buf + filled, 1000,
						     &filled, &required),
			STATUS_SUCCESS);
	VmbChannelSaveEnd(ch);
	image_replace_server(loop, 0);
	ch = loop->server.ch;
	KUNIT_EXPECT_EQ(test, VmbChannelRestoreFromBuffer(ch, buf, 15),
			STATUS_INVALID_PARAMETER_3);
	KUNIT_EXPECT_EQ(test, VmbChannelRestoreFromBuffer(ch, buf, image->bytes),
			STATUS_MORE_PROCESSING_REQUIRED);
	KUNIT_EXPECT_EQ(test, VmbChannelRestoreFromBuffer(ch, buf + image->bytes,
							  filled),
			STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, image->restored, 2);
}
#endif

static void complete_id(struct end *e, u64 id, u64 value)
{
	struct kmcl_channel *ch = e->ch;

	spin_lock_irq(&ch->tx.lock);
	kmcl_ring_put(&ch->tx.ring, KMCL_WIRE_COMP, 0, id, NULL, 0, &value,
		      sizeof(value));
	kmcl_ring_commit(&ch->tx.ring);
	spin_unlock_irq(&ch->tx.lock);
	kmcl_signal(ch);
}

static void expect_completions_awaited(struct kunit *test, const u64 ids[2])
{
	struct loop *loop = test->priv;

	KUNIT_ASSERT_EQ(test, image_restore_chunk(loop, 0), 0);
	KUNIT_EXPECT_EQ(test, image->restored, 3);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).in_flight, 2);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).queued, 1);
	loop_expect_balance(&loop->server);
	kmcl_channel_start(loop->server.ch);
	/* The queued one is sent, the others are not sent again */
	loop_wait(&loop->server, image->ndone == 1);
	KUNIT_EXPECT_EQ(test, image->status[2], 0);
	KUNIT_EXPECT_EQ(test, loop->client.got[2], 3);
	complete_id(&loop->client, ids[1], 1001);
	complete_id(&loop->client, ids[0], 1000);
	loop_wait(&loop->server, image->ndone == 3);
	KUNIT_EXPECT_EQ(test, image->reply[0], 1000);
	KUNIT_EXPECT_EQ(test, image->reply[1], 1001);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->client), 3);
	/* And once only */
	complete_id(&loop->client, ids[0], 1002);
	loop_wait(&loop->server, loop_counters(&loop->server).comps_stale == 1);
	KUNIT_EXPECT_EQ(test, image->ndone, 3);
}

/* As it is, or into memory of the driver's */
static void leave_and_replace(struct kunit *test, u64 ids[2], bool drivers)
{
	struct loop *loop = test->priv;

	image_leave_in_flight(loop, ids);
	image_replace_server(loop, 0);
	if (!drivers)
		return;
	image->memory = kunit_kzalloc(test, 3 * ALIGN(kmcl_packet_size(loop->server.ch), 8),
				      GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, image->memory);
}

static void what_was_in_flight_waits_for_its_completion(struct kunit *test)
{
	u64 ids[2] = {};

	leave_and_replace(test, ids, false);
	expect_completions_awaited(test, ids);
}

static void packets_in_the_drivers_memory_wait_too(struct kunit *test)
{
	u64 ids[2] = {};

	leave_and_replace(test, ids, true);
	expect_completions_awaited(test, ids);
}

/* By then the channel has other packets in the slots of these ids */
static void restore_among_others(struct kunit *test, bool drivers)
{
	struct kmcl_packet *pkts[8];
	struct loop *loop = test->priv;
	u64 ids[2] = {}, value = 5;
	u32 i;

	leave_and_replace(test, ids, drivers);
	for (i = 0; i < ARRAY_SIZE(pkts); i++) {
		pkts[i] = kmcl_packet_alloc(loop->server.ch);
		KUNIT_ASSERT_NOT_NULL(test, pkts[i]);
	}
	KUNIT_ASSERT_EQ(test, image_restore_chunk(loop, 0), 0);
	kmcl_channel_start(loop->server.ch);
	for (i = 0; i < ARRAY_SIZE(pkts); i++)
		KUNIT_EXPECT_EQ(test, 0, kmcl_send(pkts[i], &value, 8,
						   KMCL_SEND_WAIT));
	loop_wait(&loop->client, loop_got(&loop->client) == 11);
	complete_id(&loop->client, ids[0], 1000);
	complete_id(&loop->client, ids[1], 1001);
	loop_wait(&loop->server, image->ndone == 3);
	KUNIT_EXPECT_EQ(test, image->reply[0], 1000);
	KUNIT_EXPECT_EQ(test, image->reply[1], 1001);
	loop_wait(&loop->server, !loop_counters(&loop->server).in_flight);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).comps_stale, 0);
}

static void an_id_that_another_packet_has(struct kunit *test)
{
	restore_among_others(test, false);
}

static void an_id_that_another_packet_has_in_own_memory(struct kunit *test)
{
	restore_among_others(test, true);
}

/* The same chunk again: the queued packet comes twice, ids do not */
static void an_id_that_is_in_flight(struct kunit *test)
{
	struct loop *loop = test->priv;
	u64 ids[2] = {};

	leave_and_replace(test, ids, false);
	KUNIT_ASSERT_EQ(test, image_restore_chunk(loop, 0), 0);
	KUNIT_EXPECT_EQ(test, image->restored, 3);
	KUNIT_EXPECT_NE(test, image_restore_chunk(loop, 0), 0);
	KUNIT_EXPECT_EQ(test, image->packet_ret, -EEXIST);
	KUNIT_EXPECT_EQ(test, image->restored, 3);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).in_flight, 2);
	loop_expect_balance(&loop->server);
	kmcl_channel_start(loop->server.ch);
	complete_id(&loop->client, ids[0], 1000);
	complete_id(&loop->client, ids[1], 1001);
	loop_wait(&loop->server, image->ndone == 3);
}

static void closing_ends_what_was_restored(struct kunit *test)
{
	struct loop *loop = test->priv;
	u64 ids[2] = {};

	image_leave_in_flight(loop, ids);
	image_replace_server(loop, 0);
	KUNIT_ASSERT_EQ(test, image_restore_chunk(loop, 0), 0);
	kmcl_channel_disable(loop->client.ch);
	loop_wait_event(&loop->server, CLOSED, 1);
	KUNIT_EXPECT_EQ(test, image->ndone, 2);
	KUNIT_EXPECT_EQ(test, image->status[0], -ENODEV);
	KUNIT_EXPECT_EQ(test, image->status[1], -ENODEV);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).queued, 1);
}

static void a_new_instance_ends_what_was_in_flight(struct kunit *test)
{
	struct loop *loop = test->priv;
	u64 ids[2] = {};

	image_leave_in_flight(loop, ids);
	image_replace_server(loop, KMCL_SERVER_FORCE_NEW);
	KUNIT_ASSERT_EQ(test, image_restore_chunk(loop, 0), 0);
	KUNIT_EXPECT_EQ(test, image->ndone, 2);
	KUNIT_EXPECT_EQ(test, image->status[0], -ENODEV);
	KUNIT_EXPECT_EQ(test, image->status[1], -ENODEV);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).in_flight, 0);
	kmcl_channel_start(loop->server.ch);
	loop_wait(&loop->server, image->ndone == 3);
	KUNIT_EXPECT_EQ(test, image->status[2], 0);
	loop_expect_balance(&loop->server);
}

static void expect_no_save(struct kunit *test, struct kmcl_channel *ch)
{
	u32 filled;

	KUNIT_EXPECT_EQ(test, kmcl_save_begin(ch), -EBUSY);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			kmcl_save_continue(ch, image->image, 100, &filled, NULL));
	KUNIT_EXPECT_EQ(test, kmcl_restore(ch, image->image, 100), -EBUSY);
	kmcl_save_end(ch);
}

static void only_a_paused_server_is_saved(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->server.ch;
	int none = -EINVAL;
	u32 filled;

	KUNIT_EXPECT_EQ(test, kmcl_save_begin(NULL), none);
	KUNIT_EXPECT_EQ(test, kmcl_save_begin(loop->client.ch), none);
	KUNIT_EXPECT_EQ(test, kmcl_restore(NULL, image->image, 100), none);
	KUNIT_EXPECT_EQ(test, none,
			kmcl_save_continue(loop->client.ch, image->image, 100,
					   &filled, NULL));
	kmcl_save_end(NULL);
	KUNIT_EXPECT_EQ(test, none,
			kmcl_server_set_save_restore(loop->client.ch, NULL,
						     NULL));
	expect_no_save(test, ch);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(ch));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			kmcl_server_set_save_restore(ch, NULL, NULL));
	expect_no_save(test, ch);
	kmcl_channel_start(ch);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_event(&loop->server, POST_STARTED, 1);
	expect_no_save(test, ch);
	kmcl_channel_pause(ch);
	KUNIT_EXPECT_EQ(test, kmcl_save_begin(ch), 0);
	KUNIT_EXPECT_EQ(test, kmcl_save_begin(ch), -EBUSY);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			kmcl_save_continue(ch, NULL, 100, &filled, NULL));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			kmcl_save_continue(ch, image->image, 100, NULL, NULL));
	/* Nothing in use is an image as well */
	KUNIT_EXPECT_EQ(test, image_save_chunk(ch, 16, NULL), 0);
	KUNIT_EXPECT_EQ(test, image->bytes, 16);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			kmcl_save_continue(ch, image->image, 100, &filled, NULL));
	kmcl_save_end(ch);
	kmcl_save_end(ch);
	KUNIT_EXPECT_EQ(test, image_restore_chunk(loop, 0), 0);
	KUNIT_EXPECT_EQ(test, image->restored, 0);
}

static void a_start_or_a_disable_ends_a_save(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->server.ch;
	u32 filled;

	image_open_paused(loop);
	loop_send(&loop->server, 1, 0);
	KUNIT_ASSERT_EQ(test, kmcl_save_begin(ch), 0);
	kmcl_channel_start(ch);
	loop_wait(&loop->client, loop_got(&loop->client) == 1);
	kmcl_channel_pause(ch);
	/* The packet that was to be saved is gone */
	KUNIT_EXPECT_EQ(test, -EBUSY,
			kmcl_save_continue(ch, image->image, 100, &filled, NULL));
	kmcl_save_end(ch);
	KUNIT_EXPECT_EQ(test, kmcl_save_begin(ch), 0);
	kmcl_channel_disable(ch);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			kmcl_save_continue(ch, image->image, 100, &filled, NULL));
	/* loop_exit() cleans a channel up whose save was not ended */
}

static void save_one(void *data)
{
	struct end *e = data;

	image_save_chunk(e->ch, IMAGE_BYTES, NULL);
}

/* Until the state machine waits for the callback */
static void wait_for_the_work(struct end *e)
{
	unsigned long end = jiffies + LOOP_LIMIT / 2;

	while (READ_ONCE(e->ch->save.open) && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	KUNIT_ASSERT_FALSE(e->loop->test, READ_ONCE(e->ch->save.open));
}

static void a_save_callback_keeps_the_channel_paused(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	struct job *save, *start, *stop;
	u32 round, filled;

	image_open_paused(loop);
	for (round = 0; round < 2; round++) {
		loop_send(server, 1, 0);
		loop_forget(server);
		KUNIT_ASSERT_EQ(test, 0, kmcl_save_begin(server->ch));
		image->hold = true;
		save = loop_job(loop, save_one, server);
		KUNIT_ASSERT_GT(test, wait_for_completion_timeout(&image->entered,
								  LOOP_LIMIT), 0);
		KUNIT_EXPECT_EQ(test, image->in_callback, -EDEADLK);
		/* Nor is there a second one at a time */
		KUNIT_EXPECT_EQ(test, -EBUSY,
				kmcl_save_continue(server->ch, image->image, 100,
						   &filled, NULL));
		stop = NULL;
		start = NULL;
		if (round)
			stop = loop_disable(server);
		else
			start = loop_start(server);
		if (start)
			loop_job_wait(start);
		wait_for_the_work(server);
		KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(server->ch),
				   "Paused");
		loop_expect_no_events(server);
		KUNIT_EXPECT_EQ(test, loop_counters(server).queued, 1);
		complete(&image->release);
		loop_job_wait(save);
		kmcl_save_end(server->ch);
		if (stop) {
			loop_job_wait(stop);
			loop_expect_events(server, CLOSED);
		} else {
			loop_wait_event(server, POST_STARTED, 1);
			kmcl_channel_pause(server->ch);
		}
	}
}

static void a_driver_may_find_more_to_save(struct kunit *test)
{
	struct loop *loop = test->priv;

	image_open_paused(loop);
	loop_send(&loop->server, 2, 0);
	image->grow = 50;
	image_save(loop);
	KUNIT_EXPECT_EQ(test, image->asked, 1);
	KUNIT_EXPECT_EQ(test, image->saved, 2);
	image_replace_server(loop, 0);
	KUNIT_EXPECT_EQ(test, image_restore_chunk(loop, 0), 0);
	KUNIT_EXPECT_EQ(test, image->restored, 1);
}

static void a_driver_may_fail(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->server.ch;
	u32 filled;

	image_open_paused(loop);
	loop_send(&loop->server, 2, 0);
	image->fail = true;
	KUNIT_ASSERT_EQ(test, 0, kmcl_save_begin(ch));
	KUNIT_EXPECT_EQ(test, -EIO, kmcl_save_continue(ch, image->image, 1000,
						       &filled, NULL));
	KUNIT_EXPECT_EQ(test, filled, 0);
	image->fail = false;
	image->grow = U32_MAX / 2;
	KUNIT_EXPECT_EQ(test, -EIO, kmcl_save_continue(ch, image->image, 1000,
						       &filled, NULL));
	kmcl_save_end(ch);
	/* As if nothing had been tried */
	image_save(loop);
	image->restored = MAX_RESTORED;
	KUNIT_EXPECT_EQ(test, image_restore_chunk(loop, 0), -EIO);
	image->restored = 0;
	KUNIT_EXPECT_EQ(test, image_restore_chunk(loop, 0), 0);
}

static void without_callbacks(struct kunit *test)
{
	struct loop *loop = test->priv;

	KUNIT_ASSERT_EQ(test, 0,
			kmcl_server_set_save_restore(loop->server.ch, NULL, NULL));
	image_open_paused(loop);
	image_save(loop);
	KUNIT_EXPECT_EQ(test, image_restore_chunk(loop, 0), 0);
	image->chunks = 0;
	image->bytes = 0;
	loop_send(&loop->server, 2, 0);
	image_save(loop);
	KUNIT_EXPECT_EQ(test, image_restore_chunk(loop, 0), -EOPNOTSUPP);
	image_replace_server(loop, 0);
	KUNIT_EXPECT_EQ(test, image_restore_chunk(loop, 0), 0);
	KUNIT_EXPECT_EQ(test, image->restored, 1);
}

static void a_packet_is_restored_in_its_callback(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt;
	void *mem;
	u32 size;

	image_open_paused(loop);
	loop_send(&loop->server, 0, 0);
	image_save(loop);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			kmcl_packet_restore(NULL, image->image, 100));
	pkt = kmcl_packet_alloc(loop->server.ch);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	KUNIT_EXPECT_EQ(test, -EPERM,
			kmcl_packet_restore(pkt, image->image + 24, image->bytes - 24));
	kmcl_packet_free(pkt);
	size = kmcl_packet_size(loop->server.ch);
	mem = kunit_kzalloc(test, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	KUNIT_ASSERT_EQ(test, 0, kmcl_packet_init(loop->server.ch, mem, size));
	KUNIT_EXPECT_EQ(test, -ENOENT,
			kmcl_packet_restore(mem, image->image, 100));
}

static struct kunit_case save_cases[] = {
	/* KMCL: VmbChannelRestoreFromBuffer */
	KUNIT_CASE(queued_packets_come_back_in_order),
	/* KMCL: VmbChannelSaveContinue */
	KUNIT_CASE(an_image_in_pieces),
#ifndef KMCL_IN_TREE
	/* KMCL: VmbServerChannelInitSetSaveRestorePacketCallbacks */
	KUNIT_CASE(the_same_under_windows_names),
#endif
	KUNIT_CASE(what_was_in_flight_waits_for_its_completion),
	/* KMCL: VmbPacketRestore VmbPacketInitialize */
	KUNIT_CASE(packets_in_the_drivers_memory_wait_too),
	KUNIT_CASE(an_id_that_another_packet_has),
	KUNIT_CASE(an_id_that_another_packet_has_in_own_memory),
	KUNIT_CASE(an_id_that_is_in_flight),
	KUNIT_CASE(closing_ends_what_was_restored),
	/* KMCL: VMBUS_SERVER_CHANNEL_INIT_FLAG_FORCE_NEW_CHANNEL */
	KUNIT_CASE(a_new_instance_ends_what_was_in_flight),
	/* KMCL: VmbChannelSaveBegin */
	KUNIT_CASE(only_a_paused_server_is_saved),
	/* KMCL: VmbChannelSaveBegin VmbChannelSaveEnd */
	KUNIT_CASE(a_start_or_a_disable_ends_a_save),
	KUNIT_CASE(a_save_callback_keeps_the_channel_paused),
	/* KMCL: VmbChannelSaveContinue EVT_VMB_CHANNEL_SAVE_PACKET */
	KUNIT_CASE(a_driver_may_find_more_to_save),
	/* KMCL: EVT_VMB_CHANNEL_SAVE_PACKET EVT_VMB_CHANNEL_RESTORE_PACKET */
	KUNIT_CASE(a_driver_may_fail),
	/* KMCL: VmbServerChannelInitSetSaveRestorePacketCallbacks */
	KUNIT_CASE(without_callbacks),
	/* KMCL: VmbPacketRestore EVT_VMB_CHANNEL_RESTORE_PACKET */
	KUNIT_CASE(a_packet_is_restored_in_its_callback),
	{}
};

static struct kunit_suite save_suite = {
	.name = "kmcl_save",
	.init = image_init,
	.exit = image_exit,
	.test_cases = save_cases,
};

kunit_test_suite(save_suite);
