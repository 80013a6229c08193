// SPDX-License-Identifier: GPL-2.0
/*
 * Several wrong parameters in one call under Windows' names: the status is that
 * of the one that is checked first. One wrong parameter at a time is in
 * winapi_test.c, winmem_test.c, wingpadl_test.c and winserver_test.c. Needs
 * loopback only.
 */
#include <linux/sizes.h>
#include <linux/slab.h>

#include "win_harness.h"

#define WAIT	VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION
#define PIPE	VMBUS_CHANNEL_INIT_FLAG_IS_PIPE

/* STATUS_INVALID_PARAMETER_1 and those that follow it */
#define EXPECT_WRONG(test, parameter, call) \
	KUNIT_EXPECT_EQ(test, (u32)(call), 0xc00000efU + (parameter) - 1)

struct winparams_fixture {
	u8 *mem;
	PMDL mdl;
	PMDL bad_mdl;		/* more bytes than pages */
	VMBPACKETCOMPLETION ctx;
};

static struct winparams_fixture fx;

static int winparams_init(struct kunit *test)
{
	int ret = loop_init(test);

	memset(&fx, 0, sizeof(fx));
	if (ret)
		return ret;
	fx.mem = loop_memory(test, 1);
	fx.mdl = win_describe(test, fx.mem, 100);
	fx.bad_mdl = win_describe(test, fx.mem, 100);
	fx.bad_mdl->ByteCount = SZ_64K;
	return 0;
}

static void winparams_exit(struct kunit *test)
{
	if (fx.ctx)
		VmbChannelPacketComplete(fx.ctx, NULL, 0);
	loop_exit(test);
	IoFreeMdl(fx.bad_mdl);
	IoFreeMdl(fx.mdl);
}

static void no_channel_at_all(struct kunit *test)
{
	VMB_CHANNEL_STATE_CHANGE_CALLBACKS cb;
	struct loop *loop = test->priv;
	UNICODE_STRING name = { .Length = 2 };
	ULONG filled;

	VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT(&cb);
	EXPECT_WRONG(test, 1, VmbChannelAllocate(NULL, FALSE, NULL));
	EXPECT_WRONG(test, 1, VmbChannelEnable(NULL));
	EXPECT_WRONG(test, 1, VmbChannelInitSetClientContextSize(NULL, U32_MAX));
	EXPECT_WRONG(test, 1, VmbChannelInitSetFlags(NULL, U32_MAX));
	EXPECT_WRONG(test, 1, VmbChannelInitSetFriendlyName(NULL, NULL));
	EXPECT_WRONG(test, 1, VmbChannelInitSetFriendlyName(NULL, &name));
	EXPECT_WRONG(test, 1, VmbChannelInitSetMaximumExternalData(NULL, 0, 0));
	EXPECT_WRONG(test, 1, VmbChannelInitSetMaximumPacketSize(NULL, 0));
	EXPECT_WRONG(test, 1,
		     VmbChannelInitSetProcessPacketCallbacks(NULL, NULL, NULL));
	EXPECT_WRONG(test, 1, VmbChannelInitSetStateChangeCallbacks(NULL, &cb));
	EXPECT_WRONG(test, 1,
		     VmbClientChannelInitSetRingBufferPageCount(NULL, 0, 0));
	EXPECT_WRONG(test, 1,
		     VmbClientChannelInitSetTargetPnp(NULL, NULL, NULL, NULL));
	EXPECT_WRONG(test, 1, VmbChannelSetInterruptLatency(NULL, 0, NULL));
	EXPECT_WRONG(test, 1, VmbPacketInitialize(NULL, NULL, 0));
	EXPECT_WRONG(test, 1,
		     VmbChannelSendSynchronousRequest(NULL, NULL, 8, fx.mdl, 8,
						      &filled, NULL, NULL));
	EXPECT_WRONG(test, 1,
		     VmbChannelCreateGpadlFromBuffer(NULL, 2, NULL, 0, NULL));
	EXPECT_WRONG(test, 1,
		     VmbChannelCreateGpadlFromMdl(NULL, 2, NULL, 0, 0, NULL));
	EXPECT_WRONG(test, 1, VmbChannelMapGpadl(NULL, 2, 0, NULL));

	EXPECT_WRONG(test, 1, VmbChannelSaveBegin(NULL));
	EXPECT_WRONG(test, 1,
		     VmbChannelSaveContinue(NULL, NULL, 0, &filled, NULL));
	EXPECT_WRONG(test, 1, VmbChannelRestoreFromBuffer(NULL, NULL, 0));
	EXPECT_WRONG(test, 1, VmbServerChannelInitSetFlags(NULL, U32_MAX));
	EXPECT_WRONG(test, 1, VmbServerChannelInitSetMmioMegabytes(NULL, 0, 0));
	EXPECT_WRONG(test, 1,
		     VmbServerChannelInitSetSaveRestorePacketCallbacks(NULL,
								       NULL,
								       NULL));
	EXPECT_WRONG(test, 1,
		     VmbServerChannelInitSetTargetInterfaceId(NULL, loop->type,
							      loop->instance));
	EXPECT_WRONG(test, 1, VmbServerChannelInitSetTargetVtl(NULL, 255));
	EXPECT_WRONG(test, 1, VmbServerChannelInitSetVmbusHandle(NULL, NULL));
}

