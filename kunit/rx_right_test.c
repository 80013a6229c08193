// SPDX-License-Identifier: GPL-2.0
/*
 * Beginning and ending a delivery while something else happens: the right to deliver
 * is taken and given back without a lock, and nothing may be missed. See rx.h.
 *
 * The test is the other side of the rings. The end of a delivery takes a few
 * instructions; it is held there by writing who has the right.
 */
#include <linux/cpumask.h>
#include <linux/sched.h>
#include <linux/timer.h>

#include "fake_transport.h"

static void (*in_processed)(void);	/* once */
static struct loop *looped;
static u32 closed_for;			/* ticks */

static void processed(struct kmcl_channel *ch, u32 packets)
{
	void (*fn)(void) = in_processed;

	in_processed = NULL;
	if (fn)
		fn();
}

static void begin(struct loop *loop)
{
	looped = loop;
	loop->client.ch->cfg.processed = processed;
	fake_up(loop);
}

static void interrupt_there(void *data)
{
	set_cpus_allowed_ptr(current, cpumask_of(1));
	fake_interrupt();
}

/* Who comes at the end cannot know whether he was seen: he waits, and delivers */
static void a_signal_while_it_ends(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_rx *rx = &loop->client.ch->rx;
	struct job *job;

	begin(loop);
	atomic_set(&rx->running, KMCL_RX_ENDING);
	fake_packet(loop, 1);
	job = loop_job(loop, interrupt_there, NULL);
	loop_wait(&loop->client, kmcl_rx_is(rx, KMCL_RX_AGAIN));
	KUNIT_EXPECT_EQ(test, loop_got(&loop->client), 0);
	atomic_set_release(&rx->running, KMCL_RX_FREE);
	loop_job_wait(job);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->client), 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&rx->state), KMCL_RX_OPEN);
	KUNIT_EXPECT_FALSE(test, kmcl_rx_runs(rx));
}

/* If it goes on after all, the packet is left to it */
static void a_signal_while_it_goes_on(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_rx *rx = &loop->client.ch->rx;
	struct job *job;

	begin(loop);
	atomic_set(&rx->running, KMCL_RX_ENDING);
	fake_packet(loop, 1);
	job = loop_job(loop, interrupt_there, NULL);
	loop_wait(&loop->client, kmcl_rx_is(rx, KMCL_RX_AGAIN));
	atomic_set_release(&rx->running, KMCL_RX_RUNNING);
	loop_job_wait(job);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->client), 0);
	KUNIT_EXPECT_TRUE(test, kmcl_rx_is(rx, KMCL_RX_AGAIN));
	/* In its place */
	atomic_set_release(&rx->running, KMCL_RX_FREE);
	fake_interrupt();
	KUNIT_EXPECT_EQ(test, loop_got(&loop->client), 1);
}

/*
 * A timer, since whoever stops delivery may spin meanwhile where the test runs. It
 * ends when the gate has been closed for a while.
 */
static void end_when_closed(struct timer_list *t)
{
	struct kmcl_rx *rx = &looped->client.ch->rx;

	closed_for += !kmcl_rx_is(rx, KMCL_RX_OPEN);
	if (closed_for > 2)
		atomic_set_release(&rx->running, KMCL_RX_FREE);
	else
		mod_timer(t, jiffies + 1);
}

static void stopping_while_it_ends(struct kunit *test)
{
	struct loop *loop = test->priv;
	static struct timer_list timer;
	struct job *job;

	begin(loop);
	closed_for = 0;
	timer_setup(&timer, end_when_closed, 0);
	atomic_set(&loop->client.ch->rx.running, KMCL_RX_ENDING);
	mod_timer(&timer, jiffies + 1);
	job = loop_pause(&loop->client);
	loop_wait(&loop->client, completion_done(&job->done));
	loop_job_wait(job);
	KUNIT_EXPECT_GT(test, closed_for, 2);
	timer_delete_sync(&timer);
}

