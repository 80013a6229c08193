// SPDX-License-Identifier: GPL-2.0
/*
 * Packets of kmcl_traffic: building, sending and checking them.
 *
 * Packets are sent from process context, under tr->send_mutex. The process
 * callbacks and the completion routines run in any context in which the library
 * calls them, usually softirq, and take tr->lock to count.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/crc32.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "kmcl_traffic.h"

#define TR_SUMMED	offsetof(struct kmcl_traffic_header, sequence)

void tr_count(struct tr *tr, u64 *counter)
{
	unsigned long flags;

	spin_lock_irqsave(&tr->lock, flags);
	(*counter)++;
	spin_unlock_irqrestore(&tr->lock, flags);
}

static u32 checksum(const void *buf, u32 len)
{
	return ~crc32_le(~0, buf + TR_SUMMED, len - TR_SUMMED);
}

void tr_fill(void *buf, u64 seq, u32 len)
{
	struct kmcl_traffic_header *hdr = buf;
	u8 *bytes = buf;
	u32 i;

	hdr->magic = cpu_to_le32(KMCL_TRAFFIC_MAGIC);
	hdr->sequence = cpu_to_le64(seq);
	hdr->length = cpu_to_le32(len);
	hdr->kind = 0;
	for (i = TR_HEADER; i < len; i++)
		bytes[i] = (u8)(seq + i);
	hdr->checksum = cpu_to_le32(checksum(buf, len));
}

enum verdict { INTACT, MALFORMED, CHANGED };

/*
 * A payload is padded to 8 bytes in the ring, so @len may be more than was
 * sent, unless @exact: on a pipe, whose header has the exact length.
 */
static enum verdict inspect(const void *buf, u32 len, bool exact, u64 *seq)
{
	struct kmcl_traffic_header hdr;
	const u8 *bytes = buf;
	u32 sent, i;

	if (len < TR_HEADER)
		return MALFORMED;
	memcpy(&hdr, buf, sizeof(hdr));
	sent = le32_to_cpu(hdr.length);
	if (le32_to_cpu(hdr.magic) != KMCL_TRAFFIC_MAGIC || sent < TR_HEADER ||
	    (exact ? sent : ALIGN((u64)sent, 8)) != len)
		return MALFORMED;

	*seq = le64_to_cpu(hdr.sequence);
	if (le32_to_cpu(hdr.checksum) != checksum(buf, sent))
		return CHANGED;
	for (i = TR_HEADER; i < sent; i++)
		if (bytes[i] != (u8)(*seq + i))
			return CHANGED;
	return INTACT;
}

/* Incoming packets */

/* Look at what a transfer page packet says that the host has put there. */
static void receive_ranges(struct tr *tr, const struct kmcl_context *ctx,
			   u64 seq)
	__must_hold(&tr->lock)
{
	const struct kmcl_range *range;
	u64 other = 0;
	int i, n;
	u16 set;

	lockdep_assert_held(&tr->lock);
	n = kmcl_packet_ranges(ctx, &set, &range);
	for (i = 0; i < n && set == KMCL_TRAFFIC_SET; i++, range++)
		if (!kmcl_range_ok(range, tr->visible_bytes) ||
		    inspect(tr->visible + range->offset, range->bytes, true,
			    &other) != INTACT || other != seq)
			break;
	if (n > 0 && i == n)
		tr->counts.ranges += n;
	else
		tr->counts.range_errors++;
}

static void receive(struct tr *tr, const struct kmcl_context *ctx,
		    const void *buf, u32 len, bool external)
{
	enum verdict verdict;
	unsigned long flags;
	u64 seq = 0;

	verdict = inspect(buf, len, tr->pipe, &seq);

	spin_lock_irqsave(&tr->lock, flags);
	if (external)
		receive_ranges(tr, ctx, seq);
	switch (verdict) {
	case MALFORMED:
		tr->counts.malformed++;
		break;
	case CHANGED:
		tr->counts.checksum_errors++;
		break;
	case INTACT:
		tr->counts.received++;
		if (seq > tr->next_rx)
			tr->counts.gaps++;
		else if (seq < tr->next_rx)
			tr->counts.order_errors++;
		if (seq >= tr->next_rx)
			tr->next_rx = seq + 1;
		break;
	}
	spin_unlock_irqrestore(&tr->lock, flags);
}

