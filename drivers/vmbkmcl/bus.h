/* SPDX-License-Identifier: GPL-2.0 */
/* Offers, the channels that wait for one, their binding, and the link. */
#ifndef _KMCL_BUS_H
#define _KMCL_BUS_H

#include <linux/interrupt.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/uuid.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "transport.h"

/* A device that a transport offers. Protected by kmcl_bus_lock unless noted */
struct kmcl_offer {
	struct kref ref;		/* its own */
	struct list_head node;
	/* Set once */
	const struct kmcl_transport_ops *ops;
	guid_t type;
	guid_t instance;
	u16 flags;			/* KMCL_WIRE_OFFER_* */
	const struct kmcl_channel *owner;	/* only to be compared */
	void *priv;
	/* Written under the lock, some of them read without it */
	struct kmcl_channel *ch;	/* a reference */
	bool dead;			/* rescinded, or gone */
	bool rescinded;			/* the peer does not use the memory any more */
	bool broken;			/* an open found it rescinded; do not open again */
	bool gone;			/* not to be released */
	bool released;			/* @release was called */
	struct work_struct release_work;
	wait_queue_head_t wait;		/* for ch == NULL */
};

struct kmcl_link {
	spinlock_t lock;		/* the memory-mapped I/O */
	u64 mmio_start;			/* client: while open */
	u64 mmio_size;
	/* kmcl_bus_lock */
	struct list_head node;
	struct kmcl_offer *offer;	/* a reference; the work reads it without */
	struct kmcl_offer *adopted;	/* kmcl_adopt_mutex as well */
	bool waiting;			/* client: may be bound to an offer */
	guid_t bound_instance;		/* of the offer, or: */
	guid_t last_instance;		/* of the last opening */
	/* kmcl_watch_mutex */
	bool wants_watch;		/* to be watched by each transport that registers */
	bool watching;
	guid_t watched;
	/* Written by the work item, read by others without a lock */
	bool connected;
	struct tasklet_struct dead_tasklet;
};

extern spinlock_t kmcl_bus_lock;

/* link.c */
void kmcl_link_init(struct kmcl_channel *ch);
void kmcl_link_up(struct kmcl_channel *ch);
void kmcl_link_dead(struct kmcl_channel *ch);
bool kmcl_memory_in_use(struct kmcl_channel *ch);
bool kmcl_old_peer(const struct kmcl_channel *ch);
int kmcl_connect(struct kmcl_channel *ch);
void kmcl_answer(struct kmcl_channel *ch, int result);
void kmcl_disconnect(struct kmcl_channel *ch);
void kmcl_mmio_free(struct kmcl_channel *ch);

/* bus.c */
void kmcl_bus_add_channel(struct kmcl_channel *ch);
void kmcl_bus_del_channel(struct kmcl_channel *ch);
int kmcl_watch(struct kmcl_channel *ch);
void kmcl_unwatch(struct kmcl_channel *ch);
void kmcl_wait_begin(struct kmcl_channel *ch);
void kmcl_seek(struct kmcl_channel *ch);
void kmcl_bus_opened(struct kmcl_channel *ch);
void kmcl_bus_broken(struct kmcl_channel *ch);
void kmcl_unbind(struct kmcl_channel *ch);
bool kmcl_offer_exists(const guid_t *type, const guid_t *instance);
int kmcl_publish(struct kmcl_channel *ch);
void kmcl_revoke(struct kmcl_channel *ch);
void kmcl_retire(struct kmcl_channel *ch);

#endif
