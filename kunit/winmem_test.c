// SPDX-License-Identifier: GPL-2.0
/*
 * External data under Windows' names, as a ported driver has it: each documented
 * status of each function, and that a call which fails has changed
 * nothing. Needs loopback only.
 */
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#include "win_harness.h"

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");

#define PAGES	4
#define FRAME	4096U
#define WAIT	VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION
#define FORCE	VMBUS_CHANNEL_FORMAT_FLAG_FORCE_MDL_LENGTH
#define PAGED	VMBUS_CHANNEL_FORMAT_FLAG_PAGED_BUFFER

struct winmem_fixture {
	u8 *mem;
	PMDL mdl;		/* two pieces: 100 bytes, and 2 pages */
	PFN_NUMBER pfn[PAGES];
	VMBPACKET packet;
	/* The server's packet */
	VMBPACKETCOMPLETION ctx;
	UINT32 flags;
	u32 packets;
	u32 done;
	bool ending;		/* routines free their packets */
};

static struct winmem_fixture fx;

static VOID process_packet(VMBCHANNEL Channel, VMBPACKETCOMPLETION Packet,
			   PVOID Buffer, UINT32 BufferLength, UINT32 Flags)
{
	fx.ctx = Packet;
	fx.flags = Flags;
	WRITE_ONCE(fx.packets, fx.packets + 1);
	wake_up_all(&loop_end(Channel)->wait);
}

static VOID packet_done(VMBPACKET Packet, NTSTATUS Status, PVOID Buffer,
			UINT32 BufferLength)
{
	WRITE_ONCE(fx.done, fx.done + 1);
	wake_up_all(&loop_end(VmbPacketGetChannel(Packet))->wait);
	if (fx.ending)
		VmbPacketFree(Packet);
}

static int winmem_init(struct kunit *test)
{
	int ret = loop_init(test);
	struct loop *loop = test->priv;
	u32 i;

	memset(&fx, 0, sizeof(fx));
	if (ret)
		return ret;
	fx.mem = loop_memory(test, PAGES);
	for (i = 0; i < PAGES; i++)
		fx.pfn[i] = page_to_pfn(vmalloc_to_page(fx.mem + i * PAGE_SIZE));
	fx.mdl = win_describe(test, fx.mem + 50, 100);
	fx.mdl->Next = win_describe(test, fx.mem + FRAME, 2 * FRAME);
	return kmcl_set_process(loop->server.ch, process_packet, NULL);
}

static void winmem_exit(struct kunit *test)
{
	struct loop *loop = test->priv;

	if (fx.ctx)
		VmbChannelPacketComplete(fx.ctx, NULL, 0);
	if (fx.packet) {
		kmcl_channel_disable(loop->client.ch);
		fx.ending = fx.packet->state != KMCL_PKT_IDLE;
		if (!fx.ending)
			VmbPacketFree(fx.packet);
	}
	loop_exit(test);
	if (fx.mdl)
		IoFreeMdl(fx.mdl->Next);
	IoFreeMdl(fx.mdl);
}

static VMBPACKET packet(struct kunit *test)
{
	struct loop *loop = test->priv;

	fx.packet = VmbPacketAllocate(loop->client.ch);
	KUNIT_ASSERT_NOT_NULL(test, fx.packet);
	VmbPacketSetCompletionRoutine(fx.packet, packet_done);
	return fx.packet;
}

/* Nothing was accepted: the packet can still be sent, and is, once */
static void expect_untouched(struct kunit *test, VMBPACKET pkt)
{
	struct loop *loop = test->priv;

	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).accepted, 0);
	KUNIT_EXPECT_EQ(test, fx.done, 0);
	loop_up(loop);
	EXPECT_STATUS(test, VmbPacketSend(pkt, NULL, 0, fx.mdl, WAIT),
		      STATUS_SUCCESS);
	loop_wait(&loop->server, READ_ONCE(fx.packets) == 1);
	VmbChannelPacketComplete(fx.ctx, NULL, 0);
	fx.ctx = NULL;
	loop_wait(&loop->client, READ_ONCE(fx.done) == 1);
}

