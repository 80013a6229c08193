// SPDX-License-Identifier: GPL-2.0
/*
 * The sample drivers/clients/kmcl_share.c, loaded and unloaded. It is compiled
 * into this file, and started by the test instead of by the kernel.
 */
#include <kunit/test.h>

#include <linux/module.h>

#undef pr_fmt
#undef module_init
#undef module_exit
#define module_init(fn)
#define module_exit(fn)

#include "../drivers/clients/kmcl_share.c"

static void data_go_into_lent_memory_and_back(struct kunit *test)
{
	int i;

	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, share_start(), 0);
		KUNIT_EXPECT_EQ(test, right, rounds);
		KUNIT_EXPECT_EQ(test, wrong, 0);
		share_stop();
		KUNIT_EXPECT_NULL(test, lent_mdl);
	}
}

/* A client may say anything: nothing outside of the store is touched */
static void requests_beyond_the_store_are_refused(struct kunit *test)
{
	static const struct {
		UINT32 offset;
		UINT32 bytes;
	} bad[] = {
		{ STORE_BYTES, 1 }, { STORE_BYTES - 1, 2 }, { U32_MAX, 1 },
		{ U32_MAX, U32_MAX }, { 0, STORE_BYTES + 1 }, { 1, U32_MAX },
		/* More than the chain has */
		{ 0, DATA_BYTES },
	};
	struct share_request request = { .operation = SHARE_READ };
	u8 *data = kunit_kzalloc(test, DATA_BYTES, GFP_KERNEL);
	PMDL mdl;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, data);
	KUNIT_ASSERT_EQ(test, share_start(), 0);
	mdl = ShareDescribe(data, DATA_BYTES - 1);
	KUNIT_EXPECT_NOT_NULL(test, mdl);
	for (i = 0; mdl && i < ARRAY_SIZE(bad); i++) {
		request.offset = bad[i].offset;
		request.bytes = bad[i].bytes;
		KUNIT_EXPECT_EQ(test,
				ShareClientAsk(share_client, &request, mdl),
				STATUS_INVALID_PARAMETER);
	}
	/* Neither without external data, nor an operation that there is not */
	request.offset = 0;
	request.bytes = 1;
	KUNIT_EXPECT_EQ(test, ShareClientAsk(share_client, &request, NULL),
			STATUS_INVALID_PARAMETER);
	request.operation = SHARE_READ + 1;
	KUNIT_EXPECT_EQ(test, ShareClientAsk(share_client, &request, NULL),
			STATUS_INVALID_PARAMETER);
	if (mdl)
		IoFreeMdl(mdl);
	share_stop();
}

static struct kunit_case share_sample_test_cases[] = {
	/* KMCL: VmbChannelDeleteGpadl VmbChannelUnmapGpadl */
	KUNIT_CASE(data_go_into_lent_memory_and_back),
	KUNIT_CASE(requests_beyond_the_store_are_refused),
	{}
};

static struct kunit_suite share_sample_test_suite = {
	.name = "kmcl_share_sample",
	.test_cases = share_sample_test_cases,
};

kunit_test_suite(share_sample_test_suite);
