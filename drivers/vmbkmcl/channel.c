// SPDX-License-Identifier: GPL-2.0
/*
 * Channel objects: allocate, set up, enable, disable, start, pause, free.
 *
 * Requests are recorded in ch->sm.in under ch->sm.lock; step.c executes them.
 * All but allocating refuses to run in a callback of the same channel. The
 * settings, see struct kmcl_cfg, need no lock.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/export.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "channel.h"
#include "ext_wire.h"
#include "face.h"

static void default_process(struct kmcl_channel *ch,
			    struct kmcl_context *ctx, void *buf, u32 len,
			    u32 flags)
{
	kmcl_complete(ctx, NULL, 0);
}

/**
 * kmcl_channel_alloc() - allocate a channel, disabled (VmbChannelAllocate)
 * @parent: device that the channel belongs to; referenced until
 *	kmcl_channel_free(); may be NULL. A client without a target binds to
 *	its parent, which must be a VMBus device; the device's driver must free
 *	the channel in its remove function
 * @is_server: a server endpoint, on the loopback bus
 * @chp: set to the channel, which the caller owns until kmcl_channel_free()
 *
 * Context: may sleep.
 * Return: 0; -ENOMEM; -EINVAL: no @chp.
 */
int kmcl_channel_alloc(struct device *parent, bool is_server,
		       struct kmcl_channel **chp)
{
	struct kmcl_channel *ch;

	might_sleep();
	if (!chp)
		return -EINVAL;
	ch = kmcl_channel_zalloc();
	if (!ch)
		return -ENOMEM;

	kmcl_sysfs_prepare(ch);
	ch->server = is_server;
	ch->parent = get_device(parent);
	ch->cfg.process = default_process;
	ch->cfg.max_payload = KMCL_DEFAULT_PACKET_SIZE;
	ch->cfg.max_packet = KMCL_DEFAULT_PACKET_SIZE;
	ch->cfg.ext_data = KMCL_DEFAULT_EXT_DATA;
	ch->cfg.ext_chain = KMCL_DEFAULT_EXT_CHAIN;
	init_waitqueue_head(&ch->wait);
	kmcl_tx_init(ch);
	kmcl_rx_init(ch);
	kmcl_gpadl_init(ch);
	kmcl_save_init(ch);
	kmcl_link_init(ch);
	kmcl_work_init(ch);
	kmcl_bus_add_channel(ch);
	kmcl_sysfs_add(ch);
	*chp = ch;
	return 0;
}
EXPORT_SYMBOL_GPL(kmcl_channel_alloc);

/* Refuse calls that wait for callbacks inside a callback */
static bool refused(struct kmcl_channel *ch, const char *what)
{
	if (!in_interrupt() && !kmcl_in_callback(ch))
		return false;
	pr_err_ratelimited("%s: %s called from a callback of its own channel or in atomic context; it was ignored\n",
			   kmcl_name(ch), what);
	return true;
}

/*
 * Under the lock, under which the work item changes it: what the callbacks did
 * before that is then visible to the driver.
 */
static bool changed(struct kmcl_channel *ch, const u64 *counter, u64 old)
{
	bool ret;

	spin_lock_irq(&ch->sm.lock);
	ret = *counter != old;
	spin_unlock_irq(&ch->sm.lock);
	return ret;
}

/* Wait for *@counter to change from @old, to finish @what. Sleeps. */
static void wait_for_work(struct kmcl_channel *ch, const u64 *counter, u64 old,
			  const char *what)
{
	while (!wait_event_idle_timeout(ch->wait, changed(ch, counter, old),
					kmcl_slow))
		kmcl_still_waiting(ch, "%s to end", what);
}

/**
 * kmcl_channel_free() - free a channel (VmbChannelCleanup)
 * @ch: the channel, disabled; one that is not is disabled first, with a
 *	warning
 *
 * Packets still queued end with -ECANCELED, in order, before it returns. The
 * driver must have freed its idle packets and completed all incoming ones.
 * Calls in other threads that disabling has ended, such as synchronous requests,
 * have let go of the channel when it returns; no new call may be made.
 * Waits until the device is unbound, if no other channel watches its class, but
 * 2 seconds at most.
 *
 * Context: may sleep; not from a callback of this channel.
 * Return: 0; -EDEADLK: in a callback of the channel or in atomic context,
 * nothing was done; -EINVAL: no channel.
 */
