// SPDX-License-Identifier: GPL-2.0
/*
 * Requests as commands of io_uring, by its system calls, in a thread that has user
 * space and open files of its own. A kernel thread gets no reply, since that goes to
 * memory of a process, so the host's is empty; it runs the task work itself.
 */
#include <linux/delay.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/io_uring.h>
#include <linux/mman.h>
#include <linux/syscalls.h>
#include <linux/task_work.h>
#include <linux/uaccess.h>

#include "cdev_harness.h"

#define ENTRIES		8
#define AT_REQUEST	1024	/* in a page, whose begin has the parameters */
#define AT_DATA		2048
#define AT_REPLY	3072

struct uring {
	struct io_uring_params p;
	u8 __user *page;
	u8 __user *sq, *cq, *sqes;
	int fd;
	int dev;		/* the descriptor of cd.file */
};

static struct uring ring;

static u8 __user *map(struct kunit *test, struct file *file, size_t bytes,
		      unsigned long offset)
{
	unsigned long at;

	at = kunit_vm_mmap(test, file, 0, PAGE_ALIGN(bytes),
			   PROT_READ | PROT_WRITE,
			   file ? MAP_SHARED | MAP_POPULATE :
				  MAP_ANONYMOUS | MAP_PRIVATE, offset);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(at));
	KUNIT_ASSERT_NE(test, at, 0);
	return (u8 __user *)at;
}

static void put(struct kunit *test, void __user *to, const void *from, size_t n)
{
	KUNIT_ASSERT_EQ(test, copy_to_user(to, from, n), 0);
}

static u32 word(struct kunit *test, const void __user *at)
{
	u32 value = 0;

	KUNIT_ASSERT_EQ(test, get_user(value, (const u32 __user *)at), 0);
	return value;
}

static void set_word(struct kunit *test, void __user *at, u32 value)
{
	KUNIT_ASSERT_EQ(test, put_user(value, (u32 __user *)at), 0);
}

static int descriptor(struct kunit *test, struct file *file)
{
	int fd = get_unused_fd_flags(0);

	KUNIT_ASSERT_GE(test, fd, 0);
	fd_install(fd, get_file(file));
	return fd;
}

/* Where system calls take their arguments from a process' registers, there is none */
#ifdef CONFIG_ARCH_HAS_SYSCALL_WRAPPER
static long ring_setup(struct io_uring_params __user *p)
{
	return -EOPNOTSUPP;
}

static long ring_enter(void)
{
	return -EOPNOTSUPP;
}
#else
static long ring_setup(struct io_uring_params __user *p)
{
	return sys_io_uring_setup(ENTRIES, p);
}

static long ring_enter(void)
{
	return sys_io_uring_enter(ring.fd, 1, 0, 0, NULL, 0);
}
#endif

static void setup(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct file *file;

	if (IS_ENABLED(CONFIG_ARCH_HAS_SYSCALL_WRAPPER))
		kunit_skip(test, "a kernel thread cannot make system calls here");
	KUNIT_ASSERT_EQ(test, unshare_files(), 0);
	memset(&ring, 0, sizeof(ring));
	ring.page = map(test, NULL, PAGE_SIZE, 0);
	put(test, ring.page, &ring.p, sizeof(ring.p));
	ring.fd = ring_setup((void __user *)ring.page);
	KUNIT_ASSERT_GE(test, ring.fd, 0);
	KUNIT_ASSERT_EQ(test, copy_from_user(&ring.p, ring.page,
					     sizeof(ring.p)), 0);
	file = fget(ring.fd);
	KUNIT_ASSERT_NOT_NULL(test, file);
	ring.sq = map(test, file, ring.p.sq_off.array + ENTRIES * 4,
		      IORING_OFF_SQ_RING);
	ring.cq = map(test, file, ring.p.cq_off.cqes + ring.p.cq_entries *
		      sizeof(struct io_uring_cqe), IORING_OFF_CQ_RING);
	ring.sqes = map(test, file, ENTRIES * sizeof(struct io_uring_sqe),
			IORING_OFF_SQES);
	fput(file);
	ring.dev = descriptor(test, cd->file);
	cd->server.reply_len = 0;
	cd_up(test);
}

