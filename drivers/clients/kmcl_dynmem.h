/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Declarations shared by the files of kmcl_dynmem.
 */
#ifndef _KMCL_DYNMEM_H
#define _KMCL_DYNMEM_H

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <vmbuskernelmodeclientlibapi.h>

struct device;

/* Limits the memory that a host can make us use by sending and not reading */
#define DM_REPLIES	16

enum dm_callback {
	DM_OPENED,
	DM_CLOSED,
	DM_SUSPEND,
	DM_STARTED,
	DM_POST_STARTED,
	DM_PROCESS_PACKET,
	DM_COMPLETION,
	DM_CALLBACKS
};

/* Where a callback ran the last time */
struct dm_trace {
	u64 count;
	bool process;
	char comm[TASK_COMM_LEN];
	void *work;
};

enum dm_answer {
	DM_NO_ANSWER,
	DM_ACCEPT,
	DM_REFUSE,
};

/**
 * struct dynmem - the driver's state
 * @parent: parent device of the channel; the files are in its directory
 * @channel: the channel
 * @report_work: sends a report and queues itself again, while running
 * @send_mutex: held while a report gets its number and is sent, so that reports
 *	are accepted in the order of their numbers
 * @seq: number of reports accepted, and of the next one; under @send_mutex
 * @trans_id: transaction id of the last message sent
 * @replies: answers to the host that have not been written to the ring yet
 * @version: protocol version that the host accepted, 0 before
 * @negotiated: the host accepted version and capabilities
 * @wait: woken for @answer and @disabling
 * @disabling: number of callers that wait for VmbChannelDisable()
 * @lock: protects what follows; taken in any context
 * @awaited: type of the message that PostStarted waits for, or 0
 * @answer: the answer in that message
 * @trace: where each callback ran
 * @next_done: number of the report whose completion should come next
 * @in_order: completion routines that were called in the order of sending
 * @order_errors: completion routines that were called out of order
 * @unknown: messages of the host that are malformed or unknown, or that were
 *	not answered because DM_REPLIES answers were waiting already
 */
struct dynmem {
	struct device *parent;
	VMBCHANNEL channel;
	struct delayed_work report_work;
	struct mutex send_mutex;	/* see above */
	unsigned long seq;
	atomic_t trans_id;
	atomic_t replies;
	u32 version;
	bool negotiated;
	wait_queue_head_t wait;
	atomic_t disabling;
	spinlock_t lock;		/* see above */
	u16 awaited;
	enum dm_answer answer;
	struct dm_trace trace[DM_CALLBACKS];
	unsigned long next_done;
	u64 in_order;
	u64 order_errors;
	u64 unknown;
};

/* main.c */
int dynmem_create(struct dynmem *dm);
void dynmem_destroy(struct dynmem *dm);
NTSTATUS dm_send_reports(struct dynmem *dm, unsigned int count);
void dm_disable(struct dynmem *dm);
int dm_errno(NTSTATUS status);

#endif
