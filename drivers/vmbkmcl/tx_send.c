// SPDX-License-Identifier: GPL-2.0
/*
 * Outgoing direction: the queue, the ring's producer, the gate.
 *
 * ch->tx.lock protects all of it. Packets and the driver's completions share
 * one queue and are written to the ring in order, except that completions
 * overtake packets while the gate is closed, and at the limit of memory.
 * Everything here is atomic, except for reading a buffer that may fault
 * (KMCL_SEND_PAGED), and sending allocates nothing. Packets end in tx_done.c,
 * except for those that end in the call that sends them.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "channel.h"
#include "trace.h"
#include "tx_done.h"

/* Interrupt the peer; inside rcu_read_lock(). */
void kmcl_signal(struct kmcl_channel *ch)
{
	struct kmcl_offer *offer = ch->link.offer;

	if (ch->server)
		offer->ops->server->signal(offer);
	else
		offer->ops->signal(offer);
}

/*
 * Write a packet into the ring, not yet visible to the peer. Inline for
 * kmcl_submit(), on which the speed of sending depends; all others call
 * put_packet().
 */
static __always_inline int put_first(struct kmcl_packet *pkt, const void *buf,
				     u32 len)
	__must_hold(&pkt->ch->tx.lock)
{
	struct kmcl_channel *ch = pkt->ch;
	struct kmcl_slot *slot = pkt->slot;
	u64 id = likely(slot) ? slot->index : KMCL_NO_SLOT;
	int ret;

	lockdep_assert_held(&ch->tx.lock);
	if (pkt->wait) {
		/* Signed, because both wrap */
		if (unlikely((s32)(ch->tx.unused_end - ch->tx.generation) <= 1)) {
			if (ch->tx.no_answers)
				return -EPROTO;
			kmcl_trans_find_unused(ch);
		}
		id |= (u64)(ch->tx.generation + 1) << 32;
	}
	if (unlikely(ch->cfg.pipe))
		ret = kmcl_pipe_put(ch, id, buf, len);
	else
		ret = kmcl_ring_put(&ch->tx.ring, pkt->ext_len ?
				    KMCL_WIRE_DATA_GPA_DIRECT :
				    KMCL_WIRE_DATA_INBAND, pkt->wait ?
				    KMCL_WIRE_FLAG_COMPLETION_REQUESTED : 0,
				    id, kmcl_packet_header(pkt), pkt->ext_len,
				    buf, len);
	if (unlikely(ret))
		return ret;
	ch->tx.n.sent++;
	ch->tx.full = false;
	trace_kmcl_send(ch, id, false, len, pkt->wait, ch->tx.n.queued);
	if (!pkt->wait) {
		ch->tx.n.in_ring++;
	} else {
		ch->tx.generation++;
		if (likely(slot)) {
			slot->trans_id = id;
			slot->pkt = pkt;
		} else {
			kmcl_trans_add(pkt, id);
		}
		pkt->state = KMCL_PKT_IN_FLIGHT;
		ch->tx.n.in_flight++;
		ch->tx.n.in_flight_peak = max(ch->tx.n.in_flight_peak,
					      ch->tx.n.in_flight);
		list_add_tail(&pkt->item.node, &ch->tx.in_flight);
	}
	return 0;
}

static noinline int put_packet(struct kmcl_packet *pkt, const void *buf, u32 len)
	__must_hold(&pkt->ch->tx.lock)
{
	lockdep_assert_held(&pkt->ch->tx.lock);
	return put_first(pkt, buf, len);
}

/* Write a completion into the ring, not yet visible to the peer. */
static int put_comp(struct kmcl_channel *ch, u64 trans_id, const void *buf,
		    u32 len)
	__must_hold(&ch->tx.lock)
{
	int ret;

	lockdep_assert_held(&ch->tx.lock);
	ret = kmcl_ring_put(&ch->tx.ring, KMCL_WIRE_COMP, 0, trans_id, NULL, 0,
			    buf, len);
	if (ret)
		return ret;
	ch->tx.n.comps_sent++;
	ch->tx.full = false;
	trace_kmcl_send(ch, trans_id, true, len, false, ch->tx.n.queued);
	return 0;
}

