// SPDX-License-Identifier: GPL-2.0
/*
 * What callbacks in process context may wait for: ordinary work of the kernel,
 * and packets that are delivered in process context.
 */
#include <linux/panic.h>
#include <linux/workqueue.h>

#include "harness.h"

static struct workqueue_fixture {
	u32 ran;			/* works */
	u32 flushes;
	int reply;
} fx;

static void ordinary(struct work_struct *work)
{
	fx.ran++;
}

/* The kernel warns if it might not have a worker for it, but needs one */
static void flush_ordinary_work(void)
{
	struct work_struct work;

	INIT_WORK_ONSTACK(&work, ordinary);
	schedule_work(&work);
	flush_work(&work);
	destroy_work_on_stack(&work);
	fx.flushes++;
}

static void flush_in_callback(struct end *e, enum loop_event what)
{
	flush_ordinary_work();
}

static void flush_in_process(struct end *e, struct kmcl_context *ctx, u64 value)
{
	flush_ordinary_work();
	kmcl_complete(ctx, NULL, 0);
}

static int fixture_init(struct kunit *test)
{
	memset(&fx, 0, sizeof(fx));
	return loop_init(test);
}

static const struct end_case {
	const char *name;
	bool server;
} ends[] = {
	{ "client", false },
	{ "server", true },
};

KUNIT_ARRAY_PARAM_DESC(end, ends, name);

static void callbacks_may_flush_ordinary_work(struct kunit *test)
{
	const struct end_case *c = test->param_value;
	struct loop *loop = test->priv;
	struct end *e = c->server ? &loop->server : &loop->client;
	struct end *other = c->server ? &loop->client : &loop->server;
	bool warned = test_taint(TAINT_WARN);
	struct sent *s;

	e->hook = flush_in_callback;
	e->process = flush_in_process;
	kmcl_set_process_context(e->ch, true);
	loop_up(loop);
	s = loop_send(other, 1, KMCL_SEND_WAIT);
	loop_wait(other, s->done);
	kmcl_channel_pause(e->ch);
	kmcl_channel_disable(e->ch);
	/* Opened, Started, PostStarted, a packet, Suspend, Closed */
	KUNIT_EXPECT_EQ(test, fx.flushes, 6);
	KUNIT_EXPECT_EQ(test, fx.ran, 6);
	KUNIT_EXPECT_EQ(test, test_taint(TAINT_WARN), warned);
}

static void the_failure_callback_may_flush_ordinary_work(struct kunit *test)
{
	struct loop *loop = test->priv;
	bool warned = test_taint(TAINT_WARN);

	loop->client.hook = flush_in_callback;
	loop->server.opened_result = -EIO;
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_event(&loop->client, FAILURE, 1);
	KUNIT_EXPECT_EQ(test, fx.flushes, 1);
	KUNIT_EXPECT_EQ(test, test_taint(TAINT_WARN), warned);
}

static void request_in_post_started(struct end *e, enum loop_event what)
{
	if (what == POST_STARTED)
		fx.reply = loop_request(e, KMCL_SEND_WAIT, 3LL * NSEC_PER_SEC);
}

/*
 * The answer is delivered in process context, and PostStarted of as many
 * clients as their workqueue runs at a time waits for it.
 */
static void post_started_may_wait_for_delivery(struct kunit *test)
{
	struct loop *loop = test->priv;

	fx.reply = 1;
	loop->client.hook = request_in_post_started;
	kmcl_set_process_context(loop->client.ch, true);
	workqueue_set_max_active(kmcl_wq, 1);
	loop_up(loop);
	workqueue_set_max_active(kmcl_wq, WQ_MAX_ACTIVE);
	KUNIT_EXPECT_EQ(test, fx.reply, 0);
}

static struct kunit_case workqueue_cases[] = {
	KUNIT_CASE_PARAM(callbacks_may_flush_ordinary_work, end_gen_params),
	KUNIT_CASE(the_failure_callback_may_flush_ordinary_work),
	KUNIT_CASE(post_started_may_wait_for_delivery),
	{}
};

static struct kunit_suite workqueue_suite = {
	.name = "kmcl_workqueue",
	.init = fixture_init,
	.exit = loop_exit,
	.test_cases = workqueue_cases,
};

kunit_test_suite(workqueue_suite);
