// SPDX-License-Identifier: GPL-2.0
/*
 * A channel's settings, and the driver's pointer.
 *
 * Setters need a disabled channel and write without a lock, since the driver
 * does not call another one or enable at the same time; they may sleep. The
 * pointer may be set and read at any time.
 */
#include <linux/export.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "channel.h"
#include "face.h"

/**
 * kmcl_set_ops() - set the state callbacks
 *	(VmbChannelInitSetStateChangeCallbacks)
 * @ch: the channel, disabled
 * @ops: copied
 *
 * Context: may sleep.
 * Return: 0; -EBUSY: not disabled; -EINVAL: no @ops.
 */
int kmcl_set_ops(struct kmcl_channel *ch, const struct kmcl_channel_ops *ops)
{
	if (!kmcl_settable(ch))
		return -EBUSY;
	if (!ops)
		return -EINVAL;
	ch->cfg.ops = *ops;
	return 0;
}
EXPORT_SYMBOL_GPL(kmcl_set_ops);

/**
 * kmcl_set_process() - set the packet callbacks
 *	(VmbChannelInitSetProcessPacketCallbacks)
 * @ch: the channel, disabled
 * @process: called for each incoming packet
 * @processed: called when delivery stops, or NULL
 *
 * Context: may sleep.
 * Return: 0; -EBUSY: not disabled; -EINVAL: no @process.
 */
int kmcl_set_process(struct kmcl_channel *ch, kmcl_process_fn process,
		     kmcl_processed_fn processed)
{
	if (!kmcl_settable(ch))
		return -EBUSY;
	if (!process)
		return -EINVAL;
	ch->cfg.process = process;
	ch->cfg.processed = processed;
	return 0;
}
EXPORT_SYMBOL_GPL(kmcl_set_process);

/* Either flag turns on pipe mode; it cannot be changed once packets exist. */
int kmcl_set_pipe(struct kmcl_channel *ch, u32 flags, u32 server_flags)
{
	bool pipe = flags & KMCL_INIT_PIPE ||
		    server_flags & KMCL_SERVER_OFFER_AS_PIPE;

	if (pipe != ch->cfg.pipe && READ_ONCE(ch->cfg.sized))
		return -EBUSY;
	ch->cfg.flags = flags;
	ch->cfg.server_flags = server_flags;
	ch->cfg.pipe = pipe;
	return 0;
}

/**
 * kmcl_set_flags() - set the channel flags (VmbChannelInitSetFlags)
 * @ch: the channel, disabled
 * @flags: replace the previous ones. KMCL_INIT_PIPE: pipe mode, in which each
 *	packet is a message of exactly the length sent, up to 16384 bytes, and
 *	the peer sends no completion. KMCL_INIT_GIVE_BACK, a client's: when the
 *	channel is disabled or freed, its device is given back to the kernel's
 *	other drivers. Without it the device stays with the channel's driver,
 *	unused, until the channel is freed, so that the channel finds it there
 *	when it is enabled again
 *
 * A server that is set to be offered as a pipe is in pipe mode as well. The
 * mode is fixed, like the packet size, by the first packet.
 *
 * Context: may sleep.
 * Return: 0; -EBUSY: not disabled, or packets exist and the mode would change;
 * -EINVAL: unknown flags.
 */
int kmcl_set_flags(struct kmcl_channel *ch, u32 flags)
{
	if (!kmcl_settable(ch))
		return -EBUSY;
	if (flags & ~(KMCL_INIT_PIPE | (ch->server ? 0 : KMCL_INIT_GIVE_BACK)))
		return -EINVAL;
	return kmcl_set_pipe(ch, flags, ch->cfg.server_flags);
}
EXPORT_SYMBOL_GPL(kmcl_set_flags);

/* Under the lock, under which it is read for sysfs, whenever that is */
static void replace_name(struct kmcl_channel *ch, char *name)
{
	spin_lock_irq(&ch->sm.lock);
	swap(ch->cfg.name, name);
	spin_unlock_irq(&ch->sm.lock);
	kfree(name);
}

/**
 * kmcl_set_name() - set the name for messages (VmbChannelInitSetFriendlyName)
 * @ch: the channel, disabled
 * @name: copied; NULL for none
 *
 * Context: may sleep.
 * Return: 0; -EBUSY: not disabled; -ENOMEM.
 */
int kmcl_set_name(struct kmcl_channel *ch, const char *name)
{
	char *copy = NULL;

	if (!kmcl_settable(ch))
		return -EBUSY;
	if (name) {
		copy = kstrdup(name, GFP_KERNEL);
		if (!copy)
			return -ENOMEM;
	}
	replace_name(ch, copy);
	return 0;
}
EXPORT_SYMBOL_GPL(kmcl_set_name);

