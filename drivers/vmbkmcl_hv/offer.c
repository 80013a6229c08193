// SPDX-License-Identifier: GPL-2.0
/*
 * The hv_vmbus transport of vmbkmcl: devices and what is done with them.
 *
 * A binding ties one hv_device to one offer of the library, from probe() until
 * remove(). The difficult part is the end of a device. The host takes it away
 * (rescind), and offers it anew only when the last reference to the hv_device
 * was dropped, so once a device is rescinded exactly one vmbus_device_unregister()
 * has to follow. There are two that can do it:
 *
 *  - hv_vmbus, if it finds no rescind callback on the channel: remove() then
 *    runs inside;
 *  - this file, if it finds ours. Then the device is *owed*, and the debt is
 *    paid by whoever clears @owed: kmcl_hv_release() when the library has let
 *    go of the offer (remove() runs inside), or else, when remove() by unbind or
 *    module unload comes first and so release() never does, a work item of ours.
 *
 * What can overlap:
 *
 *  - Rescind and probe(). If hv_vmbus looked for the callback before it was set,
 *    it unregisters the device itself, which waits for probe() (device lock)
 *    and ends in remove(). If it looked afterwards, the binding is complete.
 *  - Rescind and remove(). remove() takes the callback back, but hv_vmbus may
 *    just have read it. hv_vmbus sets channel->rescind in a section with
 *    interrupts off (a reader, to RCU) before it reads the callback, and
 *    remove() waits for a grace period between taking the callback back and
 *    reading channel->rescind. So if remove() finds no rescind, the callback
 *    cannot come any more. If it does, either hv_vmbus found no callback and
 *    unregisters the device, or the callback came or is about to come: the
 *    binding stays in the list for it, and the work item looks until it knows
 *    which. Nobody can bind to a rescinded device meanwhile: probe() refuses.
 *  - release() and remove() by unbind. Both look the binding up in the list and
 *    clear @owed under the lock; the one that comes second finds no debt, or
 *    no binding. If it was release(), it waits in the driver core for remove().
 *  - Module unload and any of these. remove() has run for every device, and
 *    kmcl_hv_offers_exit() waits for the work items; those end when the device
 *    is unregistered, that is when no callback can be on its way.
 *
 * Contexts: kmcl_hv_signal() and kmcl_hv_onchannel() are atomic, all others
 * run in process context; hv_vmbus calls the rescind callback from a workqueue
 * that serves all devices.
 *
 * Locks: kmcl_hv_bindings_lock is a spinlock, taken in process context only, and
 * nests outside the locks that kmcl_offer_rescind() takes. A binding's @talk is
 * held around calls that wait for the host, and nothing nests inside. No other
 * lock is held around vmbus_open(), vmbus_close(), vmbus_device_unregister() and
 * kmcl_offer_gone(): they wait for the host, for remove(), or for channels.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/build_bug.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/interrupt.h>
#include <linux/ioport.h>
#include <linux/list.h>
#include <linux/mmzone.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "hv.h"

#define KMCL_HV_SETTLE_MS	10
#define KMCL_HV_REFUSED_MS	100

/* ring.c writes through the one what hv_vmbus set up as the other */
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

/**
 * struct kmcl_hv_binding - a device that is bound to us
 * @link: in kmcl_hv_bindings, protected by kmcl_hv_bindings_lock
 * @hdev: the device; the driver core holds it until remove() is over, and
 *	while the device is registered, so does that
 * @channel: the device's channel, which lives as long
 * @offer: what the library knows the device as; set by probe(), cleared under
 *	the lock when kmcl_offer_gone() has dropped it
 * @leaving: remove() is under way, and the library knows; under the lock
 * @rescinded: the rescind callback has come; under the lock
 * @owed: the device is ours to unregister; under the lock
 * @tx: the library's side of the ring to the host, while open
 * @rx: and of the ring from the host
 * @out_empty: intr_out_empty of the channel, less what @tx has counted
 * @in_full: intr_in_full of the channel, less what @rx has counted
 * @mmio: what the device was given of the guest's address space, while open
 * @talk: a call that waits for a message from the host about the channel: a
 *	rescind wakes one such call and no more
 * @settle: pays the debt, or waits for what will become of it
 */
struct kmcl_hv_binding {
	struct list_head link;
	struct hv_device *hdev;
	struct vmbus_channel *channel;
	struct kmcl_offer *offer;
	bool leaving;
	bool rescinded;
	bool owed;
	const struct kmcl_ring *tx;
	const struct kmcl_ring *rx;
	u64 out_empty;
	u64 in_full;
	struct resource *mmio;
	struct mutex talk;	/* a call that waits for the host's message */
	struct work_struct settle;
};

