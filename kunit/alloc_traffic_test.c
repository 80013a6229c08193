// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation that opening a channel, requests, delivery and saving need
 * fails once; see alloc_harness.h for how.
 */
#include <linux/delay.h>
#include <linux/mm.h>
#include <linux/spinlock.h>

#include "alloc_harness.h"

static DEFINE_SPINLOCK(alloc_lock);

/*
 * The client's part fails with -ENOMEM, the server's refuses the client; both
 * can be opened afterwards.
 */
static int open_round(struct kunit *test, struct fault_attr *attr, int nth,
		      bool *failed)
{
	struct alloc_fixture *f = test->priv;
	struct kmcl_counters n;
	int ret;

	alloc_make(test, &f->server, true);
	alloc_make(test, &f->client, false);
	KUNIT_ASSERT_EQ(test, kmcl_channel_start(f->server.ch), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(f->server.ch), 0);
	faults_arm(attr, nth);
	ret = kmcl_channel_enable(f->client.ch);
	KUNIT_EXPECT_EQ(test, ret, 0);
	alloc_wait_settled(test, &f->client);
	if (!f->client.failure)
		alloc_wait_settled(test, &f->server);
	*failed = faults_disarm(attr);
	faults_note_reached();
	ret = f->client.failure;
	if (ret) {
		kmcl_get_counters(f->server.ch, &n);
		KUNIT_EXPECT_EQ(test, ret, n.open_failures ? -ECONNREFUSED : -ENOMEM);
		kmcl_channel_disable(f->client.ch);
		KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(f->client.ch), "Disabled");
		KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(f->server.ch), "Started");
		kmcl_get_counters(f->client.ch, &n);
		KUNIT_EXPECT_EQ(test, n.open_failures, 1);
		KUNIT_EXPECT_EQ(test, n.opens, 0);
		KUNIT_EXPECT_EQ(test, n.closes, 0);
		f->client.failure = 0;
		KUNIT_EXPECT_EQ(test, kmcl_channel_enable(f->client.ch), 0);
		alloc_wait_settled(test, &f->client);
		alloc_wait_settled(test, &f->server);
	}
	KUNIT_EXPECT_EQ(test, f->client.failure, 0);
	KUNIT_EXPECT_EQ(test, alloc_ask(f->client.ch), 0);
	alloc_finish(&f->client);
	alloc_finish(&f->server);
	return ret;
}

static void opening(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	/*
	 * The connection, two rings: array and area. The areas' ranges are
	 * allocated too, or taken from vmalloc's pool of used ones.
	 */
	alloc_fail_each(test, f->slab, open_round, 5);
	/* The pages of two rings for the default packet size */
	alloc_fail_each(test, f->page, open_round, 10);
}

/* @request fails with -ENOMEM, and then works */
static int request_round(struct kunit *test, struct fault_attr *attr, int nth,
			 bool *failed, int (*request)(struct alloc_fixture *f))
{
	struct alloc_fixture *f = test->priv;
	int ret;

	alloc_make(test, &f->server, true);
	alloc_make(test, &f->client, false);
	alloc_open_both(test);
	faults_arm(attr, nth);
	ret = request(f);
	*failed = faults_disarm(attr);
	if (ret)
		KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
	KUNIT_EXPECT_EQ(test, request(f), 0);
	KUNIT_EXPECT_EQ(test, alloc_ask(f->client.ch), 0);
	alloc_finish(&f->client);
	alloc_finish(&f->server);
	return ret;
}

static int client_asks(struct alloc_fixture *f)
{
	return alloc_ask(f->client.ch);
}

static int sync_round(struct kunit *test, struct fault_attr *attr, int nth,
		      bool *failed)
{
	return request_round(test, attr, nth, failed, client_asks);
}

/* A server's never waits, and takes a packet from the cache */
static int server_tries(struct alloc_fixture *f)
{
	return kmcl_send_sync(f->server.ch, "x", 1, 0, NULL, NULL, 0);
}

static int sync_try_round(struct kunit *test, struct fault_attr *attr, int nth,
			  bool *failed)
{
	return request_round(test, attr, nth, failed, server_tries);
}

static void synchronous_requests(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	alloc_fail_each(test, f->slab, sync_round, 1);
	alloc_fail_each(test, f->slab, sync_try_round, 1);
}

static void hold(struct kmcl_channel *ch, struct kmcl_context *ctx,
		 void *buf, u32 len, u32 flags)
{
	struct alloc_end *e = kmcl_get_pointer(ch);
	struct alloc_fixture *f = container_of(e, struct alloc_fixture, server);
	int i = atomic_read(&f->delivered);

	f->order[i] = *(u8 *)buf;
	f->held[i] = ctx;
	if (atomic_inc_return(&f->delivered) == PACKETS)
		complete(&f->all_delivered);
}

/* Both channels are open, and the server keeps what it gets */
static void open_and_hold(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	atomic_set(&f->delivered, 0);
	init_completion(&f->all_delivered);
	alloc_make(test, &f->server, true);
	alloc_make(test, &f->client, false);
	KUNIT_ASSERT_EQ(test, kmcl_set_process(f->server.ch, hold, NULL), 0);
	alloc_open_both(test);
}

