// SPDX-License-Identifier: GPL-2.0
/*
 * Checks of the callbacks of kmcl_traffic: whether they are called in the
 * context and the order of the contract; and hooks, with which the user sets an
 * action for the next call of a callback.
 *
 * tr_enter(), tr_act() and tr_leave() run in any context, and take tr->lock to
 * count; tr_act() sleeps if the action does. Everything else runs in process
 * context.
 */
#include <linux/delay.h>
#include <linux/preempt.h>
#include <linux/suspend.h>

#include "kmcl_traffic.h"

/* A callback that is never released continues after this, so that rmmod can */
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
	[TR_FLUSH]		= "flush",
	[TR_SPIN]		= "spin",
	[TR_FAIL]		= "fail",
	[TR_BLOCK_FAIL]		= "block-fail",
	[TR_DEFER]		= "defer",
	[TR_SEND]		= "send",
	[TR_SYNC]		= "sync",
	[TR_UNSHARE]		= "unshare",
	[TR_ENABLE]		= "enable",
	[TR_WAKE]		= "wake",
};

/* Hooks */

/*
 * Set the action for the next call of a callback. Whether the process callbacks
 * may sleep depends on the "passive" setting of the channel, so it is not
 * checked.
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
	case TR_FLUSH:
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

/* Release every blocked callback */
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

	/* Idle, so that it is not reported as a hung task */
	left = wait_event_idle_timeout(tr->wait,
				       READ_ONCE(tr->release) != release,
				       TR_BLOCK_SEC * HZ);

	spin_lock_irq(&tr->lock);
	tr->blocked &= ~BIT(event);
	if (!left)
		tr->counts.block_timeouts++;
	spin_unlock_irq(&tr->lock);
}

struct tr_slow_work {
	struct work_struct work;
	unsigned int ms;
};

static void slow_work(struct work_struct *work)
{
	msleep(container_of(work, struct tr_slow_work, work)->ms);
}

/* Queue ordinary work and wait for it, as drivers do when their device goes */
static void flush(unsigned int ms)
{
	struct tr_slow_work slow = { .ms = ms };

	INIT_WORK_ONSTACK(&slow.work, slow_work);
	schedule_work(&slow.work);
	flush_work(&slow.work);
	destroy_work_on_stack(&slow.work);
}

void tr_count_hook(struct tr *tr, int result)
{
	unsigned long flags;

	spin_lock_irqsave(&tr->lock, flags);
	tr->counts.hooked++;
	tr->counts.hook_result = result;
	spin_unlock_irqrestore(&tr->lock, flags);
}

/* Execute the action; only the opened callback uses the result */
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
	case TR_FLUSH:
		flush(hook.arg);
		break;
	case TR_SPIN:
		mdelay(hook.arg);
		break;
	case TR_WAKE:
		pm_system_wakeup();
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

/* Check the order of callbacks, and note this one */
static bool in_order(struct tr *tr, enum tr_event event)
	__must_hold(&tr->lock)
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
		/* Closed leaves packets only in the queue, which stays as it is */
		return tr->opened || tr->ending;
	default:
		return true;
	}
}

/*
 * Called first in each callback: check its context and order, and get its
 * action. State and process callbacks call tr_leave() at their end.
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
	/* An action that sleeps stays set for the next call that may sleep */
	if (atomic && (hook.action == TR_BLOCK || hook.action == TR_SLEEP ||
		       hook.action == TR_FLUSH))
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
