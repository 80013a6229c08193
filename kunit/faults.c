// SPDX-License-Identifier: GPL-2.0
/*
 * Failing allocations of the library, with the kernel's fault injection, counting
 * its live objects, with the kernel's allocation profiling, and watching how large
 * they are, with the allocator's tracepoints.
 */
#include <kunit/test.h>

#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/kallsyms.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include <trace/events/kmem.h>

#include "channel.h"
#include "faults.h"

#define MAX_SITES	32
#define PATIENCE	(5 * HZ)

/* Between them the linker has laid out the library */
#define TEXT_START	((unsigned long)kmcl_ring_init)
#define TEXT_END	((unsigned long)kmcl_bus_handle)

/* One place that allocates */
struct site {
	struct alloc_tag *tag;
	u64 before;
	bool reached;
};

static struct site sites[MAX_SITES];
static int count;
static int armed;
static size_t largest;	/* of those that must not be */

static u64 live(const struct site *s)
{
	return alloc_tag_read(s->tag).calls;
}

static bool in_function(const struct alloc_tag *tag, const char *file,
			const char *function)
{
	size_t len = strlen(tag->ct.filename), end = strlen(file);

	return len >= end && !strcmp(tag->ct.filename + len - end, file) &&
	       !strcmp(tag->ct.function, function);
}

/*
 * In the library itself, but for the workqueue: that is made before any test.
 * kstrdup() counts where it is itself; vmap()'s areas and the table's nodes
 * cannot be distinguished from those of others.
 */
static bool is_site(const struct alloc_tag *tag)
{
	static const char dir[] = "drivers/vmbkmcl/";
	const char *name = strrchr(tag->ct.filename, '/');
	size_t len = sizeof(dir) - 1;

	if (in_function(tag, "mm/util.c", "__kmemdup_nul"))
		return true;
	return name && name + 1 - tag->ct.filename >= len &&
	       !strncmp(name + 1 - len, dir, len) &&
	       strcmp(tag->ct.function, "kmcl_init");
}

/* Find the places, once. */
static void find_sites(struct kunit *test)
{
	struct alloc_tag *tag;

	KUNIT_ASSERT_LT(test, TEXT_START, TEXT_END);
	kvfree_rcu_barrier();
	if (count)
		return;
	for (tag = __start_alloc_tags; tag < __stop_alloc_tags; tag++) {
		if (!is_site(tag))
			continue;
		KUNIT_ASSERT_LT(test, count, MAX_SITES);
		sites[count++].tag = tag;
	}
}

static void *debugfs_value(struct kunit *test, const char *dir,
			   const char *file)
{
	struct dentry *parent = debugfs_lookup(dir, NULL);
	struct dentry *dentry = parent ? debugfs_lookup(file, parent) : NULL;
	void *value = dentry ? d_inode(dentry)->i_private : NULL;

	dput(dentry);
	dput(parent);
	KUNIT_ASSERT_NOT_NULL_MSG(test, value, "debugfs: %s/%s", dir, file);
	return value;
}

/*
 * What the allocator allocates for the profiler, with a new slab, does not fail: the
 * library's own allocation would succeed all the same.
 */
static void spare_profiler(struct fault_attr *attr)
{
	unsigned long size, offset;

	attr->reject_start = kallsyms_lookup_name("alloc_slab_obj_exts");
	if (kallsyms_lookup_size_offset(attr->reject_start, &size, &offset))
		attr->reject_end = attr->reject_start + size;
}

/* Set up the faults of @dir in debugfs, for allocations of the library. */
struct fault_attr *faults_of(struct kunit *test, const char *dir)
{
	unsigned long *probability = debugfs_value(test, dir, "probability");
	struct fault_attr *attr = container_of(probability, struct fault_attr,
					       probability);

	find_sites(test);
	*(bool *)debugfs_value(test, dir, "ignore-gfp-wait") = false;
	attr->verbose = 0;
	attr->task_filter = false;
	attr->stacktrace_depth = 32;
	attr->require_start = TEXT_START;
	attr->require_end = TEXT_END;
	spare_profiler(attr);
	return attr;
}

