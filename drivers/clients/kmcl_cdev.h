/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Declarations shared by the files of kmcl_cdev. Each file calls only those before
 * it in Kbuild. Locks, outermost first:
 *
 *	kc_names_mutex (device.c)	the list of devices, for their names
 *	kc.mutex		configuration, and the life of the channel; held while
 *				it is disabled and freed, and never by a callback
 *	kc.uevent_mutex		uevents, and the end of the device
 *	kc.lock			all that callbacks and readers and writers change;
 *				with bottom halves off. The library is not called
 *				under it
 *
 * kc.ch is read under RCU by what sends, so that a process that stands still, in a
 * page fault for instance, never keeps a channel from being freed: data of user
 * space are copied before, and atomic functions of the library alone are called
 * there.
 *
 * A request belongs to the library from when that accepts it until its completion
 * routine was called and nobody is cancelling it.
 */
#ifndef _KMCL_CDEV_H
#define _KMCL_CDEV_H

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/kmcl.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <uapi/linux/kmcl.h>

#include "kmcl_compat.h"

#define KC_PACKET_BYTES		4096U
#define KC_QUEUE_BYTES		(1024U * 1024)
#define KC_QUEUE_BYTES_MAX	(1024U * 1024 * 1024)
#define KC_QUEUE_PACKETS	1024U
#define KC_QUEUE_PACKETS_MAX	65536U

/**
 * struct kc_config - what a channel is made from; changed under kc.mutex and kc.lock
 * @class: class GUID, or the null GUID
 * @instance: instance GUID
 * @one: only @instance, else any of the class
 * @pipe: pipe mode
 * @ring_bytes: of each ring; 0: the library's default
 * @packet_bytes: the largest message
 */
struct kc_config {
	guid_t class;
	guid_t instance;
	bool one;
	bool pipe;
	u32 ring_bytes;
	u32 packet_bytes;
};

/**
 * struct kc - a device
 * @dev: its device, whose references keep this
 * @cdev: its character device
 * @node: in the list of devices
 * @name: its name
 * @mutex: see above
 * @cfg: configuration
 * @manual: the channel is not enabled again by itself; under @lock
 * @drop: no message outlives the connection that it is of; changed as @cfg
 * @ch: the channel, or NULL; changed under @mutex
 * @paused: it is to be paused; under @mutex
 * @reopen: enables the channel again, since callbacks must not
 * @delay: seconds until the next attempt
 * @uevent_mutex: see above; protects @deleted
 * @deleted: @dev is no device any more
 * @lock: protects what follows
 * @state: of the channel
 * @open: the channel is between opened and closed
 * @want: it is to be enabled again when it was closed
 * @resumes: it was started before, in this opening
 * @gone: the device was removed
 * @used: it was opened since it was made
 * @packet_bytes: the largest message
 * @charge: bytes of memory that a message to be sent uses
 * @max_packets: limit of @queued, and of messages that were received
 * @max_bytes: limit of @queued_bytes, and of memory for received messages
 * @queued: messages that the library has
 * @queued_bytes: their memory
 * @full: somebody waits for room, or was told that there is none
 * @begun: messages of write() that the library was given
 * @ended: of these, those that have ended
 * @cancelled: of these, those that were not sent
 * @fifo: struct kc_msg, received and not read
 * @receiving: messages may stay in the library's memory
 * @owned: bytes of @fifo that are this module's own memory
 * @requests: struct kc_request that have not ended
 * @files: struct kc_events, those who read events
 * @last: the last event
 * @n: counters
 * @in_wait: readers, and those who poll
 * @out_wait: writers, and those who poll
 * @sync_wait: those who wait for the end of messages
 */
struct kc {
	struct device dev;
	struct cdev cdev;
	struct list_head node;
	char name[KMCL_NAME_SIZE];
	struct mutex mutex;		/* see above */
	struct kc_config cfg;
	struct kmcl_channel __rcu *ch;
	bool paused;
	struct delayed_work reopen;
	unsigned int delay;
	struct mutex uevent_mutex;	/* see above */
	bool deleted;

