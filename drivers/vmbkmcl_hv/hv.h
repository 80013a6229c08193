/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hv_vmbus transport of vmbkmcl: what its files share. From the ground floor
 * up, each calls those before it and none after it:
 *
 *	offer.c		the operations on a device
 *	gpadl.c		GPADLs
 *	binding.c	one binding per device, until it goes
 *	class.c		one hv_driver per device class that is watched
 *	main.c		module init and exit
 */
#ifndef _KMCL_HV_H
#define _KMCL_HV_H

#include <linux/hyperv.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/uuid.h>
#include <linux/workqueue.h>

#include "transport.h"

struct resource;

#define KMCL_HV_SETTLE_MS	10	/* between two looks at a rescind */

/**
 * struct kmcl_hv_binding - a device that is bound to us
 * @link: in kmcl_hv_bindings, protected by kmcl_hv_bindings_lock
 * @hdev: the device; a reference
 * @channel: the device's channel, which lives as long
 * @offer: what the library knows the device as; set by probe(), cleared under
 *	the lock when kmcl_offer_gone() has dropped it
 * @adopted: another driver has the device
 * @leaving: remove() is under way, and the library knows; under the lock
 * @rescinded: the rescind callback has come; under the lock
 * @owed: the device is ours to unregister; under the lock
 * @settling: @settle is under way; under the lock
 * @tx: the library's side of the ring to the host, while open
 * @rx: and of the ring from the host
 * @out_empty: intr_out_empty of the channel, less what @tx has counted
 * @in_full: intr_in_full of the channel, less what @rx has counted
 * @mode: the channel's read mode for its next driver, while open
 * @mmio: what the device was given of the guest's address space, or NULL
 * @talk: a call that waits for a message from the host about the channel: a
 *	rescind wakes one such call and no more
 * @settle: pays the debt, or waits for what will become of it
 */
struct kmcl_hv_binding {
	struct list_head link;
	struct hv_device *hdev;
	struct vmbus_channel *channel;
	struct kmcl_offer *offer;
	bool adopted;
	bool leaving;
	bool rescinded;
	bool owed;
	bool settling;
	const struct kmcl_ring *tx;
	const struct kmcl_ring *rx;
	u64 out_empty;
	u64 in_full;
	enum hv_callback_mode mode;
	struct resource *mmio;
	struct mutex talk;	/* a call that waits for the host's message */
	struct work_struct settle;
};

/* Operations of class.c; see struct kmcl_transport_ops */
int kmcl_hv_watch(const guid_t *type);
void kmcl_hv_unwatch(const guid_t *type);

/* Operations of offer.c; see struct kmcl_transport_ops */
int kmcl_hv_open(struct kmcl_offer *offer, u32 tx_bytes, u32 rx_bytes,
		 struct kmcl_ring *tx, struct kmcl_ring *rx);
void kmcl_hv_close(struct kmcl_offer *offer);
void kmcl_hv_signal(struct kmcl_offer *offer);
void kmcl_hv_full(struct kmcl_offer *offer, bool first);
u16 kmcl_hv_flags(const struct kmcl_offer *offer);
void kmcl_hv_mmio(struct kmcl_offer *offer, u64 *start, u64 *size);
void kmcl_hv_mmio_free(struct kmcl_offer *offer);

/* One wait for the host's message at a time: see gpadl.c */
struct vmbus_channel *kmcl_hv_talk(struct kmcl_offer *offer);
void kmcl_hv_talked(struct kmcl_offer *offer);

/* Operations of gpadl.c; see struct kmcl_transport_ops */
int kmcl_hv_gpadl_create(struct kmcl_offer *offer, struct kmcl_gpadl *gpadl);
void kmcl_hv_gpadl_destroy(struct kmcl_offer *offer, struct kmcl_gpadl *gpadl);
bool kmcl_hv_gpadls_first(struct kmcl_offer *offer);

/* Operations of binding.c; see struct kmcl_transport_ops */
struct kmcl_offer *kmcl_hv_adopt(struct device *parent,
				 const struct kmcl_channel *owner);
void kmcl_hv_disown(struct kmcl_offer *offer);
void kmcl_hv_release(struct kmcl_offer *offer);

/* For the drivers of class.c; the bus calls them with the device locked */
int kmcl_hv_probe(struct hv_device *hdev, const struct hv_vmbus_device_id *id);
void kmcl_hv_remove(struct hv_device *hdev);

/* For main.c */
int kmcl_hv_bindings_init(const struct kmcl_transport_ops *ops);
void kmcl_hv_bindings_exit(void);

#endif
