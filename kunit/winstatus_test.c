// SPDX-License-Identifier: GPL-2.0
/*
 * Statuses as they come out of calls and arrive in callbacks under Windows'
 * names: those of packets that end, of openings that fail, of what Linux does
 * not have. The numbers are in ntstatus_test.c, those of synchronous requests
 * in winsync_test.c. Needs loopback, and a transport that is the test itself.
 */
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <kmcl/vmbuskernelmodeclientlibapi.h>

#include "harness.h"

#define WAIT	VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION
#define NOTES	8

#define EXPECT_STATUS(test, call, status) \
	KUNIT_EXPECT_EQ(test, (u32)(call), (u32)(status))

/* A packet, and the arguments of its completion routine */
struct note {
	NTSTATUS status;
	UINT32 length;
	bool buffer;
	u32 done;
	u32 order;
};

struct winstatus_fixture {
	struct note notes[NOTES];
	u32 sent;
	u32 done;
	u32 others;		/* calls of another routine */
	u32 failures;
	NTSTATUS failure;
	u32 asked;
	NTSTATUS status[2];
};

static struct winstatus_fixture fx;

static int winstatus_init(struct kunit *test)
{
	memset(&fx, 0, sizeof(fx));
	return loop_init(test);
}

static VOID packet_done(VMBPACKET Packet, NTSTATUS Status, PVOID Buffer,
			UINT32 BufferLength)
{
	struct end *e = loop_end(VmbPacketGetChannel(Packet));
	struct note *n = VmbPacketGetPointer(Packet);

	n->status = Status;
	n->length = BufferLength;
	n->buffer = Buffer;
	n->order = ++fx.done;
	WRITE_ONCE(n->done, n->done + 1);
	VmbPacketFree(Packet);
	wake_up_all(&e->wait);
}

static struct note *send(struct end *e, UINT32 flags)
{
	struct kunit *test = e->loop->test;
	VMBPACKET packet = VmbPacketAllocate(e->ch);
	u64 value = fx.sent;
	struct note *n;

	KUNIT_ASSERT_NOT_NULL(test, packet);
	KUNIT_ASSERT_LT(test, fx.sent, NOTES);
	n = &fx.notes[fx.sent++];
	n->status = STATUS_PENDING;
	VmbPacketSetPointer(packet, n);
	VmbPacketSetCompletionRoutine(packet, packet_done);
	EXPECT_STATUS(test, VmbPacketSend(packet, &value, sizeof(value), NULL,
					  flags), STATUS_SUCCESS);
	return n;
}

/* It ended once, by now, with nothing from the peer */
static void expect_ended(struct kunit *test, const struct note *n,
			 NTSTATUS status)
{
	KUNIT_EXPECT_EQ(test, READ_ONCE(n->done), 1);
	EXPECT_STATUS(test, n->status, status);
	KUNIT_EXPECT_EQ(test, n->length, 0);
	KUNIT_EXPECT_FALSE(test, n->buffer);
}

static void packets_that_succeed(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct note *plain, *waits;

	loop_up(loop);
	plain = send(&loop->client, 0);
	waits = send(&loop->client, WAIT);
	loop_wait(&loop->client, READ_ONCE(waits->done));
	expect_ended(test, plain, STATUS_SUCCESS);
	EXPECT_STATUS(test, waits->status, STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, waits->length, 8);
	KUNIT_EXPECT_TRUE(test, waits->buffer);
}

static void long_answer(struct end *e, struct kmcl_context *ctx, u64 value)
{
	static u8 data[80];

	VmbChannelPacketComplete(ctx, data, sizeof(data));
}

/* More data than the client's largest packet has room for */
static void an_answer_that_is_too_long(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct note *n;

	EXPECT_STATUS(test, VmbChannelInitSetMaximumPacketSize(loop->client.ch, 64),
		      STATUS_SUCCESS);
	loop->server.process = long_answer;
	loop_up(loop);
	n = send(&loop->client, WAIT);
	loop_wait(&loop->client, READ_ONCE(n->done));
	expect_ended(test, n, STATUS_BUFFER_OVERFLOW);
}

