// SPDX-License-Identifier: GPL-2.0
/*
 * GPADLs and the end of a channel: what is deleted in Closed and what is left
 * there, what can still be made, and in which order they and the link go. Needs
 * loopback only.
 */
#include <linux/delay.h>
#include <linux/minmax.h>

#include "gpadl_harness.h"

#define RACES		40
#define RACE_GPADLS	8

/* What ends, in the order in which it does */
enum ending {
	CLOSED_CALLED,
	GPADL_GONE,
	LINK_CLOSED,
};

#define ENDINGS		16

struct close_fixture {
	u32 handles[RACE_GPADLS];
	u32 deleted;
	enum ending endings[ENDINGS];
	u32 ended;
};

static struct close_fixture fx;

static int close_init(struct kunit *test)
{
	memset(&fx, 0, sizeof(fx));
	return gpadl_init(test);
}

/* S26: what exists when the close begins can be deleted in Closed */
static void delete_in_closed(struct end *e, enum loop_event what)
{
	if (what == CLOSED)
		gpadl_delete_handle(e);
}

static void unmap_in_closed(struct end *e, enum loop_event what)
{
	if (what == CLOSED)
		kmcl_gpadl_unmap(e->ch, gpadl_fx.handle);
}

static void expect_closed_has_deleted(struct loop *loop)
{
	struct kunit *test = loop->test;

	loop_wait_event(&loop->client, CLOSED, 1);
	loop_wait_state(&loop->client, "Disabled");
	KUNIT_EXPECT_TRUE(test, gpadl_fx.returned);
	KUNIT_EXPECT_EQ(test, gpadl_fx.result, 0);
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
	gpadl_fx.handle = gpadl_create(loop, 0, 0, FRAME);
	gpadl_map(loop, 0, gpadl_fx.handle);
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

/* The server does not unmap it: the library does, so the client may free the memory */
static void leftovers_are_deleted_and_counted(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 rescind, i;

	for (rescind = 0; rescind < 2; rescind++) {
		loop_up(loop);
		for (i = 0; i < 3; i++)
			gpadl_fx.handle = gpadl_create(loop, 0, i * FRAME, FRAME);
		gpadl_map(loop, 0, gpadl_fx.handle);
		kmcl_mdl_map(gpadl_map(loop, 0, gpadl_fx.handle - 1));
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
static void create_in_opened(struct end *e, enum loop_event what)
{
	if (what == OPENED)
		gpadl_fx.result = kmcl_gpadl_create(e->ch, 0, gpadl_fx.mem,
						    FRAME, &gpadl_fx.handle);
}

static void created_in_opened_that_fails(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.hook = create_in_opened;
	loop->client.opened_result = -EIO;
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_event(&loop->client, OPENED, 1);
	loop_wait_state(&loop->client, "Disabled");
	KUNIT_EXPECT_EQ(test, gpadl_fx.result, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).gpadls, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).gpadls_left, 1);
	KUNIT_EXPECT_EQ(test, loop_count(&loop->client, CLOSED_BEGINS), 0);
	/* Once more, and this time it agrees */
	loop->client.opened_result = 0;
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_event(&loop->client, POST_STARTED, 1);
	KUNIT_EXPECT_EQ(test, gpadl_fx.result, 0);
	gpadl_map(loop, 0, gpadl_fx.handle);
	kmcl_gpadl_unmap(loop->server.ch, gpadl_fx.handle);
	KUNIT_EXPECT_EQ(test, kmcl_gpadl_delete(loop->client.ch, gpadl_fx.handle), 0);
}

/* While the work runs a callback it does not notice that the link is dead */
static void nothing_is_made_on_a_dead_link(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_mdl *mdl;
	u32 handle = 77;
	struct job *job;

	loop_hold(&loop->client, POST_STARTED);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_start(loop->server.ch));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_held(&loop->client);
	gpadl_fx.handle = gpadl_create(loop, 0, 0, FRAME);
	loop_hold(&loop->server, CLOSED);
	job = loop_disable(&loop->server);
	loop_wait_held(&loop->server);
	KUNIT_EXPECT_EQ(test, -ENODEV, kmcl_gpadl_create(loop->client.ch, 0,
							 gpadl_fx.mem, 8, &handle));
	KUNIT_EXPECT_EQ(test, handle, 77);
	/* Deleting works, though the server is in its Closed */
	KUNIT_EXPECT_EQ(test, 0, kmcl_gpadl_delete(loop->client.ch, gpadl_fx.handle));
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
	loop_hold(&loop->server, STARTED);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_start(loop->server.ch));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_held(&loop->server);
	loop_wait_event(&loop->client, POST_STARTED, 1);
	gpadl_fx.handle = gpadl_create(loop, 0, 0, FRAME);
	/* The client closes while the server's work is busy */
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_disable(loop->client.ch));
	KUNIT_EXPECT_EQ(test, -ENODEV, kmcl_gpadl_map(loop->server.ch, 0,
						      gpadl_fx.handle, &mdl));
	loop_release(&loop->server);
}

static void note(enum ending what)
{
	if (fx.ended < ENDINGS)
		fx.endings[fx.ended++] = what;
}

static const char * const ending_names[] = {
	[CLOSED_CALLED] = "CLOSED_CALLED",
	[GPADL_GONE] = "GPADL_GONE",
	[LINK_CLOSED] = "LINK_CLOSED",
};

