// SPDX-License-Identifier: GPL-2.0
/*
 * Channels made from a description: what each of its fields does. See
 * client_life_test.c for rings, for what is refused and for who ends the channel.
 *
 * A client and a server on the loopback bus. Their callbacks run on the library's
 * workqueue and in softirqs; side.lock is held for what those write, and the
 * tests wait for it.
 */
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "harness.h"

#define TYPE	GUID_INIT(0x7d1c9b52, 0x3a40, 0x4f7e, \
			  0x9c, 0x15, 0x60, 0x0e, 0xb1, 0x7d, 0x22, 0x01)
#define KEPT	4U

struct side {
	struct kmcl_channel *ch;
	spinlock_t lock;		/* the rest */
	enum loop_event log[8];
	unsigned int logged;
	int opened_result;
	int failure;
	u32 packets;
	u32 in_task;
	u32 len;
	u32 batches;
	u32 context_bytes;
	u32 dirty;			/* bytes of context that were not 0 */
	bool keep;
	struct kmcl_context *kept[KEPT];
};

static struct {
	struct side client;
	struct side server;
	wait_queue_head_t wait;
	u32 saved, restored;
} fx;

static const guid_t instance =
	GUID_INIT(0x7d1c9b52, 0x3a40, 0x4f7e,
		  0x9c, 0x15, 0x60, 0x0e, 0xb1, 0x7d, 0x22, 0x02);
static const guid_t other_instance =
	GUID_INIT(0x7d1c9b52, 0x3a40, 0x4f7e,
		  0x9c, 0x15, 0x60, 0x0e, 0xb1, 0x7d, 0x22, 0x03);

static void note(struct kmcl_channel *ch, enum loop_event event)
{
	struct side *s = kmcl_get_pointer(ch);

	spin_lock_bh(&s->lock);
	if (s->logged < ARRAY_SIZE(s->log))
		s->log[s->logged++] = event;
	spin_unlock_bh(&s->lock);
	wake_up_all(&fx.wait);
}

static int on_opened(struct kmcl_channel *ch)
{
	struct side *s = kmcl_get_pointer(ch);

	note(ch, OPENED);
	return s->opened_result;
}

static void on_started(struct kmcl_channel *ch)
{
	note(ch, STARTED);
}

static void on_post_started(struct kmcl_channel *ch)
{
	note(ch, POST_STARTED);
}

static void on_suspend(struct kmcl_channel *ch)
{
	note(ch, SUSPEND);
}

static void on_closed(struct kmcl_channel *ch)
{
	note(ch, CLOSED);
}

static void on_failure(struct kmcl_channel *ch, int status)
{
	struct side *s = kmcl_get_pointer(ch);

	s->failure = status;
	note(ch, FAILURE);
}

static void on_process(struct kmcl_channel *ch, struct kmcl_context *ctx,
		       void *buf, u32 len, u32 flags)
{
	struct side *s = kmcl_get_pointer(ch);
	u8 *priv = kmcl_context_priv(ctx);
	bool keep;
	u32 i;

	for (i = 0; i < s->context_bytes; i++)
		s->dirty += priv[i]++;
	spin_lock_bh(&s->lock);
	s->packets++;
	s->in_task += in_task();
	s->len = len;
	keep = s->keep && s->packets <= KEPT;
	if (keep)
		s->kept[s->packets - 1] = ctx;
	spin_unlock_bh(&s->lock);
	if (!keep)
		kmcl_complete(ctx, buf, len);
	wake_up_all(&fx.wait);
}

static void on_processed(struct kmcl_channel *ch, u32 packets)
{
	struct side *s = kmcl_get_pointer(ch);

	WRITE_ONCE(s->batches, s->batches + 1);
	wake_up_all(&fx.wait);
}

static int on_save(struct kmcl_channel *ch, struct kmcl_packet *pkt, void *buf,
		   u32 size, u32 *needed)
{
	fx.saved++;
	return 0;
}

static int on_restore(struct kmcl_channel *ch, void *saved, u32 saved_size,
		      void *data, u32 size)
{
	fx.restored++;
	return 0;
}

static const struct kmcl_client client = {
	.name = "described client",
	.type = TYPE,
	.opened = on_opened,
	.closed = on_closed,
	.suspend = on_suspend,
	.started = on_started,
	.post_started = on_post_started,
	.process = on_process,
	.processed = on_processed,
	.failure = on_failure,
};

