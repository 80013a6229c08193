// SPDX-License-Identifier: GPL-2.0
/*
 * Packets that are sent together, by kmcl_send_many() and with KMCL_SEND_MORE: what
 * the peer sees and when, where their completion routines run, and what becomes of
 * them when the channel does not take all of them.
 */
#include "harness.h"

#define MANY	500		/* more than tx.lock is held for */
#define PADDED	33		/* one of each length from 8 bytes on */

static struct {
	struct kmcl_message msg[MANY];
	u64 value[MANY];
	struct sent *sent[MANY];
	u32 before;		/* packets that were sent before these */
	u8 payload[PADDED][8 + PADDED];
	u32 wrong;		/* lengths and bytes that have arrived */
} fx;

/* Packets @from to @to - 1, each with its number in 8 bytes */
static void prepare(struct end *e, u32 from, u32 to, u32 flags)
{
	u32 i;

	for (i = from; i < to; i++) {
		fx.value[i] = i;
		fx.msg[i].pkt = loop_prepare(e, i, &fx.sent[i]);
		KUNIT_ASSERT_NOT_NULL(e->loop->test, fx.msg[i].pkt);
		fx.msg[i].buf = &fx.value[i];
		fx.msg[i].len = sizeof(fx.value[i]);
		fx.msg[i].flags = flags;
	}
}

static void expect_arrived(struct loop *loop, u32 n)
{
	struct end *server = &loop->server;
	u32 i;

	loop_wait(server, loop_got(server) >= fx.before + n);
	KUNIT_EXPECT_EQ(loop->test, loop_got(server), fx.before + n);
	for (i = 0; i < n; i++)
		KUNIT_ASSERT_EQ(loop->test, server->got[fx.before + i], i);
}

/* All ended well, in order */
static void expect_ended(struct loop *loop, u32 n)
{
	u32 i;

	loop_wait(&loop->client, loop_done(&loop->client) == fx.before + n);
	for (i = 0; i < n; i++) {
		KUNIT_ASSERT_EQ(loop->test, fx.sent[i]->status, 0);
		KUNIT_ASSERT_EQ(loop->test, fx.sent[i]->order,
				fx.before + i + 1);
	}
	loop_expect_balance(&loop->client);
}

/* Has the peer been shown all that is in the ring? */
static bool shown(struct end *e)
{
	return READ_ONCE(e->ch->tx.ring.shared) ==
	       READ_ONCE(e->ch->tx.ring.index);
}

/* Leave room for some of MANY packets, which come behind others then */
static void fill_ring(struct loop *loop)
{
	const struct kmcl_ring *ring = &loop->client.ch->tx.ring;

	loop_up_paused(loop);
	while (kmcl_ring_space(ring) > 2 * KMCL_DEFAULT_PACKET_SIZE)
		loop_send_long(&loop->client, fx.before++,
			       KMCL_DEFAULT_PACKET_SIZE, 0);
	KUNIT_ASSERT_EQ(loop->test, loop_counters(&loop->client).queued, 0);
}

static void a_batch_costs_one_signal(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	u64 before;
	u32 i;

	loop_up(loop);
	before = client->ch->tx.ring.signals;
	for (i = 0; i < 50; i++)
		loop_send(client, i, 0);
	KUNIT_EXPECT_EQ(test, client->ch->tx.ring.signals - before, 50);

	loop_wait(&loop->server, loop_got(&loop->server) == 50);
	before = client->ch->tx.ring.signals;
	prepare(client, 50, 100, 0);
	KUNIT_EXPECT_EQ(test, 50, kmcl_send_many(client->ch, fx.msg + 50, 50));
	/* Their routines have run */
	KUNIT_EXPECT_EQ(test, loop_done(client), 100);
	expect_arrived(loop, 100);
	KUNIT_EXPECT_EQ(test, client->ch->tx.ring.signals - before, 1);
}

