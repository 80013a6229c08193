// SPDX-License-Identifier: GPL-2.0
/*
 * Packets between two endpoints that stay open: order, a full ring, the
 * counters, delivery and its limits.
 */
#include <linux/kthread.h>
#include <linux/slab.h>

#include "harness.h"

static void expect_order(struct end *e, u32 count)
{
	struct kunit *test = e->loop->test;
	u32 i;

	loop_wait(e, loop_got(e) >= count);
	KUNIT_ASSERT_EQ(test, loop_got(e), count);
	for (i = 0; i < count; i++)
		KUNIT_ASSERT_EQ(test, e->got[i], i);
}

static void packets_arrive_in_order_both_ways(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	loop_up(loop);
	for (i = 0; i < 2000; i++) {
		loop_send(&loop->client, i, i % 3 == 0);
		loop_send(&loop->server, i, i % 5 == 0);
	}
	expect_order(&loop->server, 2000);
	expect_order(&loop->client, 2000);
	loop_wait(&loop->client, loop_done(&loop->client) == 2000);
	loop_wait(&loop->server, loop_done(&loop->server) == 2000);
	for (i = 0; i < 2000; i += 15) {
		KUNIT_ASSERT_EQ(test, loop->client.sent[i].status, 0);
		KUNIT_ASSERT_EQ(test, loop->client.sent[i].reply, i);
		KUNIT_ASSERT_EQ(test, loop->server.sent[i].reply, i);
	}
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).comps_stale, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).bad_packets, 0);
}

static void completions_find_their_packet_in_any_order(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	loop_up(loop);
	loop->server.keep = true;
	for (i = 0; i < 32; i++)
		loop_send(&loop->client, i, KMCL_SEND_WAIT);
	loop_wait(&loop->server, loop_kept(&loop->server) == 32);
	for (i = 32; i--; )
		loop_complete_kept(&loop->server, i, 1000 + i);
	loop_wait(&loop->client, loop_done(&loop->client) == 32);
	for (i = 0; i < 32; i++) {
		KUNIT_EXPECT_EQ(test, loop->client.sent[i].reply, 1000 + i);
		KUNIT_EXPECT_EQ(test, loop->client.sent[i].order, 32 - i);
	}
}

static void a_full_ring_keeps_the_order(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_counters c;
	u32 i;

	loop_up_paused(loop);
	for (i = 0; i < 3000; i++)
		loop_send(&loop->client, i, 0);
	c = loop_counters(&loop->client);
	KUNIT_EXPECT_GT(test, c.queued, 1000);
	KUNIT_EXPECT_GT(test, c.full, 0);
	KUNIT_EXPECT_EQ(test, c.sent, c.completed);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->server), 0);

	kmcl_channel_start(loop->server.ch);
	expect_order(&loop->server, 3000);
	loop_wait(&loop->client, loop_done(&loop->client) == 3000);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued, 0);
}

/* The completions of the peer need room in a ring that is full of packets */
static void both_rings_full_at_once(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	kmcl_channel_pause(loop->client.ch);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_state(&loop->client, "Paused");
	loop_wait_state(&loop->server, "Paused");
	for (i = 0; i < 2000; i++) {
		loop_send(&loop->client, i, KMCL_SEND_WAIT);
		loop_send(&loop->server, i, KMCL_SEND_WAIT);
	}
	kmcl_channel_start(loop->client.ch);
	kmcl_channel_start(loop->server.ch);
	expect_order(&loop->server, 2000);
	expect_order(&loop->client, 2000);
	loop_wait(&loop->client, loop_done(&loop->client) == 2000);
	loop_wait(&loop->server, loop_done(&loop->server) == 2000);
}

static void packets_as_long_as_allowed(struct kunit *test)
{
	static const u32 len[] = {
		16, 1000, 4096, 65536, 200000, KMCL_PACKET_SIZE_MAX
	};
	struct loop *loop = test->priv;
	u32 i;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(loop->client.ch,
							  KMCL_PACKET_SIZE_MAX));
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(loop->server.ch,
							  KMCL_PACKET_SIZE_MAX));
	loop_up(loop);
	for (i = 0; i < ARRAY_SIZE(len); i++) {
		struct sent *s = loop_send_long(&loop->client, i, len[i],
						KMCL_SEND_WAIT);

		loop_wait(&loop->client, s->done);
		KUNIT_EXPECT_EQ(test, s->status, 0);
		KUNIT_EXPECT_EQ(test, loop->server.got_len, len[i]);
	}
	for (i = 0; i < 10; i++)
		loop_send_long(&loop->client, ARRAY_SIZE(len) + i,
			       KMCL_PACKET_SIZE_MAX, KMCL_SEND_WAIT);
	expect_order(&loop->server, ARRAY_SIZE(len) + 10);
	loop_wait(&loop->client, loop_done(&loop->client) == loop->client.nsent);
}

