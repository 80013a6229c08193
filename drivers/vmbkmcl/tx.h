/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Outgoing direction: packets, their ids, the queue, and how packets end.
 *
 * ch->tx.lock protects struct kmcl_tx and the entries of its lists, unless a
 * comment says otherwise. The lists can be long, and interrupts are off: nobody
 * handles more than KMCL_TX_BURST entries before dropping the lock once.
 * sync_closed, linked and ring.broken are also read without it, where an old
 * value does no harm; ring.pending and whether the queue is empty, too, see
 * kmcl_tx_flush().
 */
#ifndef _KMCL_TX_H
#define _KMCL_TX_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/interrupt.h>
#include <linux/kmcl.h>
#include <linux/list.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "ring.h"

#define KMCL_PIPE_HEADER		8U
#define KMCL_PIPE_MAX			16384U	/* payload of one message */
#define KMCL_FIRST_BUCKETS		8U	/* see tx_id.c */
#define KMCL_ROUNDS			BIT(30)
#define KMCL_NO_SERIAL			BIT(31)	/* above every round and serial */
#define KMCL_DONE_BUDGET		256	/* routines before a break */
/* Of a list, while tx.lock is held with interrupts off; or a single packet */
#define KMCL_TX_BURST			64U	/* entries */
#define KMCL_TX_BURST_BYTES		SZ_64K
#define KMCL_MATCHES			32U	/* completions under one lock */
/* More than that is copied without the lock, see tx_copy.c */
#define KMCL_TX_AT_ONCE							\
	(IS_ENABLED(CONFIG_PREEMPT_RT) ? KMCL_MAX_PACKET_SIZE : SZ_64K)

/* @len: bytes of header and payload */
static inline bool kmcl_is_large(u32 len)
{
	return len > KMCL_TX_AT_ONCE;
}

/* Of kmcl_send(), and of all that does not wait */
#define KMCL_SEND_FLAGS		(KMCL_SEND_WAIT | KMCL_SEND_PAGED | KMCL_SEND_MORE)

enum kmcl_item_kind { KMCL_ITEM_PACKET, KMCL_ITEM_COMP, KMCL_ITEM_COPYING };

/*
 * The start of a packet, and of a context: an entry of the outgoing queue, as a
 * packet or as a completion to the peer.
 */
struct kmcl_item {
	union {
		struct list_head node;
		struct kmcl_packet *next;	/* ended with it, or free, too */
		struct rcu_head rcu;	/* see kmcl_item_free() */
	};
	u8 kind;
};

/* A synchronous request that waits, on its caller's stack */
struct kmcl_sync {
	struct list_head node;
	wait_queue_head_t wake;		/* for aborted or finished */
	bool aborted;
	bool finished;
	int status;
	void *reply;
	u32 room;
	u32 len;			/* of the reply, cut or not */
};

enum kmcl_packet_state {
	KMCL_PKT_IDLE,
	KMCL_PKT_FREE,			/* kept for the next allocation */
	KMCL_PKT_SENDING,		/* large, and in a call that sends it */
	KMCL_PKT_QUEUED,
	KMCL_PKT_IN_FLIGHT,
	KMCL_PKT_DONE,			/* completion routine due */
};

/* A part of a packet's memory, of a page at most */
struct kmcl_frag {
	struct kmcl_frag *next;
	u8 bytes[] __aligned(8);
};

#define KMCL_FRAG_ROOM	((u32)(PAGE_SIZE - sizeof(struct kmcl_frag)))

