// SPDX-License-Identifier: GPL-2.0
/*
 * Windows' events and time, as drivers that are ported use them. What differs from
 * Linux' completions is expected as on Windows: an event is set or not, and does not
 * count; the waits that are there when it is set end, whatever happens to it then.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <kmcl/vmbuskernelmodeclientlibapi.h>
#include <kmcl/ntcompat.h>

#define WAITERS	3

#define EXPECT_STATUS(test, call, status) \
	KUNIT_EXPECT_EQ(test, (u32)(call), (u32)(status))

struct waiter {
	KEVENT *event;
	struct task_struct *task;
	NTSTATUS status;
	bool returned;
};

static NTSTATUS poll(PVOID object)
{
	LARGE_INTEGER zero = {};

	return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, &zero);
}

static int wait(void *arg)
{
	LARGE_INTEGER limit = { .QuadPart = -30 * KMCL_NT_SECOND };
	struct waiter *waiter = arg;

	waiter->status = KeWaitForSingleObject(waiter->event, Executive,
					       KernelMode, FALSE, &limit);
	WRITE_ONCE(waiter->returned, true);
	return 0;
}

static size_t waiting(KEVENT *event)
{
	unsigned long flags;
	size_t count;

	raw_spin_lock_irqsave(&event->Header.Lock, flags);
	count = list_count_nodes(&event->Header.Waiters);
	raw_spin_unlock_irqrestore(&event->Header.Lock, flags);
	return count;
}

/* One more task waits, behind those that do */
static void begin_wait(struct kunit *test, struct waiter *waiter, KEVENT *event)
{
	size_t before = waiting(event);
	int i;

	waiter->event = event;
	waiter->task = kthread_create(wait, waiter, "waiter");
	KUNIT_ASSERT_FALSE(test, IS_ERR(waiter->task));
	get_task_struct(waiter->task);
	wake_up_process(waiter->task);
	for (i = 0; i < 10000 && waiting(event) == before; i++)
		usleep_range(1000, 2000);
	KUNIT_ASSERT_EQ(test, waiting(event), before + 1);
}

/* Waits until it has returned */
static void expect_waited(struct kunit *test, struct waiter *waiter,
			  NTSTATUS status)
{
	kthread_stop_put(waiter->task);
	EXPECT_STATUS(test, waiter->status, status);
}

static void a_notification_event_stays_set(struct kunit *test)
{
	KEVENT event;

	KeInitializeEvent(&event, NotificationEvent, FALSE);
	KUNIT_EXPECT_EQ(test, KeReadStateEvent(&event), 0);
	EXPECT_STATUS(test, poll(&event), STATUS_TIMEOUT);
	KUNIT_EXPECT_EQ(test, KeSetEvent(&event, IO_NO_INCREMENT, FALSE), 0);
	KUNIT_EXPECT_NE(test, KeSetEvent(&event, IO_NO_INCREMENT, FALSE), 0);
	EXPECT_STATUS(test, poll(&event), STATUS_SUCCESS);
	EXPECT_STATUS(test, poll(&event), STATUS_SUCCESS);
	EXPECT_STATUS(test, KeWaitForSingleObject(&event, Executive, KernelMode,
						  FALSE, NULL), STATUS_SUCCESS);
	KUNIT_EXPECT_NE(test, KeResetEvent(&event), 0);
	KUNIT_EXPECT_EQ(test, KeResetEvent(&event), 0);
	EXPECT_STATUS(test, poll(&event), STATUS_TIMEOUT);
	KeInitializeEvent(&event, NotificationEvent, TRUE);
	KUNIT_EXPECT_NE(test, KeReadStateEvent(&event), 0);
	KeClearEvent(&event);
	KUNIT_EXPECT_EQ(test, KeReadStateEvent(&event), 0);
}

/* A completion would let two of them through */
static void a_synchronization_event_does_not_count(struct kunit *test)
{
	KEVENT event;

	KeInitializeEvent(&event, SynchronizationEvent, TRUE);
	EXPECT_STATUS(test, poll(&event), STATUS_SUCCESS);
	EXPECT_STATUS(test, poll(&event), STATUS_TIMEOUT);
	KUNIT_EXPECT_EQ(test, KeSetEvent(&event, IO_NO_INCREMENT, FALSE), 0);
	KUNIT_EXPECT_NE(test, KeSetEvent(&event, IO_NO_INCREMENT, FALSE), 0);
	EXPECT_STATUS(test, poll(&event), STATUS_SUCCESS);
	EXPECT_STATUS(test, poll(&event), STATUS_TIMEOUT);
}

