/* SPDX-License-Identifier: GPL-2.0 */
/* The engine that runs the state machine, see step.c. */
#ifndef _KMCL_STEP_H
#define _KMCL_STEP_H

#include <linux/kmcl.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "state.h"

struct kmcl_channel;

struct kmcl_sm {
	spinlock_t lock;		/* all but where a field says otherwise */
	enum kmcl_state state;		/* only the work changes it */
	struct kmcl_inputs in;
	bool enabling;			/* an enable call is in progress */
	bool closed_returned;		/* the last callback has: see channel.c */
	u64 disables;			/* arrivals in Disabled */
	u64 idle_runs;			/* runs of the work that found no event */
	struct kmcl_sm_counters n;
	/* Written by the work item, read by others without the lock */
	struct task_struct *worker;	/* inside a state callback */
	enum kmcl_step callback;	/* which */
	int open_error;
	struct work_struct work;
};

void kmcl_work_init(struct kmcl_channel *ch);

#endif
