// SPDX-License-Identifier: GPL-2.0
/*
 * Synchronous requests: time limits, replies, what ends a wait, and who may
 * not wait.
 */
#include <linux/kthread.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "harness.h"

/* A request that another thread makes */
struct request {
	struct end *e;
	u32 flags;
	s64 timeout;
	u64 reply;
	u32 reply_len;
	int ret;
	struct task_struct *task;
	struct completion done;
};

static int request_thread(void *data)
{
	struct request *r = data;
	u64 value = 0;

	allow_kernel_signal(SIGKILL);
	r->reply_len = sizeof(r->reply);
	r->ret = kmcl_send_sync(r->e->ch, &value, sizeof(value), r->flags,
				&r->reply, &r->reply_len, r->timeout);
	complete(&r->done);
	return 0;
}

static struct request *request_start(struct end *e, u32 flags, s64 timeout)
{
	struct kunit *test = e->loop->test;
	struct request *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, r);
	r->e = e;
	r->flags = flags;
	r->timeout = timeout;
	r->ret = 1;
	init_completion(&r->done);
	r->task = kthread_run(request_thread, r, "kmcl_request");
	KUNIT_ASSERT_FALSE(test, IS_ERR(r->task));
	return r;
}

static void request_end(struct request *r, int ret)
{
	struct kunit *test = r->e->loop->test;

	KUNIT_ASSERT_GT(test, wait_for_completion_timeout(&r->done, LOOP_LIMIT), 0);
	KUNIT_EXPECT_EQ(test, r->ret, ret);
}

/* Until the request stands in the list of those that may be aborted */
static void request_listed(struct request *r)
{
	struct kmcl_channel *ch = r->e->ch;
	unsigned long end = jiffies + LOOP_LIMIT;
	u64 pending = 0;

	while (!pending && time_before(jiffies, end)) {
		struct kmcl_counters c = loop_counters(r->e);

		pending = c.queued + c.in_flight;
		schedule_timeout_uninterruptible(1);
	}
	KUNIT_ASSERT_GT(r->e->loop->test, pending, 0);
	KUNIT_ASSERT_FALSE(r->e->loop->test, list_empty(&ch->syncs));
}

/* A request in the queue of the client, which nobody offers a device */
static struct request *request_queued(struct loop *loop, u32 flags)
{
	struct request *r;

	KUNIT_ASSERT_EQ(loop->test, 0, kmcl_channel_enable(loop->client.ch));
	r = request_start(&loop->client, flags, KMCL_NO_TIMEOUT);
	request_listed(r);
	return r;
}

/* A request of the client's that the server holds */
static struct request *request_held(struct loop *loop)
{
	struct request *r;

	r = request_start(&loop->client, KMCL_SEND_WAIT, KMCL_NO_TIMEOUT);
	request_listed(r);
	loop_wait(&loop->server, loop_kept(&loop->server) == 1);
	return r;
}

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

static void reply_of(struct end *e, struct kmcl_completion *comp, u64 value)
{
	static u8 data[64] = { [0 ... 63] = 0x5a };

	kmcl_complete(comp, value == 1 ? data : NULL, value == 1 ? 21 : 0);
}

static void a_reply_too_long_is_cut_and_its_length_told(struct kunit *test)
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

	/* What comes too late is dropped */
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

static int send_now(struct end *e)
{
	u64 value = 1;

	return kmcl_send_sync(e->ch, &value, sizeof(value), 0, NULL, NULL, 0);
}

static void no_time_at_all_neither_queues_nor_waits(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	u32 i;

	KUNIT_EXPECT_EQ(test, send_now(client), -ENODEV);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(client->ch));
	KUNIT_EXPECT_EQ(test, send_now(client), -EAGAIN);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	KUNIT_EXPECT_EQ(test, send_now(&loop->server), -EAGAIN);
	loop_wait_log(client, 'p', 1);
	for (i = 0; i < LOOP_SENDS; i++)
		if (send_now(client))
			break;
	KUNIT_EXPECT_EQ(test, send_now(client), -EAGAIN);
	KUNIT_EXPECT_GT(test, i, 100);
	KUNIT_EXPECT_EQ(test, loop_counters(client).accepted, i);
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, 0);
	kmcl_channel_start(loop->server.ch);
	loop_wait(&loop->server, loop_got(&loop->server) == i);
	KUNIT_EXPECT_EQ(test, send_now(&loop->server), 0);
	kmcl_channel_disable(client->ch);
	KUNIT_EXPECT_EQ(test, send_now(client), -ENODEV);
}