static void limits_of_external_data(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBCHANNEL client = loop->client.ch;

	EXPECT_STATUS(test, VmbChannelInitSetMaximumExternalData(NULL, 1, 1),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test, VmbChannelInitSetMaximumExternalData(client, 0, 1),
		      STATUS_INVALID_PARAMETER_2);
	EXPECT_STATUS(test, VmbChannelInitSetMaximumExternalData(client, 1, 0),
		      STATUS_INVALID_PARAMETER_3);
	EXPECT_STATUS(test, VmbChannelInitSetMaximumExternalData(client, 8192, 2),
		      STATUS_SUCCESS);
	/* Frozen by the first packet */
	packet(test);
	EXPECT_STATUS(test, VmbChannelInitSetMaximumExternalData(client, 1, 1),
		      STATUS_INVALID_PARAMETER_1);
	loop_up(loop);
	EXPECT_STATUS(test, VmbChannelInitSetMaximumExternalData(client, 1, 1),
		      STATUS_INVALID_PARAMETER_1);
	/* Of the bytes, and of the MDLs */
	EXPECT_STATUS(test, VmbPacketSend(fx.packet, NULL, 0, fx.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, VmbPacketSendWithExternalMdl(fx.packet, NULL, 0,
							 fx.mdl, 0, 8192, WAIT),
		      STATUS_SUCCESS);
	loop_wait(&loop->server, READ_ONCE(fx.packets) == 1);
}

/* The largest that can be set: a packet is still no longer than the wire's */
static void the_largest_limits(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBCHANNEL client = loop->client.ch;

	EXPECT_STATUS(test, VmbChannelInitSetMaximumExternalData(client, U32_MAX,
								 U32_MAX),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test, VmbChannelInitSetMaximumPacketSize(client, 524264),
		      STATUS_SUCCESS);
	KUNIT_EXPECT_LE(test, VmbChannelSizeofPacket(client),
			2 * 524264 + sizeof(struct kmcl_packet));
	packet(test);
	/* Together with its ranges the payload is too long for the wire */
	EXPECT_STATUS(test, VmbPacketSend(fx.packet, fx.mem, 8, fx.mdl, WAIT),
		      STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued, 1);
}

static void a_payload_that_its_ranges_make_too_long(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBCHANNEL client = loop->client.ch;
	u8 *payload = vzalloc(524264);

	KUNIT_ASSERT_NOT_NULL(test, payload);
	EXPECT_STATUS(test, VmbChannelInitSetMaximumPacketSize(client, 524264),
		      STATUS_SUCCESS);
	packet(test);
	/* 8, and a range of 8 with a page and one with two: 48 bytes */
	EXPECT_STATUS(test, VmbPacketSend(fx.packet, payload, 524264 - 47,
					  fx.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, VmbPacketSendWithExternalPfns(fx.packet, payload,
							  524264, fx.pfn, 1,
							  WAIT),
		      STATUS_INVALID_PARAMETER_5);
	EXPECT_STATUS(test, VmbPacketSend(fx.packet, payload, 524264 - 48,
					  fx.mdl, WAIT), STATUS_SUCCESS);
	vfree(payload);
}

static void sending_with_an_mdl(struct kunit *test)
{
	VMBPACKET pkt = packet(test);
	PMDL second = fx.mdl->Next;
	u64 data = 1;

	EXPECT_STATUS(test, VmbPacketSend(NULL, &data, 8, fx.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test, VmbPacketSend(pkt, NULL, 8, fx.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_2);
	EXPECT_STATUS(test, VmbPacketSend(pkt, fx.mem, 4097, fx.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_3);
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, U32_MAX - 3, fx.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_3);
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, 8, fx.mdl, 0),
		      STATUS_INVALID_PARAMETER_5);
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, 8, fx.mdl, WAIT | FORCE),
		      STATUS_INVALID_PARAMETER_5);
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, 8, fx.mdl, WAIT | 8),
		      STATUS_INVALID_PARAMETER_5);
	/* A chain that is a ring, of MDLs with bytes and of ones without */
	second->Next = fx.mdl;
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, 8, fx.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	fx.mdl->ByteCount = 0;
	second->ByteCount = 0;
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, 8, fx.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	/* Nothing at all */
	second->Next = NULL;
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, 8, fx.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	/* More bytes than pages */
	fx.mdl->ByteCount = FRAME - 50 + 1;
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, 8, fx.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	fx.mdl->ByteCount = U32_MAX;
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, 8, fx.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	fx.mdl->ByteCount = 100;
	/* An offset that is in another page, and no pages */
	fx.mdl->ByteOffset = FRAME;
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, 8, fx.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	fx.mdl->ByteOffset = 50;
	second->ByteCount = 2 * FRAME;
	second->Pfns = NULL;
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, 8, fx.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	MmBuildMdlForNonPagedPool(fx.mdl);
	second->Pfns = (PPFN_NUMBER)(second + 1);
	expect_untouched(test, pkt);
	/* A packet that has ended is accepted again; one that is in flight is not */
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, 8, fx.mdl, WAIT | PAGED),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, 8, fx.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_1);
}

