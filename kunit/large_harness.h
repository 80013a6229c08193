/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For suites of packets that are larger than a page: what delivery stops for is
 * counted, and no case may allocate more than a page at a time where it cannot wait.
 */
#ifndef _KMCL_LARGE_HARNESS_H
#define _KMCL_LARGE_HARNESS_H

#include <linux/sizes.h>

#include "faults.h"
#include "harness.h"

#define LARGE	SZ_128K

struct large_fixture {
	struct fault_attr *slab;
	struct fault_attr *page;
	const struct kmcl_channel *ch;	/* whose stops are counted */
	atomic_t stops;
	u32 wrong;		/* bytes of payloads */
};

extern struct large_fixture large_fx;

int large_init(struct kunit *test);
void large_exit(struct kunit *test);

/* How often delivery has stopped for lack of memory */
static inline int large_stops(void)
{
	return atomic_read(&large_fx.stops);
}

/* Callbacks: compare the payload with @value */
void large_check(struct kmcl_context *ctx, u64 value);
void large_check_and_complete(struct end *e, struct kmcl_context *ctx, u64 value);
void large_check_and_keep(struct end *e);
/* Both ends have that packet size, and the server checks what it gets */
void large_bring_up(struct loop *loop, u32 size);
/* The server gets @n packets in all, in order */
void large_expect_arrived(struct loop *loop, u32 n);
void large_no_memory(void);
void large_memory_again(void);

#endif