static void prepare_delivery(struct kunit *test, struct kmcl_packet **pkt)
{
	struct alloc_fixture *f = test->priv;
	int i;

	open_and_hold(test);
	for (i = 0; i < PACKETS; i++) {
		pkt[i] = kmcl_packet_alloc(f->client.ch);
		KUNIT_ASSERT_NOT_NULL(test, pkt[i]);
	}
}

static void send_numbers(struct kunit *test, struct kmcl_packet **pkt, int i)
{
	for (; i < PACKETS; i++) {
		u8 number = i;

		KUNIT_EXPECT_EQ(test, kmcl_send(pkt[i], &number, 1, 0), 0);
	}
}

/* Without memory for another packet delivery waits, but for no completion */
static int delivery_round(struct kunit *test, struct fault_attr *attr, int nth,
			  bool *failed)
{
	struct alloc_fixture *f = test->priv;
	struct kmcl_packet *pkt[PACKETS];
	int i;

	prepare_delivery(test, pkt);
	faults_arm(attr, nth);
	send_numbers(test, pkt, 0);
	KUNIT_EXPECT_GT(test, wait_for_completion_timeout(&f->all_delivered, PATIENCE), 0);
	*failed = faults_disarm(attr);
	faults_note_reached();
	for (i = 0; i < PACKETS; i++)
		KUNIT_EXPECT_EQ(test, f->order[i], i);
	for (i = 0; i < PACKETS; i++)
		kmcl_complete(f->held[i], NULL, 0);
	alloc_finish(&f->client);
	alloc_finish(&f->server);
	return *failed ? -ENOMEM : 0;
}

static void wait_delivered(struct kunit *test, int n)
{
	struct alloc_fixture *f = test->priv;
	unsigned long end = jiffies + PATIENCE;

	while (atomic_read(&f->delivered) < n && time_before(jiffies, end))
		fsleep(1000);
	KUNIT_ASSERT_EQ(test, atomic_read(&f->delivered), n);
}

/*
 * When a packet has arrived before: one at a time while there is none at all, and
 * then by itself
 */
static void delivering_without_memory(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;
	struct kmcl_packet *pkt[PACKETS];
	bool failed;
	int i;

	prepare_delivery(test, pkt);
	KUNIT_ASSERT_EQ(test, kmcl_send(pkt[0], "", 1, 0), 0);
	wait_delivered(test, 1);
	kmcl_complete(f->held[0], NULL, 0);
	faults_arm_shortage(f->slab, 0);
	send_numbers(test, pkt, 1);
	wait_delivered(test, 2);
	kmcl_complete(f->held[1], NULL, 0);
	wait_delivered(test, 3);
	failed = faults_disarm(f->slab);
	KUNIT_EXPECT_TRUE(test, failed);
	KUNIT_EXPECT_GT(test, wait_for_completion_timeout(&f->all_delivered, PATIENCE), 0);
	for (i = 2; i < PACKETS; i++)
		kmcl_complete(f->held[i], NULL, 0);
	alloc_finish(&f->client);
	alloc_finish(&f->server);
}

/* CONFIG_DEBUG_ATOMIC_SLEEP reports what sleeps */
static void freeing_under_a_spinlock(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;
	struct kmcl_item *item;

	faults_count();
	faults_arm(f->slab, 1);
	item = kmcl_item_alloc(2 * PAGE_SIZE, GFP_KERNEL);
	KUNIT_EXPECT_TRUE(test, faults_disarm(f->slab));
	KUNIT_ASSERT_NOT_NULL(test, item);
	KUNIT_EXPECT_TRUE(test, is_vmalloc_addr(item));
	spin_lock(&alloc_lock);
	kmcl_item_free(item);
	spin_unlock(&alloc_lock);
	faults_expect_no_more(test);
}

static atomic_t ended;

static void count_end(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	atomic_inc(&ended);
	kmcl_packet_free(pkt);
}

/* Without memory the table stays as it is, and does for all packets */
static int growth_round(struct kunit *test, struct fault_attr *attr, int nth,
			bool *failed)
{
	u32 i, count = KMCL_FIRST_BUCKETS + 1;
	struct alloc_fixture *f = test->priv;
	struct kmcl_tx *tx;
	u32 buckets;

	atomic_set(&ended, 0);
	alloc_make(test, &f->server, true);
	alloc_make(test, &f->client, false);
	alloc_open_both(test);
	tx = &f->client.ch->tx;
	kmcl_channel_pause(f->server.ch);
	for (i = 0; i < count; i++) {
		struct kmcl_packet *pkt = kmcl_packet_alloc(f->client.ch);

		KUNIT_ASSERT_NOT_NULL(test, pkt);
		kmcl_packet_set_done(pkt, count_end);
		if (i == count - 1)
			faults_arm(attr, nth);
		KUNIT_ASSERT_EQ(test, kmcl_send(pkt, "a", 1, KMCL_SEND_WAIT), 0);
	}
	flush_work(&tx->grow);
	*failed = faults_disarm(attr);
	faults_note_reached();
	buckets = tx->mask + 1;
	KUNIT_EXPECT_GT(test, tx->grow_at, count);
	KUNIT_EXPECT_EQ(test, atomic_read(&ended), 0);
	alloc_finish(&f->client);
	alloc_finish(&f->server);
	KUNIT_EXPECT_EQ(test, atomic_read(&ended), count);
	return buckets > KMCL_FIRST_BUCKETS ? 0 : -ENOMEM;
}

