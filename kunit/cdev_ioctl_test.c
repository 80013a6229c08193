// SPDX-License-Identifier: GPL-2.0
/*
 * The ioctls of a device of kmcl_cdev, as a program calls them: sizes of structures,
 * what is refused, faults. The thread of a case has user space of its own.
 */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/uaccess.h>

#include <asm/ioctls.h>

#include "cdev_harness.h"

/* Nothing is mapped at so low an address */
#define NOWHERE	PAGE_SIZE

union any {
	u32 size;
	u8 bytes[256];
	struct kmcl_info info;
	struct kmcl_stats stats;
	struct kmcl_mode mode;
	struct kmcl_limits limits;
};

static unsigned long user;

static int ioctl_init(struct kunit *test)
{
	int ret = cd_init(test);

	if (ret)
		return ret;
	user = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_ANONYMOUS | MAP_PRIVATE, 0);
	return user && !IS_ERR_VALUE(user) ? 0 : -ENOMEM;
}

/* Call it with all of @any in user space, and read that back */
static long call(struct kunit *test, unsigned int cmd, union any *any)
{
	struct cd *cd = test->priv;
	void __user *to = (void __user *)user;
	long ret;

	KUNIT_ASSERT_EQ(test, copy_to_user(to, any, sizeof(*any)), 0);
	ret = kc_ioctl(cd->file, cmd, user);
	KUNIT_ASSERT_EQ(test, copy_from_user(any, to, sizeof(*any)), 0);
	return ret;
}

static const struct sized {
	const char *name;
	unsigned int cmd;
	u32 size;
	bool out;
} sized[] = {
	{ "info", KMCL_IOC_GET_INFO, sizeof(struct kmcl_info), true },
	{ "stats", KMCL_IOC_GET_STATS, sizeof(struct kmcl_stats), true },
	{ "limits", KMCL_IOC_GET_LIMITS, sizeof(struct kmcl_limits), true },
	{ "set limits", KMCL_IOC_SET_LIMITS, sizeof(struct kmcl_limits) },
	{ "mode", KMCL_IOC_SET_MODE, sizeof(struct kmcl_mode) },
};

KUNIT_ARRAY_PARAM_DESC(sized, sized, name);

static void structures_can_grow(struct kunit *test)
{
	const struct sized *s = test->param_value;
	union any any = {};
	struct cd *cd = test->priv;
	u32 i;

	any.size = s->size - 1;
	KUNIT_EXPECT_EQ(test, call(test, s->cmd, &any), -EINVAL);
	any.size = U32_MAX;
	KUNIT_EXPECT_EQ(test, call(test, s->cmd, &any), -EINVAL);
	any.size = s->size;
	KUNIT_EXPECT_EQ(test, call(test, s->cmd, &any), 0);
	KUNIT_EXPECT_EQ(test, any.size, s->size);

	/* Of a later version */
	memset(&any, 0, sizeof(any));
	any.size = s->size + 8;
	if (s->out)
		memset(any.bytes + s->size, 0xff, 16);
	KUNIT_EXPECT_EQ(test, call(test, s->cmd, &any), 0);
	if (s->out) {
		KUNIT_EXPECT_EQ(test, any.size, s->size);
		for (i = 0; i < 16; i++)
			KUNIT_EXPECT_EQ(test, any.bytes[s->size + i],
					i < 8 ? 0 : 0xff);
	} else {
		memset(&any, 0, sizeof(any));
		any.size = s->size + 8;
		any.bytes[s->size + 7] = 1;
		KUNIT_EXPECT_EQ(test, call(test, s->cmd, &any), -E2BIG);
	}
	KUNIT_EXPECT_EQ(test, kc_ioctl(cd->file, s->cmd, NOWHERE), -EFAULT);
}

static void limits_are_set(struct kunit *test)
{
	struct cd *cd = test->priv;
	union any any = { .limits = { .size = sizeof(struct kmcl_limits),
				      .queue_packets = 7 } };

	KUNIT_EXPECT_EQ(test, call(test, KMCL_IOC_SET_LIMITS, &any), 0);
	KUNIT_EXPECT_EQ(test, cd->kc->max_packets, 7);
	KUNIT_EXPECT_EQ(test, cd->kc->max_bytes, KC_QUEUE_BYTES);
	any.limits.queue_packets = 0;
	any.limits.queue_bytes = 4096;
	KUNIT_EXPECT_EQ(test, call(test, KMCL_IOC_SET_LIMITS, &any), 0);
	KUNIT_EXPECT_EQ(test, call(test, KMCL_IOC_GET_LIMITS, &any), 0);
	KUNIT_EXPECT_EQ(test, any.limits.queue_packets, 7);
	KUNIT_EXPECT_EQ(test, any.limits.queue_bytes, 4096);
	any.limits.queue_packets = KC_QUEUE_PACKETS_MAX + 1;
	KUNIT_EXPECT_EQ(test, call(test, KMCL_IOC_SET_LIMITS, &any), -EINVAL);
	any.limits.queue_packets = 1;
	any.limits.queue_bytes = 1ULL << 32;
	KUNIT_EXPECT_EQ(test, call(test, KMCL_IOC_SET_LIMITS, &any), -EINVAL);
}

