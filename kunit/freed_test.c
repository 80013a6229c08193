// SPDX-License-Identifier: GPL-2.0
/*
 * Packets that are freed by the completion routines of a batch: they are delivery's,
 * and it needs no lock, until the batch ends. The test is the other side: it writes
 * the completions, and interrupts once. The routines run in that call.
 */
#include <linux/completion.h>

#include "fake_transport.h"

#define FREED	(KMCL_FREED + 6)

static struct {
	u64 id[FREED];
	u32 n;			/* routines that have run */
	u32 early, late;	/* packets in the cache, before its limit and after it */
	struct kmcl_packet *again;
	/* What that routine does as well */
	u32 acts;
	void (*act)(struct kmcl_packet *pkt);
} freed;

static void free_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	struct end *e = loop_end(kmcl_packet_channel(pkt));

	kmcl_packet_free(pkt);
	freed.n++;
	if (freed.n == KMCL_FREED)
		freed.early = loop_cached(e);
	if (freed.n == KMCL_FREED + 1)
		freed.late = loop_cached(e);
	if (freed.act && freed.n == freed.acts)
		freed.act(pkt);
}

/* Requests whose routines free them, and nothing in the cache */
static void ask_to_free(struct loop *loop, u32 count)
{
	struct end *client = &loop->client;
	u64 value = 1;
	u32 i;

	while (loop_cached(client))
		kmcl_packet_destroy(kmcl_packet_alloc(client->ch));
	for (i = 0; i < count; i++) {
		struct kmcl_packet *pkt = loop_packet(client, free_done);

		KUNIT_ASSERT_EQ(loop->test, 0,
				kmcl_send(pkt, &value, sizeof(value),
					  KMCL_SEND_WAIT));
		freed.id[i] = pkt->trans_id;
	}
	for (i = 0; i < count; i++)
		KUNIT_ASSERT_EQ(loop->test, 0,
				kmcl_ring_put(&fake.in->tx, KMCL_WIRE_COMP, 0,
					      freed.id[i], NULL, 0, NULL, 0));
	kmcl_ring_commit(&fake.in->tx);
}

/* Without a lock, until the batch ends, or there are many */
static void routines_that_free_their_packets(struct kunit *test)
{
	struct loop *loop = test->priv;

	fake_up(loop);
	ask_to_free(loop, FREED);
	fake_interrupt();
	KUNIT_ASSERT_EQ(test, freed.n, FREED);
	KUNIT_EXPECT_EQ(test, freed.early, 0);
	KUNIT_EXPECT_EQ(test, freed.late, KMCL_FREED);
	KUNIT_EXPECT_EQ(test, loop_cached(&loop->client), FREED);
	loop_expect_balance(&loop->client);
}

static void allocate(struct kmcl_packet *pkt)
{
	freed.again = kmcl_packet_alloc(kmcl_packet_channel(pkt));
}

static void a_routine_that_allocates_what_it_has_freed(struct kunit *test)
{
	struct loop *loop = test->priv;

	fake_up(loop);
	freed.act = allocate;
	freed.acts = 2;
	ask_to_free(loop, 3);
	fake_interrupt();
	KUNIT_ASSERT_EQ(test, freed.n, 3);
	KUNIT_ASSERT_NOT_NULL(test, freed.again);
	KUNIT_EXPECT_EQ(test, loop_cached(&loop->client), 2);
	kmcl_packet_free(freed.again);
	KUNIT_EXPECT_EQ(test, loop_cached(&loop->client), 3);
}

static void free_again(struct kmcl_packet *pkt)
{
	kmcl_packet_free(pkt);
}

static void a_routine_that_frees_its_packet_twice(struct kunit *test)
{
	struct loop *loop = test->priv;

	fake_up(loop);
	freed.act = free_again;
	freed.acts = 2;
	ask_to_free(loop, 3);
	fake_interrupt();
	KUNIT_ASSERT_EQ(test, freed.n, 3);
	KUNIT_EXPECT_EQ(test, loop_cached(&loop->client), 3);
}

static DECLARE_COMPLETION(go);

static void disable(void *data)
{
	struct loop *loop = data;

	wait_for_completion(&go);
	kmcl_channel_disable(loop->client.ch);
}

static void let_it_disable(struct kmcl_packet *pkt)
{
	complete(&go);
}

/* What was freed by then is not lost */
static void a_disable_while_packets_are_freed(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_tx *tx = &loop->client.ch->tx;
	struct job *job;

	fake_up(loop);
	freed.acts = 3;
	freed.act = let_it_disable;
	ask_to_free(loop, FREED);
	reinit_completion(&go);
	job = loop_job(loop, disable, loop);
	fake_interrupt();
	loop_job_wait(job);
	KUNIT_ASSERT_EQ(test, freed.n, FREED);
	KUNIT_EXPECT_NULL(test, tx->freed);
	KUNIT_EXPECT_EQ(test, tx->nfreed, 0);
	KUNIT_EXPECT_GT(test, loop_cached(&loop->client), 0);
	loop_expect_balance(&loop->client);
}

static int freed_init(struct kunit *test)
{
	memset(&freed, 0, sizeof(freed));
	return fake_init(test);
}

static struct kunit_case freed_cases[] = {
	KUNIT_CASE(routines_that_free_their_packets),
	KUNIT_CASE(a_routine_that_allocates_what_it_has_freed),
	KUNIT_CASE(a_routine_that_frees_its_packet_twice),
	KUNIT_CASE(a_disable_while_packets_are_freed),
	{}
};

static struct kunit_suite freed_suite = {
	.name = "kmcl_freed",
	.init = freed_init,
	.exit = fake_exit,
	.test_cases = freed_cases,
};

kunit_test_suite(freed_suite);

MODULE_DESCRIPTION("KUnit tests of packets that are freed in a batch");
MODULE_LICENSE("GPL");
