/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The interface between the library and its transports: the operations that a
 * transport implements, and the functions by which it reports events.
 *
 * A transport deals with offers, ring memory, GPADLs and signals; it never sees
 * a packet. Each operation says whether it may sleep; the library holds no
 * spinlock when it calls one that may.
 */
#ifndef _KMCL_TRANSPORT_H
#define _KMCL_TRANSPORT_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/uuid.h>

#include "ring.h"

struct device;
struct kmcl_channel;
struct kmcl_mdl;
struct kmcl_offer;
struct page;

/**
 * struct kmcl_gpadl - memory that a client shares with its server
 * @node: entry in the channel's list
 * @handle: set by @gpadl_create, not 0
 * @bytes: size of the memory
 * @read_only: the server may only read it
 * @held: the library holds references on the pages, so that they are not
 *	reused even when their owner frees them
 * @known: set by @gpadl_create when it fails, and the peer may use the memory
 *	all the same
 * @buffer: address of the memory if it is a kernel buffer, else NULL
 * @mdl: description of the same @bytes bytes; owned by the library
 * @priv: private data of the transport
 */
struct kmcl_gpadl {
	struct list_head node;
	u32 handle;
	u32 bytes;
	bool read_only;
	bool held;
	bool known;
	void *buffer;
	struct kmcl_mdl *mdl;
	void *priv;
};

/**
 * struct kmcl_ring_block - one block of pages for both rings of a channel
 * @page: the first page, the control page of the ring to the peer; NULL: none
 * @order: order of the block, which may have more pages than the rings
 * @tx_pages: pages of the ring to the peer, control page included
 * @rx_pages: pages of the ring from the peer, which follows; the same
 */
struct kmcl_ring_block {
	struct page *page;
	unsigned int order;
	u32 tx_pages;
	u32 rx_pages;
};

/* Flags of an offer, as the wire has them; see @flags below */
#define KMCL_WIRE_OFFER_ENUMERATE	0x0001
#define KMCL_WIRE_OFFER_PIPE		0x0010
#define KMCL_WIRE_OFFER_LOOPBACK	0x0100
#define KMCL_WIRE_OFFER_TLNPI		0x2000

/**
 * struct kmcl_server_ops - a transport's operations for servers
 * @publish: (required) offer @server on the bus: call kmcl_offer_add() and
 *	return its result. -EEXIST: these GUIDs are offered already. May sleep
 * @revoke: (required) rescind the offer, and refuse a client that waits for
 *	@answer. Atomic
 * @retire: (required) wait until the client has released a revoked offer, then
 *	drop it. May sleep
 * @accept: (required) connect the rings of the client that wants to open, and
 *	fill in @tx and @rx with kmcl_ring_init(). -ENODEV: the client has gone.
 *	May sleep
 * @answer: (required) give the client the result of its open, whether @accept
 *	was called or not. Atomic
 * @disconnect: (required) undo @accept, if it was called; no signal reaches the
 *	client after it has returned. May sleep
 * @signal: (required) interrupt the client. Atomic
 * @hold: (required) make the client's close wait for @unhold; called for each
 *	received packet that refers to memory of the client. NULL: the client is
 *	closing already. Atomic
 * @unhold: (required) undo @hold; takes what @hold returned. Atomic while the
 *	server is connected; after that it may sleep
 * @present: (optional) tell whether the memory of a held packet is accessible;
 *	takes what @hold returned. -EINPROGRESS: not yet, the packet is
 *	delivered again later. Atomic
 * @gpadl_map: (required) describe a client's GPADL. -ENOENT: there is none;
 *	-EBUSY: it is mapped; -EACCES: it is read-only. May sleep
 * @gpadl_unmap: (required) undo @gpadl_map. -ENOENT: it is not mapped. May
 *	sleep
 * @gpadl_mapped: (required) find any GPADL that is mapped; false: there is
 *	none. Atomic
 */
struct kmcl_server_ops {
	struct kmcl_offer *(*publish)(struct kmcl_channel *server);
	void (*revoke)(struct kmcl_offer *offer);
	void (*retire)(struct kmcl_offer *offer);
	int (*accept)(struct kmcl_offer *offer, struct kmcl_ring *tx,
		      struct kmcl_ring *rx);
	void (*answer)(struct kmcl_offer *offer, int result);
	void (*disconnect)(struct kmcl_offer *offer);
	void (*signal)(struct kmcl_offer *offer);
	void *(*hold)(struct kmcl_offer *offer);
	void (*unhold)(void *held);
	int (*present)(void *held);
	int (*gpadl_map)(struct kmcl_offer *offer, bool read_only, u32 handle,
			 struct kmcl_mdl **mdl);
	int (*gpadl_unmap)(struct kmcl_offer *offer, u32 handle);
	bool (*gpadl_mapped)(struct kmcl_offer *offer, u32 *handle);
};

