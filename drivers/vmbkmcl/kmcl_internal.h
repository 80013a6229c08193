/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the library share.
 *
 * Locks, outermost first:
 *   kmcl_watch_mutex	the transport, and which channel watches a class
 *   kmcl_adopt_mutex	which channel has adopted its parent
 *   kmcl_bus_lock	offers, channels, who is bound to whom
 *   ch->lock		state, inputs
 *   ch->tx_lock	outgoing queue, in-flight packets, done list, counters
 *   ch->slots		its own, inside of tx_lock
 *   ch->rx_lock	delivery: gate, owner, outstanding packets
 * tx_lock and rx_lock are never held together. All but the mutexes are taken with
 * interrupts off, and no callback runs under any of them. Signalling the peer
 * happens outside them, under rcu_read_lock(), which disconnecting waits for.
 */
#ifndef _KMCL_INTERNAL_H
#define _KMCL_INTERNAL_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/hashtable.h>
#include <linux/interrupt.h>
#include <linux/kmcl.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/printk.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "kmcl_compat.h"
#include "ring.h"
#include "state.h"
#include "transport.h"

#define KMCL_DEFAULT_PACKET_SIZE	4096U
#define KMCL_PIPE_HEADER		8U
#define KMCL_PIPE_MAX			16384U	/* payload of one message */
#define KMCL_DEFAULT_EXT_DATA	(128U * 1024)
#define KMCL_DEFAULT_EXT_CHAIN	32U
#define KMCL_MAX_CONTEXT_SIZE		(64U * 1024)
#define KMCL_MAX_RING_PAGES		((u32)BIT(18))	/* 1 GiB */
#define KMCL_CACHED			64	/* free objects kept per channel */
#define KMCL_SLOTLESS_BITS		7	/* see tx_id.c */
#define KMCL_RX_BUDGET			256	/* packets per softirq */
#define KMCL_DONE_BUDGET		256	/* completion routines in a row */
#define KMCL_COMPS_QUEUED		4096U	/* completions without room */
/* A wait for the driver or the other side is mentioned after this long */
#define KMCL_SLOW			(30 * HZ)

struct dentry;
struct kmcl_save;
struct seq_file;

/* What is done with a GPADL, for the trace */
enum kmcl_gpadl_op {
	KMCL_GPADL_CREATE,
	KMCL_GPADL_DELETE,
	KMCL_GPADL_MAP,
	KMCL_GPADL_UNMAP,
};

/* Why delivery stops */
enum kmcl_rx_reason {
	KMCL_STOP_EMPTY,
	KMCL_STOP_GATE,
	KMCL_STOP_BUDGET,
	KMCL_STOP_QUOTA,	/* a completion resumes */
	KMCL_STOP_MEMORY,	/* the same */
	KMCL_STOP_DEFER,
	KMCL_STOP_FAILED,
};

/* Bits of done_state */
#define KMCL_DONE_BUSY			BIT(0)
#define KMCL_DONE_ATTENTION		BIT(1)

/* A device that a transport, or a loopback server, offers */
struct kmcl_offer {
	struct kref ref;
	struct list_head node;		/* kmcl_bus_lock */
	const struct kmcl_transport_ops *ops;
	guid_t type;
	guid_t instance;
	u16 flags;			/* KMCL_WIRE_OFFER_* */
	const struct kmcl_channel *owner;	/* only to be compared */
	void *priv;
	struct kmcl_channel *ch;	/* kmcl_bus_lock; a reference */
	bool dead;			/* kmcl_bus_lock: rescinded, or gone */
	bool rescinded;			/* the other side has let go */
	bool broken;			/* cannot be opened any more: it is going */
	bool gone;			/* kmcl_bus_lock: not to be released */
	bool released;			/* kmcl_bus_lock: @release was called */
	struct work_struct release_work;
	wait_queue_head_t wait;		/* for ch == NULL */
};

enum kmcl_item_kind { KMCL_ITEM_PACKET, KMCL_ITEM_COMP };

/* What stands in the outgoing queue: a packet, or a completion to the peer */
struct kmcl_item {
	struct list_head node;
	u8 kind;
};