static bool keep(struct tr *tr, struct kmcl_context *ctx)
{
	struct tr_held *held = kmcl_context_priv(ctx);
	unsigned long flags;
	bool hold;

	spin_lock_irqsave(&tr->lock, flags);
	hold = tr->hold;
	if (hold) {
		held->ctx = ctx;
		list_add_tail(&held->node, &tr->held);
	}
	spin_unlock_irqrestore(&tr->lock, flags);
	return hold;
}

void tr_process(struct kmcl_channel *ch, struct kmcl_context *ctx,
		void *buf, u32 len, u32 flags)
{
	struct tr *tr = kmcl_get_pointer(ch);
	struct tr_hook hook = tr_enter(tr, TR_PROCESS);

	if (hook.action == TR_DEFER || hook.action == TR_FAIL) {
		tr_act(tr, TR_PROCESS, hook);
		tr_leave(tr, TR_PROCESS);
		/* A deferred packet is delivered and checked again */
		if (hook.action == TR_DEFER)
			kmcl_packet_defer(ctx);
		else
			kmcl_packet_fail(ctx);
		return;
	}
	receive(tr, ctx, buf, len, flags & KMCL_PACKET_EXTERNAL);
	tr_act(tr, TR_PROCESS, hook);
	tr_leave(tr, TR_PROCESS);
	if (!keep(tr, ctx))
		kmcl_complete(ctx, NULL, 0);
}

void tr_processed(struct kmcl_channel *ch, u32 packets)
{
	struct tr *tr = kmcl_get_pointer(ch);

	tr_act(tr, TR_PROCESSED, tr_enter(tr, TR_PROCESSED));
}

/* Hold incoming packets, or complete the held ones and hold no more */
void tr_set_hold(struct tr *tr, bool on)
{
	struct tr_held *held, *next;
	LIST_HEAD(list);

	spin_lock_irq(&tr->lock);
	tr->hold = on;
	if (!on)
		list_splice_init(&tr->held, &list);
	spin_unlock_irq(&tr->lock);

	/* Completing frees the entry */
	list_for_each_entry_safe(held, next, &list, node)
		kmcl_complete(held->ctx, NULL, 0);
}

/* Outgoing packets */

static void tr_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	struct tr *tr = kmcl_get_pointer(kmcl_packet_channel(pkt));
	u64 seq = (unsigned long)kmcl_packet_get_pointer(pkt);
	struct tr_hook hook = tr_enter(tr, TR_DONE);
	bool changed = false, asked;
	unsigned long flags;
	void *entry;
	u64 other;

	entry = xa_erase_bh(&tr->sent, seq);
	/* Only the peer's completion has data; without data there is no buffer */
	asked = entry && xa_to_value(entry) & KMCL_SEND_WAIT;
	if (len)
		changed = status || !asked ||
			  inspect(buf, len, tr->pipe, &other) != INTACT ||
			  other != seq;
	else
		changed = buf;
	/* This frees @buf as well */
	kmcl_packet_free(pkt);

	spin_lock_irqsave(&tr->lock, flags);
	switch (status) {
	case 0:
		tr->counts.done_ok++;
		break;
	case -ECANCELED:
		tr->counts.done_cancelled++;
		break;
	case -ENODEV:
		tr->counts.done_removed++;
		break;
	default:
		tr->counts.done_other++;
	}
	if (!entry)
		tr->counts.done_bad++;
	if (seq < tr->last_done)
		tr->counts.done_order++;
	else
		tr->last_done = seq + 1;
	if (len)
		tr->counts.replies++;
	if (changed)
		tr->counts.replies_bad++;
	spin_unlock_irqrestore(&tr->lock, flags);

	tr_act(tr, TR_DONE, hook);
	tr_count(tr, &tr->routines);
	/* Last: tr_destroy() checks that no packet is left */
	atomic_dec(&tr->open_sends);
	wake_up(&tr->wait);
}

/* Send without a completion routine: the library frees the packet at its end */
static int send_default(struct tr *tr, struct kmcl_packet *pkt, u32 size,
			u32 flags)
	__must_hold(&tr->send_mutex)
{
	int ret;

	lockdep_assert_held(&tr->send_mutex);
	tr_fill(tr->buf, tr->seq, size);
	atomic64_inc(&tr->no_routine);
	ret = kmcl_send(pkt, tr->buf, size, flags);
	if (ret)
		atomic64_dec(&tr->no_routine);
	else
		tr->seq++;
	return ret;
}