/* Count that the ring has no room */
static void ring_full(struct kmcl_channel *ch)
	__must_hold(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	ch->tx.n.full++;
	if (!ch->server && ch->link.offer->ops->full)
		ch->link.offer->ops->full(ch->link.offer, !ch->tx.full);
	ch->tx.full = true;
}

/* Is the packet a request that nobody will see the answer to? */
static bool unanswered(const struct kmcl_packet *pkt)
	__must_hold(&pkt->ch->tx.lock)
{
	lockdep_assert_held(&pkt->ch->tx.lock);
	return pkt->wait && pkt->ch->tx.no_answers;
}

/*
 * The peer's read index is invalid: send nothing more on this link, even if the
 * index becomes valid again. The next link has a new ring. True: the caller
 * calls warn_broken() without the lock, for which this takes a reference.
 */
static bool ring_broken(struct kmcl_channel *ch)
	__must_hold(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	if (ch->tx.ring.broken)
		return false;
	kmcl_ring_break(&ch->tx.ring);
	ch->tx.n.broken++;
	kmcl_channel_get(ch);
	return true;
}

/* A console may send this message on the same channel, so no lock is held */
static noinline void warn_broken(struct kmcl_channel *ch)
{
	pr_warn_ratelimited("%s: the other side wrote a bad read index; packets are queued until the channel is opened again: disable and enable it, or have its device offered anew\n",
			    kmcl_name(ch));
	kmcl_channel_put(ch);
}

static int put_item(struct kmcl_channel *ch, struct kmcl_item *item)
	__must_hold(&ch->tx.lock)
{
	struct kmcl_context *ctx;
	struct kmcl_packet *pkt;
	int ret;

	lockdep_assert_held(&ch->tx.lock);
	/* Off the queue first, since put_packet() may add it to another list */
	if (item->kind == KMCL_ITEM_PACKET) {
		struct list_head *prev = item->node.prev;

		pkt = container_of(item, struct kmcl_packet, item);
		list_del(&item->node);
		ret = put_packet(pkt, pkt->buf, pkt->len);
		if (ret && !unanswered(pkt)) {
			list_add(&item->node, prev);
			return ret;
		}
		ch->tx.n.queued--;
		if (ret || !pkt->wait)
			kmcl_done_add(pkt, ret, 0);
		return 0;
	}

	ctx = container_of(item, struct kmcl_context, item);
	ret = put_comp(ch, ctx->trans_id, ctx->buf, ctx->len);
	if (!ret) {
		list_del(&item->node);
		list_del(&ctx->comp);
	}
	return ret;
}

static u32 packet_bytes(const struct kmcl_channel *ch, u32 ext_len, u32 len)
{
	return kmcl_ring_bytes(ch->cfg.pipe ? KMCL_PIPE_HEADER : ext_len, len);
}

static u32 item_bytes(const struct kmcl_channel *ch,
		      const struct kmcl_item *item)
	__must_hold(&ch->tx.lock)
{
	const struct kmcl_packet *pkt;

	lockdep_assert_held(&ch->tx.lock);
	if (item->kind == KMCL_ITEM_PACKET) {
		pkt = container_of(item, struct kmcl_packet, item);
		return packet_bytes(ch, pkt->ext_len, pkt->len);
	}
	return kmcl_ring_bytes(0, container_of(item, struct kmcl_context,
					       item)->len);
}

/* The next entry that may be written now; see kmcl_ctx_allowed() for overrun */
static struct kmcl_item *next_item(struct kmcl_channel *ch)
	__must_hold(&ch->tx.lock)
{
	struct kmcl_context *ctx;

	lockdep_assert_held(&ch->tx.lock);
	if (ch->tx.open && !READ_ONCE(ch->rx.overrun))
		return list_first_entry_or_null(&ch->tx.queue, struct kmcl_item,
						node);
	ctx = list_first_entry_or_null(&ch->tx.comps, struct kmcl_context, comp);
	return ctx ? &ctx->item : NULL;
}

/*
 * Write a part of the queue, and move the completions among it to @written.
 * Sets *@signal if the peer must be signalled, and *@broken if warn_broken() is
 * due. True: there may be more to write.
 */
