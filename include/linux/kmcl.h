/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vmbkmcl: the VMBus Kernel Mode Client Library, in Linux' idiom.
 *
 * A driver describes its channel in a constant, creates it and enables it:
 *
 *	static const struct kmcl_client foo_client = {
 *		.name = "foo",
 *		.type = FOO_CLASS_GUID,
 *		.started = foo_started,
 *		.process = foo_process,
 *	};
 *
 *	foo->ch = kmcl_client_create(dev, &foo_client, foo);
 *	if (IS_ERR(foo->ch))
 *		return PTR_ERR(foo->ch);
 *	ret = kmcl_channel_enable(foo->ch);
 *
 * When the device is there the library opens the channel and calls @started,
 * which may send, and then @process for each incoming packet. At the end:
 *
 *	kmcl_channel_disable(foo->ch);
 *	kmcl_channel_free(foo->ch);
 *
 * The library is for modules with a licence that is compatible with the GPL: say
 * so with MODULE_LICENSE(), or the module does not link with it.
 *
 * Functions that return an int return 0 or a negative errno, unless they say
 * otherwise. "May sleep" means process context only; "atomic" means that the
 * function never sleeps and may also be called from softirq context.
 */
#ifndef _LINUX_KMCL_H
#define _LINUX_KMCL_H

#include <linux/errno.h>
#include <linux/kmcl_mdl.h>
#include <linux/ktime.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <linux/uuid.h>

struct device;
struct kmcl_channel;
struct kmcl_context;
struct kmcl_packet;
struct scatterlist;

#define KMCL_VERSION	"0.1"		/* of this tree, and of its modules */

/* Send flags */
#define KMCL_SEND_WAIT		0x1	/* ends with the peer's completion */
#define KMCL_SEND_FORCE_LENGTH	0x2	/* kmcl_send_mdl_part(): past the end */
#define KMCL_SEND_PAGED		0x4	/* may fault, or be user space's: copy */
#define KMCL_SEND_MORE		0x8	/* another one follows, see kmcl_flush() */

/* Flags of a channel */
#define KMCL_INIT_PIPE			0x1	/* see kmcl_set_flags() */
#define KMCL_INIT_PROCESS_CONTEXT	0x2	/* of a description only */
#define KMCL_INIT_GIVE_BACK		0x4	/* see kmcl_set_flags() */

/* Flags of a server's offer, see kmcl_server_set_flags() */
#define KMCL_SERVER_LOOPBACK		0x1
#define KMCL_SERVER_ENUMERATE		0x2
#define KMCL_SERVER_OFFER_AS_PIPE	0x4
#define KMCL_SERVER_FORCE_NEW		0x8
#define KMCL_SERVER_TLNPI		0x10

/* Flags of an incoming packet, and of kmcl_packet_external() */
#define KMCL_PACKET_EXTERNAL	0x1	/* the packet has external data */
#define KMCL_EXTERNAL_READ_ONLY	0x1	/* the caller will only read it */

/* Flag of a GPADL, and of a mapping of one: the server only reads */
#define KMCL_GPADL_READ_ONLY	0x1

/* No time limit for kmcl_send_sync() */
#define KMCL_NO_TIMEOUT		S64_MAX

/* The most bytes of payload that a packet can carry */
#define KMCL_PACKET_SIZE_MAX	524264U

/* What kmcl_guid_parse() reads, for a message about what it does not */
#define KMCL_GUID_FORM	"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx, in braces or not"

/* The largest ring, in pages of 4 KiB: 1 GiB */
#define KMCL_RING_PAGES_MAX	0x40000U

