// SPDX-License-Identifier: GPL-2.0
/*
 * kmcl_share: memory that a client and a server share, over the loopback bus.
 *
 * The server keeps a store in memory that the client lends it: a GPADL, for as
 * long as the channel is open. The client writes into the store and reads from
 * it with synchronous requests whose data are described by MDLs and go with the
 * packet as external data, without being copied through the ring. It needs no
 * hypervisor; /sys/module/kmcl_share/parameters/right counts requests whose
 * data were found where they belong, wrong counts the rest.
 *
 * The server asks for its packets at PASSIVE, because it maps memory. State
 * callbacks, and with it the whole client, run in process context anyway. The
 * server's data are used by its own callbacks alone, which never overlap.
 */
#define pr_fmt(fmt)	KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

#include <vmbuskernelmodeclientlibapi.h>

#define STORE_BYTES	65536U
#define DATA_BYTES	12000U	/* of one request, in two pieces */
#define FIRST_PIECE	5000U
#define TIME_LIMIT	(-10 * 10000000LL)	/* ten seconds from now */

static unsigned int rounds = 16;
module_param(rounds, uint, 0444);
MODULE_PARM_DESC(rounds, "times that data are written and read back");

static unsigned int right;
module_param(right, uint, 0444);
MODULE_PARM_DESC(right, "requests whose data were where they belong");

static unsigned int wrong;
module_param(wrong, uint, 0444);
MODULE_PARM_DESC(wrong, "requests that failed, or moved something else");

static const GUID share_type =
	GUID_INIT(0x5a8c0d6e, 0x1f0b, 0x4c1c,
		  0x8d, 0x34, 0x2b, 0x0f, 0x9c, 0x6a, 0xd7, 0x11);
static const GUID share_instance =
	GUID_INIT(0x5a8c0d6e, 0x1f0b, 0x4c1c,
		  0x8d, 0x34, 0x2b, 0x0f, 0x9c, 0x6a, 0xd7, 0x12);

enum share_operation {
	SHARE_LEND = 1,		/* the GPADL, once per opening */
	SHARE_WRITE,		/* external data into the store */
	SHARE_READ,		/* the store into external data */
};

/* What the client sends; the offset is one in the store */
struct share_request {
	UINT32 operation;
	UINT32 gpadl;
	UINT32 offset;
	UINT32 bytes;
};

/* What the server completes it with */
struct share_reply {
	NTSTATUS status;
	UINT32 bytes;
};

static PDEVICE_OBJECT share_device;
static DECLARE_COMPLETION(share_done);

/* The server, and what it was lent */
static VMBCHANNEL share_server;
static UINT32 lent_gpadl;
static PMDL lent_mdl;
static u8 *lent_store;

/* The client, and what it lends */
static VMBCHANNEL share_client;
static UINT32 store_gpadl;
static u8 *store;
static u8 *share_data;		/* what it writes there, and reads back */

static EVT_VMB_CHANNEL_PROCESS_PACKET ShareServerProcessPacket;
static EVT_VMB_CHANNEL_CLOSED ShareServerClosed;
static EVT_VMB_CHANNEL_OPENED ShareClientOpened;
static EVT_VMB_CHANNEL_POST_STARTED ShareClientPostStarted;
static EVT_VMB_CHANNEL_CLOSED ShareClientClosed;

/* The pages stay the client's: mapped here, and unmapped before it has them */
static NTSTATUS ShareServerMap(VMBCHANNEL Channel, UINT32 Gpadl)
{
	NTSTATUS status;

	if (lent_mdl)
		return STATUS_INVALID_DEVICE_STATE;
	status = VmbChannelMapGpadl(Channel, 0, Gpadl, &lent_mdl);
	if (!NT_SUCCESS(status))
		return status;

	lent_gpadl = Gpadl;
	if (!lent_mdl->Next && MmGetMdlByteCount(lent_mdl) == STORE_BYTES)
		lent_store = MmGetSystemAddressForMdlSafe(lent_mdl,
							  NormalPagePriority);
	if (lent_store)
		return STATUS_SUCCESS;
	VmbChannelUnmapGpadl(Channel, Gpadl);
	lent_mdl = NULL;
	return STATUS_INSUFFICIENT_RESOURCES;
}

static VOID ShareServerClosed(VMBCHANNEL Channel)
{
	if (!lent_mdl)
		return;
	MmUnmapLockedPages(lent_store, lent_mdl);
	VmbChannelUnmapGpadl(Channel, lent_gpadl);
	lent_store = NULL;
	lent_mdl = NULL;
}

