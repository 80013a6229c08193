// SPDX-License-Identifier: GPL-2.0
/*
 * Many packets of kmcl_traffic: those of one call of kmcl_send_many(), those that a
 * thread keeps sending, those of several senders at once, and those that the
 * completion routines of others send.
 *
 * Everything here runs in process context and may sleep.
 * Locks: kmcl_traffic.h.
 */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "kmcl_traffic.h"

/* Vary the size, so that packets cross the end of the ring at any offset */
static u32 vary(u64 seq, u32 size)
{
	return TR_HEADER + (u32)seq * 7919U % (size - TR_HEADER + 1);
}

/* Returns how many packets there are */
static u32 build(struct tr *tr, struct kmcl_message *msgs, u8 *bufs, u64 seq,
		 u32 count, u32 size, u32 flags)
{
	u32 i, bytes;

	for (i = 0; i < count; i++, bufs += size) {
		bytes = vary(seq + i, size);
		msgs[i] = (struct kmcl_message){
			.pkt = tr_prepare(tr, seq + i, bufs, bytes, flags,
					  GFP_KERNEL),
			.buf = bufs, .len = bytes, .flags = flags,
		};
		if (!msgs[i].pkt)
			break;
	}
	return i;
}

/* Send @count packets of up to @size bytes, with one call; 0: all were accepted */
static int send_batch(struct tr *tr, u64 *seq, u32 count, u32 size, u32 flags)
{
	struct kmcl_message *msgs = kvcalloc(count, sizeof(*msgs), GFP_KERNEL);
	u8 *bufs = kvmalloc_array(count, size, GFP_KERNEL);
	int ret = -ENOMEM;
	u32 i, n = 0;

	if (msgs && bufs)
		n = build(tr, msgs, bufs, *seq, count, size, flags);
	if (n)
		ret = kmcl_send_many(tr->ch, msgs, n);
	for (i = max(ret, 0); i < n; i++)
		tr_withdraw(tr, msgs[i].pkt, *seq + i);
	if (ret > 0) {
		*seq += ret;
		ret = ret == count ? 0 : -ENOBUFS;
	}
	kvfree(bufs);
	kvfree(msgs);
	return ret;
}

int tr_send_many(struct tr *tr, u32 count, u32 size, u32 flags)
{
	int ret;

	mutex_lock(&tr->send_mutex);
	ret = send_batch(tr, &tr->seq, count, size, flags);
	mutex_unlock(&tr->send_mutex);
	return ret;
}

/* One of several senders */
struct racer {
	struct work_struct work;
	struct tr *tr;
	u64 *seq;
	u32 count;
	u32 size;
	u32 flags;
	int ret;
};

/* Batches of 1 to 24 packets */
static void race_batches(struct work_struct *work)
{
	struct racer *r = container_of(work, struct racer, work);
	u32 n;

	for (; r->count && !r->ret; r->count -= n) {
		n = min(r->count, r->count * 7 % 24 + 1);
		r->ret = send_batch(r->tr, r->seq, n, r->size, r->flags);
		cond_resched();
	}
}

/* Of four packets three with KMCL_SEND_MORE, and not the last one */
static void race_singles(struct work_struct *work)
{
	struct racer *r = container_of(work, struct racer, work);
	u8 *buf = kvmalloc(r->size, GFP_KERNEL);
	u32 more;

	if (!buf)
		r->ret = -ENOMEM;
	for (; r->count && !r->ret; r->count--) {
		more = r->count % 4 != 1 ? KMCL_SEND_MORE : 0;
		r->ret = tr_send_next(r->tr, r->seq, buf,
				      vary(*r->seq, r->size), r->flags | more);
		cond_resched();
	}
	kvfree(buf);
}

/*
 * Four senders of @count packets each at the same time, on all processors: every
 * other one sends batches.
 */
