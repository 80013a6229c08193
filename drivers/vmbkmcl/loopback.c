// SPDX-License-Identifier: GPL-2.0
/*
 * The loopback bus: a server endpoint and a client endpoint in one kernel.
 *
 * An enabled server has an offer; a client that opens it makes a connection,
 * which consists of two rings and both channels. The client's open waits for
 * the server's opened callback. A connection has reference counts and is freed
 * when neither end uses it any more; it and its rings are made in
 * loopback_conn.c.
 *
 * lb_lock protects a server's connections, their GPADLs, and server_up and
 * client_up. These two are written under the connection's own lock as well, which
 * nests inside. An end that signals takes that alone, to read the other end's
 * flag, so that no signal reaches a channel that has disconnected. lb_lock is held
 * across kmcl_link_dead(). Opening, closing, publishing, retiring and GPADL calls
 * may sleep.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mutex.h>
#include <linux/slab.h>

#include "face.h"
#include "loopback.h"
#include "mdl.h"

/* An offer: a server, and the connections to it */
struct lb_offer {
	struct kmcl_channel *server;
	struct lb_conn *conn;		/* lb_lock: the server's */
	struct lb_conn *asking;		/* lb_lock: not accepted yet */
	struct lb_conn *client;		/* the client's, from open to close */
};

/*
 * A GPADL in its connection, which may be closed before it is deleted. The
 * server's mapping is a description of its own.
 */
struct lb_gpadl {
	struct list_head node;		/* lb_lock */
	struct lb_conn *conn;		/* a reference */
	struct kmcl_gpadl *gpadl;
	bool going;			/* lb_lock: not to be mapped any more */
	bool mapped;			/* lb_lock */
	struct kmcl_mdl *map;
};

static DEFINE_SPINLOCK(lb_lock);
static u32 lb_last_gpadl;		/* lb_lock */
static DEFINE_MUTEX(lb_publish_mutex);

static void lb_set_up(struct lb_conn *conn, bool *which, bool up)
	__must_hold(&lb_lock)
{
	lockdep_assert_held(&lb_lock);
	spin_lock(&conn->lock);
	*which = up;
	spin_unlock(&conn->lock);
}

/* Interrupt an end of the connection, if it is connected. */
static void lb_interrupt(struct lb_conn *conn, const bool *which,
			 struct kmcl_channel *ch)
{
	unsigned long flags;

	spin_lock_irqsave(&conn->lock, flags);
	if (*which)
		tasklet_schedule(&ch->rx.tasklet);
	spin_unlock_irqrestore(&conn->lock, flags);
}

static bool lb_answered(struct lb_conn *conn)
{
	bool answered;

	spin_lock_irq(&lb_lock);
	answered = conn->answered;
	spin_unlock_irq(&lb_lock);
	return answered;
}

/* Client: connect, and wait for the server's answer. */
static int lb_open(struct kmcl_offer *offer, struct kmcl_ring *tx,
		   struct kmcl_ring *rx)
{
	struct lb_offer *lb = offer->priv;
	struct kmcl_channel *client = offer->ch, *server = lb->server;
	struct lb_conn *conn;
	u32 up, down;
	bool dead;
	int ret;

	/* Room for two of the largest packets of either side */
	up = max(client->cfg.tx_pages, server->cfg.rx_pages);
	down = max(client->cfg.rx_pages, server->cfg.tx_pages);
	conn = kmcl_lb_conn_new(client, server, up * KMCL_PAGE_SIZE,
				down * KMCL_PAGE_SIZE);
	if (!conn)
		return -ENOMEM;
	kmcl_lb_ring_init(&conn->up, tx);
	kmcl_lb_ring_init(&conn->down, rx);
	conn->client_up = true;

	spin_lock_irq(&lb_lock);
	dead = READ_ONCE(offer->dead);
	if (!dead) {
		/* The server may still have to close the previous connection */
		kref_get(&conn->ref);
		lb->asking = conn;
	}
	spin_unlock_irq(&lb_lock);
	if (dead) {
		kmcl_lb_conn_put(conn);
		return -ENODEV;
	}
	kmcl_link_up(server);
	/* The server answers, or revokes its offer */
	while (!wait_event_idle_timeout(conn->answer, lb_answered(conn),
					kmcl_slow))
		kmcl_still_waiting(conn->client, "the server to answer");
	ret = conn->result;
	if (ret)
		kmcl_lb_conn_put(conn);
	else
		lb->client = conn;
	return ret;
}

