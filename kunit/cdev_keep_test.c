// SPDX-License-Identifier: GPL-2.0
/*
 * A device of kmcl_cdev that keeps nothing: no message outlives the connection that it
 * is of, in either direction, and no answer goes to the next one.
 */
#include "cdev_harness.h"
#include "hibernate.h"

static int keep_init(struct kunit *test)
{
	int ret = cd_init(test);
	struct cd *cd = test->priv;

	if (ret)
		return ret;
	spin_lock_bh(&cd->kc->lock);
	cd->kc->drop = true;
	spin_unlock_bh(&cd->kc->lock);
	return 0;
}

static void pauses(struct kunit *test, bool on)
{
	struct cd *cd = test->priv;

	KUNIT_ASSERT_EQ(test, kc_ioctl(cd->file, on ? KMCL_IOC_PAUSE :
				       KMCL_IOC_START, 0), 0);
	cd_wait_state(test, on ? KMCL_STATE_PAUSED : KMCL_STATE_ACTIVE);
}

static void goes_away(struct kunit *test)
{
	cd_rescind(test);
	cd_wait_state(test, KMCL_STATE_WAITING);
}

static ssize_t try_send(struct cd *cd, u64 value)
{
	return cd_write(cd->file, &value, sizeof(value));
}

static void while_it_is_closed_nothing_is_written(struct kunit *test)
{
	struct cd *cd = test->priv;

	KUNIT_EXPECT_EQ(test, try_send(cd, 1), -EPIPE);
	cd_up(test);
	cd_send(test, 2);
	cd_wait_got(test, 1);
	goes_away(test);
	KUNIT_EXPECT_EQ(test, try_send(cd, 3), -EPIPE);
	KUNIT_EXPECT_EQ(test, kc_ioctl(cd->file, KMCL_IOC_DISABLE, 0), 0);
	KUNIT_EXPECT_EQ(test, try_send(cd, 4), -EPIPE);
	KUNIT_EXPECT_EQ(test, kc_ioctl(cd->file, KMCL_IOC_ENABLE, 0), 0);
	cd_up(test);
	cd_send(test, 5);
	cd_wait_got(test, 2);
	KUNIT_EXPECT_EQ(test, cd->server.got[0], 2);
	KUNIT_EXPECT_EQ(test, cd->server.got[1], 5);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).written, 2);
	cd_off(test);
	KUNIT_EXPECT_EQ(test, try_send(cd, 6), -ENOTCONN);
}

static void what_was_queued_is_dropped(struct kunit *test)
{
	struct cd *cd = test->priv;

	cd_up(test);
	pauses(test, true);
	cd_send(test, 1);
	goes_away(test);
	cd_offer(test);
	/* It is still paused */
	cd_wait_state(test, KMCL_STATE_PAUSED);
	KUNIT_EXPECT_TRUE(test, cd_comes_true(cd->kc->out_wait,
					      !cd_stats(cd).queued));
	KUNIT_EXPECT_EQ(test, cd_stats(cd).cancelled, 1);
	KUNIT_EXPECT_EQ(test, vfs_fsync(cd->file, 0), -EIO);
	pauses(test, false);
	cd_send(test, 2);
	cd_wait_got(test, 1);
	KUNIT_EXPECT_EQ(test, cd->server.got[0], 2);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).opens, 2);
}

static void what_was_not_read_is_dropped(struct kunit *test)
{
	struct cd *cd = test->priv;
	u64 buf;

	cd_up(test);
	KUNIT_ASSERT_EQ(test, cd_server_send(cd, 1, 8), 0);
	KUNIT_ASSERT_EQ(test, cd_server_send(cd, 2, 8), 0);
	cd_wait_waiting(test, 2);
	/* A pause is no end */
	pauses(test, true);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).waiting, 2);
	goes_away(test);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).waiting, 0);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).lost, 2);
	KUNIT_EXPECT_EQ(test, cd->kc->owned, 0);
	KUNIT_EXPECT_EQ(test, cd_read_nowait(cd->file, &buf, 8), -EAGAIN);
}

