// SPDX-License-Identifier: GPL-2.0
/*
 * Outgoing direction: how packets end, and their completion routines.
 *
 * ch->tx.lock protects the packets in flight, and the done list: the packets
 * whose completion routine is due. Routines run without a lock, one at a time,
 * by the caller that has claimed the right to run them (see tx_done.h), so
 * that one that sends again does not recurse. Everything is atomic except for
 * kmcl_tx_wait_done(), and nothing here allocates.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>

#include "channel.h"
#include "ext_wire.h"
#include "trace.h"
#include "tx_done.h"

/*
 * Interrupt the peer. The rings stay connected meanwhile: either delivery calls this, or
 * who has the right to run routines, or the caller is counted in ch->tx.signalling.
 */
void kmcl_signal(struct kmcl_channel *ch)
{
	struct kmcl_offer *offer = ch->link.offer;

	if (ch->server)
		offer->ops->server->signal(offer);
	else
		offer->ops->signal(offer);
}

/* Claim the right to run routines; false: another caller has it. See tx_done.h. */
static bool done_claim(struct kmcl_channel *ch)
	__must_hold(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	if (!kmcl_done_quiet(ch)) {
		WRITE_ONCE(ch->tx.done_attention, true);
		/* Pairs with kmcl_done_end() */
		smp_mb();
		/* The same, and as in kmcl_done_quiet() */
		switch (smp_load_acquire(&ch->tx.done_state)) {
		case KMCL_DONE_BUSY:
			return false;
		case KMCL_DONE_ENDING:
			tasklet_schedule(&ch->tx.done_tasklet);
			return false;
		}
	}
	WRITE_ONCE(ch->tx.done_state, KMCL_DONE_BUSY);
	return true;
}

/* Has nobody the right to run routines? Otherwise ch->wait is woken up for that. */
bool kmcl_done_ended(struct kmcl_channel *ch)
	__must_hold(&ch->tx.lock)
{
	bool ended = done_claim(ch);

	lockdep_assert_held(&ch->tx.lock);
	if (ended)
		kmcl_done_release(ch);
	return ended;
}

static bool done_idle(struct kmcl_channel *ch)
{
	unsigned long flags;
	bool idle;

	spin_lock_irqsave(&ch->tx.lock, flags);
	idle = list_empty(&ch->tx.done) && kmcl_done_ended(ch);
	spin_unlock_irqrestore(&ch->tx.lock, flags);
	return idle;
}

/* Wait until every completion routine that is due has returned. Sleeps. */
void kmcl_tx_wait_done(struct kmcl_channel *ch)
{
	kmcl_wait(ch, "completion routines to return", done_idle);
	tasklet_kill(&ch->tx.done_tasklet);
}

/*
 * Keep the packets of @unused, which have no routine, for the next allocations,
 * and free those that the cache does not take.
 */
static void recycle(struct kmcl_channel *ch, struct list_head *unused,
		    unsigned long *flags)
	__must_hold(&ch->tx.lock)
{
	struct kmcl_packet *pkt, *next;

	lockdep_assert_held(&ch->tx.lock);
	list_for_each_entry_safe(pkt, next, unused, item.node) {
		list_del_init(&pkt->item.node);
		if (kmcl_packet_recycle(pkt))
			continue;
		spin_unlock_irqrestore(&ch->tx.lock, *flags);
		kmcl_packet_destroy(pkt);
		spin_lock_irqsave(&ch->tx.lock, *flags);
	}
}

/*
 * Run the routines of @due, at most @budget of them, and move packets without
 * one to @unused, a burst of them at most. Returns what is left of @budget. The
 * caller has claimed that, and nobody else looks at these packets: tx.lock is
 * not held. Each belongs to the driver again when its routine is called.
 */
static u32 run_due(struct kmcl_channel *ch, struct list_head *due,
		   struct list_head *unused, u32 budget)
{
	struct list_head *node, *next;
	u32 n = 0;