/* One piece of the chain after the other; the client says no more than it has */
static NTSTATUS ShareServerMove(PMDL Mdl, const struct share_request *Request)
{
	UINT32 offset = Request->offset, left = Request->bytes;

	if (!lent_store || left > STORE_BYTES || offset > STORE_BYTES - left)
		return STATUS_INVALID_PARAMETER;

	for (; Mdl && left; Mdl = Mdl->Next) {
		UINT32 bytes = min(left, MmGetMdlByteCount(Mdl));
		PVOID data = MmGetSystemAddressForMdlSafe(Mdl,
							  NormalPagePriority);

		if (!data)
			return STATUS_INSUFFICIENT_RESOURCES;
		if (Request->operation == SHARE_WRITE)
			memcpy(lent_store + offset, data, bytes);
		else
			memcpy(data, lent_store + offset, bytes);
		MmUnmapLockedPages(data, Mdl);
		offset += bytes;
		left -= bytes;
	}
	return left ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

static VOID ShareServerProcessPacket(VMBCHANNEL Channel,
				     VMBPACKETCOMPLETION Packet, PVOID Buffer,
				     UINT32 BufferLength, UINT32 Flags)
{
	struct share_reply reply = { .status = STATUS_INVALID_PARAMETER };
	struct share_request request;
	PMDL mdl;

	/* The buffer is a copy, which the client cannot change any more */
	if (BufferLength < sizeof(request))
		goto complete;
	memcpy(&request, Buffer, sizeof(request));

	switch (request.operation) {
	case SHARE_LEND:
		reply.status = ShareServerMap(Channel, request.gpadl);
		break;
	case SHARE_WRITE:
	case SHARE_READ:
		if (!(Flags & VMBUS_CHANNEL_PROCESS_PACKET_FLAG_EXTERNAL_DATA))
			break;
		reply.status = VmbChannelPacketGetExternalData(Packet, 0, &mdl);
		/* This callback will be called again */
		if (reply.status == STATUS_PENDING)
			return;
		if (NT_SUCCESS(reply.status))
			reply.status = ShareServerMove(mdl, &request);
		break;
	}
	if (NT_SUCCESS(reply.status))
		reply.bytes = request.bytes;
complete:
	/* The chain is gone from here on */
	VmbChannelPacketComplete(Packet, &reply, sizeof(reply));
}

static NTSTATUS ShareClientAsk(VMBCHANNEL Channel, struct share_request *Request,
			       PMDL Mdl)
{
	LARGE_INTEGER limit = { .QuadPart = TIME_LIMIT };
	struct share_reply reply = {};
	UINT32 size = sizeof(reply);
	NTSTATUS status;

	status = VmbChannelSendSynchronousRequest(Channel, Request,
						  sizeof(*Request), Mdl,
						  VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION,
						  &reply, &size, &limit);
	if (!NT_SUCCESS(status))
		return status;
	if (size != sizeof(reply))
		return STATUS_DEVICE_PROTOCOL_ERROR;
	return reply.status;
}

static PMDL ShareDescribe(u8 *Data, ULONG Bytes)
{
	PMDL mdl = IoAllocateMdl(Data, Bytes, FALSE, FALSE, NULL);

	/* Linux' kernel memory is never paged out: nothing to probe or lock */
	if (mdl)
		MmBuildMdlForNonPagedPool(mdl);
	return mdl;
}

/* Write data into the store, look for them there, and read them back */
static bool ShareClientRound(VMBCHANNEL Channel, UINT32 Round)
{
	u8 *Data = share_data, *Copy = share_data + DATA_BYTES;
	struct share_request request = {
		.bytes = DATA_BYTES,
		.offset = Round * 3001 % (STORE_BYTES - DATA_BYTES),
	};
	PMDL out, more, in;
	NTSTATUS status;

	memset(Data, Round + 1, DATA_BYTES);
	memset(Copy, 0, DATA_BYTES);
	out = ShareDescribe(Data, FIRST_PIECE);
	more = ShareDescribe(Data + FIRST_PIECE, DATA_BYTES - FIRST_PIECE);
	in = ShareDescribe(Copy, DATA_BYTES);
	status = STATUS_INSUFFICIENT_RESOURCES;
	if (!out || !more || !in)
		goto free;

	out->Next = more;
	request.operation = SHARE_WRITE;
	status = ShareClientAsk(Channel, &request, out);
	if (NT_SUCCESS(status)) {
		request.operation = SHARE_READ;
		status = ShareClientAsk(Channel, &request, in);
	}
free:
	/*
	 * The descriptions are ours again. The memory is only if the request was
	 * completed: after one that was cancelled, or whose channel is being
	 * closed, the server may use it until that is done.
	 */
	if (out)
		IoFreeMdl(out);
	if (more)
		IoFreeMdl(more);
	if (in)
		IoFreeMdl(in);
	if (!NT_SUCCESS(status)) {
		pr_err("round %u: status %#x\n", Round, status);
		return false;
	}
	return !memcmp(store + request.offset, Data, DATA_BYTES) &&
	       !memcmp(Copy, Data, DATA_BYTES);
}

/* The link is up, nothing moves yet: the time for what lasts as long as it */
static NTSTATUS ShareClientOpened(VMBCHANNEL Channel)
{
	return VmbChannelCreateGpadlFromBuffer(Channel, 0, store, STORE_BYTES,
					       &store_gpadl);
}

/* The one state callback that may wait for traffic */
static VOID ShareClientPostStarted(VMBCHANNEL Channel)
{
	struct share_request lend = {
		.operation = SHARE_LEND,
		.gpadl = store_gpadl,
	};
	NTSTATUS status = ShareClientAsk(Channel, &lend, NULL);
	UINT32 i;

	if (!NT_SUCCESS(status))
		pr_err("lending %u bytes: status %#x\n", STORE_BYTES, status);
	for (i = 0; i < rounds; i++) {
		if (NT_SUCCESS(status) && ShareClientRound(Channel, i))
			right++;
		else
			wrong++;
	}
	complete(&share_done);
}

/* Waits until the server has unmapped it */
static VOID ShareClientClosed(VMBCHANNEL Channel)
{
	VmbChannelDeleteGpadl(Channel, store_gpadl);
	pr_info("closed, %u right, %u wrong\n", right, wrong);
}

static NTSTATUS ShareCreateServer(void)
{
	VMB_CHANNEL_STATE_CHANGE_CALLBACKS callbacks;
	NTSTATUS status;

	status = VmbChannelAllocate(share_device, TRUE, &share_server);
	if (!NT_SUCCESS(status))
		return status;

	VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT(&callbacks);
	callbacks.EvtChannelClosed = ShareServerClosed;
	VmbChannelSetIncomingProcessingAtPassive(share_server, TRUE);
	status = VmbChannelInitSetStateChangeCallbacks(share_server, &callbacks);
	if (NT_SUCCESS(status))
		status = VmbChannelInitSetProcessPacketCallbacks(share_server,
								 ShareServerProcessPacket,
								 NULL);
	if (NT_SUCCESS(status))
		status = VmbChannelInitSetMaximumExternalData(share_server,
							      DATA_BYTES, 2);
	if (NT_SUCCESS(status))
		status = VmbServerChannelInitSetTargetInterfaceId(share_server,
								  share_type,
								  share_instance);
	if (NT_SUCCESS(status))
		status = VmbChannelEnable(share_server);
	if (NT_SUCCESS(status))
		VmbChannelStart(share_server);
	return status;
}

static NTSTATUS ShareCreateClient(void)
{
	VMB_CHANNEL_STATE_CHANGE_CALLBACKS callbacks;
	NTSTATUS status;

	status = VmbChannelAllocate(share_device, FALSE, &share_client);
	if (!NT_SUCCESS(status))
		return status;

	VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT(&callbacks);
	callbacks.EvtChannelOpened = ShareClientOpened;
	callbacks.EvtChannelPostStarted = ShareClientPostStarted;
	callbacks.EvtChannelClosed = ShareClientClosed;
	status = VmbChannelInitSetStateChangeCallbacks(share_client, &callbacks);
	if (NT_SUCCESS(status))
		status = VmbChannelInitSetMaximumExternalData(share_client,
							      DATA_BYTES, 2);
	if (NT_SUCCESS(status))
		status = VmbClientChannelInitSetTargetPnp(share_client,
							  &share_type,
							  &share_instance, NULL);
	if (NT_SUCCESS(status))
		status = VmbChannelEnable(share_client);
	return status;
}

/* Also what was only half made; memory that was lent is freed last */
static void share_stop(void)
{
	if (share_client) {
		VmbChannelDisable(share_client);
		VmbChannelCleanup(share_client);
		share_client = NULL;
	}
	if (share_server) {
		VmbChannelDisable(share_server);
		VmbChannelCleanup(share_server);
		share_server = NULL;
	}
	root_device_unregister(share_device);
	free_pages_exact(store, STORE_BYTES);
	free_pages_exact(share_data, 2 * DATA_BYTES);
}

static int share_start(void)
{
	NTSTATUS status;
	int ret;

	right = 0;
	wrong = 0;
	reinit_completion(&share_done);

	store = alloc_pages_exact(STORE_BYTES, GFP_KERNEL | __GFP_ZERO);
	if (!store)
		return -ENOMEM;
	ret = -ENOMEM;
	share_data = alloc_pages_exact(2 * DATA_BYTES, GFP_KERNEL);
	if (!share_data)
		goto free_store;
	share_device = root_device_register("kmcl_share");
	ret = PTR_ERR_OR_ZERO(share_device);
	if (ret)
		goto free_data;

	status = ShareCreateServer();
	if (NT_SUCCESS(status))
		status = ShareCreateClient();
	if (!NT_SUCCESS(status)) {
		pr_err("status %#x\n", status);
		share_stop();
		return status == STATUS_INSUFFICIENT_RESOURCES ? -ENOMEM : -EIO;
	}

	if (!wait_for_completion_timeout(&share_done, 10 * HZ))
		pr_warn("still waiting for the server\n");
	else
		pr_info("%u right, %u wrong\n", right, wrong);
	return 0;
free_data:
	free_pages_exact(share_data, 2 * DATA_BYTES);
free_store:
	free_pages_exact(store, STORE_BYTES);
	return ret;
}

module_init(share_start);
module_exit(share_stop);

MODULE_DESCRIPTION("A KMCL client that lends memory to a server, over the loopback bus");
MODULE_LICENSE("GPL");