static LIST_HEAD(kmcl_hv_bindings);
static DEFINE_SPINLOCK(kmcl_hv_bindings_lock);
static struct workqueue_struct *kmcl_hv_wq;

/* The debt, if there is one, passes to the caller */
static bool kmcl_hv_take_debt(struct kmcl_hv_binding *binding)
{
	bool owed = binding->owed;

	lockdep_assert_held(&kmcl_hv_bindings_lock);
	binding->owed = false;
	return owed;
}

/*
 * The host took the device away. The channel is all there is to find the
 * binding with: the device may have had another driver since hv_vmbus read the
 * callback, so its driver data is not for us to look at.
 *
 * The outer read section leaves no more than the return for the grace period
 * that a module's memory waits for.
 */
static void kmcl_hv_rescinded(struct vmbus_channel *channel)
{
	struct kmcl_hv_binding *binding;

	rcu_read_lock();
	spin_lock(&kmcl_hv_bindings_lock);
	list_for_each_entry(binding, &kmcl_hv_bindings, link) {
		if (binding->channel != channel)
			continue;
		binding->rescinded = true;
		binding->owed = true;
		if (!binding->leaving)
			kmcl_offer_rescind(binding->offer);
		break;
	}
	spin_unlock(&kmcl_hv_bindings_lock);
	rcu_read_unlock();
}

/*
 * After remove(), for a device that is rescinded: unregister it if that is on
 * us, or see it unregistered by hv_vmbus. Holds a reference to the device until
 * then, and not a moment longer, since it keeps the host from offering the
 * device again.
 */
static void kmcl_hv_settle(struct work_struct *work)
{
	struct kmcl_hv_binding *binding =
		container_of(work, struct kmcl_hv_binding, settle);
	struct hv_device *hdev = binding->hdev;
	bool owed;

	for (;;) {
		spin_lock(&kmcl_hv_bindings_lock);
		owed = kmcl_hv_take_debt(binding);
		spin_unlock(&kmcl_hv_bindings_lock);

		if (owed)
			vmbus_device_unregister(hdev);
		if (owed || !device_is_registered(&hdev->device))
			break;
		msleep(KMCL_HV_SETTLE_MS);
	}

	spin_lock(&kmcl_hv_bindings_lock);
	list_del(&binding->link);
	spin_unlock(&kmcl_hv_bindings_lock);
	kfree(binding);
	put_device(&hdev->device);
}

/**
 * kmcl_hv_probe() - a device of a class that is watched is there
 * @hdev: the device
 * @id: what matched
 *
 * Context: Process context, device locked; from kmcl_hv_watch(), a write to
 *	sysfs, or hv_vmbus' work on an offer.
 * Return: 0, or a negative errno.
 */
int kmcl_hv_probe(struct hv_device *hdev, const struct hv_vmbus_device_id *id)
{
	struct kmcl_hv_binding *binding;
	struct kmcl_offer *offer;

	/* On its way out, and maybe still known to kmcl_hv_settle() */
	if (READ_ONCE(hdev->channel->rescind))
		return -ENODEV;

	binding = kzalloc_obj(*binding);
	if (!binding)
		return -ENOMEM;

	binding->hdev = hdev;
	binding->channel = hdev->channel;
	mutex_init(&binding->talk);
	INIT_WORK(&binding->settle, kmcl_hv_settle);

	/* From here on the library may open the offer */
	offer = kmcl_offer_add(&kmcl_hv_ops, &hdev->dev_type,
			       &hdev->dev_instance, binding);
	if (IS_ERR(offer)) {
		kfree(binding);
		return PTR_ERR(offer);
	}
	binding->offer = offer;
	hv_set_drvdata(hdev, binding);

	spin_lock(&kmcl_hv_bindings_lock);
	list_add_tail(&binding->link, &kmcl_hv_bindings);
	spin_unlock(&kmcl_hv_bindings_lock);

	/* From here on a rescind is ours to finish */
	vmbus_set_chn_rescind_callback(binding->channel, kmcl_hv_rescinded);
	return 0;
}

/**
 * kmcl_hv_remove() - the device goes, or is taken from us
 * @hdev: the device
 *
 * Waits until the library has closed what it opened.
 *
 * Context: Process context, device locked; from kmcl_hv_unwatch(), a write to
 *	sysfs, hv_vmbus' work on a rescind, or vmbus_device_unregister() in
 *	kmcl_hv_release().
 */
