// SPDX-License-Identifier: GPL-2.0
/*
 * What a channel counts, and what debugfs shows of it.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "face.h"
#include "harness.h"

static void peaks_stay(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_counters c;
	u32 i;

	loop->server.keep = true;
	for (i = 0; i < 5; i++)
		loop_send(&loop->client, i, KMCL_SEND_WAIT);
	for (i = 5; i < 8; i++)
		loop_send(&loop->client, i, 0);
	c = loop_counters(&loop->client);
	KUNIT_EXPECT_EQ(test, c.queued, 8);
	KUNIT_EXPECT_EQ(test, c.queued_peak, 8);
	loop_up(loop);
	loop_wait(&loop->server, loop_kept(&loop->server) == 8);
	c = loop_counters(&loop->client);
	KUNIT_EXPECT_EQ(test, c.queued, 0);
	KUNIT_EXPECT_EQ(test, c.queued_peak, 8);
	KUNIT_EXPECT_EQ(test, c.in_flight, 5);
	KUNIT_EXPECT_EQ(test, c.in_flight_peak, 5);
	KUNIT_EXPECT_EQ(test, c.in_ring, 3);
	KUNIT_EXPECT_EQ(test, c.sent, 8);
	loop_complete_all(&loop->server);
	loop_wait(&loop->client, loop_done(&loop->client) == 8);
	c = loop_counters(&loop->client);
	KUNIT_EXPECT_EQ(test, c.in_flight, 0);
	KUNIT_EXPECT_EQ(test, c.in_flight_peak, 5);
	KUNIT_EXPECT_EQ(test, c.completed, 8);
	/* Fewer packets later do not lower the peak */
	kmcl_channel_pause(loop->client.ch);
	loop_send(&loop->client, 8, KMCL_SEND_WAIT);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued_peak, 8);
	loop->server.keep = false;
	kmcl_channel_start(loop->client.ch);
	loop_wait(&loop->client, loop_done(&loop->client) == 9);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).in_flight_peak, 5);
	c = loop_counters(&loop->server);
	KUNIT_EXPECT_EQ(test, c.outstanding, 0);
	KUNIT_EXPECT_EQ(test, c.outstanding_peak, 8);
	KUNIT_EXPECT_EQ(test, c.delivered, 9);
	KUNIT_EXPECT_EQ(test, c.comps_sent, 6);
	KUNIT_EXPECT_EQ(test, c.batches, loop->server.batches);
	KUNIT_EXPECT_GT(test, c.batches, 0);
}

static void defer_then_fail(struct end *e, struct kmcl_context *ctx,
			    u64 value)
{
	if (!in_task())
		kmcl_packet_defer(ctx);
	else
		kmcl_packet_fail(ctx);
}

static void deferred_and_failed_packets(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_counters c;

	loop->server.process = defer_then_fail;
	loop_up(loop);
	loop_send(&loop->client, 1, 0);
	loop_wait(&loop->server, loop_counters(&loop->server).failed == 1);
	c = loop_counters(&loop->server);
	KUNIT_EXPECT_EQ(test, c.deferred, 1);
	KUNIT_EXPECT_EQ(test, c.delivered, 1);
	KUNIT_EXPECT_EQ(test, c.bad_packets, 1);
	KUNIT_EXPECT_EQ(test, c.bad[KMCL_BAD_DRIVER], 1);
	/* The packet is not outstanding any more */
	KUNIT_EXPECT_EQ(test, c.batches, 1);
}

/* More than one run of the softirq delivers */
static void turns_are_counted(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i, n = 2 * KMCL_RX_BUDGET + 10;
	struct kmcl_counters c;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_ring_pages(loop->client.ch, 16, 16));
	loop_up_paused(loop);
	for (i = 0; i < n; i++)
		loop_send(&loop->client, i, 0);
	KUNIT_ASSERT_EQ(test, loop_counters(&loop->client).full, 0);
	kmcl_channel_start(loop->server.ch);
	loop_wait(&loop->server, READ_ONCE(loop->server.batch_packets) == n);
	c = loop_counters(&loop->server);
	KUNIT_EXPECT_EQ(test, c.budget_stops, 2);
	KUNIT_EXPECT_EQ(test, loop->server.batches, 3);
}

