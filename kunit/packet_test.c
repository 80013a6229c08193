// SPDX-License-Identifier: GPL-2.0
/*
 * Packet objects, the library's and the driver's, and what becomes of them;
 * the limits of delivery while it runs.
 */
#include <linux/sizes.h>
#include <linux/slab.h>

#include "harness.h"

#define CACHED	64

struct routine {
	struct end *e;
	struct kmcl_packet *pkt;
	u32 calls;
	u32 again;		/* send it again this often */
	int status;
	int send_status;
	void *pointer;
};

static void count_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	struct routine *r = kmcl_packet_get_pointer(pkt);
	u64 value = r->calls + 1;

	r->status = status;
	WRITE_ONCE(r->calls, r->calls + 1);
	if (r->again) {
		r->again--;
		r->send_status = kmcl_send(pkt, &value, sizeof(value),
					   KMCL_SEND_WAIT);
	}
	wake_up_all(&r->e->wait);
}

static struct kmcl_packet *own_packet(struct kunit *test, struct end *e,
				      struct routine *r)
{
	u32 size = kmcl_packet_size(e->ch);
	struct kmcl_packet *pkt = kunit_kzalloc(test, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, pkt);
	memset(pkt, 0xa5, size);
	KUNIT_ASSERT_EQ(test, 0, kmcl_packet_init(e->ch, pkt, size));
	r->e = e;
	r->pkt = pkt;
	return pkt;
}

static void memory_of_the_drivers(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct routine r = {};
	struct kmcl_packet *pkt = own_packet(test, client, &r);
	u32 size = kmcl_packet_size(client->ch), cached = loop_cached(client);
	u64 value = 0;

	KUNIT_EXPECT_PTR_EQ(test, kmcl_packet_channel(pkt), client->ch);
	KUNIT_EXPECT_NULL(test, kmcl_packet_get_pointer(pkt));
	KUNIT_EXPECT_EQ(test, -ENOENT, kmcl_send(pkt, &value, 8, 0));
	kmcl_packet_set_pointer(pkt, &r);
	kmcl_packet_set_done(pkt, count_done);
	loop_up(loop);
	/* Sent, completed, and sent again from its own routine */
	r.again = 20;
	KUNIT_ASSERT_EQ(test, 0, kmcl_send(pkt, &value, 8, KMCL_SEND_WAIT));
	loop_wait(client, READ_ONCE(r.calls) == 21);
	KUNIT_EXPECT_EQ(test, r.status, 0);
	KUNIT_EXPECT_EQ(test, r.send_status, 0);
	/* And once more: routine and pointer stay */
	KUNIT_ASSERT_EQ(test, 0, kmcl_send(pkt, &value, 8, 0));
	loop_wait(client, READ_ONCE(r.calls) == 22);
	KUNIT_EXPECT_PTR_EQ(test, kmcl_packet_get_pointer(pkt), (void *)&r);
	loop_wait(&loop->server, loop_got(&loop->server) == 22);

	/* The library never frees it */
	kmcl_packet_free(pkt);
	KUNIT_EXPECT_EQ(test, loop_cached(client), cached);
	/* No routine again: back to none, not to the default */
	kmcl_packet_set_done(pkt, NULL);
	KUNIT_EXPECT_EQ(test, -ENOENT, kmcl_send(pkt, &value, 8, 0));
	KUNIT_EXPECT_EQ(test, -ENOSPC,
			kmcl_packet_init(client->ch, pkt, size - 1));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			kmcl_packet_init(client->ch, (u8 *)pkt + 4, size));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			kmcl_packet_init(client->ch, NULL, size));
	KUNIT_EXPECT_EQ(test, 0, kmcl_packet_init(client->ch, pkt, size));
	KUNIT_EXPECT_NULL(test, kmcl_packet_get_pointer(pkt));
}

