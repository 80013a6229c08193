// SPDX-License-Identifier: GPL-2.0
/*
 * Closing while another thread signals: the rings are not disconnected before it
 * has, whatever it signals for, nor while a sender's completion routine runs, after
 * which it may signal. If nobody does, closing waits for nothing.
 *
 * The transport is the test itself. Its signal operation spins, since it may be
 * called with bottom halves off; the test has another processor.
 */
#include <linux/cpumask.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>

#include "fake_transport.h"

/* How long the library is given to do what it must not do */
#define TOO_EARLY	DIV_ROUND_UP(HZ, 20)

/* What signals, in a thread */
struct signal_case {
	const char *name;
	void (*send)(void *loop);
	bool lost;		/* the device goes, or else the driver disables */
};

static void spins_here(void)
{
	set_cpus_allowed_ptr(current, cpumask_of(1));
}

static void send_one(void *data)
{
	struct loop *loop = data;

	spins_here();
	loop_send(&loop->client, 1, 0);
}

static void send_many(void *data)
{
	struct loop *loop = data;
	struct kmcl_message messages[2];
	u64 value = 1;
	u32 i;

	spins_here();
	for (i = 0; i < ARRAY_SIZE(messages); i++)
		messages[i] = (struct kmcl_message){
			.pkt = loop_packet(&loop->client, fake_done),
			.buf = &value,
			.len = sizeof(value),
		};
	KUNIT_EXPECT_EQ(loop->test, ARRAY_SIZE(messages),
			kmcl_send_many(loop->client.ch, messages,
				       ARRAY_SIZE(messages)));
	for (i = 0; i < ARRAY_SIZE(messages); i++)
		kmcl_packet_free(messages[i].pkt);
}

/* The driver's completion of a packet */
static void complete_kept(void *data)
{
	struct loop *loop = data;

	spins_here();
	loop_complete_all(&loop->client);
}

static const struct signal_case signal_cases[] = {
	{ "a packet, disabled", send_one },
	{ "a packet, lost", send_one, true },
	{ "several packets, disabled", send_many },
	{ "several packets, lost", send_many, true },
	/* Disabling waits for the driver to have completed all packets anyway */
	{ "a completion, lost", complete_kept, true },
};

static void lose(void *data)
{
	struct kmcl_offer *offer = fake.offer;

	fake.offer = NULL;
	kmcl_offer_gone(offer);
}

static void closing_waits_for_a_signal(struct kunit *test)
{
	const struct signal_case *c = test->param_value;
	struct loop *loop = test->priv;
	struct end *e = &loop->client;
	struct job *sender, *closer;

	fake_up(loop);
	/* Only the first packet in an empty ring has a signal */
	if (c->send == complete_kept) {
		e->keep = true;
		fake_packet_wanted(loop, 42);
		fake_interrupt();
		loop_wait(e, loop_kept(e) == 1);
	}

	fake_hold_signal(true);
	sender = loop_job(loop, c->send, loop);
	loop_wait(e, fake_signalling());
	closer = c->lost ? loop_job(loop, lose, NULL) : loop_disable(e);
	loop_wait(e, !READ_ONCE(e->ch->tx.linked));
	wait_event_timeout(e->wait, READ_ONCE(fake.closes), TOO_EARLY);
	KUNIT_EXPECT_EQ(test, READ_ONCE(fake.closes), 0);
	fake_hold_signal(false);
	loop_job_wait(sender);
	loop_job_wait(closer);
	loop_wait_state(e, "Disabled");
	KUNIT_EXPECT_EQ(test, fake.closes, 1);
	KUNIT_EXPECT_FALSE(test, fake.closed_early);
}

static bool inside;

/* Of a packet, after which its sender looks at the ring again */
static void spins(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	unsigned long end = jiffies + LOOP_LIMIT / 2;

	WRITE_ONCE(inside, true);
	while (READ_ONCE(inside) && time_before(jiffies, end))
		cpu_relax();
}