/* A signal finds the gate closed, and whoever closed it finds that it runs */
static void stopping_while_it_begins(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_rx *rx = &loop->client.ch->rx;
	struct job *job;

	begin(loop);
	atomic_set(&rx->running, KMCL_RX_RUNNING);
	job = loop_pause(&loop->client);
	loop_wait(&loop->client, !kmcl_rx_is(rx, KMCL_RX_OPEN));
	/* The rest of what it does, in its place */
	atomic_set_release(&rx->running, KMCL_RX_FREE);
	fake_packet(loop, 1);
	fake_interrupt();
	loop_job_wait(job);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->client), 0);
	loop_job_wait(loop_start(&loop->client));
	loop_wait(&loop->client, loop_got(&loop->client) == 1);
}

/* The peer does not signal, since it was asked not to */
static void write_one(void)
{
	KUNIT_EXPECT_EQ(looped->test, fake.in->ctl->interrupt_mask, 1);
	fake_packet(looped, 2);
}

static void a_packet_without_a_signal(struct kunit *test)
{
	struct loop *loop = test->priv;

	begin(loop);
	fake_packet(loop, 1);
	in_processed = write_one;
	fake_interrupt();
	KUNIT_EXPECT_EQ(test, loop_got(&loop->client), 2);
	KUNIT_EXPECT_EQ(test, fake.in->ctl->interrupt_mask, 0);
}

/* For more space than there was before the packet was read */
static void want_more_than_beside(u32 packets)
{
	struct kmcl_ring_ctl *ctl = fake.in->ctl;

	ctl->feature_bits = KMCL_RING_FEATURE_PENDING_SEND_SZ;
	WRITE_ONCE(ctl->pending_send_sz,
		   fake.in->size - packets * kmcl_ring_bytes(0, 8));
}

static void want_space(void)
{
	want_more_than_beside(1);
}

static void space_is_wanted_during_the_callback(struct kunit *test)
{
	struct loop *loop = test->priv;

	begin(loop);
	fake_packet(loop, 1);
	in_processed = want_space;
	fake_interrupt();
	KUNIT_EXPECT_EQ(test, fake.signals, 1);
	KUNIT_EXPECT_EQ(test, loop->client.ch->rx.ring.signals, 1);
}

static u32 signals_there;

static void see_signals(void)
{
	signals_there = fake.signals;
}

/* One signal, and before the callback, which can take long */
static void space_was_wanted_before_it(struct kunit *test)
{
	struct loop *loop = test->priv;

	begin(loop);
	fake_packet(loop, 1);
	want_space();
	in_processed = see_signals;
	fake_interrupt();
	KUNIT_EXPECT_EQ(test, signals_there, 1);
	KUNIT_EXPECT_EQ(test, fake.signals, 1);
}

static void want_space_of_one(void)
{
	want_more_than_beside(2);
}

/* The quota is reached, so that delivery does not end because nothing is left */
static void space_is_wanted_at_the_quota(struct kunit *test)
{
	struct loop *loop = test->priv;

	begin(loop);
	loop->client.keep = true;
	kmcl_set_quota(loop->client.ch, 1);
	fake_packet(loop, 1);
	fake_packet(loop, 2);
	in_processed = want_space_of_one;
	fake_interrupt();
	KUNIT_EXPECT_EQ(test, loop_got(&loop->client), 1);
	KUNIT_EXPECT_EQ(test, fake.signals, 1);
	loop_complete_all(&loop->client);
	loop_wait(&loop->client, loop_got(&loop->client) == 2);
	loop_complete_all(&loop->client);
}

static int rx_right_init(struct kunit *test)
{
	if (num_online_cpus() < 2)
		kunit_skip(test, "one processor");
	set_cpus_allowed_ptr(current, cpumask_of(0));
	in_processed = NULL;
	return fake_init(test);
}

static struct kunit_case rx_right_cases[] = {
	KUNIT_CASE(a_signal_while_it_ends),
	KUNIT_CASE(a_signal_while_it_goes_on),
	KUNIT_CASE(stopping_while_it_ends),
	KUNIT_CASE(stopping_while_it_begins),
	KUNIT_CASE(a_packet_without_a_signal),
	KUNIT_CASE(space_is_wanted_during_the_callback),
	KUNIT_CASE(space_was_wanted_before_it),
	KUNIT_CASE(space_is_wanted_at_the_quota),
	{}
};

static struct kunit_suite rx_right_suite = {
	.name = "kmcl_rx_right",
	.init = rx_right_init,
	.exit = fake_exit,
	.test_cases = rx_right_cases,
};

kunit_test_suite(rx_right_suite);
