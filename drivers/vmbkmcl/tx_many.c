// SPDX-License-Identifier: GPL-2.0
/*
 * Outgoing direction: sending packets together, without waiting.
 *
 * ch->tx.lock protects all of it; a burst of packets is written under one hold of it,
 * and their completion routines run after that. Everything here is atomic, except for
 * reading a buffer that may fault (KMCL_SEND_PAGED), and nothing is allocated.
 */
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/export.h>
#include <linux/minmax.h>

#include "channel.h"
#include "trace.h"
#include "tx_done.h"
#include "tx_send.h"

/* A message to a pipe */
static noinline int send_to_pipe(struct kmcl_channel *ch,
				 struct kmcl_packet *pkt, const void *buf,
				 u32 len, bool now, u32 *after,
				 unsigned long irq)
	__must_hold(&ch->tx.lock)
{
	lockdep_assert_held(&ch->tx.lock);
	return kmcl_send_one(ch, pkt, buf, len, 0, 0, now, false, true, after, irq);
}

/* What the messages of one call have in common */
struct batch {
	struct kmcl_channel *ch;
	u32 refused;			/* flags that are not allowed */
	u32 most;			/* bytes of payload */
	u32 most_together;		/* of a packet of a burst */
	const struct kmcl_message *end;
};

static __always_inline int check_message(const struct kmcl_channel *ch,
					 const struct kmcl_message *msg,
					 u32 refused, u32 most)
{
	if (unlikely(!msg->pkt || msg->pkt->ch != ch || msg->flags & refused))
		return -EINVAL;
	return kmcl_check_payload(msg->pkt, msg->buf, msg->len, most);
}

/*
 * Write the first of @n messages, as far as they are like most: short, of an idle packet
 * with a completion routine, without flags, and with room that is known. For any other
 * message there is kmcl_send_one(). The gate is open, and all that is due before has
 * been written. Returns how many were written; their routines are due.
 */
static __always_inline u32 put_short(struct kmcl_channel *ch,
				     const struct kmcl_message *msgs, u32 n,
				     u32 most)
	__must_hold(&ch->tx.lock)
{
	struct kmcl_ring *ring = &ch->tx.ring;
	u32 index = ring->index, known = ring->known;
	u32 i, j;

	lockdep_assert_held(&ch->tx.lock);
	most = min(most, KMCL_RING_WORDS - 1);
	for (i = 0; i < n; i++) {
		const struct kmcl_message *msg = &msgs[i];
		struct kmcl_packet *pkt = msg->pkt;
		u32 len = msg->len, bytes;

		if (unlikely(!pkt || pkt->ch != ch || msg->flags || len > most ||
			     !msg->buf || !pkt->done ||
			     READ_ONCE(pkt->state) != KMCL_PKT_IDLE))
			break;
		bytes = kmcl_ring_bytes(0, len);
		if (unlikely(bytes >= known))
			break;
		kmcl_begin_send(pkt, 0, 0);
		pkt->state = KMCL_PKT_DONE;
		kmcl_ring_store(ring, index, bytes, pkt->serial, msg->buf, len);
		known -= bytes;
		index = kmcl_ring_advance(ring, index, bytes);
	}
	if (unlikely(!i))
		return 0;
	ring->index = index;
	ring->known = known;
	ch->tx.n.sent += i;
	ch->tx.n.in_ring += i;
	ch->tx.full = false;
	if (trace_kmcl_send_enabled())
		for (j = 0; j < i; j++)
			trace_kmcl_send(ch, msgs[j].pkt->serial, false,
					msgs[j].len, false, ch->tx.n.queued);
	return i;
}

/*
 * Run the routines of a burst whose packets are in the ring: those of the messages
 * in @due. Each belongs to the driver again when its routine is called.
 */
static void run_burst(struct kmcl_channel *ch, const struct kmcl_message *msgs,
		      u64 due)
{
	for (; due; due >>= 1, msgs++) {
		struct kmcl_packet *pkt = msgs->pkt;

		if (unlikely(!(due & 1)))
			continue;
		trace_kmcl_complete(ch, pkt, 0);
		WRITE_ONCE(pkt->state, KMCL_PKT_IDLE);
		pkt->done(pkt, 0, NULL, 0);
	}
}

/* Release tx.lock, do what is left of sending a burst, and run its routines. */
static void finish_burst(struct kmcl_channel *ch,
			 const struct kmcl_message *msgs, u64 due,
			 unsigned long irq, u32 after)
	__releases(&ch->tx.lock)
{
	struct kmcl_ring *ring = &ch->tx.ring;
	u32 old = ring->shared;
	bool shown = false;

	lockdep_assert_held(&ch->tx.lock);
	if (!due) {
		kmcl_tx_finish(ch, irq, after | kmcl_tx_show(ch));
		return;
	}
	if (likely(ch->tx.linked && ring->index != old)) {
		kmcl_ring_publish(ring);
		shown = !kmcl_ring_asks(ring, old);
		if (!shown) {
			ring->signals++;
			after |= KMCL_TX_SIGNAL;
		}
	}
	kmcl_done_begin(ch, irq, true);
	/* Disconnecting waits for the end of the claim */
	if (after & KMCL_TX_SIGNAL)
		kmcl_signal(ch);
	run_burst(ch, msgs, due);
	kmcl_done_end(ch, true, shown, old);
	if (after & KMCL_TX_WARN)
		kmcl_tx_warn_broken(ch);
}

