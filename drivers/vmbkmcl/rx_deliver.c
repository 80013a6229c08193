// SPDX-License-Identifier: GPL-2.0
/*
 * Incoming direction: the ring's consumer, delivery, the gate.
 *
 * The caller that has taken the right to deliver owns the ring and delivers, one packet
 * at a time; others only set KMCL_RX_AGAIN, so that it looks for packets once more.
 * ch->rx.lock protects the numbers, see rx.h; it is never held during a callback.
 * Most batches begin and end without it. Delivery runs in the
 * transport's softirq, in the channel's tasklet, or in a work item if process
 * context is required. Attaching, detaching, stopping and draining sleep; the
 * rest is atomic. The peer may change shared memory at any time, so a packet is
 * copied out of the ring once, before it is checked. Packets are completed,
 * deferred and failed in rx_packet.c.
 */
#include <linux/bottom_half.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/sched.h>

#include "channel.h"
#include "ext_wire.h"
#include "trace.h"

/*
 * Show the peer what callbacks have made, and sent, since the last time, and let
 * others have what they have freed.
 */
static void show_comps(struct kmcl_channel *ch)
{
	const struct kmcl_comps *made = &ch->tx.made;

	if (made->added != made->shown || made->held)
		kmcl_tx_show_comps(ch);
	if (unlikely(ch->tx.freed))
		kmcl_packets_return(ch);
}

/*
 * The first word of the descriptor of most packets, without @len8, and without
 * @flags but for those in the mask
 */
#define QUICK_DESC	(KMCL_WIRE_DATA_INBAND | KMCL_RING_DESC / 8 << 16)

/*
 * Take the next packet of the ring into @ctx, if it is one as most of them are;
 * false: kmcl_rx_take() has to look at it.
 */
static __always_inline bool take_quick(struct kmcl_channel *ch,
				       struct kmcl_context *ctx)
{
	struct kmcl_rx *rx = &ch->rx;
	struct kmcl_ring *ring = &rx->ring;
	const u8 *desc = ring->data + ring->index;
	u64 fields, id;
	u32 len, total;

	if (unlikely(ring->known < KMCL_RING_DESC + KMCL_RING_TRAILER))
		return false;
	/* Each word once: the peer may change it at any time */
	fields = le64_to_cpu(READ_ONCE(*(const __le64 *)desc));
	if (unlikely((fields & rx->quick_mask) != QUICK_DESC))
		return false;
	total = (fields >> 32 & U16_MAX) * 8 + KMCL_RING_TRAILER;
	/* Wraps, if there is not even a descriptor */
	len = total - KMCL_RING_TRAILER - KMCL_RING_DESC;
	if (unlikely(len > rx->quick_room || total > ring->known))
		return false;
	kmcl_ring_copy((u64 *)ctx->buf, desc + KMCL_RING_DESC, len);
	if (unlikely(ch->cfg.context_size))
		memset(ctx->area, 0, ch->cfg.context_size);
	id = le64_to_cpu(READ_ONCE(((const __le64 *)desc)[1]));
	ctx->trans_id = id;
	ctx->len = len;
	ctx->wanted = fields >> 48 & KMCL_WIRE_FLAG_COMPLETION_REQUESTED;
	WRITE_ONCE(rx->delivered, rx->delivered + 1);
	trace_kmcl_fetch(ch, id, false, len, 0);
	ring->known -= total;
	ring->index = kmcl_ring_advance(ring, ring->index, total);
	WRITE_ONCE(rx->inside, (unsigned long)ctx | KMCL_RX_QUICK);
	return true;
}

/*
 * The driver has not completed the packet in the short way, see kmcl_complete().
 * False: it has deferred or failed it.
 */
static noinline bool after_callback(struct kmcl_channel *ch)
{
	struct kmcl_rx *rx = &ch->rx;

	if (rx->inside) {
		/* It was not ended inside: others have it, or have ended it */
		WRITE_ONCE(rx->own, NULL);
		WRITE_ONCE(rx->given, rx->given + 1);
		WRITE_ONCE(rx->given_bytes, rx->given_bytes + rx->own_bytes);
		/* Pairs with kmcl_rx_outstanding() */
		smp_store_release(&rx->inside, 0);
	}
	if (!rx->own || atomic64_read(&rx->comps_bytes))
		rx->quick = NULL;
	return !READ_ONCE(rx->deferred) && !kmcl_rx_is(rx, KMCL_RX_FAILED);
}

