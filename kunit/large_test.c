// SPDX-License-Identifier: GPL-2.0
/*
 * Large packets without large blocks of memory: what delivery cannot allocate where
 * it runs it waits for, in order, whatever happens to the channel meanwhile.
 */
#include "large_harness.h"

/* Delivery stops for the first one, and no more */
static void delivered(struct loop *loop, u32 size)
{
	u32 i;

	large_bring_up(loop, size);
	loop_send(&loop->client, 0, 0);
	large_expect_arrived(loop, 1);
	KUNIT_EXPECT_EQ(loop->test, large_stops(), 0);
	KUNIT_EXPECT_LE(loop->test, loop_counters(&loop->server).memory_peak, SZ_1K);
	loop_send_long(&loop->client, 1, size, 0);
	loop_send(&loop->client, 2, 0);
	large_expect_arrived(loop, 3);
	KUNIT_EXPECT_EQ(loop->test, large_stops(), 1);
	KUNIT_EXPECT_EQ(loop->test, loop_counters(&loop->server).memory_peak,
			loop->server.ch->rx.large.bytes);
	for (i = 3; i < 40; i++) {
		loop_send_long(&loop->client, i, i % 3 ? size : 8,
			       i % 2 ? KMCL_SEND_WAIT : 0);
		large_expect_arrived(loop, i + 1);
	}
	KUNIT_EXPECT_EQ(loop->test, large_stops(), 1);
	loop_wait(&loop->client, loop_done(&loop->client) == 40);
	loop_expect_balance(&loop->client);
}

static void packets_of_128_kib(struct kunit *test)
{
	delivered(test->priv, LARGE);
}

static void packets_of_the_largest_size(struct kunit *test)
{
	delivered(test->priv, KMCL_PACKET_SIZE_MAX & ~7U);
}

/* With the default packet size all are delivered at once */
static void a_page_is_no_large_packet(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	/* The client has little memory for ranges, and the server much */
	large_fx.ch = loop->client.ch;
	large_check_and_keep(&loop->client);
	loop_up(loop);
	for (i = 0; i < LOOP_KEPT; i++)
		loop_send_long(&loop->server, i, KMCL_DEFAULT_PACKET_SIZE,
			       i % 2 ? KMCL_SEND_WAIT : 0);
	loop_wait(&loop->client, loop_kept(&loop->client) == LOOP_KEPT);
	KUNIT_EXPECT_EQ(test, large_stops(), 0);
	KUNIT_EXPECT_EQ(test, large_fx.wrong, 0);
	loop_complete_all(&loop->client);
}

/* Nothing is kept for it before, and it does not get lost */
static void the_first_packet_without_memory(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->server.ch;
	struct kmcl_packet *pkt;
	u64 value = 0;

	large_bring_up(loop, LARGE);
	KUNIT_EXPECT_NULL(test, ch->rx.own);
	KUNIT_EXPECT_EQ(test, ch->rx.small.cached + ch->rx.large.cached, 0);
	KUNIT_EXPECT_NULL(test, ch->tx.made.ids);
	pkt = kmcl_packet_alloc(loop->client.ch);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	large_no_memory();
	KUNIT_EXPECT_EQ(test, kmcl_send(pkt, &value, sizeof(value), 0), 0);
	loop_wait(&loop->server, large_stops() == 1);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->server), 0);
	large_memory_again();
	large_expect_arrived(loop, 1);
	KUNIT_EXPECT_NOT_NULL(test, ch->tx.made.ids);
}

static void many_are_kept(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	struct kmcl_rx *rx = &server->ch->rx;
	u32 i, first, own;

	large_check_and_keep(server);
	large_bring_up(loop, LARGE);
	for (i = 0; i < 30; i++)
		loop_send_long(&loop->client, i, i % 2 ? LARGE : 8, 0);
	large_expect_arrived(loop, 30);
	KUNIT_EXPECT_EQ(test, loop_counters(server).memory,
			15ULL * (rx->large.bytes + rx->small.bytes));
	first = large_stops();
	KUNIT_EXPECT_GT(test, first, 0);
	loop_complete_all(server);
	KUNIT_EXPECT_EQ(test, loop_counters(server).memory, 0);
	/* As many as are free by then need not be waited for */
	own = rx->own && rx->own->kind == &rx->large;
	KUNIT_EXPECT_EQ(test, rx->large.cached + own, rx->large.cached_most);
	for (; i < 30 + rx->large.cached_most; i++)
		loop_send_long(&loop->client, i, LARGE, 0);
	large_expect_arrived(loop, i);
	KUNIT_EXPECT_EQ(test, large_stops(), first);
	loop_complete_all(server);
}