/* In flight on both sides, and queued on one, which disables its channel */
static void end_with(struct end *closing, struct end *peer)
{
	struct loop *loop = closing->loop;
	struct kunit *test = loop->test;
	struct note *held, *unread, *queued;
	struct job *job;

	peer->keep = true;
	loop_up(loop);
	held = send(closing, WAIT);
	loop_wait(peer, loop_kept(peer) == 1);
	VmbChannelPause(closing->ch);
	unread = send(peer, WAIT);
	queued = send(closing, WAIT);
	KUNIT_EXPECT_EQ(test, loop_counters(peer).in_flight, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(closing).in_flight, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(closing).queued, 1);

	job = loop_disable(closing);
	/* The peer still has to complete what it was given */
	loop_wait_event(peer, SUSPEND, 1);
	expect_ended(test, unread, STATUS_DEVICE_REMOVED);
	loop_complete_all(peer);
	loop_job_wait(job);
	expect_ended(test, held, STATUS_CANCELLED);
	KUNIT_EXPECT_EQ(test, READ_ONCE(queued->done), 0);
	loop_wait_event(peer, CLOSED, 1);

	VmbChannelCleanup(closing->ch);
	closing->ch = NULL;
	expect_ended(test, queued, STATUS_CANCELLED);
}

static void packets_of_a_client_that_disables(struct kunit *test)
{
	struct loop *loop = test->priv;

	end_with(&loop->client, &loop->server);
}

static void packets_of_a_server_that_disables(struct kunit *test)
{
	struct loop *loop = test->priv;

	end_with(&loop->server, &loop->client);
}

static void packets_that_cleanup_finds(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct note *n[3];
	u32 i;

	n[0] = send(&loop->client, 0);
	n[1] = send(&loop->client, WAIT);
	n[2] = send(&loop->client, 0);
	VmbChannelCleanup(loop->client.ch);
	loop->client.ch = NULL;
	for (i = 0; i < ARRAY_SIZE(n); i++) {
		expect_ended(test, n[i], STATUS_CANCELLED);
		KUNIT_EXPECT_EQ(test, n[i]->order, i + 1);
	}
}

static VOID another_done(VMBPACKET Packet, NTSTATUS Status, PVOID Buffer,
			 UINT32 BufferLength)
{
	fx.others++;
}

static void the_routine_of_a_packet_in_use_stays(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBPACKET packet = VmbPacketAllocate(loop->client.ch);
	struct note *n = &fx.notes[fx.sent++];

	KUNIT_ASSERT_NOT_NULL(test, packet);
	VmbPacketSetPointer(packet, n);
	VmbPacketSetCompletionRoutine(packet, another_done);
	VmbPacketSetCompletionRoutine(packet, packet_done);
	EXPECT_STATUS(test, VmbPacketSend(packet, NULL, 0, NULL, 0),
		      STATUS_SUCCESS);
	VmbPacketSetCompletionRoutine(packet, another_done);
	VmbPacketSetCompletionRoutine(packet, NULL);
	VmbChannelCleanup(loop->client.ch);
	loop->client.ch = NULL;
	expect_ended(test, n, STATUS_CANCELLED);
	KUNIT_EXPECT_EQ(test, fx.others, 0);
}

/* The routine was removed, or was set before the packet was freed */
static void packets_without_a_routine_are_freed(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	VMBPACKET packet, first;
	u32 i;

	loop_up(loop);
	first = VmbPacketAllocate(client->ch);
	KUNIT_ASSERT_NOT_NULL(test, first);
	KUNIT_ASSERT_EQ(test, loop_cached(client), 0);
	VmbPacketSetCompletionRoutine(first, another_done);
	VmbPacketFree(first);
	for (i = 1; i <= 2; i++) {
		packet = VmbPacketAllocate(client->ch);
		KUNIT_ASSERT_PTR_EQ(test, packet, first);
		if (i == 2) {
			VmbPacketSetCompletionRoutine(packet, another_done);
			VmbPacketSetCompletionRoutine(packet, NULL);
		}
		KUNIT_ASSERT_EQ(test, loop_cached(client), 0);
		EXPECT_STATUS(test, VmbPacketSend(packet, NULL, 0, NULL, WAIT),
			      STATUS_SUCCESS);
		loop_wait(client, loop_cached(client) == 1);
	}
	KUNIT_EXPECT_EQ(test, fx.others, 0);
}

