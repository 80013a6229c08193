// SPDX-License-Identifier: GPL-2.0
/*
 * Who ends the packets of a batch, and where: inside the callback or after it,
 * in the context of delivery or in another one, or nobody, because the batch
 * is cut short. What delivery may use again, and the numbers, depend on that.
 *
 * The server receives. What it is sent is in the ring when it starts, as one
 * batch.
 */
#include <linux/jiffies.h>
#include <linux/slab.h>

#include "harness.h"

#define BATCH		12
#define RACES		4000

/* Between the server's callback and a thread that ends its packets */
static struct {
	struct kmcl_context *ctx;	/* for the thread; taken with xchg() */
	struct kmcl_context *mid;	/* for the tasklet */
	u32 ended;
	struct job *job;
	struct kmcl_context *first;
	u32 others;			/* contexts other than the first */
	u32 wrong;			/* counters */
} batch;

/* In a callback: in process context, where threads go on meanwhile */
#define wait_until(condition)						\
	({								\
		unsigned long _end = jiffies + LOOP_LIMIT;		\
		bool _true;						\
									\
		while (!(_true = (condition)) &&			\
		       time_before(jiffies, _end))			\
			schedule_timeout_uninterruptible(1);		\
		_true;							\
	})

static void send_batch(struct loop *loop, u32 flags)
{
	u32 i;

	loop_up_paused(loop);
	for (i = 0; i < BATCH; i++)
		loop_send(&loop->client, i, flags);
	kmcl_channel_start(loop->server.ch);
}

/* Nothing is left of a batch: the driver has ended all its packets */
static void expect_nothing_left(struct loop *loop, u32 delivered)
{
	const struct kmcl_counters *c;

	loop_poll(&loop->server, !c->outstanding);
	c = loop_snapshot(&loop->server);
	KUNIT_EXPECT_EQ(loop->test, c->delivered, delivered);
	KUNIT_EXPECT_EQ(loop->test, c->memory, 0);
	KUNIT_EXPECT_EQ(loop->test, c->external, 0);
	loop_expect_balance(&loop->client);
}

static void expect_replies(struct loop *loop, u32 count)
{
	u32 i;

	loop_wait(&loop->client, loop_done(&loop->client) == count);
	for (i = 0; i < count; i++) {
		KUNIT_EXPECT_EQ(loop->test, loop->server.got[i], i);
		KUNIT_EXPECT_EQ(loop->test, loop->client.sent[i].status, 0);
		KUNIT_EXPECT_EQ(loop->test, loop->client.sent[i].reply,
				100 + i);
	}
}

static void reply(struct kmcl_context *ctx)
{
	u64 value = *(u64 *)ctx->buf + 100;

	kmcl_complete(ctx, &value, sizeof(value));
}

/* One is ended here, one later, one together with all that were not */
static void here_and_later(struct end *e, struct kmcl_context *ctx, u64 value)
{
	u32 i;

	if (value % 3 == 1) {
		e->kept[e->nkept++] = ctx;
		return;
	}
	if (value % 3 == 2 && value > BATCH / 2) {
		for (i = 0; i < e->nkept; i++)
			reply(e->kept[i]);
		e->nkept = 0;
	}
	reply(ctx);
}

/* What the driver has kept is still what was sent, whatever came after it */
static void ended_here_and_later(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->server.process = here_and_later;
	send_batch(loop, KMCL_SEND_WAIT);
	expect_replies(loop, BATCH);
	expect_nothing_left(loop, BATCH);
	KUNIT_EXPECT_GE(test, loop_counters(&loop->server).outstanding_peak, 3);
}

/* Short ones are copied in another way than long ones */
static void look_at_payload(struct end *e, struct kmcl_context *ctx, u64 value)
{
	u64 *words = (u64 *)ctx->buf;
	u32 i;

	batch.wrong += ctx->len != 8 * (value + 1);
	for (i = 0; i <= value; i++)
		batch.wrong += words[i] != value;
	/* What is here now is not in the next one by chance */
	memset(ctx->buf, 0xa5, ctx->len);
	kmcl_complete(ctx, NULL, 0);
}