static int send_one(struct tr *tr, u32 size, u32 flags)
{
	struct kmcl_packet *pkt;
	int ret;

	mutex_lock(&tr->send_mutex);
	pkt = kmcl_packet_alloc(tr->ch);
	if (!pkt) {
		ret = -ENOMEM;
		goto unlock;
	}
	kmcl_packet_set_pointer(pkt, (void *)(unsigned long)tr->seq);
	if (flags & TR_SEND_DEFAULT) {
		ret = send_default(tr, pkt, size, flags & ~TR_SEND_DEFAULT);
		if (ret)
			goto free;
		goto unlock;
	}
	kmcl_packet_set_done(pkt, tr_done);
	/* Before sending: the completion routine may run inside kmcl_send() */
	ret = xa_err(xa_store_bh(&tr->sent, tr->seq, xa_mk_value(flags),
				 GFP_KERNEL));
	if (ret)
		goto free;

	tr_fill(tr->buf, tr->seq, size);
	atomic_inc(&tr->open_sends);
	ret = kmcl_send(pkt, tr->buf, size, flags);
	if (!ret) {
		tr->seq++;
		goto unlock;
	}
	atomic_dec(&tr->open_sends);
	xa_erase_bh(&tr->sent, tr->seq);
free:
	kmcl_packet_free(pkt);
unlock:
	mutex_unlock(&tr->send_mutex);
	return ret;
}

/* Stops at the first packet that is not accepted. May sleep */
int tr_send(struct tr *tr, unsigned int count, u32 size, u32 flags)
{
	int ret = 0;

	while (count-- && !ret) {
		ret = send_one(tr, size, flags);
		cond_resched();
	}
	return ret;
}

/* Was a synchronous request refused? Then it has not used its number */
bool tr_refused(int ret)
{
	switch (ret) {
	case -EAGAIN:
	case -EBUSY:
	case -EINVAL:
	case -EMSGSIZE:
	case -E2BIG:
	case -EFAULT:
	case -EOPNOTSUPP:
		return true;
	default:
		return false;
	}
}

/* The data of the completion have to be those sent, or none. May sleep */
static int sync_request(struct tr *tr, u32 size, s64 limit, bool until)
{
	void *reply = kvmalloc(tr->max_packet, GFP_KERNEL);
	u32 len = tr->max_packet;
	u64 seq = 0;
	int ret;

	if (!reply)
		return -ENOMEM;
	mutex_lock(&tr->send_mutex);
	tr_fill(tr->buf, tr->seq, size);
	atomic64_inc(&tr->no_routine);
	if (until)
		ret = kmcl_send_sync_until(tr->ch, tr->buf, size, NULL,
					   KMCL_SEND_WAIT, reply, &len, limit);
	else
		ret = kmcl_send_sync(tr->ch, tr->buf, size, KMCL_SEND_WAIT,
				     reply, &len, limit);
	/* A request whose time limit expired may have been sent */
	if (!tr_refused(ret))
		tr->seq++;
	if (!ret && len &&
	    (inspect(reply, len, tr->pipe, &seq) != INTACT ||
	     seq != tr->seq - 1))
		tr_count(tr, &tr->counts.replies_bad);
	mutex_unlock(&tr->send_mutex);
	kvfree(reply);
	return ret;
}

int tr_sync(struct tr *tr, u32 size, s64 timeout_ns)
{
	return sync_request(tr, size, timeout_ns, false);
}

int tr_sync_until(struct tr *tr, u32 size, ktime_t until)
{
	return sync_request(tr, size, until, true);
}

/* Vary the size, so that packets cross the end of the ring at any offset */
static u32 vary(u64 seq, u32 size)
{
	return TR_HEADER + (u32)seq * 7919U % (size - TR_HEADER + 1);
}

static int tr_sender(void *data)
{
	struct tr *tr = data;

	while (!kthread_should_stop()) {
		wait_event_interruptible(tr->wait, kthread_should_stop() ||
					 atomic_read(&tr->open_sends) <
					 tr->run_window);
		if (kthread_should_stop())
			break;
		/* No memory: try again */
		if (send_one(tr, vary(READ_ONCE(tr->seq), tr->run_size),
			     tr->run_flags))
			schedule_timeout_interruptible(1);
		cond_resched();
	}
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
