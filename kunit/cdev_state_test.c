// SPDX-License-Identifier: GPL-2.0
/*
 * A device of kmcl_cdev while its channel comes and goes: what its users see, its
 * events, and what ends their calls.
 */
#include <linux/delay.h>
#include <linux/file.h>

#include "cdev_harness.h"
#include "hibernate.h"

static void expect_events(struct kunit *test, struct file *events,
			  const enum kmcl_event_type *types, u32 n)
{
	struct kmcl_event e;
	loff_t pos = 0;
	u64 seq = 0;
	u32 i;

	for (i = 0; i < n; i++) {
		KUNIT_ASSERT_EQ_MSG(test, kernel_read(events, &e, sizeof(e), &pos),
				    sizeof(e), "event %u", i);
		KUNIT_EXPECT_EQ_MSG(test, e.type, types[i], "event %u", i);
		KUNIT_EXPECT_EQ(test, e.size, sizeof(e));
		KUNIT_EXPECT_EQ(test, e.lost, 0);
		if (i)
			KUNIT_EXPECT_EQ(test, e.seq, seq + 1);
		seq = e.seq;
	}
	KUNIT_EXPECT_EQ(test, kernel_read(events, &e, sizeof(e), &pos), -EAGAIN);
}

static struct file *events_of(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct file *events = kc_events_file(cd->kc, O_NONBLOCK);

	KUNIT_ASSERT_FALSE(test, IS_ERR(events));
	return events;
}

#define EXPECT_EVENTS(test, events, ...)				\
	do {								\
		const enum kmcl_event_type _types[] = { __VA_ARGS__ };	\
									\
		expect_events(test, events, _types, ARRAY_SIZE(_types)); \
	} while (0)

static void queued_messages_survive_a_rescind(struct kunit *test)
{
	struct cd *cd = test->priv;
	u64 i;

	cd_up(test);
	cd_send(test, 0);
	cd_wait_got(test, 1);
	cd_rescind(test);
	cd_wait_state(test, KMCL_STATE_WAITING);
	KUNIT_EXPECT_TRUE(test, cd_poll(cd->file) & EPOLLHUP);
	for (i = 1; i <= 5; i++)
		cd_send(test, i);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).queued, 5);
	cd_up(test);
	cd_send(test, 6);
	cd_wait_got(test, 7);
	for (i = 0; i < 7; i++)
		KUNIT_EXPECT_EQ(test, cd->server.got[i], i);
	KUNIT_EXPECT_FALSE(test, cd_poll(cd->file) & EPOLLHUP);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).opens, 2);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).rescinds, 1);
}

/* And does not stand in the way of closing */
static void what_had_arrived_can_be_read(struct kunit *test)
{
	struct cd *cd = test->priv;
	u64 i;

	cd_up(test);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, cd_server_send(cd, i, 8), 0);
	cd_wait_waiting(test, 4);
	cd_rescind(test);
	cd_wait_state(test, KMCL_STATE_WAITING);
	KUNIT_EXPECT_TRUE(test, cd_poll(cd->file) & EPOLLIN);
	cd_expect_value(test, 0);
	cd_expect_value(test, 1);
	/* Older than what comes then */
	cd_up(test);
	KUNIT_EXPECT_EQ(test, cd_server_send(cd, 4, 8), 0);
	cd_wait_waiting(test, 3);
	for (i = 2; i < 5; i++)
		cd_expect_value(test, i);
	KUNIT_EXPECT_EQ(test, cd->kc->owned, 0);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).lost, 0);
}

/* However often the host does that, no more memory is used than the limit */
static void what_is_kept_is_limited(struct kunit *test)
{
	struct cd *cd = test->priv;
	u32 i, j;

	cd_limits(test, 1000, 4 * CD_PACKET);
	for (i = 0; i < 10; i++) {
		cd_up(test);
		for (j = 0; j < 4; j++)
			KUNIT_ASSERT_EQ(test, cd_server_send(cd, j, CD_PACKET),
					0);
		KUNIT_ASSERT_TRUE(test, cd_comes_true(cd->kc->in_wait,
						      cd_stats(cd).received > i));
		cd_rescind(test);
		cd_wait_state(test, KMCL_STATE_WAITING);
		KUNIT_EXPECT_LE(test, cd->kc->owned, 4 * CD_PACKET);
	}
	KUNIT_EXPECT_GT(test, cd_stats(cd).lost, 0);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).waiting + cd_stats(cd).lost,
			cd_stats(cd).received);
}