/* A synchronous request that waits, on its caller's stack */
struct kmcl_sync {
	struct list_head node;		/* tx_lock, as all of it */
	struct completion wake;
	bool aborted;
	bool finished;
	int status;
	void *reply;
	u32 room;
	u32 len;
};

enum kmcl_packet_state {
	KMCL_PKT_IDLE,
	KMCL_PKT_FREE,			/* kept for the next allocation */
	KMCL_PKT_QUEUED,
	KMCL_PKT_IN_FLIGHT,
	KMCL_PKT_DONE,			/* its routine is due */
};

/*
 * Where ids of a packet of the library's are looked up, see tx_id.c. It
 * outlives the packet by as much as a completion that is just being matched.
 */
struct kmcl_slot {
	u32 index;
	u64 trans_id;			/* tx_lock: 0 when not in flight */
	struct kmcl_packet *pkt;	/* tx_lock: while in flight */
	struct rcu_head rcu;
};

struct kmcl_packet {
	struct kmcl_item item;
	struct kmcl_channel *ch;
	struct kmcl_slot *slot;		/* NULL: memory of the driver's */
	kmcl_done_fn done;		/* NULL: free the packet */
	void *pointer;
	int status;
	u32 len;			/* bytes in @buf */
	u32 ext_len;			/* bytes of ranges behind the payload */
	struct hlist_node slotless;	/* tx_lock: in flight without a slot */
	u64 trans_id;			/* then; stays for the traces */
	u8 state;			/* tx_lock */
	bool wait;
	bool own_memory;		/* the library's, not the driver's */
	bool ntstatus;			/* @done wants an NTSTATUS */
	u8 buf[] __aligned(8);
};

/* An incoming packet in the driver's hands, then its completion */
struct kmcl_context {
	struct kmcl_item item;
	struct kmcl_channel *ch;
	u64 trans_id;
	u32 len;
	bool wanted;			/* the sender asked for a completion */
	bool deferred;			/* by the process callback, only there */
	bool again;			/* delivered before, deferred */
	bool queued;			/* counted in comps_queued */
	bool ext_given;			/* the driver has asked for them */
	u32 ranges;			/* of external data, in as many MDLs */
	void *held;			/* they keep the client's close waiting */
	void *context;			/* the driver's, behind @buf */
	u8 buf[] __aligned(8);
};

struct kmcl_channel {
	struct kref ref;
	struct list_head node;		/* kmcl_bus_lock */
	bool server;
	struct device *parent;
	struct dentry *debugfs;
	char *name;
	void *pointer;

	/* Settings, frozen while enabled */
	struct kmcl_channel_ops ops;
	kmcl_process_fn process;
	kmcl_processed_fn processed;
	kmcl_pnp_failure_fn pnp_failure;
	bool pnp_ntstatus;
	bool have_target;
	bool any_instance;
	bool sized;			/* the packet size is settled */
	guid_t type;
	guid_t instance;
	guid_t bound_instance;		/* kmcl_bus_lock: of the offer, or: */
	guid_t last_instance;		/* of the last opening */
	bool pipe;			/* frozen with the packet size */
	u32 flags;			/* KMCL_INIT_* */
	u32 server_flags;		/* KMCL_SERVER_* */
	u16 mmio_mb, mmio_mb_optional;	/* server: the hint in the offer */
	kmcl_save_fn save_packet;
	kmcl_restore_fn restore_packet;
	u64 mmio_start, mmio_size;	/* lock: client, while open */
	u32 max_payload;		/* as it was set */
	u32 max_packet;			/* that, rounded up to 8 */
	u32 context_size;
	u32 ext_data;			/* limits for external data */
	u32 ext_chain;
	u32 rx_pages;
	u32 tx_pages;

	/* kmcl_watch_mutex */
	bool wants_watch;		/* was enabled for its class once */
	bool watching;
	guid_t watched;

	struct kmcl_offer *adopted;	/* kmcl_adopt_mutex, kmcl_bus_lock */

