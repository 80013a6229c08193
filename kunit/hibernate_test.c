// SPDX-License-Identifier: GPL-2.0
/*
 * The machine hibernates: a transport suspends and resumes the offer of a channel,
 * in each state of it. The transport is the test itself, see fake_transport.h.
 */
#include "fake_transport.h"
#include "hibernate.h"

static struct {
	unsigned long limit;
	unsigned int asked;
	int answer;
	struct job *job;
} fx;

struct kmcl_offer *hibernate_channel(struct kmcl_channel *ch)
{
	struct kmcl_offer *offer = ch->link.offer;

	return kmcl_offer_suspend(offer) ? NULL : offer;
}

void wake_offer(struct kmcl_offer *offer)
{
	kmcl_offer_resume(offer);
}

static int hibernate_init(struct kunit *test)
{
	memset(&fx, 0, sizeof(fx));
	fx.limit = kmcl_suspend_limit;
	return fake_init(test);
}

static void hibernate_exit(struct kunit *test)
{
	kmcl_hibernation(false);
	kmcl_suspend_limit = fx.limit;
	fake_exit(test);
}

static enum kmcl_close_cause cause(struct loop *loop)
{
	return kmcl_get_close_cause(loop->client.ch);
}

static void suspend(struct loop *loop)
{
	KUNIT_ASSERT_EQ(loop->test, kmcl_offer_suspend(fake.offer), 0);
}

static void resume(struct loop *loop, unsigned int opened)
{
	kmcl_offer_resume(fake.offer);
	loop_wait_event(&loop->client, POST_STARTED, opened);
}

/* Nothing that was queued before or meanwhile is lost, and the order is kept */
static void an_open_channel_is_closed_and_opened(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;
	struct sent *flying, *queued[8];
	int i;

	fake_up(loop);
	KUNIT_EXPECT_EQ(test, cause(loop), KMCL_CLOSE_NONE);
	flying = loop_send(e, 1, KMCL_SEND_WAIT);
	loop_forget(e);
	suspend(loop);
	/* All of that before it has returned */
	loop_expect_events(e, SUSPEND, CLOSED);
	KUNIT_EXPECT_EQ(test, cause(loop), KMCL_CLOSE_HIBERNATE);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(e->ch), "Enabled");
	KUNIT_EXPECT_EQ(test, flying->status, -ECANCELED);
	KUNIT_EXPECT_EQ(test, fake.closes, 1);
	KUNIT_EXPECT_EQ(test, fake.mmio_frees, 1);
	KUNIT_EXPECT_EQ(test, fake.opens, 1);
	for (i = 0; i < ARRAY_SIZE(queued); i++)
		queued[i] = loop_send(e, i, 0);
	KUNIT_EXPECT_EQ(test, loop_snapshot(e)->queued, ARRAY_SIZE(queued));

	loop_forget(e);
	resume(loop, 1);
	loop_expect_events(e, OPENED, STARTED, POST_STARTED);
	KUNIT_EXPECT_EQ(test, fake.opens, 2);
	loop_wait(e, loop_done(e) == 1 + ARRAY_SIZE(queued));
	for (i = 0; i < ARRAY_SIZE(queued); i++) {
		KUNIT_EXPECT_EQ(test, queued[i]->status, 0);
		KUNIT_EXPECT_EQ(test, queued[i]->order, i + 2);
	}
	fake_packet(loop, 42);
	fake_interrupt();
	loop_wait(e, loop_got(e) == 1);
	/* It was no rescind, nor an unbind */
	KUNIT_EXPECT_EQ(test, loop_snapshot(e)->rescinds, 0);
	KUNIT_EXPECT_EQ(test, fake.releases, 0);
	kmcl_channel_disable(e->ch);
	KUNIT_EXPECT_EQ(test, cause(loop), KMCL_CLOSE_DISABLE);
}

