// SPDX-License-Identifier: GPL-2.0
/*
 * Receiving: the host writes a burst, and then the channel's callback is run.
 *
 * Process context.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kernel.h>

#include "bench.h"

/* Have the host write a burst, for which it does not signal */
static int fill(struct bench_link *link, const struct bench_case *c)
{
	int ret;

	bench_quiet(link);
	ret = bench_host("behave %u source rate=0,count=%u,size=%u,completion=%u",
			 link->number, c->burst, c->size, c->wanted);
	return ret ?: bench_inbound(link, c->burst *
				    bench_packet_bytes(c->size));
}

/* Delivery may have to wait for the memory of the first packets */
static int warm_up(struct bench_link *link, const struct bench_case *c)
{
	u32 before = link->received;
	int tries, ret = fill(link, c);

	if (ret)
		return ret;
	bench_wake(link);
	for (tries = 0; tries < 100; tries++) {
		if (READ_ONCE(link->received) - before == c->burst)
			return bench_kick(link);
		msleep(20);
	}
	return -ETIMEDOUT;
}

static int measure(struct bench_link *link, const struct bench_case *c, u64 *value)
{
	u64 samples[BENCH_ROUNDS];
	unsigned int i;
	u32 before;
	int ret;

	ret = warm_up(link, c);
	if (ret)
		return ret;
	for (i = 0; i < bench_rounds(); i++) {
		ret = fill(link, c);
		if (ret)
			return ret;
		before = link->received;
		samples[i] = bench_wake(link);
		if (link->received - before != c->burst) {
			pr_err("channel %u: %u packets of %u were delivered\n",
			       link->number, link->received - before, c->burst);
			return -EIO;
		}
		ret = bench_kick(link);
		if (ret)
			return ret;
	}
	*value = bench_result(samples, i, c->burst);
	return 0;
}

static int measure_raw(const struct bench_case *c, enum bench_read how,
		       u64 *value)
{
	struct bench_link *link = bench_raw_open(bench_ring_bytes(c),
						 bench_packet_size(c), how);
	int ret;

	if (IS_ERR(link))
		return PTR_ERR(link);
	ret = measure(link, c, value);
	bench_raw_close();
	return ret;
}

static int measure_kmcl(const struct bench_case *c, u64 *value)
{
	struct bench_link *link = bench_kmcl_open(bench_ring_bytes(c),
						  bench_packet_size(c), 0);
	int ret;

	if (IS_ERR(link))
		return PTR_ERR(link);
	ret = measure(link, c, value);
	bench_kmcl_close();
	return ret;
}

int bench_receive(const struct bench_case *c)
{
	struct bench_value values[] = {
		{ "raw" }, { "recvpacket" }, { "kmcl" },
	};
	int ret;

	ret = measure_raw(c, BENCH_FOREACH, &values[0].value);
	if (!ret)
		ret = measure_raw(c, BENCH_RECVPACKET, &values[1].value);
	if (!ret)
		ret = measure_kmcl(c, &values[2].value);
	if (!ret)
		bench_report(c, values, ARRAY_SIZE(values));
	return ret;
}
