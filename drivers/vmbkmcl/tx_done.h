/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The right to run completion routines, which ch->tx.done_state represents.
 *
 * One caller at a time claims it, under tx.lock, and releases it, without the lock
 * if it can. Whoever finds it claimed, under the lock, and has added a packet to the
 * done list, or waits for the routines to return, sets ch->tx.done_attention, for
 * the owner to look at the list again. Once it is released the channel may be freed.
 *
 * Releasing it takes no atomic operation, but a full barrier, which a sender needs
 * anyway to see whether the peer wants a signal. The two sides are
 *
 *	owner				another caller, under tx.lock
 *	done_state = KMCL_DONE_ENDING	done_attention = true
 *	full barrier			full barrier
 *	read done_attention		read done_state
 *
 * So if the owner does not see the attention and releases the claim, the other one
 * sees KMCL_DONE_ENDING, or what comes after it; if he sees KMCL_DONE_BUSY, the owner
 * sees the attention, and takes the lock. KMCL_DONE_ENDING tells him nothing, and
 * does not last: he leaves the rest to the channel's tasklet, which tries again.
 * The owner is in no routine then, and is not preempted.
 *
 * A sender looks at the ring once more before it releases the claim. So disconnecting
 * the rings waits for that.
 *
 * Routines run with bottom halves off, wherever they are found due, since that
 * is how a driver knows them: a plain spinlock is enough between a routine and
 * what it does in softirqs. They are switched off before tx.lock is dropped, and
 * on again when the claim is released or has passed to the tasklet. So nobody
 * is preempted while he has the claim, and a task of low priority does not delay
 * the routines of all others. If the caller has interrupts off, so are bottom
 * halves, which must not be switched on there.
 *
 * On PREEMPT_RT, tasks are preempted nevertheless, and bottom halves must not be
 * switched off under a spinlock. There a task runs one routine and leaves the
 * others to the tasklet.
 *
 * Only this header changes ch->tx.done_state. The functions are inline for
 * kmcl_submit(), on which the speed of sending depends. All are atomic.
 */
#ifndef _KMCL_TX_DONE_H
#define _KMCL_TX_DONE_H

#include <linux/atomic.h>
#include <linux/bottom_half.h>
#include <linux/irqflags.h>
#include <linux/preempt.h>
#include <linux/sched.h>

#include "channel.h"
#include "trace.h"

enum kmcl_done_state {
	KMCL_DONE_FREE,
	KMCL_DONE_BUSY,
	KMCL_DONE_ENDING,		/* see above */
};

/*
 * No caller runs routines, or waits for them to return. The acquire makes the
 * next routine see what the last one did, whose caller may have released the
 * right without tx.lock.
 */
static inline bool kmcl_done_quiet(const struct kmcl_channel *ch)
{
	/* Pairs with kmcl_done_release() and kmcl_done_end() */
	return smp_load_acquire(&ch->tx.done_state) == KMCL_DONE_FREE;
}

/* Release the claim under the lock. Whatever asked for attention has got it. */
static inline void kmcl_done_release(struct kmcl_channel *ch)
	__must_hold(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	ch->tx.done_attention = false;
	/* Pairs with kmcl_done_quiet() */
	smp_store_release(&ch->tx.done_state, KMCL_DONE_FREE);
}

bool kmcl_done_ended(struct kmcl_channel *ch) __must_hold(&ch->tx.lock);

/* Does the caller run with interrupts off? @flags: of spin_lock_irqsave() */
static inline bool kmcl_done_irqs_off(unsigned long flags)
{
	return !IS_ENABLED(CONFIG_PREEMPT_RT) && irqs_disabled_flags(flags);
}

void kmcl_done_run_due(struct kmcl_channel *ch, unsigned long flags)
	__releases(&ch->tx.lock);
void kmcl_done_run_more(struct kmcl_channel *ch, bool signal);

/*
 * Release tx.lock, and run the completion routines that are due, unless another
 * caller does, which will run these as well. The channel may be freed then.
 */
static inline void kmcl_done_run(struct kmcl_channel *ch, unsigned long flags)
	__releases(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	if (list_empty(&ch->tx.done))
		spin_unlock_irqrestore(&ch->tx.lock, flags);
	else
		kmcl_done_run_due(ch, flags);
}

/* End a packet that is in the ring and needs no completion: its routine is due. */
static inline void kmcl_done_written(struct kmcl_packet *pkt)
	__must_hold(&pkt->ch->tx.lock)
{
	struct kmcl_channel *ch = pkt->ch;

	lockdep_assert_held(&ch->tx.lock);
	pkt->state = KMCL_PKT_DONE;
	pkt->status = 0;
	pkt->len = 0;
	ch->tx.n.completed++;
	list_add_tail(&pkt->item.node, &ch->tx.done);
}

/*
 * May the caller run routines of its own at once, without the done list? Nobody
 * else claims the right before tx.lock is released. @flags: of spin_lock_irqsave()
 */
static inline bool kmcl_done_direct(const struct kmcl_channel *ch,
				    unsigned long flags)
	__must_hold(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	return list_empty(&ch->tx.done) && kmcl_done_quiet(ch) &&
	       !kmcl_done_irqs_off(flags);
}

/*
 * Claim the right to run routines, and release tx.lock; kmcl_done_direct() was
 * true. kmcl_done_end() releases the claim. @bh: bottom halves may be on; not on
 * PREEMPT_RT otherwise.
 */
static __always_inline void kmcl_done_begin(struct kmcl_channel *ch,
					    unsigned long flags, bool bh)
	__releases(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	WRITE_ONCE(ch->tx.done_state, KMCL_DONE_BUSY);
	WRITE_ONCE(ch->tx.done_task, in_task() ? current : NULL);
	if (!IS_ENABLED(CONFIG_PREEMPT_RT) && bh)
		local_bh_disable();
	spin_unlock_irqrestore(&ch->tx.lock, flags);
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		local_bh_disable();
}

/*
 * Release the claim. @shown: the caller has made packets visible to the peer since
 * kmcl_done_begin(), when ring->shared was @old, and has not looked since then whether
 * the peer wants a signal.
 */
static __always_inline void kmcl_done_end(struct kmcl_channel *ch, bool bh,
					  bool shown, u32 old)
{
	bool signal, more;

	WRITE_ONCE(ch->tx.done_task, NULL);
	/* There bottom halves that are off do not keep it from being preempted */
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		preempt_disable();
	WRITE_ONCE(ch->tx.done_state, KMCL_DONE_ENDING);
	/* Pairs with done_claim(); for the ring, see kmcl_ring_commit() */
	virt_mb();
	signal = shown && kmcl_ring_asks(&ch->tx.ring, old);
	more = signal || READ_ONCE(ch->tx.done_attention);
	/* Pairs with kmcl_done_quiet() */
	smp_store_release(&ch->tx.done_state,
			  unlikely(more) ? KMCL_DONE_BUSY : KMCL_DONE_FREE);
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		preempt_enable();
	if (unlikely(more))
		kmcl_done_run_more(ch, signal);
	if (bh)
		local_bh_enable();
}

#endif