	for (node = due->next; budget && node != due; node = next, budget--) {
		struct kmcl_packet *pkt = list_entry(node, struct kmcl_packet,
						     item.node);
		struct kmcl_context *reply = pkt->reply;
		kmcl_done_fn done = pkt->done;
		u32 len = pkt->len;

		next = node->next;
		trace_kmcl_complete(ch, pkt, pkt->status);
		pkt->reply = NULL;
		if (unlikely(!done)) {
			if (reply)
				kmcl_ctx_free(reply);
			list_add_tail(node, unused);
			if (++n < KMCL_TX_BURST)
				continue;
			node = next;
			budget--;
			break;
		}
		INIT_LIST_HEAD(node);
		WRITE_ONCE(pkt->state, KMCL_PKT_IDLE);
		done(pkt, pkt->status,
		     len ? (reply ? reply->buf : pkt->buf) : NULL, len);
		if (unlikely(reply))
			kmcl_ctx_free(reply);
	}
	/* Those that are left */
	due->next = node;
	node->prev = due;
	return budget;
}

/*
 * Run the completion routines that are due, at most @budget of them; the caller
 * has claimed that. Routines that send again could keep this running forever, so
 * after that the claim passes to the channel's tasklet. See tx_done.h for bottom
 * halves. All that are due are taken off the list at once, so that tx.lock is
 * not taken for each of them.
 */
static void run_claimed(struct kmcl_channel *ch, unsigned long flags, u32 budget)
	__releases(&ch->tx.lock)
{
	bool irqs_off = kmcl_done_irqs_off(flags);
	LIST_HEAD(unused);
	LIST_HEAD(due);

	lockdep_assert_held(&ch->tx.lock);
	if (!IS_ENABLED(CONFIG_PREEMPT_RT) && !irqs_off)
		local_bh_disable();
	WRITE_ONCE(ch->tx.done_task, in_task() ? current : NULL);
	for (;;) {
		list_splice_tail_init(&ch->tx.done, &due);
		if (list_empty(&due) || !budget)
			break;
		spin_unlock_irqrestore(&ch->tx.lock, flags);
		if (IS_ENABLED(CONFIG_PREEMPT_RT))
			local_bh_disable();
		budget = run_due(ch, &due, &unused, budget);
		if (IS_ENABLED(CONFIG_PREEMPT_RT))
			local_bh_enable();
		spin_lock_irqsave(&ch->tx.lock, flags);
		recycle(ch, &unused, &flags);
	}
	WRITE_ONCE(ch->tx.done_task, NULL);
	if (!list_empty(&due)) {
		list_splice(&due, &ch->tx.done);
		ch->tx.done_passed = true;
		tasklet_schedule(&ch->tx.done_tasklet);
	} else {
		kmcl_done_release(ch);
		/* No barrier: a waiter is queued, and checks under tx.lock */
		if (waitqueue_active(&ch->wait))
			wake_up_all(&ch->wait);
	}
	spin_unlock_irqrestore(&ch->tx.lock, flags);
	if (!IS_ENABLED(CONFIG_PREEMPT_RT) && !irqs_off)
		local_bh_enable();
}

/* How many routines the caller may run in a row, see tx_done.h */
static u32 done_budget(void)
{
	return IS_ENABLED(CONFIG_PREEMPT_RT) && in_task() ? 1 : KMCL_DONE_BUDGET;
}

static void done_tasklet(struct tasklet_struct *t)
{
	struct kmcl_channel *ch = container_of(t, struct kmcl_channel,
					       tx.done_tasklet);
	unsigned long flags;

	spin_lock_irqsave(&ch->tx.lock, flags);
	if (ch->tx.done_passed || done_claim(ch)) {
		ch->tx.done_passed = false;
		run_claimed(ch, flags, KMCL_DONE_BUDGET);
	} else {
		spin_unlock_irqrestore(&ch->tx.lock, flags);
	}
}

/*
 * The caller has run routines, and has the claim: signal the peer, if @signal, and run
 * those that have become due meanwhile.
 */
