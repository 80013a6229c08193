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
	u64 seq = 0, *next;

	verdict = inspect(buf, len, tr->pipe, &seq);
	next = &tr->next_rx[tr_sender_of(seq)];

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
		if (seq > *next)
			tr->counts.gaps++;
		else if (seq < *next)
			tr->counts.order_errors++;
		if (seq >= *next)
			*next = seq + 1;
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

/* In the completion routine of packet @seq, as tr_chain() says; one runs at a time */
static void chain_next(struct tr *tr, u64 seq)
{
	u8 buf[TR_CHAIN_BYTES] __aligned(8);
	struct kmcl_packet *pkt;

	/* Pairs with tr_chain() */
	if (!atomic_read_acquire(&tr->chain) || seq < tr->chain_first ||
	    atomic_dec_if_positive(&tr->chain) < 0)
		return;
	pkt = tr_prepare(tr, tr->seq, buf, sizeof(buf), KMCL_SEND_WAIT,
			 GFP_ATOMIC);
	if (!pkt)
		return;
	if (kmcl_send(pkt, buf, sizeof(buf), KMCL_SEND_WAIT))
		tr_withdraw(tr, pkt, tr->seq);
	else
		tr->seq++;
}

static void tr_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	struct tr *tr = kmcl_get_pointer(kmcl_packet_channel(pkt));
	u64 seq = (unsigned long)kmcl_packet_get_pointer(pkt);
	struct tr_hook hook = tr_enter(tr, TR_DONE);
	u64 *last = &tr->last_done[tr_sender_of(seq)];
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
	if (seq < *last)
		tr->counts.done_order++;
	else
		*last = seq + 1;
	if (len)
		tr->counts.replies++;
	if (changed)
		tr->counts.replies_bad++;
	spin_unlock_irqrestore(&tr->lock, flags);

	tr_act(tr, TR_DONE, hook);
	if (!status)
		chain_next(tr, seq);
	tr_count(tr, &tr->routines);
	/* Last: tr_destroy() checks that no packet is left */
	atomic_dec(&tr->open_sends);
	wake_up(&tr->wait);
}

/* Send without a completion routine: the library frees the packet at its end */
static int send_default(struct tr *tr, u32 size, u32 flags)
	__must_hold(&tr->send_mutex)
{
	struct kmcl_packet *pkt = kmcl_packet_alloc(tr->ch);
	int ret;

	lockdep_assert_held(&tr->send_mutex);
	if (!pkt)
		return -ENOMEM;
	tr_fill(tr->buf, tr->seq, size);
	atomic64_inc(&tr->no_routine);
	ret = kmcl_send(pkt, tr->buf, size, flags);
	if (!ret) {
		tr->seq++;
		return 0;
	}
	atomic64_dec(&tr->no_routine);
	kmcl_packet_free(pkt);
	return ret;
}

/*
 * A packet that tr_done() ends, with this number, and its payload in @buf; NULL: no
 * memory. Before it is sent: the completion routine may run in the call that sends
 * it. Sleeps if @gfp says so.
 */
struct kmcl_packet *tr_prepare(struct tr *tr, u64 seq, void *buf, u32 size,
			       u32 flags, gfp_t gfp)
{
	struct kmcl_packet *pkt = kmcl_packet_alloc(tr->ch);

	if (!pkt)
		return NULL;
	if (xa_err(xa_store_bh(&tr->sent, seq, xa_mk_value(flags), gfp))) {
		kmcl_packet_free(pkt);
		return NULL;
	}
	kmcl_packet_set_pointer(pkt, (void *)(unsigned long)seq);
	kmcl_packet_set_done(pkt, tr_done);
	tr_fill(buf, seq, size);
	atomic_inc(&tr->open_sends);
	return pkt;
}

/* It was not accepted */
void tr_withdraw(struct tr *tr, struct kmcl_packet *pkt, u64 seq)
{
	atomic_dec(&tr->open_sends);
	xa_erase_bh(&tr->sent, seq);
	kmcl_packet_free(pkt);
}

/* Send a packet with the next number of a sender. May sleep */
int tr_send_next(struct tr *tr, u64 *seq, void *buf, u32 size, u32 flags)
{
	struct kmcl_packet *pkt = tr_prepare(tr, *seq, buf, size, flags,
					     GFP_KERNEL);
	int ret;

	if (!pkt)
		return -ENOMEM;
	ret = kmcl_send(pkt, buf, size, flags);
	if (ret)
		tr_withdraw(tr, pkt, *seq);
	else
		(*seq)++;
	return ret;
}

/* May sleep */
int tr_send_one(struct tr *tr, u32 size, u32 flags)
{
	int ret;

	mutex_lock(&tr->send_mutex);
	if (flags & TR_SEND_DEFAULT)
		ret = send_default(tr, size, flags & ~TR_SEND_DEFAULT);
	else
		ret = tr_send_next(tr, &tr->seq, tr->buf, size, flags);
	mutex_unlock(&tr->send_mutex);
	return ret;
}

/* Stops at the first packet that is not accepted. May sleep */
int tr_send(struct tr *tr, unsigned int count, u32 size, u32 flags)
{
	int ret = 0;

	while (count-- && !ret) {
		ret = tr_send_one(tr, size, flags);
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
