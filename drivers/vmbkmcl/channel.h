/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The channel, which consists of each layer's part, and the functions that
 * every layer may call.
 *
 * Locks, outermost first:
 *   kmcl_watch_mutex	the transport, and which channels watch a class; held
 *			across calls of it that wait for nobody
 *   kmcl_adopt_mutex	which channels have adopted their parent
 *   lb_publish_mutex	loopback: publishing servers
 *   kmcl_bus_lock	offers, channels, what they claim, and which are bound
 *   lb_lock		loopback: connections; not taken under kmcl_bus_lock
 *   ch->sm.lock	state, inputs
 *   ch->save.lock	saving and restoring
 *   ch->tx.lock	outgoing queue, packets in flight, done list
 * save.lock and tx.lock are not held together. These are not held with any of
 * the others:
 *   ch->gpadl.lock	GPADLs
 *   ch->rx.lock	delivery: gate, outstanding packets, free contexts
 *   ch->link.lock	memory-mapped I/O, and what the rings have
 * All but the mutexes are taken with interrupts off, and no callback of the
 * driver runs under any of them. Nothing is printed under them either: the
 * console may be the driver's, and send. The peer is signalled without a lock; who
 * does so is counted in ch->tx.signalling, which disconnecting waits for.
 */
#ifndef _KMCL_CHANNEL_H
#define _KMCL_CHANNEL_H

#include <linux/kmcl.h>
#include <linux/kobject.h>
#include <linux/minmax.h>
#include <linux/printk.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "bus.h"
#include "gpadl.h"
#include "kmcl_compat.h"
#include "rx.h"
#include "save.h"
#include "step.h"
#include "tx.h"

#define KMCL_DEFAULT_PACKET_SIZE	4096U
#define KMCL_DEFAULT_EXT_DATA	(128U * 1024)
#define KMCL_DEFAULT_EXT_CHAIN	32U
#define KMCL_MAX_CONTEXT_SIZE		(64U * 1024)
#define KMCL_DEFAULT_MEMORY_LIMIT	(16U * 1024 * 1024)
#define KMCL_CACHED			64	/* free packets, and contexts */
#define KMCL_CACHED_BYTES		(1024U * 1024)	/* at most, of either */
#define KMCL_PACKETS_BYTES		(4 * KMCL_CACHED_BYTES)	/* while open */

struct device;

/*
 * Settings. No lock: they are written only while the channel is disabled, by
 * setters and enable, and the driver does not make such calls at the same time.
 * After that they are only read. There are two exceptions. The first packet
 * sets @sized. Binding sets @type to the class of the offer, under
 * kmcl_bus_lock, which changes it for a client without a target only.
 */
struct kmcl_cfg {
	struct kmcl_channel_ops ops;
	kmcl_process_fn process;
	kmcl_processed_fn processed;
	kmcl_pnp_failure_fn pnp_failure;
#ifndef KMCL_IN_TREE
	kmcl_pnp_failure_fn nt_failure;	/* see nt.c */
#endif
	char *name;
	bool have_target;
	bool any_instance;
	bool sized;			/* the packet size is fixed */
	guid_t type;
	guid_t instance;
	bool pipe;			/* fixed with the packet size */
	u32 flags;			/* KMCL_INIT_* */
	u32 server_flags;		/* KMCL_SERVER_* */
	u16 mmio_mb;			/* server: the hint in the offer */
	u16 mmio_mb_optional;
	kmcl_save_fn save_packet;
	kmcl_restore_fn restore_packet;
	u32 max_payload;		/* as it was set */
	u32 max_packet;			/* that, rounded up to 8 */
	u32 context_size;
	u32 ext_data;			/* limits for external data */
	u32 ext_chain;
	u32 rx_pages;			/* of a ring, from enable on */
	u32 tx_pages;
	u32 rx_pages_least;		/* if there is no memory for those */
	u32 tx_pages_least;
};

struct kmcl_channel {
	struct kobject kobj;		/* see sysfs.c */
	bool server;
	struct device *parent;
	void *pointer;
	wait_queue_head_t wait;		/* for everything that is waited for */

	struct kmcl_cfg cfg;
	struct kmcl_sm sm;
	struct kmcl_link link;
	struct kmcl_tx tx;
	struct kmcl_rx rx;
	struct kmcl_gpadls gpadl;
	struct kmcl_saving save;
};

extern struct workqueue_struct *kmcl_wq;
extern struct workqueue_struct *kmcl_server_wq;
extern struct workqueue_struct *kmcl_rx_wq;

/* object.c */
extern unsigned long kmcl_slow;
extern unsigned long kmcl_suspend_limit;
int kmcl_cache_init(void);
void kmcl_cache_exit(void);
struct kmcl_channel *kmcl_channel_zalloc(void);
void kmcl_channel_release(struct kobject *kobj);
void kmcl_channel_get(struct kmcl_channel *ch);
void kmcl_channel_put(struct kmcl_channel *ch);
void kmcl_kick(struct kmcl_channel *ch);
bool kmcl_in_callback(struct kmcl_channel *ch);
__printf(2, 3)
void kmcl_still_waiting(struct kmcl_channel *ch, const char *fmt, ...);
void *kmcl_driver_function(const struct kmcl_channel *ch);
void kmcl_wait(struct kmcl_channel *ch, const char *what,
	       bool (*done)(struct kmcl_channel *ch));
void kmcl_wait_taken_down(struct kmcl_channel *ch);
void kmcl_call_begin(struct kmcl_channel *ch);
void kmcl_call_end(struct kmcl_channel *ch);
void kmcl_wait_calls(struct kmcl_channel *ch);
bool kmcl_settable(struct kmcl_channel *ch);

/* Is the channel disabled, as setters and enable need it? */
static inline bool kmcl_settable_locked(struct kmcl_channel *ch)
	__must_hold(&ch->sm.lock)
{
	lockdep_assert_held(&ch->sm.lock);
	return !ch->sm.enabling && !ch->sm.in.enabled &&
	       ch->sm.state == KMCL_ST_DISABLED;
}

/* Round up as the ring does; @len was checked, so that it cannot overflow */
static inline u32 kmcl_round8(u32 len)
{
	return (len + 7) & ~7U;
}

/* The longest payload that may be sent, or received in pipe mode */
static inline u32 kmcl_max_payload(const struct kmcl_channel *ch)
{
	if (unlikely(ch->cfg.pipe))
		return min(ch->cfg.max_payload, KMCL_PIPE_MAX);
	return ch->cfg.max_payload;
}

/* Address of a packet's ranges, or of the first of them */
static inline u8 *kmcl_packet_header(struct kmcl_packet *pkt)
{
	return pkt->area;
}

/* How many free packets, or contexts, of that size are kept; at least one */
static inline u32 kmcl_cached_most(u32 bytes)
{
	return clamp(KMCL_CACHED_BYTES / bytes, 1U, (u32)KMCL_CACHED);
}

static inline const char *kmcl_name(const struct kmcl_channel *ch)
{
	return ch->cfg.name ? ch->cfg.name : "unnamed";
}

#endif