static void an_answer_to_the_last_connection_is_refused(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct kmcl_info info;

	cd_up(test);
	KUNIT_ASSERT_EQ(test, cd_server_send(cd, 1, 8), 0);
	cd_wait_waiting(test, 1);
	cd_expect_value(test, 1);
	goes_away(test);
	cd_up(test);
	KUNIT_EXPECT_EQ(test, try_send(cd, 1), -EPIPE);
	KUNIT_EXPECT_EQ(test, try_send(cd, 1), -EPIPE);
	/* It belongs to this one when it has read a message of it */
	KUNIT_ASSERT_EQ(test, cd_server_send(cd, 2, 8), 0);
	cd_wait_waiting(test, 1);
	cd_expect_value(test, 2);
	cd_send(test, 2);
	cd_wait_got(test, 1);
	KUNIT_EXPECT_EQ(test, cd->server.got[0], 2);
	/* Or when it knows that there is one */
	goes_away(test);
	cd_up(test);
	KUNIT_EXPECT_EQ(test, try_send(cd, 3), -EPIPE);
	kc_get_info(cd->file->private_data, &info);
	KUNIT_EXPECT_TRUE(test, info.flags & KMCL_INFO_DROP);
	cd_send(test, 4);
	cd_wait_got(test, 2);
	KUNIT_EXPECT_EQ(test, cd->server.got[1], 4);
}

static void who_waits_for_room_learns_of_the_end(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct cd_call *writer;

	cd_limits(test, 1, KC_QUEUE_BYTES);
	cd_up(test);
	pauses(test, true);
	cd_send(test, 1);
	writer = cd_call(test, (struct cd_call){
			 .file = cd->file, .what = CD_WRITE, .len = 8 });
	cd_expect_waits(writer);
	goes_away(test);
	KUNIT_EXPECT_EQ(test, cd_returned(writer), -EPIPE);
}

/* What is queued goes there as well, and whatever the policy, it is opened again */
static void a_machine_that_hibernates(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct kmcl_offer *offer;

	cd->kc->manual = true;
	cd_up(test);
	pauses(test, true);
	cd_send(test, 1);
	offer = hibernate_channel(rcu_dereference_protected(cd->kc->ch, true));
	KUNIT_ASSERT_NOT_NULL(test, offer);
	KUNIT_EXPECT_TRUE(test, cd_comes_true(cd->kc->out_wait,
					      !cd_stats(cd).queued));
	cd_wait_state(test, KMCL_STATE_WAITING);
	KUNIT_EXPECT_EQ(test, try_send(cd, 2), -EPIPE);
	wake_offer(offer);
	cd_wait_state(test, KMCL_STATE_PAUSED);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).cancelled, 1);
	KUNIT_EXPECT_EQ(test, vfs_fsync(cd->file, 0), -EIO);
	pauses(test, false);
	cd_send(test, 3);
	cd_wait_got(test, 1);
	KUNIT_EXPECT_EQ(test, cd->server.got[0], 3);
}

static struct kunit_case cdev_keep_cases[] = {
	KUNIT_CASE(while_it_is_closed_nothing_is_written),
	KUNIT_CASE(what_was_queued_is_dropped),
	KUNIT_CASE(what_was_not_read_is_dropped),
	KUNIT_CASE(an_answer_to_the_last_connection_is_refused),
	KUNIT_CASE(a_machine_that_hibernates),
	KUNIT_CASE(who_waits_for_room_learns_of_the_end),
	{}
};

static struct kunit_suite cdev_keep_suite = {
	.name = "kmcl_cdev_keep",
	.init = keep_init,
	.exit = cd_exit,
	.test_cases = cdev_keep_cases,
};

kunit_test_suite(cdev_keep_suite);