	/* State machine */
	spinlock_t lock;
	enum kmcl_state state;
	struct kmcl_inputs in;
	bool enabling;			/* an enable call is under way */
	bool closed_returned;		/* the last callback has: see channel.c */
	u64 disables;			/* arrivals in Disabled */
	u64 settled;			/* runs of the work that found no event */
	struct task_struct *worker;	/* inside a state callback */
	enum kmcl_step callback;	/* which */
	u64 pauses;			/* arrivals in Paused */
	bool save_stop;			/* leaving Paused */
	bool save_busy;			/* a save or restore call runs */
	struct task_struct *save_task;	/* which may call back */
	int open_error;
	struct work_struct work;
	struct tasklet_struct dead_tasklet;
	bool dead_keeps;		/* it leaves external data in flight */
	wait_queue_head_t wait;

	/* Saving and restoring: whoever has set @save_busy */
	struct kmcl_save *save;
	bool restoring;
	u32 restore_number;		/* of the chunk that is due */
	u64 restore_paused;

	/* The link: set and cleared by the work, used between */
	struct kmcl_offer *offer;	/* kmcl_bus_lock; a reference */
	bool connected;
	struct kmcl_ring tx;
	struct kmcl_ring rx;

	/* GPADLs: under ch->lock */
	bool gpadl_open;		/* they may be made, or mapped */
	bool gpadl_up;			/* server: they may be unmapped */
	u32 gpadl_making;		/* calls in the transport */
	u32 gpadl_deleting;
	u32 gpadl_count;
	u32 gpadls_left;		/* the work's: at closed, ever */
	struct list_head gpadls;

	/* Outgoing */
	spinlock_t tx_lock;
	bool tx_link;			/* the ring is there and alive */
	bool tx_open;			/* the gate for packets */
	bool sync_closed;		/* no synchronous request may wait */
	bool ending;			/* nothing is queued any more */
	atomic_t done_state;		/* see tx_done.c */
	struct task_struct *done_task;
	struct tasklet_struct done_tasklet;
	bool tx_full;			/* no room since the last packet */
	u32 generation;
	struct list_head txq;
	struct list_head in_flight;
	struct list_head done;
	struct list_head syncs;
	struct list_head pkt_cache;
	u32 pkt_cached;			/* of those in pkt_cache */
	struct kmcl_packet *pkt_spare;	/* one more, see tx_packet.c */
	struct xarray slots;
	DECLARE_HASHTABLE(slotless, KMCL_SLOTLESS_BITS);	/* in flight */
	struct kmcl_counters n;		/* but for what rx_lock covers */

	/* Incoming */
	spinlock_t rx_lock;
	bool rx_open;
	bool rx_running;		/* somebody delivers */
	bool rx_again;			/* and shall look once more */
	bool rx_failed;			/* nothing more until the next opening */
	bool rx_passive;		/* process context was asked for */
	bool rx_once;			/* and for the deferred packet anyway */
	bool rx_stalled;		/* a completion restarts delivery */
	struct task_struct *rx_task;
	u32 quota;			/* 0: no limit */
	u32 outstanding;
	struct kmcl_context *rx_deferred;
	struct list_head ctx_cache;
	u32 ctx_cached;
	atomic_t comps_queued;		/* in txq, for want of room */
	u32 outstanding_peak;
	u32 external;			/* of @outstanding */
	u64 delivered, deferred, failed, batches;
	u64 bad_packets, bad[KMCL_BAD_COUNT];
	u64 quota_stops, budget_stops;
	struct tasklet_struct rx_tasklet;
	struct work_struct rx_work;
};

extern struct workqueue_struct *kmcl_wq;
extern struct workqueue_struct *kmcl_server_wq;
extern spinlock_t kmcl_bus_lock;

/* bus.c */
void kmcl_bus_add_channel(struct kmcl_channel *ch);
void kmcl_bus_del_channel(struct kmcl_channel *ch);
int kmcl_watch(struct kmcl_channel *ch);
void kmcl_unwatch(struct kmcl_channel *ch);
void kmcl_stand_in_line(struct kmcl_channel *ch);
void kmcl_seek(struct kmcl_channel *ch);
void kmcl_unbind(struct kmcl_channel *ch);
bool kmcl_offer_exists(const guid_t *type, const guid_t *instance);
int kmcl_publish(struct kmcl_channel *ch);
void kmcl_revoke(struct kmcl_channel *ch);
void kmcl_retire(struct kmcl_channel *ch);
u16 kmcl_offer_flags(const struct kmcl_channel *ch);