/* Decode one code point; an unpaired surrogate gives U+FFFD */
static u32 utf16_next(const u16 *in, u32 units, u32 *pos)
{
	u32 c = in[(*pos)++];

	if (c < 0xd800 || c > 0xdfff)
		return c;
	if (c > 0xdbff || *pos == units || (in[*pos] & 0xfc00) != 0xdc00)
		return 0xfffd;
	return 0x10000 + ((c & 0x3ff) << 10) + (in[(*pos)++] & 0x3ff);
}

/**
 * kmcl_set_name_utf16() - set the name for messages, in UTF-16
 *	(VmbChannelInitSetFriendlyName)
 * @ch: the channel, disabled
 * @name: UTF-16 in the processor's byte order, copied; a null ends it early
 * @units: its 16-bit units
 *
 * Context: may sleep.
 * Return: 0; -EBUSY: not disabled; -EINVAL: NULL with a length; -ENOMEM.
 */
int kmcl_set_name_utf16(struct kmcl_channel *ch, const u16 *name, u32 units)
{
	u32 pos = 0;
	char *utf8, *out;

	if (!kmcl_settable(ch))
		return -EBUSY;
	if (units && !name)
		return -EINVAL;
	/* A unit needs at most three bytes, a pair four */
	utf8 = kmalloc_array(units + 1, 3, GFP_KERNEL);
	if (!utf8)
		return -ENOMEM;

	for (out = utf8; pos < units && name[pos];) {
		u32 c = utf16_next(name, units, &pos);

		if (c < 0x80) {
			*out++ = c;
			continue;
		}
		if (c < 0x800) {
			*out++ = 0xc0 | c >> 6;
		} else {
			if (c < 0x10000) {
				*out++ = 0xe0 | c >> 12;
			} else {
				*out++ = 0xf0 | c >> 18;
				*out++ = 0x80 | (c >> 12 & 0x3f);
			}
			*out++ = 0x80 | (c >> 6 & 0x3f);
		}
		*out++ = 0x80 | (c & 0x3f);
	}
	*out = '\0';
	replace_name(ch, utf8);
	return 0;
}
EXPORT_SYMBOL_GPL(kmcl_set_name_utf16);

/**
 * kmcl_set_max_packet_size() - set the size of the largest payload
 *	(VmbChannelInitSetMaximumPacketSize)
 * @ch: the channel, disabled, without packets
 * @bytes: 1 to KMCL_PACKET_SIZE_MAX, for both directions; 4096 if never set. Also
 *	the limit for the data of completions, except for those of synchronous
 *	requests
 *
 * Context: may sleep.
 * Return: 0; -EBUSY: not disabled, or packets exist; -EINVAL: 0, or too many.
 */
int kmcl_set_max_packet_size(struct kmcl_channel *ch, u32 bytes)
{
	if (!kmcl_settable(ch))
		return -EBUSY;
	if (!bytes || bytes > KMCL_PACKET_SIZE_MAX)
		return -EINVAL;
	if (ch->cfg.sized)
		return -EBUSY;
	ch->cfg.max_payload = bytes;
	ch->cfg.max_packet = kmcl_round8(bytes);
	return 0;
}
EXPORT_SYMBOL_GPL(kmcl_set_max_packet_size);

/**
 * kmcl_set_context_size() - set the driver's memory per incoming packet
 *	(VmbChannelInitSetClientContextSize)
 * @ch: the channel, disabled
 * @bytes: up to 65536; zeroed before a packet's first delivery
 *
 * Context: may sleep.
 * Return: 0; -EBUSY: not disabled; -EINVAL: too many.
 */
int kmcl_set_context_size(struct kmcl_channel *ch, u32 bytes)
{
	if (!kmcl_settable(ch))
		return -EBUSY;
	if (bytes > KMCL_MAX_CONTEXT_SIZE)
		return -EINVAL;
	ch->cfg.context_size = bytes;
	return 0;
}
EXPORT_SYMBOL_GPL(kmcl_set_context_size);

/**
 * kmcl_set_ring_pages() - set the ring sizes
 *	(VmbClientChannelInitSetRingBufferPageCount)
 * @ch: the client channel, disabled
 * @incoming: pages of 4 KiB, the control page included
 * @outgoing: the same for the other direction
 *
 * As for vmbus_open(), the control page counts, because the client gives it to
 * the ring as well: 2 pages have 4096 bytes of data. Enabling raises the counts
 * if two of the largest packets would not fit, and never lowers them; where
 * PAGE_SIZE is more than 4 KiB, the data are rounded up to it. If never set there
 * is room for two of the largest packets, and for 16 KiB.
 *
 * hv_vmbus needs one block of memory for both rings, which the channel keeps until
 * it is freed. If there is no block of that size, because memory is fragmented or
 * the kernel has none so large, the rings are smaller, but have room for two of
 * the largest packets; the log says so, and &kmcl_counters.ring_in and
 * &kmcl_counters.ring_out are their sizes. If there is no memory for that either,
 * opening fails with -ENOMEM.
 *
 * Context: may sleep.
 * Return: 0; -EBUSY: not disabled; -EINVAL: a server, 0 pages, or more than
 * KMCL_RING_PAGES_MAX.
 */
