// SPDX-License-Identifier: GPL-2.0
/*
 * What each call returns for a wrong argument, in a wrong state and from a
 * callback of its own channel.
 */
#include <linux/slab.h>
#ifndef KMCL_IN_TREE
#include <kmcl/vmb_status.h>
#endif

#include "harness.h"

static void setters_refuse_wrong_values(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *client = loop->client.ch, *server = loop->server.ch;
	struct kmcl_channel *none;

	KUNIT_EXPECT_EQ(test, kmcl_channel_alloc(NULL, false, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_set_ops(client, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_set_process(client, NULL, NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_set_flags(client, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_set_max_packet_size(client, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_set_max_packet_size(client, 524265),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_set_context_size(client, 65537), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_set_ring_pages(client, 0, 4), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_set_ring_pages(client, 4, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_set_ring_pages(client, 4, 3 << 18), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_set_ring_pages(server, 4, 4), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_set_target(client, NULL, NULL, NULL),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_set_target(server, &loop->type, NULL, NULL),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_server_set_target(client, &loop->type,
						     &loop->instance),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_server_set_target(server, NULL,
						     &loop->instance),
			-EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_server_set_target(server, &loop->type, NULL),
			-EINVAL);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_alloc(NULL, false, &none));
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(none), -EBUSY);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_free(none));
}

static void calls_without_a_channel(struct kunit *test)
{
	struct loop *loop = test->priv;
	u64 buf = 0;

	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_channel_free(NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_channel_disable(NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_channel_start(NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_channel_pause(NULL), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_set_flags(NULL, 0), -EBUSY);
	KUNIT_EXPECT_EQ(test, kmcl_set_name(NULL, NULL), -EBUSY);
	KUNIT_EXPECT_EQ(test, kmcl_set_target(NULL, &loop->type, NULL, NULL),
			-EBUSY);
	KUNIT_EXPECT_EQ(test, kmcl_send(NULL, &buf, 8, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_packet_init(NULL, &buf, 8), -EINVAL);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			kmcl_send_sync(NULL, &buf, 8, 0, NULL, NULL, 0));
	kmcl_packet_free(NULL);
}

static void expect_no_setting(struct end *e)
{
	struct kmcl_channel *ch = e->ch;
	struct loop *loop = e->loop;
	struct kunit *test = loop->test;
	int busy = -EBUSY;

	KUNIT_EXPECT_EQ(test, kmcl_set_ops(ch, &ch->cfg.ops), busy);
	KUNIT_EXPECT_EQ(test, kmcl_set_process(ch, ch->cfg.process, NULL), busy);
	KUNIT_EXPECT_EQ(test, kmcl_set_flags(ch, 0), busy);
	KUNIT_EXPECT_EQ(test, kmcl_set_name(ch, "name"), busy);
	KUNIT_EXPECT_EQ(test, kmcl_set_max_packet_size(ch, 64), busy);
	KUNIT_EXPECT_EQ(test, kmcl_set_context_size(ch, 64), busy);
	KUNIT_EXPECT_EQ(test, kmcl_set_ring_pages(ch, 8, 8), busy);
	KUNIT_EXPECT_EQ(test, kmcl_set_target(ch, &loop->type, NULL, NULL),
			busy);
	KUNIT_EXPECT_EQ(test, kmcl_server_set_target(ch, &loop->type,
						     &loop->instance), busy);
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(ch), -EBUSY);
}

static void settings_are_frozen_in_every_other_state(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_state(&loop->client, "Enabled");
	expect_no_setting(&loop->client);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	expect_no_setting(&loop->server);
	kmcl_channel_start(loop->server.ch);
	loop_wait_event(&loop->client, POST_STARTED, 1);
	loop_wait_event(&loop->server, POST_STARTED, 1);
	for (i = 0; i < 2; i++) {
		expect_no_setting(&loop->client);
		expect_no_setting(&loop->server);
		kmcl_channel_pause(loop->client.ch);
		kmcl_channel_pause(loop->server.ch);
	}
	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_EQ(test, 0, kmcl_set_flags(loop->client.ch, 0));
	KUNIT_EXPECT_EQ(test, 0, kmcl_set_ring_pages(loop->client.ch, 8, 8));
}

/*
 * In pages, the control page included. Of what a packet takes in addition to its
 * payload, 24 bytes are descriptor and trailer, and 264 are the header of the 32
 * ranges that a client may receive
 */
static const struct ring_case {
	const char *name;
	u32 packet, asked, expected;
} ring_cases[] = {
	{ "16 KiB of data by default", 64, 0, 5 },
	{ "one page is too few", 64, 1, 2 },
	{ "two pages", 64, 2, 2 },
	{ "nine pages", 64, 9, 9 },
	{ "2 * (1752 + 288) bytes, and 8, fit", 1752, 2, 2 },
	{ "2 * (1760 + 288) bytes, and 8, do not", 1760, 2, 3 },
	{ "2 * (8192 + 288) bytes, and 8, by default", 8192, 0, 6 },
	{ "2 * (8192 + 288) bytes, and 8", 8192, 2, 6 },
};

KUNIT_ARRAY_PARAM_DESC(ring, ring_cases, name);

static void rings_are_as_large_as_asked_for_or_needed(struct kunit *test)
{
	const struct ring_case *ring = test->param_value;
	struct kmcl_channel *ch;
	struct loop *loop = test->priv;

	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_alloc(NULL, false, &ch));
	kmcl_set_target(ch, &loop->type, &loop->type, NULL);
	kmcl_set_max_packet_size(ch, ring->packet);
	if (ring->asked)
		kmcl_set_ring_pages(ch, ring->asked, ring->asked);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_enable(ch));
	KUNIT_EXPECT_EQ(test, ch->cfg.rx_pages, ring->expected);
	/* External data may need more */
	KUNIT_EXPECT_GE(test, ch->cfg.tx_pages, ring->expected);
	if (ring->asked > 8)
		KUNIT_EXPECT_EQ(test, ch->cfg.tx_pages, ring->asked);
	kmcl_channel_disable(ch);
	kmcl_channel_free(ch);
}

static void the_packet_size_is_settled_by_the_first_packet(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;

	/* Enabling does not settle it */
	loop_up(loop);
	kmcl_channel_disable(ch);
	KUNIT_EXPECT_EQ(test, 0, kmcl_set_max_external(ch, 8192, 2));
	KUNIT_EXPECT_EQ(test, 0, kmcl_set_max_packet_size(ch, 61));
	KUNIT_EXPECT_EQ(test, ch->cfg.max_packet, 64);
	kmcl_packet_free(kmcl_packet_alloc(ch));
	KUNIT_EXPECT_EQ(test, kmcl_set_max_packet_size(ch, 64), -EBUSY);
	KUNIT_EXPECT_EQ(test, kmcl_set_max_external(ch, 8192, 2), -EBUSY);
}

static void one_server_for_a_pair_of_guids(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *other;

	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_alloc(NULL, true, &other));
	KUNIT_ASSERT_EQ(test, 0, kmcl_server_set_target(other, &loop->type,
							&loop->instance));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(other), -EEXIST);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(other), "Disabled");
	kmcl_channel_disable(loop->server.ch);
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(other), 0);
	kmcl_channel_disable(other);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_free(other));
}

