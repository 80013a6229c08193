// SPDX-License-Identifier: GPL-2.0
/*
 * GPADLs under Windows' names: each documented status of each function, and
 * that a call which fails has changed nothing. Needs loopback only.
 */
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "win_harness.h"

#define PAGES	4
#define FRAME	4096U

struct wingpadl_fixture {
	u8 *mem;
	PMDL mdl;		/* two pieces: 100 bytes, and 2 pages */
};

static struct wingpadl_fixture fx;

static int wingpadl_init(struct kunit *test)
{
	int ret = loop_init(test);

	memset(&fx, 0, sizeof(fx));
	if (ret)
		return ret;
	fx.mem = loop_memory(test, PAGES);
	fx.mdl = win_describe(test, fx.mem + 50, 100);
	fx.mdl->Next = win_describe(test, fx.mem + FRAME, 2 * FRAME);
	return 0;
}

static void wingpadl_exit(struct kunit *test)
{
	loop_exit(test);
	if (fx.mdl)
		IoFreeMdl(fx.mdl->Next);
	IoFreeMdl(fx.mdl);
}

static void creating_gpadls(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBCHANNEL client = loop->client.ch, server = loop->server.ch;
	UINT32 handle = 77;

#define BUFFER	VmbChannelCreateGpadlFromBuffer
	EXPECT_STATUS(test, BUFFER(client, 0, fx.mem, 8, &handle),
		      STATUS_INVALID_DEVICE_STATE);
	loop_up(loop);
	EXPECT_STATUS(test, BUFFER(NULL, 0, fx.mem, 8, &handle),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test, BUFFER(client, 2, fx.mem, 8, &handle),
		      STATUS_INVALID_PARAMETER_2);
	EXPECT_STATUS(test, BUFFER(client, 0, NULL, 8, &handle),
		      STATUS_INVALID_PARAMETER_3);
	EXPECT_STATUS(test, BUFFER(client, 0, (PVOID)8UL, 8, &handle),
		      STATUS_INVALID_PARAMETER_3);
	EXPECT_STATUS(test, BUFFER(client, 0, fx.mem, 0, &handle),
		      STATUS_INVALID_PARAMETER_4);
	/* 8190 pages at most, wherever they begin */
	EXPECT_STATUS(test, BUFFER(client, 0, fx.mem, 8190 * FRAME + 1, &handle),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, BUFFER(client, 0, fx.mem + 1, 8190 * FRAME, &handle),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, BUFFER(client, 0, fx.mem, U32_MAX, &handle),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, BUFFER(client, 0, fx.mem, 8, NULL),
		      STATUS_INVALID_PARAMETER_5);
	EXPECT_STATUS(test, BUFFER(server, 0, fx.mem, 8, &handle),
		      STATUS_NOT_SUPPORTED);
	KUNIT_EXPECT_EQ(test, handle, 77);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).gpadls, 0);
	EXPECT_STATUS(test, BUFFER(client, VMBUS_CHANNEL_GPADL_FLAG_READ_ONLY,
				   fx.mem, 8, &handle), STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).gpadls, 1);
	VmbChannelDeleteGpadl(client, handle + 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).gpadls, 1);
	VmbChannelDeleteGpadl(client, handle);
	VmbChannelDeleteGpadl(NULL, handle);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).gpadls, 0);
#undef BUFFER
}

