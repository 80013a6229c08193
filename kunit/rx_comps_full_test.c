// SPDX-License-Identifier: GPL-2.0
/*
 * Completions that the driver makes while a batch is delivered, and for which the
 * ring has no room. The test is the peer, and looks at what is in the ring.
 *
 * The client's callback runs with bottom halves off, in the test's thread or in a
 * tasklet.
 */
#include "comps_harness.h"

/* Those for which there is no room wait, and go before what is sent after them */
static void the_ring_is_full(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	const u32 count = 2 * KMCL_COMPS;

	client->process = comps_end_empty;
	fake_up(loop);
	comps_leave_room(3);
	comps_ask_and_wait(loop, count);
	KUNIT_EXPECT_EQ(test, loop_counters(client).comps_sent, 3);
	KUNIT_EXPECT_EQ(test, loop_counters(client).outstanding, 0);
	KUNIT_EXPECT_GE(test, READ_ONCE(fake.out->ctl->pending_send_sz), SMALLEST);
	comps_expect_next(test, 1, 3);
	KUNIT_EXPECT_EQ(test, comps_next(test), 0);
	loop_send(client, 7, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, 1);
	KUNIT_EXPECT_EQ(test, loop_request(client, 0, 0), -EAGAIN);
	/* The next ones do not overtake those, nor the packet */
	comps_ask_and_wait(loop, 2);
	KUNIT_EXPECT_EQ(test, comps_next(test), 0);

	comps_read_all();
	loop_wait(client, loop_done(client) == 1);
	comps_expect_next(test, 4, count);
	KUNIT_EXPECT_EQ(test, comps_next(test), PACKET + 7);
	comps_expect_next(test, count + 1, count + 2);
	comps_expect_nothing_left(test);
	KUNIT_EXPECT_EQ(test, loop_counters(client).comps_sent, count + 2);
}

/* Fewer than may wait, and nothing else: the signal for room finds them */
static void the_ring_is_full_at_the_end(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = comps_end_empty;
	fake_up(loop);
	comps_leave_room(3);
	comps_ask_and_wait(loop, BATCH);
	comps_expect_next(test, 1, 3);
	KUNIT_EXPECT_EQ(test, comps_next(test), 0);
	KUNIT_EXPECT_EQ(test, READ_ONCE(fake.out->ctl->pending_send_sz), SMALLEST);
	KUNIT_EXPECT_GE(test, fake.fulls, 1);
	comps_read_all();
	comps_expect_next(test, 4, BATCH);
	comps_expect_nothing_left(test);
	KUNIT_EXPECT_EQ(test, READ_ONCE(fake.out->ctl->pending_send_sz), 0);
}

/* Pausing does not wait for them, and they need no open gate */
static void paused_while_they_wait(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = comps_end_empty;
	fake_up(loop);
	comps_leave_room(3);
	comps_ask_and_wait(loop, BATCH);
	kmcl_channel_pause(loop->client.ch);
	loop_send(&loop->client, 7, 0);
	comps_expect_next(test, 1, 3);
	comps_read_all();
	comps_expect_next(test, 4, BATCH);
	KUNIT_EXPECT_EQ(test, comps_next(test), 0);
	kmcl_channel_start(loop->client.ch);
	loop_wait(&loop->client, loop_done(&loop->client) == 1);
	KUNIT_EXPECT_EQ(test, comps_next(test), PACKET + 7);
	comps_expect_nothing_left(test);
}

/* The ring's end is theirs: the next link has none of them */
static void expect_dropped(struct kunit *test, u32 dropped)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;

	kmcl_channel_disable(client->ch);
	KUNIT_EXPECT_EQ(test, loop_counters(client).comps_dropped, dropped);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(client->ch), 0);
	loop_wait_event(client, POST_STARTED, 2);
	loop_send(client, 7, 0);
	KUNIT_EXPECT_EQ(test, comps_next(test), PACKET + 7);
	comps_expect_nothing_left(test);
}

static void closed_while_they_wait(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = comps_end_empty;
	fake_up(loop);
	comps_leave_room(3);
	comps_ask_and_wait(loop, BATCH);
	expect_dropped(test, BATCH - 3);
}

static void the_ring_is_broken(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop->client.process = comps_end_empty;
	fake_up(loop);
	WRITE_ONCE(fake.out->ctl->read_index, 4);
	comps_ask_and_wait(loop, BATCH);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).broken, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).comps_sent, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).outstanding, 0);
	expect_dropped(test, BATCH);
}

static struct kunit_case rx_comps_full_cases[] = {
	KUNIT_CASE(the_ring_is_full),
	KUNIT_CASE(the_ring_is_full_at_the_end),
	KUNIT_CASE(the_ring_is_broken),
	/* KMCL: VmbChannelPause */
	KUNIT_CASE(paused_while_they_wait),
	/* KMCL: VmbChannelDisable */
	KUNIT_CASE(closed_while_they_wait),
	{}
};

static struct kunit_suite rx_comps_full_suite = {
	.name = "kmcl_rx_comps_full",
	.init = comps_init,
	.exit = fake_exit,
	.test_cases = rx_comps_full_cases,
};

kunit_test_suite(rx_comps_full_suite);