static const struct kmcl_server server = {
	.name = "described server",
	.type = TYPE,
	.instance = &instance,
	.opened = on_opened,
	.closed = on_closed,
	.suspend = on_suspend,
	.started = on_started,
	.post_started = on_post_started,
	.process = on_process,
	.processed = on_processed,
};

static void keep_channel(struct kunit *test, struct side *s,
			 struct kmcl_channel *ch)
{
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ch);
	s->ch = ch;
	KUNIT_EXPECT_PTR_EQ(test, kmcl_get_pointer(ch), (void *)s);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(ch), "Disabled");
}

static void make_client(struct kunit *test, const struct kmcl_client *c)
{
	keep_channel(test, &fx.client,
		     kmcl_client_create(NULL, c, &fx.client));
}

static void make_server(struct kunit *test, const struct kmcl_server *s)
{
	keep_channel(test, &fx.server,
		     kmcl_server_create(NULL, s, &fx.server));
}

static void end(struct side *s)
{
	if (!s->ch)
		return;
	kmcl_channel_disable(s->ch);
	kmcl_channel_free(s->ch);
	s->ch = NULL;
}

static void wait_log(struct kunit *test, struct side *s, enum loop_event event)
{
	KUNIT_ASSERT_TRUE(test,
			  loop_comes_true(fx.wait, s->logged &&
					  s->log[s->logged - 1] == event));
}

static void open_both(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, kmcl_channel_start(fx.server.ch), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(fx.server.ch), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(fx.client.ch), 0);
	wait_log(test, &fx.client, POST_STARTED);
	wait_log(test, &fx.server, POST_STARTED);
}

static void wait_packets(struct kunit *test, struct side *s, u32 packets)
{
	KUNIT_ASSERT_TRUE(test, loop_comes_true(fx.wait, READ_ONCE(s->packets) ==
						packets));
}

static void send_both(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(fx.client.ch, "to", 2), 0);
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(fx.server.ch, "fro", 3), 0);
}

static int ask(struct kmcl_channel *ch, void *reply, u32 *reply_len)
{
	static const u8 question[8] = "eight..";

	return kmcl_send_sync(ch, question, sizeof(question), KMCL_SEND_WAIT,
			      reply, reply_len, 10LL * NSEC_PER_SEC);
}

/* Send @count times the frame of @mem, in a packet of its own */
static int send_frames(struct kunit *test, struct kmcl_channel *ch, void *mem,
		       u32 count)
{
	unsigned long pfns[33];
	struct kmcl_packet *pkt = kmcl_packet_alloc(ch);
	int ret;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, pkt);
	KUNIT_ASSERT_LE(test, count, ARRAY_SIZE(pfns));
	for (i = 0; i < count; i++)
		pfns[i] = page_to_phys(virt_to_page(mem)) >> KMCL_PFN_SHIFT;
	ret = kmcl_send_pfns(pkt, NULL, 0, pfns, count, KMCL_SEND_WAIT);
	if (ret)
		kmcl_packet_free(pkt);
	return ret;
}

/* Send @count pieces of @mem */
static int send_pieces(struct kunit *test, struct kmcl_channel *ch, void *mem,
		       u32 count)
{
	struct kmcl_packet *pkt = kmcl_packet_alloc(ch);
	struct scatterlist sg[33];
	int ret;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, pkt);
	KUNIT_ASSERT_LE(test, count, ARRAY_SIZE(sg));
	sg_init_table(sg, count);
	for (i = 0; i < count; i++)
		sg_set_buf(&sg[i], mem, 8);
	ret = kmcl_send_sg(pkt, NULL, 0, sg, count, KMCL_SEND_WAIT);
	if (ret)
		kmcl_packet_free(pkt);
	return ret;
}

