// SPDX-License-Identifier: GPL-2.0
/*
 * The channel of a device: its callbacks, and when it is enabled.
 *
 * State callbacks run one at a time in the library's work, take kc.lock, and never
 * kc.mutex, which is held while the channel is disabled. The channel is enabled again
 * by a work item. All functions sleep; those that enable or disable need kc.mutex.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/sched/signal.h>

#include "kmcl_cdev.h"

#define KC_DELAY_MAX	64U	/* seconds */
#define KC_ENABLE_TRIES	1000	/* milliseconds in which a callback returns */

static int opened(struct kmcl_channel *ch)
{
	struct kc *kc = kmcl_get_pointer(ch);

	spin_lock_bh(&kc->lock);
	kc->open = true;
	kc->used = true;
	kc->resumes = false;
	kc->delay = 0;
	kc->n.opens++;
	spin_unlock_bh(&kc->lock);
	kc_set_state(kc, KMCL_STATE_PAUSED, KMCL_EVENT_OPENED,
		     KMCL_CAUSE_NONE, 0);
	return 0;
}

static void started(struct kmcl_channel *ch)
{
	struct kc *kc = kmcl_get_pointer(ch);
	bool resumes;

	kc_receive(kc, ch);
	spin_lock_bh(&kc->lock);
	resumes = kc->resumes;
	kc->resumes = true;
	spin_unlock_bh(&kc->lock);
	kc_set_state(kc, KMCL_STATE_ACTIVE,
		     resumes ? KMCL_EVENT_RESUMED : KMCL_EVENT_STARTED,
		     KMCL_CAUSE_NONE, 0);
}

static void suspend(struct kmcl_channel *ch)
{
	struct kc *kc = kmcl_get_pointer(ch);

	kc_keep_received(kc);
	kc_set_state(kc, KMCL_STATE_PAUSED, KMCL_EVENT_SUSPENDED,
		     KMCL_CAUSE_NONE, 0);
}

/* Enable the channel again, in @delay seconds, if that is wanted, or @always */
static void enable_later(struct kc *kc, unsigned int delay, bool always)
{
	/* Under the lock: none is queued after set_want(kc, false) */
	spin_lock_bh(&kc->lock);
	if (kc->want && (always || !kc->manual))
		queue_delayed_work(kc_wq, &kc->reopen, delay * HZ);
	else
		kc->want = false;
	spin_unlock_bh(&kc->lock);
}

static enum kmcl_cause cause_of(struct kmcl_channel *ch)
{
	switch (kmcl_get_close_cause(ch)) {
	case KMCL_CLOSE_PEER:
	case KMCL_CLOSE_UNBOUND:
		return KMCL_CAUSE_DEVICE;
	case KMCL_CLOSE_HIBERNATE:
		return KMCL_CAUSE_HIBERNATE;
	default:
		return KMCL_CAUSE_LOCAL;
	}
}

static void closed(struct kmcl_channel *ch)
{
	enum kmcl_cause cause = cause_of(ch);
	bool hibernates = cause == KMCL_CAUSE_HIBERNATE, drop;
	struct kc *kc = kmcl_get_pointer(ch);

	spin_lock_bh(&kc->lock);
	kc->open = false;
	kc->n.closes++;
	kc->n.rescinds += cause == KMCL_CAUSE_DEVICE;
	drop = kc->drop;
	spin_unlock_bh(&kc->lock);
	if (drop)
		kc_drop_received(kc, true);
	/* The channel is enabled. Another one takes its place if nothing is kept */
	kc_set_state(kc, hibernates && !drop ? KMCL_STATE_WAITING :
		     KMCL_STATE_DISABLED, KMCL_EVENT_CLOSED, cause, 0);
	if (!hibernates || drop)
		enable_later(kc, 0, hibernates);
}

/* Seconds until the next attempt after one that has failed */
static unsigned int next_delay(struct kc *kc)
{
	unsigned int delay;

	spin_lock_bh(&kc->lock);
	delay = clamp(2 * kc->delay, 1U, KC_DELAY_MAX);
	kc->delay = delay;
	spin_unlock_bh(&kc->lock);
	return delay;
}

static void failure(struct kmcl_channel *ch, int status)
{
	struct kc *kc = kmcl_get_pointer(ch);

	spin_lock_bh(&kc->lock);
	kc->n.open_failures++;
	spin_unlock_bh(&kc->lock);
	kc_set_state(kc, KMCL_STATE_DISABLED, KMCL_EVENT_FAILED,
		     KMCL_CAUSE_NONE, status);
	enable_later(kc, next_delay(kc), false);
}

