// SPDX-License-Identifier: GPL-2.0
/*
 * Saving a paused server's outgoing packets.
 *
 * Saved are the packets that are queued or in flight when saving begins, those
 * in flight first, then the queue in order; see save.h for the image.
 * Completions that wait for room in the ring are not saved: they are for a peer
 * that a restored server does not have.
 *
 * A call in progress keeps the channel paused: it sets ch->save.busy under
 * ch->save.lock, and the state machine waits until that is cleared before it
 * takes the first step out of Paused (kmcl_save_stop()), so the packets that
 * the save callback is given cannot end. Between calls a channel may start or
 * close; the image is then invalid. ch->save.image and the fields after it are
 * used by the call that has set ch->save.busy. Everything here may sleep,
 * except for kmcl_save_start(), and no lock is held during a callback.
 */
#include <linux/export.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "channel.h"
#include "save.h"

#define KMCL_SAVE_TRIES		8

struct kmcl_image {
	u64 paused;		/* ch->save.pauses when saving began */
	u32 number;		/* of the next chunk */
	u32 count;		/* of pkts */
	u32 next;		/* packet to save */
	u32 need;		/* bytes of the driver's part of it */
	bool asked;		/* need is valid */
	bool done;		/* the last chunk was written */
	struct kmcl_packet *pkts[];
};

void kmcl_save_init(struct kmcl_channel *ch)
{
	spin_lock_init(&ch->save.lock);
}

/* Keep the channel paused. Returns 0 or a negative errno */
int kmcl_save_enter(struct kmcl_channel *ch)
{
	int ret = -EBUSY;

	might_sleep();
	if (!ch || !ch->server)
		return -EINVAL;
	spin_lock_irq(&ch->save.lock);
	/* On a dead link packets end even if the state machine waits */
	if (ch->save.open && !ch->save.busy && !READ_ONCE(ch->sm.in.dead)) {
		ch->save.busy = true;
		WRITE_ONCE(ch->save.task, current);
		ret = 0;
	}
	spin_unlock_irq(&ch->save.lock);
	return ret;
}

void kmcl_save_leave(struct kmcl_channel *ch)
{
	WRITE_ONCE(ch->save.task, NULL);
	spin_lock_irq(&ch->save.lock);
	ch->save.busy = false;
	/* Under the lock: after that the channel may be freed */
	wake_up_all(&ch->wait);
	spin_unlock_irq(&ch->save.lock);
}

static bool save_idle(struct kmcl_channel *ch)
{
	bool idle;

	spin_lock_irq(&ch->save.lock);
	ch->save.open = false;
	idle = !ch->save.busy;
	spin_unlock_irq(&ch->save.lock);
	return idle;
}

/* The channel enters Paused. Atomic. */
void kmcl_save_start(struct kmcl_channel *ch)
{
	unsigned long flags;

	spin_lock_irqsave(&ch->save.lock, flags);
	ch->save.pauses++;
	ch->save.open = true;
	spin_unlock_irqrestore(&ch->save.lock, flags);
}

/* Step: the channel leaves Paused. Wait for a save or restore. Sleeps. */
void kmcl_save_stop(struct kmcl_channel *ch)
{
	kmcl_wait(ch, "a call that saves or restores", save_idle);
}

/*
 * Store at most @max of the packets that are queued or in flight. Returns how
 * many there are. The caller keeps the channel paused, so that a packet stays
 * where it is while the lock is dropped; a completion may leave the queue.
 */
static u32 collect(struct kmcl_channel *ch, struct kmcl_packet **pkts, u32 max)
{
	struct kmcl_packet *pkt;
	struct kmcl_item *item;
	unsigned long flags;
	u32 n = 0;

	spin_lock_irqsave(&ch->tx.lock, flags);
	list_for_each_entry(pkt, &ch->tx.in_flight, item.node) {
		if (n < max)
			pkts[n] = pkt;
		kmcl_tx_end_burst(ch, ++n, &flags);
	}
	list_for_each_entry(item, &ch->tx.queue, node) {
		if (item->kind != KMCL_ITEM_PACKET)
			continue;
		if (n < max)
			pkts[n] = container_of(item, struct kmcl_packet, item);
		kmcl_tx_end_burst(ch, ++n, &flags);
	}
	spin_unlock_irqrestore(&ch->tx.lock, flags);
	return n;
}

