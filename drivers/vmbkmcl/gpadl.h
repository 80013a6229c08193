/* SPDX-License-Identifier: GPL-2.0 */
/* GPADLs: client memory that is shared for longer than one packet. */
#ifndef _KMCL_GPADL_H
#define _KMCL_GPADL_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct kmcl_channel;

/* Operations on a GPADL, for the trace */
enum kmcl_gpadl_op {
	KMCL_GPADL_CREATE,
	KMCL_GPADL_DELETE,
	KMCL_GPADL_MAP,
	KMCL_GPADL_UNMAP,
};

struct kmcl_gpadls {
	spinlock_t lock;		/* protects everything below */
	bool open;			/* GPADLs may be made, or mapped */
	bool up;			/* server: they may be unmapped */
	u32 making;			/* calls that create or map */
	u32 deleting;			/* calls that delete or unmap */
	u32 count;			/* of list */
	u32 left;			/* by the driver at a close, in total */
	u32 kept;			/* whose pages are never released */
	u32 rings_kept;			/* the same, of openings */
	u32 packets_kept;		/* the same, of packets */
	u64 kept_bytes;			/* of all */
	struct list_head list;
};

void kmcl_gpadl_init(struct kmcl_channel *ch);
void kmcl_gpadl_admit(struct kmcl_channel *ch);
void kmcl_gpadl_shut(struct kmcl_channel *ch);
void kmcl_gpadl_cleanup(struct kmcl_channel *ch);

#endif