static void a_packet_in_use_is_left_alone(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct routine r = {};
	struct kmcl_packet *pkt = own_packet(test, client, &r);
	u64 value = 0;
	u32 i;

	kmcl_packet_set_pointer(pkt, &r);
	kmcl_packet_set_done(pkt, count_done);
	loop->server.keep = true;
	/* Queued, then in flight */
	for (i = 0; i < 2; i++) {
		if (!i)
			KUNIT_ASSERT_EQ(test, 0, kmcl_send(pkt, &value, 8,
							   KMCL_SEND_WAIT));
		else
			loop_up(loop);
		if (i)
			loop_wait(&loop->server, loop_kept(&loop->server) == 1);
		KUNIT_EXPECT_EQ(test, -EBUSY, kmcl_send(pkt, &value, 8, 0));
		kmcl_packet_set_done(pkt, NULL);
		kmcl_packet_free(pkt);
		KUNIT_EXPECT_EQ(test, loop_counters(client).accepted, 1);
	}
	KUNIT_EXPECT_EQ(test, -EBUSY,
			kmcl_packet_init(client->ch, pkt,
					 kmcl_packet_size(client->ch)));
	loop_complete_all(&loop->server);
	loop_wait(client, READ_ONCE(r.calls) == 1);
}

/* Allocate @count packets, then free them */
static void alloc_and_free(struct kunit *test, u32 count)
{
	struct loop *loop = test->priv;
	struct kmcl_packet **pkt;
	u32 i;

	pkt = kunit_kcalloc(test, count, sizeof(*pkt), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	for (i = 0; i < count; i++) {
		pkt[i] = kmcl_packet_alloc(loop->client.ch);
		if (!pkt[i])
			break;
		kmcl_packet_set_pointer(pkt[i], test);
		kmcl_packet_set_done(pkt[i], count_done);
	}
	KUNIT_EXPECT_EQ(test, i, count);
	while (i--)
		kmcl_packet_free(pkt[i]);
}

static void freed_packets_are_kept_for_the_next(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;
	struct kmcl_packet *pkt;

	alloc_and_free(test, 5 * CACHED);
	KUNIT_EXPECT_EQ(test, loop_cached(&loop->client), 5 * CACHED);
	pkt = kmcl_packet_alloc(ch);
	KUNIT_EXPECT_EQ(test, loop_cached(&loop->client), 5 * CACHED - 1);
	/* As new */
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	KUNIT_EXPECT_NULL(test, kmcl_packet_get_pointer(pkt));
	KUNIT_EXPECT_NULL(test, pkt->done);
	kmcl_packet_free(pkt);
}

static void so_many_bytes_of_them(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;
	u32 most;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(ch, 3 * PAGE_SIZE));
	most = KMCL_PACKETS_BYTES / kmcl_packet_size(ch);
	alloc_and_free(test, most + 6);
	KUNIT_EXPECT_EQ(test, loop_cached(&loop->client), most);
}

/* One is, however large */
static void or_one_of_the_largest(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt[2];
	u32 i;

	loop->client.ch->tx.packet_bytes = KMCL_PACKETS_BYTES + 1;
	for (i = 0; i < 2; i++)
		pkt[i] = kmcl_packet_alloc(loop->client.ch);
	loop->client.ch->tx.packet_bytes = KMCL_PACKETS_BYTES + 1;
	for (i = 0; i < 2; i++)
		kmcl_packet_free(pkt[i]);
	KUNIT_EXPECT_EQ(test, loop_cached(&loop->client), 1);
}

static void a_closed_channel_keeps_fewer(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_up(loop);
	alloc_and_free(test, 5 * CACHED);
	KUNIT_EXPECT_EQ(test, loop_cached(&loop->client), 5 * CACHED);
	kmcl_channel_disable(loop->client.ch);
	loop_wait(&loop->client, loop_cached(&loop->client) <= CACHED);
	KUNIT_EXPECT_EQ(test, loop_cached(&loop->client), CACHED);
}

static void a_freed_packet_is_refused(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt = kmcl_packet_alloc(loop->client.ch);
	u64 value = 0;

	KUNIT_ASSERT_NOT_NULL(test, pkt);
	kmcl_packet_free(pkt);
	KUNIT_EXPECT_EQ(test, 1, loop_cached(&loop->client));
	kmcl_packet_free(pkt);
	KUNIT_EXPECT_EQ(test, 1, loop_cached(&loop->client));
	KUNIT_EXPECT_EQ(test, -EBUSY, kmcl_send(pkt, &value, 8, 0));
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).accepted, 0);
}

