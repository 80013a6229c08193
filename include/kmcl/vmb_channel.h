/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Channels under Windows' names: allocating, enabling, pausing and freeing
 * them, and what can be asked and set in any state. Each function says in which
 * context it may be called.
 */
#ifndef _KMCL_VMB_CHANNEL_H
#define _KMCL_VMB_CHANNEL_H

#include "vmb_status.h"

/* Channels */

/**
 * VmbChannelAllocate() - allocate a channel, disabled, with default settings
 * @Parent: device that the channel belongs to; referenced until
 *	VmbChannelCleanup()
 * @IsServer: TRUE: a server, which makes an offer; FALSE: a client
 * @Channel: set to the channel, which VmbChannelCleanup() frees
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INSUFFICIENT_RESOURCES,
 * STATUS_INVALID_PARAMETER_1 or _3.
 */
static inline NTSTATUS VmbChannelAllocate(PDEVICE_OBJECT Parent,
					  BOOLEAN IsServer,
					  VMBCHANNEL *Channel)
{
	int ret;

	if (!Parent)
		return STATUS_INVALID_PARAMETER_1;
	ret = kmcl_channel_alloc(Parent, IsServer, Channel);
	return ret == -EINVAL ? STATUS_INVALID_PARAMETER_3 : kmcl_ntstatus(ret);
}

/**
 * VmbChannelCleanup() - free a disabled channel
 * @Channel: not to be used afterwards; the driver has freed the channel's idle
 *	packets before
 *
 * Packets that are still queued end with STATUS_CANCELLED, in order.
 *
 * Context: PASSIVE; not from a callback of this channel.
 */
static inline void VmbChannelCleanup(VMBCHANNEL Channel)
{
	kmcl_channel_free(Channel);
}

/**
 * VmbChannelEnable() - enable a channel
 * @Channel: disabled, with a target; a client without one has a VMBus device as
 *	its parent
 *
 * A client opens its target, now or when it is offered; a server is offered.
 *
 * Context: PASSIVE; not from a callback of this channel. Does not wait for the
 * peer.
 * Return: STATUS_SUCCESS; STATUS_INVALID_PARAMETER_1;
 * STATUS_INVALID_DEVICE_STATE (not disabled; no target, or the parent is in use
 * by another channel; from a callback); STATUS_OBJECT_NAME_COLLISION (there is
 * a server with these GUIDs); STATUS_NO_SUCH_DEVICE (no transport for the
 * parent is loaded); STATUS_DEVICE_REMOVED (the parent is being removed);
 * STATUS_INSUFFICIENT_RESOURCES.
 */
static inline NTSTATUS VmbChannelEnable(VMBCHANNEL Channel)
{
	if (!Channel)
		return STATUS_INVALID_PARAMETER_1;
	return kmcl_ntstatus(kmcl_channel_enable(Channel));
}

/**
 * VmbChannelDisable() - close a channel
 * @Channel: in any state
 *
 * Waits until the driver has completed what is outstanding and, if the channel
 * was open, EvtChannelClosed has returned.
 *
 * Context: PASSIVE; not from a callback of this channel.
 */
static inline void VmbChannelDisable(VMBCHANNEL Channel)
{
	kmcl_channel_disable(Channel);
}

/**
 * VmbChannelStart() - resume a channel after VmbChannelPause()
 * @Channel: enabled
 *
 * Context: PASSIVE; not from a callback of this channel. Does not wait.
 */
static inline void VmbChannelStart(VMBCHANNEL Channel)
{
	kmcl_channel_start(Channel);
}

/**
 * VmbChannelPause() - pause a channel
 * @Channel: enabled; a disabled one will be paused once it is open
 *
 * Returns when EvtChannelSuspend has returned and no packet is outstanding.
 *
 * Context: PASSIVE; not from a callback of this channel.
 */
static inline void VmbChannelPause(VMBCHANNEL Channel)
{
	kmcl_channel_pause(Channel);
}

