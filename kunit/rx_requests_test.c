// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that callbacks send while a batch is delivered: the peer is shown them
 * together, in order with everything else that is sent. The test is the peer, and
 * looks at what is in the ring.
 *
 * The client's callbacks run with bottom halves off, in the test's thread or in a
 * tasklet.
 */
#include <linux/jiffies.h>

#include "comps_harness.h"

#define REQUEST		(SMALLEST + 8)	/* bytes in the ring */

static struct {
	struct kmcl_packet *pkt[BATCH];
	u64 id[BATCH];
	u32 asked;		/* again, by routines */
	u32 ended;		/* otherwise */
	u32 batches;
	void (*act)(struct kmcl_channel *ch);
	bool wrong;
} rq;

/* What is in the ring: requests @first to @last - 1, each before a completion */
static void expect_pairs(struct kunit *test, u64 first, u64 last)
{
	for (; first < last; first++) {
		KUNIT_ASSERT_EQ(test, comps_next(test), PACKET + first);
		KUNIT_ASSERT_EQ(test, comps_next(test), first + 1);
	}
}

static u32 in_flight(struct end *e)
{
	return loop_counters(e).in_flight;
}

static void request(struct end *e, struct kmcl_context *ctx, u64 value)
{
	loop_try_send(e, value, KMCL_SEND_WAIT);
	comps_end_empty(e, ctx, value);
}

static void they_go_together(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = request;
	fake_up(loop);
	comps_ask_and_wait(loop, BATCH);
	if (!comps_fx.ticked) {
		KUNIT_EXPECT_EQ(test, comps_fx.visible, 0);
		KUNIT_EXPECT_EQ(test, fake.signals, 1);
	}
	KUNIT_EXPECT_EQ(test, in_flight(&loop->client), BATCH);
	expect_pairs(test, 0, BATCH);
	comps_expect_nothing_left(test);
}

/* At most so many wait: then they go, and the next ones wait */
static void more_than_may_wait(struct kunit *test)
{
	const u32 together = KMCL_COMPS + 1;
	struct loop *loop = test->priv;

	loop->client.process = request;
	fake_up(loop);
	comps_ask_and_wait(loop, 2 * together + 4);
	if (!comps_fx.ticked)
		KUNIT_EXPECT_EQ(test, comps_fx.visible, 2 * together * REQUEST +
				(2 * together - 1) * SMALLEST);
	expect_pairs(test, 0, 2 * together + 4);
	comps_expect_nothing_left(test);
}

static void take_a_tick(struct end *e, struct kmcl_context *ctx, u64 value)
{
	unsigned long now = jiffies;

	if (value == 2 && !spin_until(time_after(jiffies, now)))
		loop_wrong(e, "there are no ticks");
	/* The driver keeps the packet: only requests are to be shown */
	loop_try_send(e, value, KMCL_SEND_WAIT);
	comps_fx.visible = READ_ONCE(fake.out->ctl->write_index);
	e->kept[e->nkept++] = ctx;
}

/* They do not wait for a batch that takes long */
static void none_waits_longer_than_a_tick(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	loop->client.process = take_a_tick;
	fake_up(loop);
	comps_ask_and_wait(loop, 4);
	KUNIT_EXPECT_GE(test, comps_fx.visible, 3 * REQUEST);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, comps_next(test), PACKET + i);
	loop_complete_all(&loop->client);
}

static void none_waits_in_process_context(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = request;
	kmcl_set_process_context(loop->client.ch, true);
	fake_up(loop);
	comps_ask_and_wait(loop, BATCH);
	KUNIT_EXPECT_EQ(test, comps_fx.visible, BATCH * (REQUEST + SMALLEST));
	expect_pairs(test, 0, BATCH);
	comps_expect_nothing_left(test);
}

/* The fifth callback does something as well, and @rq.act says what */
static void act_at_the_fifth(struct end *e, struct kmcl_context *ctx, u64 value)
{
	loop_try_send(e, value, KMCL_SEND_WAIT);
	if (value == 4)
		rq.act(e->ch);
	comps_end_empty(e, ctx, value);
}

static void send_packet(struct kmcl_channel *ch)
{
	loop_try_send(loop_end(ch), 900, 0);
}

static void send_many(struct kmcl_channel *ch)
{
	struct kmcl_message msg = {};
	struct sent *sent;
	u64 value = 900;

	msg.pkt = loop_prepare(loop_end(ch), value, &sent);
	msg.buf = &value;
	msg.len = sizeof(value);
	msg.flags = KMCL_SEND_WAIT;
	rq.wrong |= kmcl_send_many(ch, &msg, 1) != 1;
}

static void flush(struct kmcl_channel *ch)
{
	kmcl_flush(ch);
}

static const struct showing {
	const char *name;
	void (*act)(struct kmcl_channel *ch);
	bool packet;
} showings[] = {
	{ "a packet", send_packet, true },
	{ "a batch", send_many, true },
	{ "a flush", flush, false },
};

KUNIT_ARRAY_PARAM_DESC(showing, showings, name);

