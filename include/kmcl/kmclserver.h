/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The functions of KMCL that only a server calls, under Windows' names.
 *
 * Included by vmbuskernelmodeclientlibapi.h, which says what PASSIVE and
 * DISPATCH mean. For a client's channel they return STATUS_INVALID_PARAMETER_1.
 */
#ifndef _KMCL_KMCLSERVER_H
#define _KMCL_KMCLSERVER_H

#include "vmb_status.h"

#define VMBUS_SERVER_CHANNEL_INIT_FLAG_LOOPBACK_OFFER			0x1
#define VMBUS_SERVER_CHANNEL_INIT_FLAG_ENUMERATE_DEVICE_INTERFACE	0x2
#define VMBUS_SERVER_CHANNEL_INIT_FLAG_OFFER_AS_PIPE			0x4
#define VMBUS_SERVER_CHANNEL_INIT_FLAG_FORCE_NEW_CHANNEL		0x8
#define VMBUS_SERVER_CHANNEL_INIT_FLAG_TLNPI_PROVIDER_OFFER		0x10
#define VMBUS_SERVER_CHANNEL_INIT_FLAGS					0x1f

static_assert(VMBUS_SERVER_CHANNEL_INIT_FLAG_LOOPBACK_OFFER ==
	      KMCL_SERVER_LOOPBACK);
static_assert(VMBUS_SERVER_CHANNEL_INIT_FLAG_ENUMERATE_DEVICE_INTERFACE ==
	      KMCL_SERVER_ENUMERATE);
static_assert(VMBUS_SERVER_CHANNEL_INIT_FLAG_OFFER_AS_PIPE ==
	      KMCL_SERVER_OFFER_AS_PIPE);
static_assert(VMBUS_SERVER_CHANNEL_INIT_FLAG_FORCE_NEW_CHANNEL ==
	      KMCL_SERVER_FORCE_NEW);
static_assert(VMBUS_SERVER_CHANNEL_INIT_FLAG_TLNPI_PROVIDER_OFFER ==
	      KMCL_SERVER_TLNPI);

/* Bytes of user data in an offer; no function sets them */
#define VMBUS_SERVER_CHANNEL_INIT_MAXIMUM_OFFER_DATA	120

/**
 * VmbServerChannelInitSetSaveRestorePacketCallbacks() - set the callbacks for
 *	saving and restoring
 * @Channel: disabled, a server
 * @SavePacketCallback: called for each packet that is saved; NULL: the driver
 *	has nothing to save with them
 * @RestorePacketCallback: called for each packet that is restored; NULL: an
 *	image with packets cannot be restored
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1.
 */
static inline NTSTATUS
VmbServerChannelInitSetSaveRestorePacketCallbacks(VMBCHANNEL Channel,
						  PFN_VMB_CHANNEL_SAVE_PACKET
							SavePacketCallback,
						  PFN_VMB_CHANNEL_RESTORE_PACKET
							RestorePacketCallback)
{
	int ret = kmcl_server_set_save_restore(Channel, SavePacketCallback,
					       RestorePacketCallback);

	return kmcl_nt_set(ret, STATUS_INVALID_PARAMETER_1);
}

/**
 * VmbChannelSaveBegin() - begin to save the queue and the packets in flight
 * @Channel: a server, paused, and to stay so until VmbChannelSaveEnd()
 *
 * Context: PASSIVE; not from a callback of this channel.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1,
 * STATUS_INVALID_DEVICE_STATE (not paused, or saving already),
 * STATUS_INSUFFICIENT_RESOURCES.
 */
static inline NTSTATUS VmbChannelSaveBegin(VMBCHANNEL Channel)
{
	int ret = kmcl_save_begin(Channel);

	return ret == -EINVAL ? STATUS_INVALID_PARAMETER_1 : kmcl_ntstatus(ret);
}

