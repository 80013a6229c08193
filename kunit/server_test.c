// SPDX-License-Identifier: GPL-2.0
/*
 * What a server sets, what its offer says, and what Linux has no equal for.
 */
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "harness.h"

static const struct flags_case {
	const char *name;
	u32 api;
	u16 wire;
} flags_cases[] = {
	{ "none", 0, 0x100 },
	{ "LOOPBACK", KMCL_SERVER_LOOPBACK, 0x100 },
	{ "ENUMERATE", KMCL_SERVER_ENUMERATE, 0x101 },
	{ "FORCE_NEW", KMCL_SERVER_FORCE_NEW, 0x100 },
	{ "TLNPI", KMCL_SERVER_TLNPI, 0x2100 },
	{ "all but the pipe", 0x1f & ~KMCL_SERVER_OFFER_AS_PIPE, 0x2101 },
};

KUNIT_ARRAY_PARAM_DESC(flags, flags_cases, name);

static void flags_are_translated_into_the_offers(struct kunit *test)
{
	const struct flags_case *flags = test->param_value;
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->server.ch;

	/* Set, not added to what an earlier offer had */
	KUNIT_EXPECT_EQ(test, 0, kmcl_server_set_flags(ch, 0x1f));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(ch));
	kmcl_channel_disable(ch);
	KUNIT_EXPECT_EQ(test, 0, kmcl_server_set_flags(ch, flags->api));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(ch));
	KUNIT_EXPECT_EQ(test, ch->link.offer->flags, flags->wire);
	KUNIT_EXPECT_EQ(test, -EBUSY, kmcl_server_set_flags(ch, 0));
}

static void a_pipe_is_offered_as_one(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->server.ch;

	KUNIT_EXPECT_EQ(test, 0, kmcl_server_set_flags(ch, 0x1f));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(ch));
	KUNIT_EXPECT_EQ(test, ch->link.offer->flags, 0x2111);
}

/* Whatever the flags are, a client of this machine finds the server */
static void every_flag_leaves_a_server_that_works(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 flags;

	for (flags = 0; flags < 0x20; flags++) {
		struct sent *s;

		if (flags & KMCL_SERVER_OFFER_AS_PIPE)
			continue;
		KUNIT_ASSERT_EQ(test, 0,
				kmcl_server_set_flags(loop->server.ch, flags));
		kmcl_channel_start(loop->server.ch);
		KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
		KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
		s = loop_send(&loop->client, flags, KMCL_SEND_WAIT);
		loop_wait(&loop->client, s->done);
		KUNIT_EXPECT_EQ(test, s->status, 0);
		kmcl_channel_disable(loop->client.ch);
		kmcl_channel_disable(loop->server.ch);
	}
}

static void setters_refuse_wrong_values(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *client = loop->client.ch, *server = loop->server.ch;
	int not_client = -EINVAL;

	KUNIT_EXPECT_EQ(test, -EINVAL, kmcl_server_set_flags(server, 0x20));
	KUNIT_EXPECT_EQ(test, -EINVAL, kmcl_server_set_mmio(server, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, kmcl_server_set_mmio(server, 1, 0));
	KUNIT_EXPECT_EQ(test, 0, kmcl_server_set_mmio(server, 0, 1));
	KUNIT_EXPECT_EQ(test, 0, kmcl_server_set_mmio(server, U16_MAX, U16_MAX));
	KUNIT_EXPECT_EQ(test, 0, kmcl_server_set_vtl(server, 0));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, kmcl_server_set_vtl(server, 1));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, kmcl_server_set_vtl(server, 15));
	KUNIT_EXPECT_EQ(test, -EINVAL, kmcl_server_set_vtl(server, 16));
	KUNIT_EXPECT_EQ(test, -EBADF, kmcl_server_set_bus(server, NULL));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, kmcl_server_set_bus(server, test));

	KUNIT_EXPECT_EQ(test, not_client, kmcl_server_set_flags(client, 0));
	KUNIT_EXPECT_EQ(test, not_client, kmcl_server_set_mmio(client, 1, 1));
	KUNIT_EXPECT_EQ(test, not_client, kmcl_server_set_vtl(client, 0));
	KUNIT_EXPECT_EQ(test, not_client, kmcl_server_set_bus(client, test));
}

