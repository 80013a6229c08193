// SPDX-License-Identifier: GPL-2.0
/*
 * What a channel's callbacks make and send while a batch is delivered: see
 * comps_harness.h. The client's callback runs with bottom halves off, in the test's
 * thread or in a tasklet.
 */
#include <linux/jiffies.h>

#include "comps_harness.h"

struct comps_fixture comps_fx;

void comps_ask(struct loop *loop, u32 count)
{
	u32 first = loop_got(&loop->client);
	u64 i;

	for (i = first; i < first + count; i++)
		KUNIT_ASSERT_EQ(loop->test, 0,
				kmcl_ring_put(&fake.in->tx, KMCL_WIRE_DATA_INBAND,
					      KMCL_WIRE_FLAG_COMPLETION_REQUESTED,
					      i + 1, NULL, 0, &i, sizeof(i)));
	kmcl_ring_commit(&fake.in->tx);
	comps_fx.tick = jiffies;
	fake_interrupt();
}

bool comps_idle(struct kmcl_channel *ch)
{
	return !kmcl_rx_runs(&ch->rx);
}

void comps_ask_and_wait(struct loop *loop, u32 count)
{
	u32 all = loop_got(&loop->client) + count;

	comps_ask(loop, count);
	loop_wait(&loop->client, loop_got(&loop->client) == all);
	loop_wait(&loop->client, comps_idle(loop->client.ch));
}

u64 comps_next(struct kunit *test)
{
	struct kmcl_ring *ring = &fake.out->rx;
	struct kmcl_ring_packet pkt;
	u64 value;

	KUNIT_ASSERT_EQ(test, kmcl_ring_peek(ring, &pkt), KMCL_RING_OK);
	if (!pkt.total)
		return 0;
	value = pkt.trans_id;
	if (pkt.type != KMCL_WIRE_COMP)
		value = PACKET + *(u64 *)pkt.payload;
	kmcl_ring_consume(ring, &pkt);
	return value;
}

void comps_expect_next(struct kunit *test, u64 first, u64 last)
{
	for (; first <= last; first++)
		KUNIT_ASSERT_EQ(test, comps_next(test), first);
}

void comps_leave_room(u32 count)
{
	WRITE_ONCE(fake.out->ctl->read_index, count * SMALLEST + 8);
}

void comps_read_all(void)
{
	WRITE_ONCE(fake.out->ctl->read_index,
		   READ_ONCE(fake.out->ctl->write_index));
	fake_interrupt();
}

void comps_expect_nothing_left(struct kunit *test)
{
	struct loop *loop = test->priv;
	const struct kmcl_counters *c = loop_snapshot(&loop->client);

	KUNIT_EXPECT_EQ(test, comps_next(test), 0);
	KUNIT_EXPECT_EQ(test, c->outstanding, 0);
	KUNIT_EXPECT_EQ(test, c->memory, 0);
	KUNIT_EXPECT_EQ(test, c->queued, 0);
}

void comps_end_empty(struct end *e, struct kmcl_context *ctx, u64 value)
{
	struct kmcl_counters c;

	kmcl_complete(ctx, NULL, 0);
	kmcl_get_counters(e->ch, &c);
	comps_fx.ticked |= time_after(jiffies, comps_fx.tick);
	comps_fx.sent_early = c.comps_sent;
	comps_fx.visible = READ_ONCE(fake.out->ctl->write_index);
}

void comps_until_shut(struct end *e, struct kmcl_context *ctx, u64 value)
{
	kmcl_complete(ctx, NULL, 0);
	if (value != 4)
		return;
	/* Pairs with in_the_middle() */
	smp_store_release(&comps_fx.go, true);
	if (!spin_until(!kmcl_rx_is(&e->ch->rx, KMCL_RX_OPEN)))
		loop_wrong(e, "the gate is still open");
}

/* In a thread: the client's channel, from that callback on */
static struct kmcl_channel *in_the_middle(struct loop *loop)
{
	/* Pairs with comps_until_shut() */
	while (!smp_load_acquire(&comps_fx.go))
		cond_resched();
	return loop->client.ch;
}

void comps_pause(void *data)
{
	kmcl_channel_pause(in_the_middle(data));
}

void comps_disable(void *data)
{
	kmcl_channel_disable(in_the_middle(data));
}

void comps_free(void *data)
{
	kmcl_channel_free(in_the_middle(data));
}

void comps_shut(struct kunit *test, void (*how)(void *data))
{
	struct loop *loop = test->priv;
	struct job *job;

	fake_up(loop);
	job = loop_job(loop, how, loop);
	comps_ask(loop, BATCH);
	loop_job_wait(job);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->client), 5);
}

int comps_init(struct kunit *test)
{
	memset(&comps_fx, 0, sizeof(comps_fx));
	return fake_init(test);
}
