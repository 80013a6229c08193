// SPDX-License-Identifier: GPL-2.0
/*
 * When the closed callback runs, and what holds before and in it.
 *
 * The number at the front of a case is that of the statement in the reference
 * of the library's behaviour (S1 to S33). What holds afterwards is in
 * closed_reopen_test.c, what becomes of packets in closed_queue_test.c;
 * statements about GPADLs and external data are those features' own. Which
 * callback ran in which context and under which lock is looked at in every
 * case, see harness.c.
 */
#include "harness.h"

static void s01_disable_closes_both_ends(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_up(loop);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_disable(loop->client.ch));
	loop_expect_events(&loop->client, OPENED, STARTED, POST_STARTED,
			   SUSPEND, CLOSED);
	loop_wait_event(&loop->server, CLOSED, 1);
	loop_expect_events(&loop->server, OPENED, STARTED, POST_STARTED,
			   SUSPEND, CLOSED);
}

static void s01_revoking_closes_both_ends(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_up(loop);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_disable(loop->server.ch));
	loop_wait_state(&loop->client, "Disabled");
	loop_expect_events(&loop->client, OPENED, STARTED, POST_STARTED,
			   SUSPEND, CLOSED);
	loop_expect_events(&loop->server, OPENED, STARTED, POST_STARTED,
			   SUSPEND, CLOSED);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).rescinds, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).rescinds, 0);
}

static void s02_not_before_an_offer(struct kunit *test)
{
	struct loop *loop = test->priv;

	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_state(&loop->client, "Enabled");
	kmcl_channel_disable(loop->client.ch);
	loop_expect_no_events(&loop->client);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	kmcl_channel_disable(loop->server.ch);
	loop_expect_no_events(&loop->server);
}

static void s02_not_after_opened_failed(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.opened_result = -EIO;
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_event(&loop->client, OPENED, 1);
	loop_wait_state(&loop->client, "Disabled");
	loop_expect_events(&loop->client, OPENED);
	/* The server had agreed: for it the link was up */
	loop_wait_event(&loop->server, CLOSED, 1);
	loop_expect_events(&loop->server, OPENED, CLOSED);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).open_failures, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).closes, 0);
}

static void s02_not_after_a_refused_open(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->server.opened_result = -EIO;
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_event(&loop->client, FAILURE, 1);
	loop_wait_state(&loop->client, "Disabled");
	loop_expect_events(&loop->client, FAILURE);
	loop_expect_events(&loop->server, OPENED);
	KUNIT_EXPECT_EQ(test, loop->failure, -ECONNREFUSED);

	/* The offer stays */
	loop->server.opened_result = 0;
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_event(&loop->client, POST_STARTED, 1);
	loop_expect_events(&loop->client, FAILURE, OPENED, STARTED,
			   POST_STARTED);
}

static void take_all_locks(struct end *e, enum loop_event what)
{
	struct kmcl_packet *pkt;
	guid_t instance;

	if (what != CLOSED)
		return;
	/* Each takes one lock or more; a lock that is held would not be free */
	loop_snapshot(e);
	kmcl_channel_state_name(e->ch);
	kmcl_get_instance(e->ch, &instance);
	pkt = kmcl_packet_alloc(e->ch);
	kmcl_packet_free(pkt);
	KUNIT_EXPECT_TRUE(e->loop->test, in_task());
	KUNIT_EXPECT_TRUE(e->loop->test, current->flags & PF_WQ_WORKER);
	schedule_timeout_uninterruptible(1);
}

/* Besides, the harness looks at context, work and locks of every callback */
static void s03_runs_in_process_context_without_locks(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.hook = take_all_locks;
	loop->server.hook = take_all_locks;
	loop_up(loop);
	kmcl_channel_disable(loop->client.ch);
	loop_wait_event(&loop->server, CLOSED, 1);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_event(&loop->client, POST_STARTED, 2);
	kmcl_channel_disable(loop->server.ch);
	loop_wait_event(&loop->client, CLOSED, 2);
	KUNIT_EXPECT_NULL(test, loop->client.wrong);
	KUNIT_EXPECT_NULL(test, loop->server.wrong);
}

