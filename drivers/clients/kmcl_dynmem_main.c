// SPDX-License-Identifier: GPL-2.0
/*
 * A client of Hyper-V's Dynamic Memory service, written like a driver that was
 * ported from Windows: everything about the channel uses Windows' names. It
 * reports the guest's memory use to the host every second, and supports neither
 * ballooning nor hot-add.
 *
 * Contexts: state callbacks run in process context and may sleep; ProcessPacket
 * and completion routines may run in softirq context. Locks: struct dynmem.
 * Files in sysfs: kmcl_dynmem_sysfs.c.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/math.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/sizes.h>

#include "kmcl_dynmem.h"
#include "kmcl_dynmem_proto.h"

/* What the host sends to a guest without a balloon is smaller than this */
#define DM_MAX_PACKET	256
#define DM_RING_PAGE	4096

/* Time limits: for the host's answer, and for the request to be sent at all */
#define DM_ANSWER_SEC	5
#define DM_QUEUE_SEC	60

static char *instance;
module_param(instance, charp, 0444);
MODULE_PARM_DESC(instance, "GUID of the device (default: any of the class)");

static unsigned long ring_size = 4 * DM_RING_PAGE;
module_param(ring_size, ulong, 0444);
MODULE_PARM_DESC(ring_size, "bytes of each ring buffer, control page included (default 16384)");

static unsigned int interval_ms = 1000;
module_param(interval_ms, uint, 0444);
MODULE_PARM_DESC(interval_ms, "time between two reports (default 1000)");

static void dm_record(struct dynmem *dm, enum dm_callback cb)
{
	struct work_struct *work = current_work();
	bool process = !preempt_count() && !irqs_disabled();
	struct dm_trace *trace = &dm->trace[cb];
	unsigned long flags;

	spin_lock_irqsave(&dm->lock, flags);
	trace->count++;
	trace->process = process;
	memcpy(trace->comm, current->comm, sizeof(trace->comm));
	trace->comm[sizeof(trace->comm) - 1] = '\0';
	trace->work = work ? work->func : NULL;
	spin_unlock_irqrestore(&dm->lock, flags);
}

static void dm_header(struct dynmem *dm, void *msg, u16 type, u16 size)
{
	struct dm_header *hdr = msg;

	hdr->type = type;
	hdr->size = size;
	hdr->trans_id = atomic_inc_return(&dm->trans_id);
}

/* Status reports */

static EVT_VMB_PACKET_COMPLETION_ROUTINE dm_report_done;

static VOID dm_report_done(VMBPACKET Packet, NTSTATUS Status, PVOID Buffer,
			   UINT32 BufferLength)
{
	struct dynmem *dm = VmbChannelGetPointer(VmbPacketGetChannel(Packet));
	unsigned long seq = (unsigned long)VmbPacketGetPointer(Packet);
	unsigned long flags;

	dm_record(dm, DM_COMPLETION);
	VmbPacketFree(Packet);

	spin_lock_irqsave(&dm->lock, flags);
	if (seq == dm->next_done)
		dm->in_order++;
	else
		dm->order_errors++;
	dm->next_done = seq + 1;
	spin_unlock_irqrestore(&dm->lock, flags);
}

static NTSTATUS dm_send_report(struct dynmem *dm, struct dm_status_report *msg)
	__must_hold(&dm->send_mutex)
{
	VMBPACKET packet = VmbPacketAllocate(dm->channel);
	NTSTATUS status;

	lockdep_assert_held(&dm->send_mutex);
	if (!packet)
		return STATUS_INSUFFICIENT_RESOURCES;

	VmbPacketSetCompletionRoutine(packet, dm_report_done);
	VmbPacketSetPointer(packet, (PVOID)dm->seq);
	dm_header(dm, msg, DM_STATUS_REPORT, sizeof(*msg));
	status = VmbPacketSend(packet, msg, sizeof(*msg), NULL, 0);
	if (NT_SUCCESS(status))
		WRITE_ONCE(dm->seq, dm->seq + 1);
	else
		VmbPacketFree(packet);
	return status;
}

NTSTATUS dm_send_reports(struct dynmem *dm, unsigned int count)
{
	const unsigned int shift = PAGE_SHIFT - DM_PAGE_SHIFT;
	struct dm_status_report msg = {
		.available = (u64)si_mem_available() << shift,
		.committed = (u64)vm_memory_committed() << shift,
	};
	NTSTATUS status = STATUS_SUCCESS;

	mutex_lock(&dm->send_mutex);
	while (count-- && NT_SUCCESS(status)) {
		status = dm_send_report(dm, &msg);
		cond_resched();
	}
	mutex_unlock(&dm->send_mutex);

	if (!NT_SUCCESS(status))
		pr_warn_ratelimited("report not sent: status %#010x\n", status);
	return status;
}

