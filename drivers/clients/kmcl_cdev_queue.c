// SPDX-License-Identifier: GPL-2.0
/*
 * Messages of a device, in both directions, and their limits.
 *
 * A message that is written is counted from before the library accepts it until its
 * completion routine. A received one stays in the library's memory, so that its
 * limit holds, until somebody reads it. When the channel closes it is copied.
 *
 * Everything is under kc.lock, and atomic, except for what says that it sleeps.
 */
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "kmcl_cdev.h"

/* Outgoing messages */

/* Is there room for one more? One is always possible */
static bool has_room(const struct kc *kc)
	__must_hold(&kc->lock)
{
	lockdep_assert_held(&kc->lock);
	return !kc->queued || (kc->queued < kc->max_packets &&
			       kc->queued_bytes + kc->charge <= kc->max_bytes);
}

/* 0: there is a channel, and a device */
static int alive(const struct kc *kc)
	__must_hold(&kc->lock)
{
	lockdep_assert_held(&kc->lock);
	if (kc->gone)
		return -ENODEV;
	return kc->state == KMCL_STATE_OFF ? -ENOTCONN : 0;
}

/* Why not: a negative errno */
int kc_no_channel(struct kc *kc)
{
	int ret;

	spin_lock_bh(&kc->lock);
	ret = alive(kc);
	spin_unlock_bh(&kc->lock);
	/* Or it is just going, or coming */
	return ret ?: -ENOTCONN;
}

