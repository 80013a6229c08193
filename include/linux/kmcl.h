/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vmbkmcl: the VMBus Kernel Mode Client Library, in Linux' idiom.
 *
 * The same functions under Windows' names: <vmbuskernelmodeclientlibapi.h>.
 *
 * Return values are 0 or a negative errno.
 *
 * "May sleep" means process context; "atomic" means that the function may
 * also be called from softirq context, and never sleeps.
 */
#ifndef _LINUX_KMCL_H
#define _LINUX_KMCL_H

#include <linux/errno.h>
#include <linux/kmcl_mdl.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <linux/uuid.h>

struct device;
struct kmcl_channel;
struct kmcl_context;
struct kmcl_packet;
struct scatterlist;

/* Send flags */
#define KMCL_SEND_WAIT		0x1	/* complete when the peer has completed it */
#define KMCL_SEND_FORCE_LENGTH	0x2	/* kmcl_send_mdl_part(): past the end */
#define KMCL_SEND_PAGED		0x4	/* the buffer may fault: copy it first */

/* Flags of a channel, and of a server's offer */
#define KMCL_INIT_PIPE			0x1
#define KMCL_SERVER_LOOPBACK		0x1
#define KMCL_SERVER_ENUMERATE		0x2
#define KMCL_SERVER_OFFER_AS_PIPE	0x4
#define KMCL_SERVER_FORCE_NEW		0x8
#define KMCL_SERVER_TLNPI		0x10

/* Flags of an incoming packet, and of kmcl_packet_external() */
#define KMCL_PACKET_EXTERNAL	0x1	/* memory of the client's comes with it */
#define KMCL_EXTERNAL_READ_ONLY	0x1	/* it is only to be read */

/* Flag of a GPADL, and of a mapping of one */
#define KMCL_GPADL_READ_ONLY	0x1

/* No time limit for kmcl_send_sync() */
#define KMCL_NO_TIMEOUT		S64_MAX

/* The most bytes of payload that a packet can carry */
#define KMCL_PACKET_SIZE_MAX	524264U

/* The largest ring, in pages of 4 KiB: 1 GiB */
#define KMCL_RING_PAGES_MAX	0x40000U

/**
 * struct kmcl_channel_ops - state callbacks of a channel
 * @opened: the link is up, nothing moves yet; a negative result undoes the open
 * @closed: the channel is closed; packets are queued from here on, not sent
 * @suspend: no packet will be delivered until @started; complete what is
 *	outstanding, stop sending. What is sent nevertheless is queued
 * @started: about to run; may queue packets, must not wait for traffic
 * @post_started: running; may wait for traffic
 *
 * All optional. They run one at a time per channel, in process context on the
 * library's workqueue, with no lock of the library held, and may sleep. None
 * may enable, disable, start, pause or clean up its own channel. A result of
 * @opened is an errno or an NTSTATUS: only its sign counts.
 */
struct kmcl_channel_ops {
	int (*opened)(struct kmcl_channel *ch);
	void (*closed)(struct kmcl_channel *ch);
	void (*suspend)(struct kmcl_channel *ch);
	void (*started)(struct kmcl_channel *ch);
	void (*post_started)(struct kmcl_channel *ch);
};

/**
 * typedef kmcl_process_fn - take an incoming packet
 * @ch: the channel
 * @ctx: the packet: complete it now or later with kmcl_complete(), or
 *	kmcl_packet_defer() it; kmcl_context_priv() is the driver's until then
 * @buf: its payload, valid and writable until then
 * @len: bytes of payload
 * @flags: %KMCL_PACKET_EXTERNAL
 *
 * One at a time per channel. Atomic, unless process context was asked for.
 */
typedef void (*kmcl_process_fn)(struct kmcl_channel *ch,
				struct kmcl_context *ctx,
				void *buf, u32 len, u32 flags);

/**
 * typedef kmcl_processed_fn - see the end of a batch of incoming packets
 * @ch: the channel
 * @packets: how many were delivered before delivery stopped
 *
 * Context as for kmcl_process_fn.
 */
typedef void (*kmcl_processed_fn)(struct kmcl_channel *ch, u32 packets);

/**
 * typedef kmcl_done_fn - complete a packet that was sent
 * @pkt: the packet, the driver's again
 * @status: 0 or a negative errno
 * @buf: the peer's data, in the packet: only during the call, and not after
 *	the packet was freed or sent again
 * @len: bytes of that
 *
 * Called exactly once for each send that was accepted. Atomic.
 */
typedef void (*kmcl_done_fn)(struct kmcl_packet *pkt, int status,
			     void *buf, u32 len);

/**
 * typedef kmcl_pnp_failure_fn - hear that the device could not be opened
 * @ch: the channel, which is disabled when this has returned
 * @status: a negative errno
 *
 * May sleep; a state callback in all else.
 */
typedef void (*kmcl_pnp_failure_fn)(struct kmcl_channel *ch, int status);

/**
 * typedef kmcl_save_fn - save what the driver has with a packet
 * @ch: the server channel
 * @pkt: the packet, queued or in flight
 * @buf: where it goes
 * @size: room there; 0 asks whether there is anything: if so the callback fails
 *	and sets @needed, and is called again with that much room
 * @needed: bytes of room that are needed
 *
 * May sleep.
 *
 * Return: 0 or more, or a negative errno: too little room.
 */
typedef int (*kmcl_save_fn)(struct kmcl_channel *ch, struct kmcl_packet *pkt,
			    void *buf, u32 size, u32 *needed);

