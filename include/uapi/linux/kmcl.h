/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Channels of vmbkmcl for user space: /dev/kmcl/NAME, by kmcl_cdev.
 *
 * read() returns one message, write() sends one; see
 * Documentation/ABI/testing/dev-kmcl for these, for poll() and for errors.
 * This header has the ioctls.
 *
 * Each structure begins with its size, which the caller sets to the sizeof that
 * it was compiled with. Later versions may only add fields at the end, 0 in which
 * means what the version without them did. A kernel that does not know all of
 * the caller's fields refuses those that it does not know with E2BIG, unless they
 * are 0; it treats fields that the caller does not know as 0. A size below that of
 * the first version is EINVAL. Where the kernel fills a structure in, it writes no
 * more than the caller's size, clears what it does not know, and sets size to
 * the number of bytes that it knows. Unknown flags, and reserved fields that are
 * not 0, are EINVAL.
 *
 * The layout is the same for 32-bit and 64-bit programs. Pointers are in 64-bit
 * fields. GUIDs are 16 bytes as in the kernel's guid_t: the first three fields
 * little-endian.
 */
#ifndef _UAPI_LINUX_KMCL_H
#define _UAPI_LINUX_KMCL_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define KMCL_IOC_MAGIC	0xB9

/* Bytes of a name, the 0 at its end included */
#define KMCL_NAME_SIZE	32

#define KMCL_GUID_SIZE	16

/**
 * enum kmcl_cdev_state - state of a device's channel
 * @KMCL_STATE_OFF: the device is not enabled in its configuration: it has no
 *	channel, and read and write fail with ENOTCONN
 * @KMCL_STATE_DISABLED: the channel is disabled, by KMCL_IOC_DISABLE, because
 *	opening failed, or after a rescind with reopen=manual. Messages that are
 *	written are queued
 * @KMCL_STATE_WAITING: the channel waits for the host to offer the device, or is
 *	being opened. Messages that are written are queued
 * @KMCL_STATE_PAUSED: the channel is open and paused: nothing is sent or received
 * @KMCL_STATE_ACTIVE: messages are sent and received
 */
enum kmcl_cdev_state {
	KMCL_STATE_OFF,
	KMCL_STATE_DISABLED,
	KMCL_STATE_WAITING,
	KMCL_STATE_PAUSED,
	KMCL_STATE_ACTIVE
};

/* struct kmcl_info.flags */
#define KMCL_INFO_PIPE		0x1	/* pipe mode, else raw */
#define KMCL_INFO_ANY_INSTANCE	0x2	/* any instance of the class */
#define KMCL_INFO_REOPEN	0x4	/* enabled again after a rescind */
#define KMCL_INFO_OPEN		0x8	/* the channel is open */
#define KMCL_INFO_DROP		0x10	/* no message is kept, see configfs-kmcl */

/**
 * struct kmcl_info - KMCL_IOC_GET_INFO
 * @size: sizeof(struct kmcl_info), see above
 * @state: &enum kmcl_cdev_state
 * @flags: KMCL_INFO_*
 * @packet_bytes: the largest message, in either direction
 * @ring_in: bytes of data for which the incoming ring has room, or had when it was
 *	last open
 * @ring_out: the same of the outgoing ring
 * @changes: number of changes of the state so far, which is the
 *	&kmcl_event.seq of the last event, or 0
 * @class_id: class GUID of the device
 * @instance_id: instance GUID that is configured; without one, that of the device
 *	that is open or was last open, or 0
 * @name: of the device, as in /dev/kmcl
 *
 * The call also ends EPOLLPRI and EPOLLRDHUP of this open file, until the next
 * change, and EPIPE of write(), until the next connection; see dev-kmcl.
 */
struct kmcl_info {
	__u32 size;
	__u32 state;
	__u32 flags;
	__u32 packet_bytes;
	__u32 ring_in;
	__u32 ring_out;
	__u64 changes;
	__u8 class_id[KMCL_GUID_SIZE];
	__u8 instance_id[KMCL_GUID_SIZE];
	char name[KMCL_NAME_SIZE];
};

/**
 * struct kmcl_stats - KMCL_IOC_GET_STATS
 * @size: sizeof(struct kmcl_stats), see above
 * @reserved: 0
 * @written: messages accepted by write and requests, since the device was created
 * @written_bytes: their bytes
 * @ended: of @written, those that have ended: sent, answered or cancelled
 * @cancelled: of @ended, those that did not reach the host, and requests that it
 *	did not answer
 * @queued: messages that are counted in the limits now: accepted and not ended
 * @queued_bytes: bytes of memory that they use
 * @received: messages received
 * @received_bytes: their bytes
 * @read: messages that were read
 * @read_bytes: their bytes
 * @waiting: messages that can be read now
 * @waiting_bytes: their bytes
 * @truncated: of @read, those that were longer than the reader's buffer
 * @refused: packets with external data or ranges, which are not delivered
 * @lost: messages that were received and not read, and lost when the channel closed:
 *	because there was no memory to keep them, or with %KMCL_INFO_DROP
 * @requests: of @written, those of KMCL_IOC_REQUEST
 * @requests_expired: of @requests, those that reached their time limit
 * @opens: times that the channel was opened
 * @closes: times that it was closed
 * @rescinds: of @closes, those because the device went away
 * @open_failures: times that the device was there and could not be opened
 * @openers: open files of the device
 *
 * All are counted since the device was created, over all openings.
 */
