// SPDX-License-Identifier: GPL-2.0
/*
 * Requests on many channels at a time, between clients and servers of one kernel:
 * the library alone, at both ends.
 *
 * Process context; callbacks run in softirq context, on one processor.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/mm.h>

#include "bench.h"

#define EACH	8	/* requests on each channel */

struct pair {
	struct kmcl_channel *server;
	struct kmcl_channel *client;
	struct kmcl_packet *packets[EACH];
};

static struct pair *pairs;
static unsigned int completed, wanted;
static u64 counted;
static DECLARE_COMPLETION(all_running);
static DECLARE_COMPLETION(all_completed);
static u8 payload[64];

static void loop_process(struct kmcl_channel *ch, struct kmcl_context *ctx,
			 void *buf, u32 len, u32 flags)
{
	kmcl_complete(ctx, NULL, 0);
}

static void loop_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	if (++completed < wanted)
		return;
	counted = bench_end();
	complete(&all_completed);
}

/* State callbacks of different channels may run at the same time */
static void loop_post_started(struct kmcl_channel *ch)
{
	if (atomic_dec_and_test(kmcl_get_pointer(ch)))
		complete(&all_running);
}

static void close_pair(struct pair *pair)
{
	unsigned int i;

	for (i = 0; i < EACH && pair->packets[i]; i++)
		kmcl_packet_free(pair->packets[i]);
	if (pair->client) {
		kmcl_channel_disable(pair->client);
		kmcl_channel_free(pair->client);
	}
	if (pair->server) {
		kmcl_channel_disable(pair->server);
		kmcl_channel_free(pair->server);
	}
}

static int open_pair(struct pair *pair, unsigned int number, atomic_t *left)
{
	guid_t instance = BENCH_CLASS(BENCH_LOOPBACK);
	const struct kmcl_server server = {
		.name = "bench server",
		.type = BENCH_CLASS(BENCH_LOOPBACK),
		.instance = &instance,
		.process = loop_process,
	};
	const struct kmcl_client client = {
		.name = "bench client",
		.type = BENCH_CLASS(BENCH_LOOPBACK),
		.instance = &instance,
		.post_started = loop_post_started,
	};
	struct kmcl_channel *ch;
	unsigned int i;
	int ret;

	memcpy(&instance, &number, sizeof(number));
	ch = kmcl_server_create(NULL, &server, NULL);
	if (IS_ERR(ch))
		return PTR_ERR(ch);
	pair->server = ch;
	ch = kmcl_client_create(NULL, &client, left);
	if (IS_ERR(ch))
		return PTR_ERR(ch);
	pair->client = ch;
	for (i = 0; i < EACH; i++) {
		pair->packets[i] = kmcl_packet_alloc(ch);
		if (!pair->packets[i])
			return -ENOMEM;
		kmcl_packet_set_done(pair->packets[i], loop_done);
	}
	ret = kmcl_channel_start(pair->server);
	ret = ret ?: kmcl_channel_enable(pair->server);
	return ret ?: kmcl_channel_enable(pair->client);
}

static int send_all(unsigned int channels)
{
	unsigned int i, k;
	int ret = 0;

	for (k = 0; k < EACH; k++)
		for (i = 0; i < channels && !ret; i++)
			ret = kmcl_send(pairs[i].packets[k], payload,
					sizeof(payload), KMCL_SEND_WAIT);
	return ret;
}

static int measure(unsigned int channels, u64 *value)
{
	u64 samples[BENCH_ROUNDS];
	unsigned int i;
	int ret;

	wanted = channels * EACH;
	for (i = 0; i < bench_rounds(); i++) {
		completed = 0;
		reinit_completion(&all_completed);
		bench_begin();
		ret = send_all(channels);
		if (ret)
			return ret;
		if (!wait_for_completion_timeout(&all_completed,
						 msecs_to_jiffies(BENCH_WAIT_MS)))
			return -ETIMEDOUT;
		samples[i] = counted;
	}
	*value = bench_result(samples, i, wanted);
	return 0;
}

int bench_loopback(const struct bench_case *c)
{
	struct bench_value values[] = { { "kmcl" } };
	atomic_t left = ATOMIC_INIT(c->burst);
	unsigned int i;
	int ret = 0;

	pairs = kvcalloc(c->burst, sizeof(*pairs), GFP_KERNEL);
	if (!pairs)
		return -ENOMEM;
	reinit_completion(&all_running);
	for (i = 0; i < c->burst && !ret; i++)
		ret = open_pair(&pairs[i], i, &left);
	if (!ret && !wait_for_completion_timeout(&all_running,
						 msecs_to_jiffies(BENCH_WAIT_MS)))
		ret = -ETIMEDOUT;
	if (!ret)
		ret = measure(c->burst, &values[0].value);
	while (i--)
		close_pair(&pairs[i]);
	kvfree(pairs);
	if (!ret)
		bench_report(c, values, ARRAY_SIZE(values));
	return ret;
}
