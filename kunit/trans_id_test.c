// SPDX-License-Identifier: GPL-2.0
/*
 * Transaction ids when the numbers begin again, which takes 2^32 requests: the
 * suite sets the number of the last one instead of sending so many.
 */
#include "save_harness.h"

#define REQUESTS	9

static u64 replies[REQUESTS];

/* The next request is number @next */
static void send_from(struct end *e, u32 next)
{
	struct kmcl_tx *tx = &e->ch->tx;

	spin_lock_irq(&tx->lock);
	tx->number = next - 1;
	spin_unlock_irq(&tx->lock);
}

static void note_reply(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	struct end *e = loop_end(kmcl_packet_channel(pkt));
	u64 *reply = kmcl_packet_get_pointer(pkt);

	if (status || len < sizeof(u64))
		loop_wrong(e, "a packet was not answered");
	else if (READ_ONCE(*reply))
		loop_wrong(e, "a packet was answered twice");
	else
		WRITE_ONCE(*reply, *(u64 *)buf);
	wake_up_all(&e->wait);
}

/* A packet of the library, or in memory of the driver */
static struct kmcl_packet *new_packet(struct loop *loop, u32 i, bool own)
{
	struct kmcl_channel *ch = loop->client.ch;
	u32 size = kmcl_packet_size(ch);
	struct kmcl_packet *pkt;

	if (!own)
		pkt = kmcl_packet_alloc(ch);
	else
		pkt = kunit_kzalloc(loop->test, size, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(loop->test, pkt);
	if (own)
		KUNIT_ASSERT_EQ(loop->test, 0, kmcl_packet_init(ch, pkt, size));
	kmcl_packet_set_done(pkt, note_reply);
	kmcl_packet_set_pointer(pkt, &replies[i]);
	replies[i] = 0;
	return pkt;
}

/* Send it to a server that keeps it; get its id, as the server sees it */
static u64 send_request(struct loop *loop, struct kmcl_packet *pkt)
{
	struct end *server = &loop->server;
	u32 kept = loop_kept(server);
	u64 value = kept;

	KUNIT_ASSERT_EQ(loop->test, 0, kmcl_send(pkt, &value, sizeof(value),
						 KMCL_SEND_WAIT));
	loop_wait(server, loop_kept(server) == kept + 1);
	return server->kept[kept]->trans_id;
}

/* The server completes request @i, and that is what ends it */
static void expect_reply(struct loop *loop, u32 i)
{
	u64 reply = 100 + i;

	KUNIT_EXPECT_EQ(loop->test, READ_ONCE(replies[i]), 0);
	loop_complete_kept(&loop->server, i, reply);
	loop_wait(&loop->client, READ_ONCE(replies[i]));
	KUNIT_EXPECT_EQ(loop->test, replies[i], reply);
}

static void no_id_is_0(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt[REQUESTS];
	u64 id[REQUESTS];
	u32 i, j;

	loop->server.keep = true;
	loop_up(loop);
	/* Each kind is at each of the numbers around 0, in one of the rounds */
	for (j = 0; j < 2; j++) {
		send_from(&loop->client, U32_MAX - 2);
		for (i = 0; i < REQUESTS; i++) {
			pkt[i] = new_packet(loop, i, i % 2 == j);
			id[i] = send_request(loop, pkt[i]);
			KUNIT_EXPECT_NE(test, id[i], 0);
			KUNIT_EXPECT_NE(test, id[i] >> 32, 0);
			KUNIT_EXPECT_TRUE(test, !i || id[i] != id[i - 1]);
		}
		for (i = 0; i < REQUESTS; i++) {
			expect_reply(loop, i);
			kmcl_packet_free(i % 2 == j ? NULL : pkt[i]);
		}
		loop_complete_all(&loop->server);
	}
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).comps_stale, 0);
	loop_expect_balance(&loop->client);
}

static void sent_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
}

/* A packet without a completion has one, too: none that is ever in flight */
static void nor_is_that_of_a_packet_without_a_completion(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	struct kmcl_packet *pkt;
	u64 value = 1;
	u32 i;

	server->keep = true;
	loop_up(loop);
	for (i = 0; i < 2; i++) {
		pkt = new_packet(loop, i, i);
		kmcl_packet_set_done(pkt, sent_done);
		KUNIT_ASSERT_EQ(test, 0, kmcl_send(pkt, &value,
						   sizeof(value), 0));
		loop_wait(server, loop_kept(server) == i + 1);
		KUNIT_EXPECT_NE(test, server->kept[i]->trans_id, 0);
		KUNIT_EXPECT_EQ(test, server->kept[i]->trans_id >> 32, 0);
		kmcl_packet_free(i ? NULL : pkt);
	}
	loop_complete_all(server);
}