static bool flush_burst(struct kmcl_channel *ch, struct list_head *written,
			bool *signal, bool *broken)
	__must_hold(&ch->tx.lock)
{
	struct kmcl_item *item;
	u32 n, bytes = 0;
	int ret = 0;

	lockdep_assert_held(&ch->tx.lock);
	*signal = false;
	for (n = 0; n < KMCL_TX_BURST && bytes < KMCL_TX_BURST_BYTES; n++) {
		bool completion;

		item = next_item(ch);
		if (!item)
			break;
		completion = item->kind == KMCL_ITEM_COMP;
		bytes += item_bytes(ch, item);
		ret = put_item(ch, item);
		if (ret == -EAGAIN) {
			ring_full(ch);
			/* The peer frees only the space of packets it sees */
			*signal |= kmcl_ring_commit(&ch->tx.ring);
			if (kmcl_ring_want_space(&ch->tx.ring,
						 item_bytes(ch, item)))
				ret = put_item(ch, item);
		}
		if (ret == -EPROTO)
			*broken = ring_broken(ch);
		if (ret)
			break;
		if (completion)
			list_add_tail(&item->node, written);
	}
	*signal |= kmcl_ring_commit(&ch->tx.ring);
	return !ret && next_item(ch);
}

/**
 * kmcl_tx_flush() - write as much of the queue as gate and ring allow
 * @ch: the channel
 *
 * In bursts: what one of them writes becomes visible to the peer at once, with
 * at most one signal, unless the ring gets full. While the gate is closed, and at
 * the limit of memory (kmcl_ctx_allowed()), completions overtake packets.
 *
 * Context: atomic.
 */
void kmcl_tx_flush(struct kmcl_channel *ch)
{
	struct kmcl_item *item, *next;
	LIST_HEAD(written);
	unsigned long flags;
	bool signal, more, broken = false;

	rcu_read_lock();
	spin_lock_irqsave(&ch->tx.lock, flags);
	while (ch->tx.linked) {
		more = flush_burst(ch, &written, &signal, &broken);
		if (!more && !signal)
			break;
		spin_unlock_irqrestore(&ch->tx.lock, flags);
		if (signal)
			kmcl_signal(ch);
		spin_lock_irqsave(&ch->tx.lock, flags);
		if (!more)
			break;
	}
	kmcl_done_run(ch, flags);
	rcu_read_unlock();
	if (broken)
		warn_broken(ch);
	list_for_each_entry_safe(item, next, &written, node)
		kmcl_ctx_free(container_of(item, struct kmcl_context, item));
}

static void enqueue(struct kmcl_packet *pkt, const void *buf, u32 len)
	__must_hold(&pkt->ch->tx.lock)
{
	struct kmcl_channel *ch = pkt->ch;

	lockdep_assert_held(&ch->tx.lock);
	/* A routine that sends again may send the data that it was given */
	if (buf != pkt->buf && len)
		memmove(pkt->buf, buf, len);
	pkt->len = len;
	pkt->state = KMCL_PKT_QUEUED;
	ch->tx.n.accepted++;
	ch->tx.n.queued++;
	ch->tx.n.queued_peak = max(ch->tx.n.queued_peak, ch->tx.n.queued);
	trace_kmcl_queue(ch, pkt, ch->tx.n.queued);
	list_add_tail(&pkt->item.node, &ch->tx.queue);
}

/*
 * Where user space and the kernel can have the same addresses, as with UML, an
 * address is the kernel's if it has memory there.
 */
static bool user_address(const void *buf)
{
	if (IS_ENABLED(CONFIG_ARCH_HAS_NON_OVERLAPPING_ADDRESS_SPACE))
		return untagged_addr((unsigned long)buf) < TASK_SIZE_MAX;
	return !virt_addr_valid(buf) && !is_vmalloc_addr(buf);
}

/*
 * Copy a payload that may fault into an idle packet. May sleep. Returns 0 or
 * -EFAULT.
 */
static noinline int copy_paged(struct kmcl_packet *pkt, const void *buf,
			       u32 len)
{
	const void __user *user = (const void __force __user *)buf;

	if (!len)
		return 0;
	if (!user_address(buf)) {
		memmove(pkt->buf, buf, len);
		return 0;
	}
	/* A kernel thread has the addresses of whoever ran before it */
	if (!in_task() || !current->mm || copy_from_user(pkt->buf, user, len))
		return -EFAULT;
	return 0;
}

/*
 * See kmcl_send(). @ext_len: bytes of ranges in the packet, 0 without external
 * data. @may_queue: false: return -EAGAIN instead of queueing the packet.
 */