/**
 * struct kmcl_transport_ops - the operations of a transport
 * @name: name for messages
 * @watch: (optional) call kmcl_offer_claim() for each present and future device
 *	of class @type that has no other driver. For present ones only with
 *	@look, or if it was not done before: a channel whose device is reported
 *	needs no other. Counted: called once per channel, until it is freed.
 *	Returns at once: may sleep, but takes no device lock and waits for no
 *	driver. What fails later goes to the log
 * @unwatch: (with @watch) undo one @watch; after the last one, call
 *	kmcl_offer_gone() for each device. Returns at once, as @watch
 * @look: (optional) a channel of class @type, which is watched, was enabled, and
 *	its device is not reported: call kmcl_offer_claim() again for each device
 *	that has no driver. Returns at once, as @watch
 * @settle: (optional) wait until what @unwatch has begun is over. With a @type:
 *	for this class, if it is not watched any more, and not without limit,
 *	since a device may be locked by another driver. NULL: for all classes.
 *	May sleep; called without a lock
 * @adopt: (optional) make an offer of @parent, a VMBus device with a driver of
 *	its own, that only @owner can bind to: call kmcl_offer_add() with this
 *	owner and return its result. -EBUSY: another channel has the device, or
 *	its driver handles rescinds itself; -ENODEV: it is rescinded. May sleep;
 *	like @disown, called with locks of the device's bus held
 * @disown: (with @adopt) undo @adopt: call kmcl_offer_gone(). May sleep
 * @open: (required) connect rings and fill in @rx and @tx with
 *	kmcl_ring_init(). They have the memory of kmcl_offer_rings(), or are of
 *	the transport's own, and not smaller than the channel's settings say.
 *	-ENODEV: the offer was rescinded meanwhile; -ECONNREFUSED: the peer
 *	refused. May sleep
 * @close: (required) disconnect what @open connected. Called once per
 *	successful @open, also after a rescind. When it has returned, no signal
 *	is reported and no ring memory is accessed any more. May sleep
 * @release: (required) allow the peer to offer a rescinded device again; the
 *	library does not use it any more. May sleep, but must not wait for an
 *	adopted device's driver, which may be waiting for the channel
 * @give_back: (optional) call kmcl_offer_gone(), and let other drivers have the
 *	device, unless a channel claims it again, both from another thread:
 *	kmcl_offer_gone() waits until this has returned. May be called before
 *	kmcl_offer_claim() has returned. Returns at once, as @watch
 * @signal: (required) interrupt the peer. Atomic
 * @gpadl_create: (optional) share @gpadl's memory and fill in its handle.
 *	-ENODEV: the offer was rescinded meanwhile; -EOPNOTSUPP: memory of this
 *	kind cannot be shared. May sleep
 * @gpadl_destroy: (with @gpadl_create) stop sharing the memory. 0: the peer
 *	does not use it any more; a negative errno: it did not confirm that.
 *	Called once per successful @gpadl_create, before or after @close; after
 *	an error, if @held is not set, again until it returns 0. May sleep
 * @gpadls_first: (optional) true: every @gpadl_destroy has to come before
 *	@close, unless the offer was rescinded. Atomic
 * @private: (optional) true: the peer cannot access memory that a packet only
 *	describes, because the guest is isolated from it. Atomic
 * @flags: (optional) get the offer's flags, KMCL_WIRE_OFFER_*; called by
 *	kmcl_offer_add(). Atomic
 * @full: (optional) count that the ring to the peer had no room for a packet.
 *	Its argument @first is true the first time since there was room. Atomic,
 *	called under a spinlock
 * @mmio: (optional) reserve the device's memory-mapped I/O and get its guest
 *	physical address and its size in bytes. Called once after each
 *	successful @open. May sleep
 * @mmio_free: (with @mmio) free what @mmio reserved. Called only if @mmio
 *	reserved something, once the closed callback has returned, before or
 *	after @close. May sleep
 * @server: (optional) operations for servers, see kmcl_server_bus_set()
 */
