// SPDX-License-Identifier: GPL-2.0
/*
 * kmcl_packet_cancel(): a packet ends once, wherever it is, and whatever the peer
 * does with it.
 */
#include "harness.h"

struct cancelled {
	struct kmcl_packet *pkt;
	u32 done;
	int status;
	u32 len;
};

static struct cancelled fx;

static void cancel_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	struct end *e = loop_end(kmcl_packet_channel(pkt));

	fx.status = status;
	fx.len = len;
	/* Pairs with done() */
	smp_store_release(&fx.done, fx.done + 1);
	wake_up_all(&e->wait);
}

static u32 done(void)
{
	return smp_load_acquire(&fx.done);	/* see cancel_done() */
}

static int cancel_init(struct kunit *test)
{
	int ret = loop_init(test);
	struct loop *loop = test->priv;

	memset(&fx, 0, sizeof(fx));
	if (!ret)
		fx.pkt = loop_packet(&loop->client, cancel_done);
	return ret;
}

static void cancel_exit(struct kunit *test)
{
	struct loop *loop = test->priv;

	kmcl_channel_disable(loop->client.ch);
	kmcl_packet_free(fx.pkt);
	loop_exit(test);
}

static void send(struct kunit *test, u32 flags)
{
	u64 value = 4711;

	KUNIT_ASSERT_EQ(test, kmcl_send(fx.pkt, &value, sizeof(value), flags), 0);
}

static void an_idle_packet_is_left_alone(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, kmcl_packet_cancel(fx.pkt, -ETIME));
	KUNIT_EXPECT_EQ(test, fx.done, 0);
}

static void a_queued_packet_is_not_sent(struct kunit *test)
{
	struct loop *loop = test->priv;

	send(test, 0);
	KUNIT_EXPECT_TRUE(test, kmcl_packet_cancel(fx.pkt, -ETIME));
	KUNIT_EXPECT_EQ(test, fx.done, 1);
	KUNIT_EXPECT_EQ(test, fx.status, -ETIME);
	KUNIT_EXPECT_FALSE(test, kmcl_packet_cancel(fx.pkt, -ETIME));
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued, 0);
	loop_send(&loop->client, 1, 0);
	loop_up(loop);
	loop_wait(&loop->server, loop_got(&loop->server) == 1);
	KUNIT_EXPECT_EQ(test, loop->server.got[0], 1);
	loop_expect_balance(&loop->client);
}

static void a_request_in_flight_ends(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->server.keep = true;
	loop_up(loop);
	send(test, KMCL_SEND_WAIT);
	loop_wait(&loop->server, loop_kept(&loop->server) == 1);
	KUNIT_EXPECT_TRUE(test, kmcl_packet_cancel(fx.pkt, -EINTR));
	KUNIT_EXPECT_EQ(test, fx.done, 1);
	KUNIT_EXPECT_EQ(test, fx.status, -EINTR);
	KUNIT_EXPECT_EQ(test, fx.len, 0);
	/* It is the driver's again, and the answer to its first use is not */
	send(test, KMCL_SEND_WAIT);
	loop_wait(&loop->server, loop_kept(&loop->server) == 2);
	loop_complete_kept(&loop->server, 0, 1);
	loop_poll(&loop->client, c->comps_stale == 1);
	KUNIT_EXPECT_EQ(test, fx.done, 1);
	loop_complete_kept(&loop->server, 1, 2);
	loop_wait(&loop->client, done() == 2);
	KUNIT_EXPECT_EQ(test, fx.status, 0);
	KUNIT_EXPECT_EQ(test, fx.len, 8);
	KUNIT_EXPECT_FALSE(test, kmcl_packet_cancel(fx.pkt, -EINTR));
	loop_expect_balance(&loop->client);
}

/* The peer may use its memory, so it stays */
static void external_data_stay(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct loop_page page;
	u64 value = 1;

	loop_page(test, &page);
	loop->server.keep = true;
	loop_up(loop);
	KUNIT_ASSERT_EQ(test, kmcl_send_mdl(fx.pkt, &value, sizeof(value),
					    page.mdl, KMCL_SEND_WAIT), 0);
	loop_wait(&loop->server, loop_kept(&loop->server) == 1);
	KUNIT_EXPECT_FALSE(test, kmcl_packet_cancel(fx.pkt, -EINTR));
	loop_complete_all(&loop->server);
	loop_wait(&loop->client, done() == 1);
	KUNIT_EXPECT_EQ(test, fx.status, 0);
}

static void cancel_it(void *data)
{
	bool *cancelled = data;

	*cancelled = kmcl_packet_cancel(fx.pkt, -EINTR);
}

/* Whoever is first */
static void it_races_with_the_answer(struct kunit *test)
{
	struct loop *loop = test->priv;
	bool cancelled;
	struct job *job;
	u32 i, times = 0;

	loop_up(loop);
	for (i = 1; i <= 500; i++) {
		send(test, KMCL_SEND_WAIT);
		job = loop_job(loop, cancel_it, &cancelled);
		loop_job_wait(job);
		loop_wait(&loop->client, done() == i);
		KUNIT_ASSERT_EQ(test, fx.status, cancelled ? -EINTR : 0);
		times += cancelled;
	}
	kunit_info(test, "%u of 500 cancelled\n", times);
	loop_expect_balance(&loop->client);
}

static struct kunit_case cancel_cases[] = {
	KUNIT_CASE(an_idle_packet_is_left_alone),
	KUNIT_CASE(a_queued_packet_is_not_sent),
	KUNIT_CASE(a_request_in_flight_ends),
	KUNIT_CASE(external_data_stay),
	KUNIT_CASE(it_races_with_the_answer),
	{}
};

static struct kunit_suite cancel_suite = {
	.name = "kmcl_cancel",
	.init = cancel_init,
	.exit = cancel_exit,
	.test_cases = cancel_cases,
};

kunit_test_suite(cancel_suite);
