// SPDX-License-Identifier: GPL-2.0
/*
 * Both sides of a VMBus ring of their own, for the tests of the ring. No lock:
 * one thread uses them, or a thread each side.
 */
#include <kunit/resource.h>
#include <kunit/test.h>

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/prandom.h>
#include <linux/vmalloc.h>

#include "ring_fixture.h"

static void fixture_free(void *data)
{
	struct ring_fixture *f = data;
	u32 i;

	vunmap(f->data);
	for (i = 0; i < f->npages; i++)
		if (f->pages[i])
			__free_page(f->pages[i]);
}

struct ring_fixture *ring_fixture_new(struct kunit *test, u32 bytes)
{
	u32 npages = DIV_ROUND_UP(bytes, PAGE_SIZE);
	struct ring_fixture *f;
	u32 i;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	f->ctl = kunit_kzalloc(test, KMCL_PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->ctl);
	f->pages = kunit_kcalloc(test, 2 * npages, sizeof(*f->pages), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->pages);
	f->npages = npages;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, fixture_free, f));

	for (i = 0; i < npages; i++) {
		f->pages[i] = alloc_page(GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, f->pages[i]);
		f->pages[npages + i] = f->pages[i];
	}
	f->data = vmap(f->pages, 2 * npages, VM_MAP, PAGE_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->data);

	f->size = npages * PAGE_SIZE;
	memset(f->data, POISON, f->size);
	f->ctl->feature_bits = KMCL_RING_FEATURE_PENDING_SEND_SZ;
	kmcl_ring_init(&f->tx, f->ctl, f->data, f->size);
	kmcl_ring_init(&f->rx, f->ctl, f->data, f->size);
	return f;
}

int ring_test_init(struct kunit *test)
{
	test->priv = ring_fixture_new(test, KMCL_PAGE_SIZE);
	return 0;
}

/* As if packets up to @write had been put, and those up to @read consumed */
void ring_at(struct ring_fixture *f, u32 read, u32 write)
{
	f->ctl->read_index = read;
	f->ctl->write_index = write;
	f->ctl->interrupt_mask = 0;
	f->ctl->pending_send_sz = 0;
	kmcl_ring_init(&f->tx, f->ctl, f->data, f->size);
	kmcl_ring_init(&f->rx, f->ctl, f->data, f->size);
	f->tx.index = write;
	f->tx.shared = write;
	f->rx.index = read;
	f->rx.shared = read;
}

/* A packet that takes @bytes of the ring */
int ring_put_bytes(struct ring_fixture *f, u32 bytes)
{
	static const u8 zeroes[2 * PAGE_SIZE];

	return kmcl_ring_put(&f->tx, KMCL_WIRE_DATA_INBAND, 0, 1, NULL, 0,
			     zeroes, bytes - SMALLEST);
}

/* Consume one packet; its size, or 0 if there is none */
u32 ring_take(struct kunit *test, struct ring_fixture *f)
{
	struct kmcl_ring_packet pkt;

	KUNIT_ASSERT_EQ(test, kmcl_ring_peek(&f->rx, &pkt), KMCL_RING_OK);
	if (pkt.total)
		kmcl_ring_consume(&f->rx, &pkt);
	return pkt.total;
}

void ring_pattern(u8 *p, u32 len, u32 seed)
{
	struct rnd_state rnd;

	prandom_seed_state(&rnd, seed);
	prandom_bytes_state(&rnd, p, len);
}