/* At any time */

/**
 * VmbChannelGetInterfaceInstance() - get the instance GUID
 * @Channel: in any state
 * @InterfaceInstance: set to the target's instance. Of a channel that binds to
 *	any instance: to the one that is bound; without one, also while it waits
 *	again, to the one that was open last, or to the null GUID if none was
 *
 * Context: DISPATCH.
 */
static inline void VmbChannelGetInterfaceInstance(VMBCHANNEL Channel,
						  LPGUID InterfaceInstance)
{
	kmcl_get_instance(Channel, InterfaceInstance);
}

/**
 * VmbChannelGetMmioSpace() - get the device's memory-mapped I/O
 * @Channel: a client, open
 * @MmioAddress: set to the guest physical address, or 0
 * @MmioSize: set to the bytes, or 0
 *
 * Context: DISPATCH.
 */
static inline void VmbChannelGetMmioSpace(VMBCHANNEL Channel,
					  UINT64 *MmioAddress, UINT64 *MmioSize)
{
	kmcl_get_mmio(Channel, MmioAddress, MmioSize);
}

/**
 * VmbChannelSetInterruptLatency() - set the delay of the host's interrupts
 * @Channel: a client, from EvtChannelOpened to EvtChannelClosed
 * @Latency: units of 100 ns
 * @OriginalLatency: not written
 *
 * Context: PASSIVE.
 * Return: STATUS_INVALID_PARAMETER_1, STATUS_INVALID_DEVICE_STATE (not open),
 * else STATUS_NOT_SUPPORTED.
 */
static inline NTSTATUS VmbChannelSetInterruptLatency(VMBCHANNEL Channel,
						     UINT16 Latency,
						     PUINT16 OriginalLatency)
{
	int ret = kmcl_set_latency(Channel, Latency, OriginalLatency);

	return ret == -EINVAL ? STATUS_INVALID_PARAMETER_1 : kmcl_ntstatus(ret);
}

/**
 * VmbChannelSetPointer() - set the driver's pointer
 * @Channel: in any state
 * @Pointer: not interpreted, not freed
 *
 * Context: DISPATCH.
 */
static inline void VmbChannelSetPointer(VMBCHANNEL Channel, PVOID Pointer)
{
	kmcl_set_pointer(Channel, Pointer);
}

/**
 * VmbChannelGetPointer() - get the driver's pointer
 * @Channel: in any state
 *
 * Context: DISPATCH.
 * Return: what VmbChannelSetPointer() was given, or NULL.
 */
static inline PVOID VmbChannelGetPointer(VMBCHANNEL Channel)
{
	return kmcl_get_pointer(Channel);
}

/**
 * VmbChannelSetIncomingProcessingAtPassive() - deliver in process context
 * @Channel: in any state
 * @RequirePassive: TRUE: only in process context; FALSE: in softirq context as
 *	well; from the next batch on
 *
 * Context: DISPATCH.
 */
static inline void
VmbChannelSetIncomingProcessingAtPassive(VMBCHANNEL Channel,
					 BOOLEAN RequirePassive)
{
	kmcl_set_process_context(Channel, RequirePassive);
}

/**
 * VmbChannelSetTransactionQuota() - limit outstanding incoming packets
 * @Channel: in any state
 * @Quota: above 0; raising it does not restart a delivery that stopped
 *
 * Context: DISPATCH.
 */
static inline void VmbChannelSetTransactionQuota(VMBCHANNEL Channel,
						 UINT32 Quota)
{
	kmcl_set_quota(Channel, Quota);
}

/**
 * VmbChannelSizeofPacket() - get the size that VmbPacketInitialize() needs
 * @Channel: in any state; its largest payload is fixed from here on
 *
 * Context: DISPATCH.
 * Return: the size, the same at each call.
 */
static inline UINT32 VmbChannelSizeofPacket(VMBCHANNEL Channel)
{
	return kmcl_packet_size(Channel);
}

#endif