static void many_packets_in_flight(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	alloc_fail_each(test, f->slab, growth_round, 1);
}

static void delivering(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	/* A context for each, and before the first one what completions need */
	alloc_fail_each(test, f->slab, delivery_round, PACKETS + 1);
}

static void note_status(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	struct alloc_end *e = kmcl_get_pointer(kmcl_packet_channel(pkt));
	struct alloc_fixture *f = container_of(e, struct alloc_fixture, client);

	f->order[0] = status || len < 1 ? 0 : *(u8 *)buf;
	complete(&f->all_delivered);
}

/* The ring to the paused client is full */
static void fill_ring(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;
	static const u8 buf[1000];
	struct kmcl_counters n;

	kmcl_channel_pause(f->client.ch);
	do {
		KUNIT_ASSERT_EQ(test, 0, kmcl_send_buf(f->server.ch, buf,
						       sizeof(buf)));
		kmcl_get_counters(f->server.ch, &n);
	} while (!n.queued);
}

/*
 * A completion that waits for room has a context of its own size, or, without
 * memory, the packet's
 */
static int completion_round(struct kunit *test, struct fault_attr *attr,
			    int nth, bool *failed)
{
	struct alloc_fixture *f = test->priv;
	unsigned long end = jiffies + PATIENCE;
	struct kmcl_counters n;
	struct kmcl_packet *pkt;
	int ret;

	open_and_hold(test);
	pkt = kmcl_packet_alloc(f->client.ch);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	kmcl_packet_set_done(pkt, note_status);
	KUNIT_ASSERT_EQ(test, kmcl_send(pkt, "a", 1, KMCL_SEND_WAIT), 0);
	while (!atomic_read(&f->delivered) && time_before(jiffies, end))
		fsleep(1000);
	KUNIT_ASSERT_EQ(test, atomic_read(&f->delivered), 1);
	fill_ring(test);

	faults_arm(attr, nth);
	kmcl_complete(f->held[0], "z", 1);
	*failed = faults_disarm(attr);
	faults_note_reached();
	kmcl_get_counters(f->server.ch, &n);
	KUNIT_EXPECT_GT(test, n.memory, 0);
	ret = n.memory > 1000 ? -ENOMEM : 0;
	KUNIT_ASSERT_EQ(test, kmcl_channel_start(f->client.ch), 0);
	KUNIT_EXPECT_GT(test, wait_for_completion_timeout(&f->all_delivered, PATIENCE), 0);
	KUNIT_EXPECT_EQ(test, f->order[0], 'z');
	kmcl_packet_free(pkt);
	alloc_finish(&f->client);
	alloc_finish(&f->server);
	return ret;
}

static void completing(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	alloc_fail_each(test, f->slab, completion_round, 1);
}

static int save_round(struct kunit *test, struct fault_attr *attr, int nth,
		      bool *failed)
{
	struct alloc_fixture *f = test->priv;
	int ret;

	alloc_make(test, &f->server, true);
	alloc_make(test, &f->client, false);
	alloc_open_both(test);
	kmcl_channel_pause(f->server.ch);
	faults_arm(attr, nth);
	ret = kmcl_save_begin(f->server.ch);
	*failed = faults_disarm(attr);
	faults_note_reached();
	if (ret)
		KUNIT_EXPECT_EQ(test, kmcl_save_begin(f->server.ch), 0);
	kmcl_save_end(f->server.ch);
	alloc_finish(&f->client);
	alloc_finish(&f->server);
	return ret;
}

static void saving(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	alloc_fail_each(test, f->slab, save_round, 1);
}

static struct kunit_case alloc_traffic_cases[] = {
	KUNIT_CASE_SLOW(opening),
	KUNIT_CASE(synchronous_requests),
	KUNIT_CASE(delivering),
	KUNIT_CASE(delivering_without_memory),
	KUNIT_CASE(freeing_under_a_spinlock),
	KUNIT_CASE(many_packets_in_flight),
	/* KMCL: VmbChannelPacketComplete */
	KUNIT_CASE(completing),
	/* KMCL: VmbChannelSaveEnd */
	KUNIT_CASE(saving),
	{}
};

static struct kunit_suite alloc_traffic_suite = {
	.name = "kmcl_alloc_traffic",
	.init = alloc_init,
	.exit = alloc_exit,
	.test_cases = alloc_traffic_cases,
};

kunit_test_suite(alloc_traffic_suite);
