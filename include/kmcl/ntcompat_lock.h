/* SPDX-License-Identifier: GPL-2.0 */
/*
 * IRQL, spinlocks and fast mutexes.
 *
 * Raising to DISPATCH_LEVEL, as taking a spinlock does, keeps softirqs off. They
 * already are where interrupts are off, and stay as they are then. Hard interrupts
 * must not take these locks: KMCL calls no driver there. Each lock is a Linux
 * lock, which lockdep knows by the place that initialises it.
 */
#ifndef _KMCL_NTCOMPAT_LOCK_H
#define _KMCL_NTCOMPAT_LOCK_H

#include <linux/bottom_half.h>
#include <linux/irqflags.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/spinlock.h>

#include "ntcompat_list.h"
#include "ntcompat_types.h"

typedef UCHAR KIRQL, *PKIRQL;
typedef spinlock_t KSPIN_LOCK, *PKSPIN_LOCK;

#define PASSIVE_LEVEL	0
#define APC_LEVEL	1
#define DISPATCH_LEVEL	2
#define DIRQL_LEVEL	3	/* the lowest one of a device's interrupt */

/**
 * KeGetCurrentIrql() - get the level that this code runs at
 *
 * PASSIVE_LEVEL is process context, DISPATCH_LEVEL softirq context or code that has
 * softirqs or interrupts off. Whether only preemption is off is not known to each
 * kernel: use PAGED_CODE() to check that a function may sleep.
 *
 * Context: any.
 * Return: PASSIVE_LEVEL, DISPATCH_LEVEL, or DIRQL_LEVEL in a hard interrupt.
 */
static inline KIRQL KeGetCurrentIrql(void)
{
	if (in_hardirq() || in_nmi())
		return DIRQL_LEVEL;
	return irqs_disabled() || in_softirq() || preempt_count() ?
		DISPATCH_LEVEL : PASSIVE_LEVEL;
}

/**
 * KeRaiseIrql() - keep softirqs off
 * @NewIrql: DISPATCH_LEVEL; there is none below that, and none above
 * @OldIrql: set to what it was, for KeLowerIrql()
 *
 * Context: DISPATCH.
 */
static inline void KeRaiseIrql(KIRQL NewIrql, PKIRQL OldIrql)
{
	*OldIrql = KeGetCurrentIrql();
	if (!irqs_disabled())
		local_bh_disable();
}

/**
 * KeLowerIrql() - undo the last KeRaiseIrql()
 * @NewIrql: what that has set; not used, as they nest
 *
 * Context: DISPATCH, with interrupts on or off as they were then.
 */
static inline void KeLowerIrql(KIRQL NewIrql)
{
	if (!irqs_disabled())
		local_bh_enable();
}

/**
 * KeInitializeSpinLock() - initialise a spinlock
 * @SpinLock: the lock
 *
 * Context: any.
 */
#define KeInitializeSpinLock(SpinLock)	spin_lock_init(SpinLock)

/**
 * KeAcquireSpinLock() - take a spinlock and raise to DISPATCH_LEVEL
 * @SpinLock: the lock
 * @OldIrql: set to the level, for KeReleaseSpinLock()
 *
 * Context: DISPATCH.
 */
static inline void KeAcquireSpinLock(PKSPIN_LOCK SpinLock, PKIRQL OldIrql)
	__acquires(SpinLock)
{
	*OldIrql = KeGetCurrentIrql();
	if (irqs_disabled())
		spin_lock(SpinLock);
	else
		spin_lock_bh(SpinLock);
}

/**
 * KeReleaseSpinLock() - drop a spinlock and lower the level
 * @SpinLock: taken with KeAcquireSpinLock()
 * @NewIrql: what that has set; not used, as they nest
 *
 * Context: DISPATCH, with interrupts on or off as they were then.
 */
static inline void KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql)
	__releases(SpinLock)
{
	if (irqs_disabled())
		spin_unlock(SpinLock);
	else
		spin_unlock_bh(SpinLock);
}

/**
 * KeAcquireSpinLockAtDpcLevel() - take a spinlock at DISPATCH_LEVEL
 * @SpinLock: the lock
 *
 * Context: DISPATCH, and not PASSIVE: with softirqs off, as in a DPC, in KMCL's
 * completion routines if they hold another of these locks, or after KeRaiseIrql().
 * Where a routine may also be called in process context use KeAcquireSpinLock(),
 * which nests; lockdep reports where this one is wrong.
 */
static inline void KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock)
	__acquires(SpinLock)
{
	spin_lock(SpinLock);
}

/**
 * KeReleaseSpinLockFromDpcLevel() - drop a spinlock, and stay at DISPATCH_LEVEL
 * @SpinLock: taken with KeAcquireSpinLockAtDpcLevel()
 *
 * Context: DISPATCH.
 */
static inline void KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock)
	__releases(SpinLock)
{
	spin_unlock(SpinLock);
}

/**
 * KeTryToAcquireSpinLockAtDpcLevel() - take a spinlock if it is free
 * @SpinLock: the lock
 *
 * Context: as KeAcquireSpinLockAtDpcLevel().
 * Return: TRUE if it was taken.
 */
