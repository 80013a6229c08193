// SPDX-License-Identifier: GPL-2.0
/*
 * Large packets, which are copied without tx.lock: what others do to the channel
 * meanwhile.
 */
#include <linux/irqflags.h>

#include "copy_harness.h"

static void interrupts_are_on(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;

	copy_send_large(client, 0, 0);
	copy_bring_up(loop);
	loop_wait(&loop->server, loop_got(&loop->server) == 1);
	/* The ring has room for two, and reading takes as long as it does */
	copy_send_large(client, 1, 0);
	loop_wait(&loop->server, loop_got(&loop->server) == 2);
	copy_send_large(client, 2, KMCL_SEND_WAIT);
	loop_wait(client, loop_done(client) == 3);
	copy_send_large(client, 3, KMCL_SEND_MORE);
	KUNIT_EXPECT_NE(test, client->ch->tx.ring.shared,
			client->ch->tx.ring.index);
	kmcl_flush(client->ch);
	copy_expect_arrived(loop, 4);
	KUNIT_EXPECT_EQ(test, copy_fx.copies, 5);
	KUNIT_EXPECT_EQ(test, copy_fx.irqs_off, 0);
}

static u32 odd_wrong;

static void check_odd(struct end *e, struct kmcl_context *ctx, u64 value)
{
	u32 i;

	for (i = 0; i < ctx->len; i++)
		odd_wrong += ctx->buf[i] != (i < LARGE - 3 ? value & 0xff : 0);
	kmcl_complete(ctx, NULL, 0);
}

/* Padded with zeroes where the ring had something else before */
static void no_whole_words(struct kunit *test)
{
	const u64 one = 0x0101010101010101;
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	u32 i;

	odd_wrong = 0;
	loop->server.process = check_odd;
	loop_up(loop);
	memset(client->ch->tx.ring.data, 0xff, client->ch->tx.ring.size);
	for (i = 1; i < 5; i++) {
		struct kmcl_packet *pkt;
		struct sent *s;

		kmcl_tx_gate(client->ch, i % 2);
		memset(copy_fx.buf, i, LARGE);
		pkt = loop_prepare(client, i * one, &s);
		KUNIT_ASSERT_NOT_NULL(test, pkt);
		KUNIT_EXPECT_EQ(test, 0, kmcl_send(pkt, copy_fx.buf, LARGE - 3, 0));
		kmcl_tx_gate(client->ch, true);
		kmcl_tx_flush(client->ch);
		loop_wait(&loop->server, loop_got(&loop->server) == i);
	}
	KUNIT_EXPECT_EQ(test, odd_wrong, 0);
	KUNIT_EXPECT_EQ(test, loop->server.got_len, LARGE);
	KUNIT_EXPECT_EQ(test, copy_fx.copies, 6);
}

/* Nothing is gained, and nothing is lost */
static void interrupts_of_the_sender_stay_off(struct kunit *test)
{
	struct loop *loop = test->priv;
	unsigned long flags;

	copy_bring_up(loop);
	local_irq_save(flags);
	copy_send_large(&loop->client, 0, KMCL_SEND_WAIT);
	KUNIT_EXPECT_TRUE(test, irqs_disabled());
	local_irq_restore(flags);
	copy_expect_arrived(loop, 1);
	KUNIT_EXPECT_EQ(test, copy_fx.irqs_off, 1);
}

static void send_together(struct loop *loop)
{
	u32 i;

	for (i = 0; i < LITTLE; i++) {
		copy_fx.value[i] = 1 + i;
		copy_fx.msg[i].pkt = loop_prepare(&loop->client, 1 + i, &copy_fx.sent[i]);
		copy_fx.msg[i].buf = &copy_fx.value[i];
		copy_fx.msg[i].len = sizeof(copy_fx.value[i]);
	}
	KUNIT_EXPECT_EQ(loop->test, LITTLE,
			kmcl_send_many(loop->client.ch, copy_fx.msg, LITTLE));
}

static void send_more(struct loop *loop)
{
	u32 i;

	for (i = 0; i < LITTLE; i++)
		loop_try_send(&loop->client, 1 + i, KMCL_SEND_MORE);
	kmcl_flush(loop->client.ch);
}

/* As a signal of the peer does */
static void send_and_flush(struct loop *loop)
{
	copy_send_little(loop);
	kmcl_tx_flush(loop->client.ch);
}

static void send_and_reopen(struct loop *loop)
{
	kmcl_tx_gate(loop->client.ch, false);
	copy_send_little(loop);
	kmcl_tx_gate(loop->client.ch, true);
	kmcl_tx_flush(loop->client.ch);
}

