// SPDX-License-Identifier: GPL-2.0
/*
 * Synchronous requests from callbacks: who may wait, who may only try. Waiting
 * in the suspend callback has its own suite, sync_suspend_test.c. What the
 * callbacks got is in one place; suites run one at a time.
 */
#include "harness.h"

static int results[LOOP_EVENTS];	/* by callback */

static void no_time_in_callback(struct end *e, enum loop_event what)
{
	results[what] = loop_request(e, KMCL_SEND_WAIT, 0);
}

static void callbacks_may_request_without_waiting(struct kunit *test)
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
	KUNIT_EXPECT_EQ(test, results[OPENED], -EAGAIN);
	KUNIT_EXPECT_EQ(test, results[STARTED], -EAGAIN);
	KUNIT_EXPECT_EQ(test, results[POST_STARTED], -ECANCELED);
	KUNIT_EXPECT_EQ(test, results[SUSPEND], -EAGAIN);
	KUNIT_EXPECT_EQ(test, results[CLOSED], -ENODEV);
}

static int in_done;

static void request_in_done(struct kmcl_packet *pkt, int status, void *buf,
			    u32 len)
{
	struct end *e = kmcl_packet_get_pointer(pkt);

	in_done = loop_request(e, KMCL_SEND_WAIT, 0);
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
	pkt = loop_packet(&loop->client, request_in_done);
	kmcl_packet_set_pointer(pkt, &loop->client);
	/* In this task: it completes inside the call */
	KUNIT_ASSERT_EQ(test, 0, kmcl_send(pkt, &value, sizeof(value), 0));
	KUNIT_EXPECT_EQ(test, in_done, -EDEADLK);
}

static void request_in_callback(struct end *e, enum loop_event what)
{
	results[what] = loop_request(e, KMCL_SEND_WAIT, KMCL_NO_TIMEOUT);
}

static void which_callbacks_may_wait(struct kunit *test)
{
	struct loop *loop = test->priv;

	memset(results, 1, sizeof(results));
	loop->client.hook = request_in_callback;
	loop_up(loop);
	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_EQ(test, results[OPENED], -EDEADLK);
	KUNIT_EXPECT_EQ(test, results[STARTED], -EDEADLK);
	KUNIT_EXPECT_EQ(test, results[POST_STARTED], 0);
	KUNIT_EXPECT_EQ(test, results[SUSPEND], -ENODEV);
	KUNIT_EXPECT_EQ(test, results[CLOSED], -ENODEV);
}

static int in_process;

static void request_in_process(struct end *e, struct kmcl_context *ctx,
			       u64 value)
{
	if (value == 1)
		in_process = loop_request(e, KMCL_SEND_WAIT, KMCL_NO_TIMEOUT);
	kmcl_complete(ctx, &value, sizeof(value));
}

static void a_passive_process_callback_may_not_wait(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct sent *s;

	in_process = 1;
	loop->client.process = request_in_process;
	kmcl_set_process_context(loop->client.ch, true);
	loop_up(loop);
	s = loop_send(&loop->server, 1, KMCL_SEND_WAIT);
	loop_wait(&loop->server, s->done);
	KUNIT_EXPECT_EQ(test, in_process, -EDEADLK);
}

static const struct closing_case {
	const char *name;
	bool disable;
} closings[] = {
	{ "a rescind", false },
	{ "a disable", true },
};

KUNIT_ARRAY_PARAM_DESC(closing, closings, name);

/* What PostStarted waits for must end, or closing would wait for it */
static void closing_ends_a_wait_in_post_started(struct kunit *test)
{
	const struct closing_case *closing = test->param_value;
	struct loop *loop = test->priv;

	memset(results, 1, sizeof(results));
	loop->client.hook = request_in_callback;
	loop->server.keep = true;
	kmcl_channel_start(loop->server.ch);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait(&loop->server, loop_kept(&loop->server) == 1);
	if (closing->disable)
		kmcl_channel_disable(loop->client.ch);
	else
		kmcl_offer_rescind(loop->server.ch->link.offer);
	loop_wait_event(&loop->client, CLOSED, 1);
	KUNIT_EXPECT_EQ(test, results[POST_STARTED], -ENODEV);
	loop_complete_all(&loop->server);
	kmcl_channel_disable(loop->server.ch);
	loop_wait_state(&loop->client, "Disabled");
}

static struct kunit_case sync_callback_cases[] = {
	KUNIT_CASE(callbacks_may_request_without_waiting),
	KUNIT_CASE(a_completion_routine_makes_no_request),
	/* KMCL: EVT_VMB_CHANNEL_POST_STARTED */
	KUNIT_CASE(which_callbacks_may_wait),
	KUNIT_CASE(a_passive_process_callback_may_not_wait),
	KUNIT_CASE_PARAM(closing_ends_a_wait_in_post_started, closing_gen_params),
	{}
};

static struct kunit_suite sync_callback_suite = {
	.name = "kmcl_sync_callback",
	.init = loop_init,
	.exit = loop_exit,
	.test_cases = sync_callback_cases,
};

kunit_test_suite(sync_callback_suite);
