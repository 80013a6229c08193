// SPDX-License-Identifier: GPL-2.0
/*
 * Outgoing direction: sending packets, without waiting; together in tx_many.c.
 *
 * ch->tx.lock protects all of it. A packet is written into the ring at once if
 * it can be, or else queued (tx_queue.c). Everything here is atomic, except for
 * reading a buffer that may fault (KMCL_SEND_PAGED), and sending allocates
 * nothing. Packets end in tx_done.c, except for those that end in the call that
 * sends them.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/export.h>

#include "channel.h"
#include "trace.h"
#include "tx_done.h"
#include "tx_send.h"

/* Is it copied without the lock, see tx_copy.c? */
static bool is_alone(const struct kmcl_packet *pkt, u32 ext_len, const void *buf,
		     u32 len)
{
	return kmcl_is_large(ext_len + len) ||
	       kmcl_in_parts(pkt, ext_len, buf, len);
}

/*
 * As kmcl_put_packet(), for any packet: the lock is dropped for a large one.
 * -ENODEV: the gate was closed meanwhile. @irq: of spin_lock_irqsave().
 */
static int put_any(struct kmcl_packet *pkt, const void *buf, u32 len,
		   unsigned long irq)
	__must_hold(&pkt->ch->tx.lock)
{
	lockdep_assert_held(&pkt->ch->tx.lock);
	if (is_alone(pkt, pkt->ext_len, buf, len) && !kmcl_unanswered(pkt)) {
		buf = kmcl_copy_packet(pkt, buf, len, irq);
		if (IS_ERR(buf))
			return PTR_ERR(buf);
		if (!pkt->ch->tx.open)
			return -ENODEV;
	}
	return kmcl_put_packet(pkt, buf, len);
}

/* Copy a large payload into its packet, and drop the lock meanwhile */
static void copy_payload(struct kmcl_packet *pkt, const void *buf, u32 len,
			 unsigned long irq)
	__must_hold(&pkt->ch->tx.lock)
{
	struct kmcl_channel *ch = pkt->ch;

	lockdep_assert_held(&ch->tx.lock);
	spin_unlock_irqrestore(&ch->tx.lock, irq);
	trace_kmcl_copy(ch, len);
	/* A routine that sends again may send the data that it was given */
	kmcl_packet_store(pkt, buf, len);
	spin_lock_irqsave(&ch->tx.lock, irq);
}

/*
 * A packet was not written into the ring: @ret says why, or is 0 if it was not
 * tried. Queue it, if it may wait. Returns 0: queued, 1: written after all,
 * -EAGAIN: it may not be queued, -EPROTO or -ENODEV. Adds to *@after. A large packet
 * comes here each time (-EMSGSIZE); for it the lock is dropped.
 */
