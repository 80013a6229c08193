// SPDX-License-Identifier: GPL-2.0
/*
 * Measures what sending costs: vmbus_sendpacket(), then VmbPacketSend(), on the
 * same device in the same run.
 *
 * Sends 64-byte status reports to the Dynamic Memory device, which its host
 * accepts at any time and does not answer. On a virtual CPU that counts
 * instructions, a nanosecond is an instruction, but the guest's clock has a
 * resolution of 100 ns, and a call that signals the host also counts what the
 * host executes. Therefore each burst is timed in two parts: its first packet,
 * which finds the ring empty and signals, and all others together, which do not
 * signal. The medians ignore bursts during which the host took the processor.
 * Everything is measured twice, and only the second pass counts: the host is
 * still starting up during the first.
 *
 * Everything runs in module init, in process context, without locks.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/hyperv.h>
#include <linux/kmcl.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/sort.h>

#define BENCH_ROUNDS	256
#define BENCH_BURST	64
#define BENCH_BYTES	64
#define BENCH_RING	(16 * 4096)
#define BENCH_WAIT_MS	5000

/* Dynamic Memory's status report, padded to 64 bytes */
struct bench_report {
	__le16 type;
	__le16 size;
	__le32 trans_id;
	__le64 pages[7];
} __packed;

static const guid_t bench_class =
	GUID_INIT(0x525074dc, 0x8985, 0x46e2, 0x80, 0x57, 0xa3, 0x07, 0xdc,
		  0x18, 0xa5, 0x02);

static struct bench_report report;
static u64 *first;	/* ns of the first packet of each burst */
static u64 *others;	/* ns of all its other packets together */

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static u64 median(u64 *samples)
{
	sort(samples, BENCH_ROUNDS, sizeof(*samples), compare, NULL);
	return samples[BENCH_ROUNDS / 2];
}

/* Wait until the host has read everything, so that all bursts start alike */
static int wait_idle(const char *api, bool (*idle)(void *), void *arg)
{
	unsigned int ms;

	for (ms = 0; !idle(arg); ms++) {
		if (ms == BENCH_WAIT_MS) {
			pr_err("%s: the host does not read its ring\n", api);
			return -ETIMEDOUT;
		}
		usleep_range(1000, 2000);
	}
	return 0;
}

/* Time BENCH_ROUNDS bursts of @burst packets each */
static int measure(const char *api, unsigned int burst, int (*send)(void *),
		   bool (*idle)(void *), void *arg)
{
	unsigned int i, k;
	u64 start, middle;
	int ret;

	for (i = 0; i < BENCH_ROUNDS; i++) {
		ret = wait_idle(api, idle, arg);
		if (ret)
			return ret;
		start = ktime_get_ns();
		ret = send(arg);
		middle = ktime_get_ns();
		for (k = 1; k < burst && !ret; k++)
			ret = send(arg);
		others[i] = ktime_get_ns() - middle;
		first[i] = middle - start;
		if (ret) {
			pr_err("%s: sending failed (%d)\n", api, ret);
			return ret;
		}
	}
	if (burst == 1)
		pr_info("%s single: %llu per packet\n", api, median(first));
	else
		pr_info("%s burst of %u: first %llu, others %llu per packet\n",
			api, burst, median(first),
			div_u64(median(others), burst - 1));
	return 0;
}

static int measure_both(const char *api, int (*send)(void *),
			bool (*idle)(void *), void *arg)
{
	int ret = measure(api, 1, send, idle, arg);

	return ret ? ret : measure(api, BENCH_BURST, send, idle, arg);
}

/* The API of hv_vmbus */
static struct completion raw_bound;
static struct hv_device *raw_device;

static int raw_probe(struct hv_device *hdev, const struct hv_vmbus_device_id *id)
{
	raw_device = hdev;
	complete(&raw_bound);
	return 0;
}

static const struct hv_vmbus_device_id raw_ids[] = {
	{ HV_DM_GUID },
	{ },
};

static struct hv_driver raw_driver = {
	.name = "kmcl_bench",
	.id_table = raw_ids,
	.probe = raw_probe,
};

static void raw_onchannel(void *context)
{
	struct vmpacket_descriptor *desc;
	struct vmbus_channel *channel = context;

	foreach_vmbus_pkt(desc, channel)
		;
}

static int raw_send(void *arg)
{
	return vmbus_sendpacket(arg, &report, sizeof(report), 0,
				VM_PKT_DATA_INBAND, 0);
}