static void bad_packets_by_kind(struct kunit *test)
{
	static const u8 zeroes[128];
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	struct kmcl_counters c;
	u64 value = 77;
	u32 i;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_packet_size(server->ch, 64));
	loop_up(loop);
	/* Every type that has no use here, and one that is too long */
	for (i = 0; i < 16; i++)
		if (i != KMCL_WIRE_DATA_INBAND && i != KMCL_WIRE_COMP &&
		    i != KMCL_WIRE_DATA_GPA_DIRECT)
			loop_inject(&loop->client, i, 0, NULL, 0, &value, 8);
	loop_inject(&loop->client, KMCL_WIRE_DATA_INBAND, 0, NULL, 0, zeroes, 72);
	loop_inject(&loop->client, KMCL_WIRE_COMP, 0, NULL, 0, zeroes, 72);
	/* Ranges that are none */
	loop_inject(&loop->client, KMCL_WIRE_DATA_GPA_DIRECT, 0, zeroes, 8,
		    zeroes, 8);
	loop_send(&loop->client, 5, 0);
	loop_wait(server, loop_got(server) == 1);
	KUNIT_EXPECT_EQ(test, server->got[0], 5);
	c = loop_counters(server);
	KUNIT_EXPECT_EQ(test, c.bad[KMCL_BAD_TYPE], 13);
	KUNIT_EXPECT_EQ(test, c.bad[KMCL_BAD_SIZE], 1);
	KUNIT_EXPECT_EQ(test, c.bad[KMCL_BAD_EXTERNAL], 1);
	KUNIT_EXPECT_EQ(test, c.bad_packets, 15);
	/* The completion is nobody's, whatever its length */
	KUNIT_EXPECT_EQ(test, c.comps_stale, 1);
	KUNIT_EXPECT_EQ(test, c.comps_too_long, 0);

	/* And one that ends the ring: longer than what is there */
	loop_inject_len8(&loop->client, 100);
	loop_wait(server, loop_counters(server).bad[KMCL_BAD_LENGTH] == 1);
	KUNIT_EXPECT_EQ(test, loop_counters(server).bad_packets, 16);
}

static char *shown(struct kunit *test, struct kmcl_channel *ch,
		   void (*show)(struct seq_file *m, struct kmcl_channel *ch))
{
	struct seq_file m = { .size = PAGE_SIZE };

	m.buf = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, m.buf);
	show(&m, ch);
	KUNIT_ASSERT_LT(test, m.count, m.size);
	return m.buf;
}

static void expect_line(struct kunit *test, const char *text, const char *line)
{
	size_t len = strlen(line);
	const char *p = text;

	while ((p = strstr(p, line)) && !(p > text && p[-1] == '\n' &&
					  p[len] == '\n'))
		p++;
	KUNIT_EXPECT_NOT_NULL_MSG(test, p, "%s not in:\n%s", line, text);
}

static void each_counter_has_its_line(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_counters c;
	unsigned int lines = 0;
	const char *p, *text;

	loop_up(loop);
	loop_send(&loop->client, 1, 0);
	loop_send(&loop->client, 2, KMCL_SEND_WAIT);
	loop_wait(&loop->client, loop_done(&loop->client) == 2);
	kmcl_channel_disable(loop->client.ch);
	text = shown(test, loop->client.ch, kmcl_show_counters);
	KUNIT_EXPECT_EQ(test, strncmp(text, "accepted 2\n", 11), 0);
	expect_line(test, text, "completed 2");
	expect_line(test, text, "in_ring 1");
	expect_line(test, text, "in_flight_peak 1");
	expect_line(test, text, "opens 1");
	expect_line(test, text, "closes 1");
	expect_line(test, text, "bad_len8 0");
	for (p = text; *p; p++)
		lines += *p == '\n';
	KUNIT_EXPECT_EQ(test, lines, sizeof(c) / sizeof(u64));
}