static void zero_means_the_default(struct kunit *test)
{
	static const struct kmcl_client plain_client = { .type = TYPE };
	static const struct kmcl_server plain_server = {
		.type = TYPE,
		.instance = &instance,
	};
	u8 *mem = kunit_kzalloc(test, 2 * PAGE_SIZE, GFP_KERNEL);
	u64 reply[2];
	u32 len = sizeof(reply);
	guid_t seen;

	KUNIT_ASSERT_NOT_NULL(test, mem);
	make_client(test, &plain_client);
	make_server(test, &plain_server);
	kmcl_get_instance(fx.client.ch, &seen);
	KUNIT_EXPECT_TRUE(test, guid_is_null(&seen));
	KUNIT_EXPECT_STREQ(test, kmcl_name(fx.client.ch), "unnamed");

	/* All of these are queued */
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(fx.client.ch, mem, 4096), 0);
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(fx.client.ch, mem, 4097), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, send_frames(test, fx.client.ch, mem, 32), 0);
	KUNIT_EXPECT_EQ(test, send_frames(test, fx.client.ch, mem, 33), -E2BIG);
	KUNIT_EXPECT_EQ(test, send_pieces(test, fx.client.ch, mem, 32), 0);
	KUNIT_EXPECT_EQ(test, send_pieces(test, fx.client.ch, mem, 33), -E2BIG);

	/* And completed by the server, without data */
	KUNIT_ASSERT_EQ(test, kmcl_channel_start(fx.server.ch), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(fx.server.ch), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(fx.client.ch), 0);
	KUNIT_EXPECT_EQ(test, ask(fx.client.ch, reply, &len), 0);
	KUNIT_EXPECT_EQ(test, len, 0);
}

static void expect_log(struct kunit *test, const struct side *s,
		       const enum loop_event *log, unsigned int events)
{
	KUNIT_ASSERT_EQ(test, s->logged, events);
	KUNIT_EXPECT_MEMEQ(test, s->log, log, events * sizeof(*log));
}

static void the_callbacks_are_called(struct kunit *test)
{
	static const enum loop_event life[] = {
		OPENED, STARTED, POST_STARTED, SUSPEND, CLOSED
	};

	make_client(test, &client);
	make_server(test, &server);
	KUNIT_EXPECT_STREQ(test, kmcl_name(fx.client.ch), "described client");
	KUNIT_EXPECT_STREQ(test, kmcl_name(fx.server.ch), "described server");
	open_both(test);
	send_both(test);
	wait_packets(test, &fx.client, 1);
	wait_packets(test, &fx.server, 1);
	KUNIT_EXPECT_TRUE(test, loop_comes_true(fx.wait, fx.client.batches &&
						fx.server.batches));
	kmcl_channel_disable(fx.client.ch);
	kmcl_channel_disable(fx.server.ch);
	expect_log(test, &fx.client, life, ARRAY_SIZE(life));
	expect_log(test, &fx.server, life, ARRAY_SIZE(life));
}

static void a_failure_is_reported(struct kunit *test)
{
	static const enum loop_event life[] = { FAILURE };

	make_client(test, &client);
	make_server(test, &server);
	fx.server.opened_result = -EIO;
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(fx.server.ch), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(fx.client.ch), 0);
	wait_log(test, &fx.client, FAILURE);
	expect_log(test, &fx.client, life, ARRAY_SIZE(life));
	KUNIT_EXPECT_EQ(test, fx.client.failure, -ECONNREFUSED);
}

static void the_sizes_count(struct kunit *test)
{
	u8 *mem = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	struct kmcl_client c = client;
	struct kmcl_server s = server;

	KUNIT_ASSERT_NOT_NULL(test, mem);
	c.packet_bytes = 100;
	c.external_bytes = 8192;
	c.external_ranges = 2;
	make_client(test, &c);
	s.packet_bytes = 200;
	make_server(test, &s);
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(fx.client.ch, mem, 100), 0);
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(fx.client.ch, mem, 101), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(fx.server.ch, mem, 200), 0);
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(fx.server.ch, mem, 201), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, send_frames(test, fx.client.ch, mem, 2), 0);
	KUNIT_EXPECT_EQ(test, send_frames(test, fx.client.ch, mem, 3), -E2BIG);
	KUNIT_EXPECT_EQ(test, send_pieces(test, fx.client.ch, mem, 2), 0);
	KUNIT_EXPECT_EQ(test, send_pieces(test, fx.client.ch, mem, 3), -E2BIG);
}

/* The client sends what only its own description allows */
static void a_servers_limits_for_external_data(struct kunit *test)
{
	u8 *mem = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	struct kmcl_server s = server;
	struct kmcl_counters c;

	KUNIT_ASSERT_NOT_NULL(test, mem);
	s.external_bytes = 8192;
	s.external_ranges = 2;
	make_client(test, &client);
	make_server(test, &s);
	open_both(test);
	KUNIT_EXPECT_EQ(test, send_frames(test, fx.client.ch, mem, 2), 0);
	KUNIT_EXPECT_EQ(test, send_pieces(test, fx.client.ch, mem, 2), 0);
	wait_packets(test, &fx.server, 2);
	KUNIT_EXPECT_EQ(test, send_frames(test, fx.client.ch, mem, 3), 0);
	KUNIT_EXPECT_EQ(test, send_pieces(test, fx.client.ch, mem, 3), 0);
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(fx.client.ch, mem, 8), 0);
	wait_packets(test, &fx.server, 3);
	kmcl_get_counters(fx.server.ch, &c);
	KUNIT_EXPECT_EQ(test, c.bad[KMCL_BAD_EXTERNAL], 2);
}

