// SPDX-License-Identifier: GPL-2.0
/*
 * What becomes of a channel whose other side leaves no room, writes nonsense into
 * the rings, or sends too much: on a transport that is the test itself.
 */
#include <linux/bottom_half.h>
#include <linux/math64.h>

#include "fake_transport.h"

/* Completions that wait for room, each of them as small as it can be */
static u32 waiting_answers(struct kmcl_channel *ch)
{
	return div_u64(atomic64_read(&ch->rx.comps_bytes),
		       sizeof(struct kmcl_context) + sizeof(u64));
}

/* The peer does not read: each failed attempt is reported, the first one as such */
static void each_full_ring_is_reported(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	fake_up(loop);
	/* 24 bytes of header and trailer, and strictly more room than needed */
	for (i = 0; i < 20; i++)
		loop_send_long(&loop->client, i, 4000, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued,
			20 - (FAKE_RING_BYTES - 1) / 4024);
	KUNIT_EXPECT_EQ(test, fake.first_fulls, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).full, fake.fulls);
}

/* Receiving stops, is counted once, and works again after a new opening */
static void expect_broken_until_reopened(struct kunit *test)
{
	struct loop *loop = test->priv;

	fake_interrupt();
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).bad_packets, 1);
	fake_interrupt();
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).bad_packets, 1);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->client), 0);

	kmcl_channel_disable(loop->client.ch);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	loop_wait_event(&loop->client, POST_STARTED, 2);
	fake_packet(loop, 7);
	fake_interrupt();
	loop_wait(&loop->client, loop_got(&loop->client) == 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).bad_packets, 1);
}

static void a_write_index_outside_the_ring_stops_receiving(struct kunit *test)
{
	fake_up(test->priv);
	WRITE_ONCE(fake.in->ctl->write_index, fake.in->size + 8);
	expect_broken_until_reopened(test);
}

static void a_length_beyond_the_data_stops_receiving(struct kunit *test)
{
	struct kmcl_wire_desc desc = {
		.type = cpu_to_le16(KMCL_WIRE_DATA_INBAND),
		.offset8 = cpu_to_le16(2),
		.len8 = cpu_to_le16(0xffff),
	};

	fake_up(test->priv);
	memcpy(fake.in->data, &desc, sizeof(desc));
	WRITE_ONCE(fake.in->ctl->write_index, 64);
	expect_broken_until_reopened(test);
}

/* The other side finds the values 0 to @count - 1, in order, and nothing else */
static void expect_written(struct kunit *test, u32 count)
{
	struct kmcl_ring *ring = &fake.out->rx;
	struct kmcl_ring_packet pkt;
	u64 i;

	for (i = 0; i < count; i++) {
		KUNIT_ASSERT_EQ(test, kmcl_ring_peek(ring, &pkt), KMCL_RING_OK);
		KUNIT_ASSERT_GT(test, pkt.total, 0);
		KUNIT_EXPECT_MEMEQ(test, pkt.payload, &i, sizeof(i));
		kmcl_ring_consume(ring, &pkt);
	}
	KUNIT_ASSERT_EQ(test, kmcl_ring_peek(ring, &pkt), KMCL_RING_OK);
	KUNIT_EXPECT_EQ(test, pkt.total, 0);
}

/*
 * What has to be sent is queued, and packets go out after a new opening: not
 * before, even if the index makes sense again.
 */
static void a_read_index_outside_the_ring_stops_sending(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;
	u32 count = 8, i;

	fake_up(loop);
	/* It is read when room is needed that is not known of, as for the first */
	WRITE_ONCE(fake.out->ctl->read_index, fake.out->size + 4);
	for (i = 0; i < count - 1; i++)
		loop_send_long(&loop->client, i, 4000, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued, count - 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).broken, 1);

	WRITE_ONCE(fake.out->ctl->read_index, 0);
	fake_interrupt();
	loop_send_long(&loop->client, count - 1, 4000, 0);
	KUNIT_EXPECT_EQ(test, loop_request(&loop->client, 0, 0), -EAGAIN);
	kmcl_channel_pause(ch);
	kmcl_channel_start(ch);
	loop_wait_event(&loop->client, POST_STARTED, 2);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued, count);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).sent, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).broken, 1);
	expect_written(test, 0);

	kmcl_channel_disable(ch);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued, count);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(ch), 0);
	loop_wait(&loop->client, loop_done(&loop->client) == count);
	expect_written(test, count);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).broken, 1);
}

