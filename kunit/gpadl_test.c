// SPDX-License-Identifier: GPL-2.0
/*
 * GPADLs: what a server sees of the client's memory, who waits for whom, what
 * closing leaves, and what each call says to what cannot be. Needs loopback
 * only. What the cases share is in one place, since callbacks look at it;
 * suites run one at a time.
 */
#include <linux/delay.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <kmcl/ntstatus.h>

#include "harness.h"

#define PAGES	4
#define FRAME	4096U

#define RACES		40
#define RACE_GPADLS	8

struct gpadl_fixture {
	u8 *mem;
	u32 handle;
	int result;
	bool returned;
	/* What a state callback did */
	struct kmcl_mdl *map;
	u32 handles[RACE_GPADLS];
	u32 deleted;
	char order[16];		/* D: a GPADL destroyed, L: link closed, c: Closed */
	u32 ordered;
};

static struct gpadl_fixture fx;

static int gpadl_init(struct kunit *test)
{
	int ret = loop_init(test);
	u32 i;

	memset(&fx, 0, sizeof(fx));
	if (ret)
		return ret;
	fx.mem = vmalloc(PAGES * PAGE_SIZE);
	if (!fx.mem)
		return -ENOMEM;
	for (i = 0; i < PAGES * PAGE_SIZE; i++)
		fx.mem[i] = i * 5 + (i >> 9);
	return 0;
}

static void gpadl_exit(struct kunit *test)
{
	loop_exit(test);
	vfree(fx.mem);
}

static u32 create(struct loop *loop, u32 flags, u32 from, u32 bytes)
{
	u32 handle = 0;

	KUNIT_ASSERT_EQ(loop->test, 0,
			kmcl_gpadl_create(loop->client.ch, flags, fx.mem + from,
					  bytes, &handle));
	KUNIT_EXPECT_NE(loop->test, handle, 0);
	return handle;
}

static struct kmcl_mdl *map(struct loop *loop, u32 flags, u32 handle)
{
	struct kmcl_mdl *mdl = NULL;

	KUNIT_ASSERT_EQ(loop->test, 0, kmcl_gpadl_map(loop->server.ch, flags,
						      handle, &mdl));
	KUNIT_ASSERT_NOT_NULL(loop->test, mdl);
	return mdl;
}

/* What the server reads at @at is what the memory has at @from */
static void expect_bytes(struct kunit *test, struct kmcl_mdl *mdl, u32 at,
			 u32 from, u32 bytes)
{
	u8 *got = kunit_kzalloc(test, bytes, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, got);
	KUNIT_EXPECT_EQ(test, kmcl_mdl_read(mdl, at, got, bytes), 0);
	KUNIT_EXPECT_MEMEQ(test, got, fx.mem + from, bytes);
}

