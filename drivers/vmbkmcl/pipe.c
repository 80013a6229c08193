// SPDX-License-Identifier: GPL-2.0
/*
 * Pipe mode: VMBus' header of 8 bytes in front of each payload.
 *
 * Each packet is one message of exactly the length that was sent: there are no
 * transactions and no external data. For the ring the header is a part of the
 * payload. A reader that consumes only a part of a message marks it in its own
 * ring as type 2. This library always copies whole messages, so it never writes
 * this type, and it drops a message in which the peer wrote it.
 *
 * kmcl_pipe_put() is called with ch->tx.lock held, kmcl_pipe_parse() by the
 * owner of the incoming ring. Nothing here sleeps or allocates.
 */
#include <linux/build_bug.h>

#include "channel.h"

enum kmcl_pipe_type {
	KMCL_PIPE_DATA		= 1,
	KMCL_PIPE_PARTIAL	= 2,	/* the reader's own */
	KMCL_PIPE_SETUP_DIRECT	= 3,
	KMCL_PIPE_TEARDOWN_DIRECT = 4,
};

/* As the wire has it: struct vmpipe_proto_header; see kmcl_pipe_header() */
struct kmcl_pipe_header {
	__le32 type;
	__le32 bytes;
};

/* The header of a message of @len bytes, as the wire has it */
__le64 kmcl_pipe_header(u32 len)
{
	return cpu_to_le64(KMCL_PIPE_DATA | (u64)len << 32);
}

/* Write a message into the ring, not yet visible; see kmcl_ring_put(). */
int kmcl_pipe_put(struct kmcl_channel *ch, u64 id, const void *buf, u32 len)
	__must_hold(&ch->tx.lock)
{
	const __le64 header = kmcl_pipe_header(len);

	static_assert(sizeof(header) == KMCL_PIPE_HEADER);
	lockdep_assert_held(&ch->tx.lock);
	return kmcl_ring_put_prefixed(&ch->tx.ring, id, &header, sizeof(header),
				      buf, len);
}

/*
 * Check the header of a message in the ring, reading each field once. False:
 * drop the message.
 */
bool kmcl_pipe_parse(struct kmcl_channel *ch,
		     const struct kmcl_ring_packet *pkt, u32 *len)
{
	const struct kmcl_pipe_header *header = (const void *)pkt->payload;
	u32 bytes;

	if (pkt->payload_len < sizeof(*header))
		return false;
	if (le32_to_cpu(READ_ONCE(header->type)) != KMCL_PIPE_DATA)
		return false;
	bytes = le32_to_cpu(READ_ONCE(header->bytes));
	if (bytes > pkt->payload_len - sizeof(*header) ||
	    bytes > kmcl_max_payload(ch))
		return false;
	*len = bytes;
	return true;
}
