/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the cases of the benchmark share.
 *
 * Two devices of tools/vmbhost: one is driven with the calls of hv_vmbus, the
 * other with the library. A case does the same with both, one after the other.
 *
 * While something is timed the host is kept still: both rings are masked, so that
 * neither end signals, and the host works only when the bench lets it. What is
 * timed is then what the guest executes, and nothing else.
 *
 * Everything runs in module init, in process context, one case at a time. The
 * channels' callbacks run in softirq context on the same processor, so that the
 * counters that they change need no lock.
 */
#ifndef BENCH_H
#define BENCH_H

#include <linux/hyperv.h>
#include <linux/kmcl.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/types.h>

#define BENCH_WARMUP	3
#define BENCH_ROUNDS	36	/* with these */
#define BENCH_WAIT_MS	5000
#define BENCH_REQUESTS	128	/* at most, at a time */

/* The offers, in the order of scripts/bench.sh, and their classes */
#define BENCH_RAW	0
#define BENCH_KMCL	1
#define BENCH_LOOPBACK	2	/* not offered by the host */
#define BENCH_CLASS(n)	GUID_INIT(0x6b6d636c, 0x6265, 0x6e63, 0x68, 0x00, \
				  0, 0, 0, 0, 0, (n))

/**
 * struct bench_link - one of the two devices
 * @channel: of hv_vmbus
 * @number: the host's number of the offer
 * @received: packets that the driver has got
 * @completed: requests of the driver that are completed
 */
struct bench_link {
	struct vmbus_channel *channel;
	unsigned int number;
	u32 received;
	u32 completed;
};

/**
 * struct bench_case - what is measured, and how
 * @name: as it is printed, and chosen by its beginning
 * @run: measure both, and report
 * @size: bytes of payload
 * @burst: packets that follow each other; on the loopback bus, channels
 * @wanted: they are requests
 * @packet: the channel's packet size; 0: 4096, or @size
 */
struct bench_case {
	const char *name;
	int (*run)(const struct bench_case *c);
	u32 size;
	u32 burst;
	bool wanted;
	u32 packet;
};

struct bench_value {
	const char *key;
	u64 value;
};

/* How the raw driver reads its ring */
enum bench_read {
	BENCH_FOREACH,		/* foreach_vmbus_pkt(), and a copy */
	BENCH_RECVPACKET,	/* vmbus_recvpacket() */
};

/* What is counted */
enum bench_count {
	BENCH_INSTRUCTIONS,
	BENCH_LOCKED,		/* locked operations */
	BENCH_IRQ_OFF,		/* times that interrupts are switched off */
	BENCH_FUNCTIONS,	/* instructions, of each function */
};

extern enum bench_count bench_count;

/* Single-stepping takes long */
static inline unsigned int bench_rounds(void)
{
	return bench_count == BENCH_INSTRUCTIONS ? BENCH_ROUNDS :
						   BENCH_WARMUP + 3;
}

/* Bytes in the ring of a packet with so much payload */
static inline u32 bench_packet_bytes(u32 payload)
{
	return sizeof(struct vmpacket_descriptor) + ALIGN(payload, 8) +
	       sizeof(u64);
}

/* The channel's packet size, at least the default */
static inline u32 bench_packet_size(const struct bench_case *c)
{
	return c->packet ?: max(c->size, 4096U);
}

/* Enough for a burst with some room, so that nothing waits for any */
static inline u32 bench_ring_bytes(const struct bench_case *c)
{
	return ALIGN(c->burst * bench_packet_bytes(c->size), SZ_64K) + SZ_64K;
}

/* bench_host.c */
int bench_host(const char *format, ...) __printf(1, 2);

/* bench_time.c */
int bench_time_init(void);
void bench_time_exit(void);
void bench_time_count(enum bench_count count);
void bench_time_forget(void);
void bench_begin(void);
u64 bench_end(void);
void bench_time_functions(const char *name);
u64 bench_result(u64 *samples, unsigned int count, u32 packets);

/* bench_link.c */
void bench_quiet(struct bench_link *link);
int bench_inbound(struct bench_link *link, u32 bytes);
u64 bench_wake(struct bench_link *link);
int bench_rest(struct bench_link *link);
int bench_kick(struct bench_link *link);
void bench_report(const struct bench_case *c, const struct bench_value *values,
		  unsigned int count);

/* bench_raw.c */
int bench_raw_register(void);
void bench_raw_unregister(void);
struct bench_link *bench_raw_open(u32 ring_bytes, u32 packet_bytes,
				  enum bench_read how);
void bench_raw_close(void);
struct device *bench_raw_device(void);
u64 bench_raw_id(int index);

/* bench_kmcl.c */
extern bool bench_kmcl_give_back;
extern u64 bench_kmcl_opened;
int bench_kmcl_create(u32 ring_bytes, u32 packet_bytes, u32 external_bytes);
struct bench_link *bench_kmcl_enable(void);
struct bench_link *bench_kmcl_open(u32 ring_bytes, u32 packet_bytes,
				   u32 external_bytes);
void bench_kmcl_close(void);
int bench_kmcl_packets(struct kmcl_packet **packets, unsigned int count);
void bench_kmcl_free_packets(struct kmcl_packet **packets, unsigned int count);
int bench_kmcl_watch(void);
void bench_kmcl_unwatch(void);
int bench_kmcl_find(struct bench_link *link);
struct kmcl_channel *bench_kmcl_channel(void);
void bench_kmcl_done(struct kmcl_packet *pkt, int status, void *buf, u32 len);

/* bench_send.c */
int bench_send(const struct bench_case *c);
int bench_signals(const struct bench_case *c);

/* bench_receive.c */
int bench_receive(const struct bench_case *c);

/* bench_request.c */
typedef int (*bench_send_fn)(struct bench_link *link,
			     const struct bench_case *c, unsigned int i);
int bench_requests(struct bench_link *link, const struct bench_case *c,
		   u32 reply, bench_send_fn send, u64 *value);
int bench_request(const struct bench_case *c);
int bench_request_alloc(const struct bench_case *c);

/* bench_external.c */
int bench_external(const struct bench_case *c);

/* bench_queue.c */
int bench_queue(const struct bench_case *c);

/* bench_channel.c */
int bench_open(const struct bench_case *c);
int bench_close(const struct bench_case *c);
int bench_open_driver(const struct bench_case *c);
int bench_close_driver(const struct bench_case *c);
int bench_memory(const struct bench_case *c);

/* bench_loopback.c */
int bench_loopback(const struct bench_case *c);

/* bench_floor.c */
int bench_floor(const struct bench_case *c);

#endif