static const struct meanwhile {
	const char *what;
	void (*hook)(struct loop *loop);
} meanwhile[] = {
	{ "sent one by one", copy_send_little },
	{ "sent together", send_together },
	{ "sent with KMCL_SEND_MORE", send_more },
	{ "sent, and the peer signals", send_and_flush },
	{ "the channel is paused and started", send_and_reopen },
};

KUNIT_ARRAY_PARAM_DESC(meanwhile, meanwhile, what);

static void others_come_behind(struct kunit *test)
{
	const struct meanwhile *m = test->param_value;
	struct loop *loop = test->priv;

	copy_bring_up(loop);
	copy_fx.hook = m->hook;
	copy_send_large(&loop->client, 0, 0);
	copy_expect_arrived(loop, 1 + LITTLE);
	KUNIT_EXPECT_EQ(test, copy_fx.copies, 1);
}

/* The same, while the packet comes from the queue */
static void others_come_behind_one_from_the_queue(struct kunit *test)
{
	const struct meanwhile *m = test->param_value;
	struct loop *loop = test->priv;

	copy_send_large(&loop->client, 0, 0);
	copy_fx.hook = m->hook;
	copy_bring_up(loop);
	copy_expect_arrived(loop, 1 + LITTLE);
	KUNIT_EXPECT_EQ(test, copy_fx.copies, 2);
}

static void answer(struct loop *loop)
{
	loop_complete_kept(&loop->client, 0, 77);
	KUNIT_EXPECT_FALSE(loop->test, list_empty(&loop->client.ch->tx.comps));
}

static void a_completion_comes_behind(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct sent *s;

	s = copy_keep_request(loop);
	copy_fx.hook = answer;
	copy_send_large(&loop->client, 0, 0);
	loop_wait(&loop->server, s->done);
	KUNIT_EXPECT_EQ(test, s->reply, 77);
	copy_expect_arrived(loop, 1);
}

/* As delivery does, and nobody looks at its completions again */
static void answer_inside(struct loop *loop)
{
	struct kmcl_channel *ch = loop->client.ch;

	ch->tx.made.most = KMCL_COMPS;
	KUNIT_EXPECT_TRUE(loop->test,
			  kmcl_tx_add_comp(&ch->tx,
					   loop->client.kept[0]->trans_id));
	kmcl_tx_show_comps(ch);
	KUNIT_EXPECT_TRUE(loop->test, kmcl_comps_wait(&ch->tx.made));
}

static void a_completion_of_delivery_comes_behind(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct sent *s;

	s = copy_keep_request(loop);
	copy_fx.hook = answer_inside;
	copy_send_large(client, 0, 0);
	loop_wait(&loop->server, s->done);
	copy_expect_arrived(loop, 1);
	/* It was answered already */
	client->kept[0]->wanted = false;
	loop_complete_kept(client, 0, 0);
}

static void close_gate(struct loop *loop)
{
	kmcl_tx_gate(loop->client.ch, false);
}

/* It is not sent then, but queued */
static void the_gate_closes(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	u32 index;

	copy_bring_up(loop);
	index = client->ch->tx.ring.index;
	copy_fx.hook = close_gate;
	copy_send_large(client, 0, KMCL_SEND_WAIT);
	KUNIT_EXPECT_EQ(test, client->ch->tx.ring.index, index);
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(client).in_flight, 0);
	/* From the queue it stays there */
	copy_fx.hook = close_gate;
	kmcl_tx_gate(client->ch, true);
	kmcl_tx_flush(client->ch);
	KUNIT_EXPECT_NULL(test, copy_fx.hook);
	KUNIT_EXPECT_EQ(test, client->ch->tx.ring.index, index);
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, 1);
	kmcl_tx_gate(client->ch, true);
	kmcl_tx_flush(client->ch);
	copy_expect_arrived(loop, 1);
}

static void close_and_answer(struct loop *loop)
{
	close_gate(loop);
	answer(loop);
}

/* Which the gate does not stop */
static void a_completion_is_sent_when_the_gate_has_closed(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct sent *s;

	s = copy_keep_request(loop);
	copy_fx.hook = close_and_answer;
	copy_send_large(client, 0, 0);
	loop_wait(&loop->server, s->done);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->server), 0);
	kmcl_tx_gate(client->ch, true);
	kmcl_tx_flush(client->ch);
	copy_expect_arrived(loop, 1);
}

static void open_gate(struct loop *loop)
{
	kmcl_tx_gate(loop->client.ch, true);
	kmcl_tx_flush(loop->client.ch);
}

