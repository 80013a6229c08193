// SPDX-License-Identifier: GPL-2.0
/*
 * What becomes of packets around the closed callback: those queued, those in
 * flight, and those accepted afterwards. The number at the front of a case is
 * that of the statement, as in closed_test.c, which has the other ones.
 */
#include "harness.h"

static u64 ring_written(struct end *e)
{
	return loop_counters(e).sent;
}

/* Packets @from to @to - 1 have arrived, in this order, and nothing else */
static void expect_got(struct end *e, u32 from, u32 to)
{
	struct kunit *test = e->loop->test;
	u32 i;

	loop_wait(e, loop_got(e) >= to - from);
	KUNIT_ASSERT_EQ(test, loop_got(e), to - from);
	for (i = 0; i < to - from; i++)
		KUNIT_ASSERT_EQ(test, e->got[i], from + i);
}

static struct sent *sends_in_closed;

static void send_in_closed(struct end *e, enum loop_event what)
{
	if (what != CLOSED)
		return;
	sends_in_closed = loop_try_send(e, 0, 0);
	loop_try_send(e, 1, KMCL_SEND_WAIT);
}

static void s12_from_closed_on_packets_are_queued(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	u64 sent;
	u32 i;

	loop_up(loop);
	client->hook = send_in_closed;
	kmcl_channel_disable(client->ch);
	sent = ring_written(client);
	for (i = 2; i < 100; i++)
		loop_send(client, i, i % 2);
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, 100);
	KUNIT_EXPECT_EQ(test, ring_written(client), sent);
	KUNIT_EXPECT_EQ(test, sent, 0);
	KUNIT_EXPECT_EQ(test, loop_done(client), 0);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->server), 0);
	KUNIT_ASSERT_NOT_NULL(test, sends_in_closed);
	KUNIT_EXPECT_EQ(test, sends_in_closed->status, 1);

	client->hook = NULL;
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(client->ch));
	expect_got(&loop->server, 0, 100);
	loop_wait(client, loop_done(client) == 100);
}

static void s12_a_server_queues_from_closed_on(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;

	loop_up(loop);
	server->hook = send_in_closed;
	kmcl_channel_disable(loop->client.ch);
	loop_wait_event(server, CLOSED, 1);
	loop_send(server, 2, KMCL_SEND_WAIT);
	KUNIT_EXPECT_EQ(test, loop_counters(server).queued, 3);
	KUNIT_EXPECT_EQ(test, ring_written(server), 0);
	server->hook = NULL;
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	expect_got(&loop->client, 0, 3);
	loop_wait(server, loop_done(server) == 3);
}

static void s13_before_opened_packets_are_queued(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	u32 i;

	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(client->ch));
	loop_wait_state(client, "Enabled");
	for (i = 0; i < 10; i++)
		loop_send(client, i, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, 10);
	KUNIT_EXPECT_EQ(test, loop_done(client), 0);
	kmcl_channel_start(loop->server.ch);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	expect_got(&loop->server, 0, 10);
}

static void s14_before_the_first_enable_packets_are_queued(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	for (i = 0; i < 10; i++) {
		loop_send(&loop->client, i, 0);
		loop_send(&loop->server, i, 0);
	}
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued, 10);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).queued, 10);
	loop_up(loop);
	expect_got(&loop->server, 0, 10);
	expect_got(&loop->client, 0, 10);
}

static void send_in_post_started(struct end *e, enum loop_event what)
{
	u32 i;

	for (i = 300; what == POST_STARTED && i < 400; i++)
		loop_try_send(e, i, 0);
}

static void s15_the_queue_goes_out_first(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	for (i = 0; i < 300; i++)
		loop_send(&loop->client, i, 0);
	loop->client.hook = send_in_post_started;
	loop_up(loop);
	for (i = 400; i < 500; i++)
		loop_send(&loop->client, i, 0);
	expect_got(&loop->server, 0, 500);
}

