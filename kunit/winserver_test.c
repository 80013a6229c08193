// SPDX-License-Identifier: GPL-2.0
/*
 * What only a server calls, under Windows' names: its settings with every
 * status they have, handles, which Linux does not have, and the callbacks that
 * save and restore packets. Needs loopback only.
 */
#include <linux/slab.h>
#include <linux/string.h>
#include <kmcl/vmbuskernelmodeclientlibapi.h>

#include "harness.h"

#define WAIT	VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION
#define IMAGE	4096

#define EXPECT_STATUS(test, call, status) \
	KUNIT_EXPECT_EQ(test, (u32)(call), (u32)(status))

struct winserver_fixture {
	u8 image[IMAGE];
	u32 saves;		/* calls of the save callback */
	u32 restores;
	u32 bad_calls;		/* with the wrong channel or data */
	NTSTATUS without;	/* of a restore without an image */
	NTSTATUS cut;
	NTSTATUS none;
	NTSTATUS twice;
	u32 done;
	NTSTATUS status;
};

static struct winserver_fixture fx;

static int winserver_init(struct kunit *test)
{
	memset(&fx, 0, sizeof(fx));
	return loop_init(test);
}

static NTSTATUS save_packet(VMBCHANNEL Channel, VMBPACKET Packet,
			    PVOID SaveBuffer, UINT32 SaveBufferSize,
			    PUINT32 BytesNeeded)
{
	fx.saves++;
	fx.bad_calls += VmbPacketGetChannel(Packet) != Channel;
	*BytesNeeded = 4;
	if (SaveBufferSize < 4)
		return STATUS_BUFFER_TOO_SMALL;
	memcpy(SaveBuffer, "mine", 4);
	return STATUS_SUCCESS;
}

static VOID restored_done(VMBPACKET Packet, NTSTATUS Status, PVOID Buffer,
			  UINT32 BufferLength)
{
	struct end *e = loop_end(VmbPacketGetChannel(Packet));

	fx.status = Status;
	WRITE_ONCE(fx.done, fx.done + 1);
	VmbPacketFree(Packet);
	wake_up_all(&e->wait);
}

static NTSTATUS restore_packet(VMBCHANNEL Channel, PVOID LibraryBuffer,
			       UINT32 LibraryBufferSize, PVOID SaveBuffer,
			       UINT32 SaveBufferSize)
{
	VMBPACKET packet = VmbPacketAllocate(Channel);
	NTSTATUS status;

	if (!packet)
		return STATUS_INSUFFICIENT_RESOURCES;
	fx.restores++;
	fx.bad_calls += SaveBufferSize < 4 || memcmp(SaveBuffer, "mine", 4);
	VmbPacketSetCompletionRoutine(packet, restored_done);
	fx.none = VmbPacketRestore(NULL, LibraryBuffer, LibraryBufferSize);
	fx.without = VmbPacketRestore(packet, NULL, LibraryBufferSize);
	fx.cut = VmbPacketRestore(packet, LibraryBuffer, 8);
	status = VmbPacketRestore(packet, LibraryBuffer, LibraryBufferSize);
	/* The packet is in use now */
	fx.twice = VmbPacketRestore(packet, LibraryBuffer, LibraryBufferSize);
	return status;
}

static void saving_and_restoring_a_packet(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *server = &loop->server;
	VMBPACKET packet;
	ULONG filled;

	EXPECT_STATUS(test,
		      VmbServerChannelInitSetSaveRestorePacketCallbacks(loop->client.ch,
									NULL, NULL),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test,
		      VmbServerChannelInitSetSaveRestorePacketCallbacks(server->ch,
									NULL, NULL),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test,
		      VmbServerChannelInitSetSaveRestorePacketCallbacks(server->ch,
									save_packet,
									restore_packet),
		      STATUS_SUCCESS);
	loop_up(loop);
	EXPECT_STATUS(test,
		      VmbServerChannelInitSetSaveRestorePacketCallbacks(server->ch,
									NULL, NULL),
		      STATUS_INVALID_PARAMETER_1);
	VmbChannelPause(server->ch);
	loop_send(server, 5, WAIT);
	KUNIT_ASSERT_EQ(test, VmbChannelSaveBegin(server->ch), STATUS_SUCCESS);
	KUNIT_ASSERT_EQ(test, VmbChannelSaveContinue(server->ch, fx.image, IMAGE,
						     &filled, NULL),
			STATUS_SUCCESS);
	VmbChannelSaveEnd(server->ch);
	/* Whether there is anything to save, and then it */
	KUNIT_EXPECT_EQ(test, fx.saves, 2);

	/* Only inside the callback */
	packet = VmbPacketAllocate(server->ch);
	KUNIT_ASSERT_NOT_NULL(test, packet);
	EXPECT_STATUS(test, VmbPacketRestore(packet, fx.image + 24, filled - 24),
		      STATUS_INVALID_DEVICE_STATE);
	VmbPacketFree(packet);

	/* A second one like it, behind it in the queue */
	EXPECT_STATUS(test, VmbChannelRestoreFromBuffer(server->ch, fx.image,
							filled),
		      STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, fx.restores, 1);
	KUNIT_EXPECT_EQ(test, fx.bad_calls, 0);
	EXPECT_STATUS(test, fx.none, STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test, fx.without, STATUS_INVALID_PARAMETER_2);
	EXPECT_STATUS(test, fx.cut, STATUS_INVALID_PARAMETER_3);
	EXPECT_STATUS(test, fx.twice, STATUS_INVALID_PARAMETER_1);
	KUNIT_EXPECT_EQ(test, loop_counters(server).queued, 2);
	VmbChannelStart(server->ch);
	loop_wait(server, READ_ONCE(fx.done) == 1);
	EXPECT_STATUS(test, fx.status, STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->client), 2);
	KUNIT_EXPECT_EQ(test, loop->client.got[0], 5);
	KUNIT_EXPECT_EQ(test, loop->client.got[1], 5);
}