static void dm_report_work(struct work_struct *work)
{
	struct dynmem *dm = container_of(to_delayed_work(work), struct dynmem,
					 report_work);

	dm_send_reports(dm, 1);
	schedule_delayed_work(&dm->report_work, msecs_to_jiffies(interval_ms));
}

/* Negotiation, in PostStarted */

static void dm_await(struct dynmem *dm, u16 type)
{
	spin_lock_irq(&dm->lock);
	dm->awaited = type;
	dm->answer = DM_NO_ANSWER;
	spin_unlock_irq(&dm->lock);
}

/*
 * Send a message that the host answers with a message of type @awaited, and
 * wait for the answer. No state callback can run meanwhile. The end of the
 * channel ends the wait for sending; dm_disable() ends the wait for the answer
 * through @disabling, but a rescind does not: that wait runs into its time
 * limit.
 */
static enum dm_answer dm_ask(struct dynmem *dm, void *msg, u32 size,
			     u16 awaited)
{
	LARGE_INTEGER limit = { .QuadPart = -DM_QUEUE_SEC * 10000000LL };
	NTSTATUS status;

	dm_await(dm, awaited);
	status = VmbChannelSendSynchronousRequest(dm->channel, msg, size, NULL,
						  0, NULL, NULL, &limit);
	if (!NT_SUCCESS(status)) {
		pr_info("negotiation ended: status %#010x\n", status);
		return DM_NO_ANSWER;
	}

	wait_event_timeout(dm->wait, READ_ONCE(dm->answer) ||
			   atomic_read(&dm->disabling), DM_ANSWER_SEC * HZ);
	if (READ_ONCE(dm->answer))
		return dm->answer;

	if (atomic_read(&dm->disabling))
		pr_info("negotiation ended: the channel is being disabled\n");
	else
		pr_warn("the host did not answer within %d seconds\n",
			DM_ANSWER_SEC);
	return DM_NO_ANSWER;
}

static u32 dm_negotiate_version(struct dynmem *dm)
{
	static const u32 versions[] = {
		DM_VERSION_2_0, DM_VERSION_1_0, DM_VERSION_0_3,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(versions); i++) {
		struct dm_version_request msg = { .version = versions[i] };

		if (i == ARRAY_SIZE(versions) - 1)
			msg.flags = DM_LAST_ATTEMPT;
		dm_header(dm, &msg, DM_VERSION_REQUEST, sizeof(msg));
		switch (dm_ask(dm, &msg, sizeof(msg), DM_VERSION_RESPONSE)) {
		case DM_ACCEPT:
			return versions[i];
		case DM_NO_ANSWER:
			return 0;
		case DM_REFUSE:
			break;
		}
	}
	pr_warn("the host accepts no version of the protocol\n");
	return 0;
}

static bool dm_negotiate(struct dynmem *dm)
{
	struct dm_caps_report msg = { .max_page_number = U64_MAX };
	u32 version = dm_negotiate_version(dm);

	if (!version)
		return false;
	WRITE_ONCE(dm->version, version);

	dm_header(dm, &msg, DM_CAPS_REPORT, sizeof(msg));
	switch (dm_ask(dm, &msg, sizeof(msg), DM_CAPS_RESPONSE)) {
	case DM_ACCEPT:
		pr_info("the host accepted protocol version %u.%u\n",
			version >> 16, version & 0xffff);
		return true;
	case DM_REFUSE:
		pr_warn("the host does not accept our capabilities\n");
		return false;
	default:
		return false;
	}
}

/* Incoming messages */

static EVT_VMB_PACKET_COMPLETION_ROUTINE dm_reply_done;

static VOID dm_reply_done(VMBPACKET Packet, NTSTATUS Status, PVOID Buffer,
			  UINT32 BufferLength)
{
	struct dynmem *dm = VmbChannelGetPointer(VmbPacketGetChannel(Packet));

	atomic_dec(&dm->replies);
	VmbPacketFree(Packet);
}

/* Returns true if an answer was sent */
static bool dm_reply(struct dynmem *dm, void *msg, u16 type, u16 size)
{
	VMBPACKET packet = NULL;

	if (atomic_inc_return(&dm->replies) <= DM_REPLIES)
		packet = VmbPacketAllocate(dm->channel);
	if (packet) {
		dm_header(dm, msg, type, size);
		VmbPacketSetCompletionRoutine(packet, dm_reply_done);
		if (NT_SUCCESS(VmbPacketSend(packet, msg, size, NULL, 0)))
			return true;
		VmbPacketFree(packet);
	}
	atomic_dec(&dm->replies);
	pr_warn_ratelimited("message %u to the host not sent\n", type);
	return false;
}

/* Copy a message, which may be unaligned, or shorter than its type requires */
static bool dm_read(void *msg, size_t size, const void *buffer, u32 length)
{
	if (length < size)
		return false;
	memcpy(msg, buffer, size);
	return true;
}

