// SPDX-License-Identifier: GPL-2.0
/*
 * Messages through a device of kmcl_cdev: what read() and write() return, the limits
 * of both directions, waiting, and poll().
 */
#include <linux/blkdev.h>
#include <linux/slab.h>

#include "cdev_harness.h"

/* No message but one fits, so that each further one waits */
#define ONE_BYTE	1U

static void messages_go_both_ways(struct kunit *test)
{
	struct cd *cd = test->priv;
	u8 buf[CD_PACKET];
	u64 i;

	cd_up(test);
	for (i = 1; i <= 8; i++)
		cd_send(test, i);
	cd_wait_got(test, 8);
	for (i = 0; i < 8; i++) {
		KUNIT_EXPECT_EQ(test, cd->server.got[i], i + 1);
		KUNIT_EXPECT_EQ(test, cd->server.len[i], 8);
		KUNIT_EXPECT_EQ(test, cd_server_send(cd, 100 + i, 8), 0);
	}
	cd_wait_waiting(test, 8);
	for (i = 0; i < 8; i++)
		cd_expect_value(test, 100 + i);
	KUNIT_EXPECT_EQ(test, cd_read_nowait(cd->file, buf, sizeof(buf)),
			-EAGAIN);
	/* Reading a message completes it */
	KUNIT_EXPECT_TRUE(test, cd_comes_true(cd->server.wait,
					      READ_ONCE(cd->server.completed) == 8));
	KUNIT_EXPECT_EQ(test, cd_stats(cd).written, 8);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).ended, 8);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).read_bytes, 64);
}

static void nothing_is_a_message(struct kunit *test)
{
	struct cd *cd = test->priv;
	u8 buf[8];

	cd_up(test);
	KUNIT_EXPECT_EQ(test, cd_write_nowait(cd->file, buf, 0), 0);
	cd_wait_got(test, 1);
	KUNIT_EXPECT_EQ(test, cd->server.len[0], 0);
	KUNIT_EXPECT_EQ(test, cd_server_send(cd, 0, 0), 0);
	cd_wait_waiting(test, 1);
	KUNIT_EXPECT_EQ(test, cd_read_nowait(cd->file, buf, 0), 0);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).read, 1);
	KUNIT_EXPECT_EQ(test, cd_read_nowait(cd->file, buf, 0), -EAGAIN);
}

static void a_short_buffer_leaves_the_message(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct kc_opener *o = cd->file->private_data;
	u64 buf[2] = {};

	cd_up(test);
	KUNIT_EXPECT_EQ(test, cd_server_send(cd, 7, 16), 0);
	KUNIT_EXPECT_EQ(test, cd_server_send(cd, 8, 16), 0);
	cd_wait_waiting(test, 2);
	KUNIT_EXPECT_EQ(test, cd_read_nowait(cd->file, buf, 15), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).waiting, 2);
	KUNIT_EXPECT_EQ(test, cd_read_nowait(cd->file, buf, 16), 16);
	KUNIT_EXPECT_EQ(test, buf[0], 7);

	o->mode = KMCL_MODE_TRUNCATE;
	KUNIT_EXPECT_EQ(test, cd_read_nowait(cd->file, buf, 8), 8);
	KUNIT_EXPECT_EQ(test, buf[0], 8);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).truncated, 1);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).waiting, 0);
}

static void what_is_too_long_is_not_sent(struct kunit *test)
{
	struct cd *cd = test->priv;
	u8 *buf = kunit_kzalloc(test, CD_PACKET + 1, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_EXPECT_EQ(test, cd_write(cd->file, buf, CD_PACKET + 1), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).written, 0);
	KUNIT_EXPECT_EQ(test, cd_write(cd->file, buf, CD_PACKET), CD_PACKET);
	cd_up(test);
	cd_wait_got(test, 1);
	KUNIT_EXPECT_EQ(test, cd->server.len[0], CD_PACKET);
}

