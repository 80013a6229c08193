/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Work items, DPCs and timers, on the kernel's own workqueues.
 *
 * A work item's routine runs in process context. A DPC's runs there as well, with
 * softirqs off, on the processor that has queued it: it must not sleep, and lasts as
 * little as on Windows. A timer is as exact as the kernel's ticks.
 *
 * Windows keeps a driver loaded while its routines run. Linux does not: before its
 * module is unloaded, or the memory of an item, a DPC or a timer is freed, a driver
 * waits with one of the functions KmclFlush...(), which Windows does not have.
 */
#ifndef _KMCL_NTCOMPAT_WORK_H
#define _KMCL_NTCOMPAT_WORK_H

#include <linux/bottom_half.h>
#include <linux/device.h>
#include <linux/jiffies.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "ntcompat_pool.h"
#include "ntcompat_wait.h"

typedef VOID IO_WORKITEM_ROUTINE(PDEVICE_OBJECT DeviceObject, PVOID Context);
typedef VOID (*PIO_WORKITEM_ROUTINE)(PDEVICE_OBJECT DeviceObject,
				     PVOID Context);

typedef VOID WORKER_THREAD_ROUTINE(PVOID Parameter);
typedef WORKER_THREAD_ROUTINE *PWORKER_THREAD_ROUTINE;

typedef enum _WORK_QUEUE_TYPE {
	CriticalWorkQueue,
	DelayedWorkQueue,
	HyperCriticalWorkQueue,
	NormalWorkQueue,
	BackgroundWorkQueue,
} WORK_QUEUE_TYPE;

typedef struct _IO_WORKITEM {
	struct work_struct Work;
	PDEVICE_OBJECT DeviceObject;
	PIO_WORKITEM_ROUTINE Routine;
	PVOID Context;
} IO_WORKITEM, *PIO_WORKITEM;

typedef struct _WORK_QUEUE_ITEM {
	struct work_struct Work;
	PWORKER_THREAD_ROUTINE Routine;
	PVOID Parameter;
} WORK_QUEUE_ITEM, *PWORK_QUEUE_ITEM;

static inline bool kmcl_nt_queue_work(struct work_struct *work,
				      WORK_QUEUE_TYPE type)
{
	if (type == CriticalWorkQueue || type == HyperCriticalWorkQueue)
		return queue_work(system_highpri_wq, work);
	return schedule_work(work);
}

/* The routine may queue the item again, or free it */
static inline void kmcl_nt_io_work(struct work_struct *work)
{
	PIO_WORKITEM item = container_of(work, IO_WORKITEM, Work);
	PDEVICE_OBJECT device = item->DeviceObject;

	item->Routine(device, item->Context);
	put_device(device);
}

/**
 * IoAllocateWorkItem() - allocate a work item
 * @DeviceObject: the device that its routine is called with; a driver that has none
 *	uses ExInitializeWorkItem()
 *
 * Context: DISPATCH.
 * Return: the item, for IoFreeWorkItem(); NULL: there is no memory.
 */
static inline PIO_WORKITEM IoAllocateWorkItem(PDEVICE_OBJECT DeviceObject)
{
	PIO_WORKITEM item = kzalloc(sizeof(*item),
				    kmcl_nt_gfp(POOL_FLAG_NON_PAGED));

	if (!item)
		return NULL;
	INIT_WORK(&item->Work, kmcl_nt_io_work);
	item->DeviceObject = DeviceObject;
	return item;
}

/**
 * IoFreeWorkItem() - free a work item
 * @IoWorkItem: not queued; its own routine may free it
 *
 * Context: DISPATCH.
 */
static inline void IoFreeWorkItem(PIO_WORKITEM IoWorkItem)
{
	kfree(IoWorkItem);
}

/**
 * IoQueueWorkItem() - call a routine in process context
 * @IoWorkItem: not queued; while its routine runs it can be queued again
 * @WorkerRoutine: the routine
 * @QueueType: CriticalWorkQueue: a thread of high priority; DelayedWorkQueue
 * @Context: for the routine
 *
 * The device is referenced until the routine has returned.
 *
 * Context: DISPATCH.
 */
static inline void IoQueueWorkItem(PIO_WORKITEM IoWorkItem,
				   PIO_WORKITEM_ROUTINE WorkerRoutine,
				   WORK_QUEUE_TYPE QueueType, PVOID Context)
{
	if (WARN_ON_ONCE(work_pending(&IoWorkItem->Work)))
		return;
	IoWorkItem->Routine = WorkerRoutine;
	IoWorkItem->Context = Context;
	get_device(IoWorkItem->DeviceObject);
	kmcl_nt_queue_work(&IoWorkItem->Work, QueueType);
}

/**
 * KmclFlushWorkItem() - wait until a work item's routine has returned
 * @IoWorkItem: not freed by its routine
 *
 * Context: PASSIVE; not from the routine.
 */
static inline void KmclFlushWorkItem(PIO_WORKITEM IoWorkItem)
{
	flush_work(&IoWorkItem->Work);
}

