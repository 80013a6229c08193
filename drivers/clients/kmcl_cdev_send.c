// SPDX-License-Identifier: GPL-2.0
/*
 * Messages of a device to the host.
 *
 * A message that is written is counted from before the library accepts it until its
 * completion routine.
 *
 * Everything is under kc.lock, and atomic, except for what says that it sleeps.
 */
#include <linux/blkdev.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "kmcl_cdev.h"

#define KC_POLL_BYTES	4096U	/* copied with bottom halves off */

/* Why not: a negative errno */
int kc_no_channel(struct kc *kc)
{
	int ret;

	spin_lock_bh(&kc->lock);
	ret = kc_may_send(kc);
	spin_unlock_bh(&kc->lock);
	/* Or it is just going, or coming */
	return ret ?: -ENOTCONN;
}

/* Can a message of @len bytes be written at all? 0 or a negative errno */
int kc_may_write(struct kc *kc, size_t len)
{
	int ret;

	spin_lock_bh(&kc->lock);
	ret = kc_may_send(kc);
	if (!ret && len > kc->packet_bytes)
		ret = -EMSGSIZE;
	spin_unlock_bh(&kc->lock);
	return ret;
}

/* For a wait: would kc_out_begin() return something else than -EAGAIN? */
bool kc_out_ready(struct kc *kc)
{
	bool ready;

	spin_lock_bh(&kc->lock);
	ready = kc_may_send(kc) || kc_has_room(kc);
	if (!ready)
		kc->full = true;
	spin_unlock_bh(&kc->lock);
	return ready;
}

/**
 * kc_out_begin() - count a message that the library will be given
 * @kc: the device
 * @len: its bytes
 * @request: a request, else a message of write()
 * @extra: bytes of memory besides that of the packet
 * @opening: the connection that it is meant for, or 0; see &struct kc_opener
 *
 * Context: atomic.
 * Return: 0; -EAGAIN: the limits; -EMSGSIZE, -ENODEV, -ENOTCONN; -EPIPE: the
 * connection has ended, and messages are not kept.
 */
int kc_out_begin(struct kc *kc, u32 len, bool request, u32 extra, u64 opening)
{
	int ret;

	spin_lock_bh(&kc->lock);
	ret = kc_may_send(kc);
	if (!ret && kc->drop && opening && opening != kc->n.opens)
		ret = -EPIPE;
	if (!ret && len > kc->packet_bytes)
		ret = -EMSGSIZE;
	if (!ret && !kc_has_room(kc)) {
		kc->full = true;
		ret = -EAGAIN;
	}
	if (!ret) {
		kc->queued++;
		kc->queued_bytes += kc->charge + extra;
		kc->n.written++;
		kc->n.written_bytes += len;
		if (request)
			kc->n.requests++;
		else
			kc->begun++;
	}
	spin_unlock_bh(&kc->lock);
	return ret;
}

/**
 * kc_out_end() - a message has ended
 * @kc: the device
 * @request: as for kc_out_begin()
 * @extra: as there
 * @status: of its completion routine
 *
 * Context: atomic. The device stays until the completion routine returns.
 */
void kc_out_end(struct kc *kc, bool request, u32 extra, int status)
{
	bool wake;

	spin_lock_bh(&kc->lock);
	kc->queued--;
	kc->queued_bytes -= kc->charge + extra;
	kc->n.ended++;
	if (status)
		kc->n.cancelled++;
	if (!request) {
		kc->ended++;
		if (status)
			kc->cancelled++;
	}
	wake = kc_room_again(kc);
	spin_unlock_bh(&kc->lock);
	if (wake)
		wake_up_interruptible_poll(&kc->out_wait,
					   EPOLLOUT | EPOLLWRNORM);
	if (wq_has_sleeper(&kc->sync_wait))
		wake_up_all(&kc->sync_wait);
}

/* The library has not accepted it after all */
void kc_out_undo(struct kc *kc, u32 len, bool request, u32 extra)
{
	spin_lock_bh(&kc->lock);
	kc->n.written--;
	kc->n.written_bytes -= len;
	kc->n.requests -= request;
	/* kc_out_end() counts it, so that the numbers of fsync() agree */
	kc->n.ended--;
	spin_unlock_bh(&kc->lock);
	kc_out_end(kc, request, extra, 0);
}

#ifdef CONFIG_BLOCK
/**
 * struct kc_batch - calls that the task makes together
 * @plug: what the kernel has for block devices: io_uring begins it where a batch has
 *	three calls or more, and ends it with the batch, or when the task sleeps
 * @kc: the device, with a reference
 */
struct kc_batch {
	struct blk_plug_cb plug;
	struct kc *kc;
};

/* Show the host what was sent. Also called by the scheduler, so this does not sleep */
static void batch_ends(struct blk_plug_cb *plug, bool from_schedule)
{
	struct kc_batch *batch = container_of(plug, struct kc_batch, plug);
	struct kmcl_channel *ch;
	bool polls;

	rcu_read_lock();
	ch = rcu_dereference(batch->kc->ch);
	if (ch) {
		polls = kmcl_poll_begin(ch);
		kmcl_flush(ch);
		if (polls)
			kmcl_poll_end(ch);
	}
	rcu_read_unlock();
	put_device(&batch->kc->dev);
	kfree(batch);
}