/*
 * Under the lock: who releases the last packet has accessed its memory before it
 * takes the lock.
 */
static u32 lb_held(struct lb_conn *conn)
{
	u32 held;

	spin_lock_irq(&lb_lock);
	held = conn->held;
	spin_unlock_irq(&lb_lock);
	return held;
}

static void lb_close(struct kmcl_offer *offer)
{
	struct lb_offer *lb = offer->priv;
	struct lb_conn *conn = lb->client;
	bool tell;

	lb->client = NULL;
	spin_lock_irq(&lb_lock);
	lb_set_up(conn, &conn->client_up, false);
	tell = conn->server_up;
	if (tell)
		kmcl_link_dead(conn->server);
	spin_unlock_irq(&lb_lock);
	/* The server may use memory that is freed when the packets end */
	while (!wait_event_idle_timeout(conn->unheld, !lb_held(conn),
					kmcl_slow))
		kmcl_still_waiting(offer->ch,
				   "the server %s to complete %u packets with external data",
				   kmcl_name(conn->server), lb_held(conn));
	kmcl_lb_conn_put(conn);
}

static void lb_release(struct kmcl_offer *offer)
{
	/* Nothing to do: the server makes a new offer */
}

static void lb_signal(struct kmcl_offer *offer)
{
	struct lb_offer *lb = offer->priv;
	struct lb_conn *conn = lb->client;

	if (conn)
		lb_interrupt(conn, &conn->server_up, conn->server);
}

/* The flags of a server's offer; the wire's are not the same as the API's. */
u16 kmcl_offer_flags(const struct kmcl_channel *ch)
{
	u16 flags = KMCL_WIRE_OFFER_LOOPBACK;

	if (ch->cfg.server_flags & KMCL_SERVER_ENUMERATE)
		flags |= KMCL_WIRE_OFFER_ENUMERATE;
	if (ch->cfg.server_flags & KMCL_SERVER_TLNPI)
		flags |= KMCL_WIRE_OFFER_TLNPI;
	if (ch->cfg.pipe)
		flags |= KMCL_WIRE_OFFER_PIPE;
	return flags;
}

static u16 lb_flags(const struct kmcl_offer *offer)
{
	struct lb_offer *lb = offer->priv;

	return kmcl_offer_flags(lb->server);
}

static struct lb_gpadl *find_gpadl(struct lb_conn *conn, u32 handle)
	__must_hold(&lb_lock)
{
	struct lb_gpadl *lb;

	lockdep_assert_held(&lb_lock);
	list_for_each_entry(lb, &conn->gpadls, node)
		if (lb->gpadl->handle == handle)
			return lb;
	return NULL;
}

static int lb_gpadl_create(struct kmcl_offer *offer, struct kmcl_gpadl *gpadl)
{
	struct lb_conn *conn = ((struct lb_offer *)offer->priv)->client;
	struct lb_gpadl *lb = kzalloc_obj(*lb);

	if (!lb)
		return -ENOMEM;
	kref_get(&conn->ref);
	lb->conn = conn;
	lb->gpadl = gpadl;
	gpadl->priv = lb;
	spin_lock_irq(&lb_lock);
	do {
		gpadl->handle = ++lb_last_gpadl;
	} while (!gpadl->handle || find_gpadl(conn, gpadl->handle));
	list_add_tail(&lb->node, &conn->gpadls);
	spin_unlock_irq(&lb_lock);
	return 0;
}

static bool lb_mapped(struct lb_gpadl *lb)
{
	bool mapped;

	spin_lock_irq(&lb_lock);
	mapped = lb->mapped;
	spin_unlock_irq(&lb_lock);
	return mapped;
}

static int lb_gpadl_destroy(struct kmcl_offer *offer, struct kmcl_gpadl *gpadl)
{
	struct lb_gpadl *lb = gpadl->priv;
	struct lb_conn *conn = lb->conn;

	spin_lock_irq(&lb_lock);
	lb->going = true;
	spin_unlock_irq(&lb_lock);
	while (!wait_event_idle_timeout(conn->unheld, !lb_mapped(lb), kmcl_slow))
		kmcl_still_waiting(offer->ch, "the server %s, which has GPADL 0x%x mapped",
				   kmcl_name(conn->server), gpadl->handle);
	spin_lock_irq(&lb_lock);
	list_del(&lb->node);
	spin_unlock_irq(&lb_lock);
	kmcl_lb_conn_put(conn);
	kfree(lb);
	return 0;
}