struct kmcl_packet {
	struct kmcl_item item;
	struct kmcl_channel *ch;
	kmcl_done_fn done;		/* NULL: free the packet */
#ifndef KMCL_IN_TREE
	kmcl_done_fn nt_done;		/* see nt.c */
#endif
	void *pointer;
	struct kmcl_sync *sync;		/* NULL: not a request that waits */
	int status;
	u32 len;			/* of the payload, or of a reply */
	u32 room;			/* for a payload, in @buf */
	struct kmcl_frag *frags;	/* room for the rest of a payload */
	struct kmcl_context *reply;	/* completion data, or NULL: in @buf */
	u32 ext_len;			/* bytes of ranges */
	u32 serial;			/* its id, where it needs no other */
	struct hlist_node hashed;	/* tx.lock: in flight, see tx_id.c */
	u64 trans_id;			/* of that; stays for the traces */
	u8 state;			/* tx.lock; idle: see run_due() */
	bool wait;
	bool own_memory;		/* the library's, not the driver's */
	bool held;			/* references on external data */
	u32 ext_room;			/* for ranges, in @area */
	struct kmcl_frag *ext_frags;	/* room for the rest of them */
	u8 *buf;			/* payload: in @area, or @data */
	struct kmcl_item *data;		/* an allocation of its own, or NULL */
	u8 area[] __aligned(8);		/* ranges, then the rest */
};

#define KMCL_FREED		64U	/* see kmcl_packets_return() */
#define KMCL_COMPS		32U	/* a power of two */

/*
 * Completions without payload that delivery has made, and not written yet: ids of
 * transactions. Delivery adds to them without a lock, while the queue is empty, and
 * if its callbacks do not sleep. They leave under tx.lock, before anything else gets
 * into the ring, and so before what is in the queue. Those for which the ring has no
 * room stay here.
 *
 * A request that such a callback sends is written at once, and shown to the peer
 * together with these: see kmcl_rx_holds().
 */
struct kmcl_comps {
	u64 *ids;			/* KMCL_COMPS, see comps_ready() */
	u32 added;			/* delivery writes it */
	u32 taken;			/* tx.lock */
	u32 shown;			/* delivery: the last @added it cared for */
	u32 most;			/* delivery: 0 if its callbacks may sleep */
	u32 held;			/* delivery: requests that are not shown */
};

struct kmcl_tx {
	spinlock_t lock;		/* see above */
	atomic_t serial;		/* of the last packet allocated */
	struct kmcl_ring ring;
	struct kmcl_comps made;
	bool private;			/* no external data on this link */
	bool linked;			/* connected, and not dead */
	bool open;			/* the gate for packets */
	bool sync_closed;		/* no synchronous request may wait */
	bool ending;			/* do not queue any more */
	bool no_answers;		/* nothing more is read on this link */
	bool full;			/* there was no room last time */
	bool taken;			/* see @copying */
	u32 signalling;			/* callers that signal, or copy, now */
	u32 number;			/* of the last transaction id */
	u32 numbers_end;		/* where a request has to look */
	u32 round;			/* see tx_id.c */
	u32 mask;			/* of the buckets' index */
	u32 old_mask;
	struct hlist_head *buckets;	/* packets in flight, by id */
	u64 grow_at;			/* number of these */
	struct hlist_head *old;		/* while they are moved, or NULL */
	struct work_struct grow;
	struct hlist_head first_buckets[KMCL_FIRST_BUCKETS];
	struct list_head queue;		/* packets and completions */
	u64 queued_ext;			/* packets with external data in it */
	struct list_head comps;		/* of these, the completions */
	struct kmcl_item mark;		/* see tx_copy.c */
	/* What is copied, or NULL; @taken: it has been taken off the queue */
	const struct kmcl_item *copying;
	struct list_head in_flight;	/* see kmcl_flight_add() */
	struct list_head syncs;
	struct list_head done;		/* completion routines due */
	u32 done_state;			/* see tx_done.h */
	bool done_attention;
	bool done_passed;		/* the claim, to the tasklet */
	struct task_struct *done_task;	/* runs them; only compared */
	struct tasklet_struct done_tasklet;
	struct kmcl_packet *cache;	/* free packets, by item.next */
	u32 cached;			/* of these */
	u32 nfreed;			/* of the next ones */
	struct kmcl_packet *freed;	/* delivery: by its callbacks */
	u32 packet_bytes;		/* of each that is allocated */
	u32 room;			/* the least @room of a packet */
	struct kmcl_packet *spare;	/* one more, see tx_packet.c */
	struct kmcl_tx_counters n;
};

/* object.c */
void *kmcl_item_alloc(u32 bytes, gfp_t gfp);
void kmcl_item_free(struct kmcl_item *item);