static bool dm_verdict(struct dynmem *dm, u16 type, const void *buffer,
		       u32 length)
{
	struct dm_verdict msg;
	unsigned long flags;
	bool expected;

	if (!dm_read(&msg, sizeof(msg), buffer, length))
		return false;

	spin_lock_irqsave(&dm->lock, flags);
	expected = dm->awaited == type;
	if (expected) {
		dm->awaited = 0;
		WRITE_ONCE(dm->answer, msg.flags & DM_ACCEPTED ? DM_ACCEPT :
								 DM_REFUSE);
	}
	spin_unlock_irqrestore(&dm->lock, flags);

	if (expected)
		wake_up(&dm->wait);
	return expected;
}

/* Returns true if the message was understood */
static bool dm_handle(struct dynmem *dm, const void *buffer, u32 length)
{
	struct dm_unballoon_request unballoon;
	struct dm_balloon_response no_pages = {};
	struct dm_hot_add_response no_memory = {};
	struct dm_header hdr, taken;

	if (!dm_read(&hdr, sizeof(hdr), buffer, length))
		return false;

	switch (hdr.type) {
	case DM_VERSION_RESPONSE:
	case DM_CAPS_RESPONSE:
		return dm_verdict(dm, hdr.type, buffer, length);
	case DM_BALLOON_REQUEST:
		return dm_reply(dm, &no_pages, DM_BALLOON_RESPONSE,
				sizeof(no_pages));
	case DM_UNBALLOON_REQUEST:
		if (!dm_read(&unballoon, sizeof(unballoon), buffer, length))
			return false;
		/* Only the last message of the transaction is answered */
		return unballoon.flags & DM_MORE_PAGES ||
			dm_reply(dm, &taken, DM_UNBALLOON_RESPONSE,
				 sizeof(taken));
	case DM_HOT_ADD_REQUEST:
		return dm_reply(dm, &no_memory, DM_HOT_ADD_RESPONSE,
				sizeof(no_memory));
	case DM_INFO:
		return true;
	default:
		return false;
	}
}

static EVT_VMB_CHANNEL_PROCESS_PACKET dm_process_packet;

static VOID dm_process_packet(VMBCHANNEL Channel, VMBPACKETCOMPLETION Packet,
			      PVOID Buffer, UINT32 BufferLength, UINT32 Flags)
{
	struct dynmem *dm = VmbChannelGetPointer(Channel);
	unsigned long flags;

	dm_record(dm, DM_PROCESS_PACKET);
	if (!dm_handle(dm, Buffer, BufferLength)) {
		spin_lock_irqsave(&dm->lock, flags);
		dm->unknown++;
		spin_unlock_irqrestore(&dm->lock, flags);
	}
	VmbChannelPacketComplete(Packet, NULL, 0);
}

/* State callbacks */

static EVT_VMB_CHANNEL_OPENED dm_opened;
static EVT_VMB_CHANNEL_CLOSED dm_closed;
static EVT_VMB_CHANNEL_SUSPEND dm_suspend;
static EVT_VMB_CHANNEL_STARTED dm_started;
static EVT_VMB_CHANNEL_POST_STARTED dm_post_started;
static EVT_VMB_CHANNEL_PNP_FAILURE dm_pnp_failure;

static NTSTATUS dm_opened(VMBCHANNEL Channel)
{
	struct dynmem *dm = VmbChannelGetPointer(Channel);

	might_sleep();
	dm_record(dm, DM_OPENED);
	dm->negotiated = false;
	WRITE_ONCE(dm->version, 0);
	return STATUS_SUCCESS;
}

static VOID dm_closed(VMBCHANNEL Channel)
{
	might_sleep();
	dm_record(VmbChannelGetPointer(Channel), DM_CLOSED);
}

static VOID dm_suspend(VMBCHANNEL Channel)
{
	struct dynmem *dm = VmbChannelGetPointer(Channel);

	might_sleep();
	dm_record(dm, DM_SUSPEND);
	cancel_delayed_work_sync(&dm->report_work);
}

static VOID dm_started(VMBCHANNEL Channel)
{
	might_sleep();
	dm_record(VmbChannelGetPointer(Channel), DM_STARTED);
}

/* Also called when a paused channel is started, but the host negotiates once */
static VOID dm_post_started(VMBCHANNEL Channel)
{
	struct dynmem *dm = VmbChannelGetPointer(Channel);

	might_sleep();
	dm_record(dm, DM_POST_STARTED);
	if (!dm->negotiated)
		dm->negotiated = dm_negotiate(dm);
	if (dm->negotiated)
		schedule_delayed_work(&dm->report_work, 0);
}

static VOID dm_pnp_failure(VMBCHANNEL Channel, NTSTATUS FailureStatus)
{
	pr_err("the device could not be opened: status %#010x\n",
	       FailureStatus);
}

