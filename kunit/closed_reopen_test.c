// SPDX-License-Identifier: GPL-2.0
/*
 * What holds once the closed callback has returned, and how a channel is opened
 * again. The number at the front of a case is that of the statement, as in
 * closed_test.c, which has the other ones.
 */
#include "harness.h"

static void s07_client_is_disabled_afterwards(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_up(loop);
	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_STREQ(test, "Disabled",
			   kmcl_channel_state_name(loop->client.ch));
	KUNIT_EXPECT_EQ(test, 0, kmcl_set_context_size(loop->client.ch, 16));
	KUNIT_EXPECT_EQ(test, 0, kmcl_set_flags(loop->client.ch, 0));
}

static void s07_client_is_disabled_after_a_rescind(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_up(loop);
	kmcl_channel_disable(loop->server.ch);
	loop_wait_state(&loop->client, "Disabled");
	KUNIT_EXPECT_EQ(test, 0, kmcl_set_context_size(loop->client.ch, 16));
	KUNIT_EXPECT_EQ(test, 0, kmcl_set_flags(loop->client.ch, 0));
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_free(loop->client.ch));
	loop->client.ch = NULL;
}

static void s08_a_new_offer_alone_opens_nothing(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_up(loop);
	kmcl_channel_disable(loop->server.ch);
	loop_wait_state(&loop->client, "Disabled");
	loop_forget(&loop->client);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	flush_work(&loop->server.ch->sm.work);
	flush_work(&loop->client.ch->sm.work);
	loop_expect_no_events(&loop->client);
	KUNIT_EXPECT_STREQ(test, "Disabled",
			   kmcl_channel_state_name(loop->client.ch));

	/* One that waits already, too: it is held until enable */
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_event(&loop->client, POST_STARTED, 1);
}

static void s09_enable_again_with_an_offer(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_up(loop);
	kmcl_channel_disable(loop->client.ch);
	loop_forget(&loop->client);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_event(&loop->client, POST_STARTED, 1);
	loop_expect_events(&loop->client, OPENED, STARTED, POST_STARTED);
}

static void s09_enable_again_before_an_offer(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_up(loop);
	kmcl_channel_disable(loop->server.ch);
	loop_wait_state(&loop->client, "Disabled");
	loop_forget(&loop->client);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_state(&loop->client, "Enabled");
	loop_expect_no_events(&loop->client);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	loop_wait_event(&loop->client, POST_STARTED, 1);
	loop_expect_events(&loop->client, OPENED, STARTED, POST_STARTED);
}

static void s10_the_offer_stays_after_a_client_close(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_up(loop);
	kmcl_channel_disable(loop->client.ch);
	loop_wait_event(&loop->server, CLOSED, 1);
	loop_wait_state(&loop->server, "Started");
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_event(&loop->client, POST_STARTED, 2);
	loop_wait_event(&loop->server, POST_STARTED, 2);
	loop_expect_events(&loop->server, OPENED, STARTED, POST_STARTED,
			   SUSPEND, CLOSED, OPENED, STARTED, POST_STARTED);
}

static void s10_a_new_open_waits_for_closed(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_up(loop);
	loop_hold(&loop->server, CLOSED);
	kmcl_channel_disable(loop->client.ch);
	loop_wait_held(&loop->server);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	KUNIT_EXPECT_EQ(test, 0,
			wait_event_timeout(loop->client.wait,
					   loop_count(&loop->client,
						      OPENED_BEGINS) > 1,
					   HZ / 10));
	loop_expect_events(&loop->server, OPENED, STARTED, POST_STARTED,
			   SUSPEND, CLOSED_BEGINS);
	loop_release(&loop->server);
	loop_wait_event(&loop->client, POST_STARTED, 2);
	loop_wait_event(&loop->server, POST_STARTED, 2);
	loop_send(&loop->client, 7, 0);
	loop_wait(&loop->server, loop_got(&loop->server) == 1);
}

static void s11_after_a_server_disable_the_offer_is_gone(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_up(loop);
	kmcl_channel_disable(loop->server.ch);
	KUNIT_EXPECT_FALSE(test, kmcl_offer_exists(&loop->type, &loop->instance));
	KUNIT_EXPECT_STREQ(test, "Disabled",
			   kmcl_channel_state_name(loop->server.ch));
	loop_wait_state(&loop->client, "Disabled");
	loop_forget(&loop->server);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	flush_work(&loop->client.ch->sm.work);
	loop_expect_no_events(&loop->server);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	loop_wait_event(&loop->server, OPENED, 1);
}

static void s29_disable_after_a_rescind_does_nothing(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_up(loop);
	kmcl_channel_disable(loop->server.ch);
	loop_wait_state(&loop->client, "Disabled");
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_disable(loop->client.ch));
	loop_expect_events(&loop->client, OPENED, STARTED, POST_STARTED,
			   SUSPEND, CLOSED);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_free(loop->client.ch));
	loop->client.ch = NULL;
}