/*
 * Is a completion of the peer next? Whoever takes it checks all of it: this is shared
 * memory, of which nothing may be known.
 */
static __always_inline bool comp_is_next(const struct kmcl_rx *rx)
{
	const u8 *desc = rx->ring.data + rx->ring.index;

	return READ_ONCE(*(const __le16 *)desc) == cpu_to_le16(KMCL_WIRE_COMP) &&
	       likely(!READ_ONCE(rx->deferred));
}

static __always_inline enum kmcl_rx_reason
deliver(struct kmcl_channel *ch, u32 *budget, u32 *delivered)
{
	struct kmcl_ring *ring = &ch->rx.ring;
	struct kmcl_rx *rx = &ch->rx;
	unsigned long now = jiffies;
	struct kmcl_context *ctx;
	u32 flags, ended;
	int ret;

	/* The gate was open when it was looked at last */
	for (; *budget; (*budget)--) {
		ctx = rx->quick;
		flags = 0;
		/* kmcl_rx_take() finds an error */
		if (unlikely(!ring->known) &&
		    (likely(ctx) || !READ_ONCE(rx->deferred)) &&
		    kmcl_ring_is_empty(ring))
			return KMCL_STOP_EMPTY;
		if (unlikely(!ctx || !take_quick(ch, ctx))) {
			ended = comp_is_next(rx) ? kmcl_tx_matched(ch, *budget) : 0;
			if (ended) {
				*budget -= ended - 1;
				goto ended;
			}
			ret = kmcl_rx_take(ch);
			if (ret == KMCL_RX_DROPPED)
				continue;
			if (ret != KMCL_RX_TAKEN)
				return ret;
			ctx = rx->own;
			flags = ctx->ranges ? KMCL_PACKET_EXTERNAL : 0;
		}
		ch->cfg.process(ch, ctx, ctx->buf, ctx->len, flags);
		/* The context may be freed, so the result is in the channel */
		if (unlikely(rx->inside != KMCL_RX_ENDED) && !after_callback(ch)) {
			if (!kmcl_rx_is(rx, KMCL_RX_FAILED))
				return KMCL_STOP_DEFER;
			(*delivered)++;
			return KMCL_STOP_FAILED;
		}
		(*delivered)++;
ended:
		/* What callbacks have made and sent waits no longer than that */
		if (unlikely(time_after(jiffies, now))) {
			now = jiffies;
			show_comps(ch);
		}
		if (unlikely(!kmcl_rx_is(rx, KMCL_RX_OPEN)))
			return KMCL_STOP_GATE;
	}
	return KMCL_STOP_BUDGET;
}

/* May packets be delivered, somewhere? @state: of struct kmcl_rx */
static inline bool is_open(int state)
{
	return (state & (KMCL_RX_OPEN | KMCL_RX_FAILED)) == KMCL_RX_OPEN;
}

static inline bool needs_passive(int state)
{
	return state & (KMCL_RX_PASSIVE | KMCL_RX_ONCE);
}

/* See finish_batch(). @again: there may be packets already */
static noinline bool finish(struct kmcl_channel *ch, enum kmcl_rx_reason reason,
			    bool again, bool passive)
{
	struct kmcl_rx *rx = &ch->rx;
	unsigned long flags;
	int state;

	spin_lock_irqsave(&rx->lock, flags);
	kmcl_rx_count(rx, &rx->n);
	WRITE_ONCE(rx->delivered, 0);
	WRITE_ONCE(rx->batches, 0);
	rx->n.budget_stops += reason == KMCL_STOP_BUDGET;
	if (reason == KMCL_STOP_FAILED)
		atomic_or(KMCL_RX_FAILED, &rx->state);
	if (rx->deferred)
		atomic_or(KMCL_RX_ONCE, &rx->state);
	else
		atomic_andnot(KMCL_RX_ONCE, &rx->state);
	again |= !!(atomic_fetch_andnot(KMCL_RX_AGAIN, &rx->state) &
		    KMCL_RX_AGAIN);
	if ((reason == KMCL_STOP_QUOTA || reason == KMCL_STOP_LIMIT ||
	     reason == KMCL_STOP_MEMORY) && !again) {
		/* Contexts that were freed meanwhile did not see the flag */
		rx->stalled = true;
		again = reason == KMCL_STOP_MEMORY ? !!rx->need->cached :
			kmcl_ctx_allowed(ch);
		if (reason == KMCL_STOP_MEMORY && !again)
			queue_delayed_work(kmcl_wq, &rx->refill, 0);
	}
	state = atomic_read(&rx->state);
	again |= !!(state & KMCL_RX_AGAIN);
	if (again && is_open(state) && reason != KMCL_STOP_BUDGET &&
	    reason != KMCL_STOP_DEFER && (passive || !needs_passive(state))) {
		rx->stalled = false;
		spin_unlock_irqrestore(&rx->lock, flags);
		return true;
	}
	WRITE_ONCE(rx->here, 0);
	/* The barrier pairs with may_begin() and kmcl_rx_stop() */
	atomic_xchg(&rx->running, KMCL_RX_FREE);
	state = atomic_read(&rx->state);
	again |= !!(state & KMCL_RX_AGAIN);
	spin_unlock_irqrestore(&rx->lock, flags);
	if (is_open(state) && (again || reason == KMCL_STOP_BUDGET ||
			       reason == KMCL_STOP_DEFER))
		kmcl_rx_schedule(ch, needs_passive(state));
	if (!(state & KMCL_RX_OPEN))
		wake_up_all(&ch->wait);
	return false;
}