static const struct flags_case {
	const char *name;
	UINT32 flags;
	u16 wire;
} flags_cases[] = {
	{ "LOOPBACK_OFFER",
	  VMBUS_SERVER_CHANNEL_INIT_FLAG_LOOPBACK_OFFER, 0x100 },
	{ "ENUMERATE_DEVICE_INTERFACE",
	  VMBUS_SERVER_CHANNEL_INIT_FLAG_ENUMERATE_DEVICE_INTERFACE, 0x101 },
	{ "FORCE_NEW_CHANNEL",
	  VMBUS_SERVER_CHANNEL_INIT_FLAG_FORCE_NEW_CHANNEL, 0x100 },
	{ "TLNPI_PROVIDER_OFFER",
	  VMBUS_SERVER_CHANNEL_INIT_FLAG_TLNPI_PROVIDER_OFFER, 0x2100 },
	{ "none", 0, 0x100 },
};

KUNIT_ARRAY_PARAM_DESC(flags, flags_cases, name);

static void flags_of_the_offer(struct kunit *test)
{
	const struct flags_case *flags = test->param_value;
	struct loop *loop = test->priv;
	VMBCHANNEL server = loop->server.ch;

	EXPECT_STATUS(test, VmbServerChannelInitSetFlags(loop->client.ch, 0),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test,
		      VmbServerChannelInitSetFlags(server,
						   VMBUS_SERVER_CHANNEL_INIT_FLAGS + 1),
		      STATUS_INVALID_PARAMETER_2);
	EXPECT_STATUS(test, VmbServerChannelInitSetFlags(server, BIT(31)),
		      STATUS_INVALID_PARAMETER_2);
	/* Set, not added to what an earlier offer had */
	EXPECT_STATUS(test,
		      VmbServerChannelInitSetFlags(server,
						   VMBUS_SERVER_CHANNEL_INIT_FLAGS),
		      STATUS_SUCCESS);
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(server), STATUS_SUCCESS);
	VmbChannelDisable(server);
	EXPECT_STATUS(test, VmbServerChannelInitSetFlags(server, flags->flags),
		      STATUS_SUCCESS);
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(server), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, server->link.offer->flags, flags->wire);
	EXPECT_STATUS(test, VmbServerChannelInitSetFlags(server, 0),
		      STATUS_INVALID_PARAMETER_1);
}

static void an_offer_as_a_pipe(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBCHANNEL server = loop->server.ch;

	EXPECT_STATUS(test,
		      VmbServerChannelInitSetFlags(server,
						   VMBUS_SERVER_CHANNEL_INIT_FLAG_OFFER_AS_PIPE),
		      STATUS_SUCCESS);
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(server), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, server->link.offer->flags, 0x110);
}

static void megabytes_of_mmio(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBCHANNEL server = loop->server.ch;

	EXPECT_STATUS(test, VmbServerChannelInitSetMmioMegabytes(server, 0, 0),
		      STATUS_INVALID_PARAMETER);
	EXPECT_STATUS(test, VmbServerChannelInitSetMmioMegabytes(server, 3, 4),
		      STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, server->cfg.mmio_mb, 3);
	KUNIT_EXPECT_EQ(test, server->cfg.mmio_mb_optional, 4);
	EXPECT_STATUS(test, VmbServerChannelInitSetMmioMegabytes(server, 0, 1),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test, VmbServerChannelInitSetMmioMegabytes(server, 1, 0),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test,
		      VmbServerChannelInitSetMmioMegabytes(loop->client.ch, 1, 1),
		      STATUS_INVALID_PARAMETER_1);
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(server), STATUS_SUCCESS);
	EXPECT_STATUS(test, VmbServerChannelInitSetMmioMegabytes(server, 1, 1),
		      STATUS_INVALID_PARAMETER_1);
}

