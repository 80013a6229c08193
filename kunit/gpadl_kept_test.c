// SPDX-License-Identifier: GPL-2.0
/*
 * GPADLs that the peer does not give back: whose memory is kept, and for which
 * memory deleting waits instead. The peer is loopback, with the answers of a
 * host that fails.
 *
 * The tests look at the pages' reference counts when their owner has freed
 * them, and drop what the library has kept.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "gpadl_harness.h"

/* What the peer does; one case at a time */
static struct {
	struct kmcl_transport_ops ops;
	const struct kmcl_transport_ops *loopback;
	int create_result;
	bool known;
	u32 failures;		/* so many times it does not give memory back */
	u32 destroys;
} peer;

static int failing_create(struct kmcl_offer *offer, struct kmcl_gpadl *gpadl)
{
	if (!peer.create_result)
		return peer.loopback->gpadl_create(offer, gpadl);
	gpadl->known = peer.known;
	return peer.create_result;
}

static int failing_destroy(struct kmcl_offer *offer, struct kmcl_gpadl *gpadl)
{
	bool fails = peer.destroys++ < peer.failures;

	/* It is called again only for memory that is not held */
	if (!fails || gpadl->held)
		peer.loopback->gpadl_destroy(offer, gpadl);
	return fails ? -EIO : 0;
}

static void failing_up(struct loop *loop, u32 failures)
{
	struct kmcl_offer *offer;

	memset(&peer, 0, sizeof(peer));
	peer.failures = failures;
	KUNIT_ASSERT_EQ(loop->test, 0, kmcl_channel_enable(loop->server.ch));
	KUNIT_ASSERT_EQ(loop->test, 0, kmcl_channel_start(loop->server.ch));
	offer = loop->server.ch->link.offer;
	peer.loopback = offer->ops;
	peer.ops = *offer->ops;
	peer.ops.gpadl_create = failing_create;
	peer.ops.gpadl_destroy = failing_destroy;
	offer->ops = &peer.ops;
	KUNIT_ASSERT_EQ(loop->test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_event(&loop->client, POST_STARTED, 1);
}

static int try_create(struct loop *loop, void *mem, u32 pages, u32 *handle)
{
	return kmcl_gpadl_create(loop->client.ch, 0, mem, pages * PAGE_SIZE,
				 handle);
}

static u32 create(struct loop *loop, void *mem, u32 pages)
{
	u32 handle = 0;

	KUNIT_ASSERT_EQ(loop->test, 0, try_create(loop, mem, pages, &handle));
	return handle;
}

static void expect_kept(struct loop *loop, u64 gpadls, u64 pages)
{
	const struct kmcl_counters *c = loop_snapshot(&loop->client);

	KUNIT_EXPECT_EQ(loop->test, c->gpadls, 0);
	KUNIT_EXPECT_EQ(loop->test, c->gpadls_kept, gpadls);
	KUNIT_EXPECT_EQ(loop->test, c->kept_bytes, pages * PAGE_SIZE);
}

/* vmalloc() memory with its pages */
static u8 *pages_of(struct kunit *test, struct page **pages, u32 count)
{
	u8 *mem = vzalloc(count * PAGE_SIZE);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, mem);
	for (i = 0; i < count; i++)
		pages[i] = vmalloc_to_page(mem + i * PAGE_SIZE);
	return mem;
}

/* Nobody but the library holds these pages, @refs times each */
static void expect_refs(struct kunit *test, struct page **pages, u32 count,
			int refs)
{
	u32 i;

	for (i = 0; i < count; i++)
		KUNIT_EXPECT_EQ_MSG(test, page_ref_count(pages[i]), refs,
				    "page %u", i);
}

static void drop(struct kunit *test, struct page **pages, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++)
		put_page(pages[i]);
	expect_refs(test, pages, count, 0);
}

static void memory_that_is_given_back_is_released(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct page *pages[PAGES];
	u8 *mem = pages_of(test, pages, PAGES);
	u32 handle;

	failing_up(loop, 0);
	handle = create(loop, mem, PAGES);
	/* Its owner cannot free it too early either */
	expect_refs(test, pages, PAGES, 2);
	KUNIT_EXPECT_EQ(test, 0, kmcl_gpadl_delete(loop->client.ch, handle));
	expect_refs(test, pages, PAGES, 1);
	expect_kept(loop, 0, 0);
	vfree(mem);
}

static void memory_that_is_not_given_back_is_kept(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct page *pages[PAGES];
	u8 *mem = pages_of(test, pages, PAGES);
	u32 handle;

	failing_up(loop, 1);
	handle = create(loop, mem, PAGES);
	KUNIT_EXPECT_EQ(test, 0, kmcl_gpadl_delete(loop->client.ch, handle));
	KUNIT_EXPECT_EQ(test, peer.destroys, 1);
	expect_kept(loop, 1, PAGES);
	vfree(mem);
	expect_refs(test, pages, PAGES, 1);
	drop(test, pages, PAGES);
}