/**
 * typedef kmcl_restore_fn - restore a packet
 * @ch: the server channel
 * @saved: the library's part: make a packet, and give this to
 *	kmcl_packet_restore()
 * @saved_size: bytes of that
 * @data: the driver's part, as the save callback wrote it, or NULL
 * @size: bytes of that
 *
 * Both parts are somebody else's input. May sleep.
 *
 * Return: 0 or more, or a negative errno: the image is not restored any
 * further.
 */
typedef int (*kmcl_restore_fn)(struct kmcl_channel *ch, void *saved,
			       u32 saved_size, void *data, u32 size);

/* Channels */
int kmcl_channel_alloc(struct device *parent, bool is_server,
		       struct kmcl_channel **chp);
int kmcl_channel_free(struct kmcl_channel *ch);
int kmcl_channel_enable(struct kmcl_channel *ch);
int kmcl_channel_disable(struct kmcl_channel *ch);
int kmcl_channel_start(struct kmcl_channel *ch);
int kmcl_channel_pause(struct kmcl_channel *ch);

/* Setters, only while the channel is disabled */
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

/* At any time */
int kmcl_set_latency(struct kmcl_channel *ch, u16 latency, u16 *original);
void kmcl_get_mmio(struct kmcl_channel *ch, u64 *start, u64 *size);
void kmcl_set_pointer(struct kmcl_channel *ch, void *ptr);
void *kmcl_get_pointer(const struct kmcl_channel *ch);
void kmcl_get_instance(struct kmcl_channel *ch, guid_t *instance);
bool kmcl_channel_is_server(const struct kmcl_channel *ch);
bool kmcl_channel_is_pipe(const struct kmcl_channel *ch);
void kmcl_set_quota(struct kmcl_channel *ch, u32 quota);
void kmcl_set_process_context(struct kmcl_channel *ch, bool required);

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
int kmcl_send_sync(struct kmcl_channel *ch, const void *buf, u32 len,
		   u32 flags, void *reply, u32 *reply_len, s64 timeout_ns);

/* Incoming packets */
void kmcl_complete(struct kmcl_context *ctx, const void *buf, u32 len);
void kmcl_packet_defer(struct kmcl_context *ctx);
void kmcl_packet_fail(struct kmcl_context *ctx);
void *kmcl_context_priv(struct kmcl_context *ctx);
int kmcl_packet_external(struct kmcl_context *ctx, u32 flags,
			 struct kmcl_mdl **mdl);

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
 * enum kmcl_bad - what can be wrong with what the other side writes
 * @KMCL_BAD_WRITE_INDEX: outside the ring
 * @KMCL_BAD_SHORT: less than a header
 * @KMCL_BAD_OFFSET: offset8: data outside the packet
 * @KMCL_BAD_LENGTH: len8: beyond what is there
 * @KMCL_BAD_TYPE: of no use here
 * @KMCL_BAD_SIZE: above the packet size
 * @KMCL_BAD_PIPE: pipe header
 * @KMCL_BAD_EXTERNAL: external data's ranges
 * @KMCL_BAD_DRIVER: the driver failed it
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
 * struct kmcl_counters - a consistent snapshot of a channel's counters
 * @accepted: sends that returned success; always @completed + @queued + @in_flight
 * @completed: packets whose fate is settled, whatever it is
 * @cancelled: of these, with -ECANCELED
 * @removed: of these, with -ENODEV
 * @in_ring: of these, without waiting for the peer: done when in the ring
 * @sent: packets put into the ring
 * @queued: packets waiting for the ring or for the next opening
 * @queued_peak: the most there ever were
 * @in_flight: in the ring, waiting for the peer's completion
 * @in_flight_peak: the most there ever were
 * @delivered: incoming packets given to the driver
 * @outstanding: of these, not yet completed by it
 * @outstanding_peak: the most there ever were
 * @external: of @outstanding, those with external data
 * @deferred: deliveries that the driver deferred
 * @failed: packets that the driver failed
 * @batches: times delivery stopped after at least one packet
 * @comps_sent: completions put into the ring
 * @comps_dropped: completions of the driver that found a dead link
 * @comps_stale: completions of the peer that match no transaction, on a live link
 * @bad_packets: incoming packets that were malformed or of no use here
 * @bad: of these, by kind
 * @full: times the outgoing ring had no room
 * @broken: openings whose outgoing ring the other side broke: it wrote a read index
 *	that cannot be true, and nothing more is sent until the next opening
 * @quota_stops: times delivery stopped at the quota
 * @budget_stops: times delivery stopped to let others run
 * @opens: openings whose opened callback returned success
 * @closes: closed callbacks that were due
 * @rescinds: links that the other side took away
 * @open_failures: openings that failed
 * @gpadls: GPADLs of a client's that there are
 * @gpadls_left: those that the closed callback did not delete, or unmap
 */
struct kmcl_counters {
	struct_group_tagged(kmcl_tx_counters, tx,
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
			    u64 full;
			    u64 broken;
	);

	struct_group_tagged(kmcl_rx_counters, rx,
			    u64 delivered;
			    u64 outstanding_peak;
			    u64 deferred;
			    u64 failed;
			    u64 batches;
			    u64 bad_packets;
			    u64 bad[KMCL_BAD_COUNT];
			    u64 quota_stops;
			    u64 budget_stops;
	);

	u64 outstanding;
	u64 external;

	struct_group_tagged(kmcl_sm_counters, sm,
			    u64 opens;
			    u64 closes;
			    u64 rescinds;
			    u64 open_failures;
	);

	u64 gpadls;
	u64 gpadls_left;
};

void kmcl_get_counters(struct kmcl_channel *ch, struct kmcl_counters *c);
const char *kmcl_channel_state_name(struct kmcl_channel *ch);

#include <linux/kmcl_client.h>

#endif
