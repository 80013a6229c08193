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

#include "fake_transport.h"

#define BATCH	20
#define PACKET	1000	/* added to the value of a packet, in the order of things */

static struct {
	u32 sent_early;		/* completions in the ring, at the last callback */
	u32 visible;		/* what the peer was shown, then */
	unsigned long tick;	/* when the peer asked */
	bool ticked;		/* it was another one in a callback: they do not wait */
	bool go;
	bool gone;
} seen;

/* Does @condition become true while this processor does nothing else? */
#define spin_until(condition)						\
	({								\
		unsigned long _end = jiffies + LOOP_LIMIT;		\
		bool _true;						\
									\
		while (!(_true = (condition)) &&			\
		       time_before(jiffies, _end))			\
			cpu_relax();					\
		_true;							\
	})

/* The peer asks @count times more; the first ids are 1, 2, ... */
static void ask(struct loop *loop, u32 count)
{
	u32 first = loop_got(&loop->client);
	u64 i;

	for (i = first; i < first + count; i++)
		KUNIT_ASSERT_EQ(loop->test, 0,
				kmcl_ring_put(&fake.in->tx, KMCL_WIRE_DATA_INBAND,
					      KMCL_WIRE_FLAG_COMPLETION_REQUESTED,
					      i + 1, NULL, 0, &i, sizeof(i)));
	kmcl_ring_commit(&fake.in->tx);
	seen.tick = jiffies;
	fake_interrupt();
}

static bool idle(struct kmcl_channel *ch)
{
	return !kmcl_rx_is(&ch->rx, KMCL_RX_RUNNING);
}

static void ask_and_wait(struct loop *loop, u32 count)
{
	u32 all = loop_got(&loop->client) + count;

	ask(loop, count);
	loop_wait(&loop->client, loop_got(&loop->client) == all);
	loop_wait(&loop->client, idle(loop->client.ch));
}

/* The next thing in the ring: a completion's id, or PACKET and a packet's value */
static u64 next(struct kunit *test)
{
	struct kmcl_ring *ring = &fake.out->rx;
	struct kmcl_ring_packet pkt;
	u64 value;

	KUNIT_ASSERT_EQ(test, kmcl_ring_peek(ring, &pkt), KMCL_RING_OK);
	if (!pkt.total)
		return 0;
	value = pkt.trans_id;
	if (pkt.type != KMCL_WIRE_COMP)
		value = PACKET + *(u64 *)pkt.payload;
	kmcl_ring_consume(ring, &pkt);
	return value;
}

static void expect_next(struct kunit *test, u64 first, u64 last)
{
	for (; first <= last; first++)
		KUNIT_ASSERT_EQ(test, next(test), first);
}

/* Room for so many completions is left in the ring, in which nothing is */
static void leave_room(u32 count)
{
	WRITE_ONCE(fake.out->ctl->read_index, count * SMALLEST + 8);
}

static void read_all(void)
{
	WRITE_ONCE(fake.out->ctl->read_index,
		   READ_ONCE(fake.out->ctl->write_index));
	fake_interrupt();
}

static void expect_nothing_left(struct kunit *test)
{
	struct loop *loop = test->priv;
	const struct kmcl_counters *c = loop_snapshot(&loop->client);

	KUNIT_EXPECT_EQ(test, next(test), 0);
	KUNIT_EXPECT_EQ(test, c->outstanding, 0);
	KUNIT_EXPECT_EQ(test, c->memory, 0);
	KUNIT_EXPECT_EQ(test, c->queued, 0);
}

static void end_empty(struct end *e, struct kmcl_context *ctx, u64 value)
{
	struct kmcl_counters c;

	kmcl_complete(ctx, NULL, 0);
	kmcl_get_counters(e->ch, &c);
	seen.ticked |= time_after(jiffies, seen.tick);
	seen.sent_early = c.comps_sent;
	seen.visible = READ_ONCE(fake.out->ctl->write_index);
}

static void they_go_together(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = end_empty;
	fake_up(loop);
	ask_and_wait(loop, BATCH);
	if (!seen.ticked) {
		KUNIT_EXPECT_EQ(test, seen.sent_early, 0);
		KUNIT_EXPECT_EQ(test, seen.visible, 0);
		KUNIT_EXPECT_EQ(test, fake.signals, 1);
	}
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).comps_sent, BATCH);
	expect_next(test, 1, BATCH);
	expect_nothing_left(test);
}

