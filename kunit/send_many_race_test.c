// SPDX-License-Identifier: GPL-2.0
/*
 * Who calls kmcl_send_many(): a completion routine of a packet that was sent so, and
 * several tasks at a time while the channel ends. Routines run in the task that ends
 * the packets, without locks.
 */
#include "harness.h"

/* A routine sends the next batch, one level deep */
static u32 rounds, depth, deepest;
static u64 payload;

static void send_again(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	struct kmcl_message msg = { .pkt = pkt, .buf = &payload, .len = sizeof(payload) };

	if (!rounds) {
		kmcl_packet_free(pkt);
		return;
	}
	rounds--;
	deepest = max(deepest, ++depth);
	if (kmcl_send_many(kmcl_packet_channel(pkt), &msg, 1) != 1)
		rounds = 0;
	depth--;
}

static void routines_that_send_again_do_not_recurse(struct kunit *test)
{
	struct kmcl_message msg[10];
	struct loop *loop = test->priv;
	u32 i;

	rounds = 1000;
	depth = 0;
	deepest = 0;
	loop->server.ignore = true;
	loop_up(loop);
	for (i = 0; i < ARRAY_SIZE(msg); i++) {
		msg[i] = (struct kmcl_message){
			.pkt = loop_packet(&loop->client, send_again),
			.buf = &payload,
			.len = sizeof(payload),
		};
	}
	KUNIT_EXPECT_EQ(test, ARRAY_SIZE(msg),
			kmcl_send_many(loop->client.ch, msg, ARRAY_SIZE(msg)));
	loop_poll(&loop->client, c->completed == 1010);
	KUNIT_EXPECT_EQ(test, deepest, 1);
}

/* The channel is freed while others send batches */
static void send_until_refused(void *data)
{
	struct end *e = data;
	struct kmcl_message msg[8];
	u32 i;
	int n;

	do {
		for (i = 0; i < ARRAY_SIZE(msg); i++)
			msg[i] = (struct kmcl_message){
				.pkt = kmcl_packet_alloc(e->ch),
				.buf = &payload,
				.len = sizeof(payload),
				.flags = i & 1 ? KMCL_SEND_MORE : 0,
			};
		n = kmcl_send_many(e->ch, msg, ARRAY_SIZE(msg));
		for (i = max(n, 0); i < ARRAY_SIZE(msg); i++)
			kmcl_packet_free(msg[i].pkt);
		cond_resched();
	} while (n == ARRAY_SIZE(msg));
}

static void a_channel_ends_while_batches_are_sent(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct job *job[2];
	u32 i;

	loop->server.ignore = true;
	loop_up(loop);
	for (i = 0; i < ARRAY_SIZE(job); i++)
		job[i] = loop_job(loop, send_until_refused, client);
	loop_poll(client, c->completed > 1000);
	kmcl_channel_disable(client->ch);
	/* As freeing the channel does */
	kmcl_tx_fail_queued(client->ch, -ECANCELED);
	for (i = 0; i < ARRAY_SIZE(job); i++)
		loop_job_wait(job[i]);
	kmcl_tx_wait_done(client->ch);
	loop_expect_balance(client);
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, 0);
}

static struct kunit_case send_many_race_cases[] = {
	KUNIT_CASE(routines_that_send_again_do_not_recurse),
	KUNIT_CASE(a_channel_ends_while_batches_are_sent),
	{}
};

static struct kunit_suite send_many_race_suite = {
	.name = "kmcl_send_many_race",
	.init = loop_init,
	.exit = loop_exit,
	.test_cases = send_many_race_cases,
};

kunit_test_suite(send_many_race_suite);

MODULE_DESCRIPTION("KUnit tests of who sends packets together");
MODULE_LICENSE("GPL");
