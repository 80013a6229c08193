// SPDX-License-Identifier: GPL-2.0
/*
 * What ends the wait of a synchronous request: that the channel opens, that it
 * ends (S27 of the reference's statements), that the task is killed. Each wait
 * has a thread of its own.
 */
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

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

/* Wait until the request is in the list of those that may be aborted */
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
	KUNIT_ASSERT_FALSE(r->e->loop->test, list_empty(&ch->tx.syncs));
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
		loop_wait_event(&loop->client, POST_STARTED, i + 1);
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
	kmcl_offer_rescind(loop->server.ch->link.offer);
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

static bool waits_in(struct request *r, unsigned int states)
{
	return (READ_ONCE(r->task->__state) & states) == states;
}

/* Or a suspend would fail, or a program that waits could not be ended */
static void a_waiting_task_can_be_frozen_and_killed(struct kunit *test)
{
	struct loop *loop = test->priv;
	const s64 hour = 3600LL * NSEC_PER_SEC;
	struct request *r[3];
	u32 i;

	loop->server.keep = true;
	loop_up(loop);
	r[0] = request_start(&loop->client, KMCL_SEND_WAIT, KMCL_NO_TIMEOUT);
	r[1] = request_start(&loop->client, KMCL_SEND_WAIT, hour);
	loop_wait(&loop->server, loop_kept(&loop->server) == 2);
	kmcl_channel_pause(loop->client.ch);
	r[2] = request_start(&loop->client, 0, hour);
	for (i = 0; i < ARRAY_SIZE(r); i++)
		KUNIT_EXPECT_TRUE(test,
				  loop_comes_true(loop->client.wait,
						  waits_in(r[i], TASK_KILLABLE |
							   TASK_FREEZABLE)));
	kmcl_channel_disable(loop->client.ch);
	for (i = 0; i < ARRAY_SIZE(r); i++)
		request_end(r[i], -ENODEV);
	loop_complete_all(&loop->server);
}

static struct kunit_case sync_end_cases[] = {
	KUNIT_CASE(s27_disable_ends_the_wait_in_flight),
	KUNIT_CASE(s27_disable_ends_the_wait_in_the_queue),
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(s27_a_rescind_ends_the_wait),
	KUNIT_CASE(s27_a_refused_open_ends_the_wait),
	KUNIT_CASE(s27_an_open_that_was_undone_ends_the_wait),
	KUNIT_CASE(a_request_waits_for_the_channel_to_open),
	KUNIT_CASE(a_killed_task_stops_waiting),
	KUNIT_CASE(a_waiting_task_can_be_frozen_and_killed),
	{}
};

static struct kunit_suite sync_end_suite = {
	.name = "kmcl_sync_end",
	.init = loop_init,
	.exit = loop_exit,
	.test_cases = sync_end_cases,
};

kunit_test_suite(sync_end_suite);
