// SPDX-License-Identifier: GPL-2.0
/*
 * External data under Windows' names, in requests and at the other end: each
 * documented status, and what is there; and describing it. See winmem_test.c for
 * packets that are sent. Needs loopback only.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/uaccess.h>

#include "winmem_harness.h"

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");

static VOID answer(VMBCHANNEL Channel, VMBPACKETCOMPLETION Packet,
		   PVOID Buffer, UINT32 BufferLength, UINT32 Flags)
{
	u8 first[8] = {};
	PMDL mdl;

	winmem.flags = Flags;
	if (VmbChannelPacketGetExternalData(Packet, 0, &mdl) == STATUS_SUCCESS)
		kmcl_mdl_read(kmcl_from_mdl(mdl), 0, first, sizeof(first));
	VmbChannelPacketComplete(Packet, first, sizeof(first));
}

static void a_synchronous_request_with_external_data(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBCHANNEL client = loop->client.ch;
	UINT32 size = 8;
	u8 reply[8];

	EXPECT_STATUS(test, VmbChannelInitSetProcessPacketCallbacks(loop->server.ch,
								    answer,
								    NULL),
		      STATUS_SUCCESS);
	loop_up(loop);
#define REQUEST(mdl, flags) \
	VmbChannelSendSynchronousRequest(client, NULL, 0, mdl, flags, reply, \
					 &size, NULL)
	EXPECT_STATUS(test, REQUEST(winmem.mdl, WAIT), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, winmem.flags,
			VMBUS_CHANNEL_PROCESS_PACKET_FLAG_EXTERNAL_DATA);
	KUNIT_EXPECT_EQ(test, size, 8);
	KUNIT_EXPECT_MEMEQ(test, reply, winmem.mem + 50, 8);
	EXPECT_STATUS(test, REQUEST(winmem.mdl, 0), STATUS_INVALID_PARAMETER_5);
	winmem.mdl->ByteOffset = FRAME;
	EXPECT_STATUS(test, REQUEST(winmem.mdl, WAIT), STATUS_INVALID_PARAMETER_4);
	winmem.mdl->ByteOffset = 50;
	EXPECT_STATUS(test, REQUEST(NULL, WAIT), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, winmem.flags, 0);
#undef REQUEST
}

static void a_request_with_memory_of_user_space(struct kunit *test)
{
	unsigned long at = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE,
					 PROT_READ | PROT_WRITE,
					 MAP_ANONYMOUS | MAP_PRIVATE, 0);
	struct loop *loop = test->priv;
	u64 value = 4711, reply = 0;
	UINT32 size = sizeof(reply);
	PMDL mdl;

	KUNIT_ASSERT_NE(test, at, 0);
	KUNIT_ASSERT_EQ(test, 0, copy_to_user((void __user *)(at + 100), &value,
					      sizeof(value)));
	EXPECT_STATUS(test, VmbChannelInitSetProcessPacketCallbacks(loop->server.ch,
								    answer,
								    NULL),
		      STATUS_SUCCESS);
	loop_up(loop);
	mdl = IoAllocateMdl((PVOID)(at + 100), 8, FALSE, FALSE, NULL);
	KUNIT_ASSERT_NOT_NULL(test, mdl);
	/* Not before it is locked */
	EXPECT_STATUS(test, VmbChannelSendSynchronousRequest(loop->client.ch, NULL,
							     0, mdl, WAIT, &reply,
							     &size, NULL),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, MmProbeAndLockPages(mdl, UserMode, IoReadAccess),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test, VmbChannelSendSynchronousRequest(loop->client.ch, NULL,
							     0, mdl, WAIT, &reply,
							     &size, NULL),
		      STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, reply, 4711);
	MmUnlockPages(mdl);
	IoFreeMdl(mdl);
}

static void getting_external_data(struct kunit *test)
{
	struct loop *loop = test->priv;
	PMDL mdl, again;
	u8 *p;

	winmem_packet(test);
	loop_up(loop);
	EXPECT_STATUS(test, VmbPacketSend(winmem.packet, NULL, 0, winmem.mdl, WAIT),
		      STATUS_SUCCESS);
	loop_wait(&loop->server, READ_ONCE(winmem.packets) == 1);
	EXPECT_STATUS(test, VmbChannelPacketGetExternalData(NULL, 0, &mdl),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test, VmbChannelPacketGetExternalData(winmem.ctx, 2, &mdl),
		      STATUS_INVALID_PARAMETER_2);
	EXPECT_STATUS(test, VmbChannelPacketGetExternalData(winmem.ctx, 0, NULL),
		      STATUS_INVALID_PARAMETER_3);
	EXPECT_STATUS(test, VmbChannelPacketGetExternalData(winmem.ctx, 0, &mdl),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test, VmbChannelPacketGetExternalData(winmem.ctx, 0, &again),
		      STATUS_SUCCESS);
	KUNIT_EXPECT_PTR_EQ(test, mdl, again);
	KUNIT_EXPECT_EQ(test, MmGetMdlByteCount(mdl), 100);
	KUNIT_EXPECT_EQ(test, MmGetMdlByteOffset(mdl), 50);
	KUNIT_EXPECT_EQ(test, MmGetMdlPfnArray(mdl->Next)[1], winmem.pfn[2]);
	p = MmGetSystemAddressForMdlSafe(mdl->Next, NormalPagePriority);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_MEMEQ(test, p, winmem.mem + FRAME, 2 * FRAME);
	MmUnmapLockedPages(p, mdl->Next);
}

