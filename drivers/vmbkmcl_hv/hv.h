/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hv_vmbus transport of vmbkmcl: what its files share.
 *
 *	main.c		module init and exit
 *	class.c		one hv_driver per device class that is watched
 *	offer.c		one binding per device, and the operations on it
 *	gpadl.c		GPADLs
 */
#ifndef _KMCL_HV_H
#define _KMCL_HV_H

#include <linux/types.h>
#include <linux/uuid.h>

#include "transport.h"

struct hv_device;
struct hv_vmbus_device_id;
struct vmbus_channel;

/* Operations of class.c; see struct kmcl_transport_ops */
int kmcl_hv_watch(const guid_t *type);
void kmcl_hv_unwatch(const guid_t *type);

/* Operations of offer.c; see struct kmcl_transport_ops */
int kmcl_hv_open(struct kmcl_offer *offer, u32 tx_bytes, u32 rx_bytes,
		 struct kmcl_ring *tx, struct kmcl_ring *rx);
void kmcl_hv_close(struct kmcl_offer *offer);
void kmcl_hv_release(struct kmcl_offer *offer);
void kmcl_hv_signal(struct kmcl_offer *offer);
void kmcl_hv_full(struct kmcl_offer *offer, bool first);
u16 kmcl_hv_flags(const struct kmcl_offer *offer);
void kmcl_hv_mmio(struct kmcl_offer *offer, u64 *start, u64 *size);

/* One wait for the host's message at a time: see gpadl.c */
struct vmbus_channel *kmcl_hv_talk(struct kmcl_offer *offer);
void kmcl_hv_talked(struct kmcl_offer *offer);

/* Operations of gpadl.c; see struct kmcl_transport_ops */
int kmcl_hv_gpadl_create(struct kmcl_offer *offer, struct kmcl_gpadl *gpadl);
void kmcl_hv_gpadl_destroy(struct kmcl_offer *offer, struct kmcl_gpadl *gpadl);
bool kmcl_hv_gpadls_first(struct kmcl_offer *offer);

/* For the drivers of class.c; the bus calls them with the device locked */
int kmcl_hv_probe(struct hv_device *hdev, const struct hv_vmbus_device_id *id);
void kmcl_hv_remove(struct hv_device *hdev);

/* For main.c */
extern const struct kmcl_transport_ops kmcl_hv_ops;
int kmcl_hv_offers_init(void);
void kmcl_hv_offers_exit(void);

#endif
