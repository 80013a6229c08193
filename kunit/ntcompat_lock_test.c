// SPDX-License-Identifier: GPL-2.0
/*
 * Windows' levels, locks and interlocked operations, as drivers that are ported use
 * them: what they return, and what is off meanwhile.
 */
#include <kunit/test.h>
#include <linux/bottom_half.h>
#include <linux/irq_work.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/preempt.h>
#include <kmcl/vmbuskernelmodeclientlibapi.h>
#include <kmcl/ntcompat.h>

/* Nobody has it */
static bool is_free(KSPIN_LOCK *lock)
{
	KIRQL irql;
	bool taken;

	KeRaiseIrql(DISPATCH_LEVEL, &irql);
	taken = KeTryToAcquireSpinLockAtDpcLevel(lock);
	if (taken) {
		/* For sparse, which does not know of locks taken on a condition */
		__acquire(lock);
		KeReleaseSpinLockFromDpcLevel(lock);
	}
	KeLowerIrql(irql);
	return taken;
}

static KIRQL interrupt_level;

static void note_level(struct irq_work *work)
{
	interrupt_level = KeGetCurrentIrql();
}

static void levels_are_known(struct kunit *test)
{
	DEFINE_IRQ_WORK(work, note_level);
	KIRQL softirqs_off, interrupts_off;
	unsigned long flags;

	KUNIT_EXPECT_EQ(test, KeGetCurrentIrql(), PASSIVE_LEVEL);
	local_bh_disable();
	softirqs_off = KeGetCurrentIrql();
	local_bh_enable();
	local_irq_save(flags);
	interrupts_off = KeGetCurrentIrql();
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, softirqs_off, DISPATCH_LEVEL);
	KUNIT_EXPECT_EQ(test, interrupts_off, DISPATCH_LEVEL);

	irq_work_queue(&work);
	irq_work_sync(&work);
	KUNIT_EXPECT_GT(test, interrupt_level, DISPATCH_LEVEL);
}

static void raising_nests(struct kunit *test)
{
	KIRQL outer, inner, level, after;

	KeRaiseIrql(DISPATCH_LEVEL, &outer);
	KeRaiseIrql(DISPATCH_LEVEL, &inner);
	KeLowerIrql(inner);
	level = KeGetCurrentIrql();
	KeLowerIrql(outer);
	after = KeGetCurrentIrql();
	KUNIT_EXPECT_EQ(test, outer, PASSIVE_LEVEL);
	KUNIT_EXPECT_EQ(test, inner, DISPATCH_LEVEL);
	KUNIT_EXPECT_EQ(test, level, DISPATCH_LEVEL);
	KUNIT_EXPECT_EQ(test, after, PASSIVE_LEVEL);
}

static void a_spinlock_raises_the_level(struct kunit *test)
{
	KSPIN_LOCK outer, inner;
	KIRQL old, nested, level;
	bool softirqs_off;

	KeInitializeSpinLock(&outer);
	KeInitializeSpinLock(&inner);
	KeAcquireSpinLock(&outer, &old);
	KeAcquireSpinLock(&inner, &nested);
	KeReleaseSpinLock(&inner, nested);
	KeAcquireSpinLockAtDpcLevel(&inner);
	KeReleaseSpinLockFromDpcLevel(&inner);
	level = KeGetCurrentIrql();
	softirqs_off = in_softirq();
	KeReleaseSpinLock(&outer, old);
	KUNIT_EXPECT_EQ(test, old, PASSIVE_LEVEL);
	KUNIT_EXPECT_EQ(test, nested, DISPATCH_LEVEL);
	KUNIT_EXPECT_EQ(test, level, DISPATCH_LEVEL);
	/* Not only preemption is off, which the level cannot tell apart */
	KUNIT_EXPECT_TRUE(test, softirqs_off);
	KUNIT_EXPECT_EQ(test, KeGetCurrentIrql(), PASSIVE_LEVEL);
	KUNIT_EXPECT_TRUE(test, is_free(&outer) && is_free(&inner));
}

/* Softirqs must not be switched on while interrupts are off */
static void a_spinlock_with_interrupts_off(struct kunit *test)
{
	bool softirqs_on, still_off;
	unsigned long flags;
	KSPIN_LOCK lock;
	KIRQL old;

	KeInitializeSpinLock(&lock);
	local_irq_save(flags);
	KeAcquireSpinLock(&lock, &old);
	softirqs_on = !in_softirq();
	KeReleaseSpinLock(&lock, old);
	still_off = irqs_disabled();
	local_irq_restore(flags);
	KUNIT_EXPECT_EQ(test, old, DISPATCH_LEVEL);
	KUNIT_EXPECT_TRUE(test, softirqs_on);
	KUNIT_EXPECT_TRUE(test, still_off);
}