/* tx_id.c */
void kmcl_trans_init(struct kmcl_channel *ch);
void kmcl_trans_free(struct kmcl_channel *ch);
void kmcl_trans_skip(struct kmcl_channel *ch, u64 trans_id);
void kmcl_trans_wrap(struct kmcl_channel *ch);
void kmcl_trans_crowded(struct kmcl_channel *ch);
struct kmcl_packet *kmcl_trans_find_old(const struct kmcl_tx *tx, u64 trans_id);

/* For traces: the id or, if there is none yet, the serial number */
static inline u64 kmcl_packet_id(const struct kmcl_packet *pkt)
{
	return pkt->trans_id ?: pkt->serial;
}

static inline struct hlist_head *kmcl_trans_bucket(const struct kmcl_tx *tx,
						   u64 trans_id)
{
	return &tx->buckets[(trans_id >> 32) & tx->mask];
}

/* Find the packet in flight with that id, or NULL. */
static inline struct kmcl_packet *kmcl_trans_find(struct kmcl_tx *tx,
						  u64 trans_id)
	__must_hold(&tx->lock)
{
	struct kmcl_packet *pkt;

	lockdep_assert_held(&tx->lock);
	hlist_for_each_entry(pkt, kmcl_trans_bucket(tx, trans_id), hashed)
		if (pkt->trans_id == trans_id)
			return pkt;
	return unlikely(tx->old) ? kmcl_trans_find_old(tx, trans_id) : NULL;
}

/* The packet is not in flight any more, or never was: end its id. */
static inline void kmcl_trans_end(struct kmcl_packet *pkt)
{
	if (!hlist_unhashed(&pkt->hashed))
		hlist_del_init(&pkt->hashed);
}

/*
 * The packets in flight are a list in the order in which they were sent, for those
 * who end or save all of them. A request is added to it and taken off it without the
 * checks of list_add() and list_del(), which are the most expensive part of that.
 */
static __always_inline void kmcl_flight_add(struct kmcl_tx *tx,
					    struct kmcl_packet *pkt)
	__must_hold(&tx->lock)
{
	struct list_head *node = &pkt->item.node;
	struct list_head *last = tx->in_flight.prev;

	lockdep_assert_held(&tx->lock);
	node->next = &tx->in_flight;
	node->prev = last;
	last->next = node;
	tx->in_flight.prev = node;
}

static __always_inline void kmcl_flight_del(struct kmcl_packet *pkt)
	__must_hold(&pkt->ch->tx.lock)
{
	struct list_head *node = &pkt->item.node;

	node->next->prev = node->prev;
	node->prev->next = node->next;
}

/* A packet has left the queue. */
static inline void kmcl_tx_unqueued(struct kmcl_tx *tx,
				    const struct kmcl_packet *pkt)
	__must_hold(&tx->lock)
{
	lockdep_assert_held(&tx->lock);
	tx->n.queued--;
	tx->queued_ext -= !!pkt->ext_len;
}

/* pipe.c */
__le64 kmcl_pipe_header(u32 len);
int kmcl_pipe_put(struct kmcl_channel *ch, u64 id, const void *buf, u32 len);

/* tx_packet.c */
struct kmcl_packet *kmcl_packet_new(struct kmcl_channel *ch, gfp_t gfp);
void kmcl_packet_destroy(struct kmcl_packet *pkt);
int kmcl_packet_read(struct kmcl_packet *pkt, const void *buf, u32 len);
void kmcl_packet_store(struct kmcl_packet *pkt, const void *buf, u32 len);
void kmcl_packet_load(const struct kmcl_packet *pkt, void *to, u32 len);
bool kmcl_packet_recycle(struct kmcl_packet *pkt);
void kmcl_packets_free(struct kmcl_channel *ch);
void kmcl_packets_trim(struct kmcl_channel *ch);
void kmcl_packets_return(struct kmcl_channel *ch);

/*
 * Is the payload of @len bytes in the packet itself, at more than one place? Then it
 * is copied into the ring from there, see kmcl_copy_large().
 */