/* Server: describe a client's GPADL, in a copy of the description. Sleeps. */
static int lb_gpadl_map(struct kmcl_offer *offer, bool read_only, u32 handle,
			struct kmcl_mdl **mdl)
{
	struct lb_offer *lb = offer->priv;
	struct kmcl_mdl *map, *piece;
	struct lb_gpadl *gpadl;
	int ret = 0;

	spin_lock_irq(&lb_lock);
	gpadl = find_gpadl(lb->conn, handle);
	if (!gpadl || gpadl->going)
		ret = -ENOENT;
	else if (gpadl->mapped)
		ret = -EBUSY;
	else if (gpadl->gpadl->read_only && !read_only)
		ret = -EACCES;
	else
		gpadl->mapped = true;
	spin_unlock_irq(&lb_lock);
	if (ret)
		return ret;

	/* lb_gpadl_destroy() waits while it is marked as mapped */
	map = kmcl_mdl_part(gpadl->gpadl->mdl, 0, gpadl->gpadl->bytes,
			    FRAMES_PER_PAGE);
	for (piece = map; piece && gpadl->gpadl->read_only; piece = piece->next)
		piece->flags |= KMCL_MDL_READ_ONLY;
	if (map)
		*mdl = map;
	spin_lock_irq(&lb_lock);
	gpadl->map = map;
	if (!map) {
		gpadl->mapped = false;
		wake_up_all(&gpadl->conn->unheld);
	}
	spin_unlock_irq(&lb_lock);
	return map ? 0 : -ENOMEM;
}

static int lb_gpadl_unmap(struct kmcl_offer *offer, u32 handle)
{
	struct lb_offer *lb = offer->priv;
	struct lb_gpadl *gpadl = NULL;
	struct kmcl_mdl *map = NULL;

	spin_lock_irq(&lb_lock);
	if (lb->conn)
		gpadl = find_gpadl(lb->conn, handle);
	if (gpadl) {
		map = gpadl->map;
		gpadl->map = NULL;
	}
	spin_unlock_irq(&lb_lock);
	if (!map)
		return -ENOENT;
	kmcl_mdl_free_chain(map);
	spin_lock_irq(&lb_lock);
	gpadl->mapped = false;
	wake_up_all(&gpadl->conn->unheld);
	spin_unlock_irq(&lb_lock);
	return 0;
}

static bool lb_gpadl_mapped(struct kmcl_offer *offer, u32 *handle)
{
	struct lb_offer *lb = offer->priv;
	struct lb_gpadl *gpadl;
	bool found = false;

	spin_lock_irq(&lb_lock);
	if (lb->conn) {
		list_for_each_entry(gpadl, &lb->conn->gpadls, node) {
			found = gpadl->map;
			*handle = gpadl->gpadl->handle;
			if (found)
				break;
		}
	}
	spin_unlock_irq(&lb_lock);
	return found;
}

/* Server: interrupt the client. */
static void lb_signal_client(struct kmcl_offer *offer)
{
	struct lb_offer *lb = offer->priv;
	struct lb_conn *conn = READ_ONCE(lb->conn);

	if (conn)
		lb_interrupt(conn, &conn->client_up, conn->client);
}

static void *lb_hold(struct kmcl_offer *offer)
{
	struct lb_offer *lb = offer->priv;
	struct lb_conn *conn;
	unsigned long flags;

	spin_lock_irqsave(&lb_lock, flags);
	conn = lb->conn;
	if (conn && conn->client_up) {
		conn->held++;
		kref_get(&conn->ref);
	} else {
		conn = NULL;
	}
	spin_unlock_irqrestore(&lb_lock, flags);
	return conn;
}

/*
 * Atomic while the channel is connected, since the connection has another
 * reference then. Later only the work item calls it, for a deferred packet.
 */
static void lb_unhold(void *held)
{
	struct lb_conn *conn = held;
	unsigned long flags;

	spin_lock_irqsave(&lb_lock, flags);
	if (!--conn->held)
		wake_up_all(&conn->unheld);
	spin_unlock_irqrestore(&lb_lock, flags);
	kmcl_lb_conn_put(conn);
}

