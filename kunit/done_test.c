// SPDX-License-Identifier: GPL-2.0
/*
 * Where completion routines run: with bottom halves off, in whatever context they
 * are found due, and never preempted. lockdep is asked whether a driver may share
 * a plain spinlock between them and what it does in softirqs.
 */
#include <linux/bottom_half.h>
#include <linux/cpumask.h>
#include <linux/debug_locks.h>
#include <linux/delay.h>
#include <linux/preempt.h>
#include <linux/sched.h>

#include "harness.h"

#define ROUNDS	200

static DEFINE_SPINLOCK(plain);
static u32 guarded;

/* What each routine has seen */
static struct {
	u32 calls;
	u32 open;		/* bottom halves were on, and interrupts as well */
	u32 preemptible;
	u32 in_task;
} seen;

static void look(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	struct end *e = kmcl_packet_get_pointer(pkt);

	spin_lock(&plain);
	guarded++;
	spin_unlock(&plain);
	seen.open += !in_softirq() && !irqs_disabled();
	seen.preemptible += preemptible();
	seen.in_task += in_task();
	kmcl_packet_free(pkt);
	WRITE_ONCE(seen.calls, seen.calls + 1);
	wake_up_all(&e->wait);
}

/* Delivery, in a softirq */
static void take_plain(struct end *e, struct kmcl_context *ctx, u64 value)
{
	spin_lock(&plain);
	guarded++;
	spin_unlock(&plain);
	kmcl_complete(ctx, NULL, 0);
}

static void send(struct loop *loop, u32 flags)
{
	struct kmcl_packet *pkt = kmcl_packet_alloc(loop->client.ch);
	u64 value = 1;

	KUNIT_ASSERT_NOT_NULL(loop->test, pkt);
	kmcl_packet_set_pointer(pkt, &loop->client);
	kmcl_packet_set_done(pkt, look);
	KUNIT_ASSERT_EQ(loop->test, 0,
			kmcl_send(pkt, &value, sizeof(value), flags));
}

static void expect_contexts(struct loop *loop, u32 calls)
{
	struct kunit *test = loop->test;

	loop_wait(&loop->client, READ_ONCE(seen.calls) == calls);
	KUNIT_EXPECT_EQ(test, seen.open, 0);
	KUNIT_EXPECT_EQ(test, seen.preemptible, 0);
}

/* Sent by a task, which runs some of the routines, and answered in softirqs */
static void a_plain_lock_is_enough(struct kunit *test)
{
	struct loop *loop = test->priv;
	bool locks_before = debug_locks;
	u32 i;

	loop->client.process = take_plain;
	loop_up(loop);
	for (i = 0; i < ROUNDS; i++) {
		loop_send(&loop->server, i, KMCL_SEND_WAIT);
		send(loop, 0);
		send(loop, KMCL_SEND_WAIT);
	}
	expect_contexts(loop, 2 * ROUNDS);
	KUNIT_EXPECT_GT(test, seen.in_task, 0);
	loop_wait(&loop->server, loop_done(&loop->server) == ROUNDS);
	KUNIT_EXPECT_EQ(test, guarded, 3 * ROUNDS);
	KUNIT_EXPECT_EQ(test, debug_locks, locks_before);
}

/* Bottom halves cannot be switched on again there */
static void with_interrupts_off(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_up(loop);
	local_irq_disable();
	send(loop, 0);
	KUNIT_EXPECT_EQ(test, seen.calls, 1);
	KUNIT_EXPECT_TRUE(test, irqs_disabled());
	KUNIT_EXPECT_FALSE(test, in_softirq());
	send(loop, KMCL_SEND_WAIT);
	local_irq_enable();
	expect_contexts(loop, 2);
}

static void with_bottom_halves_off(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_up(loop);
	local_bh_disable();
	send(loop, 0);
	KUNIT_EXPECT_EQ(test, seen.calls, 1);
	KUNIT_EXPECT_TRUE(test, in_softirq());
	local_bh_enable();
	KUNIT_EXPECT_FALSE(test, in_softirq());
	expect_contexts(loop, 1);
}