static void a_reader_waits_through_a_rescind(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct cd_call *reader;

	cd_up(test);
	reader = cd_call(test, (struct cd_call){
			 .file = cd->file, .what = CD_READ, .len = 8 });
	cd_expect_waits(reader);
	cd_rescind(test);
	cd_wait_state(test, KMCL_STATE_WAITING);
	cd_expect_waits(reader);
	cd_up(test);
	KUNIT_EXPECT_EQ(test, cd_server_send(cd, 5, 8), 0);
	KUNIT_EXPECT_EQ(test, cd_returned(reader), 8);
}

static void the_state_is_told(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct file *events = events_of(test);
	struct kmcl_info info;

	cd_up(test);
	EXPECT_EVENTS(test, events, KMCL_EVENT_ENABLED, KMCL_EVENT_OPENED,
		      KMCL_EVENT_STARTED);
	KUNIT_EXPECT_TRUE(test, cd_poll(cd->file) & EPOLLPRI);
	KUNIT_EXPECT_TRUE(test, cd_poll(cd->file) & EPOLLRDHUP);
	kc_get_info(cd->file->private_data, &info);
	KUNIT_EXPECT_FALSE(test, cd_poll(cd->file) & (EPOLLPRI | EPOLLRDHUP));
	KUNIT_EXPECT_EQ(test, info.state, KMCL_STATE_ACTIVE);
	KUNIT_EXPECT_EQ(test, info.flags, KMCL_INFO_ANY_INSTANCE |
			KMCL_INFO_REOPEN | KMCL_INFO_OPEN);
	KUNIT_EXPECT_EQ(test, info.packet_bytes, CD_PACKET);
	KUNIT_EXPECT_GT(test, info.ring_in, 0);
	KUNIT_EXPECT_MEMEQ(test, info.class_id, &cd_class, sizeof(cd_class));
	KUNIT_EXPECT_MEMEQ(test, info.instance_id, &cd_instance,
			   sizeof(cd_instance));
	KUNIT_EXPECT_STREQ(test, info.name, "test");

	cd_rescind(test);
	cd_wait_state(test, KMCL_STATE_WAITING);
	EXPECT_EVENTS(test, events, KMCL_EVENT_SUSPENDED, KMCL_EVENT_CLOSED,
		      KMCL_EVENT_ENABLED);
	KUNIT_EXPECT_TRUE(test, cd_poll(cd->file) & EPOLLPRI);
	__fput_sync(events);
}

static int with_mutex(struct kc *kc, int (*fn)(struct kc *kc))
{
	int ret;

	mutex_lock(&kc->mutex);
	ret = fn(kc);
	mutex_unlock(&kc->mutex);
	return ret;
}

static void a_channel_can_be_paused(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct file *events = events_of(test);

	cd_up(test);
	KUNIT_EXPECT_EQ(test, cd_server_send(cd, 1, 8), 0);
	cd_wait_waiting(test, 1);
	/* It waits for nobody to read */
	KUNIT_EXPECT_EQ(test, with_mutex(cd->kc, kc_pause), 0);
	cd_wait_state(test, KMCL_STATE_PAUSED);
	cd_send(test, 1);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).queued, 1);
	KUNIT_EXPECT_EQ(test, READ_ONCE(cd->server.n), 0);
	KUNIT_EXPECT_EQ(test, with_mutex(cd->kc, kc_start), 0);
	cd_wait_state(test, KMCL_STATE_ACTIVE);
	cd_wait_got(test, 1);
	cd_expect_value(test, 1);
	EXPECT_EVENTS(test, events, KMCL_EVENT_ENABLED, KMCL_EVENT_OPENED,
		      KMCL_EVENT_STARTED, KMCL_EVENT_SUSPENDED,
		      KMCL_EVENT_RESUMED);
	__fput_sync(events);
}