/* Nothing is done that the kernel which is restored would do once more */
static void an_image_is_written(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;
	struct sent *queued;

	fake_up(loop);
	kmcl_hibernation(true);
	/* Not yet */
	loop_send(e, 1, 0);
	loop_wait(e, loop_done(e) == 1);
	suspend(loop);
	queued = loop_send(e, 2, 0);
	kmcl_offer_resume(fake.offer);
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_EQ(test, fake.opens, 1);
	KUNIT_EXPECT_EQ(test, loop_snapshot(e)->queued, 1);
	/* From here on it is also what the other kernel does, once it is restored */
	kmcl_hibernation(false);
	loop_wait_event(e, POST_STARTED, 2);
	loop_wait(e, loop_done(e) == 2);
	KUNIT_EXPECT_EQ(test, queued->status, 0);
	KUNIT_EXPECT_EQ(test, fake.opens, 2);
	/* Over, also for who is late */
	suspend(loop);
	resume(loop, 3);
}

static void a_device_is_new_meanwhile(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;

	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(e->ch), 0);
	kmcl_hibernation(true);
	fake_offer(loop);
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_EQ(test, fake.opens, 0);
	kmcl_hibernation(false);
	loop_wait_event(e, POST_STARTED, 1);
}

/* Before VMBus 4.0 GPADLs are deleted while the rings are connected */
static void an_old_peer(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;

	fake.gpadls_first = true;
	fake_up(loop);
	loop_forget(e);
	loop_hold(e, CLOSED);
	kmcl_suspend_limit = 1;
	KUNIT_EXPECT_EQ(test, kmcl_offer_suspend(fake.offer), -EBUSY);
	loop_wait_held(e);
	KUNIT_EXPECT_EQ(test, fake.closes, 0);
	loop_release(e);
	/* The machine is awake: it goes on by itself */
	loop_wait_event(e, POST_STARTED, 1);
	loop_expect_events(e, SUSPEND, CLOSED, OPENED, STARTED, POST_STARTED);
	KUNIT_EXPECT_EQ(test, fake.closes, 1);
	KUNIT_EXPECT_EQ(test, fake.mmio_frees, 1);
	kmcl_suspend_limit = fx.limit;
	suspend(loop);
	KUNIT_EXPECT_EQ(test, fake.closes, 2);
	resume(loop, 2);
}

static void a_paused_channel_stays_paused(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;

	fake_up(loop);
	KUNIT_ASSERT_EQ(test, kmcl_channel_pause(e->ch), 0);
	loop_forget(e);
	suspend(loop);
	loop_expect_events(e, CLOSED);
	kmcl_offer_resume(fake.offer);
	loop_wait_state(e, "Paused");
	loop_expect_events(e, CLOSED, OPENED);
	/* Nothing but the state of a pause that is asked for meanwhile */
	suspend(loop);
	KUNIT_ASSERT_EQ(test, kmcl_channel_start(e->ch), 0);
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_EQ(test, fake.opens, 2);
	resume(loop, 1);
}

static void a_channel_that_is_not_open(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;

	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	fake_offer(loop);
	suspend(loop);
	/* Enabled while the machine hibernates */
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(e->ch), 0);
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_EQ(test, fake.opens, 0);
	loop_expect_no_events(e);
	/* And suspended once more */
	suspend(loop);
	KUNIT_EXPECT_EQ(test, fake.opens, 0);
	resume(loop, 1);
	KUNIT_EXPECT_EQ(test, fake.opens, 1);
}

static void disabled_while_the_machine_hibernates(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;

	fake_up(loop);
	suspend(loop);
	KUNIT_EXPECT_EQ(test, kmcl_channel_disable(e->ch), 0);
	loop_wait_state(e, "Disabled");
	KUNIT_EXPECT_EQ(test, loop_count(e, CLOSED), 1);
	kmcl_offer_resume(fake.offer);
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_EQ(test, fake.opens, 1);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(e->ch), 0);
	loop_wait_event(e, POST_STARTED, 2);
}