/* The client donates the rings, the server's packets must fit too */
/* The driver may reuse the buffer at once, whether the packet is queued or not */
static void a_buffer_that_may_fault_is_copied(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct sent *first;

	first = loop_send(&loop->client, 1, KMCL_SEND_PAGED | KMCL_SEND_WAIT);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued, 1);
	loop_up(loop);
	loop_send(&loop->client, 2, KMCL_SEND_PAGED);
	loop_wait(&loop->server, loop_got(&loop->server) == 2);
	KUNIT_EXPECT_EQ(test, loop->server.got[0], 1);
	KUNIT_EXPECT_EQ(test, loop->server.got[1], 2);
	loop_wait(&loop->client, loop_done(&loop->client) == 2);
	KUNIT_EXPECT_EQ(test, first->status, 0);
}

static void a_server_may_have_the_longer_packets(struct kunit *test)
{
	struct loop *loop = test->priv;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(loop->server.ch,
							  100000));
	loop_up(loop);
	loop_send_long(&loop->server, 1, 100000, 0);
	loop_send(&loop->server, 0, 0);
	/* Beyond what the client takes: counted and dropped */
	expect_order(&loop->client, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).bad_packets, 1);
	loop_wait(&loop->server, loop_done(&loop->server) == 2);
}

struct flood {
	struct end *e;
	u32 count;
	struct completion done;
};

static int flood_thread(void *data)
{
	struct flood *f = data;
	u32 i;

	for (i = 0; i < f->count; i++) {
		loop_try_send(f->e, i, i % 2);
		cond_resched();
	}
	complete(&f->done);
	return 0;
}

static void flood_start(struct flood *f, struct end *e, u32 count)
{
	struct task_struct *task;

	f->e = e;
	f->count = count;
	init_completion(&f->done);
	task = kthread_run(flood_thread, f, "kmcl_flood");
	KUNIT_ASSERT_FALSE(e->loop->test, IS_ERR(task));
}

static void counters_agree_at_every_read(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct flood f;
	u32 reads = 0, rounds = 0;

	loop_up(loop);
	flood_start(&f, &loop->client, 6000);
	while (!completion_done(&f.done)) {
		struct kmcl_counters c = loop_counters(&loop->client);

		KUNIT_ASSERT_EQ(test, c.accepted,
				c.completed + c.queued + c.in_flight);
		KUNIT_ASSERT_LE(test, c.sent + c.queued, c.accepted);
		if (++reads % 64 == 0 && rounds++ < 20) {
			kmcl_channel_pause(loop->client.ch);
			loop_expect_balance(&loop->client);
			kmcl_channel_start(loop->client.ch);
		}
		cond_resched();
	}
	loop_wait(&loop->client, loop_done(&loop->client) == 6000);
	expect_order(&loop->server, 6000);
	KUNIT_EXPECT_GT(test, reads, 100);
}

struct pausing {
	struct end *e;
	struct completion done;
};

static int pause_thread(void *data)
{
	struct pausing *p = data;

	kmcl_channel_pause(p->e->ch);
	complete(&p->done);
	return 0;
}

static void completions_pass_a_closed_gate(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct task_struct *task;
	struct sent *first, *second;
	struct pausing p;

	loop_up(loop);
	client->keep = true;
	first = loop_send(&loop->server, 1, KMCL_SEND_WAIT);
	second = loop_send(&loop->server, 2, KMCL_SEND_WAIT);
	loop_wait(client, loop_kept(client) == 2);

	p.e = client;
	init_completion(&p.done);
	loop_hold(client, SUSPEND);
	task = kthread_run(pause_thread, &p, "kmcl_pause");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	loop_wait_held(client);
	loop_send(client, 0, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, 1);
	loop_complete_kept(client, 0, 11);
	loop_wait(&loop->server, first->done);
	KUNIT_EXPECT_EQ(test, first->reply, 11);
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, 1);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->server), 0);
	loop_release(client);
	loop_wait_event(client, SUSPEND, 1);

	/* Paused is reached when nothing is outstanding */
	KUNIT_EXPECT_EQ(test, wait_for_completion_timeout(&p.done, HZ / 20), 0);
	loop_complete_kept(client, 1, 22);
	KUNIT_ASSERT_GT(test, wait_for_completion_timeout(&p.done, LOOP_LIMIT), 0);
	loop_wait(&loop->server, second->done);
	KUNIT_EXPECT_EQ(test, second->status, 0);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->server), 0);

	kmcl_channel_start(client->ch);
	expect_order(&loop->server, 1);
}