void kmcl_done_run_more(struct kmcl_channel *ch, bool signal)
{
	unsigned long flags;

	if (signal)
		kmcl_signal(ch);
	spin_lock_irqsave(&ch->tx.lock, flags);
	ch->tx.ring.signals += signal;
	run_claimed(ch, flags, done_budget() - 1);
}

void kmcl_tx_init(struct kmcl_channel *ch)
{
	spin_lock_init(&ch->tx.lock);
	ch->tx.sync_closed = true;
	INIT_LIST_HEAD(&ch->tx.queue);
	INIT_LIST_HEAD(&ch->tx.comps);
	ch->tx.mark.kind = KMCL_ITEM_COPYING;
	INIT_LIST_HEAD(&ch->tx.in_flight);
	INIT_LIST_HEAD(&ch->tx.syncs);
	INIT_LIST_HEAD(&ch->tx.done);
	kmcl_trans_init(ch);
	tasklet_setup(&ch->tx.done_tasklet, done_tasklet);
}

/* See kmcl_done_run() */
void kmcl_done_run_due(struct kmcl_channel *ch, unsigned long flags)
	__releases(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	if (done_claim(ch))
		run_claimed(ch, flags, done_budget());
	else
		spin_unlock_irqrestore(&ch->tx.lock, flags);
}

/* End a packet: add it to the done list, with @len bytes of completion data. */
void kmcl_done_add(struct kmcl_packet *pkt, int status, u32 len)
	__must_hold(&pkt->ch->tx.lock)
{
	struct kmcl_channel *ch = pkt->ch;

	lockdep_assert_held(&ch->tx.lock);
	kmcl_trans_end(pkt);
	pkt->state = KMCL_PKT_DONE;
	pkt->status = status;
	pkt->len = len;
	ch->tx.n.completed++;
	if (status == -ECANCELED)
		ch->tx.n.cancelled++;
	else if (status == -ENODEV)
		ch->tx.n.removed++;
	else if (status == -EPROTO)
		ch->tx.n.unanswered++;
	list_add_tail(&pkt->item.node, &ch->tx.done);
}

/*
 * Called after each of @n entries of a list: drop the lock for a moment when it
 * has been held for a burst, so that interrupts are handled, and others get it.
 */
void kmcl_tx_end_burst(struct kmcl_channel *ch, u64 n, unsigned long *flags)
	__must_hold(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	if (n % KMCL_TX_BURST)
		return;
	spin_unlock_irqrestore(&ch->tx.lock, *flags);
	spin_lock_irqsave(&ch->tx.lock, *flags);
}

/* Drop the completions that delivery has made. */
void kmcl_tx_drop_made(struct kmcl_channel *ch)
	__must_hold(&ch->tx.lock)
{
	struct kmcl_comps *made = &ch->tx.made;
	u32 added = READ_ONCE(made->added);

	lockdep_assert_held(&ch->tx.lock);
	ch->tx.n.comps_dropped += added - made->taken;
	WRITE_ONCE(made->taken, added);
}

/* Drop the driver's completions that wait: there is nobody for them. */
static void drop_comps(struct kmcl_channel *ch)
{
	struct kmcl_context *ctx;
	unsigned long flags;
	bool copying = false;

	spin_lock_irqsave(&ch->tx.lock, flags);
	kmcl_tx_drop_made(ch);
	spin_unlock_irqrestore(&ch->tx.lock, flags);
	for (;;) {
		spin_lock_irqsave(&ch->tx.lock, flags);
		ctx = list_first_entry_or_null(&ch->tx.comps,
					       struct kmcl_context, comp);
		if (ctx) {
			list_del(&ctx->comp);
			list_del(&ctx->item.node);
			ch->tx.n.comps_dropped++;
			copying = kmcl_copy_take(ch, &ctx->item);
		}
		spin_unlock_irqrestore(&ch->tx.lock, flags);
		if (!ctx)
			break;
		/* Otherwise who copies it frees it */
		if (!copying)
			kmcl_ctx_free(ctx);
	}
}