static void a_buffer_is_the_servers_to_read_and_write(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_mdl *mdl;
	u32 handle;
	u8 *p;

	loop_up(loop);
	handle = create(loop, 0, 10, 2 * FRAME);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).gpadls, 1);
	mdl = map(loop, 0, handle);
	KUNIT_EXPECT_EQ(test, kmcl_mdl_total(mdl), 2 * FRAME);
	expect_bytes(test, mdl, 0, 10, 2 * FRAME);
	p = kmcl_mdl_map(mdl);
	KUNIT_ASSERT_NOT_NULL(test, p);
	p[2 * FRAME - 1] = 0xee;
	KUNIT_EXPECT_EQ(test, fx.mem[2 * FRAME + 9], 0xee);
	KUNIT_EXPECT_EQ(test, kmcl_mdl_write(mdl, FRAME, "wrote", 6), 0);
	KUNIT_EXPECT_STREQ(test, (char *)fx.mem + 10 + FRAME, "wrote");
	KUNIT_EXPECT_EQ(test, kmcl_gpadl_unmap(loop->server.ch, handle), 0);
	/* Again, as often as they like */
	map(loop, 0, handle);
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
	piece[0] = kmcl_mdl_from_buffer(fx.mem + 100, FRAME, GFP_KERNEL);
	piece[1] = kmcl_mdl_from_buffer(fx.mem, 0, GFP_KERNEL);
	piece[2] = kmcl_mdl_from_buffer(fx.mem + 2 * FRAME - 8, FRAME + 16,
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
	mdl = map(loop, 0, handle[0]);
	KUNIT_EXPECT_EQ(test, kmcl_mdl_total(mdl), 8);
	expect_bytes(test, mdl, 0, 100 + FRAME - 3, 3);
	expect_bytes(test, mdl, 3, 2 * FRAME - 8, 5);
	/* Both at once */
	mdl = map(loop, 0, handle[1]);
	KUNIT_EXPECT_EQ(test, kmcl_mdl_total(mdl), 2 * FRAME + 16);
	expect_bytes(test, mdl, 0, 100, FRAME);
	expect_bytes(test, mdl, FRAME, 2 * FRAME - 8, FRAME + 16);
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
	u8 before = fx.mem[0];
	u32 handle;

	loop_up(loop);
	handle = create(loop, KMCL_GPADL_READ_ONLY, 0, FRAME);
	KUNIT_EXPECT_EQ(test, kmcl_gpadl_map(loop->server.ch, 0, handle, &mdl),
			-EACCES);
	mdl = map(loop, KMCL_GPADL_READ_ONLY, handle);
	expect_bytes(test, mdl, 0, 0, FRAME);
	KUNIT_EXPECT_EQ(test, kmcl_mdl_write(mdl, 0, "x", 1), -EACCES);
	KUNIT_EXPECT_EQ(test, fx.mem[0], before);
	kmcl_gpadl_unmap(loop->server.ch, handle);
	kmcl_gpadl_delete(loop->client.ch, handle);
	/* For reading, by the server's choice: a hint, and no more */
	handle = create(loop, 0, 0, FRAME);
	mdl = map(loop, KMCL_GPADL_READ_ONLY, handle);
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
	handle = create(loop, 0, 0, FRAME);
	map(loop, 0, handle);
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

static void delete_handle(void *data)
{
	struct end *e = data;

	fx.result = kmcl_gpadl_delete(e->ch, fx.handle);
	WRITE_ONCE(fx.returned, true);
	wake_up_all(&e->wait);
}

static void wait_deleting(struct loop *loop)
{
	struct kmcl_channel *ch = loop->client.ch;
	unsigned long end = jiffies + LOOP_LIMIT;

	while (!READ_ONCE(ch->gpadl_deleting) && time_before(jiffies, end))
		fsleep(1000);
	KUNIT_ASSERT_EQ(loop->test, READ_ONCE(ch->gpadl_deleting), 1);
}

static void deleting_waits_while_it_is_mapped(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_mdl *mdl;
	struct job *job;

	loop_up(loop);
	fx.handle = create(loop, 0, 0, FRAME);
	map(loop, 0, fx.handle);
	job = loop_job(loop, delete_handle, &loop->client);
	wait_deleting(loop);
	/* Time enough to return for one that does not wait */
	fsleep(50 * 1000);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(fx.returned));
	/* It is going: nobody may map it again */
	KUNIT_EXPECT_EQ(test, 0, kmcl_gpadl_unmap(loop->server.ch, fx.handle));
	KUNIT_EXPECT_EQ(test, -ENOENT, kmcl_gpadl_map(loop->server.ch, 0,
						      fx.handle, &mdl));
	loop_job_wait(job);
	KUNIT_EXPECT_TRUE(test, fx.returned);
	KUNIT_EXPECT_EQ(test, fx.result, 0);
}

/* S26: what exists when the close begins can be deleted in Closed */
static void delete_in_closed(struct end *e, char what)
{
	if (what == 'C')
		delete_handle(e);
}

static void unmap_in_closed(struct end *e, char what)
{
	if (what == 'C')
		kmcl_gpadl_unmap(e->ch, fx.handle);
}

