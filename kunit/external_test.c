// SPDX-License-Identifier: GPL-2.0
/*
 * External data: the ranges on the wire, byte for byte, as the server's end of
 * the ring has them; what the server then sees of the client's memory; and what
 * calls and a server return for what is invalid. Needs loopback only. What the cases
 * share is in one place, since callbacks look at it; suites run one at a time.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "harness.h"

#define PAGES		8
#define WAIT		KMCL_SEND_WAIT
#define FRAME		4096U

static_assert(PAGE_SIZE == FRAME);

struct ext_fixture {
	u8 *mem;			/* PAGES pages, one after the other */
	unsigned long pfn[PAGES];
	struct kmcl_mdl *mdl[4];	/* freed at the end */
	unsigned int nmdl;
	/* The server's last packet */
	struct kmcl_context *ctx;
	u32 flags;
	u32 packets;
	u32 pending;			/* external data that was not there yet */
	/* Completion routines */
	u32 done;
	int status;
};

static struct ext_fixture fx;

static void server_process(struct kmcl_channel *ch, struct kmcl_context *ctx,
			   void *buf, u32 len, u32 flags)
{
	struct end *e = loop_end(ch);
	struct kmcl_mdl *mdl;

	if (loop_is_absent()) {
		if (kmcl_packet_external(ctx, 0, &mdl) == -EINPROGRESS)
			fx.pending++;
		return;
	}
	fx.ctx = ctx;
	fx.flags = flags;
	WRITE_ONCE(fx.packets, fx.packets + 1);
	wake_up_all(&e->wait);
}

static void client_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	struct end *e = loop_end(kmcl_packet_channel(pkt));

	fx.status = status;
	WRITE_ONCE(fx.done, fx.done + 1);
	wake_up_all(&e->wait);
}

static int external_init(struct kunit *test)
{
	struct loop *loop;
	u32 i;
	int ret;

	memset(&fx, 0, sizeof(fx));
	ret = loop_init(test);
	if (ret)
		return ret;
	loop = test->priv;
	fx.mem = loop_memory(test, PAGES);
	for (i = 0; i < PAGES; i++)
		fx.pfn[i] = page_to_pfn(vmalloc_to_page(fx.mem + i * PAGE_SIZE));
	return kmcl_set_process(loop->server.ch, server_process, NULL);
}

static void external_exit(struct kunit *test)
{
	if (fx.ctx)
		kmcl_complete(fx.ctx, NULL, 0);
	loop_exit(test);
	while (fx.nmdl)
		kmcl_mdl_free(fx.mdl[--fx.nmdl]);
}

/* A description of @bytes bytes at @from, behind the ones before if @chain */
static struct kmcl_mdl *describe(struct kunit *test, u32 from, u32 bytes,
				 bool chain)
{
	struct kmcl_mdl *mdl = kmcl_mdl_from_buffer(fx.mem + from, bytes,
						    GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, mdl);
	KUNIT_ASSERT_LT(test, fx.nmdl, ARRAY_SIZE(fx.mdl));
	if (chain)
		fx.mdl[fx.nmdl - 1]->next = mdl;
	fx.mdl[fx.nmdl++] = mdl;
	return mdl;
}

static struct kmcl_packet *packet(struct kunit *test)
{
	struct loop *loop = test->priv;

	return loop_packet(&loop->client, client_done);
}

/* The words of the ring's first packet, trailer left out, are these */
static void expect_ring(struct loop *loop, const u64 *words, u32 count)
{
	const u8 *ring = loop->client.ch->tx.ring.data;
	u32 i;

	for (i = 0; i < count; i++) {
		u64 word;

		memcpy(&word, ring + 8 * i, 8);
		KUNIT_EXPECT_EQ_MSG(loop->test, word, words[i], "word %u", i);
	}
	KUNIT_EXPECT_EQ(loop->test, loop->client.ch->tx.ring.ctl->write_index,
			8 * count + 8);
}

/* Words of the wire, little endian; @header and @payload: in words */
static u64 desc(u32 header, u32 payload)
{
	return 9ULL | (2ULL + header) << 16 | (2ULL + header + payload) << 32 |
	       1ULL << 48;
}

