// SPDX-License-Identifier: GPL-2.0
/*
 * Packets in memory of the driver, one for each request, that the driver frees
 * without a call: what a channel keeps of them, and how completions find them.
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

static u64 replies[8];

static void note_reply(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	struct end *e = loop_end(kmcl_packet_channel(pkt));

	if (status || len < sizeof(u64))
		loop_wrong(e, "a packet was not answered");
	else
		WRITE_ONCE(*(u64 *)kmcl_packet_get_pointer(pkt), *(u64 *)buf);
	wake_up_all(&e->wait);
}

/* All requests' memory, each at an address of its own; small packets */
static u8 *memory(struct loop *loop, u32 requests)
{
	u32 size;
	u8 *mem;

	KUNIT_ASSERT_EQ(loop->test, 0,
			kmcl_set_max_packet_size(loop->client.ch, 64));
	size = ALIGN(kmcl_packet_size(loop->client.ch), 8);
	mem = kunit_kzalloc(loop->test, (size_t)requests * size, GFP_KERNEL);
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

/* The packets that the channel's table has */
static u32 hashed(struct loop *loop)
{
	struct kmcl_tx *tx = &loop->client.ch->tx;
	struct hlist_node *node;
	u32 i, n = 0;

	spin_lock_irq(&tx->lock);
	for (i = 0; i <= tx->mask; i++)
		hlist_for_each(node, &tx->buckets[i])
			n++;
	spin_unlock_irq(&tx->lock);
	return n;
}

static void memory_freed_without_a_call(struct kunit *test)
{
	struct loop *loop = test->priv;
	u8 *mem = memory(loop, REQUESTS);
	u32 i;

	for (i = 0; i < REQUESTS; i++)
		request(loop, mem, i);
	KUNIT_EXPECT_EQ(test, hashed(loop), 0);

	loop_up(loop);
	for (i = 0; i < REQUESTS; i++) {
		send(loop, request(loop, mem, i), i);
		loop_wait(&loop->client, atomic_read(&completed) == i + 1);
	}
	KUNIT_EXPECT_EQ(test, hashed(loop), 0);
	loop_expect_balance(&loop->client);
}

static void many_at_once(struct kunit *test)
{
	struct loop *loop = test->priv;
	u8 *mem = memory(loop, AT_ONCE);
	u32 i, round;

	loop->server.ignore = true;
	for (round = 0; round < 3; round++) {
		/* Queued, so that they are all in flight together */
		for (i = 0; i < AT_ONCE; i++)
			send(loop, request(loop, mem, i), i);
		loop_up(loop);
		loop_wait(&loop->client, atomic_read(&completed) ==
			  (round + 1) * AT_ONCE);
		kmcl_channel_disable(loop->client.ch);
		kmcl_channel_disable(loop->server.ch);
	}
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).in_flight_peak,
			AT_ONCE);
	KUNIT_EXPECT_EQ(test, hashed(loop), 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).comps_stale, 0);
	loop_expect_balance(&loop->client);
}

/* All packets in flight are found by their ids, and by nothing else */
static void expect_found(struct loop *loop, u32 count)
{
	struct kmcl_channel *ch = loop->client.ch;
	struct kmcl_packet *pkt;
	u32 n = 0;

	spin_lock_irq(&ch->tx.lock);
	list_for_each_entry(pkt, &ch->tx.in_flight, item.node) {
		u64 id = pkt->trans_id;

		KUNIT_EXPECT_PTR_EQ(loop->test, kmcl_trans_find(&ch->tx, id), pkt);
		/* In the same bucket, of another round */
		KUNIT_EXPECT_NULL(loop->test, kmcl_trans_find(&ch->tx, id ^ 1));
		KUNIT_EXPECT_NULL(loop->test, kmcl_trans_find(&ch->tx, id ^ BIT_ULL(63)));
		n++;
	}
	spin_unlock_irq(&ch->tx.lock);
	KUNIT_EXPECT_EQ(loop->test, n, count);
}

/* Until nothing is moved any more */
static void expect_buckets(struct loop *loop, u32 buckets)
{
	struct kmcl_tx *tx = &loop->client.ch->tx;

	flush_work(&tx->grow);
	KUNIT_EXPECT_EQ(loop->test, tx->mask + 1, buckets);
	KUNIT_EXPECT_NULL(loop->test, tx->old);
}

static void the_table_grows(struct kunit *test)
{
	static const u32 buckets[] = {
		KMCL_FIRST_BUCKETS, 8 * KMCL_FIRST_BUCKETS,
		64 * KMCL_FIRST_BUCKETS,
	};
	u32 counts[] = { KMCL_FIRST_BUCKETS, 8 * KMCL_FIRST_BUCKETS, 300 };
	struct loop *loop = test->priv;
	u8 *mem = memory(loop, 300);
	u32 i = 0, step;

	loop_up_paused(loop);
	for (step = 0; step < ARRAY_SIZE(counts); step++) {
		for (; i < counts[step]; i++)
			send(loop, request(loop, mem, i), i);
		expect_buckets(loop, buckets[step]);
		KUNIT_EXPECT_EQ(test, hashed(loop), i);
		expect_found(loop, i);
	}
	kmcl_channel_start(loop->server.ch);
	loop_wait(&loop->client, atomic_read(&completed) == i);
	KUNIT_EXPECT_EQ(test, hashed(loop), 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).comps_stale, 0);
	loop_expect_balance(&loop->client);
}