static void a_server_never_waits(struct kunit *test)
{
	struct loop *loop = test->priv;
	u64 value = 1;

	loop_up(loop);
	KUNIT_EXPECT_EQ(test, KMCL_ERR(EINVAL, 8),
			__kmcl_send_sync(loop->server.ch, &value, sizeof(value),
					 0, NULL, NULL, KMCL_NO_TIMEOUT));
	KUNIT_EXPECT_EQ(test, KMCL_ERR(EINVAL, 8),
			__kmcl_send_sync(loop->server.ch, &value, sizeof(value),
					 KMCL_SEND_WAIT, NULL, NULL, 0));
}

/* S27 */
static void s27_disable_ends_the_wait_in_flight(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct request *r;
	u32 i;

	loop->server.keep = true;
	for (i = 0; i < 50; i++) {
		kmcl_channel_start(loop->server.ch);
		kmcl_channel_enable(loop->server.ch);
		KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
		loop_wait_log(&loop->client, 'p', i + 1);
		r = request_held(loop);
		kmcl_channel_disable(loop->client.ch);
		request_end(r, -ENODEV);
		loop_complete_all(&loop->server);
	}
}

static void s27_disable_ends_the_wait_in_the_queue(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct request *r;

	r = request_queued(loop, KMCL_SEND_WAIT);
	kmcl_channel_disable(loop->client.ch);
	request_end(r, -ENODEV);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued, 0);
}

static void s27_a_rescind_ends_the_wait(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct request *r;

	loop->server.keep = true;
	loop_up(loop);
	r = request_held(loop);
	kmcl_offer_rescind(loop->server.ch->offer);
	request_end(r, -ENODEV);
	loop_complete_all(&loop->server);
}

static void s27_a_refused_open_ends_the_wait(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct request *r;

	r = request_queued(loop, KMCL_SEND_WAIT);
	loop->server.opened_result = -EIO;
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	request_end(r, -ENODEV);
	loop_wait_state(&loop->client, "Disabled");
}

static void s27_an_open_that_was_undone_ends_the_wait(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct request *r;

	r = request_queued(loop, 0);
	loop->client.opened_result = -EIO;
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	request_end(r, -ENODEV);
}

static void a_request_waits_for_the_channel_to_open(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct request *r;

	r = request_queued(loop, KMCL_SEND_WAIT);
	kmcl_channel_start(loop->server.ch);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	request_end(r, 0);
	KUNIT_EXPECT_EQ(test, r->reply_len, 8);
}

/* 1.6: a server that is offered has no room, one that is closing has no link */
static void a_server_says_what_the_client_left(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	struct job *job;

	KUNIT_EXPECT_EQ(test, send_now(server), -ENODEV);
	loop_up(loop);
	KUNIT_EXPECT_EQ(test, send_now(server), 0);
	kmcl_channel_pause(server->ch);
	KUNIT_EXPECT_EQ(test, send_now(server), -EAGAIN);
	loop_hold(server, 'C');
	job = loop_disable(&loop->client);
	loop_wait_held(server);
	KUNIT_EXPECT_EQ(test, send_now(server), -ENODEV);
	loop_release(server);
	loop_job_wait(job);
	loop_wait_state(server, "Enabled");
	KUNIT_EXPECT_EQ(test, send_now(server), -EAGAIN);
	KUNIT_EXPECT_EQ(test, loop_counters(server).queued, 0);
	kmcl_channel_disable(server->ch);
	KUNIT_EXPECT_EQ(test, send_now(server), -ENODEV);
}

/* What the table says for each situation, time limit and way to complete */
static int try(struct end *e, u32 flags, s64 timeout)
{
	u64 value = 1;

	return kmcl_send_sync(e->ch, &value, sizeof(value), flags, NULL, NULL,
			      timeout);
}

static void every_limit_with_every_completion(struct kunit *test)
{
	static const u32 flags[] = { 0, KMCL_SEND_WAIT };
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	s64 soon = 20 * NSEC_PER_MSEC;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		u32 f = flags[i];

		/* Before the first enable, and after each close */
		KUNIT_EXPECT_EQ(test, try(client, f, KMCL_NO_TIMEOUT), -ENODEV);
		KUNIT_EXPECT_EQ(test, try(client, f, soon), -ENODEV);
		KUNIT_EXPECT_EQ(test, try(client, f, 0), -ENODEV);

		/* No offer: queued, which takes time */
		KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(client->ch));
		KUNIT_EXPECT_EQ(test, try(client, f, soon), -ECANCELED);
		KUNIT_EXPECT_EQ(test, try(client, f, 0), -EAGAIN);

		kmcl_channel_start(server->ch);
		KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(server->ch));
		loop_wait_log(client, 'p', 1 + i);
		KUNIT_EXPECT_EQ(test, try(client, f, KMCL_NO_TIMEOUT), 0);
		KUNIT_EXPECT_EQ(test, try(client, f, 10LL * NSEC_PER_SEC), 0);

		/* Paused: as with no offer */
		kmcl_channel_pause(client->ch);
		KUNIT_EXPECT_EQ(test, try(client, f, soon), -ECANCELED);
		KUNIT_EXPECT_EQ(test, try(client, f, 0), -EAGAIN);
		KUNIT_EXPECT_EQ(test, loop_counters(client).queued, 0);
		kmcl_channel_disable(client->ch);
		kmcl_channel_disable(server->ch);
	}
}

