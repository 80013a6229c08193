/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The messages of Hyper-V's Dynamic Memory protocol that a guest needs if it
 * reports its memory and supports neither ballooning nor hot-add.
 *
 * Every message is an in-band packet, an answer too. Fields are little-endian;
 * pages have 4 KiB.
 */
#ifndef _KMCL_DYNMEM_PROTO_H
#define _KMCL_DYNMEM_PROTO_H

#include <linux/build_bug.h>
#include <linux/types.h>
#include <linux/uuid.h>

#define DM_CLASS \
	GUID_INIT(0x525074dc, 0x8985, 0x46e2, \
		  0x80, 0x57, 0xa3, 0x07, 0xdc, 0x18, 0xa5, 0x02)

#define DM_PAGE_SHIFT	12

/* The major number is in the upper half */
#define DM_VERSION_0_3	0x00000003
#define DM_VERSION_1_0	0x00010000
#define DM_VERSION_2_0	0x00020000

enum dm_type {
	DM_VERSION_REQUEST	= 1,	/* guest to host */
	DM_VERSION_RESPONSE	= 2,
	DM_CAPS_REPORT		= 3,	/* guest to host */
	DM_CAPS_RESPONSE	= 4,
	DM_STATUS_REPORT	= 5,	/* guest to host, has no answer */
	DM_BALLOON_REQUEST	= 6,	/* host to guest */
	DM_BALLOON_RESPONSE	= 7,
	DM_UNBALLOON_REQUEST	= 8,	/* host to guest */
	DM_UNBALLOON_RESPONSE	= 9,
	DM_HOT_ADD_REQUEST	= 10,	/* host to guest */
	DM_HOT_ADD_RESPONSE	= 11,
	DM_INFO			= 12,	/* host to guest, has no answer */
};

/* @size includes the header */
struct dm_header {
	u16 type;
	u16 size;
	u32 trans_id;
};

#define DM_LAST_ATTEMPT	0x1

struct dm_version_request {
	struct dm_header hdr;
	u32 version;
	u32 flags;
};

#define DM_ACCEPTED	0x1

/* The answer to a version request or to a capabilities report */
struct dm_verdict {
	struct dm_header hdr;
	u64 flags;
};

struct dm_caps_report {
	struct dm_header hdr;
	u64 caps;
	u64 min_pages;
	u64 max_page_number;
};

struct dm_status_report {
	struct dm_header hdr;
	u64 available;
	u64 committed;
	u64 page_file_size;
	u64 zero_free;
	u32 page_file_writes;
	u32 io_diff;
};

#define DM_MORE_PAGES	0x1	/* another message of this transaction follows */

struct dm_balloon_response {
	struct dm_header hdr;
	u32 reserved;
	u32 more_and_ranges;	/* bit 0: DM_MORE_PAGES; rest: number of ranges */
};

struct dm_unballoon_request {
	struct dm_header hdr;
	u32 flags;
	u32 range_count;
};

struct dm_hot_add_response {
	struct dm_header hdr;
	u32 pages;
	u32 result;		/* 0: failure */
};

static_assert(sizeof(struct dm_header) == 8);
static_assert(sizeof(struct dm_version_request) == 16);
static_assert(sizeof(struct dm_verdict) == 16);
static_assert(sizeof(struct dm_caps_report) == 32);
static_assert(sizeof(struct dm_status_report) == 48);
static_assert(sizeof(struct dm_balloon_response) == 16);
static_assert(sizeof(struct dm_unballoon_request) == 16);
static_assert(sizeof(struct dm_hot_add_response) == 16);

#endif
