/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two channels for suites in which allocations fail.
 *
 * An operation runs again and again, its first allocation failing, then its
 * second, until it runs without meeting the one that is to fail. The filter is
 * the library's text, on whatever task or softirq it runs. Nothing may be left
 * behind: allocation profiling counts the objects of each place in the
 * library that allocates, and tells whether it was reached.
 */
#ifndef _KMCL_ALLOC_HARNESS_H
#define _KMCL_ALLOC_HARNESS_H

#include <kunit/test.h>

#include <linux/completion.h>
#include <linux/fault-inject.h>

#include "faults.h"
#include "channel.h"

#define PACKETS		4
#define PATIENCE	(10 * HZ)

struct alloc_end {
	struct kmcl_channel *ch;
	struct completion settled;
	int failure;
};

struct alloc_fixture {
	struct fault_attr *slab;
	struct fault_attr *page;
	struct device *parent;
	unsigned int parent_refs;
	struct alloc_end client;
	struct alloc_end server;
	struct kmcl_context *held[PACKETS];
	u8 order[PACKETS];
	atomic_t delivered;
	struct completion all_delivered;
};

extern const guid_t alloc_type;
extern const guid_t alloc_instance;
extern const struct kmcl_channel_ops alloc_ops;

int alloc_init(struct kunit *test);
void alloc_exit(struct kunit *test);

void alloc_fail_each(struct kunit *test, struct fault_attr *attr,
		     int (*round)(struct kunit *test, struct fault_attr *attr,
				  int nth, bool *failed), int least);

void alloc_make(struct kunit *test, struct alloc_end *e, bool server);
void alloc_finish(struct alloc_end *e);
void alloc_wait_settled(struct kunit *test, struct alloc_end *e);
void alloc_open_both(struct kunit *test);
int alloc_ask(struct kmcl_channel *ch);
void alloc_open_failed(struct kmcl_channel *ch, int status);
void alloc_echo(struct kmcl_channel *ch, struct kmcl_context *ctx,
		void *buf, u32 len, u32 flags);

#endif