static void what_is_queued_is_limited(struct kunit *test)
{
	struct cd *cd = test->priv;
	u64 i;

	/* By the number */
	cd_limits(test, 3, KC_QUEUE_BYTES);
	for (i = 0; i < 3; i++)
		cd_send(test, i);
	KUNIT_EXPECT_EQ(test, cd_write_nowait(cd->file, &i, 8), -EAGAIN);
	KUNIT_EXPECT_FALSE(test, cd_poll(cd->file) & EPOLLOUT);
	/* By memory, of which the messages have more than their bytes */
	cd_limits(test, 100, 4 * cd->kc->charge);
	KUNIT_EXPECT_TRUE(test, cd_poll(cd->file) & EPOLLOUT);
	cd_send(test, 3);
	KUNIT_EXPECT_EQ(test, cd_write_nowait(cd->file, &i, 8), -EAGAIN);
	KUNIT_EXPECT_GE(test, cd->kc->charge, CD_PACKET);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).queued_bytes, 4 * cd->kc->charge);

	cd_up(test);
	cd_wait_got(test, 4);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, cd->server.got[i], i);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).queued, 0);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).queued_bytes, 0);
}

/* However small the limit is */
static void one_is_always_possible(struct kunit *test)
{
	struct cd *cd = test->priv;
	u64 i = 1;

	cd_limits(test, 1, ONE_BYTE);
	cd_send(test, i);
	KUNIT_EXPECT_EQ(test, cd_write_nowait(cd->file, &i, 8), -EAGAIN);
	cd_up(test);
	cd_wait_got(test, 1);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, cd_server_send(cd, i, 8), 0);
	for (i = 0; i < 3; i++) {
		cd_wait_waiting(test, 1);
		cd_expect_value(test, i);
	}
}

static void a_writer_waits_for_room(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct cd_call *writer;

	cd_limits(test, 1, KC_QUEUE_BYTES);
	cd_send(test, 1);
	writer = cd_call(test, (struct cd_call){
			 .file = cd->file, .what = CD_WRITE, .len = 8 });
	cd_expect_waits(writer);
	cd_up(test);
	KUNIT_EXPECT_EQ(test, cd_returned(writer), 8);
	cd_wait_got(test, 2);
}

static void a_reader_waits_for_a_message(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct cd_call *reader[2];
	u64 sum = 0;
	u32 i;

	for (i = 0; i < 2; i++)
		reader[i] = cd_call(test, (struct cd_call){
				    .file = cd->file, .what = CD_READ, .len = 8 });
	cd_expect_waits(reader[0]);
	cd_expect_waits(reader[1]);
	cd_up(test);
	/* Each message goes to one of them */
	KUNIT_EXPECT_EQ(test, cd_server_send(cd, 1, 8), 0);
	KUNIT_EXPECT_EQ(test, cd_server_send(cd, 2, 8), 0);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, cd_returned(reader[i]), 8);
		sum += reader[i]->buf;
	}
	KUNIT_EXPECT_EQ(test, sum, 3);
}

static void a_signal_ends_the_wait(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct cd_call *reader, *writer;

	cd_limits(test, 1, KC_QUEUE_BYTES);
	cd_send(test, 1);
	reader = cd_call(test, (struct cd_call){
			 .file = cd->file, .what = CD_READ, .len = 8 });
	writer = cd_call(test, (struct cd_call){
			 .file = cd->file, .what = CD_WRITE, .len = 8 });
	cd_expect_waits(reader);
	cd_expect_waits(writer);
	cd_signal(reader);
	cd_signal(writer);
	KUNIT_EXPECT_EQ(test, cd_returned(reader), -ERESTARTSYS);
	KUNIT_EXPECT_EQ(test, cd_returned(writer), -ERESTARTSYS);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).written, 1);
}

