// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation fails once that kmcl_cdev makes: creating a device, opening it,
 * writing, reading when the channel closes, asking, events.
 */
#include <linux/debugfs.h>
#include <linux/fault-inject.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/slab.h>

#include "cdev_harness.h"

#define ROUNDS	64

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

static int alloc_test_init(struct kunit *test)
{
	struct dentry *dir = debugfs_lookup("failslab", NULL);
	unsigned long *probability;

	KUNIT_ASSERT_NOT_NULL(test, dir);
	probability = value(test, dir, "probability");
	*(bool *)value(test, dir, "ignore-gfp-wait") = false;
	dput(dir);
	slab = container_of(probability, struct fault_attr, probability);
	slab->verbose = 0;
	slab->task_filter = false;
	slab->stacktrace_depth = 32;
	slab->require_start = (unsigned long)kc_add_uevent;
	slab->require_end = (unsigned long)kc_configfs_exit;
	KUNIT_ASSERT_LT(test, slab->require_start, slab->require_end);
	return cd_init(test);
}

static void alloc_test_exit(struct kunit *test)
{
	WRITE_ONCE(slab->probability, 0);
	cd_exit(test);
}

static void arm(int nth)
{
	slab->count = 0;
	slab->interval = nth;
	atomic_set(&slab->space, 0);
	atomic_set(&slab->times, 1);
	WRITE_ONCE(slab->probability, 100);
}

static bool disarm(void)
{
	WRITE_ONCE(slab->probability, 0);
	return !atomic_read(&slab->times);
}

/*
 * @op with its first allocation failing, then its second, until none does; each of
 * these times it has to return @error, at least @least times.
 */
static void fail_each(struct kunit *test, ssize_t (*op)(struct kunit *test),
		      ssize_t good, ssize_t error, int least)
{
	bool failed = true;
	int nth, seen = 0;
	ssize_t ret;

	for (nth = 1; failed && nth < ROUNDS; nth++) {
		arm(nth);
		ret = op(test);
		failed = disarm();
		/* The allocator may do without some of its own */
		if (failed && ret == error)
			seen++;
		else
			KUNIT_EXPECT_EQ_MSG(test, ret, good, "round %d", nth);
	}
	KUNIT_EXPECT_FALSE(test, failed);
	KUNIT_EXPECT_GE(test, seen, least);
}

static ssize_t create(struct kunit *test)
{
	const struct kc_config cfg = { .packet_bytes = CD_PACKET };
	struct kc *kc = kc_create("other", &cfg);

	if (IS_ERR(kc))
		return PTR_ERR(kc);
	kc_remove(kc);
	return 0;
}

static ssize_t open_it(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct kc_opener *o = kc_opener_new(cd->kc);

	if (IS_ERR(o))
		return PTR_ERR(o);
	spin_lock_bh(&cd->kc->lock);
	cd->kc->n.openers--;
	spin_unlock_bh(&cd->kc->lock);
	kfree(o);
	return 0;
}

static ssize_t read_events(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct file *file = kc_events_file(cd->kc, 0);

	if (IS_ERR(file))
		return PTR_ERR(file);
	__fput_sync(file);
	return 0;
}

static void devices_and_files(struct kunit *test)
{
	fail_each(test, create, 0, -ENOMEM, 2);
	fail_each(test, open_it, 0, -ENOMEM, 1);
	fail_each(test, read_events, 0, -ENOMEM, 1);
}

static ssize_t write_long(struct kunit *test)
{
	struct cd *cd = test->priv;
	u8 *buf = kunit_kzalloc(test, CD_PACKET, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, buf);
	return cd_write(cd->file, buf, CD_PACKET);
}

/* Nothing is counted as written */
static void writing(struct kunit *test)
{
	struct cd *cd = test->priv;

	fail_each(test, write_long, CD_PACKET, -ENOMEM, 2);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).written, cd_stats(cd).queued);
	cd_up(test);
	cd_wait_got(test, cd_stats(cd).written);
	KUNIT_EXPECT_TRUE(test, cd_comes_true(cd->kc->out_wait,
					      !cd_stats(cd).queued));
}

/* A message that cannot be copied is lost, and counted; the others are not */
static void keeping_what_was_received(struct kunit *test)
{
	struct cd *cd = test->priv;
	u64 i;

	cd_up(test);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, cd_server_send(cd, i, CD_PACKET), 0);
	cd_wait_waiting(test, 3);
	/* The first allocation of closing is for the first of them */
	arm(2);
	kc_keep_received(cd->kc);
	KUNIT_EXPECT_TRUE(test, disarm());
	KUNIT_EXPECT_EQ(test, cd_stats(cd).lost, 1);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).waiting, 2);
	kc_receive(cd->kc, rcu_access_pointer(cd->kc->ch));
}

static ssize_t ask(struct kunit *test)
{
	struct cd *cd = test->priv;
	unsigned long user;
	struct kmcl_request r = {
		.data_len = 8, .reply_len = 8,
		.timeout_ns = KMCL_NO_TIME_LIMIT,
	};

	user = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(user));
	r.data = user;
	r.reply = user + 8;
	return kc_request(cd->kc, &r, false);
}

static void asking(struct kunit *test)
{
	struct cd *cd = test->priv;

	cd_up(test);
	fail_each(test, ask, 0, -ENOMEM, 3);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).queued_bytes, 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&cd->kc->requests));
}

/* If nothing is kept, another channel is made at each opening */
static void enabling_again(struct kunit *test)
{
	struct cd *cd = test->priv;
	int ret;

	spin_lock_bh(&cd->kc->lock);
	cd->kc->drop = true;
	spin_unlock_bh(&cd->kc->lock);
	cd_up(test);
	KUNIT_ASSERT_EQ(test, kc_ioctl(cd->file, KMCL_IOC_DISABLE, 0), 0);
	arm(1);
	ret = kc_ioctl(cd->file, KMCL_IOC_ENABLE, 0);
	KUNIT_EXPECT_TRUE(test, disarm());
	KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
	cd_wait_state(test, KMCL_STATE_DISABLED);
	KUNIT_EXPECT_EQ(test, kc_ioctl(cd->file, KMCL_IOC_ENABLE, 0), 0);
	cd_wait_state(test, KMCL_STATE_ACTIVE);
	cd_send(test, 1);
	cd_wait_got(test, 1);
}

static struct kunit_case cdev_alloc_cases[] = {
	KUNIT_CASE(devices_and_files),
	KUNIT_CASE(writing),
	KUNIT_CASE(keeping_what_was_received),
	KUNIT_CASE(asking),
	KUNIT_CASE(enabling_again),
	{}
};

static struct kunit_suite cdev_alloc_suite = {
	.name = "kmcl_cdev_alloc",
	.init = alloc_test_init,
	.exit = alloc_test_exit,
	.test_cases = cdev_alloc_cases,
};

kunit_test_suite(cdev_alloc_suite);
