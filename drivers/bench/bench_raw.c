// SPDX-License-Identifier: GPL-2.0
/*
 * A driver of its own protocol that calls hv_vmbus, written as the kernel's good
 * ones are: the channel is batched, which is the default, the callback drains the
 * ring, copies each payload to where it belongs, and answers a request at once. The
 * transaction id of a request of its own is an index, as a tag of the block layer
 * is; those that have none of their own take a free one.
 *
 * The callback runs in softirq context; opening and closing sleep. @raw_lock
 * protects the free indices.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#include "bench.h"

#define RAW_PACKET	SZ_16K	/* most bytes of payload */
#define RAW_HEADERS	64

static struct bench_link raw = { .number = BENCH_RAW };
static DECLARE_COMPLETION(raw_bound);
static u8 raw_payload[RAW_PACKET];

struct raw_request {
	bool busy;
	bool taken;		/* from raw_free */
	u64 status;		/* the reply's first bytes */
};

static struct raw_request raw_requests[BENCH_REQUESTS];
static DEFINE_SPINLOCK(raw_lock);
static u16 raw_free[BENCH_REQUESTS];
static unsigned int raw_free_count;

static void raw_completed(const struct vmpacket_descriptor *desc)
{
	u64 index = desc->trans_id - 1;
	struct raw_request *request;
	unsigned long flags;

	if (index >= BENCH_REQUESTS || !raw_requests[index].busy)
		return;
	request = &raw_requests[index];
	request->busy = false;
	if (hv_pkt_datalen(desc) >= sizeof(request->status))
		request->status = *(const u64 *)hv_pkt_data(desc);
	raw.completed++;
	if (!request->taken)
		return;
	request->taken = false;
	spin_lock_irqsave(&raw_lock, flags);
	raw_free[raw_free_count++] = index;
	spin_unlock_irqrestore(&raw_lock, flags);
}

static void raw_packet(struct vmbus_channel *channel, bool wanted, u64 id)
{
	raw.received++;
	if (wanted)
		vmbus_sendpacket(channel, NULL, 0, id, VM_PKT_COMP, 0);
}

static void raw_foreach(void *context)
{
	struct vmbus_channel *channel = context;
	struct vmpacket_descriptor *desc;
	u32 len;

	foreach_vmbus_pkt(desc, channel) {
		if (desc->type == VM_PKT_COMP) {
			raw_completed(desc);
			continue;
		}
		len = hv_pkt_datalen(desc);
		if (desc->type != VM_PKT_DATA_INBAND ||
		    len > sizeof(raw_payload))
			continue;
		memcpy(raw_payload, hv_pkt_data(desc), len);
		raw_packet(channel, desc->flags &
			   VMBUS_DATA_PACKET_FLAG_COMPLETION_REQUESTED,
			   desc->trans_id);
	}
}

/* It does not tell whether a completion is wanted: that is the protocol's */
static void raw_recvpacket(void *context)
{
	struct vmbus_channel *channel = context;
	u32 len;
	u64 id;

	while (!vmbus_recvpacket(channel, raw_payload, sizeof(raw_payload),
				 &len, &id) && len)
		raw_packet(channel, id, id);
}

/**
 * bench_raw_id() - begin a request
 * @index: of the driver's own, or -1 for any that is free
 *
 * Return: the transaction id, or 0 if there are too many requests.
 */
u64 bench_raw_id(int index)
{
	unsigned long flags;

	if (index < 0) {
		spin_lock_irqsave(&raw_lock, flags);
		if (raw_free_count)
			index = raw_free[--raw_free_count];
		spin_unlock_irqrestore(&raw_lock, flags);
		if (index < 0)
			return 0;
		raw_requests[index].taken = true;
	}
	raw_requests[index].busy = true;
	return index + 1;
}

/**
 * bench_raw_open() - open the device of the raw driver
 * @ring_bytes: of each ring
 * @packet_bytes: most bytes of payload; 0: hv_vmbus' default
 * @how: it reads
 *
 * Return: the link, or an ERR_PTR().
 */
struct bench_link *bench_raw_open(u32 ring_bytes, u32 packet_bytes,
				  enum bench_read how)
{
	unsigned int i;
	int ret;

	for (i = 0; i < BENCH_REQUESTS; i++)
		raw_free[i] = i;
	raw_free_count = i;
	memset(raw_requests, 0, sizeof(raw_requests));
	raw.received = 0;
	raw.completed = 0;
	raw.channel->max_pkt_size = packet_bytes ? packet_bytes + RAW_HEADERS :
						   VMBUS_DEFAULT_MAX_PKT_SIZE;
	ret = vmbus_open(raw.channel, ring_bytes, ring_bytes, NULL, 0,
			 how == BENCH_FOREACH ? raw_foreach : raw_recvpacket,
			 raw.channel);
	return ret ? ERR_PTR(ret) : &raw;
}

void bench_raw_close(void)
{
	vmbus_close(raw.channel);
}

/* Some device of the bus */
struct device *bench_raw_device(void)
{
	return &raw.channel->device_obj->device;
}

static int raw_probe(struct hv_device *hdev, const struct hv_vmbus_device_id *id)
{
	raw.channel = hdev->channel;
	complete(&raw_bound);
	return 0;
}

static const struct hv_vmbus_device_id raw_ids[] = {
	{ .guid = BENCH_CLASS(BENCH_RAW) },
	{ },
};

static struct hv_driver raw_driver = {
	.name = "kmcl_bench",
	.id_table = raw_ids,
	.probe = raw_probe,
};

int bench_raw_register(void)
{
	int ret = vmbus_driver_register(&raw_driver);

	if (ret)
		return ret;
	if (wait_for_completion_timeout(&raw_bound,
					msecs_to_jiffies(BENCH_WAIT_MS)))
		return 0;
	pr_err("the host has no device for this\n");
	vmbus_driver_unregister(&raw_driver);
	return -ENODEV;
}

void bench_raw_unregister(void)
{
	vmbus_driver_unregister(&raw_driver);
}
