/* SPDX-License-Identifier: GPL-2.0 */
/* The state of the state machine of a channel, which step.c runs. */
#ifndef _KMCL_STEP_H
#define _KMCL_STEP_H

#include <linux/kmcl.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "state.h"

struct kmcl_channel;

struct kmcl_sm {
	spinlock_t lock;		/* for writing these: */
	enum kmcl_state state;		/* by the work item only */
	struct kmcl_inputs in;		/* dead, lost: read without it, too */
	bool enabling;			/* an enable call is in progress */
	u8 cause;			/* kmcl_close_cause of the last close */
	/* By the work item only, read without it, too: kmcl_wait_taken_down() */
	bool closed_returned;
	u32 calls;			/* see kmcl_call_begin() */
	u64 disables;			/* times that Disabled was entered */
	u64 idle_runs;			/* times the work item found no event */
	unsigned long told;		/* see kmcl_still_waiting() */
	struct kmcl_sm_counters n;
	/* Written by the work item, read by others without the lock */
	struct task_struct *worker;	/* inside a state callback */
	enum kmcl_step callback;	/* which */
	/* Used by the work item only */
	int open_error;
	struct work_struct work;
};

void kmcl_work_init(struct kmcl_channel *ch);

#endif