/* What becomes of each packet depends on its own flags and routine */
static void some_wait_for_completions(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	u32 i;

	loop->server.keep = true;
	loop_up(loop);
	prepare(client, 0, 30, 0);
	for (i = 0; i < 30; i += 3)
		fx.msg[i].flags = KMCL_SEND_WAIT;
	for (i = 1; i < 30; i += 3)
		kmcl_packet_set_done(fx.msg[i].pkt, NULL);
	KUNIT_EXPECT_EQ(test, 30, kmcl_send_many(client->ch, fx.msg, 30));
	KUNIT_EXPECT_EQ(test, loop_done(client), 10);
	KUNIT_EXPECT_EQ(test, loop_counters(client).in_flight, 10);
	KUNIT_EXPECT_EQ(test, loop_counters(client).in_ring, 20);
	expect_arrived(loop, 30);
	loop_complete_all(&loop->server);
	loop_wait(client, loop_done(client) == 20);
	for (i = 0; i < 30; i++) {
		KUNIT_EXPECT_EQ(test, fx.sent[i]->done, i % 3 != 1);
		/* The harness wants an end of each */
		fx.sent[i]->done = 1;
	}
}

/* Without routines: free packets are kept up to a limit */
static void packets_are_freed_with_their_batch(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	u32 i;

	loop_up(loop);
	for (i = 0; i < MANY; i++) {
		fx.value[i] = i;
		fx.msg[i] = (struct kmcl_message){
			.pkt = loop_packet(client, NULL),
			.buf = &fx.value[i],
			.len = 8,
			.flags = i & 1 ? KMCL_SEND_MORE : 0,
		};
	}
	KUNIT_EXPECT_EQ(test, MANY, kmcl_send_many(client->ch, fx.msg, MANY));
	KUNIT_EXPECT_EQ(test, loop_counters(client).in_ring, MANY);
	/* The last one has KMCL_SEND_MORE */
	KUNIT_EXPECT_FALSE(test, shown(client));
	kmcl_flush(client->ch);
	expect_arrived(loop, MANY);
	KUNIT_EXPECT_EQ(test, loop_cached(client), MANY);
	loop_expect_balance(client);
}

static void more_than_a_burst_keeps_its_order(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_up(loop);
	prepare(&loop->client, 0, MANY, 0);
	KUNIT_EXPECT_EQ(test, MANY,
			kmcl_send_many(loop->client.ch, fx.msg, MANY));
	expect_arrived(loop, MANY);
	expect_ended(loop, MANY);
}

/* Queued behind what is queued, and sent with it */
static void a_batch_is_queued_while_closed(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;

	prepare(client, 0, MANY, 0);
	KUNIT_EXPECT_EQ(test, 1, kmcl_send_many(client->ch, fx.msg, 1));
	fx.msg[MANY - 1].flags = KMCL_SEND_MORE;
	KUNIT_EXPECT_EQ(test, MANY - 1,
			kmcl_send_many(client->ch, fx.msg + 1, MANY - 1));
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, MANY);
	KUNIT_EXPECT_EQ(test, loop_done(client), 0);
	loop_up(loop);
	expect_arrived(loop, MANY);
	expect_ended(loop, MANY);
}

/* The ring takes a part of the batch, and the peer is shown that part */
static void fill_within_a_batch(struct kunit *test, u32 last)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	u32 i;

	fill_ring(loop);
	prepare(client, 0, MANY, 0);
	fx.msg[MANY - 1].flags = last;
	KUNIT_EXPECT_EQ(test, MANY, kmcl_send_many(client->ch, fx.msg, MANY));
	i = loop_counters(client).queued;
	KUNIT_EXPECT_GT(test, i, 0);
	KUNIT_EXPECT_LT(test, i, MANY);
	KUNIT_EXPECT_TRUE(test, shown(client));
	KUNIT_EXPECT_EQ(test, loop_done(client), fx.before + MANY - i);
	kmcl_channel_start(loop->server.ch);
	expect_arrived(loop, MANY);
	expect_ended(loop, MANY);
}

static void the_ring_gets_full_within_a_batch(struct kunit *test)
{
	fill_within_a_batch(test, 0);
}

static void the_ring_gets_full_and_more_follows(struct kunit *test)
{
	fill_within_a_batch(test, KMCL_SEND_MORE);
}

/* Each kind of message that is not accepted */
static void busy(struct loop *loop, struct kmcl_message *msg)
{
	msg->pkt = fx.msg[0].pkt;
}

static void too_long(struct loop *loop, struct kmcl_message *msg)
{
	msg->len = KMCL_DEFAULT_PACKET_SIZE + 1;
}

/* This one is looked at before the lock is taken, since it may have to be read */
static void too_long_and_may_fault(struct loop *loop, struct kmcl_message *msg)
{
	msg->len = KMCL_DEFAULT_PACKET_SIZE + 1;
	msg->flags |= KMCL_SEND_PAGED;
}