	spinlock_t lock;		/* see above */
	enum kmcl_cdev_state state;
	bool open, want, resumes, gone, manual, drop;
	bool used;
	u32 packet_bytes, charge;
	u32 max_packets, max_bytes;
	u32 queued;
	u64 queued_bytes;
	bool full;
	u64 begun, ended, cancelled;
	struct list_head fifo;
	bool receiving;
	u64 owned;
	struct list_head requests;
	struct list_head files;
	struct kmcl_event last;
	struct kmcl_stats n;

	wait_queue_head_t in_wait;
	wait_queue_head_t out_wait;
	wait_queue_head_t sync_wait;
};

/**
 * struct kc_opener - an open file
 * @kc: the device
 * @lock: protects what follows
 * @seen: the number of changes of the state that it knows
 * @cancelled: kc.cancelled that fsync() has told it
 * @opening: the number, in kc.n.opens, of the connection that it is in; 0: any
 * @mode: KMCL_MODE_*
 */
struct kc_opener {
	struct kc *kc;
	spinlock_t lock;		/* the rest */
	u64 seen;
	u64 cancelled;
	u64 opening;
	u32 mode;
};

/**
 * struct kc_msg - a received message
 * @node: in kc.fifo
 * @ctx: the library's context of it, whose private data this is; NULL: this
 *	module's own memory
 * @opening: the number of the connection, in kc.n.opens
 * @buf: the payload
 * @len: its bytes
 * @data: the payload, if this is our memory
 */
struct kc_msg {
	struct list_head node;
	struct kmcl_context *ctx;
	u64 opening;
	void *buf;
	u32 len;
	u8 data[];
};

/**
 * struct kc_request - a request
 * @kc: the device, with a reference
 * @ref: one of the caller, one of the library until it has ended, one of @timeout
 * @data: the request, until it was sent
 * @len: its bytes
 * @reply: the reply
 * @room: bytes of @reply
 * @user_reply: where the reply goes
 * @user_room: bytes there
 * @notify: called when it has ended, instead of waking up @wait. Atomic
 * @cmd: for @notify
 * @owner: who has sent it, if that does not wait
 * @timeout: cancels it
 * @wait: for @finished
 * @finished: the library has no part in it any more; the result is there
 * @status: the result
 * @reply_len: bytes of the reply, perhaps more than @room
 * @node: in kc.requests; from here on under kc.lock
 * @pkt: its packet
 * @sent: the call that sends it has returned
 * @ended: the completion routine was called
 * @pins: how many are cancelling it, and use @pkt
 * @cancel: cancel it when @sent, with this status
 */
struct kc_request {
	struct kc *kc;
	refcount_t ref;
	void *data;
	u32 len;
	void *reply;
	u32 room;
	void __user *user_reply;
	u32 user_room;
	void (*notify)(struct kc_request *req);
	struct io_uring_cmd *cmd;
	fl_owner_t owner;
	struct delayed_work timeout;
	wait_queue_head_t wait;
	bool finished;
	int status;
	u32 reply_len;
	struct list_head node;
	struct kmcl_packet *pkt;
	bool sent, ended;
	u32 pins;
	int cancel;
};

extern struct workqueue_struct *kc_wq;

/*
 * What a call returns whose wait was interrupted. io_uring of some kernels hands the
 * result of a worker thread on as it is, which is woken as for a signal when the
 * operation is cancelled, or when its process ends.
 */
static inline int kc_interrupted(void)
{
	return current->flags & PF_IO_WORKER ? -EINTR : -ERESTARTSYS;
}

/* events.c */
extern const char * const kc_state_names[];