static void each_packet_has_a_context(struct kunit *test)
{
	struct kmcl_client c = client;
	struct kmcl_server s = server;
	u32 i;

	c.context_bytes = 3000;
	fx.client.context_bytes = 3000;
	s.context_bytes = 300;
	fx.server.context_bytes = 300;
	make_client(test, &c);
	make_server(test, &s);
	open_both(test);
	for (i = 0; i < 3; i++)
		send_both(test);
	wait_packets(test, &fx.client, 3);
	wait_packets(test, &fx.server, 3);
	KUNIT_EXPECT_EQ(test, fx.client.dirty, 0);
	KUNIT_EXPECT_EQ(test, fx.server.dirty, 0);
}

static void expect_quota(struct kunit *test, struct kmcl_channel *ch, u32 quota)
{
	struct kmcl_counters n;

	kmcl_get_counters(ch, &n);
	KUNIT_EXPECT_EQ(test, n.outstanding_peak, quota);
	KUNIT_EXPECT_GT(test, n.quota_stops, 0);
}

/*
 * Each side sends KEPT packets and completes what it gets one by one: it has at
 * most as many as its limit at a time.
 */
static void keep_at_limits(struct kunit *test, u32 client_limit,
			   u32 server_limit)
{
	u32 i;

	fx.client.keep = true;
	fx.server.keep = true;
	open_both(test);
	for (i = 0; i < KEPT; i++)
		send_both(test);
	for (i = 0; i < KEPT; i++) {
		wait_packets(test, &fx.client, min(i + client_limit, KEPT));
		wait_packets(test, &fx.server, min(i + server_limit, KEPT));
		kmcl_complete(fx.client.kept[i], NULL, 0);
		kmcl_complete(fx.server.kept[i], NULL, 0);
	}
}

static void the_quota_stops_delivery(struct kunit *test)
{
	struct kmcl_client c = client;
	struct kmcl_server s = server;

	c.quota = 1;
	s.quota = 2;
	make_client(test, &c);
	make_server(test, &s);
	keep_at_limits(test, 1, 2);
	expect_quota(test, fx.client.ch, 1);
	expect_quota(test, fx.server.ch, 2);
}

static void the_limit_of_memory_stops_delivery(struct kunit *test)
{
	struct kmcl_client c = client;
	struct kmcl_server s = server;
	struct kmcl_counters n;

	/* Less than two, and, by default, any number of them */
	s.memory_bytes = 5000;
	make_client(test, &c);
	make_server(test, &s);
	keep_at_limits(test, KEPT, 1);
	kmcl_get_counters(fx.server.ch, &n);
	KUNIT_EXPECT_EQ(test, n.outstanding_peak, 1);
	KUNIT_EXPECT_GT(test, n.limit_stops, 0);
	kmcl_get_counters(fx.client.ch, &n);
	KUNIT_EXPECT_EQ(test, n.limit_stops, 0);
}

static void a_pipe_keeps_lengths(struct kunit *test)
{
	struct kmcl_client c = client;
	struct kmcl_server s = server;

	c.flags = KMCL_INIT_PIPE;
	s.flags = KMCL_INIT_PIPE;
	make_client(test, &c);
	make_server(test, &s);
	open_both(test);
	send_both(test);
	wait_packets(test, &fx.client, 1);
	wait_packets(test, &fx.server, 1);
	KUNIT_EXPECT_EQ(test, fx.server.len, 2);
	KUNIT_EXPECT_EQ(test, fx.client.len, 3);
}

static void delivery_in_process_context(struct kunit *test)
{
	struct kmcl_client c = client;
	struct kmcl_server s = server;
	u32 i;

	c.flags = KMCL_INIT_PROCESS_CONTEXT;
	s.flags = KMCL_INIT_PROCESS_CONTEXT;
	make_client(test, &c);
	make_server(test, &s);
	open_both(test);
	for (i = 1; i <= 20; i++) {
		send_both(test);
		wait_packets(test, &fx.client, i);
		wait_packets(test, &fx.server, i);
	}
	KUNIT_EXPECT_EQ(test, fx.client.in_task, 20);
	KUNIT_EXPECT_EQ(test, fx.server.in_task, 20);
}