/* The same for a batch that does not end because the ring is empty, in most cases */
static noinline bool finish_other(struct kmcl_channel *ch,
				  enum kmcl_rx_reason reason, u32 old,
				  u32 delivered, bool passive)
{
	struct kmcl_rx *rx = &ch->rx;

	if (reason == KMCL_STOP_BUDGET && trace_kmcl_budget_enabled() && rx->began)
		trace_kmcl_budget(ch, delivered, ktime_get_ns() - rx->began);
	rx->began = 0;
	virt_mb(); /* [E] */
	if (kmcl_ring_wanted(&rx->ring, old))
		kmcl_signal(ch);
	if (reason == KMCL_STOP_FAILED) {
		kmcl_tx_no_answers(ch);
		/* Requests in the queue end, too */
		kmcl_tx_flush(ch);
	}
	return finish(ch, reason, false, passive);
}

/*
 * While the right to deliver is ending, nothing may run on this processor that waits for
 * that: no softirq and, where these are threads, no other task.
 */
static __always_inline void ending_begin(bool passive)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		preempt_disable();
	else if (passive)
		local_bh_disable();
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		lockdep_assert_in_softirq();
}

static __always_inline void ending_end(bool passive)
{
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		preempt_enable();
	else if (passive)
		local_bh_enable();
}

/*
 * Finish a batch; true: continue at once. @old: from where on the ring's space was
 * freed. In most cases nothing has happened meanwhile, and giving back the right to
 * deliver takes one full barrier, which is for three things that could be missed:
 * what others have set in the state, packets for which the peer did not signal,
 * because it was asked not to, and that it waits for space.
 *
 *	delivery		another caller			the peer
 *	interrupt_mask = 0	state |= KMCL_RX_AGAIN		write packet
 *	running = ENDING	(or the gate is closed)		or set size
 *	full barrier		full barrier			full barrier
 *	read state,		read running			read mask,
 *	write_index, size					or read_index
 *
 * So if delivery sees nothing, the peer sees that it must signal, or that there is
 * space, and the other caller sees that the right is not KMCL_RX_RUNNING any more. He
 * waits until it is known what becomes of it, which takes a few instructions, since
 * the owner is not interrupted by whoever waits, and takes it, if it is free. The
 * owner does not use the ring after it has given back the right.
 */
static __always_inline bool finish_batch(struct kmcl_channel *ch,
					 enum kmcl_rx_reason reason, u32 old,
					 u32 delivered, bool passive)
{
	struct kmcl_rx *rx = &ch->rx;
	bool again = false, signal;

	if (unlikely(reason != KMCL_STOP_EMPTY || rx->delivered >= BIT(30)))
		return finish_other(ch, reason, old, delivered, passive);
	kmcl_ring_ask(&rx->ring);
	ending_begin(passive);
	atomic_set(&rx->running, KMCL_RX_ENDING);
	virt_mb(); /* [C], [E], and see above */
	again = kmcl_ring_has_more(&rx->ring);
	signal = kmcl_ring_wanted(&rx->ring, old);
	if (likely(!again && !signal &&
		   atomic_read(&rx->state) == KMCL_RX_OPEN)) {
		WRITE_ONCE(rx->here, 0);
		atomic_set_release(&rx->running, KMCL_RX_FREE);
		ending_end(passive);
		return false;
	}
	atomic_set(&rx->running, KMCL_RX_RUNNING);
	ending_end(passive);
	if (unlikely(signal))
		kmcl_signal(ch);
	return (again && atomic_read(&rx->state) == KMCL_RX_OPEN) ||
	       finish(ch, reason, again, passive);
}

