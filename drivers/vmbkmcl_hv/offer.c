// SPDX-License-Identifier: GPL-2.0
/*
 * The hv_vmbus transport of vmbkmcl: the operations on a device.
 *
 * Contexts: kmcl_hv_signal(), kmcl_hv_full(), kmcl_hv_flags() and
 * kmcl_hv_onchannel() are atomic; everything else runs in process context.
 *
 * Locks: a binding's @request_mutex is held across calls that wait for the
 * host, and no other lock of ours is taken inside. No other lock of ours is
 * held across kmcl_hv_rings_connect() and kmcl_hv_rings_disconnect().
 */
#include <linux/build_bug.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/interrupt.h>
#include <linux/ioport.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>

#include "kmcl_compat_hv.h"
#include "hv.h"

#define KMCL_HV_REFUSED_MS	100

/* ring.c accesses the host's struct hv_ring_buffer as a struct kmcl_ring_ctl */
#define KMCL_HV_SAME_PLACE(ours, theirs)				\
	static_assert(offsetof(struct kmcl_ring_ctl, ours) ==		\
		      offsetof(struct hv_ring_buffer, theirs))
KMCL_HV_SAME_PLACE(write_index, write_index);
KMCL_HV_SAME_PLACE(read_index, read_index);
KMCL_HV_SAME_PLACE(interrupt_mask, interrupt_mask);
KMCL_HV_SAME_PLACE(pending_send_sz, pending_send_sz);
KMCL_HV_SAME_PLACE(reserved, reserved1);
KMCL_HV_SAME_PLACE(feature_bits, feature_bits);
static_assert(sizeof(struct hv_ring_buffer) == PAGE_SIZE);

/* Runs when the host has signalled, in the channel's tasklet */
static void kmcl_hv_onchannel(void *context)
{
	kmcl_offer_signalled(context);
}

/*
 * vmbus_connect_ring() leaves the callback set if it fails. Clear it, so that a
 * signal that a misbehaving host sends cannot reach it. It is not set, or is
 * somebody else's, if connecting has failed early.
 */
static void kmcl_hv_undo_open(struct kmcl_hv_binding *binding)
{
	struct vmbus_channel *channel = binding->channel;
	unsigned long flags;

	set_channel_read_mode(channel, binding->mode);

	tasklet_disable(&channel->callback_event);
	spin_lock_irqsave(&channel->sched_lock, flags);
	if (channel->onchannel_callback == kmcl_hv_onchannel)
		channel->onchannel_callback = NULL;
	spin_unlock_irqrestore(&channel->sched_lock, flags);
	tasklet_enable(&channel->callback_event);
}

/* The data area is mapped twice in a row, by hv_ringbuffer_init() */
static void kmcl_hv_ring_init(struct kmcl_ring *ring,
			      const struct hv_ring_buffer_info *info)
{
	kmcl_ring_init(ring, info->ring_buffer, info->ring_buffer->buffer,
		       info->ring_datasize);
}

/*
 * A host refuses to open a device that it has rescinded. The rescind message
 * arrived before the refusal, but hv_vmbus handles a rescind in a workqueue and
 * the refusal at once: wait for the rescind to be seen, so that this is not
 * reported as a failure to open.
 */
static bool kmcl_hv_rescind_follows(struct vmbus_channel *channel)
{
	unsigned int ms;

	for (ms = 0; ms < KMCL_HV_REFUSED_MS; ms += KMCL_HV_POLL_MS) {
		if (READ_ONCE(channel->rescind))
			return true;
		msleep(KMCL_HV_POLL_MS);
	}
	return READ_ONCE(channel->rescind);
}

/* Translate the error of an opening that no rescind explains */
static int kmcl_hv_open_error(int ret)
{
	switch (ret) {
	case -EAGAIN:		/* the host refused the open */
		return -ECONNREFUSED;
	case -EDQUOT:		/* the host refused the rings' GPADL */
	case -ENOBUFS:
		return -ENOMEM;
	case -EINVAL:		/* the channel is open already */
		return -ENOTCONN;
	default:
		return ret;
	}
}

/**
 * kmcl_hv_open() - open the device's channel
 * @offer: the offer
 * @tx: filled in: the producer's end of the ring to the host
 * @rx: filled in: the consumer's end of the ring from the host
 *
 * Context: Process context, may sleep; not after kmcl_offer_gone().
 * Return: 0; -ENODEV if the device was rescinded, -ECONNREFUSED if the host
 *	refused, -ENOMEM if there is no memory for the rings or the host refuses
 *	it, -ENOTCONN if the channel is open already, -EOPNOTSUPP for
 *	a socket's channel, or another negative errno.
 */
int kmcl_hv_open(struct kmcl_offer *offer, struct kmcl_ring *tx,
		 struct kmcl_ring *rx)
{
	struct kmcl_hv_binding *binding = kmcl_offer_priv(offer);
	struct vmbus_channel *channel = binding->channel;
	int ret;

	/*
	 * Such a channel is a socket, for hv_sock to connect. hv_vmbus does not
	 * bind it to other drivers; refuse it in case a version does.
	 */
	if (channel->offermsg.offer.chn_flags &
	    VMBUS_CHANNEL_TLNPI_PROVIDER_OFFER)
		return -EOPNOTSUPP;