/* The peer has had requests 5 and 7 for as long as all the others took */
static void one_in_flight_keeps_its_id(struct kunit *test)
{
	static const u32 expected[] = { 5, 6, 7, U32_MAX, 1, 5, 6, 7, 8 };
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt[ARRAY_SIZE(expected)];
	u64 id[ARRAY_SIZE(expected)];
	u32 i, j;

	loop->server.keep = true;
	loop_up(loop);
	send_from(&loop->client, 5);
	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		/* Of both kinds; 6 ends early */
		pkt[i] = new_packet(loop, i, i % 2);
		if (i == 3) {
			expect_reply(loop, 1);
			send_from(&loop->client, U32_MAX);
		} else if (i == 5) {
			send_from(&loop->client, 5);
		}
		id[i] = send_request(loop, pkt[i]);
		KUNIT_EXPECT_EQ(test, id[i] >> 32, expected[i]);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_NE_MSG(test, id[i], id[j],
					    "packets %u and %u", j, i);
	}
	for (i = ARRAY_SIZE(expected); i--;)
		if (i != 1)
			expect_reply(loop, i);
	for (i = 0; i < ARRAY_SIZE(expected); i += 2)
		kmcl_packet_free(pkt[i]);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).comps_stale, 0);
	loop_expect_balance(&loop->client);
}

static void server_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	kmcl_packet_free(pkt);
}

/* A restored packet has an id that the peer knows, also after a wrap */
static void a_restored_packet_keeps_its_id(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt;
	u64 ids[2] = {}, value = 1;
	u32 i;

	/* One before the wrap, and one after it */
	send_from(&loop->server, U32_MAX);
	image_leave_in_flight(loop, ids);
	KUNIT_EXPECT_EQ(test, ids[0] >> 32, U32_MAX);
	KUNIT_EXPECT_EQ(test, ids[1] >> 32, 1);
	image_replace_server(loop, 0);
	/* What the first one after the next wrap would have otherwise */
	ids[1] = 1ULL << 32 | 1;
	/* The second record: a chunk's 16 bytes, a packet's 40, then 8 and 8 */
	memcpy(image->image + 16 + 40 + 16, &ids[1], sizeof(ids[1]));
	KUNIT_ASSERT_EQ(test, image_restore_chunk(loop, 0), 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).in_flight, 2);

	loop->client.keep = true;
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_start(loop->server.ch));
	/* The one that was queued */
	loop_wait(&loop->client, loop_kept(&loop->client) == 1);
	send_from(&loop->server, U32_MAX);
	for (i = 0; i < 2; i++) {
		pkt = loop_packet(&loop->server, server_done);
		KUNIT_ASSERT_EQ(test, 0, kmcl_send(pkt, &value, sizeof(value),
						   KMCL_SEND_WAIT));
		KUNIT_EXPECT_EQ(test, pkt->trans_id >> 32, i ? 1 : U32_MAX);
		KUNIT_EXPECT_NE(test, pkt->trans_id, ids[0]);
		KUNIT_EXPECT_NE(test, pkt->trans_id, ids[1]);
	}
	loop_wait(&loop->client, loop_kept(&loop->client) == 3);
	loop_complete_all(&loop->client);
	loop_poll(&loop->server, c->in_flight == 2);
	loop_expect_balance(&loop->server);
}

static struct kunit_case trans_id_cases[] = {
	/* KMCL: VmbPacketSend */
	KUNIT_CASE(no_id_is_0),
	KUNIT_CASE(nor_is_that_of_a_packet_without_a_completion),
	KUNIT_CASE(one_in_flight_keeps_its_id),
	/* KMCL: VmbPacketRestore */
	KUNIT_CASE(a_restored_packet_keeps_its_id),
	{}
};

static struct kunit_suite trans_id_suite = {
	.name = "kmcl_trans_id",
	.init = image_init,
	.exit = image_exit,
	.test_cases = trans_id_cases,
};

kunit_test_suite(trans_id_suite);
