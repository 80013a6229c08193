// SPDX-License-Identifier: GPL-2.0
/*
 * Time limits of synchronous requests when the clock is set: a time of day
 * follows it, a time from now does not.
 *
 * The clock is put back to where it was, but for the time that a case takes.
 */
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>

#include "harness.h"

#define HOUR	(3600LL * NSEC_PER_SEC)
#define SOON	(200LL * NSEC_PER_MSEC)

/* A request that a thread makes, with a limit that much from now */
struct timed {
	struct end *e;
	s64 ns;
	bool until;
	int ret;
	struct job *job;
};

static struct timed timed[2];

static void request(void *data)
{
	struct timed *t = data;
	u64 value = 1;
	int ret;

	if (t->until)
		ret = kmcl_send_sync_until(t->e->ch, &value, sizeof(value),
					   NULL, KMCL_SEND_WAIT, NULL, NULL,
					   ktime_get_real() + t->ns);
	else
		ret = kmcl_send_sync(t->e->ch, &value, sizeof(value),
				     KMCL_SEND_WAIT, NULL, NULL, t->ns);
	WRITE_ONCE(t->ret, ret);
}

static void request_begin(struct loop *loop, unsigned int i, bool until, s64 ns)
{
	timed[i] = (struct timed) {
		.e = &loop->client,
		.ns = ns,
		.until = until,
		.ret = 1,
	};
	timed[i].job = loop_job(loop, request, &timed[i]);
}

/* It waits when this returns, for a completion that does not come */
static void request_start(struct loop *loop, unsigned int i, bool until, s64 ns)
{
	request_begin(loop, i, until, ns);
	loop_wait(&loop->client, loop_counters(&loop->client).in_flight == i + 1);
}

static void request_end(unsigned int i, int ret)
{
	struct kunit *test = timed[i].e->loop->test;

	loop_job_wait(timed[i].job);
	KUNIT_EXPECT_EQ(test, timed[i].ret, ret);
}

static void set_clock(struct kunit *test, s64 by)
{
	struct timespec64 ts = ktime_to_timespec64(ktime_get_real() + by);

	KUNIT_ASSERT_EQ(test, do_settimeofday64(&ts), 0);
}

static int sync_time_init(struct kunit *test)
{
	int ret = loop_init(test);
	struct loop *loop = test->priv;

	if (!ret)
		loop->server.keep = true;
	return ret;
}

static void a_clock_that_is_set_forward_ends_the_wait(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_up(loop);
	request_start(loop, 0, true, HOUR);
	request_start(loop, 1, false, HOUR);
	set_clock(test, 2 * HOUR);
	request_end(0, -ECANCELED);
	KUNIT_EXPECT_EQ(test, READ_ONCE(timed[1].ret), 1);
	set_clock(test, -2 * HOUR);
	kmcl_channel_disable(loop->client.ch);
	request_end(1, -ENODEV);
}

static void a_clock_that_is_set_back_lengthens_the_wait(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_up(loop);
	request_start(loop, 0, true, HOUR / 2);
	set_clock(test, -HOUR);
	/* Not yet the time, unless the clock was not seen to go back */
	set_clock(test, HOUR);
	request_begin(loop, 1, false, SOON);
	request_end(1, -ECANCELED);
	KUNIT_EXPECT_EQ(test, READ_ONCE(timed[0].ret), 1);
	set_clock(test, HOUR);
	request_end(0, -ECANCELED);
	set_clock(test, -HOUR);
}

/* The timers of a processor learn of it at its next tick, where ticks drive them */
static void a_wait_that_begins_when_the_clock_is_set_back(struct kunit *test)
{
	struct loop *loop = test->priv;
	u64 value = 1;
	ktime_t start;
	int i;

	loop_up(loop);
	for (i = 0; i < 3; i++) {
		set_clock(test, 2 * HOUR);
		schedule_timeout_uninterruptible(3);
		set_clock(test, -2 * HOUR);
		start = ktime_get();
		KUNIT_EXPECT_EQ(test, -ECANCELED,
				kmcl_send_sync_until(loop->client.ch, &value, 8,
						     NULL, KMCL_SEND_WAIT, NULL,
						     NULL,
						     ktime_get_real() + SOON));
		KUNIT_EXPECT_GE(test, ktime_get() - start, SOON);
	}
}

static void a_time_that_has_passed(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_counters c;
	u64 value = 1;

	loop_up(loop);
	KUNIT_EXPECT_EQ(test, kmcl_send_sync_until(loop->client.ch, &value, 8,
						   NULL, KMCL_SEND_WAIT, NULL,
						   NULL, 0), -ECANCELED);
	KUNIT_EXPECT_EQ(test, kmcl_send_sync_until(loop->client.ch, &value, 8,
						   NULL, KMCL_SEND_WAIT, NULL,
						   NULL, ktime_get_real() - 1),
			-ECANCELED);
	c = loop_counters(&loop->client);
	KUNIT_EXPECT_EQ(test, c.accepted, 2);
	KUNIT_EXPECT_EQ(test, c.cancelled, 2);
	KUNIT_EXPECT_EQ(test, kmcl_send_sync_until(loop->client.ch, &value, 8,
						   NULL, 0, NULL, NULL, -1),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_send_sync_until(loop->server.ch, &value, 8,
						   NULL, 0, NULL, NULL, 0),
			-EINVAL);
}

static void an_answer_ends_the_wait(struct kunit *test)
{
	struct loop *loop = test->priv;
	u64 value = 1;

	loop->server.keep = false;
	loop_up(loop);
	KUNIT_EXPECT_EQ(test, kmcl_send_sync_until(loop->client.ch, &value, 8,
						   NULL, KMCL_SEND_WAIT, NULL,
						   NULL, ktime_get_real() + HOUR),
			0);
	KUNIT_EXPECT_EQ(test, kmcl_send_sync_until(loop->client.ch, &value, 8,
						   NULL, KMCL_SEND_WAIT, NULL,
						   NULL, KTIME_MAX), 0);
}

static struct kunit_case sync_time_cases[] = {
	KUNIT_CASE(a_clock_that_is_set_forward_ends_the_wait),
	KUNIT_CASE(a_clock_that_is_set_back_lengthens_the_wait),
	KUNIT_CASE(a_wait_that_begins_when_the_clock_is_set_back),
	KUNIT_CASE(a_time_that_has_passed),
	KUNIT_CASE(an_answer_ends_the_wait),
	{}
};

static struct kunit_suite sync_time_suite = {
	.name = "kmcl_sync_time",
	.init = sync_time_init,
	.exit = loop_exit,
	.test_cases = sync_time_cases,
};

kunit_test_suite(sync_time_suite);
