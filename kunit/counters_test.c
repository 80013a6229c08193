// SPDX-License-Identifier: GPL-2.0
/*
 * What a channel counts. sysfs_test.c looks at what is shown of it.
 */
#include "harness.h"

static void peaks_stay(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_counters c;
	u32 i;

	loop->server.keep = true;
	for (i = 0; i < 5; i++)
		loop_send(&loop->client, i, KMCL_SEND_WAIT);
	for (i = 5; i < 8; i++)
		loop_send(&loop->client, i, 0);
	c = loop_counters(&loop->client);
	KUNIT_EXPECT_EQ(test, c.queued, 8);
	KUNIT_EXPECT_EQ(test, c.queued_peak, 8);
	loop_up(loop);
	loop_wait(&loop->server, loop_kept(&loop->server) == 8);
	c = loop_counters(&loop->client);
	KUNIT_EXPECT_EQ(test, c.queued, 0);
	KUNIT_EXPECT_EQ(test, c.queued_peak, 8);
	KUNIT_EXPECT_EQ(test, c.in_flight, 5);
	KUNIT_EXPECT_EQ(test, c.in_flight_peak, 5);
	KUNIT_EXPECT_EQ(test, c.in_ring, 3);
	KUNIT_EXPECT_EQ(test, c.sent, 8);
	loop_complete_all(&loop->server);
	loop_wait(&loop->client, loop_done(&loop->client) == 8);
	c = loop_counters(&loop->client);
	KUNIT_EXPECT_EQ(test, c.in_flight, 0);
	KUNIT_EXPECT_EQ(test, c.in_flight_peak, 5);
	KUNIT_EXPECT_EQ(test, c.completed, 8);
	/* Fewer packets later do not lower the peak */
	kmcl_channel_pause(loop->client.ch);
	loop_send(&loop->client, 8, KMCL_SEND_WAIT);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued_peak, 8);
	loop->server.keep = false;
	kmcl_channel_start(loop->client.ch);
	loop_wait(&loop->client, loop_done(&loop->client) == 9);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).in_flight_peak, 5);
	c = loop_counters(&loop->server);
	KUNIT_EXPECT_EQ(test, c.outstanding, 0);
	KUNIT_EXPECT_EQ(test, c.outstanding_peak, 8);
	KUNIT_EXPECT_EQ(test, c.delivered, 9);
	KUNIT_EXPECT_EQ(test, c.comps_sent, 6);
	KUNIT_EXPECT_EQ(test, c.batches, loop->server.batches);
	KUNIT_EXPECT_GT(test, c.batches, 0);
}

static void defer_then_fail(struct end *e, struct kmcl_context *ctx,
			    u64 value)
{
	if (!in_task())
		kmcl_packet_defer(ctx);
	else
		kmcl_packet_fail(ctx);
}

static void deferred_and_failed_packets(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_counters c;

	loop->server.process = defer_then_fail;
	loop_up(loop);
	loop_send(&loop->client, 1, 0);
	loop_wait(&loop->server, loop_counters(&loop->server).failed == 1);
	c = loop_counters(&loop->server);
	KUNIT_EXPECT_EQ(test, c.deferred, 1);
	KUNIT_EXPECT_EQ(test, c.delivered, 1);
	KUNIT_EXPECT_EQ(test, c.bad_packets, 1);
	KUNIT_EXPECT_EQ(test, c.bad[KMCL_BAD_DRIVER], 1);
	/* The packet is not outstanding any more */
	KUNIT_EXPECT_EQ(test, c.batches, 1);
}

/* More than one run of the softirq delivers */
static void turns_are_counted(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i, n = 2 * KMCL_RX_BUDGET + 10;
	struct kmcl_counters c;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_ring_pages(loop->client.ch, 16, 16));
	loop_up_paused(loop);
	for (i = 0; i < n; i++)
		loop_send(&loop->client, i, 0);
	KUNIT_ASSERT_EQ(test, loop_counters(&loop->client).full, 0);
	kmcl_channel_start(loop->server.ch);
	loop_wait(&loop->server, READ_ONCE(loop->server.batch_packets) == n);
	c = loop_counters(&loop->server);
	KUNIT_EXPECT_EQ(test, c.budget_stops, 2);
	KUNIT_EXPECT_EQ(test, loop->server.batches, 3);
}

static void bad_packets_by_kind(struct kunit *test)
{
	static const u8 zeroes[128];
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	struct kmcl_counters c;
	u64 value = 77;
	u32 i;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(server->ch, 64));
	loop_up(loop);
	/* Every type that has no use here, and one that is too long */
	for (i = 0; i < 16; i++)
		if (i != KMCL_WIRE_DATA_INBAND && i != KMCL_WIRE_COMP &&
		    i != KMCL_WIRE_DATA_GPA_DIRECT)
			loop_inject(&loop->client, i, 0, NULL, 0, &value, 8);
	loop_inject(&loop->client, KMCL_WIRE_DATA_INBAND, 0, NULL, 0, zeroes, 72);
	loop_inject(&loop->client, KMCL_WIRE_COMP, 0, NULL, 0, zeroes, 72);
	/* Ranges that are none */
	loop_inject(&loop->client, KMCL_WIRE_DATA_GPA_DIRECT, 0, zeroes, 8,
		    zeroes, 8);
	loop_send(&loop->client, 5, 0);
	loop_wait(server, loop_got(server) == 1);
	KUNIT_EXPECT_EQ(test, server->got[0], 5);
	c = loop_counters(server);
	KUNIT_EXPECT_EQ(test, c.bad[KMCL_BAD_TYPE], 13);
	KUNIT_EXPECT_EQ(test, c.bad[KMCL_BAD_SIZE], 1);
	KUNIT_EXPECT_EQ(test, c.bad[KMCL_BAD_EXTERNAL], 1);
	KUNIT_EXPECT_EQ(test, c.bad_packets, 15);
	/* The completion is nobody's, whatever its length */
	KUNIT_EXPECT_EQ(test, c.comps_stale, 1);
	KUNIT_EXPECT_EQ(test, c.comps_too_long, 0);

	/* And one that ends the ring: longer than what is there */
	loop_inject_len8(&loop->client, 100);
	loop_wait(server, loop_counters(server).bad[KMCL_BAD_LENGTH] == 1);
	KUNIT_EXPECT_EQ(test, loop_counters(server).bad_packets, 16);
}

static struct kunit_case counters_cases[] = {
	KUNIT_CASE(peaks_stay),
	KUNIT_CASE(deferred_and_failed_packets),
	KUNIT_CASE(turns_are_counted),
	KUNIT_CASE(bad_packets_by_kind),
	{}
};

static struct kunit_suite counters_suite = {
	.name = "kmcl_counters",
	.init = loop_init,
	.exit = loop_exit,
	.test_cases = counters_cases,
};

kunit_test_suite(counters_suite);
