// SPDX-License-Identifier: GPL-2.0
/*
 * Completions of the peer that are there together: they are matched under one
 * lock, and the routines run after that. The test is the other side: it writes the
 * completions, and interrupts once. The routines run in that call.
 */
#include <linux/completion.h>

#include "fake_transport.h"

#define REQUESTS	40
#define WAIT		KMCL_SEND_WAIT

/* What a routine has seen, in order */
struct call {
	u32 request;
	int status;
	u64 reply;
	u32 len;
	u64 in_flight;
};

static struct {
	struct kmcl_packet *pkt[REQUESTS];
	u64 id[REQUESTS];
	struct call calls[3 * REQUESTS];
	u32 ncalls;
	/* What the routine of that request does as well */
	u32 acts;
	void (*act)(struct kmcl_packet *pkt);
	u32 depth;
	u32 nested;			/* calls inside another one */
	int ret;
} m;

static u64 in_flight(struct kmcl_channel *ch)
{
	struct kmcl_counters n;

	kmcl_get_counters(ch, &n);
	return n.in_flight;
}

static void note(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	struct call *call = &m.calls[m.ncalls];
	u32 i = (unsigned long)kmcl_packet_get_pointer(pkt);

	m.nested += !!m.depth++;
	if (m.ncalls < ARRAY_SIZE(m.calls)) {
		call->request = i;
		call->status = status;
		call->reply = len >= 8 ? *(u64 *)buf : 0;
		call->len = len;
		call->in_flight = in_flight(kmcl_packet_channel(pkt));
		WRITE_ONCE(m.ncalls, m.ncalls + 1);
	}
	if (m.act && i == m.acts)
		m.act(pkt);
	m.depth--;
}

static void put(struct loop *loop, u64 id, const void *reply, u32 len)
{
	KUNIT_ASSERT_EQ(loop->test, 0,
			kmcl_ring_put(&fake.in->tx, KMCL_WIRE_COMP, 0, id, NULL,
				      0, reply, len));
	kmcl_ring_commit(&fake.in->tx);
}

/* Completion of request @i, with @i as the reply */
static void answer(struct loop *loop, u32 i)
{
	u64 reply = i;

	put(loop, m.id[i], &reply, sizeof(reply));
}

static int ask(struct kmcl_packet *pkt)
{
	u64 value = 1;

	return kmcl_send(pkt, &value, sizeof(value), WAIT);
}

static void ask_all(struct loop *loop, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		m.pkt[i] = kmcl_packet_alloc(loop->client.ch);
		KUNIT_ASSERT_NOT_NULL(loop->test, m.pkt[i]);
		kmcl_packet_set_done(m.pkt[i], note);
		kmcl_packet_set_pointer(m.pkt[i], (void *)(unsigned long)i);
		KUNIT_ASSERT_EQ(loop->test, ask(m.pkt[i]), 0);
		m.id[i] = m.pkt[i]->trans_id;
	}
}

static void free_all(u32 count)
{
	u32 i;

	for (i = 0; i < count; i++)
		kmcl_packet_free(m.pkt[i]);
}

static void expect_call(struct kunit *test, u32 i, u32 request, int status)
{
	KUNIT_EXPECT_EQ_MSG(test, m.calls[i].request, request, "call %u", i);
	KUNIT_EXPECT_EQ_MSG(test, m.calls[i].status, status, "call %u", i);
	if (!status)
		KUNIT_EXPECT_EQ_MSG(test, m.calls[i].reply, request, "call %u",
				    i);
}

static void routines_run_after_a_batch_is_matched(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i, left;

	fake_up(loop);
	ask_all(loop, REQUESTS);
	for (i = 0; i < REQUESTS; i++)
		answer(loop, REQUESTS - 1 - i);
	fake_interrupt();
	KUNIT_ASSERT_EQ(test, m.ncalls, REQUESTS);
	for (i = 0; i < REQUESTS; i++) {
		expect_call(test, i, REQUESTS - 1 - i, 0);
		left = i < KMCL_MATCHES ? REQUESTS - KMCL_MATCHES : 0;
		KUNIT_EXPECT_EQ_MSG(test, m.calls[i].in_flight, left, "call %u", i);
	}
	KUNIT_EXPECT_EQ(test, m.nested, 0);
	free_all(REQUESTS);
	loop_expect_balance(&loop->client);
}

