/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What VMBus puts on the wire: control messages, ring headers and packet
 * descriptors. All of it little-endian, and so is every machine that this
 * program runs on. No structure here is ever read in place from guest memory:
 * it is copied first.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdint.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define VMBUS_PAGE		4096u
#define VMBUS_MESSAGE_MAX	240u	/* payload of a SynIC message */
#define VMBUS_RELIDS		2048u	/* bits of a SynIC event flag page */
#define VMBUS_MESSAGE_TYPE	1u	/* the SynIC message type of all of them */

#define VMBUS_VERSION(major, minor)	((uint32_t)(major) << 16 | (minor))

/* Connections that the guest posts messages to. */
#define VMBUS_CONNECTION_OLD	1u	/* up to 4.1 */
#define VMBUS_CONNECTION_NEW	4u	/* 5.0: InitiateContact, and what follows */

/* What a hypercall returns. */
#define HV_STATUS_SUCCESS		0x00
#define HV_STATUS_INVALID_PARAMETER	0x05
#define HV_STATUS_INVALID_CONNECTION_ID	0x12

/* An open or a GPADL that the host refuses. */
#define STATUS_SUCCESS		0x00000000u
#define STATUS_UNSUCCESSFUL	0xc0000001u

enum message_type {
	MSG_INVALID		= 0,
	MSG_OFFER		= 1,
	MSG_RESCIND		= 2,
	MSG_REQUEST_OFFERS	= 3,
	MSG_ALL_OFFERS		= 4,
	MSG_OPEN		= 5,
	MSG_OPEN_RESULT		= 6,
	MSG_CLOSE		= 7,
	MSG_GPADL_HEADER	= 8,
	MSG_GPADL_BODY		= 9,
	MSG_GPADL_CREATED	= 10,
	MSG_GPADL_TEARDOWN	= 11,
	MSG_GPADL_TORNDOWN	= 12,
	MSG_RELID_RELEASED	= 13,
	MSG_INITIATE_CONTACT	= 14,
	MSG_VERSION_RESPONSE	= 15,
	MSG_UNLOAD		= 16,
	MSG_UNLOAD_RESPONSE	= 17,
	MSG_TL_CONNECT		= 21,
	MSG_MODIFY		= 22,
	MSG_MODIFY_RESPONSE	= 24,
	MSG_COUNT
};

/* A GUID as it is in memory: the first three fields are little-endian. */
struct guid {
	uint8_t b[16];
};

#define OFFER_ENUMERATE		0x0001
#define OFFER_PIPE		0x0010

struct msg_header {
	uint32_t type;
	uint32_t zero;
} __attribute__((packed));

struct msg_offer {
	struct msg_header h;
	struct guid class, instance;
	uint64_t reserved1, reserved2;
	uint16_t flags;
	uint16_t mmio_mib;
	uint8_t user[120];
	uint16_t sub_index;
	uint16_t reserved3;
	uint32_t relid;
	uint8_t monitor;
	uint8_t monitor_allocated;
	uint16_t dedicated_interrupt;
	uint32_t connection;
} __attribute__((packed));

/* Rescind, close and relid released. */
struct msg_relid {
	struct msg_header h;
	uint32_t relid;
} __attribute__((packed));

struct msg_open {
	struct msg_header h;
	uint32_t relid;
	uint32_t open_id;
	uint32_t gpadl;
	uint32_t vp;
	uint32_t downstream_page;
	uint8_t user[120];
} __attribute__((packed));

struct msg_open_result {
	struct msg_header h;
	uint32_t relid;
	uint32_t open_id;
	uint32_t status;
} __attribute__((packed));

/* Ranges follow: uint32_t bytes, uint32_t offset, uint64_t frames[]. */
struct msg_gpadl_header {
	struct msg_header h;
	uint32_t relid;
	uint32_t gpadl;
	uint16_t range_bytes;
	uint16_t ranges;
} __attribute__((packed));

/* The rest of the ranges follows. */
struct msg_gpadl_body {
	struct msg_header h;
	uint32_t number;
	uint32_t gpadl;
} __attribute__((packed));

struct msg_gpadl_created {
	struct msg_header h;
	uint32_t relid;
	uint32_t gpadl;
	uint32_t status;
} __attribute__((packed));

struct msg_gpadl_teardown {
	struct msg_header h;
	uint32_t relid;
	uint32_t gpadl;
} __attribute__((packed));

struct msg_gpadl_torndown {
	struct msg_header h;
	uint32_t gpadl;
} __attribute__((packed));

struct msg_contact {
	struct msg_header h;
	uint32_t version;
	uint32_t vp;
	union {
		uint64_t interrupt_page;	/* up to 4.1 */
		struct {			/* 5.0 and later */
			uint8_t sint;
			uint8_t vtl;
			uint8_t reserved[2];
			uint32_t features;	/* 6.0 and later */
		};
	};
	uint64_t monitor_page[2];	/* host to guest, guest to host */
} __attribute__((packed));

struct msg_version {
	struct msg_header h;
	uint8_t supported;
	uint8_t state;
	uint16_t zero;
	uint32_t connection;	/* 5.0: where to post everything else */
} __attribute__((packed));

struct msg_modify {
	struct msg_header h;
	uint32_t relid;
	uint32_t vp;
} __attribute__((packed));

struct msg_modify_response {
	struct msg_header h;
	uint32_t relid;
	uint32_t status;
} __attribute__((packed));

/* The first page of a ring. */
struct ring_header {
	uint32_t write_index;
	uint32_t read_index;
	uint32_t interrupt_mask;
	uint32_t pending_send_sz;
	uint32_t reserved[12];
	uint32_t features;
};

#define RING_PENDING_SEND_SZ	1u	/* bit of features */
#define RING_TRAILER		8u

enum packet_type {
	PKT_INBAND	= 6,
	PKT_XFER_PAGES	= 7,
	PKT_GPA_DIRECT	= 9,
	PKT_COMPLETION	= 11,
};

#define PKT_COMPLETION_REQUESTED	1u	/* bit of flags */

/* What a transfer page packet has in front of its payload. */
#define RANGES_MAX	64u

struct ranges_header {
	uint16_t set;
	uint8_t sender_owns, reserved;
	uint32_t count;
	struct {
		uint32_t bytes, offset;
	} range[RANGES_MAX];
} __attribute__((packed));

/* What the payload of a packet on a pipe begins with. */
struct pipe_header {
	uint32_t type;
	uint32_t bytes;		/* of the message that follows */
} __attribute__((packed));

#define PIPE_DATA	1u

/* What the user data of a pipe's offer begins with: it keeps messages apart. */
#define PIPE_MESSAGES	4u

struct descriptor {
	uint16_t type;
	uint16_t offset8;
	uint16_t len8;
	uint16_t flags;
	uint64_t trans;
} __attribute__((packed));

#endif
