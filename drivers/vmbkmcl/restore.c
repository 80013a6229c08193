// SPDX-License-Identifier: GPL-2.0
/*
 * Restoring the outgoing packets of a server from an image, see save.h.
 *
 * The image is not trusted: framing is checked before the first packet of a
 * chunk is restored, and the library's part of a packet when the driver passes
 * it back. As in save.c, a call in progress keeps the channel paused, and
 * everything here may sleep.
 */
#include <linux/export.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "channel.h"
#include "save.h"

/* A part of a chunk, checked: where the packet and the driver's bytes are */
struct kmcl_saved {
	u8 *packet;
	u32 packet_bytes;
	u8 *data;
	u32 data_bytes;
	u32 total;
};

/* The record at @p, of which there are @left bytes; false: it is none. */
static bool read_record(u8 *p, u32 left, struct kmcl_saved *saved)
{
	struct kmcl_save_record record;
	u64 total;

	if (left < sizeof(record))
		return false;
	memcpy(&record, p, sizeof(record));
	saved->packet_bytes = le32_to_cpu(record.packet_bytes);
	saved->data_bytes = le32_to_cpu(record.data_bytes);
	total = sizeof(record) + ALIGN((u64)saved->packet_bytes, 8) +
		ALIGN((u64)saved->data_bytes, 8);
	if (total > left)
		return false;
	saved->total = total;
	saved->packet = p + sizeof(record);
	saved->data = saved->packet + kmcl_round8(saved->packet_bytes);
	return true;
}

/* The chunk's header; its length and whether it is the last one */
static int read_chunk(struct kmcl_channel *ch, const u8 *buf, u32 size,
		      u32 *bytes, bool *last)
{
	struct kmcl_save_chunk chunk;
	u16 flags;

	if (size < sizeof(chunk))
		return -ENODATA;
	memcpy(&chunk, buf, sizeof(chunk));
	flags = le16_to_cpu(chunk.flags);
	if (le32_to_cpu(chunk.magic) != KMCL_SAVE_MAGIC ||
	    le16_to_cpu(chunk.version) != KMCL_SAVE_VERSION ||
	    flags & ~KMCL_SAVE_LAST ||
	    le32_to_cpu(chunk.number) != ch->save.restore_number)
		return -EBADMSG;
	*bytes = le32_to_cpu(chunk.bytes);
	*last = flags & KMCL_SAVE_LAST;
	if (*bytes < sizeof(chunk))
		return -EBADMSG;
	return *bytes > size ? -ENODATA : 0;
}

/* Every record of the chunk is checked before the first one is restored. */
static int restore_chunk(struct kmcl_channel *ch, u8 *buf, u32 size, bool *last)
{
	struct kmcl_saved saved;
	u32 bytes, pos, records = 0;
	int ret;

	ret = read_chunk(ch, buf, size, &bytes, last);
	if (ret)
		return ret;
	for (pos = sizeof(struct kmcl_save_chunk); pos < bytes;
	     pos += saved.total, records++)
		if (!read_record(buf + pos, bytes - pos, &saved))
			return -EBADMSG;
	if (records && !ch->cfg.restore_packet)
		return -EOPNOTSUPP;
	for (pos = sizeof(struct kmcl_save_chunk); pos < bytes;
	     pos += saved.total) {
		/* Checked again, since the callback may have written to it */
		if (!read_record(buf + pos, bytes - pos, &saved))
			return -EBADMSG;
		ret = ch->cfg.restore_packet(ch, saved.packet, saved.packet_bytes,
					 saved.data_bytes ? saved.data : NULL,
					 saved.data_bytes);
		if (ret < 0)
			return -EIO;
	}
	return 0;
}

/**
 * kmcl_restore() - restore one chunk (VmbChannelRestoreFromBuffer)
 * @ch: the server channel, paused
 * @buf: a chunk as kmcl_save_continue() wrote it; nothing in it is believed
 * @size: its bytes, or more
 *
 * Chunks go in their order, and the channel stays paused in between. Calls the
 * restore callback for each packet; it must not end, start or pause the
 * channel. After a failure the first chunk is the next one; packets that were
 * restored by then stay.
 *
 * Context: may sleep; not from a callback of this channel.
 * Return: 0: all is restored; 1: there are more chunks to come; -EINVAL: no
 * server, or no @buf; -EBADMSG: no chunk of this image, or not the next one;
 * -ENODATA: cut short; -EBUSY: not paused; -EOPNOTSUPP: there are packets and no
 * restore callback; -EIO: the restore callback failed.
 */
