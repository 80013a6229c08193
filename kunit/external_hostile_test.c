// SPDX-License-Identifier: GPL-2.0
/*
 * External data from a hostile peer, and from one that goes away. Packets are
 * written into the ring as no client would; each is dropped and counted, and
 * the next valid one arrives. Needs loopback only.
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "harness.h"

#define FRAME		4096U
#define GPA_DIRECT	9
#define WAIT		KMCL_SEND_WAIT

struct hostile_fixture {
	u8 *mem;			/* one page */
	unsigned long pfn;
	struct kmcl_mdl *mdl;
	struct kmcl_context *ctx;	/* kept by the server */
	u32 packets;
	u32 external;
	u32 pending;
	u32 done;
	int status;
	bool closed;
};

static struct hostile_fixture fx;

static void server_process(struct kmcl_channel *ch, struct kmcl_context *ctx,
			   void *buf, u32 len, u32 flags)
{
	struct end *e = loop_end(ch);
	struct kmcl_mdl *mdl;

	if (loop_is_absent() && flags & KMCL_PACKET_EXTERNAL) {
		kmcl_packet_external(ctx, 0, &mdl);
		WRITE_ONCE(fx.pending, fx.pending + 1);
		wake_up_all(&e->wait);
		return;
	}
	if (flags & KMCL_PACKET_EXTERNAL) {
		fx.external++;
		fx.ctx = ctx;
	} else {
		kmcl_complete(ctx, NULL, 0);
	}
	WRITE_ONCE(fx.packets, fx.packets + 1);
	wake_up_all(&e->wait);
}

static void client_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	struct end *e = loop_end(kmcl_packet_channel(pkt));

	fx.status = status;
	WRITE_ONCE(fx.done, fx.done + 1);
	kmcl_packet_free(pkt);
	wake_up_all(&e->wait);
}

static int hostile_init(struct kunit *test)
{
	int ret = loop_init(test);
	struct loop *loop = test->priv;

	memset(&fx, 0, sizeof(fx));
	if (ret)
		return ret;
	fx.mem = kzalloc(PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fx.mem);
	fx.mdl = kmcl_mdl_from_buffer(fx.mem, 100, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fx.mdl);
	fx.pfn = fx.mdl->pfns[0];
	return kmcl_set_process(loop->server.ch, server_process, NULL);
}

static void hostile_exit(struct kunit *test)
{
	if (fx.ctx)
		kmcl_complete(fx.ctx, NULL, 0);
	loop_exit(test);
	kmcl_mdl_free(fx.mdl);
	kfree(fx.mem);
}

static void inject(struct end *e, u16 type, const u64 *header, u32 words)
{
	loop_inject(e, type, 1, header, 8 * words, "payload", 8);
}

static void send_external(struct loop *loop)
{
	struct kmcl_packet *pkt = loop_packet(&loop->client, client_done);

	KUNIT_ASSERT_EQ(loop->test, 0, kmcl_send_mdl(pkt, NULL, 0, fx.mdl,
						     WAIT));
}

#define LONG	2000
#define PFN	0x5a5a5a5aULL		/* replaced by a valid frame number */

static const struct bad_ranges {
	const char *name;
	u32 words;
	u64 word[4];		/* PFN in those that are left out, too */
} bad_ranges[] = {
	{ "no header", 0 },
	{ "no ranges", 1, { 0 } },
	{ "no ranges, and one", 3, { 0, 100, PFN } },
	{ "more ranges than there are", 3, { 2ULL << 32, 100, PFN } },
	{ "more ranges than allowed", LONG, { 33ULL << 32, 100, PFN } },
	{ "most ranges", 3, { ~0ULL << 32, 100, PFN } },
	{ "a range of no bytes", 3, { 1ULL << 32, 0, PFN } },
	{ "an offset in the next frame", 3,
	  { 1ULL << 32, 4096ULL << 32 | 1, PFN } },
	{ "a frame too few", 3, { 1ULL << 32, 4097, PFN } },
	{ "a frame too few, by the offset", 3,
	  { 1ULL << 32, 4000ULL << 32 | 97, PFN } },
	{ "a frame too many", 4, { 1ULL << 32, 100, PFN, PFN } },
	{ "most bytes", 3, { 1ULL << 32, 4095ULL << 32 | U32_MAX, PFN } },
	{ "no frame numbers", 2, { 1ULL << 32, 1 } },
	{ "half a range", 1, { 1ULL << 32 } },
	{ "no such frame", 3, { 1ULL << 32, 100, ~0ULL } },
	{ "no such frame, in 52 bits", 3, { 1ULL << 32, 100, 1ULL << 51 } },
	{ "more bytes than allowed", 35, { 1ULL << 32, 128 * 1024 + 1, PFN } },
	{ "more frames than allowed", LONG, { 1ULL << 32, 0x00f00000, PFN } },
};

KUNIT_ARRAY_PARAM_DESC(bad_ranges, bad_ranges, name);