/* The channel */

int dm_errno(NTSTATUS status)
{
	switch (status) {
	case STATUS_SUCCESS:
		return 0;
	case STATUS_INVALID_DEVICE_STATE:
		return -EBUSY;
	case STATUS_OBJECT_NAME_COLLISION:
		return -EEXIST;
	case STATUS_NO_SUCH_DEVICE:
		return -ENXIO;
	case STATUS_INSUFFICIENT_RESOURCES:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

void dm_disable(struct dynmem *dm)
{
	atomic_inc(&dm->disabling);
	wake_up(&dm->wait);
	VmbChannelDisable(dm->channel);
	atomic_dec(&dm->disabling);
}

static int dm_setup_channel(struct dynmem *dm, const guid_t *target)
{
	static DECLARE_CONST_UNICODE_STRING(friendly_name, L"Dynamic Memory");
	static const GUID class = DM_CLASS;
	VMB_CHANNEL_STATE_CHANGE_CALLBACKS callbacks;
	UINT32 pages = DIV_ROUND_UP(ring_size, DM_RING_PAGE);
	VMBCHANNEL channel;
	NTSTATUS status;

	status = VmbChannelAllocate(dm->parent, FALSE, &channel);
	if (!NT_SUCCESS(status))
		goto fail;
	VmbChannelSetPointer(channel, dm);

	VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT(&callbacks);
	callbacks.EvtChannelOpened = dm_opened;
	callbacks.EvtChannelClosed = dm_closed;
	callbacks.EvtChannelSuspend = dm_suspend;
	callbacks.EvtChannelStarted = dm_started;
	callbacks.EvtChannelPostStarted = dm_post_started;
	status = VmbChannelInitSetStateChangeCallbacks(channel, &callbacks);
	if (!NT_SUCCESS(status))
		goto cleanup;

	status = VmbChannelInitSetProcessPacketCallbacks(channel,
							 dm_process_packet,
							 NULL);
	if (!NT_SUCCESS(status))
		goto cleanup;

	status = VmbChannelInitSetFriendlyName(channel, &friendly_name);
	if (!NT_SUCCESS(status))
		goto cleanup;

	status = VmbChannelInitSetMaximumPacketSize(channel, DM_MAX_PACKET);
	if (!NT_SUCCESS(status))
		goto cleanup;

	status = VmbClientChannelInitSetRingBufferPageCount(channel, pages,
							    pages);
	if (!NT_SUCCESS(status))
		goto cleanup;

	status = VmbClientChannelInitSetTargetPnp(channel, &class, target,
						  dm_pnp_failure);
	if (!NT_SUCCESS(status))
		goto cleanup;

	dm->channel = channel;
	return 0;

cleanup:
	VmbChannelCleanup(channel);
fail:
	pr_err("creating the channel failed: status %#010x\n", status);
	return dm_errno(status);
}

static int dm_check_params(guid_t *target)
{
	if (instance && kmcl_guid_parse(instance, target)) {
		pr_err("instance: \"%s\" is not a GUID: " KMCL_GUID_FORM "\n",
		       instance);
		return -EINVAL;
	}
	if (!ring_size || ring_size > SZ_1G) {
		pr_err("ring_size: %lu is not between 1 and %u bytes\n",
		       ring_size, SZ_1G);
		return -EINVAL;
	}
	if (!interval_ms) {
		pr_err("interval_ms: must not be 0\n");
		return -EINVAL;
	}
	return 0;
}

int dynmem_create(struct dynmem *dm)
{
	NTSTATUS status;
	guid_t target;
	int ret;

	ret = dm_check_params(&target);
	if (ret)
		return ret;

	INIT_DELAYED_WORK(&dm->report_work, dm_report_work);
	mutex_init(&dm->send_mutex);
	init_waitqueue_head(&dm->wait);
	spin_lock_init(&dm->lock);

	dm->parent = root_device_register(KBUILD_MODNAME);
	if (IS_ERR(dm->parent)) {
		ret = PTR_ERR(dm->parent);
		pr_err("registering the parent device failed: %d\n", ret);
		return ret;
	}

	ret = dm_setup_channel(dm, instance ? &target : NULL);
	if (ret)
		goto unregister;

	status = VmbChannelEnable(dm->channel);
	if (!NT_SUCCESS(status)) {
		pr_err("channel not enabled: status %#010x\n", status);
		ret = dm_errno(status);
		goto cleanup;
	}

	return 0;

cleanup:
	VmbChannelCleanup(dm->channel);
unregister:
	root_device_unregister(dm->parent);
	return ret;
}

void dynmem_destroy(struct dynmem *dm)
{
	dm_disable(dm);
	VmbChannelCleanup(dm->channel);
	root_device_unregister(dm->parent);
}
