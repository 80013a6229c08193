// SPDX-License-Identifier: GPL-2.0
/*
 * Synchronous requests: time limits, replies, and how a request ends in
 * each state. What ends a wait is in sync_end_test.c, who may wait in
 * sync_callback_test.c.
 */
#include <linux/ktime.h>

#include "harness.h"

static void a_reply_comes_back(struct kunit *test)
{
	struct loop *loop = test->priv;
	u64 value = 42, reply[2] = {};
	u32 len = sizeof(reply), i;

	loop_up(loop);
	KUNIT_EXPECT_EQ(test, 0,
			kmcl_send_sync(loop->client.ch, &value, sizeof(value),
				       KMCL_SEND_WAIT, reply, &len,
				       KMCL_NO_TIMEOUT));
	KUNIT_EXPECT_EQ(test, len, 8);
	KUNIT_EXPECT_EQ(test, reply[0], 42);
	/* Neither is needed */
	for (i = 0; i < 300; i++)
		KUNIT_ASSERT_EQ(test, 0,
				kmcl_send_sync(loop->client.ch, &value,
					       sizeof(value), KMCL_SEND_WAIT,
					       NULL, NULL, NSEC_PER_SEC * 10LL));
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).completed, 301);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).in_flight, 0);
}

static void without_wait_it_ends_in_the_ring(struct kunit *test)
{
	struct loop *loop = test->priv;
	u64 value = 0;

	loop->server.keep = true;
	loop_up(loop);
	KUNIT_EXPECT_EQ(test, 0,
			kmcl_send_sync(loop->client.ch, &value, sizeof(value),
				       0, NULL, NULL, KMCL_NO_TIMEOUT));
	loop_wait(&loop->server, loop_got(&loop->server) == 1);
}

static void reply_of(struct end *e, struct kmcl_context *ctx, u64 value)
{
	static u8 data[64] = { [0 ... 63] = 0x5a };

	kmcl_complete(ctx, value == 1 ? data : NULL, value == 1 ? 21 : 0);
}

static void a_reply_too_long_is_cut_and_its_length_reported(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;
	u64 value = 1, reply[4] = {};
	u32 len;

	loop->server.process = reply_of;
	loop_up(loop);
	len = 16;
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			kmcl_send_sync(ch, &value, sizeof(value), KMCL_SEND_WAIT,
				       reply, &len, KMCL_NO_TIMEOUT));
	KUNIT_EXPECT_EQ(test, len, 24);
	KUNIT_EXPECT_EQ(test, reply[1], 0x5a5a5a5a5a5a5a5aULL);
	KUNIT_EXPECT_EQ(test, reply[2], 0);
	len = 32;
	KUNIT_EXPECT_EQ(test, 0,
			kmcl_send_sync(ch, &value, sizeof(value), KMCL_SEND_WAIT,
				       reply, &len, KMCL_NO_TIMEOUT));
	KUNIT_EXPECT_EQ(test, len, 24);
	KUNIT_EXPECT_EQ(test, reply[2], 0x5a5a5a5a5aULL);

	value = 2;
	KUNIT_EXPECT_EQ(test, 0,
			kmcl_send_sync(ch, &value, sizeof(value), KMCL_SEND_WAIT,
				       reply, &len, KMCL_NO_TIMEOUT));
	KUNIT_EXPECT_EQ(test, len, 0);
}

static void a_time_limit_ends_the_wait(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct kmcl_counters c;
	u64 value = 1;
	ktime_t start;
	s64 ms;

	loop->server.keep = true;
	loop_up(loop);
	start = ktime_get();
	KUNIT_EXPECT_EQ(test, -ECANCELED,
			kmcl_send_sync(client->ch, &value, sizeof(value),
				       KMCL_SEND_WAIT, NULL, NULL,
				       50 * NSEC_PER_MSEC));
	ms = ktime_ms_delta(ktime_get(), start);
	KUNIT_EXPECT_GE(test, ms, 40);
	c = loop_counters(client);
	KUNIT_EXPECT_EQ(test, c.in_flight, 0);
	KUNIT_EXPECT_EQ(test, c.cancelled, 1);

	/* A late completion is dropped */
	loop_wait(&loop->server, loop_kept(&loop->server) == 1);
	loop_complete_all(&loop->server);
	loop->server.keep = false;
	KUNIT_EXPECT_EQ(test, 0,
			kmcl_send_sync(client->ch, &value, sizeof(value),
				       KMCL_SEND_WAIT, NULL, NULL,
				       KMCL_NO_TIMEOUT));
	KUNIT_EXPECT_EQ(test, loop_counters(client).comps_stale, 1);
}

