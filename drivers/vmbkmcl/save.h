/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The image of a server's outgoing packets, for save.c and restore.c.
 *
 * The image is a sequence of chunks, each with a header that has a magic
 * number, the number of the chunk and its length. A chunk holds whole packets:
 * a record header, the library's part with the payload at its end, and the
 * driver's part.
 */
#ifndef _KMCL_SAVE_H
#define _KMCL_SAVE_H

#include <linux/bits.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct kmcl_channel;
struct kmcl_image;
struct task_struct;

#define KMCL_SAVE_MAGIC		0x4c434d4bU	/* "KMCL" */
#define KMCL_SAVE_PACKET_MAGIC	0x4b41504bU	/* "KPAK" */
#define KMCL_SAVE_VERSION	1
#define KMCL_SAVE_LAST		BIT(0)
#define KMCL_SAVE_DATA_MAX	(16U << 20)	/* driver's bytes per packet */

/* In front of each chunk */
struct kmcl_save_chunk {
	__le32 magic;
	__le16 version;
	__le16 flags;
	__le32 number;
	__le32 bytes;		/* all of the chunk */
};

/* In front of each packet; both parts are padded to 8 bytes */
struct kmcl_save_record {
	__le32 packet_bytes;
	__le32 data_bytes;
};

/* The library's part of a packet, in front of its payload */
struct kmcl_save_packet {
	__le32 magic;
	u8 in_flight;
	u8 wait;
	__le16 zero;
	__le64 trans_id;
	__le32 len;
	__le32 zero2;
};

struct kmcl_saving {
	spinlock_t lock;		/* open, busy, and writing pauses */
	bool open;			/* Paused: a save or restore may run */
	bool busy;			/* a save or restore call runs */
	u64 pauses;			/* times that Paused was entered */
	struct task_struct *task;	/* runs it; only compared */
	/* Used by the call that has set busy */
	struct kmcl_image *image;
	bool restoring;
	u32 restore_number;		/* of the next chunk */
	u64 restore_paused;		/* pauses when the last one was read */
};

void kmcl_save_init(struct kmcl_channel *ch);
void kmcl_save_start(struct kmcl_channel *ch);
void kmcl_save_stop(struct kmcl_channel *ch);
int kmcl_save_enter(struct kmcl_channel *ch);
void kmcl_save_leave(struct kmcl_channel *ch);

#endif
