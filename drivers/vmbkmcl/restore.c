// SPDX-License-Identifier: GPL-2.0
/*
 * Restoring the outgoing packets of a server from an image, see save.h.
 *
 * The image is not trusted. All records of a chunk are checked before the first
 * packet is restored, and the library's part of a packet is checked when the
 * driver passes it back. As in save.c, a call in progress sets ch->save.busy
 * and so keeps the channel paused, and everything here may sleep.
 */
#include <linux/export.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "channel.h"
#include "save.h"
#include "tx_put.h"

/* A record that was checked: the library's and the driver's part */
struct kmcl_saved {
	u8 *packet;
	u32 packet_bytes;
	u8 *data;
	u32 data_bytes;
	u32 total;
};

/* Check the record in the @left bytes at @p; false: it is not valid. */
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

/* Check the header of a chunk; get its length and whether it is the last one */
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

/* Check all records of a chunk, then restore its packets. */
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
 * @buf: a chunk as kmcl_save_continue() wrote it; it is not trusted
 * @size: its bytes, or more
 *
 * The chunks of an image must be restored in order, and the channel must stay
 * paused in between. Calls the restore callback for each packet; it must not
 * disable, start or pause the channel. After a failure the next call must begin
 * with the first chunk; packets that were restored by then stay.
 *
 * Context: may sleep; not from a callback of this channel.
 * Return: 0: restored, and it was the last chunk; 1: restored, and there are
 * more; -EINVAL: no server, or no @buf; -EBADMSG: not the next chunk of an
 * image, or malformed; -ENODATA: truncated; -EBUSY: not paused, the link is
 * dead, or a call that saves or restores is in progress; -EOPNOTSUPP: there are
 * packets and no restore callback; -EIO: the restore callback failed.
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
	bool no_answers;
	int ret = 0;

	spin_lock_irq(&ch->tx.lock);
	no_answers = ch->tx.no_answers;
	if (pkt->state != KMCL_PKT_IDLE) {
		ret = -EBUSY;
		goto unlock;
	}
	if (!ch->tx.linked) {
		ret = -ENODEV;
		goto unlock;
	}
	/* Two packets with the same id */
	if (kmcl_trans_find(&ch->tx, trans_id)) {
		ret = -EEXIST;
		goto unlock;
	}
	kmcl_trans_skip(ch, trans_id);
	kmcl_trans_add(pkt, trans_id);
	pkt->wait = true;
	pkt->state = KMCL_PKT_IN_FLIGHT;
	ch->tx.n.accepted++;
	ch->tx.n.in_flight++;
	kmcl_flight_add(&ch->tx, pkt);
unlock:
	spin_unlock_irq(&ch->tx.lock);
	/* With a new offer no peer knows the id, so none will complete it */
	if (!ret && ch->cfg.server_flags & KMCL_SERVER_FORCE_NEW)
		kmcl_tx_take_back(pkt, -ENODEV);
	else if (!ret && no_answers)
		kmcl_tx_take_back(pkt, -EPROTO);
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
 * A packet that was queued is added to the end of the queue. One that was in
 * flight is in flight again, until the peer sends the completion; with
 * KMCL_SERVER_FORCE_NEW it ends with -ENODEV at once, and with -EPROTO if
 * nothing more is received, see kmcl_send(). From here on the packet
 * is treated like one that was sent.
 *
 * Context: only inside the restore callback.
 * Return: 0: accepted. Not accepted: -EINVAL: no packet, or no @buf; -ENOENT:
 * no completion routine; -EPERM: not in a restore callback; -EBUSY: the packet
 * is in use; -EBADMSG: not a saved packet; -ENODATA: truncated; -EEXIST: a
 * packet with its id is in flight; -ENODEV: it was in flight and the link is
 * dead, or the channel is being freed.
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

	/* As kmcl_put_first() makes ids; older versions had KMCL_NO_SERIAL, too */
	if (!lib.wait || len || !(trans_id >> 32) ||
	    ((u32)trans_id >= KMCL_ROUNDS && (u32)trans_id != KMCL_NO_SERIAL))
		return -EBADMSG;
	return restore_in_flight(pkt, trans_id);
}
EXPORT_SYMBOL_GPL(kmcl_packet_restore);
