/* SPDX-License-Identifier: GPL-2.0 */
/* Offers, the channels that claim and wait for one, their binding, and the link. */
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

/* A device that a transport offers; ref and work lock themselves */
struct kmcl_offer {
	struct kref ref;
	u16 flags;			/* KMCL_WIRE_OFFER_*; constant */
	/* Written under kmcl_bus_lock, some of them read without it */
	bool dead;			/* rescinded, or gone */
	bool rescinded;			/* the peer uses no memory any more */
	bool broken;			/* not to be bound: an open found it */
					/* rescinded, or it is disowned */
	bool gone;			/* not to be released */
	bool released;			/* @release was called */
	bool suspended;			/* not to be opened */
	bool giving_back;		/* inside @give_back */
	struct kmcl_channel *ch;	/* bound to it; a reference */
	struct list_head node;		/* kmcl_bus_lock */
	/* Constant */
	const struct kmcl_transport_ops *ops;
	guid_t type;
	guid_t instance;
	const struct kmcl_channel *owner;	/* only to be compared */
	void *priv;
	struct work_struct release_work;
};

struct kmcl_link {
	spinlock_t lock;		/* as far as kmcl_adopt_mutex */
	u32 small_rings;		/* openings with less than was set */
	u64 mmio_start;			/* client: until it is unbound */
	u64 mmio_size;
	/* Written by the work item, which reads them without the lock */
	struct kmcl_ring_block block;
	u32 ring_in;			/* bytes of data, when they were */
	u32 ring_out;			/* connected last */
	/* kmcl_adopt_mutex; written with kmcl_bus_lock, too */
	struct kmcl_offer *adopted;
	/* kmcl_bus_lock */
	struct list_head node;
	/*
	 * Client: a reference. Read without the lock by the work item, and by
	 * others while they keep it from unbinding: during a delivery, a
	 * signal, or a counted GPADL call.
	 */
	struct kmcl_offer *offer;
	/* Client: the peer may not have closed. Only the work item writes it */
	bool kept;
	bool waiting;			/* client: may be bound to an offer */
	guid_t bound_instance;		/* of the offer, or last_instance; */
					/* traces read it without the lock */
	guid_t last_instance;		/* that was open last, or as set */
	guid_t had_instance;		/* of the last offer */
	bool claims;			/* a device like this, see claim.c */
	bool claims_any;
	bool covered;			/* set by those who read it */
	guid_t claimed_type;
	guid_t claimed_instance;
	/* kmcl_watch_mutex */
	bool wants_watch;		/* for a transport that registers */
	bool watching;
	guid_t watched;
	/* Written by the work item, read by others without a lock */
	bool connected;
	struct tasklet_struct dead_tasklet;
};

/* An operation in progress that kmcl_transport_unregister() has to wait for */
struct kmcl_transport_call {
	struct list_head node;		/* kmcl_bus_lock */
	guid_t type;
	guid_t instance;		/* of what is released; null: settles */
};

extern spinlock_t kmcl_bus_lock;
extern struct list_head kmcl_channels;	/* kmcl_bus_lock */
extern struct list_head kmcl_offers;	/* kmcl_bus_lock */
extern bool kmcl_hibernating;		/* kmcl_bus_lock */

/* May a channel bind to it, or go on using it? */
static inline bool kmcl_offer_live(const struct kmcl_offer *offer)
	__must_hold(&kmcl_bus_lock)
{
	lockdep_assert_held(&kmcl_bus_lock);
	return !offer->dead && !offer->broken;
}

/* rings.c */
void kmcl_rings_free(struct kmcl_channel *ch);

/* link.c */
void kmcl_link_init(struct kmcl_channel *ch);
void kmcl_link_up(struct kmcl_channel *ch);
u64 kmcl_link_freeze(struct kmcl_channel *ch, bool frozen);
void kmcl_link_dead(struct kmcl_channel *ch);
bool kmcl_memory_in_use(struct kmcl_channel *ch);
int kmcl_connect(struct kmcl_channel *ch);
void kmcl_disconnect(struct kmcl_channel *ch);
void kmcl_mmio_free(struct kmcl_channel *ch);

/* claim.c */
void kmcl_bus_add_channel(struct kmcl_channel *ch);
void kmcl_bus_del_channel(struct kmcl_channel *ch);
bool kmcl_claimed(const guid_t *type, const guid_t *instance,
		  const struct kmcl_offer *except);
bool kmcl_covered(const struct kmcl_channel *ch);
void kmcl_wait_begin(struct kmcl_channel *ch);
void kmcl_claim_end(struct kmcl_channel *ch);

/* bus.c */
void kmcl_give_back(struct kmcl_channel *ch);
void kmcl_seek(struct kmcl_channel *ch);
void kmcl_bus_opened(struct kmcl_channel *ch);
void kmcl_bus_broken(struct kmcl_channel *ch);
void kmcl_unbind(struct kmcl_channel *ch);
bool kmcl_offer_exists(const guid_t *type, const guid_t *instance);
int kmcl_publish(struct kmcl_channel *ch);
void kmcl_retire(struct kmcl_channel *ch);
void kmcl_transport_begin(struct kmcl_transport_call *call);
void kmcl_transport_end(struct kmcl_transport_call *call);
void kmcl_transport_wait_ended(const struct kmcl_transport_ops *ops);

/* suspend.c */
int kmcl_suspend_init(void);
void kmcl_suspend_exit(void);
void kmcl_hibernation(bool begins);

/* watch.c */
int kmcl_watch(struct kmcl_channel *ch);
void kmcl_unwatch(struct kmcl_channel *ch);

#endif