/* The server has got a small packet, and there is no memory for the large one */
static void wait_for_memory(struct loop *loop)
{
	large_bring_up(loop, LARGE);
	loop_send(&loop->client, 0, 0);
	large_expect_arrived(loop, 1);
	/* The client uses the packet again */
	loop_wait(&loop->client, loop_cached(&loop->client) == 1);
	large_no_memory();
	loop_send_long(&loop->client, 1, LARGE, 0);
	loop_wait(&loop->server, large_stops() == 1);
	loop_wait(&loop->client, loop_cached(&loop->client) == 1);
}

static void it_arrives_when_there_is_memory(struct kunit *test)
{
	struct loop *loop = test->priv;

	wait_for_memory(loop);
	/* What is behind it waits, too */
	loop_send(&loop->client, 2, 0);
	loop_wait(&loop->server, atomic_read(&large_fx.slab->times) < INT_MAX - 5);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->server), 1);
	large_memory_again();
	large_expect_arrived(loop, 3);
	KUNIT_EXPECT_EQ(test, large_stops(), 1);
}

/* A small one needs no memory, if the driver completes it */
static void small_ones_without_memory(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	large_bring_up(loop, LARGE);
	loop_send(&loop->client, 0, 0);
	large_expect_arrived(loop, 1);
	loop_wait(&loop->client, loop_cached(&loop->client) == 1);
	large_no_memory();
	for (i = 1; i < 20; i++) {
		loop_send(&loop->client, i, 0);
		large_expect_arrived(loop, i + 1);
		loop_wait(&loop->client, loop_cached(&loop->client) == 1);
	}
	KUNIT_EXPECT_EQ(test, large_stops(), 0);
}

static void opened_again(struct loop *loop)
{
	struct end *client = &loop->client, *server = &loop->server;

	KUNIT_EXPECT_EQ(loop->test, READ_ONCE(server->ch->rx.large.cached), 0);
	KUNIT_ASSERT_EQ(loop->test, kmcl_channel_enable(client->ch), 0);
	loop_wait_state(client, "Active");
	loop_wait_state(server, "Active");
	loop_send_long(client, 1, LARGE, 0);
	large_expect_arrived(loop, 2);
}

static void disabled_while_it_waits(struct kunit *test)
{
	struct loop *loop = test->priv;

	wait_for_memory(loop);
	loop_job_wait(loop_disable(&loop->client));
	loop_wait_state(&loop->server, "Started");
	large_memory_again();
	opened_again(loop);
}

static void rescinded_while_it_waits(struct kunit *test)
{
	struct loop *loop = test->priv;

	wait_for_memory(loop);
	loop_job_wait(loop_disable(&loop->server));
	loop_wait_state(&loop->client, "Disabled");
	large_memory_again();
	KUNIT_ASSERT_EQ(test, kmcl_channel_start(loop->server.ch), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->server.ch), 0);
	opened_again(loop);
}

/* What allocates it has been begun, but has not come far, or is done */
static void disabled_while_it_is_allocated(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	u32 i;

	large_bring_up(loop, LARGE);
	server->ignore = true;
	for (i = 0; i < 30; i++) {
		loop_send_long(client, i, LARGE, 0);
		if (i % 2)
			loop_wait(server, large_stops() > i / 2);
		loop_job_wait(loop_disable(client));
		loop_wait_state(server, "Started");
		KUNIT_EXPECT_EQ(test, loop_counters(server).memory, 0);
		KUNIT_ASSERT_EQ(test, kmcl_channel_enable(client->ch), 0);
		loop_wait_state(client, "Active");
		loop_wait_state(server, "Active");
	}
	KUNIT_EXPECT_EQ(test, large_fx.wrong, 0);
}

static void defer_first(struct end *e, struct kmcl_context *ctx, u64 value)
{
	if (in_task())
		large_check_and_complete(e, ctx, value);
	else
		kmcl_packet_defer(ctx);
}

