// SPDX-License-Identifier: GPL-2.0
/*
 * kmcl_echo: a client and a server in one module, over the loopback bus.
 *
 * The smallest use of KMCL that shows both endpoints, written as a Windows
 * driver is. It needs no hypervisor: loading it offers a device, opens it,
 * sends messages, and compares what comes back. /sys/module/kmcl_echo/
 * parameters/echoed counts what was right, wrong counts the rest.
 *
 * State callbacks run in process context and may sleep; ProcessPacket and
 * completion routines may run in softirq context. echo_lock protects the
 * counters, which both change.
 */
#define pr_fmt(fmt)	KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/spinlock.h>

#include <vmbuskernelmodeclientlibapi.h>

/* All of them wait in the client's queue */
#define MESSAGES_MAX	100000U

static unsigned int messages = 1000;
module_param(messages, uint, 0444);
MODULE_PARM_DESC(messages, "messages that the client sends once it runs");

static unsigned int echoed;
module_param(echoed, uint, 0444);
MODULE_PARM_DESC(echoed, "messages that came back as they were sent");

static unsigned int wrong;
module_param(wrong, uint, 0444);
MODULE_PARM_DESC(wrong, "messages that failed, or came back as something else");

/* The interface type names the protocol, the instance this one service */
static const GUID echo_type =
	GUID_INIT(0x5a8c0d6e, 0x1f0b, 0x4c1c,
		  0x8d, 0x34, 0x2b, 0x0f, 0x9c, 0x6a, 0xd7, 0x01);
static const GUID echo_instance =
	GUID_INIT(0x5a8c0d6e, 0x1f0b, 0x4c1c,
		  0x8d, 0x34, 0x2b, 0x0f, 0x9c, 0x6a, 0xd7, 0x02);

struct echo_message {
	UINT64 number;
	UINT64 inverse;
};

static PDEVICE_OBJECT echo_device;
static VMBCHANNEL echo_server;
static VMBCHANNEL echo_client;
static DECLARE_COMPLETION(echo_done);
static DEFINE_SPINLOCK(echo_lock);

static EVT_VMB_CHANNEL_PROCESS_PACKET EchoServerProcessPacket;
static EVT_VMB_CHANNEL_POST_STARTED EchoClientPostStarted;
static EVT_VMB_CHANNEL_CLOSED EchoClientClosed;
static EVT_VMB_PACKET_COMPLETION_ROUTINE EchoClientCompletion;

/* The server's answer is the completion, with the payload as it came */
static VOID EchoServerProcessPacket(VMBCHANNEL Channel,
				    VMBPACKETCOMPLETION Packet, PVOID Buffer,
				    UINT32 BufferLength, UINT32 Flags)
{
	VmbChannelPacketComplete(Packet, Buffer, BufferLength);
}

static void echo_count(bool good)
{
	unsigned long flags;

	spin_lock_irqsave(&echo_lock, flags);
	if (good)
		echoed++;
	else
		wrong++;
	if (echoed + wrong == messages)
		complete(&echo_done);
	spin_unlock_irqrestore(&echo_lock, flags);
}

/* The packet is this driver's again; Buffer is valid only during the call */
static VOID EchoClientCompletion(VMBPACKET Packet, NTSTATUS Status,
				 PVOID Buffer, UINT32 BufferLength)
{
	UINT64 number = (unsigned long)VmbPacketGetPointer(Packet);
	const struct echo_message *message = Buffer;

	echo_count(NT_SUCCESS(Status) && BufferLength == sizeof(*message) &&
		   message->number == number && message->inverse == ~number);
	VmbPacketFree(Packet);
}

/* The channel runs: this callback may wait for traffic, and need not */
static VOID EchoClientPostStarted(VMBCHANNEL Channel)
{
	const UINT32 flags = VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION;
	unsigned long i;

	for (i = 0; i < messages; i++) {
		struct echo_message message = { i, ~(UINT64)i };
		VMBPACKET packet = VmbPacketAllocate(Channel);
		NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;

		if (packet) {
			VmbPacketSetPointer(packet, (PVOID)i);
			VmbPacketSetCompletionRoutine(packet,
						      EchoClientCompletion);
			/* Does not wait: without room in the ring it queues */
			status = VmbPacketSend(packet, &message,
					       sizeof(message), NULL, flags);
		}
		if (!NT_SUCCESS(status)) {
			/* Not accepted: no completion routine */
			if (packet)
				VmbPacketFree(packet);
			pr_err("message %lu: status %#x\n", i, status);
			echo_count(false);
		}
	}
}

