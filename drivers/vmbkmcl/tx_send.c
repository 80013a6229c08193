// SPDX-License-Identifier: GPL-2.0
/*
 * Outgoing direction: sending packets, without waiting.
 *
 * ch->tx.lock protects all of it. A packet is written into the ring at once if
 * it can be, or else queued (tx_queue.c). Everything here is atomic, except for
 * reading a buffer that may fault (KMCL_SEND_PAGED), and sending allocates
 * nothing. Packets end in tx_done.c, except for those that end in the call that
 * sends them.
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
#include "tx_put.h"

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
 * A packet was not written into the ring: @ret says why, or is 0 if it was not
 * tried. Queue it, if it may wait. Returns 0: queued, 1: written after all,
 * -EAGAIN: it may not be queued, -EPROTO or -ENODEV. Adds to *@after.
 */
static noinline int send_later(struct kmcl_packet *pkt, const void *buf,
			       u32 len, int ret, bool may_queue, u32 *after)
	__must_hold(&pkt->ch->tx.lock)
{
	struct kmcl_channel *ch = pkt->ch;

	lockdep_assert_held(&ch->tx.lock);
	if (ret == -EAGAIN) {
		kmcl_tx_full(ch);
		/* The peer frees only the space of packets it sees */
		if (kmcl_ring_commit(&ch->tx.ring))
			*after |= KMCL_TX_SIGNAL;
		if (may_queue &&
		    kmcl_ring_want_space(&ch->tx.ring,
					 kmcl_packet_bytes(ch, pkt->ext_len,
							   len))) {
			ret = kmcl_put_packet(pkt, buf, len);
			if (!ret)
				return 1;
		}
	}
	if (ret == -EPROTO) {
		if (kmcl_unanswered(pkt))
			return ret;
		if (kmcl_tx_broken(ch))
			*after |= KMCL_TX_WARN;
	}
	if (!may_queue)
		return -EAGAIN;
	if (ch->tx.ending)
		return -ENODEV;
	kmcl_enqueue(pkt, buf, len);
	return 0;
}

/*
 * Write a packet into the ring, not yet visible to the peer, or queue it. Returns
 * 1: written, 0: queued, or a negative errno: not accepted. Adds to *@after what
 * kmcl_tx_finish() has to do.
 */
static __always_inline int send_one(struct kmcl_packet *pkt, const void *buf,
				    u32 len, u32 ext_len, u32 flags,
				    bool may_queue, u32 *after)
	__must_hold(&pkt->ch->tx.lock)
{
	struct kmcl_channel *ch = pkt->ch;
	int ret = 0;

	lockdep_assert_held(&ch->tx.lock);
	if (unlikely(READ_ONCE(pkt->state) != KMCL_PKT_IDLE))
		return -EBUSY;
	if (unlikely(ext_len && ch->tx.private))
		return -EOPNOTSUPP;
	pkt->wait = flags & KMCL_SEND_WAIT;
	pkt->trans_id = 0;
	pkt->ext_len = ext_len;
	if (likely(ch->tx.open && list_empty(&ch->tx.queue))) {
		ret = kmcl_put_first(pkt, buf, len);
		if (likely(!ret))
			goto written;
	}
	ret = send_later(pkt, buf, len, ret, may_queue, after);
	if (ret <= 0)
		return ret;
written:
	ch->tx.n.accepted++;
	return 1;
}

/* End a packet that is in the ring, and needs no completion */
static __always_inline void end_written(struct kmcl_packet *pkt)
	__must_hold(&pkt->ch->tx.lock)
{
	struct kmcl_channel *ch = pkt->ch;

	lockdep_assert_held(&ch->tx.lock);
	if (pkt->done) {
		kmcl_done_written(pkt);
		return;
	}
	ch->tx.n.completed++;
	trace_kmcl_complete(ch, pkt, 0);
	if (!kmcl_packet_recycle(pkt))
		kmcl_packet_destroy(pkt);
}

/*
 * See kmcl_send(). @ext_len: bytes of ranges in the packet, 0 without external
 * data. @may_queue: false: return -EAGAIN instead of queueing the packet.
 */
