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
static struct kmcl_channel *watcher;
static u64 kmcl_status;		/* the reply's first bytes */
static const guid_t kmcl_class = BENCH_CLASS(BENCH_KMCL);

/* The device is given back when the channel is freed, and so bound anew each time */
bool bench_kmcl_give_back;

/* How long it took until then; of use where bench_begin() was called before */
u64 bench_kmcl_opened;

/* From here on the driver can send, as it can when vmbus_open() returns */
static int kmcl_opened(struct kmcl_channel *ch)
{
	if (bench_count == BENCH_INSTRUCTIONS)
		bench_kmcl_opened = bench_end();
	return 0;
}

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

/* The completion routine of requests */
void bench_kmcl_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	if (!status && len >= sizeof(kmcl_status))
		kmcl_status = *(const u64 *)buf;
	link.completed++;
}

static int is_ours(struct device *dev, const void *class)
{
	return guid_equal(&container_of(dev, struct hv_device, device)->dev_type,
			  class);
}

/**
 * bench_kmcl_find() - find the rings of the library's channel
 * @found: gets them: they are the device's
 *
 * Return: 0 or -ENODEV.
 */
int bench_kmcl_find(struct bench_link *found)
{
	struct device *dev = bus_find_device(bench_raw_device()->bus, NULL,
					     &kmcl_class, is_ours);

	if (!dev)
		return -ENODEV;
	found->channel = container_of(dev, struct hv_device, device)->channel;
	put_device(dev);
	return 0;
}

/**
 * bench_kmcl_create() - make a channel of the library
 * @ring_bytes: of each ring
 * @packet_bytes: the channel's packet size
 * @external_bytes: most with one packet, each page a range; 0: the default
 *
 * Return: 0 or an error.
 */
int bench_kmcl_create(u32 ring_bytes, u32 packet_bytes, u32 external_bytes)
{
	const struct kmcl_client client = {
		.name = "kmcl_bench",
		.flags = bench_kmcl_give_back ? KMCL_INIT_GIVE_BACK : 0,
		.type = BENCH_CLASS(BENCH_KMCL),
		.packet_bytes = packet_bytes,
		.external_bytes = external_bytes,
		.external_ranges = external_bytes / PAGE_SIZE,
		.tx_ring_bytes = ring_bytes,
		.rx_ring_bytes = ring_bytes,
		.opened = kmcl_opened,
		.post_started = kmcl_post_started,
		.process = kmcl_process,
	};

	kmcl = kmcl_client_create(NULL, &client, NULL);
	return PTR_ERR_OR_ZERO(kmcl);
}

/**
 * bench_kmcl_enable() - open the channel that was made
 *
 * Return: the link, or an ERR_PTR(); then the channel is freed.
 */
struct bench_link *bench_kmcl_enable(void)
{
	int ret;

	link.received = 0;
	link.completed = 0;
	reinit_completion(&kmcl_running);
	ret = kmcl_channel_enable(kmcl);
	if (ret)
		goto free;
	if (!wait_for_completion_timeout(&kmcl_running,
					 msecs_to_jiffies(BENCH_WAIT_MS))) {
		pr_err("the channel did not start\n");
		ret = -ETIMEDOUT;
		goto disable;
	}
	/* It stays the same, and looking is not opening */
	ret = link.channel ? 0 : bench_kmcl_find(&link);
	if (ret)
		goto disable;
	return &link;
disable:
	kmcl_channel_disable(kmcl);
free:
	kmcl_channel_free(kmcl);
	return ERR_PTR(ret);
}

/* Both, see bench_kmcl_create() */
struct bench_link *bench_kmcl_open(u32 ring_bytes, u32 packet_bytes,
				   u32 external_bytes)
{
	int ret = bench_kmcl_create(ring_bytes, packet_bytes, external_bytes);

	return ret ? ERR_PTR(ret) : bench_kmcl_enable();
}

void bench_kmcl_close(void)
{
	kmcl_channel_disable(kmcl);
	kmcl_channel_free(kmcl);
}

/**
 * bench_kmcl_packets() - allocate packets of the open channel for requests
 * @packets: set; bench_kmcl_free_packets() follows in any case
 * @count: how many
 *
 * Return: 0 or -ENOMEM.
 */
int bench_kmcl_packets(struct kmcl_packet **packets, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		packets[i] = kmcl_packet_alloc(kmcl);
		if (!packets[i])
			return -ENOMEM;
		kmcl_packet_set_done(packets[i], bench_kmcl_done);
	}
	return 0;
}

void bench_kmcl_free_packets(struct kmcl_packet **packets, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		kmcl_packet_free(packets[i]);
		packets[i] = NULL;
	}
}

/**
 * bench_kmcl_watch() - have the library register its driver
 *
 * Return: 0 or an error. bench_kmcl_unwatch() follows in any case.
 */
int bench_kmcl_watch(void)
{
	static const guid_t nobody = GUID_INIT(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
	const struct kmcl_client client = {
		.name = "kmcl_bench_watcher",
		.type = BENCH_CLASS(BENCH_KMCL),
		.instance = &nobody,
	};
	struct kmcl_channel *ch = kmcl_client_create(NULL, &client, NULL);

	if (IS_ERR(ch))
		return PTR_ERR(ch);
	watcher = ch;
	return kmcl_channel_enable(ch);
}

void bench_kmcl_unwatch(void)
{
	if (!watcher)
		return;
	kmcl_channel_disable(watcher);
	kmcl_channel_free(watcher);
	watcher = NULL;
}

struct kmcl_channel *bench_kmcl_channel(void)
{
	return kmcl;
}