/* At most so many wait: then they go, and the next ones wait */
static void more_than_may_wait(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 count = 3 * (KMCL_COMPS + 1) + 1;

	loop->client.process = end_empty;
	fake_up(loop);
	ask_and_wait(loop, count);
	if (!seen.ticked)
		KUNIT_EXPECT_EQ(test, seen.sent_early, count - 1);
	expect_next(test, 1, count);
	expect_nothing_left(test);
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
	ask_and_wait(loop, BATCH);
	for (i = 0; i < BATCH; i++) {
		KUNIT_ASSERT_EQ(test, next(test), i % 2 ? PACKET + i : i + 1);
		KUNIT_ASSERT_EQ(test, next(test), i % 2 ? i + 1 : PACKET + i);
	}
	expect_nothing_left(test);
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
	ask_and_wait(loop, 4);
	expect_next(test, 1, 4);
	kmcl_flush(loop->client.ch);
	KUNIT_EXPECT_EQ(test, next(test), PACKET + 3);
	KUNIT_EXPECT_EQ(test, next(test), PACKET + 3);
	expect_nothing_left(test);
}

static void another(void *data)
{
	struct loop *loop = data;

	/* Pairs with let_another_send() */
	while (!smp_load_acquire(&seen.go))
		cond_resched();
	loop_try_send(&loop->client, 0, 0);
	/* Pairs with let_another_send() */
	smp_store_release(&seen.gone, true);
}

static void let_another_send(struct end *e, struct kmcl_context *ctx, u64 value)
{
	kmcl_complete(ctx, NULL, 0);
	if (value != 4)
		return;
	/* Pairs with another() */
	smp_store_release(&seen.go, true);
	/* Pairs with another() */
	if (!spin_until(smp_load_acquire(&seen.gone)))
		loop_wrong(e, "the thread does not run");
}

static void before_what_another_thread_sends_then(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct job *job;

	loop->client.process = let_another_send;
	fake_up(loop);
	job = loop_job(loop, another, loop);
	ask_and_wait(loop, BATCH);
	loop_job_wait(job);
	expect_next(test, 1, 5);
	KUNIT_EXPECT_EQ(test, next(test), PACKET);
	expect_next(test, 6, BATCH);
	expect_nothing_left(test);
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
	ask_and_wait(loop, BATCH);
	expect_next(test, 1, 2);
	expect_next(test, 4, 5);
	KUNIT_EXPECT_EQ(test, next(test), 3);
	expect_next(test, 6, BATCH);
	expect_nothing_left(test);
}

static void take_a_tick(struct end *e, struct kmcl_context *ctx, u64 value)
{
	unsigned long now = jiffies;

	if (value == 2 && !spin_until(time_after(jiffies, now)))
		loop_wrong(e, "there are no ticks");
	end_empty(e, ctx, value);
}

/* They do not wait for a batch that takes long */
static void none_waits_longer_than_a_tick(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = take_a_tick;
	fake_up(loop);
	ask_and_wait(loop, 4);
	KUNIT_EXPECT_GE(test, seen.sent_early, 3);
	KUNIT_EXPECT_GE(test, seen.visible, 3 * SMALLEST);
	expect_next(test, 1, 4);
	expect_nothing_left(test);
}

static void none_waits_in_process_context(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = end_empty;
	kmcl_set_process_context(loop->client.ch, true);
	fake_up(loop);
	ask_and_wait(loop, BATCH);
	KUNIT_EXPECT_EQ(test, seen.sent_early, BATCH);
	KUNIT_EXPECT_EQ(test, seen.visible, BATCH * SMALLEST);
	expect_next(test, 1, BATCH);
	expect_nothing_left(test);
}

