// SPDX-License-Identifier: GPL-2.0
/*
 * GPADLs: what a server sees of the client's memory, who waits for whom, and
 * what each call returns for what is invalid. What the end of a channel does to them
 * is in gpadl_close_test.c. Needs loopback only.
 */
#include <linux/delay.h>
#include <linux/vmalloc.h>

#include "gpadl_harness.h"

static void a_buffer_is_the_servers_to_read_and_write(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_mdl *mdl;
	u32 handle;
	u8 *p;

	loop_up(loop);
	handle = gpadl_create(loop, 0, 10, 2 * FRAME);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).gpadls, 1);
	mdl = gpadl_map(loop, 0, handle);
	KUNIT_EXPECT_EQ(test, kmcl_mdl_total(mdl), 2 * FRAME);
	loop_expect_bytes(test, mdl, 0, gpadl_fx.mem + 10, 2 * FRAME);
	p = kmcl_mdl_map(mdl);
	KUNIT_ASSERT_NOT_NULL(test, p);
	p[2 * FRAME - 1] = 0xee;
	KUNIT_EXPECT_EQ(test, gpadl_fx.mem[2 * FRAME + 9], 0xee);
	KUNIT_EXPECT_EQ(test, kmcl_mdl_write(mdl, FRAME, "wrote", 6), 0);
	KUNIT_EXPECT_STREQ(test, (char *)gpadl_fx.mem + 10 + FRAME, "wrote");
	KUNIT_EXPECT_EQ(test, kmcl_gpadl_unmap(loop->server.ch, handle), 0);
	/* Again, as often as they like */
	gpadl_map(loop, 0, handle);
	KUNIT_EXPECT_EQ(test, kmcl_gpadl_unmap(loop->server.ch, handle), 0);
	KUNIT_EXPECT_EQ(test, kmcl_gpadl_delete(loop->client.ch, handle), 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).gpadls, 0);
	KUNIT_EXPECT_EQ(test, kmcl_gpadl_map(loop->server.ch, 0, handle, &mdl),
			-ENOENT);
}

static void a_part_of_a_chain_that_is_gone_then(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_mdl *piece[3], *mdl;
	u32 handle[2], i;

	loop_up(loop);
	piece[0] = kmcl_mdl_from_buffer(gpadl_fx.mem + 100, FRAME, GFP_KERNEL);
	piece[1] = kmcl_mdl_from_buffer(gpadl_fx.mem, 0, GFP_KERNEL);
	piece[2] = kmcl_mdl_from_buffer(gpadl_fx.mem + 2 * FRAME - 8, FRAME + 16,
					GFP_KERNEL);
	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_NOT_NULL(test, piece[i]);
		if (i)
			piece[i - 1]->next = piece[i];
	}
	KUNIT_ASSERT_EQ(test, 0, kmcl_gpadl_create_mdl(loop->client.ch, 0,
						       piece[0], FRAME - 3, 8,
						       &handle[0]));
	KUNIT_ASSERT_EQ(test, 0, kmcl_gpadl_create_mdl(loop->client.ch, 0,
						       piece[0], 0, 0,
						       &handle[1]));
	for (i = 0; i < 3; i++)
		kmcl_mdl_free(piece[i]);
	KUNIT_EXPECT_NE(test, handle[0], handle[1]);
	mdl = gpadl_map(loop, 0, handle[0]);
	KUNIT_EXPECT_EQ(test, kmcl_mdl_total(mdl), 8);
	loop_expect_bytes(test, mdl, 0, gpadl_fx.mem + 100 + FRAME - 3, 3);
	loop_expect_bytes(test, mdl, 3, gpadl_fx.mem + 2 * FRAME - 8, 5);
	/* Both at once */
	mdl = gpadl_map(loop, 0, handle[1]);
	KUNIT_EXPECT_EQ(test, kmcl_mdl_total(mdl), 2 * FRAME + 16);
	loop_expect_bytes(test, mdl, 0, gpadl_fx.mem + 100, FRAME);
	loop_expect_bytes(test, mdl, FRAME, gpadl_fx.mem + 2 * FRAME - 8, FRAME + 16);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, 0, kmcl_gpadl_unmap(loop->server.ch,
							  handle[i]));
		KUNIT_EXPECT_EQ(test, 0, kmcl_gpadl_delete(loop->client.ch,
							   handle[i]));
	}
}