static void the_default_routine_frees(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;
	u64 value;

	loop_up(loop);
	for (value = 0; value < 200; value++) {
		struct kmcl_packet *pkt = kmcl_packet_alloc(ch);

		KUNIT_ASSERT_NOT_NULL(test, pkt);
		/* A routine that was set and taken back again */
		kmcl_packet_set_done(pkt, count_done);
		kmcl_packet_set_done(pkt, NULL);
		KUNIT_ASSERT_EQ(test, 0, kmcl_send(pkt, &value, 8, value % 2));
	}
	loop_wait(&loop->server, loop_got(&loop->server) == 200);
	loop_wait(&loop->client, !loop_counters(&loop->client).in_flight);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).completed, 200);
	KUNIT_EXPECT_GT(test, loop_cached(&loop->client), 0);
}

static u32 contexts_wrong;

static void use_context(struct end *e, struct kmcl_context *ctx, u64 value)
{
	u8 *context = kmcl_context_priv(ctx);

	/* Nothing of an earlier packet's, nor of a kept one's */
	if (memchr_inv(context, 0, 100))
		contexts_wrong++;
	memset(context, 0xff, 100);
	if (value % 3)
		kmcl_complete(ctx, &value, sizeof(value));
	else
		e->kept[e->nkept++] = ctx;
}

static void each_incoming_packet_has_a_context(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	u32 i;

	contexts_wrong = 0;
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_context_size(server->ch, 100));
	server->process = use_context;
	loop_up(loop);
	for (i = 0; i < 150; i++)
		loop_send(&loop->client, i, KMCL_SEND_WAIT);
	loop_wait(server, loop_kept(server) == 50);
	loop_wait(&loop->client, loop_done(&loop->client) == 100);
	KUNIT_EXPECT_EQ(test, contexts_wrong, 0);
	for (i = 0; i < 50; i++)
		KUNIT_EXPECT_NULL(test,
				  memchr_inv(kmcl_context_priv(server->kept[i]),
					     0xff, 100));
	loop_complete_all(server);
	loop_wait(&loop->client, loop_done(&loop->client) == 150);
}

/* The server keeps as many of 20 packets as its quota lets it have */
static void keep_at_quota(struct loop *loop, u32 quota)
{
	struct end *server = &loop->server;
	u32 i;

	server->keep = true;
	kmcl_set_quota(server->ch, quota);
	loop_up(loop);
	for (i = 0; i < 20; i++)
		loop_send(&loop->client, i, KMCL_SEND_WAIT);
	loop_wait(server, loop_counters(server).quota_stops == 1);
	KUNIT_EXPECT_EQ(loop->test, loop_kept(server), quota);
}

static void complete_all_20(struct loop *loop)
{
	loop->server.keep = false;
	loop_complete_all(&loop->server);
	loop_wait(&loop->client, loop_done(&loop->client) == 20);
}

/* Raising it alone restarts nothing, the next completion does */
static void the_quota_may_be_raised(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;

	keep_at_quota(loop, 2);
	kmcl_set_quota(server->ch, 8);
	loop_complete_kept(server, 0, 0);
	loop_wait(server, loop_kept(server) == 9);
	loop_wait(server, loop_counters(server).quota_stops == 2);
	KUNIT_EXPECT_EQ(test, loop_counters(server).outstanding, 8);
	complete_all_20(loop);
}

static void the_quota_may_fall_below_what_is_outstanding(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	u32 i;

	keep_at_quota(loop, 8);
	kmcl_set_quota(server->ch, 3);
	/* Six completions until there are fewer than three */
	for (i = 0; i < 5; i++) {
		loop_complete_kept(server, i, i);
		loop_wait(server, loop_counters(server).quota_stops == 2 + i);
		KUNIT_ASSERT_EQ(test, loop_kept(server), 8);
	}
	loop_complete_kept(server, 5, 5);
	loop_wait(server, loop_kept(server) == 9);
	loop_wait(server, loop_counters(server).quota_stops == 7);
	KUNIT_EXPECT_EQ(test, loop_counters(server).outstanding, 3);
	complete_all_20(loop);
}