static u64 head(u32 ranges)
{
	return (u64)ranges << 32;
}

static u64 range(u32 offset, u32 bytes)
{
	return (u64)offset << 32 | bytes;
}

#define EXPECT_RING(loop, ...)						\
	do {								\
		const u64 _words[] = { __VA_ARGS__ };			\
									\
		expect_ring(loop, _words, ARRAY_SIZE(_words));		\
	} while (0)

static u64 first_id(struct loop *loop)
{
	struct kmcl_packet *pkt = list_first_entry(&loop->client.ch->tx.in_flight,
						   struct kmcl_packet, item.node);

	KUNIT_ASSERT_FALSE(loop->test, list_empty(&loop->client.ch->tx.in_flight));
	return pkt->trans_id;
}

static void wait_packet(struct loop *loop, u32 n)
{
	loop_wait(&loop->server, READ_ONCE(fx.packets) >= n);
}

static void complete_packet(struct loop *loop)
{
	struct kmcl_context *ctx = fx.ctx;
	u32 before = READ_ONCE(fx.done);

	fx.ctx = NULL;
	kmcl_complete(ctx, NULL, 0);
	loop_wait(&loop->client, READ_ONCE(fx.done) > before);
	KUNIT_EXPECT_EQ(loop->test, fx.status, 0);
}

static void one_range_from_an_offset_over_three_frames(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt = packet(test);
	u64 payload[2] = { 0x1122334455667788, 0x99 };
	struct kmcl_mdl *mdl;

	loop_up_paused(loop);
	mdl = describe(test, FRAME + 4000, 5000, false);
	KUNIT_ASSERT_EQ(test, 0, kmcl_send_mdl(pkt, payload, 9, mdl, WAIT));
	EXPECT_RING(loop, desc(5, 2), first_id(loop), head(1),
		    range(4000, 5000), fx.pfn[1], fx.pfn[2], fx.pfn[3],
		    payload[0], 0x99);
	/* The description is not looked at any more */
	memset(mdl->pfns, 0xff, mdl->npfns * sizeof(*mdl->pfns));
	kmcl_channel_start(loop->server.ch);
	wait_packet(loop, 1);
	KUNIT_EXPECT_EQ(test, fx.flags, KMCL_PACKET_EXTERNAL);
	KUNIT_ASSERT_EQ(test, 0, kmcl_packet_external(fx.ctx, 0, &mdl));
	KUNIT_EXPECT_EQ(test, kmcl_mdl_total(mdl), 5000);
	loop_expect_bytes(test, mdl, 0, fx.mem + FRAME + 4000, 5000);
	complete_packet(loop);
	kmcl_packet_free(pkt);
}

static void a_chain_has_a_range_per_piece_with_bytes(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt = packet(test);
	struct kmcl_mdl *first, *mdl;

	loop_up_paused(loop);
	first = describe(test, 10, 20, false);
	describe(test, 0, 0, true);
	describe(test, 2 * FRAME - 1, 2, true);
	describe(test, 4 * FRAME, 2 * FRAME, true);
	KUNIT_ASSERT_EQ(test, 0, kmcl_send_mdl(pkt, NULL, 0, first, WAIT));
	EXPECT_RING(loop, desc(9, 0), first_id(loop), head(3),
		    range(10, 20), fx.pfn[0],
		    range(4095, 2), fx.pfn[1], fx.pfn[2],
		    range(0, 8192), fx.pfn[4], fx.pfn[5]);
	kmcl_channel_start(loop->server.ch);
	wait_packet(loop, 1);
	KUNIT_ASSERT_EQ(test, 0, kmcl_packet_external(fx.ctx, 0, &mdl));
	KUNIT_EXPECT_EQ(test, kmcl_mdl_total(mdl), 20 + 2 + 8192);
	loop_expect_bytes(test, mdl, 0, fx.mem + 10, 20);
	loop_expect_bytes(test, mdl, 20, fx.mem + 2 * FRAME - 1, 2);
	loop_expect_bytes(test, mdl, 22, fx.mem + 4 * FRAME, 8192);
	KUNIT_EXPECT_NOT_NULL(test, mdl->next->next);
	KUNIT_EXPECT_NULL(test, mdl->next->next->next);
	complete_packet(loop);
	kmcl_packet_free(pkt);
}