static void a_time_limit_takes_it_off_the_queue(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	u64 value = 1;

	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(client->ch));
	loop_send(client, 7, 0);
	KUNIT_EXPECT_EQ(test, -ECANCELED,
			kmcl_send_sync(client->ch, &value, sizeof(value), 0,
				       NULL, NULL, 20 * NSEC_PER_MSEC));
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, 1);
	kmcl_channel_start(loop->server.ch);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	loop_wait(&loop->server, loop_got(&loop->server) == 1);
	KUNIT_EXPECT_EQ(test, loop->server.got[0], 7);
}

static void no_time_at_all_neither_queues_nor_waits(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	u32 i;

	KUNIT_EXPECT_EQ(test, loop_request(client, 0, 0), -ENODEV);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(client->ch));
	KUNIT_EXPECT_EQ(test, loop_request(client, 0, 0), -EAGAIN);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	KUNIT_EXPECT_EQ(test, loop_request(&loop->server, 0, 0), -EAGAIN);
	loop_wait_event(client, POST_STARTED, 1);
	for (i = 0; i < LOOP_SENDS; i++)
		if (loop_request(client, 0, 0))
			break;
	KUNIT_EXPECT_EQ(test, loop_request(client, 0, 0), -EAGAIN);
	KUNIT_EXPECT_GT(test, i, 100);
	KUNIT_EXPECT_EQ(test, loop_counters(client).accepted, i);
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, 0);
	kmcl_channel_start(loop->server.ch);
	loop_wait(&loop->server, loop_got(&loop->server) == i);
	KUNIT_EXPECT_EQ(test, loop_request(&loop->server, 0, 0), 0);
	kmcl_channel_disable(client->ch);
	KUNIT_EXPECT_EQ(test, loop_request(client, 0, 0), -ENODEV);
}

static void a_server_never_waits(struct kunit *test)
{
	struct loop *loop = test->priv;
	u64 value = 1;

	loop_up(loop);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			kmcl_send_sync(loop->server.ch, &value, sizeof(value),
				       0, NULL, NULL, KMCL_NO_TIMEOUT));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			kmcl_send_sync(loop->server.ch, &value, sizeof(value),
				       KMCL_SEND_WAIT, NULL, NULL, 0));
}

/* 1.6: a server that is offered has no room, one that is closing has no link */
static void a_server_says_what_the_client_left(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	struct job *job;

	KUNIT_EXPECT_EQ(test, loop_request(server, 0, 0), -ENODEV);
	loop_up(loop);
	KUNIT_EXPECT_EQ(test, loop_request(server, 0, 0), 0);
	kmcl_channel_pause(server->ch);
	KUNIT_EXPECT_EQ(test, loop_request(server, 0, 0), -EAGAIN);
	loop_hold(server, CLOSED);
	job = loop_disable(&loop->client);
	loop_wait_held(server);
	KUNIT_EXPECT_EQ(test, loop_request(server, 0, 0), -ENODEV);
	loop_release(server);
	loop_job_wait(job);
	loop_wait_state(server, "Enabled");
	KUNIT_EXPECT_EQ(test, loop_request(server, 0, 0), -EAGAIN);
	KUNIT_EXPECT_EQ(test, loop_counters(server).queued, 0);
	kmcl_channel_disable(server->ch);
	KUNIT_EXPECT_EQ(test, loop_request(server, 0, 0), -ENODEV);
}

static const struct completion_case {
	const char *name;
	u32 flags;
} completion_cases[] = {
	{ "complete in the ring", 0 },
	{ "complete by the peer", KMCL_SEND_WAIT },
};

KUNIT_ARRAY_PARAM_DESC(completion, completion_cases, name);

/* Before the first enable, and after a close */
static void expect_no_device(struct end *client, u32 flags, s64 soon)
{
	struct kunit *test = client->loop->test;

	KUNIT_EXPECT_EQ(test, -ENODEV,
			loop_request(client, flags, KMCL_NO_TIMEOUT));
	KUNIT_EXPECT_EQ(test, loop_request(client, flags, soon), -ENODEV);
	KUNIT_EXPECT_EQ(test, loop_request(client, flags, 0), -ENODEV);
}

