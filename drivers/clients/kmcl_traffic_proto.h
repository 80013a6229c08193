/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the traffic client and the test host put into a packet, so that either
 * end can tell whether each packet arrived once, in order and intact.
 *
 * Included by a kernel module and by a user-space program: it uses nothing but
 * the types that both have.
 */
#ifndef KMCL_TRAFFIC_PROTO_H
#define KMCL_TRAFFIC_PROTO_H

#include <linux/types.h>

#define KMCL_TRAFFIC_MAGIC	0x4c4d434bU	/* "KMCL" */

/**
 * struct kmcl_traffic_header - what every payload begins with
 * @magic:	KMCL_TRAFFIC_MAGIC
 * @checksum:	CRC-32 (zlib's, as crc32() in user space gives it) of everything
 *		from @sequence to the end of the @length bytes
 * @sequence:	0 for the first packet of its sender since that sender was
 *		created, one more for each packet after it; an echo repeats it
 * @length:	bytes of the payload with this header, before any padding to a
 *		multiple of 8
 * @kind:	0; other values are for the tests that need one
 *
 * What follows the header is byte i = (__u8)(sequence + i), i counted from the
 * header's start.
 */
struct kmcl_traffic_header {
	__le32 magic;
	__le32 checksum;
	__le64 sequence;
	__le32 length;
	__le32 kind;
};

#endif
