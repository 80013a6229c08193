// SPDX-License-Identifier: GPL-2.0
/*
 * What stops packets and what does not: a pause, the quota, a failed packet,
 * a deferral, a change of the context of delivery; and what the other side may
 * write into the ring without doing harm.
 */
#include <linux/interrupt.h>
#include <linux/string.h>

#include "harness.h"

/* Whatever was scheduled for delivery has run */
static void settle(struct end *e)
{
	tasklet_kill(&e->ch->rx.tasklet);
	flush_work(&e->ch->rx.work);
}

/* Write a packet into the ring as it is, and interrupt the other side */
static void put_raw(struct end *e, u16 type, u64 id, u64 value)
{
	struct kmcl_channel *ch = e->ch;

	spin_lock_irq(&ch->tx.lock);
	KUNIT_EXPECT_EQ(e->loop->test, 0,
			kmcl_ring_put(&ch->tx.ring, type, 0, id, NULL, 0, &value,
				      sizeof(value)));
	kmcl_ring_commit(&ch->tx.ring);
	spin_unlock_irq(&ch->tx.lock);
	kmcl_signal(ch);
}

/* A pause waits for incoming packets only */
static void a_pause_leaves_own_transactions_open(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	struct sent *s;

	server->keep = true;
	loop_up(loop);
	s = loop_send(client, 1, KMCL_SEND_WAIT);
	loop_wait(server, loop_kept(server) == 1);
	loop_job_wait(loop_pause(client));
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(client->ch), "Paused");
	KUNIT_EXPECT_EQ(test, loop_counters(client).in_flight, 1);
	loop_complete_kept(server, 0, 77);
	KUNIT_EXPECT_EQ(test, loop_counters(server).comps_sent, 1);
	/* It stays in the ring: the incoming gate is closed */
	settle(client);
	KUNIT_EXPECT_EQ(test, s->done, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(client).in_flight, 1);
	kmcl_channel_start(client->ch);
	loop_wait(client, s->done);
	KUNIT_EXPECT_EQ(test, s->status, 0);
	KUNIT_EXPECT_EQ(test, s->reply, 77);
}

/* The ring is one queue: what is behind a packet that waits, waits */
static void a_blocked_queue_holds_completions_up(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	struct sent *s;

	client->keep = true;
	server->keep = true;
	loop_up(loop);
	kmcl_set_quota(client->ch, 1);
	s = loop_send(client, 1, KMCL_SEND_WAIT);
	loop_wait(server, loop_kept(server) == 1);
	loop_send(server, 1, 0);
	loop_send(server, 2, 0);
	loop_wait(client, loop_kept(client) == 1);
	loop_poll(client, c->quota_stops >= 1);
	loop_complete_kept(server, 0, 77);
	KUNIT_EXPECT_EQ(test, loop_counters(server).comps_sent, 1);
	settle(client);
	KUNIT_EXPECT_EQ(test, s->done, 0);
	KUNIT_EXPECT_EQ(test, loop_kept(client), 1);
	loop_complete_kept(client, 0, 0);
	loop_wait(client, loop_kept(client) == 2);
	loop_complete_kept(client, 1, 0);
	loop_wait(client, s->done);
	KUNIT_EXPECT_EQ(test, s->status, 0);
	KUNIT_EXPECT_EQ(test, s->reply, 77);
	/* Completions themselves do not count */
	KUNIT_EXPECT_EQ(test, loop_counters(client).outstanding_peak, 1);
}

static void raising_the_quota_restarts_nothing(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	u32 i;

	server->keep = true;
	kmcl_set_quota(server->ch, 1);
	loop_up(loop);
	for (i = 0; i < 3; i++)
		loop_send(client, i, 0);
	loop_wait(server, loop_kept(server) == 1);
	loop_poll(server, c->quota_stops >= 1);
	settle(server);
	kmcl_set_quota(server->ch, 10);
	settle(server);
	KUNIT_EXPECT_EQ(test, loop_kept(server), 1);
	/* The next completion does */
	loop_complete_kept(server, 0, 0);
	loop_wait(server, loop_kept(server) == 3);
	KUNIT_EXPECT_EQ(test, loop_counters(server).outstanding, 2);
}

