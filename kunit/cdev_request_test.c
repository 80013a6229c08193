// SPDX-License-Identifier: GPL-2.0
/*
 * Requests through a device of kmcl_cdev: replies, time limits, and what ends a
 * request early. The thread of a case has user space of its own.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/uaccess.h>

#include "cdev_harness.h"

/* Of user space: the structure, the request, the reply */
#define AT_DATA		512
#define AT_REPLY	1024
#define LIMIT_NS	(10LL * NSEC_PER_SEC)

static u8 __user *user_page(struct kunit *test)
{
	unsigned long at = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE,
					 PROT_READ | PROT_WRITE,
					 MAP_ANONYMOUS | MAP_PRIVATE, 0);

	KUNIT_ASSERT_NE(test, at, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(at));
	return (u8 __user *)at;
}

static struct kmcl_request prepare(struct kunit *test, u8 __user *user,
				   u32 len, u32 reply_len, s64 timeout)
{
	u8 data[CD_PACKET];

	memset(data, 0x5a, sizeof(data));
	KUNIT_ASSERT_EQ(test, copy_to_user(user + AT_DATA, data, len), 0);
	return (struct kmcl_request){
		.size = sizeof(struct kmcl_request),
		.data = (unsigned long)user + AT_DATA,
		.data_len = len,
		.reply = (unsigned long)user + AT_REPLY,
		.reply_len = reply_len,
		.timeout_ns = timeout,
	};
}

static void expect_none_left(struct kunit *test)
{
	struct cd *cd = test->priv;

	KUNIT_EXPECT_TRUE(test, list_empty(&cd->kc->requests));
	KUNIT_EXPECT_EQ(test, cd_stats(cd).queued, 0);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).queued_bytes, 0);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).written, cd_stats(cd).ended);
}

static void a_request_is_answered(struct kunit *test)
{
	struct cd *cd = test->priv;
	u8 __user *user = user_page(test);
	struct kmcl_request r = prepare(test, user, 16, 64, LIMIT_NS);
	u8 reply[64] = {};

	cd_up(test);
	KUNIT_ASSERT_EQ(test, kc_request(cd->kc, &r, false), 0);
	KUNIT_EXPECT_EQ(test, r.reply_len, 16);
	KUNIT_EXPECT_EQ(test, copy_from_user(reply, user + AT_REPLY, 64), 0);
	KUNIT_EXPECT_EQ(test, reply[15], 0x5a);
	KUNIT_EXPECT_EQ(test, reply[16], 0);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).requests, 1);
	expect_none_left(test);
}

static void a_longer_reply_is_shortened(struct kunit *test)
{
	struct cd *cd = test->priv;
	u8 __user *user = user_page(test);
	struct kmcl_request r = prepare(test, user, 64, 8, LIMIT_NS);
	u8 reply[16] = {};

	cd_up(test);
	KUNIT_EXPECT_EQ(test, kc_request(cd->kc, &r, false), -ENOSPC);
	KUNIT_EXPECT_EQ(test, r.reply_len, 64);
	KUNIT_EXPECT_EQ(test, copy_from_user(reply, user + AT_REPLY, 16), 0);
	KUNIT_EXPECT_EQ(test, reply[7], 0x5a);
	KUNIT_EXPECT_EQ(test, reply[8], 0);
	/* No reply is wanted, and none comes */
	cd->server.reply_len = 0;
	r = prepare(test, user, 64, 0, LIMIT_NS);
	KUNIT_EXPECT_EQ(test, kc_request(cd->kc, &r, false), 0);
	KUNIT_EXPECT_EQ(test, r.reply_len, 0);
	expect_none_left(test);
}

static void the_time_limit_expires(struct kunit *test)
{
	struct cd *cd = test->priv;
	u8 __user *user = user_page(test);
	struct kmcl_request r = prepare(test, user, 8, 8, NSEC_PER_MSEC);

	/* In the queue */
	KUNIT_EXPECT_EQ(test, kc_request(cd->kc, &r, false), -ETIME);
	expect_none_left(test);
	/* In flight */
	cd_up(test);
	cd->server.hold = true;
	KUNIT_EXPECT_EQ(test, kc_request(cd->kc, &r, false), -ETIME);
	expect_none_left(test);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).requests_expired, 2);
	/* For room. A server that holds packets is not disabled before */
	cd_release_held(cd);
	cd_rescind(test);
	cd_wait_state(test, KMCL_STATE_WAITING);
	cd_limits(test, 1, KC_QUEUE_BYTES);
	cd_send(test, 1);
	KUNIT_EXPECT_EQ(test, kc_request(cd->kc, &r, false), -ETIME);
	KUNIT_EXPECT_EQ(test, kc_request(cd->kc, &r, true), -EAGAIN);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).requests, 2);
}

/* In a thread that has the user space of the case */
struct asker {
	struct kc *kc;
	struct mm_struct *mm;
	struct kmcl_request r;
};

static int ask(void *data)
{
	struct asker *a = data;
	int ret;

	kthread_use_mm(a->mm);
	ret = kc_request(a->kc, &a->r, false);
	kthread_unuse_mm(a->mm);
	return ret;
}

static struct cd_call *asking(struct kunit *test, struct asker *a)
{
	struct cd *cd = test->priv;

	a->kc = cd->kc;
	a->r = prepare(test, user_page(test), 8, 8, KMCL_NO_TIME_LIMIT);
	a->mm = current->mm;
	return cd_call(test, (struct cd_call){
		       .what = CD_OTHER, .fn = ask, .data = a });
}