/**
 * VmbChannelSaveContinue() - write the next chunk
 * @Channel: a server for which VmbChannelSaveBegin() succeeded
 * @Buffer: where to write the chunk
 * @BufferSize: its bytes
 * @BytesFilled: set to the bytes written
 * @BytesRequired: set to the least @BufferSize with which the next call can
 *	write a chunk; may be NULL
 *
 * Context: PASSIVE; not from a callback of this channel.
 * Return: STATUS_SUCCESS (the last chunk was written); STATUS_BUFFER_OVERFLOW
 * (a chunk was written, and there are more); STATUS_BUFFER_TOO_SMALL (nothing
 * was written); STATUS_INVALID_PARAMETER_1, _2 or _4;
 * STATUS_INVALID_DEVICE_STATE (not begun, all written, or the channel has left
 * Paused since); STATUS_UNSUCCESSFUL (EvtVmbChannelSavePacket failed).
 */
static inline NTSTATUS VmbChannelSaveContinue(VMBCHANNEL Channel, PVOID Buffer,
					      ULONG BufferSize,
					      PULONG BytesFilled,
					      PULONG BytesRequired)
{
	int ret = kmcl_save_continue(Channel, Buffer, BufferSize, BytesFilled,
				     BytesRequired);

	if (ret != -EINVAL)
		return kmcl_ntstatus(ret);
	if (!Buffer && BufferSize)
		return STATUS_INVALID_PARAMETER_2;
	return BytesFilled ? STATUS_INVALID_PARAMETER_1 :
		STATUS_INVALID_PARAMETER_4;
}

/**
 * VmbChannelSaveEnd() - end saving, also after a failure
 * @Channel: in any state
 *
 * Context: PASSIVE; not from a callback of this channel.
 */
static inline void VmbChannelSaveEnd(VMBCHANNEL Channel)
{
	kmcl_save_end(Channel);
}

/**
 * VmbChannelRestoreFromBuffer() - restore one chunk
 * @Channel: a server, paused
 * @Buffer: a chunk, as VmbChannelSaveContinue() wrote it
 * @BufferSize: its bytes
 *
 * Context: PASSIVE; not from a callback of this channel.
 * Return: STATUS_SUCCESS (this was the last chunk);
 * STATUS_MORE_PROCESSING_REQUIRED (there are more); STATUS_INVALID_PARAMETER_1,
 * _2 (NULL, or not the next chunk) or _3 (shorter than the chunk);
 * STATUS_INVALID_DEVICE_STATE (not paused); STATUS_NOT_SUPPORTED (no
 * EvtVmbChannelRestorePacket); STATUS_UNSUCCESSFUL
 * (EvtVmbChannelRestorePacket failed).
 */
static inline NTSTATUS VmbChannelRestoreFromBuffer(VMBCHANNEL Channel,
						   PVOID Buffer,
						   ULONG BufferSize)
{
	int ret = kmcl_restore(Channel, Buffer, BufferSize);

	switch (ret) {
	case 1:
		return STATUS_MORE_PROCESSING_REQUIRED;
	case -EINVAL:
		return kmcl_channel_is_server(Channel) ?
			STATUS_INVALID_PARAMETER_2 : STATUS_INVALID_PARAMETER_1;
	case -EBADMSG:
		return STATUS_INVALID_PARAMETER_2;
	case -ENODATA:
		return STATUS_INVALID_PARAMETER_3;
	default:
		return kmcl_ntstatus(ret);
	}
}

/**
 * VmbPacketRestore() - restore a saved packet
 * @Packet: as for VmbPacketSend()
 * @LibraryBuffer: what EvtVmbChannelRestorePacket was given
 * @LibraryBufferSize: its bytes
 *
 * Context: only inside EvtVmbChannelRestorePacket.
 * Return: STATUS_SUCCESS: accepted, as by VmbPacketSend(). Not accepted:
 * STATUS_INVALID_PARAMETER_1, _2 (not a saved packet) or _3 (shorter than the
 * saved packet); STATUS_INVALID_DEVICE_STATE (not in that callback);
 * STATUS_DEVICE_REMOVED.
 */
static inline NTSTATUS VmbPacketRestore(VMBPACKET Packet, PVOID LibraryBuffer,
					ULONG LibraryBufferSize)
{
	int ret = kmcl_packet_restore(Packet, LibraryBuffer, LibraryBufferSize);

	switch (ret) {
	case -EINVAL:
		return Packet ? STATUS_INVALID_PARAMETER_2 :
			STATUS_INVALID_PARAMETER_1;
	case -ENOENT:
	case -EBUSY:
		return STATUS_INVALID_PARAMETER_1;
	case -EBADMSG:
	case -EEXIST:
		return STATUS_INVALID_PARAMETER_2;
	case -ENODATA:
		return STATUS_INVALID_PARAMETER_3;
	case -EPERM:
		return STATUS_INVALID_DEVICE_STATE;
	default:
		return kmcl_ntstatus(ret);
	}
}