static void a_quota_below_what_is_outstanding(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	u32 i;

	server->keep = true;
	loop_up(loop);
	for (i = 0; i < 4; i++)
		loop_send(client, i, 0);
	loop_wait(server, loop_kept(server) == 4);
	kmcl_set_quota(server->ch, 2);
	loop_send(client, 4, 0);
	for (i = 0; i < 2; i++) {
		loop_poll(server, c->quota_stops >= i + 1);
		settle(server);
		KUNIT_EXPECT_EQ(test, loop_counters(server).outstanding, 4 - i);
		loop_complete_kept(server, i, 0);
	}
	/* As many as are allowed, not fewer */
	settle(server);
	KUNIT_EXPECT_EQ(test, loop_kept(server), 4);
	KUNIT_EXPECT_EQ(test, loop_counters(server).outstanding, 2);
	loop_complete_kept(server, 2, 0);
	loop_wait(server, loop_kept(server) == 5);
	KUNIT_EXPECT_EQ(test, loop_counters(server).outstanding, 2);
}

static void keep_fail_complete(struct end *e, struct kmcl_context *ctx,
			       u64 value)
{
	if (value == 1) {
		e->kept[0] = ctx;
		WRITE_ONCE(e->nkept, 1);
	} else if (value == 2) {
		kmcl_packet_fail(ctx);
	} else {
		kmcl_complete(ctx, &value, sizeof(value));
	}
}

static void only_reopening_restarts_a_failed_queue(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	struct sent *kept, *failed, *later, *down;

	server->process = keep_fail_complete;
	client->keep = true;
	loop_up(loop);
	down = loop_send(server, 9, KMCL_SEND_WAIT);
	loop_wait(client, loop_kept(client) == 1);
	kept = loop_send(client, 1, KMCL_SEND_WAIT);
	failed = loop_send(client, 2, KMCL_SEND_WAIT);
	later = loop_send(client, 3, KMCL_SEND_WAIT);
	loop_poll(server, c->failed == 1);
	/* The other outstanding packets are completed, and the peer gets that */
	KUNIT_EXPECT_EQ(test, loop_counters(server).outstanding, 1);
	loop_complete_kept(server, 0, 11);
	loop_wait(client, kept->done);
	KUNIT_EXPECT_EQ(test, kept->status, 0);
	KUNIT_EXPECT_EQ(test, kept->reply, 11);
	/* Nothing is taken from the ring: no completion either */
	loop_wait(server, down->done);
	KUNIT_EXPECT_EQ(test, down->status, -EPROTO);
	loop_complete_kept(client, 0, 0);
	settle(server);
	KUNIT_EXPECT_EQ(test, loop_counters(server).comps_stale, 0);
	KUNIT_EXPECT_EQ(test, loop_got(server), 2);

	kmcl_channel_pause(server->ch);
	kmcl_channel_start(server->ch);
	loop_wait_event(server, POST_STARTED, 2);
	loop_expect_events(server, OPENED, STARTED, POST_STARTED, SUSPEND,
			   STARTED, POST_STARTED);
	loop_send(client, 4, 0);
	settle(server);
	KUNIT_EXPECT_EQ(test, loop_got(server), 2);
	KUNIT_EXPECT_EQ(test, failed->done + later->done, 0);
	/* The outgoing direction still works */
	loop_send(server, 5, 0);
	loop_wait(client, loop_got(client) == 2);
	loop_complete_all(client);

	kmcl_channel_disable(client->ch);
	KUNIT_EXPECT_EQ(test, failed->status, -ECANCELED);
	KUNIT_EXPECT_EQ(test, later->status, -ECANCELED);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(client->ch));
	later = loop_send(client, 6, KMCL_SEND_WAIT);
	loop_wait(client, later->done);
	KUNIT_EXPECT_EQ(test, later->reply, 6);
	KUNIT_EXPECT_EQ(test, down->done, 1);
}

