// SPDX-License-Identifier: GPL-2.0
/*
 * The loopback bus: connections between a client and a server, and their rings.
 *
 * There are no locks here: loopback.c has the one for what changes. Making a
 * connection sleeps, and so does dropping its last reference; everything else is
 * atomic.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "loopback.h"

static void ring_free(struct lb_ring *ring)
{
	unsigned int i;

	vunmap(ring->map);
	for (i = 0; ring->pages && i < ring->count; i++)
		if (ring->pages[i])
			__free_page(ring->pages[i]);
	kvfree(ring->pages);
}

static int ring_alloc(struct lb_ring *ring, u32 bytes)
{
	/* The control page has 4096 bytes and is put into a page of its own */
	unsigned int i, data = DIV_ROUND_UP(bytes - KMCL_PAGE_SIZE, PAGE_SIZE);

	ring->count = data + 1;
	ring->pages = kvcalloc(2 * data + 1, sizeof(*ring->pages), GFP_KERNEL);
	if (!ring->pages)
		return -ENOMEM;
	for (i = 0; i < ring->count; i++) {
		ring->pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!ring->pages[i])
			return -ENOMEM;
		if (i)
			ring->pages[data + i] = ring->pages[i];
	}
	ring->map = vmap(ring->pages, 2 * data + 1, VM_MAP, PAGE_KERNEL);
	if (!ring->map)
		return -ENOMEM;
	((struct kmcl_ring_ctl *)ring->map)->feature_bits =
		KMCL_RING_FEATURE_PENDING_SEND_SZ;
	return 0;
}

/* One end of a ring: its producer's or its consumer's */
void kmcl_lb_ring_init(struct lb_ring *ring, struct kmcl_ring *side)
{
	kmcl_ring_init(side, ring->map, ring->map + PAGE_SIZE,
		       (ring->count - 1) * PAGE_SIZE);
}

static void conn_release(struct kref *ref)
{
	struct lb_conn *conn = container_of(ref, struct lb_conn, ref);

	ring_free(&conn->up);
	ring_free(&conn->down);
	kmcl_channel_put(conn->server);
	kmcl_channel_put(conn->client);
	kfree(conn);
}

void kmcl_lb_conn_put(struct lb_conn *conn)
{
	kref_put(&conn->ref, conn_release);
}

/* A connection with two rings, with one reference; NULL: no memory. */
struct lb_conn *kmcl_lb_conn_new(struct kmcl_channel *client,
				 struct kmcl_channel *server,
				 u32 tx_bytes, u32 rx_bytes)
{
	struct lb_conn *conn = kzalloc_obj(*conn);

	if (!conn)
		return NULL;
	kref_init(&conn->ref);
	spin_lock_init(&conn->lock);
	init_waitqueue_head(&conn->answer);
	INIT_LIST_HEAD(&conn->gpadls);
	init_waitqueue_head(&conn->unheld);
	kmcl_channel_get(server);
	kmcl_channel_get(client);
	conn->server = server;
	conn->client = client;
	if (ring_alloc(&conn->up, tx_bytes) ||
	    ring_alloc(&conn->down, rx_bytes)) {
		kmcl_lb_conn_put(conn);
		return NULL;
	}
	return conn;
}