/* While the payload is copied into the queue, which nobody else looks at again */
static void the_gate_opens(struct kunit *test)
{
	struct loop *loop = test->priv;

	copy_bring_up(loop);
	kmcl_tx_gate(loop->client.ch, false);
	copy_fx.hook = open_gate;
	copy_send_large(&loop->client, 0, 0);
	KUNIT_EXPECT_EQ(test, copy_fx.copies, 2);
	copy_expect_arrived(loop, 1);
}

static void use_packet(struct loop *loop)
{
	KUNIT_EXPECT_EQ(loop->test, kmcl_send(copy_fx.pkt, NULL, 0, 0), -EBUSY);
}

static void the_packet_is_in_use(struct kunit *test)
{
	struct loop *loop = test->priv;

	copy_fx.hook = use_packet;
	copy_send_large(&loop->client, 0, 0);
	copy_bring_up(loop);
	loop_wait(&loop->server, loop_got(&loop->server) == 1);
	copy_fx.hook = use_packet;
	copy_send_large(&loop->client, 1, 0);
	KUNIT_EXPECT_NULL(test, copy_fx.hook);
	copy_expect_arrived(loop, 2);
}

static void take_back(struct loop *loop)
{
	KUNIT_EXPECT_TRUE(loop->test, kmcl_tx_take_back(copy_fx.pkt, -ECANCELED));
	KUNIT_EXPECT_FALSE(loop->test, kmcl_tx_take_back(copy_fx.pkt, -ENODEV));
	/* It is still read */
	KUNIT_EXPECT_EQ(loop->test, loop_done(&loop->client), 0);
	copy_send_little(loop);
}

static void a_packet_is_taken_back(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct sent *s;
	u32 i;

	copy_bring_up(loop);
	kmcl_tx_gate(client->ch, false);
	s = copy_send_large(client, 0, KMCL_SEND_WAIT);
	copy_fx.hook = take_back;
	kmcl_tx_gate(client->ch, true);
	kmcl_tx_flush(client->ch);
	KUNIT_EXPECT_NULL(test, copy_fx.hook);
	loop_wait(client, loop_done(client) == 1 + LITTLE);
	KUNIT_EXPECT_EQ(test, s->status, -ECANCELED);
	KUNIT_EXPECT_EQ(test, s->done, 1);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->server), LITTLE);
	for (i = 0; i < LITTLE; i++)
		KUNIT_EXPECT_EQ(test, loop->server.got[i], 1 + i);
	KUNIT_EXPECT_EQ(test, copy_fx.moved, 0);
	loop_expect_balance(client);
}

static void look_for_id(struct loop *loop)
{
	struct kmcl_tx *tx = &loop->client.ch->tx;
	const struct kmcl_packet *pkt;
	unsigned long flags;

	spin_lock_irqsave(&tx->lock, flags);
	pkt = kmcl_trans_find(tx, (u64)(tx->number + 1) << 32 | tx->round);
	spin_unlock_irqrestore(&tx->lock, flags);
	KUNIT_EXPECT_NULL(loop->test, pkt);
	KUNIT_EXPECT_EQ(loop->test, tx->n.in_flight, 0);
}

/* The peer may guess the id */
static void no_answer_can_find_it_before_it_is_sent(struct kunit *test)
{
	struct loop *loop = test->priv;

	copy_bring_up(loop);
	copy_fx.hook = look_for_id;
	copy_send_large(&loop->client, 0, KMCL_SEND_WAIT);
	KUNIT_EXPECT_NULL(test, copy_fx.hook);
	copy_expect_arrived(loop, 1);
}

static void never_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	KUNIT_FAIL(copy_fx.loop->test,
		   "a packet that was refused has ended");
}

static void no_answers(struct loop *loop)
{
	kmcl_tx_no_answers(loop->client.ch);
}

static void no_answers_are_read_any_more(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct kmcl_packet *pkt;
	struct sent *s;

	copy_bring_up(loop);
	kmcl_tx_gate(client->ch, false);
	s = copy_send_large(client, 0, KMCL_SEND_WAIT);
	copy_fx.hook = no_answers;
	kmcl_tx_gate(client->ch, true);
	kmcl_tx_flush(client->ch);
	loop_wait(client, s->done);
	KUNIT_EXPECT_EQ(test, s->status, -EPROTO);

	client->ch->tx.no_answers = false;
	copy_fx.hook = no_answers;
	pkt = loop_packet(client, never_done);
	KUNIT_EXPECT_EQ(test, kmcl_send(pkt, copy_fx.buf, LARGE, KMCL_SEND_WAIT),
			-EPROTO);
	KUNIT_EXPECT_NULL(test, copy_fx.hook);
	/* It is idle again */
	kmcl_packet_set_done(pkt, NULL);
	KUNIT_EXPECT_NULL(test, pkt->done);
	kmcl_packet_free(pkt);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->server), 0);
	KUNIT_EXPECT_EQ(test, loop_counters(client).in_flight, 0);
}