struct kmcl_transport_ops {
	const char *name;
	int (*watch)(const guid_t *type, bool look);
	void (*unwatch)(const guid_t *type);
	void (*look)(const guid_t *type);
	void (*settle)(const guid_t *type);
	struct kmcl_offer *(*adopt)(struct device *parent,
				    const struct kmcl_channel *owner);
	void (*disown)(struct kmcl_offer *offer);
	int (*open)(struct kmcl_offer *offer, struct kmcl_ring *tx,
		    struct kmcl_ring *rx);
	void (*close)(struct kmcl_offer *offer);
	void (*release)(struct kmcl_offer *offer);
	void (*give_back)(struct kmcl_offer *offer);
	void (*signal)(struct kmcl_offer *offer);
	int (*gpadl_create)(struct kmcl_offer *offer, struct kmcl_gpadl *gpadl);
	int (*gpadl_destroy)(struct kmcl_offer *offer,
			     struct kmcl_gpadl *gpadl);
	bool (*gpadls_first)(struct kmcl_offer *offer);
	bool (*private)(struct kmcl_offer *offer);
	void (*full)(struct kmcl_offer *offer, bool first);
	u16 (*flags)(const struct kmcl_offer *offer);
	void (*mmio)(struct kmcl_offer *offer, u64 *start, u64 *size);
	void (*mmio_free)(struct kmcl_offer *offer);
	const struct kmcl_server_ops *server;
};

/*
 * Register a transport. -EBUSY: there is one besides loopback already. May
 * sleep.
 */
int kmcl_transport_register(const struct kmcl_transport_ops *ops);
/*
 * Unregister it: unwatch every class, so that the transport has reported every
 * offer as gone when this returns. May sleep.
 */
void kmcl_transport_unregister(const struct kmcl_transport_ops *ops);

/*
 * Report that a device is offered. Returns an offer with one reference, which
 * kmcl_offer_gone() drops, or an ERR_PTR(). @owner: the only channel that may
 * bind to the offer, or NULL. @priv: for kmcl_offer_priv(). May sleep.
 */
struct kmcl_offer *kmcl_offer_add(const struct kmcl_transport_ops *ops,
				  const guid_t *type, const guid_t *instance,
				  const struct kmcl_channel *owner, void *priv);
/*
 * Report a device that other drivers may use as well. The same, but -ENODEV if no
 * channel claims the device. May sleep.
 */
struct kmcl_offer *kmcl_offer_claim(const struct kmcl_transport_ops *ops,
				    const guid_t *type, const guid_t *instance,
				    void *priv);
/* Would that succeed? May sleep */
bool kmcl_offer_claimed(const guid_t *type, const guid_t *instance);
/*
 * Report that the peer rescinded the offer. Returns at once; the library closes
 * the channel from a workqueue and then calls @release. Atomic, may be
 * repeated.
 */
void kmcl_offer_rescind(struct kmcl_offer *offer);
/*
 * Before the machine hibernates: close the channel that uses the offer, and let none
 * open it. When this has returned 0, neither the library nor its drivers use the
 * device. -EBUSY: the channel did not close in time; or what the driver's hibernate
 * callback returned: the offer is as before. May sleep.
 */
int kmcl_offer_suspend(struct kmcl_offer *offer);
/* After that: open it again, if a channel has it. Atomic */
void kmcl_offer_resume(struct kmcl_offer *offer);
/* Keep an offer, which may be gone meanwhile, for these two. Atomic */
void kmcl_offer_get(struct kmcl_offer *offer);
void kmcl_offer_put(struct kmcl_offer *offer);
/*
 * Report that the transport drops the offer (driver unbind, module unload, or
 * remove inside @release). As kmcl_offer_rescind(), but waits until no channel
 * uses the offer any more, and @release is not called any more. Does not wait
 * inside @release. The offer must not be used afterwards. May sleep.
 */
void kmcl_offer_gone(struct kmcl_offer *offer);
/* Report a signal of the peer. In softirq context, or with BHs disabled */
void kmcl_offer_signalled(struct kmcl_offer *offer);
/*
 * Get, in @open, the memory for both rings, filled with zeroes, from @node if it
 * has to be allocated. It belongs to the channel, which keeps it for the next
 * opening: nobody else uses it until @close has returned, or @open has failed.
 * NULL: there is not even memory for the smallest rings. May sleep.
 */
const struct kmcl_ring_block *kmcl_offer_rings(struct kmcl_offer *offer,
					       int node);
/*
 * Report, in @open or @close, that the peer may go on using this memory, which is
 * therefore never used again. May sleep.
 */
void kmcl_offer_rings_kept(struct kmcl_offer *offer);
/* Get the @priv that kmcl_offer_add() was given */
void *kmcl_offer_priv(const struct kmcl_offer *offer);

/* Set the transport on which servers are offered; NULL: there is none */
void kmcl_server_bus_set(const struct kmcl_server_ops *ops);

#endif
