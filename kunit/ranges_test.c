// SPDX-License-Identifier: GPL-2.0
/*
 * Transfer page packets, as a network host sends them: what the client's driver
 * gets of their ranges, and which are dropped and counted. The server's end of
 * the ring is written as no server can, byte for byte. Needs loopback only.
 * The client's callback runs in softirq or process context; a case looks at what
 * it left only when it has counted the packet.
 */
#include <linux/slab.h>

#include "harness.h"

#define GPA_DIRECT	9
#define XFER_PAGES	7
#define MOST		32U		/* ranges, if the limit is not set */
#define MOST_BYTES	(128U * 1024)

struct ranges_fixture {
	struct kmcl_context *ctx;	/* kept */
	u32 flags;
	u32 len;
	u8 payload[16];
	u32 packets;
	u32 deferred;
	bool defer;			/* each packet, once */
	bool keep;
};

static struct ranges_fixture fx;

static void client_process(struct kmcl_channel *ch, struct kmcl_context *ctx,
			   void *buf, u32 len, u32 flags)
{
	struct end *e = loop_end(ch);

	if (fx.defer) {
		fx.defer = false;
		fx.deferred++;
		kmcl_packet_defer(ctx);
		return;
	}
	fx.flags = flags;
	fx.len = len;
	memcpy(fx.payload, buf, min_t(u32, len, sizeof(fx.payload)));
	if (fx.keep && !fx.ctx)
		fx.ctx = ctx;
	else
		kmcl_complete(ctx, NULL, 0);
	WRITE_ONCE(fx.packets, fx.packets + 1);
	wake_up_all(&e->wait);
}

static int ranges_init(struct kunit *test)
{
	int ret = loop_init(test);
	struct loop *loop = test->priv;

	memset(&fx, 0, sizeof(fx));
	if (ret)
		return ret;
	return kmcl_set_process(loop->client.ch, client_process, NULL);
}

static void ranges_exit(struct kunit *test)
{
	if (fx.ctx)
		kmcl_complete(fx.ctx, NULL, 0);
	loop_exit(test);
}

/* The header's first word: set 0xcafe, and so many ranges */
static u64 head(u32 ranges)
{
	return (u64)ranges << 32 | 0xcafe;
}

static u64 range(u32 offset, u32 bytes)
{
	return (u64)offset << 32 | bytes;
}

static void inject(struct loop *loop, u16 flags, const u64 *header, u32 words)
{
	loop_inject(&loop->server, XFER_PAGES, flags, header, 8 * words,
		    "payload", 8);
}

static void wait_packets(struct loop *loop, u32 packets)
{
	loop_wait(&loop->client, READ_ONCE(fx.packets) >= packets);
}

/* That it is the next packet, with these ranges */
static void expect_ranges(struct kunit *test, const u64 *want, u32 count)
{
	const struct kmcl_range *ranges = NULL;
	u16 set = 0;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, fx.ctx);
	KUNIT_EXPECT_EQ(test, fx.flags, KMCL_PACKET_EXTERNAL);
	KUNIT_EXPECT_EQ(test, fx.len, 8);
	KUNIT_EXPECT_STREQ(test, (char *)fx.payload, "payload");
	KUNIT_ASSERT_EQ(test, kmcl_packet_ranges(fx.ctx, &set, &ranges), count);
	KUNIT_EXPECT_EQ(test, set, 0xcafe);
	for (i = 0; i < count; i++)
		KUNIT_EXPECT_EQ_MSG(test, range(ranges[i].offset,
						ranges[i].bytes), want[i],
				    "range %u", i);
}

static void end_packet(struct loop *loop)
{
	struct kmcl_context *ctx = fx.ctx;

	fx.ctx = NULL;
	kmcl_complete(ctx, NULL, 0);
	KUNIT_EXPECT_EQ(loop->test, loop_counters(&loop->client).outstanding, 0);
	KUNIT_EXPECT_EQ(loop->test, loop_counters(&loop->client).external, 0);
}