struct kmcl_stats {
	__u32 size;
	__u32 reserved;
	__u64 written;
	__u64 written_bytes;
	__u64 ended;
	__u64 cancelled;
	__u64 queued;
	__u64 queued_bytes;
	__u64 received;
	__u64 received_bytes;
	__u64 read;
	__u64 read_bytes;
	__u64 waiting;
	__u64 waiting_bytes;
	__u64 truncated;
	__u64 refused;
	__u64 lost;
	__u64 requests;
	__u64 requests_expired;
	__u64 opens;
	__u64 closes;
	__u64 rescinds;
	__u64 open_failures;
	__u64 openers;
};

/* struct kmcl_mode.flags */
#define KMCL_MODE_TRUNCATE	0x1	/* read() shortens, see there */

/**
 * struct kmcl_mode - KMCL_IOC_SET_MODE
 * @size: sizeof(struct kmcl_mode), see above
 * @flags: KMCL_MODE_*. %KMCL_MODE_TRUNCATE: a read() with a buffer that is too
 *	short gets the beginning of the message, and the rest is lost. Without it,
 *	which is the default, such a read() fails with EMSGSIZE, and the message
 *	stays
 *
 * Of this open file. FIONREAD tells how long the next message is.
 */
struct kmcl_mode {
	__u32 size;
	__u32 flags;
};

/**
 * struct kmcl_limits - KMCL_IOC_GET_LIMITS, KMCL_IOC_SET_LIMITS
 * @size: sizeof(struct kmcl_limits), see above
 * @queue_packets: most messages that are accepted and have not ended; write
 *	waits, or fails with EAGAIN, at this number. 1 to 65536
 * @queue_bytes: most bytes of memory that they use. Each uses as much as the
 *	largest message, and some hundred bytes more; raised so that there is room
 *	for one. Up to 1 GiB
 *
 * Setting needs CAP_SYS_ADMIN, and fails with EINTR if a signal comes while somebody
 * else configures the device; a 0 leaves that limit unchanged. Lower limits hold for
 * what is written next.
 */
struct kmcl_limits {
	__u32 size;
	__u32 queue_packets;
	__u64 queue_bytes;
};

/* struct kmcl_request.timeout_ns */
#define KMCL_NO_TIME_LIMIT	(-1LL)

/**
 * struct kmcl_request - KMCL_IOC_REQUEST
 * @size: sizeof(struct kmcl_request), see above
 * @flags: 0
 * @data: pointer to the request
 * @reply: pointer to the buffer for the reply, which is the data of the host's
 *	completion; may be 0 if @reply_len is 0
 * @data_len: bytes of the request
 * @reply_len: in: bytes of the buffer; out, also with ENOSPC: bytes of the reply.
 *	In raw mode the host's data end on a multiple of 8 bytes
 * @timeout_ns: time limit in nanoseconds, or %KMCL_NO_TIME_LIMIT
 *
 * Sends a request and waits for the completion of the host. While the channel is
 * not open the request waits in the queue. A request that was interrupted or
 * has reached its time limit may have reached the host.
 *
 * Return: 0, or -1 with errno: EAGAIN: the queue is full, and the file is
 * O_NONBLOCK; ETIME: the time limit has expired; EINTR: a signal; ECANCELED: the
 * channel was disabled; ENODEV: the device went away; ENOTCONN: the device is not
 * enabled; EPIPE: it is closed, and no message is kept; ENOSPC: the reply is longer
 * than the buffer, which has its beginning; EMSGSIZE: @data_len is above the largest
 * message; EOVERFLOW: the reply is, and is lost; EPROTO: the host has broken the
 * rings; EOPNOTSUPP: pipe mode; EBADF: not open for writing.
 *
 * Also a command of io_uring, IORING_OP_URING_CMD, with cmd_op KMCL_IOC_REQUEST and
 * a pointer to this structure in the first 8 bytes of cmd. The structure and the
 * request are read before io_uring_enter() returns, @reply is written later. The
 * result is the number of bytes of the reply, or a negative errno. Where a queue
 * that is full would make the call wait, the result is -EAGAIN.
 */
struct kmcl_request {
	__u32 size;
	__u32 flags;
	__u64 data;
	__u64 reply;
	__u32 data_len;
	__u32 reply_len;
	__s64 timeout_ns;
};