/* Send a large message. Returns 0, or why it was not accepted. */
static noinline int send_alone(const struct batch *b,
			       const struct kmcl_message *msg, u32 *sent)
{
	int ret = check_message(b->ch, msg, b->refused, b->most);
	u32 flags = msg->flags;

	if (msg + 1 != b->end)
		flags &= ~KMCL_SEND_MORE;
	if (!ret)
		ret = kmcl_submit(msg->pkt, msg->buf, msg->len, 0, flags, true);
	*sent = !ret;
	return ret;
}

/*
 * Send the first of @n messages, as many as tx.lock may be held for, and set
 * *@sent to their number. Returns 0, or why the next one was not accepted.
 */
static int send_burst(const struct batch *b, const struct kmcl_message *msgs,
		      u32 n, u32 *sent)
{
	u32 refused = b->refused, most = b->most_together;
	struct kmcl_channel *ch = b->ch;
	const void *buf, *copy = NULL;
	u32 after = 0, bytes = 0, written = 0, i = 0;
	bool more, direct, now, plain;
	unsigned long irq;
	u64 due = 0;
	int ret = 0;

	static_assert(KMCL_TX_BURST <= 64);	/* bits of @due */
	static_assert(KMCL_TX_BURST * KMCL_RING_WORDS <= KMCL_TX_BURST_BYTES);

	if (unlikely(kmcl_is_large(msgs->len) ||
		     (msgs->flags & KMCL_SEND_PAGED && msgs->len > ch->tx.room)))
		return send_alone(b, msgs, sent);
	if (msgs->flags & KMCL_SEND_PAGED) {
		ret = check_message(ch, msgs, refused, b->most);
		if (ret)
			return ret;
		if (READ_ONCE(msgs->pkt->state) == KMCL_PKT_IDLE) {
			if (kmcl_packet_read(msgs->pkt, msgs->buf, msgs->len))
				return -EFAULT;
			copy = msgs->pkt->buf;
		}
	}
	more = msgs[n - 1].flags & KMCL_SEND_MORE;
	spin_lock_irqsave(&ch->tx.lock, irq);
	/* The routines of a burst need no list, if no others are due */
	direct = !IS_ENABLED(CONFIG_PREEMPT_RT) && !more &&
		 kmcl_done_direct(ch, irq);
	now = kmcl_sends_now(ch);
	plain = !ch->cfg.pipe;
	n = min(n, KMCL_TX_BURST);
	if (likely(direct && now && plain && !copy)) {
		i = put_short(ch, msgs, n, most);
		written = i;
		due = i ? GENMASK_ULL(i - 1, 0) : 0;
		/* See below */
		refused |= i ? KMCL_SEND_PAGED : 0;
	}
	for (; i < n && bytes < KMCL_TX_BURST_BYTES; i++) {
		const struct kmcl_message *msg = &msgs[i];
		struct kmcl_packet *pkt = msg->pkt;

		ret = check_message(ch, msg, refused, most);
		if (unlikely(ret)) {
			if (i)
				ret = 0;
			break;
		}
		/*
		 * What may fault, or is large, is copied without the lock, when
		 * it is the first; what is wrong is found again then.
		 */
		refused |= KMCL_SEND_PAGED;
		buf = copy ?: msg->buf;
		ret = likely(plain) ?
			kmcl_send_one(ch, pkt, buf, msg->len, 0, msg->flags,
				      now, true, true, &after, irq) :
			send_to_pipe(ch, pkt, buf, msg->len, now, &after, irq);
		if (unlikely(ret < 0))
			break;
		copy = NULL;
		bytes += msg->len;
		/* Once one is queued, so are the others */
		now = ret;
		if (unlikely(!ret))
			continue;
		written++;
		if (msg->flags & KMCL_SEND_WAIT)
			continue;
		if (likely(direct && pkt->done)) {
			pkt->state = KMCL_PKT_DONE;
			due |= BIT_ULL(i);
		} else {
			kmcl_end_written(pkt);
		}
	}
	ch->tx.n.accepted += written;
	ch->tx.n.completed += hweight64(due);
	*sent = i;
	ret = min(ret, 0);
	/* The last message was sent, and more follow */
	if (more && msgs + i == b->end) {
		kmcl_finish_more(ch, irq, after);
		return ret;
	}
	finish_burst(ch, msgs, due, irq, after);
	return ret;
}

/**
 * kmcl_send_many() - send or queue packets, in order
 * @ch: the channel
 * @msgs: the packets, and the payload and flags of each, as for kmcl_send(); not
 *	to be changed until the call returns
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
	struct batch b = { .ch = ch };
	u32 total = 0, sent;
	int ret = 0;

	if (!ch || (!msgs && n) || n > INT_MAX)
		return -EINVAL;
	b.refused = ~kmcl_send_flags(ch);
	b.most = kmcl_max_payload(ch);
	b.most_together = min_t(u32, b.most, KMCL_TX_AT_ONCE);
	b.end = msgs + n;
	while (total < n && !ret) {
		sent = 0;
		ret = send_burst(&b, msgs + total, n - total, &sent);
		total += sent;
	}
	return total ?: ret;
}
EXPORT_SYMBOL_GPL(kmcl_send_many);