static void an_id_that_is_answered_twice(struct kunit *test)
{
	static const u8 order[] = { 0, 1, 1, 2, 0 };
	struct loop *loop = test->priv;
	u32 i;

	fake_up(loop);
	ask_all(loop, 3);
	for (i = 0; i < ARRAY_SIZE(order); i++)
		answer(loop, order[i]);
	/* And some that never were */
	put(loop, 0, NULL, 0);
	put(loop, m.id[0] + 1, NULL, 0);
	put(loop, U64_MAX, NULL, 0);
	fake_interrupt();
	KUNIT_ASSERT_EQ(test, m.ncalls, 3);
	for (i = 0; i < 3; i++)
		expect_call(test, i, i, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).comps_stale, 5);
	free_all(3);
	loop_expect_balance(&loop->client);
}

static void a_reply_that_is_too_long(struct kunit *test)
{
	u32 len = kmcl_round8(KMCL_DEFAULT_PACKET_SIZE) + 8;
	u8 *reply = kunit_kzalloc(test, len, GFP_KERNEL);
	struct loop *loop = test->priv;

	KUNIT_ASSERT_NOT_NULL(test, reply);
	fake_up(loop);
	ask_all(loop, 3);
	answer(loop, 0);
	put(loop, m.id[1], reply, len);
	answer(loop, 2);
	fake_interrupt();
	KUNIT_ASSERT_EQ(test, m.ncalls, 3);
	expect_call(test, 0, 0, 0);
	expect_call(test, 1, 1, -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, m.calls[1].len, 0);
	expect_call(test, 2, 2, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).comps_too_long, 1);
	free_all(3);
	loop_expect_balance(&loop->client);
}

/* As many bytes, and not many more, are copied while interrupts are off */
static void long_replies(struct kunit *test)
{
	const u32 len = KMCL_DEFAULT_PACKET_SIZE;
	const u32 together = KMCL_TX_BURST_BYTES / len;
	struct loop *loop = test->priv;
	u64 *reply = kunit_kzalloc(test, len, GFP_KERNEL);
	u32 i, left;

	static_assert(KMCL_TX_BURST_BYTES / KMCL_DEFAULT_PACKET_SIZE <
		      KMCL_MATCHES);
	KUNIT_ASSERT_NOT_NULL(test, reply);
	fake.in = ring_fixture_new(test, 2 * FAKE_RING_BYTES);
	fake_up(loop);
	ask_all(loop, together + 4);
	for (i = 0; i < together + 4; i++) {
		*reply = i;
		put(loop, m.id[i], reply, len);
	}
	fake_interrupt();
	KUNIT_ASSERT_EQ(test, m.ncalls, together + 4);
	for (i = 0; i < together + 4; i++) {
		expect_call(test, i, i, 0);
		left = i < together ? 4 : 0;
		KUNIT_EXPECT_EQ_MSG(test, m.calls[i].in_flight, left, "call %u", i);
	}
	free_all(together + 4);
	loop_expect_balance(&loop->client);
}

static void ask_again(struct kmcl_packet *pkt)
{
	m.act = NULL;
	m.ret = ask(pkt);
}

static void a_routine_that_sends_its_packet_again(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	fake_up(loop);
	m.act = ask_again;
	ask_all(loop, 4);
	for (i = 0; i < 4; i++)
		answer(loop, i);
	/* The id that the packet had before is nobody's now */
	answer(loop, 0);
	fake_interrupt();
	KUNIT_EXPECT_EQ(test, m.ret, 0);
	KUNIT_ASSERT_EQ(test, m.ncalls, 4);
	for (i = 0; i < 4; i++)
		expect_call(test, i, i, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).comps_stale, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).in_flight, 1);
	KUNIT_EXPECT_NE(test, m.pkt[0]->trans_id, m.id[0]);
	m.id[0] = m.pkt[0]->trans_id;
	answer(loop, 0);
	fake_interrupt();
	KUNIT_ASSERT_EQ(test, m.ncalls, 5);
	expect_call(test, 4, 0, 0);
	free_all(4);
	loop_expect_balance(&loop->client);
}

/* Its completion was matched, its routine is yet to run: it is still the library's */
static void ask_with_the_next(struct kmcl_packet *pkt)
{
	m.ret = ask(m.pkt[m.acts + 1]);
}

