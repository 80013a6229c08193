// SPDX-License-Identifier: GPL-2.0
/*
 * Synchronous requests.
 *
 * A request is a packet that the library allocates, and a record on the
 * caller's stack, which is in ch->tx.syncs while it waits, protected by
 * ch->tx.lock. kmcl_tx_matched() copies a reply to where the record says, before
 * it ends the packet. Disabling and a dead link end every wait at once, not in
 * the work item, since a callback that runs there, PostStarted or Suspend, may
 * be what waits. The caller then still uses the channel, so freeing that waits
 * for it (kmcl_call_begin()). A packet whose external data the peer may use for
 * longer than its caller waits stays in flight, without a record.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "channel.h"
#include "ext_wire.h"
#include "trace.h"

/* When to give up: @ns from now, or at that time of day (CLOCK_REALTIME) */
struct kmcl_limit {
	s64 ns;
	clockid_t clock;
};

/* May the packet be queued, and the caller wait? */
static bool limit_waits(const struct kmcl_limit *limit)
{
	return limit->ns || limit->clock == CLOCK_REALTIME;
}

static void sync_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	struct kmcl_sync *sync = pkt->sync;
	struct kmcl_channel *ch = pkt->ch;
	unsigned long flags;

	spin_lock_irqsave(&ch->tx.lock, flags);
	sync->status = status;
	sync->len = len;
	/* The result comes before; pairs with finished() */
	smp_store_release(&sync->finished, true);
	wake_up_all(&sync->wake);
	spin_unlock_irqrestore(&ch->tx.lock, flags);
}

/* The caller may have woken up for another reason while sync_done() runs */
static bool finished(const struct kmcl_sync *sync)
{
	return smp_load_acquire(&sync->finished);	/* see sync_done() */
}

/* Send the packet if there is room; neither queue it nor wait */
static int sync_try(struct kmcl_channel *ch, const void *buf, u32 len,
		    u32 flags)
{
	struct kmcl_packet *pkt;
	int ret;

	if (READ_ONCE(ch->tx.sync_closed))
		return -ENODEV;
	pkt = kmcl_packet_alloc(ch);
	if (!pkt)
		return -ENOMEM;
	ret = kmcl_submit(pkt, buf, len, 0, flags, false);
	if (ret)
		kmcl_packet_free(pkt);
	return ret;
}

/*
 * May the caller wait? If it is a state callback, only in PostStarted, during
 * which packets are sent, and in Suspend, during which they are queued, as in
 * Paused. In all other callbacks traffic waits until they return.
 */
static bool callback_may_wait(struct kmcl_channel *ch)
{
	enum kmcl_step cb = READ_ONCE(ch->sm.callback);

	return READ_ONCE(ch->sm.worker) != current || cb == KMCL_DO_CB_POST ||
	       cb == KMCL_DO_CB_SUSPEND;
}

static int sync_begin(struct kmcl_channel *ch, struct kmcl_sync *sync,
		      bool waits)
{
	unsigned long flags;
	int ret = 0;

	/* Waiting would never end where traffic waits for the caller */
	if (waits && (kmcl_rx_in_callback(&ch->rx) || !callback_may_wait(ch)))
		ret = -EDEADLK;
	spin_lock_irqsave(&ch->tx.lock, flags);
	if (ch->tx.sync_closed)
		ret = -ENODEV;
	else if (!ret)
		list_add(&sync->node, &ch->tx.syncs);
	spin_unlock_irqrestore(&ch->tx.lock, flags);
	return ret;
}

static void sync_end(struct kmcl_channel *ch, struct kmcl_sync *sync)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->tx.lock, flags);
	list_del(&sync->node);
	spin_unlock_irqrestore(&ch->tx.lock, flags);
}

static bool sync_over(const struct kmcl_sync *sync)
{
	return finished(sync) || READ_ONCE(sync->aborted);
}

/*
 * Timers may learn at the next tick only that the clock was set back. A sleep
 * that begins before that ends at once.
 */
