// SPDX-License-Identifier: GPL-2.0
/*
 * Opening and closing while threads on both processors send: each accepted
 * packet completes exactly once, and callbacks keep their order.
 */
#include <linux/delay.h>
#include <linux/prandom.h>
#include <linux/slab.h>

#include "harness.h"

#define POOL	64
#define ROUNDS	200

struct racer;

/* A packet that is sent again and again */
struct racing_packet {
	struct racer *racer;
	struct kmcl_packet *pkt;
	atomic_t pending;
};

/* A thread that sends all packets of its pool that are idle */
struct racer {
	struct end *e;
	struct job *job;
	struct racing_packet pool[POOL];
	u64 value;
	atomic_t accepted;
	atomic_t completed;
	atomic_t twice;
	atomic_t refused;
	atomic_t bad_status;
};

static void race_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	struct racing_packet *p = kmcl_packet_get_pointer(pkt);
	struct racer *r = p->racer;

	if (status && status != -ECANCELED && status != -ENODEV)
		atomic_inc(&r->bad_status);
	atomic_inc(&r->completed);
	if (atomic_cmpxchg(&p->pending, 1, 0) != 1)
		atomic_inc(&r->twice);
}

static void race(void *data)
{
	struct racer *r = data;
	u32 i;

	while (!READ_ONCE(r->job) || !READ_ONCE(r->job->stop)) {
		for (i = 0; i < POOL; i++) {
			struct racing_packet *p = &r->pool[i];

			if (atomic_cmpxchg(&p->pending, 0, 1))
				continue;
			r->value++;
			atomic_inc(&r->accepted);
			if (kmcl_send(p->pkt, &r->value, sizeof(r->value),
				      r->value % 3 != 0))
				atomic_inc(&r->refused);
		}
		if (r->value % 1024 < POOL)
			schedule_timeout_uninterruptible(1);
		cond_resched();
	}
}

static struct racer *race_start(struct end *e)
{
	struct kunit *test = e->loop->test;
	struct racer *r = kunit_kzalloc(test, sizeof(*r), GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, r);
	r->e = e;
	for (i = 0; i < POOL; i++) {
		r->pool[i].racer = r;
		r->pool[i].pkt = kmcl_packet_alloc(e->ch);
		KUNIT_ASSERT_NOT_NULL(test, r->pool[i].pkt);
		kmcl_packet_set_pointer(r->pool[i].pkt, &r->pool[i]);
		kmcl_packet_set_done(r->pool[i].pkt, race_done);
	}
	r->job = loop_job(e->loop, race, r);
	return r;
}

/* No more sends; freeing the channel ends the other packets */
static void race_stop(struct racer *r)
{
	loop_job_stop(r->job);
	loop_job_wait(r->job);
}

static void race_expect(struct racer *r)
{
	struct kunit *test = r->e->loop->test;
	u32 i, pending = 0;

	for (i = 0; i < POOL; i++)
		pending += atomic_read(&r->pool[i].pending);
	KUNIT_EXPECT_EQ(test, pending, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->accepted),
			atomic_read(&r->completed));
	KUNIT_EXPECT_EQ(test, atomic_read(&r->twice), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->refused), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&r->bad_status), 0);
	KUNIT_EXPECT_GE(test, atomic_read(&r->accepted), POOL);
}

static void free_packets(struct racer *r)
{
	u32 i;

	for (i = 0; i < POOL; i++)
		kmcl_packet_free(r->pool[i].pkt);
}

static void end_cleanup(struct end *e)
{
	kmcl_channel_disable(e->ch);
	loop_expect_balance(e);
	kmcl_tx_fail_queued(e->ch, -ECANCELED);
	kmcl_tx_wait_done(e->ch);
}

/* Different moments of an opening, from none at all to well into traffic */
static void some_time(u32 round)
{
	udelay(round * 37 % 1500);
}

