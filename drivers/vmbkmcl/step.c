// SPDX-License-Identifier: GPL-2.0
/*
 * Runs the state machine: one work item per channel.
 *
 * Callers and transports only record what they want or have seen (ch->sm.in,
 * under ch->sm.lock) and queue the work item. Only the work item changes
 * ch->sm.state and calls the state callbacks, in process context with no lock.
 * Its steps set up and take down the link (ch->tx.ring, ch->rx.ring,
 * ch->link.connected), which nothing else does.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/sched.h>

#include "channel.h"
#include "trace.h"

static void count(struct kmcl_channel *ch, u64 *counter)
{
	spin_lock_irq(&ch->sm.lock);
	(*counter)++;
	spin_unlock_irq(&ch->sm.lock);
}

static void callback(struct kmcl_channel *ch, enum kmcl_step which,
		     void (*fn)(struct kmcl_channel *ch))
{
	if (!fn)
		return;
	WRITE_ONCE(ch->sm.callback, which);
	WRITE_ONCE(ch->sm.worker, current);
	trace_kmcl_callback(ch, which, true, 0);
	fn(ch);
	trace_kmcl_callback(ch, which, false, 0);
	WRITE_ONCE(ch->sm.worker, NULL);
	WRITE_ONCE(ch->sm.callback, KMCL_DO_END);
}

static void callback_failure(struct kmcl_channel *ch)
{
	int status = ch->sm.open_error;

	if (!ch->cfg.pnp_failure)
		return;
	WRITE_ONCE(ch->sm.callback, KMCL_DO_CB_FAILURE);
	WRITE_ONCE(ch->sm.worker, current);
	trace_kmcl_callback(ch, KMCL_DO_CB_FAILURE, true, status);
	ch->cfg.pnp_failure(ch, status);
	trace_kmcl_callback(ch, KMCL_DO_CB_FAILURE, false, status);
	WRITE_ONCE(ch->sm.closed_returned, true);
	WRITE_ONCE(ch->sm.worker, NULL);
	WRITE_ONCE(ch->sm.callback, KMCL_DO_END);
}

/* Server: give the client the result of its open. */
static void answer(struct kmcl_channel *ch, int result)
{
	ch->link.offer->ops->server->answer(ch->link.offer, result);
}

/* Must GPADLs be deleted before the rings are disconnected? */
static bool old_peer(const struct kmcl_channel *ch)
{
	struct kmcl_offer *offer = ch->link.offer;

	return !ch->server && offer->ops->gpadls_first &&
	       offer->ops->gpadls_first(offer);
}

/* Record whether the rings are connected */
static void set_up(struct kmcl_channel *ch, bool up)
{
	bool old = up && old_peer(ch);

	spin_lock_irq(&ch->sm.lock);
	ch->sm.in.up = up;
	ch->sm.in.old = old;
	spin_unlock_irq(&ch->sm.lock);
}

/* Connect, and call the opened callback; returns the resulting event */
static enum kmcl_event open_link(struct kmcl_channel *ch)
{
	int ret;

	kmcl_rx_attach(ch);
	ret = kmcl_connect(ch);
	spin_lock_irq(&ch->sm.lock);
	ch->sm.in.link = false;
	spin_unlock_irq(&ch->sm.lock);
	if (ret) {
		if (ret == -ENODEV) {
			/* The transport may report the rescind later */
			if (!ch->server)
				kmcl_bus_broken(ch);
			kmcl_link_dead(ch);
			return KMCL_EV_NONE;
		}
		ch->sm.open_error = ret;
		count(ch, &ch->sm.n.open_failures);
		pr_warn_ratelimited("%s: opening failed (%d); the channel is disabled\n",
				    kmcl_name(ch), ret);
		return KMCL_EV_OPEN_REFUSED;
	}
	set_up(ch, true);
	kmcl_gpadl_admit(ch);

	if (ch->cfg.ops.opened) {
		WRITE_ONCE(ch->sm.callback, KMCL_DO_OPEN);
		WRITE_ONCE(ch->sm.worker, current);
		trace_kmcl_callback(ch, KMCL_DO_OPEN, true, 0);
		ret = ch->cfg.ops.opened(ch);
		trace_kmcl_callback(ch, KMCL_DO_OPEN, false, ret);
		WRITE_ONCE(ch->sm.worker, NULL);
		WRITE_ONCE(ch->sm.callback, KMCL_DO_END);
	}
	if (ret < 0) {
		count(ch, &ch->sm.n.open_failures);
		WRITE_ONCE(ch->sm.closed_returned, !ch->server);
		return ch->sm.in.old ? KMCL_EV_OPEN_UNDONE_OLD :
			KMCL_EV_OPEN_UNDONE;
	}
	/* Allows completions to be sent; packets wait for the gate */
	kmcl_tx_attach(ch);
	if (ch->server)
		answer(ch, 0);
	count(ch, &ch->sm.n.opens);
	kmcl_bus_opened(ch);
	return KMCL_EV_OPEN_OK;
}