/* Is the caller's message one of several, after which batch_ends() is called? */
static bool in_batch(struct kc *kc)
{
	struct blk_plug_cb *plug = blk_check_plugged(batch_ends, kc,
						     sizeof(struct kc_batch));
	struct kc_batch *batch;

	if (likely(!plug))
		return false;
	batch = container_of(plug, struct kc_batch, plug);
	if (!batch->kc) {
		get_device(&kc->dev);
		batch->kc = kc;
	}
	return true;
}
#else
static bool in_batch(struct kc *kc)
{
	return false;
}
#endif

/**
 * kc_send() - give a packet to the library
 * @kc: the device
 * @ch: its channel
 * @pkt: the packet
 * @buf: the payload, memory of the kernel
 * @len: its bytes
 * @flags: as for kmcl_send()
 *
 * Several in a batch are shown to the host together. What it answers at once is
 * received here, without an interrupt.
 *
 * Context: atomic, in a task; under no lock.
 * Return: as kmcl_send().
 */
int kc_send(struct kc *kc, struct kmcl_channel *ch, struct kmcl_packet *pkt,
	    const void *buf, u32 len, u32 flags)
{
	bool polls;
	int ret;

	if (in_batch(kc))
		return kmcl_send(pkt, buf, len, flags | KMCL_SEND_MORE);
	polls = len <= KC_POLL_BYTES && kmcl_poll_begin(ch);
	ret = kmcl_send(pkt, buf, len, flags);
	if (polls)
		kmcl_poll_end(ch);
	return ret;
}

static void written(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	struct kc *kc = kmcl_get_pointer(kmcl_packet_channel(pkt));

	kmcl_packet_free(pkt);
	kc_out_end(kc, false, 0, status);
}

/**
 * kc_write() - send a message
 * @o: the open file
 * @buf: the payload, memory of the kernel
 * @len: its bytes
 *
 * Context: atomic.
 * Return: 0; -EAGAIN: the limits; -ENOMEM; -EMSGSIZE, -ENODEV, -ENOTCONN, -EPIPE.
 */
int kc_write(struct kc_opener *o, const void *buf, u32 len)
{
	struct kc *kc = o->kc;
	struct kmcl_packet *pkt;
	struct kmcl_channel *ch;
	u64 opening;
	int ret;

	spin_lock(&o->lock);
	opening = o->opening;
	spin_unlock(&o->lock);
	rcu_read_lock();
	/* Before it is counted: kc.charge stays while there is a channel */
	ch = rcu_dereference(kc->ch);
	ret = ch ? kc_out_begin(kc, len, false, 0, opening) : kc_no_channel(kc);
	if (ret)
		goto unlock;
	ret = -ENOMEM;
	pkt = kmcl_packet_alloc(ch);
	if (pkt) {
		kmcl_packet_set_done(pkt, written);
		ret = kc_send(kc, ch, pkt, buf, len, 0);
		if (ret)
			kmcl_packet_free(pkt);
	}
	if (ret)
		kc_out_undo(kc, len, false, 0);
unlock:
	rcu_read_unlock();
	return ret;
}

/*
 * A worker of io_uring does what was asked of it even after it has taken the signal
 * that ends its process, which waits for that.
 */
static bool process_ends(void)
{
	return current->flags & PF_IO_WORKER &&
	       READ_ONCE(current->signal->flags) & SIGNAL_GROUP_EXIT;
}

/* Have the messages before @until ended? Or will nobody tell? */
static bool synced(struct kc *kc, u64 until)
{
	bool yes;

	spin_lock_bh(&kc->lock);
	yes = kc->ended >= until || kc->gone;
	spin_unlock_bh(&kc->lock);
	return yes;
}

/**
 * kc_sync() - wait for the end of what was written before
 * @o: the open file
 *
 * Messages end in the order in which they were accepted, so that counting them is
 * enough. One that was cancelled is an error once for each open file.
 *
 * Context: may sleep.
 * Return: 0; -EIO: something was cancelled; -ENODEV: the device was removed;
 * kc_interrupted(): a signal.
 */
int kc_sync(struct kc_opener *o)
{
	struct kc *kc = o->kc;
	u64 until, cancelled;
	bool gone;
	int ret = 0;

	spin_lock_bh(&kc->lock);
	until = kc->begun;
	spin_unlock_bh(&kc->lock);
	if (wait_event_interruptible(kc->sync_wait,
				     synced(kc, until) || process_ends()))
		return kc_interrupted();
	if (!synced(kc, until))
		return -EINTR;
	spin_lock_bh(&kc->lock);
	cancelled = kc->cancelled;
	gone = kc->gone;
	spin_unlock_bh(&kc->lock);
	if (gone)
		return -ENODEV;

	spin_lock(&o->lock);
	if (o->cancelled != cancelled)
		ret = -EIO;
	o->cancelled = cancelled;
	spin_unlock(&o->lock);
	return ret;
}