static void waits_for_outstanding(struct loop *loop, struct end *closing)
{
	struct kunit *test = loop->test;
	struct job *d;

	loop_up(loop);
	loop->client.keep = true;
	loop_send(&loop->server, 1, KMCL_SEND_WAIT);
	loop_send(&loop->server, 2, KMCL_SEND_WAIT);
	loop_wait(&loop->client, loop_kept(&loop->client) == 2);

	d = loop_disable(closing);
	loop_wait_event(&loop->client, SUSPEND, 1);
	loop_complete_kept(&loop->client, 1, 0);
	KUNIT_EXPECT_EQ(test, wait_for_completion_timeout(&d->done, HZ / 20), 0);
	loop_expect_events(&loop->client, OPENED, STARTED, POST_STARTED,
			   SUSPEND);
	loop_complete_kept(&loop->client, 0, 0);
	loop_job_wait(d);
	loop_wait_state(&loop->client, "Disabled");
	loop_expect_events(&loop->client, OPENED, STARTED, POST_STARTED,
			   SUSPEND, CLOSED);
}

static void s04_waits_for_outstanding_after_disable(struct kunit *test)
{
	struct loop *loop = test->priv;

	waits_for_outstanding(loop, &loop->client);
}

static void s04_waits_for_outstanding_after_rescind(struct kunit *test)
{
	struct loop *loop = test->priv;

	waits_for_outstanding(loop, &loop->server);
	/* No callback may be called any more */
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).comps_dropped, 2);
}

static void s04_waits_for_suspend(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_up(loop);
	loop_hold(&loop->client, SUSPEND);
	kmcl_offer_rescind(loop->client.ch->link.offer);
	loop_wait_held(&loop->client);
	loop_expect_events(&loop->client, OPENED, STARTED, POST_STARTED,
			   SUSPEND_BEGINS);
	loop_release(&loop->client);
	loop_wait_state(&loop->client, "Disabled");
	loop_expect_events(&loop->client, OPENED, STARTED, POST_STARTED,
			   SUSPEND, CLOSED);
}

static void s04_no_second_suspend_when_paused(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_up(loop);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_pause(loop->client.ch));
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(loop->client.ch),
			   "Paused");
	loop_expect_events(&loop->client, OPENED, STARTED, POST_STARTED,
			   SUSPEND);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_pause(loop->server.ch));
	kmcl_channel_disable(loop->client.ch);
	loop_expect_events(&loop->client, OPENED, STARTED, POST_STARTED,
			   SUSPEND, CLOSED);
	loop_wait_event(&loop->server, CLOSED, 1);
	loop_expect_events(&loop->server, OPENED, STARTED, POST_STARTED,
			   SUSPEND, CLOSED);
}

/* The harness reports packets that are delivered while the channel is paused */
static void s05_nothing_is_delivered_from_closed_on(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct job *d;
	u32 i, got;

	loop_up(loop);
	loop_hold(&loop->client, CLOSED);
	for (i = 0; i < 100; i++)
		loop_send(&loop->server, i, 0);
	d = loop_disable(&loop->client);
	loop_wait_held(&loop->client);
	got = loop_got(&loop->client);
	for (i = 0; i < 100; i++)
		loop_send(&loop->server, i, 0);
	tasklet_schedule(&loop->client.ch->rx.tasklet);
	KUNIT_EXPECT_EQ(test, wait_for_completion_timeout(&d->done, HZ / 20), 0);
	KUNIT_EXPECT_EQ(test, got, loop_got(&loop->client));
	loop_release(&loop->client);
	loop_job_wait(d);
	KUNIT_EXPECT_EQ(test, got, loop_got(&loop->client));
	loop_expect_events(&loop->client, OPENED, STARTED, POST_STARTED,
			   SUSPEND, CLOSED);
}

static void s06_disable_returns_after_closed(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct job *d, *second;

	loop_up(loop);
	loop_hold(&loop->client, CLOSED);
	d = loop_disable(&loop->client);
	loop_wait_held(&loop->client);
	second = loop_disable(&loop->client);
	KUNIT_EXPECT_EQ(test, wait_for_completion_timeout(&d->done, HZ / 10), 0);
	KUNIT_EXPECT_FALSE(test, completion_done(&second->done));
	loop_release(&loop->client);
	loop_job_wait(d);
	loop_job_wait(second);
	loop_expect_events(&loop->client, OPENED, STARTED, POST_STARTED,
			   SUSPEND, CLOSED);
}

static void s06_server_disable_returns_after_closed(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct job *d;

	loop_up(loop);
	loop_hold(&loop->server, CLOSED);
	d = loop_disable(&loop->server);
	loop_wait_held(&loop->server);
	/* The client need not wait for the server's callback */
	loop_wait_event(&loop->client, CLOSED, 1);
	KUNIT_EXPECT_FALSE(test, completion_done(&d->done));
	loop_release(&loop->server);
	loop_job_wait(d);
}