/* As where memory is fragmented: blocks of @order and more can fail. */
void faults_set_min_order(struct kunit *test, u32 order)
{
	*(u32 *)debugfs_value(test, "fail_page_alloc", "min-order") = order;
}

void faults_set_any_page(struct kunit *test)
{
	static const char dir[] = "fail_page_alloc";

	faults_set_min_order(test, 0);
	*(bool *)debugfs_value(test, dir, "ignore-gfp-highmem") = false;
}

static void arm(struct fault_attr *attr, int nth, int bytes, int times)
{
	attr->count = 0;
	attr->interval = nth;
	atomic_set(&attr->space, bytes);
	atomic_set(&attr->times, times);
	armed = times;
	WRITE_ONCE(attr->probability, 100);
}

/* From here on the @nth allocation fails, and no other. */
void faults_arm(struct fault_attr *attr, int nth)
{
	arm(attr, nth, 0, 1);
}

/* Each one fails after @bytes. */
void faults_arm_shortage(struct fault_attr *attr, int bytes)
{
	arm(attr, 1, bytes, INT_MAX);
}

/* kvmalloc() does not let its first attempt wait, but its caller may use files */
static void look(unsigned long site, size_t bytes, gfp_t gfp)
{
	if (!(gfp & __GFP_FS) && bytes > PAGE_SIZE &&
	    site >= TEXT_START && site < TEXT_END && bytes > largest)
		WRITE_ONCE(largest, bytes);
}

static void on_kmalloc(void *data, unsigned long site, const void *ptr,
		       size_t bytes, size_t size, gfp_t gfp, int node)
{
	look(site, size, gfp);
}

static void on_cache_alloc(void *data, unsigned long site, const void *ptr,
			   struct kmem_cache *s, gfp_t gfp, int node)
{
	look(site, kmem_cache_size(s), gfp);
}

/* From here on note what the library allocates where it cannot wait. */
int faults_watch_sizes(void)
{
	largest = 0;
	return register_trace_kmalloc(on_kmalloc, NULL) ?:
	       register_trace_kmem_cache_alloc(on_cache_alloc, NULL);
}

/* Returns the bytes of the largest block of more than a page, or 0. */
size_t faults_unwatch_sizes(void)
{
	unregister_trace_kmem_cache_alloc(on_cache_alloc, NULL);
	unregister_trace_kmalloc(on_kmalloc, NULL);
	tracepoint_synchronize_unregister();
	return READ_ONCE(largest);
}

/* No more failures; true: there was one. NULL: a suite that failed to start. */
bool faults_disarm(struct fault_attr *attr)
{
	if (!attr)
		return false;
	WRITE_ONCE(attr->probability, 0);
	return atomic_read(&attr->times) != armed;
}

/* Remember how many objects are live. */
void faults_count(void)
{
	int i;

	for (i = 0; i < count; i++)
		sites[i].before = live(&sites[i]);
}

/* Places that have more objects now were reached. */
void faults_note_reached(void)
{
	int i;

	for (i = 0; i < count; i++)
		if (live(&sites[i]) > sites[i].before)
			sites[i].reached = true;
}

/* @function, which frees its allocation by itself, was seen to fail. */
void faults_note_function(const char *function)
{
	int i;

	for (i = 0; i < count; i++)
		if (!strcmp(sites[i].tag->ct.function, function))
			sites[i].reached = true;
}

/*
 * Expect no more objects than faults_count() saw. Fewer are possible: the kernel
 * may have freed some meanwhile.
 */
void faults_expect_no_more(struct kunit *test)
{
	unsigned long end = jiffies + PATIENCE;
	struct site *s;

	kvfree_rcu_barrier();
	for (s = sites; s < sites + count; s++) {
		while (live(s) > s->before && time_before(jiffies, end))
			fsleep(1000);
		KUNIT_EXPECT_LE_MSG(test, live(s), s->before, "%s, line %u",
				    s->tag->ct.function, s->tag->ct.lineno);
	}
}

/* Check that each place was reached since boot; return their number. */
int faults_expect_reached(struct kunit *test)
{
	struct site *s;

	for (s = sites; s < sites + count; s++)
		KUNIT_EXPECT_TRUE_MSG(test, s->reached, "%s, line %u",
				      s->tag->ct.function, s->tag->ct.lineno);
	return count;
}