int kc_add_uevent(struct kc *kc, struct kobj_uevent_env *env);
void kc_set_state(struct kc *kc, enum kmcl_cdev_state state,
		  enum kmcl_event_type type, enum kmcl_cause cause, int error);
struct file *kc_events_file(struct kc *kc, unsigned int flags);
int kc_events_fd(struct kc *kc, unsigned int flags);

/* queue.c */
bool kc_has_room(const struct kc *kc);
int kc_alive(const struct kc *kc);
int kc_may_send(const struct kc *kc);
bool kc_room_again(struct kc *kc);
u32 kc_rx_limit(const struct kc *kc);
__poll_t kc_events_now(struct kc *kc);
void kc_set_limits(struct kc *kc, u32 packets, u32 bytes);

/* send.c */
int kc_no_channel(struct kc *kc);
int kc_may_write(struct kc *kc, size_t len);
bool kc_out_ready(struct kc *kc);
int kc_out_begin(struct kc *kc, u32 len, bool request, u32 extra, u64 opening);
void kc_out_end(struct kc *kc, bool request, u32 extra, int status);
void kc_out_undo(struct kc *kc, u32 len, bool request, u32 extra);
int kc_send(struct kc *kc, struct kmcl_channel *ch, struct kmcl_packet *pkt,
	    const void *buf, u32 len, u32 flags);
int kc_write(struct kc_opener *o, const void *buf, u32 len);
int kc_sync(struct kc_opener *o);

/* receive.c */
void kc_process(struct kmcl_channel *ch, struct kmcl_context *ctx,
		void *buf, u32 len, u32 flags);
void kc_processed(struct kmcl_channel *ch, u32 packets);
void kc_keep_received(struct kc *kc);
void kc_receive(struct kc *kc, struct kmcl_channel *ch);
void kc_drop_received(struct kc *kc, bool counted);
bool kc_in_ready(struct kc *kc);
ssize_t kc_read(struct kc_opener *o, struct iov_iter *to, gfp_t gfp);

/* request.c */
struct kc_request *kc_request_new(struct kc *kc, const struct kmcl_request *r);
void kc_request_get(struct kc_request *req);
void kc_request_put(struct kc_request *req);
int kc_request_send(struct kc_request *req);
void kc_request_limit(struct kc_request *req, u64 ns);
void kc_request_cancel(struct kc_request *req, int status);
ssize_t kc_request_result(struct kc_request *req, bool may_copy);
int kc_request(struct kc *kc, struct kmcl_request *r, bool nonblock);
void kc_requests_cancel(struct kc *kc, int status);
void kc_requests_exit(struct kc *kc, fl_owner_t owner);

/* uring.c */
#ifdef CONFIG_IO_URING
int kc_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags);
#endif

/* channel.c */
int kc_on(struct kc *kc);
void kc_off(struct kc *kc);
int kc_enable(struct kc *kc);
int kc_disable(struct kc *kc);
int kc_pause(struct kc *kc);
int kc_start(struct kc *kc);
void kc_channel_init(struct kc *kc);

/* ioctl.c */
int kc_copy_request(struct kmcl_request *r, const void __user *arg);
long kc_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
void kc_get_info(struct kc_opener *o, struct kmcl_info *info);
void kc_get_stats(struct kc *kc, struct kmcl_stats *stats);

/* file.c */
extern const struct file_operations kc_fops;

struct kc_opener *kc_opener_new(struct kc *kc);

/* device.c */
struct kc *kc_create(const char *name, const struct kc_config *cfg);
struct kc *kc_create_from(const char *param);
void kc_remove(struct kc *kc);
int kc_class_init(void);
void kc_class_exit(void);

/* configfs.c */
#if IS_ENABLED(CONFIG_CONFIGFS_FS)
int kc_configfs_init(void);
void kc_configfs_exit(void);
#else
static inline int kc_configfs_init(void)
{
	return 0;
}

static inline void kc_configfs_exit(void)
{
}
#endif

#endif
