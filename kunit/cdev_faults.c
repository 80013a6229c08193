// SPDX-License-Identifier: GPL-2.0
/*
 * Failing allocations of kmcl_cdev, one after the other, with the kernel's fault
 * injection: those of this thread between cd_may_fail(true) and cd_may_fail(false).
 * The injection could ask for a function of kmcl_cdev on the stack instead, but UML
 * finds more on a stack than is there, and then not the function. The device is that of
 * cdev_harness.c. Everything sleeps.
 */
#include <linux/debugfs.h>
#include <linux/fault-inject.h>
#include <linux/fs.h>

#include "cdev_harness.h"

#define ROUNDS	256

static struct fault_attr *slab;

static void *value(struct kunit *test, struct dentry *dir, const char *name)
{
	struct dentry *file = debugfs_lookup(name, dir);
	void *p;

	KUNIT_ASSERT_NOT_NULL(test, file);
	p = d_inode(file)->i_private;
	dput(file);
	return p;
}

int cd_init_faults(struct kunit *test)
{
	struct dentry *dir = debugfs_lookup("failslab", NULL);
	unsigned long *probability;

	KUNIT_ASSERT_NOT_NULL(test, dir);
	probability = value(test, dir, "probability");
	*(bool *)value(test, dir, "ignore-gfp-wait") = false;
	dput(dir);
	slab = container_of(probability, struct fault_attr, probability);
	slab->verbose = 0;
	slab->task_filter = true;
	slab->require_start = 0;
	slab->require_end = ULONG_MAX;
	return cd_init(test);
}

void cd_exit_faults(struct kunit *test)
{
	if (slab)
		WRITE_ONCE(slab->probability, 0);
	cd_exit(test);
}

void cd_faults_arm(int nth)
{
	slab->count = 0;
	slab->interval = nth;
	atomic_set(&slab->space, 0);
	atomic_set(&slab->times, 1);
	WRITE_ONCE(slab->probability, 100);
}

bool cd_faults_disarm(void)
{
	WRITE_ONCE(slab->probability, 0);
	return !atomic_read(&slab->times);
}

void cd_may_fail(bool yes)
{
	current->make_it_fail = yes;
}

/*
 * @op with its first allocation failing, then its second, until none does; each of
 * these times it has to return @error, at least @least times.
 */
void cd_fail_each(struct kunit *test, ssize_t (*op)(struct kunit *test),
		  ssize_t good, ssize_t error, int least)
{
	bool failed = true, again = false;
	int nth, seen = 0;
	ssize_t ret;

	for (nth = 1; failed && nth < ROUNDS; nth++) {
		cd_faults_arm(nth);
		ret = op(test);
		failed = cd_faults_disarm();
		/* The kernel may do without some of its own */
		if (failed && ret == error)
			seen++;
		else
			KUNIT_EXPECT_EQ_MSG(test, ret, good, "round %d", nth);
		/* In the next round they are not made, as in alloc_fail_each() */
		again = failed && ret == good && !again;
		nth -= again;
	}
	KUNIT_EXPECT_FALSE(test, failed);
	KUNIT_EXPECT_GE(test, seen, least);
}