static inline bool kmcl_in_frags(const struct kmcl_packet *pkt, const void *buf,
				 u32 len)
{
	return unlikely(len > pkt->room) && buf == pkt->buf;
}

/* The same, if there are also ranges, of @ext_len bytes */
static inline bool kmcl_in_parts(const struct kmcl_packet *pkt, u32 ext_len,
				 const void *buf, u32 len)
{
	return unlikely(ext_len > pkt->ext_room) || kmcl_in_frags(pkt, buf, len);
}

/* Does delivery have completions that are not in the ring? */
static inline bool kmcl_comps_wait(const struct kmcl_comps *made)
{
	return READ_ONCE(made->added) != READ_ONCE(made->taken);
}

/*
 * Delivery completes a packet without payload. False: not here, since there are too
 * many, or a packet is queued, which came before it; one that is being written is
 * still counted. No completions are queued.
 */
static inline bool kmcl_tx_add_comp(struct kmcl_tx *tx, u64 trans_id)
{
	struct kmcl_comps *made = &tx->made;
	u32 added = made->added;

	/* Pairs with kmcl_put_made() */
	if (unlikely(added - smp_load_acquire(&made->taken) >= made->most ||
		     READ_ONCE(tx->n.queued)))
		return false;
	made->ids[added % KMCL_COMPS] = trans_id;
	/* Pairs with kmcl_put_made() */
	smp_store_release(&made->added, added + 1);
	return true;
}

/*
 * Is there something that kmcl_tx_flush() could write? Asked without the lock, each
 * time that the peer signals. Who gets a signal for room finds what he waits for:
 * the ring says that room was asked for from before the peer can know it until
 * there is some, and the packet is in the queue by then. So does who has opened
 * the gate, under the lock. If another caller has taken the only entry off the
 * queue to write it, then he looks at gate and queue again after that; so does he
 * who copies a large one, and until then the queue is not empty.
 */
static inline bool kmcl_tx_waits(const struct kmcl_tx *tx)
{
	return READ_ONCE(tx->ring.pending) || !list_empty(&tx->queue) ||
	       kmcl_comps_wait(&tx->made);
}

/* tx_done.c */
void kmcl_signal(struct kmcl_channel *ch);
void kmcl_tx_init(struct kmcl_channel *ch);
void kmcl_tx_drop_made(struct kmcl_channel *ch);
void kmcl_tx_end_burst(struct kmcl_channel *ch, u64 n, unsigned long *flags);
void kmcl_done_add(struct kmcl_packet *pkt, int status, u32 len);
void kmcl_tx_fail_in_flight(struct kmcl_channel *ch, int status,
			    bool keep_external);
void kmcl_tx_fail_queued(struct kmcl_channel *ch, int status);
void kmcl_tx_no_answers(struct kmcl_channel *ch);
void kmcl_tx_wait_done(struct kmcl_channel *ch);
bool kmcl_tx_take_back(struct kmcl_packet *pkt, int status);
void kmcl_sync_abort(struct kmcl_channel *ch);

/* tx_copy.c */
bool kmcl_copy_take(struct kmcl_channel *ch, const struct kmcl_item *item);

/* tx_match.c */
u32 kmcl_tx_matched(struct kmcl_channel *ch, u32 most);

/* tx_queue.c */
void kmcl_tx_flush(struct kmcl_channel *ch);
int kmcl_tx_set_private(struct kmcl_channel *ch, bool private);
void kmcl_tx_attach(struct kmcl_channel *ch);
void kmcl_tx_gate(struct kmcl_channel *ch, bool open);
void kmcl_tx_dead(struct kmcl_channel *ch);
bool kmcl_tx_comp(struct kmcl_channel *ch, struct kmcl_context *ctx,
		  const void *buf, u32 len);
void kmcl_tx_show_comps(struct kmcl_channel *ch);
void kmcl_tx_wait_signalled(struct kmcl_channel *ch);

/* tx_send.c */
int kmcl_check_send(const struct kmcl_packet *pkt, const void *buf, u32 len);
int kmcl_submit(struct kmcl_packet *pkt, const void *buf, u32 len, u32 ext_len,
		u32 flags, bool may_queue);

#endif
