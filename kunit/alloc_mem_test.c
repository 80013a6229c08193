// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation of the library that has to do with described memory fails
 * once; see alloc_test.c for how.
 */
#include <kunit/test.h>

#include <linux/fault-inject.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "faults.h"
#include "kmcl_internal.h"

#define MAX_ROUNDS	100

struct mem_fixture {
	struct fault_attr *slab;
	u8 *mem;
};

/*
 * Run @round with its first allocation failing, then its second, until none is
 * left. It returns NULL when it saw the failure, what it has made otherwise.
 */
static void fail_each(struct kunit *test,
		      struct kmcl_mdl *(*round)(struct mem_fixture *f),
		      int least)
{
	struct mem_fixture *f = test->priv;
	bool failed = true;
	struct kmcl_mdl *mdl;
	int nth, seen = 0;

	for (nth = 1; failed && nth < MAX_ROUNDS; nth++) {
		faults_count();
		faults_arm(f->slab, nth);
		mdl = round(f);
		failed = faults_disarm(f->slab);
		if (!mdl)
			seen++;
		KUNIT_EXPECT_TRUE(test, failed || mdl);
		faults_note_reached();
		kmcl_mdl_free(mdl);
		faults_expect_no_more(test);
		if (test->status == KUNIT_FAILURE)
			break;
	}
	KUNIT_EXPECT_FALSE(test, failed);
	KUNIT_EXPECT_GE(test, seen, least);
}

static struct kmcl_mdl *describe_round(struct mem_fixture *f)
{
	return kmcl_mdl_from_buffer(f->mem, 3 * PAGE_SIZE, GFP_KERNEL);
}

static struct kmcl_mdl *pages_round(struct mem_fixture *f)
{
	struct page *pages[2] = {
		vmalloc_to_page(f->mem), vmalloc_to_page(f->mem + PAGE_SIZE),
	};

	return kmcl_mdl_from_pages(pages, 8, PAGE_SIZE, GFP_KERNEL);
}

/* Frames that are not in a row, so that an address needs a mapping */
static struct kmcl_mdl *map_round(struct mem_fixture *f)
{
	struct page *pages[2] = {
		vmalloc_to_page(f->mem), vmalloc_to_page(f->mem),
	};
	struct kmcl_mdl *mdl;

	mdl = kmcl_mdl_from_pages(pages, 0, 2 * PAGE_SIZE, GFP_KERNEL);
	if (mdl && kmcl_mdl_map(mdl))
		return mdl;
	kmcl_mdl_free(mdl);
	return NULL;
}

static void describing_memory(struct kunit *test)
{
	fail_each(test, describe_round, 1);
	fail_each(test, pages_round, 1);
}

static void mapping_memory(struct kunit *test)
{
	/* The description, the table for mapping it, and what vmap() needs */
	fail_each(test, map_round, 3);
	faults_note_function("kmcl_mdl_map");
}

static int alloc_mem_init(struct kunit *test)
{
	struct mem_fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	test->priv = f;
	f->mem = vmalloc(3 * PAGE_SIZE);
	KUNIT_ASSERT_NOT_NULL(test, f->mem);
	faults_init(test);
	f->slab = faults_of(test, "failslab");
	faults_set_any_page(test);
	return 0;
}

static void alloc_mem_exit(struct kunit *test)
{
	struct mem_fixture *f = test->priv;

	if (!f)
		return;
	if (f->slab)
		faults_disarm(f->slab);
	vfree(f->mem);
}

static struct kunit_case alloc_mem_cases[] = {
	KUNIT_CASE(describing_memory),
	KUNIT_CASE(mapping_memory),
	{}
};

static struct kunit_suite alloc_mem_suite = {
	.name = "kmcl_alloc_mem",
	.init = alloc_mem_init,
	.exit = alloc_mem_exit,
	.test_cases = alloc_mem_cases,
};

kunit_test_suite(alloc_mem_suite);

MODULE_DESCRIPTION("KUnit tests of KMCL's described memory without memory");
MODULE_LICENSE("GPL");