/* In order: the batch ends before what stopped it is resolved */
static void a_batch_ends_at_the_quota(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	u32 i;

	server->keep = true;
	kmcl_set_quota(server->ch, 4);
	loop_up_paused(loop);
	for (i = 0; i < 10; i++)
		loop_send(&loop->client, i, KMCL_SEND_WAIT);
	/* All of them are in the ring when it begins */
	kmcl_channel_start(server->ch);
	loop_wait(server, READ_ONCE(server->batch_packets) == 4);
	KUNIT_EXPECT_EQ(test, server->batches, 1);
	loop_complete_kept(server, 0, 0);
	loop_wait(server, READ_ONCE(server->batch_packets) == 5);
	KUNIT_EXPECT_EQ(test, server->batches, 2);
	server->keep = false;
	loop_complete_all(server);
	loop_wait(server, READ_ONCE(server->batch_packets) == 10);
	loop_wait(&loop->client, loop_done(&loop->client) == 10);
}

static void fail_or_defer(struct end *e, struct kmcl_context *ctx, u64 value)
{
	if (value == 3 && !in_task())
		kmcl_packet_defer(ctx);
	else if (value == 7)
		kmcl_packet_fail(ctx);
	else
		kmcl_complete(ctx, &value, sizeof(value));
}

/* A packet counts once it was delivered for good; a failed one never is */
static void a_batch_ends_with_defer_and_fail(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	u32 i;

	server->process = fail_or_defer;
	loop_up_paused(loop);
	for (i = 0; i < 10; i++)
		loop_send(&loop->client, i, KMCL_SEND_WAIT);
	kmcl_channel_start(server->ch);
	/* 0 to 2; 3 again and on to 7, which has stopped it */
	loop_wait(server, READ_ONCE(server->batch_packets) == 8);
	KUNIT_EXPECT_EQ(test, loop_got(server), 9);
	KUNIT_EXPECT_EQ(test, server->batches, 2);
	loop_wait(&loop->client, loop_done(&loop->client) == 7);
}

static bool hold_back;

static void defer_while_held(struct end *e, struct kmcl_context *ctx,
			     u64 value)
{
	if (READ_ONCE(hold_back))
		kmcl_packet_defer(ctx);
	else
		kmcl_complete(ctx, &value, sizeof(value));
}

/* Neither lost nor delivered while the channel is paused */
static void a_deferred_packet_is_kept_over_a_pause(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	struct sent *first, *second;
	u32 got;

	hold_back = true;
	server->process = defer_while_held;
	loop_up(loop);
	first = loop_send(&loop->client, 1, KMCL_SEND_WAIT);
	second = loop_send(&loop->client, 2, KMCL_SEND_WAIT);
	loop_wait(server, loop_got(server) >= 2);
	kmcl_channel_pause(server->ch);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(server->ch), "Paused");
	got = loop_got(server);
	WRITE_ONCE(hold_back, false);
	KUNIT_EXPECT_FALSE(test, first->done);
	kmcl_channel_start(server->ch);
	loop_wait(&loop->client, second->done);
	KUNIT_EXPECT_EQ(test, first->status, 0);
	KUNIT_EXPECT_LT(test, first->order, second->order);
	KUNIT_EXPECT_EQ(test, server->got[got], 1);
	KUNIT_EXPECT_EQ(test, server->got[got + 1], 2);
	KUNIT_EXPECT_EQ(test, loop_counters(server).delivered, 2);
}

/* The packet size is exact for the driver, whatever the ring rounds to */
static void a_byte_above_the_packet_size(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;
	struct kmcl_packet *pkt;
	u8 buf[16] = {};

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(ch, 13));
	pkt = kmcl_packet_alloc(ch);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	KUNIT_EXPECT_EQ(test, -EMSGSIZE, kmcl_send(pkt, buf, 14, 0));
	KUNIT_EXPECT_EQ(test, -EMSGSIZE,
			kmcl_send_sync(ch, buf, 14, 0, NULL, NULL, 0));
	loop_up(loop);
	KUNIT_EXPECT_EQ(test, 0, kmcl_send(pkt, buf, 13, 0));
	loop_wait(&loop->server, loop_got(&loop->server) == 1);
	KUNIT_EXPECT_EQ(test, loop->server.got_len, 16);
}

static void complete_with_too_much(struct end *e, struct kmcl_context *ctx,
				   u64 value)
{
	static u8 data[64];

	kmcl_complete(ctx, data, sizeof(data));
}

