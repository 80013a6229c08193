/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the library asks of a transport, and what a transport reports.
 *
 * A transport knows offers, ring memory and signals; it never sees a packet.
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

/**
 * struct kmcl_gpadl - client memory that is shared
 * @node: in the channel's list
 * @handle: set by @gpadl_create, not 0
 * @bytes: how much
 * @read_only: the server is only to read it
 * @buffer: the memory's address, if it is a kernel buffer, else NULL
 * @mdl: the memory, described; @bytes bytes; the library's
 * @priv: the transport's
 */
struct kmcl_gpadl {
	struct list_head node;
	u32 handle;
	u32 bytes;
	bool read_only;
	void *buffer;
	struct kmcl_mdl *mdl;
	void *priv;
};

/* Flags of an offer, as the wire has them; see @flags below */
#define KMCL_WIRE_OFFER_ENUMERATE	0x0001
#define KMCL_WIRE_OFFER_PIPE		0x0010
#define KMCL_WIRE_OFFER_LOOPBACK	0x0100
#define KMCL_WIRE_OFFER_TLNPI		0x2000

/**
 * struct kmcl_server_ops - what a transport does for servers
 * @publish: (required) put @server on the bus: calls kmcl_offer_add() and
 *	returns what that does; -EEXIST: there is one with these GUIDs. May sleep
 * @revoke: (required) take the offer back: rescind it, and refuse a client that
 *	waits for an answer. Atomic
 * @retire: (required) wait until the client has let go of a revoked offer, and
 *	drop it. May sleep
 * @accept: (required) connect the rings of the client that asks to open, and
 *	fill in @tx and @rx with kmcl_ring_init(). -ENODEV: it has gone. May sleep
 * @answer: (required) the result of a client's open, accepted or not. Atomic
 * @disconnect: (required) undo @accept, if need be; no signal reaches the client
 *	once it has returned. May sleep
 * @signal: (required) interrupt the client. Atomic
 * @hold: (required) a packet with memory of the client's was received: the
 *	client's close waits for @unhold. NULL: it is closing already. Atomic
 * @unhold: (required) undo @hold, with what it returned. Atomic while the server
 *	is connected; after that it may sleep
 * @present: (optional) is the memory of a packet that @hold returned there?
 *	-EINPROGRESS: not yet, the packet is delivered again. Atomic
 * @gpadl_map: (required) describe a client's GPADL. -ENOENT: there is none;
 *	-EBUSY: it is mapped; -EACCES: it is only to be read. May sleep
 * @gpadl_unmap: (required) undo @gpadl_map. -ENOENT: it is not mapped. May sleep
 * @gpadl_mapped: (required) find a GPADL that is mapped; false: none is. Atomic
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
 * struct kmcl_transport_ops - operations of a transport
 * @name: for messages and debugfs
 * @watch: (optional) a channel wants devices of @type: bind to their class,
 *	so that kmcl_offer_add() is called for those present and to come.
 *	Counted: called once per channel that is enabled. May sleep; may call
 *	kmcl_offer_add() before it returns
 * @unwatch: (optional) undo one @watch; may sleep, may report offers gone
 * @adopt: (optional) @parent, a device of VMBus' that has a driver of its own,
 *	becomes @owner's, and nobody else's: calls kmcl_offer_add() with that
 *	owner and returns what that does. -EBUSY: another channel has it;
 *	-ENODEV: it is being taken away. May sleep; called,
 *	like @disown, with locks of the device's bus held
 * @disown: (with @adopt) undo it, with kmcl_offer_gone(). May sleep
 * @open: (required) connect rings of at least @rx_bytes and @tx_bytes,
 *	control page included, and fill in @rx and @tx with kmcl_ring_init().
 *	May sleep. -ENODEV: the offer was taken away meanwhile; -ECONNREFUSED:
 *	the peer refused
 * @close: (required) disconnect what @open connected. Called once per
 *	successful @open, also after a rescind; no signal is reported and no
 *	ring memory is touched once it has returned. May sleep
 * @release: (required) the library has let go of an offer that was rescinded:
 *	give it back, so that it can be offered anew. May sleep; not to wait
 *	for the driver of a device that was adopted, which frees the channel
 * @signal: (required) interrupt the peer. Atomic
 * @gpadl_create: (optional) share @gpadl's memory, and fill in its handle. May
 *	sleep. -ENODEV: the offer was taken away meanwhile; -EOPNOTSUPP: not
 *	with memory like this
 * @gpadl_destroy: (with @gpadl_create) stop sharing it; returns when the peer
 *	does not use the memory any more, whatever it takes. Called once per
 *	successful @gpadl_create, before or after @close. May sleep
 * @gpadls_first: (optional) true: the peer wants every @gpadl_destroy before
 *	@close, unless the offer was rescinded. Atomic
 * @flags: (optional) the offer's flags as the wire has them, for
 *	kmcl_offer_add(). Atomic
 * @full: (optional) the ring to the peer had no room for a packet; @first: the
 *	first one since one had. Atomic, under a spinlock
 * @mmio: (optional) reserve the memory-mapped I/O that the device has: guest
 *	physical address and bytes. Called once after each successful @open. May
 *	sleep
 * @mmio_free: (with @mmio) give back what @mmio reserved, if anything. Called once
 *	the closed callback has returned, before or after @close. May sleep
 * @server: (optional) what it does for servers, see kmcl_server_bus_set()
 */