static void expect_closed_has_deleted(struct loop *loop)
{
	struct kunit *test = loop->test;

	loop_wait_log(&loop->client, 'c', 1);
	loop_wait_state(&loop->client, "Disabled");
	KUNIT_EXPECT_TRUE(test, fx.returned);
	KUNIT_EXPECT_EQ(test, fx.result, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).gpadls, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).gpadls_left, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).gpadls_left, 0);
}

static void closed_deletes(struct kunit *test, struct end *disabled)
{
	struct loop *loop = test->priv;

	loop->client.hook = delete_in_closed;
	loop->server.hook = unmap_in_closed;
	loop_up(loop);
	fx.handle = create(loop, 0, 0, FRAME);
	map(loop, 0, fx.handle);
	KUNIT_EXPECT_EQ(test, kmcl_channel_disable(disabled->ch), 0);
	expect_closed_has_deleted(loop);
}

static void closed_deletes_after_disable(struct kunit *test)
{
	struct loop *loop = test->priv;

	closed_deletes(test, &loop->client);
}

static void closed_deletes_after_a_rescind(struct kunit *test)
{
	struct loop *loop = test->priv;

	closed_deletes(test, &loop->server);
}

/* The server forgets it: the library does not, and the client's memory is safe */
static void leftovers_are_deleted_and_counted(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 rescind, i;

	for (rescind = 0; rescind < 2; rescind++) {
		loop_up(loop);
		for (i = 0; i < 3; i++)
			fx.handle = create(loop, 0, i * FRAME, FRAME);
		map(loop, 0, fx.handle);
		kmcl_mdl_map(map(loop, 0, fx.handle - 1));
		kmcl_channel_disable(rescind ? loop->server.ch : loop->client.ch);
		loop_wait_state(&loop->client, "Disabled");
		kmcl_channel_disable(loop->server.ch);
		KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).gpadls, 0);
		KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).gpadls_left,
				3 * (rescind + 1));
		KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).gpadls_left,
				2 * (rescind + 1));
		loop_forget(&loop->client);
		loop_forget(&loop->server);
	}
}

/* An opened callback may create; when it then does not agree, there is no Closed */
static void create_in_opened(struct end *e, char what)
{
	if (what == 'O')
		fx.result = kmcl_gpadl_create(e->ch, 0, fx.mem, FRAME,
					      &fx.handle);
}

static void map_in_opened(struct end *e, char what)
{
	struct kmcl_mdl *mdl;

	/* The client's is always after this one, so there is none yet */
	if (what == 'O')
		fx.result = kmcl_gpadl_map(e->ch, 0, 1, &mdl);
}

static void created_in_opened_that_fails(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.hook = create_in_opened;
	loop->client.opened_result = -EIO;
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_log(&loop->client, 'o', 1);
	loop_wait_state(&loop->client, "Disabled");
	KUNIT_EXPECT_EQ(test, fx.result, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).gpadls, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).gpadls_left, 1);
	KUNIT_EXPECT_EQ(test, loop_log_count(&loop->client, 'C'), 0);
	/* Once more, and this time it agrees */
	loop->client.opened_result = 0;
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_log(&loop->client, 'p', 1);
	KUNIT_EXPECT_EQ(test, fx.result, 0);
	map(loop, 0, fx.handle);
	kmcl_gpadl_unmap(loop->server.ch, fx.handle);
	KUNIT_EXPECT_EQ(test, kmcl_gpadl_delete(loop->client.ch, fx.handle), 0);
}

static void create_in_closed(struct end *e, char what)
{
	if (what == 'C')
		fx.result = kmcl_gpadl_create(e->ch, 0, fx.mem, FRAME,
					      &fx.handle);
}

