// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of rings that the channel keeps between openings, on a transport
 * that is the test itself.
 *
 * The transport's operations run on the library's workqueue, one channel's at a
 * time; the tests look at what they left when nothing runs any more.
 */
#include "fake_transport.h"

/* 9 and 7 pages are a block of order 4 */
#define OUT	9U
#define IN	7U
#define BLOCK	(16 * PAGE_SIZE)

static const struct kmcl_counters *now(struct loop *loop)
{
	return loop_snapshot(&loop->client);
}

/* Enabled, with rings of the library's memory; returns their first page */
static struct page *opened(struct loop *loop)
{
	int opens = fake.opens;

	KUNIT_ASSERT_EQ(loop->test, 0, kmcl_channel_enable(loop->client.ch));
	if (!fake.offer)
		fake_offer(loop);
	loop_wait_state(&loop->client, "Active");
	KUNIT_EXPECT_EQ(loop->test, fake.opens, opens + 1);
	KUNIT_EXPECT_FALSE(loop->test, fake.dirty);
	return fake.had.page;
}

static int rings_init(struct kunit *test)
{
	return fake_rings_init(test, IN, OUT);
}

/* What another host left there cannot be taken for packets */
static void the_same_memory_is_used_again(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct page *page;

	KUNIT_EXPECT_EQ(test, now(loop)->ring_memory, 0);
	page = opened(loop);
	fake_expect_rings(test, OUT, IN);
	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_EQ(test, now(loop)->ring_memory, BLOCK);
	KUNIT_EXPECT_PTR_EQ(test, opened(loop), page);

	/* Of another device, too */
	kmcl_offer_rescind(fake.offer);
	loop_wait_state(&loop->client, "Disabled");
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_NULL(test, fake.offer);
	KUNIT_EXPECT_PTR_EQ(test, opened(loop), page);
	kmcl_channel_disable(loop->client.ch);

	/* And if it could not be opened */
	fake.open_result = -ECONNREFUSED;
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_state(&loop->client, "Disabled");
	KUNIT_EXPECT_PTR_EQ(test, fake.had.page, page);
	fake.open_result = 0;
	KUNIT_EXPECT_PTR_EQ(test, opened(loop), page);

	/* And through another module of the transport */
	kmcl_offer_gone(fake.offer);
	fake.offer = NULL;
	kmcl_transport_unregister(&fake_ops);
	loop_wait_state(&loop->client, "Disabled");
	KUNIT_ASSERT_EQ(test, 0, kmcl_transport_register(&fake_ops));
	KUNIT_EXPECT_PTR_EQ(test, opened(loop), page);
	fake_expect_rings(test, OUT, IN);
	KUNIT_EXPECT_EQ(test, now(loop)->small_rings, 0);
}

/* A block of the same size does for other rings */
static void other_sizes_are_other_memory(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;
	struct page *page = opened(loop);

	kmcl_channel_disable(ch);
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_ring_pages(ch, OUT, IN));
	KUNIT_EXPECT_PTR_EQ(test, opened(loop), page);
	fake_expect_rings(test, IN, OUT);
	kmcl_channel_disable(ch);

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_ring_pages(ch, 20, 12));
	opened(loop);
	fake_expect_rings(test, 12, 20);
	KUNIT_EXPECT_EQ(test, fake.had.order, 5);
	kmcl_channel_disable(ch);

	/* Memory that is not needed is given back */
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(ch, 64));
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_ring_pages(ch, 2, 2));
	opened(loop);
	fake_expect_rings(test, 2, 2);
	KUNIT_EXPECT_EQ(test, fake.had.order, 2);
	KUNIT_EXPECT_EQ(test, now(loop)->small_rings, 0);
}

static void expect_rings_kept(struct kunit *test, u64 rings)
{
	struct loop *loop = test->priv;
	const struct kmcl_counters *c = now(loop);

	KUNIT_EXPECT_EQ(test, c->rings_kept, rings);
	KUNIT_EXPECT_EQ(test, c->kept_bytes, rings * BLOCK);
	KUNIT_EXPECT_EQ(test, c->gpadls_kept, 0);
	KUNIT_EXPECT_EQ(test, c->ring_memory, 0);
}

static void rings_that_are_not_given_back(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct page *pages[3];
	int i;

	/* A device that could not be opened may have them, too */
	fake.open_result = -ECONNREFUSED;
	fake.keep = true;
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	fake_offer(loop);
	loop_wait_state(&loop->client, "Disabled");
	expect_rings_kept(test, 1);
	pages[0] = fake.had.page;

	fake.open_result = 0;
	pages[1] = opened(loop);
	fake.keep = true;
	kmcl_channel_disable(loop->client.ch);
	expect_rings_kept(test, 2);

	/* It is still bound while the rings of a rescinded device are freed */
	pages[2] = opened(loop);
	fake.keep = true;
	kmcl_offer_rescind(fake.offer);
	loop_wait_state(&loop->client, "Disabled");
	expect_rings_kept(test, 3);

	KUNIT_EXPECT_PTR_NE(test, pages[0], pages[1]);
	KUNIT_EXPECT_PTR_NE(test, pages[0], pages[2]);
	KUNIT_EXPECT_PTR_NE(test, pages[1], pages[2]);
	/* But nobody else has them here */
	for (i = 0; i < ARRAY_SIZE(pages); i++)
		__free_pages(pages[i], get_order(BLOCK));
}

/* More than any kernel has in one piece, with a small ring besides */
static void rings_larger_than_any_block(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;
	u32 most = min(MAX_ORDER_NR_PAGES, (int)(SZ_16M / PAGE_SIZE));

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(ch, 64));
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_ring_pages(ch, 2, most));
	opened(loop);
	fake_expect_rings(test, most - 2, 2);
	KUNIT_EXPECT_EQ(test, now(loop)->small_rings, 1);
	kmcl_channel_disable(ch);
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_ring_pages(ch, KMCL_RING_PAGES_MAX,
						     KMCL_RING_PAGES_MAX));
	opened(loop);
	fake_expect_rings(test, most / 2, most / 2);
	KUNIT_EXPECT_EQ(test, now(loop)->small_rings, 2);
}

/* The loopback bus has rings of its own */
static void rings_of_the_loopback_bus(struct kunit *test)
{
	struct loop *loop = test->priv;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_ring_pages(loop->client.ch, 12, 15));
	loop_up(loop);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).ring_out,
			14 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).ring_in,
			11 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).ring_in,
			14 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).ring_memory, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).small_rings, 0);
}

static struct kunit_case rings_cases[] = {
	/* KMCL: VmbChannelEnable */
	KUNIT_CASE(the_same_memory_is_used_again),
	/* KMCL: VmbClientChannelInitSetRingBufferPageCount */
	KUNIT_CASE(other_sizes_are_other_memory),
	KUNIT_CASE(rings_that_are_not_given_back),
	KUNIT_CASE(rings_larger_than_any_block),
	KUNIT_CASE(rings_of_the_loopback_bus),
	{}
};

static struct kunit_suite rings_suite = {
	.name = "kmcl_rings",
	.init = rings_init,
	.exit = fake_exit,
	.test_cases = rings_cases,
};

kunit_test_suite(rings_suite);