static void disable_racing_with_sends(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct racer *a, *b, *c;
	u32 i;

	loop->client.ignore = true;
	loop->server.ignore = true;
	kmcl_channel_start(loop->server.ch);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	a = race_start(&loop->client);
	b = race_start(&loop->client);
	c = race_start(&loop->server);
	for (i = 0; i < ROUNDS; i++) {
		KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
		if (i % 4)
			loop_wait_event(&loop->client, OPENED_BEGINS,
					loop_count(&loop->client,
						   CLOSED_BEGINS) + 1);
		some_time(i);
		kmcl_channel_disable(loop->client.ch);
		loop_expect_balance(&loop->client);
		loop_expect_balance(&loop->server);
	}
	race_stop(a);
	race_stop(b);
	race_stop(c);
	end_cleanup(&loop->client);
	end_cleanup(&loop->server);
	race_expect(a);
	race_expect(b);
	race_expect(c);
	KUNIT_EXPECT_EQ(test, loop_count(&loop->client, OPENED_BEGINS),
			loop_count(&loop->client, CLOSED));
	KUNIT_EXPECT_EQ(test, loop_count(&loop->client, STARTED_BEGINS),
			loop_count(&loop->client, SUSPEND));
	KUNIT_EXPECT_GT(test, loop_counters(&loop->client).cancelled, 0);
	KUNIT_EXPECT_GT(test, loop_counters(&loop->server).removed, 0);
	free_packets(a);
	free_packets(b);
	free_packets(c);
}

static void revoking_racing_with_disable_and_sends(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	struct racer *a, *b;
	u32 i;

	client->ignore = true;
	server->ignore = true;
	a = race_start(client);
	b = race_start(server);
	for (i = 0; i < ROUNDS; i++) {
		struct job *first, *second;

		kmcl_channel_start(server->ch);
		KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(server->ch));
		KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(client->ch));
		some_time(i * 7);
		first = loop_disable(i % 2 ? client : server);
		second = loop_disable(i % 2 ? server : client);
		loop_job_wait(first);
		loop_job_wait(second);
		KUNIT_ASSERT_STREQ(test, kmcl_channel_state_name(client->ch),
				   "Disabled");
		KUNIT_ASSERT_EQ(test, loop_count(client, OPENED_BEGINS),
				loop_count(client, CLOSED));
		KUNIT_ASSERT_EQ(test, loop_count(server, OPENED_BEGINS),
				loop_count(server, CLOSED));
		KUNIT_ASSERT_EQ(test, loop_count(client, STARTED_BEGINS),
				loop_count(client, SUSPEND));
		loop_expect_balance(client);
		loop_expect_balance(server);
	}
	race_stop(a);
	race_stop(b);
	end_cleanup(client);
	end_cleanup(server);
	race_expect(a);
	race_expect(b);
	KUNIT_EXPECT_GT(test, loop_counters(client).opens, 10);
	free_packets(a);
	free_packets(b);
}

static u64 last_value, disorder, gaps;

static void expect_rising(struct end *e, struct kmcl_context *ctx, u64 value)
{
	disorder += value <= last_value;
	gaps += value != last_value + 1;
	last_value = value;
	kmcl_complete(ctx, NULL, 0);
}

static void pausing_loses_and_mixes_up_nothing(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct racer *a;
	u32 i;

	last_value = 0;
	disorder = 0;
	gaps = 0;
	loop->server.ignore = true;
	loop->server.process = expect_rising;
	loop_up(loop);
	a = race_start(&loop->client);
	for (i = 0; i < ROUNDS; i++) {
		struct end *e = i % 3 ? &loop->client : &loop->server;

		kmcl_channel_pause(e->ch);
		KUNIT_ASSERT_STREQ(test, kmcl_channel_state_name(e->ch), "Paused");
		KUNIT_ASSERT_EQ(test, loop_counters(e).outstanding, 0);
		kmcl_channel_start(e->ch);
		some_time(i);
	}
	race_stop(a);
	loop_wait(&loop->server, loop_got(&loop->server) == a->value);
	wait_event_timeout(loop->client.ch->wait, atomic_read(&a->completed) ==
			   atomic_read(&a->accepted), HZ);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).cancelled, 0);
	end_cleanup(&loop->client);
	race_expect(a);
	KUNIT_EXPECT_EQ(test, disorder, 0);
	KUNIT_EXPECT_EQ(test, gaps, 0);
	free_packets(a);
}

static void closing_keeps_the_order_of_the_rest(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct racer *a;
	u32 i;

	last_value = 0;
	disorder = 0;
	loop->server.ignore = true;
	loop->server.process = expect_rising;
	kmcl_channel_start(loop->server.ch);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	a = race_start(&loop->client);
	for (i = 1; i <= ROUNDS; i++) {
		u32 got = loop_got(&loop->server);

		KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
		loop_wait(&loop->server, loop_got(&loop->server) > got);
		kmcl_channel_disable(loop->client.ch);
	}
	race_stop(a);
	end_cleanup(&loop->client);
	race_expect(a);
	KUNIT_EXPECT_EQ(test, disorder, 0);
	free_packets(a);
}

