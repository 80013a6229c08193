// SPDX-License-Identifier: GPL-2.0
/*
 * Windows' work items, DPCs and timers, as drivers that are ported use them: where
 * routines run, with what, and how often.
 *
 * Both threads of a workqueue that a DPC runs on need this processor: with preemption
 * off, what is queued stays queued.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/kref.h>
#include <linux/preempt.h>
#include <kmcl/vmbuskernelmodeclientlibapi.h>
#include <kmcl/ntcompat.h>

#define MS	(KMCL_NT_SECOND / 1000)

#define EXPECT_STATUS(test, call, status) \
	KUNIT_EXPECT_EQ(test, (u32)(call), (u32)(status))

/* What a routine found. A DPC's and a work item's are never the same test's */
static struct {
	KEVENT event;		/* set by the last call */
	PIO_WORKITEM item;
	PDEVICE_OBJECT device;
	PVOID context, argument1, argument2;
	unsigned long last;	/* in jiffies */
	int calls, again;
	KIRQL level;
	BOOLEAN queued;
} seen;

static KDPC dpc;

static int work_init(struct kunit *test)
{
	memset(&seen, 0, sizeof(seen));
	KeInitializeEvent(&seen.event, SynchronizationEvent, FALSE);
	return 0;
}

/* How long a wait takes at most */
static NTSTATUS wait(PVOID object)
{
	LARGE_INTEGER limit = { .QuadPart = -30 * KMCL_NT_SECOND };

	return KeWaitForSingleObject(object, Executive, KernelMode, FALSE,
				     &limit);
}

static LARGE_INTEGER in_ms(LONGLONG ms)
{
	LARGE_INTEGER due = { .QuadPart = -ms * MS };

	return due;
}

static VOID note_call(PVOID context)
{
	seen.context = context;
	seen.level = KeGetCurrentIrql();
	seen.last = jiffies;
	seen.calls++;
}

static VOID work(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
	note_call(Context);
	seen.device = DeviceObject;
	if (seen.again-- > 0)
		IoQueueWorkItem(seen.item, work, DelayedWorkQueue, Context);
	else
		KeSetEvent(&seen.event, IO_NO_INCREMENT, FALSE);
}

static VOID free_item(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
	IoFreeWorkItem(seen.item);
	work(DeviceObject, Context);
}

static VOID ex_work(PVOID Parameter)
{
	note_call(Parameter);
}

static VOID deferred(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1,
		     PVOID SystemArgument2)
{
	note_call(DeferredContext);
	seen.argument1 = SystemArgument1;
	seen.argument2 = SystemArgument2;
	if (seen.again-- > 0)
		seen.queued = KeInsertQueueDpc(Dpc, NULL, NULL);
	else
		KeSetEvent(&seen.event, IO_NO_INCREMENT, FALSE);
}

static void a_work_item_may_sleep(struct kunit *test)
{
	struct device *device = root_device_register("ntcompat");
	unsigned int references;

	KUNIT_ASSERT_FALSE(test, IS_ERR(device));
	references = kref_read(&device->kobj.kref);
	seen.item = IoAllocateWorkItem(device);
	KUNIT_ASSERT_NOT_NULL(test, seen.item);
	seen.again = 2;
	local_bh_disable();
	IoQueueWorkItem(seen.item, work, CriticalWorkQueue, test);
	local_bh_enable();
	EXPECT_STATUS(test, wait(&seen.event), STATUS_SUCCESS);
	KmclFlushWorkItem(seen.item);
	KUNIT_EXPECT_EQ(test, seen.calls, 3);
	KUNIT_EXPECT_EQ(test, seen.level, PASSIVE_LEVEL);
	KUNIT_EXPECT_PTR_EQ(test, seen.device, device);
	KUNIT_EXPECT_PTR_EQ(test, seen.context, (PVOID)test);
	KUNIT_EXPECT_EQ(test, kref_read(&device->kobj.kref), references);
	IoFreeWorkItem(seen.item);
	root_device_unregister(device);
}

/* The device has been referenced, and stays until the routine has returned */
static void a_routine_frees_its_item(struct kunit *test)
{
	struct device *device = root_device_register("ntcompat");
	unsigned int references;
	int i;

	KUNIT_ASSERT_FALSE(test, IS_ERR(device));
	references = kref_read(&device->kobj.kref);
	seen.item = IoAllocateWorkItem(device);
	KUNIT_ASSERT_NOT_NULL(test, seen.item);
	preempt_disable();
	IoQueueWorkItem(seen.item, free_item, DelayedWorkQueue, NULL);
	i = kref_read(&device->kobj.kref);
	preempt_enable();
	KUNIT_EXPECT_EQ(test, i, references + 1);
	EXPECT_STATUS(test, wait(&seen.event), STATUS_SUCCESS);
	KUNIT_EXPECT_PTR_EQ(test, seen.device, device);
	for (i = 0; i < 10000 &&
	     kref_read(&device->kobj.kref) != references; i++)
		usleep_range(1000, 2000);
	KUNIT_EXPECT_EQ(test, kref_read(&device->kobj.kref), references);
	root_device_unregister(device);
}

