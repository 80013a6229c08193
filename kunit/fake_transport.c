// SPDX-License-Identifier: GPL-2.0
/*
 * A transport that is the test itself, see fake_transport.h.
 */
#include <linux/bottom_half.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "fake_transport.h"

struct fake_transport fake;

static int fake_watch(const guid_t *type, bool look)
{
	int result = fake.watch_result;

	fake.watches++;
	fake.watches_only += !look;
	fake.watched = *type;
	if (fake.watch_once)
		fake.watch_result = 0;
	return result;
}

static void fake_unwatch(const guid_t *type)
{
	fake.unwatches++;
}

static void fake_look(const guid_t *type)
{
	fake.looks++;
}

static void fake_settle(const guid_t *type)
{
	if (type)
		WRITE_ONCE(fake.settles, fake.settles + 1);
	else
		fake.settles_all++;
	if (fake.settle_waits)
		wait_for_completion_timeout(fake.settle_waits, LOOP_LIMIT);
}

static void fake_give_back(struct kmcl_offer *offer)
{
	WRITE_ONCE(fake.given_back, fake.given_back + 1);
	if (fake.back_waits)
		wait_for_completion_timeout(fake.back_waits, LOOP_LIMIT);
}

static size_t block_bytes(void)
{
	return PAGE_SIZE << fake.had.order;
}

static int take_block(struct kmcl_offer *offer)
{
	const struct kmcl_ring_block *block;

	if (!fake.library_memory)
		return 0;
	block = kmcl_offer_rings(offer, NUMA_NO_NODE);
	if (!block)
		return -ENOMEM;
	fake.had = *block;
	if (memchr_inv(page_address(block->page), 0, block_bytes()))
		fake.dirty = true;
	return 0;
}

/* The peer has written into it, and may not give it back, once */
static void leave_block(struct kmcl_offer *offer)
{
	if (fake.library_memory)
		memset(page_address(fake.had.page), 0xa5, block_bytes());
	if (fake.keep)
		kmcl_offer_rings_kept(offer);
	fake.keep = false;
}

/* No traffic fits in it, since it is not mapped twice in a row */
static void ring_in_block(struct kmcl_ring *ring, u32 first, u32 pages)
{
	void *ctl = page_address(fake.had.page + first);

	kmcl_ring_init(ring, ctl, ctl + PAGE_SIZE, (pages - 1) * PAGE_SIZE);
}

static int fake_open(struct kmcl_offer *offer, struct kmcl_ring *tx,
		     struct kmcl_ring *rx)
{
	int ret = take_block(offer);

	if (ret)
		return ret;
	if (fake.open_result) {
		leave_block(offer);
		return fake.open_result;
	}
	WRITE_ONCE(fake.opens, fake.opens + 1);
	if (fake.open_waits)
		wait_for_completion_timeout(fake.open_waits, LOOP_LIMIT);
	if (fake.library_memory) {
		ring_in_block(tx, 0, fake.had.tx_pages);
		ring_in_block(rx, fake.had.tx_pages, fake.had.rx_pages);
		return 0;
	}
	ring_at(fake.out, 0, 0);
	ring_at(fake.in, 0, 0);
	kmcl_ring_init(tx, fake.out->ctl, fake.out->data, fake.out->size);
	kmcl_ring_init(rx, fake.in->ctl, fake.in->data, fake.in->size);
	return 0;
}

static void fake_close(struct kmcl_offer *offer)
{
	if (fake.close_waits)
		wait_for_completion_timeout(fake.close_waits, LOOP_LIMIT);
	leave_block(offer);
	fake.closed_early |= READ_ONCE(fake.signalling);
	WRITE_ONCE(fake.closes, fake.closes + 1);
}

static bool fake_gpadls_first(struct kmcl_offer *offer)
{
	return fake.gpadls_first;
}

/* As when a bus removes the device: the offer is gone before this returns */
static void fake_release(struct kmcl_offer *offer)
{
	fake.offer = NULL;
	kmcl_offer_gone(offer);
	WRITE_ONCE(fake.releases, fake.releases + 1);
	if (fake.release_waits)
		wait_for_completion_timeout(fake.release_waits, LOOP_LIMIT);
}

static void fake_signal(struct kmcl_offer *offer)
{
	struct kmcl_packet *pkt = fake.meanwhile;
	unsigned long end = jiffies + LOOP_LIMIT;
	u64 value = 2;

	if (READ_ONCE(fake.hold_signal)) {
		WRITE_ONCE(fake.signalling, true);
		while (READ_ONCE(fake.hold_signal) && time_before(jiffies, end))
			cpu_relax();
		WRITE_ONCE(fake.signalling, false);
	}
	fake.signals++;
	fake.meanwhile = NULL;
	/* As another processor may, while this one signals */
	if (pkt)
		kmcl_send(pkt, &value, sizeof(value), 0);
}

void fake_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	if (fake.ndone < ARRAY_SIZE(fake.done))
		fake.done[fake.ndone] = pkt;
	fake.closes_at_done = READ_ONCE(fake.closes);
	fake.status = status;
	fake.ndone++;
}

