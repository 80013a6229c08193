// SPDX-License-Identifier: GPL-2.0
/*
 * Requests: messages that the host answers.
 *
 * Memory for the reply is allocated before the request is sent, and counted in the
 * limits. A caller that gives up cancels the packet, so that the library never keeps
 * one that nobody waits for. kc_request() sleeps, and so does what copies from or
 * to user space; everything else is atomic.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "kmcl_cdev.h"

/* For what is done later; made when the module is loaded */
struct workqueue_struct *kc_wq;

void kc_request_get(struct kc_request *req)
{
	refcount_inc(&req->ref);
}

void kc_request_put(struct kc_request *req)
{
	if (!refcount_dec_and_test(&req->ref))
		return;
	put_device(&req->kc->dev);
	kvfree(req->data);
	kvfree(req->reply);
	kfree(req);
}

static u32 extra(const struct kc_request *req)
{
	return req->room + sizeof(*req);
}

static bool finished(const struct kc_request *req)
{
	return smp_load_acquire(&req->finished);	/* see finish() */
}

/* The library has ended it, and nobody uses the packet any more */
static void finish(struct kc_request *req)
{
	struct kc *kc = req->kc;

	kmcl_packet_free(req->pkt);
	kc_out_end(kc, true, extra(req), req->status);
	spin_lock_bh(&kc->lock);
	if (req->status == -ETIME)
		kc->n.requests_expired++;
	if (req->status == -ECANCELED && kc->gone)
		req->status = -ENODEV;
	if (req->status == -EMSGSIZE)
		req->status = -EOVERFLOW;
	list_del_init(&req->node);
	/* Under the lock: after that the channel may be freed */
	wake_up_all(&kc->sync_wait);
	spin_unlock_bh(&kc->lock);

	if (cancel_delayed_work(&req->timeout))
		kc_request_put(req);
	/* The result comes before; pairs with finished() */
	smp_store_release(&req->finished, true);
	if (req->notify)
		req->notify(req);
	else
		wake_up(&req->wait);
	kc_request_put(req);
}

static void answered(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	struct kc_request *req = kmcl_packet_get_pointer(pkt);
	struct kc *kc = req->kc;
	bool last;

	req->status = status;
	req->reply_len = len;
	if (len)
		memcpy(req->reply, buf, min(len, req->room));
	spin_lock_bh(&kc->lock);
	req->ended = true;
	last = !req->pins;
	spin_unlock_bh(&kc->lock);
	if (last)
		finish(req);
}

/**
 * kc_request_cancel() - end a request that nobody wants an answer to any more
 * @req: the request, with a reference
 * @status: a negative errno, its result unless it has ended already
 *
 * Context: atomic.
 */
void kc_request_cancel(struct kc_request *req, int status)
{
	struct kc *kc = req->kc;
	bool last;

	spin_lock_bh(&kc->lock);
	if (!req->sent)
		req->cancel = status;
	if (!req->sent || req->ended) {
		spin_unlock_bh(&kc->lock);
		return;
	}
	req->pins++;
	spin_unlock_bh(&kc->lock);
	kmcl_packet_cancel(req->pkt, status);
	spin_lock_bh(&kc->lock);
	last = !--req->pins && req->ended;
	spin_unlock_bh(&kc->lock);
	if (last)
		finish(req);
}

static void time_out(struct work_struct *work)
{
	struct kc_request *req = container_of(to_delayed_work(work),
					      struct kc_request, timeout);

	kc_request_cancel(req, -ETIME);
	kc_request_put(req);
}

/**
 * kc_request_new() - prepare a request
 * @kc: the device
 * @r: what the user has asked for; pointers are of user space
 *
 * Context: may sleep.
 * Return: the request, or an ERR_PTR: -EINVAL, -EFAULT, -ENOMEM, -EMSGSIZE,
 * -EOPNOTSUPP.
 */
struct kc_request *kc_request_new(struct kc *kc, const struct kmcl_request *r)
{
	const void __user *data = u64_to_user_ptr(r->data);
	struct kc_request *req;
	u32 most;
	bool pipe;