static void a_spinlock_with_a_handle(struct kunit *test)
{
	KLOCK_QUEUE_HANDLE handle;
	KSPIN_LOCK lock;
	bool taken;
	KIRQL level;

	KeInitializeSpinLock(&lock);
	KeAcquireInStackQueuedSpinLock(&lock, &handle);
	level = KeGetCurrentIrql();
	taken = KeTryToAcquireSpinLockAtDpcLevel(&lock);
	KeReleaseInStackQueuedSpinLock(&handle);
	KUNIT_EXPECT_EQ(test, level, DISPATCH_LEVEL);
	KUNIT_EXPECT_FALSE(test, taken);
	KUNIT_EXPECT_EQ(test, KeGetCurrentIrql(), PASSIVE_LEVEL);
	KUNIT_EXPECT_TRUE(test, is_free(&lock));
}

static void a_locked_list_says_what_was_there(struct kunit *test)
{
	LIST_ENTRY head, one, two, three;
	KSPIN_LOCK lock;

	KeInitializeSpinLock(&lock);
	InitializeListHead(&head);
	KUNIT_EXPECT_NULL(test, ExInterlockedRemoveHeadList(&head, &lock));
	KUNIT_EXPECT_NULL(test, ExInterlockedInsertTailList(&head, &one, &lock));
	KUNIT_EXPECT_PTR_EQ(test, ExInterlockedInsertTailList(&head, &two, &lock),
			    &one);
	KUNIT_EXPECT_PTR_EQ(test,
			    ExInterlockedInsertHeadList(&head, &three, &lock),
			    &one);
	KUNIT_EXPECT_PTR_EQ(test, ExInterlockedRemoveHeadList(&head, &lock),
			    &three);
	KUNIT_EXPECT_PTR_EQ(test, ExInterlockedRemoveHeadList(&head, &lock),
			    &one);
	KUNIT_EXPECT_PTR_EQ(test, ExInterlockedRemoveHeadList(&head, &lock),
			    &two);
	KUNIT_EXPECT_NULL(test, ExInterlockedInsertHeadList(&head, &one, &lock));
}

static void a_fast_mutex_is_held_once(struct kunit *test)
{
	FAST_MUTEX mutex;
	bool again, free;

	ExInitializeFastMutex(&mutex);
	ExAcquireFastMutex(&mutex);
	again = ExTryToAcquireFastMutex(&mutex);
	ExReleaseFastMutex(&mutex);
	free = ExTryToAcquireFastMutex(&mutex);
	if (free) {
		/* For sparse, which does not know of locks taken on a condition */
		__acquire(&mutex.Mutex);
		ExReleaseFastMutex(&mutex);
	}
	KUNIT_EXPECT_FALSE(test, again);
	KUNIT_EXPECT_TRUE(test, free);
}

static void interlocked_results(struct kunit *test)
{
	LONG volatile v = 5;

	KUNIT_EXPECT_EQ(test, InterlockedIncrement(&v), 6);
	KUNIT_EXPECT_EQ(test, InterlockedDecrement(&v), 5);
	KUNIT_EXPECT_EQ(test, InterlockedAdd(&v, 3), 8);
	KUNIT_EXPECT_EQ(test, InterlockedExchangeAdd(&v, -2), 8);
	KUNIT_EXPECT_EQ(test, InterlockedExchange(&v, 12), 6);
	KUNIT_EXPECT_EQ(test, InterlockedAnd(&v, 6), 12);
	KUNIT_EXPECT_EQ(test, InterlockedOr(&v, 3), 4);
	KUNIT_EXPECT_EQ(test, InterlockedXor(&v, 1), 7);
	KUNIT_EXPECT_EQ(test, v, 6);
	KUNIT_EXPECT_EQ(test, InterlockedBitTestAndSet(&v, 31), 0);
	KUNIT_EXPECT_EQ(test, InterlockedBitTestAndSet(&v, 31), 1);
	KUNIT_EXPECT_EQ(test, (ULONG)v, 0x80000006);
	KUNIT_EXPECT_EQ(test, InterlockedBitTestAndReset(&v, 31), 1);
	KUNIT_EXPECT_EQ(test, InterlockedBitTestAndReset(&v, 0), 0);
	KUNIT_EXPECT_EQ(test, v, 6);
}

