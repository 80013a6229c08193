// SPDX-License-Identifier: GPL-2.0
/*
 * What watches the callbacks of kmcl_traffic: whether they come where and when
 * the contract says, and the hooks, by which the user tells the next one what to
 * do.
 *
 * tr_enter(), tr_act() and tr_leave() run in any context, and take tr->lock for
 * what they count; whether tr_act() sleeps is the hook's. The rest runs in process
 * context.
 */
#include <linux/delay.h>
#include <linux/preempt.h>

#include "kmcl_traffic.h"

/* A callback that is never released goes on by itself, so that rmmod can */
#define TR_BLOCK_SEC	60
#define TR_SPIN_MAX_MS	200
#define TR_SLEEP_MAX_MS	60000
#define TR_HOOK_SENDS_MAX	100000

const char * const tr_event_names[TR_EVENTS] = {
	[TR_OPENED]		= "opened",
	[TR_CLOSED]		= "closed",
	[TR_SUSPEND]		= "suspend",
	[TR_STARTED]		= "started",
	[TR_POST_STARTED]	= "post_started",
	[TR_PNP_FAILURE]	= "pnp_failure",
	[TR_PROCESS]		= "process",
	[TR_PROCESSED]		= "processed",
	[TR_DONE]		= "done",
};

const char * const tr_action_names[TR_ACTIONS] = {
	[TR_NONE]		= "none",
	[TR_BLOCK]		= "block",
	[TR_SLEEP]		= "sleep",
	[TR_SPIN]		= "spin",
	[TR_FAIL]		= "fail",
	[TR_BLOCK_FAIL]		= "block-fail",
	[TR_DEFER]		= "defer",
	[TR_SEND]		= "send",
	[TR_SYNC]		= "sync",
	[TR_UNSHARE]		= "unshare",
	[TR_ENABLE]		= "enable",
};

/* Hooks */

/*
 * What a callback may be told to do. Whether the packet callbacks may sleep
 * depends on the channel's process context, which is the user's to choose.
 */
int tr_set_hook(struct tr *tr, enum tr_event event, enum tr_action action,
		unsigned int arg)
{
	bool state = event < TR_STATE_EVENTS, ok;

	switch (action) {
	case TR_FAIL:
		ok = event == TR_OPENED || event == TR_PROCESS;
		break;
	case TR_BLOCK_FAIL:
		ok = event == TR_OPENED;
		break;
	case TR_DEFER:
		ok = event == TR_PROCESS;
		break;
	case TR_SYNC:
		ok = event == TR_POST_STARTED;
		break;
	case TR_SEND:
		ok = state && arg <= TR_HOOK_SENDS_MAX;
		break;
	case TR_UNSHARE:
	case TR_ENABLE:
		ok = state;
		break;
	case TR_BLOCK:
	case TR_SLEEP:
		ok = event != TR_DONE && arg <= TR_SLEEP_MAX_MS;
		break;
	case TR_SPIN:
		ok = arg <= TR_SPIN_MAX_MS;
		break;
	default:
		ok = true;
	}
	if (!ok)
		return -EINVAL;

	spin_lock_irq(&tr->lock);
	tr->hook[event] = (struct tr_hook){ .action = action, .arg = arg };
	spin_unlock_irq(&tr->lock);
	return 0;
}

/* Every callback that sleeps goes on */
void tr_release(struct tr *tr)
{
	spin_lock_irq(&tr->lock);
	WRITE_ONCE(tr->release, tr->release + 1);
	spin_unlock_irq(&tr->lock);
	wake_up_all(&tr->wait);
}

static void block(struct tr *tr, enum tr_event event)
{
	unsigned int release;
	long left;

	spin_lock_irq(&tr->lock);
	release = tr->release;
	tr->blocked |= BIT(event);
	spin_unlock_irq(&tr->lock);

	/* Idle: it is meant to take long, and no hung task */
	left = wait_event_idle_timeout(tr->wait,
				       READ_ONCE(tr->release) != release,
				       TR_BLOCK_SEC * HZ);

	spin_lock_irq(&tr->lock);
	tr->blocked &= ~BIT(event);
	if (!left)
		tr->counts.block_timeouts++;
	spin_unlock_irq(&tr->lock);
}