static void setters_need_a_disabled_channel(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *server = loop->server.ch;
	int busy = -EBUSY;

	KUNIT_EXPECT_EQ(test, busy, kmcl_server_set_flags(NULL, 0));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(server));
	KUNIT_EXPECT_EQ(test, busy, kmcl_server_set_flags(server, 0));
	KUNIT_EXPECT_EQ(test, busy, kmcl_server_set_mmio(server, 1, 1));
	KUNIT_EXPECT_EQ(test, busy, kmcl_server_set_vtl(server, 0));
	KUNIT_EXPECT_EQ(test, busy, kmcl_server_set_bus(server, test));
}

static void no_handle_becomes_a_kernels(struct kunit *test)
{
	void *kernel = test;

	KUNIT_EXPECT_EQ(test, -EBADF, kmcl_bus_handle(NULL, &kernel));
	KUNIT_EXPECT_EQ(test, -EBADF, kmcl_bus_handle(test, NULL));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, kmcl_bus_handle(test, &kernel));
	KUNIT_EXPECT_PTR_EQ(test, kernel, (void *)test);
}

static int latency[LOOP_EVENTS];
static u16 original;

static void latency_in_callback(struct end *e, enum loop_event what)
{
	latency[what] = kmcl_set_latency(e->ch, 100, &original);
}

static void latency_is_for_a_channel_that_is_open(struct kunit *test)
{
	static const enum loop_event callbacks[] = {
		OPENED, STARTED, POST_STARTED, SUSPEND, CLOSED,
	};
	struct loop *loop = test->priv;
	struct kmcl_channel *client = loop->client.ch;
	u32 i;

	original = 77;
	memset(latency, 0, sizeof(latency));
	KUNIT_EXPECT_EQ(test, -EINVAL, kmcl_set_latency(NULL, 1, &original));
	KUNIT_EXPECT_EQ(test, -ENOTCONN, kmcl_set_latency(client, 1, &original));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(client));
	KUNIT_EXPECT_EQ(test, -ENOTCONN, kmcl_set_latency(client, 1, &original));
	kmcl_channel_disable(client);
	loop->client.hook = latency_in_callback;
	loop_up(loop);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			kmcl_set_latency(client, 1, &original));
	kmcl_channel_disable(client);
	for (i = 0; i < ARRAY_SIZE(callbacks); i++)
		KUNIT_EXPECT_EQ_MSG(test, latency[callbacks[i]], -EOPNOTSUPP,
				    "callback %u", i);
	KUNIT_EXPECT_EQ(test, -ENOTCONN, kmcl_set_latency(client, 1, &original));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			kmcl_set_latency(loop->server.ch, 1, &original));
	KUNIT_EXPECT_EQ(test, original, 77);
}

static void a_loopback_client_has_no_mmio(struct kunit *test)
{
	struct loop *loop = test->priv;
	u64 start = 1, size = 1;

	KUNIT_ASSERT_EQ(test, 0, kmcl_server_set_mmio(loop->server.ch, 16, 16));
	kmcl_get_mmio(loop->client.ch, &start, &size);
	KUNIT_EXPECT_EQ(test, start | size, 0);
	loop_up(loop);
	start = 1;
	size = 1;
	kmcl_get_mmio(loop->client.ch, &start, &size);
	KUNIT_EXPECT_EQ(test, start | size, 0);
	start = 1;
	size = 1;
	kmcl_get_mmio(loop->server.ch, &start, &size);
	KUNIT_EXPECT_EQ(test, start | size, 0);
}

static void the_instance_is_the_one_in_use(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *client = loop->client.ch;
	guid_t guid;

	kmcl_get_instance(loop->server.ch, &guid);
	KUNIT_EXPECT_TRUE(test, guid_equal(&guid, &loop->instance));
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_target(client, &loop->type, NULL, NULL));
	kmcl_get_instance(client, &guid);
	KUNIT_EXPECT_TRUE(test, guid_is_null(&guid));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(client));
	kmcl_get_instance(client, &guid);
	KUNIT_EXPECT_TRUE(test, guid_is_null(&guid));
	kmcl_channel_start(loop->server.ch);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	loop_wait_event(&loop->client, POST_STARTED, 1);
	kmcl_get_instance(client, &guid);
	KUNIT_EXPECT_TRUE(test, guid_equal(&guid, &loop->instance));
	kmcl_channel_disable(client);
	kmcl_get_instance(client, &guid);
	KUNIT_EXPECT_TRUE(test, guid_equal(&guid, &loop->instance));
}