static void each_length_arrives(struct kunit *test)
{
	struct loop *loop = test->priv;
	const u32 count = 40;
	u32 i;

	loop->server.process = look_at_payload;
	loop_up_paused(loop);
	for (i = 0; i < count; i++)
		loop_send_long(&loop->client, i, 8 * (i + 1), 0);
	kmcl_channel_start(loop->server.ch);
	loop_wait(&loop->server, loop_got(&loop->server) == count);
	KUNIT_EXPECT_EQ(test, batch.wrong, 0);
	expect_nothing_left(loop, count);
}

static void end_it(struct end *e, struct kmcl_context *ctx, u64 value)
{
	if (!batch.first)
		batch.first = ctx;
	batch.others += ctx != batch.first;
	reply(ctx);
}

static void the_context_is_used_again_at_once(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->server.process = end_it;
	send_batch(loop, 0);
	loop_wait(&loop->server, loop_got(&loop->server) == BATCH);
	expect_nothing_left(loop, BATCH);
	KUNIT_EXPECT_EQ(test, batch.others, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).outstanding_peak, 1);
}

/* A thread that ends what the callback leaves for it */
static void ender(void *data)
{
	struct kmcl_context *ctx;

	while (!READ_ONCE(batch.job) || !READ_ONCE(batch.job->stop)) {
		ctx = READ_ONCE(batch.ctx) ? xchg(&batch.ctx, NULL) : NULL;
		if (ctx) {
			reply(ctx);
			/* What it has done before, leave_it() sees */
			smp_store_release(&batch.ended, batch.ended + 1);
		} else {
			cond_resched();
		}
	}
}

static void leave_it(struct end *e, struct kmcl_context *ctx, u64 value)
{
	u32 ended = READ_ONCE(batch.ended);

	/* Pairs with ender()'s xchg() */
	smp_store_release(&batch.ctx, ctx);
	/* Pairs with ender()'s release */
	if (!wait_until(smp_load_acquire(&batch.ended) != ended))
		loop_wrong(e, "the thread does not run");
}

/* Or end it here, if the thread has one already */
static void hand_over(struct end *e, struct kmcl_context *ctx, u64 value)
{
	if (READ_ONCE(batch.ctx)) {
		reply(ctx);
		return;
	}
	/* Pairs with ender()'s xchg() */
	smp_store_release(&batch.ctx, ctx);
}

static void ended_by(struct loop *loop, void (*process)(struct end *e,
							struct kmcl_context *ctx,
							u64 value), u32 count)
{
	u32 i;

	batch.job = loop_job(loop, ender, loop);
	loop->server.process = process;
	loop_up(loop);
	for (i = 0; i < count; i++)
		loop_send(&loop->client, i, KMCL_SEND_WAIT);
	expect_replies(loop, count);
	loop_job_stop(batch.job);
	loop_job_wait(batch.job);
	expect_nothing_left(loop, count);
}

static void another_thread_ends_it_inside(struct kunit *test)
{
	struct loop *loop = test->priv;

	kmcl_set_process_context(loop->server.ch, true);
	ended_by(loop, leave_it, BATCH);
	KUNIT_EXPECT_EQ(test, batch.ended, BATCH);
}

/* As delivery returns from the callback, a little earlier or later */
static void another_processor_ends_it_meanwhile(struct kunit *test)
{
	struct loop *loop = test->priv;

	ended_by(loop, hand_over, RACES);
	KUNIT_EXPECT_GT(test, batch.ended, 0);
	/* None is lost: what the channel has it frees when it closes */
	kmcl_channel_disable(loop->server.ch);
	KUNIT_EXPECT_EQ(test, READ_ONCE(loop->server.ch->rx.small.cached), 0);
	KUNIT_EXPECT_EQ(test, READ_ONCE(loop->server.ch->rx.large.cached), 0);
	KUNIT_EXPECT_NULL(test, loop->server.ch->rx.own);
}

static void mid_tasklet(struct tasklet_struct *t)
{
	reply(batch.mid);
	batch.mid = NULL;
}

static DECLARE_TASKLET(mid, mid_tasklet);

