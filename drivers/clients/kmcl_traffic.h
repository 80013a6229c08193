/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Declarations shared by the files of kmcl_traffic. Each file calls only those
 * before it in Kbuild. Locks, outermost first:
 *
 *	tr_pages_mutex		pages that fragment memory (memory.c); alone
 *	tr_mutex (debugfs.c)	the table of channels; held while a channel is
 *				added or removed, never while waiting for a peer
 *	tr.send_mutex		held while a packet gets its sequence number and
 *				is sent, so that packets are accepted in the
 *				order of their numbers
 *	tr.lock			everything that callbacks write; taken in any
 *				context, and the library is not called under it
 */
#ifndef _KMCL_TRAFFIC_H
#define _KMCL_TRAFFIC_H

#include <linux/kmcl.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "kmcl_traffic_proto.h"

#define TR_CHANNELS	128
#define TR_NAME_MAX	16
#define TR_COMMAND_MAX	192	/* bytes of a line, the end included */
#define TR_WORDS	8
#define TR_RING_PAGE	4096U
#define TR_HEADER	((u32)sizeof(struct kmcl_traffic_header))
#define TR_CHAIN_BYTES	(TR_HEADER + 40)	/* of a request of tr_chain() */
#define TR_GIVEN_UP_MAX	4U
#define TR_EXTERNAL_MAX	SZ_1M
#define TR_PIECES_MAX	4096U

/*
 * Besides the flags of kmcl_send(): the packet has no completion routine; packets
 * are sent together
 */
#define TR_SEND_DEFAULT	BIT(31)
#define TR_SEND_MANY	BIT(30)
#define TR_RUN_BATCH	16U	/* how many of them */

struct dentry;
struct device;
struct hv_device;
struct page;
struct task_struct;

enum tr_event {
	TR_OPENED,
	TR_CLOSED,
	TR_SUSPEND,
	TR_STARTED,
	TR_POST_STARTED,
	TR_PNP_FAILURE,
	TR_STATE_EVENTS,	/* callbacks before this one may sleep */
	TR_PROCESS = TR_STATE_EVENTS,
	TR_PROCESSED,
	TR_DONE,
	TR_EVENTS
};

enum tr_action {
	TR_NONE,
	TR_BLOCK,		/* sleep until released */
	TR_SLEEP,		/* for @arg milliseconds */
	TR_FLUSH,		/* wait for a work of @arg milliseconds */
	TR_SPIN,		/* busy-wait for @arg milliseconds */
	TR_FAIL,		/* opened: refuse; process: fail the packet */
	TR_BLOCK_FAIL,		/* opened: sleep until released, then refuse */
	TR_DEFER,		/* process: defer the packet to process context */
	TR_SEND,		/* send @arg packets of the smallest size */
	TR_SYNC,		/* post_started: send a synchronous request */
	TR_UNSHARE,		/* delete the GPADL */
	TR_ENABLE,		/* enable the channel, which has to be refused */
	TR_WAKE,		/* wake the machine, if it sleeps or is about to */
	TR_ACTIONS
};

/**
 * struct tr_hook - an action for the next call of a callback
 * @action: executed once; TR_NONE afterwards
 * @arg: argument of the action
 */
struct tr_hook {
	enum tr_action action;
	unsigned int arg;
};

/**
 * struct tr_counts - counters, all under tr.lock
 * @calls: calls of each callback
 * @bad_context: calls in a context that the contract does not allow
 * @bad_order: state callbacks that came in a wrong order or overlapped; packets
 *	delivered, and completion routines called, while the contract forbids it
 * @open_at_closed: calls of the closed callback while packets were outstanding
 *	or in flight, or while completion routines had not returned
 * @hooked: hook actions that were executed
 * @hook_result: result of the last one
 * @block_timeouts: blocked callbacks that were not released in time
 * @done_ok: completion routines called with status 0
 * @done_cancelled: completion routines called with -ECANCELED
 * @done_removed: completion routines called with -ENODEV
 * @done_other: completion routines called with any other status
 * @done_bad: completion routines called for a packet that had ended already or
 *	was never sent
 * @done_order: completion routines called for a lower sequence number than an
 *	earlier one
 * @replies: completions with data
 * @replies_bad: completions whose data differ from what was sent, and data for
 *	a packet that the peer has not completed
 * @received: intact packets with the header of kmcl_traffic_proto.h
 * @gaps: received packets with a higher sequence number than expected
 * @order_errors: received packets with a lower sequence number than expected
 * @ranges: ranges of transfer page packets with what the host has put there
 * @range_errors: such packets whose ranges are not all of that kind
 * @malformed: packets without that header, or of a wrong length
 * @checksum_errors: packets with wrong contents
 * @pnp_status: status of the last PnpFailure
 * @opened_mmio: address of the memory-mapped I/O in the last opened callback
 */