/*
 * The link is gone, but the peer may not have closed it: never release the pages
 * of a packet's external data, which it may still use.
 */
static void keep_pages(struct kmcl_packet *pkt)
{
	struct kmcl_channel *ch = pkt->ch;
	u64 bytes = kmcl_ext_bytes(pkt);
	unsigned long flags;

	if (!pkt->held && !kmcl_ext_hold(pkt)) {
		pr_err_ratelimited("%s: the host did not close the channel; it may still use %llu bytes of external data, which must not be freed: they are memory of kmalloc(), or blocks of pages without __GFP_COMP, which cannot be kept from being reused\n",
				   kmcl_name(ch), bytes);
		return;
	}
	/* These references are not dropped any more */
	pkt->held = false;
	spin_lock_irqsave(&ch->gpadl.lock, flags);
	ch->gpadl.packets_kept++;
	ch->gpadl.kept_bytes += bytes;
	spin_unlock_irqrestore(&ch->gpadl.lock, flags);
	pr_err_ratelimited("%s: the host did not close the channel; %llu bytes of external data are not used again, even if they are freed\n",
			   kmcl_name(ch), bytes);
}

/*
 * The packet is off the list of those in flight. Without the lock: there can be
 * many frames. Nobody else can end it, and no completion can find it.
 */
static void keep_external_data(struct kmcl_packet *pkt, unsigned long *flags)
	__must_hold(&pkt->ch->tx.lock)
{
	struct kmcl_channel *ch = pkt->ch;

	lockdep_assert_held(&ch->tx.lock);
	kmcl_trans_end(pkt);
	pkt->state = KMCL_PKT_DONE;
	spin_unlock_irqrestore(&ch->tx.lock, *flags);
	keep_pages(pkt);
	spin_lock_irqsave(&ch->tx.lock, *flags);
}

/*
 * End the packets in flight, since no completion will come. @keep_external: not
 * the packets with external data, whose memory the peer may still use. None are
 * added meanwhile.
 */
static void end_in_flight(struct kmcl_channel *ch, int status,
			  bool keep_external, unsigned long *flags)
	__must_hold(&ch->tx.lock)
{
	struct kmcl_packet *pkt;
	u64 left, n = 0;

	lockdep_assert_held(&ch->tx.lock);
	for (left = ch->tx.n.in_flight; left; left--) {
		pkt = list_first_entry_or_null(&ch->tx.in_flight,
					       struct kmcl_packet, item.node);
		/* Another caller may be ending them */
		if (!pkt)
			break;
		if (keep_external && pkt->ext_len) {
			/* Those that stay keep their order */
			list_move_tail(&pkt->item.node, &ch->tx.in_flight);
		} else {
			list_del(&pkt->item.node);
			if (pkt->ext_len && READ_ONCE(ch->link.kept))
				keep_external_data(pkt, flags);
			ch->tx.n.in_flight--;
			kmcl_done_add(pkt, status, 0);
		}
		kmcl_tx_end_burst(ch, ++n, flags);
	}
}

/*
 * The link is being taken down, and the gate is closed: end the packets in
 * flight, and drop the driver's completions that are still queued. Atomic.
 */
void kmcl_tx_fail_in_flight(struct kmcl_channel *ch, int status,
			    bool keep_external)
{
	unsigned long flags;

	kmcl_sync_abort(ch);
	drop_comps(ch);
	spin_lock_irqsave(&ch->tx.lock, flags);
	end_in_flight(ch, status, keep_external, &flags);
	kmcl_done_run(ch, flags);
}

/*
 * Nothing more is read from the incoming ring until the next opening, and so no
 * completion: end the packets in flight. The peer may still use external data,
 * so packets with that end with the link. Those that come later end in
 * tx_send.c, where numbers_end makes the sender look. Atomic.
 */