void kmcl_hv_remove(struct hv_device *hdev)
{
	struct kmcl_hv_binding *binding = hv_get_drvdata(hdev);
	struct vmbus_channel *channel = binding->channel;
	bool settle;

	vmbus_set_chn_rescind_callback(channel, NULL);
	/*
	 * Was it in time? See above. With the device rescinded already, time
	 * does not tell; there is no need to spend it on hv_vmbus' workqueue.
	 */
	if (!READ_ONCE(channel->rescind))
		synchronize_rcu();

	spin_lock(&kmcl_hv_bindings_lock);
	binding->leaving = true;
	spin_unlock(&kmcl_hv_bindings_lock);

	kmcl_offer_gone(binding->offer);

	spin_lock(&kmcl_hv_bindings_lock);
	binding->offer = NULL;
	/*
	 * Rescinded, and neither paid for by the release() that we are called
	 * from (or that waits for us), nor known to be the callback's: stay in
	 * the list. channel->rescind may have become true since the grace
	 * period, and the callback not be able to come: then it is hv_vmbus
	 * that settles it, and all we do is watch.
	 */
	settle = binding->owed ||
		 (READ_ONCE(channel->rescind) && !binding->rescinded);
	if (!settle)
		list_del(&binding->link);
	spin_unlock(&kmcl_hv_bindings_lock);

	if (settle) {
		get_device(&hdev->device);
		queue_work(kmcl_hv_wq, &binding->settle);
	} else {
		kfree(binding);
	}
}

/**
 * kmcl_hv_release() - let the host offer a rescinded device again
 * @offer: the offer, which the library has let go of
 *
 * By the offer, not by its private data: remove() may have come first, and
 * then the binding is no more.
 *
 * Context: Process context, may sleep. Runs kmcl_hv_remove().
 */
void kmcl_hv_release(struct kmcl_offer *offer)
{
	struct kmcl_hv_binding *binding;
	struct hv_device *hdev = NULL;

	spin_lock(&kmcl_hv_bindings_lock);
	list_for_each_entry(binding, &kmcl_hv_bindings, link) {
		if (binding->offer != offer)
			continue;
		if (kmcl_hv_take_debt(binding))
			hdev = binding->hdev;
		break;
	}
	spin_unlock(&kmcl_hv_bindings_lock);

	if (hdev)
		vmbus_device_unregister(hdev);
}

/* The host signalled. In the channel's tasklet, or its thread */
static void kmcl_hv_onchannel(void *context)
{
	kmcl_offer_signalled(context);
}

/*
 * A vmbus_open() that fails leaves the callback with the channel, where a
 * signal that the host has no business to send would find it.
 */
static void kmcl_hv_forget_callback(struct vmbus_channel *channel)
{
	unsigned long flags;

	tasklet_disable(&channel->callback_event);
	spin_lock_irqsave(&channel->sched_lock, flags);
	channel->onchannel_callback = NULL;
	spin_unlock_irqrestore(&channel->sched_lock, flags);
	tasklet_enable(&channel->callback_event);
}

/*
 * Bytes of the allocation for a ring, given in the protocol's terms. The
 * control page takes a page of the machine, which may be more than 4096 bytes.
 */
static u64 kmcl_hv_ring_bytes(u32 bytes)
{
	return PAGE_ALIGN((u64)bytes - KMCL_PAGE_SIZE) + PAGE_SIZE;
}

/* The data area is mapped twice in a row, by hv_ringbuffer_init() */
static void kmcl_hv_ring_init(struct kmcl_ring *ring,
			      const struct hv_ring_buffer_info *info)
{
	kmcl_ring_init(ring, info->ring_buffer, info->ring_buffer->buffer,
		       info->ring_datasize);
}

/*
 * A host that has taken the device away refuses to open it. Its rescind came
 * before the refusal, but hv_vmbus hands rescinds to a workqueue and answers
 * not: give it the time to be seen, since a device that is gone is no failure.
 */
static bool kmcl_hv_rescind_follows(struct vmbus_channel *channel)
{
	unsigned int ms;

	for (ms = 0; ms < KMCL_HV_REFUSED_MS; ms += KMCL_HV_SETTLE_MS) {
		if (READ_ONCE(channel->rescind))
			return true;
		msleep(KMCL_HV_SETTLE_MS);
	}
	return READ_ONCE(channel->rescind);
}

/**
 * kmcl_hv_open() - open the device's channel
 * @offer: the offer
 * @tx_bytes: least size of the ring to the host, control page included
 * @rx_bytes: least size of the ring from the host, control page included
 * @tx: filled in: producer's side of the ring to the host
 * @rx: filled in: consumer's side of the ring from the host
 *
 * Context: Process context, may sleep; not after kmcl_offer_gone().
 * Return: 0; -ENODEV if the device was rescinded, -ECONNREFUSED if the host
 *	refused, -EINVAL for sizes that cannot be had, -EOPNOTSUPP for a socket's
 *	channel, or another negative errno.
 */
int kmcl_hv_open(struct kmcl_offer *offer, u32 tx_bytes, u32 rx_bytes,
		 struct kmcl_ring *tx, struct kmcl_ring *rx)
{
	struct kmcl_hv_binding *binding = kmcl_offer_priv(offer);
	struct vmbus_channel *channel = binding->channel;
	u64 send, recv;
	int ret;

