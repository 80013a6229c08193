/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Both sides of a VMBus ring of their own, for the tests of the ring. No lock:
 * one thread uses them, or a thread each side.
 */
#ifndef _KMCL_RING_FIXTURE_H
#define _KMCL_RING_FIXTURE_H

#include <linux/types.h>

#include "ring.h"

struct kunit;
struct page;

#define SMALLEST	24U	/* descriptor and trailer */
#define POISON		0xa5

struct ring_fixture {
	struct kmcl_ring_ctl *ctl;
	struct kmcl_ring tx;
	struct kmcl_ring rx;
	struct page **pages;
	u8 *data;
	u32 size;
	u32 npages;
};

struct ring_fixture *ring_fixture_new(struct kunit *test, u32 bytes);
int ring_test_init(struct kunit *test);
void ring_at(struct ring_fixture *f, u32 read, u32 write);
int ring_put_bytes(struct ring_fixture *f, u32 bytes);
u32 ring_take(struct kunit *test, struct ring_fixture *f);
void ring_pattern(u8 *p, u32 len, u32 seed);

static inline u32 wrap(const struct ring_fixture *f, u32 index)
{
	return index % f->size;
}

#endif
