// SPDX-License-Identifier: GPL-2.0
/*
 * What the peer's completion may look like: it ends its request, once, even if
 * it has more data than the channel's packet size.
 */
#include <linux/slab.h>

#include "harness.h"

#define SMALL		64	/* the client's packet size */
#define LONG		1000

static u8 *data;	/* of the answers */

/* An answer as long as the request says */
static void answer(struct end *e, struct kmcl_context *ctx, u64 value)
{
	u32 i;

	for (i = 0; i < value; i++)
		data[i] = i + value;
	kmcl_complete(ctx, data, value);
}

static void open_both(struct loop *loop)
{
	KUNIT_ASSERT_EQ(loop->test, 0,
			kmcl_set_max_packet_size(loop->client.ch, SMALL));
	loop->server.process = answer;
	loop_up(loop);
}

static void expect_no_data(struct kunit *test, const struct sent *s)
{
	KUNIT_EXPECT_EQ(test, s->done, 1);
	KUNIT_EXPECT_EQ(test, s->status, -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, s->len, 0);
	KUNIT_EXPECT_FALSE(test, s->buf);
}

static void an_answer_that_is_too_long_ends_its_request(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct sent *fits, *above, *longest, *after;
	struct kmcl_counters c;

	open_both(loop);
	fits = loop_send(client, SMALL, KMCL_SEND_WAIT);
	above = loop_send(client, SMALL + 8, KMCL_SEND_WAIT);
	longest = loop_send(client, KMCL_DEFAULT_PACKET_SIZE, KMCL_SEND_WAIT);
	after = loop_send(client, 8, KMCL_SEND_WAIT);
	loop_wait(client, loop_done(client) == 4);
	KUNIT_EXPECT_EQ(test, fits->status, 0);
	KUNIT_EXPECT_EQ(test, fits->len, SMALL);
	expect_no_data(test, above);
	expect_no_data(test, longest);
	KUNIT_EXPECT_EQ(test, after->status, 0);
	KUNIT_EXPECT_EQ(test, after->len, 8);
	KUNIT_EXPECT_EQ(test, longest->order, 3);

	c = loop_counters(client);
	KUNIT_EXPECT_EQ(test, c.comps_too_long, 2);
	KUNIT_EXPECT_EQ(test, c.completed, 4);
	KUNIT_EXPECT_EQ(test, c.in_flight, 0);
	KUNIT_EXPECT_EQ(test, c.bad_packets, 0);
	KUNIT_EXPECT_EQ(test, c.comps_stale, 0);
	loop_expect_balance(client);
}

/* It has ended already: the answer is stale, not too long */
static void an_answer_that_is_too_late_and_too_long(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct kmcl_context *ctx;
	u64 value = 1;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(client->ch, SMALL));
	loop->server.keep = true;
	loop_up(loop);
	KUNIT_EXPECT_EQ(test, -ECANCELED,
			kmcl_send_sync(client->ch, &value, sizeof(value),
				       KMCL_SEND_WAIT, NULL, NULL,
				       NSEC_PER_MSEC));
	loop_wait(&loop->server, loop_kept(&loop->server) == 1);
	ctx = loop->server.kept[0];
	loop->server.kept[0] = NULL;
	answer(&loop->server, ctx, LONG);
	loop_wait(client, loop_counters(client).comps_stale == 1);
	KUNIT_EXPECT_EQ(test, loop_counters(client).comps_too_long, 0);
}

static void the_library_frees_a_packet_whose_answer_is_too_long(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct kmcl_packet *pkt;
	u64 value = LONG;
	u32 cached, i;

	open_both(loop);
	for (i = 0; i < 2; i++) {
		pkt = kmcl_packet_alloc(client->ch);
		KUNIT_ASSERT_NOT_NULL(test, pkt);
		cached = loop_cached(client);
		KUNIT_ASSERT_EQ(test, 0, kmcl_send(pkt, &value, sizeof(value),
						   KMCL_SEND_WAIT));
		loop_wait(client, loop_counters(client).comps_too_long == i + 1);
		KUNIT_EXPECT_EQ(test, loop_cached(client), cached + 1);
	}
}

struct reply {
	u8 *buf;
	u32 len;
	int status;
};