static void a_quota_bounds_what_is_outstanding(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	u32 i;

	loop_up(loop);
	kmcl_set_quota(server->ch, 3);
	server->keep = true;
	for (i = 0; i < 10; i++)
		loop_send(&loop->client, i, KMCL_SEND_WAIT);
	for (i = 3; i < 10; i++) {
		loop_wait(server, loop_kept(server) == i);
		wait_event_timeout(server->wait,
				   loop_counters(server).quota_stops > i - 3,
				   HZ / 10);
		KUNIT_ASSERT_EQ(test, loop_counters(server).outstanding, 3);
		KUNIT_ASSERT_EQ(test, loop_kept(server), i);
		loop_complete_kept(server, i - 3, i);
	}
	loop_wait(server, loop_kept(server) == 10);
	KUNIT_EXPECT_GT(test, loop_counters(server).quota_stops, 6);
	kmcl_set_quota(server->ch, 0);
	KUNIT_EXPECT_EQ(test, server->ch->rx.quota, 3);
	loop_complete_all(server);
	expect_order(server, 10);
	loop_wait(&loop->client, loop_done(&loop->client) == 10);
}

static u32 deferred, context_kept;

/* Each packet is deferred if it comes in a softirq, and counted */
static void defer_in_softirq(struct end *e, struct kmcl_context *ctx,
			     u64 value)
{
	u64 *context = kmcl_context_priv(ctx);

	if (!in_task() || value == 5) {
		if (*context == 0) {
			*context = value + 100;
			deferred++;
			kmcl_packet_defer(ctx);
			return;
		}
	}
	if (*context == value + 100)
		context_kept++;
	kmcl_complete(ctx, &value, sizeof(value));
}

static void a_deferred_packet_comes_again_in_process_context(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	u32 i, n = 0, again = 0;

	deferred = 0;
	context_kept = 0;
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_context_size(server->ch, 8));
	server->process = defer_in_softirq;
	loop_up(loop);
	for (i = 0; i < 100; i++)
		loop_send(&loop->client, i, KMCL_SEND_WAIT);
	loop_wait(&loop->client, loop_done(&loop->client) == 100);
	/* In order, each one once or twice */
	for (i = 0; i < server->ngot; i++) {
		if (i && server->got[i] == server->got[i - 1])
			again++;
		else
			KUNIT_ASSERT_EQ(test, server->got[i], n++);
	}
	KUNIT_EXPECT_EQ(test, n, 100);
	KUNIT_EXPECT_GT(test, deferred, 0);
	KUNIT_EXPECT_EQ(test, again, deferred);
	KUNIT_EXPECT_EQ(test, context_kept, deferred);
	KUNIT_EXPECT_GE(test, server->got_in_task, deferred);
	KUNIT_EXPECT_EQ(test, loop_counters(server).delivered, 100);
	loop_wait(server, READ_ONCE(server->batch_packets) == 100);
}

static void always_defer(struct end *e, struct kmcl_context *ctx, u64 value)
{
	kmcl_packet_defer(ctx);
}

static void a_deferred_packet_ends_with_the_channel(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct sent *s;

	loop->server.process = always_defer;
	loop_up(loop);
	s = loop_send(&loop->client, 1, KMCL_SEND_WAIT);
	loop_wait(&loop->server, loop_got(&loop->server) > 3);
	/* Until then it is delivered over and over */
	kmcl_channel_pause(loop->server.ch);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).outstanding, 0);
	kmcl_channel_disable(loop->server.ch);
	loop_wait(&loop->client, s->done);
	KUNIT_EXPECT_EQ(test, s->status, -ENODEV);
}

static void fail_the_third(struct end *e, struct kmcl_context *ctx, u64 value)
{
	if (value == 2)
		kmcl_packet_fail(ctx);
	else
		kmcl_complete(ctx, &value, sizeof(value));
}

static void a_failed_packet_stops_delivery_until_reopened(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	u32 i;

	server->process = fail_the_third;
	loop_up(loop);
	for (i = 0; i < 10; i++)
		loop_send(&loop->client, i, KMCL_SEND_WAIT);
	expect_order(server, 3);
	tasklet_schedule(&server->ch->rx.tasklet);
	loop_wait(&loop->client, loop_done(&loop->client) == 2);
	tasklet_kill(&server->ch->rx.tasklet);
	KUNIT_EXPECT_EQ(test, loop_got(server), 3);
	KUNIT_EXPECT_EQ(test, loop_counters(server).bad_packets, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(server).outstanding, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).in_flight, 8);

	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).cancelled, 8);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_send(&loop->client, 3, KMCL_SEND_WAIT);
	expect_order(server, 4);
}