static bool limit_passed(const struct kmcl_limit *limit)
{
	return limit->clock != CLOCK_REALTIME || ktime_get_real() >= limit->ns;
}

/*
 * 0 when woken, -ECANCELED at the time limit or when the task is killed. A
 * suspend freezes the task here instead of failing because of it.
 */
static int sync_wait(struct kmcl_sync *sync, const struct kmcl_limit *limit)
{
	ktime_t end = limit->ns, *expires = NULL;
	DEFINE_WAIT(wait);
	int ret;

	if (limit->clock == CLOCK_MONOTONIC)
		end = ktime_add_safe(ktime_get(), end);
	if (limit->ns != KMCL_NO_TIMEOUT)
		expires = &end;
	/* No macro of the kernel's is for this state and has a time limit */
	for (;;) {
		ret = prepare_to_wait_event(&sync->wake, &wait,
					    TASK_KILLABLE | TASK_FREEZABLE);
		if (ret || sync_over(sync))
			break;
		if (schedule_hrtimeout_range_clock(expires, 0, HRTIMER_MODE_ABS,
						   limit->clock))
			continue;
		if (limit_passed(limit)) {
			ret = -ETIME;
			break;
		}
		schedule_timeout_uninterruptible(1);
	}
	finish_wait(&sync->wake, &wait);
	return ret ? -ECANCELED : 0;
}

/* Of a packet that was left in flight: the peer does not use its memory now */
static void left_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	if (pkt->held)
		kmcl_ext_unhold(pkt);
	kmcl_packet_destroy(pkt);
}

/*
 * The caller gives up while the peer may use the external data. Leave the packet
 * in flight, with references on the pages, until the peer has answered or the
 * link is gone. False: the packet has no such data, or is not in flight.
 */
static bool leave_in_flight(struct kmcl_packet *pkt)
{
	struct kmcl_channel *ch = pkt->ch;
	unsigned long flags;
	bool held, left;

	if (!pkt->ext_len)
		return false;
	held = kmcl_ext_hold(pkt);
	spin_lock_irqsave(&ch->tx.lock, flags);
	left = pkt->state == KMCL_PKT_IN_FLIGHT;
	if (left) {
		pkt->held = held;
		pkt->sync = NULL;
		pkt->done = left_done;
	}
	spin_unlock_irqrestore(&ch->tx.lock, flags);
	if (!left && held)
		kmcl_ext_unhold(pkt);
	if (left && !held)
		pr_warn_ratelimited("%s: a request was given up whose external data the other side may use until the channel is closed; that memory must not be freed before: it is memory of kmalloc(), or blocks of pages without __GFP_COMP, which cannot be kept from being reused\n",
				    kmcl_name(ch));
	return left;
}

/* Queue or send the packet, and wait for its end, until the time limit */
static int sync_request(struct kmcl_channel *ch, struct kmcl_sync *sync,
			const void *buf, u32 len, const struct kmcl_mdl *mdl,
			u32 flags, const struct kmcl_limit *limit)
{
	bool waits = limit_waits(limit);
	struct kmcl_packet *pkt;
	int ret, ext_len = 0;

	pkt = kmcl_packet_new(ch, GFP_KERNEL);
	if (!pkt)
		return -ENOMEM;
	init_waitqueue_head(&sync->wake);
	pkt->done = sync_done;
	pkt->sync = sync;

	if (mdl)
		ext_len = kmcl_ext_from_mdl(pkt, mdl, len);
	ret = ext_len < 0 ? ext_len : sync_begin(ch, sync, waits);
	if (ret)
		goto free;
	ret = kmcl_submit(pkt, buf, len, ext_len, flags, waits);
	if (ret)
		goto end;
	if (waits)
		ret = sync_wait(sync, limit);
	else
		ret = -ECANCELED;
	/* Aborted, or at the time limit: take the packet back */
	if (!finished(sync)) {
		if (READ_ONCE(sync->aborted))
			ret = -ENODEV;
		if (leave_in_flight(pkt)) {
			sync_end(ch, sync);
			return ret ? ret : -ECANCELED;
		}
		kmcl_tx_take_back(pkt, ret ? ret : -ECANCELED);
	}
	/* Its routine may be about to run on another CPU */
	wait_event_state(sync->wake, finished(sync),
			 (TASK_IDLE | TASK_FREEZABLE));
	if (!ret || !sync->status)
		ret = sync->status;
	/* Closing may have ended the packet before the caller woke up */
	if (ret && READ_ONCE(sync->aborted))
		ret = -ENODEV;
end:
	sync_end(ch, sync);
free:
	kmcl_packet_destroy(pkt);
	return ret;
}