static void defer_the_fifth(struct end *e, struct kmcl_context *ctx, u64 value)
{
	if (value == 4 && !seen.go) {
		seen.go = true;
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
	ask(loop, BATCH);
	loop_wait(&loop->client, loop_got(&loop->client) == BATCH + 1);
	loop_wait(&loop->client, idle(loop->client.ch));
	expect_next(test, 1, BATCH);
	expect_nothing_left(test);
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
	ask(loop, BATCH);
	loop_wait(&loop->client, loop_counters(&loop->client).failed == 1);
	loop_wait(&loop->client, idle(loop->client.ch));
	KUNIT_EXPECT_EQ(test, loop_got(&loop->client), 5);
	expect_next(test, 1, 4);
	expect_nothing_left(test);
}

/* The gate closes during the fifth: no more is delivered */
static void until_the_gate_is_shut(struct end *e, struct kmcl_context *ctx,
				   u64 value)
{
	kmcl_complete(ctx, NULL, 0);
	if (value != 4)
		return;
	/* Pairs with in_the_middle() */
	smp_store_release(&seen.go, true);
	if (!spin_until(!kmcl_rx_is(&e->ch->rx, KMCL_RX_OPEN)))
		loop_wrong(e, "the gate is still open");
}

/* In a thread: the client's channel, from that callback on */
static struct kmcl_channel *in_the_middle(struct loop *loop)
{
	/* Pairs with until_the_gate_is_shut() */
	while (!smp_load_acquire(&seen.go))
		cond_resched();
	return loop->client.ch;
}

static void pause_it(void *data)
{
	kmcl_channel_pause(in_the_middle(data));
}

static void disable_it(void *data)
{
	kmcl_channel_disable(in_the_middle(data));
}

static void free_it(void *data)
{
	kmcl_channel_free(in_the_middle(data));
}

static void shut_in_the_middle(struct kunit *test, void (*how)(void *data))
{
	struct loop *loop = test->priv;
	struct job *job;

	loop->client.process = until_the_gate_is_shut;
	fake_up(loop);
	job = loop_job(loop, how, loop);
	ask(loop, BATCH);
	loop_job_wait(job);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->client), 5);
	/* Delivery ends before the ring is closed */
	expect_next(test, 1, 5);
	KUNIT_EXPECT_EQ(test, next(test), 0);
}

static void paused_in_the_middle(struct kunit *test)
{
	struct loop *loop = test->priv;

	shut_in_the_middle(test, pause_it);
	loop->client.process = end_empty;
	kmcl_channel_start(loop->client.ch);
	loop_wait(&loop->client, loop_got(&loop->client) == BATCH);
	loop_wait(&loop->client, idle(loop->client.ch));
	expect_next(test, 6, BATCH);
	expect_nothing_left(test);
}

static void disabled_in_the_middle(struct kunit *test)
{
	shut_in_the_middle(test, disable_it);
	expect_nothing_left(test);
}

static void freed_in_the_middle(struct kunit *test)
{
	struct loop *loop = test->priv;

	shut_in_the_middle(test, free_it);
	loop->client.ch = NULL;
}

static void rescind_at_the_fifth(struct end *e, struct kmcl_context *ctx,
				 u64 value)
{
	if (value == 4)
		kmcl_offer_rescind(fake.offer);
	end_empty(e, ctx, value);
}

/* Nobody reads the ring any more, and the next opening has another one */
static void rescinded_in_the_middle(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	u32 got;

	client->process = rescind_at_the_fifth;
	fake_up(loop);
	ask(loop, BATCH);
	loop_wait_event(client, CLOSED, 1);
	loop_wait_state(client, "Disabled");
	got = loop_got(client);
	KUNIT_EXPECT_GE(test, got, 5);
	if (!seen.ticked)
		KUNIT_EXPECT_EQ(test, loop_counters(client).comps_sent, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(client).comps_sent +
			loop_counters(client).comps_dropped, got);
	KUNIT_EXPECT_EQ(test, loop_counters(client).outstanding, 0);
}