static void more_than_the_default_limits(struct kunit *test)
{
	VMBPACKET pkt = packet(test);
	PMDL mdl[33];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(mdl); i++) {
		mdl[i] = win_describe(test, fx.mem + i, 1);
		if (i)
			mdl[i - 1]->Next = mdl[i];
	}
	EXPECT_STATUS(test, VmbPacketSend(pkt, NULL, 0, mdl[0], WAIT),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, VmbPacketSendWithExternalMdl(pkt, NULL, 0, mdl[0],
							 0, 1, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	/* 128 KiB and a byte more */
	mdl[0]->Next = NULL;
	mdl[0]->PfnCount = 33;
	mdl[0]->Pfns = kunit_kcalloc(test, 33, sizeof(PFN_NUMBER), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mdl[0]->Pfns);
	for (i = 0; i < 33; i++)
		mdl[0]->Pfns[i] = fx.pfn[0];
	mdl[0]->ByteCount = 128 * 1024 + 1;
	EXPECT_STATUS(test, VmbPacketSend(pkt, NULL, 0, mdl[0], WAIT),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, VmbPacketSendWithExternalPfns(pkt, NULL, 0,
							  mdl[0]->Pfns, 33,
							  WAIT),
		      STATUS_INVALID_PARAMETER_5);
	mdl[0]->ByteCount = 128 * 1024;
	EXPECT_STATUS(test, VmbPacketSend(pkt, NULL, 0, mdl[0], WAIT),
		      STATUS_SUCCESS);
	for (i = 0; i < ARRAY_SIZE(mdl); i++)
		IoFreeMdl(mdl[i]);
}

static void sending_with_a_part_of_an_mdl(struct kunit *test)
{
	VMBPACKET pkt = packet(test);
	u64 data = 1;

#define PART(pkt, buf, len, mdl, offset, length, flags) \
	VmbPacketSendWithExternalMdl(pkt, buf, len, mdl, offset, length, flags)
	EXPECT_STATUS(test, PART(NULL, &data, 8, fx.mdl, 0, 0, WAIT),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test, PART(pkt, NULL, 8, fx.mdl, 0, 0, WAIT),
		      STATUS_INVALID_PARAMETER_2);
	EXPECT_STATUS(test, PART(pkt, &data, 4097, fx.mdl, 0, 0, WAIT),
		      STATUS_INVALID_PARAMETER_3);
	EXPECT_STATUS(test, PART(pkt, &data, 8, NULL, 0, 0, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, PART(pkt, &data, 8, fx.mdl, 8292, 0, WAIT),
		      STATUS_INVALID_PARAMETER_5);
	EXPECT_STATUS(test, PART(pkt, &data, 8, fx.mdl, U32_MAX, U32_MAX, WAIT),
		      STATUS_INVALID_PARAMETER_5);
	EXPECT_STATUS(test, PART(pkt, &data, 8, fx.mdl, 0, 8293, WAIT),
		      STATUS_INVALID_PARAMETER_6);
	EXPECT_STATUS(test, PART(pkt, &data, 8, fx.mdl, 8291, 2, WAIT),
		      STATUS_INVALID_PARAMETER_6);
	EXPECT_STATUS(test, PART(pkt, &data, 8, fx.mdl, 1, U32_MAX, WAIT),
		      STATUS_INVALID_PARAMETER_6);
	EXPECT_STATUS(test, PART(pkt, &data, 8, fx.mdl, 0, 0, WAIT | FORCE),
		      STATUS_INVALID_PARAMETER_6);
	EXPECT_STATUS(test, PART(pkt, &data, 8, fx.mdl, 0, 4047, WAIT | FORCE),
		      STATUS_INVALID_PARAMETER_6);
	EXPECT_STATUS(test, PART(pkt, &data, 8, fx.mdl, 0, 0, 0),
		      STATUS_INVALID_PARAMETER_7);
	EXPECT_STATUS(test, PART(pkt, &data, 8, fx.mdl, 0, 0, WAIT | 8),
		      STATUS_INVALID_PARAMETER_7);
	fx.mdl->ByteOffset = FRAME;
	EXPECT_STATUS(test, PART(pkt, &data, 8, fx.mdl, 0, 8, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, PART(pkt, &data, 8, fx.mdl, 0, 8, WAIT | FORCE),
		      STATUS_INVALID_PARAMETER_4);
	fx.mdl->ByteOffset = 50;
	/* No pages: any offset is invalid */
	fx.mdl->PfnCount = 0;
	EXPECT_STATUS(test, PART(pkt, &data, 8, fx.mdl, 0, 8, WAIT | FORCE),
		      STATUS_INVALID_PARAMETER_5);
	MmBuildMdlForNonPagedPool(fx.mdl);
	expect_untouched(test, pkt);
	EXPECT_STATUS(test, PART(pkt, &data, 8, fx.mdl, 0, 4046, WAIT | FORCE),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test, PART(pkt, &data, 8, fx.mdl, 0, 8, WAIT),
		      STATUS_INVALID_PARAMETER_1);
#undef PART
}

static void sending_with_pages(struct kunit *test)
{
	VMBPACKET pkt = packet(test);
	u64 data = 1;

#define PFNS(pkt, buf, len, pfns, count, flags) \
	VmbPacketSendWithExternalPfns(pkt, buf, len, pfns, count, flags)
	EXPECT_STATUS(test, PFNS(NULL, &data, 8, fx.pfn, 1, WAIT),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test, PFNS(pkt, NULL, 8, fx.pfn, 1, WAIT),
		      STATUS_INVALID_PARAMETER_2);
	EXPECT_STATUS(test, PFNS(pkt, &data, 4097, fx.pfn, 1, WAIT),
		      STATUS_INVALID_PARAMETER_3);
	EXPECT_STATUS(test, PFNS(pkt, &data, 8, NULL, 1, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, PFNS(pkt, &data, 8, fx.pfn, 0, WAIT),
		      STATUS_INVALID_PARAMETER_5);
	EXPECT_STATUS(test, PFNS(pkt, &data, 8, NULL, 0, WAIT),
		      STATUS_INVALID_PARAMETER_5);
	/* Times 4096 it is one page, in 32 bits */
	EXPECT_STATUS(test, PFNS(pkt, &data, 8, fx.pfn, (1 << 20) + 1, WAIT),
		      STATUS_INVALID_PARAMETER_5);
	EXPECT_STATUS(test, PFNS(pkt, &data, 8, fx.pfn, 1, 0),
		      STATUS_INVALID_PARAMETER_6);
	EXPECT_STATUS(test, PFNS(pkt, &data, 8, fx.pfn, 1, WAIT | FORCE),
		      STATUS_INVALID_PARAMETER_6);
	expect_untouched(test, pkt);
	EXPECT_STATUS(test, PFNS(pkt, &data, 8, fx.pfn, 4, WAIT),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test, PFNS(pkt, &data, 8, fx.pfn, 4, WAIT),
		      STATUS_INVALID_PARAMETER_1);
#undef PFNS
}

static void a_server_has_no_external_data_to_send(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBPACKET pkt = VmbPacketAllocate(loop->server.ch);
	LARGE_INTEGER never = {};

	KUNIT_ASSERT_NOT_NULL(test, pkt);
	loop_up(loop);
	EXPECT_STATUS(test, VmbPacketSend(pkt, NULL, 0, fx.mdl, WAIT),
		      STATUS_NOT_SUPPORTED);
	EXPECT_STATUS(test, VmbPacketSendWithExternalMdl(pkt, NULL, 0, fx.mdl, 0,
							 0, WAIT),
		      STATUS_NOT_SUPPORTED);
	EXPECT_STATUS(test, VmbPacketSendWithExternalPfns(pkt, NULL, 0, fx.pfn,
							  1, WAIT),
		      STATUS_NOT_SUPPORTED);
	EXPECT_STATUS(test, VmbChannelSendSynchronousRequest(loop->server.ch,
							     NULL, 0, fx.mdl,
							     WAIT, NULL, NULL,
							     &never),
		      STATUS_NOT_SUPPORTED);
	VmbPacketFree(pkt);
}

static void pipes_have_no_external_data(struct kunit *test)
{
	struct loop *loop = test->priv;
	LARGE_INTEGER soon = { .QuadPart = -10000000 };

	EXPECT_STATUS(test, VmbChannelInitSetFlags(loop->client.ch,
						   VMBUS_CHANNEL_INIT_FLAG_IS_PIPE),
		      STATUS_SUCCESS);
	packet(test);
	EXPECT_STATUS(test, VmbPacketSend(fx.packet, NULL, 0, fx.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, VmbPacketSendWithExternalMdl(fx.packet, NULL, 0,
							 fx.mdl, 0, 0, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, VmbPacketSendWithExternalPfns(fx.packet, NULL, 0,
							  fx.pfn, 1, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, VmbChannelSendSynchronousRequest(loop->client.ch,
							     NULL, 0, fx.mdl,
							     WAIT, NULL, NULL,
							     &soon),
		      STATUS_INVALID_PARAMETER_4);
}

static VOID answer(VMBCHANNEL Channel, VMBPACKETCOMPLETION Packet,
		   PVOID Buffer, UINT32 BufferLength, UINT32 Flags)
{
	u8 first[8] = {};
	PMDL mdl;

	fx.flags = Flags;
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
	EXPECT_STATUS(test, REQUEST(fx.mdl, WAIT), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, fx.flags,
			VMBUS_CHANNEL_PROCESS_PACKET_FLAG_EXTERNAL_DATA);
	KUNIT_EXPECT_EQ(test, size, 8);
	KUNIT_EXPECT_MEMEQ(test, reply, fx.mem + 50, 8);
	EXPECT_STATUS(test, REQUEST(fx.mdl, 0), STATUS_INVALID_PARAMETER_5);
	fx.mdl->ByteOffset = FRAME;
	EXPECT_STATUS(test, REQUEST(fx.mdl, WAIT), STATUS_INVALID_PARAMETER_4);
	fx.mdl->ByteOffset = 50;
	EXPECT_STATUS(test, REQUEST(NULL, WAIT), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, fx.flags, 0);
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

	packet(test);
	loop_up(loop);
	EXPECT_STATUS(test, VmbPacketSend(fx.packet, NULL, 0, fx.mdl, WAIT),
		      STATUS_SUCCESS);
	loop_wait(&loop->server, READ_ONCE(fx.packets) == 1);
	EXPECT_STATUS(test, VmbChannelPacketGetExternalData(NULL, 0, &mdl),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test, VmbChannelPacketGetExternalData(fx.ctx, 2, &mdl),
		      STATUS_INVALID_PARAMETER_2);
	EXPECT_STATUS(test, VmbChannelPacketGetExternalData(fx.ctx, 0, NULL),
		      STATUS_INVALID_PARAMETER_3);
	EXPECT_STATUS(test, VmbChannelPacketGetExternalData(fx.ctx, 0, &mdl),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test, VmbChannelPacketGetExternalData(fx.ctx, 0, &again),
		      STATUS_SUCCESS);
	KUNIT_EXPECT_PTR_EQ(test, mdl, again);
	KUNIT_EXPECT_EQ(test, MmGetMdlByteCount(mdl), 100);
	KUNIT_EXPECT_EQ(test, MmGetMdlByteOffset(mdl), 50);
	KUNIT_EXPECT_EQ(test, MmGetMdlPfnArray(mdl->Next)[1], fx.pfn[2]);
	p = MmGetSystemAddressForMdlSafe(mdl->Next, NormalPagePriority);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_MEMEQ(test, p, fx.mem + FRAME, 2 * FRAME);
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
								    process_packet,
								    NULL),
		      STATUS_SUCCESS);
	loop_up(loop);
	loop_inject(&loop->server, 7, 1, header, sizeof(header), "payload", 8);
	loop_wait(&loop->client, READ_ONCE(fx.packets) == 1);
	KUNIT_EXPECT_EQ(test, fx.flags,
			VMBUS_CHANNEL_PROCESS_PACKET_FLAG_EXTERNAL_DATA);
	EXPECT_STATUS(test, KmclPacketGetRanges(NULL, &set, &ranges, &count),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test, KmclPacketGetRanges(fx.ctx, &set, NULL, &count),
		      STATUS_INVALID_PARAMETER_3);
	EXPECT_STATUS(test, KmclPacketGetRanges(fx.ctx, &set, &ranges, NULL),
		      STATUS_INVALID_PARAMETER_4);
	KUNIT_EXPECT_EQ(test, set, 0);
	EXPECT_STATUS(test, KmclPacketGetRanges(fx.ctx, &set, &ranges, &count),
		      STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, set, 0xcafe);
	KUNIT_ASSERT_EQ(test, count, 2);
	KUNIT_EXPECT_EQ(test, ranges[0].offset, 100);
	KUNIT_EXPECT_EQ(test, ranges[0].bytes, 24);
	KUNIT_EXPECT_EQ(test, ranges[1].offset, 0);
	KUNIT_EXPECT_EQ(test, ranges[1].bytes, 8);
	EXPECT_STATUS(test, KmclPacketGetRanges(fx.ctx, NULL, &ranges, &count),
		      STATUS_SUCCESS);
	/* They are no frames of a peer */
	EXPECT_STATUS(test, VmbChannelPacketGetExternalData(fx.ctx, 0, &mdl),
		      STATUS_NOT_SUPPORTED);
}

static void describing_memory(struct kunit *test)
{
	PMDL mdl;

	KUNIT_EXPECT_PTR_EQ(test, MmGetMdlVirtualAddress(fx.mdl),
			    (void *)(fx.mem + 50));
	KUNIT_EXPECT_PTR_EQ(test, (void *)(fx.mem + 50),
			    MmGetSystemAddressForMdlSafe(fx.mdl,
							 NormalPagePriority));
	KUNIT_EXPECT_EQ(test, MmGetMdlPfnArray(fx.mdl)[0], fx.pfn[0]);
	KUNIT_EXPECT_NULL(test, IoAllocateMdl(fx.mem, 8, FALSE, FALSE, &mdl));
	/* No memory is there: nothing is described */
	mdl = IoAllocateMdl((PVOID)8UL, 8, FALSE, FALSE, NULL);
	KUNIT_ASSERT_NOT_NULL(test, mdl);
	MmBuildMdlForNonPagedPool(mdl);
	KUNIT_EXPECT_NULL(test, MmGetSystemAddressForMdlSafe(mdl, 0));
	EXPECT_STATUS(test, VmbPacketSend(packet(test), NULL, 0, mdl, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	IoFreeMdl(mdl);
	IoFreeMdl(NULL);
}

static struct kunit_case winmem_cases[] = {
	/* KMCL: VmbChannelInitSetMaximumExternalData */
	KUNIT_CASE(limits_of_external_data),
	/* KMCL: VmbChannelInitSetMaximumExternalData */
	KUNIT_CASE(the_largest_limits),
	KUNIT_CASE(a_payload_that_its_ranges_make_too_long),
	/* KMCL: VmbPacketSend */
	KUNIT_CASE(sending_with_an_mdl),
	KUNIT_CASE(more_than_the_default_limits),
	/* KMCL: VmbPacketSendWithExternalMdl */
	/* KMCL: VMBUS_CHANNEL_FORMAT_FLAG_FORCE_MDL_LENGTH */
	KUNIT_CASE(sending_with_a_part_of_an_mdl),
	/* KMCL: VmbPacketSendWithExternalPfns */
	KUNIT_CASE(sending_with_pages),
	/* KMCL: VmbPacketSendWithExternalMdl */
	KUNIT_CASE(a_server_has_no_external_data_to_send),
	/* KMCL: VmbPacketSendWithExternalPfns */
	KUNIT_CASE(pipes_have_no_external_data),
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(a_synchronous_request_with_external_data),
	KUNIT_CASE(a_request_with_memory_of_user_space),
	/* KMCL: VmbChannelPacketGetExternalData */
	KUNIT_CASE(getting_external_data),
	KUNIT_CASE(getting_ranges),
	KUNIT_CASE(describing_memory),
	{}
};

static struct kunit_suite winmem_suite = {
	.name = "kmcl_winmem",
	.init = winmem_init,
	.exit = winmem_exit,
	.test_cases = winmem_cases,
};

kunit_test_suite(winmem_suite);

MODULE_DESCRIPTION("KUnit tests of KMCL's memory under Windows' names");
MODULE_LICENSE("GPL");