static void polling_at_dispatch(struct kunit *test)
{
	NTSTATUS before, after;
	KEVENT event;
	KIRQL irql;

	KeInitializeEvent(&event, SynchronizationEvent, FALSE);
	KeRaiseIrql(DISPATCH_LEVEL, &irql);
	before = poll(&event);
	KeSetEvent(&event, IO_NO_INCREMENT, FALSE);
	after = poll(&event);
	KeLowerIrql(irql);
	EXPECT_STATUS(test, before, STATUS_TIMEOUT);
	EXPECT_STATUS(test, after, STATUS_SUCCESS);
}

/* Set and cleared again before any of them runs */
static void a_notification_ends_all_waits(struct kunit *test)
{
	struct waiter waiters[WAITERS] = {};
	KEVENT event;
	int i;

	KeInitializeEvent(&event, NotificationEvent, FALSE);
	for (i = 0; i < WAITERS; i++)
		begin_wait(test, &waiters[i], &event);
	local_bh_disable();
	KeSetEvent(&event, IO_NO_INCREMENT, FALSE);
	KeClearEvent(&event);
	local_bh_enable();
	for (i = 0; i < WAITERS; i++)
		expect_waited(test, &waiters[i], STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, KeReadStateEvent(&event), 0);
}

/* It is not set in between, so that no call is lost */
static void each_synchronization_ends_one_wait(struct kunit *test)
{
	struct waiter waiters[WAITERS] = {};
	LONG first, second;
	KEVENT event;
	int i;

	KeInitializeEvent(&event, SynchronizationEvent, FALSE);
	for (i = 0; i < WAITERS; i++)
		begin_wait(test, &waiters[i], &event);
	local_bh_disable();
	first = KeSetEvent(&event, IO_NO_INCREMENT, FALSE);
	second = KeSetEvent(&event, IO_NO_INCREMENT, FALSE);
	local_bh_enable();
	KUNIT_EXPECT_EQ(test, first, 0);
	KUNIT_EXPECT_EQ(test, second, 0);
	KUNIT_EXPECT_EQ(test, waiting(&event), 1);
	/* Those that had waited longest */
	expect_waited(test, &waiters[0], STATUS_SUCCESS);
	expect_waited(test, &waiters[1], STATUS_SUCCESS);
	KUNIT_EXPECT_FALSE(test, READ_ONCE(waiters[2].returned));
	KUNIT_EXPECT_EQ(test, KeSetEvent(&event, IO_NO_INCREMENT, FALSE), 0);
	expect_waited(test, &waiters[2], STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, KeReadStateEvent(&event), 0);
}

static void a_wait_that_has_timed_out_takes_nothing(struct kunit *test)
{
	LARGE_INTEGER limit = { .QuadPart = -KMCL_NT_SECOND / 100 };
	KEVENT event;

	KeInitializeEvent(&event, SynchronizationEvent, FALSE);
	EXPECT_STATUS(test, KeWaitForSingleObject(&event, Executive, KernelMode,
						  FALSE, &limit), STATUS_TIMEOUT);
	KUNIT_EXPECT_EQ(test, waiting(&event), 0);
	KUNIT_EXPECT_EQ(test, KeSetEvent(&event, IO_NO_INCREMENT, FALSE), 0);
	KUNIT_EXPECT_NE(test, KeReadStateEvent(&event), 0);
}

/* The event may be gone when it returns, so nobody may hold its lock then */
static void a_wait_ends_after_the_call_that_ends_it(struct kunit *test)
{
	struct waiter waiter = {};
	unsigned long flags;
	bool returned;
	KEVENT event;

	KeInitializeEvent(&event, SynchronizationEvent, FALSE);
	begin_wait(test, &waiter, &event);
	raw_spin_lock_irqsave(&event.Header.Lock, flags);
	kmcl_nt_signal(&event.Header);
	mdelay(20);
	returned = READ_ONCE(waiter.returned);
	raw_spin_unlock_irqrestore(&event.Header.Lock, flags);
	KUNIT_EXPECT_FALSE(test, returned);
	expect_waited(test, &waiter, STATUS_SUCCESS);
}

static void a_limit_is_not_cut_short(struct kunit *test)
{
	LARGE_INTEGER limit = { .QuadPart = -KMCL_NT_SECOND / 50 };
	ktime_t begin = ktime_get();
	KEVENT event;

	KeInitializeEvent(&event, NotificationEvent, FALSE);
	EXPECT_STATUS(test, KeWaitForSingleObject(&event, Executive, KernelMode,
						  FALSE, &limit), STATUS_TIMEOUT);
	KUNIT_EXPECT_GE(test, ktime_ms_delta(ktime_get(), begin), 20);
	begin = ktime_get();
	EXPECT_STATUS(test, KeDelayExecutionThread(KernelMode, FALSE, &limit),
		      STATUS_SUCCESS);
	KUNIT_EXPECT_GE(test, ktime_ms_delta(ktime_get(), begin), 20);
}

