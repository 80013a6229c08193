/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For suites of large packets, which are copied without tx.lock: a probe on the
 * tracepoint at the beginning of each copy does to the channel what others may do
 * meanwhile. Suites run one at a time.
 */
#ifndef _KMCL_COPY_HARNESS_H
#define _KMCL_COPY_HARNESS_H

#include "harness.h"

#define LARGE	(KMCL_TX_AT_ONCE + 8000)
#define LITTLE	3	/* packets that are sent meanwhile */

struct copy_fixture {
	const struct kmcl_channel *ch;
	void (*hook)(struct loop *loop);	/* of the next copy, or NULL */
	struct loop *loop;
	u64 *buf;
	u32 copies;
	u32 irqs_off;
	u32 moved;		/* copies in which that has changed */
	u32 wrong;		/* words of payloads that have arrived */
	struct kmcl_packet *pkt;
	bool ready, release;
	struct kmcl_message msg[4];
	struct sent *sent[4];
	u64 value[4];
};

extern struct copy_fixture copy_fx;

int copy_init(struct kunit *test);
void copy_exit(struct kunit *test);

/* Both ends are Active, and what the server receives is checked */
void copy_bring_up(struct loop *loop);
/* The same, and the client keeps a request of the server, which is returned */
struct sent *copy_keep_request(struct loop *loop);
void copy_check_payload(struct end *e, struct kmcl_context *ctx, u64 value);
/* Each word of it is @value */
struct sent *copy_send_large(struct end *e, u64 value, u32 flags);
/* For copy_fx.hook: the client sends numbers 1 to LITTLE */
void copy_send_little(struct loop *loop);
/* Numbers 0 to @n - 1 have arrived, in order, and nothing is left */
void copy_expect_arrived(struct loop *loop, u32 n);

#endif