static void fake_mmio(struct kmcl_offer *offer, u64 *start, u64 *size)
{
	*start = 0xf8000000;
	*size = 0x800000;
}

static void fake_mmio_free(struct kmcl_offer *offer)
{
	fake.mmio_frees++;
}

static bool fake_private(struct kmcl_offer *offer)
{
	return fake.private;
}

static void fake_full(struct kmcl_offer *offer, bool first)
{
	fake.fulls++;
	fake.first_fulls += first;
}

const struct kmcl_transport_ops fake_ops = {
	.name = "test",
	.watch = fake_watch,
	.unwatch = fake_unwatch,
	.look = fake_look,
	.settle = fake_settle,
	.open = fake_open,
	.close = fake_close,
	.release = fake_release,
	.give_back = fake_give_back,
	.signal = fake_signal,
	.gpadls_first = fake_gpadls_first,
	.mmio = fake_mmio,
	.mmio_free = fake_mmio_free,
	.private = fake_private,
	.full = fake_full,
};

void fake_hold_signal(bool hold)
{
	WRITE_ONCE(fake.hold_signal, hold);
}

bool fake_signalling(void)
{
	return READ_ONCE(fake.signalling);
}

void fake_offer(struct loop *loop)
{
	struct kmcl_offer *offer;

	offer = kmcl_offer_add(&fake_ops, &loop->type, &loop->instance,
			       NULL, &fake);
	KUNIT_ASSERT_FALSE(loop->test, IS_ERR(offer));
	KUNIT_EXPECT_PTR_EQ(loop->test, kmcl_offer_priv(offer), (void *)&fake);
	fake.offer = offer;
}

int fake_claim(const guid_t *type, const guid_t *instance)
{
	struct kmcl_offer *offer;

	offer = kmcl_offer_claim(&fake_ops, type, instance, &fake);
	if (IS_ERR(offer))
		return PTR_ERR(offer);
	fake.offer = offer;
	return 0;
}

void fake_up(struct loop *loop)
{
	KUNIT_ASSERT_EQ(loop->test, kmcl_transport_register(&fake_ops), 0);
	KUNIT_ASSERT_EQ(loop->test, kmcl_channel_enable(loop->client.ch), 0);
	fake_offer(loop);
	loop_wait_event(&loop->client, POST_STARTED, 1);
}

static void fake_put(struct loop *loop, u16 type, u16 flags, u64 trans_id,
		     u64 value)
{
	KUNIT_ASSERT_EQ(loop->test, 0,
			kmcl_ring_put(&fake.in->tx, type, flags, trans_id, NULL,
				      0, &value, sizeof(value)));
	kmcl_ring_commit(&fake.in->tx);
}

void fake_packet(struct loop *loop, u64 value)
{
	fake_put(loop, KMCL_WIRE_DATA_INBAND, 0, 1, value);
}

void fake_packet_wanted(struct loop *loop, u64 value)
{
	fake_put(loop, KMCL_WIRE_DATA_INBAND,
		 KMCL_WIRE_FLAG_COMPLETION_REQUESTED, 1, value);
}

void fake_completion(struct loop *loop, u64 trans_id)
{
	fake_put(loop, KMCL_WIRE_COMP, 0, trans_id, 0);
}

void fake_interrupt(void)
{
	local_bh_disable();
	kmcl_offer_signalled(fake.offer);
	local_bh_enable();
}

void fake_exit(struct kunit *test)
{
	struct loop *loop = test->priv;

	if (loop)
		loop_exit(test);
	if (fake.offer)
		kmcl_offer_gone(fake.offer);
	kmcl_transport_unregister(&fake_ops);
	if (loop) {
		KUNIT_EXPECT_EQ(test, fake.opens, fake.closes);
		KUNIT_EXPECT_EQ(test, fake.opens, fake.mmio_frees);
		if (!fake.watch_result)
			KUNIT_EXPECT_GE(test, fake.watches, fake.unwatches);
	}
}

int fake_init(struct kunit *test)
{
	memset(&fake, 0, sizeof(fake));
	fake.out = ring_fixture_new(test, FAKE_RING_BYTES);
	fake.in = ring_fixture_new(test, FAKE_RING_BYTES);
	return loop_init(test);
}

int fake_rings_init(struct kunit *test, u32 in, u32 out)
{
	struct loop *loop;
	int ret = fake_init(test);

	if (ret)
		return ret;
	loop = test->priv;
	fake.library_memory = true;
	KUNIT_ASSERT_EQ(test, 0, kmcl_transport_register(&fake_ops));
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_ring_pages(loop->client.ch, in, out));
	return 0;
}

void fake_expect_rings(struct kunit *test, u32 out, u32 in)
{
	struct loop *loop = test->priv;
	const struct kmcl_counters *c = loop_snapshot(&loop->client);

	KUNIT_EXPECT_EQ(test, fake.had.tx_pages, out);
	KUNIT_EXPECT_EQ(test, fake.had.rx_pages, in);
	KUNIT_EXPECT_EQ(test, c->ring_out, (out - 1) * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, c->ring_in, (in - 1) * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, c->ring_memory, PAGE_SIZE << fake.had.order);
}