void kmcl_tx_no_answers(struct kmcl_channel *ch)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->tx.lock, flags);
	ch->tx.no_answers = true;
	ch->tx.numbers_end = 0;
	end_in_flight(ch, -EPROTO, true, &flags);
	kmcl_done_run(ch, flags);
}

/* The channel is freed: end the packets that are queued. */
void kmcl_tx_fail_queued(struct kmcl_channel *ch, int status)
{
	struct kmcl_packet *pkt;
	unsigned long flags;
	u64 n = 0;

	spin_lock_irqsave(&ch->tx.lock, flags);
	/* Routines that send again must not add to the queue */
	ch->tx.ending = true;
	while ((pkt = list_first_entry_or_null(&ch->tx.queue,
					       struct kmcl_packet, item.node))) {
		list_del(&pkt->item.node);
		kmcl_tx_unqueued(&ch->tx, pkt);
		kmcl_done_add(pkt, status, 0);
		kmcl_tx_end_burst(ch, ++n, &flags);
	}
	kmcl_done_run(ch, flags);
}

/* End a packet that is queued or in flight; false: it has ended already. */
bool kmcl_tx_take_back(struct kmcl_packet *pkt, int status)
{
	struct kmcl_channel *ch = pkt->ch;
	unsigned long flags;
	u8 state;

	spin_lock_irqsave(&ch->tx.lock, flags);
	/* A routine that is about to run has changed it without the lock */
	state = READ_ONCE(pkt->state);
	if (state != KMCL_PKT_QUEUED && state != KMCL_PKT_IN_FLIGHT) {
		spin_unlock_irqrestore(&ch->tx.lock, flags);
		return false;
	}
	if (state == KMCL_PKT_QUEUED)
		kmcl_tx_unqueued(&ch->tx, pkt);
	else
		ch->tx.n.in_flight--;
	list_del(&pkt->item.node);
	if (kmcl_copy_take(ch, &pkt->item)) {
		/* It ends when it is not read any more, see put_item() */
		pkt->state = KMCL_PKT_DONE;
		pkt->status = status;
	} else {
		kmcl_done_add(pkt, status, 0);
	}
	kmcl_done_run(ch, flags);
	return true;
}

/**
 * kmcl_packet_cancel() - end a packet that was sent and has not ended
 * @pkt: a packet with a completion routine, whose send call has returned 0; the
 *	routine, which may run meanwhile, must not free it or send it again before
 *	this returns
 * @status: a negative errno, for the routine
 *
 * A packet that is queued is not sent. One that the peer has, or will find in the
 * ring, is not taken back: its completion is dropped when it comes, and counted in
 * &kmcl_counters.comps_stale. For requests of drivers that cannot wait for the peer
 * any longer.
 *
 * Context: atomic.
 * Return: true: the routine is called with @status, perhaps before this returns;
 * false: the packet has ended, or has external data, which the peer may use until
 * it has completed the packet.
 */
bool kmcl_packet_cancel(struct kmcl_packet *pkt, int status)
{
	/* Not changed until the packet is sent again */
	if (pkt->ext_len)
		return false;
	return kmcl_tx_take_back(pkt, status);
}
EXPORT_SYMBOL_GPL(kmcl_packet_cancel);

/*
 * End all synchronous requests; none may wait until the next enable. Those that
 * have been ended and are still there are last: new ones come first. Atomic.
 */
void kmcl_sync_abort(struct kmcl_channel *ch)
{
	struct kmcl_sync *sync;
	unsigned long flags;
	u32 n = 0;

	spin_lock_irqsave(&ch->tx.lock, flags);
	ch->tx.sync_closed = true;
	while ((sync = list_first_entry_or_null(&ch->tx.syncs, struct kmcl_sync,
						node)) && !sync->aborted) {
		list_move_tail(&sync->node, &ch->tx.syncs);
		sync->aborted = true;
		wake_up_all(&sync->wake);
		kmcl_tx_end_burst(ch, ++n, &flags);
	}
	spin_unlock_irqrestore(&ch->tx.lock, flags);
}