static void the_guids_of_the_offer(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBCHANNEL client = loop->client.ch, server = loop->server.ch;
	GUID instance, found;

	guid_gen(&instance);
	EXPECT_STATUS(test,
		      VmbServerChannelInitSetTargetInterfaceId(client, loop->type,
							       instance),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test,
		      VmbServerChannelInitSetTargetInterfaceId(server, loop->type,
							       instance),
		      STATUS_SUCCESS);
	VmbChannelGetInterfaceInstance(server, &found);
	KUNIT_EXPECT_MEMEQ(test, &found, &instance, sizeof(found));
	/* By value: what was passed can change now */
	loop->instance = instance;
	guid_gen(&instance);
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(server), STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, kmcl_offer_exists(&loop->type, &loop->instance));
	EXPECT_STATUS(test,
		      VmbServerChannelInitSetTargetInterfaceId(server, loop->type,
							       instance),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test,
		      VmbClientChannelInitSetTargetPnp(client, &loop->type,
						       &loop->instance, NULL),
		      STATUS_SUCCESS);
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(client), STATUS_SUCCESS);
	loop_wait_event(&loop->client, POST_STARTED, 1);
}

static void trust_levels(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBCHANNEL server = loop->server.ch;

	EXPECT_STATUS(test, VmbServerChannelInitSetTargetVtl(server, 0),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test, VmbServerChannelInitSetTargetVtl(server, 1),
		      STATUS_NOT_SUPPORTED);
	EXPECT_STATUS(test, VmbServerChannelInitSetTargetVtl(server, 2),
		      STATUS_NOT_SUPPORTED);
	/* There is no such level */
	EXPECT_STATUS(test, VmbServerChannelInitSetTargetVtl(server, 255),
		      STATUS_INVALID_PARAMETER_2);
	EXPECT_STATUS(test, VmbServerChannelInitSetTargetVtl(loop->client.ch, 0),
		      STATUS_INVALID_PARAMETER_1);
	KUNIT_ASSERT_EQ(test, VmbChannelEnable(server), STATUS_SUCCESS);
	EXPECT_STATUS(test, VmbServerChannelInitSetTargetVtl(server, 0),
		      STATUS_INVALID_PARAMETER_1);
}

static void handles_of_a_virtual_machine(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBCHANNEL server = loop->server.ch;
	HANDLE kernel = loop;

	EXPECT_STATUS(test, VmbConvertVmbusHandleToKernelHandle(NULL, &kernel),
		      STATUS_INVALID_HANDLE);
	EXPECT_STATUS(test, VmbConvertVmbusHandleToKernelHandle(test, &kernel),
		      STATUS_NOT_SUPPORTED);
	KUNIT_EXPECT_PTR_EQ(test, kernel, (HANDLE)loop);

	EXPECT_STATUS(test, VmbServerChannelInitSetVmbusHandle(server, NULL),
		      STATUS_INVALID_HANDLE);
	EXPECT_STATUS(test, VmbServerChannelInitSetVmbusHandle(server, test),
		      STATUS_NOT_SUPPORTED);
	EXPECT_STATUS(test,
		      VmbServerChannelInitSetVmbusHandle(loop->client.ch, test),
		      STATUS_INVALID_PARAMETER_1);
	/* It is on the loopback bus, as without a call */
	loop_up(loop);
	EXPECT_STATUS(test, VmbServerChannelInitSetVmbusHandle(server, test),
		      STATUS_INVALID_PARAMETER_1);
}

static struct kunit_case winserver_cases[] = {
	/* KMCL: VmbServerChannelInitSetSaveRestorePacketCallbacks */
	/* KMCL: VmbPacketRestore EVT_VMB_CHANNEL_SAVE_PACKET */
	/* KMCL: EVT_VMB_CHANNEL_RESTORE_PACKET */
	KUNIT_CASE(saving_and_restoring_a_packet),
	/* KMCL: VmbServerChannelInitSetFlags */
	KUNIT_CASE_PARAM(flags_of_the_offer, flags_gen_params),
	/* KMCL: VMBUS_SERVER_CHANNEL_INIT_FLAG_OFFER_AS_PIPE */
	KUNIT_CASE(an_offer_as_a_pipe),
	/* KMCL: VmbServerChannelInitSetMmioMegabytes */
	KUNIT_CASE(megabytes_of_mmio),
	/* KMCL: VmbServerChannelInitSetTargetInterfaceId */
	KUNIT_CASE(the_guids_of_the_offer),
	/* KMCL: VmbServerChannelInitSetTargetVtl */
	KUNIT_CASE(trust_levels),
	/* KMCL: VmbConvertVmbusHandleToKernelHandle */
	/* KMCL: VmbServerChannelInitSetVmbusHandle */
	KUNIT_CASE(handles_of_a_virtual_machine),
	{}
};

static struct kunit_suite winserver_suite = {
	.name = "kmcl_winserver",
	.init = winserver_init,
	.exit = loop_exit,
	.test_cases = winserver_cases,
};

kunit_test_suite(winserver_suite);

MODULE_DESCRIPTION("KUnit tests of KMCL's servers under Windows' names");
MODULE_LICENSE("GPL");
