// SPDX-License-Identifier: GPL-2.0
/*
 * The same driver with the library.
 *
 * The process callback runs in softirq context; opening and closing sleep.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/module.h>

#include "bench.h"

static struct bench_link link = { .number = BENCH_KMCL };
static struct kmcl_channel *kmcl;
static DECLARE_COMPLETION(kmcl_running);
static const guid_t kmcl_class = BENCH_CLASS(BENCH_KMCL);

static void kmcl_post_started(struct kmcl_channel *ch)
{
	complete(&kmcl_running);
}

/* The payload belongs to the driver until it completes the packet */
static void kmcl_process(struct kmcl_channel *ch, struct kmcl_context *ctx,
			 void *buf, u32 len, u32 flags)
{
	link.received++;
	kmcl_complete(ctx, NULL, 0);
}

static int is_ours(struct device *dev, const void *class)
{
	return guid_equal(&container_of(dev, struct hv_device, device)->dev_type,
			  class);
}

/* The rings of the library's channel are those of the device's */
static int find_channel(void)
{
	struct device *dev = bus_find_device(bench_raw_device()->bus, NULL,
					     &kmcl_class, is_ours);

	if (!dev)
		return -ENODEV;
	link.channel = container_of(dev, struct hv_device, device)->channel;
	put_device(dev);
	return 0;
}

/**
 * bench_kmcl_open() - open a channel of the library
 * @ring_bytes: of each ring
 * @packet_bytes: the channel's packet size
 *
 * Return: the link, or an ERR_PTR().
 */
struct bench_link *bench_kmcl_open(u32 ring_bytes, u32 packet_bytes)
{
	const struct kmcl_client client = {
		.name = "kmcl_bench",
		.type = BENCH_CLASS(BENCH_KMCL),
		.packet_bytes = packet_bytes,
		.tx_ring_bytes = ring_bytes,
		.rx_ring_bytes = ring_bytes,
		.post_started = kmcl_post_started,
		.process = kmcl_process,
	};
	int ret;

	link.received = 0;
	link.completed = 0;
	reinit_completion(&kmcl_running);
	kmcl = kmcl_client_create(NULL, &client, NULL);
	if (IS_ERR(kmcl))
		return ERR_CAST(kmcl);
	ret = kmcl_channel_enable(kmcl);
	if (ret)
		goto free;
	if (!wait_for_completion_timeout(&kmcl_running,
					 msecs_to_jiffies(BENCH_WAIT_MS))) {
		pr_err("the channel did not start\n");
		ret = -ETIMEDOUT;
		goto disable;
	}
	ret = find_channel();
	if (ret)
		goto disable;
	return &link;
disable:
	kmcl_channel_disable(kmcl);
free:
	kmcl_channel_free(kmcl);
	return ERR_PTR(ret);
}

void bench_kmcl_close(void)
{
	kmcl_channel_disable(kmcl);
	kmcl_channel_free(kmcl);
}

struct kmcl_channel *bench_kmcl_channel(void)
{
	return kmcl;
}