static void ranges_arrive_and_are_completed(struct kunit *test)
{
	const u64 header[] = {
		head(3), range(0, 1), range(0x10000, 2000),
		range(U32_MAX - 5, 5)
	};
	struct loop *loop = test->priv;

	fx.keep = true;
	loop_up(loop);
	inject(loop, 1, header, 4);
	wait_packets(loop, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).external, 1);
	expect_ranges(test, header + 1, 3);
	/* The id need not be asked for */
	KUNIT_EXPECT_EQ(test, kmcl_packet_ranges(fx.ctx, NULL, NULL), -EINVAL);
	end_packet(loop);
	/* The sender has asked for a completion; its own id is not known here */
	loop_poll(&loop->server, c->comps_stale == 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).comps_sent, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).bad_packets, 0);
}

/* As in-tree drivers, which look only at whether they are all there */
static void a_header_may_be_longer_than_its_ranges(struct kunit *test)
{
	const u64 header[] = { head(1), range(8, 16), ~0ULL, ~0ULL };
	struct loop *loop = test->priv;

	fx.keep = true;
	loop_up(loop);
	inject(loop, 0, header, 4);
	wait_packets(loop, 1);
	expect_ranges(test, header + 1, 1);
	end_packet(loop);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).comps_sent, 0);
}

/* The peer can write there as long as the client has the packet */
static void ranges_do_not_change_after_the_check(struct kunit *test)
{
	const u64 header[] = { head(2), range(0, 4096), range(4096, 4096) };
	struct loop *loop = test->priv;
	struct kmcl_ring *ring = &loop->server.ch->tx.ring;

	fx.keep = true;
	loop_up(loop);
	inject(loop, 0, header, 3);
	wait_packets(loop, 1);
	memset(ring->data, 0xff, ring->size);
	expect_ranges(test, header + 1, 2);
	end_packet(loop);
}

static void a_deferred_packet_keeps_its_ranges(struct kunit *test)
{
	const u64 header[] = { head(1), range(1, 2) };
	struct loop *loop = test->priv;

	fx.keep = true;
	fx.defer = true;
	loop_up(loop);
	inject(loop, 0, header, 2);
	wait_packets(loop, 1);
	KUNIT_EXPECT_EQ(test, fx.deferred, 1);
	expect_ranges(test, header + 1, 1);
	end_packet(loop);
}

static void contexts_of_the_driver_and_ranges_are_apart(struct kunit *test)
{
	struct loop *loop = test->priv;
	u64 *header = kunit_kcalloc(test, 1 + MOST, sizeof(u64), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, header);
	/* Of an odd size; what is behind it is the ranges' */
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_context_size(loop->client.ch, 13));
	fx.keep = true;
	loop_up(loop);
	header[0] = head(MOST);
	for (i = 0; i < MOST; i++)
		header[1 + i] = range(i, MOST_BYTES / MOST);
	inject(loop, 0, header, 1 + MOST);
	wait_packets(loop, 1);
	KUNIT_ASSERT_NOT_NULL(test, fx.ctx);
	memset(kmcl_context_priv(fx.ctx), 0xff, 13);
	expect_ranges(test, header + 1, MOST);
	end_packet(loop);
}

#define LONG	100

static const struct bad_ranges {
	const char *name;
	u32 words;
	u64 word[4];		/* one byte in those that are left out */
} bad_ranges[] = {
	{ "no header", 0 },
	{ "no ranges", 1, { 0xcafe } },
	{ "no ranges, and one", 2, { 0xcafe, 1 } },
	{ "more ranges than there are", 2, { 2ULL << 32, 1 } },
	{ "more ranges than a header can have", 2, { 0x20000001ULL << 32, 1 } },
	{ "most ranges", LONG, { ~0ULL << 32 } },
	{ "one range more than allowed", LONG, { (MOST + 1ULL) << 32, 1 } },
	{ "a range of no bytes", 2, { 1ULL << 32, 0x100000000 } },
	{ "the second one of no bytes", 3, { 2ULL << 32, 1, 0 } },
	{ "an end beyond 32 bits", 2, { 1ULL << 32, 0xffffffff00000001 } },
	{ "the second one beyond 32 bits", 3,
	  { 2ULL << 32, 1, 0xffff000000010000 } },
	{ "most bytes", 2, { 1ULL << 32, U32_MAX } },
	{ "one byte more than allowed", 3,
	  { 2ULL << 32, MOST_BYTES, 1 } },
};