	if (r->flags || r->timeout_ns < KMCL_NO_TIME_LIMIT ||
	    (r->reply_len && !r->reply) || (r->data_len && !r->data))
		return ERR_PTR(-EINVAL);
	spin_lock_bh(&kc->lock);
	pipe = kc->cfg.pipe;
	most = kc->packet_bytes;
	spin_unlock_bh(&kc->lock);
	if (pipe)
		return ERR_PTR(-EOPNOTSUPP);
	if (r->data_len > most)
		return ERR_PTR(-EMSGSIZE);

	req = kzalloc_obj(*req, GFP_KERNEL_ACCOUNT);
	if (!req)
		return ERR_PTR(-ENOMEM);
	req->kc = kc;
	get_device(&kc->dev);
	refcount_set(&req->ref, 1);
	req->len = r->data_len;
	req->user_reply = u64_to_user_ptr(r->reply);
	req->user_room = r->reply_len;
	/* The library has not more than that of a reply */
	req->room = min_t(u32, r->reply_len, ALIGN(most, 8));
	INIT_DELAYED_WORK(&req->timeout, time_out);
	init_waitqueue_head(&req->wait);
	INIT_LIST_HEAD(&req->node);
	if (req->len) {
		req->data = kvmalloc(req->len, GFP_KERNEL_ACCOUNT);
		if (!req->data)
			goto no_memory;
		if (copy_from_user(req->data, data, req->len)) {
			kc_request_put(req);
			return ERR_PTR(-EFAULT);
		}
	}
	if (req->room) {
		req->reply = kvmalloc(req->room, GFP_KERNEL_ACCOUNT);
		if (!req->reply)
			goto no_memory;
	}
	return req;

no_memory:
	kc_request_put(req);
	return ERR_PTR(-ENOMEM);
}

/* To the library, which has a reference from here on */
static int give(struct kc_request *req, struct kmcl_channel *ch)
{
	struct kc *kc = req->kc;
	int ret;

	req->pkt = kmcl_packet_alloc(ch);
	if (!req->pkt)
		return -ENOMEM;
	kmcl_packet_set_pointer(req->pkt, req);
	kmcl_packet_set_done(req->pkt, answered);
	kc_request_get(req);
	spin_lock_bh(&kc->lock);
	list_add_tail(&req->node, &kc->requests);
	spin_unlock_bh(&kc->lock);
	ret = kc_send(kc, ch, req->pkt, req->data, req->len, KMCL_SEND_WAIT);
	if (!ret)
		return 0;

	spin_lock_bh(&kc->lock);
	list_del_init(&req->node);
	spin_unlock_bh(&kc->lock);
	kmcl_packet_free(req->pkt);
	kc_request_put(req);
	return ret;
}

/**
 * kc_request_send() - send a request, or queue it
 * @req: from kc_request_new(); the caller's reference stays its own
 *
 * Context: atomic.
 * Return: 0: it will be finished; -EAGAIN: the limits, it may be sent again; or
 * why it was not sent.
 */
int kc_request_send(struct kc_request *req)
{
	struct kc *kc = req->kc;
	struct kmcl_channel *ch;
	int ret, cancel = 0;

	rcu_read_lock();
	/* See kc_write() */
	ch = rcu_dereference(kc->ch);
	ret = ch ? kc_out_begin(kc, req->len, true, extra(req), 0) :
	      kc_no_channel(kc);
	if (!ret) {
		ret = give(req, ch);
		if (ret)
			kc_out_undo(kc, req->len, true, extra(req));
	}
	if (!ret) {
		spin_lock_bh(&kc->lock);
		req->sent = true;
		cancel = req->cancel;
		spin_unlock_bh(&kc->lock);
	}
	rcu_read_unlock();
	if (cancel)
		kc_request_cancel(req, cancel);
	return ret;
}

/* Cancel it after that time, unless it has ended. Atomic */
void kc_request_limit(struct kc_request *req, u64 ns)
{
	/* At least that long, whenever the next tick is */
	unsigned long ticks = min_t(u64, nsecs_to_jiffies64(ns) + 2,
				    MAX_JIFFY_OFFSET);

	spin_lock_bh(&req->kc->lock);
	if (!req->ended) {
		kc_request_get(req);
		queue_delayed_work(kc_wq, &req->timeout, ticks);
	}
	spin_unlock_bh(&req->kc->lock);
}

