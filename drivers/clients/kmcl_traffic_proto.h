/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The contents of packets between the traffic client and the test host, by
 * which either end can tell whether each packet arrived once, in order and
 * intact.
 *
 * Included by a kernel module and by a user-space program, so it uses only
 * types that both have.
 */
#ifndef KMCL_TRAFFIC_PROTO_H
#define KMCL_TRAFFIC_PROTO_H

#include <linux/types.h>

#define KMCL_TRAFFIC_MAGIC	0x4c4d434bU	/* "KMCL" */

/*
 * The id of the transfer page set that is the memory which the client has shared
 * last. Each range of a packet has what a payload with the packet's sequence
 * number has, and its length exactly.
 */
#define KMCL_TRAFFIC_SET	0xcafeU

/*
 * A client that sends on several processors at once counts for each of them: the
 * numbers of sender N begin at N << KMCL_TRAFFIC_SENDER_SHIFT.
 */
#define KMCL_TRAFFIC_SENDERS		4
#define KMCL_TRAFFIC_SENDER_SHIFT	48

/**
 * struct kmcl_traffic_header - the start of every payload
 * @magic:	KMCL_TRAFFIC_MAGIC
 * @checksum:	CRC-32 (as zlib's crc32()) of everything from @sequence to the
 *		end of the @length bytes
 * @sequence:	number of the packet, counted by its sender from 0; an echo has
 *		the number of the packet that it answers
 * @length:	size of the payload in bytes, this header included, before it is
 *		padded to a multiple of 8
 * @kind:	0; tests may use other values
 *
 * Each byte i of the payload after the header, counted from the start of the
 * header, is (__u8)(sequence + i).
 */
struct kmcl_traffic_header {
	__le32 magic;
	__le32 checksum;
	__le64 sequence;
	__le32 length;
	__le32 kind;
};

#endif