/**
 * kmcl_save_begin() - begin to save the packets (VmbChannelSaveBegin)
 * @ch: the server channel, which must be paused until kmcl_save_end()
 *
 * Saves packets that are queued or in flight, but none that are sent later.
 *
 * Context: may sleep; not from a callback of this channel.
 * Return: 0; -EINVAL: no server; -EBUSY: not paused, the link is dead, or a
 * save has begun or a call that saves or restores is in progress; -ENOMEM.
 */
int kmcl_save_begin(struct kmcl_channel *ch)
{
	struct kmcl_image *save;
	u32 count;
	int ret;

	ret = kmcl_save_enter(ch);
	if (ret)
		return ret;
	if (ch->save.image) {
		ret = -EBUSY;
		goto leave;
	}
	count = collect(ch, NULL, 0);
	save = kvzalloc(struct_size(save, pkts, count), GFP_KERNEL);
	if (!save) {
		ret = -ENOMEM;
		goto leave;
	}
	save->count = count;
	/* None of them can end; others that were added meanwhile are ignored */
	collect(ch, save->pkts, count);
	save->paused = ch->save.pauses;
	ch->save.image = save;
leave:
	kmcl_save_leave(ch);
	return ret;
}
EXPORT_SYMBOL_GPL(kmcl_save_begin);

/* Get the size of the driver's part of the next packet */
static int ask(struct kmcl_channel *ch, struct kmcl_image *save)
{
	u32 need = 0;

	if (save->asked)
		return 0;
	save->need = 0;
	if (ch->cfg.save_packet &&
	    ch->cfg.save_packet(ch, save->pkts[save->next], NULL, 0, &need) < 0) {
		if (!need || need > KMCL_SAVE_DATA_MAX)
			return -EIO;
		save->need = need;
	}
	save->asked = true;
	return 0;
}

/* The payload of a packet that is in the ring is not needed any more. */
static u32 saved_payload(const struct kmcl_packet *pkt)
{
	return pkt->state == KMCL_PKT_QUEUED ? pkt->len : 0;
}

static u32 record_bytes(const struct kmcl_image *save)
{
	const struct kmcl_packet *pkt = save->pkts[save->next];

	return sizeof(struct kmcl_save_record) +
	       sizeof(struct kmcl_save_packet) +
	       kmcl_round8(saved_payload(pkt)) + kmcl_round8(save->need);
}

/* Write the next packet; 1: the driver needs more room than it said. */
static int write_record(struct kmcl_channel *ch, struct kmcl_image *save, u8 *p)
{
	struct kmcl_packet *pkt = save->pkts[save->next];
	u32 len = saved_payload(pkt), need = save->need, more = 0;
	struct kmcl_save_record record = {
		.packet_bytes = cpu_to_le32(sizeof(struct kmcl_save_packet) +
					    kmcl_round8(len)),
		.data_bytes = cpu_to_le32(need),
	};
	struct kmcl_save_packet lib = {
		.magic = cpu_to_le32(KMCL_SAVE_PACKET_MAGIC),
		.in_flight = pkt->state == KMCL_PKT_IN_FLIGHT,
		.wait = pkt->wait,
		.len = cpu_to_le32(len),
	};

	if (lib.in_flight)
		lib.trans_id = cpu_to_le64(pkt->trans_id);
	memset(p, 0, record_bytes(save));
	memcpy(p, &record, sizeof(record));
	p += sizeof(record);
	memcpy(p, &lib, sizeof(lib));
	p += sizeof(lib);
	kmcl_packet_load(pkt, p, len);
	p += kmcl_round8(len);
	if (!need || ch->cfg.save_packet(ch, pkt, p, need, &more) >= 0)
		return 0;
	if (more <= need || more > KMCL_SAVE_DATA_MAX)
		return -EIO;
	save->need = more;
	return 1;
}

/* Write as many whole packets as fit behind @pos, and advance @pos. */
static int write_records(struct kmcl_channel *ch, struct kmcl_image *save,
			 u8 *buf, u32 size, u32 *pos, u32 *required)
{
	u32 bytes, tries = 0;
	int ret;

	while (save->next < save->count) {
		ret = ask(ch, save);
		if (ret)
			return ret;
		bytes = record_bytes(save);
		*required = sizeof(struct kmcl_save_chunk) + bytes;
		if (size < *required || size - *pos < bytes)
			return 0;
		ret = write_record(ch, save, buf + *pos);
		if (ret < 0 || tries == KMCL_SAVE_TRIES)
			return -EIO;
		tries += ret;
		if (ret)
			continue;
		tries = 0;
		*pos += bytes;
		save->next++;
		save->asked = false;
	}
	return 0;
}

