// SPDX-License-Identifier: GPL-2.0
/*
 * Which NTSTATUS a result of the library becomes, by its number: Windows', and
 * not the header's, whose names symbols_test.c compares with these. Nothing but
 * one pure function is called; which call returns what is winstatus_test.c's.
 */
#include <kunit/test.h>

#include <linux/kernel.h>
#include <kmcl/ntstatus.h>

static const struct result {
	const char *name;
	int ret;
	u32 number;
} results[] = {
#define RESULT(ret, number)	{ #ret, ret, number }
	RESULT(0, 0x00000000),
	RESULT(-EINPROGRESS, 0x00000103),
	RESULT(-EAGAIN, 0x80000005),
	RESULT(-EMSGSIZE, 0x80000005),
	RESULT(-ECONNREFUSED, 0xc0000001),
	RESULT(-EFAULT, 0xc0000005),
	RESULT(-EBADF, 0xc0000008),
	RESULT(-EINVAL, 0xc000000d),
	RESULT(-ENXIO, 0xc000000e),
	RESULT(-EACCES, 0xc0000022),
	RESULT(-ENOSPC, 0xc0000023),
	RESULT(-EEXIST, 0xc0000035),
	RESULT(-ENOMEM, 0xc000009a),
	RESULT(-EOPNOTSUPP, 0xc00000bb),
	RESULT(-ECANCELED, 0xc0000120),
	RESULT(-EBUSY, 0xc0000184),
	RESULT(-ENOTCONN, 0xc0000184),
	RESULT(-EDEADLK, 0xc0000184),
	RESULT(-EPROTO, 0xc0000186),
	RESULT(-ENOENT, 0xc0000225),
	RESULT(-ENODEV, 0xc00002b6),
	/* What a driver's own callback may have returned */
	RESULT(-EIO, 0xc0000001),
	RESULT(-1, 0xc0000001),
	RESULT(-4095, 0xc0000001),
#undef RESULT
};

KUNIT_ARRAY_PARAM_DESC(result, results, name);

static void each_result_becomes_its_status(struct kunit *test)
{
	const struct result *result = test->param_value;

	KUNIT_EXPECT_EQ(test, (u32)kmcl_ntstatus(result->ret), result->number);
}

/* No failure looks like a success, whatever errno it is */
static void no_failure_but_pending_is_a_success(struct kunit *test)
{
	int err;

	for (err = 1; err < 4096; err++)
		KUNIT_EXPECT_EQ_MSG(test, NT_SUCCESS(kmcl_ntstatus(-err)),
				    err == EINPROGRESS, "%d", -err);
}

static const struct severity {
	const char *name;
	u32 number;
	bool success;
} severities[] = {
	{ "success", 0x00000000, true },
	{ "pending", 0x00000103, true },
	{ "the last one that informs", 0x7fffffff, true },
	{ "a warning", 0x80000005, false },
	{ "the first error", 0xc0000001, false },
	{ "more processing required", 0xc0000016, false },
	{ "cancelled", 0xc0000120, false },
	{ "the last error", 0xffffffff, false },
};

KUNIT_ARRAY_PARAM_DESC(severity, severities, name);

/* A warning is none: only the sign counts */
static void only_success_and_pending_are_successes(struct kunit *test)
{
	const struct severity *severity = test->param_value;

	KUNIT_EXPECT_EQ(test, sizeof(NTSTATUS), 4);
	KUNIT_EXPECT_EQ(test, NT_SUCCESS(severity->number), severity->success);
}

static struct kunit_case ntstatus_cases[] = {
	KUNIT_CASE_PARAM(only_success_and_pending_are_successes,
			 severity_gen_params),
	KUNIT_CASE_PARAM(each_result_becomes_its_status, result_gen_params),
	KUNIT_CASE(no_failure_but_pending_is_a_success),
	{}
};

static struct kunit_suite ntstatus_suite = {
	.name = "kmcl_ntstatus",
	.test_cases = ntstatus_cases,
};

kunit_test_suite(ntstatus_suite);

MODULE_DESCRIPTION("KUnit tests of KMCL's status codes");
MODULE_LICENSE("GPL");
