// SPDX-License-Identifier: GPL-2.0
/*
 * Sending packets that want no completion, one call for each.
 *
 * Process context; the completion routine runs with bottom halves off.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/kernel.h>

#include "bench.h"

static u8 payload[SZ_16K];
static struct kmcl_packet *packet;

static int raw_send(struct bench_link *link, u32 size)
{
	return vmbus_sendpacket(link->channel, payload, size, 0,
				VM_PKT_DATA_INBAND, 0);
}

/* The same packet each time, with a completion routine */
static int kmcl_reuse(struct bench_link *link, u32 size)
{
	return kmcl_send(packet, payload, size, 0);
}

/* One from the cache each time, which goes back there by itself */
static int kmcl_alloc(struct bench_link *link, u32 size)
{
	struct kmcl_packet *pkt = kmcl_packet_alloc(bench_kmcl_channel());

	return pkt ? kmcl_send(pkt, payload, size, 0) : -ENOMEM;
}

static void done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
}

/* While the host does not run */
static int count_instructions(struct bench_link *link,
			      const struct bench_case *c,
			      int (*send)(struct bench_link *link, u32 size),
			      u64 *value)
{
	u64 samples[BENCH_ROUNDS];
	unsigned int i, k;
	int ret = 0;

	for (i = 0; i < bench_rounds(); i++) {
		bench_quiet(link);
		bench_begin();
		for (k = 0; k < c->burst && !ret; k++)
			ret = send(link, c->size);
		samples[i] = bench_end();
		if (!ret)
			ret = bench_kick(link);
		if (ret)
			return ret;
	}
	*value = bench_result(samples, i, c->burst);
	return 0;
}

/* How often a host is signalled that reads nothing meanwhile */
static int count_signals(struct bench_link *link, const struct bench_case *c,
			 int (*send)(struct bench_link *link, u32 size),
			 u64 *value)
{
	u64 samples[BENCH_ROUNDS];
	unsigned int i, k;
	int ret = 0;

	for (i = 0; i < bench_rounds(); i++) {
		ret = bench_host("stall %u", link->number);
		samples[i] = link->channel->sig_events;
		for (k = 0; k < c->burst && !ret; k++)
			ret = send(link, c->size);
		samples[i] = link->channel->sig_events - samples[i];
		if (!ret)
			ret = bench_host("unstall %u", link->number);
		if (!ret)
			ret = bench_rest(link);
		if (ret)
			return ret;
	}
	*value = bench_result(samples, i, 1);
	return 0;
}

typedef int (*measure_fn)(struct bench_link *link, const struct bench_case *c,
			  int (*send)(struct bench_link *link, u32 size),
			  u64 *value);

static int measure_raw(const struct bench_case *c, measure_fn measure,
		       u64 *value)
{
	struct bench_link *link = bench_raw_open(bench_ring_bytes(c),
						 bench_packet_size(c),
						 BENCH_FOREACH);
	int ret;

	if (IS_ERR(link))
		return PTR_ERR(link);
	ret = measure(link, c, raw_send, value);
	bench_raw_close();
	return ret;
}

static int measure_kmcl(const struct bench_case *c, measure_fn measure,
			u64 *reused, u64 *alloced)
{
	struct bench_link *link = bench_kmcl_open(bench_ring_bytes(c),
						  bench_packet_size(c), 0);
	int ret = -ENOMEM;

	if (IS_ERR(link))
		return PTR_ERR(link);
	packet = kmcl_packet_alloc(bench_kmcl_channel());
	if (packet) {
		kmcl_packet_set_done(packet, done);
		ret = measure(link, c, kmcl_reuse, reused);
		if (!ret)
			ret = measure(link, c, kmcl_alloc, alloced);
		kmcl_packet_free(packet);
	}
	bench_kmcl_close();
	return ret;
}

static int send_or_signal(const struct bench_case *c, measure_fn measure)
{
	struct bench_value values[] = { { "raw" }, { "kmcl" }, { "alloc" } };
	int ret;

	ret = measure_raw(c, measure, &values[0].value);
	if (!ret)
		ret = measure_kmcl(c, measure, &values[1].value,
				   &values[2].value);
	if (!ret)
		bench_report(c, values, ARRAY_SIZE(values));
	return ret;
}

int bench_send(const struct bench_case *c)
{
	return send_or_signal(c, count_instructions);
}

int bench_signals(const struct bench_case *c)
{
	return send_or_signal(c, count_signals);
}
