/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Incoming direction: contexts of packets, and delivery.
 *
 * ch->rx.lock protects struct kmcl_rx unless a comment says otherwise. Some of
 * its fields are also read without it, by delivery and for debugfs.
 *
 * ch->rx.running is the right to deliver, and ch->rx.state what delivery must know of
 * others, changed atomically. A delivery that nothing stands in the way of begins and
 * ends without the lock: the state is KMCL_RX_OPEN, and nothing else, before and after
 * that. Whoever changes the state looks at who has the right after that, and whoever
 * takes the right or gives it back looks at the state after that, each after a full
 * barrier; see begin_delivery() and finish_batch(). What a delivery writes while it has
 * the right, nobody else does. So the number of outstanding packets is the difference
 * of two: of those that delivery has left to the driver, and of those that were
 * returned; and the one in the callback.
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

/* Of struct kmcl_rx::running */
enum kmcl_rx_right {
	KMCL_RX_FREE,
	KMCL_RX_RUNNING,		/* delivery runs, somewhere */
	KMCL_RX_ENDING,			/* for a few instructions: not known */
};

/* Of struct kmcl_rx::state */
#define KMCL_RX_OPEN	BIT(1)	/* the gate */
#define KMCL_RX_AGAIN	BIT(2)	/* it must look for packets once more */
#define KMCL_RX_FAILED	BIT(3)	/* deliver nothing on this link */
#define KMCL_RX_PASSIVE	BIT(4)	/* process context is required */
#define KMCL_RX_ONCE	BIT(5)	/* the same, for the deferred packet */

/* Of struct kmcl_rx::inside, besides the address of a context */
#define KMCL_RX_QUICK	1UL	/* with it: see kmcl_complete() */
#define KMCL_RX_ENDED	2UL	/* it was completed like that */

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
	bool ext_given;			/* the driver has got the ranges */
	u8 *buf;			/* payload: in @area, or @data */
	struct list_head comp;		/* in ch->tx.comps, under tx.lock */
	struct kmcl_ctx_kind *kind;	/* NULL: a copy, for the queue */
	struct kmcl_item *data;		/* an allocation of its own, or NULL */
	u32 bytes;			/* allocated, for both */
	u32 ranges;			/* of external data */
	u16 set;			/* whose memory they are in: a client */
	void *held;			/* what @hold returned, or NULL */
	u8 area[] __aligned(8);		/* the driver's memory, then the rest */
};

/* Contexts of the same size; see rx_context.c */
struct kmcl_ctx_kind {
	u32 bytes;			/* of each, since the opening */
	u32 size;			/* of these, without @data */
	u32 room;			/* for the payload */
	u32 cached;
	u32 cached_most;
	struct list_head cache;		/* free ones */
};

struct kmcl_rx {
	spinlock_t lock;		/* see above */
	u32 quota;			/* 0: no limit */
	struct kmcl_ring ring;		/* who has the right to deliver */
	atomic_t running;		/* see above */
	atomic_t state;
	bool stalled;			/* freeing a context resumes delivery */
	u32 returned;			/* see above */
	u32 returned_external;
	unsigned long returned_bytes;
	u32 memory_limit;		/* in bytes */
	u32 overrun;			/* see kmcl_ctx_allowed() */
	atomic64_t comps_bytes;		/* of completions in the queue */
	struct kmcl_context *deferred;
	struct kmcl_ctx_kind small;	/* for most packets */
	struct kmcl_ctx_kind large;	/* for all */
	struct kmcl_ctx_kind *need;	/* what delivery has asked for last */
	struct tasklet_struct tasklet;
	struct work_struct work;
	struct delayed_work refill;	/* see kmcl_ctx_refill() */
	struct kmcl_rx_counters n;
	/* What follows delivery writes, without the lock */
	unsigned long here;		/* where it runs, see kmcl_here() */
	struct kmcl_context *reply;	/* for a completion's data, or NULL */
	struct kmcl_context *own;	/* for the next packet, or NULL */
	u32 own_bytes;			/* of the last @own */
	u32 quick_room;			/* of @quick */
	struct kmcl_context *quick;	/* as @own, if nothing else is asked */
	u64 quick_mask;			/* see take_quick() */
	unsigned long inside;		/* @own, while it is in the callback */
	u32 given;
	u32 given_external;
	unsigned long given_bytes;
	u64 began;			/* in ns, if that is traced */
	u32 delivered;			/* not in @n yet */
	u32 batches;			/* the same */
};