static void nothing_is_made_where_there_is_no_link(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_mdl *mdl;
	u32 handle = 77;

	KUNIT_EXPECT_EQ(test, -ENOTCONN, kmcl_gpadl_create(loop->client.ch, 0,
							   fx.mem, 8, &handle));
	KUNIT_EXPECT_EQ(test, -ENOTCONN, kmcl_gpadl_map(loop->server.ch, 0, 1,
							&mdl));
	loop->server.hook = map_in_opened;
	loop->client.hook = create_in_closed;
	loop_up(loop);
	KUNIT_EXPECT_EQ(test, fx.result, -ENOENT);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_disable(loop->client.ch));
	KUNIT_EXPECT_EQ(test, fx.result, -ENOTCONN);
	KUNIT_EXPECT_EQ(test, -ENOTCONN, kmcl_gpadl_create(loop->client.ch, 0,
							   fx.mem, 8, &handle));
	KUNIT_EXPECT_EQ(test, handle, 77);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).gpadls_left, 0);
	KUNIT_EXPECT_EQ(test, kmcl_ntstatus(-ENOTCONN),
			STATUS_INVALID_DEVICE_STATE);
}

/* While the work is in a callback it has not seen that the link is dead */
static void nothing_is_made_on_a_dead_link(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_mdl *mdl;
	u32 handle = 77;
	struct job *job;

	loop_hold(&loop->client, 'P');
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_start(loop->server.ch));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_held(&loop->client);
	fx.handle = create(loop, 0, 0, FRAME);
	loop_hold(&loop->server, 'C');
	job = loop_disable(&loop->server);
	loop_wait_held(&loop->server);
	KUNIT_EXPECT_EQ(test, -ENODEV, kmcl_gpadl_create(loop->client.ch, 0,
							 fx.mem, 8, &handle));
	KUNIT_EXPECT_EQ(test, handle, 77);
	/* What there is goes, though the server is in its Closed */
	KUNIT_EXPECT_EQ(test, 0, kmcl_gpadl_delete(loop->client.ch, fx.handle));
	loop_release(&loop->server);
	loop_release(&loop->client);
	loop_job_wait(job);
	loop_wait_state(&loop->client, "Disabled");
	KUNIT_EXPECT_EQ(test, -ENOTCONN, kmcl_gpadl_map(loop->server.ch, 0, 1,
							&mdl));
}

static void mapping_on_a_dead_link(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_mdl *mdl;

	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	loop_hold(&loop->server, 'S');
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_start(loop->server.ch));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_held(&loop->server);
	loop_wait_log(&loop->client, 'p', 1);
	fx.handle = create(loop, 0, 0, FRAME);
	/* The client goes while the server's work is busy */
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_disable(loop->client.ch));
	KUNIT_EXPECT_EQ(test, -ENODEV, kmcl_gpadl_map(loop->server.ch, 0,
						      fx.handle, &mdl));
	loop_release(&loop->server);
}

static void note(char what)
{
	if (fx.ordered < sizeof(fx.order) - 1)
		fx.order[fx.ordered++] = what;
}

static void noted_destroy(struct kmcl_offer *offer, struct kmcl_gpadl *gpadl)
{
	note('D');
	kmcl_loopback_ops.gpadl_destroy(offer, gpadl);
}

static void noted_close(struct kmcl_offer *offer)
{
	note('L');
	kmcl_loopback_ops.close(offer);
}

static bool first(struct kmcl_offer *offer)
{
	return true;
}

/* A transport whose peer wants the GPADLs gone before the link is closed */
static struct kmcl_transport_ops old_ops;

static void in_an_old_way(struct end *e, char what)
{
	if (what == 'C')
		note('c');
	if (what != 'O')
		return;
	old_ops = kmcl_loopback_ops;
	old_ops.close = noted_close;
	old_ops.gpadl_destroy = noted_destroy;
	old_ops.gpadls_first = first;
	e->ch->offer->ops = &old_ops;
	create(e->loop, 0, 0, FRAME);
}

