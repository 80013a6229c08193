// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation of the library that has to do with described memory and
 * GPADLs fails once; see alloc_harness.h for how.
 */
#include <linux/fault-inject.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/vmalloc.h>

#include "faults.h"
#include "harness.h"

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");

#define MAX_ROUNDS	100

struct mem_fixture {
	struct fault_attr *attr;	/* the faults of fail_each() */
	u8 *mem;
	u8 *user;
	struct kmcl_mdl *mdl;
	u32 handle;
};

static struct mem_fixture fx;

/*
 * Run @make with its first allocation failing, then its second, until none is
 * left, and @undo when it has succeeded. At least @least failures must be seen.
 */
static void fail_each(struct kunit *test, int (*make)(struct loop *loop),
		      void (*undo)(struct loop *loop), int least)
{
	struct loop *loop = test->priv;
	bool failed = true, again = false;
	int nth, ret, seen = 0;

	for (nth = 1; failed && nth < MAX_ROUNDS; nth++) {
		faults_count();
		faults_arm(fx.attr, nth);
		ret = make(loop);
		failed = faults_disarm(fx.attr);
		faults_note_reached();
		if (ret) {
			seen++;
			KUNIT_EXPECT_TRUE(test, failed);
			KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
		} else {
			undo(loop);
		}
		/* The allocator's own, as in alloc_fail_each() */
		again = !ret && failed && !again;
		nth -= again;
		faults_expect_no_more(test);
		if (test->status == KUNIT_FAILURE)
			break;
	}
	KUNIT_EXPECT_FALSE(test, failed);
	KUNIT_EXPECT_GE(test, seen, least);
}

static int describe(struct loop *loop)
{
	fx.mdl = kmcl_mdl_from_buffer(fx.mem, 3 * PAGE_SIZE, GFP_KERNEL);
	return fx.mdl ? 0 : -ENOMEM;
}

static int describe_atomic(struct loop *loop)
{
	fx.mdl = kmcl_mdl_from_buffer(fx.mem, 3 * PAGE_SIZE, GFP_ATOMIC);
	return fx.mdl ? 0 : -ENOMEM;
}

static int describe_pages(struct loop *loop)
{
	/* Not in a row, so that an address needs a mapping */
	struct page *pages[2] = {
		vmalloc_to_page(fx.mem), vmalloc_to_page(fx.mem),
	};

	fx.mdl = kmcl_mdl_from_pages(pages, 0, 2 * PAGE_SIZE, GFP_KERNEL);
	return fx.mdl ? 0 : -ENOMEM;
}

static void undescribe(struct loop *loop)
{
	kmcl_mdl_free(fx.mdl);
	fx.mdl = NULL;
}

static int map(struct loop *loop)
{
	if (describe_pages(loop))
		return -ENOMEM;
	if (kmcl_mdl_map(fx.mdl))
		return 0;
	undescribe(loop);
	return -ENOMEM;
}

static void describing_memory(struct kunit *test)
{
	fail_each(test, describe, undescribe, 1);
	fail_each(test, describe_atomic, undescribe, 1);
	fail_each(test, describe_pages, undescribe, 1);
}

static void mapping_memory(struct kunit *test)
{
	/* The description, the table for mapping it, and what vmap() needs */
	fail_each(test, map, undescribe, 3);
	faults_note_function("map_pages");
}

static int make_pages(struct loop *loop)
{
	fx.mdl = kmcl_mdl_alloc_pages(3 * PAGE_SIZE, 3 * PAGE_SIZE, GFP_KERNEL);
	return fx.mdl ? 0 : -ENOMEM;
}

static void unmake_pages(struct loop *loop)
{
	kmcl_mdl_free_pages(fx.mdl);
	undescribe(loop);
}

static void allocating_all_pages(struct kunit *test)
{
	/* The description, and each page */
	fail_each(test, make_pages, unmake_pages, 1);
	fx.attr = faults_of(test, "fail_page_alloc");
	faults_set_any_page(test);
	fail_each(test, make_pages, unmake_pages, 3);
}