/* object.c */
void kmcl_channel_get(struct kmcl_channel *ch);
void kmcl_channel_put(struct kmcl_channel *ch);
void kmcl_kick(struct kmcl_channel *ch);
bool kmcl_in_callback(struct kmcl_channel *ch);
void kmcl_wait_taken_down(struct kmcl_channel *ch);
bool kmcl_settable_locked(struct kmcl_channel *ch);
bool kmcl_settable(struct kmcl_channel *ch);

/* link.c */
void kmcl_link_init(struct kmcl_channel *ch);
void kmcl_link_up(struct kmcl_channel *ch);
void kmcl_link_dead(struct kmcl_channel *ch);
bool kmcl_memory_in_use(struct kmcl_channel *ch);
int kmcl_connect(struct kmcl_channel *ch);
void kmcl_answer(struct kmcl_channel *ch, int result);
void kmcl_disconnect(struct kmcl_channel *ch);
void kmcl_mmio_free(struct kmcl_channel *ch);

/* step.c */
void kmcl_work_init(struct kmcl_channel *ch);

/* tx_packet.c */
struct kmcl_packet *kmcl_packet_new(struct kmcl_channel *ch, gfp_t gfp);
void kmcl_packet_destroy(struct kmcl_packet *pkt);
bool kmcl_packet_recycle(struct kmcl_packet *pkt);
void kmcl_packets_free(struct kmcl_channel *ch);

/* tx_id.c */
struct kmcl_slot *kmcl_slot_new(struct kmcl_channel *ch, gfp_t gfp);
void kmcl_slot_free(struct kmcl_channel *ch, struct kmcl_slot *slot);
void kmcl_trans_add(struct kmcl_packet *pkt, u64 trans_id);
void kmcl_trans_skip(struct kmcl_channel *ch, u64 trans_id);
struct kmcl_packet *kmcl_trans_find(struct kmcl_channel *ch, u64 trans_id);
u64 kmcl_trans_id(const struct kmcl_packet *pkt);
void kmcl_trans_end(struct kmcl_packet *pkt);

/* What a trace calls it: its id or, where it has none yet, its slot */
static inline u64 kmcl_packet_id(const struct kmcl_packet *pkt)
{
	return pkt->trans_id ?: pkt->slot ? pkt->slot->index : 0;
}

/* tx_send.c */
int kmcl_check_send(const struct kmcl_packet *pkt, const void *buf, u32 len);
int kmcl_submit(struct kmcl_packet *pkt, const void *buf, u32 len, u32 ext_len,
		u32 flags, bool may_queue);
void kmcl_tx_flush(struct kmcl_channel *ch);
void kmcl_tx_attach(struct kmcl_channel *ch);
void kmcl_tx_gate(struct kmcl_channel *ch, bool open);
void kmcl_tx_dead(struct kmcl_channel *ch);
void kmcl_tx_comp(struct kmcl_channel *ch, struct kmcl_context *ctx,
		  const void *buf, u32 len);
void kmcl_signal(struct kmcl_channel *ch);

/* tx_done.c */
void kmcl_done_init(struct kmcl_channel *ch);
void kmcl_done_add(struct kmcl_packet *pkt, int status, u32 len);
void kmcl_done_run_due(struct kmcl_channel *ch, unsigned long *flags);
void kmcl_done_run_claimed(struct kmcl_channel *ch, unsigned long *flags);
void kmcl_tx_fail_in_flight(struct kmcl_channel *ch, int status,
			    bool keep_external);
void kmcl_tx_fail_queued(struct kmcl_channel *ch, int status);
void kmcl_tx_wait_done(struct kmcl_channel *ch);
void kmcl_tx_matched(struct kmcl_channel *ch, u64 trans_id,
		     const void *payload, u32 len);
bool kmcl_tx_take_back(struct kmcl_packet *pkt, int status);
void kmcl_done_at_once(struct kmcl_packet *pkt, unsigned long flags);
void kmcl_sync_abort(struct kmcl_channel *ch);

/* rx_deliver.c */
void kmcl_rx_init(struct kmcl_channel *ch);
int kmcl_rx_attach(struct kmcl_channel *ch);
void kmcl_rx_detach(struct kmcl_channel *ch);
void kmcl_rx_start(struct kmcl_channel *ch);
void kmcl_rx_stop(struct kmcl_channel *ch);
void kmcl_rx_drain(struct kmcl_channel *ch);
void kmcl_rx_signalled(struct kmcl_channel *ch);