static void getting_ranges(struct kunit *test)
{
	const u64 header[] = { 2ULL << 32 | 0xcafe, 100ULL << 32 | 24, 8 };
	struct loop *loop = test->priv;
	VMBCHANNEL client = loop->client.ch;
	const KMCL_RANGE *ranges;
	UINT32 count = 0;
	UINT16 set = 0;
	PMDL mdl;

	EXPECT_STATUS(test, VmbChannelInitSetProcessPacketCallbacks(client,
								    winmem_process,
								    NULL),
		      STATUS_SUCCESS);
	loop_up(loop);
	loop_inject(&loop->server, 7, 1, header, sizeof(header), "payload", 8);
	loop_wait(&loop->client, READ_ONCE(winmem.packets) == 1);
	KUNIT_EXPECT_EQ(test, winmem.flags,
			VMBUS_CHANNEL_PROCESS_PACKET_FLAG_EXTERNAL_DATA);
	EXPECT_STATUS(test, KmclPacketGetRanges(NULL, &set, &ranges, &count),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test, KmclPacketGetRanges(winmem.ctx, &set, NULL, &count),
		      STATUS_INVALID_PARAMETER_3);
	EXPECT_STATUS(test, KmclPacketGetRanges(winmem.ctx, &set, &ranges, NULL),
		      STATUS_INVALID_PARAMETER_4);
	KUNIT_EXPECT_EQ(test, set, 0);
	EXPECT_STATUS(test, KmclPacketGetRanges(winmem.ctx, &set, &ranges, &count),
		      STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, set, 0xcafe);
	KUNIT_ASSERT_EQ(test, count, 2);
	KUNIT_EXPECT_EQ(test, ranges[0].offset, 100);
	KUNIT_EXPECT_EQ(test, ranges[0].bytes, 24);
	KUNIT_EXPECT_EQ(test, ranges[1].offset, 0);
	KUNIT_EXPECT_EQ(test, ranges[1].bytes, 8);
	EXPECT_STATUS(test, KmclPacketGetRanges(winmem.ctx, NULL, &ranges, &count),
		      STATUS_SUCCESS);
	/* They are no frames of a peer */
	EXPECT_STATUS(test, VmbChannelPacketGetExternalData(winmem.ctx, 0, &mdl),
		      STATUS_NOT_SUPPORTED);
}

static void describing_memory(struct kunit *test)
{
	PMDL mdl;

	KUNIT_EXPECT_PTR_EQ(test, MmGetMdlVirtualAddress(winmem.mdl),
			    (void *)(winmem.mem + 50));
	KUNIT_EXPECT_PTR_EQ(test, (void *)(winmem.mem + 50),
			    MmGetSystemAddressForMdlSafe(winmem.mdl,
							 NormalPagePriority));
	KUNIT_EXPECT_EQ(test, MmGetMdlPfnArray(winmem.mdl)[0], winmem.pfn[0]);
	KUNIT_EXPECT_NULL(test, IoAllocateMdl(winmem.mem, 8, FALSE, FALSE, &mdl));
	/* No memory is there: nothing is described */
	mdl = IoAllocateMdl((PVOID)8UL, 8, FALSE, FALSE, NULL);
	KUNIT_ASSERT_NOT_NULL(test, mdl);
	MmBuildMdlForNonPagedPool(mdl);
	KUNIT_EXPECT_NULL(test, MmGetSystemAddressForMdlSafe(mdl, 0));
	EXPECT_STATUS(test, VmbPacketSend(winmem_packet(test), NULL, 0, mdl, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	IoFreeMdl(mdl);
	IoFreeMdl(NULL);
}

static struct kunit_case winmem_get_cases[] = {
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(a_synchronous_request_with_external_data),
	KUNIT_CASE(a_request_with_memory_of_user_space),
	/* KMCL: VmbChannelPacketGetExternalData */
	KUNIT_CASE(getting_external_data),
	KUNIT_CASE(getting_ranges),
	KUNIT_CASE(describing_memory),
	{}
};

static struct kunit_suite winmem_get_suite = {
	.name = "kmcl_winmem_get",
	.init = winmem_init,
	.exit = winmem_exit,
	.test_cases = winmem_get_cases,
};

kunit_test_suite(winmem_get_suite);

MODULE_DESCRIPTION("KUnit tests of memory that KMCL gets, under Windows' names");
MODULE_LICENSE("GPL");