/* S10: after the client has closed the server is as before it opened */
static void closing_by_the_client_leaves_the_offer(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;

	loop_up(loop);
	kmcl_channel_disable(loop->client.ch);
	loop_wait_event(server, CLOSED, 1);
	loop_wait_state(server, "Started");
	KUNIT_EXPECT_TRUE(test, kmcl_offer_exists(&loop->type, &loop->instance));
	kmcl_channel_pause(server->ch);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(server->ch), "Enabled");
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_state(server, "Paused");
	kmcl_channel_disable(loop->client.ch);
	loop_wait_event(server, CLOSED, 2);
	loop_wait_state(server, "Enabled");
	loop_expect_events(server, OPENED, STARTED, POST_STARTED, SUSPEND,
			   CLOSED, OPENED, CLOSED);
}

/* S11 */
static void disabling_the_server_withdraws_the_offer(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_up(loop);
	kmcl_channel_disable(loop->server.ch);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(loop->server.ch),
			   "Disabled");
	KUNIT_EXPECT_FALSE(test, kmcl_offer_exists(&loop->type, &loop->instance));
	loop_wait_state(&loop->client, "Disabled");
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).rescinds, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->server).rescinds, 0);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_state(&loop->client, "Enabled");
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	loop_wait_event(&loop->client, OPENED, 2);
}

/*
 * A client's work waits for its server's. With room for one work of all clients,
 * and clients that use it up, the servers' works still run.
 */
static void opening_clients_do_not_block_servers(struct kunit *test)
{
	struct loop *loop = test->priv;
	bool up;

	workqueue_set_max_active(kmcl_wq, 1);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	up = wait_event_timeout(loop->client.wait,
				loop_count(&loop->client, POST_STARTED),
				LOOP_LIMIT);
	workqueue_set_max_active(kmcl_wq, WQ_MAX_ACTIVE);
	KUNIT_EXPECT_TRUE(test, up);
}

/* The client's transport may be about to open what is revoked: it connects nothing */
static void an_open_after_the_offer_was_revoked(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_offer *offer;
	struct kmcl_ring tx, rx;
	struct job *job;

	loop_up(loop);
	offer = loop->client.ch->link.offer;
	loop_hold(&loop->client, CLOSED);
	job = loop_disable(&loop->server);
	loop_wait_held(&loop->client);
	KUNIT_EXPECT_EQ(test, offer->ops->open(offer, &tx, &rx), -ENODEV);
	loop_release(&loop->client);
	loop_job_wait(job);
}

static struct kunit_case server_cases[] = {
	/* KMCL: VmbServerChannelInitSetFlags */
	/* KMCL: VMBUS_SERVER_CHANNEL_INIT_FLAG_LOOPBACK_OFFER */
	/* KMCL: VMBUS_SERVER_CHANNEL_INIT_FLAG_ENUMERATE_DEVICE_INTERFACE */
	/* KMCL: VMBUS_SERVER_CHANNEL_INIT_FLAG_TLNPI_PROVIDER_OFFER */
	KUNIT_CASE_PARAM(flags_are_translated_into_the_offers, flags_gen_params),
	/* KMCL: VMBUS_SERVER_CHANNEL_INIT_FLAG_OFFER_AS_PIPE */
	KUNIT_CASE(a_pipe_is_offered_as_one),
	/* KMCL: VmbServerChannelInitSetFlags */
	KUNIT_CASE(every_flag_leaves_a_server_that_works),
	/* KMCL: VmbServerChannelInitSetFlags VmbServerChannelInitSetMmioMegabytes */
	/* KMCL: VmbServerChannelInitSetTargetVtl VmbServerChannelInitSetVmbusHandle */
	KUNIT_CASE(setters_refuse_wrong_values),
	/* KMCL: VmbServerChannelInitSetMmioMegabytes */
	KUNIT_CASE(setters_need_a_disabled_channel),
	/* KMCL: VmbConvertVmbusHandleToKernelHandle */
	KUNIT_CASE(no_handle_becomes_a_kernels),
	/* KMCL: VmbChannelSetInterruptLatency */
	KUNIT_CASE(latency_is_for_a_channel_that_is_open),
	/* KMCL: VmbChannelGetMmioSpace */
	KUNIT_CASE(a_loopback_client_has_no_mmio),
	/* KMCL: VmbChannelGetInterfaceInstance */
	KUNIT_CASE(the_instance_is_the_one_in_use),
	KUNIT_CASE(closing_by_the_client_leaves_the_offer),
	KUNIT_CASE(disabling_the_server_withdraws_the_offer),
	KUNIT_CASE(opening_clients_do_not_block_servers),
	KUNIT_CASE(an_open_after_the_offer_was_revoked),
	{}
};

static struct kunit_suite server_suite = {
	.name = "kmcl_server",
	.init = loop_init,
	.exit = loop_exit,
	.test_cases = server_cases,
};

kunit_test_suite(server_suite);