void tr_count_hook(struct tr *tr, int result)
{
	unsigned long flags;

	spin_lock_irqsave(&tr->lock, flags);
	tr->counts.hooked++;
	tr->counts.hook_result = result;
	spin_unlock_irqrestore(&tr->lock, flags);
}

/* Do what the hook says; the result matters to opened alone */
int tr_act(struct tr *tr, enum tr_event event, struct tr_hook hook)
{
	int ret = 0;

	switch (hook.action) {
	case TR_BLOCK:
		block(tr, event);
		break;
	case TR_SLEEP:
		msleep(hook.arg);
		break;
	case TR_SPIN:
		mdelay(hook.arg);
		break;
	case TR_BLOCK_FAIL:
		block(tr, event);
		fallthrough;
	case TR_FAIL:
		ret = -EIO;
		break;
	case TR_NONE:
		return 0;
	default:
		break;
	}

	tr_count_hook(tr, ret);
	return hook.action == TR_FAIL || hook.action == TR_BLOCK_FAIL ? ret : 0;
}

/* What the contract says about the order of callbacks; tr->lock is held */
static bool in_order(struct tr *tr, enum tr_event event)
{
	bool ok;

	lockdep_assert_held(&tr->lock);
	switch (event) {
	case TR_OPENED:
		return (!tr->opened || tr->no_closed) && !tr->in_state;
	case TR_CLOSED:
		ok = tr->opened && !tr->started && !tr->in_state;
		tr->opened = false;
		return ok;
	case TR_STARTED:
		ok = tr->opened && !tr->started && !tr->in_state;
		tr->started = true;
		tr->posted = false;
		return ok;
	case TR_POST_STARTED:
		ok = tr->started && !tr->posted && !tr->in_state;
		tr->posted = true;
		return ok;
	case TR_SUSPEND:
		ok = tr->started && !tr->in_state;
		tr->started = false;
		return ok;
	case TR_PNP_FAILURE:
		return !tr->opened && !tr->in_state;
	case TR_PROCESS:
		return tr->started && !tr->in_process;
	case TR_PROCESSED:
		return tr->started && !tr->in_process;
	case TR_DONE:
		/* What is queued stays queued, and nothing else is left */
		return tr->opened || tr->ending;
	default:
		return true;
	}
}

/*
 * At the start of each callback: see where and when it comes, and what it shall
 * do. State and process callbacks are left with tr_leave().
 */
struct tr_hook tr_enter(struct tr *tr, enum tr_event event)
{
	bool atomic = in_interrupt() || preempt_count() || irqs_disabled();
	struct tr_counts *counts = &tr->counts;
	struct tr_hook hook;
	unsigned long flags;

	spin_lock_irqsave(&tr->lock, flags);
	counts->calls[event]++;
	if (event < TR_STATE_EVENTS ? atomic : in_hardirq())
		counts->bad_context[event]++;
	if (!in_order(tr, event))
		counts->bad_order++;
	if (event < TR_STATE_EVENTS)
		tr->in_state = true;
	else if (event == TR_PROCESS)
		tr->in_process = true;
	hook = tr->hook[event];
	/* What sleeps waits for a call that may */
	if (atomic && (hook.action == TR_BLOCK || hook.action == TR_SLEEP))
		hook.action = TR_NONE;
	else
		tr->hook[event].action = TR_NONE;
	spin_unlock_irqrestore(&tr->lock, flags);
	return hook;
}

void tr_leave(struct tr *tr, enum tr_event event)
{
	unsigned long flags;

	spin_lock_irqsave(&tr->lock, flags);
	if (event < TR_STATE_EVENTS)
		tr->in_state = false;
	else if (event == TR_PROCESS)
		tr->in_process = false;
	spin_unlock_irqrestore(&tr->lock, flags);
}
