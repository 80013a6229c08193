/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Integration services, Hyper-V's small ones: the host asks, the guest answers, one
 * message at a time on a pipe. What goes over the wire is that of Linux'
 * include/linux/hyperv.h, and its names are in the comments. Serialised by vm->lock.
 */
#ifndef IC_H
#define IC_H

#include "packets.h"

enum ic_type {
	IC_NEGOTIATE	= 0,
	IC_HEARTBEAT	= 1,
	IC_FCOPY	= 7,
	IC_UNKNOWN	= 99,	/* no service has it */
};

#define IC_TRANSACTION	1u
#define IC_REQUEST	2u
#define IC_RESPONSE	4u

#define IC_VERSION(major, minor)	((major) | (uint32_t)(minor) << 16)

/* icmsg_hdr: in front of each message, behind the pipe's header */
struct ic_header {
	uint32_t framework;	/* IC_VERSION() */
	uint16_t type;
	uint32_t version;	/* of the service */
	uint16_t bytes;		/* of what follows */
	uint32_t status;
	uint8_t transaction;
	uint8_t flags;
	uint16_t reserved;
} __attribute__((packed));

/* icmsg_negotiate: the versions of the framework, then those of the service */
struct ic_negotiate {
	uint16_t frameworks, versions;
	uint32_t reserved;
	uint32_t version[];
} __attribute__((packed));

/* heartbeat_msg_data; the guest answers with the next number */
struct ic_heartbeat {
	uint64_t sequence;
	uint32_t reserved[8];
} __attribute__((packed));

/* hv_fcopy_hdr, hv_start_fcopy and hv_do_fcopy; the operation is enum fcopy_step. */
struct fcopy_header {
	uint32_t operation;
	uint8_t service[2][16];
} __attribute__((packed));

struct fcopy_start {
	struct fcopy_header h;
	uint16_t name[FCOPY_NAME], path[FCOPY_NAME];
	uint32_t flags;
	uint64_t bytes;
} __attribute__((packed));

/* In front of the bytes, which are FCOPY_FRAGMENT at most. */
struct fcopy_data {
	struct fcopy_header h;
	uint32_t pad;
	uint64_t offset;
	uint32_t bytes;
} __attribute__((packed));

/* file.c */
bool file_there(const struct behaviour *behaviour);
int file_bytes(const struct behaviour *behaviour, uint64_t *bytes);
int file_read(const struct behaviour *behaviour, uint64_t offset, uint8_t *to,
	      uint32_t bytes);

/* fcopy.c */
void fcopy_begin(struct channel *channel);
uint32_t fcopy_make(struct channel *channel, uint8_t *body);
void fcopy_answered(struct channel *channel, const uint8_t *body,
		    uint32_t bytes);

/* heartbeat.c */
uint32_t heartbeat_make(struct channel *channel, uint8_t *body);
void heartbeat_answered(struct channel *channel, const uint8_t *body,
			uint32_t bytes);

/* ic.c */
bool ic_speaks(const struct channel *channel);
void ic_started(struct channel *channel);
void ic_behave(struct channel *channel);
uint64_t ic_work(struct channel *channel, uint64_t now);
void ic_receive(struct channel *channel, const struct packet *packet);

#endif