static void settings_of_the_other_endpoint(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBCHANNEL client = loop->client.ch, server = loop->server.ch;

	EXPECT_WRONG(test, 1,
		     VmbClientChannelInitSetRingBufferPageCount(server, 0, 0));
	EXPECT_WRONG(test, 1,
		     VmbClientChannelInitSetTargetPnp(server, NULL, NULL, NULL));
	EXPECT_WRONG(test, 1, VmbServerChannelInitSetFlags(client, U32_MAX));
	EXPECT_WRONG(test, 1, VmbServerChannelInitSetMmioMegabytes(client, 0, 0));
	EXPECT_WRONG(test, 1, VmbServerChannelInitSetTargetVtl(client, 255));
	EXPECT_WRONG(test, 1, VmbServerChannelInitSetTargetVtl(client, 1));
	EXPECT_WRONG(test, 1, VmbServerChannelInitSetVmbusHandle(client, NULL));
}

static void settings_with_two_values(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBCHANNEL client = loop->client.ch;

	EXPECT_WRONG(test, 2, VmbChannelInitSetMaximumExternalData(client, 0, 0));
	EXPECT_WRONG(test, 2,
		     VmbClientChannelInitSetRingBufferPageCount(client, 0, 0));
	EXPECT_WRONG(test, 2,
		     VmbClientChannelInitSetRingBufferPageCount(client, 262145,
								0));
	EXPECT_WRONG(test, 3,
		     VmbClientChannelInitSetRingBufferPageCount(client, 262144,
								262145));
	EXPECT_STATUS(test,
		      VmbClientChannelInitSetRingBufferPageCount(client, 262144,
								 262144),
		      STATUS_SUCCESS);
}