/* What is shown in the middle of a batch is all that was sent until then */
static void they_are_shown_by(struct kunit *test)
{
	const struct showing *showing = test->param_value;
	struct loop *loop = test->priv;

	rq.act = showing->act;
	loop->client.process = act_at_the_fifth;
	fake_up(loop);
	comps_ask_and_wait(loop, 5);
	KUNIT_EXPECT_GE(test, comps_fx.visible,
			(5 + showing->packet) * REQUEST + 4 * SMALLEST);
	KUNIT_EXPECT_FALSE(test, rq.wrong);
	expect_pairs(test, 0, 4);
	KUNIT_EXPECT_EQ(test, comps_next(test), PACKET + 4);
	if (showing->packet)
		KUNIT_EXPECT_EQ(test, comps_next(test), PACKET + 900);
	KUNIT_EXPECT_EQ(test, comps_next(test), 5);
	comps_expect_nothing_left(test);
}

static void another(void *data)
{
	struct loop *loop = data;

	/* Pairs with let_another_send() */
	while (!smp_load_acquire(&comps_fx.go))
		cond_resched();
	loop_try_send(&loop->client, 900, KMCL_SEND_WAIT);
	/* Pairs with let_another_send() */
	smp_store_release(&comps_fx.gone, true);
}

static void let_another_send(struct end *e, struct kmcl_context *ctx, u64 value)
{
	loop_try_send(e, value, KMCL_SEND_WAIT);
	if (value == 4) {
		/* Pairs with another() */
		smp_store_release(&comps_fx.go, true);
		/* Pairs with another() */
		if (!spin_until(smp_load_acquire(&comps_fx.gone)))
			loop_wrong(e, "the thread does not run");
	}
	comps_end_empty(e, ctx, value);
}

/* Its request does not wait for the batch, nor do those before it */
static void another_thread_sends_one(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct job *job;

	loop->client.process = let_another_send;
	fake_up(loop);
	job = loop_job(loop, another, loop);
	comps_ask_and_wait(loop, 5);
	loop_job_wait(job);
	KUNIT_EXPECT_GE(test, comps_fx.visible, 6 * REQUEST + 4 * SMALLEST);
	expect_pairs(test, 0, 4);
	KUNIT_EXPECT_EQ(test, comps_next(test), PACKET + 4);
	KUNIT_EXPECT_EQ(test, comps_next(test), PACKET + 900);
	KUNIT_EXPECT_EQ(test, comps_next(test), 5);
	comps_expect_nothing_left(test);
}

/* After the batch, where no other one may follow */
static void processed(struct kmcl_channel *ch, u32 count)
{
	rq.batches++;
	loop_try_send(loop_end(ch), 900, KMCL_SEND_WAIT);
}

static void one_is_sent_after_the_batch(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = comps_end_empty;
	loop->client.ch->cfg.processed = processed;
	fake_up(loop);
	comps_ask_and_wait(loop, 5);
	comps_expect_next(test, 1, 5);
	KUNIT_EXPECT_GE(test, rq.batches, 1);
	KUNIT_EXPECT_EQ(test, comps_next(test), PACKET + 900);
}

static void again(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	u64 value = 0;

	if (status) {
		rq.ended++;
		return;
	}
	comps_fx.ticked |= time_after(jiffies, comps_fx.tick);
	comps_fx.visible = READ_ONCE(fake.out->ctl->write_index);
	rq.asked++;
	rq.wrong |= kmcl_send(pkt, &value, sizeof(value), KMCL_SEND_WAIT) != 0;
}

/* The completion routine of a request sends the next one */
static void send_chains(struct loop *loop)
{
	u64 value = 0;
	u32 i;

	for (i = 0; i < BATCH; i++) {
		rq.pkt[i] = loop_packet(&loop->client, again);
		KUNIT_ASSERT_EQ(loop->test, 0,
				kmcl_send(rq.pkt[i], &value, sizeof(value),
					  KMCL_SEND_WAIT));
		rq.id[i] = rq.pkt[i]->trans_id;
	}
	comps_read_all();
}

static void answer_chains(struct loop *loop)
{
	u32 i;

	for (i = 0; i < BATCH; i++)
		KUNIT_ASSERT_EQ(loop->test, 0,
				kmcl_ring_put(&fake.in->tx, KMCL_WIRE_COMP, 0,
					      rq.id[i], NULL, 0, NULL, 0));
	kmcl_ring_commit(&fake.in->tx);
	comps_fx.tick = jiffies;
	fake_interrupt();
}

static void free_chains(void)
{
	u32 i;

	for (i = 0; i < BATCH; i++)
		kmcl_packet_free(rq.pkt[i]);
}

static void routines_that_send_again(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 before;

	fake_up(loop);
	send_chains(loop);
	before = READ_ONCE(fake.out->ctl->write_index);
	fake.signals = 0;
	answer_chains(loop);
	KUNIT_EXPECT_EQ(test, rq.asked, BATCH);
	KUNIT_EXPECT_FALSE(test, rq.wrong);
	if (!comps_fx.ticked) {
		KUNIT_EXPECT_EQ(test, comps_fx.visible, before);
		KUNIT_EXPECT_EQ(test, fake.signals, 1);
	}
	KUNIT_EXPECT_EQ(test, READ_ONCE(fake.out->ctl->write_index),
			before + BATCH * REQUEST);
	KUNIT_EXPECT_EQ(test, in_flight(&loop->client), BATCH);
	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_EQ(test, rq.ended, BATCH);
	free_chains();
	loop_expect_balance(&loop->client);
}