/* A thread that makes all calls, whatever the state */
struct meddler {
	struct end *e;
	u32 seed;
	struct job *job;
};

static void meddle(void *data)
{
	struct meddler *m = data;
	struct rnd_state rnd;
	u32 i;

	prandom_seed_state(&rnd, m->seed);
	for (i = 0; i < ROUNDS; i++) {
		switch (prandom_u32_state(&rnd) % 16) {
		case 0:
			kmcl_channel_disable(m->e->ch);
			break;
		case 1:
			kmcl_channel_pause(m->e->ch);
			break;
		case 2 ... 8:
			kmcl_channel_start(m->e->ch);
			break;
		default:
			kmcl_channel_enable(m->e->ch);
			break;
		}
		usleep_range(10, 10 + prandom_u32_state(&rnd) % 5000);
	}
}

static void any_calls_from_many_threads(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	struct meddler *m;
	struct racer *a;
	u32 i;

	client->ignore = true;
	server->ignore = true;
	m = kunit_kcalloc(test, 4, sizeof(*m), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m);
	a = race_start(client);
	for (i = 0; i < 4; i++) {
		m[i].e = i % 2 ? client : server;
		m[i].seed = i + 1;
		m[i].job = loop_job(loop, meddle, &m[i]);
	}
	for (i = 0; i < 4; i++)
		loop_job_wait(m[i].job);
	race_stop(a);
	kmcl_channel_disable(server->ch);
	kmcl_channel_disable(client->ch);
	KUNIT_EXPECT_EQ(test, loop_count(client, OPENED_BEGINS),
			loop_count(client, CLOSED));
	KUNIT_EXPECT_EQ(test, loop_count(server, OPENED_BEGINS),
			loop_count(server, CLOSED));
	KUNIT_EXPECT_GT(test, loop_counters(client).opens, 0);
	KUNIT_EXPECT_FALSE(test, kmcl_offer_exists(&loop->type, &loop->instance));
	end_cleanup(client);
	race_expect(a);
	free_packets(a);

	/* It still works */
	kmcl_channel_start(client->ch);
	loop_forget(client);
	loop_forget(server);
	loop_up(loop);
}

static void cleanup_under_load(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch;
	struct racer *a;
	u64 value = 1;
	u32 i, k;

	loop->server.ignore = true;
	kmcl_channel_start(loop->server.ch);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	a = race_start(&loop->server);
	for (i = 0; i < ROUNDS / 4; i++) {
		KUNIT_ASSERT_EQ(test, 0, kmcl_channel_alloc(NULL, false, &ch));
		KUNIT_ASSERT_EQ(test, 0, kmcl_set_target(ch, &loop->type,
							 NULL, NULL));
		KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(ch));
		for (k = 0; k < 100; k++)
			KUNIT_ASSERT_EQ(test, 0,
					kmcl_send(kmcl_packet_alloc(ch), &value,
						  sizeof(value), k % 2));
		some_time(i * 31);
		/* Enabled, with packets everywhere */
		KUNIT_ASSERT_EQ(test, 0, kmcl_channel_free(ch));
	}
	race_stop(a);
	end_cleanup(&loop->server);
	race_expect(a);
	free_packets(a);
}

static struct kunit_case race_cases[] = {
	/* KMCL: VmbChannelDisable */
	KUNIT_CASE_SLOW(disable_racing_with_sends),
	KUNIT_CASE_SLOW(revoking_racing_with_disable_and_sends),
	/* KMCL: VmbChannelPause VmbChannelStart */
	KUNIT_CASE_SLOW(pausing_loses_and_mixes_up_nothing),
	KUNIT_CASE_SLOW(closing_keeps_the_order_of_the_rest),
	KUNIT_CASE_SLOW(any_calls_from_many_threads),
	/* KMCL: VmbChannelCleanup */
	KUNIT_CASE_SLOW(cleanup_under_load),
	{}
};

static struct kunit_suite race_suite = {
	.name = "kmcl_race",
	.init = loop_init,
	.exit = loop_exit,
	.test_cases = race_cases,
};

kunit_test_suite(race_suite);