/*
 * Give back the right to deliver, if nothing was delivered. Returns the state then; if
 * that lets packets be delivered, the caller sees to it that somebody looks for them.
 */
int kmcl_rx_give_back(struct kmcl_channel *ch)
{
	int state;

	/* The barrier pairs with may_begin() and kmcl_rx_stop() */
	atomic_xchg(&ch->rx.running, KMCL_RX_FREE);
	state = atomic_read(&ch->rx.state);
	if (!(state & KMCL_RX_OPEN))
		wake_up_all(&ch->wait);
	return state;
}

/*
 * Something stands in the way of a delivery, or it runs already; true: begin. @taken:
 * the caller has taken the right to deliver, which this gives back otherwise.
 */
static noinline bool may_begin(struct kmcl_channel *ch, bool passive, bool taken)
{
	struct kmcl_rx *rx = &ch->rx;
	int state;

	for (;;) {
		if (!taken) {
			if (!is_open(atomic_read(&rx->state)))
				return false;
			atomic_or(KMCL_RX_AGAIN, &rx->state);
			/* Pairs with finish_batch(), and with giving it back */
			smp_mb__after_atomic();
			if (atomic_cond_read_relaxed(&rx->running,
						     VAL != KMCL_RX_ENDING) ==
			    KMCL_RX_RUNNING)
				return false;
			taken = atomic_cmpxchg(&rx->running, KMCL_RX_FREE,
					       KMCL_RX_RUNNING) == KMCL_RX_FREE;
			continue;
		}
		state = atomic_fetch_andnot(KMCL_RX_AGAIN, &rx->state);
		if (is_open(state) && (passive || !needs_passive(state)))
			return true;
		taken = false;
		state = kmcl_rx_give_back(ch);
		if (!is_open(state))
			return false;
		if (!passive && needs_passive(state)) {
			kmcl_rx_schedule(ch, true);
			return false;
		}
	}
}

/* Take the right to deliver; false: there is nothing to do for the caller */
static __always_inline bool begin_delivery(struct kmcl_channel *ch, bool passive)
{
	bool taken = atomic_cmpxchg(&ch->rx.running, KMCL_RX_FREE,
				    KMCL_RX_RUNNING) == KMCL_RX_FREE;

	/* The barrier of that pairs with kmcl_rx_stop() */
	return likely(taken && atomic_read(&ch->rx.state) == KMCL_RX_OPEN) ||
	       may_begin(ch, passive, taken);
}

static __always_inline void rx_poll(struct kmcl_channel *ch, bool passive)
{
	u32 budget = KMCL_RX_BUDGET, delivered, old;
	enum kmcl_rx_reason reason;
	struct kmcl_rx *rx = &ch->rx;

	if (!begin_delivery(ch, passive))
		return;
	WRITE_ONCE(rx->here, kmcl_here());

	/* A peer that keeps adding packets must not keep this loop running */
	do {
		delivered = 0;
		if (trace_kmcl_budget_enabled())
			rx->began = ktime_get_ns();
		kmcl_ring_mask(&rx->ring);
		ch->tx.made.most = passive ? 0 : KMCL_COMPS;
		reason = deliver(ch, &budget, &delivered);
		/* From here on, nothing that is sent waits */
		ch->tx.made.most = 0;
		trace_kmcl_fetch_done(ch, delivered, reason);
		show_comps(ch);
		old = rx->ring.shared;
		kmcl_ring_show_read(&rx->ring);
		if (likely(delivered)) {
			WRITE_ONCE(rx->batches, rx->batches + 1);
			if (ch->cfg.processed) {
				/* Who waits for space does not wait for this */
				if (unlikely(kmcl_ring_wanted(&rx->ring, old))) {
					kmcl_signal(ch);
					old = rx->ring.shared;
				}
				ch->cfg.processed(ch, delivered);
			}
		}
	} while (finish_batch(ch, reason, old, delivered, passive));
}

/* The peer has signalled, or the channel's tasklet runs. Softirq. */
void kmcl_rx_signalled(struct kmcl_channel *ch)
{
	/* A signal can be for room or for data */
	if (unlikely(kmcl_tx_waits(&ch->tx)))
		kmcl_tx_flush(ch);
	rx_poll(ch, false);
}

