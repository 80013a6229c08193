// SPDX-License-Identifier: GPL-2.0
/*
 * Channels made from a description: what its fields do, but for the limits, which
 * client_limits_test.c has. See client_life_test.c for rings, for what is refused
 * and for who ends the channel, and client_harness.h for contexts and locks.
 */
#include <linux/slab.h>
#include <linux/string.h>

#include "client_harness.h"

static int on_save(struct kmcl_channel *ch, struct kmcl_packet *pkt, void *buf,
		   u32 size, u32 *needed)
{
	made.saved++;
	return 0;
}

static int on_restore(struct kmcl_channel *ch, void *saved, u32 saved_size,
		      void *data, u32 size)
{
	made.restored++;
	return 0;
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

	client_make(test, &client_described);
	client_make_server(test, &server_described);
	KUNIT_EXPECT_STREQ(test, kmcl_name(made.client.ch), "described client");
	KUNIT_EXPECT_STREQ(test, kmcl_name(made.server.ch), "described server");
	client_open_both(test);
	client_send_both(test);
	client_wait_packets(test, &made.client, 1);
	client_wait_packets(test, &made.server, 1);
	KUNIT_EXPECT_TRUE(test, loop_comes_true(made.wait, made.client.batches &&
						made.server.batches));
	kmcl_channel_disable(made.client.ch);
	kmcl_channel_disable(made.server.ch);
	expect_log(test, &made.client, life, ARRAY_SIZE(life));
	expect_log(test, &made.server, life, ARRAY_SIZE(life));
}

static void a_failure_is_reported(struct kunit *test)
{
	static const enum loop_event life[] = { FAILURE };

	client_make(test, &client_described);
	client_make_server(test, &server_described);
	made.server.opened_result = -EIO;
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(made.server.ch), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(made.client.ch), 0);
	client_wait_log(test, &made.client, FAILURE);
	expect_log(test, &made.client, life, ARRAY_SIZE(life));
	KUNIT_EXPECT_EQ(test, made.client.failure, -ECONNREFUSED);
}

static void a_pipe_keeps_lengths(struct kunit *test)
{
	struct kmcl_client c = client_described;
	struct kmcl_server s = server_described;

	c.flags = KMCL_INIT_PIPE;
	s.flags = KMCL_INIT_PIPE;
	client_make(test, &c);
	client_make_server(test, &s);
	client_open_both(test);
	client_send_both(test);
	client_wait_packets(test, &made.client, 1);
	client_wait_packets(test, &made.server, 1);
	KUNIT_EXPECT_EQ(test, made.server.len, 2);
	KUNIT_EXPECT_EQ(test, made.client.len, 3);
}

static void delivery_in_process_context(struct kunit *test)
{
	struct kmcl_client c = client_described;
	struct kmcl_server s = server_described;
	u32 i;

	c.flags = KMCL_INIT_PROCESS_CONTEXT;
	s.flags = KMCL_INIT_PROCESS_CONTEXT;
	client_make(test, &c);
	client_make_server(test, &s);
	client_open_both(test);
	for (i = 1; i <= 20; i++) {
		client_send_both(test);
		client_wait_packets(test, &made.client, i);
		client_wait_packets(test, &made.server, i);
	}
	KUNIT_EXPECT_EQ(test, made.client.in_task, 20);
	KUNIT_EXPECT_EQ(test, made.server.in_task, 20);
}

static void one_instance_of_the_class(struct kunit *test)
{
	struct kmcl_client c = client_described;
	struct kmcl_server s = server_described;
	struct kmcl_channel *other;
	guid_t seen;

	c.instance = &client_other_instance;
	client_make(test, &c);
	client_make_server(test, &s);
	s.instance = &client_other_instance;
	other = kmcl_server_create(NULL, &s, &made.server);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, other);
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(made.server.ch), 0);
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(made.client.ch), 0);
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(other), 0);
	/* It waits although the first one is there */
	KUNIT_EXPECT_TRUE(test, loop_comes_true(made.wait, made.client.logged == 3));
	kmcl_get_instance(made.client.ch, &seen);
	KUNIT_EXPECT_TRUE(test, guid_equal(&seen, &client_other_instance));
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(made.server.ch),
			   "Enabled");
	kmcl_channel_disable(other);
	kmcl_channel_free(other);
}

static void what_only_servers_have(struct kunit *test)
{
	struct kmcl_server s = server_described;
	struct kmcl_counters n;
	u32 filled, size = 4096;
	u8 *image = kunit_kzalloc(test, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, image);
	s.server_flags = KMCL_SERVER_ENUMERATE;
	s.mmio_mb = 3;
	s.mmio_mb_optional = 4;
	s.save = on_save;
	s.restore = on_restore;
	client_make(test, &client_described);
	client_make_server(test, &s);
	KUNIT_EXPECT_EQ(test, made.server.ch->cfg.mmio_mb, 3);
	KUNIT_EXPECT_EQ(test, made.server.ch->cfg.mmio_mb_optional, 4);

	/* Not started, so that it is paused with its packet queued */
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(made.server.ch, "fro", 3), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(made.server.ch), 0);
	KUNIT_EXPECT_EQ(test, made.server.ch->link.offer->flags,
			KMCL_WIRE_OFFER_LOOPBACK | KMCL_WIRE_OFFER_ENUMERATE);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(made.client.ch), 0);
	KUNIT_ASSERT_TRUE(test,
			  loop_comes_true(made.wait,
					  !strcmp(kmcl_channel_state_name(made.server.ch),
						  "Paused")));
	KUNIT_ASSERT_EQ(test, kmcl_save_begin(made.server.ch), 0);
	KUNIT_EXPECT_EQ(test, 0, kmcl_save_continue(made.server.ch, image, size,
						    &filled, NULL));
	kmcl_save_end(made.server.ch);
	KUNIT_EXPECT_EQ(test, made.saved, 1);
	KUNIT_EXPECT_EQ(test, kmcl_restore(made.server.ch, image, filled), 0);
	KUNIT_EXPECT_EQ(test, made.restored, 1);
	kmcl_get_counters(made.server.ch, &n);
	KUNIT_EXPECT_EQ(test, n.queued, 1);
}

static struct kunit_case client_cases[] = {
	KUNIT_CASE(the_callbacks_are_called),
	KUNIT_CASE(a_failure_is_reported),
	KUNIT_CASE(a_pipe_keeps_lengths),
	KUNIT_CASE(delivery_in_process_context),
	KUNIT_CASE(one_instance_of_the_class),
	KUNIT_CASE(what_only_servers_have),
	{}
};

static struct kunit_suite client_suite = {
	.name = "kmcl_client",
	.init = client_init,
	.exit = client_exit,
	.test_cases = client_cases,
};

kunit_test_suite(client_suite);