/* The status of an enabled channel does not depend on the value */
static void settings_of_a_channel_that_is_enabled(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBCHANNEL client = loop->client.ch, server = loop->server.ch;

	loop_up(loop);
	EXPECT_WRONG(test, 1, VmbChannelInitSetClientContextSize(client, 65537));
	EXPECT_WRONG(test, 1, VmbChannelInitSetFlags(client, U32_MAX));
	EXPECT_WRONG(test, 1, VmbChannelInitSetFriendlyName(client, NULL));
	EXPECT_WRONG(test, 1, VmbChannelInitSetMaximumExternalData(client, 0, 0));
	EXPECT_WRONG(test, 1, VmbChannelInitSetMaximumPacketSize(client, 0));
	EXPECT_WRONG(test, 1,
		     VmbChannelInitSetProcessPacketCallbacks(client, NULL, NULL));
	EXPECT_WRONG(test, 1,
		     VmbClientChannelInitSetRingBufferPageCount(client, 0, 0));
	EXPECT_WRONG(test, 1,
		     VmbClientChannelInitSetTargetPnp(client, NULL, NULL, NULL));
	EXPECT_WRONG(test, 1, VmbServerChannelInitSetFlags(server, U32_MAX));
	EXPECT_WRONG(test, 1, VmbServerChannelInitSetMmioMegabytes(server, 0, 0));
	EXPECT_WRONG(test, 1, VmbServerChannelInitSetTargetVtl(server, 255));
	EXPECT_WRONG(test, 1, VmbServerChannelInitSetVmbusHandle(server, NULL));
}

static void a_packet_of_the_drivers_memory(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBCHANNEL client = loop->client.ch;
	UINT32 size = VmbChannelSizeofPacket(client);
	u8 *mem = kunit_kzalloc(test, size, GFP_KERNEL);
	VMBPACKET packet = (VMBPACKET)mem;

	KUNIT_ASSERT_NOT_NULL(test, mem);
	EXPECT_WRONG(test, 2, VmbPacketInitialize(client, NULL, 0));
	EXPECT_WRONG(test, 2,
		     VmbPacketInitialize(client, (VMBPACKET)(mem + 4), 0));
	EXPECT_STATUS(test, VmbPacketInitialize(client, packet, size),
		      STATUS_SUCCESS);
	/* Without a completion routine */
	EXPECT_WRONG(test, 1, VmbPacketSend(packet, NULL, 8, NULL, 8));
	EXPECT_WRONG(test, 1, VmbPacketSend(packet, mem, 4097, fx.bad_mdl, 8));
	EXPECT_WRONG(test, 1,
		     VmbPacketSendWithExternalMdl(packet, NULL, 8, NULL, 0, 0,
						  8));
	EXPECT_WRONG(test, 1,
		     VmbPacketSendWithExternalPfns(packet, NULL, 8, NULL, 0, 8));
	EXPECT_WRONG(test, 1, VmbPacketRestore(packet, NULL, 0));
}