static void enable_in_closed(struct end *e, enum loop_event what)
{
	if (what == CLOSED) {
		KUNIT_EXPECT_EQ(e->loop->test, -EBUSY,
				kmcl_channel_enable(e->ch));
		KUNIT_EXPECT_EQ(e->loop->test, -EBUSY,
				kmcl_set_flags(e->ch, 0));
	}
}

static void s31_enable_before_closed_returned_fails(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct job *d;

	loop_up(loop);
	loop->client.hook = enable_in_closed;
	loop->server.hook = enable_in_closed;
	loop_hold(&loop->client, CLOSED);
	d = loop_disable(&loop->client);
	loop_wait_held(&loop->client);
	KUNIT_EXPECT_EQ(test, -EBUSY, kmcl_channel_enable(loop->client.ch));
	loop_release(&loop->client);
	loop_job_wait(d);
	loop_wait_event(&loop->server, CLOSED, 1);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
}

static void s32_open_and_close_many_times(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	kmcl_channel_start(loop->server.ch);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	for (i = 1; i <= 200; i++) {
		struct sent *s = loop_send(&loop->client, i, i & 1);

		KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
		loop_wait(&loop->client, s->done);
		KUNIT_ASSERT_EQ(test, s->status, 0);
		loop_expect_balance(&loop->client);
		kmcl_channel_disable(loop->client.ch);
		loop_expect_balance(&loop->client);
		KUNIT_ASSERT_EQ(test, loop_counters(&loop->client).opens, i);
		KUNIT_ASSERT_EQ(test, loop_counters(&loop->client).closes, i);
	}
}

/* S33: the server's names of the same states */
static void s33_a_server_returns_to_what_it_was(struct kunit *test)
{
	struct loop *loop = test->priv;

	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	loop_wait_state(&loop->server, "Enabled");
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_event(&loop->client, POST_STARTED, 1);
	loop_wait_state(&loop->server, "Paused");
	kmcl_channel_disable(loop->client.ch);
	loop_wait_event(&loop->server, CLOSED, 1);
	loop_wait_state(&loop->server, "Enabled");
	loop_expect_events(&loop->server, OPENED, CLOSED);

	kmcl_channel_start(loop->server.ch);
	KUNIT_EXPECT_STREQ(test, "Started",
			   kmcl_channel_state_name(loop->server.ch));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_event(&loop->server, POST_STARTED, 1);
	KUNIT_EXPECT_STREQ(test, "Active",
			   kmcl_channel_state_name(loop->server.ch));
	kmcl_channel_disable(loop->server.ch);
	loop_expect_events(&loop->server, OPENED, CLOSED, OPENED, STARTED,
			   POST_STARTED, SUSPEND, CLOSED);
	/* Disabling also cleared the run latch */
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	loop_wait_state(&loop->server, "Enabled");
}

static void s33_pause_and_start(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct sent *s;

	loop_up(loop);
	kmcl_channel_pause(loop->server.ch);
	loop_expect_events(&loop->server, OPENED, STARTED, POST_STARTED,
			   SUSPEND);
	s = loop_send(&loop->client, 1, KMCL_SEND_WAIT);
	kmcl_channel_start(loop->server.ch);
	loop_wait(&loop->client, s->done);
	KUNIT_EXPECT_EQ(test, s->status, 0);
	loop_wait_event(&loop->server, POST_STARTED, 2);
	loop_expect_events(&loop->server, OPENED, STARTED, POST_STARTED,
			   SUSPEND, STARTED, POST_STARTED);
}

static struct kunit_case closed_reopen_cases[] = {
	KUNIT_CASE(s07_client_is_disabled_afterwards),
	KUNIT_CASE(s07_client_is_disabled_after_a_rescind),
	KUNIT_CASE(s08_a_new_offer_alone_opens_nothing),
	/* KMCL: VmbChannelEnable */
	KUNIT_CASE(s09_enable_again_with_an_offer),
	KUNIT_CASE(s09_enable_again_before_an_offer),
	KUNIT_CASE(s10_the_offer_stays_after_a_client_close),
	KUNIT_CASE(s10_a_new_open_waits_for_closed),
	KUNIT_CASE(s11_after_a_server_disable_the_offer_is_gone),
	KUNIT_CASE(s29_disable_after_a_rescind_does_nothing),
	/* KMCL: VmbChannelEnable */
	KUNIT_CASE(s31_enable_before_closed_returned_fails),
	KUNIT_CASE(s32_open_and_close_many_times),
	KUNIT_CASE(s33_a_server_returns_to_what_it_was),
	/* KMCL: VmbChannelPause VmbChannelStart */
	KUNIT_CASE(s33_pause_and_start),
	{}
};

static struct kunit_suite closed_reopen_suite = {
	.name = "kmcl_closed_reopen",
	.init = loop_init,
	.exit = loop_exit,
	.test_cases = closed_reopen_cases,
};

kunit_test_suite(closed_reopen_suite);
