// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation fails once that kmcl_cdev makes: creating a device, also by the
 * module's parameter and in configfs, opening it, writing, reading, keeping what was
 * received when the channel closes, asking, events. Commands of io_uring are in
 * cdev_uring_test.c.
 */
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "cdev_harness.h"
#include "files.h"

static ssize_t create(struct kunit *test)
{
	const struct kc_config cfg = { .packet_bytes = CD_PACKET };
	struct kc *kc;

	cd_may_fail(true);
	kc = kc_create("other", &cfg);
	if (!IS_ERR(kc))
		kc_remove(kc);
	cd_may_fail(false);
	return PTR_ERR_OR_ZERO(kc);
}

/* As with the module's parameter */
static ssize_t create_from(struct kunit *test)
{
	struct kc *kc;

	cd_may_fail(true);
	kc = kc_create_from("other:51a7c0de-11b0-4c8e-9a3f-0d52771e6403:pipe");
	if (!IS_ERR(kc))
		kc_remove(kc);
	cd_may_fail(false);
	return PTR_ERR_OR_ZERO(kc);
}

/* As mkdir and rmdir do below /sys/kernel/config/kmcl */
static ssize_t make_directory(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct mnt_idmap *idmap = mnt_idmap(cd->mnt);
	struct dentry *child;
	struct path parent;
	ssize_t ret;

	ret = vfs_path_lookup(cd->mnt->mnt_root, cd->mnt, "kmcl", 0, &parent);
	KUNIT_ASSERT_EQ(test, ret, 0);
	child = start_creating(idmap, parent.dentry, &QSTR("other"));
	KUNIT_ASSERT_FALSE(test, IS_ERR(child));
	cd_may_fail(true);
	child = vfs_mkdir(idmap, d_inode(parent.dentry), child, 0755, NULL);
	cd_may_fail(false);
	ret = PTR_ERR_OR_ZERO(child);
	end_creating(child);
	if (!ret) {
		child = start_removing(idmap, parent.dentry, &QSTR("other"));
		KUNIT_ASSERT_FALSE(test, IS_ERR(child));
		KUNIT_EXPECT_EQ(test, vfs_rmdir(idmap, d_inode(parent.dentry),
						child, NULL), 0);
		end_removing(child);
	}
	path_put(&parent);
	return ret;
}

static ssize_t open_it(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct kc_opener *o;

	cd_may_fail(true);
	o = kc_opener_new(cd->kc);
	cd_may_fail(false);
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
	struct file *file;

	cd_may_fail(true);
	file = kc_events_file(cd->kc, 0);
	cd_may_fail(false);
	if (IS_ERR(file))
		return PTR_ERR(file);
	__fput_sync(file);
	return 0;
}

/* The number of the descriptor, which is free again */
static ssize_t open_events(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct file *file;
	int fd;

	cd_may_fail(true);
	fd = kc_events_fd(cd->kc, 0);
	cd_may_fail(false);
	if (fd < 0)
		return fd;
	file = file_close_fd(fd);
	KUNIT_ASSERT_NOT_NULL(test, file);
	__fput_sync(file);
	return fd;
}

/* The table of descriptors is of this thread, and full: it has to grow */
static void a_descriptor_of_events(struct kunit *test)
{
	unsigned int size, most = rlimit(RLIMIT_NOFILE);
	int fd, first, n = 0;

	KUNIT_ASSERT_EQ(test, unshare_files(), 0);
	first = get_unused_fd_flags(0);
	KUNIT_ASSERT_GE(test, first, 0);
	for (fd = first; fd < BITS_PER_LONG - 1; fd = get_unused_fd_flags(0))
		n++;
	KUNIT_ASSERT_EQ(test, n, BITS_PER_LONG - 1 - first);
	rcu_read_lock();
	size = files_fdtable(current->files)->max_fds;
	rcu_read_unlock();
	KUNIT_ASSERT_EQ(test, size, BITS_PER_LONG);
	/* The table, and the file with what it has */
	cd_fail_each(test, open_events, BITS_PER_LONG, -ENOMEM, 2);
	current->signal->rlim[RLIMIT_NOFILE].rlim_cur = BITS_PER_LONG;
	KUNIT_EXPECT_EQ(test, open_events(test), -EMFILE);
	current->signal->rlim[RLIMIT_NOFILE].rlim_cur = most;
	while (n >= 0)
		put_unused_fd(first + n--);
}

