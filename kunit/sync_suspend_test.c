// SPDX-License-Identifier: GPL-2.0
/*
 * Synchronous requests in the suspend callback: nothing moves there, so that a
 * request is queued and waits for its time to be over or for the channel to end.
 * The callback runs on the channel's work, and what it does is noted in one
 * place; suites run one at a time.
 */
#include <linux/ktime.h>

#include "harness.h"

#define SOON	(50 * NSEC_PER_MSEC)
#define LATER	(10LL * NSEC_PER_SEC)

static struct suspend_fixture {
	s64 timeout;
	u32 flags;
	int ret[2];		/* of each request */
	s64 ms;			/* that both took together */
} fx;

static void request_in_suspend(struct end *e, enum loop_event what)
{
	ktime_t start = ktime_get();

	if (what != SUSPEND)
		return;
	fx.ret[0] = loop_request(e, fx.flags, fx.timeout);
	fx.ret[1] = fx.ret[0];
	/* Once more where the first one met the end of the channel */
	if (fx.ret[0] == -ENODEV)
		fx.ret[1] = loop_request(e, fx.flags, fx.timeout);
	fx.ms = ktime_ms_delta(ktime_get(), start);
}

/* Both channels are open, and the client's suspend callback will send a request */
static void start_asking(struct loop *loop, u32 flags, s64 timeout)
{
	fx = (struct suspend_fixture) {
		.timeout = timeout,
		.flags = flags,
		.ret = { 1, 1 },
	};
	loop->client.hook = request_in_suspend;
	loop_up(loop);
}

/* A pause whose suspend callback waits, with the request in the queue */
static struct job *pause_waits(struct loop *loop)
{
	unsigned long end = jiffies + LOOP_LIMIT;
	struct kunit *test = loop->test;
	struct job *job;

	job = loop_pause(&loop->client);
	while (!loop_counters(&loop->client).queued && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	KUNIT_ASSERT_EQ(test, loop_counters(&loop->client).queued, 1);
	return job;
}

/* It goes on waiting: time enough to return for one that does not */
static void expect_waiting(struct loop *loop, struct job *job)
{
	struct kunit *test = loop->test;

	KUNIT_EXPECT_EQ(test, wait_for_completion_timeout(&job->done, HZ / 20),
			0);
	loop_expect_events(&loop->client, OPENED, STARTED, POST_STARTED,
			   SUSPEND_BEGINS);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued, 1);
}

/* One request, which never left the queue and ended with @status */
static void expect_taken_back(struct loop *loop, int status)
{
	struct kmcl_counters c = loop_counters(&loop->client);
	struct kunit *test = loop->test;

	KUNIT_EXPECT_EQ(test, fx.ret[0], status);
	KUNIT_EXPECT_EQ(test, fx.ret[1], status);
	KUNIT_EXPECT_EQ(test, c.cancelled, status == -ECANCELED);
	KUNIT_EXPECT_EQ(test, c.removed, status == -ENODEV);
	KUNIT_EXPECT_EQ(test, c.sent, 0);
	KUNIT_EXPECT_EQ(test, c.in_flight, 0);
	loop_expect_balance(&loop->client);
}

static void time_ends_the_wait(struct kunit *test, u32 flags)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;

	start_asking(loop, flags, SOON);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_pause(client->ch));
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(client->ch), "Paused");
	loop_expect_events(client, OPENED, STARTED, POST_STARTED, SUSPEND);
	expect_taken_back(loop, -ECANCELED);
	KUNIT_EXPECT_GE(test, fx.ms, 40);
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued_peak, 1);
	/* The server gets what comes later, and nothing of the request */
	kmcl_channel_start(client->ch);
	loop_wait_event(client, POST_STARTED, 2);
	loop_send(client, 7, 0);
	loop_wait(&loop->server, loop_got(&loop->server) == 1);
	KUNIT_EXPECT_EQ(test, loop->server.got[0], 7);
}

static void a_time_limit_ends_the_wait(struct kunit *test)
{
	time_ends_the_wait(test, 0);
}

static void a_time_limit_ends_the_wait_for_a_completion(struct kunit *test)
{
	time_ends_the_wait(test, KMCL_SEND_WAIT);
}

/* The callback blocks what would end its wait */
static void starting_does_not_end_the_wait(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct job *job;

	start_asking(loop, KMCL_SEND_WAIT, 5 * SOON);
	job = pause_waits(loop);
	kmcl_channel_start(loop->client.ch);
	expect_waiting(loop, job);
	loop_job_wait(job);
	loop_wait_event(&loop->client, POST_STARTED, 2);
	loop_expect_events(&loop->client, OPENED, STARTED, POST_STARTED,
			   SUSPEND, STARTED, POST_STARTED);
	expect_taken_back(loop, -ECANCELED);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->server), 0);
}