int kmcl_channel_free(struct kmcl_channel *ch)
{
	bool enabled;

	if (!ch)
		return -EINVAL;
	if (refused(ch, "cleanup"))
		return -EDEADLK;
	might_sleep();
	kmcl_wait_taken_down(ch);

	spin_lock_irq(&ch->sm.lock);
	enabled = ch->sm.in.enabled;
	spin_unlock_irq(&ch->sm.lock);
	if (enabled) {
		pr_warn("%s: cleanup of a channel that is enabled; disabling it first\n",
			kmcl_name(ch));
		kmcl_channel_disable(ch);
	}

	if (ch->save.image)
		pr_warn("%s: cleanup of a channel that is being saved\n",
			kmcl_name(ch));
	kmcl_save_end(ch);
	kmcl_sysfs_del(ch);
	/* A channel that a rescind has closed may still claim its device */
	kmcl_claim_end(ch);
	kmcl_give_back(ch);
	kmcl_unwatch(ch);
	kmcl_bus_del_channel(ch);
	kmcl_tx_fail_queued(ch, -ECANCELED);
	/* Calls that disabling has ended, for instance another disable */
	kmcl_wait_calls(ch);
	flush_work(&ch->sm.work);
	kmcl_tx_wait_done(ch);
	kmcl_rx_detach(ch);
	kmcl_packets_free(ch);
	kmcl_rings_free(ch);
	put_device(ch->parent);
	kmcl_channel_put(ch);
	return 0;
}
EXPORT_SYMBOL_GPL(kmcl_channel_free);

/*
 * Pages of a ring, the control page included: as many as the driver asked for,
 * but enough for two of the largest packets; if it did not ask, for 16 KiB too.
 */
static u32 ring_pages(const struct kmcl_channel *ch, u32 asked, u32 header)
{
	u32 one, two;

	one = kmcl_ring_bytes(max(header, 8U), ch->cfg.max_packet);
	one = min(one, kmcl_ring_bytes(0, KMCL_MAX_PACKET_SIZE));
	/* Equal indices mean empty, so a ring is never filled completely */
	two = 2 * one + 8;
	if (!asked)
		two = max(two, 16U * 1024);
	return max(asked, 1 + DIV_ROUND_UP(two, KMCL_PAGE_SIZE));
}

static void size_rings(struct kmcl_channel *ch)
{
	u32 rx_header = kmcl_ext_rx_header(ch), tx_header = kmcl_ext_tx_room(ch);

	ch->cfg.rx_pages = ring_pages(ch, ch->cfg.rx_pages, rx_header);
	ch->cfg.tx_pages = ring_pages(ch, ch->cfg.tx_pages, tx_header);
	ch->cfg.rx_pages_least = ring_pages(ch, 1, rx_header);
	ch->cfg.tx_pages_least = ring_pages(ch, 1, tx_header);
}

/* Can a client without a target bind to its parent? */
bool kmcl_has_vmbus_parent(const struct kmcl_channel *ch)
{
	const struct bus_type *bus = ch->parent ? ch->parent->bus : NULL;

	/* By name: not every kernel has VMBus, and none exports the bus */
	return !ch->server && bus && !strcmp(bus->name, "vmbus");
}

/**
 * kmcl_channel_enable() - enable a channel (VmbChannelEnable)
 * @ch: the channel
 *
 * A client is bound to a matching offer, now or when there is one; without a
 * target, to its parent. A server is offered. Does not wait for the peer, nor for
 * the transport: that a device has another driver, or that its class cannot be
 * registered, is in the kernel's log.
 *
 * Context: may sleep; not from a callback of this channel.
 * Return: 0; -EINVAL: no channel, or the class is the null GUID; -EBUSY: not
 * disabled, in a callback or atomic context, or without a target and either no
 * parent on VMBus or one that has a channel, or whose driver has set a rescind
 * callback; -ENXIO: no transport for the parent is loaded; -ENODEV: the parent
 * is rescinded; -EEXIST: a server with these GUIDs is enabled; -ENOMEM; or why
 * the transport cannot watch the class.
 */