/* What the table says for each situation, time limit and way to complete */
static void every_limit_with_every_completion(struct kunit *test)
{
	const struct completion_case *param = test->param_value;
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	s64 soon = 20 * NSEC_PER_MSEC;
	u32 f = param->flags;

	expect_no_device(client, f, soon);

	/* No offer: queued, which takes time */
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(client->ch));
	KUNIT_EXPECT_EQ(test, loop_request(client, f, soon), -ECANCELED);
	KUNIT_EXPECT_EQ(test, loop_request(client, f, 0), -EAGAIN);

	kmcl_channel_start(server->ch);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(server->ch));
	loop_wait_event(client, POST_STARTED, 1);
	KUNIT_EXPECT_EQ(test, 0, loop_request(client, f, KMCL_NO_TIMEOUT));
	KUNIT_EXPECT_EQ(test, 0, loop_request(client, f, 10LL * NSEC_PER_SEC));

	/* Paused: as with no offer */
	kmcl_channel_pause(client->ch);
	KUNIT_EXPECT_EQ(test, loop_request(client, f, soon), -ECANCELED);
	KUNIT_EXPECT_EQ(test, loop_request(client, f, 0), -EAGAIN);
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, 0);
	kmcl_channel_disable(client->ch);
	expect_no_device(client, f, soon);
}

/* Sent, and cancelled at once: the peer still gets it */
static void no_time_to_wait_for_a_completion(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_counters c;

	loop->server.keep = true;
	loop_up(loop);
	KUNIT_EXPECT_EQ(test, -ECANCELED,
			loop_request(&loop->client, KMCL_SEND_WAIT, 0));
	loop_wait(&loop->server, loop_kept(&loop->server) == 1);
	c = loop_counters(&loop->client);
	KUNIT_EXPECT_EQ(test, c.in_flight, 0);
	KUNIT_EXPECT_EQ(test, c.cancelled, 1);
	loop_complete_all(&loop->server);
	loop_wait(&loop->client, loop_counters(&loop->client).comps_stale == 1);
}

static void a_reply_buffer_is_of_whole_words(struct kunit *test)
{
	struct loop *loop = test->priv;
	u64 value = 3, reply[2];
	u32 len;

	loop_up(loop);
	for (len = 1; len < 8; len++) {
		u32 room = len;

		KUNIT_EXPECT_EQ(test, -EINVAL,
				kmcl_send_sync(loop->client.ch, &value, 8,
					       KMCL_SEND_WAIT, reply, &room,
					       KMCL_NO_TIMEOUT));
		KUNIT_EXPECT_EQ(test, room, len);
	}
	KUNIT_EXPECT_EQ(test, -EINVAL,
			kmcl_send_sync(loop->client.ch, &value, 8,
				       KMCL_SEND_WAIT, reply, NULL,
				       KMCL_NO_TIMEOUT));
	/* No room at all: the size needed is stored */
	len = 0;
	reply[0] = 1;
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			kmcl_send_sync(loop->client.ch, &value, 8,
				       KMCL_SEND_WAIT, reply, &len,
				       KMCL_NO_TIMEOUT));
	KUNIT_EXPECT_EQ(test, len, 8);
	KUNIT_EXPECT_EQ(test, reply[0], 1);
	/* No buffer: the data is dropped, and nothing was written */
	len = 16;
	KUNIT_EXPECT_EQ(test, 0,
			kmcl_send_sync(loop->client.ch, &value, 8,
				       KMCL_SEND_WAIT, NULL, &len,
				       KMCL_NO_TIMEOUT));
	KUNIT_EXPECT_EQ(test, len, 0);
}

static struct kunit_case sync_cases[] = {
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(a_reply_comes_back),
	KUNIT_CASE(without_wait_it_ends_in_the_ring),
	KUNIT_CASE(a_reply_too_long_is_cut_and_its_length_reported),
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(a_time_limit_ends_the_wait),
	KUNIT_CASE(a_time_limit_takes_it_off_the_queue),
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(no_time_at_all_neither_queues_nor_waits),
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(a_server_never_waits),
	KUNIT_CASE(a_server_says_what_the_client_left),
	KUNIT_CASE_PARAM(every_limit_with_every_completion,
			 completion_gen_params),
	KUNIT_CASE(no_time_to_wait_for_a_completion),
	KUNIT_CASE(a_reply_buffer_is_of_whole_words),
	{}
};

static struct kunit_suite sync_suite = {
	.name = "kmcl_sync",
	.init = loop_init,
	.exit = loop_exit,
	.test_cases = sync_cases,
};

kunit_test_suite(sync_suite);
