/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The hv_vmbus transport of vmbkmcl: declarations that its files share. Each
 * file calls the ones above it in this list and none below:
 *
 *	gpadl.c		GPADLs
 *	rings.c		the rings' memory, and connecting them
 *	offer.c		the operations on a device
 *	binding.c	one binding per device
 *	suspend.c	hibernation
 *	class.c		one hv_driver per device class that is watched
 *	main.c		module init and exit
 */
#ifndef _KMCL_HV_H
#define _KMCL_HV_H

#include <linux/hyperv.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/uuid.h>
#include <linux/workqueue.h>

#include "transport.h"

struct kmcl_hv_back;
struct resource;

/* After that, the log says what is waited for; waits are idle, see object.c */
#define KMCL_HV_SLOW	(30 * HZ)
#define KMCL_HV_POLL_MS	10	/* interval of polling for a rescind */

/**
 * struct kmcl_hv_binding - a device that the transport has bound
 * @link: entry in kmcl_hv_bindings, protected by kmcl_hv_bindings_lock
 * @hdev: the device; holds a reference
 * @channel: the device's channel, which lives as long as the device
 * @offer: the library's object for the device, a reference; set when it is
 *	bound, cleared when remove() or disown begins; protected by the lock
 * @adopted: the device has a driver of its own
 * @leaving: remove() or disown has begun; protected by the lock
 * @gone: remove() or disown needs the binding no longer; protected by the lock
 * @rescinded: the rescind callback has run; protected by the lock
 * @must_unregister: this transport has to unregister the device; protected by
 *	the lock
 * @finishing: @finish is queued or running; protected by the lock
 * @tx: the library's end of the ring to the host, while open
 * @rx: the library's end of the ring from the host, while open
 * @out_empty: intr_out_empty of the channel, less what @tx has counted
 * @in_full: intr_in_full of the channel, less what @rx has counted
 * @mode: the channel's read mode before it was opened, to be restored
 * @mmio: the device's memory-mapped I/O, or NULL
 * @request_mutex: held by a call that waits for a message from the host about
 *	the channel: a rescind wakes only one such call
 * @finish: finishes what remove() leaves, see kmcl_hv_finish()
 * @back: gives the device back, see kmcl_hv_give_back(), which takes it;
 *	protected by the lock; NULL if @adopted
 */
struct kmcl_hv_binding {
	struct list_head link;
	struct hv_device *hdev;
	struct vmbus_channel *channel;
	struct kmcl_offer *offer;
	bool adopted;
	bool leaving;
	bool gone;
	bool rescinded;
	bool must_unregister;
	bool finishing;
	const struct kmcl_ring *tx;
	const struct kmcl_ring *rx;
	u64 out_empty;
	u64 in_full;
	enum hv_callback_mode mode;
	struct resource *mmio;
	struct mutex request_mutex;	/* calls that wait for the host */
	struct rcu_work finish;
	struct kmcl_hv_back *back;
};

/* Operations of class.c; see struct kmcl_transport_ops */
int kmcl_hv_watch(const guid_t *type, bool look);
void kmcl_hv_unwatch(const guid_t *type);
void kmcl_hv_look(const guid_t *type);
void kmcl_hv_settle(const guid_t *type);

/* Operations of offer.c; see struct kmcl_transport_ops */
int kmcl_hv_open(struct kmcl_offer *offer, struct kmcl_ring *tx,
		 struct kmcl_ring *rx);
void kmcl_hv_close(struct kmcl_offer *offer);
void kmcl_hv_signal(struct kmcl_offer *offer);
void kmcl_hv_full(struct kmcl_offer *offer, bool first);
u16 kmcl_hv_flags(const struct kmcl_offer *offer);
void kmcl_hv_mmio(struct kmcl_offer *offer, u64 *start, u64 *size);
void kmcl_hv_mmio_free(struct kmcl_offer *offer);

/* Operations of gpadl.c; see struct kmcl_transport_ops */
int kmcl_hv_gpadl_create(struct kmcl_offer *offer, struct kmcl_gpadl *gpadl);
int kmcl_hv_gpadl_destroy(struct kmcl_offer *offer, struct kmcl_gpadl *gpadl);
bool kmcl_hv_gpadls_first(struct kmcl_offer *offer);
bool kmcl_hv_private(struct kmcl_offer *offer);

/* Operations of binding.c; see struct kmcl_transport_ops */
struct kmcl_offer *kmcl_hv_adopt(struct device *parent,
				 const struct kmcl_channel *owner);
void kmcl_hv_disown(struct kmcl_offer *offer);
void kmcl_hv_release(struct kmcl_offer *offer);
void kmcl_hv_give_back(struct kmcl_offer *offer);

/* For the drivers of class.c; the driver core holds the device lock */
int kmcl_hv_probe(struct hv_device *hdev, const struct hv_vmbus_device_id *id);
void kmcl_hv_remove(struct hv_device *hdev);

/* Of binding.c, for suspend.c */
struct kmcl_offer *kmcl_hv_offer_get(const struct hv_device *hdev);

/* Of suspend.c, for the drivers of class.c; without the device lock */
int kmcl_hv_suspend(struct hv_device *hdev);
int kmcl_hv_resume(struct hv_device *hdev);

/* Of gpadl.c, for rings.c */
bool kmcl_hv_host_knows(u64 bytes, const struct vmbus_gpadl *gpadl, int ret);

/* Of rings.c, for offer.c */
int kmcl_hv_rings_connect(struct kmcl_offer *offer,
			  void (*onchannel)(void *context));
void kmcl_hv_rings_disconnect(struct kmcl_offer *offer);

/* For main.c */
int kmcl_hv_bindings_init(const struct kmcl_transport_ops *ops);
void kmcl_hv_bindings_exit(void);
int kmcl_hv_classes_init(void);
void kmcl_hv_classes_exit(void);

#endif