static void no_packet(struct loop *loop, struct kmcl_message *msg)
{
	msg->pkt = NULL;
}

/* Short enough for the ring: that is looked at in another place */
static void no_packet_and_may_fault(struct loop *loop, struct kmcl_message *msg)
{
	msg->pkt = NULL;
	msg->flags |= KMCL_SEND_PAGED;
}

static void no_buffer(struct loop *loop, struct kmcl_message *msg)
{
	msg->buf = NULL;
}

static void unknown_flag(struct loop *loop, struct kmcl_message *msg)
{
	msg->flags |= KMCL_SEND_FORCE_LENGTH;
}

static void not_called(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	loop_wrong(loop_end(kmcl_packet_channel(pkt)), "a refused packet ended");
}

static void of_another_channel(struct loop *loop, struct kmcl_message *msg)
{
	msg->pkt = loop_packet(&loop->server, not_called);
}

static const struct refusal {
	const char *name;
	void (*spoil)(struct loop *loop, struct kmcl_message *msg);
	int error;
} refusals[] = {
	{ "a packet that is in use", busy, -EBUSY },
	{ "above the packet size", too_long, -EMSGSIZE },
	{ "above it, and may fault", too_long_and_may_fault, -EMSGSIZE },
	{ "no packet", no_packet, -EINVAL },
	{ "none, and may fault", no_packet_and_may_fault, -EINVAL },
	{ "no buffer", no_buffer, -EINVAL },
	{ "an unknown flag", unknown_flag, -EINVAL },
	{ "another channel's packet", of_another_channel, -EINVAL },
};

KUNIT_ARRAY_PARAM_DESC(refusal, refusals, name);

/* What comes before is accepted, what comes after stays the driver's */
static void a_message_is_refused(struct kunit *test)
{
	const struct refusal *refusal = test->param_value;
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct kmcl_message good;

	loop->server.keep = true;
	loop_up(loop);
	prepare(client, 0, 10, KMCL_SEND_WAIT);
	good = fx.msg[5];
	refusal->spoil(loop, &fx.msg[5]);
	KUNIT_EXPECT_EQ(test, 5, kmcl_send_many(client->ch, fx.msg, 10));
	expect_arrived(loop, 5);
	KUNIT_EXPECT_EQ(test, loop_counters(client).accepted, 5);
	KUNIT_EXPECT_EQ(test, refusal->error,
			kmcl_send_many(client->ch, fx.msg + 5, 5));
	KUNIT_EXPECT_EQ(test, loop_counters(client).accepted, 5);
	if (refusal->spoil == of_another_channel)
		kmcl_packet_free(fx.msg[5].pkt);
	fx.msg[5] = good;
	KUNIT_EXPECT_EQ(test, 5, kmcl_send_many(client->ch, fx.msg + 5, 5));
	expect_arrived(loop, 10);
	loop_complete_all(&loop->server);
	expect_ended(loop, 10);
}

/* The same among short ones that are over when they are written */
static void a_short_message_is_refused(struct kunit *test)
{
	const struct refusal *refusal = test->param_value;
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct kmcl_message good;

	loop_up(loop);
	/* After this one it is known how much room there is */
	loop_send(client, 0, 0);
	fx.before = 1;
	prepare(client, 0, 10, 0);
	good = fx.msg[5];
	refusal->spoil(loop, &fx.msg[5]);
	KUNIT_EXPECT_EQ(test, 5, kmcl_send_many(client->ch, fx.msg, 10));
	KUNIT_EXPECT_EQ(test, loop_counters(client).accepted, 6);
	expect_arrived(loop, 5);
	expect_ended(loop, 5);
	if (refusal->spoil == of_another_channel)
		kmcl_packet_free(fx.msg[5].pkt);
	fx.msg[5] = good;
	KUNIT_EXPECT_EQ(test, 5, kmcl_send_many(client->ch, fx.msg + 5, 5));
	expect_arrived(loop, 10);
	expect_ended(loop, 10);
}

static void nothing_to_send(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;

	KUNIT_EXPECT_EQ(test, 0, kmcl_send_many(ch, NULL, 0));
	KUNIT_EXPECT_EQ(test, 0, kmcl_send_many(ch, fx.msg, 0));
	KUNIT_EXPECT_EQ(test, -EINVAL, kmcl_send_many(NULL, fx.msg, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, kmcl_send_many(ch, NULL, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, kmcl_send_many(ch, fx.msg, U32_MAX));
	kmcl_flush(ch);
	loop_up(loop);
	kmcl_flush(ch);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).accepted, 0);
	KUNIT_EXPECT_EQ(test, ch->tx.ring.signals, 0);
}