static void modes_are_of_the_open_file(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct file *other = cd_open(test, 0);
	union any any = { .mode = { .size = sizeof(struct kmcl_mode),
				    .flags = KMCL_MODE_TRUNCATE } };
	u8 buf[4];

	KUNIT_EXPECT_EQ(test, call(test, KMCL_IOC_SET_MODE, &any), 0);
	any.mode.flags = 2;
	KUNIT_EXPECT_EQ(test, call(test, KMCL_IOC_SET_MODE, &any), -EINVAL);
	cd_up(test);
	KUNIT_EXPECT_EQ(test, cd_server_send(cd, 1, 8), 0);
	cd_wait_waiting(test, 1);
	KUNIT_EXPECT_EQ(test, cd_read_nowait(other, buf, 4), -EMSGSIZE);
	KUNIT_EXPECT_EQ(test, cd_read_nowait(cd->file, buf, 4), 4);
	cd_close(test, other);
}

static void the_next_length_is_told(struct kunit *test)
{
	struct cd *cd = test->priv;
	union any any = {};

	KUNIT_EXPECT_EQ(test, call(test, FIONREAD, &any), 0);
	KUNIT_EXPECT_EQ(test, any.size, 0);
	cd_up(test);
	KUNIT_EXPECT_EQ(test, cd_server_send(cd, 1, 24), 0);
	cd_wait_waiting(test, 1);
	KUNIT_EXPECT_EQ(test, call(test, FIONREAD, &any), 0);
	KUNIT_EXPECT_EQ(test, any.size, 24);
	KUNIT_EXPECT_EQ(test, kc_ioctl(cd->file, FIONREAD, NOWHERE), -EFAULT);
}

static void readers_cannot_control(struct kunit *test)
{
	static const unsigned int cmds[] = {
		KMCL_IOC_REQUEST, KMCL_IOC_ENABLE, KMCL_IOC_DISABLE,
		KMCL_IOC_PAUSE, KMCL_IOC_START,
	};
	struct cd *cd = test->priv;
	u32 i;

	cd->file->f_mode &= ~FMODE_WRITE;
	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		KUNIT_EXPECT_EQ(test, kc_ioctl(cd->file, cmds[i], user), -EBADF);
	cd->file->f_mode |= FMODE_WRITE;
	for (i = 1; i < ARRAY_SIZE(cmds); i++)
		KUNIT_EXPECT_EQ(test, kc_ioctl(cd->file, cmds[i], 0), 0);
	KUNIT_EXPECT_EQ(test, kc_ioctl(cd->file, KMCL_IOC_START + 1, 0), -ENOTTY);
}

static void a_request_is_a_structure(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct kmcl_request r = {
		.size = sizeof(r),
		.data = user + 512,
		.data_len = 8,
		.reply = user + 1024,
		.reply_len = 16,
		.timeout_ns = KMCL_NO_TIME_LIMIT,
	};

	cd_up(test);
	KUNIT_ASSERT_EQ(test, copy_to_user((void __user *)user, &r, sizeof(r)), 0);
	KUNIT_EXPECT_EQ(test, kc_ioctl(cd->file, KMCL_IOC_REQUEST, user), 0);
	KUNIT_ASSERT_EQ(test, copy_from_user(&r, (void __user *)user, sizeof(r)),
			0);
	KUNIT_EXPECT_EQ(test, r.reply_len, 8);
	KUNIT_EXPECT_EQ(test, kc_ioctl(cd->file, KMCL_IOC_REQUEST, NOWHERE),
			-EFAULT);
}

static void events_have_flags(struct kunit *test)
{
	struct cd *cd = test->priv;

	KUNIT_EXPECT_EQ(test, kc_ioctl(cd->file, KMCL_IOC_EVENTS, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, kc_ioctl(cd->file, KMCL_IOC_EVENTS, O_CLOEXEC),
			-EINVAL);
}

static struct kunit_case cdev_ioctl_cases[] = {
	KUNIT_CASE_PARAM(structures_can_grow, sized_gen_params),
	KUNIT_CASE(limits_are_set),
	KUNIT_CASE(modes_are_of_the_open_file),
	KUNIT_CASE(the_next_length_is_told),
	KUNIT_CASE(readers_cannot_control),
	KUNIT_CASE(a_request_is_a_structure),
	KUNIT_CASE(events_have_flags),
	{}
};

static struct kunit_suite cdev_ioctl_suite = {
	.name = "kmcl_cdev_ioctl",
	.init = ioctl_init,
	.exit = cd_exit,
	.test_cases = cdev_ioctl_cases,
};

kunit_test_suite(cdev_ioctl_suite);