static void one_for_reading_only(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_mdl *mdl;
	u8 before = gpadl_fx.mem[0];
	u32 handle;

	loop_up(loop);
	handle = gpadl_create(loop, KMCL_GPADL_READ_ONLY, 0, FRAME);
	KUNIT_EXPECT_EQ(test, kmcl_gpadl_map(loop->server.ch, 0, handle, &mdl),
			-EACCES);
	mdl = gpadl_map(loop, KMCL_GPADL_READ_ONLY, handle);
	loop_expect_bytes(test, mdl, 0, gpadl_fx.mem, FRAME);
	KUNIT_EXPECT_EQ(test, kmcl_mdl_write(mdl, 0, "x", 1), -EACCES);
	KUNIT_EXPECT_EQ(test, gpadl_fx.mem[0], before);
	kmcl_gpadl_unmap(loop->server.ch, handle);
	kmcl_gpadl_delete(loop->client.ch, handle);
	/* For reading, by the server's choice: a hint, and no more */
	handle = gpadl_create(loop, 0, 0, FRAME);
	mdl = gpadl_map(loop, KMCL_GPADL_READ_ONLY, handle);
	KUNIT_EXPECT_EQ(test, kmcl_mdl_write(mdl, 0, "x", 1), 0);
	kmcl_gpadl_unmap(loop->server.ch, handle);
	kmcl_gpadl_delete(loop->client.ch, handle);
}

static void one_mapping_at_a_time(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_mdl *mdl;
	u32 handle;

	loop_up(loop);
	handle = gpadl_create(loop, 0, 0, FRAME);
	gpadl_map(loop, 0, handle);
	KUNIT_EXPECT_EQ(test, kmcl_gpadl_map(loop->server.ch, 0, handle, &mdl),
			-EBUSY);
	KUNIT_EXPECT_EQ(test, kmcl_gpadl_unmap(loop->server.ch, handle + 1),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, kmcl_gpadl_unmap(loop->server.ch, handle), 0);
	KUNIT_EXPECT_EQ(test, kmcl_gpadl_unmap(loop->server.ch, handle),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, kmcl_gpadl_delete(loop->client.ch, handle + 1),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).gpadls, 1);
	KUNIT_EXPECT_EQ(test, kmcl_gpadl_delete(loop->client.ch, handle), 0);
	KUNIT_EXPECT_EQ(test, kmcl_gpadl_delete(loop->client.ch, handle),
			-ENOENT);
}

static void wait_deleting(struct loop *loop)
{
	struct kmcl_channel *ch = loop->client.ch;
	unsigned long end = jiffies + LOOP_LIMIT;

	while (!READ_ONCE(ch->gpadl.deleting) && time_before(jiffies, end))
		fsleep(1000);
	KUNIT_ASSERT_EQ(loop->test, READ_ONCE(ch->gpadl.deleting), 1);
}

static void deleting_waits_while_it_is_mapped(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_mdl *mdl;
	struct job *job;

	loop_up(loop);
	gpadl_fx.handle = gpadl_create(loop, 0, 0, FRAME);
	gpadl_map(loop, 0, gpadl_fx.handle);
	job = loop_job(loop, gpadl_delete_handle, &loop->client);
	wait_deleting(loop);
	/* Time enough to return for one that does not wait */
	fsleep(50 * 1000);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(gpadl_fx.returned));
	/* It is being deleted: it cannot be mapped again */
	KUNIT_EXPECT_EQ(test, 0, kmcl_gpadl_unmap(loop->server.ch, gpadl_fx.handle));
	KUNIT_EXPECT_EQ(test, -ENOENT, kmcl_gpadl_map(loop->server.ch, 0,
						      gpadl_fx.handle, &mdl));
	loop_job_wait(job);
	KUNIT_EXPECT_TRUE(test, gpadl_fx.returned);
	KUNIT_EXPECT_EQ(test, gpadl_fx.result, 0);
}

static void map_in_opened(struct end *e, enum loop_event what)
{
	struct kmcl_mdl *mdl;

	/* The client's is always after this one, so there is none yet */
	if (what == OPENED)
		gpadl_fx.result = kmcl_gpadl_map(e->ch, 0, 1, &mdl);
}

static void create_in_closed(struct end *e, enum loop_event what)
{
	if (what == CLOSED)
		gpadl_fx.result = kmcl_gpadl_create(e->ch, 0, gpadl_fx.mem,
						    FRAME, &gpadl_fx.handle);
}