/* Server: accept the connection that a client has requested. */
static int lb_accept(struct kmcl_offer *offer, struct kmcl_ring *tx,
		     struct kmcl_ring *rx)
{
	struct lb_offer *lb = offer->priv;
	struct lb_conn *conn;

	spin_lock_irq(&lb_lock);
	conn = lb->asking;
	lb->asking = NULL;
	WRITE_ONCE(lb->conn, conn);
	spin_unlock_irq(&lb_lock);
	if (!conn)
		return -ENODEV;
	kmcl_lb_ring_init(&conn->up, rx);
	kmcl_lb_ring_init(&conn->down, tx);
	return 0;
}

static void answer(struct lb_conn *conn, int result)
	__must_hold(&lb_lock)
{
	lockdep_assert_held(&lb_lock);
	if (conn->answered)
		return;
	conn->answered = true;
	conn->result = result;
	lb_set_up(conn, &conn->server_up, !result);
	wake_up_all(&conn->answer);
}

static void lb_answer(struct kmcl_offer *offer, int result)
{
	struct lb_offer *lb = offer->priv;
	struct lb_conn *asking;

	spin_lock_irq(&lb_lock);
	asking = lb->asking;
	lb->asking = NULL;
	if (asking)
		answer(asking, result);
	else if (lb->conn)
		answer(lb->conn, result);
	spin_unlock_irq(&lb_lock);
	if (asking)
		kmcl_lb_conn_put(asking);
}

/* Server: release the connection. Sleeps. */
static void lb_disconnect(struct kmcl_offer *offer)
{
	struct lb_offer *lb = offer->priv;
	struct lb_conn *conn;

	spin_lock_irq(&lb_lock);
	conn = lb->conn;
	WRITE_ONCE(lb->conn, NULL);
	if (conn)
		lb_set_up(conn, &conn->server_up, false);
	spin_unlock_irq(&lb_lock);
	if (conn)
		kmcl_lb_conn_put(conn);
}

static void lb_revoke(struct kmcl_offer *offer)
{
	kmcl_offer_rescind(offer);
	lb_answer(offer, -ENODEV);
}

static void lb_retire(struct kmcl_offer *offer)
{
	struct lb_offer *lb = offer->priv;

	/* The client makes no call for it once this has returned */
	kmcl_offer_gone(offer);
	kfree(lb);
}

static struct kmcl_offer *lb_publish(struct kmcl_channel *server);

static const struct kmcl_server_ops lb_server_ops = {
	.publish = lb_publish,
	.revoke = lb_revoke,
	.retire = lb_retire,
	.accept = lb_accept,
	.answer = lb_answer,
	.disconnect = lb_disconnect,
	.signal = lb_signal_client,
	.hold = lb_hold,
	.unhold = lb_unhold,
	.gpadl_map = lb_gpadl_map,
	.gpadl_unmap = lb_gpadl_unmap,
	.gpadl_mapped = lb_gpadl_mapped,
};

static const struct kmcl_transport_ops lb_ops = {
	.name = "loopback",
	.open = lb_open,
	.close = lb_close,
	.release = lb_release,
	.signal = lb_signal,
	.gpadl_create = lb_gpadl_create,
	.gpadl_destroy = lb_gpadl_destroy,
	.flags = lb_flags,
	.server = &lb_server_ops,
};

/* Server: offer the channel to clients. Sleeps. */
static struct kmcl_offer *lb_publish(struct kmcl_channel *server)
{
	struct lb_offer *lb = kzalloc_obj(*lb);
	struct kmcl_offer *offer;

	if (!lb)
		return ERR_PTR(-ENOMEM);
	lb->server = server;
	mutex_lock(&lb_publish_mutex);
	if (kmcl_offer_exists(&server->cfg.type, &server->cfg.instance))
		offer = ERR_PTR(-EEXIST);
	else
		offer = kmcl_offer_add(&lb_ops, &server->cfg.type,
				       &server->cfg.instance, NULL, lb);
	mutex_unlock(&lb_publish_mutex);
	if (IS_ERR(offer))
		kfree(lb);
	return offer;
}

/* Offer servers on this bus. */
void kmcl_loopback_init(void)
{
	kmcl_server_bus_set(&lb_server_ops);
}
