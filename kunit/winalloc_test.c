// SPDX-License-Identifier: GPL-2.0
/*
 * What each of Windows' functions returns when there is no memory: the kernel's
 * fault injection fails an allocation of the library, and the same call
 * works afterwards. Which allocations there are, and that nothing is left
 * behind, is tested in alloc_test.c.
 */
#include <kunit/device.h>

#include <linux/device.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <kmcl/vmbuskernelmodeclientlibapi.h>

#include "faults.h"
#include "harness.h"

#define WAIT	VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION

static struct fault_attr *slab;

/* Two tries: the first allocation of the first one fails, the second has memory */
static bool try(u32 i)
{
	if (!i)
		faults_arm(slab, 1);
	return i < 2;
}

static void expect_try(struct kunit *test, u32 i, NTSTATUS status)
{
	bool failed = !i && faults_disarm(slab);

	KUNIT_EXPECT_EQ(test, failed, !i);
	KUNIT_EXPECT_EQ(test, (u32)status,
			(u32)(i ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES));
}

static void a_channel_and_what_is_set(struct kunit *test)
{
	struct device *parent = kunit_device_register(test, "kmcl-winalloc");
	static DECLARE_CONST_UNICODE_STRING(name, L"Test");
	VMBCHANNEL channel = NULL;
	u32 i;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, parent);
	for (i = 0; try(i); i++)
		expect_try(test, i, VmbChannelAllocate(parent, FALSE, &channel));
	KUNIT_ASSERT_NOT_NULL(test, channel);
	for (i = 0; try(i); i++)
		expect_try(test, i, VmbChannelInitSetFriendlyName(channel, &name));
	VmbChannelCleanup(channel);
}

static void packets(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBPACKET packet;

	faults_arm(slab, 1);
	packet = VmbPacketAllocate(loop->client.ch);
	KUNIT_EXPECT_TRUE(test, faults_disarm(slab));
	KUNIT_EXPECT_NULL(test, packet);
	VmbPacketFree(packet);
}

static void enabling_a_server(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	for (i = 0; try(i); i++)
		expect_try(test, i, VmbChannelEnable(loop->server.ch));
}

static void synchronous_requests(struct kunit *test)
{
	struct loop *loop = test->priv;
	LARGE_INTEGER never = {};
	u64 value = 1;
	u32 i;

	/* A packet of more than a page would be taken from vmalloc() */
	KUNIT_ASSERT_EQ(test, kmcl_set_max_packet_size(loop->client.ch, 64), 0);
	loop_up(loop);
	for (i = 0; try(i); i++)
		expect_try(test, i,
			   VmbChannelSendSynchronousRequest(loop->client.ch,
							    &value, 8, NULL,
							    WAIT, NULL, NULL,
							    NULL));
	for (i = 0; try(i); i++)
		expect_try(test, i,
			   VmbChannelSendSynchronousRequest(loop->server.ch,
							    &value, 8, NULL, 0,
							    NULL, NULL, &never));
	loop_wait(&loop->client, loop_got(&loop->client) == 1);
}

static void gpadls(struct kunit *test)
{
	struct loop *loop = test->priv;
	u8 *mem = kunit_kzalloc(test, 100, GFP_KERNEL);
	UINT32 handle;
	PMDL mdl;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, mem);
	loop_up(loop);
	for (i = 0; try(i); i++)
		expect_try(test, i,
			   VmbChannelCreateGpadlFromBuffer(loop->client.ch, 0,
							   mem, 100, &handle));
	for (i = 0; try(i); i++)
		expect_try(test, i, VmbChannelMapGpadl(loop->server.ch, 0,
						       handle, &mdl));
	VmbChannelUnmapGpadl(loop->server.ch, handle);
	VmbChannelDeleteGpadl(loop->client.ch, handle);
}

static void saving(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	loop_up(loop);
	VmbChannelPause(loop->server.ch);
	for (i = 0; try(i); i++)
		expect_try(test, i, VmbChannelSaveBegin(loop->server.ch));
	VmbChannelSaveEnd(loop->server.ch);
}

static int winalloc_init(struct kunit *test)
{
	slab = faults_of(test, "failslab");
	return loop_init(test);
}

static void winalloc_exit(struct kunit *test)
{
	faults_disarm(slab);
	loop_exit(test);
}

static struct kunit_case winalloc_cases[] = {
	/* KMCL: VmbChannelAllocate VmbChannelInitSetFriendlyName */
	KUNIT_CASE(a_channel_and_what_is_set),
	/* KMCL: VmbPacketAllocate */
	KUNIT_CASE(packets),
	/* KMCL: VmbChannelEnable */
	KUNIT_CASE(enabling_a_server),
	/* KMCL: VmbChannelSendSynchronousRequest */
	KUNIT_CASE(synchronous_requests),
	/* KMCL: VmbChannelCreateGpadlFromBuffer VmbChannelMapGpadl */
	KUNIT_CASE(gpadls),
	/* KMCL: VmbChannelSaveBegin */
	KUNIT_CASE(saving),
	{}
};

static struct kunit_suite winalloc_suite = {
	.name = "kmcl_winalloc",
	.init = winalloc_init,
	.exit = winalloc_exit,
	.test_cases = winalloc_cases,
};

kunit_test_suite(winalloc_suite);

MODULE_DESCRIPTION("KUnit tests of KMCL without memory, under Windows' names");
MODULE_LICENSE("GPL");