/* The server reads nothing until there is no more room */
static void the_ring_gets_full(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	loop->server.process = copy_check_payload;
	loop_up_paused(loop);
	for (i = 0; i < 10; i++)
		copy_send_large(&loop->client, i, i % 2 ? KMCL_SEND_WAIT : 0);
	KUNIT_EXPECT_GT(test, loop_counters(&loop->client).queued, 0);
	KUNIT_EXPECT_GT(test, loop_counters(&loop->client).full, 0);
	kmcl_channel_start(loop->server.ch);
	copy_expect_arrived(loop, 10);
}

/* Large and small ones, with one call */
static void together_with_small_ones(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	u32 i;

	copy_bring_up(loop);
	memset(copy_fx.buf, 0, LARGE);
	for (i = 0; i < 4; i++) {
		copy_fx.value[i] = i;
		copy_fx.msg[i].pkt = loop_prepare(client, i, &copy_fx.sent[i]);
		copy_fx.msg[i].buf = &copy_fx.value[i];
		copy_fx.msg[i].len = sizeof(copy_fx.value[i]);
	}
	for (i = 0; i < LARGE / 8; i++)
		copy_fx.buf[i] = 1;
	copy_fx.msg[1].buf = copy_fx.buf;
	copy_fx.msg[1].len = LARGE;
	copy_fx.msg[3].flags = KMCL_SEND_MORE;
	KUNIT_EXPECT_EQ(test, 4, kmcl_send_many(client->ch, copy_fx.msg, 4));
	KUNIT_EXPECT_EQ(test, copy_fx.copies, 1);
	KUNIT_EXPECT_NE(test, client->ch->tx.ring.shared,
			client->ch->tx.ring.index);
	kmcl_flush(client->ch);
	copy_expect_arrived(loop, 4);
	/* Too large by a byte, and then not in order */
	copy_fx.msg[0].pkt = loop_prepare(client, 4, &copy_fx.sent[0]);
	copy_fx.msg[1].pkt = loop_packet(client, never_done);
	copy_fx.value[0] = 4;
	copy_fx.msg[1].len = LARGE + 1;
	KUNIT_EXPECT_EQ(test, 1, kmcl_send_many(client->ch, copy_fx.msg, 2));
	KUNIT_EXPECT_EQ(test, -EMSGSIZE,
			kmcl_send_many(client->ch, copy_fx.msg + 1, 1));
	kmcl_packet_free(copy_fx.msg[1].pkt);
	loop_wait(&loop->server, loop_got(&loop->server) == 5);
}

static struct kunit_case copy_cases[] = {
	/* KMCL: VmbPacketSend */
	KUNIT_CASE(interrupts_are_on),
	KUNIT_CASE(no_whole_words),
	KUNIT_CASE(interrupts_of_the_sender_stay_off),
	KUNIT_CASE_PARAM(others_come_behind, meanwhile_gen_params),
	KUNIT_CASE_PARAM(others_come_behind_one_from_the_queue,
			 meanwhile_gen_params),
	KUNIT_CASE(a_completion_comes_behind),
	KUNIT_CASE(a_completion_of_delivery_comes_behind),
	KUNIT_CASE(the_gate_closes),
	KUNIT_CASE(a_completion_is_sent_when_the_gate_has_closed),
	KUNIT_CASE(the_gate_opens),
	KUNIT_CASE(the_packet_is_in_use),
	KUNIT_CASE(a_packet_is_taken_back),
	KUNIT_CASE(no_answer_can_find_it_before_it_is_sent),
	KUNIT_CASE(no_answers_are_read_any_more),
	KUNIT_CASE(the_ring_gets_full),
	KUNIT_CASE(together_with_small_ones),
	{}
};

static struct kunit_suite copy_suite = {
	.name = "kmcl_copy",
	.init = copy_init,
	.exit = copy_exit,
	.test_cases = copy_cases,
};

kunit_test_suite(copy_suite);

MODULE_DESCRIPTION("KUnit tests of large packets, which are copied without a lock");
MODULE_LICENSE("GPL");