static u32 refusals;

static void try_all(struct end *e)
{
	refusals += kmcl_channel_disable(e->ch) == -EDEADLK;
	refusals += kmcl_channel_start(e->ch) == -EDEADLK;
	refusals += kmcl_channel_pause(e->ch) == -EDEADLK;
	refusals += kmcl_channel_free(e->ch) == -EDEADLK;
	refusals += kmcl_channel_enable(e->ch) == -EBUSY;
}

static void try_in_state(struct end *e, enum loop_event what)
{
	try_all(e);
}

static void try_in_process(struct end *e, struct kmcl_context *ctx, u64 value)
{
	try_all(e);
	kmcl_complete(ctx, NULL, 0);
}

static void state_callbacks_may_not_end_their_channel(struct kunit *test)
{
	struct loop *loop = test->priv;

	refusals = 0;
	loop->client.hook = try_in_state;
	loop_up(loop);
	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_EQ(test, refusals, 5 * 5);
	loop_expect_events(&loop->client, OPENED, STARTED, POST_STARTED,
			   SUSPEND, CLOSED);

	refusals = 0;
	loop->server.opened_result = -EIO;
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_event(&loop->client, FAILURE, 1);
	KUNIT_EXPECT_EQ(test, refusals, 5);
}

static const struct context_case {
	const char *name;
	bool task;
} contexts[] = {
	{ "in softirq or a task", false },
	{ "in a task", true },
};

KUNIT_ARRAY_PARAM_DESC(context, contexts, name);

