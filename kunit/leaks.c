// SPDX-License-Identifier: GPL-2.0
/*
 * What a case has allocated in the library, and mapped, and what is left of it when the
 * case has ended: the kernel's allocation profiling knows how many objects of each
 * place that allocates are live, and vmallocinfo in proc how many mappings there are.
 *
 * One case at a time. Everything runs in its task, the look at the end after all
 * that the case and the suite do to clean up.
 */
#include <kunit/resource.h>
#include <kunit/test.h>

#include <linux/alloc_tag.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "faults.h"
#include "files.h"
#include "leaks.h"

#define MAX_PLACES	512
#define PATIENCE	(5 * HZ)

static struct place {
	struct alloc_tag *tag;
	u64 before;
} places[MAX_PLACES];
static int count;
static bool meant;

/* Of the case that runs */
static struct vfsmount *proc;
static int mapped;
static char text[SZ_128K];

static u64 live(const struct place *p)
{
	return alloc_tag_read(p->tag).calls;
}

/* In the library or a client, but not in a suite */
static bool is_place(const struct alloc_tag *tag)
{
	/* Made before any case, and for good */
	return strstr(tag->ct.filename, "drivers/vmbkmcl/drivers/") &&
	       strcmp(tag->ct.function, "kmcl_init");
}

/* How often vmap() was called, and vunmap() not */
static int mappings(void)
{
	const char *s = text;
	int n = 0;

	if (files_read(proc, "vmallocinfo", text, sizeof(text)) <= 0)
		return -EIO;
	while ((s = strstr(s, " vmap"))) {
		s++;
		n++;
	}
	return n;
}

static void look(void *data)
{
	unsigned long end = jiffies + PATIENCE;
	struct kunit *test = data;
	struct place *p;

	if (meant)
		return;
	kvfree_rcu_barrier();
	for (p = places; p < places + count; p++) {
		/* What is freed by a work item, or after a grace period */
		while (live(p) > p->before && time_before(jiffies, end))
			fsleep(1000);
		KUNIT_EXPECT_LE_MSG(test, live(p), p->before,
				    "%s, line %u: not freed",
				    p->tag->ct.function, p->tag->ct.lineno);
	}
	while (mappings() > mapped && time_before(jiffies, end))
		fsleep(1000);
	KUNIT_EXPECT_LE_MSG(test, mappings(), mapped, "vunmap() was not called");
}

static int find_places(void)
{
	struct alloc_tag *tag;
	int n = 0;

	for (tag = __start_alloc_tags; tag < __stop_alloc_tags; tag++) {
		if (!is_place(tag))
			continue;
		if (n == MAX_PLACES)
			return -ENOSPC;
		places[n++].tag = tag;
	}
	count = n;
	return n ? 0 : -ENOENT;
}

/* Expect that the case leaves nothing behind; for an init function, first of all. */
int leaks_watch(struct kunit *test)
{
	struct place *p;

	if (!count && find_places())
		return -ENOSPC;
	proc = files_mount(test, "proc");
	kvfree_rcu_barrier();
	mapped = mappings();
	KUNIT_ASSERT_GE(test, mapped, 0);
	for (p = places; p < places + count; p++)
		p->before = live(p);
	meant = false;
	return kunit_add_action_or_reset(test, look, test);
}

/* The case is one of memory that nobody can get back */
void leaks_meant(void)
{
	meant = true;
}