KUNIT_ARRAY_PARAM_DESC(bad_ranges, bad_ranges, name);

static void bad_ranges_are_dropped_and_counted(struct kunit *test)
{
	const struct bad_ranges *bad = test->param_value;
	const u64 good[] = { head(1), range(0, MOST_BYTES) };
	u64 header[LONG];
	struct loop *loop = test->priv;
	u32 w;

	loop_up(loop);
	for (w = 0; w < LONG; w++)
		header[w] = w < 4 && bad->word[w] ? bad->word[w] : 1;
	if (bad->words == 3 && !bad->word[2])
		header[2] = 0;
	inject(loop, 1, header, bad->words);
	loop_send(&loop->server, 1, 0);
	wait_packets(loop, 1);
	KUNIT_EXPECT_EQ(test, fx.flags, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).bad_packets, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).bad[KMCL_BAD_EXTERNAL],
			1);
	/* A valid one is delivered: the ranges were the only reason */
	inject(loop, 1, good, 2);
	wait_packets(loop, 2);
	KUNIT_EXPECT_EQ(test, fx.flags, KMCL_PACKET_EXTERNAL);
}

static void the_clients_limits_hold(struct kunit *test)
{
	const u64 header[] = { head(3), range(0, 3), range(3, 3), range(6, 3) };
	const u64 fewer[] = { head(2), range(0, 5), range(5, 5) };
	const u64 longer[] = { head(2), range(0, 5), range(5, 6) };
	struct loop *loop = test->priv;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_external(loop->client.ch, 10, 2));
	fx.keep = true;
	loop_up(loop);
	inject(loop, 0, header, 4);
	inject(loop, 0, longer, 3);
	inject(loop, 0, fewer, 3);
	wait_packets(loop, 1);
	expect_ranges(test, fewer + 1, 2);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).bad[KMCL_BAD_EXTERNAL],
			2);
	end_packet(loop);
}

/* As many ranges as the header of one packet can carry, and no more memory */
static void limits_that_no_packet_can_reach(struct kunit *test)
{
	const u64 header[] = { head(1), range(0, U32_MAX) };
	struct loop *loop = test->priv;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_external(loop->client.ch, U32_MAX,
						       U32_MAX));
	fx.keep = true;
	loop_up(loop);
	inject(loop, 0, header, 2);
	wait_packets(loop, 1);
	expect_ranges(test, header + 1, 1);
	end_packet(loop);
}

static void a_server_and_a_pipe_get_none(struct kunit *test)
{
	const u64 header[] = { head(1), range(0, 1) };
	struct loop *loop = test->priv;
	struct end *server = &loop->server;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_flags(server->ch, KMCL_INIT_PIPE));
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_flags(loop->client.ch,
						KMCL_INIT_PIPE));
	loop_up(loop);
	loop_inject(&loop->client, XFER_PAGES, 0, header, 16, "payload", 8);
	inject(loop, 0, header, 2);
	loop_send(server, 1, 0);
	loop_send(&loop->client, 1, 0);
	wait_packets(loop, 1);
	loop_wait(server, loop_got(server) == 1);
	KUNIT_EXPECT_EQ(test, fx.flags, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).bad[KMCL_BAD_TYPE], 1);
	KUNIT_EXPECT_EQ(test, loop_counters(server).bad[KMCL_BAD_TYPE], 1);
}

/* Neither call gives what the other one has */
static void ranges_are_no_frames(struct kunit *test)
{
	const u64 header[] = { head(1), range(0, 1) };
	const struct kmcl_range *ranges;
	struct loop *loop = test->priv;
	struct kmcl_mdl *mdl;

	fx.keep = true;
	loop_up(loop);
	inject(loop, 0, header, 2);
	wait_packets(loop, 1);
	KUNIT_ASSERT_NOT_NULL(test, fx.ctx);
	KUNIT_EXPECT_EQ(test, kmcl_packet_external(fx.ctx, 0, &mdl),
			-EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, kmcl_packet_external(fx.ctx, 2, &mdl), -EINVAL);
	end_packet(loop);
	loop_send(&loop->server, 1, 0);
	wait_packets(loop, 2);
	KUNIT_ASSERT_NOT_NULL(test, fx.ctx);
	KUNIT_EXPECT_EQ(test, kmcl_packet_ranges(fx.ctx, NULL, &ranges),
			-ENODATA);
	end_packet(loop);
	KUNIT_EXPECT_EQ(test, kmcl_packet_ranges(NULL, NULL, &ranges), -ENODATA);
}