static void a_routine_that_uses_the_next_packet(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	fake_up(loop);
	m.act = ask_with_the_next;
	ask_all(loop, 3);
	for (i = 0; i < 3; i++)
		answer(loop, i);
	fake_interrupt();
	KUNIT_EXPECT_EQ(test, m.ret, -EBUSY);
	KUNIT_ASSERT_EQ(test, m.ncalls, 3);
	for (i = 0; i < 3; i++)
		expect_call(test, i, i, 0);
	free_all(3);
	loop_expect_balance(&loop->client);
}

static void packets_without_a_routine(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i, before;

	fake_up(loop);
	before = loop_cached(&loop->client);
	ask_all(loop, 8);
	/* As the library's own are */
	for (i = 0; i < 8; i += 2)
		m.pkt[i]->done = NULL;
	for (i = 0; i < 8; i++)
		answer(loop, i);
	fake_interrupt();
	KUNIT_ASSERT_EQ(test, m.ncalls, 4);
	for (i = 0; i < 4; i++) {
		expect_call(test, i, 2 * i + 1, 0);
		kmcl_packet_free(m.pkt[2 * i + 1]);
	}
	KUNIT_EXPECT_EQ(test, loop_cached(&loop->client), before + 8);
	loop_expect_balance(&loop->client);
}

static void rescind(struct kmcl_packet *pkt)
{
	kmcl_offer_rescind(fake.offer);
}

