// SPDX-License-Identifier: GPL-2.0
/*
 * Requests: sent, and their completions received, when the host has written all.
 * hv_vmbus has a call for each; the library has that, and one for several.
 *
 * Process context; the completion routines run with bottom halves off.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/kernel.h>

#include "bench.h"

static u8 payload[SZ_16K];
static struct kmcl_packet *packets[BENCH_REQUESTS];
static struct kmcl_message messages[BENCH_REQUESTS];

/* See bench_requests(). @send is called @calls times, to send @c->burst in all. */
static int count_requests(struct bench_link *link, const struct bench_case *c,
			  u32 reply, unsigned int calls, bench_send_fn send,
			  u64 *value)
{
	u64 samples[BENCH_ROUNDS];
	unsigned int i, k;
	u32 before;
	int ret = 0;

	for (i = 0; i < bench_rounds(); i++) {
		bench_quiet(link);
		before = link->completed;
		bench_begin();
		for (k = 0; k < calls && !ret; k++)
			ret = send(link, c, k);
		samples[i] = bench_end();
		if (!ret)
			ret = bench_kick(link);
		if (!ret)
			ret = bench_inbound(link, c->burst *
					    bench_packet_bytes(reply));
		if (ret)
			return ret;
		samples[i] += bench_wake(link);
		if (link->completed - before != c->burst) {
			pr_err("channel %u: %u requests of %u were completed\n",
			       link->number, link->completed - before,
			       c->burst);
			return -EIO;
		}
	}
	*value = bench_result(samples, i, c->burst);
	return 0;
}

/**
 * bench_requests() - count sending requests and receiving their completions
 * @link: of the device
 * @c: how large and how many
 * @reply: bytes of payload of the host's completions
 * @send: send the request of this index
 * @value: set to what both take, for one request
 *
 * Return: 0 or an error.
 */
int bench_requests(struct bench_link *link, const struct bench_case *c,
		   u32 reply, bench_send_fn send, u64 *value)
{
	return count_requests(link, c, reply, c->burst, send, value);
}

static int raw_send(struct bench_link *link, u32 size, int index)
{
	u64 id = bench_raw_id(index);

	return id ? vmbus_sendpacket(link->channel, payload, size, id,
				     VM_PKT_DATA_INBAND,
				     VMBUS_DATA_PACKET_FLAG_COMPLETION_REQUESTED) :
		    -EAGAIN;
}

static int raw_reuse(struct bench_link *link, const struct bench_case *c,
		     unsigned int i)
{
	return raw_send(link, c->size, i);
}

static int raw_alloc(struct bench_link *link, const struct bench_case *c,
		     unsigned int i)
{
	return raw_send(link, c->size, -1);
}

static int kmcl_reuse(struct bench_link *link, const struct bench_case *c,
		      unsigned int i)
{
	return kmcl_send(packets[i], payload, c->size, KMCL_SEND_WAIT);
}

static int kmcl_reuse_many(struct bench_link *link, const struct bench_case *c,
			   unsigned int i)
{
	int ret = kmcl_send_many(bench_kmcl_channel(), messages, c->burst);

	return ret == c->burst ? 0 : -EIO;
}

static void free_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	bench_kmcl_done(pkt, status, buf, len);
	kmcl_packet_free(pkt);
}

static int kmcl_alloc(struct bench_link *link, const struct bench_case *c,
		      unsigned int i)
{
	struct kmcl_packet *pkt = kmcl_packet_alloc(bench_kmcl_channel());

	if (!pkt)
		return -ENOMEM;
	kmcl_packet_set_done(pkt, free_done);
	return kmcl_send(pkt, payload, c->size, KMCL_SEND_WAIT);
}

/* What is sent together is allocated before that */
static int kmcl_alloc_many(struct bench_link *link, const struct bench_case *c,
			   unsigned int i)
{
	struct kmcl_channel *ch = bench_kmcl_channel();

	for (i = 0; i < c->burst; i++) {
		messages[i].pkt = kmcl_packet_alloc(ch);
		if (!messages[i].pkt)
			return -ENOMEM;
		kmcl_packet_set_done(messages[i].pkt, free_done);
	}
	return kmcl_reuse_many(link, c, 0);
}

static int measure_raw(const struct bench_case *c, bench_send_fn send,
		       u64 *value)
{
	struct bench_link *link = bench_raw_open(bench_ring_bytes(c), 0,
						 BENCH_FOREACH);
	int ret;

	if (IS_ERR(link))
		return PTR_ERR(link);
	ret = bench_host("behave %u echo", link->number);
	if (!ret)
		ret = bench_requests(link, c, c->size, send, value);
	bench_raw_close();
	return ret;
}

/* @values: of one call for each request, and of one for all */
static int measure_kmcl(const struct bench_case *c, bench_send_fn send,
			bench_send_fn many, struct bench_value *values)
{
	unsigned int i, count = send == kmcl_reuse ? c->burst : 0;
	struct bench_link *link;
	int ret;

	link = bench_kmcl_open(bench_ring_bytes(c), bench_packet_size(c), 0);
	if (IS_ERR(link))
		return PTR_ERR(link);
	ret = bench_host("behave %u echo", link->number);
	if (!ret)
		ret = bench_kmcl_packets(packets, count);
	for (i = 0; i < c->burst; i++)
		messages[i] = (struct kmcl_message){
			.pkt = packets[i],
			.buf = payload,
			.len = c->size,
			.flags = KMCL_SEND_WAIT,
		};
	if (!ret)
		ret = bench_requests(link, c, c->size, send, &values[0].value);
	if (!ret)
		ret = count_requests(link, c, c->size, 1, many,
				     &values[1].value);
	bench_kmcl_free_packets(packets, count);
	bench_kmcl_close();
	return ret;
}

static int request(const struct bench_case *c, bench_send_fn raw,
		   bench_send_fn kmcl, bench_send_fn many)
{
	struct bench_value values[] = { { "raw" }, { "kmcl" }, { "many" } };
	int ret;

	ret = measure_raw(c, raw, &values[0].value);
	if (!ret)
		ret = measure_kmcl(c, kmcl, many, values + 1);
	if (!ret)
		bench_report(c, values, ARRAY_SIZE(values));
	return ret;
}

/* The driver's own, used again */
int bench_request(const struct bench_case *c)
{
	return request(c, raw_reuse, kmcl_reuse, kmcl_reuse_many);
}

/* A new one each time, freed by its completion */
int bench_request_alloc(const struct bench_case *c)
{
	return request(c, raw_alloc, kmcl_alloc, kmcl_alloc_many);
}