static void frames_are_no_ranges(struct kunit *test)
{
	const struct kmcl_range *ranges;
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	u8 *mem = kunit_kzalloc(test, 8, GFP_KERNEL);
	struct kmcl_packet *pkt;
	struct kmcl_mdl *mdl;

	KUNIT_ASSERT_NOT_NULL(test, mem);
	mdl = kmcl_mdl_from_buffer(mem, 8, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mdl);
	server->keep = true;
	loop_up(loop);
	pkt = kmcl_packet_alloc(loop->client.ch);
	KUNIT_EXPECT_NOT_NULL(test, pkt);
	if (pkt)
		KUNIT_EXPECT_EQ(test, 0, kmcl_send_mdl(pkt, "payload", 8, mdl,
						       KMCL_SEND_WAIT));
	kmcl_mdl_free(mdl);
	loop_wait(server, loop_kept(server) == 1);
	KUNIT_EXPECT_EQ(test, kmcl_packet_ranges(server->kept[0], NULL, &ranges),
			-ENODATA);
	loop_complete_all(server);
}

static void the_end_of_a_range_is_in_its_memory(struct kunit *test)
{
	const struct kmcl_range r = { .bytes = 10, .offset = 90 };
	const struct kmcl_range most = { .bytes = 5, .offset = U32_MAX - 5 };

	KUNIT_EXPECT_TRUE(test, kmcl_range_ok(&r, 100));
	KUNIT_EXPECT_FALSE(test, kmcl_range_ok(&r, 99));
	KUNIT_EXPECT_FALSE(test, kmcl_range_ok(&r, 0));
	KUNIT_EXPECT_TRUE(test, kmcl_range_ok(&most, U32_MAX));
	KUNIT_EXPECT_FALSE(test, kmcl_range_ok(&most, U32_MAX - 1));
}

/* Disabling waits for it, and afterwards there is nothing left of it */
static void a_packet_that_is_held_over_a_close(struct kunit *test)
{
	const u64 header[] = { head(1), range(0, 1) };
	struct loop *loop = test->priv;
	struct job *job;

	fx.keep = true;
	loop_up(loop);
	inject(loop, 1, header, 2);
	wait_packets(loop, 1);
	job = loop_disable(&loop->client);
	loop_wait_event(&loop->client, SUSPEND, 1);
	expect_ranges(test, header + 1, 1);
	KUNIT_EXPECT_EQ(test, loop_count(&loop->client, CLOSED), 0);
	end_packet(loop);
	loop_job_wait(job);
	KUNIT_EXPECT_EQ(test, loop_count(&loop->client, CLOSED), 1);
}

static struct kunit_case ranges_cases[] = {
	KUNIT_CASE(ranges_arrive_and_are_completed),
	KUNIT_CASE(a_header_may_be_longer_than_its_ranges),
	KUNIT_CASE(ranges_do_not_change_after_the_check),
	KUNIT_CASE(a_deferred_packet_keeps_its_ranges),
	KUNIT_CASE(contexts_of_the_driver_and_ranges_are_apart),
	KUNIT_CASE_PARAM(bad_ranges_are_dropped_and_counted, bad_ranges_gen_params),
	KUNIT_CASE(the_clients_limits_hold),
	KUNIT_CASE(limits_that_no_packet_can_reach),
	KUNIT_CASE(a_server_and_a_pipe_get_none),
	KUNIT_CASE(ranges_are_no_frames),
	KUNIT_CASE(frames_are_no_ranges),
	KUNIT_CASE(the_end_of_a_range_is_in_its_memory),
	KUNIT_CASE(a_packet_that_is_held_over_a_close),
	{}
};

static struct kunit_suite ranges_suite = {
	.name = "kmcl_ranges",
	.init = ranges_init,
	.exit = ranges_exit,
	.test_cases = ranges_cases,
};

kunit_test_suite(ranges_suite);

MODULE_DESCRIPTION("KUnit tests of KMCL's transfer page packets");
MODULE_LICENSE("GPL");
