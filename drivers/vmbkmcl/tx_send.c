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
		ret = kmcl_put_first(pkt, buf, len);
		if (unlikely(ret == -EAGAIN)) {
			kmcl_tx_full(ch);
			if (may_queue &&
			    kmcl_ring_want_space(&ch->tx.ring,
						 kmcl_packet_bytes(ch, ext_len, len)))
				ret = kmcl_put_packet(pkt, buf, len);
		}
	}
	if (unlikely(ret)) {
		if (ret == -EPROTO && kmcl_unanswered(pkt))
			goto unlock;
		broken = ret == -EPROTO && kmcl_tx_broken(ch);
		ret = -EAGAIN;
		if (may_queue)
			ret = ch->tx.ending ? -ENODEV : 0;
		if (!ret)
			kmcl_enqueue(pkt, buf, len);
		spin_unlock_irqrestore(&ch->tx.lock, irq);
		if (broken)
			kmcl_tx_warn_broken(ch);
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
