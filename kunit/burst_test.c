// SPDX-License-Identifier: GPL-2.0
/*
 * How much of a long queue is written while tx.lock is held with interrupts off.
 * A probe on the tracepoint of sending counts: what is written under one hold of
 * the lock is shown to the peer at its end, at once.
 */
#include <linux/slab.h>

#include "harness.h"
#include "trace.h"

#define QUEUED	1000

static struct {
	const struct kmcl_channel *ch;
	u32 shared;		/* the ring's index that the peer knows */
	u32 run;		/* sent since that has changed */
	u32 longest;
	u32 bytes;
	u32 most_bytes;
	u32 sent;
	u32 comps_first;	/* completions that packets waited behind */
} seen;

/* Under tx.lock */
static void on_send(void *data, const struct kmcl_channel *ch, u64 trans_id,
		    bool completion, u32 len, bool wait, u64 queued)
{
	if (ch != seen.ch)
		return;
	if (ch->tx.ring.shared != seen.shared || !seen.run) {
		seen.shared = ch->tx.ring.shared;
		seen.run = 0;
		seen.bytes = 0;
	}
	seen.sent++;
	seen.bytes += len;
	seen.longest = max(seen.longest, ++seen.run);
	seen.most_bytes = max(seen.most_bytes, seen.bytes);
	seen.comps_first += completion && queued == QUEUED;
}

static void expect_order(struct loop *loop)
{
	struct end *server = &loop->server;
	u32 i;

	loop_wait(server, loop_got(server) == QUEUED);
	for (i = 0; i < QUEUED; i++)
		KUNIT_ASSERT_EQ(loop->test, server->got[i], i);
}

/* Small packets are queued, and sent when the channel opens: the ring has room for all */
static void send_queue(struct loop *loop)
{
	u32 i;

	KUNIT_ASSERT_EQ(loop->test, 0,
			kmcl_set_ring_pages(loop->client.ch, 64, 64));
	for (i = 0; i < QUEUED; i++)
		loop_send(&loop->client, i, 0);
	loop_up(loop);
	expect_order(loop);
	loop_wait(&loop->client, loop_done(&loop->client) == QUEUED);
	KUNIT_EXPECT_EQ(loop->test, seen.sent, QUEUED);
}

static void a_queue_is_written_in_bursts(struct kunit *test)
{
	struct loop *loop = test->priv;

	send_queue(loop);
	KUNIT_EXPECT_LE(test, seen.longest, KMCL_TX_BURST);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).full, 0);
}

/* Messages of a pipe are written one by one, and shown to the peer together as well */
static void a_pipe_is_written_in_bursts(struct kunit *test)
{
	struct loop *loop = test->priv;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_flags(loop->client.ch, KMCL_INIT_PIPE));
	KUNIT_ASSERT_EQ(test, 0,
			kmcl_server_set_flags(loop->server.ch,
					      KMCL_SERVER_OFFER_AS_PIPE));
	send_queue(loop);
	KUNIT_EXPECT_EQ(test, seen.longest, KMCL_TX_BURST);
}

/* Few large ones: a burst ends behind the packet that makes it long */
static void a_burst_has_a_limit_in_bytes(struct kunit *test)
{
	const u32 len = 24000;
	struct loop *loop = test->priv;
	u32 i;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(loop->client.ch, len));
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(loop->server.ch, len));
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_ring_pages(loop->client.ch, 256, 256));
	for (i = 0; i < 30; i++)
		loop_send_long(&loop->client, i, len, 0);
	loop_up(loop);
	loop_wait(&loop->server, loop_got(&loop->server) == 30);
	KUNIT_EXPECT_EQ(test, seen.sent, 30);
	KUNIT_EXPECT_LE(test, seen.most_bytes, KMCL_TX_BURST_BYTES + len);
}

/* The gate is shut: completions pass a long queue of packets, in their own order */
static void completions_overtake_a_long_queue(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	struct job *job;
	u32 i;

	loop_up(loop);
	client->keep = true;
	for (i = 0; i < 4; i++)
		loop_send(server, i, KMCL_SEND_WAIT);
	loop_wait(client, loop_kept(client) == 4);
	loop_hold(client, SUSPEND);
	job = loop_pause(client);
	loop_wait_held(client);
	for (i = 0; i < QUEUED; i++)
		loop_send(client, i, 0);
	for (i = 4; i--; )
		loop_complete_kept(client, i, 10 + i);
	loop_wait(server, loop_done(server) == 4);
	KUNIT_EXPECT_EQ(test, seen.comps_first, 4);
	for (i = 0; i < 4; i++) {
		KUNIT_EXPECT_EQ(test, server->sent[i].reply, 10 + i);
		KUNIT_EXPECT_EQ(test, server->sent[i].order, 4 - i);
	}
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, QUEUED);
	KUNIT_EXPECT_TRUE(test, list_empty(&client->ch->tx.comps));
	loop_release(client);
	loop_job_wait(job);
	kmcl_channel_start(client->ch);
	expect_order(loop);
}

/* In flight, then queued: more than a burst of each ends, in order */
static void more_than_a_burst_ends_with_the_channel(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct kmcl_counters c;
	u32 i;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_ring_pages(client->ch, 64, 64));
	loop_up_paused(loop);
	for (i = 0; i < 10 * KMCL_TX_BURST + 1; i++)
		loop_send(client, i, KMCL_SEND_WAIT);
	KUNIT_EXPECT_EQ(test, loop_counters(client).in_flight, i);
	kmcl_channel_disable(client->ch);
	c = loop_counters(client);
	KUNIT_EXPECT_EQ(test, c.in_flight, 0);
	KUNIT_EXPECT_EQ(test, c.cancelled, i);
	for (; i < 20 * KMCL_TX_BURST + 2; i++)
		loop_send(client, i, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued,
			10 * KMCL_TX_BURST + 1);
	kmcl_tx_fail_queued(client->ch, -ECANCELED);
	kmcl_tx_wait_done(client->ch);
	KUNIT_EXPECT_EQ(test, loop_done(client), i);
	while (i--)
		KUNIT_ASSERT_EQ(test, client->sent[i].order, i + 1);
	loop_expect_balance(client);
}

static int burst_init(struct kunit *test)
{
	struct loop *loop;
	int ret = loop_init(test);

	if (ret)
		return ret;
	loop = test->priv;
	memset(&seen, 0, sizeof(seen));
	seen.ch = loop->client.ch;
	return register_trace_kmcl_send(on_send, NULL);
}

static void burst_exit(struct kunit *test)
{
	unregister_trace_kmcl_send(on_send, NULL);
	tracepoint_synchronize_unregister();
	loop_exit(test);
}

static struct kunit_case burst_cases[] = {
	/* KMCL: VmbPacketSend */
	KUNIT_CASE(a_queue_is_written_in_bursts),
	KUNIT_CASE(a_pipe_is_written_in_bursts),
	KUNIT_CASE(a_burst_has_a_limit_in_bytes),
	/* KMCL: VmbChannelPacketComplete */
	KUNIT_CASE(completions_overtake_a_long_queue),
	KUNIT_CASE(more_than_a_burst_ends_with_the_channel),
	{}
};

static struct kunit_suite burst_suite = {
	.name = "kmcl_burst",
	.init = burst_init,
	.exit = burst_exit,
	.test_cases = burst_cases,
};

kunit_test_suite(burst_suite);

MODULE_DESCRIPTION("KUnit tests of what is written with interrupts off");
MODULE_LICENSE("GPL");