/* @next: the state that follows. The inputs may have changed since it was chosen. */
static enum kmcl_close_cause close_cause(const struct kmcl_channel *ch,
					 enum kmcl_state next)
{
	if (!ch->server && next == KMCL_ST_ENABLED)
		return KMCL_CLOSE_HIBERNATE;
	if (ch->sm.in.dead_first)
		return ch->server || READ_ONCE(ch->link.offer->rescinded) ?
			KMCL_CLOSE_PEER : KMCL_CLOSE_UNBOUND;
	return KMCL_CLOSE_DISABLE;
}

static void closed(struct kmcl_channel *ch, enum kmcl_state next)
{
	spin_lock_irq(&ch->sm.lock);
	ch->sm.cause = close_cause(ch, next);
	spin_unlock_irq(&ch->sm.lock);
	count(ch, &ch->sm.n.closes);
	/* If the driver disabled before the link died, that is no rescind */
	if (ch->sm.in.dead_first)
		count(ch, &ch->sm.n.rescinds);
	callback(ch, KMCL_DO_CB_CLOSED, ch->cfg.ops.closed);
	WRITE_ONCE(ch->sm.closed_returned, true);
}

static void release(struct kmcl_channel *ch)
{
	kmcl_tx_fail_in_flight(ch, ch->sm.in.dead_first ? -ENODEV : -ECANCELED,
			       false);
	kmcl_tx_wait_done(ch);
	kmcl_packets_trim(ch);
}

static void unbind(struct kmcl_channel *ch)
{
	kmcl_mmio_free(ch);
	kmcl_unbind(ch);
	/* No rescind is reported any more, and the last one was handled */
	tasklet_kill(&ch->link.dead_tasklet);
	spin_lock_irq(&ch->sm.lock);
	ch->sm.in.link = false;
	ch->sm.in.dead = false;
	ch->sm.in.dead_first = false;
	ch->sm.in.lost = false;
	ch->sm.in.frozen = false;
	spin_unlock_irq(&ch->sm.lock);
}

/* Record whether the post-started callback is due */
static void set_post(struct kmcl_channel *ch, bool post)
{
	spin_lock_irq(&ch->sm.lock);
	ch->sm.in.post = post;
	spin_unlock_irq(&ch->sm.lock);
}

/* Execute one step; returns the event that results, if any */
static enum kmcl_event run_step(struct kmcl_channel *ch, enum kmcl_step step,
				enum kmcl_state next)
{
	switch (step) {
	case KMCL_DO_SEEK:
		kmcl_seek(ch);
		break;
	case KMCL_DO_REVOKE:
		ch->link.offer->ops->server->revoke(ch->link.offer);
		break;
	case KMCL_DO_RETIRE:
		kmcl_retire(ch);
		break;
	case KMCL_DO_OPEN:
		return open_link(ch);
	case KMCL_DO_REFUSE:
		answer(ch, -ECONNREFUSED);
		break;
	case KMCL_DO_CB_STARTED:
		kmcl_save_stop(ch);
		callback(ch, step, ch->cfg.ops.started);
		break;
	case KMCL_DO_GATES:
		kmcl_tx_gate(ch, true);
		kmcl_tx_flush(ch);
		set_post(ch, true);
		kmcl_rx_start(ch);
		break;
	case KMCL_DO_CB_POST:
		set_post(ch, false);
		callback(ch, step, ch->cfg.ops.post_started);
		break;
	case KMCL_DO_SHUT:
		kmcl_save_stop(ch);
		kmcl_rx_stop(ch);
		kmcl_tx_gate(ch, false);
		break;
	case KMCL_DO_CB_SUSPEND:
		callback(ch, step, ch->cfg.ops.suspend);
		break;
	case KMCL_DO_DRAIN:
		kmcl_rx_drain(ch);
		break;
	case KMCL_DO_CANCEL:
		kmcl_tx_fail_in_flight(ch, -ECANCELED, kmcl_memory_in_use(ch));
		break;
	case KMCL_DO_REMOVE:
		kmcl_tx_fail_in_flight(ch, -ENODEV, kmcl_memory_in_use(ch));
		break;
	case KMCL_DO_GPADL_SHUT:
		kmcl_gpadl_shut(ch);
		break;
	case KMCL_DO_WAIT_DONE:
		kmcl_tx_wait_done(ch);
		break;
	case KMCL_DO_CB_CLOSED:
		closed(ch, next);
		break;
	case KMCL_DO_GPADL_END:
		kmcl_gpadl_cleanup(ch);
		break;
	case KMCL_DO_DISCONNECT:
		kmcl_disconnect(ch);
		kmcl_packets_trim(ch);
		set_up(ch, false);
		break;
	case KMCL_DO_RELEASE:
		release(ch);
		break;
	case KMCL_DO_MMIO_FREE:
		kmcl_mmio_free(ch);
		break;
	case KMCL_DO_UNBIND:
		unbind(ch);
		break;
	case KMCL_DO_CB_FAILURE:
		callback_failure(ch);
		break;
	default:
		break;
	}
	return KMCL_EV_NONE;
}