static void nothing_is_made_where_there_is_no_link(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_mdl *mdl;
	u32 handle = 77;

	KUNIT_EXPECT_EQ(test, -ENOTCONN, kmcl_gpadl_create(loop->client.ch, 0,
							   gpadl_fx.mem, 8, &handle));
	KUNIT_EXPECT_EQ(test, -ENOTCONN, kmcl_gpadl_map(loop->server.ch, 0, 1,
							&mdl));
	loop->server.hook = map_in_opened;
	loop->client.hook = create_in_closed;
	loop_up(loop);
	KUNIT_EXPECT_EQ(test, gpadl_fx.result, -ENOENT);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_disable(loop->client.ch));
	KUNIT_EXPECT_EQ(test, gpadl_fx.result, -ENOTCONN);
	KUNIT_EXPECT_EQ(test, -ENOTCONN, kmcl_gpadl_create(loop->client.ch, 0,
							   gpadl_fx.mem, 8, &handle));
	KUNIT_EXPECT_EQ(test, handle, 77);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).gpadls_left, 0);
}

/* A range of the message has 65528 bytes: 8 for its header, and 8 for each frame */
static void as_many_frames_as_a_range_has(struct kunit *test)
{
	const u32 most = 65528 / 8 - 1;
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;
	struct page **pages;
	u32 handle, i;
	void *map;

	/* The same page each time */
	pages = kunit_kmalloc_array(test, most + 1, sizeof(*pages), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pages);
	for (i = 0; i <= most; i++)
		pages[i] = vmalloc_to_page(gpadl_fx.mem);
	map = vmap(pages, most + 1, VM_MAP, PAGE_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, map);
	loop_up(loop);
	KUNIT_EXPECT_EQ(test, kmcl_gpadl_create(ch, 0, map, most * FRAME + 1, &handle),
			-E2BIG);
	KUNIT_EXPECT_EQ(test, kmcl_gpadl_create(ch, 0, map, most * FRAME, &handle), 0);
	KUNIT_EXPECT_EQ(test, kmcl_gpadl_delete(ch, handle), 0);
	vunmap(map);
}

static void memory_that_is_not_there(struct kunit *test)
{
	struct page *page = vmalloc_to_page(gpadl_fx.mem);
	struct loop *loop = test->priv;
	struct kmcl_mdl *mdl;
	u32 handle;
	void *map;

	loop_up(loop);
	map = vmap(&page, 1, VM_MAP, PAGE_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, map);
	vunmap(map);
	KUNIT_EXPECT_EQ(test, kmcl_gpadl_create(loop->client.ch, 0, map, FRAME, &handle),
			-EFAULT);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).gpadls, 0);
	mdl = kmcl_mdl_alloc(map, FRAME, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mdl);
	KUNIT_EXPECT_EQ(test, kmcl_mdl_build(mdl), -EFAULT);
	KUNIT_EXPECT_EQ(test, mdl->npfns, 0);
	kmcl_mdl_free(mdl);
}

static struct kunit_case gpadl_cases[] = {
	/* KMCL: VmbChannelCreateGpadlFromBuffer */
	KUNIT_CASE(a_buffer_is_the_servers_to_read_and_write),
	/* KMCL: VmbChannelCreateGpadlFromMdl */
	KUNIT_CASE(a_part_of_a_chain_that_is_gone_then),
	/* KMCL: VmbChannelMapGpadl VMBUS_CHANNEL_GPADL_FLAG_READ_ONLY */
	KUNIT_CASE(one_for_reading_only),
	/* KMCL: VmbChannelMapGpadl VmbChannelUnmapGpadl */
	KUNIT_CASE(one_mapping_at_a_time),
	/* KMCL: VmbChannelDeleteGpadl */
	KUNIT_CASE(deleting_waits_while_it_is_mapped),
	/* KMCL: VmbChannelCreateGpadlFromBuffer */
	KUNIT_CASE(nothing_is_made_where_there_is_no_link),
	/* KMCL: VmbChannelCreateGpadlFromBuffer */
	KUNIT_CASE(as_many_frames_as_a_range_has),
	/* KMCL: VmbChannelCreateGpadlFromBuffer */
	KUNIT_CASE(memory_that_is_not_there),
	{}
};

static struct kunit_suite gpadl_suite = {
	.name = "kmcl_gpadl",
	.init = gpadl_init,
	.exit = loop_exit,
	.test_cases = gpadl_cases,
};

kunit_test_suite(gpadl_suite);

MODULE_DESCRIPTION("KUnit tests of KMCL's GPADLs");
MODULE_LICENSE("GPL");