static void s28_rescind_during_disable(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct job *d, *revoke;
	struct sent *s;

	loop_up(loop);
	loop->server.keep = true;
	s = loop_send(&loop->client, 1, KMCL_SEND_WAIT);
	loop_wait(&loop->server, loop_kept(&loop->server) == 1);
	loop_hold(&loop->client, SUSPEND);
	d = loop_disable(&loop->client);
	loop_wait_held(&loop->client);
	kmcl_offer_rescind(loop->client.ch->link.offer);
	revoke = loop_disable(&loop->server);
	loop_release(&loop->client);
	loop_job_wait(d);
	loop_expect_events(&loop->client, OPENED, STARTED, POST_STARTED,
			   SUSPEND, CLOSED);
	KUNIT_EXPECT_EQ(test, s->status, -ECANCELED);
	loop_complete_all(&loop->server);
	loop_job_wait(revoke);
}

static void s28_disable_during_rescind(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct job *d;
	struct sent *s;

	loop_up(loop);
	loop->server.keep = true;
	s = loop_send(&loop->client, 1, KMCL_SEND_WAIT);
	loop_wait(&loop->server, loop_kept(&loop->server) == 1);
	loop_hold(&loop->client, CLOSED);
	kmcl_offer_rescind(loop->client.ch->link.offer);
	loop_wait_held(&loop->client);
	d = loop_disable(&loop->client);
	KUNIT_EXPECT_EQ(test, wait_for_completion_timeout(&d->done, HZ / 20), 0);
	loop_release(&loop->client);
	loop_job_wait(d);
	loop_expect_events(&loop->client, OPENED, STARTED, POST_STARTED,
			   SUSPEND, CLOSED);
	KUNIT_EXPECT_EQ(test, s->status, -ENODEV);
}

static void s30_without_callbacks_all_rules_hold(struct kunit *test)
{
	static const struct kmcl_channel_ops none;
	struct loop *loop = test->priv;
	struct sent *s, *queued;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_ops(loop->client.ch, &none));
	kmcl_channel_start(loop->server.ch);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_state(&loop->client, "Active");
	loop->server.keep = true;
	s = loop_send(&loop->client, 1, KMCL_SEND_WAIT);
	loop_wait(&loop->server, loop_kept(&loop->server) == 1);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_disable(loop->client.ch));
	KUNIT_EXPECT_STREQ(test, "Disabled",
			   kmcl_channel_state_name(loop->client.ch));
	KUNIT_EXPECT_EQ(test, s->status, -ECANCELED);
	queued = loop_send(&loop->client, 2, 0);
	KUNIT_EXPECT_EQ(test, queued->done, 0);
	loop_complete_all(&loop->server);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait(&loop->client, queued->done);
	KUNIT_EXPECT_EQ(test, queued->status, 0);
}

static struct kunit_case closed_cases[] = {
	/* KMCL: VmbChannelDisable */
	KUNIT_CASE(s01_disable_closes_both_ends),
	KUNIT_CASE(s01_revoking_closes_both_ends),
	KUNIT_CASE(s02_not_before_an_offer),
	/* KMCL: EVT_VMB_CHANNEL_OPENED */
	KUNIT_CASE(s02_not_after_opened_failed),
	/* KMCL: EVT_VMB_CHANNEL_PNP_FAILURE */
	KUNIT_CASE(s02_not_after_a_refused_open),
	/* KMCL: EVT_VMB_CHANNEL_CLOSED */
	KUNIT_CASE(s03_runs_in_process_context_without_locks),
	/* KMCL: VmbChannelPacketComplete */
	KUNIT_CASE(s04_waits_for_outstanding_after_disable),
	KUNIT_CASE(s04_waits_for_outstanding_after_rescind),
	/* KMCL: EVT_VMB_CHANNEL_SUSPEND */
	KUNIT_CASE(s04_waits_for_suspend),
	/* KMCL: VmbChannelPause */
	KUNIT_CASE(s04_no_second_suspend_when_paused),
	/* KMCL: EVT_VMB_CHANNEL_CLOSED */
	KUNIT_CASE(s05_nothing_is_delivered_from_closed_on),
	/* KMCL: VmbChannelDisable */
	KUNIT_CASE(s06_disable_returns_after_closed),
	KUNIT_CASE(s06_server_disable_returns_after_closed),
	KUNIT_CASE(s28_rescind_during_disable),
	KUNIT_CASE(s28_disable_during_rescind),
	/* KMCL: VmbChannelInitSetStateChangeCallbacks */
	KUNIT_CASE(s30_without_callbacks_all_rules_hold),
	{}
};

static struct kunit_suite closed_suite = {
	.name = "kmcl_closed",
	.init = loop_init,
	.exit = loop_exit,
	.test_cases = closed_cases,
};

kunit_test_suite(closed_suite);