/* In process context, on the same processor, and with the same task as current */
static void leave_it_to_a_softirq(struct end *e, struct kmcl_context *ctx,
				  u64 value)
{
	if (!in_task())
		loop_wrong(e, "not delivered in process context");
	local_bh_disable();
	batch.mid = ctx;
	tasklet_schedule(&mid);
	if (!kmcl_rx_inside(&e->ch->rx, ctx))
		loop_wrong(e, "delivery is not recognised");
	local_bh_enable();
	if (!wait_until(!READ_ONCE(batch.mid)))
		loop_wrong(e, "the tasklet has not run");
}

static void a_softirq_ends_it_inside(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->server.process = leave_it_to_a_softirq;
	kmcl_set_process_context(loop->server.ch, true);
	send_batch(loop, KMCL_SEND_WAIT);
	expect_replies(loop, BATCH);
	expect_nothing_left(loop, BATCH);
	tasklet_kill(&mid);
}

/* Three of them are kept */
static void look_at_counters(struct end *e, struct kmcl_context *ctx, u64 value)
{
	struct kmcl_counters c;
	u32 outstanding = min(value, 3ULL) + 1;

	kmcl_get_counters(e->ch, &c);
	batch.wrong += c.delivered != value + 1;
	batch.wrong += c.outstanding != outstanding;
	batch.wrong += c.outstanding_peak < outstanding;
	batch.wrong += c.memory < outstanding * (u64)ctx->bytes;
	if (value < 3)
		e->kept[e->nkept++] = ctx;
	else
		reply(ctx);
	kmcl_get_counters(e->ch, &c);
	batch.wrong += c.outstanding != min(value + 1, 3ULL) && value >= 3;
}

static void what_a_callback_reads(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->server.process = look_at_counters;
	send_batch(loop, 0);
	loop_wait(&loop->server, loop_got(&loop->server) == BATCH);
	KUNIT_EXPECT_EQ(test, batch.wrong, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).outstanding_peak, 4);
	loop_complete_all(&loop->server);
	expect_nothing_left(loop, BATCH);
}

static void defer_two(struct end *e, struct kmcl_context *ctx, u64 value)
{
	if (!in_task() && (value == 4 || value == BATCH - 1))
		kmcl_packet_defer(ctx);
	else
		reply(ctx);
}

static void deferred_in_the_middle(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;

	loop->server.process = defer_two;
	send_batch(loop, KMCL_SEND_WAIT);
	loop_wait(&loop->client, loop_done(&loop->client) == BATCH);
	expect_nothing_left(loop, BATCH);
	/* They came twice, and nothing came in between */
	KUNIT_EXPECT_EQ(test, loop_got(server), BATCH +
			loop_counters(server).deferred);
	KUNIT_EXPECT_GE(test, loop_counters(server).deferred, 1);
	KUNIT_EXPECT_EQ(test, server->got[4], 4);
	KUNIT_EXPECT_EQ(test, server->got[5], 4);
	KUNIT_EXPECT_EQ(test, loop->client.sent[BATCH - 1].order, BATCH);
}

static void fail_one(struct end *e, struct kmcl_context *ctx, u64 value)
{
	if (value == 4)
		kmcl_packet_fail(ctx);
	else
		reply(ctx);
}

static void failed_in_the_middle(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->server.process = fail_one;
	send_batch(loop, KMCL_SEND_WAIT);
	loop_wait(&loop->client, loop_done(&loop->client) == 4);
	loop_poll(&loop->server, c->failed == 1);
	expect_nothing_left(loop, 5);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->server), 5);
	kmcl_channel_disable(loop->client.ch);
	loop_expect_balance(&loop->client);
}

static bool shut(struct kmcl_channel *ch)
{
	return !kmcl_rx_is(&ch->rx, KMCL_RX_OPEN);
}

static bool linked(struct kmcl_channel *ch)
{
	return READ_ONCE(ch->tx.linked);
}

static void wait_for_the_gate(struct end *e, struct kmcl_context *ctx,
			      u64 value)
{
	if (value == 4) {
		complete(&e->release);
		if (!wait_until(shut(e->ch)))
			loop_wrong(e, "the gate is still open");
	}
	reply(ctx);
}

static void wait_for_the_end(struct end *e, struct kmcl_context *ctx, u64 value)
{
	if (value == 4) {
		complete(&e->release);
		if (!wait_until(!linked(e->ch)))
			loop_wrong(e, "the link is still there");
	}
	reply(ctx);
}