/* Asked for inside Closed: there is one close, and then it is disabled */
static void disabled_inside_closed(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;
	struct job *disable;

	fake_up(loop);
	loop_hold(e, CLOSED);
	kmcl_suspend_limit = 1;
	KUNIT_EXPECT_EQ(test, kmcl_offer_suspend(fake.offer), -EBUSY);
	loop_wait_held(e);
	disable = loop_disable(e);
	loop_wait(e, READ_ONCE(e->ch->sm.in.disable));
	loop_release(e);
	loop_job_wait(disable);
	KUNIT_EXPECT_EQ(test, loop_count(e, CLOSED), 1);
	KUNIT_EXPECT_EQ(test, fake.opens, 1);
}

/* The host does not offer the device any more: the channel waits for another one */
static void rescinded_while_the_machine_hibernates(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;
	struct sent *queued;

	fake_up(loop);
	suspend(loop);
	queued = loop_send(e, 4711, 0);
	kmcl_offer_rescind(fake.offer);
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_EQ(test, fake.releases, 1);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(e->ch), "Enabled");
	KUNIT_EXPECT_EQ(test, loop_count(e, CLOSED), 1);
	fake_offer(loop);
	loop_wait_event(e, POST_STARTED, 2);
	loop_wait(e, loop_done(e) == 1);
	KUNIT_EXPECT_EQ(test, queued->status, 0);
}

/* Closed by the machine, and rescinded before that was over: no opening follows */
static void rescinded_inside_closed(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;

	fake_up(loop);
	loop_hold(e, SUSPEND);
	kmcl_suspend_limit = 1;
	KUNIT_EXPECT_EQ(test, kmcl_offer_suspend(fake.offer), -EBUSY);
	loop_wait_held(e);
	kmcl_offer_rescind(fake.offer);
	loop_release(e);
	loop_wait_state(e, "Disabled");
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_EQ(test, cause(loop), KMCL_CLOSE_PEER);
	KUNIT_EXPECT_EQ(test, loop_count(e, CLOSED), 1);
	KUNIT_EXPECT_EQ(test, fake.releases, 1);
}

static void unbound(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;
	struct kmcl_offer *offer;

	fake_up(loop);
	offer = fake.offer;
	fake.offer = NULL;
	kmcl_offer_get(offer);
	kmcl_offer_gone(offer);
	KUNIT_EXPECT_EQ(test, cause(loop), KMCL_CLOSE_UNBOUND);
	/* It is gone, and whoever suspends devices does not know yet */
	KUNIT_EXPECT_EQ(test, kmcl_offer_suspend(offer), 0);
	kmcl_offer_resume(offer);
	kmcl_offer_put(offer);
	loop_wait_state(e, "Disabled");
}

/* While the transport opens the device: closed as soon as it is open */
static void suspended_while_it_opens(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;
	struct completion may_open;

	init_completion(&may_open);
	fake.open_waits = &may_open;
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(e->ch), 0);
	fake_offer(loop);
	loop_wait(e, READ_ONCE(fake.opens) == 1);
	kmcl_suspend_limit = 1;
	KUNIT_EXPECT_EQ(test, kmcl_offer_suspend(fake.offer), -EBUSY);
	kmcl_suspend_limit = fx.limit;
	complete_all(&may_open);
	suspend(loop);
	/* It may have been opened once, since the machine was awake again */
	KUNIT_EXPECT_EQ(test, fake.opens, fake.closes);
	KUNIT_EXPECT_EQ(test, loop_count(e, OPENED), loop_count(e, CLOSED));
	KUNIT_EXPECT_EQ(test, loop_count(e, STARTED), loop_count(e, SUSPEND));
	fake.open_waits = NULL;
	loop_forget(e);
	resume(loop, 1);
}

static int may_hibernate(struct kmcl_channel *ch)
{
	fx.asked++;
	return fx.answer;
}

static void ask_the_driver(struct loop *loop, int answer)
{
	struct kmcl_channel_ops ops = loop->client.ch->cfg.ops;

	fx.answer = answer;
	ops.hibernate = may_hibernate;
	KUNIT_ASSERT_EQ(loop->test, kmcl_set_ops(loop->client.ch, &ops), 0);
}

