// SPDX-License-Identifier: GPL-2.0
/*
 * External data under Windows' names, as a ported driver sends it: each documented
 * status of each function, and that a call which fails has changed nothing. See
 * winmem_get_test.c for the other end. Needs loopback only.
 */
#include <linux/limits.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "winmem_harness.h"

/* Nothing was accepted: the packet can still be sent, and is, once */
static void expect_untouched(struct kunit *test, VMBPACKET pkt)
{
	struct loop *loop = test->priv;

	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).accepted, 0);
	KUNIT_EXPECT_EQ(test, winmem.done, 0);
	loop_up(loop);
	EXPECT_STATUS(test, VmbPacketSend(pkt, NULL, 0, winmem.mdl, WAIT),
		      STATUS_SUCCESS);
	loop_wait(&loop->server, READ_ONCE(winmem.packets) == 1);
	VmbChannelPacketComplete(winmem.ctx, NULL, 0);
	winmem.ctx = NULL;
	loop_wait(&loop->client, READ_ONCE(winmem.done) == 1);
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
	winmem_packet(test);
	EXPECT_STATUS(test, VmbChannelInitSetMaximumExternalData(client, 1, 1),
		      STATUS_INVALID_PARAMETER_1);
	loop_up(loop);
	EXPECT_STATUS(test, VmbChannelInitSetMaximumExternalData(client, 1, 1),
		      STATUS_INVALID_PARAMETER_1);
	/* Of the bytes, and of the MDLs */
	EXPECT_STATUS(test, VmbPacketSend(winmem.packet, NULL, 0, winmem.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, VmbPacketSendWithExternalMdl(winmem.packet, NULL, 0,
							 winmem.mdl, 0, 8192, WAIT),
		      STATUS_SUCCESS);
	loop_wait(&loop->server, READ_ONCE(winmem.packets) == 1);
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
	winmem_packet(test);
	/* Together with its ranges the payload is too long for the wire */
	EXPECT_STATUS(test, VmbPacketSend(winmem.packet, winmem.mem, 8, winmem.mdl, WAIT),
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
	winmem_packet(test);
	/* 8, and a range of 8 with a page and one with two: 48 bytes */
	EXPECT_STATUS(test, VmbPacketSend(winmem.packet, payload, 524264 - 47,
					  winmem.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, VmbPacketSendWithExternalPfns(winmem.packet, payload,
							  524264, winmem.pfn, 1,
							  WAIT),
		      STATUS_INVALID_PARAMETER_5);
	EXPECT_STATUS(test, VmbPacketSend(winmem.packet, payload, 524264 - 48,
					  winmem.mdl, WAIT), STATUS_SUCCESS);
	vfree(payload);
}

static void sending_with_an_mdl(struct kunit *test)
{
	VMBPACKET pkt = winmem_packet(test);
	PMDL second = winmem.mdl->Next;
	u64 data = 1;

	EXPECT_STATUS(test, VmbPacketSend(NULL, &data, 8, winmem.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test, VmbPacketSend(pkt, NULL, 8, winmem.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_2);
	EXPECT_STATUS(test, VmbPacketSend(pkt, winmem.mem, 4097, winmem.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_3);
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, U32_MAX - 3, winmem.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_3);
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, 8, winmem.mdl, 0),
		      STATUS_INVALID_PARAMETER_5);
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, 8, winmem.mdl, WAIT | FORCE),
		      STATUS_INVALID_PARAMETER_5);
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, 8, winmem.mdl, WAIT | 8),
		      STATUS_INVALID_PARAMETER_5);
	/* A chain that is a ring, of MDLs with bytes and of ones without */
	second->Next = winmem.mdl;
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, 8, winmem.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	winmem.mdl->ByteCount = 0;
	second->ByteCount = 0;
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, 8, winmem.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	/* Nothing at all */
	second->Next = NULL;
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, 8, winmem.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	/* More bytes than pages */
	winmem.mdl->ByteCount = FRAME - 50 + 1;
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, 8, winmem.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	winmem.mdl->ByteCount = U32_MAX;
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, 8, winmem.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	winmem.mdl->ByteCount = 100;
	/* An offset that is in another page, and no pages */
	winmem.mdl->ByteOffset = FRAME;
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, 8, winmem.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	winmem.mdl->ByteOffset = 50;
	second->ByteCount = 2 * FRAME;
	second->Pfns = NULL;
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, 8, winmem.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	MmBuildMdlForNonPagedPool(winmem.mdl);
	second->Pfns = (PPFN_NUMBER)(second + 1);
	expect_untouched(test, pkt);
	/* A packet that has ended is accepted again; one that is in flight is not */
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, 8, winmem.mdl, WAIT | PAGED),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test, VmbPacketSend(pkt, &data, 8, winmem.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_1);
}

