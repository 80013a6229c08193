// SPDX-License-Identifier: GPL-2.0
/*
 * What all layers need of a channel: reference count, calls in progress, work
 * item, workqueues, memory of packets and contexts.
 *
 * The only lock that is taken here is ch->sm.lock. What waits sleeps, and so
 * may kmcl_settable(); kmcl_item_alloc() allocates as @gfp says. Everything else
 * is atomic.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "channel.h"

/* What runs where: see main.c */
struct workqueue_struct *kmcl_wq;
struct workqueue_struct *kmcl_server_wq;
struct workqueue_struct *kmcl_rx_wq;

/*
 * A channel is just too large for a size of kmalloc(), which would give it up to twice
 * as much.
 */
static struct kmem_cache *channel_cache;

/* Channels that are not released, and one for the module */
static atomic_t channels = ATOMIC_INIT(1);
static DECLARE_COMPLETION(channels_gone);

/* Sleeps. Returns 0 or -ENOMEM. */
int kmcl_cache_init(void)
{
	channel_cache = kmem_cache_create("kmcl_channel",
					  sizeof(struct kmcl_channel), 0, 0,
					  NULL);
	return channel_cache ? 0 : -ENOMEM;
}

/*
 * Every channel was freed. Sleeps until all are released, for which the kernel takes
 * some seconds where it is built to (CONFIG_DEBUG_KOBJECT_RELEASE).
 */
void kmcl_cache_exit(void)
{
	if (!atomic_dec_and_test(&channels))
		wait_for_completion(&channels_gone);
	kmem_cache_destroy(channel_cache);
}

/* A channel of zeroes, or NULL. Sleeps. */
struct kmcl_channel *kmcl_channel_zalloc(void)
{
	struct kmcl_channel *ch = kmem_cache_zalloc(channel_cache, GFP_KERNEL);

	if (ch)
		atomic_inc(&channels);
	return ch;
}

/*
 * Memory for a packet or a context; NULL without a warning, since failure is
 * handled. What can wait gets pages that are not contiguous, if it must. What cannot
 * should ask for a page at most: larger blocks can be missing for long.
 */
void *kmcl_item_alloc(u32 bytes, gfp_t gfp)
{
	if (gfpflags_allow_blocking(gfp))
		return kvmalloc(bytes, gfp | __GFP_NOWARN);
	return kmalloc(bytes, gfp | __GFP_NOWARN);
}

/* @item: the start of the context, or its payload; a packet has no large blocks */
void kmcl_item_free(struct kmcl_item *item)
{
	static_assert(!offsetof(struct kmcl_context, item));

	/* kvfree() may sleep */
	if (is_vmalloc_addr(item))
		kvfree_rcu(item, rcu);
	else
		kfree(item);	/* of a cache, too */
}

void kmcl_channel_get(struct kmcl_channel *ch)
{
	kobject_get(&ch->kobj);
}

void kmcl_channel_release(struct kobject *kobj)
{
	struct kmcl_channel *ch = container_of(kobj, struct kmcl_channel, kobj);

	kfree(ch->cfg.name);
	kfree(ch->tx.made.ids);
	kmem_cache_free(channel_cache, ch);
	if (atomic_dec_and_test(&channels))
		complete(&channels_gone);
}

void kmcl_channel_put(struct kmcl_channel *ch)
{
	kobject_put(&ch->kobj);
}

/*
 * A driver may keep packets, or stay in a callback, for as long as it likes, and
 * so may a program that it serves. Waiting for that is no fault of the kernel's:
 * waits are idle, so that they are not reported as hung tasks. Instead the log
 * says what is waited for after this many jiffies, which only tests change.
 *
 * These waits are not freezable, unlike synchronous requests: a driver that is
 * being removed disables its channel with its device locked, and a suspend that
 * had frozen it would wait for that lock for ever. It fails instead.
 */
unsigned long kmcl_slow = 30 * HZ;

static const char *callback_text(enum kmcl_step callback)
{
	switch (callback) {
	case KMCL_DO_OPEN:
		return ", inside Opened";
	case KMCL_DO_CB_STARTED:
		return ", inside Started";
	case KMCL_DO_CB_POST:
		return ", inside PostStarted";
	case KMCL_DO_CB_SUSPEND:
		return ", inside Suspend";
	case KMCL_DO_CB_CLOSED:
		return ", inside Closed";
	case KMCL_DO_CB_FAILURE:
		return ", inside PnpFailure";
	default:
		return "";
	}
}

/* A function of the driver's, by which %ps names it, with its module */
void *kmcl_driver_function(const struct kmcl_channel *ch)
{
	const struct kmcl_channel_ops *ops = &ch->cfg.ops;

	return (void *)ops->opened ?: (void *)ops->closed ?:
	       (void *)ops->started ?: (void *)ops->post_started ?:
	       (void *)ops->suspend ?: (void *)ch->cfg.process;
}

/*
 * Say that something waits, and for what, at most once a minute per channel.
 * Atomic.
 */
void kmcl_still_waiting(struct kmcl_channel *ch, const char *fmt, ...)
{
	struct va_format what = { .fmt = fmt };
	unsigned long flags;
	const char *state;
	va_list args;
	bool tell;

	spin_lock_irqsave(&ch->sm.lock, flags);
	tell = !ch->sm.told ||
	       time_after_eq(jiffies, ch->sm.told + 2 * kmcl_slow);
	if (tell)
		ch->sm.told = jiffies ?: 1;
	state = kmcl_state_text(ch->server, ch->sm.state, &ch->sm.in);
	spin_unlock_irqrestore(&ch->sm.lock, flags);
	if (!tell)
		return;

	va_start(args, fmt);
	what.va = &args;
	pr_warn("%s: still waiting for %pV: state %s%s, %u packets not completed by the driver; device %pUl of class %pUl, driver with %ps\n",
		kmcl_name(ch), &what, state,
		callback_text(READ_ONCE(ch->sm.callback)),
		kmcl_rx_outstanding(&ch->rx), &ch->link.bound_instance,
		&ch->cfg.type, kmcl_driver_function(ch));
	va_end(args);
}

/* Wait until @done is true; whoever makes it so wakes ch->wait up. Sleeps. */
void kmcl_wait(struct kmcl_channel *ch, const char *what,
	       bool (*done)(struct kmcl_channel *ch))
{
	while (!wait_event_idle_timeout(ch->wait, done(ch), kmcl_slow))
		kmcl_still_waiting(ch, "%s", what);
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
	kmcl_wait(ch, "the rest of the link to be taken down", taken_down);
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
 * Inside the work item, and so in the channel's callbacks, this does nothing: it
 * looks what has happened until nothing has.
 *
 * Context: atomic. The queued work holds a reference to the channel.
 */
void kmcl_kick(struct kmcl_channel *ch)
{
	if (current_work() == &ch->sm.work)
		return;
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
	kmcl_wait(ch, "calls in other threads to return", no_calls);
}

/* Is the caller inside a callback of this channel? */
bool kmcl_in_callback(struct kmcl_channel *ch)
{
	return READ_ONCE(ch->sm.worker) == current ||
	       kmcl_rx_in_callback(&ch->rx) ||
	       READ_ONCE(ch->tx.done_task) == current ||
	       READ_ONCE(ch->save.task) == current;
}
