// SPDX-License-Identifier: GPL-2.0
/*
 * Packets that were queued before the channel opened, and are sent when it has.
 *
 * The library sends them by itself, when the started callback has returned, and
 * then runs their completion routines: what is counted is from there to the last
 * routine. Of two lengths of the queue the difference counts, so that what only
 * depends on the opening is left out. The raw driver has a list.
 *
 * Process context; the completion routine runs with bottom halves off.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/mm.h>

#include "bench.h"

#define FEW	256
#define MANY	1280

struct raw_queued {
	struct list_head node;
	u8 payload[64];
};

static struct bench_link link = { .number = BENCH_KMCL };
static struct kmcl_packet *packets[MANY];
static unsigned int queued;	/* in each opening */
static unsigned int sent;
static u64 counted;
static DECLARE_COMPLETION(all_sent);
static u8 payload[64];

static int kmcl_opened(struct kmcl_channel *ch)
{
	unsigned int i;
	int ret = bench_kmcl_find(&link);

	if (ret)
		return ret;
	bench_quiet(&link);
	sent = 0;
	for (i = 0; i < queued && !ret; i++)
		ret = kmcl_send(packets[i], payload, sizeof(payload), 0);
	return ret;
}

static void kmcl_started(struct kmcl_channel *ch)
{
	bench_begin();
}

static void kmcl_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	if (++sent < queued)
		return;
	counted = bench_end();
	complete(&all_sent);
}

/* Open, send what waits, close */
static int kmcl_once(struct kmcl_channel *ch, u64 *value)
{
	int ret;

	reinit_completion(&all_sent);
	ret = kmcl_channel_enable(ch);
	if (ret)
		return ret;
	if (wait_for_completion_timeout(&all_sent,
					msecs_to_jiffies(BENCH_WAIT_MS)))
		ret = bench_kick(&link);
	else
		ret = -ETIMEDOUT;
	*value = counted;
	kmcl_channel_disable(ch);
	return ret;
}

static int kmcl_rounds(struct kmcl_channel *ch, unsigned int count, u64 *value)
{
	u64 samples[BENCH_ROUNDS];
	unsigned int i;
	int ret = 0;

	queued = count;
	for (i = 0; i < bench_rounds() && !ret; i++)
		ret = kmcl_once(ch, &samples[i]);
	if (!ret)
		*value = bench_result(samples, i, 1);
	return ret;
}

static int measure_kmcl(const struct bench_case *c, u64 *value)
{
	const struct kmcl_client client = {
		.name = "kmcl_bench",
		.type = BENCH_CLASS(BENCH_KMCL),
		.tx_ring_bytes = bench_ring_bytes(c),
		.rx_ring_bytes = bench_ring_bytes(c),
		.opened = kmcl_opened,
		.started = kmcl_started,
	};
	struct kmcl_channel *ch = kmcl_client_create(NULL, &client, NULL);
	u64 few = 0, many = 0;
	unsigned int i;
	int ret = 0;

	if (IS_ERR(ch))
		return PTR_ERR(ch);
	for (i = 0; i < MANY && !ret; i++) {
		packets[i] = kmcl_packet_alloc(ch);
		if (packets[i])
			kmcl_packet_set_done(packets[i], kmcl_done);
		else
			ret = -ENOMEM;
	}
	if (!ret)
		ret = kmcl_rounds(ch, FEW, &few);
	/* Single-stepped, a few are enough */
	if (!ret && bench_count != BENCH_FUNCTIONS)
		ret = kmcl_rounds(ch, MANY, &many);
	*value = DIV_ROUND_CLOSEST_ULL(many - few, MANY - FEW);
	while (i--)
		if (packets[i])
			kmcl_packet_free(packets[i]);
	kmcl_channel_free(ch);
	return ret;
}

static int raw_flush(struct bench_link *raw, struct list_head *queue)
{
	struct raw_queued *item, *next;
	int ret = 0;

	list_for_each_entry_safe(item, next, queue, node) {
		ret = vmbus_sendpacket(raw->channel, item->payload,
				       sizeof(item->payload), 0,
				       VM_PKT_DATA_INBAND, 0);
		if (ret)
			break;
		list_del(&item->node);
	}
	return ret;
}

static int raw_rounds(struct bench_link *raw, struct raw_queued *items,
		      u64 *value)
{
	u64 samples[BENCH_ROUNDS];
	unsigned int i, k;
	LIST_HEAD(queue);
	int ret;

	for (i = 0; i < bench_rounds(); i++) {
		for (k = 0; k < MANY; k++)
			list_add_tail(&items[k].node, &queue);
		bench_quiet(raw);
		bench_begin();
		ret = raw_flush(raw, &queue);
		samples[i] = bench_end();
		if (!ret)
			ret = bench_kick(raw);
		if (ret)
			return ret;
	}
	*value = bench_result(samples, i, MANY);
	return 0;
}

static int measure_raw(const struct bench_case *c, u64 *value)
{
	struct raw_queued *items = kvcalloc(MANY, sizeof(*items), GFP_KERNEL);
	struct bench_link *raw;
	int ret;

	if (!items)
		return -ENOMEM;
	raw = bench_raw_open(bench_ring_bytes(c), 0, BENCH_FOREACH);
	ret = PTR_ERR_OR_ZERO(raw);
	if (!ret) {
		ret = raw_rounds(raw, items, value);
		bench_raw_close();
	}
	kvfree(items);
	return ret;
}

int bench_queue(const struct bench_case *c)
{
	struct bench_value values[] = { { "raw" }, { "kmcl" } };
	int ret;

	ret = measure_raw(c, &values[0].value);
	if (!ret)
		ret = measure_kmcl(c, &values[1].value);
	if (!ret)
		bench_report(c, values, ARRAY_SIZE(values));
	return ret;
}