/* The fifth callback runs, until what it waits for has happened */
static void send_and_wait_in(struct loop *loop,
			     void (*process)(struct end *e,
					     struct kmcl_context *ctx, u64 value))
{
	struct end *server = &loop->server;

	server->process = process;
	kmcl_set_process_context(server->ch, true);
	send_batch(loop, KMCL_SEND_WAIT);
	wait_for_completion_timeout(&server->release, LOOP_LIMIT);
}

static void paused_in_the_middle(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;

	send_and_wait_in(loop, wait_for_the_gate);
	loop_job_wait(loop_pause(server));
	KUNIT_EXPECT_EQ(test, loop_got(server), 5);
	expect_nothing_left(loop, 5);
	kmcl_channel_start(server->ch);
	expect_replies(loop, BATCH);
	expect_nothing_left(loop, BATCH);
}

static void rescinded_in_the_middle(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	struct job *job;

	send_and_wait_in(loop, wait_for_the_end);
	job = loop_disable(&loop->client);
	loop_wait_event(server, CLOSED, 1);
	loop_job_wait(job);
	/* Whether more are delivered is open: the gate shuts after the link ends */
	KUNIT_EXPECT_GE(test, loop_got(server), 5);
	KUNIT_EXPECT_GE(test, loop_counters(server).comps_dropped, 1);
	expect_nothing_left(loop, loop_got(server));
}

static void freed_in_the_middle(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;

	send_and_wait_in(loop, wait_for_the_gate);
	loop_job_wait(loop_free(server));
	server->ch = NULL;
	KUNIT_EXPECT_EQ(test, loop_got(server), 5);
	loop_wait(&loop->client, loop_done(&loop->client) == BATCH);
	loop_expect_balance(&loop->client);
}

/* The driver has kept them all: freeing waits */
static void freed_with_packets_kept(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	struct job *job;

	server->keep = true;
	send_batch(loop, 0);
	loop_wait(server, loop_kept(server) == BATCH);
	KUNIT_EXPECT_EQ(test, loop_counters(server).outstanding, BATCH);
	KUNIT_EXPECT_EQ(test, loop_counters(server).outstanding_peak, BATCH);
	job = loop_free(server);
	loop_wait_event(server, SUSPEND, 1);
	KUNIT_EXPECT_FALSE(test, completion_done(&job->done));
	loop_complete_all(server);
	loop_job_wait(job);
	server->ch = NULL;
}

static int batch_init(struct kunit *test)
{
	memset(&batch, 0, sizeof(batch));
	return loop_init(test);
}

static struct kunit_case rx_batch_cases[] = {
	/* KMCL: VmbChannelPacketComplete EVT_VMB_CHANNEL_PROCESS_PACKET */
	KUNIT_CASE(ended_here_and_later),
	KUNIT_CASE(the_context_is_used_again_at_once),
	KUNIT_CASE(each_length_arrives),
	/* KMCL: VmbChannelPacketComplete */
	KUNIT_CASE(another_thread_ends_it_inside),
	KUNIT_CASE_SLOW(another_processor_ends_it_meanwhile),
	/* KMCL: VmbChannelSetIncomingProcessingAtPassive */
	KUNIT_CASE(a_softirq_ends_it_inside),
	KUNIT_CASE(what_a_callback_reads),
	/* KMCL: VmbChannelPacketDeferToPassive */
	KUNIT_CASE(deferred_in_the_middle),
	/* KMCL: VmbChannelPacketFail */
	KUNIT_CASE(failed_in_the_middle),
	/* KMCL: VmbChannelPause */
	KUNIT_CASE(paused_in_the_middle),
	/* KMCL: EVT_VMB_CHANNEL_CLOSED */
	KUNIT_CASE(rescinded_in_the_middle),
	/* KMCL: VmbChannelCleanup */
	KUNIT_CASE(freed_in_the_middle),
	KUNIT_CASE(freed_with_packets_kept),
	{}
};

static struct kunit_suite rx_batch_suite = {
	.name = "kmcl_rx_batch",
	.init = batch_init,
	.exit = loop_exit,
	.test_cases = rx_batch_cases,
};

kunit_test_suite(rx_batch_suite);