static void a_work_item_needs_no_device(struct kunit *test)
{
	static WORK_QUEUE_ITEM item;

	ExInitializeWorkItem(&item, ex_work, test);
	ExQueueWorkItem(&item, DelayedWorkQueue);
	KmclFlushWorkQueueItem(&item);
	ExQueueWorkItem(&item, CriticalWorkQueue);
	KmclFlushWorkQueueItem(&item);
	KUNIT_EXPECT_EQ(test, seen.calls, 2);
	KUNIT_EXPECT_EQ(test, seen.level, PASSIVE_LEVEL);
	KUNIT_EXPECT_PTR_EQ(test, seen.context, (PVOID)test);
}

static void a_dpc_is_queued_once(struct kunit *test)
{
	BOOLEAN first, second;
	int calls;

	KeInitializeDpc(&dpc, deferred, &dpc);
	preempt_disable();
	first = KeInsertQueueDpc(&dpc, test, &seen);
	second = KeInsertQueueDpc(&dpc, NULL, NULL);
	calls = seen.calls;
	preempt_enable();
	KUNIT_EXPECT_EQ(test, calls, 0);
	KUNIT_EXPECT_TRUE(test, first);
	KUNIT_EXPECT_FALSE(test, second);
	EXPECT_STATUS(test, wait(&seen.event), STATUS_SUCCESS);
	KmclFlushDpc(&dpc);
	KUNIT_EXPECT_EQ(test, seen.calls, 1);
	KUNIT_EXPECT_EQ(test, seen.level, DISPATCH_LEVEL);
	KUNIT_EXPECT_PTR_EQ(test, seen.context, (PVOID)&dpc);
	/* Those of the call that has queued it */
	KUNIT_EXPECT_PTR_EQ(test, seen.argument1, (PVOID)test);
	KUNIT_EXPECT_PTR_EQ(test, seen.argument2, (PVOID)&seen);
}

static void a_dpc_is_taken_from_the_queue(struct kunit *test)
{
	BOOLEAN idle, queued, again, queued_anew;

	KeInitializeDpc(&dpc, deferred, NULL);
	idle = KeRemoveQueueDpc(&dpc);
	preempt_disable();
	KeInsertQueueDpc(&dpc, NULL, NULL);
	queued = KeRemoveQueueDpc(&dpc);
	again = KeRemoveQueueDpc(&dpc);
	preempt_enable();
	KmclFlushDpc(&dpc);
	KUNIT_EXPECT_FALSE(test, idle);
	KUNIT_EXPECT_TRUE(test, queued);
	KUNIT_EXPECT_FALSE(test, again);
	KUNIT_EXPECT_EQ(test, seen.calls, 0);
	queued_anew = KeInsertQueueDpc(&dpc, NULL, NULL);
	KmclFlushDpc(&dpc);
	KUNIT_EXPECT_TRUE(test, queued_anew);
	KUNIT_EXPECT_EQ(test, seen.calls, 1);
}

static void a_dpc_queues_itself(struct kunit *test)
{
	KeInitializeDpc(&dpc, deferred, NULL);
	seen.again = 2;
	KUNIT_EXPECT_TRUE(test, KeInsertQueueDpc(&dpc, NULL, NULL));
	EXPECT_STATUS(test, wait(&seen.event), STATUS_SUCCESS);
	KmclFlushDpc(&dpc);
	KUNIT_EXPECT_TRUE(test, seen.queued);
	KUNIT_EXPECT_EQ(test, seen.calls, 3);
}

static void a_timer_queues_its_dpc_when_it_is_due(struct kunit *test)
{
	unsigned long begin = jiffies;
	static KTIMER timer;

	KeInitializeDpc(&dpc, deferred, test);
	KeInitializeTimer(&timer);
	KUNIT_EXPECT_FALSE(test, KeReadStateTimer(&timer));
	KUNIT_EXPECT_FALSE(test, KeSetTimer(&timer, in_ms(20), &dpc));
	EXPECT_STATUS(test, wait(&seen.event), STATUS_SUCCESS);
	KUNIT_EXPECT_GE(test, jiffies_to_msecs(seen.last - begin), 20);
	KUNIT_EXPECT_EQ(test, seen.level, DISPATCH_LEVEL);
	KUNIT_EXPECT_PTR_EQ(test, seen.context, (PVOID)test);
	KUNIT_EXPECT_FALSE(test, KeCancelTimer(&timer));
	KmclFlushTimer(&timer);
	KUNIT_EXPECT_EQ(test, seen.calls, 1);
}

