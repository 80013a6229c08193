/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Incoming direction: contexts of packets, and delivery.
 *
 * struct kmcl_rx is covered by its lock but where a field says otherwise.
 */
#ifndef _KMCL_RX_H
#define _KMCL_RX_H

#include <linux/atomic.h>
#include <linux/interrupt.h>
#include <linux/kmcl.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "ring.h"
#include "tx.h"

#define KMCL_RX_BUDGET			256	/* packets per softirq */
#define KMCL_COMPS_QUEUED		4096U	/* completions without room */

/* Why delivery stops */
enum kmcl_rx_reason {
	KMCL_STOP_EMPTY,
	KMCL_STOP_GATE,
	KMCL_STOP_BUDGET,
	KMCL_STOP_QUOTA,	/* a completion resumes */
	KMCL_STOP_MEMORY,	/* the same */
	KMCL_STOP_DEFER,
	KMCL_STOP_FAILED,
};

/* An outstanding packet, then its completion, until that is written */
struct kmcl_context {
	struct kmcl_item item;
	struct kmcl_channel *ch;
	u64 trans_id;
	u32 len;
	bool wanted;			/* the sender asked for a completion */
	bool again;			/* delivered before, deferred */
	bool queued;			/* counted in comps_queued */
	bool ext_given;			/* the driver has asked for them */
	u32 ranges;			/* of external data, in as many MDLs */
	void *held;			/* of @hold: the client's close waits for it */
	void *context;			/* the driver's, behind @buf */
	u8 buf[] __aligned(8);
};

struct kmcl_rx {
	spinlock_t lock;		/* all but where a field says otherwise */
	struct kmcl_ring ring;		/* used by the context that has set running */
	bool open;			/* the gate */
	bool running;			/* a context delivers */
	bool again;			/* and has to look once more */
	bool failed;			/* nothing more until the next opening */
	bool passive;			/* process context was asked for */
	bool once;			/* and for the deferred packet anyway */
	bool stalled;			/* a completion restarts delivery */
	struct task_struct *task;	/* delivers; only compared */
	u32 quota;			/* 0: no limit */
	u32 outstanding;
	u32 external;			/* of outstanding */
	struct kmcl_context *deferred;
	struct list_head cache;
	u32 cached;
	atomic_t comps_queued;		/* in the queue, waiting for room */
	struct tasklet_struct tasklet;
	struct work_struct work;
	struct kmcl_rx_counters n;
};

/* pipe.c */
bool kmcl_pipe_parse(struct kmcl_channel *ch,
		     const struct kmcl_ring_packet *pkt, u32 *len);

/* rx_context.c */
struct kmcl_context *kmcl_ctx_new(struct kmcl_channel *ch, gfp_t gfp);
bool kmcl_ctx_allowed(const struct kmcl_channel *ch);
struct kmcl_context *kmcl_ctx_get(struct kmcl_channel *ch);
void kmcl_ctx_free(struct kmcl_context *ctx);
void kmcl_put_outstanding(struct kmcl_channel *ch, bool external);
void kmcl_rx_schedule(struct kmcl_channel *ch, bool passive);

/* rx_deliver.c */
void kmcl_rx_init(struct kmcl_channel *ch);
int kmcl_rx_attach(struct kmcl_channel *ch);
void kmcl_rx_detach(struct kmcl_channel *ch);
void kmcl_rx_start(struct kmcl_channel *ch);
void kmcl_rx_stop(struct kmcl_channel *ch);
void kmcl_rx_drain(struct kmcl_channel *ch);
void kmcl_rx_signalled(struct kmcl_channel *ch);

#endif
