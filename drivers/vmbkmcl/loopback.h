/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Connections of the loopback bus, see loopback_conn.c. "lb_lock" is loopback.c's.
 */
#ifndef _KMCL_LOOPBACK_H
#define _KMCL_LOOPBACK_H

#include "channel.h"

/* A ring: control page and data, the data mapped twice in a row */
struct lb_ring {
	struct page **pages;
	unsigned int count;
	void *map;
};

struct lb_conn {
	struct kref ref;
	struct kmcl_channel *server;	/* a reference */
	struct kmcl_channel *client;	/* a reference */
	spinlock_t lock;		/* with lb_lock, for writing these: */
	bool server_up;
	bool client_up;
	u32 held;			/* lb_lock: packets that are held */
	struct list_head gpadls;	/* lb_lock */
	wait_queue_head_t unheld;	/* for held == 0, or a GPADL unmapped */
	wait_queue_head_t answer;	/* for answered */
	bool answered;			/* lb_lock */
	int result;			/* lb_lock */
	struct lb_ring up;		/* client to server */
	struct lb_ring down;
};

struct lb_conn *kmcl_lb_conn_new(struct kmcl_channel *client,
				 struct kmcl_channel *server,
				 u32 tx_bytes, u32 rx_bytes);
void kmcl_lb_conn_put(struct lb_conn *conn);
void kmcl_lb_ring_init(struct lb_ring *ring, struct kmcl_ring *side);

#endif