static void an_old_peer_wants_gpadls_gone_first(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct sent *s;

	loop->client.hook = in_an_old_way;
	loop_up(loop);
	create(loop, 0, 0, FRAME);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_disable(loop->client.ch));
	KUNIT_EXPECT_STREQ(test, fx.order, "cDDL");
	loop_expect_log(&loop->client, "OoSsPpUuCc");
	/* It was closed nevertheless: what is sent stays in the queue */
	s = loop_send(&loop->client, 1, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued, 1);
	KUNIT_EXPECT_EQ(test, s->done, 0);

	/* Also when the opened callback does not agree: there is no Closed */
	memset(fx.order, 0, sizeof(fx.order));
	fx.ordered = 0;
	loop->client.opened_result = -EIO;
	loop_forget(&loop->client);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_log(&loop->client, 'o', 1);
	loop_wait_state(&loop->client, "Disabled");
	KUNIT_EXPECT_STREQ(test, fx.order, "DL");

	/* A rescind needs nothing of the peer's, and the order is the same */
	memset(fx.order, 0, sizeof(fx.order));
	fx.ordered = 0;
	loop->client.opened_result = 0;
	loop_forget(&loop->client);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_log(&loop->client, 'p', 1);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_disable(loop->server.ch));
	loop_wait_state(&loop->client, "Disabled");
	KUNIT_EXPECT_STREQ(test, fx.order, "cDL");
}

static void delete_all(void *data)
{
	struct end *e = data;
	u32 i;

	for (i = 0; i < RACE_GPADLS; i++)
		if (!kmcl_gpadl_delete(e->ch, fx.handles[i]))
			fx.deleted++;
}

/* Each goes once, by its driver or at the end of Closed */
static void deleting_while_the_server_goes(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i, n, left = 0, by_driver = 0;
	struct job *job;

	for (n = 0; n < RACES; n++) {
		loop_up(loop);
		for (i = 0; i < RACE_GPADLS; i++)
			fx.handles[i] = create(loop, 0, i, FRAME);
		/* Whose delete waits for the server's Closed */
		map(loop, 0, fx.handles[n % RACE_GPADLS]);
		fx.deleted = 0;
		job = loop_job(loop, delete_all, &loop->client);
		if (n & 1)
			udelay(5 * n);
		KUNIT_EXPECT_EQ(test, 0, kmcl_channel_disable(loop->server.ch));
		loop_job_wait(job);
		loop_wait_state(&loop->client, "Disabled");
		KUNIT_ASSERT_EQ(test, loop_counters(&loop->client).gpadls, 0);
		KUNIT_ASSERT_EQ(test, RACE_GPADLS - fx.deleted,
				loop_counters(&loop->client).gpadls_left - left);
		left = loop_counters(&loop->client).gpadls_left;
		by_driver += fx.deleted;
		loop_forget(&loop->client);
		loop_forget(&loop->server);
	}
	kunit_info(test, "%u by the driver, %u left\n", by_driver, left);
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
	KUNIT_CASE(closed_deletes_after_disable),
	KUNIT_CASE(closed_deletes_after_a_rescind),
	/* KMCL: VmbChannelDeleteGpadl */
	KUNIT_CASE(leftovers_are_deleted_and_counted),
	KUNIT_CASE(created_in_opened_that_fails),
	/* KMCL: VmbChannelCreateGpadlFromBuffer */
	KUNIT_CASE(nothing_is_made_where_there_is_no_link),
	/* KMCL: VmbChannelCreateGpadlFromBuffer */
	KUNIT_CASE(nothing_is_made_on_a_dead_link),
	/* KMCL: VmbChannelMapGpadl */
	KUNIT_CASE(mapping_on_a_dead_link),
	KUNIT_CASE(an_old_peer_wants_gpadls_gone_first),
	KUNIT_CASE(deleting_while_the_server_goes),
	{}
};

static struct kunit_suite gpadl_suite = {
	.name = "kmcl_gpadl",
	.init = gpadl_init,
	.exit = gpadl_exit,
	.test_cases = gpadl_cases,
};

kunit_test_suite(gpadl_suite);

MODULE_DESCRIPTION("KUnit tests of KMCL's GPADLs");
MODULE_LICENSE("GPL");