/**
 * struct kmcl_channel_ops - state callbacks of a channel
 * @opened: the link is up, but no packet is sent or delivered yet; a negative
 *	result closes it again, and the channel is not opened
 * @closed: the channel is closed; packets are queued from here on, not sent
 * @suspend: no packet is delivered from here until @started: complete what is
 *	outstanding and stop sending. Packets sent nevertheless are queued
 * @started: packets are sent and delivered when this has returned; it may send,
 *	which queues the packets, but must not wait for any
 * @post_started: packets are sent and delivered; may wait for them
 * @hibernate: the machine is about to hibernate; a client's only. 0: it may, and
 *	the channel is closed for that as if it was disabled, and opened again
 *	afterwards. A negative errno: it must not, and does not; the kernel's log
 *	names the channel. Called in the task that suspends the devices, when
 *	programs are frozen and no device interrupts, in whatever state the channel
 *	is, also beside another callback. May sleep, but must not wait for programs
 *	or for what is freezable
 *
 * All optional. Except for @hibernate, they run one at a time per channel, in
 * process context on the library's workqueue, with no lock of the library held,
 * and may sleep, flush work and unregister devices. None may enable, disable,
 * start, pause or free its own channel. Of the result of @opened only the sign
 * counts.
 */
struct kmcl_channel_ops {
	int (*opened)(struct kmcl_channel *ch);
	void (*closed)(struct kmcl_channel *ch);
	void (*suspend)(struct kmcl_channel *ch);
	void (*started)(struct kmcl_channel *ch);
	void (*post_started)(struct kmcl_channel *ch);
	int (*hibernate)(struct kmcl_channel *ch);
};

/**
 * enum kmcl_close_cause - why a channel was closed
 * @KMCL_CLOSE_NONE: it was never closed
 * @KMCL_CLOSE_DISABLE: its driver has disabled it
 * @KMCL_CLOSE_PEER: the peer ended the link: a host has rescinded its offer
 * @KMCL_CLOSE_UNBOUND: the device was unbound, or its transport was unloaded
 * @KMCL_CLOSE_HIBERNATE: the machine hibernates. The channel stays enabled, and is
 *	opened again by itself: do not enable it
 */
enum kmcl_close_cause {
	KMCL_CLOSE_NONE,
	KMCL_CLOSE_DISABLE,
	KMCL_CLOSE_PEER,
	KMCL_CLOSE_UNBOUND,
	KMCL_CLOSE_HIBERNATE
};

/**
 * typedef kmcl_process_fn - handle an incoming packet
 * @ch: the channel
 * @ctx: the packet's context. The driver passes it to kmcl_complete(), now or
 *	later; or, in this callback only, to kmcl_packet_defer() or
 *	kmcl_packet_fail()
 * @buf: the payload; valid, and writable, for as long as @ctx
 * @len: bytes of payload
 * @flags: %KMCL_PACKET_EXTERNAL: see kmcl_packet_external() for a server,
 *	kmcl_packet_ranges() for a client
 *
 * Called for one packet at a time per channel. Atomic, unless the driver has
 * asked for process context.
 */
typedef void (*kmcl_process_fn)(struct kmcl_channel *ch,
				struct kmcl_context *ctx,
				void *buf, u32 len, u32 flags);

/**
 * typedef kmcl_processed_fn - handle the end of a batch of incoming packets
 * @ch: the channel
 * @packets: how many were delivered before delivery stopped
 *
 * Same context as kmcl_process_fn.
 */
typedef void (*kmcl_processed_fn)(struct kmcl_channel *ch, u32 packets);

/**
 * typedef kmcl_done_fn - handle the end of a packet that was sent
 * @pkt: the packet, which belongs to the driver again
 * @status: 0; -ECANCELED: the channel was disabled or freed; -ENODEV: the link
 *	is dead; -EMSGSIZE: the peer has completed it, with more data than the
 *	channel's packet size, which are lost
 * @buf: data of the peer's completion, or NULL; valid during the call, until
 *	the packet is freed or sent again
 * @len: bytes of data
 *
 * The completion routine of a packet: called exactly once for each send that
 * was accepted, with bottom halves off. Atomic.
 */
typedef void (*kmcl_done_fn)(struct kmcl_packet *pkt, int status,
			     void *buf, u32 len);

