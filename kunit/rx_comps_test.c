// SPDX-License-Identifier: GPL-2.0
/*
 * Completions that the driver makes while a batch is delivered: they are written
 * together, and in order with everything else that is sent. The test is the peer,
 * and looks at what is in the ring.
 *
 * The client's callback runs with bottom halves off, in the test's thread or in a
 * tasklet.
 */
#include <linux/jiffies.h>

#include "comps_harness.h"

static void they_go_together(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = comps_end_empty;
	fake_up(loop);
	comps_ask_and_wait(loop, BATCH);
	if (!comps_fx.ticked) {
		KUNIT_EXPECT_EQ(test, comps_fx.sent_early, 0);
		KUNIT_EXPECT_EQ(test, comps_fx.visible, 0);
		KUNIT_EXPECT_EQ(test, fake.signals, 1);
	}
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).comps_sent, BATCH);
	comps_expect_next(test, 1, BATCH);
	comps_expect_nothing_left(test);
}

/* At most so many wait: then they go, and the next ones wait */
static void more_than_may_wait(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 count = 3 * (KMCL_COMPS + 1) + 1;

	loop->client.process = comps_end_empty;
	fake_up(loop);
	comps_ask_and_wait(loop, count);
	if (!comps_fx.ticked)
		KUNIT_EXPECT_EQ(test, comps_fx.sent_early, count - 1);
	comps_expect_next(test, 1, count);
	comps_expect_nothing_left(test);
}

static void end_and_send(struct end *e, struct kmcl_context *ctx, u64 value)
{
	if (value % 2)
		loop_try_send(e, value, 0);
	kmcl_complete(ctx, NULL, 0);
	if (!(value % 2))
		loop_try_send(e, value, 0);
}

static void before_what_the_driver_sends_then(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	loop->client.process = end_and_send;
	fake_up(loop);
	comps_ask_and_wait(loop, BATCH);
	for (i = 0; i < BATCH; i++) {
		KUNIT_ASSERT_EQ(test, comps_next(test), i % 2 ? PACKET + i : i + 1);
		KUNIT_ASSERT_EQ(test, comps_next(test), i % 2 ? i + 1 : PACKET + i);
	}
	comps_expect_nothing_left(test);
}

/* The same in one call for several, and not shown to the peer before a flush */
static void end_and_send_more(struct end *e, struct kmcl_context *ctx, u64 value)
{
	struct kmcl_message msgs[2] = {};
	struct sent *sent;
	u32 i;

	kmcl_complete(ctx, NULL, 0);
	if (value != 3)
		return;
	for (i = 0; i < 2; i++) {
		msgs[i].pkt = loop_prepare(e, i, &sent);
		msgs[i].buf = &value;
		msgs[i].len = sizeof(value);
	}
	msgs[1].flags = KMCL_SEND_MORE;
	if (kmcl_send_many(e->ch, msgs, 2) != 2)
		loop_wrong(e, "packets were not sent");
}

static void before_packets_that_are_not_shown(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = end_and_send_more;
	fake_up(loop);
	/* The last one is written by the driver's call, and shown all the same */
	comps_ask_and_wait(loop, 4);
	comps_expect_next(test, 1, 4);
	kmcl_flush(loop->client.ch);
	KUNIT_EXPECT_EQ(test, comps_next(test), PACKET + 3);
	KUNIT_EXPECT_EQ(test, comps_next(test), PACKET + 3);
	comps_expect_nothing_left(test);
}

static void another(void *data)
{
	struct loop *loop = data;

	/* Pairs with let_another_send() */
	while (!smp_load_acquire(&comps_fx.go))
		cond_resched();
	loop_try_send(&loop->client, 0, 0);
	/* Pairs with let_another_send() */
	smp_store_release(&comps_fx.gone, true);
}