static void a_part_of_a_chain(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt = packet(test);
	struct kmcl_mdl *first;

	loop_up_paused(loop);
	first = describe(test, 100, FRAME, false);
	describe(test, 3 * FRAME + 8, 1000, true);
	/* 10 bytes before the end of the first piece, 7 of the second */
	KUNIT_ASSERT_EQ(test, 0, kmcl_send_mdl_part(pkt, NULL, 0, first,
						    FRAME - 10, 17, WAIT));
	EXPECT_RING(loop, desc(5, 0), first_id(loop), head(2),
		    range(90, 10), fx.pfn[1], range(8, 7), fx.pfn[3]);
	kmcl_channel_start(loop->server.ch);
	wait_packet(loop, 1);
	complete_packet(loop);
	/* 0: to the end; from the second piece on, the first is not there */
	KUNIT_ASSERT_EQ(test, 0, kmcl_send_mdl_part(pkt, NULL, 0, first,
						    FRAME + 1, 0, WAIT));
	wait_packet(loop, 2);
	KUNIT_ASSERT_EQ(test, 0, kmcl_packet_external(fx.ctx, 0, &first));
	KUNIT_EXPECT_EQ(test, kmcl_mdl_total(first), 999);
	loop_expect_bytes(test, first, 0, fx.mem + 3 * FRAME + 9, 999);
	complete_packet(loop);
	kmcl_packet_free(pkt);
}

static void a_forced_length_reaches_to_the_end_of_the_last_frame(struct kunit *test)
{
	u32 flags = WAIT | KMCL_SEND_FORCE_LENGTH;
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt = packet(test);
	struct kmcl_mdl *mdl;

	loop_up_paused(loop);
	mdl = describe(test, 100, 50, false);
	describe(test, FRAME, 50, true);
	KUNIT_EXPECT_EQ(test, kmcl_send_mdl_part(pkt, NULL, 0, mdl, 0, 3997,
						 flags), -ERANGE);
	KUNIT_EXPECT_EQ(test, kmcl_send_mdl_part(pkt, NULL, 0, mdl, 0, 0,
						 flags), -ERANGE);
	KUNIT_EXPECT_EQ(test, kmcl_send_mdl_part(pkt, NULL, 0, mdl, 3996, 1,
						 flags), -ENXIO);
	KUNIT_ASSERT_EQ(test, 0, kmcl_send_mdl_part(pkt, NULL, 0, mdl, 1, 3995,
						    flags));
	EXPECT_RING(loop, desc(3, 0), first_id(loop), head(1),
		    range(101, 3995), fx.pfn[0]);
	kmcl_channel_start(loop->server.ch);
	wait_packet(loop, 1);
	complete_packet(loop);
	kmcl_packet_free(pkt);
}

static void whole_frames(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt = packet(test);
	unsigned long pfns[3] = { fx.pfn[6], fx.pfn[0], fx.pfn[3] };

	loop_up_paused(loop);
	KUNIT_ASSERT_EQ(test, 0, kmcl_send_pfns(pkt, NULL, 0, pfns, 3, WAIT));
	memset(pfns, 0, sizeof(pfns));
	EXPECT_RING(loop, desc(5, 0), first_id(loop), head(1),
		    range(0, 3 * FRAME), fx.pfn[6], fx.pfn[0], fx.pfn[3]);
	kmcl_channel_start(loop->server.ch);
	wait_packet(loop, 1);
	complete_packet(loop);
	kmcl_packet_free(pkt);
}