struct tr_counts {
	u64 calls[TR_EVENTS];
	u64 bad_context[TR_EVENTS];
	u64 bad_order;
	u64 open_at_closed;
	u64 hooked;
	s64 hook_result;
	u64 block_timeouts;
	u64 done_ok, done_cancelled, done_removed, done_other;
	u64 done_bad, done_order;
	u64 replies, replies_bad;
	u64 received, gaps, order_errors;
	u64 ranges, range_errors;
	u64 malformed, checksum_errors;
	s64 pnp_status;
	u64 opened_mmio;
};

/**
 * struct tr - a channel of this driver
 * @ch: the library's channel
 * @name: name that the user gave it
 * @dir: its debugfs directory
 * @max_packet: largest payload in bytes
 * @pipe: it is in pipe mode, where lengths are exact
 * @give_back: its device is given back when it is disabled or freed
 * @no_closed: it has no closed callback
 * @managed: it ends when the driver is detached from its parent
 * @send_mutex: protects @seq and @buf
 * @seq: sequence number of the next packet
 * @other_seq: those of the other senders' next packets; under @send_mutex
 * @buf: buffer for building a packet, @max_packet bytes
 * @sent: flags of accepted packets that have not ended, by sequence number
 * @open_sends: number of packets in @sent
 * @no_routine: number of accepted packets that end without tr_done()
 * @wait: wait queue for @open_sends and for blocked callbacks
 * @gpadl: GPADL of @shared, or 0; under @send_mutex
 * @shared: memory shared with the peer, or NULL; under @send_mutex
 * @sender: thread of the run command, or NULL; under @send_mutex
 * @run_size: largest payload that it sends
 * @run_window: largest @open_sends at which it sends
 * @run_flags: its flags for kmcl_send()
 * @chain: requests that completion routines have yet to send; then @seq is theirs
 * @chain_first: sequence number of the first packet whose routine does so
 * @reopen: enable again after each close; written under @lock
 * @reopen_work: enables the channel, since a callback must not
 * @lock: protects what follows
 * @visible: @shared while the host may write there, or NULL
 * @visible_bytes: its bytes
 * @pages: of the external data of requests that were given up, one of each, with
 *	a reference
 * @given_up: their number
 * @counts: counters
 * @hook: action for the next call of each callback
 * @blocked: bit mask of events whose callback is blocked
 * @release: a change of this number releases blocked callbacks
 * @in_state: a state callback runs
 * @in_process: a process callback runs
 * @opened: between opened and closed
 * @started: between started and suspend
 * @posted: post_started was called since started
 * @ending: the library is cancelling the queue
 * @routines: completion routines that are about to return
 * @hold: leave incoming packets outstanding
 * @held: list of outstanding packets that are held, struct tr_held
 * @next_rx: sequence numbers expected from the peer, which echoes each sender's
 * @last_done: highest sequence number of each sender that has ended, plus one
 */
struct tr {
	struct kmcl_channel *ch;
	char name[TR_NAME_MAX];
	struct dentry *dir;
	u32 max_packet;
	bool pipe;
	bool give_back;
	bool no_closed;
	bool managed;
	struct mutex send_mutex;	/* see above */
	u64 seq, other_seq[KMCL_TRAFFIC_SENDERS - 1];
	void *buf;
	struct xarray sent;
	atomic_t open_sends;
	atomic64_t no_routine;
	wait_queue_head_t wait;
	u32 gpadl;
	void *shared;
	struct task_struct *sender;
	u32 run_size, run_window, run_flags;
	atomic_t chain;
	u64 chain_first;
	bool reopen;
	struct delayed_work reopen_work;
	spinlock_t lock;		/* see above */
	const u8 *visible;
	u32 visible_bytes;
	struct page *pages[TR_GIVEN_UP_MAX];
	unsigned int given_up;
	struct tr_counts counts;
	struct tr_hook hook[TR_EVENTS];
	unsigned long blocked;
	unsigned int release;
	bool in_state, in_process;
	bool opened, started, posted;
	bool ending;
	u64 routines;
	bool hold;
	struct list_head held;
	u64 next_rx[KMCL_TRAFFIC_SENDERS];
	u64 last_done[KMCL_TRAFFIC_SENDERS];
};

/* Which sender's number is it? */
static inline unsigned int tr_sender_of(u64 seq)
{
	return (seq >> KMCL_TRAFFIC_SENDER_SHIFT) % KMCL_TRAFFIC_SENDERS;
}

