// SPDX-License-Identifier: GPL-2.0
/*
 * Channels made from a description: its sizes and limits, and what they are where it
 * has none. See client_test.c for its other fields, and client_harness.h for contexts
 * and locks.
 */
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "client_harness.h"

static int ask(struct kmcl_channel *ch, void *reply, u32 *reply_len)
{
	static const u8 question[8] = "eight..";

	return kmcl_send_sync(ch, question, sizeof(question), KMCL_SEND_WAIT,
			      reply, reply_len, 10LL * NSEC_PER_SEC);
}

/* Send @count times the frame of @mem, in a packet of its own */
static int send_frames(struct kunit *test, struct kmcl_channel *ch, void *mem,
		       u32 count)
{
	unsigned long pfns[33];
	struct kmcl_packet *pkt = kmcl_packet_alloc(ch);
	int ret;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, pkt);
	KUNIT_ASSERT_LE(test, count, ARRAY_SIZE(pfns));
	for (i = 0; i < count; i++)
		pfns[i] = page_to_phys(virt_to_page(mem)) >> KMCL_PFN_SHIFT;
	ret = kmcl_send_pfns(pkt, NULL, 0, pfns, count, KMCL_SEND_WAIT);
	if (ret)
		kmcl_packet_free(pkt);
	return ret;
}

/* Send @count pieces of @mem */
static int send_pieces(struct kunit *test, struct kmcl_channel *ch, void *mem,
		       u32 count)
{
	struct kmcl_packet *pkt = kmcl_packet_alloc(ch);
	struct scatterlist sg[33];
	int ret;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, pkt);
	KUNIT_ASSERT_LE(test, count, ARRAY_SIZE(sg));
	sg_init_table(sg, count);
	for (i = 0; i < count; i++)
		sg_set_buf(&sg[i], mem, 8);
	ret = kmcl_send_sg(pkt, NULL, 0, sg, count, KMCL_SEND_WAIT);
	if (ret)
		kmcl_packet_free(pkt);
	return ret;
}

static void zero_means_the_default(struct kunit *test)
{
	static const struct kmcl_client plain_client = { .type = TYPE };
	static const struct kmcl_server plain_server = {
		.type = TYPE,
		.instance = &client_instance,
	};
	u8 *mem = kunit_kzalloc(test, 2 * PAGE_SIZE, GFP_KERNEL);
	u64 reply[2];
	u32 len = sizeof(reply);
	guid_t seen;

	KUNIT_ASSERT_NOT_NULL(test, mem);
	client_make(test, &plain_client);
	client_make_server(test, &plain_server);
	kmcl_get_instance(made.client.ch, &seen);
	KUNIT_EXPECT_TRUE(test, guid_is_null(&seen));
	KUNIT_EXPECT_STREQ(test, kmcl_name(made.client.ch), "unnamed");

	/* All of these are queued */
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(made.client.ch, mem, 4096), 0);
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(made.client.ch, mem, 4097), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, send_frames(test, made.client.ch, mem, 32), 0);
	KUNIT_EXPECT_EQ(test, send_frames(test, made.client.ch, mem, 33), -E2BIG);
	KUNIT_EXPECT_EQ(test, send_pieces(test, made.client.ch, mem, 32), 0);
	KUNIT_EXPECT_EQ(test, send_pieces(test, made.client.ch, mem, 33), -E2BIG);

	/* And completed by the server, without data */
	KUNIT_ASSERT_EQ(test, kmcl_channel_start(made.server.ch), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(made.server.ch), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(made.client.ch), 0);
	KUNIT_EXPECT_EQ(test, ask(made.client.ch, reply, &len), 0);
	KUNIT_EXPECT_EQ(test, len, 0);
}

static void the_sizes_count(struct kunit *test)
{
	u8 *mem = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	struct kmcl_client c = client_described;
	struct kmcl_server s = server_described;

	KUNIT_ASSERT_NOT_NULL(test, mem);
	c.packet_bytes = 100;
	c.external_bytes = 8192;
	c.external_ranges = 2;
	client_make(test, &c);
	s.packet_bytes = 200;
	client_make_server(test, &s);
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(made.client.ch, mem, 100), 0);
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(made.client.ch, mem, 101), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(made.server.ch, mem, 200), 0);
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(made.server.ch, mem, 201), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, send_frames(test, made.client.ch, mem, 2), 0);
	KUNIT_EXPECT_EQ(test, send_frames(test, made.client.ch, mem, 3), -E2BIG);
	KUNIT_EXPECT_EQ(test, send_pieces(test, made.client.ch, mem, 2), 0);
	KUNIT_EXPECT_EQ(test, send_pieces(test, made.client.ch, mem, 3), -E2BIG);
}

