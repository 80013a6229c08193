/* SPDX-License-Identifier: GPL-2.0 */
/*
 * External data and GPADLs under Windows' names: memory of a client that its
 * server can use.
 *
 * A client describes its memory with MDLs (mdl.h). The memory stays where it is
 * until the packet's completion routine is called, or the GPADL is deleted. The
 * MDLs that the server gets belong to the library.
 */
#ifndef _KMCL_VMB_MEMORY_H
#define _KMCL_VMB_MEMORY_H

#include "mdl.h"
#include "vmb_status.h"

static_assert(VMBUS_CHANNEL_FORMAT_FLAG_FORCE_MDL_LENGTH ==
	      KMCL_SEND_FORCE_LENGTH);
static_assert(VMBUS_CHANNEL_GPADL_FLAG_READ_ONLY == KMCL_GPADL_READ_ONLY);
static_assert(VMBUS_CHANNEL_PROCESS_PACKET_FLAG_EXTERNAL_DATA ==
	      KMCL_PACKET_EXTERNAL);
static_assert(VMBUS_CHANNEL_PACKET_EXTERNAL_DATA_FLAG_READ_ONLY ==
	      KMCL_EXTERNAL_READ_ONLY);

/**
 * VmbChannelInitSetMaximumExternalData() - set the limits of external data
 * @Channel: disabled, without packets so far
 * @DataSize: most bytes with one packet; 128 KiB if never set
 * @ChainLength: most MDLs in a chain; 32 if never set
 *
 * Limits what a client sends, and what a server accepts.
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS, STATUS_INVALID_PARAMETER_1, _2 or _3.
 */
static inline NTSTATUS VmbChannelInitSetMaximumExternalData(VMBCHANNEL Channel,
							    UINT32 DataSize,
							    UINT32 ChainLength)
{
	int ret = kmcl_set_max_external(Channel, DataSize, ChainLength);

	return kmcl_nt_set(ret, DataSize ? STATUS_INVALID_PARAMETER_3 :
			   STATUS_INVALID_PARAMETER_2);
}

/**
 * VmbPacketSendWithExternalMdl() - send a packet with a part of an MDL chain
 * @Packet: a client's; the library's until its completion routine is called
 * @Buffer: payload; not used after the call
 * @BufferLength: its bytes, at most the largest payload
 * @Mdl: the chain; not used after the call
 * @MdlOffset: where the part begins, in bytes from the chain's first one
 * @MdlLength: its bytes; 0: to the end of the chain
 * @Flags: VMBUS_CHANNEL_FORMAT_FLAG_*; WAIT_FOR_COMPLETION must be set. With
 *	FORCE_MDL_LENGTH the part may reach past the first MDL's bytes, up to
 *	the end of its last page, and the rest of the chain is not used
 *
 * A failure means that the packet was not accepted.
 *
 * Context: DISPATCH; PASSIVE with VMBUS_CHANNEL_FORMAT_FLAG_PAGED_BUFFER.
 * Return: STATUS_SUCCESS; STATUS_INVALID_PARAMETER_1, _2, _3, _4 (no chain,
 * above the channel's limits, pipe mode), _5 (@MdlOffset), _6 (@MdlLength) or
 * _7 (@Flags); STATUS_NOT_SUPPORTED (a server); STATUS_DEVICE_REMOVED
 * (VmbChannelCleanup() is running); STATUS_ACCESS_VIOLATION (see
 * VmbPacketSend()).
 */
static inline NTSTATUS
VmbPacketSendWithExternalMdl(VMBPACKET Packet, PVOID Buffer,
			     UINT32 BufferLength, PMDL Mdl, UINT32 MdlOffset,
			     UINT32 MdlLength, UINT32 Flags)
{
	int ret = kmcl_send_mdl_part(Packet, Buffer, BufferLength,
				     kmcl_from_mdl(Mdl), MdlOffset, MdlLength,
				     kmcl_nt_flags(Flags));

	switch (ret) {
	case 0:
		return STATUS_SUCCESS;
	case -ENXIO:
		return STATUS_INVALID_PARAMETER_5;
	case -ERANGE:
		return STATUS_INVALID_PARAMETER_6;
	default:
		return kmcl_nt_send(ret, Packet, Buffer, BufferLength,
				    Mdl && (ret != -EFAULT ||
				    kmcl_nt_described(kmcl_from_mdl(Mdl))),
				    STATUS_INVALID_PARAMETER_7);
	}
}