/**
 * VmbServerChannelInitSetFlags() - set how the channel is offered
 * @Channel: disabled, a server
 * @Flags: VMBUS_SERVER_CHANNEL_INIT_FLAG_*; replaces what was set before
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1 or _2.
 */
static inline NTSTATUS VmbServerChannelInitSetFlags(VMBCHANNEL Channel,
						    UINT32 Flags)
{
	int ret = kmcl_server_set_flags(Channel, Flags);

	return kmcl_nt_set_endpoint(ret, Channel, true,
				    STATUS_INVALID_PARAMETER_2);
}

/**
 * VmbServerChannelInitSetMmioMegabytes() - set the MMIO size in the offer
 * @Channel: disabled, a server
 * @MmioMegabytes: MiB that a client has to reserve
 * @MmioMegabytesOptional: MiB that it may reserve in addition
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1,
 * STATUS_INVALID_PARAMETER (both are 0).
 */
static inline NTSTATUS
VmbServerChannelInitSetMmioMegabytes(VMBCHANNEL Channel, UINT16 MmioMegabytes,
				     UINT16 MmioMegabytesOptional)
{
	int ret = kmcl_server_set_mmio(Channel, MmioMegabytes,
				       MmioMegabytesOptional);

	return kmcl_nt_set_endpoint(ret, Channel, true,
				    STATUS_INVALID_PARAMETER);
}

/**
 * VmbServerChannelInitSetTargetInterfaceId() - set the GUIDs that are offered
 * @Channel: disabled, a server
 * @InterfaceType: class of the device
 * @InterfaceInstance: the device
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1.
 */
static inline NTSTATUS
VmbServerChannelInitSetTargetInterfaceId(VMBCHANNEL Channel,
					 GUID InterfaceType,
					 GUID InterfaceInstance)
{
	int ret = kmcl_server_set_target(Channel, &InterfaceType,
					 &InterfaceInstance);

	return kmcl_nt_set(ret, STATUS_INVALID_PARAMETER_1);
}

/**
 * VmbServerChannelInitSetTargetVtl() - set the virtual trust level of clients
 * @Channel: disabled, a server
 * @TargetVtl: 0
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1 or _2 (above 15);
 * STATUS_NOT_SUPPORTED (1 to 15: Linux has no clients there).
 */
static inline NTSTATUS VmbServerChannelInitSetTargetVtl(VMBCHANNEL Channel,
							UINT8 TargetVtl)
{
	int ret = kmcl_server_set_vtl(Channel, TargetVtl);

	return kmcl_nt_set_endpoint(ret, Channel, true,
				    STATUS_INVALID_PARAMETER_2);
}

/**
 * VmbServerChannelInitSetVmbusHandle() - set the virtual machine to offer to
 * @Channel: disabled, a server
 * @KernelHandle: Linux has no such handles
 *
 * Context: PASSIVE.
 * Return: STATUS_INVALID_PARAMETER_1, STATUS_INVALID_HANDLE (NULL), else
 * STATUS_NOT_SUPPORTED.
 */
static inline NTSTATUS VmbServerChannelInitSetVmbusHandle(VMBCHANNEL Channel,
							  HANDLE KernelHandle)
{
	int ret = kmcl_server_set_bus(Channel, KernelHandle);

	return kmcl_nt_set(ret, STATUS_INVALID_PARAMETER_1);
}

/**
 * VmbConvertVmbusHandleToKernelHandle() - convert a handle of user space
 * @UserHandle: Linux has no such handles
 * @KernelHandle: not written
 *
 * Context: PASSIVE.
 * Return: STATUS_INVALID_HANDLE (NULL), else STATUS_NOT_SUPPORTED.
 */
static inline NTSTATUS VmbConvertVmbusHandleToKernelHandle(HANDLE UserHandle,
							   PHANDLE KernelHandle)
{
	return kmcl_ntstatus(kmcl_bus_handle(UserHandle, KernelHandle));
}

#endif