/*
 * What is mapped keeps the ring open. The thread has no return to user space, where
 * files are closed.
 */
static void teardown(struct kunit *test)
{
	vm_munmap((unsigned long)ring.sqes, ENTRIES * sizeof(struct io_uring_sqe));
	vm_munmap((unsigned long)ring.cq, ring.p.cq_off.cqes +
		  ring.p.cq_entries * sizeof(struct io_uring_cqe));
	vm_munmap((unsigned long)ring.sq, ring.p.sq_off.array + ENTRIES * 4);
	close_fd(ring.dev);
	close_fd(ring.fd);
	task_work_run();
}

static void submit(struct kunit *test, int fd, u32 op,
		   const struct kmcl_request *r)
{
	u32 tail = word(test, ring.sq + ring.p.sq_off.tail);
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_URING_CMD,
		.fd = fd,
		.cmd_op = op,
		.user_data = tail,
	};
	u64 user = (unsigned long)ring.page + AT_REQUEST;
	int ret;

	if (r)
		put(test, ring.page + AT_REQUEST, r, sizeof(*r));
	else
		user = 16;
	/* cmd, which is no member of the structure in itself */
	put(test, ring.sqes + tail % ENTRIES * sizeof(sqe), &sqe, sizeof(sqe));
	put(test, ring.sqes + tail % ENTRIES * sizeof(sqe) +
	    offsetof(struct io_uring_sqe, cmd), &user, sizeof(user));
	set_word(test, ring.sq + ring.p.sq_off.array + tail % ENTRIES * 4,
		 tail % ENTRIES);
	set_word(test, ring.sq + ring.p.sq_off.tail, tail + 1);
	cd_may_fail(true);
	ret = ring_enter();
	cd_may_fail(false);
	/* io_uring has no memory of its own */
	if (ret == -EAGAIN)
		ret = ring_enter();
	KUNIT_ASSERT_EQ(test, ret, 1);
}

static bool ended(struct kunit *test)
{
	task_work_run();
	return word(test, ring.cq + ring.p.cq_off.head) !=
	       word(test, ring.cq + ring.p.cq_off.tail);
}

static int result(struct kunit *test)
{
	unsigned long end = jiffies + CD_LIMIT;
	u32 head = word(test, ring.cq + ring.p.cq_off.head);
	struct io_uring_cqe cqe;

	while (!ended(test) && time_before(jiffies, end))
		fsleep(1000);
	KUNIT_ASSERT_TRUE(test, ended(test));
	KUNIT_ASSERT_EQ(test, copy_from_user(&cqe, ring.cq +
					     ring.p.cq_off.cqes +
					     head % ring.p.cq_entries *
					     sizeof(cqe), sizeof(cqe)), 0);
	set_word(test, ring.cq + ring.p.cq_off.head, head + 1);
	return cqe.res;
}

static struct kmcl_request request(u32 len, s64 timeout)
{
	return (struct kmcl_request){
		.size = sizeof(struct kmcl_request),
		.data = (unsigned long)ring.page + AT_DATA,
		.data_len = len,
		.reply = (unsigned long)ring.page + AT_REPLY,
		.reply_len = 8,
		.timeout_ns = timeout,
	};
}

static void expect_none_left(struct kunit *test)
{
	struct cd *cd = test->priv;

	KUNIT_EXPECT_TRUE(test, cd_comes_true(cd->kc->out_wait,
					      !cd_stats(cd).queued));
	KUNIT_EXPECT_TRUE(test, list_empty(&cd->kc->requests));
	KUNIT_EXPECT_EQ(test, cd_stats(cd).queued_bytes, 0);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).written, cd_stats(cd).ended);
}

static ssize_t ask(struct kunit *test)
{
	struct kmcl_request r = request(8, KMCL_NO_TIME_LIMIT);

	submit(test, ring.dev, KMCL_IOC_REQUEST, &r);
	return result(test);
}

static void a_command_is_answered(struct kunit *test)
{
	struct cd *cd = test->priv;

	setup(test);
	KUNIT_EXPECT_EQ(test, ask(test), 0);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).requests, 1);
	expect_none_left(test);
	teardown(test);
}