int kmcl_submit(struct kmcl_packet *pkt, const void *buf, u32 len, u32 ext_len,
		u32 flags, bool may_queue)
{
	struct kmcl_channel *ch = pkt->ch;
	bool signal = false, broken;
	unsigned long irq;
	int ret = -EAGAIN;

	if (flags & KMCL_SEND_PAGED && READ_ONCE(pkt->state) == KMCL_PKT_IDLE) {
		if (copy_paged(pkt, buf, len))
			return -EFAULT;
		buf = pkt->buf;
	}
	spin_lock_irqsave(&ch->tx.lock, irq);
	if (unlikely(pkt->state != KMCL_PKT_IDLE)) {
		ret = -EBUSY;
		goto unlock;
	}
	if (unlikely(ext_len && ch->tx.private)) {
		ret = -EOPNOTSUPP;
		goto unlock;
	}
	pkt->wait = flags & KMCL_SEND_WAIT;
	pkt->trans_id = 0;
	pkt->ext_len = ext_len;
	if (likely(ch->tx.open && list_empty(&ch->tx.queue))) {
		ret = put_first(pkt, buf, len);
		if (unlikely(ret == -EAGAIN)) {
			ring_full(ch);
			if (may_queue &&
			    kmcl_ring_want_space(&ch->tx.ring,
						 packet_bytes(ch, ext_len, len)))
				ret = put_packet(pkt, buf, len);
		}
	}
	if (unlikely(ret)) {
		if (ret == -EPROTO && unanswered(pkt))
			goto unlock;
		broken = ret == -EPROTO && ring_broken(ch);
		ret = -EAGAIN;
		if (may_queue)
			ret = ch->tx.ending ? -ENODEV : 0;
		if (!ret)
			enqueue(pkt, buf, len);
		spin_unlock_irqrestore(&ch->tx.lock, irq);
		if (broken)
			warn_broken(ch);
		return ret;
	}

	ch->tx.n.accepted++;
	signal = kmcl_ring_commit(&ch->tx.ring);
	if (!(flags & KMCL_SEND_WAIT)) {
		if (!pkt->done) {
			ch->tx.n.completed++;
			trace_kmcl_complete(ch, pkt, 0);
			if (!kmcl_packet_recycle(pkt))
				kmcl_packet_destroy(pkt);
		} else if (unlikely(signal || !list_empty(&ch->tx.done) ||
				    !kmcl_done_quiet(ch) ||
				    kmcl_done_irqs_off(irq))) {
			/* Not before those due, nor before the signal */
			kmcl_done_add(pkt, 0, 0);
		} else {
			ch->tx.n.completed++;
			kmcl_done_at_once(pkt, irq);
			return 0;
		}
	}
	/* From here on the packet may be freed */
	if (signal) {
		/* Disconnecting waits for this before the device is released */
		rcu_read_lock();
		spin_unlock_irqrestore(&ch->tx.lock, irq);
		kmcl_signal(ch);
		spin_lock_irqsave(&ch->tx.lock, irq);
		rcu_read_unlock();
	}
	kmcl_done_run(ch, irq);
	return ret;
unlock:
	spin_unlock_irqrestore(&ch->tx.lock, irq);
	return ret;
}

/* Check what all sends require. Returns 0 or a negative errno. */
int kmcl_check_send(const struct kmcl_packet *pkt, const void *buf, u32 len)
{
	if (!pkt)
		return -EINVAL;
	if (!pkt->done && !pkt->own_memory)
		return -ENOENT;
	if (!buf && len)
		return -EINVAL;
	if (len > kmcl_max_payload(pkt->ch))
		return -EMSGSIZE;
	return 0;
}