int kmcl_set_ring_pages(struct kmcl_channel *ch, u32 incoming, u32 outgoing)
{
	if (!kmcl_settable(ch))
		return -EBUSY;
	if (ch->server || !incoming || incoming > KMCL_RING_PAGES_MAX ||
	    !outgoing || outgoing > KMCL_RING_PAGES_MAX)
		return -EINVAL;
	ch->cfg.rx_pages = incoming;
	ch->cfg.tx_pages = outgoing;
	return 0;
}
EXPORT_SYMBOL_GPL(kmcl_set_ring_pages);

static void set_target(struct kmcl_channel *ch, const guid_t *type,
		       const guid_t *instance)
{
	ch->cfg.any_instance = !instance;
	ch->cfg.instance = instance ? *instance : guid_null;
	ch->cfg.have_target = true;
	spin_lock_irq(&kmcl_bus_lock);
	ch->cfg.type = *type;
	ch->link.bound_instance = ch->cfg.instance;
	ch->link.last_instance = ch->cfg.instance;
	spin_unlock_irq(&kmcl_bus_lock);
}

/**
 * kmcl_set_target() - set the device to bind to
 *	(VmbClientChannelInitSetTargetPnp)
 * @ch: the client channel, disabled
 * @type: class GUID, copied
 * @instance: instance GUID, copied; NULL for any of the class
 * @failure: called when the device is offered and cannot be opened, or NULL
 *
 * Context: may sleep.
 * Return: 0; -EBUSY: not disabled; -EINVAL: a server, or no @type.
 */
int kmcl_set_target(struct kmcl_channel *ch, const guid_t *type,
		    const guid_t *instance, kmcl_pnp_failure_fn failure)
{
	if (!kmcl_settable(ch))
		return -EBUSY;
	if (ch->server || !type)
		return -EINVAL;
	set_target(ch, type, instance);
	ch->cfg.pnp_failure = failure;
	return 0;
}
EXPORT_SYMBOL_GPL(kmcl_set_target);

/**
 * kmcl_server_set_target() - set the GUIDs that a server offers
 *	(VmbServerChannelInitSetTargetInterfaceId)
 * @ch: the server channel, disabled
 * @type: class GUID, copied
 * @instance: instance GUID, copied
 *
 * Context: may sleep.
 * Return: 0; -EBUSY: not disabled; -EINVAL: a client, no @type, or no
 * @instance.
 */
int kmcl_server_set_target(struct kmcl_channel *ch, const guid_t *type,
			   const guid_t *instance)
{
	if (!kmcl_settable(ch))
		return -EBUSY;
	if (!ch->server || !type || !instance)
		return -EINVAL;
	set_target(ch, type, instance);
	return 0;
}
EXPORT_SYMBOL_GPL(kmcl_server_set_target);

/**
 * kmcl_set_pointer() - set the driver's pointer (VmbChannelSetPointer)
 * @ch: the channel
 * @ptr: not used and not freed by the library
 *
 * Context: atomic.
 */
void kmcl_set_pointer(struct kmcl_channel *ch, void *ptr)
{
	/* A callback that is running may follow it to what was just written */
	smp_store_release(&ch->pointer, ptr);
}
EXPORT_SYMBOL_GPL(kmcl_set_pointer);

/**
 * kmcl_get_pointer() - get the driver's pointer (VmbChannelGetPointer)
 * @ch: the channel
 *
 * Context: atomic.
 * Return: what kmcl_set_pointer() was given last, or NULL.
 */
void *kmcl_get_pointer(const struct kmcl_channel *ch)
{
	return READ_ONCE(ch->pointer);
}
EXPORT_SYMBOL_GPL(kmcl_get_pointer);

/**
 * kmcl_set_max_external() - set the limits of external data
 *	(VmbChannelInitSetMaximumExternalData)
 * @ch: the channel, disabled, without packets
 * @bytes: most bytes with one packet; 128 KiB if never set
 * @pieces: most pieces of a chain, and so ranges of a packet; 32 if never set
 *
 * Limits what a client sends, what a server receives, and the ranges of a
 * transfer page packet that a client receives; a packet with more is dropped and
 * counted. In addition, a packet with its ranges must not be longer than the
 * length field of the wire allows.
 *
 * Context: may sleep.
 * Return: 0; -EBUSY: not disabled, or packets exist; -EINVAL: 0.
 */
int kmcl_set_max_external(struct kmcl_channel *ch, u32 bytes, u32 pieces)
{
	if (!kmcl_settable(ch))
		return -EBUSY;
	if (!bytes || !pieces)
		return -EINVAL;
	if (ch->cfg.sized)
		return -EBUSY;
	ch->cfg.ext_data = bytes;
	ch->cfg.ext_chain = pieces;
	return 0;
}
EXPORT_SYMBOL_GPL(kmcl_set_max_external);