/* Send until the ring is full and @more are queued; returns how many */
static u32 fill(struct end *e, u32 more)
{
	u32 i;

	for (i = 0; i < LOOP_SENDS; i++) {
		loop_send(e, i, 0);
		if (loop_counters(e).queued >= more)
			return i + 1;
	}
	KUNIT_FAIL(e->loop->test, "the ring never got full");
	return 0;
}

static void s16_packets_that_a_full_ring_kept_come_first(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	u32 total, lost, i;

	loop_up_paused(loop);
	total = fill(client, 50);
	lost = total - 50;
	KUNIT_EXPECT_EQ(test, ring_written(client), lost);
	KUNIT_EXPECT_GT(test, loop_counters(client).full, 0);
	kmcl_channel_disable(client->ch);
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, 50);
	for (i = 0; i < 50; i++)
		loop_send(client, total + i, 0);

	kmcl_channel_start(loop->server.ch);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(client->ch));
	expect_got(&loop->server, lost, total + 50);
}

static u32 done_at[LOOP_EVENTS];

static void note_done(struct end *e, enum loop_event what)
{
	done_at[what] = loop_done(e);
}

static void s17_the_queue_moves_between_started_and_post_started(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	memset(done_at, 0xff, sizeof(done_at));
	for (i = 0; i < 20; i++)
		loop_send(&loop->client, i, 0);
	loop->client.hook = note_done;
	loop_up(loop);
	KUNIT_EXPECT_EQ(test, done_at[OPENED], 0);
	KUNIT_EXPECT_EQ(test, done_at[STARTED], 0);
	KUNIT_EXPECT_EQ(test, done_at[POST_STARTED], 20);
}

static void s18_flags_hold_for_the_later_transmission(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct sent *waits, *other;

	waits = loop_send(&loop->client, 5, KMCL_SEND_WAIT);
	other = loop_send(&loop->client, 6, 0);
	loop->server.keep = true;
	loop_up(loop);
	loop_wait(&loop->server, loop_kept(&loop->server) == 2);
	KUNIT_EXPECT_EQ(test, waits->done, 0);
	KUNIT_EXPECT_EQ(test, other->done, 1);
	KUNIT_EXPECT_FALSE(test, other->buf);
	loop_complete_kept(&loop->server, 0, 77);
	loop_wait(&loop->client, waits->done);
	KUNIT_EXPECT_EQ(test, waits->status, 0);
	KUNIT_EXPECT_EQ(test, waits->reply, 77);
}

static u32 externals;	/* sent, less those that have arrived */

static void count_external(struct end *e, struct kmcl_context *ctx, u64 value)
{
	struct kmcl_mdl *mdl;

	externals -= !kmcl_packet_external(ctx, 0, &mdl);
	kmcl_complete(ctx, NULL, 0);
}

/* Packet @i of a queue in which each kind comes before and after each other one */
static void send_some_kind(struct loop *loop, u32 i, struct loop_page *page)
{
	struct end *client = &loop->client;
	struct kunit *test = loop->test;
	struct kmcl_packet *pkt;
	struct sent *sent;
	u64 value = i;

	switch ((i % 16 < 4 ? i : i >> (i % 3)) % 4) {
	case 0:
		loop_send(client, i, 0);
		break;
	case 1:
		loop_send(client, i, KMCL_SEND_WAIT);
		break;
	case 2:
		/* Without a routine */
		KUNIT_ASSERT_EQ(test, 0,
				kmcl_send(kmcl_packet_alloc(client->ch), &value,
					  8, 0));
		break;
	case 3:
		pkt = loop_prepare(client, i, &sent);
		KUNIT_ASSERT_NOT_NULL(test, pkt);
		externals++;
		KUNIT_ASSERT_EQ(test, 0,
				kmcl_send_sg(pkt, &value, 8, &page->sg, 1,
					     KMCL_SEND_WAIT));
		break;
	}
}