static enum kmcl_cdev_state state_of(struct kc *kc)
{
	enum kmcl_cdev_state state;

	spin_lock_bh(&kc->lock);
	state = kc->state;
	spin_unlock_bh(&kc->lock);
	return state;
}

static struct kmcl_channel *channel_of(struct kc *kc)
	__must_hold(&kc->mutex)
{
	return rcu_dereference_protected(kc->ch, lockdep_is_held(&kc->mutex));
}

/* Make a channel; an ERR_PTR: -EINVAL: a property that the kernel's log names; -ENOMEM */
static struct kmcl_channel *make_channel(struct kc *kc)
	__must_hold(&kc->mutex)
{
	struct kmcl_client client = {
		.name = kc->name,
		.type = kc->cfg.class,
		.instance = kc->cfg.one ? &kc->cfg.instance : NULL,
		.flags = kc->cfg.pipe ? KMCL_INIT_PIPE : 0,
		.packet_bytes = kc->cfg.packet_bytes,
		.context_bytes = sizeof(struct kc_msg),
		.tx_ring_bytes = kc->cfg.ring_bytes,
		.rx_ring_bytes = kc->cfg.ring_bytes,
		.quota = kc->max_packets,
		.memory_bytes = kc->max_bytes,
		.opened = opened,
		.closed = closed,
		.suspend = suspend,
		.started = started,
		.process = kc_process,
		.processed = kc_processed,
		.failure = failure,
	};

	lockdep_assert_held(&kc->mutex);
	return kmcl_client_create(NULL, &client, kc);
}

/*
 * Have another channel in the place of the one that is disabled. Returns it, or an
 * ERR_PTR. The caller frees the old one.
 */
static struct kmcl_channel *replace(struct kc *kc, struct kmcl_channel *old)
	__must_hold(&kc->mutex)
{
	struct kmcl_channel *ch = make_channel(kc);

	if (IS_ERR(ch))
		return ch;
	if (kc->paused)
		kmcl_channel_pause(ch);
	rcu_assign_pointer(kc->ch, ch);
	/* Nobody sends to the old one any more */
	synchronize_rcu();
	/* Its last callback returns, and its claim to the device ends */
	kmcl_channel_disable(old);
	kc_requests_cancel(kc, -ECANCELED);
	spin_lock_bh(&kc->lock);
	kc->used = false;
	spin_unlock_bh(&kc->lock);
	return ch;
}

/*
 * Enable the channel, which is disabled. A callback that has said so may not have
 * returned yet: until then the library refuses. If nothing is to be kept of the
 * last connection, another channel is enabled: what is queued in the old one is
 * cancelled with it. That goes last, so that no other driver gets the device.
 */
static int enable(struct kc *kc, struct kmcl_channel *ch)
	__must_hold(&kc->mutex)
{
	int ret, tries = KC_ENABLE_TRIES;
	struct kmcl_channel *old = NULL;

	spin_lock_bh(&kc->lock);
	if (kc->drop && kc->used)
		old = ch;
	spin_unlock_bh(&kc->lock);
	if (old) {
		ch = replace(kc, old);
		ret = PTR_ERR_OR_ZERO(ch);
		if (ret)
			goto failed;
	}
	/* The opened callback may come before enabling has returned */
	kc_set_state(kc, KMCL_STATE_WAITING, KMCL_EVENT_ENABLED,
		     KMCL_CAUSE_NONE, 0);
	while ((ret = kmcl_channel_enable(ch)) == -EBUSY && tries--)
		usleep_range(1000, 2000);
	if (old)
		kmcl_channel_free(old);
	if (!ret)
		return 0;
failed:
	pr_err("%s: the channel cannot be enabled (%d)\n", kc->name, ret);
	kc_set_state(kc, KMCL_STATE_DISABLED, KMCL_EVENT_FAILED,
		     KMCL_CAUSE_NONE, ret);
	return ret;
}

/* What is wanted of it, by whom the channel is no longer or again enabled */
static void set_want(struct kc *kc, bool want)
	__must_hold(&kc->mutex)
{
	spin_lock_bh(&kc->lock);
	kc->want = want;
	spin_unlock_bh(&kc->lock);
}

