/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of kmcl_traffic share; of these, each calls those before it in
 * Kbuild and none after it. Locks, outermost first:
 *
 *	tr_mutex (debugfs.c)	the table of channels; held around opening and
 *				taking one out, never around a wait for a peer
 *	tr.send_mutex		a sequence number from its taking until its
 *				packet was accepted, so that packets are accepted
 *				in the order of their numbers
 *	tr.lock			everything that callbacks write; taken in any
 *				context, no call of the library is made under it
 */
#ifndef _KMCL_TRAFFIC_H
#define _KMCL_TRAFFIC_H

#include <linux/kmcl.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "kmcl_traffic_proto.h"

#define TR_CHANNELS	128
#define TR_NAME_MAX	16
#define TR_RING_PAGE	4096U
#define TR_HEADER	((u32)sizeof(struct kmcl_traffic_header))

/* A flag of ours beside those for kmcl_send(): the packet has no routine */
#define TR_SEND_DEFAULT	BIT(31)

struct dentry;
struct device;
struct task_struct;

enum tr_event {
	TR_OPENED,
	TR_CLOSED,
	TR_SUSPEND,
	TR_STARTED,
	TR_POST_STARTED,
	TR_PNP_FAILURE,
	TR_STATE_EVENTS,	/* those before this one may sleep */
	TR_PROCESS = TR_STATE_EVENTS,
	TR_PROCESSED,
	TR_DONE,
	TR_EVENTS
};

enum tr_action {
	TR_NONE,
	TR_BLOCK,		/* sleep until released */
	TR_SLEEP,		/* for @arg milliseconds */
	TR_SPIN,		/* the same, without sleeping */
	TR_FAIL,		/* opened: refuse; process: the packet is bad */
	TR_BLOCK_FAIL,		/* opened: sleep until released, then refuse */
	TR_DEFER,		/* process: ask for it again in process context */
	TR_SEND,		/* @arg packets, of the smallest size */
	TR_SYNC,		/* post_started: a synchronous request */
	TR_UNSHARE,		/* end the GPADL */
	TR_ENABLE,		/* what a callback must not do, and what it says */
	TR_ACTIONS
};

/**
 * struct tr_hook - what the next call of a callback does
 * @action: done once, TR_NONE afterwards
 * @arg: a number that belongs to it
 */
struct tr_hook {
	enum tr_action action;
	unsigned int arg;
};

/**
 * struct tr_counts - what was seen, all under tr.lock
 * @calls: of each callback
 * @bad_context: of these, in a context that the contract does not allow
 * @bad_order: state callbacks in an order that it does not allow, or of which
 *	two ran at the same time; packets delivered, and completion routines
 *	called, while none may be
 * @open_at_closed: the closed callback came while packets were outstanding or
 *	in flight, or before the routines of those that had ended returned
 * @hooked: actions of hooks that were carried out
 * @hook_result: what the last one returned
 * @block_timeouts: callbacks that were never released
 * @done_ok: completion routines with status 0
 * @done_cancelled: with -ECANCELED
 * @done_removed: with -ENODEV
 * @done_other: with anything else
 * @done_bad: for a packet that was not outstanding: a second time, or invented
 * @done_order: with a lower sequence number than one before
 * @replies: completions with data
 * @replies_bad: data that is not what was sent, or that comes with a packet
 *	which the peer has not completed
 * @received: packets with the header of kmcl_traffic_proto.h, intact
 * @gaps: of these, with a higher sequence number than the next one
 * @order_errors: with a lower one: late, or delivered twice
 * @malformed: packets without that header, or of a wrong length
 * @checksum_errors: packets whose content is not what was sent
 * @pnp_status: of the last PnpFailure
 * @opened_mmio: where the last opened callback was told that the device's memory
 *	is
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
	u64 malformed, checksum_errors;
	s64 pnp_status;
	u64 opened_mmio;
};

/**
 * struct tr - a channel of this driver
 * @ch: the library's channel
 * @name: what the user called it
 * @dir: its debugfs directory
 * @max_packet: largest payload, bytes
 * @pipe: in pipe mode, where lengths are exact
 * @no_closed: it has no closed callback
 * @send_mutex: protects @seq and @buf
 * @seq: number of the next packet
 * @buf: where the next packet is made, @max_packet bytes
 * @sent: flags of what was accepted and not completed, by sequence number
 * @open_sends: how many these are
 * @no_routine: packets handed to the library that end without tr_done()
 * @wait: for @open_sends, and for blocked callbacks
 * @gpadl: of @shared, or 0; under @send_mutex
 * @shared: memory, or NULL; the same
 * @sender: the thread that keeps sending, or NULL; under @send_mutex
 * @run_size: largest payload that it sends
 * @run_window: how many may be open at a time
 * @run_flags: for kmcl_send()
 * @reopen: enable again after each close; written under @lock
 * @reopen_work: does it, since a callback must not
 * @lock: protects what follows
 * @counts: what was seen
 * @hook: what the next calls do
 * @blocked: events (bits) whose callback sleeps
 * @release: callbacks that sleep go on when this has changed
 * @in_state: a state callback runs
 * @in_process: a process callback runs
 * @opened: between opened and closed
 * @started: between started and suspend
 * @posted: post_started has come since started
 * @ending: the library is ending what is queued
 * @routines: completion routines that have done their work
 * @hold: leave incoming packets outstanding
 * @held: these, struct tr_held
 * @next_rx: sequence number expected of the peer
 * @last_done: highest sequence number completed so far, plus one
 */