static int send_sync(struct kmcl_channel *ch, const void *buf, u32 len,
		     const struct kmcl_mdl *mdl, u32 flags, void *reply,
		     u32 *reply_len, const struct kmcl_limit *limit)
{
	bool may_wait = limit_waits(limit) || flags & KMCL_SEND_WAIT;
	struct kmcl_sync sync = {
		.reply = reply,
		.room = reply && reply_len ? *reply_len : 0,
	};
	int ret;

	if (!ch || (!buf && len))
		return -EINVAL;
	if (len > kmcl_max_payload(ch))
		return -EMSGSIZE;
	if (mdl && ch->cfg.pipe)
		return -EOPNOTSUPP;
	if (flags & ~(KMCL_SEND_WAIT | KMCL_SEND_PAGED) ||
	    (flags & KMCL_SEND_WAIT && ch->cfg.pipe) ||
	    (mdl && !(flags & KMCL_SEND_WAIT)) ||
	    (reply && (!reply_len || *reply_len % 8)))
		return -EINVAL;
	if (mdl && ch->server)
		return -EOPNOTSUPP;
	if (limit->ns < 0 || (ch->server && may_wait))
		return -EINVAL;
	if (!may_wait) {
		ret = sync_try(ch, buf, len, flags);
		trace_kmcl_sync(ch, limit->ns, ret);
		return ret;
	}
	/* It would wait for its own routine, which runs after the caller's */
	if (READ_ONCE(ch->tx.done_task) == current) {
		ret = READ_ONCE(ch->tx.sync_closed) ? -ENODEV : -EDEADLK;
		trace_kmcl_sync(ch, limit->ns, ret);
		return ret;
	}
	might_sleep();

	kmcl_call_begin(ch);
	ret = sync_request(ch, &sync, buf, len, mdl, flags, limit);
	if (!ret && reply_len) {
		*reply_len = reply ? sync.len : 0;
		if (reply && sync.len > sync.room)
			ret = -ENOSPC;
	}
	trace_kmcl_sync(ch, limit->ns, ret);
	kmcl_call_end(ch);
	return ret;
}

