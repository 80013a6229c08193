// SPDX-License-Identifier: GPL-2.0
/*
 * Messages of a device from the host.
 *
 * A received message stays in the library's memory, so that its limit holds, until
 * somebody reads it. When the channel closes it is copied.
 *
 * Everything is under kc.lock, and atomic, except for what says that it sleeps.
 */
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "kmcl_cdev.h"

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
	msg->opening = kc->n.opens;
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
	copy->opening = msg->opening;
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
	limit = kc_rx_limit(kc);
	spin_unlock_bh(&kc->lock);
	kmcl_set_memory_limit(ch, limit);
}

/*
 * The device was removed, and its channel is gone; or the connection has ended, and
 * nothing is kept, which is @counted. All messages are in our own memory. May sleep.
 */
void kc_drop_received(struct kc *kc, bool counted)
{
	struct kc_msg *msg, *next;
	LIST_HEAD(all);

	spin_lock_bh(&kc->lock);
	list_splice_init(&kc->fifo, &all);
	if (counted)
		kc->n.lost += kc->n.waiting;
	kc->n.waiting = 0;
	kc->n.waiting_bytes = 0;
	kc->owned = 0;
	spin_unlock_bh(&kc->lock);
	list_for_each_entry_safe(msg, next, &all, node)
		msg_free(msg);
}

/* For a wait: would kc_read() return something else than -EAGAIN? */
bool kc_in_ready(struct kc *kc)
{
	bool ready;

	spin_lock_bh(&kc->lock);
	ready = kc_alive(kc) || !list_empty(&kc->fifo);
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
	limit = kc_rx_limit(kc);
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
		ret = kc_alive(kc);
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
 * that is closing, or the device or the connection is gone: then it is lost. May sleep.
 */
static void put_back(struct kc *kc, struct kc_msg *msg)
{
	bool kept;

	spin_lock_bh(&kc->lock);
	kept = !kc->gone && (!msg->ctx || kc->receiving) &&
	       (!kc->drop || (kc->open && msg->opening == kc->n.opens));
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
 * @o: the open file, which belongs to the connection of the message then
 * @to: where to; advanced by what is returned
 * @gfp: for memory, if that is needed
 *
 * Does not wait for a message, but for memory of user space.
 *
 * Context: may sleep.
 * Return: its bytes in @to; -EAGAIN: there is none; -EMSGSIZE: it is longer than
 * @to; -EFAULT; -ENOMEM; -ENODEV; -ENOTCONN.
 */
ssize_t kc_read(struct kc_opener *o, struct iov_iter *to, gfp_t gfp)
{
	struct kc *kc = o->kc;
	struct kc_msg *msg;
	bool owned, truncate;
	size_t bytes;
	int ret;

	spin_lock(&o->lock);
	truncate = o->mode & KMCL_MODE_TRUNCATE;
	spin_unlock(&o->lock);
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
	spin_lock(&o->lock);
	o->opening = msg->opening;
	spin_unlock(&o->lock);
	msg_free(msg);
	if (owned)
		release_owned(kc);
	return bytes;
}