/**
 * typedef kmcl_pnp_failure_fn - handle a device that cannot be opened
 * @ch: the channel, which is disabled when this has returned
 * @status: a negative errno
 *
 * A state callback, with the rules of &struct kmcl_channel_ops. May sleep.
 *
 * The library does not open the device again by itself, whatever the error. A
 * driver that wants another attempt, after -ENOMEM for example, enables the channel
 * again: later, and not in this callback, where it is refused.
 */
typedef void (*kmcl_pnp_failure_fn)(struct kmcl_channel *ch, int status);

/**
 * typedef kmcl_save_fn - save the driver's state of a packet
 * @ch: the server channel
 * @pkt: the packet, queued or in flight
 * @buf: where to write the state
 * @size: bytes at @buf. The first call has 0: a driver with nothing to save
 *	returns 0; else it sets @needed and fails, and is called again
 * @needed: set to the bytes of room that are needed, if @size is less
 *
 * May sleep.
 *
 * Return: 0 or more: saved; a negative errno: @size is less than @needed.
 */
typedef int (*kmcl_save_fn)(struct kmcl_channel *ch, struct kmcl_packet *pkt,
			    void *buf, u32 size, u32 *needed);

/**
 * typedef kmcl_restore_fn - restore a packet
 * @ch: the server channel
 * @saved: the library's part: allocate a packet, and pass both to
 *	kmcl_packet_restore(), which checks this part
 * @saved_size: bytes at @saved
 * @data: the driver's part, as the save callback wrote it, or NULL. The image
 *	may have been changed since: check it
 * @size: bytes at @data
 *
 * May sleep.
 *
 * Return: 0 or more: go on; a negative errno: stop restoring this image.
 */
typedef int (*kmcl_restore_fn)(struct kmcl_channel *ch, void *saved,
			       u32 saved_size, void *data, u32 size);

/* struct kmcl_client, kmcl_client_create() and so on */
#include <linux/kmcl_client.h>

/* Channels, from kmcl_client_create() or kmcl_server_create() */
int kmcl_channel_enable(struct kmcl_channel *ch);
int kmcl_channel_disable(struct kmcl_channel *ch);
int kmcl_channel_start(struct kmcl_channel *ch);
int kmcl_channel_pause(struct kmcl_channel *ch);
int kmcl_channel_free(struct kmcl_channel *ch);

/* For the suspend and resume operations of a driver whose device is its parent */
int kmcl_channel_suspend(struct kmcl_channel *ch);
int kmcl_channel_resume(struct kmcl_channel *ch);

/*
 * Channels that are set up one setting at a time, while they are disabled. A
 * description does the same in one call.
 */
int kmcl_channel_alloc(struct device *parent, bool is_server,
		       struct kmcl_channel **chp);
int kmcl_set_ops(struct kmcl_channel *ch, const struct kmcl_channel_ops *ops);
int kmcl_set_process(struct kmcl_channel *ch, kmcl_process_fn process,
		     kmcl_processed_fn processed);
int kmcl_set_flags(struct kmcl_channel *ch, u32 flags);
int kmcl_set_name(struct kmcl_channel *ch, const char *name);
int kmcl_set_name_utf16(struct kmcl_channel *ch, const u16 *name, u32 units);
int kmcl_set_max_packet_size(struct kmcl_channel *ch, u32 bytes);
int kmcl_set_max_external(struct kmcl_channel *ch, u32 bytes, u32 pieces);
int kmcl_set_context_size(struct kmcl_channel *ch, u32 bytes);
int kmcl_set_ring_pages(struct kmcl_channel *ch, u32 incoming, u32 outgoing);
int kmcl_set_target(struct kmcl_channel *ch, const guid_t *type,
		    const guid_t *instance, kmcl_pnp_failure_fn failure);
int kmcl_server_set_target(struct kmcl_channel *ch, const guid_t *type,
			   const guid_t *instance);
int kmcl_server_set_flags(struct kmcl_channel *ch, u32 flags);
int kmcl_server_set_mmio(struct kmcl_channel *ch, u16 mb, u16 mb_optional);
int kmcl_server_set_save_restore(struct kmcl_channel *ch, kmcl_save_fn save,
				 kmcl_restore_fn restore);