static void expect_all_done(struct loop *loop)
{
	struct end *client = &loop->client;
	u32 i;

	loop_wait(client, loop_done(client) == client->nsent);
	for (i = 0; i < client->nsent; i++) {
		KUNIT_EXPECT_EQ(loop->test, client->sent[i].done, 1);
		KUNIT_EXPECT_EQ(loop->test, client->sent[i].status, 0);
	}
	KUNIT_EXPECT_EQ(loop->test, externals, 0);
	loop_expect_balance(client);
}

static void s18_packets_of_every_kind_keep_their_order(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct loop_page page;
	u32 i, round;

	loop_page(test, &page);
	loop->server.process = count_external;
	externals = 0;
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 300; i++)
			send_some_kind(loop, i, &page);
		loop_up(loop);
		expect_got(&loop->server, 0, 300);
		expect_all_done(loop);
		kmcl_channel_disable(loop->client.ch);
		kmcl_channel_disable(loop->server.ch);
		loop->server.ngot = 0;
	}
}

/* The ring gets full while the queue is written, at a packet of each kind */
static void s18_they_keep_it_when_the_ring_is_full(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct loop_page page;
	u32 i;

	loop_page(test, &page);
	loop->server.process = count_external;
	externals = 0;
	for (i = 0; i < 1500; i++)
		send_some_kind(loop, i, &page);
	loop_up_paused(loop);
	loop_poll(&loop->client, c->full > 0);
	KUNIT_EXPECT_GT(test, loop_counters(&loop->client).queued, 0);
	kmcl_channel_start(loop->server.ch);
	expect_got(&loop->server, 0, 1500);
	expect_all_done(loop);
	KUNIT_EXPECT_GT(test, loop_counters(&loop->client).full, 3);
}

static void s19_what_was_in_the_ring_is_not_sent_again(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct sent *s;

	loop_up_paused(loop);
	s = loop_send(client, 1, 0);
	KUNIT_EXPECT_EQ(test, s->done, 1);
	KUNIT_EXPECT_EQ(test, s->status, 0);
	kmcl_channel_disable(client->ch);

	loop_send(client, 2, 0);
	kmcl_channel_start(loop->server.ch);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(client->ch));
	expect_got(&loop->server, 2, 3);
	KUNIT_EXPECT_EQ(test, s->done, 1);
}

static void expect_in_flight_end(struct loop *loop, struct end *sender,
				 struct end *closing, int status)
{
	struct kunit *test = loop->test;
	struct end *peer = sender == &loop->client ? &loop->server : &loop->client;
	struct sent *s[20];
	u32 i;

	memset(done_at, 0, sizeof(done_at));
	loop_up(loop);
	for (i = 0; i < 20; i++)
		s[i] = NULL;
	/* The peer completes them too late: only once it has to */
	peer->keep = true;
	for (i = 0; i < 20; i++)
		s[i] = loop_send(sender, i, KMCL_SEND_WAIT);
	loop_wait(peer, loop_kept(peer) == 20);
	KUNIT_EXPECT_EQ(test, loop_counters(sender).in_flight, 20);
	sender->hook = note_done;

	if (closing == sender) {
		struct job *job = loop_disable(sender);

		/* A server's disable returns only when the client has released the offer */
		loop_wait_event(sender, CLOSED, 1);
		loop_complete_all(peer);
		loop_job_wait(job);
	} else {
		/* Its disable waits for what it keeps: end the link before */
		if (closing->ch->server)
			kmcl_offer_rescind(closing->ch->link.offer);
		else
			kmcl_link_dead(sender->ch);
		loop_wait_event(sender, CLOSED, 1);
		loop_complete_all(peer);
		kmcl_channel_disable(closing->ch);
	}
	for (i = 0; i < 20; i++) {
		KUNIT_EXPECT_EQ(test, s[i]->done, 1);
		KUNIT_EXPECT_EQ(test, s[i]->status, status);
		KUNIT_EXPECT_EQ(test, s[i]->len, 0);
		KUNIT_EXPECT_FALSE(test, s[i]->buf);
		KUNIT_EXPECT_EQ(test, s[i]->order, i + 1);
	}
	/* S21 */
	KUNIT_EXPECT_EQ(test, done_at[CLOSED], 20);
	KUNIT_EXPECT_EQ(test, loop_counters(sender).in_flight, 0);
	KUNIT_EXPECT_EQ(test, status == -ENODEV ? loop_counters(sender).removed :
			loop_counters(sender).cancelled, 20);
}