static void sending_a_packet(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBPACKET packet = VmbPacketAllocate(loop->client.ch);
	PFN_NUMBER pfn = fx.mdl->Pfns[0];
	u64 data = 1;

	KUNIT_ASSERT_NOT_NULL(test, packet);
#define SEND	VmbPacketSend
	EXPECT_WRONG(test, 1, SEND(NULL, NULL, 8, fx.bad_mdl, 8));
	EXPECT_WRONG(test, 2, SEND(packet, NULL, 4097, fx.bad_mdl, 8));
	EXPECT_WRONG(test, 3, SEND(packet, &data, 4097, fx.bad_mdl, 8));
	EXPECT_WRONG(test, 3, SEND(packet, &data, 4097, NULL, 8));
	EXPECT_WRONG(test, 5, SEND(packet, &data, 8, fx.bad_mdl, 0));
	EXPECT_WRONG(test, 5, SEND(packet, &data, 8, fx.bad_mdl, WAIT | 8));
	EXPECT_WRONG(test, 4, SEND(packet, &data, 8, fx.bad_mdl, WAIT));
#define PART	VmbPacketSendWithExternalMdl
	EXPECT_WRONG(test, 1, PART(NULL, NULL, 8, NULL, 0, 0, 0));
	EXPECT_WRONG(test, 2, PART(packet, NULL, 4097, NULL, 0, 0, 0));
	EXPECT_WRONG(test, 3, PART(packet, &data, 4097, NULL, 0, 0, 0));
	EXPECT_WRONG(test, 7, PART(packet, &data, 8, NULL, 0, 0, 0));
	EXPECT_WRONG(test, 7, PART(packet, &data, 8, fx.mdl, 101, 101, 0));
	EXPECT_WRONG(test, 4, PART(packet, &data, 8, NULL, 1, 1, WAIT));
	EXPECT_WRONG(test, 5, PART(packet, &data, 8, fx.mdl, 101, 101, WAIT));
	EXPECT_WRONG(test, 6, PART(packet, &data, 8, fx.bad_mdl, 1, SZ_64K,
				   WAIT));
#define PFNS	VmbPacketSendWithExternalPfns
	EXPECT_WRONG(test, 1, PFNS(NULL, NULL, 8, NULL, 0, 0));
	EXPECT_WRONG(test, 2, PFNS(packet, NULL, 4097, NULL, 0, 0));
	EXPECT_WRONG(test, 3, PFNS(packet, &data, 4097, NULL, 0, 0));
	EXPECT_WRONG(test, 6, PFNS(packet, &data, 8, NULL, 0, 0));
	EXPECT_WRONG(test, 4, PFNS(packet, &data, 8, NULL, U32_MAX, WAIT));
	EXPECT_WRONG(test, 5, PFNS(packet, &data, 8, NULL, 0, WAIT));

	/* Queued from here on, whatever its memory would have been */
	EXPECT_STATUS(test, SEND(packet, &data, 8, NULL, WAIT), STATUS_SUCCESS);
	EXPECT_WRONG(test, 3, SEND(packet, &data, 4097, NULL, 0));
	EXPECT_WRONG(test, 5, SEND(packet, &data, 8, NULL, 8));
	EXPECT_WRONG(test, 1, SEND(packet, &data, 8, fx.bad_mdl, WAIT));
	EXPECT_WRONG(test, 7, PART(packet, &data, 8, NULL, 0, 0, 0));
	EXPECT_WRONG(test, 1, PART(packet, &data, 8, NULL, 0, 0, WAIT));
	EXPECT_WRONG(test, 6, PFNS(packet, &data, 8, &pfn, 0, 0));
	EXPECT_WRONG(test, 1, PFNS(packet, &data, 8, &pfn, 0, WAIT));
}

static void sending_from_a_server(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBPACKET packet = VmbPacketAllocate(loop->server.ch);

	KUNIT_ASSERT_NOT_NULL(test, packet);
	EXPECT_WRONG(test, 5, SEND(packet, NULL, 0, fx.mdl, 0));
	EXPECT_WRONG(test, 7, PART(packet, NULL, 0, NULL, 0, 0, 0));
	EXPECT_WRONG(test, 6, PFNS(packet, NULL, 0, NULL, 0, 0));
	/* A server cannot do it, whatever the parameters */
	EXPECT_STATUS(test, SEND(packet, NULL, 0, fx.bad_mdl, WAIT),
		      STATUS_NOT_SUPPORTED);
	EXPECT_STATUS(test, PART(packet, NULL, 0, NULL, 0, 0, WAIT),
		      STATUS_NOT_SUPPORTED);
	EXPECT_STATUS(test, PFNS(packet, NULL, 0, NULL, 0, WAIT),
		      STATUS_NOT_SUPPORTED);
	VmbPacketFree(packet);
}