static void timers_can_be_waited_for(struct kunit *test)
{
	LARGE_INTEGER zero = {};
	static KTIMER timer;

	KeInitializeTimer(&timer);
	KeSetTimer(&timer, in_ms(5), NULL);
	EXPECT_STATUS(test, wait(&timer), STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, KeReadStateTimer(&timer));
	EXPECT_STATUS(test, wait(&timer), STATUS_SUCCESS);
	/* Setting it clears it */
	KeSetTimer(&timer, in_ms(3600 * 1000), NULL);
	KUNIT_EXPECT_FALSE(test, KeReadStateTimer(&timer));
	KUNIT_EXPECT_TRUE(test, KeCancelTimer(&timer));
	KUNIT_EXPECT_FALSE(test, KeCancelTimer(&timer));
	KmclFlushTimer(&timer);

	KeInitializeTimerEx(&timer, SynchronizationTimer);
	/* The first second of 1601 has passed */
	KeSetTimer(&timer, ((LARGE_INTEGER){ .QuadPart = KMCL_NT_SECOND }), NULL);
	EXPECT_STATUS(test, wait(&timer), STATUS_SUCCESS);
	EXPECT_STATUS(test, KeWaitForSingleObject(&timer, Executive, KernelMode,
						  FALSE, &zero), STATUS_TIMEOUT);
	KmclFlushTimer(&timer);
}

static void a_timer_starts_anew(struct kunit *test)
{
	static KTIMER timer;

	KeInitializeDpc(&dpc, deferred, NULL);
	KeInitializeTimer(&timer);
	KUNIT_EXPECT_FALSE(test, KeSetTimer(&timer, in_ms(3600 * 1000), &dpc));
	/* An expiry of an earlier setting, which another one has overtaken */
	kmcl_nt_timer_work(&timer.Work.work);
	KUNIT_EXPECT_FALSE(test, KeReadStateTimer(&timer));
	KUNIT_EXPECT_TRUE(test, KeSetTimer(&timer, in_ms(5), &dpc));
	EXPECT_STATUS(test, wait(&seen.event), STATUS_SUCCESS);
	KUNIT_EXPECT_TRUE(test, KeReadStateTimer(&timer));
	/* And one of a setting that was cancelled */
	KeSetTimer(&timer, in_ms(0), &dpc);
	KeCancelTimer(&timer);
	KmclFlushTimer(&timer);
	seen.calls = 0;
	KeClearEvent(&seen.event);
	timer.Due = jiffies;
	kmcl_nt_timer_work(&timer.Work.work);
	KmclFlushDpc(&dpc);
	KUNIT_EXPECT_EQ(test, seen.calls, 0);
}

static void a_timer_with_a_period(struct kunit *test)
{
	unsigned long begin = jiffies;
	static KTIMER timer;
	int i;

	KeInitializeDpc(&dpc, deferred, NULL);
	KeInitializeTimerEx(&timer, SynchronizationTimer);
	KeSetTimerEx(&timer, in_ms(10), 10, &dpc);
	for (i = 0; i < 3; i++)
		EXPECT_STATUS(test, wait(&timer), STATUS_SUCCESS);
	KUNIT_EXPECT_GE(test, jiffies_to_msecs(jiffies - begin), 30);
	KUNIT_EXPECT_TRUE(test, KeCancelTimer(&timer));
	KmclFlushTimer(&timer);
	KUNIT_EXPECT_GE(test, seen.calls, 1);
	KUNIT_EXPECT_FALSE(test, delayed_work_pending(&timer.Work));
}

static struct kunit_case ntcompat_work_cases[] = {
	KUNIT_CASE(a_work_item_may_sleep),
	KUNIT_CASE(a_routine_frees_its_item),
	KUNIT_CASE(a_work_item_needs_no_device),
	KUNIT_CASE(a_dpc_is_queued_once),
	KUNIT_CASE(a_dpc_is_taken_from_the_queue),
	KUNIT_CASE(a_dpc_queues_itself),
	KUNIT_CASE(a_timer_queues_its_dpc_when_it_is_due),
	KUNIT_CASE(timers_can_be_waited_for),
	KUNIT_CASE(a_timer_starts_anew),
	KUNIT_CASE(a_timer_with_a_period),
	{}
};

static struct kunit_suite ntcompat_work_suite = {
	.name = "kmcl_ntcompat_work",
	.init = work_init,
	.test_cases = ntcompat_work_cases,
};

kunit_test_suite(ntcompat_work_suite);

MODULE_DESCRIPTION("KUnit tests of Windows' work items, DPCs and timers");
MODULE_LICENSE("GPL");