static void process_callbacks_may_not_end_their_channel(struct kunit *test)
{
	const struct context_case *context = test->param_value;
	struct loop *loop = test->priv;
	struct sent *s;

	refusals = 0;
	loop->server.process = try_in_process;
	kmcl_set_process_context(loop->server.ch, context->task);
	kmcl_channel_start(loop->server.ch);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	s = loop_send(&loop->client, 1, KMCL_SEND_WAIT);
	loop_wait(&loop->client, s->done);
	KUNIT_EXPECT_EQ(test, s->status, 0);
	KUNIT_EXPECT_EQ(test, refusals, 5);
}

static void try_in_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	try_all(kmcl_packet_get_pointer(pkt));
	kmcl_packet_free(pkt);
}

/* In the caller's own context: the packet completes inside kmcl_send() */
static void completion_routines_may_not_end_their_channel(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt;
	u64 buf = 1;

	loop_up(loop);
	refusals = 0;
	pkt = loop_packet(&loop->client, try_in_done);
	kmcl_packet_set_pointer(pkt, &loop->client);
	KUNIT_ASSERT_EQ(test, 0, kmcl_send(pkt, &buf, sizeof(buf), 0));
	KUNIT_EXPECT_EQ(test, refusals, 5);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(loop->client.ch),
			   "Active");
}

#ifndef KMCL_IN_TREE
static void the_failure_callback_may_want_an_ntstatus(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;
	kmcl_pnp_failure_fn failure = ch->cfg.pnp_failure;

	loop->server.opened_result = -EIO;
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	KUNIT_ASSERT_EQ(test, 0,
			kmcl_nt_set_target(ch, &loop->type, NULL, failure));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(ch));
	loop_wait_event(&loop->client, FAILURE, 1);
	KUNIT_EXPECT_EQ(test, (u32)loop->failure, 0xc0000001);
	loop_wait_state(&loop->client, "Disabled");

	/* Until it is set by its other name */
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_target(ch, &loop->type, NULL, failure));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(ch));
	loop_wait_event(&loop->client, FAILURE, 2);
	KUNIT_EXPECT_EQ(test, loop->failure, -ECONNREFUSED);
	loop_wait_state(&loop->client, "Disabled");

	/* None is set, and the one before is not called */
	loop->failure = 1;
	KUNIT_ASSERT_EQ(test, 0, kmcl_nt_set_target(ch, &loop->type, NULL, NULL));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(ch));
	loop_wait_state(&loop->client, "Disabled");
	KUNIT_EXPECT_EQ(test, loop->failure, 1);
}
#endif

static struct kunit_case params_cases[] = {
	KUNIT_CASE(setters_refuse_wrong_values),
	/* KMCL: VmbChannelCleanup */
	KUNIT_CASE(calls_without_a_channel),
	/* KMCL: VmbChannelInitSetClientContextSize */
	KUNIT_CASE(settings_are_frozen_in_every_other_state),
	/* KMCL: VmbClientChannelInitSetRingBufferPageCount */
	KUNIT_CASE_PARAM(rings_are_as_large_as_asked_for_or_needed,
			 ring_gen_params),
	/* KMCL: VmbChannelInitSetMaximumPacketSize */
	KUNIT_CASE(the_packet_size_is_settled_by_the_first_packet),
	/* KMCL: VmbChannelEnable VmbServerChannelInitSetTargetInterfaceId */
	KUNIT_CASE(one_server_for_a_pair_of_guids),
	/* KMCL: VmbChannelDisable */
	KUNIT_CASE(state_callbacks_may_not_end_their_channel),
	/* KMCL: EVT_VMB_CHANNEL_PROCESS_PACKET */
	KUNIT_CASE_PARAM(process_callbacks_may_not_end_their_channel,
			 context_gen_params),
	/* KMCL: EVT_VMB_PACKET_COMPLETION_ROUTINE */
	KUNIT_CASE(completion_routines_may_not_end_their_channel),
#ifndef KMCL_IN_TREE
	/* KMCL: VmbClientChannelInitSetTargetPnp EVT_VMB_CHANNEL_PNP_FAILURE */
	KUNIT_CASE(the_failure_callback_may_want_an_ntstatus),
#endif
	{}
};

static struct kunit_suite params_suite = {
	.name = "kmcl_params",
	.init = loop_init,
	.exit = loop_exit,
	.test_cases = params_cases,
};

kunit_test_suite(params_suite);