static void rx_tasklet(struct tasklet_struct *t)
{
	kmcl_rx_signalled(container_of(t, struct kmcl_channel, rx.tasklet));
}

static void rx_work(struct work_struct *work)
{
	rx_poll(container_of(work, struct kmcl_channel, rx.work), true);
}

void kmcl_rx_init(struct kmcl_channel *ch)
{
	spin_lock_init(&ch->rx.lock);
	INIT_LIST_HEAD(&ch->rx.small.cache);
	INIT_LIST_HEAD(&ch->rx.large.cache);
	ch->rx.need = &ch->rx.small;
	ch->rx.memory_limit = KMCL_DEFAULT_MEMORY_LIMIT;
	tasklet_setup(&ch->rx.tasklet, rx_tasklet);
	INIT_WORK(&ch->rx.work, rx_work);
	INIT_DELAYED_WORK(&ch->rx.refill, kmcl_ctx_refill);
}

/* Before the rings are connected: prepare for the first packet. Sleeps. */
void kmcl_rx_attach(struct kmcl_channel *ch)
{
	/* Returned since the last close, and maybe not as large as is set now */
	if (ch->rx.small.cached || ch->rx.large.cached)
		kmcl_rx_detach(ch);
	kmcl_ctx_prepare(ch);
	spin_lock_irq(&ch->rx.lock);
	atomic_andnot(KMCL_RX_FAILED | KMCL_RX_AGAIN, &ch->rx.state);
	ch->rx.stalled = false;
	spin_unlock_irq(&ch->rx.lock);
}

/* The rings are disconnected: free the contexts, a deferred one too. Sleeps. */
void kmcl_rx_detach(struct kmcl_channel *ch)
{
	struct kmcl_context *ctx, *next;
	LIST_HEAD(list);

	tasklet_kill(&ch->rx.tasklet);
	cancel_work_sync(&ch->rx.work);
	cancel_delayed_work_sync(&ch->rx.refill);
	spin_lock_irq(&ch->rx.lock);
	list_splice_init(&ch->rx.small.cache, &list);
	list_splice_init(&ch->rx.large.cache, &list);
	ch->rx.small.cached = 0;
	ch->rx.large.cached = 0;
	if (ch->rx.own)
		list_add(&ch->rx.own->item.node, &list);
	ch->rx.own = NULL;
	ch->rx.quick = NULL;
	if (ch->rx.reply)
		list_add(&ch->rx.reply->item.node, &list);
	ch->rx.reply = NULL;
	if (ch->rx.deferred)
		list_add(&ch->rx.deferred->item.node, &list);
	ch->rx.deferred = NULL;
	atomic_andnot(KMCL_RX_ONCE, &ch->rx.state);
	spin_unlock_irq(&ch->rx.lock);
	list_for_each_entry_safe(ctx, next, &list, item.node) {
		kmcl_ext_release(ctx);
		kmcl_ctx_destroy(ctx);
	}
}

/* Step: open the incoming gate. */
void kmcl_rx_start(struct kmcl_channel *ch)
{
	atomic_or(KMCL_RX_OPEN, &ch->rx.state);
	/*
	 * Not the work, even if it delivers: only the tasklet writes the queue. It
	 * runs here and now, without a switch to ksoftirqd.
	 */
	local_bh_disable();
	kmcl_rx_schedule(ch, false);
	local_bh_enable();
}

static bool rx_idle(struct kmcl_channel *ch)
{
	/* One that ends wakes nobody, but does not take long */
	return atomic_cond_read_acquire(&ch->rx.running,
					VAL != KMCL_RX_ENDING) == KMCL_RX_FREE;
}

/* Step: close the incoming gate, and wait for a running delivery. Sleeps. */
void kmcl_rx_stop(struct kmcl_channel *ch)
{
	atomic_andnot(KMCL_RX_OPEN, &ch->rx.state);
	/* Pairs with who takes the right to deliver, or gives it back */
	smp_mb__after_atomic();
	kmcl_wait(ch, "a delivery to end", rx_idle);
}

static bool rx_drained(struct kmcl_channel *ch)
{
	bool drained;

	spin_lock_irq(&ch->rx.lock);
	drained = !kmcl_rx_outstanding(&ch->rx);
	spin_unlock_irq(&ch->rx.lock);
	return drained;
}

/* Step: wait until no packet is outstanding. Sleeps. */
void kmcl_rx_drain(struct kmcl_channel *ch)
{
	kmcl_wait(ch, "the driver", rx_drained);
}
