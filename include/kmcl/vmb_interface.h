/* SPDX-License-Identifier: GPL-2.0 */
/*
 * KMCL's function tables, as a driver for Windows 10 1803 or later gets them.
 *
 * On Windows WdfFdoQueryForInterface() fills them. Here KmclQueryInterface()
 * does, with the functions of the other headers.
 *
 * Each list has the functions in the order of Windows' table, which is
 * alphabetical, and their names in the types FN_VMB_... and PFN_VMB_....
 */
#ifndef _KMCL_VMB_INTERFACE_H
#define _KMCL_VMB_INTERFACE_H

#include "vmb_channel.h"
#include "vmb_memory.h"
#include "vmb_packet.h"
#include "vmb_settings.h"
#include "vmb_sync.h"
#include "kmclserver.h"

#define KMCL_CLIENT_METHODS(X) \
	X(VmbChannelAllocate, CHANNEL_ALLOCATE) \
	X(VmbChannelCleanup, CHANNEL_CLEANUP) \
	X(VmbChannelCreateGpadlFromBuffer, \
	  CHANNEL_CREATE_GPADL_FROM_BUFFER) \
	X(VmbChannelCreateGpadlFromMdl, CHANNEL_CREATE_GPADL_FROM_MDL) \
	X(VmbChannelDeleteGpadl, CHANNEL_DELETE_GPADL) \
	X(VmbChannelDisable, CHANNEL_DISABLE) \
	X(VmbChannelEnable, CHANNEL_ENABLE) \
	X(VmbChannelGetInterfaceInstance, CHANNEL_GET_INTERFACE_INSTANCE) \
	X(VmbChannelGetMmioSpace, CHANNEL_GET_MMIO_SPACE) \
	X(VmbChannelGetPointer, CHANNEL_GET_POINTER) \
	X(VmbChannelInitSetClientContextSize, \
	  CHANNEL_INIT_SET_CLIENT_CONTEXT_SIZE) \
	X(VmbChannelInitSetFlags, CHANNEL_INIT_SET_FLAGS) \
	X(VmbChannelInitSetFriendlyName, CHANNEL_INIT_SET_FRIENDLY_NAME) \
	X(VmbChannelInitSetMaximumExternalData, \
	  CHANNEL_INIT_SET_MAXIMUM_EXTERNAL_DATA) \
	X(VmbChannelInitSetMaximumPacketSize, \
	  CHANNEL_INIT_SET_MAXIMUM_PACKET_SIZE) \
	X(VmbChannelInitSetProcessPacketCallbacks, \
	  CHANNEL_INIT_SET_PROCESS_PACKET_CALLBACKS) \
	X(VmbChannelInitSetStateChangeCallbacks, \
	  CHANNEL_INIT_SET_STATE_CHANGE_CALLBACKS) \
	X(VmbChannelPacketComplete, CHANNEL_PACKET_COMPLETE) \
	X(VmbChannelPacketDeferToPassive, CHANNEL_PACKET_DEFER_TO_PASSIVE) \
	X(VmbChannelPacketFail, CHANNEL_PACKET_FAIL) \
	X(VmbChannelPacketGetExternalData, CHANNEL_PACKET_GET_EXTERNAL_DATA) \
	X(VmbChannelPause, CHANNEL_PAUSE) \
	X(VmbChannelSendSynchronousRequest, CHANNEL_SEND_SYNCHRONOUS_REQUEST) \
	X(VmbChannelSetIncomingProcessingAtPassive, \
	  CHANNEL_SET_INCOMING_PROCESSING_AT_PASSIVE) \
	X(VmbChannelSetInterruptLatency, CHANNEL_SET_INTERRUPT_LATENCY) \
	X(VmbChannelSetPointer, CHANNEL_SET_POINTER) \
	X(VmbChannelSetTransactionQuota, CHANNEL_SET_TRANSACTION_QUOTA) \
	X(VmbChannelSizeofPacket, CHANNEL_SIZEOF_PACKET) \
	X(VmbChannelStart, CHANNEL_START) \
	X(VmbClientChannelInitSetRingBufferPageCount, \
	  CLIENT_CHANNEL_INIT_SET_RING_BUFFER_PAGE_COUNT) \
	X(VmbClientChannelInitSetTargetPnp, \
	  CLIENT_CHANNEL_INIT_SET_TARGET_PNP) \
	X(VmbPacketAllocate, PACKET_ALLOCATE) \
	X(VmbPacketFree, PACKET_FREE) \
	X(VmbPacketGetChannel, PACKET_GET_CHANNEL) \
	X(VmbPacketGetPointer, PACKET_GET_POINTER) \
	X(VmbPacketInitialize, PACKET_INITIALIZE) \
	X(VmbPacketSend, PACKET_SEND) \
	X(VmbPacketSendWithExternalMdl, PACKET_SEND_WITH_EXTERNAL_MDL) \
	X(VmbPacketSendWithExternalPfns, PACKET_SEND_WITH_EXTERNAL_PFNS) \
	X(VmbPacketSetCompletionRoutine, PACKET_SET_COMPLETION_ROUTINE) \
	X(VmbPacketSetPointer, PACKET_SET_POINTER)