static inline void kmcl_nt_ex_work(struct work_struct *work)
{
	PWORK_QUEUE_ITEM item = container_of(work, WORK_QUEUE_ITEM, Work);

	item->Routine(item->Parameter);
}

/**
 * ExInitializeWorkItem() - initialise a work item without a device
 * @Item: the item, in memory of the driver's
 * @WorkerRoutine: its routine, which may free the item
 * @Parameter: for the routine
 *
 * Context: any.
 */
static inline void ExInitializeWorkItem(PWORK_QUEUE_ITEM Item,
					PWORKER_THREAD_ROUTINE WorkerRoutine,
					PVOID Parameter)
{
	INIT_WORK(&Item->Work, kmcl_nt_ex_work);
	Item->Routine = WorkerRoutine;
	Item->Parameter = Parameter;
}

/**
 * ExQueueWorkItem() - call a work item's routine in process context
 * @WorkItem: not queued
 * @QueueType: as for IoQueueWorkItem()
 *
 * Context: DISPATCH.
 */
static inline void ExQueueWorkItem(PWORK_QUEUE_ITEM WorkItem,
				   WORK_QUEUE_TYPE QueueType)
{
	WARN_ON_ONCE(!kmcl_nt_queue_work(&WorkItem->Work, QueueType));
}

/**
 * KmclFlushWorkQueueItem() - wait until a work item's routine has returned
 * @Item: not freed by its routine
 *
 * Context: PASSIVE; not from the routine.
 */
static inline void KmclFlushWorkQueueItem(PWORK_QUEUE_ITEM Item)
{
	flush_work(&Item->Work);
}

struct _KDPC;

typedef VOID KDEFERRED_ROUTINE(struct _KDPC *Dpc, PVOID DeferredContext,
			       PVOID SystemArgument1, PVOID SystemArgument2);
typedef KDEFERRED_ROUTINE *PKDEFERRED_ROUTINE;

/* Lock protects Queued and the arguments */
typedef struct _KDPC {
	struct work_struct Work;
	raw_spinlock_t Lock;
	bool Queued;
	PKDEFERRED_ROUTINE DeferredRoutine;
	PVOID DeferredContext;
	PVOID SystemArgument1;
	PVOID SystemArgument2;
} KDPC, *PKDPC, *PRKDPC;

/* The routine may queue the DPC again, or free it */
static inline void kmcl_nt_dpc_work(struct work_struct *work)
{
	PKDPC dpc = container_of(work, KDPC, Work);
	PVOID argument1, argument2;

	raw_spin_lock_irq(&dpc->Lock);
	argument1 = dpc->SystemArgument1;
	argument2 = dpc->SystemArgument2;
	dpc->Queued = false;
	raw_spin_unlock_irq(&dpc->Lock);

	local_bh_disable();
	dpc->DeferredRoutine(dpc, dpc->DeferredContext, argument1, argument2);
	local_bh_enable();
}

/**
 * KeInitializeDpc() - initialise a DPC
 * @Dpc: the DPC
 * @DeferredRoutine: its routine
 * @DeferredContext: for the routine
 *
 * Context: any.
 */
static inline void KeInitializeDpc(PRKDPC Dpc,
				   PKDEFERRED_ROUTINE DeferredRoutine,
				   PVOID DeferredContext)
{
	INIT_WORK(&Dpc->Work, kmcl_nt_dpc_work);
	raw_spin_lock_init(&Dpc->Lock);
	Dpc->Queued = false;
	Dpc->DeferredRoutine = DeferredRoutine;
	Dpc->DeferredContext = DeferredContext;
}

/**
 * KeInsertQueueDpc() - call a DPC's routine
 * @Dpc: the DPC
 * @SystemArgument1: for the routine
 * @SystemArgument2: for the routine
 *
 * Context: any.
 * Return: TRUE; FALSE: it is queued already, and keeps the arguments that it has.
 */
static inline BOOLEAN KeInsertQueueDpc(PRKDPC Dpc, PVOID SystemArgument1,
				       PVOID SystemArgument2)
{
	unsigned long flags;
	bool queue;

	raw_spin_lock_irqsave(&Dpc->Lock, flags);
	queue = !Dpc->Queued;
	if (queue) {
		Dpc->Queued = true;
		Dpc->SystemArgument1 = SystemArgument1;
		Dpc->SystemArgument2 = SystemArgument2;
		queue_work(system_highpri_wq, &Dpc->Work);
	}
	raw_spin_unlock_irqrestore(&Dpc->Lock, flags);
	return queue;
}

/**
 * KeRemoveQueueDpc() - take a DPC from the queue
 * @Dpc: the DPC
 *
 * Context: any.
 * Return: TRUE; FALSE: it was not queued, or its routine begins.
 */
static inline BOOLEAN KeRemoveQueueDpc(PRKDPC Dpc)
{
	unsigned long flags;
	bool removed;

	raw_spin_lock_irqsave(&Dpc->Lock, flags);
	removed = cancel_work(&Dpc->Work);
	if (removed)
		Dpc->Queued = false;
	raw_spin_unlock_irqrestore(&Dpc->Lock, flags);
	return removed;
}