static VOID pnp_failure(VMBCHANNEL Channel, NTSTATUS FailureStatus)
{
	fx.failure = FailureStatus;
	WRITE_ONCE(fx.failures, fx.failures + 1);
	wake_up_all(&loop_end(Channel)->wait);
}

/* The next opening fails, with this number */
static void expect_failure(struct loop *loop, u32 number)
{
	struct kunit *test = loop->test;
	struct end *client = &loop->client;
	u32 before = fx.failures;

	fx.failure = STATUS_SUCCESS;
	EXPECT_STATUS(test,
		      VmbClientChannelInitSetTargetPnp(client->ch, &loop->type,
						       &loop->instance,
						       pnp_failure),
		      STATUS_SUCCESS);
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(client->ch), STATUS_SUCCESS);
	loop_wait(client, READ_ONCE(fx.failures) != before);
	KUNIT_EXPECT_EQ(test, (u32)fx.failure, number);
	loop_wait_state(client, "Disabled");
}

static void openings_that_a_server_refuses(struct kunit *test)
{
	struct loop *loop = test->priv;

	KUNIT_ASSERT_EQ(test, VmbChannelEnable(loop->server.ch), STATUS_SUCCESS);
	/* A warning is a failure, too */
	loop->server.opened_result = STATUS_INSUFFICIENT_RESOURCES;
	expect_failure(loop, 0xc0000001);
	loop->server.opened_result = STATUS_BUFFER_OVERFLOW;
	expect_failure(loop, 0xc0000001);
	KUNIT_EXPECT_EQ(test, loop_count(&loop->client, OPENED_BEGINS), 0);
	/* And this is none */
	loop->server.opened_result = STATUS_PENDING;
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(loop->client.ch), STATUS_SUCCESS);
	loop_wait_event(&loop->client, POST_STARTED, 1);
	KUNIT_EXPECT_EQ(test, fx.failures, 2);
}

/* A pipe has headers of its own in its packets */
static void openings_by_a_client_of_the_other_mode(struct kunit *test)
{
	struct loop *loop = test->priv;

	KUNIT_ASSERT_EQ(test, VmbChannelEnable(loop->server.ch), STATUS_SUCCESS);
	EXPECT_STATUS(test,
		      VmbChannelInitSetFlags(loop->client.ch,
					     VMBUS_CHANNEL_INIT_FLAG_IS_PIPE),
		      STATUS_SUCCESS);
	expect_failure(loop, 0xc0000186);
	KUNIT_EXPECT_EQ(test, loop_count(&loop->client, OPENED_BEGINS), 0);
}

static int watch_result, open_result;

static int fake_watch(const guid_t *type, bool look)
{
	return watch_result;
}

static void fake_unwatch(const guid_t *type)
{
}

static int fake_open(struct kmcl_offer *offer, struct kmcl_ring *tx,
		     struct kmcl_ring *rx)
{
	return open_result;
}

static void fake_done(struct kmcl_offer *offer)
{
}

static const struct kmcl_transport_ops fake_ops = {
	.name = "test",
	.watch = fake_watch,
	.unwatch = fake_unwatch,
	.open = fake_open,
	.close = fake_done,
	.release = fake_done,
	.signal = fake_done,
};

static const struct refusal {
	const char *name;
	int ret;
	u32 number;
} refusals[] = {
	{ "-ECONNREFUSED", -ECONNREFUSED, 0xc0000001 },
	{ "-ENOMEM", -ENOMEM, 0xc000009a },
	{ "-EOPNOTSUPP", -EOPNOTSUPP, 0xc00000bb },
	{ "-EPROTO", -EPROTO, 0xc0000186 },
};

KUNIT_ARRAY_PARAM_DESC(refusal, refusals, name);

static void openings_that_a_transport_refuses(struct kunit *test)
{
	const struct refusal *refusal = test->param_value;
	struct loop *loop = test->priv;
	struct kmcl_offer *offer;

	watch_result = 0;
	open_result = refusal->ret;
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	offer = kmcl_offer_add(&fake_ops, &loop->type, &loop->instance, NULL,
			       NULL);
	KUNIT_EXPECT_FALSE(test, IS_ERR(offer));
	if (!IS_ERR(offer)) {
		/* It is as usable afterwards as before */
		expect_failure(loop, refusal->number);
		expect_failure(loop, refusal->number);
		kmcl_offer_gone(offer);
	}
	kmcl_transport_unregister(&fake_ops);
}