int kmcl_server_set_vtl(struct kmcl_channel *ch, u8 vtl);
int kmcl_server_set_bus(struct kmcl_channel *ch, void *handle);
int kmcl_bus_handle(void *user, void **kernel);

/* For parameters and files of drivers */
int kmcl_guid_parse(const char *text, guid_t *guid);

/* At any time */
int kmcl_set_latency(struct kmcl_channel *ch, u16 latency, u16 *original);
void kmcl_get_mmio(struct kmcl_channel *ch, u64 *start, u64 *size);
void kmcl_set_pointer(struct kmcl_channel *ch, void *ptr);
void *kmcl_get_pointer(const struct kmcl_channel *ch);
enum kmcl_close_cause kmcl_get_close_cause(struct kmcl_channel *ch);
void kmcl_get_instance(struct kmcl_channel *ch, guid_t *instance);
bool kmcl_channel_is_server(const struct kmcl_channel *ch);
bool kmcl_channel_is_pipe(const struct kmcl_channel *ch);
void kmcl_set_quota(struct kmcl_channel *ch, u32 quota);
void kmcl_set_memory_limit(struct kmcl_channel *ch, u32 bytes);
void kmcl_set_process_context(struct kmcl_channel *ch, bool required);

/**
 * struct kmcl_message - one of the packets that kmcl_send_many() sends
 * @pkt: the packet
 * @buf: its payload
 * @len: bytes of payload
 * @flags: as for kmcl_send()
 */
struct kmcl_message {
	struct kmcl_packet *pkt;
	const void *buf;
	u32 len;
	u32 flags;
};

/* Packets */
u32 kmcl_packet_size(struct kmcl_channel *ch);
struct kmcl_packet *kmcl_packet_alloc(struct kmcl_channel *ch);
void kmcl_packet_free(struct kmcl_packet *pkt);
int kmcl_packet_init(struct kmcl_channel *ch, void *mem, u32 bytes);
struct kmcl_channel *kmcl_packet_channel(const struct kmcl_packet *pkt);
void kmcl_packet_set_pointer(struct kmcl_packet *pkt, void *ptr);
void *kmcl_packet_get_pointer(const struct kmcl_packet *pkt);
void kmcl_packet_set_done(struct kmcl_packet *pkt, kmcl_done_fn done);
int kmcl_send(struct kmcl_packet *pkt, const void *buf, u32 len, u32 flags);
int kmcl_send_many(struct kmcl_channel *ch, const struct kmcl_message *msgs,
		   u32 n);
void kmcl_flush(struct kmcl_channel *ch);
bool kmcl_poll_begin(struct kmcl_channel *ch);
void kmcl_poll_end(struct kmcl_channel *ch);
bool kmcl_packet_cancel(struct kmcl_packet *pkt, int status);
int kmcl_send_mdl(struct kmcl_packet *pkt, const void *buf, u32 len,
		  const struct kmcl_mdl *mdl, u32 flags);
int kmcl_send_mdl_part(struct kmcl_packet *pkt, const void *buf, u32 len,
		       const struct kmcl_mdl *mdl, u32 offset, u32 bytes,
		       u32 flags);
int kmcl_send_pfns(struct kmcl_packet *pkt, const void *buf, u32 len,
		   const unsigned long *pfns, u32 count, u32 flags);
int kmcl_send_sg(struct kmcl_packet *pkt, const void *buf, u32 len,
		 struct scatterlist *sg, unsigned int nents, u32 flags);
int kmcl_send_sync_mdl(struct kmcl_channel *ch, const void *buf, u32 len,
		       const struct kmcl_mdl *mdl, u32 flags, void *reply,
		       u32 *reply_len, s64 timeout_ns);
int kmcl_send_sync_until(struct kmcl_channel *ch, const void *buf, u32 len,
			 const struct kmcl_mdl *mdl, u32 flags, void *reply,
			 u32 *reply_len, ktime_t until);
