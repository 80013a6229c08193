// SPDX-License-Identifier: GPL-2.0
/*
 * kmcl_poll_begin() and kmcl_poll_end(): who sends receives the answer himself. What
 * comes meanwhile is delivered once, at the end, and needs no signal.
 */
#include "harness.h"

static u64 signals_to_client(struct loop *loop)
{
	return READ_ONCE(loop->server.ch->tx.ring.signals);
}

static void what_comes_is_delivered_at_the_end(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	u64 value[2] = { 7, 8 }, signals;
	struct kmcl_packet *pkt[2];
	struct sent *sent[2];
	u32 got[2];
	int ret[2];
	bool began;

	loop_up(loop);
	pkt[0] = loop_prepare(&loop->server, 7, &sent[0]);
	pkt[1] = loop_prepare(&loop->server, 8, &sent[1]);
	KUNIT_ASSERT_NOT_NULL(test, pkt[0]);
	KUNIT_ASSERT_NOT_NULL(test, pkt[1]);
	signals = signals_to_client(loop);
	began = kmcl_poll_begin(client->ch);
	KUNIT_ASSERT_TRUE(test, began);
	ret[0] = kmcl_send(pkt[0], &value[0], 8, 0);
	/* As if the peer had not seen that it was not to signal */
	kmcl_rx_signalled(client->ch);
	ret[1] = kmcl_send(pkt[1], &value[1], 8, 0);
	got[0] = loop_got(client);
	kmcl_poll_end(client->ch);
	got[1] = loop_got(client);
	KUNIT_EXPECT_EQ(test, ret[0], 0);
	KUNIT_EXPECT_EQ(test, ret[1], 0);
	KUNIT_EXPECT_EQ(test, got[0], 0);
	KUNIT_EXPECT_EQ(test, got[1], 2);
	KUNIT_EXPECT_EQ(test, client->got[0], 7);
	KUNIT_EXPECT_EQ(test, client->got[1], 8);
	KUNIT_EXPECT_EQ(test, signals_to_client(loop), signals);
	/* From here on as always */
	loop_send(&loop->server, 9, 0);
	loop_wait(client, loop_got(client) == 3);
	KUNIT_EXPECT_EQ(test, signals_to_client(loop), signals + 1);
}

static bool inside_began;

static void in_callback(struct end *e, struct kmcl_context *ctx, u64 value)
{
	inside_began = kmcl_poll_begin(e->ch);
	if (inside_began)
		kmcl_poll_end(e->ch);
	kmcl_complete(ctx, NULL, 0);
}

static bool begins(struct kmcl_channel *ch)
{
	bool began = kmcl_poll_begin(ch);

	if (began)
		kmcl_poll_end(ch);
	return began;
}

static void only_while_nothing_stands_in_the_way(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;

	KUNIT_EXPECT_FALSE(test, begins(client->ch));
	loop_up(loop);
	KUNIT_EXPECT_TRUE(test, begins(client->ch));
	loop_job_wait(loop_pause(client));
	KUNIT_EXPECT_FALSE(test, begins(client->ch));
	loop_job_wait(loop_start(client));
	loop_wait_state(client, "Active");
	kmcl_set_process_context(client->ch, true);
	KUNIT_EXPECT_FALSE(test, begins(client->ch));
	kmcl_set_process_context(client->ch, false);
	client->process = in_callback;
	inside_began = true;
	loop_send(&loop->server, 1, 0);
	loop_wait(client, loop_got(client) == 1);
	loop_poll(client, c->outstanding == 0);
	KUNIT_EXPECT_FALSE(test, inside_began);
	loop_job_wait(loop_disable(client));
	KUNIT_EXPECT_FALSE(test, begins(client->ch));
}

/* The rings stay until then */
static void closing_waits_for_the_end(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct job *job;

	loop_up(loop);
	KUNIT_ASSERT_TRUE(test, kmcl_poll_begin(client->ch));
	/* This test sleeps in between, as a driver must not */
	local_bh_enable();
	job = loop_disable(client);
	KUNIT_EXPECT_TRUE(test, loop_comes_true(client->wait,
						!kmcl_rx_is(&client->ch->rx,
							    KMCL_RX_OPEN)));
	KUNIT_EXPECT_FALSE(test, completion_done(&job->done));
	KUNIT_EXPECT_EQ(test, loop_count(client, SUSPEND_BEGINS), 0);
	local_bh_disable();
	kmcl_poll_end(client->ch);
	loop_job_wait(job);
	KUNIT_EXPECT_EQ(test, loop_count(client, CLOSED), 1);
}

static struct kunit_case poll_cases[] = {
	KUNIT_CASE(what_comes_is_delivered_at_the_end),
	KUNIT_CASE(only_while_nothing_stands_in_the_way),
	KUNIT_CASE(closing_waits_for_the_end),
	{}
};

static struct kunit_suite poll_suite = {
	.name = "kmcl_poll",
	.init = loop_init,
	.exit = loop_exit,
	.test_cases = poll_cases,
};

kunit_test_suites(&poll_suite);