static void a_scatter_list(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt = packet(test);
	struct scatterlist sg[2];

	loop_up_paused(loop);
	sg_init_table(sg, 2);
	sg_set_page(&sg[0], vmalloc_to_page(fx.mem), 100, 3996);
	sg_set_page(&sg[1], vmalloc_to_page(fx.mem + 2 * FRAME), 4096, 0);
	KUNIT_ASSERT_EQ(test, 0, kmcl_send_sg(pkt, NULL, 0, sg, 2, WAIT));
	EXPECT_RING(loop, desc(5, 0), first_id(loop), head(2),
		    range(3996, 100), fx.pfn[0], range(0, 4096), fx.pfn[2]);
	kmcl_channel_start(loop->server.ch);
	wait_packet(loop, 1);
	complete_packet(loop);
	kmcl_packet_free(pkt);
}

/* Many frames in one range, still within the limits of the wire */
static void hundreds_of_frames_in_one_range(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i, frames = 300;
	struct kmcl_packet *pkt;
	unsigned long *pfns;
	struct kmcl_mdl *mdl;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_external(loop->client.ch,
						       frames * FRAME, 1));
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_external(loop->server.ch,
						       frames * FRAME, 1));
	pfns = kunit_kcalloc(test, frames + 1, sizeof(*pfns), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pfns);
	for (i = 0; i <= frames; i++)
		pfns[i] = fx.pfn[i % PAGES];
	pkt = packet(test);
	loop_up(loop);
	KUNIT_EXPECT_EQ(test, -E2BIG,
			kmcl_send_pfns(pkt, NULL, 0, pfns, frames + 1, WAIT));
	KUNIT_ASSERT_EQ(test, 0, kmcl_send_pfns(pkt, NULL, 0, pfns, frames, WAIT));
	wait_packet(loop, 1);
	KUNIT_ASSERT_EQ(test, 0, kmcl_packet_external(fx.ctx, 0, &mdl));
	KUNIT_EXPECT_EQ(test, mdl->npfns, frames);
	KUNIT_EXPECT_EQ(test, mdl->bytes, frames * FRAME);
	KUNIT_EXPECT_MEMEQ(test, mdl->pfns, pfns, frames * sizeof(*pfns));
	complete_packet(loop);
	kmcl_packet_free(pkt);
}

static void the_server_writes_into_the_clients_memory(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt = packet(test);
	struct kmcl_mdl *mdl, *again;
	u8 data[300];
	u8 *p;

	memset(data, 0x5a, sizeof(data));
	loop_up(loop);
	mdl = describe(test, 2 * FRAME - 100, 2 * FRAME, false);
	KUNIT_ASSERT_EQ(test, 0, kmcl_send_mdl(pkt, NULL, 0, mdl, WAIT));
	wait_packet(loop, 1);
	KUNIT_ASSERT_EQ(test, 0, kmcl_packet_external(fx.ctx, 0, &mdl));
	KUNIT_EXPECT_EQ(test, kmcl_mdl_write(mdl, 0, data, sizeof(data)), 0);
	KUNIT_EXPECT_MEMEQ(test, fx.mem + 2 * FRAME - 100, data, sizeof(data));
	p = kmcl_mdl_map(mdl);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_MEMEQ(test, p, fx.mem + 2 * FRAME - 100, 2 * FRAME);
	p[2 * FRAME - 1] = 0xc3;
	KUNIT_EXPECT_EQ(test, fx.mem[4 * FRAME - 101], 0xc3);
	KUNIT_EXPECT_PTR_EQ(test, kmcl_mdl_map(mdl), (void *)p);
	kmcl_mdl_unmap(mdl);
	/* The same chain again: the first call decided that it may be written */
	KUNIT_EXPECT_EQ(test, 0, kmcl_packet_external(fx.ctx,
						      KMCL_EXTERNAL_READ_ONLY,
						      &again));
	KUNIT_EXPECT_PTR_EQ(test, again, mdl);
	KUNIT_EXPECT_EQ(test, kmcl_mdl_write(mdl, 0, data, 1), 0);
	KUNIT_EXPECT_EQ(test, kmcl_mdl_read(mdl, 2 * FRAME, data, 1), -EINVAL);
	complete_packet(loop);
	kmcl_packet_free(pkt);
}

