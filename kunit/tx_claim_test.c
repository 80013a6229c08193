// SPDX-License-Identifier: GPL-2.0
/*
 * Sending while the right to run completion routines is taken, given back, or looked
 * at: how often tx.lock is taken for that, and that nothing is missed at its end,
 * which takes no lock. See tx_done.h.
 *
 * The test is the other side of the rings, and the peer, in the completion routine.
 * An end of a claim takes a few instructions; it is held there by writing the state.
 */
#include <linux/cpumask.h>
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <trace/events/lock.h>

#include "fake_transport.h"
#include "tx_done.h"

#define MANY	8

static struct {
	void (*in_routine)(void);	/* once */
	const struct lockdep_map *lock;
	u32 locked;
	u32 calls;
	bool spin;			/* in the routine, while it is set */
	bool inside;
} claim;

/* In any context, so it only counts */
static void on_acquire(void *data, struct lockdep_map *lock,
		       unsigned int subclass, int trylock, int read, int check,
		       struct lockdep_map *next_lock, unsigned long ip)
{
	claim.locked += lock == claim.lock;
}

static void routine(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	void (*in_routine)(void) = claim.in_routine;
	unsigned long end = jiffies + LOOP_LIMIT / 2;

	claim.in_routine = NULL;
	if (in_routine)
		in_routine();
	WRITE_ONCE(claim.inside, true);
	while (READ_ONCE(claim.spin) && time_before(jiffies, end))
		cpu_relax();
	WRITE_ONCE(claim.inside, false);
	WRITE_ONCE(claim.calls, claim.calls + 1);
}

/* A message of a packet of its own for each of the first @n */
static void messages(struct loop *loop, struct kmcl_message *msgs, u32 n)
{
	static u64 value = 1;
	u32 i;

	for (i = 0; i < n; i++)
		msgs[i] = (struct kmcl_message){
			.pkt = loop_packet(&loop->client, routine),
			.buf = &value,
			.len = sizeof(value),
		};
}

static void free_packets(struct kmcl_message *msgs, u32 n)
{
	while (n--)
		kmcl_packet_free(msgs[n].pkt);
}

/* Returns how often the lock was taken for sending @n packets, together or alone */
static u32 locks_of(struct loop *loop, u32 n, bool together)
{
	struct kmcl_message msgs[MANY];
	u32 locked, i;

	messages(loop, msgs, n);
	claim.calls = 0;
	claim.locked = 0;
	if (together)
		KUNIT_EXPECT_EQ(loop->test, n,
				kmcl_send_many(loop->client.ch, msgs, n));
	for (i = 0; i < n && !together; i++)
		KUNIT_EXPECT_EQ(loop->test, 0,
				kmcl_send(msgs[i].pkt, msgs[i].buf, msgs[i].len,
					  0));
	locked = claim.locked;
	KUNIT_EXPECT_EQ(loop->test, claim.calls, n);
	KUNIT_EXPECT_FALSE(loop->test, loop->client.ch->tx.done_attention);
	free_packets(msgs, n);
	return locked;
}

static void one_lock_if_nobody_waits(struct kunit *test)
{
	struct loop *loop = test->priv;

	fake.out->ctl->interrupt_mask = 1;
	KUNIT_EXPECT_EQ(test, locks_of(loop, MANY, false), MANY);
	KUNIT_EXPECT_EQ(test, locks_of(loop, MANY, true), 1);
	KUNIT_EXPECT_EQ(test, fake.signals, 0);
}

/* Only the first packet in an empty ring has a signal */
static void one_lock_for_those_with_a_signal(struct kunit *test)
{
	struct loop *loop = test->priv;

	KUNIT_EXPECT_EQ(test, locks_of(loop, MANY, true), 1);
	KUNIT_EXPECT_EQ(test, fake.signals, 1);
}

/* The peer, which looked away when the packet was written, has seen none */
static void peer_waits(void)
{
	WRITE_ONCE(fake.out->ctl->interrupt_mask, 0);
}

static void the_peer_begins_to_wait(struct kunit *test)
{
	struct loop *loop = test->priv;
	const struct kmcl_ring *ring = &loop->client.ch->tx.ring;
	u32 together;

	for (together = 0; together < 2; together++) {
		fake.out->ctl->read_index = fake.out->ctl->write_index;
		fake.out->ctl->interrupt_mask = 1;
		claim.in_routine = peer_waits;
		locks_of(loop, 1, together);
		KUNIT_EXPECT_EQ(test, fake.signals, together + 1);
		KUNIT_EXPECT_EQ(test, ring->signals, together + 1);
	}
}

