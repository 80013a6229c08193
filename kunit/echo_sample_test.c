// SPDX-License-Identifier: GPL-2.0
/*
 * The sample drivers/clients/kmcl_echo.c, loaded and unloaded. It is compiled
 * into this file, and started by the test instead of by the kernel.
 */
#include <kunit/test.h>

#include <linux/module.h>

#undef pr_fmt
#undef module_init
#undef module_exit
#define module_init(fn)
#define module_exit(fn)

#include "../drivers/clients/kmcl_echo.c"

/* KMCL's two ends in one module: what the sample says of itself is true */
static void every_message_is_echoed(struct kunit *test)
{
	int i;

	for (i = 0; i < 3; i++) {
		KUNIT_ASSERT_EQ(test, echo_start(), 0);
		KUNIT_EXPECT_EQ(test, echoed, messages);
		KUNIT_EXPECT_EQ(test, wrong, 0);
		echo_stop();
	}
}

static void a_second_server_of_the_same_name_is_refused(struct kunit *test)
{
	VMBCHANNEL server;

	KUNIT_ASSERT_EQ(test, echo_start(), 0);
	KUNIT_ASSERT_EQ(test, VmbChannelAllocate(echo_device, TRUE, &server),
			STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test,
			VmbServerChannelInitSetTargetInterfaceId(server,
								 echo_type,
								 echo_instance),
			STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, VmbChannelEnable(server),
			STATUS_OBJECT_NAME_COLLISION);
	VmbChannelCleanup(server);
	echo_stop();
}

static struct kunit_case echo_sample_test_cases[] = {
	KUNIT_CASE(every_message_is_echoed),
	/* KMCL: VmbServerChannelInitSetTargetInterfaceId */
	KUNIT_CASE(a_second_server_of_the_same_name_is_refused),
	{}
};

static struct kunit_suite echo_sample_test_suite = {
	.name = "kmcl_echo_sample",
	.test_cases = echo_sample_test_cases,
};

kunit_test_suite(echo_sample_test_suite);