/* Cut to the packet size of the sender; for that of a receiver see answer_test.c */
static void completion_data_has_the_packets_limit(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct sent *s;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(loop->server.ch, 24));
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(loop->client.ch, 24));
	loop->server.process = complete_with_too_much;
	loop_up(loop);
	s = loop_send(&loop->client, 1, KMCL_SEND_WAIT);
	loop_wait(&loop->client, s->done);
	KUNIT_EXPECT_EQ(test, s->len, 24);
	kmcl_channel_disable(loop->server.ch);
	kmcl_channel_disable(loop->client.ch);
}

static void little_to_spare(struct kunit *test, struct kmcl_channel *ch,
			    u32 most)
{
	struct kmcl_packet *pkt = kmcl_packet_alloc(ch);
	const struct kmcl_frag *frag;
	size_t bytes = ksize(pkt);

	KUNIT_ASSERT_NOT_NULL(test, pkt);
	for (frag = pkt->frags; frag; frag = frag->next)
		bytes += ksize(frag);
	bytes += ksize(pkt->data);
	KUNIT_EXPECT_GE(test, bytes, kmcl_packet_size(ch));
	KUNIT_EXPECT_LE(test, bytes, kmcl_packet_size(ch) + most);
	kmcl_packet_free(pkt);
}

/* They are larger than a size of kmalloc(), and most channels are idle */
static void channels_and_packets_have_little_memory_to_spare(struct kunit *test)
{
	struct loop *loop = test->priv;

	little_to_spare(test, loop->client.ch, SZ_1K);
	little_to_spare(test, loop->server.ch, SZ_256);
	KUNIT_EXPECT_LE(test, ksize(loop->client.ch),
			sizeof(*loop->client.ch) + SZ_256);
}

static struct kunit_case packet_cases[] = {
	/* KMCL: VmbChannelSizeofPacket VmbPacketInitialize */
	KUNIT_CASE(memory_of_the_drivers),
	/* KMCL: VmbPacketFree VmbPacketSetCompletionRoutine */
	KUNIT_CASE(a_packet_in_use_is_left_alone),
	/* KMCL: VmbPacketAllocate VmbPacketFree */
	KUNIT_CASE(freed_packets_are_kept_for_the_next),
	KUNIT_CASE(so_many_bytes_of_them),
	KUNIT_CASE(or_one_of_the_largest),
	KUNIT_CASE(a_closed_channel_keeps_fewer),
	/* KMCL: VmbPacketSend */
	KUNIT_CASE(a_freed_packet_is_refused),
	/* KMCL: VmbPacketSetCompletionRoutine */
	KUNIT_CASE(the_default_routine_frees),
	/* KMCL: VmbChannelInitSetClientContextSize */
	KUNIT_CASE(each_incoming_packet_has_a_context),
	/* KMCL: VmbChannelSetTransactionQuota */
	KUNIT_CASE(the_quota_may_be_raised),
	/* KMCL: VmbChannelSetTransactionQuota */
	KUNIT_CASE(the_quota_may_fall_below_what_is_outstanding),
	/* KMCL: EVT_VMB_CHANNEL_PROCESSING_COMPLETE */
	KUNIT_CASE(a_batch_ends_at_the_quota),
	/* KMCL: VmbChannelPacketDeferToPassive EVT_VMB_CHANNEL_PROCESSING_COMPLETE */
	KUNIT_CASE(a_batch_ends_with_defer_and_fail),
	/* KMCL: VmbChannelPacketDeferToPassive */
	KUNIT_CASE(a_deferred_packet_is_kept_over_a_pause),
	/* KMCL: VmbChannelInitSetMaximumPacketSize */
	KUNIT_CASE(a_byte_above_the_packet_size),
	/* KMCL: VmbChannelPacketComplete */
	KUNIT_CASE(completion_data_has_the_packets_limit),
	KUNIT_CASE(channels_and_packets_have_little_memory_to_spare),
	{}
};

static struct kunit_suite packet_suite = {
	.name = "kmcl_packet",
	.init = loop_init,
	.exit = loop_exit,
	.test_cases = packet_cases,
};

kunit_test_suite(packet_suite);
