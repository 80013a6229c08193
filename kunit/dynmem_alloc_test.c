// SPDX-License-Identifier: GPL-2.0
/*
 * Loading the sample kmcl_dynmem where memory is short: see dynmem_harness.h.
 */
#include <linux/limits.h>
#include <linux/sched.h>

#include "dynmem_harness.h"
#include "faults.h"

#define ROUNDS		300

/* Of allocations that loading it makes, each one fails in turn */
static void loading_fails_as_a_whole(struct kunit *test)
{
	struct dynmem_service *s = test->priv;
	struct fault_attr *attr = faults_of(test, "failslab");
	bool failed = true;
	int nth, ret, seen = 0;

	/* Those of this thread, not only the library's */
	attr->task_filter = true;
	attr->require_start = 0;
	attr->require_end = ULONG_MAX;
	for (nth = 1; failed && nth < ROUNDS; nth++) {
		faults_arm(attr, nth);
		current->make_it_fail = true;
		ret = dynmem_load(s);
		current->make_it_fail = false;
		failed = faults_disarm(attr);
		if (ret) {
			KUNIT_EXPECT_TRUE(test, failed);
			KUNIT_EXPECT_EQ_MSG(test, ret, -ENOMEM, "round %d", nth);
			KUNIT_EXPECT_EQ(test, dynmem_told(s, "send 1"), -ENOENT);
			seen++;
		} else {
			KUNIT_EXPECT_TRUE(test, dynmem_becomes(s, "Active"));
			dynmem_unload(s);
		}
	}
	KUNIT_EXPECT_FALSE(test, failed);
	/* The device, the channel, and three files */
	KUNIT_EXPECT_GE(test, seen, 5);
	kunit_info(test, "%d failures, %d seen\n", nth - 2, seen);
}

static struct kunit_case dynmem_alloc_test_cases[] = {
	KUNIT_CASE(loading_fails_as_a_whole),
	{}
};

static struct kunit_suite dynmem_alloc_test_suite = {
	.name = "kmcl_dynmem_sample_alloc",
	.init = dynmem_init,
	.exit = dynmem_exit,
	.test_cases = dynmem_alloc_test_cases,
};

kunit_test_suite(dynmem_alloc_test_suite);