struct kmcl_transport_ops {
	const char *name;
	int (*watch)(const guid_t *type);
	void (*unwatch)(const guid_t *type);
	struct kmcl_offer *(*adopt)(struct device *parent,
				    const struct kmcl_channel *owner);
	void (*disown)(struct kmcl_offer *offer);
	int (*open)(struct kmcl_offer *offer, u32 tx_bytes, u32 rx_bytes,
		    struct kmcl_ring *tx, struct kmcl_ring *rx);
	void (*close)(struct kmcl_offer *offer);
	void (*release)(struct kmcl_offer *offer);
	void (*signal)(struct kmcl_offer *offer);
	int (*gpadl_create)(struct kmcl_offer *offer, struct kmcl_gpadl *gpadl);
	void (*gpadl_destroy)(struct kmcl_offer *offer,
			      struct kmcl_gpadl *gpadl);
	bool (*gpadls_first)(struct kmcl_offer *offer);
	void (*full)(struct kmcl_offer *offer, bool first);
	u16 (*flags)(const struct kmcl_offer *offer);
	void (*mmio)(struct kmcl_offer *offer, u64 *start, u64 *size);
	void (*mmio_free)(struct kmcl_offer *offer);
	const struct kmcl_server_ops *server;
};

/* A transport comes (only one besides loopback can: -EBUSY) and goes */
int kmcl_transport_register(const struct kmcl_transport_ops *ops);
/* Unwatches all classes; the caller has seen every offer gone when it returns */
void kmcl_transport_unregister(const struct kmcl_transport_ops *ops);

/*
 * Offered: a device is there. Returns an offer with one reference, which
 * kmcl_offer_gone() drops, or an ERR_PTR. @owner: the only channel that may bind
 * to it, or NULL. @priv is the transport's, see kmcl_offer_priv(). May sleep.
 */
struct kmcl_offer *kmcl_offer_add(const struct kmcl_transport_ops *ops,
				  const guid_t *type, const guid_t *instance,
				  const struct kmcl_channel *owner, void *priv);
/*
 * Rescinded: the other side took the offer away. Records it and returns; the
 * library lets go in its own time, then calls @release, from a workqueue.
 * Atomic, may be repeated.
 */
void kmcl_offer_rescind(struct kmcl_offer *offer);
/*
 * Gone: the transport drops the offer (driver unbind, module unload, remove
 * from inside @release). As kmcl_offer_rescind(), but waits until no channel
 * uses the offer any more; @release is not called if it was not called yet.
 * From inside @release it does not wait. The offer must not be used
 * afterwards. May sleep.
 */
void kmcl_offer_gone(struct kmcl_offer *offer);
/* Signalled: the peer interrupted us. Softirq context, or BHs disabled */
void kmcl_offer_signalled(struct kmcl_offer *offer);
void *kmcl_offer_priv(const struct kmcl_offer *offer);

/* The transport that servers are offered on; NULL: none any more */
void kmcl_server_bus_set(const struct kmcl_server_ops *ops);

#endif