/* The new value is second, and what is expected third */
static void interlocked_compare_exchange(struct kunit *test)
{
	PVOID one = &interrupt_level, other = test;
	LONG volatile v = 1;
	LONG64 volatile w = 1;
	PVOID volatile p = one;

	KUNIT_EXPECT_EQ(test, InterlockedCompareExchange(&v, 2, 3), 1);
	KUNIT_EXPECT_EQ(test, v, 1);
	KUNIT_EXPECT_EQ(test, InterlockedCompareExchange(&v, 2, 1), 1);
	KUNIT_EXPECT_EQ(test, v, 2);
	KUNIT_EXPECT_EQ(test, InterlockedCompareExchange64(&w, 2, 3), 1);
	KUNIT_EXPECT_EQ(test, InterlockedCompareExchange64(&w, 1LL << 40, 1), 1);
	KUNIT_EXPECT_EQ(test, w, 1LL << 40);

	KUNIT_EXPECT_PTR_EQ(test,
			    InterlockedCompareExchangePointer(&p, NULL, other),
			    one);
	KUNIT_EXPECT_PTR_EQ(test, p, one);
	KUNIT_EXPECT_PTR_EQ(test,
			    InterlockedCompareExchangePointer(&p, other, one),
			    one);
	KUNIT_EXPECT_PTR_EQ(test, InterlockedExchangePointer(&p, NULL), other);
	KUNIT_EXPECT_NULL(test, p);
}

static void interlocked_results_of_64_bits(struct kunit *test)
{
	LONG64 volatile v = 0xffffffff;

	KUNIT_EXPECT_EQ(test, InterlockedIncrement64(&v), 0x100000000);
	KUNIT_EXPECT_EQ(test, InterlockedDecrement64(&v), 0xffffffff);
	KUNIT_EXPECT_EQ(test, InterlockedAdd64(&v, 1), 0x100000000);
	KUNIT_EXPECT_EQ(test, InterlockedExchangeAdd64(&v, 2), 0x100000000);
	KUNIT_EXPECT_EQ(test, InterlockedOr64(&v, 0x300000001), 0x100000002);
	KUNIT_EXPECT_EQ(test, InterlockedAnd64(&v, 0x200000003), 0x300000003);
	KUNIT_EXPECT_EQ(test, InterlockedXor64(&v, 0x100000000), 0x200000003);
	KUNIT_EXPECT_EQ(test, InterlockedExchange64(&v, 1), 0x300000003);
	KUNIT_EXPECT_EQ(test, v, 1);
}

#define TURNS	20000

struct both {
	struct completion begin, ended;
	LONG volatile number;
};

static int count(void *arg)
{
	struct both *both = arg;
	int i;

	wait_for_completion(&both->begin);
	for (i = 0; i < TURNS; i++)
		InterlockedIncrement(&both->number);
	complete(&both->ended);
	return 0;
}

static void two_processors_count(struct kunit *test)
{
	struct task_struct *tasks[2];
	struct both both = {};
	int i;

	init_completion(&both.begin);
	init_completion(&both.ended);
	for (i = 0; i < 2; i++) {
		tasks[i] = kthread_create_on_cpu(count, &both, i, "count%u");
		KUNIT_ASSERT_FALSE(test, IS_ERR(tasks[i]));
		get_task_struct(tasks[i]);
		wake_up_process(tasks[i]);
	}
	complete_all(&both.begin);
	wait_for_completion(&both.ended);
	wait_for_completion(&both.ended);
	for (i = 0; i < 2; i++)
		kthread_stop_put(tasks[i]);
	KUNIT_EXPECT_EQ(test, both.number, 2 * TURNS);
}

static struct kunit_case ntcompat_lock_cases[] = {
	KUNIT_CASE(levels_are_known),
	KUNIT_CASE(raising_nests),
	KUNIT_CASE(a_spinlock_raises_the_level),
	KUNIT_CASE(a_spinlock_with_interrupts_off),
	KUNIT_CASE(a_spinlock_with_a_handle),
	KUNIT_CASE(a_locked_list_says_what_was_there),
	KUNIT_CASE(a_fast_mutex_is_held_once),
	KUNIT_CASE(interlocked_results),
	KUNIT_CASE(interlocked_compare_exchange),
	KUNIT_CASE(interlocked_results_of_64_bits),
	KUNIT_CASE(two_processors_count),
	{}
};

static struct kunit_suite ntcompat_lock_suite = {
	.name = "kmcl_ntcompat_lock",
	.test_cases = ntcompat_lock_cases,
};

kunit_test_suite(ntcompat_lock_suite);

MODULE_DESCRIPTION("KUnit tests of Windows' locks and interlocked operations");
MODULE_LICENSE("GPL");