int tr_race(struct tr *tr, u32 count, u32 size, u32 flags)
{
	struct racer r[KMCL_TRAFFIC_SENDERS] = {};
	struct workqueue_struct *wq;
	unsigned int i;
	int ret = 0;

	/* Unbound, so that those on one processor take turns */
	wq = alloc_workqueue("kmcl_traffic_race", WQ_UNBOUND, 0);
	if (!wq)
		return -ENOMEM;
	mutex_lock(&tr->send_mutex);
	for (i = 0; i < ARRAY_SIZE(r); i++) {
		r[i].tr = tr;
		r[i].seq = i ? &tr->other_seq[i - 1] : &tr->seq;
		r[i].count = count;
		r[i].size = size;
		r[i].flags = flags;
		INIT_WORK_ONSTACK(&r[i].work,
				  i % 2 ? race_singles : race_batches);
		queue_work(wq, &r[i].work);
	}
	for (i = 0; i < ARRAY_SIZE(r); i++) {
		flush_work(&r[i].work);
		destroy_work_on_stack(&r[i].work);
		ret = ret ?: r[i].ret;
	}
	mutex_unlock(&tr->send_mutex);
	destroy_workqueue(wq);
	return ret;
}

/*
 * Send @window requests. The completion routines of the first @count send one more
 * each, until one is not completed by the peer. May sleep
 */
int tr_chain(struct tr *tr, u32 count, u32 window)
{
	u64 first;
	int ret;

	mutex_lock(&tr->send_mutex);
	/* From here on the other numbers are those of the routines */
	first = tr->seq;
	tr->seq += window;
	tr->chain_first = first;
	/* Pairs with chain_next() */
	atomic_set_release(&tr->chain, count);
	ret = send_batch(tr, &first, window, TR_CHAIN_BYTES, KMCL_SEND_WAIT);
	if (!ret)
		ret = wait_event_interruptible(tr->wait,
					       !atomic_read(&tr->open_sends));
	atomic_set(&tr->chain, 0);
	mutex_unlock(&tr->send_mutex);
	return ret;
}

/* As @run_flags say. May sleep */
static int run_once(struct tr *tr)
{
	u32 flags = tr->run_flags;

	if (flags & TR_SEND_MANY)
		return tr_send_many(tr, TR_RUN_BATCH, tr->run_size,
				    flags & ~TR_SEND_MANY);
	return tr_send_one(tr, vary(READ_ONCE(tr->seq), tr->run_size), flags);
}

static bool window_is_full(struct tr *tr)
{
	return atomic_read(&tr->open_sends) >= tr->run_window;
}

static int tr_sender(void *data)
{
	struct tr *tr = data;

	while (!kthread_should_stop()) {
		/* Nothing follows at once */
		if (tr->run_flags & KMCL_SEND_MORE && window_is_full(tr))
			kmcl_flush(tr->ch);
		wait_event_interruptible(tr->wait, kthread_should_stop() ||
					 !window_is_full(tr));
		if (kthread_should_stop())
			break;
		/* No memory: try again */
		if (run_once(tr))
			schedule_timeout_interruptible(1);
		cond_resched();
	}
	if (tr->run_flags & KMCL_SEND_MORE)
		kmcl_flush(tr->ch);
	return 0;
}

/* Keep sending, with at most @window packets that have not ended. May sleep */
int tr_run(struct tr *tr, u32 size, u32 window, u32 flags)
{
	struct task_struct *task;
	int ret = -EBUSY;

	mutex_lock(&tr->send_mutex);
	if (tr->sender)
		goto unlock;
	tr->run_size = size;
	tr->run_window = window;
	tr->run_flags = flags;
	task = kthread_run(tr_sender, tr, "kmcl_traffic/%s", tr->name);
	ret = PTR_ERR_OR_ZERO(task);
	if (!ret)
		tr->sender = task;
unlock:
	mutex_unlock(&tr->send_mutex);
	return ret;
}

/* Stop sending, and wait for it. May sleep */
void tr_run_stop(struct tr *tr)
{
	struct task_struct *task;

	mutex_lock(&tr->send_mutex);
	task = tr->sender;
	tr->sender = NULL;
	mutex_unlock(&tr->send_mutex);
	if (task)
		kthread_stop(task);
}