/* The same for packets that are sent together: all of them are queued */
static void a_batch_finds_the_ring_broken(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;
	struct kmcl_message msg[8];
	u64 value[8];

	fake_up(loop);
	WRITE_ONCE(fake.out->ctl->read_index, fake.out->size + 4);
	loop_messages(&loop->client, msg, value, ARRAY_SIZE(msg));
	KUNIT_EXPECT_EQ(test, kmcl_send_many(ch, msg, ARRAY_SIZE(msg)),
			ARRAY_SIZE(msg));
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued,
			ARRAY_SIZE(msg));
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).broken, 1);
	expect_written(test, 0);

	kmcl_channel_disable(ch);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(ch), 0);
	loop_wait(&loop->client, loop_done(&loop->client) == ARRAY_SIZE(msg));
	expect_written(test, ARRAY_SIZE(msg));
}

/* The first ones of a batch had room that was known of */
static void a_batch_finds_the_ring_broken_in_the_middle(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	struct kmcl_message msg[8];
	u32 i, sent = 0;
	u64 value[8];

	fake_up(loop);
	for (i = 0; i < 16; i++)
		loop_send_long(client, i, 4000, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(client).sent, 16);
	WRITE_ONCE(fake.out->ctl->read_index, fake.out->size + 4);
	for (i = 0; i < 8 && !loop_counters(client).broken; i++) {
		sent = loop_counters(client).sent;
		loop_messages(client, msg, value, ARRAY_SIZE(msg));
		KUNIT_ASSERT_EQ(test, ARRAY_SIZE(msg),
				kmcl_send_many(client->ch, msg, ARRAY_SIZE(msg)));
	}
	KUNIT_EXPECT_EQ(test, loop_counters(client).broken, 1);
	KUNIT_EXPECT_GT(test, loop_counters(client).sent, sent);
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued,
			16 + i * ARRAY_SIZE(msg) - loop_counters(client).sent);
	KUNIT_EXPECT_GT(test, loop_counters(client).queued, 0);
}

/* Receiving goes on; the completions wait, and end with the opening */
static void answers_wait_for_a_ring_that_is_not_broken(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;
	u64 value = 5;
	u32 i;

	fake_up(loop);
	WRITE_ONCE(fake.out->ctl->read_index, 4);
	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, 0,
				kmcl_ring_put(&fake.in->tx, KMCL_WIRE_DATA_INBAND,
					      KMCL_WIRE_FLAG_COMPLETION_REQUESTED,
					      1, NULL, 0, &value, sizeof(value)));
		kmcl_ring_commit(&fake.in->tx);
		fake_interrupt();
		loop_wait(&loop->client, loop_got(&loop->client) == i + 1);
		WRITE_ONCE(fake.out->ctl->read_index, 0);
	}
	loop_wait(&loop->client, waiting_answers(ch) == 3);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).broken, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).comps_sent, 0);
	kmcl_channel_disable(ch);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).comps_dropped, 3);
	KUNIT_EXPECT_EQ(test, waiting_answers(ch), 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).memory, 0);
}

static void routines_keep_the_order_while_somebody_signals(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt[2];
	u64 value = 1;
	int i;

	fake_up(loop);
	for (i = 0; i < 2; i++)
		pkt[i] = loop_packet(&loop->client, fake_done);
	/* The ring is empty: this one signals */
	fake.meanwhile = pkt[1];
	KUNIT_ASSERT_EQ(test, kmcl_send(pkt[0], &value, sizeof(value), 0), 0);
	KUNIT_EXPECT_EQ(test, fake.signals, 1);
	KUNIT_ASSERT_EQ(test, fake.ndone, 2);
	KUNIT_EXPECT_PTR_EQ(test, fake.done[0], pkt[0]);
	KUNIT_EXPECT_PTR_EQ(test, fake.done[1], pkt[1]);
	kmcl_packet_free(pkt[0]);
	kmcl_packet_free(pkt[1]);
}

/* What the next one sends is what it was itself: forever, if it could */
static void send_again(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	u64 value = 3;

	if (++fake.ndone < 1000)
		kmcl_send(pkt, &value, sizeof(value), 0);
	else
		wake_up_all(&loop_end(kmcl_packet_channel(pkt))->wait);
}

