/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is in a VMBus ring, as the wire has it: constants and layouts, without code.
 */
#ifndef _KMCL_RING_WIRE_H
#define _KMCL_RING_WIRE_H

#include <linux/bits.h>
#include <linux/types.h>

#define KMCL_PAGE_SIZE		4096U	/* the unit of the protocol */

/* The control page in front of the data area, as the wire has it */
struct kmcl_ring_ctl {
	u32 write_index;
	u32 read_index;
	u32 interrupt_mask;
	u32 pending_send_sz;
	u32 reserved[12];
	u32 feature_bits;
};

#define KMCL_RING_FEATURE_PENDING_SEND_SZ	BIT(0)

/* Packet types of the wire */
enum kmcl_wire_type {
	KMCL_WIRE_DATA_INBAND		= 0x6,
	KMCL_WIRE_DATA_XFER_PAGES	= 0x7,
	KMCL_WIRE_DATA_GPA_DIRECT	= 0x9,
	KMCL_WIRE_COMP			= 0xb,
};

#define KMCL_WIRE_FLAG_COMPLETION_REQUESTED	BIT(0)

/* In front of each packet; offset8 and len8 count units of 8 bytes */
struct kmcl_wire_desc {
	__le16 type;
	__le16 offset8;
	__le16 len8;
	__le16 flags;
	__le64 trans_id;
};

#define KMCL_RING_DESC		((u32)sizeof(struct kmcl_wire_desc))
#define KMCL_RING_TRAILER	8U
#define KMCL_MAX_PACKET_SIZE	524264U	/* maximum of len8, less a descriptor */

#endif