/* Memory is wrong there before the flags are, and before a server is */
static void sending_in_pipe_mode(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *ends[] = { &loop->client, &loop->server };
	LARGE_INTEGER never = {};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		VMBCHANNEL ch = ends[i]->ch;
		VMBPACKET packet;

		EXPECT_STATUS(test, VmbChannelInitSetFlags(ch, PIPE),
			      STATUS_SUCCESS);
		packet = VmbPacketAllocate(ch);
		KUNIT_ASSERT_NOT_NULL(test, packet);
		EXPECT_WRONG(test, 4, SEND(packet, NULL, 0, fx.mdl, 0));
		EXPECT_WRONG(test, 4, SEND(packet, NULL, 0, fx.mdl, WAIT));
		EXPECT_WRONG(test, 4, PART(packet, NULL, 0, NULL, 0, 0, 0));
		EXPECT_WRONG(test, 4, PART(packet, NULL, 0, NULL, 0, 0, WAIT));
		EXPECT_WRONG(test, 4, PFNS(packet, NULL, 0, NULL, 0, 0));
		EXPECT_WRONG(test, 4, PFNS(packet, NULL, 0, NULL, 0, WAIT));
		EXPECT_WRONG(test, 5, SEND(packet, NULL, 0, NULL, WAIT));
		EXPECT_WRONG(test, 3, SEND(packet, fx.mem, 4097, fx.mdl, WAIT));
		VmbPacketFree(packet);

#define REQUEST	VmbChannelSendSynchronousRequest
		EXPECT_WRONG(test, 4, REQUEST(ch, NULL, 0, fx.mdl, 0, NULL,
					      NULL, &never));
		EXPECT_WRONG(test, 4, REQUEST(ch, NULL, 0, fx.mdl, WAIT, NULL,
					      NULL, NULL));
		EXPECT_WRONG(test, 5, REQUEST(ch, NULL, 0, NULL, WAIT, fx.mem,
					      NULL, &never));
	}
}

#undef PFNS
#undef PART
#undef SEND

static void a_synchronous_request(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBCHANNEL client = loop->client.ch, server = loop->server.ch;
	LARGE_INTEGER never = {};
	UINT32 size = 7, room = 8;
	u64 data = 1, reply;

	EXPECT_WRONG(test, 2, REQUEST(client, NULL, 4097, fx.bad_mdl, 8, &reply,
				      NULL, NULL));
	EXPECT_WRONG(test, 3, REQUEST(client, &data, 4097, fx.bad_mdl, 8,
				      &reply, NULL, NULL));
	EXPECT_WRONG(test, 5, REQUEST(client, &data, 8, fx.bad_mdl, 0, &reply,
				      NULL, NULL));
	EXPECT_WRONG(test, 5, REQUEST(client, &data, 8, NULL, 2, &reply, &size,
				      NULL));
	EXPECT_WRONG(test, 7, REQUEST(client, &data, 8, fx.bad_mdl, WAIT,
				      &reply, NULL, NULL));
	EXPECT_WRONG(test, 7, REQUEST(client, &data, 8, NULL, 0, &reply, &size,
				      &never));
	KUNIT_EXPECT_EQ(test, size, 7);
	EXPECT_WRONG(test, 4, REQUEST(client, &data, 8, fx.bad_mdl, WAIT,
				      &reply, &room, NULL));

	EXPECT_WRONG(test, 5, REQUEST(server, &data, 8, fx.mdl, 0, &reply,
				      &size, NULL));
	EXPECT_WRONG(test, 7, REQUEST(server, &data, 8, fx.mdl, WAIT, &reply,
				      &size, NULL));
	EXPECT_STATUS(test, REQUEST(server, &data, 8, fx.mdl, WAIT, &reply,
				    &room, NULL), STATUS_NOT_SUPPORTED);
	EXPECT_WRONG(test, 7, REQUEST(server, &data, 8, NULL, WAIT, &reply,
				      &size, NULL));
	EXPECT_WRONG(test, 8, REQUEST(server, &data, 8, NULL, WAIT, &reply,
				      &room, NULL));
}

#undef REQUEST