static void wrong_commands(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct kmcl_request r;
	struct file *file;
	int fd;

	setup(test);
	r = request(8, KMCL_NO_TIME_LIMIT);
	submit(test, ring.dev, KMCL_IOC_GET_INFO, &r);
	KUNIT_EXPECT_EQ(test, result(test), -ENOTTY);
	submit(test, ring.dev, KMCL_IOC_REQUEST, NULL);
	KUNIT_EXPECT_EQ(test, result(test), -EFAULT);
	r = request(CD_PACKET + 1, KMCL_NO_TIME_LIMIT);
	submit(test, ring.dev, KMCL_IOC_REQUEST, &r);
	KUNIT_EXPECT_EQ(test, result(test), -EMSGSIZE);
	r = request(8, -2);
	submit(test, ring.dev, KMCL_IOC_REQUEST, &r);
	KUNIT_EXPECT_EQ(test, result(test), -EINVAL);

	file = cd_open(test, 0);
	file->f_mode &= ~FMODE_WRITE;
	fd = descriptor(test, file);
	r = request(8, KMCL_NO_TIME_LIMIT);
	submit(test, fd, KMCL_IOC_REQUEST, &r);
	KUNIT_EXPECT_EQ(test, result(test), -EBADF);
	/* As it was counted */
	file->f_mode |= FMODE_WRITE;
	close_fd(fd);
	cd_close(test, file);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).requests, 0);
	expect_none_left(test);
	teardown(test);
}

static void a_command_expires(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct kmcl_request r;

	setup(test);
	cd->server.hold = true;
	r = request(8, 10 * NSEC_PER_MSEC);
	submit(test, ring.dev, KMCL_IOC_REQUEST, &r);
	KUNIT_EXPECT_EQ(test, result(test), -ETIME);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).requests_expired, 1);
	expect_none_left(test);
	cd_release_held(cd);
	teardown(test);
}

/* Closing the ring ends what is in it, of which nobody is told */
static void the_ring_is_closed(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct kmcl_request r;
	int i;

	setup(test);
	cd->server.hold = true;
	r = request(8, KMCL_NO_TIME_LIMIT);
	for (i = 0; i < 4; i++)
		submit(test, ring.dev, KMCL_IOC_REQUEST, &r);
	cd_wait_got(test, 4);
	KUNIT_EXPECT_FALSE(test, ended(test));
	teardown(test);
	expect_none_left(test);
	cd_release_held(cd);
}

static void the_device_goes(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct kmcl_request r;
	int i;

	setup(test);
	cd->server.hold = true;
	r = request(8, KMCL_NO_TIME_LIMIT);
	for (i = 0; i < 4; i++)
		submit(test, ring.dev, KMCL_IOC_REQUEST, &r);
	cd_wait_got(test, 4);
	cd_release_held(cd);
	cd_rescind(test);
	for (i = 0; i < 4; i++)
		result(test);
	expect_none_left(test);
	teardown(test);
}

static void each_allocation_fails(struct kunit *test)
{
	struct cd *cd = test->priv;
	u64 sent;

	setup(test);
	/* Afterwards io_uring has what it keeps, and the library a packet */
	KUNIT_EXPECT_EQ(test, ask(test), 0);
	cd_fail_each(test, ask, 0, -ENOMEM, 3);
	sent = cd_stats(cd).requests;
	KUNIT_EXPECT_EQ(test, sent, cd->server.n);
	expect_none_left(test);
	teardown(test);
}

static struct kunit_case cdev_uring_cases[] = {
	KUNIT_CASE(a_command_is_answered),
	KUNIT_CASE(wrong_commands),
	KUNIT_CASE(a_command_expires),
	KUNIT_CASE(the_ring_is_closed),
	KUNIT_CASE(the_device_goes),
	KUNIT_CASE(each_allocation_fails),
	{}
};

static struct kunit_suite cdev_uring_suite = {
	.name = "kmcl_cdev_uring",
	.init = cd_init_faults,
	.exit = cd_exit_faults,
	.test_cases = cdev_uring_cases,
};

kunit_test_suite(cdev_uring_suite);