static void delivery_in_process_context_if_asked(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	u32 i, softirq;

	kmcl_set_process_context(server->ch, true);
	loop_up(loop);
	for (i = 0; i < 500; i++)
		loop_send(&loop->client, i, KMCL_SEND_WAIT);
	loop_wait(&loop->client, loop_done(&loop->client) == 500);
	KUNIT_EXPECT_EQ(test, server->got_in_task, 500);

	/* And back, with the order kept */
	kmcl_set_process_context(server->ch, false);
	for (i = 500; i < 1000; i++)
		loop_send(&loop->client, i, KMCL_SEND_WAIT);
	expect_order(server, 1000);
	softirq = 1000 - server->got_in_task;
	KUNIT_EXPECT_GT(test, softirq, 0);
	loop_wait(server, READ_ONCE(server->batch_packets) == 1000);
	KUNIT_EXPECT_LE(test, server->batches, 1000);
}

static u32 chain_left, chain_depth, chain_deepest;

static void send_again(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	u64 value = 1;

	if (!chain_left--) {
		kmcl_packet_free(pkt);
		return;
	}
	chain_deepest = max(chain_deepest, ++chain_depth);
	if (kmcl_send(pkt, &value, sizeof(value), 0))
		chain_left = 0;
	chain_depth--;
}

static void a_routine_that_sends_again_does_not_recurse(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt;
	u64 value = 1;

	loop_up(loop);
	chain_left = 5000;
	chain_deepest = 0;
	pkt = loop_packet(&loop->client, send_again);
	KUNIT_ASSERT_EQ(test, 0, kmcl_send(pkt, &value, sizeof(value), 0));
	loop_wait(&loop->server, loop_got(&loop->server) == 5001);
	KUNIT_EXPECT_EQ(test, chain_deepest, 1);
}

static void without_a_process_callback_packets_complete_empty(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *plain;
	struct sent *s;

	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_alloc(NULL, true, &plain));
	KUNIT_ASSERT_EQ(test, 0, kmcl_server_set_target(plain, &loop->type,
							&loop->instance));
	kmcl_channel_start(plain);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_enable(plain));
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	s = loop_send(&loop->client, 1, KMCL_SEND_WAIT);
	wait_event_timeout(loop->client.wait, s->done, LOOP_LIMIT);
	KUNIT_EXPECT_EQ(test, s->status, 0);
	KUNIT_EXPECT_EQ(test, s->len, 0);
	KUNIT_EXPECT_FALSE(test, s->buf);
	kmcl_channel_disable(plain);
	kmcl_channel_free(plain);
}

static struct kunit_case queue_cases[] = {
	/* KMCL: EVT_VMB_CHANNEL_PROCESS_PACKET */
	KUNIT_CASE(packets_arrive_in_order_both_ways),
	/* KMCL: VmbChannelPacketComplete EVT_VMB_PACKET_COMPLETION_ROUTINE */
	/* KMCL: VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION */
	KUNIT_CASE(completions_find_their_packet_in_any_order),
	/* KMCL: VmbPacketSend */
	KUNIT_CASE(a_full_ring_keeps_the_order),
	KUNIT_CASE(both_rings_full_at_once),
	/* KMCL: VmbChannelInitSetMaximumPacketSize */
	KUNIT_CASE(packets_as_long_as_allowed),
	/* KMCL: VMBUS_CHANNEL_FORMAT_FLAG_PAGED_BUFFER */
	KUNIT_CASE(a_buffer_that_may_fault_is_copied),
	KUNIT_CASE(a_server_may_have_the_longer_packets),
	KUNIT_CASE(counters_agree_at_every_read),
	KUNIT_CASE(completions_pass_a_closed_gate),
	/* KMCL: VmbChannelSetTransactionQuota EVT_VMB_CHANNEL_PROCESSING_COMPLETE */
	KUNIT_CASE(a_quota_bounds_what_is_outstanding),
	/* KMCL: VmbChannelPacketDeferToPassive */
	KUNIT_CASE(a_deferred_packet_comes_again_in_process_context),
	/* KMCL: VmbChannelPacketDeferToPassive */
	KUNIT_CASE(a_deferred_packet_ends_with_the_channel),
	/* KMCL: VmbChannelPacketFail */
	KUNIT_CASE(a_failed_packet_stops_delivery_until_reopened),
	/* KMCL: VmbChannelSetIncomingProcessingAtPassive */
	/* KMCL: EVT_VMB_CHANNEL_PROCESSING_COMPLETE */
	KUNIT_CASE(delivery_in_process_context_if_asked),
	KUNIT_CASE(a_routine_that_sends_again_does_not_recurse),
	/* KMCL: VmbChannelInitSetProcessPacketCallbacks */
	KUNIT_CASE(without_a_process_callback_packets_complete_empty),
	{}
};

static struct kunit_suite queue_suite = {
	.name = "kmcl_queue",
	.init = loop_init,
	.exit = loop_exit,
	.test_cases = queue_cases,
};

kunit_test_suite(queue_suite);