static NTSTATUS enabled_in[LOOP_EVENTS];

static void enable_in_callback(struct end *e, enum loop_event what)
{
	enabled_in[what] = VmbChannelEnable(e->ch);
}

static void what_enabling_says(struct kunit *test)
{
	static const enum loop_event callbacks[] = {
		OPENED, STARTED, POST_STARTED, SUSPEND, CLOSED,
	};
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	VMBCHANNEL other;
	u32 i;

	/* No VMBus on this machine */
	watch_result = -ENXIO;
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	EXPECT_STATUS(test, VmbChannelEnable(client->ch), STATUS_NO_SUCH_DEVICE);
	kmcl_transport_unregister(&fake_ops);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(client->ch), "Disabled");

	memset(enabled_in, 0, sizeof(enabled_in));
	client->hook = enable_in_callback;
	loop_up(loop);
	EXPECT_STATUS(test, VmbChannelEnable(client->ch),
		      STATUS_INVALID_DEVICE_STATE);
	EXPECT_STATUS(test, VmbChannelEnable(loop->server.ch),
		      STATUS_INVALID_DEVICE_STATE);
	VmbChannelPause(client->ch);
	EXPECT_STATUS(test, VmbChannelEnable(client->ch),
		      STATUS_INVALID_DEVICE_STATE);
	VmbChannelDisable(client->ch);
	for (i = 0; i < ARRAY_SIZE(callbacks); i++)
		EXPECT_STATUS(test, enabled_in[callbacks[i]],
			      STATUS_INVALID_DEVICE_STATE);

	/* A server without a target, and with another one's */
	KUNIT_ASSERT_EQ(test, kmcl_channel_alloc(NULL, true, &other), 0);
	EXPECT_STATUS(test, VmbChannelEnable(other), STATUS_INVALID_DEVICE_STATE);
	EXPECT_STATUS(test,
		      VmbServerChannelInitSetTargetInterfaceId(other, loop->type,
							       loop->instance),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test, VmbChannelEnable(other),
		      STATUS_OBJECT_NAME_COLLISION);
	VmbChannelCleanup(other);
}

static VOID get_external(VMBCHANNEL Channel, VMBPACKETCOMPLETION Packet,
			 PVOID Buffer, UINT32 BufferLength, UINT32 Flags)
{
	PMDL mdl;
	u32 i = fx.asked;

	if (i < ARRAY_SIZE(fx.status))
		fx.status[i] = VmbChannelPacketGetExternalData(Packet, 0, &mdl);
	if (i || fx.status[i] != STATUS_PENDING)
		VmbChannelPacketComplete(Packet, NULL, 0);
	WRITE_ONCE(fx.asked, i + 1);
	wake_up_all(&loop_end(Channel)->wait);
}

static void external_data_that_is_pending(struct kunit *test)
{
	struct loop *loop = test->priv;
	u8 *mem = kunit_kzalloc(test, 100, GFP_KERNEL);
	struct note *n = &fx.notes[fx.sent++];
	VMBPACKET packet;
	PMDL mdl;

	KUNIT_ASSERT_NOT_NULL(test, mem);
	EXPECT_STATUS(test,
		      VmbChannelInitSetProcessPacketCallbacks(loop->server.ch,
							      get_external,
							      NULL),
		      STATUS_SUCCESS);
	loop_up(loop);
	loop_absent(loop, 1);
	packet = VmbPacketAllocate(loop->client.ch);
	KUNIT_ASSERT_NOT_NULL(test, packet);
	VmbPacketSetPointer(packet, n);
	VmbPacketSetCompletionRoutine(packet, packet_done);
	mdl = IoAllocateMdl(mem, 100, FALSE, FALSE, NULL);
	KUNIT_ASSERT_NOT_NULL(test, mdl);
	MmBuildMdlForNonPagedPool(mdl);
	EXPECT_STATUS(test, VmbPacketSend(packet, NULL, 0, mdl, WAIT),
		      STATUS_SUCCESS);
	loop_wait(&loop->client, READ_ONCE(n->done));
	IoFreeMdl(mdl);
	KUNIT_EXPECT_EQ(test, fx.asked, 2);
	EXPECT_STATUS(test, fx.status[0], STATUS_PENDING);
	KUNIT_EXPECT_TRUE(test, NT_SUCCESS(fx.status[0]));
	EXPECT_STATUS(test, fx.status[1], STATUS_SUCCESS);
	EXPECT_STATUS(test, n->status, STATUS_SUCCESS);
}