/* Those for which there is no room are queued, and the order stays */
static void the_ring_is_full(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	u32 i;

	client->process = request;
	fake_up(loop);
	comps_leave_room(10);
	comps_ask_and_wait(loop, BATCH);
	/* What was written before is shown */
	KUNIT_EXPECT_EQ(test, READ_ONCE(fake.out->ctl->write_index),
			4 * (REQUEST + SMALLEST));
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, BATCH - 4);
	for (i = 0; i < BATCH && in_flight(client) < BATCH; i++)
		comps_read_all();
	expect_pairs(test, 0, BATCH);
	comps_expect_nothing_left(test);
}

static void defer_the_fifth(struct end *e, struct kmcl_context *ctx, u64 value)
{
	if (value == 4 && !comps_fx.go) {
		comps_fx.go = true;
		kmcl_packet_defer(ctx);
	} else {
		request(e, ctx, value);
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
	expect_pairs(test, 0, BATCH);
	comps_expect_nothing_left(test);
}

static void fail_the_fifth(struct end *e, struct kmcl_context *ctx, u64 value)
{
	if (value == 4)
		kmcl_packet_fail(ctx);
	else
		request(e, ctx, value);
}

/* Nobody will see their answers */
static void one_is_failed(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = fail_the_fifth;
	fake_up(loop);
	comps_ask(loop, BATCH);
	loop_wait(&loop->client, loop_counters(&loop->client).failed == 1);
	loop_wait(&loop->client, comps_idle(loop->client.ch));
	expect_pairs(test, 0, 4);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).unanswered, 4);
	loop_expect_balance(&loop->client);
}

static void until_shut(struct end *e, struct kmcl_context *ctx, u64 value)
{
	loop_try_send(e, value, KMCL_SEND_WAIT);
	comps_until_shut(e, ctx, value);
}

static void paused_in_the_middle(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = until_shut;
	comps_shut(test, comps_pause);
	expect_pairs(test, 0, 5);
	KUNIT_EXPECT_EQ(test, comps_next(test), 0);
	loop->client.process = request;
	kmcl_channel_start(loop->client.ch);
	loop_wait(&loop->client, loop_got(&loop->client) == BATCH);
	loop_wait(&loop->client, comps_idle(loop->client.ch));
	expect_pairs(test, 5, BATCH);
	comps_expect_nothing_left(test);
}

/* The peer has seen them, and they end with the link */
static void disabled_in_the_middle(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = until_shut;
	comps_shut(test, comps_disable);
	expect_pairs(test, 0, 5);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).cancelled, 5);
	comps_expect_nothing_left(test);
	loop_expect_balance(&loop->client);
}

static void freed_in_the_middle(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = until_shut;
	comps_shut(test, comps_free);
	expect_pairs(test, 0, 5);
	KUNIT_EXPECT_EQ(test, loop_done(&loop->client), 5);
	loop->client.ch = NULL;
}

static void rescind(struct kmcl_channel *ch)
{
	kmcl_offer_rescind(fake.offer);
}

/* Nobody reads the ring any more: they end, seen or not */
static void rescinded_in_the_middle(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;

	rq.act = rescind;
	client->process = act_at_the_fifth;
	fake_up(loop);
	comps_ask(loop, BATCH);
	loop_wait_event(client, CLOSED, 1);
	loop_wait_state(client, "Disabled");
	KUNIT_EXPECT_GE(test, loop_counters(client).removed, 5);
	KUNIT_EXPECT_EQ(test, in_flight(client), 0);
	if (!comps_fx.ticked)
		KUNIT_EXPECT_EQ(test, READ_ONCE(fake.out->ctl->write_index), 0);
}

static int requests_init(struct kunit *test)
{
	memset(&rq, 0, sizeof(rq));
	return comps_init(test);
}

static struct kunit_case rx_requests_cases[] = {
	/* KMCL: VmbPacketSend EVT_VMB_PACKET_COMPLETION_ROUTINE */
	KUNIT_CASE(they_go_together),
	KUNIT_CASE(routines_that_send_again),
	KUNIT_CASE(more_than_may_wait),
	KUNIT_CASE(none_waits_longer_than_a_tick),
	KUNIT_CASE_PARAM(they_are_shown_by, showing_gen_params),
	KUNIT_CASE(another_thread_sends_one),
	KUNIT_CASE(one_is_sent_after_the_batch),
	KUNIT_CASE(the_ring_is_full),
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

static struct kunit_suite rx_requests_suite = {
	.name = "kmcl_rx_requests",
	.init = requests_init,
	.exit = fake_exit,
	.test_cases = rx_requests_cases,
};

kunit_test_suite(rx_requests_suite);
