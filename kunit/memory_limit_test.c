// SPDX-License-Identifier: GPL-2.0
/*
 * The limit of the memory that incoming packets use: where delivery stops, what
 * resumes it, and two endpoints that come to their limits together.
 */
#include <linux/sizes.h>

#include "harness.h"

#define BOTH_SEND	3000
#define LARGE		KMCL_PACKET_SIZE_MAX

/* So many requests at once */
static void set_limit(struct end *e, u32 packets)
{
	kmcl_set_memory_limit(e->ch, packets * e->ch->rx.large.bytes);
}

static u64 packets_bytes(struct end *e, u32 packets)
{
	return (u64)packets * e->ch->rx.large.bytes;
}

static void outstanding_packets(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	u32 i;

	loop_up(loop);
	set_limit(server, 3);
	server->keep = true;
	for (i = 0; i < 20; i++)
		loop_send(&loop->client, i, KMCL_SEND_WAIT);
	loop_wait(server, loop_counters(server).limit_stops == 1);
	KUNIT_EXPECT_EQ(test, loop_kept(server), 3);
	KUNIT_EXPECT_EQ(test, loop_counters(server).memory,
			packets_bytes(server, 3));
	/* Each completion makes room for one more */
	for (i = 0; i < 7; i++) {
		loop_complete_kept(server, i, i);
		loop_wait(server, loop_counters(server).limit_stops == i + 2);
		KUNIT_EXPECT_EQ(test, loop_kept(server), i + 4);
		KUNIT_EXPECT_EQ(test, loop_counters(server).outstanding, 3);
	}
	KUNIT_EXPECT_EQ(test, loop_counters(server).memory_peak,
			packets_bytes(server, 3));
	KUNIT_EXPECT_EQ(test, loop_counters(server).quota_stops, 0);
	/* A lower one stops delivery until it is reached, a higher one resumes */
	set_limit(server, 2);
	loop_complete_kept(server, 7, 7);
	KUNIT_EXPECT_EQ(test, loop_counters(server).outstanding, 2);
	KUNIT_EXPECT_EQ(test, loop_kept(server), 10);
	kmcl_set_memory_limit(server->ch, 0);
	loop_wait(server, loop_kept(server) == 20);
	loop_complete_all(server);
	KUNIT_EXPECT_EQ(test, loop_counters(server).memory, 0);
	loop_wait(&loop->client, loop_done(&loop->client) == 20);
	loop_expect_balance(&loop->client);
}

/* A packet to which there is no answer has less memory */
static void each_counts_as_what_it_has(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	struct kmcl_rx *rx = &server->ch->rx;
	u64 sum = 0;
	u32 i;

	server->keep = true;
	loop_up(loop);
	KUNIT_EXPECT_LE(test, rx->small.bytes, SZ_1K);
	KUNIT_EXPECT_GT(test, rx->large.bytes, 4 * rx->small.bytes);
	for (i = 0; i < 8; i++) {
		loop_send(&loop->client, i, i % 3 ? 0 : KMCL_SEND_WAIT);
		loop_wait(server, loop_kept(server) == i + 1);
		sum += i % 3 ? rx->small.bytes : rx->large.bytes;
		loop_poll(server, c->memory == sum);
	}
	KUNIT_EXPECT_EQ(test, loop_counters(server).memory_peak, sum);
	/* The next one has no room, but a smaller one has */
	kmcl_set_memory_limit(server->ch, sum + rx->small.bytes);
	loop_send(&loop->client, i, 0);
	loop_wait(server, loop_kept(server) == 9);
	loop_send(&loop->client, i, KMCL_SEND_WAIT);
	loop_wait(server, loop_counters(server).limit_stops == 1);
	/* It is not enough to free a small one */
	loop_complete_kept(server, 1, 1);
	loop_wait(server, loop_counters(server).limit_stops == 2);
	KUNIT_EXPECT_EQ(test, loop_counters(server).memory, sum);
	loop_complete_kept(server, 0, 0);
	loop_wait(server, loop_kept(server) == 10);
	KUNIT_EXPECT_EQ(test, loop_counters(server).memory, sum);
	loop_complete_all(server);
	KUNIT_EXPECT_EQ(test, loop_counters(server).memory, 0);
}