/* As between two bursts of those that are moved */
static void completions_find_packets_in_the_old_table(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_tx *tx = &loop->client.ch->tx;
	u32 i, count = KMCL_FIRST_BUCKETS - 1;
	struct hlist_head *bigger;
	u8 *mem = memory(loop, 2 * count);

	bigger = kunit_kcalloc(test, 64, sizeof(*bigger), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, bigger);
	loop_up_paused(loop);
	for (i = 0; i < count; i++)
		send(loop, request(loop, mem, i), i);
	spin_lock_irq(&tx->lock);
	tx->old = tx->first_buckets;
	tx->old_mask = tx->mask;
	tx->buckets = bigger;
	tx->mask = 63;
	tx->grow_at = U64_MAX;
	spin_unlock_irq(&tx->lock);
	for (; i < 2 * count; i++)
		send(loop, request(loop, mem, i), i);
	KUNIT_EXPECT_EQ(test, hashed(loop), count);
	expect_found(loop, 2 * count);
	kmcl_channel_start(loop->server.ch);
	loop_wait(&loop->client, atomic_read(&completed) == i);
	spin_lock_irq(&tx->lock);
	for (i = 0; i < KMCL_FIRST_BUCKETS; i++)
		KUNIT_EXPECT_TRUE(test, hlist_empty(&tx->first_buckets[i]));
	tx->buckets = tx->first_buckets;
	tx->mask = tx->old_mask;
	tx->old = NULL;
	spin_unlock_irq(&tx->lock);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).comps_stale, 0);
	loop_expect_balance(&loop->client);
}

/* The peer completes them in another order, and each gets its own completion */
static void completions_find_them(struct kunit *test)
{
	static const u8 order[] = { 3, 0, 5, 1, 4, 2 };
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	struct kmcl_packet *pkt[ARRAY_SIZE(order)];
	u8 *mem = memory(loop, ARRAY_SIZE(order));
	u32 i;

	loop_up(loop);
	server->keep = true;
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		pkt[i] = request(loop, mem, i);
		kmcl_packet_set_pointer(pkt[i], &replies[i]);
		kmcl_packet_set_done(pkt[i], note_reply);
		replies[i] = 0;
		send(loop, pkt[i], i);
	}
	loop_wait(server, loop_kept(server) == ARRAY_SIZE(order));
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		KUNIT_EXPECT_EQ(test, -EBUSY,
				kmcl_packet_init(loop->client.ch, pkt[order[i]],
						 kmcl_packet_size(loop->client.ch)));
		loop_complete_kept(server, order[i], 100 + order[i]);
		loop_wait(&loop->client, READ_ONCE(replies[order[i]]));
		KUNIT_EXPECT_EQ(test, replies[order[i]], 100 + order[i]);
		/* Only this one is idle again */
		KUNIT_EXPECT_EQ(test, 0, kmcl_packet_init(loop->client.ch, pkt[order[i]],
							  kmcl_packet_size(loop->client.ch)));
		KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).in_flight,
				ARRAY_SIZE(order) - 1 - i);
	}
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).comps_stale, 0);
}

static void nothing_is_allocated(struct kunit *test)
{
	struct loop *loop = test->priv;
	u8 *mem = memory(loop, LOOP_KEPT);
	bool failed;
	u32 i;

	loop_up_paused(loop);
	/*
	 * From now on every allocation of this task fails. An interrupt comes on top of
	 * what it interrupts, and what is allocated there is not for the packets.
	 */
	slab->task_filter = true;
	current->make_it_fail = true;
	faults_arm_shortage(slab, 0);
	for (i = 0; i < LOOP_KEPT; i++)
		send(loop, request(loop, mem, i), i);
	failed = faults_disarm(slab);
	current->make_it_fail = false;
	slab->task_filter = false;
	KUNIT_EXPECT_FALSE(test, failed);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).in_flight, LOOP_KEPT);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued, 0);
	kmcl_channel_start(loop->server.ch);
	loop_wait(&loop->client, atomic_read(&completed) == LOOP_KEPT);
}

/* The packet is the driver's leak; the library has nothing of it */
static void a_packet_that_outlives_its_channel(struct kunit *test)
{
	struct kmcl_channel *ch;
	struct kmcl_packet *pkt;

	faults_count();
	KUNIT_ASSERT_EQ(test, kmcl_channel_alloc(NULL, false, &ch), 0);
	pkt = kmcl_packet_alloc(ch);
	KUNIT_EXPECT_NOT_NULL(test, pkt);
	KUNIT_ASSERT_EQ(test, kmcl_channel_free(ch), 0);
	kmcl_packet_destroy(pkt);
	faults_expect_no_more(test);
}

static int transaction_init(struct kunit *test)
{
	slab = faults_of(test, "failslab");
	return loop_init(test);
}

static void transaction_exit(struct kunit *test)
{
	faults_disarm(slab);
	loop_exit(test);
}

static struct kunit_case transaction_cases[] = {
	/* KMCL: VmbPacketInitialize */
	KUNIT_CASE(memory_freed_without_a_call),
	KUNIT_CASE(many_at_once),
	KUNIT_CASE(the_table_grows),
	KUNIT_CASE(completions_find_packets_in_the_old_table),
	/* KMCL: VmbPacketInitialize VmbPacketSend */
	KUNIT_CASE(completions_find_them),
	/* KMCL: VmbPacketSend */
	KUNIT_CASE(nothing_is_allocated),
	KUNIT_CASE(a_packet_that_outlives_its_channel),
	{}
};

static struct kunit_suite transaction_suite = {
	.name = "kmcl_transaction",
	.init = transaction_init,
	.exit = transaction_exit,
	.test_cases = transaction_cases,
};

kunit_test_suite(transaction_suite);

MODULE_DESCRIPTION("KUnit tests of packets in memory of the driver");
MODULE_LICENSE("GPL");