static void one_instance_of_the_class(struct kunit *test)
{
	struct kmcl_client c = client;
	struct kmcl_server s = server;
	struct kmcl_channel *other;
	guid_t seen;

	c.instance = &other_instance;
	make_client(test, &c);
	make_server(test, &s);
	s.instance = &other_instance;
	other = kmcl_server_create(NULL, &s, &fx.server);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, other);
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(fx.server.ch), 0);
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(fx.client.ch), 0);
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(other), 0);
	/* It waits although the first one is there */
	KUNIT_EXPECT_TRUE(test, loop_comes_true(fx.wait, fx.client.logged == 3));
	kmcl_get_instance(fx.client.ch, &seen);
	KUNIT_EXPECT_TRUE(test, guid_equal(&seen, &other_instance));
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(fx.server.ch),
			   "Enabled");
	kmcl_channel_disable(other);
	kmcl_channel_free(other);
}

static void what_only_servers_have(struct kunit *test)
{
	struct kmcl_server s = server;
	struct kmcl_counters n;
	u32 filled, size = 4096;
	u8 *image = kunit_kzalloc(test, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, image);
	s.server_flags = KMCL_SERVER_ENUMERATE;
	s.mmio_mb = 3;
	s.mmio_mb_optional = 4;
	s.save = on_save;
	s.restore = on_restore;
	make_client(test, &client);
	make_server(test, &s);
	KUNIT_EXPECT_EQ(test, fx.server.ch->cfg.mmio_mb, 3);
	KUNIT_EXPECT_EQ(test, fx.server.ch->cfg.mmio_mb_optional, 4);

	/* Not started, so that it is paused with its packet queued */
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(fx.server.ch, "fro", 3), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(fx.server.ch), 0);
	KUNIT_EXPECT_EQ(test, fx.server.ch->link.offer->flags,
			KMCL_WIRE_OFFER_LOOPBACK | KMCL_WIRE_OFFER_ENUMERATE);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(fx.client.ch), 0);
	KUNIT_ASSERT_TRUE(test,
			  loop_comes_true(fx.wait,
					  !strcmp(kmcl_channel_state_name(fx.server.ch),
						  "Paused")));
	KUNIT_ASSERT_EQ(test, kmcl_save_begin(fx.server.ch), 0);
	KUNIT_EXPECT_EQ(test, 0, kmcl_save_continue(fx.server.ch, image, size,
						    &filled, NULL));
	kmcl_save_end(fx.server.ch);
	KUNIT_EXPECT_EQ(test, fx.saved, 1);
	KUNIT_EXPECT_EQ(test, kmcl_restore(fx.server.ch, image, filled), 0);
	KUNIT_EXPECT_EQ(test, fx.restored, 1);
	kmcl_get_counters(fx.server.ch, &n);
	KUNIT_EXPECT_EQ(test, n.queued, 1);
}

static int client_test_init(struct kunit *test)
{
	memset(&fx, 0, sizeof(fx));
	init_waitqueue_head(&fx.wait);
	spin_lock_init(&fx.client.lock);
	spin_lock_init(&fx.server.lock);
	return 0;
}

static void client_test_exit(struct kunit *test)
{
	end(&fx.client);
	end(&fx.server);
}

static struct kunit_case client_cases[] = {
	KUNIT_CASE(zero_means_the_default),
	KUNIT_CASE(the_callbacks_are_called),
	KUNIT_CASE(a_failure_is_reported),
	KUNIT_CASE(the_sizes_count),
	KUNIT_CASE(a_servers_limits_for_external_data),
	KUNIT_CASE(each_packet_has_a_context),
	KUNIT_CASE(the_quota_stops_delivery),
	KUNIT_CASE(the_limit_of_memory_stops_delivery),
	KUNIT_CASE(a_pipe_keeps_lengths),
	KUNIT_CASE(delivery_in_process_context),
	KUNIT_CASE(one_instance_of_the_class),
	KUNIT_CASE(what_only_servers_have),
	{}
};

static struct kunit_suite client_suite = {
	.name = "kmcl_client",
	.init = client_test_init,
	.exit = client_test_exit,
	.test_cases = client_cases,
};

kunit_test_suite(client_suite);
