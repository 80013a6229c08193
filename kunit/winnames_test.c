// SPDX-License-Identifier: GPL-2.0
/*
 * How a channel behaves when it is used with Windows' names: getters
 * at any time, incoming packets deferred and failed, pausing and starting.
 * What only a server calls is in winserver_test.c. Needs loopback only.
 */
#include <linux/string.h>
#include <kmcl/vmbuskernelmodeclientlibapi.h>

#include "harness.h"

#define WAIT	VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION

#define EXPECT_STATUS(test, call, status) \
	KUNIT_EXPECT_EQ(test, (u32)(call), (u32)(status))

static void expect_instance(struct kunit *test, VMBCHANNEL channel,
			    const GUID *expected)
{
	GUID guid;

	memset(&guid, 0xff, sizeof(guid));
	VmbChannelGetInterfaceInstance(channel, &guid);
	KUNIT_EXPECT_MEMEQ(test, &guid, expected, sizeof(guid));
}

static void the_instance_that_is_in_use(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBCHANNEL client = loop->client.ch, server = loop->server.ch;

	EXPECT_STATUS(test,
		      VmbClientChannelInitSetTargetPnp(client, &loop->type, NULL,
						       NULL),
		      STATUS_SUCCESS);
	expect_instance(test, server, &loop->instance);
	expect_instance(test, client, &guid_null);
	EXPECT_STATUS(test, VmbChannelEnable(client), STATUS_SUCCESS);
	expect_instance(test, client, &guid_null);
	VmbChannelStart(server);
	EXPECT_STATUS(test, VmbChannelEnable(server), STATUS_SUCCESS);
	loop_wait_event(&loop->client, POST_STARTED, 1);
	expect_instance(test, client, &loop->instance);
	VmbChannelDisable(client);
	expect_instance(test, client, &loop->instance);
	VmbChannelDisable(server);
	expect_instance(test, server, &loop->instance);
	/* It waits again: unbound, and there was one before */
	EXPECT_STATUS(test, VmbChannelEnable(client), STATUS_SUCCESS);
	loop_wait_state(&loop->client, "Enabled");
	expect_instance(test, client, &loop->instance);
	VmbChannelDisable(client);
	EXPECT_STATUS(test,
		      VmbClientChannelInitSetTargetPnp(client, &loop->type, NULL,
						       NULL),
		      STATUS_SUCCESS);
	expect_instance(test, client, &guid_null);
}

static void an_instance_that_was_not_opened(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBCHANNEL client = loop->client.ch, server = loop->server.ch;

	EXPECT_STATUS(test,
		      VmbClientChannelInitSetTargetPnp(client, &loop->type, NULL,
						       NULL),
		      STATUS_SUCCESS);
	loop->client.opened_result = -EIO;
	EXPECT_STATUS(test, VmbChannelEnable(server), STATUS_SUCCESS);
	EXPECT_STATUS(test, VmbChannelEnable(client), STATUS_SUCCESS);
	loop_wait_event(&loop->client, OPENED, 1);
	loop_wait_state(&loop->client, "Disabled");
	expect_instance(test, client, &guid_null);
	loop->client.opened_result = 0;
}

/* Not a device of hv_vmbus: transport_test.c has one that has some */
static void there_is_no_mmio_on_the_loopback_bus(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBCHANNEL channels[] = { loop->client.ch, loop->server.ch };
	UINT64 address, size;
	u32 i, round;

	EXPECT_STATUS(test,
		      VmbServerChannelInitSetMmioMegabytes(loop->server.ch, 8,
							   0),
		      STATUS_SUCCESS);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < ARRAY_SIZE(channels); i++) {
			address = U64_MAX;
			size = U64_MAX;
			VmbChannelGetMmioSpace(channels[i], &address, &size);
			KUNIT_EXPECT_EQ(test, address, 0);
			KUNIT_EXPECT_EQ(test, size, 0);
		}
		if (!round)
			loop_up(loop);
	}
}

static NTSTATUS latency[LOOP_EVENTS];
static UINT16 original;

static void latency_in_callback(struct end *e, enum loop_event what)
{
	latency[what] = VmbChannelSetInterruptLatency(e->ch, 10, &original);
}

static void latency_needs_a_channel_that_is_open(struct kunit *test)
{
	static const enum loop_event callbacks[] = {
		OPENED, STARTED, POST_STARTED, SUSPEND, CLOSED,
	};
	struct loop *loop = test->priv;
	VMBCHANNEL client = loop->client.ch;
	u32 i;

	original = 77;
	memset(latency, 0, sizeof(latency));
	EXPECT_STATUS(test, VmbChannelSetInterruptLatency(NULL, 1, &original),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test, VmbChannelSetInterruptLatency(client, 1, &original),
		      STATUS_INVALID_DEVICE_STATE);
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(client), STATUS_SUCCESS);
	EXPECT_STATUS(test, VmbChannelSetInterruptLatency(client, 1, &original),
		      STATUS_INVALID_DEVICE_STATE);
	VmbChannelDisable(client);

	loop->client.hook = latency_in_callback;
	loop_up(loop);
	VmbChannelDisable(client);
	for (i = 0; i < ARRAY_SIZE(callbacks); i++)
		EXPECT_STATUS(test, latency[callbacks[i]], STATUS_NOT_SUPPORTED);
	EXPECT_STATUS(test, VmbChannelSetInterruptLatency(client, 1, &original),
		      STATUS_INVALID_DEVICE_STATE);
	KUNIT_EXPECT_EQ(test, original, 77);
}

