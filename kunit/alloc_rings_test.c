// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of rings where there are no large blocks of it: allocations of the
 * library fail from a given order on, with the kernel's fault injection. The
 * transport is the test itself. Nothing may be left when the channel is freed.
 */
#include "fake_transport.h"
#include "faults.h"

static struct fault_attr *pages;

/* 40 and 24 pages of the protocol's: a block of order 6 */
#define OUT	40U
#define IN	24U

static int alloc_rings_init(struct kunit *test)
{
	int ret;

	pages = faults_of(test, "fail_page_alloc");
	faults_set_any_page(test);
	ret = fake_rings_init(test, IN, OUT);
	if (ret)
		return ret;
	fake_offer(test->priv);
	return 0;
}

static void alloc_rings_exit(struct kunit *test)
{
	faults_disarm(pages);
	faults_set_min_order(test, 0);
	fake_exit(test);
}

/* Enable and wait for @state, with no blocks of @order and more, 0: with all */
static void enabled(struct loop *loop, unsigned int order, const char *state)
{
	struct kunit *test = loop->test;

	if (order) {
		faults_set_min_order(test, order);
		faults_arm_shortage(pages, 0);
	}
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	/* It is as soon as enable has returned */
	flush_workqueue(kmcl_wq);
	faults_disarm(pages);
	KUNIT_ASSERT_STREQ(test, kmcl_channel_state_name(loop->client.ch),
			   state);
	KUNIT_EXPECT_FALSE(test, fake.dirty);
}

static void expect_rings(struct kunit *test, u32 out, u32 in, u64 small)
{
	struct loop *loop = test->priv;

	fake_expect_rings(test, out, in);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).small_rings, small);
}

/* A device comes back when memory is fragmented */
static void memory_that_was_kept_is_enough(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct page *page;

	enabled(loop, 0, "Active");
	faults_note_reached();
	page = fake.had.page;
	kmcl_offer_rescind(fake.offer);
	loop_wait_state(&loop->client, "Disabled");
	flush_workqueue(kmcl_wq);
	fake_offer(loop);
	enabled(loop, 1, "Active");
	KUNIT_EXPECT_PTR_EQ(test, fake.had.page, page);
	expect_rings(test, OUT, IN, 0);
}

/* In proportion, as large as the largest block, and later as it was set */
static void rings_of_the_largest_block(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct page *page;

	enabled(loop, 5, "Active");
	expect_rings(test, 10, 6, 1);
	page = fake.had.page;
	kmcl_channel_disable(loop->client.ch);

	/* A larger one is looked for, and is not there */
	enabled(loop, 5, "Active");
	expect_rings(test, 10, 6, 2);
	KUNIT_EXPECT_PTR_EQ(test, fake.had.page, page);
	kmcl_channel_disable(loop->client.ch);

	/* One is there, and all are */
	enabled(loop, 6, "Active");
	expect_rings(test, 20, 12, 3);
	kmcl_channel_disable(loop->client.ch);
	enabled(loop, 0, "Active");
	expect_rings(test, OUT, IN, 3);
}

static void each_ring_has_room_for_two_packets(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_ring_pages(ch, 4, 60));
	enabled(loop, 6, "Active");
	expect_rings(test, 28, 4, 1);
	kmcl_channel_disable(ch);
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_ring_pages(ch, 60, 4));
	enabled(loop, 5, "Active");
	expect_rings(test, 4, 28, 2);
	kmcl_channel_disable(ch);
}

static void there_is_a_smallest_size(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;

	enabled(loop, 3, "Disabled");
	KUNIT_EXPECT_EQ(test, loop_count(&loop->client, FAILURE), 1);
	KUNIT_EXPECT_EQ(test, loop->failure, -ENOMEM);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).ring_memory, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).small_rings, 0);

	/* The driver enables again, and there is a little */
	enabled(loop, 4, "Active");
	expect_rings(test, 4, 4, 1);
	kmcl_channel_disable(ch);

	/* It does not do for larger packets */
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(ch, 8192));
	enabled(loop, 3, "Disabled");
	KUNIT_EXPECT_EQ(test, loop->failure, -ENOMEM);
	enabled(loop, 5, "Active");
	expect_rings(test, 10, 6, 2);
}

static struct kunit_case alloc_rings_cases[] = {
	/* KMCL: VmbChannelEnable */
	KUNIT_CASE(memory_that_was_kept_is_enough),
	/* KMCL: VmbClientChannelInitSetRingBufferPageCount */
	KUNIT_CASE(rings_of_the_largest_block),
	KUNIT_CASE(each_ring_has_room_for_two_packets),
	/* KMCL: EVT_VMB_CHANNEL_PNP_FAILURE */
	KUNIT_CASE(there_is_a_smallest_size),
	{}
};

static struct kunit_suite alloc_rings_suite = {
	.name = "kmcl_alloc_rings",
	.init = alloc_rings_init,
	.exit = alloc_rings_exit,
	.test_cases = alloc_rings_cases,
};

kunit_test_suite(alloc_rings_suite);