/* Without end in the ring, a routine that sends again is not one in a loop */
static void routines_that_send_again_leave_room_for_others(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt;
	u64 value = 3;

	fake_up(loop);
	pkt = loop_packet(&loop->client, send_again);
	/* The tasklet that goes on with them is not let in before it returns */
	local_bh_disable();
	KUNIT_EXPECT_EQ(test, kmcl_send(pkt, &value, sizeof(value), 0), 0);
	KUNIT_EXPECT_GT(test, fake.ndone, 100);
	KUNIT_EXPECT_LE(test, fake.ndone, KMCL_DONE_BUDGET + 2);
	local_bh_enable();
	loop_wait(&loop->client, READ_ONCE(fake.ndone) == 1000);
	kmcl_tx_wait_done(loop->client.ch);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).accepted, 1000);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).completed, 1000);
	kmcl_packet_free(pkt);
}

/* Has delivery emptied the ring, or stopped because it has no context? */
static bool delivery_ended(struct kmcl_channel *ch)
{
	bool ended;

	spin_lock_irq(&ch->rx.lock);
	ended = !kmcl_rx_runs(&ch->rx) &&
		(ch->rx.stalled || READ_ONCE(fake.in->ctl->read_index) ==
				   READ_ONCE(fake.in->ctl->write_index));
	spin_unlock_irq(&ch->rx.lock);
	return ended;
}

/* The peer fills the ring with requests */
static u32 ask(struct loop *loop)
{
	struct kmcl_channel *ch = loop->client.ch;
	u64 value = 1;
	u32 n = 0;

	while (!kmcl_ring_put(&fake.in->tx, KMCL_WIRE_DATA_INBAND,
			      KMCL_WIRE_FLAG_COMPLETION_REQUESTED, 1, NULL, 0,
			      &value, sizeof(value)))
		n++;
	kmcl_ring_commit(&fake.in->tx);
	fake_interrupt();
	/* Another processor may be delivering */
	loop_wait(&loop->client, delivery_ended(ch));
	return n;
}

/* The peer reads all completions; true: none waits for room any more */
static bool read_answers(struct kmcl_channel *ch)
{
	WRITE_ONCE(fake.out->ctl->read_index,
		   READ_ONCE(fake.out->ctl->write_index));
	fake_interrupt();
	return !waiting_answers(ch);
}

/*
 * A peer that never reads completions cannot use up the memory. What it may: the
 * limit, and as many as a ring has packets.
 */
static void answers_that_nobody_reads_are_bounded(struct kunit *test)
{
	u32 in_ring = FAKE_RING_BYTES / kmcl_ring_bytes(0, sizeof(u64)) + 1;
	u32 each = sizeof(struct kmcl_context) + sizeof(u64);
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;
	u32 i, limit = 100000;
	u64 delivered;

	loop->client.ignore = true;
	kmcl_set_memory_limit(ch, limit);
	fake_up(loop);
	for (i = 0; i < 50 && ask(loop); i++)
		;
	KUNIT_EXPECT_LT(test, i, 50);
	KUNIT_EXPECT_GE(test, loop_counters(&loop->client).memory,
			limit - ch->rx.large.bytes);
	KUNIT_EXPECT_LE(test, loop_counters(&loop->client).memory,
			limit + in_ring * each);
	delivered = loop_counters(&loop->client).delivered;
	KUNIT_EXPECT_EQ(test, delivered, waiting_answers(ch) +
			loop_counters(&loop->client).comps_sent);
	KUNIT_EXPECT_GT(test, loop_counters(&loop->client).limit_stops, 0);

	/* It reads: both directions move again */
	loop_wait(&loop->client, read_answers(ch));
	loop_wait(&loop->client,
		  loop_counters(&loop->client).delivered > delivered);
}

static struct kunit_case peer_cases[] = {
	KUNIT_CASE(each_full_ring_is_reported),
	/* KMCL: EVT_VMB_PACKET_COMPLETION_ROUTINE */
	KUNIT_CASE(routines_keep_the_order_while_somebody_signals),
	KUNIT_CASE(routines_that_send_again_leave_room_for_others),
	KUNIT_CASE(a_write_index_outside_the_ring_stops_receiving),
	KUNIT_CASE(a_length_beyond_the_data_stops_receiving),
	KUNIT_CASE(a_read_index_outside_the_ring_stops_sending),
	KUNIT_CASE(a_batch_finds_the_ring_broken),
	KUNIT_CASE(a_batch_finds_the_ring_broken_in_the_middle),
	KUNIT_CASE(answers_wait_for_a_ring_that_is_not_broken),
	/* KMCL: VmbChannelPacketComplete */
	KUNIT_CASE(answers_that_nobody_reads_are_bounded),
	{}
};

static struct kunit_suite peer_suite = {
	.name = "kmcl_peer",
	.init = fake_init,
	.exit = fake_exit,
	.test_cases = peer_cases,
};

kunit_test_suite(peer_suite);
