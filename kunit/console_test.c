// SPDX-License-Identifier: GPL-2.0
/*
 * A console whose messages go through the channel, as netconsole does over a
 * network interface that is a client. It sends inside printk(), so nothing may be
 * printed under a lock that sending takes.
 *
 * The console's function runs in any context, with the console lock held; the
 * counts are looked at when nothing runs any more.
 */
#include <linux/console.h>
#include <linux/string.h>

#include "fake_transport.h"

static struct {
	struct kmcl_channel *ch;	/* NULL: it sends nothing */
	const char *text;		/* of the message that it sends */
	atomic_t seen;
	int locked;			/* printed under a lock */
	int sent;
} talk;

static bool is_free(spinlock_t *lock)
{
	unsigned long flags;

	if (!spin_trylock_irqsave(lock, flags))
		return false;
	/* For sparse, which does not know of locks taken on a condition */
	__acquire(lock);
	spin_unlock_irqrestore(lock, flags);
	return true;
}

/* Sending would wait for a lock that its own caller holds: do not try it then */
static void console_write(struct console *con, const char *s, unsigned int n)
{
	struct kmcl_channel *ch = READ_ONCE(talk.ch);
	struct kmcl_packet *pkt;
	u64 value = 99;

	if (!ch || !strnstr(s, talk.text, n))
		return;
	if (!is_free(&ch->tx.lock) || !is_free(&ch->rx.lock) ||
	    !is_free(&ch->sm.lock)) {
		talk.locked++;
	} else {
		pkt = kmcl_packet_alloc(ch);
		if (pkt && !kmcl_send(pkt, &value, sizeof(value), 0))
			talk.sent++;
	}
	atomic_inc(&talk.seen);
}

static struct console talker = {
	.name = "kmcl",
	.write = console_write,
	.flags = CON_ENABLED,
	.index = -1,
};

static int talk_init(struct kunit *test)
{
	int ret = fake_init(test);

	if (ret)
		return ret;
	memset(&talk, 0, sizeof(talk));
	talker.flags = CON_ENABLED;
	register_console(&talker);
	return 0;
}

static void talk_exit(struct kunit *test)
{
	unregister_console(&talker);
	fake_exit(test);
}

static void listen(struct loop *loop, const char *text)
{
	talk.text = text;
	WRITE_ONCE(talk.ch, loop->client.ch);
}

static void expect_sent_by_console(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_wait(&loop->client, atomic_read(&talk.seen));
	WRITE_ONCE(talk.ch, NULL);
	KUNIT_EXPECT_EQ(test, talk.locked, 0);
	KUNIT_EXPECT_EQ(test, talk.sent, 1);
}

static void a_console_sends_when_a_send_finds_a_bad_index(struct kunit *test)
{
	struct loop *loop = test->priv;

	fake_up(loop);
	listen(loop, "bad read index");
	WRITE_ONCE(fake.out->ctl->read_index, fake.out->size + 4);
	loop_send(&loop->client, 1, 0);
	expect_sent_by_console(test);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued, 2);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).broken, 1);
}

static void a_console_sends_when_the_queue_finds_a_bad_index(struct kunit *test)
{
	struct loop *loop = test->priv;

	fake_up(loop);
	kmcl_channel_pause(loop->client.ch);
	loop_send(&loop->client, 1, 0);
	listen(loop, "bad read index");
	WRITE_ONCE(fake.out->ctl->read_index, fake.out->size + 4);
	kmcl_channel_start(loop->client.ch);
	expect_sent_by_console(test);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued, 2);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).broken, 1);
}

static void a_console_sends_when_delivery_finds_a_bad_packet(struct kunit *test)
{
	struct loop *loop = test->priv;

	fake_up(loop);
	listen(loop, "bad packet");
	WRITE_ONCE(fake.in->ctl->write_index, fake.in->size + 8);
	fake_interrupt();
	expect_sent_by_console(test);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).sent, 1);
}

static struct kunit_case console_cases[] = {
	KUNIT_CASE(a_console_sends_when_a_send_finds_a_bad_index),
	KUNIT_CASE(a_console_sends_when_the_queue_finds_a_bad_index),
	KUNIT_CASE(a_console_sends_when_delivery_finds_a_bad_packet),
	{}
};

static struct kunit_suite console_suite = {
	.name = "kmcl_console",
	.init = talk_init,
	.exit = talk_exit,
	.test_cases = console_cases,
};

kunit_test_suite(console_suite);