static inline bool kmcl_rx_is(const struct kmcl_rx *rx, int state)
{
	return atomic_read(&rx->state) & state;
}

static inline bool kmcl_rx_runs(const struct kmcl_rx *rx)
{
	return atomic_read(&rx->running) != KMCL_RX_FREE;
}

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

/*
 * Outstanding packets; without the lock there may be fewer already, and, for anybody
 * but delivery, one less, when a callback has just returned.
 */
static inline u32 kmcl_rx_outstanding(const struct kmcl_rx *rx)
{
	/* Pairs with kmcl_rx_left(): what has left is counted in @given */
	bool inside = smp_load_acquire(&rx->inside) > KMCL_RX_ENDED;

	return READ_ONCE(rx->given) - READ_ONCE(rx->returned) + inside;
}

/* Of these, the ones with external data */
static inline u32 kmcl_rx_external(const struct kmcl_rx *rx)
{
	return READ_ONCE(rx->given_external) - rx->returned_external;
}

/* Bytes of outstanding packets, as exactly as kmcl_rx_outstanding() */
static inline unsigned long kmcl_rx_held(const struct kmcl_rx *rx)
{
	/* As in kmcl_rx_outstanding() */
	bool inside = smp_load_acquire(&rx->inside) > KMCL_RX_ENDED;

	return READ_ONCE(rx->given_bytes) - READ_ONCE(rx->returned_bytes) +
	       (inside ? READ_ONCE(rx->own_bytes) : 0);
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
	return (READ_ONCE(rx->inside) & ~KMCL_RX_QUICK) == (unsigned long)ctx &&
	       READ_ONCE(rx->here) == kmcl_here();
}

/*
 * Is the caller in a callback of a delivery that does not sleep? It owns what is
 * delivery's then.
 */
static __always_inline bool kmcl_rx_delivers(const struct kmcl_rx *rx,
					     const struct kmcl_comps *made)
{
	return unlikely(READ_ONCE(rx->here)) &&
	       READ_ONCE(rx->here) == kmcl_here() && made->most;
}

/*
 * The caller has sent a request: may it be shown to the peer later, since a callback
 * of delivery has sent it, which shows it with others when the batch ends?
 */
static __always_inline bool kmcl_rx_holds(const struct kmcl_rx *rx,
					  struct kmcl_comps *made)
{
	if (!kmcl_rx_delivers(rx, made))
		return false;
	if (made->held == made->most) {
		/* All are shown now */
		made->held = 0;
		return false;
	}
	made->held++;
	return true;
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
void kmcl_ctx_prepare(struct kmcl_channel *ch);
void kmcl_ctx_refill(struct work_struct *work);
bool kmcl_ctx_allowed(const struct kmcl_channel *ch);
int kmcl_ctx_get(struct kmcl_channel *ch, struct kmcl_ctx_kind *kind,
		 u32 ring_bytes);
int kmcl_ctx_for_reply(struct kmcl_channel *ch, u32 len);
struct kmcl_context *kmcl_ctx_queued(struct kmcl_context *ctx, const void *buf,
				     u32 len);
void kmcl_ctx_free(struct kmcl_context *ctx);
void kmcl_ctx_destroy(struct kmcl_context *ctx);
void kmcl_ctx_return(struct kmcl_channel *ch, struct kmcl_context *ctx,
		     u32 bytes, bool external);
void kmcl_ctx_ended_inside(struct kmcl_channel *ch, bool external);
void kmcl_rx_count(const struct kmcl_rx *rx, struct kmcl_rx_counters *n);
void kmcl_rx_schedule(struct kmcl_channel *ch, bool passive);

/* rx_take.c; the result, besides an enum kmcl_rx_reason */
#define KMCL_RX_TAKEN	-1
#define KMCL_RX_DROPPED	-2
int kmcl_rx_take(struct kmcl_channel *ch);

/* rx_deliver.c */
void kmcl_rx_init(struct kmcl_channel *ch);
void kmcl_rx_attach(struct kmcl_channel *ch);
void kmcl_rx_detach(struct kmcl_channel *ch);
void kmcl_rx_start(struct kmcl_channel *ch);
void kmcl_rx_stop(struct kmcl_channel *ch);
void kmcl_rx_drain(struct kmcl_channel *ch);
void kmcl_rx_signalled(struct kmcl_channel *ch);
int kmcl_rx_give_back(struct kmcl_channel *ch);

#endif
