// SPDX-License-Identifier: GPL-2.0
/*
 * What both directions of a device have in common: their limits, and poll().
 *
 * Everything is under kc.lock, and atomic.
 */
#include "kmcl_cdev.h"

/* Is there room for one more? One is always possible */
bool kc_has_room(const struct kc *kc)
	__must_hold(&kc->lock)
{
	lockdep_assert_held(&kc->lock);
	return !kc->queued || (kc->queued < kc->max_packets &&
			       kc->queued_bytes + kc->charge <= kc->max_bytes);
}

/* 0: there is a channel, and a device */
int kc_alive(const struct kc *kc)
	__must_hold(&kc->lock)
{
	lockdep_assert_held(&kc->lock);
	if (kc->gone)
		return -ENODEV;
	return kc->state == KMCL_STATE_OFF ? -ENOTCONN : 0;
}

/* 0: and a message may be sent now, or queued */
int kc_may_send(const struct kc *kc)
	__must_hold(&kc->lock)
{
	int ret = kc_alive(kc);

	lockdep_assert_held(&kc->lock);
	return ret ?: (kc->drop && !kc->open ? -EPIPE : 0);
}

/* Of those who wait for room some can go on; everybody else asks first */
bool kc_room_again(struct kc *kc)
	__must_hold(&kc->lock)
{
	bool again = kc->full && kc_has_room(kc);

	lockdep_assert_held(&kc->lock);
	if (again)
		kc->full = false;
	return again;
}

/* What the library may use besides our own memory; it always delivers one */
u32 kc_rx_limit(const struct kc *kc)
	__must_hold(&kc->lock)
{
	lockdep_assert_held(&kc->lock);
	return kc->owned < kc->max_bytes ? kc->max_bytes - kc->owned : 1;
}

/* What poll() tells of the messages and of the channel */
__poll_t kc_events_now(struct kc *kc)
	__must_hold(&kc->lock)
{
	__poll_t mask = 0;

	lockdep_assert_held(&kc->lock);
	if (kc->gone)
		return EPOLLHUP | EPOLLERR;
	if (!list_empty(&kc->fifo))
		mask |= EPOLLIN | EPOLLRDNORM;
	if (!kc->open)
		mask |= EPOLLHUP;
	if (kc->state == KMCL_STATE_OFF)
		return mask;
	if (kc_has_room(kc))
		mask |= EPOLLOUT | EPOLLWRNORM;
	else
		kc->full = true;
	return mask;
}

/* Limits for both directions, in effect at once. Atomic */
void kc_set_limits(struct kc *kc, u32 packets, u32 bytes)
{
	struct kmcl_channel *ch;
	bool wake;
	u32 limit;

	rcu_read_lock();
	ch = rcu_dereference(kc->ch);
	spin_lock_bh(&kc->lock);
	kc->max_packets = packets;
	kc->max_bytes = bytes;
	limit = kc_rx_limit(kc);
	wake = kc_room_again(kc);
	spin_unlock_bh(&kc->lock);
	if (ch) {
		kmcl_set_quota(ch, packets);
		kmcl_set_memory_limit(ch, limit);
	}
	rcu_read_unlock();
	if (wake)
		wake_up_interruptible_poll(&kc->out_wait,
					   EPOLLOUT | EPOLLWRNORM);
}