/* The host may send what it likes: it stays in the ring */
static void what_is_received_is_limited(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct kmcl_counters c;
	u64 i, n = 200;

	cd_limits(test, 5, KC_QUEUE_BYTES);
	cd_up(test);
	for (i = 0; i < n; i++)
		KUNIT_ASSERT_EQ(test, cd_server_send(cd, i, CD_PACKET), 0);
	cd_wait_waiting(test, 5);
	kmcl_get_counters(cd->server.ch, &c);
	KUNIT_EXPECT_GT(test, c.queued, 0);
	/* A limit of memory in its place */
	cd_limits(test, n, 8 * CD_PACKET);
	cd_rescind(test);
	KUNIT_EXPECT_LE(test, cd->kc->owned, 8 * CD_PACKET);
	KUNIT_EXPECT_LE(test, cd_stats(cd).waiting, 8);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).lost, 0);
}

/* And go on, in order, when there is room again */
static void what_stayed_in_the_ring_comes_later(struct kunit *test)
{
	struct cd *cd = test->priv;
	u64 i, got[CD_PACKET / 8];

	cd_limits(test, 3, KC_QUEUE_BYTES);
	cd_up(test);
	for (i = 0; i < 50; i++)
		KUNIT_ASSERT_EQ(test, cd_server_send(cd, i, CD_PACKET), 0);
	for (i = 0; i < 50; i++) {
		KUNIT_ASSERT_EQ(test, cd_read(cd->file, got, sizeof(got)),
				CD_PACKET);
		KUNIT_EXPECT_EQ(test, got[0], i);
	}
}

static void poll_tells_of_messages_and_room(struct kunit *test)
{
	struct cd *cd = test->priv;

	cd_limits(test, 1, KC_QUEUE_BYTES);
	CD_EXPECT_POLL(test, cd->file, EPOLLIN | EPOLLOUT | EPOLLHUP,
		       EPOLLOUT | EPOLLHUP);
	cd_send(test, 1);
	CD_EXPECT_POLL(test, cd->file, EPOLLIN | EPOLLOUT | EPOLLHUP,
		       EPOLLHUP);
	cd_up(test);
	cd_wait_got(test, 1);
	KUNIT_EXPECT_TRUE(test, cd_comes_true(cd->kc->out_wait,
					      cd_stats(cd).queued == 0));
	CD_EXPECT_POLL(test, cd->file, EPOLLIN | EPOLLOUT | EPOLLHUP,
		       EPOLLOUT);
	KUNIT_EXPECT_EQ(test, cd_server_send(cd, 1, 8), 0);
	cd_wait_waiting(test, 1);
	CD_EXPECT_POLL(test, cd->file, EPOLLIN | EPOLLOUT | EPOLLHUP,
		       EPOLLIN | EPOLLOUT);
	cd_expect_value(test, 1);
	KUNIT_EXPECT_FALSE(test, cd_poll(cd->file) & EPOLLIN);
}

static void fsync_waits_for_what_was_written(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct cd_call *sync;

	KUNIT_EXPECT_EQ(test, vfs_fsync(cd->file, 0), 0);
	cd_send(test, 1);
	sync = cd_call(test, (struct cd_call){
		       .file = cd->file, .what = CD_FSYNC });
	cd_expect_waits(sync);
	cd_up(test);
	KUNIT_EXPECT_EQ(test, cd_returned(sync), 0);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).queued, 0);
}

/* To each open file once */
static void fsync_tells_what_was_cancelled(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct file *other = cd_open(test, 0);
	struct cd_call *sync;

	cd_send(test, 1);
	sync = cd_call(test, (struct cd_call){
		       .file = cd->file, .what = CD_FSYNC });
	cd_expect_waits(sync);
	cd_off(test);
	KUNIT_EXPECT_EQ(test, cd_returned(sync), -EIO);
	KUNIT_EXPECT_EQ(test, vfs_fsync(cd->file, 0), 0);
	KUNIT_EXPECT_EQ(test, vfs_fsync(other, 0), -EIO);
	KUNIT_EXPECT_EQ(test, vfs_fsync(other, 0), 0);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).cancelled, 1);
	cd_close(test, other);
}