/**
 * VmbPacketSendWithExternalPfns() - send a packet with whole pages
 * @Packet: a client's; the library's until its completion routine is called
 * @Buffer: payload; not used after the call
 * @BufferLength: its bytes, at most the largest payload
 * @Pfns: numbers of pages of 4 KiB; copied
 * @PfnLength: how many
 * @Flags: VMBUS_CHANNEL_FORMAT_FLAG_*; WAIT_FOR_COMPLETION must be set
 *
 * A failure means that the packet was not accepted.
 *
 * Context: DISPATCH; PASSIVE with VMBUS_CHANNEL_FORMAT_FLAG_PAGED_BUFFER.
 * Return: STATUS_SUCCESS; STATUS_INVALID_PARAMETER_1, _2, _3, _4 (NULL, pipe
 * mode), _5 (0, or above the channel's limits) or _6 (@Flags);
 * STATUS_NOT_SUPPORTED (a server); STATUS_DEVICE_REMOVED (VmbChannelCleanup()
 * is running); STATUS_ACCESS_VIOLATION (see VmbPacketSend()).
 */
static inline NTSTATUS
VmbPacketSendWithExternalPfns(VMBPACKET Packet, PVOID Buffer,
			      UINT32 BufferLength, PPFN_NUMBER Pfns,
			      UINT32 PfnLength, UINT32 Flags)
{
	int ret = kmcl_send_pfns(Packet, Buffer, BufferLength, Pfns, PfnLength,
				 kmcl_nt_flags(Flags));

	switch (ret) {
	case 0:
		return STATUS_SUCCESS;
	case -E2BIG:
	case -ERANGE:
		return STATUS_INVALID_PARAMETER_5;
	default:
		return kmcl_nt_send(ret, Packet, Buffer, BufferLength, Pfns,
				    STATUS_INVALID_PARAMETER_6);
	}
}

/**
 * VmbChannelPacketGetExternalData() - get the external data of a packet
 * @PacketCompletionContext: of a packet that was delivered with
 *	VMBUS_CHANNEL_PROCESS_PACKET_FLAG_EXTERNAL_DATA
 * @Flags: VMBUS_CHANNEL_PACKET_EXTERNAL_DATA_FLAG_READ_ONLY, or 0
 * @Mdl: set to a chain of the library's, the same at each call, valid until the
 *	packet is completed. The driver unmaps before what it has mapped
 *
 * Context: DISPATCH; inside EvtChannelProcessPacket.
 * Return: STATUS_SUCCESS; STATUS_PENDING (return from the callback without
 * completing the packet, which is delivered again); STATUS_INVALID_PARAMETER_1
 * (no external data), _2 or _3; STATUS_NOT_SUPPORTED (a client's, which has
 * ranges: KmclPacketGetRanges()).
 */
static inline NTSTATUS
VmbChannelPacketGetExternalData(VMBPACKETCOMPLETION PacketCompletionContext,
				UINT32 Flags, PMDL *Mdl)
{
	int ret = kmcl_packet_external(PacketCompletionContext, Flags,
				       (struct kmcl_mdl **)Mdl);

	switch (ret) {
	case -ENODATA:
		return STATUS_INVALID_PARAMETER_1;
	case -EINVAL:
		return Flags & ~VMBUS_CHANNEL_PACKET_EXTERNAL_DATA_FLAGS ?
			STATUS_INVALID_PARAMETER_2 : STATUS_INVALID_PARAMETER_3;
	default:
		return kmcl_ntstatus(ret);
	}
}

typedef struct kmcl_range KMCL_RANGE, *PKMCL_RANGE;

