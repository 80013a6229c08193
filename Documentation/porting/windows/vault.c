// SPDX-License-Identifier: GPL-2.0
/*
 * vault: a function driver for a store of records behind VMBus, as it is on Windows.
 *
 * This is a text to compare with ../linux/vault.c: nothing here builds it. What
 * only Windows has is marked WDF, and is all that the port replaces.
 *
 * There is a channel for each device. Once it runs, the driver agrees on a version with
 * the host, shares a buffer with it, and has a work item store the records: each is
 * written into the buffer and announced by a request. State callbacks and the work item
 * run at PASSIVE_LEVEL; completion routines and the packet callback at up to
 * DISPATCH_LEVEL. Lock protects Outstanding, Stored and Failed.
 */
#include <ntddk.h>				/* WDF, and the next two */
#include <wdf.h>
#include <initguid.h>
#include <vmbuskernelmodeclientlibapi.h>

/* The INF file has the class: VMBUS\{6b6d636c-7661-756c-7400-000000000000} */
#define VAULT_TAG		'tluV'
#define VAULT_RECORDS		32
#define VAULT_RECORD_SIZE	2048
#define VAULT_MEMORY_SIZE	(VAULT_RECORDS * VAULT_RECORD_SIZE)
#define VAULT_SECONDS		10

#define VAULT_NEGOTIATE		1
#define VAULT_SHARE		2
#define VAULT_STORE		3
#define VAULT_NOTICE		4

/* The newest version first */
static const UINT32 VaultVersions[] = { 0x00020001, 0x00020000, 0x00010000 };

typedef struct _VAULT_MESSAGE {
	UINT32 Command;
	UINT32 Value;		/* a version, a GPADL, or the number of a record */
	UINT64 Length;
} VAULT_MESSAGE, *PVAULT_MESSAGE;

C_ASSERT(sizeof(VAULT_MESSAGE) == 16);

typedef struct _VAULT_CONTEXT {
	VMBCHANNEL Channel;
	PDEVICE_OBJECT Device;
	LONG Number;
	PUCHAR Memory;
	UINT32 Gpadl;
	PIO_WORKITEM WorkItem;
	LONG Working;
	KEVENT WorkDone;
	KSPIN_LOCK Lock;
	LIST_ENTRY Outstanding;
	ULONG Stored;
	ULONG Failed;
} VAULT_CONTEXT, *PVAULT_CONTEXT;

WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(VAULT_CONTEXT, VaultGetContext)	/* WDF */

typedef struct _VAULT_REQUEST {
	LIST_ENTRY Link;
	PVAULT_CONTEXT Context;
	VAULT_MESSAGE Message;
} VAULT_REQUEST, *PVAULT_REQUEST;

static EVT_VMB_CHANNEL_POST_STARTED VaultPostStarted;
static EVT_VMB_CHANNEL_CLOSED VaultClosed;
static EVT_VMB_CHANNEL_PROCESS_PACKET VaultProcessPacket;
static EVT_VMB_PACKET_COMPLETION_ROUTINE VaultStoreDone;
static IO_WORKITEM_ROUTINE VaultStoreRecords;

static LONG VaultDevices;

/* The host has answered with the command itself, or it does not support it */
_IRQL_requires_(PASSIVE_LEVEL)
_Must_inspect_result_
static NTSTATUS VaultAsk(_In_ PVAULT_CONTEXT Context, _In_ UINT32 Command,
			 _In_ UINT32 Value, _In_ UINT64 Length)
{
	VAULT_MESSAGE message = { Command, Value, Length };
	VAULT_MESSAGE reply = { 0 };
	UINT32 size = sizeof(reply);
	LARGE_INTEGER timeout;
	NTSTATUS status;

	PAGED_CODE();
	timeout.QuadPart = -10000000LL * VAULT_SECONDS;
	status = VmbChannelSendSynchronousRequest(Context->Channel, &message,
						  sizeof(message), NULL,
						  VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION,
						  &reply, &size, &timeout);
	if (!NT_SUCCESS(status))
		return status;
	if (size != sizeof(reply) ||
	    !RtlEqualMemory(&reply, &message, sizeof(reply)))
		return STATUS_NOT_SUPPORTED;
	return STATUS_SUCCESS;
}

