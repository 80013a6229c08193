/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Incoming packets, and packets to send, under Windows' names.
 *
 * Each function says in which context it may be called, most at DISPATCH. A
 * packet belongs to the library from the send call that accepts it until its
 * completion routine is called.
 */
#ifndef _KMCL_VMB_PACKET_H
#define _KMCL_VMB_PACKET_H

#include "mdl.h"
#include "vmb_status.h"

/* Incoming packets */

/**
 * VmbChannelPacketComplete() - complete an incoming packet
 * @PacketCompletionContext: not to be used afterwards
 * @Buffer: data of the completion, if the peer asked for one, or NULL; copied
 * @BufferSize: its bytes
 *
 * Called exactly once for each packet, in any order.
 *
 * Context: DISPATCH.
 */
static inline void
VmbChannelPacketComplete(VMBPACKETCOMPLETION PacketCompletionContext,
			 PVOID Buffer, UINT32 BufferSize)
{
	kmcl_complete(PacketCompletionContext, Buffer, BufferSize);
}

/**
 * VmbChannelPacketDeferToPassive() - have a packet delivered again, at PASSIVE
 * @PacketCompletionContext: not to be used afterwards
 *
 * Context: only inside EvtChannelProcessPacket.
 */
static inline void
VmbChannelPacketDeferToPassive(VMBPACKETCOMPLETION PacketCompletionContext)
{
	kmcl_packet_defer(PacketCompletionContext);
}

/**
 * VmbChannelPacketFail() - fail a malformed packet and stop delivery
 * @PacketCompletionContext: not to be used afterwards
 *
 * Context: only inside EvtChannelProcessPacket.
 */
static inline void
VmbChannelPacketFail(VMBPACKETCOMPLETION PacketCompletionContext)
{
	kmcl_packet_fail(PacketCompletionContext);
}

/* Packets to send */

/**
 * VmbPacketAllocate() - allocate a packet, with room for the largest payload
 * @Channel: in any state
 *
 * The default completion routine frees the packet.
 *
 * Context: DISPATCH.
 * Return: the packet, or NULL.
 */
static inline VMBPACKET VmbPacketAllocate(VMBCHANNEL Channel)
{
	return kmcl_packet_alloc(Channel);
}

/**
 * VmbPacketFree() - free a packet
 * @Packet: from VmbPacketAllocate(), neither queued nor in flight
 *
 * Context: DISPATCH.
 */
static inline void VmbPacketFree(VMBPACKET Packet)
{
	kmcl_packet_free(Packet);
}

/**
 * VmbPacketInitialize() - make a packet in the driver's memory
 * @Channel: in any state
 * @Packet: the memory, aligned to 8 bytes; if it is a packet already, neither
 *	queued nor in flight
 * @ByteCount: its bytes, at least VmbChannelSizeofPacket()
 *
 * The library never frees it. It has no default completion routine: the driver
 * sets one before sending it.
 *
 * Context: DISPATCH.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1, _2 (alignment, or it is
 * in flight) or _3.
 */
static inline NTSTATUS VmbPacketInitialize(VMBCHANNEL Channel, VMBPACKET Packet,
					   UINT32 ByteCount)
{
	int ret = kmcl_packet_init(Channel, Packet, ByteCount);

	switch (ret) {
	case -EINVAL:
		return Channel ? STATUS_INVALID_PARAMETER_2 :
			STATUS_INVALID_PARAMETER_1;
	case -EBUSY:
		return STATUS_INVALID_PARAMETER_2;
	case -ENOSPC:
		return STATUS_INVALID_PARAMETER_3;
	default:
		return kmcl_ntstatus(ret);
	}
}

/**
 * VmbPacketGetChannel() - get the channel of a packet
 * @Packet: in any state
 *
 * Context: DISPATCH.
 * Return: the channel.
 */
static inline VMBCHANNEL VmbPacketGetChannel(VMBPACKET Packet)
{
	return kmcl_packet_channel(Packet);
}

/**
 * VmbPacketSetPointer() - set the driver's pointer of a packet
 * @Packet: in any state
 * @Pointer: not interpreted, not freed
 *
 * Context: DISPATCH.
 */
static inline void VmbPacketSetPointer(VMBPACKET Packet, PVOID Pointer)
{
	kmcl_packet_set_pointer(Packet, Pointer);
}

/**
 * VmbPacketGetPointer() - get the driver's pointer of a packet
 * @Packet: in any state
 *
 * Context: DISPATCH.
 * Return: what VmbPacketSetPointer() was given, or NULL.
 */
static inline PVOID VmbPacketGetPointer(VMBPACKET Packet)
{
	return kmcl_packet_get_pointer(Packet);
}

/**
 * VmbPacketSetCompletionRoutine() - set the completion routine of a packet
 * @Packet: neither queued nor in flight
 * @CompletionRoutine: for this and all later sends; NULL: the default
 *
 * Context: DISPATCH.
 */
static inline void
VmbPacketSetCompletionRoutine(VMBPACKET Packet,
			      PFN_VMB_PACKET_COMPLETION_ROUTINE CompletionRoutine)
{
	kmcl_nt_packet_set_done(Packet, CompletionRoutine);
}

/**
 * VmbPacketSend() - send or queue a packet
 * @Packet: the library's until its completion routine is called
 * @Buffer: payload; not used after the call
 * @BufferLength: its bytes, at most the largest payload
 * @ExternalDataMdl: chain that describes memory of a client for its server, or
 *	NULL. Not used after the call; the memory stays where it is until the
 *	completion routine is called
 * @Flags: VMBUS_CHANNEL_FORMAT_FLAG_*
 *
 * A failure means that the packet was not accepted: it is still the driver's,
 * and its completion routine is not called.
 *
 * Context: DISPATCH; PASSIVE with VMBUS_CHANNEL_FORMAT_FLAG_PAGED_BUFFER.
 * Return: STATUS_SUCCESS; STATUS_INVALID_PARAMETER_1, _2, _3, _4 (the chain
 * describes nothing, or more than VmbChannelInitSetMaximumExternalData()
 * allows; pipe mode) or _5 (unknown flags; an MDL without WAIT_FOR_COMPLETION;
 * WAIT_FOR_COMPLETION in pipe mode); STATUS_NOT_SUPPORTED (an MDL on a server);
 * STATUS_DEVICE_REMOVED (VmbChannelCleanup() is running);
 * STATUS_ACCESS_VIOLATION (not all of a @Buffer in user space can be read,
 * which needs VMBUS_CHANNEL_FORMAT_FLAG_PAGED_BUFFER).
 */
static inline NTSTATUS VmbPacketSend(VMBPACKET Packet, PVOID Buffer,
				     UINT32 BufferLength, PMDL ExternalDataMdl,
				     UINT32 Flags)
{
	int ret;

	if (likely(!ExternalDataMdl))
		ret = kmcl_send(Packet, Buffer, BufferLength,
				kmcl_nt_flags(Flags));
	else
		ret = kmcl_send_mdl(Packet, Buffer, BufferLength,
				    kmcl_from_mdl(ExternalDataMdl),
				    kmcl_nt_flags(Flags));

	return likely(!ret) ? STATUS_SUCCESS :
		kmcl_nt_send(ret, Packet, Buffer, BufferLength,
			     ret != -EFAULT ||
			     kmcl_nt_described(kmcl_from_mdl(ExternalDataMdl)),
			     STATUS_INVALID_PARAMETER_5);
}

#endif