/**
 * kmcl_send_sync_mdl() - send external data and wait for the end
 *	(VmbChannelSendSynchronousRequest)
 * @ch: the channel
 * @buf: payload
 * @len: its bytes
 * @mdl: see kmcl_send_mdl(), or NULL. After -ECANCELED or -ENODEV the peer may
 *	use the memory until it has answered or the channel is closed; until
 *	then the library holds references on the pages, so that the memory may
 *	be freed at once, unless it is memory of kmalloc(), or blocks of pages
 *	that are not compound
 * @flags: as for kmcl_send(); with KMCL_SEND_WAIT it waits for the peer's
 *	completion, else until the packet is in the ring
 * @reply: kernel memory for the completion's data, or NULL; must not fault
 * @reply_len: in: bytes at @reply, a multiple of 8, which may be more than the
 *	packet size; out: bytes of the completion's data; may be NULL without
 *	@reply
 * @timeout_ns: time limit in nanoseconds; 0: neither queue nor wait;
 *	KMCL_NO_TIMEOUT: no limit
 *
 * While the channel waits for its device or is paused, and in the suspend
 * callback of a pause, the packet is queued like any other, until packets are
 * sent again, the time limit expires or the channel is closed. Nothing is sent
 * before the suspend callback returns: without a limit, only closing ends the
 * wait there.
 *
 * The task may be killed while it waits, and when the system is suspended it is
 * frozen there. So it must not hold a lock that is needed to suspend a device.
 *
 * Context: may sleep; with a timeout of 0 and without KMCL_SEND_WAIT, atomic.
 * Servers: only that.
 * Return: 0; -EAGAIN: timeout 0 and no room; -ECANCELED: the time limit has
 * expired, or the task is being killed; -ENODEV: the channel is or was closed;
 * -ENOSPC: the data was truncated, @reply_len has its size; -EDEADLK: waiting
 * in a state callback other than suspend and post-started, in the process
 * callback or in a completion routine; -EPROTO: with KMCL_SEND_WAIT: nothing is
 * received any more, see kmcl_send(); -ENOMEM; -EMSGSIZE: @len is above the
 * packet size; -EFAULT, -E2BIG: see kmcl_send_mdl(); -EOPNOTSUPP: @mdl on a
 * server or in pipe mode; -EINVAL: no channel, no buffer, flags as in
 * kmcl_send_mdl(), @reply without @reply_len or one that is no multiple of 8,
 * @timeout_ns below 0, or a server would wait.
 */
int kmcl_send_sync_mdl(struct kmcl_channel *ch, const void *buf, u32 len,
		       const struct kmcl_mdl *mdl, u32 flags, void *reply,
		       u32 *reply_len, s64 timeout_ns)
{
	const struct kmcl_limit limit = {
		.ns = timeout_ns,
		.clock = CLOCK_MONOTONIC,
	};

	return send_sync(ch, buf, len, mdl, flags, reply, reply_len, &limit);
}
EXPORT_SYMBOL_GPL(kmcl_send_sync_mdl);

/**
 * kmcl_send_sync_until() - send, and wait until a time of day
 * @ch: the channel
 * @buf: payload
 * @len: its bytes
 * @mdl: see kmcl_send_sync_mdl()
 * @flags: see there
 * @reply: see there
 * @reply_len: see there
 * @until: time limit, as ktime_get_real() counts; KTIME_MAX: no limit
 *
 * The limit follows the clock when that is set, forward or back, and it counts
 * the time for which the system is suspended. At a limit that has passed the
 * packet is sent or queued, and cancelled unless it has ended.
 *
 * Context: may sleep; not for servers.
 * Return: as kmcl_send_sync_mdl(); -EINVAL: also @until below 0.
 */
int kmcl_send_sync_until(struct kmcl_channel *ch, const void *buf, u32 len,
			 const struct kmcl_mdl *mdl, u32 flags, void *reply,
			 u32 *reply_len, ktime_t until)
{
	const struct kmcl_limit limit = {
		.ns = until,
		.clock = CLOCK_REALTIME,
	};

	return send_sync(ch, buf, len, mdl, flags, reply, reply_len, &limit);
}
EXPORT_SYMBOL_GPL(kmcl_send_sync_until);

/**
 * kmcl_send_sync() - send and wait, without external data
 * @ch: the channel
 * @buf: payload
 * @len: its bytes
 * @flags: see kmcl_send_sync_mdl()
 * @reply: see there
 * @reply_len: see there
 * @timeout_ns: see there
 *
 * Context: as kmcl_send_sync_mdl().
 * Return: as kmcl_send_sync_mdl().
 */
int kmcl_send_sync(struct kmcl_channel *ch, const void *buf, u32 len,
		   u32 flags, void *reply, u32 *reply_len, s64 timeout_ns)
{
	return kmcl_send_sync_mdl(ch, buf, len, NULL, flags, reply, reply_len,
				  timeout_ns);
}
EXPORT_SYMBOL_GPL(kmcl_send_sync);