static void put_off_in_softirq(struct end *e, struct kmcl_context *ctx,
			       u64 value)
{
	u64 reply = value + 1;

	if (in_task())
		VmbChannelPacketComplete(ctx, &reply, sizeof(reply));
	else
		VmbChannelPacketDeferToPassive(ctx);
}

static void a_packet_is_put_off_to_passive(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	struct sent *first, *second;
	struct kmcl_counters c;

	server->process = put_off_in_softirq;
	/* Both in the ring before delivery begins */
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(server->ch), STATUS_SUCCESS);
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(loop->client.ch), STATUS_SUCCESS);
	loop_wait_event(&loop->client, POST_STARTED, 1);
	first = loop_send(&loop->client, 1, WAIT);
	second = loop_send(&loop->client, 2, WAIT);
	VmbChannelStart(server->ch);
	loop_wait(&loop->client, second->done);
	/* Once more, then at PASSIVE; what comes later waits behind it */
	KUNIT_EXPECT_EQ(test, server->got[0], 1);
	KUNIT_EXPECT_EQ(test, server->got[1], 1);
	KUNIT_EXPECT_EQ(test, server->got[2], 2);
	KUNIT_EXPECT_EQ(test, server->got_in_task, 2);
	KUNIT_EXPECT_EQ(test, first->status, 0);
	KUNIT_EXPECT_EQ(test, first->reply, 2);
	KUNIT_EXPECT_EQ(test, second->reply, 3);
	KUNIT_EXPECT_LT(test, first->order, second->order);
	c = loop_counters(server);
	KUNIT_EXPECT_EQ(test, c.delivered, 2);
	KUNIT_EXPECT_EQ(test, c.outstanding, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).comps_stale, 0);
}

static void fail_the_second(struct end *e, struct kmcl_context *ctx,
			    u64 value)
{
	if (value == 2)
		VmbChannelPacketFail(ctx);
	else
		VmbChannelPacketComplete(ctx, &value, sizeof(value));
}

static void a_failed_packet_stops_the_queue(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	struct sent *s[3];
	u32 i;

	server->process = fail_the_second;
	loop_up(loop);
	for (i = 0; i < 3; i++)
		s[i] = loop_send(client, i + 1, WAIT);
	loop_wait(client, s[0]->done);
	loop_poll(server, c->failed == 1);
	tasklet_kill(&server->ch->rx.tasklet);
	KUNIT_EXPECT_EQ(test, loop_got(server), 2);
	KUNIT_EXPECT_EQ(test, loop_counters(server).outstanding, 0);
	KUNIT_EXPECT_EQ(test, s[1]->done + s[2]->done, 0);
	/* The link is as it was, and the state callbacks are */
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(server->ch), "Active");
	VmbChannelDisable(client->ch);
	KUNIT_EXPECT_EQ(test, s[1]->status, -ECANCELED);
	KUNIT_EXPECT_EQ(test, s[2]->status, -ECANCELED);
	loop_wait_event(server, CLOSED, 1);
	loop_expect_events(server, OPENED, STARTED, POST_STARTED, SUSPEND,
			   CLOSED);
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(client->ch), STATUS_SUCCESS);
	s[0] = loop_send(client, 4, WAIT);
	loop_wait(client, s[0]->done);
	KUNIT_EXPECT_EQ(test, s[0]->status, 0);
}

static void pause_thread(void *data)
{
	VmbChannelPause(((struct end *)data)->ch);
}

static void pausing_and_starting(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	struct job *job;

	/* A server is as if it was paused, until it is started */
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(server->ch), STATUS_SUCCESS);
	VmbChannelPause(client->ch);
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(client->ch), STATUS_SUCCESS);
	loop_wait_state(client, "Paused");
	loop_wait_state(server, "Paused");
	loop_expect_events(client, OPENED);
	loop_expect_events(server, OPENED);
	loop_send(client, 1, WAIT);
	KUNIT_EXPECT_EQ(test, loop_counters(client).queued, 1);
	server->keep = true;
	VmbChannelStart(server->ch);
	VmbChannelStart(client->ch);
	loop_wait(server, loop_kept(server) == 1);
	loop_wait_event(server, POST_STARTED, 1);

	job = loop_job(loop, pause_thread, server);
	loop_wait_event(server, SUSPEND, 1);
	/* The packet is outstanding: pausing waits for it */
	KUNIT_EXPECT_EQ(test, wait_for_completion_timeout(&job->done, HZ / 20), 0);
	loop_complete_all(server);
	loop_job_wait(job);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(server->ch), "Paused");
	loop_send(client, 2, 0);
	tasklet_kill(&server->ch->rx.tasklet);
	KUNIT_EXPECT_EQ(test, loop_got(server), 1);
	/* A second call changes nothing */
	VmbChannelPause(server->ch);
	loop_expect_events(server, OPENED, STARTED, POST_STARTED, SUSPEND);
	VmbChannelStart(server->ch);
	loop_wait(server, loop_got(server) == 2);
	loop_wait_event(server, POST_STARTED, 2);
	VmbChannelStart(server->ch);
	flush_work(&server->ch->sm.work);
	loop_expect_events(server, OPENED, STARTED, POST_STARTED, SUSPEND,
			   STARTED, POST_STARTED);
}