/* There are those before the one that fails */
static void allocating_some_pages(struct kunit *test)
{
	u32 had[4] = {};
	bool failed = true;
	int nth;

	fx.attr = faults_of(test, "fail_page_alloc");
	faults_set_any_page(test);
	for (nth = 1; failed && nth < MAX_ROUNDS; nth++) {
		faults_count();
		faults_arm(fx.attr, nth);
		fx.mdl = kmcl_mdl_alloc_pages(3 * PAGE_SIZE, 0, GFP_KERNEL);
		failed = faults_disarm(fx.attr);
		if (!fx.mdl) {
			had[0]++;
			faults_expect_no_more(test);
			continue;
		}
		KUNIT_EXPECT_EQ(test, fx.mdl->bytes, fx.mdl->npfns * PAGE_SIZE);
		KUNIT_ASSERT_LE(test, fx.mdl->npfns, 3);
		had[fx.mdl->npfns]++;
		unmake_pages(NULL);
		faults_expect_no_more(test);
	}
	KUNIT_EXPECT_FALSE(test, failed);
	KUNIT_EXPECT_GE(test, had[0], 1);
	KUNIT_EXPECT_EQ(test, had[1], 1);
	KUNIT_EXPECT_EQ(test, had[2], 1);
	KUNIT_EXPECT_EQ(test, had[3], 1);
}

static int pin_user(struct loop *loop)
{
	fx.mdl = kmcl_mdl_alloc(fx.user, 2 * PAGE_SIZE, GFP_KERNEL);
	if (!fx.mdl)
		return -ENOMEM;
	if (!kmcl_mdl_pin_user(fx.mdl, true))
		return 0;
	KUNIT_EXPECT_EQ(loop->test, fx.mdl->npfns, 0);
	undescribe(loop);
	return -ENOMEM;
}

static void unpin(struct loop *loop)
{
	kmcl_mdl_unpin(fx.mdl);
	undescribe(loop);
	flush_workqueue(kmcl_wq);
}

static void pinning_user_memory(struct kunit *test)
{
	unsigned long at = kunit_vm_mmap(test, NULL, 0, 2 * PAGE_SIZE,
					 PROT_READ | PROT_WRITE,
					 MAP_ANONYMOUS | MAP_PRIVATE |
					 MAP_POPULATE, 0);

	KUNIT_ASSERT_NE(test, at, 0);
	fx.user = (u8 *)at;
	/* The description, and the table of pages */
	fail_each(test, pin_user, unpin, 2);
}

static int create(struct loop *loop)
{
	return kmcl_gpadl_create(loop->client.ch, 0, fx.mem, PAGE_SIZE,
				 &fx.handle);
}

static int create_mdl(struct loop *loop)
{
	return kmcl_gpadl_create_mdl(loop->client.ch, 0, fx.mdl, 0, 0,
				     &fx.handle);
}

static void delete(struct loop *loop)
{
	KUNIT_EXPECT_EQ(loop->test, 0, kmcl_gpadl_delete(loop->client.ch,
							 fx.handle));
}

static int map_gpadl(struct loop *loop)
{
	struct kmcl_mdl *mdl;

	return kmcl_gpadl_map(loop->server.ch, 0, fx.handle, &mdl);
}

static void unmap_gpadl(struct loop *loop)
{
	KUNIT_EXPECT_EQ(loop->test, 0, kmcl_gpadl_unmap(loop->server.ch,
							fx.handle));
}

static void gpadls(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_mdl *second;

	loop_up(loop);
	/* Its description, itself, and the bus' part of it */
	fail_each(test, create, delete, 3);
	KUNIT_ASSERT_EQ(test, 0, describe(loop));
	second = kmcl_mdl_from_buffer(fx.mem, 8, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, second);
	fx.mdl->next = second;
	/* One description more */
	fail_each(test, create_mdl, delete, 4);
	KUNIT_EXPECT_EQ(test, 0, create_mdl(loop));
	fail_each(test, map_gpadl, unmap_gpadl, 2);
	delete(loop);
	kmcl_mdl_free(second);
	undescribe(loop);
}

static int alloc_mem_init(struct kunit *test)
{
	int ret = loop_init(test);

	memset(&fx, 0, sizeof(fx));
	if (ret)
		return ret;
	fx.mem = vmalloc(3 * PAGE_SIZE);
	KUNIT_ASSERT_NOT_NULL(test, fx.mem);
	fx.attr = faults_of(test, "failslab");
	return 0;
}

static void alloc_mem_exit(struct kunit *test)
{
	faults_disarm(fx.attr);
	loop_exit(test);
	vfree(fx.mem);
}

static struct kunit_case alloc_mem_cases[] = {
	KUNIT_CASE(describing_memory),
	KUNIT_CASE(mapping_memory),
	KUNIT_CASE(allocating_all_pages),
	KUNIT_CASE(allocating_some_pages),
	KUNIT_CASE(pinning_user_memory),
	KUNIT_CASE(gpadls),
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
