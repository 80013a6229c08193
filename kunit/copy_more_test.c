// SPDX-License-Identifier: GPL-2.0
/*
 * What is large and no packet of its own: completions and answers. And large packets
 * while another processor sends, disconnects or saves.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/sched.h>

#include "copy_harness.h"

/* Larger than tx.lock is held for, and there is something else to do then */
static void answer_at_length(struct loop *loop)
{
	struct kmcl_context *ctx = loop->client.kept[0];

	loop->client.kept[0] = NULL;
	kmcl_complete(ctx, copy_fx.buf, LARGE);
}

static void long_completions(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct sent *s;

	s = copy_keep_request(loop);
	copy_fx.hook = copy_send_little;
	copy_fx.buf[0] = 5;
	answer_at_length(loop);
	loop_wait(&loop->server, s->done);
	KUNIT_EXPECT_EQ(test, s->len, LARGE);
	KUNIT_EXPECT_EQ(test, s->reply, 5);
	loop_wait(client, loop_done(client) == LITTLE);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->server), LITTLE);
	KUNIT_EXPECT_EQ(test, copy_fx.copies, 1);
	KUNIT_EXPECT_EQ(test, copy_fx.irqs_off, 0);
	KUNIT_EXPECT_EQ(test, copy_fx.moved, 0);
}

static void end_in_flight(struct loop *loop)
{
	struct end *client = &loop->client;

	kmcl_tx_fail_in_flight(client->ch, -ECANCELED, false);
	KUNIT_EXPECT_FALSE(loop->test, kmcl_tx_take_back(copy_fx.pkt, -ECANCELED));
	KUNIT_EXPECT_EQ(loop->test, loop_done(client), 0);
}

static void answer_with_much(struct end *e, struct kmcl_context *ctx, u64 value)
{
	kmcl_complete(ctx, ctx->buf, ctx->len);
}

static void long_answers(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct sent *s;

	loop->server.process = answer_with_much;
	loop_up_paused(loop);
	s = copy_send_large(&loop->client, 5, KMCL_SEND_WAIT);
	KUNIT_EXPECT_EQ(test, copy_fx.copies, 1);
	copy_fx.hook = end_in_flight;
	kmcl_channel_start(loop->server.ch);
	loop_wait(&loop->client, s->done);
	KUNIT_EXPECT_EQ(test, s->status, 0);
	KUNIT_EXPECT_EQ(test, s->len, LARGE);
	KUNIT_EXPECT_EQ(test, s->reply, 5);
	KUNIT_EXPECT_EQ(test, copy_fx.copies, 2);
	KUNIT_EXPECT_EQ(test, copy_fx.irqs_off, 0);
	loop_expect_balance(&loop->client);
}

static void drop(struct loop *loop)
{
	kmcl_tx_fail_in_flight(loop->client.ch, -ECANCELED, false);
	KUNIT_EXPECT_TRUE(loop->test, list_empty(&loop->client.ch->tx.comps));
	/* It is still read */
	KUNIT_EXPECT_NE(loop->test,
			atomic64_read(&loop->client.ch->rx.comps_bytes), 0);
}

static void drop_next(struct loop *loop)
{
	answer_at_length(loop);
	copy_fx.hook = drop;
}

/* It waits behind a packet, and is dropped when it is its turn */
static void a_long_completion_is_dropped(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;

	copy_bring_up(loop);
	client->keep = true;
	loop_send(&loop->server, 0, KMCL_SEND_WAIT);
	loop_wait(client, loop_kept(client) == 1);
	copy_fx.hook = drop_next;
	copy_send_large(client, 0, 0);
	KUNIT_EXPECT_NULL(test, copy_fx.hook);
	copy_expect_arrived(loop, 1);
	KUNIT_EXPECT_EQ(test, copy_fx.copies, 2);
	KUNIT_EXPECT_EQ(test, loop_counters(client).comps_dropped, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(client).comps_sent, 0);
	KUNIT_EXPECT_EQ(test, atomic64_read(&client->ch->rx.comps_bytes), 0);
}

/* On its processor, so that a copy on the other one does not keep it from running */
static void run_on(unsigned int cpu)
{
	set_cpus_allowed_ptr(current, cpumask_of(cpu));
}

/* Both processors are needed; the test itself is on neither of them */
static void wait_for_release(struct loop *loop)
{
	unsigned long end = jiffies + LOOP_LIMIT;

	WRITE_ONCE(copy_fx.ready, true);
	while (!READ_ONCE(copy_fx.release) && time_before(jiffies, end))
		cpu_relax();
	KUNIT_EXPECT_TRUE(loop->test, READ_ONCE(copy_fx.release));
}

static void copier(void *data)
{
	struct loop *loop = data;
	struct end *e = copy_fx.ch == loop->client.ch ? &loop->client : &loop->server;

	run_on(1);
	copy_fx.hook = wait_for_release;
	copy_send_large(e, 0, 0);
}

static struct job *start_copy(struct loop *loop)
{
	struct job *job = loop_job(loop, copier, loop);

	run_on(0);
	loop_wait(&loop->client, READ_ONCE(copy_fx.ready));
	return job;
}

static void end_copy(struct job *job)
{
	WRITE_ONCE(copy_fx.release, true);
	loop_job_wait(job);
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

static void skip_on_one_cpu(struct kunit *test)
{
	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two processors");
}

static void another_cpu_does_not_wait(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct job *job;

	skip_on_one_cpu(test);
	copy_bring_up(loop);
	job = start_copy(loop);
	copy_send_little(loop);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued, LITTLE);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->server), 0);
	end_copy(job);
	copy_expect_arrived(loop, 1 + LITTLE);
}