int kmcl_send_sync(struct kmcl_channel *ch, const void *buf, u32 len,
		   u32 flags, void *reply, u32 *reply_len, s64 timeout_ns);

/* Incoming packets */
void kmcl_complete(struct kmcl_context *ctx, const void *buf, u32 len);
void kmcl_packet_defer(struct kmcl_context *ctx);
void kmcl_packet_fail(struct kmcl_context *ctx);
void *kmcl_context_priv(struct kmcl_context *ctx);
int kmcl_packet_external(struct kmcl_context *ctx, u32 flags,
			 struct kmcl_mdl **mdl);
int kmcl_packet_ranges(const struct kmcl_context *ctx, u16 *set,
		       const struct kmcl_range **ranges);

/* Saving and restoring, servers that are paused */
int kmcl_save_begin(struct kmcl_channel *ch);
int kmcl_save_continue(struct kmcl_channel *ch, void *buf, u32 size,
		       u32 *filled, u32 *required);
void kmcl_save_end(struct kmcl_channel *ch);
int kmcl_restore(struct kmcl_channel *ch, void *buf, u32 size);
int kmcl_packet_restore(struct kmcl_packet *pkt, const void *buf, u32 size);

/* GPADLs */
int kmcl_gpadl_create(struct kmcl_channel *ch, u32 flags, void *buf,
		      u32 bytes, u32 *handle);
int kmcl_gpadl_create_mdl(struct kmcl_channel *ch, u32 flags,
			  const struct kmcl_mdl *mdl, u32 offset, u32 bytes,
			  u32 *handle);
int kmcl_gpadl_delete(struct kmcl_channel *ch, u32 handle);
int kmcl_gpadl_map(struct kmcl_channel *ch, u32 flags, u32 handle,
		   struct kmcl_mdl **mdl);
int kmcl_gpadl_unmap(struct kmcl_channel *ch, u32 handle);

/**
 * enum kmcl_bad - kinds of errors in what the peer writes into the ring
 * @KMCL_BAD_WRITE_INDEX: the write index is outside the ring
 * @KMCL_BAD_SHORT: less than a header was written
 * @KMCL_BAD_OFFSET: offset8 puts the data outside the packet
 * @KMCL_BAD_LENGTH: len8 is more than what was written
 * @KMCL_BAD_TYPE: a packet of a type that this endpoint does not receive
 * @KMCL_BAD_SIZE: a payload above the packet size, other than of a completion
 * @KMCL_BAD_PIPE: a header of a pipe's message that is wrong
 * @KMCL_BAD_EXTERNAL: ranges of external data that are wrong
 * @KMCL_BAD_DRIVER: a packet that the driver failed
 * @KMCL_BAD_COUNT: number of kinds
 */
enum kmcl_bad {
	KMCL_BAD_WRITE_INDEX,
	KMCL_BAD_SHORT,
	KMCL_BAD_OFFSET,
	KMCL_BAD_LENGTH,
	KMCL_BAD_TYPE,
	KMCL_BAD_SIZE,
	KMCL_BAD_PIPE,
	KMCL_BAD_EXTERNAL,
	KMCL_BAD_DRIVER,
	KMCL_BAD_COUNT
};