static void bad_ranges_are_dropped_and_counted(struct kunit *test)
{
	const struct bad_ranges *bad = test->param_value;
	struct loop *loop = test->priv;
	u64 *header = kunit_kcalloc(test, LONG, sizeof(u64), GFP_KERNEL);
	u32 w;

	KUNIT_ASSERT_NOT_NULL(test, header);
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_ring_pages(loop->client.ch, 32, 32));
	loop_up(loop);
	for (w = 0; w < bad->words; w++) {
		header[w] = w < 4 ? bad->word[w] : PFN;
		if (header[w] == PFN)
			header[w] = fx.pfn;
	}
	inject(&loop->client, GPA_DIRECT, header, bad->words);
	loop_send(&loop->client, 1, 0);
	loop_wait(&loop->server, READ_ONCE(fx.packets) == 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).bad_packets, 1);
	KUNIT_EXPECT_EQ(test, fx.external, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).outstanding, 0);
	/* A valid one is delivered: the bad range was the only reason */
	header[0] = 1ULL << 32;
	header[1] = 100;
	header[2] = fx.pfn;
	inject(&loop->client, GPA_DIRECT, header, 3);
	loop_wait(&loop->server, READ_ONCE(fx.packets) == 2);
	KUNIT_EXPECT_EQ(test, fx.external, 1);
}

static void more_than_the_server_allows(struct kunit *test)
{
	struct loop *loop = test->priv;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_external(loop->server.ch, 99, 1));
	loop_up(loop);
	send_external(loop);
	loop_send(&loop->client, 1, 0);
	loop_wait(&loop->server, READ_ONCE(fx.packets) == 1);
	KUNIT_EXPECT_EQ(test, fx.external, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).bad_packets, 1);
	/* The server cannot complete it: it ends with the channel */
	KUNIT_EXPECT_EQ(test, fx.done, 0);
	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_EQ(test, fx.done, 1);
	KUNIT_EXPECT_EQ(test, fx.status, -ECANCELED);
}

static void a_server_has_no_ranges_to_send(struct kunit *test)
{
	struct loop *loop = test->priv;
	u64 header[3] = { 1ULL << 32, 100, fx.pfn };

	loop_up(loop);
	inject(&loop->server, GPA_DIRECT, header, 3);
	loop_send(&loop->server, 1, 0);
	loop_wait(&loop->client, loop_got(&loop->client) == 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).bad_packets, 1);
}

static void disable_client(void *data)
{
	struct end *e = data;

	kmcl_channel_disable(e->ch);
	WRITE_ONCE(fx.closed, true);
}

/* The client's driver may free the memory once its packet has ended */
static void close_waits_for_who_uses_the_memory(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_mdl *mdl;
	struct job *job;
	u8 data = 0x77;

	loop_up(loop);
	send_external(loop);
	loop_wait(&loop->server, READ_ONCE(fx.packets) == 1);
	job = loop_job(loop, disable_client, &loop->client);
	/* The server has noticed, and its work waits for this completion */
	loop_wait_event(&loop->server, SUSPEND, 1);
	/* Time enough to end for a close that does not wait */
	fsleep(50 * 1000);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(fx.closed));
	KUNIT_EXPECT_EQ(test, READ_ONCE(fx.done), 0);
	KUNIT_EXPECT_EQ(test, loop_count(&loop->client, CLOSED_BEGINS), 0);
	KUNIT_ASSERT_EQ(test, 0, kmcl_packet_external(fx.ctx, 0, &mdl));
	KUNIT_EXPECT_EQ(test, 0, kmcl_mdl_write(mdl, 0, &data, 1));
	KUNIT_EXPECT_EQ(test, fx.mem[0], 0x77);
	kmcl_complete(fx.ctx, NULL, 0);
	fx.ctx = NULL;
	loop_job_wait(job);
	KUNIT_EXPECT_EQ(test, fx.done, 1);
	KUNIT_EXPECT_EQ(test, fx.status, -ECANCELED);
}

/* The close waits neither for a deferred packet nor for one in the ring */
static void close_does_not_wait_for_what_was_not_taken(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_up(loop);
	loop_absent(loop, INT_MAX);
	send_external(loop);
	send_external(loop);
	loop_wait(&loop->server, READ_ONCE(fx.pending) > 2);
	KUNIT_EXPECT_EQ(test, kmcl_channel_disable(loop->client.ch), 0);
	KUNIT_EXPECT_EQ(test, fx.done, 2);
	KUNIT_EXPECT_EQ(test, fx.status, -ECANCELED);
	KUNIT_EXPECT_EQ(test, fx.external, 0);
	loop_absent(loop, 0);
}

/* The server fails the packet, so it uses neither the memory nor the ring */
static void failing_a_packet_ends_the_use_of_its_memory(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_up(loop);
	send_external(loop);
	loop_wait(&loop->server, READ_ONCE(fx.packets) == 1);
	kmcl_packet_fail(fx.ctx);
	fx.ctx = NULL;
	KUNIT_EXPECT_EQ(test, kmcl_channel_disable(loop->client.ch), 0);
	KUNIT_EXPECT_EQ(test, fx.done, 1);
	KUNIT_EXPECT_EQ(test, fx.status, -ECANCELED);
}

static struct kunit_case hostile_cases[] = {
	KUNIT_CASE_PARAM(bad_ranges_are_dropped_and_counted, bad_ranges_gen_params),
	KUNIT_CASE(more_than_the_server_allows),
	KUNIT_CASE(a_server_has_no_ranges_to_send),
	KUNIT_CASE(close_waits_for_who_uses_the_memory),
	KUNIT_CASE(close_does_not_wait_for_what_was_not_taken),
	KUNIT_CASE(failing_a_packet_ends_the_use_of_its_memory),
	{}
};

static struct kunit_suite hostile_suite = {
	.name = "kmcl_external_hostile",
	.init = hostile_init,
	.exit = hostile_exit,
	.test_cases = hostile_cases,
};

kunit_test_suite(hostile_suite);

MODULE_DESCRIPTION("KUnit tests of KMCL's external data from a hostile peer");
MODULE_LICENSE("GPL");
