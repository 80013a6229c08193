/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Incoming direction: contexts of packets, and delivery.
 *
 * ch->rx.lock protects struct kmcl_rx unless a comment says otherwise. Some of
 * its fields are also read without it, by delivery and for debugfs.
 *
 * A delivery, which has set running, takes the lock when it begins and when it
 * ends, but not for each packet. What it writes meanwhile, nobody else does. So
 * the number of outstanding packets is the difference of two: of those that
 * delivery has given to the driver, and of those that were returned elsewhere.
 *
 * A driver that ends a packet inside the callback in which it got it, where
 * delivery runs and not in another context, is a part of the delivery: see
 * kmcl_rx_inside(). Then no lock is taken either, and the context has not left.
 */
#ifndef _KMCL_RX_H
#define _KMCL_RX_H

#include <linux/atomic.h>
#include <linux/interrupt.h>
#include <linux/kmcl.h>
#include <linux/list.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "ring.h"
#include "tx.h"

#define KMCL_RX_BUDGET			256	/* packets per softirq */

/* Why delivery stops */
enum kmcl_rx_reason {
	KMCL_STOP_EMPTY,
	KMCL_STOP_GATE,
	KMCL_STOP_BUDGET,
	KMCL_STOP_QUOTA,	/* until a packet is completed */
	KMCL_STOP_LIMIT,	/* at the limit of memory, until some is freed */
	KMCL_STOP_MEMORY,	/* out of memory; the same */
	KMCL_STOP_DEFER,
	KMCL_STOP_FAILED,
};

/*
 * An incoming packet, then its completion until that is written. It has one
 * owner at a time: delivery, the driver, or the outgoing queue.
 */
struct kmcl_context {
	struct kmcl_item item;
	struct kmcl_channel *ch;
	u64 trans_id;
	u32 len;
	bool wanted;			/* the sender asked for a completion */
	bool queued;			/* counted in comps_bytes */
	struct list_head comp;		/* in ch->tx.comps, under tx.lock */
	bool ext_given;			/* the driver has got the ranges */
	u32 bytes;			/* allocated */
	u32 ranges;			/* of external data */
	u16 set;			/* whose memory they are in: a client */
	void *held;			/* what @hold returned, or NULL */
	void *context;			/* the driver's, behind @buf */
	u8 buf[] __aligned(8);
};

struct kmcl_rx {
	spinlock_t lock;		/* see above */
	struct kmcl_ring ring;		/* used while running is set */
	bool open;			/* the gate */
	bool running;			/* delivery runs, somewhere */
	bool again;			/* it must look for packets once more */
	bool failed;			/* deliver nothing on this link */
	bool passive;			/* process context is required */
	bool once;			/* the same, for the deferred packet */
	bool stalled;			/* freeing a context resumes delivery */
	u32 quota;			/* 0: no limit */
	u32 returned;			/* see above */
	u32 returned_external;
	u32 memory_limit;		/* in bytes */
	u32 overrun;			/* see kmcl_ctx_allowed() */
	atomic64_t comps_bytes;		/* of completions in the queue */
	struct kmcl_context *deferred;
	struct list_head cache;		/* free contexts */
	u32 cached;
	u32 cached_most;
	u32 ctx_bytes;			/* of a context, since the opening */
	struct tasklet_struct tasklet;
	struct work_struct work;
	struct delayed_work refill;	/* see kmcl_ctx_refill() */
	struct kmcl_rx_counters n;
	/* What follows delivery writes, without the lock */
	unsigned long here;		/* where it runs, see kmcl_here() */
	bool atomic;			/* callbacks do not sleep */
	struct kmcl_context *own;	/* for the next packet, or NULL */
	struct kmcl_context *inside;	/* @own, while it is in the callback */
	u32 given;
	u32 given_external;
	u32 delivered;			/* not in @n yet */
};

/*
 * What runs here: a task, or with bit 0 set the softirq that has interrupted it;
 * 0 for an interrupt. On one processor there is only one at a time.
 */
static inline unsigned long kmcl_here(void)
{
	if (unlikely(in_hardirq() || in_nmi()))
		return 0;
	return (unsigned long)current + (in_serving_softirq() ? 1 : 0);
}

/* Outstanding packets; without the lock there may be fewer already */
static inline u32 kmcl_rx_outstanding(const struct kmcl_rx *rx)
{
	return READ_ONCE(rx->given) - READ_ONCE(rx->returned);
}

/* Of these, the ones with external data */
static inline u32 kmcl_rx_external(const struct kmcl_rx *rx)
{
	return READ_ONCE(rx->given_external) - rx->returned_external;
}

/* Bytes of outstanding packets: contexts of a link have the same size. */
static inline u64 kmcl_rx_held(const struct kmcl_rx *rx)
{
	return (u64)kmcl_rx_outstanding(rx) * rx->ctx_bytes;
}

/*
 * Is the packet in the driver's callback, and the caller in that? If so, nobody
 * else has it, and delivery goes on only after that. For anybody else it is not,
 * whatever delivery does meanwhile: who has got the packet from the callback sees
 * @here as it was set before.
 */
static inline bool kmcl_rx_inside(const struct kmcl_rx *rx,
				  const struct kmcl_context *ctx)
{
	return READ_ONCE(rx->inside) == ctx && READ_ONCE(rx->here) == kmcl_here();
}

/* Is the caller, a task, in a callback of the channel's delivery? */
static inline bool kmcl_rx_in_callback(const struct kmcl_rx *rx)
{
	return READ_ONCE(rx->here) == (unsigned long)current;
}

/* pipe.c */
bool kmcl_pipe_parse(struct kmcl_channel *ch,
		     const struct kmcl_ring_packet *pkt, u32 *len);

/* rx_context.c */
int kmcl_ctx_prepare(struct kmcl_channel *ch);
void kmcl_ctx_refill(struct work_struct *work);
bool kmcl_ctx_allowed(const struct kmcl_channel *ch);
int kmcl_ctx_get(struct kmcl_channel *ch, u32 ring_bytes);
struct kmcl_context *kmcl_ctx_queued(struct kmcl_context *ctx, const void *buf,
				     u32 len);
void kmcl_ctx_free(struct kmcl_context *ctx);
void kmcl_ctx_return(struct kmcl_channel *ch, struct kmcl_context *ctx,
		     bool external);
void kmcl_ctx_ended_inside(struct kmcl_channel *ch, bool external);
void kmcl_rx_count(const struct kmcl_rx *rx, struct kmcl_rx_counters *n);
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