static u32 to_defer;

static void defer_some(struct end *e, struct kmcl_context *ctx, u64 value)
{
	if (to_defer) {
		to_defer--;
		kmcl_packet_defer(ctx);
	} else {
		kmcl_complete(ctx, &value, sizeof(value));
	}
}

/* It is in process context already, and may be deferred all the same */
static void deferring_in_process_context(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	struct kmcl_counters c;
	struct sent *s, *next;

	to_defer = 1;
	server->process = defer_some;
	kmcl_set_process_context(server->ch, true);
	loop_up(loop);
	s = loop_send(client, 1, KMCL_SEND_WAIT);
	next = loop_send(client, 2, KMCL_SEND_WAIT);
	loop_wait(client, next->done);
	settle(server);
	KUNIT_EXPECT_EQ(test, s->reply, 1);
	/* Once more, and no more than that */
	KUNIT_EXPECT_EQ(test, loop_got(server), 3);
	KUNIT_EXPECT_EQ(test, server->got[0], 1);
	KUNIT_EXPECT_EQ(test, server->got[1], 1);
	KUNIT_EXPECT_EQ(test, server->got[2], 2);
	KUNIT_EXPECT_EQ(test, server->got_in_task, 3);
	c = loop_counters(server);
	KUNIT_EXPECT_EQ(test, c.delivered, 2);
	KUNIT_EXPECT_EQ(test, c.deferred, 1);
	KUNIT_EXPECT_EQ(test, c.outstanding, 0);
}

static void ask_for_process_context(struct end *e, struct kmcl_context *ctx,
				    u64 value)
{
	if (!value)
		kmcl_set_process_context(e->ch, true);
	kmcl_complete(ctx, NULL, 0);
}

static void a_batch_ends_in_the_context_it_began_in(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	u32 i;

	server->process = ask_for_process_context;
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(server->ch));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(client->ch));
	loop_wait_event(client, POST_STARTED, 1);
	/* One batch: they are all there when it begins */
	for (i = 0; i < 5; i++)
		loop_send(client, i, 0);
	kmcl_channel_start(server->ch);
	loop_wait(server, READ_ONCE(server->batch_packets) == 5);
	KUNIT_EXPECT_EQ(test, server->batches, 1);
	KUNIT_EXPECT_EQ(test, server->got_in_task, 0);
	for (; i < 10; i++)
		loop_send(client, i, 0);
	loop_wait(server, READ_ONCE(server->batch_packets) == 10);
	KUNIT_EXPECT_EQ(test, server->got_in_task, 5);
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, server->got[i], i);
}

/* S22: the transaction ended when the opening before was closed */
static void a_completion_for_an_earlier_opening(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	u64 ids[3], value = 1;
	struct sent *s;
	u32 i;

	server->keep = true;
	loop_up(loop);
	s = loop_send(client, 1, KMCL_SEND_WAIT);
	loop_wait(server, loop_kept(server) == 1);
	/* Another stale one */
	KUNIT_EXPECT_EQ(test, -ECANCELED,
			kmcl_send_sync(client->ch, &value, sizeof(value),
				       KMCL_SEND_WAIT, NULL, NULL, 0));
	loop_wait(server, loop_kept(server) == 2);
	ids[0] = server->kept[0]->trans_id;
	ids[1] = server->kept[1]->trans_id;
	kmcl_channel_disable(client->ch);
	KUNIT_EXPECT_EQ(test, s->status, -ECANCELED);
	/* The server writes no completions: its link is dead */
	loop_complete_all(server);
	loop_wait_event(server, CLOSED, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(server).comps_dropped, 2);

	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(client->ch));
	s = loop_send(client, 2, KMCL_SEND_WAIT);
	loop_wait(server, loop_kept(server) == 1);
	ids[2] = server->kept[0]->trans_id;
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_NE(test, ids[i], ids[2]);
		put_raw(server, KMCL_WIRE_COMP, ids[i], 99);
		loop_poll(client, c->comps_stale == i + 1);
	}
	KUNIT_EXPECT_EQ(test, s->done, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(client).in_flight, 1);
	loop_complete_kept(server, 0, 5);
	loop_wait(client, s->done);
	KUNIT_EXPECT_EQ(test, s->status, 0);
	KUNIT_EXPECT_EQ(test, s->reply, 5);
	loop_expect_balance(client);
}