/* Sent, and given up at once: the peer still gets it */
static void no_time_to_wait_for_a_completion(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_counters c;

	loop->server.keep = true;
	loop_up(loop);
	KUNIT_EXPECT_EQ(test, try(&loop->client, KMCL_SEND_WAIT, 0), -ECANCELED);
	loop_wait(&loop->server, loop_kept(&loop->server) == 1);
	c = loop_counters(&loop->client);
	KUNIT_EXPECT_EQ(test, c.in_flight, 0);
	KUNIT_EXPECT_EQ(test, c.cancelled, 1);
	loop_complete_all(&loop->server);
	loop_wait(&loop->client, loop_counters(&loop->client).comps_stale == 1);
}

static int results[26];

static void no_time_in_callback(struct end *e, char what)
{
	results[what - 'A'] = try(e, KMCL_SEND_WAIT, 0);
}

static void callbacks_may_ask_without_waiting(struct kunit *test)
{
	struct loop *loop = test->priv;

	memset(results, 1, sizeof(results));
	loop->server.keep = true;
	loop->client.hook = no_time_in_callback;
	loop_up(loop);
	loop_wait(&loop->server, loop_kept(&loop->server) == 1);
	loop_complete_all(&loop->server);
	kmcl_channel_pause(loop->client.ch);
	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_EQ(test, results['O' - 'A'], -EAGAIN);
	KUNIT_EXPECT_EQ(test, results['S' - 'A'], -EAGAIN);
	KUNIT_EXPECT_EQ(test, results['P' - 'A'], -ECANCELED);
	KUNIT_EXPECT_EQ(test, results['U' - 'A'], -EAGAIN);
	KUNIT_EXPECT_EQ(test, results['C' - 'A'], -ENODEV);
}

static int in_done;

static void request_in_done(struct kmcl_packet *pkt, int status, void *buf,
			    u32 len)
{
	struct end *e = kmcl_packet_get_pointer(pkt);

	in_done = try(e, KMCL_SEND_WAIT, 0);
	kmcl_packet_free(pkt);
}

/* Its own routine could not run before this one returns */
static void a_completion_routine_makes_no_request(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt;
	u64 value = 1;

	in_done = 1;
	loop_up(loop);
	pkt = kmcl_packet_alloc(loop->client.ch);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	kmcl_packet_set_pointer(pkt, &loop->client);
	kmcl_packet_set_done(pkt, request_in_done);
	/* In this task: it completes inside the call */
	KUNIT_ASSERT_EQ(test, 0, kmcl_send(pkt, &value, sizeof(value), 0));
	KUNIT_EXPECT_EQ(test, in_done, -EDEADLK);
}

static void a_reply_buffer_is_of_whole_words(struct kunit *test)
{
	struct loop *loop = test->priv;
	u64 value = 3, reply[2];
	u32 len;

	loop_up(loop);
	for (len = 1; len < 8; len++) {
		u32 room = len;

		KUNIT_EXPECT_EQ(test, KMCL_ERR(EINVAL, 7),
				__kmcl_send_sync(loop->client.ch, &value, 8,
						 KMCL_SEND_WAIT, reply, &room,
						 KMCL_NO_TIMEOUT));
		KUNIT_EXPECT_EQ(test, room, len);
	}
	KUNIT_EXPECT_EQ(test, KMCL_ERR(EINVAL, 7),
			__kmcl_send_sync(loop->client.ch, &value, 8,
					 KMCL_SEND_WAIT, reply, NULL,
					 KMCL_NO_TIMEOUT));
	/* No room at all: what is needed is told */
	len = 0;
	reply[0] = 1;
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			__kmcl_send_sync(loop->client.ch, &value, 8,
					 KMCL_SEND_WAIT, reply, &len,
					 KMCL_NO_TIMEOUT));
	KUNIT_EXPECT_EQ(test, len, 8);
	KUNIT_EXPECT_EQ(test, reply[0], 1);
	/* No buffer: the data is dropped, its length is told */
	len = 0;
	KUNIT_EXPECT_EQ(test, 0,
			__kmcl_send_sync(loop->client.ch, &value, 8,
					 KMCL_SEND_WAIT, NULL, &len,
					 KMCL_NO_TIMEOUT));
	KUNIT_EXPECT_EQ(test, len, 8);
}