static void reopen(struct work_struct *work)
{
	struct kc *kc = container_of(to_delayed_work(work), struct kc, reopen);
	struct kmcl_channel *ch;
	bool want;

	mutex_lock(&kc->mutex);
	ch = channel_of(kc);
	spin_lock_bh(&kc->lock);
	want = kc->want && kc->state == KMCL_STATE_DISABLED;
	spin_unlock_bh(&kc->lock);
	if (ch && want && enable(kc, ch))
		enable_later(kc, next_delay(kc), false);
	mutex_unlock(&kc->mutex);
}

/* See KMCL_IOC_ENABLE */
int kc_enable(struct kc *kc)
	__must_hold(&kc->mutex)
{
	struct kmcl_channel *ch = channel_of(kc);
	int ret;

	lockdep_assert_held(&kc->mutex);
	if (!ch)
		return kc_no_channel(kc);
	set_want(kc, true);
	if (state_of(kc) != KMCL_STATE_DISABLED)
		return 0;
	ret = enable(kc, ch);
	if (ret)
		set_want(kc, false);
	return ret;
}

static void disable(struct kc *kc, struct kmcl_channel *ch)
	__must_hold(&kc->mutex)
{
	set_want(kc, false);
	kmcl_channel_disable(ch);
	if (state_of(kc) != KMCL_STATE_DISABLED)
		kc_set_state(kc, KMCL_STATE_DISABLED, KMCL_EVENT_DISABLED,
			     KMCL_CAUSE_NONE, 0);
}

/* See KMCL_IOC_DISABLE */
int kc_disable(struct kc *kc)
	__must_hold(&kc->mutex)
{
	struct kmcl_channel *ch = channel_of(kc);

	lockdep_assert_held(&kc->mutex);
	if (!ch)
		return kc_no_channel(kc);
	disable(kc, ch);
	return 0;
}

/* See KMCL_IOC_PAUSE */
int kc_pause(struct kc *kc)
	__must_hold(&kc->mutex)
{
	struct kmcl_channel *ch = channel_of(kc);

	lockdep_assert_held(&kc->mutex);
	if (!ch)
		return kc_no_channel(kc);
	kc->paused = true;
	return kmcl_channel_pause(ch);
}

/* See KMCL_IOC_START */
int kc_start(struct kc *kc)
	__must_hold(&kc->mutex)
{
	struct kmcl_channel *ch = channel_of(kc);

	lockdep_assert_held(&kc->mutex);
	if (!ch)
		return kc_no_channel(kc);
	kc->paused = false;
	return kmcl_channel_start(ch);
}

/**
 * kc_on() - make the channel, and enable it
 * @kc: the device, without a channel
 *
 * Context: may sleep.
 * Return: 0; -EINVAL: no class, or a property that the kernel's log names; -ENODEV:
 * the device was removed; -ENOMEM, or why it cannot be enabled.
 */
int kc_on(struct kc *kc)
	__must_hold(&kc->mutex)
{
	struct kmcl_channel *ch;
	int ret;

	lockdep_assert_held(&kc->mutex);
	if (guid_is_null(&kc->cfg.class))
		return -EINVAL;
	ch = make_channel(kc);
	if (IS_ERR(ch))
		return PTR_ERR(ch);
	spin_lock_bh(&kc->lock);
	ret = kc->gone ? -ENODEV : 0;
	kc->packet_bytes = kc->cfg.packet_bytes;
	kc->charge = kmcl_packet_size(ch);
	kc->state = KMCL_STATE_DISABLED;
	kc->used = false;
	kc->delay = 0;
	spin_unlock_bh(&kc->lock);
	kc->paused = false;
	rcu_assign_pointer(kc->ch, ch);
	if (!ret)
		ret = kc_enable(kc);
	if (ret)
		kc_off(kc);
	return ret;
}

/**
 * kc_off() - disable the channel, and free it
 * @kc: the device
 *
 * Context: may sleep.
 */
void kc_off(struct kc *kc)
	__must_hold(&kc->mutex)
{
	struct kmcl_channel *ch = channel_of(kc);

	lockdep_assert_held(&kc->mutex);
	if (!ch)
		return;
	RCU_INIT_POINTER(kc->ch, NULL);
	/* Nobody sends any more */
	synchronize_rcu();
	set_want(kc, false);
	kmcl_channel_disable(ch);
	kc_requests_cancel(kc, -ECANCELED);
	kmcl_channel_free(ch);
	kc_set_state(kc, KMCL_STATE_OFF, KMCL_EVENT_DISABLED,
		     KMCL_CAUSE_NONE, 0);
}

void kc_channel_init(struct kc *kc)
{
	mutex_init(&kc->mutex);
	INIT_DELAYED_WORK(&kc->reopen, reopen);
}