struct tr {
	struct kmcl_channel *ch;
	char name[TR_NAME_MAX];
	struct dentry *dir;
	u32 max_packet;
	bool pipe;
	bool no_closed;
	struct mutex send_mutex;	/* see above */
	u64 seq;
	void *buf;
	struct xarray sent;
	atomic_t open_sends;
	atomic64_t no_routine;
	wait_queue_head_t wait;
	u32 gpadl;
	void *shared;
	struct task_struct *sender;
	u32 run_size, run_window, run_flags;
	bool reopen;
	struct delayed_work reopen_work;
	spinlock_t lock;		/* see above */
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
	u64 next_rx;
	u64 last_done;
};

/**
 * struct tr_options - what a channel is like
 * @parent: its device, for the driver that has it, or NULL: then there are
 * @class: of its device
 * @instance: of its device
 * @any: it may be any instance
 * @ring_bytes: of each ring, control page included; 0: as the library likes
 * @max_packet: largest payload, at least TR_HEADER
 * @pipe: in pipe mode
 * @no_closed: without a closed callback
 */
struct tr_options {
	struct device *parent;
	guid_t class;
	guid_t instance;
	bool any;
	u32 ring_bytes;
	u32 max_packet;
	bool pipe;
	bool no_closed;
};

/* The library keeps this much for us with each incoming packet */
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
int tr_send(struct tr *tr, unsigned int count, u32 size, u32 flags);
int tr_sync(struct tr *tr, u32 size, s64 timeout_ns);
int tr_run(struct tr *tr, u32 size, u32 window, u32 flags);
void tr_run_stop(struct tr *tr);

/* memory.c */
int tr_external(struct tr *tr, u32 size, u32 pieces, s64 timeout_ns);
int tr_share(struct tr *tr, u32 pages, u32 pieces);
int tr_unshare(struct tr *tr);
void tr_memory_free(struct tr *tr);

/* main.c */
struct tr *tr_create(const char *name, const struct tr_options *options);
void tr_destroy(struct tr *tr, bool disable);
int tr_set(struct tr *tr, const char *what);
int tr_set_ring(struct tr *tr, u32 bytes);
int tr_set_target(struct tr *tr, const guid_t *class, const guid_t *instance);
void tr_set_reopen(struct tr *tr, bool on);

/* debugfs.c */
int tr_attach(const char *name, struct device *parent);
void tr_detach(const char *name);

#endif