static void external_data_for_reading_only(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt = packet(test);
	struct kmcl_mdl *mdl;
	u8 before = fx.mem[0];

	loop_up(loop);
	mdl = describe(test, 0, 100, false);
	describe(test, FRAME, 100, true);
	KUNIT_ASSERT_EQ(test, 0, kmcl_send_mdl(pkt, NULL, 0, mdl, WAIT));
	wait_packet(loop, 1);
	KUNIT_ASSERT_EQ(test, 0, kmcl_packet_external(fx.ctx,
						      KMCL_EXTERNAL_READ_ONLY,
						      &mdl));
	KUNIT_EXPECT_EQ(test, kmcl_mdl_write(mdl, 0, "x", 1), -EACCES);
	KUNIT_EXPECT_EQ(test, kmcl_mdl_write(mdl, 150, "x", 1), -EACCES);
	KUNIT_EXPECT_EQ(test, fx.mem[0], before);
	loop_expect_bytes(test, mdl, 0, fx.mem, 100);
	complete_packet(loop);
	kmcl_packet_free(pkt);
}

static void asking_for_external_data_in_the_wrong_way(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt = packet(test);
	struct kmcl_mdl *mdl;
	u64 payload = 1;

	loop_up(loop);
	mdl = describe(test, 0, 100, false);
	KUNIT_ASSERT_EQ(test, 0, kmcl_send_mdl(pkt, NULL, 0, mdl, WAIT));
	wait_packet(loop, 1);
	KUNIT_EXPECT_EQ(test, -ENODATA, kmcl_packet_external(NULL, 0, &mdl));
	KUNIT_EXPECT_EQ(test, -EINVAL, kmcl_packet_external(fx.ctx, 2, &mdl));
	KUNIT_EXPECT_EQ(test, -EINVAL, kmcl_packet_external(fx.ctx, 0, NULL));
	complete_packet(loop);
	/* None in the next one, in the same context */
	KUNIT_EXPECT_EQ(test, -EFAULT, kmcl_send_mdl(pkt, &payload, 8, NULL, WAIT));
	KUNIT_ASSERT_EQ(test, 0, kmcl_send(pkt, &payload, 8, WAIT));
	wait_packet(loop, 2);
	KUNIT_EXPECT_EQ(test, fx.flags, 0);
	KUNIT_EXPECT_EQ(test, -ENODATA, kmcl_packet_external(fx.ctx, 0, &mdl));
	complete_packet(loop);
	kmcl_packet_free(pkt);
}

static void external_data_that_is_not_there_yet(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt = packet(test);
	struct kmcl_mdl *mdl;

	loop_up(loop);
	loop_absent(loop, 2);
	mdl = describe(test, 5, 100, false);
	KUNIT_ASSERT_EQ(test, 0, kmcl_send_mdl(pkt, NULL, 0, mdl, WAIT));
	wait_packet(loop, 1);
	KUNIT_EXPECT_EQ(test, fx.pending, 2);
	KUNIT_EXPECT_EQ(test, fx.packets, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).delivered, 1);
	KUNIT_ASSERT_EQ(test, 0, kmcl_packet_external(fx.ctx, 0, &mdl));
	loop_expect_bytes(test, mdl, 0, fx.mem + 5, 100);
	complete_packet(loop);
	kmcl_packet_free(pkt);
}

/* Packets with ranges queue, and keep them over a close and an open */
static void ranges_go_with_a_packet_that_is_queued(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt = packet(test);
	struct kmcl_mdl *mdl;
	u32 i;

	mdl = describe(test, 3, 2 * FRAME, false);
	KUNIT_ASSERT_EQ(test, 0, kmcl_send_mdl(pkt, "queued", 7, mdl, WAIT));
	KUNIT_EXPECT_EQ(test, -EBUSY,
			kmcl_send_mdl(pkt, NULL, 0, describe(test, 0, 9, false),
				      WAIT));
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued, 1);
	for (i = 0; i < mdl->npfns; i++)
		mdl->pfns[i] = 0;
	loop_up(loop);
	wait_packet(loop, 1);
	KUNIT_EXPECT_STREQ(test, (char *)fx.ctx->buf, "queued");
	KUNIT_ASSERT_EQ(test, 0, kmcl_packet_external(fx.ctx, 0, &mdl));
	KUNIT_EXPECT_EQ(test, kmcl_mdl_total(mdl), 2 * FRAME);
	loop_expect_bytes(test, mdl, 0, fx.mem + 3, 2 * FRAME);
	complete_packet(loop);
	kmcl_packet_free(pkt);
}

