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

/* Both endpoints in one module: the sample's own counts are right */
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

/* Nor is anything left of a module that cannot be loaded for that reason */
static void a_second_server_of_the_same_name_is_refused(struct kunit *test)
{
	struct kmcl_channel *server;

	server = kmcl_server_create(NULL, &echo_server_desc, NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, server);
	KUNIT_ASSERT_EQ(test, echo_start(), 0);
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(server), -EEXIST);
	echo_stop();

	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(server), 0);
	KUNIT_EXPECT_EQ(test, echo_start(), -EEXIST);
	kmcl_channel_disable(server);
	kmcl_channel_free(server);
	KUNIT_ASSERT_EQ(test, echo_start(), 0);
	KUNIT_EXPECT_EQ(test, echoed, messages);
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