/* The same, but the peer has seen that there is something */
static void peer_reads(void)
{
	WRITE_ONCE(fake.out->ctl->read_index, fake.out->ctl->write_index);
	WRITE_ONCE(fake.out->ctl->interrupt_mask, 0);
}

static void the_peer_has_read_it(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 together;

	for (together = 0; together < 2; together++) {
		fake.out->ctl->interrupt_mask = 1;
		claim.in_routine = peer_reads;
		locks_of(loop, 1, together);
		KUNIT_EXPECT_EQ(test, fake.signals, 0);
	}
}

static void send_there(void *data)
{
	struct kmcl_message *msg = data;

	set_cpus_allowed_ptr(current, cpumask_of(1));
	kmcl_send(msg->pkt, msg->buf, msg->len, 0);
}

/* Another thread's packet ends with the claim that it finds taken */
static void another_thread_asks_for_attention(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_message msgs[2];
	struct job *sender;

	fake.out->ctl->interrupt_mask = 1;
	messages(loop, msgs, 2);
	claim.spin = true;
	sender = loop_job(loop, send_there, &msgs[0]);
	loop_wait(&loop->client, READ_ONCE(claim.inside));
	KUNIT_EXPECT_EQ(test, 0, kmcl_send(msgs[1].pkt, msgs[1].buf,
					   msgs[1].len, 0));
	KUNIT_EXPECT_EQ(test, READ_ONCE(claim.calls), 0);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(loop->client.ch->tx.done_attention));
	WRITE_ONCE(claim.spin, false);
	loop_job_wait(sender);
	KUNIT_EXPECT_EQ(test, READ_ONCE(claim.calls), 2);
	KUNIT_EXPECT_FALSE(test, loop->client.ch->tx.done_attention);
	free_packets(msgs, 2);
}

static void set_state(struct loop *loop, enum kmcl_done_state state)
{
	WRITE_ONCE(loop->client.ch->tx.done_state, state);
}

/* Who finds the claim ending cannot know whether he was seen: the tasklet looks */
static void a_packet_while_it_ends(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_message msg;

	fake.out->ctl->interrupt_mask = 1;
	messages(loop, &msg, 1);
	set_state(loop, KMCL_DONE_ENDING);
	KUNIT_EXPECT_EQ(test, 0, kmcl_send(msg.pkt, msg.buf, msg.len, 0));
	KUNIT_EXPECT_EQ(test, READ_ONCE(claim.calls), 0);
	set_state(loop, KMCL_DONE_FREE);
	loop_wait(&loop->client, READ_ONCE(claim.calls) == 1);
	kmcl_tx_wait_done(loop->client.ch);
	kmcl_packet_free(msg.pkt);
}

static void wait_done(void *data)
{
	struct loop *loop = data;

	kmcl_tx_wait_done(loop->client.ch);
}

static void waiting_while_it_ends(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct job *waiter;

	set_state(loop, KMCL_DONE_ENDING);
	waiter = loop_job(loop, wait_done, loop);
	loop_wait(&loop->client, READ_ONCE(loop->client.ch->tx.done_attention));
	KUNIT_EXPECT_FALSE(test, completion_done(&waiter->done));
	set_state(loop, KMCL_DONE_FREE);
	loop_job_wait(waiter);
}

static int tx_claim_init(struct kunit *test)
{
	struct loop *loop;
	int ret;

	if (num_online_cpus() < 2)
		kunit_skip(test, "one processor");
	set_cpus_allowed_ptr(current, cpumask_of(0));
	ret = fake_init(test);
	if (ret)
		return ret;
	loop = test->priv;
	fake_up(loop);
	memset(&claim, 0, sizeof(claim));
	claim.lock = &loop->client.ch->tx.lock.dep_map;
	return register_trace_lock_acquire(on_acquire, NULL);
}

static void tx_claim_exit(struct kunit *test)
{
	claim.lock = NULL;
	unregister_trace_lock_acquire(on_acquire, NULL);
	tracepoint_synchronize_unregister();
	fake_exit(test);
}

static struct kunit_case tx_claim_cases[] = {
	KUNIT_CASE(one_lock_if_nobody_waits),
	KUNIT_CASE(one_lock_for_those_with_a_signal),
	KUNIT_CASE(the_peer_begins_to_wait),
	KUNIT_CASE(the_peer_has_read_it),
	KUNIT_CASE(another_thread_asks_for_attention),
	KUNIT_CASE(a_packet_while_it_ends),
	KUNIT_CASE(waiting_while_it_ends),
	{}
};

static struct kunit_suite tx_claim_suite = {
	.name = "kmcl_tx_claim",
	.init = tx_claim_init,
	.exit = tx_claim_exit,
	.test_cases = tx_claim_cases,
};

kunit_test_suite(tx_claim_suite);