/* Can a message of @len bytes be written at all? 0 or a negative errno */
int kc_may_write(struct kc *kc, size_t len)
{
	int ret;

	spin_lock_bh(&kc->lock);
	ret = alive(kc);
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
	ready = alive(kc) || has_room(kc);
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
 *
 * Context: atomic.
 * Return: 0; -EAGAIN: the limits; -EMSGSIZE, -ENODEV, -ENOTCONN.
 */
int kc_out_begin(struct kc *kc, u32 len, bool request, u32 extra)
{
	int ret;

	spin_lock_bh(&kc->lock);
	ret = alive(kc);
	if (!ret && len > kc->packet_bytes)
		ret = -EMSGSIZE;
	if (!ret && !has_room(kc)) {
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

/* Of those who wait for room some can go on; everybody else asks first */
static bool room_again(struct kc *kc)
	__must_hold(&kc->lock)
{
	bool again = kc->full && has_room(kc);

	lockdep_assert_held(&kc->lock);
	if (again)
		kc->full = false;
	return again;
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
	wake = room_again(kc);
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

static void written(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	struct kc *kc = kmcl_get_pointer(kmcl_packet_channel(pkt));

	kmcl_packet_free(pkt);
	kc_out_end(kc, false, 0, status);
}

/**
 * kc_write() - send a message
 * @kc: the device
 * @buf: the payload, memory of the kernel
 * @len: its bytes
 *
 * Context: atomic.
 * Return: 0; -EAGAIN: the limits; -ENOMEM; -EMSGSIZE, -ENODEV, -ENOTCONN.
 */
int kc_write(struct kc *kc, const void *buf, u32 len)
{
	struct kmcl_packet *pkt;
	struct kmcl_channel *ch;
	int ret;

	rcu_read_lock();
	/* Before it is counted: kc.charge stays while there is a channel */
	ch = rcu_dereference(kc->ch);
	ret = ch ? kc_out_begin(kc, len, false, 0) : kc_no_channel(kc);
	if (ret)
		goto unlock;
	ret = -ENOMEM;
	pkt = kmcl_packet_alloc(ch);
	if (pkt) {
		kmcl_packet_set_done(pkt, written);
		ret = kmcl_send(pkt, buf, len, 0);
		if (ret)
			kmcl_packet_free(pkt);
	}
	if (ret)
		kc_out_undo(kc, len, false, 0);
unlock:
	rcu_read_unlock();
	return ret;
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
	if (wait_event_interruptible(kc->sync_wait, synced(kc, until)))
		return kc_interrupted();
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

/* Received messages */

/* What the library may use besides our own memory; it always delivers one */
static u32 rx_limit(const struct kc *kc)
	__must_hold(&kc->lock)
{
	lockdep_assert_held(&kc->lock);
	return kc->owned < kc->max_bytes ? kc->max_bytes - kc->owned : 1;
}

/* The client's process callback */
void kc_process(struct kmcl_channel *ch, struct kmcl_context *ctx,
		void *buf, u32 len, u32 flags)
{
	struct kc *kc = kmcl_get_pointer(ch);
	struct kc_msg *msg;

	if (flags & KMCL_PACKET_EXTERNAL) {
		/* Nobody could read the memory that it is about */
		spin_lock_bh(&kc->lock);
		kc->n.refused++;
		spin_unlock_bh(&kc->lock);
		kmcl_complete(ctx, NULL, 0);
		return;
	}
	msg = kmcl_context_priv(ctx);
	msg->ctx = ctx;
	msg->buf = buf;
	msg->len = len;
	spin_lock_bh(&kc->lock);
	list_add_tail(&msg->node, &kc->fifo);
	kc->n.received++;
	kc->n.received_bytes += len;
	kc->n.waiting++;
	kc->n.waiting_bytes += len;
	spin_unlock_bh(&kc->lock);
}

/* The client's processed callback: wake up once for a batch */
void kc_processed(struct kmcl_channel *ch, u32 packets)
{
	struct kc *kc = kmcl_get_pointer(ch);

	wake_up_interruptible_poll(&kc->in_wait, EPOLLIN | EPOLLRDNORM);
}

static u32 owned_bytes(const struct kc_msg *msg)
{
	return struct_size(msg, data, msg->len);
}

/* A copy in our own memory, or NULL. Sleeps, if @gfp says so */
static struct kc_msg *copy_of(const struct kc_msg *msg, gfp_t gfp)
{
	struct kc_msg *copy = kvmalloc(struct_size(copy, data, msg->len), gfp);

	if (!copy)
		return NULL;
	copy->ctx = NULL;
	copy->len = msg->len;
	copy->buf = copy->data;
	memcpy(copy->data, msg->buf, msg->len);
	return copy;
}

/* Its memory is not needed any more. May sleep */
static void msg_free(struct kc_msg *msg)
{
	if (msg->ctx)
		kmcl_complete(msg->ctx, NULL, 0);	/* frees it */
	else
		kvfree(msg);
}

/*
 * Is a copy within the limit? The message was, with more memory, but the limit may be
 * lower now. Readers only make @owned less.
 */
static bool may_own(struct kc *kc, const struct kc_msg *msg)
{
	bool may;

	spin_lock_bh(&kc->lock);
	may = !kc->owned || kc->owned + owned_bytes(msg) <= kc->max_bytes;
	spin_unlock_bh(&kc->lock);
	return may;
}

/* The oldest message in the library's memory, off the list, or NULL */
static struct kc_msg *take_foreign(struct list_head *list)
{
	struct kc_msg *msg;

	list_for_each_entry(msg, list, node) {
		if (msg->ctx) {
			list_del(&msg->node);
			return msg;
		}
	}
	return NULL;
}

/**
 * kc_keep_received() - copy the messages that nobody has read yet
 * @kc: the device, whose channel is about to be paused or closed
 *
 * The library waits for its contexts then. Readers that have taken one end it
 * soon, since they do not sleep with it.
 *
 * Context: may sleep.
 */
void kc_keep_received(struct kc *kc)
{
	struct kc_msg *msg, *copy;
	LIST_HEAD(all);
	LIST_HEAD(kept);

	spin_lock_bh(&kc->lock);
	kc->receiving = false;
	list_splice_init(&kc->fifo, &all);
	spin_unlock_bh(&kc->lock);

	/* Those that are ours already are older */
	while ((msg = take_foreign(&all))) {
		copy = NULL;
		if (may_own(kc, msg))
			copy = copy_of(msg, GFP_KERNEL | __GFP_NOWARN);
		spin_lock_bh(&kc->lock);
		if (copy) {
			list_add_tail(&copy->node, &kept);
			kc->owned += owned_bytes(copy);
		} else {
			kc->n.lost++;
			kc->n.waiting--;
			kc->n.waiting_bytes -= msg->len;
		}
		spin_unlock_bh(&kc->lock);
		msg_free(msg);
	}

	spin_lock_bh(&kc->lock);
	list_splice_tail(&kept, &all);
	list_splice(&all, &kc->fifo);
	spin_unlock_bh(&kc->lock);
	wake_up_interruptible_poll(&kc->in_wait, EPOLLIN | EPOLLRDNORM);
}

/* The channel is about to be started, and messages may stay with it. Atomic */
void kc_receive(struct kc *kc, struct kmcl_channel *ch)
{
	u32 limit;

	spin_lock_bh(&kc->lock);
	kc->receiving = true;
	limit = rx_limit(kc);
	spin_unlock_bh(&kc->lock);
	kmcl_set_memory_limit(ch, limit);
}

/* The device was removed, and its channel is gone. May sleep */
void kc_drop_received(struct kc *kc)
{
	struct kc_msg *msg, *next;
	LIST_HEAD(all);

	spin_lock_bh(&kc->lock);
	list_splice_init(&kc->fifo, &all);
	kc->n.waiting = 0;
	kc->n.waiting_bytes = 0;
	kc->owned = 0;
	spin_unlock_bh(&kc->lock);
	list_for_each_entry_safe(msg, next, &all, node)
		msg_free(msg);
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
	if (has_room(kc))
		mask |= EPOLLOUT | EPOLLWRNORM;
	else
		kc->full = true;
	return mask;
}

/* For a wait: would kc_read() return something else than -EAGAIN? */
bool kc_in_ready(struct kc *kc)
{
	bool ready;

	spin_lock_bh(&kc->lock);
	ready = alive(kc) || !list_empty(&kc->fifo);
	spin_unlock_bh(&kc->lock);
	return ready;
}

/* Our own memory is given back: the library may use it */
static void release_owned(struct kc *kc)
{
	struct kmcl_channel *ch;
	u32 limit;

	rcu_read_lock();
	ch = rcu_dereference(kc->ch);
	spin_lock_bh(&kc->lock);
	limit = rx_limit(kc);
	spin_unlock_bh(&kc->lock);
	if (ch)
		kmcl_set_memory_limit(ch, limit);
	rcu_read_unlock();
}

/* Take the next message for a buffer of @room bytes */
static struct kc_msg *take(struct kc *kc, size_t room, bool truncate)
	__must_hold(&kc->lock)
{
	struct kc_msg *msg;
	int ret;

	lockdep_assert_held(&kc->lock);
	if (kc->gone)
		return ERR_PTR(-ENODEV);
	msg = list_first_entry_or_null(&kc->fifo, struct kc_msg, node);
	if (!msg) {
		ret = alive(kc);
		return ERR_PTR(ret ?: -EAGAIN);
	}
	if (msg->len > room && !truncate)
		return ERR_PTR(-EMSGSIZE);
	list_del(&msg->node);
	kc->n.waiting--;
	kc->n.waiting_bytes -= msg->len;
	if (!msg->ctx)
		kc->owned -= owned_bytes(msg);
	return msg;
}

/*
 * It was not read. Puts it back as the first one, unless it is in memory of a channel
 * that is closing, or the device is gone: then it is lost. May sleep.
 */
static void put_back(struct kc *kc, struct kc_msg *msg)
{
	bool kept;

	spin_lock_bh(&kc->lock);
	kept = !kc->gone && (!msg->ctx || kc->receiving);
	if (kept) {
		list_add(&msg->node, &kc->fifo);
		kc->n.waiting++;
		kc->n.waiting_bytes += msg->len;
		if (!msg->ctx)
			kc->owned += owned_bytes(msg);
	} else {
		kc->n.lost++;
	}
	spin_unlock_bh(&kc->lock);
	if (kept)
		wake_up_interruptible_poll(&kc->in_wait,
					   EPOLLIN | EPOLLRDNORM);
	else
		msg_free(msg);
}

/*
 * Copy @bytes to user space. What is in the library's memory is not kept while that
 * sleeps, since closing the channel would wait for this process: it is copied to our
 * own first. May sleep. Returns 0 or a negative errno, and *@msgp is what was read
 * or is to be put back.
 */
static int copy_out(struct kc_msg **msgp, struct iov_iter *to, size_t bytes,
		    gfp_t gfp)
{
	struct kc_msg *msg = *msgp;
	struct kc_msg *copy;
	size_t done;

	if (msg->ctx) {
		pagefault_disable();
		done = copy_to_iter(msg->buf, bytes, to);
		pagefault_enable();
		if (done == bytes)
			return 0;
		iov_iter_revert(to, done);
		copy = copy_of(msg, gfp | __GFP_NOWARN);
		if (!copy)
			return -ENOMEM;
		msg_free(msg);
		msg = copy;
		*msgp = msg;
	}
	done = copy_to_iter(msg->buf, bytes, to);
	if (done == bytes)
		return 0;
	iov_iter_revert(to, done);
	return -EFAULT;
}

/**
 * kc_read() - read a message
 * @kc: the device
 * @to: where to; advanced by what is returned
 * @truncate: a message that is too long is shortened
 * @gfp: for memory, if that is needed
 *
 * Does not wait for a message, but for memory of user space.
 *
 * Context: may sleep.
 * Return: its bytes in @to; -EAGAIN: there is none; -EMSGSIZE: it is longer than
 * @to; -EFAULT; -ENOMEM; -ENODEV; -ENOTCONN.
 */
ssize_t kc_read(struct kc *kc, struct iov_iter *to, bool truncate, gfp_t gfp)
{
	struct kc_msg *msg;
	size_t bytes;
	bool owned;
	int ret;

	spin_lock_bh(&kc->lock);
	msg = take(kc, iov_iter_count(to), truncate);
	spin_unlock_bh(&kc->lock);
	if (IS_ERR(msg))
		return PTR_ERR(msg);
	owned = !msg->ctx;
	bytes = min_t(size_t, msg->len, iov_iter_count(to));
	ret = copy_out(&msg, to, bytes, gfp);
	if (ret) {
		put_back(kc, msg);
		return ret;
	}
	spin_lock_bh(&kc->lock);
	kc->n.read++;
	kc->n.read_bytes += msg->len;
	kc->n.truncated += bytes < msg->len;
	spin_unlock_bh(&kc->lock);
	msg_free(msg);
	if (owned)
		release_owned(kc);
	return bytes;
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
	limit = rx_limit(kc);
	wake = room_again(kc);
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