static VOID EchoClientClosed(VMBCHANNEL Channel)
{
	pr_info("closed, %u of %u messages echoed\n", echoed, messages);
}

static NTSTATUS EchoCreateServer(void)
{
	const UINT32 flags = VMBUS_SERVER_CHANNEL_INIT_FLAG_LOOPBACK_OFFER;
	NTSTATUS status = VmbChannelAllocate(echo_device, TRUE, &echo_server);

	if (!NT_SUCCESS(status))
		return status;

	status = VmbChannelInitSetProcessPacketCallbacks(echo_server,
							 EchoServerProcessPacket,
							 NULL);
	if (NT_SUCCESS(status))
		status = VmbServerChannelInitSetFlags(echo_server, flags);
	if (NT_SUCCESS(status))
		status = VmbServerChannelInitSetTargetInterfaceId(echo_server,
								  echo_type,
								  echo_instance);
	if (NT_SUCCESS(status))
		status = VmbChannelEnable(echo_server);
	if (NT_SUCCESS(status))
		VmbChannelStart(echo_server);
	return status;
}

static NTSTATUS EchoCreateClient(void)
{
	static DECLARE_CONST_UNICODE_STRING(name, L"Echo");
	VMB_CHANNEL_STATE_CHANGE_CALLBACKS callbacks;
	NTSTATUS status;

	status = VmbChannelAllocate(echo_device, FALSE, &echo_client);
	if (!NT_SUCCESS(status))
		return status;

	VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT(&callbacks);
	callbacks.EvtChannelPostStarted = EchoClientPostStarted;
	callbacks.EvtChannelClosed = EchoClientClosed;
	status = VmbChannelInitSetStateChangeCallbacks(echo_client, &callbacks);
	if (NT_SUCCESS(status))
		status = VmbChannelInitSetFriendlyName(echo_client, &name);
	if (NT_SUCCESS(status))
		status = VmbClientChannelInitSetTargetPnp(echo_client,
							  &echo_type,
							  &echo_instance, NULL);
	if (NT_SUCCESS(status))
		status = VmbChannelEnable(echo_client);
	return status;
}

/* Also what was only half made; a channel is disabled before it is freed */
static void echo_stop(void)
{
	if (echo_client) {
		VmbChannelDisable(echo_client);
		VmbChannelCleanup(echo_client);
		echo_client = NULL;
	}
	if (echo_server) {
		VmbChannelDisable(echo_server);
		VmbChannelCleanup(echo_server);
		echo_server = NULL;
	}
	root_device_unregister(echo_device);
}

static int echo_start(void)
{
	NTSTATUS status;

	if (messages > MESSAGES_MAX) {
		pr_err("messages=%u is too many: at most %u\n", messages,
		       MESSAGES_MAX);
		return -EINVAL;
	}
	echoed = 0;
	wrong = 0;
	reinit_completion(&echo_done);

	/* On Windows the device that AddDevice was called for */
	echo_device = root_device_register("kmcl_echo");
	if (IS_ERR(echo_device))
		return PTR_ERR(echo_device);

	status = EchoCreateServer();
	if (NT_SUCCESS(status))
		status = EchoCreateClient();
	if (!NT_SUCCESS(status)) {
		pr_err("status %#x\n", status);
		echo_stop();
		return status == STATUS_INSUFFICIENT_RESOURCES ? -ENOMEM : -EIO;
	}

	if (messages &&
	    !wait_for_completion_timeout(&echo_done, 10 * HZ))
		pr_warn("still waiting for %u messages\n",
			messages - echoed - wrong);
	else
		pr_info("%u of %u messages echoed\n", echoed, messages);
	return 0;
}

module_init(echo_start);
module_exit(echo_stop);

MODULE_DESCRIPTION("A KMCL client and server that talk over the loopback bus");
MODULE_LICENSE("GPL");