#ifdef CONFIG_BLOCK
/* As io_uring begins and ends a batch */
static void messages_of_a_batch_go_together(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct blk_plug plug;
	u32 queued, got;
	u64 i;

	cd_up(test);
	/* Nothing sleeps before the end of the batch */
	blk_start_plug(&plug);
	for (i = 1; i <= 3; i++)
		cd_send(test, i);
	queued = cd_stats(cd).queued;
	got = READ_ONCE(cd->server.n);
	blk_finish_plug(&plug);
	KUNIT_EXPECT_EQ(test, queued, 3);
	KUNIT_EXPECT_EQ(test, got, 0);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).queued, 0);
	cd_wait_got(test, 3);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, cd->server.got[i], i + 1);
}

/* Who sleeps in the middle of one does not keep its messages from the host */
static void a_batch_ends_when_its_task_sleeps(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct blk_plug plug;

	cd_up(test);
	blk_start_plug(&plug);
	cd_send(test, 1);
	cd_wait_got(test, 1);
	cd_send(test, 2);
	/* Which sleeps as well, and is not waited for below */
	cd_off(test);
	blk_finish_plug(&plug);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).queued, 0);
}
#endif

static void lengths_are_exact_in_a_pipe(struct kunit *test)
{
	struct cd *cd = test->priv;
	u8 buf[16];

	cd_up(test);
	KUNIT_EXPECT_EQ(test, cd_write(cd->file, "abcde", 5), 5);
	cd_wait_got(test, 1);
	KUNIT_EXPECT_EQ(test, cd->server.len[0], 5);
	KUNIT_EXPECT_EQ(test, cd_server_send(cd, 1, 3), 0);
	cd_wait_waiting(test, 1);
	KUNIT_EXPECT_EQ(test, cd_read(cd->file, buf, sizeof(buf)), 3);
}

static struct kunit_case cdev_queue_cases[] = {
	KUNIT_CASE(messages_go_both_ways),
	KUNIT_CASE(nothing_is_a_message),
	KUNIT_CASE(a_short_buffer_leaves_the_message),
	KUNIT_CASE(what_is_too_long_is_not_sent),
	KUNIT_CASE(what_is_queued_is_limited),
	KUNIT_CASE(one_is_always_possible),
	KUNIT_CASE(a_writer_waits_for_room),
	KUNIT_CASE(a_reader_waits_for_a_message),
	KUNIT_CASE(a_signal_ends_the_wait),
	KUNIT_CASE(what_is_received_is_limited),
	KUNIT_CASE(what_stayed_in_the_ring_comes_later),
	KUNIT_CASE(poll_tells_of_messages_and_room),
	KUNIT_CASE(fsync_waits_for_what_was_written),
	KUNIT_CASE(fsync_tells_what_was_cancelled),
#ifdef CONFIG_BLOCK
	KUNIT_CASE(messages_of_a_batch_go_together),
	KUNIT_CASE(a_batch_ends_when_its_task_sleeps),
#endif
	{}
};

static struct kunit_suite cdev_queue_suite = {
	.name = "kmcl_cdev_queue",
	.init = cd_init,
	.exit = cd_exit,
	.test_cases = cdev_queue_cases,
};

static struct kunit_case cdev_pipe_cases[] = {
	KUNIT_CASE(lengths_are_exact_in_a_pipe),
	{}
};

static struct kunit_suite cdev_pipe_suite = {
	.name = "kmcl_cdev_pipe",
	.init = cd_init_pipe,
	.exit = cd_exit,
	.test_cases = cdev_pipe_cases,
};

kunit_test_suites(&cdev_queue_suite, &cdev_pipe_suite);