static void send_to_peer_that_reads(void *data)
{
	struct loop *loop = data;
	struct kmcl_packet *pkt = loop_packet(&loop->client, spins);

	spins_here();
	KUNIT_EXPECT_EQ(loop->test, kmcl_send(pkt, NULL, 0, 0), 0);
	kmcl_packet_free(pkt);
}

static void closing_waits_for_a_routine(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;
	struct job *sender, *closer;

	fake_up(loop);
	fake.out->ctl->interrupt_mask = 1;
	inside = false;
	sender = loop_job(loop, send_to_peer_that_reads, loop);
	loop_wait(e, READ_ONCE(inside));
	closer = loop_job(loop, lose, NULL);
	loop_wait(e, !READ_ONCE(e->ch->tx.linked));
	wait_event_timeout(e->wait, READ_ONCE(fake.closes), TOO_EARLY);
	KUNIT_EXPECT_EQ(test, READ_ONCE(fake.closes), 0);
	WRITE_ONCE(inside, false);
	loop_job_wait(sender);
	loop_job_wait(closer);
	loop_wait_state(e, "Disabled");
	KUNIT_EXPECT_EQ(test, fake.closes, 1);
}

static void hold_readers(void *data)
{
	unsigned long end = jiffies + LOOP_LIMIT / 4;
	bool *holding = data;

	spins_here();
	rcu_read_lock();
	WRITE_ONCE(*holding, true);
	while (READ_ONCE(*holding) && time_before(jiffies, end))
		cpu_relax();
	WRITE_ONCE(*holding, false);
	rcu_read_unlock();
}

/* An idle channel closes although no grace period ends */
static void closing_waits_for_no_grace_period(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct job *reader, *closer;
	static bool holding;

	fake_up(loop);
	holding = false;
	reader = loop_job(loop, hold_readers, &holding);
	loop_wait(&loop->client, READ_ONCE(holding));
	closer = loop_disable(&loop->client);
	loop_wait_state(&loop->client, "Disabled");
	KUNIT_EXPECT_EQ(test, fake.closes, 1);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(holding));
	WRITE_ONCE(holding, false);
	loop_job_wait(closer);
	loop_job_wait(reader);
}

static void both_ends_wait_for_no_grace_period(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct job *reader, *closer;
	static bool holding;

	loop_up(loop);
	holding = false;
	reader = loop_job(loop, hold_readers, &holding);
	loop_wait(&loop->client, READ_ONCE(holding));
	closer = loop_disable(&loop->client);
	loop_wait_state(&loop->client, "Disabled");
	loop_wait_event(&loop->server, CLOSED, 1);
	loop_wait_state(&loop->server, "Started");
	KUNIT_EXPECT_TRUE(test, READ_ONCE(holding));
	WRITE_ONCE(holding, false);
	loop_job_wait(closer);
	loop_job_wait(reader);
}

static int signal_close_init(struct kunit *test)
{
	if (num_online_cpus() < 2)
		kunit_skip(test, "one processor");
	set_cpus_allowed_ptr(current, cpumask_of(0));
	return fake_init(test);
}

KUNIT_ARRAY_PARAM_DESC(signal, signal_cases, name);

static struct kunit_case signal_close_cases[] = {
	/* KMCL: VmbChannelDisable */
	KUNIT_CASE_PARAM(closing_waits_for_a_signal, signal_gen_params),
	KUNIT_CASE(closing_waits_for_a_routine),
	KUNIT_CASE(closing_waits_for_no_grace_period),
	KUNIT_CASE(both_ends_wait_for_no_grace_period),
	{}
};

static struct kunit_suite signal_close_suite = {
	.name = "kmcl_signal_close",
	.init = signal_close_init,
	.exit = fake_exit,
	.test_cases = signal_close_cases,
};

kunit_test_suite(signal_close_suite);