/**
 * kc_request_result() - give the result to the user
 * @req: the request, finished
 * @may_copy: the user's memory is there
 *
 * Context: may sleep.
 * Return: bytes of the reply, or a negative errno; -ENOSPC: @req->reply_len has the
 * bytes that the reply has.
 */
ssize_t kc_request_result(struct kc_request *req, bool may_copy)
{
	u32 bytes = min3(req->reply_len, req->room, req->user_room);

	if (req->status)
		return req->status;
	if (bytes && (!may_copy ||
		      copy_to_user(req->user_reply, req->reply, bytes)))
		return -EFAULT;
	if (bytes < req->reply_len)
		return -ENOSPC;
	return bytes;
}

static ktime_t left_until(ktime_t until)
{
	if (until == KTIME_MAX)
		return until;
	return max_t(ktime_t, ktime_sub(until, ktime_get()), 0);
}

/* Send it, and wait for room if need be. May sleep */
static int send_waiting(struct kc_request *req, ktime_t until, bool nonblock)
{
	struct kc *kc = req->kc;
	int ret;

	for (;;) {
		ret = kc_request_send(req);
		if (ret != -EAGAIN || nonblock)
			return ret;
		ret = wait_event_interruptible_hrtimeout(kc->out_wait,
							 kc_out_ready(kc),
							 left_until(until));
		/* Starting again would start the time limit again */
		if (ret)
			return ret == -ETIME ? ret : -EINTR;
	}
}

/**
 * kc_request() - send a request and wait for the reply
 * @kc: the device
 * @r: what the user has asked for; @r->reply_len is set to the reply's
 * @nonblock: do not wait for room
 *
 * Context: may sleep.
 * Return: 0 or a negative errno, see &struct kmcl_request.
 */
int kc_request(struct kc *kc, struct kmcl_request *r, bool nonblock)
{
	ktime_t until = KTIME_MAX;
	struct kc_request *req;
	ssize_t ret;

	if (r->timeout_ns >= 0)
		until = ktime_add_safe(ktime_get(), r->timeout_ns);
	req = kc_request_new(kc, r);
	if (IS_ERR(req))
		return PTR_ERR(req);
	ret = send_waiting(req, until, nonblock);
	if (ret)
		goto put;

	ret = wait_event_interruptible_hrtimeout(req->wait, finished(req),
						 left_until(until));
	if (ret) {
		kc_request_cancel(req, ret == -ETIME ? -ETIME : -EINTR);
		/* Its routine may be running on another CPU */
		wait_event(req->wait, finished(req));
	}
	ret = kc_request_result(req, true);
	r->reply_len = ret < 0 && ret != -ENOSPC ? 0 : req->reply_len;
	if (ret > 0)
		ret = 0;
put:
	kc_request_put(req);
	return ret;
}

/* One of those that have not ended, of @owner if it is not NULL; with a reference */
static struct kc_request *next_request(struct kc *kc, fl_owner_t owner)
{
	struct kc_request *req;

	spin_lock_bh(&kc->lock);
	list_for_each_entry(req, &kc->requests, node) {
		if (req->cancel || (owner && req->owner != owner))
			continue;
		/* Not the same one again */
		req->cancel = -ECANCELED;
		kc_request_get(req);
		spin_unlock_bh(&kc->lock);
		return req;
	}
	spin_unlock_bh(&kc->lock);
	return NULL;
}

static bool none_left(struct kc *kc)
{
	bool none;

	spin_lock_bh(&kc->lock);
	none = list_empty(&kc->requests);
	spin_unlock_bh(&kc->lock);
	return none;
}

/* A process ends that has sent requests and does not wait for them. Atomic */
void kc_requests_exit(struct kc *kc, fl_owner_t owner)
{
	struct kc_request *req;

	while ((req = next_request(kc, owner))) {
		kc_request_cancel(req, -ECANCELED);
		kc_request_put(req);
	}
}

/* The channel is disabled, and is to be freed: no request may be left. Sleeps */
void kc_requests_cancel(struct kc *kc, int status)
{
	struct kc_request *req;

	while ((req = next_request(kc, NULL))) {
		kc_request_cancel(req, status);
		kc_request_put(req);
	}
	wait_event(kc->sync_wait, none_left(kc));
}
