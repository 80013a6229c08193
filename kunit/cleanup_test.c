// SPDX-License-Identifier: GPL-2.0
/*
 * Cleanup and calls in other threads that have not returned: the channel is
 * freed after the last of them has let go of it.
 *
 * A call is held at its end by a probe on the tracepoint that it reaches there,
 * which runs atomically, until another thread either has freed the channel or
 * waits in Cleanup. Nothing else waits on the channel by then.
 */
#include <linux/tracepoint.h>

#include "gpadl_harness.h"
#include "trace.h"

static struct cleanup_fixture {
	struct kmcl_channel *held;	/* its calls are held */
	bool inside;			/* one is */
	bool disabled;
	bool freed;
	bool early;			/* freed while one was held */
	int result;
} fx;

static void hold(const struct kmcl_channel *ch)
{
	unsigned long end = jiffies + LOOP_LIMIT;

	if (ch != READ_ONCE(fx.held))
		return;
	WRITE_ONCE(fx.inside, true);
	while (!READ_ONCE(fx.freed) && time_before(jiffies, end)) {
		/* No barrier: it is looked at again and again */
		if (READ_ONCE(fx.disabled) && waitqueue_active(&fx.held->wait))
			break;
		cpu_relax();
	}
	fx.early = READ_ONCE(fx.freed) || time_after_eq(jiffies, end);
}

static void on_sync(void *data, const struct kmcl_channel *ch, s64 timeout,
		    int status)
{
	hold(ch);
}

static void on_gpadl(void *data, const struct kmcl_channel *ch, int op,
		     u32 handle, u32 bytes, int status)
{
	if (op == KMCL_GPADL_UNMAP)
		hold(ch);
}

static int cleanup_init(struct kunit *test)
{
	memset(&fx, 0, sizeof(fx));
	return gpadl_init(test) ?:
	       register_trace_kmcl_sync(on_sync, NULL) ?:
	       register_trace_kmcl_gpadl(on_gpadl, NULL);
}

static void cleanup_exit(struct kunit *test)
{
	unregister_trace_kmcl_sync(on_sync, NULL);
	unregister_trace_kmcl_gpadl(on_gpadl, NULL);
	tracepoint_synchronize_unregister();
	loop_exit(test);
}

static void request(void *data)
{
	fx.result = loop_request(data, KMCL_SEND_WAIT, KMCL_NO_TIMEOUT);
}

static void unmap(void *data)
{
	struct end *e = data;

	fx.result = kmcl_gpadl_unmap(e->ch, 1);
}

static void end_channel(void *data)
{
	struct end *e = data;

	kmcl_channel_disable(e->ch);
	WRITE_ONCE(fx.disabled, true);
	kmcl_channel_free(e->ch);
	WRITE_ONCE(fx.freed, true);
}

/* Hold @call, of @e, at its end, while another thread ends the channel */
static void end_during(struct end *e, void (*call)(void *data))
{
	struct kunit *test = e->loop->test;
	struct job *caller, *freer;

	fx.held = e->ch;
	caller = loop_job(e->loop, call, e);
	if (e->ch->server)
		loop_wait(e, READ_ONCE(fx.inside));
	else
		loop_wait(e, loop_counters(e).queued == 1);
	freer = loop_job(e->loop, end_channel, e);
	loop_job_wait(freer);
	loop_job_wait(caller);
	e->ch = NULL;
	KUNIT_EXPECT_TRUE(test, fx.inside);
	KUNIT_EXPECT_FALSE(test, fx.early);
}

/* No device: disabling waits for nothing that the probe would keep up */
static void a_request_that_disable_ended(struct kunit *test)
{
	struct loop *loop = test->priv;

	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	end_during(&loop->client, request);
	KUNIT_EXPECT_EQ(test, fx.result, -ENODEV);
}

static void an_unmap_that_came_too_late(struct kunit *test)
{
	struct loop *loop = test->priv;

	end_during(&loop->server, unmap);
	KUNIT_EXPECT_EQ(test, fx.result, -ENOENT);
}

static u32 calls(struct end *e)
{
	u32 n;

	spin_lock_irq(&e->ch->sm.lock);
	n = e->ch->sm.calls;
	spin_unlock_irq(&e->ch->sm.lock);
	return n;
}

/* Two threads that disable, and what waits for the end of a disable */
static void calls_that_wait_for_closing_are_counted(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;
	struct job *job[2];

	loop_up(loop);
	loop_hold(e, CLOSED);
	job[0] = loop_disable(e);
	job[1] = loop_disable(e);
	loop_wait_held(e);
	loop_wait(e, calls(e) == 2);
	loop_release(e);
	loop_job_wait(job[0]);
	loop_job_wait(job[1]);
	KUNIT_EXPECT_EQ(test, calls(e), 0);
}

static void a_pause_is_counted(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;
	struct job *job;

	loop_up(loop);
	loop_hold(e, SUSPEND);
	job = loop_pause(e);
	loop_wait_held(e);
	KUNIT_EXPECT_EQ(test, calls(e), 1);
	loop_release(e);
	loop_job_wait(job);
	KUNIT_EXPECT_EQ(test, calls(e), 0);
}

/* Once Closed has returned, pause and start wait for the rest of the link */
static void calls_that_wait_for_the_link_are_counted(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;
	struct job *job[2];

	WRITE_ONCE(e->ch->sm.closed_returned, true);
	job[0] = loop_pause(e);
	job[1] = loop_start(e);
	loop_wait(e, calls(e) == 2);
	WRITE_ONCE(e->ch->sm.closed_returned, false);
	wake_up_all(&e->ch->wait);
	loop_job_wait(job[0]);
	loop_job_wait(job[1]);
	KUNIT_EXPECT_EQ(test, calls(e), 0);
}

static void a_delete_that_waits_for_the_server_is_counted(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;
	struct job *job;
	u32 handle;

	loop_up(loop);
	handle = gpadl_create(loop, 0, 0, FRAME);
	KUNIT_ASSERT_NOT_NULL(test, gpadl_map(loop, 0, handle));
	gpadl_fx.handle = handle;
	job = loop_job(loop, gpadl_delete_handle, e);
	loop_wait(e, calls(e) == 1);
	KUNIT_EXPECT_EQ(test, 0, kmcl_gpadl_unmap(loop->server.ch, handle));
	loop_job_wait(job);
	KUNIT_EXPECT_EQ(test, calls(e), 0);
}

static void an_end_of_saving_is_counted(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->server;
	struct job *job;

	loop_up_paused(loop);
	KUNIT_ASSERT_EQ(test, 0, kmcl_save_enter(e->ch));
	job = loop_save_end(e);
	loop_wait(e, calls(e) == 1);
	kmcl_save_leave(e->ch);
	loop_job_wait(job);
	KUNIT_EXPECT_EQ(test, calls(e), 0);
}

static struct kunit_case cleanup_cases[] = {
	KUNIT_CASE(a_request_that_disable_ended),
	KUNIT_CASE(an_unmap_that_came_too_late),
	KUNIT_CASE(calls_that_wait_for_closing_are_counted),
	KUNIT_CASE(a_pause_is_counted),
	KUNIT_CASE(calls_that_wait_for_the_link_are_counted),
	KUNIT_CASE(a_delete_that_waits_for_the_server_is_counted),
	KUNIT_CASE(an_end_of_saving_is_counted),
	{}
};

static struct kunit_suite cleanup_suite = {
	.name = "kmcl_cleanup",
	.init = cleanup_init,
	.exit = cleanup_exit,
	.test_cases = cleanup_cases,
};

kunit_test_suite(cleanup_suite);