#define KeTryToAcquireSpinLockAtDpcLevel(SpinLock) (!!spin_trylock(SpinLock))

/* Linux' spinlocks are queued ones where that helps */
typedef struct _KLOCK_QUEUE_HANDLE {
	PKSPIN_LOCK Lock;
	KIRQL OldIrql;
} KLOCK_QUEUE_HANDLE, *PKLOCK_QUEUE_HANDLE;

/**
 * KeAcquireInStackQueuedSpinLock() - take a spinlock and raise to DISPATCH_LEVEL
 * @SpinLock: the lock
 * @LockHandle: for KeReleaseInStackQueuedSpinLock()
 *
 * Context: DISPATCH.
 */
static inline void
KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK SpinLock,
			       PKLOCK_QUEUE_HANDLE LockHandle)
	__acquires(SpinLock)
{
	LockHandle->Lock = SpinLock;
	KeAcquireSpinLock(SpinLock, &LockHandle->OldIrql);
}

/**
 * KeReleaseInStackQueuedSpinLock() - drop a spinlock and lower the level
 * @LockHandle: what it was taken with
 *
 * Context: DISPATCH.
 */
static inline void
KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE LockHandle)
	__releases(LockHandle->Lock)
{
	KeReleaseSpinLock(LockHandle->Lock, LockHandle->OldIrql);
}

/**
 * ExInterlockedInsertHeadList() - put an entry at the start of a list, locked
 * @ListHead: the list, all uses of which take @Lock
 * @ListEntry: in no list
 * @Lock: not taken by this code
 *
 * Context: DISPATCH.
 * Return: what was the first entry; NULL if the list was empty.
 */
static inline PLIST_ENTRY ExInterlockedInsertHeadList(PLIST_ENTRY ListHead,
						      PLIST_ENTRY ListEntry,
						      PKSPIN_LOCK Lock)
{
	PLIST_ENTRY first;
	KIRQL irql;

	KeAcquireSpinLock(Lock, &irql);
	first = ListHead->Flink;
	InsertHeadList(ListHead, ListEntry);
	KeReleaseSpinLock(Lock, irql);
	return first == ListHead ? NULL : first;
}

/**
 * ExInterlockedInsertTailList() - put an entry at the end of a list, locked
 * @ListHead: the list, all uses of which take @Lock
 * @ListEntry: in no list
 * @Lock: not taken by this code
 *
 * Context: DISPATCH.
 * Return: what was the last entry; NULL if the list was empty.
 */
static inline PLIST_ENTRY ExInterlockedInsertTailList(PLIST_ENTRY ListHead,
						      PLIST_ENTRY ListEntry,
						      PKSPIN_LOCK Lock)
{
	PLIST_ENTRY last;
	KIRQL irql;

	KeAcquireSpinLock(Lock, &irql);
	last = ListHead->Blink;
	InsertTailList(ListHead, ListEntry);
	KeReleaseSpinLock(Lock, irql);
	return last == ListHead ? NULL : last;
}

/**
 * ExInterlockedRemoveHeadList() - take the first entry from a list, locked
 * @ListHead: the list, all uses of which take @Lock
 * @Lock: not taken by this code
 *
 * Context: DISPATCH.
 * Return: the entry; NULL if the list is empty, not @ListHead as
 * RemoveHeadList() returns.
 */
static inline PLIST_ENTRY ExInterlockedRemoveHeadList(PLIST_ENTRY ListHead,
						      PKSPIN_LOCK Lock)
{
	PLIST_ENTRY first;
	KIRQL irql;

	KeAcquireSpinLock(Lock, &irql);
	first = RemoveHeadList(ListHead);
	KeReleaseSpinLock(Lock, irql);
	return first == ListHead ? NULL : first;
}

typedef struct _FAST_MUTEX {
	struct mutex Mutex;	/* protects what the driver says */
} FAST_MUTEX, *PFAST_MUTEX;

/**
 * ExInitializeFastMutex() - initialise a fast mutex
 * @FastMutex: the mutex
 *
 * Context: any.
 */
#define ExInitializeFastMutex(FastMutex)	mutex_init(&(FastMutex)->Mutex)

/**
 * ExAcquireFastMutex() - take a fast mutex
 * @FastMutex: not held by this task: it does not nest
 *
 * The level is not raised: there are no APCs.
 *
 * Context: PASSIVE.
 */
static inline void ExAcquireFastMutex(PFAST_MUTEX FastMutex)
	__acquires(&FastMutex->Mutex)
{
	mutex_lock(&FastMutex->Mutex);
}

/**
 * ExReleaseFastMutex() - drop a fast mutex
 * @FastMutex: held by this task
 *
 * Context: PASSIVE.
 */
static inline void ExReleaseFastMutex(PFAST_MUTEX FastMutex)
	__releases(&FastMutex->Mutex)
{
	mutex_unlock(&FastMutex->Mutex);
}

/**
 * ExTryToAcquireFastMutex() - take a fast mutex if it is free
 * @FastMutex: the mutex
 *
 * Context: PASSIVE; does not wait.
 * Return: TRUE if it was taken.
 */
#define ExTryToAcquireFastMutex(FastMutex) \
	(!!mutex_trylock(&(FastMutex)->Mutex))

#endif