static void a_limit_can_be_a_time_of_day(struct kunit *test)
{
	LARGE_INTEGER limit, now;
	KEVENT event;

	KeInitializeEvent(&event, NotificationEvent, FALSE);
	/* The first second of 1601, long ago */
	limit.QuadPart = KMCL_NT_SECOND;
	EXPECT_STATUS(test, KeWaitForSingleObject(&event, Executive, KernelMode,
						  FALSE, &limit), STATUS_TIMEOUT);
	KeQuerySystemTime(&limit);
	limit.QuadPart += KMCL_NT_SECOND / 50;
	EXPECT_STATUS(test, KeWaitForSingleObject(&event, Executive, KernelMode,
						  FALSE, &limit), STATUS_TIMEOUT);
	KeQuerySystemTime(&now);
	KUNIT_EXPECT_GE(test, now.QuadPart, limit.QuadPart);
}

static void the_longest_limits(struct kunit *test)
{
	/* 2^63 units */
	KUNIT_EXPECT_GT(test, kmcl_nt_jiffies(S64_MIN), 922337203685UL * HZ);
	KUNIT_EXPECT_LE(test, kmcl_nt_jiffies(S64_MIN),
			922337203686UL * HZ + 1);
	KUNIT_EXPECT_EQ(test, kmcl_nt_jiffies(-KMCL_NT_SECOND), HZ + 1);
	KUNIT_EXPECT_EQ(test, kmcl_nt_jiffies(-1), 2);
	KUNIT_EXPECT_EQ(test, kmcl_nt_jiffies(0), 0);
	KUNIT_EXPECT_GT(test, kmcl_nt_jiffies(S64_MAX), 1000UL * 365 * 86400 * HZ);
}

/* 2009-02-13 23:31:30 UTC has that number, and 1234567890 in Unix' count */
static void time_begins_in_1601(struct kunit *test)
{
	LARGE_INTEGER pause = { .QuadPart = -KMCL_NT_SECOND / 200 };
	LARGE_INTEGER before, now, frequency, counter;
	ULONGLONG interrupt;

	KUNIT_EXPECT_EQ(test, 1234567890 * KMCL_NT_SECOND + KMCL_NT_EPOCH,
			128790414900000000);
	KeQuerySystemTime(&before);
	now.QuadPart = ktime_get_real_seconds() * KMCL_NT_SECOND + KMCL_NT_EPOCH;
	KUNIT_EXPECT_LT(test, abs(now.QuadPart - before.QuadPart),
			60 * KMCL_NT_SECOND);
	interrupt = KeQueryInterruptTime();
	counter = KeQueryPerformanceCounter(&frequency);
	KeDelayExecutionThread(KernelMode, FALSE, &pause);
	KUNIT_EXPECT_GE(test, KeQueryInterruptTime() - interrupt, 50000);
	KUNIT_EXPECT_GE(test, (KeQueryPerformanceCounter(NULL).QuadPart -
			       counter.QuadPart) * 1000 / frequency.QuadPart, 5);
	/* A kernel that checks finds a delay that sleeps */
	local_bh_disable();
	KeStallExecutionProcessor(1001);
	local_bh_enable();
}

static struct kunit_case ntcompat_wait_cases[] = {
	KUNIT_CASE(a_notification_event_stays_set),
	KUNIT_CASE(a_synchronization_event_does_not_count),
	KUNIT_CASE(polling_at_dispatch),
	KUNIT_CASE(a_notification_ends_all_waits),
	KUNIT_CASE(each_synchronization_ends_one_wait),
	KUNIT_CASE(a_wait_that_has_timed_out_takes_nothing),
	KUNIT_CASE(a_wait_ends_after_the_call_that_ends_it),
	KUNIT_CASE(a_limit_is_not_cut_short),
	KUNIT_CASE(a_limit_can_be_a_time_of_day),
	KUNIT_CASE(the_longest_limits),
	KUNIT_CASE(time_begins_in_1601),
	{}
};

static struct kunit_suite ntcompat_wait_suite = {
	.name = "kmcl_ntcompat_wait",
	.test_cases = ntcompat_wait_cases,
};

kunit_test_suite(ntcompat_wait_suite);

MODULE_DESCRIPTION("KUnit tests of Windows' events and time");
MODULE_LICENSE("GPL");