/**
 * struct kmcl_counters - count what a channel has done
 * @accepted: sends that returned 0: always @completed + @queued + @in_flight
 * @completed: accepted packets that have ended, with any status
 * @cancelled: of @completed, those with -ECANCELED
 * @removed: of @completed, those with -ENODEV
 * @in_ring: of @completed, those without %KMCL_SEND_WAIT that were written into
 *	the ring, and ended with that
 * @sent: packets written into the ring
 * @queued: packets that wait for room in the ring, or for the gate to open
 * @queued_peak: highest @queued so far
 * @in_flight: packets written into the ring that wait for the peer's completion
 * @in_flight_peak: highest @in_flight so far
 * @delivered: incoming packets delivered to the driver
 * @outstanding: of @delivered, those that the driver has not completed
 * @outstanding_peak: highest @outstanding so far
 * @external: of @outstanding, those with external data
 * @deferred: deliveries that the driver deferred
 * @failed: packets that the driver failed
 * @batches: times delivery stopped after at least one packet
 * @comps_sent: completions written into the ring
 * @comps_dropped: completions of the driver that were dropped on a dead link
 * @comps_stale: completions of the peer, on a link that is not dead, that match
 *	no packet in flight
 * @bad_packets: errors in what the peer wrote, see &enum kmcl_bad
 * @bad: of @bad_packets, those of each kind
 * @comps_too_long: of @completed, those with -EMSGSIZE: the data of the peer's
 *	completion are above the packet size
 * @unanswered: of @completed, those with -EPROTO: nothing was received any more
 *	before the peer's completion
 * @full: times the outgoing ring had no room
 * @broken: openings in which the outgoing ring was broken: the peer wrote a
 *	read index that cannot be true, and nothing more was sent
 * @quota_stops: times delivery stopped at the quota
 * @limit_stops: times delivery stopped at the limit of memory
 * @memory: bytes that incoming packets use, see kmcl_set_memory_limit()
 * @memory_peak: highest @memory so far
 * @budget_stops: times delivery stopped to let others run
 * @opens: openings that succeeded, the opened callback included
 * @closes: times that an open channel was closed
 * @rescinds: of @closes, those that began with a dead link
 * @open_failures: openings that failed
 * @gpadls: GPADLs that a client has created and not deleted
 * @gpadls_left: GPADLs that the closed callback did not delete, or unmap
 * @gpadls_kept: GPADLs that the peer did not give back: their memory is never
 *	used again, even when its owner has freed it
 * @rings_kept: openings whose rings the peer did not give back: their memory is
 *	never used again
 * @packets_kept: packets whose external data the peer may have used after the
 *	channel was closed: that memory, too
 * @kept_bytes: bytes of the memory of all of these
 * @ring_in: bytes of data for which the incoming ring has room; if it is not
 *	connected, as it was last
 * @ring_out: the same of the outgoing ring
 * @ring_memory: bytes of the memory that the channel keeps for its rings until
 *	it is freed; 0 on the loopback bus
 * @small_rings: openings with rings that are smaller than was set, because
 *	memory was fragmented, see kmcl_set_ring_pages()
 *
 * The counters of sending are of one instant, and so are those of receiving.
 */
struct kmcl_counters {
	struct_group_tagged(kmcl_tx_counters, tx, /* what is sent */
		u64 accepted;
		u64 completed;
		u64 cancelled;
		u64 removed;
		u64 in_ring;
		u64 sent;
		u64 queued;
		u64 queued_peak;
		u64 in_flight;
		u64 in_flight_peak;
		u64 comps_sent;
		u64 comps_dropped;
		u64 comps_stale;
		u64 comps_too_long;
		u64 unanswered;
		u64 full;
		u64 broken;
	);

	struct_group_tagged(kmcl_rx_counters, rx, /* what is received */
		u64 delivered;
		u64 outstanding_peak;
		u64 deferred;
		u64 failed;
		u64 batches;
		u64 bad_packets;
		u64 bad[KMCL_BAD_COUNT];
		u64 quota_stops;
		u64 limit_stops;
		u64 budget_stops;
		u64 memory_peak;
	);

	u64 memory;
	u64 outstanding;
	u64 external;

	struct_group_tagged(kmcl_sm_counters, sm, /* openings */
		u64 opens;
		u64 closes;
		u64 rescinds;
		u64 open_failures;
	);

	u64 gpadls;
	u64 gpadls_left;
	u64 gpadls_kept;
	u64 rings_kept;
	u64 packets_kept;
	u64 kept_bytes;
	u64 ring_in;
	u64 ring_out;
	u64 ring_memory;
	u64 small_rings;
};

void kmcl_get_counters(struct kmcl_channel *ch, struct kmcl_counters *c);
const char *kmcl_channel_state_name(struct kmcl_channel *ch);

#endif
