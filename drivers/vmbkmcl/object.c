// SPDX-License-Identifier: GPL-2.0
/*
 * What all layers need of a channel: reference count, calls in progress, work
 * item, workqueues.
 *
 * The only lock that is taken here is ch->sm.lock. What waits sleeps, and so
 * may kmcl_settable(); everything else is atomic.
 */
#include <linux/sched.h>
#include <linux/slab.h>

#include "channel.h"

/* What runs where: see main.c */
struct workqueue_struct *kmcl_wq;
struct workqueue_struct *kmcl_server_wq;
struct workqueue_struct *kmcl_rx_wq;

void kmcl_channel_get(struct kmcl_channel *ch)
{
	kref_get(&ch->ref);
}

static void channel_release(struct kref *ref)
{
	struct kmcl_channel *ch = container_of(ref, struct kmcl_channel, ref);

	kfree(ch->cfg.name);
	kfree(ch);
}

void kmcl_channel_put(struct kmcl_channel *ch)
{
	kref_put(&ch->ref, channel_release);
}

/* Wait until @done is true; whoever makes it so wakes ch->wait up. Sleeps. */
void kmcl_wait(struct kmcl_channel *ch, bool (*done)(struct kmcl_channel *ch))
{
	wait_event(ch->wait, done(ch));
}

static bool taken_down(struct kmcl_channel *ch)
{
	return !READ_ONCE(ch->sm.closed_returned);
}

/*
 * For the driver, a channel is disabled once the last callback has returned.
 * Wait until the work item has taken down the rest of the link. Sleeps.
 */
void kmcl_wait_taken_down(struct kmcl_channel *ch)
{
	kmcl_wait(ch, taken_down);
}

/* See kmcl_settable_locked() */
bool kmcl_settable(struct kmcl_channel *ch)
{
	bool ok;

	if (!ch)
		return false;
	if (!kmcl_in_callback(ch))
		kmcl_wait_taken_down(ch);
	spin_lock_irq(&ch->sm.lock);
	ok = kmcl_settable_locked(ch);
	spin_unlock_irq(&ch->sm.lock);
	return ok;
}

/**
 * kmcl_kick() - queue the channel's work item
 * @ch: the channel
 *
 * Context: atomic. The queued work holds a reference to the channel.
 */
void kmcl_kick(struct kmcl_channel *ch)
{
	kmcl_channel_get(ch);
	if (!queue_work(ch->server ? kmcl_server_wq : kmcl_wq, &ch->sm.work))
		kmcl_channel_put(ch);
}

/*
 * A call that can wait, or that disabling ends, is counted from before it waits
 * until it does not use the channel any more. Process context, atomic.
 */
void kmcl_call_begin(struct kmcl_channel *ch)
{
	spin_lock_irq(&ch->sm.lock);
	ch->sm.calls++;
	spin_unlock_irq(&ch->sm.lock);
}

void kmcl_call_end(struct kmcl_channel *ch)
{
	spin_lock_irq(&ch->sm.lock);
	/* Under the lock: after that the channel may be freed */
	if (!--ch->sm.calls)
		wake_up_all(&ch->wait);
	spin_unlock_irq(&ch->sm.lock);
}

static bool no_calls(struct kmcl_channel *ch)
{
	bool none;

	spin_lock_irq(&ch->sm.lock);
	none = !ch->sm.calls;
	spin_unlock_irq(&ch->sm.lock);
	return none;
}

/* The channel is freed: wait until no call uses it any more. Sleeps. */
void kmcl_wait_calls(struct kmcl_channel *ch)
{
	kmcl_wait(ch, no_calls);
}

/* Is the caller inside a callback of this channel? */
bool kmcl_in_callback(struct kmcl_channel *ch)
{
	return READ_ONCE(ch->sm.worker) == current ||
	       READ_ONCE(ch->rx.task) == current ||
	       READ_ONCE(ch->tx.done_task) == current ||
	       READ_ONCE(ch->save.task) == current;
}
