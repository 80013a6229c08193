/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The functions of KMCL that only a server calls, under Windows' names.
 *
 * Included by vmbuskernelmodeclientlibapi.h, which tells what PASSIVE and
 * DISPATCH mean. On a client they return STATUS_INVALID_PARAMETER_1.
 */
#ifndef _KMCL_KMCLSERVER_H
#define _KMCL_KMCLSERVER_H

#include "vmb_types.h"

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

/* Bytes of user data that an offer has room for; no function sets them */
#define VMBUS_SERVER_CHANNEL_INIT_MAXIMUM_OFFER_DATA	120

/**
 * VmbServerChannelInitSetFlags() - how the channel is offered
 * @Channel: disabled, a server
 * @Flags: VMBUS_SERVER_CHANNEL_INIT_FLAG_*; replaces what was set before
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1 or _2.
 */
static inline NTSTATUS VmbServerChannelInitSetFlags(VMBCHANNEL Channel,
						    UINT32 Flags)
{
	return kmcl_ntstatus(__kmcl_server_set_flags(Channel, Flags));
}

/**
 * VmbServerChannelInitSetMmioMegabytes() - memory-mapped I/O for the guest
 * @Channel: disabled, a server
 * @MmioMegabytes: MiB to reserve
 * @MmioMegabytesOptional: MiB that are welcome besides
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1,
 * STATUS_INVALID_PARAMETER (both are 0).
 */
static inline NTSTATUS
VmbServerChannelInitSetMmioMegabytes(VMBCHANNEL Channel, UINT16 MmioMegabytes,
				     UINT16 MmioMegabytesOptional)
{
	return kmcl_ntstatus(__kmcl_server_set_mmio(Channel, MmioMegabytes,
						    MmioMegabytesOptional));
}

/**
 * VmbServerChannelInitSetTargetInterfaceId() - what the channel is offered as
 * @Channel: disabled, a server
 * @InterfaceType: names the protocol
 * @InterfaceInstance: names this one service
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1.
 */
static inline NTSTATUS
VmbServerChannelInitSetTargetInterfaceId(VMBCHANNEL Channel,
					 GUID InterfaceType,
					 GUID InterfaceInstance)
{
	return kmcl_ntstatus(__kmcl_server_set_target(Channel, &InterfaceType,
						      &InterfaceInstance));
}

/**
 * VmbServerChannelInitSetTargetVtl() - virtual trust level of the clients
 * @Channel: disabled, a server
 * @TargetVtl: 0
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1 or _2 (above 15);
 * STATUS_NOT_SUPPORTED: Linux has no clients in another level.
 */
static inline NTSTATUS VmbServerChannelInitSetTargetVtl(VMBCHANNEL Channel,
							UINT8 TargetVtl)
{
	return kmcl_ntstatus(__kmcl_server_set_vtl(Channel, TargetVtl));
}

/**
 * VmbServerChannelInitSetVmbusHandle() - which virtual machine it is offered to
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
	return kmcl_ntstatus(__kmcl_server_set_bus(Channel, KernelHandle));
}

/**
 * VmbConvertVmbusHandleToKernelHandle() - a process' handle for the kernel
 * @UserHandle: Linux has no such handles
 * @KernelHandle: left alone
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