/* The client sends what only its own description allows */
static void a_servers_limits_for_external_data(struct kunit *test)
{
	u8 *mem = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	struct kmcl_server s = server_described;
	struct kmcl_counters c;

	KUNIT_ASSERT_NOT_NULL(test, mem);
	s.external_bytes = 8192;
	s.external_ranges = 2;
	client_make(test, &client_described);
	client_make_server(test, &s);
	client_open_both(test);
	KUNIT_EXPECT_EQ(test, send_frames(test, made.client.ch, mem, 2), 0);
	KUNIT_EXPECT_EQ(test, send_pieces(test, made.client.ch, mem, 2), 0);
	client_wait_packets(test, &made.server, 2);
	KUNIT_EXPECT_EQ(test, send_frames(test, made.client.ch, mem, 3), 0);
	KUNIT_EXPECT_EQ(test, send_pieces(test, made.client.ch, mem, 3), 0);
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(made.client.ch, mem, 8), 0);
	client_wait_packets(test, &made.server, 3);
	kmcl_get_counters(made.server.ch, &c);
	KUNIT_EXPECT_EQ(test, c.bad[KMCL_BAD_EXTERNAL], 2);
}

static void each_packet_has_a_context(struct kunit *test)
{
	struct kmcl_client c = client_described;
	struct kmcl_server s = server_described;
	u32 i;

	c.context_bytes = 3000;
	made.client.context_bytes = 3000;
	s.context_bytes = 300;
	made.server.context_bytes = 300;
	client_make(test, &c);
	client_make_server(test, &s);
	client_open_both(test);
	for (i = 0; i < 3; i++)
		client_send_both(test);
	client_wait_packets(test, &made.client, 3);
	client_wait_packets(test, &made.server, 3);
	KUNIT_EXPECT_EQ(test, made.client.dirty, 0);
	KUNIT_EXPECT_EQ(test, made.server.dirty, 0);
}

static void expect_quota(struct kunit *test, struct kmcl_channel *ch, u32 quota)
{
	struct kmcl_counters n;

	kmcl_get_counters(ch, &n);
	KUNIT_EXPECT_EQ(test, n.outstanding_peak, quota);
	KUNIT_EXPECT_GT(test, n.quota_stops, 0);
}

/*
 * Each side sends KEPT packets and completes what it gets one by one: it has at
 * most as many as its limit at a time.
 */
static void keep_at_limits(struct kunit *test, u32 client_limit,
			   u32 server_limit)
{
	u32 i;

	made.client.keep = true;
	made.server.keep = true;
	client_open_both(test);
	for (i = 0; i < KEPT; i++)
		client_send_both(test);
	for (i = 0; i < KEPT; i++) {
		client_wait_packets(test, &made.client, min(i + client_limit, KEPT));
		client_wait_packets(test, &made.server, min(i + server_limit, KEPT));
		kmcl_complete(made.client.kept[i], NULL, 0);
		kmcl_complete(made.server.kept[i], NULL, 0);
	}
}

static void the_quota_stops_delivery(struct kunit *test)
{
	struct kmcl_client c = client_described;
	struct kmcl_server s = server_described;

	c.quota = 1;
	s.quota = 2;
	client_make(test, &c);
	client_make_server(test, &s);
	keep_at_limits(test, 1, 2);
	expect_quota(test, made.client.ch, 1);
	expect_quota(test, made.server.ch, 2);
}

static void the_limit_of_memory_stops_delivery(struct kunit *test)
{
	struct kmcl_client c = client_described;
	struct kmcl_server s = server_described;
	struct kmcl_counters n;

	/* Less than two, and, by default, any number of them */
	s.memory_bytes = 2000;
	client_make(test, &c);
	client_make_server(test, &s);
	keep_at_limits(test, KEPT, 1);
	kmcl_get_counters(made.server.ch, &n);
	KUNIT_EXPECT_EQ(test, n.outstanding_peak, 1);
	KUNIT_EXPECT_GT(test, n.limit_stops, 0);
	kmcl_get_counters(made.client.ch, &n);
	KUNIT_EXPECT_EQ(test, n.limit_stops, 0);
}

static struct kunit_case client_limits_cases[] = {
	KUNIT_CASE(zero_means_the_default),
	KUNIT_CASE(the_sizes_count),
	KUNIT_CASE(a_servers_limits_for_external_data),
	KUNIT_CASE(each_packet_has_a_context),
	KUNIT_CASE(the_quota_stops_delivery),
	KUNIT_CASE(the_limit_of_memory_stops_delivery),
	{}
};

static struct kunit_suite client_limits_suite = {
	.name = "kmcl_client_limits",
	.init = client_init,
	.exit = client_exit,
	.test_cases = client_limits_cases,
};

kunit_test_suite(client_limits_suite);