/**
 * KmclFlushDpc() - wait until a DPC's routine has returned
 * @Dpc: not freed by its routine
 *
 * Instead of KeFlushQueuedDpcs(), which waits for those of all drivers.
 *
 * Context: PASSIVE.
 */
static inline void KmclFlushDpc(PRKDPC Dpc)
{
	flush_work(&Dpc->Work);
}

typedef enum _TIMER_TYPE {
	NotificationTimer,
	SynchronizationTimer,
} TIMER_TYPE;

/* The header's lock protects the rest */
typedef struct _KTIMER {
	DISPATCHER_HEADER Header;
	struct delayed_work Work;
	unsigned long Due;	/* in jiffies */
	unsigned long Period;	/* in jiffies; 0: once */
	bool Inserted;
	PRKDPC Dpc;
} KTIMER, *PKTIMER;

/* What is left of an expiry that was overtaken by another setting does nothing */
static inline void kmcl_nt_timer_work(struct work_struct *work)
{
	PKTIMER timer = container_of(to_delayed_work(work), KTIMER, Work);
	unsigned long now = jiffies;

	raw_spin_lock_irq(&timer->Header.Lock);
	if (timer->Inserted && time_after_eq(now, timer->Due)) {
		kmcl_nt_signal(&timer->Header);
		if (timer->Dpc)
			KeInsertQueueDpc(timer->Dpc, NULL, NULL);
		timer->Inserted = timer->Period;
		if (timer->Inserted) {
			timer->Due = now + timer->Period;
			mod_delayed_work(system_highpri_wq, &timer->Work,
					 timer->Period);
		}
	}
	raw_spin_unlock_irq(&timer->Header.Lock);
}

/**
 * KeInitializeTimerEx() - initialise a timer
 * @Timer: the timer
 * @Type: NotificationTimer: it stays signalled until it is set again;
 *	SynchronizationTimer: it ends one wait
 *
 * Context: any.
 */
static inline void KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type)
{
	kmcl_nt_init_header(&Timer->Header, Type == SynchronizationTimer, false);
	INIT_DELAYED_WORK(&Timer->Work, kmcl_nt_timer_work);
	Timer->Inserted = false;
	Timer->Period = 0;
	Timer->Dpc = NULL;
}

#define KeInitializeTimer(Timer) KeInitializeTimerEx(Timer, NotificationTimer)

/**
 * KeSetTimerEx() - start a timer
 * @Timer: the timer, which is not signalled any more
 * @DueTime: when: as KeWaitForSingleObject()'s limit, 0 or the past: at once
 * @Period: after which it expires again and again, in ms; 0: once
 * @Dpc: queued when it expires, or NULL
 *
 * Context: DISPATCH.
 * Return: TRUE if it was running, and starts anew.
 */
static inline BOOLEAN KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime,
				   LONG Period, PRKDPC Dpc)
{
	unsigned long delay = kmcl_nt_jiffies(DueTime.QuadPart);
	unsigned long flags;
	bool old;

	raw_spin_lock_irqsave(&Timer->Header.Lock, flags);
	old = Timer->Inserted;
	Timer->Inserted = true;
	Timer->Header.SignalState = 0;
	Timer->Due = jiffies + delay;
	Timer->Period = Period > 0 ? msecs_to_jiffies(Period) : 0;
	Timer->Dpc = Dpc;
	mod_delayed_work(system_highpri_wq, &Timer->Work, delay);
	raw_spin_unlock_irqrestore(&Timer->Header.Lock, flags);
	return old;
}

#define KeSetTimer(Timer, DueTime, Dpc) KeSetTimerEx(Timer, DueTime, 0, Dpc)

/**
 * KeCancelTimer() - stop a timer
 * @Timer: the timer; its DPC may have been queued. Call KmclFlushTimer() before its
 *	memory is freed
 *
 * Context: DISPATCH.
 * Return: TRUE if it was running.
 */
static inline BOOLEAN KeCancelTimer(PKTIMER Timer)
{
	unsigned long flags;
	bool old;

	raw_spin_lock_irqsave(&Timer->Header.Lock, flags);
	old = Timer->Inserted;
	Timer->Inserted = false;
	cancel_delayed_work(&Timer->Work);
	raw_spin_unlock_irqrestore(&Timer->Header.Lock, flags);
	return old;
}

/**
 * KeReadStateTimer() - has a timer expired?
 * @Timer: the timer
 *
 * Context: DISPATCH.
 * Return: TRUE if it is signalled.
 */
static inline BOOLEAN KeReadStateTimer(PKTIMER Timer)
{
	return READ_ONCE(Timer->Header.SignalState);
}

/**
 * KmclFlushTimer() - wait until a timer that was stopped, and its DPC, have ended
 * @Timer: the timer, after KeCancelTimer()
 *
 * Context: PASSIVE; not from the DPC's routine.
 */
static inline void KmclFlushTimer(PKTIMER Timer)
{
	cancel_delayed_work_sync(&Timer->Work);
	if (Timer->Dpc)
		KmclFlushDpc(Timer->Dpc);
}

static_assert(offsetof(KTIMER, Header) == 0);

#endif