int kmcl_channel_enable(struct kmcl_channel *ch)
{
	int ret = -EBUSY;

	if (!ch)
		return -EINVAL;
	if (in_interrupt() || kmcl_in_callback(ch) ||
	    (!ch->cfg.have_target && !kmcl_has_vmbus_parent(ch)))
		return -EBUSY;
	might_sleep();
	kmcl_wait_taken_down(ch);

	spin_lock_irq(&ch->sm.lock);
	if (kmcl_settable_locked(ch)) {
		ch->sm.enabling = true;
		ret = 0;
	}
	spin_unlock_irq(&ch->sm.lock);
	if (ret)
		return ret;

	size_rings(ch);
	kmcl_wait_begin(ch);
	ret = ch->server ? kmcl_publish(ch) : kmcl_watch(ch);
	/* A disable before this point preceded the enable and had no effect */
	spin_lock_irq(&ch->sm.lock);
	ch->sm.enabling = false;
	if (!ret) {
		ch->sm.in.enabled = true;
		spin_lock(&ch->tx.lock);
		ch->tx.sync_closed = false;
		spin_unlock(&ch->tx.lock);
	}
	spin_unlock_irq(&ch->sm.lock);
	if (ret)
		kmcl_claim_end(ch);
	else
		kmcl_kick(ch);
	return ret;
}
EXPORT_SYMBOL_GPL(kmcl_channel_enable);

/**
 * kmcl_channel_disable() - disable a channel (VmbChannelDisable)
 * @ch: the channel, in any state
 *
 * Returns when the channel is disabled: after the closed callback, if there is
 * one to call. Waits without limit for the driver to complete outstanding
 * packets, and warns when that takes long.
 *
 * Context: may sleep; not from a callback of this channel.
 * Return: 0; -EDEADLK: in a callback of the channel or in atomic context,
 * nothing was done; -EINVAL: no channel.
 */
int kmcl_channel_disable(struct kmcl_channel *ch)
{
	bool enabled;
	u64 old = 0;

	if (!ch)
		return -EINVAL;
	if (refused(ch, "disable"))
		return -EDEADLK;
	might_sleep();

	/* Without a lock, since there can be many; none if it is not enabled */
	kmcl_sync_abort(ch);
	spin_lock_irq(&ch->sm.lock);
	enabled = ch->sm.in.enabled;
	if (enabled) {
		ch->sm.calls++;
		ch->sm.in.disable = true;
		old = ch->sm.disables;
		/* Again under the lock: the next enable undoes it */
		kmcl_sync_abort(ch);
	}
	spin_unlock_irq(&ch->sm.lock);
	kmcl_claim_end(ch);
	if (enabled) {
		kmcl_kick(ch);
		wait_for_work(ch, &ch->sm.disables, old, "disable");
	}
	kmcl_give_back(ch);
	if (enabled)
		kmcl_call_end(ch);
	return 0;
}
EXPORT_SYMBOL_GPL(kmcl_channel_disable);

/**
 * kmcl_channel_start() - resume a paused channel (VmbChannelStart)
 * @ch: the channel
 *
 * Does not wait for the callbacks. While disabled it undoes an earlier pause.
 *
 * Context: may sleep; not from a callback of this channel.
 * Return: 0; -EDEADLK: in a callback of the channel or in atomic context,
 * nothing was done; -EINVAL: no channel.
 */
int kmcl_channel_start(struct kmcl_channel *ch)
{
	if (!ch)
		return -EINVAL;
	if (refused(ch, "start"))
		return -EDEADLK;
	might_sleep();
	kmcl_call_begin(ch);
	kmcl_wait_taken_down(ch);

	spin_lock_irq(&ch->sm.lock);
	ch->sm.in.run = true;
	spin_unlock_irq(&ch->sm.lock);
	kmcl_kick(ch);
	kmcl_call_end(ch);
	return 0;
}
EXPORT_SYMBOL_GPL(kmcl_channel_start);

/**
 * kmcl_channel_pause() - pause a channel (VmbChannelPause)
 * @ch: the channel
 *
 * Returns when the suspend callback has returned and no packet is outstanding.
 * A channel that is not open yet will be paused when it is opened.
 *
 * Context: may sleep; not from a callback of this channel.
 * Return: 0; -EDEADLK: in a callback of the channel or in atomic context,
 * nothing was done; -EINVAL: no channel.
 */
int kmcl_channel_pause(struct kmcl_channel *ch)
{
	bool wait;
	u64 old;

	if (!ch)
		return -EINVAL;
	if (refused(ch, "pause"))
		return -EDEADLK;
	might_sleep();
	kmcl_call_begin(ch);
	kmcl_wait_taken_down(ch);

	spin_lock_irq(&ch->sm.lock);
	ch->sm.in.run = false;
	old = ch->sm.idle_runs;
	wait = ch->sm.state != KMCL_ST_DISABLED &&
	       ch->sm.state != KMCL_ST_ENABLED;
	spin_unlock_irq(&ch->sm.lock);
	kmcl_kick(ch);
	if (wait)
		wait_for_work(ch, &ch->sm.idle_runs, old, "pause");
	kmcl_call_end(ch);
	return 0;
}
EXPORT_SYMBOL_GPL(kmcl_channel_pause);