static void payloads_that_may_fault(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	loop_up(loop);
	prepare(&loop->client, 0, 20, 0);
	for (i = 0; i < 20; i += 5)
		fx.msg[i].flags = KMCL_SEND_PAGED;
	KUNIT_EXPECT_EQ(test, 20, kmcl_send_many(loop->client.ch, fx.msg, 20));
	expect_arrived(loop, 20);
	expect_ended(loop, 20);
}

/* What the peer of a send with KMCL_SEND_MORE sees, and the sender's routine */
static void sent_with_more(struct loop *loop, u32 from, u32 to)
{
	struct end *client = &loop->client;
	u32 i;

	prepare(client, from, to, 0);
	for (i = from; i < to; i++)
		KUNIT_ASSERT_EQ(loop->test, 0,
				kmcl_send(fx.msg[i].pkt, fx.msg[i].buf,
					  fx.msg[i].len, KMCL_SEND_MORE));
	KUNIT_EXPECT_FALSE(loop->test, shown(client));
	KUNIT_EXPECT_EQ(loop->test, loop_got(&loop->server), from);
	KUNIT_EXPECT_EQ(loop->test, loop_done(client), from);
	KUNIT_EXPECT_EQ(loop->test, loop_counters(client).completed, to);
}

static void by_flush(struct loop *loop)
{
	kmcl_flush(loop->client.ch);
}

static void by_the_next_send(struct loop *loop)
{
	loop_send(&loop->client, 10, KMCL_SEND_WAIT);
}

static void by_the_next_batch(struct loop *loop)
{
	prepare(&loop->client, 10, 11, 0);
	KUNIT_EXPECT_EQ(loop->test, 1,
			kmcl_send_many(loop->client.ch, fx.msg + 10, 1));
}

static void by_a_request(struct loop *loop)
{
	KUNIT_EXPECT_EQ(loop->test, 0, loop_request(&loop->client,
						    KMCL_SEND_WAIT,
						    KMCL_NO_TIMEOUT));
}

static void by_a_completion(struct loop *loop)
{
	loop_complete_kept(&loop->client, 0, 1);
}

static void by_a_pause(struct loop *loop)
{
	loop_complete_all(&loop->client);
	kmcl_channel_pause(loop->client.ch);
}

static void by_disabling(struct loop *loop)
{
	loop_complete_all(&loop->client);
	kmcl_channel_disable(loop->client.ch);
}

static const struct showing {
	const char *name;
	void (*show)(struct loop *loop);
} showings[] = {
	{ "flush", by_flush },
	{ "the next packet", by_the_next_send },
	{ "the next batch", by_the_next_batch },
	{ "a synchronous request", by_a_request },
	{ "a completion", by_a_completion },
	{ "pause", by_a_pause },
	{ "disable", by_disabling },
};

KUNIT_ARRAY_PARAM_DESC(showing, showings, name);

static void what_more_left_is_shown(struct kunit *test)
{
	const struct showing *showing = test->param_value;
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	u32 i;

	client->keep = true;
	loop_up(loop);
	loop_send(server, 1, KMCL_SEND_WAIT);
	loop_wait(client, loop_kept(client) == 1);
	sent_with_more(loop, 0, 10);
	showing->show(loop);
	loop_wait(server, loop_got(server) >= 10);
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, server->got[i], i);
	kmcl_flush(client->ch);
	loop_wait(client, loop_done(client) >= 10);
	for (i = 0; i < 10; i++) {
		KUNIT_EXPECT_EQ(test, fx.sent[i]->status, 0);
		KUNIT_EXPECT_EQ(test, fx.sent[i]->order, i + 1);
	}
	loop_complete_all(client);
}

