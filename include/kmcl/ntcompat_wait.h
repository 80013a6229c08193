/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Events, waiting, and time.
 *
 * Setting an event ends the waits that are there, at once: a notification event
 * ends all of them, even if it is cleared before they run, and a synchronization
 * event the oldest one, and is not set then. A completion, whose waiters look
 * again when they run, does neither.
 *
 * What can be waited for begins with a header, whose lock protects it. A waiter is
 * in the header's list until it is released, and does not return while somebody who
 * releases it has the lock: the event may be on the waiter's stack.
 */
#ifndef _KMCL_NTCOMPAT_WAIT_H
#define _KMCL_NTCOMPAT_WAIT_H

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>

#include "mdl.h"
#include "ntcompat_status.h"
#include "ntcompat_types.h"
#include "vmb_sync.h"

/* Its members are for the functions below */
typedef struct _DISPATCHER_HEADER {
	raw_spinlock_t Lock;
	struct list_head Waiters;
	LONG SignalState;
	BOOLEAN Synchronization;
} DISPATCHER_HEADER, *PDISPATCHER_HEADER;

typedef enum _EVENT_TYPE {
	NotificationEvent,
	SynchronizationEvent,
} EVENT_TYPE;

typedef struct _KEVENT {
	DISPATCHER_HEADER Header;
} KEVENT, *PKEVENT, *PRKEVENT;

typedef LONG KPRIORITY;

#define IO_NO_INCREMENT		0

typedef enum _KWAIT_REASON {
	Executive = 0,
	DelayExecution = 4,
	UserRequest = 6,
} KWAIT_REASON;

/* 100 ns each */
#define KMCL_NT_SECOND		10000000LL

struct kmcl_nt_waiter {
	struct list_head list;	/* empty: it is released */
	struct completion done;
};

static inline void kmcl_nt_init_header(PDISPATCHER_HEADER header,
				       bool synchronization, bool signalled)
{
	raw_spin_lock_init(&header->Lock);
	INIT_LIST_HEAD(&header->Waiters);
	header->SignalState = signalled;
	header->Synchronization = synchronization;
}

/* Signal it, with its lock held */
static inline LONG kmcl_nt_signal(PDISPATCHER_HEADER header)
	__must_hold(&header->Lock)
{
	struct kmcl_nt_waiter *waiter, *next;
	LONG old = header->SignalState;

	lockdep_assert_held(&header->Lock);
	header->SignalState = 1;
	list_for_each_entry_safe(waiter, next, &header->Waiters, list) {
		list_del_init(&waiter->list);
		complete(&waiter->done);
		if (!header->Synchronization)
			continue;
		header->SignalState = 0;
		break;
	}
	return old;
}

/* Set its state to not signalled, and return what it was */
static inline LONG kmcl_nt_clear(PDISPATCHER_HEADER header)
{
	unsigned long flags;
	LONG old;

	raw_spin_lock_irqsave(&header->Lock, flags);
	old = header->SignalState;
	header->SignalState = 0;
	raw_spin_unlock_irqrestore(&header->Lock, flags);
	return old;
}

/**
 * KeQuerySystemTime() - get the time of day
 * @CurrentTime: set to units of 100 ns since the beginning of 1601, UTC
 *
 * Context: any.
 */
static inline void KeQuerySystemTime(PLARGE_INTEGER CurrentTime)
{
	CurrentTime->QuadPart = (LONGLONG)div_u64(ktime_get_real_ns(), 100) +
		KMCL_NT_EPOCH;
}

#define KeQuerySystemTimePrecise(CurrentTime) KeQuerySystemTime(CurrentTime)

/**
 * KeQueryInterruptTime() - get the time since the machine was started
 *
 * Context: any.
 * Return: units of 100 ns, those in which it was suspended included.
 */
static inline ULONGLONG KeQueryInterruptTime(void)
{
	return div_u64(ktime_get_boottime_ns(), 100);
}

/**
 * KeQueryPerformanceCounter() - get a time to measure with
 * @PerformanceFrequency: set to the counts in a second, or NULL
 *
 * Context: any.
 * Return: the counter.
 */
static inline LARGE_INTEGER
KeQueryPerformanceCounter(PLARGE_INTEGER PerformanceFrequency)
{
	LARGE_INTEGER counter = {
		.QuadPart = div_u64(ktime_get_ns(), 100),
	};

	if (PerformanceFrequency)
		PerformanceFrequency->QuadPart = KMCL_NT_SECOND;
	return counter;
}

/*
 * How long a time limit is: negative, a duration, else a time of day. Never less
 * than was asked for: the tick that has begun does not count.
 */
static inline unsigned long kmcl_nt_jiffies(LONGLONG limit)
{
	LARGE_INTEGER now;
	u64 units, ticks;
	u32 rest;

	if (limit >= 0) {
		KeQuerySystemTime(&now);
		if (limit <= now.QuadPart)
			return 0;
		units = limit - now.QuadPart;
	} else {
		units = -(u64)limit;
	}
	ticks = div_u64_rem(units, KMCL_NT_SECOND, &rest) * HZ;
	ticks += div_u64((u64)rest * HZ + KMCL_NT_SECOND - 1, KMCL_NT_SECOND);
	return min_t(u64, ticks + 1, MAX_JIFFY_OFFSET);
}