	/*
	 * Leave a channel alone that somebody else has opened, as the driver of
	 * an adopted device can. hv_vmbus finds out only after the rings in
	 * use have been replaced.
	 */
	if (READ_ONCE(channel->state) != CHANNEL_OPEN_STATE)
		return READ_ONCE(channel->rescind) ? -ENODEV : -ENOTCONN;

	/*
	 * The library masks the host's signals itself. In batched mode hv_vmbus
	 * does, and calls back for as long as there is unread data. The mode is
	 * restored on close, for the device's next driver.
	 */
	binding->mode = channel->callback_mode;
	set_channel_read_mode(channel, HV_CALL_DIRECT);

	ret = kmcl_hv_rings_connect(offer, kmcl_hv_onchannel);
	if (ret) {
		kmcl_hv_undo_open(binding);
		if (READ_ONCE(channel->rescind) ||
		    ((ret == -EAGAIN || ret == -EDQUOT) &&
		     kmcl_hv_rescind_follows(channel)))
			return -ENODEV;
		return kmcl_hv_open_error(ret);
	}

	kmcl_hv_ring_init(tx, &channel->outbound);
	kmcl_hv_ring_init(rx, &channel->inbound);
	binding->tx = tx;
	binding->rx = rx;
	binding->out_empty = channel->intr_out_empty;
	binding->in_full = channel->intr_in_full;
	return 0;
}

/**
 * kmcl_hv_close() - close the device's channel
 * @offer: the offer, opened by kmcl_hv_open()
 *
 * Needed after a rescind as well. The memory of the rings is never used again
 * if the host has not confirmed that it does not use it any more. No callback runs
 * any more when it returns.
 *
 * Context: Process context, may sleep; waits for the host unless the device
 *	is rescinded.
 */
void kmcl_hv_close(struct kmcl_offer *offer)
{
	struct kmcl_hv_binding *binding = kmcl_offer_priv(offer);

	mutex_lock(&binding->request_mutex);
	kmcl_hv_rings_disconnect(offer);
	set_channel_read_mode(binding->channel, binding->mode);
	mutex_unlock(&binding->request_mutex);
}

/**
 * kmcl_hv_mmio() - reserve the device's memory-mapped I/O
 * @offer: the offer, just opened
 * @start: set to its guest physical address, if the device has any
 * @size: set to its size in bytes, if the device has any
 *
 * Context: Process context, may sleep.
 */
void kmcl_hv_mmio(struct kmcl_offer *offer, u64 *start, u64 *size)
{
	struct kmcl_hv_binding *binding = kmcl_offer_priv(offer);
	struct hv_device *hdev = binding->hdev;
	u16 mb = binding->channel->offermsg.offer.mmio_megabytes;
	int ret;

	if (!mb)
		return;
	ret = vmbus_allocate_mmio(&binding->mmio, hdev, 0, -1,
				  (u64)mb * SZ_1M, SZ_1M, false);
	if (ret) {
		binding->mmio = NULL;
		dev_warn(&hdev->device, "no room for %u MiB of memory-mapped I/O (%d)\n",
			 mb, ret);
		return;
	}
	*start = binding->mmio->start;
	*size = resource_size(binding->mmio);
}

/**
 * kmcl_hv_mmio_free() - free what kmcl_hv_mmio() has reserved
 * @offer: the offer
 *
 * Context: Process context, may sleep.
 */
void kmcl_hv_mmio_free(struct kmcl_offer *offer)
{
	struct kmcl_hv_binding *binding = kmcl_offer_priv(offer);

	vmbus_free_mmio(binding->mmio->start, resource_size(binding->mmio));
	binding->mmio = NULL;
}

/**
 * kmcl_hv_full() - count that the ring to the host was full
 * @offer: the offer, open
 * @first: the first time since it had room
 *
 * Context: Any; the library's lock serialises the calls for one offer.
 */
void kmcl_hv_full(struct kmcl_offer *offer, bool first)
{
	struct kmcl_hv_binding *binding = kmcl_offer_priv(offer);

	binding->channel->out_full_total++;
	if (first)
		binding->channel->out_full_first++;
}

/**
 * kmcl_hv_flags() - get the offer's flags
 * @offer: the offer
 *
 * Context: Any.
 * Return: the flags as the host sent them.
 */
u16 kmcl_hv_flags(const struct kmcl_offer *offer)
{
	struct kmcl_hv_binding *binding = kmcl_offer_priv(offer);

	return binding->channel->offermsg.offer.chn_flags;
}

/**
 * kmcl_hv_signal() - interrupt the host
 * @offer: the offer, open
 *
 * Also updates the counters that hv_vmbus shows for the channel. Its own
 * functions would maintain them, but the library does not use those.
 *
 * Context: Any.
 */
void kmcl_hv_signal(struct kmcl_offer *offer)
{
	struct kmcl_hv_binding *binding = kmcl_offer_priv(offer);
	struct vmbus_channel *channel = binding->channel;

	WRITE_ONCE(channel->intr_out_empty,
		   binding->out_empty + READ_ONCE(binding->tx->signals));
	WRITE_ONCE(channel->intr_in_full,
		   binding->in_full + READ_ONCE(binding->rx->signals));
	vmbus_setevent(channel);
}
