// SPDX-License-Identifier: GPL-2.0
/*
 * What nobody can do without: the copy, the descriptor, the trailer, the index
 * and its barrier, on memory that no host reads.
 *
 * Process context.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "bench.h"

static u8 payload[SZ_16K];

struct floor_ring {
	u32 write_index;
	u32 read_index;
	u32 interrupt_mask;
	u8 *data;
};

static void put(struct floor_ring *ring, u32 at, u32 size)
{
	u64 *desc = (u64 *)(ring->data + at);

	desc[0] = (u64)(size / 8 + 2) << 32;
	desc[1] = 0;
	memcpy(desc + 2, payload, size);
	desc[2 + size / 8] = (u64)at << 32;
}

static bool show(struct floor_ring *ring, u32 index)
{
	smp_store_release(&ring->write_index, index); /* after the packet */
	virt_mb(); /* the index, before the mask is read */
	return !READ_ONCE(ring->interrupt_mask);
}

/* Each packet is shown; or all of them at the end */
static u64 send(struct floor_ring *ring, const struct bench_case *c, bool each)
{
	u32 i, at = 0;

	bench_begin();
	for (i = 0; i < c->burst; i++) {
		put(ring, at, c->size);
		at += bench_packet_bytes(c->size);
		if (each)
			show(ring, at);
	}
	if (!each)
		show(ring, at);
	return bench_end();
}

static u64 receive(struct floor_ring *ring, const struct bench_case *c)
{
	u32 write, length, at = 0;
	const u64 *desc;

	bench_begin();
	write = smp_load_acquire(&ring->write_index); /* before the packets */
	while (at != write) {
		desc = (const u64 *)(ring->data + at);
		length = (u16)(READ_ONCE(desc[0]) >> 32) * 8;
		if (length > write - at)
			break;
		memcpy(payload, desc + 2, length - 16);
		at += length + sizeof(u64);
	}
	smp_store_release(&ring->read_index, at); /* after the copies */
	return bench_end();
}

int bench_floor(const struct bench_case *c)
{
	struct bench_value values[] = {
		{ "send" }, { "together" }, { "receive" },
	};
	u64 each[BENCH_ROUNDS], together[BENCH_ROUNDS], received[BENCH_ROUNDS];
	struct floor_ring ring = { .interrupt_mask = 1 };
	unsigned int i;

	ring.data = kvzalloc(bench_ring_bytes(c), GFP_KERNEL);
	if (!ring.data)
		return -ENOMEM;
	for (i = 0; i < bench_rounds(); i++) {
		each[i] = send(&ring, c, true);
		together[i] = send(&ring, c, false);
		received[i] = receive(&ring, c);
	}
	kvfree(ring.data);
	values[0].value = bench_result(each, i, c->burst);
	values[1].value = bench_result(together, i, c->burst);
	values[2].value = bench_result(received, i, c->burst);
	bench_report(c, values, ARRAY_SIZE(values));
	return 0;
}