/* The peer is gone, and has not seen packets that were in its ring */
static void the_link_dies_before_more_is_shown(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;

	loop_up(loop);
	sent_with_more(loop, 0, 10);
	prepare(client, 10, 12, KMCL_SEND_WAIT | KMCL_SEND_MORE);
	KUNIT_EXPECT_EQ(test, 2,
			kmcl_send_many(client->ch, fx.msg + 10, 2));
	kmcl_channel_disable(loop->server.ch);
	loop_wait_event(client, CLOSED, 1);
	KUNIT_EXPECT_EQ(test, loop_done(client), 12);
	KUNIT_EXPECT_EQ(test, fx.sent[9]->status, 0);
	KUNIT_EXPECT_EQ(test, fx.sent[10]->status, -ENODEV);
	KUNIT_EXPECT_EQ(test, fx.sent[11]->status, -ENODEV);
	kmcl_flush(client->ch);
	loop_expect_balance(client);
}

/* The ring gets full: its peer must be shown what is in it, to make room */
static void a_full_ring_is_shown(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	u32 i;

	fill_ring(loop);
	prepare(client, 0, MANY, 0);
	for (i = 0; i < MANY; i++)
		KUNIT_ASSERT_EQ(test, 0,
				kmcl_send(fx.msg[i].pkt, fx.msg[i].buf,
					  fx.msg[i].len, KMCL_SEND_MORE));
	KUNIT_EXPECT_GT(test, loop_counters(client).queued, 0);
	KUNIT_EXPECT_TRUE(test, shown(client));
	kmcl_channel_start(loop->server.ch);
	expect_arrived(loop, MANY);
	expect_ended(loop, MANY);
}

/* The second word of a payload and what follows; the first is its number */
static void check_padding(struct end *e, struct kmcl_context *ctx, u64 value)
{
	u32 i;

	if (value < PADDED) {
		fx.wrong += ctx->len != ALIGN(8 + value, 8);
		for (i = 8; i < ctx->len; i++)
			fx.wrong += ctx->buf[i] != (i < 8 + value ? 0x5a : 0);
	}
	kmcl_complete(ctx, NULL, 0);
}

/* Where the ring had something else before: the peer must not see that */
static void each_length_is_padded_with_zeroes(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	u64 i;

	loop->server.process = check_padding;
	loop_up(loop);
	/* After this one it is known how much room there is */
	loop_send(client, PADDED, 0);
	loop_wait(&loop->server, loop_got(&loop->server) == 1);
	fx.before = 1;
	memset(client->ch->tx.ring.data, 0xff, client->ch->tx.ring.size);
	prepare(client, 0, PADDED, 0);
	for (i = 0; i < PADDED; i++) {
		memset(fx.payload[i], 0x5a, sizeof(fx.payload[i]));
		memcpy(fx.payload[i], &i, sizeof(i));
		fx.msg[i].buf = fx.payload[i];
		fx.msg[i].len = 8 + i;
	}
	KUNIT_EXPECT_EQ(test, PADDED,
			kmcl_send_many(client->ch, fx.msg, PADDED));
	expect_arrived(loop, PADDED);
	expect_ended(loop, PADDED);
	KUNIT_EXPECT_EQ(test, fx.wrong, 0);
}

static int send_many_init(struct kunit *test)
{
	memset(&fx, 0, sizeof(fx));
	return loop_init(test);
}

static struct kunit_case send_many_cases[] = {
	KUNIT_CASE(a_batch_costs_one_signal),
	KUNIT_CASE(some_wait_for_completions),
	KUNIT_CASE(packets_are_freed_with_their_batch),
	KUNIT_CASE(more_than_a_burst_keeps_its_order),
	KUNIT_CASE(a_batch_is_queued_while_closed),
	KUNIT_CASE(the_ring_gets_full_within_a_batch),
	KUNIT_CASE(the_ring_gets_full_and_more_follows),
	KUNIT_CASE_PARAM(a_message_is_refused, refusal_gen_params),
	KUNIT_CASE_PARAM(a_short_message_is_refused, refusal_gen_params),
	KUNIT_CASE(nothing_to_send),
	KUNIT_CASE(payloads_that_may_fault),
	KUNIT_CASE_PARAM(what_more_left_is_shown, showing_gen_params),
	KUNIT_CASE(the_link_dies_before_more_is_shown),
	KUNIT_CASE(a_full_ring_is_shown),
	KUNIT_CASE(each_length_is_padded_with_zeroes),
	{}
};

static struct kunit_suite send_many_suite = {
	.name = "kmcl_send_many",
	.init = send_many_init,
	.exit = loop_exit,
	.test_cases = send_many_cases,
};

kunit_test_suite(send_many_suite);

MODULE_DESCRIPTION("KUnit tests of packets that are sent together");
MODULE_LICENSE("GPL");
