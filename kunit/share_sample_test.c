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

static const struct layout {
	const char *name;
	bool scatter;
	unsigned int skip;
} layouts[] = {
	{ "in order" },
	{ "in reverse order", .scatter = true },
	{ "from the last frame of a page of 64 KiB on", .skip = 15 },
	{ "from its second frame on, in reverse order", .scatter = true, .skip = 1 },
};

KUNIT_ARRAY_PARAM_DESC(layout, layouts, name);

static void data_go_into_shared_memory_and_back(struct kunit *test)
{
	const struct layout *layout = test->param_value;
	int i;

	scatter = layout->scatter;
	skip = layout->skip;
	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, share_start(), 0);
		KUNIT_EXPECT_EQ(test, right, rounds);
		KUNIT_EXPECT_EQ(test, wrong, 0);
		KUNIT_EXPECT_EQ(test, pieces, 1);
		share_stop();
		KUNIT_EXPECT_NULL(test, mapped_mdl);
	}
	scatter = false;
	skip = 0;
}

static void a_store_too_far_inside_is_refused(struct kunit *test)
{
	skip = 16;
	KUNIT_EXPECT_EQ(test, share_start(), -EINVAL);
	skip = 0;
}

static const struct bad_request {
	const char *name;
	u32 operation;
	u32 offset;
	u32 bytes;
	bool no_data;		/* without external data */
} bad_requests[] = {
	{ "behind the store", SHARE_READ, STORE_BYTES, 1 },
	{ "across its end", SHARE_READ, STORE_BYTES - 1, 2 },
	{ "the last offset", SHARE_READ, U32_MAX, 1 },
	{ "the last offset, and most bytes", SHARE_READ, U32_MAX, U32_MAX },
	{ "more than the store", SHARE_READ, 0, STORE_BYTES + 1 },
	{ "most bytes", SHARE_READ, 1, U32_MAX },
	{ "more than the chain has", SHARE_READ, 0, DATA_BYTES },
	{ "no external data", SHARE_READ, 0, 1, true },
	{ "no such operation", SHARE_READ + 1, 0, 1 },
};

KUNIT_ARRAY_PARAM_DESC(bad_request, bad_requests, name);

/* Whatever a client sends, nothing outside of the store is accessed */
static void requests_beyond_the_store_are_refused(struct kunit *test)
{
	const struct bad_request *bad = test->param_value;
	struct share_request request = {
		.operation = bad->operation,
		.offset = bad->offset,
		.bytes = bad->bytes,
	};
	u8 *data = kunit_kzalloc(test, DATA_BYTES, GFP_KERNEL);
	struct kmcl_mdl *mdl;

	KUNIT_ASSERT_NOT_NULL(test, data);
	KUNIT_ASSERT_EQ(test, share_start(), 0);
	mdl = kmcl_mdl_from_buffer(data, DATA_BYTES - 1, GFP_KERNEL);
	KUNIT_EXPECT_NOT_NULL(test, mdl);
	KUNIT_EXPECT_EQ(test, share_ask(share_client, &request,
					bad->no_data ? NULL : mdl), -EINVAL);
	kmcl_mdl_free(mdl);
	share_stop();
}

static struct kunit_case share_sample_test_cases[] = {
	/* KMCL: VmbChannelDeleteGpadl VmbChannelUnmapGpadl */
	KUNIT_CASE_PARAM(data_go_into_shared_memory_and_back, layout_gen_params),
	KUNIT_CASE(a_store_too_far_inside_is_refused),
	KUNIT_CASE_PARAM(requests_beyond_the_store_are_refused,
			 bad_request_gen_params),
	{}
};

static struct kunit_suite share_sample_test_suite = {
	.name = "kmcl_share_sample",
	.test_cases = share_sample_test_cases,
};

kunit_test_suite(share_sample_test_suite);