static bool ring_idle(void *arg)
{
	struct vmbus_channel *channel = arg;
	struct hv_ring_buffer *ring = channel->outbound.ring_buffer;

	return READ_ONCE(ring->read_index) == READ_ONCE(ring->write_index);
}

static int bench_raw(void)
{
	int ret;

	init_completion(&raw_bound);
	ret = vmbus_driver_register(&raw_driver);
	if (ret)
		return ret;
	if (!wait_for_completion_timeout(&raw_bound,
					 msecs_to_jiffies(BENCH_WAIT_MS))) {
		pr_err("no Dynamic Memory device is free\n");
		ret = -ENODEV;
		goto unregister;
	}
	ret = vmbus_open(raw_device->channel, BENCH_RING, BENCH_RING, NULL, 0,
			 raw_onchannel, raw_device->channel);
	if (ret)
		goto unregister;
	ret = measure_both("vmbus_sendpacket", raw_send, ring_idle,
			   raw_device->channel);
	vmbus_close(raw_device->channel);
unregister:
	vmbus_driver_unregister(&raw_driver);
	return ret;
}

/* The library */
static struct completion kmcl_running;
static struct kmcl_packet *kmcl_pkt;

static void kmcl_post_started(struct kmcl_channel *ch)
{
	complete(&kmcl_running);
}

static void kmcl_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
}

static int kmcl_bench_send(void *arg)
{
	return kmcl_send(kmcl_pkt, &report, sizeof(report), 0);
}

/* Without a completion routine: take a packet from the cache for each send */
static int kmcl_bench_alloc_send(void *arg)
{
	struct kmcl_packet *pkt = kmcl_packet_alloc(arg);

	return pkt ? kmcl_send(pkt, &report, sizeof(report), 0) : -ENOMEM;
}

/* Both APIs use the same ring */
static bool kmcl_idle(void *arg)
{
	return ring_idle(raw_device->channel);
}

static int bench_kmcl(void)
{
	static const struct kmcl_channel_ops ops = {
		.post_started = kmcl_post_started,
	};
	struct kmcl_channel *ch;
	int ret;

	init_completion(&kmcl_running);
	ret = kmcl_channel_alloc(NULL, false, &ch);
	if (ret)
		return ret;
	ret = kmcl_set_target(ch, &bench_class, NULL, NULL);
	if (!ret)
		ret = kmcl_set_ops(ch, &ops);
	if (!ret)
		ret = kmcl_set_max_packet_size(ch, 1024);
	if (!ret)
		ret = kmcl_set_ring_pages(ch, BENCH_RING / 4096,
					  BENCH_RING / 4096);
	if (!ret)
		ret = kmcl_channel_enable(ch);
	if (ret)
		goto free;
	kmcl_pkt = kmcl_packet_alloc(ch);
	if (!kmcl_pkt) {
		ret = -ENOMEM;
		goto disable;
	}
	kmcl_packet_set_done(kmcl_pkt, kmcl_done);
	if (!wait_for_completion_timeout(&kmcl_running,
					 msecs_to_jiffies(BENCH_WAIT_MS))) {
		pr_err("the channel did not start\n");
		ret = -ETIMEDOUT;
		goto packet;
	}
	ret = measure_both("VmbPacketSend", kmcl_bench_send, kmcl_idle, ch);
	if (!ret)
		ret = measure_both("VmbPacketAllocate+Send",
				   kmcl_bench_alloc_send, kmcl_idle, ch);
packet:
	kmcl_packet_free(kmcl_pkt);
disable:
	kmcl_channel_disable(ch);
free:
	kmcl_channel_free(ch);
	return ret;
}

static int __init bench_init(void)
{
	int ret, pass;

	BUILD_BUG_ON(sizeof(report) != BENCH_BYTES);
	report.type = cpu_to_le16(5);
	report.size = cpu_to_le16(sizeof(report));
	first = kcalloc(BENCH_ROUNDS, sizeof(*first), GFP_KERNEL);
	others = kcalloc(BENCH_ROUNDS, sizeof(*others), GFP_KERNEL);
	ret = first && others ? 0 : -ENOMEM;
	for (pass = 1; pass <= 2 && !ret; pass++) {
		pr_info("pass %d of 2\n", pass);
		ret = bench_raw();
		if (!ret)
			ret = bench_kmcl();
	}
	kfree(others);
	kfree(first);
	return ret;
}

static void __exit bench_exit(void)
{
	/* Nothing is left */
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("Cost of sending a packet, raw VMBus API and KMCL");
MODULE_LICENSE("GPL");