int kmcl_restore(struct kmcl_channel *ch, void *buf, u32 size)
{
	bool last = false;
	int ret;

	ret = kmcl_save_enter(ch);
	if (ret)
		return ret;
	if (ch->save.restore_paused != ch->save.pauses)
		ch->save.restore_number = 0;
	ch->save.restore_paused = ch->save.pauses;
	ch->save.restoring = true;
	ret = buf ? restore_chunk(ch, buf, size, &last) : -EINVAL;
	ch->save.restoring = false;
	if (ret || last)
		ch->save.restore_number = 0;
	else
		ch->save.restore_number++;
	kmcl_save_leave(ch);
	if (ret)
		return ret;
	return !last;
}
EXPORT_SYMBOL_GPL(kmcl_restore);

static int restore_in_flight(struct kmcl_packet *pkt, u64 trans_id)
{
	struct kmcl_channel *ch = pkt->ch;
	int ret = 0;

	spin_lock_irq(&ch->tx.lock);
	if (pkt->state != KMCL_PKT_IDLE) {
		ret = -EBUSY;
		goto unlock;
	}
	if (!ch->tx.linked) {
		ret = -ENODEV;
		goto unlock;
	}
	/* Two packets with the same id */
	if (kmcl_trans_find(ch, trans_id)) {
		ret = -EEXIST;
		goto unlock;
	}
	kmcl_trans_skip(ch, trans_id);
	kmcl_trans_add(pkt, trans_id);
	pkt->wait = true;
	pkt->state = KMCL_PKT_IN_FLIGHT;
	ch->tx.n.accepted++;
	ch->tx.n.in_flight++;
	list_add_tail(&pkt->item.node, &ch->tx.in_flight);
unlock:
	spin_unlock_irq(&ch->tx.lock);
	/* No peer knows the id any more: nobody will complete the packet */
	if (!ret && ch->cfg.server_flags & KMCL_SERVER_FORCE_NEW)
		kmcl_tx_take_back(pkt, -ENODEV);
	return ret;
}

/**
 * kmcl_packet_restore() - restore a saved packet
 *	(VmbPacketRestore)
 * @pkt: neither queued nor in flight, with a completion routine if the memory
 *	is the driver's
 * @buf: what the restore callback was given
 * @size: its bytes
 *
 * A packet that was queued is queued again, at the end. One that was in flight
 * is in flight again, until the peer sends the completion; with
 * KMCL_SERVER_FORCE_NEW it ends with -ENODEV at once. From here on the packet is
 * treated like one that was sent.
 *
 * Context: only inside the restore callback.
 * Return: 0; not accepted: -EINVAL: no packet, or no @buf; -ENOENT: no
 * completion routine; -EPERM: not in a restore callback; -EBUSY: the packet is in
 * use; -EBADMSG: no saved packet; -ENODATA: cut short; -EEXIST: it was in flight,
 * and another one with its id is; -ENODEV: it was in flight, and the link is
 * dead.
 */
int kmcl_packet_restore(struct kmcl_packet *pkt, const void *buf, u32 size)
{
	struct kmcl_save_packet lib;
	struct kmcl_channel *ch;
	u64 trans_id;
	u32 len;

	if (!pkt)
		return -EINVAL;
	if (!pkt->done && !pkt->own_memory)
		return -ENOENT;
	ch = pkt->ch;
	if (READ_ONCE(ch->save.task) != current || !ch->save.restoring)
		return -EPERM;
	if (!buf)
		return -EINVAL;
	if (size < sizeof(lib))
		return -ENODATA;
	memcpy(&lib, buf, sizeof(lib));
	len = le32_to_cpu(lib.len);
	trans_id = le64_to_cpu(lib.trans_id);
	if (le32_to_cpu(lib.magic) != KMCL_SAVE_PACKET_MAGIC ||
	    lib.in_flight > 1 || lib.wait > 1 || lib.zero || lib.zero2 ||
	    len > kmcl_max_payload(ch) || (lib.wait && ch->cfg.pipe))
		return -EBADMSG;
	if (size != sizeof(lib) + kmcl_round8(len))
		return -ENODATA;
	if (!lib.in_flight)
		return trans_id ? -EBADMSG :
			kmcl_submit(pkt, buf + sizeof(lib), len, 0,
				    lib.wait ? KMCL_SEND_WAIT : 0, true);

	/* As put_packet() makes them: a generation above 0 and an index, or 0 */
	if (!lib.wait || len || !(trans_id >> 32) || (u32)trans_id > S32_MAX)
		return -EBADMSG;
	return restore_in_flight(pkt, trans_id);
}
EXPORT_SYMBOL_GPL(kmcl_packet_restore);