static void a_channel_stays_disabled(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct file *events = events_of(test);
	struct kmcl_event e[8];
	loff_t pos = 0;

	cd_up(test);
	KUNIT_EXPECT_EQ(test, with_mutex(cd->kc, kc_disable), 0);
	cd_wait_state(test, KMCL_STATE_DISABLED);
	KUNIT_EXPECT_EQ(test, kernel_read(events, e, sizeof(e), &pos),
			5 * sizeof(e[0]));
	KUNIT_EXPECT_EQ(test, e[4].type, KMCL_EVENT_CLOSED);
	KUNIT_EXPECT_EQ(test, e[4].cause, KMCL_CAUSE_LOCAL);
	cd_send(test, 1);
	flush_workqueue(kc_wq);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).opens, 1);
	KUNIT_EXPECT_EQ(test, with_mutex(cd->kc, kc_enable), 0);
	KUNIT_EXPECT_EQ(test, with_mutex(cd->kc, kc_enable), 0);
	cd_wait_state(test, KMCL_STATE_ACTIVE);
	cd_wait_got(test, 1);

	/* While it waits there is nothing to close */
	cd_rescind(test);
	cd_wait_state(test, KMCL_STATE_WAITING);
	KUNIT_EXPECT_EQ(test, with_mutex(cd->kc, kc_disable), 0);
	KUNIT_EXPECT_EQ(test, kernel_read(events, e, sizeof(e), &pos),
			7 * sizeof(e[0]));
	KUNIT_EXPECT_EQ(test, e[4].type, KMCL_EVENT_CLOSED);
	KUNIT_EXPECT_EQ(test, e[4].cause, KMCL_CAUSE_DEVICE);
	KUNIT_EXPECT_EQ(test, e[6].type, KMCL_EVENT_DISABLED);
	__fput_sync(events);
}

/* Even if nobody but the administrator enables it again */
static void a_machine_that_hibernates(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct file *events = events_of(test);
	struct kmcl_offer *offer;
	struct kmcl_event e[8];
	loff_t pos = 0;

	cd->kc->manual = true;
	cd_up(test);
	offer = hibernate_channel(rcu_dereference_protected(cd->kc->ch, true));
	KUNIT_ASSERT_NOT_NULL(test, offer);
	cd_wait_state(test, KMCL_STATE_WAITING);
	KUNIT_EXPECT_EQ(test, kernel_read(events, e, sizeof(e), &pos),
			5 * sizeof(e[0]));
	KUNIT_EXPECT_EQ(test, e[4].type, KMCL_EVENT_CLOSED);
	KUNIT_EXPECT_EQ(test, e[4].cause, KMCL_CAUSE_HIBERNATE);
	cd_send(test, 1);
	flush_workqueue(kc_wq);
	KUNIT_EXPECT_EQ(test, cd->kc->state, KMCL_STATE_WAITING);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).rescinds, 0);
	wake_offer(offer);
	cd_wait_state(test, KMCL_STATE_ACTIVE);
	cd_wait_got(test, 1);
	__fput_sync(events);
}

static void manual_means_that_it_is_not_enabled_again(struct kunit *test)
{
	struct cd *cd = test->priv;

	cd->kc->manual = true;
	cd_up(test);
	cd_rescind(test);
	cd_wait_state(test, KMCL_STATE_DISABLED);
	flush_workqueue(kc_wq);
	cd_offer(test);
	KUNIT_EXPECT_EQ(test, cd->kc->state, KMCL_STATE_DISABLED);
	KUNIT_EXPECT_EQ(test, with_mutex(cd->kc, kc_enable), 0);
	cd_wait_state(test, KMCL_STATE_ACTIVE);
}

static void events_that_are_not_read_are_counted(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct file *events = events_of(test);
	u32 i, lost = 0, n = 0;
	struct kmcl_event e;
	loff_t pos = 0;
	u64 seq = 0;

	for (i = 0; i < 40; i++) {
		KUNIT_ASSERT_EQ(test, with_mutex(cd->kc, kc_disable), 0);
		KUNIT_ASSERT_EQ(test, with_mutex(cd->kc, kc_enable), 0);
	}
	while (kernel_read(events, &e, sizeof(e), &pos) == sizeof(e)) {
		if (n++)
			KUNIT_EXPECT_EQ(test, e.seq, seq + 1 + e.lost);
		seq = e.seq;
		lost += e.lost;
	}
	KUNIT_EXPECT_EQ(test, n + lost, 81);
	KUNIT_EXPECT_GT(test, lost, 0);
	__fput_sync(events);
}