static int send_later(struct kmcl_packet *pkt, const void *buf, u32 len, int ret,
		      bool may_queue, u32 *after, unsigned long irq)
	__must_hold(&pkt->ch->tx.lock)
{
	struct kmcl_channel *ch = pkt->ch;

	lockdep_assert_held(&ch->tx.lock);
	if (ret == -EMSGSIZE) {
		ret = put_any(pkt, buf, len, irq);
		if (!ret)
			return 1;
	}
	if (ret == -EAGAIN) {
		kmcl_tx_full(ch);
		/* The peer frees only the space of packets it sees */
		if (kmcl_ring_commit(&ch->tx.ring))
			*after |= KMCL_TX_SIGNAL;
		if (may_queue &&
		    kmcl_ring_want_space(&ch->tx.ring,
					 kmcl_packet_bytes(ch, pkt->ext_len,
							   len))) {
			ret = put_any(pkt, buf, len, irq);
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
	if (kmcl_is_large(len) && buf != pkt->buf) {
		copy_payload(pkt, buf, len, irq);
		buf = pkt->buf;
	}
	if (ch->tx.ending)
		return -ENODEV;
	kmcl_enqueue(pkt, buf, len);
	return 0;
}

/*
 * The same; not inlined. While the lock is dropped for a large packet, that is in
 * use, and others queue theirs, or open the gate and find nothing to send: the queue
 * is written after that.
 */
noinline int kmcl_send_other(struct kmcl_packet *pkt, const void *buf, u32 len,
			     int ret, bool may_queue, u32 *after,
			     unsigned long irq)
	__must_hold(&pkt->ch->tx.lock)
{
	lockdep_assert_held(&pkt->ch->tx.lock);
	if (likely(!is_alone(pkt, pkt->ext_len, buf, len)))
		return send_later(pkt, buf, len, ret, may_queue, after, irq);
	pkt->state = KMCL_PKT_SENDING;
	ret = send_later(pkt, buf, len, ret, may_queue, after, irq);
	/* Otherwise it is queued or in flight */
	if (pkt->state == KMCL_PKT_SENDING)
		pkt->state = KMCL_PKT_IDLE;
	if (!list_empty(&pkt->ch->tx.queue) ||
	    kmcl_comps_wait(&pkt->ch->tx.made))
		*after |= KMCL_TX_FLUSH;
	return ret;
}

/* As kmcl_send_one(), for a packet that is in parts, see kmcl_in_parts() */
static noinline int send_parts(struct kmcl_packet *pkt, const void *buf, u32 len,
			       u32 ext_len, u32 flags, bool may_queue,
			       u32 *after, unsigned long irq)
	__must_hold(&pkt->ch->tx.lock)
{
	struct kmcl_channel *ch = pkt->ch;

	lockdep_assert_held(&ch->tx.lock);
	if (READ_ONCE(pkt->state) != KMCL_PKT_IDLE)
		return -EBUSY;
	if (ext_len && ch->tx.private)
		return -EOPNOTSUPP;
	kmcl_begin_send(pkt, ext_len, flags);
	return kmcl_send_other(pkt, buf, len,
			       kmcl_sends_now(ch) ? -EMSGSIZE : 0, may_queue,
			       after, irq);
}

/* End a packet that is in the ring, and needs no completion */
noinline void kmcl_end_written(struct kmcl_packet *pkt)
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
 * Release tx.lock after packets that others follow: their routines run when the peer
 * is shown them, which is now only if something else is to be done, too.
 */
void kmcl_finish_more(struct kmcl_channel *ch, unsigned long irq, u32 after)
	__releases(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	if (after)
		kmcl_tx_finish(ch, irq, after);
	else
		spin_unlock_irqrestore(&ch->tx.lock, irq);
}

/* A packet is in the ring: do what is left, which is @after, and return 0. */
static __always_inline int finish_written(struct kmcl_packet *pkt, u32 flags,
					  unsigned long irq, u32 after)
	__releases(&pkt->ch->tx.lock)
{
	struct kmcl_channel *ch = pkt->ch;
	u32 old = ch->tx.ring.shared;

	lockdep_assert_held(&ch->tx.lock);
	ch->tx.n.accepted++;
	if (unlikely(flags & KMCL_SEND_MORE)) {
		if (!(flags & KMCL_SEND_WAIT))
			kmcl_end_written(pkt);
		kmcl_finish_more(ch, irq, after);
		return 0;
	}
	if (flags & KMCL_SEND_WAIT &&
	    unlikely(kmcl_rx_holds(&ch->rx, &ch->tx.made))) {
		kmcl_finish_more(ch, irq, after);
		return 0;
	}

	/* Not before those due, nor before a signal for which the peer waits already */
	if (likely(!(flags & KMCL_SEND_WAIT) && pkt->done && !after &&
		   kmcl_done_direct(ch, irq))) {
		kmcl_ring_publish(&ch->tx.ring);
		if (likely(!kmcl_ring_asks(&ch->tx.ring, old))) {
			ch->tx.n.completed++;
			kmcl_done_begin(ch, irq, true);
			trace_kmcl_complete(ch, pkt, 0);
			pkt->done(pkt, 0, NULL, 0);
			kmcl_done_end(ch, true, true, old);
			return 0;
		}
		ch->tx.ring.signals++;
		after = KMCL_TX_SIGNAL;
	} else if (kmcl_ring_commit(&ch->tx.ring)) {
		after |= KMCL_TX_SIGNAL;
	}
	if (!(flags & KMCL_SEND_WAIT))
		kmcl_end_written(pkt);
	/* From here on the packet may be freed */
	if (after)
		kmcl_tx_finish(ch, irq, after);
	else
		kmcl_done_run(ch, irq);
	return 0;
}

/* See kmcl_submit(): any packet, whatever the channel's state. */
static noinline int submit_any(struct kmcl_packet *pkt, const void *buf, u32 len,
			       u32 ext_len, u32 flags, bool may_queue,
			       unsigned long irq)
	__releases(&pkt->ch->tx.lock)
{
	struct kmcl_channel *ch = pkt->ch;
	u32 after = 0;
	int ret;

	lockdep_assert_held(&ch->tx.lock);
	if (kmcl_in_parts(pkt, ext_len, buf, len))
		ret = send_parts(pkt, buf, len, ext_len, flags, may_queue,
				 &after, irq);
	else
		ret = kmcl_send_one(ch, pkt, buf, len, ext_len, flags,
				    kmcl_sends_now(ch), false, may_queue,
				    &after, irq);
	if (ret > 0)
		return finish_written(pkt, flags, irq, after);
	kmcl_tx_finish(ch, irq, after);
	return ret;
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

	if (unlikely(flags & KMCL_SEND_PAGED) &&
	    READ_ONCE(pkt->state) == KMCL_PKT_IDLE) {
		if (kmcl_packet_read(pkt, buf, len))
			return -EFAULT;
		buf = pkt->buf;
		if (kmcl_in_frags(pkt, buf, len)) {
			spin_lock_irqsave(&ch->tx.lock, irq);
			return submit_any(pkt, buf, len, ext_len, flags,
					  may_queue, irq);
		}
	}
	spin_lock_irqsave(&ch->tx.lock, irq);
	/* The usual packet, for which nothing else is looked at */
	if (likely(!ext_len && !ch->cfg.pipe && kmcl_sends_now(ch) &&
		   READ_ONCE(pkt->state) == KMCL_PKT_IDLE)) {
		kmcl_begin_send(pkt, 0, flags);
		if (likely(!kmcl_put_first(ch, pkt, buf, len, true,
					   KMCL_TX_AT_ONCE)))
			return finish_written(pkt, flags, irq, 0);
	}
	return submit_any(pkt, buf, len, ext_len, flags, may_queue, irq);
}

/* Returns 0 or a negative errno. */
int kmcl_check_send(const struct kmcl_packet *pkt, const void *buf, u32 len)
{
	return pkt ? kmcl_check_payload(pkt, buf, len,
					kmcl_max_payload(pkt->ch)) : -EINVAL;
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
 * Requests (KMCL_SEND_WAIT) that are sent by the channel's process callback, or by a
 * completion routine that the peer's completion has led to, are shown to the peer
 * together: when the batch of incoming packets ends, after a tick at the latest, with
 * whatever is sent otherwise, or with kmcl_flush(). Not in process context, where a
 * callback may take long: there each is shown at once.
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
	if (flags & ~kmcl_send_flags(pkt->ch))
		return -EINVAL;
	return kmcl_submit(pkt, buf, len, 0, flags, true);
}
EXPORT_SYMBOL_GPL(kmcl_send);

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