/* What is behind it in the queue stays there, and is sent first next time */
static void the_channel_ends(struct kunit *test, struct end *closing, s64 timeout)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct job *paused, *closed;
	struct sent *s;

	start_asking(loop, KMCL_SEND_WAIT, timeout);
	paused = pause_waits(loop);
	expect_waiting(loop, paused);
	s = loop_send(client, 7, 0);
	closed = loop_disable(closing);
	loop_job_wait(closed);
	loop_job_wait(paused);
	loop_wait_state(client, "Disabled");
	loop_expect_events(client, OPENED, STARTED, POST_STARTED, SUSPEND,
			   CLOSED);
	expect_taken_back(loop, -ENODEV);
	KUNIT_EXPECT_LT(test, fx.ms, 5000);
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, 1);

	client->hook = NULL;
	kmcl_channel_start(loop->server.ch);
	kmcl_channel_enable(loop->server.ch);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(client->ch));
	loop_wait(client, s->done);
	KUNIT_EXPECT_EQ(test, s->status, 0);
	loop_wait(&loop->server, loop_got(&loop->server) == 1);
	KUNIT_EXPECT_EQ(test, loop->server.got[0], 7);
}

static void a_disable_ends_the_wait_of_a_pause(struct kunit *test)
{
	struct loop *loop = test->priv;

	the_channel_ends(test, &loop->client, KMCL_NO_TIMEOUT);
}

static void a_rescind_ends_the_wait_of_a_pause(struct kunit *test)
{
	struct loop *loop = test->priv;

	the_channel_ends(test, &loop->server, KMCL_NO_TIMEOUT);
}

static void a_disable_ends_a_wait_with_a_limit(struct kunit *test)
{
	struct loop *loop = test->priv;

	the_channel_ends(test, &loop->client, LATER);
}

static void a_rescind_ends_a_wait_with_a_limit(struct kunit *test)
{
	struct loop *loop = test->priv;

	the_channel_ends(test, &loop->server, LATER);
}

static const struct limit_case {
	const char *name;
	u32 flags;
	s64 timeout;
} limits[] = {
	{ "a short limit", 0, SOON },
	{ "a long limit, and a completion", KMCL_SEND_WAIT, LATER },
	{ "no limit", 0, KMCL_NO_TIMEOUT },
};

KUNIT_ARRAY_PARAM_DESC(limit, limits, name);

/* Where the channel is being closed nothing is queued for a request */
static void refused_at_once(struct kunit *test, struct end *closing)
{
	const struct limit_case *param = test->param_value;
	struct loop *loop = test->priv;
	struct end *client = &loop->client;

	start_asking(loop, param->flags, param->timeout);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_disable(closing->ch));
	loop_wait_state(client, "Disabled");
	loop_expect_events(client, OPENED, STARTED, POST_STARTED, SUSPEND,
			   CLOSED);
	KUNIT_EXPECT_EQ(test, fx.ret[0], -ENODEV);
	KUNIT_EXPECT_EQ(test, fx.ret[1], -ENODEV);
	KUNIT_EXPECT_EQ(test, loop_counters(client).accepted, 0);
}

static void a_disable_refuses_at_once(struct kunit *test)
{
	struct loop *loop = test->priv;

	refused_at_once(test, &loop->client);
}

static void a_rescind_refuses_at_once(struct kunit *test)
{
	struct loop *loop = test->priv;

	refused_at_once(test, &loop->server);
}

static struct kunit_case sync_suspend_cases[] = {
	/* KMCL: VmbChannelSendSynchronousRequest EVT_VMB_CHANNEL_SUSPEND */
	KUNIT_CASE(a_time_limit_ends_the_wait),
	KUNIT_CASE(a_time_limit_ends_the_wait_for_a_completion),
	KUNIT_CASE(starting_does_not_end_the_wait),
	KUNIT_CASE(a_disable_ends_the_wait_of_a_pause),
	KUNIT_CASE(a_rescind_ends_the_wait_of_a_pause),
	KUNIT_CASE(a_disable_ends_a_wait_with_a_limit),
	KUNIT_CASE(a_rescind_ends_a_wait_with_a_limit),
	KUNIT_CASE_PARAM(a_disable_refuses_at_once, limit_gen_params),
	KUNIT_CASE_PARAM(a_rescind_refuses_at_once, limit_gen_params),
	{}
};

static struct kunit_suite sync_suspend_suite = {
	.name = "kmcl_sync_suspend",
	.init = loop_init,
	.exit = loop_exit,
	.test_cases = sync_suspend_cases,
};

kunit_test_suite(sync_suspend_suite);