static void let_another_send(struct end *e, struct kmcl_context *ctx, u64 value)
{
	kmcl_complete(ctx, NULL, 0);
	if (value != 4)
		return;
	/* Pairs with another() */
	smp_store_release(&comps_fx.go, true);
	/* Pairs with another() */
	if (!spin_until(smp_load_acquire(&comps_fx.gone)))
		loop_wrong(e, "the thread does not run");
}

static void before_what_another_thread_sends_then(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct job *job;

	loop->client.process = let_another_send;
	fake_up(loop);
	job = loop_job(loop, another, loop);
	comps_ask_and_wait(loop, BATCH);
	loop_job_wait(job);
	comps_expect_next(test, 1, 5);
	KUNIT_EXPECT_EQ(test, comps_next(test), PACKET);
	comps_expect_next(test, 6, BATCH);
	comps_expect_nothing_left(test);
}

/* One with payload, and those that were kept: they are written at once */
static void end_otherwise(struct end *e, struct kmcl_context *ctx, u64 value)
{
	if (value == 2) {
		e->kept[e->nkept++] = ctx;
		return;
	}
	if (value == 5)
		kmcl_complete(e->kept[--e->nkept], NULL, 0);
	if (value % 4 == 3)
		kmcl_complete(ctx, &value, sizeof(value));
	else
		kmcl_complete(ctx, NULL, 0);
}

static void among_others(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = end_otherwise;
	fake_up(loop);
	comps_ask_and_wait(loop, BATCH);
	comps_expect_next(test, 1, 2);
	comps_expect_next(test, 4, 5);
	KUNIT_EXPECT_EQ(test, comps_next(test), 3);
	comps_expect_next(test, 6, BATCH);
	comps_expect_nothing_left(test);
}

static void take_a_tick(struct end *e, struct kmcl_context *ctx, u64 value)
{
	unsigned long now = jiffies;

	if (value == 2 && !spin_until(time_after(jiffies, now)))
		loop_wrong(e, "there are no ticks");
	comps_end_empty(e, ctx, value);
}

/* They do not wait for a batch that takes long */
static void none_waits_longer_than_a_tick(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = take_a_tick;
	fake_up(loop);
	comps_ask_and_wait(loop, 4);
	KUNIT_EXPECT_GE(test, comps_fx.sent_early, 3);
	KUNIT_EXPECT_GE(test, comps_fx.visible, 3 * SMALLEST);
	comps_expect_next(test, 1, 4);
	comps_expect_nothing_left(test);
}

static void none_waits_in_process_context(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = comps_end_empty;
	kmcl_set_process_context(loop->client.ch, true);
	fake_up(loop);
	comps_ask_and_wait(loop, BATCH);
	KUNIT_EXPECT_EQ(test, comps_fx.sent_early, BATCH);
	KUNIT_EXPECT_EQ(test, comps_fx.visible, BATCH * SMALLEST);
	comps_expect_next(test, 1, BATCH);
	comps_expect_nothing_left(test);
}

static void defer_the_fifth(struct end *e, struct kmcl_context *ctx, u64 value)
{
	if (value == 4 && !comps_fx.go) {
		comps_fx.go = true;
		kmcl_packet_defer(ctx);
	} else {
		kmcl_complete(ctx, NULL, 0);
	}
}

static void one_is_deferred(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = defer_the_fifth;
	fake_up(loop);
	comps_ask(loop, BATCH);
	loop_wait(&loop->client, loop_got(&loop->client) == BATCH + 1);
	loop_wait(&loop->client, comps_idle(loop->client.ch));
	comps_expect_next(test, 1, BATCH);
	comps_expect_nothing_left(test);
}

static void fail_the_fifth(struct end *e, struct kmcl_context *ctx, u64 value)
{
	if (value == 4)
		kmcl_packet_fail(ctx);
	else
		kmcl_complete(ctx, NULL, 0);
}

static void one_is_failed(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = fail_the_fifth;
	fake_up(loop);
	comps_ask(loop, BATCH);
	loop_wait(&loop->client, loop_counters(&loop->client).failed == 1);
	loop_wait(&loop->client, comps_idle(loop->client.ch));
	KUNIT_EXPECT_EQ(test, loop_got(&loop->client), 5);
	comps_expect_next(test, 1, 4);
	comps_expect_nothing_left(test);
}

