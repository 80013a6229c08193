// SPDX-License-Identifier: GPL-2.0
/*
 * External data that the peer may use for longer than its owner waits: the pages
 * are not reused before, even if the owner frees them. On a transport that is the
 * test itself.
 */
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "ext_wire.h"
#include "fake_transport.h"

#define WAIT		KMCL_SEND_WAIT
#define RING_BYTES	PAGE_SIZE	/* what the test has no memory for */

static struct {
	u8 *mem;
	struct page *page;
	struct kmcl_mdl *mdl;
	int count;		/* references, when nobody but the owner has any */
} fx;

static int references(void)
{
	return page_count(fx.page) - fx.count;
}

static void set_up(struct loop *loop)
{
	struct kunit *test = loop->test;

	fake_up(loop);
	fx.mem = loop_memory(test, 1);
	fx.page = vmalloc_to_page(fx.mem);
	fx.count = page_count(fx.page);
	fx.mdl = kmcl_mdl_from_buffer(fx.mem, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fx.mdl);
}

static int request(struct loop *loop, const struct kmcl_mdl *mdl)
{
	u64 value = 1;

	return kmcl_send_sync_mdl(loop->client.ch, &value, sizeof(value), mdl,
				  WAIT, NULL, NULL, NSEC_PER_MSEC);
}

static void give_up(struct loop *loop)
{
	set_up(loop);
	KUNIT_EXPECT_EQ(loop->test, request(loop, fx.mdl), -ECANCELED);
	KUNIT_EXPECT_EQ(loop->test, references(), 1);
	KUNIT_EXPECT_EQ(loop->test, loop_counters(&loop->client).in_flight, 1);
	kmcl_mdl_free(fx.mdl);
}

static void a_request_given_up_holds_its_pages_until_answered(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt;
	u64 id;

	give_up(loop);
	pkt = list_first_entry(&loop->client.ch->tx.in_flight,
			       struct kmcl_packet, item.node);
	id = pkt->trans_id;
	fake_completion(loop, id);
	fake_completion(loop, id);
	fake_interrupt();
	loop_wait(&loop->client, !references());
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).in_flight, 0);
	/* The second one */
	loop_poll(&loop->client, c->comps_stale == 1);
	loop_expect_balance(&loop->client);
}

static void or_until_the_channel_is_closed(struct kunit *test)
{
	struct loop *loop = test->priv;

	give_up(loop);
	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_EQ(test, references(), 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).in_flight, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).packets_kept, 0);
	loop_expect_balance(&loop->client);
}

static void or_until_the_device_is_rescinded(struct kunit *test)
{
	struct loop *loop = test->priv;

	give_up(loop);
	kmcl_offer_rescind(fake.offer);
	loop_wait(&loop->client, !references());
	loop_wait_event(&loop->client, CLOSED, 1);
	loop_expect_balance(&loop->client);
}

/* For good, and once */
static void or_for_good(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_counters c;

	give_up(loop);
	fake.keep = true;
	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_EQ(test, references(), 1);
	c = loop_counters(&loop->client);
	KUNIT_EXPECT_EQ(test, c.packets_kept, 1);
	KUNIT_EXPECT_EQ(test, c.kept_bytes, RING_BYTES + PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, c.in_flight, 0);
	loop_expect_balance(&loop->client);
	put_page(fx.page);
}

static void disable(void *data)
{
	kmcl_channel_disable(data);
}

static void wait_long(void *data)
{
	struct loop *loop = data;
	u64 value = 1;

	loop->failure = kmcl_send_sync_mdl(loop->client.ch, &value,
					   sizeof(value), fx.mdl, WAIT, NULL,
					   NULL, KMCL_NO_TIMEOUT);
}