static void one_packet_is_always_delivered(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	u32 i;

	kmcl_set_memory_limit(server->ch, 1);
	server->keep = true;
	loop_up(loop);
	for (i = 0; i < 5; i++)
		loop_send(&loop->client, i, KMCL_SEND_WAIT);
	for (i = 0; i < 5; i++) {
		loop_wait(server, loop_kept(server) == i + 1);
		KUNIT_EXPECT_EQ(test, loop_counters(server).outstanding, 1);
		loop_complete_kept(server, i, i);
	}
	loop_wait(&loop->client, loop_done(&loop->client) == 5);
}

/* Where nobody has set it, and where it was set to 0 */
static void the_default_is_16_mib(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	u32 i, most;

	/* Each request takes as much as its largest answer */
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(server->ch, LARGE));
	server->keep = true;
	loop_up(loop);
	most = SZ_16M / server->ch->rx.large.bytes;
	KUNIT_ASSERT_LT(test, most, 40);
	for (i = 0; i < 40; i++)
		loop_send(&loop->client, i, KMCL_SEND_WAIT);
	loop_wait(server, loop_counters(server).limit_stops == 1);
	KUNIT_EXPECT_EQ(test, loop_kept(server), most);
	kmcl_set_memory_limit(server->ch, U32_MAX);
	loop_wait(server, loop_kept(server) == 40);
	loop_complete_all(server);
	kmcl_set_memory_limit(server->ch, 0);
	for (i = 0; i < 40; i++)
		loop_send(&loop->client, i, KMCL_SEND_WAIT);
	loop_wait(server, loop_counters(server).limit_stops == 2);
	KUNIT_EXPECT_EQ(test, loop_kept(server), most);
}

static void defer_once(struct end *e, struct kmcl_context *ctx, u64 value)
{
	if (!in_task())
		kmcl_packet_defer(ctx);
	else
		kmcl_complete(ctx, NULL, 0);
}

static void fail_it(struct end *e, struct kmcl_context *ctx, u64 value)
{
	kmcl_packet_fail(ctx);
}

/* Deferred, completed, failed: each gives its memory back once */
static void nothing_is_counted_for_ever(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	u32 i;

	loop_up(loop);
	set_limit(server, 1);
	server->process = defer_once;
	for (i = 0; i < 10; i++)
		loop_send(&loop->client, i, KMCL_SEND_WAIT);
	loop_wait(&loop->client, loop_done(&loop->client) == 10);
	KUNIT_EXPECT_GT(test, loop_counters(server).deferred, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(server).memory, 0);
	server->process = fail_it;
	loop_send(&loop->client, i, 0);
	loop_wait(server, loop_counters(server).failed == 1);
	KUNIT_EXPECT_EQ(test, loop_counters(server).memory, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(server).memory_peak,
			packets_bytes(server, 1));
}

/* The ends' drivers hold what they may, and more waits in the rings and queues */
static void hold_and_send(struct loop *loop)
{
	u32 i;

	loop->client.keep = true;
	loop->server.keep = true;
	loop_up(loop);
	set_limit(&loop->client, 8);
	set_limit(&loop->server, 8);
	for (i = 0; i < BOTH_SEND; i++) {
		loop_send(&loop->client, i, KMCL_SEND_WAIT);
		loop_send(&loop->server, i, KMCL_SEND_WAIT);
	}
	loop_wait(&loop->client, loop_counters(&loop->client).limit_stops);
	loop_wait(&loop->server, loop_counters(&loop->server).limit_stops);
	KUNIT_EXPECT_GT(loop->test, loop_counters(&loop->client).queued, 1000);
	KUNIT_EXPECT_GT(loop->test, loop_counters(&loop->server).queued, 1000);
}