static void a_full_ring_queues_packets_with_ranges(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt[16];
	u8 *payload = kunit_kzalloc(test, 4096, GFP_KERNEL);
	struct kmcl_mdl *mdl;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, payload);
	/* One at a time, so that the case can look at each */
	kmcl_set_quota(loop->server.ch, 1);
	loop_up_paused(loop);
	mdl = describe(test, 1, 5 * FRAME, false);
	for (i = 0; i < ARRAY_SIZE(pkt); i++) {
		pkt[i] = packet(test);
		payload[0] = i;
		KUNIT_ASSERT_EQ(test, 0, kmcl_send_mdl(pkt[i], payload, 4096,
						       mdl, WAIT));
	}
	KUNIT_EXPECT_GT(test, loop_counters(&loop->client).queued, 0);
	kmcl_channel_start(loop->server.ch);
	for (i = 0; i < ARRAY_SIZE(pkt); i++) {
		struct kmcl_mdl *there;

		wait_packet(loop, i + 1);
		KUNIT_EXPECT_EQ(test, fx.ctx->buf[0], i);
		KUNIT_ASSERT_EQ(test, 0, kmcl_packet_external(fx.ctx, 0, &there));
		loop_expect_bytes(test, there, 0, fx.mem + 1, 5 * FRAME);
		complete_packet(loop);
		kmcl_packet_free(pkt[i]);
	}
}

static struct kunit_case external_cases[] = {
	KUNIT_CASE(one_range_from_an_offset_over_three_frames),
	/* KMCL: VmbChannelInitSetMaximumExternalData VmbPacketSend */
	/* KMCL: VMBUS_CHANNEL_PROCESS_PACKET_FLAG_EXTERNAL_DATA */
	KUNIT_CASE(a_chain_has_a_range_per_piece_with_bytes),
	/* KMCL: VmbPacketSendWithExternalMdl */
	KUNIT_CASE(a_part_of_a_chain),
	/* KMCL: VmbPacketSendWithExternalMdl */
	/* KMCL: VMBUS_CHANNEL_FORMAT_FLAG_FORCE_MDL_LENGTH */
	KUNIT_CASE(a_forced_length_reaches_to_the_end_of_the_last_frame),
	/* KMCL: VmbPacketSendWithExternalPfns */
	KUNIT_CASE(whole_frames),
	KUNIT_CASE(a_scatter_list),
	KUNIT_CASE(hundreds_of_frames_in_one_range),
	KUNIT_CASE(the_server_writes_into_the_clients_memory),
	/* KMCL: VmbChannelPacketGetExternalData */
	/* KMCL: VMBUS_CHANNEL_PACKET_EXTERNAL_DATA_FLAG_READ_ONLY */
	KUNIT_CASE(external_data_for_reading_only),
	/* KMCL: VmbChannelPacketGetExternalData */
	KUNIT_CASE(asking_for_external_data_in_the_wrong_way),
	/* KMCL: VmbChannelPacketGetExternalData */
	KUNIT_CASE(external_data_that_is_not_there_yet),
	KUNIT_CASE(ranges_go_with_a_packet_that_is_queued),
	KUNIT_CASE(a_full_ring_queues_packets_with_ranges),
	{}
};

static struct kunit_suite external_suite = {
	.name = "kmcl_external",
	.init = external_init,
	.exit = external_exit,
	.test_cases = external_cases,
};

kunit_test_suite(external_suite);

MODULE_DESCRIPTION("KUnit tests of KMCL's external data");
MODULE_LICENSE("GPL");