#define KMCL_SERVER_METHODS(X) \
	X(VmbChannelMapGpadl, CHANNEL_MAP_GPADL) \
	X(VmbChannelRestoreFromBuffer, CHANNEL_RESTORE_FROM_BUFFER) \
	X(VmbChannelSaveBegin, CHANNEL_SAVE_BEGIN) \
	X(VmbChannelSaveContinue, CHANNEL_SAVE_CONTINUE) \
	X(VmbChannelSaveEnd, CHANNEL_SAVE_END) \
	X(VmbChannelUnmapGpadl, CHANNEL_UNMAP_GPADL) \
	X(VmbConvertVmbusHandleToKernelHandle, \
	  CONVERT_VMBUS_HANDLE_TO_KERNEL_HANDLE) \
	X(VmbPacketRestore, PACKET_RESTORE) \
	X(VmbServerChannelInitSetFlags, SERVER_CHANNEL_INIT_SET_FLAGS) \
	X(VmbServerChannelInitSetMmioMegabytes, \
	  SERVER_CHANNEL_INIT_SET_MMIO_MEGABYTES) \
	X(VmbServerChannelInitSetSaveRestorePacketCallbacks, \
	  SERVER_CHANNEL_INIT_SET_SAVE_RESTORE_PACKET_CALLBACKS) \
	X(VmbServerChannelInitSetTargetInterfaceId, \
	  SERVER_CHANNEL_INIT_SET_TARGET_INTERFACE_ID) \
	X(VmbServerChannelInitSetTargetVtl, \
	  SERVER_CHANNEL_INIT_SET_TARGET_VTL) \
	X(VmbServerChannelInitSetVmbusHandle, \
	  SERVER_CHANNEL_INIT_SET_VMBUS_HANDLE)

#define KMCL_METHOD_TYPES(name, NAME) \
	typedef typeof(name) FN_VMB_##NAME; \
	typedef FN_VMB_##NAME * \
		PFN_VMB_##NAME;

KMCL_CLIENT_METHODS(KMCL_METHOD_TYPES)
KMCL_SERVER_METHODS(KMCL_METHOD_TYPES)

#undef KMCL_METHOD_TYPES

#define KMCL_METHOD_MEMBER(name, NAME) PFN_VMB_##NAME name;

/* The members of Windows' INTERFACE, as members of the table itself */
#define KMCL_INTERFACE_MEMBERS \
	USHORT Size; \
	USHORT Version; \
	PVOID Context; \
	PINTERFACE_REFERENCE InterfaceReference; \
	PINTERFACE_DEREFERENCE InterfaceDereference;

typedef struct _KMCL_CLIENT_INTERFACE_V1 {
	KMCL_INTERFACE_MEMBERS
	KMCL_CLIENT_METHODS(KMCL_METHOD_MEMBER)
} KMCL_CLIENT_INTERFACE_V1, *PKMCL_CLIENT_INTERFACE_V1;

typedef struct _KMCL_SERVER_ONLY_METHODS {
	KMCL_SERVER_METHODS(KMCL_METHOD_MEMBER)
} KMCL_SERVER_ONLY_METHODS, *PKMCL_SERVER_ONLY_METHODS;

typedef struct _KMCL_SERVER_INTERFACE_V1 {
	KMCL_INTERFACE_MEMBERS
	KMCL_CLIENT_METHODS(KMCL_METHOD_MEMBER)
	KMCL_SERVER_METHODS(KMCL_METHOD_MEMBER)
} KMCL_SERVER_INTERFACE_V1, *PKMCL_SERVER_INTERFACE_V1;

#undef KMCL_INTERFACE_MEMBERS
#undef KMCL_METHOD_MEMBER