static void a_channel_shows_what_it_is(struct kunit *test)
{
	struct loop *loop = test->priv;
	const char *text;

	KUNIT_ASSERT_EQ(test, 0, kmcl_server_set_mmio(loop->server.ch, 8, 2));
	KUNIT_ASSERT_EQ(test, 0, kmcl_server_set_flags(loop->server.ch,
						       KMCL_SERVER_ENUMERATE));
	kmcl_set_quota(loop->server.ch, 12);
	kmcl_set_memory_limit(loop->server.ch, 123456);
	loop_up(loop);
	text = shown(test, loop->server.ch, kmcl_show_channel);
	KUNIT_EXPECT_EQ(test, strncmp(text, "endpoint server\n", 16), 0);
	expect_line(test, text, "state Active");
	expect_line(test, text, "quota 12");
	expect_line(test, text, "memory_limit 123456");
	expect_line(test, text, "offer_flags 0x101");
	expect_line(test, text, "offer_mmio_megabytes 8");
	expect_line(test, text, "tx_broken 0");
	expect_line(test, text, "rx_failed 0");
	text = shown(test, loop->client.ch, kmcl_show_channel);
	KUNIT_EXPECT_EQ(test, strncmp(text, "endpoint client\n", 16), 0);
	KUNIT_EXPECT_NULL(test, strstr(text, "offer_flags"));
	expect_line(test, text, "tx_broken 0");
}

static void a_channel_shows_that_it_receives_no_more(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;

	loop_up(loop);
	loop_inject_len8(&loop->server, 100);
	loop_wait(&loop->client, READ_ONCE(ch->tx.no_answers));
	expect_line(test, shown(test, ch, kmcl_show_channel), "rx_failed 1");
	kmcl_channel_disable(ch);
	expect_line(test, shown(test, ch, kmcl_show_channel), "rx_failed 0");
}

/* As long as the ring is there */
static void a_channel_shows_that_its_ring_is_broken(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;

	loop_up(loop);
	spin_lock_irq(&ch->tx.lock);
	kmcl_ring_break(&ch->tx.ring);
	spin_unlock_irq(&ch->tx.lock);
	expect_line(test, shown(test, ch, kmcl_show_channel), "tx_broken 1");
	kmcl_channel_disable(ch);
	expect_line(test, shown(test, ch, kmcl_show_channel), "tx_broken 0");
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(ch), 0);
	loop_wait_event(&loop->client, POST_STARTED, 2);
	expect_line(test, shown(test, ch, kmcl_show_channel), "tx_broken 0");
}

static bool has_directory(struct kmcl_channel *ch)
{
	return !IS_ERR_OR_NULL(ch->debugfs) && d_really_is_positive(ch->debugfs);
}

static void channels_have_directories_of_their_own(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct dentry *root = debugfs_lookup("vmbkmcl", NULL), *found;
	struct kmcl_channel *ch;
	char name[16];

	KUNIT_ASSERT_NOT_NULL(test, root);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_alloc(NULL, false, &ch));
	KUNIT_EXPECT_TRUE(test, has_directory(ch));
	KUNIT_EXPECT_TRUE(test, has_directory(loop->client.ch));
	KUNIT_EXPECT_PTR_NE(test, ch->debugfs, loop->client.ch->debugfs);
	strscpy(name, ch->debugfs->d_name.name);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_free(ch));
	found = debugfs_lookup(name, root);
	KUNIT_EXPECT_NULL(test, found);
	dput(found);
	dput(root);
}

static struct kunit_case counters_cases[] = {
	KUNIT_CASE(peaks_stay),
	KUNIT_CASE(deferred_and_failed_packets),
	KUNIT_CASE(turns_are_counted),
	KUNIT_CASE(bad_packets_by_kind),
	KUNIT_CASE(each_counter_has_its_line),
	KUNIT_CASE(a_channel_shows_what_it_is),
	KUNIT_CASE(a_channel_shows_that_its_ring_is_broken),
	KUNIT_CASE(a_channel_shows_that_it_receives_no_more),
	KUNIT_CASE(channels_have_directories_of_their_own),
	{}
};

static struct kunit_suite counters_suite = {
	.name = "kmcl_counters",
	.init = loop_init,
	.exit = loop_exit,
	.test_cases = counters_cases,
};

kunit_test_suite(counters_suite);