/* The last one is external data that the other endpoint alone receives */
static const u16 useless_types[] = {
	1, 2, 3, 4, 5, 8, 0xa, 0xc, 0xd, 0
};

static void drop_each_type(struct end *from, struct end *to, u16 last)
{
	struct kunit *test = to->loop->test;
	u32 i;

	loop_up(to->loop);
	for (i = 0; i < ARRAY_SIZE(useless_types); i++) {
		struct sent *s;

		put_raw(from, useless_types[i] ?: last, i + 1, 99);
		/* The next one is served, and that one alone */
		s = loop_send(from, i, KMCL_SEND_WAIT);
		loop_wait(from, s->done);
		KUNIT_EXPECT_EQ_MSG(test, s->status, 0, "type %u",
				    useless_types[i]);
		KUNIT_EXPECT_EQ_MSG(test, loop_got(to), i + 1, "type %u",
				    useless_types[i]);
		KUNIT_EXPECT_EQ(test, to->got[i], i);
		KUNIT_EXPECT_EQ_MSG(test, loop_counters(to).bad[KMCL_BAD_TYPE],
				    i + 1, "type %u", useless_types[i]);
		KUNIT_EXPECT_EQ(test, loop_counters(to).bad_packets, i + 1);
		KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(to->ch),
				   "Active");
	}
	KUNIT_EXPECT_EQ(test, loop_counters(to).comps_stale, 0);
	loop_expect_events(to, OPENED, STARTED, POST_STARTED);
}

static void a_server_drops_types_of_no_use(struct kunit *test)
{
	struct loop *loop = test->priv;

	drop_each_type(&loop->client, &loop->server, 7);
}

static void a_client_drops_types_of_no_use(struct kunit *test)
{
	struct loop *loop = test->priv;

	drop_each_type(&loop->server, &loop->client, 9);
}

static struct kunit_case contract_queue_cases[] = {
	/* KMCL: VmbChannelPause */
	KUNIT_CASE(a_pause_leaves_own_transactions_open),
	/* KMCL: VmbChannelSetTransactionQuota */
	KUNIT_CASE(a_blocked_queue_holds_completions_up),
	/* KMCL: VmbChannelSetTransactionQuota */
	KUNIT_CASE(raising_the_quota_restarts_nothing),
	/* KMCL: VmbChannelSetTransactionQuota */
	KUNIT_CASE(a_quota_below_what_is_outstanding),
	/* KMCL: VmbChannelPacketFail */
	KUNIT_CASE(only_reopening_restarts_a_failed_queue),
	/* KMCL: VmbChannelPacketDeferToPassive */
	KUNIT_CASE(deferring_in_process_context),
	/* KMCL: VmbChannelSetIncomingProcessingAtPassive */
	KUNIT_CASE(a_batch_ends_in_the_context_it_began_in),
	KUNIT_CASE(a_completion_for_an_earlier_opening),
	KUNIT_CASE(a_server_drops_types_of_no_use),
	KUNIT_CASE(a_client_drops_types_of_no_use),
	{}
};

static struct kunit_suite contract_queue_suite = {
	.name = "kmcl_contract_queue",
	.init = loop_init,
	.exit = loop_exit,
	.test_cases = contract_queue_cases,
};

kunit_test_suite(contract_queue_suite);

MODULE_DESCRIPTION("KUnit tests of what stops KMCL's packets");
MODULE_LICENSE("GPL");