/* What every call of a user is told who still has it open */
static void expect_gone(struct kunit *test, struct file *file)
{
	u64 buf = 1;

	KUNIT_EXPECT_EQ(test, cd_read(file, &buf, 8), -ENODEV);
	KUNIT_EXPECT_EQ(test, cd_write(file, &buf, 8), -ENODEV);
	KUNIT_EXPECT_EQ(test, vfs_fsync(file, 0), -ENODEV);
	CD_EXPECT_POLL(test, file, EPOLLHUP | EPOLLERR | EPOLLIN | EPOLLOUT,
		       EPOLLHUP | EPOLLERR);
	KUNIT_EXPECT_EQ(test, kc_ioctl(file, KMCL_IOC_ENABLE, 0), -ENODEV);
	KUNIT_EXPECT_EQ(test, kc_ioctl(file, KMCL_IOC_GET_INFO, 0), -ENODEV);
}

static void removing_ends_every_call(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct cd_call *reader, *writer, *sync;
	struct file *events = events_of(test);
	struct kmcl_event e[4];
	loff_t pos = 0;

	cd_limits(test, 1, KC_QUEUE_BYTES);
	cd_send(test, 1);
	reader = cd_call(test, (struct cd_call){
			 .file = cd->file, .what = CD_READ, .len = 8 });
	writer = cd_call(test, (struct cd_call){
			 .file = cd->file, .what = CD_WRITE, .len = 8 });
	sync = cd_call(test, (struct cd_call){
		       .file = cd->file, .what = CD_FSYNC });
	cd_expect_waits(reader);
	cd_expect_waits(writer);
	cd_expect_waits(sync);
	kc_remove(cd->kc);
	KUNIT_EXPECT_EQ(test, cd_returned(reader), -ENODEV);
	KUNIT_EXPECT_EQ(test, cd_returned(writer), -ENODEV);
	KUNIT_EXPECT_EQ(test, cd_returned(sync), -ENODEV);
	expect_gone(test, cd->file);
	KUNIT_EXPECT_EQ(test, kernel_read(events, e, sizeof(e), &pos),
			3 * sizeof(e[0]));
	KUNIT_EXPECT_EQ(test, e[2].type, KMCL_EVENT_REMOVED);
	KUNIT_EXPECT_EQ(test, kernel_read(events, e, sizeof(e), &pos), 0);
	KUNIT_EXPECT_PTR_EQ(test, kc_events_file(cd->kc, 0), ERR_PTR(-ENODEV));
	__fput_sync(events);
	cd->kc = NULL;
}

static void removing_drops_what_was_received(struct kunit *test)
{
	struct cd *cd = test->priv;

	cd_up(test);
	KUNIT_EXPECT_EQ(test, cd_server_send(cd, 1, 8), 0);
	cd_wait_waiting(test, 1);
	kc_remove(cd->kc);
	expect_gone(test, cd->file);
	cd->kc = NULL;
}

static void without_a_channel_nothing_is_sent(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct cd_call *reader, *writer;
	u64 buf = 1;

	cd_limits(test, 1, KC_QUEUE_BYTES);
	cd_send(test, 1);
	reader = cd_call(test, (struct cd_call){
			 .file = cd->file, .what = CD_READ, .len = 8 });
	writer = cd_call(test, (struct cd_call){
			 .file = cd->file, .what = CD_WRITE, .len = 8 });
	cd_expect_waits(reader);
	cd_expect_waits(writer);
	cd_off(test);
	KUNIT_EXPECT_EQ(test, cd_returned(reader), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, cd_returned(writer), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, cd_write(cd->file, &buf, 8), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, cd_read(cd->file, &buf, 8), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, kc_ioctl(cd->file, KMCL_IOC_ENABLE, 0), -ENOTCONN);
	KUNIT_EXPECT_EQ(test, kc_ioctl(cd->file, KMCL_IOC_PAUSE, 0), -ENOTCONN);
	CD_EXPECT_POLL(test, cd->file, EPOLLHUP | EPOLLERR | EPOLLIN | EPOLLOUT,
		       EPOLLHUP);
	cd_on(test);
	cd_up(test);
	cd_send(test, 3);
	cd_wait_got(test, 1);
	KUNIT_EXPECT_EQ(test, cd->server.got[0], 3);
}