static void deferred(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	loop->server.process = defer_first;
	loop->server.ignore = true;
	large_bring_up(loop, LARGE);
	for (i = 0; i < 20; i++)
		loop_send_long(&loop->client, i, i % 3 ? 8 : LARGE,
			       i % 2 ? KMCL_SEND_WAIT : 0);
	loop_wait(&loop->client, loop_done(&loop->client) == 20);
	loop_wait(&loop->server, loop_counters(&loop->server).deferred);
	loop_poll(&loop->server, c->delivered == 20 && !c->memory);
	KUNIT_EXPECT_EQ(test, large_fx.wrong, 0);
}

/* Nobody reads what the server sends: the answer has to wait, and takes no memory */
static void answer_waits(struct kunit *test, u32 len, bool memory)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	static const u8 filler[512];
	struct sent *s;
	u64 *answer;
	u32 i;

	answer = kunit_kmalloc(test, LARGE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, answer);
	for (i = 0; i < LARGE / 8; i++)
		answer[i] = 77;
	large_check_and_keep(server);
	client->ignore = true;
	large_bring_up(loop, LARGE);
	s = loop_send(client, 0, KMCL_SEND_WAIT);
	loop_wait(server, loop_kept(server) == 1);
	kmcl_channel_pause(client->ch);
	while (!loop_counters(server).queued)
		KUNIT_ASSERT_EQ(test, 0, kmcl_send_buf(server->ch, filler,
						       sizeof(filler)));
	if (!memory)
		large_no_memory();
	kmcl_complete(server->kept[0], answer, len);
	server->kept[0] = NULL;
	memset(answer, 0, LARGE);
	KUNIT_EXPECT_EQ(test, loop_counters(server).memory,
			server->ch->rx.large.bytes);
	large_memory_again();
	KUNIT_ASSERT_EQ(test, kmcl_channel_start(client->ch), 0);
	loop_wait(client, s->done);
	KUNIT_EXPECT_EQ(test, s->status, 0);
	KUNIT_EXPECT_EQ(test, s->len, len);
	KUNIT_EXPECT_EQ(test, s->reply, 77);
	loop_poll(server, !c->memory);
}

static void the_longest_answer_without_memory(struct kunit *test)
{
	answer_waits(test, LARGE, false);
}

/* Its memory could be a smaller block, but not a page */
static void a_long_answer_is_not_copied(struct kunit *test)
{
	answer_waits(test, LARGE / 4, true);
}

/* No small context could have the driver's memory */
static void a_large_context_of_the_drivers(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	KUNIT_ASSERT_EQ(test, kmcl_set_context_size(loop->server.ch, SZ_16K), 0);
	large_check_and_keep(&loop->server);
	large_bring_up(loop, LARGE);
	for (i = 0; i < 20; i++)
		loop_send_long(&loop->client, i, i % 3 ? LARGE : 8,
			       i % 2 ? KMCL_SEND_WAIT : 0);
	large_expect_arrived(loop, 20);
	for (i = 0; i < 20; i++)
		KUNIT_EXPECT_NULL(test, memchr_inv(kmcl_context_priv(loop->server.kept[i]),
						   0, SZ_16K));
	loop_complete_all(&loop->server);
	loop_wait(&loop->client, loop_done(&loop->client) == 20);
}

static struct kunit_case large_cases[] = {
	/* KMCL: VmbChannelInitSetMaximumPacketSize EVT_VMB_CHANNEL_PROCESS_PACKET */
	KUNIT_CASE(packets_of_128_kib),
	KUNIT_CASE(packets_of_the_largest_size),
	KUNIT_CASE(a_page_is_no_large_packet),
	KUNIT_CASE(the_first_packet_without_memory),
	KUNIT_CASE(many_are_kept),
	KUNIT_CASE(it_arrives_when_there_is_memory),
	KUNIT_CASE(small_ones_without_memory),
	/* KMCL: VmbChannelDisable */
	KUNIT_CASE(disabled_while_it_waits),
	KUNIT_CASE(rescinded_while_it_waits),
	KUNIT_CASE_SLOW(disabled_while_it_is_allocated),
	/* KMCL: VmbChannelPacketDeferToPassive */
	KUNIT_CASE(deferred),
	/* KMCL: VmbChannelPacketComplete */
	KUNIT_CASE(the_longest_answer_without_memory),
	KUNIT_CASE(a_long_answer_is_not_copied),
	/* KMCL: VmbChannelInitSetClientContextSize */
	KUNIT_CASE(a_large_context_of_the_drivers),
	{}
};

static struct kunit_suite large_suite = {
	.name = "kmcl_large",
	.init = large_init,
	.exit = large_exit,
	.test_cases = large_cases,
};

kunit_test_suite(large_suite);