static_assert(sizeof(KMCL_SERVER_INTERFACE_V1) ==
	      sizeof(KMCL_CLIENT_INTERFACE_V1) +
	      sizeof(KMCL_SERVER_ONLY_METHODS));

/*
 * Windows' documentation has the names of these, and not their values: the GUIDs
 * and numbers are this library's own. Compare them by name only. What it says of
 * _LATEST is that it is passed with the size of the first version's table.
 */
#define KMCL_CLIENT_INTERFACE_VERSION_V1	1
#define KMCL_CLIENT_INTERFACE_VERSION_LATEST	KMCL_CLIENT_INTERFACE_VERSION_V1
#define KMCL_SERVER_INTERFACE_VERSION_V1	1

static_assert(KMCL_SERVER_INTERFACE_VERSION_V1 ==
	      KMCL_CLIENT_INTERFACE_VERSION_V1);

static const GUID KMCL_CLIENT_INTERFACE_TYPE __maybe_unused =
	GUID_INIT(0x2f6d1c0e, 0x5b8a, 0x4c37,
		  0x9e, 0x41, 0x7d, 0x30, 0x8a, 0xc2, 0x15, 0x66);
static const GUID KMCL_SERVER_INTERFACE_TYPE __maybe_unused =
	GUID_INIT(0x8c3e9b52, 0x1d74, 0x4fa0,
		  0xb6, 0x0d, 0x52, 0xe9, 0x4f, 0x07, 0xd3, 0x1a);

/* The functions are inline, part of the caller's module: nothing to count */
static inline void kmcl_interface_reference(PVOID Context)
{
}

/**
 * KmclQueryInterface() - fill a function table
 * @InterfaceType: KMCL_CLIENT_INTERFACE_TYPE or KMCL_SERVER_INTERFACE_TYPE
 * @Interface: a KMCL_CLIENT_INTERFACE_V1 or a KMCL_SERVER_INTERFACE_V1
 * @Size: its bytes
 * @Version: KMCL_CLIENT_INTERFACE_VERSION_V1 or
 *	KMCL_SERVER_INTERFACE_VERSION_V1
 *
 * Replaces WdfFdoQueryForInterface() and WdfIoTargetQueryForInterface(). The
 * table is the driver's own copy, valid until its module is unloaded.
 *
 * A driver that asks for a later version first, whose table is larger, asks for
 * the first one when that is not supported.
 *
 * Context: DISPATCH.
 * Return: STATUS_SUCCESS; STATUS_NOT_SUPPORTED (no such type, or no such version
 * of it); STATUS_INVALID_PARAMETER_1 (NULL), _2 (NULL) or _3 (not the size of
 * that version's table). Unless it succeeds nothing is written.
 */
static inline NTSTATUS KmclQueryInterface(LPCGUID InterfaceType,
					  PINTERFACE Interface, USHORT Size,
					  USHORT Version)
{
	KMCL_SERVER_INTERFACE_V1 table = {
		.Version = Version,
		.InterfaceReference = kmcl_interface_reference,
		.InterfaceDereference = kmcl_interface_reference,
#define KMCL_METHOD_VALUE(name, NAME) .name = name,
		KMCL_CLIENT_METHODS(KMCL_METHOD_VALUE)
		KMCL_SERVER_METHODS(KMCL_METHOD_VALUE)
#undef KMCL_METHOD_VALUE
	};

	if (!InterfaceType)
		return STATUS_INVALID_PARAMETER_1;
	if (!Interface)
		return STATUS_INVALID_PARAMETER_2;
	if (guid_equal(InterfaceType, &KMCL_CLIENT_INTERFACE_TYPE))
		table.Size = sizeof(KMCL_CLIENT_INTERFACE_V1);
	else if (guid_equal(InterfaceType, &KMCL_SERVER_INTERFACE_TYPE))
		table.Size = sizeof(KMCL_SERVER_INTERFACE_V1);
	else
		return STATUS_NOT_SUPPORTED;
	/* Before the size, which is that of a version */
	if (Version != KMCL_CLIENT_INTERFACE_VERSION_V1)
		return STATUS_NOT_SUPPORTED;
	if (Size != table.Size)
		return STATUS_INVALID_PARAMETER_3;

	/* The table is larger than @Interface's type */
	memcpy((PVOID)Interface, &table, Size);
	return STATUS_SUCCESS;
}

#endif