/**
 * enum kmcl_event_type - what has happened to the channel
 * @KMCL_EVENT_ENABLED: it waits for the host to offer the device
 * @KMCL_EVENT_OPENED: it was opened; not yet started
 * @KMCL_EVENT_STARTED: messages are sent and received
 * @KMCL_EVENT_SUSPENDED: nothing is sent or received any more: it is paused, or
 *	about to close
 * @KMCL_EVENT_RESUMED: as KMCL_EVENT_STARTED, after a pause
 * @KMCL_EVENT_CLOSED: it was closed, see &enum kmcl_cause
 * @KMCL_EVENT_FAILED: the device is there, and could not be opened;
 *	&kmcl_event.error says why. The channel is disabled
 * @KMCL_EVENT_DISABLED: it was disabled, and was not open
 * @KMCL_EVENT_REMOVED: the device was removed; the last event
 */
enum kmcl_event_type {
	KMCL_EVENT_ENABLED = 1,
	KMCL_EVENT_OPENED,
	KMCL_EVENT_STARTED,
	KMCL_EVENT_SUSPENDED,
	KMCL_EVENT_RESUMED,
	KMCL_EVENT_CLOSED,
	KMCL_EVENT_FAILED,
	KMCL_EVENT_DISABLED,
	KMCL_EVENT_REMOVED
};

/**
 * enum kmcl_cause - why a channel was closed
 * @KMCL_CAUSE_NONE: of all other events
 * @KMCL_CAUSE_DEVICE: the device went away: the host rescinded it, or it was
 *	unbound from its driver
 * @KMCL_CAUSE_LOCAL: it was disabled here
 * @KMCL_CAUSE_HIBERNATE: the machine hibernates; the channel is opened again by
 *	itself, whatever the configuration says of that
 */
enum kmcl_cause {
	KMCL_CAUSE_NONE,
	KMCL_CAUSE_DEVICE,
	KMCL_CAUSE_LOCAL,
	KMCL_CAUSE_HIBERNATE
};

/**
 * struct kmcl_event - a change of a channel's state
 * @size: sizeof(struct kmcl_event) of the kernel: the distance of two events in
 *	what read() returns
 * @type: &enum kmcl_event_type
 * @state: &enum kmcl_cdev_state after it
 * @cause: &enum kmcl_cause
 * @error: errno of %KMCL_EVENT_FAILED, else 0
 * @lost: events between the one read before and this one that the reader was too
 *	slow for
 * @seq: number of the event, counted from 1 when the device was created
 * @time_ns: when it happened, CLOCK_BOOTTIME
 *
 * Read from the file descriptor that KMCL_IOC_EVENTS returns: as many whole events
 * as there are and as fit. A buffer with no room for one is EINVAL. read() waits for
 * the next event, unless the descriptor is O_NONBLOCK; poll() works. The first
 * event is the last one that had happened before, if any.
 * After %KMCL_EVENT_REMOVED read() returns 0.
 */
struct kmcl_event {
	__u32 size;
	__u32 type;
	__u32 state;
	__u32 cause;
	__u32 error;
	__u32 lost;
	__u64 seq;
	__u64 time_ns;
};

/*
 * Those marked W need a file that is open for writing, else EBADF. All fail with
 * ENODEV once the device was removed.
 */

/* struct kmcl_info *; any file */
#define KMCL_IOC_GET_INFO	_IO(KMCL_IOC_MAGIC, 0x00)
/* struct kmcl_stats *; any file */
#define KMCL_IOC_GET_STATS	_IO(KMCL_IOC_MAGIC, 0x01)
/* const struct kmcl_mode *; any file */
#define KMCL_IOC_SET_MODE	_IO(KMCL_IOC_MAGIC, 0x02)
/* struct kmcl_limits *; any file */
#define KMCL_IOC_GET_LIMITS	_IO(KMCL_IOC_MAGIC, 0x03)
/* const struct kmcl_limits *; CAP_SYS_ADMIN, else EPERM */
#define KMCL_IOC_SET_LIMITS	_IO(KMCL_IOC_MAGIC, 0x04)
/* struct kmcl_request *; W */
#define KMCL_IOC_REQUEST	_IO(KMCL_IOC_MAGIC, 0x05)
/*
 * 0 or O_NONBLOCK, by value; any file. Returns a file descriptor, closed on exec, to
 * read struct kmcl_event from; it stays valid when the device is closed.
 */
#define KMCL_IOC_EVENTS		_IO(KMCL_IOC_MAGIC, 0x06)

/*
 * No argument; W. Enable: have the channel open once the host offers the device;
 * no error if it is enabled. Disable: close it; returns when it is closed, which a
 * signal does not interrupt. Pause: stop sending and receiving, and start: go on;
 * both also before the channel is open. ENOTCONN: the device is not enabled in
 * its configuration. EINTR: a signal, while somebody else does one of these.
 */
#define KMCL_IOC_ENABLE		_IO(KMCL_IOC_MAGIC, 0x08)
#define KMCL_IOC_DISABLE	_IO(KMCL_IOC_MAGIC, 0x09)
#define KMCL_IOC_PAUSE		_IO(KMCL_IOC_MAGIC, 0x0a)
#define KMCL_IOC_START		_IO(KMCL_IOC_MAGIC, 0x0b)

#endif