/* The memory of the ring must be there until then, and the packet is not lost */
static void disconnecting_waits(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct job *job, *closing;
	u32 i;

	skip_on_one_cpu(test);
	copy_bring_up(loop);
	job = start_copy(loop);
	closing = loop_disable(client);
	loop_wait(client, !READ_ONCE(client->ch->tx.linked));
	/* If it did not wait it would have disconnected by then */
	for (i = 0; i < 50 && READ_ONCE(client->ch->link.connected); i++)
		mdelay(1);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(client->ch->link.connected));
	end_copy(job);
	loop_job_wait(closing);
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, 1);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->server), 0);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(client->ch));
	copy_expect_arrived(loop, 1);
}

static struct {
	bool runs;		/* a routine, on the other processor */
	bool returned;		/* the call that sends the batch */
	u32 together;		/* routines that ran during that one */
	u32 ended;
} many;

static void many_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	many.together += READ_ONCE(many.runs);
	WRITE_ONCE(many.ended, many.ended + 1);
	kmcl_packet_free(pkt);
}

/* A small packet, a large one, and a small one */
static void send_many_with_large(void *data)
{
	struct loop *loop = data;
	u64 value = 1;
	u32 i;

	run_on(1);
	for (i = 0; i < 3; i++) {
		copy_fx.msg[i].pkt = kmcl_packet_alloc(loop->client.ch);
		copy_fx.msg[i].buf = i == 1 ? copy_fx.buf : &value;
		copy_fx.msg[i].len = i == 1 ? LARGE : sizeof(value);
		kmcl_packet_set_done(copy_fx.msg[i].pkt, many_done);
	}
	copy_fx.hook = wait_for_release;
	KUNIT_EXPECT_EQ(loop->test, 3,
			kmcl_send_many(loop->client.ch, copy_fx.msg, 3));
	WRITE_ONCE(many.returned, true);
}

static void until_it_returns(struct kmcl_packet *pkt, int status, void *buf,
			     u32 len)
{
	unsigned long end = jiffies + LOOP_LIMIT;

	WRITE_ONCE(many.runs, true);
	WRITE_ONCE(copy_fx.release, true);
	while (!READ_ONCE(many.returned) && time_before(jiffies, end))
		cpu_relax();
	WRITE_ONCE(many.runs, false);
	kmcl_packet_free(pkt);
}

/* The lock is not held while it is copied, and another routine may run by then */
static void large_in_a_batch(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt;
	struct job *job;
	u64 value = 0;

	skip_on_one_cpu(test);
	memset(&many, 0, sizeof(many));
	memset(copy_fx.msg, 0, sizeof(copy_fx.msg));
	loop->server.keep = true;
	loop_up(loop);
	pkt = loop_packet(&loop->client, until_it_returns);
	KUNIT_ASSERT_EQ(test, 0, kmcl_send(pkt, &value, sizeof(value),
					   KMCL_SEND_WAIT));
	loop_wait(&loop->server, loop_kept(&loop->server) == 1);
	job = loop_job(loop, send_many_with_large, loop);
	run_on(0);
	loop_wait(&loop->client, READ_ONCE(copy_fx.ready));
	loop_complete_kept(&loop->server, 0, 0);
	loop_wait(&loop->client, READ_ONCE(many.returned));
	end_copy(job);
	loop_wait(&loop->client, READ_ONCE(many.ended) == 3);
	KUNIT_EXPECT_EQ(test, many.together, 0);
	loop_wait(&loop->server, loop_got(&loop->server) == 4);
	loop_complete_all(&loop->server);
	loop_expect_balance(&loop->client);
}

/* One that is only being sent is not saved */
static void saving_meanwhile(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	u32 filled, required;
	struct job *job;
	u64 image[8];

	skip_on_one_cpu(test);
	loop_up(loop);
	copy_fx.ch = server->ch;
	job = start_copy(loop);
	kmcl_channel_pause(server->ch);
	KUNIT_EXPECT_EQ(test, kmcl_save_begin(server->ch), 0);
	KUNIT_EXPECT_EQ(test, kmcl_save_continue(server->ch, image, sizeof(image),
						 &filled, &required), 0);
	KUNIT_EXPECT_LT(test, filled, sizeof(image));
	kmcl_save_end(server->ch);
	end_copy(job);
	KUNIT_EXPECT_EQ(test, loop_counters(server).queued, 1);
	kmcl_channel_start(server->ch);
	loop_wait(&loop->client, loop_got(&loop->client) == 1);
}

static struct kunit_case copy_more_cases[] = {
	/* KMCL: VmbChannelPacketComplete */
	KUNIT_CASE(long_completions),
	KUNIT_CASE(a_long_completion_is_dropped),
	/* KMCL: VmbPacketSend */
	KUNIT_CASE(long_answers),
	KUNIT_CASE(another_cpu_does_not_wait),
	KUNIT_CASE(large_in_a_batch),
	KUNIT_CASE(disconnecting_waits),
	KUNIT_CASE(saving_meanwhile),
	{}
};

static struct kunit_suite copy_more_suite = {
	.name = "kmcl_copy_more",
	.init = copy_init,
	.exit = copy_exit,
	.test_cases = copy_more_cases,
};

kunit_test_suite(copy_more_suite);

MODULE_DESCRIPTION("KUnit tests of large packets, which are copied without a lock");
MODULE_LICENSE("GPL");