/**
 * KeInitializeEvent() - initialise an event
 * @Event: the event, which may be on the stack
 * @Type: NotificationEvent: it stays set until it is cleared, and ends all waits;
 *	SynchronizationEvent: it ends one wait, and is cleared by that
 * @State: TRUE: it is set
 *
 * Context: any.
 */
static inline void KeInitializeEvent(PRKEVENT Event, EVENT_TYPE Type,
				     BOOLEAN State)
{
	kmcl_nt_init_header(&Event->Header, Type == SynchronizationEvent,
			    State);
}

/**
 * KeSetEvent() - set an event
 * @Event: the event
 * @Increment: not used
 * @Wait: not used: the caller's wait is an ordinary one
 *
 * Context: DISPATCH.
 * Return: not 0 if it was set before.
 */
static inline LONG KeSetEvent(PRKEVENT Event, KPRIORITY Increment, BOOLEAN Wait)
{
	unsigned long flags;
	LONG old;

	raw_spin_lock_irqsave(&Event->Header.Lock, flags);
	old = kmcl_nt_signal(&Event->Header);
	raw_spin_unlock_irqrestore(&Event->Header.Lock, flags);
	return old;
}

/**
 * KeClearEvent() - clear an event
 * @Event: the event
 *
 * Context: DISPATCH.
 */
static inline void KeClearEvent(PRKEVENT Event)
{
	kmcl_nt_clear(&Event->Header);
}

/**
 * KeResetEvent() - clear an event and say whether it was set
 * @Event: the event
 *
 * Context: DISPATCH.
 * Return: not 0 if it was set before.
 */
static inline LONG KeResetEvent(PRKEVENT Event)
{
	return kmcl_nt_clear(&Event->Header);
}

/**
 * KeReadStateEvent() - is an event set?
 * @Event: the event
 *
 * Context: DISPATCH.
 * Return: not 0 if it is.
 */
static inline LONG KeReadStateEvent(PRKEVENT Event)
{
	return READ_ONCE(Event->Header.SignalState);
}

/**
 * KeWaitForSingleObject() - wait for an event or a timer
 * @Object: a KEVENT or a KTIMER
 * @WaitReason: not used
 * @WaitMode: not used: a signal does not end the wait
 * @Alertable: not used: there are no APCs
 * @Timeout: NULL: without a limit; 0: do not wait; below 0: for as long, else until
 *	that time of day, in units of 100 ns; rounded up to the kernel's ticks
 *
 * Context: PASSIVE; DISPATCH if it does not wait.
 * Return: STATUS_SUCCESS or STATUS_TIMEOUT; NT_SUCCESS() is true for both.
 */
static inline NTSTATUS KeWaitForSingleObject(PVOID Object,
					     KWAIT_REASON WaitReason,
					     KPROCESSOR_MODE WaitMode,
					     BOOLEAN Alertable,
					     PLARGE_INTEGER Timeout)
{
	PDISPATCHER_HEADER header = Object;
	NTSTATUS status = STATUS_SUCCESS;
	struct kmcl_nt_waiter waiter;
	unsigned long flags;

	raw_spin_lock_irqsave(&header->Lock, flags);
	if (header->SignalState) {
		if (header->Synchronization)
			header->SignalState = 0;
		goto unlock;
	}
	if (Timeout && !Timeout->QuadPart) {
		status = STATUS_TIMEOUT;
		goto unlock;
	}
	init_completion(&waiter.done);
	list_add_tail(&waiter.list, &header->Waiters);
	raw_spin_unlock_irqrestore(&header->Lock, flags);

	if (Timeout)
		wait_for_completion_timeout(&waiter.done,
					    kmcl_nt_jiffies(Timeout->QuadPart));
	else
		wait_for_completion(&waiter.done);

	/* Who has released it may still have the lock */
	raw_spin_lock_irqsave(&header->Lock, flags);
	if (!list_empty(&waiter.list)) {
		list_del(&waiter.list);
		status = STATUS_TIMEOUT;
	}
unlock:
	raw_spin_unlock_irqrestore(&header->Lock, flags);
	return status;
}

/**
 * KeDelayExecutionThread() - sleep
 * @WaitMode: not used
 * @Alertable: not used
 * @Interval: as KeWaitForSingleObject()'s limit
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS.
 */
static inline NTSTATUS KeDelayExecutionThread(KPROCESSOR_MODE WaitMode,
					      BOOLEAN Alertable,
					      PLARGE_INTEGER Interval)
{
	might_sleep();
	schedule_timeout_uninterruptible(kmcl_nt_jiffies(Interval->QuadPart));
	return STATUS_SUCCESS;
}

/**
 * KeStallExecutionProcessor() - wait without sleeping
 * @MicroSeconds: for how long; at most 50 should be enough
 *
 * Context: any.
 */
static inline void KeStallExecutionProcessor(ULONG MicroSeconds)
{
	mdelay(MicroSeconds / 1000);
	udelay(MicroSeconds % 1000);
}

static_assert(offsetof(KEVENT, Header) == 0);

#endif