_Use_decl_annotations_
static VOID VaultPostStarted(VMBCHANNEL Channel)
{
	PVAULT_CONTEXT context = VmbChannelGetPointer(Channel);
	NTSTATUS status = STATUS_UNSUCCESSFUL;
	ULONG i;

	PAGED_CODE();
	for (i = 0; i < ARRAYSIZE(VaultVersions) && !NT_SUCCESS(status); i++)
		status = VaultAsk(context, VAULT_NEGOTIATE, VaultVersions[i], 0);
	if (NT_SUCCESS(status) && context->Gpadl == 0)
		status = VmbChannelCreateGpadlFromBuffer(Channel, 0,
							 context->Memory,
							 VAULT_MEMORY_SIZE,
							 &context->Gpadl);
	if (NT_SUCCESS(status))
		status = VaultAsk(context, VAULT_SHARE, context->Gpadl,
				  VAULT_MEMORY_SIZE);
	if (!NT_SUCCESS(status)) {
		DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_ERROR_LEVEL,
			   "vault %d: not ready: %08x\n", context->Number, status);
		return;
	}
	if (InterlockedExchange(&context->Working, 1) != 0)
		return;
	KeClearEvent(&context->WorkDone);
	IoQueueWorkItem(context->WorkItem, VaultStoreRecords, DelayedWorkQueue,
			context);
}

_Use_decl_annotations_
static VOID VaultClosed(VMBCHANNEL Channel)
{
	PVAULT_CONTEXT context = VmbChannelGetPointer(Channel);

	PAGED_CODE();
	if (context->Gpadl != 0)
		VmbChannelDeleteGpadl(Channel, context->Gpadl);
	context->Gpadl = 0;
}

/* The host repeats a notice */
_Use_decl_annotations_
static VOID VaultProcessPacket(VMBCHANNEL Channel, VMBPACKETCOMPLETION Packet,
			       PVOID Buffer, UINT32 BufferLength, UINT32 Flags)
{
	PVAULT_CONTEXT context = VmbChannelGetPointer(Channel);
	PVAULT_MESSAGE message = Buffer;

	UNREFERENCED_PARAMETER(Flags);
	if (BufferLength >= sizeof(*message) && message->Command == VAULT_NOTICE)
		DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL,
			   "vault %d: notice of %u records\n", context->Number,
			   message->Value);
	VmbChannelPacketComplete(Packet, NULL, 0);
}

_Use_decl_annotations_
static VOID VaultStoreDone(VMBPACKET Packet, NTSTATUS Status, PVOID Buffer,
			   UINT32 BufferLength)
{
	PVAULT_REQUEST request = VmbPacketGetPointer(Packet);
	PVAULT_CONTEXT context = request->Context;
	BOOLEAN last;
	KIRQL irql;

	if (NT_SUCCESS(Status) &&
	    (BufferLength != sizeof(request->Message) ||
	     RtlCompareMemory(Buffer, &request->Message, BufferLength) !=
	     BufferLength))
		Status = STATUS_DEVICE_PROTOCOL_ERROR;

	KeAcquireSpinLock(&context->Lock, &irql);
	last = RemoveEntryList(&request->Link);
	if (NT_SUCCESS(Status))
		context->Stored++;
	else
		context->Failed++;
	last = last && context->Stored + context->Failed >= VAULT_RECORDS;
	KeReleaseSpinLock(&context->Lock, irql);

	if (last)
		DbgPrintEx(DPFLTR_IHVDRIVER_ID, DPFLTR_INFO_LEVEL,
			   "vault %d: %u records stored, %u failed\n",
			   context->Number, context->Stored, context->Failed);
	ExFreePoolWithTag(request, VAULT_TAG);
	VmbPacketFree(Packet);
}

_IRQL_requires_(PASSIVE_LEVEL)
static NTSTATUS VaultStoreRecord(_In_ PVAULT_CONTEXT Context, _In_ ULONG Number)
{
	PVAULT_REQUEST request = ExAllocatePool2(POOL_FLAG_NON_PAGED,
						 sizeof(*request), VAULT_TAG);
	VMBPACKET packet = VmbPacketAllocate(Context->Channel);
	NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;
	KIRQL irql;

	if (!request || !packet)
		goto Free;
	RtlFillMemory(Context->Memory + Number * VAULT_RECORD_SIZE,
		      VAULT_RECORD_SIZE, (UCHAR)Number);
	request->Context = Context;
	request->Message.Command = VAULT_STORE;
	request->Message.Value = Number;
	request->Message.Length = VAULT_RECORD_SIZE;
	VmbPacketSetPointer(packet, request);
	VmbPacketSetCompletionRoutine(packet, VaultStoreDone);

	KeAcquireSpinLock(&Context->Lock, &irql);
	InsertTailList(&Context->Outstanding, &request->Link);
	KeReleaseSpinLock(&Context->Lock, irql);
	status = VmbPacketSend(packet, &request->Message,
			       sizeof(request->Message), NULL,
			       VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION);
	if (NT_SUCCESS(status))
		return status;
	KeAcquireSpinLock(&Context->Lock, &irql);
	RemoveEntryList(&request->Link);
	KeReleaseSpinLock(&Context->Lock, irql);
Free:
	if (packet)
		VmbPacketFree(packet);
	if (request)
		ExFreePoolWithTag(request, VAULT_TAG);
	return status;
}