static void s20_s21_disable_cancels_what_is_in_flight(struct kunit *test)
{
	struct loop *loop = test->priv;

	expect_in_flight_end(loop, &loop->client, &loop->client, -ECANCELED);
}

static void s20_s21_a_rescind_removes_what_is_in_flight(struct kunit *test)
{
	struct loop *loop = test->priv;

	expect_in_flight_end(loop, &loop->client, &loop->server, -ENODEV);
}

static void s20_s21_a_server_cancels_what_is_in_flight(struct kunit *test)
{
	struct loop *loop = test->priv;

	expect_in_flight_end(loop, &loop->server, &loop->server, -ECANCELED);
}

static void s20_s21_a_server_loses_what_is_in_flight(struct kunit *test)
{
	struct loop *loop = test->priv;

	expect_in_flight_end(loop, &loop->server, &loop->client, -ENODEV);
}

static void s22_a_late_completion_is_dropped(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct kmcl_context *ctx;
	struct sent *old, *now;

	loop_up(loop);
	loop->server.keep = true;
	old = loop_send(client, 1, KMCL_SEND_WAIT);
	loop_wait(&loop->server, loop_kept(&loop->server) == 1);
	/* The same packet with another id */
	KUNIT_ASSERT_TRUE(test, kmcl_tx_take_back(list_first_entry(&client->ch->tx.in_flight,
								   struct kmcl_packet,
								   item.node),
						  -ECANCELED));
	now = loop_send(client, 2, KMCL_SEND_WAIT);
	loop_wait(&loop->server, loop_kept(&loop->server) == 2);
	ctx = loop->server.kept[0];
	KUNIT_EXPECT_NE(test, ctx->trans_id,
			loop->server.kept[1]->trans_id);
	loop_complete_kept(&loop->server, 0, 11);
	loop_wait(client, loop_counters(client).comps_stale);
	KUNIT_EXPECT_EQ(test, now->done, 0);
	loop_complete_kept(&loop->server, 1, 22);
	loop_wait(client, now->done);
	KUNIT_EXPECT_EQ(test, now->reply, 22);
	KUNIT_EXPECT_EQ(test, old->done, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(client).comps_stale, 1);
}

static void never_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	*(u32 *)kmcl_packet_get_pointer(pkt) += 1;
}

static void s23_a_send_that_failed_completes_nothing(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt;
	u64 buf = 0;
	u32 calls = 0;

	loop_up(loop);
	pkt = loop_packet(&loop->client, never_done);
	kmcl_packet_set_pointer(pkt, &calls);
	KUNIT_EXPECT_EQ(test, kmcl_send(pkt, NULL, 8, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_send(pkt, &buf, 5000, 0), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, kmcl_send(pkt, &buf, 8, 0x2), -EINVAL);
	KUNIT_EXPECT_EQ(test, calls, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).accepted, 0);
	/* It is still the driver's */
	KUNIT_EXPECT_EQ(test, kmcl_send(pkt, &buf, 8, 0), 0);
	KUNIT_EXPECT_EQ(test, calls, 1);
	kmcl_packet_free(pkt);
}