static void creating_gpadls_from_mdls(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBCHANNEL client = loop->client.ch, server = loop->server.ch;
	PMDL second = fx.mdl->Next, large = win_describe(test, fx.mem, FRAME);
	UINT32 handle = 77, i;

	/* As many pages as a GPADL can have, all of them the same one */
	large->Pfns = kunit_kcalloc(test, 8191, sizeof(PFN_NUMBER), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, large->Pfns);
	for (i = 0; i < 8191; i++)
		large->Pfns[i] = fx.mdl->Pfns[0];
	large->PfnCount = 8191;
	large->ByteCount = 8191 * FRAME;
#define MDLS	VmbChannelCreateGpadlFromMdl
	EXPECT_STATUS(test, MDLS(client, 0, fx.mdl, 0, 0, &handle),
		      STATUS_INVALID_DEVICE_STATE);
	loop_up(loop);
	EXPECT_STATUS(test, MDLS(NULL, 0, fx.mdl, 0, 0, &handle),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test, MDLS(client, 4, fx.mdl, 0, 0, &handle),
		      STATUS_INVALID_PARAMETER_2);
	EXPECT_STATUS(test, MDLS(client, 0, NULL, 0, 0, &handle),
		      STATUS_INVALID_PARAMETER_3);
	EXPECT_STATUS(test, MDLS(client, 0, fx.mdl, 8292, 0, &handle),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, MDLS(client, 0, fx.mdl, 0, 8293, &handle),
		      STATUS_INVALID_PARAMETER_5);
	EXPECT_STATUS(test, MDLS(client, 0, fx.mdl, 8291, U32_MAX, &handle),
		      STATUS_INVALID_PARAMETER_5);
	EXPECT_STATUS(test, MDLS(client, 0, large, 0, 0, &handle),
		      STATUS_INVALID_PARAMETER_5);
	EXPECT_STATUS(test, MDLS(client, 0, large, 1, 8190 * FRAME, &handle),
		      STATUS_INVALID_PARAMETER_5);
	EXPECT_STATUS(test, MDLS(client, 0, fx.mdl, 0, 0, NULL),
		      STATUS_INVALID_PARAMETER_6);
	EXPECT_STATUS(test, MDLS(server, 0, fx.mdl, 0, 0, &handle),
		      STATUS_NOT_SUPPORTED);
	/* A ring, and then one of no bytes; no bytes; no pages */
	second->Next = fx.mdl;
	EXPECT_STATUS(test, MDLS(client, 0, fx.mdl, 0, 8, &handle),
		      STATUS_INVALID_PARAMETER_3);
	fx.mdl->ByteCount = 0;
	second->ByteCount = 0;
	EXPECT_STATUS(test, MDLS(client, 0, fx.mdl, 0, 0, &handle),
		      STATUS_INVALID_PARAMETER_3);
	second->Next = NULL;
	EXPECT_STATUS(test, MDLS(client, 0, fx.mdl, 0, 0, &handle),
		      STATUS_INVALID_PARAMETER_3);
	fx.mdl->ByteCount = FRAME;
	EXPECT_STATUS(test, MDLS(client, 0, fx.mdl, 0, 8, &handle),
		      STATUS_INVALID_PARAMETER_3);
	fx.mdl->ByteCount = 100;
	KUNIT_EXPECT_EQ(test, handle, 77);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).gpadls, 0);
	EXPECT_STATUS(test, MDLS(client, 0, large, 0, 8190 * FRAME, &handle),
		      STATUS_SUCCESS);
	VmbChannelDeleteGpadl(client, handle);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).gpadls, 0);
	IoFreeMdl(large);
#undef MDLS
}

static void mapping_gpadls(struct kunit *test)
{
	struct loop *loop = test->priv;
	VMBCHANNEL client = loop->client.ch, server = loop->server.ch;
	u32 read_only = VMBUS_CHANNEL_GPADL_FLAG_READ_ONLY;
	PMDL mdl = fx.mdl;
	UINT32 handle;

#define MAP	VmbChannelMapGpadl
	EXPECT_STATUS(test, MAP(server, 0, 1, &mdl),
		      STATUS_INVALID_DEVICE_STATE);
	loop_up(loop);
	EXPECT_STATUS(test, VmbChannelCreateGpadlFromMdl(client, read_only,
							 fx.mdl, 0, 0, &handle),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test, MAP(NULL, 0, handle, &mdl),
		      STATUS_INVALID_PARAMETER_1);
	EXPECT_STATUS(test, MAP(server, 2, handle, &mdl),
		      STATUS_INVALID_PARAMETER_2);
	EXPECT_STATUS(test, MAP(server, 0, handle + 1, &mdl), STATUS_NOT_FOUND);
	EXPECT_STATUS(test, MAP(server, 0, handle, NULL),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, MAP(client, 0, handle, &mdl), STATUS_NOT_SUPPORTED);
	EXPECT_STATUS(test, MAP(server, 0, handle, &mdl), STATUS_ACCESS_DENIED);
	KUNIT_EXPECT_PTR_EQ(test, mdl, fx.mdl);
	EXPECT_STATUS(test, MAP(server, read_only, handle, &mdl),
		      STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, MmGetMdlByteCount(mdl), 100);
	KUNIT_EXPECT_EQ(test, MmGetMdlByteCount(mdl->Next), 2 * FRAME);
	EXPECT_STATUS(test, MAP(server, read_only, handle, &mdl),
		      STATUS_SHARING_VIOLATION);
	VmbChannelUnmapGpadl(server, handle + 1);
	VmbChannelUnmapGpadl(client, handle);
	EXPECT_STATUS(test, MAP(server, read_only, handle, &mdl),
		      STATUS_SHARING_VIOLATION);
	VmbChannelUnmapGpadl(server, handle);
	VmbChannelDeleteGpadl(client, handle);
#undef MAP
}

static struct kunit_case wingpadl_cases[] = {
	/* KMCL: VmbChannelCreateGpadlFromBuffer */
	KUNIT_CASE(creating_gpadls),
	/* KMCL: VmbChannelCreateGpadlFromMdl */
	KUNIT_CASE(creating_gpadls_from_mdls),
	/* KMCL: VmbChannelMapGpadl VMBUS_CHANNEL_GPADL_FLAG_READ_ONLY */
	KUNIT_CASE(mapping_gpadls),
	{}
};

static struct kunit_suite wingpadl_suite = {
	.name = "kmcl_wingpadl",
	.init = wingpadl_init,
	.exit = wingpadl_exit,
	.test_cases = wingpadl_cases,
};

kunit_test_suite(wingpadl_suite);

MODULE_DESCRIPTION("KUnit tests of KMCL's GPADLs under Windows' names");
MODULE_LICENSE("GPL");