static u32 batches_in_softirq, batched;

static VOID end_of_batch(VMBCHANNEL Channel, UINT32 PacketsProcessed)
{
	batches_in_softirq += !in_task();
	WRITE_ONCE(batched, batched + PacketsProcessed);
	wake_up_all(&loop_end(Channel)->wait);
}

static void delivery_at_passive(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	u32 i;

	batches_in_softirq = 0;
	batched = 0;
	EXPECT_STATUS(test,
		      VmbChannelInitSetProcessPacketCallbacks(server->ch,
							      server->ch->cfg.process,
							      end_of_batch),
		      STATUS_SUCCESS);
	VmbChannelSetIncomingProcessingAtPassive(server->ch, TRUE);
	loop_up(loop);
	for (i = 0; i < 100; i++)
		loop_send(&loop->client, i, i % 2 ? WAIT : 0);
	loop_wait(&loop->client, loop_done(&loop->client) == 100);
	loop_wait(server, READ_ONCE(batched) == 100);
	KUNIT_EXPECT_EQ(test, server->got_in_task, 100);
	KUNIT_EXPECT_EQ(test, batches_in_softirq, 0);
	/* Or in either context, which the library chooses */
	VmbChannelSetIncomingProcessingAtPassive(server->ch, FALSE);
	for (i = 100; i < 200; i++)
		loop_send(&loop->client, i, WAIT);
	loop_wait(&loop->client, loop_done(&loop->client) == 200);
	for (i = 0; i < 200; i++)
		KUNIT_EXPECT_EQ(test, server->got[i], i);
}

static void a_quota_of_packets(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	u32 i;

	server->keep = true;
	VmbChannelSetTransactionQuota(server->ch, 2);
	loop_up(loop);
	for (i = 0; i < 5; i++)
		loop_send(&loop->client, i, WAIT);
	for (i = 2; i < 5; i++) {
		loop_wait(server, loop_kept(server) == i);
		loop_poll(server, c->quota_stops >= i - 1);
		tasklet_kill(&server->ch->rx.tasklet);
		KUNIT_EXPECT_EQ(test, loop_counters(server).outstanding, 2);
		loop_complete_kept(server, i - 2, i);
	}
	loop_wait(server, loop_kept(server) == 5);
	/* A quota of 0 is ignored */
	VmbChannelSetTransactionQuota(server->ch, 0);
	loop_complete_all(server);
	for (i = 0; i < 3; i++)
		loop_send(&loop->client, 5 + i, WAIT);
	loop_wait(server, loop_kept(server) == 2);
	tasklet_kill(&server->ch->rx.tasklet);
	KUNIT_EXPECT_EQ(test, loop_counters(server).outstanding_peak, 2);
	server->keep = false;
	loop_complete_all(server);
	loop_wait(&loop->client, loop_done(&loop->client) == 8);
}

static struct kunit_case winnames_cases[] = {
	/* KMCL: VmbChannelGetInterfaceInstance */
	KUNIT_CASE(the_instance_that_is_in_use),
	/* KMCL: VmbChannelGetInterfaceInstance */
	KUNIT_CASE(an_instance_that_was_not_opened),
	/* KMCL: VmbChannelGetMmioSpace */
	KUNIT_CASE(there_is_no_mmio_on_the_loopback_bus),
	/* KMCL: VmbChannelSetInterruptLatency */
	KUNIT_CASE(latency_needs_a_channel_that_is_open),
	/* KMCL: VmbChannelPacketDeferToPassive */
	KUNIT_CASE(a_packet_is_put_off_to_passive),
	/* KMCL: VmbChannelPacketFail */
	KUNIT_CASE(a_failed_packet_stops_the_queue),
	/* KMCL: VmbChannelPause VmbChannelStart */
	KUNIT_CASE(pausing_and_starting),
	/* KMCL: VmbChannelSetIncomingProcessingAtPassive */
	/* KMCL: EVT_VMB_CHANNEL_PROCESSING_COMPLETE */
	KUNIT_CASE(delivery_at_passive),
	/* KMCL: VmbChannelSetTransactionQuota */
	KUNIT_CASE(a_quota_of_packets),
	{}
};

static struct kunit_suite winnames_suite = {
	.name = "kmcl_winnames",
	.init = loop_init,
	.exit = loop_exit,
	.test_cases = winnames_cases,
};

kunit_test_suite(winnames_suite);

MODULE_DESCRIPTION("KUnit tests of KMCL's channels under Windows' names");
MODULE_LICENSE("GPL");