static void request_in_callback(struct end *e, char what)
{
	u64 value = 1;

	results[what - 'A'] = kmcl_send_sync(e->ch, &value, sizeof(value),
					     KMCL_SEND_WAIT, NULL, NULL,
					     KMCL_NO_TIMEOUT);
}

/* The suspend callback of a pause has its own suite, sync_suspend_test.c */
static void which_callbacks_may_wait(struct kunit *test)
{
	struct loop *loop = test->priv;

	memset(results, 1, sizeof(results));
	loop->client.hook = request_in_callback;
	loop_up(loop);
	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_EQ(test, results['O' - 'A'], -EDEADLK);
	KUNIT_EXPECT_EQ(test, results['S' - 'A'], -EDEADLK);
	KUNIT_EXPECT_EQ(test, results['P' - 'A'], 0);
	KUNIT_EXPECT_EQ(test, results['U' - 'A'], -ENODEV);
	KUNIT_EXPECT_EQ(test, results['C' - 'A'], -ENODEV);
}

static void request_in_process(struct end *e, struct kmcl_completion *comp,
			       u64 value)
{
	if (value == 1)
		request_in_callback(e, 'X');
	kmcl_complete(comp, &value, sizeof(value));
}

static void a_passive_process_callback_may_not_wait(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct sent *s;

	memset(results, 1, sizeof(results));
	loop->client.process = request_in_process;
	kmcl_set_process_context(loop->client.ch, true);
	loop_up(loop);
	s = loop_send(&loop->server, 1, KMCL_SEND_WAIT);
	loop_wait(&loop->server, s->done);
	KUNIT_EXPECT_EQ(test, results['X' - 'A'], -EDEADLK);
}

/* What PostStarted waits for must end, or closing would wait for it */
static void closing_ends_a_wait_in_post_started(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	for (i = 0; i < 2; i++) {
		memset(results, 1, sizeof(results));
		loop->client.hook = request_in_callback;
		loop->server.keep = true;
		kmcl_channel_start(loop->server.ch);
		KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
		KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
		loop_wait(&loop->server, loop_kept(&loop->server) == 1);
		if (i)
			kmcl_channel_disable(loop->client.ch);
		else
			kmcl_offer_rescind(loop->server.ch->offer);
		loop_wait_log(&loop->client, 'c', i + 1);
		KUNIT_EXPECT_EQ(test, results['P' - 'A'], -ENODEV);
		loop_complete_all(&loop->server);
		kmcl_channel_disable(loop->server.ch);
		loop_wait_state(&loop->client, "Disabled");
	}
}

static void a_killed_task_stops_waiting(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct request *r;

	loop->server.keep = true;
	loop_up(loop);
	r = request_start(&loop->client, KMCL_SEND_WAIT, KMCL_NO_TIMEOUT);
	request_listed(r);
	send_sig(SIGKILL, r->task, 1);
	request_end(r, -ECANCELED);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).in_flight, 0);
}

static struct kunit_case sync_cases[] = {
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(a_reply_comes_back),
	KUNIT_CASE(without_wait_it_ends_in_the_ring),
	KUNIT_CASE(a_reply_too_long_is_cut_and_its_length_told),
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(a_time_limit_ends_the_wait),
	KUNIT_CASE(a_time_limit_takes_it_off_the_queue),
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(no_time_at_all_neither_queues_nor_waits),
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(a_server_never_waits),
	KUNIT_CASE(a_server_says_what_the_client_left),
	KUNIT_CASE(every_limit_with_every_completion),
	KUNIT_CASE(no_time_to_wait_for_a_completion),
	KUNIT_CASE(callbacks_may_ask_without_waiting),
	KUNIT_CASE(a_completion_routine_makes_no_request),
	KUNIT_CASE(a_reply_buffer_is_of_whole_words),
	KUNIT_CASE(s27_disable_ends_the_wait_in_flight),
	KUNIT_CASE(s27_disable_ends_the_wait_in_the_queue),
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(s27_a_rescind_ends_the_wait),
	KUNIT_CASE(s27_a_refused_open_ends_the_wait),
	KUNIT_CASE(s27_an_open_that_was_undone_ends_the_wait),
	KUNIT_CASE(a_request_waits_for_the_channel_to_open),
	/* KMCL: EVT_VMB_CHANNEL_POST_STARTED */
	KUNIT_CASE(which_callbacks_may_wait),
	KUNIT_CASE(a_passive_process_callback_may_not_wait),
	KUNIT_CASE(closing_ends_a_wait_in_post_started),
	KUNIT_CASE(a_killed_task_stops_waiting),
	{}
};

static struct kunit_suite sync_suite = {
	.name = "kmcl_sync",
	.init = loop_init,
	.exit = loop_exit,
	.test_cases = sync_cases,
};

kunit_test_suite(sync_suite);