/* rx_context.c */
struct kmcl_context *kmcl_ctx_new(struct kmcl_channel *ch, gfp_t gfp);
bool kmcl_ctx_allowed(const struct kmcl_channel *ch);
struct kmcl_context *kmcl_ctx_get(struct kmcl_channel *ch);
void kmcl_ctx_free(struct kmcl_context *ctx);
void kmcl_put_outstanding(struct kmcl_channel *ch, bool external);

/* pipe.c */
int kmcl_pipe_put(struct kmcl_channel *ch, u64 id, const void *buf, u32 len);
bool kmcl_pipe_parse(struct kmcl_channel *ch,
		     const struct kmcl_ring_packet *pkt, u32 *len);

/* settings.c */
int kmcl_set_pipe(struct kmcl_channel *ch, u32 flags, u32 server_flags);

/* save.c */
void kmcl_save_stop(struct kmcl_channel *ch);

/* mdl.c */
bool kmcl_pfn_ok(u64 pfn);
int kmcl_mdl_check(const struct kmcl_mdl *mdl);
void kmcl_mdl_free_chain(struct kmcl_mdl *mdl);
struct kmcl_mdl *kmcl_mdl_part(const struct kmcl_mdl *mdl, u64 offset,
			       u64 bytes);

/* gpadl.c */
void kmcl_gpadl_admit(struct kmcl_channel *ch);
void kmcl_gpadl_shut(struct kmcl_channel *ch);
void kmcl_gpadl_cleanup(struct kmcl_channel *ch);

/* ext_wire.c */
u32 kmcl_ext_tx_room(const struct kmcl_channel *ch);
u32 kmcl_ext_rx_header(const struct kmcl_channel *ch);
u32 kmcl_ext_rx_room(const struct kmcl_channel *ch);
int kmcl_ext_from_mdl(struct kmcl_packet *pkt, const struct kmcl_mdl *mdl,
		      u32 payload);
bool kmcl_ext_take(struct kmcl_context *ctx,
		   const struct kmcl_ring_packet *pkt);
void kmcl_ext_release(struct kmcl_context *ctx);
struct kmcl_mdl *kmcl_ext_mdls(const struct kmcl_context *ctx);

/* loopback.c */
void kmcl_loopback_init(void);

/* debugfs.c */
void kmcl_debugfs_init(void);
void kmcl_debugfs_exit(void);
void kmcl_debugfs_add(struct kmcl_channel *ch);
void kmcl_debugfs_del(struct kmcl_channel *ch);
void kmcl_show_counters(struct seq_file *m, struct kmcl_channel *ch);
void kmcl_show_channel(struct seq_file *m, struct kmcl_channel *ch);

/* Rounded up as the ring does; @len is checked against the maximum first */
static inline u32 kmcl_round8(u32 len)
{
	return (len + 7) & ~7U;
}

/* The longest payload that may be sent, or is taken in pipe mode */
static inline u32 kmcl_max_payload(const struct kmcl_channel *ch)
{
	return unlikely(ch->pipe) ? min(ch->max_payload, KMCL_PIPE_MAX) :
		ch->max_payload;
}

/*
 * Run the completion routines that are due, unless somebody is at it, who will
 * see them. Under tx_lock, as kmcl_done_run_claimed().
 */
static inline void kmcl_done_run(struct kmcl_channel *ch, unsigned long *flags)
{
	if (!list_empty(&ch->done))
		kmcl_done_run_due(ch, flags);
}

/* Somebody is to look at the incoming ring, in process context or not */
static inline void kmcl_rx_schedule(struct kmcl_channel *ch, bool passive)
{
	if (passive)
		queue_work(kmcl_wq, &ch->rx_work);
	else
		tasklet_schedule(&ch->rx_tasklet);
}

/* Where a packet's ranges stand: behind the largest payload */
static inline u8 *kmcl_packet_header(struct kmcl_packet *pkt)
{
	return pkt->buf + pkt->ch->max_packet;
}

static inline const char *kmcl_name(const struct kmcl_channel *ch)
{
	return ch->name ? ch->name : "unnamed";
}

#endif