static void devices_and_files(struct kunit *test)
{
	struct cd *cd = test->priv;

	cd->mnt = files_mount(test, "configfs");
	cd_fail_each(test, create, 0, -ENOMEM, 2);
	cd_fail_each(test, create_from, 0, -ENOMEM, 4);
	cd_fail_each(test, make_directory, 0, -ENOMEM, 3);
	cd_fail_each(test, open_it, 0, -ENOMEM, 1);
	cd_fail_each(test, read_events, 0, -ENOMEM, 1);
}

static ssize_t write_long(struct kunit *test)
{
	struct cd *cd = test->priv;
	u8 *buf = kunit_kzalloc(test, CD_PACKET, GFP_KERNEL);
	ssize_t ret;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	cd_may_fail(true);
	ret = cd_write(cd->file, buf, CD_PACKET);
	cd_may_fail(false);
	return ret;
}

/* Nothing is counted as written */
static void writing(struct kunit *test)
{
	struct cd *cd = test->priv;

	/* The packet may be one that was used before */
	cd_fail_each(test, write_long, CD_PACKET, -ENOMEM, 1);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).written, cd_stats(cd).queued);
	cd_up(test);
	cd_wait_got(test, cd_stats(cd).written);
	KUNIT_EXPECT_TRUE(test, cd_comes_true(cd->kc->out_wait,
					      !cd_stats(cd).queued));
}

/*
 * Into memory of user space that is not there yet, so that the message is copied. The
 * kernel may have no memory for that, either.
 */
static ssize_t read_to_fault(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct iov_iter to;
	unsigned long user;
	ssize_t ret;

	if (!cd_stats(cd).waiting) {
		KUNIT_ASSERT_EQ(test, cd_server_send(cd, 7, CD_PACKET), 0);
		cd_wait_waiting(test, 1);
	}
	user = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(user));
	iov_iter_ubuf(&to, ITER_DEST, (void __user *)user, CD_PACKET);
	cd_may_fail(true);
	ret = kc_read(cd->file->private_data, &to, GFP_KERNEL);
	cd_may_fail(false);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).waiting, ret < 0);
	return ret == -EFAULT ? -ENOMEM : ret;
}

/* What cannot be read stays */
static void reading(struct kunit *test)
{
	struct cd *cd = test->priv;

	cd_up(test);
	cd_fail_each(test, read_to_fault, CD_PACKET, -ENOMEM, 1);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).waiting_bytes, 0);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).read, cd_stats(cd).received);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).lost, 0);
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
	cd_faults_arm(2);
	cd_may_fail(true);
	kc_keep_received(cd->kc);
	cd_may_fail(false);
	KUNIT_EXPECT_TRUE(test, cd_faults_disarm());
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
	ssize_t ret;

	user = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(user));
	r.data = user;
	r.reply = user + 8;
	cd_may_fail(true);
	ret = kc_request(cd->kc, &r, false);
	cd_may_fail(false);
	/* Or of its memory, which was not there yet */
	return ret == -EFAULT ? -ENOMEM : ret;
}

static void asking(struct kunit *test)
{
	struct cd *cd = test->priv;

	cd_up(test);
	cd_fail_each(test, ask, 0, -ENOMEM, 3);
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
	cd_faults_arm(1);
	cd_may_fail(true);
	ret = kc_ioctl(cd->file, KMCL_IOC_ENABLE, 0);
	cd_may_fail(false);
	KUNIT_EXPECT_TRUE(test, cd_faults_disarm());
	KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
	cd_wait_state(test, KMCL_STATE_DISABLED);
	KUNIT_EXPECT_EQ(test, kc_ioctl(cd->file, KMCL_IOC_ENABLE, 0), 0);
	cd_wait_state(test, KMCL_STATE_ACTIVE);
	cd_send(test, 1);
	cd_wait_got(test, 1);
}

static struct kunit_case cdev_alloc_cases[] = {
	KUNIT_CASE(devices_and_files),
	KUNIT_CASE(a_descriptor_of_events),
	KUNIT_CASE(writing),
	KUNIT_CASE(reading),
	KUNIT_CASE(keeping_what_was_received),
	KUNIT_CASE(asking),
	KUNIT_CASE(enabling_again),
	{}
};

static struct kunit_suite cdev_alloc_suite = {
	.name = "kmcl_cdev_alloc",
	.init = cd_init_faults,
	.exit = cd_exit_faults,
	.test_cases = cdev_alloc_cases,
};

kunit_test_suite(cdev_alloc_suite);
