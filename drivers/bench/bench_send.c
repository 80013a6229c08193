// SPDX-License-Identifier: GPL-2.0
/*
 * Sending packets that want no completion: one call for each, or one for all.
 *
 * Process context; the completion routine runs with bottom halves off.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/kernel.h>

#include "bench.h"

#define MANY	64

static u8 payload[SZ_16K];
static struct kmcl_message messages[MANY];

static int raw_send(struct bench_link *link, const struct bench_case *c)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < c->burst && !ret; i++)
		ret = vmbus_sendpacket(link->channel, payload, c->size, 0,
				       VM_PKT_DATA_INBAND, 0);
	return ret;
}

/* The same packet each time, with a completion routine */
static int kmcl_reuse(struct bench_link *link, const struct bench_case *c)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < c->burst && !ret; i++)
		ret = kmcl_send(messages[0].pkt, payload, c->size, 0);
	return ret;
}

/* One from the cache each time, which goes back there by itself */
static int kmcl_alloc(struct bench_link *link, const struct bench_case *c)
{
	struct kmcl_packet *pkt;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < c->burst && !ret; i++) {
		pkt = kmcl_packet_alloc(bench_kmcl_channel());
		ret = pkt ? kmcl_send(pkt, payload, c->size, 0) : -ENOMEM;
	}
	return ret;
}

/* All at once, each with a completion routine */
static int kmcl_many(struct bench_link *link, const struct bench_case *c)
{
	int ret = kmcl_send_many(bench_kmcl_channel(), messages, c->burst);

	return ret == c->burst ? 0 : -EIO;
}

/* One by one, and the last one shows them all */
static int kmcl_more(struct bench_link *link, const struct bench_case *c)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < c->burst && !ret; i++)
		ret = kmcl_send(messages[i].pkt, payload, c->size,
				i + 1 < c->burst ? KMCL_SEND_MORE : 0);
	return ret;
}

static void done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
}

typedef int (*send_fn)(struct bench_link *link, const struct bench_case *c);

/* While the host does not run */
static int count_instructions(struct bench_link *link,
			      const struct bench_case *c,
			      send_fn send, u64 *value)
{
	u64 samples[BENCH_ROUNDS];
	unsigned int i;
	int ret;

	for (i = 0; i < bench_rounds(); i++) {
		bench_quiet(link);
		bench_begin();
		ret = send(link, c);
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
			 send_fn send, u64 *value)
{
	u64 samples[BENCH_ROUNDS];
	unsigned int i;
	int ret;

	for (i = 0; i < bench_rounds(); i++) {
		ret = bench_host("stall %u", link->number);
		samples[i] = link->channel->sig_events;
		if (!ret)
			ret = send(link, c);
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
			  send_fn send, u64 *value);

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

static int prepare(const struct bench_case *c)
{
	unsigned int i;

	for (i = 0; i < MANY; i++) {
		messages[i] = (struct kmcl_message){
			.pkt = kmcl_packet_alloc(bench_kmcl_channel()),
			.buf = payload,
			.len = c->size,
		};
		if (!messages[i].pkt)
			return -ENOMEM;
		kmcl_packet_set_done(messages[i].pkt, done);
	}
	return 0;
}

static int measure_kmcl(const struct bench_case *c, measure_fn measure,
			struct bench_value *values)
{
	struct bench_link *link = bench_kmcl_open(bench_ring_bytes(c),
						  bench_packet_size(c), 0);
	unsigned int i;
	int ret;

	if (IS_ERR(link))
		return PTR_ERR(link);
	ret = prepare(c);
	if (!ret)
		ret = measure(link, c, kmcl_reuse, &values[0].value);
	if (!ret)
		ret = measure(link, c, kmcl_many, &values[2].value);
	if (!ret)
		ret = measure(link, c, kmcl_more, &values[3].value);
	for (i = 0; i < MANY; i++)
		kmcl_packet_free(messages[i].pkt);
	/* From the cache */
	if (!ret)
		ret = measure(link, c, kmcl_alloc, &values[1].value);
	bench_kmcl_close();
	return ret;
}

static int send_or_signal(const struct bench_case *c, measure_fn measure)
{
	struct bench_value values[] = {
		{ "raw" }, { "kmcl" }, { "alloc" }, { "many" }, { "more" },
	};
	int ret;

	ret = measure_raw(c, measure, &values[0].value);
	if (!ret)
		ret = measure_kmcl(c, measure, values + 1);
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