static void described_memory_is_kept(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct page *single = alloc_page(GFP_KERNEL);
	struct page *pair = alloc_pages(GFP_KERNEL | __GFP_COMP, 1);
	struct kmcl_mdl *first, *second;
	u32 handle;

	KUNIT_ASSERT_NOT_NULL(test, single);
	KUNIT_ASSERT_NOT_NULL(test, pair);
	first = kmcl_mdl_from_pages(&single, 0, PAGE_SIZE, GFP_KERNEL);
	second = kmcl_mdl_from_buffer(page_address(pair), 2 * PAGE_SIZE,
				      GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, first);
	KUNIT_ASSERT_NOT_NULL(test, second);
	first->next = second;

	failing_up(loop, 1);
	KUNIT_ASSERT_EQ(test, 0, kmcl_gpadl_create_mdl(loop->client.ch, 0,
						       first, 0, 0, &handle));
	KUNIT_EXPECT_EQ(test, 0, kmcl_gpadl_delete(loop->client.ch, handle));
	expect_kept(loop, 1, 3);
	kmcl_mdl_free(first);
	kmcl_mdl_free(second);
	__free_page(single);
	__free_pages(pair, 1);
	/* The pages of a compound one are counted together */
	KUNIT_EXPECT_EQ(test, page_ref_count(single), 1);
	KUNIT_EXPECT_EQ(test, page_ref_count(pair), 2);
	put_page(single);
	put_page(pair + 1);
	put_page(pair);
}

/* Its owner would get it back as somebody else's, whatever is counted */
static void deleting_waits_for_memory_of_kmalloc(struct kunit *test)
{
	struct loop *loop = test->priv;
	void *mem = kzalloc(PAGE_SIZE, GFP_KERNEL);
	u32 handle;

	KUNIT_ASSERT_NOT_NULL(test, mem);
	failing_up(loop, 2);
	handle = create(loop, mem, 1);
	KUNIT_EXPECT_EQ(test, 0, kmcl_gpadl_delete(loop->client.ch, handle));
	KUNIT_EXPECT_EQ(test, peer.destroys, 3);
	expect_kept(loop, 0, 0);
	kfree(mem);
}

static void deleting_waits_for_a_block_of_pages(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct page *block = alloc_pages(GFP_KERNEL, 1);
	u32 handle;

	KUNIT_ASSERT_NOT_NULL(test, block);
	failing_up(loop, 1);
	handle = create(loop, page_address(block), 2);
	/* None is held where not all can be */
	KUNIT_EXPECT_EQ(test, page_ref_count(block), 1);
	KUNIT_EXPECT_EQ(test, 0, kmcl_gpadl_delete(loop->client.ch, handle));
	KUNIT_EXPECT_EQ(test, peer.destroys, 2);
	expect_kept(loop, 0, 0);
	__free_pages(block, 1);
}

static void memory_of_a_gpadl_that_fails(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct page *pages[PAGES];
	u8 *mem = pages_of(test, pages, PAGES);
	void *small = kzalloc(PAGE_SIZE, GFP_KERNEL);
	u32 handle = 77;

	KUNIT_ASSERT_NOT_NULL(test, small);
	failing_up(loop, 0);
	peer.create_result = -EIO;
	KUNIT_EXPECT_EQ(test, try_create(loop, mem, PAGES, &handle), -EIO);
	expect_refs(test, pages, PAGES, 1);
	expect_kept(loop, 0, 0);
	/* Not all of it reached the peer, but some did */
	peer.known = true;
	KUNIT_EXPECT_EQ(test, try_create(loop, mem, PAGES, &handle), -EIO);
	expect_kept(loop, 1, PAGES);
	/* For this the message is all there is */
	KUNIT_EXPECT_EQ(test, try_create(loop, small, 1, &handle), -EIO);
	expect_kept(loop, 1, PAGES);
	KUNIT_EXPECT_EQ(test, handle, 77);
	kfree(small);
	vfree(mem);
	expect_refs(test, pages, PAGES, 1);
	drop(test, pages, PAGES);
}

/* The library deletes what is left at a close, and at a rescind */
static void memory_that_is_left_is_kept(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct page *pages[PAGES];
	u8 *mem = pages_of(test, pages, PAGES);

	failing_up(loop, 2);
	create(loop, mem, 1);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_disable(loop->client.ch));
	expect_kept(loop, 1, 1);
	loop_forget(&loop->client);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_event(&loop->client, POST_STARTED, 1);
	create(loop, mem + PAGE_SIZE, PAGES - 1);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_disable(loop->server.ch));
	loop_wait_state(&loop->client, "Disabled");
	expect_kept(loop, 2, PAGES);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).gpadls_left, 2);
	vfree(mem);
	expect_refs(test, pages, PAGES, 1);
	drop(test, pages, PAGES);
}

static struct kunit_case gpadl_kept_cases[] = {
	/* KMCL: VmbChannelDeleteGpadl */
	KUNIT_CASE(memory_that_is_given_back_is_released),
	KUNIT_CASE(memory_that_is_not_given_back_is_kept),
	KUNIT_CASE(described_memory_is_kept),
	KUNIT_CASE(deleting_waits_for_memory_of_kmalloc),
	KUNIT_CASE(deleting_waits_for_a_block_of_pages),
	/* KMCL: VmbChannelCreateGpadlFromBuffer */
	KUNIT_CASE(memory_of_a_gpadl_that_fails),
	KUNIT_CASE(memory_that_is_left_is_kept),
	{}
};

static struct kunit_suite gpadl_kept_suite = {
	.name = "kmcl_gpadl_kept",
	.init = loop_init,
	.exit = loop_exit,
	.test_cases = gpadl_kept_cases,
};

kunit_test_suite(gpadl_kept_suite);