/* The caller returns at once, the close waits */
static void a_request_that_disabling_ends(struct kunit *test)
{
	struct loop *loop = test->priv;
	DECLARE_COMPLETION_ONSTACK(close);
	struct job *asks, *closes;

	set_up(loop);
	asks = loop_job(loop, wait_long, loop);
	loop_poll(&loop->client, c->in_flight == 1);
	fake.close_waits = &close;
	closes = loop_job(loop, disable, loop->client.ch);
	loop_job_wait(asks);
	KUNIT_EXPECT_EQ(test, loop->failure, -ENODEV);
	KUNIT_EXPECT_EQ(test, references(), 1);
	complete(&close);
	loop_job_wait(closes);
	KUNIT_EXPECT_EQ(test, references(), 0);
	loop_expect_balance(&loop->client);
	kmcl_mdl_free(fx.mdl);
}

static int send_mdl(struct kmcl_packet *pkt)
{
	u64 value = 1;

	return kmcl_send_mdl(pkt, &value, sizeof(value), fx.mdl, WAIT);
}

static int send_part(struct kmcl_packet *pkt)
{
	u64 value = 1;

	return kmcl_send_mdl_part(pkt, &value, sizeof(value), fx.mdl, 0, 0,
				  WAIT);
}

static int send_pfns(struct kmcl_packet *pkt)
{
	unsigned long pfn = page_to_pfn(fx.page);
	u64 value = 1;

	return kmcl_send_pfns(pkt, &value, sizeof(value), &pfn, 1, WAIT);
}

static int send_sg(struct kmcl_packet *pkt)
{
	struct scatterlist sg;
	u64 value = 1;

	sg_init_table(&sg, 1);
	sg_set_page(&sg, fx.page, PAGE_SIZE, 0);
	return kmcl_send_sg(pkt, &value, sizeof(value), &sg, 1, WAIT);
}

static int (*const sends[])(struct kmcl_packet *pkt) = {
	send_mdl, send_part, send_pfns, send_sg,
};

/* The host has not closed the channel: not even when the packets have ended */
static void packets_in_flight_at_a_close_that_failed(struct kunit *test)
{
	struct kmcl_packet *pkt[ARRAY_SIZE(sends)];
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;
	struct kmcl_counters c;
	u32 i;

	set_up(loop);
	for (i = 0; i < ARRAY_SIZE(sends); i++) {
		pkt[i] = kmcl_packet_alloc(ch);
		KUNIT_ASSERT_NOT_NULL(test, pkt[i]);
		kmcl_packet_set_done(pkt[i], fake_done);
		KUNIT_ASSERT_EQ(test, sends[i](pkt[i]), 0);
	}
	kmcl_mdl_free(fx.mdl);
	loop_send(&loop->client, 1, WAIT);
	KUNIT_EXPECT_EQ(test, references(), 0);
	fake.keep = true;
	kmcl_channel_disable(ch);
	KUNIT_EXPECT_EQ(test, fake.ndone, ARRAY_SIZE(sends));
	KUNIT_EXPECT_EQ(test, fake.status, -ECANCELED);
	KUNIT_EXPECT_EQ(test, references(), ARRAY_SIZE(sends));
	c = loop_counters(&loop->client);
	KUNIT_EXPECT_EQ(test, c.packets_kept, ARRAY_SIZE(sends));
	KUNIT_EXPECT_EQ(test, c.kept_bytes,
			RING_BYTES + ARRAY_SIZE(sends) * PAGE_SIZE);
	loop_expect_balance(&loop->client);

	/* The next close is confirmed */
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(ch), 0);
	loop_wait_event(&loop->client, POST_STARTED, 2);
	KUNIT_ASSERT_EQ(test, send_pfns(pkt[0]), 0);
	kmcl_channel_disable(ch);
	KUNIT_EXPECT_EQ(test, references(), ARRAY_SIZE(sends));
	for (i = 0; i < ARRAY_SIZE(sends); i++) {
		kmcl_packet_free(pkt[i]);
		put_page(fx.page);
	}
}