static void a_driver_refuses(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;

	ask_the_driver(loop, -EROFS);
	fake_up(loop);
	loop_forget(e);
	KUNIT_EXPECT_EQ(test, kmcl_offer_suspend(fake.offer), -EROFS);
	KUNIT_EXPECT_EQ(test, fx.asked, 1);
	flush_workqueue(kmcl_wq);
	loop_expect_no_events(e);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(e->ch), "Active");
	fx.answer = 0;
	suspend(loop);
	KUNIT_EXPECT_EQ(test, fx.asked, 2);
	resume(loop, 1);
}

/* A driver that keeps a packet: the machine stays awake, and the channel goes on */
static void a_driver_that_takes_too_long(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;

	fake_up(loop);
	e->keep = true;
	fake_packet(loop, 1);
	fake_interrupt();
	loop_wait(e, loop_kept(e) == 1);
	loop_forget(e);
	kmcl_suspend_limit = 1;
	KUNIT_EXPECT_EQ(test, kmcl_offer_suspend(fake.offer), -EBUSY);
	loop_wait_event(e, SUSPEND, 1);
	KUNIT_EXPECT_EQ(test, loop_count(e, CLOSED), 0);
	e->keep = false;
	loop_complete_all(e);
	loop_wait_event(e, POST_STARTED, 1);
	loop_expect_events(e, SUSPEND, CLOSED, OPENED, STARTED, POST_STARTED);
}

/* Beside calls in another thread */
static void suspend_again_and_again(void *data)
{
	while (!READ_ONCE(fx.job) || !READ_ONCE(fx.job->stop)) {
		if (!kmcl_offer_suspend(fake.offer))
			kmcl_offer_resume(fake.offer);
		cond_resched();
	}
}

static void beside_enable_and_disable(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;
	int i;

	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	fake_offer(loop);
	WRITE_ONCE(fx.job, loop_job(loop, suspend_again_and_again, NULL));
	for (i = 0; i < 100; i++) {
		KUNIT_ASSERT_EQ(test, kmcl_channel_enable(e->ch), 0);
		if (i % 3)
			loop_wait_event(e, OPENED, 1);
		loop_send(e, i, 0);
		if (i % 2)
			KUNIT_ASSERT_EQ(test, kmcl_channel_pause(e->ch), 0);
		KUNIT_ASSERT_EQ(test, kmcl_channel_start(e->ch), 0);
		KUNIT_ASSERT_EQ(test, kmcl_channel_disable(e->ch), 0);
		KUNIT_EXPECT_EQ(test, loop_count(e, OPENED), loop_count(e, CLOSED));
		KUNIT_EXPECT_EQ(test, loop_count(e, STARTED),
				loop_count(e, SUSPEND));
		loop_forget(e);
	}
	loop_job_stop(fx.job);
	loop_job_wait(fx.job);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(e->ch), 0);
	loop_wait_event(e, POST_STARTED, 1);
	loop_wait(e, loop_done(e) == 100);
}

static struct kunit_case hibernate_cases[] = {
	KUNIT_CASE(an_open_channel_is_closed_and_opened),
	KUNIT_CASE(an_image_is_written),
	KUNIT_CASE(a_device_is_new_meanwhile),
	KUNIT_CASE(an_old_peer),
	KUNIT_CASE(a_paused_channel_stays_paused),
	KUNIT_CASE(a_channel_that_is_not_open),
	KUNIT_CASE(disabled_while_the_machine_hibernates),
	KUNIT_CASE(disabled_inside_closed),
	KUNIT_CASE(rescinded_while_the_machine_hibernates),
	KUNIT_CASE(rescinded_inside_closed),
	KUNIT_CASE(unbound),
	KUNIT_CASE(suspended_while_it_opens),
	KUNIT_CASE(a_driver_refuses),
	KUNIT_CASE(a_driver_that_takes_too_long),
	KUNIT_CASE(beside_enable_and_disable),
	{}
};

static struct kunit_suite hibernate_suite = {
	.name = "kmcl_hibernate",
	.init = hibernate_init,
	.exit = hibernate_exit,
	.test_cases = hibernate_cases,
};

kunit_test_suite(hibernate_suite);

MODULE_DESCRIPTION("KUnit tests of KMCL channels of a machine that hibernates");
MODULE_LICENSE("GPL");
