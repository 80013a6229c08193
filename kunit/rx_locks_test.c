// SPDX-License-Identifier: GPL-2.0
/*
 * How often the channel's locks are taken while a batch is received. Lockdep's
 * tracepoint tells: it is called whenever a lock is about to be taken.
 *
 * The server receives. What it is sent is in the ring when it starts, as one
 * batch; counted is from the first packet's callback to the last one's.
 */
#include <linux/jiffies.h>
#include <trace/events/lock.h>

#include "harness.h"

#define BATCH	64

static struct {
	const struct lockdep_map *rx;
	const struct lockdep_map *tx;
	u32 rx_taken;
	u32 tx_taken;
	unsigned long began;		/* jiffies, of the first callback */
	unsigned long ticks;		/* until the last one */
	bool counting;
} locks;

/* In any context, so it only counts */
static void on_acquire(void *data, struct lockdep_map *lock,
		       unsigned int subclass, int trylock, int read, int check,
		       struct lockdep_map *next_lock, unsigned long ip)
{
	if (!locks.counting)
		return;
	locks.rx_taken += lock == locks.rx;
	locks.tx_taken += lock == locks.tx;
}

static void end_it(struct end *e, struct kmcl_context *ctx, u64 value)
{
	if (value == 0) {
		locks.began = jiffies;
		locks.counting = true;
	}
	kmcl_complete(ctx, NULL, 0);
	if (value == BATCH - 1) {
		locks.counting = false;
		locks.ticks = jiffies - locks.began;
	}
}

static void receive(struct loop *loop, u32 flags)
{
	struct end *server = &loop->server;
	u32 i;

	locks.rx = &server->ch->rx.lock.dep_map;
	locks.tx = &server->ch->tx.lock.dep_map;
	server->process = end_it;
	loop_up_paused(loop);
	for (i = 0; i < BATCH; i++)
		loop_send(&loop->client, i, flags);
	kmcl_channel_start(server->ch);
	loop_wait(server, READ_ONCE(server->batch_packets) == BATCH);
	KUNIT_EXPECT_EQ(loop->test, server->batches, 1);
}

static void packets_that_end_inside(struct kunit *test)
{
	receive(test->priv, 0);
	KUNIT_EXPECT_EQ(test, locks.rx_taken, 0);
	KUNIT_EXPECT_EQ(test, locks.tx_taken, 0);
}

/*
 * Those that wait are written together: when there are too many, and after each tick,
 * of which one may have come before the first callback. A busy machine has more.
 */
static void requests_that_end_inside(struct kunit *test)
{
	struct loop *loop = test->priv;

	receive(loop, KMCL_SEND_WAIT);
	loop_wait(&loop->client, loop_done(&loop->client) == BATCH);
	KUNIT_EXPECT_EQ(test, locks.rx_taken, 0);
	KUNIT_EXPECT_LE(test, locks.tx_taken,
			BATCH / KMCL_COMPS + locks.ticks + 1);
}

static int locks_init(struct kunit *test)
{
	int ret = loop_init(test);

	if (ret)
		return ret;
	memset(&locks, 0, sizeof(locks));
	return register_trace_lock_acquire(on_acquire, NULL);
}

static void locks_exit(struct kunit *test)
{
	locks.counting = false;
	unregister_trace_lock_acquire(on_acquire, NULL);
	tracepoint_synchronize_unregister();
	loop_exit(test);
}

static struct kunit_case rx_locks_cases[] = {
	/* KMCL: EVT_VMB_CHANNEL_PROCESS_PACKET VmbChannelPacketComplete */
	KUNIT_CASE(packets_that_end_inside),
	KUNIT_CASE(requests_that_end_inside),
	{}
};

static struct kunit_suite rx_locks_suite = {
	.name = "kmcl_rx_locks",
	.init = locks_init,
	.exit = locks_exit,
	.test_cases = rx_locks_cases,
};

kunit_test_suite(rx_locks_suite);