/* No reference keeps it from being reused, and none is left */
static void memory_of_kmalloc_is_not_held(struct kunit *test)
{
	u8 *mem = kunit_kzalloc(test, 64, GFP_KERNEL);
	struct loop *loop = test->priv;
	struct kmcl_mdl *mixed;

	KUNIT_ASSERT_NOT_NULL(test, mem);
	set_up(loop);
	mixed = kmcl_mdl_from_buffer(mem, 64, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mixed);
	fx.mdl->next = mixed;
	KUNIT_EXPECT_EQ(test, request(loop, fx.mdl), -ECANCELED);
	KUNIT_EXPECT_EQ(test, references(), 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).in_flight, 1);
	fake.keep = true;
	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_EQ(test, references(), 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).packets_kept, 0);
	loop_expect_balance(&loop->client);
	kmcl_mdl_free(mixed);
	kmcl_mdl_free(fx.mdl);
}

/* As many as take three pages in the packet */
#define MANY	1200

static void ranges_in_several_pages(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;
	unsigned long *pfns;
	struct kmcl_packet *pkt;
	u8 *mem;
	u32 i;

	pfns = kunit_kcalloc(test, MANY, sizeof(*pfns), GFP_KERNEL);
	mem = kunit_kzalloc(test, 64, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pfns);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_external(ch, MANY * PAGE_SIZE, 1));
	set_up(loop);
	for (i = 0; i < MANY; i++)
		pfns[i] = page_to_pfn(fx.page);
	pkt = loop_packet(&loop->client, fake_done);
	KUNIT_ASSERT_EQ(test, 0, kmcl_send_pfns(pkt, NULL, 0, pfns, MANY, WAIT));
	KUNIT_EXPECT_TRUE(test, kmcl_ext_hold(pkt));
	KUNIT_EXPECT_EQ(test, references(), MANY);
	kmcl_ext_unhold(pkt);
	KUNIT_EXPECT_EQ(test, references(), 0);
	fake.keep = true;
	kmcl_channel_disable(ch);
	KUNIT_EXPECT_EQ(test, references(), MANY);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).kept_bytes,
			RING_BYTES + MANY * PAGE_SIZE);
	/* One that cannot be held: then none is */
	for (i = 0; i < MANY; i += 37) {
		pfns[i] = page_to_pfn(virt_to_page(mem));
		KUNIT_ASSERT_EQ(test, 0, kmcl_send_pfns(pkt, NULL, 0, pfns, MANY, WAIT));
		KUNIT_EXPECT_FALSE(test, kmcl_ext_hold(pkt));
		KUNIT_EXPECT_EQ(test, references(), MANY);
		kmcl_tx_take_back(pkt, -ECANCELED);
		pfns[i] = page_to_pfn(fx.page);
	}
	kmcl_packet_free(pkt);
	kmcl_mdl_free(fx.mdl);
	for (i = 0; i < MANY; i++)
		put_page(fx.page);
}

static struct kunit_case external_kept_cases[] = {
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(a_request_given_up_holds_its_pages_until_answered),
	KUNIT_CASE(or_until_the_channel_is_closed),
	KUNIT_CASE(or_until_the_device_is_rescinded),
	KUNIT_CASE(or_for_good),
	KUNIT_CASE(a_request_that_disabling_ends),
	/* KMCL: VmbPacketSendWithExternalMdl VmbPacketSendWithExternalPfns */
	KUNIT_CASE(packets_in_flight_at_a_close_that_failed),
	KUNIT_CASE(memory_of_kmalloc_is_not_held),
	KUNIT_CASE(ranges_in_several_pages),
	{}
};

static struct kunit_suite external_kept_suite = {
	.name = "kmcl_external_kept",
	.init = fake_init,
	.exit = fake_exit,
	.test_cases = external_kept_cases,
};

kunit_test_suite(external_kept_suite);

MODULE_DESCRIPTION("KUnit tests of external data that the peer goes on using");
MODULE_LICENSE("GPL");