/* Enter @next, and clear the inputs that are handled by that */
static void enter(struct kmcl_channel *ch, enum kmcl_event ev,
		  enum kmcl_state next)
	__must_hold(&ch->sm.lock)
{
	lockdep_assert_held(&ch->sm.lock);
	ch->sm.state = next;
	if (next == KMCL_ST_DISABLED || ev == KMCL_EV_DONE_DEAD ||
	    ev == KMCL_EV_DONE_FREEZE || ev == KMCL_EV_DONE_FREEZE_OLD)
		WRITE_ONCE(ch->sm.closed_returned, false);
	if (next == KMCL_ST_PAUSED)
		kmcl_save_start(ch);
	kmcl_arrive(ch->server, ev, next, &ch->sm.in);
	if (next == KMCL_ST_DISABLED) {
		ch->sm.disables++;
	} else if (ch->server && next == KMCL_ST_ENABLED &&
		   (ev == KMCL_EV_DEAD || ev == KMCL_EV_DONE_DEAD)) {
		/* As before the open, unless the channel is being disabled */
		spin_lock(&ch->tx.lock);
		ch->tx.sync_closed = ch->sm.in.disable;
		spin_unlock(&ch->tx.lock);
	}
}

static void run_event(struct kmcl_channel *ch, enum kmcl_event ev)
{
	const struct kmcl_transition *t;
	enum kmcl_event outcome;
	enum kmcl_state from;
	unsigned long flags;
	const u8 *step;

	while (ev != KMCL_EV_NONE) {
		outcome = KMCL_EV_NONE;
		from = ch->sm.state;
		t = kmcl_transition(ch->server, from, ev);
		if (WARN_ON_ONCE(!t))
			return;
		for (step = t->steps; *step != KMCL_DO_END; step++)
			outcome = run_step(ch, *step, t->next);
		trace_kmcl_state(ch, from, ev, t->next);
		/* Also after a failed open, since nothing will be sent */
		if (t->next == KMCL_ST_DISABLED)
			kmcl_sync_abort(ch);
		spin_lock_irqsave(&ch->sm.lock, flags);
		enter(ch, ev, t->next);
		spin_unlock_irqrestore(&ch->sm.lock, flags);
		ev = outcome;
	}
}

/*
 * Handle what has happened, until nothing is left; one instance per channel.
 * Drops the reference that kmcl_kick() took.
 */
static void channel_work(struct work_struct *work)
{
	struct kmcl_channel *ch = container_of(work, struct kmcl_channel, sm.work);
	enum kmcl_event ev;
	unsigned long flags;

	for (;;) {
		spin_lock_irqsave(&ch->sm.lock, flags);
		ev = kmcl_next_event(ch->sm.state, &ch->sm.in);
		if (ev == KMCL_EV_NONE)
			ch->sm.idle_runs++;
		spin_unlock_irqrestore(&ch->sm.lock, flags);
		wake_up_all(&ch->wait);
		if (ev == KMCL_EV_NONE)
			break;
		run_event(ch, ev);
	}
	kmcl_channel_put(ch);
}

void kmcl_work_init(struct kmcl_channel *ch)
{
	spin_lock_init(&ch->sm.lock);
	ch->sm.in.run = !ch->server;
	INIT_WORK(&ch->sm.work, channel_work);
}