static struct reply ask(struct loop *loop, u32 bytes, u32 room)
{
	struct reply r = { .len = room };
	u64 value = bytes;

	r.buf = kunit_kmalloc(loop->test, room + 8, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(loop->test, r.buf);
	memset(r.buf, 0xee, room + 8);
	r.status = kmcl_send_sync(loop->client.ch, &value, sizeof(value),
				  KMCL_SEND_WAIT, r.buf, &r.len,
				  10LL * NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(loop->test, r.len, bytes);
	return r;
}

/* @bytes of the answer of @len, and behind them what was there before */
static void expect_reply(struct kunit *test, const struct reply *r, u32 len,
			 u32 bytes)
{
	u32 i;

	for (i = 0; i < bytes; i++)
		KUNIT_ASSERT_EQ(test, r->buf[i], (u8)(i + len));
	for (i = bytes; i < bytes + 8; i++)
		KUNIT_ASSERT_EQ(test, r->buf[i], 0xee);
}

/* The caller's buffer, not the packet, is what an answer has to fit into */
static void a_reply_buffer_larger_than_a_packet_is_filled(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_counters c;
	struct reply r;

	open_both(loop);
	r = ask(loop, KMCL_DEFAULT_PACKET_SIZE, KMCL_DEFAULT_PACKET_SIZE);
	KUNIT_EXPECT_EQ(test, r.status, 0);
	expect_reply(test, &r, KMCL_DEFAULT_PACKET_SIZE,
		     KMCL_DEFAULT_PACKET_SIZE);
	r = ask(loop, LONG, 512);
	KUNIT_EXPECT_EQ(test, r.status, -ENOSPC);
	expect_reply(test, &r, LONG, 512);
	r = ask(loop, LONG, 0);
	KUNIT_EXPECT_EQ(test, r.status, -ENOSPC);
	expect_reply(test, &r, LONG, 0);
	c = loop_counters(&loop->client);
	KUNIT_EXPECT_EQ(test, c.comps_too_long, 0);
	KUNIT_EXPECT_EQ(test, c.completed, 3);
	KUNIT_EXPECT_EQ(test, c.in_flight, 0);
}

static void an_answer_that_nobody_wants_may_be_long(struct kunit *test)
{
	struct loop *loop = test->priv;
	u64 value = LONG;

	open_both(loop);
	KUNIT_EXPECT_EQ(test, 0,
			kmcl_send_sync(loop->client.ch, &value, sizeof(value),
				       KMCL_SEND_WAIT, NULL, NULL,
				       10LL * NSEC_PER_SEC));
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).completed, 1);
}

/* The longest of all, in a ring that the other side's packet size has enlarged */
static void a_reply_as_long_as_a_packet_can_be(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct reply r;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(loop->server.ch,
							  KMCL_PACKET_SIZE_MAX));
	open_both(loop);
	r = ask(loop, KMCL_PACKET_SIZE_MAX, KMCL_PACKET_SIZE_MAX);
	KUNIT_EXPECT_EQ(test, r.status, 0);
	expect_reply(test, &r, KMCL_PACKET_SIZE_MAX, KMCL_PACKET_SIZE_MAX);
}

static int answer_init(struct kunit *test)
{
	data = kunit_kzalloc(test, KMCL_PACKET_SIZE_MAX, GFP_KERNEL);
	return data ? loop_init(test) : -ENOMEM;
}

static struct kunit_case answer_cases[] = {
	/* KMCL: EVT_VMB_PACKET_COMPLETION_ROUTINE */
	KUNIT_CASE(an_answer_that_is_too_long_ends_its_request),
	KUNIT_CASE(an_answer_that_is_too_late_and_too_long),
	KUNIT_CASE(the_library_frees_a_packet_whose_answer_is_too_long),
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(a_reply_buffer_larger_than_a_packet_is_filled),
	KUNIT_CASE(an_answer_that_nobody_wants_may_be_long),
	KUNIT_CASE(a_reply_as_long_as_a_packet_can_be),
	{}
};

static struct kunit_suite answer_suite = {
	.name = "kmcl_answer",
	.init = answer_init,
	.exit = loop_exit,
	.test_cases = answer_cases,
};

kunit_test_suite(answer_suite);

MODULE_DESCRIPTION("KUnit tests of what a peer's completion may look like");
MODULE_LICENSE("GPL");
