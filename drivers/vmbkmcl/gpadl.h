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
	spinlock_t lock;		/* all but where a field says otherwise */
	bool open;			/* they may be made, or mapped */
	bool up;			/* server: they may be unmapped */
	u32 making;			/* calls in the transport */
	u32 deleting;			/* the same */
	u32 count;
	u32 left;			/* deleted by the library when closing, in total */
	struct list_head list;
};

void kmcl_gpadl_init(struct kmcl_channel *ch);
void kmcl_gpadl_admit(struct kmcl_channel *ch);
void kmcl_gpadl_shut(struct kmcl_channel *ch);
void kmcl_gpadl_cleanup(struct kmcl_channel *ch);

#endif