/**
 * kmcl_send() - send or queue a packet (VmbPacketSend)
 * @pkt: the packet, neither queued nor in flight, with a completion routine
 *	if the memory is the driver's
 * @buf: payload; read or copied before the call returns
 * @len: bytes of payload, at most the channel's packet size; 0 is allowed
 * @flags: KMCL_SEND_WAIT: the packet completes when the peer has completed
 *	it, else when it is in the ring; KMCL_SEND_PAGED: @buf may fault, and
 *	may be an address in user space, of the calling task
 *
 * Before the channel is open, while it is paused and after it has closed, the
 * packet is queued. The queue is sent first, in order, when packets can be sent
 * again. The completion routine may run before the call returns.
 *
 * Context: atomic; may sleep with KMCL_SEND_PAGED.
 * Return: 0: accepted, the completion routine will be called exactly once.
 * Not accepted: -EINVAL: no packet, no buffer, unknown flags, or KMCL_SEND_WAIT
 * in pipe mode; -ENOENT: no completion routine; -EBUSY: the packet is in use;
 * -EMSGSIZE: @len is above the packet size; -ENODEV: the channel is being
 * freed; -EFAULT: not all of @buf can be read; -EPROTO: with KMCL_SEND_WAIT:
 * nothing is received any more, because of a bad packet, until the channel is
 * opened again. A packet that is in flight or queued then ends with -EPROTO.
 */
int kmcl_send(struct kmcl_packet *pkt, const void *buf, u32 len, u32 flags)
{
	int ret = kmcl_check_send(pkt, buf, len);

	if (ret)
		return ret;
	if (flags & ~(KMCL_SEND_WAIT | KMCL_SEND_PAGED) ||
	    (flags & KMCL_SEND_WAIT && pkt->ch->cfg.pipe))
		return -EINVAL;
	return kmcl_submit(pkt, buf, len, 0, flags, true);
}
EXPORT_SYMBOL_GPL(kmcl_send);

/*
 * Say whether the peer of the next link can access memory that packets describe.
 * Returns 0; -EOPNOTSUPP: it cannot, and such a packet is queued. Atomic.
 */
int kmcl_tx_set_private(struct kmcl_channel *ch, bool private)
{
	const struct kmcl_packet *pkt;
	struct kmcl_item *item;
	int ret = 0;

	spin_lock_irq(&ch->tx.lock);
	ch->tx.private = private;
	list_for_each_entry(item, &ch->tx.queue, node) {
		if (!private)
			break;
		if (item->kind != KMCL_ITEM_PACKET)
			continue;
		pkt = container_of(item, struct kmcl_packet, item);
		if (pkt->ext_len)
			ret = -EOPNOTSUPP;
	}
	spin_unlock_irq(&ch->tx.lock);
	return ret;
}

/* The rings are connected: allow completions to be sent. */
void kmcl_tx_attach(struct kmcl_channel *ch)
{
	spin_lock_irq(&ch->tx.lock);
	ch->tx.linked = !READ_ONCE(ch->sm.in.dead);
	ch->tx.no_answers = false;
	if (ch->server)
		ch->tx.sync_closed = false;
	spin_unlock_irq(&ch->tx.lock);
}

void kmcl_tx_gate(struct kmcl_channel *ch, bool open)
{
	spin_lock_irq(&ch->tx.lock);
	ch->tx.open = open && ch->tx.linked;
	spin_unlock_irq(&ch->tx.lock);
}

/* Send nothing more on this link. Atomic. */
void kmcl_tx_dead(struct kmcl_channel *ch)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->tx.lock, flags);
	ch->tx.linked = false;
	ch->tx.open = false;
	spin_unlock_irqrestore(&ch->tx.lock, flags);
}

/* Send the driver's completion of an incoming packet; frees @ctx. Atomic. */
void kmcl_tx_comp(struct kmcl_channel *ch, struct kmcl_context *ctx,
		  const void *buf, u32 len)
{
	struct kmcl_context *queued = NULL;
	unsigned long flags;
	bool signal = false;
	int ret = -EAGAIN;

	rcu_read_lock();
	spin_lock_irqsave(&ch->tx.lock, flags);
	if (!ch->tx.linked) {
		ch->tx.n.comps_dropped++;
		goto unlock;
	}
	if (list_empty(&ch->tx.queue))
		ret = put_comp(ch, ctx->trans_id, buf, len);
	if (!ret) {
		signal = kmcl_ring_commit(&ch->tx.ring);
	} else {
		queued = kmcl_ctx_queued(ctx, buf, len);
		list_add_tail(&queued->item.node, &ch->tx.queue);
		list_add_tail(&queued->comp, &ch->tx.comps);
	}
unlock:
	spin_unlock_irqrestore(&ch->tx.lock, flags);
	if (signal)
		kmcl_signal(ch);
	rcu_read_unlock();
	if (queued != ctx)
		kmcl_ctx_free(ctx);
	if (queued)
		kmcl_tx_flush(ch);
}