/**
 * KmclPacketGetRanges() - get the ranges of a transfer page packet
 * @PacketCompletionContext: of a packet that a client got with
 *	VMBUS_CHANNEL_PROCESS_PACKET_FLAG_EXTERNAL_DATA
 * @SetId: set to the id of the transfer page set, or NULL
 * @Ranges: set to an array of the library's, valid until the packet is completed
 * @Count: set to its length, at least 1
 *
 * For Linux only; the first version of KMCL's interface has no such function.
 * See kmcl_packet_ranges() for what the driver has to check.
 *
 * Context: DISPATCH.
 * Return: STATUS_SUCCESS; STATUS_INVALID_PARAMETER_1 (it has none), _3 or _4.
 */
static inline NTSTATUS
KmclPacketGetRanges(VMBPACKETCOMPLETION PacketCompletionContext,
		    PUINT16 SetId, const KMCL_RANGE **Ranges, PUINT32 Count)
{
	int ret;

	if (!Count)
		return STATUS_INVALID_PARAMETER_4;
	ret = kmcl_packet_ranges(PacketCompletionContext, SetId, Ranges);
	if (ret < 0)
		return ret == -ENODATA ? STATUS_INVALID_PARAMETER_1 :
			STATUS_INVALID_PARAMETER_3;
	*Count = ret;
	return STATUS_SUCCESS;
}

/* The status of a GPADL call; @other if its first two parameters are right */
static inline NTSTATUS kmcl_nt_gpadl(VMBCHANNEL Channel, UINT32 Flags,
				     NTSTATUS other)
{
	if (!Channel)
		return STATUS_INVALID_PARAMETER_1;
	return Flags & ~VMBUS_CHANNEL_GPADL_FLAGS ? STATUS_INVALID_PARAMETER_2 :
		other;
}

/**
 * VmbChannelCreateGpadlFromBuffer() - share a buffer with the server
 * @Channel: a client's, from EvtChannelOpened on until it closes
 * @Flags: VMBUS_CHANNEL_GPADL_FLAG_READ_ONLY, or 0
 * @Buffer: kernel memory; it stays where it is until VmbChannelDeleteGpadl()
 * @ByteCount: its bytes
 * @GpadlHandle: set to the handle, never 0; the driver sends it to the server
 *
 * On hv_vmbus, whole frames of 4 KiB only.
 *
 * Context: PASSIVE; waits for the peer.
 * Return: STATUS_SUCCESS; STATUS_INVALID_DEVICE_STATE (not open);
 * STATUS_DEVICE_REMOVED; STATUS_INSUFFICIENT_RESOURCES; STATUS_NOT_SUPPORTED (a
 * server; not whole frames); STATUS_INVALID_PARAMETER_1, _2, _3 (no memory
 * there), _4 (0, or more than a GPADL can have) or _5.
 */
static inline NTSTATUS
VmbChannelCreateGpadlFromBuffer(VMBCHANNEL Channel, UINT32 Flags, PVOID Buffer,
				UINT32 ByteCount, PUINT32 GpadlHandle)
{
	int ret = kmcl_gpadl_create(Channel, Flags, Buffer, ByteCount,
				    GpadlHandle);
	NTSTATUS other = STATUS_INVALID_PARAMETER;

	switch (ret) {
	case -EINVAL:
		if (!Buffer)
			other = STATUS_INVALID_PARAMETER_3;
		else if (!ByteCount)
			other = STATUS_INVALID_PARAMETER_4;
		else if (!GpadlHandle)
			other = STATUS_INVALID_PARAMETER_5;
		return kmcl_nt_gpadl(Channel, Flags, other);
	case -EFAULT:
		return STATUS_INVALID_PARAMETER_3;
	case -E2BIG:
		return STATUS_INVALID_PARAMETER_4;
	default:
		return kmcl_ntstatus(ret);
	}
}

/**
 * VmbChannelCreateGpadlFromMdl() - share described memory with the server
 * @Channel: a client's, from EvtChannelOpened on until it closes
 * @Flags: VMBUS_CHANNEL_GPADL_FLAG_READ_ONLY, or 0
 * @Mdl: the chain; not used after the call
 * @StartOffset: where to begin, in bytes from the chain's first one
 * @Length: bytes; 0: to the end of the chain
 * @GpadlHandle: set to the handle, never 0; the driver sends it to the server
 *
 * On hv_vmbus, whole frames of 4 KiB only.
 *
 * Context: PASSIVE; waits for the peer.
 * Return: as VmbChannelCreateGpadlFromBuffer(), but STATUS_INVALID_PARAMETER_3
 * (no chain, nothing described), _4 (@StartOffset), _5 (@Length, or more than a
 * GPADL can have) or _6.
 */
