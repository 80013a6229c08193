// SPDX-License-Identifier: GPL-2.0
/*
 * MDLs where a driver must not sleep. CONFIG_DEBUG_ATOMIC_SLEEP reports what
 * sleeps, and a report fails the run.
 */
#include <linux/mm.h>
#include <linux/spinlock.h>

#include "win_harness.h"

/* Whose frame numbers take 8 MiB, more than kmalloc() has */
#define LARGEST	((ULONG)(U32_MAX - PAGE_SIZE))

static DEFINE_SPINLOCK(winmdl_lock);

static void freed_under_a_spinlock(struct kunit *test)
{
	static const ULONG sizes[] = { 8, SZ_1M, SZ_512M, LARGEST };
	unsigned int i;
	PMDL mdl;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		spin_lock(&winmdl_lock);
		mdl = IoAllocateMdl((PVOID)PAGE_SIZE, sizes[i], FALSE, FALSE,
				    NULL);
		IoFreeMdl(mdl);
		spin_unlock(&winmdl_lock);
		if (i < 2)
			KUNIT_EXPECT_PTR_NE(test, mdl, NULL);
	}
}

static struct kunit_case winmdl_cases[] = {
	KUNIT_CASE(freed_under_a_spinlock),
	{}
};

static struct kunit_suite winmdl_suite = {
	.name = "kmcl_winmdl",
	.test_cases = winmdl_cases,
};

kunit_test_suite(winmdl_suite);
