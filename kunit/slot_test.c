// SPDX-License-Identifier: GPL-2.0
/*
 * Packets in memory of the driver's, one for each request, which goes without a
 * word: what a channel keeps of them, and what happens without memory.
 */
#include <linux/slab.h>

#include "faults.h"
#include "harness.h"

#define REQUESTS	500
#define AT_ONCE		200

static struct fault_attr *slab;
static atomic_t completed;

static void note_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	struct end *e = kmcl_packet_get_pointer(pkt);

	if (status)
		loop_wrong(e, "a packet was not sent");
	atomic_inc(&completed);
	wake_up_all(&e->wait);
}

/* All requests' memory, each at an address of its own */
static u8 *memory(struct loop *loop, u32 requests)
{
	u32 size = ALIGN(kmcl_packet_size(loop->client.ch), 8);
	u8 *mem = kunit_kzalloc(loop->test, (size_t)requests * size,
				GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(loop->test, mem);
	atomic_set(&completed, 0);
	return mem;
}

static struct kmcl_packet *request(struct loop *loop, u8 *mem, u32 i)
{
	struct kmcl_channel *ch = loop->client.ch;
	u32 size = kmcl_packet_size(ch);
	void *pkt = mem + (size_t)i * ALIGN(size, 8);

	KUNIT_ASSERT_EQ(loop->test, kmcl_packet_init(ch, pkt, size), 0);
	kmcl_packet_set_done(pkt, note_done);
	kmcl_packet_set_pointer(pkt, &loop->client);
	return pkt;
}

static void send(struct loop *loop, struct kmcl_packet *pkt, u64 value)
{
	KUNIT_ASSERT_EQ(loop->test, kmcl_send(pkt, &value, sizeof(value),
					      KMCL_SEND_WAIT), 0);
}

/* What the channel has allocated for completions to find */
static u32 slots(struct loop *loop)
{
	struct kmcl_slot *slot;
	unsigned long index;
	u32 n = 0;

	xa_for_each(&loop->client.ch->slots, index, slot)
		n++;
	return n;
}

static void memory_that_goes_without_a_word(struct kunit *test)
{
	struct loop *loop = test->priv;
	u8 *mem = memory(loop, REQUESTS);
	u32 before = slots(loop), i;

	for (i = 0; i < REQUESTS; i++)
		request(loop, mem, i);
	KUNIT_EXPECT_EQ(test, slots(loop), before + 1);

	loop_up(loop);
	for (i = 0; i < REQUESTS; i++) {
		send(loop, request(loop, mem, i), i);
		loop_wait(&loop->client, atomic_read(&completed) == i + 1);
	}
	KUNIT_EXPECT_EQ(test, slots(loop), before + 1);
	loop_expect_balance(&loop->client);
}

static void many_at_once(struct kunit *test)
{
	struct loop *loop = test->priv;
	u8 *mem = memory(loop, AT_ONCE);
	u32 before = slots(loop), i, round;

	loop->server.ignore = true;
	for (round = 0; round < 3; round++) {
		/* Queued, so that they are all in flight together */
		for (i = 0; i < AT_ONCE; i++)
			send(loop, request(loop, mem, i), i);
		KUNIT_EXPECT_LE(test, slots(loop), before + KMCL_CACHED);
		loop_up(loop);
		loop_wait(&loop->client, atomic_read(&completed) ==
			  (round + 1) * AT_ONCE);
		kmcl_channel_disable(loop->client.ch);
		kmcl_channel_disable(loop->server.ch);
	}
	KUNIT_EXPECT_GT(test, loop_counters(&loop->client).in_flight_peak,
			KMCL_CACHED);
	KUNIT_EXPECT_EQ(test, slots(loop), before + KMCL_CACHED);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).comps_stale, 0);
	loop_expect_balance(&loop->client);
}

/* A packet that cannot have a slot is as one that finds the ring full */
static void no_memory_for_a_slot(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	u8 *mem = memory(loop, 3);
	struct kmcl_packet *pkt[3];
	bool failed;
	u32 i;

	loop_up(loop);
	server->keep = true;
	for (i = 0; i < ARRAY_SIZE(pkt); i++)
		pkt[i] = request(loop, mem, i);
	send(loop, pkt[0], 0);
	loop_wait(server, loop_kept(server) == 1);
	/* That has the one slot there is. From now on nobody gets any memory */
	faults_arm_shortage(slab, 0);
	send(loop, pkt[1], 1);
	send(loop, pkt[2], 2);
	KUNIT_EXPECT_EQ(test, loop_counters(client).in_flight, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, 2);
	KUNIT_EXPECT_EQ(test, loop_counters(client).full, 0);

	/* Each completion brings the slot back for the next one */
	for (i = 1; i < ARRAY_SIZE(pkt); i++) {
		loop_complete_kept(server, i - 1, 0);
		if (!loop_comes_true(server->wait, loop_kept(server) == i + 1))
			break;
		KUNIT_EXPECT_EQ(test, server->got[i], i);
	}
	failed = faults_disarm(slab);
	KUNIT_EXPECT_TRUE(test, failed);
	KUNIT_ASSERT_EQ(test, loop_kept(server), 3);
	loop_complete_all(server);
	loop_wait(client, atomic_read(&completed) == 3);
	loop_expect_balance(client);
}

static int slot_init(struct kunit *test)
{
	faults_init(test);
	slab = faults_of(test, "failslab");
	return loop_init(test);
}

static void slot_exit(struct kunit *test)
{
	if (slab)
		faults_disarm(slab);
	loop_exit(test);
}

static struct kunit_case slot_cases[] = {
	/* KMCL: VmbPacketInitialize */
	KUNIT_CASE(memory_that_goes_without_a_word),
	KUNIT_CASE(many_at_once),
	/* KMCL: VmbPacketInitialize VmbPacketSend */
	KUNIT_CASE(no_memory_for_a_slot),
	{}
};

static struct kunit_suite slot_suite = {
	.name = "kmcl_slot",
	.init = slot_init,
	.exit = slot_exit,
	.test_cases = slot_cases,
};

kunit_test_suite(slot_suite);

MODULE_DESCRIPTION("KUnit tests of packets in memory of the driver's");
MODULE_LICENSE("GPL");