static void more_than_the_default_limits(struct kunit *test)
{
	VMBPACKET pkt = winmem_packet(test);
	PMDL mdl[33];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(mdl); i++) {
		mdl[i] = win_describe(test, winmem.mem + i, 1);
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
		mdl[0]->Pfns[i] = winmem.pfn[0];
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
	VMBPACKET pkt = winmem_packet(test);
	u64 data = 1;

#define PART(pkt, buf, len, mdl, offset, length, flags) \
	VmbPacketSendWithExternalMdl(pkt, buf, len, mdl, offset, length, flags)
	EXPECT_STATUS(test, PART(NULL, &data, 8, winmem.mdl, 0, 0, WAIT),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test, PART(pkt, NULL, 8, winmem.mdl, 0, 0, WAIT),
		      STATUS_INVALID_PARAMETER_2);
	EXPECT_STATUS(test, PART(pkt, &data, 4097, winmem.mdl, 0, 0, WAIT),
		      STATUS_INVALID_PARAMETER_3);
	EXPECT_STATUS(test, PART(pkt, &data, 8, NULL, 0, 0, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, PART(pkt, &data, 8, winmem.mdl, 8292, 0, WAIT),
		      STATUS_INVALID_PARAMETER_5);
	EXPECT_STATUS(test, PART(pkt, &data, 8, winmem.mdl, U32_MAX, U32_MAX, WAIT),
		      STATUS_INVALID_PARAMETER_5);
	EXPECT_STATUS(test, PART(pkt, &data, 8, winmem.mdl, 0, 8293, WAIT),
		      STATUS_INVALID_PARAMETER_6);
	EXPECT_STATUS(test, PART(pkt, &data, 8, winmem.mdl, 8291, 2, WAIT),
		      STATUS_INVALID_PARAMETER_6);
	EXPECT_STATUS(test, PART(pkt, &data, 8, winmem.mdl, 1, U32_MAX, WAIT),
		      STATUS_INVALID_PARAMETER_6);
	EXPECT_STATUS(test, PART(pkt, &data, 8, winmem.mdl, 0, 0, WAIT | FORCE),
		      STATUS_INVALID_PARAMETER_6);
	EXPECT_STATUS(test, PART(pkt, &data, 8, winmem.mdl, 0, 4047, WAIT | FORCE),
		      STATUS_INVALID_PARAMETER_6);
	EXPECT_STATUS(test, PART(pkt, &data, 8, winmem.mdl, 0, 0, 0),
		      STATUS_INVALID_PARAMETER_7);
	EXPECT_STATUS(test, PART(pkt, &data, 8, winmem.mdl, 0, 0, WAIT | 8),
		      STATUS_INVALID_PARAMETER_7);
	winmem.mdl->ByteOffset = FRAME;
	EXPECT_STATUS(test, PART(pkt, &data, 8, winmem.mdl, 0, 8, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, PART(pkt, &data, 8, winmem.mdl, 0, 8, WAIT | FORCE),
		      STATUS_INVALID_PARAMETER_4);
	winmem.mdl->ByteOffset = 50;
	/* No pages: any offset is invalid */
	winmem.mdl->PfnCount = 0;
	EXPECT_STATUS(test, PART(pkt, &data, 8, winmem.mdl, 0, 8, WAIT | FORCE),
		      STATUS_INVALID_PARAMETER_5);
	MmBuildMdlForNonPagedPool(winmem.mdl);
	expect_untouched(test, pkt);
	EXPECT_STATUS(test, PART(pkt, &data, 8, winmem.mdl, 0, 4046, WAIT | FORCE),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test, PART(pkt, &data, 8, winmem.mdl, 0, 8, WAIT),
		      STATUS_INVALID_PARAMETER_1);
#undef PART
}

static void sending_with_pages(struct kunit *test)
{
	VMBPACKET pkt = winmem_packet(test);
	u64 data = 1;

#define PFNS(pkt, buf, len, pfns, count, flags) \
	VmbPacketSendWithExternalPfns(pkt, buf, len, pfns, count, flags)
	EXPECT_STATUS(test, PFNS(NULL, &data, 8, winmem.pfn, 1, WAIT),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test, PFNS(pkt, NULL, 8, winmem.pfn, 1, WAIT),
		      STATUS_INVALID_PARAMETER_2);
	EXPECT_STATUS(test, PFNS(pkt, &data, 4097, winmem.pfn, 1, WAIT),
		      STATUS_INVALID_PARAMETER_3);
	EXPECT_STATUS(test, PFNS(pkt, &data, 8, NULL, 1, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, PFNS(pkt, &data, 8, winmem.pfn, 0, WAIT),
		      STATUS_INVALID_PARAMETER_5);
	EXPECT_STATUS(test, PFNS(pkt, &data, 8, NULL, 0, WAIT),
		      STATUS_INVALID_PARAMETER_5);
	/* Times 4096 it is one page, in 32 bits */
	EXPECT_STATUS(test, PFNS(pkt, &data, 8, winmem.pfn, (1 << 20) + 1, WAIT),
		      STATUS_INVALID_PARAMETER_5);
	EXPECT_STATUS(test, PFNS(pkt, &data, 8, winmem.pfn, 1, 0),
		      STATUS_INVALID_PARAMETER_6);
	EXPECT_STATUS(test, PFNS(pkt, &data, 8, winmem.pfn, 1, WAIT | FORCE),
		      STATUS_INVALID_PARAMETER_6);
	expect_untouched(test, pkt);
	EXPECT_STATUS(test, PFNS(pkt, &data, 8, winmem.pfn, 4, WAIT),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test, PFNS(pkt, &data, 8, winmem.pfn, 4, WAIT),
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
	EXPECT_STATUS(test, VmbPacketSend(pkt, NULL, 0, winmem.mdl, WAIT),
		      STATUS_NOT_SUPPORTED);
	EXPECT_STATUS(test, VmbPacketSendWithExternalMdl(pkt, NULL, 0, winmem.mdl, 0,
							 0, WAIT),
		      STATUS_NOT_SUPPORTED);
	EXPECT_STATUS(test, VmbPacketSendWithExternalPfns(pkt, NULL, 0, winmem.pfn,
							  1, WAIT),
		      STATUS_NOT_SUPPORTED);
	EXPECT_STATUS(test, VmbChannelSendSynchronousRequest(loop->server.ch,
							     NULL, 0, winmem.mdl,
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
	winmem_packet(test);
	EXPECT_STATUS(test, VmbPacketSend(winmem.packet, NULL, 0, winmem.mdl, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, VmbPacketSendWithExternalMdl(winmem.packet, NULL, 0,
							 winmem.mdl, 0, 0, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, VmbPacketSendWithExternalPfns(winmem.packet, NULL, 0,
							  winmem.pfn, 1, WAIT),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, VmbChannelSendSynchronousRequest(loop->client.ch,
							     NULL, 0, winmem.mdl,
							     WAIT, NULL, NULL,
							     &soon),
		      STATUS_INVALID_PARAMETER_4);
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