static void expect_ended(struct kunit *test, const enum ending *want, u32 count)
{
	u32 i;

	KUNIT_EXPECT_EQ(test, fx.ended, count);
	for (i = 0; i < min(fx.ended, count); i++)
		KUNIT_EXPECT_STREQ_MSG(test, ending_names[fx.endings[i]],
				       ending_names[want[i]], "ending %u", i);
	fx.ended = 0;
}

/* These since the last time, and nothing else */
#define EXPECT_ENDED(test, ...)						\
	do {								\
		static const enum ending want[] = { __VA_ARGS__ };	\
									\
		expect_ended(test, want, ARRAY_SIZE(want));		\
	} while (0)

/* A transport whose peer requires that GPADLs are deleted before the close */
static struct kmcl_transport_ops old_ops;
static const struct kmcl_transport_ops *loopback_ops;

static int noted_destroy(struct kmcl_offer *offer, struct kmcl_gpadl *gpadl)
{
	note(GPADL_GONE);
	return loopback_ops->gpadl_destroy(offer, gpadl);
}

static void noted_close(struct kmcl_offer *offer)
{
	note(LINK_CLOSED);
	loopback_ops->close(offer);
}

static bool first(struct kmcl_offer *offer)
{
	return true;
}

static void in_an_old_way(struct end *e, enum loop_event what)
{
	if (what == CLOSED)
		note(CLOSED_CALLED);
	if (what == OPENED)
		gpadl_create(e->loop, 0, 0, FRAME);
}

/* The server's offer, which nobody has opened yet, is one of an old peer's */
static void make_old(struct kmcl_offer *offer)
{
	loopback_ops = offer->ops;
	old_ops = *loopback_ops;
	old_ops.close = noted_close;
	old_ops.gpadl_destroy = noted_destroy;
	old_ops.gpadls_first = first;
	offer->ops = &old_ops;
}

static void an_old_peer_wants_gpadls_gone_first(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct sent *s;

	loop->client.hook = in_an_old_way;
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_start(loop->server.ch));
	make_old(loop->server.ch->link.offer);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_event(&loop->client, POST_STARTED, 1);
	gpadl_create(loop, 0, 0, FRAME);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_disable(loop->client.ch));
	EXPECT_ENDED(test, CLOSED_CALLED, GPADL_GONE, GPADL_GONE, LINK_CLOSED);
	loop_expect_events(&loop->client, OPENED, STARTED, POST_STARTED,
			   SUSPEND, CLOSED);
	/* It was closed nevertheless: what is sent stays in the queue */
	s = loop_send(&loop->client, 1, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued, 1);
	KUNIT_EXPECT_EQ(test, s->done, 0);

	/* Also when the opened callback does not agree: there is no Closed */
	loop->client.opened_result = -EIO;
	loop_forget(&loop->client);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_event(&loop->client, OPENED, 1);
	loop_wait_state(&loop->client, "Disabled");
	EXPECT_ENDED(test, GPADL_GONE, LINK_CLOSED);

	/* A rescind needs no answer of the peer, and the order is the same */
	loop->client.opened_result = 0;
	loop_forget(&loop->client);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_event(&loop->client, POST_STARTED, 1);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_disable(loop->server.ch));
	loop_wait_state(&loop->client, "Disabled");
	EXPECT_ENDED(test, CLOSED_CALLED, GPADL_GONE, LINK_CLOSED);
}

static void delete_all(void *data)
{
	struct end *e = data;
	u32 i;

	for (i = 0; i < RACE_GPADLS; i++)
		if (!kmcl_gpadl_delete(e->ch, fx.handles[i]))
			fx.deleted++;
}

/* Each is deleted once, by its driver or at the end of Closed */
static void deleting_while_the_server_goes(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i, n, left = 0, by_driver = 0;
	struct job *job;

	for (n = 0; n < RACES; n++) {
		loop_up(loop);
		for (i = 0; i < RACE_GPADLS; i++)
			fx.handles[i] = gpadl_create(loop, 0, i, FRAME);
		/* Whose delete waits for the server's Closed */
		gpadl_map(loop, 0, fx.handles[n % RACE_GPADLS]);
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

static struct kunit_case gpadl_close_cases[] = {
	KUNIT_CASE(closed_deletes_after_disable),
	KUNIT_CASE(closed_deletes_after_a_rescind),
	/* KMCL: VmbChannelDeleteGpadl */
	KUNIT_CASE(leftovers_are_deleted_and_counted),
	KUNIT_CASE(created_in_opened_that_fails),
	/* KMCL: VmbChannelCreateGpadlFromBuffer */
	KUNIT_CASE(nothing_is_made_on_a_dead_link),
	/* KMCL: VmbChannelMapGpadl */
	KUNIT_CASE(mapping_on_a_dead_link),
	KUNIT_CASE(an_old_peer_wants_gpadls_gone_first),
	KUNIT_CASE(deleting_while_the_server_goes),
	{}
};

static struct kunit_suite gpadl_close_suite = {
	.name = "kmcl_gpadl_close",
	.init = close_init,
	.exit = loop_exit,
	.test_cases = gpadl_close_cases,
};

kunit_test_suite(gpadl_close_suite);