/* What was matched has been answered, and the rest has not */
static void a_rescind_in_the_middle(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i, matched = KMCL_MATCHES;

	fake_up(loop);
	m.acts = 3;
	m.act = rescind;
	ask_all(loop, REQUESTS);
	for (i = 0; i < matched; i++)
		answer(loop, i);
	fake_interrupt();
	loop_wait(&loop->client, READ_ONCE(m.ncalls) == REQUESTS);
	for (i = 0; i < REQUESTS; i++)
		expect_call(test, i, i, i < matched ? 0 : -ENODEV);
	loop_wait_event(&loop->client, CLOSED, 1);
	free_all(REQUESTS);
	loop_expect_balance(&loop->client);
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

static void a_disable_in_the_middle(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i, matched = KMCL_MATCHES;
	struct job *job;

	fake_up(loop);
	m.acts = 3;
	m.act = let_it_disable;
	ask_all(loop, REQUESTS);
	for (i = 0; i < matched; i++)
		answer(loop, i);
	reinit_completion(&go);
	job = loop_job(loop, disable, loop);
	fake_interrupt();
	loop_job_wait(job);
	KUNIT_ASSERT_EQ(test, m.ncalls, REQUESTS);
	for (i = 0; i < REQUESTS; i++)
		expect_call(test, i, i, i < matched ? 0 : -ECANCELED);
	KUNIT_EXPECT_EQ(test, m.nested, 0);
	free_all(REQUESTS);
	loop_expect_balance(&loop->client);
}

static void interrupt(struct kmcl_packet *pkt)
{
	m.act = NULL;
	fake_interrupt();
}

/* Routines do not run inside each other: the caller that runs one runs them all */
static void completions_while_another_routine_runs(struct kunit *test)
{
	struct loop *loop = test->priv;
	u64 value = 1;
	u32 i;

	fake_up(loop);
	ask_all(loop, 4);
	for (i = 1; i < 4; i++)
		answer(loop, i);
	/* The first one is sent by another packet, whose routine interrupts */
	m.acts = 4;
	m.act = interrupt;
	m.pkt[4] = kmcl_packet_alloc(loop->client.ch);
	KUNIT_ASSERT_NOT_NULL(test, m.pkt[4]);
	kmcl_packet_set_done(m.pkt[4], note);
	kmcl_packet_set_pointer(m.pkt[4], (void *)4UL);
	KUNIT_ASSERT_EQ(test, 0, kmcl_send(m.pkt[4], &value, sizeof(value), 0));
	KUNIT_ASSERT_EQ(test, m.ncalls, 4);
	KUNIT_EXPECT_EQ(test, m.nested, 0);
	KUNIT_EXPECT_EQ(test, m.calls[0].request, 4);
	for (i = 1; i < 4; i++)
		expect_call(test, i, i, 0);
	answer(loop, 0);
	fake_interrupt();
	KUNIT_ASSERT_EQ(test, m.ncalls, 5);
	expect_call(test, 4, 0, 0);
	free_all(5);
	loop_expect_balance(&loop->client);
}

struct waiting {
	struct loop *loop;
	u64 reply;
	u32 len;
	int ret;
};

static void ask_and_wait(void *data)
{
	struct waiting *w = data;
	u64 value = 1;

	w->len = sizeof(w->reply);
	w->ret = kmcl_send_sync(w->loop->client.ch, &value, sizeof(value), WAIT,
				&w->reply, &w->len, KMCL_NO_TIMEOUT);
}

/* Its caller's memory gets the reply, and the order stays */
static void a_synchronous_request_among_others(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct waiting w = { .loop = loop };
	struct job *job;
	u64 id;
	u32 i;

	fake_up(loop);
	job = loop_job(loop, ask_and_wait, &w);
	loop_poll(&loop->client, c->in_flight == 1);
	id = list_first_entry(&loop->client.ch->tx.in_flight,
			      struct kmcl_packet, item.node)->trans_id;
	ask_all(loop, 4);
	answer(loop, 0);
	answer(loop, 1);
	put(loop, id, &id, sizeof(id));
	answer(loop, 2);
	answer(loop, 3);
	fake_interrupt();
	loop_job_wait(job);
	KUNIT_EXPECT_EQ(test, w.ret, 0);
	KUNIT_EXPECT_EQ(test, w.reply, id);
	KUNIT_ASSERT_EQ(test, m.ncalls, 4);
	for (i = 0; i < 4; i++)
		expect_call(test, i, i, 0);
	KUNIT_EXPECT_EQ(test, m.calls[0].in_flight, 3);
	KUNIT_EXPECT_EQ(test, m.calls[2].in_flight, 0);
	free_all(4);
	loop_expect_balance(&loop->client);
}

/* What comes after it is delivered in order, and a bad packet ends it */
static void other_packets_end_a_batch(struct kunit *test)
{
	struct loop *loop = test->priv;

	fake_up(loop);
	ask_all(loop, 3);
	answer(loop, 0);
	fake_packet(loop, 7);
	answer(loop, 1);
	WRITE_ONCE(*(u16 *)(fake.in->data + fake.in->tx.index), KMCL_WIRE_COMP);
	WRITE_ONCE(*(u16 *)(fake.in->data + fake.in->tx.index + 2), 2);
	WRITE_ONCE(*(u16 *)(fake.in->data + fake.in->tx.index + 4), 1000);
	WRITE_ONCE(fake.in->ctl->write_index, fake.in->tx.index + 24);
	fake_interrupt();
	KUNIT_ASSERT_EQ(test, m.ncalls, 3);
	expect_call(test, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, m.calls[0].in_flight, 2);
	expect_call(test, 1, 1, 0);
	expect_call(test, 2, 2, -EPROTO);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->client), 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).bad_packets, 1);
	free_all(3);
	loop_expect_balance(&loop->client);
}

static int match_init(struct kunit *test)
{
	memset(&m, 0, sizeof(m));
	return fake_init(test);
}

static struct kunit_case match_cases[] = {
	KUNIT_CASE(routines_run_after_a_batch_is_matched),
	KUNIT_CASE(an_id_that_is_answered_twice),
	KUNIT_CASE(a_reply_that_is_too_long),
	KUNIT_CASE(long_replies),
	KUNIT_CASE(a_routine_that_sends_its_packet_again),
	KUNIT_CASE(a_routine_that_uses_the_next_packet),
	KUNIT_CASE(packets_without_a_routine),
	KUNIT_CASE(a_rescind_in_the_middle),
	KUNIT_CASE(a_disable_in_the_middle),
	KUNIT_CASE(completions_while_another_routine_runs),
	KUNIT_CASE(a_synchronous_request_among_others),
	KUNIT_CASE(other_packets_end_a_batch),
	{}
};

static struct kunit_suite match_suite = {
	.name = "kmcl_match",
	.init = match_init,
	.exit = fake_exit,
	.test_cases = match_cases,
};

kunit_test_suite(match_suite);

MODULE_DESCRIPTION("KUnit tests of completions that are matched together");
MODULE_LICENSE("GPL");