static int read_until_gone(void *data)
{
	struct file *file = data;
	u64 buf;
	ssize_t ret;

	do {
		ret = cd_read(file, &buf, sizeof(buf));
		if (ret == -ENOTCONN)
			usleep_range(50, 100);
	} while (ret == 8 || ret == -ENOTCONN);
	return ret;
}

static int write_until_gone(void *data)
{
	struct file *file = data;
	u64 buf = 1;
	ssize_t ret;

	do {
		ret = cd_write(file, &buf, sizeof(buf));
		if (ret == -ENOTCONN)
			usleep_range(50, 100);
	} while (ret == 8 || ret == -ENOTCONN);
	return ret;
}

/* Rescinds, disabling and the end of the channel, against two of each */
static void everything_happens_at_once(struct kunit *test)
{
	struct cd *cd = test->priv;
	struct cd_call *calls[4];
	u32 i;

	cd_limits(test, 8, KC_QUEUE_BYTES);
	cd_up(test);
	for (i = 0; i < 4; i++)
		calls[i] = cd_call(test, (struct cd_call){
			.what = CD_OTHER, .data = cd->file,
			.fn = i % 2 ? read_until_gone : write_until_gone });
	for (i = 0; i < 40; i++) {
		cd_server_send(cd, i, 8);
		cd_server_send(cd, i, 8);
		switch (i % 4) {
		case 0:
			cd_rescind(test);
			cd_offer(test);
			break;
		case 1:
			with_mutex(cd->kc, kc_disable);
			with_mutex(cd->kc, kc_enable);
			break;
		case 2:
			with_mutex(cd->kc, kc_pause);
			with_mutex(cd->kc, kc_start);
			break;
		default:
			cd_off(test);
			cd_on(test);
		}
	}
	kc_remove(cd->kc);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ(test, cd_returned(calls[i]), -ENODEV);
	expect_gone(test, cd->file);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).queued, 0);
	KUNIT_EXPECT_EQ(test, cd_stats(cd).written, cd_stats(cd).ended);
	cd->kc = NULL;
}

static void a_name_is_one_device(struct kunit *test)
{
	const struct kc_config cfg = { .packet_bytes = CD_PACKET };
	static const char * const wrong[] = {
		"", ".", "..", ".a", "a/b", "a b", "a!", "a\n",
		"01234567890123456789012345678901",
	};
	struct kc *kc;
	u32 i;

	KUNIT_EXPECT_PTR_EQ(test, kc_create("test", &cfg), ERR_PTR(-EEXIST));
	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		KUNIT_EXPECT_PTR_EQ_MSG(test, kc_create(wrong[i], &cfg),
					ERR_PTR(-EINVAL), "%s", wrong[i]);
	kc = kc_create("0123456789012345678901234567890", &cfg);
	KUNIT_ASSERT_FALSE(test, IS_ERR(kc));
	/* It has no class */
	mutex_lock(&kc->mutex);
	KUNIT_EXPECT_EQ(test, kc_on(kc), -EINVAL);
	mutex_unlock(&kc->mutex);
	kc_remove(kc);
}

static struct kunit_case cdev_state_cases[] = {
	KUNIT_CASE(queued_messages_survive_a_rescind),
	KUNIT_CASE(what_had_arrived_can_be_read),
	KUNIT_CASE(what_is_kept_is_limited),
	KUNIT_CASE(a_reader_waits_through_a_rescind),
	KUNIT_CASE(the_state_is_told),
	KUNIT_CASE(a_channel_can_be_paused),
	KUNIT_CASE(a_channel_stays_disabled),
	KUNIT_CASE(a_machine_that_hibernates),
	KUNIT_CASE(manual_means_that_it_is_not_enabled_again),
	KUNIT_CASE(events_that_are_not_read_are_counted),
	KUNIT_CASE(removing_ends_every_call),
	KUNIT_CASE(removing_drops_what_was_received),
	KUNIT_CASE(without_a_channel_nothing_is_sent),
	KUNIT_CASE(everything_happens_at_once),
	KUNIT_CASE(a_name_is_one_device),
	{}
};

static struct kunit_suite cdev_state_suite = {
	.name = "kmcl_cdev_state",
	.init = cd_init,
	.exit = cd_exit,
	.test_cases = cdev_state_cases,
};

kunit_test_suite(cdev_state_suite);