int kmcl_submit(struct kmcl_packet *pkt, const void *buf, u32 len, u32 ext_len,
		u32 flags, bool may_queue)
{
	struct kmcl_channel *ch = pkt->ch;
	unsigned long irq;
	u32 after = 0;
	int ret;

	if (flags & KMCL_SEND_PAGED && READ_ONCE(pkt->state) == KMCL_PKT_IDLE) {
		if (copy_paged(pkt, buf, len))
			return -EFAULT;
		buf = pkt->buf;
	}
	spin_lock_irqsave(&ch->tx.lock, irq);
	ret = send_one(pkt, buf, len, ext_len, flags, may_queue, &after);
	if (unlikely(ret <= 0)) {
		kmcl_tx_finish(ch, irq, after);
		return ret;
	}
	if (unlikely(flags & KMCL_SEND_MORE)) {
		if (!(flags & KMCL_SEND_WAIT))
			end_written(pkt);
		/* Routines run when the peer is shown the packets */
		if (after)
			kmcl_tx_finish(ch, irq, after);
		else
			spin_unlock_irqrestore(&ch->tx.lock, irq);
		return 0;
	}

	if (kmcl_ring_commit(&ch->tx.ring))
		after |= KMCL_TX_SIGNAL;
	if (!(flags & KMCL_SEND_WAIT)) {
		/* Not before those due, nor before the signal */
		if (likely(pkt->done && !after && list_empty(&ch->tx.done) &&
			   kmcl_done_quiet(ch) && !kmcl_done_irqs_off(irq))) {
			ch->tx.n.completed++;
			kmcl_done_at_once(pkt, irq);
			return 0;
		}
		end_written(pkt);
	}
	/* From here on the packet may be freed */
	if (after)
		kmcl_tx_finish(ch, irq, after);
	else
		kmcl_done_run(ch, irq);
	return 0;
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

/* Check the flags of what kmcl_send() and kmcl_send_many() send. */
static bool flags_valid(const struct kmcl_packet *pkt, u32 flags)
{
	return !(flags & ~KMCL_SEND_FLAGS) &&
	       !(flags & KMCL_SEND_WAIT && pkt->ch->cfg.pipe);
}

static int check_message(const struct kmcl_channel *ch,
			 const struct kmcl_message *msg)
{
	int ret = kmcl_check_send(msg->pkt, msg->buf, msg->len);

	if (ret)
		return ret;
	return msg->pkt->ch == ch && flags_valid(msg->pkt, msg->flags) ? 0 :
		-EINVAL;
}

/**
 * kmcl_send() - send or queue a packet (VmbPacketSend)
 * @pkt: the packet, neither queued nor in flight, with a completion routine
 *	if the memory is the driver's
 * @buf: payload; read or copied before the call returns
 * @len: bytes of payload, at most the channel's packet size; 0 is allowed
 * @flags: KMCL_SEND_WAIT: the packet completes when the peer has completed
 *	it, else when it is in the ring; KMCL_SEND_PAGED: @buf may fault, and
 *	may be an address in user space, of the calling task; KMCL_SEND_MORE:
 *	another packet follows at once, see kmcl_flush()
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
	if (!flags_valid(pkt, flags))
		return -EINVAL;
	return kmcl_submit(pkt, buf, len, 0, flags, true);
}
EXPORT_SYMBOL_GPL(kmcl_send);

/*
 * Send the first of @n messages, as many as tx.lock may be held for, and set
 * *@sent to their number. Returns 0, or why the next one was not accepted.
 */
static int send_burst(struct kmcl_channel *ch, const struct kmcl_message *msg,
		      u32 n, u32 *sent)
{
	const void *copy = NULL;
	u32 after = 0, bytes = 0;
	unsigned long irq;
	bool more = false;
	int ret = 0;
	u32 i;

	if (msg->flags & KMCL_SEND_PAGED) {
		ret = check_message(ch, msg);
		if (ret)
			return ret;
		if (READ_ONCE(msg->pkt->state) == KMCL_PKT_IDLE) {
			if (copy_paged(msg->pkt, msg->buf, msg->len))
				return -EFAULT;
			copy = msg->pkt->buf;
		}
	}
	spin_lock_irqsave(&ch->tx.lock, irq);
	for (i = 0; i < n && i < KMCL_TX_BURST && bytes < KMCL_TX_BURST_BYTES;
	     i++, msg++) {
		ret = check_message(ch, msg);
		/* What may fault is copied first, without the lock */
		if (unlikely(ret || (msg->flags & KMCL_SEND_PAGED && i)))
			break;
		ret = send_one(msg->pkt, copy ?: msg->buf, msg->len, 0,
			       msg->flags, true, &after);
		if (unlikely(ret < 0))
			break;
		if (ret && !(msg->flags & KMCL_SEND_WAIT))
			end_written(msg->pkt);
		more = msg->flags & KMCL_SEND_MORE && i + 1 == n;
		bytes += msg->len;
		copy = NULL;
		ret = 0;
	}
	*sent = i;
	if (more && !after) {
		spin_unlock_irqrestore(&ch->tx.lock, irq);
		return ret;
	}
	if (!more)
		after |= kmcl_tx_show(ch);
	kmcl_tx_finish(ch, irq, after);
	return ret;
}

/**
 * kmcl_send_many() - send or queue packets, in order
 * @ch: the channel
 * @msgs: the packets, and the payload and flags of each, as for kmcl_send(); each
 *	packet once
 * @n: how many
 *
 * Does what as many calls of kmcl_send() do, for less: packets of a batch become
 * visible to the peer together, with one signal at most, and their completion
 * routines run together after that, in order. Batches have up to 64 packets.
 * KMCL_SEND_MORE needs to be set, if at all, only for the last packet.
 *
 * Context: atomic; may sleep if KMCL_SEND_PAGED is set for a packet.
 * Return: how many packets were accepted, counted from the first one on. If that
 * is less than @n, the next one was not, nor any after it. If none was, the error
 * of the first one, see kmcl_send(); -EINVAL also: no channel, no messages, or a
 * packet of another channel.
 */
int kmcl_send_many(struct kmcl_channel *ch, const struct kmcl_message *msgs,
		   u32 n)
{
	u32 total = 0, sent;
	int ret = 0;

	if (!ch || (!msgs && n) || n > INT_MAX)
		return -EINVAL;
	while (total < n && !ret) {
		sent = 0;
		ret = send_burst(ch, msgs + total, n - total, &sent);
		total += sent;
	}
	return total ?: ret;
}
EXPORT_SYMBOL_GPL(kmcl_send_many);

/**
 * kmcl_flush() - show the peer what was sent with KMCL_SEND_MORE
 * @ch: the channel
 *
 * A packet that is sent with KMCL_SEND_MORE is in the ring, where the peer does
 * not see it yet; its completion routine is due, but runs later. Both change
 * with the next send without that flag, with this call, when the ring is full,
 * and when the channel is paused or closed. So the flag saves an update of the
 * ring's index, and a signal, for all packets but the last of a series.
 *
 * Context: atomic.
 */
void kmcl_flush(struct kmcl_channel *ch)
{
	unsigned long irq;

	spin_lock_irqsave(&ch->tx.lock, irq);
	kmcl_tx_finish(ch, irq, kmcl_tx_show(ch));
}
EXPORT_SYMBOL_GPL(kmcl_flush);