static void a_signal_ends_a_request(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct cd_call *call;
	struct asker a;

	cd_up(test);
	cd->server.hold = true;
	call = asking(test, &a);
	cd_wait_got(test, 1);
	cd_expect_waits(call);
	cd_signal(call);
	KUNIT_EXPECT_EQ(test, cd_returned(call), -EINTR);
	expect_none_left(test);
}

static void a_rescind_ends_what_is_in_flight(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct cd_call *call;
	struct asker a;

	cd_up(test);
	cd->server.hold = true;
	call = asking(test, &a);
	cd_wait_got(test, 1);
	cd_expect_waits(call);
	cd_release_held(cd);
	KUNIT_EXPECT_EQ(test, cd_returned(call), 0);

	cd->server.hold = true;
	call = asking(test, &a);
	cd_wait_got(test, 2);
	cd_expect_waits(call);
	/* The server's own end waits for what it holds */
	mutex_lock(&cd->kc->mutex);
	KUNIT_EXPECT_EQ(test, kc_disable(cd->kc), 0);
	mutex_unlock(&cd->kc->mutex);
	KUNIT_EXPECT_EQ(test, cd_returned(call), -ECANCELED);
	expect_none_left(test);
}

static void a_queued_request_ends_with_its_channel(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct cd_call *call;
	struct asker a;

	call = asking(test, &a);
	cd_expect_waits(call);
	cd_off(test);
	KUNIT_EXPECT_EQ(test, cd_returned(call), -ECANCELED);
	expect_none_left(test);

	cd_on(test);
	call = asking(test, &a);
	cd_expect_waits(call);
	kc_remove(cd->kc);
	KUNIT_EXPECT_EQ(test, cd_returned(call), -ENODEV);
	expect_none_left(test);
	cd->kc = NULL;
}

static void what_cannot_be_asked(struct kunit *test)
{
	struct cd *cd = test->priv;
	u8 __user *user = user_page(test);
	struct kmcl_request good = prepare(test, user, 8, 8, 0);
	struct kmcl_request r;

	r = good;
	r.flags = 1;
	KUNIT_EXPECT_EQ(test, kc_request(cd->kc, &r, false), -EINVAL);
	r = good;
	r.timeout_ns = -2;
	KUNIT_EXPECT_EQ(test, kc_request(cd->kc, &r, false), -EINVAL);
	r = good;
	r.data = 0;
	KUNIT_EXPECT_EQ(test, kc_request(cd->kc, &r, false), -EINVAL);
	r = good;
	r.reply = 0;
	KUNIT_EXPECT_EQ(test, kc_request(cd->kc, &r, false), -EINVAL);
	r = good;
	r.data_len = CD_PACKET + 1;
	KUNIT_EXPECT_EQ(test, kc_request(cd->kc, &r, false), -EMSGSIZE);
	r = good;
	r.data = PAGE_SIZE;
	KUNIT_EXPECT_EQ(test, kc_request(cd->kc, &r, false), -EFAULT);
	/* However long the buffer is said to be */
	r = good;
	r.reply_len = U32_MAX;
	KUNIT_EXPECT_EQ(test, kc_request(cd->kc, &r, false), -ETIME);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).requests, 1);
	expect_none_left(test);
}

/* Time limits that expire just when the answer comes */
static void a_time_limit_races_with_the_answer(struct kunit *test)
{
	struct cd *cd = test->priv;
	u8 __user *user = user_page(test);
	struct kmcl_request r;
	u32 i, answered = 0;
	int ret;

	cd_up(test);
	for (i = 0; i < 300; i++) {
		r = prepare(test, user, 8, 8, 500LL * i);
		ret = kc_request(cd->kc, &r, false);
		KUNIT_ASSERT_TRUE(test, !ret || ret == -ETIME);
		answered += !ret;
	}
	kunit_info(test, "%u of 300 answered\n", answered);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).requests_expired, 300 - answered);
	expect_none_left(test);
}

static struct kunit_case cdev_request_cases[] = {
	KUNIT_CASE(a_request_is_answered),
	KUNIT_CASE(a_longer_reply_is_shortened),
	KUNIT_CASE(the_time_limit_expires),
	KUNIT_CASE(a_signal_ends_a_request),
	KUNIT_CASE(a_rescind_ends_what_is_in_flight),
	KUNIT_CASE(a_queued_request_ends_with_its_channel),
	KUNIT_CASE(what_cannot_be_asked),
	KUNIT_CASE(a_time_limit_races_with_the_answer),
	{}
};

static struct kunit_suite cdev_request_suite = {
	.name = "kmcl_cdev_request",
	.init = cd_init,
	.exit = cd_exit,
	.test_cases = cdev_request_cases,
};

static void a_pipe_has_none(struct kunit *test)
{
	struct cd *cd = test->priv;
	u8 __user *user = user_page(test);
	struct kmcl_request r = prepare(test, user, 8, 8, 0);

	KUNIT_EXPECT_EQ(test, kc_request(cd->kc, &r, false), -EOPNOTSUPP);
}

static struct kunit_case cdev_pipe_request_cases[] = {
	KUNIT_CASE(a_pipe_has_none),
	{}
};

static struct kunit_suite cdev_pipe_request_suite = {
	.name = "kmcl_cdev_pipe_request",
	.init = cd_init_pipe,
	.exit = cd_exit,
	.test_cases = cdev_pipe_request_cases,
};

kunit_test_suites(&cdev_request_suite, &cdev_pipe_request_suite);