/**
 * struct tr_options - properties of a channel
 * @parent: its device if that has a driver of its own; the next three are
 *	ignored then
 * @class: class of its device
 * @instance: instance of its device
 * @any: ignore @instance
 * @ring_bytes: size of each ring, control page included; 0: the default
 * @max_packet: largest payload, at least TR_HEADER
 * @external: most bytes of external data with a packet, in TR_PIECES_MAX pieces; 0:
 *	the defaults of both
 * @pipe: use pipe mode
 * @give_back: give the device back when the channel is disabled or freed
 * @no_closed: set no closed callback
 * @managed: create it with devm_kmcl_client_create(); needs @parent, and has
 *	only @max_packet of the others
 */
struct tr_options {
	struct device *parent;
	guid_t class;
	guid_t instance;
	bool any;
	u32 ring_bytes;
	u32 max_packet;
	u32 external;
	bool pipe;
	bool give_back;
	bool no_closed;
	bool managed;
};

/* This driver's data in the context of each incoming packet */
struct tr_held {
	struct list_head node;
	struct kmcl_context *ctx;
};

/* hook.c */
extern const char * const tr_event_names[TR_EVENTS];
extern const char * const tr_action_names[TR_ACTIONS];

int tr_set_hook(struct tr *tr, enum tr_event event, enum tr_action action,
		unsigned int arg);
void tr_release(struct tr *tr);
struct tr_hook tr_enter(struct tr *tr, enum tr_event event);
int tr_act(struct tr *tr, enum tr_event event, struct tr_hook hook);
void tr_count_hook(struct tr *tr, int result);
void tr_leave(struct tr *tr, enum tr_event event);

/* packet.c */
void tr_fill(void *buf, u64 seq, u32 len);
void tr_count(struct tr *tr, u64 *counter);
void tr_process(struct kmcl_channel *ch, struct kmcl_context *ctx,
		void *buf, u32 len, u32 flags);
void tr_processed(struct kmcl_channel *ch, u32 packets);
void tr_set_hold(struct tr *tr, bool on);
struct kmcl_packet *tr_prepare(struct tr *tr, u64 seq, void *buf, u32 size,
			       u32 flags, gfp_t gfp);
void tr_withdraw(struct tr *tr, struct kmcl_packet *pkt, u64 seq);
int tr_send_next(struct tr *tr, u64 *seq, void *buf, u32 size, u32 flags);
int tr_send_one(struct tr *tr, u32 size, u32 flags);
int tr_send(struct tr *tr, unsigned int count, u32 size, u32 flags);
bool tr_refused(int ret);
int tr_sync(struct tr *tr, u32 size, s64 timeout_ns);
int tr_sync_until(struct tr *tr, u32 size, ktime_t until);

/* many.c */
int tr_send_many(struct tr *tr, u32 count, u32 size, u32 flags);
int tr_race(struct tr *tr, u32 count, u32 size, u32 flags);
int tr_chain(struct tr *tr, u32 count, u32 window);
int tr_run(struct tr *tr, u32 size, u32 window, u32 flags);
void tr_run_stop(struct tr *tr);

/* user.c */
extern const struct file_operations tr_payload_fops;
int tr_send_user(struct tr *tr, const void __user *user, u32 size);

/* memory.c */
int tr_external(struct tr *tr, u32 size, u32 pieces, s64 timeout_ns);
unsigned int tr_pages_held(struct tr *tr);
int tr_share(struct tr *tr, u32 pages, u32 pieces);
int tr_unshare(struct tr *tr);
void tr_memory_free(struct tr *tr);
int tr_fragment(unsigned int order);

/* main.c */
struct tr *tr_create(const char *name, const struct tr_options *options);
void tr_destroy(struct tr *tr, bool disable);
int tr_set(struct tr *tr, const char *what);
int tr_set_ring(struct tr *tr, u32 bytes);
int tr_set_target(struct tr *tr, const guid_t *class, const guid_t *instance);
void tr_set_reopen(struct tr *tr, bool on);

/* command.c */
extern const struct file_operations tr_control_fops;
int tr_parse_guid(const char *word, guid_t *guid);
ssize_t tr_read_command(const char __user *user, size_t len, char *line,
			char *argv[TR_WORDS]);

/* debugfs.c */
int tr_attach(const char *name, struct device *parent, bool managed);
void tr_detach(const char *name);

/* hv_vmbus exports it, and declares it in a private header */
void vmbus_device_unregister(struct hv_device *device_obj);

#endif