/* Once the client's memory is that of completions only */
static void complete_at_client(struct loop *loop)
{
	struct end *client = &loop->client;

	client->keep = false;
	loop_complete_all(client);
	/* The server does not read yet */
	loop_poll(client, !c->outstanding &&
		  c->memory > packets_bytes(client, 7));
}

/*
 * Both rings are full of requests, and all memory is that of completions which
 * wait for room in them: neither end may wait for the other to read first.
 */
static void two_ends_at_their_limits(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;

	hold_and_send(loop);
	complete_at_client(loop);
	server->keep = false;
	loop_complete_all(server);
	loop_wait(client, loop_done(client) == BOTH_SEND);
	loop_wait(server, loop_done(server) == BOTH_SEND);
	/* The order of what was sent has not suffered */
	KUNIT_EXPECT_EQ(test, loop_got(client), BOTH_SEND);
	KUNIT_EXPECT_EQ(test, client->got[BOTH_SEND - 1], BOTH_SEND - 1);
	KUNIT_EXPECT_EQ(test, server->got[BOTH_SEND - 1], BOTH_SEND - 1);
	loop_poll(client, !c->memory);
	loop_poll(server, !c->memory);
	loop_expect_balance(client);
	loop_expect_balance(server);
}

/* The same ends differently: with a close, which drops the completions */
static void closing_at_the_limit(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;

	hold_and_send(loop);
	complete_at_client(loop);
	loop_job_wait(loop_disable(client));
	KUNIT_EXPECT_EQ(test, loop_counters(client).memory, 0);
	KUNIT_EXPECT_GT(test, loop_counters(client).comps_dropped, 0);
	loop->server.keep = false;
	loop_complete_all(&loop->server);
	loop_poll(&loop->server, !c->memory && !c->outstanding);
}

static void what_is_kept_for_reuse(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	struct kmcl_packet *pkt[10];
	u32 i, most;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(loop->client.ch, LARGE));
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(server->ch, LARGE));
	loop_up(loop);
	for (i = 0; i < ARRAY_SIZE(pkt); i++) {
		pkt[i] = kmcl_packet_alloc(loop->client.ch);
		KUNIT_ASSERT_NOT_NULL(test, pkt[i]);
	}
	for (i = 0; i < ARRAY_SIZE(pkt); i++)
		kmcl_packet_free(pkt[i]);
	most = KMCL_PACKETS_BYTES / kmcl_packet_size(loop->client.ch);
	KUNIT_ASSERT_LT(test, most, ARRAY_SIZE(pkt));
	KUNIT_EXPECT_EQ(test, loop_cached(&loop->client), most);

	server->keep = true;
	for (i = 0; i < 5; i++)
		loop_send(&loop->client, i, KMCL_SEND_WAIT);
	loop_wait(server, loop_kept(server) == 5);
	loop_complete_all(server);
	KUNIT_EXPECT_EQ(test, READ_ONCE(server->ch->rx.large.cached), 1);
	loop_job_wait(loop_disable(&loop->client));
	loop_wait(&loop->client, loop_cached(&loop->client) <= 1);
	KUNIT_EXPECT_EQ(test, loop_cached(&loop->client), 1);
}

static struct kunit_case memory_limit_cases[] = {
	KUNIT_CASE(outstanding_packets),
	KUNIT_CASE(each_counts_as_what_it_has),
	KUNIT_CASE(one_packet_is_always_delivered),
	KUNIT_CASE(the_default_is_16_mib),
	/* KMCL: VmbChannelPacketDeferToPassive VmbChannelPacketFail */
	KUNIT_CASE(nothing_is_counted_for_ever),
	/* KMCL: VmbChannelPacketComplete */
	KUNIT_CASE_SLOW(two_ends_at_their_limits),
	/* KMCL: VmbChannelDisable */
	KUNIT_CASE(closing_at_the_limit),
	KUNIT_CASE(what_is_kept_for_reuse),
	{}
};

static struct kunit_suite memory_limit_suite = {
	.name = "kmcl_memory_limit",
	.init = loop_init,
	.exit = loop_exit,
	.test_cases = memory_limit_cases,
};

kunit_test_suite(memory_limit_suite);