	/* Such a channel carries a socket, which is hv_sock's to connect */
	if (channel->offermsg.offer.chn_flags &
	    VMBUS_CHANNEL_TLNPI_PROVIDER_OFFER)
		return -EOPNOTSUPP;
	if (tx_bytes <= KMCL_PAGE_SIZE || rx_bytes <= KMCL_PAGE_SIZE)
		return -EINVAL;

	/* One allocation holds both; the page allocator warns if asked for more */
	send = kmcl_hv_ring_bytes(tx_bytes);
	recv = kmcl_hv_ring_bytes(rx_bytes);
	if (send + recv > (u64)MAX_ORDER_NR_PAGES << PAGE_SHIFT) {
		pr_err_ratelimited("%s: rings of %u and %u bytes are too large: together they can have %llu\n",
				   dev_name(&binding->hdev->device),
				   tx_bytes, rx_bytes,
				   (u64)MAX_ORDER_NR_PAGES << PAGE_SHIFT);
		return -EINVAL;
	}

	/*
	 * The library masks the host's signals itself. In the other mode
	 * hv_vmbus does, and calls again and again while there is unread data.
	 */
	set_channel_read_mode(channel, HV_CALL_DIRECT);

	ret = vmbus_open(channel, send, recv, NULL, 0, kmcl_hv_onchannel,
			 offer);
	if (ret) {
		kmcl_hv_forget_callback(channel);
		if (READ_ONCE(channel->rescind))
			return -ENODEV;
		if (ret != -EAGAIN && ret != -EDQUOT)
			return ret;
		/* The host refuses the open, or the memory of the rings */
		return kmcl_hv_rescind_follows(channel) ? -ENODEV :
							  -ECONNREFUSED;
	}

	kmcl_hv_ring_init(tx, &channel->outbound);
	kmcl_hv_ring_init(rx, &channel->inbound);
	binding->tx = tx;
	binding->rx = rx;
	binding->out_empty = channel->intr_out_empty;
	binding->in_full = channel->intr_in_full;
	return 0;
}

/* From here to kmcl_hv_talked() the channel's messages are the caller's */
struct vmbus_channel *kmcl_hv_talk(struct kmcl_offer *offer)
{
	struct kmcl_hv_binding *binding = kmcl_offer_priv(offer);

	mutex_lock(&binding->talk);
	return binding->channel;
}

void kmcl_hv_talked(struct kmcl_offer *offer)
{
	struct kmcl_hv_binding *binding = kmcl_offer_priv(offer);

	mutex_unlock(&binding->talk);
}

/**
 * kmcl_hv_close() - close the device's channel
 * @offer: the offer, opened by kmcl_hv_open()
 *
 * After a rescind as well, since only this lets go of the rings. No callback
 * runs any more when it returns.
 *
 * Context: Process context, may sleep; waits for the host unless the device
 *	is rescinded.
 */
void kmcl_hv_close(struct kmcl_offer *offer)
{
	struct kmcl_hv_binding *binding = kmcl_offer_priv(offer);

	kmcl_hv_talk(offer);
	vmbus_close(binding->channel);
	kmcl_hv_talked(offer);
	if (binding->mmio) {
		vmbus_free_mmio(binding->mmio->start,
				resource_size(binding->mmio));
		binding->mmio = NULL;
	}
}

/**
 * kmcl_hv_mmio() - reserve the memory-mapped I/O that the host asks for
 * @offer: the offer, just opened
 * @start: set to its guest physical address, if there is any
 * @size: set to its bytes
 *
 * kmcl_hv_close() gives it back.
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
	ret = vmbus_allocate_mmio(&binding->mmio, hdev, 0, -1, (u64)mb << 20,
				  PAGE_SIZE, false);
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
 * kmcl_hv_full() - the ring to the host had no room
 * @offer: the offer, open
 * @first: for the first time since there was some
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
 * kmcl_hv_flags() - the offer's flags
 * @offer: the offer
 *
 * Context: Any.
 * Return: as the host sent them.
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
 * Keeps the channel's counters true that hv_vmbus shows: its own functions
 * would count what the library's rings have counted.
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

/* Before the first kmcl_hv_watch() */
int kmcl_hv_offers_init(void)
{
	kmcl_hv_wq = alloc_workqueue("vmbkmcl_hv", WQ_UNBOUND, 0);
	return kmcl_hv_wq ? 0 : -ENOMEM;
}

/* After the last kmcl_hv_remove(); waits for debts to be paid */
void kmcl_hv_offers_exit(void)
{
	destroy_workqueue(kmcl_hv_wq);
	WARN_ON_ONCE(!list_empty(&kmcl_hv_bindings));
}