static inline NTSTATUS
VmbChannelCreateGpadlFromMdl(VMBCHANNEL Channel, UINT32 Flags, PMDL Mdl,
			     UINT32 StartOffset, UINT32 Length,
			     PUINT32 GpadlHandle)
{
	int ret = kmcl_gpadl_create_mdl(Channel, Flags, kmcl_from_mdl(Mdl),
					StartOffset, Length, GpadlHandle);

	switch (ret) {
	case -EINVAL:
		return kmcl_nt_gpadl(Channel, Flags, GpadlHandle ?
				     STATUS_INVALID_PARAMETER :
				     STATUS_INVALID_PARAMETER_6);
	case -EFAULT:
		return STATUS_INVALID_PARAMETER_3;
	case -ENXIO:
		return STATUS_INVALID_PARAMETER_4;
	case -ERANGE:
	case -E2BIG:
		return STATUS_INVALID_PARAMETER_5;
	default:
		return kmcl_ntstatus(ret);
	}
}

/**
 * VmbChannelDeleteGpadl() - stop sharing memory with the server
 * @Channel: a client's, until EvtChannelClosed returns
 * @GpadlHandle: of this channel; another one is ignored, with a warning
 *
 * When it returns, the memory may be freed. If the host did not give it back,
 * it is not used again; see kmcl_gpadl_delete() for which memory this waits
 * instead.
 *
 * Context: PASSIVE; waits while the server has it mapped, but after a rescind
 * not for a host.
 */
static inline void VmbChannelDeleteGpadl(VMBCHANNEL Channel, UINT32 GpadlHandle)
{
	kmcl_gpadl_delete(Channel, GpadlHandle);
}

/**
 * VmbChannelMapGpadl() - map a client's memory
 * @Channel: a server's, from EvtChannelOpened on until it closes
 * @Flags: VMBUS_CHANNEL_GPADL_FLAG_READ_ONLY, or 0
 * @GpadlHandle: from the client
 * @Mdl: set to a chain of the library's, valid until VmbChannelUnmapGpadl()
 *
 * Context: PASSIVE.
 * Return: STATUS_SUCCESS; STATUS_NOT_FOUND; STATUS_SHARING_VIOLATION (it is
 * mapped already); STATUS_ACCESS_DENIED (READ_ONLY for the client, and not in
 * @Flags);
 * STATUS_DEVICE_REMOVED; STATUS_INVALID_DEVICE_STATE (not open);
 * STATUS_INSUFFICIENT_RESOURCES; STATUS_NOT_SUPPORTED (a client);
 * STATUS_INVALID_PARAMETER_1, _2 or _4.
 */
static inline NTSTATUS VmbChannelMapGpadl(VMBCHANNEL Channel, UINT32 Flags,
					  UINT32 GpadlHandle, PMDL *Mdl)
{
	int ret = kmcl_gpadl_map(Channel, Flags, GpadlHandle,
				 (struct kmcl_mdl **)Mdl);

	switch (ret) {
	case -EINVAL:
		return kmcl_nt_gpadl(Channel, Flags,
				     STATUS_INVALID_PARAMETER_4);
	case -EBUSY:
		return STATUS_SHARING_VIOLATION;
	default:
		return kmcl_ntstatus(ret);
	}
}

/**
 * VmbChannelUnmapGpadl() - unmap a client's memory
 * @Channel: a server's, until EvtChannelClosed returns
 * @GpadlHandle: mapped; another one is ignored, with a warning
 *
 * Context: PASSIVE.
 */
static inline void VmbChannelUnmapGpadl(VMBCHANNEL Channel, UINT32 GpadlHandle)
{
	kmcl_gpadl_unmap(Channel, GpadlHandle);
}

#endif