/* Those for which there is no room wait, and go before what is sent after them */
static void the_ring_is_full(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	const u32 count = 2 * KMCL_COMPS;

	client->process = end_empty;
	fake_up(loop);
	leave_room(3);
	ask_and_wait(loop, count);
	KUNIT_EXPECT_EQ(test, loop_counters(client).comps_sent, 3);
	KUNIT_EXPECT_EQ(test, loop_counters(client).outstanding, 0);
	KUNIT_EXPECT_GE(test, READ_ONCE(fake.out->ctl->pending_send_sz), SMALLEST);
	expect_next(test, 1, 3);
	KUNIT_EXPECT_EQ(test, next(test), 0);
	loop_send(client, 7, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, 1);
	KUNIT_EXPECT_EQ(test, loop_request(client, 0, 0), -EAGAIN);
	/* The next ones do not overtake those, nor the packet */
	ask_and_wait(loop, 2);
	KUNIT_EXPECT_EQ(test, next(test), 0);

	read_all();
	loop_wait(client, loop_done(client) == 1);
	expect_next(test, 4, count);
	KUNIT_EXPECT_EQ(test, next(test), PACKET + 7);
	expect_next(test, count + 1, count + 2);
	expect_nothing_left(test);
	KUNIT_EXPECT_EQ(test, loop_counters(client).comps_sent, count + 2);
}

/* Fewer than may wait, and nothing else: the signal for room finds them */
static void the_ring_is_full_at_the_end(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = end_empty;
	fake_up(loop);
	leave_room(3);
	ask_and_wait(loop, BATCH);
	expect_next(test, 1, 3);
	KUNIT_EXPECT_EQ(test, next(test), 0);
	KUNIT_EXPECT_EQ(test, READ_ONCE(fake.out->ctl->pending_send_sz), SMALLEST);
	KUNIT_EXPECT_GE(test, fake.fulls, 1);
	read_all();
	expect_next(test, 4, BATCH);
	expect_nothing_left(test);
	KUNIT_EXPECT_EQ(test, READ_ONCE(fake.out->ctl->pending_send_sz), 0);
}

/* Pausing does not wait for them, and they need no open gate */
static void paused_while_they_wait(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = end_empty;
	fake_up(loop);
	leave_room(3);
	ask_and_wait(loop, BATCH);
	kmcl_channel_pause(loop->client.ch);
	loop_send(&loop->client, 7, 0);
	expect_next(test, 1, 3);
	read_all();
	expect_next(test, 4, BATCH);
	KUNIT_EXPECT_EQ(test, next(test), 0);
	kmcl_channel_start(loop->client.ch);
	loop_wait(&loop->client, loop_done(&loop->client) == 1);
	KUNIT_EXPECT_EQ(test, next(test), PACKET + 7);
	expect_nothing_left(test);
}

/* The ring's end is theirs: the next link has none of them */
static void expect_dropped(struct kunit *test, u32 dropped)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;

	kmcl_channel_disable(client->ch);
	KUNIT_EXPECT_EQ(test, loop_counters(client).comps_dropped, dropped);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(client->ch), 0);
	loop_wait_event(client, POST_STARTED, 2);
	loop_send(client, 7, 0);
	KUNIT_EXPECT_EQ(test, next(test), PACKET + 7);
	expect_nothing_left(test);
}

static void closed_while_they_wait(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = end_empty;
	fake_up(loop);
	leave_room(3);
	ask_and_wait(loop, BATCH);
	expect_dropped(test, BATCH - 3);
}

static void the_ring_is_broken(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = end_empty;
	fake_up(loop);
	WRITE_ONCE(fake.out->ctl->read_index, 4);
	ask_and_wait(loop, BATCH);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).broken, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).comps_sent, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).outstanding, 0);
	expect_dropped(test, BATCH);
}

static int comps_init(struct kunit *test)
{
	memset(&seen, 0, sizeof(seen));
	return fake_init(test);
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
	KUNIT_CASE(paused_while_they_wait),
	/* KMCL: VmbChannelDisable */
	KUNIT_CASE(disabled_in_the_middle),
	KUNIT_CASE(closed_while_they_wait),
	/* KMCL: VmbChannelCleanup */
	KUNIT_CASE(freed_in_the_middle),
	/* KMCL: EVT_VMB_CHANNEL_CLOSED */
	KUNIT_CASE(rescinded_in_the_middle),
	KUNIT_CASE(the_ring_is_full),
	KUNIT_CASE(the_ring_is_full_at_the_end),
	KUNIT_CASE(the_ring_is_broken),
	{}
};

static struct kunit_suite rx_comps_suite = {
	.name = "kmcl_rx_comps",
	.init = comps_init,
	.exit = fake_exit,
	.test_cases = rx_comps_cases,
};

kunit_test_suite(rx_comps_suite);