static void what_linux_does_not_have(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBCHANNEL server = loop->server.ch;
	UINT16 original = 77;
	u8 image[256];
	ULONG filled;

	EXPECT_STATUS(test, VmbServerChannelInitSetTargetVtl(server, 1),
		      STATUS_NOT_SUPPORTED);
	loop_up(loop);
	EXPECT_STATUS(test, VmbChannelSetInterruptLatency(loop->client.ch, 1,
							  &original),
		      STATUS_NOT_SUPPORTED);
	KUNIT_EXPECT_EQ(test, original, 77);

	/* An image with a packet, and no callback to restore it */
	VmbChannelPause(server);
	send(&loop->server, 0);
	EXPECT_STATUS(test, VmbChannelSaveBegin(server), STATUS_SUCCESS);
	EXPECT_STATUS(test, VmbChannelSaveContinue(server, image, sizeof(image),
						   &filled, NULL),
		      STATUS_SUCCESS);
	VmbChannelSaveEnd(server);
	EXPECT_STATUS(test, VmbChannelRestoreFromBuffer(server, image, filled),
		      STATUS_NOT_SUPPORTED);
}

static struct kunit_case winstatus_cases[] = {
	/* KMCL: EVT_VMB_PACKET_COMPLETION_ROUTINE VmbPacketSetCompletionRoutine */
	KUNIT_CASE(packets_that_succeed),
	/* KMCL: EVT_VMB_PACKET_COMPLETION_ROUTINE VmbChannelDisable */
	KUNIT_CASE(packets_of_a_client_that_disables),
	/* KMCL: EVT_VMB_PACKET_COMPLETION_ROUTINE */
	KUNIT_CASE(packets_of_a_server_that_disables),
	/* KMCL: VmbChannelCleanup */
	KUNIT_CASE(packets_that_cleanup_finds),
	/* KMCL: EVT_VMB_PACKET_COMPLETION_ROUTINE VmbChannelInitSetMaximumPacketSize */
	KUNIT_CASE(an_answer_that_is_too_long),
	/* KMCL: VmbPacketSetCompletionRoutine */
	KUNIT_CASE(the_routine_of_a_packet_in_use_stays),
	/* KMCL: VmbPacketSetCompletionRoutine VmbPacketAllocate */
	KUNIT_CASE(packets_without_a_routine_are_freed),
	/* KMCL: EVT_VMB_CHANNEL_PNP_FAILURE EVT_VMB_CHANNEL_OPENED */
	KUNIT_CASE(openings_that_a_server_refuses),
	KUNIT_CASE(openings_by_a_client_of_the_other_mode),
	/* KMCL: EVT_VMB_CHANNEL_PNP_FAILURE */
	KUNIT_CASE_PARAM(openings_that_a_transport_refuses, refusal_gen_params),
	/* KMCL: VmbChannelEnable */
	KUNIT_CASE(what_enabling_says),
	/* KMCL: VmbChannelPacketGetExternalData */
	KUNIT_CASE(external_data_that_is_pending),
	/* KMCL: VmbServerChannelInitSetTargetVtl VmbChannelSetInterruptLatency */
	/* KMCL: VmbChannelRestoreFromBuffer */
	KUNIT_CASE(what_linux_does_not_have),
	{}
};

static struct kunit_suite winstatus_suite = {
	.name = "kmcl_winstatus",
	.init = winstatus_init,
	.exit = loop_exit,
	.test_cases = winstatus_cases,
};

kunit_test_suite(winstatus_suite);

MODULE_DESCRIPTION("KUnit tests of KMCL's statuses under Windows' names");
MODULE_LICENSE("GPL");
