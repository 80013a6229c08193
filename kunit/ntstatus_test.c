// SPDX-License-Identifier: GPL-2.0
/*
 * Which NTSTATUS a result of the library becomes, by its number: Windows', and
 * not the header's, whose names symbols_test.c compares with these. Nothing but
 * one pure function is called; which call returns what is winstatus_test.c's.
 */
#include <kunit/test.h>

#include <linux/kernel.h>
#include <linux/kmcl.h>

#include <kmcl/ntstatus.h>

static const struct {
	int ret;
	u32 number;
} results[] = {
	{ 0, 0x00000000 },
	{ -EINPROGRESS, 0x00000103 },
	{ -EAGAIN, 0x80000005 },
	{ -EMSGSIZE, 0x80000005 },
	{ -ECONNREFUSED, 0xc0000001 },
	{ -EBADF, 0xc0000008 },
	{ -EINVAL, 0xc000000d },
	{ -ENXIO, 0xc000000e },
	{ -EACCES, 0xc0000022 },
	{ -ENOSPC, 0xc0000023 },
	{ -EEXIST, 0xc0000035 },
	{ -ENOMEM, 0xc000009a },
	{ -EOPNOTSUPP, 0xc00000bb },
	{ -ECANCELED, 0xc0000120 },
	{ -EBUSY, 0xc0000184 },
	{ -ENOTCONN, 0xc0000184 },
	{ -EDEADLK, 0xc0000184 },
	{ -EPROTO, 0xc0000186 },
	{ -ENOENT, 0xc0000225 },
	{ -ENODEV, 0xc00002b6 },
	/* What a driver's own callback may have returned */
	{ -EIO, 0xc0000001 },
	{ -1, 0xc0000001 },
	{ -4095, 0xc0000001 },
};

static void each_result_becomes_its_status(struct kunit *test)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(results); i++)
		KUNIT_EXPECT_EQ_MSG(test, (u32)kmcl_ntstatus(results[i].ret),
				    results[i].number, "%d", results[i].ret);
}

/* No failure looks like a success, whatever errno it is */
static void no_failure_but_pending_is_a_success(struct kunit *test)
{
	int err;

	for (err = 1; err < 4096; err++)
		KUNIT_EXPECT_EQ_MSG(test, NT_SUCCESS(kmcl_ntstatus(-err)),
				    err == EINPROGRESS, "%d", -err);
}

static void a_bad_argument_has_its_number(struct kunit *test)
{
	u32 arg;

	for (arg = 1; arg <= 8; arg++) {
		u32 number = 0xc00000ef + arg - 1;

		KUNIT_EXPECT_EQ(test, number,
				(u32)kmcl_ntstatus(KMCL_ERR(EINVAL, arg)));
		/* A setting of a channel that is not disabled */
		KUNIT_EXPECT_EQ(test, number,
				(u32)kmcl_ntstatus(KMCL_ERR(EBUSY, arg)));
		/* Without it the number is gone, and the errno is what it was */
		KUNIT_EXPECT_EQ(test, kmcl_errno(KMCL_ERR(EINVAL, arg)), -EINVAL);
		KUNIT_EXPECT_EQ(test, kmcl_errno(KMCL_ERR(EBUSY, arg)), -EBUSY);
	}
	/* There is no such argument: the errno is all there is */
	KUNIT_EXPECT_EQ(test, 0xc000000d,
			(u32)kmcl_ntstatus(KMCL_ERR(EINVAL, 9)));
	KUNIT_EXPECT_EQ(test, 0xc0000184,
			(u32)kmcl_ntstatus(KMCL_ERR(EBUSY, 15)));
	KUNIT_EXPECT_EQ(test, kmcl_errno(1), 1);
}

/* A warning is none: only the sign counts */
static void only_success_and_pending_are_successes(struct kunit *test)
{
	static const struct {
		u32 number;
		bool success;
	} statuses[] = {
		{ 0x00000000, true },
		{ 0x00000103, true },
		{ 0x7fffffff, true },
		{ 0x80000005, false },
		{ 0xc0000001, false },
		{ 0xc0000016, false },
		{ 0xc0000120, false },
		{ 0xffffffff, false },
	};
	u32 i;

	KUNIT_EXPECT_EQ(test, sizeof(NTSTATUS), 4);
	for (i = 0; i < ARRAY_SIZE(statuses); i++)
		KUNIT_EXPECT_EQ_MSG(test, NT_SUCCESS(statuses[i].number),
				    statuses[i].success, "%#x",
				    statuses[i].number);
}

static struct kunit_case ntstatus_cases[] = {
	KUNIT_CASE(only_success_and_pending_are_successes),
	KUNIT_CASE(each_result_becomes_its_status),
	KUNIT_CASE(no_failure_but_pending_is_a_success),
	KUNIT_CASE(a_bad_argument_has_its_number),
	{}
};

static struct kunit_suite ntstatus_suite = {
	.name = "kmcl_ntstatus",
	.test_cases = ntstatus_cases,
};

kunit_test_suite(ntstatus_suite);

MODULE_DESCRIPTION("KUnit tests of KMCL's status codes");
MODULE_LICENSE("GPL");