static void gpadls(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBCHANNEL client = loop->client.ch, server = loop->server.ch;
	UINT32 handle = 77;
	PMDL mdl;

#define BUFFER	VmbChannelCreateGpadlFromBuffer
	EXPECT_WRONG(test, 2, BUFFER(client, 2, NULL, 0, NULL));
	EXPECT_WRONG(test, 3, BUFFER(client, 0, NULL, 0, NULL));
	EXPECT_WRONG(test, 4, BUFFER(client, 0, (PVOID)8UL, 0, NULL));
	EXPECT_WRONG(test, 4, BUFFER(client, 0, fx.mem, U32_MAX, NULL));
	EXPECT_WRONG(test, 5, BUFFER(client, 0, (PVOID)8UL, 8, NULL));
	EXPECT_WRONG(test, 5, BUFFER(server, 0, fx.mem, 8, NULL));
	EXPECT_WRONG(test, 3, BUFFER(client, 0, (PVOID)8UL, 8, &handle));
#undef BUFFER
#define MDLS	VmbChannelCreateGpadlFromMdl
	EXPECT_WRONG(test, 2, MDLS(client, 2, NULL, 1, 0, NULL));
	EXPECT_WRONG(test, 3, MDLS(client, 0, NULL, 1, 0, NULL));
	EXPECT_WRONG(test, 3, MDLS(client, 0, fx.bad_mdl, SZ_128K, 0, NULL));
	EXPECT_WRONG(test, 4, MDLS(client, 0, fx.mdl, 100, 101, NULL));
	EXPECT_WRONG(test, 5, MDLS(client, 0, fx.mdl, 0, 101, NULL));
	EXPECT_WRONG(test, 6, MDLS(server, 0, fx.mdl, 0, 0, NULL));
	EXPECT_WRONG(test, 3, MDLS(server, 0, fx.bad_mdl, 0, 0, &handle));
#undef MDLS
	EXPECT_WRONG(test, 2, VmbChannelMapGpadl(client, 2, 1, NULL));
	EXPECT_WRONG(test, 2, VmbChannelMapGpadl(server, 2, 1, NULL));
	EXPECT_WRONG(test, 4, VmbChannelMapGpadl(client, 0, 1, NULL));
	EXPECT_STATUS(test, VmbChannelMapGpadl(client, 0, 1, &mdl),
		      STATUS_NOT_SUPPORTED);
	KUNIT_EXPECT_EQ(test, handle, 77);
}

static VOID keep_packet(VMBCHANNEL Channel, VMBPACKETCOMPLETION Packet,
			PVOID Buffer, UINT32 BufferLength, UINT32 Flags)
{
	WRITE_ONCE(fx.ctx, Packet);
	wake_up_all(&loop_end(Channel)->wait);
}

static void getting_external_data(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBPACKET packet = VmbPacketAllocate(loop->client.ch);
	PMDL mdl;

	KUNIT_ASSERT_NOT_NULL(test, packet);
	EXPECT_STATUS(test,
		      VmbChannelInitSetProcessPacketCallbacks(loop->server.ch,
							      keep_packet,
							      NULL),
		      STATUS_SUCCESS);
	loop_up(loop);
#define GET	VmbChannelPacketGetExternalData
	EXPECT_WRONG(test, 1, GET(NULL, 2, NULL));
	loop_send(&loop->client, 1, WAIT);
	loop_wait(&loop->server, READ_ONCE(fx.ctx));
	/* None came with it */
	EXPECT_WRONG(test, 1, GET(fx.ctx, 2, NULL));
	EXPECT_WRONG(test, 1, GET(fx.ctx, 0, &mdl));
	VmbChannelPacketComplete(fx.ctx, NULL, 0);
	fx.ctx = NULL;

	EXPECT_STATUS(test, VmbPacketSend(packet, NULL, 0, fx.mdl, WAIT),
		      STATUS_SUCCESS);
	loop_wait(&loop->server, READ_ONCE(fx.ctx));
	EXPECT_WRONG(test, 2, GET(fx.ctx, 2, NULL));
	EXPECT_WRONG(test, 3, GET(fx.ctx, 0, NULL));
#undef GET
}