_Use_decl_annotations_
static VOID VaultStoreRecords(PDEVICE_OBJECT DeviceObject, PVOID Context)
{
	VAULT_MESSAGE notice = { VAULT_NOTICE, VAULT_RECORDS, 0 };
	PVAULT_CONTEXT context = Context;
	NTSTATUS status = STATUS_SUCCESS;
	VMBPACKET packet;
	ULONG i;

	UNREFERENCED_PARAMETER(DeviceObject);
	PAGED_CODE();
	for (i = 0; i < VAULT_RECORDS && NT_SUCCESS(status); i++)
		status = VaultStoreRecord(context, i);
	packet = VmbPacketAllocate(context->Channel);
	if (packet && !NT_SUCCESS(VmbPacketSend(packet, &notice, sizeof(notice),
						NULL, 0)))
		VmbPacketFree(packet);
	InterlockedExchange(&context->Working, 0);
	KeSetEvent(&context->WorkDone, IO_NO_INCREMENT, FALSE);
}

_IRQL_requires_(PASSIVE_LEVEL)
static VOID VaultStop(_In_ PVAULT_CONTEXT Context)
{
	PAGED_CODE();
	if (Context->Channel) {
		VmbChannelDisable(Context->Channel);
		KeWaitForSingleObject(&Context->WorkDone, Executive, KernelMode,
				      FALSE, NULL);
		VmbChannelCleanup(Context->Channel);
	}
	if (Context->WorkItem)
		IoFreeWorkItem(Context->WorkItem);
	if (Context->Memory)
		ExFreePoolWithTag(Context->Memory, VAULT_TAG);
}

/* VaultStop() is called also if this fails */
_IRQL_requires_(PASSIVE_LEVEL)
_Must_inspect_result_
static NTSTATUS VaultStart(_In_ PVAULT_CONTEXT Context, _In_ PDEVICE_OBJECT Device)
{
	static DECLARE_CONST_UNICODE_STRING(name, L"Vault");
	VMB_CHANNEL_STATE_CHANGE_CALLBACKS callbacks;
	NTSTATUS status;

	PAGED_CODE();
	Context->Device = Device;
	Context->Number = InterlockedIncrement(&VaultDevices);
	KeInitializeSpinLock(&Context->Lock);
	InitializeListHead(&Context->Outstanding);
	KeInitializeEvent(&Context->WorkDone, NotificationEvent, TRUE);
	Context->Memory = ExAllocatePool2(POOL_FLAG_NON_PAGED, VAULT_MEMORY_SIZE,
					  VAULT_TAG);
	Context->WorkItem = IoAllocateWorkItem(Device);
	if (!Context->Memory || !Context->WorkItem)
		return STATUS_INSUFFICIENT_RESOURCES;

	status = VmbChannelAllocate(Device, FALSE, &Context->Channel);
	if (!NT_SUCCESS(status))
		return status;
	VmbChannelSetPointer(Context->Channel, Context);
	VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT(&callbacks);
	callbacks.EvtChannelPostStarted = VaultPostStarted;
	callbacks.EvtChannelClosed = VaultClosed;
	status = VmbChannelInitSetStateChangeCallbacks(Context->Channel,
						       &callbacks);
	if (NT_SUCCESS(status))
		status = VmbChannelInitSetProcessPacketCallbacks(Context->Channel,
								 VaultProcessPacket,
								 NULL);
	if (NT_SUCCESS(status))
		status = VmbChannelInitSetFriendlyName(Context->Channel, &name);
	if (NT_SUCCESS(status))
		status = VmbChannelEnable(Context->Channel);
	return status;
}

/* WDF, from here on */
static EVT_WDF_OBJECT_CONTEXT_CLEANUP VaultCleanup;
static EVT_WDF_DRIVER_DEVICE_ADD VaultDeviceAdd;

static VOID VaultCleanup(WDFOBJECT Object)
{
	VaultStop(VaultGetContext(Object));
}

static NTSTATUS VaultDeviceAdd(WDFDRIVER Driver, PWDFDEVICE_INIT DeviceInit)
{
	WDF_OBJECT_ATTRIBUTES attributes;
	WDFDEVICE device;
	NTSTATUS status;

	UNREFERENCED_PARAMETER(Driver);
	WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, VAULT_CONTEXT);
	attributes.EvtCleanupCallback = VaultCleanup;
	status = WdfDeviceCreate(&DeviceInit, &attributes, &device);
	if (!NT_SUCCESS(status))
		return status;
	return VaultStart(VaultGetContext(device),
			  WdfDeviceWdmGetDeviceObject(device));
}

NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
	WDF_DRIVER_CONFIG config;

	WDF_DRIVER_CONFIG_INIT(&config, VaultDeviceAdd);
	return WdfDriverCreate(DriverObject, RegistryPath,
			       WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}