/* Write one chunk; see kmcl_save_continue(). */
static int write_chunk(struct kmcl_channel *ch, struct kmcl_image *save,
		       u8 *buf, u32 size, u32 *filled, u32 *required)
{
	u32 pos = sizeof(struct kmcl_save_chunk);
	struct kmcl_save_chunk chunk = {
		.magic = cpu_to_le32(KMCL_SAVE_MAGIC),
		.version = cpu_to_le16(KMCL_SAVE_VERSION),
		.number = cpu_to_le32(save->number),
	};
	u32 first = save->next;
	int ret;

	*required = pos;
	ret = write_records(ch, save, buf, size, &pos, required);
	if (ret)
		return ret;
	save->done = save->next == save->count;
	if (size < sizeof(chunk) || (save->next == first && !save->done)) {
		save->done = false;
		return -ENOSPC;
	}
	if (save->done)
		chunk.flags = cpu_to_le16(KMCL_SAVE_LAST);
	chunk.bytes = cpu_to_le32(pos);
	memcpy(buf, &chunk, sizeof(chunk));
	save->number++;
	*filled = pos;
	return save->done ? 0 : -EMSGSIZE;
}

/**
 * kmcl_save_continue() - write the next chunk (VmbChannelSaveContinue)
 * @ch: the server channel, after kmcl_save_begin()
 * @buf: memory for the chunk; the save callback's part is aligned to 8 bytes if
 *	@buf is
 * @size: its bytes
 * @filled: set to the bytes of the chunk, which kmcl_restore() takes as a whole
 * @required: set to the smallest @size for the next packet; may be NULL
 *
 * Calls the save callback for each packet; it must not disable, start or pause
 * the channel.
 *
 * Context: may sleep; not from a callback of this channel.
 * Return: 0: written, and it was the last chunk; -EMSGSIZE: written, and there
 * is more; -ENOSPC: nothing written, @required bytes are needed; -EINVAL: no
 * server, no @buf, or no @filled; -EBUSY: not begun, done already, or the
 * channel has not been paused since; -EIO: the save callback failed.
 */
int kmcl_save_continue(struct kmcl_channel *ch, void *buf, u32 size,
		       u32 *filled, u32 *required)
{
	struct kmcl_image *save;
	u32 need = 0;
	int ret;

	if ((!buf && size) || !filled)
		return -EINVAL;
	ret = kmcl_save_enter(ch);
	if (ret)
		return ret;
	*filled = 0;
	save = ch->save.image;
	if (!save || save->done || save->paused != ch->save.pauses)
		ret = -EBUSY;
	else
		ret = write_chunk(ch, save, buf, size, filled, &need);
	if (required)
		*required = need;
	kmcl_save_leave(ch);
	return ret;
}
EXPORT_SYMBOL_GPL(kmcl_save_continue);

/* Become the call in progress, whatever the state */
static bool save_take(struct kmcl_channel *ch)
{
	bool taken;

	spin_lock_irq(&ch->save.lock);
	taken = !ch->save.busy;
	ch->save.busy = true;
	spin_unlock_irq(&ch->save.lock);
	return taken;
}

/**
 * kmcl_save_end() - end saving (VmbChannelSaveEnd)
 * @ch: the server channel, in any state; NULL and one that is not being saved
 *	are ignored
 *
 * Needed after a failure as well. Waits for a call that saves or restores.
 *
 * Context: may sleep; not from a callback of this channel.
 */
void kmcl_save_end(struct kmcl_channel *ch)
{
	struct kmcl_image *save;

	if (!ch || READ_ONCE(ch->save.task) == current)
		return;
	might_sleep();
	kmcl_call_begin(ch);
	/* A call in progress in another thread uses the image */
	kmcl_wait(ch, "a call that saves or restores", save_take);
	save = ch->save.image;
	ch->save.image = NULL;
	kmcl_save_leave(ch);
	kmcl_call_end(ch);
	kvfree(save);
}
EXPORT_SYMBOL_GPL(kmcl_save_end);