static void s24_cleanup_cancels_the_queue_in_order(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	u32 i;

	for (i = 0; i < 50; i++)
		loop_send(client, i, i % 2);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_free(client->ch));
	client->ch = NULL;
	KUNIT_EXPECT_EQ(test, loop_done(client), 50);
	for (i = 0; i < 50; i++) {
		KUNIT_EXPECT_EQ(test, client->sent[i].order, i + 1);
		KUNIT_EXPECT_EQ(test, client->sent[i].status, -ECANCELED);
		KUNIT_EXPECT_EQ(test, client->sent[i].len, 0);
	}
}

/* Packets without a routine free themselves, however they end */
static void s25_the_default_routine_frees_cancelled_packets(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;
	u64 buf = 1;
	u32 i;

	loop_up(loop);
	loop->server.keep = true;
	for (i = 0; i < 10; i++)
		KUNIT_ASSERT_EQ(test, 0, kmcl_send(kmcl_packet_alloc(ch), &buf,
						   8, KMCL_SEND_WAIT));
	loop_wait(&loop->server, loop_kept(&loop->server) == 10);
	kmcl_channel_disable(ch);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).cancelled, 10);
	KUNIT_EXPECT_EQ(test, loop_cached(&loop->client), 10);
	for (i = 0; i < 10; i++)
		KUNIT_ASSERT_EQ(test, 0, kmcl_send(kmcl_packet_alloc(ch), &buf,
						   8, 0));
	KUNIT_EXPECT_EQ(test, loop_cached(&loop->client), 0);
	kmcl_tx_fail_queued(ch, -ECANCELED);
	KUNIT_EXPECT_EQ(test, loop_cached(&loop->client), 10);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).cancelled, 20);
	loop_complete_all(&loop->server);
}

static struct kunit_case closed_queue_cases[] = {
	KUNIT_CASE(s12_from_closed_on_packets_are_queued),
	KUNIT_CASE(s12_a_server_queues_from_closed_on),
	KUNIT_CASE(s13_before_opened_packets_are_queued),
	KUNIT_CASE(s14_before_the_first_enable_packets_are_queued),
	/* KMCL: VmbPacketSend */
	KUNIT_CASE(s15_the_queue_goes_out_first),
	KUNIT_CASE(s16_packets_that_a_full_ring_kept_come_first),
	/* KMCL: EVT_VMB_CHANNEL_STARTED */
	KUNIT_CASE(s17_the_queue_moves_between_started_and_post_started),
	/* KMCL: VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION */
	KUNIT_CASE(s18_flags_hold_for_the_later_transmission),
	KUNIT_CASE(s18_packets_of_every_kind_keep_their_order),
	KUNIT_CASE(s18_they_keep_it_when_the_ring_is_full),
	KUNIT_CASE(s19_what_was_in_the_ring_is_not_sent_again),
	KUNIT_CASE(s20_s21_disable_cancels_what_is_in_flight),
	KUNIT_CASE(s20_s21_a_rescind_removes_what_is_in_flight),
	KUNIT_CASE(s20_s21_a_server_cancels_what_is_in_flight),
	KUNIT_CASE(s20_s21_a_server_loses_what_is_in_flight),
	KUNIT_CASE(s22_a_late_completion_is_dropped),
	/* KMCL: EVT_VMB_PACKET_COMPLETION_ROUTINE */
	KUNIT_CASE(s23_a_send_that_failed_completes_nothing),
	/* KMCL: VmbChannelCleanup */
	KUNIT_CASE(s24_cleanup_cancels_the_queue_in_order),
	/* KMCL: VmbPacketSetCompletionRoutine */
	KUNIT_CASE(s25_the_default_routine_frees_cancelled_packets),
	{}
};

static struct kunit_suite closed_queue_suite = {
	.name = "kmcl_closed_queue",
	.init = loop_init,
	.exit = loop_exit,
	.test_cases = closed_queue_cases,
};

kunit_test_suite(closed_queue_suite);