static void shut_in_the_middle(struct kunit *test, void (*how)(void *data))
{
	struct loop *loop = test->priv;

	loop->client.process = comps_until_shut;
	comps_shut(test, how);
	/* Delivery ends before the ring is closed */
	comps_expect_next(test, 1, 5);
	KUNIT_EXPECT_EQ(test, comps_next(test), 0);
}

static void paused_in_the_middle(struct kunit *test)
{
	struct loop *loop = test->priv;

	shut_in_the_middle(test, comps_pause);
	loop->client.process = comps_end_empty;
	kmcl_channel_start(loop->client.ch);
	loop_wait(&loop->client, loop_got(&loop->client) == BATCH);
	loop_wait(&loop->client, comps_idle(loop->client.ch));
	comps_expect_next(test, 6, BATCH);
	comps_expect_nothing_left(test);
}

static void disabled_in_the_middle(struct kunit *test)
{
	shut_in_the_middle(test, comps_disable);
	comps_expect_nothing_left(test);
}

static void freed_in_the_middle(struct kunit *test)
{
	struct loop *loop = test->priv;

	shut_in_the_middle(test, comps_free);
	loop->client.ch = NULL;
}

static void rescind_at_the_fifth(struct end *e, struct kmcl_context *ctx,
				 u64 value)
{
	if (value == 4)
		kmcl_offer_rescind(fake.offer);
	comps_end_empty(e, ctx, value);
}

/* Nobody reads the ring any more, and the next opening has another one */
static void rescinded_in_the_middle(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	u32 got;

	client->process = rescind_at_the_fifth;
	fake_up(loop);
	comps_ask(loop, BATCH);
	loop_wait_event(client, CLOSED, 1);
	loop_wait_state(client, "Disabled");
	got = loop_got(client);
	KUNIT_EXPECT_GE(test, got, 5);
	if (!comps_fx.ticked)
		KUNIT_EXPECT_EQ(test, loop_counters(client).comps_sent, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(client).comps_sent +
			loop_counters(client).comps_dropped, got);
	KUNIT_EXPECT_EQ(test, loop_counters(client).outstanding, 0);
}

static struct kunit_case rx_comps_cases[] = {
	/* KMCL: VmbChannelPacketComplete EVT_VMB_CHANNEL_PROCESS_PACKET */
	KUNIT_CASE(they_go_together),
	KUNIT_CASE(more_than_may_wait),
	KUNIT_CASE(among_others),
	KUNIT_CASE(none_waits_longer_than_a_tick),
	/* KMCL: VmbPacketSend */
	KUNIT_CASE(before_what_the_driver_sends_then),
	KUNIT_CASE(before_packets_that_are_not_shown),
	KUNIT_CASE(before_what_another_thread_sends_then),
	/* KMCL: VmbChannelSetIncomingProcessingAtPassive */
	KUNIT_CASE(none_waits_in_process_context),
	/* KMCL: VmbChannelPacketDeferToPassive */
	KUNIT_CASE(one_is_deferred),
	/* KMCL: VmbChannelPacketFail */
	KUNIT_CASE(one_is_failed),
	/* KMCL: VmbChannelPause */
	KUNIT_CASE(paused_in_the_middle),
	/* KMCL: VmbChannelDisable */
	KUNIT_CASE(disabled_in_the_middle),
	/* KMCL: VmbChannelCleanup */
	KUNIT_CASE(freed_in_the_middle),
	/* KMCL: EVT_VMB_CHANNEL_CLOSED */
	KUNIT_CASE(rescinded_in_the_middle),
	{}
};

static struct kunit_suite rx_comps_suite = {
	.name = "kmcl_rx_comps",
	.init = comps_init,
	.exit = fake_exit,
	.test_cases = rx_comps_cases,
};

kunit_test_suite(rx_comps_suite);