/* Queued, in flight, cancelled and removed: in the library's tasks */
static void at_the_end_of_a_channel(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	loop->server.keep = true;
	loop_up(loop);
	for (i = 0; i < 8; i++)
		send(loop, KMCL_SEND_WAIT);
	loop_wait(&loop->server, loop_kept(&loop->server) == 8);
	kmcl_channel_disable(loop->client.ch);
	expect_contexts(loop, 8);
	for (i = 0; i < 8; i++)
		send(loop, 0);
	KUNIT_EXPECT_EQ(test, seen.calls, 8);
	loop_complete_all(&loop->server);
	kmcl_channel_disable(loop->server.ch);
	loop_up(loop);
	expect_contexts(loop, 16);
	KUNIT_EXPECT_GT(test, seen.in_task, 0);
	/* A task that goes on has bottom halves on */
	KUNIT_EXPECT_FALSE(test, in_softirq());
}

/* A tasklet that is due on the other processor, and that cannot run yet */
static struct {
	struct tasklet_struct *tasklet;
	bool scheduled;
	bool waiting;
} held;

static void hold_tasklet(void *data)
{
	set_cpus_allowed_ptr(current, cpumask_of(1));
	local_bh_disable();
	tasklet_schedule(held.tasklet);
	WRITE_ONCE(held.scheduled, true);
	while (!READ_ONCE(held.waiting))
		cpu_relax();
	mdelay(20);
	local_bh_enable();
}

/* It uses the channel, which may be freed after @wait */
static void expect_waits_for(struct kunit *test, struct tasklet_struct *tasklet,
			     void (*wait)(struct kmcl_channel *ch))
{
	struct loop *loop = test->priv;
	struct job *job;

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two processors");
	held.tasklet = tasklet;
	held.scheduled = false;
	held.waiting = false;
	set_cpus_allowed_ptr(current, cpumask_of(0));
	job = loop_job(loop, hold_tasklet, NULL);
	while (!READ_ONCE(held.scheduled))
		schedule_timeout_uninterruptible(1);
	WRITE_ONCE(held.waiting, true);
	wait(loop->client.ch);
	KUNIT_EXPECT_EQ(test, READ_ONCE(tasklet->state), 0);
	loop_job_wait(job);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

static void waiting_includes_the_tasklet_of_routines(struct kunit *test)
{
	struct loop *loop = test->priv;

	expect_waits_for(test, &loop->client.ch->tx.done_tasklet, kmcl_tx_wait_done);
}

static void waiting_includes_the_tasklet_of_delivery(struct kunit *test)
{
	struct loop *loop = test->priv;

	expect_waits_for(test, &loop->client.ch->rx.tasklet, kmcl_rx_detach);
}

static int done_init(struct kunit *test)
{
	memset(&seen, 0, sizeof(seen));
	guarded = 0;
	return loop_init(test);
}

static struct kunit_case done_cases[] = {
	/* KMCL: EVT_VMB_PACKET_COMPLETION_ROUTINE EVT_VMB_CHANNEL_PROCESS_PACKET */
	KUNIT_CASE(a_plain_lock_is_enough),
	KUNIT_CASE(with_interrupts_off),
	KUNIT_CASE(with_bottom_halves_off),
	KUNIT_CASE(at_the_end_of_a_channel),
	KUNIT_CASE(waiting_includes_the_tasklet_of_routines),
	KUNIT_CASE(waiting_includes_the_tasklet_of_delivery),
	{}
};

static struct kunit_suite done_suite = {
	.name = "kmcl_done",
	.init = done_init,
	.exit = loop_exit,
	.test_cases = done_cases,
};

kunit_test_suite(done_suite);

MODULE_DESCRIPTION("KUnit tests of the context of completion routines");
MODULE_LICENSE("GPL");