static void saving_and_restoring(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBCHANNEL client = loop->client.ch, server = loop->server.ch;
	VMBPACKET packet = VmbPacketAllocate(server);
	ULONG filled = 77;
	u8 image[64];

	KUNIT_ASSERT_NOT_NULL(test, packet);
	memset(image, 0xff, sizeof(image));
	EXPECT_WRONG(test, 2,
		     VmbChannelSaveContinue(client, NULL, 8, NULL, NULL));
	EXPECT_WRONG(test, 4,
		     VmbChannelSaveContinue(client, image, 8, NULL, NULL));
	EXPECT_WRONG(test, 1,
		     VmbChannelSaveContinue(client, image, 8, &filled, NULL));
	EXPECT_WRONG(test, 4,
		     VmbChannelSaveContinue(server, NULL, 0, NULL, NULL));
	EXPECT_WRONG(test, 1, VmbChannelRestoreFromBuffer(client, NULL, 0));
	EXPECT_WRONG(test, 1, VmbPacketRestore(NULL, NULL, 0));
	/* Whether the server can do it at all comes before what is in the image */
	EXPECT_STATUS(test, VmbChannelRestoreFromBuffer(server, NULL, 0),
		      STATUS_INVALID_DEVICE_STATE);
	EXPECT_STATUS(test, VmbPacketRestore(packet, NULL, 0),
		      STATUS_INVALID_DEVICE_STATE);
	VmbPacketFree(packet);

	loop_up_paused(loop);
	EXPECT_WRONG(test, 1, VmbChannelRestoreFromBuffer(client, image, 64));
	EXPECT_WRONG(test, 2, VmbChannelRestoreFromBuffer(server, NULL, 0));
	EXPECT_WRONG(test, 3, VmbChannelRestoreFromBuffer(server, image, 15));
	EXPECT_WRONG(test, 2, VmbChannelRestoreFromBuffer(server, image, 64));
	KUNIT_EXPECT_EQ(test, filled, 77);
}

static struct kunit_case winparams_cases[] = {
	/* KMCL: VmbChannelAllocate VmbChannelEnable */
	KUNIT_CASE(no_channel_at_all),
	/* KMCL: VmbClientChannelInitSetRingBufferPageCount */
	/* KMCL: VmbClientChannelInitSetTargetPnp VmbServerChannelInitSetFlags */
	/* KMCL: VmbServerChannelInitSetMmioMegabytes */
	/* KMCL: VmbServerChannelInitSetTargetVtl */
	/* KMCL: VmbServerChannelInitSetVmbusHandle */
	KUNIT_CASE(settings_of_the_other_endpoint),
	/* KMCL: VmbChannelInitSetMaximumExternalData */
	KUNIT_CASE(settings_with_two_values),
	/* KMCL: VmbChannelInitSetFlags VmbChannelInitSetClientContextSize */
	KUNIT_CASE(settings_of_a_channel_that_is_enabled),
	/* KMCL: VmbPacketInitialize */
	KUNIT_CASE(a_packet_of_the_drivers_memory),
	/* KMCL: VmbPacketSend VmbPacketSendWithExternalMdl */
	/* KMCL: VmbPacketSendWithExternalPfns */
	KUNIT_CASE(sending_a_packet),
	KUNIT_CASE(sending_from_a_server),
	KUNIT_CASE(sending_in_pipe_mode),
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(a_synchronous_request),
	/* KMCL: VmbChannelCreateGpadlFromBuffer VmbChannelCreateGpadlFromMdl */
	/* KMCL: VmbChannelMapGpadl */
	KUNIT_CASE(gpadls),
	/* KMCL: VmbChannelPacketGetExternalData */
	KUNIT_CASE(getting_external_data),
	/* KMCL: VmbChannelSaveContinue VmbChannelRestoreFromBuffer */
	/* KMCL: VmbPacketRestore */
	KUNIT_CASE(saving_and_restoring),
	{}
};

static struct kunit_suite winparams_suite = {
	.name = "kmcl_winparams",
	.init = winparams_init,
	.exit = winparams_exit,
	.test_cases = winparams_cases,
};

kunit_test_suite(winparams_suite);

MODULE_DESCRIPTION("KUnit tests of several wrong parameters under Windows' names");
MODULE_LICENSE("GPL");
